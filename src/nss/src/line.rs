//! Users and groups on their way to the caller, from wherever they come.

use crate::wire::Sequence;
use domlogon_names::{GroupRecord, UserRecord};

/// Ids below this belong to the system and to local users on every distribution: the same
/// number as `domlogon_protocol::LOWEST_ID`, as a test shows.
pub(crate) const LOWEST_ID: u32 = 1000;

/// A line of the password database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) full_name: &'a [u8],
    pub(crate) home: &'a [u8],
    pub(crate) shell: &'a [u8],
}

/// A line of the group database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) gid: u32,
    pub(crate) members: Members<'a>,
}

/// The members of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Members<'a> {
    /// As they stand in a file of names, after the group's name.
    Published(GroupRecord<'a>),
    /// As they came from the daemon.
    Told(Sequence<'a, &'a [u8]>),
}

/// An entry that may be given to the host program.
///
/// The daemon vouches for its entries. This looks again at what would hurt most: root's
/// id, a system id, and a text that ends a line or a field of whatever copies it.
pub(crate) trait Entry {
    /// Its id.
    fn id(&self) -> u32;
    /// Whether it may be given.
    fn is_sound(&self) -> bool;
}

impl Entry for User<'_> {
    fn id(&self) -> u32 {
        self.uid
    }

    fn is_sound(&self) -> bool {
        is_possible_id(self.uid)
            && is_possible_id(self.gid)
            && is_name(self.name)
            && fits_a_field(self.full_name)
            && fits_a_field(self.home)
            && fits_a_field(self.shell)
    }
}

impl Entry for Group<'_> {
    fn id(&self) -> u32 {
        self.gid
    }

    fn is_sound(&self) -> bool {
        is_possible_id(self.gid) && is_name(self.name) && self.members.are_sound()
    }
}

impl Members<'_> {
    fn are_sound(&self) -> bool {
        match self {
            // All of them in one go: a zero ends each.
            Self::Published(group) => group
                .texts()
                .iter()
                .all(|byte| *byte == 0 || is_plain(*byte)),
            Self::Told(names) => names
                .iter()
                .all(|name| !name.is_empty() && fits_a_field(name)),
        }
    }
}

impl<'a> From<UserRecord<'a>> for User<'a> {
    fn from(record: UserRecord<'a>) -> Self {
        Self {
            name: record.name,
            uid: record.uid,
            gid: record.gid,
            full_name: record.full_name,
            home: record.home,
            shell: record.shell,
        }
    }
}

impl<'a> From<GroupRecord<'a>> for Group<'a> {
    fn from(record: GroupRecord<'a>) -> Self {
        Self {
            name: record.name,
            gid: record.gid,
            members: Members::Published(record),
        }
    }
}

/// Not root's or the system's, and not the -1 that means "no id" to chown and setreuid.
pub(crate) fn is_possible_id(id: u32) -> bool {
    (LOWEST_ID..u32::MAX).contains(&id)
}

/// No letter but these four has one of them for its lower case.
pub(crate) fn is_root(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"root")
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && !is_root(name) && fits_a_field(name)
}

fn fits_a_field(text: &[u8]) -> bool {
    text.iter().all(|byte| is_plain(*byte))
}

/// Neither a control character nor what separates the fields of a line.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f && byte != b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> User<'static> {
        User {
            name: b"alice",
            uid: 1_900_001_000,
            gid: 1_900_000_513,
            full_name: "Alice Ärmel".as_bytes(),
            home: b"/home/alice",
            shell: b"/bin/bash",
        }
    }

    #[test]
    fn entries_that_would_hurt_are_not_given() {
        assert!(alice().is_sound());
        let spoilt: [fn(&mut User<'static>); 8] = [
            |user| user.uid = 0,
            |user| user.uid = 999,
            |user| user.uid = u32::MAX,
            |user| user.gid = 0,
            |user| user.name = b"RooT",
            |user| user.name = b"",
            |user| user.full_name = b"a\nroot::0:0::/:/bin/sh",
            |user| user.shell = b"/bin/sh\0",
        ];
        for spoil in spoilt {
            let mut user = alice();
            spoil(&mut user);
            assert!(!user.is_sound(), "{user:?}");
        }
    }

    #[test]
    fn the_lowest_id_is_that_of_the_protocol() {
        assert_eq!(LOWEST_ID, domlogon_protocol::LOWEST_ID);
        for id in [0, 999, u32::MAX] {
            assert!(!is_possible_id(id));
        }
        assert!(is_possible_id(LOWEST_ID) && is_possible_id(u32::MAX - 1));
    }

    #[test]
    fn no_other_letter_is_one_of_roots() {
        for letter in (0x80..=0x10_ffff).filter_map(char::from_u32) {
            assert!(
                !letter.to_lowercase().any(|small| "root".contains(small)),
                "{letter:?}"
            );
        }
    }
}
