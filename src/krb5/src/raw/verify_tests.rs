//! Tickets of our own making, before a table of the host's keys: no KDC is needed.

use super::{ContextHandle, bytes, derive_key, ffi};
use crate::der::{GENERAL_STRING, INTEGER, OCTET_STRING, SEQUENCE, context, write};
use crate::{Context, Credentials, Enctype, Error, KeytabEntry, Principal};
use core::ffi::c_char;
use domlogon_protocol::Secret;
use std::path::PathBuf;

const REALM: &str = "CORP.EXAMPLE";
const SERVICE: &str = "host/ws1.corp.example";
const SALT: &str = "CORP.EXAMPLEhostws1.corp.example";
const AES256: i32 = 18;
const SESSION_KEY: [u8; 32] = [7; 32];
const PROFILE: &str = "[libdefaults]\n default_realm = CORP.EXAMPLE\n kdc_timesync = 0\n";

const BIT_STRING: u8 = 0x03;
const TIME: u8 = 0x18;
/// What the key of a ticket is used for [RFC 4120 7.5.1].
const TICKET: i32 = 2;

/// `krb5_enc_data`.
#[repr(C)]
struct RawSealed {
    magic: i32,
    enctype: i32,
    kvno: u32,
    data: ffi::RawData,
}

#[link(name = "k5crypto")]
unsafe extern "C" {
    fn krb5_c_encrypt(
        context: *mut ffi::RawContext,
        key: *const ffi::RawKey,
        usage: i32,
        state: *const ffi::RawData,
        input: *const ffi::RawData,
        output: *mut RawSealed,
    ) -> i32;
}

fn seal(key: &mut [u8], clear: &[u8]) -> Vec<u8> {
    let context = ContextHandle::blank().unwrap();
    let key = ffi::RawKey {
        magic: 0,
        enctype: AES256,
        length: 32,
        contents: key.as_mut_ptr(),
    };
    // 16 bytes before it that mean nothing, 12 of a checksum behind it.
    let mut sealed = vec![0; 16 + clear.len() + 12];
    let mut output = RawSealed {
        magic: 0,
        enctype: 0,
        kvno: 0,
        data: ffi::RawData {
            magic: 0,
            length: u32::try_from(sealed.len()).unwrap(),
            data: sealed.as_mut_ptr().cast::<c_char>(),
        },
    };
    let input = bytes::lend(clear).unwrap();
    // SAFETY: the key and the input are only read; the output has the room that it says.
    let code = unsafe {
        krb5_c_encrypt(
            context.ptr(),
            &key,
            TICKET,
            core::ptr::null(),
            &input,
            &mut output,
        )
    };
    assert_eq!(code, 0);
    sealed
}

fn sequence(fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let fields: Vec<u8> = fields
        .iter()
        .flat_map(|(number, value)| write(context(*number), value))
        .collect();
    write(SEQUENCE, &fields)
}

fn name(kind: u8, parts: &[&str]) -> Vec<u8> {
    let parts: Vec<u8> = parts
        .iter()
        .flat_map(|part| write(GENERAL_STRING, part.as_bytes()))
        .collect();
    sequence(&[(0, write(INTEGER, &[kind])), (1, write(SEQUENCE, &parts))])
}

/// A ticket for this host.
struct Made {
    password: &'static str,
    /// The number that is written on it, where everybody can write.
    kvno: u8,
    client: &'static str,
    session_key: [u8; 32],
    ends: &'static str,
}

impl Made {
    const GOOD: Self = Self {
        password: "new",
        kvno: 3,
        client: "alice",
        session_key: SESSION_KEY,
        ends: "20370101000000Z",
    };

    fn ticket(&self) -> Vec<u8> {
        let realm = write(GENERAL_STRING, REALM.as_bytes());
        let time = |text: &str| write(TIME, text.as_bytes());
        let inner = sequence(&[
            (0, write(BIT_STRING, &[0; 5])),
            (
                1,
                sequence(&[
                    (0, write(INTEGER, &[18])),
                    (1, write(OCTET_STRING, &self.session_key)),
                ]),
            ),
            (2, realm.clone()),
            (3, name(1, &[self.client])),
            (
                4,
                sequence(&[(0, write(INTEGER, &[1])), (1, write(OCTET_STRING, &[]))]),
            ),
            (5, time("20200101000000Z")),
            (7, time(self.ends)),
        ]);
        let context = ContextHandle::blank().unwrap();
        let (password, salt) = (self.password.as_bytes(), SALT.as_bytes());
        let mut key = derive_key(&context, AES256, password, salt).unwrap();
        let sealed = seal(&mut key, &write(0x63, &inner));
        let outer = sequence(&[
            (0, write(INTEGER, &[5])),
            (1, realm),
            (2, name(2, &["host", "ws1.corp.example"])),
            (
                3,
                sequence(&[
                    (0, write(INTEGER, &[18])),
                    (1, write(INTEGER, &[self.kvno])),
                    (2, write(OCTET_STRING, &sealed)),
                ]),
            ),
        ]);
        write(0x61, &outer)
    }
}

