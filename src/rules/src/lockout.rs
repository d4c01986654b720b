//! The lockout: counting wrong passwords, and ending it in time.

use domlogon_protocol::{Policy, Timestamp};

/// What is stored about the wrong passwords of an account. The transitions return the
/// new state; nothing changes by the passing of time alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lockout {
    /// Wrong passwords counted (badPwdCount).
    pub count: u32,
    /// When the last one was counted (badPasswordTime).
    pub last_bad: Option<Timestamp>,
    /// When the account locked (lockoutTime). It stays after the lockout has ended, until
    /// a good logon, an unlock or the next wrong password.
    pub since: Option<Timestamp>,
}

/// Which part of the lockout does not touch an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exempt {
    /// None: it is counted and locks.
    No,
    /// Wrong passwords are counted and never lock.
    FromLocking,
    /// Wrong passwords are not even counted.
    FromCounting,
}

impl Lockout {
    /// Whether the account is locked at `now`; at the very end of the duration it still
    /// is [ADTS msDS-User-Account-Control-Computed].
    #[must_use]
    pub fn is_locked(&self, policy: &Policy, now: Timestamp) -> bool {
        self.since.is_some() && self.until(policy).is_none_or(|until| now <= until)
    }

    /// The last instant of the lockout, past or future; `None` if there is no lockout, or
    /// only an administrator ends it.
    #[must_use]
    pub fn until(&self, policy: &Policy) -> Option<Timestamp> {
        // A duration of 0 is the LAN Server and AD way to write "until an administrator".
        let duration = policy.lockout_duration.filter(|seconds| *seconds > 0)?;
        Some(self.since?.plus(duration))
    }

    /// Wrong passwords that still count at `now`: none once the window has passed since
    /// the last one.
    #[must_use]
    pub fn effective_count(&self, policy: &Policy, now: Timestamp) -> u32 {
        match self.last_bad {
            Some(last) if last.plus(policy.lockout_window) >= now => self.count,
            _ => 0,
        }
    }

    /// The state after a wrong password at `now` that counts: it was compared, and is not
    /// one of the two passwords before the current one.
    ///
    /// While locked nothing is compared, so nothing is counted and nothing is extended.
    #[must_use]
    pub fn after_bad(self, policy: &Policy, now: Timestamp, exempt: Exempt) -> Self {
        let threshold = policy.lockout_threshold;
        if threshold == 0 || exempt == Exempt::FromCounting || self.is_locked(policy, now) {
            return self;
        }
        let count = self.effective_count(policy, now).saturating_add(1);
        let locks = exempt == Exempt::No && count >= threshold;
        Self {
            count,
            last_bad: Some(now),
            since: locks.then_some(now),
        }
    }

    /// The state after a logon that passed every check.
    #[must_use]
    pub fn after_good(self) -> Self {
        Self::default()
    }

    /// The state after an administrator has ended the lockout; the count goes with it
    /// [SAMR 3.1.1.8.3].
    #[must_use]
    pub fn unlocked(self) -> Self {
        Self::default()
    }
}
