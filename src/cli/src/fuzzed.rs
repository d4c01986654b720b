//! Doors for `tests/fuzz`, to what the command reads and edits. Nothing of it is the product's.

use crate::arguments::Arguments;
use crate::doctor::fuzzed as doctor;
use crate::enable::fuzzed as enable;
use crate::rights::edit;
use crate::time;
use clap::Parser;
use domlogon_protocol::{RightName, Timestamp};

pub use crate::import::fuzzed::{Imported, import};
pub use crate::join::fuzzed::joined;
pub use crate::setup::fuzzed::named;
pub use doctor::{pam_stack, sshd};
pub use enable::{Edited, name_services, notes, pam_without_ours};

/// What a command line comes to: what people are told, what programs are told, and the exit
/// status; `None` if it is no command line.
#[must_use]
pub fn run(words: &[&str]) -> Option<(String, String, u8)> {
    let arguments = Arguments::try_parse_from(words).ok()?;
    Some(match crate::run(arguments) {
        Ok(answer) => (answer.text, answer.json.to_string(), answer.exit.number()),
        Err(error) => (
            error.to_string(),
            error.word().to_owned(),
            error.exit().number(),
        ),
    })
}

/// The three ways to write an instant, and the settings of the policy.
#[must_use]
pub fn instants(text: &str) -> [Option<Timestamp>; 3] {
    let expiry = time::parse_expiry(text).ok();
    let _ = crate::policy::parse_setting(text);
    [
        expiry.and_then(|expiry| match expiry {
            time::Expiry::Never => None,
            time::Expiry::At(at) => Some(at),
        }),
        time::parse_start(text).ok(),
        time::parse_since(text).ok(),
    ]
}

/// An instant as the command shows it.
#[must_use]
pub fn shown(at: Timestamp) -> [String; 2] {
    [time::rfc3339(at), time::Clock::system().both(at)]
}

/// The entries of a list of rights; `None` if there is no such list, or the text is none.
#[must_use]
pub fn entries(text: &str, right: RightName) -> Option<Vec<String>> {
    edit::entries(text, right).ok().flatten()
}

/// The text with more entries in a list.
#[must_use]
pub fn grant(text: &str, right: RightName, holders: &[String], new: &[String]) -> Option<String> {
    edit::grant(text, right, holders, new).ok()
}

/// The text without an entry in a list.
#[must_use]
pub fn revoke(text: &str, right: RightName, holders: &[String], gone: &str) -> Option<String> {
    edit::revoke(text, right, holders, |entry| entry == gone).ok()
}
