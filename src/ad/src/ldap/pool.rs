//! Connections to one server that are kept for the next question.

use super::{Bind, Connection, LdapError, Security};
use crate::machine::Machine;
use crate::servers::Server;
use crate::settings::{Channel, Settings};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most connections that are kept.
const MOST: usize = 8;
/// How long one is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);
/// How old one gets: its ticket and its password have an end too.
const AGE: Duration = Duration::from_secs(30 * 60);

/// Connections to one server. Made from several threads at once.
pub(crate) struct Pool {
    address: SocketAddr,
    name: String,
    security: Security,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    connections: Vec<Idle>,
    /// Counts how often all of them were forgotten.
    turn: u64,
}

struct Idle {
    connection: Connection,
    opened: Instant,
    since: Instant,
    /// How often all had been forgotten when it was opened.
    turn: u64,
}

impl Pool {
    /// Connections to this server as this machine. None is opened yet.
    pub(crate) fn new(settings: &Settings, server: &Server, machine: &Machine) -> Self {
        let bind = || Bind {
            // Without a file nobody can vouch for the server.
            authorities: settings.ca.clone().unwrap_or_default(),
            name: format!("{}@{}", machine.account, machine.realm),
            passwords: machine
                .keys()
                .map(|(_, key)| key.password.clone())
                .collect(),
        };
        let security = match settings.channel {
            Channel::Sealed => Security::Sealed {
                realm: machine.realm.clone(),
            },
            Channel::Ldaps => Security::Ldaps(bind()),
            Channel::StartTls => Security::StartTls(bind()),
        };
        Self::to(server.port(security.port()), &server.name, security)
    }

    fn to(address: SocketAddr, name: &str, security: Security) -> Self {
        Self {
            address,
            name: name.to_owned(),
            security,
            kept: Mutex::default(),
        }
    }

    /// Asks something over a connection that was kept, or over a new one, until `deadline`.
    ///
    /// One that was kept may have been ended by the server in the meantime. Then `question`
    /// is put once more over a new one: it must be one that can be put twice.
    ///
    /// # Errors
    /// What `question` says, or why there is no connection. After [`LdapError::Timeout`] and
    /// [`LdapError::Unreachable`] the caller should ask another server.
    pub(crate) fn with<T>(
        &self,
        deadline: Instant,
        mut question: impl FnMut(&mut Connection) -> Result<T, LdapError>,
    ) -> Result<T, LdapError> {
        if let Some(mut idle) = self.reuse(deadline) {
            match question(&mut idle.connection) {
                Err(error) if error.is_lost() => self.forget(),
                other => {
                    self.keep(idle);
                    return other;
                }
            }
        }
        let turn = self.lock().turn;
        let opened = Instant::now();
        let mut connection = Connection::open(self.address, &self.name, &self.security, deadline)?;
        let answer = question(&mut connection);
        self.keep(Idle {
            connection,
            opened,
            since: opened,
            turn,
        });
        answer
    }

    /// Closes all connections; those in use are not kept afterwards.
    pub(crate) fn forget(&self) {
        let mut kept = self.lock();
        kept.turn = kept.turn.wrapping_add(1);
        let closed = std::mem::take(&mut kept.connections);
        // Closing is not for those who wait.
        drop(kept);
        drop(closed);
    }

    fn reuse(&self, deadline: Instant) -> Option<Idle> {
        loop {
            let mut idle = self.lock().connections.pop()?;
            let is_young = idle.since.elapsed() < IDLE && idle.opened.elapsed() < AGE;
            if is_young && !idle.connection.is_stale() {
                idle.connection.until(deadline);
                return Some(idle);
            }
        }
    }

    fn keep(&self, mut idle: Idle) {
        if idle.connection.is_stale() {
            return;
        }
        idle.since = Instant::now();
        let mut kept = self.lock();
        if kept.turn == idle.turn && kept.connections.len() < MOST {
            kept.connections.push(idle);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
