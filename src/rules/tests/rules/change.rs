//! The order of evaluation of a change and of a reset.

use crate::desk::{DAY, Desk};
use domlogon_protocol::{LogonHours, LogonType, Rule, Secret, Verdict, password_rules};
use domlogon_rules::{
    Flags, Proof, change_rules, decide_new, judge_change, judge_new, judge_reset,
    new_history_needed,
};

const RIGHT: &str = "Right-0ne";
const OTHER: &str = "Another-0ne";

fn refusal(desk: &Desk) -> Option<Verdict> {
    let place = desk.place("passwd");
    judge_change(&desk.account, &desk.policy, &place, desk.now).map(|d| d.verdict)
}

fn broken(desk: &Desk, new: &[u8], in_history: bool) -> Vec<Verdict> {
    judge_new(&desk.account, &desk.policy, &Secret::new(new), in_history)
}

#[test]
fn what_does_not_pass_with_time_comes_before_what_does() {
    let mut desk = Desk::new()
        .locked()
        .flag(Flags::ACCOUNTDISABLE)
        .flag(Flags::SMARTCARD_REQUIRED)
        .flag(Flags::PASSWD_CANT_CHANGE);
    desk.account.password_set = Some(desk.now);
    desk.account.expires = Some(desk.now.plus(-1));
    desk.account.hours = Some(LogonHours::NEVER);
    desk.account.workstations = vec!["other".to_owned()];
    assert_eq!(refusal(&desk), Some(Verdict::LockedOut));
    desk.account.lockout = desk.account.lockout.unlocked();
    assert_eq!(refusal(&desk), Some(Verdict::Disabled));
    desk.account.flags = desk.account.flags.without(Flags::ACCOUNTDISABLE);
    assert_eq!(refusal(&desk), Some(Verdict::AccountExpired));
    desk.account.expires = None;
    assert_eq!(refusal(&desk), Some(Verdict::SmartcardRequired));
    desk.account.flags = desk.account.flags.without(Flags::SMARTCARD_REQUIRED);
    assert_eq!(refusal(&desk), Some(Verdict::InvalidLogonHours));
    desk.account.hours = None;
    assert_eq!(refusal(&desk), Some(Verdict::InvalidWorkstation));
    desk.account.workstations.clear();
    assert_eq!(refusal(&desk), Some(Verdict::PasswordCantChange));
    desk.account.flags = desk.account.flags.without(Flags::PASSWD_CANT_CHANGE);
    assert_eq!(refusal(&desk), Some(Verdict::PasswordTooRecent));
    // What is no password has no age, and a domain may have no least age.
    desk.account.has_password = false;
    assert_eq!(refusal(&desk), None);
    desk.account.has_password = true;
    let least = core::mem::replace(&mut desk.policy.min_age, 0);
    assert_eq!(refusal(&desk), None);
    desk.policy.min_age = least;
    assert_eq!(refusal(&desk), Some(Verdict::PasswordTooRecent));
    desk.pass(DAY);
    assert_eq!(refusal(&desk), None);
}

#[test]
fn nobody_changes_a_password_through_a_service_that_is_closed() {
    let mut desk = Desk::new().flag(Flags::PASSWD_CANT_CHANGE);
    desk.account.workstations = vec!["other".to_owned()];
    let judged = |desk: &Desk| {
        let mut place = desk.place("passwd");
        place.logon_type = LogonType::Deny;
        // As a logon through it is refused.
        let logon = desk.judge_at(&place, Proof::Password).decision;
        let change = judge_change(&desk.account, &desk.policy, &place, desk.now);
        assert_eq!(change.as_ref(), Some(&logon));
        (logon.verdict, logon.rule)
    };
    assert_eq!(judged(&desk).0, Verdict::InvalidWorkstation);
    desk.account.workstations.clear();
    let closed = (Verdict::InvalidLogonType, Rule::LogonRight);
    assert_eq!(judged(&desk), closed);
    assert_eq!(refusal(&desk), Some(Verdict::PasswordCantChange));
}

