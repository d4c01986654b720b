//! The order of evaluation of a logon, and what each way in makes of it.

use crate::desk::{DAY, Desk, MINUTE, place_of};
use domlogon_protocol::{
    Fact, LogonHours, LogonType, Notice, Outcome, Policy, Rule, Timestamp, Verdict,
};
use domlogon_rules::{
    Account, Flags, OTHER, PasswordEnd, Place, Proof, Rights, decide_unknown, explain,
};

const RIGHT: &str = "Right-0ne";

/// Everything is wrong with the account at once, for a service over the network.
fn wreck() -> Desk {
    let mut desk = Desk::new()
        .flag(Flags::ACCOUNTDISABLE)
        .flag(Flags::SERVER_TRUST_ACCOUNT)
        .must_change();
    desk.account.expires = Some(desk.now.plus(-1));
    desk.account.hours = Some(LogonHours::NEVER);
    desk.account.workstations = vec!["other".to_owned()];
    desk
}

#[test]
fn the_first_step_that_does_not_pass_decides() {
    let mut desk = wreck();
    let nobody = Rights::none(1);
    // A trust account neither locks nor has to change its password: those come further down.
    let mut expect = |verdict: Verdict, rule: Rule, mend: fn(&mut Account)| {
        let place = place_of(&desk.host, &nobody, LogonType::Network, false);
        let judged = desk.judge_at(&place, Proof::Password);
        assert_eq!(
            (judged.decision.verdict, judged.decision.rule),
            (verdict, rule)
        );
        let decided: Vec<Rule> = judged
            .steps
            .iter()
            .filter(|step| step.outcome == Outcome::Decided)
            .map(|step| step.rule)
            .collect();
        assert_eq!(decided, [rule]);
        mend(&mut desk.account);
    };
    expect(Verdict::Disabled, Rule::Disabled, |a| {
        a.flags = a.flags.without(Flags::ACCOUNTDISABLE);
    });
    expect(Verdict::AccountExpired, Rule::AccountExpires, |a| {
        a.expires = None
    });
    expect(Verdict::ServerTrustAccount, Rule::AccountType, |a| {
        a.flags = a.flags.without(Flags::SERVER_TRUST_ACCOUNT);
    });
    expect(Verdict::InvalidLogonHours, Rule::LogonHours, |a| {
        a.hours = None
    });
    expect(Verdict::InvalidWorkstation, Rule::Workstation, |a| {
        a.workstations.clear()
    });
    expect(Verdict::LogonTypeNotGranted, Rule::LogonRight, |_| {});
    let judged = desk.judge("vsftpd", Proof::Password);
    assert_eq!(judged.decision.verdict, Verdict::MustChangeElsewhere);
    assert_eq!(judged.decision.rule, Rule::MustChange);
}

#[test]
fn what_would_refuse_too_is_marked() {
    let mut desk = wreck();
    desk.account.flags = desk.account.flags.without(Flags::SERVER_TRUST_ACCOUNT);
    let steps = desk.judge("login", Proof::Password).steps;
    let outcomes: Vec<(Rule, Outcome)> = steps.iter().map(|s| (s.rule, s.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            (Rule::Name, Outcome::Passed),
            (Rule::Lockout, Outcome::Passed),
            (Rule::Password, Outcome::Passed),
            (Rule::Disabled, Outcome::Decided),
            (Rule::AccountExpires, Outcome::WouldRefuse),
            (Rule::AccountType, Outcome::Passed),
            (Rule::SmartCard, Outcome::Passed),
            (Rule::LogonHours, Outcome::WouldRefuse),
            (Rule::Workstation, Outcome::WouldRefuse),
            (Rule::LogonRight, Outcome::Passed),
            (Rule::MustChange, Outcome::WouldRefuse),
            (Rule::PasswordAge, Outcome::Passed),
        ]
    );
}

