//! The command line of domlogond.

use core::fmt;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where the configuration is looked for if nothing else is said.
pub(crate) const CONFIGURATION: &str = "/etc/domlogon/domlogon.toml";

/// Where the sockets are made if nothing else is said: where the modules look for them.
pub(crate) const SOCKETS: &str = "/run/domlogon";

/// What `--help` prints.
pub(crate) const HELP: &str = "\
domlogond answers this host's questions about the accounts of the domain: who they
are, whether they may log on, and whether a password may be changed. The PAM module,
the NSS plugin and the command `domlogon` ask it.

Usage:
  domlogond [--config FILE]     run in the foreground until stopped
  domlogond --check [FILE]      say whether a configuration, or a file of logon rights,
                                is right, and do nothing else

Options:
  --config FILE      the configuration (default /etc/domlogon/domlogon.toml); the logon
                     rights are in rights.toml beside it
  --check [FILE]     print OK (exit 0), or what is wrong and where (exit 1); with a
                     configuration, the rights.toml beside it is judged too
  --sockets FOLDER   where to make the sockets (default /run/domlogon; the modules look
                     there, so another folder is for trying things out). Sockets that
                     systemd hands over (domlogond.socket) are used instead
  --version          print the version
  --help             print this text

Signals:
  SIGHUP             read the configuration and rights.toml again; if one is wrong, the
                     one before it stays in force, and the log and `domlogon status` say
                     so. A changed rights.toml is also taken without a signal
  SIGTERM, SIGINT    finish what was asked already, and stop

It needs no privileges: installed, it runs as the user domlogon. The file of the accounts
and its folder must be its own or root's, and it must be able to write there.

It logs to syslog (facility auth), or to standard error where there is none.
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run.
    Run {
        /// The configuration.
        config: PathBuf,
        /// The folder of the sockets.
        sockets: PathBuf,
    },
    /// Judge a configuration, or a file of logon rights.
    Check(PathBuf),
    /// Print the version.
    Version,
    /// Print the help.
    Help,
}

/// Why a command line is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ArgumentError {
    /// No such option.
    Unknown(OsString),
    /// An option lacks its value.
    NoValue(&'static str),
    /// `--check` reads a file and uses none of the other options.
    CheckAlone,
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(given) => write!(
                f,
                "{:?} is not an option of domlogond; see domlogond --help",
                given.to_string_lossy()
            ),
            Self::NoValue(option) => {
                write!(f, "{option} needs a value; see domlogond --help")
            }
            Self::CheckAlone => {
                f.write_str("--check stands alone, with the name of the file to judge")
            }
        }
    }
}

/// Reads the command line, without the program's own name.
pub(crate) fn parse(given: impl Iterator<Item = OsString>) -> Result<Command, ArgumentError> {
    let mut config: Option<PathBuf> = None;
    let mut sockets: Option<PathBuf> = None;
    let mut check: Option<Option<PathBuf>> = None;
    let mut given = given.peekable();
    while let Some(argument) = given.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(Command::Help),
            Some("--version" | "-V") => return Ok(Command::Version),
            Some("--config" | "-c") => config = Some(value(&mut given, "--config")?),
            Some("--sockets") => sockets = Some(value(&mut given, "--sockets")?),
            Some("--check") => {
                let file = given.next_if(|next| !next.to_string_lossy().starts_with('-'));
                check = Some(file.map(PathBuf::from));
            }
            _ => return Err(ArgumentError::Unknown(argument)),
        }
    }
    match check {
        Some(_) if sockets.is_some() => Err(ArgumentError::CheckAlone),
        Some(Some(_)) if config.is_some() => Err(ArgumentError::CheckAlone),
        Some(file) => Ok(Command::Check(
            file.or(config).unwrap_or_else(|| CONFIGURATION.into()),
        )),
        None => Ok(Command::Run {
            config: config.unwrap_or_else(|| CONFIGURATION.into()),
            sockets: sockets.unwrap_or_else(|| SOCKETS.into()),
        }),
    }
}

fn value(
    given: &mut impl Iterator<Item = OsString>,
    option: &'static str,
) -> Result<PathBuf, ArgumentError> {
    match given.next() {
        Some(value) if !value.is_empty() => Ok(value.into()),
        _ => Err(ArgumentError::NoValue(option)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Command, ArgumentError> {
        parse(text.split_whitespace().map(OsString::from))
    }

    #[test]
    fn each_form_is_understood() {
        let run = |config: &str, sockets: &str| Command::Run {
            config: config.into(),
            sockets: sockets.into(),
        };
        for (text, command) in [
            ("", run(CONFIGURATION, SOCKETS)),
            ("--config x.toml", run("x.toml", SOCKETS)),
            ("--sockets /tmp/s -c x", run("x", "/tmp/s")),
            ("--check", Command::Check(CONFIGURATION.into())),
            ("--check x", Command::Check("x".into())),
            ("--check --config x", Command::Check("x".into())),
            ("--config x --check", Command::Check("x".into())),
            ("--check --help", Command::Help),
            ("--version", Command::Version),
        ] {
            assert_eq!(read(text), Ok(command), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert_eq!(read("--config"), Err(ArgumentError::NoValue("--config")));
        assert_eq!(
            read("--foreground"),
            Err(ArgumentError::Unknown("--foreground".into()))
        );
        assert_eq!(read("x"), Err(ArgumentError::Unknown("x".into())));
        for text in ["--check x --config y", "--check x --sockets y"] {
            assert_eq!(read(text), Err(ArgumentError::CheckAlone), "{text}");
        }
    }
}
