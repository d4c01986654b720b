//! What the daemon asks of whatever holds the accounts.

use crate::{Judgement, Place, Token};
use core::fmt;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::{
    Decision, Explanation, Params, Secret, Sid, Tickets, Timestamp, UserName, Verdict,
};

/// The accounts could not be asked: never a judgement about one of them.
///
/// The verdict says what is wrong with the store; it always refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage(pub Verdict);

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.0.row();
        write!(
            f,
            "the accounts could not be asked: {} ({})",
            row.symbol, row.number
        )
    }
}

impl core::error::Error for Outage {}

/// A user or a group, as a list of rights may name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Its name, in its own spelling.
    pub name: String,
    /// Its identifier.
    pub sid: Sid,
}

/// The state of a backend, for `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The condition of the store; `Success` if it answers.
    pub store: Verdict,
    /// The domain's security identifier; empty if the store cannot be read.
    pub domain_sid: String,
    /// Accounts in it.
    pub users: u32,
    /// Groups in it.
    pub groups: u32,
    /// How things stand with the directory, if it is one.
    pub directory: Option<admin::DirectoryStatus>,
}

/// The accounts of a domain. Calls block; they come from several threads at once.
///
/// A backend knows no PAM codes, no text and no clock of its own. The decisions it
/// returns have no reference yet: the daemon stamps them.
pub trait Backend: Send + Sync {
    /// The user with this folded name ([`UserName::key`]).
    ///
    /// # Errors
    /// [`Outage`], here and below, if the store could not be asked.
    fn user_by_name(&self, key: &str) -> Result<Option<User>, Outage>;

    /// The user with this id.
    ///
    /// # Errors
    /// [`Outage`]
    fn user_by_id(&self, uid: u32) -> Result<Option<User>, Outage>;

    /// The group with this name, in any case.
    ///
    /// # Errors
    /// [`Outage`]
    fn group_by_name(&self, name: &str) -> Result<Option<Group>, Outage>;

    /// The group with this id.
    ///
    /// # Errors
    /// [`Outage`]
    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, Outage>;

    /// The ids of all groups of a user, nested ones included; `None` for no such user.
    ///
    /// # Errors
    /// [`Outage`]
    fn group_ids(&self, user_key: &str) -> Result<Option<Vec<u32>>, Outage>;

    /// At most `limit` users with ids above `after`, in the order of ids.
    ///
    /// # Errors
    /// [`Outage`]
    fn users(&self, after: u32, limit: usize) -> Result<Page<User>, Outage>;

    /// At most `limit` groups with ids above `after`, in the order of ids.
    ///
    /// # Errors
    /// [`Outage`]
    fn groups(&self, after: u32, limit: usize) -> Result<Page<Group>, Outage>;

    /// Judges a name and a password, and keeps the account's count of wrong ones.
    ///
    /// An unknown user costs the time of a wrong password and gets `UserNotFound`.
    ///
    /// # Errors
    /// [`Outage`]
    fn logon(
        &self,
        user: &UserName,
        password: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage>;

    /// Judges an account whose identity was proved, by a password or in another way.
    ///
    /// # Errors
    /// [`Outage`]
    fn account(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage>;

    /// Says whether the password may be changed now, and the rules for the new one if it
    /// may. Without the old password it is a reset by an administrator.
    ///
    /// # Errors
    /// [`Outage`]
    fn preliminary(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<(Decision, Option<Params>), Outage>;

    /// Changes the password, or changes nothing and says why. Without the old password
    /// it is a reset by an administrator.
    ///
    /// # Errors
    /// [`Outage`]; the old password stays valid.
    fn change(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        new: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Decision, Outage>;

    /// Evaluates without a password and without any effect; `None` for no such account.
    ///
    /// # Errors
    /// [`Outage`]
    fn explain(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Option<Explanation>, Outage>;

    /// Why this host hides an account that exists ([`AdminError::Hidden`]): it has an id of this
    /// host's own users or groups, or one that its users may take
    /// ([`AdminError::HiddenByRange`]). For administrators alone; `None` for no such account.
    ///
    /// # Errors
    /// [`Outage`]
    fn hidden(&self, _user: &UserName, _now: Timestamp) -> Result<Option<AdminError>, Outage> {
        Ok(None)
    }

    /// Whether the account with this id is enabled, not past its end at `now`, and a
    /// member, direct or nested, of the domain's administrators.
    ///
    /// # Errors
    /// [`Outage`]
    fn is_administrator(&self, uid: u32, now: Timestamp) -> Result<bool, Outage>;

    /// The user or the group with this name, in any of its forms and in any case; `None`
    /// also for a name of another domain, and for a local one of this host.
    ///
    /// # Errors
    /// [`Outage`]
    fn principal(&self, name: &UserName) -> Result<Option<Principal>, Outage>;

    /// The name of the user or the group with this identifier, in its own spelling.
    ///
    /// # Errors
    /// [`Outage`]
    fn name_of(&self, sid: &Sid) -> Result<Option<String>, Outage>;

    /// What this user carries at a logon, as of now, with the chain to each group; `None`
    /// for no such account.
    ///
    /// # Errors
    /// [`Outage`]
    fn token(&self, user: &UserName) -> Result<Option<Token>, Outage>;

    /// The tokens of the domain's administrators who can log on: enabled, not past their
    /// end at `now`, with a password.
    ///
    /// # Errors
    /// [`Outage`]
    fn administrators(&self, now: Timestamp) -> Result<Vec<Token>, Outage>;

    /// Does what an administrator asks of the accounts. Requests about rights are not for
    /// the backend: the lists are the host's.
    ///
    /// # Errors
    /// [`AdminError`] says why nothing was changed.
    fn admin(&self, request: admin::Request, now: Timestamp) -> Result<admin::Reply, AdminError>;

    /// Hands out the tickets of this person's last good logon: once, and only while the
    /// logon is fresh. `None` also where the accounts know no tickets.
    ///
    /// `service` is the one that the logon was for: a session of another has no use for them.
    fn tickets(&self, _user: &UserName, _service: &str, _now: Timestamp) -> Option<Tickets> {
        None
    }

    /// The state of the store.
    fn summary(&self) -> Summary;
}
