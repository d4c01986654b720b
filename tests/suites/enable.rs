//! `domlogon enable`, `confirm` and `disable` on a fresh Debian: all that may go wrong in
//! between, and that the host is then as it was, or whole.

mod stage;

use crate::{Case, case, slow};
use domlogon_tests::account::Condition::*;
use domlogon_tests::sshd::Method;
use domlogon_tests::{
    LOCAL_PASSWORD, PASSWORD, Program, ROOT_PASSWORD, Result, World, domlogon, ensure,
    ensure_contains, ensure_equal,
};
use nix::sys::signal::Signal;
use stage::{
    AUTH, JOURNAL, NSSWITCH, STATE, Stage, command, is_on, journal_gone, no_guest_left, picture,
    same, shell,
};
use std::fs;
use std::path::Path;
use std::time::Duration;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("enable/dry run", dry_run),
        case("enable/on and off", on_and_off),
        case("enable/hand edits are kept", hand_edits),
        case("enable/stacks laid by hand", laid_by_hand),
        case("enable/the proofs find", proofs),
        case("enable/no daemon, no root", no_daemon),
        case("enable/refused before anything is changed", refused),
        case("enable/read-only etc", read_only),
        slow("enable/full disk", full_disk),
        case("enable/nsswitch with Windows line ends", carriage_returns),
        case("enable/authselect", authselect),
        slow("enable/killed at any time", killed),
        case("enable/confirmed from a new logon", confirmed),
        slow("enable/not confirmed", not_confirmed),
        case("enable/after a reboot", rebooted),
    ]
}

fn dry_run(_: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    let before = picture()?;
    let text = command(&["enable", "--dry-run"])?.exits(0)?.text();
    for part in [
        "--- /etc/pam.d/common-auth\n+++ /etc/pam.d/common-auth\n",
        "+account\t[success=ok new_authtok_reqd=ok user_unknown=ignore default=bad]\tpam_domlogon.so",
        "+passwd: files domlogon",
        "Nothing was changed.",
    ] {
        ensure_contains("domlogon enable --dry-run", &text, part)?;
    }
    let answer = command(&["enable", "--dry-run", "--json"])?.exits(0)?;
    let json = answer.json()?;
    ensure_equal("state", json["state"].as_str(), Some("dry_run"))?;
    same("after a dry run", &picture()?, &before)?;
    ensure(!Path::new(STATE).exists(), STATE, "not made", "there")
}

fn on_and_off(world: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    let before = picture()?;
    let text = command(&["enable"])?.exits(0)?.text();
    ensure_contains(
        "enable",
        &text,
        "domlogon is turned on. Proved through libpam",
    )?;
    ensure_contains("enable", &text, "(login, sshd, su, sudo)")?;
    ensure(is_on()?, "enable", "on", "off")?;
    ensure(!Path::new(JOURNAL).exists(), "the journal", "gone", "there")?;
    no_guest_left()?;
    let kept = fs::read("/var/lib/domlogon-enable/last/files.json").is_ok();
    ensure(kept, "the backup", "kept", "absent")?;

    let account = world.account(Good)?;
    let mut session = world
        .sshd()?
        .client(&account.name, Method::Password, "echo I am $(id -un)")
        .on_terminal()?;
    session.answer("assword: ", PASSWORD)?;
    session.expect(&format!("I am {}", account.name))?;
    session.finish_with(0)?;
    local_user_passes()?;

    let on = picture()?;
    let text = command(&["enable"])?.exits(0)?.text();
    ensure_contains("enable again", &text, "already")?;
    same("enabling twice", &picture()?, &on)?;

    let text = command(&["disable"])?.exits(0)?.text();
    ensure_contains("disable", &text, "domlogon is turned off.")?;
    same("after disable", &picture()?, &before)?;
    let text = command(&["disable"])?.exits(0)?.text();
    ensure_equal("disable again", text.as_str(), "domlogon is turned off.\n")?;
    let quiet = command(&["disable", "--package"])?.exits(0)?.text();
    ensure_equal("disable --package", quiet.as_str(), "")?;
    same("after disable again", &picture()?, &before)?;

    command(&["enable"])?.exits(0)?;
    let quiet = command(&["disable", "--package"])?.exits(0)?.text();
    ensure_equal("disable --package", quiet.as_str(), "")?;
    same("after disable --package", &picture()?, &before)
}

