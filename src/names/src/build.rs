//! Making a file.
//!
//! Records go out as they come, so that a million accounts need no memory but for the tables
//! that follow them: some 60 bytes for each.

mod entries;
mod table;

use crate::format::{COVER, HEADER, Id, MAGIC, MOST_DOMAIN, UNIT, VERSION, at, flag};
use crate::hash::checksum;
use crate::reader::salt;
use crate::record::{GROUP_PLACES, HAS_GROUPS, PREFIX, USER_TEXTS, kind};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::string::String;
use std::vec::Vec;
use table::{Keys, Order};

pub use entries::{About, BuildError, GroupEntry, UserEntry};

/// Writes a file of names.
///
/// Users and groups may be given in any order. Of two with one name or one id the first is
/// found. In a delta, what is here is found before what is said to be gone, whatever came
/// first. Names are folded as `UserName::fold` does it: Unicode lower case.
#[derive(Debug)]
pub struct Builder<W: Write + Seek> {
    out: BufWriter<W>,
    header: Vec<u8>,
    key: (u64, u64),
    id: Id,
    lowest: u32,
    /// Bytes of records that are written.
    written: u64,
    record: Vec<u8>,
    users: Section,
    groups: Section,
}

/// What leads to the users, or to the groups.
#[derive(Debug, Default)]
struct Section {
    by_name: Keys,
    by_id: Keys,
    order: Order,
}

/// How much is collected for one write.
const BUFFER: usize = 256 * 1024;

impl<W: Write + Seek> Builder<W> {
    /// Begins a file in `out`, which is empty.
    ///
    /// # Errors
    /// [`BuildError`]; [`BuildError::Unsound`] if a name of the domain is too long.
    pub fn new(out: W, about: &About<'_>) -> Result<Self, BuildError> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| BuildError::Random)?;
        Self::with_random(out, about, random)
    }

    /// As [`Builder::new`], with these random bytes: the same file for the same entries.
    ///
    /// # Errors
    /// As of [`Builder::new`].
    pub fn with_random(out: W, about: &About<'_>, random: [u8; 32]) -> Result<Self, BuildError> {
        let number = |at: usize| {
            let bytes = random.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
        };
        let id = random.first_chunk().copied().map(Id).unwrap_or_default();
        let key = (number(16), number(24));
        let mut builder = Self {
            out: BufWriter::with_capacity(BUFFER, out),
            header: header(about, id, key)?,
            key,
            id,
            lowest: about.lowest_id,
            written: 0,
            record: Vec::new(),
            users: Section::default(),
            groups: Section::default(),
        };
        // The place of the cover and of the header, which are written last.
        builder.out.write_all(&[0; COVER + HEADER])?;
        Ok(builder)
    }

    /// What makes this file different from every other: what a delta of it is bound to.
    #[must_use]
    pub const fn id(&self) -> Id {
        self.id
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`BuildError`]; after [`BuildError::Unsound`] the builder can go on without him.
    pub fn user(&mut self, user: &UserEntry<'_>) -> Result<(), BuildError> {
        let texts = [user.name, user.full_name, user.home, user.shell];
        self.check(user.name, user.uid)?;
        if !self.is_id(user.gid) || !texts.iter().all(|text| fits_a_field(text)) {
            return Err(BuildError::Unsound);
        }
        let mut groups = user.groups.unwrap_or_default().to_vec();
        groups.sort_unstable();
        groups.dedup();
        groups.retain(|id| self.is_id(*id));
        let flags = if user.groups.is_some() { HAS_GROUPS } else { 0 };
        let key = self.begin(kind::USER, flags, user.name, user.uid)?;
        self.number(user.gid);
        self.number(u32::try_from(groups.len()).map_err(|_| BuildError::TooMuch)?);
        self.number(user.expires_at);
        self.number(user.groups_expire_at);
        for text in texts {
            self.short(text.len())?;
        }
        debug_assert_eq!(self.record.len(), USER_TEXTS);
        for text in texts {
            self.text(text);
        }
        self.key(user.name, &key);
        for id in groups {
            self.number(id);
        }
        let place = self.end()?;
        self.users.by_name.add(self.key, key.as_bytes(), place);
        self.users
            .by_id
            .add(self.key, &user.uid.to_le_bytes(), place);
        self.users.order.add(user.uid, place);
        Ok(())
    }

