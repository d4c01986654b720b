//! The messages of LDAP [RFC 4511 4]: what we ask, and what may be answered.

use super::ber::{self, Reader, Writer};
use super::error::LdapError;
use zeroize::Zeroizing;

/// Where to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The entry itself.
    Base,
    /// What is directly below it.
    One,
    /// The entry and all below it.
    Subtree,
}

/// What an entry must be like. Values are bytes and are sent as they are: nothing in a
/// name can change the meaning of a filter, because no filter is ever written as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// At least one of them.
    Or(Vec<Filter>),
    /// An attribute has this value.
    Equal(&'static str, Vec<u8>),
    /// An attribute has a value of at least this.
    AtLeast(&'static str, Vec<u8>),
    /// An attribute has a value.
    Present(&'static str),
    /// A matching rule (its number) says yes for an attribute and a value.
    Rule(&'static str, &'static str, Vec<u8>),
}

impl Filter {
    /// An attribute has this text as a value.
    #[must_use]
    pub(crate) fn equal(attribute: &'static str, text: &str) -> Self {
        Self::Equal(attribute, text.as_bytes().to_vec())
    }

    fn write(&self, w: &mut Writer) {
        let pair = |w: &mut Writer, tag, attribute: &str, value: &[u8]| {
            w.nest(tag, |w| {
                w.octets(ber::OCTETS, attribute.as_bytes());
                w.octets(ber::OCTETS, value);
            });
        };
        match self {
            Self::And(parts) => w.nest(0xA0, |w| parts.iter().for_each(|part| part.write(w))),
            Self::Or(parts) => w.nest(0xA1, |w| parts.iter().for_each(|part| part.write(w))),
            Self::Equal(attribute, value) => pair(w, 0xA3, attribute, value),
            Self::AtLeast(attribute, value) => pair(w, 0xA5, attribute, value),
            Self::Present(attribute) => w.octets(0x87, attribute.as_bytes()),
            Self::Rule(rule, attribute, value) => w.nest(0xA9, |w| {
                w.octets(0x81, rule.as_bytes());
                w.octets(0x82, attribute.as_bytes());
                w.octets(0x83, value);
            }),
        }
    }
}

/// One change of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Adds values to an attribute.
    Add(&'static str, Vec<Vec<u8>>),
    /// Puts these values in the place of all that an attribute has.
    Replace(&'static str, Vec<Vec<u8>>),
}

/// What is asked, or done.
pub(super) enum Request<'a> {
    SimpleBind {
        name: &'a str,
        password: &'a [u8],
    },
    GssapiBind(Option<&'a [u8]>),
    Search {
        base: &'a str,
        scope: Scope,
        filter: &'a Filter,
        attributes: &'a [&'a str],
        /// Most entries; 0 for what the server gives.
        limit: u32,
        /// Seconds that the server should spend at most.
        seconds: u32,
    },
    Add(&'a str, &'a [(&'static str, Vec<Vec<u8>>)]),
    Modify(&'a str, &'a [Change]),
    Delete(&'a str),
    StartTls,
}

/// More about a request.
pub(super) enum Control<'a> {
    /// One page of a result, after the one that gave this cookie [RFC 2696].
    Page { size: u32, cookie: &'a [u8] },
    /// Of a security descriptor the access list alone [ADTS 3.1.1.3.4.1.11]: other parts
    /// need rights that a machine does not have.
    AccessList,
}

pub(super) const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const PAGED: &str = "1.2.840.113556.1.4.319";
const SD_FLAGS: &str = "1.2.840.113556.1.4.801";

impl Request<'_> {
    /// The message with this number.
    pub(super) fn message(&self, id: i32, controls: &[Control<'_>]) -> Zeroizing<Vec<u8>> {
        let mut w = Writer::new();
        w.nest(ber::SEQUENCE, |w| {
            w.integer(ber::INTEGER, i64::from(id));
            self.write(w);
            if !controls.is_empty() {
                w.nest(0xA0, |w| {
                    controls.iter().for_each(|control| control.write(w))
                });
            }
        });
        w.finish()
    }

    /// The tag of the answer that ends the request.
    pub(super) const fn answer(&self) -> u8 {
        match self {
            Self::SimpleBind { .. } | Self::GssapiBind(_) => 0x61,
            Self::Search { .. } => 0x65,
            Self::Modify(..) => 0x67,
            Self::Add(..) => 0x69,
            Self::Delete(_) => 0x6B,
            Self::StartTls => 0x78,
        }
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::SimpleBind { name, password } => w.nest(0x60, |w| {
                w.integer(ber::INTEGER, 3);
                w.octets(ber::OCTETS, name.as_bytes());
                w.octets(0x80, password);
            }),
            Self::GssapiBind(token) => w.nest(0x60, |w| {
                w.integer(ber::INTEGER, 3);
                w.octets(ber::OCTETS, b"");
                w.nest(0xA3, |w| {
                    w.octets(ber::OCTETS, b"GSSAPI");
                    if let Some(token) = token {
                        w.octets(ber::OCTETS, token);
                    }
                });
            }),
            Self::Search { .. } => self.write_search(w),
            Self::Add(dn, attributes) => w.nest(0x68, |w| {
                w.octets(ber::OCTETS, dn.as_bytes());
                w.nest(ber::SEQUENCE, |w| {
                    for (name, values) in *attributes {
                        write_attribute(w, name, values);
                    }
                });
            }),
            Self::Modify(dn, changes) => w.nest(0x66, |w| {
                w.octets(ber::OCTETS, dn.as_bytes());
                w.nest(ber::SEQUENCE, |w| {
                    changes.iter().for_each(|change| change.write(w))
                });
            }),
            Self::Delete(dn) => w.octets(0x4A, dn.as_bytes()),
            Self::StartTls => w.nest(0x77, |w| w.octets(0x80, START_TLS.as_bytes())),
        }
    }

    fn write_search(&self, w: &mut Writer) {
        let Self::Search {
            base,
            scope,
            filter,
            attributes,
            limit,
            seconds,
        } = self
        else {
            return;
        };
        w.nest(0x63, |w| {
            w.octets(ber::OCTETS, base.as_bytes());
            let scope = match scope {
                Scope::Base => 0,
                Scope::One => 1,
                Scope::Subtree => 2,
            };
            w.integer(ber::ENUMERATED, scope);
            // Aliases are not followed.
            w.integer(ber::ENUMERATED, 0);
            w.integer(ber::INTEGER, i64::from(*limit));
            w.integer(ber::INTEGER, i64::from(*seconds));
            w.boolean(false);
            filter.write(w);
            w.nest(ber::SEQUENCE, |w| {
                for attribute in *attributes {
                    w.octets(ber::OCTETS, attribute.as_bytes());
                }
            });
        });
    }
}

impl Change {
    fn write(&self, w: &mut Writer) {
        let (kind, name, values) = match self {
            Self::Add(name, values) => (0, name, values),
            Self::Replace(name, values) => (2, name, values),
        };
        w.nest(ber::SEQUENCE, |w| {
            w.integer(ber::ENUMERATED, kind);
            write_attribute(w, name, values);
        });
    }
}

fn write_attribute(w: &mut Writer, name: &str, values: &[Vec<u8>]) {
    w.nest(ber::SEQUENCE, |w| {
        w.octets(ber::OCTETS, name.as_bytes());
        w.nest(ber::SET, |w| {
            for value in values {
                w.octets(ber::OCTETS, value);
            }
        });
    });
}

impl Control<'_> {
    fn write(&self, w: &mut Writer) {
        let (name, value) = match self {
            Self::Page { size, cookie } => {
                let mut value = Writer::new();
                value.nest(ber::SEQUENCE, |w| {
                    w.integer(ber::INTEGER, i64::from(*size));
                    w.octets(ber::OCTETS, cookie);
                });
                (PAGED, value.finish())
            }
            Self::AccessList => {
                // DACL_SECURITY_INFORMATION
                let mut value = Writer::new();
                value.nest(ber::SEQUENCE, |w| w.integer(ber::INTEGER, 4));
                (SD_FLAGS, value.finish())
            }
        };
        w.nest(ber::SEQUENCE, |w| {
            w.octets(ber::OCTETS, name.as_bytes());
            w.boolean(true);
            w.octets(ber::OCTETS, &value);
        });
    }
}

/// The cookie of the next page, which is empty after the last one; `None` for a control
/// that is not there.
pub(super) fn next_page(mut controls: Reader<'_>) -> Result<Option<Vec<u8>>, LdapError> {
    while !controls.is_empty() {
        let mut control = controls.inside(ber::SEQUENCE)?;
        if control.expect(ber::OCTETS)? != PAGED.as_bytes() {
            continue;
        }
        if control.tag() == Some(ber::BOOLEAN) {
            control.element()?;
        }
        let mut value = Reader::new(control.expect(ber::OCTETS)?).inside(ber::SEQUENCE)?;
        value.integer(ber::INTEGER)?;
        return Ok(Some(value.expect(ber::OCTETS)?.to_vec()));
    }
    Ok(None)
}
