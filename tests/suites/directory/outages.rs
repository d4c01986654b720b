//! The controller killed, frozen, slow or with a wrong clock; and one of two that fails.

use super::tls::{by_tls, trust};
use super::{authenticate, in_time, known};
use crate::{Case, in_directory};
use domlogon_tests::account::Condition::*;
use domlogon_tests::directory::{AUTHORITY, Directory, Front, HOST, SECOND_HOST};
use domlogon_tests::probe::Report;
use domlogon_tests::world::PATIENCE;
use domlogon_tests::{
    Account, Log, NEW_PASSWORD, PASSWORD, Probe, Result, World, contact, domlogon, ensure,
    ensure_contains, ensure_equal,
};
use serde_json::json;
use std::fs;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/outages/killed", killed),
        in_directory("directory/outages/frozen", frozen),
        in_directory("directory/outages/slow", slow),
        in_directory("directory/outages/wrong clock", wrong_clock),
        in_directory("directory/outages/another key", another_key),
        in_directory("directory/outages/no mark of a controller", no_mark),
        in_directory("directory/outages/one of two", one_of_two),
        in_directory("directory/outages/killed amid a change", |world| {
            amid_a_change(world, Directory::stop)
        }),
        in_directory("directory/outages/frozen amid a change", |world| {
            amid_a_change(world, Directory::freeze)
        }),
        in_directory("directory/outages/a change without an answer", |world| {
            without_answer(world, "")
        }),
        in_directory(
            "directory/outages/a change without an answer, without FAST",
            |world| {
                trust(AUTHORITY)?;
                without_answer(world, &by_tls("ldaps"))
            },
        ),
        in_directory("directory/outages/no password service", no_password_service),
        in_directory("directory/outages/killed amid logons", |world| {
            amid_logons(world, Directory::stop)
        }),
        in_directory("directory/outages/frozen amid logons", |world| {
            amid_logons(world, Directory::freeze)
        }),
    ]
}

/// What one logon may wait for a controller that does not answer; promised are 5 seconds.
const FIRST: Duration = Duration::from_millis(5500);
/// What each one after it may wait; promised is nothing, and a hash takes its time.
const NEXT: Duration = Duration::from_secs(1);

fn killed(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let (account, stranger) = (world.account(Good)?, world.account(Good)?);
    known(&account.name)?;
    directory.stop()?;
    unreached(&account, &stranger, FIRST)?;
    directory.start_again()?;
    comes_back(&stranger)
}

fn frozen(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let (account, stranger) = (world.account(Good)?, world.account(Good)?);
    known(&account.name)?;
    directory.freeze()?;
    let result = unreached(&account, &stranger, FIRST);
    directory.thaw()?;
    result?;
    comes_back(&stranger)
}

