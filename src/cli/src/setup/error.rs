//! Why a domain could not be set up.

use super::configuration::FILE;
use crate::answer::Exit;
use core::fmt;
use std::io;
use std::path::PathBuf;

/// What stands in the way, and how to get on.
#[derive(Debug)]
pub(crate) enum SetupError {
    /// Not run by root.
    NotRoot,
    /// Answers are missing, and there is no terminal to ask for them: the option.
    NoTerminal(&'static str),
    /// An answer could not be read.
    Input(io::Error),
    /// Not a short name of a domain.
    ShortName(String),
    /// Not a DNS name.
    DnsName(String),
    /// The configuration is no TOML.
    Unreadable,
    /// The configuration names another domain: short name, DNS name.
    OtherDomain(String, String),
    /// There is an account database already, and the configuration is still the example.
    HasDatabase(PathBuf),
    /// The daemon runs for another domain.
    RunsFor(String),
    /// Somebody else has changed the configuration.
    ChangedMeanwhile,
    /// The configuration is something else than a file.
    NotAFile,
    /// A file could not be read or written.
    File(PathBuf, io::Error),
    /// The daemon does not run, and nothing here can start it.
    NoServiceManager,
    /// systemctl could not be run.
    Systemctl(io::Error),
    /// systemctl could not start the daemon.
    NotStarted,
    /// The daemon was started and does not answer.
    Silent,
}

impl SetupError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::ShortName(_)
            | Self::DnsName(_)
            | Self::OtherDomain(..)
            | Self::HasDatabase(_)
            | Self::RunsFor(_) => Exit::No,
            Self::NotRoot
            | Self::NoTerminal(_)
            | Self::Input(_)
            | Self::Unreadable
            | Self::ChangedMeanwhile
            | Self::NotAFile
            | Self::File(..)
            | Self::NoServiceManager
            | Self::Systemctl(_)
            | Self::NotStarted
            | Self::Silent => Exit::CouldNotTell,
        }
    }

    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::NotRoot => "not_root",
            Self::NoTerminal(_) => "no_terminal",
            Self::Input(_) => "input",
            Self::ShortName(_) => "bad_domain",
            Self::DnsName(_) => "bad_dns_name",
            Self::Unreadable => "bad_configuration",
            Self::OtherDomain(..) | Self::RunsFor(_) => "other_domain",
            Self::HasDatabase(_) => "has_database",
            Self::ChangedMeanwhile => "changed_meanwhile",
            Self::NotAFile | Self::File(..) => "file",
            Self::NoServiceManager => "no_service_manager",
            Self::Systemctl(_) | Self::NotStarted | Self::Silent => "not_started",
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot => f.write_str("Only root can set up a domain. Run: sudo domlogon setup"),
            Self::NoTerminal(option) => write!(
                f,
                "There is no terminal to ask on. Nothing was changed. Give {option}; \
                 see domlogon setup --help."
            ),
            Self::Input(error) => {
                write!(
                    f,
                    "The answer could not be read: {error}. Nothing was changed."
                )
            }
            Self::ShortName(name) => write!(
                f,
                "{name:?} cannot be the short name of a domain: 1 to 15 characters, no blank, \
                 no dot, such as CORP. Nothing was changed."
            ),
            Self::DnsName(name) => write!(
                f,
                "{name:?} cannot be the DNS name of a domain: letters, digits and hyphens with \
                 dots between, such as corp.example. Nothing was changed."
            ),
            Self::Unreadable => write!(
                f,
                "{FILE} has a mistake. Nothing was changed. See it with: domlogon check"
            ),
            Self::OtherDomain(name, dns) => write!(
                f,
                "{FILE} is for the domain {name} ({dns}). Nothing was changed. Leave --domain \
                 and --dns-name out to go on with that one, or change the file yourself."
            ),
            Self::HasDatabase(path) => write!(
                f,
                "There is an account database already, {}, and {FILE} is still the example that \
                 it came with. Nothing was changed. Put the names of its domain into that file; \
                 or move the database away to begin anew.",
                path.display()
            ),
            Self::RunsFor(domain) => write!(
                f,
                "domlogond runs for the domain {domain}. Nothing was changed. Give --domain \
                 {domain}; or, if its configuration was changed: systemctl restart domlogond"
            ),
            Self::ChangedMeanwhile => write!(
                f,
                "Somebody else has just changed {FILE}. That stays as it is; nothing more was \
                 changed. Look at it, then give the same command again."
            ),
            Self::NotAFile => write!(
                f,
                "{FILE} is a link or no file at all, and is not written over. Nothing was changed."
            ),
            Self::File(path, error) => write!(f, "{}: {error}.", path.display()),
            Self::NoServiceManager => write!(
                f,
                "{FILE} is right, but domlogond does not run, and there is no systemd here that \
                 could start it. Start it with: domlogond --config {FILE}. Then give the same \
                 command again: it goes on from here."
            ),
            Self::Systemctl(error) => write!(f, "systemctl could not be run: {error}."),
            Self::NotStarted => f.write_str(
                "systemctl could not start domlogond. journalctl -u domlogond says why. \
                 Then give the same command again: it goes on from here.",
            ),
            Self::Silent => f.write_str(
                "domlogond was started and does not answer. journalctl -u domlogond says why. \
                 Then give the same command again: it goes on from here.",
            ),
        }
    }
}

impl core::error::Error for SetupError {}
