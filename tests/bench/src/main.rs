//! How long a logon takes beyond its password hash, how long a look-up takes, what long lists
//! of rights and many groups add, and how much memory the daemon needs: one table, with
//! pam_unix beside it.
//!
//! Run by `tests/bench/run`, inside the sandbox.
#![forbid(unsafe_code)]

mod domain;
mod fill;
mod hash;
mod quiet;
mod repeat;
mod rights;
mod sample;
mod table;

use domlogon_tests::{Daemon, Result, daemon, ensure};
use repeat::{Logons, Repeat};
use table::{Section, Table};

/// How much is measured.
struct Size {
    /// Rounds; in each, every way to log on has its turn, so that all meet the same noise.
    rounds: usize,
    /// Logons of each kind in a round.
    logons: usize,
    /// Look-ups of each kind.
    look_ups: usize,
    /// Accounts in the domain.
    accounts: usize,
}

const FULL: Size = Size {
    rounds: 30,
    logons: 20,
    look_ups: 5000,
    accounts: 10_000,
};

const QUICK: Size = Size {
    rounds: 2,
    logons: 20,
    look_ups: 500,
    accounts: 1000,
};

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [flag, database, count] if flag == "--fill" => {
            return end(count, |count| fill::fill(database.as_ref(), count));
        }
        [flag, count] if flag == "--add" => return end(count, fill::add),
        _ => {}
    }
    let (program, size) = match arguments.as_slice() {
        [program] => (program, FULL),
        [program, flag] if flag == "--quick" => (program, QUICK),
        _ => {
            eprintln!("domlogon-bench: run tests/bench/run");
            return 2.into();
        }
    };
    report(measure(&Repeat::new(program), &size))
}

/// Does something so many times, for another part of the benchmark.
fn end(count: &str, work: impl FnOnce(u32) -> Result<()>) -> std::process::ExitCode {
    match count.parse() {
        Ok(count) => report(work(count)),
        Err(error) => {
            eprintln!("domlogon-bench: {count}: {error}");
            2.into()
        }
    }
}

fn report(done: Result<()>) -> std::process::ExitCode {
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("domlogon-bench: {failure}");
            1.into()
        }
    }
}

fn measure(repeat: &Repeat<'_>, size: &Size) -> Result<()> {
    let inside = std::env::var_os("DOMLOGON_SANDBOX").is_some();
    ensure(inside, "the place", "tests/sandbox", "this host itself")?;
    repeat::write_stacks()?;
    domain::add_local_accounts()?;
    let mut table = Table::default();
    let running = Daemon::start(daemon::CONFIGURATION)?;
    table.memory("daemon, idle, a new domain", domain::memory(&running)?);
    domain::fill(size.accounts)?;
    running.stop()?;
    let running = Daemon::start(daemon::CONFIGURATION)?;
    let accounts = format!("daemon, idle, {} accounts", size.accounts);
    table.memory(&accounts, domain::memory(&running)?);
    logons(repeat, size, &mut table)?;
    look_ups(repeat, size, &mut table)?;
    table.memory("daemon, after all of the above", domain::memory(&running)?);
    rights::measure(size.look_ups, size.accounts, &mut table)?;
    running.stop()?;
    let running = Daemon::start(daemon::CONFIGURATION)?;
    let lists = "daemon, idle, two lists of 10,000";
    table.memory(lists, domain::memory(&running)?);
    running.stop()?;
    table.print();
    Ok(())
}

/// Logons, and after each the hash alone: what is left is everything else that a logon does.
fn logons(repeat: &Repeat<'_>, size: &Size, table: &mut Table) -> Result<()> {
    hash::serve()?;
    let mut ours = Logons::default();
    let mut local = domain::LOCAL.map(|account| (account, Logons::default()));
    for _ in 0..size.rounds {
        table.busy_rounds += usize::from(!quiet::wait()?);
        repeat.logons(
            "domlogon",
            domain::USER,
            size.logons,
            hash::SOCKET,
            &mut ours,
        )?;
        for (account, logons) in &mut local {
            repeat.logons("unix", account.name, size.logons, "crypt", logons)?;
        }
    }
    table.logon("pam_domlogon, argon2id", &ours);
    for (account, logons) in &local {
        let what = format!("pam_unix, {}", account.method.to_lowercase());
        table.logon(&what, logons);
    }
    Ok(())
}

fn look_ups(repeat: &Repeat<'_>, size: &Size, table: &mut Table) -> Result<()> {
    quiet::wait()?;
    let trips = domain::round_trips(size.look_ups)?;
    let few = size.look_ups / 50;
    let all = size.accounts;
    let large = format!("getgrnam, {all} members");
    let cases = [
        (
            "getpwnam, a local user",
            "getpwnam",
            "localuser",
            0,
            size.look_ups,
        ),
        ("getpwnam", "getpwnam", domain::PREFIX, all, size.look_ups),
        (
            "getpwnam, nobody's name",
            "absent",
            "nobody-here",
            0,
            size.look_ups,
        ),
        (
            "getgrnam, 10 members",
            "getgrnam",
            domain::SMALL_GROUP,
            0,
            size.look_ups,
        ),
        (&large, "getgrnam", domain::LARGE_GROUP, 0, few),
        (
            "initgroups, 2 groups",
            "initgroups",
            domain::PREFIX,
            all,
            size.look_ups,
        ),
        (
            "initgroups, 34 groups",
            "initgroups",
            domain::USER,
            0,
            size.look_ups,
        ),
    ];
    let mut section = Section::new("look-up (µs)");
    for (what, call, name, span, count) in cases {
        quiet::wait()?;
        section.add(what, &repeat.look_ups(call, name, span, count)?);
    }
    section.add("domlogon status", &trips);
    table.section(section);
    Ok(())
}
