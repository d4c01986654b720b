use super::*;
use crate::logon::tests::{Quiet, settings};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

const REALM: &str = "CORP.EXAMPLE";
const OK_AS_DELEGATE: u32 = 0x0004_0000;
const ENDS: u32 = u32::MAX;

fn session(folder: &Path) -> Session {
    let session = Session::new(Arc::new(settings(folder)), Arc::new(Quiet));
    session.write_profile(&[]).unwrap();
    session
}

fn server(name: &str) -> Server {
    Server {
        name: format!("{name}.corp.example"),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// A ticket of this host, as it would stand in a cache. `key` tells one from another.
fn ticket(kerberos: &Context, service: &[&str], flags: u32, key: u8) -> Credentials {
    fn counted(out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        out.extend(bytes);
    }
    let mut out = Vec::new();
    for parts in [&["PC1$"][..], service] {
        out.extend(1u32.to_be_bytes());
        out.extend(u32::try_from(parts.len()).unwrap().to_be_bytes());
        for part in [&[REALM], parts].concat() {
            counted(&mut out, part.as_bytes());
        }
    }
    out.extend(18u16.to_be_bytes());
    counted(&mut out, &[key; 32]);
    for time in [1, 1, ENDS, 0] {
        out.extend(time.to_be_bytes());
    }
    out.push(0);
    out.extend(flags.to_be_bytes());
    out.extend([0; 8]);
    counted(&mut out, &[key]);
    counted(&mut out, b"");
    kerberos.credentials_from_bytes(&out).unwrap()
}

fn for_ldap(kerberos: &Context, server: &Server, key: u8) -> Credentials {
    let service = ["ldap", &server.name, "corp.example"];
    ticket(kerberos, &service, OK_AS_DELEGATE, key)
}

/// One that was not taken is got anew, and GSSAPI takes the first that it finds.
#[test]
fn a_new_ticket_takes_the_place_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path());
    let kerberos = session.kerberos().unwrap();
    let tgt = ticket(&kerberos, &["krbtgt", REALM], 0, 1);
    let (one, two) = (server("dc1"), server("dc2"));
    let keep = |server: &Server, key| {
        let ticket = for_ldap(&kerberos, server, key);
        session
            .keep(&kerberos, server, &tgt, &ticket, |_| false)
            .unwrap();
    };
    keep(&one, 2);
    keep(&two, 3);
    let refused = LdapError::Refused {
        code: 49,
        text: String::new(),
    };
    session.drop_connections(&one, &Trouble::HostNotBound(refused));
    keep(&one, 4);
    let bytes = |ticket: &Credentials| ticket.to_bytes().to_vec();
    let found = kerberos.tickets_in(PROCESS_CACHE).unwrap();
    let mut found: Vec<_> = found.iter().map(bytes).collect();
    let mut wanted = vec![
        bytes(&for_ldap(&kerberos, &one, 4)),
        bytes(&for_ldap(&kerberos, &two, 3)),
    ];
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

/// The name of a controller's LDAP can be written to an account by whoever made it.
#[test]
fn a_name_alone_makes_no_controller() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(folder.path());
    let kerberos = session.kerberos().unwrap();
    let evil = server("evil");
    let service = ["ldap", &evil.name, "corp.example"];
    // All other flags that a KDC gives.
    let without = ticket(&kerberos, &service, !OK_AS_DELEGATE, 1);
    let with = ticket(&kerberos, &service, OK_AS_DELEGATE, 1);
    let others = ["dc1.corp.example".to_owned()];
    for named in [&others[..], &[]] {
        assert!(!is_believed(&without, &evil.name, named));
        assert!(is_believed(&with, &evil.name, named));
    }
    let named = ["EVIL.corp.example".to_owned()];
    assert!(is_believed(&without, &evil.name, &named));
}

#[test]
fn another_controller_is_asked_in_place_of_one_without_the_mark() {
    assert!(Trouble::NoMark.is_of_the_server());
    assert!(Trouble::NoMark.to_string().contains("servers ="));
}
