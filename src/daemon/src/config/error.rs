//! What is wrong with a configuration, and where.

use crate::excerpt::{FileError, words};
use core::fmt;
use std::io;

/// Why a configuration cannot be used.
pub(crate) type ConfigError = FileError<Fault>;

/// What is wrong.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The file cannot be read, or is not text.
    Unreadable(io::Error),
    /// Not TOML, a key that is not known or missing, or a value of another type.
    Toml(Box<toml::de::Error>),
    /// A number outside its bounds: least, most.
    Bounds(u32, u32),
    /// Not a NetBIOS name.
    ShortName,
    /// Not a DNS name.
    DnsName,
    /// Not an absolute path.
    Path,
    /// Not a template of a home directory.
    Home,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "the configuration cannot be read: {error}"),
            Self::Toml(error) => f.write_str(&words(error)),
            Self::Bounds(least, most) => {
                write!(f, "expected a whole number from {least} to {most}")
            }
            Self::ShortName => f.write_str(
                "expected the domain's short (NetBIOS) name, such as \"CORP\": \
                 1 to 15 characters, no blank and no dot",
            ),
            Self::DnsName => {
                f.write_str("expected the domain's DNS name, such as \"corp.example\"")
            }
            Self::Path => f.write_str("expected a full path to a file, such as \"/bin/bash\""),
            Self::Home => f.write_str(
                "expected a full path with {user} in it, such as \"/home/{user}\"; \
                 no other braces and no colon",
            ),
        }
    }
}

impl core::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.fault {
            Fault::Unreadable(error) => Some(error),
            Fault::Toml(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
