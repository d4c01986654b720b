//! The program that puts tickets into a person's credential cache, as that person.
//!
//! It is another program because libkrb5 has no business in everybody's process, and
//! because what it writes belongs to the person. What the host program does with SIGCHLD
//! is its own affair: nothing here depends on the exit status. The helper's line is the
//! acknowledgement.
#![forbid(unsafe_code)]

use core::fmt;
use domlogon_protocol::client::Timed;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Where it is installed.
const PROGRAM: &str = "/usr/libexec/domlogon-tickets";

/// The daemon's own settings of libkrb5, with the server that it talks to.
const KRB5_CONFIG: &str = "/run/domlogon/krb5.conf";

/// How long the helper may take for one thing.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long one that was killed is waited for. The kernel may be unable to end it.
const AFTER_KILL: Duration = Duration::from_millis(200);

/// How often it is looked whether a process has ended.
const LOOK: Duration = Duration::from_millis(2);

/// Most bytes of its line.
const LONGEST_LINE: usize = 512;

/// Why the helper did not do what it was told.
#[derive(Debug)]
pub(crate) enum HelperError {
    /// It could not be started, or not be talked to.
    Io(io::Error),
    /// It did not answer in time, and was stopped.
    Late,
    /// It ended without an acknowledgement; its own line of the log says why.
    Failed,
    /// What it said is no acknowledgement.
    Odd,
}

impl fmt::Display for HelperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "domlogon-tickets: {error}"),
            Self::Late => f.write_str("domlogon-tickets did not answer in time"),
            Self::Failed => f.write_str("domlogon-tickets failed"),
            Self::Odd => f.write_str("domlogon-tickets answered oddly"),
        }
    }
}

impl core::error::Error for HelperError {}

impl From<io::Error> for HelperError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Late,
            _ => Self::Io(error),
        }
    }
}

/// Whose cache it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The user id.
    pub(crate) uid: u32,
    /// The id of the first group.
    pub(crate) gid: u32,
}

/// The helper, as it is started.
pub(crate) struct Helper<'a> {
    program: &'a Path,
    patience: Duration,
}

impl Default for Helper<'_> {
    fn default() -> Self {
        Self {
            program: Path::new(PROGRAM),
            patience: PATIENCE,
        }
    }
}

