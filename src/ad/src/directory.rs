//! The directory as the daemon asks it: one controller at a time, within a budget, and the
//! cache where none answers.

use crate::cache::{Cache, CacheError, KnownPerson};
use crate::entry::Person;
use crate::ids;
use crate::journal::{Journal, Level};
use crate::ldap::{Connection, LdapError};
use crate::machine::Machine;
use crate::members::Members;
use crate::names::{Absent, Told};
use crate::policy::{self, DomainPolicy};
use crate::queries::{self, DomainFacts};
use crate::saver::Saver;
use crate::servers::{Contact, Server, Servers};
use crate::session::Session;
use crate::settings::Settings;
use crate::tickets::Pending;
use crate::trouble::Trouble;
use domlogon_protocol::admin::DirectoryStatus;
use domlogon_protocol::{Policy, Qualifier, Sid, Timestamp, UserName};
use domlogon_rules::{Account, Flags, LocalNames, Token};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What somebody who logs on or changes a password waits for all controllers together. The
/// PAM module waits for 5 s, of which a hash may need some.
pub(crate) const LOGON: Duration = Duration::from_millis(3500);

/// What a look-up of a name waits. The NSS plugin waits for 2 s.
pub(crate) const LOOK_UP: Duration = Duration::from_millis(1200);

/// How long the domain's own policy is taken as it was read.
const POLICY: Duration = Duration::from_secs(30);

/// Active Directory, or Samba's.
pub struct Directory {
    pub(crate) settings: Arc<Settings>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) local: Arc<dyn LocalNames>,
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) session: Session,
    pub(crate) servers: Servers,
    pub(crate) cache: Arc<Cache>,
    pub(crate) pending: Pending,
    pub(crate) absent: Absent,
    /// Whose home directory is not the one that the directory gives.
    pub(crate) homes: Told,
    pub(crate) members: Members,
    pub(crate) saver: Saver,
    pub(crate) facts: RwLock<Option<DomainFacts>>,
    policy: Mutex<Option<(Instant, DomainPolicy)>>,
    /// Milliseconds that a wrong password took of late.
    pub(crate) refusal: AtomicU64,
    /// Held by whoever logs on without a controller, until his try is counted.
    pub(crate) offline: Mutex<()>,
    /// Look-ups of names that are at a controller now.
    look_ups: Places,
    /// A look-up took too long: the keeper is to look whether the controller is there.
    pub(crate) doubted: AtomicBool,
}

/// Look-ups that one controller is asked at once: as many as connections are kept. More would
/// each wait for a new one, and all of them for the controller.
const MOST_LOOK_UPS: usize = 8;

/// Places for look-ups.
#[derive(Default)]
struct Places {
    taken: Mutex<usize>,
    left: Condvar,
}

/// One place, given back when dropped.
struct Place<'a>(&'a Places);

impl Places {
    /// A place, if there is one until then.
    fn take(&self, end: Instant) -> Option<Place<'_>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, _) = self
            .left
            .wait_timeout_while(
                taken,
                end.saturating_duration_since(Instant::now()),
                |taken| *taken >= MOST_LOOK_UPS,
            )
            .unwrap_or_else(PoisonError::into_inner);
        if *taken >= MOST_LOOK_UPS {
            return None;
        }
        *taken += 1;
        Some(Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.left.notify_one();
    }
}

/// A user as the directory has him now, with all that judging takes.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) person: Person,
    pub(crate) groups: Vec<Sid>,
    pub(crate) policy: Policy,
    /// The policy is the domain's, and another one is in force that this host may not read.
    pub(crate) is_guess: bool,
    /// The domain lets nobody but administrators change a password.
    pub(crate) refuses_change: bool,
}

impl Live {
    /// The account as the rules see it.
    pub(crate) fn account(&self) -> Account {
        let mut account = self.person.account();
        if self.refuses_change {
            account.flags = account.flags.with(Flags::PASSWD_CANT_CHANGE);
        }
        account
    }
}