#[test]
fn an_old_password_is_no_obstacle_to_a_new_one() {
    for mut desk in [Desk::new().must_change(), Desk::new().expired()] {
        assert_eq!(desk.change(RIGHT, OTHER).verdict, Verdict::Success);
        assert_eq!(desk.logon("login", OTHER).verdict, Verdict::Success);
    }
}

#[test]
fn a_demanded_change_does_not_wait_and_the_next_one_does() {
    let mut desk = Desk::new().must_change();
    assert_eq!(desk.change(RIGHT, OTHER).verdict, Verdict::Success);
    let changed = desk.now;
    let refused = desk.change(OTHER, "Yet-another-0ne");
    assert_eq!(refused.verdict, Verdict::PasswordTooRecent);
    assert_eq!(refused.rule, Rule::MinimumAge);
    assert_eq!(refused.params.next_change, Some(changed.plus(DAY)));
    desk.now = changed.plus(DAY - 1);
    let refused = desk.change(OTHER, "Yet-another-0ne");
    assert_eq!(refused.verdict, Verdict::PasswordTooRecent);
    desk.pass(1);
    assert_eq!(
        desk.change(OTHER, "Yet-another-0ne").verdict,
        Verdict::Success
    );
}

#[test]
fn an_administrator_is_not_held_to_age_and_history() {
    let mut desk = Desk::new();
    desk.set(OTHER);
    // The same password again, on the same day.
    assert_eq!(
        judge_reset(&desk.account, &desk.policy, &Secret::new(OTHER.as_bytes())),
        []
    );
    assert_eq!(
        desk.change(OTHER, OTHER).verdict,
        Verdict::PasswordTooRecent
    );
    desk.pass(2 * DAY);
    assert_eq!(
        desk.change(OTHER, OTHER).verdict,
        Verdict::PasswordHistConflict
    );
    assert_eq!(
        desk.change(OTHER, RIGHT).verdict,
        Verdict::PasswordHistConflict
    );
    // But to length and complexity.
    let broken = judge_reset(&desk.account, &desk.policy, &Secret::new(b"abc"));
    assert_eq!(
        broken,
        [Verdict::PasswordTooShort, Verdict::PasswordNotComplexEnough]
    );
}

#[test]
fn all_that_failed_is_told_and_the_first_decides() {
    let mut desk = Desk::new();
    desk.history.push("alice".to_owned());
    let refused = desk.change(RIGHT, "alice");
    assert_eq!(refused.verdict, Verdict::PasswordTooShort);
    assert_eq!(refused.rule, Rule::Form);
    assert_eq!(
        refused.also,
        [
            Verdict::PasswordNotComplexEnough,
            Verdict::PasswordHistConflict
        ]
    );
    assert_eq!(refused.params.min_length, Some(8));
    assert_eq!(refused.params.history, Some(24));
    assert_eq!(refused.params.user, "alice");
    let place = desk.place("passwd");
    let only = |verdict| decide_new(&desk.account, &desk.policy, &place, &[verdict]);
    let rule = |verdict| only(verdict).map(|decision| decision.rule);
    assert_eq!(
        rule(Verdict::PasswordNotComplexEnough),
        Some(Rule::Complexity)
    );
    assert_eq!(rule(Verdict::PasswordHistConflict), Some(Rule::History));
    assert_eq!(rule(Verdict::IllFormedPassword), Some(Rule::Form));
    assert_eq!(decide_new(&desk.account, &desk.policy, &place, &[]), None);
}

