//! What a controller sends over LDAP, and what nameservers say of controllers.

use crate::Target;
use crate::cut::Cut;
use domlogon_ad::fuzzed as ad;
use domlogon_ad::site::Controller;
use domlogon_protocol::{LogonType, Sid, Timestamp, Verdict};
use domlogon_rules::{Flags, Host, Place, Proof, Rights, Token, judge};

/// One element of BER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag, 0x82];
    bytes.extend(u16::try_from(content.len()).unwrap_or(0).to_be_bytes());
    bytes.extend(content);
    bytes
}

fn message(id: u8, body: &[u8]) -> Vec<u8> {
    element(0x30, &[&[2, 1, id], body].concat())
}

/// The message with an entry.
fn entry(id: u8, attributes: &[(&str, &[u8])]) -> Vec<u8> {
    let list: Vec<u8> = attributes
        .iter()
        .flat_map(|(name, value)| {
            let values = element(0x31, &element(4, value));
            element(0x30, &[element(4, name.as_bytes()), values].concat())
        })
        .collect();
    let dn = element(4, b"CN=alice,DC=corp,DC=example");
    message(id, &element(0x64, &[dn, element(0x30, &list)].concat()))
}

/// The message that ends an answer, perhaps with the cookie of the next page.
fn done(id: u8, tag: u8, code: u8, cookie: Option<&[u8]>) -> Vec<u8> {
    let result = [&[0x0A, 1, code][..], &[4, 0, 4, 3], b"why"].concat();
    let mut body = element(tag, &result);
    if let Some(cookie) = cookie {
        let value = element(0x30, &[&[2, 1, 0][..], &element(4, cookie)].concat());
        let name = element(4, b"1.2.840.113556.1.4.319");
        let control = element(0x30, &[name, element(4, &value)].concat());
        body.extend(element(0xA0, &control));
    }
    message(id, &body)
}

const ALICE: [u8; 28] = [
    1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0x4F, 4, 0, 0,
];

const USERS: [u8; 28] = [
    1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 2, 0, 0,
];

/// A person who is also a group and a domain: each query finds what it looks for.
fn attributes() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("objectSid", &ALICE),
        ("sAMAccountName", b"alice"),
        ("userPrincipalName", b"alice@corp.example"),
        ("displayName", b"Alice A."),
        ("userAccountControl", b"512"),
        ("msDS-User-Account-Control-Computed", b"0"),
        ("accountExpires", b"9223372036854775807"),
        ("logonHours", &[0xFF; 21]),
        ("userWorkstations", b"ws1,ws2"),
        ("lockoutTime", b"0"),
        ("badPwdCount", b"1"),
        ("pwdLastSet", b"134350000000000000"),
        ("msDS-UserPasswordExpiryTimeComputed", b"134850000000000000"),
        ("msDS-ResultantPSO", b"CN=pso"),
        ("primaryGroupID", b"513"),
        ("uidNumber", b"2000"),
        ("gidNumber", b"2001"),
        ("unixHomeDirectory", b"/home/alice"),
        ("loginShell", b"/bin/sh"),
        ("uSNChanged", b"77"),
        ("nTSecurityDescriptor", &DESCRIPTOR_SEED),
        ("tokenGroups", &USERS),
        ("memberOf", b"CN=alice,DC=corp,DC=example"),
        ("groupType", b"-2147483646"),
        ("defaultNamingContext", b"DC=corp,DC=example"),
        ("configurationNamingContext", b"CN=Configuration"),
        ("nETBIOSName", b"CORP"),
        ("dnsRoot", b"corp.example"),
        ("dnsHostName", b"dc1.corp.example"),
        ("highestCommittedUSN", b"99"),
        ("currentTime", b"20261125223200.0Z"),
        ("minPwdLength", b"8"),
        ("pwdHistoryLength", b"24"),
        ("maxPwdAge", b"-36288000000000"),
        ("minPwdAge", b"0"),
        ("pwdProperties", b"1"),
        ("lockoutThreshold", b"5"),
        ("lockoutDuration", b"-18000000000"),
        ("lockOutObservationWindow", b"-18000000000"),
        ("Netlogon", &NETLOGON_SEED),
    ]
}

const LDAP_WORDS: &[&str] = &[
    "objectSid",
    "sAMAccountName",
    "userAccountControl",
    "pwdLastSet",
    "primaryGroupID",
    "tokenGroups",
    "1.2.840.113556.1.4.319",
    "\x30\u{0}",
    "9223372036854775807",
    "-9223372036854775808",
    "alice",
];

/// Messages of LDAP, as they come out of the seal or TLS.
pub(crate) const LDAP: Target = Target {
    name: "ldap",
    run: ldap,
    seeds: || {
        let whole = [entry(7, &attributes()), done(7, 0x65, 0, Some(b"more"))].concat();
        let ends = [(0, 0x61), (1, 0x65), (2, 0x67), (3, 0x78)];
        let mut all = vec![[&[1][..], &whole].concat()];
        all.extend(ends.map(|(which, tag)| [&[which][..], &done(7, tag, 49, None)].concat()));
        all.push([&[0][..], &entry(7, &attributes()), &done(7, 0x61, 0, None)].concat());
        all.push([&[1][..], &message(0, &element(0x78, b""))].concat());
        all.push(vec![1, 0x30, 0]);
        all.push(vec![0, 0x30, 5, 2, 1, 1, 0x61, 0]);
        all
    },
    words: LDAP_WORDS,
    longest: 8192,
    smoke: 3_000,
};

