//! What whoever traces the system calls sees: a password goes in by a read, and out by the
//! daemon's socket alone. Both are seen by root and by the person himself, who have it anyway.

use crate::{Case, case};
use domlogon_tests::account::Condition::*;
use domlogon_tests::memory::{self, Copy};
use domlogon_tests::program::{everything, process_of};
use domlogon_tests::{Failure, Marker, Program, Result, World, ensure};
use nix::sys::signal::{Signal, kill};
use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("attacks/secrets/traced, the command line", command_line),
        case("attacks/secrets/the command line's memory", waiting),
        case("attacks/secrets/traced, the module", module),
        case("attacks/secrets/traced, the daemon", daemon),
    ]
}

const TRACE: &str = "/run/trace";

fn command_line(world: &mut World) -> Result<()> {
    let name = world.group_name("traced");
    for arguments in [
        ["user", "add", &*name, "--password-stdin"],
        ["user", "password", &*name, "--stdin"],
    ] {
        let marker = Marker::new();
        let mut program = vec!["domlogon"];
        program.extend(arguments);
        traced(&program, &format!("{}\n", marker.text()))?;
        one_way(&arguments.join(" "), &marker, &["read(0, "])?;
    }
    // Typed at a terminal, twice.
    let marker = Marker::new();
    let mut session = strace()
        .args(&["domlogon", "user", "password", &name])
        .on_terminal()?;
    session.answer(": ", marker.text())?;
    session.answer(": ", marker.text())?;
    session.finish_with(0)?;
    // It is read letter by letter.
    let went = lines_with(&marker)?;
    ensure(
        went.len() == 1,
        "a password that is typed",
        "sent once",
        went.join("\n"),
    )?;
    let text = session.transcript();
    marker.is_not_in("the terminal", text.as_bytes())
}

