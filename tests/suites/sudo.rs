//! Real sudo, set-uid, on a terminal.

use crate::{Case, each, plain};
use domlogon_tests::account::Condition::{self, *};
use domlogon_tests::program::everything;
use domlogon_tests::{
    Account, Failure, LOCAL_PASSWORD, NEW_PASSWORD, PASSWORD, Program, Pty, Result, World, ensure,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("sudo/good", good),
        each("sudo/by group", by_group),
        each("sudo/wrong password", wrong_password),
        each("sudo/must change", must_change),
        each("sudo/refused", refused),
        each("sudo/without a password", without_password),
        plain("sudo/local user", local_user),
    ]
}

/// Older sudo always tells PAM modules to be silent; newer can be told not to.
fn speaks() -> Result<bool> {
    let output = Program::new("sudo").arg("-V").run(b"")?;
    let text = everything(&output);
    let version: Vec<u32> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    Ok(version >= vec![1, 9, 16])
}

pub(crate) fn allow(who: &str, how: &str) -> Result<()> {
    let what = "write a sudo rule";
    let path = "/etc/sudoers.d/test";
    let silence = if speaks()? {
        "Defaults !pam_silent\n"
    } else {
        ""
    };
    let rule = format!("{silence}Defaults lecture=never\n{who} ALL=(ALL:ALL) {how} ALL\n");
    fs::write(path, rule).map_err(Failure::harness(what))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o440)).map_err(Failure::harness(what))
}

/// Wait for the sentence, where sudo lets it through.
pub(crate) fn says(session: &mut Pty, words: &str) -> Result<()> {
    if speaks()? {
        session.expect(words)?;
    }
    Ok(())
}

fn prepared(world: &mut World, condition: Condition) -> Result<Account> {
    let account = world.account(condition)?;
    allow(&account.name, "")?;
    Ok(account)
}

pub(crate) fn sudo(name: &str) -> Result<Pty> {
    Program::new("sudo")
        .args(&["sh", "-c", "echo uid=$(id -u)"])
        .as_user(name)?
        .on_terminal()
}

fn good(world: &mut World) -> Result<()> {
    let account = prepared(world, Good)?;
    let mut session = sudo(&account.name)?;
    session.answer("assword", PASSWORD)?;
    session.expect("uid=0")?;
    session.finish_with(0).map(drop)
}

/// A rule for a group of the domain: sudo asks NSS for the groups.
fn by_group(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.join("operators")?;
    allow("%operators", "")?;
    let mut session = sudo(&account.name)?;
    session.answer("assword", PASSWORD)?;
    session.expect("uid=0")?;
    session.finish_with(0).map(drop)
}

fn wrong_password(world: &mut World) -> Result<()> {
    let account = prepared(world, Good)?;
    let mut session = sudo(&account.name)?;
    session.answer("assword", "wrong")?;
    says(&mut session, "User name or password is not right.")?;
    session.expect("Sorry, try again.")?;
    session.answer("assword", PASSWORD)?;
    session.expect("uid=0")?;
    session.finish_with(0).map(drop)
}

fn must_change(world: &mut World) -> Result<()> {
    let account = prepared(world, MustChange)?;
    let mut session = sudo(&account.name)?;
    session.answer("assword", PASSWORD)?;
    let (which, _) = session.expect_any(&["urrent password: ", "ew password: "])?;
    if which == 0 {
        session.send_secret(PASSWORD)?;
        session.expect("ew password: ")?;
    }
    session.send_secret(NEW_PASSWORD)?;
    session.answer("assword: ", NEW_PASSWORD)?;
    session.expect("uid=0")?;
    session.finish_with(0)?;
    account.opens_with(NEW_PASSWORD)
}

fn refused(world: &mut World) -> Result<()> {
    for (condition, words) in [
        (Disabled, "is disabled"),
        (AccountExpired, "expired on"),
        (NoHours, "may not log on at"),
    ] {
        let account = prepared(world, condition)?;
        let mut session = sudo(&account.name)?;
        session.answer("assword", PASSWORD)?;
        says(&mut session, account.comes_to("", words)?.words)?;
        // An expired account ends it at once; after the others sudo asks again.
        session.expect_any(&["Sorry, try again.", "PAM authentication error"])?;
        let transcript = session.transcript();
        ensure(
            !transcript.contains("uid=0"),
            "a refused sudo",
            "no command",
            transcript,
        )?;
    }
    Ok(())
}

/// NOPASSWD: account management alone decides, and still refuses a disabled account.
fn without_password(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    allow(&account.name, "NOPASSWD:")?;
    let mut session = sudo(&account.name)?;
    session.expect("uid=0")?;
    session.finish_with(0)?;
    account.set(&["--disabled", "yes"])?;
    let mut session = sudo(&account.name)?;
    // Without a conversation there is nobody to tell why.
    let (status, rest) = session.finish()?;
    ensure(
        !status.success() && !rest.contains("uid=0"),
        "a refused sudo",
        "no command",
        rest,
    )
}

fn local_user(_: &mut World) -> Result<()> {
    allow("localuser", "")?;
    let mut session = sudo("localuser")?;
    session.answer("assword", LOCAL_PASSWORD)?;
    session.expect("uid=0")?;
    session.finish_with(0).map(drop)
}
