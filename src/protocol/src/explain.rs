//! The steps of an evaluation, one by one, for `domlogon explain` and for the log.

use crate::{Decision, LogonHours, LogonType, RightFact, Timestamp};
use serde::{Deserialize, Serialize};

/// The step that decided, in the order of the evaluation. Appended to, never reordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// Decided where the daemon was not asked.
    Local,
    /// Who may ask this of the daemon at all.
    Caller,
    /// The name, and the account behind it.
    Name,
    /// The lockout.
    Lockout,
    /// The password.
    Password,
    /// The account is disabled.
    Disabled,
    /// The account's end.
    AccountExpires,
    /// The kind of account: no trust or machine account logs on as a person.
    AccountType,
    /// A smart card is required.
    SmartCard,
    /// The logon hours.
    LogonHours,
    /// The allowed workstations.
    Workstation,
    /// The logon right on this host.
    LogonRight,
    /// A new password was demanded at the next logon.
    MustChange,
    /// The password's greatest age.
    PasswordAge,
    /// The account may not change its password.
    CannotChange,
    /// The password's least age.
    MinimumAge,
    /// The new password's form: not blank, well-formed, not too short, not too long.
    Form,
    /// The new password's kinds of character, and the name in it.
    Complexity,
    /// The new password among the last ones.
    History,
    /// The account database itself.
    Store,
    /// Every step passed.
    AllPassed,
}

impl Rule {
    /// The word in the log and in `explain`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Caller => "caller",
            Self::Name => "name",
            Self::Lockout => "lockout",
            Self::Password => "password",
            Self::Disabled => "disabled",
            Self::AccountExpires => "account expires",
            Self::AccountType => "account type",
            Self::SmartCard => "smart card",
            Self::LogonHours => "logon hours",
            Self::Workstation => "workstation",
            Self::LogonRight => "logon right",
            Self::MustChange => "must change",
            Self::PasswordAge => "password age",
            Self::CannotChange => "cannot change",
            Self::MinimumAge => "minimum age",
            Self::Form => "password form",
            Self::Complexity => "complexity",
            Self::History => "history",
            Self::Store => "account database",
            Self::AllPassed => "all passed",
        }
    }
}

/// How one step of an evaluation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The step lets the logon pass.
    Passed,
    /// The first step that did not: it decides.
    Decided,
    /// Would have refused too, had an earlier step not decided.
    WouldRefuse,
    /// Not asked here: it does not apply to this way in, or needs the password.
    Skipped,
    /// Would have refused, but for audit mode, which lets it pass and logs it.
    Audited,
}

/// What a step looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// Nothing to say.
    None,
    /// Which account the name means.
    Account {
        /// The account's own spelling.
        name: String,
        /// Its security identifier.
        sid: String,
    },
    /// The state of the lockout.
    Lockout {
        /// Wrong passwords counted now.
        count: u32,
        /// Wrong passwords that lock; 0 for never.
        threshold: u32,
        /// Since when the account is locked, if it is.
        since: Option<Timestamp>,
        /// Until when; `None` while locked: until an administrator ends it.
        until: Option<Timestamp>,
    },
    /// The account's end.
    Expires(Option<Timestamp>),
    /// The logon hours, and the next allowed instant if now is outside them.
    Hours {
        /// The hours; `None` for always.
        hours: Option<LogonHours>,
        /// The next instant inside them; `None` if there is none or now is inside.
        next_allowed: Option<Timestamp>,
    },
    /// The allowed workstations (none: any), and this host's name.
    Workstations {
        /// The list as set.
        allowed: Vec<String>,
        /// This host.
        host: String,
    },
    /// The way in, the right that guards it, and what decided about it.
    Right(Box<RightFact>),
    /// The password's age.
    PasswordAge {
        /// When it was set; `None` if a change was demanded.
        set_at: Option<Timestamp>,
        /// When it must be changed; `None` for never.
        must_change_at: Option<Timestamp>,
    },
}

/// One step of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub rule: Rule,
    /// How it ended.
    pub outcome: Outcome,
    /// What it looked at.
    pub fact: Fact,
}

/// A whole evaluation, made without a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Judged as of this instant.
    pub at: Timestamp,
    /// The service's logon type.
    pub logon_type: LogonType,
    /// Whether the service can ask for a new password.
    pub can_change: bool,
    /// Each step in its order.
    pub steps: Vec<Step>,
    /// What a logon with the right password gets.
    pub with_password: Decision,
    /// What a logon proved in another way gets (ssh key, cron).
    pub without_password: Decision,
}
