//! Makes what offline logons are compared with, after the person is in: a slow hash is not
//! his to wait for.

use crate::cache::{Cache, Saved};
use crate::journal::{Journal, Level};
use crate::offline;
use domlogon_protocol::{Secret, Sid, Timestamp};
use domlogon_rules::Lockout;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Passwords that wait for their hash; beyond it the next logon saves instead.
const WAITING: usize = 64;

/// For how long the hash of one person's password is not made again.
const AGAIN: Duration = Duration::from_secs(600);

/// Most people of whom that is known.
const MOST: usize = 10_000;

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
            .spawn(move || work(&receiver, &cache, &*journal, AGAIN));
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

/// Saves what comes. Where one of the same instant is saved, it is made anew as well, for whoever
/// confirmed this one may have read the instant before the change had come to him; but not for
/// each of many logons in a row.
fn work(receiver: &Receiver<Work>, cache: &Cache, journal: &dyn Journal, again: Duration) {
    let mut made: HashMap<Sid, Instant> = HashMap::new();
    for work in receiver {
        let lately = made.get(&work.sid).is_some_and(|at| at.elapsed() < again);
        let old = cache.saved(&work.sid).ok().flatten();
        let same = old.filter(|old| old.password_set == work.password_set && work.password_set > 0);
        let verifier = match same {
            Some(old) if lately => Some(old.verifier),
            _ => offline::verifier(&work.password),
        };
        let Some(verifier) = verifier else {
            continue;
        };
        if !lately {
            if made.len() >= MOST {
                made.clear();
            }
            made.insert(work.sid.clone(), Instant::now());
        }
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

    /// Which of two passwords of one instant opens in the end.
    fn opens(again: Duration) -> [bool; 2] {
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
        work(&receiver, &cache, &Quiet, again);
        let saved = cache.saved(&sid).unwrap().unwrap();
        ["old", "new"].map(|text| offline::opens(&saved.verifier, &Secret::new(text.as_bytes())))
    }

    #[test]
    fn the_password_that_was_confirmed_last_opens() {
        assert_eq!(opens(Duration::ZERO), [false, true]);
    }

    #[test]
    fn it_is_not_made_anew_for_each_of_many_logons() {
        assert_eq!(opens(AGAIN), [true, false]);
    }
}
