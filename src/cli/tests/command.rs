//! The command itself, run against a daemon that answers as it is told.

#[path = "rights/mod.rs"]
mod rights;

use domlogon_protocol::admin::{self, AdminError, Confined, GroupRecord, Status, UserRecord};
use domlogon_protocol::rights::RightsStatus;
use domlogon_protocol::{
    Decision, Explanation, LogonHours, LogonType, Policy, Reply, Request, Rule, Timestamp, Verdict,
    frame,
};
use serde_json::Value;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// 2026-11-23T07:00:00Z
const NOW: Timestamp = Timestamp(1_795_417_200);

/// A daemon that answers each request by a function, and keeps what it was asked.
struct Daemon {
    dir: tempfile::TempDir,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Daemon {
    fn answering(answer: impl Fn(&Request) -> Reply + Send + 'static) -> Self {
        let daemon = Self {
            dir: tempfile::tempdir().unwrap(),
            asked: Arc::default(),
        };
        daemon.listen("admin", answer);
        daemon
    }

    fn listen(&self, name: &str, answer: impl Fn(&Request) -> Reply + Send + 'static) {
        let listener = UnixListener::bind(self.socket(name)).unwrap();
        let asked = Arc::clone(&self.asked);
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let request: Request = frame::read(&mut stream, frame::MAX_ADMIN_REQUEST).unwrap();
                let reply = answer(&request);
                // Before the reply: with it the command ends, and the test looks here.
                asked.lock().unwrap().push(request);
                frame::write(&mut stream, &reply, frame::MAX_REPLY).unwrap();
            }
        });
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        run(&self.socket("admin"), arguments, b"")
    }

    fn json(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let output = self.run(&[&["--json"], arguments].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        (
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")),
            output.status.code(),
        )
    }

    fn requests(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|request| format!("{request:?}")).collect()
    }
}

