//! `domlogon rights grant` and `revoke`: the file is changed only to what the daemon has
//! judged before, and then the daemon takes it.

use super::arguments::RightsChange;
use super::edit::EditError;
use super::error::{Broken, Which};
use super::file::Draft;
use super::plan::{Plan, Refusal, Verb};
use super::problem::ProblemShown;
use super::{RightsError, SHIPPED, list, state};
use crate::answer::Answer;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::time::Clock;
use crate::words;
use domlogon_protocol::RightName;
use domlogon_protocol::admin::{AdminError, Reply, Request};
use domlogon_protocol::rights::{
    Checked, ListShown, Loaded, Problem, ProblemKind, RightsShown, Source,
};
use serde_json::json;
use std::path::{self, Path, PathBuf};

pub(crate) fn run(
    verb: Verb,
    asked: &RightsChange,
    daemon: &Daemon,
    clock: &Clock,
) -> Result<Answer, Error> {
    let path = path::absolute(&asked.file).unwrap_or_else(|_| asked.file.clone());
    let shown = super::in_force(daemon).map_err(|error| unanswered(error, &path))?;
    // The daemon is not root: which file root writes is never for it to say.
    if Path::new(&shown.status.file) != path {
        return Err(RightsError::OtherFile(path, shown.status.file).into());
    }
    let draft = Draft::open(&path)?;
    let asking = Asking {
        daemon,
        file: draft.path().to_owned(),
    };
    let text = match draft.text() {
        Some(text) if !text.trim().is_empty() || !would_lose_lists(&shown) => text.to_owned(),
        None if shown.status.loaded == Loaded::Default => SHIPPED.to_owned(),
        _ => return Err(RightsError::Gone(path).into()),
    };
    let now = asking.check(&text, &verb.names(&asked.principals)?, Which::AsItIs)?;
    let plan = Plan::new(verb, asked.right, &asked.principals, &text, &now)
        .map_err(|refusal| asking.refusal(refusal, &text))?;
    let made = plan
        .made(&text)
        .map_err(|error| asking.refusal(error.into(), &text))?;
    let then = asking.check(&made, &[], Which::AfterTheChange)?;
    let errors = errors(&then);
    if errors.is_empty() {
        if now.administrator_now && !then.administrator_then && !asked.force {
            return Err(RightsError::NoAdministrator(asking.file).into());
        }
    } else if !plan.mends() {
        // Names that nobody has can be taken out one after the other. Everything else waits
        // until the file is good: it would have no effect.
        let was_broken = !self::errors(&now).is_empty();
        return Err(if was_broken {
            asking.broken(&text, self::errors(&now), Which::AsItIs)
        } else {
            asking.broken(&made, errors, Which::AfterTheChange)
        });
    }
    draft.replace(&made)?;
    let taken = asking.reload()?;
    Ok(answer(&plan, &taken, clock))
}

/// Whether lists are in force that an empty file does not have any more.
fn would_lose_lists(shown: &RightsShown) -> bool {
    let are_from_file = |list: &ListShown| list.source == Source::File;
    shown.status.refused.is_some() || shown.lists.iter().any(are_from_file)
}

/// What the daemon is asked about a file.
struct Asking<'a> {
    daemon: &'a Daemon,
    file: PathBuf,
}

