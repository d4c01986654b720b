//! pam_sm_chauthtok: the two passes of a password change.

use super::host::{KeptWhat, Ready};
use super::{Call, Flags, Host, Kept, Level, NoAnswer, Token};
use crate::arguments::Arguments;
use domlogon_protocol::{
    Decision, Hook, PamCode, Request, Secret, Text, UserName, Verdict, password_rules_in,
};

/// Changes a password: libpam calls this twice, for the check and for the change.
pub(crate) fn change<H: Host>(host: &H, flags: Flags, arguments: Arguments) -> PamCode {
    let hook = if flags.preliminary() {
        Hook::Preliminary
    } else {
        Hook::Update
    };
    let call = Call::new(host, hook, flags, arguments);
    if !flags.preliminary() && !flags.update() {
        host.log(Level::Error, "a password change that is neither pass");
        return PamCode::ServiceErr;
    }
    // Taken first: whatever the end, nothing stays that the next pass does not need.
    let kept = host.kept();
    let held_up = kept.as_ref().is_some_and(|kept| {
        let goes_on = call.hook == Hook::Update && matches!(kept.what, KeptWhat::Ready(_));
        kept.what.holds_up() && !goes_on
    });
    let code = match call.pass(kept, held_up).unwrap_or_else(|code| code) {
        PamCode::Ignore | PamCode::UserUnknown if held_up => PamCode::AuthtokErr,
        code => code,
    };
    if code != PamCode::Success && flags.only_expired() {
        // Whoever had to change it is not let in without.
        host.keep(Kept {
            user: String::new(),
            what: KeptWhat::Deferred,
        });
    }
    code
}

impl<H: Host> Call<'_, H> {
    fn pass(&self, kept: Option<Kept>, held_up: bool) -> Result<PamCode, PamCode> {
        let user = self.person(true)?;
        let kept = kept
            .filter(|kept| kept.user == user.key())
            .map(|kept| kept.what);
        if self.hook == Hook::Preliminary {
            let what = self.may_change(&user, kept, held_up)?;
            self.keep(&user, what);
            return Ok(PamCode::Success);
        }
        let what = match kept {
            Some(what @ (KeptWhat::Ready(_) | KeptWhat::NotExpired)) => what,
            // An update without its first pass makes the check now.
            other => self.may_change(&user, other, held_up)?,
        };
        match what {
            KeptWhat::Ready(ready) => self.update(&user, &ready),
            KeptWhat::NotExpired => Ok(PamCode::Success),
            KeptWhat::Typed(_) | KeptWhat::Deferred => Err(PamCode::AuthtokErr),
        }
    }

    fn update(&self, user: &UserName, ready: &Ready) -> Result<PamCode, PamCode> {
        if self.arguments.use_authtok {
            return match self.host.token(Token::Password) {
                Some(new) if !new.is_empty() => {
                    let decision = self.changed(user, ready, &new);
                    Ok(self.finish_change(&decision, &new))
                }
                Some(_) | None => {
                    self.debug("no earlier module has asked for a new password");
                    Err(PamCode::AuthtokErr)
                }
            };
        }
        self.show_rules(ready);
        let mut left = self.arguments.retry;
        loop {
            left = left.saturating_sub(1);
            let (new, decision) = self.one_try(user, ready)?;
            if left == 0 || !mendable(decision.verdict) {
                return Ok(self.finish_change(&decision, &new));
            }
            self.finish(&decision);
        }
    }

    /// Asks for a new password twice and has it set; the typed value is given back.
    fn one_try(&self, user: &UserName, ready: &Ready) -> Result<(Secret, Decision), PamCode> {
        let new = self.new_password(Text::NEW_PASSWORD)?;
        if new.is_empty() {
            self.debug("no new password was typed");
            return Err(PamCode::AuthtokErr);
        }
        let again = self.new_password(Text::RETYPE)?;
        let decision = if new.expose() == again.expose() {
            self.changed(user, ready, &new)
        } else {
            self.own(Verdict::EntriesDiffer, &user.to_string())
        };
        Ok((new, decision))
    }

    fn new_password(&self, prompt: Text) -> Result<Secret, PamCode> {
        self.host
            .ask_hidden(&prompt.plain(self.host))
            .map_err(|NoAnswer| self.no_answer())
    }

    fn changed(&self, user: &UserName, ready: &Ready, new: &Secret) -> Decision {
        let request = Request::Change {
            user: user.clone(),
            old: ready.old.clone(),
            new: new.clone(),
            origin: self.origin(),
        };
        let decision = self.decide(user, &request);
        if decision.verdict.grants() && decision.verdict != Verdict::Success {
            // Somebody may be let in, and that is no answer: nothing says that it was changed.
            return self.own(Verdict::ChangeNotKnown, &user.to_string());
        }
        decision
    }

    fn finish_change(&self, decision: &Decision, new: &Secret) -> PamCode {
        let code = self.finish(decision);
        if code == PamCode::Success {
            // The modules that follow see the password that is in force now.
            self.host.set_token(Token::Password, new);
            if !self.silent() {
                self.host.inform(&Text::CHANGED.plain(self.host));
            }
        }
        code
    }

    fn show_rules(&self, ready: &Ready) {
        if self.silent() {
            return;
        }
        let rules = ready.rules.as_deref();
        if let Some(text) = rules.and_then(|rules| password_rules_in(self.host, rules)) {
            self.host.inform(&text);
        }
    }
}

