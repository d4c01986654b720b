//! The steps of an evaluation, each on its own.

use crate::service::is_beside_a_session;
use crate::{Account, Flags, Grant, PasswordEnd, Place, Proof, Token, hours};
use domlogon_protocol::{
    Decision, Fact, LogonType, Notice, Params, Policy, Rule, Timestamp, Verdict,
};

/// All that the checks look at.
pub(crate) struct Case<'a> {
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
    pub(crate) place: &'a Place<'a>,
    pub(crate) proof: Proof,
    pub(crate) now: Timestamp,
}

/// One step, looked at on its own.
pub(crate) struct Check {
    pub(crate) rule: Rule,
    pub(crate) fact: Fact,
    pub(crate) ruling: Ruling,
}

/// How a step ended.
pub(crate) enum Ruling {
    Pass,
    /// Does not apply to this way in.
    Skip,
    /// Would not pass, but for audit mode.
    Audit,
    /// Does not pass; the verdict may still lead into a change of the password.
    Refuse(Verdict),
}

impl Check {
    fn new(rule: Rule, fact: Fact, refusal: Option<Verdict>) -> Self {
        let ruling = refusal.map_or(Ruling::Pass, Ruling::Refuse);
        Self { rule, fact, ruling }
    }

    fn skipped(rule: Rule, fact: Fact) -> Self {
        Self {
            rule,
            fact,
            ruling: Ruling::Skip,
        }
    }
}

