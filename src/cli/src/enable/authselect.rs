//! authselect, where a host has its stacks and lists of names from it: it is asked to select
//! our profile, and to restore its own backup if that does not prove right.

use super::error::{EnableError, about};
use super::host::Host;
use super::{difference, journal, profiles};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// Our profile.
const PROFILE: &str = "domlogon";

/// What is selected when nobody knows what was before: the first that the host has.
const PLAIN: [&str; 3] = ["local", "minimal", "sssd"];

/// Features that restrict nothing: ours makes homes itself, offers no fingerprint beside the
/// password, and shows no last logon.
const HARMLESS: [&str; 3] = ["with-fingerprint", "with-mkhomedir", "with-silent-lastlog"];

/// In the folder of the journal: what was selected before ours.
const BEFORE: &str = "authselect-before";

/// Another profile, and the name of the backup of the present one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Select {
    /// The profile and its features that are selected now, as authselect writes them.
    pub(crate) from: String,
    /// Those that shall be.
    pub(crate) to: String,
    pub(crate) backup: String,
    /// The features that are on now and have no meaning in the other profile.
    #[serde(default)]
    pub(crate) dropped: Vec<String>,
}

/// Whether this host's stacks are authselect's.
pub(crate) fn is_here(host: &Host) -> bool {
    host.at("/etc/authselect/authselect.conf").is_file()
}

/// Whether a file of /etc is one that authselect lays: a link into its own folder.
pub(crate) fn writes(host: &Host, path: &Path) -> bool {
    let own = fs::canonicalize(host.at("/etc/authselect"));
    own.is_ok_and(|own| fs::canonicalize(path).is_ok_and(|real| real.starts_with(own)))
}

/// Selecting our profile; `None` if it is selected.
pub(crate) fn on() -> Result<Option<Select>, EnableError> {
    let from = current()?;
    if is_ours(&from) {
        return Ok(None);
    }
    if !has(PROFILE)? {
        return Err(EnableError::NoAuthselectProfile);
    }
    let features = Features::of(&from, &succeed(&["list-features", PROFILE])?);
    if !features.lost.is_empty() {
        return Err(EnableError::Features(PROFILE.into(), features.lost));
    }
    let to = [vec![PROFILE.to_owned()], features.kept].concat().join(" ");
    Ok(Some(Select {
        dropped: features.dropped,
        ..Select::new(from, to)
    }))
}

/// What becomes of the features that are on when another profile is selected.
#[derive(Debug, Default, PartialEq, Eq)]
struct Features {
    /// The other one has them too.
    kept: Vec<String>,
    /// They restrict nothing, and are left out.
    dropped: Vec<String>,
    /// Without them somebody might be let in, or locked out, who is not now.
    lost: Vec<String>,
}

impl Features {
    /// Of a selection, by the features that another profile knows.
    fn of(from: &str, known: &str) -> Self {
        let mut features = Self::default();
        for word in from.split_whitespace().skip(1) {
            let list = if known.split_whitespace().any(|one| one == word) {
                &mut features.kept
            } else if HARMLESS.contains(&word) {
                &mut features.dropped
            } else {
                &mut features.lost
            };
            list.push(word.to_owned());
        }
        features
    }
}

/// Selecting what was before ours; `None` if ours is not selected.
pub(crate) fn off(host: &Host) -> Result<Option<Select>, EnableError> {
    let from = current()?;
    if !is_ours(&from) {
        return Ok(None);
    }
    let before = fs::read_to_string(host.state().join(BEFORE)).unwrap_or_default();
    for choice in [before.trim()].into_iter().chain(PLAIN) {
        if !choice.is_empty() && has(choice)? {
            let known = succeed(&["list-features", profile(choice)])?;
            let to = with_features(choice, &from, &known)?;
            return Ok(Some(Select::new(from, to)));
        }
    }
    Err(failed("no other profile to select"))
}

