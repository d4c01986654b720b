//! The places to hash in: a storm of logons queues here, and does not take all memory.

use crate::error::{Fault, Result};
use domlogon_protocol::Verdict;
#[cfg(test)]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long one request waits for its turns to hash, all together. Less than the patience of a PAM
/// module, so that the person is told that the daemon is busy and not that it is dead.
const PATIENCE: Duration = Duration::from_secs(3);

/// A few places to hash in; whoever finds none waits, and not for ever.
pub(crate) struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
    patience: Duration,
    #[cfg(test)]
    taken: AtomicUsize,
}

pub(crate) struct Slot<'a>(&'a Slots);

impl Default for Slots {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(2, usize::from);
        Self::new(processors.max(2), PATIENCE)
    }
}

impl Slots {
    fn new(count: usize, patience: Duration) -> Self {
        Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
            patience,
            #[cfg(test)]
            taken: AtomicUsize::new(0),
        }
    }

    /// When a request that begins now has waited long enough.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    pub(crate) fn take(&self, deadline: Instant) -> Result<Slot<'_>> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = deadline.saturating_duration_since(Instant::now());
        let (mut free, _) = self
            .freed
            .wait_timeout_while(free, patience, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            return Err(Fault::Store(Verdict::Busy));
        }
        *free -= 1;
        #[cfg(test)]
        self.taken.fetch_add(1, Ordering::SeqCst);
        Ok(Slot(self))
    }

    /// How often one was taken.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_too_long_is_told_busy() {
        let slots = Slots::new(1, Duration::from_millis(20));
        let deadline = slots.deadline();
        let first = slots.take(deadline).unwrap();
        let busy = |taken| matches!(taken, Err(Fault::Store(Verdict::Busy)));
        assert!(busy(slots.take(deadline)));
        // Its second hash is not waited for anew; a free place is taken all the same.
        let begun = Instant::now();
        assert!(busy(slots.take(deadline)));
        assert!(begun.elapsed() < Duration::from_millis(15));
        drop(first);
        assert!(slots.take(deadline).is_ok());
    }
}
