//! The ways into a host, and the right that guards each.

use serde::{Deserialize, Serialize};

/// How somebody comes into the host: the logon type of a PAM service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogonType {
    /// At the console (NT logon type 2).
    Interactive,
    /// Over the network (3).
    Network,
    /// A scheduled job (4).
    Batch,
    /// A service's own account (5).
    Service,
    /// Back to a locked screen (7); judged by the interactive right.
    Unlock,
    /// A remote desktop or terminal (10).
    RemoteInteractive,
    /// A step inside a session that is already open, such as sudo: no right is needed.
    Permit,
    /// A service that the site has closed to everybody.
    Deny,
}

impl LogonType {
    /// Every type, in the order of NT's numbers and then our own two.
    pub const ALL: [Self; 8] = [
        Self::Interactive,
        Self::Network,
        Self::Batch,
        Self::Service,
        Self::Unlock,
        Self::RemoteInteractive,
        Self::Permit,
        Self::Deny,
    ];

    /// The type of this word, in any case; the parts of a word of two may also be joined
    /// by `-` or `_`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let word = plain(word);
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// The word in the configuration and in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Network => "network",
            Self::Batch => "batch",
            Self::Service => "service",
            Self::Unlock => "unlock",
            Self::RemoteInteractive => "remote interactive",
            Self::Permit => "permit",
            Self::Deny => "deny",
        }
    }

    /// The right that this way needs, if it needs one.
    #[must_use]
    pub const fn right(self) -> Option<Right> {
        match self {
            Self::Interactive | Self::Unlock => Some(Right::Interactive),
            Self::Network => Some(Right::Network),
            Self::Batch => Some(Right::Batch),
            Self::Service => Some(Right::Service),
            Self::RemoteInteractive => Some(Right::RemoteInteractive),
            Self::Permit | Self::Deny => None,
        }
    }
}

/// One of the five pairs of logon rights (Q97558).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Right {
    /// SeInteractiveLogonRight
    Interactive,
    /// SeNetworkLogonRight
    Network,
    /// SeBatchLogonRight
    Batch,
    /// SeServiceLogonRight
    Service,
    /// SeRemoteInteractiveLogonRight
    RemoteInteractive,
}

/// A word as people write it: small letters, and one blank for each `-` or `_`.
pub(crate) fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace(['-', '_'], " ")
}

impl Right {
    /// The five, in the order of NT's logon types.
    pub const ALL: [Self; 5] = [
        Self::Interactive,
        Self::Network,
        Self::Batch,
        Self::Service,
        Self::RemoteInteractive,
    ];

    /// The name in the field's own tools.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Interactive => "SeInteractiveLogonRight",
            Self::Network => "SeNetworkLogonRight",
            Self::Batch => "SeBatchLogonRight",
            Self::Service => "SeServiceLogonRight",
            Self::RemoteInteractive => "SeRemoteInteractiveLogonRight",
        }
    }

    /// The name that User Manager and the Group Policy editor show.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Interactive => "Log on locally",
            Self::Network => "Access this computer from the network",
            Self::Batch => "Log on as a batch job",
            Self::Service => "Log on as a service",
            Self::RemoteInteractive => "Log on through Remote Desktop Services",
        }
    }
}
