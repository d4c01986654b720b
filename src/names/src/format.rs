//! Where everything stands in a file.
//!
//! ```text
//! cover     64 bytes: the magic, and the one word that changes
//! header    768 bytes, under a checksum
//! records   each at a multiple of 8, each under a checksum of its own
//! tables    each at a multiple of 64
//! ```
//!
//! Numbers are little-endian. Offsets count from the header's first byte, so that whoever
//! reads never touches the cover.
//!
//! A table by name or by id is a row of buckets, each a line of the processor's cache with
//! eight slots: the low half of the hash of the key, and the record's place (in units of 8
//! bytes from the first record, plus 1; 0 is an empty slot). An entry is in the bucket that the
//! high half of its hash falls into, or, if that one is full, in one of the next. A table of
//! the order is a row of pairs, an id and the place of its record.

use crate::bytes::{part, size_at, u32_at, u64_at};
use crate::hash::checksum;
use core::fmt;

/// The file of everything, in the runtime directory.
pub const BASE_FILE: &str = "names";

/// The file of what changed since, in the runtime directory.
pub const DELTA_FILE: &str = "names.delta";

/// The first bytes of a file.
pub const MAGIC: [u8; 8] = *b"domnames";

/// The version of the format. A reader of another version asks the socket.
pub const VERSION: u32 = 1;

/// Bytes before the header: the magic, and the words that change.
pub const COVER: usize = 64;

/// Where in the file the word (four bytes) stands that says that there is a newer file.
pub const SUPERSEDED_AT: u64 = 8;

/// What that word becomes; before, it is zero. Any other value but zero counts the same.
pub const SUPERSEDED: [u8; 4] = 1_u32.to_le_bytes();

/// Where in a base the word (four bytes) stands that says that no daemon looks after it any
/// more: it has stopped. Of who is a local user by now such a file knows nothing.
pub const LEFT_AT: u64 = 12;

/// What that word becomes; before, it is zero.
pub const LEFT: [u8; 4] = 1_u32.to_le_bytes();

/// The longest file that is mapped: some ten million accounts, and so that nobody's address
/// space is filled by a file that went wrong.
pub const MOST_BYTES: u64 = 4 << 30;

pub(crate) const HEADER: usize = 768;
pub(crate) const BUCKET: usize = 64;
pub(crate) const SLOT: usize = 8;
/// Buckets in which an entry may stand, beginning with its own.
pub(crate) const MOST_PROBES: u32 = 8;
/// Records stand at multiples of this.
pub(crate) const UNIT: usize = 8;
/// Most bytes of each of the two names of the domain.
#[cfg(feature = "build")]
pub(crate) const MOST_DOMAIN: usize = 255;

/// Places in the header.
pub(crate) mod at {
    pub(crate) const VERSION: usize = 0;
    pub(crate) const FLAGS: usize = 4;
    pub(crate) const ID: usize = 8;
    pub(crate) const BASE: usize = 24;
    pub(crate) const CREATED: usize = 40;
    pub(crate) const LENGTH: usize = 48;
    pub(crate) const KEY: usize = 56;
    pub(crate) const LOWEST: usize = 72;
    pub(crate) const RECORDS: usize = 80;
    #[cfg(feature = "build")]
    pub(crate) const RECORDS_LENGTH: usize = 88;
    /// Six tables: an offset and a count of rows, eight bytes each.
    pub(crate) const TABLES: usize = 96;
    pub(crate) const SHORT: usize = 192;
    pub(crate) const DNS: usize = 448;
    pub(crate) const CHECKSUM: usize = 760;
}

pub(crate) mod flag {
    pub(crate) const COMPLETE: u32 = 1;
    pub(crate) const DELTA: u32 = 2;
}

/// What makes one base different from every other: random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Id(pub [u8; 16]);

