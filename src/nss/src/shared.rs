//! The mappings, used by many threads while one of them replaces them.
//!
//! Whoever reads pins first: he adds one to a counter, of which there are many so that
//! threads do not wait for each other's caches. Whoever replaces puts the new pair of files
//! in place first, and unmaps an old one only when he has seen each of the counters at zero
//! after that: who pinned before has gone by then, and who pins later finds the new pair.
//! There is a fixed number of places for mappings. If all of them are still read, nothing is
//! replaced, and the socket answers.
//!
//! The counters and the lock of whoever replaces are in a page that a forked child finds
//! full of zeros: the threads that had pinned, or held the lock, do not exist there.

use crate::system::{self, Held, Region, TryLock};
use core::cell::UnsafeCell;
use core::mem::size_of;
use core::num::NonZeroUsize;
use core::ptr::{self, NonNull};
use core::slice;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use domlogon_names::{COVER, Fault, LEFT_AT, MAGIC, Reader, SUPERSEDED_AT};

/// Places for mappings, of bases and of deltas: the two that are read, and those of before.
const PLACES: usize = 8;

/// Counters of readers.
const STRIPES: usize = 32;

/// All of them have still to be seen at zero.
const ALL: u32 = u32::MAX;

/// The mappings of one process.
pub(crate) struct Shared {
    page: AtomicPtr<Page>,
    /// The numbers of the places of the base and of the delta, plus 1; 0: there are none.
    current: AtomicU32,
    places: [Place; PLACES],
    /// When to look for new files, as of [`system::milliseconds`], if there are none that can
    /// be used; 0: at once. Not 0: there are none.
    pub(crate) look_at: AtomicU64,
}

/// What a forked child finds wiped.
#[repr(C)]
struct Page {
    stripes: [Stripe; STRIPES],
    lock: TryLock,
}

#[repr(C, align(64))]
struct Stripe(AtomicU32);

/// A place for a mapping.
struct Place {
    start: AtomicPtr<u8>,
    length: AtomicUsize,
    /// Which counters have still to be seen at zero after it was replaced, a bit for each.
    waiting: AtomicU32,
    /// Written while nobody is led here, and read by those who are.
    reader: UnsafeCell<Option<Reader<'static>>>,
}

// SAFETY: `reader` is written only under the lock, while the place is empty: no reader is led
// to it. Everything else is atomic.
unsafe impl Sync for Place {}

impl Place {
    const fn new() -> Self {
        Self {
            start: AtomicPtr::new(ptr::null_mut()),
            length: AtomicUsize::new(0),
            waiting: AtomicU32::new(ALL),
            reader: UnsafeCell::new(None),
        }
    }
}

/// A file that was mapped and looked at, and is not in place yet.
pub(crate) struct Mapped {
    region: Region,
}

impl Mapped {
    pub(crate) fn new(region: Region) -> Result<Self, Fault> {
        if !region.bytes().starts_with(&MAGIC) {
            return Err(Fault::NotNames);
        }
        let mapped = Self { region };
        mapped.check().map(|()| mapped)
    }

    pub(crate) fn reader(&self) -> Option<Reader<'_>> {
        Reader::new(self.contents()).ok()
    }

    pub(crate) fn is_superseded(&self) -> bool {
        // SAFETY: longer than the cover, as was looked at.
        unsafe { is_set(self.region.bytes().as_ptr(), SUPERSEDED_AT) }
    }

    fn check(&self) -> Result<(), Fault> {
        Reader::new(self.contents()).map(drop)
    }

    fn contents(&self) -> &[u8] {
        self.region.bytes().get(COVER..).unwrap_or_default()
    }
}

/// Reads one of the two words of a file that change: [`SUPERSEDED_AT`], [`LEFT_AT`].
///
/// # Safety
/// `start` is the beginning of a mapping, of more than [`COVER`] bytes; `at` is one of the two.
unsafe fn is_set(start: *const u8, at: u64) -> bool {
    // SAFETY: inside the mapping, whose beginning is that of a page: aligned. It is written
    // by the daemon alone, in one go, and read in one go.
    let word = unsafe { &*start.add(at as usize).cast::<AtomicU32>() };
    word.load(Ordering::Acquire) != 0
}

