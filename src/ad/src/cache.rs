//! What this host knows of the directory: one SQLite file, so that names have owners and
//! people can log on while no controller answers, also after a restart.
//!
//! It holds nothing that opens anything elsewhere. The one secret in it is a slow hash of
//! the last password that a controller has confirmed, if offline logons are allowed.

mod doubts;
mod people;
mod saved;
mod teams;
#[cfg(test)]
mod tests;

pub(crate) use people::KnownPerson;
pub(crate) use saved::{Saved, SavedAt};
pub(crate) use teams::KnownTeam;

use crate::news::News;
use domlogon_protocol::Timestamp;
use domlogon_rules::roster::Kind;
use doubts::{Doubted, Doubts};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The layout of the file. One that is known is brought to this one; every other number
/// empties the file: what is in it can be asked for again.
const LAYOUT: i64 = 3;

const SCHEMA: &str = "
    CREATE TABLE people (
        sid TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, uid INTEGER UNIQUE,
        body BLOB NOT NULL, groups BLOB, seen INTEGER NOT NULL,
        groups_seen INTEGER NOT NULL DEFAULT 0, key_version INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE teams (
        sid TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, gid INTEGER UNIQUE,
        body BLOB NOT NULL, seen INTEGER NOT NULL,
        members BLOB, members_seen INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE saved (
        sid TEXT PRIMARY KEY, verifier TEXT NOT NULL, password_set INTEGER NOT NULL,
        confirmed INTEGER NOT NULL, tries INTEGER NOT NULL, last_bad INTEGER, locked INTEGER,
        key_version INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE facts (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
";

/// Layout 1 did not say when the groups of a user were asked for. They may be of any age.
const FROM_1: &str = "ALTER TABLE people ADD COLUMN groups_seen INTEGER NOT NULL DEFAULT 0;";

/// Layout 2 did not say which of somebody's passwords one was.
const FROM_2: &str = "
    ALTER TABLE people ADD COLUMN key_version INTEGER;
    ALTER TABLE saved ADD COLUMN key_version INTEGER;
";

const EMPTY: &str = "
    DROP TABLE IF EXISTS people; DROP TABLE IF EXISTS teams;
    DROP TABLE IF EXISTS saved; DROP TABLE IF EXISTS facts;
";

/// Why the cache could not be used. Nobody is let in or kept out by this alone.
#[derive(Debug)]
pub struct CacheError(rusqlite::Error);

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cache of the directory: {}", self.0)
    }
}

impl std::error::Error for CacheError {}

impl CacheError {
    /// Whether the file itself is no good.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(
            self.0.sqlite_error_code(),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
        )
    }
}

impl From<rusqlite::types::FromSqlError> for CacheError {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self(error.into())
    }
}

impl From<rusqlite::Error> for CacheError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

type Result<T> = std::result::Result<T, CacheError>;

/// How long the number of users and groups is shown as it was counted.
const COUNTED: Duration = Duration::from_secs(5);

/// The file.
pub(crate) struct Cache {
    connection: Mutex<Connection>,
    /// Users who may be otherwise than they are in the file, or gone. Locked after the file.
    doubted: Mutex<Doubted>,
    /// Groups that may be otherwise than they are in the file, or gone. Locked after the file.
    doubted_teams: Mutex<Doubts>,
    /// Whose saved password may be another one than in the file.
    doubted_saved: Mutex<Doubts>,
    /// How many users and groups were known, and when.
    counted: Mutex<Option<(Instant, (u32, u32))>>,
    /// Who or what may be otherwise than it was said.
    pub(crate) news: News,
}

