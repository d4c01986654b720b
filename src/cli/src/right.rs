//! What decided about a logon right: in words, in JSON, and how to change it.

use crate::rights::USUAL;
use crate::words::shell_word;
use domlogon_protocol::rights::{Entry, Source};
use domlogon_protocol::{Basis, RightFact, RightName, Sid, Side};
use serde_json::{Value, json};

/// Which entry of which list decided, and through which groups; empty where no list was
/// asked.
pub(crate) fn text(fact: &RightFact) -> String {
    match &fact.basis {
        Basis::NotAsked => String::new(),
        Basis::Entry {
            list,
            source,
            entry,
            chain,
        } => {
            let name = entry.shown();
            let mut text = match (list.side, source) {
                (Side::Allow, Source::File) => format!("granted by the entry {name} in the file"),
                (Side::Allow, Source::Default) => format!("granted by the built-in entry {name}"),
                (Side::Deny, _) => format!("denied by the entry {name} of {list} in the file"),
            };
            if chain.len() > 1 {
                text.push_str(&format!(": {}", chain_text(chain)));
            }
            text
        }
        Basis::NotListed { entries: 0, .. } => {
            "the list in the file is empty, and admits nobody".to_owned()
        }
        Basis::NotListed { source, entries } => {
            let which = match source {
                Source::File => "in the file",
                Source::Default => "of the built-in list",
            };
            match entries {
                1 => format!("the one entry {which} is neither the account nor a group of it"),
                many => {
                    format!("none of the {many} entries {which} is the account or a group of it")
                }
            }
        }
        Basis::NoLists => "the file could not be read, and there are no lists from before: \
                           nobody has any right"
            .to_owned(),
    }
}

/// The same in JSON.
pub(crate) fn json(fact: &RightFact) -> Value {
    let mut shown = json!({
        "logon_type": fact.logon_type.word(),
        "right": fact.right.map(|right| right.symbol()),
        "version": fact.version,
        "decided_by": match fact.basis {
            Basis::NotAsked => "not_asked",
            Basis::Entry { .. } => "entry",
            Basis::NotListed { .. } => "not_listed",
            Basis::NoLists => "no_lists",
        },
    });
    let more = match &fact.basis {
        Basis::NotAsked | Basis::NoLists => json!({}),
        Basis::Entry {
            list,
            source,
            entry,
            chain,
        } => json!({
            "list": list.symbol(),
            "source": source_word(*source),
            "entry": entry_json(entry),
            "chain": chain,
        }),
        Basis::NotListed { source, entries } => json!({
            "list": fact.right.map(|right| right.symbol()),
            "source": source_word(*source),
            "entries": entries,
        }),
    };
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

/// What gives `user` the right: one line for each way.
pub(crate) fn cure(fact: &RightFact, user: &str) -> Vec<String> {
    match (&fact.basis, fact.right) {
        (
            Basis::Entry {
                list, entry, chain, ..
            },
            _,
        ) if list.side == Side::Deny => denied(*list, entry, chain),
        (Basis::NotListed { .. }, Some(right)) => vec![format!(
            "domlogon rights grant {} {}",
            shell_word(RightName::allow(right).word()),
            shell_word(user)
        )],
        (Basis::NoLists, _) => {
            vec!["Mend the file of the rights: domlogon status says what is wrong".to_owned()]
        }
        (Basis::NotAsked | Basis::Entry { .. } | Basis::NotListed { .. }, _) => Vec::new(),
    }
}

/// What opens a service that is closed to everybody.
pub(crate) fn closed(service: &str) -> String {
    format!(
        "The service is closed to everybody of the domain. Give it a way in under [services] \
         in {USUAL}, such as {service} = \"network\""
    )
}

/// From the account to the entry: `alice → engineers → contractors`.
pub(crate) fn chain_text(chain: &[String]) -> String {
    chain.join(" → ")
}

/// Where a list comes from, behind its name.
pub(crate) const fn source_text(source: Source) -> &'static str {
    match source {
        Source::File => "from the file",
        Source::Default => "the built-in holders",
    }
}

pub(crate) const fn source_word(source: Source) -> &'static str {
    match source {
        Source::File => "file",
        Source::Default => "default",
    }
}

/// An entry in JSON.
pub(crate) fn entry_json(entry: &Entry) -> Value {
    json!({
        "written": entry.written,
        "name": entry.name,
        "sid": entry.sid.as_ref().map(ToString::to_string),
    })
}

/// The entry goes, or its member leaves the group.
fn denied(list: RightName, entry: &Entry, chain: &[String]) -> Vec<String> {
    let mut lines = vec![format!(
        "domlogon rights revoke {} {}",
        shell_word(list.word()),
        shell_word(&as_argument(entry))
    )];
    if let [.., member, group] = chain {
        if has_members(entry) {
            lines.push(format!(
                "or: domlogon group remove-member {} {}",
                shell_word(group),
                shell_word(member)
            ));
        }
    }
    lines
}

/// The form in which the entry is surely found again. A bare name may mean a well-known
/// group, so what is written goes before the name that belongs to it.
fn as_argument(entry: &Entry) -> String {
    let is_sid = entry.written.trim_start_matches('*').parse::<Sid>().is_ok();
    match &entry.name {
        Some(name) if is_sid => name.clone(),
        _ => entry.written.clone(),
    }
}

/// Whether somebody can be taken out of the group: Everyone, and the groups of a way in,
/// have no list of members.
fn has_members(entry: &Entry) -> bool {
    entry.sid.as_ref().is_some_and(|sid| {
        let sid = sid.to_string();
        sid.starts_with("S-1-5-21-") || sid.starts_with("S-1-5-32-")
    })
}
