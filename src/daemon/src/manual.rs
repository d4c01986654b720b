//! What domlogond(8) prints from the text of `--help`.
//!
//! `UPDATE=1 cargo test --workspace manual` writes it anew.

use crate::arguments::{Command, HELP, parse};
use domlogon_manual::{Mdoc, page};

#[test]
fn manual_page_of_domlogond() {
    let parts = [
        ("synopsis", synopsis()),
        ("options", list("Options:")),
        ("signals", list("Signals:")),
    ];
    page("domlogond.8", &parts).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn manual_options_are_understood() {
    let options = entries("Options:");
    assert!(options.len() >= 5, "{options:?}");
    for (option, _) in options {
        let words = option
            .replace("FILE", "x")
            .replace("FOLDER", "x")
            .replace(['[', ']'], "");
        let read = parse(words.split_whitespace().map(Into::into));
        assert!(read.is_ok(), "{option}: {read:?}");
    }
    assert_eq!(parse(["--help".into()].into_iter()), Ok(Command::Help));
}

fn synopsis() -> Mdoc {
    let mut text = Mdoc::new();
    for (usage, _) in entries("Usage:") {
        let words: Vec<String> = usage
            .split_whitespace()
            .skip(1)
            .map(str::to_owned)
            .collect();
        text.line(".Nm");
        let mut words = words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            let inner = word.trim_matches(['[', ']']);
            let value = words
                .next_if(|next| !next.starts_with('[') && !next.starts_with('-'))
                .map(|value| format!(" Ar {}", value.trim_end_matches(']')))
                .unwrap_or_default();
            let spelled = match inner.strip_prefix('-') {
                Some(option) => format!("Fl {option}{value}"),
                None => format!("Ar {inner}"),
            };
            text.line(&if word.starts_with('[') {
                format!(".Op {spelled}")
            } else {
                format!(".{spelled}")
            });
        }
    }
    text
}

fn list(section: &str) -> Mdoc {
    let mut text = Mdoc::new();
    text.line(".Bl -tag -width Ds");
    for (name, meaning) in entries(section) {
        let mut sentence = meaning;
        if let Some(first) = sentence.get(..1) {
            sentence = first.to_uppercase() + sentence.get(1..).unwrap_or_default();
        }
        text.item(&name).prose(&format!("{sentence}."));
    }
    text.line(".El");
    text
}

/// The entries below a heading of the help: a name, and after two blanks what it means, also
/// in the lines below it that are indented further.
fn entries(section: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    let lines = HELP.lines().skip_while(|line| *line != section).skip(1);
    for line in lines.take_while(|line| !line.is_empty()) {
        let text = line.trim_start();
        match (line.len() - text.len(), entries.last_mut()) {
            (0..=2, _) | (_, None) => {
                let (name, meaning) = text.split_once("  ").unwrap_or((text, ""));
                entries.push((name.to_owned(), meaning.trim_start().to_owned()));
            }
            (_, Some((_, meaning))) => {
                meaning.push(' ');
                meaning.push_str(text);
            }
        }
    }
    entries
}
