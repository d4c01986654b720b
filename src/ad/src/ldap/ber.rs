//! The part of BER that LDAP uses [RFC 4511 5.1]: tags of one byte, definite lengths.
//!
//! Reading goes one level down at a time, so depth costs no stack, and a length never
//! makes anything be allocated.

use zeroize::Zeroizing;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0A;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The bytes are no BER, or not the element that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

type Result<T> = core::result::Result<T, Malformed>;

/// Writes elements. What it has written is wiped: it may be a bind with a password.
pub(super) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(super) fn new() -> Self {
        // Longer than any bind, so that it is not moved, which would leave a copy behind.
        Self(Zeroizing::new(Vec::with_capacity(8 * 1024)))
    }

    pub(super) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    pub(super) fn octets(&mut self, tag: u8, bytes: &[u8]) {
        self.0.push(tag);
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn boolean(&mut self, value: bool) {
        self.octets(BOOLEAN, &[if value { 0xFF } else { 0 }]);
    }

    pub(super) fn integer(&mut self, tag: u8, value: i64) {
        let bytes = value.to_be_bytes();
        let mut rest = bytes.as_slice();
        // The shortest form: the sign is the first bit that is kept.
        while let [first, second, ..] = rest {
            let sign = second & 0x80;
            if (*first == 0 && sign == 0) || (*first == 0xFF && sign != 0) {
                rest = rest.get(1..).unwrap_or_default();
            } else {
                break;
            }
        }
        self.octets(tag, rest);
    }

    /// An element whose content is written by `content`.
    pub(super) fn nest(&mut self, tag: u8, content: impl FnOnce(&mut Self)) {
        self.0.push(tag);
        let at = self.0.len();
        self.0.extend_from_slice(&[0x84, 0, 0, 0, 0]);
        content(self);
        let length = self.0.len().saturating_sub(at + 5);
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        if let Some(place) = self.0.get_mut(at + 1..at + 5) {
            place.copy_from_slice(&length);
        }
    }

    fn length(&mut self, length: usize) {
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => self.0.push(short),
            _ => {
                self.0.push(0x84);
                let long = u32::try_from(length).unwrap_or(u32::MAX);
                self.0.extend_from_slice(&long.to_be_bytes());
            }
        }
    }
}

/// Reads elements, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next element, if there is one.
    pub(super) fn tag(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element: its tag and its content.
    pub(super) fn element(&mut self) -> Result<(u8, &'a [u8])> {
        let (header, content) = header(self.0)?.ok_or(Malformed)?;
        let tag = self.tag().ok_or(Malformed)?;
        let end = header.checked_add(content).ok_or(Malformed)?;
        let bytes = self.0.get(header..end).ok_or(Malformed)?;
        self.0 = self.0.get(end..).ok_or(Malformed)?;
        Ok((tag, bytes))
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'a [u8]> {
        match self.element()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Malformed),
        }
    }

    /// The elements inside of the next one, which must have this tag.
    pub(super) fn inside(&mut self, tag: u8) -> Result<Self> {
        self.expect(tag).map(Self)
    }

    pub(super) fn integer(&mut self, tag: u8) -> Result<i64> {
        let content = self.expect(tag)?;
        if content.is_empty() || content.len() > 8 {
            return Err(Malformed);
        }
        let negative = content.first().is_some_and(|byte| byte & 0x80 != 0);
        let start = if negative { -1 } else { 0 };
        Ok(content
            .iter()
            .fold(start, |value: i64, byte| (value << 8) | i64::from(*byte)))
    }

    pub(super) fn text(&mut self, tag: u8) -> Result<&'a str> {
        core::str::from_utf8(self.expect(tag)?).map_err(|_| Malformed)
    }
}

/// The number of bytes of the first element's header and of its content; `None` while the
/// header is not complete.
pub(super) fn header(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(tag) = bytes.first() else {
        return Ok(None);
    };
    // LDAP has no tag of more than one byte.
    if tag & 0x1F == 0x1F {
        return Err(Malformed);
    }
    let Some(first) = bytes.get(1) else {
        return Ok(None);
    };
    if first & 0x80 == 0 {
        return Ok(Some((2, usize::from(*first))));
    }
    let count = usize::from(first & 0x7F);
    if count == 0 || count > 4 {
        return Err(Malformed);
    }
    let Some(digits) = bytes.get(2..2 + count) else {
        return Ok(None);
    };
    let length = digits
        .iter()
        .fold(0_u32, |value, byte| (value << 8) | u32::from(*byte));
    let length = usize::try_from(length).map_err(|_| Malformed)?;
    Ok(Some((2 + count, length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new();
        write(&mut writer);
        writer.finish().to_vec()
    }

    #[test]
    fn integers_have_their_shortest_form() {
        for (value, bytes) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (-1, &[2, 1, 0xFF]),
            (-129, &[2, 2, 0xFF, 0x7F]),
        ] {
            assert_eq!(written(|w| w.integer(INTEGER, value)), bytes);
        }
    }

    #[test]
    fn what_is_no_ber_is_refused() {
        for bad in [
            &[0x30, 0x80, 0, 0][..],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x1F, 1, 0],
            &[0x30, 5, 0],
            &[0x30],
            &[],
        ] {
            assert_eq!(Reader::new(bad).element(), Err(Malformed), "{bad:?}");
        }
        assert_eq!(header(&[0x30, 0x84, 0, 0]), Ok(None));
        assert_eq!(
            header(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]),
            Ok(Some((6, 0xFFFF_FFFF)))
        );
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(value: i64, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let text = written(|w| w.nest(SEQUENCE, |w| {
                w.integer(INTEGER, value);
                w.octets(OCTETS, &bytes);
            }));
            let mut outer = Reader::new(&text);
            let mut inner = outer.inside(SEQUENCE).unwrap();
            prop_assert_eq!(inner.integer(INTEGER).unwrap(), value);
            prop_assert_eq!(inner.expect(OCTETS).unwrap(), bytes.as_slice());
            prop_assert!(inner.is_empty() && outer.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            while reader.element().is_ok() {}
        }
    }
}
