//! Users and groups as NSS sees them. Nothing here is secret.

use serde::{Deserialize, Serialize};

/// A line of the password database; `pw_passwd` is always `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Login name, in the account's own spelling.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Full name (gecos).
    pub full_name: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

/// A line of the group database, nested groups flattened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Group name.
    pub name: String,
    /// Group id.
    pub gid: u32,
    /// Login names of all members, direct and nested.
    pub members: Vec<String>,
}

/// One page of an enumeration, in the order of ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// The id to continue after; `None` at the end.
    pub next: Option<u32>,
}
