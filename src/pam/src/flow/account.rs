//! pam_sm_acct_mgmt.

use super::host::KeptWhat;
use super::{Call, Flags, Host, Kept};
use crate::arguments::Arguments;
use domlogon_protocol::{Hook, PamCode, Request};

/// Judges the account as it is now, for every way in: after a password, an ssh key, in
/// cron. Never prompts.
pub(crate) fn account<H: Host>(host: &H, flags: Flags, arguments: Arguments) -> PamCode {
    let call = Call::new(host, Hook::Account, flags, arguments);
    let kept = host.kept();
    let held_up = kept.as_ref().is_some_and(|kept| kept.what.holds_up());
    let code = call.account(held_up).unwrap_or_else(|code| code);
    match kept {
        Some(kept) if code == PamCode::NewAuthtokReqd => host.keep(kept),
        Some(kept) if held_up => host.keep(Kept {
            user: kept.user,
            what: KeptWhat::Deferred,
        }),
        Some(_) | None => {}
    }
    code
}

impl<H: Host> Call<'_, H> {
    /// `held_up`: authenticate found a reason against the person, by a password that it may have
    /// had to take for right. That the reason is gone now, or that nobody can be asked about it
    /// any more, is no proof of the password: it has to be typed once more.
    fn account(&self, held_up: bool) -> Result<PamCode, PamCode> {
        let user = self.person(false)?;
        let request = Request::Account {
            user: user.clone(),
            origin: self.origin(),
        };
        let decision = self.decide(&user, &request);
        if held_up && Self::passes(self.code(decision.verdict)) {
            return Ok(self.not_confirmed(&user, &decision));
        }
        Ok(self.finish(&decision))
    }
}

#[cfg(test)]
mod tests {
    use super::super::host::Ready;
    use super::super::scripted::{Answer, SILENT, Scripted, arguments, decision};
    use super::*;
    use domlogon_protocol::{Notice, Reply, Secret, Verdict};

    fn run(host: &Scripted, flags: i32, line: &str) -> PamCode {
        let code = account(host, Flags(flags), arguments(line));
        host.done();
        code
    }

    fn keeping(host: Scripted) -> Scripted {
        host.keep(Kept {
            user: "alice".to_owned(),
            what: KeptWhat::Typed(Secret::new(b"pw")),
        });
        host
    }

    #[test]
    fn every_verdict_has_the_code_of_its_row_and_never_a_prompt() {
        for verdict in Verdict::ALL {
            let host = Scripted::new("alice").decides(verdict);
            let code = run(&host, 0, "");
            assert_eq!(code, verdict.pam_code(Hook::Account, "login"));
            assert_eq!(host.asked(), ["account alice login"]);
            let seen = host.seen();
            let mark = match code {
                // The one success with something to say: it was no ordinary one.
                PamCode::Success if verdict == Verdict::StandaloneLogon => "I ",
                PamCode::Success | PamCode::UserUnknown => "",
                PamCode::NewAuthtokReqd => "I ",
                _ if verdict.row().message.is_none() => "",
                _ => "E ",
            };
            if mark.is_empty() {
                assert!(seen.is_empty(), "{verdict:?} {seen:?}");
            } else {
                assert_eq!(seen.len(), 1, "{verdict:?}");
                assert!(seen[0].starts_with(mark), "{seen:?}");
            }
            assert!(!host.has_kept());
            assert_eq!(host.delays.get(), 0);
        }
    }

