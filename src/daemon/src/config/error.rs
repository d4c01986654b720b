//! What is wrong with a configuration, and where.

use core::fmt;
use core::ops::Range;
use std::io;
use std::path::{Path, PathBuf};

/// Why a configuration cannot be used.
///
/// In one line with `{}`, for the log; with the line of the file and a caret below it
/// with `{:#}`, for a person.
#[derive(Debug)]
pub(crate) struct ConfigError {
    file: PathBuf,
    place: Option<Place>,
    fault: Fault,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum Fault {
    /// The file cannot be read, or is not text.
    Unreadable(io::Error),
    /// Not TOML, a key that is not known or missing, or a value of another type.
    Toml(Box<toml::de::Error>),
    /// A number outside its bounds: least, most.
    Bounds(u32, u32),
    /// Not a NetBIOS name.
    ShortName,
    /// Not a DNS name.
    DnsName,
    /// Not an absolute path.
    Path,
    /// Not a template of a home directory.
    Home,
}

#[derive(Debug)]
struct Place {
    line: usize,
    column: usize,
    /// The line of the file.
    text: String,
    /// How many characters are wrong.
    width: usize,
}

impl ConfigError {
    pub(super) fn whole_file(file: &Path, fault: Fault) -> Self {
        Self {
            file: file.to_owned(),
            place: None,
            fault,
        }
    }

    pub(super) fn at(file: &Path, text: &str, span: Option<Range<usize>>, fault: Fault) -> Self {
        Self {
            file: file.to_owned(),
            place: span.and_then(|span| Place::find(text, &span)),
            fault,
        }
    }
}

impl Place {
    fn find(text: &str, span: &Range<usize>) -> Option<Self> {
        let before = text.get(..span.start)?;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = text.get(start..)?;
        let line_text = rest.split(['\n', '\r']).next().unwrap_or_default();
        let indent = before.get(start..)?.chars().count();
        let wrong = text.get(span.clone())?;
        let wrong = wrong.split(['\n', '\r']).next().unwrap_or_default();
        Some(Self {
            line: before.matches('\n').count() + 1,
            column: indent + 1,
            text: line_text.to_owned(),
            width: wrong.chars().count().max(1),
        })
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(place) = &self.place {
            write!(f, "{}:{}:", place.line, place.column)?;
        }
        write!(f, " {}", self.fault)?;
        match &self.place {
            Some(place) if f.alternate() => place.show(f),
            _ => Ok(()),
        }
    }
}

impl Place {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab stays a tab, so that the caret stands under its character.
        let indent: String = self
            .text
            .chars()
            .take(self.column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        write!(
            f,
            "\n{margin} |\n{number} | {}\n{margin} | {indent}{}",
            self.text,
            "^".repeat(self.width)
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "the configuration cannot be read: {error}"),
            Self::Toml(error) => {
                let lines: Vec<&str> = error.message().lines().map(str::trim).collect();
                f.write_str(&lines.join(", "))
            }
            Self::Bounds(least, most) => {
                write!(f, "expected a whole number from {least} to {most}")
            }
            Self::ShortName => f.write_str(
                "expected the domain's short (NetBIOS) name, such as \"CORP\": \
                 1 to 15 characters, no blank and no dot",
            ),
            Self::DnsName => {
                f.write_str("expected the domain's DNS name, such as \"corp.example\"")
            }
            Self::Path => f.write_str("expected a full path to a file, such as \"/bin/bash\""),
            Self::Home => f.write_str(
                "expected a full path with {user} in it, such as \"/home/{user}\"; \
                 no other braces and no colon",
            ),
        }
    }
}

impl core::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.fault {
            Fault::Unreadable(error) => Some(error),
            Fault::Toml(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
