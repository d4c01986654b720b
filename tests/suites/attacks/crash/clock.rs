//! The clock jumps: an hour back, a year forward, and home again. What was locked stays locked, no
//! deadline is missed or skipped, and the names stay right.

use super::Stage;
use domlogon_protocol::Verdict;
use domlogon_tests::account::Condition::Good;
use domlogon_tests::daemon::SOCKET;
use domlogon_tests::size::is_long;
use domlogon_tests::{
    Account, Failure, NEW_PASSWORD, PASSWORD, Probe, Result, World, ensure, ensure_equal, question,
};
use nix::unistd::User;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const HOUR: i64 = 3600;
const YEAR: i64 = 366 * 24 * HOUR;

pub(super) fn clock(world: &mut World) -> Result<()> {
    let (locked, good) = (world.account(Good)?, world.account(Good)?);
    let mut stage = Stage::set(world)?;
    locked.lock()?;
    says(&good, "wrong", Verdict::LogonFailure)?;

    stage.fault.clock(-HOUR);
    says(&locked, PASSWORD, Verdict::LockedOut)?;
    // Counted before, in what is the future now: it counts on.
    says(&good, "wrong", Verdict::LogonFailure)?;
    ensure_equal("wrong passwords counted", good.wrong_passwords()?, 2)?;
    stage.crash()?;
    stage.fault.clock(-HOUR);
    says(&locked, PASSWORD, Verdict::LockedOut)?;
    says(&good, PASSWORD, Verdict::Success)?;
    renamed(&good, "An hour ago")?;

    stage.fault.clock(YEAR);
    // The lock is over, and the passwords are too old.
    says(&locked, PASSWORD, Verdict::PasswordExpired)?;
    says(&good, "wrong", Verdict::LogonFailure)?;
    renamed(&good, "In a year")?;
    Probe::bare("login", &good.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?
        .returns("acct", "NEW_AUTHTOK_REQD")?;
    ensure_equal(
        "a change in a year",
        question::change(&good.name, PASSWORD, NEW_PASSWORD).ok(),
        Some(Verdict::Success),
    )?;
    locked.lock()?;

    stage.fault.clock(0);
    // Set in the future, it is in force all the same.
    says(&good, PASSWORD, Verdict::LogonFailure)?;
    says(&good, NEW_PASSWORD, Verdict::Success)?;
    renamed(&good, "Now")?;
    says(&locked, PASSWORD, Verdict::LockedOut)?;
    locked.unlock()?;
    says(&locked, PASSWORD, Verdict::Success)?;
    if is_long() {
        half_said(&stage)?;
    }
    stage.crash()?;
    renamed(&good, "After all")?;
    says(&good, NEW_PASSWORD, Verdict::Success)
}

fn says(account: &Account, password: &str, verdict: Verdict) -> Result<()> {
    ensure_equal(
        format!("a logon of {} with {password}", account.name),
        question::logon_in_the_end(&account.name, password).ok(),
        Some(verdict),
    )
}

/// An edit is seen by NSS at once, whatever time the files of names are of.
fn renamed(account: &Account, full_name: &str) -> Result<()> {
    let answer = question::administer(question::renaming(&account.name, full_name));
    ensure(
        matches!(answer, Ok(Ok(_))),
        "an edit",
        "done",
        format!("{answer:?}"),
    )?;
    let user = User::from_name(&account.name).ok().flatten();
    ensure_equal(
        "the full name by NSS",
        user.map(|user| user.gecos.to_string_lossy().into_owned())
            .as_deref(),
        Some(full_name),
    )
}

/// Whoever has said half a request when the clock jumps is waited for as long as ever: not for a
/// year, and not for no time.
fn half_said(stage: &Stage) -> Result<()> {
    let begun = Instant::now();
    let first = begin_to_speak()?;
    stage.fault.clock(YEAR);
    let second = begin_to_speak()?;
    stage.fault.clock(-HOUR);
    for mut stream in [first, second] {
        let mut heard = Vec::new();
        // It hangs up without a word.
        let read = stream.read_to_end(&mut heard);
        let took = begun.elapsed();
        ensure(
            read.is_ok() && heard.is_empty() && (4..8).contains(&took.as_secs()),
            "half a request while the clock jumps",
            "left after 5 s",
            format!("{read:?}, {heard:?} after {took:?}"),
        )?;
    }
    stage.fault.clock(0);
    Ok(())
}

fn begin_to_speak() -> Result<UnixStream> {
    let what = "talk to the daemon";
    let mut stream = UnixStream::connect(SOCKET).map_err(Failure::harness(what))?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .map_err(Failure::harness(what))?;
    stream.write_all(&[9, 0]).map_err(Failure::harness(what))?;
    Ok(stream)
}
