//! What was begun and is not finished: read by the next command, the guard and the boot unit.

use super::authselect::Select;
use super::change::{Direction, Plan};
use super::error::{EnableError, about};
use super::host::Host;
use super::logon::Logon;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Files may be replaced: to be rolled back.
    Applying,
    /// All done and proved; `confirm` is awaited.
    Pending,
    /// All done: only to be tidied up.
    Done,
}

/// One file of the plan. Its contents lie beside the journal, as `N.before` and `N.after`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) path: PathBuf,
    /// Whether there was a file before.
    pub(crate) existed: bool,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Until when a confirmation is awaited, and from whom it does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Awaited {
    /// How long was asked for, in seconds.
    pub(crate) seconds: u64,
    /// The boot in which it began.
    pub(crate) boot: String,
    /// Seconds since that boot, at the end.
    pub(crate) end_of_boot_clock: u64,
    /// Unix time at the end: what counts in another boot.
    pub(crate) end_of_wall_clock: u64,
    /// The logon in which `enable` was said.
    pub(crate) logon: Logon,
}

/// The journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) phase: Phase,
    pub(crate) direction: Direction,
    pub(crate) files: Vec<Entry>,
    pub(crate) awaited: Option<Awaited>,
    /// The account that was made for the proofs, if it may still be there.
    pub(crate) account: Option<String>,
    /// What authselect was asked to select.
    pub(crate) select: Option<Select>,
}

/// The folder of the journal, held by one command at a time.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) host: Host,
    /// Given up when the process ends, however it ends.
    _lock: Flock<File>,
}

const JOURNAL: &str = "journal.json";
const RUN: &str = "run";
const LAST: &str = "last";

impl Desk {
    /// Takes the folder, and waits for another command as long as `patience`.
    pub(crate) fn take(host: &Host, patience: Duration) -> Result<Self, EnableError> {
        let folder = host.state();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(about(&folder))?;
        let path = folder.join("lock");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(about(&path))?;
        let end = Instant::now() + patience;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => {
                    return Ok(Self {
                        host: host.clone(),
                        _lock: lock,
                    });
                }
                Err((_, errno)) if errno != nix::errno::Errno::EWOULDBLOCK => {
                    return Err(EnableError::File(path, errno.into()));
                }
                Err(_) if Instant::now() >= end => return Err(EnableError::Busy),
                Err((back, _)) => file = back,
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The journal, if something is unfinished.
    pub(crate) fn journal(&self) -> Result<Option<Journal>, EnableError> {
        journal_of(&self.host)
    }

    /// Writes the journal, so that it is there whatever happens next.
    pub(crate) fn write(&self, journal: &Journal) -> Result<(), EnableError> {
        let path = self.host.state().join(JOURNAL);
        let bytes =
            serde_json::to_vec_pretty(journal).map_err(|_| EnableError::Journal(path.clone()))?;
        replace(&path, &bytes).map_err(about(&path))
    }

    /// Writes down what the plan replaces and by what. Nothing of /etc is touched.
    pub(crate) fn begin(&self, plan: &Plan, entries: Vec<Entry>) -> Result<Journal, EnableError> {
        let run = self.host.state().join(RUN);
        remove(&run)?;
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&run)
            .map_err(about(&run))?;
        for (index, change) in plan.changes.iter().enumerate() {
            let before = change.before.as_deref().unwrap_or_default();
            for (name, bytes) in [("before", before), ("after", &change.after)] {
                let path = run.join(format!("{index}.{name}"));
                write_new(&path, bytes).map_err(about(&path))?;
            }
        }
        sync_folder(&run).map_err(about(&run))?;
        let journal = Journal {
            phase: Phase::Applying,
            direction: plan.direction,
            files: entries,
            awaited: None,
            account: None,
            select: plan.select.clone(),
        };
        self.write(&journal)?;
        Ok(journal)
    }

    /// A content that `begin` wrote down.
    pub(crate) fn content(&self, index: usize, which: &str) -> Result<Vec<u8>, EnableError> {
        let path = self.host.state().join(RUN).join(format!("{index}.{which}"));
        fs::read(&path).map_err(about(&path))
    }

    /// Ends it. What was replaced when turning on is kept as the backup; nothing else.
    pub(crate) fn end(&self, journal: &Journal) -> Result<(), EnableError> {
        let state = self.host.state();
        let (run, last) = (state.join(RUN), state.join(LAST));
        if journal.phase == Phase::Done {
            remove(&last)?;
            if journal.direction == Direction::On && run.exists() {
                let list = run.join("files.json");
                let bytes = serde_json::to_vec_pretty(&journal.files)
                    .map_err(|_| EnableError::Journal(list.clone()))?;
                replace(&list, &bytes).map_err(about(&list))?;
                fs::rename(&run, &last).map_err(about(&last))?;
            }
        }
        let path = state.join(JOURNAL);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EnableError::File(path, error));
            }
            _ => {}
        }
        sync_folder(&state).map_err(about(&state))?;
        remove(&run)
    }

    /// What the last turning on replaced, and by what.
    pub(crate) fn last(&self) -> Vec<(PathBuf, Vec<u8>, Vec<u8>)> {
        let last = self.host.state().join(LAST);
        let read = |name: String| fs::read(last.join(name)).ok();
        let entries: Vec<Entry> = read("files.json".to_owned())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        entries
            .into_iter()
            .enumerate()
            .filter(|(_, entry)| entry.existed)
            .filter_map(|(index, entry)| {
                let before = read(format!("{index}.before"))?;
                let after = read(format!("{index}.after"))?;
                Some((entry.path, before, after))
            })
            .collect()
    }
}

/// The journal, read without holding the folder.
pub(crate) fn journal_of(host: &Host) -> Result<Option<Journal>, EnableError> {
    let path = host.state().join(JOURNAL);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| EnableError::Journal(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EnableError::File(path, error)),
    }
}

/// Writes a new file, down to the disk.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder last.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Replaces a file as a whole, down to the disk.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    write_new(&new, bytes)?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn remove(folder: &Path) -> Result<(), EnableError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(EnableError::File(folder.into(), error))
        }
        _ => Ok(()),
    }
}
