//! Asking domlogond.

use crate::arguments::Arguments;
use crate::error::Error;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::client::{self, CallError};
use domlogon_protocol::{ADMIN_SOCKET, Reply, Request, SOCKET, Verdict};
use std::path::PathBuf;
use std::time::Duration;

/// How long an administrator's work may take. A storm of logons makes password hashes
/// queue, and he would rather wait than not know whether a change was made.
const WORK: Duration = Duration::from_secs(30);

/// How long a look may take: it hashes nothing, and who looks wants to know whether the
/// daemon hangs.
const LOOK: Duration = Duration::from_secs(5);

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
        match client::call(&self.admin, &Request::Admin(request), WORK) {
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

    /// Looks at something as an administrator, or like anybody where that is forbidden.
    pub(crate) fn look(&self, request: &Request) -> Result<Reply, Error> {
        let reply = match client::call(&self.admin, request, LOOK) {
            Err(CallError::Forbidden) | Ok(Reply::Refused(Verdict::AccessDenied)) => {
                client::call(&self.plain, request, LOOK)?
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
