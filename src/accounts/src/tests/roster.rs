//! What is told of changes, one after the other, comes to the same as everything at once,
//! and to the same as what NSS is answered.

use super::*;
use domlogon_protocol::admin::ImportedUser;
use domlogon_rules::roster::{
    Changes, Extent, GroupEntry, Kind, Listener, Roster, Subject, UserEntry,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Instant;

/// Name, uid, gid, texts, groups.
type Line = (String, u32, u32, [String; 3], BTreeSet<u32>);

/// What somebody knows who listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    users: BTreeMap<String, Line>,
    groups: BTreeMap<String, (String, u32, Option<BTreeSet<String>>)>,
}

impl Listener for Known {
    fn user(&mut self, user: &UserEntry<'_>) -> ControlFlow<()> {
        let texts = [user.full_name, user.home, user.shell].map(str::to_owned);
        let groups = user.groups.unwrap().iter().copied().collect();
        let line = (user.name.to_owned(), user.uid, user.gid, texts, groups);
        self.users.insert(user.key.to_owned(), line);
        ControlFlow::Continue(())
    }

    fn group(&mut self, group: &GroupEntry<'_>) -> ControlFlow<()> {
        let members = group
            .members
            .map(|members| members.iter().map(|name| (*name).to_owned()).collect());
        let line = (group.name.to_owned(), group.gid, members);
        self.groups.insert(group.key.to_owned(), line);
        ControlFlow::Continue(())
    }

    fn absent(&mut self, subject: &Subject) -> ControlFlow<()> {
        match subject.kind {
            Kind::User => drop(self.users.remove(&subject.key)),
            Kind::Group => drop(self.groups.remove(&subject.key)),
        }
        ControlFlow::Continue(())
    }
}

impl Known {
    fn all(world: &World) -> Self {
        let mut known = Self::default();
        world.survey(&mut known).unwrap();
        assert_eq!(world.extent(), Extent::Complete);
        known
    }

    /// What NSS is answered, page by page.
    fn asked(world: &World) -> Self {
        let mut known = Self::default();
        let users = world.users(0, 1000).unwrap().entries;
        for user in users {
            let key = UserName::fold(&user.name);
            let groups = world.group_ids(&key).unwrap().unwrap();
            let texts = [user.full_name, user.home, user.shell];
            let groups = groups.into_iter().collect();
            known
                .users
                .insert(key, (user.name, user.uid, user.gid, texts, groups));
        }
        for group in world.groups(0, 1000).unwrap().entries {
            let members = group.members.into_iter().collect();
            known.groups.insert(
                UserName::fold(&group.name),
                (group.name, group.gid, Some(members)),
            );
        }
        known
    }

    /// Listens to what has changed; to everything, if that is what is said.
    fn follow(&mut self, world: &World) {
        match world.changes().unwrap() {
            Changes::Few(subjects) => world.review(&subjects, self).unwrap(),
            Changes::Many => *self = Self::all(world),
        }
    }
}

fn imported(row: u32, name: &str, groups: &[&str]) -> ImportedUser {
    ImportedUser {
        row,
        new: new_user(name),
        changes: UserChanges::default(),
        groups: groups.iter().map(|name| (*name).to_owned()).collect(),
        hash: None,
    }
}

#[derive(Clone, Debug)]
enum Edit {
    AddUser(u8),
    DeleteUser(u8),
    Rewrite(u8, String),
    AddGroup(u8),
    DeleteGroup(u8),
    Join(u8, Vec<u8>),
    Leave(u8, Vec<u8>),
    Import(u8, u8),
    /// The listener looks.
    Look,
}

fn edit() -> impl Strategy<Value = Edit> {
    let some = || prop::collection::vec(0..16u8, 1..4);
    prop_oneof![
        3 => (0..8u8).prop_map(Edit::AddUser),
        1 => (0..8u8).prop_map(Edit::DeleteUser),
        1 => (0..8u8, "[a-z]{0,6}").prop_map(|(user, text)| Edit::Rewrite(user, text)),
        3 => (0..8u8).prop_map(Edit::AddGroup),
        1 => (0..8u8).prop_map(Edit::DeleteGroup),
        6 => (0..10u8, some()).prop_map(|(group, members)| Edit::Join(group, members)),
        3 => (0..10u8, some()).prop_map(|(group, members)| Edit::Leave(group, members)),
        1 => (0..8u8, 0..8u8).prop_map(|(user, group)| Edit::Import(user, group)),
        4 => Just(Edit::Look),
    ]
}

