//! `krb5_creds`: a ticket with its session key.

use super::principal::{self, PrincipalHandle};
use super::{Code, ContextHandle, bytes, check, ffi, filled};
use crate::principal::Principal;
use core::ptr::{self, NonNull};
use zeroize::Zeroizing;

/// Credentials in the library's memory. The library wipes the session key when it frees them.
pub(crate) struct Creds<'c> {
    context: &'c ContextHandle,
    pointer: NonNull<ffi::RawCreds>,
}

/// What can be seen of credentials from outside.
pub(crate) struct Facts {
    pub(crate) client: Principal,
    pub(crate) server: Principal,
    pub(crate) authtime: u32,
    pub(crate) starttime: u32,
    pub(crate) endtime: u32,
    pub(crate) renew_till: u32,
    pub(crate) flags: u32,
    pub(crate) enctype: i32,
}

impl<'c> Creds<'c> {
    pub(crate) fn unmarshal(context: &'c ContextHandle, bytes: &[u8]) -> Result<Self, Code> {
        let data = bytes::lend(bytes)?;
        let mut pointer = ptr::null_mut();
        // SAFETY: the context is alive; the input is only read.
        check(unsafe { ffi::krb5_unmarshal_credentials(context.ptr(), &data, &mut pointer) })?;
        Ok(Self {
            context,
            pointer: filled(pointer)?,
        })
    }

    pub(crate) fn facts(&self) -> Option<Facts> {
        // SAFETY: complete credentials as the library made them.
        let raw = unsafe { self.pointer.as_ref() };
        facts_of(raw)
    }

    pub(super) fn ptr(&self) -> *mut ffi::RawCreds {
        self.pointer.as_ptr()
    }
}

impl Drop for Creds<'_> {
    fn drop(&mut self) {
        // SAFETY: from the library, freed once.
        unsafe { ffi::krb5_free_creds(self.context.ptr(), self.ptr()) };
    }
}

fn facts_of(raw: &ffi::RawCreds) -> Option<Facts> {
    Some(Facts {
        // SAFETY: null or a principal of the library's making.
        client: unsafe { principal::read(raw.client) }?,
        // SAFETY: as above.
        server: unsafe { principal::read(raw.server) }?,
        authtime: raw.times.authtime,
        starttime: raw.times.starttime,
        endtime: raw.times.endtime,
        renew_till: raw.times.renew_till,
        flags: raw.ticket_flags,
        enctype: raw.keyblock.enctype,
    })
}

/// Room for credentials that the library fills in, and whose contents it frees.
pub(super) struct Filled<'c> {
    context: &'c ContextHandle,
    pub(super) raw: ffi::RawCreds,
}

impl<'c> Filled<'c> {
    pub(super) fn empty(context: &'c ContextHandle) -> Self {
        // SAFETY: integers and pointers; all zero is what the library asks for as a start.
        let raw = unsafe { core::mem::zeroed() };
        Self { context, raw }
    }

    /// A pattern of what to ask for: lends the two names, which must live longer.
    pub(super) fn wanted(
        client: &PrincipalHandle<'_>,
        server: &PrincipalHandle<'_>,
    ) -> ffi::RawCreds {
        // SAFETY: as in `empty`.
        let mut raw: ffi::RawCreds = unsafe { core::mem::zeroed() };
        raw.client = client.ptr();
        raw.server = server.ptr();
        raw
    }

    pub(super) fn marshal(&mut self) -> Result<Zeroizing<Vec<u8>>, Code> {
        let mut data = ptr::null_mut();
        // SAFETY: the contents were filled in by the library; they are only read.
        let code =
            unsafe { ffi::krb5_marshal_credentials(self.context.ptr(), &mut self.raw, &mut data) };
        check(code)?;
        bytes::take(self.context, data)
    }

    /// Whether this is one of the library's notes in a cache, and no ticket.
    pub(super) fn is_note(&self) -> bool {
        // SAFETY: the server is null or a principal of the library's making.
        self.raw.server.is_null()
            || unsafe { ffi::krb5_is_config_principal(self.context.ptr(), self.raw.server) } != 0
    }
}

impl Drop for Filled<'_> {
    fn drop(&mut self) {
        // SAFETY: zero, or filled by the library.
        unsafe { ffi::krb5_free_cred_contents(self.context.ptr(), &mut self.raw) };
    }
}
