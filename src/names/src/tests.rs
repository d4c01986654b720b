use crate::format::{HEADER, at};
use crate::hash::checksum;
use crate::*;
use proptest::prelude::*;
use std::format;
use std::io::Cursor;
use std::string::{String, ToString};
use std::vec::Vec;

const ABOUT: About<'static> = About {
    base: None,
    complete: true,
    lowest_id: 1000,
    short: "CORP",
    dns: "corp.example",
    created_at: 1_700_000_000,
};

fn user(name: &str, uid: u32) -> UserEntry<'_> {
    UserEntry {
        name,
        uid,
        gid: 5000,
        full_name: "Some One",
        home: "/home/x",
        shell: "/bin/sh",
        expires_at: 0,
        groups: Some(&[5001, 5000, 5001]),
        groups_expire_at: 0,
    }
}

fn group<'a>(name: &'a str, gid: u32, members: &'a [String]) -> GroupEntry<'a, String> {
    GroupEntry {
        name,
        gid,
        members,
        expires_at: 0,
    }
}

fn made(about: &About<'_>, fill: impl FnOnce(&mut Builder<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let out = Cursor::new(Vec::new());
    let mut builder = Builder::with_random(out, about, [7; 32]).unwrap();
    fill(&mut builder);
    builder.finish().unwrap().into_inner()
}

const USERS: u32 = 40;
const GROUPS: u32 = 6;

fn name_of(uid: u32) -> String {
    format!("User{uid}")
}

fn members_of(gid: u32) -> Vec<String> {
    (0..(gid - 5000) * 3).map(|i| name_of(2000 + i)).collect()
}

/// Forty users, six groups.
fn small() -> Vec<u8> {
    made(&ABOUT, |builder| {
        for uid in 2000..2000 + USERS {
            builder.user(&user(&name_of(uid), uid)).unwrap();
        }
        for gid in 5000..5000 + GROUPS {
            let (name, members) = (format!("Group{gid}"), members_of(gid));
            builder.group(&group(&name, gid, &members)).unwrap();
        }
    })
}

fn here<T>(found: Found<T>) -> Option<T> {
    match found {
        Found::Here(entry) => Some(entry),
        _ => None,
    }
}

fn is_right_user(entry: &UserRecord<'_>, uid: u32) -> bool {
    let groups: Vec<u32> = entry.groups.unwrap().iter().collect();
    entry.uid == uid
        && entry.gid == 5000
        && entry.name == name_of(uid).as_bytes()
        && entry.full_name == b"Some One"
        && entry.home == b"/home/x"
        && entry.shell == b"/bin/sh"
        && groups == [5000, 5001]
}

fn is_right_group(entry: &GroupRecord<'_>, gid: u32) -> bool {
    let wanted = members_of(gid);
    entry.gid == gid
        && entry.name == format!("Group{gid}").as_bytes()
        && entry.count() == wanted.len()
        && entry.members().eq(wanted.iter().map(String::as_bytes))
}

/// Looks everything up. What is found must be right; how much was found.
fn look_everything_up(reader: &Reader<'_>) -> usize {
    let mut found = 0;
    for uid in 1990..2000 + USERS + 10 {
        let key = name_of(uid).to_lowercase();
        for entry in [reader.user_by_name(key.as_bytes()), reader.user_by_id(uid)] {
            if let Some(entry) = here(entry) {
                assert!(is_right_user(&entry, uid), "{entry:?}");
                found += 1;
            }
        }
        if let Some(entry) = here(reader.user_after(uid)) {
            assert!(is_right_user(&entry, entry.uid) && entry.uid > uid);
        }
    }
    for gid in 4990..5000 + GROUPS + 10 {
        let key = format!("group{gid}");
        for entry in [
            reader.group_by_name(key.as_bytes()),
            reader.group_by_id(gid),
        ] {
            if let Some(entry) = here(entry) {
                assert!(is_right_group(&entry, gid), "{entry:?}");
                found += 1;
            }
        }
        if let Some(entry) = here(reader.group_after(gid)) {
            assert!(is_right_group(&entry, entry.gid) && entry.gid > gid);
        }
    }
    found
}

const ALL: usize = 2 * (USERS + GROUPS) as usize;

