//! Granting and revoking: what happens to the file.

use super::{FILE, checked, status};
use crate::{Daemon, err, out, reply, run, start};
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::rights::{Checked, Loaded, Problem, ProblemKind, RightsShown};
use domlogon_protocol::{Reply, Request, Verdict};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A daemon whose file of rights is this. Where there is none, its lists are these.
fn serving(file: &Path, loaded: Loaded) -> Daemon {
    let file = file.to_owned();
    Daemon::answering(move |request| {
        let read = || checked(&fs::read_to_string(&file).unwrap_or_default(), &[]);
        let shown = |checked: Checked, version| {
            let mut status = status(file.to_str().unwrap());
            if !file.exists() {
                status.loaded = loaded;
            } else if loaded == Loaded::LastGood {
                status.refused = Some(Problem {
                    place: None,
                    kind: ProblemKind::Empty,
                });
            }
            status.version = version;
            status.warnings = checked.problems;
            reply(admin::Reply::Rights(Box::new(RightsShown {
                status,
                lists: checked.lists,
                services: Vec::new(),
            })))
        };
        let refused = |problem| Reply::AdminRefused(Box::new(AdminError::Rights(problem)));
        let Request::Admin(request) = request else {
            return Reply::Refused(Verdict::AccessDenied);
        };
        match request {
            admin::Request::RightsShow => match read() {
                Ok(checked) => shown(checked, 7),
                Err(_) => shown(checked("", &[]).unwrap(), 7),
            },
            admin::Request::RightsReload => match read() {
                Ok(checked) => match checked.problems.iter().find(|p| !p.kind.is_warning()) {
                    Some(problem) => refused(Box::new(problem.clone())),
                    None => shown(checked, 8),
                },
                Err(problem) => refused(problem),
            },
            admin::Request::RightsCheck { text, names } => match checked(text, names) {
                Ok(checked) => reply(admin::Reply::RightsChecked(Box::new(checked))),
                Err(problem) => refused(problem),
            },
            _ => Reply::Refused(Verdict::AccessDenied),
        }
    })
}

/// A file of rights, and the daemon that has it.
struct Site {
    _dir: tempfile::TempDir,
    file: PathBuf,
    daemon: Daemon,
}

impl Site {
    /// Without a file; what is in force then.
    fn empty(loaded: Loaded) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rights.toml");
        let daemon = serving(&file, loaded);
        Self {
            _dir: dir,
            file,
            daemon,
        }
    }

    fn with(text: &str) -> Self {
        let site = Self::empty(Loaded::Default);
        fs::write(&site.file, text).unwrap();
        site
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }

    /// A change of this file.
    fn command<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let file = self.file.to_str().unwrap();
        [&["rights"], arguments, &["--file", file]].concat()
    }

    /// Runs the command, which must exit so, and gives what it wrote: to standard output
    /// if it went well, else to standard error.
    fn run(&self, arguments: &[&str], code: i32) -> String {
        let output = self.daemon.run(&self.command(arguments));
        let (out, err) = (out(&output), err(&output));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {out}{err}"
        );
        if code == 0 { out } else { err }
    }

    /// Runs a command that changes nothing.
    fn refuses(&self, arguments: &[&str], code: i32) -> String {
        let before = self.text();
        let said = self.run(arguments, code);
        assert_eq!(self.text(), before, "{arguments:?}");
        let folder = self.file.parent().unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "{arguments:?}");
        said
    }
}

#[test]
fn a_grant_and_a_revoke_change_their_line_and_show_the_list() {
    let site = Site::with(FILE);
    fs::set_permissions(&site.file, fs::Permissions::from_mode(0o640)).unwrap();
    let said = site.run(&["grant", "Network", "ALICE"], 0);
    assert_eq!(
        said.replace(site.file.to_str().unwrap(), "FILE"),
        "\
Now in SeNetworkLogonRight (\"Access this computer from the network\"): alice.
In force at the next logon: version 8 from FILE, taken Mon 23 Nov 2026 08:00 CET (2026-11-23T07:00:00Z).

Access this computer from the network (SeNetworkLogonRight): from the file
  Everyone  S-1-1-0
  Staff     S-1-5-21-1-2-3-1100, written CORP\\Staff
  alice     S-1-5-21-1-2-3-1001
"
    );
    let granted = FILE.replace("# all of them\n", "# all of them\n  \"alice\",\n");
    assert_eq!(site.text(), granted);
    assert_eq!(fs::metadata(&site.file).unwrap().mode() & 0o7777, 0o640);
    let said = site.run(
        &["revoke", "access this computer from the network", "alice"],
        0,
    );
    assert!(
        said.starts_with("No longer in SeNetworkLogonRight"),
        "{said}"
    );
    assert_eq!(site.text(), FILE);
    site.run(&["revoke", "deny-network", "S-1-5-21-1-2-3-1002"], 0);
    assert_eq!(site.text(), FILE.replace("['bob']", "[]"));
    site.run(&["revoke", "network", "staff"], 0);
    assert!(!site.text().contains("Staff"), "{}", site.text());
}

