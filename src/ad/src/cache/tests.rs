//! What is kept is found again, also by a later version, and nobody but its owner reads it.

use super::*;
use crate::entry::{Person, Team};
use domlogon_protocol::Sid;
use domlogon_rules::Lockout;
use domlogon_rules::roster::Changes;

const NOW: Timestamp = Timestamp(1_795_000_000);

fn cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
    (folder, cache)
}

fn saved() -> Saved {
    Saved {
        verifier: "x".to_owned(),
        password_set: 1,
        key_version: Some(2),
        confirmed: NOW,
        lockout: Lockout::default(),
    }
}

#[test]
fn what_is_kept_is_found_by_name_id_and_identifier() {
    let (folder, cache) = cache();
    let alice = Person::example("Alice", 1103);
    let groups = [Sid::domain(1, 2, 3).with_rid(513)];
    cache
        .keep_person(&alice, Some(70_001), Some(&groups), NOW)
        .unwrap();
    // A later answer without groups keeps those that are known, and says nothing of them.
    let later = NOW.plus(500);
    cache
        .keep_person(&alice, Some(70_001), None, later)
        .unwrap();
    drop(cache);
    let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
    for found in [
        cache.person_by_key("alice"),
        cache.person_by_uid(70_001),
        cache.person_by_sid(&alice.sid),
    ] {
        let found = found.unwrap().unwrap();
        assert_eq!(found.person, alice);
        assert_eq!(found.groups, Some((groups.to_vec(), NOW)));
        assert_eq!(found.seen, later);
    }
    assert_eq!(cache.counts().unwrap(), (1, 0));
    cache.forget_person("alice").unwrap();
    assert!(cache.person_by_key("alice").unwrap().is_none());
}

#[test]
fn what_everybody_may_ask_is_not_counted_each_time() {
    let (_folder, cache) = cache();
    assert_eq!(cache.late_counts().unwrap(), (0, 0));
    let alice = Person::example("Alice", 1103);
    cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
    assert_eq!(cache.counts().unwrap(), (1, 0));
    assert_eq!(cache.late_counts().unwrap(), (0, 0));
    let mut counted = cache.counted.lock().unwrap();
    counted.as_mut().unwrap().0 -= COUNTED;
    drop(counted);
    assert_eq!(cache.late_counts().unwrap(), (1, 0));
}

