//! The memory of the daemon, its files and its log.

use crate::{Case, case, each};
use domlogon_tests::account::Condition::*;
use domlogon_tests::daemon::DATA;
use domlogon_tests::size::sized;
use domlogon_tests::{
    Account, Daemon, Failure, Log, Marker, Probe, Result, World, domlogon_with, ensure, memory,
};
use std::fs;
use std::thread;

pub(super) fn cases() -> Vec<Case> {
    vec![
        each("attacks/secrets/daemon, logons", logons),
        each("attacks/secrets/daemon, changes", changes),
        case("attacks/secrets/daemon, an administrator", administrator),
        case("attacks/secrets/daemon, imports", imports),
    ]
}

/// A right password, a wrong one, and many at once, so that every thread has seen one.
fn logons(world: &mut World) -> Result<()> {
    const AT_ONCE: usize = 6;
    let traces = Traces::begin(world)?;
    for round in 0..sized(3, 90) {
        let marker = Marker::long(length(round));
        let account = world.account(Good)?;
        account.reset(marker.text())?;
        for _ in 0..2 {
            logs_on(&account, &marker, "SUCCESS")?;
            traces.none("after a logon", &marker)?;
        }
        let wrong = Marker::long(length(round));
        logs_on(&account, &wrong, "AUTH_ERR")?;
        traces.none("after a wrong password", &wrong)?;
        let results: Vec<Result<()>> = thread::scope(|scope| {
            let start = || scope.spawn(|| logs_on(&account, &marker, "SUCCESS"));
            let running: Vec<_> = (0..AT_ONCE).map(|_| start()).collect();
            running
                .into_iter()
                .filter_map(|one| one.join().ok())
                .collect()
        });
        results.into_iter().collect::<Result<Vec<()>>>()?;
        traces.none("after logons at once", &marker)?;
    }
    let unknown = Marker::new();
    Probe::bare("login", "nobody-of-that-name")
        .answer(unknown.text())
        .run(&["auth"])?
        .returns("auth", "USER_UNKNOWN")?;
    traces.none("after an unknown name", &unknown)?;
    Ok(())
}

/// Every way that a change ends.
fn changes(world: &mut World) -> Result<()> {
    let traces = Traces::begin(world)?;
    for round in 0..sized(1, 90) {
        let [old, wrong, short, new] = std::array::from_fn(|_| Marker::long(length(round)));
        let account = world.account(Good)?;
        account.reset(old.text())?;
        let attempt = |answers: &[&str]| {
            let probe = Probe::bare("once", &account.name).as_user(&account.name);
            let probe = answers
                .iter()
                .fold(probe, |probe, answer| probe.answer(answer));
            probe.run(&["chauthtok"])
        };
        attempt(&[wrong.text()])?.returns("chauthtok", "AUTH_ERR")?;
        traces.none("after a wrong current password", &wrong)?;
        // Too simple: refused after all that is looked at.
        let simple = short.text().to_lowercase().replace(['-', '7'], "x");
        let simple = Marker::of(&simple);
        attempt(&[old.text(), simple.text(), simple.text()])?
            .returns("chauthtok", "AUTHTOK_ERR")?;
        traces.none("after a change that was refused, the old one", &old)?;
        traces.none("after a change that was refused, the new one", &simple)?;
        attempt(&[old.text(), new.text(), new.text()])?.returns("chauthtok", "SUCCESS")?;
        traces.none("after a change, the old one", &old)?;
        traces.none("after a change, the new one", &new)?;
        logs_on(&account, &new, "SUCCESS")?;
    }
    Ok(())
}

/// A usual length, one that fills a block of a hash, and one of several blocks.
fn length(round: usize) -> usize {
    [28, 120, 250].into_iter().cycle().nth(round).unwrap_or(28)
}

