//! Packing answers into memory that belongs to the caller.
//!
//! All or nothing: the room that an entry needs is computed first, and a buffer that is
//! too small is left as it was.

use crate::failure::Failure;
use crate::line::{Group, Members, User};
use core::ffi::{CStr, c_char, c_long};
use core::mem::{align_of, size_of};
use core::ptr;
use domlogon_names::GroupRecord;
use libc::{gid_t, group, passwd, size_t};

/// No password, and no password can be right: whether one is, PAM says.
const NO_PASSWORD: &CStr = c"*";

const NO_PASSWORD_SIZE: usize = NO_PASSWORD.count_bytes() + 1;

/// The caller's room for a line of the password database.
#[derive(Clone, Copy)]
pub(crate) struct UserRoom {
    room: Room,
    result: *mut passwd,
}

/// The caller's room for a line of the group database.
#[derive(Clone, Copy)]
pub(crate) struct GroupRoom {
    room: Room,
    result: *mut group,
}

impl UserRoom {
    /// Takes the caller's buffer, and where the line itself goes.
    ///
    /// # Safety
    /// `start` is as for [`Room::new`]; `result` is null, or valid for a write. Both stay so
    /// while this value or a copy of it lives.
    pub(crate) unsafe fn new(
        start: *mut c_char,
        size: size_t,
        result: *mut passwd,
    ) -> Result<Self, Failure> {
        if result.is_null() {
            return Err(Failure::BadCall);
        }
        // SAFETY: the caller's promise, passed on.
        let room = unsafe { Room::new(start, size) }?;
        Ok(Self { room, result })
    }

    /// Writes a user's texts into the buffer, and the line with pointers to them.
    pub(crate) fn put(&self, user: &User<'_>) -> Result<(), Failure> {
        let mut room = self.room;
        let texts = [user.name, user.full_name, user.home, user.shell];
        let size = texts.into_iter().map(size_of_text);
        room.demand(size.fold(NO_PASSWORD_SIZE, usize::saturating_add))?;
        let line = passwd {
            pw_name: room.text(user.name)?,
            pw_passwd: room.text(NO_PASSWORD.to_bytes())?,
            pw_uid: user.uid,
            pw_gid: user.gid,
            pw_gecos: room.text(user.full_name)?,
            pw_dir: room.text(user.home)?,
            pw_shell: room.text(user.shell)?,
        };
        // SAFETY: not null, so valid for a write as `new` was promised.
        unsafe { self.result.write(line) };
        Ok(())
    }
}

impl GroupRoom {
    /// Takes the caller's buffer, and where the line itself goes.
    ///
    /// # Safety
    /// As of [`UserRoom::new`].
    pub(crate) unsafe fn new(
        start: *mut c_char,
        size: size_t,
        result: *mut group,
    ) -> Result<Self, Failure> {
        if result.is_null() {
            return Err(Failure::BadCall);
        }
        // SAFETY: the caller's promise, passed on.
        let room = unsafe { Room::new(start, size) }?;
        Ok(Self { room, result })
    }

    /// Writes a group's texts and its list of members into the buffer, and the line with
    /// pointers to them.
    pub(crate) fn put(&self, entry: &Group<'_>) -> Result<(), Failure> {
        let mut room = self.room;
        let (name, list) = match entry.members {
            Members::Published(record) => room.published(&record)?,
            Members::Told(members) => room.told(entry.name, members.count(), || members.iter())?,
        };
        let line = group {
            gr_name: name,
            gr_passwd: room.text(NO_PASSWORD.to_bytes())?,
            gr_gid: entry.gid,
            gr_mem: list,
        };
        // SAFETY: not null, so valid for a write as `new` was promised.
        unsafe { self.result.write(line) };
        Ok(())
    }
}

/// The caller's buffer for the texts of one entry.
#[derive(Clone, Copy)]
struct Room {
    at: *mut u8,
    left: usize,
}

/// A text in the buffer, and a list of such texts.
type NameAndList = (*mut c_char, *mut *mut c_char);

