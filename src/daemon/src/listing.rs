//! Files of this host that are read again when they have changed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most bytes of a file that are looked at: some hundred thousand names.
const MOST: u64 = 16 * 1024 * 1024;

/// One file, and what it says.
pub(crate) struct Listing<T> {
    path: PathBuf,
    meaning: fn(&[u8]) -> T,
    cache: Mutex<(Option<Stamp>, Arc<T>)>,
}

/// What changes when a file is replaced or written to.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl<T> Listing<T> {
    /// Of a file that may be missing: then it is as if it were empty.
    pub(crate) fn new(path: PathBuf, meaning: fn(&[u8]) -> T) -> Self {
        Self {
            path,
            meaning,
            cache: Mutex::new((None, Arc::new(meaning(b"")))),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says, read again if it has changed. While it cannot be read, what it
    /// said before holds: forgetting that would hand local names to the domain.
    pub(crate) fn now(&self) -> Arc<T> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(stamp) = stamp(&self.path) {
            if cache.0 != Some(stamp) {
                if let Ok(bytes) = read(&self.path) {
                    *cache = (Some(stamp), Arc::new((self.meaning)(&bytes)));
                }
            }
        }
        Arc::clone(&cache.1)
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let file = fs::metadata(path)?;
    Ok(Stamp {
        device: file.dev(),
        inode: file.ino(),
        size: file.size(),
        modified: (file.mtime(), file.mtime_nsec()),
        changed: (file.ctime(), file.ctime_nsec()),
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
