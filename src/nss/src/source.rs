//! Who is asked.
//!
//! Today that is the daemon alone. A source that answers inside this process, from a
//! file that the daemon publishes, has its place here: it answers the same requests,
//! and what it cannot answer goes on to the daemon.

use domlogon_protocol::client::{self, CallError};
use domlogon_protocol::{Reply, Request};
use std::path::Path;
use std::time::Duration;

/// Somebody who answers requests about users and groups.
pub(crate) trait Source {
    /// The reply to one request, within a bounded time.
    fn ask(&self, request: &Request) -> Result<Reply, CallError>;

    /// How long one call of the host program may take, however many requests it needs.
    fn limit(&self) -> Duration {
        client::NSS_DEADLINE
    }
}

/// The daemon behind a socket. Each request has a connection of its own: nothing is
/// left open that a fork could share or a careless host program could close.
pub(crate) struct Daemon<'a> {
    /// Where it listens.
    pub(crate) socket: &'a Path,
}

impl Source for Daemon<'_> {
    fn ask(&self, request: &Request) -> Result<Reply, CallError> {
        client::call_started(self.socket, request, self.limit())
    }
}
