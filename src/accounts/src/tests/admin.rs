use super::*;
use domlogon_protocol::admin::{PolicyChanges, PolicySetting};
use domlogon_protocol::{HIGHEST_ID, LogonHours, NameError, Policy};

fn add(world: &World, new: NewUser) -> Result<UserRecord, AdminError> {
    world.ask(Request::UserAdd(Box::new(new))).map(record)
}

#[test]
fn an_account_is_disabled_until_it_has_a_password() {
    let world = World::new();
    let made = add(&world, new_user("alice")).unwrap();
    assert!(made.disabled && !made.has_password);
    assert_eq!(made.groups, ["Domain Users"]);
    assert_eq!(made.rid, 1000);
    let reply = record(world.reset("alice", PASSWORD).unwrap());
    assert!(!reply.disabled && reply.has_password);
    assert_eq!(world.logon("alice", PASSWORD), Verdict::Success);
    // Only the first one, and not against an administrator's word.
    world.set("alice", |c| c.disabled = Some(true));
    world.reset("alice", "Second-horse-2").unwrap();
    assert!(world.show("alice").disabled);
    add(&world, new_user("bob-x")).unwrap();
    world.set("bob-x", |c| c.disabled = Some(true));
    world.reset("bob-x", PASSWORD).unwrap();
    assert!(world.show("bob-x").disabled);
}

#[test]
fn a_first_password_has_to_be_a_good_one() {
    let world = World::new();
    for (password, verdict) in [
        ("short", Verdict::PasswordTooShort),
        ("Alice-is-here-1", Verdict::PasswordNotComplexEnough),
    ] {
        let new = NewUser {
            password: Some(secret(password)),
            ..new_user("alice")
        };
        match add(&world, new) {
            Err(AdminError::Password(decision)) => assert_eq!(decision.verdict, verdict),
            other => panic!("{other:?}"),
        }
        assert_eq!(world.user_by_name("alice").unwrap(), None);
    }
    let new = NewUser {
        password: Some(secret(PASSWORD)),
        must_change: true,
        ..new_user("alice")
    };
    assert!(add(&world, new).unwrap().must_change);
    assert_eq!(world.logon("alice", PASSWORD), Verdict::MustChange);
}

#[test]
fn a_demand_made_before_the_first_password_holds_for_it() {
    let world = World::new();
    for (name, must_change) in [("alice", true), ("bob", false)] {
        let new = NewUser {
            must_change,
            ..new_user(name)
        };
        assert!(!add(&world, new).unwrap().has_password);
        world.reset(name, PASSWORD).unwrap();
        assert_eq!(world.show(name).must_change, must_change);
    }
}

#[test]
fn such_a_demand_is_not_lost_when_the_account_is_disabled_or_enabled_before() {
    let world = World::new();
    for (name, must_change) in [("alice", true), ("bob", false)] {
        for disabled in [true, false] {
            let name = format!("{name}-{disabled}");
            let new = NewUser {
                must_change,
                ..new_user(&name)
            };
            add(&world, new).unwrap();
            world.set(&name, |c| c.disabled = Some(disabled));
            world.reset(&name, PASSWORD).unwrap();
            world.set(&name, |c| c.disabled = Some(false));
            let expected = match must_change {
                true => Verdict::MustChange,
                false => Verdict::Success,
            };
            assert_eq!(world.logon(&name, PASSWORD), expected, "{name}");
            // It was for the first one: root's next word is the last one.
            world.reset(&name, "Second-horse-2").unwrap();
            assert_eq!(world.logon(&name, "Second-horse-2"), Verdict::Success);
        }
    }
}