/// A base and its delta, which stay mapped while this lives.
pub(crate) struct Pinned<'a> {
    base: &'a Place,
    delta: &'a Place,
    numbers: u32,
    _pin: Pin<'a>,
}

impl Pinned<'_> {
    pub(crate) fn base(&self) -> Option<&Reader<'_>> {
        // SAFETY: this place was led to while it is pinned: it is filled, and not written.
        unsafe { (*self.base.reader.get()).as_ref() }
    }

    pub(crate) fn delta(&self) -> Option<&Reader<'_>> {
        // SAFETY: as above.
        unsafe { (*self.delta.reader.get()).as_ref() }
    }

    /// Whether one of the two says that there is a newer one: the base, the delta.
    pub(crate) fn superseded(&self) -> (bool, bool) {
        let says_so = |place| Self::says(place, SUPERSEDED_AT);
        (says_so(self.base), says_so(self.delta))
    }

    /// Whether no daemon looks after them any more.
    pub(crate) fn are_left(&self) -> bool {
        Self::says(self.base, LEFT_AT)
    }

    /// Which mappings these are.
    pub(crate) const fn numbers(&self) -> u32 {
        self.numbers
    }

    fn says(place: &Place, at: u64) -> bool {
        let start = place.start.load(Ordering::Relaxed);
        // SAFETY: a filled place is a mapping that was looked at, and it is pinned.
        !start.is_null() && unsafe { is_set(start, at) }
    }
}

/// One reader in the counter of its thread.
struct Pin<'a>(&'a AtomicU32);

impl<'a> Pin<'a> {
    fn new(page: &'a Page) -> Self {
        // A thread's number is an address: the bits that differ are in the middle.
        let mixed = (system::thread() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let stripe = (mixed >> 59) as usize;
        let stripe = page.stripes.get(stripe).unwrap_or(&page.stripes[0]);
        stripe.0.fetch_add(1, Ordering::SeqCst);
        Self(&stripe.0)
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Shared {
    pub(crate) const fn new() -> Self {
        Self {
            page: AtomicPtr::new(ptr::null_mut()),
            current: AtomicU32::new(0),
            places: [const { Place::new() }; PLACES],
            look_at: AtomicU64::new(0),
        }
    }

    /// The base and the delta that are in place, if there are any.
    pub(crate) fn pin(&self) -> Option<Pinned<'_>> {
        // Looked at first: who has no files writes to no page.
        if self.current.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let pin = Pin::new(self.page()?);
        let numbers = self.current.load(Ordering::SeqCst);
        let place = |number: u32| {
            self.places
                .get(usize::try_from(number.checked_sub(1)?).ok()?)
        };
        Some(Pinned {
            base: place(numbers & 0xff)?,
            delta: place(numbers >> 8)?,
            numbers,
            _pin: pin,
        })
    }

    /// The right to replace, if nobody has it.
    pub(crate) fn replace(&self) -> Option<Replacing<'_>> {
        let page = self.page()?;
        let held = page.lock.hold()?;
        Some(Replacing {
            shared: self,
            page,
            _held: held,
        })
    }

    /// Whether these are in place still, and somebody is replacing them.
    pub(crate) fn is_being_replaced(&self, numbers: u32) -> bool {
        let is_held = || self.page().is_some_and(|page| page.lock.is_held());
        self.current.load(Ordering::SeqCst) == numbers && is_held()
    }

    fn page(&self) -> Option<&Page> {
        let page = self.page.load(Ordering::Acquire);
        // SAFETY: null, or a page that was put here below, and is never unmapped.
        match unsafe { page.as_ref() } {
            Some(page) => Some(page),
            None => self.new_page(),
        }
    }

    #[cold]
    fn new_page(&self) -> Option<&Page> {
        let region = Region::zeros(NonZeroUsize::new(size_of::<Page>())?)?;
        // Where the system cannot, a child that was forked out of the middle of a look-up
        // never unmaps what was read then, and may come to ask the socket.
        let _wiped = region.wiped_on_fork();
        let raw = region.into_raw();
        let new: *mut Page = raw.0.as_ptr().cast();
        let put =
            self.page
                .compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
        let page = match put {
            Ok(_) => new,
            Err(others) => {
                // SAFETY: from `into_raw`, and nobody has seen it.
                drop(unsafe { Region::from_raw(raw) });
                others
            }
        };
        // SAFETY: large enough, aligned, never unmapped, and zeros are a value of it.
        unsafe { page.as_ref() }
    }
}

/// The right to replace the mappings.
pub(crate) struct Replacing<'a> {
    shared: &'a Shared,
    page: &'a Page,
    _held: Held<'a>,
}