/// The local user logs on through su, and changes his password, which is then the old again.
fn local_user_passes() -> Result<()> {
    shell("cp -p /etc/shadow /run/shadow")?;
    let passed = local_user_logs_on_and_changes();
    shell("cp -p /run/shadow /etc/shadow")?;
    passed
}

fn local_user_logs_on_and_changes() -> Result<()> {
    let mut session = Program::new("su")
        .args(&["localuser", "-c", "echo I am $(id -un)"])
        .as_user("nobody")?
        .on_terminal()?;
    session.answer("assword: ", LOCAL_PASSWORD)?;
    session.expect("I am localuser")?;
    session.finish_with(0)?;
    let new = "An0ther-pa55word";
    let mut session = Program::new("passwd").as_user("localuser")?.on_terminal()?;
    session.answer("urrent password: ", LOCAL_PASSWORD)?;
    session.answer("ew password: ", new)?;
    session.answer("new password: ", new)?;
    session.finish_with(0).map(drop)
}

fn hand_edits(_: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    command(&["enable"])?.exits(0)?;
    // Outside the marks: pam-auth-update itself keeps that.
    shell(&format!(
        "echo '# mine' >>{AUTH}; echo 'auth optional pam_group.so' >>{AUTH}
        sed -i -e 's/^passwd: .*/passwd: files domlogon mine/' {NSSWITCH}"
    ))?;
    command(&["disable"])?.exits(0)?;
    ensure(!is_on()?, "disable", "off", "on")?;
    let text = shell(&format!("cat {AUTH} {NSSWITCH}"))?;
    for part in [
        "# mine\nauth optional pam_group.so\n",
        "passwd: files mine\n",
    ] {
        ensure_contains("what was edited", &text, part)?;
    }

    // Between the marks: it leaves such files alone, so our lines are taken out one by one.
    shell(&format!("sed -i -e 's/ mine//' {NSSWITCH}"))?;
    command(&["enable"])?.exits(0)?;
    shell(&format!(
        "sed -i -e 's/^# end of pam-auth-update/auth optional pam_group.so\\n&/' {AUTH}"
    ))?;
    command(&["disable"])?.exits(0)?;
    ensure(!is_on()?, "disable", "off", "on")?;
    let text = shell(&format!("cat {AUTH}; cat /var/lib/pam/auth"))?;
    ensure_contains("what was edited", &text, "pam_group.so\n# end of")?;
    ensure(
        !text.contains("domlogon"),
        "notes and stack",
        "nothing of ours",
        &text,
    )?;
    local_user_passes()?;
    // And now enabling says what is in the way.
    let before = picture()?;
    let text = command(&["enable"])?.exits(1)?.text();
    ensure_contains("enable", &text, "edited by hand")?;
    ensure_contains("enable", &text, "Nothing was changed.")?;
    same("after a refusal", &picture()?, &before)
}

/// The stacks of pam.d/debian, put in by hand: disable takes the lines out.
fn laid_by_hand(_: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    shell(&format!(
        "cp {}/common-* /etc/pam.d/; sed -i -e 's/^\\(passwd\\|group\\): files/& domlogon/' {NSSWITCH}",
        stage::root("pam.d/debian")
    ))?;
    ensure(is_on()?, "by hand", "on", "off")?;
    command(&["disable"])?.exits(0)?;
    let rules = shell("grep -hE '^[^#]*pam_(domlogon|localuser)' /etc/pam.d/common-* || true")?;
    ensure_equal("our lines", rules.as_str(), "")?;
    let auth = shell(&format!("grep -v '^#' {AUTH} | tr -s ' '"))?;
    ensure_contains(
        AUTH,
        &auth,
        "auth [success=1 default=ignore] pam_unix.so nullok",
    )?;
    local_user_passes()
}

