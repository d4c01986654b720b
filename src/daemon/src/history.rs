//! Who came in of late by which service, or was refused there for want of the right: what
//! a changed file of rights is tried against before it is taken.
//!
//! One row for each pair of a user and a service, bounded in number and in age. It is kept
//! in a file beside the account database, so that it outlives a restart. Losing it costs a
//! simulation its past and nothing else, so nothing waits for it to be written.

pub(crate) mod fuzzed;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use table::Visits;

use crate::log::{Level, Log};
use crate::record::Record;
use domlogon_protocol::Timestamp;
use nix::libc;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use table::{Kept, Table};

/// The name of the file.
pub(crate) const FILE: &str = "logons.json";

/// It is written at most once in this time.
const PAUSE: Duration = Duration::from_secs(60);

/// Most bytes of it that are read: more than the greatest table needs.
const LONGEST: u64 = 32 * 1024 * 1024;

/// How somebody came to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// Was let in.
    Granted,
    /// Was refused by the step of the logon right.
    Refused,
}

/// Whoever came of late, and the file that keeps them.
pub(crate) struct History {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread that writes has too.
struct Shared {
    path: PathBuf,
    log: Arc<Log>,
    pause: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    table: Table,
    /// There is something that the file does not say yet.
    dirty: bool,
    /// The last attempt to write it failed: that is said once.
    failing: bool,
    stopping: bool,
}

/// Why a file is of no use.
#[derive(Debug)]
enum Useless {
    Io(io::Error),
    NoFile,
    Exposed,
    TooLong,
    Damaged,
}

impl fmt::Display for Useless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NoFile => f.write_str("it is not a regular file"),
            Self::Exposed => f.write_str("somebody else can write it"),
            Self::TooLong => f.write_str("it is too long"),
            Self::Damaged => f.write_str("it is damaged"),
        }
    }
}

impl From<io::Error> for Useless {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl History {
    /// What the file at `path` remembers as of `now`. One that is of no use is thrown
    /// away, and the log says so.
    pub(crate) fn open(path: PathBuf, log: Arc<Log>, now: Timestamp) -> Self {
        Self::with_pause(path, log, now, PAUSE)
    }

    fn with_pause(path: PathBuf, log: Arc<Log>, now: Timestamp, pause: Duration) -> Self {
        let table = match read(&path, now) {
            Ok(table) => table,
            Err(why) => {
                let record = Record::new("the past logons cannot be read, and are forgotten")
                    .field("file", &path.display().to_string())
                    .field("reason", &why.to_string());
                log.write(Level::Warning, &record.line());
                Table::default()
            }
        };
        let shared = Arc::new(Shared {
            path,
            log,
            pause,
            state: Mutex::new(State {
                table,
                ..State::default()
            }),
            changed: Condvar::new(),
        });
        let keeper = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("history".to_owned())
            .stack_size(512 * 1024)
            .spawn(move || keeper.keep());
        // Without a thread it is written at the end alone.
        let writer = Mutex::new(writer.ok());
        Self { shared, writer }
    }

    /// Remembers that the user with this folded name came to a service. Only users who
    /// exist may be given here: the table is bounded, and unknown names would fill it.
    pub(crate) fn remember(&self, user: &str, service: &str, came: Came, now: Timestamp) {
        let mut state = self.shared.state();
        let service = service.to_ascii_lowercase();
        state.table.remember(user, &service, came, now);
        if !state.dirty {
            state.dirty = true;
            self.shared.changed.notify_one();
        }
    }

    /// Whoever came at `first` or later, user by user, and since when anybody is
    /// remembered.
    pub(crate) fn from(
        &self,
        first: Timestamp,
        now: Timestamp,
    ) -> (Vec<(String, Visits)>, Option<Timestamp>) {
        let mut state = self.shared.state();
        state.table.forget_old(now);
        (state.table.from(first), state.table.since())
    }

    /// Writes what is not written yet; from here on nothing is written by itself.
    pub(crate) fn close(&self) {
        self.shared.state().stopping = true;
        self.shared.changed.notify_one();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // It ends by itself, and a panic ends the daemon.
            let _ = writer.join();
        }
        self.shared.flush();
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Writes now and then, until the end.
    fn keep(&self) {
        let mut state = self.state();
        while !state.stopping {
            if !state.dirty {
                let waited = self.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let deadline = Instant::now() + self.pause;
            loop {
                let rest = deadline.saturating_duration_since(Instant::now());
                if state.stopping {
                    return;
                }
                if rest.is_zero() {
                    break;
                }
                let waited = self.changed.wait_timeout(state, rest);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            drop(state);
            self.flush();
            state = self.state();
        }
    }

    /// Writes what is not written yet. What cannot be written is tried again after the
    /// next logon.
    fn flush(&self) {
        let kept = {
            let mut state = self.state();
            if !state.dirty {
                return;
            }
            state.dirty = false;
            state.table.kept()
        };
        // Requests go on meanwhile.
        let written = write(&self.path, &kept);
        let mut state = self.state();
        let was_failing = state.failing;
        state.failing = written.is_err();
        drop(state);
        if let (Err(error), false) = (written, was_failing) {
            let record = Record::new("the past logons cannot be written")
                .field("file", &self.path.display().to_string())
                .field("reason", &error.to_string());
            self.log.write(Level::Warning, &record.line());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table in the file; an empty one if there is no file.
fn read(path: &Path, now: Timestamp) -> Result<Table, Useless> {
    // Without waiting: a pipe in the file's place would never end.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Table::default()),
        opened => opened?,
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(Useless::NoFile);
    }
    let us = [0, nix::unistd::geteuid().as_raw()];
    if !us.contains(&found.uid()) || found.mode() & 0o022 != 0 {
        return Err(Useless::Exposed);
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(Useless::TooLong);
    }
    let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| Useless::Damaged)?;
    Table::of(kept, now).ok_or(Useless::Damaged)
}

/// Puts the file in place whole, or leaves the one before.
fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    let bytes = serde_json::to_vec(kept)?;
    let beside = path.with_extension("json.new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
