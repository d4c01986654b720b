//! What must hold for every account, every place and every order of events.

use crate::desk::{Desk, MINUTE};
use domlogon_protocol::{
    AuthCode, Hook, LogonHours, LogonType, Outcome, PamCode, Policy, Rule, Secret, Sid, Timestamp,
    Told, Verdict,
};
use domlogon_rules::{
    Account, Flags, Host, Judgement, Lockout, Place, Proof, Rights, Token,
    decide_wrong_old_password, decide_wrong_password, durations, hours, judge, judge_change,
    judge_new, locked,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const RIGHT: &str = "Right-0ne";

fn rights(everybody: bool) -> Rights {
    if everybody {
        Rights::everybody()
    } else {
        Rights::none(1)
    }
}

fn token(account: &Account) -> Token {
    Token::new(&account.name, account.sid.clone(), Vec::new())
}

/// An instant near the others, or anywhere.
fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => 1_763_000_000i64..1_765_000_000,
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(0), Just(i64::MAX)],
    ]
    .prop_map(Timestamp)
}

fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0i64..2_000_000, 1 => any::<i64>(), 1 => Just(0)]
}

prop_compose! {
    fn policy()(
        (min_length, max_length, history) in (0u32..20, 1u32..300, 0u32..1_030),
        (max_age, min_age, warn) in (option::of(seconds()), seconds(), seconds()),
        complexity in any::<bool>(),
        lockout_threshold in 0u32..6,
        (lockout_duration, lockout_window) in (option::of(seconds()), seconds()),
    ) -> Policy {
        Policy {
            min_length, max_length, history, max_age, min_age, complexity,
            lockout_threshold, lockout_duration, lockout_window, warn,
        }
    }
}

prop_compose! {
    fn account()(
        rid in prop_oneof![Just(500u32), 1_000u32..2_000],
        flags in vec(prop_oneof![
            Just(Flags::ACCOUNTDISABLE), Just(Flags::PASSWD_NOTREQD),
            Just(Flags::PASSWD_CANT_CHANGE), Just(Flags::DONT_EXPIRE_PASSWD),
            Just(Flags::SMARTCARD_REQUIRED), Just(Flags::WORKSTATION_TRUST_ACCOUNT),
        ], 0..2),
        (has_password, blank_password) in (any::<bool>(), any::<bool>()),
        (password_set, expires) in (option::of(instant()), option::of(instant())),
        hours in option::of(any::<[u8; 21]>()),
        workstations in vec("ws[0-3]", 0..3),
        (count, last_bad, since) in (0u32..8, option::of(instant()), option::of(instant())),
    ) -> Account {
        let mut account = Account::new("alice", Sid::domain(1, 2, 3).with_rid(rid));
        account.flags = flags.into_iter().fold(account.flags, Flags::with);
        account.has_password = has_password;
        account.blank_password = blank_password;
        account.password_set = password_set;
        account.expires = expires;
        account.hours = hours.map(LogonHours);
        account.workstations = workstations;
        account.lockout = Lockout { count, last_bad, since };
        account
    }
}

fn logon_type() -> impl Strategy<Value = LogonType> {
    prop_oneof![
        Just(LogonType::Interactive),
        Just(LogonType::Network),
        Just(LogonType::Batch),
        Just(LogonType::Service),
        Just(LogonType::Unlock),
        Just(LogonType::RemoteInteractive),
        Just(LogonType::Permit),
        Just(LogonType::Deny),
    ]
}

fn proof() -> impl Strategy<Value = Proof> {
    prop_oneof![Just(Proof::Password), Just(Proof::Other), Just(Proof::None)]
}

fn host() -> Host {
    Host {
        short: "ws1".to_owned(),
        fqdn: "ws1.corp.example".to_owned(),
    }
}

fn place<'a>(
    host: &'a Host,
    rights: &'a Rights,
    logon_type: LogonType,
    can_change: bool,
) -> Place<'a> {
    Place {
        service: "any",
        logon_type,
        can_change,
        host,
        domain: "CORP",
        rights,
    }
}

/// Verdicts that let somebody in but for a new password.
fn leads_into_a_change(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::MustChange | Verdict::PasswordExpired)
}

