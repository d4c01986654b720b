//! Until when programs take what they read as it is.

use super::*;
use domlogon_names::Found;
use domlogon_protocol::Timestamp;
use domlogon_rules::roster::{Listener, UserEntry};

const ABOUT: names::About<'static> = names::About {
    base: None,
    complete: false,
    lowest_id: 1000,
    short: "CORP",
    dns: "corp.example",
    created_at: 1_795_000_000,
};

#[test]
fn an_entry_and_its_groups_hold_as_long_as_is_said_of_each() {
    let end = Timestamp(1_795_000_600);
    let cases = [
        (None, Some(end), (0, 1_795_000_600)),
        (
            Some(end.plus(500)),
            Some(end),
            (1_795_001_100, 1_795_000_600),
        ),
        (None, None, (0, 0)),
    ];
    for (until, groups_until, expected) in cases {
        let alice = UserEntry {
            key: "alice",
            name: "alice",
            uid: 70_001,
            gid: 70_513,
            full_name: "",
            home: "/home/alice",
            shell: "/bin/sh",
            until,
            groups: Some(&[70_513]),
            groups_until,
        };
        for file in [in_a_base(&alice), in_a_delta(&alice)] {
            let reader = Reader::of_file(&file).unwrap();
            let Found::Here(user) = reader.user_by_name(b"alice") else {
                panic!("she is in it");
            };
            assert_eq!((user.expires_at, user.groups_expire_at), expected);
        }
    }
}

fn in_a_base(user: &UserEntry<'_>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = Files::find(folder.path()).begin(Which::Base).unwrap();
    let mut base = Base::new(ToFile::new(file, &ABOUT).unwrap(), || false);
    assert!(base.user(user).is_continue());
    base.finish().unwrap();
    fs::read(folder.path().join("names.next")).unwrap()
}

fn in_a_delta(user: &UserEntry<'_>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = Files::find(folder.path()).begin(Which::Delta).unwrap();
    let mut file = ToFile::new(file, &ABOUT).unwrap();
    let mut delta = Delta::default();
    assert!(delta.user(user).is_continue());
    delta.write(&mut file).unwrap();
    file.finish().unwrap();
    fs::read(folder.path().join("names.delta.next")).unwrap()
}
