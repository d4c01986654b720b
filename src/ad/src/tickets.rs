//! Tickets that were got at a logon, until the session fetches them.

use crate::cache::KnownPerson;
use crate::directory::Directory;
use crate::entry::Person;
use domlogon_protocol::{TicketBytes, Tickets, Timestamp, UserName};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// Seconds between a logon and its session.
const PATIENCE: i64 = 120;

/// Logons whose session has not come yet; the oldest give way.
const MOST: usize = 256;

#[derive(Default)]
pub(crate) struct Pending(Mutex<HashMap<Key, Waiting>>);

/// Whose they are, and the service that he logged on by.
type Key = (String, String);

struct Waiting {
    /// As he was when he logged on.
    person: Person,
    credentials: Zeroizing<Vec<u8>>,
    at: Timestamp,
}

impl Directory {
    /// The tickets of somebody's last good logon, for the session that follows it, also where a full
    /// disk keeps the cache from knowing him.
    pub(crate) fn tickets_of(
        &self,
        user: &UserName,
        service: &str,
        now: Timestamp,
    ) -> Option<Tickets> {
        let cache = self.settings.tickets.as_deref()?;
        let (person, found) = self.pending.take(user, service, now)?;
        let is_other = |known: &KnownPerson| known.person.sid != person.sid;
        let known = self.cached(self.cache.person_by_key(&user.key()));
        if known.as_ref().is_some_and(is_other) {
            // Another account has the name by now.
            return None;
        }
        let owner = self.user(known.as_ref().map_or(&person, |known| &known.person))?;
        let known = self.cached(self.cache.person_by_uid(owner.uid));
        if known.as_ref().is_some_and(is_other) {
            // Or the id.
            return None;
        }
        // One entry of the list that domlogon-tickets reads.
        let length = u32::try_from(found.len()).ok()?;
        let mut list = Zeroizing::new(Vec::with_capacity(found.len() + 4));
        list.extend_from_slice(&length.to_le_bytes());
        list.extend_from_slice(&found);
        Some(Tickets {
            cache: cache.replace("{uid}", &owner.uid.to_string()),
            credentials: TicketBytes::new(&list)?,
            uid: owner.uid,
            gid: owner.gid,
        })
    }
}

impl Pending {
    /// Keeps the tickets of somebody who has just logged on.
    pub(crate) fn keep(
        &self,
        person: &Person,
        service: &str,
        credentials: Zeroizing<Vec<u8>>,
        now: Timestamp,
    ) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, waiting| is_fresh(waiting.at, now));
        if waiting.len() >= MOST {
            let oldest = waiting.iter().min_by_key(|(_, waiting)| waiting.at);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                waiting.remove(&key);
            }
        }
        waiting.insert(
            (UserName::fold(&person.name), service.to_owned()),
            Waiting {
                person: person.clone(),
                credentials,
                at: now,
            },
        );
    }

    /// Hands the tickets of this person out, once.
    pub(crate) fn take(
        &self,
        user: &UserName,
        service: &str,
        now: Timestamp,
    ) -> Option<(Person, Zeroizing<Vec<u8>>)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = waiting.remove(&(user.key(), service.to_owned()))?;
        is_fresh(found.at, now).then_some((found.person, found.credentials))
    }

    /// Drops what nobody fetched.
    pub(crate) fn expire(&self, now: Timestamp) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, waiting| is_fresh(waiting.at, now));
    }
}

const fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    now.since(at).abs() <= PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logon::tests::{open, settings};
    use crate::settings::Settings;

    #[test]
    fn whoever_has_the_name_by_now_does_not_get_the_tickets_of_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let directory = open(Settings {
            tickets: Some("FILE:/run/user/{uid}/krb5cc".to_owned()),
            ..settings(folder.path())
        });
        let (before, now) = (
            Person::example("alice", 1103),
            Person::example("Alice", 1104),
        );
        let (user, at) = (UserName::parse(b"alice").unwrap(), Timestamp(1000));
        let tickets = || {
            let bytes = Zeroizing::new(b"ticket".to_vec());
            directory.pending.keep(&before, "sshd", bytes, at);
            directory.tickets_of(&user, "sshd", at)
        };
        let uid = directory.user(&before).unwrap().uid;
        // The disk is full, and the file does not have who has just logged on.
        assert_eq!(tickets().unwrap().uid, uid);
        let other = Person::example("bob", 1105);
        directory
            .cache
            .keep_person(&other, Some(uid), None, at)
            .unwrap();
        assert!(tickets().is_none(), "another account has the id");
        directory.keep(&before, None, at).unwrap();
        let his = tickets().unwrap();
        assert_eq!(his.uid, uid);
        assert_eq!(his.cache, format!("FILE:/run/user/{uid}/krb5cc"));
        directory.keep(&now, None, at).unwrap();
        assert!(tickets().is_none(), "another account has the name");
    }

    #[test]
    fn handed_out_once_in_time_and_to_the_same_service() {
        let pending = Pending::default();
        let alice = Person::example("Alice", 1103);
        let user = UserName::parse(b"alice").unwrap();
        let keep = |at| {
            let bytes = Zeroizing::new(b"ticket".to_vec());
            pending.keep(&alice, "sshd", bytes, Timestamp(at));
        };
        keep(1000);
        assert!(pending.take(&user, "crond", Timestamp(1001)).is_none());
        let (_, found) = pending.take(&user, "sshd", Timestamp(1001)).unwrap();
        assert_eq!(found.as_slice(), b"ticket");
        assert!(pending.take(&user, "sshd", Timestamp(1001)).is_none());
        keep(1000);
        let late = Timestamp(1000 + PATIENCE + 1);
        assert!(pending.take(&user, "sshd", late).is_none());
        keep(1000);
        pending.expire(late);
        assert!(pending.take(&user, "sshd", Timestamp(1000)).is_none());
    }

    #[test]
    fn whoever_never_comes_takes_no_memory_for_ever() {
        let pending = Pending::default();
        for number in 0..MOST + 50 {
            let person = Person::example(&format!("user{number}"), 2000);
            let at = Timestamp(1000 + i64::try_from(number / 10).unwrap());
            pending.keep(&person, "sshd", Zeroizing::new(vec![0]), at);
        }
        assert_eq!(pending.0.lock().unwrap().len(), MOST);
    }
}
