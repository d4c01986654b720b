//! Where the accounts are: in the account database of this host, or in a directory.

use crate::backend::Accounts;
use crate::config::Config;
use crate::directory::{Joined, NotBegun};
use crate::error::Error;
use crate::log::Log;
use crate::rights::RightsFile;
use domlogon_accounts::Cost;
use domlogon_rules::LocalNames;
use domlogon_rules::backend::Backend;
use domlogon_rules::roster::Roster;
use std::path::Path;
use std::sync::Arc;

/// The one backend of this daemon.
pub(crate) enum Home {
    /// The account database.
    Accounts(Arc<Accounts>),
    /// A directory.
    Directory(Joined),
}

impl Home {
    /// Opens the one that the configuration names. `run` is the folder of the sockets.
    ///
    /// # Errors
    /// What no waiting mends. A database that cannot be read, and a domain that cannot be
    /// reached, are tried again later.
    pub(crate) fn open(
        config: &Config,
        run: &Path,
        local: Arc<dyn LocalNames>,
        log: &Arc<Log>,
    ) -> Result<Self, Error> {
        match &config.directory {
            None => Accounts::open(config, local, Cost::STANDARD, Arc::clone(log))
                .map(|accounts| Self::Accounts(Arc::new(accounts)))
                .map_err(Error::Accounts),
            Some(options) => Joined::begin(config, options, run, local, log)
                .map(Self::Directory)
                .map_err(|why| match why {
                    NotBegun::Cache(error) => Error::Cache(error),
                    NotBegun::System(error) => Error::System(error),
                }),
        }
    }

    /// The accounts, to be asked.
    pub(crate) fn backend(&self) -> Arc<dyn Backend> {
        match self {
            Self::Accounts(accounts) => Arc::clone(accounts) as Arc<dyn Backend>,
            Self::Directory(joined) => Arc::clone(&joined.directory) as Arc<dyn Backend>,
        }
    }

    /// What NSS may know of it.
    pub(crate) fn roster(&self) -> Arc<dyn Roster> {
        match self {
            Self::Accounts(accounts) => Arc::clone(accounts) as Arc<dyn Roster>,
            Self::Directory(joined) => Arc::clone(&joined.directory) as Arc<dyn Roster>,
        }
    }

    /// Whose names are looked up again when they may mean something else, without anybody
    /// at this host having changed them.
    pub(crate) fn tell(&self, rights: &Arc<RightsFile>) {
        if let Self::Directory(joined) = self {
            joined.tell(rights);
        }
    }

    /// Takes what may change while it is open.
    pub(crate) fn configure(&self, config: &Config) {
        match self {
            Self::Accounts(accounts) => accounts.configure(config),
            // What is said of it waits for the next start.
            Self::Directory(_) => {}
        }
    }

    /// Closes it. `finished`: no request is left that asks it.
    pub(crate) fn close(self, finished: bool) {
        match self {
            Self::Accounts(accounts) if finished => {
                // The threads at the doors still hold it: leaving alone would not close it.
                accounts.close();
            }
            Self::Accounts(_) => {}
            Self::Directory(joined) => joined.stop(),
        }
    }
}
