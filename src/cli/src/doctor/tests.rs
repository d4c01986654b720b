//! Whole hosts in private root trees: a clean one, and one with each fault planted.

mod advice;
mod faults;
mod tree;

use super::*;
use crate::arguments::Arguments;
use clap::Parser;
use domlogon_protocol::LogonHours;
use domlogon_protocol::admin::{GroupRecord, UserRecord};
use finding::Severity;
use proptest::prelude::*;
use tree::Tree;

fn no_daemon() -> Daemon {
    Daemon::new(&Arguments::parse_from([
        "domlogon",
        "--socket",
        "/nowhere/admin",
        "status",
    ]))
}

fn report(tree: &Tree) -> Report {
    examine(&Host::at(tree.root()).unwrap(), &no_daemon())
}

#[test]
fn a_clean_host_has_no_finding() {
    for tree in [Tree::debian(), Tree::redhat()] {
        let report = report(&tree);
        assert!(report.healthy, "{}", report.text());
        assert!(report.text().ends_with("Nothing is wrong.\n"));
        assert!(!report.not_checked.is_empty(), "it says what it left out");
    }
}

#[test]
fn a_fresh_debian_is_only_not_turned_on() {
    let tree = Tree::fresh_debian();
    let report = report(&tree);
    let codes: Vec<&str> = report.findings.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["not-turned-on"], "{}", report.text());
    assert!(report.notes.is_empty());
}

#[test]
fn an_empty_tree_is_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let report = examine(&Host::at(dir.path()).unwrap(), &no_daemon());
    assert!(!report.healthy);
    assert!(
        report
            .not_checked
            .iter()
            .any(|what| what.contains("PAM stacks"))
    );
}

#[test]
fn the_exit_status_and_json() {
    let daemon = no_daemon();
    let asked = |root: &std::path::Path| Doctor {
        root: Some(root.to_owned()),
    };
    let tree = Tree::debian();
    let answer = run(&asked(tree.root()), &daemon).unwrap();
    assert_eq!(answer.exit, Exit::Yes);
    assert_eq!(answer.json["healthy"], true);
    tree.replace("/etc/pam.d/common-account", "default=bad", "default=ignore");
    let answer = run(&asked(tree.root()), &daemon).unwrap();
    assert_eq!(answer.exit, Exit::No);
    let finding = &answer.json["findings"][0];
    assert_eq!(finding["severity"], "danger");
    assert_eq!(finding["code"], "pam-account-refusal-lost");
    assert_eq!(finding["file"], "/etc/pam.d/common-account");
    assert!(finding["line"].as_u64().is_some_and(|line| line > 1));
    assert!(finding["mend"].as_str().unwrap().contains("default=bad"));
    assert_eq!(
        answer
            .text
            .lines()
            .filter(|line| line.starts_with("danger"))
            .count(),
        1
    );
    let error = run(&asked(&tree.root().join("nowhere")), &daemon).unwrap_err();
    assert_eq!(error.exit(), Exit::CouldNotTell);
}

#[test]
fn the_worst_comes_first() {
    let tree = Tree::debian();
    tree.remove("/home");
    tree.replace(
        "/etc/nsswitch.conf",
        "group: files domlogon",
        "group: files",
    );
    tree.write("/etc/ssh/sshd_config", "UsePAM no\n");
    let found = report(&tree);
    let severities: Vec<Severity> = found.findings.iter().map(|one| one.severity).collect();
    assert_eq!(
        severities,
        [Severity::Danger, Severity::Error, Severity::Warning]
    );
    assert!(
        found
            .text()
            .contains("Found: 1 danger, 1 error, 1 warning.")
    );
}

#[test]
fn what_users_will_see_is_told_apart() {
    let tree = Tree::debian();
    tree.write(
        "/etc/ssh/sshd_config",
        "UsePAM yes\nKbdInteractiveAuthentication no\n",
    );
    let found = report(&tree);
    assert!(found.healthy, "{}", found.text());
    assert!(found.notes[0].contains("needs a terminal"));
}

#[test]
fn tickets_that_open_by_name_alone_are_told_until_they_do_not() {
    let tree = Tree::debian();
    tree.append("/etc/ssh/sshd_config", "GSSAPIAuthentication yes\n");
    assert!(report(&tree).healthy, "there is no keytab");
    tree.write("/etc/krb5.keytab", "");
    assert!(!report(&tree).healthy);
    let advised = "[plugins]\n  localauth = {\n    disable = an2ln\n  }\n";
    tree.write("/etc/krb5.conf", advised);
    assert!(report(&tree).healthy, "{}", report(&tree).text());
}

