//! The answers: codes, words, and their order.

use super::people;
use crate::{Case, each};
use domlogon_tests::account::Condition::*;
use domlogon_tests::cli::run;
use domlogon_tests::program::everything;
use domlogon_tests::size::sized;
use domlogon_tests::sshd::Method;
use domlogon_tests::{Probe, Program, Pty, Result, World, ensure, ensure_equal};

pub(super) fn cases() -> Vec<Case> {
    vec![
        each("attacks/outside/answers of libpam", libpam),
        each("attacks/outside/answers of sshd", sshd),
        each("attacks/outside/answers to other users", other_users),
    ]
}

/// In the shipped stacks, where what is not the domain's goes on to pam_unix.
fn libpam(world: &mut World) -> Result<()> {
    let people = people(world)?;
    world.policy(&[super::MANY])?;
    let services = ["sshd", "login", "su", "sudo"];
    for service in services.into_iter().take(sized(2, 4)) {
        for password in ["wrong", ""] {
            let mut first: Option<(String, &str)> = None;
            for (state, name) in &people {
                let report = Probe::stack(service, name)
                    .answer(password)
                    .run(&["auth"])?;
                let told = report.told(name);
                match &first {
                    None => first = Some((told, state)),
                    Some((other, of)) => ensure_equal(
                        format!("{service}, {password:?}: {state}, as for {of}"),
                        &told,
                        other,
                    )?,
                }
            }
        }
    }
    Ok(())
}

fn sshd(world: &mut World) -> Result<()> {
    let people = people(world)?;
    // The password method shows least; and sshd lets few in at a time.
    let methods = [Method::Dialogue, Method::Key, Method::Password];
    for method in methods.into_iter().take(sized(2, 3)) {
        let mut first: Option<(String, &str)> = None;
        for people in people.chunks(6) {
            for (state, told) in refusals(world, people, method)? {
                match &first {
                    None => first = Some((told, state)),
                    Some((other, of)) => ensure_equal(
                        format!("sshd, {method:?}: {state}, as for {of}"),
                        &told,
                        other,
                    )?,
                }
            }
        }
    }
    Ok(())
}

/// All at once: each is held up for some seconds.
fn refusals<'a>(
    world: &mut World,
    people: &[(&'a str, String)],
    method: Method,
) -> Result<Vec<(&'a str, String)>> {
    let mut sessions: Vec<Pty> = Vec::new();
    for (_, name) in people {
        sessions.push(world.sshd()?.client(name, method, "id").on_terminal()?);
    }
    if method != Method::Key {
        for session in &mut sessions {
            session.answer("assword: ", "wrong")?;
        }
    }
    let mut refusals = Vec::new();
    for ((state, name), mut session) in people.iter().zip(sessions) {
        let (status, _) = session.finish()?;
        let text = session.transcript().replace(&**name, "NAME");
        refusals.push((*state, format!("{status}\n{text}")));
    }
    Ok(refusals)
}

/// Somebody of this host asks about somebody else.
fn other_users(world: &mut World) -> Result<()> {
    let mut people = people(world)?;
    // Even this one is not told to who has no business with it.
    people.push(("locked", world.account(Locked)?.name));
    let mut first: Option<(Vec<String>, &str)> = None;
    for (state, name) in &people {
        // One for each: nobody may have many passwords judged at once.
        let asker = &*world.account(Good)?.name;
        let mut told = Vec::new();
        for operations in [["auth"], ["acct"], ["expired"]] {
            let report = Probe::bare("login", name)
                .answer("wrong")
                .as_user(asker)
                .run(&operations)?;
            told.push(report.told(name));
        }
        for arguments in [
            &["explain", &**name, "--service", "sshd"][..],
            &["user", "show", name],
            &["user", "unlock", name],
            &["user", "password", name, "--stdin"],
            &["rights", "show"],
        ] {
            let program = Program::new("domlogon").args(arguments).as_user(asker)?;
            let answer = run(&program, "Wrong-0ne\n")?;
            ensure(
                answer.code() != 0,
                arguments.join(" "),
                "a refusal",
                answer.text(),
            )?;
            told.push(format!(
                "{}: {}",
                answer.code(),
                answer.text().replace(&**name, "NAME")
            ));
        }
        // Names are everybody's; that there is a password, and how it is, is not.
        let shadow = Program::new("getent")
            .args(&["shadow", name])
            .as_user(asker)?
            .run(b"")?;
        told.push(everything(&shadow));
        match &first {
            None => first = Some((told, state)),
            Some((other, of)) => {
                ensure_equal(format!("another user: {state}, as for {of}"), &told, other)?;
            }
        }
    }
    Ok(())
}
