//! Descriptors and memory used up: fewer are served, nobody is let in for that, and the daemon
//! goes on when there is enough again.

use super::{Stage, locals_come_in};
use domlogon_protocol::Verdict;
use domlogon_tests::account::Condition::Good;
use domlogon_tests::daemon;
use domlogon_tests::program::everything;
use domlogon_tests::size::{figure, sized};
use domlogon_tests::{
    Account, Failure, Operations, PASSWORD, Probe, Program, Result, World, differs, ensure,
    ensure_equal, question,
};
use nix::libc::ENOMEM;
use std::collections::HashSet;
use std::fs;
use std::thread;

/// So many ask at once.
const MANY: usize = 24;

pub(super) fn descriptors(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut stage = Stage::set(world)?;
    let process = stage.daemon()?.process();
    for &spare in sized(&[1][..], &[0, 1, 2, 4]) {
        let free = lowest_free(process)?;
        limit(process, &format!("--nofile={}:", free + spare))?;
        for (password, right) in [
            (PASSWORD, Verdict::Success),
            ("wrong", Verdict::LogonFailure),
        ] {
            at_once(&account, password, right)?;
        }
        locals_come_in()?;
        stage.lives()?;
        limit(process, "--nofile=1024:")?;
        account.unlock()?;
        account.keeps_its_password()?;
    }
    Ok(())
}

/// A hash takes some memory; without it the daemon is busy, and does not end.
pub(super) fn memory(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut stage = Stage::set(world)?;
    stage.fault.fail(Operations::MEMORY, 0, None, ENOMEM);
    for password in [PASSWORD, "wrong"] {
        Probe::bare("login", &account.name)
            .answer(password)
            .run(&["auth"])?
            .returns("auth", "AUTHINFO_UNAVAIL")?;
    }
    ensure(stage.fault.failed() > 0, "faults", "some", "none")?;
    locals_come_in()?;
    stage.fault.heal();
    stage.lives()?;
    account.keeps_its_password()?;

    // Less and less is left: it may end in the end, and begins again with all that it had.
    let mut ends = 0;
    for spare in sized(
        &[16 << 20, 1 << 20][..],
        &[64 << 20, 16 << 20, 4 << 20, 1 << 20, 1 << 16],
    ) {
        let process = stage.daemon()?.process();
        limit(
            process,
            &format!("--as={}:", address_space(process)? + spare),
        )?;
        for (password, right) in [
            (PASSWORD, Verdict::Success),
            ("wrong", Verdict::LogonFailure),
        ] {
            at_once(&account, password, right)?;
        }
        locals_come_in()?;
        if stage.daemon()?.ended()?.is_some() {
            ends += 1;
            stage.crash()?;
        } else {
            limit(process, "--as=unlimited:")?;
        }
        account.unlock()?;
        account.keeps_its_password()?;
    }
    figure("memory: times that the daemon ended", ends);
    Ok(())
}

/// Each is answered rightly, or not now; a lock comes of many wrong passwords.
fn at_once(account: &Account, password: &str, right: Verdict) -> Result<()> {
    let answers: Vec<_> = thread::scope(|scope| {
        let asking: Vec<_> = (0..MANY)
            .map(|_| scope.spawn(|| question::logon(&account.name, password)))
            .collect();
        asking
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect()
    });
    for answer in answers {
        let answer = answer.map_err(|_| differs("a thread", "its end", "a panic"))?;
        let good = match answer {
            Ok(verdict) => {
                verdict == right
                    || question::is_outage(verdict)
                    || (right != Verdict::Success && verdict == Verdict::LockedOut)
            }
            // No connection, or none in time.
            Err(_) => true,
        };
        ensure(
            good,
            format!("a logon with {password}"),
            format!("{right:?}, or not now"),
            format!("{answer:?}"),
        )?;
    }
    Ok(())
}

/// The number that the next descriptor gets: the limit is on the numbers, not on how many there
/// are.
fn lowest_free(process: u32) -> Result<u64> {
    let what = "list the daemon's descriptors";
    let list = fs::read_dir(format!("/proc/{process}/fd")).map_err(Failure::harness(what))?;
    let numbers: HashSet<u64> = list
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    Ok((0..).find(|number| !numbers.contains(number)).unwrap_or(0))
}

fn address_space(process: u32) -> Result<u64> {
    let what = "read the daemon's memory";
    let text =
        fs::read_to_string(format!("/proc/{process}/status")).map_err(Failure::harness(what))?;
    let size = text.lines().find_map(|line| {
        let rest = line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB")?;
        rest.parse::<u64>().ok()
    });
    size.map(|kib| kib * 1024)
        .ok_or_else(|| differs("the daemon's memory", "a VmSize", text))
}

fn limit(process: u32, what: &str) -> Result<()> {
    // Its own user may, also where root may not.
    let output = Program::new("prlimit")
        .args(&["--pid", &process.to_string(), what])
        .as_user(&daemon::user())?
        .run(b"")?;
    ensure_equal(
        format!("prlimit {what}\n{}", everything(&output)),
        output.status.success(),
        true,
    )
}
