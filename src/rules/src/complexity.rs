//! The complexity of a new password, as the documentation of Passfilt has it.

use crate::Account;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use zeroize::Zeroizing;

/// Kinds of character that a password needs.
const NEEDED: usize = 3;

/// Fewest characters of a name, or of a part of one, that a password may not contain.
const NAME_PART: usize = 3;

/// Whether `password` has three of the five kinds of character and no part of the
/// account's name.
pub(crate) fn is_complex(password: &str, account: &Account) -> bool {
    kinds(password) >= NEEDED && !contains_name(password, account)
}

/// One of the five kinds of character; each code point is of one kind or of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Lu: a capital letter of any script.
    Capital,
    /// Ll: a small letter of any script.
    Small,
    /// 0 to 9.
    Digit,
    /// One of the listed symbols, which are those of ASCII.
    Symbol,
    /// Lt, Lm, Lo: a letter that is neither, such as those of Chinese and Arabic.
    OtherLetter,
}

fn kinds(password: &str) -> usize {
    const ALL: [Kind; 5] = [
        Kind::Capital,
        Kind::Small,
        Kind::Digit,
        Kind::Symbol,
        Kind::OtherLetter,
    ];
    ALL.iter()
        .filter(|kind| password.chars().any(|c| kind_of(c) == Some(**kind)))
        .count()
}

fn kind_of(c: char) -> Option<Kind> {
    if c.is_ascii_digit() {
        return Some(Kind::Digit);
    }
    if c.is_ascii_punctuation() {
        return Some(Kind::Symbol);
    }
    // Not the standard library's is_uppercase and its like: those are derived properties,
    // which count Ⅷ and ⓐ as cased letters, and ª as a small one.
    match c.general_category() {
        GeneralCategory::UppercaseLetter => Some(Kind::Capital),
        GeneralCategory::LowercaseLetter => Some(Kind::Small),
        GeneralCategory::TitlecaseLetter
        | GeneralCategory::ModifierLetter
        | GeneralCategory::OtherLetter => Some(Kind::OtherLetter),
        _ => None,
    }
}

/// Whether the password contains the account's name as a whole, or a part of the full
/// name, in any case.
fn contains_name(password: &str, account: &Account) -> bool {
    const BETWEEN_PARTS: [char; 7] = [',', '.', '-', '_', '#', ' ', '\t'];
    let password = fold(password);
    core::iter::once(account.name.as_str())
        .chain(account.full_name.split(BETWEEN_PARTS))
        .filter(|part| part.chars().count() >= NAME_PART)
        .any(|part| password.contains(fold(part).as_str()))
}

/// Folds letters that differ only in case into one; by way of the capitals, so that both
/// small sigmas are one letter. Wiped when dropped.
fn fold(text: &str) -> Zeroizing<String> {
    // No folding makes a text more than three times as long in bytes. Allocated once at
    // its final size: growing would leave copies behind.
    let mut folded = Zeroizing::new(String::with_capacity(text.len() * 3));
    folded.extend(
        text.chars()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase),
    );
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_protocol::Sid;

    fn person(name: &str, full_name: &str) -> Account {
        let mut account = Account::new(name, Sid::domain(1, 2, 3).with_rid(1000));
        account.full_name = full_name.to_owned();
        account
    }

    #[test]
    fn each_code_point_is_of_one_kind_or_none() {
        for (c, kind) in [
            ('A', Some(Kind::Capital)),
            ('\u{c4}', Some(Kind::Capital)),
            ('\u{3a3}', Some(Kind::Capital)),
            ('\u{416}', Some(Kind::Capital)),
            ('z', Some(Kind::Small)),
            ('\u{df}', Some(Kind::Small)),
            ('7', Some(Kind::Digit)),
            // An Arabic digit, a superscript: decimal numbers, but not 0 to 9.
            ('\u{667}', None),
            ('\u{b2}', None),
            ('$', Some(Kind::Symbol)),
            ('`', Some(Kind::Symbol)),
            // Euro sign, section sign, blank: not in the list.
            ('\u{20ac}', None),
            ('\u{a7}', None),
            (' ', None),
            // A titlecase digraph, a modifier letter, an ordinal, a CJK and an Arabic letter.
            ('\u{1c5}', Some(Kind::OtherLetter)),
            ('\u{2b0}', Some(Kind::OtherLetter)),
            ('\u{aa}', Some(Kind::OtherLetter)),
            ('\u{6f22}', Some(Kind::OtherLetter)),
            ('\u{639}', Some(Kind::OtherLetter)),
            // Cased, says the standard library; but no letters: a number and a symbol.
            ('\u{2167}', None),
            ('\u{24d0}', None),
            // A combining mark.
            ('\u{308}', None),
        ] {
            assert_eq!(kind_of(c), kind, "{c:?}");
        }
    }

    #[test]
    fn the_symbols_are_the_listed_ones() {
        let listed = r#"~!@#$%^&*_-+=`|\(){}[]:;"'<>,.?/"#;
        let symbols: Vec<char> = (0..=u32::from(u8::MAX))
            .filter_map(char::from_u32)
            .filter(|c| kind_of(*c) == Some(Kind::Symbol))
            .collect();
        assert_eq!(symbols.len(), listed.chars().count());
        assert!(listed.chars().all(|c| symbols.contains(&c)));
    }

    #[test]
    fn three_kinds_of_five() {
        let nobody = person("zz", "");
        for (password, complex) in [
            ("Passw0rd", true),
            ("password1", false),
            ("\u{c4}rger-x", true),
            ("\u{6f22}\u{5b57}abc1", true),
            ("\u{6f22}\u{5b57}abc", false),
            ("aaaaaaaaaaaaaaaaaaaa", false),
            ("", false),
        ] {
            assert_eq!(is_complex(password, &nobody), complex, "{password}");
        }
    }

    #[test]
    fn no_part_of_the_name() {
        let ann = person("aoneil", "Ann-Marie O'Neil");
        for part in ["aoneil", "AONEIL", "ann", "Marie", "o'neil", "O'NEIL"] {
            assert!(!is_complex(&format!("x7!{part}Q"), &ann), "{part}");
        }
        for fine in ["x7!an-marQ", "x7!oneilQ", "x7!o-neilQ"] {
            assert!(is_complex(fine, &ann), "{fine}");
        }
        // Names and parts of two characters are too short to be looked for.
        assert!(is_complex("x7!boQ", &person("bo", "Bo Li")));
        assert!(!is_complex("x7!bobQ", &person("bob", "")));
        // The account's name is one part, whatever is in it; the full name has seven separators.
        assert!(is_complex("x7!smithQ", &person("jo.smith", "")));
        for full in ["a,smith", "a.smith", "a_smith", "a#smith", "a\tsmith"] {
            assert!(!is_complex("x7!smithQ", &person("zz", full)), "{full}");
        }
    }

    #[test]
    fn case_is_folded_in_every_script() {
        let nikos = person("\u{3bd}\u{3b9}\u{3ba}\u{3bf}\u{3c2}", "");
        let capitals = "x7!\u{39d}\u{399}\u{39a}\u{39f}\u{3a3}x";
        assert!(!is_complex(capitals, &nikos));
    }

    #[test]
    fn folding_never_outgrows_its_buffer() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let folded: usize = c
                .to_uppercase()
                .flat_map(char::to_lowercase)
                .map(char::len_utf8)
                .sum();
            assert!(folded <= c.len_utf8() * 3, "{c:?}");
        }
    }
}
