//! Where a program is in the list of all users, or of all groups.
//!
//! glibc has one such place for a whole process, not one for each thread, and so has
//! this. It must survive a fork at any moment, so it is one atomic number: the id given last,
//! which is enough to go on from, in the files of names as well as at the daemon. A page of the
//! daemon's is kept beside it only to save asking for each entry; whoever does not find it
//! there asks for one himself.

use crate::daemon::{Answer, Daemon, Kept};
use crate::failure::Failure;
use crate::line::{Entry, Group, User};
use crate::lookup::{Plugin, not_an_answer};
use crate::shared::Pinned;
use crate::system;
use crate::wire::{Decode, Page, Reply, Request};
use core::sync::atomic::{AtomicU32, Ordering};
use domlogon_names::{Found, Reader};

/// What can be listed.
pub(crate) trait Listed {
    type Line<'a>: Entry + Decode<'a>;

    fn request(after: u32) -> Request<'static>;
    fn page(reply: Option<Reply<'_>>) -> Result<Page<'_, Self::Line<'_>>, Failure>;
    /// The first above an id in a file of names.
    fn first<'a>(reader: &Reader<'a>, after: u32) -> Found<Self::Line<'a>>;
    /// Whether a delta says something about an id.
    fn has(reader: &Reader<'_>, id: u32) -> bool;
}

/// All users.
pub(crate) struct Users;

/// All groups.
pub(crate) struct Groups;

/// A place in a list.
pub(crate) struct Enumeration {
    /// The id given last; 0 at the start, for no id given is that low.
    given: AtomicU32,
    page: Kept,
}

impl Enumeration {
    pub(crate) const fn new() -> Self {
        Self {
            given: AtomicU32::new(0),
            page: Kept::new(),
        }
    }

    /// setpwent, endpwent and theirs: back to the start, nothing kept.
    pub(crate) fn restart(&self) {
        self.given.store(0, Ordering::Relaxed);
        drop(self.page.take());
    }

