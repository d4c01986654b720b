//! The daemon's memory is nobody's to read or to dump.

use crate::{Case, case};
use domlogon_tests::daemon;
use domlogon_tests::program::everything;
use domlogon_tests::size::figure;
use domlogon_tests::{Failure, Program, Result, World, ensure, ensure_contains};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("attacks/secrets/no reader of the same user", no_reader),
        case("attacks/secrets/no core dump", no_dump),
    ]
}

fn no_reader(world: &mut World) -> Result<()> {
    let process = world.daemon()?.process();
    for name in ["mem", "environ", "maps", "fd"] {
        let path = format!("/proc/{process}/{name}");
        let owner = fs::metadata(&path)
            .map_err(Failure::harness("look at the daemon's process"))?
            .uid();
        ensure(owner == 0, &path, "root's", owner.to_string())?;
    }
    if daemon::user() == "root" {
        return Ok(());
    }
    let script = format!(
        "head -c 1 /proc/{process}/environ; ls /proc/{process}/fd; kill -0 {process} && echo reached it"
    );
    let output = Program::new("setpriv")
        .args(&[
            "--reuid",
            &daemon::user(),
            "--regid",
            &daemon::user(),
            "--clear-groups",
        ])
        .args(&["sh", "-c", &script])
        .run(b"")?;
    let text = everything(&output);
    ensure(
        text.matches("ermission denied").count() == 2,
        "another process of its user",
        "refused twice",
        &*text,
    )?;
    // It was the same user who was refused.
    ensure_contains("another process of its user", &text, "reached it")
}

fn no_dump(world: &mut World) -> Result<()> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    // Not SIGQUIT, which whoever is started in the background by a shell ignores.
    for signal in [Signal::SIGABRT, Signal::SIGTRAP, Signal::SIGFPE] {
        let mut running = world.take_daemon()?;
        let process = running.process();
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap_or_default();
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let words: Vec<&str> = line.unwrap_or_default().split_ascii_whitespace().collect();
        ensure(
            words.get(4..6) == Some(&["0", "0"]),
            "the limit of core dumps",
            "0 and 0",
            words.join(" "),
        )?;
        // Somebody who lifts it, such as a unit with LimitCORE=infinity, gets none either. Here
        // root may lack the right to; then the limit is what is tried.
        Program::new("prlimit")
            .args(&["--core=unlimited", "--pid", &process.to_string()])
            .run(b"")?;
        running.signal(signal)?;
        let status = running.wait(Duration::from_secs(5))?;
        ensure(
            !status.core_dumped(),
            format!("{signal}"),
            "no core dump",
            status.to_string(),
        )?;
        world.revive()?;
    }
    // A pipe belongs to the host, whose program would be started.
    if pattern.starts_with('|') {
        figure(
            "core dumps",
            "of another process not tried: they go to a program of the host",
        );
        return Ok(());
    }
    let control = "cd /tmp && ulimit -c unlimited && kill -SEGV $$";
    let output = Program::new("sh").args(&["-c", control]).run(b"")?;
    figure(
        "core dumps",
        format!(
            "none of domlogond; of a shell that is ended in the same way: {}",
            if output.status.core_dumped() {
                "one"
            } else {
                "none"
            }
        ),
    );
    Ok(())
}
