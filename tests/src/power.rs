//! A power failure: what a disk would have of the daemon's files.
//!
//! Kept is all that was there when the daemon started, and each change of a file up to its last
//! synchronization. Of the changes since then any may be there or not, the last one in part:
//! chance decides, as a disk's cache would. A synchronization that failed keeps nothing of what it
//! was asked to keep, as on Linux, where the kernel takes it for written. Names of files are on
//! the disk at once: what a file system does for its own folders is not what is tested here.

use crate::chance::Chance;
use crate::daemon::{DATA, RUN};
use crate::failure::{Failure, Result, differs};
use crate::fault::JOURNAL;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// Bytes that a disk writes wholly or not at all.
const SECTOR: usize = 512;

/// The daemon's files as a disk has them, by inode.
#[derive(Debug)]
pub struct Disk {
    files: HashMap<u64, Image>,
}

#[derive(Debug, Default)]
struct Image {
    kept: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Written(usize, Vec<u8>),
    Truncated(usize),
}

impl Disk {
    /// All that is there now is on the disk. To be called before the daemon starts.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn now() -> Result<Disk> {
        let mut files = HashMap::new();
        for (path, inode) in files_there()? {
            let kept = fs::read(&path).map_err(Failure::harness("read a file of the daemon"))?;
            files.insert(
                inode,
                Image {
                    kept,
                    pending: Vec::new(),
                },
            );
        }
        Ok(Disk { files })
    }

    /// The power fails, when the daemon has been killed: leaves what the disk has. Returns how
    /// many changes are lost.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn lose_power(mut self, chance: &mut Chance) -> Result<usize> {
        let what = "put the files as the disk has them";
        self.follow()?;
        let mut lost = 0;
        for (path, inode) in files_there()? {
            // The index of the journal is no file but memory, and is made anew.
            if path.ends_with("-shm") {
                fs::remove_file(&path).map_err(Failure::harness(what))?;
                continue;
            }
            let image = self.files.remove(&inode).unwrap_or_default();
            lost += image.pending.len();
            let (left, kept) = image.survive(chance);
            lost -= kept;
            fs::write(&path, left).map_err(Failure::harness(what))?;
        }
        // /run is memory.
        for entry in fs::read_dir(RUN).map_err(Failure::harness(what))? {
            let entry = entry.map_err(Failure::harness(what))?;
            fs::remove_file(entry.path()).map_err(Failure::harness(what))?;
        }
        Ok(lost)
    }

    /// Reads the journal.
    fn follow(&mut self) -> Result<()> {
        let journal = fs::read(JOURNAL).map_err(Failure::harness("read the journal"))?;
        let mut rest = journal.as_slice();
        // A record that was being written when the daemon was killed was never acted upon.
        while let Some((record, next)) = Record::read(rest) {
            rest = next;
            let image = self.files.entry(record.inode).or_default();
            match record.kind {
                1 => image
                    .pending
                    .push(Change::Written(record.offset, record.data.to_vec())),
                2 => image.pending.push(Change::Truncated(record.offset)),
                3 => {
                    for change in std::mem::take(&mut image.pending) {
                        apply(&mut image.kept, &change);
                    }
                }
                4 => image.pending.clear(),
                other => {
                    return Err(differs(
                        "the journal",
                        "a kind from 1 to 4",
                        other.to_string(),
                    ));
                }
            }
        }
        Ok(())
    }
}

struct Record<'a> {
    kind: u32,
    inode: u64,
    offset: usize,
    data: &'a [u8],
}

impl<'a> Record<'a> {
    fn read(from: &'a [u8]) -> Option<(Record<'a>, &'a [u8])> {
        let (head, rest) = from.split_at_checked(24)?;
        let four = |at: usize| Some(u32::from_ne_bytes(head.get(at..at + 4)?.try_into().ok()?));
        let eight = |at: usize| Some(u64::from_ne_bytes(head.get(at..at + 8)?.try_into().ok()?));
        let (data, rest) = rest.split_at_checked(four(4)? as usize)?;
        let record = Record {
            kind: four(0)?,
            inode: eight(8)?,
            offset: usize::try_from(eight(16)?).ok()?,
            data,
        };
        Some((record, rest))
    }
}

impl Image {
    /// What is left after the power has failed, and how many of the pending changes are in it.
    fn survive(self, chance: &mut Chance) -> (Vec<u8>, usize) {
        let count = self.pending.len();
        let (mut left, mut kept) = (self.kept, 0);
        let manner = chance.below(4);
        let first = chance.index(count + 1);
        for (index, change) in self.pending.into_iter().enumerate() {
            let is_kept = match manner {
                0 => false,
                1 => index < first,
                2 => chance.one_in(2),
                _ => true,
            };
            if !is_kept {
                continue;
            }
            kept += 1;
            match change {
                Change::Written(offset, mut data) if index + 1 == count && chance.one_in(2) => {
                    let sectors = data.len().div_ceil(SECTOR);
                    data.truncate(chance.index(sectors.max(1)) * SECTOR);
                    apply(&mut left, &Change::Written(offset, data));
                }
                change => apply(&mut left, &change),
            }
        }
        (left, kept)
    }
}

fn apply(to: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Truncated(length) => to.resize(*length, 0),
        Change::Written(offset, data) => {
            let end = offset + data.len();
            if to.len() < end {
                to.resize(end, 0);
            }
            if let Some(place) = to.get_mut(*offset..end) {
                place.copy_from_slice(data);
            }
        }
    }
}

fn files_there() -> Result<Vec<(String, u64)>> {
    let what = "list the daemon's files";
    let mut found = Vec::new();
    for entry in fs::read_dir(DATA).map_err(Failure::harness(what))? {
        let entry = entry.map_err(Failure::harness(what))?;
        let inode = entry.metadata().map_err(Failure::harness(what))?.ino();
        found.push((entry.path().to_string_lossy().into_owned(), inode));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synchronized_stays() {
        let mut chance = Chance::new("power");
        for _ in 0..100 {
            let image = Image {
                kept: b"abc".to_vec(),
                pending: vec![Change::Written(3, b"def".to_vec()), Change::Truncated(1)],
            };
            let (left, kept) = image.survive(&mut chance);
            assert!(left.starts_with(b"a"), "{left:?}");
            assert!(kept <= 2);
        }
    }

    #[test]
    fn a_change_is_applied() {
        let mut file = b"abc".to_vec();
        apply(&mut file, &Change::Written(5, b"x".to_vec()));
        assert_eq!(file, b"abc\0\0x");
        apply(&mut file, &Change::Truncated(2));
        assert_eq!(file, b"ab");
    }
}
