//! A file of accounts that anybody wrote: see [`crate::fuzzed`].

use super::arguments::Format;
use super::{csv, format_of, lines};
use domlogon_protocol::admin::ImportedUser;

/// What was read: the accounts, and each line that is wrong with what is wrong with it.
pub type Imported = (Vec<ImportedUser>, Vec<(u32, String)>);

/// Reads a file, by its own form, and the shadow file beside it.
#[must_use]
pub fn import(text: &[u8], shadow: Option<&[u8]>) -> Option<Imported> {
    let found = match format_of(text) {
        Format::Csv => csv::read(text),
        Format::Passwd => lines::read(text, shadow),
    };
    let mut found = match found {
        Ok(found) => found,
        Err(error) => {
            let _ = error.to_string();
            return None;
        }
    };
    found.find_doubles();
    let faults = found.faults.into_iter();
    let faults = faults.map(|(row, fault)| (row, format!("{} {fault}", fault.word())));
    Some((found.users, faults.collect()))
}
