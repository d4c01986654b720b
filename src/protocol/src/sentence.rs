//! What a person reads. Two short sentences at most, and the reference of the log line.

use crate::{Decision, LogonType, Message, Notice, Params, Reference, Timestamp, Verdict};

/// Writes an instant as the person at the prompt would: local time, with the zone's name.
pub trait Calendar {
    /// Such as `Mon 23 Nov 2026 08:00 CET`.
    fn show(&self, at: Timestamp) -> String;
}

/// Whom to ask; sites will be able to say it better.
const ADMIN: &str = "your administrator";

/// The command that changes a password.
const PASSWD: &str = "passwd";

/// The sentence for a decision, or `None` where there is nothing to say.
///
/// Several broken rules of a new password are told together.
#[must_use]
pub fn sentence(decision: &Decision, calendar: &dyn Calendar) -> Option<String> {
    let mut told = Vec::new();
    for verdict in core::iter::once(&decision.verdict).chain(&decision.also) {
        let Some(message) = verdict.row().message else {
            continue;
        };
        let text = message_text(message, &decision.params, calendar);
        if !told.contains(&text) {
            told.push(text);
        }
    }
    if told.is_empty() {
        return None;
    }
    Some(with_reference(
        told.join(" "),
        decision.verdict,
        &decision.reference,
    ))
}

/// The sentence for a notice.
#[must_use]
pub fn notice_sentence(notice: Notice) -> String {
    match notice {
        Notice::ExpiresIn(seconds) => format!(
            "Your password expires in {}. Run {PASSWD} to change it.",
            span(seconds)
        ),
        Notice::ChangeBeforeNextLogon => {
            format!("Your password must be changed before your next sign-on. Run {PASSWD} now.")
        }
        Notice::Offline => "Working offline: signed on with saved credentials.".to_owned(),
    }
}

/// The rules for a new password, shown before it is asked for.
#[must_use]
pub fn password_rules(rules: &Params) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(length) = rules.min_length.filter(|n| *n > 0) {
        parts.push(format!("at least {}", count(length, "character")));
    }
    if rules.complexity == Some(true) {
        parts.push(format!("{KINDS}, and no part of your name"));
    }
    let mut text = if parts.is_empty() {
        String::new()
    } else {
        format!("The new password needs {}.", parts.join(", with "))
    };
    if let Some(history) = rules.history.filter(|n| *n > 0) {
        if !text.is_empty() {
            text.push(' ');
        }
        let mut barred = barred(history);
        capitalise(&mut barred);
        text.push_str(&barred);
        text.push('.');
    }
    (!text.is_empty()).then_some(text)
}

const KINDS: &str = "3 of: capital letters, small letters, digits, symbols, other letters";

