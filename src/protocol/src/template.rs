//! Texts with named places, such as `{user}`.

use core::fmt;
use core::ops::Range;

/// Why a text cannot be a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// A brace without its other half, at this byte.
    Brace(usize),
    /// There is no such place, at these bytes of the text.
    Unknown(Range<usize>),
}

impl TemplateError {
    /// Where in the text it is, in bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        match self {
            Self::Brace(at) => *at..at + 1,
            Self::Unknown(span) => span.clone(),
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Brace(_) => "a brace without its other half",
            Self::Unknown(_) => "no such place",
        })
    }
}

impl core::error::Error for TemplateError {}

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Words(&'a str),
    /// The name between the braces, and where the opening one is.
    Place(&'a str, usize),
    /// A brace without its other half, and where it is.
    Brace(&'a str, usize),
}

/// Checks that every brace is part of a place, and every place one of `known`.
///
/// # Errors
/// The first that is not.
pub fn check(template: &str, known: &[&str]) -> Result<(), TemplateError> {
    for piece in pieces(template) {
        match piece {
            Piece::Brace(_, at) => return Err(TemplateError::Brace(at)),
            Piece::Place(name, at) if !known.contains(&name) => {
                return Err(TemplateError::Unknown(at..at + name.len() + 2));
            }
            Piece::Place(..) | Piece::Words(_) => {}
        }
    }
    Ok(())
}

/// The names of the places, in their order.
#[must_use]
pub fn places(template: &str) -> Vec<&str> {
    pieces(template)
        .filter_map(|piece| match piece {
            Piece::Place(name, _) => Some(name),
            Piece::Words(_) | Piece::Brace(..) => None,
        })
        .collect()
}

/// The text with every place filled in; `None` if a place has no value. What is filled
/// in is not looked at again: a name with braces in it stays a name.
pub(crate) fn filled<V: AsRef<str>>(
    template: &str,
    value: impl Fn(&str) -> Option<V>,
) -> Option<String> {
    let mut text = String::with_capacity(template.len() + 32);
    for piece in pieces(template) {
        match piece {
            Piece::Words(words) | Piece::Brace(words, _) => text.push_str(words),
            Piece::Place(name, _) => text.push_str(value(name)?.as_ref()),
        }
    }
    Some(text)
}

fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let rest = template.get(at..).filter(|rest| !rest.is_empty())?;
        let begin = at;
        let piece = match rest.find(['{', '}']) {
            Some(0) => place(rest, begin),
            Some(length) => Piece::Words(rest.get(..length)?),
            None => Piece::Words(rest),
        };
        at += match piece {
            Piece::Words(words) | Piece::Brace(words, _) => words.len(),
            Piece::Place(name, _) => name.len() + 2,
        };
        Some(piece)
    })
}

/// The piece that begins with a brace.
fn place(rest: &str, at: usize) -> Piece<'_> {
    let name = rest
        .strip_prefix('{')
        .and_then(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .filter(|name| !name.contains('{'));
    match name {
        Some(name) => Piece::Place(name, at),
        None => Piece::Brace(rest.get(..1).unwrap_or_default(), at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_are_filled_once() {
        let value = |name: &str| match name {
            "user" => Some("{host}"),
            "host" => Some("ws1"),
            _ => None,
        };
        assert_eq!(
            filled("{user} on {host}.", value).as_deref(),
            Some("{host} on ws1.")
        );
        assert_eq!(filled("{user} in {minutes}", value), None);
        assert_eq!(filled("a } b", value).as_deref(), Some("a } b"));
        assert_eq!(filled("", value).as_deref(), Some(""));
    }

    #[test]
    fn what_is_no_place_is_named_with_its_bytes() {
        let known = ["user", "host"];
        assert_eq!(check("{user} é {host}", &known), Ok(()));
        assert_eq!(check("é {usr}", &known), Err(TemplateError::Unknown(3..8)));
        assert_eq!(check("{}", &known), Err(TemplateError::Unknown(0..2)));
        assert_eq!(check("{ user}", &known), Err(TemplateError::Unknown(0..7)));
        for (text, at) in [("a {user", 2), ("a} b", 1), ("{{user}}", 0), ("{user}}", 6)] {
            assert_eq!(check(text, &known), Err(TemplateError::Brace(at)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_is_lost(text in "[{}a-c é]{0,20}") {
            let same = filled(&text, |name| Some(format!("{{{name}}}")));
            prop_assert_eq!(same, Some(text));
        }
    }
}
