//! What a grant or a revoke does to a list: which entries come, and which go.

use super::edit::{self, EditError};
use crate::error::Error;
use domlogon_protocol::rights::{Checked, Entry};
use domlogon_protocol::{RightName, Sid, UserName};
use domlogon_rules::Rights;
use std::collections::{HashMap, HashSet};

/// What is done with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Grant,
    Revoke,
}

impl Verb {
    /// Of the names as given those that the daemon is asked about. What is no name at all
    /// can be taken out of a list, where it keeps the file from being taken, and cannot be
    /// put into one.
    pub(crate) fn names(self, given: &[String]) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for name in given {
            match (well_formed(name), self) {
                (Ok(()), _) => names.push(name.clone()),
                (Err(_), Self::Revoke) => {}
                (Err(error), Self::Grant) => return Err(Error::BadName(name.clone(), error)),
            }
        }
        Ok(names)
    }
}

/// Why nothing can be done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The text cannot be changed.
    Edit(EditError),
    /// Nobody has these names.
    Nobody(Vec<String>),
    /// They are in the list already.
    Held(RightName, Vec<String>),
    /// They are not in the list.
    NotHeld(RightName, Vec<String>),
}

impl From<EditError> for Refusal {
    fn from(error: EditError) -> Self {
        Self::Edit(error)
    }
}

/// A change of one list.
#[derive(Debug)]
pub(crate) struct Plan {
    verb: Verb,
    right: RightName,
    /// What the list has where the file leaves it out.
    holders: Vec<String>,
    was_absent: bool,
    /// What comes into the list, or leaves it.
    entries: Vec<Entry>,
}

impl Plan {
    /// What follows from the names as `given`. `text` is the file, and `checked` what the
    /// daemon says about it and about the names.
    pub(crate) fn new(
        verb: Verb,
        right: RightName,
        given: &[String],
        text: &str,
        checked: &Checked,
    ) -> Result<Self, Refusal> {
        let in_file = edit::entries(text, right)?;
        let built_in = built_in(right);
        let was_absent = in_file.is_none();
        let current = match in_file {
            Some(written) => resolved(written, right, checked),
            None => built_in.clone(),
        };
        let principals = principals(given, &checked.names);
        let entries = match verb {
            Verb::Grant => coming(right, principals, &current)?,
            Verb::Revoke => leaving(right, &principals, current)?,
        };
        Ok(Self {
            verb,
            right,
            holders: built_in.into_iter().map(|entry| entry.written).collect(),
            was_absent,
            entries,
        })
    }

    /// The text of the file after the change.
    pub(crate) fn made(&self, text: &str) -> Result<String, EditError> {
        let written = |entry: &Entry| entry.written.clone();
        match self.verb {
            Verb::Grant => {
                let new: Vec<String> = self.entries.iter().map(written).collect();
                edit::grant(text, self.right, &self.holders, &new)
            }
            Verb::Revoke => {
                let gone: HashSet<String> = self.entries.iter().map(written).collect();
                edit::revoke(text, self.right, &self.holders, |entry| {
                    gone.contains(entry)
                })
            }
        }
    }

    pub(crate) fn verb(&self) -> Verb {
        self.verb
    }

    pub(crate) fn right(&self) -> RightName {
        self.right
    }

    /// What comes into the list, or leaves it.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether built-in holders come into the file with the change.
    pub(crate) fn writes_holders(&self) -> bool {
        self.was_absent && !self.holders.is_empty()
    }

    /// Whether it takes out a name that nobody has.
    pub(crate) fn mends(&self) -> bool {
        self.verb == Verb::Revoke && self.entries.iter().any(|entry| entry.sid.is_none())
    }
}

/// The entries of the file, with what the daemon knows of them.
fn resolved(written: Vec<String>, right: RightName, checked: &Checked) -> Vec<Entry> {
    let known: HashMap<&str, &Entry> = checked
        .lists
        .iter()
        .filter(|list| list.name == right)
        .flat_map(|list| &list.entries)
        .map(|entry| (entry.written.trim(), entry))
        .collect();
    written
        .into_iter()
        .map(|written| {
            let known = known.get(written.trim());
            Entry {
                sid: known.and_then(|entry| entry.sid.clone()),
                name: known.and_then(|entry| entry.name.clone()),
                written,
            }
        })
        .collect()
}

