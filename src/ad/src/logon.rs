//! A logon: one attempt at a controller, and everything that the attempt does not check.

use crate::attempt::{Attempt, Tried};
use crate::cache::Saved;
use crate::directory::{Directory, LOGON, Live};
use crate::entry::Person;
use crate::journal::Level;
use crate::offline::{self, Turn};
use crate::servers::Server;
use crate::status::Refusal;
use crate::trouble::Trouble;
use domlogon_krb5::Credentials;
use domlogon_protocol::{
    Decision, Hook, Outcome, PamCode, Rule, Secret, Timestamp, UserName, Verdict,
};
use domlogon_rules as rules;
use domlogon_rules::backend::Outage;
use domlogon_rules::{Flags, Judgement, Place, Proof};
use std::io::ErrorKind;
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

impl Directory {
    pub(crate) fn judge_logon(
        &self,
        user: &UserName,
        password: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        if let Some(decision) = self.not_ours(user, place) {
            return Ok(decision.into());
        }
        let online = self.ask(LOGON, now, |server, deadline| {
            self.logon_at(server, deadline, user, password, place, now)
        });
        match online {
            Ok(judgement) => Ok(judgement),
            Err(trouble) if trouble.opens_offline() => {
                self.logon_offline(user, password, place, now, &trouble)
            }
            Err(trouble) => Err(self.told(user, trouble)),
        }
    }

    /// The outage that a trouble is, with its own words in the log: those about the domain as
    /// a whole are there already.
    pub(crate) fn told(&self, user: &UserName, trouble: Trouble) -> Outage {
        if !trouble.is_silence() {
            let line = format!("{user} could not be judged: {trouble}");
            self.journal.note(Level::Warning, &line);
        }
        trouble.into()
    }

    /// What a name gets that is not looked at any further, if it is one.
    pub(crate) fn not_ours(&self, user: &UserName, place: &Place<'_>) -> Option<Decision> {
        let mut decision = rules::decide_unknown(&user.to_string(), place);
        if !self.settings.owns(user) {
            decision.verdict = Verdict::UserNotInResdom;
            return Some(decision);
        }
        // Everybody may read /etc/passwd: there is nothing to hide by doing work.
        (!self.is_visible_user(user.account())).then_some(decision)
    }

