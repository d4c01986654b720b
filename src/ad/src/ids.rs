//! The numbers of users and groups: the same on every host, with nothing to remember.

use crate::entry::{Person, Team};
use crate::ldap::Filter;
use domlogon_protocol::{HIGHEST_ID, Sid};
use murmur3::murmur3_32;

/// Where the numbers of users and groups come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Made from the identifier the way SSSD does it by default: each domain has a slice of
    /// 200,000 numbers, whose place comes from a hash of the domain's identifier. A fleet
    /// that used SSSD keeps its numbers.
    Sid,
    /// A fixed number plus the last part of the identifier.
    Rid {
        /// That number.
        base: u32,
    },
    /// What the directory says: uidNumber and gidNumber [RFC 2307].
    Rfc2307,
}

/// SSSD's ldap_idmap_range_min.
const FIRST: u32 = 200_000;
/// SSSD's ldap_idmap_range_size.
const SLICE: u32 = 200_000;
/// How many slices there are until SSSD's ldap_idmap_range_max of 2,000,200,000.
const SLICES: u32 = 10_000;
/// The seed that SSSD's hash begins with.
const SEED: u32 = 0xDEAD_BEEF;

/// The user id of a person; `None` if the scheme has none for him: no uidNumber, or an
/// identifier that is not in the domain's slice (SSSD's secondary slices depend on who was
/// seen first, so they are not the same on every host and are not used).
#[must_use]
pub(crate) fn uid_of(scheme: Scheme, person: &Person) -> Option<u32> {
    id_of(scheme, &person.sid, person.uid_number)
}

/// The number of a person's primary group, as far as it follows from the person alone.
/// With RFC 2307 that is his own gidNumber.
#[must_use]
pub(crate) fn primary_gid_of(scheme: Scheme, person: &Person) -> Option<u32> {
    let group = person.sid.domain_part()?.with_rid(person.primary_group);
    id_of(scheme, &group, person.gid_number)
}

/// The group id of a group.
#[must_use]
pub(crate) fn gid_of(scheme: Scheme, team: &Team) -> Option<u32> {
    id_of(scheme, &team.sid, team.gid_number)
}

/// The number of an identifier, where the scheme makes it from that alone.
#[must_use]
pub(crate) fn id_of_sid(scheme: Scheme, sid: &Sid) -> Option<u32> {
    id_of(scheme, sid, None)
}

/// The number that a group gives to somebody who is in it. By RID that is one of his own
/// domain alone: a group of another has the number of one of ours.
#[must_use]
pub(crate) fn id_of_group(scheme: Scheme, member: &Sid, group: &Sid) -> Option<u32> {
    let is_foreign = member.domain_part() != group.domain_part();
    match scheme {
        Scheme::Rid { .. } if is_foreign => None,
        scheme => id_of_sid(scheme, group),
    }
}

fn id_of(scheme: Scheme, sid: &Sid, stored: Option<u32>) -> Option<u32> {
    let id = match scheme {
        Scheme::Sid => {
            let rid = rid_of_account(sid).filter(|rid| *rid < SLICE)?;
            slice(&sid.domain_part()?)?.checked_add(rid)?
        }
        Scheme::Rid { base } => base.checked_add(rid_of_account(sid)?)?,
        Scheme::Rfc2307 => stored?,
    };
    // 0 is root's, whoever says otherwise.
    (id > 0 && id <= HIGHEST_ID).then_some(id)
}

/// Who has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Whoever has this identifier.
    Sid(Sid),
    /// The directory must be asked who has this uidNumber or gidNumber.
    Number(u32),
    /// Nobody of this domain.
    Nobody,
}

/// Who has this number in the domain with this identifier.
#[must_use]
pub(crate) fn whose(scheme: Scheme, domain: &Sid, id: u32) -> Whose {
    if id == 0 || id > HIGHEST_ID {
        return Whose::Nobody;
    }
    let rid = match scheme {
        Scheme::Sid => slice(domain)
            .and_then(|first| id.checked_sub(first))
            .filter(|rid| *rid < SLICE),
        Scheme::Rid { base } => id.checked_sub(base),
        Scheme::Rfc2307 => return Whose::Number(id),
    };
    rid.map_or(Whose::Nobody, |rid| Whose::Sid(domain.with_rid(rid)))
}