#[test]
fn the_answer_in_json_has_the_list_as_it_is_now() {
    let site = Site::with(FILE);
    let arguments = site.command(&["grant", "deny network", "engineers", "Staff"]);
    let (answer, code) = site.daemon.json(&arguments);
    assert_eq!(code, Some(0));
    assert_eq!(answer["changed"], true);
    assert_eq!(answer["right"], "SeDenyNetworkLogonRight");
    assert_eq!(answer["principals"], json!(["engineers", "Staff"]));
    assert_eq!(answer["version"], 8);
    let names: Vec<&str> = answer["list"]["holders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|holder| holder["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["bob", "engineers", "Staff"]);
    let (refused, code) = site.daemon.json(&arguments);
    assert_eq!(code, Some(1));
    assert_eq!(refused["error"]["name"], "already_listed");
}

#[test]
fn a_host_without_a_file_gets_the_shipped_one() {
    let site = Site::empty(Loaded::Default);
    let said = site.run(&["grant", "batch", "Users"], 0);
    assert!(said.contains("built-in holders were in force"), "{said}");
    let shipped = include_str!("../../../../packaging/rights.toml");
    let text = site.text();
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("SeBatchLogonRight"))
        .collect();
    assert_eq!(kept, shipped.lines().collect::<Vec<_>>());
    assert!(
        text.contains(
            "\nSeBatchLogonRight = [\"Administrators\", \"Backup Operators\", \
             \"Performance Log Users\", \"Users\"]\n"
        ),
        "{text}"
    );
    assert_eq!(fs::metadata(&site.file).unwrap().mode() & 0o7777, 0o644);
}

#[test]
fn a_file_that_is_gone_is_not_made_anew_over_the_lists_in_force() {
    let site = Site::empty(Loaded::LastGood);
    let said = site.run(&["grant", "network", "alice"], 1);
    assert!(
        said.contains("is gone or empty, and the lists from before"),
        "{said}"
    );
    let cure = format!("echo '[rights]' >{}", site.file.display());
    assert!(said.contains(&cure), "{said}");
    assert!(!site.file.exists());
}

#[test]
fn an_empty_file_gets_no_list_in_the_place_of_those_in_force() {
    let site = Site::with("");
    site.run(&["grant", "network", "alice"], 0);
    assert!(site.text().contains("alice"), "none was in force");
    let site = Site::empty(Loaded::LastGood);
    fs::write(&site.file, " \n").unwrap();
    let said = site.refuses(&["grant", "network", "alice"], 1);
    assert!(said.contains("is gone or empty"), "{said}");
}

#[test]
fn what_cannot_be_done_changes_nothing_and_says_why() {
    let site = Site::with(FILE);
    for (arguments, said) in [
        (
            &["grant", "network", "alice", "ghost"][..],
            "neither a user nor a security group \"ghost\"",
        ),
        (&["grant", "network", "alice", "staff"], "Already in"),
        (&["grant", "network", "a:b"], "no user name"),
        (
            &["revoke", "network", "alice"],
            "Not in SeNetworkLogonRight",
        ),
        (&["revoke", "network", "ghost"], "domlogon user list"),
        (&["revoke", "interactive", "alice"], "Not in"),
    ] {
        let text = site.refuses(arguments, 1);
        assert!(text.contains(said), "{text}");
        assert!(
            text.contains("Nothing was changed") || said == "no user name",
            "{text}"
        );
    }
}