impl Room {
    /// Takes the caller's buffer.
    ///
    /// # Safety
    /// `start` is null, or valid for writes of `size` bytes that nothing else uses while
    /// this value lives. The bytes need not be initialised or aligned.
    unsafe fn new(start: *mut c_char, size: size_t) -> Result<Self, Failure> {
        if start.is_null() {
            return Err(Failure::BadCall);
        }
        // No object is larger than that, whatever the caller says.
        let left = size.min(isize::MAX.unsigned_abs());
        let at = start.cast();
        Ok(Self { at, left })
    }

    /// The name and the members out of a file of names, whose texts stand there as they are
    /// to stand here.
    fn published(&mut self, record: &GroupRecord<'_>) -> Result<NameAndList, Failure> {
        let (texts, count) = (record.texts(), record.count());
        self.demand(self.size_of_group(count, texts.len()))?;
        let list = self.pointers(count)?;
        let start = self.take(texts.len())?;
        // SAFETY: `take` gave room for the texts, and they cannot lie in the caller's buffer:
        // they are in a mapping of our own.
        unsafe { ptr::copy_nonoverlapping(texts.as_ptr(), start, texts.len()) };
        for (index, place) in record.places().take(count).enumerate() {
            // SAFETY: the list has room for `count` pointers and the null one, is aligned, and
            // `index` < `count`. Each place is inside the texts, which end with a zero.
            unsafe { list.add(index).write(start.add(place).cast()) };
        }
        // SAFETY: as above; this is the null one.
        unsafe { list.add(count).write(ptr::null_mut()) };
        Ok((start.cast(), list))
    }

    /// The name and the members out of a reply.
    fn told<'m, I: Iterator<Item = &'m [u8]>>(
        &mut self,
        name: &[u8],
        count: usize,
        members: impl Fn() -> I,
    ) -> Result<NameAndList, Failure> {
        let size = members().map(size_of_text);
        let size = size.fold(size_of_text(name), usize::saturating_add);
        self.demand(self.size_of_group(count, size))?;
        let list = self.pointers(count)?;
        for (index, member) in members().take(count).enumerate() {
            let text = self.text(member)?;
            // SAFETY: the list has room for `count` pointers and the null one, is aligned, and
            // `index` < `count`.
            unsafe { list.add(index).write(text) };
        }
        // SAFETY: as above; this is the null one.
        unsafe { list.add(count).write(ptr::null_mut()) };
        Ok((self.text(name)?, list))
    }

    /// Refuses, before anything is written, what needs more than there is.
    fn demand(&self, size: usize) -> Result<(), Failure> {
        if size <= self.left {
            Ok(())
        } else {
            Err(Failure::TooSmall)
        }
    }

    fn text(&mut self, text: &[u8]) -> Result<*mut c_char, Failure> {
        let start = self.take(size_of_text(text))?;
        // SAFETY: `take` gave room for the text and the zero after it, and the text cannot
        // lie in the caller's buffer: it is in pages of our own.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), start, text.len());
            start.add(text.len()).write(0);
        }
        Ok(start.cast())
    }

    /// Room for so many pointers and a null one.
    fn pointers(&mut self, count: usize) -> Result<*mut *mut c_char, Failure> {
        self.take(self.padding())?;
        Ok(self.take(size_of_pointers(count))?.cast())
    }

    /// How many bytes there are to the next place where a pointer may stand.
    fn padding(&self) -> usize {
        self.at.addr().wrapping_neg() % align_of::<*mut c_char>()
    }

    fn take(&mut self, size: usize) -> Result<*mut u8, Failure> {
        self.left = self.left.checked_sub(size).ok_or(Failure::TooSmall)?;
        let start = self.at;
        // SAFETY: `size` bytes were left, so this is inside the buffer or just behind it.
        self.at = unsafe { start.add(size) };
        Ok(start)
    }

    fn size_of_group(&self, count: usize, texts: usize) -> usize {
        [size_of_pointers(count), NO_PASSWORD_SIZE, self.padding()]
            .into_iter()
            .fold(texts, usize::saturating_add)
    }
}

/// A text and the zero after it. What is too large for a number is too large for a buffer.
const fn size_of_text(text: &[u8]) -> usize {
    text.len().saturating_add(1)
}

const fn size_of_pointers(count: usize) -> usize {
    count
        .saturating_add(1)
        .saturating_mul(size_of::<*mut c_char>())
}

