//! The users that are known.

use super::{Cache, Result, bytes, read};
use crate::entry::Person;
use domlogon_protocol::{Sid, Timestamp, UserName};
use domlogon_rules::roster::Kind;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

/// A user as he was when he was last asked for.
#[derive(Clone, Debug)]
pub(crate) struct KnownPerson {
    pub(crate) person: Person,
    /// All his groups, nested ones included, and when they were asked for.
    pub(crate) groups: Option<(Vec<Sid>, Timestamp)>,
    /// When the rest was asked for, with the groups or without them.
    pub(crate) seen: Timestamp,
}

/// What [`known_person`] reads.
const PERSON: &str = "body, groups, groups_seen, seen";

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
