//! A file of version 1, as the first daemons made it.

use super::*;
use crate::schema::{self, MIGRATIONS};
use crate::store::Store;
use domlogon_protocol::Sid;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::path::Path;

/// The same accounts and groups in a file of version 1, and what `edit` does to it.
fn as_version_1(world: World, edit: &str) -> TempDir {
    world.db.close();
    let newer = world.path();
    drop(world.db);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.db");
    drop(Store::open(&path, &MIGRATIONS[..1], |_| Ok(())).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection
        .execute("ATTACH ?1 AS newer", [newer.to_str().unwrap()])
        .unwrap();
    connection
        .execute_batch(&format!(
            "INSERT INTO domain SELECT one, sid, name, dns_name, next_rid, refused
                                FROM newer.domain;
             INSERT INTO policy SELECT * FROM newer.policy;
             INSERT INTO groups SELECT * FROM newer.groups WHERE rid NOT IN (551, 555, 559);
             INSERT INTO users SELECT * FROM newer.users;
             INSERT INTO user_members SELECT * FROM newer.user_members;
             INSERT INTO group_members SELECT * FROM newer.group_members;
             INSERT INTO history SELECT * FROM newer.history;
             INSERT INTO spent_ids SELECT * FROM newer.spent_ids;
             INSERT INTO rights VALUES ('SeNetworkLogonRight', 'S-1-1-0');
             {edit}"
        ))
        .unwrap();
    assert_eq!(
        schema::identify(&connection).unwrap(),
        schema::Found::Version(1)
    );
    folder
}

/// Opens what [`as_version_1`] made.
fn migrated(folder: TempDir) -> World {
    let db = Database::open(options(folder.path().join("accounts.db"))).unwrap();
    World { folder, db }
}

fn rows(path: &Path, query: &str) -> Vec<Vec<Value>> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
    rows.unwrap().map(Result::unwrap).collect()
}

const EVERYTHING: [&str; 8] = [
    "SELECT sid, name, dns_name, next_rid, refused FROM domain",
    "SELECT * FROM policy",
    "SELECT * FROM groups WHERE rid NOT IN (551, 555, 559) ORDER BY rid",
    "SELECT * FROM users ORDER BY rid",
    "SELECT * FROM user_members ORDER BY grp, member",
    "SELECT * FROM group_members ORDER BY grp, member",
    "SELECT * FROM history ORDER BY user, age",
    "SELECT * FROM spent_ids ORDER BY id",
];

fn full_world() -> World {
    let world = World::new();
    world.user("alice");
    world.user("gone");
    world.reset("alice", "Second-horse-2").unwrap();
    for group in ["inner", "outer", "gone-too"] {
        add_group(&world, group);
    }
    add_member(&world, "outer", "inner");
    add_member(&world, "inner", "alice");
    world
        .ask(Request::UserDelete {
            name: "gone".to_owned(),
            force: false,
        })
        .unwrap();
    world
        .ask(Request::GroupDelete("gone-too".to_owned()))
        .unwrap();
    world.logon("alice", "wrong");
    world
}

#[test]
fn a_file_of_version_1_keeps_everything() {
    let folder = as_version_1(full_world(), "");
    let path = folder.path().join("accounts.db");
    let before = EVERYTHING.map(|query| rows(&path, query));
    assert!(before.iter().all(|rows| !rows.is_empty()));
    let world = migrated(folder);
    assert_eq!(EVERYTHING.map(|query| rows(&path, query)), before);
    assert_eq!(
        rows(
            &path,
            "SELECT 1 FROM sqlite_schema WHERE name = 'rights'
             UNION ALL SELECT 1 FROM pragma_foreign_key_check"
        ),
        [[]; 0]
    );
    for (rid, name) in [
        (551, "Backup Operators"),
        (555, "Remote Desktop Users"),
        (559, "Performance Log Users"),
    ] {
        let group = world.group_by_name(name).unwrap().unwrap();
        assert_eq!(
            (group.name.as_str(), group.gid),
            (name, 1_900_000_000 + rid)
        );
        let named = world.name_of(&Sid::builtin(rid)).unwrap();
        assert_eq!(named.as_deref(), Some(name));
        assert_eq!(
            world.ask(Request::GroupDelete(name.to_owned())),
            Err(AdminError::BuiltIn(name.to_owned()))
        );
    }
    assert_eq!(world.logon("alice", "Second-horse-2"), Verdict::Success);
    // And it works as a new one does.
    let groups = |world: &World| {
        let token = world.token(&name("alice")).unwrap().unwrap();
        token.groups().len()
    };
    assert_eq!(groups(&world), 4);
    add_member(&world, "Backup Operators", "outer");
    assert_eq!(groups(&world), 5);
    // The second opening has nothing left to do.
    let world = world.reopened(|_| ()).unwrap();
    assert_eq!(groups(&world), 5);
}

#[test]
fn what_the_site_has_taken_stays_the_sites() {
    let world = full_world();
    let unmade = "DELETE FROM groups WHERE rid IN (551, 555, 559)";
    world.store.writer(|c| c.execute(unmade, [])).unwrap();
    add_group(&world, "BACKUP operators");
    world.user("Remote Desktop Users");
    let folder = as_version_1(world, "INSERT INTO spent_ids VALUES (1900000559);");
    let path = folder.path().join("accounts.db");
    let before = EVERYTHING.map(|query| rows(&path, query));
    let world = migrated(folder);
    assert_eq!(EVERYTHING.map(|query| rows(&path, query)), before);
    for rid in [551, 555, 559] {
        assert_eq!(world.name_of(&Sid::builtin(rid)).unwrap(), None, "{rid}");
    }
    let group = world.principal(&name("backup operators")).unwrap().unwrap();
    assert_eq!(group.name, "BACKUP operators");
    assert!(group.sid.rid().unwrap() >= 1000);
    let user = world.show("remote desktop users");
    assert_eq!(
        world.logon("Remote Desktop Users", PASSWORD),
        Verdict::Success
    );
    assert_eq!(user.name, "Remote Desktop Users");
}

#[test]
fn an_id_in_use_is_not_given_twice() {
    let folder = as_version_1(
        full_world(),
        "UPDATE users SET uid = 1900000551 WHERE key = 'alice';
         UPDATE groups SET gid = 1900000555 WHERE key = 'outer';
         UPDATE groups SET gid = 65534 - 559 + 544 WHERE key = 'administrators';",
    );
    let world = migrated(folder);
    // Administrators was moved: the ids follow it, and the last would mean nobody.
    for (rid, made) in [(551, true), (555, true), (559, false)] {
        let found = world.name_of(&Sid::builtin(rid)).unwrap();
        assert_eq!(found.is_some(), made, "{rid}");
    }
    let folder = as_version_1(
        full_world(),
        "UPDATE users SET uid = 1900000551 WHERE key = 'alice';
         UPDATE groups SET gid = 1900000555 WHERE key = 'outer';",
    );
    let world = migrated(folder);
    for (rid, made) in [(551, false), (555, false), (559, true)] {
        let found = world.name_of(&Sid::builtin(rid)).unwrap();
        assert_eq!(found.is_some(), made, "{rid}");
    }
    let alice = world.user_by_id(1_900_000_551).unwrap().unwrap();
    assert_eq!(alice.name, "alice");
    let outer = world.group_by_id(1_900_000_555).unwrap().unwrap();
    assert_eq!(outer.name, "outer");
}
