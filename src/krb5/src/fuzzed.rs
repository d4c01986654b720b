//! Doors for `tests/fuzz`, to what is read by hand of a server's messages. Nothing of it is the
//! product's.

use crate::der::{self, Reader};
use crate::kpasswd::{self, Changed};
use crate::ntstatus;

/// The NTSTATUS in the additional data of an error.
#[must_use]
pub fn ntstatus(e_data: &[u8]) -> Option<u32> {
    ntstatus::find(e_data)
}

/// The two messages in a reply of the server for password changes.
#[must_use]
pub fn kpasswd_frame(reply: &[u8]) -> Option<(&[u8], &[u8])> {
    kpasswd::unframe(reply)
}

/// What a result that was opened says.
#[must_use]
pub fn kpasswd_result(outcome: &[u8]) -> Option<Changed> {
    kpasswd::decode(outcome)
}

/// How many values there are one after the other, and how many bytes they take. Each, written
/// again, is read as the same.
#[must_use]
pub fn der(bytes: &[u8]) -> (usize, usize) {
    let mut reader = Reader::new(bytes);
    let (mut count, mut taken) = (0, 0);
    while let Some(value) = reader.value() {
        let written = der::write(value.tag, value.contents);
        let again = Reader::new(&written).expect(value.tag);
        assert_eq!(again, Some(value.contents));
        let _ = der::integer(value.contents);
        count += 1;
        taken += value.contents.len() + 2;
    }
    (count, taken)
}