impl Directory {
    /// Opens the cache. No controller is asked before [`crate::Keeper::start`].
    ///
    /// # Errors
    /// [`CacheError`] if the file cannot be used.
    pub fn open(
        settings: Settings,
        local: Arc<dyn LocalNames>,
        journal: Arc<dyn Journal>,
        clock: fn() -> Timestamp,
    ) -> Result<Self, CacheError> {
        let settings = Arc::new(settings);
        let (cache, facts) = open_cache(&settings)?;
        let cache = Arc::new(cache);
        let session = Session::new(Arc::clone(&settings), Arc::clone(&journal));
        // What cannot be read is found out again.
        let fast = cache.fact(FAST).ok().flatten().unwrap_or_default();
        session.fast.recall(fast, clock());
        Ok(Self {
            session,
            servers: Servers::new(clock()),
            pending: Pending::default(),
            absent: Absent::default(),
            homes: Told::default(),
            members: Members::default(),
            saver: Saver::start(Arc::clone(&cache), Arc::clone(&journal)),
            facts: RwLock::new(facts),
            policy: Mutex::new(None),
            refusal: AtomicU64::new(0),
            offline: Mutex::default(),
            look_ups: Places::default(),
            doubted: AtomicBool::new(false),
            settings,
            journal,
            local,
            clock,
            cache,
        })
    }

