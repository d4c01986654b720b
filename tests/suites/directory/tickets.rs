//! Tickets: where they are, whose they are, and that they go with the session.

use crate::login::{login, new_password, su};
use crate::{Case, in_directory, ssh};
use domlogon_tests::account::Condition::*;
use domlogon_tests::sshd::Method;
use domlogon_tests::{
    Account, Log, NEW_PASSWORD, PASSWORD, Pty, Result, World, contact, differs, ensure,
    ensure_contains, ensure_equal,
};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/tickets/login", by_login),
        in_directory("directory/tickets/ssh and su", by_ssh_and_su),
        in_directory("directory/tickets/none by a key", none_by_a_key),
        in_directory("directory/tickets/keyring", keyring),
        in_directory("directory/tickets/lost, and the log says why", lost),
        in_directory("directory/tickets/new after a change", after_a_change),
        in_directory("directory/tickets/none offline", none_offline),
    ]
}

/// In the session's shell: the name of its cache, and whether its tickets are good and do
/// something.
fn cache_of(session: &mut Pty) -> Result<String> {
    session.send("klist -s && echo good=$(expr 40 + 2) cache=[$KRB5CCNAME]")?;
    session.expect("good=42 cache=[")?;
    let name = session.expect("]")?;
    session.send("kvno -q ldap/dc1.corp.example && echo served=$(expr 40 + 2)")?;
    session.expect("served=42")?;
    Ok(name.trim_end_matches(']').to_owned())
}

fn leave(session: &mut Pty) -> Result<()> {
    session.send("exit")?;
    session.finish().map(drop)
}

/// The user's alone, and gone with the session.
fn is_his(cache: &str, account: &Account) -> Result<String> {
    let path = cache
        .strip_prefix("FILE:")
        .ok_or_else(|| differs("KRB5CCNAME", "FILE:…", cache))?;
    let user = nix::unistd::User::from_name(&account.name)
        .ok()
        .flatten()
        .ok_or_else(|| differs("getpwnam", &*account.name, "nothing"))?;
    let found = fs::metadata(path).map_err(domlogon_tests::Failure::harness(
        "look at a credential cache",
    ))?;
    ensure_equal("its owner", found.uid(), user.uid.as_raw())?;
    ensure_equal("its mode", found.permissions().mode() & 0o7777, 0o600)?;
    Ok(path.to_owned())
}

/// sshd closes a session when its client has already gone.
fn is_gone(path: &str) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(5);
    while fs::metadata(path).is_ok() {
        ensure(
            Instant::now() < end,
            "the tickets of a session that has ended",
            "gone",
            path,
        )?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn by_login(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let log = Log::from_now();
    let mut session = login(&account.name)?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("$ ")?;
    let cache = cache_of(&mut session)?;
    let path = is_his(&cache, &account)?;
    session.send("klist")?;
    let said = session.expect("krbtgt/CORP.EXAMPLE@CORP.EXAMPLE")?;
    ensure_contains("klist", &said, &format!("{}@CORP.EXAMPLE", account.name))?;
    leave(&mut session)?;
    is_gone(&path)?;
    let lines = log.lines();
    ensure(
        !lines.contains("will not be renewed"),
        "the tickets of a session",
        "renewed as long as it lives",
        lines,
    )
}

fn by_ssh_and_su(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for method in [Method::Password, Method::Dialogue] {
        let mut session = ssh::connect(world, &account.name, method, "")?;
        session.answer("assword: ", PASSWORD)?;
        session.expect("$ ")?;
        let cache = cache_of(&mut session)?;
        let path = is_his(&cache, &account)?;
        leave(&mut session)?;
        is_gone(&path)?;
    }
    // su's own caller keeps what he has.
    let mut session = su("localuser", &account.name)?;
    session.answer("assword: ", PASSWORD)?;
    session.expect(&format!("{}\r\n", account.name))?;
    session.finish_with(0).map(drop)
}

fn none_by_a_key(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.sshd()?.accept_key(&account.name)?;
    let command = "klist -s || echo none [$KRB5CCNAME]";
    let mut session = ssh::connect(world, &account.name, Method::Key, command)?;
    session.expect("none []")?;
    session.finish_with(0).map(drop)
}

fn keyring(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.configured("tickets = \"KEYRING:persistent:{uid}\"", |_| {
        contact::is_back(domlogon_tests::world::PATIENCE)?;
        let mut session = login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        session.expect("$ ")?;
        let cache = cache_of(&mut session)?;
        ensure_contains("KRB5CCNAME", &cache, "KEYRING:persistent:")?;
        leave(&mut session)
    })
}

/// Changed on the way in: the tickets are the new password's.
/// The logon goes on, and the program that could not write them tells the reason itself.
fn lost(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.configured("tickets = \"FILE:/run/no-such-folder/{uid}\"", |_| {
        contact::is_back(domlogon_tests::world::PATIENCE)?;
        let log = Log::from_now();
        let mut session = login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        session.expect("$ ")?;
        leave(&mut session)?;
        log.line_with(&[&account.name, "the tickets are lost"])?;
        log.line_with(&["domlogon-tickets[", "/run/no-such-folder/"])
            .map(drop)
    })
}

fn after_a_change(world: &mut World) -> Result<()> {
    for condition in [MustChange, PasswordExpired] {
        let account = world.account(condition)?;
        let mut session = login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        new_password(&mut session, &[NEW_PASSWORD])?;
        session.expect("$ ")?;
        let cache = cache_of(&mut session)?;
        is_his(&cache, &account)?;
        leave(&mut session)?;
    }
    // Changed in the session: they go on being good.
    let account = world.account(Good)?;
    let mut session = login(&account.name)?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("$ ")?;
    session.send("passwd")?;
    session.answer("urrent password: ", PASSWORD)?;
    session.answer("ew password: ", NEW_PASSWORD)?;
    session.answer("assword: ", NEW_PASSWORD)?;
    session.expect("$ ")?;
    cache_of(&mut session)?;
    leave(&mut session)
}

/// Without a controller there are none, and the session does not suffer.
fn none_offline(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut session = login(&account.name)?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("$ ")?;
    leave(&mut session)?;
    world.directory()?.stop()?;
    let result = (|| {
        let mut session = login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        session.expect("$ ")?;
        session.send("klist -s || echo none=$(expr 40 + 2)")?;
        session.expect("none=42")?;
        leave(&mut session)
    })();
    world.calm()?;
    result
}