#[test]
fn everything_is_found_and_nothing_else() {
    let file = small();
    let reader = Reader::of_file(&file).unwrap();
    assert_eq!(look_everything_up(&reader), ALL);
    assert!(reader.is_complete() && !reader.is_delta());
    assert_eq!((reader.users(), reader.groups()), (40, 6));
    assert_eq!(
        (reader.lowest_id(), reader.created_at()),
        (1000, 1_700_000_000)
    );
    assert!(reader.is_domain(b"corp") && reader.is_domain(b"corp.example"));
    assert!(!reader.is_domain(b"") && !reader.is_domain(b"CORP"));
    for key in [
        &b""[..],
        b"user",
        b"User2000",
        b"user2000 ",
        b"group5000",
        &[0xff; 400],
    ] {
        assert!(matches!(reader.user_by_name(key), Found::Unknown));
    }
    let ids: Vec<u32> = core::iter::successors(here(reader.user_after(0)), |user| {
        here(reader.user_after(user.uid))
    })
    .map(|user| user.uid)
    .collect();
    assert_eq!(ids, Vec::from_iter(2000..2000 + USERS));
}

#[test]
fn an_empty_file_has_nothing() {
    let file = made(&ABOUT, |_| ());
    let reader = Reader::of_file(&file).unwrap();
    assert!(matches!(reader.user_by_name(b"alice"), Found::Unknown));
    assert!(matches!(reader.group_by_id(5000), Found::Unknown));
    assert!(matches!(reader.user_after(0), Found::Unknown));
}

#[test]
fn a_delta_says_what_is_gone_and_belongs_to_one_base() {
    let base = small();
    let base = Reader::of_file(&base).unwrap();
    let about = About {
        base: Some(base.id()),
        ..ABOUT
    };
    let delta = made(&about, |builder| {
        builder.no_user_name("USER2001").unwrap();
        builder.no_user_id(2001).unwrap();
        builder.no_group_name("Group5001").unwrap();
        builder.no_group_id(5001).unwrap();
        // Said to be gone first, and here all the same.
        builder.no_user_name("user2002").unwrap();
        builder.no_user_id(2002).unwrap();
        builder.user(&user("User2002", 2002)).unwrap();
    });
    let delta = Reader::of_file(&delta).unwrap();
    assert!(base.is_base_of(&delta) && !delta.is_base_of(&base));
    assert!(matches!(delta.user_by_name(b"user2001"), Found::Gone));
    assert!(matches!(delta.user_by_id(2001), Found::Gone));
    assert!(matches!(delta.groups_of(b"user2001"), Found::Gone));
    assert!(matches!(delta.group_by_name(b"group5001"), Found::Gone));
    assert!(matches!(delta.group_by_id(5001), Found::Gone));
    assert!(matches!(delta.user_by_name(b"user2000"), Found::Unknown));
    assert!(here(delta.user_by_name(b"user2002")).is_some());
    assert!(here(delta.user_by_id(2002)).is_some());
    assert!(matches!(delta.group_by_name(b"user2001"), Found::Unknown));
    let other = About {
        base: Some(Id([8; 16])),
        ..ABOUT
    };
    let other = made(&other, |_| ());
    assert!(!base.is_base_of(&Reader::of_file(&other).unwrap()));
}

#[test]
fn spellings_and_what_is_not_known() {
    let file = made(&ABOUT, |builder| {
        let entry = user("BJ\u{d6}RN", 2000);
        builder
            .user(&UserEntry {
                groups: None,
                ..entry
            })
            .unwrap();
        let none: [&str; 0] = [];
        let entry = GroupEntry {
            name: "Domain Users",
            gid: 5000,
            members: &none,
            expires_at: 9,
        };
        builder.group(&entry).unwrap();
    });
    let reader = Reader::of_file(&file).unwrap();
    let found = here(reader.user_by_name("bj\u{f6}rn".as_bytes())).unwrap();
    assert_eq!(found.name, "BJ\u{d6}RN".as_bytes());
    assert!(found.groups.is_none());
    assert!(matches!(
        reader.groups_of("bj\u{f6}rn".as_bytes()),
        Found::Unknown
    ));
    assert!(matches!(
        reader.user_by_name("BJ\u{d6}RN".as_bytes()),
        Found::Unknown
    ));
    let found = here(reader.group_by_name(b"domain users")).unwrap();
    assert_eq!(
        (found.name, found.count(), found.expires_at),
        (&b"Domain Users"[..], 0, 9)
    );
}

