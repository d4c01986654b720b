//! Sees to it that a name that has become this host's own, or is so no more, is published
//! otherwise.

use super::Publisher;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// A program that adds a user writes several files; when it has done with them.
const SETTLES: u16 = 30;

/// Milliseconds after which the files are looked at in any case: a link in their place, or a
/// file system that does not tell.
const REGULARLY: u16 = 30_000;

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
    pub(crate) fn start(publisher: Arc<Publisher>) -> io::Result<Self> {
        let (bell, heard) = UnixStream::pair()?;
        // Where nothing can be watched they are looked at now and then.
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok();
        if let Some(inotify) = &inotify {
            let events = AddWatchFlags::IN_CLOSE_WRITE
                | AddWatchFlags::IN_MOVED_TO
                | AddWatchFlags::IN_ONLYDIR;
            for folder in publisher.local.folders() {
                let _ = inotify.add_watch(folder, events);
            }
        }
        // Between the first base and here they may have changed.
        publisher.look();
        let watcher = Watcher {
            publisher,
            heard,
            inotify,
        };
        let thread = thread::Builder::new()
            .name("local names".to_owned())
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
    publisher: Arc<Publisher>,
    heard: UnixStream,
    inotify: Option<Inotify>,
}

/// What woke the thread.
enum Woken {
    Stop,
    Change,
    Time,
}

impl Watcher {
    fn run(self) {
        loop {
            match self.wait(REGULARLY) {
                Woken::Stop => return,
                Woken::Time => self.publisher.look(),
                Woken::Change => loop {
                    match self.wait(SETTLES) {
                        Woken::Stop => return,
                        Woken::Change => {}
                        Woken::Time => {
                            self.publisher.look();
                            break;
                        }
                    }
                },
            }
        }
    }

    fn wait(&self, limit: u16) -> Woken {
        let mut fds = vec![PollFd::new(self.heard.as_fd(), PollFlags::POLLIN)];
        if let Some(inotify) = &self.inotify {
            fds.push(PollFd::new(inotify.as_fd(), PollFlags::POLLIN));
        }
        // An interruption is as good as the time being over.
        let _ = poll(&mut fds, PollTimeout::from(limit));
        let happened = |fd: Option<&PollFd<'_>>| fd.and_then(PollFd::any).unwrap_or(false);
        let (stopped, changed) = (happened(fds.first()), happened(fds.get(1)));
        drop(fds);
        if stopped {
            return Woken::Stop;
        }
        if changed && self.concerns_us() {
            return Woken::Change;
        }
        Woken::Time
    }

    /// Takes what has happened in the folders.
    fn concerns_us(&self) -> bool {
        let mut ours = false;
        while let Some(Ok(events)) = self.inotify.as_ref().map(Inotify::read_events) {
            for event in events {
                let name = event.name.as_deref();
                ours |= name.is_none_or(|name| self.publisher.local.is_file(name));
            }
        }
        ours
    }
}
