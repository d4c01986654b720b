//! Whether a file lets everybody in when our lines go: nothing else in it asks for a proof.

use super::{Kind, Rule, Unclear, lost, rules};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that ask for a proof of who somebody is, or refuse everybody.
const PROOFS: [&str; 23] = [
    "pam_aad",
    "pam_authd",
    "pam_authd_exec",
    "pam_centrifydc",
    "pam_deny",
    "pam_himmelblau",
    "pam_kanidm",
    "pam_krb5",
    "pam_ldap",
    "pam_lsass",
    "pam_lwidentity",
    "pam_mysql",
    "pam_pgsql",
    "pam_pwdfile",
    "pam_radius_auth",
    "pam_sss",
    "pam_systemd_home",
    "pam_tacplus",
    "pam_unix",
    "pam_unix2",
    "pam_userdb",
    "pam_vas3",
    "pam_winbind",
];

/// What Debian lays for the other stacks alone: nothing in them is for auth.
const OTHERS: [&str; 4] = [
    "common-account",
    "common-password",
    "common-session",
    "common-session-noninteractive",
];

/// Whether ours are the only rules of the stack auth that ask for a proof. One before ours does
/// not count if ours was for those whom it does not know: it ends the stack, or jumps over ours,
/// with a yes, and goes on with a no.
pub(super) fn is_open(rules: &[Rule<'_>]) -> Result<bool, Unclear> {
    let ours: Vec<bool> = (rules.iter())
        .map(|rule| rule.is_ours() && rule.kind == Some(Kind::Auth))
        .collect();
    let count = ours.iter().filter(|is| **is).count();
    if count == 0 {
        return Ok(false);
    }
    for (index, rule) in rules.iter().enumerate() {
        if rule.kind.is_some_and(|kind| kind != Kind::Auth) || !rule.proves() {
            continue;
        }
        let comes_first = ours.iter().take(index).all(|is| !is);
        if !comes_first || !goes_past(rules, &ours, index, count)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a rule before ours lets in alone whom it knows, and leaves all others to ours.
fn goes_past(
    rules: &[Rule<'_>],
    ours: &[bool],
    index: usize,
    count: usize,
) -> Result<bool, Unclear> {
    let rule = &rules[index];
    if rule.kind.is_none() || rule.file() == "pam_deny.so" {
        return Ok(false);
    }
    if rule.control_text().eq_ignore_ascii_case("sufficient") {
        return Ok(true);
    }
    let actions = rule.actions();
    let yes = actions
        .iter()
        .find_map(|word| word.strip_prefix("success="));
    let no_is_passed_over = actions.contains(&"default=ignore")
        && !(actions.iter()).any(|word| word.ends_with("=die") || word.ends_with("=bad"));
    Ok(no_is_passed_over
        && match yes.map(str::parse::<usize>) {
            Some(Ok(length)) => lost(rules, ours, index, length)? == count,
            _ => yes == Some("done"),
        })
}

impl Rule<'_> {
    /// Asks for a proof or refuses, or brings in a file that may.
    fn proves(&self) -> bool {
        let control = self.control_text();
        let name = self.file();
        self.kind.is_none() && !OTHERS.contains(&name)
            || control.eq_ignore_ascii_case("include")
            || control.eq_ignore_ascii_case("substack")
            || PROOFS.contains(&name.strip_suffix(".so").unwrap_or(name))
    }

    fn names_file(&self, wanted: &str) -> bool {
        let control = self.control_text();
        let is_other = self.kind.is_none()
            || control.eq_ignore_ascii_case("include")
            || control.eq_ignore_ascii_case("substack");
        is_other && self.file() == wanted
    }
}

/// Whether another file of the same folder brings this one in, by its name or by that of a
/// link to it. So is one, too, of which that cannot be told.
pub(crate) fn is_part(path: &Path) -> bool {
    let found = path.parent().map(fs::read_dir);
    let (Some(Ok(entries)), Ok(real)) = (found, fs::canonicalize(path)) else {
        return true;
    };
    let others: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let names: Vec<&str> = (others.iter())
        .filter(|other| fs::canonicalize(other).is_ok_and(|to| to == real))
        .filter_map(|other| other.file_name()?.to_str())
        .collect();
    others.iter().filter(|other| other.is_file()).any(|other| {
        fs::read(other).is_ok_and(|bytes| {
            let text = String::from_utf8_lossy(&bytes);
            let brings_in = |rule: &Rule<'_>| names.iter().any(|name| rule.names_file(name));
            rules(&text).iter().any(brings_in)
        })
    })
}
