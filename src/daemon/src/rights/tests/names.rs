//! What the names in a file mean, and what is odd about them.

use super::super::fake::sid;
use super::*;
use std::time::Instant;

#[test]
fn what_is_odd_is_said_and_the_file_is_taken() {
    let world = World::new();
    world.fake.add("Guests", 2002);
    world.write(
        "[rights]\n\
         SeNetworkLogonRight = [\"nobody\", \"larry\", \"CREW\", \"guests\", \"CORP\\\\Guests\"]\n\
         SeDenyNetworkLogonRight = [\"S-1-5-21-7-7-7-7\"]\n\
         SeInteractiveLogonRight = [\"Everyone\"]\n\
         SeDenyInteractiveLogonRight = [\"Administrators\"]\n",
    );
    let (rights, log) = world.open();
    let allow = RightName::allow(Right::Network);
    let at = |line, column, kind| Problem {
        place: Some((line, column)),
        kind,
    };
    let warnings = [
        at(
            2,
            24,
            ProblemKind::NobodyAllowed(allow, "nobody".to_owned()),
        ),
        at(2, 34, ProblemKind::LocalName(allow, "larry".to_owned())),
        at(2, 43, ProblemKind::LocalName(allow, "CREW".to_owned())),
        at(2, 51, ProblemKind::Ambiguous(allow, "guests".to_owned())),
        NO_ADMINISTRATOR,
    ];
    assert_eq!(rights.status().warnings, warnings);
    assert_eq!(rights.status().loaded, Loaded::File);
    let lines = log.lines();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines[0].starts_with("5 rights: version=1 "));
    assert!(lines[1].starts_with(
        "4 rights warning: place=2:24 reason=\"SeNetworkLogonRight names \\\"nobody\\\","
    ));
    assert_eq!(
        lines[5],
        "4 rights warning: reason=\"no administrator of the domain can log on locally\""
    );
    let entries = &rights.shown().lists[2].entries;
    let sids: Vec<Option<Sid>> = entries.iter().map(|entry| entry.sid.clone()).collect();
    assert_eq!(
        sids,
        [None, None, None, Some(Sid::builtin(546)), Some(sid(2002))]
    );
    // With nobody to be locked out, nothing is odd about that.
    world.fake.has_administrator.store(false, Ordering::Relaxed);
    rights.refresh(now(3));
    assert_eq!(rights.status().warnings, warnings[..4]);
    assert_eq!(rights.status().version, 1);
}

#[test]
fn a_deny_list_means_the_well_known_name_and_the_domains_own() {
    let world = World::new();
    world.fake.add("Service", 2002);
    world.write(
        "[rights]\n\
         SeNetworkLogonRight = [\"Everyone\"]\n\
         SeDenyNetworkLogonRight = [\"service\"]\n",
    );
    let (rights, log) = world.open();
    assert_eq!(network(&rights, 9, 2001), Grant::Granted);
    assert_eq!(network(&rights, 9, 2002), Grant::Refused);
    let deny = RightName::deny(Right::Network);
    let shown = rights.shown();
    let list = shown.lists.iter().find(|list| list.name == deny).unwrap();
    let sids: Vec<Option<Sid>> = list.entries.iter().map(|entry| entry.sid.clone()).collect();
    assert_eq!(sids, [Some(sid(2002)), Some("S-1-5-6".parse().unwrap())]);
    let warned = &rights.status().warnings[0].kind;
    assert_eq!(*warned, ProblemKind::Ambiguous(deny, "service".to_owned()));
    assert!(
        log.lines()
            .iter()
            .any(|line| line.contains("keeps both out"))
    );
    // An allow list gives the right to the well-known one alone.
    world.write("[rights]\nSeNetworkLogonRight = [\"service\"]\n");
    rights.reload(now(2)).unwrap();
    assert_eq!(network(&rights, 9, 2002), Grant::Refused);
}

#[test]
fn a_local_name_in_a_deny_list_would_keep_nobody_out() {
    for name in ["crew", "larry", "Root"] {
        let world = World::new();
        world.write(&format!(
            "[rights]\nSeDenyNetworkLogonRight = [\"{name}\"]\n"
        ));
        let (rights, _) = world.open();
        let refused = rights.status().refused.unwrap().kind;
        let list = RightName::deny(Right::Network);
        assert_eq!(refused, ProblemKind::NobodyDenied(list, name.to_owned()));
    }
}