impl Cache {
    /// Opens the file, and makes it if there is none. One that cannot be read is put aside
    /// by the caller.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        // SQLite makes its files with the permissions of the first one.
        let _ = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path);
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // No file of its own elsewhere.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        // What is overwritten is gone.
        connection.pragma_update(None, "secure_delete", "ON")?;
        lay_out(&mut connection)?;
        Ok(Self {
            connection: Mutex::new(connection),
            doubted: Mutex::default(),
            doubted_teams: Mutex::default(),
            doubted_saved: Mutex::default(),
            counted: Mutex::default(),
            news: News::default(),
        })
    }

    /// Deletes a closed file, with what SQLite keeps beside it.
    pub(crate) fn remove(path: &Path) {
        for end in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            // What is not there need not be deleted; what cannot be is opened as it is.
            let _ = std::fs::remove_file(name);
        }
    }

    /// Forgets all users and groups that were not seen since `begin`, after everything was
    /// asked for.
    pub(crate) fn sweep(&self, begin: Timestamp) -> Result<()> {
        let connection = self.lock();
        let swept = self.delete_unseen(&connection, begin);
        if swept.is_err() {
            let mut doubts = lock(&self.doubted);
            let mut teams = lock(&self.doubted_teams);
            doubts.people.add_unseen(&connection, "people", begin)?;
            doubts.groups.add_unseen(&connection, "people", begin)?;
            teams.add_unseen(&connection, "teams", begin)?;
        }
        swept
    }

    fn delete_unseen(&self, connection: &Connection, begin: Timestamp) -> Result<()> {
        self.note_people(connection, "seen < ?1", [begin.0])?;
        self.note_teams(connection, "seen < ?1", [begin.0])?;
        connection.execute(
            "DELETE FROM saved WHERE sid IN (SELECT sid FROM people WHERE seen < ?1)",
            [begin.0],
        )?;
        connection.execute("DELETE FROM people WHERE seen < ?1", [begin.0])?;
        connection.execute("DELETE FROM teams WHERE seen < ?1", [begin.0])?;
        Ok(())
    }

    /// Deletes what is doubted, as soon as that can be done: a restart must not bring it back.
    pub(crate) fn settle(&self) -> Result<()> {
        let connection = self.lock();
        let people = self.settle_people(&connection, &mut lock(&self.doubted));
        let teams = self.settle_teams(&connection, &mut lock(&self.doubted_teams));
        let saved = saved::settle(&connection, &mut lock(&self.doubted_saved));
        people.and(teams).and(saved)
    }

    /// Whether more is doubted than can be told apart, so that nothing in the file is believed.
    pub(crate) fn believes_nothing(&self) -> bool {
        let doubts = lock(&self.doubted);
        let people = doubts.people.is_all() || doubts.groups.is_all();
        people || lock(&self.doubted_teams).is_all() || lock(&self.doubted_saved).is_all()
    }

    /// How many users and groups are known.
    pub(crate) fn known(&self) -> Result<(u32, u32)> {
        let (people, teams) = self.counts()?;
        let connection = self.lock();
        let doubted_people = lock(&self.doubted).people.count(&connection, "people")?;
        let doubted_teams = lock(&self.doubted_teams).count(&connection, "teams")?;
        Ok((
            people.saturating_sub(doubted_people),
            teams.saturating_sub(doubted_teams),
        ))
    }

    /// How many users and groups are in the file.
    pub(crate) fn counts(&self) -> Result<(u32, u32)> {
        Ok(self.lock().query_row(
            "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM teams)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?)
    }

    /// How many were known a moment ago. Anybody may ask that, as often as he likes, and all
    /// others wait while it is counted.
    pub(crate) fn late_counts(&self) -> Result<(u32, u32)> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        match *counted {
            Some((at, counts)) if at.elapsed() < COUNTED => Ok(counts),
            _ => {
                let counts = self.known()?;
                *counted = Some((Instant::now(), counts));
                Ok(counts)
            }
        }
    }

    /// Something that is known of the domain as a whole.
    pub(crate) fn fact<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let found: Option<Vec<u8>> = self
            .lock()
            .query_row("SELECT body FROM facts WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(found.and_then(|body| postcard::from_bytes(&body).ok()))
    }

    /// Keeps something that is known of the domain as a whole.
    pub(crate) fn keep_fact<T: Serialize>(&self, key: &str, fact: &T) -> Result<()> {
        self.lock().execute(
            "INSERT OR REPLACE INTO facts (key, body) VALUES (?1, ?2)",
            params![key, bytes(fact)],
        )?;
        Ok(())
    }

    fn note(
        &self,
        connection: &Connection,
        kind: Kind,
        query: &str,
        params: impl Params,
    ) -> Result<()> {
        let mut query = connection.prepare_cached(query)?;
        let mut rows = query.query(params)?;
        while let Some(row) = rows.next()? {
            self.news.note(kind, row.get_ref(0)?.as_str()?, row.get(1)?);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    /// Doubts more than can be told apart.
    #[cfg(test)]
    pub(crate) fn doubt_all(&self) {
        for number in 0..200_000 {
            lock(&self.doubted).add(&number.to_string());
            lock(&self.doubted_teams).add(number.to_string());
            lock(&self.doubted_saved).add(number.to_string());
        }
    }

    /// Lets every write fail from now on, as on a full disk, or no more.
    #[cfg(test)]
    pub(crate) fn fill_disk(&self, is_full: bool) {
        self.lock()
            .pragma_update(None, "query_only", is_full)
            .unwrap();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the tables of a new file, and of one with another layout what they are now: all of
/// it, or nothing.
fn lay_out(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction()?;
    let layout: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match layout {
        LAYOUT => return Ok(()),
        1 => {
            transaction.execute_batch(FROM_1)?;
            transaction.execute_batch(FROM_2)?;
        }
        2 => transaction.execute_batch(FROM_2)?,
        _ => {
            transaction.execute_batch(EMPTY)?;
            transaction.execute_batch(SCHEMA)?;
        }
    }
    transaction.pragma_update(None, "user_version", LAYOUT)?;
    transaction.commit()?;
    Ok(())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    postcard::from_bytes(body).ok()
}

/// No type that is kept here can fail to be written; an empty body is read as none.
fn bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_default()
}
