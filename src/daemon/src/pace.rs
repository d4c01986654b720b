//! How often a caller that is not root may have passwords judged.

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

/// Beyond this many callers the table is cleared of those who have waited long enough.
const MANY: usize = 1024;

/// For each user id, when its requests so far are paid off at one each [`INTERVAL`].
#[derive(Default)]
pub(crate) struct Pace(Mutex<HashMap<u32, Instant>>);

impl Pace {
    /// How long this caller must wait before his request is looked at; `None` if that
    /// would be too long, and the request is not counted.
    pub(crate) fn wait(&self, uid: u32, now: Instant) -> Option<Duration> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MANY {
            table.retain(|_, paid| *paid > now);
        }
        let paid = table.get(&uid).copied().map_or(now, |paid| paid.max(now));
        let debt = paid + INTERVAL - now;
        let wait = debt.saturating_sub(INTERVAL * BURST);
        if wait > PATIENCE {
            return None;
        }
        table.insert(uid, paid + INTERVAL);
        Some(wait)
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
            assert_eq!(pace.wait(1, now), Some(Duration::ZERO));
        }
        for seconds in 1..=3 {
            assert_eq!(pace.wait(1, now), Some(Duration::from_secs(seconds)));
        }
        for _ in 0..1000 {
            assert_eq!(pace.wait(1, now), None);
        }
        assert_eq!(pace.wait(2, now), Some(Duration::ZERO), "others are free");
        let later = now + Duration::from_secs(4);
        assert_eq!(pace.wait(1, later), Some(Duration::ZERO));
        assert_eq!(pace.wait(1, later), Some(Duration::from_secs(1)));
    }

    #[test]
    fn the_table_stays_small() {
        let pace = Pace::default();
        let now = Instant::now();
        for uid in 0..10_000 {
            pace.wait(uid, now + Duration::from_secs(u64::from(uid)));
        }
        assert!(pace.0.lock().unwrap().len() <= MANY);
    }
}
