//! Which group is in which, in memory.
//!
//! A logon is judged by all groups of the account, nested ones included. SQLite takes more
//! than a millisecond to walk a thousand of them; here they cost a tenth of one.
//!
//! Every write to the tables of groups, whoever makes it, raises a number in the same
//! transaction: triggers do. A reader compares that number with the one that its copy was
//! read at, so it never uses a copy that is older than what it sees. The next logon after
//! a write reads the tables again: about half a millisecond for each thousand groups. Who is
//! directly in a group is not kept here, so a user who joins or leaves one costs nothing.

use crate::domain::Domain;
use crate::error::Result;
use domlogon_protocol::Sid;
use domlogon_rules::{Membership, Token};
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The copy that was used last.
#[derive(Default)]
pub(crate) struct Nesting(RwLock<Option<Arc<Groups>>>);

/// All groups, and which of them is in which.
pub(crate) struct Groups {
    /// The number that they were read at.
    version: i64,
    all: Vec<Group>,
    by_rid: HashMap<u32, usize>,
}

struct Group {
    sid: Sid,
    name: String,
    /// Where in `all` the groups are that it is directly in.
    within: Vec<usize>,
}

impl Nesting {
    /// The groups as this transaction sees them. Not for one that has itself written to
    /// their tables: it may yet be undone.
    pub(crate) fn groups(&self, connection: &Connection, domain: &Domain) -> Result<Arc<Groups>> {
        let version = connection
            .prepare_cached("SELECT group_version FROM domain")?
            .query_row([], |row| row.get(0))?;
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(groups) = kept.as_ref().filter(|groups| groups.version == version) {
            return Ok(Arc::clone(groups));
        }
        drop(kept);
        let groups = Arc::new(Groups::load(connection, domain, version)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&groups));
        Ok(groups)
    }
}

impl Groups {
    /// The token of an account with all its groups, without chains.
    pub(crate) fn token(
        &self,
        connection: &Connection,
        domain: &Domain,
        rid: u32,
        name: &str,
    ) -> Result<Token> {
        let reached = self.reached(&self.joined(connection, rid)?);
        let groups = reached
            .into_iter()
            .filter_map(|place| self.all.get(place))
            .map(|group| group.sid.clone())
            .collect();
        Ok(Token::new(name, domain.sid_of(rid, false), groups))
    }

    /// The token of an account with the chain to each of its groups.
    pub(crate) fn traced_token(
        &self,
        connection: &Connection,
        domain: &Domain,
        rid: u32,
        name: &str,
    ) -> Result<Token> {
        let user = domain.sid_of(rid, false);
        let joined = self.joined(connection, rid)?;
        let mut memberships = Vec::new();
        self.push_memberships(&mut memberships, &user, &joined);
        for group in self
            .reached(&joined)
            .into_iter()
            .filter_map(|at| self.all.get(at))
        {
            self.push_memberships(&mut memberships, &group.sid, &group.within);
        }
        Ok(Token::traced(name, user, &memberships))
    }

    fn load(connection: &Connection, domain: &Domain, version: i64) -> Result<Self> {
        let mut all = Vec::new();
        let mut by_rid = HashMap::new();
        let mut statement = connection.prepare_cached("SELECT rid, alias, name FROM groups")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (rid, alias) = (row.get(0)?, row.get(1)?);
            by_rid.insert(rid, all.len());
            all.push(Group {
                sid: domain.sid_of(rid, alias),
                name: row.get(2)?,
                within: Vec::new(),
            });
        }
        let mut statement = connection.prepare_cached("SELECT member, grp FROM group_members")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let place = |index| Ok::<_, rusqlite::Error>(by_rid.get(&row.get(index)?).copied());
            let (member, group) = (place(0)?, place(1)?);
            if let (Some(member), Some(group)) = (member.and_then(|at| all.get_mut(at)), group) {
                member.within.push(group);
            }
        }
        Ok(Self {
            version,
            all,
            by_rid,
        })
    }

    /// The groups that an account is directly in, its primary group among them.
    fn joined(&self, connection: &Connection, rid: u32) -> Result<Vec<usize>> {
        let mut statement = connection.prepare_cached(
            "SELECT primary_group FROM users WHERE rid = ?1
             UNION ALL SELECT grp FROM user_members WHERE member = ?1",
        )?;
        let mut rows = statement.query([rid])?;
        let mut joined = Vec::new();
        while let Some(row) = rows.next()? {
            joined.extend(self.by_rid.get(&row.get(0)?).copied());
        }
        Ok(joined)
    }

    /// Those groups and all that they are in, each once, the nearest first. A ring of
    /// groups comes to its end.
    fn reached(&self, from: &[usize]) -> Vec<usize> {
        let mut found = vec![false; self.all.len()];
        let mut reached = Vec::new();
        let mut step = |reached: &mut Vec<usize>, places: &[usize]| {
            for place in places {
                if let Some(found) = found.get_mut(*place).filter(|found| !**found) {
                    *found = true;
                    reached.push(*place);
                }
            }
        };
        step(&mut reached, from);
        let mut next = 0;
        while let Some(group) = reached.get(next).and_then(|place| self.all.get(*place)) {
            step(&mut reached, &group.within);
            next += 1;
        }
        reached
    }

    fn push_memberships(&self, to: &mut Vec<Membership>, member: &Sid, places: &[usize]) {
        let groups = places.iter().filter_map(|place| self.all.get(*place));
        to.extend(groups.map(|group| Membership {
            member: member.clone(),
            group: group.sid.clone(),
            name: group.name.clone(),
        }));
    }
}
