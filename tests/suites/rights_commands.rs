//! `domlogon rights`: the commands edit the file in place, guard the last administrator, and try a
//! draft before it is in force.

use crate::{Case, case};
use domlogon_tests::account::Condition::*;
use domlogon_tests::vsftpd::{LOGGED_IN, NOT_LOGGED_IN};
use domlogon_tests::{
    Failure, PASSWORD, Probe, Program, Result, World, domlogon, domlogon_with, ensure,
    ensure_contains, ensure_equal, rights,
};
use std::fs;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("rights/list, grant and revoke", grant_and_revoke),
        case("rights/last administrator", last_administrator),
        case("rights/simulate", simulate),
        case("rights/not for everybody", not_for_everybody),
    ]
}

/// The commands edit the file in place, and each change is in force when they end.
fn grant_and_revoke(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let name = account.name.as_str();
    let ftp = |code: &str| -> Result<()> {
        Probe::bare("vsftpd", name)
            .run(&["acct"])?
            .returns("acct", code)
            .map(drop)
    };
    let text = "# ours\n[rights]\n# who may come by ftp\nSeNetworkLogonRight = [ # since 1999\n    \
                \"Administrators\", # them\n]\n\n[services]\nvsftpd = \"network\" # yes\n";
    world.rights(text)?;
    ftp("PERM_DENIED")?;
    domlogon(&["rights", "grant", "network", name])?.exits(0)?;
    ftp("SUCCESS")?;
    let file = fs::read_to_string(rights::FILE).map_err(Failure::harness("read rights.toml"))?;
    for line in text.lines() {
        ensure_contains("the file after a grant", &file, line)?;
    }
    let again = domlogon(&["rights", "grant", "network", name])?.exits(1)?;
    ensure_contains("a second grant", &again.text(), name)?;
    domlogon(&["rights", "grant", "deny network", name])?.exits(0)?;
    ftp("PERM_DENIED")?;
    domlogon(&["rights", "revoke", "deny-network", name])?.exits(0)?;
    ftp("SUCCESS")?;
    domlogon(&["rights", "revoke", "SeNetworkLogonRight", name])?.exits(0)?;
    ftp("PERM_DENIED")?;

    // A list that is absent has built-in holders; they stay when one more comes.
    domlogon(&["rights", "grant", "batch", name])?.exits(0)?;
    let listed = domlogon(&["rights", "list", "batch", "--json"])?.exits(0)?;
    let listed = listed.json()?.to_string();
    for holder in [name, "Administrators", "Backup Operators", "S-1-5-32-559"] {
        ensure_contains("the holders of the batch right", &listed, holder)?;
    }
    let before = fs::read_to_string(rights::FILE).map_err(Failure::harness("read rights.toml"))?;
    for wrong in [
        ["rights", "grant", "network", "nobody-here"],
        ["rights", "revoke", "network", "Guests"],
        ["rights", "grant", "telepathy", name],
    ] {
        let answer = domlogon(&wrong)?;
        ensure(
            matches!(answer.code(), 1 | 2),
            format!("{wrong:?}"),
            "a refusal",
            answer.text(),
        )?;
    }
    let after = fs::read_to_string(rights::FILE).map_err(Failure::harness("read rights.toml"))?;
    ensure_equal("the file after a refused change", after, before)?;
    domlogon(&["rights", "list"])?.exits(0).map(drop)
}

/// The last administrator who can log on locally is not locked out, unless it is forced.
fn last_administrator(world: &mut World) -> Result<()> {
    domlogon_with(
        &["user", "password", "Administrator", "--stdin"],
        &format!("{PASSWORD}\n"),
    )?
    .exits(0)?;
    domlogon(&["user", "set", "Administrator", "--disabled", "no"])?.exits(0)?;
    let text = "[rights]\nSeInteractiveLogonRight = [\"Administrators\"]\n";
    world.rights(text)?;
    for guarded in [
        ["rights", "revoke", "interactive", "Administrators"],
        ["rights", "grant", "deny interactive", "Everyone"],
    ] {
        let answer = domlogon(&guarded)?.exits(1)?;
        ensure_contains("the refusal", &answer.text(), "dministrator")?;
        let file = fs::read_to_string(rights::FILE).unwrap_or_default();
        ensure_equal("the file", &*file, text)?;
        Probe::bare("login", "Administrator")
            .run(&["acct"])?
            .returns("acct", "SUCCESS")?;
        let mut forced = guarded.to_vec();
        forced.push("--force");
        domlogon(&forced)?.exits(0)?;
        Probe::bare("login", "Administrator")
            .run(&["acct"])?
            .returns("acct", "PERM_DENIED")?;
        world.rights(text)?;
    }
    domlogon(&[
        "user",
        "set",
        "Administrator",
        "--disabled",
        "yes",
        "--force",
    ])?
    .exits(0)
    .map(drop)
}