    #[test]
    fn whom_authenticate_found_a_reason_against_is_not_let_in_because_it_is_gone() {
        let deferred = || Kept {
            user: "another-spelling".to_owned(),
            what: KeptWhat::Deferred,
        };
        for line in ["", "ignore_authinfo_unavail ignore_unknown_user"] {
            for verdict in Verdict::ALL {
                let host = keeping(Scripted::new("alice")).decides(verdict);
                let code = run(&host, 0, line);
                let must_change = verdict.pam_code(Hook::Account, "login");
                match must_change {
                    PamCode::NewAuthtokReqd => assert_eq!(code, must_change),
                    _ => assert!(is_refusal(code), "{verdict:?} {code:?}"),
                }
                assert_eq!(host.has_kept(), code == PamCode::NewAuthtokReqd);
                assert_eq!(host.is_held_up(), code != PamCode::NewAuthtokReqd);

                let host = Scripted::new("alice").decides(verdict);
                host.keep(deferred());
                let code = run(&host, 0, line);
                assert!(code == PamCode::NewAuthtokReqd || is_refusal(code));
                assert!(host.is_held_up());

                // Another module has ended the change between its two passes.
                let host = Scripted::new("alice").decides(verdict);
                host.keep(Kept {
                    user: "alice".to_owned(),
                    what: KeptWhat::Ready(Ready {
                        old: None,
                        rules: None,
                    }),
                });
                let code = run(&host, 0, line);
                assert!(code == PamCode::NewAuthtokReqd || is_refusal(code));
            }
            let host = keeping(Scripted::new("alice")).answer(Answer::IsAway);
            assert!(is_refusal(run(&host, 0, line)));
        }
        let host = keeping(Scripted::new("alice")).decides(Verdict::StandaloneLogon);
        assert_eq!(run(&host, 0, ""), PamCode::PermDenied);
        assert_eq!(host.seen().len(), 1);
    }

    #[test]
    fn whoever_is_held_up_is_told_why_and_whom_to_ask() {
        const WHY: &str = "E Something stood against this logon when the password was checked, and \
                           that cannot be confirmed now. Log on again; if that does not help, \
                           contact";
        let contact = |host: Scripted| {
            let mut granted = decision(Verdict::Success);
            granted.params.contact = Some("the help desk".to_owned());
            host.replies(Reply::Decision(Box::new(granted)))
        };
        type Answers = fn(Scripted) -> Scripted;
        let answers: [(Answers, &str, &str); 4] = [
            (contact, "", "the help desk"),
            (
                |host| host.decides(Verdict::StandaloneLogon),
                "",
                "your administrator",
            ),
            (
                |host| host.decides(Verdict::UserNotFound),
                "",
                "your administrator",
            ),
            (
                |host| host.answer(Answer::IsAway),
                "ignore_authinfo_unavail",
                "your administrator",
            ),
        ];
        for (answer, line, whom) in answers {
            let host = answer(keeping(Scripted::new("alice")));
            assert_eq!(run(&host, 0, line), PamCode::PermDenied);
            assert_eq!(host.seen(), [format!("{WHY} {whom}.")]);
        }
        // Where the daemon is asked in vain and the line does not go on, that is the reason.
        let host = keeping(Scripted::new("alice")).answer(Answer::IsAway);
        assert_eq!(run(&host, 0, ""), PamCode::PermDenied);
        assert!(host.seen()[0].starts_with("E The logon service on ws1"));
    }

    fn is_refusal(code: PamCode) -> bool {
        !matches!(
            code,
            PamCode::Success | PamCode::Ignore | PamCode::UserUnknown | PamCode::NewAuthtokReqd
        )
    }

    #[test]
    fn only_a_decision_lets_in() {
        for verdict in Verdict::ALL {
            let host = Scripted::new("alice").replies(Reply::Refused(verdict));
            let code = run(&host, 0, "");
            let opens = matches!(code, PamCode::Success | PamCode::NewAuthtokReqd);
            assert!(!opens, "{verdict:?}");
        }
    }

    #[test]
    fn notices_are_told() {
        let mut granted = decision(Verdict::Success);
        granted.notices = vec![Notice::ExpiresIn(3 * 86_400)];
        for (flags, line, count) in [(0, "", 1), (SILENT, "", 0), (0, "quiet", 0)] {
            let host = Scripted::new("alice").replies(Reply::Decision(Box::new(granted.clone())));
            assert_eq!(run(&host, flags, line), PamCode::Success);
            let seen = host.seen();
            assert_eq!(seen.len(), count);
            assert!(
                seen.iter()
                    .all(|s| s.starts_with("I ") && s.contains("3 days"))
            );
        }
    }