#[test]
fn nothing_of_the_account_shows_before_the_password_but_the_lockout() {
    let mut desk = Desk::new().flag(Flags::ACCOUNTDISABLE);
    assert_eq!(desk.logon("login", "x").verdict, Verdict::LogonFailure);
    assert_eq!(desk.logon("login", RIGHT).verdict, Verdict::Disabled);
    let mut desk = desk.locked();
    assert_eq!(desk.logon("login", RIGHT).verdict, Verdict::LockedOut);
    let unknown = decide_unknown("nobody", &desk.place("login"));
    assert_eq!(unknown.verdict, Verdict::UserNotFound);
    assert_eq!(unknown.params.user, "nobody");
}

#[test]
fn an_old_password_leads_into_a_change_where_one_can_be_made() {
    let demanded = Desk::new().must_change();
    let expired = Desk::new().expired();
    for service in ["login", "sshd", "su", "sudo", "passwd", "gdm-password"] {
        for verdict in [
            demanded.with_password(service),
            demanded.without_password(service),
        ] {
            assert_eq!(verdict, Verdict::MustChange, "{service}");
        }
        assert_eq!(
            expired.with_password(service),
            Verdict::PasswordExpired,
            "{service}"
        );
    }
    for service in ["vsftpd", "dovecot", "no-such-service"] {
        assert_eq!(
            demanded.with_password(service),
            Verdict::MustChangeElsewhere,
            "{service}"
        );
        assert_eq!(
            expired.with_password(service),
            Verdict::PasswordExpiredElsewhere
        );
    }
    let decision = expired.judge("login", Proof::Password).decision;
    assert_eq!(decision.params.until, Some(expired.now.plus(-DAY)));
    assert!(decision.notices.is_empty());
}

#[test]
fn over_the_network_the_cure_is_named_and_at_the_console_it_is_offered() {
    let mut desk = Desk::new().expired();
    assert_eq!(
        desk.logon("vsftpd", RIGHT).verdict,
        Verdict::PasswordExpiredElsewhere
    );
    assert_eq!(desk.account.lockout.count, 0, "it is not a bad attempt");
    assert_eq!(desk.logon("login", RIGHT).verdict, Verdict::PasswordExpired);
    assert_eq!(desk.change(RIGHT, "Another-0ne").verdict, Verdict::Success);
    assert_eq!(
        desk.logon("vsftpd", "Another-0ne").verdict,
        Verdict::Success
    );
}

#[test]
fn an_old_password_that_may_not_be_changed_is_a_dead_end() {
    for desk in [Desk::new().must_change(), Desk::new().expired()] {
        let desk = desk.flag(Flags::PASSWD_CANT_CHANGE);
        for service in ["login", "sshd", "vsftpd"] {
            assert_eq!(
                desk.with_password(service),
                Verdict::ExpiredCantChange,
                "{service}"
            );
        }
        assert_eq!(desk.without_password("cron"), Verdict::Success);
    }
}

#[test]
fn the_ends_of_ages_belong_to_the_valid_side() {
    let mut desk = Desk::new();
    desk.account.password_set = Some(desk.now.plus(-42 * DAY));
    assert_eq!(desk.with_password("login"), Verdict::Success);
    desk.pass(1);
    assert_eq!(desk.with_password("login"), Verdict::PasswordExpired);
    let mut desk = Desk::new();
    desk.account.expires = Some(desk.now);
    assert_eq!(desk.with_password("login"), Verdict::Success);
    desk.pass(1);
    let decision = desk.judge("login", Proof::Password).decision;
    assert_eq!(decision.verdict, Verdict::AccountExpired);
    assert_eq!(decision.params.until, Some(desk.now.plus(-1)));
}

#[test]
fn a_password_without_an_end_is_never_demanded_anew() {
    for desk in [Desk::new().must_change(), Desk::new().expired()] {
        let desk = desk.flag(Flags::DONT_EXPIRE_PASSWD);
        assert_eq!(desk.with_password("login"), Verdict::Success);
        assert_eq!(desk.account.password_end(&desk.policy), PasswordEnd::Never);
    }
    for max_age in [None, Some(0), Some(-1)] {
        let mut desk = Desk::new().expired();
        desk.policy.max_age = max_age;
        assert_eq!(desk.with_password("login"), Verdict::Success);
        let mut desk = Desk::new().must_change();
        desk.policy.max_age = max_age;
        assert_eq!(desk.with_password("login"), Verdict::MustChange);
    }
}