#[test]
fn lengths_are_counted_in_utf_16() {
    let mut desk = Desk::new();
    desk.policy.complexity = false;
    desk.policy.max_length = 10;
    // A letter outside the basic plane counts twice.
    for (new, expected) in [
        ("aaaaaaa".to_owned(), vec![Verdict::PasswordTooShort]),
        ("aaaaaaaa".to_owned(), vec![]),
        ("\u{10400}".repeat(3), vec![Verdict::PasswordTooShort]),
        ("\u{10400}".repeat(4), vec![]),
        ("\u{10400}".repeat(5), vec![]),
        ("\u{10400}".repeat(6), vec![Verdict::PasswordTooLong]),
        ("\u{e4}".repeat(10), vec![]),
        ("\u{e4}".repeat(11), vec![Verdict::PasswordTooLong]),
    ] {
        assert_eq!(broken(&desk, new.as_bytes(), false), expected, "{new}");
    }
    desk.policy.max_length = 256;
    assert_eq!(broken(&desk, &[b'a'; 256], false), []);
    for length in [257, 513, 100_000] {
        let new = vec![b'a'; length];
        assert_eq!(broken(&desk, &new, false), [Verdict::PasswordTooLong]);
    }
}

#[test]
fn what_no_keyboard_makes_is_refused() {
    let desk = Desk::new();
    assert_eq!(
        broken(&desk, b"Good-0ne\xff", false),
        [Verdict::IllFormedPassword]
    );
    assert_eq!(
        broken(&desk, b"\xc3", true),
        [Verdict::IllFormedPassword, Verdict::PasswordHistConflict]
    );
    for odd in [
        "Good\0-0ne",
        "Good\n-0ne",
        "Good\u{7f}-0ne",
        "Good\u{85}-0ne",
    ] {
        assert_eq!(broken(&desk, odd.as_bytes(), false), [Verdict::BadPassword]);
    }
}

#[test]
fn the_blank_password_needs_its_flag() {
    let mut desk = Desk::new();
    desk.policy.complexity = false;
    desk.policy.min_length = 0;
    assert_eq!(broken(&desk, b"", false), [Verdict::PasswordTooShort]);
    let mut free = Desk::new().flag(Flags::PASSWD_NOTREQD);
    assert_eq!(broken(&free, b"", true), []);
    // Free of length and history, not of complexity.
    assert_eq!(broken(&free, b"aB3", true), []);
    assert_eq!(
        broken(&free, b"abc", true),
        [Verdict::PasswordNotComplexEnough]
    );
    free.policy.max_length = 2;
    assert_eq!(broken(&free, b"aB3", true), [Verdict::PasswordTooLong]);
}

#[test]
fn no_history_no_conflict() {
    let mut desk = Desk::new();
    desk.policy.history = 0;
    assert_eq!(new_history_needed(&desk.policy), 0);
    assert_eq!(broken(&desk, b"Right-0ne", true), []);
    desk.policy.history = 1;
    assert_eq!(
        broken(&desk, b"Right-0ne", true),
        [Verdict::PasswordHistConflict]
    );
}

#[test]
fn the_rules_are_those_that_hold_for_the_account() {
    let desk = Desk::new();
    let rules = change_rules(&desk.account, &desk.policy);
    assert_eq!(rules.min_length, Some(8));
    assert_eq!(rules.max_length, Some(256));
    assert_eq!(rules.history, Some(24));
    assert_eq!(rules.complexity, Some(true));
    let mut free = Desk::new().flag(Flags::PASSWD_NOTREQD);
    free.policy.complexity = false;
    assert_eq!(
        password_rules(&change_rules(&free.account, &free.policy)),
        None
    );
}

#[test]
fn a_refused_change_leaves_the_account_as_it_was() {
    let mut desk = Desk::new();
    let (account, history) = (desk.account.clone(), desk.history.clone());
    for new in ["abc", "", "alicealice", RIGHT, "Good\0-0ne-here"] {
        assert!(!desk.change(RIGHT, new).verdict.grants(), "{new}");
    }
    assert_eq!(desk.account, account);
    assert_eq!(desk.history, history);
}