/// Whether another new password could do better.
const fn mendable(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::EntriesDiffer
            | Verdict::PasswordTooShort
            | Verdict::PasswordTooLong
            | Verdict::PasswordHistConflict
            | Verdict::PasswordNotComplexEnough
            | Verdict::PasswordFilterError
            | Verdict::PasswordRestriction
            | Verdict::BadPassword
            | Verdict::IllFormedPassword
    )
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{
        Answer, EXPIRED, PRELIM, SILENT, Scripted, UPDATE, arguments, decision,
    };
    use super::*;
    use domlogon_protocol::Reply;

    const NEW: &str = "? New password: ";
    const AGAIN: &str = "? Retype new password: ";
    const RULES: &str = "I The new password needs at least 8 characters.";
    const CHANGED: &str = "I Password changed.";
    const SHORT: &str = "E The new password needs at least 8 characters.";

    fn pass(host: &Scripted, flags: i32, line: &str) -> PamCode {
        change(host, Flags(flags), arguments(line))
    }

    /// A host after a preliminary check that passed, with nothing seen or asked yet.
    fn ready() -> Scripted {
        let host = Scripted::new("alice")
            .known()
            .ready()
            .types(&["old"])
            .checks(Verdict::Success);
        assert_eq!(pass(&host, PRELIM, ""), PamCode::Success);
        host.done();
        host.seen();
        host.asked();
        host
    }

    fn update(host: &Scripted, flags: i32, line: &str) -> PamCode {
        let code = pass(host, UPDATE | flags, line);
        host.done();
        assert!(!host.has_kept(), "nothing may stay after the change");
        code
    }

    #[test]
    fn a_good_password_is_set_and_shared() {
        let host = ready().types(&["new", "new"]).decides(Verdict::Success);
        assert_eq!(update(&host, 0, ""), PamCode::Success);
        assert_eq!(host.seen(), [RULES, NEW, AGAIN, CHANGED]);
        assert_eq!(host.asked(), ["change alice old new"]);
        assert_eq!(host.password().as_deref(), Some("new"));
    }

    #[test]
    fn a_refused_password_is_asked_for_again_but_never_the_old_one() {
        let host = ready()
            .types(&["n1", "n1", "n2", "other", "n3", "n3"])
            .decides(Verdict::PasswordTooShort)
            .decides(Verdict::Success);
        assert_eq!(update(&host, 0, ""), PamCode::Success);
        assert_eq!(
            host.seen(),
            [
                RULES,
                NEW,
                AGAIN,
                SHORT,
                NEW,
                AGAIN,
                "E The two entries differ. Nothing was changed.",
                NEW,
                AGAIN,
                CHANGED
            ]
        );
        assert_eq!(host.asked(), ["change alice old n1", "change alice old n3"]);
    }

    #[test]
    fn after_as_many_tries_as_told_it_ends() {
        for (line, tries) in [("", 3), ("retry=1", 1), ("retry=5", 5)] {
            let mut host = ready();
            for _ in 0..tries {
                host = host
                    .types(&["new", "new"])
                    .decides(Verdict::PasswordTooShort);
            }
            assert_eq!(update(&host, 0, line), PamCode::AuthtokErr);
            assert_eq!(host.asked().len(), tries);
            let seen = host.seen();
            assert_eq!(seen.iter().filter(|s| *s == SHORT).count(), tries);
            assert_eq!(host.password(), None);
        }
        let host = ready().types(&["a", "b"]);
        assert_eq!(update(&host, 0, "retry=1"), PamCode::AuthtokErr);
        assert_eq!(host.seen().len(), 4);
    }

    #[test]
    fn every_verdict_ends_with_the_code_of_its_row() {
        for verdict in Verdict::ALL {
            let host = ready().types(&["new", "new"]).decides(verdict);
            let code = update(&host, 0, "retry=1");
            let changed = verdict == Verdict::Success;
            let row = match verdict.grants() && !changed {
                true => Verdict::ChangeNotKnown,
                false => verdict,
            };
            assert_eq!(code, row.pam_code(Hook::Update, "login"));
            assert_eq!(code == PamCode::Success, changed);
            assert_eq!(host.seen().contains(&CHANGED.to_owned()), changed);
            assert_eq!(host.password().is_some(), changed);
        }
    }

    #[test]
    fn what_another_password_cannot_mend_ends_at_once() {
        for verdict in Verdict::ALL.into_iter().filter(|v| !mendable(*v)) {
            let host = ready().types(&["new", "new"]).decides(verdict);
            let code = update(&host, 0, "");
            assert_eq!(code == PamCode::Success, verdict == Verdict::Success);
            assert_eq!(host.asked().len(), 1);
        }
    }

    #[test]
    fn an_empty_password_or_none_ends_the_change() {
        let host = ready().types(&[""]);
        assert_eq!(update(&host, 0, ""), PamCode::AuthtokErr);
        assert_eq!(host.seen(), [RULES, NEW]);
        let host = ready().fails_to_answer();
        assert_eq!(update(&host, 0, ""), PamCode::AuthtokErr);
        let host = ready().types(&["new"]).fails_to_answer();
        assert_eq!(update(&host, 0, ""), PamCode::AuthtokErr);
        assert!(host.asked().is_empty());
    }

    #[test]
    fn a_daemon_that_dies_between_the_passes_leaves_the_old_password() {
        let host = ready().types(&["new", "new"]).answer(Answer::IsAway);
        assert_eq!(update(&host, 0, ""), PamCode::AuthtokErr);
        assert_eq!(
            host.seen().last().unwrap(),
            "E The logon service on ws1 is not running. Your password is unchanged."
        );
        assert_eq!(host.password(), None);
    }

    #[test]
    fn where_the_daemon_took_no_question_the_password_is_unchanged() {
        let host = ready().types(&["new", "new"]).answer(Answer::IsFull);
        assert_eq!(update(&host, 0, ""), PamCode::AuthtokErr);
        assert!(host.seen().last().unwrap().contains("is unchanged"));
        assert_eq!(host.password(), None);
    }

    #[test]
    fn where_no_answer_came_nobody_says_that_the_password_is_unchanged() {
        let host = ready().types(&["new", "new"]).answer(Answer::IsSilent);
        assert_eq!(update(&host, 0, ""), PamCode::AuthtokErr);
        assert_eq!(
            host.seen().last().unwrap(),
            "E No answer came. Your password may have been changed: try the new one first."
        );
        assert_eq!(host.password(), None);
        // Another version has not understood the question.
        let host = ready().types(&["new", "new"]).answer(Answer::IsNewer);
        assert_eq!(update(&host, 0, ""), PamCode::AuthtokErr);
        assert!(host.seen().last().unwrap().contains("is unchanged"));
    }

    #[test]
    fn an_earlier_modules_new_password_gets_one_try() {
        let host = ready().with_password("new").decides(Verdict::Success);
        assert_eq!(update(&host, 0, "use_authtok"), PamCode::Success);
        assert_eq!(host.seen(), [CHANGED]);
        let host = ready()
            .with_password("new")
            .decides(Verdict::PasswordTooShort);
        assert_eq!(update(&host, 0, "use_authtok"), PamCode::AuthtokErr);
        assert_eq!(host.seen(), [SHORT]);
        let host = ready();
        assert_eq!(update(&host, 0, "use_authtok"), PamCode::AuthtokErr);
        let host = ready().with_password("");
        assert_eq!(update(&host, 0, "use_authtok"), PamCode::AuthtokErr);
        assert!(host.asked().is_empty());
    }

    #[test]
    fn a_reset_sends_no_old_password() {
        let host = Scripted::new("alice")
            .uid(0)
            .known()
            .checks(Verdict::Success);
        assert_eq!(pass(&host, PRELIM, ""), PamCode::Success);
        let host = host.types(&["new", "new"]).decides(Verdict::Success);
        assert_eq!(update(&host, 0, ""), PamCode::Success);
        assert_eq!(host.asked().last().unwrap(), "change alice - new");
    }

    #[test]
    fn what_is_not_expired_is_not_changed() {
        let host = Scripted::new("alice").decides(Verdict::Success);
        assert_eq!(pass(&host, PRELIM | EXPIRED, ""), PamCode::Success);
        assert_eq!(update(&host, EXPIRED, ""), PamCode::Success);
        assert!(host.seen().is_empty());
        assert_eq!(host.asked().len(), 1);
    }

    #[test]
    fn an_update_without_its_first_pass_makes_the_check_itself() {
        let host = Scripted::new("alice")
            .known()
            .ready()
            .types(&["old", "new", "new"])
            .checks(Verdict::Success)
            .decides(Verdict::Success);
        assert_eq!(update(&host, 0, ""), PamCode::Success);
        let host = Scripted::new("alice").answer(Answer::IsAway);
        assert_eq!(update(&host, 0, ""), PamCode::AuthtokErr);
        let host = Scripted::new("root");
        assert_eq!(update(&host, 0, ""), PamCode::UserUnknown);
    }

    #[test]
    fn another_users_check_does_not_count() {
        let host = ready();
        host.set_user(b"bob");
        let host = host.replies(Reply::User(None));
        assert_eq!(update(&host, 0, ""), PamCode::UserUnknown);
        assert_eq!(host.asked(), ["name bob"]);
    }

    #[test]
    fn silence_hides_messages_but_not_prompts() {
        for (flags, line) in [(SILENT, ""), (0, "quiet")] {
            let host = ready()
                .types(&["n1", "n1", "n2", "n2"])
                .decides(Verdict::PasswordHistConflict)
                .decides(Verdict::Success);
            assert_eq!(update(&host, flags, line), PamCode::Success);
            assert_eq!(host.seen(), [NEW, AGAIN, NEW, AGAIN]);
        }
    }

    #[test]
    fn broken_rules_are_told_in_one_message() {
        let mut refused = decision(Verdict::PasswordTooShort);
        refused.also = vec![Verdict::PasswordNotComplexEnough];
        let host = ready()
            .types(&["n", "n"])
            .replies(Reply::Decision(Box::new(refused)));
        assert_eq!(update(&host, 0, "retry=1"), PamCode::AuthtokErr);
        let seen = host.seen();
        assert_eq!(seen.len(), 4);
        assert!(seen[3].contains("8 characters") && seen[3].contains("capital letters"));
    }

    #[test]
    fn a_call_that_is_neither_pass_is_an_error() {
        assert_eq!(pass(&Scripted::new("alice"), 0, ""), PamCode::ServiceErr);
    }
}
