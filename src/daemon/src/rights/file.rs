//! The text of `rights.toml`: three sections, and what may stand in them.
//!
//! ```text
//! [rights]     a right's symbol, in any case = a list of names and identifiers
//! [services]   a PAM service = "type", or { type = "network", can_change = true }
//! [audit]      a right's symbol = true or false
//! ```

use super::source;
use crate::excerpt::{Excerpt, FileError, words};
use core::ops::Range;
use domlogon_protocol::rights::{Problem, ProblemKind};
use domlogon_protocol::{LogonType, RightName};
use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Most bytes of a file.
pub(super) const MOST: usize = 1024 * 1024;

/// Most characters of the name of a service: longer ones reach no PAM application.
const LONGEST_SERVICE: usize = 64;

/// What is said of other bytes.
const NOT_TEXT: &str = "expected text in UTF-8";

/// The sections. A configuration has none of them.
const SECTIONS: [&str; 3] = ["rights", "services", "audit"];

/// A file as it is written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// The lists that are there, in the order of the file.
    pub(super) lists: Vec<(RightName, Vec<WrittenEntry>)>,
    /// The services.
    pub(super) services: Vec<Service>,
    /// The lists in audit mode.
    pub(super) audit: Vec<RightName>,
}

/// One entry of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WrittenEntry {
    /// The name or the identifier.
    pub(super) text: String,
    /// Its line and column.
    pub(super) place: (u32, u32),
}

/// A service, the way in that it is, and whether it can change a password, if that is said.
pub(super) type Service = (String, LogonType, Option<bool>);

/// Why a text is not a file of rights, and where.
#[derive(Debug)]
pub(super) struct Wrong {
    span: Option<Range<usize>>,
    kind: ProblemKind,
}

impl Wrong {
    fn new(span: Range<usize>, kind: ProblemKind) -> Self {
        Self {
            span: Some(span),
            kind,
        }
    }

    fn syntax(span: Range<usize>, why: impl Into<String>) -> Self {
        Self::new(span, ProblemKind::Syntax(why.into()))
    }

    /// For the log, `status` and the command line.
    pub(super) fn problem(self, text: &str) -> Problem {
        let excerpt = self.span.and_then(|span| Excerpt::find(plain(text), &span));
        Problem {
            place: excerpt.map(|excerpt| excerpt.place()),
            kind: self.kind,
        }
    }

    /// For a person before a terminal.
    pub(super) fn error(self, file: &Path, text: &str) -> FileError<ProblemKind> {
        FileError::at(file, plain(text), self.span, self.kind)
    }
}

/// Without the mark that some editors put before UTF-8: it has no place in TOML.
fn plain(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Why a file of rights is not right, for a person before a terminal.
pub(crate) type RightsError = FileError<ProblemKind>;

/// Judges a text but for its names, which only the running daemon can look up.
///
/// # Errors
/// [`RightsError`] for the first thing that is wrong.
pub(crate) fn check_text(path: &Path, text: &str) -> Result<(), RightsError> {
    parse(text)
        .map(|_| ())
        .map_err(|wrong| wrong.error(path, text))
}

/// Judges the file as the daemon would find it, but for its names; `false` if there is
/// none.
///
/// # Errors
/// [`RightsError`] for the first thing that is wrong.
pub(crate) fn check_file(path: &Path) -> Result<bool, RightsError> {
    let whole = |kind| RightsError::whole_file(path, kind);
    let Some(source) = source::read(path, MOST).map_err(whole)? else {
        return Ok(false);
    };
    let text = core::str::from_utf8(&source.bytes)
        .map_err(|_| whole(ProblemKind::Syntax(NOT_TEXT.to_owned())))?;
    check_text(path, text).map(|()| true)
}

/// Reads the bytes of a file as text.
///
/// # Errors
/// [`Problem`], with the place of the first byte that is not UTF-8.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Problem> {
    core::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let good = core::str::from_utf8(good).unwrap_or_default();
        Wrong::syntax(good.len()..good.len(), NOT_TEXT).problem(good)
    })
}