/// Which answer is waited for, and the bytes.
fn ldap(bytes: &[u8]) {
    let mut cut = Cut(bytes);
    let ends = [0x61, 0x65, 0x67, 0x78];
    let end = ends
        .get(usize::from(cut.byte() % 4))
        .copied()
        .unwrap_or(0x65);
    let Some((entries, _)) = ad::messages(cut.0, 7, end) else {
        return;
    };
    assert!(entries == 0 || end == 0x65, "entries that nobody asked for");
}

/// A controller that answers whatever it likes to each question of the backend.
pub(crate) const DIRECTORY: Target = Target {
    name: "directory",
    run: directory,
    seeds: || {
        // Somebody else than was asked for.
        let mut bob = attributes();
        bob.retain(|(name, _)| *name != "sAMAccountName");
        bob.push(("sAMAccountName", b"bob"));
        let mut all = vec![[&[4][..], &entry(1, &bob), &done(1, 0x65, 0, None)].concat()];
        for which in 0..12 {
            let mut input = vec![which];
            for id in 1..8 {
                input.extend(entry(id, &attributes()));
                input.extend(done(id, 0x65, 0, (id == 1).then_some(b"more".as_slice())));
            }
            all.push(input);
            let refused = [&[which][..], &done(1, 0x65, 32, None)].concat();
            all.push(refused);
        }
        all
    },
    words: LDAP_WORDS,
    longest: 16_384,
    smoke: 1_000,
};

fn directory(bytes: &[u8]) {
    if let Some((which, bytes)) = bytes.split_first() {
        let _ = ad::directory(*which, bytes);
    }
}

/// A person's entry, and what the rules make of it.
pub(crate) const PERSON: Target = Target {
    name: "person",
    run: person,
    seeds: || {
        let changed: [&[(&str, &[u8])]; 7] = [
            &[],
            &[("userWorkstations", b", ,")],
            &[("userAccountControl", b"514")],
            &[("accountExpires", b"134350000000000000")],
            &[("pwdLastSet", b"0"), ("userAccountControl", b"66048")],
            &[
                ("lockoutTime", b"134350000000000000"),
                ("msDS-User-Account-Control-Computed", b"16"),
            ],
            &[
                ("pwdLastSet", b"-9223372036854775808"),
                ("accountExpires", b"-1"),
            ],
        ];
        changed.map(person_with).to_vec()
    },
    words: &[
        "512",
        "514",
        "66048",
        "16",
        "9223372036854775807",
        "-9223372036854775808",
        "-1",
        "0",
        ",",
        "ws1",
    ],
    longest: 4096,
    smoke: 5_000,
};

fn person_with(changed: &[(&str, &[u8])]) -> Vec<u8> {
    let mut input = 1_795_417_200_i64.to_le_bytes().to_vec();
    for (name, value) in attributes() {
        let other = changed.iter().find(|(known, _)| *known == name);
        let value = other.map_or(value, |(_, value)| value);
        input.extend(name.bytes());
        input.push(0);
        let length = u16::try_from(value.len()).unwrap_or(0);
        input.extend(length.to_le_bytes());
        input.extend(value);
    }
    input
}

/// An instant, and attributes: a name, a zero, and a value with its length.
fn person(bytes: &[u8]) {
    let mut cut = Cut(bytes);
    let now = Timestamp(i64::from_le_bytes(cut.array()));
    let mut attributes: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    while let Some(end) = cut.0.iter().position(|byte| *byte == 0) {
        let (name, rest) = cut.0.split_at(end);
        cut.0 = rest.get(1..).unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        let value = cut.part().unwrap_or_default().to_vec();
        match attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => attributes.push((name, vec![value])),
        }
    }
    let Some(read) = ad::person(attributes) else {
        return;
    };
    let account = &read.account;
    let host = Host {
        short: "ws1".to_owned(),
        fqdn: "ws1.corp.example".to_owned(),
    };
    let rights = Rights::everybody();
    let place = Place {
        service: "login",
        logon_type: LogonType::Interactive,
        can_change: true,
        host: &host,
        domain: "CORP",
        rights: &rights,
    };
    let token = Token::new(&account.name, account.sid.clone(), vec![Sid::everyone()]);
    for proof in [Proof::Password, Proof::Other] {
        let judged = judge(account, &token, &read.policy, &place, proof, now).decision;
        if judged.verdict.grants() {
            assert!(!account.flags.contains(Flags::ACCOUNTDISABLE));
            assert!(account.expires.is_none_or(|end| now <= end));
            assert!(
                account
                    .hours
                    .is_none_or(|hours| domlogon_rules::hours::allowed(&hours, now))
            );
            let named = account
                .workstations
                .iter()
                .any(|entry| host.is_named(entry));
            assert!(account.workstations.is_empty() || named);
        }
        if judged.verdict == Verdict::Success {
            let late = account.password_end(&read.policy);
            assert!(!matches!(late, domlogon_rules::PasswordEnd::Demanded));
        }
    }
    let _ = domlogon_rules::explain(account, &token, &read.policy, &place, now);
    let _ = domlogon_rules::change_rules(account, &read.policy);
    let _ = (read.locked, account.is_locked(&read.policy, now));
}

