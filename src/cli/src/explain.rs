//! `domlogon explain`: every step of the evaluation, and what follows from it.

use crate::answer::{Answer, Exit};
use crate::arguments::Explain;
use crate::cure::{Case, cure};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::fact::{self, way_in};
use crate::right;
use crate::time::{Clock, rfc3339};
use crate::verdict::{PamShown, VerdictShown, pam_text, verdict_text};
use crate::words::Page;
use domlogon_protocol::{
    AuthCode, Decision, Explanation, Fact, Hook, LogonType, Outcome, Reply, Request, RightFact,
    Step, Timestamp, UserName, Verdict, notice_sentence, sentence,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::env;
use std::io::{self, IsTerminal};

pub(crate) fn run(asked: &Explain, daemon: &Daemon, clock: &Clock) -> Result<Answer, Error> {
    let explanation = ask(daemon, &asked.user, &asked.service, asked.at)?;
    let report = Report {
        user: &asked.user,
        service: &asked.service,
        explanation: &explanation,
        clock,
        marks: Marks::of_standard_output(),
    };
    let exit = if explanation.with_password.verdict.grants() {
        Exit::Yes
    } else {
        Exit::No
    };
    Ok(Answer::yes(report.text(), &report.json()).with(exit))
}

/// The daemon's evaluation of a logon.
pub(crate) fn ask(
    daemon: &Daemon,
    user: &str,
    service: &str,
    at: Option<Timestamp>,
) -> Result<Box<Explanation>, Error> {
    let name =
        UserName::parse(user.as_bytes()).map_err(|error| Error::BadName(user.to_owned(), error))?;
    let request = Request::Explain {
        user: name,
        service: service.to_owned(),
        at,
    };
    match daemon.look(&request) {
        Ok(Reply::Explanation(explanation)) => Ok(explanation),
        Ok(_) => Err(Error::OtherReply),
        Err(Error::NotAnswered(
            Verdict::UserNotFound | Verdict::AccountUndefined | Verdict::UserNotInResdom,
        )) => Err(Error::NoSuchAccount(user.to_owned())),
        Err(error) => Err(error),
    }
}

/// How the outcome of a step is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marks {
    /// For a terminal that can show them.
    Signs,
    /// For anything else.
    Words,
}

impl Marks {
    fn of_standard_output() -> Self {
        let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
            .is_some_and(|locale| {
                let locale = locale.to_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            });
        if utf8 && io::stdout().is_terminal() {
            Self::Signs
        } else {
            Self::Words
        }
    }

    fn mark(self, outcome: Outcome, grants: bool) -> &'static str {
        match (self, outcome) {
            (Self::Signs, Outcome::Passed) => "✓",
            (Self::Signs, Outcome::Decided) if grants => "!",
            (Self::Signs, Outcome::Decided | Outcome::WouldRefuse) => "✗",
            (Self::Signs, Outcome::Skipped) => "-",
            (Self::Signs, Outcome::Audited) => "!",
            (Self::Words, Outcome::Passed) => "passed",
            (Self::Words, Outcome::Decided) => "DECIDED",
            (Self::Words, Outcome::WouldRefuse) => "would not pass",
            (Self::Words, Outcome::Skipped) => "not asked",
            (Self::Words, Outcome::Audited) => "AUDIT",
        }
    }
}

/// What was asked, and what came back.
pub(crate) struct Report<'a> {
    pub(crate) user: &'a str,
    pub(crate) service: &'a str,
    pub(crate) explanation: &'a Explanation,
    pub(crate) clock: &'a Clock,
    pub(crate) marks: Marks,
}

