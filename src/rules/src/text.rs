//! Why a text that a person wrote has no meaning here.

use core::fmt;

/// What is wrong with written logon hours or with a written duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Nothing is there.
    Empty,
    /// Not a day of the week.
    Day(String),
    /// Times without the days that they are meant for.
    NoDays(String),
    /// Days without times.
    NoTimes(String),
    /// Not a time of day.
    Time(String),
    /// A range that ends where it begins.
    EmptyRange(String),
    /// Hours that do not begin and end on whole hours of UTC, in a zone this many minutes
    /// ahead of UTC (negative: behind it).
    NotWholeHours(i32),
    /// A zone more than a day off UTC, in minutes.
    Zone(i32),
    /// Not a duration.
    Duration(String),
    /// A number without its unit.
    NoUnit(String),
    /// A duration of more seconds than can be counted.
    TooLong(String),
    /// Hours in so many bytes: longer than all hours of a week can be written.
    Endless(usize),
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing is written here"),
            Self::Day(text) => write!(
                f,
                "{text:?} is not a day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun"
            ),
            Self::NoDays(text) => write!(
                f,
                "{text:?} does not say on which days: write \"Mon-Fri {text}\" or \"Sun-Sat {text}\""
            ),
            Self::NoTimes(text) => write!(
                f,
                "{text:?} does not say at which times: write \"{text} 08:00-18:00\", or \"{text} 00:00-24:00\" for the whole day"
            ),
            Self::Time(text) => write!(
                f,
                "{text:?} is not a range of times such as 08:00-18:00 (00:00 to 24:00)"
            ),
            Self::EmptyRange(text) => write!(
                f,
                "{text:?} ends where it begins: write 00:00-24:00 for the whole day"
            ),
            Self::NotWholeHours(offset) => not_whole_hours(f, *offset),
            Self::Endless(length) => {
                write!(f, "{length} bytes are more than the hours of a week need")
            }
            Self::Zone(offset) => {
                write!(f, "a zone cannot be {offset} minutes off UTC")
            }
            Self::Duration(text) => write!(
                f,
                "{text:?} is not a duration: write such as 90s, 30m, 12h, 42d, never or forever"
            ),
            Self::NoUnit(text) => write!(
                f,
                "{text:?} has no unit: write {text}s, {text}m, {text}h or {text}d"
            ),
            Self::TooLong(text) => write!(f, "{text:?} is too long"),
        }
    }
}

impl core::error::Error for TextError {}

fn not_whole_hours(f: &mut fmt::Formatter<'_>, offset: i32) -> fmt::Result {
    let past = offset.rem_euclid(60);
    if past == 0 {
        return f.write_str("logon hours are whole hours: write 08:00 or 09:00, not 08:30");
    }
    write!(
        f,
        "logon hours are whole hours of UTC, and this zone is not a whole hour off UTC: \
         write times at {past} minutes past the hour, such as 08:{past:02}-18:{past:02}, or write them in UTC"
    )
}