#[test]
fn what_would_hurt_is_not_published() {
    made(&ABOUT, |builder| {
        let good = user("alice", 2000);
        let long = "x".repeat(70_000);
        let bad = [
            UserEntry {
                name: "root",
                ..good
            },
            UserEntry { name: "", ..good },
            UserEntry {
                name: "a:b",
                ..good
            },
            UserEntry { uid: 999, ..good },
            UserEntry {
                uid: u32::MAX,
                ..good
            },
            UserEntry { gid: 0, ..good },
            UserEntry {
                full_name: "a\nroot::0:0::/:/bin/sh",
                ..good
            },
            UserEntry {
                shell: "/bin/sh\0",
                ..good
            },
            UserEntry {
                home: &long,
                ..good
            },
        ];
        for entry in bad {
            assert!(
                matches!(builder.user(&entry), Err(BuildError::Unsound)),
                "{entry:?}"
            );
        }
        let groups = Some(&[0, 27, 5000, u32::MAX][..]);
        builder.user(&UserEntry { groups, ..good }).unwrap();
        let members = ["bob", "", "root", "a:b", "eve"].map(ToString::to_string);
        builder.group(&group("staff", 5000, &members)).unwrap();
        let bad = builder.group(&group("staff", 999, &members));
        assert!(matches!(bad, Err(BuildError::Unsound)));
    });
}

#[test]
fn left_out_entries_leave_no_trace() {
    let file = made(&ABOUT, |builder| {
        let bad = user("alice", 2000);
        let long = "x".repeat(70_000);
        let _left_out = builder.user(&UserEntry { home: &long, ..bad });
        let groups = Some(&[0, 27, 5000, u32::MAX][..]);
        builder
            .user(&UserEntry {
                groups,
                ..user("bob", 2001)
            })
            .unwrap();
        let members = ["bob", "", "root", "a:b", "eve"].map(ToString::to_string);
        builder.group(&group("staff", 5000, &members)).unwrap();
    });
    let reader = Reader::of_file(&file).unwrap();
    assert!(matches!(reader.user_by_name(b"alice"), Found::Unknown));
    let groups = here(reader.groups_of(b"bob")).unwrap();
    assert_eq!(groups.iter().collect::<Vec<_>>(), [5000]);
    let staff = here(reader.group_by_id(5000)).unwrap();
    assert!(staff.members().eq([&b"bob"[..], b"eve"]));
}

#[test]
fn of_two_with_one_key_the_first_is_found_and_a_hundred_are_refused() {
    let file = made(&ABOUT, |builder| {
        builder.user(&user("twin", 2000)).unwrap();
        builder.user(&user("TWIN", 2001)).unwrap();
        builder.user(&user("other", 2000)).unwrap();
    });
    let reader = Reader::of_file(&file).unwrap();
    assert_eq!(here(reader.user_by_name(b"twin")).unwrap().uid, 2000);
    assert_eq!(here(reader.user_by_id(2000)).unwrap().name, b"twin");
    assert_eq!(reader.users(), 2);
    let mut builder = Builder::with_random(Cursor::new(Vec::new()), &ABOUT, [7; 32]).unwrap();
    for uid in 2000..2100 {
        builder.user(&user("alice", uid)).unwrap();
    }
    assert!(matches!(builder.finish(), Err(BuildError::TooMuch)));
}

#[test]
fn a_hundred_thousand_are_all_found() {
    let count = if cfg!(debug_assertions) {
        20_000
    } else {
        100_000
    };
    let names: Vec<String> = (0..count).map(|i| format!("u{i}")).collect();
    let file = made(&ABOUT, |builder| {
        for (name, uid) in names.iter().zip(2000..) {
            builder.user(&user(name, uid)).unwrap();
        }
    });
    let reader = Reader::of_file(&file).unwrap();
    for (name, uid) in names.iter().zip(2000..) {
        assert_eq!(here(reader.user_by_name(name.as_bytes())).unwrap().uid, uid);
        assert_eq!(here(reader.user_by_id(uid)).unwrap().name, name.as_bytes());
        assert!(matches!(
            reader.user_by_name(format!("{name}x").as_bytes()),
            Found::Unknown
        ));
    }
}

// ---------------------------------------------------------------- damage