    fn logon_at(
        &self,
        server: &Server,
        deadline: Instant,
        user: &UserName,
        password: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Trouble> {
        let begun = Instant::now();
        let found = self.live(server, deadline, user, now)?;
        let time = (begun, deadline);
        let live = match self.to_be_tried(found, time, user, password, place) {
            Ok(live) => live,
            Err(decision) => return Ok((*decision).into()),
        };
        let tried = Attempt::new(self, server, deadline, &live, password)?.log_on()?;
        let judgement = match &tried {
            Tried::Right(_) => self.judge(&live, place, Proof::Password, now),
            Tried::Unvouched(_) => return Err(Trouble::Unvouched),
            Tried::Proven {
                refusal,
                vouched: true,
            } => self.judge_proven(&live, *refusal, place, now)?,
            Tried::Proven {
                refusal,
                vouched: false,
            } => {
                let judgement = self.judge_unvouched(server, &live, *refusal, place, now)?;
                self.unless_locked(server, &live, judgement, (user, password), place, now)?
            }
            Tried::Refused(refusal) => {
                self.refused_after(begun.elapsed());
                self.judge_refused(server, deadline, user, &live, *refusal, place, now)?
            }
        };
        if let Tried::Right(tgt) = tried {
            self.after_logon(&live, password, *tgt, &judgement.decision, place, now);
        }
        Ok(judgement)
    }

    /// The user whose password a controller is to be asked about; or what is decided without
    /// that, in the time that asking takes.
    fn to_be_tried(
        &self,
        found: Option<Live>,
        (begun, deadline): (Instant, Instant),
        user: &UserName,
        password: &Secret,
        place: &Place<'_>,
    ) -> Result<Live, Box<Decision>> {
        let Some(live) = self.identified(found, begun, deadline) else {
            return Err(Box::new(rules::decide_unknown(&user.to_string(), place)));
        };
        if password.is_empty() {
            // Windows takes an empty password for no logon at all, and says yes to that.
            self.spend(begun, deadline);
            let wrong = rules::decide_wrong_password(&live.account(), place);
            return Err(Box::new(wrong));
        }
        Ok(live)
    }

    pub(crate) fn judge(
        &self,
        live: &Live,
        place: &Place<'_>,
        proof: Proof,
        now: Timestamp,
    ) -> Judgement {
        let account = live.account();
        let token = self.token(live);
        rules::judge(&account, &token, &live.policy, place, proof, now)
    }

    /// The password was right, and the controller refuses. Our own order decides which of
    /// the reasons is told; where we find none that refuses here and now, the controller's
    /// stands. The age of the password is none, but where that is the controller's as well: only
    /// then has it said whose password it was.
    fn judge_proven(
        &self,
        live: &Live,
        refusal: Refusal,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Trouble> {
        let mut judgement = self.judge(live, place, Proof::Password, now);
        let verdict = judgement.decision.verdict;
        let both_say_age =
            refusal.is_about_age() && (verdict != Verdict::Success || overlooks_age(&judgement));
        let lets_in = verdict.grants() && !both_say_age;
        if lets_in {
            let theirs = self.theirs(refusal, live, place);
            judgement.decision = refusing(theirs, Hook::Authenticate, place)?;
        }
        Ok(judgement)
    }

    /// The same, said by a controller that has not shown to be a true one: it may be anybody, and
    /// so may be whoever types. He is told what was said, and nothing that the directory says of
    /// the account; where account management would tell that later, no more than by a wrong
    /// password.
    ///
    /// An old password alone leads in, by way of a change, whose end shows the controller by the
    /// new password; and at a locked screen as far as it is the saved one. What may be a locked
    /// screen under the name of a logon is left to [`Self::unless_locked`].
    fn judge_unvouched(
        &self,
        server: &Server,
        live: &Live,
        refusal: Refusal,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Trouble> {
        if refusal.is_about_age() {
            let judgement = self.judge(live, place, Proof::Password, now);
            match judgement.decision.verdict {
                Verdict::MustChange | Verdict::PasswordExpired => return Ok(judgement),
                Verdict::Success if overlooks_age(&judgement) => return Err(Trouble::Unvouched),
                _ => {}
            }
        }
        let theirs = self.theirs(refusal, live, place);
        if let Ok(theirs) = refusing(theirs, Hook::Authenticate, place) {
            return Ok(theirs.into());
        }
        self.note_unvouched(server, live, refusal.verdict);
        Ok(rules::decide_wrong_password(&live.account(), place).into())
    }

    /// Where whoever is led to the change by such a word may be at a locked screen, which would
    /// open without the change, only the saved password leads there.
    fn unless_locked(
        &self,
        server: &Server,
        live: &Live,
        judgement: Judgement,
        (user, password): (&UserName, &Secret),
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Trouble> {
        let verdict = judgement.decision.verdict;
        let led = matches!(verdict, Verdict::MustChange | Verdict::PasswordExpired);
        if !led || !rules::may_be_a_locked_screen(place.service) || !self.may_have_a_session(live) {
            return Ok(judgement);
        }
        let saved = self.logon_offline(user, password, place, now, &Trouble::Unvouched);
        match saved {
            Ok(saved) if saved.decision.verdict.grants() => Ok(judgement),
            saved => {
                self.note_unvouched(server, live, verdict);
                saved.map_err(|_| Trouble::Unvouched)
            }
        }
    }

    /// Whether somebody has a session on this host. Without logind nobody knows.
    ///
    /// logind keeps a file of who lingers, too, and of who has logged off while something of his
    /// still runs. Among `SESSIONS` is then that of his manager, from systemd 256 on; the session
    /// that `DISPLAY` names never is. What the file does not say so plainly is a session.
    fn may_have_a_session(&self, live: &Live) -> bool {
        let Some(user) = self.user(&live.person) else {
            return true;
        };
        match std::fs::read_to_string(self.sessions.join(user.uid.to_string())) {
            Ok(text) => {
                let value = |key| text.lines().find_map(|line| line.strip_prefix(key));
                let is_off = matches!(value("STATE="), Some("lingering" | "closing"));
                !is_off || value("DISPLAY=").is_some_and(|session| !session.is_empty())
            }
            Err(error) => error.kind() != ErrorKind::NotFound || !self.sessions.is_dir(),
        }
    }

    /// Says in the log what whoever typed is not told.
    pub(crate) fn note_unvouched(&self, server: &Server, live: &Live, verdict: Verdict) {
        let line = format!(
            "{}: {} has no FAST to show itself by, so that it is not told: {}",
            live.person.name,
            server.name,
            verdict.row().symbol
        );
        self.journal.note(Level::Notice, &line);
    }

    /// The controller refuses, and nothing shows that the password was right: only a
    /// lockout is told.
    #[expect(clippy::too_many_arguments, reason = "all of them are one logon")]
    fn judge_refused(
        &self,
        server: &Server,
        deadline: Instant,
        user: &UserName,
        live: &Live,
        refusal: Refusal,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Trouble> {
        let account = live.account();
        Ok(match refusal.verdict {
            Verdict::LogonFailure => {
                if account.flags.contains(Flags::SMARTCARD_REQUIRED) {
                    let line = format!(
                        "{}: the account must log on with a smart card, and {} takes no password \
                         for it",
                        account.name, server.name
                    );
                    self.journal.note(Level::Notice, &line);
                }
                rules::decide_wrong_password(&account, place).into()
            }
            Verdict::UserNotFound => rules::decide_unknown(&user.to_string(), place).into(),
            Verdict::Unmapped => self.theirs(refusal, live, place).into(),
            Verdict::LockedOut => {
                // What we read before may be older than the lock.
                let fresh = self.live(server, deadline, user, now)?;
                let live = fresh.as_ref().unwrap_or(live);
                rules::locked(&live.account(), &live.policy, place, now)
                    .unwrap_or_else(|| self.theirs(refusal, live, place))
                    .into()
            }
            _ => {
                self.journal.note(
                    Level::Notice,
                    &format!(
                        "{} refused {} before it looked at the password: {}",
                        server.name,
                        live.person.name,
                        refusal.verdict.row().symbol
                    ),
                );
                rules::decide_wrong_password(&account, place).into()
            }
        })
    }

    /// A decision that the controller made, in our terms.
    pub(crate) fn theirs(&self, refusal: Refusal, live: &Live, place: &Place<'_>) -> Decision {
        let verdict = refusal.verdict_at(place);
        let mut decision = Decision::new(verdict, refusal.rule());
        decision.params.user.clone_from(&live.person.name);
        if verdict == Verdict::Unmapped {
            self.journal.note(
                Level::Warning,
                &format!(
                    "{}: a controller refused for a reason that is not known here (Kerberos error {}, NTSTATUS {:#010X})",
                    live.person.name, refusal.kerberos, refusal.ntstatus.unwrap_or(0)
                ),
            );
        }
        decision
    }

    /// Whether the account has ids on this host. One without cannot own a file or a process.
    pub(crate) fn has_identity(&self, live: &Live) -> bool {
        self.user(&live.person).is_some()
    }

    /// The user whom the directory has, with ids on this host. A name that nobody has takes as
    /// long as a wrong password.
    pub(crate) fn identified(
        &self,
        found: Option<Live>,
        begun: Instant,
        deadline: Instant,
    ) -> Option<Live> {
        let live = found.filter(|live| self.has_identity(live));
        if live.is_none() {
            self.spend(begun, deadline);
        }
        live
    }

    /// Waits until a wrong password would have been answered.
    fn spend(&self, begun: Instant, deadline: Instant) {
        let usual = self
            .refusal
            .load(std::sync::atomic::Ordering::Relaxed)
            .max(20);
        let until = begun + Duration::from_millis(usual);
        let left = until
            .min(deadline)
            .saturating_duration_since(Instant::now());
        thread::sleep(left);
    }

    /// What a good logon leaves behind: tickets to be fetched, and what the next logon
    /// without a controller is compared with.
    pub(crate) fn after_logon(
        &self,
        live: &Live,
        password: &Secret,
        tgt: Credentials,
        decision: &Decision,
        place: &Place<'_>,
        now: Timestamp,
    ) {
        if !decision.verdict.grants() {
            return;
        }
        if self.settings.tickets.is_some() {
            self.pending
                .keep(&live.person, place.service, tgt.to_bytes(), now);
        }
        if self.settings.offline.age > 0 && decision.verdict == Verdict::Success {
            self.saver.save(&live.person, password, now);
        }
    }

    /// No controller answers.
    fn logon_offline(
        &self,
        user: &UserName,
        password: &Secret,
        place: &Place<'_>,
        now: Timestamp,
        trouble: &Trouble,
    ) -> Result<Judgement, Outage> {
        let outage = Outage(trouble.verdict());
        let Some((_, live)) = self.remembered(user).filter(|(_, l)| self.has_identity(l)) else {
            return Err(outage);
        };
        let sid = &live.person.sid;
        // One at a time from the look to the count: guesses that come together would all be
        // compared by the count that they found.
        let _turn = self.offline.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(Some(saved)) = self.cache.saved(sid) else {
            return Err(outage);
        };
        if is_replaced(&saved, &live.person) {
            return Err(outage);
        }
        let account = live.account();
        // A lockout that the directory had told of holds as long as it would there.
        if let Some(decision) = rules::locked(&account, &live.policy, place, now) {
            return Ok(decision.into());
        }
        let wrong = match offline::turn(&saved, self.settings.offline, now) {
            Turn::TooOld => return Err(outage),
            Turn::Locked(until) => {
                let mut decision = Decision::new(Verdict::LockedOut, Rule::Lockout);
                decision.params.user.clone_from(&account.name);
                decision.params.locked_until = until;
                decision.params.minutes =
                    until.and_then(|until| u32::try_from(until.since(now).max(1) / 60 + 1).ok());
                return Ok(decision.into());
            }
            Turn::Free(wrong) => wrong,
        };
        // Before the look: what cannot be counted is not compared, or where nothing can be written
        // the right one would be told from all others, however many there are.
        let count = |lockout| {
            let counted = self.noted(self.cache.count(sid, &saved, lockout));
            counted.ok_or(outage)
        };
        count(wrong)?;
        if !offline::opens(&saved.verifier, password) {
            return Ok(rules::decide_wrong_password(&account, place).into());
        }
        let judgement = self.judge(&live, place, Proof::Password, now);
        if judgement.decision.verdict.grants() {
            count(domlogon_rules::Lockout::default())?;
        } else {
            count(saved.lockout)?;
        }
        Ok(offline::softened(judgement))
    }

    /// Judges somebody who was identified in another way, or by the password earlier.
    pub(crate) fn judge_account(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        if let Some(decision) = self.not_ours(user, place) {
            return Ok(decision.into());
        }
        let found = self.ask(LOGON, now, |server, deadline| {
            self.live(server, deadline, user, now)
        });
        match found {
            Ok(found) => Ok(match found.filter(|live| self.has_identity(live)) {
                Some(live) => self.judge(&live, place, Proof::Other, now),
                None => rules::decide_unknown(&user.to_string(), place).into(),
            }),
            Err(trouble) if !trouble.is_silence() => Err(self.told(user, trouble)),
            Err(trouble) => {
                let remembered = self.remembered(user);
                let Some((_, live)) = remembered.filter(|(_, live)| self.has_identity(live)) else {
                    return Err(trouble.into());
                };
                Ok(offline::softened(self.judge(
                    &live,
                    place,
                    Proof::Other,
                    now,
                )))
            }
        }
    }
}

/// Whether the age of the password is all that stands against a logon, and does not where it is.
fn overlooks_age(judgement: &Judgement) -> bool {
    judgement.steps.iter().any(|step| {
        matches!(step.rule, Rule::MustChange | Rule::PasswordAge)
            && step.outcome == Outcome::Skipped
    })
}

/// A refusal that only the controller has a reason for. It has to refuse in this hook: what comes
/// next, be it account management or the change of the password, asks the directory again, finds
/// nothing, and lets in. So would whoever answers in the controller's place, without a password.
pub(crate) fn refusing(
    decision: Decision,
    hook: Hook,
    place: &Place<'_>,
) -> Result<Decision, Trouble> {
    match decision.verdict.pam_code(hook, place.service) {
        PamCode::Success => Err(Trouble::Odd(
            "it refuses somebody for a reason that is not in its directory",
        )),
        _ => Ok(decision),
    }
}

/// Whether the directory has told of another password since this one was saved. A demand for a
/// new one (0) does not say when the one that there is was set: it may have been an administrator
/// who set one for a single use. There it has to be the same by its number, as far as that is told.
/// None is demanded where the password never expires: the 0 that was saved with it says no more.
fn is_replaced(saved: &Saved, told: &Person) -> bool {
    let is_known = saved.key_version.is_some() && told.key_version.is_some();
    let is_same = saved.key_version == told.key_version;
    let never_expires =
        Flags::from_bits(told.user_account_control).contains(Flags::DONT_EXPIRE_PASSWD);
    if never_expires && told.pwd_last_set == 0 && saved.password_set == 0 {
        return is_known && !is_same;
    }
    if told.pwd_last_set > 0 {
        saved.password_set != told.pwd_last_set || (is_known && !is_same)
    } else {
        !(is_known && is_same)
    }
}

#[cfg(test)]
pub(crate) mod tests;
