//! `domlogon enable`, `confirm` and `disable`: putting domlogon into the host's stacks and
//! lists of names, and taking it out, so that at no instant anybody is locked out or let in.

mod arguments;
mod authselect;
mod change;
mod difference;
mod error;
pub(crate) mod fuzzed;
mod guard;
mod host;
mod journal;
mod logon;
pub(crate) mod nsswitch;
mod plan;
mod profiles;
mod proof;
mod stack;
mod transaction;
mod turn_off;
mod turn_on;

pub(crate) use arguments::{Disable, Enable, Guard};
#[cfg(test)]
pub(crate) use authselect::tests::filled;
pub(crate) use error::EnableError;

use crate::answer::{Answer, Exit};
use crate::daemon::Daemon;
use crate::error::Error;
use change::Plan;
use host::Host;
use journal::{Desk, Journal, Phase};
use nix::unistd::Uid;
use serde::Serialize;
use std::time::Duration;

/// How long a command waits for another one to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// `domlogon enable`
pub(crate) fn enable(asked: &Enable, daemon: &Daemon, as_json: bool) -> Result<Answer, Error> {
    Ok(turn_on::run(asked, daemon, as_json)?)
}

/// `domlogon disable`
pub(crate) fn disable(asked: &Disable, daemon: &Daemon, as_json: bool) -> Result<Answer, Error> {
    Ok(turn_off::run(asked, daemon, as_json)?)
}

/// `domlogon confirm`
pub(crate) fn confirm(daemon: &Daemon) -> Result<Answer, Error> {
    Ok(turn_on::confirm(daemon)?)
}

/// The process that puts the old state back.
pub(crate) fn guard(asked: &Guard, daemon: &Daemon) -> Result<Answer, Error> {
    Ok(guard::run(asked.once, daemon)?)
}

/// One trial, in a process of its own.
pub(crate) fn trial() -> Answer {
    let exit = if proof::child::main() {
        Exit::Yes
    } else {
        Exit::CouldNotTell
    };
    Answer::yes(String::new(), &()).with(exit)
}

/// What a command answers in JSON.
#[derive(Debug, Serialize)]
struct Told {
    /// "on", "off", "pending" or "dry_run".
    state: &'static str,
    /// The files that were changed, or would be.
    files: Vec<String>,
    /// The change as a unified diff.
    diff: String,
    /// The ways in at which an account of the domain was let in.
    admitted: Vec<String>,
    /// What is worth knowing.
    notes: Vec<String>,
    /// How long a confirmation is waited for.
    confirm_within_seconds: Option<u64>,
}

impl Told {
    fn new(state: &'static str) -> Self {
        Self {
            state,
            files: Vec::new(),
            diff: String::new(),
            admitted: Vec::new(),
            notes: Vec::new(),
            confirm_within_seconds: None,
        }
    }

    fn about(state: &'static str, plan: &Plan, host: &Host) -> Result<Self, EnableError> {
        Ok(Self {
            files: plan.files(host),
            diff: plan.shown(host)?,
            ..Self::new(state)
        })
    }

    /// With the notes before the text.
    fn answer(self, text: &str) -> Answer {
        let mut whole = String::new();
        for note in &self.notes {
            whole.push_str(note);
            whole.push('\n');
        }
        whole.push_str(text);
        Answer::yes(whole, &self)
    }
}

fn need_root() -> Result<(), EnableError> {
    if Uid::effective().is_root() {
        Ok(())
    } else {
        Err(EnableError::NotRoot)
    }
}

/// Finishes what an earlier run has left; what was done, in words.
fn recover(desk: &Desk, journal: Journal, daemon: &Daemon) -> Result<String, EnableError> {
    if journal.phase == Phase::Done {
        transaction::settle(desk, journal)?;
        return Ok("An earlier run had been cut off at its very end: tidied up.".to_owned());
    }
    let back = transaction::undo(desk, &journal)?;
    let left = journal
        .account
        .as_ref()
        .filter(|name| !proof::forget_late(daemon, name));
    let mut text = match journal.phase {
        Phase::Pending => "What waited for a confirmation was taken back.".to_owned(),
        _ => "An earlier run had been cut off: its changes were rolled back.".to_owned(),
    };
    text.push_str(&back.told(&desk.host));
    if let Some(name) = left {
        text.push_str(&format!(
            " The account {name}, made for the proofs, may be left: domlogon user delete {name}"
        ));
    }
    desk.end(&journal)?;
    guard::note(&text);
    Ok(text)
}
