//! Logons and password changes: each gets one decision, one reference and one line of
//! the log.

use super::{Caller, Desk, Door, InForce};
use crate::log::Level;
use crate::pace::Turn;
use crate::record::Record;
use domlogon_protocol::{
    Decision, Origin, Params, Reference, Reply, Rule, Secret, Timestamp, UserName, Verdict,
};
use domlogon_rules::Place;
use domlogon_rules::backend::{Backend, Outage};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

/// Most characters of a service's name that are looked at. Every real one is shorter.
const SERVICE: usize = 64;

/// What was asked, for the log.
#[derive(Clone, Copy)]
struct Asked<'a> {
    event: &'static str,
    caller: Caller,
    user: &'a UserName,
    origin: &'a Origin,
}

impl Desk {
    pub(super) fn logon(
        &self,
        caller: Caller,
        user: &UserName,
        password: &Secret,
        origin: &Origin,
    ) -> Reply {
        let asked = Asked::new("logon", caller, user, origin);
        let (decision, ()) = self.decide(asked, |backend, place, now| {
            Ok((backend.logon(user, password, place, now)?, ()))
        });
        Reply::Decision(Box::new(decision))
    }

    pub(super) fn account(&self, caller: Caller, user: &UserName, origin: &Origin) -> Reply {
        let asked = Asked::new("account", caller, user, origin);
        let (decision, ()) = self.decide(asked, |backend, place, now| {
            Ok((backend.account(user, place, now)?, ()))
        });
        Reply::Decision(Box::new(decision))
    }