/// What shall be selected, with the features that are on now, too: some were turned on since.
fn with_features(choice: &str, from: &str, known: &str) -> Result<String, EnableError> {
    let features = Features::of(from, known);
    if !features.lost.is_empty() {
        return Err(EnableError::Features(profile(choice).into(), features.lost));
    }
    let mut words: Vec<&str> = choice.split_whitespace().collect();
    for word in &features.kept {
        if !words.contains(&word.as_str()) {
            words.push(word);
        }
    }
    Ok(words.join(" "))
}

impl Select {
    fn new(from: String, to: String) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let backup = format!("before-domlogon-{now}-{}", std::process::id());
        Self {
            from,
            to,
            backup,
            dropped: Vec::new(),
        }
    }

    /// What is worth knowing about it.
    pub(crate) fn note(&self) -> Option<String> {
        (!self.dropped.is_empty()).then(|| {
            format!(
                "Note: the profile domlogon of authselect is without what was on here: {}. That \
                 restricts nobody; domlogon disable brings it back.",
                self.dropped.join(", ")
            )
        })
    }

    /// Does it. authselect itself refuses if somebody has edited its files.
    pub(crate) fn apply(&self, host: &Host) -> Result<(), EnableError> {
        if is_ours(&self.to) {
            self.remember(host)?;
        }
        let backup = format!("--backup={}", self.backup);
        let mut arguments = vec!["select"];
        arguments.extend(self.to.split_whitespace());
        arguments.extend([backup.as_str(), "--quiet"]);
        succeed(&arguments).map(drop)
    }

    /// Writes down what was selected before ours.
    fn remember(&self, host: &Host) -> Result<(), EnableError> {
        let path = host.state().join(BEFORE);
        journal::replace(&path, self.from.as_bytes()).map_err(about(&path))
    }

    /// Takes it back, however far it came.
    pub(crate) fn undo(&self) -> Result<(), EnableError> {
        // Without a backup it had not begun.
        let listed = succeed(&["backup-list", "--raw"])?;
        if !listed.lines().any(|line| line.trim() == self.backup) {
            return Ok(());
        }
        succeed(&["backup-restore", &self.backup]).map(drop)
    }

    /// What it would change, as a unified diff.
    pub(crate) fn shown(&self, host: &Host) -> Result<String, EnableError> {
        let mut arguments = vec!["test"];
        arguments.extend(self.to.split_whitespace());
        let mut text = String::new();
        for (path, new) in files(&succeed(&arguments)?) {
            let old = profiles::read(&host.at(path))?.unwrap_or_default();
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "{}",
                difference::unified(path, path, trimmed(&old), trimmed(new.as_bytes()))
            );
        }
        Ok(text)
    }
}

/// The files in what `authselect test` prints: each behind a line with its path.
fn files(text: &str) -> Vec<(&str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let path = line
            .trim_end()
            .strip_prefix("File ")
            .and_then(|rest| rest.strip_suffix(':'))
            .filter(|path| path.starts_with('/'));
        match (path, found.last_mut()) {
            (Some(path), _) => found.push((path, String::new())),
            (None, Some((_, content))) => content.push_str(line),
            (None, None) => {}
        }
    }
    found
}

/// Without the empty lines around, of which `authselect test` adds some.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != b'\n');
    let end = bytes.iter().rposition(|byte| *byte != b'\n');
    match (start, end) {
        // With the last line's own end, if it has one.
        (Some(start), Some(end)) => &bytes[start..(end + 2).min(bytes.len())],
        _ => &[],
    }
}

fn is_ours(selected: &str) -> bool {
    profile(selected).rsplit('/').next() == Some(PROFILE)
}

/// The profile of a selection.
fn profile(selected: &str) -> &str {
    selected.split_whitespace().next().unwrap_or_default()
}

fn current() -> Result<String, EnableError> {
    Ok(succeed(&["current", "--raw"])?.trim().to_owned())
}

/// Whether a profile with its features can be selected.
fn has(choice: &str) -> Result<bool, EnableError> {
    let mut arguments = vec!["test"];
    arguments.extend(choice.split_whitespace());
    Ok(run(&arguments)?.status.success())
}

