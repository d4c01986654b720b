//! Chance that can be repeated: the seed is printed, and `DOMLOGON_SEED` gives it again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A generator of numbers (splitmix64): good enough to choose moments with.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A new one, with its seed printed under this name.
    pub fn new(what: &str) -> Chance {
        let given = std::env::var("DOMLOGON_SEED").ok();
        let seed = given.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(1, |since| u64::from(since.subsec_nanos()) + 1)
        });
        println!("seed    {what}: DOMLOGON_SEED={seed}");
        Chance(seed)
    }

    /// One that goes its own way from here on.
    #[must_use]
    pub fn split(&mut self) -> Chance {
        Chance(self.next())
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// An index below `end`.
    pub fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or(0)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A time from `least` to `most`.
    pub fn time(&mut self, least: Duration, most: Duration) -> Duration {
        let span = u64::try_from(most.saturating_sub(least).as_micros()).unwrap_or(u64::MAX);
        least + Duration::from_micros(self.below(span.saturating_add(1)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
