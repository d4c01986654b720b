//! `domlogon status`.

use crate::answer::{Answer, Exit};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::refusal::store_sentence;
use crate::rights::state::{self, StateShown};
use crate::time::{Clock, rfc3339};
use crate::verdict::VerdictShown;
use crate::words::Page;
use domlogon_protocol::admin::{Confined, DirectoryStatus, Status};
use domlogon_protocol::rights::RightsStatus;
use domlogon_protocol::{Reply, Request, Verdict};
use domlogon_rules::durations;
use serde::Serialize;

pub(crate) fn run(daemon: &Daemon, clock: &Clock) -> Result<Answer, Error> {
    let Reply::Status(status) = daemon.look(&Request::Status)? else {
        return Err(Error::OtherReply);
    };
    let exit = if status.store == Verdict::Success && state::is_good(&status.rights) {
        Exit::Yes
    } else {
        Exit::No
    };
    Ok(Answer::yes(page(&status, clock), &StatusShown::new(&status)).with(exit))
}

fn page(status: &Status, clock: &Clock) -> String {
    let row = status.store.row();
    let store = format!(
        "{} ({} {})",
        store_sentence(status.store),
        row.symbol,
        row.number
    );
    let mut page = Page::new(&format!("domlogond {} is running", status.version));
    page.row("Domain", &format!("{}, {}", status.domain, status.dns_name));
    let sid = match (status.domain_sid.as_str(), &status.directory) {
        ("", None) => "not known: the account database cannot be read",
        ("", Some(_)) => "not known: no domain controller has told it yet",
        (sid, _) => sid,
    };
    page.row("Domain SID", sid);
    page.row("This host", &status.host);
    page.row("Backend", &status.backend);
    match &status.directory {
        Some(directory) => contact(&mut page, directory, clock),
        None => page.row("Database", &store),
    }
    page.row("Accounts", &status.users.to_string());
    page.row("Groups", &status.groups.to_string());
    page.row("Running since", &clock.both(status.started_at));
    page.row("Configuration of", &clock.both(status.configured_at));
    if status.reload_refused {
        page.row(
            "Last reload",
            "REFUSED: the new configuration has an error, and the one before it is in force. \
             See: domlogon check",
        );
    }
    confinement(&mut page, &status.confined);
    rights(&mut page, &status.rights, clock);
    page.row(
        "Decisions",
        &format!("{} granted, {} refused", status.granted, status.refused),
    );
    page.text()
}

/// Online or offline, since when, which controller, and why.
fn contact(page: &mut Page, directory: &DirectoryStatus, clock: &Clock) {
    let since = clock.both(directory.since);
    match &directory.server {
        Some(server) => page.row(
            "Directory",
            &format!("online since {since}, asking {server}"),
        ),
        None => page.row("Directory", &format!("OFFLINE since {since}")),
    }
    if let Some(why) = &directory.why {
        page.row("Why", why);
    }
    for (index, (server, down)) in directory.servers.iter().enumerate() {
        let text = match down {
            Some(why) => format!("{server}: does not answer ({why})"),
            None => format!("{server}: answers"),
        };
        page.row(if index == 0 { "Controllers" } else { "" }, &text);
    }
    let password = match directory.machine_password_set_at {
        Some(at) => format!("set {}", clock.both(at)),
        None => "none: this host has not joined. Join it with: domlogon join".to_owned(),
    };
    page.row("Machine password", &password);
    let offline = match directory.offline_age {
        0 => "not possible".to_owned(),
        age => format!(
            "with saved credentials for {} after a logon at a controller",
            durations::format(age)
        ),
    };
    page.row("Offline logons", &offline);
}

/// What the daemon is confined to, and what it should be and is not.
fn confinement(page: &mut Page, confined: &Confined) {
    let to = Some(confined.to.join(", ")).filter(|to| !to.is_empty());
    for (index, text) in to.iter().chain(&confined.not).enumerate() {
        page.row(if index == 0 { "Confined" } else { "" }, text);
    }
}

fn rights(page: &mut Page, status: &RightsStatus, clock: &Clock) {
    page.row("Logon rights", &state::text(status, clock));
    for line in state::refusal(status) {
        page.row("", &line);
    }
    for (index, warning) in state::warnings(status).iter().enumerate() {
        page.row(if index == 0 { "Rights warnings" } else { "" }, warning);
    }
    if let Some(audit) = state::audit(status) {
        page.row("Audit mode", &audit);
    }
}

/// The daemon's state in JSON.
#[derive(Debug, Serialize)]
struct StatusShown<'a> {
    version: &'a str,
    domain: &'a str,
    dns_name: &'a str,
    domain_sid: Option<&'a str>,
    host: &'a str,
    backend: &'a str,
    store_ok: bool,
    store: VerdictShown,
    users: u32,
    groups: u32,
    started_at: String,
    configured_at: String,
    reload_refused: bool,
    granted: u64,
    refused: u64,
    confined_to: &'a [String],
    not_confined: &'a [String],
    rights: StateShown<'a>,
    directory: Option<DirectoryShown<'a>>,
}

/// How things stand with the directory, in JSON.
#[derive(Debug, Serialize)]
struct DirectoryShown<'a> {
    online: bool,
    server: Option<&'a str>,
    since: String,
    why: Option<&'a str>,
    controllers: Vec<ControllerShown<'a>>,
    machine_password_set_at: Option<String>,
    offline_age_seconds: i64,
    passed_over: &'a [String],
}

#[derive(Debug, Serialize)]
struct ControllerShown<'a> {
    name: &'a str,
    answers: bool,
    why: Option<&'a str>,
}

impl<'a> DirectoryShown<'a> {
    fn new(directory: &'a DirectoryStatus) -> Self {
        let controllers = directory.servers.iter().map(|(name, why)| ControllerShown {
            name,
            answers: why.is_none(),
            why: why.as_deref(),
        });
        Self {
            online: directory.server.is_some(),
            server: directory.server.as_deref(),
            since: rfc3339(directory.since),
            why: directory.why.as_deref(),
            controllers: controllers.collect(),
            machine_password_set_at: directory.machine_password_set_at.map(rfc3339),
            offline_age_seconds: directory.offline_age,
            passed_over: &directory.passed_over,
        }
    }
}

impl<'a> StatusShown<'a> {
    fn new(status: &'a Status) -> Self {
        Self {
            version: &status.version,
            domain: &status.domain,
            dns_name: &status.dns_name,
            domain_sid: Some(status.domain_sid.as_str()).filter(|sid| !sid.is_empty()),
            host: &status.host,
            backend: &status.backend,
            store_ok: status.store == Verdict::Success,
            store: VerdictShown::new(status.store),
            users: status.users,
            groups: status.groups,
            started_at: rfc3339(status.started_at),
            configured_at: rfc3339(status.configured_at),
            reload_refused: status.reload_refused,
            granted: status.granted,
            refused: status.refused,
            confined_to: &status.confined.to,
            not_confined: &status.confined.not,
            rights: StateShown::new(&status.rights),
            directory: status.directory.as_ref().map(DirectoryShown::new),
        }
    }
}
