//! The row of an account.

use crate::domain::Domain;
use crate::error::{Fault, Result};
use crate::foreign::Foreign;
use crate::hash::{Current, Salt, Verifier};
use domlogon_protocol::directory::User;
use domlogon_protocol::{LogonHours, Timestamp};
use domlogon_rules::{Account, Flags, Lockout};
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// All that is stored of an account, but for its history and its groups.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) rid: u32,
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) full_name: String,
    pub(crate) home: String,
    pub(crate) shell: String,
    pub(crate) flags: Flags,
    pub(crate) salt: String,
    /// A PHC string, or a hash of another system; parsed only where it is compared.
    pub(crate) verifier: Option<String>,
    /// The password is the empty one.
    pub(crate) blank: bool,
    /// Made without a password: the first one enables it.
    pub(crate) awaiting: bool,
    pub(crate) password_set: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) hours: Option<LogonHours>,
    pub(crate) workstations: Vec<String>,
    pub(crate) lockout: Lockout,
    pub(crate) last_logon: Option<Timestamp>,
}

const SELECT: &str = "SELECT u.rid, u.name, u.uid, g.gid, u.full_name, u.home, u.shell, u.flags,
    u.salt, u.verifier, u.blank, u.awaiting, u.password_set, u.expires, u.hours,
    u.workstations, u.bad_count, u.last_bad, u.locked_since, u.last_logon
    FROM users u JOIN groups g ON g.rid = u.primary_group";

impl Record {
    pub(crate) fn by_key(connection: &Connection, key: &str) -> Result<Option<Self>> {
        Ok(connection
            .prepare_cached(&format!("{SELECT} WHERE u.key = ?1"))?
            .query_row([key], Self::read)
            .optional()?)
    }

    pub(crate) fn by_rid(connection: &Connection, rid: u32) -> Result<Option<Self>> {
        Ok(connection
            .prepare_cached(&format!("{SELECT} WHERE u.rid = ?1"))?
            .query_row([rid], Self::read)
            .optional()?)
    }

    /// The oldest account.
    pub(crate) fn first(connection: &Connection) -> Result<Option<Self>> {
        let first = "(SELECT min(rid) FROM users)";
        Ok(connection
            .prepare_cached(&format!("{SELECT} WHERE u.rid = {first}"))?
            .query_row([], Self::read)
            .optional()?)
    }

    pub(crate) fn by_uid(connection: &Connection, uid: u32) -> Result<Option<Self>> {
        Ok(connection
            .prepare_cached(&format!("{SELECT} WHERE u.uid = ?1"))?
            .query_row([uid], Self::read)
            .optional()?)
    }

