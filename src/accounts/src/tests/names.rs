use super::*;
use domlogon_protocol::HIGHEST_ID;
use domlogon_protocol::admin::Subordinate;
use domlogon_rules::roster::{GroupEntry, Listener, Roster, Subject, UserEntry};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

fn local() -> FewLocalNames {
    FewLocalNames {
        users: vec!["bob"],
        groups: vec!["users"],
        uids: vec![1000],
        ..FewLocalNames::default()
    }
}

#[test]
fn users_and_groups_as_nss_sees_them() {
    let world = World::new();
    let made = world.user("Alice");
    let user = world.user_by_name("alice").unwrap().unwrap();
    assert_eq!(user.name, "Alice");
    assert_eq!((user.uid, user.gid), (1_900_001_000, 1_900_000_513));
    assert_eq!(
        (user.home.as_str(), user.shell.as_str()),
        ("/home/Alice", "/bin/bash")
    );
    assert_eq!(world.user_by_id(made.uid).unwrap(), Some(user));
    assert_eq!(world.user_by_name("nobody").unwrap(), None);
    assert_eq!(world.user_by_id(0).unwrap(), None);
    let group = world.group_by_name("DOMAIN USERS").unwrap().unwrap();
    assert_eq!(group.members, ["Administrator", "Alice"]);
    assert_eq!(world.group_by_id(group.gid).unwrap(), Some(group));
    // Users contains Domain Users.
    assert_eq!(
        world.group_ids("alice").unwrap().unwrap(),
        [1_900_000_513, 1_900_000_545]
    );
    assert_eq!(world.group_ids("nobody").unwrap(), None);
}

#[test]
fn pages_come_to_an_end() {
    let world = World::new();
    for n in 0..25 {
        world
            .ask(Request::UserAdd(Box::new(new_user(&format!("u{n}")))))
            .unwrap();
    }
    for limit in [1, 7, 26, 100] {
        let (mut seen, mut after) = (Vec::new(), Some(0));
        while let Some(from) = after {
            let page = world.users(from, limit).unwrap();
            assert!(page.entries.len() <= limit);
            seen.extend(page.entries.iter().map(|user| user.uid));
            after = page.next;
        }
        assert_eq!(seen.len(), 26, "with Administrator");
        assert!(seen.is_sorted());
    }
    let groups = world.groups(0, 2).unwrap();
    assert_eq!(groups.entries.len(), 2);
    assert_eq!(groups.next, Some(groups.entries[1].gid));
}

#[test]
fn local_names_are_never_answered() {
    // The account was made before the local user was.
    let world = World::new();
    world.user("bob");
    world.user("alice");
    let world = world.reopened(|o| o.local = Arc::new(local())).unwrap();
    assert_eq!(world.user_by_name("bob").unwrap(), None);
    assert_eq!(world.user_by_id(1_900_001_000).unwrap(), None);
    assert_eq!(world.group_ids("bob").unwrap(), None);
    assert_eq!(world.logon("BOB", PASSWORD), Verdict::UserNotFound);
    assert_eq!(
        world
            .account(&name("CORP\\bob"), &console(), NOW)
            .unwrap()
            .decision
            .verdict,
        Verdict::UserNotFound
    );
    assert_eq!(
        world.change("bob", PASSWORD, "Second-horse-2").verdict,
        Verdict::UserNotFound
    );
    assert!(
        world
            .explain(&name("bob"), &console(), NOW)
            .unwrap()
            .is_none()
    );
    // Not even as a member: that would be the local bob.
    let group = world.group_by_name("domain users").unwrap().unwrap();
    assert_eq!(group.members, ["Administrator", "alice"]);
    let all = world.users(0, 1).unwrap();
    assert_eq!(all.entries[0].name, "Administrator");
    let next = world.users(all.next.unwrap(), 1).unwrap();
    assert_eq!(next.entries[0].name, "alice");
    // The built-in group Users stays in the database, and is not seen beside the local one.
    assert_eq!(world.group_by_name("Users").unwrap(), None);
    assert_eq!(world.group_ids("alice").unwrap().unwrap(), [1_900_000_513]);
    let groups = world.groups(0, 100).unwrap();
    assert!(groups.entries.iter().all(|group| group.name != "Users"));
    for (request, local) in [
        (Request::UserAdd(Box::new(new_user("BOB"))), "BOB"),
        (Request::UserAdd(Box::new(new_user("root"))), "root"),
        (Request::GroupAdd("users".to_owned()), "users"),
    ] {
        assert_eq!(
            world.ask(request),
            Err(AdminError::NameIsLocal(local.to_owned()))
        );
    }
    let taken = NewUser {
        uid: Some(1000),
        ..new_user("carol")
    };
    assert_eq!(
        world.ask(Request::UserAdd(Box::new(taken))),
        Err(AdminError::IdTaken(1000, "bob".to_owned()))
    );
}

