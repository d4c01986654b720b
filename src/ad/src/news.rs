//! What the cache has learned since somebody last asked: for what is published of it.

use domlogon_rules::roster::{Changes, Kind, Subject};
use std::collections::BTreeSet;
use std::mem;
use std::sync::{Mutex, OnceLock, PoisonError};

/// More than this, and it is better to say everything again.
const MOST: usize = 1000;

/// The users and groups that are to be said again.
#[derive(Default)]
pub(crate) struct News {
    fresh: Mutex<Fresh>,
    bell: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Fresh {
    subjects: BTreeSet<Subject>,
    /// There were more.
    many: bool,
}

impl News {
    /// Notes that this may be otherwise now.
    pub(crate) fn note(&self, kind: Kind, key: &str, id: Option<u32>) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if !fresh.many {
            fresh.subjects.insert(Subject {
                kind,
                key: key.to_owned(),
                // Below every id that is shown: nobody has this one.
                id: id.unwrap_or(0),
            });
            if fresh.subjects.len() > MOST {
                *fresh = Fresh {
                    subjects: BTreeSet::new(),
                    many: true,
                };
            }
        }
        drop(fresh);
        self.ring();
    }

    /// Notes that everything may be otherwise.
    pub(crate) fn note_all(&self) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.subjects = BTreeSet::new();
        fresh.many = true;
        drop(fresh);
        self.ring();
    }

    /// Takes them.
    pub(crate) fn take(&self) -> Changes {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let Fresh { subjects, many } = mem::take(&mut *fresh);
        if many {
            Changes::Many
        } else {
            Changes::Few(subjects.into_iter().collect())
        }
    }

    /// Has `bell` rung after each from here on.
    pub(crate) fn ring_with(&self, bell: Box<dyn Fn() + Send + Sync>) {
        // There is one who listens.
        let _ = self.bell.set(bell);
    }

    fn ring(&self) {
        if let Some(bell) = self.bell.get() {
            bell();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::entry::Person;
    use domlogon_protocol::Timestamp;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn some(known: &[(&str, u32)]) -> Changes {
        let subject = |(key, id): &(&str, u32)| Subject {
            kind: Kind::User,
            key: (*key).to_owned(),
            id: *id,
        };
        Changes::Few(known.iter().map(subject).collect())
    }

    #[test]
    fn whoever_has_changed_or_gone_is_news_by_all_that_he_was_called() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
        let keep = |name, rid, uid| {
            let person = Person::example(name, rid);
            cache.keep_person(&person, Some(uid), None, NOW).unwrap();
        };
        keep("Alice", 1103, 70_001);
        assert_eq!(cache.news.take(), some(&[("alice", 70_001)]));
        assert_eq!(cache.news.take(), some(&[]));
        // Another name, and another id.
        keep("alicia", 1103, 70_002);
        let both = some(&[("alice", 70_001), ("alicia", 70_002)]);
        assert_eq!(cache.news.take(), both);
        // Somebody else who has that id now.
        keep("bob", 1104, 70_002);
        assert_eq!(
            cache.news.take(),
            some(&[("alicia", 70_002), ("bob", 70_002)])
        );
        cache.forget_person("bob").unwrap();
        assert_eq!(cache.news.take(), some(&[("bob", 70_002)]));
        keep("carol", 1105, 70_003);
        cache.news.take();
        cache.sweep(NOW.plus(1)).unwrap();
        assert_eq!(cache.news.take(), some(&[("carol", 70_003)]));
    }

    #[test]
    fn too_much_is_everything() {
        let news = News::default();
        let rung = std::sync::Arc::new(Mutex::new(0));
        let counter = std::sync::Arc::clone(&rung);
        news.ring_with(Box::new(move || *counter.lock().unwrap() += 1));
        for number in 0..=1000 {
            news.note(Kind::Group, &format!("group{number}"), Some(number));
        }
        assert_eq!(news.take(), Changes::Many);
        assert_eq!(news.take(), Changes::Few(Vec::new()));
        assert_eq!(*rung.lock().unwrap(), 1001);
        news.note_all();
        assert_eq!(news.take(), Changes::Many);
    }
}
