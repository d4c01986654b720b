//! The directory as the daemon asks it: one controller at a time, within a budget, and the
//! cache where none answers.

mod ask;
mod live;

pub(crate) use live::{ALIASES, Live, carried, is_alias};

use crate::cache::{Cache, CacheError};
use crate::entry::Person;
use crate::journal::Journal;
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
use ask::Places;
use domlogon_protocol::admin::DirectoryStatus;
use domlogon_protocol::{Policy, Timestamp, UserName};
use domlogon_rules::LocalNames;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What somebody who logs on or changes a password waits for all controllers together. The
/// PAM module waits for 5 s, of which a hash may need some.
pub(crate) const LOGON: Duration = Duration::from_millis(3500);

/// What a look-up of a name waits. The NSS plugin waits for 2 s.
pub(crate) const LOOK_UP: Duration = Duration::from_millis(1200);

/// How long the domain's own policy is taken as it was read.
const POLICY: Duration = Duration::from_secs(30);

/// Where logind has a file for each user who has a session here, by the uid.
const SESSIONS: &str = "/run/systemd/users";

const FACTS: &str = "domain";
const DOMAIN_POLICY: &str = "policy";
/// Which controllers have FAST.
pub(crate) const FAST: &str = "fast";

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
    /// logind's files of those who have a session here.
    pub(crate) sessions: PathBuf,
    /// Look-ups of names that are at a controller now.
    look_ups: Places,
    /// A look-up took too long: the keeper is to look whether the controller is there.
    pub(crate) doubted: AtomicBool,
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
            sessions: PathBuf::from(SESSIONS),
            look_ups: Places::default(),
            doubted: AtomicBool::new(false),
            settings,
            journal,
            local,
            clock,
            cache,
        })
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

    /// The policy for somebody, as far as it is known without asking.
    pub(crate) fn remembered_policy(&self, person: &Person) -> Policy {
        let domain: Option<Policy> = self.noted(self.cache.fact(DOMAIN_POLICY)).flatten();
        policy::guess(person, &domain.unwrap_or_default()).policy
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
            passed_over: self.servers.passed_over(),
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