#[test]
fn a_file_from_before_keeps_what_is_in_it() {
    let (folder, cache) = cache();
    let path = folder.path().join("directory.db");
    let alice = Person::example("alice", 1103);
    let groups = [Sid::domain(1, 2, 3).with_rid(513)];
    let bob = Person::example("bob", 1104);
    cache
        .keep_person(&alice, Some(70_001), Some(&groups), NOW)
        .unwrap();
    cache.keep_person(&bob, Some(70_002), None, NOW).unwrap();
    cache.save(&alice.sid, &saved()).unwrap();
    cache.keep_fact("domain", &"corp").unwrap();
    cache
        .lock()
        .execute_batch(
            "ALTER TABLE people DROP COLUMN groups_seen; ALTER TABLE people DROP COLUMN key_version;
             ALTER TABLE saved DROP COLUMN key_version; PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(cache);
    // The second time it is as this version has made it.
    for _ in 0..2 {
        let cache = Cache::open(&path).unwrap();
        let known = cache.person_by_key("alice").unwrap().unwrap();
        // Nor which of her passwords was saved.
        let alice = Person {
            key_version: None,
            ..alice.clone()
        };
        assert_eq!((known.person, known.seen), (alice.clone(), NOW));
        // Nobody knows how old they are.
        assert_eq!(known.groups, Some((groups.to_vec(), Timestamp(0))));
        let known = cache.person_by_key("bob").unwrap().unwrap();
        assert_eq!(known.groups, None);
        let saved = cache.saved(&alice.sid).unwrap().unwrap();
        assert_eq!(saved.key_version, None);
        let fact: Option<String> = cache.fact("domain").unwrap();
        assert_eq!(fact.as_deref(), Some("corp"));
    }
}

#[test]
fn a_file_of_the_last_layout_keeps_what_is_in_it() {
    let (folder, cache) = cache();
    let alice = Person::example("alice", 1103);
    let groups = [Sid::domain(1, 2, 3).with_rid(513)];
    cache
        .keep_person(&alice, Some(70_001), Some(&groups), NOW)
        .unwrap();
    cache.save(&alice.sid, &saved()).unwrap();
    cache
        .lock()
        .execute_batch(
            "ALTER TABLE people DROP COLUMN key_version; ALTER TABLE saved DROP COLUMN key_version;
             PRAGMA user_version = 2;",
        )
        .unwrap();
    drop(cache);
    let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
    let known = cache.person_by_key("alice").unwrap().unwrap();
    assert_eq!(known.groups, Some((groups.to_vec(), NOW)));
    assert_eq!(known.person.key_version, None);
    let kept = cache.saved(&alice.sid).unwrap().unwrap();
    assert_eq!((kept.key_version, kept.confirmed), (None, NOW));
    cache
        .keep_person(&alice, Some(70_001), Some(&groups), NOW)
        .unwrap();
    let known = cache.person_by_key("alice").unwrap().unwrap();
    assert_eq!(known.person, alice);
}

#[test]
fn a_file_of_a_layout_that_is_not_known_is_emptied() {
    let (folder, cache) = cache();
    let alice = Person::example("alice", 1103);
    cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
    cache
        .lock()
        .pragma_update(None, "user_version", LAYOUT + 1)
        .unwrap();
    drop(cache);
    let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
    assert_eq!(cache.counts().unwrap(), (0, 0));
}

#[test]
fn a_name_or_an_id_belongs_to_whoever_has_it_now() {
    let (_folder, cache) = cache();
    let old = Person::example("alice", 1103);
    cache.keep_person(&old, Some(70_001), None, NOW).unwrap();
    // Deleted and made anew in the directory: another SID, the same name.
    let new = Person::example("ALICE", 2200);
    cache.keep_person(&new, Some(70_002), None, NOW).unwrap();
    assert_eq!(cache.person_by_key("alice").unwrap().unwrap().person, new);
    assert!(cache.person_by_uid(70_001).unwrap().is_none());
    assert!(cache.person_by_sid(&old.sid).unwrap().is_none());
    let bob = Person::example("bob", 2300);
    cache.keep_person(&bob, Some(70_002), None, NOW).unwrap();
    assert!(cache.person_by_key("alice").unwrap().is_none());
}

#[test]
fn what_was_not_seen_again_is_swept_with_its_password() {
    let (_folder, cache) = cache();
    let (alice, bob) = (Person::example("alice", 1103), Person::example("bob", 1104));
    cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
    cache
        .keep_person(&bob, Some(70_002), None, NOW.plus(10))
        .unwrap();
    cache.save(&alice.sid, &saved()).unwrap();
    cache.save(&bob.sid, &saved()).unwrap();
    cache.sweep(NOW.plus(10)).unwrap();
    assert!(cache.person_by_key("alice").unwrap().is_none());
    assert!(cache.saved(&alice.sid).unwrap().is_none());
    assert!(cache.saved(&bob.sid).unwrap().is_some());
}

#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _cache) = cache();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

/// Who is gone in the directory is not known, whatever the file says; and for a name that nobody
/// has nothing needs to be written.
#[test]
fn who_cannot_be_forgotten_is_not_known() {
    let (_folder, cache) = cache();
    let (alice, bob) = (Person::example("alice", 1103), Person::example("bob", 1104));
    cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
    cache.keep_person(&bob, Some(70_002), None, NOW).unwrap();
    cache.fill_disk(true);
    cache.forget_person("carol").unwrap();
    assert!(cache.forget_person("alice").is_err());
    assert!(cache.sweep(NOW.plus(1)).is_err());
    cache.fill_disk(false);
    for (key, uid, person) in [("alice", 70_001, &alice), ("bob", 70_002, &bob)] {
        assert!(cache.person_by_key(key).unwrap().is_none());
        assert!(cache.person_by_uid(uid).unwrap().is_none());
        assert!(cache.person_by_sid(&person.sid).unwrap().is_none());
    }
    let listed = cache.people_after(0, 10).unwrap();
    assert!(listed.iter().all(|known| known.is_doubted));
    assert_eq!(cache.known().unwrap(), (0, 0));
    cache.keep_person(&bob, Some(70_002), None, NOW).unwrap();
    assert!(cache.person_by_key("bob").unwrap().is_some());
    cache.forget_person("alice").unwrap();
    assert_eq!(cache.counts().unwrap(), (1, 0));
}

#[test]
fn what_is_doubted_does_not_come_back_with_a_restart() {
    let (folder, cache) = cache();
    let people = [("alice", 1103), ("bob", 1104), ("carol", 1105)];
    let [alice, bob, carol] = people.map(|(name, rid)| Person::example(name, rid));
    for (person, uid) in [(&alice, 70_001), (&bob, 70_002), (&carol, 70_003)] {
        cache.keep_person(person, Some(uid), None, NOW).unwrap();
        cache.save(&person.sid, &saved()).unwrap();
    }
    cache.fill_disk(true);
    assert!(cache.forget_person("alice").is_err());
    assert!(cache.unsave(&bob.sid).is_err());
    assert!(cache.settle().is_err());
    assert!(cache.person_by_key("alice").unwrap().is_none());
    cache.fill_disk(false);
    cache.settle().unwrap();
    drop(cache);
    let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
    assert!(cache.person_by_key("alice").unwrap().is_none());
    assert!(cache.person_by_key("bob").unwrap().is_some());
    assert!(cache.saved(&bob.sid).unwrap().is_none());
    assert!(cache.person_by_key("carol").unwrap().is_some());
    assert!(cache.saved(&carol.sid).unwrap().is_some());
}

/// What cannot be deleted yet has not changed, and keeps nothing else from being deleted.
#[test]
fn as_long_as_what_is_doubted_stays_nobody_is_told_of_it() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    let (_folder, cache) = cache();
    let alice = Person::example("alice", 1103);
    cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
    cache.save(&alice.sid, &saved()).unwrap();
    cache.fill_disk(true);
    assert!(cache.forget_person("alice").is_err());
    assert!(cache.unsave(&alice.sid).is_err());
    let rung = Arc::new(AtomicU32::new(0));
    let bell = Arc::clone(&rung);
    cache.news.ring_with(Box::new(move || {
        bell.fetch_add(1, Ordering::Relaxed);
    }));
    for _ in 0..3 {
        assert!(cache.settle().is_err());
    }
    assert_eq!(rung.load(Ordering::Relaxed), 0);
    cache.fill_disk(false);
    let rows = |table| {
        let count = format!("SELECT count(*) FROM {table}");
        let count = cache
            .lock()
            .query_row(&count, [], |row| row.get::<_, u32>(0));
        count.unwrap()
    };
    let trigger = "CREATE TRIGGER full BEFORE DELETE ON people BEGIN SELECT RAISE(ABORT, ''); END";
    cache.lock().execute_batch(trigger).unwrap();
    assert!(cache.settle().is_err());
    assert_eq!((rows("people"), rows("saved")), (1, 0));
    cache.lock().execute_batch("DROP TRIGGER full").unwrap();
    cache.settle().unwrap();
    assert_eq!(rows("people"), 0);
    assert_eq!(rung.load(Ordering::Relaxed), 1);
}