/// Passwords that come by the administrators' door.
fn administrator(world: &mut World) -> Result<()> {
    let traces = Traces::begin(world)?;
    let set = |name: &str, marker: &Marker| {
        let line = format!("{}\n", marker.text());
        domlogon_with(&["user", "password", name, "--stdin"], &line)?.exits(0)
    };
    let first = Marker::new();
    let name = world.group_name("set");
    let line = format!("{}\n", first.text());
    domlogon_with(&["user", "add", &name, "--password-stdin"], &line)?.exits(0)?;
    traces.none("after user add", &first)?;
    let second = Marker::new();
    set(&name, &second)?;
    traces.none("after user password", &second)?;
    logs_on(&Account::known(&name), &second, "SUCCESS")?;
    // By libpam, as root's passwd does it.
    let third = Marker::new();
    Probe::bare("once", &name)
        .answer(third.text())
        .answer(third.text())
        .run(&["chauthtok"])?
        .returns("chauthtok", "SUCCESS")?;
    traces.none("after a reset by libpam", &third)?;
    logs_on(&Account::known(&name), &third, "SUCCESS")?;
    traces.none("at the end", &third)
}

/// Passwords whose hashes came from another system: compared in its way, then hashed in ours.
fn imports(world: &mut World) -> Result<()> {
    const SHA512: (&str, &str) = (
        "Q7-nWxKtPzvRbLqYhGdMsFj",
        "$6$saltsalt$Jgj3jbreB62fXF/AFH4euXInMtL1uy.kk72dOB73bdMBUKmjrXjuwYYdS1AGO89TsVqyq8.LZfLiNNRW3hbpv/",
    );
    const YESCRYPT: (&str, &str) = (
        "Q7-zTgBvNkWpXrLcHsDqMfJ",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$rlEroZozvayoJ5RqtWtIo6moncpeATtw0.Iix.9d.n8",
    );
    let traces = Traces::begin(world)?;
    for (password, hash) in [SHA512, YESCRYPT] {
        let name = world.group_name("imported");
        let account = Account::known(&name);
        let line = format!("{name}:{hash}\n");
        domlogon_with(&["user", "import", "--format", "passwd", "-"], &line)?.exits(0)?;
        let wrong = Marker::new();
        logs_on(&account, &wrong, "AUTH_ERR")?;
        traces.none("after a wrong password for an imported hash", &wrong)?;
        let right = Marker::of(password);
        logs_on(&account, &right, "SUCCESS")?;
        traces.none("after the first logon with an imported hash", &right)?;
        let new = Marker::new();
        Probe::bare("once", &name)
            .answer(right.text())
            .answer(new.text())
            .answer(new.text())
            .as_user(&name)
            .run(&["chauthtok"])?
            .returns("chauthtok", "SUCCESS")?;
        traces.none("after the change of an imported one", &right)?;
        traces.none("after the change of an imported one, the new one", &new)?;
    }
    Ok(())
}

fn logs_on(account: &Account, marker: &Marker, code: &str) -> Result<()> {
    Probe::bare("login", &account.name)
        .answer(marker.text())
        .run(&["auth"])?
        .returns("auth", code)
        .map(drop)
}

/// Wherever the daemon could leave one.
struct Traces {
    process: u32,
    log: Log,
}

impl Traces {
    /// Before the passwords come; that they would be found is tried at once.
    fn begin(world: &mut World) -> Result<Traces> {
        let process = world.daemon()?.process();
        let there = memory::copies(process, &Marker::of("/var/lib/domlogon/accounts.db"))?;
        ensure(
            world.home().directory().is_some() || !there.is_empty(),
            "the memory of the daemon",
            "the name of its database",
            "nothing: it is not what is looked at",
        )?;
        Ok(Traces {
            process,
            log: Log::from_now(),
        })
    }

    fn none(&self, when: &str, marker: &Marker) -> Result<()> {
        memory::is_clean(&format!("the daemon's memory {when}"), self.process, marker)?;
        let log = self.log.lines();
        marker.is_not_in(&format!("the log {when}"), log.as_bytes())?;
        let said = Daemon::said();
        marker.is_not_in(&format!("standard error {when}"), said.as_bytes())?;
        let what = "read the daemon's folder";
        for entry in fs::read_dir(DATA).map_err(Failure::harness(what))? {
            let path = entry.map_err(Failure::harness(what))?.path();
            let bytes = fs::read(&path).map_err(Failure::harness(what))?;
            marker.is_not_in(&format!("{} {when}", path.display()), &bytes)?;
        }
        Ok(())
    }
}
