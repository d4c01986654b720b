//! The domain's policy, as data.

use serde::{Deserialize, Serialize};

/// The domain's password and lockout policy (lmaccess USER_MODALS_INFO_0 and _3,
/// `[SAMR]` DOMAIN_PASSWORD_INFORMATION and DOMAIN_LOCKOUT_INFORMATION).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Fewest UTF-16 units of a new password; 0 for no limit.
    pub min_length: u32,
    /// Most UTF-16 units of a new password, 1 to 256.
    pub max_length: u32,
    /// How many of the last passwords, the current one included, cannot be used again; 0 for none.
    pub history: u32,
    /// Seconds after which a password must be changed; `None` for never.
    pub max_age: Option<i64>,
    /// Seconds that must pass before a user may change the password again; 0 for none.
    pub min_age: i64,
    /// Whether a new password needs three of five kinds of character and no part of the name.
    pub complexity: bool,
    /// Wrong passwords until the account locks; 0 for never.
    pub lockout_threshold: u32,
    /// Seconds that a lockout lasts; `None` until an administrator ends it.
    pub lockout_duration: Option<i64>,
    /// Seconds within which wrong passwords are counted together.
    pub lockout_window: i64,
    /// Seconds before the end of a password at which the user is warned; 0 for no warning.
    pub warn: i64,
}

impl Default for Policy {
    /// What a new domain starts with: the directory's defaults, with the length of 8
    /// and the threshold of 10 that the field's baselines ask for.
    fn default() -> Self {
        const DAY: i64 = 86_400;
        Self {
            min_length: 8,
            max_length: 256,
            history: 24,
            max_age: Some(42 * DAY),
            min_age: DAY,
            complexity: true,
            lockout_threshold: 10,
            lockout_duration: Some(30 * 60),
            lockout_window: 30 * 60,
            warn: 14 * DAY,
        }
    }
}
