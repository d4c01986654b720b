//! Places for those who do what takes long: a storm of logons queues here, and does not take
//! all memory.

use crate::error::{Fault, Result};
use domlogon_protocol::Verdict;
use std::collections::VecDeque;
#[cfg(test)]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// A few places; whoever finds none waits for his turn, and not for ever.
pub(crate) struct Slots {
    places: Mutex<Places>,
    #[cfg(test)]
    taken: AtomicUsize,
}

/// One place, given on when dropped.
pub(crate) struct Slot<'a>(&'a Slots);

struct Places {
    /// Not 0 only if nobody waits.
    free: usize,
    /// A place goes to whoever has waited longest, and to nobody who has just come: on a host
    /// that is slow to wake a thread, others would pass it again and again.
    queue: VecDeque<Arc<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    called: Condvar,
    has_place: AtomicBool,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            places: Mutex::new(Places {
                free: count,
                queue: VecDeque::new(),
            }),
            #[cfg(test)]
            taken: AtomicUsize::new(0),
        }
    }

    /// As many as there are processors.
    pub(crate) fn for_processors() -> Self {
        let processors = thread::available_parallelism().map_or(2, usize::from);
        Self::new(processors.max(2))
    }

    pub(crate) fn take(&self, deadline: Instant) -> Result<Slot<'_>> {
        let mut places = self.places();
        if places.free > 0 {
            places.free -= 1;
        } else {
            let me = Arc::new(Waiting::default());
            places.queue.push_back(Arc::clone(&me));
            let patience = deadline.saturating_duration_since(Instant::now());
            let waits = |_: &mut Places| !me.has_place.load(Ordering::Relaxed);
            let waited = me.called.wait_timeout_while(places, patience, waits);
            let (mut places, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if !me.has_place.load(Ordering::Relaxed) {
                places.queue.retain(|other| !Arc::ptr_eq(other, &me));
                return Err(Fault::Store(Verdict::Busy));
            }
        }
        #[cfg(test)]
        self.taken.fetch_add(1, Ordering::SeqCst);
        Ok(Slot(self))
    }

    /// How often one was taken.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut places = self.0.places();
        match places.queue.pop_front() {
            Some(next) => {
                next.has_place.store(true, Ordering::Relaxed);
                next.called.notify_one();
            }
            None => places.free += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn whoever_waits_too_long_is_told_busy() {
        let slots = Slots::new(1);
        let deadline = Instant::now() + Duration::from_millis(20);
        let first = slots.take(deadline).unwrap();
        let is_busy = || matches!(slots.take(deadline), Err(Fault::Store(Verdict::Busy)));
        assert!(is_busy());
        assert!(Instant::now() >= deadline);
        // Too late is not waited for; a free place is taken all the same.
        assert!(is_busy());
        drop(first);
        assert!(slots.take(deadline).is_ok());
        assert_eq!(slots.places().queue.len(), 0);
    }

    #[test]
    fn who_came_first_goes_first() {
        let slots = Slots::new(1);
        let later = Instant::now() + Duration::from_secs(10);
        let first = slots.take(later).unwrap();
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let (slots, order) = (&slots, &order);
            for number in 0..8 {
                scope.spawn(move || {
                    let _slot = slots.take(later).unwrap();
                    order.lock().unwrap().push(number);
                });
                while slots.places().queue.len() <= number {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            drop(first);
        });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(slots.places().free, 1);
    }
}
