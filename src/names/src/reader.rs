//! Looking something up.

use crate::bytes::u32_at;
use crate::format::{BUCKET, COVER, Fault, Header, Id, MAGIC, MOST_PROBES, SLOT, UNIT, flag};
use crate::hash;
use crate::record::{GroupIds, GroupRecord, Record, UserRecord, kind};

/// What a file says about a key.
#[derive(Clone, Copy, Debug)]
pub enum Found<T> {
    /// It is here.
    Here(T),
    /// It was in the base, and is no more. Only a delta says so.
    Gone,
    /// It is not in this file.
    Unknown,
    /// The place where it ought to be is damaged: somebody else must be asked.
    Damaged,
}

impl<T> Found<T> {
    /// The same of something that is made of what was found.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Self::Here(found) => Found::Here(map(found)),
            Self::Gone => Found::Gone,
            Self::Unknown => Found::Unknown,
            Self::Damaged => Found::Damaged,
        }
    }

    fn from_option(found: Option<T>) -> Self {
        found.map_or(Self::Damaged, Self::Here)
    }
}

/// A file of names.
#[derive(Clone, Copy)]
pub struct Reader<'a>(Header<'a>);

impl<'a> Reader<'a> {
    /// Reads what follows the cover ([`COVER`]) of a file.
    ///
    /// The word that changes is in the cover, so these bytes never do.
    ///
    /// # Errors
    /// [`Fault`] says why the file cannot be used.
    pub fn new(contents: &'a [u8]) -> Result<Self, Fault> {
        Header::read(contents).map(Self)
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// [`Fault`] says why the file cannot be used.
    pub fn of_file(file: &'a [u8]) -> Result<Self, Fault> {
        if !file.starts_with(&MAGIC) {
            return Err(Fault::NotNames);
        }
        Self::new(file.get(COVER..).ok_or(Fault::Length)?)
    }

    /// Whether a key that neither this base nor its delta has is nobody's.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.0.flags & flag::COMPLETE != 0
    }

    /// Whether this is a delta.
    #[must_use]
    pub const fn is_delta(&self) -> bool {
        self.0.flags & flag::DELTA != 0
    }

    /// What makes this file different from every other.
    #[must_use]
    pub const fn id(&self) -> Id {
        self.0.id
    }

    /// Whether `delta` is one, and of this base.
    #[must_use]
    pub fn is_base_of(&self, delta: &Reader<'_>) -> bool {
        !self.is_delta() && delta.is_delta() && delta.0.base == self.0.id
    }

    /// When it was made, in seconds since 1970.
    #[must_use]
    pub const fn created_at(&self) -> u64 {
        self.0.created_at
    }

    /// No id below this is anybody's of the domain.
    #[must_use]
    pub const fn lowest_id(&self) -> u32 {
        self.0.lowest
    }

    /// Whether a domain with this name, which was folded, is ours: it is the short name or
    /// the DNS name.
    #[must_use]
    pub fn is_domain(&self, folded: &[u8]) -> bool {
        folded == self.0.short || folded == self.0.dns
    }

