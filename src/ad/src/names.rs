//! What NSS asks: from the cache as long as it is fresh, and from the directory otherwise.

use crate::cache::{CacheError, KnownPerson, KnownTeam};
use crate::directory::{Directory, LOOK_UP, is_alias};
use crate::entry::{Person, Team};
use crate::homes;
use crate::ids::{self, Scheme};
use crate::journal::Level;
use crate::queries;
use crate::settings::Settings;
use crate::trouble::Trouble;
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::{Sid, Timestamp, UserName};
use domlogon_rules::backend::Outage;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Seconds for which an answer is taken as it is.
pub(crate) const FRESH: i64 = 600;
/// Seconds for which the directory is not asked again for a name that it does not have.
const ABSENT: i64 = 30;
/// Names that are remembered as absent.
const MOST_ABSENT: usize = 10_000;

/// Accounts of which one thing is told in the log; of more it is not.
const MOST_TOLD: usize = 1000;

/// What the directory was asked for and does not have.
#[derive(Default)]
pub(crate) struct Absent(Mutex<HashMap<Key, Timestamp>>);

/// Accounts of which something was told, so that it is told once.
#[derive(Default)]
pub(crate) struct Told(Mutex<HashSet<Sid>>);

/// What a look-up goes by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    User(String),
    Uid(u32),
    Group(String),
    Gid(u32),
}

impl Absent {
    fn has(&self, key: &Key, now: Timestamp) -> bool {
        let absent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        absent
            .get(key)
            .is_some_and(|at| (0..ABSENT).contains(&now.since(*at)))
    }

    fn note(&self, key: Key, now: Timestamp) {
        let mut absent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if absent.len() >= MOST_ABSENT {
            absent.retain(|_, at| (0..ABSENT).contains(&now.since(*at)));
        }
        if absent.len() < MOST_ABSENT {
            absent.insert(key, now);
        }
    }

    fn drop(&self, key: &Key) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

impl Told {
    /// Whether it is to be told of this one: it was not yet, and not of too many others.
    fn is_new(&self, sid: &Sid) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MOST_TOLD && told.insert(sid.clone())
    }
}

impl Directory {
    pub(crate) fn user_of_key(&self, key: &str, now: Timestamp) -> Result<Option<User>, Outage> {
        if !self.is_visible_user(key) {
            return Ok(None);
        }
        let known = self.cached(self.cache.person_by_key(key));
        let found = self.person(known, &Key::User(key.to_owned()), now, || {
            self.look_up(LOOK_UP, now, |connection, facts| {
                queries::person_by_name(connection, facts, key)
            })
        })?;
        Ok(found.and_then(|person| self.user(&person)))
    }

    pub(crate) fn user_of_uid(&self, uid: u32, now: Timestamp) -> Result<Option<User>, Outage> {
        if !self.may_have(uid) {
            return Ok(None);
        }
        let known = self.cached(self.cache.person_by_uid(uid));
        let scheme = self.settings.ids;
        let found = self.person(known, &Key::Uid(uid), now, || {
            self.look_up(LOOK_UP, now, |connection, facts| {
                queries::person_by_id(connection, facts, scheme, uid)
            })
        })?;
        Ok(found.and_then(|person| self.user(&person)))
    }

    /// The person from the cache, or by `ask`; an old answer is better than none.
    fn person(
        &self,
        known: Option<KnownPerson>,
        key: &Key,
        now: Timestamp,
        ask: impl FnOnce() -> Result<Option<Person>, Trouble>,
    ) -> Result<Option<Person>, Outage> {
        let fresh = |seen: Timestamp| self.settings.sync || is_fresh(seen, now);
        if let Some(known) = known.as_ref().filter(|known| fresh(known.seen)) {
            return Ok(Some(known.person.clone()));
        }
        if self.absent.has(key, now) {
            return Ok(None);
        }
        match ask() {
            Ok(Some(person)) => {
                self.absent.drop(key);
                self.noted(self.keep(&person, None, now));
                Ok(Some(person))
            }
            Ok(None) => {
                self.absent.note(key.clone(), now);
                if let Some(known) = known {
                    let gone = UserName::fold(&known.person.name);
                    self.noted(self.cache.forget_person(&gone));
                }
                Ok(None)
            }
            Err(trouble) => match known {
                Some(known) => Ok(Some(known.person)),
                None => Err(trouble.into()),
            },
        }
    }

