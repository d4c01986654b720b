//! What the backend is told.

use crate::ids::Scheme;
use domlogon_protocol::UserName;
use domlogon_rules::Host;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that the configuration says about the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The domain's short (NetBIOS) name.
    pub domain: String,
    /// The domain's DNS name; in capitals it is the Kerberos realm.
    pub dns_name: String,
    /// This host's names.
    pub host: Host,
    /// Domain controllers by their full names; none: they are looked up in the DNS.
    pub servers: Vec<String>,
    /// The site whose controllers are asked first; `None`: the one that a controller says.
    pub site: Option<String>,
    /// How LDAP is protected.
    pub channel: Channel,
    /// The certificates (PEM) of those who may vouch for a controller's TLS.
    pub ca: Option<PathBuf>,
    /// Where ids come from.
    pub ids: Scheme,
    /// How names of users and groups are written.
    pub names: Naming,
    /// Home directory; `{user}` stands for the account's name.
    pub home: String,
    /// Further forms of a home directory that the directory may give, with `{user}` in each;
    /// `{initial}` stands for the first letter of the account's name.
    pub homes: Vec<String>,
    /// Login shell.
    pub shell: String,
    /// No id below this is answered for.
    pub minimum: u32,
    /// The daemon's own folder: the machine's account, the cache.
    pub state: PathBuf,
    /// The folder of the sockets, where the Kerberos profile is written.
    pub run: PathBuf,
    /// The credential cache that a person's tickets go to, with `{uid}` in it; `None`: no
    /// tickets are kept.
    pub tickets: Option<String>,
    /// Logons while no controller answers.
    pub offline: Offline,
    /// Whether all users and groups are kept known, and listed.
    pub sync: bool,
    /// After how long the machine's own password is changed; `None` for never.
    pub rotate: Option<Duration>,
}

/// How LDAP is protected. There is no way without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Signed and sealed with the host's own Kerberos key, on port 389.
    Sealed,
    /// TLS from the beginning, on port 636.
    Ldaps,
    /// TLS after StartTLS, on port 389.
    StartTls,
}

/// How names are written where the host shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `alice`
    Short,
    /// `alice@corp.example`
    Qualified,
}

/// Logons with saved credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offline {
    /// Seconds that a logon at a controller lasts for; 0: there are no logons without one.
    pub age: i64,
    /// Wrong passwords in a row after which a person must wait, or a controller answer.
    pub tries: u32,
}

impl Settings {
    /// The Kerberos realm.
    #[must_use]
    pub fn realm(&self) -> String {
        self.dns_name.to_uppercase()
    }

    /// The Kerberos profile that this process and `domlogon-tickets` use.
    #[must_use]
    pub fn profile(&self) -> PathBuf {
        self.run.join("krb5.conf")
    }

    /// The name of an account as this host shows it.
    pub(crate) fn shown(&self, account: &str) -> String {
        match self.names {
            Naming::Short => account.to_owned(),
            Naming::Qualified => format!("{account}@{}", self.dns_name),
        }
    }

    /// Whether a name belongs to this domain.
    pub(crate) fn owns(&self, user: &UserName) -> bool {
        user.belongs_to(&self.domain, &self.dns_name)
    }

    /// The file of the cache.
    pub(crate) fn cache(&self) -> PathBuf {
        self.state.join("directory.db")
    }

    /// The folder with the machine's account.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }
}
