//! Which controllers have FAST (RFC 6113). One that has is believed nothing without it: whoever
//! is between us and it could say that it has lost it.

use domlogon_protocol::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After how long a controller that did not know FAST is asked in that way again.
const AGAIN: Duration = Duration::from_secs(600);

/// For how long a controller that did know FAST is believed nothing without it, also over a
/// restart. After that it may really have lost it.
const LASTS: Duration = Duration::from_secs(24 * 3600);

/// From this age on it is seen to again.
const AGES: Duration = Duration::from_secs(6 * 3600);

/// More controllers than a host asks: what is kept of them has an end.
const MOST: usize = 64;

/// What was seen of the controllers, by name.
#[derive(Default)]
pub(crate) struct Fast {
    /// Those that do not know it, and since when that is taken for granted.
    without: Mutex<HashMap<String, Instant>>,
    /// Those that have answered inside an armour, and when they last did.
    with: Mutex<HashMap<String, Instant>>,
}

impl Fast {
    /// Whether a controller has it.
    pub(crate) fn is_with(&self, server: &str) -> bool {
        self.age(server).is_some_and(|age| age < LASTS)
    }

    /// Whether it may be tried: the controller was not seen to be without it of late.
    pub(crate) fn may_be_with(&self, server: &str) -> bool {
        let lately = lock(&self.without).get(server).map(Instant::elapsed);
        lately.is_none_or(|since| since >= AGAIN) || self.is_with(server)
    }

    /// Whether it is time to see to it: nothing is known, or it was long ago.
    pub(crate) fn is_old(&self, server: &str) -> bool {
        self.age(server).is_none_or(|age| age >= AGES)
    }

    /// Notes that a controller does not know it.
    pub(crate) fn missed(&self, server: &str) {
        lock(&self.without).insert(server.to_owned(), Instant::now());
    }

    /// Notes that a controller has answered inside an armour.
    pub(crate) fn met(&self, server: &str) {
        lock(&self.with).insert(server.to_owned(), Instant::now());
        lock(&self.without).remove(server);
    }

    /// The controllers that have it, and when they last showed it, the last one first: to be
    /// kept over a restart.
    pub(crate) fn seen(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        let mut seen: Vec<_> = lock(&self.with)
            .iter()
            .map(|(name, at)| (name.clone(), at.elapsed()))
            .filter(|(_, age)| *age < LASTS)
            .map(|(name, age)| {
                let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
                (name, now.plus(-age))
            })
            .collect();
        seen.sort_by(|(name, at), (other, than)| than.cmp(at).then_with(|| name.cmp(other)));
        seen.truncate(MOST);
        seen
    }

    /// Takes up what [`Fast::seen`] said before a restart, for what is left of its time.
    pub(crate) fn recall(&self, seen: Vec<(String, Timestamp)>, now: Timestamp) {
        let mut with = lock(&self.with);
        for (name, at) in seen.into_iter().take(MOST) {
            // A time to come is one of a wrong clock, then or now: as if it were seen just now.
            let age = Duration::from_secs(u64::try_from(now.since(at)).unwrap_or_default());
            if let Some(at) = Instant::now().checked_sub(age).filter(|_| age < LASTS) {
                with.entry(name).or_insert(at);
            }
        }
    }

    fn age(&self, server: &str) -> Option<Duration> {
        lock(&self.with).get(server).map(Instant::elapsed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000);
    const DAY: i64 = 24 * 3600;

    #[test]
    fn it_is_recalled_for_what_is_left_of_a_day() {
        let before = Fast::default();
        before.met("dc1");
        let seen = before.seen(NOW);
        assert_eq!(seen, [("dc1".to_owned(), NOW)]);
        let after = |now| {
            let after = Fast::default();
            after.recall(seen.clone(), now);
            after
        };
        assert!(after(NOW).is_with("dc1") && !after(NOW).is_old("dc1"));
        assert!(!after(NOW).is_with("dc2") && after(NOW).is_old("dc2"));
        let late = after(NOW.plus(DAY - 60));
        assert!(late.is_with("dc1") && late.is_old("dc1"));
        // What is kept then is as old: a restart gives it no more time.
        assert!(late.seen(NOW.plus(DAY - 60)) <= vec![("dc1".to_owned(), NOW)]);
        assert!(!after(NOW.plus(DAY)).is_with("dc1"));
        assert!(after(NOW.plus(DAY)).seen(NOW.plus(DAY)).is_empty());
        // A clock that was wrong, or is.
        assert!(after(NOW.plus(-10 * DAY)).is_with("dc1"));
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let fast = Fast::default();
        for number in 0..MOST + 9 {
            fast.met(&format!("dc{number}"));
        }
        assert_eq!(fast.seen(NOW).len(), MOST);
    }

    #[test]
    fn one_that_has_it_is_not_taken_for_one_that_has_not() {
        let fast = Fast::default();
        assert!(fast.may_be_with("dc1") && !fast.is_with("dc1"));
        fast.missed("dc1");
        assert!(!fast.may_be_with("dc1"));
        fast.met("dc1");
        fast.missed("dc1");
        assert!(fast.may_be_with("dc1") && fast.is_with("dc1"));
    }
}