    /// Adds a group. Members whose names cannot be given are left out.
    ///
    /// # Errors
    /// [`BuildError`]; after [`BuildError::Unsound`] the builder can go on without it.
    pub fn group<S: AsRef<str>>(&mut self, group: &GroupEntry<'_, S>) -> Result<(), BuildError> {
        self.check(group.name, group.gid)?;
        let sound = |name: &&str| is_name(name);
        let members = || group.members.iter().map(AsRef::as_ref).filter(sound);
        let size = |text: &str| text.len() as u64 + 1;
        let count = u32::try_from(members().count()).map_err(|_| BuildError::TooMuch)?;
        let length = members().map(size).sum::<u64>() + size(group.name);
        let key = self.begin(kind::GROUP, 0, group.name, group.gid)?;
        self.number(count);
        self.number(u32::try_from(length).map_err(|_| BuildError::TooMuch)?);
        self.number(group.expires_at);
        self.short(group.name.len())?;
        self.short(0)?;
        debug_assert_eq!(self.record.len(), GROUP_PLACES);
        let mut place = size(group.name);
        for member in members() {
            self.number(u32::try_from(place).map_err(|_| BuildError::TooMuch)?);
            place += size(member);
        }
        self.text(group.name);
        for member in members() {
            self.text(member);
        }
        self.key(group.name, &key);
        let place = self.end()?;
        self.groups.by_name.add(self.key, key.as_bytes(), place);
        self.groups
            .by_id
            .add(self.key, &group.gid.to_le_bytes(), place);
        self.groups.order.add(group.gid, place);
        Ok(())
    }

    /// In a delta: the base's user with this name (in any spelling) is no more.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn no_user_name(&mut self, name: &str) -> Result<(), BuildError> {
        let (key, place) = self.gone(kind::NO_USER_NAME, name, 0)?;
        self.users.by_name.add_gone(self.key, key.as_bytes(), place);
        Ok(())
    }

    /// In a delta: the base's user with this id is no more.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn no_user_id(&mut self, uid: u32) -> Result<(), BuildError> {
        let (_, place) = self.gone(kind::NO_USER_ID, "", uid)?;
        self.users
            .by_id
            .add_gone(self.key, &uid.to_le_bytes(), place);
        Ok(())
    }

    /// In a delta: the base's group with this name (in any spelling) is no more.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn no_group_name(&mut self, name: &str) -> Result<(), BuildError> {
        let (key, place) = self.gone(kind::NO_GROUP_NAME, name, 0)?;
        self.groups
            .by_name
            .add_gone(self.key, key.as_bytes(), place);
        Ok(())
    }

    /// In a delta: the base's group with this id is no more.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn no_group_id(&mut self, gid: u32) -> Result<(), BuildError> {
        let (_, place) = self.gone(kind::NO_GROUP_ID, "", gid)?;
        self.groups
            .by_id
            .add_gone(self.key, &gid.to_le_bytes(), place);
        Ok(())
    }

    /// Writes the tables and the header. What was given is whole now, and may be renamed to
    /// where it belongs.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn finish(mut self) -> Result<W, BuildError> {
        put(&mut self.header, at::RECORDS, HEADER as u64);
        put(&mut self.header, at::RECORDS_LENGTH, self.written);
        let mut end = HEADER as u64 + self.written;
        let (users, groups) = (self.users, self.groups);
        // One after the other: each is in memory only while it is written.
        let tables: [&dyn table::Table; 6] = [
            &users.by_name,
            &users.by_id,
            &groups.by_name,
            &groups.by_id,
            &users.order,
            &groups.order,
        ];
        for (index, table) in tables.into_iter().enumerate() {
            let gap = end.next_multiple_of(COVER as u64) - end;
            for _ in 0..gap {
                self.out.write_all(&[0])?;
            }
            end += gap;
            let rows = table.rows().ok_or(BuildError::TooMuch)?;
            self.out.write_all(&rows.bytes)?;
            put(&mut self.header, at::TABLES + index * 16, end);
            put(&mut self.header, at::TABLES + index * 16 + 8, rows.count);
            end += rows.bytes.len() as u64;
        }
        put(&mut self.header, at::LENGTH, end + COVER as u64);
        let guarded = self.header.get(..at::CHECKSUM).unwrap_or_default();
        let sum = checksum(0, guarded);
        put(&mut self.header, at::CHECKSUM, sum);
        let mut out = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        out.seek(SeekFrom::Start(0))?;
        let mut start = [0; COVER].to_vec();
        put(&mut start, 0, u64::from_le_bytes(MAGIC));
        start.extend_from_slice(&self.header);
        out.write_all(&start)?;
        out.flush()?;
        Ok(out)
    }

    /// Bytes that the file has so far, without its tables.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.written
    }

    fn gone(&mut self, kind: u8, name: &str, id: u32) -> Result<(String, u32), BuildError> {
        let key = self.begin(kind, 0, name, id)?;
        // It has no name of its own, so that the key always stands there.
        let length = u16::try_from(key.len()).map_err(|_| BuildError::Unsound)?;
        self.patch(10, &length.to_le_bytes());
        self.record.extend_from_slice(key.as_bytes());
        debug_assert_eq!(self.record.len(), PREFIX + key.len());
        let place = self.end()?;
        Ok((key, place))
    }

    fn check(&self, name: &str, id: u32) -> Result<(), BuildError> {
        if is_name(name) && self.is_id(id) {
            Ok(())
        } else {
            Err(BuildError::Unsound)
        }
    }

    fn is_id(&self, id: u32) -> bool {
        (self.lowest.max(1)..u32::MAX).contains(&id)
    }

    /// Begins a record, and says the folded name.
    fn begin(&mut self, kind: u8, flags: u8, name: &str, id: u32) -> Result<String, BuildError> {
        let key = name.to_lowercase();
        let own = if key == name { 0 } else { key.len() };
        let own = u16::try_from(own).map_err(|_| BuildError::Unsound)?;
        self.record.clear();
        self.record.extend_from_slice(&[0; 8]);
        self.record.extend_from_slice(&[kind, flags]);
        self.record.extend_from_slice(&own.to_le_bytes());
        self.record.extend_from_slice(&id.to_le_bytes());
        Ok(key)
    }

    /// Writes the record, and says its place.
    fn end(&mut self) -> Result<u32, BuildError> {
        let length = u32::try_from(self.record.len()).map_err(|_| BuildError::TooMuch)?;
        let place =
            u32::try_from(self.written / UNIT as u64 + 1).map_err(|_| BuildError::TooMuch)?;
        self.patch(4, &length.to_le_bytes());
        let guarded = self.record.get(4..).unwrap_or_default();
        let sum = checksum(salt(self.key, place), guarded) as u32;
        self.patch(0, &sum.to_le_bytes());
        let whole = self.record.len().next_multiple_of(UNIT);
        self.record.resize(whole, 0);
        self.out.write_all(&self.record)?;
        self.written += whole as u64;
        Ok(place)
    }

    fn patch(&mut self, at: usize, bytes: &[u8]) {
        for (to, from) in self.record.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    }

    fn number(&mut self, number: u32) {
        self.record.extend_from_slice(&number.to_le_bytes());
    }

    fn short(&mut self, length: usize) -> Result<(), BuildError> {
        let length = u16::try_from(length).map_err(|_| BuildError::Unsound)?;
        self.record.extend_from_slice(&length.to_le_bytes());
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.record.extend_from_slice(text.as_bytes());
        self.record.push(0);
    }

    fn key(&mut self, name: &str, key: &str) {
        if key != name {
            self.record.extend_from_slice(key.as_bytes());
        }
    }
}