/// Whether a text has one of our sections, and whether it has a `[domain]`; `None` if it
/// is not TOML.
pub(crate) fn sections(text: &str) -> Option<(bool, bool)> {
    let table = DeTable::parse(plain(text)).ok()?.into_inner();
    let has = |name: &str| table.keys().any(|key| key.get_ref().as_ref() == name);
    Some((SECTIONS.into_iter().any(has), has("domain")))
}

/// Reads a file's text.
///
/// # Errors
/// [`Wrong`] for the first thing that is wrong.
pub(super) fn parse(text: &str) -> Result<Written, Wrong> {
    if text.len() > MOST {
        return Err(Wrong {
            span: None,
            kind: ProblemKind::TooLong(MOST as u64),
        });
    }
    let text = plain(text);
    let table = DeTable::parse(text).map_err(|error| Wrong {
        span: error.span(),
        kind: ProblemKind::Syntax(words(&error)),
    })?;
    let mut cursor = Cursor::new(text);
    let mut written = Written::default();
    for (key, value) in in_order(table.get_ref()) {
        let section = key.get_ref().as_ref();
        let DeValue::Table(entries) = value.get_ref() else {
            return Err(not_a_section(key));
        };
        match section {
            "rights" => rights(entries, &mut cursor, &mut written)?,
            "services" => services(entries, &mut written)?,
            "audit" => audit(entries, &mut written)?,
            _ => return Err(unknown_section(key)),
        }
    }
    Ok(written)
}

type Key<'i> = Spanned<Cow<'i, str>>;
type Value<'i> = Spanned<DeValue<'i>>;

/// The keys of a table as they stand in the file: the first error is the first one there.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Key<'i>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn unknown_section(key: &Key<'_>) -> Wrong {
    Wrong::syntax(
        key.span(),
        format!(
            "unknown section [{}], expected [rights], [services] or [audit]",
            key.get_ref()
        ),
    )
}

fn not_a_section(key: &Key<'_>) -> Wrong {
    let name = key.get_ref().as_ref();
    if SECTIONS.contains(&name) {
        return Wrong::syntax(key.span(), format!("expected a section [{name}]"));
    }
    let why = match symbol(name) {
        Some(right) => format!("{right} stands in no section, expected [rights] above it"),
        None => format!("unknown key `{name}` before the first section"),
    };
    Wrong::syntax(key.span(), why)
}

/// The right with this symbol, in any case.
fn symbol(key: &str) -> Option<RightName> {
    RightName::ALL
        .into_iter()
        .find(|name| name.symbol().eq_ignore_ascii_case(key))
}

fn right(key: &Key<'_>) -> Result<RightName, Wrong> {
    let name = key.get_ref().as_ref();
    symbol(name).ok_or_else(|| Wrong::new(key.span(), ProblemKind::UnknownRight(name.to_owned())))
}

fn rights(
    table: &DeTable<'_>,
    cursor: &mut Cursor<'_>,
    written: &mut Written,
) -> Result<(), Wrong> {
    for (key, value) in in_order(table) {
        let name = right(key)?;
        if written.lists.iter().any(|(other, _)| *other == name) {
            return Err(twice(key));
        }
        let DeValue::Array(array) = value.get_ref() else {
            let why = "expected a list of names, such as [\"Everyone\"]";
            return Err(Wrong::syntax(value.span(), why));
        };
        let entry = |entry: &Value<'_>| match entry.get_ref() {
            DeValue::String(text) => Ok(WrittenEntry {
                text: text.clone().into_owned(),
                place: cursor.place(entry.span().start),
            }),
            _ => Err(Wrong::syntax(
                entry.span(),
                "expected a name or an identifier in quotes",
            )),
        };
        let entries = array.iter().map(entry).collect::<Result<_, _>>()?;
        written.lists.push((name, entries));
    }
    Ok(())
}

