//! The one backend of this version: the embedded account database, opened as soon as
//! that is possible.
//!
//! A damaged or missing disk must not leave the host without the reason: the daemon runs,
//! answers every question with the store's own verdict, and tries again now and then.

use crate::config::Config;
use crate::log::{Level, Log};
use domlogon_accounts::{Cost, Database, Error, Options, Settings};
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::{Decision, Explanation, Params, Secret, Sid, Timestamp, UserName, Verdict};
use domlogon_rules::LocalNames;
use domlogon_rules::backend::{Backend, Outage, Principal, Summary};
use domlogon_rules::roster::{Changes, DomainNames, Extent, Listener, Roster, Subject};
use domlogon_rules::{Judgement, Place, Token};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long a database that could not be opened is left alone.
const PAUSE: Duration = Duration::from_secs(5);

/// The account database, open or not.
pub(crate) struct Accounts {
    open: OnceLock<Database>,
    shut: Mutex<Shut>,
    log: Arc<Log>,
    local: Arc<dyn LocalNames>,
    cost: Cost,
    bell: OnceLock<Arc<dyn Fn() + Send + Sync>>,
}

/// What is needed to open it.
struct Shut {
    config: Config,
    verdict: Verdict,
    tried: Instant,
}

impl Accounts {
    /// Opens the database, and makes it if there is none. One that cannot be read or
    /// written is tried again later.
    ///
    /// # Errors
    /// What no waiting mends: another daemon has it, a newer version wrote it, it is
    /// another domain's, or a new one would give away ids that this host's users have.
    pub(crate) fn open(
        config: &Config,
        local: Arc<dyn LocalNames>,
        cost: Cost,
        log: Arc<Log>,
    ) -> Result<Self, Error> {
        let accounts = Self {
            open: OnceLock::new(),
            shut: Mutex::new(Shut {
                config: config.clone(),
                verdict: Verdict::AcfNotLoaded,
                tried: Instant::now(),
            }),
            log,
            local,
            cost,
            bell: OnceLock::new(),
        };
        let tried = accounts.try_open(&mut accounts.shut());
        match tried {
            Err(
                error @ (Error::InUse(_)
                | Error::Newer { .. }
                | Error::OtherDomain { .. }
                | Error::IdTaken { .. }),
            ) => Err(error),
            // It is in the log, and every answer will say it.
            Ok(()) | Err(_) => Ok(accounts),
        }
    }

    /// Takes what may change while the database is open.
    pub(crate) fn configure(&self, config: &Config) {
        self.shut().config = config.clone();
        if let Some(database) = self.open.get() {
            database.configure(settings(config));
        }
    }

    /// Closes the database, when no request is left that asks it.
    pub(crate) fn close(&self) {
        if let Some(database) = self.open.get() {
            database.close();
        }
    }

    fn database(&self) -> Result<&Database, Outage> {
        if let Some(database) = self.open.get() {
            return Ok(database);
        }
        let mut shut = self.shut();
        if self.open.get().is_none() && shut.tried.elapsed() >= PAUSE {
            // The reason is logged there.
            let _ = self.try_open(&mut shut);
        }
        self.open.get().ok_or(Outage(shut.verdict))
    }

    fn try_open(&self, shut: &mut Shut) -> Result<(), Error> {
        shut.tried = Instant::now();
        let opened = prepare(&shut.config.database).and_then(|()| {
            Database::open(Options {
                path: shut.config.database.clone(),
                name: shut.config.name.clone(),
                dns_name: shut.config.dns_name.clone(),
                settings: settings(&shut.config),
                cost: self.cost,
                local: Arc::clone(&self.local),
            })
        });
        match opened {
            Ok(database) => {
                let path = shut.config.database.display();
                self.log.write(
                    Level::Notice,
                    &format!("the account database {path} is open"),
                );
                if let Some(bell) = self.bell.get().map(Arc::clone) {
                    database.on_change(Box::new(move || bell()));
                }
                // Nobody else opens it: the caller has the lock.
                let _ = self.open.set(database);
                if let Some(bell) = self.bell.get() {
                    bell();
                }
                Ok(())
            }
            Err(error) => {
                shut.verdict = error.verdict();
                self.log.write(Level::Error, &error.to_string());
                Err(error)
            }
        }
    }

    fn shut(&self) -> MutexGuard<'_, Shut> {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        id_base: config.base,
        minimum: config.minimum,
        home: config.home.clone(),
        shell: config.shell.clone(),
    }
}

/// Makes the folder of the database if it is not there.
///
/// # Errors
/// The system's.
pub(crate) fn make_folder(database: &Path) -> Result<(), Error> {
    let Some(folder) = database.parent() else {
        return Ok(());
    };
    match DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::File(folder.to_owned(), error))
        }
        _ => Ok(()),
    }
}

