//! Everybody, as of one moment, in one walk over each table: a million accounts in seconds.
//!
//! Of the users no more is held at once than their names, end to end, for the groups to be
//! filled with.

use crate::database::Database;
use crate::error::Result;
use domlogon_rules::roster::{GroupEntry, Listener, UserEntry};
use rusqlite::{Connection, Row, Rows};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

/// Users whose names and ids are compared with the host's own at once.
const BATCH: usize = 1000;

/// Says everybody who may be seen.
pub(super) fn run(
    database: &Database,
    connection: &Connection,
    to: &mut dyn Listener,
) -> Result<()> {
    let teams = Teams::load(database, connection)?;
    let mut people = People::default();
    if say_users(database, connection, &teams, &mut people, to)?.is_continue() {
        // Nothing comes after them that could be left out.
        let _ = say_groups(connection, &teams, &people, to)?;
    }
    Ok(())
}

/// The groups, and which of them is in which.
struct Teams {
    all: Vec<Team>,
    by_rid: HashMap<u32, usize>,
}

struct Team {
    rid: u32,
    key: String,
    name: String,
    gid: u32,
    visible: bool,
    may_be_primary: bool,
    /// Where in `all` those are that it is in, and those that are in it.
    within: Vec<usize>,
    inner: Vec<usize>,
}

impl Teams {
    fn load(database: &Database, connection: &Connection) -> Result<Self> {
        let (mut all, mut by_rid) = (Vec::new(), HashMap::new());
        let mut statement = connection.prepare("SELECT rid, key, name, gid FROM groups")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (rid, name, gid): (_, String, _) = (row.get(0)?, row.get(2)?, row.get(3)?);
            by_rid.insert(rid, all.len());
            all.push(Team {
                rid,
                key: row.get(1)?,
                visible: database.is_visible_group(&name, gid),
                may_be_primary: database.may_be_primary(gid),
                name,
                gid,
                within: Vec::new(),
                inner: Vec::new(),
            });
        }
        let mut statement = connection.prepare("SELECT member, grp FROM group_members")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let place = |index| Ok::<_, rusqlite::Error>(by_rid.get(&row.get(index)?).copied());
            if let (Some(member), Some(group)) = (place(0)?, place(1)?) {
                if let Some(team) = all.get_mut(member) {
                    team.within.push(group);
                }
                if let Some(team) = all.get_mut(group) {
                    team.inner.push(member);
                }
            }
        }
        Ok(Self { all, by_rid })
    }

    fn at(&self, rid: u32) -> Option<&Team> {
        self.all.get(*self.by_rid.get(&rid)?)
    }

    /// Those places and all that `next` leads to, each once.
    fn reached(&self, from: &[usize], next: impl Fn(&Team) -> &[usize]) -> Vec<usize> {
        let mut found = vec![false; self.all.len()];
        let mut open = from.to_vec();
        let mut reached = Vec::new();
        while let Some(place) = open.pop() {
            let Some(is_known) = found.get_mut(place) else {
                continue;
            };
            if !std::mem::replace(is_known, true) {
                reached.push(place);
                open.extend(self.all.get(place).map(&next).unwrap_or_default());
            }
        }
        reached
    }

    /// The ids of those groups and of all that they are in, as far as they are shown.
    fn gids(&self, joined: &[usize]) -> Vec<u32> {
        let reached = self.reached(joined, |team| &team.within);
        let teams = reached.into_iter().filter_map(|place| self.all.get(place));
        let mut gids: Vec<u32> = teams
            .filter(|team| team.visible)
            .map(|team| team.gid)
            .collect();
        gids.sort_unstable();
        gids
    }
}

/// The names of those who are shown, by RID.
#[derive(Default)]
struct People {
    rids: Vec<u32>,
    ends: Vec<usize>,
    names: String,
}

impl People {
    fn push(&mut self, rid: u32, name: &str) {
        self.rids.push(rid);
        self.names.push_str(name);
        self.ends.push(self.names.len());
    }

    fn name(&self, place: usize) -> Option<&str> {
        let start = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.names.get(start..*self.ends.get(place)?)
    }
}

/// The line of a user.
struct Line {
    rid: u32,
    key: String,
    name: String,
    uid: u32,
    primary: u32,
    full_name: String,
    home: String,
    shell: String,
    groups: Rc<Vec<u32>>,
}

impl Line {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            rid: row.get(0)?,
            key: row.get(1)?,
            name: row.get(2)?,
            uid: row.get(3)?,
            primary: row.get(4)?,
            full_name: row.get(5)?,
            home: row.get(6)?,
            shell: row.get(7)?,
            groups: Rc::default(),
        })
    }
}

