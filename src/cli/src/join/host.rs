//! The places on the host, and its names. Under a root of its own in tests.

use super::configuration::Configuration;
use super::error::JoinError;
use super::scratch::Scratch;
use domlogon_ad::dns::Resolver;
use domlogon_ad::join::Place;
use domlogon_ad::machine::Machine;
use nix::unistd::User;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown, symlink};
use std::path::{Path, PathBuf};

/// The keytab that other programs look for.
pub(super) const KEYTAB: &str = "/etc/krb5.keytab";

/// The user that the daemon runs as.
const DAEMON: &str = "domlogon";

/// The host's tree of files.
#[derive(Clone, Debug)]
pub(super) struct Host {
    root: PathBuf,
}

impl Host {
    pub(super) fn new(root: Option<&Path>) -> Self {
        Self {
            root: root.unwrap_or(Path::new("/")).to_owned(),
        }
    }

    /// Whether it is the tree of the host that runs.
    pub(super) fn is_live(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where an absolute path lies.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// What an exchange with a domain needs.
    pub(super) fn desk(&self, configuration: &Configuration, scratch: &Scratch) -> Desk {
        Desk {
            state: configuration.state(self),
            profile: scratch.folder().join("krb5.conf"),
            resolver: Resolver {
                resolv_conf: self.at("/etc/resolv.conf"),
                hosts: self.at("/etc/hosts"),
                ..Resolver::default()
            },
        }
    }

    /// Makes the daemon's folder as systemd makes it, if it is not there.
    pub(super) fn make_state(&self, state: &Path) -> Result<(), JoinError> {
        if state.is_dir() {
            return Ok(());
        }
        make_folder(state).map_err(|error| JoinError::File(state.to_owned(), error))
    }

    /// Lets other programs find the keytab, if they have none; whether that was done now.
    pub(super) fn link_keytab(&self, state: &Path) -> Result<bool, JoinError> {
        let link = self.at(KEYTAB);
        if fs::symlink_metadata(&link).is_ok() {
            return Ok(false);
        }
        symlink(self.within(&Machine::keytab(state)), &link)
            .map_err(|error| JoinError::File(link, error))?;
        Ok(true)
    }

    /// Takes the link away, if it is ours.
    pub(super) fn unlink_keytab(&self, state: &Path) -> Result<bool, JoinError> {
        let link = self.at(KEYTAB);
        match fs::read_link(&link) {
            Ok(target) if target == self.within(&Machine::keytab(state)) => {
                fs::remove_file(&link).map_err(|error| JoinError::File(link, error))?;
                Ok(true)
            }
            Ok(_) | Err(_) => Ok(false),
        }
    }

    /// A path as it is on the host itself.
    fn within(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root)
            .map_or_else(|_| path.to_owned(), |rest| Path::new("/").join(rest))
    }

    fn hostname(&self) -> String {
        let file = self.at("/etc/hostname");
        let written = (!self.is_live())
            .then(|| fs::read_to_string(file).ok())
            .flatten();
        let name = written.unwrap_or_else(|| {
            let name = nix::unistd::gethostname().unwrap_or_default();
            name.to_string_lossy().into_owned()
        });
        name.trim().to_owned()
    }
}

fn make_folder(state: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state)?;
    match User::from_name(DAEMON) {
        Ok(Some(user)) => chown(state, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
        Ok(None) | Err(_) => Ok(()),
    }
}

/// What an exchange with a domain needs.
pub(super) struct Desk {
    pub(super) state: PathBuf,
    pub(super) profile: PathBuf,
    pub(super) resolver: Resolver,
}

impl Desk {
    pub(super) fn place<'a>(
        &'a self,
        dns_name: &str,
        names: &'a Names,
        servers: &'a [String],
        site: Option<&'a str>,
    ) -> Place<'a> {
        Place {
            realm: dns_name.to_uppercase(),
            dns_name: dns_name.to_owned(),
            name: &names.account,
            host: &names.full,
            servers,
            site,
            state: &self.state,
            profile: &self.profile,
            resolver: &self.resolver,
        }
    }
}

/// The names of this host in the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// The name of its account without the `$`.
    pub(super) account: String,
    /// Its full name.
    pub(super) full: String,
}

impl Names {
    /// As the daemon names this host: one that was given no domain counts as one of the
    /// domain's own.
    pub(super) fn new(host: &Host, dns_name: &str, account: Option<&str>) -> Self {
        let given = host.hostname().to_lowercase();
        let short = given.split('.').next().unwrap_or_default();
        let full = if given.contains('.') {
            given.clone()
        } else {
            format!("{given}.{dns_name}")
        };
        Self {
            account: account
                .unwrap_or(short)
                .trim_end_matches('$')
                .to_uppercase(),
            full,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(hostname: &str) -> (tempfile::TempDir, Host) {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(Some(folder.path()));
        fs::create_dir(host.at("/etc")).unwrap();
        fs::write(host.at("/etc/hostname"), format!("{hostname}\n")).unwrap();
        (folder, host)
    }

    #[test]
    fn names_in_the_domain() {
        for (hostname, given, account, full) in [
            ("pc1", None, "PC1", "pc1.corp.example"),
            ("Pc1.lab.example", None, "PC1", "pc1.lab.example"),
            (
                "a-very-long-hostname",
                Some("Short$"),
                "SHORT",
                "a-very-long-hostname.corp.example",
            ),
        ] {
            let (_folder, host) = host(hostname);
            let names = Names::new(&host, "corp.example", given);
            assert_eq!((&*names.account, &*names.full), (account, full));
        }
    }

    #[test]
    fn a_keytab_of_others_is_left_alone() {
        let (_folder, host) = host("pc1");
        let state = host.at("/var/lib/domlogon");
        host.make_state(&state).unwrap();
        assert!(host.link_keytab(&state).unwrap());
        assert!(!host.link_keytab(&state).unwrap());
        let link = host.at(KEYTAB);
        assert_eq!(
            fs::read_link(&link).unwrap(),
            Path::new("/var/lib/domlogon/machine.keytab")
        );
        assert!(host.unlink_keytab(&state).unwrap());
        assert!(!host.unlink_keytab(&state).unwrap());
        fs::write(&link, "theirs").unwrap();
        assert!(!host.link_keytab(&state).unwrap() && !host.unlink_keytab(&state).unwrap());
        assert_eq!(fs::read_to_string(&link).unwrap(), "theirs");
    }
}