#[test]
fn many_warnings_are_bounded() {
    let world = World::new();
    let names: Vec<String> = (0..500).map(|n| format!("\"nobody{n}\"")).collect();
    world.write(&format!(
        "[rights]\nSeNetworkLogonRight = [{}]\n",
        names.join(",")
    ));
    let (rights, log) = world.open();
    assert_eq!(rights.status().warnings.len(), MOST_WARNINGS);
    let lines = log.lines();
    assert_eq!(lines.len(), 22);
    assert_eq!(lines[21], "4 rights warning: more=480");
}

#[test]
fn names_are_looked_up_again_when_users_and_groups_change() {
    let world = World::new();
    world.write(
        "[rights]\nSeNetworkLogonRight = [\"staff\", \"later\"]\n\
         SeDenyNetworkLogonRight = [\"contractors\"]\n",
    );
    let (rights, log) = world.open();
    assert_eq!(rights.status().warnings.len(), 1);
    rights.refresh(now(2));
    assert_eq!((rights.status().version, log.lines().len()), (1, 2));
    // A name that nobody had.
    assert_eq!(network(&rights, 9, 2005), Grant::Refused);
    world.fake.add("Later", 2005);
    rights.refresh(now(3));
    assert_eq!(network(&rights, 9, 2005), Grant::Granted);
    assert_eq!(
        (rights.status().version, rights.status().loaded_at),
        (2, now(3))
    );
    assert_eq!(rights.status().warnings, []);
    // A group that was deleted stays denied by its identifier, and the file is refused.
    world.fake.delete("contractors");
    for _ in 0..3 {
        rights.refresh(now(4));
    }
    let status = rights.status();
    assert_eq!((status.version, status.loaded), (2, Loaded::LastGood));
    let refused = status.refused.unwrap().kind;
    assert!(matches!(refused, ProblemKind::NobodyDenied(..)));
    let refusals = |log: &Log| {
        log.lines()
            .iter()
            .filter(|line| line.contains("refused"))
            .count()
    };
    assert_eq!(refusals(&log), 1, "said once");
    // Made again it is another group.
    world.fake.add("contractors", 2006);
    rights.refresh(now(5));
    let status = rights.status();
    assert_eq!((status.version, status.loaded), (3, Loaded::File));
    assert_eq!(status.refused, None);
    assert_eq!(network(&rights, 1000, 2006), Grant::Refused);
}

const DENY_TWO: &str = "[rights]\nSeNetworkLogonRight = [\"everyone\", \"staff\"]\n\
                        SeDenyNetworkLogonRight = [\"alice\", \"contractors\"]\n";

fn extended(log: &Log) -> Vec<String> {
    let lines = log.lines().into_iter();
    lines.filter(|line| line.contains("deny more")).collect()
}

#[test]
fn a_group_that_is_made_again_is_kept_out_while_another_name_is_nobodys() {
    let world = World::new();
    world.write(DENY_TWO);
    let (rights, log) = world.open();
    world.fake.delete("alice");
    rights.refresh(now(2));
    world.fake.delete("contractors");
    rights.refresh(now(3));
    assert_eq!(rights.status().version, 1);
    world.fake.add("contractors", 2006);
    world.fake.delete("staff");
    world.fake.add("Staff", 2007);
    for _ in 0..2 {
        rights.refresh(now(4));
        // Who was kept out before still is, and so is the group of now.
        for (user, group) in [(1000, 9), (9, 2001), (9, 2006)] {
            assert_eq!(network(&rights, user, group), Grant::Refused);
        }
        assert_eq!(network(&rights, 9, 9), Grant::Granted);
        let status = rights.status();
        assert_eq!((status.version, status.loaded), (2, Loaded::LastGood));
        assert_eq!(status.loaded_at, now(4));
        let stale = ProblemKind::NobodyDenied(RightName::deny(Right::Network), "alice".to_owned());
        assert_eq!(status.refused.unwrap().kind, stale);
        assert_eq!(
            extended(&log),
            [format!(
                "5 rights deny more: version=2 file={} right=SeDenyNetworkLogonRight \
                 entry=\"contractors\" sid={}",
                world.file().display(),
                sid(2006)
            )]
        );
    }
    // Nobody gets a right by it.
    let allowed = &rights.shown().lists[2].entries;
    assert_eq!(allowed[1].sid, Some(sid(2000)));
    drop(rights);
    let (again, _) = world.open();
    assert_eq!(again.status().version, 2);
    assert_eq!(network(&again, 9, 2006), Grant::Refused);
    // Without the stale name the lists are those of the file.
    world.write(&DENY_TWO.replace("\"alice\", ", ""));
    assert_eq!(again.reload(now(6)), Ok(()));
    assert_eq!(network(&again, 1000, 9), Grant::Granted);
    assert_eq!(network(&again, 9, 2006), Grant::Refused);
}

