//! Real cron, which passes account management alone. It wakes once a minute: one wait for all.

use crate::{Case, slow};
use domlogon_tests::account::Condition::{self, *};
use domlogon_tests::cron::{Cron, has_run};
use domlogon_tests::{Log, Result, World, ensure};

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
        // cron changes into the home before it runs a job.
        account.home()?;
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
        ensure(
            has_run(&name) == runs,
            format!("a job of {name} ({condition})"),
            if runs { "run" } else { "not run" },
            log.lines(),
        )?;
    }
    Ok(())
}
