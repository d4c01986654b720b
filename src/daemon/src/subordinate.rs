//! Who is behind an id that nobody logs on with: by subuid(5) a user may have thousands of ids
//! beside his own, and connect with each.

use crate::listing::Listing;
use crate::local::Local;
use domlogon_protocol::admin::Subordinate;
use std::path::PathBuf;
use std::sync::Arc;

/// The host's subordinate user ids.
pub(crate) struct Subordinates {
    ranges: Listing<Vec<Range>>,
    local: Arc<Local>,
}

/// `owner:first:count`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) owner: String,
    first: u32,
    count: u32,
}

impl Subordinates {
    /// Those of this host.
    pub(crate) fn of_this_host(local: Arc<Local>) -> Self {
        Self::of_file("/etc/subuid".into(), local)
    }

    pub(crate) fn of_file(path: PathBuf, local: Arc<Local>) -> Self {
        Self {
            ranges: Listing::new(path, ranges),
            local,
        }
    }

    /// One id for all that are the same user's. That is his own, if he is of this host;
    /// otherwise the first of the range, for to look further could take as long as a directory
    /// does. Never root's, who has no bounds.
    pub(crate) fn owner(&self, uid: u32) -> u32 {
        if uid == 0 {
            return uid;
        }
        let ranges = self.ranges.now();
        let Some(range) = ranges.iter().find(|range| range.holds(uid)) else {
            return uid;
        };
        let number = range.owner.parse().ok();
        let own = number.or_else(|| self.local.id_of(&range.owner));
        own.filter(|own| *own != 0).unwrap_or(range.first)
    }
}

impl Range {
    pub(crate) fn holds(&self, uid: u32) -> bool {
        uid.checked_sub(self.first)
            .is_some_and(|place| place < self.count)
    }

    /// The last id of one that holds any.
    pub(crate) fn last(&self) -> u32 {
        self.first.saturating_add(self.count.saturating_sub(1))
    }

    /// As others are told of it.
    pub(crate) fn told(&self, is_of_groups: bool) -> Subordinate {
        Subordinate {
            owner: self.owner.clone(),
            first: self.first,
            last: self.last(),
            is_of_groups,
        }
    }
}

/// What /etc/subuid and /etc/subgid say.
pub(crate) fn ranges(bytes: &[u8]) -> Vec<Range> {
    String::from_utf8_lossy(bytes)
        .lines()
        .filter_map(range)
        .collect()
}

fn range(line: &str) -> Option<Range> {
    let mut fields = line.trim().split(':');
    let owner = fields.next()?.to_owned();
    let first = fields.next()?.parse().ok().filter(|first| *first != 0)?;
    let count = fields.next()?.parse().ok()?;
    Some(Range {
        owner,
        first,
        count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn all_of_a_range_are_one_user() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("passwd"), "root:x:0:0\nbob:x:1000:1000\n").unwrap();
        fs::write(
            path("subuid"),
            "# a comment\nbob:100000:65536\n1001:165536:10\nalice@corp:200000:1000\n\
             root:300000:10\nwrong:0:99999\nworse:x:1\nbob:4294967290:65536\n",
        )
        .unwrap();
        let local = Arc::new(Local::of_files(path("passwd"), path("group")));
        let subordinates = Subordinates::of_file(path("subuid"), Arc::clone(&local));
        for (uid, owner) in [
            (0, 0),
            (1000, 1000),
            (99_999, 99_999),
            (100_000, 1000),
            (165_535, 1000),
            (165_536, 1001),
            (165_546, 165_546),
            (200_999, 200_000),
            (300_005, 300_000),
            (u32::MAX, 1000),
        ] {
            assert_eq!(subordinates.owner(uid), owner, "{uid}");
        }
        let none = Subordinates::of_file(path("none"), local);
        assert_eq!(none.owner(100_000), 100_000);
    }
}
