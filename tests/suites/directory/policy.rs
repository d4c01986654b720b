//! A fine-grained policy of the directory: what is told and what holds is its, not the domain's.

use super::authenticate;
use crate::{Case, in_directory};
use domlogon_tests::account::Condition::*;
use domlogon_tests::{NEW_PASSWORD, PASSWORD, Probe, Result, World, ensure_contains, ensure_equal};
use serde_json::json;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/fine-grained policy/not readable", unreadable),
        in_directory("directory/fine-grained policy/by user and group", fine),
        in_directory("directory/fine-grained policy/too recent", recent),
        in_directory("directory/smart card", smart_card),
    ]
}

const DAY: u32 = 86_400;

/// As it comes, no host may read it. Then it is not told before; what the controller says is.
fn unreadable(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let policy = json!({
        "name": "hidden", "members": [account.name], "min_length": 20, "history": 2,
        "max_age": 42 * DAY,
    });
    world.directory()?.ask("fine", policy)?;
    let report = Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    report.returns("chauthtok", "AUTHTOK_ERR")?;
    report.says("at least 20 characters")?;
    // The domain's own rules are not this account's.
    let rules = report.texts("info").join("\n");
    ensure_equal(
        "the wrong rules are told",
        rules.contains("8 characters"),
        false,
    )?;
    account.keeps_its_password()
}

fn fine(world: &mut World) -> Result<()> {
    let (by_user, by_group) = (world.account(Good)?, world.account(Good)?);
    by_group.join("long passwords")?;
    let directory = world.directory()?;
    directory.ask("fine_for_all", json!({}))?;
    for (name, member) in [("one", &*by_user.name), ("two", "long passwords")] {
        let policy = json!({
            "name": name, "members": [member], "min_length": 20, "history": 2, "max_age": 10 * DAY,
        });
        directory.ask("fine", policy)?;
    }
    for account in [&by_user, &by_group] {
        // Of the domain's own policy the password would be good for 42 days.
        authenticate(
            "login",
            &account.name,
            PASSWORD,
            "SUCCESS",
            "Your password expires in ",
        )?;
        let report = Probe::bare("once", &account.name)
            .answer(PASSWORD)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .as_user(&account.name)
            .run(&["chauthtok"])?;
        report.returns("chauthtok", "AUTHTOK_ERR")?;
        report.says("at least 20 characters")?;
        let rules = report.texts("info").join("\n");
        ensure_contains("the rules", &rules, "at least 20 characters")?;
        ensure_contains("the rules", &rules, "last 2 passwords")?;
        account.keeps_its_password()?;
    }
    Ok(())
}

fn recent(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let policy = json!({
        "name": "slow", "members": [account.name], "min_length": 8, "history": 5,
        "max_age": 42 * DAY, "min_age": DAY,
    });
    world.directory()?.ask("fine_for_all", json!({}))?;
    world.directory()?.ask("fine", policy)?;
    let report = Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    report.returns("chauthtok", "AUTHTOK_ERR")?;
    report.says("changed too recently. You can change it from")?;
    ensure_equal("prompts", report.texts("prompt off").len(), 1)?;
    account.keeps_its_password()
}

/// No password opens it; by an ssh key it is open.
fn smart_card(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world
        .directory()?
        .set(&account.name, json!({"smartcard": true}))?;
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?;
    ensure_equal(
        format!("let in by a password\n{}", report.text()),
        report.code("auth")? == "SUCCESS",
        false,
    )?;
    Probe::bare("sshd", &account.name)
        .run(&["acct"])?
        .returns("acct", "SUCCESS")
        .map(drop)
}
