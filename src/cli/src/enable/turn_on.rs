//! `domlogon enable` and `domlogon confirm`.

use super::arguments::Enable;
use super::change::Direction;
use super::error::EnableError;
use super::guard::{self, Clocks};
use super::host::Host;
use super::journal::{Desk, Journal, Phase, journal_of};
use super::logon::Logon;
use super::proof::{self, Guest, Locals, Proved};
use super::{PATIENCE, Told, nsswitch, plan, recover, transaction};
use crate::answer::Answer;
use crate::daemon::Daemon;
use crate::error::Error;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::{Reply, Request, Verdict};
use std::fs;
use std::io::{self, Write};

const ALREADY: &str = "domlogon is turned on already; nothing was changed. \
                       Whether all is well says: domlogon doctor\n";

/// `domlogon enable`
pub(crate) fn run(asked: &Enable, daemon: &Daemon, as_json: bool) -> Result<Answer, EnableError> {
    super::need_root()?;
    let host = Host::here();
    if asked.dry_run {
        return dry_run(&host);
    }
    let desk = Desk::take(&host, PATIENCE)?;
    let mut notes = Vec::new();
    if let Some(journal) = desk.journal()? {
        if journal.phase == Phase::Pending {
            return Err(EnableError::Pending);
        }
        notes.push(recover(&desk, journal, daemon)?);
    }
    let plan = plan::on(&host)?;
    if plan.is_empty() {
        let mut told = Told::new("on");
        told.notes = notes;
        return Ok(told.answer(ALREADY));
    }
    let mut told = Told::about("on", &plan, &host)?;
    show(&told.diff, as_json);
    daemon_answers(daemon)?;
    let locals = proof::locals(&host);
    let mut journal = transaction::apply(&desk, &plan, guard::start)?;
    let mut proved = match prove(&desk, &mut journal, daemon, &locals) {
        Ok(proved) => proved,
        Err(error) => return Err(transaction::back(&desk, &journal, error)),
    };
    let shown = proofs(&proved);
    told.admitted = std::mem::take(&mut proved.admitted);
    told.notes = notes;
    told.notes.extend(plan.note());
    told.notes
        .extend(proved.notes.iter().map(|note| format!("Note: {note}.")));
    match asked.confirm {
        Some(seconds) => wait(&desk, journal, seconds, told, &shown),
        None => {
            settle(&desk, journal)?;
            guard::note("domlogon was turned on");
            let text = format!("{shown}\nTo turn it off: domlogon disable\n");
            Ok(told.answer(&text))
        }
    }
}

fn dry_run(host: &Host) -> Result<Answer, EnableError> {
    let plan = plan::on(host)?;
    let mut told = Told::about("dry_run", &plan, host)?;
    told.notes.extend(plan.note());
    if journal_of(host)?.is_some() {
        told.notes.push(
            "An earlier run is unfinished: domlogon enable or domlogon disable would end it first."
                .to_owned(),
        );
    }
    let text = if plan.is_empty() {
        ALREADY.to_owned()
    } else {
        format!(
            "{}\nThis is what domlogon enable would change. Nothing was changed.\n",
            told.diff
        )
    };
    Ok(told.answer(&text))
}

/// The change, before it is made.
fn show(diff: &str, as_json: bool) {
    if !as_json {
        // Who closed the output has seen enough of it.
        let _ = writeln!(io::stdout(), "{diff}");
    }
}

fn daemon_answers(daemon: &Daemon) -> Result<(), EnableError> {
    let failed = |error| EnableError::Daemon(Box::new(error));
    match daemon.look(&Request::Status).map_err(failed)? {
        Reply::Status(status) if status.store == Verdict::Success => Ok(()),
        Reply::Status(status) => Err(failed(Error::NotAnswered(status.store))),
        _ => Err(failed(Error::OtherReply)),
    }
}

fn prove(
    desk: &Desk,
    journal: &mut Journal,
    daemon: &Daemon,
    locals: &Locals,
) -> Result<Proved, EnableError> {
    let worse = proof::compare(locals, Direction::On);
    if !worse.is_empty() {
        return Err(EnableError::Unproved(worse));
    }
    if in_directory(daemon)? {
        let known = someone(daemon)?;
        let nobody = proof::random_name()?;
        let proved = proof::directory(&desk.host, daemon, known.as_deref(), &nobody)?;
        return if proved.failures.is_empty() {
            Ok(proved)
        } else {
            Err(EnableError::Unproved(proved.failures))
        };
    }
    // Written down first: whoever rolls back deletes the account.
    journal.account = Some(proof::random_name()?);
    desk.write(journal)?;
    let name = journal.account.clone().unwrap_or_default();
    let guest = Guest::make(daemon, &name)?;
    let result = proof::domain(&desk.host, daemon, &guest);
    let left = (!guest.dismiss()).then(|| -> Box<str> {
        format!(
            "the account {name}, made for the proofs, could not be deleted again: \
             domlogon user delete {name}"
        )
        .into()
    });
    let mut proved = match (result, &left) {
        (Ok(proved), _) => proved,
        (Err(error), None) => return Err(error),
        (Err(error), Some(left)) => {
            return Err(EnableError::Unproved(vec![
                error.to_string().into(),
                left.clone(),
            ]));
        }
    };
    if proved.failures.is_empty() {
        proved.notes.extend(left);
        Ok(proved)
    } else {
        proved.failures.extend(left);
        Err(EnableError::Unproved(proved.failures))
    }
}

