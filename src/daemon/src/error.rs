//! Why the daemon does not run.

use crate::config::ConfigError;
use crate::sockets::SocketError;
use core::fmt;
use std::io;

/// Why the daemon does not run. `{:#}` shows the line of a configuration too.
#[derive(Debug)]
pub(crate) enum Error {
    /// The configuration is wrong.
    Config(ConfigError),
    /// The account database is not ours to open.
    Accounts(domlogon_accounts::Error),
    /// The cache of the directory cannot be used.
    Cache(domlogon_ad::CacheError),
    /// There are no sockets.
    Socket(SocketError),
    /// Core dumps could not be switched off.
    CloseUp(nix::errno::Errno),
    /// No thread, no signal handler.
    System(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Accounts(error) => error.fmt(f),
            Self::Cache(error) => error.fmt(f),
            Self::Socket(error) => error.fmt(f),
            Self::CloseUp(errno) => write!(f, "core dumps cannot be switched off: {errno}"),
            Self::System(error) => write!(f, "the system refused: {error}"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Accounts(error) => Some(error),
            Self::Cache(error) => Some(error),
            Self::Socket(error) => Some(error),
            Self::CloseUp(errno) => Some(errno),
            Self::System(error) => Some(error),
        }
    }
}