fn header(about: &About<'_>, id: Id, key: (u64, u64)) -> Result<Vec<u8>, BuildError> {
    let mut header = [0; HEADER].to_vec();
    let mut flags = 0;
    if about.complete {
        flags |= flag::COMPLETE;
    }
    if about.base.is_some() {
        flags |= flag::DELTA;
    }
    put(
        &mut header,
        at::VERSION,
        u64::from(VERSION) | u64::from(flags) << 32,
    );
    lay(&mut header, at::ID, &id.0);
    lay(&mut header, at::BASE, &about.base.unwrap_or_default().0);
    put(&mut header, at::CREATED, about.created_at);
    put(&mut header, at::KEY, key.0);
    put(&mut header, at::KEY + 8, key.1);
    put(&mut header, at::LOWEST, u64::from(about.lowest_id));
    for (at, name) in [(at::SHORT, about.short), (at::DNS, about.dns)] {
        let name = name.to_lowercase();
        let length = u8::try_from(name.len()).map_err(|_| BuildError::Unsound)?;
        debug_assert!(name.len() <= MOST_DOMAIN);
        lay(&mut header, at, &[length]);
        lay(&mut header, at + 1, name.as_bytes());
    }
    Ok(header)
}

fn put(bytes: &mut [u8], at: usize, number: u64) {
    lay(bytes, at, &number.to_le_bytes());
}

fn lay(bytes: &mut [u8], at: usize, new: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(new) {
        *to = *from;
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && fits_a_field(name) && !name.eq_ignore_ascii_case("root")
}

fn fits_a_field(text: &str) -> bool {
    !text.chars().any(|c| c == ':' || c.is_control())
}