/// Users and groups of the same names come and go; some are this host's own.
fn member(number: u8) -> String {
    match number {
        0 => "bob".to_owned(),
        1..8 => format!("User{number}"),
        8..15 => format!("Group{}", number - 8),
        _ => "Domain Users".to_owned(),
    }
}

fn group(number: u8) -> String {
    match number {
        0..8 => format!("Group{number}"),
        8 => "Administrators".to_owned(),
        _ => "Users".to_owned(),
    }
}

/// Does it, or is refused.
fn carry_out(world: &World, edit: &Edit) {
    let members = |numbers: &[u8]| numbers.iter().copied().map(member).collect();
    let request = match edit {
        Edit::AddUser(user) => Request::UserAdd(Box::new(new_user(&member(*user)))),
        Edit::DeleteUser(user) => Request::UserDelete {
            name: member(*user),
            force: true,
        },
        Edit::Rewrite(user, text) => Request::UserSet {
            name: member(*user),
            changes: Box::new(UserChanges {
                full_name: Some(text.clone()),
                shell: Some(format!("/{text}")),
                ..UserChanges::default()
            }),
            force: true,
        },
        Edit::AddGroup(number) => Request::GroupAdd(group(*number)),
        Edit::DeleteGroup(number) => Request::GroupDelete(group(*number)),
        Edit::Join(number, names) => Request::GroupAddMembers {
            group: group(*number),
            members: members(names),
        },
        Edit::Leave(number, names) => Request::GroupRemoveMembers {
            group: group(*number),
            members: members(names),
            force: true,
        },
        Edit::Import(user, number) => Request::UserImport {
            users: vec![imported(1, &member(*user), &[&group(*number)])],
            dry_run: user % 2 == 0,
        },
        Edit::Look => return,
    };
    let _ = world.ask(request);
}

