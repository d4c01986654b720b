//! Who is meant by a name in a list of rights, and what somebody carries at a logon.

use crate::directory::{Directory, LOGON, LOOK_UP, Live, carried};
use crate::entry::{Person, Team};
use crate::ids;
use crate::queries;
use domlogon_protocol::admin::AdminError;
use domlogon_protocol::{Explanation, Qualifier, Sid, Timestamp, UserName};
use domlogon_rules::backend::{Outage, Principal};
use domlogon_rules::{self as rules, Flags, Membership, Place, Token, well_known};

/// Domain Admins.
const DOMAIN_ADMINS: u32 = 512;
/// BUILTIN\Administrators.
const ADMINISTRATORS: u32 = 544;

/// Administrators who are looked at by the guard of the last one.
const MOST_ADMINISTRATORS: usize = 200;

impl Directory {
    pub(crate) fn principal_of(
        &self,
        name: &UserName,
        now: Timestamp,
    ) -> Result<Option<Principal>, Outage> {
        let built_in = matches!(name.qualifier(),
            Qualifier::Short(domain) if UserName::fold(domain) == "builtin");
        if built_in {
            let found = well_known::find(&format!("BUILTIN\\{}", name.account()));
            return Ok(found.map(|(sid, name)| Principal {
                sid,
                name: name.to_owned(),
            }));
        }
        if !self.settings.owns(name) {
            return Ok(None);
        }
        let alone = *name.qualifier() == Qualifier::None;
        let account = name.account();
        let (person, team) = self.look_up(LOGON, now, |connection, facts| {
            Ok((
                queries::person_by_name(connection, facts, account)?,
                queries::team_by_name(connection, facts, account)?,
            ))
        })?;
        Ok(self.meant(person, team, alone))
    }

    /// Which of the two has rights. A group that no logon carries has none: in a deny list it
    /// would keep nobody out. Who is hidden for an id of this host's alone stays in the lists
    /// that name him.
    fn meant(&self, person: Option<Person>, team: Option<Team>, alone: bool) -> Option<Principal> {
        let person = person.filter(|person| self.numbered(person).is_some());
        if let Some(person) = person {
            return Some(Principal {
                sid: person.sid,
                name: person.name,
            });
        }
        let team = team.filter(Team::is_security);
        let team = team.filter(|team| !alone || self.is_visible_group(&team.name));
        team.map(|team| Principal {
            sid: team.sid,
            name: team.name,
        })
    }

    pub(crate) fn name_of_sid(&self, sid: &Sid, now: Timestamp) -> Result<Option<String>, Outage> {
        if let Some(known) = self.cached(self.cache.team_by_sid(sid)) {
            return Ok(Some(known.team.name));
        }
        if let Some(known) = self.cached(self.cache.person_by_sid(sid)) {
            return Ok(Some(known.person.name));
        }
        Ok(self.look_up(LOOK_UP, now, |connection, facts| {
            if let Some(team) = queries::team_by_sid(connection, facts, sid)? {
                return Ok(Some(team.name));
            }
            Ok(queries::person_by_sid(connection, facts, sid)?.map(|person| person.name))
        })?)
    }

    /// What a user carries, with the chain to each group.
    pub(crate) fn token_of_name(
        &self,
        name: &UserName,
        now: Timestamp,
    ) -> Result<Option<Token>, Outage> {
        let found = self.traced(name, now)?;
        Ok(found.map(|(_, token)| token))
    }

