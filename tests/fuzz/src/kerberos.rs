//! What a KDC and a server for password changes send.

use crate::Target;
use crate::cut::Cut;
use crate::scratch;
use domlogon_krb5::fuzzed as krb5;
use domlogon_krb5::{Changed, Context, Credentials, KdcError, Principal};
use domlogon_protocol::{Secret, Verdict};
use std::cell::OnceCell;
use std::io;

const REALM: &str = "CORP.EXAMPLE";

/// No server that could answer: what arrives went through the closure.
const PROFILE: &str = "[libdefaults]\n default_realm = CORP.EXAMPLE\n dns_lookup_kdc = false\n \
     dns_lookup_realm = false\n dns_canonicalize_hostname = false\n rdns = false\n kdc_timesync = 0\n\
     [realms]\n CORP.EXAMPLE = {\n  kdc = 127.0.0.1:1\n }\n";

/// Whole exchanges by libkrb5, with a server that has no key of anybody's: nothing is granted.
pub(crate) const KERBEROS: Target = Target {
    name: "kerberos",
    run: kerberos,
    seeds: || {
        let mut all = Vec::new();
        for which in 0..5 {
            for replies in [
                vec![challenge()],
                vec![challenge(), error(24)],
                vec![error(18)],
                vec![reply(0x6b)],
                vec![reply(0x6d)],
            ] {
                let mut input = vec![which];
                for reply in replies {
                    input.extend(u16::try_from(reply.len()).unwrap_or(0).to_le_bytes());
                    input.extend(reply);
                }
                all.push(input);
            }
        }
        // That a change was made, said by anybody.
        for which in [3, 4] {
            let alone = error_with(0, &[0, 0]);
            let framed = [&[0, 0, 0, 1, 0, 0][..], &alone].concat();
            for mut reply in [alone, framed] {
                let length = u16::try_from(reply.len()).unwrap_or(0);
                if let Some([high, low]) = reply.first_chunk_mut().filter(|first| **first == [0, 0])
                {
                    [*high, *low] = length.to_be_bytes();
                }
                all.push([&[which][..], &length.to_le_bytes(), &reply].concat());
            }
        }
        all.push([&[5][..], &ticket(["krbtgt", REALM])].concat());
        all
    },
    words: &["CORP.EXAMPLE", "krbtgt", "alice", "20260101000000Z"],
    longest: 4096,
    smoke: 500,
};

thread_local! {
    static SCENE: OnceCell<Scene> = const { OnceCell::new() };
}

struct Scene {
    context: Context,
    granting: Credentials,
    changepw: Credentials,
}

impl Scene {
    fn new() -> Self {
        let profile = scratch::folder().join("krb5.conf");
        std::fs::write(&profile, PROFILE).unwrap_or_else(|error| panic!("{error}"));
        let context = Context::new(&profile).unwrap_or_else(|error| panic!("{error}"));
        let read = |bytes: &[u8]| {
            let read = context.credentials_from_bytes(bytes);
            read.unwrap_or_else(|error| panic!("{error}"))
        };
        let granting = read(&ticket(["krbtgt", REALM]));
        let changepw = read(&ticket(["kadmin", "changepw"]));
        Self {
            context,
            granting,
            changepw,
        }
    }
}

/// What is asked for, and the replies, each with its length.
fn kerberos(bytes: &[u8]) {
    let mut cut = Cut(bytes);
    let which = cut.byte() % 6;
    SCENE.with(|scene| {
        let Scene {
            context,
            granting,
            changepw,
        } = scene.get_or_init(Scene::new);
        if which == 5 {
            if let Ok(read) = context.credentials_from_bytes(cut.0) {
                let again = context.credentials_from_bytes(&read.to_bytes());
                assert!(again.is_ok_and(|again| again.client() == read.client()));
                let _ = (
                    read.is_tgt(),
                    read.renew_until(),
                    read.starts_at(),
                    format!("{read:?}"),
                );
            }
            return;
        }
        let (password, new) = (Secret::new(b"pw"), Secret::new(b"new"));
        let mut asked = 0;
        let mut server = |_: &[u8]| {
            asked += 1;
            assert!(asked <= 16, "endless");
            cut.part()
                .map(<[u8]>::to_vec)
                .ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
        };
        let granted = match which {
            0 => context
                .with_password("alice", REALM, &password, None, &mut server)
                .map(drop),
            1 => context.ticket(granting, "host/ws1", &mut server).map(drop),
            2 => context.renew(granting, &mut server).map(drop),
            // Neither that it is done, nor that it is refused.
            3 => context
                .change_password(changepw, &new, &mut server)
                .map(drop),
            _ => context
                .set_password(changepw, Some("WS1$"), &new, &mut server)
                .map(drop),
        };
        assert!(asked > 0, "{which} asks nobody: {granted:?}");
        match granted {
            Ok(()) => panic!("told by nobody"),
            Err(error) => drop(error.to_string()),
        }
    });
}

