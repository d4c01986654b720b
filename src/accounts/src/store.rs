//! The file: its lock, its connections, its transactions.

use crate::error::{Error, Fault, Result, store_verdict};
use crate::schema::{self, Found};
use crate::slots::Slots;
use crate::trail::{self, Trail};
use domlogon_protocol::Verdict;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, ffi};
use rustix::fs::FlockOperation;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a transaction waits for another program that holds the file. The daemon is
/// the only one that should; a backup reads, and does not stop writers.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long an administrator's work waits for those who write before it.
const FOREVER: Duration = Duration::from_secs(3600);

/// Not to move the journal that a killed daemon left into the file when the connection is
/// closed. On for every connection until [`Store::close`]: a file that turns out to be
/// damaged, a newer version's or another domain's stays byte for byte as it was found.
const KEEP_JOURNAL: DbConfig = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;

/// An open database. Writers take turns, and do not stop readers; and whoever reads much
/// does not stop those who read little.
pub(crate) struct Store {
    writer: Link,
    /// One writes at a time, in the order in which they came.
    turns: Slots,
    reader: Link,
    lister: Link,
    /// For what is to be told of changes: whoever made one waits for that.
    herald: Link,
    /// What was changed of what NSS shows.
    pub(crate) trail: Trail,
    /// The disk has failed to keep the journal, or may have failed the daemon that left it
    /// behind: it has to be written once more.
    doubtful: AtomicBool,
    path: PathBuf,
    /// Held as long as the database is open: one daemon at a time.
    _lock: File,
}

/// When a transaction has reached the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Before its answer is given. For all that an attacker, or the owner of an account,
    /// would miss: counted wrong passwords, changes, an administrator's work.
    Now,
    /// With the next one that is, or at the next checkpoint. Losing it in a power failure
    /// only leaves a count of wrong passwords higher, or an old password hash in its
    /// older form. It is still written, so that a full or failed disk refuses.
    Soon,
}

impl Store {
    /// Opens the database at `path`, and makes it with `create` if there is none.
    ///
    /// A new one is made under another name and moved into place when it is whole, so an
    /// empty or half-made file at `path` is always damage and never a fresh domain. None is
    /// made beside the journal of another one: SQLite would take that in.
    pub(crate) fn open(
        path: &Path,
        migrations: &[&str],
        create: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let lock = lock(path)?;
        let has_journal = has_journal(path)?;
        if !fs::exists(path).map_err(|e| Error::File(path.to_owned(), e))? {
            if has_journal {
                return Err(Error::JournalAlone(path.to_owned()));
            }
            make(path, migrations, create)?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .map_err(|e| Error::File(path.to_owned(), e))?;
        let mut writer = connect(path)?;
        check(path, &writer, migrations)?;
        prepare(&writer).map_err(sqlite(path))?;
        upgrade(path, &mut writer, migrations)?;
        trail::open(&writer).map_err(sqlite(path))?;
        let reader = || {
            let connection = connect(path)?;
            prepare(&connection).map_err(sqlite(path))?;
            Ok(Link::new(connection))
        };
        Ok(Self {
            writer: Link::new(writer),
            turns: Slots::new(1),
            reader: reader()?,
            lister: reader()?,
            herald: reader()?,
            trail: Trail::default(),
            doubtful: AtomicBool::new(has_journal),
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Has what is changed of what NSS shows noted from here on.
    pub(crate) fn lay_trail(&self) -> Result<()> {
        self.writer.with(|connection| Ok(trail::lay(connection)?))
    }

    /// Reads a few rows; all that `f` sees is of one moment. Every logon waits here for
    /// those before it.
    pub(crate) fn read<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        Self::read_by(&self.reader, f)
    }

    /// Reads what may be many rows. Anybody may ask for a group of ten thousand members,
    /// again and again: no logon waits for that.
    pub(crate) fn list<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        Self::read_by(&self.lister, f)
    }

    /// Reads what has changed.
    pub(crate) fn follow<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        Self::read_by(&self.herald, f)
    }

    /// Reads everything, as of one moment, by a connection of its own: seconds, if there is
    /// much.
    pub(crate) fn survey<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let connection = connect(&self.path).map_err(Fault::from)?;
        prepare(&connection)?;
        Self::read_by(&Link::new(connection), f)
    }

