use super::*;
use domlogon_protocol::client::CallError;
use domlogon_protocol::frame::FrameError;
use domlogon_protocol::{Decision, Verdict};
use std::cell::{Cell, RefCell};
use std::io;

/// A source that gives one reply, and remembers what it was asked.
struct Script {
    reply: Cell<Option<Result<Reply, CallError>>>,
    asked: RefCell<Vec<String>>,
}

impl Script {
    fn new(reply: Result<Reply, CallError>) -> Self {
        Self {
            reply: Cell::new(Some(reply)),
            asked: RefCell::default(),
        }
    }
}

impl Source for Script {
    fn ask(&self, request: &Request) -> Result<Reply, CallError> {
        self.asked.borrow_mut().push(format!("{request:?}"));
        self.reply.take().expect("asked once")
    }
}

/// A host whose own names cannot be read.
fn nowhere() -> &'static Path {
    Path::new("/nonexistent/passwd")
}

fn alice() -> User {
    User {
        name: "alice".to_owned(),
        uid: 1_900_001_000,
        gid: 1_900_000_513,
        full_name: "Alice".to_owned(),
        home: "/home/alice".to_owned(),
        shell: "/bin/bash".to_owned(),
    }
}

fn staff() -> Group {
    Group {
        name: "Domain Users".to_owned(),
        gid: 1_900_000_513,
        members: vec!["alice".to_owned()],
    }
}

