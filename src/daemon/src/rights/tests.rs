mod kept;
mod names;

use super::fake::{World, sid, token};
use super::*;
use domlogon_protocol::rights::{Entry, Loaded, Source as ListSource};
use domlogon_protocol::{Basis, LogonType, Right, RightName, Sid, Verdict};
use domlogon_rules::Grant;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;

/// Without a list, the built-in holders have the rights.
const BUILT_IN: &str = "[rights]\n";
const DENY_STAFF: &str = "[rights]\nSeDenyNetworkLogonRight = [\"staff\"]\n";

fn network(rights: &RightsFile, user: u32, group: u32) -> Grant {
    let rights = rights.in_force();
    rights.judge(&token(user, group), LogonType::Network).0
}

fn kind(result: Result<(), Problem>) -> ProblemKind {
    result.unwrap_err().kind
}

fn now(seconds: i64) -> Timestamp {
    Timestamp(seconds)
}

#[test]
fn without_a_file_the_built_in_holders_have_the_rights() {
    let world = World::new();
    let (rights, log) = world.open();
    let status = rights.status();
    assert_eq!((status.loaded, status.version), (Loaded::Default, 1));
    assert_eq!(status.file, world.file().display().to_string());
    assert_eq!(network(&rights, 1000, 2000), Grant::Granted);
    assert_eq!(
        log.lines(),
        ["5 rights: version=1 file=none lists=0 entries=0 services=0"]
    );
    let shown = rights.shown();
    assert_eq!(shown.lists.len(), 10);
    assert!(
        shown
            .lists
            .iter()
            .all(|list| list.source == ListSource::Default)
    );
    // Nor is it an outage where no name is to be looked up.
    world.fake.out.store(true, Ordering::Relaxed);
    let (again, _) = world.open();
    assert_eq!(again.status().loaded, Loaded::Default);
    assert_eq!(again.status().version, 2);
}

#[test]
fn a_file_is_taken_looked_up_and_logged() {
    let world = World::new();
    world.write(
        "[rights]\nSeNetworkLogonRight = [\"everyone\", \"ALICE\", \"CORP\\\\staff\",\n\
         \"S-1-5-21-1-2-3-2001\", \"*s-1-5-21-9-9-9-1\", \"builtin\\\\users\"]\n\
         SeDenyBatchLogonRight = []\n\
         [services]\nvsftpd = { type = \"batch\", can_change = true }\nother = \"deny\"\n\
         [audit]\nSeNetworkLogonRight = true\n",
    );
    let (rights, log) = world.open();
    let file = world.file();
    assert_eq!(
        log.lines(),
        [format!(
            "5 rights: version=1 file={} lists=2 entries=6 services=2 audit=SeNetworkLogonRight",
            file.display()
        )]
    );
    let shown = rights.shown();
    assert_eq!(shown.status.loaded, Loaded::File);
    assert_eq!(shown.status.refused, None);
    assert_eq!(shown.status.audit, [RightName::allow(Right::Network)]);
    let list = |name| shown.lists.iter().find(|list| list.name == name).unwrap();
    let entries = &list(RightName::allow(Right::Network)).entries;
    let entry = |written: &str, sid: &str, name: Option<&str>| Entry {
        written: written.to_owned(),
        sid: Some(sid.parse().unwrap()),
        name: name.map(str::to_owned),
    };
    assert_eq!(
        *entries,
        [
            entry("everyone", "S-1-1-0", Some("Everyone")),
            entry("ALICE", "S-1-5-21-1-2-3-1000", Some("Alice")),
            entry("CORP\\staff", "S-1-5-21-1-2-3-2000", Some("Staff")),
            entry(
                "S-1-5-21-1-2-3-2001",
                "S-1-5-21-1-2-3-2001",
                Some("contractors")
            ),
            entry("*s-1-5-21-9-9-9-1", "S-1-5-21-9-9-9-1", None),
            entry("builtin\\users", "S-1-5-32-545", Some("Users")),
        ]
    );
    let batch = list(RightName::deny(Right::Batch));
    assert_eq!((batch.source, batch.entries.len()), (ListSource::File, 0));
    let rights = rights.in_force();
    let vsftpd = rights.service("VSFTPD");
    assert_eq!(
        (vsftpd.logon_type, vsftpd.can_change),
        (LogonType::Batch, true)
    );
    assert_eq!(rights.service("unheard-of").logon_type, LogonType::Deny);
}

