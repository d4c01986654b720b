//! `domlogon testjoin`

use super::arguments::TestJoin;
use super::configuration::Configuration;
use super::host::{Host, Names};
use super::scratch::Scratch;
use super::{need_root, now};
use crate::answer::{Answer, Exit};
use crate::error::Error;
use crate::words::visible;
use domlogon_ad::join::{self, Check, Expected, Found};
use domlogon_ad::machine::Machine;
use domlogon_rules::durations::{self, Span};
use serde::Serialize;

/// How old the host's password gets, if the configuration says nothing else.
const ROTATE: u64 = 30 * 86_400;

pub(crate) fn run(asked: &TestJoin) -> Result<Answer, Error> {
    need_root("testjoin")?;
    let host = Host::new(asked.root.as_deref());
    let configuration = Configuration::read(&host)?;
    let machine = Machine::load(&configuration.state(&host)).ok();
    let dns_name = match (configuration.dns_name(), &machine) {
        (Some(name), _) => name.to_lowercase(),
        (None, Some(machine)) => machine.realm.to_lowercase(),
        (None, None) => String::new(),
    };
    let account = machine.as_ref().map(Machine::name);
    let names = Names::new(&host, &dns_name, account);
    let scratch = Scratch::beside()?;
    let desk = host.desk(&configuration, &scratch);
    join::process_defaults(&desk.profile);
    let servers = configuration.servers_or(&[]);
    let site = configuration.site_or(None);
    let place = desk.place(&dns_name, &names, &servers, site.as_deref());
    let expected = Expected {
        rotate: rotate(&configuration),
        now: now(),
    };
    Ok(answer(&join::report(&place, expected)))
}

fn rotate(configuration: &Configuration) -> Option<u64> {
    match configuration.rotate().map(durations::parse) {
        Some(Ok(Span::Seconds(seconds))) => u64::try_from(seconds).ok(),
        Some(Ok(Span::Never | Span::Forever)) => None,
        // The daemon says what is wrong with it.
        Some(Err(_)) | None => Some(ROTATE),
    }
}

fn answer(checks: &[Check]) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        joined: bool,
        checks: Vec<Line<'a>>,
    }
    #[derive(Serialize)]
    struct Line<'a> {
        check: &'static str,
        result: &'static str,
        text: &'a str,
        cure: Option<&'a str>,
    }
    let mut text = String::new();
    let mut lines = Vec::new();
    let mut exit = Exit::Yes;
    for Check { subject, found } in checks {
        let (mark, result, what, cure) = match found {
            Found::Good(what) => ("ok", "good", what, None),
            Found::Bad(what, cure) => ("WRONG", "bad", what, Some(cure.as_str())),
            Found::Unknown(what) => ("?", "unknown", what, None),
        };
        exit = match (exit, found) {
            (_, Found::Bad(..)) => Exit::No,
            (Exit::Yes, Found::Unknown(_)) => Exit::CouldNotTell,
            (exit, _) => exit,
        };
        // Names of the directory are in it.
        text.push_str(&format!("{mark:<6} {subject:<22} {}\n", visible(what)));
        if let Some(cure) = cure {
            let cure = visible(cure);
            text.push_str(&format!("{:<6} {:<22} mend it: {cure}\n", "", ""));
        }
        lines.push(Line {
            check: subject.word(),
            result,
            text: what,
            cure,
        });
    }
    let shown = Shown {
        joined: exit == Exit::Yes,
        checks: lines,
    };
    Answer::yes(text, &shown).with(exit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_ad::join::Subject;

    fn checked(found: Vec<Found>) -> Answer {
        let checks: Vec<Check> = found
            .into_iter()
            .map(|found| Check {
                subject: Subject::Clock,
                found,
            })
            .collect();
        answer(&checks)
    }

    #[test]
    fn the_worst_decides() {
        let good = || Found::Good("fine".to_owned());
        let bad = || Found::Bad("wrong".to_owned(), "a cure".to_owned());
        let unknown = || Found::Unknown("who knows".to_owned());
        assert_eq!(checked(vec![good(), good()]).exit, Exit::Yes);
        assert_eq!(checked(vec![good(), unknown()]).exit, Exit::CouldNotTell);
        assert_eq!(checked(vec![bad(), unknown()]).exit, Exit::No);
        assert_eq!(checked(vec![unknown(), bad(), good()]).exit, Exit::No);
        let answer = checked(vec![good(), bad()]);
        let lines: Vec<&str> = answer.text.lines().collect();
        assert_eq!(lines[0], "ok     clock                  fine");
        assert_eq!(lines[1], "WRONG  clock                  wrong");
        assert_eq!(lines[2].trim_start(), "mend it: a cure");
        assert_eq!(answer.json["checks"][1]["cure"], "a cure");
    }

    #[test]
    fn a_name_of_the_directory_is_one_line() {
        let name = "dNSHostName is x\nok     names\u{1b}[2K".to_owned();
        let answer = checked(vec![Found::Bad(name.clone(), name)]);
        assert_eq!(answer.text.lines().count(), 2, "{}", answer.text);
        assert!(!answer.text.contains('\u{1b}'), "{:?}", answer.text);
    }
}