impl Helper<'_> {
    /// Puts tickets into a cache, and gives the name that the cache has.
    pub(crate) fn store(
        &self,
        cache: &str,
        owner: Owner,
        tickets: &[u8],
    ) -> Result<String, HelperError> {
        let mut run = self.start("store", cache, owner)?;
        let said = run.tell(tickets).and_then(|()| run.line());
        run.end();
        said
    }

    /// Has the tickets of a cache renewed for as long as the answer is held.
    pub(crate) fn renew(&self, cache: &str, owner: Owner) -> Result<Renewal, HelperError> {
        let mut run = self.start("renew", cache, owner)?;
        let said = run.line();
        let line = run.end();
        match said?.as_str() {
            "ok" => Ok(Renewal::new(line)),
            _ => Err(HelperError::Odd),
        }
    }

    /// Destroys a cache. It has nothing to say to that.
    pub(crate) fn destroy(&self, cache: &str, owner: Owner) -> Result<(), HelperError> {
        let mut run = self.start("destroy", cache, owner)?;
        let said = run.tell(&[]).and_then(|()| run.line());
        run.end();
        match said {
            Ok(_) | Err(HelperError::Failed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Starts it with one end of a socket as its input and output. A socket and no pipes: a
    /// write to one that is closed raises no signal in the host program, and what is said
    /// to be over is over, whoever else has inherited this end.
    fn start(&self, verb: &str, cache: &str, owner: Owner) -> Result<Run, HelperError> {
        let deadline = Instant::now() + self.patience;
        let (ours, theirs) = UnixStream::pair()?;
        let ours = away_from_the_first(ours)?;
        let output = theirs.try_clone()?;
        let uid = owner.uid.to_string();
        let gid = owner.gid.to_string();
        // The ends that it gets are closed here when the command is dropped.
        let child = Command::new(self.program)
            .args([verb, cache, &uid, &gid].map(OsStr::new))
            .env_clear()
            .env("KRB5_CONFIG", KRB5_CONFIG)
            .stdin(OwnedFd::from(theirs))
            .stdout(OwnedFd::from(output))
            .stderr(Stdio::null())
            // Not of the terminal's group: ^C is for the host program.
            .process_group(0)
            .spawn()?;
        let line = Timed {
            stream: ours,
            deadline,
        };
        Ok(Run { child, line })
    }
}

/// A program that was started without its first three descriptors must not get one of ours
/// in their place: it may close them, or write to them.
fn away_from_the_first(stream: UnixStream) -> io::Result<UnixStream> {
    if stream.as_raw_fd() > 2 {
        return Ok(stream);
    }
    // A copy always lies behind them.
    stream.try_clone()
}

/// One run of the helper.
struct Run {
    child: Child,
    line: Timed,
}

impl Run {
    /// All that there is to say.
    fn tell(&mut self, bytes: &[u8]) -> Result<(), HelperError> {
        match self.line.write_all(bytes) {
            // It has ended without hearing all of it; what it said tells.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        let _ = self.line.stream.shutdown(Shutdown::Write);
        Ok(())
    }

    /// Its answer: one line.
    fn line(&mut self) -> Result<String, HelperError> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            match self.line.read(&mut byte) {
                Ok(0) => return Err(HelperError::Failed),
                Ok(_) if byte == *b"\n" => break,
                Ok(_) if line.len() < LONGEST_LINE => line.extend(byte),
                Ok(_) => return Err(HelperError::Odd),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(HelperError::Failed);
                }
                Err(error) => return Err(error.into()),
            }
        }
        String::from_utf8(line).map_err(|_| HelperError::Odd)
    }

    /// Waits for its end, so that it does not stay as a zombie of the host program. One
    /// that does not end is killed. Gives our end of the line.
    fn end(self) -> UnixStream {
        let Self { mut child, line } = self;
        if !ends(&mut child, line.deadline) {
            // Still ours, so the number is still its own.
            let _ = child.kill();
            ends(&mut child, Instant::now() + AFTER_KILL);
        }
        line.stream
    }
}

/// Whether a child has ended by then. One that was taken away has: by the kernel, where the
/// host program ignores SIGCHLD, or by the host program's own handler.
fn ends(child: &mut Child, by: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(_)) | Err(_) => return true,
            Ok(None) if Instant::now() >= by => return false,
            Ok(None) => thread::sleep(LOOK),
        }
    }
}

/// Tickets that are renewed as long as this is held. Nothing of it is left when the process
/// ends, however it ends: the kernel closes the line.
#[derive(Debug)]
pub(crate) struct Renewal {
    line: Option<UnixStream>,
    /// What the descriptor stood for when it was made.
    was: Option<PathBuf>,
}

impl Renewal {
    fn new(line: UnixStream) -> Self {
        let was = stands_for(&line);
        let line = Some(line);
        Self { line, was }
    }

    /// Ends it. To drop it is not enough where another process has inherited the line, and
    /// is right where that process drops its copy.
    pub(crate) fn stop(mut self) {
        if let Some(line) = self.line_still_ours() {
            let _ = line.shutdown(Shutdown::Both);
        }
    }

    /// The line, if nobody has closed it behind our back. A program may close all that it
    /// does not know before its transaction ends, and the number may be another file's now:
    /// that one is not ours to close.
    fn line_still_ours(&mut self) -> Option<UnixStream> {
        let line = self.line.take()?;
        if stands_for(&line) == self.was {
            return Some(line);
        }
        let _ = line.into_raw_fd();
        None
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        drop(self.line_still_ours());
    }
}

/// Such as `socket:[4711]`; each socket has a number of its own.
fn stands_for(line: &UnixStream) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", line.as_raw_fd())).ok()
}

#[cfg(test)]
pub(crate) mod tests;
