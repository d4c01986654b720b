//! LDAP to one server: every connection is sealed or inside of TLS, every wait ends, and
//! every answer is bounded. What the peer sends is read with suspicion: until the bind is
//! done anybody may have sent it.
//!
//! The client is our own. It blocks, it never panics, and it knows no more of LDAP than is
//! asked here.

mod answer;
mod ber;
mod error;
pub(crate) mod fuzzed;
mod message;
mod pool;
mod seal;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use answer::Entry;
pub(crate) use error::LdapError;
pub(crate) use message::{Change, Filter, Scope};
pub(crate) use pool::Pool;

use answer::{Answer, Done};
use domlogon_protocol::Secret;
use message::{Control, Request};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use seal::Handshake;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::{MOST_SEALED, Wire};

/// saslBindInProgress
const IN_PROGRESS: u32 = 14;
const INVALID_CREDENTIALS: u32 = 49;
/// Most bytes of the answer to one request.
const MOST: usize = 64 * 1024 * 1024;
/// Entries that are asked for at once: what a controller gives at most is 1000.
const PAGE: u32 = 500;

/// How a connection is protected, and as whom it is bound. There is no other way.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    /// Sealed with the ticket for `ldap/NAME@REALM` in the process's default credential
    /// cache, as whoever the ticket is for.
    Sealed {
        /// The Kerberos realm.
        realm: String,
    },
    /// TLS from the beginning, and a simple bind inside of it.
    Ldaps(Bind),
    /// TLS after StartTLS, and a simple bind inside of it.
    StartTls(Bind),
}

/// A simple bind, which only ever happens inside of TLS.
#[derive(Clone, Debug)]
pub(crate) struct Bind {
    /// The file (PEM) with the certificates of those who may vouch for the server. It is
    /// read for each connection, so a new one needs no restart.
    pub(crate) authorities: PathBuf,
    /// As whom: `HOST$@REALM`, or a distinguished name.
    pub(crate) name: String,
    /// The password; the next one is only tried if the server knows another.
    pub(crate) passwords: Vec<Secret>,
}

impl Security {
    /// The port of the protocol.
    #[must_use]
    pub(crate) const fn port(&self) -> u16 {
        match self {
            Self::Ldaps(_) => 636,
            Self::Sealed { .. } | Self::StartTls(_) => 389,
        }
    }
}

/// What to search.
#[derive(Clone, Debug)]
pub(crate) struct Search<'a> {
    /// The entry to begin at.
    pub(crate) base: &'a str,
    /// How far below it.
    pub(crate) scope: Scope,
    /// What the entries must be like.
    pub(crate) filter: Filter,
    /// The attributes to read. With `nTSecurityDescriptor` among them its access list is
    /// read, and no other part of it.
    pub(crate) attributes: &'a [&'a str],
    /// Most entries. More are an error: nothing is ever silently left out.
    pub(crate) limit: usize,
}

