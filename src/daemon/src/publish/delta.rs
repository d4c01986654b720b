//! What has changed since a base was made.

use super::files::{Failure, ToFile, sound};
use domlogon_names as names;
use domlogon_protocol::Timestamp;
use domlogon_rules::roster::{GroupEntry, Kind, Listener, Subject, UserEntry};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Everything that is not as the base has it.
#[derive(Default)]
pub(super) struct Delta {
    said: BTreeMap<(Kind, String), Said>,
    /// Ids that somebody had in the base, or since. Whoever has one of them now is found
    /// before that.
    ids: BTreeSet<(Kind, u32)>,
    /// About how many bytes they take.
    size: usize,
}

/// What is said of a name.
enum Said {
    User {
        name: String,
        uid: u32,
        gid: u32,
        texts: [String; 3],
        until: u32,
        groups: Option<Vec<u32>>,
        groups_until: u32,
    },
    Group {
        name: String,
        gid: u32,
        members: Vec<String>,
        until: u32,
    },
    Gone,
}

impl Delta {
    /// How many names it has.
    pub(super) fn count(&self) -> usize {
        self.said.len().max(self.ids.len())
    }

    /// About how many bytes it takes.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// To be told before what has become of a subject is said: whoever had its id may not be
    /// who has it now.
    pub(super) fn touch(&mut self, subject: &Subject) {
        if subject.id != 0 {
            self.ids.insert((subject.kind, subject.id));
        }
    }

    /// Adds it to a file.
    pub(super) fn write(&self, file: &mut ToFile) -> Result<(), Failure> {
        for ((kind, key), said) in &self.said {
            match said {
                Said::User {
                    name,
                    uid,
                    gid,
                    texts: [full_name, home, shell],
                    until,
                    groups,
                    groups_until,
                } => sound(file.user(&names::UserEntry {
                    name,
                    uid: *uid,
                    gid: *gid,
                    full_name,
                    home,
                    shell,
                    expires_at: *until,
                    groups: groups.as_deref(),
                    groups_expire_at: *groups_until,
                }))?,
                Said::Group {
                    name,
                    gid,
                    members,
                    until,
                } => sound(file.group(&names::GroupEntry {
                    name,
                    gid: *gid,
                    members,
                    expires_at: *until,
                }))?,
                Said::Gone => match kind {
                    Kind::User => file.no_user_name(key)?,
                    Kind::Group => file.no_group_name(key)?,
                },
            }
        }
        for (kind, id) in &self.ids {
            match kind {
                Kind::User => file.no_user_id(*id)?,
                Kind::Group => file.no_group_id(*id)?,
            }
        }
        Ok(())
    }

    fn say(&mut self, kind: Kind, key: &str, said: Said) {
        self.size += said.size() + key.len();
        if let Some(old) = self.said.insert((kind, key.to_owned()), said) {
            self.size = self.size.saturating_sub(old.size() + key.len());
        }
    }
}

impl Said {
    fn size(&self) -> usize {
        const RECORD: usize = 64;
        RECORD
            + match self {
                Self::User { texts, groups, .. } => {
                    let ids = groups.as_ref().map_or(0, Vec::len) * 4;
                    texts.iter().map(String::len).sum::<usize>() + ids
                }
                Self::Group { members, .. } => members.iter().map(|name| name.len() + 5).sum(),
                Self::Gone => 0,
            }
    }
}

impl Listener for Delta {
    fn user(&mut self, user: &UserEntry<'_>) -> ControlFlow<()> {
        let said = Said::User {
            name: user.name.to_owned(),
            uid: user.uid,
            gid: user.gid,
            texts: [user.full_name, user.home, user.shell].map(str::to_owned),
            until: until(user.until),
            groups: user.groups.map(<[u32]>::to_vec),
            groups_until: until(user.groups_until),
        };
        self.say(Kind::User, user.key, said);
        ControlFlow::Continue(())
    }

    fn group(&mut self, group: &GroupEntry<'_>) -> ControlFlow<()> {
        let members = group.members.unwrap_or_default();
        let said = Said::Group {
            name: group.name.to_owned(),
            gid: group.gid,
            members: members.iter().map(|name| (*name).to_owned()).collect(),
            until: group.members.map_or(LONG_AGO, |_| until(group.until)),
        };
        self.say(Kind::Group, group.key, said);
        ControlFlow::Continue(())
    }

    fn absent(&mut self, subject: &Subject) -> ControlFlow<()> {
        self.touch(subject);
        self.say(subject.kind, &subject.key, Said::Gone);
        ControlFlow::Continue(())
    }
}

/// For what the daemon is to be asked for in any case: the members of a group that are not
/// known here, or too many to be written for each change.
pub(super) const LONG_AGO: u32 = 1;

/// The time as the file has it; 0 is for ever.
pub(super) fn until(time: Option<Timestamp>) -> u32 {
    time.map_or(0, |time| {
        u32::try_from(time.0.max(i64::from(LONG_AGO))).unwrap_or(u32::MAX)
    })
}
