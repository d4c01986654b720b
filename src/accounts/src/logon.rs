//! Comparing a password, and keeping count.
//!
//! A hash takes tens of milliseconds, so it is made outside every transaction. What it
//! showed is then settled in one: the account is read again, and if its password was
//! changed meanwhile the comparison is made again; if it was locked meanwhile, it is
//! locked. So of any number of guesses at once exactly as many are counted as the policy
//! allows, and after the lock the right password is refused like a wrong one.
//!
//! Every comparison ends with something written, be it only one more refusal that counts
//! for no account: a store that cannot be written answers no guess at all, as it could not
//! count it. And for a name that does not exist as much is read and written as for a wrong
//! password, so that the time does not tell the two apart.

use crate::database::Database;
use crate::domain::{self, note_refusal};
use crate::error::{Fault, Result};
use crate::hash::{Current, Trial, Verifier};
use crate::record::{self, Record};
use crate::store::Durability;
use domlogon_protocol::{Decision, Policy, Secret, Timestamp, UserName, Verdict};
use domlogon_rules as rules;
use domlogon_rules::{Account, Judgement, Place, Proof};
use rusqlite::Connection;

/// A name and a password that are put to the test.
pub(crate) struct Attempt<'a> {
    pub(crate) user: &'a UserName,
    pub(crate) password: &'a Secret,
    pub(crate) place: &'a Place<'a>,
    pub(crate) now: Timestamp,
    /// What a wrong password gets.
    pub(crate) wrong: fn(&Account, &Place<'_>) -> Decision,
}

/// An account whose password was right at the moment of the comparison.
pub(crate) struct Proven {
    pub(crate) record: Record,
    pub(crate) policy: Policy,
    pub(crate) current: Current,
}

/// An account as it is in the transaction that settles, still with the same password.
pub(crate) struct Settled<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) record: Record,
    pub(crate) account: Account,
    pub(crate) policy: Policy,
}

impl Database {
    pub(crate) fn judge_logon(
        &self,
        user: &UserName,
        password: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement> {
        let attempt = Attempt {
            user,
            password,
            place,
            now,
            wrong: rules::decide_wrong_password,
        };
        let renew = |proven: &Proven, trial: &mut Trial<'_>| {
            if self.hasher.is_outdated(&proven.current) {
                trial.verifier(&proven.record.salt()?).map(Some)
            } else {
                Ok(None)
            }
        };
        self.prove(&attempt, Durability::Soon, renew, |settled, renewed| {
            let Settled {
                connection,
                mut record,
                account,
                policy,
            } = settled;
            let token = self.token_of(connection, &record)?;
            let judgement = rules::judge(&account, &token, &policy, place, Proof::Password, now);
            if judgement.decision.verdict == Verdict::Success {
                record.lockout = record.lockout.after_good();
                record.last_logon = Some(now);
                if let Some(verifier) = renewed {
                    record.verifier = Some(verifier.as_str().to_owned());
                }
                record.store(connection)?;
            } else {
                note_refusal(connection)?;
            }
            Ok(judgement)
        })
        .map(|result| result.unwrap_or_else(Judgement::from))
    }

