//! Logons while no controller answers, with what was saved at the last one.

use super::{authenticate, known};
use crate::{Case, in_directory};
use domlogon_tests::account::Condition::*;
use domlogon_tests::program::everything;
use domlogon_tests::{
    NEW_PASSWORD, PASSWORD, Probe, Program, Result, World, contact, ensure, ensure_contains,
    ensure_equal,
};
use std::time::Duration;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/offline/a logon in a shell", in_a_shell),
        in_directory("directory/offline/limit of tries", limit_of_tries),
        in_directory("directory/offline/the account's rules hold", rules_hold),
        in_directory("directory/offline/the rights hold", rights_hold),
        in_directory("directory/offline/a restart keeps all", restart),
        in_directory("directory/offline/the password is the last one", last_one),
        in_directory("directory/offline/a reset replaces the password", reset),
        in_directory("directory/offline/none, where there are none", none),
    ]
}

/// Stop the controller, wait until the daemon knows, and do something.
pub(super) fn without_controller(
    world: &mut World,
    work: impl FnOnce(&mut World) -> Result<()>,
) -> Result<()> {
    world.directory()?.stop()?;
    let result = contact::is_lost(Duration::from_secs(12)).and_then(|_| work(world));
    world.calm()?;
    result
}

fn getent(name: &str) -> Result<String> {
    let output = Program::new("getent").args(&["passwd", name]).run(b"")?;
    Ok(everything(&output))
}

/// The person is told; home, shell and groups are those of ever.
fn in_a_shell(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.join("offline crew")?;
    known(&account.name)?;
    let entry = getent(&account.name)?;
    let groups = |name: &str| Program::new("id").args(&["-Gn", name]).run(b"");
    let before = everything(&groups(&account.name)?);
    ensure_contains("groups", &before, "offline crew")?;
    without_controller(world, |_| {
        let mut session = crate::login::login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        session.expect("Working offline: signed on with saved credentials.")?;
        crate::login::is_in_as(&mut session, &account.name)?;
        ensure_equal("getent passwd", &getent(&account.name)?, &entry)?;
        ensure_equal("groups", &everything(&groups(&account.name)?), &before)
    })
}

/// Three wrong ones, and even the right one waits; until a controller is asked.
fn limit_of_tries(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let name = account.name.clone();
    world.configured("offline_tries = 3", |world| {
        contact::is_back(domlogon_tests::world::PATIENCE)?;
        known(&name)?;
        without_controller(world, |_| {
            for _ in 0..3 {
                authenticate("login", &name, "wrong", "AUTH_ERR", "is not right")?;
            }
            authenticate("login", &name, PASSWORD, "MAXTRIES", "is locked").map(drop)
        })?;
        known(&name)?;
        // None of the guesses was the directory's.
        ensure_equal("wrong passwords", account.wrong_passwords()?, 0)
    })
}

/// What the host has last heard of an account holds.
fn rules_hold(world: &mut World) -> Result<()> {
    let mut cast = Vec::new();
    for (setting, code, words) in [
        (["--hours", "never"], "PERM_DENIED", "may not log on at"),
        (["--disabled", "yes"], "PERM_DENIED", "is disabled"),
        (
            ["--expires", "2020-01-01T00:00:00Z"],
            "ACCT_EXPIRED",
            "expired on",
        ),
        (
            ["--workstations", "elsewhere"],
            "PERM_DENIED",
            "may not log on from",
        ),
    ] {
        let account = world.account(Good)?;
        known(&account.name)?;
        account.set(&setting)?;
        // Account management asks anew, as for a key.
        Probe::bare("sshd", &account.name)
            .run(&["acct"])?
            .returns("acct", code)?;
        cast.push((account, code, words));
    }
    let newcomer = world.account(Good)?;
    known(&newcomer.name)?;
    newcomer.set(&["--must-change", "yes"])?;
    Probe::bare("sshd", &newcomer.name)
        .run(&["acct"])?
        .returns("acct", "NEW_AUTHTOK_REQD")?;
    without_controller(world, |_| {
        for (account, code, words) in &cast {
            authenticate("login", &account.name, PASSWORD, code, words)?;
            Probe::bare("sshd", &account.name)
                .run(&["acct"])?
                .returns("acct", code)?;
        }
        // Nothing can be changed now: let in, and told.
        let report = Probe::bare("login", &newcomer.name)
            .answer(PASSWORD)
            .run(&["auth", "acct"])?;
        report.returns("auth", "SUCCESS")?;
        report.returns("acct", "SUCCESS")?;
        ensure_contains("notices", report.text(), "Working offline")?;
        ensure_contains("notices", report.text(), "must be changed before your next")
    })
}

