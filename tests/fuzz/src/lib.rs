//! What must hold for whatever bytes come from outside: one function for each door.
//!
//! A target takes bytes and asserts: nothing panics, no work is without bounds, nothing is
//! granted that nobody granted, what is written is read as the same, and two of our own readers
//! of one thing agree. `tests/smoke.rs` replays what is kept of inputs and changes them a little,
//! with every run of the tests; `run` gives them to libFuzzer.
#![forbid(unsafe_code)]

mod corpus;
mod cut;
mod desk;
mod directory;
mod files;
mod kerberos;
mod scratch;
mod seed;
mod texts;
mod wire;

pub use corpus::strays;
pub use scratch::clean_up;

/// One door.
pub struct Target {
    /// What it is called, here and on disk.
    pub name: &'static str,
    /// Gives it bytes.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words that mean something in there.
    pub words: &'static [&'static str],
    /// Longest input that is worth the time.
    pub longest: usize,
    /// How many inputs the smoke makes of those that are kept.
    pub smoke: u32,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    wire::REQUESTS,
    wire::REPLIES,
    wire::PAM,
    wire::PAM_ARGUMENTS,
    wire::COMMAND,
    desk::DESK,
    files::CONFIGURATION,
    files::RIGHTS,
    files::RIGHTS_EDIT,
    files::STATE,
    files::NAMES,
    files::IMPORT,
    files::HOST,
    texts::HOURS,
    texts::TIMES,
    texts::USER_NAMES,
    texts::SIDS,
    texts::HASHES,
    directory::LDAP,
    directory::DIRECTORY,
    directory::PERSON,
    directory::DESCRIPTOR,
    directory::NETLOGON,
    directory::DNS,
    kerberos::KERBEROS,
    kerberos::KERBEROS_PARTS,
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
