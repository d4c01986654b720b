//! Where every request is answered: who may ask, what the backend says, and what the log
//! is told.
//!
//! | request | main socket | admin socket |
//! |---|---|---|
//! | NSS, status | anybody | root, administrators |
//! | logon, account, password | root, or the account's own user | root; an administrator's own |
//! | a reset, which has no old password | root | root |
//! | explain | root, or the account's own user | root, administrators |
//! | the tickets of a logon | root | root |
//! | administration, logon rights | nobody | root, administrators |

mod administration;
mod decisions;
mod directory;
#[cfg(test)]
pub(crate) mod fake;
mod rights;
#[cfg(test)]
mod tests;
mod tickets;

use crate::clock;
use crate::config::Config;
use crate::history::{self, History};
use crate::log::{Level, Log};
use crate::pace::Pace;
use crate::publish::Publisher;
use crate::record::Record;
use crate::rights::RightsFile;
use domlogon_protocol::{Reply, Request, Timestamp, UserName, Verdict, admin};
use domlogon_rules::LocalNames;
use domlogon_rules::backend::{Backend, Outage};
use domlogon_rules::{Host, Place, Rights};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

/// The socket that a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// For any local caller.
    Main,
    /// For root and the administrators.
    Admin,
}

/// Who asks, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The user id that the process acts as.
    pub(crate) uid: u32,
    /// The id that all of one user's requests are counted for: he may have thousands. Of root's
    /// set-user-ID programs (su, sudo), whoever started them.
    pub(crate) owner: u32,
}

impl Caller {
    /// One with no other id than this.
    pub(crate) const fn of(uid: u32) -> Self {
        Self { uid, owner: uid }
    }

    const fn is_root(self) -> bool {
        self.uid == 0
    }

    /// Whether so many passwords are judged for this caller as a person needs, and no more.
    /// Not root's own programs; nor those that a service started, which may have many persons
    /// to let in.
    const fn is_paced(self) -> bool {
        // The others are of systems, services and nobody [systemd's UIDS-GIDS].
        !self.is_root() || matches!(self.owner, 1000..=60_513 | 65_536..)
    }
}

/// All that answering needs.
pub(crate) struct Desk {
    backend: Arc<dyn Backend>,
    local: Arc<dyn LocalNames>,
    log: Arc<Log>,
    rights: Arc<RightsFile>,
    history: History,
    held: RwLock<Held>,
    pace: Pace,
    unmapped: Mutex<Unmapped>,
    started: Timestamp,
    configured: AtomicI64,
    reload_refused: AtomicBool,
    granted: AtomicU64,
    refused: AtomicU64,
    publisher: OnceLock<Arc<Publisher>>,
    confined: OnceLock<admin::Confined>,
}

/// What a reload of the configuration replaces.
#[derive(Clone)]
struct Held {
    config: Arc<Config>,
    host: Arc<Host>,
}

/// What is in force for one request: taken once, so that it is judged by one of each.
struct InForce {
    config: Arc<Config>,
    host: Arc<Host>,
    rights: Arc<Rights>,
}

/// The services that the log has named because nobody mapped them.
#[derive(Default)]
struct Unmapped {
    /// The version of the lists, and of the map beside them, that did not have them.
    version: u64,
    services: HashSet<String>,
}

