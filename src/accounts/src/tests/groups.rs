use super::*;
use domlogon_protocol::LogonHours;
use domlogon_protocol::admin::GroupRecord;

fn group(world: &World, name: &str) -> GroupRecord {
    match world.ask(Request::GroupShow(name.to_owned())).unwrap() {
        Reply::Group(record) => record,
        other => panic!("{other:?}"),
    }
}

fn add(world: &World, group: &str, member: &str) -> Result<Reply, AdminError> {
    world.ask(Request::GroupAddMembers {
        group: group.to_owned(),
        members: vec![member.to_owned()],
    })
}

fn remove(world: &World, group: &str, member: &str, force: bool) -> Result<Reply, AdminError> {
    world.ask(Request::GroupRemoveMembers {
        group: group.to_owned(),
        members: vec![member.to_owned()],
        force,
    })
}

#[test]
fn nested_groups_are_flattened() {
    let world = World::new();
    world.user("alice");
    for name in ["inner", "middle", "outer"] {
        world.ask(Request::GroupAdd(name.to_owned())).unwrap();
    }
    add(&world, "outer", "CORP\\middle").unwrap();
    add(&world, "middle", "inner").unwrap();
    add(&world, "inner", "ALICE").unwrap();
    let outer = world.group_by_name("outer").unwrap().unwrap();
    assert_eq!(outer.members, ["alice"]);
    let ids = world.group_ids("alice").unwrap().unwrap();
    assert_eq!(ids.len(), 5, "{ids:?}");
    assert!(ids.contains(&outer.gid));
    assert_eq!(group(&world, "outer").groups, ["middle"]);
    assert_eq!(group(&world, "inner").users, ["alice"]);
    // Whoever is in two ways is there once.
    add(&world, "outer", "alice").unwrap();
    let outer = world.group_by_name("outer").unwrap().unwrap();
    assert_eq!(outer.members, ["alice"]);
}

#[test]
fn a_ring_is_refused_and_one_in_the_file_ends() {
    let world = World::new();
    world.user("alice");
    for name in ["a", "b", "c"] {
        world.ask(Request::GroupAdd(name.to_owned())).unwrap();
    }
    add(&world, "a", "b").unwrap();
    add(&world, "b", "c").unwrap();
    add(&world, "b", "alice").unwrap();
    let ring =
        |member: &str, group: &str| Err(AdminError::Cycle(member.to_owned(), group.to_owned()));
    assert_eq!(add(&world, "c", "a"), ring("a", "c"));
    assert_eq!(add(&world, "a", "a"), ring("a", "a"));
    // Somebody edited the file by hand.
    let (a, c) = (group(&world, "a").rid, group(&world, "c").rid);
    let sql = "INSERT INTO group_members (grp, member) VALUES (?1, ?2)";
    world.store.writer(|w| w.execute(sql, [c, a])).unwrap();
    for name in ["a", "b", "c"] {
        let shown = world.group_by_name(name).unwrap().unwrap();
        assert_eq!(shown.members, ["alice"], "{name}");
    }
    assert_eq!(world.group_ids("alice").unwrap().unwrap().len(), 5);
}

#[test]
fn members_come_and_go_all_or_none() {
    let world = World::new();
    world.user("alice");
    world.ask(Request::GroupAdd("staff-x".to_owned())).unwrap();
    let several = |members: &[&str]| Request::GroupAddMembers {
        group: "staff-x".to_owned(),
        members: members.iter().map(|m| (*m).to_owned()).collect(),
    };
    assert_eq!(
        world.ask(several(&["alice", "nobody-here"])),
        Err(AdminError::NoSuchName("nobody-here".to_owned()))
    );
    assert_eq!(group(&world, "staff-x").users, [""; 0]);
    world.ask(several(&["alice"])).unwrap();
    assert_eq!(
        add(&world, "staff-x", "alice"),
        Err(AdminError::AlreadyMember(
            "alice".to_owned(),
            "staff-x".to_owned()
        ))
    );
    remove(&world, "staff-x", "alice", false).unwrap();
    assert_eq!(
        remove(&world, "staff-x", "alice", false),
        Err(AdminError::NotMember(
            "alice".to_owned(),
            "staff-x".to_owned()
        ))
    );
    assert_eq!(
        add(&world, "no-group", "alice"),
        Err(AdminError::NoSuchGroup("no-group".to_owned()))
    );
}

