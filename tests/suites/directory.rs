//! What only a directory has: controllers that fail or lie, logons without one, tickets, ids
//! from identifiers, joining. Everything else is in the other suites, for both homes.

mod counter;
mod joining;
mod names;
mod offline;
mod outages;
mod policy;
mod rights;
mod tickets;
mod tls;
mod twin;

use crate::{Case, Needs};
use domlogon_tests::account::Condition::{self, *};
use domlogon_tests::{PASSWORD, Probe, Result, World, ensure, ensure_equal};
use std::time::Duration;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![Case::new(
        "directory/the controller itself",
        Needs::Controller,
        controller,
    )];
    for more in [
        names::cases(),
        counter::cases(),
        policy::cases(),
        rights::cases(),
        tickets::cases(),
        tls::cases(),
        offline::cases(),
        outages::cases(),
        twin::cases(),
        joining::cases(),
    ] {
        cases.extend(more);
    }
    cases
}

/// What the controller says of each condition: that the accounts of these suites are in the
/// state that their condition says.
fn controller(world: &mut World) -> Result<()> {
    const SAID: &[(Condition, &str)] = &[
        (Good, ""),
        (CannotChange, ""),
        (Locked, "775"),
        (Disabled, "533"),
        (AccountExpired, "701"),
        (NoHours, "530"),
        (OtherWorkstation, "531"),
        (MustChange, "773"),
        (PasswordExpired, "532"),
        (DeadEnd, "773"),
    ];
    let directory = world.directory()?;
    for &(condition, said) in SAID {
        let account = world.account(condition)?;
        let opinion = directory.opinion(&account.name, PASSWORD)?;
        ensure_equal(format!("{condition:?}"), &*opinion, said)?;
    }
    Ok(())
}

/// Authenticate by this service, with this password: the code, and words that are told.
fn authenticate(
    service: &str,
    name: &str,
    password: &str,
    code: &str,
    words: &str,
) -> Result<Duration> {
    // Who is let in reads what there is to know from account management.
    let operations: &[&str] = match code {
        "SUCCESS" => &["auth", "acct"],
        _ => &["auth"],
    };
    let report = Probe::bare(service, name)
        .answer(password)
        .run(operations)?;
    report.returns("auth", code)?;
    if code == "SUCCESS" {
        report.returns("acct", code)?;
    }
    ensure(
        report.text().contains(words),
        "what is told",
        format!("something with {words:?}"),
        report.text(),
    )?;
    report.took("auth")
}

/// Log on as one who knows the password, so that the host knows him from then on.
fn known(name: &str) -> Result<()> {
    authenticate("login", name, PASSWORD, "SUCCESS", "").map(drop)
}

fn in_time(what: &str, took: Duration, limit: Duration) -> Result<()> {
    ensure(
        took <= limit,
        what,
        format!("an end within {limit:?}"),
        format!("{took:?}"),
    )
}
