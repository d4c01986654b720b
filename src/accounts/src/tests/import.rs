//! Accounts of another system: all or none, and their passwords until the first good logon.

use super::*;
use domlogon_protocol::admin::{HashError, Imported, ImportedUser};

const YESCRYPT: &str = "$y$j75$F5Jx5fExrKuPp53xLKQ..1$VOUcEBr8qdOkN5yqDv05.0eFN7MbzDSE91TvVPR7PF1";
const SHA: &str = "$6$rounds=1000$saltsalt$33QPUZHH62Nu7cdS5UdTn.K2OJABu3oyrCH9eQwnQg2G9qSN7Fw.KqD8ELbMQds0QDPxX9ybYqRRvB1.01cD.0";

fn imported(row: u32, name: &str, hash: Option<&str>) -> ImportedUser {
    ImportedUser {
        row,
        new: new_user(name),
        changes: UserChanges::default(),
        groups: Vec::new(),
        hash: hash.map(secret),
    }
}

fn import(world: &World, users: Vec<ImportedUser>) -> Result<Imported, AdminError> {
    run(world, users, false)
}

fn run(world: &World, users: Vec<ImportedUser>, dry_run: bool) -> Result<Imported, AdminError> {
    match world.ask(Request::UserImport { users, dry_run })? {
        Reply::Imported(imported) => Ok(imported),
        other => panic!("not an import: {other:?}"),
    }
}

