//! Logon rights: lists, tokens, and which entry decides.

use crate::desk::Desk;
use domlogon_protocol::rights::{Entry, Source};
use domlogon_protocol::{
    Basis, Fact, LogonType, Outcome, Right, RightFact, RightName, Rule, Sid, Verdict,
};
use domlogon_rules::{Grant, Membership, OTHER, Proof, Rights, Token, explain, well_known};
use proptest::collection::vec;
use proptest::prelude::*;

fn sid(rid: u32) -> Sid {
    Sid::domain(1, 2, 3).with_rid(rid)
}

fn entry(written: &str, sid: Sid) -> Entry {
    Entry {
        written: written.to_owned(),
        sid: Some(sid),
        name: None,
    }
}

/// A well-known group, by its name.
fn known(name: &str) -> Entry {
    let (sid, name) = well_known::find(name).expect("a well-known name");
    entry(name, sid)
}

fn membership(member: u32, group: u32) -> Membership {
    Membership {
        member: sid(member),
        group: sid(group),
        name: format!("g{group}"),
    }
}

const USERS: u32 = 545;

/// alice, in engineers, who are in contractors; and by Domain Users in Users.
fn alice() -> Token {
    let mut memberships = vec![membership(1000, 1100), membership(1100, 1200)];
    memberships.push(membership(1000, 513));
    memberships.push(Membership {
        member: sid(513),
        group: Sid::builtin(USERS),
        name: "Users".to_owned(),
    });
    Token::traced("alice", sid(1000), &memberships)
}

fn network() -> RightName {
    RightName::allow(Right::Network)
}

fn deny_network() -> RightName {
    RightName::deny(Right::Network)
}

fn judge(rights: &Rights) -> (Grant, RightFact) {
    rights.judge(&alice(), LogonType::Network)
}

fn decided_by(fact: &RightFact) -> (RightName, &str, Vec<&str>) {
    match &fact.basis {
        Basis::Entry {
            list, entry, chain, ..
        } => (
            *list,
            entry.shown(),
            chain.iter().map(String::as_str).collect(),
        ),
        other => panic!("no entry decided: {other:?}"),
    }
}

#[test]
fn every_path_of_membership_lets_in() {
    for (held_by, chain) in [
        (entry("alice", sid(1000)), &["alice"][..]),
        (entry("g1100", sid(1100)), &["alice", "g1100"]),
        (entry("g1200", sid(1200)), &["alice", "g1100", "g1200"]),
        (known("Users"), &["alice", "g513", "Users"]),
        (known("Network"), &["alice", "Network"]),
        (
            known("Authenticated Users"),
            &["alice", "Authenticated Users"],
        ),
        (known("This Organization"), &["alice", "This Organization"]),
        (known("Everyone"), &["alice", "Everyone"]),
    ] {
        let mut rights = Rights::new(7);
        rights.set(network(), vec![entry("bob", sid(1001)), held_by.clone()]);
        let (grant, fact) = judge(&rights);
        assert_eq!(grant, Grant::Granted, "{held_by:?}");
        assert_eq!(decided_by(&fact).2, chain);
        assert_eq!(fact.version, 7);
        assert_eq!(fact.right, Some(Right::Network));
    }
}

#[test]
fn other_ways_in_and_other_names_do_not() {
    for other in ["Batch", "Interactive", "Administrators", "Anonymous Logon"] {
        let mut rights = Rights::new(1);
        rights.set(network(), vec![known(other)]);
        let (grant, fact) = judge(&rights);
        assert_eq!(grant, Grant::Refused, "{other}");
        let not_listed = Basis::NotListed {
            source: Source::File,
            entries: 1,
        };
        assert_eq!(fact.basis, not_listed);
    }
    // An entry that nobody could resolve is nobody.
    let mut rights = Rights::new(1);
    let unknown = Entry {
        written: "alice".to_owned(),
        sid: None,
        name: None,
    };
    rights.set(network(), vec![unknown]);
    assert_eq!(judge(&rights).0, Grant::Refused);
}

