//! Real passwd, set-uid, on a terminal.

use crate::{Case, each, plain};
use domlogon_tests::account::Condition::*;
use domlogon_tests::difference::Difference;
use domlogon_tests::{
    LOCAL_PASSWORD, NEW_PASSWORD, PASSWORD, Program, Pty, Result, World, ensure, ensure_contains,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("passwd/good", good),
        each("passwd/refusals, then a good one", refusals),
        each("passwd/too recent", too_recent),
        each("passwd/wrong old password", wrong_old),
        each("passwd/cannot change", cannot_change),
        each("passwd/by root", by_root),
        plain("passwd/local user", local_user),
    ]
}

fn passwd(name: &str) -> Result<Pty> {
    Program::new("passwd").as_user(name)?.on_terminal()
}

fn good(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut session = passwd(&account.name)?;
    session.answer("urrent password: ", PASSWORD)?;
    let rules = session.answer("ew password: ", NEW_PASSWORD)?;
    ensure_contains("before the new password", &rules, "8 characters")?;
    session.answer("assword: ", NEW_PASSWORD)?;
    session.expect("Password changed.")?;
    session.finish_with(0)?;
    account.opens_with(NEW_PASSWORD)
}

fn refusals(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut session = passwd(&account.name)?;
    session.answer("urrent password: ", PASSWORD)?;
    for (new, words) in [
        ("tiny", "at least 8 characters"),
        (PASSWORD, "passwords cannot be used again"),
    ] {
        session.answer("ew password: ", new)?;
        session.answer("assword: ", new)?;
        session.expect(words)?;
    }
    session.answer("ew password: ", NEW_PASSWORD)?;
    session.answer("assword: ", NEW_PASSWORD)?;
    session.finish_with(0)?;
    account.opens_with(NEW_PASSWORD)
}

fn too_recent(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.policy(&["min-age=1d"])?;
    let mut session = passwd(&account.name)?;
    session.answer("urrent password: ", PASSWORD)?;
    session.expect("changed too recently. You can change it from")?;
    refused(&mut session)?;
    account.keeps_its_password()
}

/// passwd ended, unsuccessfully.
fn refused(session: &mut Pty) -> Result<()> {
    let (status, _) = session.finish()?;
    ensure(
        !status.success() && status.code().is_some(),
        "passwd",
        "an unsuccessful end",
        format!("{status}\n{}", session.transcript()),
    )
}

fn wrong_old(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut session = passwd(&account.name)?;
    session.answer("urrent password: ", "not this")?;
    session.expect("The current password is not right.")?;
    refused(&mut session)?;
    account.keeps_its_password()
}

fn cannot_change(world: &mut World) -> Result<()> {
    let account = world.account(CannotChange)?;
    let mut session = passwd(&account.name)?;
    session.answer("urrent password: ", PASSWORD)?;
    session.expect("This account may not change its own password.")?;
    refused(&mut session)?;
    account.opens_with(PASSWORD)
}

/// `passwd NAME` by root: no old password, and history and age do not bind; where root is the
/// administrator of the accounts.
fn by_root(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.policy(&["min-age=1d"])?;
    let expected = world.home().expects(Difference::ResetByRoot);
    let mut session = Program::new("passwd").arg(&account.name).on_terminal()?;
    if expected.code != "SUCCESS" {
        session.expect(expected.words)?;
        refused(&mut session)?;
        return account.keeps_its_password();
    }
    session.answer("ew password: ", NEW_PASSWORD)?;
    session.answer("assword: ", NEW_PASSWORD)?;
    session.finish_with(0)?;
    account.opens_with(NEW_PASSWORD)
}

fn local_user(_: &mut World) -> Result<()> {
    let new = "An0ther-local-1";
    for (old, new) in [(LOCAL_PASSWORD, new), (new, LOCAL_PASSWORD)] {
        let mut session = passwd("localuser")?;
        session.answer("urrent password: ", old)?;
        session.answer("ew password: ", new)?;
        session.answer("assword: ", new)?;
        session.finish_with(0)?;
    }
    Ok(())
}
