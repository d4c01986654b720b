//! What the flow needs of the world: the PAM handle, the daemon, this host.

use super::session::Cache;
use crate::helper::{HelperError, Owner};
use core::fmt;
use domlogon_protocol::client::CallError;
use domlogon_protocol::{Calendar, Catalogue, Params, Reply, Request, Secret, TicketBytes};

/// The world of one call: libpam's handle in the module, a script in the tests.
pub(crate) trait Host: Calendar + Catalogue {
    /// Asks, and does not show the answer.
    fn ask_hidden(&self, prompt: &str) -> Result<Secret, NoAnswer>;
    /// Asks, and shows the answer as it is typed.
    fn ask_shown(&self, prompt: &str) -> Result<Secret, NoAnswer>;
    /// Says something.
    fn inform(&self, text: &str);
    /// Says that something failed.
    fn complain(&self, text: &str);

    /// An item of the transaction, as the application or another module set it.
    fn item(&self, item: Item) -> Option<Vec<u8>>;
    /// Sets PAM_USER.
    fn set_user(&self, name: &[u8]);
    /// A password that the modules of one stack share.
    fn token(&self, token: Token) -> Option<Secret>;
    /// Shares a password with the modules that follow.
    fn set_token(&self, token: Token, secret: &Secret);

    /// Keeps something until the next call of this transaction, in place of what was kept.
    fn keep(&self, kept: Kept);
    /// Takes what was kept.
    fn kept(&self) -> Option<Kept>;

    /// Keeps until the end of the transaction which cache it has made, or that there is
    /// none any more.
    fn keep_cache(&self, cache: Option<Cache>);
    /// The cache that this transaction has made.
    fn cache(&self) -> Option<Cache>;
    /// The cache that the programs of the session use: KRB5CCNAME of the transaction, or else
    /// of this process, if it was not started by somebody who may gain by it.
    fn cache_in_use(&self) -> Option<String>;
    /// Has the programs of the session use this cache.
    fn set_cache_in_use(&self, name: &str);
    /// Whether this is a plain file of this user's, by one name, that nobody else may read.
    fn is_private_file_of(&self, path: &str, uid: u32) -> bool;
    /// Has the helper put tickets into a cache, and gives the name that the cache has.
    fn store_tickets(
        &self,
        cache: &str,
        owner: Owner,
        tickets: &TicketBytes,
    ) -> Result<String, HelperError>;
    /// Has the helper destroy a cache.
    fn destroy_tickets(&self, cache: &Cache) -> Result<(), HelperError>;
    /// Has the helper renew the tickets of a cache, until [`Host::stop_renewing`] or the end
    /// of the process.
    fn renew_tickets(&self, cache: &Cache) -> Result<(), HelperError>;
    /// Ends that, if it was begun.
    fn stop_renewing(&self);

    /// Whether the daemon is there; it is asked nothing.
    fn reach(&self) -> Result<(), CallError>;
    /// Asks the daemon.
    fn ask(&self, request: &Request) -> Result<Reply, CallError>;
    /// Whether one of these spellings of a name is root's or stands in this host's own list
    /// of accounts, which is read for it.
    fn is_local(&self, names: &[&str]) -> bool;
    /// Whether somebody in this host's own list of accounts has this user id.
    fn is_local_id(&self, uid: u32) -> bool;
    /// This host's short name.
    fn host_name(&self) -> String;
    /// The real user id of the process.
    fn real_uid(&self) -> u32;
    /// Whether the process acts as root, and so may do something for somebody else.
    fn acts_as_root(&self) -> bool;
    /// Holds up a failure, so that guessing takes time.
    fn delay_failure(&self);
    /// Writes a line in the host's log. Never a secret.
    fn log(&self, level: Level, text: &str);
}

/// The application had no answer to a question, or no way to ask it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the application gave no answer")
    }
}

impl core::error::Error for NoAnswer {}

/// An item that is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// PAM_SERVICE
    Service,
    /// PAM_USER
    User,
    /// PAM_USER_PROMPT
    UserPrompt,
    /// PAM_TTY
    Tty,
    /// PAM_RHOST
    RemoteHost,
}

/// An item that is a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// PAM_AUTHTOK: the password, or the new one during a change.
    Password,
    /// PAM_OLDAUTHTOK: the current password during a change.
    OldPassword,
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Something is broken.
    Error,
    /// Something should be looked at.
    Warning,
    /// Written only if asked for.
    Debug,
}

/// What one call of a transaction leaves for the next.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The key of the account that it belongs to.
    pub(crate) user: String,
    /// What it is.
    pub(crate) what: KeptWhat,
}

/// See [`Kept`].
#[derive(Debug)]
pub(crate) enum KeptWhat {
    /// The password that was right at authenticate, where a new one is demanded.
    Typed(Secret),
    /// Authenticate left a refusal to account management, or a change that is demanded has
    /// failed: nobody is let in until the reason is told.
    Deferred,
    /// The preliminary check passed.
    Ready(Ready),
    /// Only an expired password was to be changed, and it is not expired.
    NotExpired,
}

impl KeptWhat {
    /// Whether somebody is on his way in who must not come in as things stand. So is, too, whoever
    /// was to set a new password, if another module ended that between the passes.
    pub(crate) const fn holds_up(&self) -> bool {
        matches!(self, Self::Typed(_) | Self::Deferred | Self::Ready(_))
    }
}

/// A change that may go on.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The current password; `None` for a reset by root.
    pub(crate) old: Option<Secret>,
    /// The rules for the new one, if the daemon told them.
    pub(crate) rules: Option<Box<Params>>,
}

/// The flags of a call, with Linux-PAM's bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) i32);

impl Flags {
    const DISALLOW_NULL_AUTHTOK: i32 = 0x0001;
    const DELETE_CRED: i32 = 0x0004;
    const REINITIALIZE_CRED: i32 = 0x0008;
    const REFRESH_CRED: i32 = 0x0010;
    const CHANGE_EXPIRED_AUTHTOK: i32 = 0x0020;
    const UPDATE_AUTHTOK: i32 = 0x2000;
    const PRELIM_CHECK: i32 = 0x4000;
    const SILENT: i32 = 0x8000;

    /// No message is wanted.
    pub(crate) const fn silent(self) -> bool {
        self.0 & Self::SILENT != 0
    }

    /// A blank password is not wanted, even where the account allows it.
    pub(crate) const fn refuses_blank(self) -> bool {
        self.0 & Self::DISALLOW_NULL_AUTHTOK != 0
    }

    /// Credentials are to be taken away. Without this and the next they are to be given.
    pub(crate) const fn deletes(self) -> bool {
        self.0 & Self::DELETE_CRED != 0
    }

    /// Credentials that are there are to be made new.
    pub(crate) const fn refreshes(self) -> bool {
        self.0 & (Self::REINITIALIZE_CRED | Self::REFRESH_CRED) != 0
    }

    /// The password is to be changed only if it is expired.
    pub(crate) const fn only_expired(self) -> bool {
        self.0 & Self::CHANGE_EXPIRED_AUTHTOK != 0
    }

    /// The first pass of a change.
    pub(crate) const fn preliminary(self) -> bool {
        self.0 & Self::PRELIM_CHECK != 0
    }

    /// The second pass of a change.
    pub(crate) const fn update(self) -> bool {
        self.0 & Self::UPDATE_AUTHTOK != 0
    }
}
