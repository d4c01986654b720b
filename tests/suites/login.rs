//! Real login and su, on a terminal.

use crate::{Case, each, plain};
use domlogon_tests::account::Condition::*;
use domlogon_tests::{
    LOCAL_PASSWORD, NEW_PASSWORD, PASSWORD, Program, Pty, ROOT_PASSWORD, Result, World, ensure,
    ensure_contains, ensure_equal,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("login/good", good),
        each("login/home", home),
        each("login/wrong password", wrong_password),
        each("login/must change", must_change),
        each(
            "login/must change, refused and asked again",
            must_change_again,
        ),
        each("login/sentences", sentences),
        each("login/lockout", lockout),
        plain("login/local and root", local_and_root),
        each("su/good", su_good),
        each("su/must change", su_must_change),
        each("su/refused", su_refused),
        each("su/by root", su_by_root),
    ]
}

pub(crate) fn login(name: &str) -> Result<Pty> {
    Program::new("login").arg(name).on_terminal()
}

/// In the shell: who am I? Then leave.
pub(crate) fn is_in_as(session: &mut Pty, name: &str) -> Result<()> {
    session.expect_any(&["$ ", "# "])?;
    session.send("echo I am $(id -un), home $HOME")?;
    session.expect(&format!("I am {name}, home "))?;
    session.send("exit")?;
    session.finish().map(drop)
}

fn good(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut session = login(&account.name)?;
    session.answer("assword: ", PASSWORD)?;
    is_in_as(&mut session, &account.name)
}

/// The first logon makes the home, for its owner alone.
fn home(world: &mut World) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let account = world.account(Good)?;
    let mut session = login(&account.name)?;
    session.answer("assword: ", PASSWORD)?;
    is_in_as(&mut session, &account.name)?;
    let user = nix::unistd::User::from_name(&account.name)
        .ok()
        .flatten()
        .ok_or_else(|| domlogon_tests::differs("getpwnam", &*account.name, "nothing"))?;
    let found = std::fs::metadata(&user.dir)
        .map_err(domlogon_tests::Failure::harness("look at a new home"))?;
    ensure_equal("its owner", found.uid(), user.uid.as_raw())?;
    ensure_equal("its mode", found.mode() & 0o777, 0o700)
}

fn wrong_password(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut session = login(&account.name)?;
    session.answer("assword: ", "not the password")?;
    session.expect("User name or password is not right.")?;
    session.expect("Login incorrect")?;
    // And the right one at the next try, with the name typed at the prompt.
    session.expect("login: ")?;
    session.send(&account.name.to_uppercase())?;
    session.answer("assword: ", PASSWORD)?;
    session.expect_any(&["$ ", "# "]).map(drop)
}

fn must_change(world: &mut World) -> Result<()> {
    for condition in [MustChange, PasswordExpired] {
        let account = world.account(condition)?;
        let mut session = login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        new_password(&mut session, &[NEW_PASSWORD])?;
        is_in_as(&mut session, &account.name)?;
        account.opens_with(NEW_PASSWORD)?;
    }
    Ok(())
}

/// Answer the dialogue of a change: the old one if it is asked for, then each new one twice.
pub(crate) fn new_password(session: &mut Pty, new: &[&str]) -> Result<()> {
    let (which, _) = session.expect_any(&["urrent password: ", "ew password: "])?;
    if which == 0 {
        session.send_secret(PASSWORD)?;
        session.expect("ew password: ")?;
    }
    for (turn, password) in new.iter().enumerate() {
        if turn > 0 {
            session.expect("ew password: ")?;
        }
        session.send_secret(password)?;
        session.answer("assword: ", password)?;
    }
    Ok(())
}

fn must_change_again(world: &mut World) -> Result<()> {
    let account = world.account(MustChange)?;
    let mut session = login(&account.name)?;
    session.answer("assword: ", PASSWORD)?;
    new_password(&mut session, &["tiny", PASSWORD, NEW_PASSWORD])?;
    is_in_as(&mut session, &account.name)?;
    ensure_contains("transcript", &session.transcript(), "at least 8 characters")?;
    ensure_contains(
        "transcript",
        &session.transcript(),
        "passwords cannot be used again",
    )
}

fn sentences(world: &mut World) -> Result<()> {
    for (condition, words) in [
        (Disabled, "is disabled. Contact"),
        (AccountExpired, "expired on"),
        (NoHours, "may not log on at"),
        (OtherWorkstation, "may not log on from sandbox"),
        (Locked, "is locked after too many wrong passwords"),
        (DeadEnd, "this account may not change it"),
    ] {
        let account = world.account(condition)?;
        let mut session = login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        session.expect(account.comes_to("", words)?.words)?;
        let transcript = session.transcript();
        ensure(
            !transcript.contains("$ "),
            "a refused logon",
            "no shell",
            transcript,
        )?;
    }
    Ok(())
}

fn lockout(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for _ in 0..domlogon_tests::world::THRESHOLD {
        let mut session = login(&account.name)?;
        session.answer("assword: ", "wrong")?;
        session.expect("User name or password is not right.")?;
    }
    let mut session = login(&account.name)?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("Try again in 30 min").map(drop)
}

fn local_and_root(_: &mut World) -> Result<()> {
    for (name, password) in [("localuser", LOCAL_PASSWORD), ("root", ROOT_PASSWORD)] {
        let mut session = login(name)?;
        session.answer("assword: ", password)?;
        is_in_as(&mut session, name)?;
    }
    Ok(())
}

pub(crate) fn su(from: &str, to: &str) -> Result<Pty> {
    Program::new("su")
        .args(&["-", to, "-c", "id -un"])
        .as_user(from)?
        .on_terminal()
}

fn su_good(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut session = su("localuser", &account.name)?;
    session.answer("assword: ", PASSWORD)?;
    session.expect(&format!("{}\n", account.name).replace('\n', "\r\n"))?;
    session.finish_with(0)?;
    // And from a domain user to a local one, where pam_unix decides.
    let mut session = su(&account.name, "localuser")?;
    session.answer("assword: ", LOCAL_PASSWORD)?;
    session.expect("localuser\r\n")?;
    session.finish_with(0).map(drop)
}

fn su_must_change(world: &mut World) -> Result<()> {
    let account = world.account(MustChange)?;
    let mut session = su("localuser", &account.name)?;
    session.answer("assword: ", PASSWORD)?;
    new_password(&mut session, &[NEW_PASSWORD])?;
    session.expect(&format!("{}\r\n", account.name))?;
    session.finish_with(0)?;
    account.opens_with(NEW_PASSWORD)
}

fn su_refused(world: &mut World) -> Result<()> {
    let account = world.account(Disabled)?;
    let mut session = su("localuser", &account.name)?;
    session.answer("assword: ", PASSWORD)?;
    session.expect(account.comes_to("", "is disabled")?.words)?;
    session.finish_with(1).map(drop)
}

/// root becomes anybody without a password. (Not a user who must change his: su honours that
/// for root too, with pam_unix as well.)
fn su_by_root(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let output = Program::new("su")
        .args(&["-", &account.name, "-c", "id -un"])
        .run(b"")?;
    ensure_contains(
        "su by root",
        &domlogon_tests::program::everything(&output),
        &account.name,
    )
}
