//! One trial in a process of its own: a module that crashes or hangs ends that, not us.

use core::fmt;
use domlogon_protocol::frame;
use domlogon_trial::{Outcome, Trial};
use nix::unistd::{Uid, User, setresuid};
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long one trial may take: the modules themselves give up after five seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Most bytes of a message either way.
const MOST: usize = 256 * 1024;

/// The hidden command that [`main`] is behind.
pub(crate) const COMMAND: &str = "enable-trial";

/// What the child does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    /// A call of libpam.
    Trial(Box<Trial>),
    /// getpwnam
    Lookup(String),
}

/// What it found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Done {
    Tried(Outcome),
    NotBegun(String),
    Found(bool),
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The process could not be started.
    Start(std::io::Error),
    /// It ended without a result: a module crashed, or ended its process.
    Ended,
    /// It took too long.
    Hung,
    /// libpam did not begin.
    NotBegun(String),
}

pub(crate) type Result<T> = core::result::Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "the trial could not be started ({error})"),
            Self::Ended => f.write_str("a module ended the program"),
            Self::Hung => write!(f, "no answer within {} seconds", PATIENCE.as_secs()),
            Self::NotBegun(words) => f.write_str(words),
        }
    }
}

/// Runs a job in a child, as root or as a set-uid program of another user.
pub(crate) fn run(job: &Job, as_user: Option<u32>) -> Result<Done> {
    let (ours, theirs) = UnixStream::pair().map_err(Failure::Start)?;
    ours.set_read_timeout(Some(PATIENCE))
        .and_then(|()| ours.set_write_timeout(Some(PATIENCE)))
        .map_err(Failure::Start)?;
    // Not by its path: that may be another program by now, after an upgrade.
    let child = Command::new("/proc/self/exe")
        .arg0("domlogon")
        .arg(COMMAND)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(Failure::Start)?;
    let _reaped = Reaped(child);
    let mut stream = &ours;
    frame::write(&mut stream, &(job, as_user), MOST).map_err(|_| Failure::Ended)?;
    frame::read(&mut stream, MOST).map_err(|error| match error {
        frame::FrameError::Io(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
            ) =>
        {
            Failure::Hung
        }
        _ => Failure::Ended,
    })
}

/// Ends the child, whatever it does.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The child's side: reads a job from standard input, which is a socket, and answers there.
/// Gives whether it could answer.
pub(crate) fn main() -> bool {
    let Ok(fd) = std::io::stdin().as_fd().try_clone_to_owned() else {
        return false;
    };
    let mut stream = UnixStream::from(fd);
    let Ok((job, as_user)) = frame::read::<(Job, Option<u32>)>(&mut stream, MOST) else {
        return false;
    };
    if as_user.is_some_and(|id| !become_user(id)) {
        return false;
    }
    let done = match job {
        Job::Trial(trial) => match trial.run() {
            Ok(outcome) => Done::Tried(outcome),
            Err(error) => Done::NotBegun(error.to_string()),
        },
        Job::Lookup(name) => Done::Found(User::from_name(&name).is_ok_and(|user| user.is_some())),
    };
    frame::write(&mut stream, &done, MOST).is_ok()
}

/// As in a set-uid program that this user has started.
fn become_user(id: u32) -> bool {
    let root = Uid::from_raw(0);
    setresuid(Uid::from_raw(id), root, root).is_ok()
}
