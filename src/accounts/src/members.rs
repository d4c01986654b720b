//! Who is in which group. Groups may be in groups; a ring of them ends every search.

use crate::domain::ADMINISTRATORS;
use crate::error::Result;
use domlogon_protocol::Timestamp;
use domlogon_rules::Flags;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// The row of a group.
pub(crate) struct GroupRow {
    pub(crate) rid: u32,
    pub(crate) name: String,
    pub(crate) gid: u32,
    /// An alias of the BUILTIN domain.
    pub(crate) alias: bool,
    pub(crate) built_in: bool,
}

const SELECT: &str = "SELECT g.rid, g.name, g.gid, g.alias, g.built_in FROM groups g";

impl GroupRow {
    pub(crate) fn by_key(connection: &Connection, key: &str) -> Result<Option<Self>> {
        Ok(connection
            .prepare_cached(&format!("{SELECT} WHERE g.key = ?1"))?
            .query_row([key], Self::read)
            .optional()?)
    }

    pub(crate) fn by_rid(connection: &Connection, rid: u32) -> Result<Option<Self>> {
        Ok(connection
            .prepare_cached(&format!("{SELECT} WHERE g.rid = ?1"))?
            .query_row([rid], Self::read)
            .optional()?)
    }

    pub(crate) fn by_gid(connection: &Connection, gid: u32) -> Result<Option<Self>> {
        Ok(connection
            .prepare_cached(&format!("{SELECT} WHERE g.gid = ?1"))?
            .query_row([gid], Self::read)
            .optional()?)
    }

    /// At most `limit` groups with gids above `after`, in their order.
    pub(crate) fn after_gid(connection: &Connection, after: u32, limit: u32) -> Result<Vec<Self>> {
        let tail = "WHERE g.gid > ?1 ORDER BY g.gid LIMIT ?2";
        Self::several(connection, tail, params![after, limit])
    }

    /// At most `limit` groups with RIDs above `after`, in their order.
    pub(crate) fn after_rid(connection: &Connection, after: u32, limit: u32) -> Result<Vec<Self>> {
        let tail = "WHERE g.rid > ?1 ORDER BY g.rid LIMIT ?2";
        Self::several(connection, tail, params![after, limit])
    }

    /// The groups that a user is directly in.
    pub(crate) fn of_user(connection: &Connection, rid: u32) -> Result<Vec<Self>> {
        let tail = "JOIN user_members m ON m.grp = g.rid WHERE m.member = ?1 ORDER BY g.rid";
        Self::several(connection, tail, params![rid])
    }

    /// The groups that are directly in a group.
    pub(crate) fn in_group(connection: &Connection, rid: u32) -> Result<Vec<Self>> {
        let tail = "JOIN group_members m ON m.member = g.rid WHERE m.grp = ?1 ORDER BY g.rid";
        Self::several(connection, tail, params![rid])
    }

    /// The groups that a user is in, directly or through other groups.
    pub(crate) fn all_of_user(connection: &Connection, rid: u32) -> Result<Vec<Self>> {
        let mut statement = connection.prepare_cached(&format!(
            "WITH RECURSIVE up (rid) AS (
                SELECT grp FROM user_members WHERE member = ?1
                UNION SELECT m.grp FROM group_members m JOIN up ON m.member = up.rid)
             {SELECT} JOIN up ON up.rid = g.rid ORDER BY g.gid"
        ))?;
        let rows = statement.query_map([rid], Self::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn several(
        connection: &Connection,
        tail: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<Self>> {
        let mut statement = connection.prepare_cached(&format!("{SELECT} {tail}"))?;
        let rows = statement.query_map(parameters, Self::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            rid: row.get(0)?,
            name: row.get(1)?,
            gid: row.get(2)?,
            alias: row.get(3)?,
            built_in: row.get(4)?,
        })
    }
}

/// A group and all that are in it, directly or through other groups: `down` for a query.
const DOWN: &str = "WITH RECURSIVE down (rid) AS (
    VALUES (?1) UNION SELECT m.member FROM group_members m JOIN down ON m.grp = down.rid)";

