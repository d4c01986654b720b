//! A door for `tests/fuzz`: replies and files of names that anybody wrote. Not in the plugin
//! that is shipped.
#![allow(clippy::panic)]

use crate::buffer::fuzzed::{group_lines, user_lines};
use crate::line::{Entry, Group, Members, User};
use crate::name::compare;
use crate::wire::{Reply, Request};
use domlogon_names::{Found, GroupRecord, Reader, UserRecord};
use domlogon_protocol::directory;

/// A reply that cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Reads the body of a reply, and packs what may be given: the reply in the protocol's own words,
/// if it is one that a look-up takes.
///
/// # Errors
/// [`Unreadable`]
pub fn reply(body: &[u8]) -> Result<Option<domlogon_protocol::Reply>, Unreadable> {
    use domlogon_protocol::Reply as Theirs;
    Ok(Some(match Reply::read(body).ok_or(Unreadable)? {
        Reply::User(found) => Theirs::User(found.as_ref().map(user)),
        Reply::Group(found) => Theirs::Group(found.as_ref().map(group)),
        Reply::GroupIds(ids) => Theirs::GroupIds(ids.map(|ids| ids.iter().collect())),
        Reply::Users(page) => Theirs::Users(directory::Page {
            entries: page.entries.iter().map(|entry| user(&entry)).collect(),
            next: page.next,
        }),
        Reply::Groups(page) => Theirs::Groups(directory::Page {
            entries: page.entries.iter().map(|entry| group(&entry)).collect(),
            next: page.next,
        }),
        Reply::Busy | Reply::Other => return Ok(None),
    }))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn user(entry: &User<'_>) -> directory::User {
    if entry.is_sound() {
        user_lines(entry);
    }
    directory::User {
        name: text(entry.name),
        uid: entry.uid,
        gid: entry.gid,
        full_name: text(entry.full_name),
        home: text(entry.home),
        shell: text(entry.shell),
    }
}

fn group(entry: &Group<'_>) -> directory::Group {
    if entry.is_sound() {
        group_lines(entry);
    }
    let Members::Told(members) = entry.members else {
        panic!("not from a file");
    };
    assert_eq!(members.count(), members.iter().count());
    directory::Group {
        name: text(entry.name),
        gid: entry.gid,
        members: members.iter().map(text).collect(),
    }
}

/// Looks everything up in a file of names, and packs what may be given. What is found has the
/// key that was asked for. How much was found.
#[must_use]
pub fn names(contents: &[u8], keys: &[&[u8]], ids: &[u32]) -> Option<usize> {
    let reader = Reader::new(contents).ok()?;
    let _ = (reader.is_complete(), reader.is_delta(), reader.id());
    let _ = (
        reader.lowest_id(),
        reader.is_domain(b"corp"),
        reader.is_base_of(&reader),
    );
    let mut found = 0;
    for key in keys {
        if let Found::Here(record) = reader.user_by_name(key) {
            found += here(record);
        }
        if let Found::Here(record) = reader.group_by_name(key) {
            found += group_here(record);
        }
        if let Found::Here(groups) = reader.groups_of(key) {
            assert_eq!(groups.iter().count(), groups.count());
        }
    }
    for id in ids {
        if let Found::Here(record) = reader.user_by_id(*id) {
            assert_eq!(record.uid, *id);
            found += here(record);
        }
        if let Found::Here(record) = reader.group_by_id(*id) {
            assert_eq!(record.gid, *id);
            found += group_here(record);
        }
    }
    // An enumeration goes up, and so ends.
    let mut after = 0;
    while let Found::Here(record) = reader.user_after(after) {
        assert!(record.uid > after);
        after = record.uid;
        found += here(record);
    }
    after = 0;
    while let Found::Here(record) = reader.group_after(after) {
        assert!(record.gid > after);
        after = record.gid;
        found += group_here(record);
    }
    Some(found)
}

fn here(record: UserRecord<'_>) -> usize {
    let entry = User::from(record);
    if entry.is_sound() {
        user_lines(&entry);
    }
    1
}

fn group_here(record: GroupRecord<'_>) -> usize {
    assert_eq!(record.members().count(), record.count());
    let entry = Group::from(record);
    if entry.is_sound() {
        group_lines(&entry);
    }
    1
}

/// Reads a name as the plugin does. It is well formed for it as for everybody else, and a
/// request with it says it.
pub fn name(bytes: &[u8]) {
    if !compare(bytes) {
        return;
    }
    let frame = crate::wire::Frame::new(Request::UserByName(bytes), 0);
    let read = domlogon_protocol::frame::read(&mut frame.bytes(), 1024);
    let Ok(domlogon_protocol::Request::UserByName(said)) = read else {
        panic!("not understood");
    };
    assert_eq!(said.as_bytes(), bytes);
}
