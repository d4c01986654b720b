//! Where somebody comes in.

use crate::Rights;
use domlogon_protocol::{LogonType, Params};

/// The names of this host, as workstation lists name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The short name.
    pub short: String,
    /// The fully qualified name.
    pub fqdn: String,
}

impl Host {
    /// Whether `entry` of a workstation list means this host: by its short or its full
    /// name, without regard to case.
    #[must_use]
    pub fn is_named(&self, entry: &str) -> bool {
        let fold = |name: &str| name.trim().trim_end_matches('.').to_lowercase();
        let entry = fold(entry);
        !entry.is_empty() && (entry == fold(&self.short) || entry == fold(&self.fqdn))
    }
}

/// The way in: a service on this host, and what it is able to do.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The PAM service.
    pub service: &'a str,
    /// Its logon type.
    pub logon_type: LogonType,
    /// Whether it can ask for a new password.
    pub can_change: bool,
    /// This host.
    pub host: &'a Host,
    /// The domain's short name.
    pub domain: &'a str,
    /// Who may come in which way on this host.
    pub rights: &'a Rights,
}

impl Place<'_> {
    /// The values that every sentence may name.
    pub(crate) fn params(&self, user: &str) -> Params {
        Params {
            user: user.to_owned(),
            domain: self.domain.to_owned(),
            host: self.host.short.clone(),
            service: self.service.to_owned(),
            logon_type: Some(self.logon_type),
            ..Params::default()
        }
    }
}
