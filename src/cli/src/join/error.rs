//! Why a host could not be joined, asked about, or taken out.

use super::configuration::FILE;
use crate::answer::Exit;
use core::fmt;
use domlogon_ad::join;
use domlogon_ad::machine::MachineError;
use std::io;
use std::path::PathBuf;

/// What stands in the way, and how to get on.
#[derive(Debug)]
pub(crate) enum JoinError {
    /// Not run by root: the command.
    NotRoot(&'static str),
    /// The domain was asked.
    Join(join::JoinError),
    /// The domain was asked to let the host go.
    Leave(join::JoinError),
    /// The host's own file.
    Machine(MachineError),
    /// The configuration is no TOML, or not laid out as one can edit it.
    Unreadable,
    /// Somebody else has changed the configuration.
    ChangedMeanwhile,
    /// The configuration is for another domain: its DNS name, and the one that was asked for.
    OtherDomain(String, String),
    /// There are accounts of another domain on this host.
    HasDatabase(PathBuf),
    /// Another command asks the domain for this host.
    UnderWay,
    /// A file could not be read or written.
    File(PathBuf, io::Error),
    /// This came in the way when the daemon was stopped already: whether the directory was told.
    HalfLeft(bool, Box<JoinError>),
}

impl JoinError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Join(error) | Self::Leave(error) => {
                if error.why.is_refusal() {
                    Exit::No
                } else {
                    Exit::CouldNotTell
                }
            }
            Self::OtherDomain(..) | Self::HasDatabase(_) => Exit::No,
            Self::HalfLeft(_, why) => why.exit(),
            Self::Machine(MachineError::NotJoined(_)) => Exit::No,
            Self::NotRoot(_)
            | Self::Machine(_)
            | Self::Unreadable
            | Self::UnderWay
            | Self::ChangedMeanwhile
            | Self::File(..) => Exit::CouldNotTell,
        }
    }

    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::NotRoot(_) => "not_root",
            Self::Join(error) | Self::Leave(error) => error.why.word(),
            Self::Machine(MachineError::NotJoined(_)) => "not_joined",
            Self::Machine(_) => "machine_file",
            Self::Unreadable => "bad_configuration",
            Self::ChangedMeanwhile => "changed_meanwhile",
            Self::OtherDomain(..) => "other_domain",
            Self::HasDatabase(_) => "has_database",
            Self::UnderWay => "under_way",
            Self::File(..) => "file",
            Self::HalfLeft(_, why) => why.word(),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot(command) => {
                write!(f, "Only root can do that. Run: sudo domlogon {command}")
            }
            Self::Join(error) => error.fmt(f),
            Self::Leave(error) => write!(
                f,
                "{}\nNothing was changed on this host. To forget the domain here whatever \
                 becomes of the account: domlogon leave --local",
                error.why
            ),
            Self::Machine(error) => error.fmt(f),
            Self::Unreadable => write!(
                f,
                "{FILE} has a mistake, or is laid out so that it cannot be edited. Nothing was \
                 changed. See it with: domlogon check"
            ),
            Self::ChangedMeanwhile => write!(
                f,
                "Somebody else has just changed {FILE}. That stays as it is. Look at it, and say \
                 the same command again: it goes on from here."
            ),
            Self::OtherDomain(found, asked) => write!(
                f,
                "{FILE} is for the domain {found}, and not for {asked}. Nothing was changed. \
                 Change domain.name and domain.dns_name there, or move the file away."
            ),
            Self::HasDatabase(path) => write!(
                f,
                "This host has accounts of its own in {}, of the domain in {FILE}. Nothing was \
                 changed. Move the database away if they are not needed any more.",
                path.display()
            ),
            Self::UnderWay => f.write_str(
                "Another domlogon join or leave is under way on this host. Nothing was \
                 changed. Wait for its end, and say the same command again. To see who runs it: \
                 pgrep -af domlogon",
            ),
            Self::File(path, error) => write!(
                f,
                "{}: {error}. Mend it, and say the same command again: it goes on from here.",
                path.display()
            ),
            Self::HalfLeft(told, why) => write!(
                f,
                "{} The daemon is stopped{}. Mend it, and then: domlogon leave --local",
                half_left(why),
                if *told {
                    ", and the directory was told that this host leaves"
                } else {
                    ""
                }
            ),
        }
    }
}

/// What came in the way of the end of a leave.
fn half_left(why: &JoinError) -> String {
    match why {
        JoinError::Unreadable => {
            format!("{FILE} has a mistake, or is laid out so that it cannot be edited.")
        }
        JoinError::ChangedMeanwhile => format!("Somebody else has just changed {FILE}."),
        JoinError::File(path, error) => format!("{}: {error}.", path.display()),
        why => why.to_string(),
    }
}

impl core::error::Error for JoinError {}

impl From<MachineError> for JoinError {
    fn from(error: MachineError) -> Self {
        Self::Machine(error)
    }
}