/// Makes the header's checksum right again.
fn sealed(mut file: Vec<u8>) -> Vec<u8> {
    let contents = &mut file[COVER..];
    let sum = checksum(0, &contents[..at::CHECKSUM]);
    contents[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
    file
}

#[test]
fn every_bit_that_flips_is_survived_and_tells_no_lie() {
    let file = small();
    for at in 0..file.len() {
        for mask in [1_u8, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[at] ^= mask;
            match Reader::of_file(&changed) {
                Ok(reader) => {
                    look_everything_up(&reader);
                    // The cover has but the magic and the word that may change.
                    assert!(
                        at >= 8 && !(COVER..COVER + at::CHECKSUM).contains(&at),
                        "{at}"
                    );
                }
                Err(fault) => assert!(!(8..COVER).contains(&at), "{at} {fault}"),
            }
        }
    }
}

#[test]
fn every_header_that_is_sealed_again_is_survived_and_tells_no_lie() {
    let file = small();
    for at in COVER..COVER + HEADER {
        for mask in [1_u8, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[at] ^= mask;
            if let Ok(reader) = Reader::of_file(&sealed(changed)) {
                look_everything_up(&reader);
            }
        }
    }
}

#[test]
fn a_file_that_was_cut_is_refused_at_every_length() {
    let file = small();
    for length in 0..file.len() {
        assert!(Reader::of_file(&file[..length]).is_err(), "{length}");
        // Even if it says that it is as long as it is.
        if length < COVER + HEADER {
            continue;
        }
        let mut cut = file[..length].to_vec();
        let said = (length as u64).to_le_bytes();
        cut[COVER + at::LENGTH..COVER + at::LENGTH + 8].copy_from_slice(&said);
        assert!(Reader::of_file(&sealed(cut)).is_err(), "{length}");
    }
    let mut longer = file;
    longer.push(0);
    assert_eq!(Reader::of_file(&longer).err(), Some(Fault::Length));
}

#[test]
fn other_versions_and_other_files_are_named() {
    let mut other = small();
    other[COVER] = 2;
    assert_eq!(Reader::of_file(&other).err(), Some(Fault::Version(2)));
    assert_eq!(Reader::of_file(b"root:x:0:0").err(), Some(Fault::NotNames));
    assert_eq!(Reader::of_file(b"").err(), Some(Fault::NotNames));
}

#[test]
fn full_tables_that_lead_nowhere_end_soon() {
    // Every slot full, none of them empty, all with the same record: no chain ends.
    let file = small();
    let mut changed = file.clone();
    let tables = COVER + at::TABLES;
    for table in 0..4 {
        let number = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
        let start = COVER + number(tables + table * 16);
        let length = number(tables + table * 16 + 8) * 64;
        for slot in changed[start..start + length].chunks_exact_mut(8) {
            slot.copy_from_slice(&[1, 2, 3, 4, 1, 0, 0, 0]);
        }
    }
    let reader = Reader::of_file(&changed).unwrap();
    assert_eq!(look_everything_up(&reader), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 5000 }))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let mut file = MAGIC.to_vec();
        file.extend(bytes);
        if let Ok(reader) = Reader::of_file(&file) {
            look_everything_up(&reader);
        }
    }

    #[test]
    fn random_numbers_anywhere_tell_no_lie(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u64>(), 1..9_usize), 1..40)
    ) {
        let mut file = small();
        for (at, number, size) in changes {
            let at = at.index(file.len() - 8);
            if at < 8 {
                continue;
            }
            file[at..at + size].copy_from_slice(&number.to_le_bytes()[..size]);
        }
        // With the right length, so that what is behind it is reached.
        let length = (file.len() as u64).to_le_bytes();
        file[COVER..COVER + 4].copy_from_slice(&1_u32.to_le_bytes());
        file[COVER + at::LENGTH..COVER + at::LENGTH + 8].copy_from_slice(&length);
        if let Ok(reader) = Reader::of_file(&sealed(file)) {
            look_everything_up(&reader);
        }
    }

    #[test]
    fn records_and_slots_that_were_exchanged_tell_no_lie(
        swaps in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..200)
    ) {
        let mut file = small();
        let words = (file.len() - COVER - HEADER) / 8;
        for (one, two) in swaps {
            let (one, two) = (one.index(words) * 8, two.index(words) * 8);
            for i in 0..8 {
                file.swap(COVER + HEADER + one + i, COVER + HEADER + two + i);
            }
        }
        look_everything_up(&Reader::of_file(&file).unwrap());
    }
}
