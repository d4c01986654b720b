//! A file of rights that anybody wrote: see [`crate::fuzzed`].

use super::file;
use super::kept::Kept;
use domlogon_protocol::RightName;
use std::path::Path;

/// The lists as they are written.
pub type Written = Vec<(RightName, Vec<String>)>;

/// Reads a file of rights as the running daemon and as `domlogond --check` do.
///
/// # Errors
/// What is wrong, in one line and with an excerpt.
pub fn rights(bytes: &[u8]) -> Result<Written, [String; 2]> {
    let shown = |problem: &dyn core::fmt::Display| [problem.to_string(), String::new()];
    let text = file::text(bytes).map_err(|problem| shown(&problem.kind))?;
    let checked = file::check_text(Path::new("rights.toml"), text);
    match file::parse(text) {
        Ok(written) => {
            assert!(checked.is_ok());
            let lists = written.lists.into_iter();
            let texts = |(name, entries): (RightName, Vec<file::WrittenEntry>)| {
                (name, entries.into_iter().map(|entry| entry.text).collect())
            };
            Ok(lists.map(texts).collect())
        }
        Err(wrong) => {
            let error = checked
                .err()
                .unwrap_or_else(|| panic!("refused by one alone"));
            let problem = wrong.problem(text);
            assert_eq!(problem.kind.to_string(), error.fault.to_string());
            Err([error.to_string(), format!("{error:#}")])
        }
    }
}

/// Reads the lists that were kept, and gives what would be written; `None` if they are not used.
#[must_use]
pub fn kept_rights(bytes: &[u8]) -> Option<Vec<u8>> {
    let kept: Kept = serde_json::from_slice(bytes).ok()?;
    // What a logon would be judged by.
    let _ = kept.lists.rights(kept.version);
    let written = serde_json::to_vec(&kept).ok()?;
    let again: Kept = serde_json::from_slice(&written).ok()?;
    assert_eq!(again, kept);
    Some(written)
}
