//! Sees to it that a changed file is taken by itself.
//!
//! What is watched is the folder: editors and tools put a new file in the place of the
//! old one. If the file is a link, the folder of what it leads to is watched too; links
//! in between are not. Where nothing can be watched, SIGHUP is what is left.

use super::{RightsFile, Why, report};
use crate::clock;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// So long nothing more must happen before a change is looked at.
const SETTLES: Duration = Duration::from_millis(30);

/// The same for a file that was made and has nothing in it yet: some ways of making one
/// show no more than that.
const MADE: Duration = Duration::from_secs(2);

/// The same for a file that somebody is writing and has not closed. Half a file may be a
/// whole one.
const WRITTEN: Duration = Duration::from_secs(60);

/// Changes that never end are looked at all the same, but not while a file is written.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before a missing folder, a store that does not answer, or lists that
/// could not be kept are tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The thread that watches.
pub(crate) struct Watch {
    bell: UnixStream,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Watches from here on.
    ///
    /// # Errors
    /// The system's: no thread.
    pub(crate) fn start(rights: Arc<RightsFile>) -> io::Result<Self> {
        let (bell, heard) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        *rights.bell.lock().unwrap_or_else(PoisonError::into_inner) = Some(bell.try_clone()?);
        let inotify = match Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK) {
            Ok(inotify) => Some(inotify),
            Err(errno) => {
                report::not_watched(&rights.log, &rights.file, &errno.into());
                None
            }
        };
        let mut watcher = Watcher {
            rights,
            heard,
            folders: inotify.map(Folders::new),
        };
        // Between the first load and here the file may have changed.
        watcher.look();
        let thread = thread::Builder::new()
            .name("rights".to_owned())
            .spawn(move || watcher.run())?;
        Ok(Self { bell, thread })
    }

    /// Watches no more.
    pub(crate) fn stop(self) {
        // The thread sees the end of the stream.
        let _ = self.bell.shutdown(Shutdown::Both);
        let _ = self.thread.join();
    }
}

struct Watcher {
    rights: Arc<RightsFile>,
    heard: UnixStream,
    folders: Option<Folders>,
}

/// What woke the thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// It is to end.
    Stop,
    /// Something happened in a folder.
    Change,
    /// The time is over, or somebody rang.
    Other,
}

impl Watcher {
    fn run(mut self) {
        loop {
            match self.wait(self.patience()) {
                Woken::Stop => return,
                Woken::Change => {
                    if self.has_changed() {
                        if self.settle() == Woken::Stop {
                            return;
                        }
                        self.look();
                    }
                }
                Woken::Other => self.try_again(),
            }
        }
    }

    /// Watches what is there now, and takes the file if it is another one: in this order,
    /// so that no change falls between the two.
    fn look(&mut self) {
        if let Some(folders) = &mut self.folders {
            folders.watch(&self.rights.file);
        }
        // The outcome is in the log and in `status`.
        let _ = self.rights.load(clock::now(), Why::Changed);
    }

    fn try_again(&mut self) {
        if self.rights.waits_for_store() {
            let _ = self.rights.load(clock::now(), Why::Names);
        }
        if self.rights.is_unkept() {
            self.rights.save_again(&self.rights.last());
        }
        let file = &self.rights.file;
        let is_back = |folders: &mut Folders| folders.is_lost() && folders.watch(file);
        if self.folders.as_mut().is_some_and(is_back) {
            self.look();
        }
    }

    /// How long to sleep if nothing happens; `None` until something does.
    fn patience(&self) -> Option<Duration> {
        let is_lost = self.folders.as_ref().is_some_and(Folders::is_lost);
        (is_lost || self.rights.waits_for_store() || self.rights.is_unkept()).then_some(RETRY)
    }

    /// Reads what has happened; `false` if it has nothing to do with the file.
    fn has_changed(&mut self) -> bool {
        let file = &self.rights.file;
        self.folders
            .as_mut()
            .is_some_and(|folders| folders.read(file))
    }

    /// Waits until nothing more happens for a moment.
    fn settle(&mut self) -> Woken {
        let begun = Instant::now();
        loop {
            let state = self.folders.as_ref().map(|folders| folders.state);
            let quiet = match state.unwrap_or(State::Whole) {
                State::Whole => SETTLES,
                State::Made => MADE,
                State::Written => WRITTEN,
            };
            match self.wait(Some(quiet)) {
                Woken::Stop => return Woken::Stop,
                Woken::Other => return Woken::Other,
                Woken::Change => {
                    self.has_changed();
                }
            }
            if quiet == SETTLES && begun.elapsed() > PATIENCE {
                return Woken::Other;
            }
        }
    }