#[test]
fn each_load_that_is_taken_has_a_number_also_over_a_restart() {
    let world = World::new();
    let (rights, log) = world.open();
    world.write(DENY_STAFF);
    assert_eq!(rights.reload(now(5)), Ok(()));
    let status = rights.status();
    assert_eq!((status.version, status.loaded_at), (2, now(5)));
    assert_eq!(rights.in_force().version(), 2);
    assert_eq!(network(&rights, 1000, 2000), Grant::Refused);
    assert_eq!(network(&rights, 1000, 9), Grant::Granted);
    // The same file is the same version.
    assert_eq!(rights.reload(now(6)), Ok(()));
    assert_eq!(
        (rights.status().version, rights.status().loaded_at),
        (2, now(5))
    );
    let unchanged = format!(
        "5 rights unchanged: version=2 file={}",
        world.file().display()
    );
    assert_eq!(log.lines().last(), Some(&unchanged));
    // Another one is another, even if it means the same.
    world.write(&format!("{DENY_STAFF}# for the record\n"));
    assert_eq!(rights.reload(now(7)), Ok(()));
    assert_eq!(rights.status().version, 3);
    drop(rights);
    let (again, _) = world.open();
    assert_eq!(
        (again.status().version, again.status().loaded),
        (4, Loaded::File)
    );
}

#[test]
fn a_wrong_file_leaves_the_last_good_lists_also_over_a_restart() {
    let world = World::new();
    world.write(DENY_STAFF);
    let (rights, log) = world.open();
    let taken_at = rights.status().loaded_at;
    for (text, reason) in [
        ("[rights]\nSeNetworkLogonRight = [\"x\"", ""),
        (
            "[rights]\nSeDenyNetworkLogonRight = [\"staff\",\n  \"nobody\"]\n",
            "place=3:3 reason=\"SeDenyNetworkLogonRight names \\\"nobody\\\", which is neither",
        ),
        (
            "[rights]\nSeNetworkLogonRight = [\"a:b\"]\n",
            "place=2:24 reason=\"\\\"a:b\\\" is not a name: the name contains ':'",
        ),
        (
            "[rights]\nSeDenyNetworkLogonRight = [\"OTHER\\\\staff\"]\n",
            "place=2:28 reason=",
        ),
    ] {
        world.write(text);
        let problem = rights.reload(now(9)).unwrap_err();
        let status = rights.status();
        assert_eq!(
            (status.loaded, status.version),
            (Loaded::LastGood, 1),
            "{text}"
        );
        assert_eq!(
            (status.loaded_at, status.refused),
            (taken_at, Some(problem))
        );
        assert_eq!(network(&rights, 1000, 2000), Grant::Refused);
        let line = log.lines().pop().unwrap();
        let start = format!("3 rights refused: file={} place=", world.file().display());
        assert!(line.starts_with(&start) && line.contains(reason), "{line}");
        assert!(line.ends_with(" kept=1"), "{line}");
    }
    drop(rights);
    let (again, log) = world.open();
    let status = again.status();
    assert_eq!((status.loaded, status.version), (Loaded::LastGood, 1));
    assert_eq!(status.loaded_at, taken_at);
    assert!(status.refused.is_some());
    assert_eq!(network(&again, 1000, 2000), Grant::Refused);
    assert_eq!(network(&again, 1000, 9), Grant::Granted);
    assert_eq!(log.lines().len(), 1);
    // Mended, it is taken: a new version, although it is what was kept.
    world.write(DENY_STAFF);
    assert_eq!(again.reload(now(10)), Ok(()));
    let status = again.status();
    assert_eq!((status.loaded, status.version), (Loaded::File, 2));
    assert_eq!(status.refused, None);
}

#[test]
fn a_wrong_file_that_is_put_back_brings_no_new_version() {
    let world = World::new();
    world.write(DENY_STAFF);
    let (rights, log) = world.open();
    world.write("[");
    assert!(rights.reload(now(9)).is_err());
    world.write(DENY_STAFF);
    assert_eq!(rights.load(now(9), Why::Changed), Ok(()));
    let status = rights.status();
    assert_eq!((status.loaded, status.version), (Loaded::File, 1));
    assert_eq!(status.refused, None);
    assert!(
        log.lines()
            .last()
            .unwrap()
            .starts_with("5 rights unchanged: version=1 ")
    );
}

#[test]
fn with_a_wrong_file_from_the_start_nobody_has_any_right() {
    let world = World::new();
    world.write("[rihgts]\n");
    let (rights, log) = world.open();
    let status = rights.status();
    assert_eq!((status.loaded, status.version), (Loaded::Nothing, 0));
    let (grant, fact) = rights
        .in_force()
        .judge(&token(1000, 2000), LogonType::Interactive);
    assert_eq!((grant, fact.basis), (Grant::Refused, Basis::NoLists));
    assert!(log.lines()[0].ends_with(" kept=none"), "{:?}", log.lines());
    assert!(!world.kept().exists());
    // None was ever taken, so without it all is as it was before there was one.
    fs::remove_file(world.file()).unwrap();
    assert_eq!(rights.reload(now(3)), Ok(()));
    assert_eq!(
        (rights.status().loaded, rights.status().version),
        (Loaded::Default, 1)
    );
    assert_eq!(network(&rights, 1000, 2000), Grant::Granted);
}