fn in_directory(daemon: &Daemon) -> Result<bool, EnableError> {
    match daemon.look(&Request::Status) {
        Ok(Reply::Status(status)) => Ok(status.directory.is_some()),
        Ok(_) => Err(EnableError::Daemon(Box::new(Error::OtherReply))),
        Err(error) => Err(EnableError::Daemon(Box::new(error))),
    }
}

/// An account of the directory: one that this host knows already, or the one that every
/// domain has.
fn someone(daemon: &Daemon) -> Result<Option<String>, EnableError> {
    let failed = |error| EnableError::Daemon(Box::new(error));
    if let admin::Reply::Users(known, _) =
        daemon.ask(admin::Request::UserList(0)).map_err(failed)?
    {
        if let Some(user) = known.first() {
            return Ok(Some(user.name.clone()));
        }
    }
    match daemon.ask(admin::Request::UserShow("Administrator".to_owned())) {
        Ok(admin::Reply::User(user)) => Ok(Some(user.name)),
        Ok(_) => Ok(None),
        Err(Error::Refused(refused)) if matches!(*refused, AdminError::NoSuchUser(_)) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn settle(desk: &Desk, journal: Journal) -> Result<(), EnableError> {
    transaction::settle(desk, journal.clone())
        .map_err(|error| transaction::back(desk, &journal, error))
}

/// Leaves the journal to the guard, and says how to confirm.
fn wait(
    desk: &Desk,
    journal: Journal,
    seconds: u64,
    mut told: Told,
    shown: &str,
) -> Result<Answer, EnableError> {
    let journal = Journal {
        phase: Phase::Pending,
        awaited: Some(guard::awaited(seconds)),
        account: None,
        ..journal
    };
    if let Err(error) = desk.write(&journal) {
        return Err(transaction::back(desk, &journal, error));
    }
    guard::note(&format!(
        "domlogon was turned on for {seconds} seconds, until somebody confirms"
    ));
    told.state = "pending";
    told.confirm_within_seconds = Some(seconds);
    let text = format!(
        "{shown}\nThe old state comes back by itself in {seconds} seconds. To keep the new one, leave \
         this logon open, log on anew, and say there:\n  domlogon confirm\n\
         To take it back at once: domlogon disable\n"
    );
    Ok(told.answer(&text))
}

fn proofs(proved: &Proved) -> String {
    let begin =
        "domlogon is turned on. Proved through libpam: root and local accounts pass as before";
    if proved.in_directory {
        let known = match &proved.known {
            Some(known) => format!(
                "the account {known} of the directory is found, and gets at each way in what its \
                 rights say; "
            ),
            None => String::new(),
        };
        return format!(
            "{begin}; {known}a name that nobody has does not pass. Nobody's password was tried."
        );
    }
    let domain = if proved.admitted.is_empty() {
        "an account of the domain gets what its rights say".to_owned()
    } else {
        format!(
            "an account of the domain passes with its password ({})",
            proved.admitted.join(", ")
        )
    };
    format!("{begin}, {domain}, a wrong password and a disabled account do not.")
}

/// `domlogon confirm`
pub(crate) fn confirm(daemon: &Daemon) -> Result<Answer, EnableError> {
    super::need_root()?;
    let host = Host::here();
    if journal_of(&host)?.is_none() {
        return nothing_awaited(&host);
    }
    let desk = Desk::take(&host, PATIENCE)?;
    let Some(journal) = desk.journal()? else {
        return nothing_awaited(&host);
    };
    let Some(awaited) = journal
        .awaited
        .clone()
        .filter(|_| journal.phase == Phase::Pending)
    else {
        let note = recover(&desk, journal, daemon)?;
        let mut told = Told::new("off");
        told.notes.push(note);
        return Ok(told
            .answer("Nothing waits for a confirmation.\n")
            .with(crate::answer::Exit::No));
    };
    if guard::is_over(&awaited, &Clocks::now()) {
        recover(&desk, journal, daemon)?;
        return Err(EnableError::TooLate);
    }
    if awaited.logon.is(&Logon::own()) {
        return Err(EnableError::SameLogon);
    }
    transaction::settle(&desk, journal)?;
    guard::note("domlogon enable was confirmed");
    Ok(Told::new("on").answer("Confirmed: domlogon stays turned on.\n"))
}

fn nothing_awaited(host: &Host) -> Result<Answer, EnableError> {
    let names = fs::read_to_string(host.nsswitch()).unwrap_or_default();
    if nsswitch::names_ours(&names) {
        return Ok(
            Told::new("on").answer("domlogon is turned on; nothing waits for a confirmation.\n")
        );
    }
    Err(EnableError::NothingToConfirm)
}
