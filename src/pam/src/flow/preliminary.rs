//! The first pass of pam_sm_chauthtok: what the person cannot mend is told before a
//! new password is asked for.

use super::host::{KeptWhat, Ready};
use super::{Call, Host, Kept, NoAnswer, Token, could_not_ask, unknown_here};
use domlogon_protocol::{
    Decision, PamCode, Params, Qualifier, Reply, Request, Secret, Text, UserName, Verdict,
};

/// The current password, and how it was come by.
enum Old {
    /// root sets a password and needs none.
    Reset,
    /// From this transaction or an earlier module.
    AtHand(Secret),
    /// Typed now.
    Asked(Secret),
}

impl<H: Host> Call<'_, H> {
    /// Checks whether the password may be changed; an error is the code that ends the pass.
    pub(super) fn may_change(
        &self,
        user: &UserName,
        kept: Option<KeptWhat>,
        held_up: bool,
    ) -> Result<KeptWhat, PamCode> {
        let reset = self.host.real_uid() == 0 && !self.flags.only_expired();
        if self.flags.only_expired() {
            if !self.is_demanded(user, held_up)? {
                return Ok(KeptWhat::NotExpired);
            }
        } else {
            self.is_known(user)?;
        }
        let old = if reset {
            Old::Reset
        } else {
            if !self.flags.only_expired() {
                self.can_be_changed(user)?;
            }
            self.at_hand(kept)?
        };
        let at_hand = matches!(old, Old::AtHand(_));
        let (old, decision, rules) = self.checked(user, old);
        let wrong = matches!(
            decision.verdict,
            Verdict::InvalidPassword | Verdict::LogonFailure
        );
        let (old, decision, rules) = if wrong && at_hand && !self.arguments.use_first_pass {
            self.checked(user, self.asked()?)
        } else {
            (old, decision, rules)
        };
        match self.finish(&decision) {
            PamCode::Success => {}
            code => return Err(code),
        }
        if let Some(old) = &old {
            self.host.set_token(Token::OldPassword, old);
        }
        Ok(KeptWhat::Ready(Ready { old, rules }))
    }

    /// Whether a new password is demanded now. A refusal is not "nothing to do": the
    /// application would go on as if the password had been changed. Nor is that nobody can be
    /// asked, nor, where it was demanded before (`held_up`), that it is not any more.
    fn is_demanded(&self, user: &UserName, held_up: bool) -> Result<bool, PamCode> {
        let request = Request::Account {
            user: user.clone(),
            origin: self.origin(),
        };
        let decision = self.decide(user, &request);
        match decision.verdict {
            Verdict::MustChange | Verdict::PasswordExpired => Ok(true),
            Verdict::StandaloneLogon => Err(self.finish(&decision)),
            verdict if held_up && (verdict.grants() || Self::passes(self.code(verdict))) => {
                Err(self.not_confirmed(user, &decision))
            }
            verdict if verdict.grants() => {
                self.debug("the password is not expired");
                Ok(false)
            }
            verdict if unknown_here(verdict) => Err(self.unknown("not a name of the domain")),
            _ => Err(self.finish(&decision)),
        }
    }

    /// Asks for no password of somebody else's user, nor while the daemon is away.
    fn is_known(&self, user: &UserName) -> Result<(), PamCode> {
        let request = Request::UserByName(user.to_string());
        match self.ask(user, &request) {
            // With a domain in the name, the check itself says which domain it is not.
            Ok(Reply::User(None)) if *user.qualifier() == Qualifier::None => {
                Err(self.unknown("not a name of the domain"))
            }
            Ok(Reply::Refused(verdict)) => {
                Err(self.finish(&self.odd(user, Reply::Refused(verdict))))
            }
            Ok(_) => Ok(()),
            Err(decision) => Err(self.finish(&decision)),
        }
    }

    /// Asks for no password while the domain cannot be asked about it. The daemon knows the
    /// names of a domain that is away.
    fn can_be_changed(&self, user: &UserName) -> Result<(), PamCode> {
        match self.ask(user, &Request::Status) {
            Ok(Reply::Status(status)) if is_away(status.store) => {
                let mut decision = self.own(status.store, &user.to_string());
                decision.params.domain = status.domain;
                Err(self.finish(&decision))
            }
            // Whatever else it says: the check itself decides.
            Ok(_) => Ok(()),
            Err(decision) => Err(self.finish(&decision)),
        }
    }

    fn at_hand(&self, kept: Option<KeptWhat>) -> Result<Old, PamCode> {
        if let Some(KeptWhat::Typed(password)) = kept {
            return Ok(Old::AtHand(password));
        }
        if self.arguments.use_first_pass || self.arguments.try_first_pass {
            if let Some(password) = self.host.token(Token::OldPassword) {
                return Ok(Old::AtHand(password));
            }
        }
        if self.arguments.use_first_pass {
            self.debug("no earlier module has asked for the current password");
            return Err(PamCode::AuthErr);
        }
        self.asked()
    }

    fn asked(&self) -> Result<Old, PamCode> {
        let prompt = Text::CURRENT_PASSWORD.plain(self.host);
        match self.host.ask_hidden(&prompt) {
            Ok(password) => Ok(Old::Asked(password)),
            Err(NoAnswer) => Err(self.no_answer()),
        }
    }

    fn checked(
        &self,
        user: &UserName,
        old: Old,
    ) -> (Option<Secret>, Decision, Option<Box<Params>>) {
        let old = match old {
            Old::Reset => None,
            Old::AtHand(password) | Old::Asked(password) => Some(password),
        };
        let request = Request::Preliminary {
            user: user.clone(),
            old: old.clone(),
            origin: self.origin(),
        };
        let (decision, rules) = match self.ask(user, &request) {
            Ok(Reply::Preliminary { decision, rules }) => (*decision, rules),
            Ok(other) => (self.odd(user, other), None),
            Err(decision) => (*decision, None),
        };
        (old, decision, rules)
    }

    /// Keeps what the second pass needs.
    pub(super) fn keep(&self, user: &UserName, what: KeptWhat) {
        self.host.keep(Kept {
            user: user.key(),
            what,
        });
    }
}

