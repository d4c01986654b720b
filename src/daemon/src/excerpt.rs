//! A place in a file that a person wrote, and an error that points at it.

use core::fmt;
use core::ops::Range;
use std::path::{Path, PathBuf};

/// A line of a file, and which part of it is meant.
#[derive(Debug)]
pub(crate) struct Excerpt {
    line: usize,
    column: usize,
    /// The line of the file.
    text: String,
    /// How many characters are wrong.
    width: usize,
}

impl Excerpt {
    /// What `span` of `text` is; `None` for a span that is not in it.
    pub(crate) fn find(text: &str, span: &Range<usize>) -> Option<Self> {
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

    /// Line and column, both from 1.
    pub(crate) fn place(&self) -> (u32, u32) {
        let number = |n| u32::try_from(n).unwrap_or(u32::MAX);
        (number(self.line), number(self.column))
    }

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

/// Why a file cannot be used.
///
/// In one line with `{}`, for the log; with the line of the file and a caret below it
/// with `{:#}`, for a person.
#[derive(Debug)]
pub(crate) struct FileError<F> {
    file: PathBuf,
    excerpt: Option<Excerpt>,
    /// What is wrong.
    pub(crate) fault: F,
}

impl<F> FileError<F> {
    /// An error that is in no place of the file.
    pub(crate) fn whole_file(file: &Path, fault: F) -> Self {
        Self {
            file: file.to_owned(),
            excerpt: None,
            fault,
        }
    }

    /// An error at a place of the file's text, if that is known.
    pub(crate) fn at(file: &Path, text: &str, span: Option<Range<usize>>, fault: F) -> Self {
        Self {
            file: file.to_owned(),
            excerpt: span.and_then(|span| Excerpt::find(text, &span)),
            fault,
        }
    }
}

impl<F: fmt::Display> fmt::Display for FileError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "{}:{}:", excerpt.line, excerpt.column)?;
        }
        write!(f, " {}", self.fault)?;
        match &self.excerpt {
            Some(excerpt) if f.alternate() => excerpt.show(f),
            _ => Ok(()),
        }
    }
}

/// The TOML parser's words, in one line.
pub(crate) fn words(error: &toml::de::Error) -> String {
    let lines: Vec<&str> = error.message().lines().map(str::trim).collect();
    lines.join(", ")
}
