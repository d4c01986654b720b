//! The harness: real programs on a terminal, the daemon, the command line, real libpam, sshd, vsftpd,
//! cron, and a domain controller. Everything here expects to run as root inside `tests/sandbox`, where it may do what it
//! likes. The suites are in `tests/suites`, the demonstration in `tests/demo`.

#![forbid(unsafe_code)]

pub mod account;
pub mod caller;
pub mod chance;
pub mod cli;
pub mod contact;
pub mod cron;
pub mod daemon;
pub mod difference;
pub mod directory;
pub mod failure;
pub mod fault;
pub mod holdings;
pub mod home;
pub mod log;
pub mod memory;
pub mod power;
pub mod probe;
pub mod program;
pub mod pty;
pub mod question;
pub mod rights;
pub mod size;
pub mod sshd;
pub mod statistics;
pub mod vsftpd;
pub mod world;

pub use account::{Account, Condition};
pub use caller::Caller;
pub use chance::Chance;
pub use cli::{Answer, domlogon, domlogon_with};
pub use daemon::Daemon;
pub use directory::Directory;
pub use failure::{Failure, Result, differs, ensure, ensure_contains, ensure_equal};
pub use fault::{Fault, Operations};
pub use holdings::Holdings;
pub use home::Home;
pub use log::Log;
pub use memory::Marker;
pub use probe::Probe;
pub use program::Program;
pub use pty::Pty;
pub use sshd::Sshd;
pub use vsftpd::Vsftpd;
pub use world::World;

/// The password of the sandbox's own user "localuser".
pub const LOCAL_PASSWORD: &str = "Local-pa55word";
/// The sandbox's root password.
pub const ROOT_PASSWORD: &str = "Root-pa55word";
/// The password that a test account is made with.
pub const PASSWORD: &str = "Corr3ct-Horse";
/// A password that every policy here accepts as a new one.
pub const NEW_PASSWORD: &str = "Battery-Staple-9";