#[test]
fn jobs_run_whatever_the_password_and_stop_with_the_account() {
    for desk in [
        Desk::new().must_change(),
        Desk::new().expired(),
        Desk::new().locked(),
    ] {
        let judged = desk.judge("cron", Proof::Other);
        assert_eq!(judged.decision.verdict, Verdict::Success);
        assert!(judged.decision.notices.is_empty());
        let noted = [Rule::Lockout, Rule::MustChange, Rule::PasswordAge];
        let skipped = judged
            .steps
            .iter()
            .filter(|s| s.outcome == Outcome::Skipped && noted.contains(&s.rule));
        assert_eq!(skipped.count(), 1, "the steps say what was overlooked");
    }
    assert_eq!(
        Desk::new().locked().with_password("cron"),
        Verdict::LockedOut
    );
    let disabled = Desk::new().flag(Flags::ACCOUNTDISABLE);
    assert_eq!(disabled.without_password("cron"), Verdict::Disabled);
    let mut desk = Desk::new();
    desk.account.hours = Some(LogonHours::NEVER);
    assert_eq!(desk.without_password("cron"), Verdict::InvalidLogonHours);
    desk.account.expires = Some(desk.now.plus(-1));
    assert_eq!(desk.without_password("cron"), Verdict::AccountExpired);
    let mut desk = Desk::new();
    desk.rights = Rights::none(1);
    let judged = desk.judge("cron", Proof::Other);
    assert_eq!(judged.decision.verdict, Verdict::LogonTypeNotGranted);
}

#[test]
fn a_key_opens_no_locked_account() {
    let desk = Desk::new().locked();
    for service in ["sshd", "su", "sudo", "login"] {
        assert_eq!(
            desk.without_password(service),
            Verdict::LockedOut,
            "{service}"
        );
    }
}

#[test]
fn a_locked_screen_opens_and_reminds() {
    for desk in [Desk::new().must_change(), Desk::new().expired()] {
        let decision = desk.judge("swaylock", Proof::Password).decision;
        assert_eq!(decision.verdict, Verdict::Success);
        assert_eq!(decision.notices, [Notice::ChangeBeforeNextLogon]);
    }
    assert_eq!(
        Desk::new().locked().with_password("swaylock"),
        Verdict::LockedOut
    );
}

#[test]
fn a_step_without_a_dialogue_never_leads_into_a_change() {
    for desk in [Desk::new().must_change(), Desk::new().expired()] {
        for service in ["systemd-user", "polkit-1"] {
            let decision = desk.judge(service, Proof::Other).decision;
            assert_eq!(decision.verdict, Verdict::Success, "{service}");
            assert!(decision.notices.is_empty(), "{service}");
        }
        assert!(desk.without_password("sudo").grants());
        assert_ne!(desk.without_password("sudo"), Verdict::Success);
    }
}

#[test]
fn the_end_of_a_password_is_announced_where_it_is_read() {
    let mut desk = Desk::new();
    desk.account.password_set = Some(desk.now.plus(-28 * DAY));
    let left = 14 * DAY;
    for service in ["login", "sshd", "su", "swaylock"] {
        let notices = desk.judge(service, Proof::Other).decision.notices;
        assert_eq!(notices, [Notice::ExpiresIn(left)], "{service}");
    }
    for service in ["vsftpd", "cron", "systemd-user", "sudo", "passwd"] {
        let notices = desk.judge(service, Proof::Other).decision.notices;
        assert!(notices.is_empty(), "{service}");
    }
    desk.pass(-1);
    assert!(
        desk.judge("login", Proof::Other)
            .decision
            .notices
            .is_empty()
    );
    desk.pass(1);
    desk.policy.warn = 0;
    assert!(
        desk.judge("login", Proof::Other)
            .decision
            .notices
            .is_empty()
    );
}

#[test]
fn hours_name_the_next_allowed_instant() {
    let mut desk = Desk::new();
    desk.account.hours = domlogon_rules::hours::parse("Mon-Fri 13:00-17:00", 0).ok();
    let judged = desk.judge("sshd", Proof::Other);
    assert_eq!(judged.decision.verdict, Verdict::InvalidLogonHours);
    let in_an_hour = desk.now.plus(60 * MINUTE);
    assert_eq!(judged.decision.params.next_allowed, Some(in_an_hour));
    desk.now = in_an_hour;
    assert_eq!(desk.without_password("sshd"), Verdict::Success);
    desk.account.hours = Some(LogonHours::NEVER);
    let judged = desk.judge("sshd", Proof::Other);
    assert_eq!(judged.decision.params.next_allowed, None);
}

