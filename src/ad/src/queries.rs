//! What is asked of the directory, over one connection.

mod groups;
mod listing;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use groups::{groups_of, members_of, memberships, teams_by_sids};
pub(crate) use listing::{all_persons, all_teams};

use crate::entry::{self, Flaw, PERSON, Person, TEAM, Team};
use crate::ids::{Scheme, whose};
use crate::ldap::{Connection, Entry, Filter, LdapError, Scope, Search};
use crate::time::generalized;
use domlogon_protocol::{Sid, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// SAM_USER_OBJECT: a person's account, and no computer's.
const USER_OBJECT: &str = "805306368";
/// Most entries of one name: more than one is already odd.
const SAME_NAME: usize = 16;

/// What never changes about a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DomainFacts {
    /// The distinguished name of its head.
    pub(crate) base: String,
    /// Its identifier.
    pub(crate) sid: Sid,
    /// Its short (NetBIOS) name.
    pub(crate) netbios: String,
    /// Its DNS name.
    pub(crate) dns_name: String,
}

/// What a controller says about itself now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerState {
    /// Its full name.
    pub(crate) host: String,
    /// The number of its last change (highestCommittedUSN). Each controller has its own.
    pub(crate) usn: i64,
    /// Its clock.
    pub(crate) time: Option<Timestamp>,
}

/// Reads what never changes about the domain.
///
/// # Errors
/// [`LdapError`], here and below.
pub(crate) fn domain_facts(connection: &mut Connection) -> Result<DomainFacts, LdapError> {
    let attributes = ["defaultNamingContext", "configurationNamingContext"];
    let root = base(connection, "", &attributes)?;
    let head = text(&root, "defaultNamingContext")?;
    let configuration = text(&root, "configurationNamingContext")?;
    let domain = base(connection, &head, &["objectSid"])?;
    let found = connection.search(&Search {
        base: &format!("CN=Partitions,{configuration}"),
        scope: Scope::One,
        filter: Filter::And(vec![
            Filter::equal("objectClass", "crossRef"),
            Filter::equal("nCName", &head),
        ]),
        attributes: &["nETBIOSName", "dnsRoot"],
        limit: SAME_NAME,
    })?;
    let [partition] = found.as_slice() else {
        return Err(Flaw("nETBIOSName").into());
    };
    Ok(DomainFacts {
        sid: entry::sid(&domain)?,
        netbios: text(partition, "nETBIOSName")?,
        dns_name: text(partition, "dnsRoot")?,
        base: head,
    })
}

/// Reads what the controller says about itself.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn server_state(connection: &mut Connection) -> Result<ServerState, LdapError> {
    let attributes = ["dnsHostName", "highestCommittedUSN", "currentTime"];
    let root = base(connection, "", &attributes)?;
    Ok(ServerState {
        host: text(&root, "dnsHostName")?,
        usn: entry::number(&root, "highestCommittedUSN")?.ok_or(Flaw("highestCommittedUSN"))?,
        time: root.text("currentTime").and_then(generalized),
    })
}

/// The person with this account name, in any case.
///
/// The directory takes letters with and without accents for equal. Here they are not:
/// `jorg` must not become `jörg`.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn person_by_name(
    connection: &mut Connection,
    facts: &DomainFacts,
    name: &str,
) -> Result<Option<Person>, LdapError> {
    let found = people(
        connection,
        facts,
        Filter::equal("sAMAccountName", name),
        SAME_NAME,
    )?;
    let is_meant = |entry: &&Entry| is_same(entry.text("sAMAccountName"), name);
    let meant = found.iter().find(is_meant);
    Ok(meant.map(Person::read).transpose()?)
}

/// The person with this userPrincipalName, in any case. Two with one are nobody.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn person_by_principal_name(
    connection: &mut Connection,
    facts: &DomainFacts,
    name: &str,
) -> Result<Option<Person>, LdapError> {
    let filter = Filter::equal("userPrincipalName", name);
    let found = people(connection, facts, filter, SAME_NAME)?;
    let is_meant = |entry: &&Entry| is_same(entry.text("userPrincipalName"), name);
    let mut meant = found.iter().filter(is_meant);
    match (meant.next(), meant.next()) {
        (Some(one), None) => Ok(Some(Person::read(one)?)),
        _ => Ok(None),
    }
}

/// The name of another account than `own`, a person's or not, with this userPrincipalName, in any
/// case.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn another_with_principal_name(
    connection: &mut Connection,
    facts: &DomainFacts,
    name: &str,
    own: &Sid,
) -> Result<Option<String>, LdapError> {
    let found = connection.search(&Search {
        base: &facts.base,
        scope: Scope::Subtree,
        filter: Filter::equal("userPrincipalName", name),
        attributes: &["sAMAccountName", "objectSid"],
        limit: SAME_NAME,
    })?;
    for entry in &found {
        if entry::sid(entry)? != *own {
            return Ok(Some(text(entry, "sAMAccountName")?));
        }
    }
    Ok(None)
}

