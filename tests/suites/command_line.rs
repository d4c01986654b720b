//! The command `domlogon`: exit codes, JSON, and that only administrators are served.

use crate::{Case, case};
use domlogon_tests::account::Condition::*;
use domlogon_tests::cli::{member, run, show_user};
use domlogon_tests::{
    PASSWORD, Program, Result, World, domlogon, domlogon_with, ensure, ensure_contains,
    ensure_equal,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("command line/user show", user_show),
        case("command line/user settings", user_settings),
        case("command line/lists", lists),
        case("command line/groups", groups),
        case("command line/policy", policy),
        case("command line/explain", explain),
        case("command line/status and check", status_and_check),
        case("command line/refusals", refusals),
        case("command line/last administrator", last_administrator),
        case("command line/not for everybody", not_for_everybody),
        case("command line/passwords", passwords),
    ]
}

fn user_show(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let shown = show_user(&account.name)?;
    for name in [
        "name",
        "uid",
        "sid",
        "disabled",
        "locked",
        "locked_until",
        "must_change",
        "bad_password_count",
        "password_set_at",
        "expires_at",
    ] {
        member(&shown, name)?;
    }
    ensure_equal(
        "name",
        member(&shown, "name")?.as_str(),
        Some(&*account.name),
    )?;
    let sid = member(&shown, "sid")?.as_str().unwrap_or_default();
    ensure(sid.starts_with("S-1-5-21-"), "sid", "a domain SID", sid)?;
    let set_at = member(&shown, "password_set_at")?
        .as_str()
        .unwrap_or_default();
    ensure(
        set_at.len() >= 20 && set_at.ends_with('Z') && set_at.contains('T'),
        "password_set_at",
        "RFC 3339 in UTC",
        set_at,
    )?;
    domlogon(&["user", "show", &account.name])?.exits(0)?;
    domlogon(&["user", "show", "nobody-here"])?
        .exits(1)
        .map(drop)
}

fn user_settings(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.set(&[
        "--full-name",
        "Ann Other",
        "--home",
        "/home/other",
        "--shell",
        "/bin/sh",
        "--hours",
        "Mon-Fri 08:00-18:00",
        "--workstations",
        "sandbox,other",
        "--expires",
        "2099-12-31T23:00:00Z",
        "--cannot-change",
        "yes",
    ])?;
    let shown = show_user(&account.name)?;
    ensure_equal(
        "expires_at",
        member(&shown, "expires_at")?.as_str(),
        Some("2099-12-31T23:00:00Z"),
    )?;
    let entry = Program::new("getent")
        .args(&["passwd", &account.name])
        .run(b"")?;
    let entry = String::from_utf8_lossy(&entry.stdout).into_owned();
    ensure_contains("getent passwd", &entry, ":Ann Other:/home/other:/bin/sh")?;
    account.set(&[
        "--expires",
        "never",
        "--hours",
        "always",
        "--workstations",
        "any",
    ])?;
    let shown = show_user(&account.name)?;
    ensure_equal("expires_at", member(&shown, "expires_at")?.is_null(), true)
}

fn lists(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let users = domlogon(&["user", "list", "--json"])?.exits(0)?.json()?;
    let text = users.to_string();
    ensure_contains("user list", &text, &format!("\"{}\"", account.name))?;
    ensure_contains("user list", &text, "Administrator")?;
    let groups = domlogon(&["group", "list", "--json"])?.exits(0)?.json()?;
    for built_in in [
        "Administrators",
        "Users",
        "Guests",
        "Domain Admins",
        "Domain Users",
    ] {
        ensure_contains("group list", &groups.to_string(), built_in)?;
    }
    domlogon(&["user", "delete", &account.name])?.exits(0)?;
    let users = domlogon(&["user", "list", "--json"])?.exits(0)?.json()?;
    let gone = !users.to_string().contains(&format!("\"{}\"", account.name));
    ensure_equal("the deleted user is gone", gone, true)
}

fn groups(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    domlogon(&["group", "add", "outer"])?.exits(0)?;
    domlogon(&["group", "add", "inner"])?.exits(0)?;
    domlogon(&["group", "add-member", "outer", "inner"])?.exits(0)?;
    domlogon(&["group", "add-member", "inner", &account.name])?.exits(0)?;
    let shown = domlogon(&["group", "show", "inner", "--json"])?
        .exits(0)?
        .json()?;
    ensure_contains("group show", &shown.to_string(), &account.name)?;
    // A ring of groups is refused or harmless; it never hangs.
    let ring = domlogon(&["group", "add-member", "inner", "outer"])?;
    ensure(
        ring.code() < 2,
        "a ring of groups",
        "yes or no",
        ring.text(),
    )?;
    domlogon(&["group", "remove-member", "inner", &account.name])?.exits(0)?;
    domlogon(&["group", "delete", "inner"])?.exits(0)?;
    domlogon(&["group", "delete", "outer"])?.exits(0)?;
    domlogon(&["group", "show", "outer"])?.exits(1).map(drop)
}

