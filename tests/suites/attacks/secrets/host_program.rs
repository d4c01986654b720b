//! The memory of the programs that pam_domlogon is loaded into. What libpam and the program
//! themselves keep is seen with pam_unix in our place: no more than that may be there.

use crate::{Case, each};
use domlogon_tests::account::Condition::*;
use domlogon_tests::memory::{self, Copy};
use domlogon_tests::program::processes_called;
use domlogon_tests::size::{figure, sized};
use domlogon_tests::sshd::Method;
use domlogon_tests::{Failure, Marker, Probe, Program, Pty, Result, World, ensure};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::thread;
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        each("attacks/secrets/host program, a logon", a_logon),
        each(
            "attacks/secrets/host program, a change that is demanded",
            a_change,
        ),
        each(
            "attacks/secrets/host program, login, su and sshd",
            real_programs,
        ),
    ]
}

/// Where the probe reads its answers from.
const ANSWER: &str = "/run/answer";

fn a_logon(world: &mut World) -> Result<()> {
    let marker = Marker::new();
    let account = world.account(Good)?;
    account.reset(marker.text())?;
    let file = answer(ANSWER, &marker)?;
    let mut probe = Probe::bare("login", &account.name)
        .answer_from(&file)
        .hold(&[
            "auth", "pause", "acct", "setcred", "open", "pause", "end", "pause",
        ])?;
    probe.stands()?.returns("auth", "SUCCESS")?;
    none("after authenticate", probe.process(), &marker)?;
    probe.go_on()?;
    probe.stands()?.returns("open", "SUCCESS")?;
    none("in the session", probe.process(), &marker)?;
    probe.go_on()?;
    probe.stands()?;
    none("after the end", probe.process(), &marker)?;

    let wrong = Marker::new();
    let file = answer(ANSWER, &wrong)?;
    let mut probe = Probe::bare("login", &account.name)
        .answer_from(&file)
        .hold(&["auth", "pause"])?;
    probe.stands()?.returns("auth", "AUTH_ERR")?;
    none("after a wrong password", probe.process(), &wrong)
}

/// From authenticate to the change the current password is kept, once: a third prompt would
/// be the alternative.
fn a_change(world: &mut World) -> Result<()> {
    let [old, new] = std::array::from_fn(|_| Marker::new());
    let account = world.account(Good)?;
    account.reset(old.text())?;
    account.set(&["--must-change", "yes"])?;
    let files = [answer(ANSWER, &old)?, answer("/run/answer.new", &new)?];
    let mut probe = Probe::bare("login", &account.name)
        .answer_from(&files[0])
        .answer_from(&files[1])
        .answer_from(&files[1])
        .hold(&["auth", "acct", "pause", "expired", "pause", "end", "pause"])?;
    probe.stands()?.returns("acct", "NEW_AUTHTOK_REQD")?;
    let kept = memory::copies(probe.process(), &old)?;
    let shown: Vec<String> = kept.iter().map(Copy::to_string).collect();
    ensure(
        kept.len() == 1,
        "copies between two calls",
        "one",
        shown.join("\n"),
    )?;
    probe.go_on()?;
    probe.stands()?.returns("expired", "SUCCESS")?;
    none("after the change, the old one", probe.process(), &old)?;
    none("after the change, the new one", probe.process(), &new)?;
    probe.go_on()?;
    probe.stands()?;
    none("after the end, the old one", probe.process(), &old)?;
    none("after the end, the new one", probe.process(), &new)?;

    // Somebody who logs on and then does not change it.
    account.reset(old.text())?;
    account.set(&["--must-change", "yes"])?;
    let mut probe = Probe::bare("login", &account.name)
        .answer_from(&files[0])
        .hold(&["auth", "end", "pause"])?;
    probe.stands()?;
    none("after an end without a change", probe.process(), &old)
}

/// Where the session stays open, in the place where the person was let in.
fn real_programs(world: &mut World) -> Result<()> {
    let marker = Marker::new();
    let account = world.account(Good)?;
    account.reset(marker.text())?;
    let local = Marker::new();
    let line = format!("localuser:{}\n", local.text());
    let changed = Program::new("chpasswd")
        .args(&["-c", "SHA512"])
        .run(line.as_bytes())?;
    ensure(
        changed.status.success(),
        "chpasswd",
        "done",
        format!("{changed:?}"),
    )?;
    let people = [(&*account.name, &marker), ("localuser", &local)];
    let result = compare(world, people);
    let line = format!("localuser:{}\n", domlogon_tests::LOCAL_PASSWORD);
    Program::new("chpasswd")
        .args(&["-c", "SHA512"])
        .run(line.as_bytes())?;
    result
}

fn compare(world: &mut World, people: [(&str, &Marker); 2]) -> Result<()> {
    let programs = [
        ("su", ["su"].as_slice()),
        ("sshd by dialogue", &["sshd", "sshd-session", "sshd-auth"]),
        ("sshd by password", &["sshd", "sshd-session", "sshd-auth"]),
        ("login", &["login"]),
    ];
    for (program, processes) in programs.into_iter().take(sized(2, 4)) {
        let mut left = Vec::new();
        for (name, marker) in people {
            let mut session = begin(world, program, name)?;
            session.answer("assword: ", marker.text())?;
            session.expect_any(&["$ ", "# "])?;
            session.send("echo I am $(id -un)")?;
            session.expect(&format!("I am {name}"))?;
            // What is in an older process of the same name belongs to nobody here.
            thread::sleep(Duration::from_millis(200));
            left.push(copies_in(processes, marker)?);
            session.send("exit")?;
            session.finish()?;
        }
        let bytes = |copies: &[Copy]| copies.iter().map(|copy| copy.length).sum::<u64>();
        let (ours, theirs) = (bytes(&left[0]), bytes(&left[1]));
        figure(
            &format!("bytes of a password left in {program} in a session"),
            format!("{ours} with pam_domlogon, {theirs} with pam_unix"),
        );
        let shown: Vec<String> = left[0].iter().map(Copy::to_string).collect();
        ensure(
            ours <= theirs,
            format!("what {program} has of a password in a session"),
            format!("no more than with pam_unix: {theirs} bytes"),
            shown.join("\n"),
        )?;
    }
    Ok(())
}

/// In all processes of these names; one of them at least has our module.
fn copies_in(names: &[&str], marker: &Marker) -> Result<Vec<Copy>> {
    let mut copies = Vec::new();
    let mut has_module = false;
    for process in processes_called(names)? {
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
        has_module |= maps.contains("pam_domlogon.so");
        copies.extend(memory::copies(process, marker)?);
    }
    ensure(
        has_module,
        "the program",
        "one with pam_domlogon.so",
        names.join(", "),
    )?;
    Ok(copies)
}

fn begin(world: &mut World, program: &str, name: &str) -> Result<Pty> {
    match program {
        "login" => Program::new("login").arg(name).on_terminal(),
        "su" => Program::new("su")
            .args(&["-", name])
            .as_user("localuser")?
            .on_terminal(),
        other => {
            let method = match other {
                "sshd by password" => Method::Password,
                _ => Method::Dialogue,
            };
            world.sshd()?.client(name, method, "").on_terminal()
        }
    }
}

fn none(when: &str, process: u32, marker: &Marker) -> Result<()> {
    memory::is_clean(&format!("the program's memory {when}"), process, marker)
}

fn answer(path: &str, marker: &Marker) -> Result<String> {
    let what = "write an answer";
    let mut file = fs::File::options()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(Failure::harness(what))?;
    file.write_all(marker.text().as_bytes())
        .map_err(Failure::harness(what))?;
    Ok(path.to_owned())
}
