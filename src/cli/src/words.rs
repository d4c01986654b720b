//! Pages and tables of plain text.

use core::fmt::Write;

/// A page of labels and values, the values below each other.
#[derive(Debug, Default)]
pub(crate) struct Page {
    title: String,
    rows: Vec<(String, String)>,
}

impl Page {
    pub(crate) fn new(title: &str) -> Self {
        Self {
            title: visible(title),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, label: &str, value: &str) {
        self.rows.push((visible(label), visible(value)));
    }

    pub(crate) fn text(&self) -> String {
        let width = widest(self.rows.iter().map(|(label, _)| label.as_str()));
        let mut text = format!("{}\n", self.title);
        for (label, value) in &self.rows {
            let line = format!("  {label}{}  {value}", gap(label, width));
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A table with a line of headings.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let headings = headings.map(str::to_owned);
    let lines: Vec<[String; N]> = core::iter::once(&headings)
        .chain(rows)
        .map(|row| row.clone().map(|cell| visible(&cell)))
        .collect();
    let widths: Vec<usize> = (0..N)
        .map(|column| {
            widest(
                lines
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(String::as_str),
            )
        })
        .collect();
    let mut text = String::new();
    for row in &lines {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell}{}  ", gap(cell, *width));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A word as a shell reads it back, in quotes where it must be.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.,@%+/=:".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Names with commas between, or another word where there are none.
pub(crate) fn list(names: &[String], none: &str) -> String {
    if names.is_empty() {
        none.to_owned()
    } else {
        names.join(", ")
    }
}

/// `1 password`, `24 passwords`.
pub(crate) fn count(n: u32, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

pub(crate) const fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// What could move the cursor is not printed as it is.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// The same for a text of several lines.
pub(crate) fn visible_lines(text: &str) -> String {
    let moves = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars()
        .map(|c| if moves(c) { '?' } else { c })
        .collect()
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

fn gap(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(text.chars().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let rows = [
            ["alice".to_owned(), "1900001000".to_owned(), String::new()],
            [
                "Jörg".to_owned(),
                "5".to_owned(),
                "locked\u{1b}[2J".to_owned(),
            ],
        ];
        assert_eq!(
            table(["NAME", "UID", "STATE"], &rows),
            "NAME   UID         STATE\n\
             alice  1900001000\n\
             Jörg   5           locked?[2J\n"
        );
    }

    #[test]
    fn words_for_the_shell() {
        assert_eq!(shell_word("alice"), "alice");
        assert_eq!(shell_word("Domain Admins"), "'Domain Admins'");
        assert_eq!(shell_word("o'neil"), "'o'\\''neil'");
        assert_eq!(shell_word("--force"), "'--force'");
        assert_eq!(shell_word("$(id)"), "'$(id)'");
    }
}
