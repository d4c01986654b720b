//! Why a command about logon rights has no answer, or the answer no.

use super::edit::EditError;
use super::problem;
use crate::answer::Exit;
use crate::error::Error;
use crate::words::{list, shell_word};
use core::fmt;
use domlogon_protocol::RightName;
use domlogon_protocol::rights::Problem;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// What can go wrong with the file of rights, and with a change of it.
#[derive(Debug)]
pub(crate) enum RightsError {
    /// Neither a user nor a group has these names.
    Nobody(Vec<String>),
    /// These are in the list already.
    Held(RightName, Vec<String>),
    /// These are not in the list.
    NotHeld(RightName, Vec<String>),
    /// The file has errors as it is, or would have them.
    Broken(Box<Broken>),
    /// The list stands in a form that cannot be changed here; its line, if it has one.
    Layout(PathBuf, EditError, Option<usize>),
    /// No administrator could log on locally any more.
    NoAdministrator(PathBuf),
    /// The daemon has its lists from another file than the one to be changed, which is first.
    OtherFile(PathBuf, String),
    /// There is no file any more, or an empty one, and the lists from before are in force.
    Gone(PathBuf),
    /// Another command is changing the file.
    Locked(PathBuf),
    /// Somebody else has changed the file since it was read.
    ChangedMeanwhile(PathBuf),
    /// The file cannot be read.
    Read(PathBuf, io::Error),
    /// The file cannot be written.
    Write(PathBuf, io::Error),
    /// The file is too long to be one of rights.
    TooLong(PathBuf),
    /// What is there is a folder, a pipe or a device.
    NoFile(PathBuf),
    /// The file is not UTF-8.
    NotText(PathBuf),
    /// The file was changed, and the daemon does not take it.
    NotTaken(PathBuf, Box<Problem>),
    /// The file was changed, and the daemon did not say whether it takes it.
    Unsure(PathBuf, Box<Error>),
    /// The daemon was not reached, and nothing was changed.
    Unanswered(PathBuf, Box<Error>),
}

/// A text with errors.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Where it is, or would be.
    pub(crate) file: PathBuf,
    /// The text itself.
    pub(crate) text: String,
    /// What is wrong in it.
    pub(crate) errors: Vec<Problem>,
    /// Which text it is.
    pub(crate) which: Which,
}

/// Which text has the errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The file as it is, which the daemon does not take.
    AsItIs,
    /// The file as it would be after the change.
    AfterTheChange,
    /// A file that was to be tried.
    Tried,
}

impl RightsError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Nobody(_)
            | Self::Held(..)
            | Self::NotHeld(..)
            | Self::Broken(_)
            | Self::Layout(..)
            | Self::NoAdministrator(_)
            | Self::Gone(_)
            | Self::NotTaken(..) => Exit::No,
            Self::OtherFile(..)
            | Self::Locked(_)
            | Self::ChangedMeanwhile(_)
            | Self::Read(..)
            | Self::Write(..)
            | Self::TooLong(_)
            | Self::NoFile(_)
            | Self::NotText(_)
            | Self::Unsure(..)
            | Self::Unanswered(..) => Exit::CouldNotTell,
        }
    }

    /// The name in JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Nobody(_) => "no_such_name",
            Self::Held(..) => "already_listed",
            Self::NotHeld(..) => "not_listed",
            Self::Broken(_) => "broken_file",
            Self::Layout(..) => "layout",
            Self::NoAdministrator(_) => "last_administrator",
            Self::OtherFile(..) => "other_file",
            Self::Gone(_) => "gone",
            Self::Locked(_) => "locked",
            Self::ChangedMeanwhile(_) => "changed_meanwhile",
            Self::Read(..) => "unreadable",
            Self::Write(..) => "unwritable",
            Self::TooLong(_) => "too_long",
            Self::NoFile(_) => "no_file",
            Self::NotText(_) => "not_text",
            Self::NotTaken(..) => "not_taken",
            Self::Unsure(..) => "unsure",
            Self::Unanswered(_, error) => error.word(),
        }
    }
}

const UNCHANGED: &str = "Nothing was changed.";

