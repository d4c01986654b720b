//! The logon rights' place in the evaluation (Q97558).

use crate::Account;
use domlogon_protocol::LogonType;

/// Who may come in which way.
pub trait LogonRights {
    /// Whether `account` has the right that `logon_type` needs. Asked only for a type
    /// that needs one.
    fn judge(&self, account: &Account, logon_type: LogonType) -> Grant;
}

/// The answer about a logon right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The account has the right.
    Granted,
    /// It does not.
    Refused,
}

/// Everybody has every right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Everybody;

impl LogonRights for Everybody {
    fn judge(&self, _: &Account, logon_type: LogonType) -> Grant {
        // No list can open what the site has closed.
        if logon_type == LogonType::Deny {
            Grant::Refused
        } else {
            Grant::Granted
        }
    }
}
