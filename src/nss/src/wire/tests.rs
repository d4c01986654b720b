use super::*;
use domlogon_protocol::directory;
use domlogon_protocol::{Decision, Verdict, client, frame};
use proptest::prelude::*;

type Theirs = domlogon_protocol::Reply;

fn body(reply: &Theirs) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, reply, frame::MAX_REPLY).unwrap();
    bytes.split_off(HEADER)
}

fn owned(user: &User<'_>) -> directory::User {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    directory::User {
        name: text(user.name),
        uid: user.uid,
        gid: user.gid,
        full_name: text(user.full_name),
        home: text(user.home),
        shell: text(user.shell),
    }
}

fn owned_group(group: &Group<'_>) -> directory::Group {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let Members::Told(members) = group.members else {
        panic!("not from a file")
    };
    assert_eq!(members.count(), members.iter().count());
    directory::Group {
        name: text(group.name),
        gid: group.gid,
        members: members.iter().map(text).collect(),
    }
}

/// The reply, read by us, in the protocol's own words.
fn through(reply: &Theirs) -> Option<Theirs> {
    let body = body(reply);
    Some(match Reply::read(&body)? {
        Reply::User(user) => Theirs::User(user.as_ref().map(owned)),
        Reply::Group(group) => Theirs::Group(group.as_ref().map(owned_group)),
        Reply::GroupIds(ids) => Theirs::GroupIds(ids.map(|ids| ids.iter().collect())),
        Reply::Users(page) => Theirs::Users(directory::Page {
            entries: page.entries.iter().map(|user| owned(&user)).collect(),
            next: page.next,
        }),
        Reply::Groups(page) => Theirs::Groups(directory::Page {
            entries: page
                .entries
                .iter()
                .map(|group| owned_group(&group))
                .collect(),
            next: page.next,
        }),
        Reply::Busy => Theirs::Refused(Verdict::Busy),
        Reply::Other => return None,
    })
}

#[test]
fn the_numbers_are_those_of_the_protocol() {
    assert_eq!((VERSION, BEHIND), (frame::VERSION, frame::BEHIND));
    assert_eq!(MOST_REPLY, frame::MAX_REPLY);
    assert_eq!(BUSY, u32::from(Verdict::Busy.row().wire));
    assert_eq!(MOST_BYTES, domlogon_protocol::UserName::MAX_BYTES);
    assert_eq!(
        crate::daemon::LIMIT,
        client::NSS_DEADLINE.as_millis() as u64
    );
}

#[test]
fn requests_are_those_of_the_protocol() {
    let long = "x".repeat(MOST_BYTES);
    let requests = [
        (
            Request::UserByName(b"CORP\\alice"),
            "UserByName(\"CORP\\\\alice\")".to_owned(),
        ),
        (
            Request::UserByName(long.as_bytes()),
            format!("UserByName({long:?})"),
        ),
        (Request::UserById(0), "UserById(0)".to_owned()),
        (Request::UserById(127), "UserById(127)".to_owned()),
        (
            Request::UserById(u32::MAX),
            "UserById(4294967295)".to_owned(),
        ),
        (
            Request::GroupByName("\u{e4}".as_bytes()),
            "GroupByName(\"\u{e4}\")".to_owned(),
        ),
        (Request::GroupById(16384), "GroupById(16384)".to_owned()),
        (Request::GroupsOf(b""), "GroupsOf(\"\")".to_owned()),
        (Request::Users(128), "Users(128)".to_owned()),
        (
            Request::Groups(1_900_000_513),
            "Groups(1900000513)".to_owned(),
        ),
    ];
    for (request, wanted) in requests {
        for real_uid in [0, 1, 1000, u32::MAX] {
            let sent = Frame::new(request, real_uid);
            let read = frame::read_behind::<domlogon_protocol::Request>(
                &mut sent.bytes(),
                frame::MAX_REQUEST,
            );
            let (read, behind) = read.unwrap();
            assert_eq!((format!("{read:?}"), behind), (wanted.clone(), real_uid));
        }
    }
}

#[test]
fn replies_of_other_kinds_are_told_apart() {
    let other = Theirs::Decision(Box::new(Decision::local(Verdict::Success)));
    assert!(matches!(Reply::read(&body(&other)), Some(Reply::Other)));
    for verdict in Verdict::ALL {
        let body = body(&Theirs::Refused(verdict));
        let read = Reply::read(&body);
        match verdict {
            Verdict::Busy => assert!(matches!(read, Some(Reply::Busy))),
            _ => assert!(matches!(read, Some(Reply::Other)), "{verdict:?}"),
        }
    }
    let mut longer = body(&Theirs::User(None));
    longer.push(0);
    assert!(Reply::read(&longer).is_none());
    assert!(Reply::read(b"").is_none());
    // A text that is none, a list that has no end, a number with too many bits.
    assert!(Reply::read(&[0, 1, 1, 0xff, 0, 0, 0, 0, 0]).is_none());
    assert!(Reply::read(&[2, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]).is_none());
    assert!(Reply::read(&[2, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x1f]).is_none());
}

fn users() -> impl Strategy<Value = directory::User> {
    (
        ".{0,9}",
        any::<u32>(),
        any::<u32>(),
        ".{0,9}",
        ".{0,300}",
        ".{0,9}",
    )
        .prop_map(|(name, uid, gid, full_name, home, shell)| directory::User {
            name,
            uid,
            gid,
            full_name,
            home,
            shell,
        })
}

fn groups() -> impl Strategy<Value = directory::Group> {
    (
        ".{0,9}",
        any::<u32>(),
        proptest::collection::vec(".{0,9}", 0..200),
    )
        .prop_map(|(name, gid, members)| directory::Group { name, gid, members })
}

fn pages<T: core::fmt::Debug>(
    entries: impl Strategy<Value = T>,
) -> impl Strategy<Value = directory::Page<T>> {
    (
        proptest::collection::vec(entries, 0..5),
        proptest::option::of(any::<u32>()),
    )
        .prop_map(|(entries, next)| directory::Page { entries, next })
}

fn replies() -> impl Strategy<Value = Theirs> {
    prop_oneof![
        proptest::option::of(users()).prop_map(Theirs::User),
        proptest::option::of(groups()).prop_map(Theirs::Group),
        proptest::option::of(proptest::collection::vec(any::<u32>(), 0..300))
            .prop_map(Theirs::GroupIds),
        pages(users()).prop_map(Theirs::Users),
        pages(groups()).prop_map(Theirs::Groups),
    ]
}

proptest! {
    #[test]
    fn replies_are_read_as_the_protocol_wrote_them(reply in replies()) {
        prop_assert_eq!(through(&reply), Some(reply));
    }

    #[test]
    fn replies_that_are_cut_or_changed_are_survived(
        reply in replies(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut bytes = body(&reply);
        let at = at.index(bytes.len());
        prop_assert!(Reply::read(&bytes[..at]).is_none());
        bytes[at] = byte;
        if let Some(Reply::Group(Some(group))) = Reply::read(&bytes) {
            let _ = owned_group(&group);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Reply::read(&bytes);
    }
}
