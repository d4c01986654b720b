//! One wrong password is one wrong password in the controller's count, whatever the way in.

use crate::login::{login, su};
use crate::sudo::{self, sudo};
use crate::{Case, in_directory, ssh};
use domlogon_tests::account::Condition::*;
use domlogon_tests::sshd::Method;
use domlogon_tests::{Account, PASSWORD, Probe, Program, Result, World, ensure, ensure_equal};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/one wrong password counts once", wrong),
        in_directory("directory/a right password counts none", right),
        in_directory("directory/no proof outside the armour", in_armour),
    ]
}

fn wrong(world: &mut World) -> Result<()> {
    counted_once(world, "login", |_, account| {
        let mut session = login(&account.name)?;
        session.answer("assword: ", "wrong")?;
        session.expect("Login incorrect").map(drop)
    })?;
    counted_once(world, "su", |_, account| {
        let mut session = su("localuser", &account.name)?;
        session.answer("assword: ", "wrong")?;
        session.finish_with(1).map(drop)
    })?;
    counted_once(world, "sudo", |_, account| {
        sudo::allow(&account.name, "")?;
        let mut session = sudo(&account.name)?;
        session.answer("assword", "wrong")?;
        session.expect("Sorry, try again.").map(drop)
    })?;
    counted_once(world, "passwd", |_, account| {
        let mut session = Program::new("passwd")
            .as_user(&account.name)?
            .on_terminal()?;
        session.answer("urrent password: ", "wrong")?;
        session
            .expect("The current password is not right.")
            .map(drop)
    })?;
    for method in [Method::Password, Method::Dialogue] {
        counted_once(world, "ssh", |world, account| {
            let mut session = ssh::connect(world, &account.name, method, "echo in")?;
            session.answer("assword: ", "wrong")?;
            session.finish_with(255).map(drop)
        })?;
    }
    Ok(())
}

fn counted_once(
    world: &mut World,
    way: &str,
    try_it: impl FnOnce(&mut World, &Account) -> Result<()>,
) -> Result<()> {
    let account = world.account(Good)?;
    try_it(world, &account)?;
    ensure_equal(
        format!("wrong passwords that {way} cost"),
        account.wrong_passwords()?,
        1,
    )
}

/// Also where the password must be changed on the way in, and is.
fn right(world: &mut World) -> Result<()> {
    for condition in [Good, MustChange, PasswordExpired] {
        let account = world.account(condition)?;
        let mut session = login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        if condition != Good {
            crate::login::new_password(&mut session, &[domlogon_tests::NEW_PASSWORD])?;
        }
        crate::login::is_in_as(&mut session, &account.name)?;
        ensure_equal(
            format!("wrong passwords, {condition:?}"),
            account.wrong_passwords()?,
            0,
        )?;
    }
    Ok(())
}

/// The controllers have FAST: whoever listens must not get what he can guess at, also where the
/// password is right and must be changed: there the controller is asked twice, as it does not say
/// whose password it is when it refuses.
fn in_armour(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    for condition in [Good, MustChange, PasswordExpired] {
        let account = world.account(condition)?;
        let before = directory.log()?.len();
        Probe::bare("sshd", &account.name)
            .answer(PASSWORD)
            .run(&["auth"])?
            .returns("auth", "SUCCESS")?;
        let log = directory.log()?;
        let of_his = |line: &&str| line.contains("Kerberos KDC") && line.contains(&account.name);
        let lines = log.get(before..).unwrap_or_default().lines();
        let asked: Vec<&str> = lines.filter(of_his).collect();
        let times = if condition == Good { 1 } else { 2 };
        ensure(
            asked.len() == times && !asked.iter().any(|line| line.contains("ENC-TS")),
            format!("how the password was proved, {condition:?}"),
            format!("in the armour alone, {times} times"),
            asked.join("\n"),
        )?;
    }
    Ok(())
}