#[test]
fn deny_wins_whatever_the_path() {
    for denied in [
        entry("alice", sid(1000)),
        entry("g1200", sid(1200)),
        known("Everyone"),
    ] {
        let mut rights = Rights::everybody();
        rights.set(
            network(),
            vec![entry("alice", sid(1000)), known("Everyone")],
        );
        rights.set(
            deny_network(),
            vec![entry("bob", sid(1001)), denied.clone()],
        );
        let (grant, fact) = judge(&rights);
        assert_eq!(grant, Grant::Refused, "{denied:?}");
        let (list, entry, _) = decided_by(&fact);
        assert_eq!((list, entry), (deny_network(), denied.shown()));
        // The other ways in have lists of their own.
        let (grant, _) = rights.judge(&alice(), LogonType::Interactive);
        assert_eq!(grant, Grant::Granted);
    }
}

#[test]
fn absent_is_not_empty() {
    let mut rights = Rights::new(1);
    let (grant, fact) = judge(&rights);
    assert_eq!(grant, Grant::Granted);
    assert!(matches!(
        fact.basis,
        Basis::Entry {
            source: Source::Default,
            ..
        }
    ));
    rights.set(network(), Vec::new());
    let (grant, fact) = judge(&rights);
    assert_eq!(grant, Grant::Refused);
    let empty = Basis::NotListed {
        source: Source::File,
        entries: 0,
    };
    assert_eq!(fact.basis, empty);
}

/// The holders of a member server: an ordinary user, and an administrator.
#[test]
fn the_built_in_holders() {
    let rights = Rights::default();
    let administrator = Token::new("root2", sid(1002), vec![Sid::builtin(544)]);
    let nobody = Token::new("nobody", sid(1003), Vec::new());
    for (logon_type, user, admin, bare) in [
        (LogonType::Interactive, true, true, false),
        (LogonType::Unlock, true, true, false),
        (LogonType::Network, true, true, true),
        (LogonType::Batch, false, true, false),
        (LogonType::Service, false, false, false),
        (LogonType::RemoteInteractive, false, true, false),
        (LogonType::Permit, true, true, true),
        (LogonType::Deny, false, false, false),
    ] {
        for (token, expected) in [(&alice(), user), (&administrator, admin), (&nobody, bare)] {
            let granted = rights.judge(token, logon_type).0 == Grant::Granted;
            assert_eq!(granted, expected, "{logon_type:?} {}", token.name());
        }
    }
}

#[test]
fn without_lists_nobody_has_a_right() {
    let rights = Rights::none(3);
    for right in Right::ALL {
        let logon_type = LogonType::ALL
            .into_iter()
            .find(|known| known.right() == Some(right))
            .unwrap();
        let (grant, fact) = rights.judge(&alice(), logon_type);
        assert_eq!((grant, fact.basis), (Grant::Refused, Basis::NoLists));
    }
    assert_eq!(rights.service("sshd").logon_type, LogonType::Network);
}

#[test]
fn a_remote_desktop_is_interactive_too() {
    for name in ["Remote Interactive Logon", "Interactive"] {
        let mut rights = Rights::new(1);
        let remote = RightName::allow(Right::RemoteInteractive);
        rights.set(remote, vec![known(name)]);
        let (grant, _) = rights.judge(&alice(), LogonType::RemoteInteractive);
        assert_eq!(grant, Grant::Granted, "{name}");
    }
}

#[test]
fn the_guest_is_everyone_but_not_authenticated() {
    let guest = Token::new("Guest", sid(501), Vec::new());
    let mut rights = Rights::new(1);
    rights.set(network(), vec![known("Authenticated Users")]);
    assert_eq!(rights.judge(&guest, LogonType::Network).0, Grant::Refused);
    rights.set(network(), vec![known("Everyone")]);
    assert_eq!(rights.judge(&guest, LogonType::Network).0, Grant::Granted);
}