#[test]
fn built_in_groups_stay() {
    let world = World::new();
    for name in ["Administrators", "BUILTIN\\Users", "CORP\\domain admins"] {
        assert!(matches!(
            world.ask(Request::GroupDelete(name.to_owned())),
            Err(AdminError::BuiltIn(_))
        ));
    }
    assert_eq!(group(&world, "administrators").sid, "S-1-5-32-544");
    assert_eq!(group(&world, "administrators").groups, ["Domain Admins"]);
    let sid = group(&world, "Domain Admins").sid;
    assert!(
        sid.starts_with("S-1-5-21-") && sid.ends_with("-512"),
        "{sid}"
    );
}

#[test]
fn the_last_administrator_stays() {
    let world = World::new();
    world.user("alice");
    world.user("bob-x");
    // There is none yet whose account works, so there is none to lose.
    add(&world, "Domain Admins", "alice").unwrap();
    let last = |name: &str| Err(AdminError::LastAdministrator(name.to_owned()));
    let delete = |force| {
        world.ask(Request::UserDelete {
            name: "alice".to_owned(),
            force,
        })
    };
    assert_eq!(delete(false), last("alice"));
    assert_eq!(
        world.try_set("alice", false, |c| c.disabled = Some(true)),
        last("alice")
    );
    assert_eq!(
        world.try_set("alice", false, |c| c.expires = Some(Some(NOW.plus(-1)))),
        last("alice")
    );
    assert_eq!(
        world.try_set("alice", false, |c| c.hours = Some(Some(LogonHours::NEVER))),
        last("alice")
    );
    let mut hour = LogonHours::NEVER;
    hour.allow(167);
    world.set("alice", |c| c.hours = Some(Some(hour)));
    assert_eq!(
        remove(&world, "Domain Admins", "alice", false),
        last("alice")
    );
    assert_eq!(
        remove(&world, "Administrators", "Domain Admins", false),
        last("Domain Admins")
    );
    assert!(!world.show("alice").disabled);
    assert!(is_administrator(&world, world.show("alice").uid));
    // A group on the way to it.
    world.ask(Request::GroupAdd("ops".to_owned())).unwrap();
    add(&world, "Administrators", "ops").unwrap();
    add(&world, "ops", "bob-x").unwrap();
    assert!(is_administrator(&world, world.show("bob-x").uid));
    remove(&world, "Domain Admins", "alice", false).unwrap();
    assert!(!is_administrator(&world, world.show("alice").uid));
    assert_eq!(
        world.ask(Request::GroupDelete("ops".to_owned())),
        last("ops")
    );
    assert!(remove(&world, "ops", "bob-x", true).is_ok());
    world.set("alice", |c| c.disabled = Some(true));
    assert!(delete(false).is_ok());
}

#[test]
fn an_administrator_without_an_hour_to_log_on_in_cannot() {
    let world = World::new();
    world.user("alice");
    add(&world, "Domain Admins", "alice").unwrap();
    assert_eq!(world.administrators(NOW).unwrap().len(), 1);
    world
        .try_set("alice", true, |c| c.hours = Some(Some(LogonHours::NEVER)))
        .unwrap();
    assert!(world.administrators(NOW).unwrap().is_empty());
    world.set("alice", |c| c.hours = Some(None));
    assert_eq!(world.administrators(NOW).unwrap().len(), 1);
}

fn is_administrator(world: &World, uid: u32) -> bool {
    world.is_administrator(uid, NOW).unwrap()
}

#[test]
fn a_disabled_administrator_is_none() {
    let world = World::new();
    let administrator = world.show("Administrator");
    assert!(administrator.disabled && !administrator.has_password);
    assert_eq!(administrator.rid, 500);
    assert!(!is_administrator(&world, administrator.uid));
    world.reset("Administrator", PASSWORD).unwrap();
    assert!(!world.show("Administrator").disabled);
    assert!(is_administrator(&world, administrator.uid));
    assert!(!is_administrator(&world, 0));
}

#[test]
fn an_administrator_whose_account_has_ended_is_none() {
    let world = World::new();
    world.reset("Administrator", PASSWORD).unwrap();
    world.user("alice");
    add(&world, "Domain Admins", "alice").unwrap();
    let uid = world.show("alice").uid;
    world.set("alice", |c| c.expires = Some(Some(NOW)));
    assert!(is_administrator(&world, uid), "the last instant is inside");
    assert!(!world.is_administrator(uid, NOW.plus(1)).unwrap());
}
