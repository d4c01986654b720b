//! Text in mdoc(7), the language of man pages that names what it marks up.

use std::borrow::Cow;

/// The widest line of text, in bytes and escaped; mandoc's style asks for less than 80.
const WIDTH: usize = 76;

/// A piece of a page. What it is given is plain text; it escapes what roff would read as
/// its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mdoc {
    text: String,
}

impl Mdoc {
    /// An empty piece.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The piece as it stands in a page.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A macro and its arguments as they are: `.Ss Groups`.
    pub fn line(&mut self, line: &str) -> &mut Self {
        self.text.push_str(line);
        self.text.push('\n');
        self
    }

    /// The item `tag` of a list, in bold.
    pub fn item(&mut self, tag: &str) -> &mut Self {
        let tag = argument(tag);
        self.line(&format!(".It Sy {tag}"))
    }

    /// Running text: each sentence begins a line, as roff wants it, and long ones are wrapped.
    pub fn prose(&mut self, text: &str) -> &mut Self {
        let mut line = String::new();
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let is_end = ends_sentence(word) && words.peek().is_none_or(|next| begins(next));
            let word = whole(word);
            if !line.is_empty() && escape(&line).len() + escape(&word).len() >= WIDTH {
                self.plain(&line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
            if is_end {
                self.plain(&line);
                line.clear();
            }
        }
        if !line.is_empty() {
            self.plain(&line);
        }
        self
    }

    /// Lines whose layout counts.
    pub fn literal<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) -> &mut Self {
        self.line(".Bd -literal -offset indent");
        for line in lines {
            self.plain(line);
        }
        self.line(".Ed")
    }

    /// Help as a command line prints it: prose, with indented lines whose layout counts.
    pub fn help(&mut self, text: &str) -> &mut Self {
        let mut prose: Vec<&str> = Vec::new();
        let mut literal: Vec<&str> = Vec::new();
        let mut is_first = true;
        for line in text.lines().chain([""]) {
            if let Some(indented) = line.strip_prefix("  ") {
                self.prose(&core::mem::take(&mut prose).join(" "));
                literal.push(indented);
                continue;
            }
            if !literal.is_empty() {
                self.literal(core::mem::take(&mut literal));
            }
            if line.is_empty() {
                self.prose(&core::mem::take(&mut prose).join(" "));
                continue;
            }
            if prose.is_empty() && !is_first {
                self.line(".Pp");
            }
            is_first = false;
            prose.push(line);
        }
        self
    }

    /// Adds another piece.
    pub fn append(&mut self, other: &Self) -> &mut Self {
        self.text.push_str(&other.text);
        self
    }

    fn plain(&mut self, line: &str) {
        let escaped = escape(line);
        self.line(&escaped);
    }
}

/// A line of text as roff takes it literally.
fn escape(line: &str) -> String {
    let mut text = String::with_capacity(line.len() + 8);
    if line.starts_with('.') {
        text.push_str("\\&");
    }
    for c in line.chars() {
        match c {
            '\\' => text.push_str("\\e"),
            UNBROKEN => text.push_str("\\%"),
            // Otherwise hyphens and curly quotes: such text could not be pasted into a shell.
            '-' => text.push_str("\\-"),
            '\'' => text.push_str("\\(aq"),
            '`' => text.push_str("\\(ga"),
            '^' => text.push_str("\\(ha"),
            '~' => text.push_str("\\(ti"),
            '–' => text.push_str("\\(en"),
            '…' => text.push_str("..."),
            '→' => text.push_str("\\(->"),
            '“' => text.push_str("\\(lq"),
            '”' => text.push_str("\\(rq"),
            c if c.is_ascii() => text.push(c),
            c => text.push_str(&format!("\\[u{:04X}]", u32::from(c))),
        }
    }
    text
}

/// Stands before a word that is not to be divided at the end of a line: no character of any
/// text, it becomes roff's sign for that.
const UNBROKEN: char = '\u{FDD0}';

/// A symbol, which nobody finds by a search when it is divided.
fn whole(word: &str) -> Cow<'_, str> {
    let is_symbol = word.contains(['_', '{', '/'])
        || word.starts_with("--")
        || word.chars().filter(char::is_ascii_uppercase).count() > 4
        || word.contains(|c: char| c.is_ascii_lowercase())
            && word.chars().skip(1).any(|c| c.is_ascii_uppercase());
    if is_symbol {
        format!("{UNBROKEN}{word}").into()
    } else {
        word.into()
    }
}

/// One argument of a macro: in quotes, and never read as a macro or as punctuation.
#[must_use]
fn argument(text: &str) -> String {
    format!("\"\\&{}\"", escape(text).replace('"', "\\(dq"))
}

fn ends_sentence(word: &str) -> bool {
    let word = word.trim_end_matches([')', '"', '\'', '”']);
    word.len() > 1 && word.ends_with(['.', '!', '?']) && !word.ends_with("..")
}

/// Whether a word may begin a sentence: after "ext. 4711" or "e.g. this" none does.
fn begins(word: &str) -> bool {
    !word.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_a_line() {
        let mut piece = Mdoc::new();
        piece.prose("One. Two\nis (ext. 47.) so 'x' ");
        assert_eq!(piece.text(), "One.\nTwo is (ext. 47.) so \\(aqx\\(aq\n");
    }

    #[test]
    fn what_roff_would_read_is_escaped() {
        for (plain, escaped) in [
            (".Sh", "\\&.Sh"),
            ("CORP\\alice", "CORP\\ealice"),
            ("--json", "\\-\\-json"),
            ("é", "\\[u00E9]"),
            ("'x'", "\\(aqx\\(aq"),
        ] {
            assert_eq!(escape(plain), escaped);
        }
        assert_eq!(argument("say \"Nm\""), "\"\\&say \\(dqNm\\(dq\"");
    }

    #[test]
    fn symbols_are_not_divided() {
        let mut piece = Mdoc::new();
        piece.prose("see NTSTATUS or --json or LogonFailure here");
        let text = "see \\%NTSTATUS or \\%\\-\\-json or \\%LogonFailure here\n";
        assert_eq!(piece.text(), text);
    }

    #[test]
    fn long_text_is_wrapped() {
        let mut piece = Mdoc::new();
        piece.prose(&"word ".repeat(40));
        assert!(piece.text().lines().count() > 2);
        assert!(piece.text().lines().all(|line| line.len() < 80));
    }

    #[test]
    fn help_keeps_the_layout_of_what_is_indented() {
        let mut piece = Mdoc::new();
        piece.help("Examples:\n  a  b\n  c\n\nA TIME\nis now.");
        assert_eq!(
            piece.text(),
            "Examples:\n.Bd -literal -offset indent\na  b\nc\n.Ed\n.Pp\nA TIME is now.\n"
        );
    }
}