#[test]
fn workstations_are_this_host_by_either_name() {
    let mut desk = Desk::new();
    for (list, expected) in [
        (&["WS1"][..], Verdict::Success),
        (&["ws9", "Ws1.Corp.Example"], Verdict::Success),
        (&[" ws1.corp.example. "], Verdict::Success),
        (&["ws9"], Verdict::InvalidWorkstation),
        (&["ws"], Verdict::InvalidWorkstation),
        (&["ws1.other.example"], Verdict::InvalidWorkstation),
        (&[""], Verdict::InvalidWorkstation),
        (&[], Verdict::Success),
    ] {
        desk.account.workstations = list.iter().map(|&w| w.to_owned()).collect();
        for service in ["login", "sshd", "cron"] {
            assert_eq!(desk.without_password(service), expected, "{list:?}");
        }
    }
}

#[test]
fn the_blank_password_opens_the_console_alone() {
    let mut desk = Desk::new().flag(Flags::PASSWD_NOTREQD);
    desk.account.blank_password = true;
    for service in ["login", "gdm-password", "swaylock"] {
        assert_eq!(desk.with_password(service), Verdict::Success, "{service}");
    }
    for service in [
        "su",
        "SU-L",
        "sshd",
        "vsftpd",
        "sudo",
        "cockpit",
        "no-such-service",
    ] {
        assert_eq!(
            desk.with_password(service),
            Verdict::AccountRestriction,
            "{service}"
        );
        assert_eq!(
            desk.without_password(service),
            Verdict::Success,
            "{service}"
        );
    }
    // What is taken for a locked screen may be what somebody types over the network.
    let unlocked = |desk: &Desk, service| {
        let place = Place {
            logon_type: LogonType::Unlock,
            ..desk.place(service)
        };
        desk.judge_at(&place, Proof::Password).decision.verdict
    };
    assert_eq!(unlocked(&desk, "swaylock"), Verdict::Success);
    for service in ["screen", "common-auth", "wayvnc", "vnc"] {
        assert_eq!(
            unlocked(&desk, service),
            Verdict::AccountRestriction,
            "{service}"
        );
    }
    desk.rights.map_service("ourlock", LogonType::Unlock, None);
    assert_eq!(unlocked(&desk, "ourlock"), Verdict::Success);
    desk.rights.map_service(OTHER, LogonType::Unlock, None);
    assert_eq!(unlocked(&desk, "wayvnc"), Verdict::AccountRestriction);
    desk.account.flags = desk.account.flags.without(Flags::PASSWD_NOTREQD);
    assert_eq!(desk.with_password("login"), Verdict::AccountRestriction);
}

#[test]
fn an_account_without_a_password_has_no_right_one() {
    let mut desk = Desk::new().must_change();
    desk.account.has_password = false;
    assert_eq!(desk.with_password("login"), Verdict::LogonFailure);
    assert_eq!(
        desk.judge("login", Proof::None).decision.verdict,
        Verdict::LogonFailure
    );
    assert_eq!(desk.without_password("sshd"), Verdict::Success);
}

#[test]
fn a_smart_card_is_asked_for_where_a_password_is_typed() {
    let desk = Desk::new().flag(Flags::SMARTCARD_REQUIRED).must_change();
    for service in ["login", "sudo", "cockpit", "swaylock"] {
        assert_eq!(
            desk.with_password(service),
            Verdict::SmartcardRequired,
            "{service}"
        );
        assert_eq!(
            desk.without_password(service),
            Verdict::Success,
            "{service}"
        );
    }
    assert_eq!(desk.with_password("vsftpd"), Verdict::Success);
}

