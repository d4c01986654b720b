use super::*;
use crate::schema;
use crate::store::Store;
use rusqlite::Connection;
use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn opening(path: &Path) -> Error {
    match Database::open(options(path.to_owned())) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

#[test]
fn a_fresh_domain() {
    let world = World::new();
    let summary = world.summary();
    assert_eq!(summary.store, Verdict::Success);
    assert_eq!((summary.users, summary.groups), (1, 9));
    assert!(summary.domain_sid.starts_with("S-1-5-21-"));
    world.user("alice");
    for entry in fs::read_dir(world.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
    let sid = summary.domain_sid;
    let world = world.reopened(|_| ()).unwrap();
    assert_eq!(world.summary().domain_sid, sid);
    assert_eq!(world.logon("alice", PASSWORD), Verdict::Success);
    assert_ne!(World::new().summary().domain_sid, sid);
}

/// Everybody may ask how many accounts there are, as often as he likes.
#[test]
fn no_logon_waits_for_the_accounts_to_be_counted() {
    let world = World::new();
    let (counted, told) = mpsc::channel();
    thread::scope(|scope| {
        let logons = world.db.store.read(|_| {
            scope.spawn(|| counted.send(world.summary().users));
            Ok(told.recv_timeout(Duration::from_secs(5)))
        });
        assert_eq!(logons.unwrap(), Ok(1));
    });
}

#[test]
fn one_daemon_at_a_time() {
    let world = World::new();
    let error = opening(&world.path());
    assert!(matches!(error, Error::InUse(_)));
    assert!(error.to_string().contains("accounts.db"), "{error}");
    assert_eq!(world.logon("nobody", "x"), Verdict::UserNotFound);
}

#[test]
fn another_domain_is_refused() {
    let world = World::new();
    let refused = world.reopened(|o| o.name = "OTHER".to_owned());
    assert!(matches!(refused.err(), Some(Error::OtherDomain { .. })));
}

#[test]
fn damage_is_found_when_opening() {
    let scribble = |damage: fn(&Path)| {
        let World { folder, db } = World::new();
        db.close();
        drop(db);
        let path = folder.path().join("accounts.db");
        damage(&path);
        let before = fs::read(&path).unwrap();
        let error = opening(&path);
        assert!(matches!(error, Error::Damaged(_)), "{error:?}");
        assert_eq!(error.verdict(), Verdict::InvalidDatabase);
        assert_eq!(fs::read(&path).unwrap(), before, "it was touched");
    };
    scribble(|path| fs::write(path, b"").unwrap());
    scribble(|path| fs::write(path, vec![0x55; 8192]).unwrap());
    scribble(|path| {
        let half = fs::metadata(path).unwrap().len() / 2;
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(half)
            .unwrap();
    });
    scribble(|path| {
        let mut file = fs::File::options().write(true).open(path).unwrap();
        file.seek(SeekFrom::Start(4096 * 2)).unwrap();
        file.write_all(&[0xFF; 4096]).unwrap();
    });
    // A database of somebody else.
    scribble(|path| {
        fs::remove_file(path).unwrap();
        let other = Connection::open(path).unwrap();
        other.execute_batch("CREATE TABLE t (x)").unwrap();
    });
}

/// The names in the folder of a database, sorted.
fn files(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.folder.path()).unwrap();
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn a_closed_database_is_one_file_and_answers_nothing() {
    let world = World::new();
    world.user("alice");
    assert!(files(&world).contains(&"accounts.db-wal".to_owned()));
    world.db.close();
    assert_eq!(files(&world), ["accounts.db", "accounts.db.lock"]);
    let closed = Outage(Verdict::AcfNotLoaded);
    assert_eq!(world.try_logon("alice", PASSWORD, NOW).unwrap_err(), closed);
    assert_eq!(world.user_by_name("alice").unwrap_err(), closed);
    assert_eq!(world.summary().store, closed.0);
    world.db.close();
    let world = world.reopened(|_| ()).unwrap();
    assert_eq!(world.logon("alice", PASSWORD), Verdict::Success);
}

#[test]
fn a_damaged_file_with_a_journal_beside_it_is_not_changed() {
    let world = World::new();
    world.user("alice");
    let world = world.reopened(|_| ()).unwrap();
    let page: u64 = world.store.writer(|c| {
        c.execute("UPDATE policy SET warn = warn + 1", []).unwrap();
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'users'";
        c.query_row(sql, [], |row| row.get(0)).unwrap()
    });
    let (_folder, [path, journal]) = killed(&world);
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(4096 * (page - 1))).unwrap();
    file.write_all(&[0xFF; 4096]).unwrap();
    let bytes = || [&path, &journal].map(|file| fs::read(file).unwrap_or_default());
    let before = bytes();
    assert!(before.iter().all(|bytes| !bytes.is_empty()));
    let error = opening(&path);
    assert!(matches!(error, Error::Damaged(_)), "{error:?}");
    assert!(error.to_string().contains("accounts.db-wal"), "{error}");
    assert!(bytes() == before, "it was changed");
}

/// The database and its journal as they are, in another folder: as a kill leaves them.
fn killed(world: &World) -> (tempfile::TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let files = ["accounts.db", "accounts.db-wal"].map(|name| {
        let copy = folder.path().join(name);
        fs::copy(world.folder.path().join(name), &copy).unwrap();
        copy
    });
    (folder, files)
}

#[test]
fn no_domain_is_made_beside_the_journal_of_another_one() {
    let world = World::new();
    world.user("alice");
    let (folder, [path, journal]) = killed(&world);
    let away = folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    let before = fs::read(&journal).unwrap();
    let error = opening(&path);
    assert!(matches!(error, Error::JournalAlone(_)), "{error:?}");
    assert_eq!(error.verdict(), Verdict::InvalidDatabase);
    let said = error.to_string();
    let names = |file: &Path| said.contains(&format!("{} ", file.display()));
    assert!(names(&path) && names(&journal), "{said}");
    assert!(!path.exists());
    assert!(fs::read(&journal).unwrap() == before, "it was changed");
    // The ways out.
    fs::rename(&away, &path).unwrap();
    let db = Database::open(options(path.clone())).unwrap();
    assert!(db.user_by_name("alice").unwrap().is_some());
    drop(db);
    fs::remove_file(&path).unwrap();
    fs::rename(&journal, &away).unwrap();
    let db = Database::open(options(path)).unwrap();
    assert_eq!(db.user_by_name("alice").unwrap(), None);
}

#[test]
fn a_journal_that_was_left_behind_is_written_once_more() {
    let world = World::new();
    assert!(!world.store.doubts_journal(), "a new one");
    world.user("alice");
    assert!(!world.store.doubts_journal());
    let (_folder, [path, journal]) = killed(&world);
    let db = Database::open(options(path)).unwrap();
    assert!(db.store.doubts_journal());
    assert!(db.user_by_name("alice").unwrap().is_some());
    assert!(db.store.doubts_journal(), "nothing was to be kept yet");
    let written = |file: &Path| fs::metadata(file).unwrap().modified().unwrap();
    let before = written(&journal);
    let login = |user| db.logon(&name(user), &secret("wrong"), &console(), NOW);
    assert_eq!(
        login("alice").unwrap().decision.verdict,
        Verdict::LogonFailure
    );
    assert!(!db.store.doubts_journal() && written(&journal) > before);
    let world = world.reopened(|_| ()).unwrap();
    assert!(!world.store.doubts_journal(), "closed, it has none");
}

#[test]
fn damage_that_comes_later_refuses() {
    let world = World::new();
    world.user("alice");
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let emptied = |c: &Connection| c.query_row(checkpoint, [], |_| Ok(()));
    world.store.writer(emptied).unwrap();
    let path = world.path();
    let length = fs::metadata(&path).unwrap().len();
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xFF; usize::try_from(length).unwrap() - 4096])
        .unwrap();
    // What is still in memory is as good as it was: forget it.
    let shrink = |c: &Connection| c.execute_batch("PRAGMA shrink_memory").unwrap();
    world.store.writer(shrink);
    world
        .store
        .read(|c| {
            shrink(c);
            Ok(())
        })
        .unwrap();
    let damaged = Outage(Verdict::InvalidDatabase);
    assert_eq!(
        world.try_logon("alice", PASSWORD, NOW).unwrap_err(),
        damaged
    );
    assert_eq!(world.user_by_name("alice").unwrap_err(), damaged);
    assert_eq!(world.summary().store, Verdict::InvalidDatabase);
}