    pub(super) fn preliminary(
        &self,
        caller: Caller,
        user: &UserName,
        old: Option<&Secret>,
        origin: &Origin,
    ) -> Reply {
        let event = match old {
            Some(_) => "preliminary",
            None => "preliminary reset",
        };
        let asked = Asked::new(event, caller, user, origin);
        let ask = |backend: &dyn Backend, place: &Place<'_>, now| {
            backend.preliminary(user, old, place, now)
        };
        let (decision, rules): (_, Option<Params>) = match old {
            Some(_) => self.decide(asked, ask),
            None => self.decide_reset(asked, ask),
        };
        Reply::Preliminary {
            rules: rules.filter(|_| decision.verdict.grants()).map(Box::new),
            decision: Box::new(decision),
        }
    }

    pub(super) fn change(
        &self,
        caller: Caller,
        user: &UserName,
        old: Option<&Secret>,
        new: &Secret,
        origin: &Origin,
    ) -> Reply {
        let ask = |backend: &dyn Backend, place: &Place<'_>, now| {
            Ok((backend.change(user, old, new, place, now)?, ()))
        };
        let (decision, ()) = match old {
            Some(_) => self.decide(Asked::new("change", caller, user, origin), ask),
            None => self.decide_reset(Asked::new("reset", caller, user, origin), ask),
        };
        Reply::Decision(Box::new(decision))
    }

    pub(super) fn explain(
        &self,
        door: Door,
        caller: Caller,
        user: &UserName,
        service: &str,
        at: Option<Timestamp>,
    ) -> Reply {
        if !is_well_formed(user) {
            return Reply::Refused(Verdict::BadUsername);
        }
        let now = self.in_force();
        let explained = self.may_explain(door, caller, user).and_then(|may| {
            if !may {
                return Ok(Err(Verdict::AccessDenied));
            }
            if !user.belongs_to(&now.config.name, &now.config.dns_name) {
                return Ok(Err(Verdict::UserNotInResdom));
            }
            let place = Self::place(shortened(service), &now);
            let at = at.unwrap_or_else(super::clock);
            let found = self.backend.explain(user, &place, at)?;
            Ok(found.ok_or(Verdict::UserNotFound))
        });
        match explained {
            Ok(Ok(mut explanation)) => {
                let place = Self::place(shortened(service), &now);
                fill(&mut explanation.with_password.params, user, &place);
                fill(&mut explanation.without_password.params, user, &place);
                Reply::Explanation(Box::new(explanation))
            }
            Ok(Err(verdict)) | Err(Outage(verdict)) => Reply::Refused(verdict),
        }
    }

    fn may_explain(&self, door: Door, caller: Caller, user: &UserName) -> Result<bool, Outage> {
        Ok(caller.is_root()
            || self.is_own(caller, user)?
            || (door == Door::Admin
                && self.backend.is_administrator(caller.uid, super::clock())?))
    }

    /// A decision about an account, for root or for the account's own user.
    fn decide<T: Default>(
        &self,
        asked: Asked<'_>,
        ask: impl FnOnce(&dyn Backend, &Place<'_>, Timestamp) -> Result<(Decision, T), Outage>,
    ) -> (Decision, T) {
        self.at_a_pace(asked, || self.refuse_other(asked), ask)
    }

    /// A decision about a reset, for root alone.
    fn decide_reset<T: Default>(
        &self,
        asked: Asked<'_>,
        ask: impl FnOnce(&dyn Backend, &Place<'_>, Timestamp) -> Result<(Decision, T), Outage>,
    ) -> (Decision, T) {
        let denied = || Some(Decision::new(Verdict::AccessDenied, Rule::Caller));
        self.at_a_pace(asked, denied, ask)
    }

    /// A decision at once for root. Anybody else gets no more of them, nor of their lines
    /// in the log, than a person needs, and none about what `refuse` keeps from him.
    fn at_a_pace<T: Default>(
        &self,
        asked: Asked<'_>,
        refuse: impl FnOnce() -> Option<Decision>,
        ask: impl FnOnce(&dyn Backend, &Place<'_>, Timestamp) -> Result<(Decision, T), Outage>,
    ) -> (Decision, T) {
        if asked.caller.is_root() {
            return self.finish(asked, None, ask);
        }
        let busy = Decision::new(Verdict::Busy, Rule::Caller);
        match self.pace.turn(asked.caller.uid, Instant::now()) {
            Turn::After(wait) => {
                // No lock is held, and the place that is taken is one of those that are
                // not root's.
                thread::sleep(wait);
                self.finish(asked, refuse(), ask)
            }
            Turn::Away { noted: false } => self.finish(asked, Some(busy), ask),
            // Thousands of lines a second would bury those that matter. Without a line
            // there is no reference to it either.
            Turn::Away { noted: true } => (busy, T::default()),
        }
    }

    /// Why a caller who is not root gets no answer about this account, if so: he may ask
    /// about himself.
    fn refuse_other(&self, asked: Asked<'_>) -> Option<Decision> {
        if !is_well_formed(asked.user) {
            return Some(Decision::new(Verdict::BadUsername, Rule::Name));
        }
        if self.local.has_user(asked.user.account()) {
            // Everybody can read /etc/passwd; "not ours" lets the next module go on.
            return Some(Decision::new(Verdict::UserNotFound, Rule::Name));
        }
        match self.is_own(asked.caller, asked.user) {
            Ok(true) => None,
            Ok(false) => Some(Decision::new(Verdict::AccessDenied, Rule::Caller)),
            Err(Outage(verdict)) => Some(Decision::new(verdict, Rule::Store)),
        }
    }

    fn finish<T: Default>(
        &self,
        asked: Asked<'_>,
        refused: Option<Decision>,
        ask: impl FnOnce(&dyn Backend, &Place<'_>, Timestamp) -> Result<(Decision, T), Outage>,
    ) -> (Decision, T) {
        let now = self.in_force();
        let place = Self::place(shortened(&asked.origin.service), &now);
        let malformed = || Decision::new(Verdict::BadUsername, Rule::Name);
        if asked.caller.is_root() {
            self.name_unmapped(place.service);
        }
        let refused = refused.or_else(|| (!is_well_formed(asked.user)).then(malformed));
        let (mut decision, rest) = match refused {
            Some(decision) => (decision, T::default()),
            None => {
                ask(&*self.backend, &place, super::clock()).unwrap_or_else(|Outage(verdict)| {
                    (Decision::new(verdict, Rule::Store), T::default())
                })
            }
        };
        fill(&mut decision.params, asked.user, &place);
        decision.reference = reference();
        self.note(asked, &place, &decision, &now);
        (decision, rest)
    }

    /// Counts a decision and writes its line.
    fn note(&self, asked: Asked<'_>, place: &Place<'_>, decision: &Decision, now: &InForce) {
        let (counter, level) = if decision.verdict.grants() {
            (&self.granted, Level::Info)
        } else {
            (&self.refused, Level::Notice)
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut record = Record::new(asked.event).field("user", &decision.params.user);
        if is_well_formed(asked.user)
            && asked
                .user
                .belongs_to(&now.config.name, &now.config.dns_name)
        {
            if let Ok(Some(user)) = self.backend.user_by_name(&asked.user.key()) {
                record = record.number("uid", user.uid);
            }
        }
        let line = record
            .field("service", place.service)
            .word("type", place.logon_type.word())
            .optional("from", asked.origin.remote_host.as_deref())
            .optional("tty", asked.origin.tty.as_deref())
            .verdict(decision.verdict)
            .also(&decision.also)
            .word("rule", decision.rule.word())
            .field("ref", &decision.reference.to_string())
            .number("caller", asked.caller.uid)
            .line();
        self.log.write(level, &line);
    }
}

impl<'a> Asked<'a> {
    const fn new(
        event: &'static str,
        caller: Caller,
        user: &'a UserName,
        origin: &'a Origin,
    ) -> Self {
        Self {
            event,
            caller,
            user,
            origin,
        }
    }
}

/// Fills in what every sentence may name, where the backend left it open.
pub(super) fn fill(params: &mut Params, user: &UserName, place: &Place<'_>) {
    let set = |field: &mut String, value: &str| {
        if field.is_empty() {
            value.clone_into(field);
        }
    };
    set(&mut params.user, &user.to_string());
    set(&mut params.domain, place.domain);
    set(&mut params.host, &place.host.short);
    set(&mut params.service, place.service);
    params.logon_type.get_or_insert(place.logon_type);
}

/// The name of one decision. Without random bytes there is none: no reference is better
/// than one that two decisions share.
pub(super) fn reference() -> Reference {
    getrandom::u32().map_or_else(
        |_| Reference::default(),
        |bits| Reference::from_random(bits & 0x3FFF_FFFF),
    )
}

/// Whether the name is one that [`UserName::parse`] makes. A caller can write other bytes
/// to the socket than the modules do.
fn is_well_formed(user: &UserName) -> bool {
    UserName::parse(user.to_string().as_bytes()).as_ref() == Ok(user)
}

fn shortened(service: &str) -> &str {
    match service.char_indices().nth(SERVICE) {
        Some((end, _)) => &service[..end],
        None => service,
    }
}
