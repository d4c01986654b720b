//! Kerberos messages to a controller and back, by TCP, within a deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The key distribution centre.
pub(crate) const KERBEROS: u16 = 88;
/// The password change service [RFC 3244].
pub(crate) const KPASSWD: u16 = 464;

/// Most bytes of a reply: a ticket of somebody with a thousand groups has 64 KiB.
const MOST: u32 = 1024 * 1024;

/// A way to one service of one controller. Its connection serves several messages, as long as
/// the other side keeps it [RFC 4120 7.2.2].
pub(crate) struct Wire {
    address: SocketAddr,
    deadline: Instant,
    kept: Option<TcpStream>,
    sent: bool,
    answered: bool,
}

impl Wire {
    /// No connection is made yet. Nothing is waited for beyond `deadline`.
    pub(crate) const fn new(address: SocketAddr, deadline: Instant) -> Self {
        Self {
            address,
            deadline,
            kept: None,
            sent: false,
            answered: false,
        }
    }

    /// Sends one message, and waits for its reply.
    ///
    /// # Errors
    /// What the connection says; `TimedOut` at the deadline; `InvalidData` for a reply that
    /// is longer than any can be.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        if let Some(mut kept) = self.kept.take().filter(is_open) {
            // What fails from here on is not sent again: it may have arrived.
            let reply = talk(&mut kept, self.deadline, request)?;
            self.kept = Some(kept);
            return Ok(reply);
        }
        let mut stream = TcpStream::connect_timeout(&self.address, left(self.deadline)?)?;
        stream.set_nodelay(true)?;
        self.sent = true;
        let reply = talk(&mut stream, self.deadline, request)?;
        self.kept = Some(stream);
        self.answered = true;
        Ok(reply)
    }

    /// Whether anything may have been sent: there was a connection.
    pub(crate) const fn has_sent(&self) -> bool {
        self.sent
    }

    /// Whether anything was answered at all.
    pub(crate) const fn has_answered(&self) -> bool {
        self.answered
    }
}

/// One message and its reply.
///
/// # Errors
/// As [`Wire::exchange`].
pub(crate) fn exchange(
    address: SocketAddr,
    deadline: Instant,
    request: &[u8],
) -> io::Result<Vec<u8>> {
    Wire::new(address, deadline).exchange(request)
}

/// Whether the other side has left the connection open after the reply before, and has sent
/// nothing that nobody asked for.
fn is_open(stream: &TcpStream) -> bool {
    let silent = |stream: &TcpStream| {
        stream.set_nonblocking(true)?;
        let found = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        found
    };
    silent(stream).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

fn talk(stream: &mut TcpStream, deadline: Instant, request: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(request.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut message = Zeroizing::new(Vec::with_capacity(request.len() + 4));
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(request);
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(&message)?;
    let mut header = [0; 4];
    fill(stream, deadline, &mut header)?;
    let length = u32::from_be_bytes(header);
    if length > MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut reply = vec![0; usize::try_from(length).unwrap_or(0)];
    fill(stream, deadline, &mut reply)?;
    Ok(reply)
}

/// Reads until `buffer` is full. A sender of one byte a second gains nothing by it.
fn fill(stream: &mut TcpStream, deadline: Instant, buffer: &mut [u8]) -> io::Result<()> {
    let mut rest = buffer;
    while !rest.is_empty() {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(rest) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => rest = rest.get_mut(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The time that is left, never 0 (which would mean "for ever").
pub(crate) fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(io::ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// A controller that does `serve` with the first connection.
    fn controller(serve: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || serve(listener.accept().unwrap().0));
        address
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(300)
    }

    #[test]
    fn a_message_and_its_reply() {
        let address = controller(|mut stream| {
            let mut request = [0; 9];
            stream.read_exact(&mut request).unwrap();
            assert_eq!(&request, b"\0\0\0\x05hello");
            stream.write_all(b"\0\0\0\x02").unwrap();
            stream.write_all(b"ok").unwrap();
        });
        assert_eq!(exchange(address, soon(), b"hello").unwrap(), b"ok");
    }

    #[test]
    fn nothing_is_sent_where_nobody_listens() {
        let shut = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = shut.local_addr().unwrap();
        drop(shut);
        let mut wire = Wire::new(address, soon());
        assert!(wire.exchange(b"x").is_err());
        assert!(!wire.has_sent());
        let mut wire = Wire::new(controller(drop), soon());
        assert!(wire.exchange(b"x").is_err());
        assert!(wire.has_sent() && !wire.has_answered());
    }

    #[test]
    fn one_connection_serves_until_the_other_side_closes_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let mut connections = 0;
            // Two messages by the first connection, one by the second.
            for messages in [2_u32, 1] {
                let (mut stream, _) = listener.accept().unwrap();
                connections += 1;
                for _ in 0..messages {
                    let mut request = [0; 5];
                    stream.read_exact(&mut request).unwrap();
                    stream.write_all(b"\0\0\0\x01y").unwrap();
                }
            }
            connections
        });
        let mut wire = Wire::new(address, soon());
        for _ in 0..3 {
            assert_eq!(wire.exchange(b"x").unwrap(), b"y");
            // Time for the other side to close.
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(server.join().unwrap(), 2);
    }

    #[test]
    fn whoever_is_silent_slow_or_endless_is_left_at_the_deadline() {
        let silent = controller(|stream| {
            thread::sleep(Duration::from_secs(1));
            drop(stream);
        });
        let slow = controller(|mut stream| {
            let _ = stream.write_all(b"\0\0\0\x40");
            for _ in 0..20 {
                let _ = stream.write_all(b"x");
                thread::sleep(Duration::from_millis(100));
            }
        });
        for address in [silent, slow] {
            let error = exchange(address, soon(), b"x").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
        let endless = controller(|mut stream| {
            let _ = stream.write_all(b"\xff\xff\xff\xff");
        });
        let error = exchange(endless, soon(), b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let shut = controller(drop);
        assert!(exchange(shut, soon(), b"x").is_err());
    }
}
