//! Tickets with their session keys.

use crate::context::Context;
use crate::error::{Error, ReplyFault};
use crate::principal::Principal;
use crate::raw::Creds;
use core::fmt;
use domlogon_protocol::Timestamp;
use zeroize::Zeroizing;

/// A ticket and its session key, in memory that is wiped when it is dropped.
///
/// Kept in the form of version 4 of the credential cache, which is what
/// [`Credentials::to_bytes`] gives.
#[derive(Clone)]
pub struct Credentials {
    bytes: Zeroizing<Vec<u8>>,
    client: Principal,
    server: Principal,
    starts: Timestamp,
    ends: Timestamp,
    renewable_until: Option<Timestamp>,
    flags: u32,
    enctype: i32,
}

impl Credentials {
    /// More than any ticket is long, even with a PAC of a thousand groups.
    pub const MAX_BYTES: usize = 256 * 1024;

    const FORWARDABLE: u32 = 0x4000_0000;
    const RENEWABLE: u32 = 0x0080_0000;
    const INITIAL: u32 = 0x0040_0000;
    const OK_AS_DELEGATE: u32 = 0x0004_0000;

    /// Who it is for, as the KDC writes the name.
    #[must_use]
    pub const fn client(&self) -> &Principal {
        &self.client
    }

    /// What it opens.
    #[must_use]
    pub const fn server(&self) -> &Principal {
        &self.server
    }

    /// When it began to be valid.
    #[must_use]
    pub const fn starts_at(&self) -> Timestamp {
        self.starts
    }

    /// When it ends.
    #[must_use]
    pub const fn ends_at(&self) -> Timestamp {
        self.ends
    }

    /// Until when it can be renewed; `None` if not at all.
    #[must_use]
    pub const fn renew_until(&self) -> Option<Timestamp> {
        self.renewable_until
    }

    /// Whether it may be forwarded to another host.
    #[must_use]
    pub const fn is_forwardable(&self) -> bool {
        self.flags & Self::FORWARDABLE != 0
    }

    /// Whether it came from a proof of the password or key, and not by another ticket.
    #[must_use]
    pub const fn is_initial(&self) -> bool {
        self.flags & Self::INITIAL != 0
    }

    /// Whether the domain trusts the service for delegation (RFC 4120 2.8). The KDC says so under the seal of the
    /// session key.
    #[must_use]
    pub const fn is_ok_as_delegate(&self) -> bool {
        self.flags & Self::OK_AS_DELEGATE != 0
    }

    /// Whether it is a ticket-granting ticket of the client's own realm.
    #[must_use]
    pub fn is_tgt(&self) -> bool {
        match self.server.components() {
            [service, realm] => service == "krbtgt" && realm == self.client.realm(),
            _ => false,
        }
    }

    /// The kind of the session key (18 is aes256-cts-hmac-sha1-96).
    #[must_use]
    pub const fn enctype(&self) -> i32 {
        self.enctype
    }

    /// All of it, to be handed to another process; it has the session key in it.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.bytes.clone()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn new(context: &Context, bytes: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(Error::Reply(ReplyFault::TooLong));
        }
        let malformed = || Error::Reply(ReplyFault::Malformed);
        let creds = Creds::unmarshal(context.handle(), &bytes).map_err(|_| malformed())?;
        let facts = creds.facts().ok_or_else(malformed)?;
        let time = |seconds: u32| Timestamp(seconds.into());
        let starts = if facts.starttime == 0 {
            facts.authtime
        } else {
            facts.starttime
        };
        let renewable = facts.flags & Self::RENEWABLE != 0 && facts.renew_till != 0;
        Ok(Self {
            client: facts.client,
            server: facts.server,
            starts: time(starts),
            ends: time(facts.endtime),
            renewable_until: renewable.then(|| time(facts.renew_till)),
            flags: facts.flags,
            enctype: facts.enctype,
            bytes,
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client", &format_args!("{}", self.client))
            .field("server", &format_args!("{}", self.server))
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}