fn start(socket: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_domlogon"))
        .arg("--socket")
        .arg(socket)
        .args(arguments)
        .env("TZ", "Europe/Vienna")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn run(socket: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(socket, arguments);
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn reply(reply: admin::Reply) -> Reply {
    Reply::Admin(Box::new(reply))
}

fn alice() -> UserRecord {
    UserRecord {
        name: "alice".to_owned(),
        sid: "S-1-5-21-1-2-3-1001".to_owned(),
        rid: 1001,
        uid: 1_900_001_001,
        gid: 1_900_000_513,
        full_name: "Alice Liddell".to_owned(),
        home: "/home/alice".to_owned(),
        shell: "/bin/bash".to_owned(),
        has_password: true,
        disabled: false,
        locked: true,
        locked_until: Some(NOW.plus(1800)),
        must_change: false,
        cannot_change: false,
        password_never_expires: false,
        password_not_required: false,
        bad_password_count: 10,
        bad_password_at: Some(NOW),
        password_set_at: Some(NOW.plus(-86_400)),
        password_expires_at: Some(Timestamp(i64::MAX)),
        expires_at: None,
        hours: Some(LogonHours::NEVER),
        workstations: vec!["pc1".to_owned()],
        last_logon_at: None,
        groups: vec!["Domain Users".to_owned()],
        passed_over_home: None,
    }
}

#[test]
fn an_account_in_json_and_as_a_page() {
    let daemon = Daemon::answering(|_| reply(admin::Reply::User(Box::new(alice()))));
    let (user, code) = daemon.json(&["user", "show", "alice"]);
    assert_eq!(code, Some(0));
    for (name, expected) in [
        ("name", Value::from("alice")),
        ("uid", Value::from(1_900_001_001)),
        ("sid", Value::from("S-1-5-21-1-2-3-1001")),
        ("disabled", Value::from(false)),
        ("locked", Value::from(true)),
        ("locked_until", Value::from("2026-11-23T07:30:00Z")),
        ("must_change", Value::from(false)),
        ("bad_password_count", Value::from(10)),
        ("password_set_at", Value::from("2026-11-22T07:00:00Z")),
        ("expires_at", Value::Null),
    ] {
        assert_eq!(user.get(name), Some(&expected), "{name}");
    }
    assert_eq!(user["logon_hours"]["utc"], "never");

    let page = daemon.run(&["user", "show", "alice"]);
    let text = out(&page);
    for line in [
        "State                   locked\n",
        "Locked until            Mon 23 Nov 2026 08:30 CET (2026-11-23T07:30:00Z)\n",
        "Logon hours             never\n",
        "Workstations            pc1\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!text.contains("unixHomeDirectory"), "{text}");
}

#[test]
fn a_home_that_is_passed_over_is_shown() {
    let given = "/export/home/al\nice".to_owned();
    let user = UserRecord {
        passed_over_home: Some(given.clone()),
        ..alice()
    };
    let daemon = Daemon::answering(move |_| reply(admin::Reply::User(Box::new(user.clone()))));
    let (user, _) = daemon.json(&["user", "show", "alice"]);
    assert_eq!(user["passed_over_home"], Value::from(given));
    let text = out(&daemon.run(&["user", "show", "alice"]));
    let expected = "not /export/home/al?ice, its unixHomeDirectory: ";
    assert!(
        text.contains(expected)
            && text.contains("directory.homes")
            && text.contains("systemctl restart domlogond"),
        "{text}"
    );
}

#[test]
fn settings_reach_the_daemon_as_they_are_meant() {
    let daemon = Daemon::answering(|_| reply(admin::Reply::User(Box::new(alice()))));
    let output = daemon.run(&[
        "user",
        "set",
        "alice",
        "--expires",
        "2026-12-31",
        "--hours",
        "Mon 08:00-09:00 UTC",
        "--workstations",
        "pc1, pc2",
        "--must-change",
        "no",
        "--password-set-at",
        "2026-01-01T00:00:00Z",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    daemon.run(&[
        "user",
        "set",
        "alice",
        "--expires",
        "never",
        "--hours",
        "always",
        "--workstations",
        "any",
        "--force",
    ]);
    let asked = daemon.asked.lock().unwrap();
    let Some(Request::Admin(admin::Request::UserSet { changes, force, .. })) = asked.first() else {
        panic!("{asked:?}");
    };
    assert!(!force);
    assert_eq!(changes.expires, Some(Some(Timestamp(1_798_757_999))));
    let mut hours = LogonHours::NEVER;
    hours.allow(24 + 8);
    assert_eq!(changes.hours, Some(Some(hours)));
    assert_eq!(
        changes.workstations,
        Some(vec!["pc1".to_owned(), "pc2".to_owned()])
    );
    assert_eq!(changes.must_change, Some(false));
    assert_eq!(changes.disabled, None);
    assert_eq!(changes.password_set_at, Some(Timestamp(1_767_225_600)));
    let Some(Request::Admin(admin::Request::UserSet { changes, force, .. })) = asked.get(1) else {
        panic!("{asked:?}");
    };
    assert!(force);
    assert_eq!(changes.expires, Some(None));
    assert_eq!(changes.hours, Some(None));
    assert_eq!(changes.workstations, Some(Vec::new()));
}

#[test]
fn a_password_comes_from_standard_input_and_shows_nowhere() {
    let daemon = Daemon::answering(|_| reply(admin::Reply::User(Box::new(alice()))));
    let output = run(
        &daemon.socket("admin"),
        &["user", "password", "alice", "--stdin", "--must-change"],
        b"Tr0ub4dor&3\nmore\n",
    );
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("still locked"), "{}", out(&output));
    assert!(!out(&output).contains("Tr0ub"));
    let asked = daemon.asked.lock().unwrap();
    let Some(Request::Admin(admin::Request::UserPassword {
        password,
        must_change,
        unlock,
        ..
    })) = asked.first()
    else {
        panic!("{asked:?}");
    };
    assert_eq!(password.expose(), b"Tr0ub4dor&3");
    assert!(*must_change && !*unlock);
    drop(asked);

    let output = run(
        &daemon.socket("admin"),
        &["user", "password", "alice", "--stdin"],
        b"",
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains("Nothing was changed"),
        "{}",
        err(&output)
    );
    assert_eq!(daemon.requests().len(), 1);
}

#[test]
fn an_account_without_a_password_says_what_comes_next() {
    let daemon = Daemon::answering(|_| reply(admin::Reply::User(Box::new(alice()))));
    let output = daemon.run(&["user", "add", "alice", "--uid", "1900001001"]);
    assert_eq!(output.status.code(), Some(0));
    let text = out(&output);
    assert!(
        text.contains("uid 1900001001, S-1-5-21-1-2-3-1001"),
        "{text}"
    );
    assert!(text.contains("domlogon user password alice\n"), "{text}");
    let output = run(
        &daemon.socket("admin"),
        &["user", "add", "bob", "--password-stdin"],
        b"Passw0rd\n",
    );
    assert!(!out(&output).contains("disabled"), "{}", out(&output));
}

#[test]
fn a_demand_that_another_setting_overrules_is_told() {
    let daemon = Daemon::answering(|_| {
        let mut user = alice();
        user.password_never_expires = true;
        reply(admin::Reply::User(Box::new(user)))
    });
    let told = |output: &Output| out(output).contains("never expires. To end that");
    assert!(told(&daemon.run(&[
        "user",
        "set",
        "alice",
        "--must-change",
        "yes"
    ])));
    assert!(!told(&daemon.run(&[
        "user",
        "set",
        "alice",
        "--must-change",
        "no"
    ])));
}

#[test]
fn long_lists_are_paged_through() {
    let daemon = Daemon::answering(|request| match request {
        Request::Admin(admin::Request::UserList(after)) => {
            let mut user = alice();
            user.rid = after + 1;
            user.name = format!("user{}", user.rid);
            let next = (user.rid < 3).then_some(user.rid);
            reply(admin::Reply::Users(vec![user], next))
        }
        _ => reply(admin::Reply::Groups(
            vec![GroupRecord {
                name: "Staff".to_owned(),
                sid: "S-1-5-21-1-2-3-1002".to_owned(),
                rid: 1002,
                gid: 1_900_001_002,
                built_in: false,
                users: vec!["alice".to_owned()],
                groups: Vec::new(),
            }],
            // A next page that does not lead on ends the list.
            Some(0),
        )),
    });
    let (users, code) = daemon.json(&["user", "list"]);
    assert_eq!(code, Some(0));
    let names: Vec<&str> = users
        .as_array()
        .unwrap()
        .iter()
        .map(|u| u["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["user1", "user2", "user3"]);
    let text = out(&daemon.run(&["user", "list"]));
    assert!(
        text.starts_with(
            "NAME   UID         STATE   FULL NAME\nuser1  1900001001  locked  Alice Liddell\n"
        ),
        "{text}"
    );
    let text = out(&daemon.run(&["group", "list"]));
    assert_eq!(
        text,
        "NAME   GID         DIRECT MEMBERS\nStaff  1900001002  1 user\n"
    );
}

#[test]
fn refusals_exit_with_1_and_say_the_way_out() {
    let daemon = Daemon::answering(|request| {
        Reply::AdminRefused(Box::new(match request {
            Request::Admin(admin::Request::UserShow(name)) => AdminError::NoSuchUser(name.clone()),
            Request::Admin(admin::Request::PolicyShow) => {
                AdminError::Store(Verdict::InvalidDatabase)
            }
            _ => AdminError::LastAdministrator("Administrator".to_owned()),
        }))
    });
    let output = daemon.run(&["user", "show", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        "domlogon: There is no account nobody. Show all accounts with: domlogon user list\n"
    );
    assert_eq!(out(&output), "");
    let (error, code) = daemon.json(&["user", "delete", "Administrator"]);
    assert_eq!(code, Some(1));
    assert_eq!(error["error"]["name"], "last_administrator");
    let text = error["error"]["text"].as_str().unwrap();
    assert!(text.contains("2452") && text.contains("--force"), "{text}");
    assert_eq!(daemon.run(&["policy", "show"]).status.code(), Some(2));
}

#[test]
fn without_a_daemon_the_exit_is_2_and_the_cure_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(&dir.path().join("none"), &["status"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains("systemctl start domlogond"),
        "{}",
        err(&output)
    );
}

#[test]
fn a_daemon_that_hangs_is_looked_at_for_a_short_time_only() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let _silent = UnixListener::bind(&socket).unwrap();
    let begin = Instant::now();
    let mut work = start(&socket, &["user", "list"]);
    let looks = [
        start(&socket, &["status"]),
        start(&socket, &["explain", "alice", "--service", "login"]),
    ];
    for look in looks {
        let output = look.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(err(&output).contains("in time"), "{}", err(&output));
    }
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert!(work.try_wait().unwrap().is_none(), "work waits longer");
    work.kill().unwrap();
    work.wait().unwrap();
}

#[test]
fn a_wrong_command_line_exits_with_2_and_asks_nobody() {
    let daemon = Daemon::answering(|_| reply(admin::Reply::Done));
    for arguments in [
        &["user", "set", "alice"][..],
        &["user", "set", "alice", "--expires", "tomorrow"],
        &["user", "set", "alice", "--hours", "Mon-Fri"],
        &["user", "set", "alice", "--disabled", "maybe"],
        &["user", "set", "alice", "--workstations", "pc1,,pc2"],
        &["user", "add", "alice", "--password", "secret"],
        &["policy", "set"],
        &["policy", "set", "max-age=42"],
        &["group", "add-member", "Staff"],
        &["explain", "alice"],
        &["rights"],
        &["rights", "grant", "network"],
        &["rights", "grant", "net", "alice"],
        &["rights", "list", "deny", "network"],
        &["rights", "test", "alice"],
        &["rights", "simulate", "x.toml", "--since", "7"],
        &["rubbish"],
        &[],
    ] {
        let output = daemon.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!err(&output).is_empty(), "{arguments:?}");
    }
    assert_eq!(
        daemon
            .run(&["explain", "a:b", "--service", "login"])
            .status
            .code(),
        Some(1)
    );
    assert!(daemon.requests().is_empty());
}

#[test]
fn policy_is_set_together_and_shown() {
    let daemon = Daemon::answering(|_| reply(admin::Reply::Policy(Policy::default())));
    let output = daemon.run(&[
        "policy",
        "set",
        "min-length=8",
        "lockout-duration=forever",
        "warn=0",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(
        out(&output).contains("max-age            42d\n"),
        "{}",
        out(&output)
    );
    let asked = daemon.requests().concat();
    assert!(asked.contains("lockout_duration: Some(None)"), "{asked}");
    assert!(asked.contains("warn: Some(0)"), "{asked}");
    let (policy, _) = daemon.json(&["policy", "show"]);
    assert_eq!(policy["max_age_seconds"], 42 * 86_400);
    assert_eq!(policy["complexity"], true);
}

#[test]
fn several_members_go_in_one_request() {
    let daemon = Daemon::answering(|_| reply(admin::Reply::Done));
    let output = daemon.run(&["group", "add-member", "Staff", "alice", "Domain Users"]);
    assert_eq!(out(&output), "Now in Staff: alice, Domain Users.\n");
    let output = daemon.run(&["group", "remove-member", "Staff", "alice", "bob", "--force"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let asked = daemon.requests();
    assert_eq!(asked.len(), 2);
    assert!(
        asked[0].contains(r#"members: ["alice", "Domain Users"]"#),
        "{asked:?}"
    );
    assert!(
        asked[1].contains(r#"members: ["alice", "bob"], force: true"#),
        "{asked:?}"
    );
}

fn status(store: Verdict) -> Reply {
    status_with(store, rights::status("/etc/domlogon/rights.toml"))
}

fn status_with(store: Verdict, rights: RightsStatus) -> Reply {
    Reply::Status(Box::new(Status {
        version: "0.1.0".to_owned(),
        domain: "CORP".to_owned(),
        dns_name: "corp.example".to_owned(),
        domain_sid: "S-1-5-21-1-2-3".to_owned(),
        host: "ws1".to_owned(),
        backend: "accounts".to_owned(),
        store,
        users: 3,
        groups: 5,
        started_at: NOW,
        configured_at: NOW,
        reload_refused: true,
        granted: 7,
        refused: 1,
        confined: Confined {
            to: vec!["system calls by seccomp".to_owned()],
            not: vec!["not confined to its files: this kernel has no Landlock".to_owned()],
        },
        rights,
        directory: None,
    }))
}

#[test]
fn status_tells_a_sick_database_and_a_refused_reload() {
    let daemon = Daemon::answering(|_| status(Verdict::Success));
    let output = daemon.run(&["status"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).contains("REFUSED"), "{}", out(&output));
    let daemon = Daemon::answering(|_| status(Verdict::InvalidDatabase));
    let (json, code) = daemon.json(&["status"]);
    assert_eq!(code, Some(1));
    assert_eq!(json["store"]["number"], 2247);
    assert_eq!(json["store_ok"], false);
    assert_eq!(json["reload_refused"], true);
}

#[test]
fn status_tells_what_the_daemon_is_confined_to() {
    let daemon = Daemon::answering(|_| status(Verdict::Success));
    let text = out(&daemon.run(&["status"]));
    let mut lines = text.lines().map(str::trim);
    let to = "Confined          system calls by seccomp";
    assert!(lines.any(|line| line == to), "{text}");
    let not = "not confined to its files: this kernel has no Landlock";
    assert_eq!(lines.next(), Some(not), "{text}");
    let (json, _) = daemon.json(&["status"]);
    assert_eq!(json["confined_to"][0], "system calls by seccomp");
    assert_eq!(json["not_confined"].as_array().map(Vec::len), Some(1));
}

fn explanation(verdict: Verdict) -> Reply {
    Reply::Explanation(Box::new(Explanation {
        at: NOW,
        logon_type: LogonType::Network,
        can_change: true,
        steps: Vec::new(),
        with_password: Decision::new(verdict, Rule::Disabled),
        without_password: Decision::new(verdict, Rule::Disabled),
    }))
}

#[test]
fn explain_exits_by_its_answer() {
    for (reply, code) in [
        (explanation(Verdict::Success), 0),
        (explanation(Verdict::MustChange), 0),
        (explanation(Verdict::Disabled), 1),
        (Reply::Refused(Verdict::UserNotFound), 1),
        (Reply::Refused(Verdict::Busy), 2),
        (Reply::Refused(Verdict::AccessDenied), 2),
    ] {
        let given = reply.clone();
        let daemon = Daemon::answering(move |_| given.clone());
        let output = daemon.run(&[
            "explain",
            "alice",
            "--service",
            "sshd",
            "--at",
            "2026-11-23 08:00",
        ]);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{reply:?}: {}",
            err(&output)
        );
        let asked = daemon.requests().concat();
        assert!(asked.contains("at: Some(Timestamp(1795417200))"), "{asked}");
    }
}

/// Whoever may name an account or a group of a directory may not write on an administrator's
/// terminal by that.
#[test]
fn no_name_moves_the_cursor() {
    const HOSTILE: &str = "alice\u{1b}[2K\r\u{9b}A";
    let daemon = Daemon::answering(|request| match request {
        Request::Explain { .. } => {
            let mut reply = explanation(Verdict::Success);
            if let Reply::Explanation(explanation) = &mut reply {
                explanation.with_password.params.user = HOSTILE.to_owned();
            }
            reply
        }
        _ => Reply::AdminRefused(Box::new(AdminError::NoSuchUser(HOSTILE.to_owned()))),
    });
    let explained = out(&daemon.run(&["explain", "alice", "--service", "sshd"]));
    assert!(explained.starts_with("alice?[2K??A by"), "{explained:?}");
    let error = err(&daemon.run(&["user", "show", "alice"]));
    for text in [explained, error] {
        let moves = |c: char| c.is_control() && c != '\n';
        assert!(text.contains("alice") && !text.contains(moves), "{text:?}");
    }
}

#[test]
fn who_may_not_use_the_administrators_socket_asks_like_anybody() {
    let daemon = Daemon::answering(|_| Reply::Refused(Verdict::AccessDenied));
    daemon.listen("plain", |_| status(Verdict::Success));
    let plain = daemon.socket("plain");
    let output = daemon.run(&["--plain-socket", plain.to_str().unwrap(), "status"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let output = daemon.run(&["--plain-socket", plain.to_str().unwrap(), "user", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("sudo"), "{}", err(&output));
}

/// Puts a program in place, by another process: were this one to write it, the child that
/// another test starts meanwhile would hold it open for writing until its exec, and nothing
/// that is open for writing can be run ("text file busy").
fn install(from: &Path, to: &Path) {
    let status = Command::new("install")
        .args(["-m", "755"])
        .args([from, to])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn check_passes_on_what_the_daemons_program_says() {
    let dir = tempfile::tempdir().unwrap();
    let command = dir.path().join("domlogon");
    install(Path::new(env!("CARGO_BIN_EXE_domlogon")), &command);
    let text = dir.path().join("text");
    std::fs::write(&text, "#!/bin/sh\necho \"$1 $2: bad\" >&2\nexit 1\n").unwrap();
    install(&text, &dir.path().join("domlogond"));
    let output = Command::new(&command)
        .args(["check", "/x.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(err(&output), "--check /x.toml: bad\n");
    let output = Command::new(&command)
        .args(["--json", "check"])
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["good"], false);
    assert_eq!(json["text"], "--check /etc/domlogon/domlogon.toml: bad");
}

#[test]
fn help_has_examples_and_hides_what_is_for_tests() {
    let daemon = Daemon::answering(|_| reply(admin::Reply::Done));
    for arguments in [
        &["--help"][..],
        &["user", "set", "--help"],
        &["policy", "set", "--help"],
        &["explain", "--help"],
        &["rights", "--help"],
        &["rights", "grant", "--help"],
        &["rights", "simulate", "--help"],
    ] {
        let output = daemon.run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(!out(&output).contains("socket"), "{}", out(&output));
    }
    let help = out(&daemon.run(&["explain", "--help"]));
    assert!(
        help.contains("domlogon explain alice --service sshd\n"),
        "{help}"
    );
}