    fn read_by<T>(link: &Link, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        link.with(|connection| {
            let transaction = connection.transaction()?;
            f(&transaction)
        })
    }

    /// Writes: all that `f` did is kept if it returns `Ok`, and else nothing.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        f: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        self.write_by(Instant::now() + FOREVER, durability, f)
    }

    /// As [`write`](Self::write), but only if those before it are done in time: at a slow disk
    /// a person is told that the daemon is busy, and not that it is dead.
    pub(crate) fn write_by<T>(
        &self,
        deadline: Instant,
        durability: Durability,
        f: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let _turn = self.turns.take(deadline)?;
        self.writer.with(|connection| {
            self.trust_journal(connection)?;
            // Set for each: a failed attempt to set it back cannot weaken the next one.
            connection.execute_batch(match durability {
                Durability::Now => "PRAGMA synchronous = FULL",
                Durability::Soon => "PRAGMA synchronous = NORMAL",
            })?;
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = f(&transaction)?;
            let steps = trail::follow(&transaction)?;
            if let Err(error) = transaction.commit() {
                self.distrust_journal(connection, &error);
                return Err(error.into());
            }
            self.trail.lengthen(steps);
            Ok(value)
        })
    }

    /// After a commit that failed.
    fn distrust_journal(&self, connection: &Connection, error: &rusqlite::Error) {
        bury(connection);
        let code = error.sqlite_error().map(|error| error.extended_code);
        if code == Some(ffi::SQLITE_IOERR_FSYNC) {
            self.doubtful.store(true, Ordering::Relaxed);
        }
    }

    /// The kernel takes for written what it could not write. So of all that stands in the
    /// journal something may be missing on the disk, and with it would be lost whatever comes
    /// after. Nothing is kept until the disk has taken the whole journal once more.
    fn trust_journal(&self, connection: &mut Connection) -> Result<()> {
        if !self.doubtful.load(Ordering::Relaxed) {
            return Ok(());
        }
        // Nobody else appends to it meanwhile; whoever reads finds the same bytes.
        let _alone = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let written = write_again(&beside(&self.path, "-wal"));
        written.map_err(|_| Fault::Store(Verdict::AcfFileIoFail))?;
        self.doubtful.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// As [`write`](Self::write), and nothing that `f` did is kept.
    pub(crate) fn rehearse<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let _turn = self.turns.take(Instant::now() + FOREVER)?;
        self.writer.with(|connection| {
            // Undone when it is dropped.
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            f(&transaction)
        })
    }

    /// Waits for the transaction that runs, takes no more, and brings everything into the
    /// one file. What cannot be moved, because the disk is full or another program reads,
    /// stays in the journal beside it, whole, and is taken in at the next opening.
    pub(crate) fn close(&self) {
        drop(self.reader.take());
        drop(self.lister.take());
        drop(self.herald.take());
        if let Some(writer) = self.writer.take() {
            // The last connection moves the journal into the file when it is closed.
            let _ = writer.set_db_config(KEEP_JOURNAL, false);
            drop(writer);
        }
    }

    #[cfg(test)]
    pub(crate) fn doubts_journal(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(crate) fn writer<T>(&self, f: impl FnOnce(&Connection) -> T) -> T {
        self.writer.with(|connection| Ok(f(connection))).unwrap()
    }
}

/// A transaction that failed when the disk was to keep it stands in the journal all the same, with
/// the mark of its end: whoever opens the file after a crash would take it for done. Another one is
/// written over it, for which no disk is waited. If that fails too, no more can be done.
fn bury(connection: &Connection) {
    let over = || {
        connection.execute_batch("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE")?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        connection.pragma_update(None, "user_version", version)?;
        connection.execute_batch("COMMIT")
    };
    if over().is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
}

/// One connection, for one thread at a time; none when the database is closed.
struct Link(Mutex<Option<Connection>>);

