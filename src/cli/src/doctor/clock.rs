//! The clock: ages, ends and hours of accounts hang on it.

use super::finding::{Finding, Report};
use super::host::Host;
use super::program;
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// Seconds that a file may seem to be from the future: clocks of file servers differ.
const SLACK: i64 = 300;

const FILES: [&str; 7] = [
    "/etc/passwd",
    "/etc/domlogon/domlogon.toml",
    "/etc/domlogon/rights.toml",
    "/var/lib/domlogon/accounts.db",
    "/var/lib/domlogon/accounts.db-wal",
    "/var/log/wtmp",
    "/var/lib/dpkg/status",
];

pub(crate) fn check(host: &Host, report: &mut Report) {
    let mend = "set the clock: timedatectl set-ntp true";
    let future = FILES.iter().find(|path| {
        host.stat(path)
            .is_some_and(|found| found.mtime() > host.now.saturating_add(SLACK))
    });
    if let Some(path) = future {
        report.add(
            Finding::error("clock-behind", "the file was changed in the future")
                .at(*path, None)
                .because(
                    "the clock is behind, or was: expired accounts and closed hours open again",
                )
                .mend(mend),
        );
    }
    if !host.live {
        return;
    }
    let own = env::current_exe()
        .ok()
        .and_then(|own| fs::metadata(own).ok());
    if own.is_some_and(|own| own.mtime() > host.now.saturating_add(86_400)) {
        report.add(
            Finding::error(
                "clock-behind",
                "the clock shows a time before domlogon was built",
            )
            .because("expired accounts and closed hours open again")
            .mend(mend),
        );
    }
    match program::output("timedatectl", &["show", "--property=NTPSynchronized"]) {
        Some(text) if text.trim() == "NTPSynchronized=no" => report.add(
            Finding::warning(
                "clock-not-synchronised",
                "the clock is not kept by a time server",
            )
            .because("ends, ages and hours of accounts drift with it")
            .mend("timedatectl set-ntp true"),
        ),
        Some(_) => {}
        None => report.skip("whether the clock is kept by a time server: timedatectl does not say"),
    }
}