/// Whether nothing can be changed in accounts of this condition.
fn is_away(store: Verdict) -> bool {
    could_not_ask(store) || store == Verdict::StandaloneLogon
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Answer, EXPIRED, PRELIM, Scripted, arguments};
    use super::super::{Flags, change};
    use super::*;
    use domlogon_protocol::Hook;

    fn run(host: &Scripted, flags: i32, line: &str) -> PamCode {
        let code = change(host, Flags(PRELIM | flags), arguments(line));
        host.done();
        code
    }

    fn typed(host: Scripted, user: &str, password: &str) -> Scripted {
        host.keep(Kept {
            user: user.to_owned(),
            what: KeptWhat::Typed(Secret::new(password.as_bytes())),
        });
        host
    }

    #[test]
    fn the_current_password_is_asked_for_and_shared() {
        let host = Scripted::new("alice")
            .known()
            .ready()
            .types(&["old"])
            .checks(Verdict::Success);
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert_eq!(host.seen(), ["? Current password: "]);
        assert_eq!(host.asked(), ["name alice", "status", "check alice old"]);
        assert_eq!(host.old_password().as_deref(), Some("old"));
        assert!(host.has_kept());
    }

    #[test]
    fn every_verdict_has_the_code_of_its_row() {
        for verdict in Verdict::ALL {
            let host = Scripted::new("alice")
                .known()
                .ready()
                .types(&["old"])
                .checks(verdict);
            let code = run(&host, 0, "");
            assert_eq!(code, verdict.pam_code(Hook::Preliminary, "login"));
            let silent = code == PamCode::Success || verdict.row().message.is_none();
            assert_eq!(host.seen().len(), if silent { 1 } else { 2 }, "{verdict:?}");
            assert_eq!(host.has_kept(), code == PamCode::Success);
            assert_eq!(host.old_password().is_some(), code == PamCode::Success);
        }
    }

    #[test]
    fn root_resets_without_the_current_password() {
        let host = Scripted::new("alice")
            .uid(0)
            .known()
            .checks(Verdict::Success);
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert!(host.seen().is_empty());
        assert_eq!(host.asked(), ["name alice", "check alice -"]);
        assert_eq!(host.old_password(), None);
        // What login leaves behind is not used for a reset.
        let host = typed(Scripted::new("alice").uid(0), "alice", "pw")
            .known()
            .checks(Verdict::RootMayNotReset);
        assert_eq!(run(&host, 0, ""), PamCode::PermDenied);
        assert_eq!(host.asked(), ["name alice", "check alice -"]);
        assert!(!host.has_kept());
    }

    #[test]
    fn root_on_behalf_of_the_user_needs_the_current_password() {
        let host = Scripted::new("alice")
            .uid(0)
            .decides(Verdict::MustChange)
            .types(&["old"])
            .checks(Verdict::Success);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::Success);
        assert_eq!(host.asked(), ["account alice login", "check alice old"]);
    }

    #[test]
    fn what_is_not_expired_is_left_alone() {
        let host = Scripted::new("alice").decides(Verdict::Success);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::Success);
        assert!(host.seen().is_empty());
        let Some(Kept { what, .. }) = host.kept() else {
            panic!("nothing was kept")
        };
        assert!(matches!(what, KeptWhat::NotExpired));
    }

    #[test]
    fn a_refused_account_is_not_taken_for_one_that_is_not_expired() {
        for verdict in [
            Verdict::LockedOut,
            Verdict::Disabled,
            Verdict::ExpiredCantChange,
        ] {
            let host = Scripted::new("alice").decides(verdict);
            assert_eq!(run(&host, EXPIRED, ""), PamCode::PermDenied);
            assert_eq!(host.seen().len(), 1);
            assert!(!host.has_kept() && host.is_held_up());
        }
    }

    const WHY: &str = "E Something stood against this logon when the password was checked";

    #[test]
    fn a_change_that_was_demanded_is_not_taken_for_needless() {
        for verdict in Verdict::ALL {
            for (line, uid) in [("", 0), ("ignore_authinfo_unavail", 1000)] {
                let host = typed(Scripted::new("alice").uid(uid), "other-spelling", "pw");
                let host = host.decides(verdict);
                if matches!(verdict, Verdict::MustChange | Verdict::PasswordExpired) {
                    continue;
                }
                let code = run(&host, EXPIRED, line);
                assert!(
                    !matches!(
                        code,
                        PamCode::Success | PamCode::Ignore | PamCode::UserUnknown
                    ),
                    "{verdict:?} {code:?}"
                );
                assert!(host.is_held_up());
            }
        }
        // Each is told why.
        for (verdict, line, code, words) in [
            (Verdict::Success, "", PamCode::TryAgain, WHY),
            (
                Verdict::UserNotFound,
                "ignore_unknown_user",
                PamCode::TryAgain,
                WHY,
            ),
            (
                Verdict::WkstaNotStarted,
                "ignore_authinfo_unavail",
                PamCode::TryAgain,
                WHY,
            ),
            (
                Verdict::StandaloneLogon,
                "",
                PamCode::TryAgain,
                "E Password changes are not possible now",
            ),
        ] {
            let host = typed(Scripted::new("alice"), "alice", "pw").decides(verdict);
            assert_eq!(run(&host, EXPIRED, line), code);
            let seen = host.seen();
            assert!(seen.len() == 1 && seen[0].starts_with(words), "{seen:?}");
        }
        // Another module has ended the change between its passes, and the program tries again.
        let host = typed(Scripted::new("alice").uid(0), "alice", "pw")
            .decides(Verdict::MustChange)
            .checks(Verdict::MustChange);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::Success);
        let host = host.decides(Verdict::Success);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::TryAgain);
        // Nobody can be asked whether it is.
        let host = Scripted::new("alice").decides(Verdict::StandaloneLogon);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::TryAgain);
    }

    #[test]
    fn the_password_of_this_logon_is_not_asked_for_again() {
        let host = typed(Scripted::new("alice").uid(0), "alice", "pw")
            .decides(Verdict::PasswordExpired)
            .checks(Verdict::PasswordExpired);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::Success);
        assert!(host.seen().is_empty());
        assert_eq!(host.asked(), ["account alice login", "check alice pw"]);
        assert_eq!(host.old_password().as_deref(), Some("pw"));
    }

    #[test]
    fn another_users_password_is_not_used() {
        let host = typed(Scripted::new("alice"), "bob", "pw")
            .decides(Verdict::MustChange)
            .types(&["old"])
            .checks(Verdict::Success);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::Success);
        assert_eq!(host.asked(), ["account alice login", "check alice old"]);
    }

    #[test]
    fn a_wrong_password_at_hand_is_asked_for_once() {
        let host = typed(Scripted::new("alice"), "alice", "stale")
            .decides(Verdict::MustChange)
            .checks(Verdict::InvalidPassword)
            .types(&["old"])
            .checks(Verdict::InvalidPassword);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::AuthErr);
        assert_eq!(
            host.seen(),
            [
                "? Current password: ",
                "E The current password is not right."
            ]
        );
        assert_eq!(host.delays.get(), 1);
    }

    #[test]
    fn an_earlier_modules_password_is_used_as_told() {
        for line in ["use_first_pass", "try_first_pass"] {
            let host = Scripted::new("alice")
                .with_old_password("old")
                .known()
                .ready()
                .checks(Verdict::Success);
            assert_eq!(run(&host, 0, line), PamCode::Success);
            assert_eq!(host.asked(), ["name alice", "status", "check alice old"]);
        }
        let host = Scripted::new("alice")
            .with_old_password("old")
            .known()
            .ready()
            .types(&["typed"])
            .checks(Verdict::Success);
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert_eq!(host.asked(), ["name alice", "status", "check alice typed"]);

        let host = Scripted::new("alice").known().ready();
        assert_eq!(run(&host, 0, "use_first_pass"), PamCode::AuthErr);
        let host = Scripted::new("alice")
            .with_old_password("old")
            .known()
            .ready()
            .checks(Verdict::InvalidPassword);
        assert_eq!(run(&host, 0, "use_first_pass"), PamCode::AuthErr);
        let host = Scripted::new("alice")
            .with_old_password("old")
            .known()
            .ready()
            .checks(Verdict::InvalidPassword)
            .types(&["typed"])
            .checks(Verdict::Success);
        assert_eq!(run(&host, 0, "try_first_pass"), PamCode::Success);
    }

    #[test]
    fn nobody_is_asked_in_vain() {
        for (flags, answer) in [
            (0, Answer::IsAway),
            (0, Answer::IsSilent),
            (EXPIRED, Answer::IsAway),
        ] {
            let host = Scripted::new("alice").answer(answer);
            assert_eq!(run(&host, flags, ""), PamCode::TryAgain);
            assert_eq!(
                host.seen(),
                ["E The logon service on ws1 is not running. Your password is unchanged."]
            );
        }
        let host = Scripted::new("alice").answer(Answer::IsAway);
        assert_eq!(run(&host, 0, "ignore_authinfo_unavail"), PamCode::Ignore);
        let host = Scripted::new("alice")
            .known()
            .ready()
            .types(&["old"])
            .answer(Answer::IsAway);
        assert_eq!(run(&host, 0, ""), PamCode::TryAgain);
    }

    /// The daemon is there, and knows the name; the domain is not there.
    #[test]
    fn nobody_is_asked_in_vain_while_the_domain_is_away() {
        let away = |verdict: Verdict| {
            let prelim = verdict.pam_code(Hook::Preliminary, "passwd");
            (could_not_ask(verdict) || verdict == Verdict::StandaloneLogon)
                .then_some((verdict, prelim))
        };
        let mut tried = 0;
        for (verdict, code) in Verdict::ALL.into_iter().filter_map(away) {
            let host = Scripted::new("alice").known().stores(verdict);
            assert_eq!(run(&host, 0, ""), code, "{verdict:?}");
            assert_ne!(code, PamCode::Success);
            assert_eq!(host.asked(), ["name alice", "status"]);
            let seen = host.seen();
            assert!(seen.len() == 1 && seen[0].starts_with("E "), "{seen:?}");
            assert!(!host.has_kept());
            tried += 1;
        }
        assert!(tried > 15, "{tried}");
        for verdict in [
            Verdict::StandaloneLogon,
            Verdict::LogonServerNotFound,
            Verdict::DcNotFound,
        ] {
            let host = Scripted::new("alice").known().stores(verdict);
            assert_eq!(run(&host, 0, ""), PamCode::TryAgain);
            assert_eq!(
                host.seen(),
                [
                    "E Password changes are not possible now: the main server of the domain CORP \
                    cannot be reached. Your password is unchanged."
                ]
            );
        }
        // Names that the accounts cannot even be asked for.
        let refused = || domlogon_protocol::Reply::Refused(Verdict::AcfNotLoaded);
        let host = Scripted::new("alice").replies(refused());
        assert_eq!(run(&host, 0, ""), PamCode::TryAgain);
        assert_eq!(host.seen().len(), 1);
        // root's own reset asks for nothing before the check.
        let host = Scripted::new("alice")
            .uid(0)
            .known()
            .checks(Verdict::RootMayNotReset);
        assert_eq!(run(&host, 0, ""), PamCode::PermDenied);
        assert_eq!(
            host.seen(),
            ["E root cannot set this password here; use the domain's own tools."]
        );
        // A demanded change: account management's question tells.
        let host = Scripted::new("alice").decides(Verdict::LogonServerNotFound);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::TryAgain);
        assert_eq!(host.seen().len(), 1);
    }

    #[test]
    fn somebody_elses_user_is_unknown_without_a_word() {
        let unknown = || domlogon_protocol::Reply::User(None);
        let host = Scripted::new("bob").replies(unknown());
        assert_eq!(run(&host, 0, ""), PamCode::UserUnknown);
        let host = Scripted::new("bob").uid(0).replies(unknown());
        assert_eq!(run(&host, 0, "ignore_unknown_user"), PamCode::Ignore);
        let host = Scripted::new("bob").decides(Verdict::UserNotFound);
        assert_eq!(run(&host, EXPIRED, ""), PamCode::UserUnknown);
        assert!(host.seen().is_empty());
        for name in ["root", "BACKUP"] {
            let host = Scripted::new(name);
            assert_eq!(run(&host, 0, ""), PamCode::UserUnknown);
            assert!(host.seen().is_empty() && host.asked().is_empty());
        }
    }

    #[test]
    fn another_domain_is_named() {
        let host = Scripted::new("alice@other")
            .uid(0)
            .replies(domlogon_protocol::Reply::User(None))
            .checks(Verdict::UserNotInResdom);
        assert_eq!(run(&host, 0, ""), PamCode::UserUnknown);
        assert_eq!(
            host.seen(),
            ["E alice belongs to another domain; change the password there."]
        );
    }

    #[test]
    fn a_conversation_without_an_answer_ends_the_pass() {
        let host = Scripted::new("alice").known().ready().fails_to_answer();
        assert_eq!(run(&host, 0, ""), PamCode::AuthtokErr);
        assert!(!host.has_kept());
    }
}
