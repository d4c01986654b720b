//! The groups that are known.

use super::doubts::Doubts;
use super::{Cache, Result, bytes, lock, read};
use crate::entry::Team;
use domlogon_protocol::{Sid, Timestamp, UserName};
use domlogon_rules::roster::Kind;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use std::collections::{BTreeSet, HashSet};

/// A group that was asked for, at any time: its identifier and its id stay the same.
#[derive(Clone, Debug)]
pub(crate) struct KnownTeam {
    pub(crate) team: Team,
    /// The account names of all members, nested ones included, and when they were asked for.
    pub(crate) members: Option<(Vec<String>, Timestamp)>,
    /// The directory has said otherwise since, which could not be kept.
    pub(crate) is_doubted: bool,
}

/// What the directory said of a group.
struct Said<'a> {
    sid: &'a str,
    key: &'a str,
    gid: Option<u32>,
    team: &'a Team,
    members: Option<&'a [String]>,
    now: Timestamp,
}

impl Cache {
    pub(crate) fn team_by_key(&self, key: &str) -> Result<Option<KnownTeam>> {
        self.team("key = ?1", [key])
    }

    pub(crate) fn team_by_gid(&self, gid: u32) -> Result<Option<KnownTeam>> {
        self.team("gid = ?1", [gid])
    }

    pub(crate) fn team_by_sid(&self, sid: &Sid) -> Result<Option<KnownTeam>> {
        self.team("sid = ?1", [sid.to_string()])
    }

    /// What is doubted is not known.
    fn team(&self, which: &str, params: impl Params) -> Result<Option<KnownTeam>> {
        let connection = self.lock();
        let doubts = lock(&self.doubted_teams);
        let query = format!("SELECT body, members, members_seen FROM teams WHERE {which}");
        let found = connection
            .prepare_cached(&query)?
            .query_row(params, |row| known_team(row, &doubts))
            .optional()?;
        Ok(found.flatten().filter(|known| !known.is_doubted))
    }

    /// Groups with ids above this one, in their order; those that are doubted, too.
    pub(crate) fn teams_after(&self, gid: u32, limit: usize) -> Result<Vec<KnownTeam>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let connection = self.lock();
        let doubts = lock(&self.doubted_teams);
        let mut query = connection.prepare_cached(
            "SELECT body, members, members_seen FROM teams
             WHERE gid > ?1 ORDER BY gid LIMIT ?2",
        )?;
        let rows = query.query_map(params![gid, limit], |row| known_team(row, &doubts))?;
        Ok(rows
            .filter_map(rusqlite::Result::transpose)
            .collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps what the directory said of a group. Members that were not asked for stay. What
    /// cannot be kept is not known any more, if it was otherwise before.
    pub(crate) fn keep_team(
        &self,
        team: &Team,
        gid: Option<u32>,
        members: Option<&[String]>,
        now: Timestamp,
    ) -> Result<()> {
        let (sid, key) = (team.sid.to_string(), UserName::fold(&team.name));
        let said = Said {
            sid: &sid,
            key: &key,
            gid,
            team,
            members,
            now,
        };
        let connection = self.lock();
        let mut doubts = lock(&self.doubted_teams);
        let is_doubted = doubts.has(&team.sid, &team.name);
        let kept = self.write_team(&connection, &said, is_doubted);
        if kept.is_ok() {
            doubts.clear(&sid);
            doubts.clear(&key);
        } else if doubt(&connection, &said, &mut doubts).is_err() {
            doubts.add(sid);
            doubts.add(key);
        }
        kept
    }

    /// The members of one that is doubted may be older than the doubt: they do not stay.
    fn write_team(&self, connection: &Connection, said: &Said<'_>, is_doubted: bool) -> Result<()> {
        let Said { sid, key, gid, .. } = *said;
        self.note_teams(connection, SAME, params![sid, key, gid])?;
        self.news.note(Kind::Group, key, gid);
        connection
            .prepare_cached(
                "DELETE FROM teams
                 WHERE (key = ?1 OR gid = ?2) AND sid <> ?3 OR sid = ?3 AND ?4",
            )?
            .execute(params![key, gid, sid, is_doubted])?;
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
                bytes(said.team),
                said.now.0,
                said.members.map(bytes)
            ])?;
        Ok(())
    }

    /// Forgets a group that the directory has no more. One that cannot be forgotten is not known
    /// any more.
    pub(crate) fn forget_team(&self, key: &str) -> Result<()> {
        let connection = self.lock();
        let mut doubts = lock(&self.doubted_teams);
        let gone = self.delete_team(&connection, key);
        doubts.set(key, gone.is_err());
        gone
    }

    fn delete_team(&self, connection: &Connection, key: &str) -> Result<()> {
        self.note_teams(connection, "key = ?1", [key])?;
        connection.execute("DELETE FROM teams WHERE key = ?1", [key])?;
        Ok(())
    }

    /// Doubts all groups but these, which are those that the directory has.
    pub(crate) fn doubt_teams_but(&self, seen: &HashSet<Sid>) -> Result<()> {
        let seen: HashSet<String> = seen.iter().map(Sid::to_string).collect();
        let connection = self.lock();
        let mut doubts = lock(&self.doubted_teams);
        let mut query = connection.prepare_cached("SELECT sid, key, gid FROM teams")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let sid = row.get_ref(0)?.as_str()?;
            if !seen.contains(sid) && !doubts.has_mark(sid) {
                self.news
                    .note(Kind::Group, row.get_ref(1)?.as_str()?, row.get(2)?);
                doubts.add(sid);
            }
        }
        Ok(())
    }

    pub(super) fn settle_teams(&self, connection: &Connection, doubts: &mut Doubts) -> Result<()> {
        if doubts.is_all() {
            connection.execute("DELETE FROM teams", [])?;
            *doubts = Doubts::default();
            self.news.note_all();
        }
        for mark in doubts.some() {
            // Told of when they are gone, and not as often as that fails.
            let delete = "DELETE FROM teams WHERE sid = ?1 OR key = ?1 RETURNING key, gid";
            self.note(connection, Kind::Group, delete, [&mark])?;
            doubts.clear(&mark);
        }
        Ok(())
    }

    pub(super) fn note_teams(
        &self,
        connection: &Connection,
        which: &str,
        params: impl Params,
    ) -> Result<()> {
        let query = format!("SELECT key, gid FROM teams WHERE {which}");
        self.note(connection, Kind::Group, &query, params)
    }
}