impl fmt::Display for RightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody(names) => write!(
                f,
                "There is neither a user nor a security group {} in the domain. {UNCHANGED} \
                 Show them with: domlogon user list, domlogon group list",
                either(names)
            ),
            Self::Held(right, names) => write!(
                f,
                "Already in {right} (\"{}\"): {}. {UNCHANGED}",
                right.title(),
                list(names, "nobody")
            ),
            Self::NotHeld(right, names) => write!(
                f,
                "Not in {right} (\"{}\"): {}. {UNCHANGED} Show who is with: \
                 domlogon rights list {}. Who is in through a group leaves by the group: \
                 domlogon group remove-member GROUP NAME",
                right.title(),
                list(names, "nobody"),
                shell_word(right.word())
            ),
            Self::Broken(broken) => broken.fmt(f),
            Self::OtherFile(file, named) => write!(
                f,
                "This would change {}, and the daemon says that its logon rights are in \
                 {named:?}. {UNCHANGED} If the daemon is started with another --config (see: \
                 systemctl cat domlogond), name the rights.toml beside that with --file; if it \
                 is not, run: systemctl restart domlogond",
                file.display()
            ),
            Self::Layout(file, error, line) => layout(f, file, *error, *line),
            Self::NoAdministrator(file) => write!(
                f,
                "After this no administrator of the domain could log on locally on this host. \
                 {UNCHANGED} Show who can now with: domlogon rights list interactive. \
                 Or give --force: then only root of this host can change {} back.",
                file.display()
            ),
            Self::Gone(file) => write!(
                f,
                "{} is gone or empty, and the lists from before are in force. {UNCHANGED} With a \
                 new file they would be lost: bring the old one back. What is in force shows: \
                 domlogon rights list. To begin anew with the built-in holders: echo '[rights]' >{}",
                file.display(),
                shell_word(&file.to_string_lossy())
            ),
            Self::Locked(file) => write!(
                f,
                "Another command is changing {}. {UNCHANGED} Try again in a moment.",
                file.display()
            ),
            Self::ChangedMeanwhile(file) => write!(
                f,
                "Somebody else has just changed {}. That stays as it is; nothing more was \
                 changed. Look at it, and try again.",
                file.display()
            ),
            Self::Read(file, error) => {
                write!(f, "{} cannot be read: {error}.", file.display())?;
                as_root(f, error)
            }
            Self::Write(file, error) => {
                write!(
                    f,
                    "{} cannot be written: {error}. {UNCHANGED}",
                    file.display()
                )?;
                as_root(f, error)
            }
            Self::TooLong(file) => write!(
                f,
                "{} is longer than {} bytes, which no file of rights is.",
                file.display(),
                super::file::MOST
            ),
            Self::NoFile(file) => {
                write!(f, "{} is not a regular file. {UNCHANGED}", file.display())
            }
            Self::NotText(file) => {
                write!(f, "{} is no text: it is not UTF-8.", file.display())
            }
            Self::NotTaken(file, problem) => write!(
                f,
                "{} is changed, but the daemon does not take it: {}. \
                 The lists from before stay in force. Mend the file, and see: domlogon status",
                file.display(),
                problem::line(problem)
            ),
            Self::Unsure(file, error) => write!(
                f,
                "{} is changed, but the daemon did not say whether it takes it: {error} \
                 It takes a changed file by itself; see: domlogon status",
                file.display()
            ),
            Self::Unanswered(file, error) => write!(
                f,
                "{error} {UNCHANGED} Without the daemon {} can be changed with an editor; \
                 domlogon check {} judges it.",
                file.display(),
                file.display()
            ),
        }
    }
}

impl core::error::Error for RightsError {}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = if self.errors.len() == 1 {
            "an error"
        } else {
            "errors"
        };
        match self.which {
            Which::AsItIs => {
                write!(f, "The file has {errors} and is not taken. {UNCHANGED}")
            }
            Which::AfterTheChange => {
                write!(f, "After this the file would have {errors}. {UNCHANGED}")
            }
            Which::Tried => write!(f, "The file has {errors}, and would not be taken."),
        }?;
        let file = self.file.display().to_string();
        for error in &self.errors {
            write!(f, "\n{}", problem::excerpt(&file, error, &self.text))?;
        }
        if self.which == Which::AsItIs {
            let cures = self.errors.iter().filter_map(|e| problem::cure(&e.kind));
            for cure in cures {
                write!(f, "\nTo take it out: {cure}")?;
            }
        }
        Ok(())
    }
}

fn layout(
    f: &mut fmt::Formatter<'_>,
    file: &std::path::Path,
    error: EditError,
    line: Option<usize>,
) -> fmt::Result {
    write!(f, "{}", file.display())?;
    if let Some(line) = line {
        write!(f, ":{line}")?;
    }
    f.write_str(match error {
        EditError::Syntax(_) => ": the file is not well-formed TOML",
        EditError::NotAList(_) => ": here a list of names should stand, such as [\"Users\"]",
        EditError::Twice(_) => ": this is the second list of the right; put the two together",
        EditError::Layout => ": the file is laid out in a way that this command cannot change",
    })?;
    write!(
        f,
        ". {UNCHANGED} Change it with an editor; domlogon check {} judges it.",
        file.display()
    )
}

fn as_root(f: &mut fmt::Formatter<'_>, error: &io::Error) -> fmt::Result {
    match error.kind() {
        ErrorKind::PermissionDenied => f.write_str(" Run the command as root."),
        _ => Ok(()),
    }
}

/// `"a"`, `"a" or "b"`.
fn either(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    names.join(" or ")
}
