//! The password field of a line.

use super::fault::LineFault;
use domlogon_protocol::Secret;

/// What a password field says.
#[derive(Debug)]
pub(crate) enum Field {
    /// No password opens the account.
    None,
    /// A hash; whether it is one that can be taken over, the daemon judges.
    Hash(Secret),
    /// A hash that was set aside, as `usermod --lock` does.
    Locked(Secret),
}

/// Reads a password field. What begins with `*` opens to nothing, and neither does `!`,
/// which stands before a hash that it sets aside [shadow(5), usermod(8)].
pub(crate) fn read(field: &str) -> Result<Field, LineFault> {
    if field.is_empty() {
        return Err(LineFault::EmptyPassword);
    }
    let hash = field.trim_start_matches('!');
    if hash.is_empty() || hash.starts_with('*') {
        return Ok(Field::None);
    }
    let secret = Secret::new(hash.as_bytes());
    Ok(if hash.len() < field.len() {
        Field::Locked(secret)
    } else {
        Field::Hash(secret)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_field_says() {
        for none in ["*", "!", "!!", "!*", "*LK*", "*NP*", "!!!"] {
            assert!(matches!(read(none), Ok(Field::None)), "{none}");
        }
        assert!(matches!(read(""), Err(LineFault::EmptyPassword)));
        let hash = |text| match read(text) {
            Ok(Field::Hash(hash)) => (hash.expose().to_vec(), false),
            Ok(Field::Locked(hash)) => (hash.expose().to_vec(), true),
            other => panic!("{other:?}"),
        };
        assert_eq!(hash("$6$a$b"), (b"$6$a$b".to_vec(), false));
        assert_eq!(hash("!$6$a$b"), (b"$6$a$b".to_vec(), true));
        assert_eq!(hash("!!$6$a$b"), (b"$6$a$b".to_vec(), true));
    }
}