/// Where the host keeps the module and the plugin.
const PLACES: &str = "module=$(find /usr/lib /lib -name pam_domlogon.so 2>/dev/null | head -n1)
    folder=$(dirname $module)
    plugin=$(ls /run/sandbox/lib/libnss_domlogon.so.2)";

fn proofs(_: &mut World) -> Result<()> {
    let faults = [
        ("echo broken >$module", "with its right password"),
        (
            "cat $folder/pam_deny.so >$module",
            "with its right password",
        ),
        (
            "cat $folder/pam_permit.so >$module",
            "with a wrong password",
        ),
        ("rm $plugin", "is not found (libnss_domlogon.so.2"),
        // One that refuses everybody, before the jump over it: local accounts too.
        (
            "sed -i -e 's/success=1/success=ok/' /usr/share/pam-configs/domlogon
             cat $folder/pam_deny.so >$module",
            "the local account",
        ),
        // What was once shipped by others: refusals are thrown away.
        (
            "sed -i -e 's/user_unknown=ignore default=bad/default=ignore/' /usr/share/pam-configs/domlogon",
            "a disabled account of the domain",
        ),
    ];
    for (fault, wanted) in faults {
        let _stage = Stage::set()?;
        shell(&format!(
            "{PLACES}; cp -p $module /run/module; cp -p $plugin /run/plugin"
        ))?;
        let before = picture()?;
        let broken = shell(&format!("{PLACES}\n{fault}"));
        let answer = command(&["enable"]);
        shell(
            "cp --remove-destination -p /run/plugin /run/sandbox/lib/libnss_domlogon.so.2
             module=$(find /usr/lib /lib -name pam_domlogon.so 2>/dev/null | head -n1)
             cp --remove-destination -p /run/module $module",
        )?;
        broken?;
        let text = answer?.exits(1)?.text();
        ensure_contains(fault, &text, wanted)?;
        ensure_contains(fault, &text, "the host is as it was before")?;
        same(fault, &picture()?, &before)?;
        ensure(!Path::new(JOURNAL).exists(), fault, "no journal", "one")?;
        no_guest_left()?;
    }
    Ok(())
}

fn no_daemon(world: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    let before = picture()?;
    let user = Program::new("domlogon")
        .arg("enable")
        .as_user("localuser")?;
    let text = domlogon_tests::cli::run(&user, "")?.exits(2)?.text();
    ensure_contains("enable", &text, "as root")?;
    world.take_daemon()?.kill();
    let text = command(&["enable"])?.exits(2)?.text();
    ensure_contains("enable", &text, "not running")?;
    ensure_contains("enable", &text, "Nothing was changed.")?;
    same("without a daemon", &picture()?, &before)?;
    command(&["disable"])?.exits(0).map(drop)
}

fn refused(_: &mut World) -> Result<()> {
    let faults = [
        (
            "mv /etc/pam.d/common-auth /etc/pam.d/other-auth; ln -s other-auth /etc/pam.d/common-auth",
            "symbolic link",
        ),
        (
            "cp /etc/nsswitch.conf /run/ns; ln -sf /run/ns /etc/nsswitch.conf",
            "symbolic link",
        ),
        (
            "rm /etc/nsswitch.conf; mkdir /etc/nsswitch.conf",
            "no file at all",
        ),
        (
            "sed -i -e 's/$/\\r/' /etc/pam.d/common-auth",
            "Windows line ends",
        ),
        (
            "rm /usr/share/pam-configs/domlogon-password",
            "Install the package",
        ),
        (
            "sed -i -e 's/^account.*pam_unix.*/account sufficient pam_sss.so\\n&/' /etc/pam.d/common-account",
            "edited by hand",
        ),
        (
            "printf 'passwd: files \\377\\ngroup: files\\n' >/etc/nsswitch.conf",
            "not UTF-8",
        ),
    ];
    for (fault, wanted) in faults {
        let _stage = Stage::set()?;
        shell(fault)?;
        let before = picture()?;
        let text = command(&["enable"])?.exits(1)?.text();
        ensure_contains(fault, &text, wanted)?;
        ensure_contains(fault, &text, "Nothing was changed.")?;
        same(fault, &picture()?, &before)?;
        ensure(!Path::new(JOURNAL).exists(), fault, "no journal", "one")?;
        shell("rm -rf /etc/nsswitch.conf /etc/pam.d/other-auth")?;
    }
    Ok(())
}