/// Which groups the users are in, in the order of their RIDs.
struct Memberships<'s, 't> {
    rows: Rows<'s>,
    ahead: Option<(u32, u32)>,
    teams: &'t Teams,
    /// Most people are in the same few groups as others.
    known: HashMap<Vec<usize>, Rc<Vec<u32>>>,
}

impl Memberships<'_, '_> {
    /// The ids of all groups of this user. To be asked in the order of RIDs.
    fn of(&mut self, rid: u32) -> Result<Rc<Vec<u32>>> {
        let mut joined = Vec::new();
        loop {
            if self.ahead.is_none() {
                self.ahead = match self.rows.next()? {
                    Some(row) => Some((row.get(0)?, row.get(1)?)),
                    None => break,
                };
            }
            match self.ahead {
                Some((member, group)) if member <= rid => {
                    if member == rid {
                        joined.extend(self.teams.by_rid.get(&group).copied());
                    }
                    self.ahead = None;
                }
                _ => break,
            }
        }
        if let Some(known) = self.known.get(&joined) {
            return Ok(Rc::clone(known));
        }
        let gids = Rc::new(self.teams.gids(&joined));
        // Where everybody is in other groups than all others there is nothing to remember.
        if self.known.len() < 100_000 {
            self.known.insert(joined, Rc::clone(&gids));
        }
        Ok(gids)
    }
}

fn say_users(
    database: &Database,
    connection: &Connection,
    teams: &Teams,
    people: &mut People,
    to: &mut dyn Listener,
) -> Result<ControlFlow<()>> {
    let mut statement =
        connection.prepare("SELECT member, grp FROM user_members ORDER BY member")?;
    let mut memberships = Memberships {
        rows: statement.query([])?,
        ahead: None,
        teams,
        known: HashMap::new(),
    };
    let mut statement = connection.prepare(
        "SELECT rid, key, name, uid, primary_group, full_name, home, shell
         FROM users ORDER BY rid",
    )?;
    let mut rows = statement.query([])?;
    let minimum = database.minimum();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(row) = rows.next()? {
            let mut line = Line::read(row)?;
            line.groups = memberships.of(line.rid)?;
            batch.push(line);
            if batch.len() == BATCH {
                break;
            }
        }
        if batch.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        batch.retain(|line| line.uid >= minimum && line.key != "root");
        let whom = |line: &Line| (line.key.clone(), line.uid);
        let mut kept: Vec<(String, u32)> = batch.iter().map(whom).collect();
        database.local.strike_people(&mut kept);
        let mut kept = kept.into_iter().peekable();
        for line in batch {
            if kept.next_if(|(key, _)| *key == line.key).is_none() {
                continue;
            }
            people.push(line.rid, &line.name);
            let primary = teams.at(line.primary);
            let Some(primary) = primary.filter(|group| group.may_be_primary) else {
                continue;
            };
            if say_user(&line, primary.gid, to).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

fn say_user(line: &Line, gid: u32, to: &mut dyn Listener) -> ControlFlow<()> {
    let with_primary: Vec<u32>;
    let groups = if line.groups.contains(&gid) {
        line.groups.as_slice()
    } else {
        with_primary = line.groups.iter().copied().chain([gid]).collect();
        &with_primary
    };
    to.user(&UserEntry {
        key: &line.key,
        name: &line.name,
        uid: line.uid,
        gid,
        full_name: &line.full_name,
        home: &line.home,
        shell: &line.shell,
        until: None,
        groups: Some(groups),
        groups_until: None,
    })
}

fn say_groups(
    connection: &Connection,
    teams: &Teams,
    people: &People,
    to: &mut dyn Listener,
) -> Result<ControlFlow<()>> {
    let mut statement =
        connection.prepare("SELECT member FROM user_members WHERE grp = ?1 ORDER BY member")?;
    for (place, team) in teams.all.iter().enumerate() {
        if !team.visible {
            continue;
        }
        let mut found: Vec<usize> = Vec::new();
        for inner in teams.reached(&[place], |team| &team.inner) {
            let Some(inner) = teams.all.get(inner) else {
                continue;
            };
            let mut rows = statement.query([inner.rid])?;
            while let Some(row) = rows.next()? {
                found.extend(people.rids.binary_search(&row.get(0)?).ok());
            }
        }
        found.sort_unstable();
        found.dedup();
        let members: Vec<&str> = found
            .into_iter()
            .filter_map(|place| people.name(place))
            .collect();
        let said = to.group(&GroupEntry {
            key: &team.key,
            name: &team.name,
            gid: team.gid,
            members: Some(&members),
            until: None,
        });
        if said.is_break() {
            return Ok(said);
        }
    }
    Ok(ControlFlow::Continue(()))
}
