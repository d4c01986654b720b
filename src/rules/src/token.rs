//! What somebody carries who comes in: his own identifier and those of his groups.

use domlogon_protocol::{LogonType, Sid};
use std::collections::{HashMap, HashSet};

/// The identifiers by which rights are judged: the account, its groups with nested ones
/// and aliases, and, by the way in, the well-known groups that everybody is in.
#[derive(Clone, Debug)]
pub struct Token {
    name: String,
    user: Sid,
    groups: Vec<Sid>,
    /// By which member each group was reached; only in a traced one.
    ways: HashMap<Sid, Way>,
}

/// One membership: `member` is directly in `group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// A user or a group.
    pub member: Sid,
    /// The group that it is in.
    pub group: Sid,
    /// The name of that group.
    pub name: String,
}

#[derive(Clone, Debug)]
struct Way {
    member: Sid,
    name: String,
}

const GUEST: u32 = 501;

impl Token {
    /// The token of an account with all its groups, nested ones included. It knows no
    /// chains.
    #[must_use]
    pub fn new(name: &str, user: Sid, groups: Vec<Sid>) -> Self {
        Self {
            name: name.to_owned(),
            user,
            groups,
            ways: HashMap::new(),
        }
    }

    /// The token of an account whose groups are found here, through the memberships of
    /// the account and of its groups, in any order. It knows the shortest chain to each
    /// group. A ring of groups ends the search.
    #[must_use]
    pub fn traced(name: &str, user: Sid, memberships: &[Membership]) -> Self {
        let mut of: HashMap<&Sid, Vec<&Membership>> = HashMap::new();
        for membership in memberships {
            of.entry(&membership.member).or_default().push(membership);
        }
        let mut groups: Vec<Sid> = Vec::new();
        let mut ways = HashMap::new();
        let mut found = HashSet::from([user.clone()]);
        let mut reached = vec![user.clone()];
        while !reached.is_empty() {
            let mut next = Vec::new();
            for member in &reached {
                for membership in of.get(member).into_iter().flatten() {
                    if found.insert(membership.group.clone()) {
                        let way = Way {
                            member: member.clone(),
                            name: membership.name.clone(),
                        };
                        ways.insert(membership.group.clone(), way);
                        next.push(membership.group.clone());
                    }
                }
            }
            groups.extend(next.iter().cloned());
            reached = next;
        }
        Self {
            name: name.to_owned(),
            user,
            groups,
            ways,
        }
    }

    /// The account's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account's own identifier.
    #[must_use]
    pub const fn user(&self) -> &Sid {
        &self.user
    }

    /// The identifiers of its groups.
    #[must_use]
    pub fn groups(&self) -> &[Sid] {
        &self.groups
    }

    /// The first identifier for which `matches` says yes: of the account, its groups, the
    /// way in, and the groups that everybody is in.
    pub(crate) fn find(
        &self,
        logon_type: LogonType,
        matches: impl Fn(&Sid) -> bool,
    ) -> Option<Sid> {
        if matches(&self.user) {
            return Some(self.user.clone());
        }
        if let Some(group) = self.groups.iter().find(|sid| matches(sid)) {
            return Some(group.clone());
        }
        // The guest has proved nothing.
        let is_guest = self.user.rid() == Some(GUEST);
        ways_in(logon_type)
            .iter()
            .copied()
            .chain([11, 15].into_iter().filter(|_| !is_guest))
            .map(Sid::nt_authority)
            .chain([Sid::everyone()])
            .find(matches)
    }

    /// From the account to the group with this identifier, whose name is `last`. Empty in
    /// a token that is not traced.
    pub(crate) fn chain_to(&self, sid: &Sid, last: &str) -> Vec<String> {
        if *sid == self.user {
            return vec![self.name.clone()];
        }
        if !self.groups.contains(sid) {
            return vec![self.name.clone(), last.to_owned()];
        }
        let mut chain = Vec::new();
        let mut at = sid;
        while let Some(way) = self.ways.get(at) {
            chain.push(way.name.clone());
            at = &way.member;
        }
        if !chain.is_empty() {
            chain.push(self.name.clone());
            chain.reverse();
        }
        chain
    }
}

/// The well-known groups of a way in, S-1-5-n.
const fn ways_in(logon_type: LogonType) -> &'static [u32] {
    match logon_type {
        LogonType::Network => &[2],
        LogonType::Batch => &[3],
        LogonType::Interactive | LogonType::Unlock => &[4],
        LogonType::Service => &[6],
        LogonType::RemoteInteractive => &[14, 4],
        LogonType::Permit | LogonType::Deny => &[],
    }
}
