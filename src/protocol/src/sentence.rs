//! What a person reads. Two short sentences at most, and the reference of the log line.
//!
//! Each is one [`Text`] in the person's language, with the values of the decision in its
//! places; or the site's own sentence, where the configuration has one.

use crate::template::filled;
use crate::{
    Catalogue, Decision, English, LogonType, Message, Notice, Params, Reference, Right, Text,
    Timestamp, Verdict,
};
use std::borrow::Cow;

/// Writes an instant as the person at the prompt would: local time, with the zone's name.
pub trait Calendar {
    /// Such as `Mon 23 Nov 2026 08:00 CET`.
    fn show(&self, at: Timestamp) -> String;
}

/// Most conditions that are told together: more than a new password can fail.
const MOST_TOLD: usize = 16;

/// The command that changes a password.
const PASSWD: &str = "passwd";

/// The English sentence for a decision, or `None` where there is nothing to say.
#[must_use]
pub fn sentence(decision: &Decision, calendar: &dyn Calendar) -> Option<String> {
    sentence_in(&English, decision, calendar)
}

/// The sentence for a decision in the person's language, or `None` where there is nothing
/// to say.
///
/// Several broken rules of a new password are told together.
#[must_use]
pub fn sentence_in(
    catalogue: &dyn Catalogue,
    decision: &Decision,
    calendar: &dyn Calendar,
) -> Option<String> {
    let words = Words {
        catalogue,
        calendar,
        params: &decision.params,
    };
    let mut told = Vec::new();
    let all = core::iter::once(&decision.verdict).chain(&decision.also);
    for verdict in all.take(MOST_TOLD) {
        let Some(message) = verdict.row().message else {
            continue;
        };
        let text = words
            .of_the_site(*verdict)
            .unwrap_or_else(|| words.message(message));
        if !told.contains(&text) {
            told.push(text);
        }
    }
    if told.is_empty() {
        return None;
    }
    let text = told.join(" ");
    Some(with_reference(
        catalogue,
        text,
        decision.verdict,
        &decision.reference,
    ))
}

/// The English sentence for a notice.
#[must_use]
pub fn notice_sentence(notice: Notice) -> String {
    notice_sentence_in(&English, notice)
}

/// The sentence for a notice in the person's language.
#[must_use]
pub fn notice_sentence_in(catalogue: &dyn Catalogue, notice: Notice) -> String {
    let (text, count) = match notice {
        Notice::ExpiresIn(seconds) => span(seconds),
        Notice::ChangeBeforeNextLogon => (Text::CHANGE_BEFORE_NEXT, 1),
        Notice::Offline => (Text::OFFLINE, 1),
    };
    fill(&text.of(catalogue, count), |name| match name {
        "count" => Some(count.to_string()),
        "command" => Some(PASSWD.to_owned()),
        _ => None,
    })
}

/// The rules for a new password in English, shown before it is asked for.
#[must_use]
pub fn password_rules(rules: &Params) -> Option<String> {
    password_rules_in(&English, rules)
}

/// The rules for a new password in the person's language, shown before it is asked for.
#[must_use]
pub fn password_rules_in(catalogue: &dyn Catalogue, rules: &Params) -> Option<String> {
    let length = rules.min_length.filter(|n| *n > 0);
    let form = match (length, rules.complexity == Some(true)) {
        (Some(length), true) => Some((Text::RULES_LONG_COMPLEX, length)),
        (Some(length), false) => Some((Text::TOO_SHORT, length)),
        (None, true) => Some((Text::RULES_COMPLEX, 1)),
        (None, false) => None,
    };
    let barred = match rules.history {
        None | Some(0) => None,
        Some(1) => Some((Text::RULES_CURRENT, 1)),
        Some(history) => Some((Text::RULES_HISTORY, history)),
    };
    let told: Vec<String> = [form, barred]
        .into_iter()
        .flatten()
        .map(|(text, n)| {
            fill(&text.of(catalogue, n), |name| match name {
                "min_length" | "history" => Some(n.to_string()),
                _ => None,
            })
        })
        .collect();
    (!told.is_empty()).then(|| told.join(" "))
}

