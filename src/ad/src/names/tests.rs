//! How long what is known is taken as it is.

use super::*;
use crate::logon::tests::{open, open_on, settings};
use crate::settings::Settings;
use domlogon_protocol::admin::{AdminError, Subordinate};
use domlogon_rules::FewLocalNames;
use std::sync::Arc;

pub(crate) const NOW: Timestamp = Timestamp(1_795_000_000);

/// A host that knows alice's groups since `NOW`, and asked for her without them again.
pub(crate) fn known(sync: bool, again: Timestamp) -> (tempfile::TempDir, Directory, Vec<u32>) {
    let folder = tempfile::tempdir().unwrap();
    let directory = open(Settings {
        sync,
        ..settings(folder.path())
    });
    let alice = Person::example("alice", 1103);
    let groups = [Sid::domain(1, 2, 3).with_rid(1200)];
    directory.keep(&alice, Some(&groups), NOW).unwrap();
    directory.keep(&alice, None, again).unwrap();
    let gid = ids::primary_gid_of(Scheme::Sid, &alice).unwrap();
    let gids = vec![gid, ids::id_of_sid(Scheme::Sid, &groups[0]).unwrap()];
    (folder, directory, gids)
}

#[test]
fn groups_are_as_old_as_they_are_and_not_as_the_entry() {
    for sync in [false, true] {
        let (_folder, directory, gids) = known(sync, NOW.plus(FRESH - 1));
        let groups_at = |now| {
            // Whoever is about to ask the directory for her finds that it has just been asked.
            let alice = Key::User("alice".to_owned());
            directory.absent.note(alice, now);
            directory.gids_of("alice", now).unwrap()
        };
        assert_eq!(groups_at(NOW.plus(FRESH - 1)), Some(gids));
        assert_eq!(groups_at(NOW.plus(FRESH)), None, "asked for, sync {sync}");
        let later = NOW.plus(FRESH);
        assert!(directory.user_of_key("alice", later).unwrap().is_some());
    }
}

#[test]
fn old_groups_are_better_than_none() {
    let (_folder, directory, gids) = known(false, NOW);
    let silence = Trouble::Network(std::io::ErrorKind::TimedOut.into());
    directory.servers.none(&silence, NOW);
    for age in [FRESH - 1, FRESH, 100 * FRESH] {
        let found = directory.gids_of("alice", NOW.plus(age)).unwrap();
        assert_eq!(found.as_ref(), Some(&gids), "{age}");
    }
}