/// A local user and a local group whose ids the domain has given already.
struct Later {
    uid: u32,
    gid: u32,
    /// Bob has neither, and may take both.
    lent: bool,
}

impl Later {
    fn names(self) -> Arc<FewLocalNames> {
        let taken = FewLocalNames {
            users: vec!["bob"],
            uids: vec![self.uid],
            gids: vec![self.gid],
            ..FewLocalNames::default()
        };
        Arc::new(if self.lent { taken.lent() } else { taken })
    }
}

#[test]
fn local_ids_are_never_answered() {
    for lent in [false, true] {
        never_answered(lent);
    }
}

fn never_answered(lent: bool) {
    // The accounts were made before the local user and group were, or before his ranges.
    let world = World::new();
    let uid = world.user("alice").uid;
    world.user("carol");
    add_group(&world, "crew");
    let gid = world.group_by_name("crew").unwrap().unwrap().gid;
    add_member(&world, "crew", "carol");
    add_member(&world, "Administrators", "alice");
    assert!(world.is_administrator(uid, NOW).unwrap());
    let local = Later { uid, gid, lent }.names();
    let world = world.reopened(|o| o.local = local).unwrap();
    // Whoever comes with the id is bob, and no administrator of the domain.
    assert!(!world.is_administrator(uid, NOW).unwrap());
    assert_eq!(world.user_by_id(uid).unwrap(), None);
    assert_eq!(world.user_by_name("alice").unwrap(), None);
    assert_eq!(world.group_ids("alice").unwrap(), None);
    // Whoever logged on as alice would be bob.
    assert_eq!(world.logon("alice", PASSWORD), Verdict::UserNotFound);
    let account = world.account(&name("alice"), &console(), NOW).unwrap();
    assert_eq!(account.decision.verdict, Verdict::UserNotFound);
    assert_eq!(
        world.change("alice", PASSWORD, "Second-horse-2").verdict,
        Verdict::UserNotFound
    );
    assert!(world.administrators(NOW).unwrap().is_empty());
    let group = world.group_by_name("domain users").unwrap().unwrap();
    assert_eq!(group.members, ["Administrator", "carol"]);
    let users = world.users(0, 100).unwrap();
    assert!(users.entries.iter().all(|user| user.uid != uid));
    // The group stays in the database, and makes nobody a member of the local one.
    assert_eq!(world.group_by_id(gid).unwrap(), None);
    assert_eq!(world.group_by_name("crew").unwrap(), None);
    assert!(!world.group_ids("carol").unwrap().unwrap().contains(&gid));
    let groups = world.groups(0, 100).unwrap();
    assert!(groups.entries.iter().all(|group| group.gid != gid));
    let mut published = Published::default();
    world.survey(&mut published).unwrap();
    assert!(published.0.contains(&1_900_000_513), "{published:?}");
    assert!(!published.0.contains(&uid) && !published.0.contains(&gid));
    assert_eq!(world.logon("carol", PASSWORD), Verdict::Success);
    // Lists of rights that name her stay as they are.
    assert!(world.principal(&name("alice")).unwrap().is_some());
    // An administrator sees the account, can mend it, and make it anew.
    assert_eq!(world.show("alice").uid, uid);
    world
        .try_set("alice", true, |c| c.disabled = Some(true))
        .unwrap();
    world
        .ask(Request::UserDelete {
            name: "alice".to_owned(),
            force: true,
        })
        .unwrap();
    assert_ne!(world.user("alice").uid, uid);
    assert_eq!(world.logon("alice", PASSWORD), Verdict::Success);
}

