//! `join`, `testjoin` and `leave` as a person gives them, at a real controller, in a root
//! tree of their own.
//!
//! `DOMLOGON_TEST_DC` is its address; `DOMLOGON_TEST_DOMAIN`, `DOMLOGON_TEST_ADMIN` and
//! `DOMLOGON_TEST_PASSWORD` say the rest. Root alone can run it.
#![allow(missing_docs)]

use nix::fcntl::{Flock, FlockArg};
use serde_json::Value;
use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// One at a time: what a join keeps while it runs has one place on a host, whatever its root.
static TURN: Mutex<()> = Mutex::new(());

fn setting(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}

/// The exit status, and the answer in JSON.
fn domlogon(root: &Path, arguments: &[&str], input: &str) -> (i32, Value) {
    // The daemon has to read what is written, whatever whoever runs it keeps to himself.
    let mut child = Command::new("sh")
        .args(["-c", "umask 077 && exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_domlogon"))
        .args(arguments)
        .arg("--json")
        .arg("--root")
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that asks for nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let answer = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), answer)
}

fn tree(hostname: &str) -> tempfile::TempDir {
    let dc = setting("DOMLOGON_TEST_DC", "127.0.0.10");
    let dc = dc.split(' ').next().unwrap();
    let root = tempfile::tempdir().unwrap();
    let etc = root.path().join("etc");
    fs::create_dir(&etc).unwrap();
    fs::write(etc.join("resolv.conf"), format!("nameserver {dc}\n")).unwrap();
    fs::write(etc.join("hostname"), format!("{hostname}\n")).unwrap();
    root
}

#[test]
#[ignore = "needs root, and a domain controller: DOMLOGON_TEST_DC=its address"]
fn a_host_comes_and_goes() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let domain = setting("DOMLOGON_TEST_DOMAIN", "corp.example");
    let user = setting("DOMLOGON_TEST_ADMIN", "Administrator");
    let password = setting("DOMLOGON_TEST_PASSWORD", "Adm1n-Lab-Pass") + "\n";
    let tree = tree("hjcli9");
    let root = tree.path();
    let (exit, before) = domlogon(root, &["testjoin"], "");
    assert_eq!((exit, &before["joined"]), (1, &Value::Bool(false)));
    assert!(!root.join("var").exists(), "a look changes nothing");

    let join = ["join", &domain, "--user", &user, "--password-stdin"];
    let (exit, joined) = domlogon(root, &join, &password);
    assert_eq!((exit, &joined["how"]), (0, &"created".into()), "{joined}");
    for file in [
        "var/lib/domlogon/machine.json",
        "var/lib/domlogon/machine.keytab",
        "etc/systemd/system/domlogond.service.d/directory.conf",
    ] {
        assert!(root.join(file).is_file(), "{file}");
    }
    for (file, mode) in [
        ("etc/domlogon", 0o755),
        ("etc/domlogon/domlogon.toml", 0o644),
    ] {
        let found = fs::metadata(root.join(file)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, mode, "{file}");
    }
    let configuration = fs::read_to_string(root.join("etc/domlogon/domlogon.toml")).unwrap();
    assert!(configuration.contains("\nbackend = \"directory\"\n"));
    assert!(!configuration.contains(password.trim_end()));

    // Said again, it asks for nothing and changes nothing.
    let (exit, again) = domlogon(root, &["join", &domain], "");
    assert_eq!((exit, &again["changed"]), (0, &Value::Bool(false)));
    let (exit, report) = domlogon(root, &["testjoin"], "");
    assert_eq!(
        (exit, &report["joined"]),
        (0, &Value::Bool(true)),
        "{report}"
    );
    let (exit, other) = domlogon(root, &["join", "other.example"], "");
    assert_eq!((exit, &other["error"]["name"]), (1, &"other_domain".into()));

    let leave = ["leave", "--user", &user, "--password-stdin"];
    let (exit, left) = domlogon(root, &leave, &password);
    assert_eq!(
        (exit, &left["account_is"]),
        (0, &"deleted".into()),
        "{left}"
    );
    assert_eq!(
        fs::read_dir(root.join("var/lib/domlogon")).unwrap().count(),
        0
    );
    assert!(fs::symlink_metadata(root.join("etc/krb5.keytab")).is_err());
    let (exit, error) = domlogon(root, &["leave"], "");
    assert_eq!((exit, &error["error"]["name"]), (1, &"not_joined".into()));
}

#[test]
#[ignore = "needs root"]
fn a_second_one_changes_nothing() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new("/run/domlogon-join");
    DirBuilder::new().mode(0o700).create(folder).unwrap();
    let file = fs::File::open(folder).unwrap();
    let first = Flock::lock(file, FlockArg::LockExclusiveNonblock).unwrap();
    let tree = tree("hjcli9");
    let root = tree.path();
    let join = ["join", "corp.example"];
    for second in [&join[..], &["leave"], &["leave", "--local"]] {
        let (exit, answer) = domlogon(root, second, "");
        let name = &answer["error"]["name"];
        assert_eq!((exit, name), (2, &"under_way".into()), "{answer}");
    }
    let (exit, report) = domlogon(root, &["testjoin"], "");
    assert_eq!((exit, &report["joined"]), (1, &Value::Bool(false)));
    assert!(!root.join("var").exists() && folder.is_dir());
    // Ended without having tidied up.
    drop(first);
    let (_, answer) = domlogon(root, &["join", "corp"], "");
    let name = &answer["error"]["name"];
    assert_eq!(name, &"bad_domain", "{answer}");
    assert!(!folder.exists());
}

#[test]
#[ignore = "needs root, and a domain controller: DOMLOGON_TEST_DC=its address"]
fn what_is_wrong_has_a_name() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let domain = setting("DOMLOGON_TEST_DOMAIN", "corp.example");
    let tree = tree("hj-a-name-of-many-letters");
    let root = tree.path();
    let name = |arguments: &[&str], input: &str| {
        let (exit, answer) = domlogon(root, arguments, input);
        (exit, answer["error"]["name"].as_str().unwrap().to_owned())
    };
    let named = |exit: i32, name: &str| (exit, name.to_owned());
    assert_eq!(name(&["join", &domain], ""), named(1, "name_too_long"));
    assert_eq!(name(&["join", "corp"], ""), named(1, "bad_domain"));
    assert_eq!(
        name(
            &[
                "join",
                &domain,
                "--name",
                "HJNOBODY",
                "--user",
                "hjnobody",
                "--password-stdin"
            ],
            "x\n"
        ),
        named(1, "wrong_password")
    );
    assert_eq!(
        name(
            &[
                "join",
                "elsewhere.example",
                "--name",
                "HJNOBODY",
                "--password-stdin"
            ],
            "x\n"
        ),
        named(2, "no_controllers")
    );
}
