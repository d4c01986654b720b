//! Peers that are silent, slow, endless or hostile.

use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// A certificate of nobody's, so that the file can be read.
const AUTHORITY: &str = include_str!("tests/authority.pem");

/// A peer that does `serve` with each connection.
fn peer(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    address
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(400)
}

fn bind(folder: &Path) -> Bind {
    let file = folder.join("ca.pem");
    std::fs::write(&file, AUTHORITY).unwrap();
    Bind {
        authorities: file,
        name: "HOST$@CORP.EXAMPLE".to_owned(),
        passwords: vec![Secret::new(b"a password")],
    }
}

/// A connection that is not bound, to see how requests end.
fn bare(address: SocketAddr) -> Connection {
    let deadline = soon();
    Connection {
        wire: Wire::connect(address, deadline).unwrap(),
        last: 0,
        deadline,
        broken: false,
    }
}

fn search(connection: &mut Connection, limit: usize) -> Result<Vec<Entry>, LdapError> {
    connection.search(&Search {
        base: "",
        scope: Scope::Base,
        filter: Filter::Present("objectClass"),
        attributes: &["cn"],
        limit,
    })
}

/// Reads one request, and answers with these bytes.
fn answering(bytes: &'static [u8]) -> SocketAddr {
    peer(move |mut stream| {
        let mut request = [0; 1024];
        while matches!(stream.read(&mut request), Ok(1..)) {
            let _ = stream.write_all(bytes);
        }
    })
}

#[test]
fn whoever_is_silent_or_trickles_is_left_at_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let silent = peer(|stream| {
        thread::sleep(Duration::from_secs(3));
        drop(stream);
    });
    // The header of a long message, or of a TLS record, and then byte after byte.
    let slow = |header: &'static [u8]| {
        peer(move |mut stream| {
            let _ = stream.write_all(header);
            for _ in 0..60 {
                let _ = stream.write_all(b"\0");
                thread::sleep(Duration::from_millis(50));
            }
        })
    };
    for address in [
        silent,
        slow(b"\x30\x82\x40\0"),
        slow(b"\x16\x03\x03\x3F\0\x02\0\x3E\0"),
    ] {
        for security in [
            Security::Ldaps(bind(folder.path())),
            Security::StartTls(bind(folder.path())),
        ] {
            let begun = Instant::now();
            let error = Connection::open(address, "dc1.corp.example", &security, soon());
            let error = error.unwrap_err();
            let took = begun.elapsed();
            assert!(took < Duration::from_millis(900), "{took:?} {error}");
            let is_end = matches!(
                error,
                LdapError::Timeout | LdapError::Malformed | LdapError::Tls(_)
            );
            assert!(is_end, "{error:?}");
        }
        let begun = Instant::now();
        let error = search(&mut bare(address), 1).unwrap_err();
        assert!(begun.elapsed() < Duration::from_millis(900));
        assert!(matches!(error, LdapError::Timeout | LdapError::Malformed));
    }
}

#[test]
fn an_endless_row_of_entries_ends_at_the_limit_or_at_the_deadline() {
    const REFERENCE: &[u8] = b"\x30\x05\x02\x01\x01\x73\0";
    const ENTRY: &[u8] = b"\x30\x09\x02\x01\x01\x64\x04\x04\0\x30\0";
    let endless =
        |message: &'static [u8]| peer(move |mut stream| while stream.write_all(message).is_ok() {});
    let error = search(&mut bare(endless(ENTRY)), 10).unwrap_err();
    assert!(matches!(error, LdapError::TooMuch), "{error:?}");
    let begun = Instant::now();
    let error = search(&mut bare(endless(REFERENCE)), 10).unwrap_err();
    assert!(matches!(error, LdapError::Timeout | LdapError::TooMuch));
    assert!(begun.elapsed() < Duration::from_millis(900));
}

