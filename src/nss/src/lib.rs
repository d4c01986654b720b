//! libnss_domlogon.so.2: the domain's users and groups for every program that asks glibc.
//!
//! The plugin is loaded into all of them, root's and everybody's. It answers from the files
//! of names that the daemon publishes, which are mapped into the program, and asks the
//! daemon for what they do not say. It has no heap, starts nothing, and leaves no descriptor
//! open.
//!
//! - `entry`: the functions that glibc calls. *
//! - `buffer`: packing into the caller's memory. *
//! - `lookup`: what is asked, in which order, and what is refused without asking.
//! - `enumeration`: where a program is in the list of all users or groups.
//! - `name`: which names can be somebody's.
//! - `line`: users and groups, and which of them may be given.
//! - `local`: which of them are the host's own.
//! - `published`: the files of names, and when to look for newer ones.
//! - `shared`: the mappings, used by many threads while one of them replaces them. *
//! - `daemon`: the daemon behind its socket.
//! - `wire`: the requests and replies of that socket.
//! - `system`: system calls, made safe. *
//! - `failure`: why there is no answer, and how glibc is told.
//!
//! The four with a star have unsafe code, and no others.
//!
//! NSS never calls NSS: nothing here looks up a name, a host or a service.
//!
//! # Without the standard library
//! With the profile `nss`, as it is shipped, this is `no_std` and needs libc alone. With
//! every other profile (tests, clippy, documentation, a build of the whole workspace) the
//! same code is linked with the standard library, since those have another way to panic.
#![cfg_attr(all(panic = "abort", not(test)), no_std)]
#![deny(
    unsafe_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

#[allow(unsafe_code)]
mod buffer;
mod daemon;
#[allow(unsafe_code)]
pub mod entry;
mod enumeration;
mod failure;
#[cfg(feature = "fuzzed")]
pub mod fuzzed;
mod line;
mod local;
mod lookup;
mod name;
mod published;
#[allow(unsafe_code)]
mod shared;
#[allow(unsafe_code)]
mod system;
mod wire;

/// Nothing here panics, and the shipped file shows it: it does not import `abort`, since no
/// code that leads here is left in it. A test looks.
#[cfg(all(panic = "abort", not(test)))]
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    system::abort()
}