/// Makes the folder if it is not there, and sees to it that nobody else can put another
/// database in.
fn prepare(database: &Path) -> Result<(), Error> {
    make_folder(database)?;
    let Some(folder) = database.parent() else {
        return Ok(());
    };
    let us = [0, nix::unistd::geteuid().as_raw()];
    for path in [folder, database] {
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::File(path.to_owned(), error)),
        };
        if !us.contains(&found.uid()) || found.mode() & 0o022 != 0 {
            return Err(Error::Exposed(path.to_owned()));
        }
    }
    Ok(())
}

impl Roster for Accounts {
    fn survey(&self, to: &mut dyn Listener) -> Result<(), Outage> {
        self.database()?.survey(to)
    }

    fn extent(&self) -> Extent {
        Extent::Complete
    }

    fn changes(&self) -> Result<Changes, Outage> {
        self.database()?.changes()
    }

    fn review(&self, subjects: &[Subject], to: &mut dyn Listener) -> Result<(), Outage> {
        self.database()?.review(subjects, to)
    }

    fn on_change(&self, bell: Box<dyn Fn() + Send + Sync>) {
        let bell: Arc<dyn Fn() + Send + Sync> = Arc::from(bell);
        // Nobody opens it meanwhile.
        let _shut = self.shut();
        if let Some(database) = self.open.get() {
            let bell = Arc::clone(&bell);
            database.on_change(Box::new(move || bell()));
        }
        let _ = self.bell.set(bell);
    }

    fn domain(&self) -> DomainNames {
        match self.open.get() {
            Some(database) => database.domain(),
            None => {
                let shut = self.shut();
                DomainNames {
                    short: shut.config.name.clone(),
                    dns: shut.config.dns_name.clone(),
                }
            }
        }
    }

    fn minimum(&self) -> u32 {
        match self.open.get() {
            Some(database) => Roster::minimum(database),
            None => self.shut().config.minimum,
        }
    }
}

impl Backend for Accounts {
    fn user_by_name(&self, key: &str) -> Result<Option<User>, Outage> {
        self.database()?.user_by_name(key)
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>, Outage> {
        self.database()?.user_by_id(uid)
    }

    fn group_by_name(&self, name: &str) -> Result<Option<Group>, Outage> {
        self.database()?.group_by_name(name)
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, Outage> {
        self.database()?.group_by_id(gid)
    }

    fn group_ids(&self, user_key: &str) -> Result<Option<Vec<u32>>, Outage> {
        self.database()?.group_ids(user_key)
    }

    fn users(&self, after: u32, limit: usize) -> Result<Page<User>, Outage> {
        self.database()?.users(after, limit)
    }

    fn groups(&self, after: u32, limit: usize) -> Result<Page<Group>, Outage> {
        self.database()?.groups(after, limit)
    }

    fn logon(
        &self,
        user: &UserName,
        password: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        self.database()?.logon(user, password, place, now)
    }

    fn account(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        self.database()?.account(user, place, now)
    }

    fn preliminary(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<(Decision, Option<Params>), Outage> {
        self.database()?.preliminary(user, old, place, now)
    }

    fn change(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        new: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Decision, Outage> {
        self.database()?.change(user, old, new, place, now)
    }

    fn explain(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Option<Explanation>, Outage> {
        self.database()?.explain(user, place, now)
    }

    fn hidden(&self, user: &UserName, now: Timestamp) -> Result<Option<AdminError>, Outage> {
        self.database()?.hidden(user, now)
    }

    fn is_administrator(&self, uid: u32, now: Timestamp) -> Result<bool, Outage> {
        self.database()?.is_administrator(uid, now)
    }

    fn principal(&self, name: &UserName) -> Result<Option<Principal>, Outage> {
        self.database()?.principal(name)
    }

    fn name_of(&self, sid: &Sid) -> Result<Option<String>, Outage> {
        self.database()?.name_of(sid)
    }

    fn token(&self, user: &UserName) -> Result<Option<Token>, Outage> {
        self.database()?.token(user)
    }

    fn administrators(&self, now: Timestamp) -> Result<Vec<Token>, Outage> {
        self.database()?.administrators(now)
    }

    fn admin(&self, request: admin::Request, now: Timestamp) -> Result<admin::Reply, AdminError> {
        match self.database() {
            Ok(database) => database.admin(request, now),
            Err(Outage(verdict)) => Err(AdminError::Store(verdict)),
        }
    }

    fn summary(&self) -> Summary {
        match self.database() {
            Ok(database) => database.summary(),
            Err(Outage(store)) => Summary {
                store,
                domain_sid: String::new(),
                users: 0,
                groups: 0,
                directory: None,
            },
        }
    }
}
