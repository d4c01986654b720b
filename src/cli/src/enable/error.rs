//! Why domlogon was not turned on or off, and what state the host is in.

use crate::answer::Exit;
use core::fmt;
use std::io;
use std::path::PathBuf;

/// Every way in which turning on, turning off or confirming fails.
#[derive(Debug)]
pub(crate) enum EnableError {
    /// The caller is not root.
    NotRoot,
    /// Another such command is at work.
    Busy,
    /// A file of the host or of the journal could not be read or written: which, and why.
    File(PathBuf, io::Error),
    /// The journal cannot be understood.
    Journal(PathBuf),
    /// A symbolic link, or something else, where a file should be.
    NotAFile(PathBuf),
    /// The file was changed since the plan was made.
    Edited(PathBuf),
    /// The file is not UTF-8.
    NotText(PathBuf),
    /// The file has Windows line ends, which PAM takes for a part of its last word.
    CarriageReturns(PathBuf),
    /// A line of the file jumps over lines of another file, and ours are behind them.
    Unclear(PathBuf, usize),
    /// The tool that lays the stacks could not be run, or failed: its name, and what it said.
    Tool(&'static str, Box<str>),
    /// pam-auth-update leaves the stacks alone, for they were edited by hand.
    EditedByHand,
    /// The profiles of pam-auth-update are not installed.
    NoProfile(PathBuf),
    /// Neither pam-auth-update nor authselect is here.
    NoTool,
    /// This host's stacks are authselect's, which has not the profile.
    NoAuthselectProfile,
    /// Features of authselect are on that the profile to be selected has not: it, and which.
    Features(Box<str>, Vec<String>),
    /// Files that authselect writes have lines of ours, and our profile is not selected.
    OtherProfile(Vec<PathBuf>),
    /// The daemon does not answer as it must.
    Daemon(Box<crate::error::Error>),
    /// After the change, something did not work as it must: what.
    Unproved(Vec<Box<str>>),
    /// Files could not be put back: for each, why.
    NotUndone(Vec<EnableError>),
    /// It failed, and the files that had been changed are as they were before, but for what
    /// somebody else had changed meanwhile, in sentences.
    Undone(Box<EnableError>, Box<str>),
    /// It failed, and putting back failed as well.
    HalfDone(Box<EnableError>, Box<EnableError>),
    /// Nothing waits for `confirm`.
    NothingToConfirm,
    /// The time for `confirm` has passed.
    TooLate,
    /// `confirm` was said in the logon in which `enable` was said.
    SameLogon,
    /// A confirmation is awaited.
    Pending,
    /// The process that puts the old state back could not be started.
    NoGuard(io::Error),
}

impl EnableError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NotRoot
            | Self::Busy
            | Self::Daemon(_)
            | Self::Journal(_)
            | Self::NotUndone(_)
            | Self::HalfDone(..) => Exit::CouldNotTell,
            _ => Exit::No,
        }
    }

    /// The name in JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::NotRoot => "not_root",
            Self::Busy => "busy",
            Self::File(..) => "file",
            Self::Journal(_) => "journal",
            Self::NotAFile(_) => "not_a_file",
            Self::Edited(_) => "edited",
            Self::NotText(_) => "not_text",
            Self::CarriageReturns(_) => "carriage_returns",
            Self::Unclear(..) => "unclear",
            Self::Tool(..) => "tool",
            Self::EditedByHand => "edited_by_hand",
            Self::NoProfile(_) => "no_profile",
            Self::NoTool => "no_tool",
            Self::NoAuthselectProfile => "no_authselect_profile",
            Self::Features(..) => "authselect_features",
            Self::OtherProfile(_) => "other_authselect_profile",
            Self::Daemon(error) => error.word(),
            Self::Unproved(_) => "unproved",
            Self::NotUndone(_) => "not_undone",
            Self::Undone(error, _) => error.word(),
            Self::HalfDone(..) => "half_done",
            Self::NothingToConfirm => "nothing_to_confirm",
            Self::TooLate => "too_late",
            Self::SameLogon => "same_logon",
            Self::Pending => "pending",
            Self::NoGuard(_) => "no_guard",
        }
    }

    /// Whether files may be changed although the command failed.
    fn may_have_changed(&self) -> bool {
        matches!(
            self,
            Self::NotUndone(_)
                | Self::HalfDone(..)
                | Self::Undone(..)
                | Self::Pending
                | Self::NothingToConfirm
                | Self::TooLate
                | Self::SameLogon
                | Self::Journal(_)
        )
    }
}

/// Makes an [`EnableError::File`] about this path.
pub(crate) fn about(path: &std::path::Path) -> impl FnOnce(io::Error) -> EnableError + '_ {
    move |error| EnableError::File(path.into(), error)
}

impl fmt::Display for EnableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason(f)?;
        if self.may_have_changed() {
            Ok(())
        } else {
            f.write_str(" Nothing was changed.")
        }
    }
}