#[test]
fn a_file_that_is_gone_does_not_let_in_who_was_kept_out() {
    let world = World::new();
    world.write(DENY_STAFF);
    let (rights, _) = world.open();
    fs::remove_file(world.file()).unwrap();
    assert_eq!(kind(rights.reload(now(3))), ProblemKind::Gone);
    assert_eq!(rights.status().loaded, Loaded::LastGood);
    assert_eq!(network(&rights, 1000, 2000), Grant::Refused);
    drop(rights);
    let (again, _) = world.open();
    assert_eq!(again.status().loaded, Loaded::LastGood);
    assert_eq!(network(&again, 1000, 2000), Grant::Refused);
    // Nor when what was kept is lost too.
    fs::write(world.kept(), "{}").unwrap();
    let (third, log) = world.open();
    assert_eq!(third.status().loaded, Loaded::Nothing);
    assert_eq!(network(&third, 1000, 9), Grant::Refused);
    let [unused, refused] = &log.lines()[..] else {
        panic!("{:?}", log.lines());
    };
    assert!(
        unused.starts_with("3 rights kept before are not used: file="),
        "{unused}"
    );
    assert!(
        refused.contains("the file is gone, and what was in force stays; a file with the line"),
        "{refused}"
    );
    // An empty file may have lost its lists, too.
    world.write("");
    assert_eq!(kind(third.reload(now(4))), ProblemKind::Empty);
    assert_eq!(network(&third, 1000, 9), Grant::Refused);
    // The sentence names the cure.
    world.write(BUILT_IN);
    assert_eq!(third.reload(now(5)), Ok(()));
    assert_eq!(network(&third, 1000, 2000), Grant::Granted);
}

#[test]
fn a_file_that_was_emptied_does_not_let_in_who_was_kept_out() {
    for (emptied, text) in [
        ("", DENY_STAFF),
        (" \n\t\r\n", DENY_STAFF),
        ("", "[services]\nother = \"deny\"\n"),
    ] {
        let world = World::new();
        world.write(text);
        let (rights, _) = world.open();
        let before = rights.in_force().version();
        world.write(emptied);
        assert_eq!(kind(rights.reload(now(3))), ProblemKind::Empty);
        rights.refresh(now(4));
        assert_eq!(rights.status().loaded, Loaded::LastGood);
        assert_eq!(rights.in_force().version(), before);
        drop(rights);
        let (again, log) = world.open();
        assert_eq!(again.status().loaded, Loaded::LastGood);
        assert_eq!(again.in_force().version(), before);
        let line = log.lines().pop().unwrap();
        assert!(
            line.contains("the file is empty, as after a full disk, and what was in force stays"),
            "{line}"
        );
        // The sentence names the cure; any comment is as good.
        world.write(if text == DENY_STAFF {
            BUILT_IN
        } else {
            "# none"
        });
        assert_eq!(again.reload(now(5)), Ok(()));
        assert_eq!(again.status().loaded, Loaded::File);
        assert_eq!(network(&again, 1000, 2000), Grant::Granted);
    }
}

#[test]
fn an_empty_file_is_taken_where_none_said_anything_before() {
    let world = World::new();
    world.write("");
    for _ in 0..2 {
        let (rights, log) = world.open();
        assert_eq!(rights.status().loaded, Loaded::File, "{:?}", log.lines());
        assert_eq!(rights.reload(now(3)), Ok(()));
        assert_eq!(network(&rights, 1000, 2000), Grant::Granted);
    }
    // Nor is a text missed that meant no more.
    world.write(BUILT_IN);
    let (rights, _) = world.open();
    world.write("");
    assert_eq!(rights.reload(now(3)), Ok(()));
    assert_eq!(rights.status().refused, None);
}

#[test]
fn a_file_that_others_can_write_is_not_taken() {
    let world = World::new();
    world.write(DENY_STAFF);
    let (rights, _) = world.open();
    world.write(BUILT_IN);
    let set = |mode| fs::set_permissions(world.file(), fs::Permissions::from_mode(mode)).unwrap();
    set(0o666);
    assert_eq!(kind(rights.reload(now(3))), ProblemKind::Exposed);
    assert_eq!(network(&rights, 1000, 2000), Grant::Refused);
    set(0o644);
    assert_eq!(rights.reload(now(3)), Ok(()));
    assert_eq!(network(&rights, 1000, 2000), Grant::Granted);
}