/// A place that was filled, and that nobody is led to yet.
#[derive(Clone, Copy)]
pub(crate) struct Filled(u32);

impl Replacing<'_> {
    /// Puts a file into a free place, and leaves alone that of the one that it is to be
    /// beside. `None`: all places are still read.
    pub(crate) fn fill(&self, mapped: Mapped, beside: Option<Filled>) -> Option<Filled> {
        let (index, place) = self.free(beside)?;
        let (start, length) = mapped.region.into_raw();
        // SAFETY: mapped until `empty` unmaps it, and `empty` takes the reader away before. The
        // cover, where a word may change, is left out.
        let contents = unsafe {
            let contents = length.get().saturating_sub(COVER);
            slice::from_raw_parts(
                start.as_ptr().cast_const().add(length.get() - contents),
                contents,
            )
        };
        // SAFETY: under the lock, of an empty place.
        unsafe { *place.reader.get() = Reader::new(contents).ok() };
        place.waiting.store(ALL, Ordering::Relaxed);
        place.length.store(length.get(), Ordering::Relaxed);
        place.start.store(start.as_ptr(), Ordering::Release);
        Some(Filled(u32::try_from(index).ok()?.checked_add(1)?))
    }

    /// The place of the base that is read now.
    pub(crate) fn base(&self) -> Option<Filled> {
        let number = self.shared.current.load(Ordering::Relaxed) & 0xff;
        (number != 0).then_some(Filled(number))
    }

    /// Leads readers to these two.
    pub(crate) fn put(&self, base: Filled, delta: Filled) {
        self.shared
            .current
            .store(base.0 | delta.0 << 8, Ordering::SeqCst);
    }

    /// Which mappings are in place.
    pub(crate) fn numbers(&self) -> u32 {
        self.shared.current.load(Ordering::Relaxed)
    }

    /// A place without a mapping, perhaps after one was unmapped that nobody reads any more.
    fn free(&self, beside: Option<Filled>) -> Option<(usize, &Place)> {
        let numbers = self.numbers();
        let beside = beside.map_or(0, |filled| filled.0);
        let taken = [numbers & 0xff, numbers >> 8, beside];
        let mut others = (1..).zip(&self.shared.places).enumerate();
        others.find_map(|(index, (number, place))| {
            (!taken.contains(&number) && self.empty(place)).then_some((index, place))
        })
    }

    /// Unmaps what is in a place that nobody is led to, if nobody reads it. Whether the place
    /// is empty then.
    fn empty(&self, place: &Place) -> bool {
        if place.start.load(Ordering::Relaxed).is_null() {
            return true;
        }
        let mut waiting = place.waiting.load(Ordering::Relaxed);
        for (index, stripe) in self.page.stripes.iter().enumerate() {
            if stripe.0.load(Ordering::SeqCst) == 0 {
                waiting &= !(1 << index);
            }
        }
        place.waiting.store(waiting, Ordering::Relaxed);
        if waiting != 0 {
            return false;
        }
        // SAFETY: under the lock, and nobody reads it.
        unsafe { *place.reader.get() = None };
        // Taken out before it is unmapped: a child that is forked in between has a mapping too
        // many, and never unmaps what is somebody else's by then.
        let start = place.start.swap(ptr::null_mut(), Ordering::AcqRel);
        let length = NonZeroUsize::new(place.length.load(Ordering::Relaxed));
        if let (Some(start), Some(length)) = (NonNull::new(start), length) {
            // SAFETY: from `into_raw` in `fill`, and taken out of its place once.
            drop(unsafe { Region::from_raw((start, length)) });
        }
        true
    }
}
