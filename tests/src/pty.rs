//! A program on a terminal of its own: expect, send, transcript, exit status.

use crate::failure::{Failure, Result, ensure_equal};
use crate::program::process_of;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::fchown;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// A running program and its terminal. Killed when dropped.
#[derive(Debug)]
pub struct Pty {
    program: String,
    child: Child,
    terminal: File,
    /// All that was printed so far.
    seen: Vec<u8>,
    /// Up to where [`Pty::expect`] has consumed it.
    consumed: usize,
    closed: bool,
    patience: Duration,
}

impl Pty {
    /// Start `command` on a new terminal that belongs to `owner`.
    ///
    /// # Errors
    /// When there is no terminal or the program cannot be started.
    pub(crate) fn spawn(
        mut command: Command,
        program: String,
        owner: Option<u32>,
        patience: Duration,
    ) -> Result<Pty> {
        let what = format!("start {program} on a terminal");
        let size = Winsize {
            ws_row: 50,
            ws_col: 200,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(&size, None)
            .map_err(io::Error::from)
            .map_err(Failure::harness(&what))?;
        let terminal = File::from(pair.slave);
        fchown(&terminal, owner, None).map_err(Failure::harness(&what))?;
        let clone = || terminal.try_clone().map_err(Failure::harness(&what));
        command.stdin(clone()?).stdout(clone()?).stderr(clone()?);
        let child = command.spawn().map_err(Failure::harness(&what))?;
        Ok(Pty {
            program,
            child,
            terminal: File::from(pair.master),
            seen: Vec::new(),
            consumed: 0,
            closed: false,
            patience,
        })
    }

    /// Wait until it prints `text`. Returns all that came since the last such call, to the end
    /// of `text`.
    ///
    /// # Errors
    /// When it does not come in time, or the program ends first.
    pub fn expect(&mut self, text: &str) -> Result<String> {
        self.expect_any(&[text]).map(|(_, before)| before)
    }

    /// Wait for the first of several texts. Returns which, and all since the last call.
    ///
    /// # Errors
    /// As [`Pty::expect`].
    pub fn expect_any(&mut self, texts: &[&str]) -> Result<(usize, String)> {
        let end = Instant::now() + self.patience;
        loop {
            let fresh = self.seen.get(self.consumed..).unwrap_or_default();
            let first = texts
                .iter()
                .enumerate()
                .filter_map(|(which, text)| {
                    find(fresh, text.as_bytes()).map(|start| (start + text.len(), which))
                })
                .min();
            if let Some((length, which)) = first {
                let came = tidy(fresh.get(..length).unwrap_or_default());
                self.consumed += length;
                return Ok((which, came));
            }
            if self.closed {
                return Err(Failure::Ended {
                    program: self.program.clone(),
                    wanted: texts.join("\" or \""),
                    transcript: self.transcript(),
                });
            }
            if !self.read_until(end)? {
                return Err(Failure::Silent {
                    program: self.program.clone(),
                    wanted: texts.join("\" or \""),
                    transcript: self.transcript(),
                });
            }
        }
    }

    /// Type a line.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn send(&mut self, line: &str) -> Result<()> {
        self.terminal
            .write_all(format!("{line}\n").as_bytes())
            .map_err(Failure::harness(format!("type to {}", self.program)))
    }