#[test]
fn names_and_texts_that_cannot_be() {
    let world = World::new();
    world.user("alice");
    let long = "a".repeat(33);
    for (text, error) in [
        ("ALICE", AdminError::NameTaken("alice".to_owned())),
        (
            "domain users",
            AdminError::NameTaken("Domain Users".to_owned()),
        ),
        (long.as_str(), AdminError::NameTooLong(long.clone())),
        (
            "a:b",
            AdminError::BadName("a:b".to_owned(), NameError::Character(':')),
        ),
        (
            "a\nb",
            AdminError::BadName("a\nb".to_owned(), NameError::Character('\n')),
        ),
        ("", AdminError::BadName(String::new(), NameError::Empty)),
        (
            "..",
            AdminError::BadName("..".to_owned(), NameError::Character('.')),
        ),
        (
            " a",
            AdminError::BadName(" a".to_owned(), NameError::Character(' ')),
        ),
        (
            "1000",
            AdminError::BadName("1000".to_owned(), NameError::Misleading),
        ),
        (
            "-x",
            AdminError::BadName("-x".to_owned(), NameError::Misleading),
        ),
        (
            "OTHER\\a",
            AdminError::BadName("OTHER\\a".to_owned(), NameError::Character('\\')),
        ),
    ] {
        assert_eq!(add(&world, new_user(text)), Err(error), "{text}");
    }
    // What a group is called is a name in the same places.
    let group = world.ask(Request::GroupAdd("0".to_owned()));
    let misleading = AdminError::BadName("0".to_owned(), NameError::Misleading);
    assert_eq!(group, Err(misleading));
    assert!(add(&world, new_user("7of9")).is_ok());
    let bad = |text: &str| Err(AdminError::BadText(text.to_owned()));
    let home = |text: &str| NewUser {
        home: Some(text.to_owned()),
        ..new_user("bob-x")
    };
    assert_eq!(add(&world, home("relative")), bad("relative"));
    assert_eq!(add(&world, home("/a:b")), bad("/a:b"));
    let refused = |change: fn(&mut UserChanges)| world.try_set("alice", false, change).unwrap_err();
    assert_eq!(
        refused(|c| c.full_name = Some("a\nroot::0".to_owned())),
        AdminError::BadText("a\nroot::0".to_owned())
    );
    assert_eq!(
        refused(|c| c.shell = Some("bash".to_owned())),
        AdminError::BadText("bash".to_owned())
    );
    assert_eq!(
        refused(|c| c.workstations = Some(vec!["a,b".to_owned()])),
        AdminError::BadText("a,b".to_owned())
    );
    assert_eq!(add(&world, new_user("CORP\\carol")).unwrap().name, "carol");
}

#[test]
fn settings_of_an_account() {
    let world = World::new();
    world.user("alice");
    let mut hours = LogonHours::NEVER;
    hours.allow(8);
    world.set("alice", |c| {
        c.hours = Some(Some(hours));
        c.workstations = Some(vec!["here".to_owned(), "there".to_owned()]);
        c.expires = Some(Some(NOW.plus(DAY)));
        c.full_name = Some("Alice Ä. Liddell".to_owned());
        c.home = Some("/srv/alice".to_owned());
        c.password_never_expires = Some(true);
        c.password_set_at = Some(NOW.plus(-100));
    });
    let shown = world.show("alice");
    assert_eq!(shown.hours, Some(hours));
    assert_eq!(shown.workstations, ["here", "there"]);
    assert_eq!(shown.expires_at, Some(NOW.plus(DAY)));
    assert_eq!(shown.full_name, "Alice Ä. Liddell");
    assert_eq!(shown.home, "/srv/alice");
    assert_eq!(shown.password_set_at, Some(NOW.plus(-100)));
    assert_eq!(shown.password_expires_at, None);
    world.set("alice", |c| {
        c.hours = Some(None);
        c.workstations = Some(Vec::new());
        c.expires = Some(None);
        c.password_never_expires = Some(false);
    });
    let shown = world.show("alice");
    assert_eq!((shown.hours, shown.expires_at), (None, None));
    assert!(shown.workstations.is_empty());
    assert_eq!(shown.password_expires_at, Some(NOW.plus(42 * DAY - 100)));
    // Demanding a new password, and taking it back.
    world.set("alice", |c| c.must_change = Some(true));
    let shown = world.show("alice");
    assert!(shown.must_change);
    assert_eq!(shown.password_set_at, None);
    world.set("alice", |c| c.must_change = Some(false));
    assert_eq!(world.show("alice").password_set_at, Some(NOW));
    assert_eq!(
        world.try_set("alice", false, |c| c.password_set_at = Some(NOW.plus(1))),
        Err(AdminError::InFuture(NOW.plus(1)))
    );
    add(&world, new_user("empty")).unwrap();
    assert_eq!(
        world.try_set("empty", false, |c| c.password_set_at = Some(NOW)),
        Err(AdminError::NoPassword("empty".to_owned()))
    );
}

