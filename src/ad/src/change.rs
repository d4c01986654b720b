//! Changing a password, by kpasswd [RFC 3244].
//!
//! The directory decides. What it would refuse anyway is refused here first, with every
//! broken rule and its number; what it refuses beyond that is told in its terms, and its
//! own words are in the log.

use crate::attempt::{Attempt, Tried};
use crate::directory::{Directory, LOGON, LOOK_UP, Live};
use crate::journal::Level;
use crate::logon::refusing;
use crate::servers::Server;
use crate::transport::{KPASSWD, Wire};
use crate::trouble::Trouble;
use domlogon_krb5::{Changed, Credentials, Error as KerberosError, KpasswdPolicy};
use domlogon_protocol::{
    Decision, Hook, Params, Policy, Rule, Secret, Timestamp, UserName, Verdict,
};
use domlogon_rules as rules;
use domlogon_rules::Place;
use domlogon_rules::backend::Outage;
use std::time::Instant;

/// Result codes [RFC 3244 2].
const AUTH_ERROR: u16 = 3;
const SOFT_ERROR: u16 = 4;
const ACCESS_DENIED: u16 = 5;

/// pwdProperties: three of five kinds of character.
const COMPLEX: u32 = 1;

/// The ticket for a change.
struct Ticket {
    credentials: Box<Credentials>,
    /// Whether a true controller has taken the old password for it.
    vouched: bool,
}