    pub(crate) fn group_of_name(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<Group>, Outage> {
        if !self.is_visible_group(name) {
            return Ok(None);
        }
        let key = UserName::fold(name);
        let known = self.cached(self.cache.team_by_key(&key));
        self.group(known, &Key::Group(key.clone()), now, || {
            self.look_up(LOOK_UP, now, |connection, facts| {
                queries::team_by_name(connection, facts, &key)
            })
        })
    }

    pub(crate) fn group_of_gid(&self, gid: u32, now: Timestamp) -> Result<Option<Group>, Outage> {
        if !self.may_have(gid) {
            return Ok(None);
        }
        let known = self.cached(self.cache.team_by_gid(gid));
        let scheme = self.settings.ids;
        self.group(known, &Key::Gid(gid), now, || {
            self.look_up(LOOK_UP, now, |connection, facts| {
                queries::team_by_id(connection, facts, scheme, gid)
            })
        })
    }

    fn group(
        &self,
        known: Option<KnownTeam>,
        key: &Key,
        now: Timestamp,
        ask: impl FnOnce() -> Result<Option<Team>, Trouble>,
    ) -> Result<Option<Group>, Outage> {
        let members = known.as_ref().and_then(|known| known.members.clone());
        if let (Some(known), Some((members, seen))) = (&known, &members) {
            if self.settings.sync || is_fresh(*seen, now) {
                return Ok(self.shown_group(&known.team, members));
            }
        }
        if self.absent.has(key, now) {
            return Ok(None);
        }
        let asked = ask().map(|team| {
            team.map(|team| {
                let found = self.members.ask(self, &team, now);
                let known = members.as_ref().map(|(members, _)| members.clone());
                // A large group takes longer than anybody waits: until then it is shown as it
                // was, or without its members.
                let members = found.or(known).unwrap_or_default();
                (team, members)
            })
        });
        match asked {
            Ok(Some((team, members))) => {
                self.absent.drop(key);
                Ok(self.shown_group(&team, &members))
            }
            Ok(None) => {
                self.absent.note(key.clone(), now);
                if let Some(known) = known {
                    let gone = UserName::fold(&known.team.name);
                    self.noted(self.cache.forget_team(&gone));
                }
                Ok(None)
            }
            Err(trouble) => match known {
                Some(known) => {
                    let members = members.map(|(members, _)| members).unwrap_or_default();
                    Ok(self.shown_group(&known.team, &members))
                }
                None => Err(trouble.into()),
            },
        }
    }

    /// The ids of all groups of a user.
    pub(crate) fn gids_of(&self, key: &str, now: Timestamp) -> Result<Option<Vec<u32>>, Outage> {
        if !self.is_visible_user(key) {
            return Ok(None);
        }
        let known = self.cached(self.cache.person_by_key(key));
        if let Some(known) = &known {
            // Also with `sync`: that reads who is in a group, not all groups that somebody is in.
            if let Some(groups) = fresh_groups(known, now) {
                return Ok(self.gids(&known.person, groups, now));
            }
        }
        let Ok(name) = UserName::parse(key.as_bytes()) else {
            return Ok(None);
        };
        let absent = Key::User(key.to_owned());
        if self.absent.has(&absent, now) {
            return Ok(None);
        }
        let live = self.ask_for_anybody(LOOK_UP, now, |server, deadline| {
            self.live(server, deadline, &name, now)
        });
        match live {
            Ok(Some(live)) => Ok(self.gids(&live.person, &live.groups, now)),
            Ok(None) => {
                self.absent.note(absent, now);
                Ok(None)
            }
            Err(trouble) => match known {
                Some(known) => {
                    let groups = known.groups.map(|(groups, _)| groups).unwrap_or_default();
                    Ok(self.gids(&known.person, &groups, now))
                }
                None => Err(trouble.into()),
            },
        }
    }

    fn gids(&self, person: &Person, groups: &[Sid], now: Timestamp) -> Option<Vec<u32>> {
        let user = self.user(person)?;
        let mut gids = vec![user.gid];
        let groups: Vec<Sid> = groups
            .iter()
            .filter(|sid| !is_alias(sid))
            .cloned()
            .collect();
        let mut found = match self.settings.ids {
            Scheme::Rfc2307 => self.teams_of(&groups, now),
            scheme => groups
                .iter()
                .filter_map(|sid| ids::id_of_group(scheme, &person.sid, sid))
                .collect(),
        };
        self.local.strike_gids(&mut found);
        for gid in found {
            if self.may_have(gid) && !gids.contains(&gid) {
                gids.push(gid);
            }
        }
        Some(gids)
    }

    /// The ids that the directory gives to these groups. Those that are not known are asked
    /// for together.
    fn teams_of(&self, groups: &[Sid], now: Timestamp) -> Vec<u32> {
        let mut gids = Vec::new();
        let mut unknown = Vec::new();
        for sid in groups {
            match self.cached(self.cache.team_by_sid(sid)) {
                Some(known) => gids.extend(ids::gid_of(self.settings.ids, &known.team)),
                None => unknown.push(sid.clone()),
            }
        }
        if unknown.is_empty() {
            return gids;
        }
        let found = self.look_up(LOOK_UP, now, |connection, facts| {
            queries::teams_by_sids(connection, facts, &unknown)
        });
        for team in found.unwrap_or_default() {
            self.noted(self.keep_team(&team, None, now));
            gids.extend(ids::gid_of(self.settings.ids, &team));
        }
        gids
    }

    /// Users in the order of their ids, if all of them are kept known.
    pub(crate) fn users_after(&self, after: u32, limit: usize) -> Page<User> {
        if !self.settings.sync {
            return Page {
                entries: Vec::new(),
                next: None,
            };
        }
        let known = self
            .noted(self.cache.people_after(after, limit))
            .unwrap_or_default();
        let last = known.last().filter(|_| known.len() >= limit);
        Page {
            next: last.and_then(|known| ids::uid_of(self.settings.ids, &known.person)),
            entries: known
                .iter()
                .filter(|known| !known.is_doubted)
                .filter_map(|known| self.user(&known.person))
                .collect(),
        }
    }

    /// Groups in the order of their ids, if all of them are kept known.
    pub(crate) fn groups_after(&self, after: u32, limit: usize) -> Page<Group> {
        if !self.settings.sync {
            return Page {
                entries: Vec::new(),
                next: None,
            };
        }
        let known = self
            .noted(self.cache.teams_after(after, limit))
            .unwrap_or_default();
        let last = known.last().filter(|_| known.len() >= limit);
        Page {
            next: last.and_then(|known| ids::gid_of(self.settings.ids, &known.team)),
            entries: known
                .iter()
                .filter(|known| !known.is_doubted)
                .filter_map(|known| {
                    let members = known
                        .members
                        .as_ref()
                        .map(|(members, _)| members.as_slice());
                    self.shown_group(&known.team, members.unwrap_or_default())
                })
                .collect(),
        }
    }

    /// The user as the host shows him; `None` for one without ids, or whose name or id is
    /// this host's own.
    pub(crate) fn user(&self, person: &Person) -> Option<User> {
        self.numbered(person)
            .filter(|user| self.may_have_user(user.uid) && self.may_be_primary(user.gid))
    }

    /// As [`user`](Self::user), also where his ids are this host's own: an administrator is to
    /// see whom that hides.
    pub(crate) fn numbered(&self, person: &Person) -> Option<User> {
        let scheme = self.settings.ids;
        let uid = ids::uid_of(scheme, person).filter(|uid| self.may_have(*uid))?;
        if !self.is_visible_user(&person.name) {
            return None;
        }
        let gid = ids::primary_gid_of(scheme, person)?;
        let own = |value: &Option<String>| match scheme {
            Scheme::Rfc2307 => value.clone().filter(|value| is_field(value)),
            Scheme::Sid | Scheme::Rid { .. } => None,
        };
        Some(User {
            name: self.settings.shown(&person.name),
            uid,
            gid,
            full_name: field(&person.full_name),
            home: self.home(person),
            shell: own(&person.login_shell).unwrap_or_else(|| self.settings.shell.clone()),
        })
    }

    /// His home directory: the one that the directory gives, if it has a form that the site has
    /// named. The stacks make homes as root, with all folders above, and give them away: with any
    /// other form whoever may write that attribute would have a folder of the system, or the
    /// home that somebody else is going to have.
    fn home(&self, person: &Person) -> String {
        let Settings { home, homes, .. } = &*self.settings;
        if self.settings.ids != Scheme::Rfc2307 {
            return home.replace("{user}", &person.name);
        }
        let usual = homes::usual(home, homes, &person.name);
        let Some(own) = self.passed_over_home(person) else {
            return person.unix_home.clone().unwrap_or(usual);
        };
        if self.homes.is_new(&person.sid) {
            let line = format!(
                "the home of {} is {usual}, and not {own:?}, its unixHomeDirectory: that has not \
                 the form of accounts.home, nor one of directory.homes",
                person.name
            );
            self.journal.note(Level::Warning, &line);
        }
        usual
    }

    /// The home that the directory gives, if it is not his on this host.
    pub(crate) fn passed_over_home<'a>(&self, person: &'a Person) -> Option<&'a str> {
        let Settings { home, homes, .. } = &*self.settings;
        let own = person.unix_home.as_deref()?;
        let is_form_of = |form| homes::is_home_of(own, form, &person.name);
        let is_his = is_field(own)
            && std::iter::once(home)
                .chain(homes)
                .any(|form| is_form_of(form))
            && !homes::is_above(own, homes);
        (self.settings.ids == Scheme::Rfc2307 && !is_his).then_some(own)
    }

    pub(crate) fn shown_group(&self, team: &Team, members: &[String]) -> Option<Group> {
        let gid = ids::gid_of(self.settings.ids, team).filter(|gid| self.may_have_group(*gid))?;
        if !team.is_security() || !self.is_visible_group(&team.name) {
            return None;
        }
        // A member with a local name would put the local user into the group.
        let mut members: Vec<String> = members
            .iter()
            .filter(|name| UserName::fold(name) != "root")
            .cloned()
            .collect();
        self.local.strike_users(&mut members);
        Some(Group {
            name: self.settings.shown(&team.name),
            gid,
            members: members
                .iter()
                .map(|name| self.settings.shown(name))
                .collect(),
        })
    }

    pub(crate) fn keep_team(
        &self,
        team: &Team,
        members: Option<&[String]>,
        now: Timestamp,
    ) -> Result<(), CacheError> {
        let gid = ids::gid_of(self.settings.ids, team).filter(|gid| self.may_have(*gid));
        self.cache.keep_team(team, gid, members, now)
    }

    /// What the cache has; a cache that cannot be read has nothing.
    pub(crate) fn cached<T>(&self, found: Result<Option<T>, CacheError>) -> Option<T> {
        self.noted(found).flatten()
    }

    pub(crate) fn noted<T>(&self, result: Result<T, CacheError>) -> Option<T> {
        result
            .map_err(|error| self.journal.note(Level::Warning, &error.to_string()))
            .ok()
    }
}

/// The groups of a user, if they were asked for not long ago. His entry says nothing of that:
/// it is often asked for without them.
fn fresh_groups(known: &KnownPerson, now: Timestamp) -> Option<&[Sid]> {
    let (groups, seen) = known.groups.as_ref()?;
    is_fresh(*seen, now).then_some(groups)
}

fn is_fresh(seen: Timestamp, now: Timestamp) -> bool {
    (0..FRESH).contains(&now.since(seen))
}

/// A text that a passwd line can hold.
fn field(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && *c != ':')
        .collect()
}

/// A path that a passwd line can hold.
fn is_field(path: &str) -> bool {
    path.starts_with('/') && !path.contains(|c: char| c.is_control() || c == ':')
}

#[cfg(test)]
pub(crate) mod tests;
