//! Which of the directory's names and numbers this host takes: none that are its own, and none
//! that programs would take for something else.

use crate::directory::Directory;
use crate::ids::Scheme;
use domlogon_protocol::{HIGHEST_ID, LOWEST_ID, UserName};

/// Ids that systemd gives, on every host, to the homes that it manages and to services
/// (DynamicUser=), and those above that mean nobody.
const OF_SYSTEMD: [std::ops::RangeInclusive<u32>; 2] = [60_001..=60_513, 61_184..=65_535];

impl Directory {
    /// Whether this host may show an account with this name.
    pub(crate) fn is_visible_user(&self, name: &str) -> bool {
        UserName::fold(name) != "root" && !self.local.has_user(name) && !self.misleads(name)
    }

    pub(crate) fn is_visible_group(&self, name: &str) -> bool {
        UserName::fold(name) != "root" && !self.local.has_group(name) && !self.misleads(name)
    }

    /// Whether programs would take the name for something else. A directory may have people
    /// with numbers for names; they keep them, but for the numbers that are this host's ids:
    /// `chown 0 FILE` gives a file to whoever is called "0".
    fn misleads(&self, name: &str) -> bool {
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        match name.parse() {
            Ok(id) if is_number => id < LOWEST_ID || self.local.has_id(id),
            Err(_) if is_number => false,
            _ => UserName::misleads(name).is_some(),
        }
    }

    /// Whether an id may be answered for.
    pub(crate) fn may_have(&self, id: u32) -> bool {
        (self.settings.minimum.max(LOWEST_ID)..=HIGHEST_ID).contains(&id) && !self.is_systems(id)
    }

    /// Whether the directory gives an id by itself that a part of this host gives, too.
    fn is_systems(&self, id: u32) -> bool {
        self.settings.ids == Scheme::Rfc2307 && OF_SYSTEMD.iter().any(|range| range.contains(&id))
    }

    /// Whether a user id may be answered for: who had one of this host's would be that user.
    /// That is also one that a user of this host may take.
    pub(crate) fn may_have_user(&self, uid: u32) -> bool {
        self.may_have(uid)
            && self.local.owner_of(uid).is_none()
            && self.local.lent_uid(uid).is_none()
    }

    /// Whether a group id may be answered for: who had one of this host's would have what
    /// its group may.
    pub(crate) fn may_have_group(&self, gid: u32) -> bool {
        self.may_have(gid) && !self.local.has_gid(gid) && self.local.lent_gid(gid).is_none()
    }

    /// Whether somebody may have this as his primary group. A minimum of the site's own is about
    /// whom the domain answers for; whoever comes in has a group, and it is never one of the host's.
    pub(crate) fn may_be_primary(&self, gid: u32) -> bool {
        gid >= LOWEST_ID
            && !self.is_systems(gid)
            && !self.local.has_gid(gid)
            && self.local.lent_gid(gid).is_none()
    }
}
