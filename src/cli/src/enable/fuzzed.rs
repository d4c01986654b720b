//! Files of the host that anybody wrote: see [`crate::fuzzed`].

use super::{journal::Journal, nsswitch, profiles, stack};

/// A text before, with our name in it, and without it again.
#[derive(Debug)]
pub struct Edited {
    /// With our name.
    pub with: String,
    /// That, without it.
    pub again: String,
    /// The text itself without our name.
    pub without: String,
}

/// Edits nsswitch.conf both ways.
#[must_use]
pub fn name_services(text: &str) -> Edited {
    let with = nsswitch::with_ours(text);
    let without = nsswitch::without_ours(text);
    assert!(!nsswitch::names_ours(&without), "{without:?}");
    assert!(nsswitch::names_ours(&with), "{with:?}");
    assert_eq!(nsswitch::with_ours(&with), with, "twice is once");
    Edited {
        again: nsswitch::without_ours(&with),
        without,
        with,
    }
}

/// A file of /etc/pam.d without our lines; `None` if it is not for us to change.
#[must_use]
pub fn pam_without_ours(text: &str) -> Option<String> {
    let without = stack::without_ours(text, false).ok()?.text;
    assert!(!stack::names_ours(&without), "{without:?}");
    if !stack::names_ours(text) {
        assert_eq!(without, text);
    }
    Some(without)
}

/// Reads the journal of `enable`, and a note of pam-auth-update's.
pub fn notes(text: &str) {
    let _ = serde_json::from_str::<Journal>(text);
    let without = profiles::saved_without_ours(text);
    assert!(without.len() <= text.len());
}
