//! User names as people and programs give them.

use core::fmt;
use serde::{Deserialize, Serialize};

/// A well-formed user name, perhaps with the domain it is said to belong to.
///
/// `alice`, `CORP\alice` and `alice@corp.example` are one name in three forms. The
/// letters are kept as given; names are compared without regard to case ([`UserName::key`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserName {
    account: String,
    qualifier: Qualifier,
}

/// How a name says which domain it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Qualifier {
    /// `alice`
    None,
    /// `CORP\alice`: the domain's short (NetBIOS) name.
    Short(String),
    /// `alice@corp.example`: the domain's DNS name.
    Dns(String),
}

/// Why a name is not well formed (NERR_BadUsername 2202).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameError {
    /// Nothing there, or nothing on one side of the separator.
    Empty,
    /// Longer than [`UserName::MAX_BYTES`].
    TooLong,
    /// Not UTF-8.
    NotText,
    /// A character that no account name may contain.
    Character(char),
    /// A number, or something that begins with "-". It is not given to anything new: `chown 0
    /// FILE` asks for a user of the name "0" first.
    Misleading,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong => write!(f, "the name is longer than {} bytes", UserName::MAX_BYTES),
            Self::NotText => f.write_str("the name is not valid UTF-8"),
            Self::Character(c) => write!(f, "the name contains {c:?}, which no name may contain"),
            Self::Misleading => f.write_str(
                "programs would take the name for an id or for an option: \
                 it is a number, or begins with \"-\"",
            ),
        }
    }
}

impl core::error::Error for NameError {}

impl UserName {
    /// Most bytes of a name with its domain. What is longer is answered without asking anybody.
    pub const MAX_BYTES: usize = 320;

    /// Reads a name in any of its three forms.
    ///
    /// # Errors
    /// [`NameError`] says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(NameError::TooLong);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| NameError::NotText)?;
        let (account, qualifier) = if let Some((domain, account)) = text.split_once('\\') {
            (account, Qualifier::Short(part(domain)?))
        } else if let Some((account, domain)) = text.rsplit_once('@') {
            (account, Qualifier::Dns(part(domain)?))
        } else {
            (text, Qualifier::None)
        };
        Ok(Self {
            account: part(account)?,
            qualifier,
        })
    }

    /// The account's own part, as given.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The domain part, as given.
    #[must_use]
    pub const fn qualifier(&self) -> &Qualifier {
        &self.qualifier
    }

    /// What two spellings of one name have in common.
    #[must_use]
    pub fn key(&self) -> String {
        Self::fold(&self.account)
    }

    /// What is wrong with an account's or a group's own name, though it is well formed.
    /// Programs would take it for something else: for another folder than a home of this
    /// name, for an option, for a number, or for the same name without blanks around it.
    #[must_use]
    pub fn misleads(account: &str) -> Option<NameError> {
        if account.trim() != account {
            return Some(NameError::Character(' '));
        }
        if account == "." || account == ".." {
            return Some(NameError::Character('.'));
        }
        let is_number = account.bytes().all(|byte| byte.is_ascii_digit());
        (account.starts_with('-') || is_number).then_some(NameError::Misleading)
    }

    /// Folds a name so that spellings that differ only in case are equal.
    #[must_use]
    pub fn fold(name: &str) -> String {
        name.to_lowercase()
    }

    /// Whether the name belongs to the domain with these names: it has no domain part,
    /// or one that is equal to the short or the DNS name without regard to case.
    #[must_use]
    pub fn belongs_to(&self, short: &str, dns: &str) -> bool {
        match &self.qualifier {
            Qualifier::None => true,
            Qualifier::Short(given) | Qualifier::Dns(given) => {
                let given = Self::fold(given);
                given == Self::fold(short) || given == Self::fold(dns)
            }
        }
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.qualifier {
            Qualifier::None => f.write_str(&self.account),
            Qualifier::Short(domain) => write!(f, "{domain}\\{}", self.account),
            Qualifier::Dns(domain) => write!(f, "{}@{domain}", self.account),
        }
    }
}

fn part(text: &str) -> Result<String, NameError> {
    // The characters that a NetBIOS account name may not contain [SAMR 3.1.1.8.4], and
    // those that would break a line of /etc/passwd, a path or a log line.
    const FORBIDDEN: &[char] = &[
        '"', '/', '\\', '[', ']', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@',
    ];
    if text.trim().is_empty() {
        return Err(NameError::Empty);
    }
    match text
        .chars()
        .find(|c| c.is_control() || FORBIDDEN.contains(c))
    {
        Some(c) => Err(NameError::Character(c)),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms_of_one_name() {
        for text in ["alice", "CORP\\Alice", "ALICE@corp.example", "alice@CORP"] {
            let name = UserName::parse(text.as_bytes()).unwrap();
            assert_eq!(name.key(), "alice");
            assert!(name.belongs_to("CORP", "corp.example"), "{text}");
            assert_eq!(name.to_string(), text);
        }
        let foreign = UserName::parse(b"OTHER\\alice").unwrap();
        assert!(!foreign.belongs_to("CORP", "corp.example"));
    }

    #[test]
    fn misleading_names_say_why() {
        for name in [
            "alice",
            "a1",
            "1a",
            "a-b",
            "...",
            ".a",
            "With Space",
            "$HOME",
        ] {
            assert_eq!(UserName::misleads(name), None, "{name}");
        }
        for (name, why) in [
            ("0", NameError::Misleading),
            ("0042", NameError::Misleading),
            ("-rf", NameError::Misleading),
            (".", NameError::Character('.')),
            ("..", NameError::Character('.')),
            ("a ", NameError::Character(' ')),
            ("\u{3000}a", NameError::Character(' ')),
        ] {
            assert_eq!(UserName::misleads(name), Some(why), "{name:?}");
        }
    }

    #[test]
    fn bad_names_say_why() {
        let long = vec![b'a'; 5000];
        for (bytes, why) in [
            (&b""[..], NameError::Empty),
            (b"CORP\\", NameError::Empty),
            (b"@corp.example", NameError::Empty),
            (b"a:b", NameError::Character(':')),
            (b"a/b", NameError::Character('/')),
            (b"a\0b", NameError::Character('\0')),
            (b"a\nb", NameError::Character('\n')),
            (b"a\\b\\c", NameError::Character('\\')),
            (b"\xff\xfe", NameError::NotText),
            (&long, NameError::TooLong),
        ] {
            assert_eq!(UserName::parse(bytes), Err(why));
        }
    }
}