#[test]
fn what_is_no_answer_ends_the_connection() {
    for bytes in [
        &b"\x30\0"[..],
        b"\x30\x05\x02\x01\x01\x65\0",
        b"\x30\x84\x7F\xFF\xFF\xFF",
        b"\x30\x80",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        // The answer to another request, and to another kind of request.
        b"\x30\x0C\x02\x01\x02\x65\x07\x0A\x01\0\x04\0\x04\0",
        b"\x30\x0C\x02\x01\x01\x61\x07\x0A\x01\0\x04\0\x04\0",
    ] {
        let mut connection = bare(answering(bytes));
        let error = search(&mut connection, 1).unwrap_err();
        let is_end = matches!(error, LdapError::Malformed | LdapError::TooMuch);
        assert!(is_end, "{bytes:?}: {error:?}");
        assert!(connection.is_broken());
        let again = search(&mut connection, 1).unwrap_err();
        assert!(matches!(again, LdapError::Closed), "{again:?}");
    }
    // A notice of disconnection.
    let going = answering(b"\x30\x0C\x02\x01\0\x78\x07\x0A\x01\x34\x04\0\x04\0");
    let error = search(&mut bare(going), 1).unwrap_err();
    assert!(matches!(error, LdapError::Closed), "{error:?}");
}

#[test]
fn no_password_goes_where_tls_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let refusing = peer(move |mut stream| {
        let mut request = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut request) {
            let _ = tell.lock().unwrap().send(request[..count].to_vec());
            // protocolError
            let _ = stream.write_all(b"\x30\x0C\x02\x01\x01\x78\x07\x0A\x01\x02\x04\0\x04\0");
        }
    });
    let security = Security::StartTls(bind(folder.path()));
    let error = Connection::open(refusing, "dc1.corp.example", &security, soon()).unwrap_err();
    assert!(matches!(error, LdapError::Refused { code: 2, .. }));
    let asked: Vec<u8> = told.try_iter().flatten().collect();
    assert!(!asked.windows(10).any(|part| part == b"a password"));
}

#[test]
fn an_empty_password_is_never_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut empty = bind(folder.path());
    empty.passwords = vec![Secret::new(b"")];
    let mut connection = bare(answering(b""));
    let error = connection.simple_bind(&empty).unwrap_err();
    assert!(matches!(error, LdapError::NoPassword));
}

#[test]
fn a_file_without_authorities_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    for text in [
        "",
        "nothing",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        std::fs::write(&file, text).unwrap();
        assert!(matches!(authorities(&file), Err(LdapError::Authorities)));
    }
    assert!(matches!(
        authorities(Path::new("")),
        Err(LdapError::Authorities)
    ));
}

/// A server that looks at its clock alone, and began at the end of a second, has still to have
/// as long as we wait.
#[test]
fn a_server_does_not_give_up_before_us() {
    for left in [0, 1, 999, 1000, 1001, 1200, 3500, 60_000] {
        let begun = 999;
        let ends = begun + left;
        let counted = ends / 1000 - begun / 1000;
        let limit = u64::from(time_limit(Duration::from_millis(left)));
        assert!(counted < limit, "{left} ms: {limit} s");
        assert!(limit * 1000 <= left + 2000, "{left} ms: {limit} s");
    }
    assert_eq!(time_limit(Duration::MAX), u32::MAX);
}

#[test]
fn a_filter_is_bytes() {
    let filter = Filter::And(vec![
        Filter::equal("cn", "*)(objectClass=*"),
        Filter::Present("x"),
    ]);
    let request = Request::Search {
        base: "DC=corp",
        scope: Scope::Subtree,
        filter: &filter,
        attributes: &["cn"],
        limit: 2,
        seconds: 3,
    };
    let message = request.message(5, &[Control::AccessList]);
    let long = |tag: u8, content: &[u8]| {
        let mut bytes = vec![tag, 0x84];
        bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        bytes.extend(content);
        bytes
    };
    let equal = long(0xA3, b"\x04\x02cn\x04\x10*)(objectClass=*");
    let and = long(0xA0, &[&equal[..], b"\x87\x01x"].concat());
    let head = b"\x04\x07DC=corp\x0A\x01\x02\x0A\x01\0\x02\x01\x02\x02\x01\x03\x01\x01\0";
    let body = [&head[..], &and, &long(0x30, b"\x04\x02cn")].concat();
    let flags = long(0x30, b"\x02\x01\x04");
    let name = b"\x04\x171.2.840.113556.1.4.801\x01\x01\xFF\x04\x09";
    let name = [&name[..1], &[22], &name[2..]].concat();
    let control = long(0x30, &[&name[..], &flags].concat());
    let whole = [
        &b"\x02\x01\x05"[..],
        &long(0x63, &body),
        &long(0xA0, &control),
    ]
    .concat();
    assert_eq!(*message, long(0x30, &whole));
}