    #[test]
    fn a_daemon_without_end_of_words_is_cut_short() {
        let mut granted = decision(Verdict::Success);
        granted.notices = vec![Notice::ChangeBeforeNextLogon; 100_000];
        let host = Scripted::new("alice").replies(Reply::Decision(Box::new(granted)));
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert_eq!(host.seen().len(), crate::flow::MOST_NOTICES);
    }

    #[test]
    fn a_logon_with_saved_credentials_is_told_once() {
        const OFFLINE: &str = "I Working offline: signed on with saved credentials.";
        const CHANGE: &str =
            "I Your password must be changed before your next sign-on. Run passwd now.";
        for (verdict, notices, told) in [
            (Verdict::StandaloneLogon, vec![], vec![OFFLINE]),
            (
                Verdict::StandaloneLogon,
                vec![Notice::ChangeBeforeNextLogon],
                vec![OFFLINE, CHANGE],
            ),
            // However the daemon puts it.
            (
                Verdict::StandaloneLogon,
                vec![Notice::ChangeBeforeNextLogon, Notice::Offline],
                vec![OFFLINE, CHANGE],
            ),
            (
                Verdict::Success,
                vec![Notice::Offline, Notice::ChangeBeforeNextLogon],
                vec![OFFLINE, CHANGE],
            ),
        ] {
            let mut granted = decision(verdict);
            granted.notices = notices;
            for (flags, line, is_told) in [(0, "", true), (SILENT, "", false), (0, "quiet", false)]
            {
                let reply = Reply::Decision(Box::new(granted.clone()));
                let host = Scripted::new("alice").replies(reply);
                assert_eq!(run(&host, flags, line), PamCode::Success);
                assert_eq!(host.seen(), if is_told { told.clone() } else { vec![] });
            }
        }
        // In the site's words, if it has any.
        let mut granted = decision(Verdict::StandaloneLogon);
        granted.notices = vec![Notice::Offline];
        granted.params.sentences = vec![(Verdict::StandaloneLogon, "No net.".to_owned())];
        let host = Scripted::new("alice").replies(Reply::Decision(Box::new(granted)));
        assert_eq!(run(&host, 0, ""), PamCode::Success);
        assert_eq!(host.seen(), ["I No net."]);
    }

    #[test]
    fn an_outage_refuses_unless_the_line_says_otherwise() {
        let host = keeping(Scripted::new("alice")).answer(Answer::IsAway);
        assert_eq!(run(&host, 0, ""), PamCode::PermDenied);
        assert_eq!(
            host.seen(),
            ["E The logon service on ws1 is not running. Contact your administrator."]
        );
        assert!(!host.has_kept());
        let host = Scripted::new("alice").answer(Answer::IsAway);
        assert_eq!(run(&host, 0, "ignore_authinfo_unavail"), PamCode::Ignore);
        assert!(host.seen().is_empty());
        // A refusal is not an outage.
        let host = Scripted::new("alice").decides(Verdict::Disabled);
        assert_eq!(
            run(&host, 0, "ignore_authinfo_unavail"),
            PamCode::PermDenied
        );
    }

    #[test]
    fn local_malformed_and_missing_names_are_unknown_and_silent() {
        for name in ["root", "BACKUP", "a:b", ""] {
            let host = Scripted::new(name);
            assert_eq!(run(&host, 0, ""), PamCode::UserUnknown, "{name:?}");
            assert_eq!(run(&host, 0, "ignore_unknown_user"), PamCode::Ignore);
            assert!(host.seen().is_empty());
            assert!(host.asked().is_empty());
        }
    }
}
