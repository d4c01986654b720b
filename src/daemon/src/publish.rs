//! What NSS may know, in two files that programs map: a look-up costs them no question.
//!
//! The base has everything, the delta what has changed since. A change is in the delta before
//! whoever made it has his answer; changes that come meanwhile go together into the next
//! one. When there are too many, or the delta is old, a new base is made beside, and an empty
//! delta with it. What cannot be published is withdrawn: programs then ask the daemon.

mod base;
mod delta;
mod files;
#[cfg(test)]
mod tests;
mod watch;
mod work;

pub(crate) use watch::Watch;

use crate::clock;
use crate::local::{Local, Names};
use crate::log::{Level, Log};
use base::Base;
use delta::Delta;
use domlogon_names as names;
use domlogon_names::Id;
use domlogon_rules::roster::{Changes, Extent, Roster, Subject};
use files::{Failure, Files, ToFile, Which};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use work::{Tasks, Work};

/// What somebody waits for whose change takes a new base. Then the old one is withdrawn, and
/// he has his answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A delta with more names, or of more bytes, or that is older: it is time for a new base.
const LARGE: usize = 2000;
const LONG: usize = 4 << 20;
const OLD: Duration = Duration::from_secs(300);

/// A delta so large is no help. It comes to that only while no base can be made.
const TOO_LARGE: usize = 10 * LARGE;

/// The publisher, and its thread.
pub(crate) struct Publisher {
    shared: Arc<Shared>,
    local: Arc<Local>,
    /// The host's own names, as of when everything was last begun to be published for their
    /// sake.
    known: Mutex<Names>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    roster: Arc<dyn Roster>,
    log: Arc<Log>,
    /// Nobody who has it waits for `tasks`, but for a moment.
    state: Mutex<State>,
    /// Rung when a base is in place.
    published: Condvar,
    tasks: Tasks,
    /// The base that is being made is of no use any more.
    outdated: AtomicBool,
    stopped: AtomicBool,
}

/// What there is, in the files and beside them.
struct State {
    files: Files,
    /// The base that is in place, if it is ours.
    base: Option<Id>,
    complete: bool,
    delta: Delta,
    /// Since when the delta is not empty.
    changed: Option<Instant>,
    /// While a base is being made: what has changed since it was begun.
    since: Option<BTreeSet<Subject>>,
    /// How often everything has changed at once, and as of which of these times the base is.
    needed: u64,
    reached: u64,
    /// How long the last base took.
    took: Duration,
    /// The failure is in the log.
    complained: bool,
}

impl State {
    fn is_published(&self) -> bool {
        self.base.is_some() && self.reached == self.needed
    }
}

impl Publisher {
    /// Begins to publish in this folder.
    ///
    /// # Errors
    /// The system's: no thread.
    pub(crate) fn start(
        roster: Arc<dyn Roster>,
        folder: &Path,
        local: Arc<Local>,
        log: Arc<Log>,
    ) -> io::Result<Arc<Self>> {
        let known = Mutex::new(local.names());
        let shared = Arc::new(Shared::new(roster, folder, log));
        let ringing = Arc::downgrade(&shared);
        shared.roster.on_change(Box::new(move || {
            if let Some(shared) = ringing.upgrade() {
                shared.tasks.delta();
            }
        }));
        let working = Work::new(Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("names".to_owned())
            .spawn(move || working.run())?;
        Ok(Arc::new(Self {
            shared,
            local,
            known,
            thread: Mutex::new(Some(thread)),
        }))
    }

    /// Waits until everything is published, but not for ever.
    pub(crate) fn wait(&self, limit: Duration) {
        let state = self.shared.state();
        let waited = self
            .shared
            .published
            .wait_timeout_while(state, limit, |state| !state.is_published());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Publishes what has changed, before whoever changed it is told. It never fails: what
    /// cannot be published is withdrawn.
    pub(crate) fn catch_up(&self) {
        let shared = &self.shared;
        let is_old = |state: &State| !state.is_published() && state.files.are_in_place();
        let mut state = shared.state();
        shared.follow(&mut state);
        if is_old(&state) {
            drop(state);
            self.wait(PATIENCE);
            let mut state = shared.state();
            if is_old(&state) {
                shared.withdraw(&mut state);
            }
        }
    }

    /// Everything may be otherwise, for a reason that the accounts know nothing of.
    fn renew(&self) {
        self.shared.need(&mut self.shared.state());
    }

    /// Everything is otherwise if this host's own names have changed.
    pub(crate) fn look(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let names = self.local.names();
        if *known != names {
            *known = names;
            // Whoever finds no change after this has to find this done.
            self.renew();
        }
    }

    /// Publishes no more. The files stay: names have owners also while no daemon runs.
    pub(crate) fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.shared.tasks.stop();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic in it has ended the daemon already.
            let _ = thread.join();
        }
        // Memory that is mapped already: it does not fail.
        let _ = self.shared.state().files.leave();
    }
}

/// Says in what a former daemon has left in this folder, which may have been killed, that nobody
/// looks after it. There may be nothing.
pub(crate) fn leave(folder: &Path) {
    let _ = Files::find(folder).leave();
}

