//! Real sshd and ssh: by password, by dialogue (keyboard-interactive), by key.

use crate::{Case, each, plain};
use domlogon_tests::account::Condition::*;
use domlogon_tests::sshd::Method;
use domlogon_tests::{
    Account, LOCAL_PASSWORD, NEW_PASSWORD, PASSWORD, Pty, Result, World, ensure, ensure_contains,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("ssh/password", |world| good(world, Method::Password)),
        each("ssh/dialogue", |world| good(world, Method::Dialogue)),
        each("ssh/key", key),
        each("ssh/wrong password", wrong_password),
        each("ssh/sentences by password", |world| {
            sentences(world, Method::Password)
        }),
        each("ssh/sentences by dialogue", |world| {
            sentences(world, Method::Dialogue)
        }),
        each("ssh/sentences by key", |world| {
            sentences(world, Method::Key)
        }),
        each("ssh/locked", locked),
        each("ssh/must change by dialogue", must_change),
        each("ssh/must change by key", must_change_by_key),
        each("ssh/unknown user", unknown_user),
        plain("ssh/local user", local_user),
    ]
}

pub(crate) fn connect(world: &mut World, name: &str, method: Method, command: &str) -> Result<Pty> {
    world.sshd()?.client(name, method, command).on_terminal()
}

fn good(world: &mut World, method: Method) -> Result<()> {
    let account = world.account(Good)?;
    let mut session = connect(world, &account.name, method, "echo I am $(id -un)")?;
    session.answer("assword: ", PASSWORD)?;
    session.expect(&format!("I am {}", account.name))?;
    session.finish_with(0).map(drop)
}

fn key(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.sshd()?.accept_key(&account.name)?;
    let mut session = connect(world, &account.name, Method::Key, "echo I am $(id -un)")?;
    session.expect(&format!("I am {}", account.name))?;
    session.finish_with(0).map(drop)
}

fn wrong_password(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for method in [Method::Password, Method::Dialogue] {
        let mut session = connect(world, &account.name, method, "echo in")?;
        session.answer("assword: ", "wrong")?;
        session.expect("Permission denied")?;
        session.finish_with(255)?;
    }
    Ok(())
}

/// The sentence of a refusal reaches the person at the client.
fn sentences(world: &mut World, method: Method) -> Result<()> {
    for (condition, words) in [
        (Disabled, "is disabled. Contact"),
        (AccountExpired, "expired on"),
        (NoHours, "may not log on at"),
        (OtherWorkstation, "may not log on from sandbox"),
    ] {
        let account = world.account(condition)?;
        let mut session = refused_session(world, &account, method)?;
        match method {
            Method::Key => session.expect(words)?,
            // sshd shows no message of a failed authenticate to this method.
            Method::Password if account.comes_to("", words)?.words != words => String::new(),
            Method::Password | Method::Dialogue => {
                session.expect(account.comes_to("", words)?.words)?
            }
        };
        let (status, rest) = session.finish()?;
        ensure(
            status.code() == Some(255) && !rest.contains("I am in"),
            format!("{condition:?}"),
            "no logon",
            session.transcript(),
        )?;
    }
    Ok(())
}

fn refused_session(world: &mut World, account: &Account, method: Method) -> Result<Pty> {
    if method == Method::Key {
        world.sshd()?.accept_key(&account.name)?;
    }
    let mut session = connect(world, &account.name, method, "echo I am in")?;
    if method != Method::Key {
        session.answer("assword: ", PASSWORD)?;
    }
    Ok(session)
}

/// Refused by every method; the dialogue and the key tell why.
fn locked(world: &mut World) -> Result<()> {
    for method in [Method::Password, Method::Dialogue, Method::Key] {
        let account = world.account(Locked)?;
        let mut session = refused_session(world, &account, method)?;
        if method != Method::Password {
            session.expect("is locked after too many wrong passwords")?;
        }
        let (status, rest) = session.finish()?;
        ensure(
            status.code() == Some(255) && !rest.contains("I am in"),
            format!("locked, {method:?}"),
            "no logon",
            session.transcript(),
        )?;
    }
    Ok(())
}

/// The change is made in the dialogue of the logon, and the command runs.
fn must_change(world: &mut World) -> Result<()> {
    for condition in [MustChange, PasswordExpired] {
        let account = world.account(condition)?;
        let mut session = connect(
            world,
            &account.name,
            Method::Dialogue,
            "echo I am $(id -un)",
        )?;
        session.answer("assword: ", PASSWORD)?;
        let (which, _) = session.expect_any(&["urrent password: ", "ew password: "])?;
        if which == 0 {
            session.send_secret(PASSWORD)?;
            session.expect("ew password: ")?;
        }
        session.send_secret(NEW_PASSWORD)?;
        session.answer("assword: ", NEW_PASSWORD)?;
        session.expect(&format!("I am {}", account.name))?;
        session.finish_with(0)?;
        account.opens_with(NEW_PASSWORD)?;
    }
    Ok(())
}

/// With a key and a terminal sshd runs passwd and disconnects; without a terminal it refuses.
fn must_change_by_key(world: &mut World) -> Result<()> {
    let account = world.account(MustChange)?;
    world.sshd()?.accept_key(&account.name)?;
    let mut session = connect(world, &account.name, Method::Key, "echo I am in")?;
    let (_, rest) = session.finish()?;
    ensure(
        !rest.contains("I am in"),
        "without a terminal",
        "a refusal",
        &*rest,
    )?;
    let mut session = connect(world, &account.name, Method::Key, "")?;
    session.answer("urrent password: ", PASSWORD)?;
    session.answer("ew password: ", NEW_PASSWORD)?;
    session.answer("assword: ", NEW_PASSWORD)?;
    session.finish()?;
    account.opens_with(NEW_PASSWORD)?;
    let mut session = connect(world, &account.name, Method::Key, "echo I am $(id -un)")?;
    session.expect(&format!("I am {}", account.name))?;
    session.finish_with(0).map(drop)
}

fn unknown_user(world: &mut World) -> Result<()> {
    let mut session = connect(world, "nobody-here", Method::Dialogue, "echo in")?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("Permission denied").map(drop)
}

fn local_user(world: &mut World) -> Result<()> {
    for method in [Method::Password, Method::Dialogue] {
        let mut session = connect(world, "localuser", method, "echo I am $(id -un)")?;
        session.answer("assword: ", LOCAL_PASSWORD)?;
        let said = session.expect("I am localuser")?;
        ensure_contains("transcript", &said, "I am localuser")?;
        session.finish_with(0)?;
    }
    Ok(())
}
