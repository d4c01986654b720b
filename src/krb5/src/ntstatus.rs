//! The NTSTATUS in the additional data of a KRB-ERROR.
//!
//! KERB-EXT-ERROR ([KILE 2.2.2]): status, a reserved zero, flags with 1 set, each 32 bits little endian. It
//! comes as data-type 3, within METHOD-DATA (Samba), TYPED-DATA, or a lone KERB-ERROR-DATA (Windows).

use crate::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE, context, integer};

/// KERB_ERR_TYPE_EXTENDED. In METHOD-DATA the same number means a salt; twelve letters of salt are told
/// apart by the zero and the flag.
const EXTENDED: i32 = 3;

/// More elements than any KDC sends.
const MOST_ELEMENTS: usize = 32;

/// The status, if the data are of one of the three forms and have one.
pub(crate) fn find(e_data: &[u8]) -> Option<u32> {
    let contents = Reader::new(e_data).expect(SEQUENCE)?;
    if let Some(status) = element(contents) {
        return Some(status);
    }
    let mut list = Reader::new(contents);
    (0..MOST_ELEMENTS)
        .map_while(|_| list.expect(SEQUENCE))
        .find_map(element)
}

/// The status in `{[n] data-type, [n + 1] data-value}`; n is 1, and 0 in TYPED-DATA.
fn element(contents: &[u8]) -> Option<u32> {
    let mut reader = Reader::new(contents);
    let kind = reader.value()?;
    let value = reader.value()?;
    let typed = kind.tag == context(0) && value.tag == context(1);
    let method = kind.tag == context(1) && value.tag == context(2);
    if !(typed || method) {
        return None;
    }
    let kind = integer(Reader::new(kind.contents).expect(INTEGER)?)?;
    if kind != EXTENDED {
        return None;
    }
    extended(Reader::new(value.contents).expect(OCTET_STRING)?)
}

fn extended(value: &[u8]) -> Option<u32> {
    let value: &[u8; 12] = value.try_into().ok()?;
    let [s0, s1, s2, s3, r0, r1, r2, r3, f0, ..] = *value;
    let status = u32::from_le_bytes([s0, s1, s2, s3]);
    let is_error = status >> 30 == 3;
    ([r0, r1, r2, r3] == [0; 4] && f0 & 1 == 1 && is_error).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::write;
    use proptest::prelude::*;

    fn ext(status: u32) -> Vec<u8> {
        let mut value = status.to_le_bytes().to_vec();
        value.extend([0, 0, 0, 0, 1, 0, 0, 0]);
        value
    }

    fn pair(first: u8, kind: u8, value: &[u8]) -> Vec<u8> {
        let mut contents = write(context(first), &write(INTEGER, &[kind]));
        contents.extend(write(context(first + 1), &write(OCTET_STRING, value)));
        write(SEQUENCE, &contents)
    }

    #[test]
    fn all_three_forms() {
        let status = 0xc000_0072;
        let samba = write(
            SEQUENCE,
            &[pair(1, 19, b"x"), pair(1, 3, &ext(status))].concat(),
        );
        let typed = write(SEQUENCE, &pair(0, 3, &ext(status)));
        let windows = pair(1, 3, &ext(status));
        for form in [samba, typed, windows] {
            assert_eq!(find(&form), Some(status));
        }
    }

    #[test]
    fn a_salt_is_no_status() {
        assert_eq!(find(&write(SEQUENCE, &pair(1, 3, b"CORP.EXAMPLE"))), None);
        assert_eq!(find(&write(SEQUENCE, &pair(1, 3, &ext(0)))), None);
        assert_eq!(
            find(&write(SEQUENCE, &pair(1, 11, &ext(0xc000_0072)))),
            None
        );
    }

    proptest! {
        #[test]
        fn hostile_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = find(&bytes);
        }

        #[test]
        fn a_changed_byte(at in 0usize..40, to in any::<u8>()) {
            let mut bytes = write(SEQUENCE, &[pair(1, 19, b"x"), pair(1, 3, &ext(0xc000_006f))].concat());
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = find(&bytes);
            bytes.truncate(at);
            prop_assert_eq!(find(&bytes), None);
        }
    }
}
