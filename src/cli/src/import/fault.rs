//! What is wrong with one line.

use crate::refusal;
use crate::words::visible;
use core::fmt;
use domlogon_protocol::admin::AdminError;

/// Why a line cannot be imported.
#[derive(Debug, PartialEq)]
pub(crate) enum LineFault {
    /// It is not valid UTF-8.
    NotText,
    /// A quoted field has no end, or something after its end.
    Quote,
    /// It has this many fields, and should have as many as this says.
    Fields(usize, &'static str),
    /// It has no name.
    NoName,
    /// A column, what stands there, and what should.
    Value(&'static str, String, &'static str),
    /// The name is on that line already.
    SameName(u32),
    /// The user id is on that line already.
    SameUid(u32),
    /// The password field is empty: on the other system, everybody could log on.
    EmptyPassword,
    /// The password is in the shadow file, which has no line of this name.
    NoShadowLine,
    /// The shadow file has a second line of this name; the number of the second.
    SameShadowName(u32),
    /// The line of the shadow file with this number cannot be read.
    ShadowLine(u32),
    /// The daemon refused it.
    Refused(Box<AdminError>),
}

impl LineFault {
    /// The name in JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::NotText => "not_text",
            Self::Quote => "quote",
            Self::Fields(..) => "fields",
            Self::NoName => "no_name",
            Self::Value(..) => "value",
            Self::SameName(_) => "same_name",
            Self::SameUid(_) => "same_uid",
            Self::EmptyPassword => "empty_password",
            Self::NoShadowLine => "no_shadow_line",
            Self::SameShadowName(_) => "same_shadow_name",
            Self::ShadowLine(_) => "shadow_line",
            Self::Refused(refused) => refusal::word(refused),
        }
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => f.write_str("It is not valid UTF-8. Convert the file with iconv."),
            Self::Quote => f.write_str(
                "A quoted field has no closing quote on this line, or text after it. A quote \
                 inside a quoted field is written twice.",
            ),
            Self::Fields(found, wanted) => write!(f, "It has {found} fields instead of {wanted}."),
            Self::NoName => f.write_str("It has no name."),
            // A hash that stands in a wrong column.
            Self::Value(column, text, wanted) if text.contains('$') => {
                write!(f, "{column} is something else than {wanted}.")
            }
            Self::Value(column, text, wanted) => {
                write!(f, "{column} is {text:?}, and should be {wanted}.")
            }
            Self::SameName(line) => write!(f, "Line {line} has the same name."),
            Self::SameUid(line) => write!(f, "Line {line} has the same user id."),
            Self::EmptyPassword => f.write_str(
                "Its password field is empty, so anybody could log on. Put * there, and set a \
                 password after the import.",
            ),
            Self::NoShadowLine => f.write_str(
                "Its password is in the shadow file, which has no line of this name. Put * in \
                 the place of x, and set a password after the import.",
            ),
            Self::SameShadowName(line) => {
                write!(f, "The shadow file has a second line for it: line {line}.")
            }
            Self::ShadowLine(line) => write!(
                f,
                "Line {line} of the shadow file cannot be read: it needs a name, a password, \
                 and whole numbers of days."
            ),
            Self::Refused(refused) => f.write_str(&visible(&Refused(refused).to_string())),
        }
    }
}

/// As elsewhere, but for what names an option where a file has a column.
fn refused_line(f: &mut fmt::Formatter<'_>, refused: &AdminError) -> fmt::Result {
    match refused {
        AdminError::IdTaken(id, owner) => write!(f, "The user id {id} belongs to {owner}."),
        AdminError::IdTooLow(id, least) => write!(
            f,
            "The user id {id} is too low: ids below {least} are the system's own. --uids leaves \
             such lines out."
        ),
        AdminError::IdTooHigh(id, most) => write!(
            f,
            "The user id {id} is too high: some programs read ids above {most} as negative ones. \
             --uids leaves such lines out."
        ),
        AdminError::InFuture(_) => {
            f.write_str("Its password was set in the future. Correct the clock, or the date.")
        }
        other => refusal::write(f, other),
    }
}

/// With what stands in the file, as it stands there.
struct Refused<'a>(&'a AdminError);

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        refused_line(f, self.0)
    }
}
