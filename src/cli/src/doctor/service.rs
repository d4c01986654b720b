//! The units, and what `domlogon enable` has left unfinished.

use super::finding::{Finding, Report};
use super::host::Host;
use super::names::Names;
use crate::words::shell_word;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const UNITS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
];

const ADMINISTRATOR: &str = "/etc/systemd/system";
const STATE: &str = "/var/lib/domlogon";

pub(crate) fn check(host: &Host, names: &Names, report: &mut Report) {
    let units: Vec<String> = ["domlogond.service", "domlogond.socket"]
        .into_iter()
        .flat_map(|unit| UNITS.iter().map(move |folder| format!("{folder}/{unit}")))
        .filter(|path| host.exists(path) || host.link(path).is_some())
        .collect();
    if units.is_empty() {
        if host.live && host.exists("/run/systemd/system") {
            report.add(
                Finding::warning("unit-missing", "there is no unit domlogond.service")
                    .at(ADMINISTRATOR, None)
                    .because("the daemon does not start at the next boot")
                    .mend("install the package domlogon, or packaging/domlogond.service"),
            );
        }
        return;
    }
    let masked = units
        .iter()
        .find(|path| host.link(path).as_deref() == Some(Path::new("/dev/null")));
    if let Some(path) = masked {
        report.add(
            Finding::error("unit-masked", "the unit is masked")
                .at(path, None)
                .because("the daemon cannot start, and nobody of the domain can log on")
                .mend("systemctl unmask domlogond.service domlogond.socket"),
        );
        return;
    }
    if !is_enabled(host) {
        report.add(
            Finding::error("unit-not-enabled", "the unit is not enabled")
                .at(units.first().map_or(ADMINISTRATOR, String::as_str), None)
                .because("after the next boot nobody of the domain can log on")
                .mend("systemctl enable --now domlogond.socket domlogond.service"),
        );
    }
    user(host, names, &units, report);
}

/// Whether some target or socket wants it.
fn is_enabled(host: &Host) -> bool {
    let in_folder = |folder: &str| {
        host.list(folder)
            .into_iter()
            .filter(|name| name.ends_with(".wants") || name.ends_with(".requires"))
            .any(|name| {
                ["domlogond.service", "domlogond.socket"]
                    .iter()
                    .any(|unit| host.link(&format!("{folder}/{name}/{unit}")).is_some())
            })
    };
    UNITS.iter().any(|folder| in_folder(folder))
}

/// The user of the unit, and whether he can write the daemon's folder.
fn user(host: &Host, names: &Names, units: &[String], report: &mut Report) {
    let service = units.iter().find(|path| path.ends_with(".service"));
    let Some((path, text)) = service.and_then(|path| Some((path, host.read(path)?))) else {
        return;
    };
    let set = text
        .lines()
        .enumerate()
        .find_map(|(index, line)| Some((index + 1, line.trim().strip_prefix("User=")?.to_owned())));
    let Some((line, name)) = set.filter(|(_, name)| !name.is_empty()) else {
        return;
    };
    let Some(user) = names.local_user(&name) else {
        report.add(
            Finding::error("unit-user-missing", format!("there is no user {name}"))
                .at(path, line)
                .because("the daemon cannot start")
                .mend("systemd-sysusers"),
        );
        return;
    };
    if host.stat(STATE).is_some_and(|found| found.uid() != user.id) {
        report.add(
            Finding::error(
                "state-owner",
                format!("it does not belong to {name}, the user of the unit"),
            )
            .at(STATE, None)
            .because("the daemon cannot open its database, and refuses everybody")
            .mend(format!("chown -R {}: {STATE}", shell_word(&name))),
        );
    }
}

/// A change that `domlogon enable` or `disable` has begun, or that waits to be confirmed.
pub(crate) fn unfinished(host: &Host, report: &mut Report) {
    const JOURNAL: &str = "/var/lib/domlogon-enable/journal.json";
    let Some(text) = host.read(JOURNAL) else {
        return;
    };
    let journal: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let finding = match journal["phase"].as_str() {
        // All is done; the next command tidies up.
        Some("done") => return,
        Some("pending") => Finding::warning(
            "enable-not-confirmed",
            "domlogon enable --confirm waits for its confirmation",
        )
        .because("without it the old state comes back by itself")
        .mend("log on anew and run: domlogon confirm"),
        _ => Finding::error(
            "enable-unfinished",
            "a change of pam.d and nsswitch.conf was begun and not ended",
        )
        .because("some files may be the new ones and some the old")
        .mend("domlogon enable, or domlogon disable: both put it in order first"),
    };
    report.add(finding.at(JOURNAL, None));
}
