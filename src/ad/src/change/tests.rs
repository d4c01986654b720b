//! What a refusal of the directory is called.

use super::service::{ACCESS_DENIED, AUTH_ERROR, SOFT_ERROR, refused_there};
use super::*;
use crate::entry::Person;
use domlogon_krb5::KpasswdPolicy;
use domlogon_protocol::{LogonType, Policy};
use domlogon_rules::{Host, Rights};

fn live(is_guess: bool) -> Live {
    Live {
        person: Person::example("alice", 1103),
        groups: Vec::new(),
        policy: Policy::default(),
        is_guess,
        refuses_change: false,
    }
}

fn refused(live: &Live, code: u16, text: Option<&str>, policy: Option<KpasswdPolicy>) -> Decision {
    let host = Host {
        short: "ws1".to_owned(),
        fqdn: "ws1.corp.example".to_owned(),
    };
    let rights = Rights::default();
    let place = Place {
        service: "passwd",
        logon_type: LogonType::Permit,
        can_change: true,
        host: &host,
        domain: "CORP",
        rights: &rights,
    };
    refused_there(live, code, text, policy, &place)
}

#[test]
fn sambas_words_become_our_conditions() {
    for (text, verdict) in [
        (
            "Password too short, password must be at least 12 characters long.",
            Verdict::PasswordTooShort,
        ),
        (
            "Password does not meet complexity requirements",
            Verdict::PasswordNotComplexEnough,
        ),
        (
            "Password is already in password history. New password must not match any of \
             your 24 previous passwords.",
            Verdict::PasswordHistConflict,
        ),
        (
            "Password change rejected, password changes may not be permitted on this \
             account, or the minimum password age may not have elapsed.",
            Verdict::PasswordTooRecent,
        ),
        ("Nein.", Verdict::PasswordRestriction),
    ] {
        let decision = refused(&live(false), SOFT_ERROR, Some(text), None);
        assert_eq!(decision.verdict, verdict, "{text}");
        assert!(!decision.verdict.grants());
    }
}

#[test]
fn the_number_that_was_broken_is_told_where_ours_is_a_guess() {
    let text = "Password too short, password must be at least 12 characters long.";
    let told = |live: &Live| {
        refused(live, SOFT_ERROR, Some(text), None)
            .params
            .min_length
    };
    assert_eq!(told(&live(true)), Some(12));
    assert_eq!(told(&live(false)), Some(8));
}

#[test]
fn windows_numbers_take_the_place_of_ours() {
    let policy = KpasswdPolicy {
        min_length: 14,
        history: 3,
        properties: 1,
        max_age: 0,
        min_age: 86_400,
    };
    let decision = refused(&live(false), SOFT_ERROR, None, Some(policy));
    assert_eq!(decision.verdict, Verdict::PasswordHistConflict);
    assert_eq!(decision.params.history, Some(3));
    assert_eq!(decision.params.min_length, Some(14));
}

#[test]
fn whatever_else_it_says_nothing_is_granted() {
    for code in 0..=u16::from(u8::MAX) {
        assert!(
            !refused(&live(false), code, None, None).verdict.grants(),
            "{code}"
        );
    }
    let verdict = |code| refused(&live(false), code, None, None).verdict;
    assert_eq!(verdict(ACCESS_DENIED), Verdict::PasswordCantChange);
    assert_eq!(verdict(AUTH_ERROR), Verdict::InvalidPassword);
    assert_eq!(verdict(2), Verdict::DceErrorLogged);
}

#[test]
fn a_guess_shows_no_rules_and_refuses_nothing_that_might_pass() {
    assert_eq!(shown_rules(&live(true)), Params::default());
    assert_eq!(shown_rules(&live(false)).min_length, Some(8));
}
