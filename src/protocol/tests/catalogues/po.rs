//! Reads a catalogue as gettext writes it: as much of the form as ours use.

use domlogon_protocol::Catalogue;
use std::borrow::Cow;

/// A catalogue.
pub(crate) struct Po {
    pub(crate) header: String,
    pub(crate) entries: Vec<Entry>,
}

/// One text in it.
#[derive(Default)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) plural: Option<String>,
    /// One for each form.
    pub(crate) said: Vec<String>,
    pub(crate) fuzzy: bool,
}

impl Po {
    pub(crate) fn parse(text: &str) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for block in text.split("\n\n") {
            let mut entry = Entry::default();
            let mut into = None;
            for line in block.lines().map(str::trim) {
                if line.starts_with('#') {
                    entry.fuzzy |= line.starts_with("#,") && line.contains("fuzzy");
                    continue;
                }
                let quoted = line.find('"').expect("a quoted string");
                let (word, string) = line.split_at(quoted);
                match word.trim() {
                    "" => {}
                    "msgid_plural" => entry.plural = Some(String::new()),
                    word if word.starts_with("msgstr") => entry.said.push(String::new()),
                    "msgid" => {}
                    other => panic!("{other:?} in {line:?}"),
                }
                if !word.trim().is_empty() {
                    into = Some(word.trim().to_owned());
                }
                let place = match into.as_deref() {
                    Some("msgid") => &mut entry.id,
                    Some("msgid_plural") => entry.plural.as_mut().expect("just made"),
                    Some(_) => entry.said.last_mut().expect("just made"),
                    None => panic!("{line:?} belongs to nothing"),
                };
                place.push_str(&unquoted(string));
            }
            if into.is_some() {
                entries.push(entry);
            }
        }
        let header = entries.remove(0);
        assert_eq!(header.id, "", "the header comes first");
        Self {
            header: header.said.concat(),
            entries,
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    fn form(&self, id: &str, form: usize) -> Option<String> {
        self.find(id)?.said.get(form).cloned()
    }
}

fn unquoted(string: &str) -> String {
    let inner = string.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
    let mut text = String::new();
    let mut letters = inner.unwrap_or_else(|| panic!("{string:?}")).chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => text.push('\n'),
                Some(escaped @ ('"' | '\\')) => text.push(escaped),
                other => panic!("{other:?} in {string:?}"),
            },
            '"' => panic!("a bare quote in {string:?}"),
            letter => text.push(letter),
        }
    }
    text
}

impl Catalogue for Po {
    fn translate<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.form(text, 0).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    fn plural<'a>(&self, one: &'a str, many: &'a str, n: u32) -> Cow<'a, str> {
        // French counts nothing as one.
        let single = n == 1 || (n == 0 && self.header.contains("plural=(n > 1)"));
        let english = if n == 1 { one } else { many };
        self.form(one, usize::from(!single))
            .map_or(Cow::Borrowed(english), Cow::Owned)
    }
}
