//! The running daemon: whether it answers, and what it says of itself.

use super::finding::{Finding, Report, Severity};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::refusal::store_sentence;
use crate::rights::problem;
use crate::words::shell_word;
use domlogon_protocol::admin::{self, DirectoryStatus, GroupRecord, Status, UserRecord};
use domlogon_protocol::client::CallError;
use domlogon_protocol::rights::{Loaded, ProblemKind, RightsStatus};
use domlogon_protocol::{LogonHours, Reply, Request, UserName, Verdict};
use std::collections::BTreeSet;

/// More pages than this are an answer that never ends.
const MOST_PAGES: u32 = 10_000;

/// Asks the daemon how it is; whether it answers.
pub(crate) fn check(daemon: &Daemon, report: &mut Report) -> bool {
    match daemon.look(&Request::Status) {
        Ok(Reply::Status(status)) => {
            told(&status, report);
            true
        }
        Ok(_) => {
            unreachable(&Error::OtherReply, report);
            false
        }
        Err(error) => {
            unreachable(&error, report);
            false
        }
    }
}

fn unreachable(error: &Error, report: &mut Report) {
    let (severity, code, what, mend) = match error {
        Error::Call(CallError::Impostor(uid)) => (
            Severity::Danger,
            "daemon-impostor",
            format!("another program listens in the daemon's place, as user id {uid}"),
            "find it: ss -xlp | grep domlogon",
        ),
        Error::Call(CallError::NotRunning(_)) => (
            Severity::Error,
            "daemon-not-running",
            "domlogond is not running".to_owned(),
            "systemctl start domlogond; journalctl -u domlogond says why it stopped",
        ),
        Error::Call(CallError::NotTaken | CallError::Timeout) => (
            Severity::Error,
            "daemon-silent",
            "domlogond does not answer in time".to_owned(),
            "systemctl restart domlogond; journalctl -u domlogond says more",
        ),
        Error::Call(CallError::Forbidden) => (
            Severity::Error,
            "daemon-closed",
            "the daemon's socket may not be used by this user".to_owned(),
            "chmod 0755 /run/domlogon && chmod 0666 /run/domlogon/socket",
        ),
        _ => (
            Severity::Error,
            "daemon-other-version",
            "domlogond and this command do not understand each other".to_owned(),
            "systemctl restart domlogond",
        ),
    };
    report.add(
        Finding::new(severity, code, what)
            .because("nobody of the domain can log on")
            .mend(mend),
    );
}

fn told(status: &Status, report: &mut Report) {
    store(status.store, report);
    if status.version != env!("CARGO_PKG_VERSION") {
        report.add(
            Finding::warning(
                "daemon-other-version",
                format!(
                    "domlogond {} is running, and this command is {}",
                    status.version,
                    env!("CARGO_PKG_VERSION")
                ),
            )
            .because("an upgrade is not in force before the daemon starts anew")
            .mend("systemctl restart domlogond"),
        );
    }
    if status.reload_refused {
        report.add(
            Finding::error(
                "configuration-refused",
                "the daemon has not taken the new configuration",
            )
            .at("/etc/domlogon/domlogon.toml", None)
            .because("the one before it is in force, until the daemon has to start anew")
            .mend("domlogon check"),
        );
    }
    rights(&status.rights, report);
    if let Some(directory) = &status.directory {
        controllers(directory, report);
    }
}

/// Controllers that were found and are not asked. A note where another one is.
fn controllers(directory: &DirectoryStatus, report: &mut Report) {
    if directory.passed_over.is_empty() {
        return;
    }
    let what = format!(
        "passed over, as read-only domain controllers or none at all: {}",
        directory.passed_over.join(", ")
    );
    let mend = format!(
        "if their accounts are in the OU Domain Controllers, name them in [directory] of \
         /etc/domlogon/domlogon.toml, with all others that are to be asked, those to ask first \
         in front: servers = [\"{}\"], and: systemctl restart domlogond",
        to_be_named(directory).join("\", \"")
    );
    if directory.server.is_some() {
        report
            .notes
            .push(format!("{what}. To have them asked: {mend}"));
        return;
    }
    report.add(
        Finding::error("controllers-passed-over", what)
            .because("no other controller is asked, and this host works offline")
            .mend(mend),
    );
}