    /// Asks the best controller, and the next one if it fails, all within `budget`.
    ///
    /// # Errors
    /// [`Trouble`], when none answered.
    pub(crate) fn ask<T>(
        &self,
        budget: Duration,
        now: Timestamp,
        mut work: impl FnMut(&Server, Instant) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        /// One that fails, and two others.
        const MOST: usize = 3;
        let deadline = Instant::now() + budget;
        let mut last = None;
        for _ in 0..MOST {
            let server = match self.servers.best(deadline) {
                Ok(server) => server,
                Err(down) => return Err(last.unwrap_or(down)),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let others = self.servers.all().len() > self.servers.down().len() + 1;
            let share = if others { left / 2 } else { left };
            match work(&server, Instant::now() + share) {
                Err(trouble) if trouble.is_of_the_server() => {
                    self.failed(&server, &trouble, now);
                    if matches!(trouble, Trouble::Interrupted(_)) {
                        return Err(trouble);
                    }
                    last = Some(trouble);
                }
                result => return result,
            }
        }
        Err(last.unwrap_or(Trouble::Odd("every controller failed")))
    }

    /// Asks over LDAP.
    ///
    /// # Errors
    /// As [`Directory::ask`].
    pub(crate) fn look_up<T>(
        &self,
        budget: Duration,
        now: Timestamp,
        mut work: impl FnMut(&mut Connection, &DomainFacts) -> Result<T, LdapError>,
    ) -> Result<T, Trouble> {
        self.ask_for_anybody(budget, now, |server, deadline| {
            let facts = self.facts(server, deadline, now)?;
            self.session
                .ldap(server, deadline, now, |connection| work(connection, &facts))
        })
    }

    /// As [`Directory::ask`], for what anybody on this host may ask, as often as he likes:
    /// not too much at once, and a controller that takes too long is not taken for dead by
    /// that. Whether it is there at all is for the keeper to say, who asks little.
    ///
    /// # Errors
    /// As [`Directory::ask`].
    pub(crate) fn ask_for_anybody<T>(
        &self,
        budget: Duration,
        now: Timestamp,
        mut work: impl FnMut(&Server, Instant) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let end = Instant::now() + budget;
        let Some(_place) = self.look_ups.take(end) else {
            return Err(Trouble::Odd("too many look-ups at once"));
        };
        let left = end.saturating_duration_since(Instant::now());
        let mut slow = None;
        let found = self.ask(left, now, |server, deadline| match work(server, deadline) {
            Err(Trouble::Ldap(LdapError::Timeout)) => {
                slow = Some(LdapError::Timeout);
                Err(Trouble::Odd("a look-up took too long"))
            }
            found => found,
        });
        match slow {
            Some(error) => {
                self.doubted.store(true, Ordering::Relaxed);
                Err(Trouble::Ldap(error))
            }
            None => found,
        }
    }

    /// Notes that a controller failed; says so in the log if that changes what is asked.
    pub(crate) fn failed(&self, server: &Server, trouble: &Trouble, now: Timestamp) {
        self.session.drop_connections(server, trouble);
        let changed = self.servers.failed(server, trouble, now);
        let contact = self.servers.contact();
        if changed {
            self.journal.note(
                Level::Warning,
                &format!(
                    "{} is not asked for now: {trouble}; {}",
                    server.name,
                    next(&contact)
                ),
            );
        }
    }

    /// What never changes about the domain, asked for once.
    pub(crate) fn facts(
        &self,
        server: &Server,
        deadline: Instant,
        now: Timestamp,
    ) -> Result<DomainFacts, Trouble> {
        if let Some(facts) = self.known_facts() {
            return Ok(facts);
        }
        let facts = self
            .session
            .ldap(server, deadline, now, queries::domain_facts)?;
        if UserName::fold(&facts.dns_name) != UserName::fold(&self.settings.dns_name) {
            return Err(Trouble::Odd(
                "it serves another domain than the configured one",
            ));
        }
        // Only saves the question after a restart.
        let _ = self.cache.keep_fact(FACTS, &facts);
        *self.facts.write().unwrap_or_else(PoisonError::into_inner) = Some(facts.clone());
        Ok(facts)
    }

    pub(crate) fn known_facts(&self) -> Option<DomainFacts> {
        self.facts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The user of this name as the directory has him now; `None` if it has none. The cache
    /// learns either.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(crate) fn live(
        &self,
        server: &Server,
        deadline: Instant,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<Live>, Trouble> {
        let facts = self.facts(server, deadline, now)?;
        let domain = self.domain_policy(server, deadline, &facts, now)?;
        let found = self.session.ldap(server, deadline, now, |connection| {
            let Some(person) = find(connection, &facts, user)? else {
                return Ok(None);
            };
            let is_alias = UserName::fold(&person.name) != user.key();
            if is_alias && self.cached(self.cache.person_by_key(&user.key())).is_some() {
                // Whom NSS knows by this name is gone, and somebody else is called so: he
                // must not get the other's ids.
                return Ok(None);
            }
            let groups = queries::groups_of(connection, &person)?;
            let effective = policy::of_person(connection, &person, &domain.policy)?;
            Ok(Some(Live {
                person,
                groups,
                policy: effective.policy,
                is_guess: effective.is_guess,
                refuses_change: domain.refuses_change,
            }))
        })?;
        let kept = match &found {
            Some(live) => self.keep(&live.person, Some(&live.groups), now),
            None => self.cache.forget_person(&user.key()),
        };
        if let Err(error) = kept {
            self.journal.note(Level::Warning, &error.to_string());
        }
        Ok(found)
    }

    pub(crate) fn keep(
        &self,
        person: &Person,
        groups: Option<&[Sid]>,
        now: Timestamp,
    ) -> Result<(), CacheError> {
        let uid = ids::uid_of(self.settings.ids, person).filter(|uid| self.may_have(*uid));
        self.cache.keep_person(person, uid, groups, now)
    }

    pub(crate) fn domain_policy(
        &self,
        server: &Server,
        deadline: Instant,
        facts: &DomainFacts,
        now: Timestamp,
    ) -> Result<DomainPolicy, Trouble> {
        let held = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, policy)) = &*held {
            if read.elapsed() < POLICY {
                return Ok(policy.clone());
            }
        }
        drop(held);
        let policy = self.session.ldap(server, deadline, now, |connection| {
            policy::of_domain(connection, facts)
        })?;
        let _ = self.cache.keep_fact(DOMAIN_POLICY, &policy.policy);
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), policy.clone()));
        Ok(policy)
    }

    /// A user as he was when the directory was last asked, to be judged by that.
    pub(crate) fn remembered(&self, user: &UserName) -> Option<(KnownPerson, Live)> {
        let known = self.cache.person_by_key(&user.key()).ok()??;
        let live = Live {
            policy: self.remembered_policy(&known.person),
            groups: known.groups.clone()?.0,
            person: known.person.clone(),
            is_guess: false,
            refuses_change: false,
        };
        Some((known, live))
    }

    /// The policy for somebody, as far as it is known without asking.
    pub(crate) fn remembered_policy(&self, person: &Person) -> Policy {
        let domain: Option<Policy> = self.noted(self.cache.fact(DOMAIN_POLICY)).flatten();
        policy::guess(person, &domain.unwrap_or_default()).policy
    }

    /// What the account carries at a logon on this host: the groups of its domain, and this
    /// host's own aliases, in which the domain's groups are since the join.
    pub(crate) fn token(&self, live: &Live) -> Token {
        let groups = carried(&live.person, &live.groups);
        Token::new(&live.person.name, live.person.sid.clone(), groups)
    }

    /// How things stand.
    #[must_use]
    pub(crate) fn contact(&self) -> Contact {
        self.servers.contact()
    }

    /// How things stand, for people.
    pub(crate) fn status(&self) -> DirectoryStatus {
        let contact = self.contact();
        let machine = self.session.machine().ok();
        DirectoryStatus {
            server: contact.server,
            since: contact.since,
            why: contact.why.map(|why| why.text),
            servers: self.servers.shown(),
            machine_password_set_at: machine.map(|machine| machine.current.set_at),
            offline_age: self.settings.offline.age,
        }
    }

    /// Remembers how long a wrong password takes, so that a name that nobody has takes as
    /// long.
    pub(crate) fn refused_after(&self, took: Duration) {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).min(500);
        let before = self.refusal.load(Ordering::Relaxed);
        let mean = if before == 0 {
            took
        } else {
            (before * 7 + took) / 8
        };
        self.refusal.store(mean, Ordering::Relaxed);
    }
}