impl Link {
    const fn new(connection: Connection) -> Self {
        Self(Mutex::new(Some(connection)))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        match &mut *self.lock() {
            Some(connection) => f(connection),
            None => Err(Fault::Store(Verdict::AcfNotLoaded)),
        }
    }

    fn take(&self) -> Option<Connection> {
        self.lock().take()
    }

    /// A panic inside a transaction has rolled it back; the connection itself is whole.
    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_again(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let mut all = Vec::new();
    file.read_to_end(&mut all)?;
    file.write_all_at(&all, 0)?;
    file.sync_data()
}

/// Whether there is a journal that has something in it.
fn has_journal(path: &Path) -> Result<bool, Error> {
    let journal = beside(path, "-wal");
    match fs::metadata(&journal) {
        Ok(found) => Ok(found.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::File(journal, error)),
    }
}

fn lock(path: &Path) -> Result<File, Error> {
    let name = beside(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&name)
        .map_err(|e| Error::File(name.clone(), e))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::InUse(path.to_owned())),
        Err(e) => Err(Error::File(name, io::Error::from(e))),
    }
}

fn make(
    path: &Path,
    migrations: &[&str],
    create: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let file = |e| Error::File(path.to_owned(), e);
    let unfinished = beside(path, ".new");
    for leftover in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(&unfinished, leftover)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(file(e)),
            _ => {}
        }
    }
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(file)?;
    let filled = fill(&unfinished, migrations, create);
    if let Err(error) = filled {
        // The disk may be full: leave it what it had.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    fs::rename(&unfinished, path).map_err(file)?;
    // The new name itself has to reach the disk.
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(file)
}

fn fill(
    path: &Path,
    migrations: &[&str],
    create: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut connection = connect(path)?;
    // A single file until it is in place: no journal of another name beside it.
    connection
        .execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;")
        .map_err(sqlite(path))?;
    let transaction = connection.transaction().map_err(sqlite(path))?;
    schema::migrate(&transaction, 0, migrations).map_err(sqlite(path))?;
    create(&transaction)?;
    transaction.commit().map_err(sqlite(path))?;
    connection.close().map_err(|(_, e)| sqlite(path)(e))
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.set_db_config(KEEP_JOURNAL, true)?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(96);
        Ok(connection)
    };
    open().map_err(sqlite(path))
}

/// Reads the whole file once: damage is found now, and not in the middle of a logon.
fn check(path: &Path, connection: &Connection, migrations: &[&str]) -> Result<(), Error> {
    let known = schema::newest(migrations);
    match schema::identify(connection).map_err(sqlite(path))? {
        Found::Nothing | Found::Foreign => return Err(Error::Damaged(path.to_owned())),
        Found::Version(found) if found > known => {
            return Err(Error::Newer {
                path: path.to_owned(),
                found,
                known,
            });
        }
        Found::Version(_) => {}
    }
    let answer: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(sqlite(path))?;
    if answer == "ok" {
        Ok(())
    } else {
        Err(Error::Damaged(path.to_owned()))
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        // Only a file system without shared memory refuses, such as some network ones.
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR),
            None,
        ));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;",
    )
}

fn upgrade(path: &Path, connection: &mut Connection, migrations: &[&str]) -> Result<(), Error> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(sqlite(path))?;
    let Found::Version(found) = schema::identify(&transaction).map_err(sqlite(path))? else {
        return Err(Error::Damaged(path.to_owned()));
    };
    if found == schema::newest(migrations) {
        return Ok(());
    }
    let from = usize::try_from(found).unwrap_or(usize::MAX);
    schema::migrate(&transaction, from, migrations).map_err(sqlite(path))?;
    transaction.commit().map_err(sqlite(path))
}

/// Why the database at `path` could not be opened, by what SQLite says of it.
pub(crate) fn sqlite(path: &Path) -> impl Fn(rusqlite::Error) -> Error {
    move |error| match store_verdict(&error) {
        Verdict::InvalidDatabase => Error::Damaged(path.to_owned()),
        _ => Error::Sqlite(path.to_owned(), error),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
