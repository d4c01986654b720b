//! `domlogon-demo [--shell | --run COMMAND…]`: the demonstration, inside `tests/sandbox`; see
//! `packaging/demo`. A fresh domain with accounts in each condition, the real programs on a
//! terminal, and their transcripts. Exit status 0 only if everything shown was right.

#![forbid(unsafe_code)]

mod scenes;
mod stage;

use domlogon_tests::{Daemon, Result, domlogon, domlogon_with};
use std::process::{Command, ExitCode};

/// The password that all accounts of the demonstration begin with.
const PASSWORD: &str = "Corr3ct-Horse";

fn main() -> ExitCode {
    if std::env::var_os("DOMLOGON_SANDBOX").is_none() {
        eprintln!("domlogon-demo changes the system it runs on: start it with packaging/demo");
        return ExitCode::from(2);
    }
    let daemon = match domain() {
        Ok(daemon) => daemon,
        Err(failure) => {
            eprintln!("The domain could not be set up: {failure}");
            return ExitCode::FAILURE;
        }
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let status = match arguments.split_first() {
        None => scenes::play(),
        Some((mode, [])) if mode == "--shell" => shell(),
        Some((mode, command)) if mode == "--run" && !command.is_empty() => run(command),
        Some(_) => {
            eprintln!("usage: domlogon-demo [--shell | --run COMMAND…]");
            ExitCode::from(2)
        }
    };
    if let Err(failure) = daemon.stop() {
        eprintln!("{failure}");
        return ExitCode::FAILURE;
    }
    status
}

/// Harry's hours: those of the two that are not now.
const EARLY: &str = "Sun-Tue 08:00-18:00";
const LATE: &str = "Thu-Fri 08:00-18:00";

/// Who is in the domain, and what is the matter with each.
const ACCOUNTS: &[(&str, &[&str], &str)] = &[
    ("alice", &[], "nothing is the matter with her"),
    (
        "nina",
        &["--must-change", "yes"],
        "must set a new password first",
    ),
    (
        "otto",
        &["--password-set-at", "2020-01-01T00:00:00Z"],
        "his password is too old",
    ),
    ("dora", &["--disabled", "yes"], "disabled"),
    (
        "egon",
        &["--expires", "2020-01-01T00:00:00Z"],
        "his account has expired",
    ),
    (
        "harry",
        &["--hours", EARLY],
        "may not log on at this time of the week",
    ),
    (
        "wanda",
        &["--workstations", "elsewhere"],
        "may only use the computer \"elsewhere\"",
    ),
    (
        "fritz",
        &["--cannot-change", "yes"],
        "may not change his password",
    ),
    ("larry", &[], "will lock himself out"),
];

/// A fresh domain, its daemon and its accounts.
fn domain() -> Result<Daemon> {
    let daemon = Daemon::start(domlogon_tests::daemon::CONFIGURATION)?;
    domlogon(&[
        "policy",
        "set",
        "min-length=8",
        "history=5",
        "max-age=42d",
        "min-age=0",
        "complexity=yes",
        "lockout-threshold=3",
    ])?
    .exits(0)?;
    for (name, settings, _) in ACCOUNTS {
        domlogon_with(
            &["user", "add", name, "--password-stdin"],
            &format!("{PASSWORD}\n"),
        )?
        .exits(0)?;
        if !settings.is_empty() {
            let mut arguments = vec!["user", "set", name];
            arguments.extend(*settings);
            domlogon(&arguments)?.exits(0)?;
        }
    }
    // As NT 4 had it: the network right of Everyone and Administrators, and no others. And jobs
    // of ordinary users, which a server keeps from them.
    for arguments in [
        ["rights", "revoke", "network", "Users", "Backup Operators"].as_slice(),
        &["rights", "grant", "batch", "Users"],
    ] {
        domlogon(arguments)?.exits(0)?;
    }
    // "explain" answers 0 for a yes: then it is early in the week.
    if domlogon(&["explain", "harry", "--service", "login"])?.code() == 0 {
        domlogon(&["user", "set", "harry", "--hours", LATE])?.exits(0)?;
    }
    Ok(daemon)
}

/// What the shell reads at its start; in the private world.
const START: &str = "/run/demo-shell.rc";

fn shell() -> ExitCode {
    println!(
        "A root shell in a private world. The domain is CORP; everybody's password is {PASSWORD}:"
    );
    for (name, _, matter) in ACCOUNTS {
        println!("    {name:8} {matter}");
    }
    println!(
        "Local: localuser, password {}",
        domlogon_tests::LOCAL_PASSWORD
    );
    println!(
        "Try: login alice; su - localuser, and there su - nina; domlogon explain harry --service sshd;"
    );
    println!(
        "     domlogon rights list; domlogon user list; getent passwd dora; tail /var/log/syslog. Leave with exit."
    );
    // Some versions of login hang up the terminal that they are given: it gets one of its own.
    let start = "PS1='sandbox# '\nlogin() { script -qec \"login $*\" /dev/null; }\n";
    if let Err(error) = std::fs::write(START, start) {
        eprintln!("{START}: {error}");
        return ExitCode::from(2);
    }
    // `script` gives the shell a terminal of this world's own, with job control.
    let shell = &format!("bash --rcfile {START}");
    run(&[
        "script",
        "--quiet",
        "--return",
        "--command",
        shell,
        "/dev/null",
    ]
    .map(String::from))
}

fn run(command: &[String]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else {
        return ExitCode::from(2);
    };
    match Command::new(program).args(arguments).status() {
        Ok(status) => ExitCode::from(
            status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1),
        ),
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::from(127)
        }
    }
}
