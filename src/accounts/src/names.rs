//! What NSS asks. Answered from the file itself, by prepared statements: a few
//! microseconds, nothing to keep in step, and no memory for accounts that nobody asks for.

use crate::database::Database;
use crate::error::Result;
use crate::members::{self, GroupRow};
use crate::record::Record;
use domlogon_protocol::UserName;
use domlogon_protocol::directory::{Group, Page, User};
use rusqlite::Connection;

impl Database {
    pub(crate) fn user_of_key(&self, key: &str) -> Result<Option<User>> {
        let record = self
            .store
            .read(|connection| Record::by_key(connection, key))?;
        Ok(self.shown(record))
    }

    pub(crate) fn user_of_uid(&self, uid: u32) -> Result<Option<User>> {
        if uid < self.minimum() {
            return Ok(None);
        }
        let record = self
            .store
            .read(|connection| Record::by_uid(connection, uid))?;
        Ok(self.shown(record))
    }

    pub(crate) fn group_of_name(&self, name: &str) -> Result<Option<Group>> {
        self.store.list(|connection| {
            let row = GroupRow::by_key(connection, &UserName::fold(name))?;
            self.group(connection, row)
        })
    }

    pub(crate) fn group_of_gid(&self, gid: u32) -> Result<Option<Group>> {
        if gid < self.minimum() {
            return Ok(None);
        }
        self.store.list(|connection| {
            let row = GroupRow::by_gid(connection, gid)?;
            self.group(connection, row)
        })
    }

    pub(crate) fn gids_of(&self, key: &str) -> Result<Option<Vec<u32>>> {
        self.store.read(|connection| {
            let record = Record::by_key(connection, key)?;
            let Some(record) = record.filter(|record| self.is_visible(record)) else {
                return Ok(None);
            };
            let mut gids: Vec<u32> = GroupRow::all_of_user(connection, record.rid)?
                .into_iter()
                .filter(|group| self.is_visible_group(&group.name, group.gid))
                .map(|group| group.gid)
                .collect();
            if !gids.contains(&record.gid) {
                gids.push(record.gid);
            }
            Ok(Some(gids))
        })
    }

    pub(crate) fn users_after(&self, after: u32, limit: usize) -> Result<Page<User>> {
        let fetch =
            |connection: &Connection, after, limit| Record::after_uid(connection, after, limit);
        self.page(
            after,
            limit,
            fetch,
            |record| record.uid,
            |_, record| Ok(self.shown(Some(record))),
        )
    }

    pub(crate) fn groups_after(&self, after: u32, limit: usize) -> Result<Page<Group>> {
        self.page(
            after,
            limit,
            GroupRow::after_gid,
            |row| row.gid,
            |connection, row| self.group(connection, Some(row)),
        )
    }

    /// A page of what this host may see. An empty one is the end: rows that are not
    /// shown do not make a page look like it.
    fn page<R, T>(
        &self,
        after: u32,
        limit: usize,
        fetch: impl Fn(&Connection, u32, u32) -> Result<Vec<R>>,
        id: impl Fn(&R) -> u32,
        show: impl Fn(&Connection, R) -> Result<Option<T>>,
    ) -> Result<Page<T>> {
        let limit = u32::try_from(limit.max(1)).unwrap_or(u32::MAX);
        let mut after = after.max(self.minimum() - 1);
        loop {
            let (entries, next) = self.store.list(|connection| {
                let rows = fetch(connection, after, limit)?;
                let is_full = u32::try_from(rows.len()).is_ok_and(|count| count == limit);
                let next = rows.last().map(&id).filter(|_| is_full);
                let mut entries = Vec::with_capacity(rows.len());
                for row in rows {
                    entries.extend(show(connection, row)?);
                }
                Ok((entries, next))
            })?;
            match next {
                Some(last) if entries.is_empty() => after = last,
                next => return Ok(Page { entries, next }),
            }
        }
    }

    fn shown(&self, record: Option<Record>) -> Option<User> {
        record
            .filter(|record| self.is_visible(record))
            .map(Record::user)
    }

    fn group(&self, connection: &Connection, row: Option<GroupRow>) -> Result<Option<Group>> {
        let Some(row) = row.filter(|row| self.is_visible_group(&row.name, row.gid)) else {
            return Ok(None);
        };
        let members = members::all_users_in(connection, row.rid)?;
        Ok(Some(Group {
            name: row.name,
            gid: row.gid,
            members: self.shown_members(members),
        }))
    }

    /// The names of those of a group who may be seen. A member with a local name or id would
    /// put the local user into the group.
    pub(crate) fn shown_members(&self, mut people: Vec<(String, u32)>) -> Vec<String> {
        let minimum = self.minimum();
        people.retain(|(name, uid)| *uid >= minimum && UserName::fold(name) != "root");
        self.local.strike_people(&mut people);
        people.into_iter().map(|(name, _)| name).collect()
    }
}
