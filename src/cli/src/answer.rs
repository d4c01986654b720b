//! What a command answers: for people, for programs, and as an exit status.

use crate::error::Error;
use crate::words::visible_lines;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, granted, found.
    Yes,
    /// Refused, not found.
    No,
    /// Nobody could be asked, or the question was wrong.
    CouldNotTell,
    /// As the program that was run exited.
    As(u8),
}

impl Exit {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::CouldNotTell => 2,
            Self::As(number) => number,
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) json: Value,
    pub(crate) exit: Exit,
}

impl Answer {
    /// An answer that says yes.
    pub(crate) fn yes(text: String, json: &impl Serialize) -> Self {
        Self {
            text,
            // These are our own plain structures: a map with keys that are no text, the
            // one thing that JSON cannot hold, is not among them.
            json: serde_json::to_value(json).unwrap_or(Value::Null),
            exit: Exit::Yes,
        }
    }

    pub(crate) fn with(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }
}

/// Prints the answer or the error, and gives the exit status.
pub(crate) fn print(result: Result<Answer, Error>, as_json: bool) -> ExitCode {
    let (written, exit) = match result {
        Ok(answer) if as_json => (line(&answer.json), answer.exit),
        Ok(answer) => {
            let text = visible_lines(&answer.text);
            (io::stdout().write_all(text.as_bytes()), answer.exit)
        }
        Err(error) if as_json => (
            line(&json!({"error": {"name": error.word(), "text": error.to_string()}})),
            error.exit(),
        ),
        Err(error) => {
            let text = visible_lines(&error.to_string());
            (writeln!(io::stderr(), "domlogon: {text}"), error.exit())
        }
    };
    match written {
        // A reader such as `head` that has seen enough is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            ExitCode::from(Exit::CouldNotTell.number())
        }
        Err(_) | Ok(()) => ExitCode::from(exit.number()),
    }
}

fn line(value: &Value) -> io::Result<()> {
    writeln!(io::stdout(), "{}", json_lines(value))
}

/// JSON lets those control characters stand that are none of ASCII: a terminal heeds them, too.
fn json_lines(value: &Value) -> String {
    let mut text = String::new();
    for c in format!("{value:#}").chars() {
        if c.is_control() && c != '\n' {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_no_control_characters_and_says_the_same() {
        let value = json!({"dn": "CN=\u{9b}A\u{1b}[2K\u{7f}\r\n\t", "hosts": ["é\u{85}"]});
        let text = json_lines(&value);
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