#[test]
fn audit_lets_pass_what_its_own_list_refuses_and_nothing_else() {
    let lists = |allow: Vec<Entry>, deny: Vec<Entry>| {
        let mut rights = Rights::new(1);
        rights.set(network(), allow);
        rights.set(deny_network(), deny);
        rights
    };
    let listed = || vec![entry("alice", sid(1000))];
    let audited = |mut rights: Rights, names: &[RightName]| {
        for name in names {
            rights.set_audit(*name, true);
        }
        rights
    };
    for (rights, audits, expected, list) in [
        (
            lists(vec![], vec![]),
            &[network()][..],
            Grant::Audited,
            None,
        ),
        (
            lists(listed(), listed()),
            &[network()],
            Grant::Refused,
            Some(deny_network()),
        ),
        (
            lists(listed(), listed()),
            &[deny_network()],
            Grant::Audited,
            Some(deny_network()),
        ),
        (
            lists(vec![], listed()),
            &[deny_network()],
            Grant::Refused,
            None,
        ),
        (
            lists(vec![], listed()),
            &[deny_network(), network()],
            Grant::Audited,
            Some(deny_network()),
        ),
        (
            lists(listed(), vec![]),
            &[deny_network(), network()],
            Grant::Granted,
            Some(network()),
        ),
    ] {
        let rights = audited(rights, audits);
        let (grant, fact) = judge(&rights);
        assert_eq!(grant, expected, "{fact:?}");
        let decided = match &fact.basis {
            Basis::Entry { list, .. } => Some(*list),
            _ => None,
        };
        assert_eq!(decided, list);
        let on: Vec<_> = rights.audited().collect();
        assert_eq!(on.len(), audits.len());
    }
    // A list that is set anew stays in audit mode.
    let mut rights = audited(Rights::new(1), &[network()]);
    rights.set(network(), Vec::new());
    assert_eq!(judge(&rights).0, Grant::Audited);
}

#[test]
fn audit_shows_in_the_steps_and_the_logon_passes() {
    let mut desk = Desk::new();
    desk.rights = Rights::new(1);
    desk.rights.set(network(), Vec::new());
    let refused = desk.judge("sshd", Proof::Password);
    assert_eq!(refused.decision.verdict, Verdict::LogonTypeNotGranted);
    desk.rights.set_audit(network(), true);
    let passed = desk.judge("sshd", Proof::Password);
    assert_eq!(passed.decision.verdict, Verdict::Success);
    let step = &passed.steps[9];
    assert_eq!(
        (step.rule, step.outcome),
        (Rule::LogonRight, Outcome::Audited)
    );
    let Fact::Right(fact) = &step.fact else {
        panic!("{step:?}");
    };
    assert!(matches!(fact.basis, Basis::NotListed { entries: 0, .. }));
    // What comes after is judged all the same.
    let mut desk = desk.must_change();
    desk.rights.set_audit(network(), true);
    assert_eq!(desk.with_password("sshd"), Verdict::MustChange);
}

#[test]
fn explain_gives_the_chain() {
    let desk = Desk::new();
    let place = desk.place("sshd");
    let told = explain(&desk.account, &alice(), &desk.policy, &place, desk.now);
    let Fact::Right(fact) = &told.steps[9].fact else {
        panic!("{told:?}");
    };
    assert_eq!(decided_by(fact).2, ["alice", "Everyone"]);
}

#[test]
fn a_ring_of_groups_ends() {
    let ring = [
        membership(1000, 1),
        membership(1, 2),
        membership(2, 3),
        membership(3, 1),
        membership(3, 3),
    ];
    let token = Token::traced("alice", sid(1000), &ring);
    assert_eq!(token.groups(), [sid(1), sid(2), sid(3)]);
    let mut rights = Rights::new(1);
    rights.set(network(), vec![entry("g3", sid(3))]);
    let (grant, fact) = rights.judge(&token, LogonType::Network);
    assert_eq!(grant, Grant::Granted);
    assert_eq!(decided_by(&fact).2, ["alice", "g1", "g2", "g3"]);
}

