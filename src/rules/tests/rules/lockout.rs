//! The lockout: counting, locking, ending, and what is forgiven.

use crate::desk::{DAY, Desk, MINUTE};
use domlogon_protocol::{Sid, Verdict};
use domlogon_rules::{Flags, Lockout};

const RIGHT: &str = "Right-0ne";

fn three_strikes() -> Desk {
    let mut desk = Desk::new();
    desk.policy.lockout_threshold = 3;
    desk
}

#[test]
fn the_third_wrong_password_locks_for_the_duration() {
    let mut desk = three_strikes();
    for _ in 0..3 {
        assert_eq!(desk.logon("login", "x").verdict, Verdict::LogonFailure);
    }
    let since = desk.now;
    assert_eq!(desk.account.lockout.since, Some(since));
    desk.pass(MINUTE);
    let refused = desk.logon("login", RIGHT);
    assert_eq!(refused.verdict, Verdict::LockedOut);
    assert_eq!(refused.params.locked_until, Some(since.plus(30 * MINUTE)));
    assert_eq!(refused.params.minutes, Some(29));
    // At the very end it is still locked, a second later no more.
    desk.now = since.plus(30 * MINUTE);
    let refused = desk.logon("login", RIGHT);
    assert_eq!(refused.verdict, Verdict::LockedOut);
    assert_eq!(refused.params.minutes, Some(1));
    desk.pass(1);
    assert_eq!(
        desk.account.lockout.count, 3,
        "the count waits for a good logon"
    );
    assert_eq!(desk.logon("login", RIGHT).verdict, Verdict::Success);
    assert_eq!(desk.account.lockout, Lockout::default());
}

#[test]
fn trying_while_locked_extends_nothing() {
    let mut desk = three_strikes().locked();
    let before = desk.account.lockout;
    for _ in 0..10 {
        assert_eq!(desk.logon("login", "x").verdict, Verdict::LockedOut);
        desk.pass(MINUTE);
    }
    assert_eq!(desk.account.lockout, before);
    let place = desk.place("login");
    let exempt = desk.account.exempt();
    assert_eq!(before.after_bad(&desk.policy, desk.now, exempt), before);
    assert!(domlogon_rules::locked(&desk.account, &desk.policy, &place, desk.now).is_some());
}

#[test]
fn the_window_forgets() {
    let mut desk = three_strikes();
    desk.logon("login", "x");
    desk.pass(30 * MINUTE);
    desk.logon("login", "x");
    assert_eq!(
        desk.account.lockout.count, 2,
        "at the window's end it still counts"
    );
    desk.pass(30 * MINUTE + 1);
    assert_eq!(
        desk.account.lockout.effective_count(&desk.policy, desk.now),
        0
    );
    desk.logon("login", "x");
    assert_eq!(desk.account.lockout.count, 1);
}

#[test]
fn a_lockout_without_end_is_ended_by_an_administrator() {
    for duration in [None, Some(0)] {
        let mut desk = three_strikes();
        desk.policy.lockout_duration = duration;
        for _ in 0..3 {
            desk.logon("login", "x");
        }
        desk.pass(10_000 * DAY);
        let refused = desk.logon("login", RIGHT);
        assert_eq!(refused.verdict, Verdict::LockedOut);
        assert_eq!(refused.params.locked_until, None);
        assert_eq!(refused.params.minutes, None);
        desk.account.lockout = desk.account.lockout.unlocked();
        desk.policy.max_age = None;
        assert_eq!(desk.logon("login", RIGHT).verdict, Verdict::Success);
    }
}

#[test]
fn no_threshold_no_count() {
    let mut desk = Desk::new();
    desk.policy.lockout_threshold = 0;
    for _ in 0..100 {
        assert_eq!(desk.logon("login", "x").verdict, Verdict::LogonFailure);
    }
    assert_eq!(desk.account.lockout, Lockout::default());
}

#[test]
fn the_two_passwords_before_the_current_one_are_forgiven() {
    let mut desk = three_strikes();
    desk.history = ["now", "n-1", "n-2", "n-3"].map(str::to_owned).to_vec();
    for _ in 0..10 {
        assert_eq!(desk.logon("login", "n-1").verdict, Verdict::LogonFailure);
        assert_eq!(desk.logon("login", "n-2").verdict, Verdict::LogonFailure);
    }
    assert_eq!(desk.account.lockout, Lockout::default());
    desk.logon("login", "n-3");
    assert_eq!(desk.account.lockout.count, 1);
}

#[test]
fn no_more_is_forgiven_than_the_history_keeps() {
    for (history, forgiven) in [(0, 0), (1, 0), (2, 1), (3, 2), (24, 2)] {
        let mut desk = three_strikes();
        desk.policy.history = history;
        desk.history = ["now", "n-1", "n-2"].map(str::to_owned).to_vec();
        desk.logon("login", "n-1");
        assert_eq!(desk.account.lockout.count == 0, forgiven >= 1, "{history}");
        desk.account.lockout = Lockout::default();
        desk.logon("login", "n-2");
        assert_eq!(desk.account.lockout.count == 0, forgiven >= 2, "{history}");
    }
}

#[test]
fn the_built_in_administrator_is_not_counted() {
    let mut desk = three_strikes();
    desk.account.sid = Sid::domain(1, 2, 3).with_rid(500);
    for _ in 0..10 {
        assert_eq!(desk.logon("login", "x").verdict, Verdict::LogonFailure);
    }
    assert_eq!(desk.account.lockout, Lockout::default());
    assert_eq!(desk.logon("login", RIGHT).verdict, Verdict::Success);
}

#[test]
fn trust_accounts_are_counted_and_never_lock() {
    let mut desk = three_strikes().flag(Flags::WORKSTATION_TRUST_ACCOUNT);
    for _ in 0..5 {
        assert_eq!(desk.logon("login", "x").verdict, Verdict::LogonFailure);
    }
    assert_eq!(desk.account.lockout.count, 5);
    assert_eq!(desk.account.lockout.since, None);
    // Nor is one locked by a state that came from elsewhere.
    assert!(
        !desk
            .locked()
            .account
            .is_locked(&three_strikes().policy, crate::desk::NOON)
    );
}

#[test]
fn a_wrong_old_password_counts_like_a_logon() {
    let mut desk = three_strikes();
    for _ in 0..3 {
        let refused = desk.change("x", "Another-0ne");
        assert_eq!(refused.verdict, Verdict::InvalidPassword);
    }
    assert_eq!(desk.logon("login", RIGHT).verdict, Verdict::LockedOut);
    assert_eq!(
        desk.change(RIGHT, "Another-0ne").verdict,
        Verdict::LockedOut
    );
}

#[test]
fn a_right_password_at_a_wrong_hour_keeps_the_count() {
    let mut desk = three_strikes();
    desk.account.hours = Some(domlogon_protocol::LogonHours::NEVER);
    desk.logon("login", "x");
    assert_eq!(
        desk.logon("login", RIGHT).verdict,
        Verdict::InvalidLogonHours
    );
    assert_eq!(desk.account.lockout.count, 1);
    desk.account.hours = None;
    assert_eq!(desk.logon("login", RIGHT).verdict, Verdict::Success);
    assert_eq!(desk.account.lockout.count, 0);
}
