//! Every page and every completion is one that its own reader takes without a word.

use domlogon_manual::packaging;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a page in each section must have, in this order.
const HEADINGS: [&str; 4] = ["NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"];

/// What mandoc says, and is right that way.
const KNOWN: [&str; 4] = [
    // They are not installed yet; `references` looks at our own.
    "referenced manual not found",
    "outdated mandoc.db lacks",
    // A rule of NetBSD for its own pages. Without it the page would say that it is BSD's.
    "operating system explicitly specified",
    // Linux-PAM's own pages of section 8 have it.
    "unexpected section: Sh RETURN VALUES for 2, 3, 9 only",
];

fn pages() -> Vec<PathBuf> {
    let folder = fs::read_dir(packaging().join("man")).unwrap();
    let mut pages: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert_eq!(pages.len(), 6, "{pages:?}");
    pages
}

#[test]
fn manual_pages_are_whole() {
    let names: BTreeSet<String> = pages()
        .iter()
        .map(|page| page.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let headings: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix(".Sh "))
            .collect();
        for wanted in HEADINGS.iter().chain(&["FILES", "EXAMPLES"]) {
            let is_there = headings.contains(wanted);
            assert!(is_there, "{}: no {wanted}", page.display());
        }
        let details = ["OPTIONS", "FILE FORMAT"];
        assert!(headings.iter().any(|heading| details.contains(heading)));
        let order: Vec<&str> = headings
            .iter()
            .copied()
            .filter(|heading| HEADINGS.contains(heading))
            .collect();
        assert_eq!(order, HEADINGS, "{}", page.display());
        references(&page.display().to_string(), &text, &names);
    }
}

/// A page of ours that another one names is there.
fn references(page: &str, text: &str, names: &BTreeSet<String>) {
    for line in text.lines().filter_map(|line| line.strip_prefix(".Xr ")) {
        let mut words = line.split(' ');
        let (name, section) = (words.next().unwrap(), words.next().unwrap());
        if name.contains("domlogon") || name == "rights.toml" {
            let file = format!("{name}.{section}");
            assert!(names.contains(&file), "{page} names {file}");
        }
    }
}

#[test]
fn manual_pages_please_mandoc() {
    for page in pages() {
        let Some((_, said)) = run(Command::new("mandoc").arg("-Tlint").arg(&page)) else {
            return;
        };
        let wrong: Vec<&str> = said
            .lines()
            .filter(|line| !KNOWN.iter().any(|known| line.contains(known)))
            .collect();
        assert_eq!(wrong, [""; 0], "{}", page.display());
    }
}

#[test]
fn manual_pages_please_groff() {
    for page in pages() {
        let mut groff = Command::new("groff");
        groff.args(["-mandoc", "-Tutf8", "-ww", "-z"]).arg(&page);
        let Some((good, said)) = run(&mut groff) else {
            return;
        };
        assert!(good && said.is_empty(), "{}: {said}", page.display());
    }
}

#[test]
fn manual_completions_are_read_by_their_shells() {
    for (shell, name) in [
        ("bash", "domlogon.bash"),
        ("zsh", "_domlogon"),
        ("fish", "domlogon.fish"),
    ] {
        let script = packaging().join("completions").join(name);
        let mut read = Command::new(shell);
        read.arg("-n").arg(&script);
        if let Some((good, said)) = run(&mut read) {
            assert!(good && said.is_empty(), "{name}: {said}");
        }
    }
}

/// Whether a program was content, and all that it said; nothing where it is not installed.
fn run(command: &mut Command) -> Option<(bool, String)> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            Some((output.status.success(), said))
        }
        Err(error) => {
            eprintln!("not looked at by {:?}: {error}", command.get_program());
            None
        }
    }
}
