//! The users that are known.

use super::doubts::{Doubted, Doubts};
use super::{Cache, Result, bytes, lock, read};
use crate::entry::Person;
use domlogon_protocol::{Sid, Timestamp, UserName};
use domlogon_rules::roster::Kind;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use std::collections::BTreeSet;

/// A user as he was when he was last asked for.
#[derive(Clone, Debug)]
pub(crate) struct KnownPerson {
    pub(crate) person: Person,
    /// All his groups, nested ones included, and when they were asked for. None that are doubted.
    pub(crate) groups: Option<(Vec<Sid>, Timestamp)>,
    /// When the rest was asked for, with the groups or without them.
    pub(crate) seen: Timestamp,
    /// The directory has said otherwise since, which could not be kept.
    pub(crate) is_doubted: bool,
}

/// What the directory said of a user.
struct Said<'a> {
    sid: &'a str,
    key: &'a str,
    uid: Option<u32>,
    person: &'a Person,
    groups: Option<&'a [Sid]>,
    now: Timestamp,
}

/// What [`known_person`] reads.
const PERSON: &str = "body, groups, groups_seen, seen, key_version";

impl Cache {
    pub(crate) fn person_by_key(&self, key: &str) -> Result<Option<KnownPerson>> {
        self.person("key = ?1", [key])
    }

    pub(crate) fn person_by_uid(&self, uid: u32) -> Result<Option<KnownPerson>> {
        self.person("uid = ?1", [uid])
    }

    pub(crate) fn person_by_sid(&self, sid: &Sid) -> Result<Option<KnownPerson>> {
        self.person("sid = ?1", [sid.to_string()])
    }

    /// Whether somebody is known by this key, and be it only who is doubted.
    pub(crate) fn has_person(&self, key: &str) -> Result<bool> {
        let connection = self.lock();
        let mut query = connection.prepare_cached("SELECT 1 FROM people WHERE key = ?1")?;
        Ok(query.exists([key])?)
    }

    /// Who is doubted is not known.
    fn person(&self, which: &str, params: impl Params) -> Result<Option<KnownPerson>> {
        let connection = self.lock();
        let doubts = lock(&self.doubted);
        let query = format!("SELECT {PERSON} FROM people WHERE {which}");
        let found = connection
            .prepare_cached(&query)?
            .query_row(params, |row| known_person(row, &doubts))
            .optional()?;
        Ok(found.flatten().filter(|known| !known.is_doubted))
    }