impl Case<'_> {
    pub(crate) fn name(&self) -> Check {
        let fact = Fact::Account {
            name: self.account.name.clone(),
            sid: self.account.sid.to_string(),
        };
        Check::new(Rule::Name, fact, None)
    }

    pub(crate) fn lockout(&self) -> Check {
        let (state, policy) = (&self.account.lockout, self.policy);
        let locked = self.account.is_locked(policy, self.now);
        let fact = Fact::Lockout {
            count: state.effective_count(policy, self.now),
            threshold: policy.lockout_threshold,
            since: state.since.filter(|_| locked),
            until: state.until(policy).filter(|_| locked),
        };
        // A lockout is a defence against guessing, not a revocation: jobs go on running.
        if locked && self.place.logon_type == LogonType::Batch && !self.by_password() {
            return Check::skipped(Rule::Lockout, fact);
        }
        Check::new(Rule::Lockout, fact, locked.then_some(Verdict::LockedOut))
    }

    pub(crate) fn password(&self) -> Check {
        let rule = Rule::Password;
        if !self.by_password() {
            return Check::skipped(rule, Fact::None);
        }
        if !self.account.has_password {
            return Check::new(rule, Fact::None, Some(Verdict::LogonFailure));
        }
        let at_the_console = match self.place.logon_type {
            LogonType::Interactive => !is_beside_a_session(self.place.service),
            // Behind a service that nobody mapped may be a network.
            LogonType::Unlock => self.place.rights.service(self.place.service).known,
            _ => false,
        };
        let blank_allowed = at_the_console && self.account.flags.contains(Flags::PASSWD_NOTREQD);
        if self.account.blank_password && !blank_allowed {
            return Check::new(rule, Fact::None, Some(Verdict::AccountRestriction));
        }
        match self.proof {
            Proof::Password => Check::new(rule, Fact::None, None),
            Proof::Other | Proof::None => Check::skipped(rule, Fact::None),
        }
    }

    pub(crate) fn disabled(&self) -> Check {
        let disabled = self.account.flags.contains(Flags::ACCOUNTDISABLE);
        let refusal = disabled.then_some(Verdict::Disabled);
        Check::new(Rule::Disabled, Fact::None, refusal)
    }

    pub(crate) fn account_expires(&self) -> Check {
        let end = self.account.expires;
        let over = end.is_some_and(|end| self.now > end);
        let refusal = over.then_some(Verdict::AccountExpired);
        Check::new(Rule::AccountExpires, Fact::Expires(end), refusal)
    }

    pub(crate) fn account_type(&self) -> Check {
        Check::new(Rule::AccountType, Fact::None, self.account.trust_verdict())
    }

    pub(crate) fn smart_card(&self) -> Check {
        // Everything that a person types a password into, but not what comes over the
        // network or runs by itself.
        let typed = matches!(
            self.place.logon_type,
            LogonType::Interactive
                | LogonType::Unlock
                | LogonType::RemoteInteractive
                | LogonType::Permit
        );
        let needed = self.account.flags.contains(Flags::SMARTCARD_REQUIRED);
        let refused = needed && typed && self.by_password();
        let refusal = refused.then_some(Verdict::SmartcardRequired);
        Check::new(Rule::SmartCard, Fact::None, refusal)
    }

    pub(crate) fn logon_hours(&self) -> Check {
        let inside = self
            .account
            .hours
            .is_none_or(|hours| hours::allowed(&hours, self.now));
        let next_allowed = match self.account.hours {
            Some(hours) if !inside => hours::next_allowed(&hours, self.now),
            _ => None,
        };
        let fact = Fact::Hours {
            hours: self.account.hours,
            next_allowed,
        };
        let refusal = (!inside).then_some(Verdict::InvalidLogonHours);
        Check::new(Rule::LogonHours, fact, refusal)
    }

    pub(crate) fn workstation(&self) -> Check {
        let (allowed, host) = (&self.account.workstations, self.place.host);
        let inside = allowed.is_empty() || allowed.iter().any(|entry| host.is_named(entry));
        let fact = Fact::Workstations {
            allowed: allowed.clone(),
            host: host.short.clone(),
        };
        let refusal = (!inside).then_some(Verdict::InvalidWorkstation);
        Check::new(Rule::Workstation, fact, refusal)
    }

    pub(crate) fn logon_right(&self, token: &Token) -> Check {
        let logon_type = self.place.logon_type;
        let (grant, fact) = self.place.rights.judge(token, logon_type);
        let ruling = match (grant, logon_type) {
            (_, LogonType::Permit) => Ruling::Skip,
            (_, LogonType::Deny) => Ruling::Refuse(Verdict::InvalidLogonType),
            (Grant::Granted, _) => Ruling::Pass,
            (Grant::Audited, _) => Ruling::Audit,
            (Grant::Refused, _) => Ruling::Refuse(Verdict::LogonTypeNotGranted),
        };
        Check {
            rule: Rule::LogonRight,
            fact: Fact::Right(Box::new(fact)),
            ruling,
        }
    }

    pub(crate) fn must_change(&self) -> Check {
        let demanded = self.account.password_end(self.policy) == PasswordEnd::Demanded;
        self.age_check(Rule::MustChange, demanded)
    }

    pub(crate) fn password_age(&self) -> Check {
        let over = matches!(
            self.account.password_end(self.policy),
            PasswordEnd::After(end) if end < self.now
        );
        self.age_check(Rule::PasswordAge, over)
    }

    /// What follows where the password must be changed before the next logon, in the step
    /// `rule` if that `applies`.
    fn age_check(&self, rule: Rule, applies: bool) -> Check {
        let fact = Fact::PasswordAge {
            set_at: self.account.password_set,
            must_change_at: match self.account.password_end(self.policy) {
                PasswordEnd::After(end) => Some(end),
                PasswordEnd::Never | PasswordEnd::Demanded => None,
            },
        };
        if !applies {
            return Check::new(rule, fact, None);
        }
        if self.overlooks_age() {
            return Check::skipped(rule, fact);
        }
        let demanded = rule == Rule::MustChange;
        let verdict = if self.account.flags.contains(Flags::PASSWD_CANT_CHANGE) {
            Verdict::ExpiredCantChange
        } else {
            match (demanded, self.place.can_change) {
                (true, true) => Verdict::MustChange,
                (true, false) => Verdict::MustChangeElsewhere,
                (false, true) => Verdict::PasswordExpired,
                (false, false) => Verdict::PasswordExpiredElsewhere,
            }
        };
        Check::new(rule, fact, Some(verdict))
    }

    /// Ways in that an old password does not close: a job uses no password, a person is
    /// not shut out of a session that is already running, and a step inside a session
    /// that has no dialogue (systemd-user, polkit) cannot lead into a change.
    fn overlooks_age(&self) -> bool {
        match self.place.logon_type {
            LogonType::Batch | LogonType::Unlock => true,
            LogonType::Permit => !self.place.can_change,
            LogonType::Interactive
            | LogonType::Network
            | LogonType::Service
            | LogonType::RemoteInteractive
            | LogonType::Deny => false,
        }
    }

    /// Whether a password is what this logon rests on. Jobs never use one, so `explain`
    /// judges them as they run.
    fn by_password(&self) -> bool {
        match self.proof {
            Proof::Password => true,
            Proof::Other => false,
            Proof::None => self.place.logon_type != LogonType::Batch,
        }
    }

    pub(crate) fn granted(&self) -> Decision {
        let mut decision = plain(
            Verdict::Success,
            Rule::AllPassed,
            &self.account.name,
            self.place,
        );
        decision.notices.extend(self.notice());
        decision
    }

    /// What somebody who comes in should know about his password. Told only where a
    /// person reads it and is able to act on it.
    fn notice(&self) -> Option<Notice> {
        let logon_type = self.place.logon_type;
        let unlocks = logon_type == LogonType::Unlock;
        let read = unlocks || (self.place.can_change && logon_type != LogonType::Permit);
        if !read || self.account.flags.contains(Flags::PASSWD_CANT_CHANGE) {
            return None;
        }
        match self.account.password_end(self.policy) {
            PasswordEnd::Never => None,
            PasswordEnd::Demanded => Some(Notice::ChangeBeforeNextLogon),
            PasswordEnd::After(end) if end < self.now => Some(Notice::ChangeBeforeNextLogon),
            PasswordEnd::After(end) => {
                let left = end.since(self.now);
                (left <= self.policy.warn).then_some(Notice::ExpiresIn(left))
            }
        }
    }

    /// The decision of a check that refused, with what its sentence needs.
    pub(crate) fn decision(&self, check: &Check) -> Option<Decision> {
        let Ruling::Refuse(verdict) = check.ruling else {
            return None;
        };
        let mut decision = plain(verdict, check.rule, &self.account.name, self.place);
        self.fill(&mut decision.params, &check.fact);
        Some(decision)
    }

    fn fill(&self, params: &mut Params, fact: &Fact) {
        match fact {
            Fact::Lockout { until, .. } => {
                params.locked_until = *until;
                params.minutes = until.map(|until| minutes(until.since(self.now)));
            }
            Fact::Expires(end) => params.until = *end,
            Fact::Hours { next_allowed, .. } => params.next_allowed = *next_allowed,
            Fact::PasswordAge { must_change_at, .. } => params.until = *must_change_at,
            Fact::None | Fact::Account { .. } | Fact::Workstations { .. } | Fact::Right(_) => {}
        }
    }
}

/// Whole minutes, rounded up, at least one.
fn minutes(seconds: i64) -> u32 {
    let minutes = seconds.max(1).saturating_add(59) / 60;
    u32::try_from(minutes).unwrap_or(u32::MAX)
}

/// A decision with no more than what every sentence may name.
pub(crate) fn plain(verdict: Verdict, rule: Rule, user: &str, place: &Place<'_>) -> Decision {
    let mut decision = Decision::new(verdict, rule);
    decision.params = place.params(user);
    decision
}