/// What the sentences of one decision are made with.
struct Words<'a> {
    catalogue: &'a dyn Catalogue,
    calendar: &'a dyn Calendar,
    params: &'a Params,
}

impl Words<'_> {
    /// The site's own sentence, if there is one and this decision has a value for each of
    /// its places.
    fn of_the_site(&self, verdict: Verdict) -> Option<String> {
        let mut own = self.params.sentences.iter();
        let (_, template) = own.find(|(known, _)| *known == verdict)?;
        filled(template, |name| self.value(name))
    }

    fn message(&self, message: Message) -> String {
        if message == Message::AllRules {
            if let Some(rules) = password_rules_in(self.catalogue, self.params) {
                return rules;
            }
        }
        let (text, n) = self.text(message);
        let template = text.of(self.catalogue, n);
        let said = fill(&template, |name| self.value(name));
        // "this host" may begin a sentence.
        let nameless = self.params.host.is_empty() && template.starts_with("{host}");
        if nameless { capitalised(&said) } else { said }
    }

    /// Which text says it, and the number in it.
    fn text(&self, message: Message) -> (Text, u32) {
        let p = self.params;
        let given = |n: Option<u32>| n.filter(|n| *n > 0);
        let with = match message {
            Message::LockedOut => p.minutes.map(|_| Text::LOCKED_FOR),
            Message::AccountExpired => p.until.map(|_| Text::ACCOUNT_EXPIRED_ON),
            Message::LogonHours => p.next_allowed.map(|_| Text::LOGON_HOURS),
            Message::LogonRight => self.right().map(|_| Text::RIGHT_MISSING),
            Message::PasswordExpired => p.until.map(|_| Text::PASSWORD_EXPIRED_ON),
            Message::TooRecent => p.next_change.map(|_| Text::TOO_RECENT_UNTIL),
            Message::TooShort => given(p.min_length).map(|_| Text::TOO_SHORT),
            Message::TooLong => p.max_length.map(|_| Text::TOO_LONG_FOR),
            Message::History if p.history == Some(1) => Some(Text::HISTORY_CURRENT),
            Message::History => given(p.history).map(|_| Text::HISTORY_OF),
            Message::DomainUnreachable if p.domain.is_empty() => Some(Text::A_DOMAIN_UNREACHABLE),
            Message::PrimaryUnreachable if p.domain.is_empty() => Some(Text::A_PRIMARY_UNREACHABLE),
            Message::ClockSkew if p.domain.is_empty() => Some(Text::A_CLOCK_SKEW),
            _ => None,
        };
        let n = match message {
            Message::TooShort => p.min_length,
            Message::TooLong => p.max_length,
            Message::History => p.history,
            _ => None,
        };
        (with.unwrap_or_else(|| message.text()), n.unwrap_or(1))
    }

    /// The value of a place; `None` where this decision has none.
    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        let p = self.params;
        let given = |value: &'_ str, or: Text| {
            if value.is_empty() {
                or.plain(self.catalogue)
            } else {
                Cow::Owned(value.to_owned())
            }
        };
        let number = |n: Option<u32>| n.map(|n| Cow::Owned(n.to_string()));
        let instant = |at: Option<Timestamp>| at.map(|at| Cow::Owned(self.calendar.show(at)));
        match name {
            "user" => Some(given(&p.user, Text::NO_NAME)),
            "host" => Some(given(&p.host, Text::THIS_HOST)),
            "service" => Some(given(&p.service, Text::THIS_SERVICE)),
            "domain" => (!p.domain.is_empty()).then_some(Cow::Borrowed(p.domain.as_str())),
            "admin" => Some(given(p.contact.as_deref().unwrap_or_default(), Text::ADMIN)),
            "command" => Some(Cow::Borrowed(PASSWD)),
            "way" => Some(self.way()),
            "right" => self
                .right()
                .map(|right| right.title_text().plain(self.catalogue)),
            "minutes" => number(p.minutes),
            "until" => instant(p.until),
            "next_allowed" => instant(p.next_allowed),
            "next_change" => instant(p.next_change),
            "min_length" => number(p.min_length),
            "max_length" => number(p.max_length),
            "history" => number(p.history),
            _ => None,
        }
    }

    fn right(&self) -> Option<Right> {
        self.params.logon_type.and_then(LogonType::right)
    }

    fn way(&self) -> Cow<'_, str> {
        let service = &self.params.service;
        let text = match self.params.logon_type {
            _ if service == "sshd" => Text::WAY_SSH,
            Some(LogonType::Interactive | LogonType::Unlock) => Text::WAY_CONSOLE,
            Some(LogonType::Batch) => Text::WAY_BATCH,
            Some(LogonType::Service) => Text::WAY_SERVICE,
            Some(LogonType::RemoteInteractive) => Text::WAY_REMOTE,
            // Closed by its name, so named by it.
            Some(LogonType::Deny) if !service.is_empty() => return Cow::Borrowed(service),
            Some(LogonType::Network | LogonType::Permit | LogonType::Deny) | None => {
                Text::WAY_NETWORK
            }
        };
        text.plain(self.catalogue)
    }
}

