//! Threads that the host program cancels.

use libc::c_int;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

/// PTHREAD_CANCEL_DISABLE in glibc's and musl's <pthread.h>.
const DISABLE: c_int = 1;

/// While this lives its thread is not cancelled. glibc unwinds a thread that is, and where
/// that comes upon the guard it ends the whole program; so it waits until the function has
/// returned.
pub(crate) struct Undisturbed {
    before: c_int,
}

impl Undisturbed {
    pub(crate) fn begin() -> Self {
        let mut before = 0;
        // SAFETY: a valid state, and a place for the old one.
        unsafe { pthread_setcancelstate(DISABLE, &mut before) };
        Self { before }
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        // SAFETY: what it was before; the old one is wanted no more.
        unsafe { pthread_setcancelstate(self.before, std::ptr::null_mut()) };
    }
}
