//! Why a test failed, with what is needed to see it: the transcript, the whole output.

use std::fmt;
use std::io;

/// The result of everything in the harness.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a test failed.
#[derive(Debug)]
pub enum Failure {
    /// The harness itself could not do something.
    Harness {
        /// What it tried.
        what: String,
        /// Why it could not.
        source: io::Error,
    },
    /// A program did not print what was waited for in time.
    Silent {
        /// The program.
        program: String,
        /// What was waited for.
        wanted: String,
        /// All it printed and was sent.
        transcript: String,
    },
    /// A program ended before it printed what was waited for.
    Ended {
        /// The program.
        program: String,
        /// What was waited for.
        wanted: String,
        /// All it printed and was sent.
        transcript: String,
    },
    /// A program did not end in time.
    Running {
        /// The program.
        program: String,
        /// All it printed and was sent.
        transcript: String,
    },
    /// Something is not as it should be.
    Differs {
        /// What was looked at.
        what: String,
        /// What it should be.
        wanted: String,
        /// What it is.
        found: String,
    },
}

impl Failure {
    /// The harness could not do `what`; for `map_err`.
    pub fn harness(what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
        let what = what.into();
        move |source| Failure::Harness { what, source }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Harness { what, source } => write!(out, "the harness could not {what}: {source}"),
            Self::Silent {
                program,
                wanted,
                transcript,
            } => write!(
                out,
                "{program} did not print {wanted:?} in time:\n{}",
                indented(transcript)
            ),
            Self::Ended {
                program,
                wanted,
                transcript,
            } => write!(
                out,
                "{program} ended without printing {wanted:?}:\n{}",
                indented(transcript)
            ),
            Self::Running {
                program,
                transcript,
            } => write!(
                out,
                "{program} did not end in time:\n{}",
                indented(transcript)
            ),
            Self::Differs {
                what,
                wanted,
                found,
            } => write!(
                out,
                "{what}:\n  wanted {}\n  found  {}",
                wanted.replace('\n', "\n         "),
                found.replace('\n', "\n         ")
            ),
        }
    }
}

impl std::error::Error for Failure {}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  | {line}\n")).collect()
}

/// A [`Failure::Differs`].
pub fn differs(
    what: impl Into<String>,
    wanted: impl Into<String>,
    found: impl Into<String>,
) -> Failure {
    Failure::Differs {
        what: what.into(),
        wanted: wanted.into(),
        found: found.into(),
    }
}

/// Fail unless `good`.
pub fn ensure(
    good: bool,
    what: impl Into<String>,
    wanted: impl Into<String>,
    found: impl Into<String>,
) -> Result<()> {
    if good {
        Ok(())
    } else {
        Err(differs(what, wanted, found))
    }
}

/// Fail unless the two are equal.
pub fn ensure_equal<T: PartialEq<U> + fmt::Debug, U: fmt::Debug>(
    what: impl Into<String>,
    found: T,
    wanted: U,
) -> Result<()> {
    ensure(
        found == wanted,
        what,
        format!("{wanted:?}"),
        format!("{found:?}"),
    )
}

/// Fail unless `text` contains `part`.
pub fn ensure_contains(what: impl Into<String>, text: &str, part: &str) -> Result<()> {
    ensure(
        text.contains(part),
        what,
        format!("something with {part:?}"),
        text,
    )
}
