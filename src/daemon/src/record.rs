//! One line of the log: an event and its fields, which no name or host can forge.

use core::fmt::Write;
use domlogon_protocol::rights::Source;
use domlogon_protocol::{Basis, RightFact, Verdict};

/// Most characters of a value; the rest is cut and the cut is shown.
const LONGEST: usize = 200;

/// A line in the making.
#[derive(Clone)]
pub(crate) struct Record(String);

impl Record {
    /// A line about this event.
    pub(crate) fn new(event: &'static str) -> Self {
        Self(format!("{event}:"))
    }

    /// Adds a value that somebody else chose: quoted wherever a reader could be misled.
    #[must_use]
    pub(crate) fn field(mut self, key: &'static str, value: &str) -> Self {
        self.key(key);
        if is_plain(value) {
            self.0.push_str(value);
        } else {
            self.quote(value);
        }
        self
    }

    /// Adds a value if there is one.
    #[must_use]
    pub(crate) fn optional(self, key: &'static str, value: Option<&str>) -> Self {
        match value.filter(|value| !value.is_empty()) {
            Some(value) => self.field(key, value),
            None => self,
        }
    }

    /// Adds a word, always in quotes: one of our own, or one that must not be taken for
    /// one of our own.
    #[must_use]
    pub(crate) fn word(mut self, key: &'static str, word: &str) -> Self {
        self.key(key);
        self.quote(word);
        self
    }

    /// Adds a number.
    #[must_use]
    pub(crate) fn number(mut self, key: &'static str, number: impl Into<u64>) -> Self {
        self.key(key);
        self.0.push_str(&number.into().to_string());
        self
    }

    /// Adds a verdict: its symbol and number, and its NTSTATUS if it has one.
    #[must_use]
    pub(crate) fn verdict(mut self, verdict: Verdict) -> Self {
        let row = verdict.row();
        self.key("verdict");
        self.0.push_str(&name(verdict));
        if let Some(status) = row.ntstatus {
            self.key("ntstatus");
            self.0.push_str(&format!("0x{status:08X}"));
        }
        self
    }

    /// Adds the other verdicts that go with the first, if there are any.
    #[must_use]
    pub(crate) fn also(mut self, verdicts: &[Verdict]) -> Self {
        if !verdicts.is_empty() {
            let names: Vec<String> = verdicts.iter().copied().map(name).collect();
            self.key("also");
            self.0.push_str(&names.join(","));
        }
        self
    }

    /// Adds the list that decided about a logon right, by its own symbol: the right's, or
    /// that of its deny twin.
    #[must_use]
    pub(crate) fn right(self, fact: &RightFact) -> Self {
        let symbol = match &fact.basis {
            Basis::Entry { list, .. } => Some(list.symbol()),
            _ => fact.right.map(|right| right.symbol()),
        };
        self.field("right", symbol.unwrap_or("none"))
    }

    /// Adds where that list comes from, if one was asked.
    #[must_use]
    pub(crate) fn list(self, fact: &RightFact) -> Self {
        match &fact.basis {
            Basis::Entry { source, .. } | Basis::NotListed { source, .. } => {
                let word = match source {
                    Source::File => "file",
                    Source::Default => "default",
                };
                self.field("list", word)
            }
            Basis::NoLists => self.field("lists", "none"),
            Basis::NotAsked => self,
        }
    }

    /// Adds the entry of the list that decided, if a list was asked. In quotes: somebody
    /// may be called "none".
    #[must_use]
    pub(crate) fn entry(self, fact: &RightFact) -> Self {
        match &fact.basis {
            Basis::Entry { entry, .. } => self.word("entry", entry.shown()),
            Basis::NotListed { .. } => self.field("entry", "none"),
            Basis::NoLists | Basis::NotAsked => self,
        }
    }

    /// Adds names, all of them: where they are too long for one line, each of several has the
    /// fields so far, some of the names, and which part it is.
    #[must_use]
    pub(crate) fn parts(self, key: &'static str, names: &[&str]) -> Vec<Self> {
        let mut parts: Vec<String> = Vec::new();
        for name in names {
            match parts.last_mut() {
                Some(part) if part.len() + 1 + name.len() <= LONGEST => {
                    part.push(',');
                    part.push_str(name);
                }
                _ => parts.push((*name).to_owned()),
            }
        }
        let count = parts.len();
        if count == 0 {
            return vec![self];
        }
        let numbered = parts.iter().zip(1..);
        let lines = numbered.map(|(part, number): (_, usize)| {
            let line = self.clone().field(key, part);
            match count {
                1 => line,
                _ => line.field("part", &format!("{number}/{count}")),
            }
        });
        lines.collect()
    }

    /// The line.
    pub(crate) fn line(self) -> String {
        self.0
    }

    fn key(&mut self, key: &'static str) {
        self.0.push(' ');
        self.0.push_str(key);
        self.0.push('=');
    }

    fn quote(&mut self, value: &str) {
        self.0.push('"');
        let mut characters = value.chars();
        for character in characters.by_ref().take(LONGEST) {
            match character {
                '"' | '\\' => self.0.extend(['\\', character]),
                ' ' => self.0.push(' '),
                c if c.is_ascii_graphic() || c.is_alphanumeric() => self.0.push(c),
                // Control characters, and those that turn the direction of a text or
                // are not seen at all. Writing to a String cannot fail.
                c => drop(write!(self.0, "\\u{{{:x}}}", u32::from(c))),
            }
        }
        if characters.next().is_some() {
            self.0.push_str("...");
        }
        self.0.push('"');
    }
}

