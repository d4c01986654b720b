//! Security descriptors [MS-DTYP 2.4]: whether an account may change its own password.
//!
//! The directory has no flag for that. It writes two entries into the account's access
//! list that deny the right User-Change-Password to the account itself and to everybody.

use domlogon_protocol::Sid;

/// User-Change-Password, ab721a53-1e2f-11d0-9819-00aa0040529b, in the order of the wire.
const CHANGE_PASSWORD: [u8; 16] = [
    0x53, 0x1A, 0x72, 0xAB, 0x2F, 0x1E, 0xD0, 0x11, 0x98, 0x19, 0x00, 0xAA, 0x00, 0x40, 0x52, 0x9B,
];
/// ADS_RIGHT_DS_CONTROL_ACCESS: an extended right.
const CONTROL_ACCESS: u32 = 0x100;
/// GENERIC_ALL
const GENERIC_ALL: u32 = 0x1000_0000;

const ACCESS_ALLOWED: u8 = 0;
const ACCESS_DENIED: u8 = 1;
const ACCESS_ALLOWED_OBJECT: u8 = 5;
const ACCESS_DENIED_OBJECT: u8 = 6;
const INHERIT_ONLY: u8 = 8;
const OBJECT_TYPE_PRESENT: u32 = 1;
const INHERITED_OBJECT_TYPE_PRESENT: u32 = 2;
/// SE_DACL_PRESENT
const DACL_PRESENT: u16 = 4;

/// Whether the account with this security descriptor may not change its own password:
/// the first entry of the access list that speaks of it denies it. `None` if the
/// descriptor is ill-formed.
pub(crate) fn cannot_change(descriptor: &[u8]) -> Option<bool> {
    let control = u16::from_le_bytes(bytes(descriptor, 2)?);
    if descriptor.first() != Some(&1) {
        return None;
    }
    let offset = usize::try_from(u32::from_le_bytes(bytes(descriptor, 16)?)).ok()?;
    if control & DACL_PRESENT == 0 || offset == 0 {
        // No list at all allows everything.
        return Some(false);
    }
    let acl = descriptor.get(offset..)?;
    let size = usize::from(u16::from_le_bytes(bytes(acl, 2)?));
    let count = u16::from_le_bytes(bytes(acl, 4)?);
    let mut rest = acl.get(8..size)?;
    for _ in 0..count {
        let size = usize::from(u16::from_le_bytes(bytes(rest, 2)?));
        let ace = rest.get(..size).filter(|_| size >= 8)?;
        rest = rest.get(size..)?;
        if let Some(denies) = denies(ace)? {
            return Some(denies);
        }
    }
    Some(false)
}

/// Whether an entry denies (`true`) or allows (`false`) the account itself or everybody to
/// change the password; the inner `None` if it speaks of something else.
fn denies(ace: &[u8]) -> Option<Option<bool>> {
    let (kind, flags) = (*ace.first()?, *ace.get(1)?);
    let denies = match kind {
        ACCESS_DENIED | ACCESS_DENIED_OBJECT => true,
        ACCESS_ALLOWED | ACCESS_ALLOWED_OBJECT => false,
        _ => return Some(None),
    };
    if flags & INHERIT_ONLY != 0 {
        return Some(None);
    }
    let mask = u32::from_le_bytes(bytes(ace, 4)?);
    let of_object = matches!(kind, ACCESS_DENIED_OBJECT | ACCESS_ALLOWED_OBJECT);
    let mut at = 8;
    if of_object {
        let present = u32::from_le_bytes(bytes(ace, 8)?);
        at = 12;
        if present & OBJECT_TYPE_PRESENT != 0 {
            if bytes::<16>(ace, at)? != CHANGE_PASSWORD {
                return Some(None);
            }
            at += 16;
        }
        if present & INHERITED_OBJECT_TYPE_PRESENT != 0 {
            at += 16;
        }
    }
    let trustee = Sid::from_bytes(ace.get(at..)?.get(..sid_length(ace.get(at..)?)?)?)?;
    let is_own = trustee == Sid::nt_authority(10) || trustee == Sid::everyone();
    let speaks = is_own && mask & (CONTROL_ACCESS | GENERIC_ALL) != 0;
    Some(speaks.then_some(denies))
}

