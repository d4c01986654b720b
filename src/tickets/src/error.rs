//! What can go wrong.

use crate::arguments::Misuse;
use core::fmt;
use std::io;
use std::path::PathBuf;

/// Why nothing, or not everything, was done.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line is wrong.
    Usage(Misuse),
    /// The program could not start itself.
    Start(io::Error),
    /// The change to the person's identity failed.
    Become(nix::Error),
    /// After the change the process is not only the person's.
    NotOnly,
    /// The person would be root.
    Root,
    /// Another user than root, or the person himself, has started this.
    NotRoot,
    /// The input could not be read.
    Input(io::Error),
    /// The input is longer than any credentials, or has too many.
    InputTooLong,
    /// The input ends in the middle, or holds nothing.
    InputCut,
    /// The input are no credentials.
    InputMalformed,
    /// Something that is no regular file is in the cache's place.
    NoFile(PathBuf),
    /// A file of somebody else is in the cache's place.
    Foreign(PathBuf),
    /// The file cannot be made, replaced or removed.
    File(PathBuf, io::Error),
    /// The library's configuration, or the cache.
    Krb5(domlogon_krb5::Error),
    /// There is no ticket in the cache that could be renewed.
    NothingToRenew,
    /// The name of the cache could not be printed.
    Output(io::Error),
}

impl From<domlogon_krb5::Error> for Error {
    fn from(error: domlogon_krb5::Error) -> Self {
        Self::Krb5(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(misuse) => write!(f, "{misuse} (see domlogon-tickets --help)"),
            Self::Start(error) => write!(f, "cannot start: {error}"),
            Self::Become(error) => write!(f, "cannot become this user: {error}"),
            Self::NotOnly => f.write_str("the rights of the old user could not be given up"),
            Self::Root => f.write_str("root has no tickets of the domain"),
            Self::NotRoot => f.write_str("only root can do this for somebody else"),
            Self::Input(error) => write!(f, "cannot read the credentials: {error}"),
            Self::InputTooLong => f.write_str("the input is too long for credentials"),
            Self::InputCut => f.write_str("the input ends too early"),
            Self::InputMalformed => f.write_str("the input is no list of credentials"),
            Self::NoFile(path) => write!(f, "{} is there and is no regular file", path.display()),
            Self::Foreign(path) => {
                write!(
                    f,
                    "{} is there and belongs to somebody else",
                    path.display()
                )
            }
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Krb5(error) => write!(f, "{error}"),
            Self::NothingToRenew => f.write_str("the cache has no ticket that can be renewed"),
            Self::Output(error) => write!(f, "cannot write the name of the cache: {error}"),
        }
    }
}