/// While the daemon is thinking, there is the password that was asked about and no other copy.
fn waiting(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for way in ["--stdin", "typed"] {
        let marker = Marker::new();
        let frozen = world.daemon()?.process();
        world.daemon()?.signal(Signal::SIGSTOP)?;
        let mut arguments = vec!["user", "password", &*account.name];
        let result = if way == "typed" {
            let mut session = Program::new("domlogon").args(&arguments).on_terminal()?;
            session.answer(": ", marker.text())?;
            session.answer(": ", marker.text())?;
            let found = when_sent(frozen, session.process(), &marker);
            world.daemon()?.signal(Signal::SIGCONT)?;
            session.finish_with(0)?;
            found?
        } else {
            arguments.push(way);
            let child = Command::new("domlogon")
                .args(&arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn();
            let mut child = child.map_err(Failure::harness("start domlogon"))?;
            if let Some(mut input) = child.stdin.take() {
                input
                    .write_all(format!("{}\n", marker.text()).as_bytes())
                    .map_err(Failure::harness("answer domlogon"))?;
            }
            let found = when_sent(frozen, child.id(), &marker);
            world.daemon()?.signal(Signal::SIGCONT)?;
            child
                .wait()
                .map_err(Failure::harness("wait for domlogon"))?;
            found?
        };
        let shown: Vec<String> = result.iter().map(Copy::to_string).collect();
        ensure(
            result.len() == 1,
            format!("the command line's memory while it waits ({way})"),
            "one copy of the password",
            shown.join("\n"),
        )?;
    }
    Ok(())
}

/// What the process has of it once the request is in the daemon's queue.
fn when_sent(daemon: u32, process: u32, marker: &Marker) -> Result<Vec<Copy>> {
    ensure(
        daemon != process,
        "the process",
        "not the daemon",
        process.to_string(),
    )?;
    thread::sleep(Duration::from_millis(400));
    memory::copies(process, marker)
}

fn module(world: &mut World) -> Result<()> {
    let [old, new] = std::array::from_fn(|_| Marker::new());
    let account = world.account(Good)?;
    account.reset(old.text())?;
    account.set(&["--must-change", "yes"])?;
    let mut probe = vec!["domlogon-probe", "-c", "/run/bare-pam.d"];
    for (file, marker) in [("/run/old", &old), ("/run/new", &new), ("/run/new", &new)] {
        fs::write(file, marker.text()).map_err(Failure::harness("write an answer"))?;
        probe.extend(["-f", file]);
    }
    probe.extend(["--", "login", &account.name, "auth", "acct", "expired"]);
    traced(&probe, "")?;
    one_way("the module, the old one", &old, &["read("])?;
    one_way("the module, the new one", &new, &["read("])?;
    account.opens_with(new.text())
}

/// The daemon reads it from the socket and writes it nowhere.
fn daemon(world: &mut World) -> Result<()> {
    let [old, new] = std::array::from_fn(|_| Marker::new());
    let account = world.account(Good)?;
    account.reset(old.text())?;
    let process = world.daemon()?.process().to_string();
    let tracer = Command::new("strace")
        .args(["-f", "-q", "-s", "9999", "-o", TRACE, "-p", &process])
        .spawn();
    let tracer = Tracer(tracer.map_err(Failure::harness("start strace"))?);
    tracer.holds(&process)?;
    account.opens_with(old.text())?;
    account.reset(new.text())?;
    account.opens_with(new.text())?;
    drop(tracer);
    for marker in [&old, &new] {
        let lines = lines_with(marker)?;
        ensure(!lines.is_empty(), "the trace", "the request", "nothing")?;
        for line in lines {
            // A call that another thread's comes in between is written in two parts.
            let is_read = [
                "read(",
                "recvfrom(",
                "<... read resumed>",
                "<... recvfrom resumed>",
            ]
            .iter()
            .any(|call| line.contains(call));
            ensure(
                is_read,
                "the daemon",
                "reads alone have the password",
                &*line,
            )?;
        }
    }
    Ok(())
}

/// Let go, and then ended: a traced process would stand still without its tracer.
struct Tracer(Child);

impl Tracer {
    fn holds(&self, process: &str) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            let free = status.lines().any(|line| line == "TracerPid:\t0");
            if !free {
                // The other threads come right after the first.
                thread::sleep(Duration::from_millis(100));
                return Ok(());
            }
            ensure(
                Instant::now() < end,
                "strace",
                "the daemon in its hands",
                "not in 5 s",
            )?;
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = kill(process_of(&self.0), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

fn strace() -> Program {
    Program::new("strace").args(&["-f", "-q", "-s", "9999", "-v", "-o", TRACE, "--"])
}

fn traced(program: &[&str], input: &str) -> Result<()> {
    let output = strace().args(program).run(input.as_bytes())?;
    ensure(
        output.status.success(),
        program.join(" "),
        "success",
        everything(&output),
    )
}

/// In by one of these calls, and out to the daemon; and both did happen.
fn one_way(what: &str, marker: &Marker, ways_in: &[&str]) -> Result<()> {
    let (mut came, mut went) = (0, 0);
    for line in lines_with(marker)? {
        let call = line
            .split_once(' ')
            .map_or("", |(_, call)| call.trim_start());
        if ways_in.iter().any(|way| call.starts_with(way)) {
            came += 1;
        } else if call.starts_with("sendto(") && call.contains("MSG_NOSIGNAL") {
            went += 1;
        } else {
            ensure(false, what, "a read and what is sent to the daemon", &*line)?;
        }
    }
    ensure(
        came > 0 && went > 0,
        what,
        "the trace shows both",
        format!("in {came}, out {went}"),
    )
}

fn lines_with(marker: &Marker) -> Result<Vec<String>> {
    let trace = fs::read(TRACE).map_err(Failure::harness("read the trace"))?;
    let text = String::from_utf8_lossy(&trace);
    let has = |line: &&str| marker.is_not_in("", line.as_bytes()).is_err();
    Ok(text.lines().filter(has).map(str::to_owned).collect())
}
