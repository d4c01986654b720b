//! Starting the daemon, where systemd runs.

use super::error::SetupError;
use crate::error::Error;
use crate::host_program;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

/// The folder that is there while systemd is the service manager [sd_booted(3)].
const BOOTED: &str = "/run/systemd/system";

const DATABASE: &str = "/var/lib/domlogon/accounts.db";

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The account database, if there is one where it is by default.
pub(crate) fn has_database() -> Option<&'static Path> {
    Some(Path::new(DATABASE)).filter(|path| path.exists())
}

/// Has systemd start the daemon, now and at each boot.
pub(crate) fn start() -> Result<(), SetupError> {
    if !Path::new(BOOTED).is_dir() {
        return Err(SetupError::NoServiceManager);
    }
    // Its own words go to standard error; standard output is the answer's.
    let status = host_program::command("systemctl")
        .args(["--quiet", "enable", "--now"])
        .args(["domlogond.socket", "domlogond.service"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(SetupError::Systemctl)?;
    if status.success() {
        Ok(())
    } else {
        Err(SetupError::NotStarted)
    }
}

/// Waits until the daemon answers.
pub(crate) fn wait(is_up: impl Fn() -> Result<bool, Error>) -> Result<(), Error> {
    let end = Instant::now() + PATIENCE;
    while !is_up()? {
        if Instant::now() >= end {
            return Err(SetupError::Silent.into());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