impl Whose {
    /// What the entry must be like; `attribute` is where a number is stored.
    pub(crate) fn filter(&self, attribute: &'static str) -> Option<Filter> {
        match self {
            Self::Sid(sid) => Some(Filter::Equal("objectSid", sid.to_bytes())),
            Self::Number(id) => Some(Filter::equal(attribute, &id.to_string())),
            Self::Nobody => None,
        }
    }
}

/// The last part of the identifier of an account of a domain, S-1-5-21-a-b-c-rid.
fn rid_of_account(sid: &Sid) -> Option<u32> {
    let text = sid.to_string();
    let of_a_domain = text.starts_with("S-1-5-21-") && text.split('-').count() == 8;
    sid.rid().filter(|_| of_a_domain)
}

/// The first number of a domain's slice.
fn slice(domain: &Sid) -> Option<u32> {
    let text = domain.to_string();
    let hash = murmur3_32(&mut text.as_bytes(), SEED).ok()?;
    (hash % SLICES).checked_mul(SLICE)?.checked_add(FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Domains and the first number of their slice, as computed by libsss_idmap 2.8.2.
    const BY_SSSD: [(&str, u32); 6] = [
        ("S-1-5-21-3640478586-1997977985-2295226795", 1_343_200_000),
        ("S-1-5-21-1-2-3", 686_200_000),
        ("S-1-5-21-3623811015-3361044348-30300820", 674_000_000),
        ("S-1-5-21-2153326666-2176343378-3404031434", 770_800_000),
        ("S-1-5-21-4294967295-4294967295-4294967295", 1_246_200_000),
        ("S-1-5-21-100-200-3000", 1_608_400_000),
    ];

    #[test]
    fn the_slices_are_those_of_sssd() {
        for (domain, first) in BY_SSSD {
            let domain: Sid = domain.parse().unwrap();
            let id = |rid| id_of_sid(Scheme::Sid, &domain.with_rid(rid));
            assert_eq!(id(0), Some(first));
            assert_eq!(id(199_999), Some(first + 199_999));
            assert_eq!(id(200_000), None, "another slice");
            let whose = |id| whose(Scheme::Sid, &domain, id);
            assert_eq!(whose(first + 500), Whose::Sid(domain.with_rid(500)));
            assert_eq!(whose(first + 200_000), Whose::Nobody);
            assert_eq!(whose(first - 1), Whose::Nobody);
        }
    }

    #[test]
    fn an_alias_has_no_number_and_no_number_is_roots() {
        for scheme in [Scheme::Sid, Scheme::Rid { base: 0 }] {
            assert_eq!(id_of_sid(scheme, &Sid::builtin(544)), None);
        }
        let domain = Sid::domain(1, 2, 3);
        let base = |base| Scheme::Rid { base };
        assert_eq!(id_of_sid(base(10_000), &domain.with_rid(500)), Some(10_500));
        assert_eq!(id_of_sid(base(0), &domain.with_rid(0)), None);
        assert_eq!(id_of_sid(base(HIGHEST_ID), &domain.with_rid(1)), None);
        assert_eq!(id_of_sid(base(u32::MAX), &domain.with_rid(1)), None);
        assert_eq!(whose(base(0), &domain, 0), Whose::Nobody);
        assert_eq!(whose(base(5000), &domain, 4999), Whose::Nobody);
        assert_eq!(whose(Scheme::Rfc2307, &domain, 1000), Whose::Number(1000));
        assert_eq!(whose(Scheme::Rfc2307, &domain, u32::MAX), Whose::Nobody);
        assert_eq!(id_of(Scheme::Rfc2307, &domain.with_rid(500), None), None);
        assert_eq!(id_of(Scheme::Rfc2307, &domain.with_rid(500), Some(0)), None);
    }

    proptest! {
        #[test]
        fn there_and_back(a: u32, b: u32, c: u32, rid: u32, base: u32) {
            let domain = Sid::domain(a, b, c);
            for scheme in [Scheme::Sid, Scheme::Rid { base }] {
                let sid = domain.with_rid(rid);
                if let Some(id) = id_of_sid(scheme, &sid) {
                    prop_assert_eq!(whose(scheme, &domain, id), Whose::Sid(sid));
                }
            }
        }
    }
}
