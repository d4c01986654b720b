//! Changing a password through real libpam: every refusal, what is asked and when, and that a
//! refused change changes nothing.

use crate::{Case, case, each};
use domlogon_tests::account::Condition::*;
use domlogon_tests::cli::{domlogon_with, show_user};
use domlogon_tests::difference::Difference;
use domlogon_tests::{
    NEW_PASSWORD, PASSWORD, Probe, Result, World, domlogon, ensure, ensure_contains, ensure_equal,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("change/good", good),
        each("change/must change", must_change),
        each("change/expired and not expired", only_expired),
        each("change/refusals", refusals),
        each("change/history", history),
        each("change/too recent", too_recent),
        each("change/all that failed is told", all_told),
        each("change/asked again", asked_again),
        each("change/entries differ", entries_differ),
        each("change/wrong old password", wrong_old),
        each("change/wrong old passwords lock", wrong_old_locks),
        each("change/rules come before the prompt", rules_first),
        each("change/reset by root", reset_by_root),
        case("change/administrator", administrator),
        each("change/same conversation", after_authenticate),
    ]
}

fn good(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let report = Probe::bare("passwd", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    report.returns("chauthtok", "SUCCESS")?.says("")?;
    ensure_contains(
        "the notices",
        &report.texts("info").join("\n"),
        "Password changed.",
    )?;
    account.opens_with(NEW_PASSWORD)?;
    Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?
        .returns("auth", "AUTH_ERR")?;
    Probe::bare("login", &account.name)
        .answer(NEW_PASSWORD)
        .run(&["auth"])?
        .returns("auth", "SUCCESS")
        .map(drop)
}

/// The whole of a logon with an old password that must be changed, as login does it.
fn must_change(world: &mut World) -> Result<()> {
    for condition in [MustChange, PasswordExpired] {
        let account = world.account(condition)?;
        let report = Probe::bare("login", &account.name)
            .answer(PASSWORD)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .run(&["auth", "acct", "expired"])?;
        report.returns("auth", "SUCCESS")?;
        report.returns("acct", "NEW_AUTHTOK_REQD")?;
        report.returns("expired", "SUCCESS")?;
        let report = Probe::bare("login", &account.name)
            .answer(NEW_PASSWORD)
            .run(&["auth", "acct"])?;
        report.returns("auth", "SUCCESS")?;
        report.returns("acct", "SUCCESS")?.says("")?;
    }
    Ok(())
}

/// PAM_CHANGE_EXPIRED_AUTHTOK without need: success, and nothing is asked.
fn only_expired(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let report = Probe::bare("login", &account.name).run(&["expired"])?;
    report.returns("expired", "SUCCESS")?;
    report.asks_nothing()?.says("")?;
    account.keeps_its_password()
}

fn refusals(world: &mut World) -> Result<()> {
    let long = format!("Aa1{}", "x".repeat(300));
    for (new, words) in [
        ("Ab1-", "at least 8 characters"),
        (long.as_str(), "may have at most 256 characters"),
        ("alllowercase", "Use at least 3 of"),
        (PASSWORD, "passwords cannot be used again"),
        ("Battery\u{1}-Staple-9", "cannot be used"),
    ] {
        let account = world.account(Good)?;
        let report = Probe::bare("once", &account.name)
            .answer(PASSWORD)
            .answer(new)
            .answer(new)
            .as_user(&account.name)
            .run(&["chauthtok"])?;
        report.returns("chauthtok", "AUTHTOK_ERR")?;
        report.says(words)?;
        account.keeps_its_password()?;
    }
    // The name of the user, whatever its case, is no part of a good password.
    let account = world.account(Good)?;
    let with_name = format!("X9-{}-z", account.name.to_uppercase());
    let report = change(&account.name, PASSWORD, &with_name)?;
    report.returns("chauthtok", "AUTHTOK_ERR")?;
    report.says("no part of your name")?;
    account.keeps_its_password()
}

/// History 5: the current password and the four before it.
fn history(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let passwords: Vec<String> = (0..6).map(|turn| format!("Turn-{turn}-Password")).collect();
    let mut current = PASSWORD.to_owned();
    for new in &passwords {
        change(&account.name, &current, new)?.returns("chauthtok", "SUCCESS")?;
        current.clone_from(new);
    }
    for old in passwords.iter().skip(1) {
        let report = change(&account.name, &current, old)?;
        report.returns("chauthtok", "AUTHTOK_ERR")?;
        report.says("our last 5 passwords cannot be used again")?;
    }
    let forgotten = passwords.first().map_or("", String::as_str);
    change(&account.name, &current, forgotten)?.returns("chauthtok", "SUCCESS")?;
    Ok(())
}

fn change(name: &str, old: &str, new: &str) -> Result<domlogon_tests::probe::Report> {
    Probe::bare("once", name)
        .answer(old)
        .answer(new)
        .answer(new)
        .as_user(name)
        .run(&["chauthtok"])
}

/// Told before a new password is asked for; not for one that must be changed.
fn too_recent(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let newcomer = world.account(MustChange)?;
    world.policy(&["min-age=1d"])?;
    let report = change(&account.name, PASSWORD, NEW_PASSWORD)?;
    report.returns("chauthtok", "AUTHTOK_ERR")?;
    report.says("changed too recently. You can change it from")?;
    ensure_equal("prompts", report.texts("prompt off").len(), 1)?;
    account.keeps_its_password()?;
    change(&newcomer.name, PASSWORD, NEW_PASSWORD)?.returns("chauthtok", "SUCCESS")?;
    change(&newcomer.name, NEW_PASSWORD, "Another-One-7")?
        .returns("chauthtok", "AUTHTOK_ERR")?
        .says("changed too recently")?;
    Ok(())
}

/// Too short, and too few kinds of character: both in one message.
fn all_told(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let report = change(&account.name, PASSWORD, "abc")?;
    report.returns("chauthtok", "AUTHTOK_ERR")?;
    report.says("at least 8 characters")?;
    report.says("Use at least 3 of")?;
    Ok(())
}

/// After a refusal the new password is asked for again, the old one is not.
fn asked_again(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let report = Probe::bare("passwd", &account.name)
        .answer(PASSWORD)
        .answer("short")
        .answer("short")
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    report.returns("chauthtok", "SUCCESS")?;
    ensure_equal("prompts", report.texts("prompt off").len(), 5)?;
    account.opens_with(NEW_PASSWORD)
}

fn entries_differ(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let report = Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer("Something-Else-3")
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    report.returns("chauthtok", "AUTHTOK_ERR")?;
    report.says("The two entries differ")?;
    account.keeps_its_password()
}

fn wrong_old(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let report = change(&account.name, "not the old one", NEW_PASSWORD)?;
    report.returns("chauthtok", "AUTH_ERR")?;
    report.says("The current password is not right.")?;
    ensure_equal("prompts", report.texts("prompt off").len(), 1)?;
    account.keeps_its_password()
}

fn wrong_old_locks(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for _ in 0..domlogon_tests::world::THRESHOLD {
        change(&account.name, "wrong", NEW_PASSWORD)?.returns("chauthtok", "AUTH_ERR")?;
    }
    let report = change(&account.name, PASSWORD, NEW_PASSWORD)?;
    report.returns("chauthtok", "PERM_DENIED")?;
    report.says("is locked")?;
    Ok(())
}

fn rules_first(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let report = change(&account.name, PASSWORD, NEW_PASSWORD)?;
    let lines: Vec<&str> = report.text().lines().collect();
    let rules = lines
        .iter()
        .position(|line| line.starts_with("info") && line.contains('8'));
    let second_prompt = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("prompt"))
        .nth(1)
        .map(|(place, _)| place);
    ensure(
        rules.is_some() && rules < second_prompt,
        "the dialogue",
        "the rules in a notice before the prompt for a new password",
        report.text(),
    )
}

