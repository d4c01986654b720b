//! What a site may say in its own words.

use crate::{Message, Verdict};

/// Whether a site may say a condition in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnWords {
    /// It may, with these places in the sentence.
    With(&'static [&'static str]),
    /// Nothing is said on this condition.
    Silent,
    /// Told in the words of [`Verdict::LogonFailure`]: whoever tries names must not learn
    /// from the words which of them exist.
    AsLogonFailure,
    /// Told by a module of itself, mostly where it could not ask the daemon, and so not in the
    /// site's words.
    Unasked,
}

impl Verdict {
    /// Whether a site may say this condition in its own words.
    #[must_use]
    pub fn own_words(self) -> OwnWords {
        match (self, self.row().message) {
            (_, None) => OwnWords::Silent,
            (
                Self::NetlogonNotStarted
                | Self::WkstaNotStarted
                | Self::InvalidApi
                | Self::EntriesDiffer
                | Self::ChangeNotKnown
                | Self::NotConfirmed,
                _,
            ) => OwnWords::Unasked,
            // Not the name: the account's own spelling would tell that it exists.
            (Self::LogonFailure, _) => OwnWords::With(&["domain", "host", "service", "admin"]),
            (_, Some(Message::NameOrPassword)) => OwnWords::AsLogonFailure,
            (_, Some(message)) => OwnWords::With(own_places(self, message)),
        }
    }
}

/// The places that a site's sentence may have.
fn own_places(verdict: Verdict, message: Message) -> &'static [&'static str] {
    macro_rules! places {
        ($($more:literal),*) => { &["user", "domain", "host", "service", "admin" $(, $more)*] };
    }
    match message {
        Message::LockedOut => places!("minutes"),
        Message::AccountExpired | Message::PasswordExpired => places!("until"),
        Message::LogonHours => places!("next_allowed"),
        Message::LogonRight if verdict == Verdict::LogonTypeNotGranted => places!("way", "right"),
        Message::LogonRight => places!("way"),
        Message::MustChangeElsewhere => places!("command"),
        Message::TooRecent => places!("next_change"),
        Message::TooShort => places!("min_length"),
        Message::TooLong => places!("max_length"),
        Message::History => places!("history"),
        _ => places!(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Calendar, Decision, LogonType, Rule, Timestamp, sentence, template};

    struct Fixed;
    impl Calendar for Fixed {
        fn show(&self, _: Timestamp) -> String {
            "Mon 23 Nov 2026 08:00 CET".to_owned()
        }
    }

    /// A decision with a value for every place, and this sentence of the site's.
    fn decision(verdict: Verdict, own: &str) -> Decision {
        let mut decision = Decision::new(verdict, Rule::Local);
        let params = &mut decision.params;
        params.user = "alice".to_owned();
        params.host = "ws1".to_owned();
        params.domain = "CORP".to_owned();
        params.service = "ftp".to_owned();
        params.logon_type = Some(LogonType::Network);
        params.minutes = Some(30);
        params.until = Some(Timestamp(0));
        params.next_allowed = Some(Timestamp(0));
        params.next_change = Some(Timestamp(0));
        params.min_length = Some(8);
        params.max_length = Some(256);
        params.history = Some(24);
        params.contact = Some("ext. 4711".to_owned());
        params.sentences = vec![(verdict, own.to_owned())];
        decision
    }

    #[test]
    fn every_place_of_every_condition_has_its_value() {
        for verdict in Verdict::ALL {
            let OwnWords::With(places) = verdict.own_words() else {
                continue;
            };
            for place in places {
                let own = format!("Own: {{{place}}}.");
                assert_eq!(template::check(&own, places), Ok(()));
                let text = sentence(&decision(verdict, &own), &Fixed).unwrap();
                assert!(text.starts_with("Own: "), "{verdict:?} {place}: {text}");
                assert!(!text.contains('{'), "{verdict:?} {place}: {text}");
            }
        }
    }

    #[test]
    fn a_place_without_a_value_brings_back_the_built_in_sentence() {
        let mut locked = decision(Verdict::LockedOut, "Wait {minutes} min.");
        assert_eq!(sentence(&locked, &Fixed).unwrap(), "Wait 30 min.");
        locked.params.minutes = None;
        assert_eq!(
            sentence(&locked, &Fixed).unwrap(),
            "alice is locked after too many wrong passwords. Ask ext. 4711 to unlock it."
        );
    }

    #[test]
    fn a_sites_sentence_is_for_its_condition_alone_and_keeps_the_reference() {
        let mut refused = decision(Verdict::Disabled, "Off: {user}. Ask {admin}.");
        refused.reference = crate::Reference::from_random(12345);
        let text = sentence(&refused, &Fixed).unwrap();
        assert_eq!(
            text,
            format!("Off: alice. Ask ext. 4711. (ref {})", refused.reference)
        );
        refused.verdict = Verdict::SmartcardRequired;
        let text = sentence(&refused, &Fixed).unwrap();
        assert!(text.starts_with("alice must log on with"), "{text}");
    }

    #[test]
    fn nobody_learns_which_names_exist() {
        for verdict in Verdict::ALL {
            if verdict.row().message == Some(Message::NameOrPassword) {
                let words = verdict.own_words();
                match words {
                    OwnWords::With(places) => {
                        assert_eq!(verdict, Verdict::LogonFailure);
                        assert!(!places.contains(&"user"));
                    }
                    _ => assert_eq!(words, OwnWords::AsLogonFailure, "{verdict:?}"),
                }
            }
        }
    }

    #[test]
    fn the_titles_of_rights_are_those_of_the_table() {
        for right in crate::Right::ALL {
            assert_eq!(right.title_text().english, right.title());
        }
    }
}
