//! What the tests print the man pages and the completions with.
//!
//! A page in `packaging/man` is written by hand but for the parts whose facts the code
//! knows. Such a part stands between two marks, and a test of the crate that knows the
//! facts prints it: it fails when the page says something else, and writes the part anew
//! when `UPDATE` is set:
//!
//! ```text
//! UPDATE=1 cargo test --workspace manual
//! ```
#![forbid(unsafe_code)]

mod mdoc;

pub use mdoc::Mdoc;

use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a page or another printed file is not as it should be.
#[derive(Debug)]
pub enum Error {
    /// It cannot be read or written.
    File(PathBuf, io::Error),
    /// It lacks the marks of a part.
    NoMarks(PathBuf, &'static str),
    /// It says something else than the code.
    Stale {
        /// Which file.
        file: PathBuf,
        /// The first line of the part that differs, as it is and as it should be.
        differs: (String, String),
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoMarks(path, part) => write!(
                f,
                "{}: the lines `{}` and `{}` are missing",
                path.display(),
                start(part),
                end(part)
            ),
            Self::Stale {
                file,
                differs: (is, should),
            } => write!(
                f,
                "{} is not current; `UPDATE=1 cargo test --workspace manual` writes it anew\n  \
                 is:     {is}\n  should: {should}",
                file.display()
            ),
        }
    }
}

impl core::error::Error for Error {}

/// Checks the parts of the page `name`, such as `domlogon.8`; or, with `UPDATE` set, writes
/// them. Each part is its name and its text, in mdoc(7).
///
/// # Errors
/// [`Error`]: the page is not there, a part has no place in it, or it is not current.
pub fn page(name: &str, parts: &[(&'static str, Mdoc)]) -> Result<(), Error> {
    let path = packaging().join("man").join(name);
    let mut text = read(&path)?;
    for (part, printed) in parts {
        text = with_part(&text, part, printed.text())
            .ok_or_else(|| Error::NoMarks(path.clone(), part))?;
    }
    whole(&path, &text)
}

/// Checks, or writes, a file below `packaging` that is printed from its first line to its last.
///
/// # Errors
/// [`Error`]: it cannot be read or written, or is not current.
pub fn file(name: &str, text: &str) -> Result<(), Error> {
    whole(&packaging().join(name), text)
}

/// The folder `packaging` of this checkout.
#[must_use]
pub fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging")
}

fn whole(path: &Path, text: &str) -> Result<(), Error> {
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(path, text).map_err(|error| Error::File(path.to_owned(), error));
    }
    let found = read(path)?;
    if found == text {
        return Ok(());
    }
    Err(Error::Stale {
        file: path.to_owned(),
        differs: first_difference(&found, text),
    })
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| Error::File(path.to_owned(), error))
}

fn first_difference(is: &str, should: &str) -> (String, String) {
    const END: &str = "(the end)";
    let mut others = should.lines();
    for line in is.lines() {
        let other = others.next();
        if other != Some(line) {
            return (line.to_owned(), other.unwrap_or(END).to_owned());
        }
    }
    (END.to_owned(), others.next().unwrap_or(END).to_owned())
}

fn start(part: &str) -> String {
    format!(".\\\" {part}: start (printed by the tests, do not edit)\n")
}

fn end(part: &str) -> String {
    format!(".\\\" {part}: end\n")
}

/// The page with another text between the marks of a part.
fn with_part(page: &str, part: &str, text: &str) -> Option<String> {
    let (start, end) = (start(part), end(part));
    let (before, rest) = page.split_once(&start)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{start}{text}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_replaced_and_the_rest_stays() {
        let page = format!(".Sh A\n{}old\n{}.Sh B\n", start("x"), end("x"));
        let new = with_part(&page, "x", "new\n").unwrap();
        assert_eq!(new, page.replace("old", "new"));
        assert_eq!(with_part(&page, "y", ""), None);
    }

    #[test]
    fn the_first_difference_is_shown() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), pair("b", "c"));
        assert_eq!(first_difference("a\n", "a\nc\n"), pair("(the end)", "c"));
        assert_eq!(first_difference("a\nb\n", "a\n"), pair("b", "(the end)"));
    }
}