/// A security descriptor: nobody may change his password but the access list.
pub(crate) const DESCRIPTOR: Target = Target {
    name: "descriptor",
    run: descriptor,
    seeds: || {
        let mut none = DESCRIPTOR_SEED.to_vec();
        none.truncate(20);
        // A list that says that it has another entry, which stands behind it.
        let mut more = DESCRIPTOR_SEED.to_vec();
        more[24] = 2;
        more[28] = 2;
        more.extend(DESCRIPTOR_SEED.iter().skip(28));
        vec![DESCRIPTOR_SEED.to_vec(), none, more]
    },
    words: &[],
    longest: 1024,
    smoke: 20_000,
};

/// A list whose one entry denies the account itself to change its password.
const DESCRIPTOR_SEED: [u8; 68] = [
    1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 4, 0, 48, 0, 1, 0, 0, 0, 6, 0,
    40, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0x53, 0x1A, 0x72, 0xAB, 0x2F, 0x1E, 0xD0, 0x11, 0x98, 0x19,
    0x00, 0xAA, 0x00, 0x40, 0x52, 0x9B, 1, 1, 0, 0, 0, 0, 0, 5, 10, 0, 0, 0,
];

fn descriptor(bytes: &[u8]) {
    let said = ad::cannot_change(bytes);
    // What follows the descriptor says nothing, and neither does what follows its list.
    let longer = [bytes, &[0; 64]].concat();
    assert!(said.is_none() || ad::cannot_change(&longer) == said);
    let list = bytes.get(16..).and_then(|rest| rest.first_chunk());
    let list = list.map_or(0, |at| {
        usize::try_from(u32::from_le_bytes(*at)).unwrap_or(0)
    });
    let size = bytes
        .get(list..)
        .and_then(|list| list.get(2..)?.first_chunk());
    let end = size.map(|size| list + usize::from(u16::from_le_bytes(*size)));
    if let Some(alone) = end
        .filter(|end| *end >= 20)
        .and_then(|end| bytes.get(..end))
    {
        assert_eq!(ad::cannot_change(alone), said);
    }
}

/// What a controller says of itself to everybody.
pub(crate) const NETLOGON: Target = Target {
    name: "netlogon",
    run: netlogon,
    seeds: || vec![NETLOGON_SEED.to_vec()],
    words: &["\u{0}"],
    longest: 1024,
    smoke: 20_000,
};

const NETLOGON_SEED: [u8; 72] = *b"\x17\0\0\0\xFD\x13\0\0\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\
    \x04corp\x07example\0\xC0\x18\x03dc1\xC0\x18\x04CORP\0\x03DC1\0\0\x06Berlin\0\xC0\x3A\x05\0\0\0";

fn netlogon(bytes: &[u8]) {
    let Ok(found) = Controller::parse(bytes) else {
        return;
    };
    let _ = (found.is_writable(), found.is_close());
    let names = [
        &found.forest,
        &found.domain,
        &found.host,
        &found.netbios_domain,
        &found.site,
    ];
    for name in names.into_iter().chain(&found.client_site) {
        assert!(
            name.len() <= 255 && !name.contains(char::is_control),
            "{name:?}"
        );
    }
}

/// Replies of a nameserver.
pub(crate) const DNS: Target = Target {
    name: "dns",
    run: dns,
    seeds: || {
        let mut reply = b"\0\x07\x84\0\0\x01\0\x02\0\0\0\x02\x05_ldap\x04_tcp\x02dc\x06_msdcs\x04corp\x07example\0\0\x21\0\x01".to_vec();
        for port in [1, 2] {
            reply.extend(b"\xC0\x0C\0\x21\0\x01\0\0\0\x3C\0\x18\0\0\0\x64\x01");
            reply.push(0x85);
            reply.extend(b"\x03dc");
            reply.push(b'0' + port);
            reply.extend(b"\x04corp\x07example\0");
        }
        reply.extend(b"\x03dc1\x04corp\x07example\0\0\x01\0\x01\0\0\0\x3C\0\x04\xC0\0\x02\x01");
        reply.extend(b"\x03dc1\x04corp\x07example\0\0\x05\0\x01\0\0\0\x3C\0\x02\xC0\x0C");
        vec![reply]
    },
    words: &["\u{5}_ldap", "\u{3}dc1", "\u{0}\u{21}\u{0}\u{1}"],
    longest: 1024,
    smoke: 5_000,
};

fn dns(bytes: &[u8]) {
    let _ = ad::nameserver(bytes, 7);
    // Whoever does not know the number of the question is not heard.
    assert!(!ad::nameserver(bytes, 8) || bytes.first_chunk() == Some(&[0, 8]));
}
