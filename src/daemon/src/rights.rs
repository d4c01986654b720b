//! The file of logon rights, `rights.toml`: read, looked up, taken, kept and watched.
//!
//! A file is taken whole or not at all. What was taken is kept beside the database, so
//! that the last good lists outlive a broken file and a restart together. Each load that
//! was taken has a version number, which goes on over restarts.

mod administrators;
#[cfg(test)]
mod fake;
mod file;
pub(crate) mod fuzzed;
mod kept;
mod report;
mod resolve;
mod source;
mod taken;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use file::{check_file, check_text, sections};
pub(crate) use watch::Watch;

use crate::clock;
use crate::log::Log;
use administrators::{NO_ADMINISTRATOR, is_one_local, lacks_administrator, says_who_is_local};
use domlogon_protocol::rights::{Checked, Problem, ProblemKind, RightsShown, RightsStatus};
use domlogon_protocol::{Timestamp, UserName};
use domlogon_rules::LocalNames;
use domlogon_rules::Rights;
use domlogon_rules::backend::{Backend, Outage};
use kept::{Kept, Lists};
use resolve::Names;
use source::Source;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use taken::{Found, Good, Last, Origin};

/// Most warnings in `status`: a list may have thousands of names that nobody has.
const MOST_WARNINGS: usize = 100;

/// The lists in force, and where they come from.
pub(crate) struct RightsFile {
    file: PathBuf,
    kept: PathBuf,
    backend: Arc<dyn Backend>,
    local: Arc<dyn LocalNames>,
    log: Arc<Log>,
    now: RwLock<InForce>,
    /// What was taken last. Held for the whole of a load: one at a time.
    last: Mutex<Last>,
    /// The deny lists in force wait for the account database to say whom their names mean now.
    is_behind: AtomicBool,
    /// The lists in force could not be kept for the next start.
    is_unkept: AtomicBool,
    /// Wakes whoever waits to try again.
    bell: Mutex<Option<UnixStream>>,
}

/// What logons are judged by.
struct InForce {
    rights: Arc<Rights>,
    status: RightsStatus,
}

/// Why a load is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Somebody asks for it: the outcome is logged in any case.
    Asked,
    /// The file may have changed: what was said already is not said again.
    Changed,
    /// Its names may mean something else. The file itself is not looked at: somebody may
    /// be writing it.
    Names,
}

impl RightsFile {
    /// Loads for the first time; never fails: what is wrong is in the log and in `status`.
    ///
    /// `file` is `rights.toml`, and `kept` where the last good lists are kept.
    pub(crate) fn open(
        file: PathBuf,
        kept: PathBuf,
        backend: Arc<dyn Backend>,
        local: Arc<dyn LocalNames>,
        log: Arc<Log>,
    ) -> Self {
        let now = clock::now();
        let before = Kept::read(&kept);
        if let Err(why) = &before {
            report::kept_unusable(&log, &kept, why);
        }
        let (last, taken_at) = Last::before(before, now);
        let status = RightsStatus {
            file: file.display().to_string(),
            loaded: last.loaded_before(),
            version: last.version,
            loaded_at: taken_at,
            refused: None,
            warnings: Vec::new(),
            audit: Vec::new(),
        };
        let this = Self {
            file,
            kept,
            backend,
            local,
            log,
            now: RwLock::new(InForce::new(last.rights(), status)),
            last: Mutex::new(last),
            is_behind: AtomicBool::default(),
            is_unkept: AtomicBool::default(),
            bell: Mutex::default(),
        };
        // The outcome is in the log and in `status`.
        let _ = this.load(now, Why::Asked);
        this
    }

