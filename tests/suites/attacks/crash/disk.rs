//! The disk full, failing or read-only: once, at each operation in turn, and for good.

use super::person::{Person, THRESHOLD};
use super::{Stage, locals_come_in};
use domlogon_protocol::Verdict;
use domlogon_tests::account::Condition::Good;
use domlogon_tests::daemon::{self, DATA, DATABASE, RUN};
use domlogon_tests::program::everything;
use domlogon_tests::question;
use domlogon_tests::size::{figure, is_long, sized};
use domlogon_tests::{
    Account, Chance, Failure, NEW_PASSWORD, Operations, PASSWORD, Probe, Program, Result, World,
    differs, domlogon, ensure, ensure_contains, ensure_equal,
};
use nix::libc::{EIO, ENOSPC, EROFS};
use nix::unistd::User;
use std::fs;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

/// Whatever is asked does all of these, one after the other.
const KINDS: [(&str, Operations); 3] = [
    ("write", Operations::WRITE),
    ("fsync", Operations::SYNC),
    ("ftruncate", Operations::TRUNCATE),
];

/// The n-th write, or the n-th fsync, fails: each request is answered, and what the answer says is
/// true, also after a crash right then, or when the power fails.
pub(super) fn one_fails(world: &mut World) -> Result<()> {
    world.policy(&[&format!("lockout-threshold={THRESHOLD}")])?;
    let mut chance = Chance::new("one operation fails");
    let mut ward = Ward {
        patient: Person::make(&world.group_name("patient"), &mut chance)?,
        stage: Stage::set(world)?,
        chance,
    };
    let errors: &[i32] = sized(&[EIO], &[EIO, ENOSPC]);
    let mut faults = 0;
    for &errno in errors {
        for (kind, operations) in KINDS {
            let mut pass = 0;
            while ward.suffers(operations, pass, errno, false)? {
                ward.suffers(operations, pass, errno, true)?;
                faults += 2;
                // Every write in turn takes minutes.
                let all = is_long() || kind != "write";
                pass += if all { 1 } else { 10 + ward.chance.below(10) };
            }
        }
    }
    figure("one operation fails: faults", faults);
    ensure(faults > 0, "faults", "some", "none")
}

struct Ward {
    stage: Stage,
    patient: Person,
    chance: Chance,
}

impl Ward {
    /// Whether so many operations came before the one that was to fail.
    fn suffers(&mut self, which: Operations, pass: u64, errno: i32, power: bool) -> Result<bool> {
        self.stage.fault.fail(which, pass, Some(1), errno);
        let there = self.patient.do_all()?;
        ensure(there, format!("{which:?} {pass} fails"), "answers", "none")?;
        if self.stage.fault.failed() == 0 {
            return Ok(false);
        }
        self.stage.lives()?;
        if power {
            self.stage.lose_power(&mut self.chance)?;
        } else {
            self.stage.crash()?;
        }
        self.patient.is_whole(power)?;
        Ok(true)
    }
}

/// Nothing can be written any more: nobody gets in whose failure could not be counted, nothing is
/// changed, and those who can mend it come in.
pub(super) fn all_fail(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut stage = Stage::set(world)?;
    // The first entry of a journal is a head, which is synchronized.
    account.opens_with(PASSWORD)?;
    let written = Operations::WRITE.and(Operations::SYNC);
    let all = written.and(Operations::READ).and(Operations::OPEN);
    for (operations, errno) in [
        (written, ENOSPC),
        (written, EROFS),
        (Operations::SYNC, EIO),
        (all, EIO),
    ] {
        // A good logon has something to write.
        Probe::bare("login", &account.name)
            .answer("wrong")
            .run(&["auth"])?
            .returns("auth", "AUTH_ERR")?;
        stage.fault.fail(operations, 0, None, errno);
        // A good logon is written and not synchronized.
        let good = operations == Operations::SYNC;
        refused(&account, if good { "SUCCESS" } else { "AUTHINFO_UNAVAIL" })?;
        locals_come_in()?;
        ensure(stage.fault.failed() > 0, "faults", "some", "none")?;
        stage.fault.heal();
        stage.lives()?;
        account.keeps_its_password()?;
        account.unlock()?;
    }
    // A daemon that starts on such a disk, and one whose disk comes back.
    stage.kill();
    stage.fault.fail(all, 0, None, EIO);
    stage.start()?;
    refused(&account, "AUTHINFO_UNAVAIL")?;
    locals_come_in()?;
    stage.fault.heal();
    is_open_again(&account)?;
    stage.lives()?;
    account.keeps_its_password()
}

fn refused(account: &Account, good: &str) -> Result<()> {
    for (password, code) in [(PASSWORD, good), ("wrong", "AUTHINFO_UNAVAIL")] {
        let report = Probe::bare("login", &account.name)
            .answer(password)
            .run(&["auth"])?;
        report.returns("auth", code)?;
    }
    let report = Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    let code = report.code("chauthtok")?;
    ensure(
        matches!(code, "AUTHTOK_ERR" | "TRY_AGAIN" | "AUTHTOK_LOCK_BUSY"),
        "a change",
        "refused for now",
        report.text(),
    )?;
    ensure(
        report.text().contains("password is unchanged"),
        "what is said of a change",
        "that the password is unchanged",
        report.text(),
    )
}