#[test]
fn a_value_that_was_never_written_is_damage() {
    let world = World::new();
    world.user("alice");
    let spoil = |sql: &str| {
        world.store.writer(|c| c.execute(sql, [])).unwrap();
        assert_eq!(
            world.try_logon("alice", PASSWORD, NOW).unwrap_err(),
            Outage(Verdict::InvalidDatabase),
            "{sql}"
        );
    };
    spoil("UPDATE users SET hours = x'FFFF' WHERE key = 'alice'");
    spoil("UPDATE users SET hours = NULL, verifier = '$argon2id$' WHERE key = 'alice'");
    spoil("DELETE FROM policy");
}

/// A store that cannot be written, and how it is mended.
fn unwritable(verdict: Verdict, spoil: &str, mend: &str) {
    let world = World::new();
    world.user("alice");
    world.store.writer(|c| c.execute_batch(spoil)).unwrap();
    refuses_everything(&world, verdict);
    world.store.writer(|c| c.execute_batch(mend)).unwrap();
    keeps_its_password(&world);
}

#[test]
fn a_full_disk_answers_no_guess() {
    // Every write needs more pages than there may be.
    unwritable(
        Verdict::CanNotGrowUasFile,
        "CREATE TABLE ballast (x);
         CREATE TEMP TRIGGER grow_domain AFTER UPDATE ON main.domain BEGIN
             INSERT INTO ballast VALUES (zeroblob(100000)); END;
         CREATE TEMP TRIGGER grow_users AFTER UPDATE ON main.users BEGIN
             INSERT INTO ballast VALUES (zeroblob(100000)); END;
         PRAGMA max_page_count = 1;",
        "DROP TRIGGER grow_domain; DROP TRIGGER grow_users;",
    );
}

