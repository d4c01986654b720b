//! A slow disk: who waits is answered in time or told that there is no answer, and others do not
//! wait with him.

use super::{Stage, locals_come_in};
use domlogon_protocol::Verdict;
use domlogon_protocol::client::PAM_DEADLINE;
use domlogon_tests::account::Condition::Good;
use domlogon_tests::probe::Report;
use domlogon_tests::size::is_long;
use domlogon_tests::{
    Account, NEW_PASSWORD, Operations, PASSWORD, Probe, Program, Result, World, differs, domlogon,
    ensure, ensure_contains, ensure_equal, question,
};
use nix::sys::signal::Signal;
use std::thread;
use std::time::{Duration, Instant};

/// More than a module's deadline, with what the rest of its work takes.
const AT_MOST: Duration = Duration::from_secs(8);

/// Each fsync takes seconds: fewer than a module waits, and then more.
pub(super) fn slow(world: &mut World) -> Result<()> {
    let (one, other) = (world.account(Good)?, world.account(Good)?);
    let many: Result<Vec<Account>> = (0..12).map(|_| world.account(Good)).collect();
    let many = many?;
    let mut stage = Stage::set(world)?;
    stage
        .fault
        .slow(Operations::SYNC, Duration::from_millis(500));
    ensure_equal(
        "a wrong password on a slow disk",
        question::logon(&one.name, "wrong").ok(),
        Some(Verdict::LogonFailure),
    )?;
    ensure_equal(
        "a change on a slow disk",
        question::change(&one.name, PASSWORD, NEW_PASSWORD).ok(),
        Some(Verdict::Success),
    )?;

    // Many at once, each of whom waits for those before: for some of them it is too long.
    let answers: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = many
            .iter()
            .map(|account| {
                scope.spawn(|| {
                    let begun = Instant::now();
                    (question::logon(&account.name, "wrong"), begun.elapsed())
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(300));
        let looked = look_ups(&other);
        let mut answers = Vec::new();
        for one in asking {
            answers.push(
                one.join()
                    .map_err(|_| differs("a thread", "its end", "a panic")),
            );
        }
        answers.push(looked.map(|()| (Ok(Verdict::Busy), Duration::ZERO)));
        answers
    });
    for answer in answers {
        let (answer, took) = answer?;
        ensure(
            matches!(answer, Ok(Verdict::LogonFailure | Verdict::Busy)),
            "one of many wrong passwords on a slow disk",
            "refused, or busy",
            format!("{answer:?} after {took:?}"),
        )?;
    }

    if is_long() {
        very_slow(&mut stage, &one)?;
    }
    locals_come_in()?;
    stage.fault.heal();
    stage.lives()?;
    is_quiet(&other)?;
    one.unlock()?;
    other.unlock()?;
    one.opens_with(NEW_PASSWORD)?;
    other.opens_with(PASSWORD)
}

/// Longer than anybody waits.
fn very_slow(stage: &mut Stage, one: &Account) -> Result<()> {
    stage.fault.slow(Operations::SYNC, Duration::from_secs(7));
    let begun = Instant::now();
    let report = Probe::bare("login", &one.name)
        .answer("wrong")
        .run(&["auth"])?;
    report.returns("auth", "AUTHINFO_UNAVAIL")?;
    let report = Probe::bare("login", &one.name)
        .answer(NEW_PASSWORD)
        .run(&["auth"])?;
    ensure(
        report.code("auth")? != "AUTH_ERR",
        "a good logon behind others on a very slow disk",
        "a success or an outage",
        report.text(),
    )?;
    ensure(
        begun.elapsed() < AT_MOST * 2,
        "two logons on a very slow disk",
        "an end in time",
        format!("{:?}", begun.elapsed()),
    )?;
    Ok(())
}

/// Whoever asks for a name does not wait for those who write.
fn look_ups(of: &Account) -> Result<()> {
    let begun = Instant::now();
    let output = Program::new("getent")
        .args(&["passwd", &of.name])
        .run(b"")?;
    ensure(output.status.success(), "getent", "the account", "nothing")?;
    domlogon(&["status"])?.exits(0)?;
    let took = begun.elapsed();
    ensure(
        took < Duration::from_secs(2),
        "getent and domlogon status on a slow disk",
        "an end within 2 s",
        format!("{took:?}"),
    )
}

/// Until what was begun on the slow disk has come to its end.
fn is_quiet(other: &Account) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    while !matches!(
        question::administer(question::renaming(&other.name, "Still there")),
        Ok(Ok(_))
    ) {
        ensure(
            Instant::now() < end,
            "an edit after the fault",
            "done",
            "none",
        )?;
    }
    Ok(())
}

/// The daemon takes a change, and its answer does not come: nobody may be told that his password
/// is unchanged.
pub(super) fn no_answer_to_a_change(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut stage = Stage::set(world)?;
    // The first entry of a journal is a head, which is synchronized.
    account.opens_with(PASSWORD)?;
    stage
        .fault
        .slow(Operations::SYNC, PAM_DEADLINE + Duration::from_millis(500));
    let report = change(&account, PASSWORD, NEW_PASSWORD)?;
    stage.fault.heal();
    report.returns("chauthtok", "AUTHTOK_ERR")?;
    doubtful(report.text())?;
    is_quiet(&account)?;
    account.opens_with(NEW_PASSWORD)?;

    // Or it is killed before it has answered.
    stage.fault.slow(Operations::SYNC, Duration::from_secs(4));
    let (fault, daemon) = (&stage.fault, &stage.daemon);
    let report = thread::scope(|scope| {
        scope.spawn(|| {
            fault.is_slow_now()?;
            daemon
                .as_ref()
                .map_or(Ok(()), |daemon| daemon.signal(Signal::SIGKILL))
        });
        change(&account, NEW_PASSWORD, LAST)
    })?;
    report.returns("chauthtok", "AUTHTOK_ERR")?;
    doubtful(report.text())?;
    stage.crash()?;
    // Killed, it has written all the same; only nobody had waited for the disk.
    account.opens_with(LAST)
}

/// The password after [`NEW_PASSWORD`].
const LAST: &str = "Third-Time-Lucky-3";

fn change(account: &Account, old: &str, new: &str) -> Result<Report> {
    Probe::bare("once", &account.name)
        .answer(old)
        .answer(new)
        .answer(new)
        .as_user(&account.name)
        .run(&["chauthtok"])
}

fn doubtful(said: &str) -> Result<()> {
    ensure(
        !said.contains("is unchanged"),
        "what is said where no answer came",
        "not that the password is unchanged",
        said,
    )?;
    ensure_contains(
        "what is said where no answer came",
        said,
        "may have been changed",
    )
}
