//! A door for `tests/fuzz`, to the password hashes of other systems. Nothing of it is the
//! product's.

use crate::foreign::Foreign;
use domlogon_protocol::Secret;
use domlogon_protocol::admin::HashError;

/// Reads a hash as another system wrote it. `None` if it can be compared with no password, or
/// else a comparison, which fails if the hash that was taken turns out to be none.
///
/// # Errors
/// Why it is not taken.
pub fn hash(text: &str) -> Result<impl Fn(&Secret) -> Option<bool>, HashError> {
    let foreign = Foreign::parse(text)?;
    assert!(Foreign::is_one(text) && foreign.as_str() == text);
    Ok(move |password: &Secret| foreign.matches(password).ok())
}
