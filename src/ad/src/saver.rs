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

    /// Saves a password that a controller has just confirmed.
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
        // Also where one of the same instant is saved: whoever confirmed this one may have read the
        // instant before the change had come to him.
        let Some(verifier) = offline::verifier(&work.password) else {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logon::tests::Quiet;

    #[test]
    fn the_password_that_was_confirmed_last_opens() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
        let sid: Sid = "S-1-5-21-1-2-3-1103".parse().unwrap();
        let (sender, receiver) = sync_channel(WAITING);
        for password in [&b"old"[..], b"new"] {
            let work = Work {
                sid: sid.clone(),
                password_set: 7,
                password: Secret::new(password),
                now: Timestamp(1000),
            };
            sender.send(work).unwrap();
        }
        drop(sender);
        work(&receiver, &cache, &Quiet);
        let saved = cache.saved(&sid).unwrap().unwrap();
        let opens = |password: &[u8]| offline::opens(&saved.verifier, &Secret::new(password));
        assert!(opens(b"new") && !opens(b"old"));
    }
}