fn name(verdict: Verdict) -> String {
    let row = verdict.row();
    format!("{}({})", row.symbol, row.number)
}

fn is_plain(value: &str) -> bool {
    (1..=LONGEST).contains(&value.len())
        && value
            .chars()
            .all(|c| c.is_alphanumeric() || "._-/:@$+,%".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_protocol::rights::Entry;
    use domlogon_protocol::{LogonType, Right, RightName};

    fn one(value: &str) -> String {
        Record::new("e").field("k", value).line()
    }

    #[test]
    fn plain_values_stay_plain() {
        for value in ["alice", "10.0.0.5", "fe80::1%eth0", "/dev/pts/3", "jürgen"] {
            assert_eq!(one(value), format!("e: k={value}"));
        }
    }

    #[test]
    fn no_value_forges_a_field_or_a_line() {
        for (value, shown) in [
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("a verdict=0", r#""a verdict=0""#),
            ("a=b", r#""a=b""#),
            (r#"x" ref=1"#, r#""x\" ref=1""#),
            (r"CORP\alice", r#""CORP\\alice""#),
            ("a\nlogon: user=root", r#""a\u{a}logon: user=root""#),
            ("a\r\u{1b}[2J\0", r#""a\u{d}\u{1b}[2J\u{0}""#),
            ("a\u{202e}b\u{2028}\u{85}", r#""a\u{202e}b\u{2028}\u{85}""#),
        ] {
            assert_eq!(one(value), format!("e: k={shown}"), "{value:?}");
        }
    }

    #[test]
    fn a_long_value_is_cut_and_the_cut_is_shown() {
        let line = one(&"x".repeat(5000));
        assert!(line.len() < 250 && line.ends_with("xxx...\""));
        let line = one(&"\u{1}".repeat(100_000));
        assert!(line.len() < 1500 && line.ends_with("...\""));
    }

    #[test]
    fn names_that_are_too_long_for_a_line_take_several() {
        let lines = |names: &[&str]| -> Vec<String> {
            let parts = Record::new("e").word("did", "add").parts("k", names);
            parts.into_iter().map(Record::line).collect()
        };
        assert_eq!(lines(&[]), ["e: did=\"add\""]);
        assert_eq!(lines(&["a", "b c"]), ["e: did=\"add\" k=\"a,b c\""]);
        let long = "x".repeat(99);
        assert_eq!(
            lines(&[&long, &long, "a", &"y".repeat(300), "m"]),
            [
                format!("e: did=\"add\" k={long},{long} part=1/4"),
                "e: did=\"add\" k=a part=2/4".to_owned(),
                format!("e: did=\"add\" k=\"{}...\" part=3/4", "y".repeat(200)),
                "e: did=\"add\" k=m part=4/4".to_owned(),
            ]
        );
        // No name is lost, however many there are and whatever they look like.
        let names: Vec<String> = (0..500).map(|n| format!("u\u{e4}\n {n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let all = lines(&names);
        assert!(
            all.iter()
                .all(|line| line.len() < 1500 && !line.contains("..."))
        );
        let all = all.join("\n");
        assert!((0..500).all(|n| all.contains(&format!("u{{a}} {n}"))));
    }

    #[test]
    fn a_verdict_shows_all_its_numbers() {
        let line = Record::new("logon").verdict(Verdict::Disabled).line();
        assert_eq!(
            line,
            "logon: verdict=ERROR_ACCOUNT_DISABLED(1331) ntstatus=0xC0000072"
        );
        let also = [Verdict::PasswordHistConflict, Verdict::PasswordTooLong];
        assert_eq!(
            Record::new("change").also(&also).also(&[]).line(),
            "change: also=NERR_PasswordHistConflict(2244),NERR_PasswordTooLong(2703)"
        );
    }

    fn fact(basis: Basis) -> RightFact {
        RightFact {
            logon_type: LogonType::Network,
            right: Some(Right::Network),
            basis,
            version: 7,
        }
    }

    #[test]
    fn what_decided_about_a_right_is_named() {
        let named = |name: &str| Entry {
            written: "CORP\\x".to_owned(),
            sid: None,
            name: Some(name.to_owned()),
        };
        let entry = |list, source, name| Basis::Entry {
            list,
            source,
            entry: named(name),
            chain: Vec::new(),
        };
        let not_listed = Basis::NotListed {
            source: Source::Default,
            entries: 3,
        };
        let deny = RightName::deny(Right::Network);
        let allow = RightName::allow(Right::Network);
        for (basis, shown) in [
            (
                entry(deny, Source::File, "contractors"),
                "right=SeDenyNetworkLogonRight list=file entry=\"contractors\"",
            ),
            (
                entry(allow, Source::Default, "none"),
                "right=SeNetworkLogonRight list=default entry=\"none\"",
            ),
            (
                entry(allow, Source::File, "a\" entry=\"b\n"),
                "right=SeNetworkLogonRight list=file entry=\"a\\\" entry=\\\"b\\u{a}\"",
            ),
            (
                not_listed,
                "right=SeNetworkLogonRight list=default entry=none",
            ),
            (Basis::NoLists, "right=SeNetworkLogonRight lists=none"),
        ] {
            let fact = fact(basis);
            let line = Record::new("e").right(&fact).list(&fact).entry(&fact);
            assert_eq!(line.line(), format!("e: {shown}"));
        }
        let closed = RightFact {
            logon_type: LogonType::Deny,
            right: None,
            ..fact(Basis::NotAsked)
        };
        let line = Record::new("e").right(&closed).list(&closed).entry(&closed);
        assert_eq!(line.line(), "e: right=none");
    }
}
