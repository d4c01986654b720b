//! Without files of names: everything is asked of the daemon.

use super::stage::*;
use super::*;
use domlogon_protocol::{Decision, Reply, Request, Verdict};
use std::os::unix::net::UnixListener;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn short<T>(got: Got<T>) -> (c_int, c_int) {
    (got.0, got.1)
}

#[test]
fn answers_are_passed_on() {
    let stage = Stage::new();
    let asked = stage.serve(|request| {
        Some(match request {
            Request::UserByName(name) if name == "CORP\\Alice" => {
                Reply::User(Some(user("alice", 2000)))
            }
            Request::UserById(2000) => Reply::User(Some(user("alice", 2000))),
            Request::GroupByName(name) if name == "domain users" => {
                Reply::Group(Some(group("Domain Users", 5000, &["alice", "bob"])))
            }
            Request::GroupById(5000) => Reply::Group(Some(group("Domain Users", 5000, &[]))),
            Request::GroupsOf(name) if name == "alice" => {
                Reply::GroupIds(Some(vec![3000, 5000, 2500, 3000, 0, 999, 2001, u32::MAX]))
            }
            Request::UserByName(_) | Request::UserById(_) => Reply::User(None),
            Request::GroupByName(_) | Request::GroupById(_) => Reply::Group(None),
            Request::GroupsOf(_) => Reply::GroupIds(None),
            _ => return None,
        })
    });
    let alice = (status::SUCCESS, 77, Some(user("alice", 2000)));
    assert_eq!(stage.user("CORP\\Alice"), alice);
    assert_eq!(stage.user_of(2000), alice);
    let staff = stage.group("domain users");
    assert_eq!(
        staff.2,
        Some(group("Domain Users", 5000, &["alice", "bob"]))
    );
    assert_eq!(
        stage.group_of(5000).2,
        Some(group("Domain Users", 5000, &[]))
    );
    // Each once, without the first group and what is there.
    let groups = stage.groups_of("alice", 5000, &[5000, 27, 2001]);
    assert_eq!(groups, (status::SUCCESS, 77, Some(vec![3000, 2500])));
    assert_eq!(asked.load(Ordering::SeqCst), 5);
    assert_eq!(short(stage.user("nobody")), NOT_FOUND);
    assert_eq!(short(stage.user_of(2001)), NOT_FOUND);
    assert_eq!(short(stage.group("nobody")), NOT_FOUND);
    assert_eq!(short(stage.group_of(2001)), NOT_FOUND);
    assert_eq!(short(stage.groups_of("nobody", 1, &[])), NOT_FOUND);
    assert_eq!(descriptors_into(&stage.path("")), 0);
}

