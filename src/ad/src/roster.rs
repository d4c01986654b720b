//! What is known of the directory, said without asking it.

use crate::cache::{KnownPerson, KnownTeam};
use crate::directory::{Directory, is_alias};
use crate::entry::Person;
use crate::ids::{self, Scheme};
use crate::names::FRESH;
use domlogon_protocol::{LOWEST_ID, Sid, Timestamp, UserName, Verdict};
use domlogon_rules::backend::Outage;
use domlogon_rules::roster::{
    Changes, DomainNames, Extent, GroupEntry, Kind, Listener, Roster, Subject, UserEntry,
};
use std::ops::ControlFlow;

/// People or groups that are read from the cache at once.
const PAGE: usize = 1000;

impl Roster for Directory {
    fn survey(&self, to: &mut dyn Listener) -> Result<(), Outage> {
        let mut after = 0;
        loop {
            let page = self.cache.people_after(after, PAGE).map_err(|_| UNREAD)?;
            let Some(last) = page.last() else { break };
            let next = ids::uid_of(self.settings.ids, &last.person);
            for known in &page {
                if self.say_person(known, to).unwrap_or(CONTINUE).is_break() {
                    return Ok(());
                }
            }
            match next.filter(|next| *next > after) {
                Some(next) => after = next,
                None => break,
            }
        }
        let mut after = 0;
        loop {
            let page = self.cache.teams_after(after, PAGE).map_err(|_| UNREAD)?;
            let Some(last) = page.last() else { break };
            let next = ids::gid_of(self.settings.ids, &last.team);
            for known in &page {
                if self.say_team(known, to).unwrap_or(CONTINUE).is_break() {
                    return Ok(());
                }
            }
            match next.filter(|next| *next > after) {
                Some(next) => after = next,
                None => break,
            }
        }
        Ok(())
    }

    /// Also when the whole directory has been read: who was added to it since is asked for at
    /// once, and not unknown until it is read again.
    fn extent(&self) -> Extent {
        Extent::Partial
    }

    fn changes(&self) -> Result<Changes, Outage> {
        Ok(self.cache.news.take())
    }

    fn review(&self, subjects: &[Subject], to: &mut dyn Listener) -> Result<(), Outage> {
        for subject in subjects {
            let key = &subject.key;
            let said = match subject.kind {
                Kind::User => {
                    let known = self.cache.person_by_key(key).map_err(|_| UNREAD)?;
                    known.and_then(|known| self.say_person(&known, to))
                }
                Kind::Group => {
                    let known = self.cache.team_by_key(key).map_err(|_| UNREAD)?;
                    known.and_then(|known| self.say_team(&known, to))
                }
            };
            if said.unwrap_or_else(|| to.absent(subject)).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn on_change(&self, bell: Box<dyn Fn() + Send + Sync>) {
        self.cache.news.ring_with(bell);
    }

    fn domain(&self) -> DomainNames {
        DomainNames {
            short: self.settings.domain.clone(),
            dns: self.settings.dns_name.clone(),
        }
    }

    fn minimum(&self) -> u32 {
        self.settings.minimum.max(LOWEST_ID)
    }
}

const UNREAD: Outage = Outage(Verdict::AcfFileIoFail);
const CONTINUE: ControlFlow<()> = ControlFlow::Continue(());

impl Directory {
    /// `None`: this host does not show him.
    fn say_person(&self, known: &KnownPerson, to: &mut dyn Listener) -> Option<ControlFlow<()>> {
        if known.is_doubted {
            return None;
        }
        let user = self.user(&known.person)?;
        let (groups, groups_seen) = match &known.groups {
            Some((groups, seen)) => (self.known_gids(&known.person, user.gid, groups), *seen),
            None => (None, Timestamp(0)),
        };
        Some(to.user(&UserEntry {
            key: &UserName::fold(&known.person.name),
            name: &user.name,
            uid: user.uid,
            gid: user.gid,
            full_name: &user.full_name,
            home: &user.home,
            shell: &user.shell,
            until: self.until(known.seen),
            groups: groups.as_deref(),
            // With `sync`, too, they are only read for whoever is asked for.
            groups_until: Some(groups_seen.plus(FRESH)),
        }))
    }

    /// `None`: this host does not show it.
    fn say_team(&self, known: &KnownTeam, to: &mut dyn Listener) -> Option<ControlFlow<()>> {
        if known.is_doubted {
            return None;
        }
        let (names, seen) = match &known.members {
            Some((names, seen)) => (Some(names.as_slice()), *seen),
            None => (None, Timestamp(0)),
        };
        let group = self.shown_group(&known.team, names.unwrap_or_default())?;
        let members: Vec<&str> = group.members.iter().map(String::as_str).collect();
        Some(to.group(&GroupEntry {
            key: &UserName::fold(&known.team.name),
            name: &group.name,
            gid: group.gid,
            members: names.map(|_| members.as_slice()),
            until: self.until(seen),
        }))
    }

    /// The ids of a user's groups, if all of them are known.
    fn known_gids(&self, person: &Person, primary: u32, groups: &[Sid]) -> Option<Vec<u32>> {
        let mut gids = vec![primary];
        for sid in groups.iter().filter(|sid| !is_alias(sid)) {
            let gid = match self.settings.ids {
                Scheme::Rfc2307 => {
                    let team = self.cached(self.cache.team_by_sid(sid))?.team;
                    ids::gid_of(self.settings.ids, &team)
                }
                scheme => ids::id_of_group(scheme, &person.sid, sid),
            };
            gids.extend(gid.filter(|gid| self.may_have(*gid) && !gids.contains(gid)));
        }
        self.local.strike_gids(&mut gids);
        Some(gids)
    }

    fn until(&self, seen: Timestamp) -> Option<Timestamp> {
        (!self.settings.sync).then(|| seen.plus(FRESH))
    }
}

#[cfg(test)]
mod tests;
