//! The logon hours of an account, as data.

use serde::{Deserialize, Serialize};

/// The hours of the week in which an account may log on: one bit an hour, 168 in
/// all, Sunday 00:00 **UTC** first, least significant bit first [Q240195, lmaccess].
///
/// What they mean for a logon, and how a person writes them, is in the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogonHours(pub [u8; 21]);

impl LogonHours {
    /// Hours in a week, one bit each.
    pub const UNITS: u32 = 168;
    /// No hour at all.
    pub const NEVER: Self = Self([0; 21]);
    /// Every hour.
    pub const ALWAYS: Self = Self([0xFF; 21]);

    /// Whether the hour `index` (Sunday 00:00 UTC is 0, taken modulo a week) is allowed.
    #[must_use]
    pub fn allows(&self, index: u32) -> bool {
        let index = index % Self::UNITS;
        let byte = usize::try_from(index / 8).unwrap_or(0);
        self.0.get(byte).is_some_and(|b| b >> (index % 8) & 1 == 1)
    }

    /// Allows the hour `index` (modulo a week).
    pub fn allow(&mut self, index: u32) {
        let index = index % Self::UNITS;
        let byte = usize::try_from(index / 8).unwrap_or(0);
        if let Some(b) = self.0.get_mut(byte) {
            *b |= 1 << (index % 8);
        }
    }
}