#[test]
fn a_site_maps_its_services() {
    let mut rights = Rights::new(1);
    let class = |rights: &Rights, name: &str| {
        let class = rights.service(name);
        (class.logon_type, class.can_change, class.known)
    };
    assert_eq!(class(&rights, "webmin"), (LogonType::Network, false, false));
    rights.map_service("SSHD", LogonType::RemoteInteractive, None);
    rights.map_service("webmin", LogonType::Interactive, None);
    rights.map_service("vsftpd", LogonType::Deny, None);
    rights.map_service("sshd-git", LogonType::Network, Some(true));
    for (name, expected) in [
        // It can still ask for a password, being sshd.
        ("sshd", (LogonType::RemoteInteractive, true, true)),
        ("webmin", (LogonType::Interactive, true, true)),
        ("VSFTPD", (LogonType::Deny, false, true)),
        ("sshd-git", (LogonType::Network, true, true)),
        ("login", (LogonType::Interactive, true, true)),
        ("else", (LogonType::Network, false, false)),
    ] {
        assert_eq!(class(&rights, name), expected, "{name}");
    }
    rights.map_service(OTHER, LogonType::Deny, None);
    assert_eq!(class(&rights, "else"), (LogonType::Deny, false, false));
    assert_eq!(
        class(&rights, "login"),
        (LogonType::Interactive, true, true)
    );
    let shown: Vec<_> = rights.services_shown();
    assert_eq!(shown.len(), 5);
}

/// Any memberships among a few groups: rings, forests, groups in themselves.
fn memberships() -> impl Strategy<Value = Vec<Membership>> {
    vec((0u32..8, 1u32..8), 0..20)
        .prop_map(|pairs| pairs.into_iter().map(|(m, g)| membership(m, g)).collect())
}

proptest! {
    /// A token has exactly the groups that a simpler search finds, each once, and every
    /// chain is made of memberships.
    #[test]
    fn tokens_have_all_groups_and_true_chains(memberships in memberships()) {
        let token = Token::traced("u", sid(0), &memberships);
        let mut reached = vec![sid(0)];
        loop {
            let more: Vec<Sid> = memberships
                .iter()
                .filter(|m| reached.contains(&m.member) && !reached.contains(&m.group))
                .map(|m| m.group.clone())
                .collect();
            if more.is_empty() {
                break;
            }
            for sid in more {
                if !reached.contains(&sid) {
                    reached.push(sid);
                }
            }
        }
        let mut groups = token.groups().to_vec();
        groups.sort();
        let mut expected: Vec<Sid> = reached.into_iter().filter(|found| *found != sid(0)).collect();
        expected.sort();
        prop_assert_eq!(&groups, &expected);
        for group in groups {
            let mut rights = Rights::new(1);
            rights.set(network(), vec![entry("held", group.clone())]);
            let (grant, fact) = rights.judge(&token, LogonType::Network);
            prop_assert_eq!(grant, Grant::Granted);
            let (_, _, chain) = decided_by(&fact);
            prop_assert_eq!(chain[0], "u");
            let rid = |name: &str| name.trim_start_matches(['g', 'u']).parse().unwrap_or(0);
            prop_assert_eq!(sid(rid(chain[chain.len() - 1])), group);
            for pair in chain.windows(2) {
                prop_assert!(memberships.contains(&membership(rid(pair[0]), rid(pair[1]))));
            }
        }
    }

    /// Deny wins; without it the allow list alone decides.
    #[test]
    fn deny_wins_over_any_lists(
        memberships in memberships(), allow in vec(0u32..9, 0..4), deny in vec(0u32..9, 0..4),
    ) {
        let token = Token::traced("u", sid(0), &memberships);
        let entries = |rids: &[u32]| rids.iter().map(|rid| entry("e", sid(*rid))).collect();
        let holds = |rids: &[u32]| {
            rids.iter().any(|rid| *rid == 0 || token.groups().contains(&sid(*rid)))
        };
        let mut rights = Rights::new(1);
        rights.set(network(), entries(&allow));
        rights.set(deny_network(), entries(&deny));
        let granted = rights.judge(&token, LogonType::Network).0 == Grant::Granted;
        prop_assert_eq!(granted, holds(&allow) && !holds(&deny));
    }
}