#[test]
fn a_group_of_another_domain_gives_no_number_of_ours() {
    use domlogon_rules::roster::{GroupEntry, Listener, Roster, Subject, UserEntry};
    use std::ops::ControlFlow;

    struct Gids(Vec<u32>);
    impl Listener for Gids {
        fn user(&mut self, user: &UserEntry<'_>) -> ControlFlow<()> {
            self.0 = user.groups.unwrap().to_vec();
            ControlFlow::Continue(())
        }
        fn group(&mut self, _: &GroupEntry<'_>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
        fn absent(&mut self, _: &Subject) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let directory = open(Settings {
        ids: Scheme::Rid { base: 100_000 },
        ..settings(folder.path())
    });
    let alice = Person::example("alice", 1103);
    // A universal group of another domain has the RID of one of ours.
    let groups = [
        Sid::domain(1, 2, 3).with_rid(1200),
        Sid::domain(4, 5, 6).with_rid(1113),
    ];
    directory.keep(&alice, Some(&groups), NOW).unwrap();
    let primary = 100_000 + alice.primary_group;
    let gids = vec![primary, 101_200];
    assert_eq!(
        directory.gids_of("alice", NOW).unwrap().as_ref(),
        Some(&gids)
    );
    let mut said = Gids(Vec::new());
    directory.survey(&mut said).unwrap();
    assert_eq!(said.0, gids);
}

#[test]
fn why_a_person_is_hidden_is_told() {
    /// Bob's id, or one that he may take, and a group's.
    fn local(uid: u32, gid: u32, is_lent: bool) -> FewLocalNames {
        let taken = FewLocalNames {
            users: vec!["bob"],
            uids: vec![uid],
            gids: vec![gid],
            ..FewLocalNames::default()
        };
        if is_lent { taken.lent() } else { taken }
    }
    let alice = Person::example("alice", 1103);
    let uid = ids::uid_of(Scheme::Sid, &alice).unwrap();
    let gid = ids::primary_gid_of(Scheme::Sid, &alice).unwrap();
    let name = || "alice".to_owned();
    let by_user = AdminError::Hidden(name(), uid, Some("bob".to_owned()));
    let by_group = AdminError::Hidden(name(), gid, None);
    let by_range = |id, is_of_groups| {
        let range = Subordinate {
            owner: "bob".to_owned(),
            first: id,
            last: id,
            is_of_groups,
        };
        Some(AdminError::HiddenByRange(name(), id, range))
    };
    for (local, why) in [
        (local(uid, 0, false), Some(by_user)),
        (local(0, gid, false), Some(by_group)),
        (local(uid, 0, true), by_range(uid, false)),
        (local(0, gid, true), by_range(gid, true)),
        (local(0, 0, false), None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let directory = open_on(settings(folder.path()), Arc::new(local));
        let silence = Trouble::Network(std::io::ErrorKind::TimedOut.into());
        directory.servers.none(&silence, NOW);
        directory.keep(&alice, Some(&[]), NOW).unwrap();
        let hidden = |user: &str| {
            let user = UserName::parse(user.as_bytes()).unwrap();
            directory.hidden_account(&user, NOW)
        };
        assert_eq!(hidden("alice").unwrap(), why);
        assert_eq!(hidden("bob").unwrap(), None);
        assert_eq!(hidden("OTHER\\alice").unwrap(), None);
        assert!(hidden("nobody").is_err(), "nobody could be asked");
    }
}

#[test]
fn a_home_has_a_form_that_the_site_has_named() {
    use crate::journal::Journal;
    use std::sync::Arc;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);
    impl Journal for Lines {
        fn note(&self, _: Level, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        ids: Scheme::Rfc2307,
        homes: vec![
            "/export/home/{user}".to_owned(),
            "/srv/{user}/home".to_owned(),
            "/data/{user}/of/{user}.d".to_owned(),
            "/home/{initial}/{user}".to_owned(),
            "/net/{initial}/{user}/{initial}".to_owned(),
        ],
        ..settings(folder.path())
    };
    let lines = Arc::new(Lines::default());
    let local = Arc::new(FewLocalNames::default());
    let journal = Arc::clone(&lines) as Arc<dyn Journal>;
    let directory = Directory::open(settings, local, journal, || NOW).unwrap();
    let person = |home: &str, rid| Person {
        uid_number: Some(30_000),
        gid_number: Some(30_513),
        unix_home: Some(home.to_owned()),
        ..Person::example("Bob", rid)
    };
    let shown = |home: &str, rid| directory.user(&person(home, rid)).unwrap().home;
    for home in [
        "/home/Bob",
        "/home/bob",
        "/export/home/bob",
        "/srv/bob/home",
        "/data/Bob/of/Bob.d",
        "/data/bob/of/bob.d",
        "/home/b/bob",
        "/net/b/bob/b",
    ] {
        assert_eq!(shown(home, 1200), home);
    }
    assert_eq!(*lines.0.lock().unwrap(), [""; 0]);
    for (rid, home) in (1300..).zip([
        "/etc/systemd/system/ssh.service.d",
        "/home/x/../../etc/systemd/system/ssh.service.d",
        "/home/alice",
        // Whoever has the home above it leads it elsewhere.
        "/home/alice/bob",
        "/home/./bob",
        "/home//bob",
        "//home/bob",
        "/home/bob/",
        "/home/bob/.",
        "/home/bob/..",
        "/home",
        "/home/",
        "/",
        "bob",
        "/bob",
        "/etc/bob",
        "/srv/bob",
        "/srv//home",
        "/srv/alice/home",
        "/data/bob/of/alice.d",
        "/data/alice/of/bob.d",
        "/data/bob/of/bobby.d",
        "/data/b/of/bobob.d",
        "/data/bob/of/{user}.d",
        "/data/bob",
        "/home/a/bob",
        "/home/B/Bob",
        "/home/b/Bob",
        "/home/{initial}/bob",
        "/home/b/alice",
        "/home/b",
        "/home/bo/bob",
        "/net/b/bob/a",
        "/net/b/bob",
    ]) {
        for _ in 0..3 {
            assert_eq!(shown(home, rid), "/home/Bob", "{home}");
        }
        let said = std::mem::take(&mut *lines.0.lock().unwrap());
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(home) && said[0].contains("/home/Bob"));
    }
    // An administrator is shown it.
    for (home, shown) in [("/home/bob", None), ("/etc", Some("/etc"))] {
        use domlogon_protocol::admin::{Reply, Request};
        directory.keep(&person(home, 1200), None, NOW).unwrap();
        let reply = crate::administration::answer(&directory, Request::UserList(0), NOW);
        let Ok(Reply::Users(users, _)) = reply else {
            panic!("{reply:?}");
        };
        assert_eq!(users[0].passed_over_home.as_deref(), shown);
    }
}

/// The home of somebody to whom the directory gives this one, beside homes by first letters.
fn home_by_letter(name: &str, given: Option<&str>, ids: Scheme) -> String {
    let folder = tempfile::tempdir().unwrap();
    let directory = open(Settings {
        ids,
        homes: vec![
            "/srv/{user}".to_owned(),
            "/home/{initial}/{user}".to_owned(),
            "/srv/{initial}/of/{user}".to_owned(),
        ],
        ..settings(folder.path())
    });
    let person = Person {
        uid_number: Some(30_000),
        gid_number: Some(30_513),
        unix_home: given.map(str::to_owned),
        ..Person::example(name, 1300)
    };
    directory.user(&person).unwrap().home
}

#[test]
fn nobody_has_the_folder_of_a_letter() {
    let shown = |name, given| home_by_letter(name, given, Scheme::Rfc2307);
    for (name, given, home) in [
        ("bob", None, "/home/bob"),
        ("b", None, "/home/b/b"),
        ("b", Some("/home/b"), "/home/b/b"),
        ("b", Some("/srv/b"), "/home/b/b"),
        ("b", Some("/home/b/b"), "/home/b/b"),
        ("b", Some("/srv/b/of/b"), "/srv/b/of/b"),
        ("b", Some("/home/."), "/home/b/b"),
        // His folder is no letter's.
        ("B", None, "/home/B"),
        ("é", None, "/home/é"),
        ("_", Some("/home/_"), "/home/_"),
        ("_", Some("/home/_/_"), "/home/_"),
        (".x", Some("/home/./.x"), "/home/.x"),
        ("éa", Some("/home/é/éa"), "/home/éa"),
        ("7up", Some("/home/7/7up"), "/home/7/7up"),
    ] {
        assert_eq!(shown(name, given), home, "{name} {given:?}");
    }
    assert_eq!(home_by_letter("b", None, Scheme::Sid), "/home/b");
}

#[test]
fn ids_that_a_part_of_this_host_may_take_are_nobodys() {
    use crate::administration::answer;
    use domlogon_protocol::admin::{Reply, Request};
    use std::sync::Arc;

    // By subuid(5) bob may take one id, and root others for his containers.
    let local = FewLocalNames {
        ranges: vec![
            ("bob", 30_007, 30_007),
            ("root", 30_008, 30_008),
            ("0", 30_009, 30_009),
        ],
        ..FewLocalNames::default()
    };

    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        ids: Scheme::Rfc2307,
        ..settings(folder.path())
    };
    let quiet = Arc::new(crate::logon::tests::Quiet);
    let directory = Directory::open(settings, Arc::new(local), quiet, || NOW).unwrap();
    let numbered = |uid, gid| Person {
        uid_number: Some(uid),
        gid_number: Some(gid),
        ..Person::example("alice", 1103)
    };
    for (id, is_shown) in [
        (30_006, true),
        (30_007, false),
        (30_008, true),
        (30_009, true),
        // Homes and services of systemd's, and nobody.
        (60_000, true),
        (60_001, false),
        (60_513, false),
        (60_514, true),
        (61_183, true),
        (61_184, false),
        (65_519, false),
        (65_534, false),
        (65_535, false),
        (65_536, true),
    ] {
        let user = |uid, gid| directory.user(&numbered(uid, gid)).is_some();
        assert_eq!(user(id, 30_000), is_shown, "user {id}");
        assert_eq!(user(30_000, id), is_shown, "primary group {id}");
        // The doctor is told of those whom a range hides.
        let person = numbered(id, 30_000);
        directory.keep(&person, None, NOW).unwrap();
        let listed = match answer(&directory, Request::UserList(0), NOW).unwrap() {
            Reply::Users(users, _) => users.iter().any(|user| user.uid == id),
            _ => false,
        };
        assert_eq!(listed, is_shown || id == 30_007, "listed {id}");
        let team = Team::example("crew", 1200, Some(id));
        assert_eq!(
            directory.shown_group(&team, &[]).is_some(),
            is_shown,
            "group {id}"
        );
        directory.keep_team(&team, None, NOW).unwrap();
        let gids = directory.gids(&numbered(30_000, 30_000), &[team.sid], NOW);
        assert_eq!(gids.unwrap().contains(&id), is_shown, "groups {id}");
    }
}

/// Where the whole directory is read nobody would ask for it again.
#[test]
fn whoever_was_removed_from_a_group_is_not_shown_in_it_on_a_full_disk() {
    use crate::administration::answer;
    use domlogon_protocol::admin::{Reply, Request};

    let folder = tempfile::tempdir().unwrap();
    let directory = open(Settings {
        sync: true,
        ..settings(folder.path())
    });
    let silence = Trouble::Network(std::io::ErrorKind::TimedOut.into());
    directory.servers.none(&silence, NOW);
    let team = Team::example("crew", 1200, None);
    let members = ["alice".to_owned(), "mallory".to_owned()];
    directory.keep_team(&team, Some(&members), NOW).unwrap();
    let is_shown = || {
        let listed = directory.groups_after(0, 10).entries.len();
        let records = match answer(&directory, Request::GroupList(0), NOW).unwrap() {
            Reply::Groups(groups, _) => groups.len(),
            _ => panic!("no list"),
        };
        assert_eq!(listed, records);
        let found = directory.group_of_name("crew", NOW);
        assert_eq!(found.is_ok(), listed == 1);
        listed == 1
    };
    directory.cache.fill_disk(true);
    assert!(directory.keep_team(&team, Some(&members), NOW).is_err());
    assert!(is_shown(), "it is as before");
    assert!(
        directory
            .keep_team(&team, Some(&members[..1]), NOW)
            .is_err()
    );
    assert!(!is_shown());
    // Whoever asks for the name alone says nothing of the members.
    assert!(directory.keep_team(&team, None, NOW).is_err());
    assert!(!is_shown());
    directory.cache.fill_disk(false);
    directory.keep_team(&team, None, NOW).unwrap();
    let known = directory.cache.team_by_key("crew").unwrap().unwrap();
    assert!(known.members.is_none());
}

#[test]
fn an_id_that_is_another_groups_by_now_is_given_to_nobody_on_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let directory = open(Settings {
        ids: Scheme::Rfc2307,
        ..settings(folder.path())
    });
    let silence = Trouble::Network(std::io::ErrorKind::TimedOut.into());
    directory.servers.none(&silence, NOW);
    let alice = Person {
        uid_number: Some(30_000),
        gid_number: Some(30_001),
        ..Person::example("alice", 1103)
    };
    let crew = Team::example("crew", 1200, Some(35_000));
    let payroll = Team::example("payroll", 1201, Some(35_000));
    directory.keep_team(&crew, None, NOW).unwrap();
    let gids = || {
        let groups = [crew.sid.clone()];
        directory.gids(&alice, &groups, NOW).unwrap()
    };
    assert_eq!(gids(), [30_001, 35_000]);
    directory.cache.fill_disk(true);
    assert!(directory.keep_team(&payroll, None, NOW).is_err());
    assert_eq!(gids(), [30_001]);
}