/// Somebody else may get the name later.
#[test]
fn a_name_that_nobody_has_is_not_doubted() {
    let (_folder, cache) = cache();
    lock(&cache.doubted).add("alice");
    cache.forget_person("alice").unwrap();
    assert!(lock(&cache.doubted).people.some().is_empty());
    let alice = Person::example("alice", 1103);
    cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
    lock(&cache.doubted).add("alice");
    cache.forget_person("alice").unwrap();
    assert!(lock(&cache.doubted).people.some().is_empty());
}

/// Nothing in the file is believed then, and nothing of it comes back, be it with a restart.
#[test]
fn more_than_can_be_told_apart_is_all_asked_for_again() {
    let (_folder, cache) = cache();
    let alice = Person::example("alice", 1103);
    let bob = Person::example("bob", 1104);
    cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
    cache.save(&alice.sid, &saved()).unwrap();
    assert!(!cache.believes_nothing());
    cache.doubt_all();
    assert!(cache.believes_nothing());
    assert_eq!(cache.known().unwrap(), (0, 0));
    assert!(cache.person_by_key("alice").unwrap().is_none());
    assert!(cache.saved(&alice.sid).unwrap().is_none());
    cache.settle().unwrap();
    assert!(!cache.believes_nothing());
    cache
        .keep_person(&bob, Some(70_002), Some(&[]), NOW)
        .unwrap();
    assert!(cache.person_by_key("alice").unwrap().is_none());
    let bob = cache.person_by_key("bob").unwrap().unwrap();
    assert!(bob.groups.is_some());
}

