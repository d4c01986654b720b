//! The disk full while the accounts are in a directory: what was said against somebody is not lost
//! with the next outage.

use super::Stage;
use crate::directory::known;
use domlogon_tests::account::Condition::Good;
use domlogon_tests::world::PATIENCE;
use domlogon_tests::{
    NEW_PASSWORD, Operations, PASSWORD, Probe, Result, World, contact, ensure, ensure_equal,
};
use nix::libc::ENOSPC;
use nix::unistd::User;
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

pub(super) fn full(world: &mut World) -> Result<()> {
    world.policy(&["lockout-threshold=50"])?;
    let directory = world.directory()?;
    let cast = [(); 5].map(|()| world.account(Good));
    let [disabled, changed, gone, guessed, same] = cast;
    let (disabled, changed, gone) = (disabled?, changed?, gone?);
    let (guessed, same) = (guessed?, same?);
    let stage = Stage::set(world)?;
    contact::is_back(PATIENCE)?;
    for account in [&disabled, &changed, &gone, &guessed, &same] {
        known(&account.name)?;
        by_key(&account.name, true)?;
    }

    let written = Operations::WRITE.and(Operations::SYNC);
    stage.fault.fail(written, 0, None, ENOSPC);
    by_key(&same.name, true)?;
    // What a wrong password changes is nothing against somebody.
    opens(&same.name, "wrong", "AUTH_ERR")?;
    by_key(&same.name, true)?;
    disabled.set(&["--disabled", "yes"])?;
    by_key(&disabled.name, false)?;
    directory.ask("delete", json!({"name": gone.name}))?;
    by_key(&gone.name, false)?;
    is_nobody(&gone.name)?;
    Probe::bare("once", &changed.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&changed.name)
        .run(&["chauthtok"])?
        .returns("chauthtok", "SUCCESS")?;
    // What the last logon leaves behind comes after it.
    thread::sleep(Duration::from_millis(500));
    ensure(stage.fault.failed() > 0, "faults", "some", "none")?;

    directory.stop()?;
    let offline = contact::is_lost(PATIENCE).and_then(|_| {
        for password in ["wrong", PASSWORD] {
            opens(&guessed.name, password, "AUTHINFO_UNAVAIL")?;
        }
        // Nothing of it comes back with the room on the disk.
        for heals in [false, true] {
            if heals {
                stage.fault.heal();
            }
            for account in [&disabled, &gone] {
                opens(&account.name, PASSWORD, "AUTHINFO_UNAVAIL")?;
                by_key(&account.name, false)?;
            }
            opens(&changed.name, PASSWORD, "AUTHINFO_UNAVAIL")?;
            by_key(&same.name, true)?;
        }
        for account in [&guessed, &same] {
            opens(&account.name, PASSWORD, "SUCCESS")?;
        }
        Ok(())
    });
    world.calm()?;
    offline?;
    known(&same.name)?;
    by_key(&disabled.name, false)?;
    by_key(&gone.name, false)
}

/// The names are made known in a moment.
fn is_nobody(name: &str) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(3);
    while User::from_name(name).ok().flatten().is_some() {
        ensure(
            Instant::now() < end,
            format!("getpwnam of {name}, who is gone"),
            "nobody within 3 s",
            "him",
        )?;
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Account management for somebody with a key, as the stack has it.
fn by_key(name: &str, comes_in: bool) -> Result<()> {
    let report = Probe::stack("sshd", name).run(&["acct"])?;
    ensure_equal(
        format!("in by a key: {name}\n{}", report.text()),
        report.code("acct")? == "SUCCESS",
        comes_in,
    )
}

fn opens(name: &str, password: &str, code: &str) -> Result<()> {
    let report = Probe::bare("login", name).answer(password).run(&["auth"])?;
    report.returns("auth", code).map(drop)
}
