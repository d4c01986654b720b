//! The log: syslog, facility auth; standard error where there is none.

use nix::libc::PIPE_BUF;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where the system's logger listens.
const DEV_LOG: &str = "/dev/log";

/// LOG_AUTH [RFC 5424 6.2.1].
const FACILITY: u8 = 4;

/// A logger that is stuck must not hold up a logon for longer.
const PATIENCE: Duration = Duration::from_millis(200);

/// Nor the next ones: so long it is left alone then, and lines go to standard error.
const PAUSE: Duration = Duration::from_secs(5);

/// How grave a line is [RFC 5424 6.2.1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Level {
    /// The daemon, or a part of it, does not work.
    Error = 3,
    /// It works, and somebody should look.
    Warning = 4,
    /// A refusal, a change of the domain, a start and a stop.
    Notice = 5,
    /// A grant.
    Info = 6,
}

/// Where the lines go.
pub(crate) struct Log(Mutex<Sink>);

enum Sink {
    Syslog {
        path: PathBuf,
        /// None before the first line, and after the logger went away.
        socket: Option<UnixDatagram>,
        /// Until then the logger is not waited for again.
        stuck_until: Option<Instant>,
    },
    #[cfg(test)]
    Kept(Vec<String>),
}

impl Log {
    /// The system's log.
    pub(crate) fn system() -> Self {
        Self::to_socket(DEV_LOG.into())
    }

    /// To the logger behind this socket.
    pub(crate) fn to_socket(path: PathBuf) -> Self {
        Self(Mutex::new(Sink::Syslog {
            path,
            socket: None,
            stuck_until: None,
        }))
    }

    /// A log that tests can read.
    #[cfg(test)]
    pub(crate) fn kept() -> Self {
        Self(Mutex::new(Sink::Kept(Vec::new())))
    }

    /// The lines so far, each with its level's number before it.
    #[cfg(test)]
    pub(crate) fn lines(&self) -> Vec<String> {
        match &*self.0.lock().unwrap() {
            Sink::Kept(lines) => lines.clone(),
            Sink::Syslog { .. } => Vec::new(),
        }
    }

    /// Writes one line. What a line tells of others' words went through [`crate::record`].
    pub(crate) fn write(&self, level: Level, line: &str) {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write(level, line);
    }

    /// Writes a line from wherever a fault happened: that may have been in here.
    pub(crate) fn write_last(&self, line: &str) {
        match self.0.try_lock() {
            Ok(mut sink) => sink.write(Level::Error, line),
            Err(_) => to_standard_error(line),
        }
    }
}

impl Sink {
    fn write(&mut self, level: Level, line: &str) {
        match self {
            Self::Syslog {
                path,
                socket,
                stuck_until,
            } => {
                let now = Instant::now();
                // Without a time: the logger stamps it, in the host's own zone.
                let priority = FACILITY * 8 + level as u8;
                let message = format!("<{priority}>domlogond[{}]: {line}", process::id());
                let sent = if stuck_until.is_some_and(|until| now < until) {
                    Err(io::ErrorKind::WouldBlock.into())
                } else {
                    *stuck_until = None;
                    send(path, socket, message.as_bytes()).inspect_err(|error| {
                        let stuck = error.kind() == io::ErrorKind::WouldBlock;
                        *stuck_until = stuck.then(|| now + PAUSE);
                    })
                };
                if sent.is_err() {
                    to_standard_error(line);
                }
            }
            #[cfg(test)]
            Self::Kept(lines) => lines.push(format!("{} {line}", level as u8)),
        }
    }
}

