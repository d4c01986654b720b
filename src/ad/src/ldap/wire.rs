//! The bytes of a connection: TCP, TLS or the seal over it, and whole messages out of it.
//! Every wait ends at one deadline, however slowly the peer trickles.

use super::ber;
use super::error::LdapError;
use super::seal::Seal;
use crate::transport::left;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

/// Most bytes of one message: one entry with all the attributes that we ask for.
const MOST: usize = 8 * 1024 * 1024;
/// Most bytes of a sealed buffer, and what we tell the server of it [RFC 4752 3.1].
pub(super) const MOST_SEALED: u32 = 0x00FF_FFFF;
/// Most bytes read at once.
const CHUNK: usize = 32 * 1024;

/// A connection, as a row of messages.
pub(super) struct Wire {
    stream: Stream,
    seal: Option<Seal>,
    /// What came and is still sealed; only with a seal.
    sealed: Vec<u8>,
    /// What came and is readable.
    plain: Vec<u8>,
}

enum Stream {
    Tcp(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
    /// Between the two.
    None,
}

impl Wire {
    /// Connects to an address until `deadline`.
    pub(super) fn connect(address: SocketAddr, deadline: Instant) -> Result<Self, LdapError> {
        let tcp = TcpStream::connect_timeout(&address, left(deadline)?)?;
        tcp.set_nodelay(true)?;
        Ok(Self::over(tcp, deadline))
    }

    /// Over a connection that is there already.
    pub(super) const fn over(tcp: TcpStream, deadline: Instant) -> Self {
        Self {
            stream: Stream::Tcp(Socket { tcp, deadline }),
            seal: None,
            sealed: Vec::new(),
            plain: Vec::new(),
        }
    }

    /// From here on TLS, with a server of this name. What came before and was not read is
    /// thrown away: it was not protected.
    pub(super) fn start_tls(
        &mut self,
        config: &Arc<ClientConfig>,
        name: &str,
    ) -> Result<(), LdapError> {
        let name = ServerName::try_from(name.to_owned()).map_err(|_| LdapError::ServerName)?;
        let Stream::Tcp(mut socket) = std::mem::replace(&mut self.stream, Stream::None) else {
            return Err(LdapError::Malformed);
        };
        self.plain.clear();
        let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(LdapError::Tls)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        self.stream = Stream::Tls(Box::new(StreamOwned::new(tls, socket)));
        Ok(())
    }

    /// From here on everything is sealed.
    pub(super) fn start_seal(&mut self, seal: Seal) {
        // The server had nothing to say that was not sealed.
        self.plain.clear();
        self.seal = Some(seal);
    }

    /// When every wait ends from now on.
    pub(super) fn until(&mut self, deadline: Instant) {
        match &mut self.stream {
            Stream::Tcp(socket) => socket.deadline = deadline,
            Stream::Tls(tls) => tls.sock.deadline = deadline,
            Stream::None => {}
        }
    }

    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), LdapError> {
        match &mut self.seal {
            None => self.stream.write_all(message)?,
            Some(seal) => {
                for part in message.chunks(seal.most()) {
                    self.stream.write_all(&seal.wrap(part)?)?;
                }
            }
        }
        self.stream.flush()?;
        Ok(())
    }

    /// The next message, which `read` looks at. It must be complete.
    pub(super) fn receive<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Result<T, LdapError>,
    ) -> Result<(T, usize), LdapError> {
        loop {
            if self.plain.first().is_some_and(|tag| *tag != ber::SEQUENCE) {
                return Err(LdapError::Malformed);
            }
            if let Some((header, content)) = ber::header(&self.plain)? {
                if content > MOST {
                    return Err(LdapError::TooMuch);
                }
                let length = header + content;
                if let Some(message) = self.plain.get(..length) {
                    let result = read(message);
                    self.plain.drain(..length);
                    return result.map(|found| (found, length));
                }
            }
            self.fill()?;
        }
    }

    /// Whether the server is gone, or has said something that nobody asked for, which is
    /// that it is going. Does not wait.
    pub(super) fn is_stale(&mut self) -> bool {
        let (tcp, may_say) = match &self.stream {
            Stream::Tcp(socket) => (&socket.tcp, false),
            // TLS has things to say of its own, such as a ticket for the next time.
            Stream::Tls(tls) => (&tls.sock.tcp, true),
            Stream::None => return true,
        };
        if tcp.set_nonblocking(true).is_err() {
            return true;
        }
        let is_open = match tcp.peek(&mut [0]) {
            Ok(count) => count > 0 && may_say,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        !is_open || tcp.set_nonblocking(false).is_err() || !self.plain.is_empty()
    }

    /// Adds to what is readable.
    fn fill(&mut self) -> Result<(), LdapError> {
        let Some(seal) = &mut self.seal else {
            return self.stream.read_more(&mut self.plain);
        };
        loop {
            if let Some(header) = self.sealed.first_chunk::<4>() {
                let length = u32::from_be_bytes(*header);
                if length > MOST_SEALED {
                    return Err(LdapError::TooMuch);
                }
                let end = usize::try_from(length)
                    .unwrap_or(usize::MAX)
                    .saturating_add(4);
                if let Some(buffer) = self.sealed.get(4..end) {
                    self.plain.extend_from_slice(&seal.unwrap(buffer)?);
                    self.sealed.drain(..end);
                    return Ok(());
                }
            }
            self.stream.read_more(&mut self.sealed)?;
        }
    }
}

impl Stream {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.write_all(bytes),
            Self::Tls(tls) => tls.write_all(bytes),
            Self::None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(_) => Ok(()),
            Self::Tls(tls) => tls.flush(),
            Self::None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn read_more(&mut self, into: &mut Vec<u8>) -> Result<(), LdapError> {
        let mut chunk = [0; CHUNK];
        let count = loop {
            let read = match self {
                Self::Tcp(socket) => socket.read(&mut chunk),
                Self::Tls(tls) => tls.read(&mut chunk),
                Self::None => Err(io::ErrorKind::NotConnected.into()),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if count == 0 {
            return Err(LdapError::Closed);
        }
        into.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(())
    }
}

/// A socket on which every single wait is cut to what is left until the deadline.
struct Socket {
    tcp: TcpStream,
    deadline: Instant,
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(left(self.deadline)?))?;
        self.tcp.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(left(self.deadline)?))?;
        self.tcp.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
