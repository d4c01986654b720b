//! With files of names.

use super::stage::*;
use super::*;
use domlogon_names::{About, BASE_FILE, DELTA_FILE};
use domlogon_protocol::{Reply, Request};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn short<T>(got: Got<T>) -> (c_int, c_int) {
    (got.0, got.1)
}

const DEAD: (c_int, c_int) = (status::UNAVAIL, libc::ENOENT);

fn fill(builder: &mut Made) {
    put(builder, &user("Alice", 2000));
    put(builder, &user("bj\u{f6}rn", 2001));
    put_group(
        builder,
        &group("Domain Users", 5000, &["Alice", "bj\u{f6}rn"]),
    );
    put_group(builder, &group("empty", 5001, &[]));
}

#[test]
fn a_complete_pair_answers_everything_and_nobody_is_asked() {
    let stage = Stage::new();
    let asked = stage.serve(|_| None);
    stage.publish(fill);
    let alice = (status::SUCCESS, 77, Some(user("Alice", 2000)));
    for name in [
        "alice",
        "ALICE",
        "CORP\\Alice",
        "alice@corp.EXAMPLE",
        "alice@corp",
    ] {
        assert_eq!(stage.user(name), alice, "{name}");
        let groups = stage.groups_of(name, 5000, &[5000]);
        assert_eq!(groups, (status::SUCCESS, 77, Some(vec![5001])));
    }
    assert_eq!(stage.user_of(2000), alice);
    assert_eq!(stage.user("BJ\u{f6}RN").2, Some(user("bj\u{f6}rn", 2001)));
    let users = group("Domain Users", 5000, &["Alice", "bj\u{f6}rn"]);
    assert_eq!(stage.group("domain USERS").2, Some(users.clone()));
    assert_eq!(stage.group_of(5000).2, Some(users));
    assert_eq!(
        stage.group("CORP\\empty").2,
        Some(group("empty", 5001, &[]))
    );
    for name in [
        "nobody",
        "OTHER\\alice",
        "alice@other.example",
        "5000",
        "domain users",
    ] {
        assert_eq!(short(stage.user(name)), NOT_FOUND, "{name}");
        assert_eq!(short(stage.groups_of(name, 1, &[])), NOT_FOUND, "{name}");
    }
    // Below the lowest id of the files, and in nobody's.
    for id in [1400, 3000, 2_000_000_000] {
        assert_eq!(short(stage.user_of(id)), NOT_FOUND);
        assert_eq!(short(stage.group_of(id)), NOT_FOUND);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    // The lower case of these letters is the daemon's to know.
    assert_eq!(
        short(stage.user("BJ\u{d6}RN")),
        (status::UNAVAIL, libc::EIO)
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(descriptors_into(&stage.path("")), 0);
}

#[test]
fn a_change_is_seen_by_the_next_look_up() {
    let stage = Stage::new();
    let base = stage.publish(fill);
    assert!(stage.user("alice").2.is_some());
    stage.publish_delta(base, |delta| {
        put(delta, &user("carol", 2002));
        delta.no_user_name("alice").unwrap();
        delta.no_user_id(2000).unwrap();
        put_group(delta, &group("empty", 5001, &["carol"]));
    });
    assert_eq!(short(stage.user("alice")), NOT_FOUND);
    assert_eq!(short(stage.user_of(2000)), NOT_FOUND);
    assert_eq!(short(stage.groups_of("alice", 1, &[])), NOT_FOUND);
    assert_eq!(stage.user_of(2002).2, Some(user("carol", 2002)));
    assert_eq!(
        stage.group("empty").2,
        Some(group("empty", 5001, &["carol"]))
    );
    assert!(stage.group("domain users").2.is_some());
    // An empty one, and a base of others.
    stage.publish_delta(base, |_| ());
    assert!(stage.user("alice").2.is_some());
    stage.publish(|base| put(base, &user("dora", 2003)));
    assert_eq!(short(stage.user("alice")), NOT_FOUND);
    assert_eq!(stage.user("dora").2, Some(user("dora", 2003)));
    for round in 0..100 {
        let name = format!("u{round}");
        let base = stage.publish(|base| put(base, &user(&name, 2000)));
        assert_eq!(stage.user_of(2000).2, Some(user(&name, 2000)));
        let name = format!("v{round}");
        stage.publish_delta(base, |delta| put(delta, &user(&name, 2000)));
        assert_eq!(stage.user_of(2000).2, Some(user(&name, 2000)));
    }
    assert!(mappings_of(&stage.path("")) <= 8);
    assert_eq!(descriptors_into(&stage.path("")), 0);
}

#[test]
fn buffers_that_are_too_small_are_told() {
    let stage = Stage::new();
    stage.publish(fill);
    let needed = "Alice\0*\0Some One\0/home/Alice\0/bin/bash\0".len();
    for size in 0..needed {
        let small = user_in(size, |room| stage.plugin.user_by_name(b"alice", room));
        assert_eq!(short(small), (status::TRYAGAIN, libc::ERANGE), "{size}");
    }
    assert!(
        user_in(needed, |room| stage.plugin.user_by_name(b"alice", room))
            .2
            .is_some()
    );
}

#[test]
fn files_that_others_could_have_made_are_not_used() {
    let refused = |spoil: &dyn Fn(&Stage)| {
        let stage = Stage::new();
        stage.publish(fill);
        spoil(&stage);
        let got = short(stage.user("alice"));
        // Whatever was done to it: nothing is left open, and nothing in place.
        assert_eq!(descriptors_into(&stage.path("")), 0);
        assert_eq!(mappings_of(&stage.path("")), 0);
        got
    };
    let mode = |name: &'static str, mode| {
        move |stage: &Stage| {
            fs::set_permissions(stage.path(name), Permissions::from_mode(mode)).unwrap();
        }
    };
    let moved = |name: &'static str| {
        move |stage: &Stage| {
            fs::rename(stage.path(name), stage.path("elsewhere")).unwrap();
            symlink(stage.path("elsewhere"), stage.path(name)).unwrap();
        }
    };
    for name in [BASE_FILE, DELTA_FILE] {
        for bits in [0o666, 0o664, 0o646] {
            assert_eq!(refused(&mode(name, bits)), DEAD, "{name} {bits:o}");
        }
        assert_eq!(refused(&moved(name)), DEAD, "{name}");
        assert_eq!(
            refused(&|stage| fs::remove_file(stage.path(name)).unwrap()),
            DEAD
        );
        let folder = |stage: &Stage| {
            fs::remove_file(stage.path(name)).unwrap();
            fs::create_dir(stage.path(name)).unwrap();
        };
        assert_eq!(refused(&folder), DEAD);
        let pipe = |stage: &Stage| {
            fs::remove_file(stage.path(name)).unwrap();
            let path = CString::new(stage.path(name).to_str().unwrap()).unwrap();
            // SAFETY: a text that ends with a zero.
            assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o644) }, 0);
        };
        assert_eq!(refused(&pipe), DEAD);
        for length in [0, 8, 63, 64, 65, 500, 831, 833, 900] {
            let cut = |stage: &Stage| {
                let file = fs::File::options()
                    .write(true)
                    .open(stage.path(name))
                    .unwrap();
                file.set_len(length).unwrap();
            };
            assert_eq!(refused(&cut), DEAD, "{name} {length}");
        }
        assert_eq!(refused(&|stage| stage.supersede(name)), DEAD, "{name}");
    }
    assert_eq!(refused(&mode("", 0o777)), DEAD);
    let is_root = fs::metadata("/proc/self")
        .is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    if is_root {
        let given = |stage: &Stage| {
            std::os::unix::fs::chown(stage.path(DELTA_FILE), Some(65534), None).unwrap();
        };
        assert_eq!(refused(&given), DEAD);
        // Their owner is the folder's owner.
        let stage = Stage::new();
        stage.publish(fill);
        for name in ["", BASE_FILE, DELTA_FILE] {
            std::os::unix::fs::chown(stage.path(name), Some(65534), None).unwrap();
        }
        assert!(stage.user("alice").2.is_some());
    }
}