#[test]
fn a_lock_is_shown_as_long_as_it_lasts() {
    let world = World::new();
    world.user("alice");
    world.policy(|p| p.lockout_threshold = Some(2));
    world.logon("alice", "wrong");
    world.logon("alice", "wrong");
    let shown = world.show("alice");
    assert_eq!(shown.locked_until, Some(NOW.plus(1800)));
    assert_eq!(shown.bad_password_at, Some(NOW));
    let later = world.show_at("alice", NOW.plus(1801));
    assert!(!later.locked);
    assert_eq!((later.locked_until, later.bad_password_count), (None, 0));
}

#[test]
fn deleted_rids_and_ids_do_not_come_back() {
    let world = World::new();
    let delete = |name: &str| {
        world
            .ask(Request::UserDelete {
                name: name.to_owned(),
                force: false,
            })
            .unwrap();
    };
    let first = world.user("alice");
    delete("alice");
    assert_eq!(world.logon("alice", PASSWORD), Verdict::UserNotFound);
    let second = world.user("alice");
    assert!(second.rid > first.rid && second.uid > first.uid);
    // An id that was given by hand from the range of the automatic ones.
    let by_hand = NewUser {
        uid: Some(second.uid + 2),
        ..new_user("by-hand")
    };
    add(&world, by_hand).unwrap();
    delete("by-hand");
    let (third, fourth) = (world.user("c"), world.user("d"));
    assert_ne!(third.uid, second.uid + 2);
    assert_ne!(fourth.uid, second.uid + 2);
    assert!(matches!(
        world.ask(Request::UserDelete {
            name: "Administrator".to_owned(),
            force: true
        }),
        Err(AdminError::BuiltIn(_))
    ));
}

/// A host with a local user of this id, and a local group of that one.
fn ids(uid: u32, gid: u32) -> FewLocalNames {
    FewLocalNames {
        uids: vec![uid],
        gids: vec![gid],
        ..FewLocalNames::default()
    }
}

/// The settings with ids so close to those of local users and groups.
fn low_ids() -> Settings {
    Settings {
        id_base: 1000,
        ..Settings::default()
    }
}

#[test]
fn nobody_is_given_the_id_of_a_local_user_or_group() {
    let world = World::with(Arc::new(ids(2001, 2003)));
    world.configure(low_ids());
    let uids = ["a", "b", "c"].map(|name| add(&world, new_user(name)).unwrap().uid);
    assert_eq!(uids, [2000, 2002, 2004]);
    let world = World::with(Arc::new(ids(2000, 2001)));
    world.configure(low_ids());
    add_group(&world, "staff");
    assert!(world.group_by_id(2002).unwrap().is_some());
}

#[test]
fn no_domain_begins_with_the_ids_of_local_users_or_groups() {
    for (local, base, sentence) in [
        (ids(1500, 0), 1000, "Administrator would have the id 1500"),
        (ids(0, 1512), 1000, "Domain Admins would have the id 1512"),
        (ids(0, 0), 65_534 - 559, "Performance Log Users would have"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.db");
        let open = |base, local| {
            Database::open(Options {
                settings: Settings {
                    id_base: base,
                    ..Settings::default()
                },
                local,
                ..options(path.clone())
            })
        };
        let local: Arc<dyn LocalNames> = Arc::new(local);
        let refused = open(base, Arc::clone(&local)).err().unwrap();
        assert!(matches!(refused, Error::IdTaken { .. }), "{refused:?}");
        assert_eq!(refused.verdict(), Verdict::AcfNotLoaded);
        let said = refused.to_string();
        let option = format!("with ids.base = {base}");
        assert!(said.contains(sentence) && said.contains(&option), "{said}");
        assert!(!path.exists());
        assert!(open(5000, local).is_ok(), "the sentence names the cure");
    }
}

/// bob's by /etc/subuid are so many ids from the first on.
fn subordinate(first: u32, count: u32) -> FewLocalNames {
    FewLocalNames {
        ranges: vec![("bob", first, first + (count - 1))],
        ..FewLocalNames::default()
    }
}

#[test]
fn subordinate_ids_of_local_users_are_not_given_away() {
    let most = HIGHEST_ID - 1_000_000;
    let world = World::new();
    world.user("first");
    let local = Arc::new(subordinate(1_000_000, most));
    let world = world.reopened(|o| o.local = local).unwrap();
    world.configure(Settings {
        id_base: 1_000_000 - 1002,
        ..Settings::default()
    });
    let among = NewUser {
        uid: Some(1_000_001),
        ..new_user("c")
    };
    let whose = "the subordinate ids of bob".to_owned();
    assert_eq!(
        add(&world, among),
        Err(AdminError::IdTaken(1_000_001, whose))
    );
    // The last one before them, and the next one after them, however many they are.
    let begun = std::time::Instant::now();
    let uids = ["a", "b"].map(|name| add(&world, new_user(name)).unwrap().uid);
    assert_eq!(uids, [999_999, HIGHEST_ID]);
    assert_eq!(
        world.ask(Request::GroupAdd("crew".to_owned())),
        Err(AdminError::Store(Verdict::AcfNoRoom))
    );
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
}

#[test]
fn no_domain_begins_among_subordinate_ids() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Database::open(Options {
        local: Arc::new(subordinate(1_900_000_000, 600)),
        ..options(folder.path().join("accounts.db"))
    });
    assert!(matches!(refused.err().unwrap(), Error::IdTaken { .. }));
}