    /// The lists in force.
    pub(crate) fn in_force(&self) -> Arc<Rights> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&now.rights)
    }

    /// Takes the file in again, because somebody asks for it. A file that is as it was
    /// keeps its version, if its names mean what they meant.
    ///
    /// # Errors
    /// [`Problem`] says why the file was not taken; the lists in force stay.
    pub(crate) fn reload(&self, now: Timestamp) -> Result<(), Problem> {
        self.load(now, Why::Asked)
    }

    /// Looks the names up again, after users or groups were made or deleted: a new
    /// version if one of them means something else now.
    pub(crate) fn refresh(&self, now: Timestamp) {
        // The outcome is in the log and in `status`.
        let _ = self.load(now, Why::Names);
    }

    /// As [`refresh`](Self::refresh), after a user or a group of this name was made or
    /// deleted. A file that does not name it means what it meant, and so do the deny lists in
    /// force: making ten thousand accounts does not look a long file up ten thousand times.
    pub(crate) fn name_changed(&self, name: &str, now: Timestamp) {
        let key = |text: &str| UserName::parse(text.as_bytes()).map(|name| name.key());
        let Ok(name) = key(name) else { return };
        let is_name = |text: &str| key(text).is_ok_and(|key| key == name);
        let last = self.last();
        let is_denied = last.lists.as_ref().is_some_and(|l| l.denies(is_name));
        let seen = last.seen.clone();
        drop(last);
        let is_in = |source: Arc<Source>| names(&source.bytes, is_name);
        if is_denied || seen.is_ok_and(|source| source.is_some_and(is_in)) {
            self.refresh(now);
        }
    }

    /// How the lists in force were loaded.
    pub(crate) fn status(&self) -> RightsStatus {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        now.status.clone()
    }

    /// The lists in force, whole.
    pub(crate) fn shown(&self) -> RightsShown {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        RightsShown {
            status: now.status.clone(),
            lists: now.rights.shown(),
            services: now.rights.services_shown(),
        }
    }

    /// What a file of this text would mean, and what `names` mean; nothing is changed.
    /// Names that mean nobody, or are none, are in the answer.
    ///
    /// # Errors
    /// [`Problem`]: the text cannot be read as lists, or the names cannot be looked up.
    pub(crate) fn check(
        &self,
        text: &str,
        names: &[String],
        now: Timestamp,
    ) -> Result<Checked, Problem> {
        let (lists, mut problems) = self.look_up(text)?;
        let then = lists.rights(self.next_version());
        let administrators = self.backend.administrators(now).map_err(store)?;
        let administrator_then = is_one_local(&then, &administrators);
        if lacks_administrator(&lists, &then, &administrators) {
            problems.push(NO_ADMINISTRATOR);
        }
        let entry = |name: &String| self.names().entry(name);
        Ok(Checked {
            lists: then.shown(),
            names: names
                .iter()
                .map(entry)
                .collect::<Result<_, _>>()
                .map_err(store)?,
            problems,
            administrator_now: is_one_local(&self.in_force(), &administrators),
            administrator_then,
        })
    }

    /// The lists that a file of this text would be, under the version that is next, and
    /// what is odd in it; nothing is changed.
    ///
    /// # Errors
    /// [`Problem`] says why the file would not be taken.
    pub(crate) fn compile(&self, text: &str) -> Result<(Rights, Vec<Problem>), Problem> {
        let (lists, warnings) = self.judge(text, clock::now())?;
        Ok((lists.rights(self.next_version()), warnings))
    }

    /// Reads, looks up and takes the file, or says why not.
    fn load(&self, now: Timestamp, why: Why) -> Result<(), Problem> {
        let mut last = self.last();
        self.save_again(&last);
        let found = match why {
            Why::Names => last.seen.clone(),
            Why::Asked | Why::Changed => source::read(&self.file, file::MOST),
        };
        let is_seen = last.seen == found;
        last.seen = found.clone();
        let result = match self.look_at(&last, found, now) {
            Ok(good) if last.is(&good) => {
                self.is_behind.store(false, Ordering::Relaxed);
                self.keep(good, why);
                Ok(())
            }
            Ok(good) => {
                self.is_behind.store(false, Ordering::Relaxed);
                self.take(&mut last, good, now);
                Ok(())
            }
            Err(problem) => {
                self.deny_too(&mut last, now);
                self.refuse(&last, &problem, is_seen && why != Why::Asked);
                Err(problem)
            }
        };
        drop(last);
        result
    }

    /// What was found, with all names looked up.
    fn look_at(&self, last: &Last, found: Found, now: Timestamp) -> Result<Good, Problem> {
        let whole = |kind| Problem { place: None, kind };
        let Some(source) = found.map_err(whole)? else {
            if last.is_from_file() {
                return Err(whole(ProblemKind::Gone));
            }
            return Ok(Good {
                origin: Origin::NoFile,
                lists: Lists::default(),
                warnings: Vec::new(),
            });
        };
        if source.is_blank() && last.is_missed() {
            return Err(whole(ProblemKind::Empty));
        }
        let (lists, warnings) = self.judge(file::text(&source.bytes)?, now)?;
        Ok(Good {
            origin: Origin::File(source),
            lists,
            warnings,
        })
    }

    /// What a text means, if it may be taken, and what is odd in it.
    fn judge(&self, text: &str, now: Timestamp) -> Result<(Lists, Vec<Problem>), Problem> {
        let (lists, mut problems) = self.look_up(text)?;
        let is_error = |problem: &&Problem| !problem.kind.is_warning();
        if let Some(error) = problems.iter().find(is_error) {
            return Err(error.clone());
        }
        // Administrators may be many, and have the right if nothing is said of it.
        if says_who_is_local(&lists) {
            let administrators = self.backend.administrators(now).map_err(store)?;
            if lacks_administrator(&lists, &lists.rights(0), &administrators) {
                problems.push(NO_ADMINISTRATOR);
            }
        }
        Ok((lists, problems))
    }

    fn look_up(&self, text: &str) -> Result<(Lists, Vec<Problem>), Problem> {
        let written = file::parse(text).map_err(|wrong| wrong.problem(text))?;
        self.names().resolve(&written).map_err(store)
    }

    fn next_version(&self) -> u64 {
        self.in_force().version().saturating_add(1)
    }

    fn names(&self) -> Names<'_> {
        Names {
            backend: &*self.backend,
            local: &*self.local,
        }
    }

    /// Puts lists in force under a new version.
    fn take(&self, last: &mut Last, good: Good, now: Timestamp) {
        let from_file = good.origin.is_file();
        let version = last.version.saturating_add(1);
        let status = RightsStatus {
            file: self.file.display().to_string(),
            loaded: good.origin.loaded(),
            version,
            loaded_at: now,
            refused: None,
            warnings: first(&good.warnings),
            audit: Vec::new(),
        };
        *self.now_mut() = InForce::new(good.lists.rights(version), status);
        let file = from_file.then_some(&*self.file);
        report::taken(&self.log, file, version, &good.lists);
        report::warnings(&self.log, &good.warnings);
        let kept = Kept::new(version, now, from_file, good.lists);
        self.save(&kept);
        last.lists = Some(kept.lists);
        last.origin = good.origin;
        last.version = version;
    }

    /// Notes that the file is the one whose lists are in force already.
    fn keep(&self, good: Good, why: Why) {
        let shown = first(&good.warnings);
        let mut now = self.now_mut();
        let was_refused = now.status.refused.take().is_some();
        let are_new = now.status.warnings != shown;
        now.status.loaded = good.origin.loaded();
        now.status.warnings = shown;
        let version = now.status.version;
        drop(now);
        if was_refused || why == Why::Asked {
            report::unchanged(&self.log, &self.file, version);
        }
        if are_new {
            report::warnings(&self.log, &good.warnings);
        }
    }

    /// The file is not taken, and the lists stay as they are. But a name in their deny lists
    /// may be somebody else's by now, as that of a group that was made again: he is kept out,
    /// too. Of the file nothing is taken by this.
    fn deny_too(&self, last: &mut Last, now: Timestamp) {
        let Some(lists) = &mut last.lists else { return };
        let (added, all) = self.names().denied_too(lists);
        let was_behind = self.is_behind.swap(all.is_err(), Ordering::Relaxed);
        if all.is_err() && !was_behind {
            self.ring();
        }
        if added.is_empty() {
            return;
        }
        lists.deny_too(&added);
        last.version = last.version.saturating_add(1);
        let status = RightsStatus {
            version: last.version,
            loaded_at: now,
            ..self.status()
        };
        *self.now_mut() = InForce::new(lists.rights(last.version), status);
        report::denied_too(&self.log, &self.file, last.version, &added);
        self.save(&Kept::new(last.version, now, true, lists.clone()));
    }

    /// Keeps lists for the next start.
    fn save(&self, kept: &Kept) {
        let written = kept.write(&self.kept);
        self.is_unkept.store(written.is_err(), Ordering::Relaxed);
        if let Err(error) = written {
            report::not_kept(&self.log, &self.kept, &error);
            self.ring();
        }
    }

    /// Keeps the lists in force if that failed before, as on a full disk: a later start could
    /// have no others. A failure is in the log already.
    fn save_again(&self, last: &Last) {
        if !self.is_unkept() {
            return;
        }
        let Some(lists) = last.lists.clone() else {
            return;
        };
        let taken_at = self.status().loaded_at;
        let kept = Kept::new(last.version, taken_at, last.is_from_file(), lists);
        if kept.write(&self.kept).is_ok() {
            self.is_unkept.store(false, Ordering::Relaxed);
            report::kept(&self.log, &self.kept, last.version);
        }
    }

    fn is_unkept(&self) -> bool {
        self.is_unkept.load(Ordering::Relaxed)
    }

    /// Notes why the file is not taken. What was said of it already is not said again if
    /// `is_old`.
    fn refuse(&self, last: &Last, problem: &Problem, is_old: bool) {
        let mut now = self.now_mut();
        let is_said = now.status.refused.as_ref() == Some(problem);
        now.status.loaded = last.loaded_before();
        now.status.refused = Some(problem.clone());
        drop(now);
        if !(is_old && is_said) {
            let kept = last.lists.as_ref().map(|_| last.version);
            report::refused(&self.log, &self.file, problem, kept);
            if is_outage(problem) {
                self.ring();
            }
        }
    }

    /// Whether the names of the file, or those in force, wait for the account database to
    /// answer.
    fn waits_for_store(&self) -> bool {
        if self.is_behind.load(Ordering::Relaxed) {
            return true;
        }
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        let refused = now.status.refused.as_ref();
        refused.is_some_and(is_outage)
    }

    fn ring(&self) {
        let bell = self.bell.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut bell) = bell.as_ref() {
            // Full means rung already.
            let _ = bell.write(&[0]);
        }
    }

    fn now_mut(&self) -> RwLockWriteGuard<'_, InForce> {
        self.now.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InForce {
    fn new(rights: Rights, status: RightsStatus) -> Self {
        Self {
            status: RightsStatus {
                audit: rights.audited().collect(),
                ..status
            },
            rights: Arc::new(rights),
        }
    }
}

/// Whether an entry of this file is the name. A file that cannot be read as one of rights has
/// none.
fn names(bytes: &[u8], is_name: impl Fn(&str) -> bool) -> bool {
    file::text(bytes)
        .ok()
        .and_then(|text| file::parse(text).ok())
        .is_some_and(|written| {
            written
                .lists
                .iter()
                .any(|(_, list)| list.iter().any(|entry| is_name(&entry.text)))
        })
}

const fn is_outage(problem: &Problem) -> bool {
    matches!(problem.kind, ProblemKind::Store(_))
}

fn store(Outage(verdict): Outage) -> Problem {
    Problem {
        place: None,
        kind: ProblemKind::Store(verdict),
    }
}

fn first(warnings: &[Problem]) -> Vec<Problem> {
    warnings.iter().take(MOST_WARNINGS).cloned().collect()
}
