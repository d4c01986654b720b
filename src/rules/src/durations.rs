//! Lengths of time as people write them: `90s`, `30m`, `12h`, `42d`, `1h30m`, `0`,
//! `never`, `forever`.

use crate::TextError;

const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A length of time, or one of the two words that stand in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// So many seconds, 0 or more.
    Seconds(i64),
    /// `never`: there is no such age, warning or threshold.
    Never,
    /// `forever`: it does not end by itself.
    Forever,
}

/// Reads a length of time. Units may be put together, as in `1d12h`; letters in any case.
///
/// # Errors
/// [`TextError`] says what is wrong with it.
pub fn parse(text: &str) -> Result<Span, TextError> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "" => Err(TextError::Empty),
        "never" => Ok(Span::Never),
        "forever" => Ok(Span::Forever),
        "0" => Ok(Span::Seconds(0)),
        lower => seconds(lower, text).map(Span::Seconds),
    }
}

/// Writes so many seconds: the inverse of [`parse`].
#[must_use]
pub fn format(seconds: i64) -> String {
    let mut rest = seconds.max(0);
    let mut text = String::new();
    for (unit, length) in UNITS {
        if rest >= length {
            text.push_str(&(rest / length).to_string());
            text.push(unit);
            rest %= length;
        }
    }
    if text.is_empty() {
        text.push('0');
    }
    text
}

/// The sum of numbers with their units; `given` is the text as written, for the error.
fn seconds(lower: &str, given: &str) -> Result<i64, TextError> {
    let too_long = || TextError::TooLong(given.to_owned());
    if lower.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TextError::NoUnit(given.to_owned()));
    }
    let mut total: i64 = 0;
    let mut rest = lower;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let mut tail = tail.chars();
        let unit = tail.next();
        let length = UNITS.iter().find(|(letter, _)| Some(*letter) == unit);
        let Some((_, length)) = length.filter(|_| digits > 0) else {
            return Err(TextError::Duration(given.to_owned()));
        };
        total = number
            .parse::<i64>()
            .ok()
            .and_then(|number| number.checked_mul(*length))
            .and_then(|part| total.checked_add(part))
            .ok_or_else(too_long)?;
        rest = tail.as_str().trim_start();
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_words() {
        for (text, span) in [
            ("0", Span::Seconds(0)),
            ("0s", Span::Seconds(0)),
            ("90s", Span::Seconds(90)),
            ("30m", Span::Seconds(1_800)),
            ("12H", Span::Seconds(43_200)),
            ("1d", Span::Seconds(86_400)),
            ("42d", Span::Seconds(42 * 86_400)),
            (" 1h30m ", Span::Seconds(5_400)),
            ("1d 12h", Span::Seconds(129_600)),
            ("never", Span::Never),
            ("Forever", Span::Forever),
        ] {
            assert_eq!(parse(text), Ok(span), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let owned = |text: &str| text.to_owned();
        for (text, error) in [
            ("", TextError::Empty),
            ("30", TextError::NoUnit(owned("30"))),
            ("m", TextError::Duration(owned("m"))),
            ("30x", TextError::Duration(owned("30x"))),
            ("-1d", TextError::Duration(owned("-1d"))),
            ("1.5h", TextError::Duration(owned("1.5h"))),
            ("1h30", TextError::Duration(owned("1h30"))),
            ("30\u{b5}", TextError::Duration(owned("30\u{b5}"))),
            (
                "999999999999999d",
                TextError::TooLong(owned("999999999999999d")),
            ),
            (
                "99999999999999999999s",
                TextError::TooLong(owned("99999999999999999999s")),
            ),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn printed_as_people_write_them() {
        for (seconds, text) in [
            (0, "0"),
            (1_800, "30m"),
            (86_400, "1d"),
            (42 * 86_400, "42d"),
            (5_400, "1h30m"),
            (90_061, "1d1h1m1s"),
        ] {
            assert_eq!(format(seconds), text);
        }
    }
}
