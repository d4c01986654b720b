//! Where sshd goes by the name of an account: as it is typed, or as it is written.

use super::super::finding::{Finding, Report, Severity};
use super::super::host::{Host, matches};
use super::{Configuration, Setting};

const SETTINGS: &str = "/etc/domlogon/domlogon.toml";

pub(super) fn check(host: &Host, configuration: &Configuration, report: &mut Report) {
    let local = Local::read(host);
    spellings(&local, configuration, report);
    let domain = Domain::read(host);
    for (denies, setting) in &configuration.lists {
        list(&local, &domain, *denies, setting, report);
    }
}

/// The names of this host's own users.
struct Local(String);

impl Local {
    fn read(host: &Host) -> Self {
        Self(host.read("/etc/passwd").unwrap_or_default())
    }

    fn has(&self, pattern: &str) -> bool {
        let mut names = self.0.lines().filter_map(|line| line.split(':').next());
        names.any(|name| matches(pattern, name))
    }
}

/// The names of the domain, and how those of its accounts are written.
struct Domain {
    names: Vec<String>,
    /// `alice@corp.example`, and not `alice`.
    is_qualified: bool,
}

impl Domain {
    fn read(host: &Host) -> Self {
        // A file with a mistake is the daemon's to tell of.
        let text = host.read(SETTINGS).unwrap_or_default();
        let toml: toml::Table = text.parse().unwrap_or_default();
        let value = |section: &str, key: &str| {
            let value = toml.get(section)?.get(key)?.as_str()?;
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        let names = [value("domain", "name"), value("domain", "dns_name")];
        Self {
            names: names.into_iter().flatten().collect(),
            is_qualified: value("directory", "names").as_deref() == Some("qualified"),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.names.iter().any(|of| of.eq_ignore_ascii_case(name))
    }

    /// The account that a pattern would name if it were a name: `CORP\alice`,
    /// `alice@corp.example`.
    fn account<'a>(&self, pattern: &'a str) -> Option<&'a str> {
        if let Some((domain, account)) = pattern.split_once('\\') {
            return self.is(domain).then_some(account);
        }
        let (account, domain) = pattern.rsplit_once('@')?;
        self.is(domain.trim_end_matches('.')).then_some(account)
    }
}

/// `Match User` is compared with the name as it is typed, capitals and all; `Match Group`, and
/// the lists of users and groups to be let in, with the names of the account itself
/// (`match_cfg_line` and `allowed_user` of OpenSSH).
fn spellings(local: &Local, configuration: &Configuration, report: &mut Report) {
    for setting in &configuration.users {
        let name = &setting.value;
        if local.has(name) {
            continue;
        }
        report.add(
            Finding::warning(
                "sshd-match-user",
                format!("sshd compares Match User {name} with the name as it is typed"),
            )
            .at(&setting.file, setting.line)
            .because(
                "an account of the domain has more spellings, as ALICE, CORP\\alice and \
                 alice@corp.example for alice, and the block does not hold for a logon by another",
            )
            .mend(
                "write: Match Group GROUP, of which the account is a member (and: systemctl reload \
                 ssh), which looks at the account, however its name is typed; so do AllowGroups \
                 and DenyGroups",
            ),
        );
    }
}

/// A name in `DenyUsers` or `AllowUsers` that no account of the domain can have there: they are
/// compared with the one spelling that the account itself has, and `alice@corp.example` means
/// alice from the host corp.example (`match_user` of OpenSSH).
///
/// Groups alone are advised. Which spelling that is, is not known here; and what is a pattern, or
/// a name of this host, would mean others than it was written for.
fn list(local: &Local, domain: &Domain, denies: bool, setting: &Setting, report: &mut Report) {
    let written = &setting.value;
    let is_pattern = |name: &str| name.contains(['*', '?']);
    let named = domain.account(written);
    let by_host = named.filter(|_| written.contains('@'));
    match named {
        // A user of this host, from one host.
        Some(name)
            if by_host.is_some()
                && !domain.is_qualified
                && !is_pattern(name)
                && local.has(name) =>
        {
            return;
        }
        Some(_) => {}
        None => {
            let is_short = domain.is_qualified && !written.contains(['@', '\\']);
            if !is_short || is_pattern(written) || local.has(written) {
                return;
            }
        }
    }
    let keyword = if denies { "DenyUsers" } else { "AllowUsers" };
    let verb = if denies { "denies" } else { "allows" };
    let severity = match named {
        None => Severity::Warning,
        Some(_) if denies => Severity::Danger,
        Some(_) => Severity::Error,
    };
    let why = if by_host.is_some() {
        "sshd takes what follows the @ for the host that the user comes from"
    } else {
        "sshd compares it with the name as ls and id show it"
    };
    report.add(
        Finding::new(
            severity,
            "sshd-user-list",
            format!("{keyword} {written} {verb} no account of the domain"),
        )
        .at(&setting.file, setting.line)
        .because(why)
        .mend(if denies {
            "write in its place: DenyGroups GROUP, of which whoever is kept out is a member (and: \
             systemctl reload ssh)"
        } else {
            "write in its place: AllowGroups GROUP, with a group of everybody who comes in by ssh, \
             root too, as sshd lets in nobody else then (and: systemctl reload ssh); an AllowUsers \
             that stays has to name them, too"
        }),
    );
}
