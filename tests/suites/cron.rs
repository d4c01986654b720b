//! Real cron, which passes account management alone. It wakes once a minute: one wait for all.

use crate::{Case, slow};
use domlogon_tests::account::Condition::{self, *};
use domlogon_tests::cron::{Cron, trace};
use domlogon_tests::{Failure, Log, Result, World, ensure};
use nix::unistd::User;
use std::fs;
use std::os::unix::fs::chown;

pub(crate) fn cases() -> Vec<Case> {
    vec![slow("cron/jobs", jobs)]
}

/// Password age and a lockout do not stop a job; a refusal of the account does.
const RUNS: &[(Condition, bool)] = &[
    (Good, true),
    (MustChange, true),
    (PasswordExpired, true),
    (Locked, true),
    (Disabled, false),
    (AccountExpired, false),
    (NoHours, false),
    (OtherWorkstation, false),
];

fn jobs(world: &mut World) -> Result<()> {
    let mut expected = Vec::new();
    for &(condition, runs) in RUNS {
        let account = world.account(condition)?;
        home(&account.name)?;
        Cron::job(&account.name)?;
        expected.push((account.name, format!("{condition:?}"), runs));
    }
    for local in ["localuser", "root"] {
        Cron::job(local)?;
        expected.push((local.to_owned(), "local".to_owned(), true));
    }
    let log = Log::from_now();
    let cron = Cron::start()?;
    cron.wait_for("root")?;
    for (name, condition, runs) in expected {
        let ran = fs::read_to_string(trace(&name)).unwrap_or_default().trim() == name;
        ensure(
            ran == runs,
            format!("a job of {name} ({condition})"),
            if runs { "run" } else { "not run" },
            log.lines(),
        )?;
    }
    Ok(())
}

/// cron changes into the home before it runs a job.
fn home(name: &str) -> Result<()> {
    let what = "make a home";
    let user = User::from_name(name)
        .ok()
        .flatten()
        .ok_or_else(|| domlogon_tests::differs("getpwnam", name, "nothing"))?;
    fs::create_dir_all(&user.dir).map_err(Failure::harness(what))?;
    chown(&user.dir, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
        .map_err(Failure::harness(what))
}
