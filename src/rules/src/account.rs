//! An account as the rules see it.

use crate::{Exempt, Lockout};
use domlogon_protocol::{LogonHours, Policy, Sid, Timestamp, Verdict};

/// The state of an account that decides about logons and password changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's own spelling of its name (sAMAccountName).
    pub name: String,
    /// Full name (displayName); empty if there is none.
    pub full_name: String,
    /// Security identifier.
    pub sid: Sid,
    /// Flags of the account.
    pub flags: Flags,
    /// Whether there is a password at all, be it an empty one.
    pub has_password: bool,
    /// Whether the stored password is the empty one.
    pub blank_password: bool,
    /// When the password was set (pwdLastSet); `None` demands a new one at the next logon.
    pub password_set: Option<Timestamp>,
    /// The last instant of the account (accountExpires); `None` for never.
    pub expires: Option<Timestamp>,
    /// Logon hours; `None` for always.
    pub hours: Option<LogonHours>,
    /// Hosts that the account may log on to; empty for any.
    pub workstations: Vec<String>,
    /// What is stored about wrong passwords.
    pub lockout: Lockout,
}

/// When a password must be changed [SAMR 3.1.5.14.4].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordEnd {
    /// Never.
    Never,
    /// Now: a new one is demanded at the next logon.
    Demanded,
    /// After this instant; at the instant itself it is still valid.
    After(Timestamp),
}

impl Account {
    /// A person's account without a password, and with no restriction.
    #[must_use]
    pub fn new(name: &str, sid: Sid) -> Self {
        Self {
            name: name.to_owned(),
            full_name: String::new(),
            sid,
            flags: Flags::NORMAL_ACCOUNT,
            has_password: false,
            blank_password: false,
            password_set: None,
            expires: None,
            hours: None,
            workstations: Vec::new(),
            lockout: Lockout::default(),
        }
    }

    /// When the password must be changed.
    ///
    /// `DONT_EXPIRE_PASSWD` wins over a demand for a new password [SAMR 3.1.5.14.4]. An
    /// account that has no password has none to change: its ways in are keys and jobs.
    #[must_use]
    pub fn password_end(&self, policy: &Policy) -> PasswordEnd {
        let exempt = Flags::DONT_EXPIRE_PASSWD.with(Flags::SMARTCARD_REQUIRED);
        if self.flags.intersects(exempt) || self.is_trust() || !self.has_password {
            return PasswordEnd::Never;
        }
        match (self.password_set, policy.max_age.filter(|age| *age > 0)) {
            (None, _) => PasswordEnd::Demanded,
            (Some(_), None) => PasswordEnd::Never,
            (Some(set), Some(age)) => PasswordEnd::After(set.plus(age)),
        }
    }

    /// The first instant at which the user may change the password, or `None` if that is
    /// any time [SAMR 3.1.5.14.3]: there is no least age, or a change is demanded.
    #[must_use]
    pub fn password_can_change(&self, policy: &Policy) -> Option<Timestamp> {
        if self.is_trust() || !self.has_password || policy.min_age <= 0 {
            return None;
        }
        self.password_set.map(|set| set.plus(policy.min_age))
    }

    /// Whether the account is locked at `now`. Trust accounts never are.
    #[must_use]
    pub fn is_locked(&self, policy: &Policy, now: Timestamp) -> bool {
        !self.is_trust() && self.lockout.is_locked(policy, now)
    }

    /// What the lockout leaves out for this account: the built-in administrator
    /// (RID 500) is the domain's last way in and is not counted; trusts are counted, and
    /// never lock.
    #[must_use]
    pub fn exempt(&self) -> Exempt {
        const ADMINISTRATOR: u32 = 500;
        if self.is_trust() {
            Exempt::FromLocking
        } else if self.sid.rid() == Some(ADMINISTRATOR) {
            Exempt::FromCounting
        } else {
            Exempt::No
        }
    }

    /// Whether this is a trust or machine account, not a person's.
    #[must_use]
    pub fn is_trust(&self) -> bool {
        self.trust_verdict().is_some()
    }

    /// What a trust or machine account gets at a person's logon.
    pub(crate) fn trust_verdict(&self) -> Option<Verdict> {
        if self.flags.contains(Flags::INTERDOMAIN_TRUST_ACCOUNT) {
            Some(Verdict::InterdomainTrustAccount)
        } else if self.flags.contains(Flags::WORKSTATION_TRUST_ACCOUNT) {
            Some(Verdict::WorkstationTrustAccount)
        } else if self.flags.contains(Flags::SERVER_TRUST_ACCOUNT) {
            Some(Verdict::ServerTrustAccount)
        } else {
            None
        }
    }
}

/// userAccountControl: the flags of an account, UF_* of lmaccess and MS-ADTS.
///
/// Flags that no rule here asks about are carried, so that a round trip keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Logons are refused.
    pub const ACCOUNTDISABLE: Self = Self(0x2);
    /// No least length, no history, and the empty password is allowed.
    pub const PASSWD_NOTREQD: Self = Self(0x20);
    /// The user may not change the password.
    pub const PASSWD_CANT_CHANGE: Self = Self(0x40);
    /// A person's account.
    pub const NORMAL_ACCOUNT: Self = Self(0x200);
    /// The account of a trust between domains.
    pub const INTERDOMAIN_TRUST_ACCOUNT: Self = Self(0x800);
    /// A computer's account.
    pub const WORKSTATION_TRUST_ACCOUNT: Self = Self(0x1000);
    /// A server's account.
    pub const SERVER_TRUST_ACCOUNT: Self = Self(0x2000);
    /// The password has no greatest age.
    pub const DONT_EXPIRE_PASSWD: Self = Self(0x1_0000);
    /// A password alone is not enough for an interactive logon.
    pub const SMARTCARD_REQUIRED: Self = Self(0x4_0000);

    /// UF_LOCKOUT and UF_PASSWORD_EXPIRED: computed for whoever asks, never stored.
    const COMPUTED: u32 = 0x10 | 0x80_0000;

    /// The flags with this number, without those that are computed and never stored.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & !Self::COMPUTED)
    }

    /// The number to store.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is set.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These flags and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These flags but for `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// These flags with `other` set or cleared.
    #[must_use]
    pub const fn set(self, other: Self, on: bool) -> Self {
        if on {
            self.with(other)
        } else {
            self.without(other)
        }
    }
}