    fn wait(&self, limit: Option<Duration>) -> Woken {
        let limit = limit.map_or(PollTimeout::NONE, |limit| {
            PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = vec![PollFd::new(self.heard.as_fd(), PollFlags::POLLIN)];
        if let Some(folders) = &self.folders {
            fds.push(PollFd::new(folders.inotify.as_fd(), PollFlags::POLLIN));
        }
        // An interruption is as good as the time being over.
        let _ = poll(&mut fds, limit);
        let happened = |fd: Option<&PollFd<'_>>| fd.and_then(PollFd::any).unwrap_or(false);
        let has_rung = happened(fds.first());
        let has_changed = happened(fds.get(1));
        if has_rung && self.is_over() {
            Woken::Stop
        } else if has_changed {
            Woken::Change
        } else {
            Woken::Other
        }
    }

    /// Takes the rings from the stream; whether it has ended.
    fn is_over(&self) -> bool {
        let mut rings = [0; 64];
        loop {
            match (&self.heard).read(&mut rings) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
    }
}

/// The folders that are watched.
struct Folders {
    inotify: Inotify,
    /// That of the file.
    home: Option<WatchDescriptor>,
    /// That of what a link leads to, if it is another one, and the name there.
    target: Option<(WatchDescriptor, OsString)>,
    /// The file is a link: whatever changes beside it may change where it leads.
    is_link: bool,
    /// Whether somebody is writing the file.
    state: State,
}

/// How far the file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody is known to write it.
    Whole,
    /// It was made, and nothing more is known.
    Made,
    /// It was written to, and not closed since.
    Written,
}

impl Folders {
    const fn new(inotify: Inotify) -> Self {
        Self {
            inotify,
            home: None,
            target: None,
            is_link: false,
            state: State::Whole,
        }
    }

    /// Whether the file's own folder is not there to be watched.
    const fn is_lost(&self) -> bool {
        self.home.is_none()
    }

    /// Watches the folders as they are now; `false` if that of the file is not there.
    fn watch(&mut self, file: &Path) -> bool {
        self.state = State::Whole;
        let old = [self.home, self.target.as_ref().map(|(folder, _)| *folder)];
        self.home = file.parent().and_then(|folder| self.add(folder));
        self.is_link = file.is_symlink();
        self.target = None;
        if self.is_link {
            let led_to = fs::canonicalize(file).ok();
            self.target = led_to.and_then(|path| {
                let folder = self.add(path.parent()?)?;
                let name = path.file_name()?.to_owned();
                (Some(folder) != self.home).then_some((folder, name))
            });
        }
        let now = [self.home, self.target.as_ref().map(|(folder, _)| *folder)];
        for folder in old.into_iter().flatten() {
            if !now.contains(&Some(folder)) {
                // It may be gone by itself.
                let _ = self.inotify.rm_watch(folder);
            }
        }
        self.home.is_some()
    }

    /// A folder that is watched already keeps its descriptor.
    fn add(&self, folder: &Path) -> Option<WatchDescriptor> {
        let events = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        self.inotify.add_watch(folder, events).ok()
    }

    /// Reads what has happened; `false` if nothing of it has to do with the file.
    fn read(&mut self, file: &Path) -> bool {
        let mut changed = false;
        // Each call gives some; when there are none left it fails.
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                changed |= self.concerns(&event, file);
            }
        }
        changed
    }

    fn concerns(&mut self, event: &InotifyEvent, file: &Path) -> bool {
        let of_folder = AddWatchFlags::IN_Q_OVERFLOW
            | AddWatchFlags::IN_IGNORED
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_UNMOUNT;
        let target = self.target.as_ref();
        let is_target = target.is_some_and(|(folder, _)| *folder == event.wd);
        if event.mask.intersects(of_folder) {
            let is_ours = is_target || Some(event.wd) == self.home;
            return is_ours || event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
        }
        let name = event.name.as_deref();
        let is_meant = match target {
            Some((_, target)) if is_target => name == Some(target.as_os_str()),
            _ if Some(event.wd) == self.home => self.is_link || name == file.file_name(),
            _ => false,
        };
        if is_meant {
            self.state = next(self.state, event, file, name);
        }
        is_meant
    }
}

/// How far the file is after an event.
fn next(state: State, event: &InotifyEvent, file: &Path, name: Option<&OsStr>) -> State {
    let ended = AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_MOVED_FROM
        | AddWatchFlags::IN_DELETE;
    if event.mask.contains(AddWatchFlags::IN_MODIFY) {
        State::Written
    } else if event.mask.contains(AddWatchFlags::IN_CREATE) {
        // A link of either kind is whole from its beginning.
        let path = file.with_file_name(name.unwrap_or_default());
        match fs::symlink_metadata(path) {
            Ok(made) if made.is_file() && made.nlink() == 1 => State::Made,
            _ => State::Whole,
        }
    } else if event.mask.intersects(ended) {
        State::Whole
    } else {
        state
    }
}

#[cfg(test)]
mod tests;
