//! `domlogon rights list`: who is in which list.

use super::state::{self, StateShown};
use crate::answer::Answer;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::right::{entry_json, source_word};
use crate::time::Clock;
use crate::words::{Page, table, yes_no};
use domlogon_protocol::rights::{Entry, ListShown, RightsShown, ServiceShown, Source};
use domlogon_protocol::{RightName, Side};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) fn run(
    only: Option<RightName>,
    daemon: &Daemon,
    clock: &Clock,
) -> Result<Answer, Error> {
    let shown = super::in_force(daemon)?;
    Ok(Answer::yes(text(&shown, only, clock), &json(&shown, only)))
}

/// The state of the lists, and then the lists.
fn text(shown: &RightsShown, only: Option<RightName>, clock: &Clock) -> String {
    let mut parts = vec![head(shown, clock)];
    parts.extend(
        shown
            .lists
            .iter()
            .filter(|list| match only {
                Some(only) => list.name == only,
                None => !is_quiet(list),
            })
            .map(one),
    );
    if only.is_none() {
        parts.extend(denied_to_nobody(&shown.lists));
        parts.extend(services(&shown.services));
    }
    parts.join("\n")
}

fn head(shown: &RightsShown, clock: &Clock) -> String {
    let status = &shown.status;
    let mut text = format!("Logon rights: {}\n", state::text(status, clock));
    for line in state::refusal(status) {
        text.push_str(&format!("{line}\n"));
    }
    for warning in state::warnings(status) {
        text.push_str(&format!("Warning: {warning}\n"));
    }
    text
}

/// A list with its holders, names and identifiers side by side.
pub(crate) fn one(list: &ListShown) -> String {
    let source = match list.source {
        Source::File => "from the file",
        Source::Default => "the built-in holders",
    };
    let audit = if list.audit {
        "; AUDIT: what it would refuse is logged, and let in"
    } else {
        ""
    };
    let mut page = Page::new(&format!(
        "{} ({}): {source}{audit}",
        list.name.title(),
        list.name
    ));
    for entry in &list.entries {
        page.row(entry.shown(), &meaning(entry, list.name.side));
    }
    if list.entries.is_empty() {
        page.row(
            match list.name.side {
                Side::Allow => "nobody: an empty list admits nobody",
                Side::Deny => "nobody",
            },
            "",
        );
    }
    page.text()
}

/// The identifier of an entry, and how it is written where that is neither it nor the name.
fn meaning(entry: &Entry, side: Side) -> String {
    let Some(sid) = &entry.sid else {
        return match side {
            Side::Allow => "nobody has this name: it admits nobody",
            Side::Deny => "nobody has this name: it keeps nobody out",
        }
        .to_owned();
    };
    let sid = sid.to_string();
    let known = [entry.shown(), &sid, &format!("*{sid}")]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(&entry.written));
    match (known, entry.name.is_some()) {
        (false, _) => format!("{sid}, written {}", entry.written),
        (true, false) => "a SID that has no name here".to_owned(),
        (true, true) => sid,
    }
}

/// A deny list that keeps nobody out, and has nothing else to say.
fn is_quiet(list: &ListShown) -> bool {
    list.name.side == Side::Deny && list.entries.is_empty() && !list.audit
}

fn denied_to_nobody(lists: &[ListShown]) -> Option<String> {
    let words: Vec<String> = lists
        .iter()
        .filter(|list| is_quiet(list))
        .map(|list| RightName::allow(list.name.right).word().to_owned())
        .collect();
    (!words.is_empty()).then(|| format!("Nobody is in the deny lists of: {}\n", words.join(", ")))
}

fn services(services: &[ServiceShown]) -> Option<String> {
    if services.is_empty() {
        return None;
    }
    let rows: Vec<[String; 3]> = services
        .iter()
        .map(|service| {
            let name = if service.service == domlogon_rules::OTHER {
                "other (every service that is not known)".to_owned()
            } else {
                service.service.clone()
            };
            [
                name,
                service.logon_type.word().to_owned(),
                yes_no(service.can_change).to_owned(),
            ]
        })
        .collect();
    Some(table(
        ["SERVICE IN THE FILE", "WAY IN", "CAN CHANGE PASSWORDS"],
        &rows,
    ))
}

/// The lists in JSON.
#[derive(Debug, Serialize)]
struct ListsShown<'a> {
    #[serde(flatten)]
    state: StateShown<'a>,
    lists: Vec<Value>,
    services: Vec<Value>,
}

fn json(shown: &RightsShown, only: Option<RightName>) -> Value {
    let all = ListsShown {
        state: StateShown::new(&shown.status),
        lists: shown
            .lists
            .iter()
            .filter(|list| only.is_none_or(|only| list.name == only))
            .map(list_json)
            .collect(),
        services: shown
            .services
            .iter()
            .map(|service| {
                json!({
                    "service": service.service,
                    "logon_type": service.logon_type.word(),
                    "can_change": service.can_change,
                })
            })
            .collect(),
    };
    json!(all)
}

/// A list in JSON.
pub(crate) fn list_json(list: &ListShown) -> Value {
    json!({
        "right": list.name.symbol(),
        "title": list.name.title(),
        "short": list.name.word(),
        "source": source_word(list.source),
        "audit": list.audit,
        "holders": list.entries.iter().map(entry_json).collect::<Vec<_>>(),
    })
}
