//! The daemon gives up what it does not need, before it has read a password: system calls
//! ([`calls`], by seccomp), and files, folders and ports ([`paths`], by Landlock).
//!
//! It does so itself, so that it holds without systemd too, and while it has one thread: both
//! hold for the thread that asks, and for those that it starts. Nothing takes it back. Where
//! the kernel cannot do one of them, that is said in the log, and the daemon goes on: whoever
//! cannot log on is not safer.

mod calls;
mod paths;

use crate::config::Config;
use crate::log::{Level, Log};
use domlogon_protocol::admin::Confined;
use seccompiler::{BpfProgramRef, apply_filter};
use std::path::Path;

/// What happens when the daemon does what it does not need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confinement {
    /// It cannot.
    Enforce,
    /// It can, and the kernel writes down which system call it was.
    Log,
    /// Nothing.
    Off,
}

/// What the daemon was told to use.
pub(crate) struct Needs<'a> {
    /// The file of the configuration.
    pub(crate) file: &'a Path,
    /// The file of the rights.
    pub(crate) rights: &'a Path,
    /// What the first one says.
    pub(crate) config: &'a Config,
    /// The folder of the sockets.
    pub(crate) run: &'a Path,
}

/// Confines the process as it was told, and says what came of it in the log. To be called
/// before there are other threads, and when its own folders are there.
pub(crate) fn confine(needed: &Needs<'_>, log: &Log) -> Confined {
    let confined = match needed.config.confinement {
        Confinement::Enforce => {
            let files = hold("files", paths::restrict(needed));
            let calls = hold("system calls", restrict_calls(needed));
            Confined {
                to: [&calls, &files].into_iter().flatten().cloned().collect(),
                not: [files, calls].into_iter().filter_map(Result::err).collect(),
            }
        }
        Confinement::Log => Confined::not(match record_calls(needed) {
            Ok(()) => "not confined, as the configuration says (daemon.confine): system calls \
                       outside the list are in the kernel's log"
                .to_owned(),
            Err(why) => format!("not confined, and system calls are not recorded: {why}"),
        }),
        Confinement::Off => {
            Confined::not("not confined, as the configuration says (daemon.confine)".to_owned())
        }
    };
    for line in &confined.not {
        log.write(Level::Warning, line);
    }
    if !confined.to.is_empty() {
        let line = format!("confined: {}", confined.to.join(", "));
        log.write(Level::Notice, &line);
    }
    confined
}

/// What is held, with by what; or a sentence that says that it is not.
fn hold(what: &str, held: Result<String, String>) -> Result<String, String> {
    match held {
        Ok(by) => Ok(format!("{what} by {by}")),
        Err(why) => Err(format!("not confined to its {what}: {why}")),
    }
}

/// The calls that kill come first: the list does not have the one that adds a filter.
fn restrict_calls(needed: &Needs<'_>) -> Result<String, String> {
    let deadly = calls::deadly().map_err(words)?;
    let list = calls::list(needed.network()).map_err(words)?;
    for filter in [deadly, list] {
        apply(&filter)?;
    }
    Ok("seccomp".to_owned())
}

fn record_calls(needed: &Needs<'_>) -> Result<(), String> {
    apply(&calls::recorder(needed.network()).map_err(words)?)
}

fn apply(filter: BpfProgramRef<'_>) -> Result<(), String> {
    apply_filter(filter).map_err(|error| match error {
        // Not the longer words of the crate: there is one call that can fail.
        seccompiler::Error::Seccomp(error) => format!("seccomp(2): {error}"),
        other => other.to_string(),
    })
}

fn words(error: impl core::fmt::Display) -> String {
    error.to_string()
}

impl Needs<'_> {
    /// The account database is a file.
    const fn network(&self) -> bool {
        self.config.directory.is_some()
    }
}

#[cfg(test)]
mod tests;