/// Real uid 0 without PAM_CHANGE_EXPIRED_AUTHTOK sets a password without the old one.
fn reset_by_root(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let expected = world.home().expects(Difference::ResetByRoot);
    let report = Probe::bare("passwd", &account.name)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .run(&["chauthtok"])?;
    report.returns("chauthtok", expected.code)?;
    ensure_contains("what is told", report.text(), expected.words)?;
    if expected.code != "SUCCESS" {
        report.asks_nothing()?;
        return account.keeps_its_password();
    }
    account.opens_with(NEW_PASSWORD)?;
    // The length still holds; history and minimum age do not.
    Probe::bare("once", &account.name)
        .answer("Ab1-")
        .answer("Ab1-")
        .run(&["chauthtok"])?
        .returns("chauthtok", "AUTHTOK_ERR")?
        .says("at least 8 characters")?;
    Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(PASSWORD)
        .run(&["chauthtok"])?
        .returns("chauthtok", "SUCCESS")?;
    Ok(())
}

fn administrator(world: &mut World) -> Result<()> {
    world.policy(&["min-age=1d"])?;
    let account = world.account(Locked)?;
    // A reset alone neither unlocks nor clears the count.
    domlogon_with(
        &["user", "password", &account.name, "--stdin"],
        &format!("{PASSWORD}\n"),
    )?
    .exits(0)?;
    ensure_equal(
        "locked",
        show_user(&account.name)?.get("locked"),
        Some(&true.into()),
    )?;
    domlogon_with(
        &[
            "user",
            "password",
            &account.name,
            "--stdin",
            "--unlock",
            "--must-change",
        ],
        &format!("{NEW_PASSWORD}\n"),
    )?
    .exits(0)?;
    let shown = show_user(&account.name)?;
    ensure_equal("locked", shown.get("locked"), Some(&false.into()))?;
    ensure_equal("must_change", shown.get("must_change"), Some(&true.into()))?;
    // Refused by the rules: exit code 1, and the old one stays.
    domlogon_with(&["user", "password", &account.name, "--stdin"], "abc\n")?.exits(1)?;
    account.opens_with(NEW_PASSWORD)?;
    domlogon(&["user", "set", &account.name, "--cannot-change", "yes"])?.exits(0)?;
    domlogon_with(
        &["user", "password", &account.name, "--stdin"],
        "Reset-Anyway-5\n",
    )?
    .exits(0)?;
    account.opens_with("Reset-Anyway-5")
}

/// The old password typed for authenticate is not asked for a second time.
fn after_authenticate(world: &mut World) -> Result<()> {
    let account = world.account(MustChange)?;
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .run(&["auth", "acct", "expired", "acct"])?;
    report.returns("expired", "SUCCESS")?;
    ensure_equal("prompts", report.texts("prompt off").len(), 3)?;
    // The same transaction asked again does not repeat an old answer.
    report.returns("acct", "SUCCESS")?;
    Ok(())
}
