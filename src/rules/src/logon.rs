//! The order of evaluation of a logon.

use crate::case::{Case, Ruling, plain};
use crate::{Account, Place, Token};
use domlogon_protocol::{Decision, Explanation, Outcome, Policy, Rule, Step, Timestamp, Verdict};

/// How the person has shown who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By the right password, compared just now.
    Password,
    /// In another way: an ssh key, a ticket, a scheduled job; or by the password earlier.
    Other,
    /// Not at all: `explain` asks what the right password would get. Its answer is for
    /// the account's own user and for administrators.
    None,
}

/// A judged logon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Each step in its order; none where it did not come to an evaluation: no such
    /// account, or not its password.
    pub steps: Vec<Step>,
    /// What was decided; the daemon stamps the reference.
    pub decision: Decision,
}

impl From<Decision> for Judgement {
    /// What was decided without an evaluation.
    fn from(decision: Decision) -> Self {
        Self {
            steps: Vec::new(),
            decision,
        }
    }
}

/// Judges everything about a logon but the comparison of the password: the lockout, then
/// the account, the time, the place and the right, and the password's age last. Whoever
/// may not log on here and now is not made to change a password first.
///
/// `token` is the account's: its rights are judged by it, with the lists of the place.
///
/// The first step that does not pass decides. Only `Success` counts as a logon that
/// passed every check, and resets the count of wrong passwords.
#[must_use]
pub fn judge(
    account: &Account,
    token: &Token,
    policy: &Policy,
    place: &Place<'_>,
    proof: Proof,
    now: Timestamp,
) -> Judgement {
    let case = Case {
        account,
        policy,
        place,
        proof,
        now,
    };
    let checks = [
        case.name(),
        case.lockout(),
        case.password(),
        case.disabled(),
        case.account_expires(),
        case.account_type(),
        case.smart_card(),
        case.logon_hours(),
        case.workstation(),
        case.logon_right(token),
        case.must_change(),
        case.password_age(),
    ];
    let mut decision = None;
    let mut steps = Vec::with_capacity(checks.len());
    for check in checks {
        let outcome = match check.ruling {
            Ruling::Pass => Outcome::Passed,
            Ruling::Skip => Outcome::Skipped,
            Ruling::Audit => Outcome::Audited,
            Ruling::Refuse(_) if decision.is_some() => Outcome::WouldRefuse,
            Ruling::Refuse(_) => {
                decision = case.decision(&check);
                Outcome::Decided
            }
        };
        steps.push(Step {
            rule: check.rule,
            outcome,
            fact: check.fact,
        });
    }
    let decision = decision.unwrap_or_else(|| case.granted());
    Judgement { steps, decision }
}

/// Evaluates without a password and without any effect. A traced `token` gives the chain of
/// groups too.
#[must_use]
pub fn explain(
    account: &Account,
    token: &Token,
    policy: &Policy,
    place: &Place<'_>,
    now: Timestamp,
) -> Explanation {
    let with = judge(account, token, policy, place, Proof::None, now);
    let without = judge(account, token, policy, place, Proof::Other, now);
    Explanation {
        at: now,
        logon_type: place.logon_type,
        can_change: place.can_change,
        steps: with.steps,
        with_password: with.decision,
        without_password: without.decision,
    }
}

/// What a name without an account gets, after the work of a wrong password. `user` is
/// the name as given.
#[must_use]
pub fn decide_unknown(user: &str, place: &Place<'_>) -> Decision {
    plain(Verdict::UserNotFound, Rule::Name, user, place)
}

/// What a wrong password gets at a logon; also the one that locks the account.
#[must_use]
pub fn decide_wrong_password(account: &Account, place: &Place<'_>) -> Decision {
    plain(Verdict::LogonFailure, Rule::Password, &account.name, place)
}

/// What a wrong current password gets at a change. It counts like one at a logon.
#[must_use]
pub fn decide_wrong_old_password(account: &Account, place: &Place<'_>) -> Decision {
    plain(
        Verdict::InvalidPassword,
        Rule::Password,
        &account.name,
        place,
    )
}

/// What a locked account gets, whatever the password, or `None` if it is not locked.
#[must_use]
pub fn locked(
    account: &Account,
    policy: &Policy,
    place: &Place<'_>,
    now: Timestamp,
) -> Option<Decision> {
    let case = Case {
        account,
        policy,
        place,
        proof: Proof::Password,
        now,
    };
    case.decision(&case.lockout())
}