#[test]
fn a_group_that_was_made_again_before_a_start_is_kept_out_beside_a_stale_name() {
    let world = World::new();
    world.write(DENY_TWO);
    drop(world.open());
    world.fake.delete("alice");
    world.fake.delete("contractors");
    world.fake.add("contractors", 2006);
    let (rights, log) = world.open();
    assert_eq!(rights.status().loaded, Loaded::LastGood);
    for (user, group) in [(1000, 9), (9, 2001), (9, 2006)] {
        assert_eq!(network(&rights, user, group), Grant::Refused);
    }
    assert_eq!(extended(&log).len(), 1);
}

#[test]
fn of_another_file_with_a_stale_name_nothing_is_taken() {
    let others = [
        DENY_TWO.replace("\"contractors\"", "\"contractors\", \"amy\""),
        DENY_TWO.replace("SeDenyNetwork", "SeDenyBatch"),
        DENY_TWO.replace("\"everyone\", ", ""),
        DENY_TWO.replace("\"contractors\"", "\"contractors\", \"a:b\""),
        format!("{DENY_TWO}[services]\nvsftpd = \"batch\"\n"),
        format!("{DENY_TWO}[audit]\nSeDenyNetworkLogonRight = true\n"),
    ];
    for text in others {
        let world = World::new();
        world.write(DENY_TWO);
        let (rights, log) = world.open();
        let before = rights.shown();
        world.fake.delete("alice");
        world.fake.delete("contractors");
        world.fake.add("contractors", 2006);
        world.write(&text);
        assert!(rights.reload(now(3)).is_err());
        // But the lists in force keep out whom their own names mean now.
        assert_eq!(network(&rights, 9, 2006), Grant::Refused, "{text}");
        assert_eq!(extended(&log).len(), 1);
        let mut after = rights.shown();
        assert_eq!(after.status.version, 2);
        assert_eq!(after.services, before.services);
        assert_eq!(after.status.audit, before.status.audit);
        let deny = RightName::deny(Right::Network);
        for list in after.lists.iter_mut().filter(|list| list.name == deny) {
            let added = list.entries.pop().unwrap();
            assert_eq!(added.sid, Some(sid(2006)));
        }
        assert_eq!(after.lists, before.lists, "{text}");
    }
}

/// Wrong in ways that have nothing to do with the names in force.
fn spoilt(world: &World) -> [Box<dyn Fn() + '_>; 5] {
    let write = |text: &'static str| move || world.write(text);
    [
        Box::new(write("[rights]\nSeNetworkLogonRight = [\"everyone\"")),
        Box::new(write(
            "[rights]\nSeDenyNetworkLogonRight = [\"contracters\"]\n",
        )),
        Box::new(write("")),
        Box::new(|| fs::remove_file(world.file()).unwrap()),
        Box::new(|| {
            fs::set_permissions(world.file(), fs::Permissions::from_mode(0o664)).unwrap();
        }),
    ]
}

#[test]
fn a_group_that_is_made_again_is_kept_out_while_the_file_is_refused() {
    for n in 0..5 {
        for restarts in [false, true] {
            let world = World::new();
            world.write(DENY_TWO);
            let (mut rights, mut log) = world.open();
            spoilt(&world)[n]();
            assert!(rights.reload(now(2)).is_err());
            world.fake.delete("contractors");
            if restarts {
                world.fake.add("Contractors", 2006);
                drop(rights);
                (rights, log) = world.open();
            } else {
                rights.name_changed("contractors", now(3));
                world.fake.add("Contractors", 2006);
                rights.name_changed("CONTRACTORS", now(4));
                rights.name_changed("contractors", now(5));
            }
            for (user, group) in [(1000, 9), (9, 2001), (9, 2006)] {
                assert_eq!(network(&rights, user, group), Grant::Refused, "{n}");
            }
            assert_eq!(network(&rights, 9, 9), Grant::Granted);
            assert_eq!(rights.status().version, 2);
            assert_eq!(rights.status().loaded, Loaded::LastGood);
            assert!(rights.status().refused.is_some());
            assert_eq!(extended(&log).len(), 1, "{:?}", log.lines());
            // Also after the next start.
            drop(rights);
            let (again, _) = world.open();
            assert_eq!(network(&again, 9, 2006), Grant::Refused);
            assert_eq!(again.status().version, 2);
        }
    }
}

