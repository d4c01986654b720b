//! How the daemon stands with the directory, by its own account.

use crate::failure::{Result, differs};
use crate::rights;
use domlogon_protocol::admin::DirectoryStatus;
use domlogon_protocol::{Reply, Request};
use std::thread;
use std::time::{Duration, Instant};

/// How things stand now.
///
/// # Errors
/// When the daemon does not tell, or its accounts are in no directory.
pub fn now() -> Result<DirectoryStatus> {
    let found = match rights::ask(&Request::Status)? {
        Reply::Status(status) => status.directory,
        other => return Err(differs("status", "a status", format!("{other:?}"))),
    };
    found.ok_or_else(|| differs("status", "how things stand with the directory", "nothing"))
}

/// Wait until it asks a controller, and return how long that took.
///
/// # Errors
/// When it does not within `patience`.
pub fn is_back(patience: Duration) -> Result<Duration> {
    wait("online", patience, |status| status.server.is_some())
}

/// Wait until it asks none, and return how long that took.
///
/// # Errors
/// When it still asks one after `patience`.
pub fn is_lost(patience: Duration) -> Result<Duration> {
    wait("offline", patience, |status| status.server.is_none())
}

/// Wait until it asks none for a reason with this word.
///
/// # Errors
/// When there is no such reason after `patience`.
pub fn is_lost_for(word: &str, patience: Duration) -> Result<Duration> {
    wait(word, patience, |status| {
        status.why.as_deref().is_some_and(|why| why.contains(word))
    })
}

/// Wait until it asks this controller.
///
/// # Errors
/// When it does not within `patience`.
pub fn is_with(server: &str, patience: Duration) -> Result<Duration> {
    wait(server, patience, |status| {
        status.server.as_deref() == Some(server)
    })
}

fn wait(
    what: &str,
    patience: Duration,
    good: impl Fn(&DirectoryStatus) -> bool,
) -> Result<Duration> {
    let begin = Instant::now();
    loop {
        let status = now()?;
        if good(&status) {
            return Ok(begin.elapsed());
        }
        if begin.elapsed() > patience {
            return Err(differs(
                "the daemon",
                format!("{what} within {patience:?}"),
                format!("{status:?}"),
            ));
        }
        thread::sleep(Duration::from_millis(50));
    }
}
