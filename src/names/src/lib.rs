//! The file of names: what NSS may know, laid out so that it is answered from a mapping.
//!
//! `domlogond` publishes two files in its runtime directory, and the NSS plugin maps them
//! into the programs that ask:
//!
//! - the **base** ([`BASE_FILE`]): every user and every group, as of its making;
//! - the **delta** ([`DELTA_FILE`]): what has changed since. It is bound to one base by that
//!   base's [`Id`]. What it has wins, and what it says is [`Found::Gone`] is gone.
//!
//! There are always both: a base without a delta of its own is not used.
//!
//! # How they are published
//! A file is never changed where it stands, but for two words. A new one is written beside,
//! synced by nobody (it lives in memory), and renamed over the old. Whoever has the old one
//! mapped learns of it from the word at [`SUPERSEDED_AT`] in the old inode:
//!
//! 1. write the new file beside, whole;
//! 2. exchange the two names, so that the newest file is in place and the old one beside;
//! 3. write [`SUPERSEDED`] at [`SUPERSEDED_AT`] of the old one, and remove it.
//!
//! A daemon that dies between the steps leaves a file beside, which the next one finds and
//! marks. A reader that finds the word looks for the newest file at once, and asks the socket
//! if what it finds bears the word too. For a new base: both files are exchanged, the base
//! first, and then both old ones are marked.
//!
//! A daemon that is stopped leaves the files, and says so in the base, at [`LEFT_AT`]; one that
//! is killed cannot.
//!
//! # What a reader may rely on
//! Nothing. Every offset, every length and the checksum of every record is looked at when it
//! is used: whatever the bytes are, the answer is an entry that was stored under the very
//! key that was asked for, or none. There is no allocation, no system call and no panic.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
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

#[cfg(any(feature = "build", test))]
extern crate std;

#[cfg(feature = "build")]
mod build;
mod bytes;
mod format;
#[cfg(feature = "build")]
#[doc(hidden)]
pub mod fuzzed;
mod hash;
mod reader;
mod record;

#[cfg(feature = "build")]
pub use build::{About, BuildError, Builder, GroupEntry, UserEntry};
pub use format::{
    BASE_FILE, COVER, DELTA_FILE, Fault, Id, LEFT, LEFT_AT, MAGIC, MOST_BYTES, SUPERSEDED,
    SUPERSEDED_AT, VERSION,
};
pub use reader::{Found, Reader};
pub use record::{GroupIds, GroupRecord, UserRecord};

#[cfg(all(test, feature = "build"))]
mod tests;
