//! pam_sm_authenticate: a name and a password.

use super::host::KeptWhat;
use super::{Call, Flags, Host, Kept, Level, NoAnswer, Token, unknown_here};
use crate::arguments::Arguments;
use domlogon_protocol::{Decision, Hook, PamCode, Request, Secret, Text, UserName, Verdict};

/// Judges a name and a password.
///
/// A name that the domain does not know is asked for its password and sent like any
/// other: same cost, same text.
pub(crate) fn authenticate<H: Host>(host: &H, flags: Flags, arguments: Arguments) -> PamCode {
    let call = Call::new(host, Hook::Authenticate, flags, arguments);
    call.authenticate().unwrap_or_else(|code| code)
}

impl<H: Host> Call<'_, H> {
    fn authenticate(&self) -> Result<PamCode, PamCode> {
        // What an earlier call left is not about this one.
        let _ = self.host.kept();
        let user = self.person(true)?;
        let (password, decision) = self.judged(&user)?;
        let decision = self.not_of_this_host(&user, decision);
        let code = self.finish(&decision);
        if code == PamCode::Success && decision.verdict.grants() {
            self.spell(&decision);
            self.keep_for_change(&user, &decision, password);
        } else if code == PamCode::Success {
            self.host.keep(Kept {
                user: user.key(),
                what: KeptWhat::Deferred,
            });
        }
        Ok(code)
    }

    /// The daemon's decision on the first password that is at hand, or on the next one
    /// if the first was an earlier module's and wrong.
    fn judged(&self, user: &UserName) -> Result<(Secret, Decision), PamCode> {
        if self.arguments.use_first_pass || self.arguments.try_first_pass {
            match self.host.token(Token::Password) {
                Some(password) => {
                    let decision = self.logon(user, &password);
                    let wrong =
                        decision.verdict == Verdict::LogonFailure || unknown_here(decision.verdict);
                    if !wrong || self.arguments.use_first_pass {
                        return Ok((password, decision));
                    }
                }
                None if self.arguments.use_first_pass => {
                    self.debug("no earlier module has asked for a password");
                    return Err(PamCode::AuthErr);
                }
                None => self.alive(user)?,
            }
        } else {
            self.alive(user)?;
        }
        let prompt = Text::PASSWORD.plain(self.host);
        let password = match self.host.ask_hidden(&prompt) {
            Ok(password) => password,
            Err(NoAnswer) => return Err(self.no_answer()),
        };
        self.host.set_token(Token::Password, &password);
        let decision = self.logon(user, &password);
        Ok((password, decision))
    }

    /// Nobody is asked for a password in vain: is the daemon there at all?
    fn alive(&self, user: &UserName) -> Result<(), PamCode> {
        self.host.reach().map_err(|error| {
            let decision = self.could_not_ask(user, &error);
            self.finish(&decision)
        })
    }

    fn logon(&self, user: &UserName, password: &Secret) -> Decision {
        if password.is_empty() && self.flags.refuses_blank() {
            return self.own(Verdict::LogonFailure, &user.to_string());
        }
        let request = Request::Logon {
            user: user.clone(),
            password: password.clone(),
            origin: self.origin(),
        };
        self.decide(user, &request)
    }

    /// The daemon has no rights, and gets none by answering with a name of this host: the
    /// program would let the person in under that name.
    fn not_of_this_host(&self, user: &UserName, decision: Decision) -> Decision {
        let name = &decision.params.user;
        let is_another = !name.is_empty() && UserName::fold(name) != user.key();
        if !(decision.verdict.grants() && is_another && self.host.is_local(&[name])) {
            return decision;
        }
        let line = format!("{user}: domlogond answered with a name of this host");
        self.host.log(Level::Error, &line);
        self.own(self.outage(), &user.to_string())
    }

    /// From here on the account goes by its own spelling. sshd refuses a name that changed.
    fn spell(&self, decision: &Decision) {
        let name = decision.params.user.as_bytes();
        if name.is_empty() || self.service == "sshd" {
            return;
        }
        if self.host.item(super::Item::User).as_deref() != Some(name) {
            self.host.set_user(name);
        }
    }

    /// A change that this logon demands needs no third prompt.
    fn keep_for_change(&self, user: &UserName, decision: &Decision, password: Secret) {
        if matches!(
            decision.verdict,
            Verdict::MustChange | Verdict::PasswordExpired
        ) {
            self.host.keep(Kept {
                user: user.key(),
                what: KeptWhat::Typed(password),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Answer, NO_BLANK, SILENT, Scripted, arguments, decision};
    use super::*;
    use domlogon_protocol::Reply;

    const WRONG: &str = "E User name or password is not right.";

    fn run(host: &Scripted, flags: i32, line: &str) -> PamCode {
        let code = authenticate(host, Flags(flags), arguments(line));
        host.done();
        code
    }

    #[test]
    fn a_right_password_is_success_and_says_nothing() {
        let host = Scripted::new("alice")
            .alive()
            .types(&["pw"])
            .decides(Verdict::Success);
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert_eq!(host.seen(), ["? Password: "]);
        assert_eq!(host.asked(), ["reach", "logon alice pw login"]);
        assert_eq!(host.password().as_deref(), Some("pw"));
        assert!(!host.has_kept());
        assert_eq!(host.delays.get(), 0);
    }

    #[test]
    fn a_wrong_password_and_an_unknown_name_look_alike() {
        for (verdict, code) in [
            (Verdict::LogonFailure, PamCode::AuthErr),
            (Verdict::UserNotFound, PamCode::UserUnknown),
        ] {
            let host = Scripted::new("alice")
                .alive()
                .types(&["pw"])
                .decides(verdict);
            assert_eq!(run(&host, 0, ""), code);
            assert_eq!(host.seen(), ["? Password: ", WRONG]);
            assert_eq!(host.delays.get(), 1);
        }
    }

    #[test]
    fn every_verdict_has_the_code_of_its_row_and_one_message_at_most() {
        for service in ["login", "sshd"] {
            for verdict in Verdict::ALL {
                let host = Scripted::new("alice")
                    .service(service)
                    .alive()
                    .types(&["pw"])
                    .decides(verdict);
                let code = run(&host, 0, "");
                assert_eq!(code, verdict.pam_code(Hook::Authenticate, service));
                let messages = host.seen().len() - 1;
                let expected = usize::from(code != PamCode::Success);
                let silent = verdict.row().message.is_none();
                assert_eq!(messages, if silent { 0 } else { expected }, "{verdict:?}");
            }
        }
    }

    #[test]
    fn sshd_leaves_the_refusal_to_account_management() {
        let host = Scripted::new("alice")
            .service("sshd")
            .alive()
            .types(&["pw"])
            .decides(Verdict::Disabled);
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert_eq!(host.seen(), ["? Password: "]);
        assert!(!host.has_kept() && host.is_held_up());
        // Until the next attempt.
        let host = host.alive().types(&["pw"]).decides(Verdict::Success);
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert!(!host.is_held_up());
    }

    #[test]
    fn names_of_this_host_end_at_once() {
        for name in ["root", "ROOT", "Backup", "CORP\\backup", "odd+name"] {
            let host = Scripted::new(name);
            assert_eq!(run(&host, 0, ""), PamCode::UserUnknown, "{name}");
            assert!(host.seen().is_empty());
            assert!(host.asked().is_empty());
            assert_eq!(run(&host, 0, "ignore_unknown_user"), PamCode::Ignore);
        }
    }

    #[test]
    fn a_malformed_name_is_refused_without_asking() {
        let long = "a".repeat(5_000);
        for name in ["a:b", "a/b", "a\nb", "a\0b", &long, "CORP\\", "@x"] {
            let host = Scripted::new(name);
            assert_eq!(run(&host, 0, ""), PamCode::UserUnknown, "{name}");
            assert_eq!(host.seen(), [WRONG]);
        }
        let host = Scripted::new("");
        host.user.replace(Some(b"\xff\xfe".to_vec()));
        assert_eq!(run(&host, 0, ""), PamCode::UserUnknown);
    }

    #[test]
    fn a_missing_name_is_asked_for() {
        let host = Scripted::new("")
            .types(&["alice", "pw"])
            .alive()
            .decides(Verdict::Success);
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert_eq!(host.seen(), ["! login: ", "? Password: "]);
        assert_eq!(host.user(), "alice");
        let host = Scripted::new("").fails_to_answer();
        assert_eq!(run(&host, 0, ""), PamCode::ConvErr);
    }

    #[test]
    fn nobody_is_asked_in_vain_while_the_daemon_is_away() {
        for answer in [Answer::IsAway, Answer::IsSilent] {
            let host = Scripted::new("alice").answer(answer);
            assert_eq!(run(&host, 0, ""), PamCode::AuthinfoUnavail);
            assert_eq!(
                host.seen(),
                ["E The logon service on ws1 is not running. Contact your administrator."]
            );
            assert_eq!(host.logged.borrow().len(), 1);
        }
        let host = Scripted::new("alice").answer(Answer::IsAway);
        assert_eq!(run(&host, 0, "ignore_authinfo_unavail"), PamCode::Ignore);
        assert!(host.seen().is_empty());
    }

    #[test]
    fn a_daemon_that_goes_away_or_answers_oddly_lets_nobody_in() {
        let odd = Reply::GroupIds(None);
        for answer in [
            Answer::IsAway,
            Answer::IsSilent,
            Answer::IsNewer,
            Answer::Says(odd),
            Answer::Says(Reply::Refused(Verdict::Success)),
            Answer::Says(Reply::Refused(Verdict::Busy)),
        ] {
            let host = Scripted::new("alice").alive().types(&["pw"]).answer(answer);
            assert_eq!(run(&host, 0, ""), PamCode::AuthinfoUnavail);
            assert_eq!(host.seen().len(), 2);
        }
        let host = Scripted::new("alice")
            .alive()
            .types(&["pw"])
            .replies(Reply::Refused(Verdict::AccessDenied));
        assert_eq!(run(&host, 0, ""), PamCode::AuthErr);
    }

    #[test]
    fn only_a_decision_is_left_to_account_management() {
        for verdict in Verdict::ALL {
            let host = Scripted::new("alice")
                .service("sshd")
                .alive()
                .types(&["pw"])
                .replies(Reply::Refused(verdict));
            assert_ne!(run(&host, 0, ""), PamCode::Success, "{verdict:?}");
        }
    }

    #[test]
    fn a_conversation_without_an_answer_is_an_error() {
        let host = Scripted::new("alice").alive().fails_to_answer();
        assert_eq!(run(&host, 0, ""), PamCode::ConvErr);
        assert_eq!(host.password(), None);
    }

    #[test]
    fn silent_and_quiet_are_silent() {
        for (flags, line) in [(SILENT, ""), (0, "quiet")] {
            let host = Scripted::new("alice")
                .alive()
                .types(&["pw"])
                .decides(Verdict::LockedOut);
            assert_eq!(run(&host, flags, line), PamCode::MaxTries);
            assert_eq!(host.seen(), ["? Password: "]);
        }
    }

    #[test]
    fn the_first_password_is_used_as_told() {
        let host = Scripted::new("alice")
            .with_password("first")
            .decides(Verdict::Success);
        assert_eq!(run(&host, 0, "use_first_pass"), PamCode::Success);
        assert_eq!(host.asked(), ["logon alice first login"]);
        assert!(host.seen().is_empty());

        let host = Scripted::new("alice")
            .with_password("first")
            .decides(Verdict::LogonFailure);
        assert_eq!(run(&host, 0, "use_first_pass"), PamCode::AuthErr);
        assert_eq!(host.seen(), [WRONG]);

        let host = Scripted::new("alice");
        assert_eq!(run(&host, 0, "use_first_pass"), PamCode::AuthErr);

        let host = Scripted::new("alice")
            .with_password("first")
            .alive()
            .types(&["pw"])
            .decides(Verdict::Success);
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert_eq!(host.asked(), ["reach", "logon alice pw login"]);
    }

    #[test]
    fn a_wrong_first_password_is_asked_for_once_more() {
        for verdict in [Verdict::LogonFailure, Verdict::UserNotFound] {
            let host = Scripted::new("alice")
                .with_password("first")
                .decides(verdict)
                .types(&["second"])
                .decides(verdict);
            let code = run(&host, 0, "try_first_pass");
            assert_eq!(code, verdict.pam_code(Hook::Authenticate, "login"));
            assert_eq!(host.seen(), ["? Password: ", WRONG]);
        }
        let host = Scripted::new("alice")
            .with_password("first")
            .decides(Verdict::LockedOut);
        assert_eq!(run(&host, 0, "try_first_pass"), PamCode::MaxTries);
        assert!(!host.seen().contains(&"? Password: ".to_owned()));
        let host = Scripted::new("alice")
            .alive()
            .types(&["pw"])
            .decides(Verdict::Success);
        assert_eq!(run(&host, 0, "try_first_pass"), PamCode::Success);
    }

    #[test]
    fn a_blank_password_is_the_daemons_call_unless_forbidden() {
        let host = Scripted::new("alice")
            .alive()
            .types(&[""])
            .decides(Verdict::Success);
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        let host = Scripted::new("alice").alive().types(&[""]);
        assert_eq!(run(&host, NO_BLANK, ""), PamCode::AuthErr);
        assert_eq!(host.seen(), ["? Password: ", WRONG]);
        assert_eq!(host.asked(), ["reach"]);
    }

    #[test]
    fn a_password_that_must_be_changed_is_kept() {
        for verdict in [Verdict::MustChange, Verdict::PasswordExpired] {
            let host = Scripted::new("alice")
                .alive()
                .types(&["pw"])
                .decides(verdict);
            assert_eq!(run(&host, 0, ""), PamCode::Success);
            assert_eq!(host.seen(), ["? Password: "]);
            assert!(host.has_kept());
        }
    }

    #[test]
    fn the_accounts_own_spelling_is_set_but_not_for_sshd() {
        for (service, user) in [("login", "alice"), ("sshd", "CORP\\ALICE")] {
            let host = Scripted::new("CORP\\ALICE")
                .service(service)
                .alive()
                .types(&["pw"])
                .decides(Verdict::Success);
            assert_eq!(run(&host, 0, ""), PamCode::Success);
            assert_eq!(host.user(), user);
        }
        let host = Scripted::new("ALICE")
            .alive()
            .types(&["pw"])
            .decides(Verdict::LogonFailure);
        assert_eq!(run(&host, 0, ""), PamCode::AuthErr);
        assert_eq!(host.user(), "ALICE");
    }

    #[test]
    fn a_daemon_that_names_somebody_of_this_host_is_not_believed() {
        let run_with = |name: &str| {
            let mut granted = decision(Verdict::Success);
            granted.params.user = name.to_owned();
            let host = Scripted::new("boss@corp.example")
                .alive()
                .types(&["pw"])
                .replies(Reply::Decision(Box::new(granted)));
            (run(&host, 0, ""), host.user())
        };
        for name in ["root", "Backup"] {
            let asked = "boss@corp.example".to_owned();
            assert_eq!(run_with(name), (PamCode::AuthinfoUnavail, asked), "{name}");
        }
        assert_eq!(run_with("alice"), (PamCode::Success, "alice".to_owned()));
    }

    #[test]
    fn another_domains_user_is_told_nothing_about_it() {
        let host = Scripted::new("alice@other")
            .alive()
            .types(&["pw"])
            .decides(Verdict::UserNotInResdom);
        assert_eq!(run(&host, 0, ""), PamCode::UserUnknown);
        assert_eq!(host.seen(), ["? Password: ", WRONG]);
    }

    #[test]
    fn an_ignored_unknown_user_is_another_modules_and_hears_nothing() {
        let host = Scripted::new("alice")
            .alive()
            .types(&["pw"])
            .decides(Verdict::UserNotFound);
        assert_eq!(run(&host, 0, "ignore_unknown_user"), PamCode::Ignore);
        assert_eq!(host.seen(), ["? Password: "]);
    }

    #[test]
    fn no_password_is_ever_logged() {
        let secret = "hunter2";
        let host = Scripted::new("alice")
            .alive()
            .types(&[secret])
            .replies(Reply::Decision(Box::new(decision(Verdict::MustChange))));
        run(&host, 0, "debug");
        let logged = host.logged.borrow();
        assert!(!logged.is_empty());
        assert!(logged.iter().all(|line| !line.contains(secret)));
    }
}