impl Shared {
    fn new(roster: Arc<dyn Roster>, folder: &Path, log: Arc<Log>) -> Self {
        Self {
            roster,
            log,
            state: Mutex::new(State {
                files: Files::find(folder),
                base: None,
                complete: false,
                delta: Delta::default(),
                changed: None,
                since: None,
                needed: 0,
                reached: 0,
                took: Duration::ZERO,
                complained: false,
            }),
            published: Condvar::new(),
            tasks: Tasks::default(),
            outdated: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing of what was published holds any more.
    fn need(&self, state: &mut State) {
        state.needed += 1;
        self.outdated.store(true, Ordering::Relaxed);
        self.tasks.base();
    }

    /// Publishes what has changed since the last time.
    fn follow(&self, state: &mut State) {
        match self.roster.changes() {
            Ok(Changes::Few(subjects)) if subjects.is_empty() => {}
            Ok(Changes::Few(subjects)) => self.note(state, &subjects),
            Ok(Changes::Many) | Err(_) => self.need(state),
        }
    }

    fn note(&self, state: &mut State, subjects: &[Subject]) {
        if let Some(since) = &mut state.since {
            since.extend(subjects.iter().cloned());
        }
        let Some(base) = state.base else {
            // What is in place is a former run's, and to be replaced; or nothing is.
            if state.since.is_none() {
                self.tasks.base();
            }
            return;
        };
        if self.review(&mut state.delta, subjects).is_err() {
            return self.need(state);
        }
        let written = self
            .write_delta(state, base)
            .and_then(|delta| Ok(state.files.put_delta(delta)?));
        if let Err(failure) = written {
            return self.fail(state, &failure);
        }
        let changed = *state.changed.get_or_insert_with(Instant::now);
        if state.delta.count() > TOO_LARGE {
            self.withdraw(state);
            return self.tasks.base();
        }
        if state.delta.count() > LARGE || state.delta.size() > LONG {
            self.tasks.base_in_time(Instant::now());
        } else {
            self.tasks.base_in_time(changed + OLD);
        }
    }

    fn review(&self, delta: &mut Delta, subjects: &[Subject]) -> Result<(), Failure> {
        for subject in subjects {
            delta.touch(subject);
        }
        self.roster
            .review(subjects, delta)
            .map_err(|_| Failure::Outage)
    }

    fn write_delta(&self, state: &State, base: Id) -> Result<std::fs::File, Failure> {
        let file = state.files.begin(Which::Delta)?;
        let mut file = self.begin(file, Some(base), state.complete)?;
        state.delta.write(&mut file)?;
        Ok(file.finish()?)
    }

    fn begin(
        &self,
        file: std::fs::File,
        base: Option<Id>,
        complete: bool,
    ) -> Result<ToFile, Failure> {
        let domain = self.roster.domain();
        Ok(ToFile::new(
            file,
            &names::About {
                base,
                complete,
                lowest_id: self.roster.minimum(),
                short: &domain.short,
                dns: &domain.dns,
                created_at: u64::try_from(clock::now().0).unwrap_or_default(),
            },
        )?)
    }

    /// Makes a base and puts it into place, with all that has changed meanwhile in its first
    /// delta.
    fn build(&self) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut state = self.state();
        self.outdated.store(false, Ordering::Relaxed);
        state.since = Some(BTreeSet::new());
        let (needed, complete) = (state.needed, self.roster.extent() == Extent::Complete);
        if state.took > PATIENCE && !state.is_published() {
            // What is in place is wrong, and would be for longer than that.
            self.withdraw(&mut state);
        }
        let file = state.files.begin(Which::Base);
        drop(state);
        let built = file
            .map_err(Failure::from)
            .and_then(|file| self.survey(self.begin(file, None, complete)?));
        let mut state = self.state();
        let done = built.and_then(|(id, base)| {
            self.follow(&mut state);
            if state.needed != needed {
                return Err(Failure::GivenUp);
            }
            let since = state.since.take().unwrap_or_default();
            let since: Vec<Subject> = since.into_iter().collect();
            let mut delta = Delta::default();
            self.review(&mut delta, &since)?;
            state.changed = (!since.is_empty()).then(Instant::now);
            state.delta = delta;
            state.complete = complete;
            let first = self.write_delta(&state, id)?;
            state.files.put_both(base, first)?;
            state.base = Some(id);
            state.reached = needed;
            state.took = begun.elapsed();
            Ok(())
        });
        state.since = None;
        match &done {
            Ok(()) => {
                self.recover(&mut state);
                if let Some(changed) = state.changed {
                    self.tasks.base_in_time(changed + OLD);
                }
                self.published.notify_all();
            }
            Err(failure) => {
                state.files.abandon(Which::Base);
                self.fail(&mut state, failure);
            }
        }
        done
    }

    fn survey(&self, file: ToFile) -> Result<(Id, std::fs::File), Failure> {
        let mut base = Base::new(file, || {
            let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
            is_set(&self.outdated) || is_set(&self.stopped)
        });
        self.roster.survey(&mut base).map_err(|_| Failure::Outage)?;
        base.finish()
    }

    /// Has programs ask the daemon.
    fn withdraw(&self, state: &mut State) {
        state.base = None;
        state.delta = Delta::default();
        state.changed = None;
        if let Err(error) = state.files.withdraw() {
            self.complain(state, &Failure::Io(error));
        }
    }

    fn fail(&self, state: &mut State, failure: &Failure) {
        match failure {
            // Another one is begun, or none.
            Failure::GivenUp => {}
            // The log has that already. What is in place is what was last known.
            Failure::Outage => self.tasks.base_again(),
            Failure::Build(_) | Failure::Io(_) => {
                self.withdraw(state);
                self.complain(state, failure);
                self.tasks.base_again();
            }
        }
    }

    fn complain(&self, state: &mut State, failure: &Failure) {
        if !state.complained {
            state.complained = true;
            let line = format!("names are not published, programs have to ask: {failure}");
            self.log.write(Level::Warning, &line);
        }
    }

    fn recover(&self, state: &mut State) {
        if state.complained {
            state.complained = false;
            self.log.write(Level::Notice, "names are published again");
        }
    }
}
