//! What a step of an evaluation looked at, in words and in JSON.

use crate::hours::{self, HoursShown};
use crate::right;
use crate::time::{Clock, rfc3339};
use crate::words::list;
use domlogon_protocol::{Calendar, Fact, LogonType, Outcome, RightFact, Rule, Step, Timestamp};
use serde_json::{Value, json};

/// The fact of a step in words; `way` is the logon type that was judged.
pub(crate) fn text(step: &Step, way: LogonType, clock: &Clock) -> String {
    match &step.fact {
        Fact::None => bare(step, way).to_owned(),
        Fact::Account { name, sid } => format!("{name}, {sid}"),
        Fact::Lockout {
            count,
            threshold,
            since,
            until,
        } => match (since, until) {
            (None, _) if *threshold == 0 => "accounts are never locked".to_owned(),
            (None, _) => format!("{count} of {threshold} wrong passwords"),
            (Some(since), Some(until)) => format!(
                "locked since {}, until {}",
                clock.show(*since),
                clock.both(*until)
            ),
            (Some(since), None) => format!(
                "locked since {}, until an administrator unlocks it",
                clock.both(*since)
            ),
        },
        Fact::Expires(None) => "never".to_owned(),
        Fact::Expires(Some(end)) => clock.both(*end),
        Fact::Hours {
            hours,
            next_allowed,
        } => {
            let allowed = hours::both(hours.as_ref(), clock);
            match next_allowed {
                Some(at) => format!("{allowed}; next allowed {}", clock.both(*at)),
                None => allowed,
            }
        }
        Fact::Workstations { allowed, host } => {
            format!("allowed: {}; this host: {host}", list(allowed, "any"))
        }
        Fact::Right(fact) => logon_right(fact, step.outcome),
        Fact::PasswordAge {
            set_at,
            must_change_at,
        } => password_age(step, *set_at, *must_change_at, clock),
    }
}

/// The fact of a step in JSON.
pub(crate) fn json(fact: &Fact, clock: &Clock) -> Value {
    match fact {
        Fact::None => Value::Null,
        Fact::Account { name, sid } => json!({"name": name, "sid": sid}),
        Fact::Lockout {
            count,
            threshold,
            since,
            until,
        } => json!({
            "bad_password_count": count,
            "threshold": threshold,
            "locked_since": since.map(rfc3339),
            "locked_until": until.map(rfc3339),
        }),
        Fact::Expires(end) => json!({"expires_at": end.map(rfc3339)}),
        Fact::Hours {
            hours,
            next_allowed,
        } => json!({
            "logon_hours": hours.as_ref().map(|hours| HoursShown::new(hours, clock)),
            "next_allowed_at": next_allowed.map(rfc3339),
        }),
        Fact::Workstations { allowed, host } => json!({"workstations": allowed, "host": host}),
        Fact::Right(fact) => right::json(fact),
        Fact::PasswordAge {
            set_at,
            must_change_at,
        } => json!({
            "password_set_at": set_at.map(rfc3339),
            "password_expires_at": must_change_at.map(rfc3339),
        }),
    }
}

/// A logon type in words.
pub(crate) const fn way_in(logon_type: LogonType) -> &'static str {
    match logon_type {
        LogonType::Interactive => "interactive logon",
        LogonType::Network => "network logon",
        LogonType::Batch => "scheduled job",
        LogonType::Service => "service logon",
        LogonType::Unlock => "unlocking a screen",
        LogonType::RemoteInteractive => "remote interactive logon",
        LogonType::Permit => "a step inside a session, no right needed",
        LogonType::Deny => "closed to everybody",
    }
}

fn logon_right(fact: &RightFact, outcome: Outcome) -> String {
    let way = way_in(fact.logon_type);
    let Some(needed) = fact.right else {
        return match fact.logon_type {
            LogonType::Deny => format!("{way}, by [services] in the file of logon rights"),
            _ => way.to_owned(),
        };
    };
    let audit = match outcome {
        Outcome::Audited => "; it would be refused, but audit mode lets it pass",
        _ => "",
    };
    format!(
        "{way} needs {} (\"{}\"): {}{audit}",
        needed.symbol(),
        needed.title(),
        right::text(fact)
    )
}

fn password_age(
    step: &Step,
    set_at: Option<Timestamp>,
    must_change_at: Option<Timestamp>,
    clock: &Clock,
) -> String {
    if step.rule == Rule::MustChange {
        return match step.outcome {
            Outcome::Passed | Outcome::Audited => "not demanded",
            Outcome::Decided | Outcome::WouldRefuse => "a new password is demanded",
            Outcome::Skipped => "a new password is demanded, but not by this way in",
        }
        .to_owned();
    }
    match (set_at, must_change_at) {
        (None, None) => "not counted".to_owned(),
        (None, Some(end)) => format!("ends {}", clock.both(end)),
        (Some(set), Some(end)) => format!("set {}, ends {}", clock.show(set), clock.both(end)),
        (Some(set), None) => format!("set {}, never ends", clock.show(set)),
    }
}

/// What a step without a fact found.
fn bare(step: &Step, way: LogonType) -> &'static str {
    let refused = matches!(step.outcome, Outcome::Decided | Outcome::WouldRefuse);
    match (step.rule, refused) {
        (Rule::Password, true) => "none is set, or a blank one is not allowed here",
        (Rule::Password, false) if way == LogonType::Batch => "a job uses none",
        (Rule::Password, false) => "taken as right",
        (Rule::Disabled, true) => "the account is disabled",
        (Rule::Disabled, false) => "the account is enabled",
        (Rule::AccountType, true) => "a trust or computer account, not a person's",
        (Rule::AccountType, false) => "a person's account",
        (Rule::SmartCard, true) => "required",
        (Rule::SmartCard, false) => "not required here",
        _ => "",
    }
}