#[test]
fn machines_are_no_persons() {
    for (flag, verdict) in [
        (
            Flags::INTERDOMAIN_TRUST_ACCOUNT,
            Verdict::InterdomainTrustAccount,
        ),
        (
            Flags::WORKSTATION_TRUST_ACCOUNT,
            Verdict::WorkstationTrustAccount,
        ),
        (Flags::SERVER_TRUST_ACCOUNT, Verdict::ServerTrustAccount),
    ] {
        assert_eq!(Desk::new().flag(flag).without_password("sshd"), verdict);
        for desk in [Desk::new().must_change(), Desk::new().expired()] {
            let desk = desk.flag(flag);
            let end = desk.account.password_end(&desk.policy);
            assert_eq!(end, PasswordEnd::Never);
            assert_eq!(desk.account.password_can_change(&desk.policy), None);
        }
    }
}

#[test]
fn what_the_site_has_closed_stays_closed() {
    let desk = Desk::new();
    let place = place_of(&desk.host, &desk.rights, LogonType::Deny, true);
    let judged = desk.judge_at(&place, Proof::Other);
    assert_eq!(judged.decision.verdict, Verdict::InvalidLogonType);
    // A step inside a session needs no right at all.
    let nobody = Rights::none(1);
    let place = place_of(&desk.host, &nobody, LogonType::Permit, true);
    let judged = desk.judge_at(&place, Proof::Other);
    assert_eq!(judged.decision.verdict, Verdict::Success);
    assert_eq!(judged.steps[9].rule, Rule::LogonRight);
    assert_eq!(judged.steps[9].outcome, Outcome::Skipped);
}

#[test]
fn a_refusal_names_user_host_and_service() {
    let decision = Desk::new()
        .flag(Flags::ACCOUNTDISABLE)
        .judge("sshd", Proof::Password)
        .decision;
    let params = decision.params;
    assert_eq!(params.user, "alice");
    assert_eq!(params.host, "ws1");
    assert_eq!(params.domain, "CORP");
    assert_eq!(params.service, "sshd");
    assert_eq!(params.logon_type, Some(LogonType::Network));
}

#[test]
fn explain_shows_both_ways_in_and_the_facts() {
    let desk = Desk::new().locked();
    let judge_as = |service: &str| {
        let place = desk.place(service);
        explain(&desk.account, &desk.token(), &desk.policy, &place, desk.now)
    };
    let told = judge_as("sshd");
    assert_eq!(told.with_password.verdict, Verdict::LockedOut);
    assert_eq!(told.without_password.verdict, Verdict::LockedOut);
    let since = desk.account.lockout.since;
    assert_eq!(
        told.steps[1].fact,
        Fact::Lockout {
            count: 10,
            threshold: 10,
            since,
            until: since.map(|since| since.plus(30 * MINUTE)),
        }
    );
    assert_eq!(
        told.steps[2].outcome,
        Outcome::Skipped,
        "no password was compared"
    );
    // A job uses no password: it is explained as it runs.
    assert_eq!(judge_as("cron").with_password.verdict, Verdict::Success);
    let disabled = Desk::new().flag(Flags::ACCOUNTDISABLE);
    let told = disabled.judge("sshd", Proof::None).decision;
    assert_eq!(told.verdict, Verdict::Disabled);
}

#[test]
fn flags_that_are_computed_are_never_stored() {
    let stored = Flags::from_bits(0x200 | 0x10 | 0x80_0000 | 0x8 | 0x2);
    assert_eq!(stored.bits(), 0x20A);
    assert!(stored.contains(Flags::ACCOUNTDISABLE));
    assert!(
        !stored
            .set(Flags::ACCOUNTDISABLE, false)
            .contains(Flags::ACCOUNTDISABLE)
    );
    assert!(!stored.contains(Flags::ACCOUNTDISABLE.with(Flags::PASSWD_NOTREQD)));
}

#[test]
fn times_at_the_ends_of_the_range_do_no_harm() {
    let mut desk = Desk::new().locked();
    desk.policy = Policy {
        max_age: Some(i64::MAX),
        lockout_duration: Some(i64::MAX),
        warn: i64::MAX,
        ..desk.policy
    };
    for now in [i64::MIN, 0, i64::MAX] {
        desk.now = Timestamp(now);
        assert_eq!(desk.with_password("login"), Verdict::LockedOut);
    }
}
