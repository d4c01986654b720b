//! `packaging/domlogon.toml` is checked against the code; what domlogon.toml(5) says of the
//! options is printed from it.
//!
//! `UPDATE=1 cargo test --workspace manual` writes the page anew.

use super::texts::{LONGEST_CONTACT, LONGEST_SENTENCE};
use super::{Config, HIGHEST_BASE};
use domlogon_manual::{Mdoc, packaging, page};
use domlogon_protocol::{LOWEST_ID, OwnWords, Verdict};
use std::fs;
use std::path::Path;

/// A section of the shipped file: what is said of it, and its options.
#[derive(Debug, Default)]
struct Section {
    name: String,
    about: String,
    options: Vec<Shown>,
}

/// An option of the shipped file.
#[derive(Debug)]
struct Shown {
    name: String,
    value: String,
    about: String,
    /// It has a default, and so it is commented out.
    is_default: bool,
}

#[test]
fn manual_page_of_domlogon_toml() {
    let parts = [("options", options()), ("sentences", sentences())];
    page("domlogon.toml.5", &parts).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn manual_file_names_every_option_of_the_code() {
    let shipped = shipped();
    let mut seen = Vec::new();
    let sections = taken_in("");
    assert!(sections.contains(&"domain".to_owned()), "{sections:?}");
    for section in sections {
        look_through(&shipped, section, &mut seen);
    }
    let names: Vec<&String> = shipped.iter().map(|section| &section.name).collect();
    assert_eq!(names, seen.iter().collect::<Vec<_>>(), "and no others");
}

fn look_through(shipped: &[Section], name: String, seen: &mut Vec<String>) {
    let section = shipped.iter().find(|section| section.name == name);
    let section = section.unwrap_or_else(|| panic!("[{name}] is not in the file"));
    seen.push(name.clone());
    let mut options: Vec<&str> = section.options.iter().map(|o| o.name.as_str()).collect();
    for taken in taken_in(&name) {
        let inner = format!("{name}.{taken}");
        if shipped.iter().any(|section| section.name == inner) {
            look_through(shipped, inner, seen);
        } else {
            assert!(
                options.contains(&taken.as_str()),
                "{inner} is not in the file"
            );
            options.retain(|option| *option != taken);
        }
    }
    assert_eq!(
        options, [""; 0],
        "[{name}]: in the file, and not in the code"
    );
}

#[test]
fn manual_file_shows_the_defaults() {
    let path = packaging().join("domlogon.toml");
    let used = Config::read(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(code) if !code.is_empty() && !code.starts_with(' ') => format!("{code}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(uncommented, text);
    let all = Config::parse(&path, &uncommented).unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(all, used);
    let shortest = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n";
    assert_eq!(used, Config::parse(&path, shortest).unwrap());
}

#[test]
fn manual_file_tells_the_bounds() {
    let shipped = shipped();
    let about = |section: &str, option: &str| {
        let section = shipped.iter().find(|s| s.name == section).unwrap();
        let mut options = section.options.iter().filter(|o| o.name == option);
        let about = options.next().map_or(&section.about, |o| &o.about);
        about.clone()
    };
    for (section, option, bound) in [
        ("domain", "name", "15".to_owned()),
        ("ids", "base", HIGHEST_BASE.to_string()),
        ("ids", "minimum", LOWEST_ID.to_string()),
        ("texts", "contact", LONGEST_CONTACT.to_string()),
        ("texts.sentences", "", LONGEST_SENTENCE.to_string()),
    ] {
        let about = about(section, option);
        assert!(
            about.contains(&bound),
            "{section}.{option}: {bound} in {about:?}"
        );
    }
}

/// The names that a section of the configuration takes: they are told to who writes another.
fn taken_in(section: &str) -> Vec<String> {
    const DOMAIN: &str = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n";
    let text = match section {
        "" => format!("zz = 1\n{DOMAIN}"),
        "domain" => format!("{DOMAIN}zz = 1\n"),
        other => format!("{DOMAIN}[{other}]\nzz = 1\n"),
    };
    let error = Config::parse(Path::new("t.toml"), &text).unwrap_err();
    let error = error.to_string();
    // A section whose names are the site's own takes any.
    let Some((_, expected)) = error.split_once("unknown field `zz`, expected ") else {
        return Vec::new();
    };
    let between_backquotes = expected.split('`').skip(1).step_by(2);
    between_backquotes.map(str::to_owned).collect()
}

/// The shipped file, read as people read it.
fn shipped() -> Vec<Section> {
    let text = fs::read_to_string(packaging().join("domlogon.toml")).unwrap();
    let mut sections: Vec<Section> = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for line in text.lines() {
        let code = line.strip_prefix('#').unwrap_or(line);
        if let Some(name) = code.strip_prefix('[').and_then(|c| c.strip_suffix(']')) {
            sections.push(Section {
                name: name.to_owned(),
                ..Section::default()
            });
        } else if let Some(text) = code.strip_prefix(' ').filter(|_| line.starts_with('#')) {
            said.push(text);
            continue;
        } else if let (Some((name, value)), Some(section)) =
            (code.split_once(" = "), sections.last_mut())
        {
            section.options.push(Shown {
                name: name.to_owned(),
                value: value.to_owned(),
                about: said.join(" "),
                is_default: line.starts_with('#'),
            });
        } else if let Some(section) = sections.last_mut().filter(|_| !said.is_empty()) {
            // What stands alone below its heading.
            section.about = said.join("\n");
        }
        said.clear();
    }
    if let Some(section) = sections.last_mut().filter(|_| !said.is_empty()) {
        section.about = said.join("\n");
    }
    sections
}

fn options() -> Mdoc {
    let mut text = Mdoc::new();
    for section in shipped() {
        text.line(&format!(".Ss [{}]\\&", section.name));
        let about = section
            .about
            .replace(" For example:\n", " For example:\n  ");
        text.help(&about);
        if section.options.is_empty() {
            continue;
        }
        text.line(".Bl -tag -width Ds");
        for option in &section.options {
            text.item(&option.name).prose(&option.about);
            text.line(".br").prose(&if option.is_default {
                format!("Default: {}", option.value)
            } else {
                "Needed.".to_owned()
            });
        }
        text.line(".El");
    }
    text
}

fn sentences() -> Mdoc {
    let mut text = Mdoc::new();
    text.line(".Bl -tag -width Ds");
    for verdict in Verdict::ALL {
        let OwnWords::With(places) = verdict.own_words() else {
            continue;
        };
        let places: Vec<String> = places.iter().map(|place| format!("{{{place}}}")).collect();
        text.item(&format!("{verdict:?}"))
            .prose(verdict.row().meaning);
        text.line(".br").prose(&places.join(" "));
    }
    text.line(".El");
    text
}
