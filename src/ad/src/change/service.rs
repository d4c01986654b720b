//! The password service: what it is asked, and what its refusals are called here.

use super::passed;
use crate::directory::{Directory, Live};
use crate::entry::Person;
use crate::journal::Level;
use crate::queries;
use crate::servers::Server;
use crate::transport::{KPASSWD, Wire};
use crate::trouble::Trouble;
pub(super) use domlogon_krb5::result::{ACCESS_DENIED, AUTH_ERROR, SOFT_ERROR};
use domlogon_krb5::{Changed, Credentials, Error as KerberosError, KpasswdPolicy};
use domlogon_protocol::{Decision, Policy, Rule, Secret, Verdict};
use domlogon_rules as rules;
use domlogon_rules::Place;
use std::time::Instant;

/// pwdProperties: three of five kinds of character.
const COMPLEX: u32 = 1;

impl Directory {
    /// Asks the password service for the change.
    ///
    /// # Errors
    /// [`Trouble::Changed`]: nobody knows whether it was made. After any other, it was not.
    pub(super) fn kpasswd(
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
                if self.is_unchanged(server, deadline, live, code) {
                    return Ok(refused_there(live, code, text.as_deref(), policy, place));
                }
                let why = Trouble::Odd("the refusal may be of a second request, after the change");
                Err(Trouble::Changed(Box::new(why)))
            }
            Err(error) if wire.has_sent() => {
                Err(Trouble::Changed(Box::new(Trouble::Kerberos(error))))
            }
            Err(KerberosError::Transport(error)) => Err(Trouble::NoPasswordService(error)),
            Err(error) => Err(Trouble::Kerberos(error)),
        }
    }
}

impl Directory {
    /// Whether a refusal means that the password is the one from before. It is sealed; but whoever
    /// stands between can give the same request to the controller twice, and hand on what it says of
    /// the second: that the new password was used before, say, or that the request is no request. So
    /// the directory is asked, and of a refusal that is not about the password nothing is known: the
    /// first request may be on its way yet.
    fn is_unchanged(&self, server: &Server, deadline: Instant, live: &Live, code: u16) -> bool {
        let now = (self.clock)();
        let facts = self.facts(server, deadline, now);
        let found = facts.and_then(|facts| {
            self.session.ldap(server, deadline, now, |connection| {
                queries::person_by_sid(connection, &facts, &live.person.sid)
            })
        });
        let of_password = |person: &Person| (person.pwd_last_set, person.key_version);
        matches!(code, AUTH_ERROR | SOFT_ERROR | ACCESS_DENIED)
            && matches!(found, Ok(Some(person)) if of_password(&person) == of_password(&live.person))
    }
}

/// Whether the password may be the new one after the password service was asked.
pub(super) fn may_be_changed(said: &Result<Decision, Trouble>) -> bool {
    match said {
        Ok(decision) => decision.verdict == Verdict::Success,
        Err(trouble) => matches!(trouble, Trouble::Changed(_)),
    }
}

/// What the directory's refusal is called. Samba says it in words, Windows by its policy in
/// numbers and without the reason.
pub(super) fn refused_there(
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