/// What is read by hand of the messages, and what a refusal is called.
pub(crate) const KERBEROS_PARTS: Target = Target {
    name: "kerberos_parts",
    run: parts,
    seeds: || {
        let mut all = vec![
            [&[0][..], &status(0xC000_0072)].concat(),
            [&[0][..], &list(&status(0xC000_0224))].concat(),
            b"\x01\0\x0d\xff\x80\0\x03abcdefg".to_vec(),
            b"\x02\0\x05No.\0".to_vec(),
            b"\x03\x12\0\0\0\x72\0\0\xC0\x01".to_vec(),
            b"\x03\x17\0\0\0\x24\x02\0\xC0\x01".to_vec(),
            b"\x04host/a\\@b@CORP.EXAMPLE".to_vec(),
        ];
        let mut policy = b"\x02\0\x04\0\0\0\0\0\x08\0\0\0\x18\0\0\0\x01".to_vec();
        policy.extend((42_i64 * 86_400 * 10_000_000).to_be_bytes());
        policy.extend((-86_400_i64 * 10_000_000).to_be_bytes());
        all.push(policy);
        all
    },
    words: &["\\@", "/", "@CORP.EXAMPLE"],
    longest: 1024,
    smoke: 20_000,
};

fn parts(bytes: &[u8]) {
    let mut cut = Cut(bytes);
    match cut.byte() % 5 {
        0 => {
            let (count, taken) = krb5::der(cut.0);
            assert!(count <= taken && taken <= cut.0.len());
            if let Some(status) = krb5::ntstatus(cut.0) {
                assert_eq!(status >> 30, 3, "{status:x} is no error");
            }
        }
        1 => {
            if let Some((one, other)) = krb5::kpasswd_frame(cut.0) {
                assert_eq!(one.len() + other.len() + 6, cut.0.len());
            }
        }
        2 => {
            let done = krb5::kpasswd_result(cut.0) == Some(Changed::Done);
            assert_eq!(done, cut.0.starts_with(&[0, 0]));
        }
        3 => refused(&mut cut),
        _ => {
            let text = String::from_utf8_lossy(cut.0);
            if let Ok(principal) = Principal::parse(&text) {
                let again = Principal::parse(&principal.to_string());
                assert_eq!(again.ok().as_ref(), Some(&principal));
            }
        }
    }
}

