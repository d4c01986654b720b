//! The TGS exchange: a ticket for a ticket.

use crate::context::Context;
use crate::credentials::Credentials;
use crate::error::{Error, ReplyFault};
use crate::exchange::{self, Exchange};
use crate::principal::Principal;
use crate::raw::{Cache, Code, TicketExchange};
use std::path::Path;

impl Context {
    /// A ticket for `service` (`ldap/dc1.corp.example`; of the client's realm if it names none).
    ///
    /// # Errors
    /// [`Error::Kdc`] if the KDC refused, as [`code::SERVER_UNKNOWN`](crate::code::SERVER_UNKNOWN).
    pub fn ticket(
        &self,
        tgt: &Credentials,
        service: &str,
        exchange: &mut Exchange<'_>,
    ) -> Result<Credentials, Error> {
        let realm = tgt.client().realm();
        let server = self.principal(&Principal::parse_in(service, realm)?)?;
        let client = self.principal(tgt.client())?;
        let cache = self.scratch(tgt)?;
        let mut conversation = TicketExchange::new(self.handle(), cache, &client, &server)
            .map_err(|code| self.library(code))?;
        exchange::run(self, realm, &mut conversation, exchange)?;
        let bytes = conversation
            .credentials()
            .map_err(|code| self.library(code))?;
        Credentials::new(self, bytes)
    }

    /// Renews a ticket-granting ticket.
    ///
    /// # Errors
    /// [`Error::Kdc`] if the KDC refused: it is too late, or the account is no longer good.
    pub fn renew(
        &self,
        tgt: &Credentials,
        exchange: &mut Exchange<'_>,
    ) -> Result<Credentials, Error> {
        let client = self.principal(tgt.client())?;
        let cache = self.scratch(tgt)?;
        let mut last = Vec::new();
        let mut failed = None;
        let result = self.handle().renew(&cache, &client, &mut |realm, request| {
            let asked = if realm == tgt.client().realm().as_bytes() {
                exchange::ask(exchange, request)
            } else {
                Err(Error::OtherRealm(String::from_utf8_lossy(realm).into()))
            };
            match asked {
                Ok(reply) => {
                    last.clone_from(&reply);
                    Ok(reply)
                }
                Err(error) => {
                    failed = Some(error);
                    Err(Code(libc::EIO))
                }
            }
        });
        match result {
            Ok(bytes) => Credentials::new(self, bytes),
            Err(code) => Err(failed.unwrap_or_else(|| {
                let told = exchange::is_error(&last).then(|| exchange::message(self, &last));
                told.flatten().map_or_else(
                    || exchange::from_library(self, code),
                    |told| Error::Kdc(exchange::kdc_error(&told, false)),
                )
            })),
        }
    }

    /// Proves that a ticket for the host's own `service` was made by the KDC that shares the key in `keytab`.
    ///
    /// This is what tells a false KDC apart, which would accept any password that its owner chose. Nothing is sent.
    /// The key has to be in the table, under whatever number.
    ///
    /// # Errors
    /// [`Error::NotVerified`] if the ticket does not open with a key of the table.
    pub fn verify(
        &self,
        service_ticket: &Credentials,
        service: &str,
        keytab: &Path,
    ) -> Result<(), Error> {
        let name = Principal::parse_in(service, service_ticket.client().realm())?;
        if name != *service_ticket.server() {
            return Err(Error::Reply(ReplyFault::Malformed));
        }
        let ticket = self.creds(service_ticket)?;
        self.keytab(keytab)?
            .opens(&ticket)
            .map_err(|code| Error::NotVerified { code: code.0 })
    }

    /// A cache in memory with nothing but `tgt`.
    fn scratch(&self, tgt: &Credentials) -> Result<Cache<'_>, Error> {
        let library = |code| self.library(code);
        let cache = Cache::scratch(self.handle()).map_err(library)?;
        cache
            .initialize(&self.principal(tgt.client())?)
            .map_err(library)?;
        cache.store(&self.creds(tgt)?).map_err(library)?;
        Ok(cache)
    }
}
