//! The requests and replies of the daemon's socket that NSS needs, without a heap.
//!
//! They are those of `domlogon_protocol` (`Request`, `Reply`) in postcard's encoding: numbers
//! in groups of seven bits, the lowest first; texts and lists with their length before them;
//! an option with a byte. The tests compare both ways with the protocol's own code.

use crate::line::{Group, Members, User};
use crate::name::MOST_BYTES;
use core::marker::PhantomData;

/// The version of the protocol.
pub(crate) const VERSION: u16 = 1;

/// Before a body: its length in four bytes, the version in two.
pub(crate) const HEADER: usize = 6;

/// Set in the version where a real user id comes between the header and the body.
pub(crate) const BEHIND: u16 = 0x8000;

/// Most bytes of a reply's body.
pub(crate) const MOST_REPLY: usize = 16 * 1024 * 1024;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    UserByName(&'a [u8]),
    UserById(u32),
    GroupByName(&'a [u8]),
    GroupById(u32),
    GroupsOf(&'a [u8]),
    Users(u32),
    Groups(u32),
}

/// A request with its header, as it is sent.
pub(crate) struct Frame {
    bytes: [u8; Self::MOST],
    length: usize,
    /// The id that it asks for, or asks for what follows it.
    pub(crate) id: u32,
}

impl Frame {
    /// The header, a real user id, the kind, a length of two bytes, and a name.
    pub(crate) const MOST: usize = HEADER + 4 + 1 + 2 + MOST_BYTES;

    /// For a program that acts as root, `real_uid` is who started it: su and sudo are anybody's.
    #[cold]
    pub(crate) fn new(request: Request<'_>, real_uid: u32) -> Self {
        let mut frame = Self {
            bytes: [0; Self::MOST],
            length: HEADER,
            id: 0,
        };
        let version = match real_uid {
            0 => VERSION,
            _ => {
                for byte in real_uid.to_le_bytes() {
                    frame.push(byte);
                }
                VERSION | BEHIND
            }
        };
        let before = frame.length;
        match request {
            Request::UserByName(name) => frame.name(0, name),
            Request::UserById(id) => frame.id(1, id),
            Request::GroupByName(name) => frame.name(2, name),
            Request::GroupById(id) => frame.id(3, id),
            Request::GroupsOf(name) => frame.name(4, name),
            Request::Users(after) => frame.id(5, after),
            Request::Groups(after) => frame.id(6, after),
        }
        let body = u32::try_from(frame.length.saturating_sub(before)).unwrap_or(0);
        let [a, b, c, d] = body.to_le_bytes();
        let [e, f] = version.to_le_bytes();
        if let Some(header) = frame.bytes.first_chunk_mut() {
            *header = [a, b, c, d, e, f];
        }
        frame
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn name(&mut self, kind: u8, name: &[u8]) {
        self.push(kind);
        self.number(u32::try_from(name.len()).unwrap_or(0));
        let rest = self.bytes.get_mut(self.length..).unwrap_or_default();
        if let Some(place) = rest.get_mut(..name.len()) {
            place.copy_from_slice(name);
            self.length += name.len();
        }
    }

    fn id(&mut self, kind: u8, id: u32) {
        self.id = id;
        self.push(kind);
        self.number(id);
    }

    fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.push(number as u8);
    }

    fn push(&mut self, byte: u8) {
        if let Some(to) = self.bytes.get_mut(self.length) {
            *to = byte;
            self.length += 1;
        }
    }
}

/// What the daemon answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply<'a> {
    User(Option<User<'a>>),
    Group(Option<Group<'a>>),
    GroupIds(Option<Sequence<'a, u32>>),
    Users(Page<'a, User<'a>>),
    Groups(Page<'a, Group<'a>>),
    /// The daemon has too much to do.
    Busy,
    /// Refused for another reason, or an answer to something else.
    Other,
}

/// One page of an enumeration, in the order of ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a, T> {
    pub(crate) entries: Sequence<'a, T>,
    /// The id to continue after; `None` at the end.
    pub(crate) next: Option<u32>,
}

/// The verdict "busy" on the wire.
const BUSY: u32 = 72;

impl<'a> Reply<'a> {
    /// Reads the body of a reply. `None`: it cannot be understood.
    #[cold]
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut body = Bytes(body);
        let reply = match body.number()? {
            0 => Self::User(body.option()?),
            1 => Self::Group(body.option()?),
            2 => Self::GroupIds(body.option()?),
            3 => Self::Users(body.page()?),
            4 => Self::Groups(body.page()?),
            11 => {
                return Some(match body.number()? {
                    BUSY => Self::Busy,
                    _ => Self::Other,
                });
            }
            _ => return Some(Self::Other),
        };
        body.0.is_empty().then_some(reply)
    }
}

/// What is left of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number of 32 bits, or of 16: nothing here is larger.
    fn number(&mut self) -> Option<u32> {
        let mut number = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            // Of the fifth byte, four bits are left.
            if shift == 28 && byte > 0x0f {
                return None;
            }
            number |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        core::str::from_utf8(text).is_ok().then_some(text)
    }

    fn option<T: Decode<'a>>(&mut self) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => T::decode(self).map(Some),
            _ => None,
        }
    }

    fn page<T: Decode<'a>>(&mut self) -> Option<Page<'a, T>> {
        Some(Page {
            entries: Sequence::decode(self)?,
            next: self.option()?,
        })
    }
}