fn stored(world: &World, key: &str) -> String {
    world.db.store.writer(|connection| {
        connection
            .query_row("SELECT verifier FROM users WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .unwrap()
    })
}

fn history(world: &World) -> Vec<String> {
    world.db.store.writer(|connection| {
        let mut statement = connection.prepare("SELECT verifier FROM history").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    })
}

#[test]
fn the_first_good_logon_replaces_the_hash() {
    let world = World::new();
    let users = vec![
        imported(1, "yes", Some(YESCRYPT)),
        imported(2, "sha", Some(SHA)),
    ];
    let done = import(&world, users).unwrap();
    assert_eq!((done.users, done.with_password, done.disabled), (2, 2, 0));
    for (name, password, hash) in [("yes", "Passw0rd-y", YESCRYPT), ("sha", "Passw0rd-6", SHA)] {
        assert_eq!(world.logon(name, "wrong"), Verdict::LogonFailure);
        assert_eq!(stored(&world, name), hash, "a wrong one replaces nothing");
        assert_eq!(world.show(name).bad_password_count, 1);
        assert_eq!(world.logon(name, password), Verdict::Success);
        assert!(stored(&world, name).starts_with("$argon2id$"), "{name}");
        assert_eq!(world.logon(name, password), Verdict::Success);
        assert_eq!(world.logon(name, "wrong"), Verdict::LogonFailure);
        assert_eq!(world.show(name).password_set_at, Some(NOW), "no change");
    }
    assert!(history(&world).is_empty());
}

#[test]
fn a_wrong_password_and_an_unknown_name_make_as_many_hashes_as_an_imported_one() {
    let world = World::new();
    world.user("own");
    let slots = |name: &str, password: &str| {
        let before = world.db.hasher.hashes_made();
        world.logon(name, password);
        world.db.hasher.hashes_made() - before
    };
    let wrong = || ["sha", "yes", "own", "nobody"].map(|name| slots(name, "wrong"));
    assert_eq!(wrong(), [1; 4], "none of them is imported yet");
    import(&world, vec![imported(1, "sha", Some(SHA))]).unwrap();
    assert_eq!(
        wrong(),
        [1 + 1; 4],
        "the other system's hash takes a place, too"
    );
    import(&world, vec![imported(1, "yes", Some(YESCRYPT))]).unwrap();
    assert_eq!(wrong(), [1 + 2; 4], "and so does that of a third");
    assert_eq!(
        slots("sha", "Passw0rd-6"),
        1 + 1,
        "a right one is not held up"
    );
    assert_eq!(slots("sha", "Passw0rd-6"), 1);
    assert_eq!(slots("own", PASSWORD), 1);
}

#[test]
fn a_hash_that_is_costly_does_not_cost_others() {
    let world = World::new();
    let costly = "$6$rounds=1000000$saltsalt$33QPUZHH62Nu7cdS5UdTn.K2OJABu3oyrCH9eQwnQg2G9qSN7Fw.KqD8ELbMQds0QDPxX9ybYqRRvB1.01cD.0";
    import(&world, vec![imported(1, "slow", Some(costly))]).unwrap();
    let before = world.db.hasher.hashes_made();
    world.logon("nobody", "wrong");
    assert_eq!(world.db.hasher.hashes_made() - before, 1);
}

#[test]
fn a_disabled_row_without_a_hash_keeps_its_demand_for_the_first_password() {
    let world = World::new();
    let mut user = imported(1, "dora", None);
    user.new.must_change = true;
    user.changes.disabled = Some(true);
    import(&world, vec![user]).unwrap();
    world.reset("dora", PASSWORD).unwrap();
    world.set("dora", |c| c.disabled = Some(false));
    assert_eq!(world.logon("dora", PASSWORD), Verdict::MustChange);
}

#[test]
fn a_change_puts_the_old_password_into_the_history_in_our_form() {
    let world = World::new();
    let mut user = imported(1, "sha", Some(SHA));
    user.changes.must_change = Some(true);
    assert_eq!(import(&world, vec![user]).unwrap().must_change, 1);
    assert_eq!(world.logon("sha", "Passw0rd-6"), Verdict::MustChange);
    assert_eq!(
        world.change("sha", "Passw0rd-6", "Passw0rd-6").verdict,
        Verdict::PasswordHistConflict
    );
    assert_eq!(
        world.change("sha", "Passw0rd-6", "An0ther-one").verdict,
        Verdict::Success
    );
    let kept = history(&world);
    assert_eq!(kept.len(), 1);
    assert!(kept[0].starts_with("$argon2id$"), "{kept:?}");
    let later = NOW.plus(5 * DAY);
    assert_eq!(
        world
            .change_at("sha", "An0ther-one", "Passw0rd-6", later)
            .verdict,
        Verdict::PasswordHistConflict
    );
}

#[test]
fn a_reset_forgets_a_hash_that_nobody_opened() {
    let world = World::new();
    import(&world, vec![imported(1, "sha", Some(SHA))]).unwrap();
    world.reset("sha", "An0ther-one").unwrap();
    assert!(history(&world).is_empty());
    assert_eq!(world.logon("sha", "Passw0rd-6"), Verdict::LogonFailure);
    assert_eq!(world.logon("sha", "An0ther-one"), Verdict::Success);
}

#[test]
fn all_settings_arrive() {
    let world = World::new();
    world.ask(Request::GroupAdd("Staff".to_owned())).unwrap();
    let mut user = imported(7, "Alice", Some(SHA));
    user.new.uid = Some(5001);
    user.new.full_name = Some("Alice Liddell".to_owned());
    user.new.home = Some("/srv/alice".to_owned());
    user.new.shell = Some("/bin/zsh".to_owned());
    user.changes.disabled = Some(true);
    user.changes.expires = Some(Some(NOW.plus(DAY)));
    user.changes.password_set_at = Some(NOW.plus(-400 * DAY));
    user.groups = vec!["staff".to_owned(), "Administrators".to_owned()];
    let done = import(&world, vec![user, imported(8, "bob", None)]).unwrap();
    let all = Imported {
        users: 2,
        with_password: 1,
        disabled: 2,
        must_change: 1,
        memberships: 2,
    };
    assert_eq!(done, all);
    let alice = world.show("alice");
    assert_eq!((alice.name.as_str(), alice.uid), ("Alice", 5001));
    assert_eq!(alice.full_name, "Alice Liddell");
    assert_eq!(
        (alice.home.as_str(), alice.shell.as_str()),
        ("/srv/alice", "/bin/zsh")
    );
    assert!(alice.disabled && alice.has_password);
    assert_eq!(alice.expires_at, Some(NOW.plus(DAY)));
    assert_eq!(alice.password_set_at, Some(NOW.plus(-400 * DAY)));
    assert_eq!(
        alice.groups,
        ["Domain Users", "Administrators", "Staff"].map(str::to_owned)
    );
    let bob = world.show("bob");
    assert!(bob.disabled && !bob.has_password);
    world.reset("bob", PASSWORD).unwrap();
    assert_eq!(world.logon("bob", PASSWORD), Verdict::Success);
}

#[test]
fn one_that_is_refused_refuses_all_and_every_reason_is_told() {
    let world = World::new();
    world.user("carol");
    let mut low = imported(3, "low", None);
    low.new.uid = Some(5);
    let mut grouped = imported(5, "grouped", None);
    grouped.groups = vec!["No such".to_owned()];
    let mut text = imported(6, "text", None);
    text.new.full_name = Some("a:b".to_owned());
    let mut dated = imported(8, "dated", Some(SHA));
    dated.changes.password_set_at = Some(NOW.plus(DAY));
    let users = vec![
        imported(1, "good", Some(SHA)),
        imported(2, "CAROL", None),
        low,
        imported(4, "good", None),
        grouped,
        text,
        imported(7, "hashed", Some("$1$abc$3vXhNHZHuzCQtcVRbGzdo1")),
        dated,
    ];
    let refused = AdminError::Import(vec![
        (2, AdminError::NameTaken("carol".to_owned())),
        (3, AdminError::IdTooLow(5, 1000)),
        (4, AdminError::NameTaken("good".to_owned())),
        (5, AdminError::NoSuchGroup("No such".to_owned())),
        (6, AdminError::BadText("a:b".to_owned())),
        (7, AdminError::BadHash(HashError::UnknownKind)),
        (8, AdminError::InFuture(NOW.plus(DAY))),
    ]);
    assert_eq!(run(&world, users.clone(), true), Err(refused.clone()));
    assert_eq!(run(&world, users, false), Err(refused));
    let gone = world.ask(Request::UserShow("good".to_owned()));
    assert_eq!(gone, Err(AdminError::NoSuchUser("good".to_owned())));
    let reply = world.ask(Request::UserImportProgress).unwrap();
    assert_eq!(reply, Reply::ImportProgress(0, 0), "it has ended");
    import(&world, vec![imported(1, "good", Some(SHA))]).unwrap();
}

#[test]
fn a_rehearsal_leaves_nothing() {
    let world = World::new();
    let rids = || world.db.store.read(crate::domain::counts).unwrap();
    let before = rids();
    let users = || vec![imported(1, "a", Some(SHA)), imported(2, "b", None)];
    let rehearsed = run(&world, users(), true).unwrap();
    assert_eq!(rids(), before);
    assert_eq!(run(&world, users(), false), Ok(rehearsed));
    assert_eq!(rids().0, before.0 + 2);
    assert_eq!(run(&world, Vec::new(), false), Ok(Imported::default()));
}

#[test]
fn an_imported_hash_that_was_damaged_in_the_file_is_damage() {
    let world = World::new();
    import(&world, vec![imported(1, "sha", Some(SHA))]).unwrap();
    world.db.store.writer(|connection| {
        let spoil = "UPDATE users SET verifier = '$6$rounds=999999999$x$y' WHERE key = 'sha'";
        connection.execute_batch(spoil).unwrap();
    });
    assert!(world.try_logon("sha", "Passw0rd-6", NOW).is_err());
}