/// A draft is tried on the logons that were: who would be refused, who would be let in.
fn simulate(world: &mut World) -> Result<()> {
    let (stays, loses, gains) = (
        world.account(Good)?,
        world.account(Good)?,
        world.account(Good)?,
    );
    for account in [&stays, &loses, &gains] {
        account.home()?;
    }
    world.rights(&format!(
        "[rights]\nSeNetworkLogonRight = [\"Everyone\"]\nSeDenyNetworkLogonRight = [{:?}]\n",
        gains.name
    ))?;
    for (account, code) in [
        (&stays, LOGGED_IN),
        (&loses, LOGGED_IN),
        (&gains, NOT_LOGGED_IN),
    ] {
        world
            .vsftpd()?
            .log_on(&account.name, PASSWORD)?
            .answered(code)?;
    }
    let before = fs::read_to_string(rights::FILE).map_err(Failure::harness("read rights.toml"))?;
    let draft = "/tmp/draft.toml";
    let write = |text: &str| fs::write(draft, text).map_err(Failure::harness("write a draft"));
    write(&format!(
        "[rights]\nSeNetworkLogonRight = [\"Everyone\"]\nSeDenyNetworkLogonRight = [{:?}]\n",
        loses.name
    ))?;
    let answer = domlogon(&["rights", "simulate", draft, "--since", "1h", "--json"])?.exits(1)?;
    let found = answer.json()?.to_string();
    for (account, part_of_it) in [(&stays, false), (&loses, true), (&gains, true)] {
        ensure_equal(
            format!("{} in\n{found}", account.name),
            found.contains(&format!("\"{}\"", account.name)),
            part_of_it,
        )?;
    }
    ensure_contains("the simulation", &found, "vsftpd")?;
    let text = domlogon(&["rights", "simulate", draft])?.exits(1)?.text();
    for part in [&*loses.name, &*gains.name, "vsftpd"] {
        ensure_contains("the simulation", &text, part)?;
    }
    // Nobody is refused by what is in force already; and nothing was changed by asking.
    write(&before)?;
    domlogon(&["rights", "simulate", draft])?.exits(0)?;
    let after = fs::read_to_string(rights::FILE).map_err(Failure::harness("read rights.toml"))?;
    ensure_equal("the file in force", after, before)?;
    // What the logons were outlives the daemon.
    world.take_daemon()?.stop()?;
    world.revive()?;
    write(&format!(
        "[rights]\nSeDenyNetworkLogonRight = [{:?}]\n",
        loses.name
    ))?;
    let text = domlogon(&["rights", "simulate", draft])?.exits(1)?.text();
    ensure_contains("the simulation after a restart", &text, &loses.name)?;
    write("[rights]\nSeNetworkLogonRigth = []\n")?;
    let text = domlogon(&["rights", "simulate", draft])?.text();
    ensure_contains("the simulation of a broken draft", &text, "2:1")
}

/// A user learns how his own logon is judged, and nothing of others; the lists are an
/// administrator's.
fn not_for_everybody(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let other = world.account(Good)?;
    let by = |arguments: &[&str]| {
        let program = Program::new("/usr/local/sbin/domlogon")
            .args(arguments)
            .as_user(&account.name)?;
        domlogon_tests::cli::run(&program, "")
    };
    by(&["rights", "test", &account.name, "--service", "sshd"])?.exits(0)?;
    for arguments in [
        vec!["rights", "test", other.name.as_str(), "--service", "sshd"],
        vec!["rights", "list"],
        vec!["rights", "grant", "network", "Everyone"],
        vec!["rights", "revoke", "network", "Everyone"],
        vec!["rights", "simulate", rights::FILE],
    ] {
        let answer = by(&arguments)?;
        ensure(
            matches!(answer.code(), 1 | 2) && !answer.text().contains("S-1-"),
            format!("{arguments:?} by a user"),
            "a refusal",
            format!("{}: {}", answer.code(), answer.text()),
        )?;
    }
    Ok(())
}
