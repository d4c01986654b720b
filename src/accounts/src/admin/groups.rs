//! Groups, and who is in them.

use super::PAGE;
use crate::database::Database;
use crate::domain::{is_built_in, spend_id, take_rid};
use crate::error::Result;
use crate::members::{self, GroupRow};
use crate::record::Record;
use crate::store::Durability;
use domlogon_protocol::admin::{AdminError, GroupRecord, Reply};
use domlogon_protocol::{Timestamp, UserName};
use rusqlite::{Connection, params};

/// A user or a group, by the name that it was asked for with.
enum Member {
    User(u32),
    Group(u32),
}

impl Database {
    pub(super) fn add_group(&self, text: &str) -> Result<Reply> {
        let name = self.new_name(text)?;
        let key = UserName::fold(&name);
        if self.is_local_group(&name) {
            return Err(AdminError::NameIsLocal(name).into());
        }
        let base = self.settings().id_base;
        self.store.write(Durability::Now, |connection| {
            Self::require_free(connection, &key)?;
            let (rid, gid) = take_rid(connection, base, &*self.local)?;
            connection
                .prepare_cached(
                    "INSERT INTO groups (rid, key, name, gid, alias, built_in)
                     VALUES (?1, ?2, ?3, ?4, 0, 0)",
                )?
                .execute(params![rid, key, name, gid])?;
            let group = self.require_group(connection, &name)?;
            Ok(Reply::Group(self.group_record(connection, group)?))
        })
    }

    pub(super) fn show_group(&self, name: &str) -> Result<Reply> {
        self.store.read(|connection| {
            let group = self.require_group(connection, name)?;
            Ok(Reply::Group(self.group_record(connection, group)?))
        })
    }

    pub(super) fn list_groups(&self, after: u32) -> Result<Reply> {
        self.store.read(|connection| {
            let rows = GroupRow::after_rid(connection, after, PAGE)?;
            let next = rows.last().map(|row| row.rid).filter(|_| is_full(&rows));
            let records = rows
                .into_iter()
                .map(|row| self.group_record(connection, row))
                .collect::<Result<_>>()?;
            Ok(Reply::Groups(records, next))
        })
    }

    pub(super) fn delete_group(&self, name: &str, now: Timestamp) -> Result<Reply> {
        self.keeping_an_administrator(name, false, now, |connection| {
            let group = self.require_group(connection, name)?;
            if group.built_in || is_built_in(group.rid) {
                return Err(AdminError::BuiltIn(group.name).into());
            }
            connection
                .prepare_cached("DELETE FROM groups WHERE rid = ?1")?
                .execute([group.rid])?;
            spend_id(connection, group.gid)?;
            Ok(Reply::Done)
        })
    }

    pub(super) fn add_members(&self, group: &str, names: &[String]) -> Result<Reply> {
        self.store.write(Durability::Now, |connection| {
            let group = self.require_group(connection, group)?;
            for name in names {
                let added = match self.require_member(connection, name)? {
                    Member::User(user) => members::add_user(connection, group.rid, user)?,
                    Member::Group(member) => {
                        if members::contains_group(connection, member, group.rid)? {
                            return Err(AdminError::Cycle(name.clone(), group.name).into());
                        }
                        members::add_group(connection, group.rid, member)?
                    }
                };
                if !added {
                    return Err(AdminError::AlreadyMember(name.clone(), group.name).into());
                }
            }
            Ok(Reply::Group(self.group_record(connection, group)?))
        })
    }

    pub(super) fn remove_members(
        &self,
        group: &str,
        names: &[String],
        force: bool,
        now: Timestamp,
    ) -> Result<Reply> {
        let blamed = names.first().map_or(group, String::as_str);
        self.keeping_an_administrator(blamed, force, now, |connection| {
            let group = self.require_group(connection, group)?;
            for name in names {
                let removed = match self.require_member(connection, name)? {
                    Member::User(user) => members::remove_user(connection, group.rid, user)?,
                    Member::Group(member) => members::remove_group(connection, group.rid, member)?,
                };
                if !removed {
                    return Err(AdminError::NotMember(name.clone(), group.name).into());
                }
            }
            Ok(Reply::Group(self.group_record(connection, group)?))
        })
    }

    pub(super) fn require_group(&self, connection: &Connection, name: &str) -> Result<GroupRow> {
        let found = match self.group_key(name) {
            Some(key) => GroupRow::by_key(connection, &key)?,
            None => None,
        };
        found.ok_or_else(|| AdminError::NoSuchGroup(name.to_owned()).into())
    }

    fn require_member(&self, connection: &Connection, name: &str) -> Result<Member> {
        if let Some(key) = self.user_key(name) {
            if let Some(user) = Record::by_key(connection, &key)? {
                return Ok(Member::User(user.rid));
            }
        }
        if let Some(key) = self.group_key(name) {
            if let Some(group) = GroupRow::by_key(connection, &key)? {
                return Ok(Member::Group(group.rid));
            }
        }
        Err(AdminError::NoSuchName(name.to_owned()).into())
    }

    fn group_record(&self, connection: &Connection, row: GroupRow) -> Result<GroupRecord> {
        let nested = GroupRow::in_group(connection, row.rid)?;
        Ok(GroupRecord {
            sid: self.domain.sid_of(row.rid, row.alias).to_string(),
            rid: row.rid,
            gid: row.gid,
            built_in: row.built_in,
            users: members::users_in(connection, row.rid)?,
            groups: nested.into_iter().map(|group| group.name).collect(),
            name: row.name,
        })
    }
}

fn is_full<T>(rows: &[T]) -> bool {
    u32::try_from(rows.len()).is_ok_and(|count| count >= PAGE)
}
