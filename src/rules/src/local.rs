//! The names that are not the domain's to give.

mod few;

pub use few::FewLocalNames;

use domlogon_protocol::admin::{AdminError, Subordinate};

/// Names that belong to this host. The domain never answers for them.
pub trait LocalNames: Send + Sync {
    /// Whether /etc/passwd has a name equal to this one without regard to case. `root` is
    /// left out anyway.
    fn has_user(&self, name: &str) -> bool;

    /// Takes every name away that [`has_user`](Self::has_user) says yes to. For many names:
    /// an implementation looks at the file once.
    fn strike_users(&self, names: &mut Vec<String>) {
        names.retain(|name| !self.has_user(name));
    }

    /// Whether /etc/group has a name equal to this one without regard to case.
    fn has_group(&self, name: &str) -> bool;

    /// Who in /etc/passwd has this id.
    fn owner_of(&self, uid: u32) -> Option<String>;

    /// Whether a group in /etc/group has this id.
    fn has_gid(&self, gid: u32) -> bool;

    /// Whether a user or a group of this host has this id, or may take it.
    fn has_id(&self, id: u32) -> bool {
        self.owner_of(id).is_some()
            || self.has_gid(id)
            || self.lent_uid(id).is_some()
            || self.lent_gid(id).is_some()
    }

    /// Whose range of subordinate ids, by subuid(5) or subgid(5), has this id, and the last
    /// one of that range: he can become each of them.
    fn subordinate(&self, _: u32) -> Option<(String, u32)> {
        None
    }

    /// The range of subuid(5) by which a user of this host may become the user with this id, with
    /// newuidmap: he would be whoever has it. Root's own ranges do not count, however large they
    /// are made for containers: root becomes whom he likes without them.
    fn lent_uid(&self, uid: u32) -> Option<Subordinate> {
        lent(uid, self.subordinate(uid), false)
    }

    /// As [`lent_uid`](Self::lent_uid), of a group, by subgid(5) and with newgidmap.
    fn lent_gid(&self, gid: u32) -> Option<Subordinate> {
        lent(gid, self.subordinate(gid), true)
    }

    /// Why nobody with this id and this primary group is seen on this host, if so: told of `name`
    /// to administrators.
    fn hides(&self, name: &str, uid: u32, gid: Option<u32>) -> Option<AdminError> {
        let name = || name.to_owned();
        if let Some(owner) = self.owner_of(uid) {
            return Some(AdminError::Hidden(name(), uid, Some(owner)));
        }
        if let Some(range) = self.lent_uid(uid) {
            return Some(AdminError::HiddenByRange(name(), uid, range));
        }
        let gid = gid?;
        if self.has_gid(gid) {
            return Some(AdminError::Hidden(name(), gid, None));
        }
        let range = self.lent_gid(gid)?;
        Some(AdminError::HiddenByRange(name(), gid, range))
    }

    /// Takes everybody away whose name [`has_user`](Self::has_user) says yes to, or whose id a
    /// local user has or may take: who had it would be that user. For many people: an
    /// implementation looks at the files once.
    fn strike_people(&self, people: &mut Vec<(String, u32)>) {
        people.retain(|(name, uid)| {
            !self.has_user(name) && self.owner_of(*uid).is_none() && self.lent_uid(*uid).is_none()
        });
    }

    /// Takes every id away that [`has_gid`](Self::has_gid) says yes to, or that
    /// [`lent_gid`](Self::lent_gid) has a range of. For many ids: an implementation looks at the
    /// files once.
    fn strike_gids(&self, gids: &mut Vec<u32>) {
        gids.retain(|gid| !self.has_gid(*gid) && self.lent_gid(*gid).is_none());
    }
}

/// What a host says that has no files: of a range, the part that is asked for.
fn lent(id: u32, whose: Option<(String, u32)>, is_of_groups: bool) -> Option<Subordinate> {
    let (owner, last) = whose.filter(|(owner, _)| !is_root(owner))?;
    Some(Subordinate {
        owner,
        first: id,
        last,
        is_of_groups,
    })
}

/// Whether a line of subuid(5) is root's, by name or by number.
#[must_use]
pub fn is_root(owner: &str) -> bool {
    owner == "root" || owner.parse() == Ok(0)
}
