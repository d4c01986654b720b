//! Joining and leaving a domain, and what is told when the join is no good any more. These come
//! last: they take the host out of the domain that the other cases are in.

use super::{authenticate, known};
use crate::{Case, in_directory};
use domlogon_tests::account::Condition::*;
use domlogon_tests::daemon::DATA;
use domlogon_tests::directory::{ADMINISTRATOR, ADMINISTRATOR_PASSWORD, COMPUTER, REALM};
use domlogon_tests::world::{PATIENCE, join};
use domlogon_tests::{
    Failure, PASSWORD, Result, World, contact, domlogon, domlogon_with, ensure, ensure_contains,
    ensure_equal,
};
use serde_json::json;
use std::fs;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/joining/computer account", computer),
        in_directory("directory/joining/twice", twice),
        in_directory("directory/joining/damaged keytab", damaged),
        in_directory("directory/joining/joined, and a new password", leaked),
        in_directory("directory/joining/the domain knows another key", other_key),
        in_directory("directory/joining/leave", leave),
        in_directory("directory/joining/one-time password", one_time),
        in_directory("directory/joining/made by another", made_by_another),
    ]
}

fn testjoin() -> Result<(i32, String)> {
    let answer = domlogon(&["testjoin"])?;
    Ok((answer.code(), answer.text()))
}

fn is_good() -> Result<()> {
    let (code, text) = testjoin()?;
    ensure_equal(format!("exit code of testjoin\n{text}"), code, 0)
}

fn is_bad() -> Result<String> {
    let (code, text) = testjoin()?;
    ensure_equal(format!("exit code of testjoin\n{text}"), code, 1)?;
    Ok(text)
}

/// What the directory has of this host.
fn computer(world: &mut World) -> Result<()> {
    is_good()?;
    let shown = world.directory()?.show(COMPUTER)?;
    let services = shown.get("services").map(ToString::to_string);
    let services = services.unwrap_or_default().to_lowercase();
    for service in ["host/sandbox.corp.example", "host/sandbox\""] {
        ensure_contains("its services", &services, service)?;
    }
    for name in ["machine.json", "machine.keytab"] {
        use std::os::unix::fs::PermissionsExt;
        let found = fs::metadata(format!("{DATA}/{name}"))
            .map_err(Failure::harness("look at the host's own secret"))?;
        ensure_equal(name, found.permissions().mode() & 0o777, 0o600)?;
    }
    Ok(())
}

/// A second join leaves what is good, and logons go on.
fn twice(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    join(&[])?;
    is_in_again(world)?;
    known(&account.name)
}

fn is_in_again(world: &mut World) -> Result<()> {
    world.restart()?;
    contact::is_back(PATIENCE)?;
    is_good()
}

/// A wrong password: nothing is changed, and it is not told.
fn refused(name: &str) -> Result<()> {
    for (user, password) in [(ADMINISTRATOR, "Wr0ng-but-secret"), (name, "Wr0ng-too")] {
        let answer = domlogon_with(
            &["join", REALM, "--user", user, "--password-stdin"],
            &format!("{password}\n"),
        )?;
        ensure(
            answer.code() != 0,
            "a join with a wrong password",
            "a refusal",
            answer.text(),
        )?;
        let told = answer.text().contains(password);
        ensure_equal("the password is told", told, false)?;
        is_bad()?;
    }
    Ok(())
}

/// Testjoin says so; a second join mends it.
fn damaged(world: &mut World) -> Result<()> {
    let keytab = format!("{DATA}/machine.keytab");
    for damage in [&b""[..], b"\x05\x02\x00\x00", b"no keytab"] {
        fs::write(&keytab, damage).map_err(Failure::harness("damage the keytab"))?;
        is_bad()?;
        join(&[])?;
        is_in_again(world)?;
    }
    Ok(())
}

/// Somebody has read the host's password: it gets another one, though all is well.
fn leaked(world: &mut World) -> Result<()> {
    let before = key_version(world)?;
    join(&["--take-over"])?;
    is_in_again(world)?;
    let after = key_version(world)?;
    ensure(
        before < after,
        "the number of the computer's key",
        format!("more than {before}"),
        after.to_string(),
    )
}

