//! Names of principals.

use crate::error::Error;
use core::fmt;

/// A principal: one or more parts, and a realm. Compared exactly; a KDC of Active Directory is not so strict.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    components: Vec<String>,
    realm: String,
}

impl Principal {
    /// Longest name that is taken, all in all: hostile input ends here.
    const MAX_BYTES: usize = 1024;

    /// Takes each part literally, whatever characters are in it.
    ///
    /// # Errors
    /// [`Error::Name`] if there is no part, or an empty one, or no realm, or if it is too long.
    pub fn from_parts(components: &[&str], realm: &str) -> Result<Self, Error> {
        let length = realm.len() + components.iter().map(|part| part.len() + 1).sum::<usize>();
        let empty = components.iter().any(|part| part.is_empty());
        if components.is_empty() || empty || realm.is_empty() || length > Self::MAX_BYTES {
            return Err(Error::Name);
        }
        Ok(Self {
            components: components.iter().map(|&part| part.to_owned()).collect(),
            realm: realm.to_owned(),
        })
    }

    /// Reads `part/part@REALM`; a backslash takes the character behind it literally (RFC 1964 §2.1.1).
    ///
    /// # Errors
    /// [`Error::Name`] if it has no realm, or an empty part.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_in(text, "")
    }

    /// As [`Principal::parse`], with a realm for a name that has none.
    ///
    /// # Errors
    /// [`Error::Name`], as there.
    pub fn parse_in(text: &str, realm: &str) -> Result<Self, Error> {
        let mut parts = vec![String::new()];
        let mut found_realm: Option<String> = None;
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let in_realm = found_realm.is_some();
            let literal = match character {
                '\\' => unescape(characters.next().ok_or(Error::Name)?),
                '@' | '/' if in_realm => return Err(Error::Name),
                '@' => {
                    found_realm = Some(String::new());
                    continue;
                }
                '/' => {
                    parts.push(String::new());
                    continue;
                }
                other => other,
            };
            found_realm
                .as_mut()
                .or_else(|| parts.last_mut())
                .ok_or(Error::Name)?
                .push(literal);
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Self::from_parts(&parts, found_realm.as_deref().unwrap_or(realm))
    }

    /// The parts.
    #[must_use]
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The name of a person or a computer: the only part, or `None` if there are more.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self.components.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// The form that the library reads: nothing in a part can be taken for a separator.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.components.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            escape(part, f)?;
        }
        f.write_str("@")?;
        escape(&self.realm, f)
    }
}

fn escape(part: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for character in part.chars() {
        match character {
            '\\' | '/' | '@' => write!(f, "\\{character}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\0' => f.write_str("\\0")?,
            other => write!(f, "{other}")?,
        }
    }
    Ok(())
}

const fn unescape(character: char) -> char {
    match character {
        'n' => '\n',
        't' => '\t',
        'b' => '\u{8}',
        '0' => '\0',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes() {
        let name = Principal::parse("host/ws1.corp.example@CORP.EXAMPLE").unwrap();
        assert_eq!(name.components(), ["host", "ws1.corp.example"]);
        assert_eq!(name.realm(), "CORP.EXAMPLE");
        assert_eq!(name.account(), None);
        assert_eq!(
            Principal::parse_in("alice", "R").unwrap().to_string(),
            "alice@R"
        );
        assert_eq!(Principal::parse(r"a\@b@R").unwrap().account(), Some("a@b"));
        for wrong in ["", "a", "@R", "a@", "a//b@R", "a@b@c", "a\\", "a@R/x"] {
            assert!(Principal::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Principal::parse(&format!("{}@R", "a".repeat(2000))).is_err());
    }

    proptest! {
        #[test]
        fn any_part_comes_back(parts in proptest::collection::vec("\\PC{1,9}|[@/\\\\\n\t\u{8}\0 ]{1,4}", 1..4), realm in "\\PC{1,9}") {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let name = Principal::from_parts(&parts, &realm).unwrap();
            prop_assert_eq!(Principal::parse(&name.to_string()).unwrap(), name);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = Principal::parse(&text);
        }
    }
}
