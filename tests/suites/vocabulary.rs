//! No verdict without a scenario: what the daemon logged in all the cases before this one must
//! cover the table.

use crate::{Case, plain};
use domlogon_protocol::{Raised, Verdict};
use domlogon_tests::{Failure, Result, World, ensure};
use std::fs;

/// Means something only after all other cases.
pub(crate) const LAST: &str = "vocabulary/every verdict was raised";

pub(crate) fn cases() -> Vec<Case> {
    vec![plain(LAST, every_verdict_was_raised).slow()]
}

/// Verdicts that the PAM module or the command line comes to without the daemon's log: the case
/// that shows each.
const ELSEWHERE: &[(Verdict, &str)] = &[
    (Verdict::NetlogonNotStarted, "outages/dead"),
    (Verdict::WkstaNotStarted, "outages/dies between the passes"),
    (Verdict::EntriesDiffer, "change/entries differ"),
    (Verdict::ConversationFailed, "bad input/conversations"),
    (Verdict::NotExpired, "change/expired and not expired"),
    (Verdict::BadUsername, "bad input/names"),
    (Verdict::InvalidApi, "bad input/requests"),
    (Verdict::LastAdmin, "command line/last administrator"),
    (Verdict::AcfNoRoom, "database/no room for ids"),
    (
        Verdict::ChangeNotKnown,
        "attacks/crash/no answer to a change",
    ),
    (
        Verdict::NotConfirmed,
        "between the hooks/the reason is gone",
    ),
];

/// What the directory's own cases raise: those in which nobody, or the wrong one, answers.
const OF_A_DIRECTORY: &[Verdict] = &[
    Verdict::LogonServerNotFound,
    Verdict::StandaloneLogon,
    Verdict::TimeDiffAtDc,
    Verdict::PasswordMismatch,
    Verdict::RegistryNotFound,
    Verdict::RootMayNotReset,
];

fn every_verdict_was_raised(world: &mut World) -> Result<()> {
    let log = fs::read("/var/log/syslog").map_err(Failure::harness("read the syslog"))?;
    let log = String::from_utf8_lossy(&log);
    let missing: Vec<String> = Verdict::ALL
        .iter()
        .filter(|verdict| {
            verdict.row().raised == Raised::Embedded
                || (world.home().directory().is_some() && OF_A_DIRECTORY.contains(verdict))
        })
        .filter(|verdict| !ELSEWHERE.iter().any(|(known, _)| known == *verdict))
        .map(|verdict| format!("{}({})", verdict.row().symbol, verdict.row().number))
        .filter(|name| !log.contains(name.as_str()))
        .collect();
    ensure(
        missing.is_empty(),
        "verdicts that no case has raised",
        "none",
        missing.join("\n"),
    )?;
    for (verdict, name) in ELSEWHERE {
        ensure(
            crate::all().iter().any(|case| case.name == *name),
            format!("the case that shows {}", verdict.row().symbol),
            *name,
            "no such case",
        )?;
    }
    Ok(())
}