fn rights_hold(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.join("offline guests")?;
    known(&account.name)?;
    world.rights("[rights]\nSeDenyNetworkLogonRight = [\"CORP\\\\offline guests\"]\n")?;
    without_controller(world, |_| {
        authenticate(
            "ftp",
            &account.name,
            PASSWORD,
            "PERM_DENIED",
            "is not allowed to use",
        )?;
        authenticate(
            "login",
            &account.name,
            PASSWORD,
            "SUCCESS",
            "Working offline",
        )
        .map(drop)
    })
}

/// The host starts while there is no controller.
fn restart(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    known(&account.name)?;
    let entry = getent(&account.name)?;
    without_controller(world, |world| {
        world.restart()?;
        authenticate(
            "login",
            &account.name,
            PASSWORD,
            "SUCCESS",
            "Working offline",
        )?;
        authenticate("login", &account.name, "wrong", "AUTH_ERR", "is not right")?;
        ensure_equal("getent passwd", &getent(&account.name)?, &entry)
    })
}

/// After a change here the new one opens and the old one does not.
fn last_one(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    known(&account.name)?;
    Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?
        .returns("chauthtok", "SUCCESS")?;
    without_controller(world, |_| {
        let name = &account.name;
        authenticate("login", name, NEW_PASSWORD, "SUCCESS", "Working offline")?;
        authenticate("login", name, PASSWORD, "AUTH_ERR", "is not right").map(drop)
    })
}

/// An administrator sets a password for a single use: the one before it opens nothing, whether the
/// new one was used here or the host has only heard of it.
fn reset(world: &mut World) -> Result<()> {
    let (used, heard) = (world.account(Good)?, world.account(Good)?);
    for account in [&used, &heard] {
        known(&account.name)?;
        account.reset(NEW_PASSWORD)?;
        account.set(&["--must-change", "yes"])?;
    }
    for (password, code) in [(PASSWORD, "AUTH_ERR"), (NEW_PASSWORD, "SUCCESS")] {
        let report = Probe::bare("login", &used.name)
            .answer(password)
            .run(&["auth"])?;
        report.returns("auth", code)?;
    }
    Probe::bare("sshd", &heard.name)
        .run(&["acct"])?
        .returns("acct", "NEW_AUTHTOK_REQD")?;
    without_controller(world, |_| {
        for account in [&used, &heard] {
            for password in [PASSWORD, NEW_PASSWORD] {
                let report = Probe::bare("login", &account.name)
                    .answer(password)
                    .run(&["auth"])?;
                report.returns("auth", "AUTHINFO_UNAVAIL")?;
            }
        }
        Ok(())
    })
}

/// A site that wants none has none.
fn none(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.configured("offline_age = \"never\"", |world| {
        contact::is_back(domlogon_tests::world::PATIENCE)?;
        authenticate("login", &account.name, PASSWORD, "SUCCESS", "")?;
        without_controller(world, |_| {
            let report = Probe::bare("login", &account.name)
                .answer(PASSWORD)
                .run(&["auth"])?;
            ensure(
                report.code("auth")? == "AUTHINFO_UNAVAIL",
                "a logon offline",
                "none",
                report.text(),
            )
        })
    })
}
