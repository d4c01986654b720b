//! The features of a profile, where another one is selected.

use super::profile;
use crate::enable::EnableError;

/// Features that restrict nothing: ours makes homes itself, offers no fingerprint beside the
/// password, and shows no last logon.
const HARMLESS: [&str; 3] = ["with-fingerprint", "with-mkhomedir", "with-silent-lastlog"];

/// What becomes of the features that are on when another profile is selected.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// The other one has them too.
    pub(super) kept: Vec<String>,
    /// They restrict nothing, and are left out.
    pub(super) dropped: Vec<String>,
    /// Without them somebody might be let in, or locked out, who is not now.
    pub(super) lost: Vec<String>,
}

impl Features {
    /// Of a selection, by the features that another profile knows.
    pub(super) fn of(from: &str, known: &str) -> Self {
        let mut features = Self::default();
        for word in from.split_whitespace().skip(1) {
            let list = if known.split_whitespace().any(|one| one == word) {
                &mut features.kept
            } else if HARMLESS.contains(&word) {
                &mut features.dropped
            } else {
                &mut features.lost
            };
            list.push(word.to_owned());
        }
        features
    }
}

/// What shall be selected, with the features that are on now, too: some were turned on since.
pub(super) fn with_features(choice: &str, from: &str, known: &str) -> Result<String, EnableError> {
    let features = Features::of(from, known);
    if !features.lost.is_empty() {
        return Err(EnableError::Features(profile(choice).into(), features.lost));
    }
    let mut words: Vec<&str> = choice.split_whitespace().collect();
    for word in &features.kept {
        if !words.contains(&word.as_str()) {
            words.push(word);
        }
    }
    Ok(words.join(" "))
}
