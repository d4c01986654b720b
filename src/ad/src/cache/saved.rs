//! What offline logons are compared with.

use super::doubts::Doubts;
use super::{Cache, Result, lock};
use domlogon_protocol::{Sid, Timestamp};
use domlogon_rules::Lockout;
use rusqlite::{Connection, OptionalExtension, params};

/// Whose password was saved, and when.
pub(crate) type SavedAt = (String, i64);

/// What an offline logon is compared with.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    /// A PHC string.
    pub(crate) verifier: String,
    /// When that password was set, as the directory said.
    pub(crate) password_set: i64,
    /// Which of his passwords it was, as the directory counts them.
    pub(crate) key_version: Option<u32>,
    /// When a controller last confirmed it.
    pub(crate) confirmed: Timestamp,
    /// Wrong passwords while offline.
    pub(crate) lockout: Lockout,
}

impl Cache {
    /// What an offline logon of this user is compared with; nothing where that is doubted.
    pub(crate) fn saved(&self, sid: &Sid) -> Result<Option<Saved>> {
        let connection = self.lock();
        if lock(&self.doubted_saved).has_sid(sid) {
            return Ok(None);
        }
        Ok(connection
            .prepare_cached(
                "SELECT verifier, password_set, confirmed, tries, last_bad, locked, key_version
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
                    key_version: row.get(6)?,
                })
            })
            .optional()?)
    }

    /// Saves what the next offline logon is compared with.
    pub(crate) fn save(&self, sid: &Sid, saved: &Saved) -> Result<()> {
        let connection = self.lock();
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO saved
                     (sid, verifier, password_set, confirmed, tries, last_bad, locked,
                      key_version)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                sid.to_string(),
                saved.verifier,
                saved.password_set,
                saved.confirmed.0,
                saved.lockout.count,
                saved.lockout.last_bad.map(|at| at.0),
                saved.lockout.since.map(|at| at.0),
                saved.key_version,
            ])?;
        lock(&self.doubted_saved).clear(&sid.to_string());
        Ok(())
    }

    /// Doubts what is saved of this user: his password is another one, and cannot be saved.
    pub(crate) fn doubt_saved(&self, sid: &Sid) {
        lock(&self.doubted_saved).add(sid.to_string());
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

    /// Forgets what was saved of this user; what cannot be is doubted.
    pub(crate) fn unsave(&self, sid: &Sid) -> Result<()> {
        let connection = self.lock();
        let sid = sid.to_string();
        let gone = connection.execute("DELETE FROM saved WHERE sid = ?1", [&sid]);
        let mut doubts = lock(&self.doubted_saved);
        match gone {
            Ok(_) => doubts.clear(&sid),
            Err(_) => doubts.add(sid),
        }
        gone?;
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
}

/// Deletes what is doubted.
pub(super) fn settle(connection: &Connection, doubts: &mut Doubts) -> Result<()> {
    if doubts.is_all() {
        connection.execute("DELETE FROM saved", [])?;
        *doubts = Doubts::default();
    }
    for mark in doubts.some() {
        connection.execute("DELETE FROM saved WHERE sid = ?1", [&mark])?;
        doubts.clear(&mark);
    }
    Ok(())
}