impl EnableError {
    fn reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot => f.write_str("This changes /etc: run it as root."),
            Self::Busy => {
                f.write_str("Another domlogon enable, disable or confirm is at work. Try again when it has ended.")
            }
            Self::File(path, error) => write!(f, "{}: {error}.", path.display()),
            Self::Journal(path) => write!(
                f,
                "{} cannot be understood. The files of /etc as they were before lie beside it, in \
                 the folder run; put back what differs, then remove the journal.",
                path.display()
            ),
            Self::NotAFile(path) => write!(
                f,
                "{} is a symbolic link or no file at all, so something else manages it. \
                 Make it a plain file, or change what it points to by hand.",
                path.display()
            ),
            Self::Edited(path) => write!(
                f,
                "{} was changed by somebody else meanwhile. Look at it, then run the command again.",
                path.display()
            ),
            Self::NotText(path) => write!(f, "{} is not UTF-8 text.", path.display()),
            Self::CarriageReturns(path) => write!(
                f,
                "{} has Windows line ends (CR LF), which PAM reads as part of the line. \
                 Mend it first: sed -i 's/\\r$//' {0}",
                path.display()
            ),
            Self::Unclear(path, line) => write!(
                f,
                "{}:{line} jumps over lines of another file and over a line of domlogon. \
                 Take the lines with pam_domlogon.so out by hand, and make the jump right.",
                path.display()
            ),
            Self::Tool(name, said) => write!(f, "{name} failed: {said}."),
            Self::EditedByHand => f.write_str(
                "pam-auth-update leaves /etc/pam.d/common-* alone, because lines between its marks \
                 were edited by hand. Move those lines before or behind the marks, or give the \
                 files back to it with: pam-auth-update --force (it keeps copies as *.pam-old).",
            ),
            Self::NoProfile(path) => write!(
                f,
                "{} is missing. Install the package libpam-domlogon.",
                path.display()
            ),
            Self::NoTool => f.write_str(
                "This host has neither pam-auth-update nor authselect, so nobody knows which of \
                 its files in /etc/pam.d are whose. Put the lines of domlogon in by hand \
                 (pam_domlogon(8) has them), then run: domlogon doctor.",
            ),
            Self::NoAuthselectProfile => f.write_str(
                "authselect manages this host's stacks and has no profile domlogon. \
                 Install the package libpam-domlogon completely.",
            ),
            Self::Features(profile, names) => {
                writeln!(
                    f,
                    "authselect has features on that its profile {profile} has not, and without \
                     them this host would let in or lock out others than now: {}. If it can do \
                     without them, turn them off first:",
                    names.join(", ")
                )?;
                for name in names {
                    writeln!(f, "  authselect disable-feature {name}")?;
                }
                Ok(())
            }
            Self::OtherProfile(files) => {
                f.write_str(
                    "domlogon is not turned off: authselect writes these files, and they have \
                     lines of domlogon although its profile is not selected.",
                )?;
                for path in files {
                    write!(f, "\n  - {}", path.display())?;
                }
                f.write_str(
                    "\nTake the lines out of the profile that is selected (authselect current), \
                     and run: authselect apply-changes. Then run: domlogon disable",
                )?;
                f.write_str("\n")
            }
            Self::Daemon(error) => write!(f, "{error}"),
            Self::Unproved(what) => {
                f.write_str("After the change this did not work as it must:")?;
                for line in what {
                    write!(f, "\n  - {line}")?;
                }
                f.write_str("\n")
            }
            Self::NotUndone(files) => {
                f.write_str("These could not be put back:")?;
                for error in files {
                    f.write_str("\n  - ")?;
                    error.reason(f)?;
                }
                f.write_str(
                    "\nTheir old content lies in /var/lib/domlogon-enable/run. Remove the cause, \
                     or what is of domlogon in them, then run: domlogon disable",
                )
            }
            Self::Undone(error, touched) => {
                error.reason(f)?;
                if touched.is_empty() {
                    f.write_str(" Everything was put back: the host is as it was before.")
                } else {
                    write!(
                        f,
                        " Everything was put back, but for what somebody else had changed \
                         meanwhile.{touched}"
                    )
                }
            }
            Self::HalfDone(error, other) => {
                error.reason(f)?;
                f.write_str(" ")?;
                other.reason(f)
            }
            Self::NothingToConfirm => f.write_str("Nothing waits for a confirmation."),
            Self::TooLate => f.write_str(
                "It is too late: the time has passed, and the old state is being put back. \
                 Run domlogon enable again, with a longer --confirm.",
            ),
            Self::SameLogon => f.write_str(
                "This is the logon in which domlogon was turned on, so it proves nothing. Log on \
                 anew (leave this one open), and say domlogon confirm there. To take it all back \
                 now: domlogon disable",
            ),
            Self::Pending => f.write_str(
                "domlogon is turned on and waits for a confirmation. Say domlogon confirm in a \
                 new logon, or take it back with domlogon disable.",
            ),
            Self::NoGuard(error) => write!(
                f,
                "The process that would put the old state back could not be started: {error}."
            ),
        }
    }
}

impl core::error::Error for EnableError {}
