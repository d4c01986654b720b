//! `domlogond --check`: says whether a file is right, whichever of the two it is.

use crate::config::{Config, ConfigError};
use crate::excerpt::FileError;
use crate::rights;
use core::fmt;
use domlogon_protocol::rights::ProblemKind;
use std::fs;
use std::path::{Path, PathBuf};

/// The name of the file of rights, beside the configuration.
pub(crate) const RIGHTS: &str = "rights.toml";

/// A file that is right. `Display` is what is printed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// A configuration.
    Config(PathBuf),
    /// A file of rights.
    Rights(PathBuf),
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(file) => write!(f, "{}: OK", file.display()),
            Self::Rights(file) => write!(
                f,
                "{}: OK but for the names, which the running daemon looks up",
                file.display()
            ),
        }
    }
}

/// What is wrong with a file. `{:#}` shows the line too.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// With a configuration.
    Config(ConfigError),
    /// With a file of rights.
    Rights(FileError<ProblemKind>),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Rights(error) => error.fmt(f),
        }
    }
}

/// Judges a file; with a configuration, also the file of rights beside it if there is one.
pub(crate) fn check(file: &Path) -> Vec<Result<Right, Wrong>> {
    if let Ok(text) = fs::read_to_string(file) {
        if is_of_rights(file, &text) {
            let checked = rights::check_text(file, &text);
            let right = |()| Right::Rights(file.to_owned());
            return vec![checked.map(right).map_err(Wrong::Rights)];
        }
    }
    let config = Config::read(file).map_err(Wrong::Config);
    let mut answers = vec![config.map(|_| Right::Config(file.to_owned()))];
    let beside = file.with_file_name(RIGHTS);
    match rights::check_file(&beside) {
        Ok(true) => answers.push(Ok(Right::Rights(beside))),
        Ok(false) => {}
        Err(error) => answers.push(Err(Wrong::Rights(error))),
    }
    answers
}

/// A file with the section of the domain is a configuration. One that says nothing yet,
/// or is no TOML, is known by its name or by its lines.
fn is_of_rights(file: &Path, text: &str) -> bool {
    let is_named = file.file_name().is_some_and(|name| name == RIGHTS);
    match rights::sections(text) {
        Some((_, true)) => false,
        Some((has_ours, false)) => has_ours || is_named,
        None => {
            let has = |sections: &[&str]| {
                let mut lines = text.lines().map(str::trim);
                lines.any(|line| sections.iter().any(|section| line.starts_with(section)))
            };
            !has(&["[domain]"]) && (is_named || has(&["[rights]", "[services]", "[audit]"]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n";

    fn answers(file: &Path) -> Vec<String> {
        let line = |answer| match answer {
            Ok(right) => format!("{right}"),
            Err::<Right, Wrong>(wrong) => format!("wrong {wrong}"),
        };
        check(file).into_iter().map(line).collect()
    }

    #[test]
    fn each_file_is_judged_as_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let rights = "OK but for the names, which the running daemon looks up";
        for (name, text, expected) in [
            ("a.toml", CONFIG, "OK"),
            ("a.toml", "", "missing field `domain`"),
            ("a.toml", "[domian]\n", "unknown field `domian`"),
            ("a.toml", "[rights]\n", rights),
            ("a.toml", "\u{feff}[audit]\r\n", rights),
            ("a.toml", "[services]\nsshd = \"network\"\n", rights),
            ("a.toml", "[rights]\nx = 1\n", "there is no right \"x\""),
            ("a.toml", "[rights]\n x =\n", ":2:"),
            ("rights.toml", "", rights),
            ("rights.toml", "# only a comment\n", rights),
            ("rights.toml", "x", ":1:"),
            ("rights.toml", CONFIG, "OK"),
            ("a.toml", "[domain]\n[rights]\n", "missing field `name`"),
        ] {
            let file = dir.path().join(name);
            fs::write(&file, text).unwrap();
            let said = answers(&file);
            let [said] = &said[..] else {
                // The configuration in the other file's place is also no file of rights.
                assert_eq!((name, said.len()), ("rights.toml", 2), "{said:?}");
                assert!(said[1].contains("unknown section [domain]"), "{said:?}");
                fs::remove_file(&file).unwrap();
                continue;
            };
            assert!(said.contains(expected), "{text:?}: {said}");
            assert_eq!(said.starts_with("wrong"), !expected.starts_with("OK"));
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn the_file_of_rights_is_judged_with_the_configuration_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("domlogon.toml");
        fs::write(&file, CONFIG).unwrap();
        assert_eq!(answers(&file), [format!("{}: OK", file.display())]);
        let beside = dir.path().join(RIGHTS);
        fs::write(&beside, "[audit]\nSeNetworkLogonRight = 1\n").unwrap();
        let said = answers(&file);
        assert_eq!(said.len(), 2);
        assert!(said[1].ends_with("rights.toml:2:23: expected true or false"));
        fs::write(&beside, "[audit]\nSeNetworkLogonRight = true\n").unwrap();
        assert!(answers(&file)[1].contains("rights.toml: OK but for the names"));
    }
}
