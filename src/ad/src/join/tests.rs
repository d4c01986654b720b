use super::*;
use crate::machine::Key;

fn place<'a>(state: &'a Path, resolver: &'a Resolver) -> Place<'a> {
    Place {
        realm: "CORP.EXAMPLE".to_owned(),
        dns_name: "corp.example".to_owned(),
        name: "PC1",
        host: "pc1.corp.example",
        servers: &[],
        site: None,
        state,
        profile: state,
        resolver,
    }
}

#[test]
fn users_are_written_in_three_ways() {
    let resolver = Resolver::default();
    let place = place(Path::new("/nowhere"), &resolver);
    for user in [
        "Ann",
        "CORP\\Ann",
        "corp.example\\Ann",
        "Ann@corp.example",
        "Ann@CORP.EXAMPLE",
    ] {
        assert_eq!(user_of(user, &place).unwrap(), "Ann", "{user}");
    }
    for user in [
        "OTHER\\Ann",
        "Ann@other.example",
        "CORP\\",
        "",
        "@corp.example",
    ] {
        assert!(
            matches!(user_of(user, &place), Err(Why::OtherDomain(_))),
            "{user}"
        );
    }
}

#[test]
fn names_are_judged_before_anybody_is_asked() {
    let resolver = Resolver::default();
    let state = Path::new("/nowhere");
    assert!(error::judge(&place(state, &resolver)).is_ok());
    for (name, is_long) in [
        ("SIXTEEN-LETTERS1", true),
        ("", false),
        ("A.B", false),
        ("A B", false),
        ("12345", false),
        ("-A", false),
        ("Ä", false),
    ] {
        let place = Place {
            name,
            ..place(state, &resolver)
        };
        match error::judge(&place) {
            Err(Why::LongName(_)) => assert!(is_long, "{name}"),
            Err(Why::BadName(_)) => assert!(!is_long, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    for realm in ["corp", "", "a..b", "a b.c", "a/b.c", ".a"] {
        let place = Place {
            dns_name: realm.to_owned(),
            ..place(state, &resolver)
        };
        assert!(
            matches!(error::judge(&place), Err(Why::BadRealm(_))),
            "{realm}"
        );
    }
    for host in ["", "a b.corp.example", "a/b.corp.example", "-.corp.example"] {
        let place = Place {
            host,
            ..place(state, &resolver)
        };
        assert!(
            matches!(error::judge(&place), Err(Why::BadHost(_))),
            "{host}"
        );
    }
}

#[test]
fn a_host_of_another_domain_is_not_joined_over() {
    let folder = tempfile::tempdir().unwrap();
    let resolver = Resolver::default();
    let place = place(folder.path(), &resolver);
    let machine = Machine {
        account: "PC1$".to_owned(),
        realm: "OTHER.EXAMPLE".to_owned(),
        host: "pc1.other.example".to_owned(),
        domain_sid: domlogon_protocol::Sid::domain(1, 2, 3),
        current: Key {
            password: Secret::new(b"x"),
            kvno: 1,
            set_at: Timestamp(0),
        },
        previous: None,
        pending: None,
    };
    machine.store(folder.path()).unwrap();
    let refused = resume(&place, Timestamp(0)).unwrap_err();
    assert!(matches!(*refused.why, Why::JoinedTo(..)));
    assert!(refused.to_string().contains("domlogon leave"));
}

#[test]
fn a_wrong_clock_is_named_as_such() {
    let error = |server_time| {
        krb5::Error::Kdc(krb5::KdcError {
            code: krb5::code::SKEW,
            ntstatus: None,
            after_preauth: true,
            server_time,
            armored: false,
        })
    };
    let said = |error| Why::of_log_on("dc1", error).to_string();
    let behind = said(error(Some(i64::from(u32::MAX))));
    assert!(behind.contains("s behind") && behind.contains("timedatectl"));
    assert!(said(error(Some(0))).contains("s ahead"));
    assert!(said(error(Some(i64::MIN))).contains("s ahead"));
    assert!(!said(error(None)).contains("this one"));
}
