//! What is asked, what is refused without asking, and what a reply means.

use crate::failure::Failure;
use crate::source::Source;
use domlogon_protocol::directory::{Group, User};
use domlogon_protocol::{LOWEST_ID, Reply, Request, UserName, local};
use std::path::Path;

/// getpwnam
pub(crate) fn user_by_name(source: &impl Source, name: &[u8]) -> Result<User, Failure> {
    let name = possible_name(name)?;
    user(source, &Request::UserByName(name))
}

/// getpwuid
pub(crate) fn user_by_id(source: &impl Source, uid: u32) -> Result<User, Failure> {
    user(source, &Request::UserById(possible_id(uid)?))
}

/// getgrnam
pub(crate) fn group_by_name(source: &impl Source, name: &[u8]) -> Result<Group, Failure> {
    let name = possible_name(name)?;
    group(source, &Request::GroupByName(name))
}

/// getgrgid
pub(crate) fn group_by_id(source: &impl Source, gid: u32) -> Result<Group, Failure> {
    group(source, &Request::GroupById(possible_id(gid)?))
}

/// The groups of a user beside `skip` (his primary group, which the caller has already)
/// and those in `present`, each once.
///
/// A name of `passwd` is answered here, before the daemon is asked: glibc asks every
/// service for the groups of every user, at each logon of a local one, too, and he would
/// wait for a daemon that hangs. The look-ups of users need no such thing: `files` stands
/// before us in nsswitch.conf, and ends them.
pub(crate) fn groups_of(
    source: &impl Source,
    passwd: &Path,
    name: &[u8],
    skip: u32,
    present: &[u32],
) -> Result<Vec<u32>, Failure> {
    let user = possible_user(name)?;
    let name = user.to_string();
    if local::is_local(passwd, &[&name, user.account()]) {
        return Err(Failure::NotFound);
    }
    match source.ask(&Request::GroupsOf(name))? {
        Reply::GroupIds(Some(mut ids)) => {
            let mut present = present.to_vec();
            present.push(skip);
            present.sort_unstable();
            ids.sort_unstable();
            ids.dedup();
            ids.retain(|id| is_possible_id(*id) && present.binary_search(id).is_err());
            Ok(ids)
        }
        Reply::GroupIds(None) => Err(Failure::NotFound),
        other => Err(not_an_answer(&other)),
    }
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

impl Entry for User {
    fn id(&self) -> u32 {
        self.uid
    }

    fn is_sound(&self) -> bool {
        let texts = [&self.name, &self.full_name, &self.home, &self.shell];
        is_possible_id(self.uid)
            && is_possible_id(self.gid)
            && !is_root(&self.name)
            && !self.name.is_empty()
            && texts.into_iter().all(|text| fits_a_field(text))
    }
}

impl Entry for Group {
    fn id(&self) -> u32 {
        self.gid
    }

    fn is_sound(&self) -> bool {
        let mut members = self.members.iter();
        is_possible_id(self.gid)
            && !is_root(&self.name)
            && !self.name.is_empty()
            && fits_a_field(&self.name)
            && members.all(|name| !name.is_empty() && fits_a_field(name))
    }
}

/// What a reply of the wrong kind means: a refusal, or a daemon that is not ours.
pub(crate) fn not_an_answer(reply: &Reply) -> Failure {
    match reply {
        Reply::Refused(verdict) => Failure::from(*verdict),
        _ => Failure::Broken,
    }
}

fn user(source: &impl Source, request: &Request) -> Result<User, Failure> {
    match source.ask(request)? {
        Reply::User(found) => sound(found),
        other => Err(not_an_answer(&other)),
    }
}

fn group(source: &impl Source, request: &Request) -> Result<Group, Failure> {
    match source.ask(request)? {
        Reply::Group(found) => sound(found),
        other => Err(not_an_answer(&other)),
    }
}

fn sound<T: Entry>(found: Option<T>) -> Result<T, Failure> {
    found.filter(T::is_sound).ok_or(Failure::NotFound)
}

/// The name as the daemon is asked for it.
fn possible_name(name: &[u8]) -> Result<String, Failure> {
    possible_user(name).map(|user| user.to_string())
}

/// The name, if it can be somebody's. Root's, and what can be nobody's name, is answered
/// here, before any I/O: root must be found, and a shell must list a directory, however
/// the daemon is.
fn possible_user(name: &[u8]) -> Result<UserName, Failure> {
    let parsed = UserName::parse(name).map_err(|_| Failure::NotFound)?;
    if is_root(parsed.account()) {
        return Err(Failure::NotFound);
    }
    Ok(parsed)
}

fn possible_id(id: u32) -> Result<u32, Failure> {
    if is_possible_id(id) {
        Ok(id)
    } else {
        Err(Failure::NotFound)
    }
}

/// Not root's or the system's, and not the -1 that means "no id" to chown and setreuid.
fn is_possible_id(id: u32) -> bool {
    (LOWEST_ID..u32::MAX).contains(&id)
}

fn is_root(name: &str) -> bool {
    UserName::fold(name) == "root"
}

fn fits_a_field(text: &str) -> bool {
    !text.chars().any(|c| c == ':' || c.is_control())
}

#[cfg(test)]
mod tests;
