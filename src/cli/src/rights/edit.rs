//! The text of `rights.toml`, changed in one list and nowhere else.
//!
//! The parser is the one that the daemon reads the file with. It tells where each part
//! stands, and only there is the text cut: comments, order, layout and line ends of all
//! the rest stay byte for byte. What comes out is read again, and taken only if it means
//! what was meant.

use super::layout::{self, Span};
use domlogon_protocol::RightName;
use toml::de::{DeTable, DeValue};

/// Why a text cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EditError {
    /// It is not TOML; the byte where that shows.
    Syntax(Option<usize>),
    /// What the right has at this byte is no list of names.
    NotAList(usize),
    /// The right has two lists; the byte of the second.
    Twice(usize),
    /// The list stands in a form that cannot be changed here.
    Layout,
}

const SECTION: &str = "rights";

/// A new list is put on one line up to this many characters.
const LINE: usize = 100;

/// The entries of a list in their order; `None` if the list is absent.
pub(crate) fn entries(text: &str, name: RightName) -> Result<Option<Vec<String>>, EditError> {
    let file = File::read(text, name)?;
    Ok(file
        .list
        .map(|list| list.entries.into_iter().map(|entry| entry.text).collect()))
}

/// The text with `new` behind the entries of a list. A list that is absent is made, with
/// `holders` before them.
pub(crate) fn grant(
    text: &str,
    name: RightName,
    holders: &[String],
    new: &[String],
) -> Result<String, EditError> {
    let file = File::read(text, name)?;
    let (changed, meant) = match &file.list {
        Some(list) => {
            let items: Vec<String> = new.iter().map(|entry| quoted(entry)).collect();
            let mut changed = text.to_owned();
            layout::append(&mut changed, &list.array, &list.spans(), &items);
            (changed, list.texts().chain(new.iter().cloned()).collect())
        }
        None => {
            let meant: Vec<String> = holders.iter().chain(new).cloned().collect();
            (file.with_new_list(name, &meant), meant)
        }
    };
    sure(text, name, changed, &meant)
}

/// The text without the entries of a list that are `gone`. A list that is absent is made,
/// of `holders` without those.
pub(crate) fn revoke(
    text: &str,
    name: RightName,
    holders: &[String],
    gone: impl Fn(&str) -> bool,
) -> Result<String, EditError> {
    let file = File::read(text, name)?;
    let Some(list) = &file.list else {
        let stay: Vec<String> = holders.iter().filter(|h| !gone(h)).cloned().collect();
        return sure(text, name, file.with_new_list(name, &stay), &stay);
    };
    let meant: Vec<String> = list.texts().filter(|entry| !gone(entry)).collect();
    let mut changed = text.to_owned();
    // From the last to the first: what stands before a cut does not move.
    for index in (0..list.entries.len()).rev() {
        let Some(entry) = list.entries.get(index) else {
            continue;
        };
        if gone(&entry.text) {
            let Some(now) = File::read(&changed, name)?.list else {
                return Err(EditError::Layout);
            };
            layout::remove(&mut changed, &now.array, &now.spans(), index);
        }
    }
    sure(text, name, changed, &meant)
}

/// An entry as a string of TOML.
pub(crate) fn quoted(entry: &str) -> String {
    let mut text = String::with_capacity(entry.len() + 2);
    text.push('"');
    for c in entry.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => text.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Where the rights stand in a text, and the one list that is asked for.
#[derive(Debug)]
struct File<'t> {
    text: &'t str,
    section: Section,
    list: Option<List>,
}

/// How the file writes its rights.
#[derive(Debug, PartialEq, Eq)]
enum Section {
    /// Not at all.
    Absent,
    /// Under `[rights]`: the header, and where the next header begins.
    Header { header: Span, end: usize },
    /// As `rights.SeX = …`.
    Dotted,
    /// As `rights = { … }`.
    Inline(Span),
}

#[derive(Debug)]
struct List {
    array: Span,
    entries: Vec<Written>,
}

#[derive(Debug)]
struct Written {
    span: Span,
    text: String,
}

impl List {
    fn spans(&self) -> Vec<Span> {
        self.entries.iter().map(|e| e.span.clone()).collect()
    }

    fn texts(&self) -> impl Iterator<Item = String> + '_ {
        self.entries.iter().map(|entry| entry.text.clone())
    }
}

impl<'t> File<'t> {
    fn read(text: &'t str, name: RightName) -> Result<Self, EditError> {
        let document = DeTable::parse(text)
            .map_err(|error| EditError::Syntax(error.span().map(|span| span.start)))?;
        let mut file = Self {
            text,
            section: Section::Absent,
            list: None,
        };
        let root = document.get_ref();
        let Some((key, value)) = root.iter().find(|(key, _)| key.get_ref() == SECTION) else {
            return Ok(file);
        };
        let DeValue::Table(rights) = value.get_ref() else {
            return Err(EditError::Layout);
        };
        file.section = match text.get(value.span()).and_then(|s| s.chars().next()) {
            Some('[') => Section::Header {
                end: next_header(text, value.span().end, root),
                header: value.span(),
            },
            Some('{') => Section::Inline(value.span()),
            // A table that no header opens has the place of its key.
            _ if value.span() == key.span() && !under_a_header(text, &key.span()) => {
                Section::Dotted
            }
            _ => return Err(EditError::Layout),
        };
        for (key, value) in rights.iter() {
            if key.get_ref().parse() == Ok(name) {
                if file.list.is_some() {
                    return Err(EditError::Twice(key.span().start));
                }
                file.list = Some(list(value)?);
            }
        }
        Ok(file)
    }

