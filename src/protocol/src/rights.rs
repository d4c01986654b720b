//! Logon rights as the parts speak of them: ten lists, who is in them, and which entry
//! decided. What is wrong with a file of them is here too, since the daemon's log and the
//! command line say it in the same words.

use crate::logon_type::plain;
use crate::{LogonType, NameError, Right, Sid, Timestamp, Verdict};
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// Whether a list lets its holders in or keeps them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    /// Lets in.
    Allow,
    /// Keeps out, whatever lets in.
    Deny,
}

/// One of the ten lists: a right, or its deny twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RightName {
    /// Which of the five pairs.
    pub right: Right,
    /// Which of the two.
    pub side: Side,
}

/// Not the name of a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRight;

impl fmt::Display for UnknownRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a logon right such as SeNetworkLogonRight, network or \"deny network\"")
    }
}

impl core::error::Error for UnknownRight {}

impl RightName {
    /// The ten lists, pair by pair.
    pub const ALL: [Self; 10] = [
        Self::allow(Right::Interactive),
        Self::deny(Right::Interactive),
        Self::allow(Right::Network),
        Self::deny(Right::Network),
        Self::allow(Right::Batch),
        Self::deny(Right::Batch),
        Self::allow(Right::Service),
        Self::deny(Right::Service),
        Self::allow(Right::RemoteInteractive),
        Self::deny(Right::RemoteInteractive),
    ];

    /// The right itself.
    #[must_use]
    pub const fn allow(right: Right) -> Self {
        Self {
            right,
            side: Side::Allow,
        }
    }

    /// Its deny twin.
    #[must_use]
    pub const fn deny(right: Right) -> Self {
        Self {
            right,
            side: Side::Deny,
        }
    }

    /// The name in the field's own tools and in `rights.toml`.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match (self.side, self.right) {
            (Side::Allow, right) => right.symbol(),
            (Side::Deny, Right::Interactive) => "SeDenyInteractiveLogonRight",
            (Side::Deny, Right::Network) => "SeDenyNetworkLogonRight",
            (Side::Deny, Right::Batch) => "SeDenyBatchLogonRight",
            (Side::Deny, Right::Service) => "SeDenyServiceLogonRight",
            (Side::Deny, Right::RemoteInteractive) => "SeDenyRemoteInteractiveLogonRight",
        }
    }

    /// The name that User Manager and the Group Policy editor show.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match (self.side, self.right) {
            (Side::Allow, right) => right.title(),
            (Side::Deny, Right::Interactive) => "Deny log on locally",
            (Side::Deny, Right::Network) => "Deny access to this computer from the network",
            (Side::Deny, Right::Batch) => "Deny log on as a batch job",
            (Side::Deny, Right::Service) => "Deny log on as a service",
            (Side::Deny, Right::RemoteInteractive) => "Deny log on through Remote Desktop Services",
        }
    }

    /// The friendly name, such as `network` or `deny network`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match (self.side, self.right) {
            (Side::Allow, Right::Interactive) => "interactive",
            (Side::Allow, Right::Network) => "network",
            (Side::Allow, Right::Batch) => "batch",
            (Side::Allow, Right::Service) => "service",
            (Side::Allow, Right::RemoteInteractive) => "remote interactive",
            (Side::Deny, Right::Interactive) => "deny interactive",
            (Side::Deny, Right::Network) => "deny network",
            (Side::Deny, Right::Batch) => "deny batch",
            (Side::Deny, Right::Service) => "deny service",
            (Side::Deny, Right::RemoteInteractive) => "deny remote interactive",
        }
    }
}

impl fmt::Display for RightName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

impl FromStr for RightName {
    type Err = UnknownRight;

    /// Reads a symbol, a title or a friendly name, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownRight> {
        let text = plain(text);
        Self::ALL
            .into_iter()
            .find(|name| {
                [name.symbol(), name.title(), name.word()]
                    .into_iter()
                    .any(|known| known.to_lowercase() == text)
            })
            .ok_or(UnknownRight)
    }
}

/// Where a list or the logon type of a service comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// `rights.toml`
    File,
    /// Absent there: what is built in.
    Default,
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As it stands in the file; the field's own name in a built-in list.
    pub written: String,
    /// The identifier that it means; `None` if nobody has the name.
    pub sid: Option<Sid>,
    /// The name that belongs to the identifier, in its own spelling; `None` if it has none
    /// here.
    pub name: Option<String>,
}

impl Entry {
    /// The best name that there is for it.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.written)
    }
}

/// What the step of the logon right looked at, and why it ended as it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightFact {
    /// The service's logon type.
    pub logon_type: LogonType,
    /// The right that it needs, if it needs one.
    pub right: Option<Right>,
    /// What decided.
    pub basis: Basis,
    /// The version of the lists in force.
    pub version: u64,
}

