//! The site's own words: `[texts]` of the configuration.

use super::Wrong;
use super::error::Fault;
use domlogon_protocol::template::{self, TemplateError};
use domlogon_protocol::{Decision, OwnWords, Verdict};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// The words for whom to ask that the catalogues translate: said of nobody else.
const DEFAULT_CONTACT: &str = "your administrator";

/// Most characters of the contact line. It stands in the middle of sentences.
pub(super) const LONGEST_CONTACT: usize = 100;

/// Most characters of a sentence, before its places are filled in.
pub(super) const LONGEST_SENTENCE: usize = 400;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section [texts]")]
pub(super) struct RawTexts {
    /// Whom people are told to ask, in place of "your administrator".
    contact: Option<Spanned<String>>,
    /// Sentences in place of the built-in ones, by the condition's name or symbol.
    #[serde(default)]
    sentences: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// The site's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    contact: Option<String>,
    sentences: Vec<(Verdict, String)>,
}

impl Texts {
    /// Gives a decision those of the words that it may need.
    pub(crate) fn tell(&self, decision: &mut Decision) {
        let params = &mut decision.params;
        params.contact.clone_from(&self.contact);
        // A name of another domain is told like one that nobody has.
        let unknown = decision.verdict == Verdict::UserNotInResdom;
        let told = |verdict: Verdict| {
            verdict == decision.verdict
                || decision.also.contains(&verdict)
                || (unknown && verdict == Verdict::UserNotFound)
        };
        params.sentences = self
            .sentences
            .iter()
            .filter(|(verdict, _)| told(*verdict))
            .cloned()
            .collect();
    }
}

impl RawTexts {
    pub(super) fn judge(self) -> Result<Texts, Wrong> {
        let contact = self.contact.map(contact).transpose()?;
        Ok(Texts {
            contact: contact.filter(|contact| contact != DEFAULT_CONTACT),
            sentences: sentences(self.sentences)?,
        })
    }
}

fn contact(given: Spanned<String>) -> Result<String, Wrong> {
    let span = given.span();
    let text = given.into_inner();
    let right = is_line(&text, LONGEST_CONTACT) && !text.contains(['{', '}']);
    if right {
        Ok(text)
    } else {
        Err(Wrong::new(span, Fault::Contact))
    }
}

fn sentences(
    given: BTreeMap<Spanned<String>, Spanned<String>>,
) -> Result<Vec<(Verdict, String)>, Wrong> {
    // In the order of the file, so that the second of two is the one that is refused.
    let mut given: Vec<_> = given.into_iter().collect();
    given.sort_by_key(|(key, _)| key.span().start);
    let mut exact: Vec<(Verdict, String)> = Vec::new();
    let mut by_symbol: Vec<(Verdict, String)> = Vec::new();
    for (key, text) in given {
        let (verdicts, is_name) = conditions(key.get_ref());
        if verdicts.is_empty() {
            return Err(Wrong::new(key.span(), Fault::Condition));
        }
        let list = if is_name { &mut exact } else { &mut by_symbol };
        for verdict in verdicts {
            if list.iter().any(|(known, _)| *known == verdict) {
                return Err(Wrong::new(key.span(), Fault::SaidTwice));
            }
            match verdict.own_words() {
                OwnWords::With(places) => sentence(&text, places)?,
                OwnWords::Silent => return Err(Wrong::new(key.span(), Fault::Silent)),
                OwnWords::Unasked => return Err(Wrong::new(key.span(), Fault::Unasked)),
                OwnWords::AsLogonFailure => {
                    return Err(Wrong::new(key.span(), Fault::AsLogonFailure));
                }
            }
            list.push((verdict, text.get_ref().clone()));
        }
    }
    // What is said of one condition counts for more than what its symbol shares with others.
    by_symbol.retain(|(verdict, _)| !exact.iter().any(|(known, _)| known == verdict));
    exact.append(&mut by_symbol);
    let failure = exact.iter().find(|(v, _)| *v == Verdict::LogonFailure);
    if let Some(text) = failure.map(|(_, text)| text.clone()) {
        let alike = Verdict::ALL
            .into_iter()
            .filter(|verdict| verdict.own_words() == OwnWords::AsLogonFailure);
        exact.extend(alike.map(|verdict| (verdict, text.clone())));
    }
    Ok(exact)
}

