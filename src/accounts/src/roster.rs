//! What NSS may know, all at once, and what has changed of it.

mod survey;

use crate::database::Database;
use crate::error::Result;
use crate::members::{self, GroupRow};
use crate::record::Record;
use crate::trail::Step;
use domlogon_rules::backend::Outage;
use domlogon_rules::roster::{
    Changes, DomainNames, Extent, GroupEntry, Kind, Listener, Roster, Subject, UserEntry,
};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// More than this, and it is better to say everything again.
const MOST: usize = 1000;

/// A group with more members is not said again for each change: whoever wants it asks.
const LARGE: usize = 1000;

impl Roster for Database {
    fn survey(&self, to: &mut dyn Listener) -> Result<(), Outage> {
        Ok(self
            .store
            .survey(|connection| survey::run(self, connection, to))?)
    }

    fn extent(&self) -> Extent {
        Extent::Complete
    }

    fn changes(&self) -> Result<Changes, Outage> {
        let Some(steps) = self.store.trail.take() else {
            return Ok(Changes::Many);
        };
        if steps.is_empty() {
            return Ok(Changes::Few(Vec::new()));
        }
        Ok(self.store.follow(|connection| reach(connection, steps))?)
    }

    fn review(&self, subjects: &[Subject], to: &mut dyn Listener) -> Result<(), Outage> {
        Ok(self.store.follow(|connection| {
            for subject in subjects {
                let said = match subject.kind {
                    Kind::User => self.say_user(connection, subject, to)?,
                    Kind::Group => self.say_group(connection, subject, to)?,
                };
                if said.is_break() {
                    break;
                }
            }
            Ok(())
        })?)
    }

    fn on_change(&self, bell: Box<dyn Fn() + Send + Sync>) {
        self.store.trail.ring_with(bell);
    }

    fn domain(&self) -> DomainNames {
        DomainNames {
            short: self.domain.name.clone(),
            dns: self.domain.dns_name.clone(),
        }
    }

    fn minimum(&self) -> u32 {
        Database::minimum(self)
    }
}

impl Database {
    fn say_user(
        &self,
        connection: &Connection,
        subject: &Subject,
        to: &mut dyn Listener,
    ) -> Result<ControlFlow<()>> {
        let found = Record::by_key(connection, &subject.key)?;
        let Some(user) = found.filter(|user| self.is_visible(user)) else {
            return Ok(to.absent(subject));
        };
        let rows = GroupRow::all_of_user(connection, user.rid)?;
        let mut groups: Vec<u32> = rows
            .into_iter()
            .filter(|group| self.is_visible_group(&group.name, group.gid))
            .map(|group| group.gid)
            .collect();
        if !groups.contains(&user.gid) {
            groups.push(user.gid);
        }
        Ok(to.user(&UserEntry {
            key: &subject.key,
            name: &user.name,
            uid: user.uid,
            gid: user.gid,
            full_name: &user.full_name,
            home: &user.home,
            shell: &user.shell,
            until: None,
            groups: Some(&groups),
            groups_until: None,
        }))
    }

    fn say_group(
        &self,
        connection: &Connection,
        subject: &Subject,
        to: &mut dyn Listener,
    ) -> Result<ControlFlow<()>> {
        let found = GroupRow::by_key(connection, &subject.key)?;
        let Some(group) = found.filter(|group| self.is_visible_group(&group.name, group.gid))
        else {
            return Ok(to.absent(subject));
        };
        let found = members::some_users_in(connection, group.rid, LARGE + 1)?;
        let are_all = found.len() <= LARGE;
        let names = self.shown_members(found);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(to.group(&GroupEntry {
            key: &subject.key,
            name: &group.name,
            gid: group.gid,
            members: are_all.then_some(names.as_slice()),
            until: None,
        }))
    }
}

/// Whom steps have reached: the groups that a changed group is in, and the users in a group
/// that has moved.
///
/// It looks at the groups as they are now, after the steps. That is enough: on any way from
/// a user to a group that is there no more, or is new, all that comes before its first
/// changed step, or after its last one, is there now.
fn reach(connection: &Connection, steps: Vec<Step>) -> Result<Changes> {
    let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let mut subjects = BTreeSet::new();
    for step in steps {
        match step {
            Step::User(rid) => drop(users.insert(rid)),
            Step::Group(rid) => groups.extend(members::groups_around(connection, rid)?),
            Step::Inner(rid) => users.extend(members::some_rids_in(connection, rid, MOST + 1)?),
            Step::UserGone(key, id) => drop(subjects.insert((Kind::User, key, id))),
            Step::GroupGone(key, id) => drop(subjects.insert((Kind::Group, key, id))),
        }
        if users.len() + groups.len() + subjects.len() > MOST {
            return Ok(Changes::Many);
        }
    }
    let named = |table: &str, id: &str, rid: u32| {
        connection
            .prepare_cached(&format!("SELECT key, {id} FROM {table} WHERE rid = ?1"))?
            .query_row([rid], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    };
    for rid in users {
        // Who is gone has a step of his own.
        let found: Option<(String, u32)> = named("users", "uid", rid)?;
        subjects.extend(found.map(|(key, id)| (Kind::User, key, id)));
    }
    for rid in groups {
        let found: Option<(String, u32)> = named("groups", "gid", rid)?;
        subjects.extend(found.map(|(key, id)| (Kind::Group, key, id)));
    }
    let subject = |(kind, key, id)| Subject { kind, key, id };
    Ok(Changes::Few(subjects.into_iter().map(subject).collect()))
}