/// In the order in which they are to be asked: no others are looked up. No more than the
/// configuration takes, and those that are passed over in any case.
fn to_be_named(directory: &DirectoryStatus) -> Vec<&str> {
    const MOST: usize = 16;
    // They are shown with their addresses: "dc1.corp.example (192.0.2.1)".
    let up = (directory.servers.iter())
        .filter(|(_, why)| why.is_none())
        .map(|(server, _)| server.split(" (").next().unwrap_or(server));
    let passed_over: Vec<&str> = directory.passed_over.iter().map(String::as_str).collect();
    let mut named: Vec<&str> = Vec::new();
    for name in directory.server.as_deref().into_iter().chain(up) {
        let is_full = named.len() + passed_over.len() >= MOST;
        if !is_full && !named.contains(&name) && !passed_over.contains(&name) {
            named.push(name);
        }
    }
    named.extend(passed_over);
    named.truncate(MOST);
    named
}

fn store(condition: Verdict, report: &mut Report) {
    if condition == Verdict::Success {
        return;
    }
    // SQLite lays the journal of another database over a backup, without an error.
    let mend = "journalctl -u domlogond says more; if it is damaged, stop the daemon, move it away \
                with accounts.db-wal and accounts.db-shm, and put a backup back, as domlogond(8) \
                says under BACKUP";
    report.add(
        Finding::error("database", store_sentence(condition))
            .at("/var/lib/domlogon/accounts.db", None)
            .because("nobody of the domain can log on")
            .mend(mend),
    );
}

fn rights(rights: &RightsStatus, report: &mut Report) {
    if rights.loaded == Loaded::Nothing {
        report.add(
            Finding::error("rights-none", "no list of rights is in force")
                .at(&rights.file, None)
                .because("nobody of the domain can log on by any way that needs a right")
                .mend(check_rights(&rights.file)),
        );
    }
    let line = |place: Option<(u32, u32)>| place.and_then(|(line, _)| usize::try_from(line).ok());
    if let Some(refused) = &rights.refused {
        report.add(
            Finding::error(
                "rights-refused",
                format!("not taken: {}", problem::line(refused)),
            )
            .at(&rights.file, line(refused.place))
            .because("the lists from before stay in force")
            .mend(problem::cure(&refused.kind).unwrap_or_else(|| check_rights(&rights.file))),
        );
    }
    for warning in &rights.warnings {
        let (code, why, mend) = match warning.kind {
            ProblemKind::NoAdministrator => (
                "no-administrator",
                "only root can mend what goes wrong in the domain",
                "domlogon group add-member Administrators NAME".to_owned(),
            ),
            _ => (
                "rights-odd",
                "the list does not do what it seems to say",
                problem::cure(&warning.kind)
                    .unwrap_or_else(|| format!("edit {}", shell_word(&rights.file))),
            ),
        };
        report.add(
            Finding::warning(code, problem::line(warning))
                .at(&rights.file, line(warning.place))
                .because(why)
                .mend(mend),
        );
    }
    if !rights.audit.is_empty() {
        let words: Vec<&str> = rights.audit.iter().map(|name| name.word()).collect();
        report.add(
            Finding::warning(
                "rights-audit",
                format!("audit mode is on for {}", words.join(", ")),
            )
            .at(&rights.file, None)
            .because("what these lists would refuse is logged, and let in")
            .mend("take the lines out of [audit] when the log is quiet"),
        );
    }
}

/// The command for a file that the daemon, which has no rights, names to root.
fn check_rights(file: &str) -> String {
    format!("domlogon check {}", shell_word(file))
}

/// Whether somebody of the domain can mend what goes wrong in it.
pub(crate) fn administrator(
    users: &[UserRecord],
    groups: &[GroupRecord],
    now: i64,
    report: &mut Report,
) {
    // Groups in groups; each is looked at once, so that a ring ends.
    let mut todo = vec!["Administrators".to_owned()];
    let mut seen = BTreeSet::new();
    let mut members = BTreeSet::new();
    while let Some(name) = todo.pop() {
        let key = UserName::fold(&name);
        let group = groups
            .iter()
            .find(|group| UserName::fold(&group.name) == key);
        if let Some(group) = group.filter(|_| seen.insert(key)) {
            members.extend(group.users.iter().map(|user| UserName::fold(user)));
            todo.extend(group.groups.iter().cloned());
        }
    }
    let can = |user: &&UserRecord| {
        user.has_password
            && !user.disabled
            && user.expires_at.is_none_or(|end| end.0 > now)
            && user.hours != Some(LogonHours::NEVER)
            && members.contains(&UserName::fold(&user.name))
    };
    if !users.iter().any(|user| can(&user)) {
        report.add(
            Finding::warning(
                "no-administrator",
                "no administrator of the domain can log on: each is disabled, expired, or \
                 without a password or logon hours",
            )
            .because("only root of this host can mend what goes wrong in the domain")
            .mend("domlogon group add-member Administrators NAME"),
        );
    }
}

