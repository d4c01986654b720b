//! Makes what offline logons are compared with, after the person is in: a slow hash is not
//! his to wait for.

use crate::cache::{Cache, Saved};
use crate::journal::{Journal, Level};
use crate::offline;
use domlogon_protocol::{Secret, Sid, Timestamp};
use domlogon_rules::Lockout;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

/// Passwords that wait for their hash; beyond it the next logon saves instead.
const WAITING: usize = 64;

pub(crate) struct Saver(SyncSender<Work>);

struct Work {
    sid: Sid,
    password_set: i64,
    password: Secret,
    now: Timestamp,
}

impl Saver {
    pub(crate) fn start(cache: Arc<Cache>, journal: Arc<dyn Journal>) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        // Ends with the sender. Without a thread nothing is saved, and nobody is let in by it.
        let _ = thread::Builder::new()
            .name("saver".to_owned())
            .spawn(move || work(&receiver, &cache, &*journal));
        Self(sender)
    }

    /// Saves a password that a controller has just confirmed. One that was saved already
    /// (it was set at the same instant) is not hashed again.
    pub(crate) fn save(&self, sid: &Sid, password_set: i64, password: &Secret, now: Timestamp) {
        let work = Work {
            sid: sid.clone(),
            password_set,
            password: password.clone(),
            now,
        };
        match self.0.try_send(work) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}

fn work(receiver: &Receiver<Work>, cache: &Cache, journal: &dyn Journal) {
    for work in receiver {
        let old = cache.saved(&work.sid).ok().flatten();
        let same = old.filter(|old| old.password_set == work.password_set && work.password_set > 0);
        let verifier = match same {
            Some(old) => Some(old.verifier),
            None => offline::verifier(&work.password),
        };
        let Some(verifier) = verifier else {
            continue;
        };
        let saved = Saved {
            verifier,
            password_set: work.password_set,
            confirmed: work.now,
            lockout: Lockout::default(),
        };
        if let Err(error) = cache.save(&work.sid, &saved) {
            journal.note(Level::Warning, &error.to_string());
        }
    }
}
