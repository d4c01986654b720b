//! authselect, where a host has its stacks and lists of names from it: it is asked to select
//! our profile, and to restore its own backup if that does not prove right.

use super::error::EnableError;
use super::host::Host;
use super::{difference, profiles};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// Our profile.
const PROFILE: &str = "domlogon";

/// What is selected when nobody knows what was before: the first that the host has.
const PLAIN: [&str; 3] = ["local", "minimal", "sssd"];

/// In the folder of the journal: what was selected before ours.
const BEFORE: &str = "authselect-before";

/// Another profile, and the name of the backup of the present one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Select {
    /// The profile and its features that are selected now, as authselect writes them.
    pub(crate) from: String,
    /// Those that shall be.
    pub(crate) to: String,
    pub(crate) backup: String,
}

/// Whether this host's stacks are authselect's.
pub(crate) fn is_here(host: &Host) -> bool {
    host.at("/etc/authselect/authselect.conf").is_file()
}

/// Selecting our profile; `None` if it is selected.
pub(crate) fn on() -> Result<Option<Select>, EnableError> {
    let from = current()?;
    if is_ours(&from) {
        return Ok(None);
    }
    if !has(PROFILE)? {
        return Err(EnableError::NoAuthselectProfile);
    }
    Ok(Some(Select::new(from, PROFILE.to_owned())))
}

/// Selecting what was before ours; `None` if ours is not selected.
pub(crate) fn off(host: &Host) -> Result<Option<Select>, EnableError> {
    let from = current()?;
    if !is_ours(&from) {
        return Ok(None);
    }
    let before = fs::read_to_string(host.state().join(BEFORE)).unwrap_or_default();
    for choice in [before.trim()].into_iter().chain(PLAIN) {
        if !choice.is_empty() && has(choice)? {
            return Ok(Some(Select::new(from, choice.to_owned())));
        }
    }
    Err(failed("no other profile to select"))
}

impl Select {
    fn new(from: String, to: String) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let backup = format!("before-domlogon-{now}-{}", std::process::id());
        Self { from, to, backup }
    }

    /// Does it. authselect itself refuses if somebody has edited its files.
    pub(crate) fn apply(&self, host: &Host) -> Result<(), EnableError> {
        if is_ours(&self.to) {
            let path = host.state().join(BEFORE);
            fs::write(&path, &self.from).map_err(|error| EnableError::File(path, error))?;
        }
        let backup = format!("--backup={}", self.backup);
        let mut arguments = vec!["select"];
        arguments.extend(self.to.split_whitespace());
        arguments.extend([backup.as_str(), "--quiet"]);
        succeed(&arguments).map(drop)
    }

    /// Takes it back, however far it came.
    pub(crate) fn undo(&self) -> Result<(), EnableError> {
        // Without a backup it had not begun.
        let listed = succeed(&["backup-list", "--raw"])?;
        if !listed.lines().any(|line| line.trim() == self.backup) {
            return Ok(());
        }
        succeed(&["backup-restore", &self.backup]).map(drop)
    }

    /// What it would change, as a unified diff.
    pub(crate) fn shown(&self, host: &Host) -> Result<String, EnableError> {
        let mut arguments = vec!["test"];
        arguments.extend(self.to.split_whitespace());
        let mut text = String::new();
        for (path, new) in files(&succeed(&arguments)?) {
            let old = profiles::read(&host.at(path))?.unwrap_or_default();
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "{}",
                difference::unified(path, path, trimmed(&old), trimmed(new.as_bytes()))
            );
        }
        Ok(text)
    }
}

/// The files in what `authselect test` prints: each behind a line with its path.
fn files(text: &str) -> Vec<(&str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let path = line
            .trim_end()
            .strip_prefix("File ")
            .and_then(|rest| rest.strip_suffix(':'))
            .filter(|path| path.starts_with('/'));
        match (path, found.last_mut()) {
            (Some(path), _) => found.push((path, String::new())),
            (None, Some((_, content))) => content.push_str(line),
            (None, None) => {}
        }
    }
    found
}

/// Without the empty lines around, of which `authselect test` adds some.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != b'\n');
    let end = bytes.iter().rposition(|byte| *byte != b'\n');
    match (start, end) {
        // With the last line's own end, if it has one.
        (Some(start), Some(end)) => &bytes[start..(end + 2).min(bytes.len())],
        _ => &[],
    }
}

fn is_ours(selected: &str) -> bool {
    let profile = selected.split_whitespace().next().unwrap_or_default();
    profile.rsplit('/').next() == Some(PROFILE)
}

fn current() -> Result<String, EnableError> {
    Ok(succeed(&["current", "--raw"])?.trim().to_owned())
}

/// Whether a profile with its features can be selected.
fn has(choice: &str) -> Result<bool, EnableError> {
    let mut arguments = vec!["test"];
    arguments.extend(choice.split_whitespace());
    Ok(run(&arguments)?.status.success())
}

fn succeed(arguments: &[&str]) -> Result<String, EnableError> {
    let output = run(arguments)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().rfind(|line| !line.trim().is_empty());
    Err(failed(
        line.map_or_else(|| output.status.to_string(), str::to_owned)
            .trim_end_matches('.'),
    ))
}

fn failed(said: &str) -> EnableError {
    EnableError::Tool("authselect", said.into())
}

fn run(arguments: &[&str]) -> Result<Output, EnableError> {
    Command::new("authselect")
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .map_err(|error: io::Error| {
            EnableError::File(Path::new("/usr/bin/authselect").into(), error)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_authselect_prints() {
        let text = "File /etc/authselect/a:\n\nauth x\nauth y\n\nFile /etc/nsswitch.conf:\n\npasswd: files\n\n";
        let files = files(text);
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].0, "/etc/authselect/a");
        assert_eq!(trimmed(files[0].1.as_bytes()), b"auth x\nauth y\n");
        assert_eq!(trimmed(files[1].1.as_bytes()), b"passwd: files\n");
        assert_eq!(trimmed(b"\n\n"), b"");
        assert_eq!(trimmed(b"a"), b"a");
    }

    #[test]
    fn ours() {
        assert!(is_ours("domlogon with-custom-passwd") && is_ours("custom/domlogon"));
        assert!(!is_ours("sssd domlogon") && !is_ours(""));
    }
}
