//! The number of the host's key, read from a ticket for the host itself.
//!
//! It is no more than a hint for other services that use the keytab. Whoever answers for the
//! KDC may have made it up, so the daemon opens tickets by the key alone.

use crate::machine::Machine;
use domlogon_krb5::{Context, Credentials, Exchange};

/// The number that the controller has for the host's key. It is in every ticket for the
/// host, outside of what is encrypted. `None` if it gives no such ticket.
pub(crate) fn own(
    machine: &Machine,
    context: &Context,
    tgt: &Credentials,
    kdc: &mut Exchange<'_>,
) -> Option<u32> {
    // Not by the account's own name: nobody gets a ticket for a computer by that.
    machine.principals().iter().skip(1).find_map(|service| {
        let ticket = context.ticket(tgt, service, kdc).ok()?;
        of(&ticket.to_bytes())
    })
}

/// The number in credentials as version 4 of the credential cache has them.
fn of(bytes: &[u8]) -> Option<u32> {
    let mut rest = bytes;
    for _ in ["client", "server"] {
        let _kind = number(&mut rest)?;
        let components = number(&mut rest)?;
        for _ in 0..=components {
            counted(&mut rest)?;
        }
    }
    skip(&mut rest, 2)?;
    let _session_key = counted(&mut rest)?;
    // Four times, one byte, the flags.
    skip(&mut rest, 4 * 4 + 1 + 4)?;
    for _ in ["addresses", "authorization data"] {
        for _ in 0..number(&mut rest)? {
            skip(&mut rest, 2)?;
            counted(&mut rest)?;
        }
    }
    of_ticket(counted(&mut rest)?)
}

/// The number in a ticket [RFC 4120 5.3], which is in DER.
fn of_ticket(ticket: &[u8]) -> Option<u32> {
    let mut ticket = ticket;
    let mut fields = element(&mut ticket, 0x61)?;
    let mut fields = element(&mut fields, 0x30)?;
    for tag in [0xA0, 0xA1, 0xA2] {
        element(&mut fields, tag)?;
    }
    let mut encrypted = element(&mut fields, 0xA3)?;
    let mut encrypted = element(&mut encrypted, 0x30)?;
    element(&mut encrypted, 0xA0)?;
    let mut kvno = element(&mut encrypted, 0xA1)?;
    let digits = element(&mut kvno, 0x02)?;
    // Some write it as a signed number of 32 bits, some with a zero before it.
    let digits = match digits {
        [0, digits @ ..] => digits,
        digits => digits,
    };
    (digits.len() <= 4).then(|| {
        digits
            .iter()
            .fold(0, |number, digit| (number << 8) | u32::from(*digit))
    })
}

/// The content of the next element, if it has this tag.
fn element<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (found, after) = rest.split_first()?;
    let (first, mut after) = after.split_first()?;
    let length = if *first < 0x80 {
        usize::from(*first)
    } else {
        let (digits, behind) = after.split_at_checked(usize::from(first & 0x7F))?;
        after = behind;
        if digits.is_empty() || digits.len() > 4 {
            return None;
        }
        digits
            .iter()
            .fold(0, |length, digit| (length << 8) | usize::from(*digit))
    };
    let (content, behind) = after.split_at_checked(length)?;
    *rest = behind;
    (*found == tag).then_some(content)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (digits, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(u32::from_be_bytes(*digits))
}

fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (content, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(content)
}

fn skip(rest: &mut &[u8], count: usize) -> Option<()> {
    *rest = rest.get(count..)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    }

    fn ticket(kvno: &[u8]) -> Vec<u8> {
        let encrypted = [
            tagged(0xA0, &[2, 1, 18]),
            tagged(0xA1, &tagged(2, kvno)),
            tagged(0xA2, &tagged(4, &[7; 300])),
        ];
        let fields = [
            tagged(0xA0, &[2, 1, 5]),
            tagged(0xA1, b"realm"),
            tagged(0xA2, b"name"),
            tagged(0xA3, &tagged(0x30, &encrypted.concat())),
        ];
        tagged(0x61, &tagged(0x30, &fields.concat()))
    }

    fn credentials(ticket: &[u8]) -> Vec<u8> {
        let counted = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
            [&length[..], bytes].concat()
        };
        let name = [
            vec![0, 0, 0, 1, 0, 0, 0, 2],
            counted(b"REALM"),
            counted(b"host"),
            counted(b"pc1"),
        ]
        .concat();
        [
            name.clone(),
            name,
            vec![0, 18],
            counted(&[9; 32]),
            vec![0; 21],
            vec![0, 0, 0, 1, 0, 2],
            counted(&[127, 0, 0, 1]),
            vec![0; 4],
            counted(ticket),
            counted(b""),
        ]
        .concat()
    }

    #[test]
    fn numbers_of_all_sizes() {
        for (digits, number) in [
            (&[1][..], 1),
            (&[0, 200], 200),
            (&[1, 0], 256),
            (&[0, 0xC0, 0, 0, 2], 0xC000_0002),
            (&[0xC0, 0, 0, 2], 0xC000_0002),
        ] {
            assert_eq!(of(&credentials(&ticket(digits))), Some(number));
        }
        assert_eq!(of(&credentials(&ticket(&[1; 5]))), None);
        assert_eq!(of(&credentials(b"no ticket")), None);
    }

    proptest! {
        #[test]
        fn any_damage_is_read_or_refused(at in 0..500_usize, byte: u8, length in 0..500_usize) {
            let mut bytes = credentials(&ticket(&[1]));
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(length);
            let _ = of(&bytes);
        }
    }
}
