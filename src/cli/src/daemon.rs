//! Asking domlogond.

use crate::arguments::Arguments;
use crate::error::Error;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::client::{self, CallError};
use domlogon_protocol::{ADMIN_SOCKET, Reply, Request, SOCKET, Verdict};
use std::path::PathBuf;
use std::time::Duration;

/// A storm of logons makes password hashes queue; an administrator would rather wait.
const DEADLINE: Duration = Duration::from_secs(30);

/// Where the daemon listens.
#[derive(Debug)]
pub(crate) struct Daemon {
    admin: PathBuf,
    plain: PathBuf,
}

impl Daemon {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        let admin = arguments.socket.clone();
        let plain = arguments.plain_socket.clone().or_else(|| admin.clone());
        Self {
            admin: admin.unwrap_or_else(|| ADMIN_SOCKET.into()),
            plain: plain.unwrap_or_else(|| SOCKET.into()),
        }
    }

    /// Asks as an administrator.
    pub(crate) fn ask(&self, request: admin::Request) -> Result<admin::Reply, Error> {
        match client::call(&self.admin, &Request::Admin(request), DEADLINE) {
            Ok(Reply::Admin(reply)) => Ok(*reply),
            Ok(Reply::AdminRefused(error)) => Err(Error::Refused(error)),
            // The socket's own mode, or the daemon, keeps the caller out: the same answer.
            Err(CallError::Forbidden) | Ok(Reply::Refused(Verdict::AccessDenied)) => {
                Err(AdminError::NotAllowed.into())
            }
            Ok(Reply::Refused(verdict)) => Err(Error::NotAnswered(verdict)),
            Ok(_) => Err(Error::OtherReply),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks as an administrator, or like anybody where that is forbidden.
    pub(crate) fn ask_as_anybody(&self, request: &Request) -> Result<Reply, Error> {
        let reply = match client::call(&self.admin, request, DEADLINE) {
            Err(CallError::Forbidden) | Ok(Reply::Refused(Verdict::AccessDenied)) => {
                client::call(&self.plain, request, DEADLINE)?
            }
            other => other?,
        };
        match reply {
            Reply::Refused(verdict) => Err(Error::NotAnswered(verdict)),
            Reply::AdminRefused(error) => Err(Error::Refused(error)),
            other => Ok(other),
        }
    }
}
