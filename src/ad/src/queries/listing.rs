//! Everybody, page by page.

use super::{is_person, is_team};
use crate::entry::{Flaw, PERSON, Person, TEAM, Team};
use crate::ldap::{Connection, Entry, Filter, LdapError, Scope, Search};
use crate::queries::DomainFacts;
use std::ops::ControlFlow;

/// Most users or groups of a domain that are listed.
const MOST_ENTRIES: usize = 5_000_000;

/// How an enumeration ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Entries that were given.
    pub(crate) given: usize,
    /// Entries that could not be used.
    pub(crate) flawed: usize,
}

/// Gives all people of the domain to `take`, page by page; with `since` only those whose
/// entries have this or a later uSNChanged on this controller.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn all_persons(
    connection: &mut Connection,
    facts: &DomainFacts,
    since: Option<i64>,
    take: &mut dyn FnMut(Person) -> ControlFlow<()>,
) -> Result<Tally, LdapError> {
    let filter = is_person(changed(since));
    all(connection, facts, filter, PERSON, &mut |entry, tally| {
        give(Person::read(entry), tally, take)
    })
}

/// Gives all groups of the domain to `take`, as [`all_persons`] does with people.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn all_teams(
    connection: &mut Connection,
    facts: &DomainFacts,
    since: Option<i64>,
    take: &mut dyn FnMut(Team) -> ControlFlow<()>,
) -> Result<Tally, LdapError> {
    let filter = is_team(changed(since));
    all(connection, facts, filter, TEAM, &mut |entry, tally| {
        give(Team::read(entry), tally, take)
    })
}

fn give<T>(
    read: Result<T, Flaw>,
    tally: &mut Tally,
    take: &mut dyn FnMut(T) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match read {
        Ok(found) => {
            tally.given += 1;
            take(found)
        }
        Err(_) => {
            tally.flawed += 1;
            ControlFlow::Continue(())
        }
    }
}

fn all(
    connection: &mut Connection,
    facts: &DomainFacts,
    filter: Filter,
    attributes: &[&str],
    take: &mut dyn FnMut(&Entry, &mut Tally) -> ControlFlow<()>,
) -> Result<Tally, LdapError> {
    let mut tally = Tally::default();
    let search = Search {
        base: &facts.base,
        scope: Scope::Subtree,
        filter,
        attributes,
        limit: MOST_ENTRIES,
    };
    connection.pages(&search, &mut |entry| take(&entry, &mut tally))?;
    Ok(tally)
}

fn changed(since: Option<i64>) -> Filter {
    match since {
        Some(usn) => Filter::AtLeast("uSNChanged", usn.to_string().into_bytes()),
        None => Filter::Present("objectSid"),
    }
}
