//! What the errors of a controller say.

use crate::status::{Native, Refusal};
use crate::trouble::Trouble;
use domlogon_krb5::{Error, KdcError, code};
use domlogon_protocol::Verdict;

/// What a wrong password gets, where none was sent.
pub(super) const WRONG: KdcError = KdcError {
    code: code::PREAUTH_FAILED,
    ntstatus: None,
    after_preauth: true,
    server_time: None,
    armored: false,
};

/// What is said without an armour by a controller that has FAST. It could answer inside one
/// once: whoever answers now is somebody else, or between us; or it does not take our armour
/// any more, or cannot read it by its clock. Whoever let the proof through has only put his own
/// answer in the place of the controller's: the proof may have been counted.
pub(super) fn bare(error: Error, sent: u32) -> Trouble {
    let trouble = match error.kdc().map(Native::of) {
        Some(Native::Skew) => Trouble::Skew,
        Some(Native::Unavailable) => Trouble::Kerberos(error),
        Some(Native::Refusal(_)) | None => Trouble::FalseController(error),
    };
    after(sent, trouble)
}

/// A trouble after so many messages: the first has no proof of the password in it.
pub(super) fn after(sent: u32, trouble: Trouble) -> Trouble {
    match sent {
        0 | 1 => trouble,
        _ => Trouble::Sent(Box::new(trouble)),
    }
}

/// Whether asking for the reason of a refusal can tell more: not where it says all itself, or is
/// no judgement at all.
pub(super) fn has_reason(error: &KdcError) -> bool {
    !says_enough(error.code) && matches!(Native::of(error), Native::Refusal(_))
}

/// Whether an error says all there is to say: a wrong password, a name without an account, or a
/// password that is too old; whether it has expired or must be changed the directory tells.
pub(super) const fn says_enough(number: i32) -> bool {
    matches!(
        number,
        code::PREAUTH_FAILED | code::BAD_INTEGRITY | code::CLIENT_UNKNOWN | code::KEY_EXPIRED
    )
}

/// What stands against somebody beside the age of his password, such as his hours. In the armour
/// it has no name. A lockout looks like it, but comes before the password is looked at.
pub(super) fn another_reason(error: &KdcError) -> Result<Refusal, Trouble> {
    let refusal = known(error)?;
    Ok(match refusal.verdict {
        Verdict::LockedOut => Refusal {
            verdict: Verdict::AccountRestriction,
            proves_password: true,
            ..refusal
        },
        _ => refusal,
    })
}

/// The judgement in an error. One that is none says nothing of a password that was sent: whoever
/// let it through may have put this in the place of the controller's own answer.
pub(super) fn known(error: &KdcError) -> Result<Refusal, Trouble> {
    let trouble = match Native::of(error) {
        Native::Refusal(refusal) => return Ok(refusal),
        Native::Skew => Trouble::Skew,
        Native::Unavailable => Trouble::Kerberos(Error::Kdc(*error)),
    };
    Err(if error.after_preauth {
        Trouble::Sent(Box::new(trouble))
    } else {
        trouble
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_krb5::ReplyFault;

    /// What is not known of them is asked for outside the armour, with a proof of the password.
    #[test]
    fn who_must_change_his_password_does_not_prove_it_outside_the_armour() {
        let error = KdcError {
            code: code::KEY_EXPIRED,
            armored: true,
            ..WRONG
        };
        assert!(says_enough(error.code));
        let refusal = known(&error).unwrap();
        assert!(refusal.is_about_age() && refusal.proves_password);
        for number in [code::CLIENT_REVOKED, code::POLICY] {
            assert!(has_reason(&KdcError {
                code: number,
                ..error
            }));
        }
    }

    /// What stands against somebody beside his age is not told in the armour, and no lockout.
    #[test]
    fn another_reason_than_the_age_shows_the_password_and_is_no_lockout() {
        let error = KdcError {
            code: code::CLIENT_REVOKED,
            armored: true,
            ..WRONG
        };
        let refusal = another_reason(&error).unwrap();
        assert_eq!(refusal.verdict, Verdict::AccountRestriction);
        assert!(refusal.proves_password && !refusal.verdict.grants());
    }

    /// It may have been counted: neither is another controller asked, nor this one once more.
    #[test]
    fn what_is_no_answer_to_the_proof_ends_the_asking() {
        for (number, verdict) in [
            (code::SKEW, Verdict::TimeDiffAtDc),
            (29, Verdict::LogonServerNotFound),
            (60, Verdict::LogonServerNotFound),
        ] {
            for (after_preauth, armored) in [(false, false), (true, false), (true, true)] {
                let error = KdcError {
                    code: number,
                    after_preauth,
                    armored,
                    ..WRONG
                };
                let trouble = known(&error).unwrap_err();
                assert_eq!(trouble.may_be_counted(), after_preauth, "{number}");
                assert!(trouble.is_of_the_server());
                assert_eq!(trouble.verdict(), verdict);
                assert!(!has_reason(&error));
            }
        }
        for (sent, is_counted) in [(1, false), (2, true)] {
            let garbage = Error::Reply(ReplyFault::Malformed);
            let trouble = after(sent, Trouble::Kerberos(garbage));
            assert_eq!(trouble.may_be_counted(), is_counted);
            assert!(trouble.is_of_the_server());
        }
    }

    #[test]
    fn a_bare_answer_after_the_proof_opens_nothing_and_ends_the_asking() {
        for (sent, is_counted) in [(1, false), (2, true)] {
            let trouble = bare(Error::Kdc(WRONG), sent);
            assert_eq!(trouble.may_be_counted(), is_counted);
            assert!(trouble.is_of_the_server() && !trouble.opens_offline());
            assert_eq!(trouble.verdict(), Verdict::PasswordMismatch);
        }
    }
}
