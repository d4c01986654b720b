use super::*;
use domlogon_protocol::Sid;

fn found(world: &World, text: &str) -> Option<(String, String)> {
    let principal = world.principal(&name(text)).unwrap()?;
    Some((principal.name, principal.sid.to_string()))
}

#[test]
fn users_and_groups_in_each_form_of_their_names() {
    let world = World::new();
    let sid = world.user("Alice").sid;
    add_group(&world, "Staff");
    let domain = world.summary().domain_sid;
    for (forms, name, sid) in [
        (
            ["alice", "corp\\ALICE", "Alice@Corp.Example"],
            "Alice",
            sid.clone(),
        ),
        (
            ["staff", "CORP\\staff", "STAFF@corp.example"],
            "Staff",
            format!("{domain}-1001"),
        ),
        (
            [
                "domain users",
                "CORP\\Domain Users",
                "Domain Users@corp.example",
            ],
            "Domain Users",
            format!("{domain}-513"),
        ),
        (
            ["USERS", "builtin\\users", "BUILTIN\\Users"],
            "Users",
            "S-1-5-32-545".to_owned(),
        ),
    ] {
        for form in forms {
            let wanted = Some((name.to_owned(), sid.clone()));
            assert_eq!(found(&world, form), wanted, "{form}");
        }
        let sid: Sid = sid.parse().unwrap();
        assert_eq!(world.name_of(&sid).unwrap().as_deref(), Some(name));
    }
    for nobody in [
        "nobody-here",
        "OTHER\\alice",
        "alice@other.example",
        "BUILTIN\\alice",
        "BUILTIN\\Domain Users",
        "Everyone",
    ] {
        assert_eq!(found(&world, nobody), None, "{nobody}");
    }
    for nobody in [
        format!("{domain}-545"),
        format!("{domain}-1002"),
        domain,
        "S-1-5-32-513".to_owned(),
        "S-1-5-32-1000".to_owned(),
        "S-1-5-21-1-2-3-1000".to_owned(),
        "S-1-1-0".to_owned(),
    ] {
        let sid: Sid = nobody.parse().unwrap();
        assert_eq!(world.name_of(&sid).unwrap(), None, "{nobody}");
    }
}

fn local() -> FewLocalNames {
    FewLocalNames {
        users: vec!["bob"],
        groups: vec!["users", "staff"],
        ..FewLocalNames::default()
    }
}

#[test]
fn a_local_name_alone_is_not_the_domains() {
    let world = World::new();
    let sid = world.user("bob").sid;
    world.user("alice");
    add_group(&world, "staff");
    add_member(&world, "staff", "alice");
    let world = world.reopened(|o| o.local = Arc::new(local())).unwrap();
    for local in ["bob", "CORP\\bob", "bob@corp.example", "staff", "Users"] {
        assert_eq!(found(&world, local), None, "{local}");
    }
    assert!(world.token(&name("bob")).unwrap().is_none());
    // The domain's own are still meant by their full names, and still carried.
    let staff = world.principal(&name("CORP\\staff")).unwrap().unwrap();
    let users = world.principal(&name("BUILTIN\\users")).unwrap().unwrap();
    assert_eq!(users.sid, Sid::builtin(545));
    let token = world.token(&name("alice")).unwrap().unwrap();
    assert!(token.groups().contains(&staff.sid));
    assert!(token.groups().contains(&users.sid));
    // An identifier is nobody else's.
    let named = world.name_of(&sid.parse().unwrap()).unwrap();
    assert_eq!(named.as_deref(), Some("bob"));
}

#[test]
fn the_administrators_are_those_who_can_log_on() {
    let world = World::new();
    let names = |world: &World, now| -> Vec<String> {
        let tokens = world.administrators(now).unwrap();
        let carried = Sid::builtin(544);
        assert!(tokens.iter().all(|t| t.groups().contains(&carried)));
        tokens.iter().map(|t| t.name().to_owned()).collect()
    };
    assert_eq!(names(&world, NOW), [""; 0], "Administrator has no password");
    for user in ["alice", "bob", "carol", "dave", "erin"] {
        world.user(user);
        add_member(&world, "Domain Admins", user);
    }
    world.user("frank");
    add_group(&world, "ops");
    add_member(&world, "Administrators", "ops");
    add_member(&world, "ops", "frank");
    // In two ways is once.
    add_member(&world, "Administrators", "frank");
    world.user("gina");
    world.set("alice", |c| c.disabled = Some(true));
    world.set("carol", |c| c.expires = Some(Some(NOW)));
    let unready = "UPDATE users SET verifier = NULL WHERE key = 'dave'";
    world.store.writer(|c| c.execute(unready, [])).unwrap();
    assert_eq!(names(&world, NOW), ["bob", "carol", "erin", "frank"]);
    assert_eq!(names(&world, NOW.plus(1)), ["bob", "erin", "frank"]);
    // A local name is not the domain's.
    let world = world.reopened(|o| o.local = Arc::new(local())).unwrap();
    assert_eq!(names(&world, NOW), ["carol", "erin", "frank"]);
}

#[test]
fn requests_about_rights_are_not_for_the_accounts() {
    let world = World::new();
    let text = || "[rights]\n".to_owned();
    for request in [
        Request::RightsShow,
        Request::RightsCheck {
            text: text(),
            names: Vec::new(),
        },
        Request::RightsSimulate {
            text: text(),
            since: NOW,
        },
        Request::RightsReload,
    ] {
        assert_eq!(
            world.ask(request),
            Err(AdminError::Store(Verdict::InvalidApi))
        );
    }
}
