use super::*;
use hickory_proto::op::{MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, SRV};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::thread;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn srv(priority: u16, weight: u16, target: &str) -> Record {
    let data = RData::SRV(SRV::new(priority, weight, 389, name(target)));
    Record::from_rdata(name("_ldap._tcp.dc._msdcs.corp.example."), 60, data)
}

fn raw(label: &[u8]) -> Record {
    let target = Name::from_labels([label, b"corp", b"example"]).unwrap();
    let data = RData::SRV(SRV::new(0, 0, 389, target));
    Record::from_rdata(name("_ldap._tcp.dc._msdcs.corp.example."), 60, data)
}

fn a(owner: &str, last: u8) -> Record {
    Record::from_rdata(name(owner), 60, RData::A(A::new(192, 0, 2, last)))
}

fn cname(owner: &str, target: &str) -> Record {
    Record::from_rdata(name(owner), 60, RData::CNAME(CNAME(name(target))))
}

#[test]
fn by_priority_and_then_by_weight() {
    let records = [
        srv(20, 0, "late."),
        srv(10, 60, "heavy."),
        srv(10, 40, "light."),
        srv(10, 0, "none."),
    ];
    let order = |number: u32| in_order(&records, &mut |bound| number.min(bound - 1));
    assert_eq!(order(0), ["none", "heavy", "light", "late"]);
    assert_eq!(order(1), ["heavy", "light", "none", "late"]);
    assert_eq!(order(60), ["heavy", "light", "none", "late"]);
    assert_eq!(order(61), ["light", "heavy", "none", "late"]);
    let mut first = 0;
    for _ in 0..1000 {
        let order = in_order(&records, &mut random_below);
        assert_eq!(order.len(), 4);
        assert_eq!(order.last().unwrap(), "late");
        first += u32::from(order[0] == "heavy");
    }
    assert!((500..700).contains(&first), "{first}");
}

#[test]
fn what_is_no_host_is_no_target() {
    let records = [
        srv(0, 0, "."),
        srv(0, 0, "good-1.corp.example."),
        raw(b"a\nb"),
        raw(b"a@b"),
        raw(b"a/b"),
        raw(b"a.b"),
        raw(b"\xffb"),
        srv(0, 0, "*.corp.example."),
    ];
    let order = in_order(&records, &mut |_| 0);
    assert_eq!(order, ["good-1.corp.example"]);
}

#[test]
fn addresses_are_those_of_the_name_and_of_its_aliases() {
    let records = [
        cname("dc.corp.example.", "Real.corp.example."),
        a("real.corp.example.", 1),
        a("REAL.corp.example.", 1),
        a("other.corp.example.", 2),
        cname("real.corp.example.", "dc.corp.example."),
    ];
    let found = addresses_of("dc.corp.example", &records);
    assert_eq!(found, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
    assert!(addresses_of("nobody.corp.example", &records).is_empty());
    let many: Vec<Record> = (0..=255).map(|last| a("dc.corp.example.", last)).collect();
    assert_eq!(addresses_of("dc.corp.example", &many).len(), MOST_ADDRESSES);
}

/// A nameserver that has `answer` fill in each reply; by UDP it cuts what is marked so.
fn nameserver(answer: impl Fn(&mut Message) + Clone + Send + 'static) -> Resolver {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let udp = UdpSocket::bind(address).unwrap();
    let fill = answer.clone();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = udp.recv_from(&mut buffer) {
            let mut reply = begun(&buffer[..length]);
            fill(&mut reply);
            if reply.truncated() {
                reply.take_answers();
            }
            let bytes = reply.to_vec().unwrap();
            // First one who guesses.
            let mut forged = bytes.clone();
            forged[1] ^= 1;
            udp.send_to(&forged, from).unwrap();
            udp.send_to(b"noise", from).unwrap();
            udp.send_to(&bytes, from).unwrap();
        }
    });
    thread::spawn(move || {
        for stream in tcp.incoming() {
            let mut stream = stream.unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question).unwrap();
            let mut reply = begun(&question);
            answer(&mut reply);
            reply.set_truncated(false);
            let bytes = reply.to_vec().unwrap();
            let length = u16::try_from(bytes.len()).unwrap();
            stream.write_all(&length.to_be_bytes()).unwrap();
            stream.write_all(&bytes).unwrap();
        }
    });
    resolver(&address.ip().to_string(), address.port())
}

fn begun(question: &[u8]) -> Message {
    let mut reply = Message::from_vec(question).unwrap();
    reply.set_message_type(MessageType::Response);
    reply
}