/// The conditions of a key, and whether it is the name of one: a symbol may be shared.
fn conditions(key: &str) -> (Vec<Verdict>, bool) {
    let named = Verdict::ALL.into_iter().find(|v| format!("{v:?}") == key);
    if let Some(verdict) = named {
        return (vec![verdict], true);
    }
    let symbols = |verdict: &Verdict| {
        let row = verdict.row();
        row.symbol == key || row.also.iter().any(|(symbol, _)| *symbol == key)
    };
    let shared = Verdict::ALL.into_iter().filter(symbols);
    // A symbol of nothing that is said, such as success, names no condition.
    let shared: Vec<Verdict> = shared.collect();
    let said = |v: &Verdict| v.own_words() != OwnWords::Silent;
    if shared.iter().any(said) {
        (shared.into_iter().filter(said).collect(), false)
    } else {
        (shared, false)
    }
}

fn sentence(text: &Spanned<String>, places: &'static [&'static str]) -> Result<(), Wrong> {
    if !is_line(text.get_ref(), LONGEST_SENTENCE) {
        return Err(Wrong::new(text.span(), Fault::Sentence));
    }
    template::check(text.get_ref(), places).map_err(|error| {
        let wrong = text.get_ref().get(error.span()).unwrap_or_default();
        Wrong {
            span: text.span(),
            within: Some(wrong.to_owned()),
            fault: match error {
                TemplateError::Brace(_) => Fault::Brace,
                TemplateError::Unknown(_) => Fault::Place(places),
            },
        }
    })
}