/// What decided about a right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// No list was asked: the way in needs no right, or is closed to everybody.
    NotAsked,
    /// An entry that is the account itself, or one of its groups: of the right's list, and
    /// it lets in; or of its deny twin, and it keeps out.
    Entry {
        /// Which list.
        list: RightName,
        /// Where the list comes from.
        source: Source,
        /// Which entry.
        entry: Entry,
        /// From the account to the entry, group by group, both ends included. Groups are
        /// followed only where somebody asked for an explanation; otherwise it is empty
        /// where there are groups between.
        chain: Vec<String>,
    },
    /// No entry of the right's list is the account or one of its groups.
    NotListed {
        /// Where the list comes from.
        source: Source,
        /// How many entries it has; 0 admits nobody.
        entries: u32,
    },
    /// The lists could not be read since the daemon started: nobody has any right.
    NoLists,
}

/// A list, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListShown {
    /// Which.
    pub name: RightName,
    /// Where it comes from.
    pub source: Source,
    /// What it would refuse is only logged.
    pub audit: bool,
    /// Its entries, in their order.
    pub entries: Vec<Entry>,
}

/// The way in that a PAM service is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceShown {
    /// The PAM service; `other` is every one that is not in the map.
    pub service: String,
    /// Its logon type.
    pub logon_type: LogonType,
    /// Whether it can ask for a new password.
    pub can_change: bool,
}

/// What `domlogon rights list` shows: the lists in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsShown {
    /// How they were loaded.
    pub status: RightsStatus,
    /// All ten.
    pub lists: Vec<ListShown>,
    /// The services that the file maps.
    pub services: Vec<ServiceShown>,
}

/// What the lists in force are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loaded {
    /// Those of the file as it is now.
    File,
    /// There is no file: the built-in holders.
    Default,
    /// The last good ones; the file as it is now was not taken.
    LastGood,
    /// None: the file was not taken, and there are no good ones from before. Nobody has
    /// any right.
    Nothing,
}

/// How the lists were loaded, for `domlogon status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsStatus {
    /// The file.
    pub file: String,
    /// What is in force.
    pub loaded: Loaded,
    /// Its version: one more with each load that was taken, also over a restart.
    pub version: u64,
    /// When it was taken.
    pub loaded_at: Timestamp,
    /// Why the file as it is now was not taken, if it was not.
    pub refused: Option<Problem>,
    /// What is odd about the lists in force.
    pub warnings: Vec<Problem>,
    /// The lists in audit mode.
    pub audit: Vec<RightName>,
}

/// What is wrong or odd in a file of rights, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Line and column, both from 1, if it is one place.
    pub place: Option<(u32, u32)>,
    /// What.
    pub kind: ProblemKind,
}

/// What is wrong or odd in a file of rights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemKind {
    /// There was a file, and now there is none.
    Gone,
    /// The file cannot be read: the system's words.
    Unreadable(String),
    /// Somebody else than root can write the file.
    Exposed,
    /// Longer than this many bytes.
    TooLong(u64),
    /// Not TOML, a key that is not known, or a value of another type: the parser's words.
    Syntax(String),
    /// Not the name of a right, as a key.
    UnknownRight(String),
    /// Not the word of a logon type.
    UnknownType(String),
    /// Not the name of a service.
    BadService(String),
    /// An entry that is neither a name nor an identifier.
    BadName(String, NameError),
    /// Nobody has this name, and it is in a deny list: the file is not taken.
    NobodyDenied(RightName, String),
    /// Nobody has this name, and it is in an allow list: a warning.
    NobodyAllowed(RightName, String),
    /// The name is a local one, and local users are never judged: a warning.
    LocalName(RightName, String),
    /// The name means a well-known identifier, and there is an account or a group of this
    /// name too, which a deny list means as well: a warning.
    Ambiguous(RightName, String),
    /// No administrator of the domain could log on locally: a warning.
    NoAdministrator,
    /// The names could not be looked up: the account database's condition.
    Store(Verdict),
    /// Somebody else than root can change what is in this folder, on the way to the file.
    ExposedFolder(String),
    /// There was a file with something in it, and now it is empty: an editor or a shell leaves
    /// one on a full disk, and a power failure may.
    Empty,
}

