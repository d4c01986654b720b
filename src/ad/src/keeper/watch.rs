//! Who is there: whoever is asked is to answer, and whoever is down is tried again.

use super::discovery::{discover, say_none, write_profile};
use super::{PATIENCE, Stop, TICK};
use crate::directory::{Directory, FAST};
use crate::journal::Level;
use crate::queries;
use crate::servers::Server;
use crate::trouble::Trouble;
use domlogon_protocol::Timestamp;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// What one that is down has for everything from the first packet on: some fifteen times
/// there and back, and nobody waits for it.
const PATIENCE_DOWN: Duration = Duration::from_secs(6);
/// Between two signs of life of the one that is asked.
const HEARTBEAT: Duration = Duration::from_secs(8);
/// Between two looks into the DNS, and between two while nobody answers.
const DISCOVERY: Duration = Duration::from_secs(600);
const DISCOVERY_OFFLINE: Duration = Duration::from_secs(4);
/// Between two looks whether a controller has FAST, where that is not known, and after one
/// that was not answered.
const ARMOUR: Duration = Duration::from_secs(600);
const ARMOUR_AGAIN: Duration = Duration::from_secs(60);
/// How old what is kept of that may become.
const FAST_KEPT: u64 = 3600;

/// Who is there.
#[derive(Default)]
pub(super) struct Watch {
    discovered: Option<Instant>,
    alive: Option<Instant>,
    /// When it was looked whether a controller has FAST, and how long that lasts.
    armour: Option<(Instant, Duration)>,
    /// Which controllers have FAST, as it is kept.
    fast: Vec<(String, Timestamp)>,
}

impl Watch {
    pub(super) fn run(mut self, directory: &Directory, stop: &Stop) {
        loop {
            self.tick(directory);
            if !stop.wait(TICK) {
                return;
            }
        }
    }

    fn tick(&mut self, directory: &Directory) {
        let now = (directory.clock)();
        directory.pending.expire(now);
        if let Err(trouble) = directory.session.machine() {
            say_none(directory, &trouble, now);
            return;
        }
        let online = directory.contact().server.is_some();
        let pause = if online { DISCOVERY } else { DISCOVERY_OFFLINE };
        if self.discovered.is_none_or(|at| at.elapsed() >= pause) {
            self.discovered = Some(Instant::now());
            discover(directory, now);
        }
        // All at once: the one that is back is not to wait for those that are not.
        thread::scope(|scope| {
            for server in directory.servers.down() {
                // Without a thread this one waits for the next look.
                let _ = thread::Builder::new()
                    .spawn_scoped(scope, move || try_again(directory, &server));
            }
        });
        let doubted = directory.doubted.swap(false, Ordering::Relaxed);
        if doubted || self.alive.is_none_or(|at| at.elapsed() >= HEARTBEAT) {
            self.alive = Some(Instant::now());
            if let Ok(server) = directory.servers.best(Instant::now()) {
                match ask_for_life(directory, &server, PATIENCE) {
                    Ok(()) => self.see_to_fast(directory, &server),
                    Err(trouble) => directory.failed(&server, &trouble, (directory.clock)()),
                }
            }
        }
        self.keep_fast(directory);
    }

    /// What was not found out with the host's ticket, for whatever reason, is found out later.
    fn see_to_fast(&mut self, directory: &Directory, server: &Server) {
        if self.armour.is_none_or(|(at, pause)| at.elapsed() >= pause) {
            let deadline = Instant::now() + PATIENCE;
            let answered = directory.session.see_to_fast(server, deadline);
            let pause = match answered {
                Ok(true) => ARMOUR,
                Ok(false) | Err(_) => ARMOUR_AGAIN,
            };
            self.armour = Some((Instant::now(), pause));
        }
    }

    /// Keeps which controllers have FAST: whoever answers in the place of one after a restart
    /// is to be believed no more than before it.
    fn keep_fast(&mut self, directory: &Directory) {
        let seen = directory.session.fast.seen((directory.clock)());
        let is_kept = seen.len() == self.fast.len()
            && seen.iter().all(|(name, at)| {
                let mut kept = self.fast.iter();
                let known = kept.find(|(known, _)| known == name);
                known.is_some_and(|(_, kept)| at.since(*kept).unsigned_abs() < FAST_KEPT)
            });
        // What cannot be kept is found out again.
        if !is_kept && directory.cache.keep_fact(FAST, &seen).is_ok() {
            self.fast = seen;
        }
    }
}

fn try_again(directory: &Directory, server: &Server) {
    match ask_for_life(directory, server, PATIENCE_DOWN) {
        Ok(()) => {
            let before = directory.contact();
            if directory.servers.answered(server, (directory.clock)()) {
                write_profile(directory);
                let asked = directory.contact().server.unwrap_or_default();
                let line = match before.server {
                    None => format!("online: {asked} answers"),
                    Some(_) => format!("{} answers; {asked} is asked now", server.name),
                };
                directory.journal.note(Level::Notice, &line);
            }
        }
        Err(trouble) => {
            let now = (directory.clock)();
            directory.session.drop_connections(server, &trouble);
            if directory.servers.failed(server, &trouble, now) {
                let line = format!(
                    "{} does not answer: {trouble}; working offline",
                    server.name
                );
                directory.journal.note(Level::Warning, &line);
            }
        }
    }
}

/// Kerberos where new tickets are due, and LDAP.
fn ask_for_life(directory: &Directory, server: &Server, patience: Duration) -> Result<(), Trouble> {
    let (deadline, now) = (Instant::now() + patience, (directory.clock)());
    directory.facts(server, deadline, now)?;
    directory.session.ldap(server, deadline, now, |connection| {
        queries::server_state(connection).map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logon::tests::{open, settings};

    #[test]
    fn that_a_controller_has_fast_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let directory = open(settings(folder.path()));
        let mut watch = Watch::default();
        watch.keep_fast(&directory);
        directory.session.fast.met("dc1.corp.example");
        watch.keep_fast(&directory);
        drop(directory);
        let fast = open(settings(folder.path())).session.fast;
        assert!(fast.is_with("dc1.corp.example"));
        assert!(!fast.is_with("dc2.corp.example"));
    }
}