/// Each given name with what it means; without where it means nothing.
fn principals(given: &[String], known: &[Entry]) -> Vec<Entry> {
    let mut known = known.iter();
    given
        .iter()
        .map(|name| {
            let entry = match well_formed(name) {
                Ok(()) => known.next(),
                Err(_) => None,
            };
            Entry {
                written: name.trim().to_owned(),
                sid: entry.and_then(|entry| entry.sid.clone()),
                name: entry.and_then(|entry| entry.name.clone()),
            }
        })
        .collect()
}

fn well_formed(name: &str) -> Result<(), domlogon_protocol::NameError> {
    if name.trim().trim_start_matches('*').parse::<Sid>().is_ok() {
        return Ok(());
    }
    UserName::parse(name.as_bytes()).map(|_| ())
}

fn coming(
    right: RightName,
    principals: Vec<Entry>,
    current: &[Entry],
) -> Result<Vec<Entry>, Refusal> {
    let names = |which: &dyn Fn(&Entry) -> bool| -> Vec<String> {
        let which = principals.iter().filter(|entry| which(entry));
        which.map(|entry| entry.written.clone()).collect()
    };
    let nobody = names(&|entry| entry.sid.is_none());
    if !nobody.is_empty() {
        return Err(Refusal::Nobody(nobody));
    }
    let held = names(&|entry| current.iter().any(|held| is_same(held, entry)));
    if !held.is_empty() {
        return Err(Refusal::Held(right, held));
    }
    let mut seen = HashSet::new();
    Ok(principals
        .into_iter()
        .filter(|entry| seen.insert(entry.sid.clone()))
        .map(|entry| match &entry.name {
            // The name's own spelling, where nothing else was typed.
            Some(name) if same_word(name, &entry.written) => Entry {
                written: name.clone(),
                ..entry
            },
            _ => entry,
        })
        .collect())
}

fn leaving(
    right: RightName,
    principals: &[Entry],
    current: Vec<Entry>,
) -> Result<Vec<Entry>, Refusal> {
    let mut nobody = Vec::new();
    let mut not_held = Vec::new();
    for principal in principals {
        if !current.iter().any(|held| is_same(held, principal)) {
            match principal.sid {
                Some(_) => not_held.push(principal.written.clone()),
                None => nobody.push(principal.written.clone()),
            }
        }
    }
    if !nobody.is_empty() {
        return Err(Refusal::Nobody(nobody));
    }
    if !not_held.is_empty() {
        return Err(Refusal::NotHeld(right, not_held));
    }
    Ok(current
        .into_iter()
        .filter(|held| principals.iter().any(|principal| is_same(held, principal)))
        .collect())
}

fn is_same(held: &Entry, principal: &Entry) -> bool {
    let (written, given) = (held.written.trim(), principal.written.as_str());
    match (&held.sid, &principal.sid) {
        (Some(held), Some(principal)) if held == principal => true,
        // Of a group that was deleted, only the name is left to find it by.
        (None, None) => same_word(account(written), account(given)),
        _ => same_word(written, given),
    }
}

/// A name without its domain.
fn account(name: &str) -> &str {
    match name.split_once('\\') {
        Some((_, account)) => account,
        None => name.rsplit_once('@').map_or(name, |(account, _)| account),
    }
}

fn same_word(one: &str, other: &str) -> bool {
    UserName::fold(one) == UserName::fold(other)
}

