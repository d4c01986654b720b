//! Real cron, which passes account management alone. It wakes once a minute: one wait for all.

use crate::{Case, each};
use domlogon_tests::account::Condition::{self, *};
use domlogon_tests::cron::{Cron, has_run};
use domlogon_tests::{Log, Result, World, ensure};

pub(crate) fn cases() -> Vec<Case> {
    vec![each("cron/jobs", jobs).slow()]
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
    // That cron wakes by itself is seen once; the second time its jobs are for the boot.
    let at_boot = world.home().directory().is_some();
    let job = if at_boot {
        Cron::job_after_boot
    } else {
        Cron::job
    };
    let mut expected = Vec::new();
    for &(condition, runs) in RUNS {
        let account = world.account(condition)?;
        // cron changes into the home before it runs a job.
        account.home()?;
        job(&account.name)?;
        expected.push((account.name, format!("{condition:?}"), runs));
    }
    for local in ["localuser", "root"] {
        job(local)?;
        expected.push((local.to_owned(), "local".to_owned(), true));
    }
    let log = Log::from_now();
    let cron = if at_boot {
        Cron::start_after_boot()?
    } else {
        Cron::start()?
    };
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
