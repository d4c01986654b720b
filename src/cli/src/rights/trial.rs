//! `domlogon rights test`: has somebody the right that a service needs, and by what?

use super::arguments::RightsTest;
use crate::answer::{Answer, Exit};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::explain;
use crate::fact::way_in;
use crate::right::{self, chain_text, source_text};
use crate::time::rfc3339;
use crate::words::{Page, shell_word};
use domlogon_protocol::{Basis, Explanation, Fact, LogonType, Outcome, RightFact, Rule};
use serde_json::{Value, json};

pub(crate) fn run(asked: &RightsTest, daemon: &Daemon) -> Result<Answer, Error> {
    let explanation = explain::ask(daemon, &asked.user, &asked.service, None)?;
    let trial = Trial::of(asked, &explanation).ok_or(Error::OtherReply)?;
    let exit = if trial.granted() { Exit::Yes } else { Exit::No };
    Ok(Answer::yes(trial.text(), &trial.json()).with(exit))
}

/// The step of the right, out of a whole evaluation.
struct Trial<'a> {
    user: &'a str,
    service: &'a str,
    explanation: &'a Explanation,
    outcome: Outcome,
    fact: &'a RightFact,
}

impl<'a> Trial<'a> {
    fn of(asked: &'a RightsTest, explanation: &'a Explanation) -> Option<Self> {
        explanation.steps.iter().find_map(|step| match &step.fact {
            Fact::Right(fact) if step.rule == Rule::LogonRight => Some(Self {
                user: account(explanation).unwrap_or(&asked.user),
                service: &asked.service,
                explanation,
                outcome: step.outcome,
                fact,
            }),
            _ => None,
        })
    }

    /// Whether the right, or audit mode, lets in.
    fn granted(&self) -> bool {
        match self.outcome {
            Outcome::Passed | Outcome::Skipped | Outcome::Audited => true,
            Outcome::Decided | Outcome::WouldRefuse => false,
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.outcome, self.fact.logon_type) {
            (Outcome::Audited, _) => "let in by audit mode, would be refused",
            (_, LogonType::Permit) => "granted, no right is needed",
            (_, LogonType::Deny) => "refused, the service is closed to everybody",
            _ if self.granted() => "granted",
            _ => "refused",
        }
    }

    fn text(&self) -> String {
        let (user, service) = (self.user, self.service);
        let mut page = Page::new(&format!(
            "{user} by the service {service}: {}",
            self.verdict()
        ));
        page.row("Way in", way_in(self.fact.logon_type));
        if let Some(right) = self.fact.right {
            let text = format!("{} (\"{}\")", right.symbol(), right.title());
            page.row("Right needed", &text);
        }
        match &self.fact.basis {
            Basis::NotAsked => {}
            Basis::Entry {
                list,
                source,
                entry,
                chain,
            } => {
                let text = format!("{list}, {}", source_text(*source));
                page.row("Decided by the list", &text);
                let sid = entry.sid.as_ref().map(|sid| format!(", {sid}"));
                let text = format!("{}{}", entry.shown(), sid.unwrap_or_default());
                page.row("Entry", &text);
                page.row("Membership", &chain_text(chain));
            }
            Basis::NotListed { .. } | Basis::NoLists => {
                page.row("Decided by", &right::text(self.fact));
            }
        }
        page.row("Lists", &format!("version {}", self.fact.version));
        for (index, line) in self.cure().iter().enumerate() {
            page.row(if index == 0 { "Cure" } else { "" }, line);
        }
        if let Some(rule) = self.other_refusal() {
            page.row(
                "But",
                &format!(
                    "the logon is refused for another reason ({}): {}",
                    rule.word(),
                    self.explain_command()
                ),
            );
        }
        page.text()
    }

    fn cure(&self) -> Vec<String> {
        match (self.outcome, self.fact.logon_type) {
            (Outcome::Passed | Outcome::Skipped, _) => Vec::new(),
            (_, LogonType::Deny) => vec![right::closed(self.service)],
            _ => right::cure(self.fact, self.user),
        }
    }

    /// The step that refuses the logon, if it is another one.
    fn other_refusal(&self) -> Option<Rule> {
        let decision = &self.explanation.with_password;
        (!decision.verdict.grants() && decision.rule != Rule::LogonRight).then_some(decision.rule)
    }

    fn explain_command(&self) -> String {
        format!(
            "domlogon explain {} --service {}",
            shell_word(self.user),
            shell_word(self.service)
        )
    }

    fn json(&self) -> Value {
        json!({
            "user": self.user,
            "service": self.service,
            "at": rfc3339(self.explanation.at),
            "granted": self.granted(),
            "audited": self.outcome == Outcome::Audited,
            "right": right::json(self.fact),
            "text": right::text(self.fact),
            "cure": self.cure(),
            "refused_by": self.other_refusal().map(Rule::word),
        })
    }
}

/// The account's own spelling.
fn account(explanation: &Explanation) -> Option<&str> {
    let name = explanation.with_password.params.user.as_str();
    (!name.is_empty()).then_some(name)
}
