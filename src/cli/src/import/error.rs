//! Why a file cannot be imported at all.

use crate::answer::Exit;
use core::fmt;
use std::io;
use std::path::PathBuf;

/// What is wrong with the file as a whole.
#[derive(Debug)]
pub(crate) enum ImportError {
    /// It cannot be read.
    File(PathBuf, io::Error),
    /// No line says anything.
    Nothing(PathBuf),
    /// The first line of a table has no column of names.
    NoNameColumn,
    /// A column that is not known, or is there twice.
    Column(String),
    /// The first line of a table is no text.
    Header,
    /// A line says that its password is in the shadow file, and none is named.
    NoShadow(u32),
    /// A shadow file for a table.
    ShadowOfCsv,
    /// More than one request can hold.
    TooMany,
    /// More than others than root may send.
    RootForMany,
}

impl ImportError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::NoNameColumn | Self::Column(_) | Self::Header => Exit::No,
            Self::File(..)
            | Self::Nothing(_)
            | Self::NoShadow(_)
            | Self::ShadowOfCsv
            | Self::TooMany
            | Self::RootForMany => Exit::CouldNotTell,
        }
    }

    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::File(..) => "file",
            Self::Nothing(_) => "nothing_to_import",
            Self::NoNameColumn | Self::Column(_) | Self::Header => "columns",
            Self::NoShadow(_) => "no_shadow_file",
            Self::ShadowOfCsv => "shadow_of_csv",
            Self::TooMany | Self::RootForMany => "too_many",
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const COLUMNS: &str = "Nothing was changed. The columns are in: \
                               domlogon user import --help";
        match self {
            Self::File(path, error) => write!(
                f,
                "{} cannot be read: {error}. Nothing was changed.",
                path.display()
            ),
            Self::Nothing(path) => write!(
                f,
                "{} has no account to import. Nothing was changed.",
                path.display()
            ),
            Self::NoNameColumn => write!(
                f,
                "The first line must name the columns, and one of them must be `name`. {COLUMNS}"
            ),
            Self::Column(name) => write!(
                f,
                "The column {name:?} is not known, or is there twice. {COLUMNS}"
            ),
            Self::Header => write!(f, "The line of column names cannot be read. {COLUMNS}"),
            Self::NoShadow(line) => write!(
                f,
                "Line {line} says that its password is in the shadow file. Nothing was changed. \
                 Name that file with --shadow FILE."
            ),
            Self::ShadowOfCsv => f.write_str(
                "--shadow goes with a file of passwd lines. A CSV file has the hashes in its \
                 column password_hash.",
            ),
            Self::TooMany => f.write_str(
                "The file holds more than one import can (some 60000 accounts, 16 MiB). \
                 Nothing was changed. Split the file, and import its parts one after the other.",
            ),
            Self::RootForMany => f.write_str(
                "The file holds more than others than root may import at once (2 MiB). \
                 Nothing was changed. Run the command as root.",
            ),
        }
    }
}

impl core::error::Error for ImportError {}