/// What the doctor advises for sshd holds there: a name of an account with an @ is a name and a
/// host to `DenyUsers`.
#[test]
fn lists_of_users_that_hold_are_no_fault() {
    let advice = |tree: &Tree, line: &str| {
        tree.append("/etc/ssh/sshd_config", line);
        report(tree).findings.pop().unwrap().mend
    };
    let lists = "DenyUsers alice root corp-* bob@10.0.0.* carol@*.corp.example\n\
        AllowUsers *@lab root@corp.example localuser@corp.example\n";
    let tree = Tree::debian();
    tree.append("/etc/ssh/sshd_config", lists);
    assert!(report(&tree).healthy, "{}", report(&tree).text());
    let mend = advice(&tree, "DenyUsers CORP\\dave\n");
    assert!(
        mend.starts_with("write in its place: DenyGroups GROUP"),
        "{mend}"
    );

    let tree = Tree::debian();
    let file = "/etc/domlogon/domlogon.toml";
    tree.append(file, "[directory]\nnames = \"qualified\"\n");
    tree.append(
        "/etc/ssh/sshd_config",
        "DenyUsers alice?corp.example localuser *\n",
    );
    assert!(report(&tree).healthy, "{}", report(&tree).text());
    let mend = advice(&tree, "AllowUsers dave@corp.example\n");
    assert!(
        mend.starts_with("write in its place: AllowGroups GROUP"),
        "{mend}"
    );
    assert!(mend.contains("root"), "{mend}");

    let mend = advice(&Tree::debian(), "Match User alice\n");
    assert!(
        mend.contains("Match Group") && !mend.contains("Users"),
        "{mend}"
    );
}

/// A user of the domain.
fn known(name: &str) -> UserRecord {
    UserRecord {
        name: name.to_owned(),
        sid: "S-1-5-21-1-2-3-1103".to_owned(),
        rid: 1103,
        uid: 1_900_001_103,
        gid: 1_900_000_513,
        full_name: String::new(),
        home: format!("/home/{name}"),
        shell: "/bin/bash".to_owned(),
        has_password: true,
        disabled: false,
        locked: false,
        locked_until: None,
        must_change: false,
        cannot_change: false,
        password_never_expires: false,
        password_not_required: false,
        bad_password_count: 0,
        bad_password_at: None,
        password_set_at: None,
        password_expires_at: None,
        expires_at: None,
        hours: None,
        workstations: Vec::new(),
        last_logon_at: None,
        groups: Vec::new(),
        passed_over_home: None,
    }
}

fn group(name: &str, gid: u32) -> GroupRecord {
    GroupRecord {
        name: name.to_owned(),
        sid: "S-1-5-21-1-2-3-1200".to_owned(),
        rid: 1200,
        gid,
        built_in: false,
        users: Vec::new(),
        groups: Vec::new(),
    }
}

#[test]
fn an_administrator_who_can_never_log_on_is_none() {
    let mut alice = known("alice");
    let mut administrators = group("Administrators", 3_000_001);
    administrators.users.push("alice".to_owned());
    let found = |alice: &UserRecord| {
        let mut report = Report::default();
        let (users, groups) = (
            std::slice::from_ref(alice),
            std::slice::from_ref(&administrators),
        );
        running::administrator(users, groups, 0, &mut report);
        report
            .text()
            .contains("no administrator of the domain can log on")
    };
    assert!(!found(&alice));
    alice.hours = Some(LogonHours::ALWAYS);
    assert!(!found(&alice));
    alice.hours = Some(LogonHours::NEVER);
    assert!(found(&alice));
}

