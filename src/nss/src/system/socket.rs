//! A connection to a socket of the file system.

use super::{Descriptor, counted, errno, milliseconds, opened};
use core::ffi::{CStr, c_int, c_long, c_void};
use core::mem::MaybeUninit;

/// A connection whose every wait ends at one moment.
pub(crate) struct Stream {
    socket: Descriptor,
    /// In milliseconds, as of [`milliseconds`].
    deadline: u64,
}

impl Stream {
    /// Connects to a socket of the file system.
    pub(crate) fn connect(path: &CStr, deadline: u64) -> Result<Self, c_int> {
        let (address, size) = address(path).ok_or(libc::ENAMETOOLONG)?;
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        // SAFETY: plain numbers.
        let socket = opened(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })?;
        let stream = Self { socket, deadline };
        loop {
            // A full queue would hold a blocking connect for ever; the time limit ends it.
            stream.limit(libc::SO_SNDTIMEO)?;
            // SAFETY: an open descriptor, and an address of its size.
            if unsafe { libc::connect(stream.socket.0, (&raw const address).cast(), size) } == 0 {
                return Ok(stream);
            }
            // A signal to the host program: not connected yet.
            match errno() {
                libc::EINTR => {}
                other => return Err(other),
            }
        }
    }

    /// The user that the other side runs as.
    pub(crate) fn peer(&self) -> Result<u32, c_int> {
        let mut peer = MaybeUninit::<libc::ucred>::zeroed();
        let mut size = size_of::<libc::ucred>() as libc::socklen_t;
        // SAFETY: an open descriptor, and a place of its size for the result.
        let done = unsafe {
            libc::getsockopt(
                self.socket.0,
                libc::SOL_SOCKET,
                libc::SO_PEERCRED,
                peer.as_mut_ptr().cast(),
                &raw mut size,
            )
        };
        if done != 0 {
            return Err(errno());
        }
        // SAFETY: filled in; zeros are a valid value as well.
        Ok(unsafe { peer.assume_init() }.uid)
    }

    /// Sends all of it. A side that went away raises no SIGPIPE.
    pub(crate) fn send(&self, mut bytes: &[u8]) -> Result<(), c_int> {
        while !bytes.is_empty() {
            self.limit(libc::SO_SNDTIMEO)?;
            let (start, length) = (bytes.as_ptr().cast(), bytes.len());
            // SAFETY: an open descriptor, and bytes that are there.
            let sent = unsafe { libc::send(self.socket.0, start, length, libc::MSG_NOSIGNAL) };
            let count = counted(sent)?.unwrap_or(0);
            bytes = bytes.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Fills all of it. An end before that is an error (0).
    pub(crate) fn fill(&self, mut bytes: &mut [u8]) -> Result<(), c_int> {
        while !bytes.is_empty() {
            self.limit(libc::SO_RCVTIMEO)?;
            let (start, length) = (bytes.as_mut_ptr().cast(), bytes.len());
            // SAFETY: an open descriptor, and a place for so many bytes.
            let read = unsafe { libc::recv(self.socket.0, start, length, 0) };
            match counted(read)? {
                Some(0) => return Err(0),
                Some(count) => bytes = bytes.get_mut(count..).unwrap_or_default(),
                None => {}
            }
        }
        Ok(())
    }

    /// The next call waits no longer than to the deadline.
    fn limit(&self, option: c_int) -> Result<(), c_int> {
        let left = self.deadline.saturating_sub(milliseconds());
        if left == 0 {
            return Err(libc::EAGAIN);
        }
        let time = libc::timeval {
            tv_sec: c_long::try_from(left / 1000).unwrap_or(1),
            tv_usec: c_long::try_from(left % 1000 * 1000).unwrap_or(0),
        };
        let size = size_of::<libc::timeval>() as libc::socklen_t;
        let time: *const c_void = (&raw const time).cast();
        // SAFETY: an open descriptor, and a value of its size.
        match unsafe { libc::setsockopt(self.socket.0, libc::SOL_SOCKET, option, time, size) } {
            0 => Ok(()),
            _ => Err(errno()),
        }
    }
}

fn address(path: &CStr) -> Option<(libc::sockaddr_un, libc::socklen_t)> {
    let bytes = path.to_bytes_with_nul();
    let mut address = libc::sockaddr_un {
        sun_family: libc::AF_UNIX as libc::sa_family_t,
        sun_path: [0; 108],
    };
    if bytes.len() > address.sun_path.len() {
        return None;
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    Some((address, size_of::<libc::sockaddr_un>() as libc::socklen_t))
}