    /// The user with this folded name.
    #[must_use]
    #[inline(never)]
    pub fn user_by_name(&self, key: &[u8]) -> Found<UserRecord<'a>> {
        self.find(self.0.tables.users_by_name, key, |record| {
            match record.kind {
                kind::USER => match record.user() {
                    Some(user) if user.key != key => None,
                    user => Some(Found::from_option(user)),
                },
                kind::NO_USER_NAME => (record.key_alone() == Some(key)).then_some(Found::Gone),
                _ => Some(Found::Damaged),
            }
        })
    }

    /// The user with this id.
    #[must_use]
    #[inline(never)]
    pub fn user_by_id(&self, id: u32) -> Found<UserRecord<'a>> {
        self.find(
            self.0.tables.users_by_id,
            &id.to_le_bytes(),
            |record| match record.kind {
                kind::USER | kind::NO_USER_ID if record.id != id => None,
                kind::USER => Some(Found::from_option(record.user())),
                kind::NO_USER_ID => Some(Found::Gone),
                _ => Some(Found::Damaged),
            },
        )
    }

    /// The group with this folded name.
    #[must_use]
    #[inline(never)]
    pub fn group_by_name(&self, key: &[u8]) -> Found<GroupRecord<'a>> {
        self.find(self.0.tables.groups_by_name, key, |record| {
            match record.kind {
                kind::GROUP => match record.group() {
                    Some(group) if group.key != key => None,
                    group => Some(Found::from_option(group)),
                },
                kind::NO_GROUP_NAME => (record.key_alone() == Some(key)).then_some(Found::Gone),
                _ => Some(Found::Damaged),
            }
        })
    }

    /// The group with this id.
    #[must_use]
    #[inline(never)]
    pub fn group_by_id(&self, id: u32) -> Found<GroupRecord<'a>> {
        self.find(
            self.0.tables.groups_by_id,
            &id.to_le_bytes(),
            |record| match record.kind {
                kind::GROUP | kind::NO_GROUP_ID if record.id != id => None,
                kind::GROUP => Some(Found::from_option(record.group())),
                kind::NO_GROUP_ID => Some(Found::Gone),
                _ => Some(Found::Damaged),
            },
        )
    }

    /// The ids of the groups of the user with this folded name. Those of a user who is here
    /// without his groups are [`Found::Unknown`].
    #[must_use]
    pub fn groups_of(&self, key: &[u8]) -> Found<GroupIds<'a>> {
        match self.user_by_name(key) {
            Found::Here(user) => user.groups.map_or(Found::Unknown, Found::Here),
            Found::Gone => Found::Gone,
            Found::Unknown => Found::Unknown,
            Found::Damaged => Found::Damaged,
        }
    }

    /// The user with the lowest id above `after`; [`Found::Unknown`] if there is none.
    #[must_use]
    pub fn user_after(&self, after: u32) -> Found<UserRecord<'a>> {
        self.next(self.0.tables.users_in_order, after, |record| record.user())
    }

    /// The group with the lowest id above `after`; [`Found::Unknown`] if there is none.
    #[must_use]
    pub fn group_after(&self, after: u32) -> Found<GroupRecord<'a>> {
        self.next(self.0.tables.groups_in_order, after, |record| {
            record.group()
        })
    }

    /// How many users there are.
    #[must_use]
    pub const fn users(&self) -> usize {
        self.0.tables.users_in_order.len() / SLOT
    }

    /// How many groups there are.
    #[must_use]
    pub const fn groups(&self) -> usize {
        self.0.tables.groups_in_order.len() / SLOT
    }

    /// Goes through the records that may have this key. `accept` says what a record is, or
    /// that it has another key.
    #[inline]
    fn find<T>(
        &self,
        table: &'a [u8],
        key: &[u8],
        accept: impl Fn(&Record<'a>) -> Option<Found<T>>,
    ) -> Found<T> {
        // As of most deltas, all of the time.
        if table.is_empty() {
            return Found::Unknown;
        }
        let mut search = Search::new(table, hash::place(self.0.key, key));
        loop {
            match self.candidate(&mut search) {
                Found::Here(record) => {
                    if let Some(found) = accept(&record) {
                        return found;
                    }
                }
                Found::Gone | Found::Unknown => return Found::Unknown,
                Found::Damaged => return Found::Damaged,
            }
        }
    }

    /// The next record whose key has the hash that is searched for.
    fn candidate(&self, search: &mut Search<'a>) -> Found<Record<'a>> {
        while let Some(bucket) = search.bucket() {
            for slot in bucket.chunks_exact(SLOT).skip(search.slot) {
                search.slot += 1;
                let (Some(tag), Some(place)) = (u32_at(slot, 0), u32_at(slot, 4)) else {
                    return Found::Damaged;
                };
                if place == 0 {
                    return Found::Unknown;
                }
                if tag == search.tag {
                    return Found::from_option(self.record(place));
                }
            }
            search.go_on();
        }
        Found::Unknown
    }

    /// The entry that follows `after` in a table of the order.
    fn next<T>(
        &self,
        table: &'a [u8],
        after: u32,
        read: impl Fn(&Record<'a>) -> Option<T>,
    ) -> Found<T> {
        let pair = |index: usize| {
            let pair = table.get(index.checked_mul(SLOT)?..)?;
            Some((u32_at(pair, 0)?, u32_at(pair, 4)?))
        };
        let (mut low, mut high) = (0, table.len() / SLOT);
        while low < high {
            let middle = low + (high - low) / 2;
            match pair(middle) {
                Some((id, _)) if id <= after => low = middle + 1,
                Some(_) => high = middle,
                None => return Found::Damaged,
            }
        }
        let Some((id, place)) = pair(low) else {
            return Found::Unknown;
        };
        let record = self
            .record(place)
            .filter(|record| record.id == id && id > after);
        Found::from_option(record.and_then(|record| read(&record)))
    }

    #[inline]
    fn record(&self, place: u32) -> Option<Record<'a>> {
        let at = usize::try_from(place.checked_sub(1)?)
            .ok()?
            .checked_mul(UNIT)?;
        let bytes = self.0.records.get(at..)?;
        Record::read(bytes, salt(self.0.key, place))
    }
}

/// Where in a table a search has come to.
struct Search<'a> {
    table: &'a [u8],
    tag: u32,
    count: u64,
    at: u64,
    /// Slots of this bucket that were looked at.
    slot: usize,
    /// Buckets that may still be looked at.
    left: u32,
}

impl<'a> Search<'a> {
    fn new(table: &'a [u8], hash: u64) -> Self {
        let count = (table.len() / BUCKET) as u64;
        Self {
            table,
            tag: hash as u32,
            count,
            at: home(hash, count),
            slot: 0,
            left: MOST_PROBES,
        }
    }

    fn bucket(&self) -> Option<&'a [u8; BUCKET]> {
        let start = usize::try_from(self.at).ok()?.checked_mul(BUCKET)?;
        let bucket = self.table.get(start..)?.first_chunk()?;
        (self.left > 0).then_some(bucket)
    }

    fn go_on(&mut self) {
        self.at = if self.at + 1 < self.count {
            self.at + 1
        } else {
            0
        };
        self.slot = 0;
        self.left = self.left.saturating_sub(1);
    }
}

/// The first of the buckets in which an entry may stand.
pub(crate) const fn home(hash: u64, count: u64) -> u64 {
    (hash >> 32).wrapping_mul(count) >> 32
}

/// Binds a record to its file and to its place there.
pub(crate) const fn salt(key: (u64, u64), place: u32) -> u64 {
    key.0 ^ place as u64
}