/// Whoever has another's id now takes his place, though it cannot be written.
#[test]
fn whose_id_is_another_persons_by_now_is_not_known() {
    let (_folder, cache) = cache();
    let (alice, bob) = (Person::example("alice", 1103), Person::example("bob", 1104));
    cache.keep_person(&alice, Some(70_001), None, NOW).unwrap();
    cache.fill_disk(true);
    assert!(cache.keep_person(&bob, Some(70_001), None, NOW).is_err());
    cache.fill_disk(false);
    assert!(cache.person_by_uid(70_001).unwrap().is_none());
    assert!(cache.person_by_key("alice").unwrap().is_none());
}

/// What the directory has no more, too, and with a restart it does not come back.
#[test]
fn a_group_that_cannot_be_forgotten_is_not_known() {
    let (folder, cache) = cache();
    let names = ["gone", "swept", "unread", "kept"];
    let mut rids = 1200..;
    let teams = names.map(|name| Team::example(name, rids.next().unwrap(), None));
    let keep = |team: &Team, now| {
        let gid = team.sid.rid().map(|rid| 70_000 + rid);
        cache.keep_team(team, gid, Some(&[]), now)
    };
    let known = || names.map(|name| cache.team_by_key(name).unwrap().is_some());
    for (team, at) in teams.iter().zip([1, 0, 1, 1]) {
        keep(team, NOW.plus(at)).unwrap();
    }
    cache.fill_disk(true);
    assert!(cache.forget_team("gone").is_err());
    assert_eq!(known(), [false, true, true, true]);
    assert!(cache.sweep(NOW.plus(1)).is_err());
    assert_eq!(known(), [false, false, true, true]);
    cache.news.take();
    let seen = [teams[3].sid.clone()].into();
    cache.doubt_teams_but(&seen).unwrap();
    assert_eq!(known(), [false, false, false, true]);
    assert!(!matches!(cache.news.take(), Changes::Few(none) if none.is_empty()));
    assert_eq!(cache.known().unwrap(), (0, 1));
    assert!(cache.teams_after(0, 10).unwrap().len() == 4);
    // It is there again, as it was.
    assert!(keep(&teams[0], NOW).is_err());
    assert_eq!(known(), [true, false, false, true]);
    assert!(cache.settle().is_err());
    cache.fill_disk(false);
    keep(&teams[1], NOW).unwrap();
    cache.settle().unwrap();
    assert_eq!(known(), [true, true, false, true]);
    drop(cache);
    let cache = Cache::open(&folder.path().join("directory.db")).unwrap();
    assert_eq!(cache.counts().unwrap(), (0, 3));
}
