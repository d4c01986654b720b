//! What has time: the machine's password, what is saved, and what the lists of rights mean.

use super::sync::sync;
use super::{PATIENCE, Stop, TICK};
use crate::cache::SavedAt;
use crate::directory::Directory;
use crate::journal::Level;
use crate::machine::Machine;
use crate::queries;
use crate::rotation::{self, Rotated, Wire};
use crate::servers::Server;
use crate::transport::{self, KERBEROS, KPASSWD};
use crate::trouble::Trouble;
use domlogon_protocol::Timestamp;
use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

/// Between two looks at what the names in the lists of rights mean.
const REFRESH: Duration = Duration::from_secs(300);
/// Between two looks at the age of the machine's password, and after a failed rotation.
const ROTATION: Duration = Duration::from_secs(3600);
/// Between two looks for saved passwords that open nothing any more.
const SAVED: Duration = Duration::from_secs(3600);
/// For how long one of them is past its age before it is deleted, while no controller says what
/// time it is: a clock that is wrong for a while deletes nothing.
const AGED: Duration = Duration::from_secs(86_400);
/// Between two readings of the whole directory, and after one that failed.
const SYNC: Duration = Duration::from_secs(1800);
const SYNC_AGAIN: Duration = Duration::from_secs(300);

/// What has time.
#[derive(Default)]
pub(crate) struct Care {
    saved: Option<Instant>,
    /// Whether the log says that nothing is known any more.
    is_told: bool,
    /// What was past its age at the look before, and since which look.
    aged: HashMap<SavedAt, Instant>,
    refreshed: Option<Instant>,
    rotation: Option<Instant>,
    /// When the whole directory was read, or tried to be, and how long that lasts.
    sync: Option<(Instant, Duration)>,
}

impl Care {
    pub(super) fn run(mut self, directory: &Directory, stop: &Stop, refresh: &dyn Fn()) {
        while stop.wait(TICK / 4) {
            self.see_to_doubts(directory);
            // Also where no controller will ever answer again.
            if self.saved.is_none_or(|at| at.elapsed() >= SAVED) {
                self.saved = Some(Instant::now());
                self.see_to_saved(directory, time(directory), Instant::now());
            }
            if directory.contact().server.is_none() {
                self.refreshed = None;
                continue;
            }
            if self.refreshed.is_none_or(|at| at.elapsed() >= REFRESH) {
                self.refreshed = Some(Instant::now());
                refresh();
            }
            if self.rotation.is_none_or(|at| at.elapsed() >= ROTATION) {
                self.rotation = Some(Instant::now());
                rotate(directory);
            }
            let is_due = self.sync.is_none_or(|(at, pause)| at.elapsed() >= pause);
            if directory.settings.sync && is_due {
                let read = sync(directory, stop);
                if let Err(trouble) = &read {
                    let line = format!("the directory could not be read as a whole: {trouble}");
                    directory.journal.note(Level::Warning, &line);
                }
                let pause = if read.is_ok() { SYNC } else { SYNC_AGAIN };
                self.sync = Some((Instant::now(), pause));
            }
        }
    }

    /// Deletes what could not be kept or forgotten. As long as nothing can be written, whoever asks
    /// is told so; the log only where nobody is known by it any more.
    pub(crate) fn see_to_doubts(&mut self, directory: &Directory) {
        let believes_nothing = directory.cache.believes_nothing();
        if believes_nothing && !self.is_told {
            let line = format!(
                "too much that the directory says could not be kept: nobody is known any more by \
                 what was kept before, until there is room in {}",
                directory.settings.state.display()
            );
            directory.journal.note(Level::Warning, &line);
        }
        self.is_told = believes_nothing;
        let _ = directory.cache.settle();
    }

    /// Deletes what is saved and opens nothing any more. By its age only where a controller has
    /// said what time it is, or it has been past it for a day.
    pub(crate) fn see_to_saved(
        &mut self,
        directory: &Directory,
        said: Option<Timestamp>,
        at: Instant,
    ) {
        let age = directory.settings.offline.age;
        let now = said.unwrap_or_else(directory.clock);
        let found = directory.cache.saved_before(now.plus(-age));
        let mut aged = directory.noted(found).unwrap_or_default();
        self.aged.retain(|saved, _| aged.contains(saved));
        aged.retain(|saved| {
            let since = *self.aged.entry(saved.clone()).or_insert(at);
            said.is_some() || at.saturating_duration_since(since) >= AGED
        });
        directory.noted(directory.cache.expire_saved(age <= 0, &aged));
    }
}

/// The time, where a controller says it, too.
fn time(directory: &Directory) -> Option<Timestamp> {
    directory.contact().server?;
    let (deadline, now) = (Instant::now() + PATIENCE, (directory.clock)());
    let server = directory.servers.best(Instant::now()).ok()?;
    let session = &directory.session;
    let state = session.ldap(&server, deadline, now, queries::server_state);
    state.ok()?.time.map(|time| time.min(now))
}

/// Changes the machine's password if it is due, and finishes a change that was cut off.
fn rotate(directory: &Directory) {
    const ENOUGH: Duration = Duration::from_secs(20);
    let now = (directory.clock)();
    let Some(_turn) = directory.session.upkeep() else {
        return;
    };
    let done = (|| {
        let machine = directory.session.machine()?;
        let due = rotation::is_due(&machine, directory.settings.rotate, now);
        if !due {
            return Ok(None);
        }
        let deadline = Instant::now() + ENOUGH;
        let server = directory.servers.best(deadline)?;
        let kerberos = directory.session.kerberos()?;
        let mut machine = Machine::clone(&machine);
        let mut wire = ToServer { server, deadline };
        let state = &directory.settings.state;
        let rotated = rotation::rotate(&kerberos, &mut machine, state, &mut wire, now)
            .map_err(|error| Trouble::Rotation(Box::new(error)))?;
        Ok::<_, Trouble>(Some((machine, rotated)))
    })();
    match done {
        Ok(None) => {}
        Ok(Some((machine, rotated))) => {
            directory.session.replace_machine(machine);
            let line = match rotated {
                Rotated::Changed => "this host's own password in the domain was changed",
                Rotated::Finished => "an earlier change of this host's own password is finished",
            };
            directory.journal.note(Level::Notice, line);
        }
        Err(trouble) => {
            // A crash in the middle is found again in the file.
            directory.session.forget();
            let line = match &trouble {
                // It says of itself what was done.
                Trouble::Rotation(error) => error.to_string(),
                _ => format!("this host's own password could not be changed: {trouble}"),
            };
            directory.journal.note(Level::Warning, &line);
        }
    }
}

/// The ways to one controller, for a rotation.
struct ToServer {
    server: Server,
    deadline: Instant,
}

impl Wire for ToServer {
    fn kdc(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        transport::exchange(self.server.port(KERBEROS), self.deadline, request)
    }

    fn kpasswd(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        transport::exchange(self.server.port(KPASSWD), self.deadline, request)
    }
}
