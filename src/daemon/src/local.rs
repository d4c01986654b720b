//! The names that belong to this host: those in /etc/passwd and /etc/group.
//!
//! They are never the domain's. The files are read here, not through NSS: NSS would ask
//! this daemon.

use crate::listing::Listing;
use crate::log::{Level, Log};
use crate::subordinate::{self, Range};
use domlogon_protocol::UserName;
use domlogon_protocol::admin::Subordinate;
use domlogon_rules::{LocalNames, is_root};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The host's own users and groups.
pub(crate) struct Local {
    users: Listing<Lines>,
    groups: Listing<Lines>,
    /// Of users and of groups.
    subordinate: [Listing<Vec<Range>>; 2],
    /// Where it is told which of those ranges hide somebody of the domain, and which were.
    log: Option<Arc<Log>>,
    told: Mutex<HashSet<Subordinate>>,
}

/// Ranges that are told of in the log; of more it is not.
const MOST_TOLD: usize = 100;

impl Local {
    /// Those of this host.
    pub(crate) fn of_this_host(log: Arc<Log>) -> Self {
        Self::of_files("/etc/passwd".into(), "/etc/group".into()).telling(log)
    }

    /// With a log.
    pub(crate) fn telling(self, log: Arc<Log>) -> Self {
        let log = Some(log);
        Self { log, ..self }
    }

    /// Those of other files; those of subordinate ids lie beside the first.
    pub(crate) fn of_files(passwd: PathBuf, group: PathBuf) -> Self {
        let beside = |name| Listing::new(passwd.with_file_name(name), subordinate::ranges);
        Self {
            subordinate: ["subuid", "subgid"].map(beside),
            users: Listing::new(passwd, Lines::of),
            groups: Listing::new(group, Lines::of),
            log: None,
            told: Mutex::default(),
        }
    }
}

/// All names and ids of this host, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    users: Arc<Lines>,
    groups: Arc<Lines>,
    subordinate: [Arc<Vec<Range>>; 2],
}

impl Local {
    /// All of them.
    pub(crate) fn names(&self) -> Names {
        Names {
            users: self.users.now(),
            groups: self.groups.now(),
            subordinate: self.subordinate.each_ref().map(Listing::now),
        }
    }

    /// The range that hides this id of the domain's, told of in the log when it is the first.
    fn hiding(&self, ranges: &[Range], id: u32, is_of_groups: bool) -> Option<Subordinate> {
        let range = lent(ranges, id)?.told(is_of_groups);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = told.len() < MOST_TOLD && told.insert(range.clone());
        drop(told);
        if let Some(log) = self.log.as_ref().filter(|_| is_new) {
            let what = if is_of_groups { "group" } else { "user" };
            let Subordinate {
                owner, first, last, ..
            } = &range;
            let line = format!(
                "the {what} id {id} of the domain is nobody's on this host, nor is any other from \
                 {first} to {last}: the local user {owner:?} may take them, by {}; domlogon doctor \
                 names all whom that hides, and the way out",
                range.path()
            );
            log.write(Level::Warning, &line);
        }
        Some(range)
    }

    /// The id of a user with exactly this name.
    pub(crate) fn id_of(&self, name: &str) -> Option<u32> {
        let users = self.users.now();
        let found = users.owners.iter().find(|(_, owner)| *owner == name);
        found.map(|(id, _)| *id)
    }

    /// The folders of the files.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        [&self.users, &self.groups]
            .into_iter()
            .filter_map(|listing| listing.path().parent())
    }

    /// Whether one of the files is called this.
    pub(crate) fn is_file(&self, name: &OsStr) -> bool {
        let of_names = [&self.users, &self.groups].map(Listing::path);
        let of_ranges = self.subordinate.each_ref().map(Listing::path);
        let mut paths = of_names.into_iter().chain(of_ranges);
        paths.any(|path| path.file_name() == Some(name))
    }
}

/// Root is local, whatever the files say.
impl LocalNames for Local {
    fn has_user(&self, name: &str) -> bool {
        let key = UserName::fold(name);
        self.users.now().names.contains(&key)
    }

    fn strike_users(&self, names: &mut Vec<String>) {
        let now = self.users.now();
        names.retain(|name| !now.names.contains(&UserName::fold(name)));
    }

    fn has_group(&self, name: &str) -> bool {
        let key = UserName::fold(name);
        self.groups.now().names.contains(&key)
    }

    fn owner_of(&self, uid: u32) -> Option<String> {
        self.users.now().owners.get(&uid).cloned()
    }

    fn has_gid(&self, gid: u32) -> bool {
        self.groups.now().owners.contains_key(&gid)
    }