fn services(table: &DeTable<'_>, written: &mut Written) -> Result<(), Wrong> {
    let mut seen = HashSet::new();
    for (key, value) in in_order(table) {
        let name = key.get_ref().as_ref();
        if !is_service(name) {
            let kind = ProblemKind::BadService(name.to_owned());
            return Err(Wrong::new(key.span(), kind));
        }
        let name = name.to_ascii_lowercase();
        if !seen.insert(name.clone()) {
            return Err(twice(key));
        }
        let (logon_type, can_change) = match value.get_ref() {
            DeValue::Table(table) => class(value, table)?,
            _ => (logon_type(value)?, None),
        };
        written.services.push((name, logon_type, can_change));
    }
    Ok(())
}

/// `{ type = "network", can_change = true }`
fn class(value: &Value<'_>, table: &DeTable<'_>) -> Result<(LogonType, Option<bool>), Wrong> {
    let mut way_in = None;
    let mut can_change = None;
    for (key, value) in in_order(table) {
        match key.get_ref().as_ref() {
            "type" => way_in = Some(logon_type(value)?),
            "can_change" => can_change = Some(boolean(value)?),
            other => {
                let why = format!("unknown key `{other}`, expected `type` or `can_change`");
                return Err(Wrong::syntax(key.span(), why));
            }
        }
    }
    let way_in = way_in.ok_or_else(|| Wrong::syntax(value.span(), "missing key `type`"))?;
    Ok((way_in, can_change))
}

fn logon_type(value: &Value<'_>) -> Result<LogonType, Wrong> {
    let DeValue::String(word) = value.get_ref() else {
        let why = "expected a logon type, such as \"network\", \
                   or { type = \"network\", can_change = true }";
        return Err(Wrong::syntax(value.span(), why));
    };
    LogonType::from_word(word).ok_or_else(|| {
        let kind = ProblemKind::UnknownType(word.clone().into_owned());
        Wrong::new(value.span(), kind)
    })
}

fn audit(table: &DeTable<'_>, written: &mut Written) -> Result<(), Wrong> {
    let mut seen = Vec::new();
    for (key, value) in in_order(table) {
        let name = right(key)?;
        if seen.contains(&name) {
            return Err(twice(key));
        }
        seen.push(name);
        if boolean(value)? {
            written.audit.push(name);
        }
    }
    Ok(())
}

fn boolean(value: &Value<'_>) -> Result<bool, Wrong> {
    match value.get_ref() {
        DeValue::Boolean(is) => Ok(*is),
        _ => Err(Wrong::syntax(value.span(), "expected true or false")),
    }
}

/// Keys that differ in case only: the parser sees two.
fn twice(key: &Key<'_>) -> Wrong {
    Wrong::syntax(
        key.span(),
        format!("{} stands here for the second time", key.get_ref()),
    )
}

/// The name of a file in /etc/pam.d.
fn is_service(name: &str) -> bool {
    (1..=LONGEST_SERVICE).contains(&name.len())
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-@+:".contains(c))
}

/// Finds line and column of one place after another without starting over each time.
struct Cursor<'t> {
    text: &'t str,
    offset: usize,
    place: (u32, u32),
}

impl<'t> Cursor<'t> {
    const fn new(text: &'t str) -> Self {
        Self {
            text,
            offset: 0,
            place: (1, 1),
        }
    }

    fn place(&mut self, offset: usize) -> (u32, u32) {
        if offset < self.offset {
            *self = Self::new(self.text);
        }
        let passed = self.text.get(self.offset..offset).unwrap_or_default();
        for character in passed.chars() {
            self.place = match character {
                '\n' => (self.place.0.saturating_add(1), 1),
                _ => (self.place.0, self.place.1.saturating_add(1)),
            };
        }
        self.offset = offset;
        self.place
    }
}

#[cfg(test)]
mod tests;