    /// People with ids above this one, in their order; those who are doubted, too.
    pub(crate) fn people_after(&self, uid: u32, limit: usize) -> Result<Vec<KnownPerson>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let connection = self.lock();
        let doubts = lock(&self.doubted);
        let query = format!("SELECT {PERSON} FROM people WHERE uid > ?1 ORDER BY uid LIMIT ?2");
        let mut query = connection.prepare_cached(&query)?;
        let rows = query.query_map(params![uid, limit], |row| known_person(row, &doubts))?;
        Ok(rows
            .filter_map(rusqlite::Result::transpose)
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps what the directory said of a user. Groups that were not asked for stay as they
    /// were, and as old; `uid` is `None` for somebody who has none. What cannot be kept is not
    /// known any more, if it was otherwise before.
    pub(crate) fn keep_person(
        &self,
        person: &Person,
        uid: Option<u32>,
        groups: Option<&[Sid]>,
        now: Timestamp,
    ) -> Result<()> {
        let (sid, key) = (person.sid.to_string(), UserName::fold(&person.name));
        let said = Said {
            sid: &sid,
            key: &key,
            uid,
            person,
            groups,
            now,
        };
        let connection = self.lock();
        let mut doubts = lock(&self.doubted);
        let mut kept = self.write_person(&connection, &said);
        if kept.is_ok() && groups.is_none() && doubts.groups.has_sid(&person.sid) {
            // Those that are kept may be older than the doubt.
            kept = forget_groups(&connection, &sid);
        }
        if kept.is_ok() {
            doubts.clear(&sid);
            doubts.clear(&key);
        } else if doubt(&connection, &said, &mut doubts).is_err() {
            doubts.add(&sid);
            doubts.add(&key);
        }
        kept
    }

    fn write_person(&self, connection: &Connection, said: &Said<'_>) -> Result<()> {
        let Said { sid, key, uid, .. } = *said;
        let groups = said.groups.map(bytes);
        self.note_people(connection, SAME, params![sid, key, uid])?;
        self.news.note(Kind::User, key, uid);
        // A name or an id that has moved on belongs to whoever has it now.
        connection
            .prepare_cached("DELETE FROM people WHERE (key = ?1 OR uid = ?2) AND sid <> ?3")?
            .execute(params![key, uid, sid])?;
        connection
            .prepare_cached(
                "INSERT INTO people (sid, key, uid, body, groups, seen, groups_seen, key_version)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?5 IS NULL THEN 0 ELSE ?6 END, ?7)
                 ON CONFLICT (sid) DO UPDATE SET key = ?2, uid = ?3, body = ?4, seen = ?6,
                     key_version = ?7,
                     groups = coalesce(?5, groups),
                     groups_seen = CASE WHEN ?5 IS NULL THEN groups_seen ELSE ?6 END",
            )?
            .execute(params![
                sid,
                key,
                uid,
                bytes(said.person),
                groups,
                said.now.0,
                said.person.key_version
            ])?;
        Ok(())
    }

    /// Forgets a user whom the directory has no more, with what was saved of him. Who cannot be
    /// forgotten is not known any more. For a name that nobody has nothing is written.
    pub(crate) fn forget_person(&self, key: &str) -> Result<()> {
        let connection = self.lock();
        let found = sids(&connection, key);
        let gone = match &found {
            Ok(sids) if sids.is_empty() => {
                lock(&self.doubted).clear(key);
                return Ok(());
            }
            Ok(_) => self.delete_person(&connection, key),
            Err(_) => Ok(()),
        };
        let mut doubts = lock(&self.doubted);
        match found {
            Ok(sids) if gone.is_err() => sids.iter().for_each(|sid| doubts.add(sid)),
            Ok(sids) => {
                sids.iter().for_each(|sid| doubts.clear(sid));
                doubts.clear(key);
            }
            Err(error) => {
                doubts.add(key);
                return Err(error);
            }
        }
        gone
    }

    fn delete_person(&self, connection: &Connection, key: &str) -> Result<()> {
        self.note_people(connection, "key = ?1", [key])?;
        connection.execute(
            "DELETE FROM saved WHERE sid IN (SELECT sid FROM people WHERE key = ?1)",
            [key],
        )?;
        connection.execute("DELETE FROM people WHERE key = ?1", [key])?;
        Ok(())
    }

    pub(super) fn settle_people(
        &self,
        connection: &Connection,
        doubts: &mut Doubted,
    ) -> Result<()> {
        if doubts.people.is_all() {
            connection.execute("DELETE FROM people", [])?;
            *doubts = Doubted::default();
            self.news.note_all();
        }
        for mark in doubts.people.some() {
            // Told of when they are gone, and not as often as that fails.
            let delete = "DELETE FROM people WHERE sid = ?1 OR key = ?1 RETURNING key, uid";
            self.note(connection, Kind::User, delete, [&mark])?;
            doubts.clear(&mark);
        }
        if doubts.groups.is_all() {
            connection.execute("UPDATE people SET groups = NULL, groups_seen = 0", [])?;
            doubts.groups = Doubts::default();
            self.news.note_all();
        }
        for mark in doubts.groups.some() {
            forget_groups(connection, &mark)?;
            doubts.groups.clear(&mark);
        }
        Ok(())
    }

    /// Notes those who are about to be changed or forgotten, as they are yet.
    pub(super) fn note_people(
        &self,
        connection: &Connection,
        which: &str,
        params: impl Params,
    ) -> Result<()> {
        let query = format!("SELECT key, uid FROM people WHERE {which}");
        self.note(connection, Kind::User, &query, params)
    }
}

/// Who had the identifier, the name or the id that somebody has now.
const SAME: &str = "sid = ?1 OR key = ?2 OR uid = ?3";

/// Doubts those in the file whom what was said is about, and who are otherwise there.
fn doubt(connection: &Connection, said: &Said<'_>, doubts: &mut Doubted) -> Result<()> {
    let query = format!("SELECT sid, key, uid, body, groups, key_version FROM people WHERE {SAME}");
    let mut query = connection.prepare_cached(&query)?;
    let mut rows = query.query(params![said.sid, said.key, said.uid])?;
    while let Some(row) = rows.next()? {
        let sid = row.get_ref(0)?.as_str()?;
        if sid != said.sid {
            doubts.add(sid);
            continue;
        }
        let is_he = row.get_ref(1)?.as_str()? == said.key
            && row.get::<_, Option<u32>>(2)? == said.uid
            && row.get::<_, Option<u32>>(5)? == said.person.key_version
            && is_same(row.get_ref(3)?.as_blob()?, said.person);
        doubts.people.set(sid, !is_he);
        if let Some(said) = said.groups {
            let groups = row.get_ref(4)?.as_blob_or_null()?;
            let groups = groups.and_then(read::<BTreeSet<Sid>>);
            let are_these = groups == Some(said.iter().cloned().collect());
            doubts.groups.set(sid, !are_these);
        }
    }
    Ok(())
}

/// Whether the file has somebody as he was said to be, but for what each controller has for
/// itself, and what a wrong password changes.
fn is_same(body: &[u8], said: &Person) -> bool {
    let lasting = |person: Person| Person {
        usn: 0,
        bad_pwd_count: 0,
        bad_password_time: 0,
        // It has a column of its own.
        key_version: None,
        ..person
    };
    read(body).is_some_and(|kept| lasting(kept) == lasting(said.clone()))
}

fn forget_groups(connection: &Connection, mark: &str) -> Result<()> {
    let update = "UPDATE people SET groups = NULL, groups_seen = 0 WHERE sid = ?1 OR key = ?1";
    connection.prepare_cached(update)?.execute([mark])?;
    Ok(())
}

fn sids(connection: &Connection, key: &str) -> Result<Vec<String>> {
    let mut query = connection.prepare_cached("SELECT sid FROM people WHERE key = ?1")?;
    let rows = query.query_map([key], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A row that this version cannot read is as good as none: it is asked for again.
fn known_person(row: &Row<'_>, doubts: &Doubted) -> rusqlite::Result<Option<KnownPerson>> {
    let Some(mut person) = read::<Person>(row.get_ref(0)?.as_blob()?) else {
        return Ok(None);
    };
    person.key_version = row.get(4)?;
    let groups: Option<Vec<Sid>> = row.get_ref(1)?.as_blob_or_null()?.and_then(read);
    let asked = Timestamp(row.get(2)?);
    Ok(Some(KnownPerson {
        is_doubted: doubts.people.has(&person.sid, &person.name),
        groups: groups
            .filter(|_| !doubts.groups.has(&person.sid, &person.name))
            .map(|groups| (groups, asked)),
        person,
        seen: Timestamp(row.get(3)?),
    }))
}