/// Writes a line to standard error, if that takes it at once. Whoever read it may have gone,
/// or have stopped: the line is lost then, and no logon waits for it or fails.
fn to_standard_error(line: &str) {
    let error = io::stderr();
    let mut fds = [PollFd::new(error.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0) {
        let mut text = format!("domlogond: {line}").into_bytes();
        // A pipe that is ready takes so much without waiting [pipe(7)].
        text.truncate(PIPE_BUF - 1);
        text.push(b'\n');
        let _ = error.lock().write_all(&text);
    }
}

/// Sends over the open socket, or over a new one: the logger may have been started again.
fn send(path: &PathBuf, socket: &mut Option<UnixDatagram>, message: &[u8]) -> io::Result<()> {
    if let Some(open) = socket {
        match open.send(message) {
            // Stuck, not gone: another socket would wait as long.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            Err(_) => *socket = None,
            Ok(_) => return Ok(()),
        }
    }
    let new = UnixDatagram::unbound()?;
    new.connect(path)?;
    new.set_write_timeout(Some(PATIENCE))?;
    new.send(message)?;
    *socket = Some(new);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use nix::unistd::{pipe, write};
    use std::fs::File;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Command, ExitStatus, Stdio};

    #[test]
    #[ignore = "run by the test below, in processes of its own"]
    fn lines_to_standard_error() {
        let log = Log::to_socket("/nonexistent/log".into());
        for length in [10, 100_000, 10] {
            log.write(Level::Error, &"x".repeat(length));
        }
        let _busy = log.0.lock().unwrap();
        log.write_last("the last one");
    }

    /// How the lines end with this as standard error; `None` if they do not.
    fn lines_to(error: OwnedFd) -> Option<ExitStatus> {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "log::tests::lines_to_standard_error",
            ])
            .arg("--nocapture")
            .stdout(Stdio::null())
            .stderr(error)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Some(status) = child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        None
    }

    /// Writes until no more is taken, and makes it wait again then.
    fn full(file: OwnedFd) -> OwnedFd {
        fcntl(&file, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        while write(&file, &[b'x'; 512]).is_ok() {}
        fcntl(&file, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
        file
    }

    #[test]
    fn a_standard_error_that_takes_no_line_does_no_harm() {
        let (_stuck, pipe_of_stuck) = pipe().unwrap();
        let (_silent, socket_of_silent) = UnixStream::pair().unwrap();
        let (gone, pipe_of_gone) = pipe().unwrap();
        drop(gone);
        let full_disk = File::options().write(true).open("/dev/full").unwrap();
        for (what, error) in [
            ("a full pipe", full(pipe_of_stuck)),
            ("a full socket", full(socket_of_silent.into())),
            ("a pipe that nobody reads", pipe_of_gone),
            ("a full disk", full_disk.into()),
        ] {
            let ended = lines_to(error);
            assert!(
                ended.is_some_and(|status| status.success()),
                "{what}: {ended:?}"
            );
        }
    }

    #[test]
    fn standard_error_takes_each_line_whole_or_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("error");
        let ended = lines_to(File::create(&path).unwrap().into());
        assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let [first, long, third, last] = lines[..] else {
            panic!("{} lines", lines.len());
        };
        assert_eq!(first, format!("domlogond: {}", "x".repeat(10)));
        assert_eq!(third, first);
        assert_eq!(long.len(), PIPE_BUF - 1);
        assert_eq!(last, "domlogond: the last one");
    }

    #[test]
    fn a_logger_that_was_started_again_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = Log::to_socket(path.clone());
        log.write(Level::Info, "to standard error");
        let mut buffer = [0; 200];
        for round in 0..2 {
            let logger = UnixDatagram::bind(&path).unwrap();
            log.write(Level::Notice, &format!("round {round}"));
            let length = logger.recv(&mut buffer).unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            assert_eq!(
                text,
                format!("<37>domlogond[{}]: round {round}", process::id())
            );
            drop(logger);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_stuck_logger_holds_nobody_up_for_long() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let _silent = UnixDatagram::bind(&path).unwrap();
        let log = Log::to_socket(path);
        // More than any buffer holds.
        let line = "x".repeat(50_000);
        let start = Instant::now();
        for _ in 0..12 {
            log.write(Level::Info, &line);
        }
        assert!(start.elapsed() >= PATIENCE, "it never got stuck");
        assert!(start.elapsed() < PATIENCE * 4);
    }
}