#[test]
fn accounts_whose_ids_a_local_user_may_take() {
    let user = |name: &str, uid, gid| UserRecord {
        uid,
        gid,
        ..known(name)
    };
    let tree = Tree::debian();
    let ranges = "root:2000000:1000000000\n0:2000000:1000000000\nbob:3000000:10\namy:3000010:1\n";
    tree.write("/etc/subuid", ranges);
    tree.write("/etc/subgid", "bob:4000000:10\n");
    let groups: Vec<GroupRecord> = (0..22)
        .map(|number| group(&format!("team{number}"), 3_000_011 + number))
        .chain([group("low", 2_999_999), group("crew", 3_000_009)])
        .collect();
    let users = [
        user("carol", 3_000_009, 3_000_009),
        user("dave", 2_999_999, 4_000_000),
    ];
    let found = || {
        let host = Host::at(tree.root()).unwrap();
        let mut report = Report::default();
        let local = names::Names::read(&host);
        names::clashes(&host, &local, &users, &groups, &mut report);
        report.finish();
        report.text()
    };
    // Users by the one file, groups by the other.
    let text = found();
    let expected = "danger   /etc/subuid:3: bob may take the ids of carol (3000009): none \
                    of them is known here as long as that is so. Mend: usermod --del-subuids \
                    3000000-3000009 --add-subuids FIRST-LAST bob, with a range that nobody has";
    assert!(text.contains(expected), "{text}");
    let expected = "/etc/subgid:1: bob may take the ids of the primary group of dave (4000000): ";
    assert!(text.contains(expected), "{text}");
    assert_eq!(text.matches("may take").count(), 2, "{text}");
    tree.write("/etc/subgid", ranges);
    let text = found();
    let expected = "/etc/subgid:3: bob may take the ids of the group crew (3000009): ";
    assert!(text.contains(expected), "{text}");
    assert_eq!(text.matches("may take").count(), 2, "{text}");
    tree.write("/etc/subgid", "bob:3000011:100\n");
    let text = found();
    assert!(
        text.contains("the group team19 (3000030) and 2 more: "),
        "{text}"
    );
    assert!(text.contains("--del-subgids 3000011-3000110 "), "{text}");
    tree.write("/etc/subuid", "bob;reboot:3000009:1\n");
    let text = found();
    assert!(text.contains(" FIRST-LAST 'bob;reboot', "), "{text}");
    tree.remove("/etc/subuid");
    tree.remove("/etc/subgid");
    assert!(!found().contains("may take"));
}

#[test]
fn homes_of_the_directory_that_are_passed_over() {
    let passed_over = |name: &str, home: &str| UserRecord {
        passed_over_home: Some(home.to_owned()),
        ..known(name)
    };
    let found = |users: &[UserRecord]| {
        let tree = Tree::debian();
        let host = Host::at(tree.root()).unwrap();
        let mut report = Report::default();
        let local = names::Names::read(&host);
        names::clashes(&host, &local, users, &[], &mut report);
        report.finish();
        report.text()
    };
    assert!(!found(&[known("alice")]).contains("unixHomeDirectory"));
    let text = found(&[
        passed_over("alice", "/export/alice"),
        known("bob"),
        passed_over("carol", "/home/ca\nrol"),
    ]);
    let expected = "warning  another home here than unixHomeDirectory says: alice \
                    (/export/alice), carol (/home/ca?rol): ";
    assert_eq!(text.matches("unixHomeDirectory").count(), 2, "{text}");
    assert!(text.contains(expected), "{text}");
    assert!(
        text.contains(", and: systemctl restart domlogond; or, "),
        "{text}"
    );
    assert!(
        text.contains("directory.homes in /etc/domlogon/domlogon.toml"),
        "{text}"
    );
}

