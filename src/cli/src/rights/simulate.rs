//! `domlogon rights simulate`: whom a changed file would refuse or admit.

use super::arguments::RightsSimulate;
use super::error::{Broken, Which};
use super::problem::{self, ProblemShown};
use super::{RightsError, file};
use crate::answer::{Answer, Exit};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::fact::way_in;
use crate::right;
use crate::time::{Clock, rfc3339};
use crate::words::{count, table};
use domlogon_protocol::admin::{AdminError, Reply, Request};
use domlogon_protocol::rights::{Change, ProblemKind, Simulation};
use domlogon_protocol::{Calendar, RightFact};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) fn run(asked: &RightsSimulate, daemon: &Daemon, clock: &Clock) -> Result<Answer, Error> {
    let text = file::read(&asked.file)?;
    let request = Request::RightsSimulate {
        text: text.clone(),
        since: asked.since,
    };
    let simulation = match daemon.ask(request) {
        Ok(Reply::RightsSimulated(simulation)) => simulation,
        Ok(_) => return Err(Error::OtherReply),
        Err(Error::Refused(refused)) => {
            return Err(match *refused {
                AdminError::Rights(problem) => match problem.kind {
                    ProblemKind::Store(verdict) => AdminError::Store(verdict).into(),
                    _ => RightsError::Broken(Box::new(Broken {
                        file: asked.file.clone(),
                        text,
                        errors: vec![*problem],
                        which: Which::Tried,
                    }))
                    .into(),
                },
                other => other.into(),
            });
        }
        Err(error) => return Err(error),
    };
    let outcome = Outcome {
        file: asked.file.display().to_string(),
        simulation: &simulation,
    };
    // What is not shown is not known to be harmless.
    let harmless = outcome.total(Effect::Refused) == 0 && simulation.more == 0;
    let exit = if harmless { Exit::Yes } else { Exit::No };
    Ok(Answer::yes(outcome.text(clock), &outcome.json()).with(exit))
}

/// What the file does to one of those who came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Refused,
    Admitted,
}

impl Effect {
    const fn of(change: &Change) -> Option<Self> {
        match (change.now.1, change.then.1) {
            (true, false) => Some(Self::Refused),
            (false, true) => Some(Self::Admitted),
            (true, true) | (false, false) => None,
        }
    }
}

struct Outcome<'a> {
    file: String,
    simulation: &'a Simulation,
}

impl Outcome<'_> {
    fn text(&self, clock: &Clock) -> String {
        let made = self.simulation;
        let mut text = format!(
            "{} against the logons since {}\n",
            self.file,
            clock.both(made.since)
        );
        text.push_str(&match made.remembered_since {
            None => "No logon is remembered yet: nobody could be judged.\n".to_owned(),
            Some(first) if first > made.since => {
                format!("Logons are remembered since {} only.\n", clock.both(first))
            }
            Some(_) => String::new(),
        });
        for warning in &made.warnings {
            let line = problem::in_file(&self.file, warning);
            text.push_str(&format!("Warning: {line}\n"));
        }
        for (service, changes) in self.by_service() {
            text.push_str(&format!("\n{}", part(service, &changes, clock)));
        }
        text.push('\n');
        if made.more > 0 {
            text.push_str(&format!(
                "{} more would be judged otherwise, and are not shown.\n",
                made.more
            ));
        }
        text.push_str(&format!(
            "{} of a user and a service judged: {} newly refused, {} newly admitted.\n",
            count(made.judged, "pair"),
            self.total(Effect::Refused),
            self.total(Effect::Admitted)
        ));
        if made.gone > 0 {
            text.push_str(&format!(
                "{} no longer in the domain and not judged.\n",
                match made.gone {
                    1 => "1 user who came in is".to_owned(),
                    many => format!("{many} users who came in are"),
                }
            ));
        }
        text
    }

    fn by_service(&self) -> BTreeMap<&str, Vec<(Effect, &Change)>> {
        let mut services: BTreeMap<&str, Vec<(Effect, &Change)>> = BTreeMap::new();
        for change in &self.simulation.changes {
            if let Some(effect) = Effect::of(change) {
                services
                    .entry(&change.service)
                    .or_default()
                    .push((effect, change));
            }
        }
        services
    }

    fn total(&self, effect: Effect) -> usize {
        let changes = self.simulation.changes.iter();
        changes.filter(|c| Effect::of(c) == Some(effect)).count()
    }

    fn json(&self) -> Value {
        let made = self.simulation;
        json!({
            "file": self.file,
            "since": rfc3339(made.since),
            "remembered_since": made.remembered_since.map(rfc3339),
            "judged": made.judged,
            "users_gone": made.gone,
            "newly_refused": self.changes(Effect::Refused),
            "newly_admitted": self.changes(Effect::Admitted),
            "not_shown": made.more,
            "warnings": ProblemShown::all(&made.warnings),
        })
    }

    fn changes(&self, effect: Effect) -> Vec<Value> {
        self.simulation
            .changes
            .iter()
            .filter(|change| Effect::of(change) == Some(effect))
            .map(|change| {
                json!({
                    "user": change.user,
                    "service": change.service,
                    "last_logon_at": rfc3339(change.last),
                    "now": side(&change.now),
                    "then": side(&change.then),
                })
            })
            .collect()
    }
}

fn side((fact, granted): &(RightFact, bool)) -> Value {
    json!({
        "granted": granted,
        "right": right::json(fact),
        "text": why(fact),
    })
}

/// One service: who would be refused, and then who would be admitted.
fn part(service: &str, changes: &[(Effect, &Change)], clock: &Clock) -> String {
    let row = |word: &str, change: &Change| {
        [
            format!("  {}", change.user),
            word.to_owned(),
            clock.show(change.last),
            why(&change.then.0),
        ]
    };
    let of = |wanted: Effect, word: &'static str| {
        changes
            .iter()
            .filter(move |(effect, _)| *effect == wanted)
            .map(move |(_, change)| row(word, change))
    };
    let rows: Vec<[String; 4]> = of(Effect::Refused, "REFUSED")
        .chain(of(Effect::Admitted, "admitted"))
        .collect();
    format!(
        "{service}\n{}",
        table(["  USER", "THEN", "LAST LOGON", "WHY"], &rows)
    )
}

/// What would decide, with the right that is needed.
fn why(fact: &RightFact) -> String {
    match fact.right {
        None => way_in(fact.logon_type).to_owned(),
        Some(right) => format!("{}: {}", right.symbol(), right::text(fact)),
    }
}
