//! The daemon dead, stopped, or dying at the worst moment; and what a restart keeps.

use crate::{Case, case, slow};
use domlogon_tests::account::Condition::*;
use domlogon_tests::daemon::{CONFIGURATION, DATA, SOCKET};
use domlogon_tests::program::everything;
use domlogon_tests::sshd::Method;
use domlogon_tests::{
    Account, Daemon, Failure, LOCAL_PASSWORD, Log, NEW_PASSWORD, PASSWORD, Probe, Program, Result,
    World, domlogon, ensure, ensure_equal,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("outages/dead", dead),
        slow("outages/stopped", stopped),
        case("outages/dies between the passes", dies_between),
        case("outages/dies before the old password", dies_early),
        case("outages/real programs", real_programs),
        case("outages/restart keeps everything", restart),
        case("outages/killed while changing", killed_while_changing),
        case("outages/clean stop", clean_stop),
        case("outages/reload", reload),
        case("outages/two daemons", two_daemons),
    ]
}

/// Longest that a login may wait for a daemon that does not answer; the module's own deadline
/// for one question is 5 seconds.
const PATIENCE: Duration = Duration::from_secs(8);

fn dead(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.kill();
    unanswered(&account, Duration::from_secs(1))
}

/// A daemon that hangs is a dead one, after the deadline.
fn stopped(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.daemon()?.signal(Signal::SIGSTOP)?;
    let result = unanswered(&account, PATIENCE);
    world.daemon()?.signal(Signal::SIGCONT)?;
    result?;
    account.opens_with(PASSWORD)
}

fn unanswered(account: &Account, patience: Duration) -> Result<()> {
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?;
    report.returns("auth", "AUTHINFO_UNAVAIL")?;
    report.says("logon service on")?;
    in_time("authenticate", report.took("auth")?, patience)?;
    // Not known to be ours, not known to be foreign: refused either way.
    let report = Probe::bare("login", &account.name).run(&["acct"])?;
    ensure(
        matches!(
            report.code("acct")?,
            "PERM_DENIED" | "USER_UNKNOWN" | "AUTHINFO_UNAVAIL"
        ),
        "account management",
        "a refusal",
        report.text(),
    )?;
    in_time("account management", report.took("acct")?, patience)?;
    let report = Probe::bare("passwd", &account.name)
        .answer(PASSWORD)
        .run(&["chauthtok"])?;
    report.returns("chauthtok", "TRY_AGAIN")?;
    report.asks_nothing()?;
    in_time("chauthtok", report.took("chauthtok")?, patience)?;

    for name in ["root", "localuser"] {
        let report = Probe::bare("login", name).run(&["auth", "acct", "chauthtok"])?;
        for operation in ["auth", "acct", "chauthtok"] {
            report.returns(operation, "USER_UNKNOWN")?;
            in_time(name, report.took(operation)?, Duration::from_millis(300))?;
        }
    }
    for (key, limit) in [
        ("root", Duration::from_millis(500)),
        ("0", Duration::from_millis(500)),
        (account.name.as_str(), patience),
        ("nobody-here", patience),
    ] {
        let begin = Instant::now();
        Program::new("getent").args(&["passwd", key]).run(b"")?;
        in_time(&format!("getent passwd {key}"), begin.elapsed(), limit)?;
    }
    // glibc asks every service for the groups of every user, local ones too. Asked a daemon
    // that hangs, ours would take the deadline of a look-up, 2 seconds, for each.
    for name in ["root", "localuser"] {
        let begin = Instant::now();
        let output = Program::new("id").args(&["-G", name]).run(b"")?;
        let took = begin.elapsed();
        let text = everything(&output);
        ensure(output.status.success(), "id", "the local groups", &*text)?;
        in_time(&format!("id {name}"), took, Duration::from_secs(1))?;
    }
    let status = Program::new("domlogon").arg("status").patience(patience);
    let answer = domlogon_tests::cli::run(&status, "")?;
    ensure_equal("exit code of status (could not tell)", answer.code(), 2)
}

fn in_time(what: &str, took: Duration, limit: Duration) -> Result<()> {
    ensure(
        took <= limit,
        what,
        format!("an end within {limit:?}"),
        format!("{took:?}"),
    )
}

/// The word by which the probe tells that a prompt has come, and by which it is let go on.
const NOW: &str = "/tmp/now";

/// A shell command for the probe: tell that the prompt is there, and wait to be let go on.
const TELL: &str = "touch /tmp/now; while [ -e /tmp/now ]; do sleep 0.02; done";

/// When the probe tells, kill the daemon, and let the probe go on.
fn kill_at_the_word(daemon: u32) -> JoinHandle<()> {
    let _ = fs::remove_file(NOW);
    thread::spawn(move || {
        let end = Instant::now() + Duration::from_secs(20);
        while fs::metadata(NOW).is_err() && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        let process = Pid::from_raw(i32::try_from(daemon).unwrap_or(1));
        let _ = kill(process, Signal::SIGKILL);
        thread::sleep(Duration::from_millis(100));
        let _ = fs::remove_file(NOW);
    })
}

/// The daemon dies after the preliminary pass has agreed: the change fails with a clear answer,
/// and the old password stays.
fn dies_between(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let killer = kill_at_the_word(world.daemon()?.process());
    let report = Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .meanwhile(TELL)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    let _ = killer.join();
    report.returns("chauthtok", "AUTHTOK_ERR")?;
    report.says("Your password is unchanged")?;
    world.revive()?;
    account.keeps_its_password()
}

