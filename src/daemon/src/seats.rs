//! How many connections are served at once, and for whom.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// All connections together.
    pub(crate) all: usize,
    /// Those of callers that are not root, together: the rest is root's.
    pub(crate) others: usize,
    /// Those of one caller that is not root; fewer when few are left.
    pub(crate) each: usize,
}

impl Bounds {
    /// Bounds for a process that may have so many open files: without one left, nobody
    /// could be served at all, root neither.
    pub(crate) fn within(files: u64) -> Self {
        /// For the account database, the sockets, the log and the local names.
        const OWN: u64 = 48;
        const MOST: u64 = 256;
        let all = files.saturating_sub(OWN).clamp(8, MOST);
        let all = usize::try_from(all).unwrap_or(8);
        Self {
            all,
            others: all / 4 * 3,
            each: all / 8,
        }
    }
}

/// The places for connections.
pub(crate) struct Seats {
    bounds: Bounds,
    taken: Mutex<Taken>,
    left: Condvar,
}

#[derive(Default)]
struct Taken {
    all: usize,
    others: HashMap<u32, usize>,
    /// How many were given back so far.
    given_back: u64,
}

/// One place, given back when dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    uid: u32,
}

impl Seats {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            taken: Mutex::default(),
            left: Condvar::new(),
        })
    }

    /// A place for a caller, if there is one for him.
    pub(crate) fn take(self: &Arc<Self>, uid: u32) -> Option<Seat> {
        let mut taken = self.taken();
        if taken.all >= self.bounds.all || !taken.count(uid, self.bounds) {
            return None;
        }
        taken.all += 1;
        drop(taken);
        Some(Seat {
            seats: Arc::clone(self),
            uid,
        })
    }

    /// A place for a caller, waited for until `deadline` if need be.
    pub(crate) fn take_by(self: &Arc<Self>, uid: u32, deadline: Instant) -> Option<Seat> {
        loop {
            // Before the look, so that no place that is given back meanwhile is missed.
            let given_back = self.taken().given_back;
            if let Some(seat) = self.take(uid) {
                return Some(seat);
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return None;
            }
            let waited = self
                .left
                .wait_timeout_while(self.taken(), rest, |t| t.given_back == given_back);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Waits until every place is given back; whether that came in time.
    pub(crate) fn wait_until_empty(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut taken = self.taken();
        while taken.all > 0 {
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return false;
            }
            let waited = self.left.wait_timeout(taken, rest);
            taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Counts one more place for a caller, if his share has one.
    fn count(&mut self, uid: u32, bounds: Bounds) -> bool {
        if uid == 0 {
            return true;
        }
        let others: usize = self.others.values().sum();
        let own = self.others.get(&uid).copied().unwrap_or(0);
        // The fewer are left, the fewer for each: some users who keep all that they get
        // must not keep every other one from his screen. A logon is two connections, and
        // the second may come before the first is given back.
        let left = bounds.others.saturating_sub(others);
        let share = (left / 4).max(2).min(bounds.each);
        let free = left > 0 && own < share;
        if free {
            self.others.insert(uid, own + 1);
        }
        free
    }

    fn discount(&mut self, uid: u32) {
        if let Some(own) = self.others.get_mut(&uid) {
            *own -= 1;
            if *own == 0 {
                self.others.remove(&uid);
            }
        }
    }
}

impl Seat {
    /// Counts a place that root took for whoever turned out to be behind it. Whether his
    /// share has one.
    pub(crate) fn count_for(&mut self, uid: u32) -> bool {
        let mut taken = self.seats.taken();
        let counted = taken.count(uid, self.seats.bounds);
        if counted {
            taken.discount(self.uid);
            self.uid = uid;
        }
        counted
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.all -= 1;
        taken.given_back = taken.given_back.wrapping_add(1);
        taken.discount(self.uid);
        self.seats.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_follow_from_the_open_files() {
        for (files, all, others, each) in [
            (1024, 256, 192, 32),
            (1 << 20, 256, 192, 32),
            (80, 32, 24, 4),
            (20, 8, 6, 1),
        ] {
            let bounds = Bounds::within(files);
            assert_eq!(
                (bounds.all, bounds.others, bounds.each),
                (all, others, each)
            );
        }
    }

    #[test]
    fn the_last_places_are_roots() {
        let seats = Seats::new(Bounds {
            all: 22,
            others: 20,
            each: 4,
        });
        let take = |uid| -> Vec<Seat> { (0..30).map_while(|_| seats.take(uid)).collect() };
        let held: Vec<Vec<Seat>> = (1..10).map(take).collect();
        let counts: Vec<usize> = held.iter().map(Vec::len).collect();
        assert_eq!(counts, [4, 3, 2, 2, 2, 2, 2, 2, 1], "fewer and fewer");
        let root = take(0);
        assert_eq!(root.len(), 2, "what is left");
        drop(held);
        assert_eq!(take(9).len(), 4, "given back");
        assert!(!seats.wait_until_empty(Duration::from_millis(10)));
        drop(root);
        assert!(seats.wait_until_empty(Duration::ZERO));
        assert!(seats.taken().others.is_empty());
    }

    /// With the daemon's own bounds, and however many there are.
    #[test]
    fn those_who_take_all_they_get_leave_a_place() {
        for callers in [1, 5, 6, 12] {
            let seats = Seats::new(Bounds::within(1024));
            let mut held = Vec::new();
            for uid in 1..=callers {
                held.extend((0..1000).map_while(|_| seats.take(uid)));
            }
            let logon = [seats.take(1000), seats.take(1000)];
            assert!(logon.iter().all(Option::is_some), "beside {callers}");
        }
    }

    #[test]
    fn a_place_of_roots_becomes_anothers() {
        let seats = Seats::new(Bounds {
            all: 22,
            others: 20,
            each: 4,
        });
        let mut held: Vec<Seat> = (0..20).map_while(|_| seats.take(0)).collect();
        let counted: Vec<bool> = held.iter_mut().map(|seat| seat.count_for(7)).collect();
        assert_eq!(counted.iter().filter(|counted| **counted).count(), 4);
        assert!(seats.take(7).is_none(), "his share is used up");
        assert!(seats.take(8).is_some());
        drop(held);
        assert_eq!(seats.taken().all, 0);
        assert!(seats.taken().others.is_empty());
    }

    #[test]
    fn a_place_is_waited_for() {
        let seats = Seats::new(Bounds {
            all: 1,
            others: 1,
            each: 1,
        });
        let soon = || Instant::now() + Duration::from_millis(50);
        let first = seats.take_by(1, soon()).unwrap();
        let start = Instant::now();
        assert!(seats.take_by(0, soon()).is_none());
        assert!(start.elapsed() >= Duration::from_millis(45));
        std::thread::scope(|scope| {
            let later = || seats.take_by(0, Instant::now() + Duration::from_secs(10));
            let waiting = scope.spawn(later);
            std::thread::sleep(Duration::from_millis(20));
            let start = Instant::now();
            drop(first);
            assert!(waiting.join().unwrap().is_some());
            assert!(start.elapsed() < Duration::from_secs(5));
        });
    }
}
