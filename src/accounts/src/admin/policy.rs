//! The domain's policy: shown, and changed as a whole or not at all.

use crate::database::Database;
use crate::domain;
use crate::error::Result;
use crate::store::Durability;
use domlogon_protocol::Policy;
use domlogon_protocol::admin::{AdminError, PolicyChanges, PolicySetting, Reply};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

impl Database {
    pub(super) fn show_policy(&self) -> Result<Reply> {
        self.store.read(domain::policy).map(Reply::Policy)
    }

    pub(super) fn set_policy(&self, changes: &PolicyChanges) -> Result<Reply> {
        self.store.write(Durability::Now, |connection| {
            let policy = changed(domain::policy(connection)?, changes);
            check(&policy)?;
            domain::store_policy(connection, &policy)?;
            Ok(Reply::Policy(policy))
        })
    }
}

fn changed(policy: Policy, changes: &PolicyChanges) -> Policy {
    Policy {
        min_length: changes.min_length.unwrap_or(policy.min_length),
        max_length: changes.max_length.unwrap_or(policy.max_length),
        history: changes.history.unwrap_or(policy.history),
        max_age: changes.max_age.unwrap_or(policy.max_age),
        min_age: changes.min_age.unwrap_or(policy.min_age),
        complexity: changes.complexity.unwrap_or(policy.complexity),
        lockout_threshold: changes
            .lockout_threshold
            .unwrap_or(policy.lockout_threshold),
        lockout_duration: changes.lockout_duration.unwrap_or(policy.lockout_duration),
        lockout_window: changes.lockout_window.unwrap_or(policy.lockout_window),
        warn: changes.warn.unwrap_or(policy.warn),
    }
}

/// The bounds of User Manager, the Group Policy editor and [SAMR 3.1.1.6]; in seconds
/// where they are times.
fn check(policy: &Policy) -> Result<(), AdminError> {
    use PolicySetting as S;
    within(S::MinLength, policy.min_length.into(), 0, 256)?;
    within(S::MaxLength, policy.max_length.into(), 1, 256)?;
    within(S::History, policy.history.into(), 0, 1024)?;
    if let Some(age) = policy.max_age {
        within(S::MaxAge, age, DAY, 999 * DAY)?;
    }
    within(S::MinAge, policy.min_age, 0, 998 * DAY)?;
    within(S::LockoutThreshold, policy.lockout_threshold.into(), 0, 999)?;
    if let Some(duration) = policy.lockout_duration {
        within(S::LockoutDuration, duration, MINUTE, 99_999 * MINUTE)?;
    }
    within(
        S::LockoutWindow,
        policy.lockout_window,
        MINUTE,
        99_999 * MINUTE,
    )?;
    within(S::Warn, policy.warn, 0, 999 * DAY)?;
    if policy.min_length > policy.max_length {
        return Err(AdminError::LengthsCross);
    }
    if policy.max_age.is_some_and(|age| policy.min_age >= age) {
        return Err(AdminError::AgesCross);
    }
    if policy
        .lockout_duration
        .is_some_and(|duration| policy.lockout_window > duration)
    {
        return Err(AdminError::WindowTooLong);
    }
    Ok(())
}

fn within(setting: PolicySetting, value: i64, least: i64, most: i64) -> Result<(), AdminError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(AdminError::OutOfRange(setting, least, most))
    }
}
