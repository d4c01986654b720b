//! Packing answers into memory that belongs to the caller.
//!
//! All or nothing: the room that an entry needs is computed first, and a buffer that is
//! too small is left as it was.

use crate::failure::Failure;
use core::ffi::{CStr, c_char, c_long};
use core::mem::{align_of, size_of};
use core::ptr;
use domlogon_protocol::directory::{Group, User};
use libc::{gid_t, group, passwd, size_t};

/// No password, and no password can be right: whether one is, PAM says.
const NO_PASSWORD: &CStr = c"*";

/// The caller's buffer for the texts of one entry.
pub(crate) struct Room {
    at: *mut u8,
    left: usize,
}

impl Room {
    /// Takes the caller's buffer.
    ///
    /// # Safety
    /// `start` is null, or valid for writes of `size` bytes that nothing else uses while
    /// this value lives. The bytes need not be initialised or aligned.
    pub(crate) unsafe fn new(start: *mut c_char, size: size_t) -> Result<Self, Failure> {
        if start.is_null() {
            return Err(Failure::BadCall);
        }
        // No object is larger than that, whatever the caller says.
        let left = size.min(isize::MAX.unsigned_abs());
        let at = start.cast();
        Ok(Self { at, left })
    }

    /// Writes a user's texts into the buffer, and `result` with pointers to them.
    ///
    /// # Safety
    /// `result` is null, or valid for a write.
    pub(crate) unsafe fn put_user(
        mut self,
        user: &User,
        result: *mut passwd,
    ) -> Result<(), Failure> {
        if result.is_null() {
            return Err(Failure::BadCall);
        }
        let texts = [&user.name, &user.full_name, &user.home, &user.shell];
        self.demand(size_of_texts(texts).and_then(|size| size.checked_add(NO_PASSWORD_SIZE)))?;
        let entry = passwd {
            pw_name: self.text(user.name.as_bytes())?,
            pw_passwd: self.text(NO_PASSWORD.to_bytes())?,
            pw_uid: user.uid,
            pw_gid: user.gid,
            pw_gecos: self.text(user.full_name.as_bytes())?,
            pw_dir: self.text(user.home.as_bytes())?,
            pw_shell: self.text(user.shell.as_bytes())?,
        };
        // SAFETY: not null, so valid for a write as the caller promised.
        unsafe { result.write(entry) };
        Ok(())
    }

    /// Writes a group's texts and its list of members into the buffer, and `result` with
    /// pointers to them.
    ///
    /// # Safety
    /// `result` is null, or valid for a write.
    pub(crate) unsafe fn put_group(
        mut self,
        entry: &Group,
        result: *mut group,
    ) -> Result<(), Failure> {
        if result.is_null() {
            return Err(Failure::BadCall);
        }
        let count = entry.members.len();
        self.demand(size_of_group(entry, self.padding()))?;
        let list = self.pointers(count)?;
        for (index, member) in entry.members.iter().enumerate() {
            let text = self.text(member.as_bytes())?;
            // SAFETY: the list has room for `count` pointers and the null one, is aligned,
            // and `index` < `count`.
            unsafe { list.add(index).write(text) };
        }
        // SAFETY: as above; this is the null one.
        unsafe { list.add(count).write(ptr::null_mut()) };
        let entry = group {
            gr_name: self.text(entry.name.as_bytes())?,
            gr_passwd: self.text(NO_PASSWORD.to_bytes())?,
            gr_gid: entry.gid,
            gr_mem: list,
        };
        // SAFETY: not null, so valid for a write as the caller promised.
        unsafe { result.write(entry) };
        Ok(())
    }

    /// Refuses, before anything is written, what needs more than there is.
    fn demand(&self, size: Option<usize>) -> Result<(), Failure> {
        match size {
            Some(size) if size <= self.left => Ok(()),
            Some(_) | None => Err(Failure::TooSmall),
        }
    }

