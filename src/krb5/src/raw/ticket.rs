//! `krb5_tkt_creds_*`: the TGS exchange, one message at a time.

use super::creds::Filled;
use super::{Cache, Code, ContextHandle, PrincipalHandle, Step, check, ffi, filled, stepped};
use core::ptr::{self, NonNull};
use zeroize::Zeroizing;

/// A running TGS exchange.
pub(crate) struct TicketExchange<'c> {
    context: &'c ContextHandle,
    pointer: NonNull<ffi::RawTicketCreds>,
    // The library looks into the cache during the exchange, and keeps its own handle of it.
    _cache: Cache<'c>,
}

impl<'c> TicketExchange<'c> {
    /// Asks for a ticket for `server` by the ticket-granting ticket in `cache`.
    pub(crate) fn new(
        context: &'c ContextHandle,
        cache: Cache<'c>,
        client: &PrincipalHandle<'_>,
        server: &PrincipalHandle<'_>,
    ) -> Result<Self, Code> {
        let mut wanted = Filled::wanted(client, server);
        let mut pointer = ptr::null_mut();
        // SAFETY: all handles are alive; the library copies the names.
        check(unsafe {
            ffi::krb5_tkt_creds_init(
                context.ptr(),
                cache.ptr(),
                &mut wanted,
                ffi::GC_NO_STORE,
                &mut pointer,
            )
        })?;
        Ok(Self {
            context,
            pointer: filled(pointer)?,
            _cache: cache,
        })
    }

    /// Takes the reply to the last request (empty at the start).
    pub(crate) fn step(&mut self, reply: &[u8]) -> Result<Step, Code> {
        // SAFETY: the function of this kind of exchange, which is ours.
        unsafe { stepped(self.context, self.ptr(), ffi::krb5_tkt_creds_step, reply) }
    }

    /// The credentials, after [`Step::Finished`].
    pub(crate) fn credentials(&self) -> Result<Zeroizing<Vec<u8>>, Code> {
        let mut creds = Filled::empty(self.context);
        // SAFETY: the exchange is ours; it fills in copies.
        check(unsafe {
            ffi::krb5_tkt_creds_get_creds(self.context.ptr(), self.ptr(), &mut creds.raw)
        })?;
        creds.marshal()
    }

    fn ptr(&self) -> *mut ffi::RawTicketCreds {
        self.pointer.as_ptr()
    }
}

impl Drop for TicketExchange<'_> {
    fn drop(&mut self) {
        // SAFETY: from the library, freed once, before the cache.
        unsafe { ffi::krb5_tkt_creds_free(self.context.ptr(), self.ptr()) };
    }
}