    /// Compares the password. If it is right, `prepare` does what takes long, and then
    /// `settle` what belongs into one transaction; both may be called again if the
    /// password is changed meanwhile. The inner error is the refusal.
    pub(crate) fn prove<P, T>(
        &self,
        attempt: &Attempt<'_>,
        durability: Durability,
        mut prepare: impl FnMut(&Proven, &mut Trial<'_>) -> Result<P>,
        mut settle: impl FnMut(Settled<'_>, P) -> Result<T>,
    ) -> Result<Result<T, Decision>> {
        /// Nobody changes a password this often while it is being compared.
        const ROUNDS: usize = 4;
        let deadline = self.hasher.deadline();
        for _ in 0..ROUNDS {
            let mut trial = self.hasher.trial_by(attempt.password, deadline);
            let proven = match self.compare(attempt, &mut trial)? {
                Compared::Right(proven) => proven,
                Compared::Refused(decision) => return Ok(Err(*decision)),
                Compared::Outrun => continue,
            };
            let prepared = prepare(&proven, &mut trial)?;
            let settled = self
                .store
                .write_by(trial.deadline(), durability, |connection| {
                    let settled = self.settled(connection, &proven.record)?;
                    settled.map(|settled| settle(settled, prepared)).transpose()
                })?;
            if let Some(value) = settled {
                return Ok(Ok(value));
            }
        }
        Err(Fault::Store(Verdict::Busy))
    }

    /// What a name gets that is not looked at any further, if it is one.
    pub(crate) fn not_ours(&self, user: &UserName, place: &Place<'_>) -> Option<Decision> {
        let mut decision = rules::decide_unknown(&user.to_string(), place);
        if !user.belongs_to(&self.domain.name, &self.domain.dns_name) {
            decision.verdict = Verdict::UserNotInResdom;
            return Some(decision);
        }
        // Everybody may read /etc/passwd: there is nothing to hide by doing work.
        self.is_local_user(user.account()).then_some(decision)
    }

    fn compare(&self, attempt: &Attempt<'_>, trial: &mut Trial<'_>) -> Result<Compared> {
        let place = attempt.place;
        if let Some(decision) = self.not_ours(attempt.user, place) {
            return Ok(Compared::refused(decision));
        }
        let found = self.store.read(|connection| {
            Ok(match self.find(connection, attempt.user)? {
                Some(record) => Ok((record, domain::policy(connection)?)),
                // Damage of another account is not this name's affair.
                None => Err(stand_in(connection).unwrap_or(None)),
            })
        })?;
        let (record, policy) = match found {
            Ok(found) => found,
            Err(stand_in) => {
                trial.spend()?;
                self.spend_on_decoys(trial, None)?;
                self.count_for_nobody(trial, stand_in)?;
                let name = attempt.user.to_string();
                return Ok(Compared::refused(rules::decide_unknown(&name, place)));
            }
        };
        let account = record.account(&self.domain);
        if let Some(decision) = rules::locked(&account, &policy, place, attempt.now) {
            return Ok(Compared::refused(decision));
        }
        let current = match record.current()? {
            Some(current) if trial.opens(&current)? => {
                return Ok(Compared::Right(Box::new(Proven {
                    record,
                    policy,
                    current,
                })));
            }
            Some(current) => Some(current),
            None => {
                trial.spend()?;
                None
            }
        };
        self.spend_on_decoys(trial, current.as_ref())?;
        self.count_wrong(attempt, trial, &record, &policy)
    }

    /// Counts a wrong password, if it is one that counts. It is on the disk before the
    /// answer is given.
    fn count_wrong(
        &self,
        attempt: &Attempt<'_>,
        trial: &mut Trial<'_>,
        record: &Record,
        policy: &Policy,
    ) -> Result<Compared> {
        let recent = self.recent(record, policy)?;
        // The same salt as the comparison's: no further hash, unless the cost was changed.
        let is_recent = trial.matches_any(&recent)?;
        let deadline = trial.deadline();
        self.store
            .write_by(deadline, Durability::Now, |connection| {
                let Some(settled) = self.settled(connection, record)? else {
                    return Ok(Compared::Outrun);
                };
                let Settled {
                    mut record,
                    account,
                    policy,
                    ..
                } = settled;
                if let Some(locked) = rules::locked(&account, &policy, attempt.place, attempt.now) {
                    return Ok(Compared::refused(locked));
                }
                let before = record.lockout;
                if !is_recent {
                    record.lockout = before.after_bad(&policy, attempt.now, account.exempt());
                }
                if record.lockout == before {
                    note_refusal(connection)?;
                } else {
                    record.store(connection)?;
                }
                Ok(Compared::refused((attempt.wrong)(&account, attempt.place)))
            })
    }

    /// As [`count_wrong`](Self::count_wrong), for a name of nobody's: what is read of another
    /// account is not looked at, and nothing is counted but a refusal.
    fn count_for_nobody(
        &self,
        trial: &Trial<'_>,
        stand_in: Option<(Record, Policy)>,
    ) -> Result<()> {
        if let Some((record, policy)) = &stand_in {
            let _ = self.recent(record, policy);
        }
        let deadline = trial.deadline();
        self.store
            .write_by(deadline, Durability::Now, |connection| {
                if let Some((record, _)) = &stand_in {
                    let _ = self.settled(connection, record);
                }
                note_refusal(connection)
            })
    }

    /// The passwords whose owner may still try them, without being counted.
    fn recent(&self, record: &Record, policy: &Policy) -> Result<Vec<Verifier>> {
        let entries = rules::n_minus_two_entries(policy);
        self.store
            .read(|connection| record::history(connection, record.rid, entries))
    }

    /// The account as it is now, unless its password is another than the one compared.
    fn settled<'a>(
        &self,
        connection: &'a Connection,
        compared: &Record,
    ) -> Result<Option<Settled<'a>>> {
        let Some(record) = Record::by_rid(connection, compared.rid)? else {
            return Ok(None);
        };
        if record.verifier != compared.verifier {
            return Ok(None);
        }
        Ok(Some(Settled {
            connection,
            account: record.account(&self.domain),
            policy: domain::policy(connection)?,
            record,
        }))
    }
}

/// The first account and its policy, read in the place of somebody who does not exist.
fn stand_in(connection: &Connection) -> Result<Option<(Record, Policy)>> {
    let Some(record) = Record::first(connection)? else {
        return Ok(None);
    };
    Ok(Some((record, domain::policy(connection)?)))
}

enum Compared {
    Right(Box<Proven>),
    Refused(Box<Decision>),
    /// The password was changed while it was compared.
    Outrun,
}

impl Compared {
    fn refused(decision: Decision) -> Self {
        Self::Refused(Box::new(decision))
    }
}
