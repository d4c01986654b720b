//! A door for `tests/fuzz`. Nothing of it is the product's.

use crate::bytes::{u32_at, u64_at};
use crate::format::{BUCKET, HEADER, SLOT, UNIT, VERSION, at};
use crate::hash::checksum;
use crate::reader::salt;

/// Gives a file's contents, which anybody wrote, the length that they have and the checksums
/// that they need, so that what is behind those is reached.
pub fn seal(contents: &mut [u8]) {
    let Some(header) = contents.get_mut(..HEADER) else {
        return;
    };
    lay(header, at::VERSION, &VERSION.to_le_bytes());
    let length = contents.len() as u64 + crate::COVER as u64;
    lay(contents, at::LENGTH, &length.to_le_bytes());
    let key = u64_at(contents, at::KEY).unwrap_or_default();
    for table in 0..6 {
        let number = |contents: &[u8], at| {
            u64_at(contents, at).and_then(|number| usize::try_from(number).ok())
        };
        let place = at::TABLES + table * 16;
        let start = number(contents, place).unwrap_or_default();
        let count = number(contents, place + 8).unwrap_or_default();
        let size = if table < 4 { BUCKET } else { SLOT };
        let slots = count.saturating_mul(size / SLOT).min(1 << 12);
        for slot in 0..slots {
            let found = start.checked_add(slot * SLOT + 4);
            if let Some(place) = found.and_then(|at| u32_at(contents, at)) {
                seal_record(contents, key, place);
            }
        }
    }
    let guarded = contents.get(..at::CHECKSUM).unwrap_or_default();
    let sum = checksum(0, guarded);
    lay(contents, at::CHECKSUM, &sum.to_le_bytes());
}

fn seal_record(contents: &mut [u8], key: u64, place: u32) {
    let records = u64_at(contents, at::RECORDS).and_then(|at| usize::try_from(at).ok());
    let inside = (place as usize)
        .checked_sub(1)
        .and_then(|unit| unit.checked_mul(UNIT));
    let Some(start) = records
        .zip(inside)
        .and_then(|(at, inside)| at.checked_add(inside))
    else {
        return;
    };
    let Some(length) = start.checked_add(4).and_then(|at| u32_at(contents, at)) else {
        return;
    };
    let end = start.checked_add(length as usize);
    let Some(guarded) = end.and_then(|end| contents.get(start.checked_add(4)?..end)) else {
        return;
    };
    let sum = checksum(salt((key, 0), place), guarded) as u32;
    lay(contents, start, &sum.to_le_bytes());
}

fn lay(bytes: &mut [u8], at: usize, new: &[u8]) {
    let place = bytes
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..new.len()));
    if let Some(place) = place {
        place.copy_from_slice(new);
    }
}
