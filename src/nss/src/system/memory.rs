//! Memory without a heap: pages of the system's.

use core::ffi::c_int;
use core::mem;
use core::num::NonZeroUsize;
use core::ptr::{self, NonNull};
use core::slice;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// Pages that this process has mapped, and nobody else writes.
pub(crate) struct Region {
    start: NonNull<u8>,
    length: NonZeroUsize,
}

impl Region {
    /// Pages of zeros, which take memory only where they are written.
    pub(crate) fn zeros(length: NonZeroUsize) -> Option<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        Self::new(length, access, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)
    }

    /// A whole file, to be read.
    pub(super) fn of_file(length: NonZeroUsize, descriptor: c_int) -> Option<Self> {
        Self::new(length, libc::PROT_READ, libc::MAP_SHARED, descriptor)
    }

    fn new(length: NonZeroUsize, access: c_int, flags: c_int, file: c_int) -> Option<Self> {
        // SAFETY: a new mapping, at a place of the system's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), length.get(), access, flags, file, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        Some(Self {
            start: NonNull::new(start.cast())?,
            length,
        })
    }

    /// Only for what [`Region::zeros`] made.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: mapped for that, and borrowed for as long.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.length.get()) }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: mapped for reading, and borrowed for as long.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length.get()) }
    }

    /// Gives it into the care of whoever keeps the two numbers.
    pub(crate) fn into_raw(self) -> (NonNull<u8>, NonZeroUsize) {
        let raw = (self.start, self.length);
        mem::forget(self);
        raw
    }

    /// Takes it back.
    ///
    /// # Safety
    /// The numbers are from `into_raw`, and are taken back once.
    pub(crate) const unsafe fn from_raw((start, length): (NonNull<u8>, NonZeroUsize)) -> Self {
        Self { start, length }
    }

    /// A child that is forked finds zeros here. Whether the system can do that.
    pub(crate) fn wiped_on_fork(&self) -> bool {
        const MADV_WIPEONFORK: c_int = 18;
        // SAFETY: pages of this region, whose contents stay as they are in this process.
        unsafe {
            libc::madvise(
                self.start.as_ptr().cast(),
                self.length.get(),
                MADV_WIPEONFORK,
            ) == 0
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and no borrow of it is left.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length.get()) };
    }
}

/// A place for one region that threads take out of and put into, without a lock that a fork
/// could leave held. Each region begins with its own length.
pub(crate) struct Shelf(AtomicPtr<u8>);

/// Bytes at the beginning of a region that are the shelf's own.
pub(crate) const SHELF: usize = 8;

impl Shelf {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// What is there, which is not there any more.
    pub(crate) fn take(&self) -> Option<Region> {
        self.exchange(ptr::null_mut())
    }

    /// Puts a region there. What was there is freed.
    pub(crate) fn put(&self, mut region: Region) {
        let length = region.length.get() as u64;
        let Some(front) = region.bytes_mut().first_chunk_mut() else {
            return;
        };
        *front = length.to_le_bytes();
        let (start, _) = region.into_raw();
        drop(self.exchange(start.as_ptr()));
    }

    fn exchange(&self, new: *mut u8) -> Option<Region> {
        let start = NonNull::new(self.0.swap(new, Ordering::AcqRel))?;
        // SAFETY: put here by `put`, which wrote its length there; it is ours alone now.
        unsafe {
            let length = u64::from_le_bytes(start.cast::<[u8; SHELF]>().read());
            let length = NonZeroUsize::new(usize::try_from(length).ok()?)?;
            Some(Region::from_raw((start, length)))
        }
    }
}

/// A lock that is only ever tried.
pub(crate) struct TryLock(AtomicU32);

/// It is held while this lives.
pub(crate) struct Held<'a>(&'a TryLock);

impl TryLock {
    pub(crate) fn hold(&self) -> Option<Held<'_>> {
        let held = self
            .0
            .compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
        held.ok().map(|_| Held(self))
    }

    pub(crate) fn is_held(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.0.store(0, Ordering::Release);
    }
}