    /// The text with a list that is not in it yet.
    fn with_new_list(&self, name: RightName, entries: &[String]) -> String {
        let newline = layout::newline(self.text);
        let mut text = self.text.to_owned();
        let value = array(entries, newline);
        let symbol = name.symbol();
        let title = name.title();
        match &self.section {
            Section::Absent => {
                if !text.is_empty() {
                    layout::end_line(&mut text, newline);
                    text.push_str(newline);
                }
                let lines = [
                    "[rights]",
                    &format!("# {title}"),
                    &format!("{symbol} = {value}"),
                ];
                text.push_str(&lines.join(newline));
                text.push_str(newline);
            }
            Section::Header { header, end } => {
                let spans = self.values();
                match layout::commented_out(self.text, header.end..*end, &spans, symbol) {
                    // The file shows the key already, in a comment: under that.
                    Some((at, indent)) => {
                        layout::insert_line(&mut text, at, &format!("{indent}{symbol} = {value}"));
                    }
                    None => {
                        let at = spans.iter().map(|span| span.end).max();
                        let lines = format!("# {title}{newline}{symbol} = {value}");
                        layout::insert_line(&mut text, at.unwrap_or(header.end), &lines);
                    }
                }
            }
            Section::Dotted => {
                let at = self.values().iter().map(|span| span.end).max();
                let lines = format!("# {title}{newline}{SECTION}.{symbol} = {value}");
                layout::insert_line(&mut text, at.unwrap_or(0), &lines);
            }
            Section::Inline(span) => {
                let one_line = one_line(entries);
                let item = format!("{symbol} = {one_line}");
                layout::append(&mut text, span, &self.values(), &[item]);
            }
        }
        text
    }

    /// Where the keys of the section stand, each with its value, in the order of the text.
    fn values(&self) -> Vec<Span> {
        let Ok(document) = DeTable::parse(self.text) else {
            return Vec::new();
        };
        let mut spans: Vec<Span> = document
            .get_ref()
            .iter()
            .filter(|(key, _)| key.get_ref() == SECTION)
            .filter_map(|(_, value)| value.get_ref().as_table())
            .flat_map(|rights| rights.iter())
            .filter(|(_, value)| !is_header(self.text, value.span(), value.get_ref()))
            .map(|(key, value)| key.span().start..value.span().end)
            .collect();
        spans.sort_by_key(|span| span.start);
        spans
    }
}

fn list(value: &toml::Spanned<DeValue<'_>>) -> Result<List, EditError> {
    let DeValue::Array(array) = value.get_ref() else {
        return Err(EditError::NotAList(value.span().start));
    };
    let entries = array
        .iter()
        .map(|entry| match entry.get_ref() {
            DeValue::String(text) => Ok(Written {
                span: entry.span(),
                text: text.clone().into_owned(),
            }),
            _ => Err(EditError::NotAList(entry.span().start)),
        })
        .collect::<Result<_, _>>()?;
    Ok(List {
        array: value.span(),
        entries,
    })
}

/// Where the first header behind `from` begins, or the text ends.
fn next_header(text: &str, from: usize, table: &DeTable<'_>) -> usize {
    table
        .iter()
        .map(|(_, value)| {
            let span = value.span();
            let own = if span.start >= from && is_header(text, span.clone(), value.get_ref()) {
                span.start
            } else {
                text.len()
            };
            let inside = value
                .get_ref()
                .as_table()
                .map_or(text.len(), |table| next_header(text, from, table));
            own.min(inside)
        })
        .min()
        .unwrap_or(text.len())
}

/// Whether a header opens the value: its place is then that of the header.
fn is_header(text: &str, span: Span, value: &DeValue<'_>) -> bool {
    let opens = text.get(span).is_some_and(|text| text.starts_with('['));
    match value {
        DeValue::Table(_) => opens,
        DeValue::Array(array) => {
            opens && array.iter().any(|e| is_header(text, e.span(), e.get_ref()))
        }
        _ => false,
    }
}

/// Whether the key stands in a header such as `[rights.x]`.
fn under_a_header(text: &str, key: &Span) -> bool {
    layout::line_start(text, key.start)
        .and_then(|start| text.get(start..key.start))
        .is_some_and(|before| before.contains('['))
}

fn one_line(entries: &[String]) -> String {
    let items: Vec<String> = entries.iter().map(|entry| quoted(entry)).collect();
    format!("[{}]", items.join(", "))
}

fn array(entries: &[String], newline: &str) -> String {
    let short = one_line(entries);
    if short.chars().count() <= LINE {
        return short;
    }
    let lines: String = entries
        .iter()
        .map(|entry| format!("    {},{newline}", quoted(entry)))
        .collect();
    format!("[{newline}{lines}]")
}

/// The changed text, if the list in it is what was meant and all the rest means the same.
fn sure(
    before: &str,
    name: RightName,
    changed: String,
    meant: &[String],
) -> Result<String, EditError> {
    let same = entries(&changed, name).is_ok_and(|now| now.as_deref() == Some(meant))
        && the_rest(before, name) == the_rest(&changed, name);
    if same {
        Ok(changed)
    } else {
        Err(EditError::Layout)
    }
}

/// Everything that a text says but for one list.
fn the_rest(text: &str, name: RightName) -> Option<toml::Table> {
    let mut table: toml::Table = text.parse().ok()?;
    if let Some(rights) = table.get_mut(SECTION).and_then(toml::Value::as_table_mut) {
        rights.retain(|key, _| key.parse() != Ok(name));
        if rights.is_empty() {
            table.remove(SECTION);
        }
    }
    Some(table)
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