fn succeed(arguments: &[&str]) -> Result<String, EnableError> {
    let output = run(arguments)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().rfind(|line| !line.trim().is_empty());
    Err(failed(
        line.map_or_else(|| output.status.to_string(), str::to_owned)
            .trim_end_matches('.'),
    ))
}

fn failed(said: &str) -> EnableError {
    EnableError::Tool("authselect", said.into())
}

fn run(arguments: &[&str]) -> Result<Output, EnableError> {
    Command::new("authselect")
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .map_err(|error: io::Error| {
            EnableError::File(Path::new("/usr/bin/authselect").into(), error)
        })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn what_authselect_prints() {
        let text = "File /etc/authselect/a:\n\nauth x\nauth y\n\nFile /etc/nsswitch.conf:\n\npasswd: files\n\n";
        let files = files(text);
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].0, "/etc/authselect/a");
        assert_eq!(trimmed(files[0].1.as_bytes()), b"auth x\nauth y\n");
        assert_eq!(trimmed(files[1].1.as_bytes()), b"passwd: files\n");
        assert_eq!(trimmed(b"\n\n"), b"");
        assert_eq!(trimmed(b"a"), b"a");
    }

    #[test]
    fn features_are_kept_or_named() {
        let known = "with-faillock\nwithout-nullok\nwith-pamaccess\n";
        let from = "local without-nullok with-silent-lastlog with-faillock with-pam-u2f-2fa other";
        let features = Features::of(from, known);
        assert_eq!(features.kept, ["without-nullok", "with-faillock"]);
        assert_eq!(features.dropped, ["with-silent-lastlog"]);
        assert_eq!(features.lost, ["with-pam-u2f-2fa", "other"]);
        assert_eq!(Features::of("custom/with-x", known), Features::default());
        let said = EnableError::Features(PROFILE.into(), features.lost).to_string();
        for part in [
            "with-pam-u2f-2fa, other",
            "authselect disable-feature with-pam-u2f-2fa\n",
            "authselect disable-feature other\n",
            "Nothing was changed.",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn turning_off_keeps_the_features_that_are_on() {
        let known = "with-faillock\nwithout-nullok\nwith-pamaccess\nwith-mkhomedir\n";
        let to = |choice, from| with_features(choice, from, known);
        assert_eq!(
            to(
                "local with-mkhomedir without-nullok",
                "domlogon without-nullok with-faillock with-pamaccess"
            )
            .unwrap(),
            "local with-mkhomedir without-nullok with-faillock with-pamaccess"
        );
        assert_eq!(to("minimal", "domlogon").unwrap(), "minimal");
        let said = to("custom/site", "domlogon with-faillock with-pwhistory")
            .unwrap_err()
            .to_string();
        for part in [
            "its profile custom/site has not",
            "authselect disable-feature with-pwhistory\n",
            "Nothing was changed.",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn what_was_before_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::under(folder.path());
        fs::create_dir_all(host.state()).unwrap();
        let path = host.state().join(BEFORE);
        fs::write(&path, "sssd with-mkhomedir").unwrap();
        let second = host.state().join("second name");
        fs::hard_link(&path, &second).unwrap();
        let select = Select::new("local with-faillock".to_owned(), PROFILE.to_owned());
        select.remember(&host).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "local with-faillock");
        assert_eq!(fs::read_to_string(&second).unwrap(), "sssd with-mkhomedir");
        assert_eq!(fs::read_dir(host.state()).unwrap().count(), 2);
    }

    /// Our templates as authselect fills them in with these features.
    pub(crate) fn filled(template: &str, on: &[&str]) -> Vec<Vec<String>> {
        let is_on = |word: &str| on.contains(&word);
        let mut lines = Vec::new();
        for line in template.lines().filter(|line| !line.starts_with('#')) {
            let (line, condition) = line
                .split_once("{include if \"")
                .map_or((line, None), |(line, rest)| (line, rest.split('"').next()));
            if !condition.is_none_or(is_on) {
                continue;
            }
            let mut text = String::new();
            let mut rest = line;
            while let Some((before, operator)) = rest.split_once("{if ") {
                let (operator, after) = operator.split_once('}').unwrap();
                let (expression, values) = operator.split_once(':').unwrap();
                let (yes, no) = values.split_once('|').unwrap_or((values, ""));
                let word = expression.trim_start_matches("not ").trim_matches('"');
                let holds = is_on(word) != expression.starts_with("not ");
                text.push_str(before);
                text.push_str(if holds { yes } else { no });
                rest = after;
            }
            text.push_str(rest);
            assert!(!text.contains(['{', '}']), "{text}");
            lines.push(text.split_whitespace().map(str::to_owned).collect());
        }
        lines
    }

    /// Where a stack goes on after a module has said yes.
    fn after_yes(stack: &[Vec<String>], module: &str) -> String {
        let at = stack
            .iter()
            .position(|line| line.iter().any(|word| word == module))
            .unwrap();
        let jump = stack[at][1].trim_start_matches("[success=");
        stack[at + 1 + jump.parse::<usize>().unwrap()].join(" ")
    }

    #[test]
    fn with_every_feature_of_ours_a_yes_jumps_over_the_refusals() {
        let templates = [
            include_str!("../../../../packaging/authselect/system-auth"),
            include_str!("../../../../packaging/authselect/password-auth"),
        ];
        assert_eq!(templates[0], templates[1]);
        let words = [
            "with-faillock",
            "with-pamaccess",
            "with-pwhistory",
            "without-nullok",
        ];
        for set in 0..16 {
            let on: Vec<&str> = (0..4)
                .filter(|bit| (set >> bit) & 1 == 1)
                .map(|bit| words[bit])
                .collect();
            let all = filled(templates[0], &on);
            let stack = |kind: &str| -> Vec<Vec<String>> {
                let lines = all
                    .iter()
                    .filter(|line| line.first().is_some_and(|word| word == kind));
                lines.cloned().collect()
            };
            for kind in ["auth", "password"] {
                for module in ["pam_domlogon.so", "pam_unix.so"] {
                    let next = after_yes(&stack(kind), module);
                    assert_eq!(next, format!("{kind} required pam_permit.so"), "{on:?}");
                }
            }
            let has = |kind: &str, part: &str| {
                stack(kind).iter().any(|line| line.join(" ").contains(part))
            };
            for (word, kind, part) in [
                (
                    "with-faillock",
                    "auth",
                    "required pam_faillock.so preauth silent",
                ),
                ("with-faillock", "auth", "required pam_faillock.so authfail"),
                ("with-faillock", "account", "required pam_faillock.so"),
                ("with-pamaccess", "account", "required pam_access.so"),
                (
                    "with-pwhistory",
                    "password",
                    "requisite pam_pwhistory.so use_authtok",
                ),
            ] {
                assert_eq!(has(kind, part), on.contains(&word), "{on:?}: {part}");
            }
            let nullok = !on.contains(&"without-nullok");
            assert_eq!(has("auth", " nullok"), nullok, "{on:?}");
            assert_eq!(has("password", " nullok"), nullok, "{on:?}");
            assert!(has("auth", "required pam_faildelay.so delay=2000000"));
            assert!(has("password", "requisite pam_pwquality.so"));
            // Who is not local passes the rules for local passwords by.
            let password = stack("password");
            let jump = password[0][2]
                .trim_start_matches("default=")
                .trim_end_matches(']');
            let next = &password[1 + jump.parse::<usize>().unwrap()];
            assert_eq!(
                next.join(" "),
                "password [success=1 default=ignore] pam_localuser.so"
            );
        }
    }

    #[test]
    fn ours() {
        assert!(is_ours("domlogon with-custom-passwd") && is_ours("custom/domlogon"));
        assert!(!is_ours("sssd domlogon") && !is_ours(""));
    }
}
