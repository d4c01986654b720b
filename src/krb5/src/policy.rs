//! The password policy that Active Directory sends with a refused change.

/// What the domain asks of a password. It does not say which of the rules was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KpasswdPolicy {
    /// Least number of characters.
    pub min_length: u32,
    /// How many of the last passwords cannot be used again.
    pub history: u32,
    /// `pwdProperties`; 1 is complexity.
    pub properties: u32,
    /// Seconds after which a password expires; 0 is never.
    pub max_age: u64,
    /// Seconds for which a password cannot be changed again.
    pub min_age: u64,
}

/// Units of 100 ns in a second.
const UNITS: u64 = 10_000_000;

impl KpasswdPolicy {
    /// Reads the 30 bytes: a zero, length, history, properties, the two ages; all big endian.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 30] = bytes.try_into().ok()?;
        let number = |from: usize, length: usize| {
            let field = bytes.iter().skip(from).take(length);
            field.fold(0u64, |sum, &byte| (sum << 8) | u64::from(byte))
        };
        let small = |from| u32::try_from(number(from, 4)).unwrap_or(u32::MAX);
        if number(0, 2) != 0 {
            return None;
        }
        Some(Self {
            min_length: small(2),
            history: small(6),
            properties: small(10),
            max_age: age(number(14, 8)),
            min_age: age(number(22, 8)),
        })
    }
}

/// Seconds of an age. The directory keeps ages as negative numbers, and -2^63 for never; servers send them
/// with either sign.
fn age(units: u64) -> u64 {
    match i64::from_be_bytes(units.to_be_bytes()) {
        i64::MIN | i64::MAX => 0,
        signed => signed.unsigned_abs() / UNITS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_fields() {
        let mut bytes = vec![0, 0, 0, 0, 0, 8, 0, 0, 0, 24, 0, 0, 0, 1];
        bytes.extend((42 * 86_400 * UNITS).to_be_bytes());
        bytes.extend((-(86_400 * 10_000_000i64)).to_be_bytes());
        let policy = KpasswdPolicy::read(&bytes).unwrap();
        let expected = KpasswdPolicy {
            min_length: 8,
            history: 24,
            properties: 1,
            max_age: 42 * 86_400,
            min_age: 86_400,
        };
        assert_eq!(policy, expected);
        assert!(KpasswdPolicy::read(&bytes[1..]).is_none());
        bytes[1] = 1;
        assert!(KpasswdPolicy::read(&bytes).is_none());
        assert_eq!(age(1 << 63), 0);
    }

    proptest! {
        #[test]
        fn hostile_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = KpasswdPolicy::read(&bytes);
        }
    }
}