/// What a body is made of.
pub(crate) trait Decode<'a>: Sized {
    fn decode(bytes: &mut Bytes<'a>) -> Option<Self>;
}

impl<'a> Decode<'a> for u32 {
    fn decode(bytes: &mut Bytes<'a>) -> Option<Self> {
        bytes.number()
    }
}

impl<'a> Decode<'a> for &'a [u8] {
    fn decode(bytes: &mut Bytes<'a>) -> Option<Self> {
        bytes.text()
    }
}

impl<'a> Decode<'a> for User<'a> {
    fn decode(bytes: &mut Bytes<'a>) -> Option<Self> {
        Some(Self {
            name: bytes.text()?,
            uid: bytes.number()?,
            gid: bytes.number()?,
            full_name: bytes.text()?,
            home: bytes.text()?,
            shell: bytes.text()?,
        })
    }
}

impl<'a> Decode<'a> for Group<'a> {
    fn decode(bytes: &mut Bytes<'a>) -> Option<Self> {
        Some(Self {
            name: bytes.text()?,
            gid: bytes.number()?,
            members: Members::Told(Sequence::decode(bytes)?),
        })
    }
}

/// A list that was walked through once, so that each of its elements can be read.
#[derive(Debug)]
pub(crate) struct Sequence<'a, T> {
    count: u32,
    bytes: Bytes<'a>,
    of: PhantomData<T>,
}

// Whatever T is: it is not in there.
impl<T> Clone for Sequence<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Sequence<'_, T> {}

impl<'a, T: Decode<'a>> Decode<'a> for Sequence<'a, T> {
    fn decode(bytes: &mut Bytes<'a>) -> Option<Self> {
        let count = bytes.number()?;
        let first = *bytes;
        for _ in 0..count {
            T::decode(bytes)?;
        }
        Some(Self {
            count,
            bytes: first,
            of: PhantomData,
        })
    }
}

impl<'a, T: Decode<'a>> Sequence<'a, T> {
    /// So many elements at the beginning of `bytes`.
    pub(crate) const fn at(count: u32, bytes: &'a [u8]) -> Self {
        Self {
            count,
            bytes: Bytes(bytes),
            of: PhantomData,
        }
    }

    /// The elements' count, and how many bytes there are from the first of them to the end of
    /// the body.
    pub(crate) const fn place(&self) -> (u32, usize) {
        (self.count, self.bytes.0.len())
    }

    /// The first element, which is not in the list any more.
    pub(crate) fn next(&mut self) -> Option<T> {
        self.count = self.count.checked_sub(1)?;
        T::decode(&mut self.bytes)
    }

    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let mut bytes = self.bytes;
        (0..self.count).map_while(move |_| T::decode(&mut bytes))
    }
}

#[cfg(test)]
mod tests;