/// TLS that trusts the certificates in this file (PEM) and no other.
///
/// # Errors
/// [`LdapError::Authorities`] if there is none that can be used.
fn authorities(file: &Path) -> Result<Arc<ClientConfig>, LdapError> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|_| LdapError::Authorities)?;
    for certificate in certificates {
        let certificate = certificate.map_err(|_| LdapError::Authorities)?;
        roots.add(certificate).map_err(|_| LdapError::Authorities)?;
    }
    if roots.is_empty() {
        return Err(LdapError::Authorities);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(LdapError::Tls)?;
    Ok(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}

/// A connection that is protected and bound.
pub(crate) struct Connection {
    wire: Wire,
    last: i32,
    deadline: Instant,
    /// Not at the border of a message any more, or told to go.
    broken: bool,
}

impl Connection {
    /// Connects to `address`, where the server of this full name should be, protects the
    /// connection and binds, all of it until `deadline`.
    ///
    /// # Errors
    /// [`LdapError`]; `Refused` with code 49 if the server does not take the credentials.
    pub(crate) fn open(
        address: SocketAddr,
        name: &str,
        security: &Security,
        deadline: Instant,
    ) -> Result<Self, LdapError> {
        let mut connection = Self {
            wire: Wire::connect(address, deadline)?,
            last: 0,
            deadline,
            broken: false,
        };
        match security {
            Security::Sealed { realm } => connection.seal(name, realm)?,
            Security::Ldaps(bind) => {
                let trusted = authorities(&bind.authorities)?;
                connection.wire.start_tls(&trusted, name)?;
                connection.simple_bind(bind)?;
            }
            Security::StartTls(bind) => {
                let trusted = authorities(&bind.authorities)?;
                connection.call(&Request::StartTls)?.success()?;
                connection.wire.start_tls(&trusted, name)?;
                connection.simple_bind(bind)?;
            }
        }
        Ok(connection)
    }

    /// When every request must be answered from now on, all of them together.
    pub(crate) fn until(&mut self, deadline: Instant) {
        self.deadline = deadline;
        self.wire.until(deadline);
    }

    /// The entries of a search.
    ///
    /// # Errors
    /// [`LdapError::TooMuch`] if there are more than the search's limit; [`LdapError`].
    pub(crate) fn search(&mut self, search: &Search<'_>) -> Result<Vec<Entry>, LdapError> {
        let limit = u32::try_from(search.limit).map_err(|_| LdapError::TooMuch)?;
        let mut found = Vec::new();
        let controls = search.controls();
        let request = search.request(limit.saturating_add(1), self.seconds());
        let done = self.ask(&request, &controls, &mut |entry| {
            if found.len() >= search.limit {
                return Err(LdapError::TooMuch);
            }
            found.push(entry);
            Ok(())
        })?;
        done.success()?;
        Ok(found)
    }

    /// Gives the entries of a search to `take`, page by page, until it has enough.
    ///
    /// # Errors
    /// [`LdapError::TooMuch`] if there are more than the search's limit, after that many were
    /// given; [`LdapError`].
    pub(crate) fn pages(
        &mut self,
        search: &Search<'_>,
        take: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LdapError> {
        let mut cookie = Vec::new();
        let mut count = 0;
        loop {
            let mut page = Vec::new();
            let mut controls = search.controls();
            controls.push(Control::Page {
                size: PAGE,
                cookie: &cookie,
            });
            let request = search.request(0, self.seconds());
            let done = self.ask(&request, &controls, &mut |entry| {
                if count >= search.limit {
                    return Err(LdapError::TooMuch);
                }
                count += 1;
                page.push(entry);
                Ok(())
            })?;
            let done = done.success()?;
            if page.into_iter().try_for_each(&mut *take).is_break() {
                return Ok(());
            }
            match done.cookie {
                Some(next) if !next.is_empty() => cookie = next,
                _ => return Ok(()),
            }
        }
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`LdapError`]; `Refused` with code 68 if it exists.
    pub(crate) fn add(
        &mut self,
        dn: &str,
        entry: &[(&'static str, Vec<Vec<u8>>)],
    ) -> Result<(), LdapError> {
        self.call(&Request::Add(dn, entry))?.success().map(|_| ())
    }

    /// Changes an entry.
    ///
    /// # Errors
    /// [`LdapError`]
    pub(crate) fn modify(&mut self, dn: &str, changes: &[Change]) -> Result<(), LdapError> {
        self.call(&Request::Modify(dn, changes))?
            .success()
            .map(|_| ())
    }

    /// Deletes an entry.
    ///
    /// # Errors
    /// [`LdapError`]
    pub(crate) fn delete(&mut self, dn: &str) -> Result<(), LdapError> {
        self.call(&Request::Delete(dn))?.success().map(|_| ())
    }

    /// Whether it can be used no more, because a question was not answered to its end.
    #[must_use]
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether it can be used no more.
    fn is_stale(&mut self) -> bool {
        self.broken || self.wire.is_stale()
    }

    fn seal(&mut self, name: &str, realm: &str) -> Result<(), LdapError> {
        let (mut handshake, token) = Handshake::start(name, realm)?;
        let answer = self.call(&Request::GssapiBind(Some(&token)))?;
        handshake.verify(&in_progress(answer)?)?;
        let answer = self.call(&Request::GssapiBind(None))?;
        let (seal, choice) = handshake.choose(&in_progress(answer)?, MOST_SEALED)?;
        let answer = self.call(&Request::GssapiBind(Some(&choice)))?;
        answer.success()?;
        self.wire.start_seal(seal);
        Ok(())
    }

    fn simple_bind(&mut self, bind: &Bind) -> Result<(), LdapError> {
        let mut result = Err(LdapError::NoPassword);
        for password in &bind.passwords {
            // An empty one would be a bind as nobody, and a success [RFC 4513 5.1.2].
            if password.is_empty() || bind.name.is_empty() {
                continue;
            }
            let request = Request::SimpleBind {
                name: &bind.name,
                password: password.expose(),
            };
            result = self.call(&request)?.success().map(|_| ());
            match result {
                Err(LdapError::Refused {
                    code: INVALID_CREDENTIALS,
                    ..
                }) => {}
                _ => return result,
            }
        }
        result
    }

    /// A request with one answer.
    fn call(&mut self, request: &Request<'_>) -> Result<Done, LdapError> {
        self.ask(request, &[], &mut |_| Err(LdapError::Malformed))
    }

    fn ask(
        &mut self,
        request: &Request<'_>,
        controls: &[Control<'_>],
        take: &mut dyn FnMut(Entry) -> Result<(), LdapError>,
    ) -> Result<Done, LdapError> {
        if self.broken {
            return Err(LdapError::Closed);
        }
        // Whatever goes wrong in the middle leaves answers that nobody waits for.
        self.broken = true;
        let done = self.exchange(request, controls, take)?;
        self.broken = false;
        Ok(done)
    }

    fn exchange(
        &mut self,
        request: &Request<'_>,
        controls: &[Control<'_>],
        take: &mut dyn FnMut(Entry) -> Result<(), LdapError>,
    ) -> Result<Done, LdapError> {
        self.last = self.last.checked_add(1).ok_or(LdapError::Closed)?;
        let (id, end) = (self.last, request.answer());
        self.wire.send(&request.message(id, controls))?;
        let mut total = 0_usize;
        loop {
            // A row of answers that are there already does not wait, and must end too.
            crate::transport::left(self.deadline)?;
            let (answer, length) = self.wire.receive(|bytes| answer::read(bytes, id, end))?;
            total = total.saturating_add(length);
            if total > MOST {
                return Err(LdapError::TooMuch);
            }
            match answer {
                Answer::Entry(entry) => take(entry)?,
                Answer::Reference => {}
                Answer::Done(done) => return Ok(done),
            }
        }
    }

    /// For the server, which need not work much longer than we wait.
    fn seconds(&self) -> u32 {
        time_limit(self.deadline.saturating_duration_since(Instant::now()))
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

impl Search<'_> {
    fn controls(&self) -> Vec<Control<'static>> {
        let descriptor = self
            .attributes
            .iter()
            .any(|name| name.eq_ignore_ascii_case("nTSecurityDescriptor"));
        descriptor
            .then_some(Control::AccessList)
            .into_iter()
            .collect()
    }

    fn request(&self, limit: u32, seconds: u32) -> Request<'_> {
        Request::Search {
            base: self.base,
            scope: self.scope,
            filter: &self.filter,
            attributes: self.attributes,
            limit,
            seconds,
        }
    }
}

/// How long a server may work for who waits so long. It counts whole seconds: Samba gives a
/// search of one second up as soon as the next second of its clock begins, be that a moment
/// later. So it gets all that begin while we wait, and one more.
fn time_limit(left: Duration) -> u32 {
    u32::try_from(left.as_secs()).map_or(u32::MAX, |seconds| seconds.saturating_add(2))
}

/// The token of a bind that is not complete yet.
fn in_progress(answer: Done) -> Result<Vec<u8>, LdapError> {
    if answer.code == IN_PROGRESS {
        answer.token.ok_or(LdapError::Malformed)
    } else {
        // Success at this point would be a bind that has not been sealed.
        answer.success()?;
        Err(LdapError::NotSealed)
    }
}
