//! Against a real controller of a domain in which each condition has a user, as
//! `tests/dc/unit-tests` makes it, which runs these:
//! `DOMLOGON_TEST_DC` is its address; the default credential cache has a ticket for its
//! LDAP. For TLS, `DOMLOGON_TEST_CA` is the file with its authority, and
//! `DOMLOGON_TEST_MACHINE` an account and its password.

use super::*;
use crate::ldap::{Bind, Security};
use crate::policy::of_person;
use domlogon_protocol::Secret;
use domlogon_rules::{Flags, PasswordEnd, Token};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Its full name and its realm.
pub(crate) const NAME: &str = "dc1.corp.example";
pub(crate) const REALM: &str = "CORP.EXAMPLE";

pub(crate) fn controller(port: u16) -> SocketAddr {
    let address = std::env::var("DOMLOGON_TEST_DC").expect("DOMLOGON_TEST_DC");
    SocketAddr::new(address.parse().unwrap(), port)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn sealed() -> (Connection, DomainFacts) {
    let security = Security::Sealed {
        realm: REALM.to_owned(),
    };
    let address = controller(security.port());
    let mut connection = Connection::open(address, NAME, &security, soon()).unwrap();
    let facts = domain_facts(&mut connection).unwrap();
    (connection, facts)
}

fn person(connection: &mut Connection, facts: &DomainFacts, name: &str) -> Person {
    person_by_name(connection, facts, name).unwrap().unwrap()
}

#[test]
#[ignore = "needs a domain controller"]
fn the_facts() {
    let (mut connection, facts) = sealed();
    assert_eq!(facts.netbios, "CORP");
    assert_eq!(facts.dns_name, "corp.example");
    assert_eq!(facts.base, "DC=corp,DC=example");
    let state = server_state(&mut connection).unwrap();
    assert_eq!(state.host, NAME);
    assert!(state.usn > 0);
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let skew = i64::try_from(now).unwrap() - state.time.unwrap().0;
    assert!(skew.abs() < 5, "{skew}");
}

#[test]
#[ignore = "needs a domain controller"]
fn each_condition_is_seen_by_a_machine() {
    let (mut connection, facts) = sealed();
    let domain = crate::policy::of_domain(&mut connection, &facts)
        .unwrap()
        .policy;
    assert_eq!((domain.min_length, domain.lockout_threshold), (8, 5));
    let mut of = |name: &str| {
        let person = person(&mut connection, &facts, name);
        let effective = of_person(&mut connection, &person, &domain).unwrap();
        let account = person.account();
        let end = account.password_end(&effective.policy);
        println!(
            "{name}: pso {:?} guess {}",
            person.resultant_pso, effective.is_guess
        );
        (person, account, end, effective)
    };
    let (_, ok, end, effective) = of("ok");
    assert!(matches!(end, PasswordEnd::After(_)) && !effective.is_guess);
    assert!(!ok.flags.contains(Flags::PASSWD_CANT_CHANGE));
    assert!(of("cantchange").1.flags.contains(Flags::PASSWD_CANT_CHANGE));
    assert!(of("disabled").1.flags.contains(Flags::ACCOUNTDISABLE));
    assert!(of("smartcard").1.flags.contains(Flags::SMARTCARD_REQUIRED));
    assert!(of("acctexpired").1.expires.is_some());
    assert_eq!(of("mustchange").2, PasswordEnd::Demanded);
    assert!(matches!(of("expired").2, PasswordEnd::After(_)));
    assert_eq!(of("dontexpire").2, PasswordEnd::Never);
    assert!(of("hours").1.hours.is_some());
    assert_eq!(of("workstation").1.workstations, ["NOSUCHWS"]);
    let (_, account, end, effective) = of("recent");
    let set = account.password_set.unwrap();
    assert_eq!(end, PasswordEnd::After(set.plus(20 * 86_400)));
    println!("recent: {effective:?}");
}

#[test]
#[ignore = "needs a domain controller"]
fn names_ids_and_groups() {
    let (mut connection, facts) = sealed();
    let c = &mut connection;
    for name in ["jörg.müller", "With Space", "o'brien", "OK", "noposix"] {
        let by_name = person(c, &facts, name);
        assert_eq!(UserName::fold(&by_name.name), UserName::fold(name));
        let by_sid = person_by_sid(c, &facts, &by_name.sid).unwrap().unwrap();
        assert_eq!(by_sid, by_name);
        let uid = crate::ids::uid_of(Scheme::Sid, &by_name).unwrap();
        let by_id = person_by_id(c, &facts, Scheme::Sid, uid).unwrap();
        assert_eq!(by_id.as_ref(), Some(&by_name));
    }
    for nobody in [
        "*",
        "o*",
        "ok)(cn=*",
        "jorg.muller",
        "",
        "hl1$",
        "Domain Users",
        "ok\0",
    ] {
        assert_eq!(person_by_name(c, &facts, nobody).unwrap(), None, "{nobody}");
    }
    let posix = person_by_id(c, &facts, Scheme::Rfc2307, 10_001)
        .unwrap()
        .unwrap();
    assert_eq!(posix.name, "ok");
    let by_upn = person_by_principal_name(c, &facts, "OK@corp.example").unwrap();
    assert_eq!(by_upn.unwrap().name, "ok");
    let team = team_by_id(c, &facts, Scheme::Rfc2307, 10_603)
        .unwrap()
        .unwrap();
    assert_eq!(team.name, "team3");
    assert_eq!(members_of(c, &facts, &team).unwrap(), ["ok"]);
    let builtin = team_by_name(c, &facts, "users").unwrap().unwrap();
    assert_eq!(builtin.sid, Sid::builtin(545));
    assert!(
        members_of(c, &facts, &builtin)
            .unwrap()
            .contains(&"noposix".to_owned())
    );
    assert_eq!(team_by_name(c, &facts, "ok").unwrap(), None);

    assert!(groups_of(c, &posix).unwrap().contains(&team.sid));
    // In one group, in thirty, and perhaps in a ring of them.
    for name in ["ok", "user0001", "user0002"] {
        let person = person(c, &facts, name);
        let mut groups = groups_of(c, &person).unwrap();
        assert!(groups.contains(&facts.sid.with_rid(513)));
        let teams = teams_by_sids(c, &facts, &groups).unwrap();
        assert_eq!(teams.len(), groups.len(), "{groups:?} {teams:?}");
        let links = memberships(c, &facts, &person, &groups).unwrap();
        let traced = Token::traced(name, person.sid.clone(), &links);
        let mut found = traced.groups().to_vec();
        found.sort();
        groups.sort();
        println!("{name}: {} groups", groups.len());
        assert_eq!(found, groups);
    }
}

#[test]
#[ignore = "needs a domain controller"]
fn everybody_page_by_page_and_what_has_changed() {
    let (mut connection, facts) = sealed();
    let mut names = BTreeSet::new();
    let mut latest = 0;
    let tally = all_persons(&mut connection, &facts, None, &mut |person| {
        latest = latest.max(person.usn);
        names.insert(person.name);
        ControlFlow::Continue(())
    });
    let tally = tally.unwrap();
    println!("{tally:?}");
    assert_eq!((tally.given, tally.flawed), (names.len(), 0));
    assert!(names.contains("ok") && !names.iter().any(|name| name.ends_with('$')));
    let mut count = 0;
    let mut one = |_| {
        count += 1;
        ControlFlow::Continue(())
    };
    all_persons(&mut connection, &facts, Some(latest), &mut one).unwrap();
    assert_eq!(count, 1);
    let teams = all_teams(&mut connection, &facts, None, &mut |_| {
        ControlFlow::Continue(())
    });
    println!("{:?}", teams.unwrap());
}

#[test]
#[ignore = "needs a domain controller"]
fn tls_with_the_authority_of_the_site_alone() {
    let bind = |file: &str, name: &str, password: &[u8]| Bind {
        authorities: file.into(),
        name: name.to_owned(),
        passwords: vec![Secret::new(b"an older one"), Secret::new(password)],
    };
    let file = std::env::var("DOMLOGON_TEST_CA").expect("DOMLOGON_TEST_CA");
    let nobody = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ldap/tests/authority.pem");
    let account = std::env::var("DOMLOGON_TEST_MACHINE").expect("DOMLOGON_TEST_MACHINE");
    let (name, password) = account.split_once(' ').unwrap();
    let open = |security: &Security, server: &str| {
        let address = controller(security.port());
        Connection::open(address, server, security, soon())
    };
    for kind in [Security::Ldaps, Security::StartTls] {
        let good = kind(bind(&file, name, password.as_bytes()));
        let mut connection = open(&good, NAME).unwrap();
        let facts = domain_facts(&mut connection).unwrap();
        person(&mut connection, &facts, "ok");
        let other = open(&good, "other.corp.example").unwrap_err();
        assert!(matches!(other, LdapError::Tls(_)), "{other:?}");
        let unknown = kind(bind(nobody, name, password.as_bytes()));
        let error = open(&unknown, NAME).unwrap_err();
        assert!(matches!(error, LdapError::Tls(_)), "{error:?}");
        let wrong = kind(bind(&file, name, b"wrong"));
        let error = open(&wrong, NAME).unwrap_err();
        assert!(
            matches!(error, LdapError::Refused { code: 49, .. }),
            "{error:?}"
        );
    }
}

#[test]
#[ignore = "needs a domain controller"]
fn how_long_it_takes() {
    let time = |what: &str, count: usize, work: &mut dyn FnMut()| {
        let mut took: Vec<Duration> = (0..count)
            .map(|_| {
                let begun = Instant::now();
                work();
                begun.elapsed()
            })
            .collect();
        took.sort();
        println!("{what}: median {:?}, best {:?}", took[count / 2], took[0]);
    };
    time("connect, seal, facts", 30, &mut || drop(sealed()));
    let (mut c, facts) = sealed();
    time("rootDSE", 200, &mut || drop(server_state(&mut c).unwrap()));
    time("person_by_name", 200, &mut || {
        drop(person(&mut c, &facts, "ok"))
    });
    let ok = person(&mut c, &facts, "ok");
    time("groups_of", 200, &mut || {
        drop(groups_of(&mut c, &ok).unwrap())
    });
    let groups = groups_of(&mut c, &ok).unwrap();
    time("memberships", 50, &mut || {
        drop(memberships(&mut c, &facts, &ok, &groups).unwrap())
    });
    let team = team_by_name(&mut c, &facts, "allstaff").unwrap().unwrap();
    time("members_of allstaff", 10, &mut || {
        drop(members_of(&mut c, &facts, &team).unwrap())
    });
    let mut count = 0;
    time("all_persons", 5, &mut || {
        count = 0;
        let mut one = |_| {
            count += 1;
            ControlFlow::Continue(())
        };
        all_persons(&mut c, &facts, None, &mut one).unwrap();
    });
    println!("{count} persons");
}