#[test]
fn an_outage_keeps_the_last_good_lists_until_it_is_over() {
    let world = World::new();
    world.write(DENY_STAFF);
    let (rights, log) = world.open();
    world.write("[rights]\nSeDenyNetworkLogonRight = [\"contractors\"]\n");
    world.fake.out.store(true, Ordering::Relaxed);
    let store = ProblemKind::Store(Verdict::InvalidDatabase);
    assert_eq!(kind(rights.reload(now(3))), store);
    assert_eq!(rights.status().loaded, Loaded::LastGood);
    assert!(rights.waits_for_store());
    for _ in 0..3 {
        rights.refresh(now(4));
    }
    assert_eq!(log.lines().len(), 2, "said once: {:?}", log.lines());
    let line = log.lines().pop().unwrap();
    assert!(
        line.contains("the account database does not answer"),
        "{line}"
    );
    let (again, _) = world.open();
    assert_eq!(again.status().loaded, Loaded::LastGood);
    assert_eq!(network(&again, 1000, 2000), Grant::Refused);
    world.fake.out.store(false, Ordering::Relaxed);
    again.refresh(now(5));
    assert!(!again.waits_for_store());
    assert_eq!(again.status().loaded, Loaded::File);
    assert_eq!(network(&again, 1000, 2001), Grant::Refused);
    assert_eq!(network(&again, 1000, 2000), Grant::Granted);
}

#[test]
fn lists_that_cannot_be_kept_are_in_force_all_the_same() {
    let world = World::new();
    world.write(DENY_STAFF);
    fs::create_dir_all(world.kept().join("x")).unwrap();
    let (rights, log) = world.open();
    assert_eq!(rights.status().loaded, Loaded::File);
    let line = log.lines().pop().unwrap();
    assert!(
        line.starts_with("4 rights not kept for the next start: file="),
        "{line}"
    );
}

#[test]
fn a_check_answers_and_changes_nothing() {
    let world = World::new();
    world.write(DENY_STAFF);
    let (rights, log) = world.open();
    let text = "[rights]\nSeInteractiveLogonRight = [\"alice\", \"nobody\"]\n\
                SeDenyNetworkLogonRight = [\"nobody\", \"a:b\"]\n";
    let names = ["staff", "*S-1-5-11", "nobody", "a:b", "larry"].map(str::to_owned);
    let checked = rights.check(text, &names, now(3)).unwrap();
    assert_eq!(checked.lists.len(), 10);
    let shown: Vec<_> = checked
        .names
        .iter()
        .map(|entry| (entry.sid.clone(), entry.shown()))
        .collect();
    assert_eq!(
        shown,
        [
            (Some(sid(2000)), "Staff"),
            (Some(Sid::authenticated_users()), "Authenticated Users"),
            (None, "nobody"),
            (None, "a:b"),
            (None, "larry"),
        ]
    );
    let kinds: Vec<_> = checked
        .problems
        .iter()
        .map(|problem| &problem.kind)
        .collect();
    assert!(matches!(
        kinds[..],
        [
            ProblemKind::NobodyAllowed(..),
            ProblemKind::NobodyDenied(..),
            ProblemKind::BadName(..),
            ProblemKind::NoAdministrator,
        ]
    ));
    assert!(checked.administrator_now && !checked.administrator_then);
    assert!(rights.check("[rights]\nx = []", &[], now(3)).is_err());
    assert_eq!(rights.status().version, 1);
    assert_eq!(log.lines().len(), 1);
    world.fake.out.store(true, Ordering::Relaxed);
    let out = rights.check("", &[], now(3)).unwrap_err();
    assert_eq!(out.kind, ProblemKind::Store(Verdict::InvalidDatabase));
}

#[test]
fn a_file_to_be_tried_out_is_one_that_would_be_taken() {
    let world = World::new();
    let (rights, _) = world.open();
    let (then, warnings) = rights
        .compile("[rights]\nSeNetworkLogonRight = [\"staff\", \"nobody\"]\n")
        .unwrap();
    assert_eq!((then.version(), warnings.len()), (2, 1));
    let judged = |group| then.judge(&token(1000, group), LogonType::Network).0;
    assert_eq!((judged(2000), judged(9)), (Grant::Granted, Grant::Refused));
    let denied = rights.compile("[rights]\nSeDenyNetworkLogonRight = [\"nobody\"]\n");
    assert!(matches!(
        denied.unwrap_err().kind,
        ProblemKind::NobodyDenied(..)
    ));
    assert!(rights.compile("[").is_err());
    assert_eq!(rights.status().version, 1);
}
