//! The entries of a file.
//!
//! Each begins with sixteen bytes:
//!
//! ```text
//!  0  u32  checksum of all that follows
//!  4  u32  length of the record
//!  8  u8   kind
//!  9  u8   flags
//! 10  u16  length of the folded name at its end; 0: it is the name as it stands
//! 12  u32  id
//! ```
//!
//! A user's goes on with the id of the first group, the number of group ids, the times of
//! expiry of both (u32, seconds since 1970, 0 for never), the lengths of the four texts
//! (u16), the four texts, each with a zero, the folded name, the group ids.
//!
//! A group's goes on with the number of members, the length of all texts, the time of expiry,
//! the length of the name (u16, and two bytes of nothing), where in the texts each member
//! begins (u32), the texts (the name, the members, each with a zero), the folded name.
//!
//! Texts and ids stand as glibc wants them, to be copied in one go.

use crate::bytes::{part, u16_at, u32_at};
use crate::hash::checksum;

pub(crate) const PREFIX: usize = 16;
pub(crate) const USER_TEXTS: usize = 40;
pub(crate) const GROUP_PLACES: usize = 32;

pub(crate) mod kind {
    pub(crate) const USER: u8 = 1;
    pub(crate) const GROUP: u8 = 2;
    /// No user has this name any more.
    pub(crate) const NO_USER_NAME: u8 = 3;
    pub(crate) const NO_USER_ID: u8 = 4;
    pub(crate) const NO_GROUP_NAME: u8 = 5;
    pub(crate) const NO_GROUP_ID: u8 = 6;
}

/// The group ids of a user are known.
pub(crate) const HAS_GROUPS: u8 = 1;

/// A record whose checksum is right.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    bytes: &'a [u8],
    pub(crate) kind: u8,
    flags: u8,
    key_length: usize,
    pub(crate) id: u32,
}

impl<'a> Record<'a> {
    /// The record at the beginning of `bytes`, which may reach beyond it.
    #[inline]
    pub(crate) fn read(bytes: &'a [u8], salt: u64) -> Option<Self> {
        let length = usize::try_from(u32_at(bytes, 4)?).ok()?;
        let bytes = bytes.get(..length)?;
        let guarded = bytes.get(4..)?;
        if u32_at(bytes, 0)? != checksum(salt, guarded) as u32 {
            return None;
        }
        Some(Self {
            bytes,
            kind: *bytes.get(8)?,
            flags: *bytes.get(9)?,
            key_length: usize::from(u16_at(bytes, 10)?),
            id: u32_at(bytes, 12)?,
        })
    }

    /// The folded name of a record that is nothing else.
    pub(crate) fn key_alone(&self) -> Option<&'a [u8]> {
        part(self.bytes, PREFIX, self.key_length)
    }

    #[inline]
    pub(crate) fn user(&self) -> Option<UserRecord<'a>> {
        if self.kind != kind::USER {
            return None;
        }
        let bytes = self.bytes;
        let length = |at| u16_at(bytes, at).map(usize::from);
        let lengths = [length(32)?, length(34)?, length(36)?, length(38)?];
        // Each text has a zero after it.
        let mut at = USER_TEXTS;
        let mut texts = [&[][..]; 4];
        for (text, length) in texts.iter_mut().zip(lengths) {
            *text = part(bytes, at, length)?;
            at = at.checked_add(length)?.checked_add(1)?;
        }
        let [name, full_name, home, shell] = texts;
        let key = match self.key_length {
            0 => name,
            length => part(bytes, at, length)?,
        };
        let groups = if self.flags & HAS_GROUPS == 0 {
            None
        } else {
            let count = usize::try_from(u32_at(bytes, 20)?).ok()?;
            let at = at.checked_add(self.key_length)?;
            Some(GroupIds(part(bytes, at, count.checked_mul(4)?)?))
        };
        Some(UserRecord {
            uid: self.id,
            gid: u32_at(bytes, 16)?,
            expires_at: u32_at(bytes, 24)?,
            groups_expire_at: u32_at(bytes, 28)?,
            groups,
            name,
            full_name,
            home,
            shell,
            key,
        })
    }

    #[inline]
    pub(crate) fn group(&self) -> Option<GroupRecord<'a>> {
        if self.kind != kind::GROUP {
            return None;
        }
        let bytes = self.bytes;
        let size = |at| u32_at(bytes, at).and_then(|size| usize::try_from(size).ok());
        let places_length = size(16)?.checked_mul(4)?;
        let places = part(bytes, GROUP_PLACES, places_length)?;
        let texts_at = GROUP_PLACES.checked_add(places_length)?;
        let texts = part(bytes, texts_at, size(20)?)?;
        let name_length = usize::from(u16_at(bytes, 28)?);
        let name = texts.get(..name_length)?;
        if texts.get(name_length) != Some(&0) || texts.last() != Some(&0) {
            return None;
        }
        let key = match self.key_length {
            0 => name,
            length => part(bytes, texts_at.checked_add(texts.len())?, length)?,
        };
        Some(GroupRecord {
            gid: self.id,
            expires_at: u32_at(bytes, 24)?,
            key,
            name,
            texts,
            places,
        })
    }
}

