//! Doors for `tests/fuzz`, to what the daemon reads and answers. Nothing of it is the product's.

use crate::config::Config;
use crate::desk::{Caller, Desk, Door};
use crate::host;
use crate::local::Local;
use crate::log::Log;
use crate::rights::RightsFile;
use domlogon_accounts::{Cost, Database, Options, Settings};
use domlogon_protocol::{Reply, Request};
use domlogon_rules::LocalNames;
use domlogon_rules::backend::Backend;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;

pub use crate::config::fuzzed::configuration;
pub use crate::history::fuzzed::kept_logons;
pub use crate::rights::fuzzed::{Written, kept_rights, rights};

/// A daemon without its sockets: the account database, and whoever answers.
pub struct Office {
    desk: Arc<Desk>,
    log: UnixDatagram,
}

impl Office {
    /// Opens one with its files in this folder. Hashing costs next to nothing.
    ///
    /// # Panics
    /// If it cannot be opened.
    #[must_use]
    pub fn open(folder: &Path, rights: &str) -> Self {
        let text = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n";
        let file = folder.join("domlogon.toml");
        std::fs::write(&file, text).unwrap_or_else(|error| panic!("{error}"));
        let mut config = Config::read(&file).unwrap_or_else(|error| panic!("{error}"));
        config.database = folder.join("accounts.db");
        let nobody = |name: &str| folder.join(name);
        let local: Arc<dyn LocalNames> =
            Arc::new(Local::of_files(nobody("passwd"), nobody("group")));
        let cost = Cost {
            memory: 8,
            passes: 1,
            lanes: 1,
        };
        let database = Database::open(Options {
            path: config.database.clone(),
            name: config.name.clone(),
            dns_name: config.dns_name.clone(),
            settings: Settings::default(),
            cost,
            local: Arc::clone(&local),
        });
        let database = database.unwrap_or_else(|error| panic!("{error}"));
        let backend: Arc<dyn Backend> = Arc::new(database);
        let path = folder.join("log");
        let lines = UnixDatagram::bind(&path).and_then(|lines| {
            lines.set_nonblocking(true)?;
            Ok(lines)
        });
        let lines = lines.unwrap_or_else(|error| panic!("{error}"));
        let log = Arc::new(Log::to_socket(path));
        let rights_file = folder.join("rights.toml");
        std::fs::write(&rights_file, rights).unwrap_or_else(|error| panic!("{error}"));
        let rights = Arc::new(RightsFile::open(
            rights_file,
            folder.join("rights.last-good.json"),
            Arc::clone(&backend),
            Arc::clone(&local),
            Arc::clone(&log),
        ));
        let host = host::names(&config);
        Self {
            desk: Arc::new(Desk::new(backend, local, log, rights, config, host)),
            log: lines,
        }
    }

    /// What this caller is answered; `None` if he is not let in at the administrators' door.
    #[must_use]
    pub fn answer(&self, at_admin_door: bool, uid: u32, request: Request) -> Option<Reply> {
        let door = if at_admin_door {
            Door::Admin
        } else {
            Door::Main
        };
        let caller = Caller::of(uid);
        self.desk
            .admits(door, caller)
            .then(|| self.desk.answer(door, caller, request))
    }

    /// The lines of the log since this was asked last.
    #[must_use]
    pub fn lines(&self) -> Vec<Vec<u8>> {
        let mut line = vec![0; 64 * 1024];
        let mut lines = Vec::new();
        while let Ok(length) = self.log.recv(&mut line) {
            lines.push(line.get(..length).unwrap_or_default().to_vec());
        }
        lines
    }
}
