//! What this host knows of the directory: one SQLite file, so that names have owners and
//! people can log on while no controller answers, also after a restart.
//!
//! It holds nothing that opens anything elsewhere. The one secret in it is a slow hash of
//! the last password that a controller has confirmed, if offline logons are allowed.

use crate::entry::{Person, Team};
use crate::news::News;
use domlogon_protocol::{Sid, Timestamp, UserName};
use domlogon_rules::Lockout;
use domlogon_rules::roster::Kind;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The layout of the file. One that is known is brought to this one; every other number
/// empties the file: what is in it can be asked for again.
const LAYOUT: i64 = 2;

const SCHEMA: &str = "
    CREATE TABLE people (
        sid TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, uid INTEGER UNIQUE,
        body BLOB NOT NULL, groups BLOB, seen INTEGER NOT NULL,
        groups_seen INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE teams (
        sid TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, gid INTEGER UNIQUE,
        body BLOB NOT NULL, seen INTEGER NOT NULL,
        members BLOB, members_seen INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE saved (
        sid TEXT PRIMARY KEY, verifier TEXT NOT NULL, password_set INTEGER NOT NULL,
        confirmed INTEGER NOT NULL, tries INTEGER NOT NULL, last_bad INTEGER, locked INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE facts (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
";

/// Layout 1 did not say when the groups of a user were asked for. They may be of any age.
const FROM_1: &str = "ALTER TABLE people ADD COLUMN groups_seen INTEGER NOT NULL DEFAULT 0;";

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

/// A user as he was when he was last asked for.
#[derive(Clone, Debug)]
pub(crate) struct KnownPerson {
    pub(crate) person: Person,
    /// All his groups, nested ones included, and when they were asked for.
    pub(crate) groups: Option<(Vec<Sid>, Timestamp)>,
    /// When the rest was asked for, with the groups or without them.
    pub(crate) seen: Timestamp,
}

/// A group that was asked for, at any time: its identifier and its id stay the same.
#[derive(Clone, Debug)]
pub(crate) struct KnownTeam {
    pub(crate) team: Team,
    /// The account names of all members, nested ones included, and when they were asked for.
    pub(crate) members: Option<(Vec<String>, Timestamp)>,
}

/// Whose password was saved, and when.
pub(crate) type SavedAt = (String, i64);

/// What an offline logon is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    /// A PHC string.
    pub(crate) verifier: String,
    /// When that password was set, as the directory said.
    pub(crate) password_set: i64,
    /// When a controller last confirmed it.
    pub(crate) confirmed: Timestamp,
    /// Wrong passwords while offline.
    pub(crate) lockout: Lockout,
}

/// The file.
pub(crate) struct Cache {
    connection: Mutex<Connection>,
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

    pub(crate) fn person_by_key(&self, key: &str) -> Result<Option<KnownPerson>> {
        self.person("key = ?1", [key])
    }

    pub(crate) fn person_by_uid(&self, uid: u32) -> Result<Option<KnownPerson>> {
        self.person("uid = ?1", [uid])
    }

    pub(crate) fn person_by_sid(&self, sid: &Sid) -> Result<Option<KnownPerson>> {
        self.person("sid = ?1", [sid.to_string()])
    }

    fn person(&self, which: &str, params: impl Params) -> Result<Option<KnownPerson>> {
        let connection = self.lock();
        let query = format!("SELECT {PERSON} FROM people WHERE {which}");
        let found = connection
            .prepare_cached(&query)?
            .query_row(params, known_person)
            .optional()?;
        Ok(found.flatten())
    }

    /// People with ids above this one, in their order.
    pub(crate) fn people_after(&self, uid: u32, limit: usize) -> Result<Vec<KnownPerson>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let connection = self.lock();
        let query = format!("SELECT {PERSON} FROM people WHERE uid > ?1 ORDER BY uid LIMIT ?2");
        let mut query = connection.prepare_cached(&query)?;
        let rows = query.query_map(params![uid, limit], known_person)?;
        Ok(rows
            .filter_map(rusqlite::Result::transpose)
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps what the directory said of a user. Groups that were not asked for stay as they
    /// were, and as old; `uid` is `None` for somebody who has none.
    pub(crate) fn keep_person(
        &self,
        person: &Person,
        uid: Option<u32>,
        groups: Option<&[Sid]>,
        now: Timestamp,
    ) -> Result<()> {
        let (sid, key) = (person.sid.to_string(), UserName::fold(&person.name));
        let connection = self.lock();
        let which = "sid = ?1 OR key = ?2 OR uid = ?3";
        self.note_people(&connection, which, params![sid, key, uid])?;
        self.news.note(Kind::User, &key, uid);
        // A name or an id that has moved on belongs to whoever has it now.
        connection
            .prepare_cached("DELETE FROM people WHERE (key = ?1 OR uid = ?2) AND sid <> ?3")?
            .execute(params![key, uid, sid])?;
        connection
            .prepare_cached(
                "INSERT INTO people (sid, key, uid, body, groups, seen, groups_seen)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?5 IS NULL THEN 0 ELSE ?6 END)
                 ON CONFLICT (sid) DO UPDATE SET key = ?2, uid = ?3, body = ?4, seen = ?6,
                     groups = coalesce(?5, groups),
                     groups_seen = CASE WHEN ?5 IS NULL THEN groups_seen ELSE ?6 END",
            )?
            .execute(params![
                sid,
                key,
                uid,
                bytes(person),
                groups.map(|groups| bytes(&groups)),
                now.0
            ])?;
        Ok(())
    }

    /// Forgets a user whom the directory has no more, with what was saved of him.
    pub(crate) fn forget_person(&self, key: &str) -> Result<()> {
        let connection = self.lock();
        self.note_people(&connection, "key = ?1", [key])?;
        connection.execute(
            "DELETE FROM saved WHERE sid IN (SELECT sid FROM people WHERE key = ?1)",
            [key],
        )?;
        connection.execute("DELETE FROM people WHERE key = ?1", [key])?;
        Ok(())
    }

    pub(crate) fn team_by_key(&self, key: &str) -> Result<Option<KnownTeam>> {
        self.team("key = ?1", [key])
    }

    pub(crate) fn team_by_gid(&self, gid: u32) -> Result<Option<KnownTeam>> {
        self.team("gid = ?1", [gid])
    }

    pub(crate) fn team_by_sid(&self, sid: &Sid) -> Result<Option<KnownTeam>> {
        self.team("sid = ?1", [sid.to_string()])
    }

    fn team(&self, which: &str, params: impl Params) -> Result<Option<KnownTeam>> {
        let connection = self.lock();
        let query = format!("SELECT body, members, members_seen FROM teams WHERE {which}");
        let found = connection
            .prepare_cached(&query)?
            .query_row(params, known_team)
            .optional()?;
        Ok(found.flatten())
    }

    /// Groups with ids above this one, in their order.
    pub(crate) fn teams_after(&self, gid: u32, limit: usize) -> Result<Vec<KnownTeam>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let connection = self.lock();
        let mut query = connection.prepare_cached(
            "SELECT body, members, members_seen FROM teams
             WHERE gid > ?1 ORDER BY gid LIMIT ?2",
        )?;
        let rows = query.query_map(params![gid, limit], known_team)?;
        Ok(rows
            .filter_map(rusqlite::Result::transpose)
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps what the directory said of a group. Members that were not asked for stay.
    pub(crate) fn keep_team(
        &self,
        team: &Team,
        gid: Option<u32>,
        members: Option<&[String]>,
        now: Timestamp,
    ) -> Result<()> {
        let (sid, key) = (team.sid.to_string(), UserName::fold(&team.name));
        let connection = self.lock();
        let which = "sid = ?1 OR key = ?2 OR gid = ?3";
        self.note_teams(&connection, which, params![sid, key, gid])?;
        self.news.note(Kind::Group, &key, gid);
        connection
            .prepare_cached("DELETE FROM teams WHERE (key = ?1 OR gid = ?2) AND sid <> ?3")?
            .execute(params![key, gid, sid])?;
        connection
            .prepare_cached(
                "INSERT INTO teams (sid, key, gid, body, seen, members, members_seen)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?6 IS NULL THEN 0 ELSE ?5 END)
                 ON CONFLICT (sid) DO UPDATE SET key = ?2, gid = ?3, body = ?4, seen = ?5,
                     members = coalesce(?6, members),
                     members_seen = CASE WHEN ?6 IS NULL THEN members_seen ELSE ?5 END",
            )?
            .execute(params![
                sid,
                key,
                gid,
                bytes(team),
                now.0,
                members.map(|members| bytes(&members))
            ])?;
        Ok(())
    }

    /// Forgets a group that the directory has no more.
    pub(crate) fn forget_team(&self, key: &str) -> Result<()> {
        let connection = self.lock();
        self.note_teams(&connection, "key = ?1", [key])?;
        connection.execute("DELETE FROM teams WHERE key = ?1", [key])?;
        Ok(())
    }

    /// Forgets all users and groups that were not seen since `begin`, after everything was
    /// asked for.
    pub(crate) fn sweep(&self, begin: Timestamp) -> Result<()> {
        let connection = self.lock();
        self.note_people(&connection, "seen < ?1", [begin.0])?;
        self.note_teams(&connection, "seen < ?1", [begin.0])?;
        connection.execute(
            "DELETE FROM saved WHERE sid IN (SELECT sid FROM people WHERE seen < ?1)",
            [begin.0],
        )?;
        connection.execute("DELETE FROM people WHERE seen < ?1", [begin.0])?;
        connection.execute("DELETE FROM teams WHERE seen < ?1", [begin.0])?;
        Ok(())
    }

    /// How many users and groups are known.
    pub(crate) fn counts(&self) -> Result<(u32, u32)> {
        Ok(self.lock().query_row(
            "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM teams)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?)
    }

    /// What an offline logon of this user is compared with.
    pub(crate) fn saved(&self, sid: &Sid) -> Result<Option<Saved>> {
        let connection = self.lock();
        Ok(connection
            .prepare_cached(
                "SELECT verifier, password_set, confirmed, tries, last_bad, locked
                 FROM saved WHERE sid = ?1",
            )?
            .query_row([sid.to_string()], |row| {
                Ok(Saved {
                    verifier: row.get(0)?,
                    password_set: row.get(1)?,
                    confirmed: Timestamp(row.get(2)?),
                    lockout: Lockout {
                        count: row.get(3)?,
                        last_bad: row.get::<_, Option<i64>>(4)?.map(Timestamp),
                        since: row.get::<_, Option<i64>>(5)?.map(Timestamp),
                    },
                })
            })
            .optional()?)
    }

    /// Saves what the next offline logon is compared with.
    pub(crate) fn save(&self, sid: &Sid, saved: &Saved) -> Result<()> {
        self.lock()
            .prepare_cached(
                "INSERT OR REPLACE INTO saved
                     (sid, verifier, password_set, confirmed, tries, last_bad, locked)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                sid.to_string(),
                saved.verifier,
                saved.password_set,
                saved.confirmed.0,
                saved.lockout.count,
                saved.lockout.last_bad.map(|at| at.0),
                saved.lockout.since.map(|at| at.0),
            ])?;
        Ok(())
    }

    /// Counts a try, if what it was compared with is still what is saved. On the disk before
    /// this returns: whoever cuts the power gets no tries back.
    pub(crate) fn count(&self, sid: &Sid, saved: &Saved, lockout: Lockout) -> Result<()> {
        let connection = self.lock();
        connection.pragma_update(None, "synchronous", "FULL")?;
        let counted = connection.execute(
            "UPDATE saved SET tries = ?3, last_bad = ?4, locked = ?5
             WHERE sid = ?1 AND verifier = ?2",
            params![
                sid.to_string(),
                saved.verifier,
                lockout.count,
                lockout.last_bad.map(|at| at.0),
                lockout.since.map(|at| at.0),
            ],
        );
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        counted?;
        Ok(())
    }

    /// Forgets what was saved of this user.
    pub(crate) fn unsave(&self, sid: &Sid) -> Result<()> {
        self.lock()
            .execute("DELETE FROM saved WHERE sid = ?1", [sid.to_string()])?;
        Ok(())
    }

    /// Whose password was saved at a logon before this moment, and when.
    pub(crate) fn saved_before(&self, moment: Timestamp) -> Result<Vec<SavedAt>> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT sid, confirmed FROM saved WHERE confirmed < ?1")?;
        let rows = statement.query_map([moment.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<std::result::Result<_, _>>()?)
    }

    /// Forgets what was saved at these logons, or everything, and of those whom this host does
    /// not know any more: it opens nothing.
    pub(crate) fn expire_saved(&self, everything: bool, aged: &[SavedAt]) -> Result<()> {
        let connection = self.lock();
        let mut deleted = connection.execute(
            "DELETE FROM saved WHERE ?1 OR sid NOT IN (SELECT sid FROM people)",
            [everything],
        )?;
        for (sid, confirmed) in aged {
            deleted += connection
                .prepare_cached("DELETE FROM saved WHERE sid = ?1 AND confirmed = ?2")?
                .execute(params![sid, confirmed])?;
        }
        if deleted > 0 {
            // What is deleted is overwritten in the file when the journal is taken in, and the
            // journal has it as well.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
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

    /// Notes those who are about to be changed or forgotten, as they are yet.
    fn note_people(&self, connection: &Connection, which: &str, params: impl Params) -> Result<()> {
        let query = format!("SELECT key, uid FROM people WHERE {which}");
        self.note(connection, Kind::User, &query, params)
    }

    fn note_teams(&self, connection: &Connection, which: &str, params: impl Params) -> Result<()> {
        let query = format!("SELECT key, gid FROM teams WHERE {which}");
        self.note(connection, Kind::Group, &query, params)
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
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the tables of a new file, and of one with another layout what they are now: all of
/// it, or nothing.
fn lay_out(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction()?;
    let layout: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match layout {
        LAYOUT => return Ok(()),
        1 => transaction.execute_batch(FROM_1)?,
        _ => {
            transaction.execute_batch(EMPTY)?;
            transaction.execute_batch(SCHEMA)?;
        }
    }
    transaction.pragma_update(None, "user_version", LAYOUT)?;
    transaction.commit()?;
    Ok(())
}

/// What [`known_person`] reads.
const PERSON: &str = "body, groups, groups_seen, seen";

/// A row that this version cannot read is as good as none: it is asked for again.
fn known_person(row: &Row<'_>) -> rusqlite::Result<Option<KnownPerson>> {
    let Some(person) = read(row.get_ref(0)?.as_blob()?) else {
        return Ok(None);
    };
    let groups: Option<Vec<Sid>> = row.get_ref(1)?.as_blob_or_null()?.and_then(read);
    let asked = Timestamp(row.get(2)?);
    Ok(Some(KnownPerson {
        person,
        groups: groups.map(|groups| (groups, asked)),
        seen: Timestamp(row.get(3)?),
    }))
}

fn known_team(row: &Row<'_>) -> rusqlite::Result<Option<KnownTeam>> {
    let Some(team) = read(row.get_ref(0)?.as_blob()?) else {
        return Ok(None);
    };
    let members: Option<Vec<String>> = row.get_ref(1)?.as_blob_or_null()?.and_then(read);
    let asked = Timestamp(row.get(2)?);
    Ok(Some(KnownTeam {
        team,
        members: members.map(|members| (members, asked)),
    }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    postcard::from_bytes(body).ok()
}

/// No type that is kept here can fail to be written; an empty body is read as none.
fn bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000);

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
        (folder, cache)
    }

    fn saved() -> Saved {
        Saved {
            verifier: "x".to_owned(),
            password_set: 1,
            confirmed: NOW,
            lockout: Lockout::default(),
        }
    }

    #[test]
    fn what_is_kept_is_found_by_name_id_and_identifier() {
        let (folder, cache) = cache();
        let alice = Person::example("Alice", 1103);
        let groups = [Sid::domain(1, 2, 3).with_rid(513)];
        cache
            .keep_person(&alice, Some(70_001), Some(&groups), NOW)
            .unwrap();
        // A later answer without groups keeps those that are known, and says nothing of them.
        let later = NOW.plus(500);
        cache
            .keep_person(&alice, Some(70_001), None, later)
            .unwrap();
        drop(cache);
        let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
        for found in [
            cache.person_by_key("alice"),
            cache.person_by_uid(70_001),
            cache.person_by_sid(&alice.sid),
        ] {
            let found = found.unwrap().unwrap();
            assert_eq!(found.person, alice);
            assert_eq!(found.groups, Some((groups.to_vec(), NOW)));
            assert_eq!(found.seen, later);
        }
        assert_eq!(cache.counts().unwrap(), (1, 0));
        cache.forget_person("alice").unwrap();
        assert!(cache.person_by_key("alice").unwrap().is_none());
    }

    #[test]
    fn a_file_from_before_keeps_what_is_in_it() {
        let (folder, cache) = cache();
        let path = folder.path().join("directory.db");
        let alice = Person::example("alice", 1103);
        let groups = [Sid::domain(1, 2, 3).with_rid(513)];
        let bob = Person::example("bob", 1104);
        cache
            .keep_person(&alice, Some(70_001), Some(&groups), NOW)
            .unwrap();
        cache.keep_person(&bob, Some(70_002), None, NOW).unwrap();
        cache.save(&alice.sid, &saved()).unwrap();
        cache.keep_fact("domain", &"corp").unwrap();
        cache
            .lock()
            .execute_batch("ALTER TABLE people DROP COLUMN groups_seen; PRAGMA user_version = 1;")
            .unwrap();
        drop(cache);
        // The second time it is as this version has made it.
        for _ in 0..2 {
            let cache = Cache::open(&path).unwrap();
            let known = cache.person_by_key("alice").unwrap().unwrap();
            assert_eq!((known.person, known.seen), (alice.clone(), NOW));
            // Nobody knows how old they are.
            assert_eq!(known.groups, Some((groups.to_vec(), Timestamp(0))));
            let known = cache.person_by_key("bob").unwrap().unwrap();
            assert_eq!(known.groups, None);
            assert!(cache.saved(&alice.sid).unwrap().is_some());
            let fact: Option<String> = cache.fact("domain").unwrap();
            assert_eq!(fact.as_deref(), Some("corp"));
        }
    }

    #[test]
    fn a_file_of_a_layout_that_is_not_known_is_emptied() {
        let (folder, cache) = cache();
        let alice = Person::example("alice", 1103);
        cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
        cache
            .lock()
            .pragma_update(None, "user_version", LAYOUT + 1)
            .unwrap();
        drop(cache);
        let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
        assert_eq!(cache.counts().unwrap(), (0, 0));
    }

    #[test]
    fn a_name_or_an_id_belongs_to_whoever_has_it_now() {
        let (_folder, cache) = cache();
        let old = Person::example("alice", 1103);
        cache.keep_person(&old, Some(70_001), None, NOW).unwrap();
        // Deleted and made anew in the directory: another SID, the same name.
        let new = Person::example("ALICE", 2200);
        cache.keep_person(&new, Some(70_002), None, NOW).unwrap();
        assert_eq!(cache.person_by_key("alice").unwrap().unwrap().person, new);
        assert!(cache.person_by_uid(70_001).unwrap().is_none());
        assert!(cache.person_by_sid(&old.sid).unwrap().is_none());
        let bob = Person::example("bob", 2300);
        cache.keep_person(&bob, Some(70_002), None, NOW).unwrap();
        assert!(cache.person_by_key("alice").unwrap().is_none());
    }

    #[test]
    fn what_was_not_seen_again_is_swept_with_its_password() {
        let (_folder, cache) = cache();
        let (alice, bob) = (Person::example("alice", 1103), Person::example("bob", 1104));
        cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
        cache
            .keep_person(&bob, Some(70_002), None, NOW.plus(10))
            .unwrap();
        cache.save(&alice.sid, &saved()).unwrap();
        cache.save(&bob.sid, &saved()).unwrap();
        cache.sweep(NOW.plus(10)).unwrap();
        assert!(cache.person_by_key("alice").unwrap().is_none());
        assert!(cache.saved(&alice.sid).unwrap().is_none());
        assert!(cache.saved(&bob.sid).unwrap().is_some());
    }

    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, _cache) = cache();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{mode:o}");
        }
    }
}