    fn text(&mut self, text: &[u8]) -> Result<*mut c_char, Failure> {
        let start = self.take(text.len().checked_add(1).ok_or(Failure::TooSmall)?)?;
        // SAFETY: `take` gave room for the text and the zero after it, and the text cannot
        // lie in the caller's buffer: it is a reply of our own.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), start, text.len());
            start.add(text.len()).write(0);
        }
        Ok(start.cast())
    }

    /// Room for so many pointers and a null one.
    fn pointers(&mut self, count: usize) -> Result<*mut *mut c_char, Failure> {
        self.take(self.padding())?;
        let size = size_of_pointers(count).ok_or(Failure::TooSmall)?;
        Ok(self.take(size)?.cast())
    }

    /// How many bytes there are to the next place where a pointer may stand.
    fn padding(&self) -> usize {
        let alignment = align_of::<*mut c_char>();
        (alignment - self.at.addr() % alignment) % alignment
    }

    fn take(&mut self, size: usize) -> Result<*mut u8, Failure> {
        self.left = self.left.checked_sub(size).ok_or(Failure::TooSmall)?;
        let start = self.at;
        // SAFETY: `size` bytes were left, so this is inside the buffer or just behind it.
        self.at = unsafe { start.add(size) };
        Ok(start)
    }
}

const NO_PASSWORD_SIZE: usize = NO_PASSWORD.count_bytes() + 1;

fn size_of_texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Option<usize> {
    let mut sizes = texts.into_iter().map(|text| text.len().checked_add(1));
    sizes.try_fold(0, |sum: usize, size| sum.checked_add(size?))
}

fn size_of_pointers(count: usize) -> Option<usize> {
    count.checked_add(1)?.checked_mul(size_of::<*mut c_char>())
}

fn size_of_group(group: &Group, padding: usize) -> Option<usize> {
    size_of_texts([&group.name])?
        .checked_add(size_of_texts(&group.members)?)?
        .checked_add(size_of_pointers(group.members.len())?)?
        .checked_add(NO_PASSWORD_SIZE)?
        .checked_add(padding)
}

/// The list of group ids that glibc hands from plugin to plugin; each may let it grow.
pub(crate) struct IdList {
    used: *mut c_long,
    size: *mut c_long,
    ids: *mut *mut gid_t,
}

impl IdList {
    /// Takes the caller's list.
    ///
    /// # Safety
    /// Each pointer is null, or valid for reads and writes while this value lives. `*ids`
    /// was allocated by malloc with room for `*size` ids, of which `*used` are set.
    pub(crate) unsafe fn new(
        used: *mut c_long,
        size: *mut c_long,
        ids: *mut *mut gid_t,
    ) -> Result<Self, Failure> {
        if used.is_null() || size.is_null() || ids.is_null() {
            return Err(Failure::BadCall);
        }
        // SAFETY: not null, so valid as the caller promised.
        let (count, room, start) = unsafe { (*used, *size, *ids) };
        if count < 0 || room < count || (start.is_null() && room > 0) {
            return Err(Failure::BadCall);
        }
        Ok(Self { used, size, ids })
    }

    /// The ids that are in it.
    pub(crate) fn present(&self) -> Vec<gid_t> {
        // SAFETY: so many are set, as `new` was promised; an empty list may be null.
        let (ids, used) = unsafe { (*self.ids, *self.used) };
        let used = usize::try_from(used).unwrap_or(0);
        if ids.is_null() {
            return Vec::new();
        }
        // SAFETY: as above.
        unsafe { core::slice::from_raw_parts(ids, used) }.to_vec()
    }

    /// Adds ids, and lets the list grow for them, but not beyond `limit` ids in all if
    /// that is above 0: what is too many then is left out, as glibc's own plugins do.
    pub(crate) fn append(&mut self, new: &[gid_t], limit: c_long) -> Result<(), Failure> {
        // SAFETY: valid as `new` was promised.
        let (used, size) = unsafe { (*self.used, *self.size) };
        let free = match limit {
            1.. => usize::try_from(limit.saturating_sub(used)).unwrap_or(0),
            _ => usize::MAX,
        };
        let new = new.get(..free.min(new.len())).unwrap_or_default();
        if new.is_empty() {
            return Ok(());
        }
        let count = c_long::try_from(new.len()).map_err(|_| Failure::NoMemory)?;
        let needed = used.checked_add(count).ok_or(Failure::NoMemory)?;
        if needed > size {
            let ample = needed.max(size.saturating_mul(2));
            self.grow(if limit > 0 { ample.min(limit) } else { ample })?;
        }
        let used = usize::try_from(used).map_err(|_| Failure::BadCall)?;
        // SAFETY: there is room for `needed` ids now, and `new` is not in this list.
        unsafe {
            ptr::copy_nonoverlapping(new.as_ptr(), (*self.ids).add(used), new.len());
            *self.used = needed;
        }
        Ok(())
    }

    fn grow(&mut self, size: c_long) -> Result<(), Failure> {
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

#[cfg(test)]
mod tests;
