//! Why a command has no answer, or the answer no.

use crate::answer::Exit;
use crate::enable::EnableError;
use crate::import::ImportError;
use crate::join::JoinError;
use crate::refusal;
use crate::rights::RightsError;
use crate::setup::SetupError;
use core::fmt;
use domlogon_protocol::admin::AdminError;
use domlogon_protocol::client::CallError;
use domlogon_protocol::{NameError, Verdict};
use std::io;
use std::path::PathBuf;

/// Every way in which a command can fail.
#[derive(Debug)]
pub(crate) enum Error {
    /// The daemon was not reached, or did not answer.
    Call(CallError),
    /// The daemon refused what an administrator asked; nothing was changed.
    Refused(Box<AdminError>),
    /// The daemon answers nothing to this, or not to this caller.
    NotAnswered(Verdict),
    /// The daemon answered another question.
    OtherReply,
    /// No account of this name; asked with `explain`.
    NoSuchAccount(String),
    /// The name is not well formed.
    BadName(String, NameError),
    /// `user set` without a setting.
    NothingToSet,
    /// The two entries of a password differ.
    EntriesDiffer,
    /// There is no terminal to ask for a password on; the option that reads it instead.
    NoTerminal(&'static str),
    /// Standard input ended before a password came.
    NoPassword,
    /// The password could not be read.
    Input(io::Error),
    /// domlogond is nowhere; where it was looked for.
    NoDaemonProgram(Vec<PathBuf>),
    /// domlogond could not be run.
    Run(PathBuf, io::Error),
    /// `doctor --root` of what is no folder.
    NoRoot(PathBuf, io::Error),
    /// Something about the file of logon rights.
    Rights(Box<RightsError>),
    /// Something about turning domlogon on or off.
    Enable(Box<EnableError>),
    /// A file of accounts cannot be imported.
    Import(ImportError),
    /// A domain cannot be set up.
    Setup(SetupError),
    /// A host cannot be joined, or taken out.
    Join(Box<JoinError>),
}

impl Error {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Refused(refused) => match **refused {
                AdminError::Store(_) => Exit::CouldNotTell,
                _ => Exit::No,
            },
            Self::NoSuchAccount(_) | Self::BadName(..) | Self::EntriesDiffer => Exit::No,
            Self::Rights(error) => error.exit(),
            Self::Enable(error) => error.exit(),
            Self::Import(error) => error.exit(),
            Self::Setup(error) => error.exit(),
            Self::Join(error) => error.exit(),
            Self::Call(_)
            | Self::NotAnswered(_)
            | Self::OtherReply
            | Self::NothingToSet
            | Self::NoTerminal(_)
            | Self::NoPassword
            | Self::Input(_)
            | Self::NoDaemonProgram(_)
            | Self::NoRoot(..)
            | Self::Run(..) => Exit::CouldNotTell,
        }
    }

    /// The name in JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Call(CallError::NotRunning(_)) => "not_running",
            Self::Call(CallError::Forbidden) => "not_allowed",
            Self::Call(CallError::Impostor(_)) => "impostor",
            Self::Call(CallError::NotTaken | CallError::Timeout) => "timeout",
            Self::Call(CallError::Frame(_)) | Self::OtherReply => "broken_reply",
            Self::Refused(refused) => refusal::word(refused),
            Self::NotAnswered(Verdict::AccessDenied) => "not_allowed",
            Self::NotAnswered(_) => "not_answered",
            Self::NoSuchAccount(_) => "no_such_user",
            Self::BadName(..) => "bad_name",
            Self::NothingToSet => "nothing_to_set",
            Self::EntriesDiffer => "entries_differ",
            Self::NoTerminal(_) => "no_terminal",
            Self::NoPassword => "no_password_given",
            Self::Input(_) => "input",
            Self::NoDaemonProgram(_) | Self::Run(..) => "no_daemon_program",
            Self::NoRoot(..) => "no_root",
            Self::Rights(error) => error.word(),
            Self::Enable(error) => error.word(),
            Self::Import(error) => error.word(),
            Self::Setup(error) => error.word(),
            Self::Join(error) => error.word(),
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<AdminError> for Error {
    fn from(error: AdminError) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

impl From<EnableError> for Error {
    fn from(error: EnableError) -> Self {
        Self::Enable(Box::new(error))
    }
}

impl From<SetupError> for Error {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<JoinError> for Error {
    fn from(error: JoinError) -> Self {
        Self::Join(Box::new(error))
    }
}

impl From<RightsError> for Error {
    fn from(error: RightsError) -> Self {
        Self::Rights(Box::new(error))
    }
}

/// Said where everybody may ask about himself.
const NOT_ALLOWED: &str = "You may ask about yourself only. Root and members of the domain's group \
                           Administrators may ask about everybody: run the command with sudo.";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => call(f, error),
            Self::Refused(refused) => refusal::write(f, refused),
            Self::NotAnswered(Verdict::AccessDenied) => f.write_str(NOT_ALLOWED),
            Self::NotAnswered(verdict) => refusal::not_answered(f, *verdict),
            Self::OtherReply => f.write_str(
                "The daemon answered another question than was asked. \
                 Restart it after an upgrade: systemctl restart domlogond",
            ),
            Self::NoSuchAccount(name) => write!(
                f,
                "The domain has no account {name}, or this host has a local user of that name. \
                 Show all accounts with: domlogon user list"
            ),
            Self::BadName(name, error) => write!(f, "{name:?} is no user name: {error}."),
            Self::NothingToSet => f.write_str(
                "Name at least one setting to change, such as --disabled yes. \
                 All settings: domlogon user set --help",
            ),
            Self::EntriesDiffer => f.write_str("The two entries differ. Nothing was changed."),
            Self::NoTerminal(option) => write!(
                f,
                "There is no terminal to ask for a password on. \
                 Give the password on standard input, with {option}."
            ),
            Self::NoPassword => f.write_str(
                "Standard input ended before a password came. Nothing was changed. \
                 One line was expected.",
            ),
            Self::Input(error) => write!(f, "The password could not be read: {error}."),
            Self::NoDaemonProgram(places) => {
                f.write_str("The program domlogond, which judges the file, was not found")?;
                for (index, place) in places.iter().enumerate() {
                    f.write_str(if index == 0 { " in " } else { ", " })?;
                    write!(f, "{}", place.display())?;
                }
                f.write_str(" or PATH. Install domlogon completely.")
            }
            Self::Run(program, error) => {
                write!(f, "{} could not be run: {error}.", program.display())
            }
            Self::NoRoot(root, error) => {
                write!(f, "{} cannot be looked at: {error}.", root.display())
            }
            Self::Rights(error) => error.fmt(f),
            Self::Enable(error) => error.fmt(f),
            Self::Import(error) => error.fmt(f),
            Self::Setup(error) => error.fmt(f),
            Self::Join(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

fn call(f: &mut fmt::Formatter<'_>, error: &CallError) -> fmt::Result {
    match error {
        CallError::NotRunning(_) => write!(
            f,
            "{error}. Start it with: systemctl start domlogond. \
             If it stops again, journalctl -u domlogond says why."
        ),
        CallError::Forbidden => f.write_str(NOT_ALLOWED),
        CallError::Impostor(_) => write!(f, "{error}. Nothing was sent."),
        CallError::NotTaken | CallError::Timeout => write!(
            f,
            "{error}. It may be busy; try again. journalctl -u domlogond says more."
        ),
        CallError::Frame(_) => write!(
            f,
            "The daemon gave no whole answer: {error}. \
             Restart it after an upgrade: systemctl restart domlogond"
        ),
    }
}