/// All accounts and groups; none where this caller may not see them.
pub(crate) fn accounts(daemon: &Daemon) -> Option<(Vec<UserRecord>, Vec<GroupRecord>)> {
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    let mut next = Some(0);
    for _ in 0..MOST_PAGES {
        let Some(after) = next else { break };
        match daemon.ask(admin::Request::UserList(after)).ok()? {
            admin::Reply::Users(page, more) => {
                users.extend(page);
                next = more;
            }
            _ => return None,
        }
    }
    next = Some(0);
    for _ in 0..MOST_PAGES {
        let Some(after) = next else { break };
        match daemon.ask(admin::Request::GroupList(after)).ok()? {
            admin::Reply::Groups(page, more) => {
                groups.extend(page);
                next = more;
            }
            _ => return None,
        }
    }
    Some((users, groups))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_protocol::Timestamp;

    #[test]
    fn a_backup_is_not_put_beside_another_journal() {
        let mut report = Report::default();
        store(Verdict::Success, &mut report);
        assert!(report.findings.is_empty());
        store(Verdict::InvalidDatabase, &mut report);
        let mend = &report.findings[0].mend;
        assert!(mend.contains("accounts.db-wal"), "{mend}");
        let page = include_str!("../../../../packaging/man/domlogond.8");
        assert!(page.contains("\n.Sh BACKUP\n"), "{mend}");
    }

    #[test]
    fn controllers_that_are_passed_over_are_named_with_the_way_out() {
        let found = |server: Option<&str>, passed_over: &[&str]| {
            // As the daemon shows them.
            let known = |name: &str, why: Option<&str>| {
                (format!("{name} (192.0.2.1)"), why.map(str::to_owned))
            };
            let directory = DirectoryStatus {
                server: server.map(str::to_owned),
                since: Timestamp(0),
                why: None,
                servers: server.map_or_else(Vec::new, |server| {
                    vec![
                        known("rodc1.corp.example", None),
                        known("dc0.corp.example", Some("no answer")),
                        known(server, None),
                        known("dc2.corp.example", None),
                    ]
                }),
                machine_password_set_at: None,
                offline_age: 0,
                passed_over: passed_over.iter().map(|name| (*name).to_owned()).collect(),
            };
            let status = Status {
                directory: Some(directory),
                ..good()
            };
            let mut report = Report::default();
            told(&status, &mut report);
            report
        };
        assert!(found(None, &[]).findings.is_empty());
        let report = found(None, &["rodc1.corp.example"]);
        assert_eq!(report.findings[0].code, "controllers-passed-over");
        assert!(report.findings[0].what.ends_with(": rodc1.corp.example"));
        let mend = &report.findings[0].mend;
        assert!(
            mend.contains(": servers = [\"rodc1.corp.example\"], and"),
            "{mend}"
        );
        let report = found(Some("dc1.corp.example"), &["rodc1.corp.example"]);
        assert!(report.findings.is_empty());
        let note = &report.notes[0];
        let line = "servers = [\"dc1.corp.example\", \"dc2.corp.example\", \"rodc1.corp.example\"]";
        assert!(note.contains(line), "{note}");
    }

    fn good() -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            domain: "CORP".to_owned(),
            dns_name: "corp.example".to_owned(),
            domain_sid: String::new(),
            host: "ws1".to_owned(),
            backend: "directory".to_owned(),
            store: Verdict::Success,
            users: 0,
            groups: 0,
            started_at: Timestamp(0),
            configured_at: Timestamp(0),
            reload_refused: false,
            granted: 0,
            refused: 0,
            confined: admin::Confined::default(),
            rights: RightsStatus {
                file: "/etc/domlogon/rights.toml".to_owned(),
                loaded: Loaded::File,
                version: 1,
                loaded_at: Timestamp(0),
                refused: None,
                warnings: Vec::new(),
                audit: Vec::new(),
            },
            directory: None,
        }
    }

    #[test]
    fn the_name_of_a_file_is_one_word_of_a_command() {
        let rights = RightsStatus {
            file: "/etc/x; touch $(id)".to_owned(),
            loaded: Loaded::Nothing,
            version: 1,
            loaded_at: Timestamp(0),
            refused: None,
            warnings: Vec::new(),
            audit: Vec::new(),
        };
        let mut report = Report::default();
        super::rights(&rights, &mut report);
        assert_eq!(
            report.findings[0].mend,
            "domlogon check '/etc/x; touch $(id)'"
        );
    }
}