/// No refusal lets anybody in; what proves the password was said after it was looked at.
fn refused(cut: &mut Cut<'_>) {
    let code = i32::from_le_bytes(cut.array());
    let status = u32::from_le_bytes(cut.array());
    let after_preauth = cut.byte() & 1 == 1;
    let error = KdcError {
        code,
        ntstatus: (status != 0).then_some(status),
        after_preauth,
        server_time: None,
        armored: false,
    };
    if let Some((verdict, proves)) = domlogon_ad::fuzzed::refusal(&error) {
        let age = matches!(verdict, Verdict::MustChange | Verdict::PasswordExpired);
        assert!(!verdict.grants() || age, "{verdict:?}");
        assert!(!proves || after_preauth);
        assert!(!proves || !matches!(verdict, Verdict::LogonFailure | Verdict::UserNotFound));
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(0);
    let [high, low] = length.to_be_bytes();
    // The shortest form, as DER demands it.
    let mut bytes = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    bytes.extend(content);
    bytes
}

fn list(element: &[u8]) -> Vec<u8> {
    der(0x30, element)
}

/// METHOD-DATA's element with an NTSTATUS.
fn status(status: u32) -> Vec<u8> {
    let mut value = status.to_le_bytes().to_vec();
    value.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    let kind = der(0xA1, &[2, 1, 3]);
    der(0x30, &[kind, der(0xA2, &der(4, &value))].concat())
}

/// A KRB-ERROR.
fn error(code: u8) -> Vec<u8> {
    error_with(code, &list(&status(0xC000_0072)))
}

/// The first answer of every KDC: that it wants a proof, and how keys are made.
fn challenge() -> Vec<u8> {
    let salt = der(0x1B, b"CORP.EXAMPLEalice");
    let info = der(
        0x30,
        &der(0x30, &[der(0xA0, &[2, 1, 18]), der(0xA1, &salt)].concat()),
    );
    let element = |kind: u8, value: &[u8]| {
        der(
            0x30,
            &[der(0xA1, &[2, 1, kind]), der(0xA2, &der(4, value))].concat(),
        )
    };
    let methods = [element(19, &info), element(2, b"")].concat();
    error_with(25, &der(0x30, &methods))
}

fn error_with(code: u8, e_data: &[u8]) -> Vec<u8> {
    let name = |kind: u8, parts: &[&[u8]]| {
        let parts: Vec<u8> = parts.iter().flat_map(|part| der(0x1B, part)).collect();
        der(
            0x30,
            &[der(0xA0, &[2, 1, kind]), der(0xA1, &der(0x30, &parts))].concat(),
        )
    };
    let fields = [
        der(0xA0, &[2, 1, 5]),
        der(0xA1, &[2, 1, 30]),
        der(0xA4, &der(0x18, b"20261126000000Z")),
        der(0xA5, &[2, 1, 0]),
        der(0xA6, &[2, 1, code]),
        der(0xA9, &der(0x1B, REALM.as_bytes())),
        der(0xAA, &name(2, &[b"krbtgt", REALM.as_bytes()])),
        der(0xAC, &der(4, e_data)),
    ];
    der(0x7E, &der(0x30, &fields.concat()))
}

/// An AS-REP or TGS-REP with nothing that opens in it.
fn reply(tag: u8) -> Vec<u8> {
    let name = |parts: &[&str]| {
        let parts: Vec<u8> = parts
            .iter()
            .flat_map(|part| der(0x1B, part.as_bytes()))
            .collect();
        der(
            0x30,
            &[der(0xA0, &[2, 1, 1]), der(0xA1, &der(0x30, &parts))].concat(),
        )
    };
    let sealed = der(
        0x30,
        &[der(0xA0, &[2, 1, 18]), der(0xA2, &der(4, &[7; 64]))].concat(),
    );
    let ticket = [
        der(0xA0, &[2, 1, 5]),
        der(0xA1, &der(0x1B, REALM.as_bytes())),
        der(0xA2, &name(&["krbtgt", REALM])),
        der(0xA3, &sealed),
    ];
    let kind = if tag == 0x6B { 11 } else { 13 };
    let fields = [
        der(0xA0, &[2, 1, 5]),
        der(0xA1, &[2, 1, kind]),
        der(0xA3, &der(0x1B, REALM.as_bytes())),
        der(0xA4, &name(&["alice"])),
        der(0xA5, &der(0x61, &der(0x30, &ticket.concat()))),
        der(0xA6, &sealed),
    ];
    der(tag, &der(0x30, &fields.concat()))
}

/// A ticket that nobody has made, as it stands in a cache; it does not end for a long time.
fn ticket(server: [&str; 2]) -> Vec<u8> {
    fn counted(out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend(u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
        out.extend(bytes);
    }
    let mut out = Vec::new();
    for parts in [&["alice"][..], &server] {
        out.extend(1_u32.to_be_bytes());
        out.extend(u32::try_from(parts.len()).unwrap_or(0).to_be_bytes());
        counted(&mut out, REALM.as_bytes());
        parts
            .iter()
            .for_each(|part| counted(&mut out, part.as_bytes()));
    }
    out.extend(18_u16.to_be_bytes());
    counted(&mut out, &[7; 32]);
    for time in [
        1_700_000_000,
        1_700_000_000,
        2_100_000_000,
        2_100_000_000_u32,
    ] {
        out.extend(time.to_be_bytes());
    }
    out.push(0);
    out.extend(0x40E1_0000_u32.to_be_bytes());
    out.extend([0; 8]);
    let sealed = der(
        0x30,
        &[der(0xA0, &[2, 1, 18]), der(0xA2, &der(4, &[0; 10]))].concat(),
    );
    let names = [der(0x1B, b"krbtgt"), der(0x1B, REALM.as_bytes())].concat();
    let name = der(
        0x30,
        &[der(0xA0, &[2, 1, 2]), der(0xA1, &der(0x30, &names))].concat(),
    );
    let fields = [
        der(0xA0, &[2, 1, 5]),
        der(0xA1, &der(0x1B, REALM.as_bytes())),
        der(0xA2, &name),
        der(0xA3, &sealed),
    ];
    counted(&mut out, &der(0x61, &der(0x30, &fields.concat())));
    counted(&mut out, b"");
    out
}
