//! What is wrong or odd in a file of rights, with the place where it shows.

use crate::words::{shell_word, visible};
use domlogon_protocol::rights::{Problem, ProblemKind};
use serde::Serialize;

/// The widest piece of a line that is shown, in characters.
const WIDTH: usize = 100;

/// The problem on one line, with its line and column.
pub(crate) fn line(problem: &Problem) -> String {
    // A parser may tell what it expected on a second line.
    visible(&problem.to_string().replace('\n', ", "))
}

/// The problem behind the name of its file, in the form that editors jump to.
pub(crate) fn in_file(file: &str, problem: &Problem) -> String {
    let between = if problem.place.is_some() { ":" } else { ": " };
    format!("{}{between}{}", visible(file), line(problem))
}

/// The same, and the line of the text with a caret under the place.
pub(crate) fn excerpt(file: &str, problem: &Problem, text: &str) -> String {
    let mut shown = in_file(file, problem);
    let Some((line, column)) = problem.place else {
        return shown;
    };
    let (Ok(row), Ok(column)) = (usize::try_from(line), usize::try_from(column)) else {
        return shown;
    };
    let Some(source) = row.checked_sub(1).and_then(|row| text.lines().nth(row)) else {
        return shown;
    };
    let before = column.saturating_sub(1).min(source.chars().count());
    // A long list may stand on one line: only what is around the place is shown.
    let skipped = before.saturating_sub(WIDTH / 2);
    let piece: String = source.chars().skip(skipped).take(WIDTH).collect();
    let piece = visible(&piece.replace('\t', " "));
    let margin = " ".repeat(line.to_string().len());
    let caret = " ".repeat(before - skipped);
    shown.push_str(&format!(
        "\n  {line} | {}\n  {margin} | {caret}^",
        piece.trim_end()
    ));
    shown
}

/// The command that mends it, if there is one.
pub(crate) fn cure(kind: &ProblemKind) -> Option<String> {
    match kind {
        ProblemKind::NobodyDenied(list, name) | ProblemKind::NobodyAllowed(list, name) => {
            Some(format!(
                "domlogon rights revoke {} {}",
                shell_word(list.word()),
                shell_word(name)
            ))
        }
        ProblemKind::Gone
        | ProblemKind::Empty
        | ProblemKind::Unreadable(_)
        | ProblemKind::Exposed
        | ProblemKind::ExposedFolder(_)
        | ProblemKind::TooLong(_)
        | ProblemKind::Syntax(_)
        | ProblemKind::UnknownRight(_)
        | ProblemKind::UnknownType(_)
        | ProblemKind::BadService(_)
        | ProblemKind::BadName(..)
        | ProblemKind::LocalName(..)
        | ProblemKind::Ambiguous(..)
        | ProblemKind::NoAdministrator
        | ProblemKind::Store(_) => None,
    }
}

/// A problem in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct ProblemShown {
    kind: &'static str,
    line: Option<u32>,
    column: Option<u32>,
    text: String,
}

impl ProblemShown {
    pub(crate) fn new(problem: &Problem) -> Self {
        Self {
            kind: word(&problem.kind),
            line: problem.place.map(|(line, _)| line),
            column: problem.place.map(|(_, column)| column),
            text: problem.kind.to_string(),
        }
    }

    pub(crate) fn all(problems: &[Problem]) -> Vec<Self> {
        problems.iter().map(Self::new).collect()
    }
}

fn word(kind: &ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Gone => "gone",
        ProblemKind::Empty => "empty",
        ProblemKind::Unreadable(_) => "unreadable",
        ProblemKind::Exposed => "exposed",
        ProblemKind::ExposedFolder(_) => "exposed_folder",
        ProblemKind::TooLong(_) => "too_long",
        ProblemKind::Syntax(_) => "syntax",
        ProblemKind::UnknownRight(_) => "unknown_right",
        ProblemKind::UnknownType(_) => "unknown_logon_type",
        ProblemKind::BadService(_) => "bad_service",
        ProblemKind::BadName(..) => "bad_name",
        ProblemKind::NobodyDenied(..) => "nobody_denied",
        ProblemKind::NobodyAllowed(..) => "nobody_allowed",
        ProblemKind::LocalName(..) => "local_name",
        ProblemKind::Ambiguous(..) => "ambiguous",
        ProblemKind::NoAdministrator => "no_administrator",
        ProblemKind::Store(_) => "store",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_protocol::{Right, RightName};

    fn ghost(place: Option<(u32, u32)>) -> Problem {
        let list = RightName::deny(Right::Network);
        Problem {
            place,
            kind: ProblemKind::NobodyDenied(list, "ghost town".to_owned()),
        }
    }

    #[test]
    fn a_caret_stands_under_the_place() {
        let text = "[rights]\n\tSeDenyNetworkLogonRight = [\"é\", \"ghost town\"]\n";
        let shown = excerpt("/x/rights.toml", &ghost(Some((2, 34))), text);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].starts_with("/x/rights.toml:2:34: SeDenyNetworkLogonRight names"));
        assert_eq!(
            lines[1],
            "  2 |  SeDenyNetworkLogonRight = [\"é\", \"ghost town\"]"
        );
        let at = lines[2].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[1].chars().nth(at), Some('"'));
        assert!(
            lines[1]
                .chars()
                .skip(at)
                .collect::<String>()
                .starts_with("\"ghost")
        );
        assert_eq!(lines.len(), 3);
        assert_eq!(
            cure(&ghost(None).kind).unwrap(),
            "domlogon rights revoke 'deny network' 'ghost town'"
        );
    }

    #[test]
    fn a_place_outside_the_text_and_a_line_without_end_do_no_harm() {
        for place in [None, Some((0, 0)), Some((7, 1))] {
            assert_eq!(excerpt("f", &ghost(place), "x\n").lines().count(), 1);
        }
        let long = format!("{}!\u{1b}[2J{}", "x".repeat(100_000), "y".repeat(100_000));
        let shown = excerpt("f", &ghost(Some((1, 100_001))), &long);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].chars().count() < 120 && !shown.contains('\u{1b}'));
        let at = lines[2].find('^').unwrap();
        assert_eq!(lines[1].chars().nth(at), Some('!'));
    }
}