fn unreached(account: &Account, stranger: &Account, first: Duration) -> Result<()> {
    let name = &account.name;
    let took = authenticate("login", name, PASSWORD, "SUCCESS", "Working offline")?;
    in_time("the first logon", took, first)?;
    let took = authenticate("sshd", name, PASSWORD, "SUCCESS", "Working offline")?;
    in_time("the second logon", took, NEXT)?;
    let took = authenticate("login", name, "wrong", "AUTH_ERR", "is not right")?;
    in_time("a wrong password", took, NEXT)?;
    // Somebody of whom no password was ever proved here.
    let took = authenticate(
        "login",
        &stranger.name,
        PASSWORD,
        "AUTHINFO_UNAVAIL",
        "cannot be reached",
    )?;
    in_time("a stranger", took, NEXT)?;
    let report = Probe::bare("sshd", name).run(&["acct"])?;
    report.returns("acct", "SUCCESS")?;
    in_time("account management", report.took("acct")?, NEXT)?;
    let report = Probe::bare("passwd", name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(name)
        .run(&["chauthtok"])?;
    report.returns("chauthtok", "TRY_AGAIN")?;
    report.says("Password changes are not possible now")?;
    let status = domlogon(&["status"])?.text();
    for words in ["OFFLINE since", "Why", HOST] {
        ensure_contains("domlogon status", &status, words)?;
    }
    Ok(())
}

/// Nobody tells the daemon. Whoever could not log on then can.
fn comes_back(stranger: &Account) -> Result<()> {
    contact::is_back(PATIENCE)?;
    let report = Probe::bare("login", &stranger.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    report.returns("auth", "SUCCESS")?;
    report.returns("acct", "SUCCESS")?;
    let offline = report.text().contains("Working offline");
    ensure_equal(format!("offline\n{}", report.text()), offline, false)?;
    // The lists of rights are looked up anew meanwhile, and until then status is not content.
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let status = domlogon(&["status"])?;
        ensure_contains("domlogon status", &status.text(), "online since")?;
        ensure_contains("domlogon status", &status.text(), HOST)?;
        if status.code() == 0 || Instant::now() > end {
            return status.exits(0).map(drop);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Late answers are answers.
fn slow(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    directory.second_is_known(true)?;
    let account = world.account(Good)?;
    directory.front(Front::Open(40))?;
    let servers = format!("servers = [\"{SECOND_HOST}\"]");
    world.configured(&servers, |_| {
        contact::is_with(SECOND_HOST, PATIENCE)?;
        let report = Probe::bare("login", &account.name)
            .answer(PASSWORD)
            .run(&["auth", "acct"])?;
        report.returns("auth", "SUCCESS")?;
        report.returns("acct", "SUCCESS")?;
        in_time("a logon", report.took("auth")?, FIRST)?;
        let offline = report.text().contains("Working offline");
        ensure_equal(format!("offline\n{}", report.text()), offline, false)?;
        authenticate("login", &account.name, "wrong", "AUTH_ERR", "is not right")?;
        ensure_equal("wrong passwords", account.wrong_passwords()?, 1)?;
        Probe::bare("once", &account.name)
            .answer(PASSWORD)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .as_user(&account.name)
            .run(&["chauthtok"])?
            .returns("chauthtok", "SUCCESS")?;
        account.opens_with(NEW_PASSWORD)
    })?;
    directory.second_is_known(false)
}

/// A clock that is two hours wrong is named as such, and lets nobody in who was not known.
fn wrong_clock(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    for seconds in [7200, -7200] {
        let stranger = world.account(Good)?;
        directory.start_with_clock(seconds)?;
        // The daemon looks again now and then; until it has, it knows of no more than a silence.
        let noticed = contact::is_lost_for("clock", PATIENCE);
        let said = authenticate(
            "login",
            &stranger.name,
            PASSWORD,
            "AUTHINFO_UNAVAIL",
            "The clock of sandbox differs too much",
        );
        directory.start_again()?;
        noticed?;
        said?;
        comes_back(&stranger)?;
    }
    Ok(())
}

/// The controller comes back with another key, as after it was set up anew under its name: the
/// host's ticket for it, which lasts for hours, opens nothing any more.
fn another_key(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let (account, stranger) = (world.account(Good)?, world.account(Good)?);
    known(&account.name)?;
    directory.stop()?;
    let unreached = unreached(&account, &stranger, FIRST);
    directory.ask("forge_controller", json!({}))?;
    directory.start_again()?;
    unreached?;
    comes_back(&stranger)
}

/// Whoever manages a part of the directory can give an account of his the name of a controller's
/// LDAP, but not the flag that a controller's account has.
fn no_mark(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let stranger = world.account(Good)?;
    directory.set("DC1$", json!({"delegation": false}))?;
    let found = world.configured("", |world| {
        contact::is_lost_for("delegation", PATIENCE)?;
        for command in ["doctor", "testjoin"] {
            let text = domlogon(&[command])?.text();
            let line = format!("servers = [\"{HOST}\"]");
            ensure(text.contains(&line), command, &*line, &text)?;
        }
        let named = format!("servers = [\"{HOST}\"]");
        world.configured(&named, |_| contact::is_with(HOST, PATIENCE).map(drop))
    });
    directory.set("DC1$", json!({"delegation": true}))?;
    found?;
    comes_back(&stranger)
}

/// The first of two freezes, then dies, then is back.
fn one_of_two(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let account = world.account(Good)?;
    directory.second_is_known(true)?;
    directory.front(Front::Open(0))?;
    let servers = format!("servers = [\"{SECOND_HOST}\", \"{HOST}\"]");
    world.configured(&servers, |_| {
        contact::is_with(SECOND_HOST, PATIENCE)?;
        for front in [Front::Frozen, Front::Dead] {
            directory.front(front)?;
            for limit in [FIRST, NEXT] {
                let report = Probe::bare("login", &account.name)
                    .answer(PASSWORD)
                    .run(&["auth", "acct"])?;
                report.returns("auth", "SUCCESS")?;
                in_time("a logon", report.took("auth")?, limit)?;
                let offline = report.text().contains("Working offline");
                ensure_equal(format!("offline\n{}", report.text()), offline, false)?;
            }
            contact::is_with(HOST, Duration::from_secs(1))?;
            directory.front(Front::Open(0))?;
            contact::is_with(SECOND_HOST, PATIENCE)?;
        }
        Ok(())
    })?;
    directory.second_is_known(false)
}

/// The word by which the probe tells that a prompt has come, and by which it is let go on.
const NOW: &str = "/tmp/now";

/// A shell command for the probe: tell that the prompt is there, and wait to be let go on.
pub(super) const TELL: &str = "touch /tmp/now; while [ -e /tmp/now ]; do sleep 0.02; done";

/// When the probe tells, do this, and let the probe go on.
pub(super) fn at_the_word(
    work: impl FnOnce() -> Result<()> + Send + 'static,
) -> JoinHandle<Result<()>> {
    let _ = fs::remove_file(NOW);
    thread::spawn(move || {
        let end = Instant::now() + Duration::from_secs(20);
        while fs::metadata(NOW).is_err() && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        let result = work();
        let _ = fs::remove_file(NOW);
        result
    })
}

/// After the old password was found right the controller is lost: the change is told to have
/// failed, and what is told of the password is true.
fn amid_a_change(world: &mut World, lose: fn(&Directory) -> Result<()>) -> Result<()> {
    let directory = world.directory()?;
    let account = world.account(Good)?;
    let lost = directory.clone();
    let loser = at_the_word(move || lose(&lost));
    let report = Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .meanwhile(TELL)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    loser.join().unwrap_or(Ok(()))?;
    world.calm()?;
    ensure(
        matches!(
            report.code("chauthtok")?,
            "AUTHTOK_ERR" | "AUTHTOK_LOCK_BUSY"
        ),
        "a change without a controller",
        "AUTHTOK_ERR",
        report.text(),
    )?;
    // A frozen controller may do at last what it was asked to.
    thread::sleep(Duration::from_millis(500));
    if report.text().contains("Your password is unchanged") {
        account.keeps_its_password()
    } else {
        account
            .opens_with(PASSWORD)
            .or_else(|_| account.opens_with(NEW_PASSWORD))
    }
}

fn change(account: &Account, new: &str) -> Result<Report> {
    Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(new)
        .answer(new)
        .as_user(&account.name)
        .run(&["chauthtok"])
}

/// The password service makes the change, and its answer is lost: that it may have been made is
/// said, and the old password opens nothing, not offline either. Without FAST, where an expired
/// password has not been proven, the directory's word for the change is enough. `more` is further
/// configuration.
fn without_answer(world: &mut World, more: &str) -> Result<()> {
    let directory = world.directory()?;
    let account = world.account(Good)?;
    directory.second_is_known(true)?;
    directory.front(Front::Open(0))?;
    let settings = format!("servers = [\"{SECOND_HOST}\"]\n{more}");
    world.configured(&settings, |_| {
        contact::is_with(SECOND_HOST, PATIENCE)?;
        known(&account.name)?;
        if !more.is_empty() {
            account.set(&["--must-change", "yes"])?;
        }
        directory.front(Front::Mute)?;
        contact::is_with(SECOND_HOST, PATIENCE)?;
        let log = Log::from_now();
        let report = change(&account, NEW_PASSWORD)?;
        report.returns("chauthtok", "AUTHTOK_ERR")?;
        let sentence = "No answer came. Your password may have been changed";
        ensure_contains("the change", report.text(), sentence)?;
        log.line_with(&["domlogond", ": change: ", "ERROR_TIMEOUT(1460)"])?;
        directory.front(Front::Dead)?;
        contact::is_lost(PATIENCE)?;
        authenticate("login", &account.name, PASSWORD, "AUTHINFO_UNAVAIL", "")?;
        directory.front(Front::Open(0))?;
        contact::is_with(SECOND_HOST, PATIENCE)?;
        account.opens_with(NEW_PASSWORD)
    })?;
    directory.second_is_known(false)
}

/// A firewall lets everything pass but changes: that they cannot be made is said, as that nothing
/// was, and nobody's logon suffers by it.
fn no_password_service(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let account = world.account(Good)?;
    directory.second_is_known(true)?;
    directory.front(Front::Closed)?;
    let servers = format!("servers = [\"{SECOND_HOST}\"]");
    world.configured(&servers, |_| {
        contact::is_with(SECOND_HOST, PATIENCE)?;
        let log = Log::from_now();
        let report = change(&account, NEW_PASSWORD)?;
        report.returns("chauthtok", "AUTHTOK_ERR")?;
        let sentence = "Your password is unchanged";
        ensure_contains("the change", report.text(), sentence)?;
        log.line_with(&["password service (port 464) cannot be reached"])?;
        let report = Probe::bare("login", &account.name)
            .answer(PASSWORD)
            .run(&["auth", "acct"])?;
        report.returns("acct", "SUCCESS")?;
        let offline = report.text().contains("Working offline");
        ensure_equal(format!("offline\n{}", report.text()), offline, false)
    })?;
    directory.front(Front::Open(0))?;
    directory.second_is_known(false)
}

/// Six at once when the controller is lost: each ends in time, and a wrong password opens
/// nothing at any moment.
fn amid_logons(world: &mut World, lose: fn(&Directory) -> Result<()>) -> Result<()> {
    let directory = world.directory()?;
    let account = world.account(Good)?;
    let other = world.account(Good)?;
    known(&account.name)?;
    let logons: Vec<JoinHandle<Result<()>>> = (0..6)
        .map(|turn| {
            let right = turn % 2 == 0;
            let name = if right { &account.name } else { &other.name }.clone();
            thread::spawn(move || {
                for _ in 0..3 {
                    let password = if right { PASSWORD } else { "wrong" };
                    let report = Probe::bare("login", &name)
                        .answer(password)
                        .run(&["auth"])?;
                    in_time("a logon", report.took("auth")?, FIRST)?;
                    let opened = report.code("auth")? == "SUCCESS";
                    ensure(
                        opened == right || (right && report.code("auth")? == "AUTHINFO_UNAVAIL"),
                        format!("a logon with {password}"),
                        "no other answer than with a controller, or none",
                        report.text(),
                    )?;
                }
                Ok(())
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(150));
    lose(&directory)?;
    let results: Vec<Result<()>> = logons
        .into_iter()
        .map(|logon| logon.join().unwrap_or(Ok(())))
        .collect();
    world.calm()?;
    results.into_iter().collect::<Result<()>>()?;
    let log = directory.log()?;
    ensure_contains("the controller's log", &log, &account.name)
}
