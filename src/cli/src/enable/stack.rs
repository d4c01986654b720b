//! Taking our lines out of a file of /etc/pam.d, with everything around them kept.

mod closing;

pub(crate) use closing::is_part;

use core::ops::Range;

/// A line that jumps over lines of another file: how far it must jump without ours is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclear {
    /// The line's number, from 1.
    pub(crate) line: usize,
}

/// Whether a line of the file loads our module.
pub(crate) fn names_ours(text: &str) -> bool {
    rules(text).iter().any(Rule::is_ours)
}

/// A file without our lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Without {
    pub(crate) text: String,
    /// Nothing else in it asks for a proof of who somebody is: it refuses everybody now.
    pub(crate) is_closed: bool,
}

/// What stands in the place of our line in a file that would be open to everybody without it.
const REFUSAL: &str = "auth required pam_deny.so\n";

/// The file without our lines. Jumps over them are shortened.
///
/// Our lines are those that load our module, the pam_localuser.so line before one that jumps
/// over it, and the line for home directories before it as we write it. Where nothing else
/// asks for a proof, each of ours in the stack auth becomes a refusal; not so in a file that
/// is a part of others (`is_part`), which may ask for one and would refuse root, too.
///
/// # Errors
/// [`Unclear`], and then the file is not for us to change.
pub(crate) fn without_ours(text: &str, is_part: bool) -> Result<Without, Unclear> {
    let rules = rules(text);
    let mut gone = vec![false; rules.len()];
    for (index, rule) in rules.iter().enumerate() {
        if !rule.is_ours() {
            continue;
        }
        gone[index] = true;
        let before = (0..index).rfind(|at| rules[*at].kind == rule.kind);
        if let Some(before) = before {
            gone[before] |= rules[before].is_guard() || rules[before].makes_home();
        }
    }
    let is_closed = !is_part && closing::is_open(&rules)?;
    let refuses = |rule: &Rule<'_>| is_closed && rule.is_ours() && rule.kind == Some(Kind::Auth);
    let lost: Vec<bool> = (rules.iter().zip(&gone))
        .map(|(rule, gone)| *gone && !refuses(rule))
        .collect();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (index, rule) in rules.iter().enumerate() {
        if gone[index] {
            out.push_str(&text[copied..rule.span.start]);
            copied = rule.span.end;
            if refuses(rule) {
                out.push_str(REFUSAL);
            }
        } else if let Some(control) = shortened(&rules, &lost, index)? {
            out.push_str(&text[copied..rule.control.start]);
            out.push_str(&control);
            copied = rule.control.end;
        }
    }
    out.push_str(&text[copied..]);
    Ok(Without {
        text: out,
        is_closed,
    })
}

/// One rule: a line, or several that a backslash joins.
struct Rule<'a> {
    text: &'a str,
    /// The stack; `None` for a line that brings in another file whole.
    kind: Option<Kind>,
    span: Range<usize>,
    control: Range<usize>,
    /// The module, or the file that is brought in.
    module: &'a str,
    arguments: &'a str,
    line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Auth,
    Account,
    Password,
    Session,
}

impl Rule<'_> {
    fn is_ours(&self) -> bool {
        self.kind.is_some() && self.file() == "pam_domlogon.so"
    }

    fn file(&self) -> &str {
        self.module.rsplit('/').next().unwrap_or_default()
    }

    /// pam_localuser.so, as it jumps over one line.
    fn is_guard(&self) -> bool {
        let actions = self.actions();
        self.file() == "pam_localuser.so"
            && actions.contains(&"success=1")
            && actions.contains(&"default=ignore")
            && actions.len() == 2
    }

    /// The line for home directories, exactly as our profile has it.
    fn makes_home(&self) -> bool {
        self.kind == Some(Kind::Session)
            && self.file() == "pam_mkhomedir.so"
            && self.arguments.trim() == "umask=0077"
    }

    fn actions(&self) -> Vec<&str> {
        self.control_text()
            .trim_matches(['[', ']'])
            .split_whitespace()
            .filter(|word| *word != "\\")
            .collect()
    }

    fn control_text(&self) -> &str {
        self.text
            .get(self.control.start - self.span.start..self.control.end - self.span.start)
            .unwrap_or_default()
    }

    /// Brings in other rules, of which we do not know how many.
    fn brings_in(&self) -> bool {
        self.kind.is_none() || self.control_text() == "include"
    }
}