/// Who has the right where the file leaves it out.
fn built_in(right: RightName) -> Vec<Entry> {
    Rights::default()
        .shown()
        .into_iter()
        .find(|list| list.name == right)
        .map(|list| list.entries)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_protocol::Right;
    use domlogon_protocol::rights::{ListShown, Source};

    const NETWORK: RightName = RightName::allow(Right::Network);
    const BATCH: RightName = RightName::allow(Right::Batch);

    fn entry(written: &str, rid: Option<u32>, name: &str) -> Entry {
        Entry {
            written: written.to_owned(),
            sid: rid.map(|rid| Sid::domain(1, 2, 3).with_rid(rid)),
            name: rid.map(|_| name.to_owned()),
        }
    }

    const TEXT: &str = "[rights]\nSeNetworkLogonRight = \
                        ['CORP\\staff', 'ghost', 'S-1-5-21-1-2-3-1000', 'a:b']\n";

    fn checked(names: Vec<Entry>) -> Checked {
        Checked {
            lists: vec![ListShown {
                name: NETWORK,
                source: Source::File,
                audit: false,
                entries: vec![
                    entry("CORP\\staff", Some(1100), "Staff"),
                    entry("ghost", None, ""),
                    entry("S-1-5-21-1-2-3-1000", Some(1000), "alice"),
                ],
            }],
            names,
            problems: Vec::new(),
            administrator_now: true,
            administrator_then: true,
        }
    }

    fn plan(verb: Verb, right: RightName, names: Vec<Entry>) -> Result<Plan, Refusal> {
        let given: Vec<String> = names.iter().map(|n| n.written.clone()).collect();
        let asked = verb.names(&given).unwrap();
        let known = names
            .into_iter()
            .filter(|name| asked.contains(&name.written))
            .collect();
        Plan::new(verb, right, &given, TEXT, &checked(known))
    }

    fn written(plan: &Plan) -> Vec<&str> {
        plan.entries().iter().map(|e| e.written.as_str()).collect()
    }

    #[test]
    fn what_is_granted_is_written_in_its_own_spelling_once() {
        let made = plan(
            Verb::Grant,
            NETWORK,
            vec![
                entry("BOB", Some(1001), "bob"),
                entry("corp\\bob", Some(1001), "bob"),
                entry("Corp\\Carol", Some(1002), "carol"),
            ],
        )
        .unwrap();
        assert_eq!(written(&made), ["bob", "Corp\\Carol"]);
        assert!(!made.writes_holders() && !made.mends());
    }

    #[test]
    fn who_has_it_in_another_spelling_has_it() {
        for name in [
            entry("staff", Some(1100), "Staff"),
            entry("alice", Some(1000), "alice"),
        ] {
            let refused = plan(Verb::Grant, NETWORK, vec![name.clone()]);
            assert!(
                matches!(refused, Err(Refusal::Held(NETWORK, _))),
                "{name:?}"
            );
            let made = plan(Verb::Revoke, NETWORK, vec![name]).unwrap();
            assert_eq!(made.entries().len(), 1);
        }
    }

    #[test]
    fn nobody_is_refused_and_taken_out_where_it_stands() {
        let refused = plan(
            Verb::Grant,
            NETWORK,
            vec![entry("bob", Some(1001), "bob"), entry("nobody", None, "")],
        );
        let Err(Refusal::Nobody(names)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(names, ["nobody"]);
        assert!(matches!(
            plan(Verb::Revoke, NETWORK, vec![entry("nobody", None, "")]),
            Err(Refusal::Nobody(_))
        ));
        assert!(matches!(
            plan(Verb::Revoke, NETWORK, vec![entry("bob", Some(1001), "bob")]),
            Err(Refusal::NotHeld(NETWORK, _))
        ));
        let made = plan(
            Verb::Revoke,
            NETWORK,
            vec![
                entry("CORP\\GHOST", None, ""),
                entry("a:b", None, ""),
                entry("alice", Some(1000), "alice"),
            ],
        )
        .unwrap();
        assert!(made.mends());
        assert_eq!(
            made.made(TEXT).unwrap(),
            "[rights]\nSeNetworkLogonRight = ['CORP\\staff']\n"
        );
        assert!(Verb::Grant.names(&["a:b".to_owned()]).is_err());
    }

    #[test]
    fn a_list_that_is_absent_keeps_its_holders() {
        let made = plan(Verb::Grant, BATCH, vec![entry("bob", Some(1001), "bob")]).unwrap();
        assert!(made.writes_holders());
        let text = made.made("").unwrap();
        assert!(
            text.ends_with(
                "SeBatchLogonRight = [\"Administrators\", \"Backup Operators\", \
                 \"Performance Log Users\", \"bob\"]\n"
            ),
            "{text}"
        );
        let operators = Entry {
            written: "backup operators".to_owned(),
            sid: Some(Sid::builtin(551)),
            name: Some("Backup Operators".to_owned()),
        };
        let text = plan(Verb::Revoke, BATCH, vec![operators]).unwrap().made("");
        assert!(!text.unwrap().contains("Backup"));
    }
}
