//! A configuration that anybody wrote, edited in place: see [`crate::fuzzed`].

use super::configuration::{Existing, Names, Plan};

/// The configuration with the names of a domain in it; `None` if it is not changed.
#[must_use]
pub fn named(text: &str, short: &str, dns: &str) -> Option<String> {
    let names = Names {
        short: short.to_owned(),
        dns: dns.to_owned(),
    };
    let existing = Existing::parse(Some(text.to_owned())).ok()?;
    match existing.plan(&names, None) {
        Ok(Plan::Write(written)) => Some(written),
        Ok(Plan::Keep) | Err(_) => None,
    }
}