    fn subordinate(&self, id: u32) -> Option<(String, u32)> {
        self.subordinate.iter().find_map(|listing| {
            let ranges = listing.now();
            let range = ranges.iter().find(|range| range.holds(id))?;
            Some((range.owner.clone(), range.last()))
        })
    }

    /// Whoever asks this has nobody of the domain in mind: nobody is hidden.
    fn has_id(&self, id: u32) -> bool {
        let [users, groups] = &self.subordinate;
        self.owner_of(id).is_some()
            || self.has_gid(id)
            || lent(&users.now(), id).is_some()
            || lent(&groups.now(), id).is_some()
    }

    fn lent_uid(&self, uid: u32) -> Option<Subordinate> {
        let [users, _] = &self.subordinate;
        self.hiding(&users.now(), uid, false)
    }

    fn lent_gid(&self, gid: u32) -> Option<Subordinate> {
        let [_, groups] = &self.subordinate;
        self.hiding(&groups.now(), gid, true)
    }

    fn strike_people(&self, people: &mut Vec<(String, u32)>) {
        let Names {
            users,
            subordinate: [ranges, _],
            ..
        } = self.names();
        people.retain(|(name, uid)| {
            !users.names.contains(&UserName::fold(name))
                && !users.owners.contains_key(uid)
                && self.hiding(&ranges, *uid, false).is_none()
        });
    }

    fn strike_gids(&self, gids: &mut Vec<u32>) {
        let Names {
            groups,
            subordinate: [_, ranges],
            ..
        } = self.names();
        gids.retain(|gid| {
            !groups.owners.contains_key(gid) && self.hiding(&ranges, *gid, true).is_none()
        });
    }
}

/// The range that an id is in and that is not root's.
fn lent(ranges: &[Range], id: u32) -> Option<&Range> {
    let mut ranges = ranges.iter();
    ranges.find(|range| range.holds(id) && !is_root(&range.owner))
}

/// What one file says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lines {
    /// Every name, folded.
    names: HashSet<String>,
    /// Who has which id, as written; the first line that has it counts.
    owners: HashMap<u32, String>,
}

