//! The database as the daemon holds it, and what it is opened with.

use crate::admin::Progress;
use crate::decoys::Decoys;
use crate::domain::{self, Domain, Seed};
use crate::error::{Error, Fault, Result};
use crate::hash::{Cost, Hasher, Salt};
use crate::nesting::Nesting;
use crate::record::Record;
use crate::schema;
use crate::store::{Store, sqlite};
use domlogon_protocol::admin::AdminError;
use domlogon_protocol::{LOWEST_ID, Policy, UserName};
use domlogon_rules::LocalNames;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// The open account database. Calls block; they come from several threads at once.
pub struct Database {
    pub(crate) store: Store,
    pub(crate) hasher: Hasher,
    pub(crate) domain: Domain,
    pub(crate) local: Arc<dyn LocalNames>,
    pub(crate) nesting: Nesting,
    pub(crate) import: Progress,
    pub(crate) decoys: Decoys,
    settings: RwLock<Settings>,
}

/// What a database is opened with.
pub struct Options {
    /// The file. Beside it are its journal and, as long as it is open, its lock.
    pub path: PathBuf,
    /// The domain's short name.
    pub name: String,
    /// The domain's DNS name.
    pub dns_name: String,
    /// What may change while it is open.
    pub settings: Settings,
    /// What a password hash costs; [`Cost::STANDARD`] but in tests.
    pub cost: Cost,
    /// Which names are not the domain's to give.
    pub local: Arc<dyn LocalNames>,
}

/// Settings that may change while the database is open. What was handed out stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A new account or group gets this id and its RID together as its uid or gid.
    pub id_base: u32,
    /// Ids below this are neither handed out nor answered for. Below
    /// [`LOWEST_ID`] it counts as that.
    pub minimum: u32,
    /// Home directory of a new account; `{user}` stands for its name.
    pub home: String,
    /// Login shell of a new account.
    pub shell: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Above what systemd and useradd give to containers.
            id_base: 1_900_000_000,
            minimum: LOWEST_ID,
            home: "/home/{user}".to_owned(),
            shell: "/bin/bash".to_owned(),
        }
    }
}

impl Database {
    /// Opens the database, and makes it if there is none: with the built-in groups, and
    /// with Administrator, who is disabled until he has a password.
    ///
    /// # Errors
    /// [`Error`]; nothing was changed then. [`Error::verdict`] is the store's condition.
    pub fn open(options: Options) -> Result<Self, Error> {
        let Options {
            path,
            name,
            dns_name,
            settings,
            cost,
            local,
        } = options;
        let random = |_| Error::Random;
        let hasher = Hasher::new(cost).map_err(random)?;
        let seed = Seed {
            sid: domain::random_sid()?,
            name: &name,
            dns_name: &dns_name,
            settings: &settings,
            salt: Salt::random().map_err(random)?,
        };
        let store = Store::open(&path, schema::MIGRATIONS, |transaction| {
            seed.require_free_ids(&*local)?;
            seed.plant(transaction).map_err(sqlite(&path))
        })?;
        let damaged = |_| Error::Damaged(path.clone());
        let domain = store.read(Domain::load).map_err(damaged)?;
        if UserName::fold(&domain.name) != UserName::fold(&name) {
            return Err(Error::OtherDomain {
                path,
                found: domain.name,
                configured: name,
            });
        }
        store.lay_trail().map_err(damaged)?;
        Ok(Self {
            store,
            hasher,
            domain: Domain { dns_name, ..domain },
            local,
            nesting: Nesting::default(),
            import: Progress::default(),
            decoys: Decoys::default(),
            settings: RwLock::new(settings),
        })
    }

    /// Closes it: everything is then in the one file, and every question is answered by
    /// `NERR_ACFNotLoaded`. One that is dropped without this is whole as well, like
    /// that of a killed daemon, and has a journal beside it.
    pub fn close(&self) {
        self.store.close();
    }

    /// Takes new settings. Accounts and groups that exist keep what they have.
    pub fn configure(&self, settings: Settings) {
        let before = self.minimum();
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
        if self.minimum() != before {
            // Who may be shown is another question now.
            self.store.trail.lose();
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The least id that may be answered for.
    pub(crate) fn minimum(&self) -> u32 {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .minimum
            .max(LOWEST_ID)
    }

    /// The account that a name means, if it is one that this host may see.
    pub(crate) fn find(&self, connection: &Connection, user: &UserName) -> Result<Option<Record>> {
        if !user.belongs_to(&self.domain.name, &self.domain.dns_name) {
            return Ok(None);
        }
        let record = Record::by_key(connection, &user.key())?;
        Ok(record.filter(|record| self.is_visible(record)))
    }

    /// An account that this host may see, and the policy that it is judged by.
    pub(crate) fn find_with_policy(&self, user: &UserName) -> Result<Option<(Record, Policy)>> {
        self.find_with(user, |_, _| Ok(()))
            .map(|found| found.map(|(record, policy, ())| (record, policy)))
    }

    /// As [`find_with_policy`](Self::find_with_policy), and what else `f` reads of it in the
    /// same moment.
    pub(crate) fn find_with<T>(
        &self,
        user: &UserName,
        f: impl FnOnce(&Connection, &Record) -> Result<T>,
    ) -> Result<Option<(Record, Policy, T)>> {
        self.store.read(|connection| {
            let Some(record) = self.find(connection, user)? else {
                return Ok(None);
            };
            let value = f(connection, &record)?;
            Ok(Some((record, domain::policy(connection)?, value)))
        })
    }

    pub(crate) fn is_visible(&self, record: &Record) -> bool {
        self.is_visible_user(&record.name, record.uid) && self.may_be_primary(record.gid)
    }

    /// Why this host does not see an account that has a name of its own, for administrators.
    pub(crate) fn hidden_account(&self, user: &UserName) -> Result<Option<AdminError>> {
        if !user.belongs_to(&self.domain.name, &self.domain.dns_name) {
            return Ok(None);
        }
        let found = self
            .store
            .read(|connection| Record::by_key(connection, &user.key()))?;
        Ok(found
            .filter(|record| !self.is_local_user(&record.name))
            .and_then(|Record { name, uid, gid, .. }| self.local.hides(&name, uid, Some(gid))))
    }

    /// Whether this host may see somebody with this name and id. Its own users may have been
    /// made after the account, or been given subordinate ids: who has the id of one would be
    /// that user.
    pub(crate) fn is_visible_user(&self, name: &str, uid: u32) -> bool {
        uid >= self.minimum()
            && !self.is_local_user(name)
            && self.local.owner_of(uid).is_none()
            && self.local.lent_uid(uid).is_none()
    }

    /// As [`is_visible_user`](Self::is_visible_user): who is in a group with the id of one of
    /// this host's would have what that may.
    pub(crate) fn is_visible_group(&self, name: &str, gid: u32) -> bool {
        gid >= self.minimum() && !self.is_local_group(name) && self.may_be_primary(gid)
    }

    /// Whether somebody may have this as his primary group. Whoever comes in has one, whatever
    /// the least id that is answered for, and it is never one of this host's.
    pub(crate) fn may_be_primary(&self, gid: u32) -> bool {
        !self.local.has_gid(gid) && self.local.lent_gid(gid).is_none()
    }

    pub(crate) fn is_local_user(&self, name: &str) -> bool {
        UserName::fold(name) == "root" || self.local.has_user(name)
    }

    pub(crate) fn is_local_group(&self, name: &str) -> bool {
        UserName::fold(name) == "root" || self.local.has_group(name)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(error.verdict())
    }
}
