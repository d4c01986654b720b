//! What goes into a file, and why there is none.

use crate::format::Id;
use core::fmt;
use std::io;

/// What a file is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The base that a delta is bound to; `None`: this is a base.
    pub base: Option<Id>,
    /// Whether a key that is neither in the base nor in the delta is nobody's. Looked at in
    /// the base.
    pub complete: bool,
    /// No id below this is the domain's.
    pub lowest_id: u32,
    /// The domain's short (NetBIOS) name.
    pub short: &'a str,
    /// The domain's DNS name.
    pub dns: &'a str,
    /// Now, in seconds since 1970.
    pub created_at: u64,
}

/// A user to publish.
#[derive(Clone, Copy, Debug)]
pub struct UserEntry<'a> {
    /// Login name, in the account's own spelling.
    pub name: &'a str,
    /// User id.
    pub uid: u32,
    /// Id of the first group.
    pub gid: u32,
    /// Full name (gecos).
    pub full_name: &'a str,
    /// Home directory.
    pub home: &'a str,
    /// Login shell.
    pub shell: &'a str,
    /// Seconds since 1970 after which the daemon is asked again; 0: never.
    pub expires_at: u32,
    /// The ids of all groups, nested ones and the first one included, in any order; `None`:
    /// not known.
    pub groups: Option<&'a [u32]>,
    /// As `expires_at`, of `groups`.
    pub groups_expire_at: u32,
}

/// A group to publish.
#[derive(Clone, Copy, Debug)]
pub struct GroupEntry<'a, S> {
    /// Group name.
    pub name: &'a str,
    /// Group id.
    pub gid: u32,
    /// Login names of all members, direct and nested.
    pub members: &'a [S],
    /// Seconds since 1970 after which the daemon is asked again; 0: never.
    pub expires_at: u32,
}

/// Why there is no file.
#[derive(Debug)]
pub enum BuildError {
    /// It could not be written.
    Io(io::Error),
    /// There are no random bytes.
    Random,
    /// An entry that no program may be given: an id of the system's, a text that would end a
    /// line or a field, a text that is too long. It is left out; the builder can go on.
    Unsound,
    /// More entries, or longer ones, than a file can have.
    TooMuch,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the file of names cannot be written: {error}"),
            Self::Random => f.write_str("there are no random bytes"),
            Self::Unsound => f.write_str("an entry cannot be published"),
            Self::TooMuch => f.write_str("there is more than a file of names can hold"),
        }
    }
}

impl core::error::Error for BuildError {}

impl From<io::Error> for BuildError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
