//! The account database damaged, full or read-only: no logon gets through, no change is lost or
//! half made, and after the cure everything is as it was.

use crate::{Case, case};
use domlogon_tests::account::Condition::*;
use domlogon_tests::daemon::{CONFIGURATION, DATA, DATABASE};
use domlogon_tests::program::everything;
use domlogon_tests::{
    Account, Daemon, Failure, Log, NEW_PASSWORD, PASSWORD, Probe, Program, Result, World, differs,
    domlogon, ensure,
};
use rusqlite::Connection;
use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("database/full", full),
        case("database/read-only", read_only),
        case("database/damaged pages", |world| damaged(world, false)),
        case("database/not a database", |world| damaged(world, true)),
        case("database/locked", locked),
        case("database/no room for ids", no_room),
        case("database/files are the daemon's", files_are_closed),
    ]
}

fn mount(arguments: &[&str]) -> Result<()> {
    let output = Program::new("mount").args(arguments).run(b"")?;
    ensure(
        output.status.success(),
        format!("mount {arguments:?}"),
        "done",
        everything(&output),
    )
}

/// The data folder on a small filesystem of its own, with the database that was there. Undone
/// when dropped; the daemon must not run at either moment.
struct SmallDisk;

impl SmallDisk {
    fn insert() -> Result<SmallDisk> {
        let what = "copy the database to a small disk";
        let aside = "/run/data-aside";
        fs::create_dir_all(aside).map_err(Failure::harness(what))?;
        for entry in fs::read_dir(DATA).map_err(Failure::harness(what))? {
            let entry = entry.map_err(Failure::harness(what))?;
            fs::copy(
                entry.path(),
                format!("{aside}/{}", entry.file_name().to_string_lossy()),
            )
            .map_err(Failure::harness(what))?;
        }
        mount(&["-t", "tmpfs", "-o", "size=6m,mode=700", "small-disk", DATA])?;
        let disk = SmallDisk;
        for entry in fs::read_dir(aside).map_err(Failure::harness(what))? {
            let entry = entry.map_err(Failure::harness(what))?;
            let to = format!("{DATA}/{}", entry.file_name().to_string_lossy());
            fs::copy(entry.path(), to).map_err(Failure::harness(what))?;
        }
        Ok(disk)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Program::new("umount").args(&["-l", DATA]).run(b"");
        let _ = fs::remove_dir_all("/run/data-aside");
    }
}

fn fill() -> Result<()> {
    let mut file =
        fs::File::create(format!("{DATA}/filler")).map_err(Failure::harness("fill a disk"))?;
    for size in [65536, 4096, 512, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
    Ok(())
}

fn full(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    let disk = SmallDisk::insert()?;
    let result = (|| {
        world.revive()?;
        account.opens_with(PASSWORD)?;
        fill()?;
        let report = change(&account)?;
        report.returns("chauthtok", "AUTHTOK_ERR")?;
        report.says("Your password is unchanged")?;
        // Whatever a logon gives now, a wrong password gets nobody in.
        no_entry(&account, "wrong")?;
        fs::remove_file(format!("{DATA}/filler")).map_err(Failure::harness("empty a disk"))?;
        account.keeps_its_password()?;
        change(&account)?.returns("chauthtok", "SUCCESS")?;
        account.opens_with(NEW_PASSWORD)
    })();
    if let Ok(daemon) = world.take_daemon() {
        daemon.kill();
    }
    drop(disk);
    result
}

fn change(account: &Account) -> Result<domlogon_tests::probe::Report> {
    Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])
}

fn no_entry(account: &Account, password: &str) -> Result<()> {
    let report = Probe::bare("login", &account.name)
        .answer(password)
        .run(&["auth"])?;
    ensure(
        report.code("auth")? != "SUCCESS",
        "a logon",
        "refused",
        report.text(),
    )
}

/// A daemon on a bad database: it may refuse to start, or run and answer that it cannot tell.
/// Either way nobody gets in, and a sentence says what is the matter.
fn fails_closed(account: &Account) -> Result<()> {
    let mut daemon = Daemon::launch(CONFIGURATION)?;
    let end = Instant::now() + Duration::from_secs(3);
    while daemon.ended()?.is_none() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    if let Some(status) = daemon.ended()? {
        ensure(
            !status.success(),
            "the daemon",
            "a bad exit status",
            status.to_string(),
        )?;
    }
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?;
    let code = report.code("auth")?;
    ensure(
        code != "SUCCESS" && code != "AUTH_ERR" && !report.texts("error").is_empty(),
        "a logon on a bad database",
        "refused, with a sentence that does not blame the password",
        report.text(),
    )?;
    let report = Probe::bare("login", &account.name).run(&["acct"])?;
    ensure(
        report.code("acct")? != "SUCCESS",
        "account management on a bad database",
        "refused",
        report.text(),
    )?;
    daemon.kill();
    Ok(())
}

