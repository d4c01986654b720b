//! Who is in which group.

use super::{base, is_person, is_team, teams_with};
use crate::entry::{self, Flaw, Person, TEAM, Team};
use crate::ldap::{Connection, Filter, LdapError, Scope, Search};
use crate::queries::DomainFacts;
use domlogon_protocol::Sid;
use domlogon_rules::Membership;
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

/// LDAP_MATCHING_RULE_IN_CHAIN: a link that leads there over any number of steps.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
/// Identifiers that are asked for at once.
const BATCH: usize = 50;
/// Nobody can log on to a domain with more than 1,010 groups.
const MOST_GROUPS: usize = 4096;
/// Most groups within a group.
const MOST_NESTED: usize = 20_000;
/// Most members of a group that are listed.
const MOST_MEMBERS: usize = 100_000;

/// The identifiers of all groups of a person, nested ones and the primary one included
/// (tokenGroups).
///
/// # Errors
/// [`LdapError`]. Somebody without any group is a flaw: everybody has a primary group, so
/// this host may not read them, and rights that deny a group would not be seen.
pub(crate) fn groups_of(
    connection: &mut Connection,
    person: &Person,
) -> Result<Vec<Sid>, LdapError> {
    const ATTRIBUTE: &str = "tokenGroups";
    let entry = base(connection, &person.dn, &[ATTRIBUTE])?;
    let values = entry.values(ATTRIBUTE);
    if values.is_empty() || values.len() > MOST_GROUPS {
        return Err(Flaw(ATTRIBUTE).into());
    }
    let sids: Option<Vec<Sid>> = values.iter().map(|value| Sid::from_bytes(value)).collect();
    sids.ok_or_else(|| Flaw(ATTRIBUTE).into())
}

/// The groups with these identifiers. One that is not there, or that cannot be used, is
/// left out.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn teams_by_sids(
    connection: &mut Connection,
    facts: &DomainFacts,
    sids: &[Sid],
) -> Result<Vec<Team>, LdapError> {
    let mut found = Vec::with_capacity(sids.len());
    for batch in sids.chunks(BATCH) {
        let entries = teams_with(connection, facts, any_sid(batch), TEAM, batch.len())?;
        found.extend(entries.iter().filter_map(|entry| Team::read(entry).ok()));
    }
    Ok(found)
}

/// Who is directly in what: the person, and those of these groups that are in another one
/// of them. `sids` are the person's groups ([`groups_of`]).
///
/// # Errors
/// [`LdapError`]
pub(crate) fn memberships(
    connection: &mut Connection,
    facts: &DomainFacts,
    person: &Person,
    sids: &[Sid],
) -> Result<Vec<Membership>, LdapError> {
    let attributes = ["objectSid", "sAMAccountName", "memberOf"];
    let own = base(connection, &person.dn, &["memberOf"])?;
    let mut groups = Vec::new();
    for batch in sids.chunks(BATCH) {
        groups.extend(teams_with(
            connection,
            facts,
            any_sid(batch),
            &attributes,
            batch.len(),
        )?);
    }
    let mut known: HashMap<String, (Sid, String)> = HashMap::new();
    for group in &groups {
        if let (Ok(sid), Some(name)) = (entry::sid(group), group.text("sAMAccountName")) {
            known.insert(group.dn.to_lowercase(), (sid, name.to_owned()));
        }
    }
    let mut found = Vec::new();
    let mut link = |member: &Sid, group: Option<&(Sid, String)>| {
        if let Some((group, name)) = group {
            found.push(Membership {
                member: member.clone(),
                group: group.clone(),
                name: name.clone(),
            });
        }
    };
    let primary = facts.sid.with_rid(person.primary_group);
    link(&person.sid, known.values().find(|(sid, _)| *sid == primary));
    let of_person = own.values("memberOf").iter().map(|dn| (&person.sid, dn));
    for (member, dn) in of_person {
        link(member, known.get(&lower(dn)));
    }
    for group in &groups {
        let Ok(member) = entry::sid(group) else {
            continue;
        };
        for dn in group.values("memberOf") {
            link(&member, known.get(&lower(dn)));
        }
    }
    Ok(found)
}

/// The account names of all people in a group, nested ones included, and those for whom it
/// or a nested one is the primary group.
///
/// # Errors
/// [`LdapError::TooMuch`] for a group of more than 100,000; [`LdapError`].
pub(crate) fn members_of(
    connection: &mut Connection,
    facts: &DomainFacts,
    team: &Team,
) -> Result<Vec<String>, LdapError> {
    let below = |dn: &str| Filter::Rule(IN_CHAIN, "memberOf", dn.as_bytes().to_vec());
    let mut groups = vec![team.sid.clone()];
    let search = Search {
        base: &facts.base,
        scope: Scope::Subtree,
        filter: is_team(below(&team.dn)),
        attributes: &["objectSid"],
        limit: MOST_NESTED,
    };
    connection.pages(&search, &mut |entry| {
        groups.extend(entry::sid(&entry).ok());
        ControlFlow::Continue(())
    })?;
    let mut conditions: Vec<Filter> = groups
        .into_iter()
        // Only a group of the domain can be somebody's primary one.
        .filter(|sid| sid.domain_part().as_ref() == Some(&facts.sid))
        .filter_map(|sid| sid.rid())
        .map(|rid| Filter::equal("primaryGroupID", &rid.to_string()))
        .collect();
    conditions.push(below(&team.dn));
    let mut names = BTreeSet::new();
    for batch in conditions.chunks(BATCH) {
        let search = Search {
            base: &facts.base,
            scope: Scope::Subtree,
            filter: is_person(Filter::Or(batch.to_vec())),
            attributes: &["sAMAccountName"],
            limit: MOST_MEMBERS,
        };
        connection.pages(&search, &mut |entry| {
            names.extend(entry::name(&entry).ok());
            ControlFlow::Continue(())
        })?;
    }
    if names.len() > MOST_MEMBERS {
        return Err(LdapError::TooMuch);
    }
    Ok(names.into_iter().collect())
}

fn any_sid(sids: &[Sid]) -> Filter {
    let equal = |sid: &Sid| Filter::Equal("objectSid", sid.to_bytes());
    Filter::Or(sids.iter().map(equal).collect())
}

fn lower(dn: &[u8]) -> String {
    String::from_utf8_lossy(dn).to_lowercase()
}
