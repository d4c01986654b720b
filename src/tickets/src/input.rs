//! The credentials on stdin: for each its length in four bytes, little endian, and its bytes; then the end.

use crate::error::Error;
use domlogon_krb5::Credentials;
use std::io::Read;
use zeroize::Zeroizing;

/// A ticket-granting ticket and a few others.
const MOST_ENTRIES: usize = 16;

/// Bytes of the whole input.
const MOST_BYTES: usize = 1024 * 1024;

/// Reads the list to its end.
pub(crate) fn read(source: &mut dyn Read) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
    // One allocation of the final size: growing would leave copies of session keys behind.
    let mut bytes = Zeroizing::new(vec![0; MOST_BYTES + 1]);
    let mut filled = 0;
    loop {
        let room = bytes.get_mut(filled..).unwrap_or_default();
        if room.is_empty() {
            return Err(Error::InputTooLong);
        }
        match source.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Input(error)),
        }
    }
    split(bytes.get(..filled).unwrap_or_default())
}

fn split(mut rest: &[u8]) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk::<4>().ok_or(Error::InputCut)?;
        let length =
            usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Error::InputTooLong)?;
        if length > Credentials::MAX_BYTES || entries.len() == MOST_ENTRIES {
            return Err(Error::InputTooLong);
        }
        let (entry, behind) = behind.split_at_checked(length).ok_or(Error::InputCut)?;
        entries.push(Zeroizing::new(entry.to_vec()));
        rest = behind;
    }
    if entries.is_empty() {
        Err(Error::InputCut)
    } else {
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists() {
        let mut source: &[u8] = b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c";
        let entries = read(&mut source).unwrap();
        assert_eq!(
            entries
                .iter()
                .map(|entry| entry.to_vec())
                .collect::<Vec<_>>(),
            [&b"ab"[..], b"", b"c"]
        );
        assert!(matches!(split(b""), Err(Error::InputCut)));
        assert!(matches!(split(b"\x01\0\0"), Err(Error::InputCut)));
        assert!(matches!(split(b"\x01\0\0\0"), Err(Error::InputCut)));
        assert!(matches!(
            split(b"\xff\xff\xff\xff"),
            Err(Error::InputTooLong)
        ));
        assert!(matches!(split(&[0; 4 * 17]), Err(Error::InputTooLong)));
        assert!(matches!(
            read(&mut std::io::repeat(0)),
            Err(Error::InputTooLong)
        ));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(entries) = split(&bytes) {
                let sum: usize = entries.iter().map(|entry| entry.len() + 4).sum();
                prop_assert_eq!(sum, bytes.len());
            }
        }
    }
}
