//! Passwords: from a terminal, twice and unseen, or from standard input. Never from argv.

use crate::error::Error;
use domlogon_protocol::Secret;
use nix::sys::termios::{self, SetArg};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::thread;
use zeroize::Zeroizing;

/// Asks for a new password on the terminal, twice.
pub(crate) fn ask_twice(name: &str) -> Result<Secret, Error> {
    echo_again_when_interrupted();
    let first = ask(&format!("New password for {name}: "))?;
    let second = ask("The same once more: ")?;
    if *first == *second {
        Ok(Secret::new(first.as_bytes()))
    } else {
        Err(Error::EntriesDiffer)
    }
}

/// Asks for a password that is there already, once.
pub(crate) fn ask_once(prompt: &str) -> Result<Secret, Error> {
    echo_again_when_interrupted();
    let password = ask(prompt)?;
    Ok(Secret::new(password.as_bytes()))
}

/// Reads a password that is there already from standard input, as [`from_standard_input`].
pub(crate) fn line(prompt: &str) -> Result<Secret, Error> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return ask_once(prompt);
    }
    first_line(|buffer| nix::unistd::read(&stdin, buffer).map_err(io::Error::from))
}

/// Reads one line from standard input; its end is not part of the password.
///
/// On a terminal it is asked for, unseen.
pub(crate) fn from_standard_input(name: &str) -> Result<Secret, Error> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return ask_twice(name);
    }
    first_line(|buffer| nix::unistd::read(&stdin, buffer).map_err(io::Error::from))
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Error> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .inspect_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                // Ctrl-C was read; the terminal is as it was, and the command ends by it.
                let _ = emulate_default_handler(SIGINT);
            }
        })
        .map_err(|error| match error.raw_os_error() {
            // /dev/tty cannot be opened: there is no controlling terminal.
            Some(code) if code == nix::libc::ENXIO || code == nix::libc::ENOENT => {
                Error::NoTerminal("--stdin")
            }
            _ => Error::Input(error),
        })
}

/// A signal at the prompt ends the command; the terminal must not stay without its echo.
/// Where this cannot be arranged, the prompt works nevertheless.
fn echo_again_when_interrupted() {
    let Ok(terminal) = File::options().read(true).write(true).open("/dev/tty") else {
        return;
    };
    let (Ok(before), Ok(mut signals)) = (
        termios::tcgetattr(&terminal),
        Signals::new([SIGINT, SIGTERM, SIGQUIT, SIGHUP]),
    ) else {
        return;
    };
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = termios::tcsetattr(&terminal, SetArg::TCSANOW, &before);
            let _ = emulate_default_handler(signal);
        }
    });
}

/// Not through `Stdin`, whose buffer would keep a copy.
fn first_line(mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Result<Secret, Error> {
    // One byte more than a secret keeps, so that a longer one is still seen as longer;
    // what follows is read past and not kept.
    const KEPT: usize = Secret::MAX_BYTES + 1;
    let mut line = Zeroizing::new(Vec::with_capacity(KEPT));
    let mut buffer = Zeroizing::new([0; 1024]);
    let mut ended = false;
    while !ended {
        let count = match read(buffer.as_mut_slice()) {
            Ok(0) if line.is_empty() => return Err(Error::NoPassword),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Input(error)),
        };
        let got = buffer.get(..count).unwrap_or_default();
        let part = got.split(|byte| *byte == b'\n').next().unwrap_or_default();
        ended = count == 0 || part.len() < got.len();
        let room = KEPT - line.len();
        line.extend_from_slice(part.get(..room).unwrap_or(part));
    }
    Ok(Secret::new(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Result<Vec<u8>, Error> {
        let mut chunks = chunks.iter();
        first_line(|buffer| {
            let chunk = chunks.next().copied().unwrap_or_default();
            buffer
                .get_mut(..chunk.len())
                .unwrap()
                .copy_from_slice(chunk);
            Ok(chunk.len())
        })
        .map(|secret| secret.expose().to_vec())
    }

    #[test]
    fn one_line_without_its_end() {
        assert_eq!(read(&[b"Secret 1\n"]).unwrap(), b"Secret 1");
        assert_eq!(read(&[b"Sec", b"ret", b" 1\nnext\n"]).unwrap(), b"Secret 1");
        assert_eq!(read(&[b"no end"]).unwrap(), b"no end");
        assert_eq!(read(&[b" spaces stay \r\n"]).unwrap(), b" spaces stay \r");
        assert_eq!(read(&[b"\n"]).unwrap(), b"");
        assert!(matches!(read(&[]), Err(Error::NoPassword)));
    }

    #[test]
    fn a_far_too_long_one_is_still_too_long() {
        let chunk = [b'x'; 1000];
        let mut chunks = vec![&chunk[..]; 100];
        chunks.push(b"\n");
        assert_eq!(read(&chunks).unwrap().len(), Secret::MAX_BYTES);
    }
}
