//! The backend of a host that has joined a directory: what the configuration says, put into
//! the words of [`domlogon_ad`].

use crate::clock;
use crate::config::{Config, Options};
use crate::host;
use crate::log::{Level, Log};
use crate::rights::RightsFile;
use domlogon_ad::{CacheError, Directory, Journal, Keeper, Level as Gravity, Settings};
use domlogon_rules::LocalNames;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The directory, and the threads that look after it.
pub(crate) struct Joined {
    pub(crate) directory: Arc<Directory>,
    rights: Arc<OnceLock<Arc<RightsFile>>>,
    keeper: Keeper,
}

/// Why it cannot be begun.
#[derive(Debug)]
pub(crate) enum NotBegun {
    Cache(CacheError),
    System(io::Error),
}

impl Joined {
    /// Begins to look for a domain controller. To be called before there are other threads:
    /// libraries in this process are told of the domain by its environment.
    ///
    /// # Errors
    /// [`NotBegun`]: the cache cannot be opened, or there are no threads to be had.
    pub(crate) fn begin(
        config: &Config,
        options: &Options,
        run: &Path,
        local: Arc<dyn LocalNames>,
        log: &Arc<Log>,
    ) -> Result<Self, NotBegun> {
        let settings = settings(config, options, run);
        domlogon_ad::process_defaults(&settings);
        let journal: Arc<dyn Journal> = Arc::new(ToLog(Arc::clone(log)));
        let directory =
            Directory::open(settings, local, journal, clock::now).map_err(NotBegun::Cache)?;
        let directory = Arc::new(directory);
        let rights: Arc<OnceLock<Arc<RightsFile>>> = Arc::default();
        let told = Arc::clone(&rights);
        let refresh = Box::new(move || {
            // Names of the domain may have got a meaning, or another one.
            if let Some(rights) = told.get() {
                rights.refresh(clock::now());
            }
        });
        let keeper = Keeper::start(&directory, refresh).map_err(NotBegun::System)?;
        Ok(Self {
            directory,
            rights,
            keeper,
        })
    }

    /// Whose names are looked up again when a controller is back, and now and then.
    pub(crate) fn tell(&self, rights: &Arc<RightsFile>) {
        // There is one file of rights.
        let _ = self.rights.set(Arc::clone(rights));
    }

    /// Ends the threads.
    pub(crate) fn stop(self) {
        self.keeper.stop();
    }
}

fn settings(config: &Config, options: &Options, run: &Path) -> Settings {
    let state = config.database.parent().unwrap_or_else(|| Path::new("/"));
    Settings {
        domain: config.name.clone(),
        dns_name: config.dns_name.to_lowercase(),
        host: host::names(config),
        servers: options.servers.clone(),
        site: options.site.clone(),
        channel: options.channel,
        ca: options.ca.clone(),
        ids: options.ids,
        names: options.names,
        home: config.home.clone(),
        homes: options.homes.clone(),
        shell: config.shell.clone(),
        minimum: config.minimum,
        state: state.to_owned(),
        run: run.to_owned(),
        tickets: options.tickets.clone(),
        offline: options.offline,
        sync: options.sync,
        rotate: options.rotate,
    }
}

struct ToLog(Arc<Log>);

impl Journal for ToLog {
    fn note(&self, level: Gravity, line: &str) {
        let level = match level {
            Gravity::Error => Level::Error,
            Gravity::Warning => Level::Warning,
            Gravity::Notice => Level::Notice,
        };
        // The words of others are in it.
        let line: String = line
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(1000)
            .collect();
        self.0.write(level, &format!("directory: {line}"));
    }
}