#[test]
fn a_delta_of_another_base_is_not_used() {
    let stage = Stage::new();
    stage.publish(fill);
    let other = domlogon_names::Id([1; 16]);
    stage.publish_delta(other, |_| ());
    assert_eq!(short(stage.user("alice")), DEAD);
}

#[test]
fn without_files_the_folder_is_looked_at_once_a_second() {
    let stage = Stage::new();
    assert_eq!(short(stage.user("alice")), DEAD);
    stage.publish(fill);
    assert_eq!(short(stage.user("alice")), DEAD);
    std::thread::sleep(Duration::from_millis(1100));
    assert!(stage.user("alice").2.is_some());
}

/// The daemon died between the word and the new file, or long ago.
#[test]
fn a_dead_daemons_file_answers_also_when_it_says_that_it_is_old() {
    let stage = Stage::new();
    stage.publish(fill);
    assert!(stage.user("alice").2.is_some());
    stage.supersede(DELTA_FILE);
    for _ in 0..10 {
        assert!(stage.user("alice").2.is_some());
        assert_eq!(stage.groups_of("alice", 1, &[]).2, Some(vec![5000, 5001]));
        // What it does not have may be somebody's by now.
        assert_eq!(short(stage.user("nobody")), DEAD);
    }
    // A new daemon.
    std::thread::sleep(Duration::from_millis(30));
    stage.publish(|base| put(base, &user("dora", 2003)));
    assert_eq!(short(stage.user("alice")), NOT_FOUND);
}

