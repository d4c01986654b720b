//! Why the host's own account cannot be used.

use core::fmt;
use domlogon_krb5 as krb5;
use std::io;
use std::path::PathBuf;

/// What is wrong with the host's account, or with its file.
#[derive(Debug)]
pub enum MachineError {
    /// There is no file: the host was never joined.
    NotJoined(PathBuf),
    /// Somebody else could have read the file, or written it.
    Unsafe(PathBuf, Unsafe),
    /// The file is not as it was written. What stands there is not told: it may be a password.
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// A file could not be read or written.
    File(PathBuf, io::Error),
    /// The keytab could not be written.
    Keytab(PathBuf, Box<krb5::Error>),
    /// The kernel gave no random numbers.
    Random,
}

/// Why a file is not to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsafe {
    /// It is a link, a folder, or something else that is no file.
    NotAFile,
    /// It belongs to this user, who is neither root nor the owner of the folder.
    Owner(u32),
    /// Its mode lets others in.
    Mode(u32),
    /// It is longer than any file that we write.
    TooLong,
}

impl fmt::Display for MachineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJoined(path) => write!(
                f,
                "This host is not joined to a domain: there is no {}. \
                 Join it with: domlogon join REALM",
                path.display()
            ),
            Self::Unsafe(path, why) => {
                let path = path.display();
                match why {
                    Unsafe::NotAFile => write!(
                        f,
                        "{path} is not a plain file. Move it away, and join again: \
                         domlogon join REALM --take-over"
                    ),
                    Unsafe::Owner(uid) => write!(
                        f,
                        "{path} belongs to the user with the id {uid}, who could have changed it. \
                         If that is a mistake: chown --reference={} {path}",
                        parent(&path.to_string())
                    ),
                    Unsafe::Mode(mode) => write!(
                        f,
                        "Others may read or write {path} (mode {mode:04o}), and it holds the \
                         password of this host. Close it: chmod 600 {path}; then give the host \
                         another password: domlogon join REALM --take-over"
                    ),
                    Unsafe::TooLong => write!(
                        f,
                        "{path} is longer than any file that domlogon writes there. \
                         Join again: domlogon join REALM --take-over"
                    ),
                }
            }
            Self::Broken { path, line, column } => write!(
                f,
                "{} is damaged (line {line}, column {column}). Restore it, or join again: \
                 domlogon join REALM --take-over",
                path.display()
            ),
            Self::File(path, error) => {
                write!(
                    f,
                    "{} could not be read or written: {error}.",
                    path.display()
                )
            }
            Self::Keytab(path, error) => {
                write!(f, "{} could not be written: {error}.", path.display())
            }
            Self::Random => {
                f.write_str("The system gave no random numbers, so no password could be made.")
            }
        }
    }
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => ".",
    }
}

impl core::error::Error for MachineError {}