/// The person with this identifier.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn person_by_sid(
    connection: &mut Connection,
    facts: &DomainFacts,
    sid: &Sid,
) -> Result<Option<Person>, LdapError> {
    let found = people(
        connection,
        facts,
        Filter::Equal("objectSid", sid.to_bytes()),
        1,
    )?;
    Ok(found.first().map(Person::read).transpose()?)
}

/// The person with this user id; of several with one uidNumber the one whose identifier is
/// the oldest.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn person_by_id(
    connection: &mut Connection,
    facts: &DomainFacts,
    scheme: Scheme,
    uid: u32,
) -> Result<Option<Person>, LdapError> {
    let Some(filter) = whose(scheme, &facts.sid, uid).filter("uidNumber") else {
        return Ok(None);
    };
    let found = people(connection, facts, filter, SAME_NAME)?;
    let people: Result<Vec<Person>, Flaw> = found.iter().map(Person::read).collect();
    Ok(people?.into_iter().min_by_key(|person| person.sid.rid()))
}

/// The group with this account name, in any case.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn team_by_name(
    connection: &mut Connection,
    facts: &DomainFacts,
    name: &str,
) -> Result<Option<Team>, LdapError> {
    let found = teams(
        connection,
        facts,
        Filter::equal("sAMAccountName", name),
        SAME_NAME,
    )?;
    let is_meant = |entry: &&Entry| is_same(entry.text("sAMAccountName"), name);
    Ok(found.iter().find(is_meant).map(Team::read).transpose()?)
}

/// The group with this identifier.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn team_by_sid(
    connection: &mut Connection,
    facts: &DomainFacts,
    sid: &Sid,
) -> Result<Option<Team>, LdapError> {
    let found = teams(
        connection,
        facts,
        Filter::Equal("objectSid", sid.to_bytes()),
        1,
    )?;
    Ok(found.first().map(Team::read).transpose()?)
}

/// The group with this group id; of several with one gidNumber the one whose identifier is
/// the oldest.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn team_by_id(
    connection: &mut Connection,
    facts: &DomainFacts,
    scheme: Scheme,
    gid: u32,
) -> Result<Option<Team>, LdapError> {
    let Some(filter) = whose(scheme, &facts.sid, gid).filter("gidNumber") else {
        return Ok(None);
    };
    let found = teams(connection, facts, filter, SAME_NAME)?;
    let teams: Result<Vec<Team>, Flaw> = found.iter().map(Team::read).collect();
    Ok(teams?.into_iter().min_by_key(|team| team.sid.rid()))
}

fn people(
    connection: &mut Connection,
    facts: &DomainFacts,
    filter: Filter,
    limit: usize,
) -> Result<Vec<Entry>, LdapError> {
    connection.search(&Search {
        base: &facts.base,
        scope: Scope::Subtree,
        filter: is_person(filter),
        attributes: PERSON,
        limit,
    })
}

fn teams(
    connection: &mut Connection,
    facts: &DomainFacts,
    filter: Filter,
    limit: usize,
) -> Result<Vec<Entry>, LdapError> {
    teams_with(connection, facts, filter, TEAM, limit)
}

fn teams_with(
    connection: &mut Connection,
    facts: &DomainFacts,
    filter: Filter,
    attributes: &[&str],
    limit: usize,
) -> Result<Vec<Entry>, LdapError> {
    connection.search(&Search {
        base: &facts.base,
        scope: Scope::Subtree,
        filter: is_team(filter),
        attributes,
        limit,
    })
}

/// The one entry of this name.
fn base(connection: &mut Connection, dn: &str, attributes: &[&str]) -> Result<Entry, LdapError> {
    let mut found = connection.search(&Search {
        base: dn,
        scope: Scope::Base,
        filter: Filter::Present("objectClass"),
        attributes,
        limit: 1,
    })?;
    found.pop().ok_or(LdapError::Malformed)
}

fn is_person(filter: Filter) -> Filter {
    Filter::And(vec![Filter::equal("sAMAccountType", USER_OBJECT), filter])
}

fn is_team(filter: Filter) -> Filter {
    Filter::And(vec![Filter::equal("objectClass", "group"), filter])
}

fn is_same(found: Option<&str>, asked: &str) -> bool {
    found.is_some_and(|found| UserName::fold(found) == UserName::fold(asked))
}

fn text(entry: &Entry, attribute: &'static str) -> Result<String, Flaw> {
    entry
        .text(attribute)
        .map(str::to_owned)
        .ok_or(Flaw(attribute))
}