/// Names and ids of the users in a group, directly or through other groups.
pub(crate) fn all_users_in(connection: &Connection, rid: u32) -> Result<Vec<(String, u32)>> {
    let mut statement = connection.prepare_cached(&format!(
        "{DOWN} SELECT DISTINCT u.name, u.uid FROM user_members m
         JOIN down ON m.grp = down.rid JOIN users u ON u.rid = m.member ORDER BY u.uid"
    ))?;
    let rows = statement.query_map([rid], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// As [`all_users_in`], in no order, and at most `limit` of them: a large group costs no more
/// than those.
pub(crate) fn some_users_in(
    connection: &Connection,
    rid: u32,
    limit: usize,
) -> Result<Vec<(String, u32)>> {
    let mut statement = connection.prepare_cached(&format!(
        "{DOWN} SELECT DISTINCT u.name, u.uid FROM user_members m
         JOIN down ON m.grp = down.rid JOIN users u ON u.rid = m.member LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![rid, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// RIDs of at most `limit` of the users in a group, directly or through other groups.
pub(crate) fn some_rids_in(connection: &Connection, rid: u32, limit: usize) -> Result<Vec<u32>> {
    let mut statement = connection.prepare_cached(&format!(
        "{DOWN} SELECT DISTINCT m.member FROM user_members m
         JOIN down ON m.grp = down.rid LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![rid, limit], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A group and all that it is in, directly or through other groups.
pub(crate) fn groups_around(connection: &Connection, rid: u32) -> Result<Vec<u32>> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE up (rid) AS (
            VALUES (?1) UNION SELECT m.grp FROM group_members m JOIN up ON m.member = up.rid)
         SELECT rid FROM up",
    )?;
    let rows = statement.query_map([rid], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Names of the users that are directly in a group.
pub(crate) fn users_in(connection: &Connection, rid: u32) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT u.name FROM user_members m JOIN users u ON u.rid = m.member
         WHERE m.grp = ?1 ORDER BY u.rid",
    )?;
    let rows = statement.query_map([rid], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether a group is `inner`, or contains it directly or through other groups.
pub(crate) fn contains_group(connection: &Connection, outer: u32, inner: u32) -> Result<bool> {
    Ok(connection
        .prepare_cached(&format!(
            "{DOWN} SELECT EXISTS (SELECT 1 FROM down WHERE rid = ?2)"
        ))?
        .query_row([outer, inner], |row| row.get(0))?)
}

/// Whether an account is in BUILTIN\Administrators, directly or through other groups.
pub(crate) fn is_administrator(connection: &Connection, rid: u32) -> Result<bool> {
    Ok(connection
        .prepare_cached(&format!(
            "{DOWN} SELECT EXISTS (SELECT 1 FROM user_members m
             JOIN down ON m.grp = down.rid WHERE m.member = ?2)"
        ))?
        .query_row([ADMINISTRATORS, rid], |row| row.get(0))?)
}

/// Users in a group, directly or through other groups, who are enabled, not at their end, and
/// have a password and an hour to log on in: what to select of them comes before it. From where
/// they may log on is not looked at: which of its names this host has is known at a logon.
const ABLE: &str = "FROM user_members m
    JOIN down ON m.grp = down.rid JOIN users u ON u.rid = m.member
    WHERE u.verifier IS NOT NULL AND u.flags & ?2 = 0
      AND (u.expires IS NULL OR u.expires >= ?3)
      AND (u.hours IS NULL OR u.hours <> zeroblob(21))";

/// RID, name and id of each administrator whose account is enabled, not at its end, and has
/// a password and an hour.
pub(crate) fn administrators(
    connection: &Connection,
    now: Timestamp,
) -> Result<Vec<(u32, String, u32)>> {
    let mut statement = connection.prepare_cached(&format!(
        "{DOWN} SELECT DISTINCT u.rid, u.name, u.uid {ABLE} ORDER BY u.rid"
    ))?;
    let rows = statement.query_map(
        params![ADMINISTRATORS, Flags::ACCOUNTDISABLE.bits(), now.0],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether there is an administrator whose account is enabled, not at its end, and has a
/// password and an hour, and of whose name, id and primary group's id `is_visible` says yes.
pub(crate) fn has_administrator(
    connection: &Connection,
    now: Timestamp,
    is_visible: impl Fn(&str, u32, u32) -> bool,
) -> Result<bool> {
    let mut statement = connection.prepare_cached(&format!(
        "{DOWN} SELECT u.name, u.uid, (SELECT gid FROM groups WHERE rid = u.primary_group) {ABLE}"
    ))?;
    let mut rows = statement.query(params![ADMINISTRATORS, Flags::ACCOUNTDISABLE.bits(), now.0])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if is_visible(&name, row.get(1)?, row.get(2)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a membership was added: it may have been there before.
pub(crate) fn add_user(connection: &Connection, group: u32, user: u32) -> Result<bool> {
    let added = connection
        .prepare_cached("INSERT OR IGNORE INTO user_members (grp, member) VALUES (?1, ?2)")?
        .execute([group, user])?;
    Ok(added > 0)
}

/// As [`add_user`], for a group.
pub(crate) fn add_group(connection: &Connection, group: u32, member: u32) -> Result<bool> {
    let added = connection
        .prepare_cached("INSERT OR IGNORE INTO group_members (grp, member) VALUES (?1, ?2)")?
        .execute([group, member])?;
    Ok(added > 0)
}

/// Whether a membership was taken away: there may have been none.
pub(crate) fn remove_user(connection: &Connection, group: u32, user: u32) -> Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM user_members WHERE grp = ?1 AND member = ?2")?
        .execute([group, user])?;
    Ok(removed > 0)
}

/// As [`remove_user`], for a group.
pub(crate) fn remove_group(connection: &Connection, group: u32, member: u32) -> Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM group_members WHERE grp = ?1 AND member = ?2")?
        .execute([group, member])?;
    Ok(removed > 0)
}