impl ProblemKind {
    /// Whether the file is taken all the same.
    #[must_use]
    pub const fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::NobodyAllowed(..)
                | Self::LocalName(..)
                | Self::Ambiguous(..)
                | Self::NoAdministrator
        )
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str(
                "the file is gone, and what was in force stays; a file with the line [rights] \
                 brings the built-in holders back",
            ),
            Self::Empty => f.write_str(
                "the file is empty, as after a full disk, and what was in force stays; with the \
                 line [rights] in it, it brings the built-in holders back",
            ),
            Self::Unreadable(why) => write!(f, "the file cannot be read: {why}"),
            Self::Exposed => f.write_str(
                "somebody else than root can write the file: make it root's, with mode 0644",
            ),
            Self::ExposedFolder(folder) => write!(
                f,
                "somebody else than root can put another file in its place, in {folder:?}: \
                 keep the file, and every link to it, in folders that only root can write"
            ),
            Self::TooLong(most) => write!(f, "the file is longer than {most} bytes"),
            Self::Syntax(why) => f.write_str(why),
            Self::UnknownRight(key) => write!(
                f,
                "there is no right {key:?}; expected one of the ten, such as \
                 SeNetworkLogonRight or SeDenyNetworkLogonRight"
            ),
            Self::UnknownType(word) => write!(
                f,
                "there is no logon type {word:?}; expected interactive, network, batch, \
                 service, unlock, remote interactive, permit or deny"
            ),
            Self::BadService(name) => write!(
                f,
                "{name:?} is not the name of a service: expected that of a file in /etc/pam.d"
            ),
            Self::BadName(name, why) => write!(f, "{name:?} is not a name: {why}"),
            Self::NobodyDenied(list, name) => write!(
                f,
                "{list} names {name:?}, which is neither a user nor a security group of the \
                 domain: correct it or take it out, or somebody who should be kept out gets in"
            ),
            Self::NobodyAllowed(list, name) => write!(
                f,
                "{list} names {name:?}, which is neither a user nor a security group of the \
                 domain: it admits nobody"
            ),
            Self::LocalName(list, name) => write!(
                f,
                "{list} names {name:?}, which is a local name of this host: local users are \
                 not judged by these lists"
            ),
            Self::Ambiguous(list, name) if list.side == Side::Deny => write!(
                f,
                "{list} names {name:?}, which means the well-known name and the domain's own, \
                 and keeps both out; for one of them write its SID or DOMAIN\\{name}"
            ),
            Self::Ambiguous(list, name) => write!(
                f,
                "{list} names {name:?}, which means the well-known name; for the domain's own \
                 write DOMAIN\\{name}"
            ),
            Self::NoAdministrator => {
                f.write_str("no administrator of the domain can log on locally")
            }
            Self::Store(verdict) => {
                let row = verdict.row();
                write!(
                    f,
                    "the names cannot be looked up: the account database does not answer \
                     ({} {})",
                    row.symbol, row.number
                )
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{line}:{column}: {}", self.kind),
            None => self.kind.fmt(f),
        }
    }
}

/// A file of rights as the daemon would take it; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// All ten lists, those that the file leaves out with their built-in holders.
    pub lists: Vec<ListShown>,
    /// What the names that were asked for mean.
    pub names: Vec<Entry>,
    /// What is wrong or odd in it.
    pub problems: Vec<Problem>,
    /// Whether an administrator can log on locally with the lists in force.
    pub administrator_now: bool,
    /// Whether one could with this file.
    pub administrator_then: bool,
}

/// What a file of rights would change for those who came in of late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// What is odd in the file.
    pub warnings: Vec<Problem>,
    /// The first instant that was looked at.
    pub since: Timestamp,
    /// Since when logons are remembered; `None` if there is none yet.
    pub remembered_since: Option<Timestamp>,
    /// Pairs of a user and a service that were judged by both.
    pub judged: u32,
    /// Users who are remembered and not there any more.
    pub gone: u32,
    /// Who would be judged otherwise, by service and name.
    pub changes: Vec<Change>,
    /// More of them than fit into the answer.
    pub more: u32,
}

/// A user who would be judged otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Who.
    pub user: String,
    /// By which PAM service.
    pub service: String,
    /// The last logon by it.
    pub last: Timestamp,
    /// What decides now, and whether it lets in.
    pub now: (RightFact, bool),
    /// What would decide then, and whether it would let in.
    pub then: (RightFact, bool),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_read_in_every_form_that_it_is_shown_in() {
        for name in RightName::ALL {
            for text in [name.symbol(), name.title(), name.word()] {
                assert_eq!(text.parse(), Ok(name), "{text}");
                assert_eq!(text.to_uppercase().parse(), Ok(name), "{text}");
                assert_eq!(text.replace(' ', "-").parse(), Ok(name), "{text}");
            }
        }
        for bad in ["", "net", "deny", "SeTcbPrivilege", "deny deny network"] {
            assert_eq!(bad.parse::<RightName>(), Err(UnknownRight), "{bad}");
        }
    }

    #[test]
    fn every_list_has_names_of_its_own() {
        for (index, name) in RightName::ALL.into_iter().enumerate() {
            for other in RightName::ALL.into_iter().skip(index + 1) {
                assert_ne!(name.symbol(), other.symbol());
                assert_ne!(name.title(), other.title());
                assert_ne!(name.word(), other.word());
            }
            assert_eq!(name.symbol().contains("Deny"), name.side == Side::Deny);
        }
    }

    #[test]
    fn a_logon_type_is_read_as_it_is_written() {
        for logon_type in LogonType::ALL {
            assert_eq!(LogonType::from_word(logon_type.word()), Some(logon_type));
        }
        let remote = Some(LogonType::RemoteInteractive);
        assert_eq!(LogonType::from_word("Remote_Interactive"), remote);
        assert_eq!(LogonType::from_word("remote-interactive"), remote);
        assert_eq!(LogonType::from_word("net"), None);
    }
}
