use super::*;
use crate::machine::Key;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

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

fn machine(realm: &str, password: &[u8]) -> Machine {
    Machine {
        account: "PC1$".to_owned(),
        realm: realm.to_owned(),
        host: format!("pc1.{}", realm.to_lowercase()),
        domain_sid: domlogon_protocol::Sid::domain(1, 2, 3),
        current: Key {
            password: Secret::new(password),
            kvno: 1,
            set_at: Timestamp(0),
        },
        previous: None,
        pending: None,
    }
}

#[test]
fn a_host_of_another_domain_is_not_joined_over() {
    let folder = tempfile::tempdir().unwrap();
    let resolver = Resolver::default();
    let place = place(folder.path(), &resolver);
    machine("OTHER.EXAMPLE", b"x").store(folder.path()).unwrap();
    for take_over in [false, true] {
        let refused = resume(&place, take_over, Timestamp(0)).unwrap_err();
        assert!(matches!(*refused.why, Why::JoinedTo(..)));
        assert!(refused.to_string().contains("domlogon leave"));
    }
}

#[test]
fn what_is_to_be_given_up_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody answers there: whether a controller was looked for is seen by that.
    let resolver = Resolver {
        resolv_conf: folder.path().join("resolv.conf"),
        hosts: folder.path().join("hosts"),
        ..Resolver::default()
    };
    std::fs::write(&resolver.resolv_conf, "nameserver 127.0.0.99\n").unwrap();
    let place = place(folder.path(), &resolver);
    let (file, unfinished) = (Machine::file(folder.path()), place.unfinished());
    let begin = |take_over| resume(&place, take_over, Timestamp(0));
    let is_asked = |result: Result<_, JoinError>| matches!(*result.unwrap_err().why, Why::Dns(_));
    let [old, new] = [b"old", b"new"].map(|password| machine("CORP.EXAMPLE", password));

    old.store(folder.path()).unwrap();
    assert!(is_asked(begin(false)));
    assert_eq!(begin(true).unwrap(), None);
    // A join that was cut off may have given the host another one already.
    new.store_at(&unfinished).unwrap();
    assert!(is_asked(begin(true)));
    // Or was whole, but for the end.
    old.store_at(&unfinished).unwrap();
    assert_eq!(begin(true).unwrap(), None);
    crate::machine::remove(&unfinished).unwrap();

    for broken in ["{".to_owned(), "x".repeat(70_000)] {
        std::fs::write(&file, broken).unwrap();
        let refused = begin(false).unwrap_err();
        assert!(refused.to_string().contains("--take-over"), "{refused}");
        assert_eq!(begin(true).unwrap(), None);
        // What it held may be in the other one still.
        old.store_at(&unfinished).unwrap();
        assert_eq!(begin(true).unwrap(), None);
        crate::machine::remove(&unfinished).unwrap();
    }
    // A first join that was cut off.
    crate::machine::remove(&file).unwrap();
    old.store_at(&unfinished).unwrap();
    assert!(is_asked(begin(true)));
    // One that others could have read is not gone on with.
    std::fs::set_permissions(&unfinished, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(begin(true).unwrap(), None);
    crate::machine::remove(&unfinished).unwrap();
    // First it has to be closed.
    old.store(folder.path()).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let refused = begin(true).unwrap_err();
    assert!(refused.to_string().contains("chmod 600"), "{refused}");
}

#[test]
fn a_name_of_the_directory_moves_nothing_on_the_terminal() {
    const HOSTILE: &str = "CN=PC1\u{1b}[2K\r\nAll is well.\u{9b}A";
    let name = || HOSTILE.to_owned();
    for why in [
        Why::MadeBy(name(), name()),
        Why::Exists(name(), Some(name())),
        Why::IsNoComputer(name()),
        Why::IsController(name()),
        Why::NoRightTo(name()),
        Why::Taken(name()),
        Why::JoinedTo(name(), name()),
    ] {
        let said = why.and_nothing_left().to_string();
        let (why, left) = said.split_once('\n').unwrap();
        assert!(!why.contains(char::is_control), "{said:?}");
        assert!(why.contains("CN=PC1?[2K??All is well.?A"), "{said}");
        assert_eq!(left, "Nothing is left of the attempt.");
    }
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
