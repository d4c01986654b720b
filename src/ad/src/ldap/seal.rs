//! The seal: SASL GSSAPI with confidentiality [RFC 4752].

use super::error::LdapError;
use crate::session::ldap_service;
use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_KRB5_PRINCIPAL, OidSet};

/// The layer with confidentiality, in the server's offer and in our answer.
const CONFIDENTIALITY: u8 = 4;

/// What both sides must have agreed upon.
const FLAGS: CtxFlags = CtxFlags::GSS_C_MUTUAL_FLAG
    .union(CtxFlags::GSS_C_CONF_FLAG)
    .union(CtxFlags::GSS_C_INTEG_FLAG)
    .union(CtxFlags::GSS_C_REPLAY_FLAG)
    .union(CtxFlags::GSS_C_SEQUENCE_FLAG);

/// A security context in the making.
pub(super) struct Handshake(ClientCtx);

/// One that is complete.
pub(super) struct Seal {
    context: ClientCtx,
    /// Most bytes that the server takes in one sealed buffer.
    most: usize,
}

impl Handshake {
    /// Takes the ticket for `ldap/NAME@REALM` from the process's default credential cache,
    /// and gives the first token. With the ticket in the cache nobody is asked over the
    /// network. The name is taken as it is: no DNS has a say in who the server is.
    pub(super) fn start(name: &str, realm: &str) -> Result<(Self, Vec<u8>), LdapError> {
        let service = ldap_service(name, &realm.to_lowercase());
        let service = format!("{service}@{realm}");
        let service = Name::new(service.as_bytes(), Some(&GSS_NT_KRB5_PRINCIPAL))?;
        let service = service.canonicalize(Some(&GSS_MECH_KRB5))?;
        let mut mechanisms = OidSet::new()?;
        mechanisms.add(&GSS_MECH_KRB5)?;
        let credentials = Cred::acquire(None, None, CredUsage::Initiate, Some(&mechanisms))?;
        let mut context = ClientCtx::new(Some(credentials), service, FLAGS, Some(&GSS_MECH_KRB5));
        let token = context.step(None, None)?.ok_or(LdapError::Malformed)?;
        Ok((Self(context), token.to_vec()))
    }

    /// Checks the server's proof of who it is.
    pub(super) fn verify(&mut self, token: &[u8]) -> Result<(), LdapError> {
        if self.0.step(Some(token), None)?.is_some() || !self.0.is_complete() {
            return Err(LdapError::Malformed);
        }
        if self.0.flags()?.contains(FLAGS) {
            Ok(())
        } else {
            Err(LdapError::NotSealed)
        }
    }

    /// Reads what the server offers, and gives the answer that chooses the seal.
    pub(super) fn choose(
        mut self,
        offer: &[u8],
        our_most: u32,
    ) -> Result<(Seal, Vec<u8>), LdapError> {
        let offer = self.0.unwrap(offer)?;
        let [layers, most @ ..] = <[u8; 4]>::try_from(&*offer).map_err(|_| LdapError::Malformed)?;
        if layers & CONFIDENTIALITY == 0 {
            return Err(LdapError::NotSealed);
        }
        let [a, b, c] = most;
        let most = u32::from_be_bytes([0, a, b, c]);
        let [_, a, b, c] = our_most.to_be_bytes();
        let answer = self.0.wrap(false, &[CONFIDENTIALITY, a, b, c])?.to_vec();
        // What the seal itself adds is below 100 bytes for every cipher of Kerberos.
        let most = usize::try_from(most)
            .unwrap_or(usize::MAX)
            .saturating_sub(128);
        let seal = Seal {
            context: self.0,
            most: most.max(256),
        };
        Ok((seal, answer))
    }
}

impl Seal {
    /// Most bytes that may be sealed at once.
    pub(super) const fn most(&self) -> usize {
        self.most
    }

    /// A sealed buffer with its length in front.
    pub(super) fn wrap(&mut self, bytes: &[u8]) -> Result<Vec<u8>, LdapError> {
        let sealed = self.context.wrap(true, bytes)?;
        let length = u32::try_from(sealed.len()).map_err(|_| LdapError::TooMuch)?;
        let mut buffer = Vec::with_capacity(sealed.len() + 4);
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(&sealed);
        Ok(buffer)
    }

    /// What is in a sealed buffer. One that is changed, out of order or sent again is an
    /// error, and the end of the connection.
    pub(super) fn unwrap(&mut self, buffer: &[u8]) -> Result<Vec<u8>, LdapError> {
        Ok(self.context.unwrap(buffer)?.to_vec())
    }
}