#[test]
fn the_last_administrator_at_the_console_needs_force() {
    let site = Site::with(FILE);
    let revoke = ["revoke", "interactive", "Administrators"];
    let text = site.refuses(&revoke, 1);
    assert!(
        text.contains("no administrator of the domain could log on locally")
            && text.contains("--force"),
        "{text}"
    );
    site.run(&[&revoke[..], &["--force"]].concat(), 0);
    assert!(
        site.text()
            .contains("SeInteractiveLogonRight = [\"Users\", \"Backup Operators\"]"),
        "{}",
        site.text()
    );
}

#[test]
fn a_file_that_is_not_taken_can_be_mended_name_by_name() {
    let site = Site::with("[rights]\nSeDenyNetworkLogonRight = [\"ghost\", \"bob\", \"spook\"]\n");
    let text = site.refuses(&["grant", "network", "alice"], 1);
    for part in [
        "The file has errors and is not taken. Nothing was changed.\n",
        "rights.toml:2:29: SeDenyNetworkLogonRight names \"ghost\"",
        "\n  2 | SeDenyNetworkLogonRight = [\"ghost\", \"bob\", \"spook\"]\n    |                             ^\n",
        "domlogon rights revoke 'deny network' spook",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    site.refuses(&["revoke", "deny network", "bob"], 1);
    let text = site.run(&["revoke", "deny network", "Ghost"], 1);
    assert!(
        text.contains("is changed, but the daemon does not take it"),
        "{text}"
    );
    assert!(text.contains("\"spook\""), "{text}");
    site.run(&["revoke", "deny network", "spook"], 0);
    assert_eq!(
        site.text(),
        "[rights]\nSeDenyNetworkLogonRight = [\"bob\"]\n"
    );

    let site = Site::with("[rights\n");
    let text = site.refuses(&["revoke", "network", "alice"], 1);
    assert!(
        text.contains("rights.toml:1:1: no TOML, expected TOML\n  1 | [rights\n"),
        "{text}"
    );
    let site = Site::with("[rights]\nSeNetworkLogonRight=[]\nsenetworklogonright=[]\n");
    let text = site.refuses(&["grant", "network", "alice"], 1);
    assert!(
        text.contains("rights.toml:3: this is the second list"),
        "{text}"
    );
}

#[test]
fn without_a_daemon_nothing_is_changed_and_the_way_by_hand_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("none");
    for verb in ["grant", "revoke"] {
        let output = run(&socket, &["rights", verb, "network", "alice"], b"");
        assert_eq!(output.status.code(), Some(2));
        let text = err(&output);
        assert!(text.contains("systemctl start domlogond"), "{text}");
        assert!(
            text.contains("/etc/domlogon/rights.toml can be changed with an editor"),
            "{text}"
        );
    }
}

/// The daemon does not run as root, and may be somebody else's one day.
#[test]
fn the_daemon_does_not_choose_which_file_is_written() {
    let site = Site::empty(Loaded::Default);
    let named = site.file.to_str().unwrap();
    let own = site.file.with_file_name("own.toml");
    let own = own.to_str().unwrap();
    let change = ["rights", "grant", "network", "alice"];
    for (arguments, file) in [
        (change.to_vec(), "/etc/domlogon/rights.toml"),
        ([&change[..], &["--file", own]].concat(), own),
    ] {
        let output = site.daemon.run(&arguments);
        let text = err(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        for part in [
            &format!("would change {file}, and"),
            named,
            "Nothing was changed.",
            "--config",
            "systemctl restart domlogond",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let folder = site.file.parent().unwrap();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "{text}");
    }
    let (answer, _) = site.daemon.json(&change);
    assert_eq!(answer["error"]["name"], "other_file");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let site = Site::with(FILE);
    let folder = site.file.parent().unwrap();
    // Not even root can make a file where a folder stands.
    fs::create_dir(folder.join(".rights.toml.new")).unwrap();
    let text = site.run(&["grant", "network", "alice"], 2);
    assert!(text.contains("rights.toml cannot be written"), "{text}");
    assert_eq!(site.text(), FILE);
}

#[test]
fn two_commands_at_once_lose_nothing() {
    let site = Site::with("[rights]\nSeNetworkLogonRight = []\n");
    let children: Vec<_> = ["alice", "bob", "Staff", "engineers"]
        .into_iter()
        .map(|name| {
            let arguments = site.command(&["grant", "network", name]);
            start(&site.daemon.socket("admin"), &arguments)
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    }
    for name in ["alice", "bob", "Staff", "engineers"] {
        assert!(
            site.text().contains(&format!("\"{name}\"")),
            "{}",
            site.text()
        );
    }
}