fn message_text(message: Message, p: &Params, calendar: &dyn Calendar) -> String {
    let user = if p.user.is_empty() {
        "This account"
    } else {
        &p.user
    };
    let host = if p.host.is_empty() {
        "this host"
    } else {
        &p.host
    };
    let domain = if p.domain.is_empty() {
        "the domain".to_owned()
    } else {
        format!("the domain {}", p.domain)
    };
    let since = |at: Option<Timestamp>| {
        at.map(|at| format!(" on {}", calendar.show(at)))
            .unwrap_or_default()
    };
    match message {
        Message::NameOrPassword => "User name or password is not right.".to_owned(),
        Message::NotAllowed => "You may not do this.".to_owned(),
        Message::LockedOut => locked(user, p),
        Message::Disabled => format!("The account {user} is disabled. Contact {ADMIN}."),
        Message::AccountExpired => {
            format!(
                "The account {user} expired{}. Contact {ADMIN}.",
                since(p.until)
            )
        }
        Message::LogonHours => match p.next_allowed {
            Some(at) => format!(
                "{user} may not log on at this time. Next allowed: {}.",
                calendar.show(at)
            ),
            None => format!("{user} may not log on at any time. Contact {ADMIN}."),
        },
        Message::Workstation => {
            format!("{user} may not log on from {host}. Allowed computers are set by {ADMIN}.")
        }
        Message::LogonRight => right(user, host, p),
        Message::MustChange => "You must set a new password before you can continue.".to_owned(),
        Message::MustChangeElsewhere => format!(
            "Your password must be changed first, and {} cannot ask for a new one. Log on at a console or by ssh, or run {PASSWD}, then try again.",
            if p.service.is_empty() {
                "this service"
            } else {
                &p.service
            }
        ),
        Message::PasswordExpired => {
            format!(
                "Your password expired{}. Set a new one now.",
                since(p.until)
            )
        }
        Message::ExpiredCantChange => {
            format!("Your password expired, and this account may not change it. Contact {ADMIN}.")
        }
        Message::Restriction => {
            format!("A restriction on this account prevents this logon. Contact {ADMIN}.")
        }
        Message::Smartcard => format!("{user} must log on with a smart card."),
        Message::DomainUnreachable => {
            let mut text =
                format!("{domain} cannot be reached. Try again later, or use a local account.");
            capitalise(&mut text);
            text
        }
        Message::PrimaryUnreachable => format!(
            "Password changes are not possible now: the main server of {domain} cannot be reached. Your password is unchanged."
        ),
        Message::Offline => notice_sentence(Notice::Offline),
        Message::ServiceDown => {
            format!("The logon service on {host} is not running. Contact {ADMIN}.")
        }
        Message::ServiceDownUnchanged => {
            format!("The logon service on {host} is not running. Your password is unchanged.")
        }
        Message::ClockSkew => format!(
            "The clock of {host} differs too much from {domain}. Correct the time and try again."
        ),
        Message::Store => format!(
            "The account database could not be used. Your password is unchanged. Contact {ADMIN}."
        ),
        Message::CurrentPassword => "The current password is not right.".to_owned(),
        Message::CantChange => {
            format!("This account may not change its own password. Contact {ADMIN}.")
        }
        Message::TooRecent => match p.next_change {
            Some(at) => format!(
                "Your password was changed too recently. You can change it from {}.",
                calendar.show(at)
            ),
            None => "Your password was changed too recently.".to_owned(),
        },
        Message::TooShort => match p.min_length.filter(|n| *n > 0) {
            Some(length) => format!(
                "The new password needs at least {}.",
                count(length, "character")
            ),
            None => "The new password may not be blank.".to_owned(),
        },
        Message::TooLong => match p.max_length {
            Some(length) => format!(
                "The new password may have at most {}.",
                count(length, "character")
            ),
            None => "The new password is too long.".to_owned(),
        },
        Message::History => match p.history.unwrap_or(0) {
            0 => "The new password was used before.".to_owned(),
            history => format!("The new password was used before; {}.", barred(history)),
        },
        Message::NotComplex => format!("Use at least {KINDS}; and no part of your name."),
        Message::TooEasy => "The new password is too easy to guess.".to_owned(),
        Message::AllRules => password_rules(p)
            .unwrap_or_else(|| "The new password breaks a rule of the domain.".to_owned()),
        Message::BadCharacter => {
            "The new password contains a character that cannot be used.".to_owned()
        }
        Message::TicketExpired => "Your sign-on ended during the change. Try again.".to_owned(),
        Message::OtherDomain => {
            format!("{user} belongs to another domain; change the password there.")
        }
        Message::CannotChangeHere => {
            format!("This server cannot change passwords. Contact {ADMIN}.")
        }
        Message::EntriesDiffer => "The two entries differ. Nothing was changed.".to_owned(),
        Message::RootMayNotReset => {
            "root cannot set this password here; use the domain's own tools.".to_owned()
        }
        Message::Busy => format!("{host} is too busy to answer. Try again in a moment."),
    }
}

fn locked(user: &str, p: &Params) -> String {
    match p.minutes {
        Some(minutes) => format!(
            "{user} is locked after too many wrong passwords. Try again in {minutes} min, or ask {ADMIN} to unlock it."
        ),
        None => {
            format!("{user} is locked after too many wrong passwords. Ask {ADMIN} to unlock it.")
        }
    }
}

fn right(user: &str, host: &str, p: &Params) -> String {
    let way = match p.logon_type {
        _ if p.service == "sshd" => "ssh logon",
        Some(LogonType::Interactive | LogonType::Unlock) => "console logon",
        Some(LogonType::Batch) => "scheduled jobs",
        Some(LogonType::Service) => "service logon",
        Some(LogonType::RemoteInteractive) => "remote logon",
        // Closed by its name, so named by it.
        Some(LogonType::Deny) if !p.service.is_empty() => &p.service,
        Some(LogonType::Network | LogonType::Permit | LogonType::Deny) | None => "network access",
    };
    match p.logon_type.and_then(LogonType::right) {
        Some(right) => format!(
            "{user} is not allowed to use {way} on {host}. Ask {ADMIN} for the right \"{}\".",
            right.title()
        ),
        None => format!("{user} is not allowed to use {way} on {host}. Contact {ADMIN}."),
    }
}

fn barred(history: u32) -> String {
    match history {
        0 | 1 => "your current password cannot be used again".to_owned(),
        n => format!("your last {n} passwords cannot be used again"),
    }
}

/// The reference goes with what the help desk would be asked about. A plain wrong
/// password or a broken rule is cured at the prompt.
fn with_reference(text: String, verdict: Verdict, reference: &Reference) -> String {
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
        text
    } else {
        format!("{text} (ref {reference})")
    }
}

fn count(n: u32, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}

fn span(seconds: i64) -> String {
    let seconds = u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
    match seconds {
        0..3_600 => count((seconds / 60).max(1), "minute"),
        3_600..172_800 => count(seconds / 3_600, "hour"),
        _ => count(seconds / 86_400, "day"),
    }
}

fn capitalise(text: &mut String) {
    let first = text.chars().next().map(|c| c.to_uppercase().to_string());
    if let Some(first) = first {
        let rest: String = text.chars().skip(1).collect();
        *text = first + &rest;
    }
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