/// Why a file is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin as a file of names does.
    NotNames,
    /// It is of another version of the format.
    Version(u32),
    /// Its header was changed, or is not whole.
    Header,
    /// It is shorter or longer than it says.
    Length,
    /// A table reaches beyond its end.
    Table,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNames => f.write_str("this is no file of names"),
            Self::Version(other) => {
                write!(
                    f,
                    "the file is of version {other}, and version {VERSION} is read"
                )
            }
            Self::Header => f.write_str("the header is damaged"),
            Self::Length => f.write_str("the file is not as long as it says"),
            Self::Table => f.write_str("a table reaches beyond the end of the file"),
        }
    }
}

impl core::error::Error for Fault {}

/// The six tables, in the order of the header.
#[derive(Clone, Copy)]
pub(crate) struct Tables<'a> {
    pub(crate) users_by_name: &'a [u8],
    pub(crate) users_by_id: &'a [u8],
    pub(crate) groups_by_name: &'a [u8],
    pub(crate) groups_by_id: &'a [u8],
    pub(crate) users_in_order: &'a [u8],
    pub(crate) groups_in_order: &'a [u8],
}

/// The header, looked at.
#[derive(Clone, Copy)]
pub(crate) struct Header<'a> {
    pub(crate) flags: u32,
    pub(crate) id: Id,
    pub(crate) base: Id,
    pub(crate) created_at: u64,
    pub(crate) key: (u64, u64),
    pub(crate) lowest: u32,
    pub(crate) short: &'a [u8],
    pub(crate) dns: &'a [u8],
    pub(crate) records: &'a [u8],
    pub(crate) tables: Tables<'a>,
}

impl<'a> Header<'a> {
    /// Looks at the header of what follows the cover.
    pub(crate) fn read(contents: &'a [u8]) -> Result<Self, Fault> {
        let header = contents.get(..HEADER).ok_or(Fault::Length)?;
        let version = u32_at(header, at::VERSION).ok_or(Fault::Header)?;
        if version != VERSION {
            return Err(Fault::Version(version));
        }
        let guarded = header.get(..at::CHECKSUM).ok_or(Fault::Header)?;
        if u64_at(header, at::CHECKSUM) != Some(checksum(0, guarded)) {
            return Err(Fault::Header);
        }
        let length = size_at(header, at::LENGTH).ok_or(Fault::Length)?;
        if contents.len().checked_add(COVER) != Some(length) {
            return Err(Fault::Length);
        }
        Self::fields(contents, header)
    }

    fn fields(contents: &'a [u8], header: &'a [u8]) -> Result<Self, Fault> {
        let number = |at| u32_at(header, at).ok_or(Fault::Header);
        let long = |at| u64_at(header, at).ok_or(Fault::Header);
        let id = |at: usize| {
            let bytes = header.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map(|bytes| Id(*bytes)).ok_or(Fault::Header)
        };
        let section = |at: usize, size: usize| {
            let start = size_at(header, at)?;
            let count = size_at(header, at.checked_add(8)?)?;
            part(contents, start, count.checked_mul(size)?)
        };
        let table = |index: usize, size| section(at::TABLES + index * 16, size).ok_or(Fault::Table);
        Ok(Self {
            flags: number(at::FLAGS)?,
            id: id(at::ID)?,
            base: id(at::BASE)?,
            created_at: long(at::CREATED)?,
            key: (long(at::KEY)?, long(at::KEY + 8)?),
            lowest: number(at::LOWEST)?,
            short: domain(header, at::SHORT).ok_or(Fault::Header)?,
            dns: domain(header, at::DNS).ok_or(Fault::Header)?,
            records: section(at::RECORDS, 1).ok_or(Fault::Table)?,
            tables: Tables {
                users_by_name: table(0, BUCKET)?,
                users_by_id: table(1, BUCKET)?,
                groups_by_name: table(2, BUCKET)?,
                groups_by_id: table(3, BUCKET)?,
                users_in_order: table(4, SLOT)?,
                groups_in_order: table(5, SLOT)?,
            },
        })
    }
}

/// A name of the domain: its length in a byte, and its letters.
fn domain(header: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(*header.get(at)?);
    part(header, at.checked_add(1)?, length)
}