impl Report<'_> {
    pub(crate) fn text(&self) -> String {
        let made = self.explanation;
        let with = &made.with_password;
        let mut text = format!(
            "{} by the service {} ({}) on {}\nas of {}\n\n",
            self.account_name(),
            self.service,
            self.way(),
            if with.params.host.is_empty() {
                "this host"
            } else {
                &with.params.host
            },
            self.clock.both(made.at)
        );
        text.push_str(&self.steps());
        text.push('\n');
        let job = made.logon_type == LogonType::Batch;
        let title = if job {
            "A job"
        } else {
            "With the right password"
        };
        text.push_str(&self.outcome(title, with, true).text());
        let without = &made.without_password;
        let title = "Without a password (ssh key, sudo without one)";
        if (without.verdict, without.rule) != (with.verdict, with.rule) {
            text.push_str(&self.outcome(title, without, false).text());
        } else if !job {
            text.push_str(&format!("{title}: the same\n"));
        }
        text
    }

    fn account_name(&self) -> &str {
        let own = &self.explanation.with_password.params.user;
        if own.is_empty() { self.user } else { own }
    }

    fn way(&self) -> String {
        let can = if self.explanation.can_change {
            "can ask for a new password"
        } else {
            "cannot ask for a new password"
        };
        format!("{}, {can}", way_in(self.explanation.logon_type))
    }

    fn steps(&self) -> String {
        let grants = self.explanation.with_password.verdict.grants();
        let steps = &self.explanation.steps;
        let marks: Vec<&str> = steps
            .iter()
            .map(|step| self.marks.mark(step.outcome, grants))
            .collect();
        let width = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(|text| text.chars().count()).max().unwrap_or(0)
        };
        let mark_width = width(&mut marks.iter().copied());
        let rule_width = width(&mut steps.iter().map(|step| step.rule.word()));
        let mut text = String::new();
        for (step, mark) in steps.iter().zip(marks) {
            let fact = fact::text(step, self.explanation.logon_type, self.clock);
            let remark = match (step.outcome, self.marks) {
                (Outcome::Decided, Marks::Signs) => "decided: ",
                (Outcome::WouldRefuse, Marks::Signs) => "would not pass either: ",
                (Outcome::Audited, Marks::Signs) => "audit: ",
                _ => "",
            };
            let line = format!(
                "  {mark:mark_width$}  {:rule_width$}  {remark}{fact}",
                step.rule.word()
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn outcome(&self, title: &str, decision: &Decision, by_password: bool) -> Page {
        let verdict = decision.verdict;
        let ending = match verdict {
            Verdict::MustChange | Verdict::PasswordExpired => "granted, after a new password",
            verdict if verdict.grants() => "granted",
            _ => "refused",
        };
        let mut page = Page::new(&format!("{title}: {ending}"));
        page.row("Decided by", decision.rule.word());
        page.row("Verdict", &verdict_text(verdict));
        let code = |hook| pam_text(verdict, hook, self.service);
        if by_password {
            page.row("PAM authenticate", &code(Hook::Authenticate));
            let later = self.explanation.without_password.verdict;
            page.row("PAM account", &pam_text(later, Hook::Account, self.service));
            if self.service == "sshd"
                && matches!(verdict.row().codes.authenticate, AuthCode::SshdDefers(_))
            {
                page.row("", "sshd shows a person only what the account step refuses");
            }
        } else {
            page.row("PAM account", &code(Hook::Account));
        }
        if let Some(text) = sentence(decision, self.clock) {
            page.row("The user reads", &text);
        }
        for notice in &decision.notices {
            page.row("The user reads", &notice_sentence(*notice));
        }
        if let Some(fact) = self.audited(decision) {
            page.row(
                "Audit mode",
                "lets it pass; without it the logon right would refuse",
            );
            for (index, line) in right::cure(fact, self.account_name()).iter().enumerate() {
                page.row(if index == 0 { "Before it ends" } else { "" }, line);
            }
        }
        for (index, line) in self.cure(decision).iter().enumerate() {
            page.row(if index == 0 { "Cure" } else { "" }, line);
        }
        page
    }

    fn cure(&self, decision: &Decision) -> Vec<String> {
        cure(&Case {
            user: self.account_name(),
            service: self.service,
            decision,
            steps: &self.explanation.steps,
            at: self.explanation.at,
        })
    }

    /// The right that only audit mode lets pass, where the decision is to let in.
    fn audited(&self, decision: &Decision) -> Option<&RightFact> {
        let steps = self.explanation.steps.iter();
        let granted = decision.verdict.grants();
        steps
            .filter(|step| granted && step.outcome == Outcome::Audited)
            .find_map(|step| match &step.fact {
                Fact::Right(fact) => Some(&**fact),
                _ => None,
            })
    }

    pub(crate) fn json(&self) -> Value {
        let made = self.explanation;
        json!({
            "user": self.account_name(),
            "service": self.service,
            "logon_type": made.logon_type.word(),
            "can_change": made.can_change,
            "at": rfc3339(made.at),
            "granted": made.with_password.verdict.grants(),
            "audited": self.audited(&made.with_password).is_some(),
            "steps": made.steps.iter().map(|step| self.step_json(step)).collect::<Vec<_>>(),
            "with_password": self.outcome_json(&made.with_password),
            "without_password": self.outcome_json(&made.without_password),
            "pam": {
                "authenticate": self.pam(made.with_password.verdict, Hook::Authenticate),
                "account": self.pam(made.without_password.verdict, Hook::Account),
            },
        })
    }

    fn pam(&self, verdict: Verdict, hook: Hook) -> PamShown {
        PamShown::new(verdict.pam_code(hook, self.service))
    }

    fn outcome_json(&self, decision: &Decision) -> OutcomeShown {
        OutcomeShown {
            granted: decision.verdict.grants(),
            decided_by: decision.rule.word(),
            verdict: VerdictShown::new(decision.verdict),
            sentence: sentence(decision, self.clock),
            notices: decision
                .notices
                .iter()
                .copied()
                .map(notice_sentence)
                .collect(),
            cure: self.cure(decision),
        }
    }

    fn step_json(&self, step: &Step) -> Value {
        json!({
            "rule": step.rule.word(),
            "outcome": match step.outcome {
                Outcome::Passed => "passed",
                Outcome::Decided => "decided",
                Outcome::WouldRefuse => "would_refuse",
                Outcome::Skipped => "skipped",
                Outcome::Audited => "audited",
            },
            "fact": fact::json(&step.fact, self.clock),
            "text": fact::text(step, self.explanation.logon_type, self.clock),
        })
    }
}

/// One of the two endings in JSON.
#[derive(Debug, Serialize)]
struct OutcomeShown {
    granted: bool,
    decided_by: &'static str,
    verdict: VerdictShown,
    sentence: Option<String>,
    notices: Vec<String>,
    cure: Vec<String>,
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
