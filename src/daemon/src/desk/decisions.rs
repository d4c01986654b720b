//! Logons and password changes: each gets one decision, one reference and one line of
//! the log.

use super::{Caller, Desk, Door, InForce};
use crate::clock;
use crate::history::Came;
use crate::log::Level;
use crate::pace::Turn;
use crate::record::Record;
use domlogon_protocol::admin::AdminError;
use domlogon_protocol::{
    Decision, Fact, LogonType, Origin, Outcome, Params, Reference, Reply, RightFact, Rule, Secret,
    Step, Timestamp, UserName, Verdict,
};
use domlogon_rules::backend::{Backend, Outage};
use domlogon_rules::{Judgement, OTHER, Place, is_a_users_locker};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

/// Most characters of a service's name that are looked at. Every real one is shorter.
const SERVICE: usize = 64;

/// What was asked, for the log.
#[derive(Clone, Copy)]
struct Asked<'a> {
    event: &'static str,
    /// Whether somebody comes in, and does not change a password.
    is_logon: bool,
    /// Whether a password is judged.
    is_judged: bool,
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
        let asked = Asked::new("logon", caller, user, origin)
            .at_logon()
            .judged();
        let (decision, ()) = self.decide(asked, |backend, place, now| {
            Ok((backend.logon(user, password, place, now)?, ()))
        });
        Reply::Decision(Box::new(decision))
    }

    pub(super) fn account(&self, caller: Caller, user: &UserName, origin: &Origin) -> Reply {
        let asked = Asked::new("account", caller, user, origin).at_logon();
        let (decision, ()) = self.decide(asked, |backend, place, now| {
            Ok((backend.account(user, place, now)?, ()))
        });
        if decision.verdict == Verdict::UserNotFound {
            // The stack asks the module for local users next, and that lets in whom NSS names.
            // What hides him may stand in a file of this host since a moment ago.
            self.publish_with_local();
        }
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
            let (decision, rules) = backend.preliminary(user, old, place, now)?;
            Ok((decision.into(), rules))
        };
        let (decision, rules): (_, Option<Params>) = match old {
            Some(_) => self.decide(asked.judged(), ask),
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
            Ok((backend.change(user, old, new, place, now)?.into(), ()))
        };
        let (decision, ()) = match old {
            Some(_) => self.decide(Asked::new("change", caller, user, origin).judged(), ask),
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
        // Each costs what a logon costs but for the hash. At the other door are administrators.
        if door == Door::Main && !caller.is_root() {
            match self.pace.wait(caller.owner, Instant::now()) {
                Some(wait) => thread::sleep(wait),
                None => return Reply::Refused(Verdict::Busy),
            }
        }
        let now = self.in_force();
        let explained = self.may_explain(door, caller, user).and_then(|may| {
            if !may {
                return Ok(Err(Verdict::AccessDenied));
            }
            if !user.belongs_to(&now.config.name, &now.config.dns_name) {
                return Ok(Err(Verdict::UserNotInResdom));
            }
            let place = as_users_own(Self::place(shortened(service), &now));
            let at = at.unwrap_or_else(clock::now);
            let found = self.backend.explain(user, &place, at)?;
            Ok(found.ok_or(Verdict::UserNotFound))
        });
        match explained {
            Ok(Ok(mut explanation)) => {
                let place = as_users_own(Self::place(shortened(service), &now));
                for decision in [
                    &mut explanation.with_password,
                    &mut explanation.without_password,
                ] {
                    fill(&mut decision.params, user, &place);
                    now.config.texts.tell(decision);
                }
                Reply::Explanation(Box::new(explanation))
            }
            Ok(Err(Verdict::UserNotFound)) => match self.hidden(door, caller, user) {
                Ok(Some(why)) => Reply::AdminRefused(Box::new(why)),
                Ok(None) => Reply::Refused(Verdict::UserNotFound),
                Err(Outage(verdict)) => Reply::Refused(verdict),
            },
            Ok(Err(verdict)) | Err(Outage(verdict)) => Reply::Refused(verdict),
        }
    }

    /// Why an account that exists is not answered for; nobody but root and administrators
    /// learns that it does.
    fn hidden(
        &self,
        door: Door,
        caller: Caller,
        user: &UserName,
    ) -> Result<Option<AdminError>, Outage> {
        let now = clock::now();
        let may = caller.is_root()
            || (door == Door::Admin && self.backend.is_administrator(caller.uid, now)?);
        match may {
            true => self.backend.hidden(user, now),
            false => Ok(None),
        }
    }

    fn may_explain(&self, door: Door, caller: Caller, user: &UserName) -> Result<bool, Outage> {
        Ok(caller.is_root()
            || self.is_own(caller, user)?
            || (door == Door::Admin && self.backend.is_administrator(caller.uid, clock::now())?))
    }

    /// A decision about an account, for root or for the account's own user.
    fn decide<T: Default>(
        &self,
        asked: Asked<'_>,
        ask: impl FnOnce(&dyn Backend, &Place<'_>, Timestamp) -> Result<(Judgement, T), Outage>,
    ) -> (Decision, T) {
        self.at_a_pace(asked, || self.refuse_other(asked), ask)
    }

    /// A decision about a reset, for root alone.
    fn decide_reset<T: Default>(
        &self,
        asked: Asked<'_>,
        ask: impl FnOnce(&dyn Backend, &Place<'_>, Timestamp) -> Result<(Judgement, T), Outage>,
    ) -> (Decision, T) {
        let denied = || Some(Decision::new(Verdict::AccessDenied, Rule::Caller));
        self.at_a_pace(asked, denied, ask)
    }

    /// A decision at once for root, unless somebody else is behind it. Anybody else gets no more of them, nor of their lines
    /// in the log, than a person needs, and none about what `refuse` keeps from him.
    fn at_a_pace<T: Default>(
        &self,
        asked: Asked<'_>,
        refuse: impl FnOnce() -> Option<Decision>,
        ask: impl FnOnce(&dyn Backend, &Place<'_>, Timestamp) -> Result<(Judgement, T), Outage>,
    ) -> (Decision, T) {
        let root = asked.caller.is_root();
        // What follows a sudo that asks for no password may be many of them in a row.
        if !asked.caller.is_paced() || (root && !asked.is_judged) {
            return self.finish(asked, None, ask);
        }
        let busy = Decision::new(Verdict::Busy, Rule::Caller);
        match self.pace.turn(asked.caller.owner, Instant::now()) {
            Turn::After(wait) => {
                // No lock is held, and the place that is taken is one of those that are
                // not root's.
                thread::sleep(wait);
                let refused = if root { None } else { refuse() };
                self.finish(asked, refused, ask)
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
        ask: impl FnOnce(&dyn Backend, &Place<'_>, Timestamp) -> Result<(Judgement, T), Outage>,
    ) -> (Decision, T) {
        let now = self.in_force();
        let mut place = Self::place(shortened(&asked.origin.service), &now);
        if asked.is_logon && !asked.caller.is_root() {
            place = as_users_own(place);
        }
        let malformed = || Decision::new(Verdict::BadUsername, Rule::Name);
        if asked.caller.is_root() {
            self.name_unmapped(place.service, &now.rights);
        }
        let refused = refused.or_else(|| (!is_well_formed(asked.user)).then(malformed));
        let at = clock::now();
        let (judgement, rest) = match refused {
            Some(decision) => (decision.into(), T::default()),
            None => ask(&*self.backend, &place, at).unwrap_or_else(|Outage(verdict)| {
                (Decision::new(verdict, Rule::Store).into(), T::default())
            }),
        };
        let Judgement {
            steps,
            mut decision,
        } = judgement;
        fill(&mut decision.params, asked.user, &place);
        now.config.texts.tell(&mut decision);
        decision.reference = reference();
        self.note(asked, &place, &steps, &decision, &now);
        self.remember(asked, &place, &decision, at);
        (decision, rest)
    }

    /// Counts a decision and writes its line; before it one about what audit mode let pass.
    fn note(
        &self,
        asked: Asked<'_>,
        place: &Place<'_>,
        steps: &[Step],
        decision: &Decision,
        now: &InForce,
    ) {
        let (counter, level) = if decision.verdict.grants() {
            (&self.granted, Level::Info)
        } else {
            (&self.refused, Level::Notice)
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let uid = self.uid_of(asked, now);
        let begun = |event| {
            let record = Record::new(event).field("user", &decision.params.user);
            let record = match uid {
                Some(uid) => record.number("uid", uid),
                None => record,
            };
            record
                .field("service", place.service)
                .word("type", place.logon_type.word())
        };
        let reference = decision.reference.to_string();
        let right = right_in(steps);
        if let Some((Outcome::Audited, fact)) = right {
            let line = begun("audit")
                .right(fact)
                .entry(fact)
                .field("ref", &reference)
                .line();
            self.log.write(Level::Warning, &line);
        }
        let mut record = begun(asked.event)
            .optional("from", asked.origin.remote_host.as_deref())
            .optional("tty", asked.origin.tty.as_deref())
            .verdict(decision.verdict)
            .also(&decision.also)
            .word("rule", decision.rule.word());
        if let Some((Outcome::Decided, fact)) = right {
            record = record
                .right(fact)
                .list(fact)
                .entry(fact)
                .number("rights", fact.version);
        }
        record = record
            .field("ref", &reference)
            .number("caller", asked.caller.uid);
        if asked.caller.owner != asked.caller.uid {
            record = record.number("by", asked.caller.owner);
        }
        let line = record.line();
        self.log.write(level, &line);
    }

    /// The id of the account that was asked about, if there is one.
    fn uid_of(&self, asked: Asked<'_>, now: &InForce) -> Option<u32> {
        let ours = is_well_formed(asked.user)
            && asked
                .user
                .belongs_to(&now.config.name, &now.config.dns_name);
        if !ours {
            return None;
        }
        let found = self.backend.user_by_name(&asked.user.key()).ok().flatten();
        found.map(|user| user.uid)
    }

    /// Remembers who came in, or was refused for want of the right, for simulations. Both
    /// happen to accounts that exist alone, so that nobody fills the memory with names.
    fn remember(&self, asked: Asked<'_>, place: &Place<'_>, decision: &Decision, at: Timestamp) {
        // Only root's programs are services. One that needs no right is remembered too: a
        // changed map may give it another type.
        if !asked.is_logon || !asked.caller.is_root() {
            return;
        }
        let came = if decision.verdict.grants() {
            Came::Granted
        } else if decision.rule == Rule::LogonRight {
            Came::Refused
        } else {
            return;
        };
        self.history
            .remember(&asked.user.key(), place.service, came, at);
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
            is_logon: false,
            is_judged: false,
            caller,
            user,
            origin,
        }
    }

    const fn judged(self) -> Self {
        Self {
            is_judged: true,
            ..self
        }
    }

    const fn at_logon(self) -> Self {
        Self {
            is_logon: true,
            ..self
        }
    }
}

/// The way in that a service is for a program that is not root's. A locker under a name that nobody
/// mapped unlocks a screen: it asks about its own user alone, whom an old password must not keep out
/// of what runs. Behind other names may be whoever comes over the network, as at wayvnc.
fn as_users_own<'a>(place: Place<'a>) -> Place<'a> {
    let is_mapped = |name| place.rights.service(name).known;
    if is_mapped(place.service) || is_mapped(OTHER) || !is_a_users_locker(place.service) {
        return place;
    }
    Place {
        logon_type: LogonType::Unlock,
        ..place
    }
}

/// How the step of the logon right ended, if the evaluation came to it, and what it looked
/// at.
fn right_in(steps: &[Step]) -> Option<(Outcome, &RightFact)> {
    steps.iter().find_map(|step| match &step.fact {
        Fact::Right(fact) => Some((step.outcome, &**fact)),
        _ => None,
    })
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
