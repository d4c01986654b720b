//! The daemon's unit, which has no network until the host is joined.

use super::error::JoinError;
use super::host::Host;
use crate::host_program;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;

/// The folder that is there while systemd is the service manager [sd_booted(3)].
const BOOTED: &str = "/run/systemd/system";

const FOLDER: &str = "/etc/systemd/system/domlogond.service.d";
const DROP_IN: &str = "/etc/systemd/system/domlogond.service.d/directory.conf";

const UNITS: [&str; 2] = ["domlogond.socket", "domlogond.service"];

/// Takes back what domlogond.service closes for a daemon whose accounts are a file.
const NETWORK: &str = "\
# Written by `domlogon join`, and taken away by `domlogon leave`: the accounts are in a
# directory, so the daemon needs the network.
[Service]
PrivateNetwork=no
IPAddressDeny=
RestrictAddressFamilies=
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
";

/// What became of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It was started, or started anew.
    Started,
    /// Nothing was changed that it should take in.
    Unchanged,
    /// There is no systemd here.
    NoManager,
    /// systemd could not start it.
    Failed,
}

impl Start {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Unchanged => "left as it was",
            Self::NoManager => "there is no systemd here: start it, or start it anew",
            Self::Failed => "could not be started; journalctl -u domlogond says why",
        }
    }
}

/// Gives the daemon the network; whether that was done now.
pub(super) fn open_network(host: &Host) -> Result<bool, JoinError> {
    let path = host.at(DROP_IN);
    if fs::read_to_string(&path).is_ok_and(|text| text == NETWORK) {
        return Ok(false);
    }
    let write = || -> io::Result<()> {
        fs::create_dir_all(host.at(FOLDER))?;
        let unfinished = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .open(&unfinished)?;
        file.write_all(NETWORK.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)
    };
    write().map_err(|error| JoinError::File(path.clone(), error))?;
    Ok(true)
}

/// Takes the network from the daemon.
pub(super) fn close_network(host: &Host) -> Result<bool, JoinError> {
    let path = host.at(DROP_IN);
    match fs::remove_file(&path) {
        Ok(()) => {
            // Others may have drop-ins of their own there.
            let _ = fs::remove_dir(host.at(FOLDER));
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(JoinError::File(path, error)),
    }
}

/// Has systemd start the daemon, now and at each boot; one that runs is started anew.
pub(super) fn start(host: &Host, changed: bool) -> Start {
    if !has_manager(host) {
        return Start::NoManager;
    }
    let [socket, service] = UNITS;
    if !changed && systemctl(&["is-active", service]) {
        return Start::Unchanged;
    }
    let good = systemctl(&["daemon-reload"])
        && systemctl(&["enable", socket, service])
        && systemctl(&["restart", socket])
        && systemctl(&["restart", service]);
    if good { Start::Started } else { Start::Failed }
}

/// Ends the daemon, so that it does not write what is taken away.
pub(super) fn stop(host: &Host) {
    if has_manager(host) {
        let [socket, service] = UNITS;
        // One that does not run is as good.
        systemctl(&["stop", service, socket]);
    }
}

/// The unit as it is without a directory; where there are accounts, the daemon goes on with
/// them.
pub(super) fn settle(host: &Host, has_accounts: bool) -> Start {
    if !has_manager(host) {
        return Start::NoManager;
    }
    let [socket, service] = UNITS;
    let good = systemctl(&["daemon-reload"]);
    if has_accounts {
        let good = good && systemctl(&["start", socket, service]);
        return if good { Start::Started } else { Start::Failed };
    }
    // Without accounts there is nothing to start at the next boot.
    systemctl(&["disable", socket, service]);
    Start::Unchanged
}

fn has_manager(host: &Host) -> bool {
    host.is_live() && Path::new(BOOTED).is_dir()
}

/// Its own words go to standard error; standard output is the answer's.
fn systemctl(arguments: &[&str]) -> bool {
    host_program::command("systemctl")
        .arg("--quiet")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drop_in_comes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(Some(folder.path()));
        assert!(open_network(&host).unwrap());
        assert!(!open_network(&host).unwrap());
        let text = fs::read_to_string(host.at(DROP_IN)).unwrap();
        for line in ["[Service]", "PrivateNetwork=no", "IPAddressDeny="] {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
        assert!(close_network(&host).unwrap());
        assert!(!close_network(&host).unwrap());
        assert!(!host.at(FOLDER).exists());
        assert_eq!(start(&host, true), Start::NoManager);
    }

    /// Everything that the unit closes and the directory needs is opened again.
    #[test]
    fn the_drop_in_fits_the_unit() {
        let unit = include_str!("../../../../packaging/domlogond.service");
        for key in [
            "PrivateNetwork=",
            "IPAddressDeny=",
            "RestrictAddressFamilies=",
        ] {
            let count = |text: &str| text.lines().filter(|line| line.starts_with(key)).count();
            assert_eq!(count(unit), 1, "{key}");
            assert!(count(NETWORK) >= 1, "{key}");
        }
    }
}