fn local() -> FewLocalNames {
    FewLocalNames {
        users: vec!["user3"],
        groups: vec!["group3"],
        ..FewLocalNames::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn changes_come_to_the_same_as_everything(edits in prop::collection::vec(edit(), 1..60)) {
        let world = World::with(Arc::new(local()));
        world.changes().unwrap();
        let mut known = Known::all(&world);
        for edit in edits.iter().chain([&Edit::Look]) {
            carry_out(&world, edit);
            if matches!(edit, Edit::Look) {
                known.follow(&world);
                let all = Known::all(&world);
                prop_assert_eq!(&known, &all);
                prop_assert_eq!(&all, &Known::asked(&world));
            }
        }
    }
}

#[test]
fn what_nss_does_not_show_is_no_change() {
    let world = World::new();
    world.user("alice");
    assert!(matches!(world.changes().unwrap(), Changes::Few(some) if some.len() == 3));
    world.logon("alice", PASSWORD);
    world.logon("alice", "wrong");
    world.change("alice", PASSWORD, "Another-horse-2");
    world.set("alice", |changes| changes.disabled = Some(true));
    world.policy(|policy| policy.history = Some(3));
    let dry = vec![imported(1, "carol", &[])];
    world
        .ask(Request::UserImport {
            users: dry,
            dry_run: true,
        })
        .unwrap();
    assert_eq!(world.changes().unwrap(), Changes::Few(Vec::new()));
}

#[test]
fn much_is_said_as_a_whole() {
    let world = World::new();
    world.changes().unwrap();
    let users = (0..1200).map(|n| imported(n, &format!("user{n}"), &["Guests"]));
    world
        .ask(Request::UserImport {
            users: users.collect(),
            dry_run: false,
        })
        .unwrap();
    assert_eq!(world.changes().unwrap(), Changes::Many);
    assert_eq!(world.changes().unwrap(), Changes::Few(Vec::new()));
    // A group of many that moves takes them all along.
    add_group(&world, "team");
    world.changes().unwrap();
    world
        .ask(Request::GroupAddMembers {
            group: "team".to_owned(),
            members: vec!["Domain Users".to_owned()],
        })
        .unwrap();
    assert_eq!(world.changes().unwrap(), Changes::Many);
    // One more in a large group is no large change.
    world.user("alice");
    let Changes::Few(subjects) = world.changes().unwrap() else {
        panic!("too many");
    };
    let mut known = Known::default();
    world.review(&subjects, &mut known).unwrap();
    assert_eq!(known.users.len(), 1);
    assert_eq!(
        known.groups["domain users"].2, None,
        "whoever wants it asks"
    );
    assert_eq!(known.groups["team"].2, None);
}

#[test]
fn another_least_id_changes_everything() {
    let world = World::new();
    world.changes().unwrap();
    world.configure(Settings {
        minimum: 1_900_000_600,
        ..Settings::default()
    });
    assert_eq!(world.changes().unwrap(), Changes::Many);
    assert_eq!(Known::all(&world), Known::asked(&world));
}

#[test]
fn what_has_an_id_of_this_host_is_not_said() {
    let world = World::new();
    let alice = world.user("alice").uid;
    world.user("carol");
    add_group(&world, "crew");
    add_group(&world, "team");
    for member in ["alice", "carol"] {
        add_member(&world, "crew", member);
        add_member(&world, "team", member);
    }
    let crew = world.group_by_name("crew").unwrap().unwrap().gid;
    let some = |key: &str, kind| Subject {
        kind,
        key: key.to_owned(),
        id: 0,
    };
    let subjects = [
        some("alice", Kind::User),
        some("carol", Kind::User),
        some("crew", Kind::Group),
        some("team", Kind::Group),
    ];
    let mut world = world;
    // Theirs, and the primary group of everybody.
    for (ids, users) in [([alice, crew], 1), ([1_900_000_513, 0], 0)] {
        // The host has come to have ids of the domain.
        let local = Arc::new(FewLocalNames {
            uids: ids.to_vec(),
            gids: ids.to_vec(),
            ..FewLocalNames::default()
        });
        world = world.reopened(|o| o.local = local).unwrap();
        let all = Known::all(&world);
        assert_eq!(all, Known::asked(&world));
        assert_eq!(all.users.len().min(1), users);
        assert!(!all.users.contains_key("alice"));
        let mut known = all.clone();
        world.review(&subjects, &mut known).unwrap();
        assert_eq!(known, all);
    }
}

#[test]
#[ignore = "a measurement"]
fn a_large_domain() {
    let world = World::new();
    let count: u32 = std::env::var("ACCOUNTS").map_or(100_000, |text| text.parse().unwrap());
    let begun = Instant::now();
    let chunk = 10_000;
    for from in (0..count).step_by(chunk) {
        let users =
            (from..(from + 10_000).min(count)).map(|n| imported(n, &format!("user{n:07}"), &[]));
        world
            .ask(Request::UserImport {
                users: users.collect(),
                dry_run: false,
            })
            .unwrap();
    }
    println!("imported in {:?}", begun.elapsed());
    struct Counting(usize);
    impl Listener for Counting {
        fn user(&mut self, _: &UserEntry<'_>) -> ControlFlow<()> {
            self.0 += 1;
            ControlFlow::Continue(())
        }
        fn group(&mut self, _: &GroupEntry<'_>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
        fn absent(&mut self, _: &Subject) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
    }
    let begun = Instant::now();
    let mut counting = Counting(0);
    world.survey(&mut counting).unwrap();
    println!("{} users said in {:?}", counting.0, begun.elapsed());
    world.changes().unwrap();
    let begun = Instant::now();
    world
        .ask(Request::UserAdd(Box::new(new_user("one-more"))))
        .unwrap();
    println!("one more in {:?}", begun.elapsed());
    let begun = Instant::now();
    let Changes::Few(subjects) = world.changes().unwrap() else {
        panic!()
    };
    world.review(&subjects, &mut counting).unwrap();
    println!("told in {:?}", begun.elapsed());
}
