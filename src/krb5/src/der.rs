//! The little of DER that is read by hand, from bytes that anybody may have sent.

/// A reader over the contents of one value. It never copies, and never reads beyond.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// One value: its tag byte and its contents.
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const GENERAL_STRING: u8 = 0x1b;
pub(crate) const SEQUENCE: u8 = 0x30;

/// The tag byte of the context-specific `[number]`, constructed.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next value; `None` at the end, and where the rest is not DER.
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        // Kerberos has no tag above 30.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (digits, rest) = rest.split_at_checked(count)?;
            (
                digits
                    .iter()
                    .fold(0, |sum, &digit| (sum << 8) | usize::from(digit)),
                rest,
            )
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Value { tag, contents })
    }

    /// The contents of the next value if it has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.value()
            .filter(|value| value.tag == tag)
            .map(|value| value.contents)
    }
}

/// A small integer.
pub(crate) fn integer(contents: &[u8]) -> Option<i32> {
    let (&first, rest) = contents.split_first()?;
    if rest.len() > 3 {
        return None;
    }
    let start = if first & 0x80 == 0 { 0 } else { -1 };
    Some(
        contents
            .iter()
            .fold(start, |sum: i32, &byte| (sum << 8) | i32::from(byte)),
    )
}

/// Writes one value. Its contents are short: a password, a name.
pub(crate) fn write(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    let digits = (length as u64).to_be_bytes();
    if length < 0x80 {
        out.extend(digits.last());
    } else {
        let digits: Vec<u8> = digits.into_iter().skip_while(|&digit| digit == 0).collect();
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
        out.extend(digits);
    }
    out.extend_from_slice(contents);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = Reader::new(&bytes);
            let mut seen = 0;
            while let Some(value) = reader.value() {
                seen += value.contents.len() + 2;
                let _ = integer(value.contents);
            }
            prop_assert!(seen <= bytes.len());
        }

        #[test]
        fn what_is_written_is_read(tag in 0u8..0x1f, contents in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let bytes = write(tag, &contents);
            let mut reader = Reader::new(&bytes);
            let value = reader.value().unwrap();
            prop_assert_eq!(value.tag, tag);
            prop_assert_eq!(value.contents, &contents[..]);
            prop_assert!(reader.value().is_none());
        }
    }

    #[test]
    fn integers() {
        assert_eq!(integer(&[3]), Some(3));
        assert_eq!(integer(&[0, 0x80]), Some(128));
        assert_eq!(integer(&[0xff]), Some(-1));
        assert_eq!(integer(&[0x80, 0, 0, 0]), Some(i32::MIN));
        assert_eq!(integer(&[]), None);
        assert_eq!(integer(&[1, 2, 3, 4, 5]), None);
    }
}