/// The bytes of the identifier at the beginning; what follows is none of it.
fn sid_length(bytes: &[u8]) -> Option<usize> {
    Some(8 + usize::from(*bytes.get(1)?) * 4)
}

fn bytes<const N: usize>(from: &[u8], at: usize) -> Option<[u8; N]> {
    from.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SELF: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 10, 0, 0, 0];
    const EVERYONE: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    const USERS: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0];

    fn object_ace(kind: u8, right: [u8; 16], trustee: &[u8]) -> Vec<u8> {
        let mut ace = vec![kind, 0, 0, 0];
        ace.extend(CONTROL_ACCESS.to_le_bytes());
        ace.extend(OBJECT_TYPE_PRESENT.to_le_bytes());
        ace.extend(right);
        ace.extend(trustee);
        sized(ace)
    }

    fn plain_ace(kind: u8, flags: u8, mask: u32, trustee: &[u8]) -> Vec<u8> {
        let mut ace = vec![kind, flags, 0, 0];
        ace.extend(mask.to_le_bytes());
        ace.extend(trustee);
        sized(ace)
    }

    fn sized(mut ace: Vec<u8>) -> Vec<u8> {
        ace[2] = u8::try_from(ace.len()).unwrap();
        ace
    }

    fn descriptor(aces: &[Vec<u8>]) -> Vec<u8> {
        let body = aces.concat();
        let mut bytes = vec![1, 0, 4, 0x80];
        bytes.extend([0; 12]);
        bytes.extend(20_u32.to_le_bytes());
        bytes.extend([4, 0]);
        bytes.extend(u16::try_from(body.len() + 8).unwrap().to_le_bytes());
        bytes.extend(u16::try_from(aces.len()).unwrap().to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn the_first_entry_that_speaks_of_it_decides() {
        let deny = |who: &[u8]| object_ace(ACCESS_DENIED_OBJECT, CHANGE_PASSWORD, who);
        let allow = |who: &[u8]| object_ace(ACCESS_ALLOWED_OBJECT, CHANGE_PASSWORD, who);
        let case = |aces: &[Vec<u8>]| cannot_change(&descriptor(aces)).unwrap();
        assert!(!case(&[]));
        assert!(case(&[deny(&SELF)]));
        assert!(case(&[deny(&EVERYONE)]));
        assert!(!case(&[deny(&USERS)]));
        assert!(!case(&[allow(&EVERYONE), deny(&SELF)]));
        assert!(case(&[deny(&SELF), allow(&SELF)]));
        assert!(!case(&[object_ace(ACCESS_DENIED_OBJECT, [7; 16], &SELF)]));
        assert!(case(&[plain_ace(ACCESS_DENIED, 0, GENERIC_ALL, &EVERYONE)]));
        assert!(!case(&[plain_ace(ACCESS_DENIED, 0, 0x10, &EVERYONE)]));
        assert!(!case(&[plain_ace(
            ACCESS_DENIED,
            INHERIT_ONLY,
            GENERIC_ALL,
            &EVERYONE
        )]));
        // An audit entry says nothing.
        assert!(case(&[plain_ace(2, 0, GENERIC_ALL, &SELF), deny(&SELF)]));
    }

    #[test]
    fn no_list_allows_and_half_a_list_says_nothing() {
        let mut none = descriptor(&[]);
        none[2] = 0;
        assert_eq!(cannot_change(&none), Some(false));
        let whole = descriptor(&[object_ace(ACCESS_DENIED_OBJECT, CHANGE_PASSWORD, &SELF)]);
        for end in 0..whole.len() {
            assert_eq!(cannot_change(&whole[..end]), None, "{end}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
            at in 0_usize..64, value: u8,
        ) {
            let _ = cannot_change(&bytes);
            let aces = [object_ace(ACCESS_DENIED_OBJECT, CHANGE_PASSWORD, &SELF)];
            let mut whole = descriptor(&aces);
            if let Some(byte) = whole.get_mut(at) {
                *byte = value;
            }
            let _ = cannot_change(&whole);
        }
    }
}