/// Something that can be shown in one line, and does not steer a terminal.
fn is_line(text: &str, longest: usize) -> bool {
    let steers = |c: char| {
        c.is_control()
            // Line ends, and what changes the direction of the text after it.
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}')
    };
    !text.trim().is_empty() && text.chars().count() <= longest && !text.contains(steers)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};
    use super::*;
    use domlogon_protocol::Rule;
    use std::path::Path;

    const DOMAIN: &str = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n";

    fn parse(lines: &str) -> Result<Texts, ConfigError> {
        let text = format!("{DOMAIN}{lines}\n");
        Config::parse(Path::new("t.toml"), &text).map(|config| config.texts)
    }

    fn told(texts: &Texts, verdict: Verdict) -> Vec<(Verdict, String)> {
        let mut decision = Decision::new(verdict, Rule::Local);
        texts.tell(&mut decision);
        decision.params.sentences
    }

    #[test]
    fn a_decision_gets_its_own_words_and_no_others() {
        let texts = parse(
            "[texts]\ncontact = \"ext. 4711\"\n[texts.sentences]\n\
             Disabled = \"{user} is off.\"\nERROR_ACCOUNT_LOCKED_OUT = \"Locked.\"\n\
             PasswordTooShort = \"Short.\"\nNERR_PasswordHistConflict = \"Old.\"",
        )
        .unwrap();
        let own = |verdict, text: &str| vec![(verdict, text.to_owned())];
        assert_eq!(
            told(&texts, Verdict::Disabled),
            own(Verdict::Disabled, "{user} is off.")
        );
        assert_eq!(
            told(&texts, Verdict::LockedOut),
            own(Verdict::LockedOut, "Locked.")
        );
        assert_eq!(told(&texts, Verdict::Success), []);
        let mut decision = Decision::new(Verdict::PasswordTooShort, Rule::Form);
        decision.also = vec![Verdict::PasswordHistConflict];
        texts.tell(&mut decision);
        assert_eq!(decision.params.sentences.len(), 2);
        assert_eq!(decision.params.contact.as_deref(), Some("ext. 4711"));
    }

    #[test]
    fn a_shared_symbol_is_all_its_conditions_but_those_named() {
        let texts = parse(
            "[texts.sentences]\nERROR_PASSWORD_MUST_CHANGE = \"Both.\"\nMustChange = \"One.\"",
        )
        .unwrap();
        assert_eq!(told(&texts, Verdict::MustChange)[0].1, "One.");
        assert_eq!(told(&texts, Verdict::MustChangeElsewhere)[0].1, "Both.");
    }

    #[test]
    fn a_wrong_name_is_told_like_a_wrong_password() {
        let texts = parse("[texts.sentences]\nLogonFailure = \"No. Ask {admin}.\"").unwrap();
        for verdict in [
            Verdict::LogonFailure,
            Verdict::UserNotFound,
            Verdict::AccountUndefined,
            Verdict::BadUsername,
        ] {
            assert_eq!(
                told(&texts, verdict),
                [(verdict, "No. Ask {admin}.".to_owned())]
            );
        }
        let other = told(&texts, Verdict::UserNotInResdom);
        assert_eq!(other[0].0, Verdict::UserNotFound);
    }

    #[test]
    fn the_default_contact_is_translated_like_none() {
        let texts = parse("[texts]\ncontact = \"your administrator\"").unwrap();
        assert_eq!(texts, Texts::default());
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let long = format!("[texts.sentences]\nDisabled = \"{}\"", "x".repeat(401));
        for (lines, place, expected) in [
            ("[texts]\ncontact = \"\"", "t.toml:5:11:", "1 to 100"),
            ("[texts]\ncontact = \"a\\nb\"", "t.toml:5:11:", "one line"),
            ("[texts]\ncontact = \"{user}\"", "t.toml:5:11:", "no braces"),
            ("[texts]\nhelp = \"x\"", "t.toml:5:1:", "`contact`"),
            (
                "[texts.sentences]\nDisabeld = \"x\"",
                "t.toml:5:1:",
                "LogonTypeNotGranted",
            ),
            (
                "[texts.sentences]\nDisabled = \"Hi {usr}, ask {admin}\"",
                "t.toml:5:16:",
                "{user}",
            ),
            (
                "[texts.sentences]\nDisabled = \"at {minutes}\"",
                "t.toml:5:16:",
                "{admin}",
            ),
            (
                "[texts.sentences]\nDisabled = \"a { b\"",
                "t.toml:5:15:",
                "brace",
            ),
            (
                "[texts.sentences]\nLogonFailure = \"{user}?\"",
                "t.toml:5:17:",
                "{host}",
            ),
            (
                "[texts.sentences]\nUserNotFound = \"x\"",
                "t.toml:5:1:",
                "LogonFailure",
            ),
            (
                "[texts.sentences]\nNetlogonNotStarted = \"x\"",
                "t.toml:5:1:",
                "told by the PAM module",
            ),
            (
                "[texts.sentences]\nSuccess = \"x\"",
                "t.toml:5:1:",
                "nothing is said",
            ),
            (
                "[texts.sentences]\nERROR_ACCOUNT_LOCKED_OUT = \"a\"\nNERR_AccountLockedOut = \"b\"",
                "t.toml:6:1:",
                "already",
            ),
            (
                "[texts.sentences]\nDisabled = \"a\\u202Eb\"",
                "t.toml:5:12:",
                "one line",
            ),
            (
                "[texts.sentences]\nDisabled = \"a\\u200Fb\"",
                "t.toml:5:12:",
                "one line",
            ),
            (
                "[texts.sentences]\nDisabled = \"a\\u001Bb\"",
                "t.toml:5:12:",
                "one line",
            ),
            ("[texts.sentences]\nDisabled = \" \"", "t.toml:5:12:", "400"),
            (&long, "t.toml:5:12:", "400"),
            (
                "[texts.sentences]\nDisabled = 1",
                "t.toml:5:12:",
                "a string",
            ),
            ("[texts]\nsentences = 1", "t.toml:5:13:", "a map"),
        ] {
            let error = parse(lines).unwrap_err();
            let shown = error.to_string();
            assert!(shown.starts_with(place), "{lines:?}: {shown}");
            assert!(shown.contains(expected), "{lines:?}: {shown}");
            assert!(!shown.contains('\n'), "{lines:?}: {shown}");
        }
    }
}