/// The database is tried again now and then.
fn is_open_again(account: &Account) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match question::logon(&account.name, PASSWORD) {
            Ok(Verdict::Success) => return Ok(()),
            // The lists of rights come a moment later; without them nobody has any.
            Ok(verdict)
                if (question::is_outage(verdict) || verdict == Verdict::LogonTypeNotGranted)
                    && Instant::now() < end => {}
            other => {
                return Err(differs(
                    "a logon after the fault",
                    "success within 10 s",
                    format!("{other:?}"),
                ));
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The n-th operation fails when the database is made: there is none afterwards, or a whole one.
pub(super) fn first_start(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut stage = Stage::set(world)?;
    stage
        .daemon
        .take()
        .map_or(Ok(()), domlogon_tests::Daemon::stop)?;
    copy(DATABASE, ASIDE)?;
    let result = first_starts(&mut stage);
    stage.kill();
    stage.fault.heal();
    empty()?;
    copy(ASIDE, DATABASE)?;
    result?;
    stage.start()?;
    account.keeps_its_password()
}

const ASIDE: &str = "/run/accounts-aside.db";

/// With its owner and mode.
fn copy(from: &str, to: &str) -> Result<()> {
    let output = Program::new("cp").args(&["-p", from, to]).run(b"")?;
    ensure(output.status.success(), "cp", "a copy", everything(&output))
}

fn first_starts(stage: &mut Stage) -> Result<()> {
    let kinds = [
        ("open", Operations::OPEN),
        ("read", Operations::READ),
        ("write", Operations::WRITE),
        ("fsync", Operations::SYNC),
    ];
    let mut chance = Chance::new("first start");
    let mut faults = 0;
    for (kind, operations) in kinds {
        let mut pass = sized(chance.below(8), 0);
        loop {
            empty()?;
            stage.fault.fail(operations, pass, Some(1), EIO);
            stage.start()?;
            if stage.fault.failed() == 0 {
                break;
            }
            faults += 1;
            stage.kill();
            stage.fault.heal();
            let made = fs::exists(DATABASE).map_err(Failure::harness("look for the database"))?;
            stage.start()?;
            let answer = domlogon(&["user", "list"])?;
            ensure_equal(
                format!(
                    "the new domain after {kind} {pass} has failed (made then: {made})\n{}",
                    answer.text()
                ),
                (answer.code(), answer.text().contains("Administrator")),
                (0, true),
            )?;
            stage.kill();
            // A daemon without a database waits a second before it says that it is ready.
            if !is_long() {
                break;
            }
            pass += 1;
        }
        stage.kill();
    }
    figure("first start: faults", faults);
    ensure(faults > 0, "faults", "some", "none")
}

fn empty() -> Result<()> {
    let what = "empty the daemon's folder";
    for entry in fs::read_dir(DATA).map_err(Failure::harness(what))? {
        let entry = entry.map_err(Failure::harness(what))?;
        fs::remove_file(entry.path()).map_err(Failure::harness(what))?;
    }
    Ok(())
}

/// The file system of the published names is full: programs ask the daemon, and are told what is
/// so, and when there is room again the names are published.
pub(super) fn no_room_for_names(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    let room = SmallRun::insert()?;
    world.revive()?;
    ensure(has_names()?, "the names", "published", "withdrawn")?;
    let filler = format!("{RUN}/filler");
    let mut file = fs::File::create(&filler).map_err(Failure::harness("fill a disk"))?;
    for size in [4096, 512, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
    for turn in 0..3 {
        is_shown(&account, &format!("Without room {turn}"))?;
    }
    ensure(
        !has_names()?,
        "the names without room",
        "withdrawn",
        "published",
    )?;
    account.opens_with(PASSWORD)?;
    fs::remove_file(filler).map_err(Failure::harness("empty a disk"))?;
    let end = Instant::now() + Duration::from_secs(40);
    while is_long() && !has_names()? {
        ensure(
            Instant::now() < end,
            "the names with room again",
            "published within 40 s",
            "withdrawn",
        )?;
        thread::sleep(Duration::from_millis(100));
    }
    is_shown(&account, "With room")?;
    world.take_daemon()?.stop()?;
    drop(room);
    world.revive()
}

fn has_names() -> Result<bool> {
    fs::exists(format!("{RUN}/names")).map_err(Failure::harness("look for the names"))
}

fn is_shown(account: &Account, full_name: &str) -> Result<()> {
    let answer = question::administer(question::renaming(&account.name, full_name));
    ensure(
        matches!(answer, Ok(Ok(_))),
        "an edit",
        "done",
        format!("{answer:?}"),
    )?;
    let output = Program::new("getent")
        .args(&["passwd", &account.name])
        .run(b"")?;
    ensure_contains("getent", &everything(&output), full_name)
}

/// The folder of the sockets on a small file system of its own.
struct SmallRun;

impl SmallRun {
    fn insert() -> Result<SmallRun> {
        let owner = User::from_name(&daemon::user()).ok().flatten();
        let owner = owner.ok_or_else(|| differs("the daemon's user", "known", "unknown"))?;
        let owner = format!("mode=755,size=256k,uid={},gid={}", owner.uid, owner.gid);
        let output = Program::new("mount")
            .args(&["-t", "tmpfs", "-o", &owner, "small-run", RUN])
            .run(b"")?;
        ensure(
            output.status.success(),
            "mount",
            "done",
            everything(&output),
        )?;
        Ok(SmallRun)
    }
}

impl Drop for SmallRun {
    fn drop(&mut self) {
        let _ = Program::new("umount").args(&["-l", RUN]).run(b"");
    }
}
