//! What can go wrong.

use core::fmt;
use std::io;

/// Error numbers of the protocol (RFC 4120 §7.5.9, MS-KILE) that matter for a logon.
pub mod code {
    /// KDC_ERR_C_PRINCIPAL_UNKNOWN: nobody of this name.
    pub const CLIENT_UNKNOWN: i32 = 6;
    /// KDC_ERR_S_PRINCIPAL_UNKNOWN: no service of this name.
    pub const SERVER_UNKNOWN: i32 = 7;
    /// KDC_ERR_POLICY: a restriction of the account.
    pub const POLICY: i32 = 12;
    /// KDC_ERR_ETYPE_NOSUPP: no kind of encryption in common.
    pub const NO_COMMON_ENCTYPE: i32 = 14;
    /// KDC_ERR_CLIENT_REVOKED: disabled, expired, locked, or out of hours; the NTSTATUS tells which.
    pub const CLIENT_REVOKED: i32 = 18;
    /// KDC_ERR_KEY_EXPIRED: the password has expired, or must be changed.
    pub const KEY_EXPIRED: i32 = 23;
    /// KDC_ERR_PREAUTH_FAILED: a wrong password.
    pub const PREAUTH_FAILED: i32 = 24;
    /// KDC_ERR_PREAUTH_REQUIRED: how every logon starts.
    pub const PREAUTH_REQUIRED: i32 = 25;
    /// KRB_AP_ERR_BAD_INTEGRITY: something does not open with the key.
    pub const BAD_INTEGRITY: i32 = 31;
    /// KRB_AP_ERR_TKT_EXPIRED: the ticket has ended.
    pub const TICKET_EXPIRED: i32 = 32;
    /// KRB_AP_ERR_SKEW: the clocks differ too much.
    pub const SKEW: i32 = 37;
    /// KDC_ERR_WRONG_REALM: the client belongs to another realm.
    pub const WRONG_REALM: i32 = 68;
    /// KDC_ERR_MORE_PREAUTH_DATA_REQUIRED: the proof goes on in another round.
    pub const MORE_PREAUTH: i32 = 91;
}

/// What a KDC (or the server for password changes) answered in place of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdcError {
    /// The protocol's number; see [`code`].
    pub code: i32,
    /// The NTSTATUS that Active Directory and Samba put beside it.
    pub ntstatus: Option<u32>,
    /// Whether this answered a request that carried the password's proof. If not, the password has not been
    /// looked at.
    pub after_preauth: bool,
    /// The sender's clock, in seconds since 1970.
    pub server_time: Option<i64>,
    /// Whether it came inside the armour of the exchange (FAST), so that only a KDC which knows the armour's key
    /// can have said it. If not, anybody on the way can.
    pub armored: bool,
}

/// How a reply was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyFault {
    /// Nothing came.
    Empty,
    /// More than any server has to say.
    TooLong,
    /// It is not what the protocol asks for at this place.
    Malformed,
    /// It does not open with the password, or with the key, that the client proved itself by.
    Undecryptable,
    /// The exchange did not come to an end.
    Endless,
    /// The KDC's time differs from ours too much.
    Skew,
    /// It is for somebody else than was asked for.
    OtherClient,
}

/// Why an exchange with a KDC, or the use of a key or a cache, failed.
#[derive(Debug)]
pub enum Error {
    /// The KDC refused.
    Kdc(KdcError),
    /// The caller's closure could not get an answer.
    Transport(io::Error),
    /// An answer came that is no answer.
    Reply(ReplyFault),
    /// The KDC points to another realm.
    OtherRealm(Box<str>),
    /// The password is empty: nothing was sent.
    EmptyPassword,
    /// The password has a zero byte, which Kerberos cannot carry: nothing was sent.
    UnusablePassword,
    /// This is no name of a principal.
    Name,
    /// The path is not text.
    Path,
    /// The library's profile cannot be read.
    Profile,
    /// The profile does not say `kdc_timesync = 0`: the library would hide a wrong clock.
    TimeSync,
    /// The table of keys cannot be used.
    Keytab(io::Error),
    /// The ticket does not open with the host's key: not from the KDC that the host was joined to, or the key is
    /// an old one.
    NotVerified {
        /// The library's number.
        code: i32,
    },
    /// The library failed otherwise.
    Library {
        /// The library's number.
        code: i32,
        /// The library's words for it, for the log.
        text: String,
    },
}

impl Error {
    /// The KDC's refusal, if it is one.
    #[must_use]
    pub const fn kdc(&self) -> Option<&KdcError> {
        match self {
            Self::Kdc(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the clock of this host and of the other side differ too much.
    #[must_use]
    pub const fn is_skew(&self) -> bool {
        match self {
            Self::Kdc(error) => error.code == code::SKEW,
            Self::Reply(fault) => matches!(fault, ReplyFault::Skew),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kdc(error) => write!(f, "{error}"),
            Self::Transport(error) => write!(f, "the server cannot be reached: {error}"),
            Self::Reply(fault) => write!(f, "{fault}"),
            Self::OtherRealm(realm) => write!(f, "the KDC points to another realm, {realm}"),
            Self::EmptyPassword => f.write_str("the password is empty"),
            Self::UnusablePassword => f.write_str("the password has a zero byte in it"),
            Self::Name => f.write_str("this is no name of a principal"),
            Self::Path => f.write_str("the path is not text"),
            Self::Profile => f.write_str("the Kerberos configuration cannot be read"),
            Self::TimeSync => f.write_str(
                "the Kerberos configuration must say \"kdc_timesync = 0\" in its [libdefaults]",
            ),
            Self::Keytab(error) => write!(f, "the keytab cannot be used: {error}"),
            Self::NotVerified { code } => {
                write!(
                    f,
                    "the KDC does not know this host's key (Kerberos error {code})"
                )
            }
            Self::Library { code, text } => write!(f, "{text} (Kerberos error {code})"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Transport(error) | Self::Keytab(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for KdcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the KDC answered with error {}", self.code)?;
        if let Some(status) = self.ntstatus {
            write!(f, ", status {status:#010x}")?;
        }
        if !self.after_preauth {
            f.write_str(", before the password")?;
        }
        Ok(())
    }
}

impl fmt::Display for ReplyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the server's reply is empty",
            Self::TooLong => "the server's reply is too long",
            Self::Malformed => "the server's reply is not well formed",
            Self::Undecryptable => "the server's reply does not open with this password or key",
            Self::Endless => "the server asks for ever more messages",
            Self::Skew => "the clocks of this host and of the server differ too much",
            Self::OtherClient => "the server's reply is for somebody else",
        })
    }
}