fn read_only(_: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    let before = picture()?;
    shell("mount -o remount,bind,ro /etc")?;
    let answer = command(&["enable"]);
    shell("mount -o remount,bind,rw /etc")?;
    let text = answer?.exits(1)?.text();
    ensure_contains("enable", &text, "Read-only file system")?;
    ensure_contains("enable", &text, "Nothing was changed.")?;
    same("a read-only /etc", &picture()?, &before)?;

    command(&["enable"])?.exits(0)?;
    let on = picture()?;
    shell("mount -o remount,bind,ro /etc")?;
    let answer = command(&["disable"]);
    shell("mount -o remount,bind,rw /etc")?;
    answer?.exits(1)?;
    same("disable on a read-only /etc", &picture()?, &on)
}

/// The disk is full at each of the places that are written, with ever more room left.
fn full_disk(_: &mut World) -> Result<()> {
    for place in ["/etc/pam.d", STATE, "/var/lib/pam"] {
        let _stage = Stage::set()?;
        let before = picture()?;
        shell(&format!(
            "mkdir -p {place}; mount -t tmpfs -o size=1m,mode=755 tmpfs /mnt && cp -a {place}/. /mnt/
             mount --move /mnt {place} && head -c 2m /dev/zero >{place}/filler 2>/dev/null; true"
        ))?;
        let mut seen = Vec::new();
        let result = (0..40).try_for_each(|pages| {
            if !seen.is_empty() && seen.last() == Some(&true) {
                return Ok(());
            }
            shell(&format!(
                "size=$(stat -c %s {place}/filler); truncate -s $((size - {})) {place}/filler",
                if pages == 0 { 0 } else { 4096 }
            ))?;
            let answer = command(&["enable"])?;
            seen.push(answer.code() == 0);
            if answer.code() == 0 {
                return ensure(is_on()?, "enable", "on", "off");
            }
            let text = answer.exits(1)?.text();
            ensure_contains(place, &text, "No space left on device")?;
            let mut now = picture()?;
            now.retain(|path, _| !path.ends_with("filler"));
            same(&format!("{place}, {pages} pages left"), &now, &before)?;
            ensure(!Path::new(JOURNAL).exists(), place, "no journal", "one")
        });
        shell(&format!("rm -f {place}/filler"))?;
        let off = command(&["disable"]).and_then(|answer| answer.exits(0));
        let lazy = shell(&format!("umount -l {place}"));
        result?;
        off?;
        lazy?;
        ensure(
            seen.first() == Some(&false) && seen.last() == Some(&true),
            place,
            "refused while full, done with room",
            format!("{seen:?}"),
        )?;
        no_guest_left()?;
    }
    Ok(())
}

fn carriage_returns(_: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    shell(&format!("sed -i -e 's/$/\\r/' {NSSWITCH}"))?;
    let before = picture()?;
    command(&["enable"])?.exits(0)?;
    let text = shell(&format!("cat {NSSWITCH}"))?;
    ensure_contains(NSSWITCH, &text, "passwd: files domlogon\r\n")?;
    command(&["disable"])?.exits(0)?;
    same("after disable", &picture()?, &before)
}