fn read_only(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    mount(&["--bind", DATA, DATA])?;
    let result = mount(&["-o", "remount,bind,ro", DATA]).and_then(|()| fails_closed(&account));
    let _ = Program::new("umount").args(&["-l", DATA]).run(b"");
    result?;
    world.revive()?;
    account.keeps_its_password()
}

fn damaged(world: &mut World, wholly: bool) -> Result<()> {
    let what = "damage the database";
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    let good = fs::read(DATABASE).map_err(Failure::harness(what))?;
    let mut bad = good.clone();
    // The first page holds SQLite's header; without it the file is no database at all.
    let intact = if wholly { 0 } else { 4096 };
    for byte in bad.iter_mut().skip(intact) {
        *byte = 0xa5;
    }
    fs::write(DATABASE, &bad).map_err(Failure::harness(what))?;
    let result = fails_closed(&account);
    let after = fs::read(DATABASE).map_err(Failure::harness(what))?;
    fs::write(DATABASE, &good).map_err(Failure::harness(what))?;
    result?;
    // What an expert might still save from it is not to be overwritten.
    let first = after
        .iter()
        .zip(&bad)
        .position(|(now, before)| now != before);
    ensure(
        after == bad,
        "a damaged database",
        format!("untouched, {} bytes", bad.len()),
        format!("{} bytes, the first other byte at {first:?}", after.len()),
    )?;
    world.revive()?;
    account.keeps_its_password()
}

fn open_beside() -> Result<Connection> {
    Connection::open(DATABASE).map_err(|error| differs("the database", "open", error.to_string()))
}

fn execute(connection: &Connection, statement: &str) -> Result<()> {
    connection
        .execute_batch(statement)
        .map_err(|error| differs(statement, "done", error.to_string()))
}

/// Somebody else holds the database's write lock: a backup, or an expert at work.
fn locked(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let beside = open_beside()?;
    execute(&beside, "BEGIN IMMEDIATE")?;
    let log = Log::from_now();
    let report = change(&account)?;
    ensure(
        matches!(report.code("chauthtok")?, "TRY_AGAIN" | "AUTHTOK_LOCK_BUSY"),
        "a change on a locked database",
        "to be tried again",
        report.text(),
    )?;
    log.line_with(&["NERR_ACFNotLoaded(2227)"])?;
    no_entry(&account, "wrong")?;
    execute(&beside, "ROLLBACK")?;
    account.keeps_its_password()
}

/// The numbers for new accounts are used up: nothing is made, nothing is reused.
fn no_room(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    let beside = open_beside()?;
    let next: i64 = beside
        .query_row("SELECT next_rid FROM domain", [], |row| row.get(0))
        .map_err(|error| differs("the next RID", "read", error.to_string()))?;
    // With any base, the next id is above the highest.
    execute(&beside, "UPDATE domain SET next_rid = 2147483648")?;
    drop(beside);
    world.revive()?;
    let answer = domlogon(&["user", "add", "one-too-many"])?;
    let refused = ensure(
        answer.code() != 0 && answer.text().contains("Lower base in [ids]"),
        "one account too many",
        "a refusal that names the way out",
        answer.text(),
    )
    .and_then(|()| account.opens_with(PASSWORD));
    world.take_daemon()?.stop()?;
    execute(
        &open_beside()?,
        &format!("UPDATE domain SET next_rid = {next}"),
    )?;
    world.revive()?;
    refused?;
    domlogon(&["user", "show", "one-too-many"])?
        .exits(1)
        .map(drop)
}

/// Hashes of passwords are for the daemon's and root's eyes.
fn files_are_closed(_: &mut World) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let what = "look at the database";
    let folder = fs::metadata(DATA).map_err(Failure::harness(what))?;
    for entry in fs::read_dir(DATA).map_err(Failure::harness(what))? {
        let entry = entry.map_err(Failure::harness(what))?;
        let found = entry.metadata().map_err(Failure::harness(what))?;
        ensure(
            found.uid() == folder.uid() && found.mode() & 0o077 == 0,
            entry.path().display().to_string(),
            "the daemon's, and closed to others",
            format!("uid {}, mode {:o}", found.uid(), found.mode() & 0o777),
        )?;
    }
    Ok(())
}