fn resolver(server: &str, port: u16) -> Resolver {
    let folder = tempfile::tempdir().unwrap().keep();
    let resolv_conf = folder.join("resolv.conf");
    fs::write(&resolv_conf, format!("nameserver {server}\n")).unwrap();
    let hosts = folder.join("hosts");
    fs::write(&hosts, "192.0.2.77 pinned.corp.example\n").unwrap();
    Resolver {
        resolv_conf,
        hosts,
        patience: Duration::from_millis(500),
        limit: Duration::from_secs(2),
        port,
    }
}

fn search<'a>(site: Option<&'a str>, servers: &'a [String]) -> Search<'a> {
    Search {
        domain: "corp.example",
        site,
        servers,
    }
}

fn directory(reply: &mut Message) {
    let asked = reply.queries()[0].name().to_ascii();
    let kind = reply.queries()[0].query_type();
    match (asked.as_str(), kind) {
        ("_ldap._tcp.Berlin._sites.dc._msdcs.corp.example.", _) => {
            let record = srv(5, 0, "near.corp.example.");
            reply.add_answer(record);
        }
        ("_ldap._tcp.dc._msdcs.corp.example.", _) => {
            reply.set_truncated(true);
            for target in ["far.corp.example.", "near.corp.example.", "lost."] {
                let priority = u16::try_from(target.len()).unwrap();
                reply.add_answer(srv(priority, 0, target));
            }
            reply.add_answer(srv(99, 0, "pinned.corp.example."));
            reply.add_additional(a("far.corp.example.", 9));
            reply.add_additional(a("pinned.corp.example.", 8));
        }
        ("near.corp.example.", RecordType::A) => {
            reply.add_answer(a("near.corp.example.", 1));
        }
        ("near.corp.example.", RecordType::AAAA) => {
            let address = AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
            let data = RData::AAAA(address);
            reply.add_answer(Record::from_rdata(name("near.corp.example."), 60, data));
        }
        _ => {
            reply.set_response_code(ResponseCode::NXDomain);
        }
    }
}

#[test]
fn those_of_the_site_first_then_all_others() {
    let resolver = nameserver(directory);
    let found = resolver.discover(&search(Some("Berlin"), &[])).unwrap();
    let shown: Vec<(&str, usize)> = found
        .iter()
        .map(|candidate| (candidate.fqdn.as_str(), candidate.addresses.len()))
        .collect();
    assert_eq!(
        shown,
        [
            ("near.corp.example", 2),
            ("far.corp.example", 1),
            ("pinned.corp.example", 1)
        ]
    );
    // The file goes before what the nameserver brought along.
    assert_eq!(
        found[2].addresses,
        ["192.0.2.77".parse::<IpAddr>().unwrap()]
    );
    let found = resolver.discover(&search(Some("Bonn"), &[])).unwrap();
    assert_eq!(found[0].fqdn, "far.corp.example");
}

#[test]
fn a_list_of_servers_needs_only_addresses() {
    let resolver = nameserver(directory);
    let servers = [
        "Near.corp.example".to_owned(),
        "lost.corp.example".to_owned(),
    ];
    let found = resolver.discover(&search(None, &servers)).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fqdn, "near.corp.example");
    let failed = resolver.discover(&search(None, &servers[1..])).unwrap_err();
    assert!(failed.to_string().contains("lost.corp.example"), "{failed}");
}

#[test]
fn what_was_wrong_is_told() {
    let knows_nothing = nameserver(|reply| {
        reply.set_response_code(ResponseCode::NXDomain);
    });
    let error = knows_nothing.discover(&search(None, &[])).unwrap_err();
    assert!(matches!(error, DnsError::NoControllers(_)));
    let fails = nameserver(|reply| {
        reply.set_response_code(ResponseCode::ServFail);
    });
    let error = fails.discover(&search(None, &[])).unwrap_err();
    assert!(matches!(
        error,
        DnsError::NotAnswered(_, Trouble::Failed(..))
    ));
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = resolver("127.0.0.1", silent.local_addr().unwrap().port());
    let begin = Instant::now();
    let error = resolver.discover(&search(Some("x"), &[])).unwrap_err();
    assert!(matches!(
        error,
        DnsError::NotAnswered(_, Trouble::Silent(_))
    ));
    assert!(begin.elapsed() < Duration::from_secs(3));
    let error = resolver
        .discover(&Search {
            domain: "a..b",
            site: None,
            servers: &[],
        })
        .unwrap_err();
    assert!(matches!(error, DnsError::NotAnswered(_, Trouble::Name)));
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn the_controllers_of_a_real_domain() {
    let Ok(server) = std::env::var("DOMLOGON_TEST_DC") else {
        return;
    };
    let resolver = resolver(&server, 53);
    for site in [None, Some("Default-First-Site-Name"), Some("Nowhere")] {
        let found = resolver.discover(&search(site, &[])).unwrap();
        assert_eq!(found[0].fqdn, "dc1.corp.example");
        assert_eq!(found[0].addresses, [server.parse::<IpAddr>().unwrap()]);
    }
}