/// A stand-in with authselect's commands, options and output: two profiles, and backups.
const AUTHSELECT: &str = r#"#!/bin/sh
set -eu
conf=/etc/authselect/authselect.conf
command=$1 name=${2:-} backup=
case $command in
    current) cat $conf ;;
    enable-feature) echo "$(cat $conf) $name" >$conf ;;
    list-features) cat /run/profiles/"$name"/features ;;
    test)
        [ -d /run/profiles/"$name" ] || { echo "no such profile" >&2; exit 2; }
        for file in nsswitch.conf; do
            printf 'File %s:\n' /etc/$file; cat /run/profiles/"$name"/$file; printf '\n\n'
        done ;;
    select)
        for word in "$@"; do case $word in --backup=*) backup=${word#--backup=} ;; esac; done
        mkdir -p /run/backups/"$backup"
        cp $conf /etc/nsswitch.conf /etc/pam.d/common-* /run/backups/"$backup"/
        cp /run/profiles/"$name"/common-* /etc/pam.d/
        cp /run/profiles/"$name"/nsswitch.conf /etc/
        shift
        for word in "$@"; do case $word in --*) ;; *) printf '%s ' "$word" ;; esac; done >$conf ;;
    backup-list) ls /run/backups ;;
    backup-restore)
        cp /run/backups/"$name"/common-* /etc/pam.d/
        cp /run/backups/"$name"/nsswitch.conf /etc/
        cp /run/backups/"$name"/authselect.conf $conf ;;
    *) exit 2 ;;
esac
"#;

fn authselect(_: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    let make = format!(
        "set -e; mkdir -p /etc/authselect /run/profiles/local /run/profiles/domlogon /run/backups
        cp /etc/pam.d/common-* {NSSWITCH} /run/profiles/local/
        cp {}/common-* /run/profiles/domlogon/
        sed -e 's/^\\(passwd\\|group\\): files/& domlogon/' {NSSWITCH} >/run/profiles/domlogon/nsswitch.conf
        printf '%s\\n' with-faillock without-nullok >/run/profiles/domlogon/features
        cp /run/profiles/domlogon/features /run/profiles/local/features
        echo local >/etc/authselect/authselect.conf; chmod +x /usr/local/sbin/authselect",
        stage::root("pam.d/debian")
    );
    fs::write("/usr/local/sbin/authselect", AUTHSELECT)
        .map_err(domlogon_tests::Failure::harness("write a stand-in"))?;
    let result = shell(&make).and_then(|_| with_authselect());
    shell("rm -rf /etc/authselect /run/profiles /run/backups /usr/local/sbin/authselect")?;
    result
}

fn with_authselect() -> Result<()> {
    let before = picture()?;
    let text = command(&["enable", "--dry-run"])?.exits(0)?.text();
    ensure_contains(
        "dry run",
        &text,
        "-passwd: files\n-group: files\n+passwd: files domlogon",
    )?;
    same("after a dry run", &picture()?, &before)?;
    let text = command(&["enable"])?.exits(0)?.text();
    ensure_contains("enable", &text, "Proved through libpam")?;
    ensure(is_on()?, "enable", "on", "off")?;
    let text = command(&["enable"])?.exits(0)?.text();
    ensure_contains("enable again", &text, "already")?;
    command(&["disable"])?.exits(0)?;
    same("after disable", &picture()?, &before)?;
    let text = command(&["disable"])?.exits(0)?.text();
    ensure_equal("disable again", text.as_str(), "domlogon is turned off.\n")?;

    authselect_features()?;
    authselect_meanwhile()?;
    shell(
        "sed -i -e 's/user_unknown=ignore default=bad/default=ignore/' /run/profiles/domlogon/common-account",
    )?;
    let text = command(&["enable"])?.exits(1)?.text();
    ensure_contains("a bad profile", &text, "a disabled account of the domain")?;
    ensure_contains("a bad profile", &text, "the host is as it was before")?;
    same("a bad profile", &picture()?, &before)?;
    shell("rm -r /run/profiles/domlogon")?;
    let text = command(&["enable"])?.exits(1)?.text();
    ensure_contains("no profile", &text, "has no profile domlogon")
}