impl Desk {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        local: Arc<dyn LocalNames>,
        log: Arc<Log>,
        rights: Arc<RightsFile>,
        config: Config,
        host: Host,
    ) -> Self {
        let started = clock::now();
        let past = config.database.with_file_name(history::FILE);
        Self {
            backend,
            local,
            history: History::open(past, Arc::clone(&log), started),
            log,
            rights,
            held: RwLock::new(Held {
                config: Arc::new(config),
                host: Arc::new(host),
            }),
            pace: Pace::default(),
            unmapped: Mutex::default(),
            started,
            configured: AtomicI64::new(started.0),
            reload_refused: AtomicBool::new(false),
            granted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            publisher: OnceLock::new(),
            confined: OnceLock::new(),
        }
    }

    /// Who is to be told of changes before whoever made them.
    pub(crate) fn tell(&self, publisher: Arc<Publisher>) {
        // There is one.
        let _ = self.publisher.set(publisher);
    }

    /// Publishes what has changed: the next look-up anywhere sees it.
    fn publish(&self) {
        if let Some(publisher) = self.publisher.get() {
            publisher.catch_up();
        }
    }

    /// As [`publish`](Self::publish), and what this host's own names have changed.
    fn publish_with_local(&self) {
        if let Some(publisher) = self.publisher.get() {
            publisher.look();
            publisher.catch_up();
        }
    }

    /// What to say of the process when somebody asks how it is.
    pub(crate) fn is_confined(&self, confined: admin::Confined) {
        // Once, and for good.
        let _ = self.confined.set(confined);
    }

    /// Whether this caller may ask anything at all at this door. Nothing of a request is
    /// read before.
    pub(crate) fn admits(&self, door: Door, caller: Caller) -> bool {
        let is_administrator = || self.backend.is_administrator(caller.uid, clock::now());
        // Who cannot be shown to be an administrator is none; the main door says why.
        door == Door::Main || caller.is_root() || matches!(is_administrator(), Ok(true))
    }

    /// Answers one request. The reply is always one of those that the request may get.
    pub(crate) fn answer(&self, door: Door, caller: Caller, request: Request) -> Reply {
        match request {
            Request::UserByName(name) => self.user_by_name(&name),
            Request::UserById(uid) => self.user_by_id(uid),
            Request::GroupByName(name) => self.group_by_name(&name),
            Request::GroupById(gid) => self.group_by_id(gid),
            Request::GroupsOf(name) => self.groups_of(&name),
            Request::Users(after) => self.users(after),
            Request::Groups(after) => self.groups(after),
            Request::Logon {
                user,
                password,
                origin,
            } => self.logon(caller, &user, &password, &origin),
            Request::Account { user, origin } => self.account(caller, &user, &origin),
            Request::Preliminary { user, old, origin } => {
                self.preliminary(caller, &user, old.as_ref(), &origin)
            }
            Request::Change {
                user,
                old,
                new,
                origin,
            } => self.change(caller, &user, old.as_ref(), &new, &origin),
            Request::Explain { user, service, at } => {
                self.explain(door, caller, &user, &service, at)
            }
            Request::Status => Reply::Status(Box::new(self.status())),
            Request::Admin(_) if door == Door::Main => Reply::Refused(Verdict::AccessDenied),
            Request::Admin(request) => self.administer(caller, request),
            Request::Tickets { user, origin } => self.tickets(caller, &user, &origin),
        }
    }

    /// Takes another configuration and the host's names as they are now.
    pub(crate) fn configure(&self, config: Config, host: Host) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        *held = Held {
            config: Arc::new(config),
            host: Arc::new(host),
        };
        self.configured.store(clock::now().0, Ordering::Relaxed);
        self.reload_refused.store(false, Ordering::Relaxed);
    }

    /// Notes that another configuration was wrong, and that the one before is in force.
    pub(crate) fn refuse_reload(&self) {
        self.reload_refused.store(true, Ordering::Relaxed);
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.held().config
    }

    /// Writes what is still to be written, when no request is left.
    pub(crate) fn close(&self) {
        self.history.close();
    }

    fn held(&self) -> Held {
        self.held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn in_force(&self) -> InForce {
        let Held { config, host } = self.held();
        InForce {
            config,
            host,
            rights: self.rights.in_force(),
        }
    }

    fn status(&self) -> admin::Status {
        let Held { config, host } = self.held();
        let summary = self.backend.summary();
        admin::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            domain: config.name.clone(),
            dns_name: config.dns_name.clone(),
            domain_sid: summary.domain_sid,
            host: host.short.clone(),
            backend: match &summary.directory {
                Some(_) => "directory".to_owned(),
                None => "accounts".to_owned(),
            },
            store: summary.store,
            users: summary.users,
            groups: summary.groups,
            started_at: self.started,
            configured_at: Timestamp(self.configured.load(Ordering::Relaxed)),
            reload_refused: self.reload_refused.load(Ordering::Relaxed),
            granted: self.granted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            confined: self.confined.get().cloned().unwrap_or_default(),
            rights: self.rights.status(),
            directory: summary.directory,
        }
    }

    /// Whether the caller is the user of this account. `false` also if there is none:
    /// nobody learns of other accounts here.
    fn is_own(&self, caller: Caller, user: &UserName) -> Result<bool, Outage> {
        let found = self.backend.user_by_name(&user.key())?;
        Ok(found.is_some_and(|found| found.uid == caller.uid))
    }

    /// Names a service that nobody has mapped in the log, once for each load of the map.
    /// The names come from outside, so they are bounded; and only root's programs are
    /// services, so nobody else can use up the bound.
    fn name_unmapped(&self, name: &str, rights: &Rights) {
        const MOST: usize = 100;
        let class = rights.service(name);
        if class.known {
            return;
        }
        let mut unmapped = self.unmapped.lock().unwrap_or_else(PoisonError::into_inner);
        // A request that began before the last load is late, and names nothing again.
        if rights.version() > unmapped.version {
            *unmapped = Unmapped {
                version: rights.version(),
                services: HashSet::new(),
            };
        }
        if unmapped.services.len() < MOST && unmapped.services.insert(name.to_owned()) {
            let record = Record::new("service not known")
                .field("service", name)
                .word("type", class.logon_type.word());
            self.log.write(Level::Warning, &record.line());
        }
    }

    fn place<'a>(name: &'a str, now: &'a InForce) -> Place<'a> {
        let class = now.rights.service(name);
        Place {
            service: name,
            logon_type: class.logon_type,
            can_change: class.can_change,
            host: &now.host,
            domain: &now.config.name,
            rights: &now.rights,
        }
    }
}