/// The credentials of alice with a ticket, as a KDC would have given them to us.
fn credentials(context: &Context, ticket: &[u8]) -> Credentials {
    fn counted(bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&length[..], bytes].concat()
    }
    let name = |parts: &[&str]| {
        let count = u32::try_from(parts.len()).unwrap().to_be_bytes();
        let mut bytes = [&[0, 0, 0, 1][..], &count, &counted(REALM.as_bytes())].concat();
        for part in parts {
            bytes.extend(counted(part.as_bytes()));
        }
        bytes
    };
    let time = |seconds: u32| seconds.to_be_bytes().to_vec();
    let bytes = [
        name(&["alice"]),
        name(&["host", "ws1.corp.example"]),
        vec![0, 18],
        counted(&SESSION_KEY),
        time(1_577_836_800),
        time(1_577_836_800),
        time(2_114_380_800),
        time(0),
        // No key of the second kind, no flags, no addresses, no further data.
        vec![0; 1 + 4 + 4 + 4],
        counted(ticket),
        counted(b""),
    ]
    .concat();
    context.credentials_from_bytes(&bytes).unwrap()
}

struct Scene {
    folder: tempfile::TempDir,
    context: Context,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("krb5.conf");
        std::fs::write(&profile, PROFILE).unwrap();
        let context = Context::new(&profile).unwrap();
        Self { folder, context }
    }

    /// A table with the host's keys: passwords and their numbers.
    fn keytab(&self, keys: &[(&str, u32)]) -> PathBuf {
        let path = self.folder.path().join("machine.keytab");
        let host = Principal::parse_in(SERVICE, REALM).unwrap();
        let account = Principal::parse_in("WS1$", REALM).unwrap();
        let keys: Vec<_> = keys
            .iter()
            .map(|(password, kvno)| (Secret::new(password.as_bytes()), *kvno))
            .collect();
        let entries: Vec<_> = keys
            .iter()
            .flat_map(|(password, kvno)| {
                [&account, &host].map(|principal| KeytabEntry {
                    principal,
                    kvno: *kvno,
                    password,
                    salt: SALT,
                    enctypes: Enctype::AES,
                })
            })
            .collect();
        self.context.write_keytab(&path, &entries).unwrap();
        path
    }

    fn opens(&self, made: &Made, keys: &[(&str, u32)]) -> bool {
        let keytab = self.keytab(keys);
        let credentials = credentials(&self.context, &made.ticket());
        match self.context.verify(&credentials, SERVICE, &keytab) {
            Ok(()) => true,
            Err(Error::NotVerified { .. }) => false,
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_ticket_opens_by_the_key_whatever_number_is_written_on_it() {
    let scene = Scene::new();
    assert!(scene.opens(&Made::GOOD, &[("new", 3), ("old", 2)]));
    // The number in the table is one that somebody made up, or that on the ticket is.
    for kvno in [1, 2, 4, 100] {
        let forged = Made { kvno, ..Made::GOOD };
        assert!(scene.opens(&forged, &[("new", 3), ("old", 2)]), "{kvno}");
    }
    assert!(scene.opens(&Made::GOOD, &[("new", 0xC000_0003), ("old", 3)]));
    assert!(scene.opens(&Made::GOOD, &[("old", 3), ("new", 0)]));
}

#[test]
fn no_other_ticket_opens() {
    let scene = Scene::new();
    let keys = [("new", 3), ("old", 2)];
    let forged = [
        (
            "key",
            Made {
                password: "other",
                ..Made::GOOD
            },
        ),
        // One of somebody's that was heard on the wire: who has it has not the key in it.
        (
            "session key",
            Made {
                session_key: [8; 32],
                ..Made::GOOD
            },
        ),
        (
            "client",
            Made {
                client: "bob",
                ..Made::GOOD
            },
        ),
        (
            "end",
            Made {
                ends: "20210101000000Z",
                ..Made::GOOD
            },
        ),
    ];
    for (what, made) in forged {
        assert!(!scene.opens(&made, &keys), "{what}");
    }
    assert!(!scene.opens(&Made::GOOD, &[("old", 3)]));
    let nothing = scene.folder.path().join("none.keytab");
    let ticket = credentials(&scene.context, &Made::GOOD.ticket());
    let refused = scene.context.verify(&ticket, SERVICE, &nothing);
    assert!(
        matches!(refused, Err(Error::NotVerified { .. })),
        "{refused:?}"
    );
}
