//! A user as the directory has him, and what he carries on this host.

use super::Directory;
use crate::cache::{CacheError, KnownPerson};
use crate::entry::Person;
use crate::ids;
use crate::ldap::{Connection, LdapError};
use crate::policy;
use crate::queries::{self, DomainFacts};
use crate::servers::Server;
use crate::trouble::Trouble;
use domlogon_protocol::{Policy, Qualifier, Sid, Timestamp, UserName};
use domlogon_rules::{Account, Flags, Token};
use std::time::Instant;

/// A member server's aliases, and the groups of the domain that a join puts into them.
pub(crate) const ALIASES: [(u32, u32); 3] = [(512, 544), (513, 545), (514, 546)];

/// A user as the directory has him now, with all that judging takes.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) person: Person,
    pub(crate) groups: Vec<Sid>,
    pub(crate) policy: Policy,
    /// The policy is the domain's, and another one is in force that this host may not read.
    pub(crate) is_guess: bool,
    /// The domain lets nobody but administrators change a password.
    pub(crate) refuses_change: bool,
}

impl Live {
    /// The account as the rules see it.
    pub(crate) fn account(&self) -> Account {
        let mut account = self.person.account();
        if self.refuses_change {
            account.flags = account.flags.with(Flags::PASSWD_CANT_CHANGE);
        }
        account
    }
}

impl Directory {
    /// The user of this name as the directory has him now; `None` if it has none. The cache
    /// learns either.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(crate) fn live(
        &self,
        server: &Server,
        deadline: Instant,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<Live>, Trouble> {
        let facts = self.facts(server, deadline, now)?;
        let domain = self.domain_policy(server, deadline, &facts, now)?;
        let found = self.session.ldap(server, deadline, now, |connection| {
            let Some(person) = find(connection, &facts, user)? else {
                return Ok(None);
            };
            let is_alias = UserName::fold(&person.name) != user.key();
            let is_known = || self.cache.has_person(&user.key()).unwrap_or(true);
            if is_alias && is_known() {
                // Whom NSS knows by this name is gone, and somebody else is called so: he
                // must not get the other's ids.
                return Ok(None);
            }
            let groups = queries::groups_of(connection, &person)?;
            let effective = policy::of_person(connection, &person, &domain.policy)?;
            Ok(Some(Live {
                person,
                groups,
                policy: effective.policy,
                is_guess: effective.is_guess,
                refuses_change: domain.refuses_change,
            }))
        })?;
        match &found {
            Some(live) => {
                self.noted(self.keep(&live.person, Some(&live.groups), now));
            }
            // That there is nobody leads on to the host's own modules, which ask for the name.
            None => self
                .cache
                .forget_person(&user.key())
                .map_err(Trouble::NotForgotten)?,
        }
        Ok(found)
    }

    pub(crate) fn keep(
        &self,
        person: &Person,
        groups: Option<&[Sid]>,
        now: Timestamp,
    ) -> Result<(), CacheError> {
        let uid = ids::uid_of(self.settings.ids, person).filter(|uid| self.may_have(*uid));
        self.cache.keep_person(person, uid, groups, now)
    }

    /// A user as he was when the directory was last asked, to be judged by that.
    pub(crate) fn remembered(&self, user: &UserName) -> Option<(KnownPerson, Live)> {
        let known = self.cache.person_by_key(&user.key()).ok()??;
        let live = Live {
            policy: self.remembered_policy(&known.person),
            groups: known.groups.clone()?.0,
            person: known.person.clone(),
            is_guess: false,
            refuses_change: false,
        };
        Some((known, live))
    }

    /// What the account carries at a logon on this host: the groups of its domain, and this
    /// host's own aliases, in which the domain's groups are since the join.
    pub(crate) fn token(&self, live: &Live) -> Token {
        let groups = carried(&live.person, &live.groups);
        Token::new(&live.person.name, live.person.sid.clone(), groups)
    }
}

/// The person of this name: an account name, or with an `@` also another name of the account
/// (userPrincipalName).
fn find(
    connection: &mut Connection,
    facts: &DomainFacts,
    user: &UserName,
) -> Result<Option<Person>, LdapError> {
    // As everywhere else on this host: by the key, so that nobody is asked for here who is
    // somebody else to NSS and the cache.
    let found = queries::person_by_name(connection, facts, &user.key())?;
    match (found, user.qualifier()) {
        (None, Qualifier::Dns(_)) => {
            queries::person_by_principal_name(connection, facts, &user.to_string())
        }
        (found, _) => Ok(found),
    }
}

/// The groups that count on this host. The aliases of the controllers themselves
/// (`S-1-5-32-…` in the directory) say nothing about it.
pub(crate) fn carried(person: &Person, groups: &[Sid]) -> Vec<Sid> {
    let mut carried: Vec<Sid> = groups
        .iter()
        .filter(|sid| !is_alias(sid))
        .cloned()
        .collect();
    if let Some(domain) = person.sid.domain_part() {
        let primary = domain.with_rid(person.primary_group);
        if !carried.contains(&primary) {
            carried.push(primary);
        }
        for (group, alias) in ALIASES {
            if carried.contains(&domain.with_rid(group)) {
                carried.push(Sid::builtin(alias));
            }
        }
    }
    carried
}

/// Whether this is an alias of the BUILTIN domain.
pub(crate) fn is_alias(sid: &Sid) -> bool {
    sid.rid().is_some_and(|rid| *sid == Sid::builtin(rid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aliases_are_this_hosts_own() {
        let domain = Sid::domain(1, 2, 3);
        let alice = Person::example("alice", 1103);
        let groups = [
            domain.with_rid(512),
            domain.with_rid(1200),
            // What the controllers' own Backup Operators are is not for this host to say.
            Sid::builtin(551),
        ];
        let carried = carried(&alice, &groups);
        for has in [
            domain.with_rid(512),
            domain.with_rid(513),
            domain.with_rid(1200),
            Sid::builtin(544),
            Sid::builtin(545),
        ] {
            assert!(carried.contains(&has), "{has}");
        }
        assert!(!carried.contains(&Sid::builtin(551)));
        assert!(!carried.contains(&Sid::builtin(546)));
    }
}