#[test]
fn a_read_only_store_answers_no_guess() {
    unwritable(
        Verdict::AcfFileIoFail,
        "PRAGMA query_only = ON",
        "PRAGMA query_only = OFF",
    );
}

#[test]
fn a_store_that_another_program_holds_is_not_open() {
    let world = World::new();
    world.user("alice");
    let other = Connection::open(world.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    refuses_everything(&world, Verdict::AcfNotLoaded);
    other.execute_batch("ROLLBACK").unwrap();
    keeps_its_password(&world);
}

fn refuses_everything(world: &World, verdict: Verdict) {
    let outage = Outage(verdict);
    assert_eq!(world.try_logon("alice", PASSWORD, NOW).unwrap_err(), outage);
    assert_eq!(world.try_logon("alice", "wrong", NOW).unwrap_err(), outage);
    assert_eq!(world.try_logon("nobody", "wrong", NOW).unwrap_err(), outage);
    let (old, new) = (secret(PASSWORD), secret("Second-horse-2"));
    for old in [Some(&old), None] {
        let changed = world.db.change(&name("alice"), old, &new, &console(), NOW);
        assert_eq!(changed.unwrap_err(), outage);
    }
    assert_eq!(
        world.reset("alice", "Second-horse-2"),
        Err(AdminError::Store(verdict))
    );
    // Whoever proved himself otherwise only needs it read.
    let account = world.account(&name("alice"), &console(), NOW).unwrap();
    assert_eq!(account.decision.verdict, Verdict::Success);
}

fn keeps_its_password(world: &World) {
    assert_eq!(
        world.logon("alice", "Second-horse-2"),
        Verdict::LogonFailure
    );
    assert_eq!(
        world.show("alice").bad_password_count,
        1,
        "nothing was counted"
    );
    assert_eq!(world.logon("alice", PASSWORD), Verdict::Success);
}

#[test]
fn older_tables_are_migrated_and_newer_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.db");
    let open = |migrations: &[&str]| Store::open(&path, migrations, |_| Ok(()));
    let version = || {
        let connection = Connection::open(&path).unwrap();
        schema::identify(&connection).unwrap()
    };
    let first = "CREATE TABLE a (x); INSERT INTO a VALUES (1);";
    let second = "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 2;";
    drop(open(&[first]).unwrap());
    assert_eq!(version(), schema::Found::Version(1));
    // One that fails half way leaves what was there.
    let broken = "CREATE TABLE b (x); INSERT INTO no_such_table VALUES (1);";
    assert!(open(&[first, second, broken]).is_err());
    assert_eq!(version(), schema::Found::Version(1));
    let store = open(&[first, second]).unwrap();
    let sum = store.read(|c| Ok(c.query_row("SELECT x + y FROM a", [], |r| r.get::<_, i64>(0))?));
    assert_eq!(sum.unwrap(), 3);
    drop(store);
    assert_eq!(version(), schema::Found::Version(2));
    let newer = open(&[first]).err().unwrap();
    assert!(
        matches!(
            newer,
            Error::Newer {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{newer:?}"
    );
    assert_eq!(newer.verdict(), Verdict::AcfNotLoaded);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = opening(&folder.path().join("missing/accounts.db"));
    assert_eq!(error.verdict(), Verdict::AcfFileIoFail);
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn a_half_made_database_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.db");
    fs::write(folder.path().join("accounts.db.new"), b"half").unwrap();
    let db = Database::open(options(path)).unwrap();
    assert_eq!(db.summary().store, Verdict::Success);
    assert!(!folder.path().join("accounts.db.new").exists());
}