/// Somebody has reset the computer's account.
fn other_key(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    known(&account.name)?;
    world.directory()?.ask("forge", json!({"name": COMPUTER}))?;
    let result = refused_by_the_domain(world, &account.name);
    join(&["--take-over"])?;
    is_in_again(world)?;
    result?;
    known(&account.name)
}

fn refused_by_the_domain(world: &mut World, name: &str) -> Result<()> {
    is_bad()?;
    world.restart()?;
    contact::is_lost_for("does not know this host", PATIENCE)?;
    // To be mended by an administrator, and no reason to go by what was saved.
    authenticate("login", name, PASSWORD, "AUTHINFO_UNAVAIL", "").map(drop)
}

/// Nothing of the domain opens the host any more; and back again.
fn leave(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    known(&account.name)?;
    let directory = world.directory()?;
    domlogon_with(
        &["leave", "--user", ADMINISTRATOR, "--password-stdin"],
        &format!("{ADMINISTRATOR_PASSWORD}\n"),
    )?
    .exits(0)?;
    let gone = !directory.computers()?.iter().any(|name| name == COMPUTER)
        || directory
            .show(COMPUTER)?
            .get("disabled")
            .is_some_and(|disabled| disabled == true);
    ensure_equal("the computer's account is gone or disabled", gone, true)?;
    let keytab = fs::metadata(format!("{DATA}/machine.keytab"));
    ensure_equal("the keytab is gone", keytab.is_err(), true)?;
    refused(&account.name)?;
    world.enter()?;
    known(&account.name)
}

fn key_version(world: &World) -> Result<u64> {
    let shown = world.directory()?.show(COMPUTER)?;
    let version = shown.get("key_version").and_then(serde_json::Value::as_u64);
    Ok(version.unwrap_or_default())
}

/// The account was made before, with a password that is good for one join.
fn one_time(world: &mut World) -> Result<()> {
    const ONCE: &str = "One-Time-Passw0rd";
    let directory = world.directory()?;
    let account = world.account(Good)?;
    drop(world.take_daemon());
    if directory.computers()?.iter().any(|name| name == COMPUTER) {
        directory.ask("delete", json!({"name": COMPUTER}))?;
    }
    directory.ask("computer", json!({"name": "SANDBOX", "password": ONCE}))?;
    let before = key_version(world)?;
    domlogon_with(
        &["join", REALM, "--one-time-password", "--password-stdin"],
        &format!("{ONCE}\n"),
    )?
    .exits(0)?;
    is_in_again(world)?;
    known(&account.name)?;
    // Not seen by a bind: Samba takes the password before for an hour there.
    let after = key_version(world)?;
    ensure(
        before < after,
        "the number of the computer's key",
        format!("more than {before}"),
        after.to_string(),
    )
}

/// Any user of the domain may make a few computers, and would stay the owner of this host's.
fn made_by_another(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let directory = world.directory()?;
    let leave = ["leave", "--user", ADMINISTRATOR, "--password-stdin"];
    let password = format!("{ADMINISTRATOR_PASSWORD}\n");
    domlogon_with(&leave, &password)?.exits(0)?;
    directory.ask("computer", json!({"name": "SANDBOX"}))?;
    let settings = json!({"creator": account.name, "acts_for_others": account.name});
    directory.set(COMPUTER, settings)?;
    let join = |user, password: &str, more: &[&str]| {
        let join = ["join", REALM, "--user", user, "--password-stdin"];
        domlogon_with(&[&join[..], more].concat(), &format!("{password}\n"))
    };
    let own = join(&account.name, PASSWORD, &[])?;
    let refused = join(ADMINISTRATOR, ADMINISTRATOR_PASSWORD, &[])?;
    let taken = join(ADMINISTRATOR, ADMINISTRATOR_PASSWORD, &["--take-over"])?;
    let is_in = is_in_again(world);
    // To him it is his own; only that here he has not really made it.
    ensure_contains("his own", &own.exits(1)?.text(), "may not change")?;
    let refused = refused.exits(1)?;
    for part in [&*account.name, "--take-over", "--name"] {
        ensure_contains("the refusal", &refused.text(), part)?;
    }
    // Samba lets nobody empty it.
    let named = "msDS-AllowedToActOnBehalfOfOtherIdentity: others may get in";
    ensure_contains("what was done", &taken.exits(0)?.text(), named)?;
    is_in
}