    /// At most `limit` accounts with ids above `after`, in their order.
    pub(crate) fn after_uid(connection: &Connection, after: u32, limit: u32) -> Result<Vec<Self>> {
        let mut statement = connection.prepare_cached(&format!(
            "{SELECT} WHERE u.uid > ?1 ORDER BY u.uid LIMIT ?2"
        ))?;
        let rows = statement.query_map([after, limit], Self::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// At most `limit` accounts with RIDs above `after`, in their order.
    pub(crate) fn after_rid(connection: &Connection, after: u32, limit: u32) -> Result<Vec<Self>> {
        let mut statement = connection.prepare_cached(&format!(
            "{SELECT} WHERE u.rid > ?1 ORDER BY u.rid LIMIT ?2"
        ))?;
        let rows = statement.query_map([after, limit], Self::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What the rules look at.
    pub(crate) fn account(&self, domain: &Domain) -> Account {
        Account {
            name: self.name.clone(),
            full_name: self.full_name.clone(),
            sid: domain.sid_of(self.rid, false),
            flags: self.flags,
            has_password: self.verifier.is_some(),
            blank_password: self.blank,
            password_set: self.password_set,
            expires: self.expires,
            hours: self.hours,
            workstations: self.workstations.clone(),
            lockout: self.lockout,
        }
    }

    /// What NSS shows.
    pub(crate) fn user(self) -> User {
        User {
            name: self.name,
            uid: self.uid,
            gid: self.gid,
            full_name: self.full_name,
            home: self.home,
            shell: self.shell,
        }
    }

    /// What its password is compared with, if it has one.
    pub(crate) fn current(&self) -> Result<Option<Current>> {
        let Some(text) = self.verifier.as_deref() else {
            return Ok(None);
        };
        Ok(Some(if Foreign::is_one(text) {
            let foreign = Foreign::parse(text).map_err(|_| Fault::DAMAGED)?;
            Current::Foreign(foreign, self.salt()?)
        } else {
            Current::Own(Verifier::parse(text)?)
        }))
    }

    pub(crate) fn salt(&self) -> Result<Salt> {
        Salt::parse(&self.salt)
    }

    /// Makes the row; its RID, name, key and id are new.
    pub(crate) fn insert(&self, connection: &Connection, key: &str, group: u32) -> Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO users (rid, key, name, uid, primary_group, full_name, home, shell,
                                    flags, salt) VALUES (?1, ?2, ?3, ?4, ?5, '', '', '', 0, ?6)",
            )?
            .execute(params![
                self.rid, key, self.name, self.uid, group, self.salt
            ])?;
        self.store(connection)
    }

    /// Writes all that may change.
    pub(crate) fn store(&self, connection: &Connection) -> Result<()> {
        connection
            .prepare_cached(
                "UPDATE users SET full_name = ?2, home = ?3, shell = ?4, flags = ?5, verifier = ?6,
                        blank = ?7, awaiting = ?8, password_set = ?9, expires = ?10, hours = ?11,
                        workstations = ?12, bad_count = ?13, last_bad = ?14, locked_since = ?15,
                        last_logon = ?16
                 WHERE rid = ?1",
            )?
            .execute(params![
                self.rid,
                self.full_name,
                self.home,
                self.shell,
                self.flags.bits(),
                self.verifier,
                self.blank,
                self.awaiting,
                self.password_set.map(|t| t.0),
                self.expires.map(|t| t.0),
                self.hours.map(|hours| hours.0),
                self.workstations.join(","),
                self.lockout.count,
                self.lockout.last_bad.map(|t| t.0),
                self.lockout.since.map(|t| t.0),
                self.last_logon.map(|t| t.0),
            ])?;
        Ok(())
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let time =
            |index| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(index)?.map(Timestamp));
        let workstations: String = row.get(15)?;
        Ok(Self {
            rid: row.get(0)?,
            name: row.get(1)?,
            uid: row.get(2)?,
            gid: row.get(3)?,
            full_name: row.get(4)?,
            home: row.get(5)?,
            shell: row.get(6)?,
            flags: Flags::from_bits(row.get(7)?),
            salt: row.get(8)?,
            verifier: row.get(9)?,
            blank: row.get(10)?,
            awaiting: row.get(11)?,
            password_set: time(12)?,
            expires: time(13)?,
            hours: hours(row)?,
            workstations: workstations
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            lockout: Lockout {
                count: row.get(16)?,
                last_bad: time(17)?,
                since: time(18)?,
            },
            last_logon: time(19)?,
        })
    }
}

/// Hours of another length than a week's are damage: taken for "always", they would let
/// somebody in.
fn hours(row: &Row<'_>) -> rusqlite::Result<Option<LogonHours>> {
    let Some(bytes) = row.get::<_, Option<Vec<u8>>>(14)? else {
        return Ok(None);
    };
    match bytes.try_into() {
        Ok(bits) => Ok(Some(LogonHours(bits))),
        Err(_) => Err(rusqlite::Error::FromSqlConversionFailure(
            14,
            Type::Blob,
            Box::new(FromSqlError::InvalidType),
        )),
    }
}

/// The passwords before the current one, the latest first, at most `limit`.
pub(crate) fn history(connection: &Connection, rid: u32, limit: usize) -> Result<Vec<Verifier>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(
        "SELECT verifier FROM history WHERE user = ?1 ORDER BY age DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![rid, sql_count(limit)], |row| {
        row.get::<_, String>(0)
    })?;
    rows.map(|phc| Verifier::parse(&phc?)).collect()
}

/// Puts the password that is being replaced into the history, and forgets all but the
/// latest `keep`.
pub(crate) fn push_history(
    connection: &Connection,
    rid: u32,
    replaced: &str,
    keep: usize,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO history (user, age, verifier)
             VALUES (?1, (SELECT coalesce(max(age), 0) + 1 FROM history WHERE user = ?1), ?2)",
        )?
        .execute(params![rid, replaced])?;
    connection
        .prepare_cached(
            "DELETE FROM history WHERE user = ?1 AND age <=
                    (SELECT max(age) FROM history WHERE user = ?1) - ?2",
        )?
        .execute(params![rid, sql_count(keep)])?;
    Ok(())
}

fn sql_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl From<rusqlite::types::FromSqlError> for Fault {
    fn from(_: rusqlite::types::FromSqlError) -> Self {
        Self::DAMAGED
    }
}
