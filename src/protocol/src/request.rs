//! What may be asked of the daemon, and what it answers.

use crate::admin::{self, AdminError};
use crate::directory::{Group, Page, User};
use crate::{Decision, Explanation, Params, Secret, TicketBytes, Timestamp, UserName, Verdict};
use serde::{Deserialize, Serialize};

/// Where a logon comes from, as the PAM application says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// PAM_SERVICE.
    pub service: String,
    /// PAM_TTY, if set.
    pub tty: Option<String>,
    /// PAM_RHOST, if set. For the log alone: no rule trusts it.
    pub remote_host: Option<String>,
}

/// A request. Variants are appended, never changed: the position is the wire number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// getpwnam
    UserByName(String),
    /// getpwuid
    UserById(u32),
    /// getgrnam
    GroupByName(String),
    /// getgrgid
    GroupById(u32),
    /// initgroups: the ids of all groups of a user, nested ones included.
    GroupsOf(String),
    /// The users with ids above this one.
    Users(u32),
    /// The groups with ids above this one.
    Groups(u32),
    /// Judge a name and a password.
    Logon {
        /// Who.
        user: UserName,
        /// The password as typed.
        password: Secret,
        /// From where.
        origin: Origin,
    },
    /// Judge an account whose identity was proved, by us or in another way.
    Account {
        /// Who.
        user: UserName,
        /// From where.
        origin: Origin,
    },
    /// May the password be changed? Asked before the new one is asked for.
    Preliminary {
        /// Who.
        user: UserName,
        /// The current password; `None` for a reset by root.
        old: Option<Secret>,
        /// From where.
        origin: Origin,
    },
    /// Change the password.
    Change {
        /// Who.
        user: UserName,
        /// The current password; `None` for a reset by root.
        old: Option<Secret>,
        /// The new one.
        new: Secret,
        /// From where.
        origin: Origin,
    },
    /// Evaluate without a password and without any effect.
    Explain {
        /// Who.
        user: UserName,
        /// As which PAM service.
        service: String,
        /// As of when; now if absent.
        at: Option<Timestamp>,
    },
    /// How the daemon is.
    Status,
    /// The administrator's requests; on the admin socket only.
    Admin(admin::Request),
    /// The tickets of a person's last good logon. For root's programs alone; they are
    /// handed out once, and only for two minutes after the logon.
    Tickets {
        /// Who.
        user: UserName,
        /// From where.
        origin: Origin,
    },
}

/// The tickets of a logon, and where they belong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tickets {
    /// The name of the credential cache, with the user id filled in. One that ends with
    /// [`Tickets::UNIQUE`] is made for the session alone, and those letters are replaced.
    pub cache: String,
    /// The tickets, as `domlogon-tickets` reads them.
    pub credentials: TicketBytes,
    /// The user id of the person.
    pub uid: u32,
    /// The id of the person's first group.
    pub gid: u32,
}

impl Tickets {
    /// The end of the name of a cache that has still to be made, as for `mkstemp`.
    pub const UNIQUE: &'static str = "XXXXXX";

    /// Whether the cache is one for the session alone, and ends with it.
    #[must_use]
    pub fn is_for_one_session(&self) -> bool {
        self.cache.starts_with("FILE:") && self.cache.ends_with(Self::UNIQUE)
    }
}

/// A reply. Variants are appended, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To `UserByName` and `UserById`.
    User(Option<User>),
    /// To `GroupByName` and `GroupById`.
    Group(Option<Group>),
    /// To `GroupsOf`; `None` if the user is not ours.
    GroupIds(Option<Vec<u32>>),
    /// To `Users`.
    Users(Page<User>),
    /// To `Groups`.
    Groups(Page<Group>),
    /// To `Logon`, `Account` and `Change`.
    Decision(Box<Decision>),
    /// To `Preliminary`: the decision, and the rules for the new password if it may be changed.
    Preliminary {
        /// The decision.
        decision: Box<Decision>,
        /// The rules to show before the new password is asked for.
        rules: Option<Box<Params>>,
    },
    /// To `Explain`.
    Explanation(Box<Explanation>),
    /// To `Status`.
    Status(Box<admin::Status>),
    /// To `Admin`.
    Admin(Box<admin::Reply>),
    /// To `Admin`, when it was refused and nothing was changed; and to an administrator's
    /// `Explain` of an account that is hidden.
    AdminRefused(Box<AdminError>),
    /// Not answered: the request could not be read, the caller may not ask this, or the
    /// daemon cannot answer now.
    Refused(Verdict),
    /// To `Tickets`; `None` if there are none, or no more.
    Tickets(Option<Box<Tickets>>),
}