/// The steps and the decision tell one story.
fn check_story(judged: &Judgement) -> Result<(), TestCaseError> {
    let decided = judged
        .steps
        .iter()
        .position(|s| s.outcome == Outcome::Decided);
    let would = judged
        .steps
        .iter()
        .position(|s| s.outcome == Outcome::WouldRefuse);
    prop_assert_eq!(judged.steps.len(), 12);
    match decided {
        Some(first) => {
            prop_assert_eq!(judged.steps[first].rule, judged.decision.rule);
            prop_assert_ne!(judged.decision.verdict, Verdict::Success);
            prop_assert!(judged.decision.notices.is_empty());
            prop_assert!(would.is_none_or(|later| later > first));
        }
        None => {
            prop_assert_eq!(judged.decision.verdict, Verdict::Success);
            prop_assert_eq!(judged.decision.rule, Rule::AllPassed);
            prop_assert!(would.is_none());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// sshd is told success by authenticate for what account management will refuse. So it
    /// must refuse it, the password being out of its sight: success there would let in.
    #[test]
    fn what_sshd_defers_is_refused_without_the_password(
        account in account(), policy in policy(), logon_type in logon_type(),
        now in instant(), everybody in any::<bool>(),
    ) {
        let (host, rights) = (host(), rights(everybody));
        let place = place(&host, &rights, logon_type, true);
        let token = token(&account);
        let verdict = |proof| judge(&account, &token, &policy, &place, proof, now).decision.verdict;
        let at_the_password = verdict(Proof::Password);
        if let AuthCode::SshdDefers(_) = at_the_password.row().codes.authenticate {
            let at_account = verdict(Proof::Other);
            let code = at_account.pam_code(Hook::Account, "sshd");
            prop_assert!(
                !matches!(code, PamCode::Success | PamCode::NewAuthtokReqd),
                "{at_the_password:?} deferred, then {at_account:?}"
            );
        }
    }

    /// Every account at every place has a judgement, and it keeps the great promises.
    #[test]
    fn every_logon_is_judged(
        account in account(), policy in policy(), logon_type in logon_type(),
        can_change in any::<bool>(), proof in proof(), now in instant(), everybody in any::<bool>(),
    ) {
        let (host, rights) = (host(), rights(everybody));
        let place = place(&host, &rights, logon_type, can_change);
        let judged = judge(&account, &token(&account), &policy, &place, proof, now);
        check_story(&judged)?;
        let verdict = judged.decision.verdict;
        if leads_into_a_change(verdict) {
            prop_assert!(can_change && !account.flags.contains(Flags::PASSWD_CANT_CHANGE));
        }
        if verdict.grants() {
            prop_assert!(!account.flags.contains(Flags::ACCOUNTDISABLE));
            prop_assert!(account.expires.is_none_or(|end| now <= end));
            prop_assert!(!account.is_trust());
            prop_assert!(logon_type != LogonType::Deny);
            prop_assert!(everybody || logon_type == LogonType::Permit);
            let is_job = logon_type == LogonType::Batch && proof != Proof::Password;
            prop_assert!(is_job || !account.is_locked(&policy, now));
        }
        if logon_type == LogonType::Batch {
            prop_assert!(!leads_into_a_change(verdict));
        }
    }

    /// Without the proof only the lockout shows: what a wrong password gets, and what a
    /// locked account gets, may be told to anyone, and names nothing else of the account.
    #[test]
    fn nothing_that_needs_proof_is_told_without_it(
        account in account(), policy in policy(), logon_type in logon_type(),
        can_change in any::<bool>(), now in instant(),
    ) {
        let (host, rights) = (host(), rights(false));
        let place = place(&host, &rights, logon_type, can_change);
        let wrong = [
            decide_wrong_password(&account, &place),
            decide_wrong_old_password(&account, &place),
        ];
        for decision in wrong.into_iter().chain(locked(&account, &policy, &place, now)) {
            prop_assert_eq!(decision.verdict.row().told, Told::Anyone);
            prop_assert!(!decision.verdict.grants());
            prop_assert!(decision.also.is_empty() && decision.notices.is_empty());
            let params = decision.params;
            prop_assert_eq!((params.until, params.next_allowed, params.next_change), (None, None, None));
        }
        // And whoever is locked out is told just that, whatever else is wrong.
        if account.is_locked(&policy, now) {
            let judged = judge(&account, &token(&account), &policy, &place, Proof::Password, now);
            prop_assert_eq!(judged.decision.verdict, Verdict::LockedOut);
            let refused = judge_change(&account, &policy, &place, now);
            prop_assert_eq!(refused.map(|d| d.verdict), Some(Verdict::LockedOut));
        }
    }

    /// Every new password has a judgement, in the order of the evaluation, each rule once.
    #[test]
    fn every_new_password_is_judged(
        account in account(), policy in policy(), new in vec(any::<u8>(), 0..40), in_history in any::<bool>(),
    ) {
        const ORDER: [Verdict; 6] = [
            Verdict::IllFormedPassword, Verdict::PasswordTooShort, Verdict::PasswordTooLong,
            Verdict::BadPassword, Verdict::PasswordNotComplexEnough, Verdict::PasswordHistConflict,
        ];
        let broken = judge_new(&account, &policy, &Secret::new(&new), in_history);
        let places: Vec<_> = broken.iter().map(|v| ORDER.iter().position(|o| o == v)).collect();
        prop_assert!(places.iter().all(Option::is_some), "{broken:?}");
        prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{broken:?}");
    }

    /// Hours that are printed are read as the same hours, in every zone.
    #[test]
    fn printed_hours_are_read_back(bytes in any::<[u8; 21]>(), quarters in -56i32..=56) {
        let (given, offset) = (LogonHours(bytes), quarters * 15);
        let text = hours::format(&given, offset);
        prop_assert_eq!(hours::parse(&text, offset), Ok(given), "{}", text);
    }

    /// So are hours as people have them: few ranges, on many days.
    #[test]
    fn printing_what_was_read_settles(
        first in 0usize..7, last in 0usize..7, start in 0u32..24, length in 1u32..24, zone in -12i32..=14,
    ) {
        const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        let end = (start + length) % 24;
        let written = format!("{}-{} {start:02}:00-{end:02}:00", DAYS[first], DAYS[last]);
        let read = hours::parse(&written, zone * 60).expect("well written");
        let printed = hours::format(&read, zone * 60);
        prop_assert_eq!(hours::parse(&printed, zone * 60), Ok(read), "{} {}", written, printed);
        prop_assert_eq!(hours::format(&read, zone * 60), printed);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}", offset in any::<i32>()) {
        let _ = hours::parse(&text, offset);
        let _ = durations::parse(&text);
    }

    #[test]
    fn the_next_allowed_instant_is_the_first_one(bytes in any::<[u8; 21]>(), now in 0i64..4_000_000_000) {
        let (given, now) = (LogonHours(bytes), Timestamp(now));
        match hours::next_allowed(&given, now) {
            Some(next) => {
                prop_assert!(next >= now && hours::allowed(&given, next));
                prop_assert!(next == now || !hours::allowed(&given, next.plus(-1)));
                prop_assert!(next == now || !hours::allowed(&given, now));
            }
            None => prop_assert_eq!(given, LogonHours::NEVER),
        }
    }

    #[test]
    fn printed_durations_are_read_back(seconds in 0i64..=i64::MAX) {
        let text = durations::format(seconds);
        prop_assert_eq!(durations::parse(&text), Ok(durations::Span::Seconds(seconds)), "{}", text);
    }
}

/// What may happen to an account.
#[derive(Clone, Debug)]
enum Event {
    Right,
    Wrong,
    WrongOld,
    Before,
    Unlock,
    Pass(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Right),
        6 => Just(Event::Wrong),
        2 => Just(Event::WrongOld),
        1 => Just(Event::Before),
        1 => Just(Event::Unlock),
        4 => (0..40 * MINUTE).prop_map(Event::Pass),
        1 => prop_oneof![Just(Event::Pass(30 * MINUTE)), Just(Event::Pass(1))],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// No order of events lets a locked account in before its time, keeps it locked after
    /// its time, or gives more guesses than the threshold: told by a second count, kept
    /// in a simpler way.
    #[test]
    fn a_locked_account_stays_locked_for_its_time(
        events in vec(event(), 1..80), threshold in 1u32..5, forever in any::<bool>(),
    ) {
        let mut desk = Desk::new();
        desk.policy.lockout_threshold = threshold;
        desk.policy.max_age = None;
        desk.policy.lockout_duration = (!forever).then_some(30 * MINUTE);
        desk.history.push("before".to_owned());
        // Wrong guesses since the last good logon, unlock or lockout, and when they were made.
        let mut guesses: Vec<Timestamp> = Vec::new();
        let mut locked_at: Option<Timestamp> = None;
        for event in events {
            let now = desk.now;
            let shut = locked_at.is_some_and(|at| forever || now.since(at) <= 30 * MINUTE);
            let got = match event {
                Event::Right => desk.logon("login", RIGHT).verdict,
                Event::Wrong => desk.logon("login", "x").verdict,
                Event::WrongOld => desk.change("x", "Another-0ne").verdict,
                Event::Before => desk.logon("login", "before").verdict,
                Event::Unlock => {
                    desk.account.lockout = desk.account.lockout.unlocked();
                    (guesses, locked_at) = (Vec::new(), None);
                    continue;
                }
                Event::Pass(seconds) => {
                    desk.pass(seconds);
                    continue;
                }
            };
            let expected = match event {
                _ if shut => Verdict::LockedOut,
                Event::Right => Verdict::Success,
                Event::WrongOld => Verdict::InvalidPassword,
                _ => Verdict::LogonFailure,
            };
            prop_assert_eq!(got, expected, "{:?} at {:?}, locked at {:?}", event, now, locked_at);
            match event {
                _ if shut => {}
                Event::Right => (guesses, locked_at) = (Vec::new(), None),
                Event::Wrong | Event::WrongOld => {
                    if guesses.last().is_some_and(|last| now.since(*last) > 30 * MINUTE) {
                        guesses.clear();
                    }
                    guesses.push(now);
                    if guesses.len() >= usize::try_from(threshold).unwrap_or(0) {
                        locked_at = Some(now);
                    }
                }
                Event::Before | Event::Unlock | Event::Pass(_) => {}
            }
        }
    }
}
