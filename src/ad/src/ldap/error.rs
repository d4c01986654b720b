//! Why the directory could not be asked.

use crate::entry::Flaw;
use core::fmt;
use std::io;

/// Why there is no answer. Nothing of it says anything about an account.
#[derive(Debug)]
pub enum LdapError {
    /// There is no connection, or it broke.
    Unreachable(io::Error),
    /// The server has ended the connection.
    Closed,
    /// The time for the answer is over.
    Timeout,
    /// The server's certificate is not good, or the TLS was not understood.
    Tls(rustls::Error),
    /// The name of the server is none that a certificate can have.
    ServerName,
    /// The file with the certificates of the authorities has none that can be used.
    Authorities,
    /// Kerberos: no ticket for the server, or the server has not proved who it is.
    Ticket(libgssapi::error::Error),
    /// The server does not seal.
    NotSealed,
    /// There is no password to bind with; an empty one would bind as nobody [RFC 4513 5.1.2].
    NoPassword,
    /// The server says no.
    Refused {
        /// The result code [RFC 4511 4.1.9].
        code: u32,
        /// Its own words, cut and cleaned: for the log.
        text: String,
    },
    /// The server sends us to another one.
    Referral,
    /// More entries or more bytes than were asked for.
    TooMuch,
    /// The answer is not LDAP, or not an answer to what was asked.
    Malformed,
    /// An entry lacks what every account has, or it cannot be read by this host.
    Entry(Flaw),
}

impl LdapError {
    /// Whether there was no answer at all, so that another server may do better: it is
    /// none where the server has said no, or has said something odd of one entry.
    #[must_use]
    pub(crate) const fn is_outage(&self) -> bool {
        match self {
            // busy, unavailable
            Self::Refused { code, .. } => matches!(code, 51 | 52),
            Self::Entry(_) | Self::TooMuch | Self::Referral => false,
            _ => true,
        }
    }

    /// Whether another connection to the same server may do better: this one is gone, as
    /// happens to one that was kept for long.
    pub(super) const fn is_lost(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Closed)
    }

    /// A refusal with the server's own words: no control characters, at most 300 letters.
    pub(super) fn refused(code: u32, text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let text = text.chars().take(300);
        Self::Refused {
            code,
            text: text.filter(|c| !c.is_control()).collect(),
        }
    }
}

impl From<io::Error> for LdapError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout,
            io::ErrorKind::UnexpectedEof => Self::Closed,
            // What rustls says about the peer comes as an error of the stream.
            _ => match error
                .get_ref()
                .and_then(|e| e.downcast_ref::<rustls::Error>())
            {
                Some(tls) => Self::Tls(tls.clone()),
                None => Self::Unreachable(error),
            },
        }
    }
}

impl From<super::ber::Malformed> for LdapError {
    fn from(_: super::ber::Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Flaw> for LdapError {
    fn from(flaw: Flaw) -> Self {
        Self::Entry(flaw)
    }
}

impl From<libgssapi::error::Error> for LdapError {
    fn from(error: libgssapi::error::Error) -> Self {
        Self::Ticket(error)
    }
}

impl fmt::Display for LdapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => write!(f, "LDAP: no connection: {error}"),
            Self::Closed => f.write_str("LDAP: the server has closed the connection"),
            Self::Timeout => f.write_str("LDAP: no answer in time"),
            Self::Tls(error) => write!(f, "LDAP: TLS: {error}"),
            Self::ServerName => f.write_str("LDAP: not a name that a certificate can have"),
            Self::Authorities => f.write_str(
                "LDAP: no certificate of an authority in the file that should have them",
            ),
            Self::Ticket(error) => write!(f, "LDAP: Kerberos: {error}"),
            Self::NotSealed => f.write_str("LDAP: the server does not seal the connection"),
            Self::NoPassword => f.write_str("LDAP: no password to bind with"),
            Self::Refused { code, text } => write!(f, "LDAP: refused with code {code}: {text}"),
            Self::Referral => f.write_str("LDAP: the server refers to another one"),
            Self::TooMuch => f.write_str("LDAP: more was sent than was asked for"),
            Self::Entry(flaw) => write!(f, "LDAP: {flaw}"),
            Self::Malformed => f.write_str("LDAP: the answer was not understood"),
        }
    }
}

impl std::error::Error for LdapError {}