/// The cache, and what it says of the domain. One of another domain, which this host was in
/// before, says nothing of this one.
fn open_cache(settings: &Settings) -> Result<(Cache, Option<DomainFacts>), CacheError> {
    let path = settings.cache();
    let opened = Cache::open(&path).and_then(|cache| {
        let facts: Option<DomainFacts> = cache.fact(FACTS)?;
        Ok((cache, facts))
    });
    let (cache, facts) = match opened {
        // All of it can be asked for again; a host that nobody can log on to cannot.
        Err(error) if error.is_damage() => {
            Cache::remove(&path);
            (Cache::open(&path)?, None)
        }
        opened => opened?,
    };
    let machine = Machine::load(&settings.state).ok();
    let foreign = facts
        .as_ref()
        .zip(machine.as_ref())
        .is_some_and(|(facts, machine)| facts.sid != machine.domain_sid);
    if !foreign {
        return Ok((cache, facts));
    }
    drop(cache);
    Cache::remove(&path);
    Ok((Cache::open(&path)?, None))
}

/// The person of this name: an account name, or with an `@` also another name of the account
/// (userPrincipalName).
fn find(
    connection: &mut Connection,
    facts: &DomainFacts,
    user: &UserName,
) -> Result<Option<Person>, LdapError> {
    // As everywhere else on this host: by the key, so that nobody is asked for here who is
    // somebody else to NSS and the cache.
    let found = queries::person_by_name(connection, facts, &user.key())?;
    match (found, user.qualifier()) {
        (None, Qualifier::Dns(_)) => {
            queries::person_by_principal_name(connection, facts, &user.to_string())
        }
        (found, _) => Ok(found),
    }
}

const FACTS: &str = "domain";
const DOMAIN_POLICY: &str = "policy";
/// Which controllers have FAST.
pub(crate) const FAST: &str = "fast";

/// A member server's aliases, and the groups of the domain that a join puts into them.
pub(crate) const ALIASES: [(u32, u32); 3] = [(512, 544), (513, 545), (514, 546)];

/// The groups that count on this host. The aliases of the controllers themselves
/// (`S-1-5-32-…` in the directory) say nothing about it.
pub(crate) fn carried(person: &Person, groups: &[Sid]) -> Vec<Sid> {
    let mut carried: Vec<Sid> = groups
        .iter()
        .filter(|sid| !is_alias(sid))
        .cloned()
        .collect();
    if let Some(domain) = person.sid.domain_part() {
        let primary = domain.with_rid(person.primary_group);
        if !carried.contains(&primary) {
            carried.push(primary);
        }
        for (group, alias) in ALIASES {
            if carried.contains(&domain.with_rid(group)) {
                carried.push(Sid::builtin(alias));
            }
        }
    }
    carried
}

/// Whether this is an alias of the BUILTIN domain.
pub(crate) fn is_alias(sid: &Sid) -> bool {
    sid.rid().is_some_and(|rid| *sid == Sid::builtin(rid))
}

fn next(contact: &Contact) -> String {
    match &contact.server {
        Some(server) => format!("{server} is asked now"),
        None => "working offline".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aliases_are_this_hosts_own() {
        let domain = Sid::domain(1, 2, 3);
        let alice = Person::example("alice", 1103);
        let groups = [
            domain.with_rid(512),
            domain.with_rid(1200),
            // What the controllers' own Backup Operators are is not for this host to say.
            Sid::builtin(551),
        ];
        let carried = carried(&alice, &groups);
        for has in [
            domain.with_rid(512),
            domain.with_rid(513),
            domain.with_rid(1200),
            Sid::builtin(544),
            Sid::builtin(545),
        ] {
            assert!(carried.contains(&has), "{has}");
        }
        assert!(!carried.contains(&Sid::builtin(551)));
        assert!(!carried.contains(&Sid::builtin(546)));
    }
}
