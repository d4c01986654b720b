//! Changing a password, by kpasswd [RFC 3244].
//!
//! The directory decides. What it would refuse anyway is refused here first, with every
//! broken rule and its number; what it refuses beyond that is told in its terms, and its
//! own words are in the log.

mod new;
mod service;
#[cfg(test)]
mod tests;

use crate::attempt::{Attempt, Tried};
use crate::directory::{Directory, LOGON, LOOK_UP, Live};
use crate::logon::refusing;
use crate::servers::Server;
use crate::trouble::Trouble;
use domlogon_krb5::Credentials;
use domlogon_protocol::{Decision, Hook, Params, Rule, Secret, Timestamp, UserName, Verdict};
use domlogon_rules as rules;
use domlogon_rules::Place;
use domlogon_rules::backend::Outage;
use new::{refused_here, shown_rules};
use service::may_be_changed;
use std::time::Instant;

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
            self.noted(self.cache.unsave(&live.person.sid));
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
        let live = self.identified(found, begun, deadline);
        Ok(live.ok_or_else(|| Box::new(rules::decide_unknown(&user.to_string(), place))))
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
                self.noted(self.cache.unsave(&live.person.sid));
                self.after_logon(&live, new, *tgt, &passed(), place, now);
                Ok(())
            }
            Tried::Unvouched(_) | Tried::Proven { .. } | Tried::Refused(_) => Err(Trouble::Odd(
                "it does not take the new password that it has just set",
            )),
        }
    }
}

fn passed() -> Decision {
    Decision::new(Verdict::Success, Rule::AllPassed)
}
