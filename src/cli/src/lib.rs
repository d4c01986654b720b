//! domlogon: the administrator's command.
//!
//! Asks the daemon, and says what it answered: to a person in plain English, to a
//! program in JSON, and to a shell by the exit status. It decides nothing itself.
#![forbid(unsafe_code)]

mod answer;
mod arguments;
mod check;
mod cure;
mod daemon;
mod doctor;
mod enable;
mod error;
mod explain;
mod fact;
#[doc(hidden)]
pub mod fuzzed;
mod group;
mod host_program;
mod hours;
mod import;
mod join;
#[cfg(test)]
mod manual;
mod password;
mod policy;
mod refusal;
mod right;
mod rights;
mod setup;
mod status;
mod time;
mod user;
mod verdict;
mod words;

use answer::Answer;
use arguments::{Arguments, Command};
use clap::Parser;
use daemon::Daemon;
use error::Error;
use std::process::ExitCode;
use time::Clock;

/// The program: what its arguments ask for.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let as_json = arguments.json;
    answer::print(run(arguments), as_json)
}

fn run(arguments: Arguments) -> Result<Answer, Error> {
    let daemon = Daemon::new(&arguments);
    let clock = Clock::system();
    match arguments.command {
        Command::Setup(asked) => setup::run(&asked, &daemon),
        Command::Join(asked) => join::run(&asked),
        Command::Leave(asked) => join::leave(&asked),
        Command::Testjoin(asked) => join::testjoin(&asked),
        Command::User(command) => user::run(command, &daemon, &clock),
        Command::Group(command) => group::run(command, &daemon),
        Command::Policy(command) => policy::run(command, &daemon),
        Command::Rights(command) => rights::run(command, &daemon, &clock),
        Command::Explain(asked) => explain::run(&asked, &daemon, &clock),
        Command::Status => status::run(&daemon, &clock),
        Command::Check(asked) => check::run(&asked, arguments.json),
        Command::Enable(asked) => enable::enable(&asked, &daemon, arguments.json),
        Command::Confirm => enable::confirm(&daemon),
        Command::Disable(asked) => enable::disable(&asked, &daemon, arguments.json),
        Command::EnableGuard(asked) => enable::guard(&asked, &daemon),
        Command::EnableTrial => Ok(enable::trial()),
        Command::Doctor(asked) => doctor::run(&asked, &daemon),
    }
}