#[test]
fn why_an_account_is_hidden_is_told() {
    let world = World::new();
    let uid = world.user("Alice").uid;
    world.user("carol");
    let hidden = |world: &World, user: &str| world.hidden(&name(user), NOW).unwrap();
    assert_eq!(hidden(&world, "alice"), None);
    let local = Later {
        uid,
        gid: 0,
        lent: false,
    }
    .names();
    let world = world.reopened(|o| o.local = local).unwrap();
    let why = AdminError::Hidden("Alice".to_owned(), uid, Some("bob".to_owned()));
    assert_eq!(hidden(&world, "ALICE"), Some(why));
    for other in ["carol", "nobody", "bob", "OTHER\\alice"] {
        assert_eq!(hidden(&world, other), None, "{other}");
    }
    let gid = 1_900_000_513;
    let local = Later {
        uid: 1000,
        gid,
        lent: false,
    }
    .names();
    let world = world.reopened(|o| o.local = local).unwrap();
    let why = AdminError::Hidden("carol".to_owned(), gid, None);
    assert_eq!(hidden(&world, "carol"), Some(why));
    // Bob has neither, and may take it.
    let lent = true;
    for (uid, gid, id, is_of_groups) in [(uid, 0, uid, false), (1000, gid, gid, true)] {
        let local = Later { uid, gid, lent }.names();
        let world = World::new();
        world.user("Alice");
        let world = world.reopened(|o| o.local = local).unwrap();
        let range = Subordinate {
            owner: "bob".to_owned(),
            first: id,
            last: id,
            is_of_groups,
        };
        let why = AdminError::HiddenByRange("Alice".to_owned(), id, range);
        assert_eq!(hidden(&world, "alice"), Some(why));
    }
}

#[test]
fn an_administrator_who_is_a_local_user_here_is_not_the_last_one() {
    let world = World::new();
    let uid = world.user("alice").uid;
    world.user("carol");
    for name in ["alice", "carol"] {
        add_member(&world, "Administrators", name);
    }
    let delete = |world: &World, name: &str| {
        world.ask(Request::UserDelete {
            name: name.to_owned(),
            force: false,
        })
    };
    let local = Later {
        uid,
        gid: 0,
        lent: false,
    }
    .names();
    let world = world.reopened(|o| o.local = local).unwrap();
    assert_eq!(
        delete(&world, "carol"),
        Err(AdminError::LastAdministrator("carol".to_owned()))
    );
    assert!(
        world
            .try_set("carol", false, |c| c.disabled = Some(true))
            .is_err()
    );
    // Nobody loses anything by this.
    delete(&world, "alice").unwrap();
    // Nor is there one to lose where the group of all accounts is a local one's.
    let local = Later {
        uid: 1000,
        gid: 1_900_000_513,
        lent: false,
    }
    .names();
    let world = world.reopened(|o| o.local = local).unwrap();
    delete(&world, "carol").unwrap();
}

#[test]
fn nobody_has_a_primary_group_of_this_host() {
    for lent in [false, true] {
        let world = World::new();
        world.user("alice");
        let local = Later {
            uid: 1000,
            gid: 1_900_000_513,
            lent,
        }
        .names();
        let world = world.reopened(|o| o.local = local).unwrap();
        assert_eq!(world.user_by_name("alice").unwrap(), None);
        assert_eq!(world.logon("alice", PASSWORD), Verdict::UserNotFound);
        assert_eq!(world.show("alice").gid, 1_900_000_513);
        let mut published = Published::default();
        world.survey(&mut published).unwrap();
        assert!(!published.0.contains(&1_900_000_513), "{published:?}");
    }
}