#[test]
fn an_outage_at_one_name_does_not_let_in_whom_another_one_means_now() {
    let people = [("alice", 1007), ("contractors", 2006)];
    for (is_refused, out_for) in [
        (true, "contractors"),
        (true, "alice"),
        (false, "contractors"),
        (false, "alice"),
    ] {
        let world = World::new();
        world.write(DENY_TWO);
        let (rights, log) = world.open();
        if is_refused {
            world.write("[");
            assert!(rights.reload(now(2)).is_err());
        }
        for (name, rid) in people {
            world.fake.delete(name);
            world.fake.add(name, rid);
        }
        let granted = || [(1007, 9), (9, 2006)].map(|(user, group)| network(&rights, user, group));
        let out = people.map(|(name, _)| name == out_for);
        *world.fake.out_for.lock().unwrap() = Some(out_for);
        for n in 3..5 {
            rights.name_changed("alice", now(n));
            rights.name_changed("contractors", now(n));
            let expected = out.map(|is_out| match is_out {
                true => Grant::Granted,
                false => Grant::Refused,
            });
            assert_eq!(granted(), expected, "{is_refused} {out_for}");
            assert!(rights.waits_for_store());
        }
        assert_eq!(extended(&log).len(), 1, "{:?}", log.lines());
        *world.fake.out_for.lock().unwrap() = None;
        rights.refresh(now(5));
        assert!(!rights.waits_for_store());
        assert_eq!(granted(), [Grant::Refused; 2], "{is_refused} {out_for}");
    }
}

#[test]
fn a_refused_file_does_not_keep_an_outage_from_being_waited_for() {
    let world = World::new();
    world.write(DENY_TWO);
    drop(world.open());
    world.write("[");
    world.fake.delete("contractors");
    world.fake.add("contractors", 2006);
    world.fake.out.store(true, Ordering::Relaxed);
    let (rights, log) = world.open();
    assert!(rights.waits_for_store());
    let lines = log.lines().len();
    for _ in 0..3 {
        rights.refresh(now(3));
    }
    assert_eq!(log.lines().len(), lines, "said once: {:?}", log.lines());
    world.fake.out.store(false, Ordering::Relaxed);
    rights.refresh(now(4));
    assert!(!rights.waits_for_store());
    assert_eq!(network(&rights, 9, 2006), Grant::Refused);
    assert_eq!(extended(&log).len(), 1);
}

#[test]
fn only_names_of_the_file_are_looked_up_again() {
    let world = World::new();
    world.write("[rights]\nSeNetworkLogonRight = [\"CORP\\\\Later\"]\n");
    let (rights, _) = world.open();
    world.fake.add("Later", 2005);
    for other in ["other", "late", "later2", "", "a:b"] {
        rights.name_changed(other, now(2));
    }
    assert_eq!(network(&rights, 9, 2005), Grant::Refused);
    rights.name_changed("LATER", now(3));
    assert_eq!(network(&rights, 9, 2005), Grant::Granted);
}

#[test]
fn a_look_at_the_names_does_not_read_a_file_that_is_being_written() {
    let world = World::new();
    world.write(DENY_STAFF);
    let (rights, _) = world.open();
    fs::write(world.file(), BUILT_IN).unwrap();
    rights.refresh(now(3));
    assert_eq!(rights.status().version, 1);
    assert_eq!(network(&rights, 1000, 2000), Grant::Refused);
    assert_eq!(rights.reload(now(3)), Ok(()));
    assert_eq!(network(&rights, 1000, 2000), Grant::Granted);
}

#[test]
fn ten_thousand_names_are_looked_up_in_well_under_a_second() {
    let world = World::new();
    let mut text = "[rights]\nSeNetworkLogonRight = [\n".to_owned();
    for n in 0..10_000 {
        world.fake.add(&format!("user{n}"), 10_000 + n);
        text.push_str(&format!("    \"CORP\\\\User{n}\",\n"));
    }
    text.push_str("]\n");
    world.write(&text);
    let start = Instant::now();
    let (rights, _) = world.open();
    assert!(start.elapsed().as_millis() < 2000, "{:?}", start.elapsed());
    assert_eq!(rights.status().warnings, []);
    assert_eq!(network(&rights, 19_999, 9), Grant::Granted);
    assert_eq!(network(&rights, 20_000, 9), Grant::Refused);
}
