//! Where every request is answered: who may ask, what the backend says, and what the log
//! is told.
//!
//! | request | main socket | admin socket |
//! |---|---|---|
//! | NSS, status | anybody | anybody who can open it |
//! | logon, account, password | root, or the account's own user | the same |
//! | a reset, which has no old password | root | root |
//! | explain | root, or the account's own user | root, administrators |
//! | administration | nobody | root, administrators |

mod administration;
mod decisions;
mod directory;
#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

use crate::config::Config;
use crate::log::{Level, Log};
use crate::pace::Pace;
use crate::record::Record;
use domlogon_accounts::LocalNames;
use domlogon_protocol::{Reply, Request, Timestamp, UserName, Verdict, admin};
use domlogon_rules::backend::{Backend, Outage};
use domlogon_rules::{Host, Place, service};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

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
}

impl Caller {
    const fn is_root(self) -> bool {
        self.uid == 0
    }
}

/// All that answering needs.
pub(crate) struct Desk {
    backend: Arc<dyn Backend>,
    local: Arc<dyn LocalNames>,
    log: Arc<Log>,
    now: RwLock<InForce>,
    pace: Pace,
    unmapped: Mutex<HashSet<String>>,
    started: Timestamp,
    configured: AtomicI64,
    reload_refused: AtomicBool,
    granted: AtomicU64,
    refused: AtomicU64,
}

/// What a reload replaces.
#[derive(Clone)]
struct InForce {
    config: Arc<Config>,
    host: Arc<Host>,
}

impl Desk {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        local: Arc<dyn LocalNames>,
        log: Arc<Log>,
        config: Config,
        host: Host,
    ) -> Self {
        let started = clock();
        Self {
            backend,
            local,
            log,
            now: RwLock::new(InForce {
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
        }
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
        }
    }

    /// Takes another configuration and the host's names as they are now.
    pub(crate) fn configure(&self, config: Config, host: Host) {
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        *now = InForce {
            config: Arc::new(config),
            host: Arc::new(host),
        };
        self.configured.store(clock().0, Ordering::Relaxed);
        self.reload_refused.store(false, Ordering::Relaxed);
        // A service that is new to the map is named again if it is still not in it.
        self.unmapped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Notes that another configuration was wrong, and that the one before is in force.
    pub(crate) fn refuse_reload(&self) {
        self.reload_refused.store(true, Ordering::Relaxed);
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.in_force().config
    }

    fn in_force(&self) -> InForce {
        self.now
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn status(&self) -> admin::Status {
        let InForce { config, host } = self.in_force();
        let summary = self.backend.summary();
        admin::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            domain: config.name.clone(),
            dns_name: config.dns_name.clone(),
            domain_sid: summary.domain_sid,
            host: host.short.clone(),
            backend: "accounts".to_owned(),
            store: summary.store,
            users: summary.users,
            groups: summary.groups,
            started_at: self.started,
            configured_at: Timestamp(self.configured.load(Ordering::Relaxed)),
            reload_refused: self.reload_refused.load(Ordering::Relaxed),
            granted: self.granted.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// Whether the caller is the user of this account. `false` also if there is none:
    /// nobody learns of other accounts here.
    fn is_own(&self, caller: Caller, user: &UserName) -> Result<bool, Outage> {
        let found = self.backend.user_by_name(&user.key())?;
        Ok(found.is_some_and(|found| found.uid == caller.uid))
    }

    /// Names a service that nobody has mapped in the log, once. The names come from
    /// outside, so they are bounded; and only root's programs are services, so nobody else
    /// can use up the bound.
    fn name_unmapped(&self, name: &str) {
        const MOST: usize = 100;
        let class = service(name);
        if !class.known {
            let mut unmapped = self.unmapped.lock().unwrap_or_else(PoisonError::into_inner);
            if unmapped.len() < MOST && unmapped.insert(name.to_owned()) {
                let record = Record::new("service not known")
                    .field("service", name)
                    .word("type", class.logon_type.word());
                self.log.write(Level::Warning, &record.line());
            }
        }
    }

    fn place<'a>(name: &'a str, now: &'a InForce) -> Place<'a> {
        let class = service(name);
        Place {
            service: name,
            logon_type: class.logon_type,
            can_change: class.can_change,
            host: &now.host,
            domain: &now.config.name,
        }
    }
}

/// The instant now, by the system's clock.
fn clock() -> Timestamp {
    let seconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    Timestamp(seconds)
}
