//! Why the database could not be opened, or could not be asked.

use core::fmt;
use domlogon_protocol::Verdict;
use domlogon_protocol::admin::AdminError;
use domlogon_rules::backend::Outage;
use rusqlite::{ErrorCode, ffi};
use std::io;
use std::path::PathBuf;

/// Why the database could not be opened. Each names the file, so that the log line is enough.
#[derive(Debug)]
pub enum Error {
    /// Another daemon has it open.
    InUse(PathBuf),
    /// Written by a newer version, which may mean its tables otherwise.
    Newer {
        /// The database.
        path: PathBuf,
        /// The version of its tables.
        found: i64,
        /// The newest version that is understood.
        known: i64,
    },
    /// A file that is damaged, or not one of ours.
    Damaged(PathBuf),
    /// There is no database, but the journal of one: its last changes.
    JournalAlone(PathBuf),
    /// It holds another domain than the configured one.
    OtherDomain {
        /// The database.
        path: PathBuf,
        /// The domain in it.
        found: String,
        /// The domain asked for.
        configured: String,
    },
    /// A new domain would give an id away that is not free.
    IdTaken {
        /// The id.
        id: u32,
        /// The built-in account or group that would have it.
        name: &'static str,
        /// What was added to its RID.
        base: u32,
    },
    /// The database or its folder is another user's, or others may write to it: whoever
    /// can, could put accounts of his own in the place of the domain's.
    Exposed(PathBuf),
    /// A file could not be made, opened or locked.
    File(PathBuf, io::Error),
    /// SQLite could not read or write it.
    Sqlite(PathBuf, rusqlite::Error),
    /// The system gave no random bytes.
    Random,
}

impl Error {
    /// The condition of the store, as a person who logs on meanwhile is told.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::InUse(_)
            | Self::Newer { .. }
            | Self::OtherDomain { .. }
            | Self::IdTaken { .. }
            | Self::Exposed(_) => Verdict::AcfNotLoaded,
            Self::Damaged(_) | Self::JournalAlone(_) => Verdict::InvalidDatabase,
            Self::File(_, error) if error.kind() == io::ErrorKind::StorageFull => {
                Verdict::CanNotGrowUasFile
            }
            Self::File(..) => Verdict::AcfFileIoFail,
            Self::Sqlite(_, error) => store_verdict(error),
            Self::Random => Verdict::InternalError,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => write!(
                f,
                "the account database {} is in use by another daemon",
                path.display()
            ),
            Self::Newer { path, found, known } => write!(
                f,
                "the account database {} has tables of version {found}, made by a newer \
                 domlogon; this one knows versions up to {known}",
                path.display()
            ),
            Self::Damaged(path) => write!(
                f,
                "{path} is damaged, or is not an account database of domlogon; it was not \
                 changed. Restore it from a backup, and remove {path}-wal if it is there: \
                 it belongs to the damaged one",
                path = path.display()
            ),
            Self::JournalAlone(path) => write!(
                f,
                "{path} is not there, but its journal is, {path}-wal, with the last changes of \
                 the domain; no new domain was made. Put {path} back if it was only moved. To \
                 restore a backup, or to begin anew, move {path}-wal away first",
                path = path.display()
            ),
            Self::OtherDomain {
                path,
                found,
                configured,
            } => write!(
                f,
                "the account database {} holds the domain {found:?}, and the configuration \
                 names {configured:?}",
                path.display()
            ),
            Self::IdTaken { id, name, base } => write!(
                f,
                "no domain was made: with ids.base = {base}, {name} would have the id {id}, \
                 which a user or a group of this host has already, itself or among its \
                 subordinate ids, or which means nobody. \
                 Set another ids.base in domlogon.toml"
            ),
            Self::Exposed(path) => write!(
                f,
                "{} must belong to root or to the user that runs domlogond, and nobody else \
                 may write to it",
                path.display()
            ),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Sqlite(path, error) => {
                write!(f, "the account database {}: {error}", path.display())
            }
            Self::Random => f.write_str("the system gave no random bytes"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(_, error) => Some(error),
            Self::Sqlite(_, error) => Some(error),
            _ => None,
        }
    }
}

/// Why something in the middle of an operation cannot go on; whatever it did is undone.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The store could not be asked.
    Store(Verdict),
    /// An administrator's request was refused.
    Refused(Box<AdminError>),
}

pub(crate) type Result<T, E = Fault> = core::result::Result<T, E>;

impl Fault {
    /// What was read is not what was ever written.
    pub(crate) const DAMAGED: Self = Self::Store(Verdict::InvalidDatabase);
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(store_verdict(&error))
    }
}

impl From<AdminError> for Fault {
    fn from(error: AdminError) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl From<Fault> for Outage {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(verdict) => Self(verdict),
            // Only an administrator's request is refused in this way.
            Fault::Refused(_) => Self(Verdict::InternalError),
        }
    }
}

impl From<Fault> for AdminError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(verdict) => Self::Store(verdict),
            Fault::Refused(error) => *error,
        }
    }
}

/// What SQLite's answer means for the domain. The one place where its codes are read.
pub(crate) fn store_verdict(error: &rusqlite::Error) -> Verdict {
    use rusqlite::Error as E;
    match error {
        // The index of the journal could not grow: the one way in which a full disk does
        // not call itself full.
        E::SqliteFailure(failure, _) if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            Verdict::CanNotGrowUasFile
        }
        E::SqliteFailure(failure, _) => code_verdict(failure.code),
        E::SqlInputError { error, .. } => code_verdict(error.code),
        // A value of a type or a form that was never written.
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::InvalidColumnType(..)
        | E::Utf8Error(..)
        | E::QueryReturnedNoRows => Verdict::InvalidDatabase,
        _ => Verdict::InternalError,
    }
}

fn code_verdict(code: ErrorCode) -> Verdict {
    match code {
        // SQLITE_ERROR is "no such table" and its like: our statements are constant, so
        // the tables are not those that we made.
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::SchemaChanged
        | ErrorCode::TypeMismatch
        | ErrorCode::Unknown => Verdict::InvalidDatabase,
        ErrorCode::DiskFull => Verdict::CanNotGrowUasFile,
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => Verdict::AcfNotLoaded,
        ErrorCode::SystemIoFailure
        | ErrorCode::ReadOnly
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::AuthorizationForStatementDenied
        | ErrorCode::NoLargeFileSupport => Verdict::AcfFileIoFail,
        ErrorCode::TooBig => Verdict::AcfNoRoom,
        ErrorCode::OutOfMemory => Verdict::Busy,
        _ => Verdict::InternalError,
    }
}
