//! Passwords and tickets on their way through the parts.

use core::fmt;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use zeroize::Zeroizing;

/// A password. Wiped when dropped, never printed, never compared by `==`.
///
/// At most [`Secret::MAX_BYTES`] bytes are kept. That is twice what the longest
/// allowed password can need, so a value that was cut is refused for its length
/// (or as a wrong password) exactly as the whole would have been.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Most bytes that are kept of a password: 256 UTF-16 units need at most 768
    /// bytes of UTF-8, and 2,048 bytes of UTF-8 hold at least 682.
    pub const MAX_BYTES: usize = 2048;

    /// Takes a copy of a password; the caller wipes its own.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut end = bytes.len().min(Self::MAX_BYTES);
        if end < bytes.len() {
            // Do not make an ill-formed value of a long one: step back to a character's first byte.
            while end > 0 && bytes.get(end).is_some_and(|b| b & 0xC0 == 0x80) {
                end -= 1;
            }
        }
        let kept = bytes.get(..end).unwrap_or_default();
        // Allocated once at its final size: growing would leave copies behind.
        let mut copy = Zeroizing::new(Vec::with_capacity(kept.len()));
        copy.extend_from_slice(kept);
        Self(copy)
    }

    /// The password's bytes, as they were typed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The password as text, or `None` if it is not well-formed UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Secret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a password")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Secret, E> {
                Ok(Secret::new(bytes))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Kerberos tickets in the form that libkrb5 marshals them. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketBytes(Zeroizing<Vec<u8>>);

impl TicketBytes {
    /// Most bytes of the tickets of one logon: a ticket that carries many groups has some
    /// ten thousand.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Takes a copy; the caller wipes its own. `None` if they are too many: tickets that
    /// were cut are no tickets.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > Self::MAX_BYTES {
            return None;
        }
        let mut copy = Zeroizing::new(Vec::with_capacity(bytes.len()));
        copy.extend_from_slice(bytes);
        Some(Self(copy))
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TicketBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketBytes(not shown)")
    }
}

impl Serialize for TicketBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for TicketBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = TicketBytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {} bytes of tickets", TicketBytes::MAX_BYTES)
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<TicketBytes, E> {
                TicketBytes::new(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", Secret::new(b"hunter2")).contains("hunter2"));
    }

    #[test]
    fn tickets_are_whole_or_refused_and_never_shown() {
        let most = vec![0xA5; TicketBytes::MAX_BYTES];
        let tickets = TicketBytes::new(&most).unwrap();
        assert!(!format!("{tickets:?}").contains("165"));
        let wire = postcard::to_allocvec(&tickets).unwrap();
        let back: TicketBytes = postcard::from_bytes(&wire).unwrap();
        assert_eq!(back.expose(), most);
        let more = vec![0xA5; TicketBytes::MAX_BYTES + 1];
        assert_eq!(TicketBytes::new(&more), None);
        // As many from a daemon that is none of ours.
        let wire = postcard::to_allocvec(&Wire(more)).unwrap();
        assert!(postcard::from_bytes::<TicketBytes>(&wire).is_err());
    }

    struct Wire(Vec<u8>);
    impl Serialize for Wire {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }

    #[test]
    fn a_long_one_is_cut_at_a_character() {
        let long = "ä".repeat(50_000);
        let secret = Secret::new(long.as_bytes());
        assert!(secret.expose().len() <= Secret::MAX_BYTES);
        assert!(secret.text().unwrap().chars().count() > 256);
        let odd = format!("x{long}");
        assert!(Secret::new(odd.as_bytes()).text().is_some());
    }
}