fn policy(_: &mut World) -> Result<()> {
    domlogon(&[
        "policy",
        "set",
        "min-length=9",
        "max-age=never",
        "lockout-duration=forever",
    ])?
    .exits(0)?;
    let shown = domlogon(&["policy", "show", "--json"])?.exits(0)?.json()?;
    ensure_equal(
        "min_length",
        member(&shown, "min_length")?.as_u64(),
        Some(9),
    )?;
    domlogon(&["policy", "show"])?.exits(0)?;
    // A window longer than the duration, a word for a number, no such setting.
    for bad in [
        "lockout-window=2h",
        "min-length=many",
        "no-such-setting=1",
        "max-age=5 parsecs",
    ] {
        domlogon(&["policy", "set", "lockout-duration=30m"])?.exits(0)?;
        let answer = domlogon(&["policy", "set", bad])?;
        ensure(
            matches!(answer.code(), 1 | 2),
            format!("policy set {bad}"),
            "a refusal",
            format!("{}: {}", answer.code(), answer.text()),
        )?;
    }
    let shown = domlogon(&["policy", "show", "--json"])?.exits(0)?.json()?;
    ensure_equal(
        "min_length",
        member(&shown, "min_length")?.as_u64(),
        Some(9),
    )
}

fn explain(world: &mut World) -> Result<()> {
    let account = world.account(NoHours)?;
    let answer = domlogon(&["explain", &account.name, "--service", "sshd"])?;
    for part in ["1328", "PAM_PERM_DENIED", "may not log on"] {
        ensure_contains("explain", &answer.text(), part)?;
    }
    ensure_equal("exit code for no", answer.code(), 1)?;
    account.set(&["--hours", "Mon-Fri 08:00-18:00 UTC"])?;
    // 2026-01-05 was a Monday.
    for (at, code) in [("2026-01-05T09:00:00Z", 0), ("2026-01-04T09:00:00Z", 1)] {
        domlogon(&["explain", &account.name, "--service", "login", "--at", at])?.exits(code)?;
    }
    domlogon(&["explain", &account.name, "--service", "login", "--json"])?.json()?;
    Ok(())
}

fn status_and_check(_: &mut World) -> Result<()> {
    domlogon(&["status"])?.exits(0)?;
    domlogon(&["status", "--json"])?.exits(0)?.json()?;
    domlogon(&["check"])?.exits(0)?;
    domlogon(&["check", "/etc/domlogon/domlogon.toml"])?
        .exits(0)
        .map(drop)
}

fn refusals(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for arguments in [
        // Twice the same, and in another case; a local name; a reserved one.
        vec!["user", "add", account.name.as_str()],
        vec!["user", "add", "localuser"],
        vec!["user", "add", "root"],
        vec!["group", "add", "Domain Users"],
        vec![
            "group",
            "add-member",
            "no-such-group",
            account.name.as_str(),
        ],
        vec!["user", "unlock", "nobody-here"],
        vec!["user", "delete", "nobody-here"],
    ] {
        let answer = domlogon(&arguments)?.exits(1)?;
        ensure(
            !answer.text().trim().is_empty(),
            format!("{arguments:?}"),
            "a sentence",
            "nothing",
        )?;
    }
    let upper = account.name.to_uppercase();
    domlogon(&["user", "add", &upper])?.exits(1).map(drop)
}

/// The last administrator who can log on stays one, unless it is forced. The built-in account is
/// an administrator in two ways; one of them may be taken, not both.
fn last_administrator(_: &mut World) -> Result<()> {
    domlogon_with(
        &["user", "password", "Administrator", "--stdin"],
        &format!("{PASSWORD}\n"),
    )?
    .exits(0)?;
    domlogon(&["user", "set", "Administrator", "--disabled", "no"])?.exits(0)?;
    domlogon(&["user", "delete", "Administrator"])?.exits(1)?;
    let disable = ["user", "set", "Administrator", "--disabled", "yes"];
    domlogon(&disable)?.exits(1)?;
    let groups = ["Administrators", "Domain Admins"];
    let mut refused = 0;
    for group in groups {
        let answer = domlogon(&["group", "remove-member", group, "Administrator"])?;
        if answer.code() == 1 {
            ensure_contains("the refusal", &answer.text(), "administrator")?;
            refused += 1;
            domlogon(&["group", "remove-member", group, "Administrator", "--force"])?.exits(0)?;
        }
    }
    for group in groups {
        domlogon(&["group", "add-member", group, "Administrator"])?;
    }
    ensure_equal("refusals", refused, 1)?;
    let mut forced = disable.to_vec();
    forced.push("--force");
    domlogon(&forced)?.exits(0).map(drop)
}

/// The socket of the administrators is not for a plain user, domain or local.
fn not_for_everybody(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for name in [account.name.as_str(), "localuser"] {
        for arguments in [
            vec!["user", "add", "intruder"],
            vec!["user", "unlock", account.name.as_str()],
            vec!["policy", "set", "min-length=0"],
        ] {
            let program = Program::new("/usr/local/sbin/domlogon")
                .args(&arguments)
                .as_user(name)?;
            let answer = run(&program, "")?;
            ensure(
                matches!(answer.code(), 1 | 2),
                format!("{arguments:?} by {name}"),
                "a refusal",
                format!("{}: {}", answer.code(), answer.text()),
            )?;
        }
    }
    domlogon(&["user", "show", "intruder"])?.exits(1).map(drop)
}

/// A password comes from standard input, never from an argument.
fn passwords(_: &mut World) -> Result<()> {
    let help = domlogon(&["user", "password", "--help"])?.exits(0)?;
    ensure_contains("the help", &help.text(), "--stdin")?;
    domlogon(&["user", "password", "someone", "a-password"])?.exits(2)?;
    domlogon_with(&["user", "add", "typed", "--password-stdin"], "")?;
    domlogon_with(
        &["user", "add", "stdin1", "--password-stdin"],
        &format!("{PASSWORD}\n"),
    )?
    .exits(0)
    .map(drop)
}
