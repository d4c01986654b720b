//! The new password, as far as it can be judged without the directory.

use crate::directory::Live;
use domlogon_protocol::{Decision, Params, Policy, Secret, Verdict};
use domlogon_rules as rules;
use domlogon_rules::Place;

/// What a new password breaks that can be told without the directory.
pub(super) fn refused_here(
    live: &Live,
    old: &Secret,
    new: &Secret,
    place: &Place<'_>,
) -> Option<Decision> {
    let account = live.account();
    if new.is_empty() {
        // The protocol carries none.
        let short = [Verdict::PasswordTooShort];
        return rules::decide_new(&account, &live.policy, place, &short);
    }
    if live.is_guess {
        // What is in force may be milder than what we know of. The directory knows.
        let broken = rules::judge_new(&account, &lax(&live.policy), new, false);
        return rules::decide_new(&account, &live.policy, place, &broken);
    }
    let is_current = live.policy.history > 0 && old.expose() == new.expose();
    let broken = rules::judge_new(&account, &live.policy, new, is_current);
    rules::decide_new(&account, &live.policy, place, &broken)
}

/// The rules to show before the new password is asked for; none that may be untrue.
pub(super) fn shown_rules(live: &Live) -> Params {
    if live.is_guess {
        return Params::default();
    }
    rules::change_rules(&live.account(), &live.policy)
}

/// Only what no directory takes: what is ill-formed, empty or too long for any.
fn lax(policy: &Policy) -> Policy {
    Policy {
        min_length: 1,
        history: 0,
        complexity: false,
        ..policy.clone()
    }
}
