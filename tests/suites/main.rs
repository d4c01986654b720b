//! `domlogon-suites [--quick] [--list] [PART…]`: run the suites, one case after another, inside
//! `tests/sandbox`. A PART selects the cases whose name contains it. `--quick` leaves out the
//! slow ones (cron waits for a minute, outages for their deadlines).

#![forbid(unsafe_code)]

mod bad_input;
mod change;
mod command_line;
mod conditions;
mod cron;
mod database;
mod doctor;
mod enable;
mod exports;
mod files;
mod first_minutes;
mod login;
mod nss;
mod outages;
mod passwd;
mod rights;
mod rights_commands;
mod rights_file;
mod rights_matrix;
mod rights_refused;
mod service;
mod shipped;
mod ssh;
mod stories;
mod sudo;
mod vocabulary;
mod ways;
mod words;

use domlogon_tests::{Daemon, Log, Result, World};
use std::process::ExitCode;
use std::time::Instant;

/// One case: a name and what it does.
struct Case {
    name: &'static str,
    slow: bool,
    needs_domain: bool,
    run: fn(&mut World) -> Result<()>,
}

/// A case for every run.
fn case(name: &'static str, run: fn(&mut World) -> Result<()>) -> Case {
    Case {
        name,
        slow: false,
        needs_domain: true,
        run,
    }
}

/// A case that `--quick` leaves out.
fn slow(name: &'static str, run: fn(&mut World) -> Result<()>) -> Case {
    Case {
        name,
        slow: true,
        needs_domain: true,
        run,
    }
}

/// A case that means something without a daemon.
fn plain(name: &'static str, run: fn(&mut World) -> Result<()>) -> Case {
    Case {
        name,
        slow: false,
        needs_domain: false,
        run,
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (flags, parts): (Vec<&String>, Vec<&String>) = arguments
        .iter()
        .partition(|argument| argument.starts_with("--"));
    let quick = flags.iter().any(|flag| *flag == "--quick");
    let chosen: Vec<Case> = all()
        .into_iter()
        .filter(|case| !(quick && case.slow))
        .filter(|case| parts.is_empty() || case.name != vocabulary::LAST)
        .filter(|case| {
            parts.is_empty() || parts.iter().any(|part| case.name.contains(part.as_str()))
        })
        .collect();
    if flags.iter().any(|flag| *flag == "--list") {
        for case in &chosen {
            println!("{}", case.name);
        }
        return ExitCode::SUCCESS;
    }
    if std::env::var_os("DOMLOGON_SANDBOX").is_none() {
        eprintln!(
            "domlogon-suites changes the system it runs on: start it with tests/run, or\n\
             tests/sandbox -- target/release/domlogon-suites"
        );
        return ExitCode::from(2);
    }
    if chosen.is_empty() {
        eprintln!("domlogon-suites: no case is called that");
        return ExitCode::from(2);
    }
    run_all(&chosen)
}

fn all() -> Vec<Case> {
    // The cases that need no daemon come first: they tell most when nothing works.
    [
        exports::cases(),
        files::cases(),
        conditions::cases(),
        change::cases(),
        command_line::cases(),
        nss::cases(),
        shipped::cases(),
        login::cases(),
        passwd::cases(),
        sudo::cases(),
        ssh::cases(),
        bad_input::cases(),
        rights::cases(),
        rights_commands::cases(),
        rights_file::cases(),
        rights_refused::cases(),
        rights_matrix::cases(),
        words::cases(),
        doctor::cases(),
        enable::cases(),
        first_minutes::cases(),
        stories::cases(),
        cron::cases(),
        outages::cases(),
        service::cases(),
        database::cases(),
        vocabulary::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn run_all(cases: &[Case]) -> ExitCode {
    let mut failed = Vec::new();
    let mut world = World::empty();
    if cases.iter().any(|case| case.needs_domain) {
        match World::new() {
            Ok(made) => world = made,
            Err(failure) => {
                println!("no world: {failure}\n");
                failed.push("world");
            }
        }
    }
    for case in cases {
        let log = Log::from_now();
        let begin = Instant::now();
        let ready = if case.needs_domain {
            restore(&mut world)
        } else {
            Ok(())
        };
        let result = ready.and_then(|()| (case.run)(&mut world));
        let took = begin.elapsed().as_millis();
        match result {
            Ok(()) => println!("ok      {} ({took} ms)", case.name),
            Err(failure) => {
                println!("FAILED  {} ({took} ms)\n{failure}", case.name);
                println!("  the syslog meanwhile:");
                for line in log.lines().lines() {
                    println!("  > {line}");
                }
                println!();
                failed.push(case.name);
            }
        }
    }
    let said = Daemon::said();
    if !failed.is_empty() && !said.is_empty() {
        println!("standard error of the daemon:\n{said}");
    }
    let passed = cases.len().saturating_sub(failed.len());
    if failed.is_empty() {
        println!("suites: {passed} cases, all good");
        ExitCode::SUCCESS
    } else {
        println!(
            "suites: {passed} good, {} FAILED: {}",
            failed.len(),
            failed.join(", ")
        );
        ExitCode::FAILURE
    }
}

/// Each case begins with a living daemon, the usual policy and the usual rights, whatever the last one did.
fn restore(world: &mut World) -> Result<()> {
    world.revive()?;
    world.usual_rights()?;
    world.usual_policy()
}
