//! Who is in a group. A large one takes longer than whoever asks waits for it; it is then
//! read to its end beside, and the next one who asks has it.

use crate::directory::Directory;
use crate::entry::Team;
use crate::queries;
use crate::trouble::Trouble;
use domlogon_protocol::{Sid, Timestamp};
use std::collections::HashSet;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// What somebody who asks for a group waits for its members.
const PATIENCE: Duration = Duration::from_millis(700);
/// What the largest group may take.
const ENOUGH: Duration = Duration::from_secs(60);
/// Groups that are read at once; more wait until they are asked for again.
const MOST: usize = 4;

/// The readings under way.
#[derive(Default)]
pub(crate) struct Members {
    reading: Arc<Mutex<HashSet<Sid>>>,
    /// The directory itself, for the threads that read.
    home: Mutex<Weak<Directory>>,
}

impl Members {
    /// Remembers whose they are.
    pub(crate) fn live_in(&self, home: &Arc<Directory>) {
        *self.home.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(home);
    }

    /// The account names of all members, or `None` if that takes too long now. The cache
    /// learns them in any case.
    pub(crate) fn ask(
        &self,
        directory: &Directory,
        team: &Team,
        now: Timestamp,
    ) -> Option<Vec<String>> {
        let home = self
            .home
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .upgrade();
        let Some(home) = home else {
            return read(directory, team, PATIENCE, now).ok();
        };
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if reading.len() >= MOST || !reading.insert(team.sid.clone()) {
            return None;
        }
        drop(reading);
        let (sender, receiver) = channel();
        let (team, running) = (team.clone(), Arc::clone(&self.reading));
        let sid = team.sid.clone();
        let begun = thread::Builder::new()
            .name("members".to_owned())
            .spawn(move || {
                let members = read(&home, &team, ENOUGH, now).ok();
                running
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&team.sid);
                // Whoever asked may have gone.
                let _ = sender.send(members);
            });
        if begun.is_err() {
            let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
            reading.remove(&sid);
        }
        // Neither in time nor at all: the cache has what it has.
        receiver.recv_timeout(PATIENCE).unwrap_or_default()
    }
}

/// Reads the members, and keeps them. A group that takes too long is no fault of the
/// controller's: it is not taken for dead.
pub(crate) fn read(
    directory: &Directory,
    team: &Team,
    budget: Duration,
    now: Timestamp,
) -> Result<Vec<String>, Trouble> {
    let deadline = Instant::now() + budget;
    let server = directory.servers.best(deadline)?;
    let facts = directory.facts(&server, deadline, now)?;
    let members = directory
        .session
        .ldap(&server, deadline, now, |connection| {
            queries::members_of(connection, &facts, team)
        })?;
    directory.noted(directory.keep_team(team, Some(&members), now));
    Ok(members)
}
