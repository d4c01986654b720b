//! The command `domlogon`.

use crate::failure::{Failure, Result, differs, ensure_equal};
use crate::program::{Program, everything};
use serde_json::Value;
use std::process::Output;

/// What a run of `domlogon` gave.
#[derive(Clone, Debug)]
pub struct Answer {
    line: String,
    output: Output,
}

/// Run `domlogon` with these arguments, as root.
///
/// # Errors
/// When it cannot be run or does not end; a bad exit status is no error.
pub fn domlogon(arguments: &[&str]) -> Result<Answer> {
    domlogon_with(arguments, "")
}

/// Run `domlogon` with these arguments and this on its standard input.
///
/// # Errors
/// As [`domlogon`].
pub fn domlogon_with(arguments: &[&str], input: &str) -> Result<Answer> {
    run(&Program::new("domlogon").args(arguments), input)
}

/// Run it as prepared by the caller: as another user, with other patience.
///
/// # Errors
/// As [`domlogon`].
pub fn run(program: &Program, input: &str) -> Result<Answer> {
    Ok(Answer {
        line: program.line(),
        output: program.run(input.as_bytes())?,
    })
}

impl Answer {
    /// The exit code; 128 and more for a signal.
    pub fn code(&self) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let status = self.output.status;
        status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
    }

    /// Output and errors.
    pub fn text(&self) -> String {
        everything(&self.output)
    }

    /// The exit code must be this one.
    ///
    /// # Errors
    /// When it is another.
    pub fn exits(self, code: i32) -> Result<Answer> {
        ensure_equal(
            format!("exit code of {}\n{}", self.line, self.text()),
            self.code(),
            code,
        )?;
        Ok(self)
    }

    /// Standard output, read as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.output.stdout)
            .map_err(|error| differs(&self.line, "JSON", format!("{error}\n{}", self.text())))
    }
}

/// `domlogon user show NAME --json`.
///
/// # Errors
/// When it fails or prints no JSON.
pub fn show_user(name: &str) -> Result<Value> {
    domlogon(&["user", "show", name, "--json"])?
        .exits(0)?
        .json()
}

/// A member of a JSON object, for messages as well: `Failure` when it is absent.
///
/// # Errors
/// When there is no such member.
pub fn member<'a>(value: &'a Value, name: &str) -> Result<&'a Value> {
    value.get(name).ok_or_else(|| Failure::Differs {
        what: "a JSON answer".to_owned(),
        wanted: format!("a member {name:?}"),
        found: value.to_string(),
    })
}
