//! The log: syslog, facility auth; standard error where there is none.

use std::io;
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
            Err(_) => eprintln!("domlogond: {line}"),
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
                    eprintln!("domlogond: {line}");
                }
            }
            #[cfg(test)]
            Self::Kept(lines) => lines.push(format!("{} {line}", level as u8)),
        }
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
        for _ in 0..100 {
            log.write(Level::Info, &line);
        }
        assert!(start.elapsed() >= PATIENCE, "it never got stuck");
        assert!(start.elapsed() < PATIENCE * 4);
    }
}
