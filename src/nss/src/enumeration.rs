//! Where a program is in the list of all users, or of all groups.
//!
//! glibc has one such place for a whole process, not one for each thread, and so has
//! this. It must survive a fork at any moment: a lock that another thread held then
//! stays held in the child for ever. So the place is one atomic number, the id given
//! last, and is enough to go on from. The page of entries around it is kept beside it
//! only to save asking for each entry; its lock is only ever tried, never waited for,
//! and whoever does not get it fetches a page for himself.

use crate::failure::Failure;
use crate::lookup::{Entry, not_an_answer};
use crate::source::Source;
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::{Reply, Request};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Instant;

/// What can be listed: how to ask for a page of it, and how to find that in the reply.
pub(crate) trait Listed: Entry + Sized {
    fn request(after: u32) -> Request;
    fn page(reply: Reply) -> Result<Page<Self>, Failure>;
}

/// A place in the list.
pub(crate) struct Enumeration<T> {
    /// The id given last; 0 at the start, for no id given is that low.
    given: AtomicU32,
    kept: Mutex<Option<Arc<Kept<T>>>>,
}

struct Kept<T> {
    after: u32,
    page: Page<T>,
}

impl<T: Listed> Enumeration<T> {
    pub(crate) const fn new() -> Self {
        Self {
            given: AtomicU32::new(0),
            kept: Mutex::new(None),
        }
    }

    /// setpwent, endpwent and theirs: back to the start, nothing kept.
    pub(crate) fn restart(&self) {
        self.given.store(0, Ordering::Relaxed);
        self.keep(None);
    }

    /// Gives the next entry to `give`. Only when it was taken is the place moved, so an
    /// entry that did not fit is given again.
    pub(crate) fn next(
        &self,
        source: &impl Source,
        mut give: impl FnMut(&T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let last = self.given.load(Ordering::Relaxed);
            let id = self.after(source, last, &mut give)?;
            let moved = self
                .given
                .compare_exchange(last, id, Ordering::Relaxed, Ordering::Relaxed);
            // Another thread may have been given this entry meanwhile: then the one after.
            if moved.is_ok() {
                return Ok(());
            }
        }
    }

    /// Gives the first sound entry above `last`, and says its id.
    fn after(
        &self,
        source: &impl Source,
        last: u32,
        give: &mut impl FnMut(&T) -> Result<(), Failure>,
    ) -> Result<u32, Failure> {
        let started = Instant::now();
        let mut from = last;
        loop {
            let kept = self.page_after(source, from)?;
            let entries = &kept.page.entries;
            let first = entries.partition_point(|entry| entry.id() <= last);
            let mut rest = entries.iter().skip(first);
            if let Some(entry) = rest.find(|entry| entry.is_sound()) {
                give(entry)?;
                return Ok(entry.id());
            }
            // A page may be empty and yet not the last: what it held is not for NSS.
            match kept.page.next {
                None => return Err(Failure::NotFound),
                Some(next) if next > from => from = next,
                Some(_) => return Err(Failure::Broken),
            }
            if started.elapsed() >= source.limit() {
                return Err(Failure::Timeout);
            }
        }
    }

    fn page_after(&self, source: &impl Source, id: u32) -> Result<Arc<Kept<T>>, Failure> {
        if let Some(kept) = self.kept().filter(|kept| kept.covers(id)) {
            return Ok(kept);
        }
        let page = T::page(source.ask(&T::request(id))?)?;
        let kept = Arc::new(Kept { after: id, page });
        self.keep(Some(Arc::clone(&kept)));
        Ok(kept)
    }

    fn kept(&self) -> Option<Arc<Kept<T>>> {
        match self.kept.try_lock() {
            Ok(kept) => kept.clone(),
            Err(TryLockError::Poisoned(error)) => error.into_inner().clone(),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn keep(&self, page: Option<Arc<Kept<T>>>) {
        let old = match self.kept.try_lock() {
            Ok(mut kept) => core::mem::replace(&mut *kept, page),
            Err(TryLockError::Poisoned(error)) => {
                core::mem::replace(&mut *error.into_inner(), page)
            }
            Err(TryLockError::WouldBlock) => None,
        };
        // Freed after the lock is: it is held for no longer than a pointer takes to move.
        drop(old);
    }
}

impl<T> Kept<T> {
    /// Whether the entry that follows `id` is in this page, or known not to exist.
    fn covers(&self, id: u32) -> bool {
        self.after <= id && self.page.next.is_none_or(|next| id < next)
    }
}

impl Listed for User {
    fn request(after: u32) -> Request {
        Request::Users(after)
    }

    fn page(reply: Reply) -> Result<Page<Self>, Failure> {
        match reply {
            Reply::Users(page) => Ok(page),
            other => Err(not_an_answer(&other)),
        }
    }
}

impl Listed for Group {
    fn request(after: u32) -> Request {
        Request::Groups(after)
    }

    fn page(reply: Reply) -> Result<Page<Self>, Failure> {
        match reply {
            Reply::Groups(page) => Ok(page),
            other => Err(not_an_answer(&other)),
        }
    }
}

#[cfg(test)]
mod tests;
