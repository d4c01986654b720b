//! Makes what offline logons are compared with, after the person is in: a slow hash is not
//! his to wait for.

use crate::cache::{Cache, Saved};
use crate::entry::Person;
use crate::journal::{Journal, Level};
use crate::offline;
use domlogon_protocol::{Secret, Sid, Timestamp};
use domlogon_rules::Lockout;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Passwords that wait for their hash; beyond it the next logon saves instead.
const WAITING: usize = 64;

/// For how long the hash of one person's same password is not made again.
const AGAIN: Duration = Duration::from_secs(600);

/// Most people of whom that is known.
const MOST: usize = 10_000;

pub(crate) struct Saver(SyncSender<Work>);

struct Work {
    sid: Sid,
    password_set: i64,
    key_version: Option<u32>,
    password: Secret,
    now: Timestamp,
}

impl Saver {
    pub(crate) fn start(cache: Arc<Cache>, journal: Arc<dyn Journal>) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        // Ends with the sender. Without a thread nothing is saved, and nobody is let in by it.
        let _ = thread::Builder::new()
            .name("saver".to_owned())
            .spawn(move || {
                let key = RandomState::new();
                work(&receiver, &cache, &*journal, AGAIN, |password| {
                    mark(&key, password)
                });
            });
        Self(sender)
    }

    /// Saves a password that a controller has just confirmed.
    pub(crate) fn save(&self, person: &Person, password: &Secret, now: Timestamp) {
        let work = Work {
            sid: person.sid.clone(),
            password_set: person.pwd_last_set,
            key_version: person.key_version,
            password: password.clone(),
            now,
        };
        match self.0.try_send(work) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}

/// By what another password is told from the last one without a slow hash. Eight bits of a hash
/// with a key of this process: one in 256 is taken for the same, and whoever reads the memory
/// learns hardly more of the password.
fn mark(key: &RandomState, password: &Secret) -> u8 {
    let [mark, ..] = key.hash_one(password.expose()).to_le_bytes();
    mark
}

/// Saves what comes. Where one of the same instant is saved, it is made anew as well, for whoever
/// confirmed this one may have read the instant before the change had come to him; but not for
/// each of many logons in a row with the same password.
fn work(
    receiver: &Receiver<Work>,
    cache: &Cache,
    journal: &dyn Journal,
    again: Duration,
    mark: impl Fn(&Secret) -> u8,
) {
    let mut made: HashMap<Sid, (Instant, u8)> = HashMap::new();
    for work in receiver {
        made.retain(|_, (at, _)| at.elapsed() < again);
        let mark = mark(&work.password);
        let lately = made.get(&work.sid).is_some_and(|(_, made)| *made == mark);
        let old = cache.saved(&work.sid).ok().flatten();
        let same = old.as_ref().filter(|old| {
            (old.password_set, old.key_version) == (work.password_set, work.key_version)
                && work.password_set > 0
        });
        let kept = same.filter(|_| lately).map(|old| old.verifier.clone());
        let is_new = kept.is_none();
        let Some(verifier) = kept.or_else(|| offline::verifier(&work.password)) else {
            continue;
        };
        let saved = Saved {
            verifier,
            password_set: work.password_set,
            key_version: work.key_version,
            confirmed: work.now,
            lockout: Lockout::default(),
        };
        match cache.save(&work.sid, &saved) {
            Err(error) => {
                journal.note(Level::Warning, &error.to_string());
                // What cannot be replaced is believed only if it is the same password's.
                if !old.is_some_and(|old| offline::opens(&old.verifier, &work.password)) {
                    cache.doubt_saved(&work.sid);
                }
            }
            Ok(()) if is_new => {
                if made.len() >= MOST {
                    made.clear();
                }
                made.insert(work.sid, (Instant::now(), mark));
            }
            Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logon::tests::Quiet;

    fn of_one_instant(sid: &Sid, password: &[u8]) -> Work {
        Work {
            sid: sid.clone(),
            password_set: 7,
            key_version: Some(2),
            password: Secret::new(password),
            now: Timestamp(1000),
        }
    }

    /// Which of two passwords of one instant opens in the end.
    fn opens(again: Duration, mark: impl Fn(&Secret) -> u8) -> [bool; 2] {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
        let sid: Sid = "S-1-5-21-1-2-3-1103".parse().unwrap();
        let (sender, receiver) = sync_channel(WAITING);
        for password in [&b"old"[..], b"new"] {
            sender.send(of_one_instant(&sid, password)).unwrap();
        }
        drop(sender);
        work(&receiver, &cache, &Quiet, again, mark);
        let saved = cache.saved(&sid).unwrap().unwrap();
        ["old", "new"].map(|text| offline::opens(&saved.verifier, &Secret::new(text.as_bytes())))
    }

    #[test]
    fn what_cannot_be_replaced_opens_only_if_it_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
        let sid: Sid = "S-1-5-21-1-2-3-1103".parse().unwrap();
        let save = |password: &[u8]| {
            let (sender, receiver) = sync_channel(WAITING);
            sender.send(of_one_instant(&sid, password)).unwrap();
            drop(sender);
            super::work(&receiver, &cache, &Quiet, AGAIN, first_byte);
        };
        save(b"old");
        cache.fill_disk(true);
        save(b"old");
        assert!(cache.saved(&sid).unwrap().is_some());
        save(b"new");
        assert!(cache.saved(&sid).unwrap().is_none());
        cache.fill_disk(false);
        save(b"new");
        assert!(cache.saved(&sid).unwrap().is_some());
    }

    fn first_byte(password: &Secret) -> u8 {
        password.expose()[0]
    }

    #[test]
    fn the_password_that_was_confirmed_last_opens() {
        assert_eq!(opens(AGAIN, first_byte), [false, true]);
        assert_eq!(opens(Duration::ZERO, |_| 0), [false, true]);
    }

    #[test]
    fn it_is_not_made_anew_for_each_of_many_logons() {
        assert_eq!(opens(AGAIN, |_| 0), [true, false]);
    }

    #[test]
    fn one_password_has_one_mark_and_others_have_others() {
        let key = RandomState::new();
        let marks = |text: &str| mark(&key, &Secret::new(text.as_bytes()));
        assert_eq!(marks("Corr3ct-Horse"), marks("Corr3ct-Horse"));
        let others = (0..64).filter(|n| marks(&n.to_string()) != marks("Corr3ct-Horse"));
        assert!(others.count() > 48);
    }
}