    /// Type a password: waits until the terminal does not echo, as a person would see.
    ///
    /// # Errors
    /// When the terminal is gone, or still echoes after two seconds.
    pub fn send_secret(&mut self, line: &str) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(2);
        loop {
            let echo = tcgetattr(self.terminal.as_fd())
                .map_err(io::Error::from)
                .map_err(Failure::harness("look at the terminal"))?
                .local_flags
                .contains(LocalFlags::ECHO);
            if !echo {
                return self.send(line);
            }
            if Instant::now() > end {
                return Err(Failure::Silent {
                    program: self.program.clone(),
                    wanted: "a terminal that does not echo".to_owned(),
                    transcript: self.transcript(),
                });
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Expect a prompt, then type a password.
    ///
    /// # Errors
    /// As [`Pty::expect`] and [`Pty::send_secret`].
    pub fn answer(&mut self, prompt: &str, password: &str) -> Result<String> {
        let before = self.expect(prompt)?;
        self.send_secret(password)?;
        Ok(before)
    }

    /// Read to the end and wait for the exit status. Returns it, and all since the last expect.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn finish(&mut self) -> Result<(ExitStatus, String)> {
        let end = Instant::now() + self.patience;
        while !self.closed {
            if !self.read_until(end)? {
                return Err(self.still_running());
            }
        }
        loop {
            let what = "wait for a program";
            if let Some(status) = self.child.try_wait().map_err(Failure::harness(what))? {
                let rest = tidy(self.seen.get(self.consumed..).unwrap_or_default());
                self.consumed = self.seen.len();
                return Ok((status, rest));
            }
            if Instant::now() > end {
                return Err(self.still_running());
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// As [`Pty::finish`], and the exit code must be this one.
    ///
    /// # Errors
    /// As there, and when it is another.
    pub fn finish_with(&mut self, code: i32) -> Result<String> {
        let (status, rest) = self.finish()?;
        ensure_equal(
            format!("exit code of {}\n{}", self.program, self.transcript()),
            status.code(),
            Some(code),
        )?;
        Ok(rest)
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// All that the terminal showed.
    pub fn transcript(&self) -> String {
        tidy(&self.seen)
    }

    /// Read what there is, waiting until `end`; false when nothing came by then.
    fn read_until(&mut self, end: Instant) -> Result<bool> {
        let what = "wait for a terminal";
        let left = end.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut polled = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
        match poll(&mut polled, timeout) {
            Ok(0) => return Ok(false),
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(Failure::harness(what)(error.into())),
        }
        let mut chunk = [0; 4096];
        match self.terminal.read(&mut chunk) {
            Ok(0) => self.closed = true,
            Ok(length) => self
                .seen
                .extend_from_slice(chunk.get(..length).unwrap_or_default()),
            // A terminal that no program has open says EIO: at the end, or for the moment in which
            // util-linux login has hung it up and not opened it again.
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EIO as i32) => {
                self.closed = self
                    .child
                    .try_wait()
                    .map_err(Failure::harness(what))?
                    .is_some();
                thread::sleep(Duration::from_millis(5));
                return Ok(self.closed || Instant::now() < end);
            }
            Err(error) => return Err(Failure::harness(what)(error)),
        }
        Ok(true)
    }

    fn still_running(&self) -> Failure {
        Failure::Running {
            program: self.program.clone(),
            transcript: self.transcript(),
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Hang up as a closed terminal would, then insist.
            let process = process_of(&self.child);
            let _ = kill(process, Signal::SIGHUP);
            thread::sleep(Duration::from_millis(50));
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// As a person would see it: no carriage returns, no escape sequences.
fn tidy(bytes: &[u8]) -> String {
    let mut text = String::new();
    let lossy = String::from_utf8_lossy(bytes);
    let mut letters = lossy.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' | '\u{7}' => {}
            '\u{1b}' => {
                if letters.next_if_eq(&'[').is_some() {
                    while letters
                        .next_if(|&next| !next.is_ascii_alphabetic())
                        .is_some()
                    {}
                    letters.next();
                }
            }
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_is_tidy() {
        assert_eq!(
            tidy(b"\x1b[?2004hPassword: \r\n\x1b[1;32mok\x07\r\n"),
            "Password: \nok\n"
        );
    }

    #[test]
    fn a_text_is_found_only_where_it_is() {
        assert_eq!(find(b"abcabd", b"abd"), Some(3));
        assert_eq!(find(b"abc", b"abd"), None);
        assert_eq!(find(b"a", b"abd"), None);
    }
}
