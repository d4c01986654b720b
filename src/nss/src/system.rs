//! System calls, made safe: files, mappings, a socket, the clocks, and what a thread has to
//! itself.
//!
//! Nothing here is called for an answer out of a file of names that is mapped already, but
//! the clock, which is no system call.

mod memory;
mod socket;

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::num::NonZeroUsize;
use core::ptr;

pub(crate) use memory::{Held, Region, SHELF, Shelf, TryLock};
pub(crate) use socket::Stream;

// Named here so that libc.so.6 is needed, with the versions of its symbols, also where the
// crate `libc` was built for others who leave that to the standard library.
#[link(name = "c")]
unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

#[cfg(all(panic = "abort", not(test)))]
pub(crate) fn abort() -> ! {
    // SAFETY: ends the process.
    unsafe { libc::abort() }
}

/// The errno of the call that failed.
fn errno() -> c_int {
    // SAFETY: this thread's own errno, which is always there.
    unsafe { *libc::__errno_location() }
}

/// The work that may wait, or fail: while this lives the thread is not cancelled, and when it
/// ends errno is what it was.
///
/// A thread that was cancelled in the middle would leave a lock held, or a descriptor open. So
/// the cancellation waits until the function has returned, which it does soon.
pub(crate) struct Undisturbed {
    cancelled: c_int,
    errno: c_int,
}

/// PTHREAD_CANCEL_DISABLE in glibc's and musl's <pthread.h>.
const DISABLE: c_int = 1;

impl Undisturbed {
    pub(crate) fn begin() -> Self {
        let mut cancelled = 0;
        // SAFETY: a valid state, and a place for the old one.
        unsafe { pthread_setcancelstate(DISABLE, &raw mut cancelled) };
        let errno = errno();
        Self { cancelled, errno }
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        // SAFETY: the state that it had, whose old one is not wanted; this thread's errno.
        unsafe {
            pthread_setcancelstate(self.cancelled, ptr::null_mut());
            *libc::__errno_location() = self.errno;
        }
    }
}

/// Who started this program, if it is not root and the program acts as root all the same;
/// otherwise 0.
pub(crate) fn behind() -> u32 {
    // SAFETY: neither can fail, nor touches anything.
    match unsafe { (libc::geteuid(), libc::getuid()) } {
        (0, real) => real,
        _ => 0,
    }
}

// ---------------------------------------------------------------- time

/// Milliseconds of the clock that never goes back.
pub(crate) fn milliseconds() -> u64 {
    let time = clock(libc::CLOCK_MONOTONIC_COARSE);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000;
    seconds.saturating_mul(1000).saturating_add(rest)
}

/// Seconds since 1970.
pub(crate) fn seconds() -> u64 {
    u64::try_from(clock(libc::CLOCK_REALTIME_COARSE).tv_sec).unwrap_or(0)
}

fn clock(id: libc::clockid_t) -> libc::timespec {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: a place for the time. Zeros are a valid one, should the call fail.
    unsafe {
        libc::clock_gettime(id, time.as_mut_ptr());
        time.assume_init()
    }
}

/// Lets another thread go on.
pub(crate) fn give_way() {
    // SAFETY: no arguments.
    unsafe { libc::sched_yield() };
}

/// A number that is this thread's own while it lives.
pub(crate) fn thread() -> usize {
    // SAFETY: no arguments.
    (unsafe { libc::pthread_self() }) as usize
}

// ---------------------------------------------------------------- files

/// An open descriptor, closed at the end.
pub(crate) struct Descriptor(c_int);

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: open, and nobody else's.
        unsafe { libc::close(self.0) };
    }
}

/// Whose a file is, and what.
pub(crate) struct Facts {
    pub(crate) owner: u32,
    mode: u32,
    pub(crate) size: u64,
}

impl Facts {
    pub(crate) const fn is_regular(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFREG
    }

    /// Whether others than the owner may write.
    pub(crate) const fn others_write(&self) -> bool {
        self.mode & 0o022 != 0
    }
}

/// A folder, as a place to open files in. No symbolic link is followed to it.
pub(crate) fn folder(path: &CStr) -> Result<Descriptor, c_int> {
    let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: a text that ends with a zero.
    opened(unsafe { libc::open(path.as_ptr(), flags) })
}

/// A file, to be read.
pub(crate) fn open(path: &CStr) -> Result<Descriptor, c_int> {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    // SAFETY: a text that ends with a zero.
    opened(unsafe { libc::open(path.as_ptr(), flags) })
}

impl Descriptor {
    /// How many bytes were read; 0 at the end.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<usize, c_int> {
        loop {
            let (start, length) = (buffer.as_mut_ptr().cast(), buffer.len());
            // SAFETY: an open descriptor, and a place for so many bytes.
            let read = unsafe { libc::read(self.0, start, length) };
            if let Some(count) = counted(read)? {
                return Ok(count);
            }
        }
    }

    /// A file of this folder, to be read. No symbolic link is followed, and nobody is waited
    /// for who has the other end of a pipe.
    pub(crate) fn file(&self, name: &CStr) -> Result<Self, c_int> {
        let flags =
            libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
        // SAFETY: an open descriptor, and a text that ends with a zero.
        opened(unsafe { libc::openat(self.0, name.as_ptr(), flags) })
    }

    pub(crate) fn facts(&self) -> Result<Facts, c_int> {
        let mut stat = MaybeUninit::<libc::stat>::zeroed();
        // SAFETY: an open descriptor, and a place for the result.
        if unsafe { libc::fstat(self.0, stat.as_mut_ptr()) } != 0 {
            return Err(errno());
        }
        // SAFETY: filled in; zeros are a valid value as well.
        Ok(facts(&unsafe { stat.assume_init() }))
    }

    /// The whole file in memory, to be read.
    pub(crate) fn map(&self, length: NonZeroUsize) -> Option<Region> {
        Region::of_file(length, self.0)
    }
}

/// The owner of a path, which may be a symbolic link.
pub(crate) fn owner(path: &CStr) -> Option<u32> {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: a text that ends with a zero, and a place for the result.
    let done = unsafe { libc::lstat(path.as_ptr(), stat.as_mut_ptr()) };
    // SAFETY: filled in; zeros are a valid value as well.
    (done == 0).then(|| facts(&unsafe { stat.assume_init() }).owner)
}

fn facts(stat: &libc::stat) -> Facts {
    Facts {
        owner: stat.st_uid,
        mode: stat.st_mode,
        size: u64::try_from(stat.st_size).unwrap_or(0),
    }
}

fn opened(descriptor: c_int) -> Result<Descriptor, c_int> {
    match descriptor {
        0.. => Ok(Descriptor(descriptor)),
        _ => Err(errno()),
    }
}

/// What a call that counts bytes says; `None` after a signal: it is to be called again.
fn counted(count: isize) -> Result<Option<usize>, c_int> {
    match usize::try_from(count) {
        Ok(count) => Ok(Some(count)),
        Err(_) if errno() == libc::EINTR => Ok(None),
        Err(_) => Err(errno()),
    }
}
