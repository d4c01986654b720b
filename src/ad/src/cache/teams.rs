//! The groups that are known.

use super::{Cache, Result, bytes, read};
use crate::entry::Team;
use domlogon_protocol::{Sid, Timestamp, UserName};
use domlogon_rules::roster::Kind;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

/// A group that was asked for, at any time: its identifier and its id stay the same.
#[derive(Clone, Debug)]
pub(crate) struct KnownTeam {
    pub(crate) team: Team,
    /// The account names of all members, nested ones included, and when they were asked for.
    pub(crate) members: Option<(Vec<String>, Timestamp)>,
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