    /// Gives the next entry to `give`. Only when it was taken is the place moved, so an
    /// entry that did not fit is given again.
    pub(crate) fn next<L: Listed>(
        &self,
        plugin: &Plugin,
        give: impl Fn(&L::Line<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let last = self.given.load(Ordering::Relaxed);
            let id = self.after::<L>(plugin, last, &give)?;
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
    fn after<L: Listed>(
        &self,
        plugin: &Plugin,
        last: u32,
        give: &impl Fn(&L::Line<'_>) -> Result<(), Failure>,
    ) -> Result<u32, Failure> {
        let complete = plugin.newest().filter(Pinned::is_complete);
        if let Some(given) = complete.and_then(|pair| from_files::<L>(&pair, last, give)) {
            return given;
        }
        match self.ask_daemon::<L>(&plugin.daemon, last, give) {
            Err(failure) if failure.is_outage() => {
                let old = plugin.last();
                old.and_then(|pair| from_files::<L>(&pair, last, give))
                    .unwrap_or(Err(failure))
            }
            given => given,
        }
    }

    #[cold]
    fn ask_daemon<L: Listed>(
        &self,
        daemon: &Daemon,
        last: u32,
        give: &impl Fn(&L::Line<'_>) -> Result<(), Failure>,
    ) -> Result<u32, Failure> {
        let deadline = crate::daemon::deadline();
        let mut from = last;
        loop {
            let mut answer = self.page_after::<L>(daemon, deadline, from)?;
            let Page { mut entries, next } = answer.rest::<L::Line<'_>>().ok_or(Failure::Broken)?;
            // What was not taken is the first of what is left.
            let mut left = entries;
            let mut given = None;
            while let Some(entry) = entries.next() {
                if entry.id() > last && entry.is_sound() {
                    given = Some(give(&entry).map(|()| entry.id()));
                    break;
                }
                left = entries;
            }
            if given.is_some_and(|given| given.is_ok()) {
                left = entries;
            }
            let place = left.place();
            answer.set_rest(place, next, given.and_then(Result::ok));
            if let Some(given) = given {
                self.page.put(answer);
                return given;
            }
            // A page may be empty and yet not the last: what it held is not for NSS.
            match next {
                None => {
                    self.page.put(answer);
                    return Err(Failure::NotFound);
                }
                Some(next) if next > from => from = next,
                Some(_) => return Err(Failure::Broken),
            }
            if system::milliseconds() >= deadline {
                return Err(Failure::Timeout);
            }
        }
    }

    /// A page with the entry that follows `id`, or in which it is known not to exist.
    #[cold]
    fn page_after<L: Listed>(
        &self,
        daemon: &Daemon,
        deadline: u64,
        id: u32,
    ) -> Result<Answer, Failure> {
        let kept = self.page.take().filter(|answer| {
            let next = answer.rest::<L::Line<'_>>().map(|page| page.next);
            answer.after() <= id && next.is_some_and(|next| next.is_none_or(|next| id < next))
        });
        if let Some(answer) = kept {
            return Ok(answer);
        }
        let mut answer = daemon.ask_until(deadline, L::request(id))?;
        let page = L::page(answer.reply())?;
        let (place, next) = (page.entries.place(), page.next);
        answer.set_rest(place, next, None);
        Ok(answer)
    }
}

/// The same out of a pair of files. `None`: a place that ought to say is damaged.
fn from_files<L: Listed>(
    pair: &Pinned<'_>,
    last: u32,
    give: &impl Fn(&L::Line<'_>) -> Result<(), Failure>,
) -> Option<Result<u32, Failure>> {
    let (base, delta) = (pair.base()?, pair.delta()?);
    let (mut in_base, mut in_delta) = (last, last);
    loop {
        let old = present(L::first(base, in_base))?;
        let new = present(L::first(delta, in_delta))?;
        let entry = match (old, new) {
            (None, None) => return Some(Err(Failure::NotFound)),
            (Some(old), new) if new.as_ref().is_none_or(|new| old.id() < new.id()) => {
                in_base = old.id();
                // What the delta has, or says is gone, is not what the base says.
                if L::has(delta, old.id()) {
                    continue;
                }
                old
            }
            (_, Some(new)) => {
                in_delta = new.id();
                in_base = in_base.max(new.id());
                new
            }
            (Some(_), None) => return None,
        };
        if entry.is_sound() {
            return Some(give(&entry).map(|()| entry.id()));
        }
    }
}

fn present<T>(found: Found<T>) -> Option<Option<T>> {
    match found {
        Found::Here(entry) => Some(Some(entry)),
        Found::Unknown => Some(None),
        Found::Gone | Found::Damaged => None,
    }
}

impl Listed for Users {
    type Line<'a> = User<'a>;

    fn request(after: u32) -> Request<'static> {
        Request::Users(after)
    }

    fn page(reply: Option<Reply<'_>>) -> Result<Page<'_, User<'_>>, Failure> {
        match reply {
            Some(Reply::Users(page)) => Ok(page),
            other => Err(not_an_answer(other)),
        }
    }

    fn first<'a>(reader: &Reader<'a>, after: u32) -> Found<User<'a>> {
        reader.user_after(after).map(User::from)
    }

    fn has(reader: &Reader<'_>, id: u32) -> bool {
        !matches!(reader.user_by_id(id), Found::Unknown)
    }
}

impl Listed for Groups {
    type Line<'a> = Group<'a>;

    fn request(after: u32) -> Request<'static> {
        Request::Groups(after)
    }

    fn page(reply: Option<Reply<'_>>) -> Result<Page<'_, Group<'_>>, Failure> {
        match reply {
            Some(Reply::Groups(page)) => Ok(page),
            other => Err(not_an_answer(other)),
        }
    }

    fn first<'a>(reader: &Reader<'a>, after: u32) -> Found<Group<'a>> {
        reader.group_after(after).map(Group::from)
    }

    fn has(reader: &Reader<'_>, id: u32) -> bool {
        !matches!(reader.group_by_id(id), Found::Unknown)
    }
}
