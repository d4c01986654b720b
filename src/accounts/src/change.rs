//! Changing a password, with the old one or as an administrator.
//!
//! A change is one transaction that reads the account again and does all or nothing. A
//! refused change changes nothing of the account.

use crate::database::Database;
use crate::domain::{self, note_refusal};
use crate::error::Result;
use crate::foreign::Foreign;
use crate::hash::{Current, Trial, Verifier};
use crate::logon::{Attempt, Proven, Settled};
use crate::record::{self, Record};
use crate::store::Durability;
use domlogon_protocol::{Decision, Params, Policy, Rule, Secret, Timestamp, UserName, Verdict};
use domlogon_rules as rules;
use domlogon_rules::{Flags, Place};
use rusqlite::Connection;

/// The N−2 rule looks at two entries, whatever the policy says; one is in reserve for a
/// policy that is made stricter.
const FEWEST_KEPT: usize = 3;

/// A new password, hashed.
pub(crate) struct Replacement {
    verifier: Verifier,
    blank: bool,
}

impl Replacement {
    pub(crate) fn new(trial: &mut Trial<'_>, record: &Record, new: &Secret) -> Result<Self> {
        Ok(Self {
            verifier: trial.verifier(&record.salt()?)?,
            blank: new.is_empty(),
        })
    }

    /// Puts the new password in the place of the current one, and that into the history.
    pub(crate) fn apply(
        self,
        connection: &Connection,
        record: &mut Record,
        policy: &Policy,
        set: Option<Timestamp>,
    ) -> Result<()> {
        // A hash of another system cannot be compared with later ones for the cost of one.
        // Whoever knows the password that it stands for puts ours in its place before.
        let replaced = record.verifier.as_deref();
        if let Some(replaced) = replaced.filter(|text| !Foreign::is_one(text)) {
            let keep = rules::new_history_needed(policy).max(FEWEST_KEPT);
            record::push_history(connection, record.rid, replaced, keep)?;
        }
        // A demand that was made before there was a password holds for the first one, also if
        // somebody has said meanwhile that the account is disabled, or is not.
        let demanded = record.verifier.is_none() && record.password_set.is_none();
        record.verifier = Some(self.verifier.as_str().to_owned());
        record.blank = self.blank;
        record.password_set = set.filter(|_| !demanded);
        if record.awaiting {
            record.awaiting = false;
            record.flags = record.flags.without(Flags::ACCOUNTDISABLE);
        }
        record.store(connection)
    }
}

impl Database {
    /// Whether the user may change the password now, and the rules for the new one.
    pub(crate) fn judge_preliminary(
        &self,
        user: &UserName,
        old: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<(Decision, Option<Params>)> {
        let attempt = old_password(user, old, place, now);
        self.prove(
            &attempt,
            Durability::Soon,
            |_, _| Ok(()),
            |settled, ()| {
                note_refusal(settled.connection)?;
                let Settled {
                    account, policy, ..
                } = settled;
                Ok(match rules::judge_change(&account, &policy, place, now) {
                    Some(refusal) => (refusal, None),
                    None => (passed(), Some(rules::change_rules(&account, &policy))),
                })
            },
        )
        .map(|result| result.unwrap_or_else(|refusal| (refusal, None)))
    }

    /// The rules for a password that an administrator is about to set.
    pub(crate) fn preliminary_reset(
        &self,
        user: &UserName,
        place: &Place<'_>,
    ) -> Result<(Decision, Option<Params>)> {
        if let Some(decision) = self.not_ours(user, place) {
            return Ok((decision, None));
        }
        let Some((record, policy)) = self.find_with_policy(user)? else {
            return Ok((rules::decide_unknown(&user.to_string(), place), None));
        };
        let mut shown = rules::change_rules(&record.account(&self.domain), &policy);
        // A reset does not look at the history.
        shown.history = None;
        Ok((passed(), Some(shown)))
    }

    pub(crate) fn change_password(
        &self,
        user: &UserName,
        old: &Secret,
        new: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Decision> {
        let attempt = old_password(user, old, place, now);
        let prepare = |proven: &Proven, old: &mut Trial<'_>| {
            let salt = proven.record.salt()?;
            // The history then has the old password in a form that it can be compared in.
            let own = match &proven.current {
                Current::Own(_) => None,
                Current::Foreign(..) => Some(old.verifier(&salt)?),
            };
            let mut trial = old.with(new);
            let in_history = self.is_in_history(proven, &mut trial)?;
            let replacement = Replacement::new(&mut trial, &proven.record, new)?;
            Ok((in_history, own, replacement))
        };
        self.prove(
            &attempt,
            Durability::Now,
            prepare,
            |settled, (in_history, own, replacement)| {
                let Settled {
                    connection,
                    mut record,
                    account,
                    policy,
                } = settled;
                let refusal = rules::judge_change(&account, &policy, place, now).or_else(|| {
                    let broken = rules::judge_new(&account, &policy, new, in_history);
                    rules::decide_new(&account, &policy, place, &broken)
                });
                if let Some(refusal) = refusal {
                    note_refusal(connection)?;
                    return Ok(refusal);
                }
                if let Some(own) = own {
                    record.verifier = Some(own.as_str().to_owned());
                }
                replacement.apply(connection, &mut record, &policy, Some(now))?;
                Ok(passed())
            },
        )
        .map(|result| result.unwrap_or_else(|refusal| refusal))
    }

    /// Sets the password without the old one.
    pub(crate) fn reset_password(
        &self,
        user: &UserName,
        new: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Decision> {
        let unknown = || rules::decide_unknown(&user.to_string(), place);
        if let Some(decision) = self.not_ours(user, place) {
            return Ok(decision);
        }
        let Some((record, _)) = self.find_with_policy(user)? else {
            return Ok(unknown());
        };
        let replacement = Replacement::new(&mut self.hasher.trial(new), &record, new)?;
        self.store.write(Durability::Now, |connection| {
            let Some(mut record) = Record::by_rid(connection, record.rid)? else {
                return Ok(unknown());
            };
            let policy = domain::policy(connection)?;
            let account = record.account(&self.domain);
            let broken = rules::judge_reset(&account, &policy, new);
            if let Some(refusal) = rules::decide_new(&account, &policy, place, &broken) {
                return Ok(refusal);
            }
            replacement.apply(connection, &mut record, &policy, Some(now))?;
            Ok(passed())
        })
    }

    /// Whether the new password is the current one or one of the last ones, as far back
    /// as the policy goes.
    fn is_in_history(&self, proven: &Proven, trial: &mut Trial<'_>) -> Result<bool> {
        let Some(before_current) = rules::new_history_needed(&proven.policy).checked_sub(1) else {
            return Ok(false);
        };
        let entries = self
            .store
            .read(|connection| record::history(connection, proven.record.rid, before_current))?;
        // Both are looked at, whatever the first says: the time tells nothing.
        let is_current = trial.opens(&proven.current)?;
        Ok(trial.matches_any(&entries)? || is_current)
    }
}

fn old_password<'a>(
    user: &'a UserName,
    password: &'a Secret,
    place: &'a Place<'a>,
    now: Timestamp,
) -> Attempt<'a> {
    Attempt {
        user,
        password,
        place,
        now,
        wrong: rules::decide_wrong_old_password,
    }
}

fn passed() -> Decision {
    Decision::new(Verdict::Success, Rule::AllPassed)
}
