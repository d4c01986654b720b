//! What NSS may know of everybody, as a whole: for files that programs read without asking
//! the daemon. No secrets, no state of an account, nothing that depends on who asks.

use crate::backend::Outage;
use core::ops::ControlFlow;
use domlogon_protocol::Timestamp;

/// A backend that can say all that it knows, and what of that has changed.
pub trait Roster: Send + Sync {
    /// Says everybody and everything that is known, as of one moment, each once.
    ///
    /// # Errors
    /// [`Outage`] if the store could not be read to its end. What was said is then of no
    /// use.
    fn survey(&self, to: &mut dyn Listener) -> Result<(), Outage>;

    /// Whether all there is is known.
    fn extent(&self) -> Extent;

    /// What may have changed since the last call, at the first since the start. What is
    /// changed while [`survey`](Self::survey) runs is among it, also if that has said it
    /// already.
    ///
    /// # Errors
    /// [`Outage`]; it counts as [`Changes::Many`].
    fn changes(&self) -> Result<Changes, Outage>;

    /// Says what these are now.
    ///
    /// # Errors
    /// [`Outage`]
    fn review(&self, subjects: &[Subject], to: &mut dyn Listener) -> Result<(), Outage>;

    /// Has `bell` rung after each change from here on.
    fn on_change(&self, bell: Box<dyn Fn() + Send + Sync>);

    /// The names of the domain, in any case, that may stand before or behind a name.
    fn domain(&self) -> DomainNames;

    /// The least id that may be answered for.
    fn minimum(&self) -> u32;
}

/// The two names of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainNames {
    /// The short one.
    pub short: String,
    /// That of the DNS.
    pub dns: String,
}

/// How much is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Who is not known does not exist.
    Complete,
    /// There may be others.
    Partial,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These, or nothing.
    Few(Vec<Subject>),
    /// So much that it is better to say everything again.
    Many,
}

/// Somebody or something that has a name and an id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// What it is.
    pub kind: Kind,
    /// Its folded name.
    pub key: String,
    /// Its id, as it is, or as it was if there is nothing of this name any more.
    pub id: u32,
}

/// A user or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
}

/// Where a roster is said to.
pub trait Listener {
    /// Takes a user. [`ControlFlow::Break`]: no more is wanted.
    fn user(&mut self, user: &UserEntry<'_>) -> ControlFlow<()>;

    /// Takes a group.
    fn group(&mut self, group: &GroupEntry<'_>) -> ControlFlow<()>;

    /// Takes note that there is none (any more), or that this host may not see it.
    fn absent(&mut self, subject: &Subject) -> ControlFlow<()>;
}

/// A user as NSS shows him.
#[derive(Clone, Copy, Debug)]
pub struct UserEntry<'a> {
    /// The folded name that he is found by.
    pub key: &'a str,
    /// The name as it is shown.
    pub name: &'a str,
    /// His id.
    pub uid: u32,
    /// The id of his primary group.
    pub gid: u32,
    /// His full name.
    pub full_name: &'a str,
    /// His home directory.
    pub home: &'a str,
    /// His login shell.
    pub shell: &'a str,
    /// Until when that holds; `None` for as long as nobody says otherwise.
    pub until: Option<Timestamp>,
    /// The ids of all his groups, nested ones included; `None` if they are not known.
    pub groups: Option<&'a [u32]>,
    /// As `until`, of `groups`.
    pub groups_until: Option<Timestamp>,
}

/// A group as NSS shows it.
#[derive(Clone, Copy, Debug)]
pub struct GroupEntry<'a> {
    /// The folded name that it is found by.
    pub key: &'a str,
    /// The name as it is shown.
    pub name: &'a str,
    /// Its id.
    pub gid: u32,
    /// The names of all its members, nested ones included; `None` if they are not known, or
    /// too many to be said here.
    pub members: Option<&'a [&'a str]>,
    /// Until when that holds; `None` for as long as nobody says otherwise.
    pub until: Option<Timestamp>,
}