/// What the administrator has switched on stays, is named, or is in the way.
fn authselect_features() -> Result<()> {
    let conf = "/etc/authselect/authselect.conf";
    shell(&format!(
        "echo local without-nullok with-silent-lastlog with-faillock >{conf}"
    ))?;
    let text = command(&["enable", "--dry-run"])?.exits(0)?.text();
    ensure_contains(
        "dry run",
        &text,
        "without what was on here: with-silent-lastlog.",
    )?;
    let text = command(&["enable"])?.exits(0)?.text();
    ensure_contains(
        "enable",
        &text,
        "without what was on here: with-silent-lastlog.",
    )?;
    let selected = shell(&format!("cat {conf}"))?;
    ensure_equal(
        "selected",
        selected.trim(),
        "domlogon without-nullok with-faillock",
    )?;
    command(&["disable"])?.exits(0)?;
    let selected = shell(&format!("cat {conf}"))?;
    let before = "local without-nullok with-silent-lastlog with-faillock";
    ensure_equal("selected again", selected.trim(), before)?;

    shell(&format!(
        "echo local with-faillock with-pam-u2f-2fa >{conf}"
    ))?;
    let before = picture()?;
    let text = command(&["enable"])?.exits(1)?.text();
    for part in [
        "authselect disable-feature with-pam-u2f-2fa",
        "Nothing was changed.",
    ] {
        ensure_contains("enable", &text, part)?;
    }
    same("after a refusal", &picture()?, &before)?;
    let selected = shell(&format!("cat {conf}"))?;
    ensure_equal(
        "selected still",
        selected.trim(),
        "local with-faillock with-pam-u2f-2fa",
    )?;
    shell(&format!("echo local >{conf}")).map(drop)
}

/// What the administrator switches on while a confirmation is awaited outlasts the way back.
fn authselect_meanwhile() -> Result<()> {
    let conf = "/etc/authselect/authselect.conf";
    for (meanwhile, selected, said) in [
        (
            "authselect enable-feature with-faillock",
            "local without-nullok with-faillock",
            "local without-nullok with-faillock is selected now.",
        ),
        (
            "echo with-more >>/run/profiles/domlogon/features; authselect enable-feature with-more",
            "local without-nullok",
            "are off now: with-more.",
        ),
        (
            "cp -r /run/profiles/local /run/profiles/other; authselect select other --backup=hand",
            "other",
            "asked meanwhile to select other,",
        ),
    ] {
        shell(&format!("echo local without-nullok >{conf}"))?;
        command(&["enable", "--confirm", "60s"])?.exits(0)?;
        shell(meanwhile)?;
        let text = command(&["disable"])?.exits(0)?.text();
        ensure_contains(meanwhile, &text, "was taken back")?;
        ensure_contains(meanwhile, &text, said)?;
        let now = shell(&format!("cat {conf}"))?;
        ensure_equal(meanwhile, now.trim(), selected)?;
        ensure(!is_on()?, meanwhile, "off", "on")?;
    }
    shell(&format!("echo local >{conf}")).map(drop)
}