impl Directory {
    /// Whether the user may change the password now, and the rules for the new one.
    pub(crate) fn judge_preliminary(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<(Decision, Option<Params>), Outage> {
        if let Some(decision) = self.not_ours(user, place) {
            return Ok((decision, None));
        }
        let Some(old) = old else {
            return Ok((self.no_reset(user, place, now), None));
        };
        let judged = self.ask(LOGON, now, |server, deadline| {
            let found = self.find_changer(server, deadline, user, place, now)?;
            let live = match found {
                Ok(live) => live,
                Err(decision) => return Ok((*decision, None)),
            };
            match self.old_password(server, deadline, &live, old, place, now)? {
                Err(refusal) => Ok((*refusal, None)),
                Ok(_) => Ok((passed(), Some(shown_rules(&live)))),
            }
        });
        judged.map_err(|trouble| self.not_changed(user, trouble))
    }

    pub(crate) fn change_password(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        new: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Decision, Outage> {
        if let Some(decision) = self.not_ours(user, place) {
            return Ok(decision);
        }
        let Some(old) = old else {
            return Ok(self.no_reset(user, place, now));
        };
        let end = Instant::now() + LOGON;
        let changed = self.ask(LOGON, now, |server, deadline| {
            let found = self.find_changer(server, deadline, user, place, now)?;
            let live = match found {
                Ok(live) => live,
                Err(decision) => return Ok(*decision),
            };
            let ticket = match self.old_password(server, deadline, &live, old, place, now)? {
                Ok(ticket) => ticket,
                Err(refusal) => return Ok(*refusal),
            };
            if let Some(refusal) = refused_here(&live, old, new, place) {
                return Ok(refusal);
            }
            // No other controller is asked from here on, so there is no time to keep for one.
            let credentials = &ticket.credentials;
            let changed = self.kpasswd(server, end, &live, credentials, new, place);
            if may_be_changed(&changed) {
                self.changed(server, user, &live, ticket.vouched, now);
            }
            let decision = changed?;
            if decision.verdict == Verdict::Success {
                self.confirm(server, end, user, new, place, now)
                    .map_err(|trouble| Trouble::Changed(Box::new(trouble)))?;
            }
            Ok(decision)
        });
        changed.map_err(|trouble| self.not_changed(user, trouble))
    }

    /// The old password opens nothing any more, whatever happens next. Where nobody has shown to
    /// know it (`vouched`), anybody can have said that it was changed: there the directory decides,
    /// by when the password was set.
    fn changed(
        &self,
        server: &Server,
        user: &UserName,
        live: &Live,
        vouched: bool,
        now: Timestamp,
    ) {
        if vouched {
            let _ = self.cache.unsave(&live.person.sid);
        } else {
            // The cache learns it. A directory that is away says it at the next look-up.
            let _ = self.live(server, Instant::now() + LOOK_UP, user, now);
        }
    }

    fn not_changed(&self, user: &UserName, trouble: Trouble) -> Outage {
        let verdict = trouble.verdict_of_change();
        // For its line in the log.
        let _ = self.told(user, trouble);
        Outage(verdict)
    }

    /// root administers this host, and not the domain.
    fn no_reset(&self, user: &UserName, place: &Place<'_>, now: Timestamp) -> Decision {
        let known = self.ask(LOGON, now, |server, deadline| {
            self.live(server, deadline, user, now)
        });
        if matches!(known, Ok(None)) {
            return rules::decide_unknown(&user.to_string(), place);
        }
        Decision::new(Verdict::RootMayNotReset, Rule::Caller)
    }

    fn find_changer(
        &self,
        server: &Server,
        deadline: Instant,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Result<Live, Box<Decision>>, Trouble> {
        let begun = Instant::now();
        let found = self.live(server, deadline, user, now)?;
        let Some(live) = found.filter(|live| self.has_identity(live)) else {
            self.spend(begun, deadline);
            let unknown = rules::decide_unknown(&user.to_string(), place);
            return Ok(Err(Box::new(unknown)));
        };
        Ok(Ok(live))
    }

    /// Proves the old password, by a ticket for the change; or why there is no change.
    fn old_password(
        &self,
        server: &Server,
        deadline: Instant,
        live: &Live,
        old: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Result<Ticket, Box<Decision>>, Trouble> {
        let account = live.account();
        let wrong = || Box::new(rules::decide_wrong_old_password(&account, place));
        if old.is_empty() {
            return Ok(Err(wrong()));
        }
        let tried = Attempt::new(self, server, deadline, live, old)?.for_change()?;
        let judged = rules::judge_change(&account, &live.policy, place, now);
        let vouched = matches!(tried, Tried::Right(_));
        Ok(match tried {
            Tried::Right(credentials) | Tried::Unvouched(credentials) => match judged {
                Some(refusal) if vouched => Err(Box::new(refusal)),
                Some(refusal) => {
                    // It may be anybody who asks.
                    self.note_unvouched(server, live, refusal.verdict);
                    return Err(Trouble::Unvouched);
                }
                None => Ok(Ticket {
                    credentials,
                    vouched,
                }),
            },
            Tried::Proven { refusal, vouched } => Err(Box::new(match judged {
                Some(refusal) if vouched => refusal,
                _ => refusing(self.theirs(refusal, live, place), Hook::Update, place)?,
            })),
            Tried::Refused(refusal) => Err(match refusal.verdict {
                Verdict::LockedOut => Box::new(
                    rules::locked(&account, &live.policy, place, now)
                        .unwrap_or_else(|| self.theirs(refusal, live, place)),
                ),
                _ => wrong(),
            }),
        })
    }

    /// Asks the password service for the change.
    ///
    /// # Errors
    /// [`Trouble::Changed`]: nobody knows whether it was made. After any other, it was not.
    fn kpasswd(
        &self,
        server: &Server,
        deadline: Instant,
        live: &Live,
        ticket: &Credentials,
        new: &Secret,
        place: &Place<'_>,
    ) -> Result<Decision, Trouble> {
        let kerberos = self.session.kerberos()?;
        let mut wire = Wire::new(server.port(KPASSWD), deadline);
        let said = kerberos.change_password(ticket, new, &mut |request| wire.exchange(request));
        match said {
            Ok(Changed::Done) => Ok(passed()),
            Ok(Changed::Refused { code, text, policy }) => {
                self.journal.note(
                    Level::Notice,
                    &format!(
                        "{}: the new password was refused by {} (kpasswd result {code}): {}",
                        live.person.name,
                        server.name,
                        text.as_deref().unwrap_or("its policy, in numbers")
                    ),
                );
                Ok(refused_there(live, code, text.as_deref(), policy, place))
            }
            Err(error) if wire.has_sent() => {
                Err(Trouble::Changed(Box::new(Trouble::Kerberos(error))))
            }
            Err(KerberosError::Transport(error)) => Err(Trouble::NoPasswordService(error)),
            Err(error) => Err(Trouble::Kerberos(error)),
        }
    }

    /// Logs on with the new password. Whoever is let in after a change is let in by a
    /// controller that knows this host's key, as at any logon; and the tickets, and what
    /// offline logons are compared with, are the new password's.
    fn confirm(
        &self,
        server: &Server,
        deadline: Instant,
        user: &UserName,
        new: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let Some(live) = self.live(server, deadline, user, now)? else {
            return Err(Trouble::Odd("the account is gone after the change"));
        };
        match Attempt::new(self, server, deadline, &live, new)?.log_on()? {
            Tried::Right(tgt) => {
                let _ = self.cache.unsave(&live.person.sid);
                self.after_logon(&live, new, *tgt, &passed(), place, now);
                Ok(())
            }
            Tried::Unvouched(_) | Tried::Proven { .. } | Tried::Refused(_) => Err(Trouble::Odd(
                "it does not take the new password that it has just set",
            )),
        }
    }
}

/// Whether the password may be the new one after the password service was asked.
fn may_be_changed(said: &Result<Decision, Trouble>) -> bool {
    match said {
        Ok(decision) => decision.verdict == Verdict::Success,
        Err(trouble) => matches!(trouble, Trouble::Changed(_)),
    }
}

/// What a new password breaks that can be told without the directory.
fn refused_here(live: &Live, old: &Secret, new: &Secret, place: &Place<'_>) -> Option<Decision> {
    let account = live.account();
    if new.is_empty() {
        // The protocol carries none.
        let short = [Verdict::PasswordTooShort];
        return rules::decide_new(&account, &live.policy, place, &short);
    }
    if live.is_guess {
        // What is in force may be milder than what we know of. The directory knows.
        let broken = rules::judge_new(&account, &lax(&live.policy), new, false);
        return rules::decide_new(&account, &live.policy, place, &broken);
    }
    let is_current = live.policy.history > 0 && old.expose() == new.expose();
    let broken = rules::judge_new(&account, &live.policy, new, is_current);
    rules::decide_new(&account, &live.policy, place, &broken)
}

/// What the directory's refusal is called. Samba says it in words, Windows by its policy in
/// numbers and without the reason.
fn refused_there(
    live: &Live,
    code: u16,
    text: Option<&str>,
    policy: Option<KpasswdPolicy>,
    place: &Place<'_>,
) -> Decision {
    let account = live.account();
    let mut policy = policy.map_or_else(|| live.policy.clone(), |told| merged(&live.policy, told));
    if let (true, Some(number)) = (live.is_guess, text.and_then(number_in)) {
        // Samba names the number that was broken.
        match reason(text, &policy) {
            Verdict::PasswordTooShort => policy.min_length = number,
            Verdict::PasswordHistConflict => policy.history = number,
            _ => {}
        }
    }
    let verdict = match code {
        AUTH_ERROR => Verdict::InvalidPassword,
        ACCESS_DENIED => Verdict::PasswordCantChange,
        SOFT_ERROR => reason(text, &policy),
        _ => Verdict::DceErrorLogged,
    };
    let told = rules::decide_new(&account, &policy, place, &[verdict]);
    let mut decision = told.unwrap_or_else(|| Decision::new(verdict, Rule::Form));
    if verdict == Verdict::PasswordTooRecent {
        decision.rule = Rule::MinimumAge;
        decision.params.next_change = account
            .password_can_change(&policy)
            .filter(|_| !live.is_guess);
    }
    decision
}

/// The reason in Samba's words. Without any that is known: the rules are told, all of them.
fn reason(text: Option<&str>, policy: &Policy) -> Verdict {
    let Some(text) = text else {
        // Length and kinds of character were right by our own count: what is left.
        return if policy.history > 0 {
            Verdict::PasswordHistConflict
        } else {
            Verdict::PasswordRestriction
        };
    };
    let text = text.to_lowercase();
    let says = |word: &str| text.contains(word);
    if says("too short") {
        Verdict::PasswordTooShort
    } else if says("complexity") {
        Verdict::PasswordNotComplexEnough
    } else if says("history") || says("already") {
        Verdict::PasswordHistConflict
    } else if says("minimum password age") {
        Verdict::PasswordTooRecent
    } else {
        Verdict::PasswordRestriction
    }
}

/// The first number in a text.
fn number_in(text: &str) -> Option<u32> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.find_map(|digits| digits.parse().ok())
}

fn merged(policy: &Policy, told: KpasswdPolicy) -> Policy {
    Policy {
        min_length: told.min_length,
        history: told.history,
        complexity: told.properties & COMPLEX != 0,
        min_age: i64::try_from(told.min_age).unwrap_or(i64::MAX),
        ..policy.clone()
    }
}

/// The rules to show before the new password is asked for; none that may be untrue.
fn shown_rules(live: &Live) -> Params {
    if live.is_guess {
        return Params::default();
    }
    rules::change_rules(&live.account(), &live.policy)
}

/// Only what no directory takes: what is ill-formed, empty or too long for any.
fn lax(policy: &Policy) -> Policy {
    Policy {
        min_length: 1,
        history: 0,
        complexity: false,
        ..policy.clone()
    }
}

fn passed() -> Decision {
    Decision::new(Verdict::Success, Rule::AllPassed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Person;
    use domlogon_protocol::LogonType;
    use domlogon_rules::{Host, Rights};

    fn live(is_guess: bool) -> Live {
        Live {
            person: Person::example("alice", 1103),
            groups: Vec::new(),
            policy: Policy::default(),
            is_guess,
            refuses_change: false,
        }
    }

    fn refused(
        live: &Live,
        code: u16,
        text: Option<&str>,
        policy: Option<KpasswdPolicy>,
    ) -> Decision {
        let host = Host {
            short: "ws1".to_owned(),
            fqdn: "ws1.corp.example".to_owned(),
        };
        let rights = Rights::default();
        let place = Place {
            service: "passwd",
            logon_type: LogonType::Permit,
            can_change: true,
            host: &host,
            domain: "CORP",
            rights: &rights,
        };
        refused_there(live, code, text, policy, &place)
    }

    #[test]
    fn sambas_words_become_our_conditions() {
        for (text, verdict) in [
            (
                "Password too short, password must be at least 12 characters long.",
                Verdict::PasswordTooShort,
            ),
            (
                "Password does not meet complexity requirements",
                Verdict::PasswordNotComplexEnough,
            ),
            (
                "Password is already in password history. New password must not match any of \
                 your 24 previous passwords.",
                Verdict::PasswordHistConflict,
            ),
            (
                "Password change rejected, password changes may not be permitted on this \
                 account, or the minimum password age may not have elapsed.",
                Verdict::PasswordTooRecent,
            ),
            ("Nein.", Verdict::PasswordRestriction),
        ] {
            let decision = refused(&live(false), SOFT_ERROR, Some(text), None);
            assert_eq!(decision.verdict, verdict, "{text}");
            assert!(!decision.verdict.grants());
        }
    }

    #[test]
    fn the_number_that_was_broken_is_told_where_ours_is_a_guess() {
        let text = "Password too short, password must be at least 12 characters long.";
        let told = |live: &Live| {
            refused(live, SOFT_ERROR, Some(text), None)
                .params
                .min_length
        };
        assert_eq!(told(&live(true)), Some(12));
        assert_eq!(told(&live(false)), Some(8));
    }

    #[test]
    fn windows_numbers_take_the_place_of_ours() {
        let policy = KpasswdPolicy {
            min_length: 14,
            history: 3,
            properties: 1,
            max_age: 0,
            min_age: 86_400,
        };
        let decision = refused(&live(false), SOFT_ERROR, None, Some(policy));
        assert_eq!(decision.verdict, Verdict::PasswordHistConflict);
        assert_eq!(decision.params.history, Some(3));
        assert_eq!(decision.params.min_length, Some(14));
    }

    #[test]
    fn whatever_else_it_says_nothing_is_granted() {
        for code in 0..=u16::from(u8::MAX) {
            assert!(
                !refused(&live(false), code, None, None).verdict.grants(),
                "{code}"
            );
        }
        let verdict = |code| refused(&live(false), code, None, None).verdict;
        assert_eq!(verdict(ACCESS_DENIED), Verdict::PasswordCantChange);
        assert_eq!(verdict(AUTH_ERROR), Verdict::InvalidPassword);
        assert_eq!(verdict(2), Verdict::DceErrorLogged);
    }

    #[test]
    fn a_guess_shows_no_rules_and_refuses_nothing_that_might_pass() {
        assert_eq!(shown_rules(&live(true)), Params::default());
        assert_eq!(shown_rules(&live(false)).min_length, Some(8));
    }
}
