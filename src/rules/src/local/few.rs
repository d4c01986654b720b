//! A host that is made up, in tests and for measurements.

use super::LocalNames;
use domlogon_protocol::UserName;

/// Whose the ids of users are.
const OWNER: &str = "bob";

/// A host that has no local names but these, and root.
#[derive(Clone, Debug, Default)]
pub struct FewLocalNames {
    /// Names of users, in small letters.
    pub users: Vec<&'static str>,
    /// Names of groups, in small letters.
    pub groups: Vec<&'static str>,
    /// Ids of users. All of them are bob's.
    pub uids: Vec<u32>,
    /// Ids of groups.
    pub gids: Vec<u32>,
    /// Whose subordinate ids there are, of users as of groups, the first one and the last.
    pub ranges: Vec<(&'static str, u32, u32)>,
}

impl FewLocalNames {
    /// A host on which none of the ids is taken yet, and bob may take each of them.
    #[must_use]
    pub fn lent(mut self) -> Self {
        let ids = self.uids.drain(..).chain(self.gids.drain(..));
        self.ranges.extend(ids.map(|id| (OWNER, id, id)));
        self
    }
}

impl LocalNames for FewLocalNames {
    fn has_user(&self, name: &str) -> bool {
        self.users.contains(&&*UserName::fold(name))
    }

    fn has_group(&self, name: &str) -> bool {
        self.groups.contains(&&*UserName::fold(name))
    }

    fn owner_of(&self, uid: u32) -> Option<String> {
        self.uids.contains(&uid).then(|| OWNER.to_owned())
    }

    fn has_gid(&self, gid: u32) -> bool {
        self.gids.contains(&gid)
    }

    fn subordinate(&self, id: u32) -> Option<(String, u32)> {
        let mut ranges = self.ranges.iter();
        let (owner, _, last) = ranges.find(|(_, first, last)| (*first..=*last).contains(&id))?;
        Some(((*owner).to_owned(), *last))
    }
}
