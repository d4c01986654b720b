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
use domlogon_tests::world::PATIENCE;
use domlogon_tests::{Failure, PASSWORD, Probe, Result, World, differs, ensure, ensure_equal};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where the daemon keeps what it knows of the directory.
const SAVED: &str = "/var/lib/domlogon/directory.db";

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
pub(crate) fn known(name: &str) -> Result<()> {
    let before = now()?;
    authenticate("login", name, PASSWORD, "SUCCESS", "")?;
    let start = Instant::now();
    // Saved beside the logon, not in it.
    while !is_saved(name, before)? {
        ensure(
            start.elapsed() < PATIENCE,
            "a logon with a controller",
            "something saved for one without",
            "nothing",
        )?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Whether the daemon has saved something for offline logons, at this second or later.
fn is_saved(name: &str, since: u64) -> Result<bool> {
    let name = name.rsplit('\\').next().unwrap_or(name);
    let name = name.split('@').next().unwrap_or(name).to_lowercase();
    let unread = Failure::harness("read what is saved for offline logons");
    let query =
        "SELECT count(*) FROM people JOIN saved USING (sid) WHERE key = ?1 AND confirmed >= ?2";
    let count = Connection::open_with_flags(SAVED, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|file| file.query_row(query, (name, since as i64), |row| row.get::<_, i64>(0)));
    match count {
        // The daemon may be writing.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
        count => Ok(count.map_err(|error| unread(std::io::Error::other(error)))? > 0),
    }
}

fn now() -> Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.map_err(|_| differs("the clock", "a time after 1970", "one before"))?;
    Ok(since.as_secs())
}

fn in_time(what: &str, took: Duration, limit: Duration) -> Result<()> {
    ensure(
        took <= limit,
        what,
        format!("an end within {limit:?}"),
        format!("{took:?}"),
    )
}
