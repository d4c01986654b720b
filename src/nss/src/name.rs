//! Which names can be somebody's, and which of them stand in a file of names.

use crate::failure::Failure;
use crate::line::is_root;

/// Most bytes of a name with its domain, as of `domlogon_protocol::UserName`.
pub(crate) const MOST_BYTES: usize = 320;

/// A well-formed name in one of its three forms: `alice`, `CORP\alice`, `alice@corp.example`.
///
/// The same names are well formed as for `UserName::parse` of the protocol; a test compares.
pub(crate) struct Name<'a> {
    /// As it was given.
    pub(crate) whole: &'a [u8],
    /// The account's own part.
    pub(crate) account: &'a [u8],
    /// The domain's part.
    pub(crate) domain: Option<&'a [u8]>,
}

impl<'a> Name<'a> {
    /// The name, if it can be somebody's. Root's, and what can be nobody's name, is answered
    /// here, before any I/O: root must be found, and a shell must list a directory, however
    /// the daemon is.
    pub(crate) fn parse(whole: &'a [u8]) -> Result<Self, Failure> {
        if whole.len() > MOST_BYTES {
            return Err(Failure::NotFound);
        }
        let (account, domain) = if let Some((domain, account)) = split(whole, b'\\') {
            (account, Some(domain))
        } else if let Some((account, domain)) = split_at_last(whole, b'@') {
            (account, Some(domain))
        } else {
            (whole, None)
        };
        if !is_part(account) || !domain.is_none_or(is_part) || is_root(account) {
            return Err(Failure::NotFound);
        }
        Ok(Self {
            whole,
            account,
            domain,
        })
    }
}

/// A part of a name in lower case, as far as its letters are ASCII.
pub(crate) struct Folded {
    bytes: [u8; MOST_BYTES],
    length: usize,
    /// Whether all letters are, so that this is the lower case that the daemon means.
    pub(crate) is_exact: bool,
}

impl Folded {
    pub(crate) fn new(part: &[u8]) -> Self {
        let mut bytes = [0; MOST_BYTES];
        for (to, from) in bytes.iter_mut().zip(part) {
            *to = from.to_ascii_lowercase();
        }
        Self {
            bytes,
            length: part.len(),
            is_exact: part.is_ascii(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Whether an account or a domain may be called that.
fn is_part(part: &[u8]) -> bool {
    if part.is_ascii() {
        return part.iter().all(|byte| is_allowed(*byte)) && part.iter().any(|byte| *byte != b' ');
    }
    let Ok(text) = core::str::from_utf8(part) else {
        return false;
    };
    let is_good = |letter: char| u8::try_from(letter).map_or(true, is_allowed);
    text.chars().all(is_good) && text.chars().any(|letter| !letter.is_whitespace())
}

/// Not a control character (of which the highest is 0x9f), nor one of those that a NetBIOS
/// account name may not contain [SAMR 3.1.1.8.4], or that would break a line or a path.
fn is_allowed(byte: u8) -> bool {
    !matches!(byte, 0..=0x1f | 0x7f..=0x9f)
        && !matches!(
            byte,
            b'"' | b'/'
                | b'\\'
                | b'['
                | b']'
                | b':'
                | b';'
                | b'|'
                | b'='
                | b','
                | b'+'
                | b'*'
                | b'?'
                | b'<'
                | b'>'
                | b'@'
        )
}

fn split(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let mut parts = bytes.splitn(2, |byte| *byte == separator);
    Some((parts.next()?, parts.next()?))
}

fn split_at_last(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let mut parts = bytes.rsplitn(2, |byte| *byte == separator);
    let after = parts.next()?;
    Some((parts.next()?, after))
}

/// Asserts that a name is to the plugin what it is to the protocol's own parser, root's name
/// apart. Whether it is one.
#[cfg(any(test, feature = "fuzzed"))]
#[allow(clippy::panic)]
pub(crate) fn compare(bytes: &[u8]) -> bool {
    use domlogon_protocol::{Qualifier, UserName};
    let theirs = UserName::parse(bytes).ok();
    let theirs = theirs.filter(|name| name.key() != "root");
    let (ours, theirs) = match (Name::parse(bytes), theirs) {
        (Ok(ours), Some(theirs)) => (ours, theirs),
        (Err(Failure::NotFound), None) => return false,
        (ours, theirs) => panic!("{bytes:?}: {} {theirs:?}", ours.is_ok()),
    };
    assert_eq!(ours.account, theirs.account().as_bytes());
    assert_eq!(ours.whole, theirs.to_string().as_bytes());
    let domain = match theirs.qualifier() {
        Qualifier::None => None,
        Qualifier::Short(domain) | Qualifier::Dns(domain) => Some(domain.as_bytes()),
    };
    assert_eq!(ours.domain, domain);
    let folded = Folded::new(ours.account);
    if folded.is_exact {
        assert_eq!(folded.bytes(), theirs.key().as_bytes());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_protocol::UserName;
    use proptest::prelude::*;

    #[test]
    fn the_same_names_are_well_formed_as_for_the_protocol() {
        let long = vec![b'a'; MOST_BYTES + 1];
        let names: &[&[u8]] = &[
            b"alice",
            b"CORP\\Alice",
            b"alice@corp.example",
            b"",
            b"a:b",
            b"a/b",
            b"a\nb",
            b"a\x7fb",
            b"+",
            b"+@netgroup",
            b"\xff\xfe",
            b"a\\b\\c",
            b"CORP\\",
            b"\\a",
            b"@a",
            b"a@",
            b"a@b@c",
            b"a@b\\c",
            b" ",
            b" a",
            b"root",
            b"CORP\\Root",
            b"root@x",
            "bj\u{f6}rn".as_bytes(),
            "\u{a0}".as_bytes(),
            "\u{85}a".as_bytes(),
            "a\u{9f}".as_bytes(),
            "\u{3000}".as_bytes(),
            "x\u{3000}".as_bytes(),
            b"a\0b",
            &long,
            &long[1..],
        ];
        for name in names {
            compare(name);
        }
        for byte in 0..=255 {
            compare(&[byte]);
            compare(&[b'a', byte, b'b']);
        }
        for letter in ('\0'..='\u{10ffff}').step_by(7) {
            compare(letter.to_string().as_bytes());
        }
    }

    /// A name that stands in the file as it was typed, but for the case of its ASCII letters,
    /// is the one that the daemon would have found.
    #[test]
    fn what_is_found_as_it_stands_is_the_right_one() {
        for typed in [
            "BJ\u{f6}RN",
            "\u{df}A",
            "\u{3bf}\u{3b4}\u{3bf}\u{3c2}X",
            "i\u{307}A",
        ] {
            let folded = Folded::new(typed.as_bytes());
            let key = UserName::fold(typed);
            assert!(!folded.is_exact);
            assert_eq!(folded.bytes(), key.as_bytes(), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            compare(&bytes);
        }

        #[test]
        fn any_text(text in "[a-cA-Z\\\\@ \u{80}-\u{3ff}]{0,12}") {
            compare(text.as_bytes());
        }

        #[test]
        fn found_as_it_stands(text in "[a-cA-Z \u{80}-\u{3ff}]{0,12}") {
            // Whatever key the file has, it is folded.
            let folded = Folded::new(text.as_bytes());
            let stands = String::from_utf8(folded.bytes().to_vec()).unwrap();
            if UserName::fold(&stands) == stands {
                prop_assert_eq!(stands, UserName::fold(&text));
            }
        }
    }
}
