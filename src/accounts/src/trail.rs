//! What was changed of what NSS shows, so that it can be told without reading everything.
//!
//! Triggers of the one connection that writes note it, in a table of that connection's own,
//! in the same transaction: no change can be forgotten, whoever makes it, and one that is
//! undone leaves no note. What is counted at a logon is none.

use crate::error::Result;
use rusqlite::Connection;
use std::mem;
use std::sync::{Mutex, OnceLock, PoisonError};

/// More notes than this, and it is better to read everything again.
const MOST: usize = 4000;

/// Something that was changed, by RIDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A user's line, or the groups that he is directly in.
    User(u32),
    /// A group's line, or who is directly in it.
    Group(u32),
    /// In which groups a group is.
    Inner(u32),
    /// A user who is no more: folded name and uid.
    UserGone(String, u32),
    /// A group that is no more: folded name and gid.
    GroupGone(String, u32),
}

/// All steps that nobody has asked for yet.
#[derive(Default)]
pub(crate) struct Trail {
    steps: Mutex<Steps>,
    bell: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Steps {
    known: Vec<Step>,
    /// There were more.
    lost: bool,
}

impl Trail {
    /// Adds what a transaction has noted; `None` if that was too much.
    pub(crate) fn lengthen(&self, more: Option<Vec<Step>>) {
        if more.as_ref().is_some_and(Vec::is_empty) {
            return;
        }
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match more {
            Some(more) if steps.known.len() + more.len() <= MOST => steps.known.extend(more),
            _ => {
                steps.known = Vec::new();
                steps.lost = true;
            }
        }
        drop(steps);
        self.ring();
    }

    /// Everything may have changed.
    pub(crate) fn lose(&self) {
        self.lengthen(None);
    }

    /// Takes the steps; `None` if there were too many.
    pub(crate) fn take(&self) -> Option<Vec<Step>> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let Steps { known, lost } = mem::take(&mut *steps);
        (!lost).then_some(known)
    }

    /// Has `bell` rung after each step from here on.
    pub(crate) fn ring_with(&self, bell: Box<dyn Fn() + Send + Sync>) {
        // There is one who listens.
        let _ = self.bell.set(bell);
    }

    fn ring(&self) {
        if let Some(bell) = self.bell.get() {
            bell();
        }
    }
}

const USER: i64 = 0;
const GROUP: i64 = 1;
const INNER: i64 = 2;
const USER_GONE: i64 = 3;
const GROUP_GONE: i64 = 4;

/// Makes the table of the notes.
pub(crate) fn open(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TEMP TABLE touched (
             step INTEGER NOT NULL, rid INTEGER NOT NULL, key TEXT, id INTEGER,
             UNIQUE (step, rid)
         ) STRICT;",
    )
}

/// Has every write of this connection noted from here on.
pub(crate) fn lay(connection: &Connection) -> rusqlite::Result<()> {
    let note = |name: &str, event: &str, condition: &str, notes: &[String]| {
        // One more than is ever used: too many are told from just enough.
        let bound = "(SELECT coalesce(max(rowid), 0) FROM touched)";
        let notes: String = notes
            .iter()
            .map(|values| format!("INSERT OR IGNORE INTO touched VALUES ({values});"))
            .collect();
        connection.execute_batch(&format!(
            "CREATE TEMP TRIGGER note_{name} AFTER {event} WHEN {bound} <= {MOST} AND {condition}
             BEGIN {notes} END;"
        ))
    };
    let now = |step: i64, rid: &str| format!("{step}, {rid}, NULL, NULL");
    let user = "OLD.name IS NOT NEW.name OR OLD.primary_group IS NOT NEW.primary_group
        OR OLD.full_name IS NOT NEW.full_name OR OLD.home IS NOT NEW.home
        OR OLD.shell IS NOT NEW.shell OR OLD.key IS NOT NEW.key OR OLD.uid IS NOT NEW.uid";
    note(
        "user_made",
        "INSERT ON main.users",
        "1",
        &[now(USER, "NEW.rid")],
    )?;
    note(
        "user_changed",
        "UPDATE ON main.users",
        &format!("({user})"),
        &[now(USER, "NEW.rid")],
    )?;
    let user_gone = format!("{USER_GONE}, OLD.rid, OLD.key, OLD.uid");
    note(
        "user_renamed",
        "UPDATE ON main.users",
        "(OLD.key IS NOT NEW.key OR OLD.uid IS NOT NEW.uid)",
        std::slice::from_ref(&user_gone),
    )?;
    note("user_deleted", "DELETE ON main.users", "1", &[user_gone])?;
    note(
        "group_made",
        "INSERT ON main.groups",
        "1",
        &[now(GROUP, "NEW.rid")],
    )?;
    let group_gone = format!("{GROUP_GONE}, OLD.rid, OLD.key, OLD.gid");
    note(
        "group_changed",
        "UPDATE ON main.groups",
        "1",
        &[
            now(GROUP, "NEW.rid"),
            now(INNER, "NEW.rid"),
            group_gone.clone(),
        ],
    )?;
    note("group_deleted", "DELETE ON main.groups", "1", &[group_gone])?;
    for (table, member) in [("user_members", USER), ("group_members", INNER)] {
        for (event, row) in [("INSERT", "NEW"), ("DELETE", "OLD")] {
            note(
                &format!("{table}_{event}"),
                &format!("{event} ON main.{table}"),
                "1",
                &[
                    now(member, &format!("{row}.member")),
                    now(GROUP, &format!("{row}.grp")),
                ],
            )?;
        }
    }
    Ok(())
}

/// Takes the notes of this transaction; `None` if there were too many.
pub(crate) fn follow(connection: &Connection) -> Result<Option<Vec<Step>>> {
    let mut statement =
        connection.prepare_cached("SELECT step, rid, key, id FROM temp.touched ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let rid = row.get(1)?;
        let gone = || {
            let key = row.get::<_, Option<String>>(2)?.unwrap_or_default();
            Ok::<_, rusqlite::Error>((key, row.get::<_, Option<u32>>(3)?.unwrap_or_default()))
        };
        steps.push(match row.get::<_, i64>(0)? {
            USER => Step::User(rid),
            GROUP => Step::Group(rid),
            INNER => Step::Inner(rid),
            USER_GONE => gone().map(|(key, id)| Step::UserGone(key, id))?,
            _ => gone().map(|(key, id)| Step::GroupGone(key, id))?,
        });
    }
    drop(rows);
    if !steps.is_empty() {
        connection
            .prepare_cached("DELETE FROM temp.touched")?
            .execute([])?;
    }
    Ok((steps.len() <= MOST).then_some(steps))
}