/// kill -9 after ever longer: the guard sees to it that all is as it was, or whole.
fn killed(_: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    let before = picture()?;
    let mut outcomes = [0, 0];
    for pause in (0..400).map(|step| Duration::from_millis(step * 25)) {
        let mut child = std::process::Command::new("setsid")
            .args(["--wait", "domlogon", "enable"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .map_err(domlogon_tests::Failure::harness("start domlogon enable"))?;
        std::thread::sleep(pause);
        shell(
            "for p in /proc/[0-9]*; do
                line=$(tr '\\0' ' ' <$p/cmdline 2>/dev/null || true)
                case $line in 'domlogon enable ') kill -9 ${p#/proc/} ;; esac
            done",
        )?;
        let _ = child.wait();
        journal_gone(Duration::from_secs(30))?;
        let on = is_on()?;
        outcomes[usize::from(on)] += 1;
        let what = format!("killed after {pause:?}");
        local_logon(&what)?;
        if on {
            command(&["disable"])?.exits(0)?;
        }
        no_guest_left()?;
        same(&what, &picture()?, &before)?;
        if outcomes[1] > 2 {
            break;
        }
    }
    ensure(
        outcomes[0] > 5 && outcomes[1] > 0,
        "killed at ever later instants",
        "often as before, at last whole",
        format!("{outcomes:?}"),
    )
}

fn local_logon(what: &str) -> Result<()> {
    let mut session = Program::new("su")
        .args(&["localuser", "-c", "echo I am $(id -un)"])
        .as_user("nobody")?
        .on_terminal()?;
    session.answer("assword: ", LOCAL_PASSWORD)?;
    let text = session.finish_with(0)?;
    ensure_contains(what, &text, "I am localuser")
}

fn confirm_by_ssh(world: &mut World) -> Result<String> {
    let mut session = world
        .sshd()?
        .client("root", Method::Password, "/usr/local/sbin/domlogon confirm")
        .on_terminal()?;
    session.answer("assword: ", ROOT_PASSWORD)?;
    let (_, text) = session.finish()?;
    Ok(text)
}

fn confirmed(world: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    let before = picture()?;
    world.sshd()?;
    let text = confirm_by_ssh(world)?;
    ensure_contains("confirm without enable", &text, "Nothing waits")?;
    let text = command(&["enable", "--confirm", "60s"])?.exits(0)?.text();
    ensure_contains("enable --confirm", &text, "domlogon confirm")?;
    ensure(is_on()?, "enable --confirm", "on", "off")?;
    let text = command(&["confirm"])?.exits(1)?.text();
    ensure_contains("confirm in the same logon", &text, "Log on anew")?;
    let text = command(&["enable"])?.exits(1)?.text();
    ensure_contains("enable again", &text, "waits for a confirmation")?;
    let text = confirm_by_ssh(world)?;
    ensure_contains("confirm from a new logon", &text, "Confirmed")?;
    ensure(!Path::new(JOURNAL).exists(), "the journal", "gone", "there")?;
    ensure(is_on()?, "confirmed", "on", "off")?;
    command(&["disable"])?.exits(0)?;
    same("after disable", &picture()?, &before)?;

    // Taken back at once.
    command(&["enable", "--confirm", "60s"])?.exits(0)?;
    let text = command(&["disable"])?.exits(0)?.text();
    ensure_contains("disable", &text, "was taken back")?;
    same("after disable", &picture()?, &before)
}

fn not_confirmed(world: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    let before = picture()?;
    command(&["enable", "--confirm", "20s"])?.exits(0)?;
    std::thread::sleep(Duration::from_secs(15));
    ensure(is_on()?, "after 15 s", "on", "off")?;
    journal_gone(Duration::from_secs(10))?;
    same("after 20 s", &picture()?, &before)?;
    let text = confirm_by_ssh(world)?;
    ensure_contains("confirm too late", &text, "Nothing waits")
}

/// The guard is gone with the old boot; the unit of the next boot finds the journal.
fn rebooted(world: &mut World) -> Result<()> {
    let _stage = Stage::set()?;
    let before = picture()?;
    let end_guards = "for p in /proc/[0-9]*; do
            tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'enable-[g]uard' && kill -9 ${p#/proc/}
        done; true";
    command(&["enable", "--confirm", "60s"])?.exits(0)?;
    shell(end_guards)?;
    // Still in time: on, and the unit goes on waiting.
    shell(&format!(
        "sed -i -e 's/\"boot\": \"[^\"]*\"/\"boot\": \"another\"/' {JOURNAL}"
    ))?;
    command(&["enable-guard", "--once"])?.exits(0)?;
    ensure(is_on()?, "in time after a reboot", "on", "off")?;
    // Too late.
    shell(&format!(
        "sed -i -e 's/\"end_of_wall_clock\": [0-9]*/\"end_of_wall_clock\": 1000/' {JOURNAL}"
    ))?;
    command(&["enable-guard", "--once"])?.exits(0)?;
    same("too late after a reboot", &picture()?, &before)?;

    // Cut off in the middle, and the machine with it: command and guard.
    command(&["enable", "--confirm", "60s"])?.exits(0)?;
    shell(end_guards)?;
    shell(&format!(
        "sed -i -e 's/\"phase\": \"pending\"/\"phase\": \"applying\"/' {JOURNAL}"
    ))?;
    world.take_daemon()?.signal(Signal::SIGTERM)?;
    command(&["enable-guard", "--once"])?.exits(0)?;
    same("cut off by a reboot", &picture()?, &before)?;
    domlogon(&["confirm"])?.exits(1).map(drop)
}