/// What had the identifier, the name or the id that a group has now.
const SAME: &str = "sid = ?1 OR key = ?2 OR gid = ?3";

/// Doubts those in the file that what was said is about, and that are otherwise there.
fn doubt(connection: &Connection, said: &Said<'_>, doubts: &mut Doubts) -> Result<()> {
    let query = format!("SELECT sid, gid, body, members FROM teams WHERE {SAME}");
    let mut query = connection.prepare_cached(&query)?;
    let mut rows = query.query(params![said.sid, said.key, said.gid])?;
    while let Some(row) = rows.next()? {
        let sid = row.get_ref(0)?.as_str()?;
        let is_it = sid == said.sid
            && row.get::<_, Option<u32>>(1)? == said.gid
            && is_same(row.get_ref(2)?.as_blob()?, said.team);
        let members = row.get_ref(3)?.as_blob_or_null()?;
        let members = members.and_then(read::<BTreeSet<String>>);
        match said.members {
            _ if !is_it => doubts.add(sid),
            // Those that the file has may be doubted, and were not asked for.
            None => {}
            Some(said_members) => {
                let said_members: BTreeSet<String> = said_members.iter().cloned().collect();
                let are_these = members.is_none_or(|members| members == said_members);
                doubts.set(sid, !are_these);
                if are_these {
                    doubts.clear(said.key);
                }
            }
        }
    }
    Ok(())
}

/// Whether the file has a group as it was said to be, but for what each controller has for itself.
fn is_same(body: &[u8], said: &Team) -> bool {
    read::<Team>(body).is_some_and(|kept| {
        let usn = said.usn;
        Team { usn, ..kept } == *said
    })
}

/// A row that this version cannot read is as good as none: it is asked for again.
fn known_team(row: &Row<'_>, doubts: &Doubts) -> rusqlite::Result<Option<KnownTeam>> {
    let Some(team) = read::<Team>(row.get_ref(0)?.as_blob()?) else {
        return Ok(None);
    };
    let members: Option<Vec<String>> = row.get_ref(1)?.as_blob_or_null()?.and_then(read);
    let asked = Timestamp(row.get(2)?);
    Ok(Some(KnownTeam {
        is_doubted: doubts.has(&team.sid, &team.name),
        team,
        members: members.map(|members| (members, asked)),
    }))
}
