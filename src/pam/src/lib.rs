//! `pam_domlogon.so`: domain logon and password change for PAM applications.
//!
//! The module is loaded into other people's programs, most of them root's, so it
//! holds nothing: no configuration, no cache, no thread. It asks the daemon, and turns
//! the verdict into the PAM code and the sentence of its row in the table.
//!
//! - `entry`: the six functions that libpam calls, each behind the guard
//! - `handle`: everything that touches a raw pointer (with `entry`, the only unsafe code)
//! - `flow`: what is asked, in which order, and what is answered; tested without libpam
//! - `helper`: the program that puts a person's tickets where they belong
//! - `arguments`: the module's arguments
//! - `planted`: panics, in a build that is for the suites alone
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

mod arguments;
mod entry;
mod flow;
#[cfg(feature = "fuzzed")]
pub mod fuzzed;
mod handle;
mod helper;
#[cfg(planted)]
mod planted;
