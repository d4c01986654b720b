//! What NSS asks. The backend leaves out local names and ids below the minimum; names of
//! other domains and the system's ids are answered here, without asking it.

use super::Desk;
use domlogon_protocol::{LOWEST_ID, Reply, UserName};
use domlogon_rules::backend::Outage;

/// Users of one page: some hundred kilobytes.
const USERS: usize = 1000;

/// Groups of one page: each may have thousands of members.
const GROUPS: usize = 50;

impl Desk {
    pub(super) fn user_by_name(&self, name: &str) -> Reply {
        reply(
            match self.own_name(name) {
                Some(name) => self.backend.user_by_name(&name.key()),
                None => Ok(None),
            },
            Reply::User,
        )
    }

    pub(super) fn user_by_id(&self, uid: u32) -> Reply {
        reply(
            match uid {
                0..LOWEST_ID => Ok(None),
                _ => self.backend.user_by_id(uid),
            },
            Reply::User,
        )
    }

    pub(super) fn group_by_name(&self, name: &str) -> Reply {
        reply(
            match self.own_name(name) {
                Some(name) => self.backend.group_by_name(name.account()),
                None => Ok(None),
            },
            Reply::Group,
        )
    }

    pub(super) fn group_by_id(&self, gid: u32) -> Reply {
        reply(
            match gid {
                0..LOWEST_ID => Ok(None),
                _ => self.backend.group_by_id(gid),
            },
            Reply::Group,
        )
    }

    pub(super) fn groups_of(&self, name: &str) -> Reply {
        reply(
            match self.own_name(name) {
                Some(name) => self.backend.group_ids(&name.key()),
                None => Ok(None),
            },
            Reply::GroupIds,
        )
    }

    pub(super) fn users(&self, after: u32) -> Reply {
        reply(self.backend.users(after, USERS), Reply::Users)
    }

    pub(super) fn groups(&self, after: u32) -> Reply {
        reply(self.backend.groups(after, GROUPS), Reply::Groups)
    }

    /// The name, if it is well formed and of our domain.
    pub(super) fn own_name(&self, name: &str) -> Option<UserName> {
        let config = self.config();
        UserName::parse(name.as_bytes())
            .ok()
            .filter(|name| name.belongs_to(&config.name, &config.dns_name))
    }
}

fn reply<T>(found: Result<T, Outage>, wrap: fn(T) -> Reply) -> Reply {
    match found {
        Ok(found) => wrap(found),
        Err(Outage(verdict)) => Reply::Refused(verdict),
    }
}