/// The control of a rule that jumps over lines that go, with shorter jumps.
fn shortened(rules: &[Rule<'_>], gone: &[bool], index: usize) -> Result<Option<String>, Unclear> {
    let rule = &rules[index];
    let control = rule.control_text();
    if !control.starts_with('[') {
        return Ok(None);
    }
    let mut changed = false;
    let mut out = String::with_capacity(control.len());
    for piece in control.split_inclusive(|c: char| c.is_whitespace() || c == ']') {
        let word = piece.trim_end_matches(|c: char| c.is_whitespace() || c == ']');
        let jump = word
            .split_once('=')
            .and_then(|(name, value)| Some((name, value.parse::<usize>().ok()?)));
        match jump {
            Some((name, length)) if length > 0 => {
                let lost = lost(rules, gone, index, length)?;
                changed |= lost > 0;
                match length.saturating_sub(lost) {
                    // As a jump does, it goes on and leaves what came of the stack so far as it
                    // is. A jump of 0 would be "ok" [pam.conf(5)], which does not.
                    0 => out.push_str(&format!("{name}=ignore")),
                    left => out.push_str(&format!("{name}={left}")),
                }
                out.push_str(&piece[word.len()..]);
            }
            _ => out.push_str(piece),
        }
    }
    Ok(changed.then_some(out))
}

/// How many of the next `length` rules of the stack go.
fn lost(rules: &[Rule<'_>], gone: &[bool], index: usize, length: usize) -> Result<usize, Unclear> {
    let mut lost = 0;
    let mut left = length;
    let mut opaque = false;
    for (at, rule) in rules.iter().enumerate().skip(index + 1) {
        if left == 0 {
            break;
        }
        if rule.kind.is_some() && rule.kind != rules[index].kind {
            continue;
        }
        if rule.brings_in() {
            opaque = true;
            continue;
        }
        if gone[at] {
            if opaque {
                return Err(Unclear {
                    line: rules[index].line,
                });
            }
            lost += 1;
        }
        left -= 1;
    }
    Ok(lost)
}

fn rules(text: &str) -> Vec<Rule<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut line = 1;
    while start < text.len() {
        let (end, lines) = end_of_rule(text, start);
        if let Some(rule) = rule(text, start..end, line) {
            found.push(rule);
        }
        start = end;
        line += lines;
    }
    found
}

/// Where the rule that begins at `start` ends, line break included, and how many lines it has.
fn end_of_rule(text: &str, start: usize) -> (usize, usize) {
    let mut end = start;
    let mut lines = 0;
    for line in text[start..].split_inclusive('\n') {
        end += line.len();
        lines += 1;
        let code = line.split('#').next().unwrap_or_default();
        let bare = line.trim_end_matches(['\n', '\r']);
        if code.len() < line.len() || !bare.ends_with('\\') {
            break;
        }
    }
    (end, lines)
}

fn rule(text: &str, span: Range<usize>, line: usize) -> Option<Rule<'_>> {
    let whole = &text[span.clone()];
    let code = &whole[..whole.find('#').unwrap_or(whole.len())];
    let mut words = Words { text: code, at: 0 };
    let kind_word = words.next()?;
    let base = span.start;
    let other = |control: Range<usize>| Rule {
        text: whole,
        kind: None,
        span: span.clone(),
        control,
        module: "",
        arguments: "",
        line,
    };
    if code[kind_word.clone()].eq_ignore_ascii_case("@include") {
        let file = words.next().unwrap_or(0..0);
        return Some(Rule {
            module: &code[file],
            ..other(base..base)
        });
    }
    let kind = match code[kind_word]
        .trim_start_matches('-')
        .to_ascii_lowercase()
        .as_str()
    {
        "auth" => Kind::Auth,
        "account" => Kind::Account,
        "password" => Kind::Password,
        "session" => Kind::Session,
        _ => return None,
    };
    let control = words.next()?;
    let module = words.next()?;
    Some(Rule {
        text: whole,
        kind: Some(kind),
        control: base + control.start..base + control.end,
        module: &code[module.clone()],
        arguments: &code[module.end..],
        ..other(base..base)
    })
}

/// The words of a rule; what stands in brackets is one.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let rest = &self.text[self.at..];
            let start = self.at + rest.find(|c: char| !c.is_whitespace())?;
            let rest = &self.text[start..];
            let length = if rest.starts_with('[') {
                rest.find(']').map_or(rest.len(), |at| at + 1)
            } else {
                rest.find(char::is_whitespace).unwrap_or(rest.len())
            };
            self.at = start + length;
            // The backslash that joins two lines.
            if rest[..length] != *"\\" {
                return Some(start..self.at);
            }
        }
    }
}

#[cfg(test)]
mod tests;
