//! How often a caller that is not root may have passwords judged, and his logon explained.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One request a second in the long run.
const INTERVAL: Duration = Duration::from_secs(1);

/// So many at once: a screen that is unlocked asks twice.
const BURST: u32 = 4;

/// A caller is made to wait so long, and is turned away beyond: the modules do not wait
/// much longer for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// A caller who is turned away again and again has one line of the log in this time.
const SILENCE: Duration = Duration::from_secs(10);

/// Beyond this many callers the table is cleared of those who have waited long enough.
const MANY: usize = 1024;

/// When a caller's request is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// After this time.
    After(Duration),
    /// Not at all: the wait would be too long, and the request is not counted.
    Away {
        /// Whether the log has been told of this caller not long ago.
        noted: bool,
    },
}

/// The callers, by the user id of whoever is behind theirs.
#[derive(Default)]
pub(crate) struct Pace(Mutex<HashMap<u32, Debt>>);

struct Debt {
    /// When the requests so far are paid off at one each [`INTERVAL`].
    paid: Instant,
    /// Until when the log is spared this caller.
    silent: Option<Instant>,
}

impl Debt {
    /// Counts a request that is made `now`, and says how long it waits; `None`: too long, and
    /// it is not counted.
    fn wait(&mut self, now: Instant) -> Option<Duration> {
        let paid = self.paid.max(now) + INTERVAL;
        let wait = (paid - now).saturating_sub(INTERVAL * BURST);
        (wait <= PATIENCE).then(|| {
            self.paid = paid;
            wait
        })
    }
}

impl Pace {
    /// When the request that this caller makes `now` is looked at.
    pub(crate) fn turn(&self, uid: u32, now: Instant) -> Turn {
        self.with(uid, now, |debt| match debt.wait(now) {
            Some(wait) => Turn::After(wait),
            None => {
                let noted = debt.silent.is_some_and(|until| now < until);
                if !noted {
                    debt.silent = Some(now + SILENCE);
                }
                Turn::Away { noted }
            }
        })
    }

    /// How long a request waits of which the log is told nothing in any case; `None`: it is
    /// not looked at.
    pub(crate) fn wait(&self, uid: u32, now: Instant) -> Option<Duration> {
        self.with(uid, now, |debt| debt.wait(now))
    }

    fn with<T>(&self, uid: u32, now: Instant, f: impl FnOnce(&mut Debt) -> T) -> T {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MANY {
            table.retain(|_, debt| debt.paid > now);
        }
        f(table.entry(uid).or_insert(Debt {
            paid: now,
            silent: None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_one_a_second() {
        let pace = Pace::default();
        let now = Instant::now();
        for _ in 0..BURST {
            assert_eq!(pace.turn(1, now), after(0));
        }
        for seconds in 1..=3 {
            assert_eq!(pace.turn(1, now), after(seconds));
        }
        assert_eq!(pace.turn(1, now), Turn::Away { noted: false });
        for _ in 0..1000 {
            assert_eq!(pace.turn(1, now), Turn::Away { noted: true });
        }
        assert_eq!(pace.turn(2, now), after(0), "others are free");
        let later = now + Duration::from_secs(4);
        assert_eq!(pace.turn(1, later), after(0));
        assert_eq!(pace.turn(1, later), after(1));
    }

    #[test]
    fn whoever_goes_on_is_noted_now_and_then() {
        let pace = Pace::default();
        let start = Instant::now();
        let mut lines = 0;
        for tenth in 0..600 {
            let now = start + Duration::from_millis(100) * tenth;
            lines += usize::from(pace.turn(1, now) == Turn::Away { noted: false });
        }
        assert_eq!(lines, 6, "in a minute");
    }

    #[test]
    fn what_the_log_is_not_told_takes_no_line_from_it() {
        let pace = Pace::default();
        let now = Instant::now();
        for _ in 0..BURST {
            assert_eq!(pace.wait(1, now), Some(Duration::ZERO));
        }
        for seconds in 1..=3 {
            assert_eq!(pace.wait(1, now), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(pace.wait(1, now), None);
        assert_eq!(pace.turn(1, now), Turn::Away { noted: false });
    }

    fn after(seconds: u64) -> Turn {
        Turn::After(Duration::from_secs(seconds))
    }

    #[test]
    fn the_table_stays_small() {
        let pace = Pace::default();
        let now = Instant::now();
        for uid in 0..10_000 {
            pace.turn(uid, now + Duration::from_secs(u64::from(uid)));
        }
        assert!(pace.0.lock().unwrap().len() <= MANY);
    }
}
