//! A reader of PAM files, after libpam's own rules [pam.conf(5)].

pub(crate) mod control;
pub(crate) mod library;
pub(crate) mod simulate;

use control::Control;

/// The four stacks of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Auth,
    Account,
    Password,
    Session,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Auth, Self::Account, Self::Password, Self::Session];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Account => "account",
            Self::Password => "password",
            Self::Session => "session",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word().eq_ignore_ascii_case(word))
    }
}

/// A line that means something, or should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1; of a continued line, the first one.
    pub(crate) number: usize,
    pub(crate) directive: Directive,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    /// Another file's lines in this place; of all kinds for `@include`.
    Include { kind: Option<Kind>, file: String },
    /// Another file's lines, which end among themselves.
    Substack { kind: Kind, file: String },
    /// A module.
    Module(Rule),
    /// What libpam cannot read; it then refuses everybody. All kinds where none is known.
    Broken { kind: Option<Kind>, fault: Fault },
}

/// A line with a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) kind: Kind,
    /// A `-` before the type: a missing module is not logged.
    pub(crate) quiet: bool,
    pub(crate) control: Control,
    /// As written: a name, or a path.
    pub(crate) module: String,
    pub(crate) arguments: Vec<String>,
}

impl Rule {
    /// The module's name without folder and ending.
    pub(crate) fn name(&self) -> &str {
        let file = self.module.rsplit('/').next().unwrap_or(&self.module);
        file.strip_suffix(".so").unwrap_or(file)
    }
}

/// Why libpam cannot read a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Type(String),
    Control(String),
    NoControl,
    NoModule,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Type(word) => write!(
                f,
                "{word:?} is none of auth, account, password, session and @include"
            ),
            Self::Control(word) => write!(f, "{word:?} is no control that libpam knows"),
            Self::NoControl => f.write_str("there is nothing after the type"),
            Self::NoModule => f.write_str("there is no module or file at the end"),
        }
    }
}

/// A file's lines, and the first line that ends in a carriage return.
///
/// libpam takes a carriage return as a part of the last word. It is left out here, so that
/// one such file does not look like a hundred faults.
pub(crate) fn parse(text: &str) -> (Vec<Line>, Option<usize>) {
    let carriage = text.split('\n').position(|line| line.ends_with('\r'));
    let mut lines = Vec::new();
    let mut whole: Option<(usize, String)> = None;
    for (index, physical) in text.split('\n').enumerate() {
        let physical = physical.strip_suffix('\r').unwrap_or(physical);
        let code = physical.split('#').next().unwrap_or_default().trim();
        let (number, mut sofar) = whole.take().unwrap_or((index + 1, String::new()));
        match code.strip_suffix('\\') {
            Some(part) => {
                sofar.push_str(part);
                sofar.push(' ');
                whole = Some((number, sofar));
            }
            None => {
                sofar.push_str(code);
                lines.extend(directive(&sofar).map(|directive| Line { number, directive }));
            }
        }
    }
    if let Some((number, text)) = whole {
        lines.extend(directive(&text).map(|directive| Line { number, directive }));
    }
    (lines, carriage.map(|index| index + 1))
}

fn directive(text: &str) -> Option<Directive> {
    let mut words = words(text).into_iter();
    let first = words.next()?;
    if first.eq_ignore_ascii_case("@include") {
        return Some(match words.next() {
            Some(file) => Directive::Include { kind: None, file },
            None => Directive::Broken {
                kind: None,
                fault: Fault::NoModule,
            },
        });
    }
    let (quiet, word) = match first.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, first.as_str()),
    };
    let Some(kind) = Kind::parse(word) else {
        let fault = Fault::Type(first);
        return Some(Directive::Broken { kind: None, fault });
    };
    let broken = |fault| {
        Some(Directive::Broken {
            kind: Some(kind),
            fault,
        })
    };
    let Some(control) = words.next() else {
        return broken(Fault::NoControl);
    };
    let Some(target) = words.next() else {
        return broken(Fault::NoModule);
    };
    if control.eq_ignore_ascii_case("include") {
        let kind = Some(kind);
        return Some(Directive::Include { kind, file: target });
    }
    if control.eq_ignore_ascii_case("substack") {
        return Some(Directive::Substack { kind, file: target });
    }
    let Some(control) = Control::parse(&control) else {
        return broken(Fault::Control(control));
    };
    Some(Directive::Module(Rule {
        kind,
        quiet,
        control,
        module: target,
        arguments: words.collect(),
    }))
}

/// Words between blanks; what stands in square brackets is one word, brackets included.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if first == '[' {
            bracket(rest)
        } else {
            rest.find(char::is_whitespace).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(end);
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// Where the bracket that `text` begins with ends; `\]` is a bracket in the text.
fn bracket(text: &str) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        if c == ']' && !escaped {
            return index + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests;
