//! `rights.toml`, as a sysadmin changes it.

use crate::failure::{Failure, Result, differs, ensure};
use domlogon_protocol::admin;
use domlogon_protocol::rights::{RightsShown, RightsStatus};
use domlogon_protocol::{Reply, Request, client};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The file of the sandbox's daemon.
pub const FILE: &str = "/etc/domlogon/rights.toml";

/// What each case begins with: the built-in holders, but that the cron jobs of ordinary users
/// run.
pub const USUAL: &str = "[rights]\nSeBatchLogonRight = [\"Administrators\", \"Users\"]\n";

const ADMIN: &str = "/run/domlogon/admin";
const PATIENCE: Duration = Duration::from_secs(10);

/// Write the file as an editor does that writes in place.
///
/// # Errors
/// When it cannot be written.
pub fn write(text: &str) -> Result<()> {
    fs::write(FILE, text).map_err(Failure::harness("write rights.toml"))
}

/// Write the file as an editor does that makes a new one and renames it.
///
/// # Errors
/// When it cannot be written.
pub fn replace(text: &str) -> Result<()> {
    let what = "replace rights.toml";
    let new = format!("{FILE}.new");
    fs::write(&new, text).map_err(Failure::harness(what))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o644)).map_err(Failure::harness(what))?;
    fs::rename(&new, FILE).map_err(Failure::harness(what))
}

/// Whether the file is there with this text, and nobody but root can write it.
pub fn stands(text: &str) -> bool {
    let whole = fs::read_to_string(FILE).is_ok_and(|found| found == text);
    let own = fs::symlink_metadata(FILE).is_ok_and(|found| {
        found.is_file() && found.uid() == 0 && found.permissions().mode() & 0o022 == 0
    });
    whole && own
}

/// Have the daemon take the file now.
///
/// # Errors
/// When it does not, with its reason.
pub fn reload() -> Result<()> {
    match ask(&Request::Admin(admin::Request::RightsReload))? {
        Reply::Admin(reply) if matches!(*reply, admin::Reply::Rights(_)) => Ok(()),
        other => Err(differs(
            "rights.toml",
            "taken",
            format!(
                "{other:?}\n{}",
                fs::read_to_string(FILE).unwrap_or_default()
            ),
        )),
    }
}

/// The lists in force.
///
/// # Errors
/// When the daemon does not tell.
pub fn shown() -> Result<RightsShown> {
    match ask(&Request::Admin(admin::Request::RightsShow))? {
        Reply::Admin(reply) => match *reply {
            admin::Reply::Rights(shown) => Ok(*shown),
            other => Err(differs("the rights", "shown", format!("{other:?}"))),
        },
        other => Err(differs("the rights", "shown", format!("{other:?}"))),
    }
}

/// How the lists in force were loaded.
///
/// # Errors
/// When the daemon does not tell.
pub fn status() -> Result<RightsStatus> {
    match ask(&Request::Status)? {
        Reply::Status(status) => Ok(status.rights),
        other => Err(differs("status", "a status", format!("{other:?}"))),
    }
}

pub(crate) fn ask(request: &Request) -> Result<Reply> {
    client::call(Path::new(ADMIN), request, PATIENCE)
        .map_err(|error| differs("domlogond", "an answer", error.to_string()))
}

/// Wait for lists of a later version than `before`. Returns which.
///
/// # Errors
/// When there are none in two seconds.
pub fn is_newer_than(before: u64) -> Result<u64> {
    let end = Instant::now() + Duration::from_secs(2);
    loop {
        let status = status()?;
        if status.version > before {
            return Ok(status.version);
        }
        ensure(
            Instant::now() < end,
            "the version of the lists",
            format!("more than {before}"),
            format!("{status:?}"),
        )?;
        thread::sleep(Duration::from_millis(10));
    }
}
