//! Frames: a length of four bytes, a version of two, and the body; little-endian.
//!
//! A set-user-ID program of root's (su, sudo) says between the two who started it: the kernel
//! names root alone to the daemon.

use core::fmt;
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// The version of the protocol. One side that meets another version says so and stops;
/// both are always installed together.
pub const VERSION: u16 = 1;

/// Most bytes of a request's body.
pub const MAX_REQUEST: usize = 64 * 1024;

/// Most bytes of a request's body on the administrators' socket: a file of rights fits.
pub const MAX_ADMIN_REQUEST: usize = 2 * 1024 * 1024;

/// Most bytes of a request's body on the administrators' socket if root sends it: an import
/// of some 60,000 accounts fits. In one request it is one transaction, and nothing of it has
/// to be kept between two requests.
pub const MAX_ROOT_REQUEST: usize = 16 * 1024 * 1024;

/// Most bytes of a reply's body: a group of a hundred thousand members fits.
pub const MAX_REPLY: usize = 16 * 1024 * 1024;

const HEADER: usize = 6;

/// Set in the version where the real user id of whoever asks follows it, in four bytes.
pub const BEHIND: u16 = 0x8000;

/// Why a frame could not be read or written.
#[derive(Debug)]
pub enum FrameError {
    /// The other side closed before the frame was whole, or the time was up.
    Io(io::Error),
    /// The body is longer than allowed.
    TooLong,
    /// The other side speaks another version of the protocol.
    Version(u16),
    /// The body is not what the version says.
    Malformed,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the connection failed: {error}"),
            Self::TooLong => f.write_str("the message is too long"),
            Self::Version(v) => {
                write!(f, "the other side speaks version {v}, this side {VERSION}")
            }
            Self::Malformed => f.write_str("the message cannot be understood"),
        }
    }
}

impl core::error::Error for FrameError {}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes one message as a frame, in one write.
///
/// The buffer is allocated once and wiped: a message may carry a password.
///
/// # Errors
/// [`FrameError::TooLong`] if the body would exceed `limit`; [`FrameError::Io`].
pub fn write<T: Serialize>(
    out: &mut impl Write,
    message: &T,
    limit: usize,
) -> Result<(), FrameError> {
    write_behind(out, message, limit, 0)
}

/// As [`write()`], for a request of a program that acts as another user than the one who
/// started it: his real user id, or 0 for no such program.
///
/// # Errors
/// As [`write()`].
pub fn write_behind<T: Serialize>(
    out: &mut impl Write,
    message: &T,
    limit: usize,
    real_uid: u32,
) -> Result<(), FrameError> {
    let behind = real_uid.to_le_bytes();
    let (version, behind): (u16, &[u8]) = match real_uid {
        0 => (VERSION, &[]),
        _ => (VERSION | BEHIND, &behind),
    };
    let before = HEADER + behind.len();
    let size =
        postcard::experimental::serialized_size(message).map_err(|_| FrameError::Malformed)?;
    if size > limit {
        return Err(FrameError::TooLong);
    }
    let length = u32::try_from(size).map_err(|_| FrameError::TooLong)?;
    let mut buffer = Zeroizing::new(vec![0u8; before + size]);
    let (mut header, body) = buffer
        .split_at_mut_checked(before)
        .ok_or(FrameError::Malformed)?;
    for part in [&length.to_le_bytes()[..], &version.to_le_bytes(), behind] {
        header.write_all(part)?;
    }
    postcard::to_slice(message, body).map_err(|_| FrameError::Malformed)?;
    out.write_all(&buffer)?;
    Ok(out.flush()?)
}

/// How long the body of a message is; 0 if it cannot be written.
#[must_use]
pub fn size<T: Serialize>(message: &T) -> usize {
    postcard::experimental::serialized_size(message).unwrap_or(0)
}

/// Reads one message. The whole body must be used up.
///
/// # Errors
/// Any [`FrameError`]; nothing is allocated for a length beyond `limit`. Another version comes
/// before anything else: it may have another limit.
pub fn read<T: DeserializeOwned>(input: &mut impl Read, limit: usize) -> Result<T, FrameError> {
    let (length, version) = read_header(input)?;
    if version != VERSION {
        return Err(FrameError::Version(version));
    }
    read_body(input, length, limit)
}

/// As [`read`], for a request: with it, the real user id of whoever started the program that
/// asks, where that program says that it acts as another; 0 if not.
///
/// # Errors
/// As [`read`].
pub fn read_behind<T: DeserializeOwned>(
    input: &mut impl Read,
    limit: usize,
) -> Result<(T, u32), FrameError> {
    let (length, version) = read_header(input)?;
    let mut behind = [0u8; 4];
    match version {
        VERSION => {}
        _ if version == VERSION | BEHIND => input.read_exact(&mut behind)?,
        other => return Err(FrameError::Version(other & !BEHIND)),
    }
    let message = read_body(input, length, limit)?;
    Ok((message, u32::from_le_bytes(behind)))
}

fn read_header(input: &mut impl Read) -> Result<([u8; 4], u16), FrameError> {
    let mut length = [0u8; 4];
    let mut version = [0u8; 2];
    input.read_exact(&mut length)?;
    input.read_exact(&mut version)?;
    Ok((length, u16::from_le_bytes(version)))
}