/// Every id that is published, of users and groups and of the groups of users.
#[derive(Debug, Default)]
struct Published(Vec<u32>);

impl Listener for Published {
    fn user(&mut self, user: &UserEntry<'_>) -> ControlFlow<()> {
        self.0.extend([user.uid, user.gid]);
        self.0.extend(user.groups.unwrap_or_default());
        ControlFlow::Continue(())
    }

    fn group(&mut self, group: &GroupEntry<'_>) -> ControlFlow<()> {
        self.0.push(group.gid);
        ControlFlow::Continue(())
    }

    fn absent(&mut self, _: &Subject) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

#[test]
fn ids_below_the_minimum_are_never_answered() {
    let world = World::new();
    let low = NewUser {
        uid: Some(1500),
        ..new_user("low")
    };
    world.ask(Request::UserAdd(Box::new(low))).unwrap();
    assert!(world.user_by_id(1500).unwrap().is_some());
    world.configure(Settings {
        minimum: 2000,
        ..Settings::default()
    });
    assert_eq!(world.user_by_id(1500).unwrap(), None);
    assert_eq!(world.user_by_name("low").unwrap(), None);
    assert!(
        world
            .users(0, 100)
            .unwrap()
            .entries
            .iter()
            .all(|u| u.uid != 1500)
    );
    // A minimum that is too low itself is not taken.
    world.configure(Settings {
        minimum: 0,
        ..Settings::default()
    });
    for (uid, error) in [
        (999, AdminError::IdTooLow(999, 1000)),
        (1500, AdminError::IdTaken(1500, "low".to_owned())),
        (65_534, AdminError::IdTaken(65_534, "nobody".to_owned())),
        (1 << 31, AdminError::IdTooHigh(1 << 31, HIGHEST_ID)),
        (u32::MAX, AdminError::IdTooHigh(u32::MAX, HIGHEST_ID)),
    ] {
        let new = NewUser {
            uid: Some(uid),
            ..new_user("other")
        };
        assert_eq!(world.ask(Request::UserAdd(Box::new(new))), Err(error));
    }
}

/// Holds up whoever looks at a group, until the test has seen enough.
struct Slow {
    begun: Sender<()>,
    end: Mutex<Receiver<()>>,
}

impl LocalNames for Slow {
    fn has_user(&self, _: &str) -> bool {
        false
    }

    fn has_group(&self, name: &str) -> bool {
        if name == "Domain Users" {
            self.begun.send(()).unwrap();
            let _ = self.end.lock().unwrap().recv();
        }
        false
    }

    fn owner_of(&self, _: u32) -> Option<String> {
        None
    }

    fn has_gid(&self, _: u32) -> bool {
        false
    }
}

#[test]
fn no_logon_waits_for_a_long_list() {
    let (begun, begins) = channel();
    let (end, ends) = channel();
    let world = World::with(Arc::new(Slow {
        begun,
        end: Mutex::new(ends),
    }));
    world.user("alice");
    let world = &world;
    std::thread::scope(|scope| {
        type List = fn(&World) -> Result<(), Outage>;
        let lists: [List; 3] = [
            |world| world.groups(0, 50).map(drop),
            |world| world.group_by_name("domain users").map(drop),
            |world| world.group_by_id(1_900_000_513).map(drop),
        ];
        for list in lists {
            let listing = scope.spawn(move || list(world));
            begins.recv().unwrap();
            let (answer, answers) = channel();
            scope.spawn(move || {
                let user = world.user_by_name("alice").unwrap();
                answer.send((world.logon("alice", PASSWORD), user.is_some()))
            });
            let answered = answers.recv_timeout(Duration::from_secs(10));
            end.send(()).unwrap();
            assert_eq!(answered, Ok((Verdict::Success, true)));
            listing.join().unwrap().unwrap();
        }
    });
}
