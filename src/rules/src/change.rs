//! The order of evaluation of a password change and of a reset.

use crate::case::{Case, plain};
use crate::{Account, Flags, Place, Proof, complexity};
use domlogon_protocol::{Decision, LogonType, Params, Policy, Rule, Secret, Timestamp, Verdict};

/// Judges whether the user may change the password now, after the old one was right.
/// `None`: go on and ask for the new one.
///
/// Whoever could not log on here and now cannot change the password either; only an old
/// password, and a missing logon right, are no obstacle. A service that the site has closed
/// is one. Then comes what does not pass with time (may not change), and last what does (the
/// least age).
#[must_use]
pub fn judge_change(
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
    [
        case.lockout(),
        case.disabled(),
        case.account_expires(),
        case.account_type(),
        case.smart_card(),
        case.logon_hours(),
        case.workstation(),
    ]
    .iter()
    .find_map(|check| case.decision(check))
    .or_else(|| closed(account, place))
    .or_else(|| cannot_change(account, place))
    .or_else(|| minimum_age(account, policy, place, now))
}

/// Judges a new password that the user has chosen: every rule it breaks, in the order of
/// the evaluation; none means that it is fine. `in_history` says whether it equals the
/// current password or one of the last ones, as far as [`new_history_needed`] goes.
#[must_use]
pub fn judge_new(
    account: &Account,
    policy: &Policy,
    new: &Secret,
    in_history: bool,
) -> Vec<Verdict> {
    let mut broken = judge_reset(account, policy, new);
    if in_history && new_history_needed(policy) > 0 && !is_free(account) {
        broken.push(Verdict::PasswordHistConflict);
    }
    broken
}

/// Judges a new password that an administrator sets: as for a user, but without the
/// history.
#[must_use]
pub fn judge_reset(account: &Account, policy: &Policy, new: &Secret) -> Vec<Verdict> {
    let Some(text) = new.text() else {
        // Neither its length nor its characters can be told.
        return vec![Verdict::IllFormedPassword];
    };
    if text.is_empty() && account.flags.contains(Flags::PASSWD_NOTREQD) {
        return Vec::new();
    }
    let mut broken = Vec::new();
    let units = text.encode_utf16().count();
    let least = usize::try_from(min_length(account, policy)).unwrap_or(usize::MAX);
    let most = usize::try_from(policy.max_length).unwrap_or(usize::MAX);
    if units == 0 || units < least {
        broken.push(Verdict::PasswordTooShort);
    }
    if units > most {
        broken.push(Verdict::PasswordTooLong);
    }
    if text.chars().any(char::is_control) {
        broken.push(Verdict::BadPassword);
    }
    if policy.complexity && !complexity::is_complex(text, account) {
        broken.push(Verdict::PasswordNotComplexEnough);
    }
    broken
}

/// The decision about a new password from the rules it breaks: the first is the verdict,
/// the others are told with it. `None` if it breaks none.
#[must_use]
pub fn decide_new(
    account: &Account,
    policy: &Policy,
    place: &Place<'_>,
    broken: &[Verdict],
) -> Option<Decision> {
    let (first, also) = broken.split_first()?;
    let rule = match first {
        Verdict::PasswordNotComplexEnough | Verdict::PasswordFilterError => Rule::Complexity,
        Verdict::PasswordHistConflict => Rule::History,
        _ => Rule::Form,
    };
    let mut decision = Decision::new(*first, rule);
    decision.also = also.to_vec();
    decision.params = Params {
        min_length: Some(min_length(account, policy)),
        max_length: Some(policy.max_length),
        history: Some(history(account, policy)),
        complexity: Some(policy.complexity),
        ..place.params(&account.name)
    };
    Some(decision)
}

/// The rules for a new password of this account, to be shown before it is asked for.
#[must_use]
pub fn change_rules(account: &Account, policy: &Policy) -> Params {
    Params {
        user: account.name.clone(),
        min_length: Some(min_length(account, policy)),
        max_length: Some(policy.max_length),
        history: Some(history(account, policy)),
        complexity: Some(policy.complexity),
        ..Params::default()
    }
}

/// How many of the last passwords a new one is compared with, the current one included.
#[must_use]
pub fn new_history_needed(policy: &Policy) -> usize {
    usize::try_from(policy.history).unwrap_or(usize::MAX)
}

/// How many of the passwords before the current one a wrong password is compared with
/// (the N−2 rule): one that equals any of them is refused, and is not counted.
///
/// Two at most, and no more than the history keeps beside the current one.
#[must_use]
pub fn n_minus_two_entries(policy: &Policy) -> usize {
    new_history_needed(policy).min(3).saturating_sub(1)
}

/// `deny` admits nobody, whatever he comes for.
fn closed(account: &Account, place: &Place<'_>) -> Option<Decision> {
    (place.logon_type == LogonType::Deny).then(|| {
        let verdict = Verdict::InvalidLogonType;
        plain(verdict, Rule::LogonRight, &account.name, place)
    })
}

fn cannot_change(account: &Account, place: &Place<'_>) -> Option<Decision> {
    if !account.flags.contains(Flags::PASSWD_CANT_CHANGE) {
        return None;
    }
    let mut decision = Decision::new(Verdict::PasswordCantChange, Rule::CannotChange);
    decision.params = place.params(&account.name);
    Some(decision)
}

fn minimum_age(
    account: &Account,
    policy: &Policy,
    place: &Place<'_>,
    now: Timestamp,
) -> Option<Decision> {
    let from = account
        .password_can_change(policy)
        .filter(|from| *from > now)?;
    let mut decision = Decision::new(Verdict::PasswordTooRecent, Rule::MinimumAge);
    decision.params = place.params(&account.name);
    decision.params.next_change = Some(from);
    Some(decision)
}

fn min_length(account: &Account, policy: &Policy) -> u32 {
    if is_free(account) {
        0
    } else {
        policy.min_length
    }
}

fn history(account: &Account, policy: &Policy) -> u32 {
    if is_free(account) { 0 } else { policy.history }
}

/// Whether the account is free of the least length and the history.
fn is_free(account: &Account) -> bool {
    account.flags.contains(Flags::PASSWD_NOTREQD) || account.is_trust()
}
