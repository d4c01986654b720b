//! Who is meant by a name in a list of rights, and what somebody carries at a logon.

use crate::database::Database;
use crate::error::Result;
use crate::members::{self, GroupRow};
use crate::record::Record;
use domlogon_protocol::{Qualifier, Sid, Timestamp, UserName};
use domlogon_rules::Token;
use domlogon_rules::backend::Principal;
use rusqlite::Connection;

impl Database {
    /// The user or the group that a name means. `BUILTIN\` names aliases alone.
    ///
    /// Aliases and groups of the domain stay what they are beside a local group of the
    /// same name, but then the name alone means the local one.
    pub(crate) fn principal_of(&self, name: &UserName) -> Result<Option<Principal>> {
        let built_in = matches!(name.qualifier(),
            Qualifier::Short(domain) if UserName::fold(domain) == "builtin");
        if !built_in && !name.belongs_to(&self.domain.name, &self.domain.dns_name) {
            return Ok(None);
        }
        let alone = *name.qualifier() == Qualifier::None;
        self.store.read(|connection| {
            if !built_in {
                // One that is kept out for its id alone stays in the lists that name it.
                let is_named = |record: &Record| {
                    record.uid >= self.minimum() && !self.is_local_user(&record.name)
                };
                let found = Record::by_key(connection, &name.key())?;
                if let Some(record) = found.filter(is_named) {
                    return Ok(Some(Principal {
                        sid: self.domain.sid_of(record.rid, false),
                        name: record.name,
                    }));
                }
            }
            let group = GroupRow::by_key(connection, &name.key())?
                .filter(|group| group.alias || !built_in)
                .filter(|group| !(alone && self.is_local_group(&group.name)));
            Ok(group.map(|group| Principal {
                sid: self.domain.sid_of(group.rid, group.alias),
                name: group.name,
            }))
        })
    }

    /// The name of a user or a group, whether or not this host shows it.
    pub(crate) fn name_of_sid(&self, sid: &Sid) -> Result<Option<String>> {
        let Some(rid) = sid.rid() else {
            return Ok(None);
        };
        let alias = *sid == Sid::builtin(rid);
        if !alias && *sid != self.domain.sid.with_rid(rid) {
            return Ok(None);
        }
        self.store.read(|connection| {
            let group = GroupRow::by_rid(connection, rid)?;
            if let Some(group) = group.filter(|group| group.alias == alias) {
                return Ok(Some(group.name));
            }
            if alias {
                return Ok(None);
            }
            Ok(Record::by_rid(connection, rid)?.map(|user| user.name))
        })
    }

    /// What a user carries at a logon, with the chain to each group.
    pub(crate) fn token_of_name(&self, name: &UserName) -> Result<Option<Token>> {
        self.store.read(|connection| {
            let record = self.find(connection, name)?;
            record
                .map(|record| self.traced_token_of(connection, &record))
                .transpose()
        })
    }

    /// The tokens of the administrators who can log on. They may be many.
    pub(crate) fn administrator_tokens(&self, now: Timestamp) -> Result<Vec<Token>> {
        self.store.list(|connection| {
            let groups = self.nesting.groups(connection, &self.domain)?;
            members::administrators(connection, now)?
                .into_iter()
                .filter(|(_, name, uid)| self.is_visible_user(name, *uid))
                .map(|(rid, name, _)| groups.token(connection, &self.domain, rid, &name))
                .collect()
        })
    }

    /// For a decision: no chains.
    pub(crate) fn token_of(&self, connection: &Connection, record: &Record) -> Result<Token> {
        self.nesting.groups(connection, &self.domain)?.token(
            connection,
            &self.domain,
            record.rid,
            &record.name,
        )
    }

    /// For an explanation: with the chain to each group.
    pub(crate) fn traced_token_of(
        &self,
        connection: &Connection,
        record: &Record,
    ) -> Result<Token> {
        self.nesting.groups(connection, &self.domain)?.traced_token(
            connection,
            &self.domain,
            record.rid,
            &record.name,
        )
    }
}
