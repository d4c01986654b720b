//! An account, its domain and its host, put together as a backend does it.
use domlogon_protocol::{Decision, LogonType, Policy, Secret, Sid, Timestamp, Verdict};
use domlogon_rules::{
    Account, Flags, Host, Judgement, Place, Proof, Rights, Token, decide_new,
    decide_wrong_old_password, decide_wrong_password, judge, judge_change, judge_new, locked,
    n_minus_two_entries, new_history_needed, service,
};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const DAY: i64 = 86_400;

/// Monday 2025-11-24 12:00 UTC.
pub(crate) const NOON: Timestamp = Timestamp(1_763_985_600);

/// An account with a password set ten days ago, in a domain with the default policy.
pub(crate) struct Desk {
    pub(crate) account: Account,
    pub(crate) policy: Policy,
    pub(crate) host: Host,
    pub(crate) rights: Rights,
    pub(crate) now: Timestamp,
    /// The current password and those before it, newest first, in the clear.
    pub(crate) history: Vec<String>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let mut account = Account::new("alice", Sid::domain(1, 2, 3).with_rid(1000));
        account.has_password = true;
        account.password_set = Some(NOON.plus(-10 * DAY));
        Self {
            account,
            policy: Policy::default(),
            host: Host {
                short: "ws1".to_owned(),
                fqdn: "ws1.corp.example".to_owned(),
            },
            rights: Rights::everybody(),
            now: NOON,
            history: vec!["Right-0ne".to_owned()],
        }
    }

    pub(crate) fn flag(mut self, flag: Flags) -> Self {
        self.account.flags = self.account.flags.with(flag);
        self
    }

    pub(crate) fn must_change(mut self) -> Self {
        self.account.password_set = None;
        self
    }

    /// The password has been older than its greatest age for a day.
    pub(crate) fn expired(mut self) -> Self {
        self.account.password_set = Some(self.now.plus(-43 * DAY));
        self
    }

    pub(crate) fn locked(mut self) -> Self {
        self.account.lockout.count = self.policy.lockout_threshold;
        self.account.lockout.last_bad = Some(self.now.plus(-MINUTE));
        self.account.lockout.since = Some(self.now.plus(-MINUTE));
        self
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus(seconds);
    }

    pub(crate) fn place<'a>(&'a self, name: &'a str) -> Place<'a> {
        let class = service(name);
        Place {
            service: name,
            logon_type: class.logon_type,
            can_change: class.can_change,
            host: &self.host,
            domain: "CORP",
            rights: &self.rights,
        }
    }

    /// The account's token, without groups.
    pub(crate) fn token(&self) -> Token {
        Token::new(&self.account.name, self.account.sid.clone(), Vec::new())
    }

    pub(crate) fn judge_at(&self, place: &Place<'_>, proof: Proof) -> Judgement {
        let token = self.token();
        judge(&self.account, &token, &self.policy, place, proof, self.now)
    }

    pub(crate) fn judge(&self, service: &str, proof: Proof) -> Judgement {
        self.judge_at(&self.place(service), proof)
    }

    /// The verdict of a service with the right password.
    pub(crate) fn with_password(&self, service: &str) -> Verdict {
        self.judge(service, Proof::Password).decision.verdict
    }

    /// The verdict of a service with a proof that is no password.
    pub(crate) fn without_password(&self, service: &str) -> Verdict {
        self.judge(service, Proof::Other).decision.verdict
    }

    /// A logon with a password, and the account's state after it.
    pub(crate) fn logon(&mut self, service: &str, password: &str) -> Decision {
        let place = self.place(service);
        if let Some(decision) = locked(&self.account, &self.policy, &place, self.now) {
            return decision;
        }
        if self.history.first().map(String::as_str) != Some(password) {
            let decision = decide_wrong_password(&self.account, &place);
            self.count_wrong(password);
            return decision;
        }
        let decision = self.judge(service, Proof::Password).decision;
        if decision.verdict == Verdict::Success {
            self.account.lockout = self.account.lockout.after_good();
        }
        decision
    }

    /// A change by the user, and the account's state after it.
    pub(crate) fn change(&mut self, old: &str, new: &str) -> Decision {
        let place = self.place("passwd");
        if let Some(decision) = locked(&self.account, &self.policy, &place, self.now) {
            return decision;
        }
        if self.history.first().map(String::as_str) != Some(old) {
            let decision = decide_wrong_old_password(&self.account, &place);
            self.count_wrong(old);
            return decision;
        }
        if let Some(decision) = judge_change(&self.account, &self.policy, &place, self.now) {
            return decision;
        }
        let kept = self.history.iter().take(new_history_needed(&self.policy));
        let in_history = kept.into_iter().any(|entry| entry == new);
        let secret = Secret::new(new.as_bytes());
        let broken = judge_new(&self.account, &self.policy, &secret, in_history);
        if let Some(decision) = decide_new(&self.account, &self.policy, &place, &broken) {
            return decision;
        }
        self.set(new);
        Decision::local(Verdict::Success)
    }

    pub(crate) fn set(&mut self, new: &str) {
        self.history.insert(0, new.to_owned());
        self.account.password_set = Some(self.now);
    }

    fn count_wrong(&mut self, password: &str) {
        let forgiven = self
            .history
            .iter()
            .skip(1)
            .take(n_minus_two_entries(&self.policy))
            .any(|entry| entry == password);
        if !forgiven {
            let exempt = self.account.exempt();
            self.account.lockout = self
                .account
                .lockout
                .after_bad(&self.policy, self.now, exempt);
        }
    }
}

/// A place of any logon type.
pub(crate) fn place_of<'a>(
    host: &'a Host,
    rights: &'a Rights,
    logon_type: LogonType,
    can_change: bool,
) -> Place<'a> {
    Place {
        service: "any",
        logon_type,
        can_change,
        host,
        domain: "CORP",
        rights,
    }
}