/// What the line before pam_unix leaps over is of the stack in which it is to stand.
#[test]
fn the_jump_that_is_advised_is_of_the_stack() {
    const AUTH: &str = "/etc/pam.d/common-auth";
    const PASSWORD: &str = "/etc/pam.d/common-password";
    let mend = |file: &str, text: &str, code: &str| {
        let tree = Tree::debian();
        for module in ["pam_faillock", "pam_systemd_home", "pam_sss"] {
            let path = format!("/usr/lib/x86_64-linux-gnu/security/{module}.so");
            tree.write(&path, "");
        }
        tree.write(file, text);
        let found = report(&tree);
        let mut findings = found.findings.iter();
        let Some(finding) = findings.find(|one| one.code == code) else {
            panic!("{}", found.text())
        };
        finding.mend.clone()
    };
    // Of Arch.
    let arch = "auth required pam_faillock.so preauth\n\
         -auth [success=2 default=ignore] pam_systemd_home.so\n\
         auth [success=1 default=bad] pam_unix.so try_first_pass nullok\n\
         auth [default=die] pam_faillock.so authfail\n\
         auth optional pam_permit.so\nauth required pam_env.so\n\
         auth required pam_faillock.so authsucc\n";
    let said = mend(AUTH, arch, "pam-auth-missing");
    let line = said.split_once("pam_unix: ").unwrap().1;
    let (line, longer) = line.split_once(", and ").unwrap();
    assert!(line.starts_with("auth [success=2 user_unknown="), "{said}");
    assert_eq!(
        longer,
        "make the jump of /etc/pam.d/common-auth:2 one longer"
    );
    let done = arch
        .replace("[success=2", "[success=3")
        .replace("auth [success=1", &format!("{line}\nauth [success=1"));
    let said = mend(AUTH, &done, "pam-localuser-missing");
    assert!(
        said.ends_with(
            "pam_localuser.so, and make the jump of /etc/pam.d/common-auth:2 one longer"
        ),
        "{said}"
    );
    let said = mend(
        PASSWORD,
        "-password [success=1 default=ignore] pam_systemd_home.so\n\
         password required pam_unix.so try_first_pass nullok shadow\n\
         password optional pam_permit.so\n",
        "pam-password-missing",
    );
    assert!(
        said.contains("pam_unix: password [success=1 user_unknown="),
        "{said}"
    );
    assert!(
        said.ends_with("the jump of /etc/pam.d/common-password:1 one longer"),
        "{said}"
    );
    // Another product's line between.
    let said = mend(
        AUTH,
        "auth [success=2 default=ignore] pam_unix.so\nauth [success=1 default=ignore] pam_sss.so\n\
         auth requisite pam_deny.so\nauth required pam_permit.so\n",
        "pam-auth-missing",
    );
    assert!(
        said.contains(": auth [success=3 ") && said.ends_with("pam_domlogon.so"),
        "{said}"
    );
    // Of SUSE: what comes next is in the file of whoever includes it, or nothing does.
    for (file, text, code) in [
        (
            AUTH,
            "auth required pam_env.so\nauth required pam_unix.so try_first_pass\n",
            "pam-auth-missing",
        ),
        (
            PASSWORD,
            "password required pam_unix.so nullok\n",
            "pam-password-missing",
        ),
    ] {
        let said = mend(file, text, code);
        assert!(!said.contains("success="), "{said}");
        assert!(
            said.contains("lines of pam_domlogon(8) in the place of pam_unix"),
            "{said}"
        );
    }
    // A line of ours that leaps too short.
    let short = arch.replace(
        "auth [success=1",
        &format!(
            "{}\nauth [success=1",
            line.replace("success=2", "success=1")
        ),
    );
    let said = mend(AUTH, &short, "pam-auth-refuses");
    assert_eq!(said, format!("write: {line}"));
}

/// Whoever reads the advice is root: a pattern in it could keep everybody out, or let anybody in,
/// and a name that is spelt as somebody typed it denies nobody.
#[test]
fn no_user_is_advised_to_sshd() {
    let names = ["", "[directory]\nnames = \"qualified\"\n"];
    let users = [
        "CORP\\*",
        "*@corp.example",
        "corp\\ROOT",
        "R?ot@corp.example",
        "Dave@CORP.",
    ];
    for (names, user) in names
        .iter()
        .flat_map(|names| users.map(|user| (names, user)))
    {
        for keyword in ["DenyUsers", "AllowUsers"] {
            let tree = Tree::debian();
            tree.append("/etc/domlogon/domlogon.toml", names);
            tree.append("/etc/ssh/sshd_config", &format!("{keyword} {user}\n"));
            let found = report(&tree);
            assert_eq!(found.findings.len(), 1, "{}", found.text());
            let mend = &found.findings[0].mend;
            let account = user
                .trim_start_matches("CORP\\")
                .trim_start_matches("corp\\");
            let account = account.split('@').next().unwrap();
            assert!(!mend.contains(&format!("Users {account}")), "{mend}");
        }
    }
}

/// Every file that is read.
const READ: [&str; 12] = [
    "/etc/pam.d/common-auth",
    "/etc/nsswitch.conf",
    "/etc/ssh/sshd_config",
    "/etc/passwd",
    "/etc/subuid",
    "/etc/login.defs",
    "/etc/shells",
    "/etc/ld.so.conf",
    "/etc/nscd.conf",
    "/etc/domlogon/domlogon.toml",
    "/var/lib/pam/auth",
    "/var/lib/domlogon-enable/journal.json",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_file_is_too_odd(
        file in prop::sample::select(&READ[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        words in "([a-z]{1,6}[:=/ ]|Include |Match |passwd:|\\[|\\]|\"|#|4294967295:|\n|\\PC){0,40}",
    ) {
        let tree = Tree::debian();
        tree.write(file, &words);
        let told = report(&tree).text();
        std::fs::write(tree.path(file), bytes).unwrap();
        prop_assert!(!told.is_empty() && !report(&tree).text().is_empty());
    }
}
