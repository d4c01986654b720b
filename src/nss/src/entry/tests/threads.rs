//! Many threads at once, files that are replaced meanwhile, and forks out of the middle.

use super::stage::*;
use super::*;
use domlogon_protocol::{Reply, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1500 } else { 5000 });

/// Publishes one version after the other: the user 2000 is called "v" and its number, and so is
/// the only member of the group 5000, in the base or in the delta.
fn publish(stage: &Stage, base: &mut domlogon_names::Id, version: u32) {
    let name = format!("v{version}");
    let fill = |builder: &mut Made| {
        put(builder, &user(&name, 2000));
        put_group(builder, &group("crew", 5000, &[&name]));
    };
    if version % 5 == 0 {
        *base = stage.publish(fill);
    } else {
        stage.publish_delta(*base, fill);
    }
}

/// The version that a look-up saw; `None` if it was told to come again, or nobody was there.
fn seen(stage: &Stage) -> Option<u32> {
    let (status, errno, found) = stage.user_of(2000);
    let Some(found) = found else {
        assert_eq!((status, errno), (status::UNAVAIL, libc::ENOENT));
        return None;
    };
    assert_eq!(found, user(&found.name, 2000));
    Some(found.name[1..].parse().unwrap())
}

#[test]
fn eight_threads_see_each_version_as_soon_as_it_is_published() {
    let stage = Stage::new();
    let (published, stop) = (AtomicU32::new(0), AtomicBool::new(false));
    let answered = AtomicUsize::new(0);
    // The daemon knows what it is about to publish.
    let newest = Arc::new(AtomicU32::new(0));
    let known = Arc::clone(&newest);
    let asked = stage.serve(move |request| {
        let name = format!("v{}", known.load(Ordering::SeqCst));
        Some(match request {
            Request::UserById(_) => Reply::User(Some(user(&name, 2000))),
            _ => Reply::Group(Some(group("crew", 5000, &[&name]))),
        })
    });
    let mut base = domlogon_names::Id::default();
    publish(&stage, &mut base, 0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let least = published.load(Ordering::SeqCst);
                    let version = seen(&stage).unwrap();
                    assert!(version >= least, "{version} {least}");
                    let (_, _, crew) = stage.group_of(5000);
                    let version = crew.unwrap().members[0][1..].parse::<u32>().unwrap();
                    assert!(version >= least, "{version} {least}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let begin = Instant::now();
        let mut version = 0;
        while begin.elapsed() < TIME {
            version += 1;
            newest.store(version, Ordering::SeqCst);
            publish(&stage, &mut base, version);
            published.store(version, Ordering::SeqCst);
        }
        stop.store(true, Ordering::SeqCst);
        println!("{version} versions, {answered:?} × 2 look-ups, {asked:?} asked");
    });
    // It has come to rest: the next look-up sees the last one.
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(seen(&stage), Some(published.load(Ordering::SeqCst)));
    assert!(mappings_of(&stage.path("")) <= 8);
    assert_eq!(descriptors_into(&stage.path("")), 0);
}

/// The status of a child that does `work`: 0 if it could; a signal's number if it hung.
fn in_child(work: impl Fn() -> bool) -> c_int {
    // SAFETY: the child calls what a host program may call after a fork: this plugin,
    // and the allocator, which glibc keeps usable; it ends with _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: plain system calls.
        unsafe {
            libc::alarm(10);
            libc::_exit(c_int::from(!work()));
        }
    }
    let mut status = -1;
    // SAFETY: our own child, and a place for its status.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    status
}

/// Children that are forked while eight threads are inside, and while the files are replaced,
/// look up, see what is new, and never come to have no place left for it.
#[test]
fn a_fork_while_eight_threads_are_inside_hangs_nobody() {
    let stage = Stage::new();
    let stop = AtomicBool::new(false);
    let mut base = domlogon_names::Id::default();
    publish(&stage, &mut base, 0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    seen(&stage);
                }
            });
        }
        for round in 0..60 {
            publish(&stage, &mut base, round * 100 + 1);
            let first = base;
            let status = in_child(|| {
                // The child publishes for itself and for the others as well.
                let mut base = first;
                (2..40).all(|version| {
                    let version = round * 100 + version;
                    publish(&stage, &mut base, version);
                    std::thread::sleep(Duration::from_millis(u64::from(version % 7 == 0) * 12));
                    version % 7 != 0 || seen(&stage) == Some(version)
                })
            });
            assert_eq!(status, 0, "round {round}");
            publish(&stage, &mut base, round * 100 + 50);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// The same without files: the daemon, a list, and a large group that is kept.
#[test]
fn a_fork_while_eight_threads_ask_the_daemon_hangs_nobody() {
    let stage = Stage::new();
    stage.serve(|request| {
        Some(match request {
            Request::UserByName(name) if name == "alice" => Reply::User(Some(user("alice", 2000))),
            Request::GroupsOf(_) => Reply::GroupIds(Some(vec![5000, 5001])),
            Request::GroupById(_) => Reply::Group(Some(group("crew", 5000, &["a", "b"]))),
            Request::Users(after) => Reply::Users(domlogon_protocol::directory::Page {
                entries: Vec::from_iter(Some(user("alice", 2000)).filter(|user| user.uid > *after)),
                next: None,
            }),
            _ => return None,
        })
    });
    let exercise = || {
        stage.plugin.users.restart();
        // Another thread may have come first, and then there is no more.
        let listed = stage.next_user().0;
        let small = group_in(8, |room| stage.plugin.group_by_id(5000, room));
        stage.user("alice").2 == Some(user("alice", 2000))
            && stage.groups_of("alice", 5000, &[]).2 == Some(vec![5001])
            && [status::SUCCESS, status::NOTFOUND].contains(&listed)
            && small.0 == status::TRYAGAIN
            && stage.group_of(5000).2 == Some(group("crew", 5000, &["a", "b"]))
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert!(exercise());
                }
            });
        }
        let codes: Vec<c_int> = (0..100).map(|_| in_child(exercise)).collect();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(codes, [0; 100]);
    });
}