/// The daemon dies while the old password is typed.
fn dies_early(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let killer = kill_at_the_word(world.daemon()?.process());
    let report = Probe::bare("once", &account.name)
        .meanwhile(TELL)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    let _ = killer.join();
    report.returns("chauthtok", "TRY_AGAIN")?;
    ensure_equal("prompts", report.texts("prompt off").len(), 1)?;
    world.revive()?;
    account.keeps_its_password()
}

/// With a dead daemon a local user still uses login, su, sudo, passwd and ssh.
fn real_programs(world: &mut World) -> Result<()> {
    world.sshd()?;
    world.take_daemon()?.kill();
    let begin = Instant::now();
    let mut session = Program::new("login").arg("localuser").on_terminal()?;
    session.answer("assword: ", LOCAL_PASSWORD)?;
    session.expect("$ ")?;
    session.send("exit")?;
    session.finish()?;
    let mut session = Program::new("su")
        .args(&["-", "root", "-c", "id -un"])
        .as_user("localuser")?
        .on_terminal()?;
    session.answer("assword: ", domlogon_tests::ROOT_PASSWORD)?;
    session.expect("root\r\n")?;
    session.finish_with(0)?;
    let mut session = world
        .sshd()?
        .client("localuser", Method::Dialogue, "echo I am $(id -un)")
        .on_terminal()?;
    session.answer("assword: ", LOCAL_PASSWORD)?;
    session.expect("I am localuser")?;
    session.finish_with(0)?;
    in_time(
        "login, su and ssh",
        begin.elapsed(),
        Duration::from_secs(12),
    )
}

fn restart(world: &mut World) -> Result<()> {
    let good = world.account(Good)?;
    let locked = world.account(Locked)?;
    let counted = world.account(Good)?;
    Probe::bare("login", &counted.name)
        .answer("wrong")
        .run(&["auth"])?
        .returns("auth", "AUTH_ERR")?;
    let before = domlogon(&["user", "show", &counted.name, "--json"])?
        .exits(0)?
        .text();
    for kill in [false, true] {
        let daemon = world.take_daemon()?;
        if kill {
            daemon.kill()
        } else {
            daemon.stop()?
        }
        world.revive()?;
        good.opens_with(PASSWORD)?;
        Probe::bare("login", &locked.name)
            .answer(PASSWORD)
            .run(&["auth"])?
            .returns("auth", "MAXTRIES")?;
        let after = domlogon(&["user", "show", &counted.name, "--json"])?
            .exits(0)?
            .text();
        ensure_equal("an account after a restart", &after, &before)?;
    }
    Ok(())
}

/// Killed again and again amid changes: each that was told to be done is done, the rest is not,
/// and the database opens every time.
fn killed_while_changing(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.policy(&["history=0"])?;
    let mut current = PASSWORD.to_owned();
    for turn in 0..6_u64 {
        let next = format!("Turn-{turn}-Password");
        let process = Pid::from_raw(i32::try_from(world.daemon()?.process()).unwrap_or(1));
        let killer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(30 + 25 * turn));
            let _ = kill(process, Signal::SIGKILL);
        });
        let report = Probe::bare("once", &account.name)
            .answer(&current)
            .answer(&next)
            .answer(&next)
            .as_user(&account.name)
            .run(&["chauthtok"])?;
        let _ = killer.join();
        world.daemon()?.wait(Duration::from_secs(5))?;
        world.revive()?;
        let told = report.code("chauthtok")? == "SUCCESS";
        // An answer that was lost on its way may leave either; one that was given is kept.
        let new_opens = account.opens_with(&next).is_ok();
        ensure(
            new_opens || !told,
            "a change that was told to be done",
            "done",
            report.text(),
        )?;
        if new_opens {
            current = next;
        } else {
            account.opens_with(&current)?;
        }
    }
    Ok(())
}

fn clean_stop(world: &mut World) -> Result<()> {
    world.take_daemon()?.stop()?;
    ensure_equal(
        "the socket after a clean stop",
        fs::metadata(SOCKET).is_err(),
        true,
    )?;
    // A backup of the one file is a backup of all accounts.
    let what = "list the files of the database";
    let mut left = Vec::new();
    for entry in fs::read_dir(DATA).map_err(Failure::harness(what))? {
        let name = entry.map_err(Failure::harness(what))?.file_name();
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("accounts") {
            left.push(name);
        }
    }
    left.sort_unstable();
    ensure_equal(
        "the files of the database after a clean stop",
        left.join(" "),
        "accounts.db accounts.db.lock",
    )
}

/// SIGHUP with a bad configuration keeps the last good one, and says so.
fn reload(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let what = "change the configuration";
    let good = fs::read_to_string(CONFIGURATION).map_err(Failure::harness(what))?;
    let log = Log::from_now();
    fs::write(CONFIGURATION, format!("{good}\nno_such_key = 1\n"))
        .map_err(Failure::harness(what))?;
    let result = (|| {
        world.daemon()?.signal(Signal::SIGHUP)?;
        log.line_with(&["no_such_key"])?;
        account.opens_with(PASSWORD)
    })();
    fs::write(CONFIGURATION, good).map_err(Failure::harness(what))?;
    result?;
    world.daemon()?.signal(Signal::SIGHUP)?;
    account.opens_with(PASSWORD)
}

/// A second daemon on the same database refuses to start, and does not disturb the first.
fn two_daemons(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut second = Daemon::launch(CONFIGURATION)?;
    let status = second.wait(Duration::from_secs(10))?;
    ensure(
        status.code().is_some_and(|code| code != 0),
        "a second daemon",
        "a bad exit status",
        status.to_string(),
    )?;
    account.opens_with(PASSWORD)
}