/// The reference goes with what the help desk would be asked about. A plain wrong
/// password or a broken rule is cured at the prompt.
fn with_reference(
    catalogue: &dyn Catalogue,
    text: String,
    verdict: Verdict,
    reference: &Reference,
) -> String {
    let row = verdict.row();
    let cured_at_the_prompt = verdict.grants()
        || matches!(
            row.message,
            Some(
                Message::NameOrPassword
                    | Message::CurrentPassword
                    | Message::EntriesDiffer
                    | Message::TooShort
                    | Message::TooLong
                    | Message::History
                    | Message::NotComplex
                    | Message::TooEasy
                    | Message::AllRules
                    | Message::BadCharacter
            )
        );
    if cured_at_the_prompt || reference.is_empty() {
        return text;
    }
    fill(&Text::REFERENCE.plain(catalogue), |name| match name {
        "sentence" => Some(text.clone()),
        "reference" => Some(reference.to_string()),
        _ => None,
    })
}

/// A text of ours with its places filled in. One that has no value stays as it is
/// written: the tests see to it that there is none.
fn fill<V: AsRef<str>>(template: &str, value: impl Fn(&str) -> Option<V>) -> String {
    let value = |name: &str| match value(name) {
        Some(value) => Some(value.as_ref().to_owned()),
        None => Some(format!("{{{name}}}")),
    };
    filled(template, value).unwrap_or_default()
}