/// The list of group ids that glibc hands from plugin to plugin; each may let it grow.
#[derive(Clone, Copy)]
pub(crate) struct IdList {
    used: *mut c_long,
    size: *mut c_long,
    ids: *mut *mut gid_t,
    /// The most ids that it may hold, if that is above 0.
    limit: c_long,
}

impl IdList {
    /// Takes the caller's list.
    ///
    /// # Safety
    /// Each pointer is null, or valid for reads and writes while this value or a copy of it
    /// lives. `*ids` was allocated by malloc with room for `*size` ids, of which `*used` are set.
    pub(crate) unsafe fn new(
        used: *mut c_long,
        size: *mut c_long,
        ids: *mut *mut gid_t,
        limit: c_long,
    ) -> Result<Self, Failure> {
        if used.is_null() || size.is_null() || ids.is_null() {
            return Err(Failure::BadCall);
        }
        // SAFETY: not null, so valid as the caller promised.
        let (count, room, start) = unsafe { (*used, *size, *ids) };
        if count < 0 || room < count || (start.is_null() && room > 0) {
            return Err(Failure::BadCall);
        }
        Ok(Self {
            used,
            size,
            ids,
            limit,
        })
    }

    /// Adds the ids that are not in the list and are not `skip`, each once; `are_distinct`
    /// says that there is none twice among them. The list grows for them, but not beyond its
    /// limit: what is too many then is left out, as glibc's own plugins do. If it cannot grow,
    /// it has as many ids afterwards as before.
    pub(crate) fn append(
        &self,
        skip: gid_t,
        new: impl Iterator<Item = gid_t>,
        are_distinct: bool,
    ) -> Result<(), Failure> {
        // SAFETY: valid as `new` was promised.
        let before = unsafe { *self.used };
        let count = self.present().len();
        for id in new {
            let present = self.present();
            let compared = if are_distinct { count } else { present.len() };
            if id == skip || present.iter().take(compared).any(|other| *other == id) {
                continue;
            }
            // SAFETY: as above.
            let used = unsafe { *self.used };
            if self.limit > 0 && used >= self.limit {
                break;
            }
            if let Err(failure) = self.push(id) {
                // SAFETY: as above.
                unsafe { *self.used = before };
                return Err(failure);
            }
        }
        Ok(())
    }

    /// The ids that are in it.
    fn present(&self) -> &[gid_t] {
        // SAFETY: so many are set, as `new` was promised; an empty list may be null.
        let (ids, used) = unsafe { (*self.ids, *self.used) };
        match usize::try_from(used) {
            // SAFETY: as above.
            Ok(used @ 1..) if !ids.is_null() => unsafe { core::slice::from_raw_parts(ids, used) },
            _ => &[],
        }
    }

    fn push(&self, id: gid_t) -> Result<(), Failure> {
        // SAFETY: valid as `new` was promised.
        let (used, size) = unsafe { (*self.used, *self.size) };
        let needed = used.checked_add(1).ok_or(Failure::NoMemory)?;
        if needed > size {
            let ample = needed.max(size.saturating_mul(2));
            self.grow(if self.limit > 0 {
                ample.min(self.limit)
            } else {
                ample
            })?;
        }
        let used = usize::try_from(used).map_err(|_| Failure::BadCall)?;
        // SAFETY: there is room for `needed` ids now.
        unsafe {
            (*self.ids).add(used).write(id);
            *self.used = needed;
        }
        Ok(())
    }

    fn grow(&self, size: c_long) -> Result<(), Failure> {
        let bytes = usize::try_from(size)
            .ok()
            .and_then(|size| size.checked_mul(size_of::<gid_t>()))
            .ok_or(Failure::NoMemory)?;
        // SAFETY: the list came from malloc (or is null), as `new` was promised. If there is
        // no memory it stays as it was.
        let grown = unsafe { libc::realloc((*self.ids).cast(), bytes) };
        if grown.is_null() {
            return Err(Failure::NoMemory);
        }
        // SAFETY: valid as `new` was promised.
        unsafe {
            *self.ids = grown.cast();
            *self.size = size;
        }
        Ok(())
    }
}

#[cfg(feature = "fuzzed")]
pub(crate) mod fuzzed;
#[cfg(test)]
mod tests;
