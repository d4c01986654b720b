//! What is selected, and what our profile comes to.

use super::*;
use std::cell::RefCell;
use std::io::Write as _;
use std::process::{Command, Stdio};

thread_local! {
    /// The folder of an authselect of this test's.
    static FOLDER: RefCell<Option<String>> = const { RefCell::new(None) };
}

pub(super) fn path() -> String {
    let folder = FOLDER.with_borrow(Clone::clone);
    format!("{}:/usr/bin:/bin", folder.unwrap_or_default())
}

/// An authselect that keeps in its folder what is selected (`now`), and its backups.
pub(crate) fn pretend(folder: &Path, selected: &str) {
    const SCRIPT: &str = r#"#!/bin/sh
cd "${0%/*}" || exit 1
case "$1" in
current) cat now ;;
list-features) echo with-faillock ;;
backup-list) cat backups ;;
backup-restore) echo domlogon > now ;;
select)
    shift
    features=
    for word in "$@"; do
        case "$word" in
        --backup=*) echo "${word#--backup=}" >> backups ;;
        --*) ;;
        *) features="$features${features:+ }$word" ;;
        esac
    done
    echo "$features" > now ;;
esac
"#;
    fs::write(folder.join("now"), selected).unwrap();
    fs::write(folder.join("backups"), "").unwrap();
    // Written by another process: nobody who is started meanwhile holds it open.
    let mut writer = Command::new("sh")
        .args(["-c", "cat > authselect && chmod 0755 authselect"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = writer.stdin.take().unwrap();
    input.write_all(SCRIPT.as_bytes()).unwrap();
    drop(input);
    assert!(writer.wait().unwrap().success());
    FOLDER.set(Some(folder.to_str().unwrap().to_owned()));
}

#[test]
fn what_authselect_prints() {
    let text = "File /etc/authselect/a:\n\nauth x\nauth y\n\nFile /etc/nsswitch.conf:\n\npasswd: files\n\n";
    let files = files(text);
    assert_eq!(files.len(), 2);
    assert_eq!(files[0].0, "/etc/authselect/a");
    assert_eq!(trimmed(files[0].1.as_bytes()), b"auth x\nauth y\n");
    assert_eq!(trimmed(files[1].1.as_bytes()), b"passwd: files\n");
    assert_eq!(trimmed(b"\n\n"), b"");
    assert_eq!(trimmed(b"a"), b"a");
}

#[test]
fn features_are_kept_or_named() {
    let known = "with-faillock\nwithout-nullok\nwith-pamaccess\n";
    let from = "local without-nullok with-silent-lastlog with-faillock with-pam-u2f-2fa other";
    let features = Features::of(from, known);
    assert_eq!(features.kept, ["without-nullok", "with-faillock"]);
    assert_eq!(features.dropped, ["with-silent-lastlog"]);
    assert_eq!(features.lost, ["with-pam-u2f-2fa", "other"]);
    assert_eq!(Features::of("custom/with-x", known), Features::default());
    let said = EnableError::Features(PROFILE.into(), features.lost).to_string();
    for part in [
        "with-pam-u2f-2fa, other",
        "authselect disable-feature with-pam-u2f-2fa\n",
        "authselect disable-feature other\n",
        "Nothing was changed.",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn turning_off_keeps_the_features_that_are_on() {
    let known = "with-faillock\nwithout-nullok\nwith-pamaccess\nwith-mkhomedir\n";
    let to = |choice, from| with_features(choice, from, known);
    assert_eq!(
        to(
            "local with-mkhomedir without-nullok",
            "domlogon without-nullok with-faillock with-pamaccess"
        )
        .unwrap(),
        "local with-mkhomedir without-nullok with-faillock with-pamaccess"
    );
    assert_eq!(to("minimal", "domlogon").unwrap(), "minimal");
    let said = to("custom/site", "domlogon with-faillock with-pwhistory")
        .unwrap_err()
        .to_string();
    for part in [
        "its profile custom/site has not",
        "authselect disable-feature with-pwhistory\n",
        "Nothing was changed.",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn what_was_turned_on_meanwhile_is_kept_or_named() {
    let known = "with-faillock\nwithout-nullok\nwith-silent-lastlog\n";
    let select = Select::new(
        "local with-silent-lastlog without-nullok with-x".to_owned(),
        "domlogon without-nullok with-x".to_owned(),
    );
    let way = |now| select.way_back(now, known);
    // Nobody was there, however far it came.
    for now in [
        "domlogon with-x without-nullok",
        "local with-silent-lastlog without-nullok with-x",
        "",
    ] {
        assert_eq!(way(now), WayBack::Restore, "{now}");
    }
    assert_eq!(
        way("domlogon without-nullok with-faillock"),
        WayBack::Select("local with-silent-lastlog without-nullok with-x with-faillock".to_owned())
    );
    assert_eq!(
        way("domlogon without-nullok with-x with-pwhistory with-faillock"),
        WayBack::Lose(vec![
            "with-pwhistory".to_owned(),
            "with-faillock".to_owned()
        ])
    );
    assert_eq!(way("sssd with-faillock"), WayBack::Leave);
    assert_eq!(way("local with-faillock"), WayBack::Leave);
}

#[test]
fn what_was_before_is_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::under(folder.path());
    fs::create_dir_all(host.state()).unwrap();
    let path = host.state().join(BEFORE);
    fs::write(&path, "sssd with-mkhomedir").unwrap();
    let second = host.state().join("second name");
    fs::hard_link(&path, &second).unwrap();
    let select = Select::new("local with-faillock".to_owned(), PROFILE.to_owned());
    select.remember(&host).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "local with-faillock");
    assert_eq!(fs::read_to_string(&second).unwrap(), "sssd with-mkhomedir");
    assert_eq!(fs::read_dir(host.state()).unwrap().count(), 2);
}

/// Our templates as authselect fills them in with these features.
pub(crate) fn filled(template: &str, on: &[&str]) -> Vec<Vec<String>> {
    let is_on = |word: &str| on.contains(&word);
    let mut lines = Vec::new();
    for line in template.lines().filter(|line| !line.starts_with('#')) {
        let (line, condition) = line
            .split_once("{include if \"")
            .map_or((line, None), |(line, rest)| (line, rest.split('"').next()));
        if !condition.is_none_or(is_on) {
            continue;
        }
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, operator)) = rest.split_once("{if ") {
            let (operator, after) = operator.split_once('}').unwrap();
            let (expression, values) = operator.split_once(':').unwrap();
            let (yes, no) = values.split_once('|').unwrap_or((values, ""));
            let word = expression.trim_start_matches("not ").trim_matches('"');
            let holds = is_on(word) != expression.starts_with("not ");
            text.push_str(before);
            text.push_str(if holds { yes } else { no });
            rest = after;
        }
        text.push_str(rest);
        assert!(!text.contains(['{', '}']), "{text}");
        lines.push(text.split_whitespace().map(str::to_owned).collect());
    }
    lines
}

/// Where a stack goes on after a module has said yes.
fn after_yes(stack: &[Vec<String>], module: &str) -> String {
    let at = stack
        .iter()
        .position(|line| line.iter().any(|word| word == module))
        .unwrap();
    let jump = stack[at][1].trim_start_matches("[success=");
    stack[at + 1 + jump.parse::<usize>().unwrap()].join(" ")
}

#[test]
fn with_every_feature_of_ours_a_yes_jumps_over_the_refusals() {
    let templates = [
        include_str!("../../../../../packaging/authselect/system-auth"),
        include_str!("../../../../../packaging/authselect/password-auth"),
    ];
    assert_eq!(templates[0], templates[1]);
    let words = [
        "with-faillock",
        "with-pamaccess",
        "with-pwhistory",
        "without-nullok",
    ];
    for set in 0..16 {
        let on: Vec<&str> = (0..4)
            .filter(|bit| (set >> bit) & 1 == 1)
            .map(|bit| words[bit])
            .collect();
        let all = filled(templates[0], &on);
        let stack = |kind: &str| -> Vec<Vec<String>> {
            let lines = all
                .iter()
                .filter(|line| line.first().is_some_and(|word| word == kind));
            lines.cloned().collect()
        };
        for kind in ["auth", "password"] {
            for module in ["pam_domlogon.so", "pam_unix.so"] {
                let next = after_yes(&stack(kind), module);
                assert_eq!(next, format!("{kind} required pam_permit.so"), "{on:?}");
            }
        }
        let has =
            |kind: &str, part: &str| stack(kind).iter().any(|line| line.join(" ").contains(part));
        for (word, kind, part) in [
            (
                "with-faillock",
                "auth",
                "required pam_faillock.so preauth silent",
            ),
            ("with-faillock", "auth", "required pam_faillock.so authfail"),
            ("with-faillock", "account", "required pam_faillock.so"),
            ("with-pamaccess", "account", "required pam_access.so"),
            (
                "with-pwhistory",
                "password",
                "requisite pam_pwhistory.so use_authtok",
            ),
        ] {
            assert_eq!(has(kind, part), on.contains(&word), "{on:?}: {part}");
        }
        let nullok = !on.contains(&"without-nullok");
        assert_eq!(has("auth", " nullok"), nullok, "{on:?}");
        assert_eq!(has("password", " nullok"), nullok, "{on:?}");
        assert!(has("auth", "required pam_faildelay.so delay=2000000"));
        assert!(has("password", "requisite pam_pwquality.so"));
        // Who is not local passes the rules for local passwords by.
        let password = stack("password");
        let jump = password[0][2]
            .trim_start_matches("default=")
            .trim_end_matches(']');
        let next = &password[1 + jump.parse::<usize>().unwrap()];
        assert_eq!(
            next.join(" "),
            "password [success=1 default=ignore] pam_localuser.so"
        );
    }
}

#[test]
fn ours() {
    assert!(is_ours("domlogon with-custom-passwd") && is_ours("custom/domlogon"));
    assert!(!is_ours("sssd domlogon") && !is_ours(""));
}
