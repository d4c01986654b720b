//! The files of names: which of them are believed, and when to look for newer ones.
//!
//! Who has a pair of files asks the file system for nothing, until one of the two says in its
//! own header that there is a newer one. Who has none, since there is none or none that can be
//! used, looks again after a second.

use crate::shared::{Mapped, Pinned, Replacing, Shared};
use crate::system::{self, Descriptor, Undisturbed};
use core::ffi::CStr;
use core::num::NonZeroUsize;
use core::sync::atomic::Ordering;
use domlogon_names::{COVER, Found, MOST_BYTES, Reader};

/// [`domlogon_names::BASE_FILE`] and [`domlogon_names::DELTA_FILE`].
const BASE: &CStr = c"names";
const DELTA: &CStr = c"names.delta";

/// How often somebody who finds an old pair looks again before he asks the socket.
const TURNS: u32 = 3;

/// How often another thread, which replaces the pair, is let go on meanwhile.
const WAITS: u32 = 200;

/// Milliseconds after which files that cannot be used are looked at again.
const UNUSABLE: u64 = 1000;

/// As that, of files that are just being replaced.
const CHANGING: u64 = 10;

/// How often files that are just being replaced are looked at before that: it takes the daemon
/// no longer than a few system calls.
const LOOKS: u32 = 10;

/// The newest pair of files, or `None` if there is none that can be used.
#[inline]
pub(crate) fn newest<'a>(shared: &'a Shared, folder: &CStr) -> Option<Pinned<'a>> {
    for _ in 0..TURNS {
        let seen = match shared.pin() {
            Some(pinned) if pinned.superseded() == (false, false) => return Some(pinned),
            Some(old) => old.numbers(),
            None => 0,
        };
        let look_at = shared.look_at.load(Ordering::Relaxed);
        if look_at != 0 && system::milliseconds() < look_at {
            return None;
        }
        renew(shared, folder, seen);
    }
    None
}

#[cold]
fn renew(shared: &Shared, folder: &CStr, seen: u32) {
    let _until_done = Undisturbed::begin();
    let Some(replacing) = shared.replace() else {
        for _ in 0..WAITS {
            if !shared.is_being_replaced(seen) {
                break;
            }
            system::give_way();
        }
        return;
    };
    if replacing.numbers() != seen {
        return;
    }
    let mut wait = CHANGING;
    for _ in 0..LOOKS {
        wait = match load(shared, &replacing, folder) {
            Ok(()) => 0,
            Err(Later(wait)) => wait,
        };
        if wait != CHANGING {
            break;
        }
        system::give_way();
    }
    let look_at = match wait {
        0 => 0,
        wait => system::milliseconds().saturating_add(wait),
    };
    shared.look_at.store(look_at, Ordering::Relaxed);
}

/// No pair was found. It is worth another look after so many milliseconds.
struct Later(u64);

#[cold]
fn load(shared: &Shared, replacing: &Replacing<'_>, folder: &CStr) -> Result<(), Later> {
    let folder = Folder::open(folder).ok_or(Later(UNUSABLE))?;
    // The delta before the base: if a base is put in place between the two, the delta that was
    // read is of another one, and is refused.
    let delta = folder.read(DELTA)?;
    let new = delta.reader().ok_or(Later(UNUSABLE))?;
    let kept = replacing.base().filter(|_| {
        let pinned = shared.pin();
        pinned.is_some_and(|old| {
            !old.superseded().0 && old.base().is_some_and(|b| b.is_base_of(&new))
        })
    });
    let base = match kept {
        Some(base) => base,
        None => {
            let base = folder.read(BASE)?;
            if !base.reader().is_some_and(|base| base.is_base_of(&new)) {
                return Err(Later(CHANGING));
            }
            replacing.fill(base, None).ok_or(Later(CHANGING))?
        }
    };
    let delta = replacing.fill(delta, Some(base)).ok_or(Later(CHANGING))?;
    replacing.put(base, delta);
    Ok(())
}

/// The daemon's folder.
struct Folder {
    descriptor: Descriptor,
    owner: u32,
}

impl Folder {
    fn open(path: &CStr) -> Option<Self> {
        let descriptor = system::folder(path).ok()?;
        let facts = descriptor.facts().ok()?;
        (!facts.others_write()).then_some(Self {
            descriptor,
            owner: facts.owner,
        })
    }

    /// A file of the daemon's, or of root's, that nobody else can write.
    fn read(&self, name: &CStr) -> Result<Mapped, Later> {
        let mapped = self.mapped(name).ok_or(Later(UNUSABLE))?;
        if mapped.is_superseded() {
            return Err(Later(CHANGING));
        }
        Ok(mapped)
    }

    fn mapped(&self, name: &CStr) -> Option<Mapped> {
        let file = self.descriptor.file(name).ok()?;
        let facts = file.facts().ok()?;
        let is_theirs = facts.owner == 0 || facts.owner == self.owner;
        let is_sized = facts.size > COVER as u64 && facts.size <= MOST_BYTES;
        if !is_theirs || !facts.is_regular() || facts.others_write() || !is_sized {
            return None;
        }
        let length = NonZeroUsize::new(usize::try_from(facts.size).ok()?)?;
        Mapped::new(file.map(length)?).ok()
    }
}

impl Pinned<'_> {
    /// What the pair says: the delta, and of what that does not know, the base.
    #[inline]
    pub(crate) fn find<'a, T>(&'a self, find: impl Fn(&Reader<'a>) -> Found<T>) -> Found<T> {
        let (Some(base), Some(delta)) = (self.base(), self.delta()) else {
            return Found::Damaged;
        };
        let mut found = Found::Unknown;
        for reader in [delta, base] {
            found = find(reader);
            if !matches!(found, Found::Unknown) {
                break;
            }
        }
        found
    }

    /// Whether a key that the pair does not have is nobody's.
    pub(crate) fn is_complete(&self) -> bool {
        self.base().is_some_and(Reader::is_complete)
    }
}
