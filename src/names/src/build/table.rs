//! The tables of a file that is being made.

use crate::format::{BUCKET, MOST_PROBES, SLOT};
use crate::hash;
use crate::reader::home;
use std::vec;
use std::vec::Vec;

/// Entries that share a bucket, on average: five of eight slots are full.
const USUAL: u64 = 5;

/// How often a table is made larger, each time by half, before it is given up.
const TRIES: u32 = 12;

/// A table as it is written.
pub(super) struct Rows {
    pub(super) bytes: Vec<u8>,
    /// Buckets, or pairs.
    pub(super) count: u64,
}

pub(super) trait Table {
    /// `None` if there is no table of these entries: a hundred of them have one key.
    fn rows(&self) -> Option<Rows>;
}

/// Names or ids, by their hash.
#[derive(Debug, Default)]
pub(super) struct Keys {
    here: Vec<(u64, u32)>,
    gone: Vec<(u64, u32)>,
}

impl Keys {
    pub(super) fn add(&mut self, key: (u64, u64), bytes: &[u8], place: u32) {
        self.here.push((hash::place(key, bytes), place));
    }

    pub(super) fn add_gone(&mut self, key: (u64, u64), bytes: &[u8], place: u32) {
        self.gone.push((hash::place(key, bytes), place));
    }
}

impl Table for Keys {
    fn rows(&self) -> Option<Rows> {
        let entries = self.here.len() as u64 + self.gone.len() as u64;
        let mut count = entries.div_ceil(USUAL);
        for _ in 0..TRIES {
            if let Some(bytes) = self.laid_out(count) {
                return Some(Rows { bytes, count });
            }
            count += count / 2 + 1;
        }
        None
    }
}

impl Keys {
    /// The buckets, or `None` if an entry is too far from its own.
    fn laid_out(&self, count: u64) -> Option<Vec<u8>> {
        let size = usize::try_from(count.checked_mul(BUCKET as u64)?).ok()?;
        let mut bytes = vec![0; size];
        // What is here comes first, so that it is found first.
        for (hash, place) in self.here.iter().chain(&self.gone) {
            let slot = free_slot(&mut bytes, *hash, count)?;
            let (tag, at) = slot.split_at_mut_checked(4)?;
            tag.copy_from_slice(&(*hash as u32).to_le_bytes());
            at.copy_from_slice(&place.to_le_bytes());
        }
        Some(bytes)
    }
}

fn free_slot(bytes: &mut [u8], hash: u64, count: u64) -> Option<&mut [u8]> {
    let mut at = home(hash, count);
    for _ in 0..MOST_PROBES {
        let start = usize::try_from(at).ok()?.checked_mul(BUCKET)?;
        let bucket = bytes.get(start..start.checked_add(BUCKET)?)?;
        let free = bucket
            .chunks_exact(SLOT)
            .position(|slot| slot.iter().skip(4).all(|byte| *byte == 0));
        if let Some(free) = free {
            let start = start + free * SLOT;
            return bytes.get_mut(start..start + SLOT);
        }
        at = if at + 1 < count { at + 1 } else { 0 };
    }
    None
}

/// Entries in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Order(Vec<(u32, u32)>);

impl Order {
    pub(super) fn add(&mut self, id: u32, place: u32) {
        self.0.push((id, place));
    }
}

impl Table for Order {
    fn rows(&self) -> Option<Rows> {
        let mut pairs = self.0.clone();
        pairs.sort_unstable();
        pairs.dedup_by_key(|(id, _)| *id);
        let mut bytes = Vec::with_capacity(pairs.len().checked_mul(SLOT)?);
        for (id, place) in &pairs {
            bytes.extend_from_slice(&id.to_le_bytes());
            bytes.extend_from_slice(&place.to_le_bytes());
        }
        let count = pairs.len() as u64;
        Some(Rows { bytes, count })
    }
}