    pub(crate) fn explained(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Option<Explanation>, Outage> {
        let found = self.traced(user, now)?;
        Ok(found
            .map(|(live, token)| rules::explain(&live.account(), &token, &live.policy, place, now)))
    }

    fn traced(&self, name: &UserName, now: Timestamp) -> Result<Option<(Live, Token)>, Outage> {
        if !self.settings.owns(name) || !self.is_visible_user(name.account()) {
            return Ok(None);
        }
        // Everybody may have his own logon explained.
        let asked = self.ask_for_anybody(LOGON, now, |server, deadline| {
            let Some(live) = self.live(server, deadline, name, now)? else {
                return Ok(None);
            };
            let facts = self.facts(server, deadline, now)?;
            let memberships = self.session.ldap(server, deadline, now, |connection| {
                queries::memberships(connection, &facts, &live.person, &live.groups)
            })?;
            let token = traced_token(&live, memberships);
            Ok(Some((live, token)))
        });
        let found = match asked {
            Ok(found) => found,
            Err(trouble) => {
                let Some((_, live)) = self.remembered(name) else {
                    return Err(trouble.into());
                };
                let token = self.token(&live);
                Some((live, token))
            }
        };
        Ok(found.filter(|(live, _)| self.has_identity(live)))
    }

    /// Why this host does not see an account that has a name of its own, for administrators.
    pub(crate) fn hidden_account(
        &self,
        name: &UserName,
        now: Timestamp,
    ) -> Result<Option<AdminError>, Outage> {
        if !self.settings.owns(name) || !self.is_visible_user(name.account()) {
            return Ok(None);
        }
        let asked = self.ask(LOGON, now, |server, deadline| {
            self.live(server, deadline, name, now)
        });
        let live = match asked {
            Ok(live) => live,
            Err(trouble) => match self.remembered(name) {
                Some((_, live)) => Some(live),
                None => return Err(trouble.into()),
            },
        };
        Ok(live.and_then(|live| self.clash(&live.person)))
    }

    /// The id of this host's own that hides a person.
    fn clash(&self, person: &Person) -> Option<AdminError> {
        if !self.is_visible_user(&person.name) {
            return None;
        }
        let scheme = self.settings.ids;
        let uid = ids::uid_of(scheme, person)?;
        let gid = ids::primary_gid_of(scheme, person);
        self.local.hides(&person.name, uid, gid)
    }

    pub(crate) fn administers(&self, uid: u32, now: Timestamp) -> Result<bool, Outage> {
        let Some(user) = self.user_of_uid(uid, now)? else {
            return Ok(false);
        };
        let Ok(name) = UserName::parse(user.name.as_bytes()) else {
            return Ok(false);
        };
        // Whoever knocks at the administrators' door is asked about.
        let found = self.ask_for_anybody(LOGON, now, |server, deadline| {
            self.live(server, deadline, &name, now)
        });
        let live = match found {
            Ok(found) => found,
            Err(trouble) => match self.remembered(&name) {
                Some((_, live)) => Some(live),
                None => return Err(trouble.into()),
            },
        };
        Ok(live.is_some_and(|live| {
            let account = live.account();
            let has = carried(&live.person, &live.groups).contains(&Sid::builtin(ADMINISTRATORS));
            has && !account.flags.contains(Flags::ACCOUNTDISABLE)
                && account.expires.is_none_or(|end| now <= end)
        }))
    }

    /// The tokens of the domain's administrators who can log on.
    pub(crate) fn administrator_tokens(&self, now: Timestamp) -> Result<Vec<Token>, Outage> {
        let lives = self.look_up(LOGON, now, |connection, facts| {
            let admins = facts.sid.with_rid(DOMAIN_ADMINS);
            let Some(team) = queries::team_by_sid(connection, facts, &admins)? else {
                return Ok(Vec::new());
            };
            let mut lives = Vec::new();
            let members = queries::members_of(connection, facts, &team)?;
            for name in members.iter().take(MOST_ADMINISTRATORS) {
                let Some(person) = queries::person_by_name(connection, facts, name)? else {
                    continue;
                };
                let groups = queries::groups_of(connection, &person)?;
                lives.push((person, groups));
            }
            Ok(lives)
        })?;
        Ok(lives
            .into_iter()
            .filter(|(person, _)| self.user(person).is_some())
            .filter(|(person, _)| {
                let account = person.account();
                !account.flags.contains(Flags::ACCOUNTDISABLE)
                    && account.expires.is_none_or(|end| now <= end)
            })
            .map(|(person, groups)| {
                let groups = carried(&person, &groups);
                Token::new(&person.name, person.sid.clone(), groups)
            })
            .collect())
    }
}

/// The chains of the directory, and those that end in an alias of this host. What a logon carries
/// beyond that has no chain: a group of another domain, one that the account had in an earlier
/// domain, or one whose entry this host may not read.
fn traced_token(live: &Live, mut memberships: Vec<Membership>) -> Token {
    let person = &live.person;
    memberships.retain(|membership| !crate::directory::is_alias(&membership.group));
    if let Some(domain) = person.sid.domain_part() {
        for (group, alias) in crate::directory::ALIASES {
            memberships.push(Membership {
                member: domain.with_rid(group),
                group: Sid::builtin(alias),
                name: well_known::name_of(&Sid::builtin(alias))
                    .unwrap_or_default()
                    .to_owned(),
            });
        }
    }
    let traced =
        |memberships: &[Membership]| Token::traced(&person.name, person.sid.clone(), memberships);
    let token = traced(&memberships);
    let mut more = carried(person, &live.groups);
    more.retain(|sid| !token.groups().contains(sid));
    if more.is_empty() {
        return token;
    }
    memberships.extend(more.into_iter().map(|sid| Membership {
        member: person.sid.clone(),
        name: sid.to_string(),
        group: sid,
    }));
    traced(&memberships)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logon::tests::{open, open_on, settings};
    use crate::settings::Settings;
    use domlogon_protocol::Policy;
    use domlogon_rules::FewLocalNames;
    use std::sync::Arc;

    #[test]
    fn a_group_that_no_logon_carries_has_no_rights() {
        let folder = tempfile::tempdir().unwrap();
        let directory = open(settings(folder.path()));
        // Security groups, global, local to the domain, universal and built in; and those for mail.
        for (group_type, is_meant) in [
            (0x8000_0002, true),
            (0x8000_0004, true),
            (0x8000_0008, true),
            (0x8000_0005, true),
            (2, false),
            (4, false),
            (8, false),
        ] {
            let team = Team {
                dn: "CN=mail,DC=corp,DC=example".to_owned(),
                sid: Sid::domain(1, 2, 3).with_rid(1200),
                name: "mail".to_owned(),
                gid_number: None,
                group_type,
                usn: 1,
            };
            let found = directory.meant(None, Some(team.clone()), true);
            assert_eq!(found.is_some(), is_meant, "{group_type:x}");
            // Nor is it a group of the host: its members are not in it when they log on.
            assert_eq!(directory.shown_group(&team, &[]).is_some(), is_meant);
            let alice = Person::example("alice", 1103);
            let found = directory.meant(Some(alice), Some(team), true).unwrap();
            assert_eq!(found.name, "alice");
        }
    }

    #[test]
    fn who_is_hidden_for_his_id_alone_stays_in_the_lists_that_name_him() {
        let folder = tempfile::tempdir().unwrap();
        let alice = Person::example("alice", 1103);
        let scheme = settings(folder.path()).ids;
        let uid = ids::uid_of(scheme, &alice).unwrap();
        let gid = ids::primary_gid_of(scheme, &alice).unwrap();
        let of_uid = || FewLocalNames {
            uids: vec![uid],
            ..FewLocalNames::default()
        };
        let of_gid = || FewLocalNames {
            gids: vec![gid],
            ..FewLocalNames::default()
        };
        for local in [of_uid(), of_uid().lent(), of_gid(), of_gid().lent()] {
            let directory = open_on(settings(folder.path()), Arc::new(local));
            assert_eq!(directory.user(&alice), None);
            let found = directory.meant(Some(alice.clone()), None, true).unwrap();
            assert_eq!(
                (found.name, found.sid),
                ("alice".to_owned(), alice.sid.clone())
            );
        }
        // A name that is the host's own means nobody of the domain, nor does an id below the
        // least one.
        let local = FewLocalNames {
            users: vec!["alice"],
            ..FewLocalNames::default()
        };
        let directory = open_on(settings(folder.path()), Arc::new(local));
        assert_eq!(directory.meant(Some(alice.clone()), None, true), None);
        let directory = open(Settings {
            minimum: uid + 1,
            ..settings(folder.path())
        });
        assert_eq!(directory.meant(Some(alice), None, true), None);
    }

    #[test]
    fn what_is_explained_is_carried_by_a_logon() {
        let person = Person::example("alice", 1103);
        let own = |rid| Sid::domain(1, 2, 3).with_rid(rid);
        let foreign = Sid::domain(4, 5, 6).with_rid(1113);
        let live = Live {
            groups: vec![own(person.primary_group), own(1200), foreign.clone()],
            person,
            policy: Policy::default(),
            is_guess: false,
            refuses_change: false,
        };
        let way = |member: Sid, group: u32, name: &str| Membership {
            member,
            group: own(group),
            name: name.to_owned(),
        };
        let memberships = vec![
            way(own(1103), live.person.primary_group, "Domain Users"),
            way(own(1103), 1200, "staff"),
        ];
        let token = traced_token(&live, memberships);
        let sorted = |sids: &[Sid]| {
            let mut texts: Vec<String> = sids.iter().map(Sid::to_string).collect();
            texts.sort();
            texts
        };
        let carried = carried(&live.person, &live.groups);
        assert!(carried.contains(&foreign));
        assert_eq!(sorted(token.groups()), sorted(&carried));
    }
}
