//! How a process gives memory back that it used for a moment.
//!
//! A crate of its own: it is one call of C, and the rest of the daemon forbids unsafe code.

/// From here on each block of a mebibyte and more is given back to the system as soon as it is
/// freed. Without this, glibc keeps a block of up to 32 MiB for later once one was freed, in each
/// of up to eight heaps for a processor; and to compare a password with one yescrypt hash takes 16 MiB.
///
/// A hint: where the C library is another one, or refuses, the process is larger, and no more.
pub fn give_large_blocks_back() {
    #[cfg(target_env = "gnu")]
    {
        const MEBIBYTE: libc::c_int = 1 << 20;
        // SAFETY: mallopt takes two numbers, and may be called at any time.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MEBIBYTE) };
    }
}
