//! The AS exchange: a password, or a key, for a ticket.

use crate::context::Context;
use crate::credentials::Credentials;
use crate::error::{Error, ReplyFault};
use crate::exchange::{self, Exchange};
use crate::principal::Principal;
use crate::raw::{InitialExchange, Keytab, Options, Proof};
use core::ffi::CStr;
use domlogon_protocol::Secret;
use std::path::Path;
use zeroize::Zeroizing;

/// For how long a person's ticket is asked to be renewable; the KDC gives less if its policy says so.
const RENEWABLE: i32 = 7 * 86_400;

/// The server for password changes, for which an expired password is good enough.
pub const CHANGEPW: &str = "kadmin/changepw";

/// A ticket to the server for password changes serves one change.
const BRIEF: i32 = 300;

impl Context {
    /// Proves a password to the KDC. The name is taken literally, whatever characters it has.
    ///
    /// `service` is that of the ticket: the ticket-granting one without, forwardable and renewable as the KDC
    /// permits; or `kadmin/changepw`, which is also granted with an expired password, for five minutes.
    ///
    /// The ticket is not yet to be believed: whoever answers for the KDC may have made it up. See
    /// [`Context::verify`].
    ///
    /// # Errors
    /// [`Error::Kdc`] if it was refused; one call is one attempt at most. Nothing is sent with an empty password.
    pub fn with_password(
        &self,
        client: &str,
        realm: &str,
        password: &Secret,
        service: Option<&str>,
        exchange: &mut Exchange<'_>,
    ) -> Result<Credentials, Error> {
        self.by_password(client, realm, password, &wish(service, None), exchange)
    }

    /// As [`Context::with_password`], within an armour (FAST, RFC 6113) by the ticket in the cache `armor`, which
    /// the KDC then must know: its errors cannot be forged, and the proof cannot be guessed at off line.
    ///
    /// # Errors
    /// As there; also if the KDC has no FAST.
    pub fn with_password_armored(
        &self,
        client: &str,
        realm: &str,
        password: &Secret,
        service: Option<&str>,
        armor: &str,
        exchange: &mut Exchange<'_>,
    ) -> Result<Credentials, Error> {
        self.by_password(
            client,
            realm,
            password,
            &wish(service, Some(armor)),
            exchange,
        )
    }

    /// Proves a password to the KDC and says whose it is, in the KDC's own words, also of one that has expired: the
    /// client of what this returns, which is a ticket for nothing else. A name may be another account's second one
    /// (userPrincipalName), and then the KDC takes that one's password for it.
    ///
    /// In an armour as with [`Context::with_password_armored`], if there is one.
    ///
    /// # Errors
    /// As there.
    pub fn owner_of_password(
        &self,
        client: &str,
        realm: &str,
        password: &Secret,
        armor: Option<&str>,
        exchange: &mut Exchange<'_>,
    ) -> Result<Credentials, Error> {
        let options = Options {
            canonicalize: true,
            ..wish(Some(CHANGEPW), armor)
        };
        self.by_password(client, realm, password, &options, exchange)
    }

    fn by_password(
        &self,
        client: &str,
        realm: &str,
        password: &Secret,
        options: &Options<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Result<Credentials, Error> {
        let password = c_password(password)?;
        let proof = Proof::Password(c_str(&password)?);
        self.initial(client, realm, proof, options, exchange)
    }

    /// A ticket-granting ticket for a client whose key is in a keytab: the host's own account.
    ///
    /// # Errors
    /// [`Error::Kdc`] if it was refused, [`Error::Library`] if the keytab has no key of this client.
    pub fn with_keytab(
        &self,
        client: &str,
        realm: &str,
        keytab: &Path,
        exchange: &mut Exchange<'_>,
    ) -> Result<Credentials, Error> {
        let keytab = self.keytab(keytab)?;
        let options = Options {
            renewable: None,
            forwardable: false,
            ..wish(None, None)
        };
        self.initial(client, realm, Proof::Keytab(keytab), &options, exchange)
    }

    fn initial<'c>(
        &'c self,
        client: &str,
        realm: &str,
        proof: Proof<'_, 'c>,
        options: &Options<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Result<Credentials, Error> {
        let name = Principal::from_parts(&[client], realm)?;
        let name = self.principal(&name)?;
        let mut conversation = InitialExchange::new(self.handle(), &name, proof, options)
            .map_err(|code| self.library(code))?;
        exchange::run(self, realm, &mut conversation, exchange)?;
        let bytes = conversation
            .credentials()
            .map_err(|code| self.library(code))?;
        let credentials = Credentials::new(self, bytes)?;
        if credentials.client().realm() != realm {
            return Err(Error::Reply(ReplyFault::OtherClient));
        }
        Ok(credentials)
    }

    pub(crate) fn keytab(&self, path: &Path) -> Result<Keytab<'_>, Error> {
        let path = path.to_str().ok_or(Error::Path)?;
        Keytab::open(self.handle(), &format!("FILE:{path}")).map_err(|code| self.library(code))
    }
}

fn wish<'a>(service: Option<&'a str>, armor: Option<&'a str>) -> Options<'a> {
    let granting = service.is_none();
    Options {
        lifetime: (!granting).then_some(BRIEF),
        renewable: granting.then_some(RENEWABLE),
        forwardable: granting,
        // A name as the KDC writes it; the server for password changes wants the name that was used.
        canonicalize: granting,
        service,
        armor,
    }
}

/// The password with a zero behind it, as C wants it, in memory that is wiped.
fn c_password(password: &Secret) -> Result<Zeroizing<Vec<u8>>, Error> {
    let bytes = password.expose();
    if bytes.is_empty() {
        return Err(Error::EmptyPassword);
    }
    let mut copy = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
    copy.extend_from_slice(bytes);
    copy.push(0);
    Ok(copy)
}

fn c_str(password: &[u8]) -> Result<&CStr, Error> {
    CStr::from_bytes_with_nul(password).map_err(|_| Error::UnusablePassword)
}
