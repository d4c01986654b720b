//! How a process gives memory back that it used for a moment.
//!
//! A crate of its own: it is a call of C, and the rest of the daemon forbids unsafe code.

/// From here on each block of a mebibyte and more is given back to the system as soon as it is
/// freed, and all threads share two heaps.
///
/// Without the one, glibc keeps a block of up to 32 MiB for later once one was freed, in each
/// of up to eight heaps for a processor; and to compare a password with one yescrypt hash takes 16 MiB.
/// Without the other, each of those heaps grows until its threads have once held the most that
/// requests take: a busy daemon took an hour for that. No thread waits long for a small block.
///
/// A hint: where the C library is another one, or refuses, the process is larger, and no more.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    {
        const MEBIBYTE: libc::c_int = 1 << 20;
        const HEAPS: libc::c_int = 2;
        // SAFETY: mallopt takes two numbers, and may be called at any time.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MEBIBYTE);
            libc::mallopt(libc::M_ARENA_MAX, HEAPS);
        }
    }
}
