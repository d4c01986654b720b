//! `domlogon doctor` on a whole host: nothing on a clean one, each planted fault on a broken one,
//! and what it says of a stack is what real libpam then does.

use crate::{Case, case, slow};
use domlogon_tests::account::Condition::*;
use domlogon_tests::cli::member;
use domlogon_tests::{
    Answer, Failure, LOCAL_PASSWORD, Probe, Program, Result, World, differs, domlogon, ensure,
    ensure_contains, ensure_equal,
};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("doctor/a clean host", clean),
        case("doctor/files and sockets", files),
        case("doctor/clashes of names and ids", clashes),
        case("doctor/the daemon's state", state),
        case("doctor/the stacks, as libpam has them", stacks),
        case("doctor/not turned on", not_turned_on),
        case("doctor/an ordinary user", ordinary_user),
        slow("doctor/the daemon hangs or is gone", daemon_gone),
    ]
}

/// A host on which an administrator can log on: there is nothing to find.
struct Host {
    administrator: String,
}

impl Host {
    fn new(world: &mut World) -> Result<Host> {
        let administrator = world.account(Good)?.name;
        domlogon(&["group", "add-member", "Administrators", &administrator])?.exits(0)?;
        let host = Host { administrator };
        host.is_clean()?;
        Ok(host)
    }

    fn is_clean(&self) -> Result<()> {
        let answer = domlogon(&["doctor"])?.exits(0)?;
        ensure_contains("doctor", &answer.text(), "Nothing is wrong.")
    }

    /// The finding of this code; it must be the first of its severity.
    fn finds(&self, code: &str) -> Result<Value> {
        let answer = domlogon(&["doctor", "--json"])?.exits(1)?;
        let report = answer.json()?;
        let none = Vec::new();
        let findings = member(&report, "findings")?.as_array().unwrap_or(&none);
        let found = findings
            .iter()
            .find(|finding| finding["code"] == code)
            .ok_or_else(|| differs("doctor", code, answer.text()))?;
        let first = findings
            .iter()
            .find(|finding| finding["severity"] == found["severity"]);
        ensure(
            first == Some(found),
            format!("{code} among its equals"),
            "the first",
            answer.text(),
        )?;
        for name in ["what", "why", "mend"] {
            let text = member(found, name)?.as_str().unwrap_or_default();
            ensure(
                !text.is_empty(),
                format!("{code}: {name}"),
                "a text",
                "nothing",
            )?;
        }
        Ok(found.clone())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Later cases count the administrators.
        let name = &*self.administrator;
        let _ = domlogon(&["user", "delete", name, "--force"]);
    }
}

/// A file as it was, put back when dropped.
struct Kept {
    path: &'static str,
    text: Option<Vec<u8>>,
    mode: u32,
}

impl Kept {
    fn new(path: &'static str) -> Kept {
        let mode = fs::metadata(path).map_or(0o644, |found| found.permissions().mode());
        Kept {
            path,
            text: fs::read(path).ok(),
            mode,
        }
    }

    /// Writes something else into it.
    fn edit(path: &'static str, change: impl FnOnce(&str) -> String) -> Result<Kept> {
        let kept = Kept::new(path);
        let before = String::from_utf8_lossy(kept.text.as_deref().unwrap_or_default()).into_owned();
        let after = change(&before);
        ensure(after != before, path, "a change", "the same")?;
        fs::write(path, after).map_err(Failure::harness(format!("write {path}")))?;
        Ok(kept)
    }