impl Asking<'_> {
    /// What a text would mean to the daemon, if it can be read at all.
    fn check(&self, text: &str, names: &[String], which: Which) -> Result<Checked, Error> {
        let request = Request::RightsCheck {
            text: text.to_owned(),
            names: names.to_vec(),
        };
        let problem = match self.daemon.ask(request) {
            Ok(Reply::RightsChecked(checked)) if checked.names.len() == names.len() => {
                match checked.problems.iter().find_map(outage) {
                    Some(error) => return Err(error),
                    None => return Ok(*checked),
                }
            }
            Ok(_) => return Err(Error::OtherReply),
            Err(Error::Refused(refused)) => match *refused {
                AdminError::Rights(problem) => *problem,
                other => return Err(other.into()),
            },
            Err(error) => return Err(unanswered(error, &self.file)),
        };
        match (outage(&problem), &problem.kind) {
            (Some(error), _) => Err(error),
            (None, ProblemKind::BadName(name, why)) if problem.place.is_none() => {
                Err(Error::BadName(name.clone(), *why))
            }
            (None, _) => Err(self.broken(text, vec![problem], which)),
        }
    }

    /// Makes the daemon take the file, which is changed now.
    fn reload(&self) -> Result<RightsShown, Error> {
        let not_taken = |problem| RightsError::NotTaken(self.file.clone(), Box::new(problem));
        let unsure = |error| RightsError::Unsure(self.file.clone(), Box::new(error));
        match self.daemon.ask(Request::RightsReload) {
            Ok(Reply::Rights(shown)) => match shown.status.refused {
                Some(problem) => Err(not_taken(problem).into()),
                None => Ok(*shown),
            },
            Ok(_) => Err(unsure(Error::OtherReply).into()),
            Err(Error::Refused(refused)) => match *refused {
                AdminError::Rights(problem) => Err(not_taken(*problem).into()),
                other => Err(unsure(other.into()).into()),
            },
            Err(error) => Err(unsure(error).into()),
        }
    }

    fn refusal(&self, refusal: Refusal, text: &str) -> Error {
        let error = match refusal {
            Refusal::Edit(error) => {
                let at = match error {
                    EditError::Syntax(at) => at,
                    EditError::NotAList(at) | EditError::Twice(at) => Some(at),
                    EditError::Layout => None,
                };
                let line = at
                    .and_then(|at| text.get(..at))
                    .map(|before| before.matches('\n').count() + 1);
                RightsError::Layout(self.file.clone(), error, line)
            }
            Refusal::Nobody(names) => RightsError::Nobody(names),
            Refusal::Held(right, names) => RightsError::Held(right, names),
            Refusal::NotHeld(right, names) => RightsError::NotHeld(right, names),
        };
        error.into()
    }

    fn broken(&self, text: &str, errors: Vec<Problem>, which: Which) -> Error {
        RightsError::Broken(Box::new(Broken {
            file: self.file.clone(),
            text: text.to_owned(),
            errors,
            which,
        }))
        .into()
    }
}

fn errors(checked: &Checked) -> Vec<Problem> {
    checked
        .problems
        .iter()
        .filter(|problem| !problem.kind.is_warning())
        .cloned()
        .collect()
}

/// That the names could not be looked up says nothing about the file.
fn outage(problem: &Problem) -> Option<Error> {
    match problem.kind {
        ProblemKind::Store(verdict) => Some(AdminError::Store(verdict).into()),
        _ => None,
    }
}

/// Says what can be done where the daemon did not answer.
fn unanswered(error: Error, file: &Path) -> Error {
    match error {
        Error::Call(_) | Error::NotAnswered(_) | Error::OtherReply => {
            RightsError::Unanswered(file.to_owned(), Box::new(error)).into()
        }
        other => other,
    }
}

/// What was done, and the list as it is now.
fn answer(plan: &Plan, taken: &RightsShown, clock: &Clock) -> Answer {
    let right = plan.right();
    let names: Vec<String> = plan
        .entries()
        .iter()
        .map(|entry| entry.shown().to_owned())
        .collect();
    let done = match plan.verb() {
        Verb::Grant => "Now in",
        Verb::Revoke => "No longer in",
    };
    let mut text = format!(
        "{done} {right} (\"{}\"): {}.\n",
        right.title(),
        words::list(&names, "nobody")
    );
    if plan.writes_holders() {
        text.push_str("The built-in holders were in force; the list is in the file now.\n");
    }
    text.push_str(&format!(
        "In force at the next logon: {}.\n",
        state::text(&taken.status, clock)
    ));
    let now = taken.lists.iter().find(|list| list.name == right);
    if let Some(now) = now {
        text.push_str(&format!("\n{}", list::one(now)));
    }
    for warning in state::warnings(&taken.status) {
        text.push_str(&format!("Warning: {warning}\n"));
    }
    let json = json!({
        "changed": true,
        "right": RightName::symbol(right),
        "principals": names,
        "version": taken.status.version,
        "list": now.map(list::list_json),
        "warnings": ProblemShown::all(&taken.status.warnings),
    });
    Answer::yes(text, &json)
}