#[test]
fn ids_that_mean_nobody_are_left_out() {
    let world = World::new();
    world.configure(Settings {
        id_base: 65_534 - 1001,
        ..Settings::default()
    });
    let uids = ["a", "b", "c"].map(|name| add(&world, new_user(name)).unwrap().uid);
    assert_eq!(uids, [65_533, 65_536, 65_537]);
}

#[test]
fn ids_run_out_with_a_word() {
    let world = World::new();
    world.configure(Settings {
        // Room for the first two identifiers, 1000 and 1001.
        id_base: HIGHEST_ID - 1001,
        ..Settings::default()
    });
    add(&world, new_user("one")).unwrap();
    add(&world, new_user("two")).unwrap();
    assert_eq!(
        add(&world, new_user("three")),
        Err(AdminError::Store(Verdict::AcfNoRoom))
    );
    // As the refusal says, a lower base makes room.
    world.configure(low_ids());
    assert_eq!(add(&world, new_user("three")).unwrap().uid, 2002);
}

#[test]
fn a_policy_within_its_bounds() {
    let world = World::new();
    let before = Policy::default();
    let set = |change: fn(&mut PolicyChanges)| {
        let mut changes = PolicyChanges::default();
        change(&mut changes);
        world.ask(Request::PolicySet(Box::new(changes)))
    };
    let range = |setting, least, most| Err(AdminError::OutOfRange(setting, least, most));
    assert_eq!(
        set(|p| {
            p.history = Some(5);
            p.min_length = Some(257);
        }),
        range(PolicySetting::MinLength, 0, 256)
    );
    assert_eq!(
        set(|p| p.max_age = Some(Some(DAY - 1))),
        range(PolicySetting::MaxAge, DAY, 999 * DAY)
    );
    assert_eq!(
        set(|p| p.lockout_window = Some(0)),
        range(PolicySetting::LockoutWindow, 60, 99_999 * 60)
    );
    assert_eq!(
        set(|p| p.min_age = Some(42 * DAY)),
        Err(AdminError::AgesCross)
    );
    assert_eq!(
        set(|p| p.lockout_window = Some(1801)),
        Err(AdminError::WindowTooLong)
    );
    assert_eq!(
        set(|p| p.max_length = Some(7)),
        Err(AdminError::LengthsCross)
    );
    assert_eq!(
        world.ask(Request::PolicyShow),
        Ok(Reply::Policy(before.clone()))
    );
    let changed = set(|p| {
        p.max_age = Some(None);
        p.min_age = Some(50 * DAY);
        p.lockout_duration = Some(None);
        p.lockout_window = Some(99_999 * 60);
    });
    let wanted = Policy {
        max_age: None,
        min_age: 50 * DAY,
        lockout_duration: None,
        lockout_window: 99_999 * 60,
        ..before
    };
    assert_eq!(changed, Ok(Reply::Policy(wanted.clone())));
    let world = world.reopened(|_| ()).unwrap();
    assert_eq!(world.ask(Request::PolicyShow), Ok(Reply::Policy(wanted)));
}

#[test]
fn lists_come_in_pages() {
    let world = World::new();
    for n in 0..510 {
        add(&world, new_user(&format!("u{n}"))).unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        match world.ask(Request::UserList(from)).unwrap() {
            Reply::Users(page, next) => {
                seen.extend(page.into_iter().map(|user| user.rid));
                after = next;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen.len(), 511);
    match world.ask(Request::GroupList(0)).unwrap() {
        Reply::Groups(groups, None) => assert_eq!(groups.len(), 9),
        other => panic!("{other:?}"),
    }
}
