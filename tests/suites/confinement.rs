//! What the daemon gives up. That it is refused, its own tests try out; here it is the daemon as
//! it runs. All other cases show that it has what it needs.

use crate::rights_file::{deny, network, taken};
use crate::{Case, case, each};
use domlogon_tests::account::Condition::Good;
use domlogon_tests::cli::domlogon;
use domlogon_tests::daemon::CONFIGURATION;
use domlogon_tests::rights::{FILE, status};
use domlogon_tests::{
    Daemon, Failure, Log, PASSWORD, Result, World, ensure, ensure_contains, ensure_equal,
};
use nix::libc;
use nix::sys::signal::Signal;
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompFilter};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("confinement/every thread", every_thread),
        case("confinement/a link to another folder", another_folder),
        case("confinement/an older kernel", older_kernel),
        case("confinement/switched off", switched_off),
    ]
}

/// The first argument with which the suites start the program that the others name.
pub(crate) const OLD_KERNEL: &str = "--as-on-an-old-kernel";

/// Runs a program in place of this one, for which the kernel has neither seccomp nor Landlock.
pub(crate) fn as_on_an_old_kernel(program: &[String]) -> ExitCode {
    let Some((name, arguments)) = program.split_first() else {
        return ExitCode::from(2);
    };
    let hidden = hide().map_err(seccompiler::Error::Backend);
    if let Err(error) = hidden.and_then(|filter| seccompiler::apply_filter(&filter)) {
        eprintln!("domlogon-suites: {error}");
        return ExitCode::FAILURE;
    }
    let error = Command::new(name).args(arguments).exec();
    eprintln!("domlogon-suites: {name}: {error}");
    ExitCode::FAILURE
}

fn hide() -> core::result::Result<BpfProgram, BackendError> {
    let calls = [
        libc::SYS_seccomp,
        libc::SYS_landlock_create_ruleset,
        libc::SYS_landlock_add_rule,
        libc::SYS_landlock_restrict_self,
    ];
    let rules = calls.map(|call| (call, Vec::new())).into_iter().collect();
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let here = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, absent, here)?.try_into()
}

/// What the daemon has said of its confinement, without what is before it in the log.
pub(crate) fn line(log: Log) -> Result<String> {
    let line = log.line_with(&["domlogond", ": confined: "])?;
    Ok(line.split("]: ").last().unwrap_or_default().to_owned())
}

/// What the kernel says of each thread of the daemon.
fn threads(daemon: &Daemon) -> Result<Vec<String>> {
    let what = "look at the daemon's threads";
    let folder = format!("/proc/{}/task", daemon.process());
    fs::read_dir(folder)
        .map_err(Failure::harness(what))?
        .map(|thread| fs::read_to_string(thread?.path().join("status")))
        .collect::<std::io::Result<_>>()
        .map_err(Failure::harness(what))
}

fn every_thread(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let log = Log::from_now();
    world.restart()?;
    let line = line(log)?;
    ensure_contains("the log", &line, "system calls by seccomp")?;
    let status = domlogon(&["status"])?.exits(0)?;
    let by = line.trim_start_matches("confined: ");
    ensure_contains("status", &status.text(), by)?;
    account.opens_with(PASSWORD)?;
    let threads = threads(world.daemon()?)?;
    ensure(
        threads.len() > 2,
        "threads",
        "more than two",
        threads.len().to_string(),
    )?;
    for status in threads {
        ensure_contains("a thread", &status, "\nSeccomp:\t2\n")?;
        ensure_contains("a thread", &status, "\nNoNewPrivs:\t1\n")?;
    }
    Ok(())
}

/// A folder that the daemon did not need when it started: it reads nothing there, says so, and
/// what was in force stays. After a restart it is allowed.
fn another_folder(world: &mut World) -> Result<()> {
    let what = "link rights.toml";
    let account = world.account(Good)?;
    let log = Log::from_now();
    world.restart()?;
    if !line(log)?.contains("files by Landlock") {
        println!("        left out: this kernel has no Landlock");
        return Ok(());
    }
    let folder = "/home/site";
    fs::create_dir_all(folder).map_err(Failure::harness(what))?;
    let target = format!("{folder}/rights.toml");
    fs::write(&target, deny(&account)).map_err(Failure::harness(what))?;
    let log = Log::from_now();
    fs::remove_file(FILE).map_err(Failure::harness(what))?;
    symlink(&target, FILE).map_err(Failure::harness(what))?;
    world.daemon()?.signal(Signal::SIGHUP)?;
    log.line_with(&["rights", "Permission denied"])?;
    network(&account, "SUCCESS")?;
    let (log, before) = (Log::from_now(), status()?.version);
    world.restart()?;
    taken(log, before)?;
    network(&account, "PERM_DENIED")
}

/// Nothing of it is there: it is said, once for each, and people are let in.
fn older_kernel(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    let suites = std::env::current_exe().map_err(Failure::harness("find this program"))?;
    let log = Log::from_now();
    let daemon = Daemon::start_by(&[&suites.to_string_lossy(), OLD_KERNEL], CONFIGURATION)?;
    account.opens_with(PASSWORD)?;
    let lines = log.lines();
    let of_it: Vec<&str> = lines
        .lines()
        .filter(|line| line.contains("domlogond") && line.contains("confined"))
        .filter_map(|line| line.split("]: ").last())
        .collect();
    ensure_equal(
        "the log",
        of_it.join("\n"),
        "not confined to its files: this kernel has no Landlock, or a filter of system calls hides \
         it\n\
         not confined to its system calls: seccomp(2): Function not implemented (os error 38)"
            .to_owned(),
    )?;
    let status = domlogon(&["status"])?.exits(0)?;
    for line in of_it {
        ensure_contains("status", &status.text(), line)?;
    }
    daemon.stop()
}

fn switched_off(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for (word, filters) in [("off", "0"), ("log", "2")] {
        let log = Log::from_now();
        let option = format!("[daemon]\nconfine = \"{word}\"");
        world.configured(&option, |world| {
            log.line_with(&["not confined, as the configuration says (daemon.confine)"])?;
            account.opens_with(PASSWORD)?;
            for status in threads(world.daemon()?)? {
                let said = format!("\nSeccomp:\t{filters}\n");
                ensure_contains("a thread", &status, &said)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