/// The text for so many seconds, and the number of minutes, hours or days in it.
fn span(seconds: i64) -> (Text, u32) {
    let seconds = u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
    match seconds {
        0..3_600 => (Text::EXPIRES_MINUTES, (seconds / 60).max(1)),
        3_600..172_800 => (Text::EXPIRES_HOURS, seconds / 3_600),
        _ => (Text::EXPIRES_DAYS, seconds / 86_400),
    }
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + rest.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rule;

    struct Fixed;
    impl Calendar for Fixed {
        fn show(&self, _: Timestamp) -> String {
            "Mon 23 Nov 2026 08:00 CET".to_owned()
        }
    }

    fn decision(verdict: Verdict) -> Decision {
        let mut decision = Decision::new(verdict, Rule::Local);
        decision.params.user = "alice".to_owned();
        decision.params.host = "ws1".to_owned();
        decision
    }

    #[test]
    fn sentences_end_well_and_stay_short() {
        for verdict in Verdict::ALL {
            let Some(text) = sentence(&decision(verdict), &Fixed) else {
                continue;
            };
            assert!(text.ends_with('.'), "{verdict:?}: {text}");
            assert!(text.len() < 200, "{verdict:?}: {text}");
            assert!(!text.contains('\n'), "{verdict:?}: {text}");
            assert!(!text.contains("  "), "{verdict:?}: {text}");
        }
    }

    #[test]
    fn a_refusal_carries_its_reference_and_a_wrong_password_does_not() {
        let mut refused = decision(Verdict::Disabled);
        refused.reference = Reference::from_random(12345);
        let text = sentence(&refused, &Fixed).unwrap();
        assert_eq!(
            text,
            format!(
                "The account alice is disabled. Contact your administrator. (ref {})",
                refused.reference
            )
        );
        let mut wrong = decision(Verdict::LogonFailure);
        wrong.reference = Reference::from_random(12345);
        assert_eq!(
            sentence(&wrong, &Fixed).unwrap(),
            "User name or password is not right."
        );
    }

    #[test]
    fn a_missing_right_names_the_way_in_and_the_right() {
        let told = |verdict, logon_type, service: &str| {
            let mut refused = decision(verdict);
            refused.params.logon_type = Some(logon_type);
            refused.params.service = service.to_owned();
            sentence(&refused, &Fixed).unwrap()
        };
        let missing = |logon_type, service| told(Verdict::LogonTypeNotGranted, logon_type, service);
        assert_eq!(
            missing(LogonType::Network, "sshd"),
            "alice is not allowed to use ssh logon on ws1. Ask your administrator for the right \"Access this computer from the network\"."
        );
        for (logon_type, service, way) in [
            (LogonType::Network, "vsftpd", "network access"),
            (LogonType::Interactive, "login", "console logon"),
            (LogonType::Unlock, "swaylock", "console logon"),
            (LogonType::Batch, "cron", "scheduled jobs"),
            (LogonType::Service, "x", "service logon"),
            (LogonType::RemoteInteractive, "xrdp-sesman", "remote logon"),
        ] {
            let text = missing(logon_type, service);
            assert!(text.contains(&format!("use {way} on ws1")), "{text}");
            let right = logon_type.right().unwrap().title();
            assert!(text.contains(&format!("{right:?}")), "{text}");
        }
        assert_eq!(
            told(Verdict::InvalidLogonType, LogonType::Deny, "vsftpd"),
            "alice is not allowed to use vsftpd on ws1. Contact your administrator."
        );
    }

    #[test]
    fn broken_rules_are_told_together() {
        let mut refused = decision(Verdict::PasswordTooShort);
        refused.also = vec![
            Verdict::PasswordNotComplexEnough,
            Verdict::PasswordHistConflict,
        ];
        refused.params.min_length = Some(8);
        refused.params.history = Some(24);
        let text = sentence(&refused, &Fixed).unwrap();
        assert!(text.contains("at least 8 characters"), "{text}");
        assert!(text.contains("capital letters"), "{text}");
        assert!(text.contains("last 24 passwords"), "{text}");
    }

    #[test]
    fn no_more_is_told_than_can_be_wrong() {
        let mut refused = decision(Verdict::PasswordTooShort);
        refused.also = vec![Verdict::PasswordTooShort; 1_000_000];
        refused.also.push(Verdict::PasswordHistConflict);
        refused.params.min_length = Some(8);
        let text = sentence(&refused, &Fixed).unwrap();
        assert_eq!(text, "The new password needs at least 8 characters.");
    }

    #[test]
    fn rules_are_shown_before_the_prompt() {
        let params = Params {
            min_length: Some(8),
            history: Some(24),
            complexity: Some(true),
            ..Params::default()
        };
        assert_eq!(
            password_rules(&params).unwrap(),
            "The new password needs at least 8 characters, with 3 of: capital letters, small letters, digits, symbols, other letters, and no part of your name. Your last 24 passwords cannot be used again."
        );
        assert_eq!(password_rules(&Params::default()), None);
    }
}
