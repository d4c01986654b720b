//! What a controller's refusal is called here.
//!
//! The KDC's error number says little; the NTSTATUS that comes with it says it all, but for
//! a lockout, which comes with none.

use domlogon_krb5::KdcError;
use domlogon_protocol::{Rule, Verdict};
use domlogon_rules::Place;

/// A native error, sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Native {
    /// A judgement about the account or its password.
    Refusal(Refusal),
    /// The clocks differ too much.
    Skew,
    /// The controller cannot answer.
    Unavailable,
}

/// A controller's judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The condition, taken for a service that can ask for a new password.
    pub(crate) verdict: Verdict,
    /// Whether it shows that the password was right.
    pub(crate) proves_password: bool,
    /// The error number [RFC 4120 7.5.9].
    pub(crate) kerberos: i32,
    pub(crate) ntstatus: Option<u32>,
}

const C_PRINCIPAL_UNKNOWN: i32 = 6;
const POLICY: i32 = 12;
const CLIENT_REVOKED: i32 = 18;
const KEY_EXPIRED: i32 = 23;
const PREAUTH_FAILED: i32 = 24;
const SVC_UNAVAILABLE: i32 = 29;
const BAD_INTEGRITY: i32 = 31;
const SKEW: i32 = 37;
const GENERIC: i32 = 60;

impl Native {
    /// Sorts an error of an exchange for a person.
    pub(crate) fn of(error: &KdcError) -> Self {
        let known = error.ntstatus.and_then(of_status);
        let verdict = match (error.code, known) {
            (SKEW, _) => return Self::Skew,
            (SVC_UNAVAILABLE | GENERIC, None) => return Self::Unavailable,
            (PREAUTH_FAILED | BAD_INTEGRITY, _) => Verdict::LogonFailure,
            (C_PRINCIPAL_UNKNOWN, _) => Verdict::UserNotFound,
            (_, Some(verdict)) => verdict,
            // Without a status this is what a lockout looks like.
            (CLIENT_REVOKED, None) if error.ntstatus.is_none() => Verdict::LockedOut,
            (KEY_EXPIRED, None) => Verdict::PasswordExpired,
            (POLICY, None) => Verdict::AccountRestriction,
            _ => Verdict::Unmapped,
        };
        let about_the_password = matches!(
            verdict,
            Verdict::LogonFailure
                | Verdict::UserNotFound
                | Verdict::LockedOut
                // Whatever it is: nothing shows that the password was looked at.
                | Verdict::Unmapped
        );
        Self::Refusal(Refusal {
            verdict,
            proves_password: error.after_preauth && !about_the_password,
            kerberos: error.code,
            ntstatus: error.ntstatus,
        })
    }
}

impl Refusal {
    /// The password is not this account's.
    pub(crate) const WRONG_PASSWORD: Self = Self {
        verdict: Verdict::LogonFailure,
        proves_password: false,
        kerberos: PREAUTH_FAILED,
        ntstatus: None,
    };

    /// The condition for this way in.
    pub(crate) fn verdict_at(self, place: &Place<'_>) -> Verdict {
        match self.verdict {
            Verdict::MustChange if !place.can_change => Verdict::MustChangeElsewhere,
            Verdict::PasswordExpired if !place.can_change => Verdict::PasswordExpiredElsewhere,
            verdict => verdict,
        }
    }

    /// Whether all that is wrong is that the password must be changed. The number says so itself:
    /// the NTSTATUS may have come outside an armour.
    pub(crate) const fn is_about_age(self) -> bool {
        self.kerberos == KEY_EXPIRED
            && matches!(self.verdict, Verdict::MustChange | Verdict::PasswordExpired)
    }

    /// The step of the evaluation that the condition belongs to.
    pub(crate) const fn rule(self) -> Rule {
        match self.verdict {
            Verdict::LogonFailure => Rule::Password,
            Verdict::UserNotFound => Rule::Name,
            Verdict::LockedOut => Rule::Lockout,
            Verdict::Disabled => Rule::Disabled,
            Verdict::AccountExpired => Rule::AccountExpires,
            Verdict::InvalidLogonHours => Rule::LogonHours,
            Verdict::InvalidWorkstation => Rule::Workstation,
            Verdict::MustChange => Rule::MustChange,
            Verdict::PasswordExpired => Rule::PasswordAge,
            Verdict::SmartcardRequired => Rule::SmartCard,
            _ => Rule::AccountType,
        }
    }
}

/// NTSTATUS [ERREF 2.3.1].
fn of_status(status: u32) -> Option<Verdict> {
    Some(match status {
        0xC000_0064 => Verdict::UserNotFound,
        0xC000_006A | 0xC000_006D => Verdict::LogonFailure,
        0xC000_006E => Verdict::AccountRestriction,
        0xC000_006F => Verdict::InvalidLogonHours,
        0xC000_0070 => Verdict::InvalidWorkstation,
        0xC000_0071 => Verdict::PasswordExpired,
        0xC000_0072 => Verdict::Disabled,
        0xC000_0193 => Verdict::AccountExpired,
        0xC000_0198 => Verdict::InterdomainTrustAccount,
        0xC000_0199 => Verdict::WorkstationTrustAccount,
        0xC000_019A => Verdict::ServerTrustAccount,
        0xC000_0224 => Verdict::MustChange,
        0xC000_0234 => Verdict::LockedOut,
        0xC000_02FA => Verdict::SmartcardRequired,
        0xC000_0413 => Verdict::AuthenticationFirewall,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32, ntstatus: Option<u32>, after_preauth: bool) -> Native {
        Native::of(&KdcError {
            code,
            ntstatus,
            after_preauth,
            server_time: None,
            armored: false,
        })
    }

    #[test]
    fn what_a_samba_controller_says() {
        for (code, status, verdict, proves) in [
            (24, None, Verdict::LogonFailure, false),
            (6, None, Verdict::UserNotFound, false),
            (23, Some(0xC000_0224), Verdict::MustChange, true),
            (23, Some(0xC000_0071), Verdict::PasswordExpired, true),
            (18, Some(0xC000_0072), Verdict::Disabled, true),
            (18, Some(0xC000_0193), Verdict::AccountExpired, true),
            (18, None, Verdict::LockedOut, false),
            (18, Some(0xC000_006F), Verdict::InvalidLogonHours, true),
            (12, Some(0xC000_0070), Verdict::InvalidWorkstation, true),
        ] {
            let Native::Refusal(refusal) = of(code, status, true) else {
                panic!("{code} is no refusal");
            };
            assert_eq!(
                (refusal.verdict, refusal.proves_password),
                (verdict, proves)
            );
            assert!(!verdict.grants() || matches!(code, 23));
        }
    }

    #[test]
    fn nothing_is_proved_before_the_password_was_sent() {
        for status in [0xC000_0072, 0xC000_0224] {
            let Native::Refusal(refusal) = of(18, Some(status), false) else {
                panic!("no refusal");
            };
            assert!(!refusal.proves_password);
        }
    }

    #[test]
    fn what_is_not_known_refuses() {
        for (code, status) in [(18, Some(0xDEAD_BEEF)), (99, None), (14, None), (0, None)] {
            let Native::Refusal(refusal) = of(code, status, true) else {
                panic!("no refusal");
            };
            assert!(!refusal.verdict.grants(), "{code} {status:?}");
        }
        assert_eq!(of(37, Some(0xC000_0133), true), Native::Skew);
        assert_eq!(of(29, None, false), Native::Unavailable);
    }
}