impl Lines {
    /// Reads lines such as `name:x:id:…`. A line without an id still has a name.
    fn of(bytes: &[u8]) -> Self {
        let mut lines = Self::default();
        lines.names.insert("root".to_owned());
        for line in bytes.split(|byte| *byte == b'\n') {
            let mut fields = line
                .split(|byte| *byte == b':')
                .map(String::from_utf8_lossy);
            let Some(name) = fields.next().filter(|name| !name.is_empty()) else {
                continue;
            };
            lines.names.insert(UserName::fold(&name));
            if let Some(id) = fields.nth(1).and_then(|id| id.parse().ok()) {
                lines.owners.entry(id).or_insert_with(|| name.into_owned());
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_changed_file_is_read_again_and_a_lost_one_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let passwd = dir.path().join("passwd");
        fs::write(
            &passwd,
            "daemon:x:1:1::/:/bin/sh\nBob:x:1000:1000::/:/bin/sh\n",
        )
        .unwrap();
        let local = Local::of_files(passwd.clone(), dir.path().join("none"));
        assert!(local.has_user("bob") && local.has_user("BOB") && local.has_user("root"));
        assert!(!local.has_user("alice") && !local.has_user("x") && !local.has_user(""));
        let mut names = ["bob", "alice", "Daemon", "ROOT"]
            .map(str::to_owned)
            .to_vec();
        local.strike_users(&mut names);
        assert_eq!(names, ["alice"]);
        let mut people = [
            ("Bob", 2000),
            ("alice", 1000),
            ("amy", 1001),
            ("root", 3000),
        ]
        .map(|(name, uid)| (name.to_owned(), uid))
        .to_vec();
        local.strike_people(&mut people);
        assert_eq!(people, [("amy".to_owned(), 1001)]);
        assert_eq!(local.owner_of(1000).as_deref(), Some("Bob"));
        assert_eq!(local.owner_of(1001), None);
        assert_eq!((local.id_of("Bob"), local.id_of("bob")), (Some(1000), None));
        let first = local.users.now();
        assert!(Arc::ptr_eq(&first, &local.users.now()), "read once");

        let new = dir.path().join("passwd+");
        fs::write(
            &new,
            "daemon:x:1:1::/:/bin/sh\nAmy:x:1000:1000::/:/bin/sh\n",
        )
        .unwrap();
        fs::rename(&new, &passwd).unwrap();
        assert!(local.has_user("amy") && !local.has_user("bob"));

        let group = dir.path().join("none");
        fs::write(&group, "crew:x:1002:bob\n").unwrap();
        let mut gids = vec![1001, 1002, 0];
        local.strike_gids(&mut gids);
        assert_eq!(gids, [1001, 0]);
        assert!(local.has_gid(1002) && !local.has_gid(1000));

        fs::write(dir.path().join("subuid"), "amy:3000:10\n").unwrap();
        fs::write(
            dir.path().join("subgid"),
            "amy:4000:1\ncrew:4294967290:99\n",
        )
        .unwrap();
        for (id, whose) in [
            (2999, None),
            (3000, Some(("amy", 3009))),
            (3009, Some(("amy", 3009))),
            (3010, None),
            (4000, Some(("amy", 4000))),
            (u32::MAX, Some(("crew", u32::MAX))),
        ] {
            let whose = whose.map(|(owner, last)| (owner.to_owned(), last));
            assert_eq!(local.subordinate(id), whose, "{id}");
        }
        // Somebody's range within one of root's; of users and of groups each by its own file.
        let subuid = "root:2000000:1000000\n0:5000000:9\namy:2500000:10\n1001:6000000:1\n";
        fs::write(dir.path().join("subuid"), subuid).unwrap();
        let ids = [
            (2_000_000, false, false),
            (2_499_999, false, false),
            (2_500_000, true, false),
            (2_500_009, true, false),
            (2_500_010, false, false),
            (5_000_000, false, false),
            (6_000_000, true, false),
            (4000, false, true),
            (4001, false, false),
        ];
        let mut gids = ids.map(|(id, ..)| id).to_vec();
        let mut people = ids.map(|(id, ..)| ("eve".to_owned(), id)).to_vec();
        local.strike_gids(&mut gids);
        local.strike_people(&mut people);
        for (id, is_users, is_groups) in ids {
            assert!(local.subordinate(id).is_some() || id == 4001, "{id}");
            assert_eq!(local.lent_uid(id).is_some(), is_users, "{id}");
            assert_eq!(local.lent_gid(id).is_some(), is_groups, "{id}");
            assert_eq!(local.has_id(id), is_users || is_groups, "{id}");
            assert_eq!(!gids.contains(&id), is_groups, "{id}");
            let kept = people.contains(&("eve".to_owned(), id));
            assert_eq!(!kept, is_users, "{id}");
        }
        let lent = Subordinate {
            owner: "amy".to_owned(),
            first: 2_500_000,
            last: 2_500_009,
            is_of_groups: false,
        };
        assert_eq!(local.lent_uid(2_500_003), Some(lent));

        fs::remove_file(&passwd).unwrap();
        assert!(local.has_user("amy") && local.has_user("root"));
        assert!(local.has_group("root") && !local.has_group("amy"));
    }

    #[test]
    fn a_range_that_hides_somebody_is_told_of_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let subuid = "root:200000:65536\nbob:100000:65536\namy:300000:10\n";
        fs::write(path("subuid"), subuid).unwrap();
        fs::write(path("subgid"), "bob:100000:65536\n").unwrap();
        let log = Arc::new(Log::kept());
        let local = Local::of_files(path("passwd"), path("group")).telling(Arc::clone(&log));
        // Nobody is hidden.
        assert!(local.lent_uid(99_999).is_none() && local.lent_uid(200_000).is_none());
        assert!(local.has_id(100_500) && local.subordinate(100_500).is_some());
        assert_eq!(log.lines(), [""; 0]);
        for _ in 0..3 {
            assert!(local.lent_uid(100_500).is_some());
            let mut people = vec![("alice".to_owned(), 100_501), ("carol".to_owned(), 300_009)];
            local.strike_people(&mut people);
            let mut gids = vec![100_513, 99_999];
            local.strike_gids(&mut gids);
            assert!(people.is_empty() && local.lent_gid(100_514).is_some());
            assert_eq!(gids, [99_999]);
        }
        let lines = log.lines();
        assert_eq!(lines.len(), 3, "{lines:?}");
        for (line, parts) in lines.iter().zip([
            [
                "user id 100500 ",
                "from 100000 to 165535: ",
                "\"bob\" may",
                "/etc/subuid; domlogon doctor",
            ],
            [
                "user id 300009 ",
                "from 300000 to 300009: ",
                "\"amy\" may",
                "/etc/subuid; domlogon doctor",
            ],
            [
                "group id 100513 ",
                "from 100000 to 165535: ",
                "\"bob\" may",
                "/etc/subgid; domlogon doctor",
            ],
        ]) {
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        }
        // And no more than so many.
        let many: String = (0..300)
            .map(|at| format!("bob:{}:1\n", 500_000 + at))
            .collect();
        fs::write(path("subuid"), many).unwrap();
        assert!((500_000..500_300).all(|id| local.lent_uid(id).is_some()));
        assert_eq!(log.lines().len(), MOST_TOLD);
    }
}
