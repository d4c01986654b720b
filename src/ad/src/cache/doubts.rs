//! What the file says and is not so any more: what replaces it could not be written, as the disk
//! is full or fails. Kept in memory alone, for there is nowhere else.

use super::Result;
use domlogon_protocol::{Sid, Timestamp, UserName};
use rusqlite::Connection;
use std::collections::HashSet;

/// Most that are told apart. With more of them nothing in the file is believed, until all of it can
/// be deleted.
const MOST: usize = 100_000;

/// By identifiers, and by the keys of those whose identifiers could not be read.
#[derive(Default)]
pub(super) struct Doubts {
    marked: HashSet<String>,
    all: bool,
}

/// What may be otherwise of users. Where somebody's groups alone may be, the rest of him is known.
#[derive(Default)]
pub(super) struct Doubted {
    pub(super) people: Doubts,
    pub(super) groups: Doubts,
}

impl Doubted {
    pub(super) fn add(&mut self, mark: &str) {
        self.people.add(mark);
        self.groups.add(mark);
    }

    pub(super) fn clear(&mut self, mark: &str) {
        self.people.clear(mark);
        self.groups.clear(mark);
    }
}

impl Doubts {
    pub(super) fn add(&mut self, mark: impl Into<String>) {
        if self.marked.len() < MOST {
            self.marked.insert(mark.into());
        } else {
            self.all = true;
        }
    }

    /// What the file says is so again.
    pub(super) fn clear(&mut self, mark: &str) {
        self.marked.remove(mark);
    }

    pub(super) fn set(&mut self, mark: &str, is_doubted: bool) {
        if is_doubted {
            self.add(mark);
        } else {
            self.clear(mark);
        }
    }

    pub(super) fn has_mark(&self, mark: &str) -> bool {
        self.all || self.marked.contains(mark)
    }

    /// Whether nothing in the file is believed.
    pub(super) const fn is_all(&self) -> bool {
        self.all
    }

    /// A few of them.
    pub(super) fn some(&self) -> Vec<String> {
        const FEW: usize = 100;
        self.marked.iter().take(FEW).cloned().collect()
    }

    pub(super) fn has_sid(&self, sid: &Sid) -> bool {
        !self.is_empty() && self.has_mark(&sid.to_string())
    }

    pub(super) fn has(&self, sid: &Sid, name: &str) -> bool {
        let has_key = || self.has_mark(&UserName::fold(name));
        !self.is_empty() && (self.has_sid(sid) || has_key())
    }

    /// How many that are in this table.
    pub(super) fn count(&self, connection: &Connection, table: &str) -> Result<u32> {
        let mut count = 0;
        if self.is_empty() {
            return Ok(count);
        }
        let mut query = connection.prepare_cached(&format!("SELECT sid, key FROM {table}"))?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (sid, key) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            count += u32::from(self.has_mark(sid) || self.has_mark(key));
        }
        Ok(count)
    }

    /// Doubts those in this table who were not seen since `begin`.
    pub(super) fn add_unseen(
        &mut self,
        connection: &Connection,
        table: &str,
        begin: Timestamp,
    ) -> Result<()> {
        let query = format!("SELECT sid FROM {table} WHERE seen < ?1");
        let mut query = connection.prepare_cached(&query)?;
        let mut rows = query.query([begin.0])?;
        while let Some(row) = rows.next()? {
            self.add(row.get_ref(0)?.as_str()?);
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.marked.is_empty() && !self.all
    }
}
