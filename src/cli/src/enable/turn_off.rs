//! `domlogon disable`.

use super::arguments::Disable;
use super::change::Direction;
use super::error::EnableError;
use super::host::Host;
use super::journal::{Desk, Phase};
use super::{PATIENCE, Told, guard, plan, proof, recover, transaction};
use crate::answer::Answer;
use crate::daemon::Daemon;

/// `domlogon disable`
pub(crate) fn run(asked: &Disable, daemon: &Daemon, as_json: bool) -> Result<Answer, EnableError> {
    super::need_root()?;
    let host = Host::here();
    let desk = Desk::take(&host, PATIENCE)?;
    let mut notes = Vec::new();
    if let Some(journal) = desk.journal()? {
        if asked.dry_run && journal.phase == Phase::Pending {
            return Err(EnableError::Pending);
        }
        if !asked.dry_run {
            notes.push(recover(&desk, journal, daemon)?);
        }
    }
    let plan = plan::off(&desk)?;
    let mut told = Told::about(if asked.dry_run { "dry_run" } else { "off" }, &plan, &host)?;
    told.notes = notes;
    let closed = plan.closed(&host);
    told.notes.extend(closed.iter().cloned());
    if asked.dry_run {
        let text = format!(
            "{}\nThis is what domlogon disable would change. Nothing was changed.\n",
            told.diff
        );
        return Ok(told.answer(&text));
    }
    if plan.is_empty() {
        let text = "domlogon is turned off.\n";
        return Ok(quiet_if(asked.package, told.answer(text)));
    }
    if asked.package {
        let journal = transaction::apply(&desk, &plan, || Ok(()))?;
        settle(&desk, journal)?;
    } else {
        let locals = proof::locals(&host);
        let journal = transaction::apply(&desk, &plan, guard::start)?;
        let worse = proof::compare(&locals, Direction::Off);
        if !worse.is_empty() {
            let error = EnableError::Unproved(worse);
            return Err(transaction::back(&desk, &journal, error));
        }
        settle(&desk, journal)?;
    }
    guard::note("domlogon was turned off");
    for note in &closed {
        guard::note(note);
    }
    let text = if as_json {
        String::new()
    } else {
        format!(
            "{}\ndomlogon is turned off. Its accounts and its configuration stay.\n",
            told.diff
        )
    };
    let mut answer = quiet_if(asked.package, told.answer(&text));
    if asked.package {
        // Who takes the package away must know.
        answer.text = closed.iter().map(|note| format!("{note}\n")).collect();
    }
    Ok(answer)
}

fn settle(desk: &Desk, journal: super::journal::Journal) -> Result<(), EnableError> {
    transaction::settle(desk, journal.clone())
        .map_err(|error| transaction::back(desk, &journal, error))
}

fn quiet_if(quiet: bool, answer: Answer) -> Answer {
    Answer {
        text: if quiet { String::new() } else { answer.text },
        ..answer
    }
}
