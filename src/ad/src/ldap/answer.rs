//! What the server answers.

use super::ber::{self, Reader};
use super::error::LdapError;
use super::message::next_page;

/// One entry, with the attributes that were asked for and are there and may be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its distinguished name.
    pub(crate) dn: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// An entry with these attributes.
    pub(crate) fn new(dn: &str, attributes: Vec<(String, Vec<Vec<u8>>)>) -> Self {
        Self {
            dn: dn.to_owned(),
            attributes,
        }
    }

    /// The values of an attribute, none if it is not there.
    #[must_use]
    pub(crate) fn values(&self, name: &str) -> &[Vec<u8>] {
        self.attributes
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map_or(&[], |(_, values)| values)
    }

    /// The value of an attribute that has exactly one.
    #[must_use]
    pub(crate) fn value(&self, name: &str) -> Option<&[u8]> {
        match self.values(name) {
            [value] => Some(value),
            _ => None,
        }
    }

    /// The value as text; `None` also if it is no UTF-8.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        core::str::from_utf8(self.value(name)?).ok()
    }
}

/// One message of the answer to a request.
pub(super) enum Answer {
    Entry(Entry),
    /// Where more might be. Never followed: our domain's entries are all here.
    Reference,
    Done(Done),
}

/// The end of an answer.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) code: u32,
    pub(super) text: Vec<u8>,
    /// The server's token in a bind.
    pub(super) token: Option<Vec<u8>>,
    /// The cookie of the next page.
    pub(super) cookie: Option<Vec<u8>>,
}

const SUCCESS: u32 = 0;
const REFERRAL: u32 = 10;
const TIME_LIMIT: u32 = 3;
const SIZE_LIMIT: u32 = 4;

impl Done {
    /// Refuses every code but that of success.
    pub(super) fn success(self) -> Result<Self, LdapError> {
        match self.code {
            SUCCESS => Ok(self),
            REFERRAL => Err(LdapError::Referral),
            TIME_LIMIT => Err(LdapError::Timeout),
            SIZE_LIMIT => Err(LdapError::TooMuch),
            code => Err(LdapError::refused(code, &self.text)),
        }
    }
}

/// Reads a message that must belong to the request `id`, whose last answer has the tag `end`.
pub(super) fn read(message: &[u8], id: i32, end: u8) -> Result<Answer, LdapError> {
    let mut message = Reader::new(message).inside(ber::SEQUENCE)?;
    let found = message.integer(ber::INTEGER)?;
    if found == 0 {
        // The one thing that comes unasked is that the server is going [RFC 4511 4.4.1].
        return Err(LdapError::Closed);
    }
    if found != i64::from(id) {
        return Err(LdapError::Malformed);
    }
    let (tag, body) = message.element()?;
    let body = Reader::new(body);
    match tag {
        0x64 if end == 0x65 => entry(body).map(Answer::Entry),
        0x73 if end == 0x65 => Ok(Answer::Reference),
        _ if tag == end => {
            let mut done = done(body)?;
            if message.tag() == Some(0xA0) {
                done.cookie = next_page(message.inside(0xA0)?)?;
            }
            Ok(Answer::Done(done))
        }
        _ => Err(LdapError::Malformed),
    }
}

fn entry(mut body: Reader<'_>) -> Result<Entry, LdapError> {
    let dn = body.text(ber::OCTETS)?.to_owned();
    let mut list = body.inside(ber::SEQUENCE)?;
    let mut attributes = Vec::new();
    while !list.is_empty() {
        let mut attribute = list.inside(ber::SEQUENCE)?;
        let name = attribute.text(ber::OCTETS)?.to_owned();
        let mut set = attribute.inside(ber::SET)?;
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.expect(ber::OCTETS)?.to_vec());
        }
        attributes.push((name, values));
    }
    Ok(Entry { dn, attributes })
}

fn done(mut body: Reader<'_>) -> Result<Done, LdapError> {
    let code = body.integer(ber::ENUMERATED)?;
    body.expect(ber::OCTETS)?;
    let text = body.expect(ber::OCTETS)?.to_vec();
    let mut token = None;
    while !body.is_empty() {
        let (tag, content) = body.element()?;
        if tag == 0x87 {
            token = Some(content.to_vec());
        }
    }
    Ok(Done {
        code: u32::try_from(code).map_err(|_| LdapError::Malformed)?,
        text,
        token,
        cookie: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ldap::ber::Writer;
    use proptest::prelude::*;

    fn done_message(id: i64, code: i64) -> Vec<u8> {
        let mut w = Writer::new();
        w.nest(ber::SEQUENCE, |w| {
            w.integer(ber::INTEGER, id);
            w.nest(0x65, |w| {
                w.integer(ber::ENUMERATED, code);
                w.octets(ber::OCTETS, b"");
                w.octets(ber::OCTETS, b"why\n\x1b[31m");
            });
        });
        w.finish().to_vec()
    }

    #[test]
    fn codes_become_errors() {
        let result = |code| match read(&done_message(7, code), 7, 0x65) {
            Ok(Answer::Done(done)) => done.success().map(|_| ()),
            other => other.map(|_| ()),
        };
        assert!(result(0).is_ok());
        assert!(matches!(result(10), Err(LdapError::Referral)));
        assert!(matches!(result(4), Err(LdapError::TooMuch)));
        let refused = result(32).unwrap_err();
        assert_eq!(refused.to_string(), "LDAP: refused with code 32: why[31m");
        assert!(matches!(result(-1), Err(LdapError::Malformed)));
    }

    #[test]
    fn only_the_answer_to_the_request_is_taken() {
        let read = |bytes: &[u8], end| read(bytes, 7, end).map(|_| ());
        assert!(matches!(
            read(&done_message(8, 0), 0x65),
            Err(LdapError::Malformed)
        ));
        assert!(matches!(
            read(&done_message(0, 0), 0x65),
            Err(LdapError::Closed)
        ));
        assert!(matches!(
            read(&done_message(7, 0), 0x61),
            Err(LdapError::Malformed)
        ));
        for bytes in [
            &[0x30, 0][..],
            &[0x30, 5, 2, 1, 7, 0x65, 0],
            &[0x61, 0],
            &[],
        ] {
            assert!(matches!(read(bytes, 0x65), Err(LdapError::Malformed)));
        }
    }

    proptest! {
        #[test]
        fn any_message_is_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            at in 0_usize..60, value: u8,
        ) {
            let _ = read(&bytes, 7, 0x65);
            let mut message = done_message(7, 0);
            if let Some(byte) = message.get_mut(at) {
                *byte = value;
            }
            let _ = read(&message, 7, 0x65);
        }
    }
}
