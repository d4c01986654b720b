//! A controller that says whatever it likes: see [`crate::fuzzed`].

use super::answer::{self, Answer};
use super::wire::Wire;
use super::{Connection, Entry};
use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// More than any fuzzer gives one input.
const PATIENCE: Duration = Duration::from_secs(60);

/// The other side. It says its bytes, and then nothing more; it hears as long as it is held.
pub(crate) struct Controller {
    _line: UnixStream,
}

impl Controller {
    /// One that says this, and the connection to it.
    pub(crate) fn saying(bytes: &[u8]) -> Option<(Self, Connection)> {
        let (controller, wire) = Self::on_a_wire(bytes)?;
        let connection = Connection {
            wire,
            last: 0,
            deadline: Instant::now() + PATIENCE,
            broken: false,
        };
        Some((controller, connection))
    }

    /// Reads its messages until there is none: the entries, and how the answer ended if it did.
    pub(crate) fn messages(bytes: &[u8], id: i32, end: u8) -> Option<(Vec<Entry>, Option<u32>)> {
        let (_controller, mut wire) = Self::on_a_wire(bytes)?;
        let mut entries = Vec::new();
        let mut taken = 0;
        while let Ok((answer, length)) = wire.receive(|message| answer::read(message, id, end)) {
            taken += length;
            assert!(length > 0 && taken <= bytes.len());
            match answer {
                Answer::Entry(entry) => entries.push(entry),
                Answer::Reference => {}
                Answer::Done(done) => return Some((entries, Some(done.code))),
            }
        }
        Some((entries, None))
    }

    fn on_a_wire(bytes: &[u8]) -> Option<(Self, Wire)> {
        let (ours, mut theirs) = UnixStream::pair().ok()?;
        // More than a socket holds would wait for a reader.
        theirs
            .write_all(bytes.get(..bytes.len().min(64 * 1024))?)
            .ok()?;
        theirs.shutdown(Shutdown::Write).ok()?;
        let tcp = TcpStream::from(OwnedFd::from(ours));
        let wire = Wire::over(tcp, Instant::now() + PATIENCE);
        Some((Self { _line: theirs }, wire))
    }
}
