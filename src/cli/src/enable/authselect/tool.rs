//! The program authselect: what it is asked, and what it prints.

use crate::enable::EnableError;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The files in what `authselect test` prints: each behind a line with its path.
pub(super) fn files(text: &str) -> Vec<(&str, String)> {
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
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| *byte != b'\n');
    let end = bytes.iter().rposition(|byte| *byte != b'\n');
    match (start, end) {
        // With the last line's own end, if it has one.
        (Some(start), Some(end)) => &bytes[start..(end + 2).min(bytes.len())],
        _ => &[],
    }
}

pub(super) fn current() -> Result<String, EnableError> {
    Ok(succeed(&["current", "--raw"])?.trim().to_owned())
}

/// Whether a profile with its features can be selected.
pub(super) fn has(choice: &str) -> Result<bool, EnableError> {
    let mut arguments = vec!["test"];
    arguments.extend(choice.split_whitespace());
    Ok(run(&arguments)?.status.success())
}

pub(super) fn succeed(arguments: &[&str]) -> Result<String, EnableError> {
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

pub(super) fn failed(said: &str) -> EnableError {
    EnableError::Tool("authselect", said.into())
}

fn run(arguments: &[&str]) -> Result<Output, EnableError> {
    Command::new("authselect")
        .args(arguments)
        .env_clear()
        .env("PATH", path())
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .map_err(|error: io::Error| {
            EnableError::File(Path::new("/usr/bin/authselect").into(), error)
        })
}

/// Where programs are.
#[cfg(not(test))]
fn path() -> String {
    "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()
}

#[cfg(test)]
use super::tests::path;
