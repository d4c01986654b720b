//! libnss_domlogon.so.2: the domain's users and groups for every program that asks glibc.
//!
//! The plugin is loaded into all of them, root's and everybody's, so it holds next to
//! nothing: it asks the daemon, and packs the answer into the caller's buffer.
//!
//! - `entry`: the functions that glibc calls. One of the two places with unsafe code.
//! - `buffer`: packing into the caller's memory. The other one.
//! - `lookup`: what is asked, what is refused without asking, what a reply means.
//! - `source`: who is asked.
//! - `enumeration`: where a program is in the list of all users or groups.
//! - `again`: a large group, between two calls of which the second has more room.
//! - `failure`: why there is no answer, and how glibc is told.
//!
//! NSS never calls NSS: nothing here looks up a name, a host or a service.
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

mod again;
#[allow(unsafe_code)]
mod buffer;
#[allow(unsafe_code)]
pub mod entry;
mod enumeration;
mod failure;
mod lookup;
mod source;