/// No daemon saw that root made a local user, and the files have somebody of the same name.
#[test]
fn a_local_user_never_gets_the_groups_of_the_files() {
    let stage = Stage::new();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs() as u32;
    stage.publish(|base| {
        fill(base);
        put_until(base, &user("old", 2002), now - 10);
    });
    for name in ["alice", "CORP\\alice", "old"] {
        let groups = stage.groups_of(name, 1, &[]);
        assert_eq!(groups.2, Some(vec![5000, 5001]), "{name}");
    }
    stage.leave();
    let passwd = "alice:x:1001:1001::/home/alice:/bin/sh\nOld:x:1002:1002::/:/bin/sh\n";
    fs::write(stage.path("passwd"), passwd).unwrap();
    for name in ["alice", "ALICE", "CORP\\alice", "alice@corp", "old"] {
        assert_eq!(short(stage.groups_of(name, 1, &[])), NOT_FOUND, "{name}");
    }
    let groups = stage.groups_of("bj\u{f6}rn", 1, &[]).2;
    assert_eq!(groups, Some(vec![5000, 5001]));
}

#[test]
fn what_has_expired_is_asked_for_and_given_if_nobody_answers() {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs() as u32;
    let about = About {
        complete: false,
        ..ABOUT
    };
    let stage = Stage::new();
    stage.publish_as(&about, |base| {
        put_until(base, &user("fresh", 2000), now + 1000);
        put_until(base, &user("old", 2001), now - 10);
    });
    assert!(stage.user("fresh").2.is_some());
    // Nobody is there.
    assert_eq!(stage.user("old").2, Some(user("old", 2001)));
    assert_eq!(stage.groups_of("old", 1, &[]).2, Some(vec![5000, 5001]));
    assert_eq!(short(stage.user("absent")), DEAD);
    assert_eq!(stage.next_user().2, Some(user("fresh", 2000)));
    // Somebody is.
    let asked = stage.serve(|request| {
        Some(match request {
            Request::UserByName(name) if name == "old" => Reply::User(Some(user("old", 2009))),
            Request::UserByName(_) | Request::UserById(_) => Reply::User(None),
            Request::GroupsOf(_) => Reply::GroupIds(Some(vec![7000])),
            _ => return None,
        })
    });
    assert!(stage.user("fresh").2.is_some());
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(stage.user("old").2, Some(user("old", 2009)));
    assert_eq!(short(stage.user_of(2001)), NOT_FOUND);
    assert_eq!(stage.groups_of("old", 1, &[]).2, Some(vec![7000]));
    assert_eq!(stage.groups_of("fresh", 1, &[]).2, Some(vec![5000, 5001]));
    assert_eq!(short(stage.user("absent")), NOT_FOUND);
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[test]
fn groups_that_are_not_known_or_have_expired_are_asked_for() {
    for (groups, groups_expire_at) in [(None, 0), (Some(&[5000, 5001][..]), 1)] {
        let stage = Stage::new();
        let asked = stage.serve(|_| Some(Reply::GroupIds(Some(vec![7000]))));
        stage.publish(|base| {
            let entry = domlogon_names::UserEntry {
                name: "alice",
                uid: 2000,
                gid: 5000,
                full_name: "",
                home: "/",
                shell: "/bin/sh",
                expires_at: 0,
                groups,
                groups_expire_at,
            };
            base.user(&entry).unwrap();
        });
        // The rest of him holds.
        assert!(stage.user("alice").2.is_some());
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        assert_eq!(stage.groups_of("alice", 5000, &[]).2, Some(vec![7000]));
    }
}

#[test]
fn flipped_bits_tell_no_lie() {
    let stage = Stage::new();
    let good = |stage: &Stage| {
        // Of a damaged place the daemon is asked, which is not there; elsewhere a name may seem
        // to be nobody's. What is given is right.
        let (_, _, found) = stage.user("alice");
        assert!(found.is_none_or(|found| found == user("Alice", 2000)));
        let (_, _, found) = stage.group_of(5000);
        let users = group("Domain Users", 5000, &["Alice", "bj\u{f6}rn"]);
        assert!(found.is_none_or(|found| found == users));
        let (_, _, found) = stage.groups_of("alice", 1, &[]);
        assert!(found.is_none_or(|found| found == [5000, 5001]));
    };
    stage.publish(fill);
    good(&stage);
    let whole = fs::read(stage.path(BASE_FILE)).unwrap();
    let mut changed = whole.clone();
    // The file stays mapped: this is what must never be done, and it is survived.
    for at in (832..whole.len()).step_by(if cfg!(debug_assertions) { 3 } else { 1 }) {
        changed[at] ^= 0x10;
        use std::os::unix::fs::FileExt;
        let file = fs::File::options()
            .write(true)
            .open(stage.path(BASE_FILE))
            .unwrap();
        file.write_all_at(&changed, 0).unwrap();
        good(&stage);
        changed[at] = whole[at];
    }
}
