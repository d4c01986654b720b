//! The places on the host. Under a root of its own in tests.

use std::path::{Path, PathBuf};

/// The host's tree of files.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    root: PathBuf,
}

impl Host {
    /// This host.
    pub(crate) fn here() -> Self {
        Self { root: "/".into() }
    }

    #[cfg(test)]
    pub(crate) fn under(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// Where an absolute path lies.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The stacks of PAM.
    pub(crate) fn stacks(&self) -> PathBuf {
        self.at("/etc/pam.d")
    }

    /// What pam-auth-update remembers of its last run.
    pub(crate) fn saved(&self) -> PathBuf {
        self.at("/var/lib/pam")
    }

    /// The order of the sources of names.
    pub(crate) fn nsswitch(&self) -> PathBuf {
        self.at("/etc/nsswitch.conf")
    }

    /// Where the journal and the backup are kept: root's alone, never the daemon's.
    pub(crate) fn state(&self) -> PathBuf {
        self.at("/var/lib/domlogon-enable")
    }

    /// A path as a person knows it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        match path.strip_prefix(&self.root) {
            Ok(rest) => format!("/{}", rest.display()),
            Err(_) => path.display().to_string(),
        }
    }
}