#[test]
fn root_low_ids_malformed_and_local_names_cost_no_io() {
    let stage = Stage::new();
    let asked = stage.serve(|_| Some(Reply::User(Some(user("alice", 2000)))));
    let long = "a".repeat(321);
    for name in [
        "root",
        "CORP\\Root",
        "root@corp.example",
        "",
        "a:b",
        "+@netgroup",
        &long,
    ] {
        assert_eq!(short(stage.user(name)), NOT_FOUND);
        assert_eq!(short(stage.group(name)), NOT_FOUND);
        assert_eq!(short(stage.groups_of(name, 0, &[])), NOT_FOUND);
    }
    for id in [0, 1, 999, u32::MAX] {
        assert_eq!(short(stage.user_of(id)), NOT_FOUND);
        assert_eq!(short(stage.group_of(id)), NOT_FOUND);
    }
    for name in [
        "localuser",
        "LocalUser",
        "CORP\\localuser",
        "localuser@corp.example",
    ] {
        assert_eq!(short(stage.groups_of(name, 5000, &[5000])), NOT_FOUND);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn replies_that_would_hurt_or_do_not_fit_are_not_given() {
    let stage = Stage::new();
    stage.serve(|request| {
        Some(match request {
            Request::UserByName(name) if name == "busy" => Reply::Refused(Verdict::Busy),
            Request::UserByName(name) if name == "refused" => Reply::Refused(Verdict::InvalidApi),
            Request::UserByName(name) if name == "other" => {
                Reply::Decision(Box::new(Decision::local(Verdict::Success)))
            }
            Request::UserByName(name) if name == "group" => Reply::Group(None),
            Request::UserByName(_) => Reply::User(Some(user("alice", 0))),
            Request::GroupByName(_) => Reply::Group(Some(group("staff", 5000, &["a\nb"]))),
            Request::GroupsOf(_) => Reply::Refused(Verdict::Busy),
            _ => return None,
        })
    });
    let broken = (status::UNAVAIL, libc::EIO);
    assert_eq!(short(stage.user("busy")), (status::TRYAGAIN, libc::EAGAIN));
    assert_eq!(
        short(stage.groups_of("x", 1, &[])),
        (status::TRYAGAIN, libc::EAGAIN)
    );
    for name in ["refused", "other", "group"] {
        assert_eq!(short(stage.user(name)), broken, "{name}");
    }
    assert_eq!(short(stage.user("alice")), NOT_FOUND);
    assert_eq!(short(stage.group("staff")), NOT_FOUND);
}

#[test]
fn a_dead_daemon_is_unavailable() {
    let stage = Stage::new();
    let dead = (status::UNAVAIL, libc::ENOENT);
    assert_eq!(short(stage.user("alice")), dead);
    assert_eq!(short(stage.user("root")), NOT_FOUND);
    drop(UnixListener::bind(stage.path("socket")).unwrap());
    assert_eq!(short(stage.user("alice")), dead);
    assert_eq!(short(stage.next_user()), dead);
}

#[test]
fn a_silent_daemon_costs_the_deadline_and_no_more() {
    let stage = Stage::new();
    let _listener = UnixListener::bind(stage.path("socket")).unwrap();
    let started = Instant::now();
    assert_eq!(
        short(stage.user("alice")),
        (status::UNAVAIL, libc::ETIMEDOUT)
    );
    let took = started.elapsed();
    assert!(
        (Duration::from_millis(1900)..Duration::from_secs(3)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn a_daemon_that_hangs_up_or_talks_nonsense_is_unavailable() {
    let stage = Stage::new();
    let listener = UnixListener::bind(stage.path("socket")).unwrap();
    let answers: [&[u8]; 6] = [
        b"",
        b"\x01\0",
        b"HTTP/1.1 400 Bad Request",
        &[0xff; 6],
        // Longer than a reply may be, and shorter than it says.
        &[0, 0, 0, 2, 1, 0],
        &[9, 0, 0, 0, 1, 0, 0, 0],
    ];
    for bytes in answers {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                std::io::Write::write_all(&mut stream, bytes).unwrap();
            });
            let broken = short(stage.user("alice"));
            assert_eq!(broken, (status::UNAVAIL, libc::EIO), "{bytes:?}");
        });
    }
}

#[test]
fn a_group_that_grows_its_buffer_is_asked_for_once() {
    let stage = Stage::new();
    let names: Vec<String> = (0..300).map(|i| format!("user{i}")).collect();
    let members = names.clone();
    let asked = stage.serve(move |request| match request {
        Request::GroupByName(_) => {
            let members = members.iter().map(String::as_str).collect::<Vec<_>>();
            Some(Reply::Group(Some(group("crowd", 5000, &members))))
        }
        Request::GroupById(_) => Some(Reply::Group(Some(group("other", 5001, &[])))),
        _ => None,
    });
    let call = |size| group_in(size, |room| stage.plugin.group_by_name(b"crowd", room));
    for size in [0, 1, 10, 1024, 2048, 4096] {
        assert_eq!(
            short(call(size)),
            (status::TRYAGAIN, libc::ERANGE),
            "{size}"
        );
    }
    assert_eq!(call(8192).2.unwrap().members, names);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // Given away: the next one is a new question.
    assert!(call(8192).2.is_some());
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // Another question gets its own answer.
    assert!(call(8).2.is_none());
    assert_eq!(stage.group_of(5001).2.unwrap().name, "other");
    assert!(call(8192).2.is_some());
    assert_eq!(asked.load(Ordering::SeqCst), 5);
    // What is old is asked for again.
    assert!(call(8).2.is_none());
    std::thread::sleep(Duration::from_millis(1100));
    assert!(call(8192).2.is_some());
    assert_eq!(asked.load(Ordering::SeqCst), 7);
}

/// A thread that is cancelled while it waits for the daemon ends alone, and only when
/// the function has returned: not the process with it, and nothing left open.
#[test]
fn a_cancelled_thread_takes_nobody_with_it() {
    extern "C" fn body(stage: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the stage of the test below, which outlives the thread.
        let stage = unsafe { &*stage.cast::<Stage>() };
        let answered = short(stage.user("alice")) == (status::UNAVAIL, libc::EIO);
        ptr::without_provenance_mut(usize::from(answered))
    }
    let stage = Stage::new();
    let listener = UnixListener::bind(stage.path("socket")).unwrap();
    let mut thread = 0;
    let mut returned = ptr::null_mut();
    // SAFETY: a body of the right type, and an argument that outlives the thread.
    unsafe {
        let argument = ptr::from_ref(&stage).cast_mut().cast();
        libc::pthread_create(&raw mut thread, ptr::null(), body, argument);
    }
    let (stream, _) = listener.accept().unwrap();
    // SAFETY: a thread that was not joined yet.
    unsafe { libc::pthread_cancel(thread) };
    std::thread::sleep(Duration::from_millis(100));
    drop(stream);
    // SAFETY: a thread that was not joined yet.
    unsafe { libc::pthread_join(thread, &raw mut returned) };
    assert_eq!(returned.addr(), 1, "it went on to its end");
}