fn read_body<T: DeserializeOwned>(
    input: &mut impl Read,
    length: [u8; 4],
    limit: usize,
) -> Result<T, FrameError> {
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(|_| FrameError::TooLong)?;
    if length > limit {
        return Err(FrameError::TooLong);
    }
    let mut body = Zeroizing::new(vec![0u8; length]);
    input.read_exact(&mut body)?;
    match postcard::take_from_bytes(&body) {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(FrameError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::AdminError;
    use crate::{Origin, Request, Secret, UserName};
    use proptest::prelude::*;

    #[test]
    fn a_request_survives() {
        let request = Request::Logon {
            user: UserName::parse(b"CORP\\alice").unwrap(),
            password: Secret::new(b"s3cret"),
            origin: Origin::default(),
        };
        let mut wire = Vec::new();
        write(&mut wire, &request, MAX_REQUEST).unwrap();
        let back: Request = read(&mut wire.as_slice(), MAX_REQUEST).unwrap();
        let Request::Logon { user, password, .. } = back else {
            panic!("another request came back")
        };
        assert_eq!(user.key(), "alice");
        assert_eq!(password.expose(), b"s3cret");
    }

    #[test]
    fn who_is_behind_a_request_goes_with_it() {
        let request = Request::GroupsOf("alice".to_owned());
        for real_uid in [0, 1000, u32::MAX] {
            let mut bytes = Vec::new();
            write_behind(&mut bytes, &request, MAX_REQUEST, real_uid).unwrap();
            let whole: (Request, u32) = read_behind(&mut bytes.as_slice(), MAX_REQUEST).unwrap();
            assert_eq!(format!("{whole:?}"), format!("{:?}", (&request, real_uid)));
            for length in 0..bytes.len() {
                let cut = read_behind::<Request>(&mut &bytes[..length], MAX_REQUEST);
                assert!(matches!(cut, Err(FrameError::Io(_))), "{cut:?}");
            }
            let short = read_behind::<Request>(&mut bytes.as_slice(), 3);
            assert!(matches!(short, Err(FrameError::TooLong)));
            bytes[4] = 2;
            let newer = read_behind::<Request>(&mut bytes.as_slice(), MAX_REQUEST);
            assert!(matches!(newer, Err(FrameError::Version(2))), "{newer:?}");
        }
        // Nobody is behind a reply.
        let mut bytes = Vec::new();
        write_behind(&mut bytes, &request, MAX_REQUEST, 1).unwrap();
        let read = read::<Request>(&mut bytes.as_slice(), MAX_REQUEST);
        assert!(matches!(read, Err(FrameError::Version(_))), "{read:?}");
    }

    #[test]
    fn cut_long_and_foreign_frames_are_told_apart() {
        let mut wire = Vec::new();
        write(&mut wire, &Request::Status, MAX_REQUEST).unwrap();
        for cut in 0..wire.len() {
            let result = read::<Request>(&mut &wire[..cut], MAX_REQUEST);
            assert!(matches!(result, Err(FrameError::Io(_))), "cut at {cut}");
        }
        let mut newer = wire.clone();
        newer[4] = 9;
        let result = read::<Request>(&mut newer.as_slice(), MAX_REQUEST);
        assert!(matches!(result, Err(FrameError::Version(9))));
        let mut long = wire.clone();
        long[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        let result = read::<Request>(&mut long.as_slice(), MAX_REQUEST);
        assert!(matches!(result, Err(FrameError::TooLong)));
        let mut trailing = wire;
        trailing[0] += 1;
        trailing.push(0);
        let result = read::<Request>(&mut trailing.as_slice(), MAX_REQUEST);
        assert!(matches!(result, Err(FrameError::Malformed)));
    }

    /// What nests without end in what is written must not do so in what is read: the stack of
    /// the host program ends, and no guard catches that.
    #[test]
    fn a_reply_is_read_in_so_much_stack() {
        let refused = |why| crate::Reply::AdminRefused(Box::new(why));
        let row = AdminError::Import(vec![(7, AdminError::NoSuchUser("x".to_owned()))]);
        let mut wire = Vec::new();
        write(&mut wire, &refused(row.clone()), MAX_REPLY).unwrap();
        let back: crate::Reply = read(&mut wire.as_slice(), MAX_REPLY).unwrap();
        assert_eq!(back, refused(row.clone()));
        // A refused import, of a row that is a refused import, and so on.
        wire.clear();
        write(
            &mut wire,
            &refused(AdminError::Import(vec![(7, row)])),
            MAX_REPLY,
        )
        .unwrap();
        let nested = read::<crate::Reply>(&mut wire.as_slice(), MAX_REPLY);
        assert!(matches!(nested, Err(FrameError::Malformed)));
        let import = postcard::to_allocvec(&AdminError::Import(Vec::new())).unwrap()[0];
        let mut deep = wire[..HEADER + 1].to_vec();
        for _ in 0..400_000 {
            deep.extend([import, 1, 0]);
        }
        deep.push(0);
        let length = u32::try_from(deep.len() - HEADER).unwrap();
        deep[..4].copy_from_slice(&length.to_le_bytes());
        let read = read::<crate::Reply>(&mut deep.as_slice(), MAX_REPLY);
        assert!(matches!(read, Err(FrameError::Malformed)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read::<Request>(&mut bytes.as_slice(), MAX_REQUEST);
            let _ = read::<crate::Reply>(&mut bytes.as_slice(), MAX_REPLY);
        }
    }
}
