//! The embedded account database: the accounts, groups and policy of a domain in one
//! SQLite file, for a host that has no directory to ask.
//!
//! Floor 2 of the house. What an account's state means is decided in
//! [`domlogon_rules`]; here it is kept: read, compared with a password, and changed in
//! one transaction or not at all. There is no clock here: the caller passes the time.
//!
//! Where to find what: `store` holds the file and its connections, `schema` the tables
//! and their migrations, `hash` and `slots` the password hashing, `foreign` the hashes of
//! other systems until they are replaced, `record` the row of an account, `members` who is in which group and `nesting` the groups alone in memory,
//! `principals` what somebody carries at a logon, `logon` and `change` what their names
//! say, `names` the answers to NSS, `roster` all of them at once and `trail` which of them
//! have changed, and `admin` what an administrator may ask.
#![forbid(unsafe_code)]

mod admin;
mod backend;
mod change;
mod database;
mod decoys;
mod domain;
mod error;
mod foreign;
#[doc(hidden)]
pub mod fuzzed;
mod hash;
mod logon;
mod members;
mod names;
mod nesting;
mod principals;
mod record;
mod roster;
mod schema;
mod slots;
mod store;
mod trail;

pub use database::{Database, Options, Settings};
pub use error::Error;
pub use hash::Cost;

#[cfg(test)]
mod tests;