/// A line of the password database.
#[derive(Clone, Copy, Debug)]
pub struct UserRecord<'a> {
    /// User id.
    pub uid: u32,
    /// Id of the first group.
    pub gid: u32,
    /// Seconds since 1970 until which this is taken as it is; 0: always.
    pub expires_at: u32,
    /// Seconds since 1970 until which `groups` are taken as they are; 0: always.
    pub groups_expire_at: u32,
    /// The ids of all groups, nested ones and the first one included; `None`: not known.
    pub groups: Option<GroupIds<'a>>,
    /// The name, in its own spelling.
    pub name: &'a [u8],
    /// The full name (gecos).
    pub full_name: &'a [u8],
    /// The home directory.
    pub home: &'a [u8],
    /// The login shell.
    pub shell: &'a [u8],
    pub(crate) key: &'a [u8],
}

/// A line of the group database, nested groups flattened.
#[derive(Clone, Copy, Debug)]
pub struct GroupRecord<'a> {
    /// Group id.
    pub gid: u32,
    /// Seconds since 1970 until which this is taken as it is; 0: always.
    pub expires_at: u32,
    /// The name, in its own spelling.
    pub name: &'a [u8],
    pub(crate) key: &'a [u8],
    texts: &'a [u8],
    places: &'a [u8],
}

impl<'a> GroupRecord<'a> {
    /// The name and the members' names, each with a zero after it. The last byte is a zero.
    #[must_use]
    pub const fn texts(&self) -> &'a [u8] {
        self.texts
    }

    /// How many members there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.places.len() / 4
    }

    /// Where in [`GroupRecord::texts`] the name of each member begins. A place that is not
    /// inside is given as the last byte, an empty text.
    pub fn places(&self) -> impl Iterator<Item = usize> + use<'a> {
        let last = self.texts.len().saturating_sub(1);
        numbers(self.places).map(move |place| usize::try_from(place).map_or(last, |p| p.min(last)))
    }

    /// The members' names.
    pub fn members(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let texts = self.texts;
        self.places().map(move |place| {
            let rest = texts.get(place..).unwrap_or_default();
            rest.split(|byte| *byte == 0).next().unwrap_or_default()
        })
    }
}

/// The ids of a user's groups, in the order of the ids, each once.
#[derive(Clone, Copy, Debug)]
pub struct GroupIds<'a>(&'a [u8]);

impl<'a> GroupIds<'a> {
    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.len() / 4
    }

    /// The ids.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        numbers(self.0)
    }
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).map(|chunk| {
        chunk
            .first_chunk()
            .map_or(0, |number| u32::from_le_bytes(*number))
    })
}
