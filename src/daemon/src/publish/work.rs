//! What is to be done beside, and when: nobody waits for it, and it must not be done too often.

use super::Shared;
use super::files::Failure;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Between two deltas that nobody waits for.
const PACE: Duration = Duration::from_millis(200);

/// A base that is only better than a long delta is not begun sooner than so many times what
/// the last one took.
const REST: u32 = 10;

/// After a failure.
const RETRY: Duration = Duration::from_secs(5);

/// What there is to do.
#[derive(Default)]
pub(super) struct Tasks {
    list: Mutex<List>,
    added: Condvar,
}

#[derive(Default)]
struct List {
    stop: bool,
    /// Something has changed.
    delta: bool,
    /// There is no base that holds.
    base: bool,
    /// From then on another base is better.
    better: Option<Instant>,
    /// Before then no base can be made.
    not_before: Option<Instant>,
}

impl Tasks {
    pub(super) fn stop(&self) {
        self.add(|list| list.stop = true);
    }

    pub(super) fn delta(&self) {
        self.add(|list| list.delta = true);
    }

    /// A base is needed.
    pub(super) fn base(&self) {
        self.add(|list| list.base = true);
    }

    /// A base is needed, and could not be made just now.
    pub(super) fn base_again(&self) {
        self.add(|list| {
            list.base = true;
            list.not_before = Some(Instant::now() + RETRY);
        });
    }

    /// A base is better from then on.
    pub(super) fn base_in_time(&self, at: Instant) {
        self.add(|list| {
            if list.better.is_none_or(|before| at < before) {
                list.better = Some(at);
            }
        });
    }

    fn add(&self, task: impl FnOnce(&mut List)) {
        task(&mut self.list());
        self.added.notify_all();
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that does it.
pub(super) struct Work {
    shared: Arc<Shared>,
    /// When the last delta was begun.
    delta: Option<Instant>,
    /// When there may be another base that nobody needs.
    rested: Option<Instant>,
}

enum Task {
    Stop,
    Delta,
    Base,
}

impl Work {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            delta: None,
            rested: None,
        }
    }

    pub(super) fn run(mut self) {
        // What was changed before there was anybody to tell is in the first base.
        self.shared.tasks.base();
        loop {
            match self.next() {
                Task::Stop => return,
                Task::Delta => {
                    self.delta = Some(Instant::now());
                    self.shared.follow(&mut self.shared.state());
                }
                Task::Base => {
                    let begun = Instant::now();
                    match self.shared.build() {
                        Ok(()) | Err(Failure::GivenUp) => {}
                        // It is in the log, and tried again.
                        Err(_) => continue,
                    }
                    self.rested = Some(Instant::now() + begun.elapsed() * REST);
                }
            }
        }
    }

    /// Waits for something to do.
    fn next(&self) -> Task {
        let tasks = &self.shared.tasks;
        let mut list = tasks.list();
        loop {
            let when = match self.choose(&mut list, Instant::now()) {
                Ok(task) => return task,
                Err(when) => when,
            };
            list = match when {
                None => tasks
                    .added
                    .wait(list)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(when) => {
                    let time = when.saturating_duration_since(Instant::now());
                    let waited = tasks.added.wait_timeout(list, time);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// What to do now, or when to look again.
    fn choose(&self, list: &mut List, now: Instant) -> Result<Task, Option<Instant>> {
        if list.stop {
            return Ok(Task::Stop);
        }
        let base = match (list.base, list.better) {
            (true, _) => list.not_before.or(Some(now)),
            (false, Some(at)) => [Some(at), self.rested, list.not_before]
                .into_iter()
                .flatten()
                .max(),
            (false, None) => None,
        };
        if base.is_some_and(|at| at <= now) {
            (list.base, list.better, list.not_before) = (false, None, None);
            return Ok(Task::Base);
        }
        let delta = list
            .delta
            .then(|| self.delta.map_or(now, |last| last + PACE));
        if delta.is_some_and(|at| at <= now) {
            list.delta = false;
            return Ok(Task::Delta);
        }
        Err([base, delta].into_iter().flatten().min())
    }
}