    /// Gives it another mode.
    fn mode(path: &'static str, mode: u32) -> Result<Kept> {
        let kept = Kept::new(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(Failure::harness(format!("chmod {path}")))?;
        Ok(kept)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(text) = self.text.take() {
            // In place: the daemon watches some of these files.
            let _ = fs::write(self.path, text);
        } else if Path::new(self.path).is_file() {
            let _ = fs::remove_file(self.path);
        }
        let _ = fs::set_permissions(self.path, fs::Permissions::from_mode(self.mode & 0o7777));
    }
}

fn clean(world: &mut World) -> Result<()> {
    let host = Host::new(world)?;
    let report = domlogon(&["doctor", "--json"])?.exits(0)?.json()?;
    ensure_equal("healthy", member(&report, "healthy")?, &Value::Bool(true))?;
    let files = domlogon(&["doctor", "--root", "/"])?.exits(0)?;
    ensure_contains("doctor --root /", &files.text(), "Nothing is wrong.")?;
    let nowhere = domlogon(&["doctor", "--root", "/nowhere"])?.exits(2)?;
    ensure_contains("doctor --root /nowhere", &nowhere.text(), "/nowhere")?;
    host.is_clean()
}

fn files(world: &mut World) -> Result<()> {
    let host = Host::new(world)?;
    for (path, mode, code) in [
        ("/etc/domlogon/domlogon.toml", 0o666, "file-exposed"),
        ("/etc/nsswitch.conf", 0o664, "file-exposed"),
        ("/etc/pam.d/common-auth", 0o646, "file-exposed"),
        ("/var/lib/domlogon/accounts.db", 0o644, "state-exposed"),
        ("/var/lib/domlogon", 0o750, "state-exposed"),
        ("/run/domlogon", 0o777, "socket-exposed"),
        ("/run/domlogon/socket", 0o600, "socket-closed"),
    ] {
        let _kept = Kept::mode(path, mode)?;
        let found = host.finds(code)?;
        ensure_equal(format!("the place of {code}"), &found["file"], path)?;
    }
    {
        let _kept = Kept::edit("/etc/shells", |text| {
            text.lines()
                .filter(|line| !line.ends_with("/bash"))
                .fold(String::new(), |all, line| all + line + "\n")
        })?;
        host.finds("shell-not-listed")?;
    }
    {
        let _kept = Kept::edit("/etc/nsswitch.conf", |text| {
            text.replace("group: files domlogon", "group: files")
        })?;
        host.finds("nss-domlogon-missing")?;
    }
    {
        let _kept = Kept::edit("/etc/ssh/sshd_config", |text| format!("UsePAM no\n{text}"))?;
        let found = host.finds("sshd-no-pam")?;
        ensure_equal("the line of UsePAM", &found["line"], 1)?;
    }
    host.is_clean()
}

fn clashes(world: &mut World) -> Result<()> {
    let host = Host::new(world)?;
    let account = world.account(Good)?;
    let uid = domlogon(&["user", "show", &account.name, "--json"])?.json()?["uid"].to_string();
    let name = account.name.to_uppercase();
    {
        let _kept = Kept::edit("/etc/passwd", |text| {
            format!("{text}{name}:x:4242:4242::/:/bin/sh\n")
        })?;
        let found = host.finds("name-clash")?;
        ensure_equal("the place", &found["file"], "/etc/passwd")?;
    }
    {
        let _kept = Kept::edit("/etc/passwd", |text| {
            format!("{text}twin:x:{uid}:4242::/:/bin/sh\n")
        })?;
        host.finds("id-clash")?;
    }
    {
        let group = world.group_name("team");
        domlogon(&["group", "add", &group])?.exits(0)?;
        let _kept = Kept::edit("/etc/group", |text| format!("{text}{group}:x:4242:\n"))?;
        let found = host.finds("name-clash")?;
        ensure_equal("the place", &found["file"], "/etc/group")?;
        drop(_kept);
        domlogon(&["group", "delete", &group])?.exits(0)?;
    }
    {
        let _kept = Kept::edit("/etc/subuid", |text| {
            format!("{text}localuser:1899999000:65536\n")
        })?;
        host.finds("subordinate-range")?;
    }
    {
        let _kept = Kept::edit("/etc/subuid", |text| format!("{text}localuser:{uid}:1\n"))?;
        let found = host.finds("subordinate-id-clash")?;
        ensure_contains("whose", &found["what"].to_string(), &account.name)?;
        ensure_contains("the way out", &found["mend"].to_string(), "--del-subuids")?;
        let end = Instant::now() + Duration::from_secs(10);
        let entry = || {
            Program::new("getent")
                .args(&["passwd", &account.name])
                .run(b"")
        };
        while entry()?.status.success() {
            ensure(
                Instant::now() < end,
                "the account",
                "nobody's id",
                "still there",
            )?;
            thread::sleep(Duration::from_millis(50));
        }
    }
    account.set(&["--shell", "/bin/no-such-shell"])?;
    let found = host.finds("shell-missing")?;
    ensure_contains("whose", &found["what"].to_string(), &account.name)?;
    account.set(&["--shell", "/bin/bash"])?;
    host.is_clean()
}

fn state(world: &mut World) -> Result<()> {
    let host = Host::new(world)?;
    world.rights("[audit]\nSeDenyNetworkLogonRight = true\n")?;
    host.finds("rights-audit")?;
    world.usual_rights()?;
    {
        let _kept = Kept::edit("/etc/domlogon/rights.toml", |_| {
            "[rights]\nSeNoRight = []\n".into()
        })?;
        // The daemon sees the change by itself, in a moment.
        let found = wait_for(&host, "rights-refused")?;
        ensure_equal("the line", &found["line"], 2)?;
    }
    world.usual_rights()?;
    {
        let _kept = Kept::edit("/etc/domlogon/domlogon.toml", |text| {
            format!("{text}[nonsense]\n")
        })?;
        world.daemon()?.signal(Signal::SIGHUP)?;
        wait_for(&host, "configuration-refused")?;
    }
    world.daemon()?.signal(Signal::SIGHUP)?;
    let name = &*host.administrator;
    domlogon(&["group", "remove-member", "Administrators", name, "--force"])?.exits(0)?;
    let without = wait_for(&host, "no-administrator");
    domlogon(&["group", "add-member", "Administrators", name])?.exits(0)?;
    without.map(drop)
}

fn wait_for(host: &Host, code: &str) -> Result<Value> {
    let mut last = host.finds(code);
    for _ in 0..50 {
        if last.is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        last = host.finds(code);
    }
    last
}

/// What the doctor foretells of a stack is what libpam does with it.
fn stacks(world: &mut World) -> Result<()> {
    const ACCOUNT: &str = "/etc/pam.d/common-account";
    const AUTH: &str = "/etc/pam.d/common-auth";
    let host = Host::new(world)?;
    let disabled = world.account(Disabled)?;
    let let_in = |what: &str| -> Result<()> {
        Probe::stack("sshd", &disabled.name)
            .run(&["acct"])?
            .returns("acct", "SUCCESS")
            .map(drop)
            .map_err(|failure| differs(what, "a disabled account is let in", failure.to_string()))
    };
    {
        let _kept = Kept::edit(ACCOUNT, |text| {
            text.replace("user_unknown=ignore default=bad]", "default=ignore]")
        })?;
        host.finds("pam-account-refusal-lost")?;
        let_in("default=ignore")?;
    }
    {
        let _kept = Kept::edit(ACCOUNT, |text| cut(text, "pam_domlogon.so"))?;
        host.finds("pam-account-missing")?;
        let_in("no line")?;
    }
    {
        let _kept = Kept::edit(ACCOUNT, |text| {
            format!("account sufficient pam_unix.so\n{text}")
        })?;
        host.finds("pam-account-skipped")?;
        let_in("sufficient before")?;
    }
    let jump = "[success=1 default=ignore]    pam_localuser.so";
    for (to, wrong_password_opens, code) in [
        (
            "[success=3 default=ignore] pam_localuser.so",
            true,
            "pam-open-door",
        ),
        (
            "[success=2 default=ignore] pam_localuser.so",
            false,
            "pam-local-locked-out",
        ),
    ] {
        let _kept = Kept::edit(AUTH, |text| text.replace(jump, to))?;
        host.finds(code)?;
        let password = if wrong_password_opens {
            "wrong"
        } else {
            LOCAL_PASSWORD
        };
        let report = Probe::stack("login", "localuser")
            .answer(password)
            .run(&["auth"])?;
        let opened = report.code("auth")? == "SUCCESS";
        ensure_equal(format!("{to}: gets in"), opened, wrong_password_opens)?;
    }
    for line in ["auth requird pam_unix.so\n", "@include common-nothing\n"] {
        let _kept = Kept::edit(AUTH, |text| format!("{text}{line}"))?;
        domlogon(&["doctor"])?.exits(1)?;
        let report = Probe::stack("login", "localuser")
            .answer(LOCAL_PASSWORD)
            .run(&["auth"]);
        let opened = report.and_then(|report| Ok(report.code("auth")? == "SUCCESS"));
        ensure(
            !opened.unwrap_or(false),
            line,
            "libpam refuses everybody",
            "let in",
        )?;
    }
    host.is_clean()
}

fn cut(text: &str, part: &str) -> String {
    text.lines()
        .filter(|line| line.starts_with('#') || !line.contains(part))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Without a line of ours anywhere there is one finding, and it names the way.
fn not_turned_on(world: &mut World) -> Result<()> {
    let host = Host::new(world)?;
    let mut kept = vec![Kept::edit("/etc/nsswitch.conf", |text| {
        text.replace(" domlogon", "")
    })?];
    for path in [
        "/etc/pam.d/common-auth",
        "/etc/pam.d/common-account",
        "/etc/pam.d/common-password",
        "/etc/pam.d/common-session",
        "/etc/pam.d/common-session-noninteractive",
    ] {
        kept.push(Kept::edit(path, |text| {
            cut(&cut(text, "pam_domlogon.so"), "pam_localuser.so")
        })?);
    }
    let report = domlogon(&["doctor", "--json"])?.exits(1)?.json()?;
    let findings = member(&report, "findings")?.as_array().map(Vec::len);
    ensure_equal(format!("findings in {report}"), findings, Some(1))?;
    let found = host.finds("not-turned-on")?;
    ensure_contains("the way", &found["mend"].to_string(), "domlogon enable")?;
    drop(kept);
    host.is_clean()
}

/// It works for everybody, and says what only root can see.
fn ordinary_user(world: &mut World) -> Result<()> {
    let _host = Host::new(world)?;
    let program = domlogon_tests::Program::new("domlogon")
        .args(&["doctor"])
        .as_user("localuser")?;
    let answer: Answer = domlogon_tests::cli::run(&program, "")?;
    let answer = answer.exits(0)?;
    ensure_contains("doctor as localuser", &answer.text(), "Not checked: ")?;
    ensure_contains("doctor as localuser", &answer.text(), "as root")
}

fn daemon_gone(world: &mut World) -> Result<()> {
    let host = Host::new(world)?;
    world.daemon()?.signal(Signal::SIGSTOP)?;
    let hanging = host.finds("daemon-silent");
    world.daemon()?.signal(Signal::SIGCONT)?;
    hanging?;
    world.take_daemon()?.kill();
    let gone = host.finds("daemon-not-running");
    world.revive()?;
    gone.map(drop)
}