#[test]
fn answers_are_passed_on() {
    let script = Script::new(Ok(Reply::User(Some(alice()))));
    assert_eq!(user_by_name(&script, b"CORP\\Alice"), Ok(alice()));
    assert_eq!(*script.asked.borrow(), [r#"UserByName("CORP\\Alice")"#]);
    let script = Script::new(Ok(Reply::User(Some(alice()))));
    assert_eq!(user_by_id(&script, 1_900_001_000), Ok(alice()));
    assert_eq!(*script.asked.borrow(), ["UserById(1900001000)"]);
    let script = Script::new(Ok(Reply::Group(Some(staff()))));
    assert_eq!(group_by_name(&script, b"domain users"), Ok(staff()));
    assert_eq!(*script.asked.borrow(), [r#"GroupByName("domain users")"#]);
    let script = Script::new(Ok(Reply::Group(Some(staff()))));
    assert_eq!(group_by_id(&script, 1_900_000_513), Ok(staff()));
    assert_eq!(*script.asked.borrow(), ["GroupById(1900000513)"]);
}

#[test]
fn root_low_ids_and_malformed_names_cost_no_io() {
    let long = vec![b'a'; UserName::MAX_BYTES + 1];
    let names: &[&[u8]] = &[
        b"root",
        b"Root",
        b"CORP\\root",
        b"root@corp.example",
        b"",
        b"a:b",
        b"a/b",
        b"../../etc",
        b"a\nb",
        b"a\x7fb",
        b"+",
        b"+@netgroup",
        b"\xff\xfe",
        b"a\\b\\c",
        &long,
    ];
    let nobody = Script::new(Ok(Reply::User(Some(alice()))));
    for name in names {
        assert_eq!(user_by_name(&nobody, name), Err(Failure::NotFound));
        assert_eq!(group_by_name(&nobody, name), Err(Failure::NotFound));
        assert_eq!(
            groups_of(&nobody, nowhere(), name, 0, &[]),
            Err(Failure::NotFound)
        );
    }
    for id in [0, 1, LOWEST_ID - 1, u32::MAX] {
        assert_eq!(user_by_id(&nobody, id), Err(Failure::NotFound));
        assert_eq!(group_by_id(&nobody, id), Err(Failure::NotFound));
    }
    assert!(nobody.asked.borrow().is_empty());
}

#[test]
fn the_groups_of_a_local_user_cost_no_daemon() {
    let folder = tempfile::tempdir().expect("a folder");
    let passwd = folder.path().join("passwd");
    std::fs::write(&passwd, "localuser:x:5000:5000::/:/bin/sh\n").expect("a file");
    let nobody = Script::new(Ok(Reply::GroupIds(Some(vec![2000]))));
    let names: [&[u8]; 4] = [
        b"localuser",
        b"LocalUser",
        b"CORP\\localuser",
        b"localuser@corp.example",
    ];
    for name in names {
        let groups = groups_of(&nobody, &passwd, name, 5000, &[5000]);
        assert_eq!(groups, Err(Failure::NotFound));
    }
    assert!(nobody.asked.borrow().is_empty());
    let groups = groups_of(&nobody, &passwd, b"localuser2", 5000, &[5000]);
    assert_eq!(groups, Ok(vec![2000]));
}

#[test]
fn groups_are_given_once_and_without_those_that_are_there() {
    let ids = vec![3000, 1_900_000_513, 2000, 3000, 0, 999, 2001, u32::MAX];
    let script = Script::new(Ok(Reply::GroupIds(Some(ids))));
    let groups = groups_of(
        &script,
        nowhere(),
        b"alice",
        1_900_000_513,
        &[1_900_000_513, 27, 2001],
    );
    assert_eq!(groups, Ok(vec![2000, 3000]));
    let script = Script::new(Ok(Reply::GroupIds(None)));
    assert_eq!(
        groups_of(&script, nowhere(), b"alice", 1, &[]),
        Err(Failure::NotFound)
    );
    let script = Script::new(Ok(Reply::GroupIds(Some(Vec::new()))));
    assert_eq!(
        groups_of(&script, nowhere(), b"alice", 1, &[]),
        Ok(Vec::new())
    );
}

#[test]
fn entries_that_would_hurt_are_not_given() {
    let spoilt: [fn(&mut User); 7] = [
        |user| user.uid = 0,
        |user| user.uid = 999,
        |user| user.gid = 0,
        |user| user.name = "root".to_owned(),
        |user| user.name = String::new(),
        |user| user.full_name = "a\nroot::0:0::/:/bin/sh".to_owned(),
        |user| user.shell = "/bin/sh\0".to_owned(),
    ];
    for spoil in spoilt {
        let mut user = alice();
        spoil(&mut user);
        let script = Script::new(Ok(Reply::User(Some(user))));
        assert_eq!(user_by_name(&script, b"alice"), Err(Failure::NotFound));
    }
    let spoilt: [fn(&mut Group); 5] = [
        |group| group.gid = 0,
        |group| group.name = "Root".to_owned(),
        |group| group.name = "a:b".to_owned(),
        |group| group.members.push(String::new()),
        |group| group.members.push("a\nb".to_owned()),
    ];
    for spoil in spoilt {
        let mut group = staff();
        spoil(&mut group);
        let script = Script::new(Ok(Reply::Group(Some(group))));
        assert_eq!(group_by_name(&script, b"staff"), Err(Failure::NotFound));
    }
}

#[test]
fn every_failure_is_told_apart() {
    let not_running = |errno| Err(CallError::NotRunning(io::Error::from_raw_os_error(errno)));
    let other = Decision::local(Verdict::Success);
    let (unavailable, again) = (-1, -2);
    let cases = [
        (Ok(Reply::User(None)), (0, libc::ENOENT)),
        (Ok(Reply::Refused(Verdict::Busy)), (again, libc::EAGAIN)),
        (
            Ok(Reply::Refused(Verdict::InvalidApi)),
            (unavailable, libc::EIO),
        ),
        (
            Ok(Reply::Decision(Box::new(other))),
            (unavailable, libc::EIO),
        ),
        (not_running(libc::ENOENT), (unavailable, libc::ENOENT)),
        (not_running(libc::ECONNREFUSED), (unavailable, libc::ENOENT)),
        (not_running(libc::EMFILE), (unavailable, libc::EMFILE)),
        (Err(CallError::Forbidden), (unavailable, libc::ENOENT)),
        (Err(CallError::Impostor(1000)), (unavailable, libc::EACCES)),
        (Err(CallError::Timeout), (unavailable, libc::ETIMEDOUT)),
        (
            Err(CallError::Frame(FrameError::Malformed)),
            (unavailable, libc::EIO),
        ),
        (
            Err(CallError::Frame(FrameError::Version(2))),
            (unavailable, libc::EIO),
        ),
        (
            Err(CallError::Frame(FrameError::Io(
                io::ErrorKind::UnexpectedEof.into(),
            ))),
            (unavailable, libc::EIO),
        ),
    ];
    for (reply, report) in cases {
        let what = format!("{reply:?}");
        let failure = user_by_name(&Script::new(reply), b"alice").unwrap_err();
        assert_eq!(failure.report(), report, "{what}");
    }
    let wrong = Script::new(Ok(Reply::User(Some(alice()))));
    assert_eq!(group_by_name(&wrong, b"staff"), Err(Failure::Broken));
    let wrong = Script::new(Ok(Reply::Group(None)));
    assert_eq!(
        groups_of(&wrong, nowhere(), b"alice", 1, &[]),
        Err(Failure::Broken)
    );
    let busy = Script::new(Ok(Reply::Refused(Verdict::Busy)));
    assert_eq!(
        groups_of(&busy, nowhere(), b"alice", 1, &[]),
        Err(Failure::Busy)
    );
}
