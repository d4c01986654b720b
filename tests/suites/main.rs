//! `domlogon-suites [--quick] [--long] [--no-directory] [--list] [PART…]`: run the suites, one case after
//! another, inside `tests/sandbox`. A PART selects the cases whose name contains it. `--quick`
//! leaves out the slow ones (cron waits for a minute, outages for their deadlines); `--long` makes
//! the attacks as long as those whose figures are in the README;
//! `--no-directory` those that take a domain controller.

#![forbid(unsafe_code)]

mod attacks;
mod bad_input;
mod between;
mod change;
mod command_line;
mod conditions;
mod confinement;
mod cron;
mod database;
mod directory;
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
    needs: Needs,
    run: fn(&mut World) -> Result<()>,
}

/// The world that a case takes place in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// Nothing: it means something without a daemon.
    Nothing,
    /// A domain in the daemon's own database.
    Embedded,
    /// A directory, whether this host could join it or not.
    Controller,
    /// A domain in a directory.
    Directory,
    /// One and then the other: what a person sees is the same.
    Each,
}

impl Case {
    const fn new(name: &'static str, needs: Needs, run: fn(&mut World) -> Result<()>) -> Case {
        Case {
            name,
            slow: false,
            needs,
            run,
        }
    }

    /// `--quick` leaves it out.
    const fn slow(mut self) -> Case {
        self.slow = true;
        self
    }
}

/// A case of the embedded database, for every run.
const fn case(name: &'static str, run: fn(&mut World) -> Result<()>) -> Case {
    Case::new(name, Needs::Embedded, run)
}

/// A case of the embedded database that `--quick` leaves out.
const fn slow(name: &'static str, run: fn(&mut World) -> Result<()>) -> Case {
    case(name, run).slow()
}

/// A case that means something without a daemon.
const fn plain(name: &'static str, run: fn(&mut World) -> Result<()>) -> Case {
    Case::new(name, Needs::Nothing, run)
}

/// A case that is run in both homes of accounts; the second time under `directory/…`.
const fn each(name: &'static str, run: fn(&mut World) -> Result<()>) -> Case {
    Case::new(name, Needs::Each, run)
}

/// A case of the directory alone.
const fn in_directory(name: &'static str, run: fn(&mut World) -> Result<()>) -> Case {
    Case::new(name, Needs::Directory, run)
}

/// One run of a case.
struct Turn {
    name: String,
    needs: Needs,
    slow: bool,
    run: fn(&mut World) -> Result<()>,
}

/// All cases in their order: those of the embedded database, those of the directory, and the
/// one that looks at all the others.
fn turns(with_directory: bool) -> Vec<Turn> {
    let turn = |case: &Case, name: String, needs: Needs| Turn {
        name,
        needs,
        slow: case.slow,
        run: case.run,
    };
    let cases = all();
    let (last, cases): (Vec<&Case>, Vec<&Case>) =
        cases.iter().partition(|case| case.name == vocabulary::LAST);
    let mut turns = Vec::new();
    for case in &cases {
        match case.needs {
            Needs::Controller | Needs::Directory => {}
            Needs::Each => turns.push(turn(case, case.name.to_owned(), Needs::Embedded)),
            other => turns.push(turn(case, case.name.to_owned(), other)),
        }
    }
    for case in cases.iter().filter(|_| with_directory) {
        let (name, needs) = match case.needs {
            Needs::Controller | Needs::Directory => (case.name.to_owned(), case.needs),
            Needs::Each => (format!("directory/{}", case.name), Needs::Directory),
            Needs::Nothing | Needs::Embedded => continue,
        };
        turns.push(turn(case, name, needs));
    }
    turns.extend(
        last.iter()
            .map(|case| turn(case, case.name.to_owned(), case.needs)),
    );
    turns
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((confinement::OLD_KERNEL, program)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        return confinement::as_on_an_old_kernel(program);
    }
    let (flags, parts): (Vec<&String>, Vec<&String>) = arguments
        .iter()
        .partition(|argument| argument.starts_with("--"));
    let given = |name: &str| flags.iter().any(|flag| *flag == name);
    if given("--long") {
        domlogon_tests::size::make_long();
    }
    let chosen: Vec<Turn> = turns(!given("--no-directory"))
        .into_iter()
        .filter(|turn| !(given("--quick") && turn.slow))
        .filter(|turn| parts.is_empty() || turn.name != vocabulary::LAST)
        .filter(|turn| {
            parts.is_empty() || parts.iter().any(|part| turn.name.contains(part.as_str()))
        })
        .collect();
    if given("--list") {
        for turn in &chosen {
            println!("{}", turn.name);
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
        between::cases(),
        service::cases(),
        database::cases(),
        confinement::cases(),
        attacks::cases(),
        directory::cases(),
        vocabulary::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn run_all(turns: &[Turn]) -> ExitCode {
    let mut failed: Vec<&str> = Vec::new();
    let mut world = World::empty();
    let mut home = Needs::Nothing;
    for turn in turns {
        let needed = match turn.needs {
            Needs::Controller => Needs::Directory,
            other => other,
        };
        if needed != Needs::Nothing && needed != home {
            home = needed;
            // The old one ends before the new one begins.
            world = World::empty();
            if let Err(failure) = begin(home, &mut world) {
                println!("no world: {failure}\n");
                failed.push("world");
            }
        }
        let log = Log::from_now();
        let begin = Instant::now();
        let ready = match turn.needs {
            Needs::Nothing | Needs::Controller => Ok(()),
            _ => restore(&mut world),
        };
        let result = ready.and_then(|()| (turn.run)(&mut world));
        let took = begin.elapsed().as_millis();
        match result {
            Ok(()) => println!("ok      {} ({took} ms)", turn.name),
            Err(failure) => {
                println!("FAILED  {} ({took} ms)\n{failure}", turn.name);
                println!("  the syslog meanwhile:");
                for line in log.lines().lines() {
                    println!("  > {line}");
                }
                println!();
                failed.push(&turn.name);
            }
        }
    }
    let said = Daemon::said();
    if !failed.is_empty() && !said.is_empty() {
        println!("standard error of the daemon:\n{said}");
    }
    let passed = turns.len().saturating_sub(failed.len());
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

fn begin(home: Needs, world: &mut World) -> Result<()> {
    if home != Needs::Directory {
        *world = World::new()?;
        return Ok(());
    }
    let begin = Instant::now();
    *world = World::of_directory()?;
    let made = begin.elapsed().as_millis();
    world.enter()?;
    let all = begin.elapsed().as_millis();
    println!("ready   a directory ({made} ms), and this host in it ({all} ms)");
    Ok(())
}

/// Each case begins with a living daemon, the usual policy and the usual rights, whatever the last one did.
fn restore(world: &mut World) -> Result<()> {
    world.revive()?;
    world.calm()?;
    world.usual_rights()?;
    world.usual_policy()
}
