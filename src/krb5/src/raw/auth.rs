//! `krb5_auth_context`: messages between us and one service.

use super::{Code, ContextHandle, Creds, Keytab, bytes, check, ffi, filled};
use core::ptr::{self, NonNull};
use zeroize::Zeroizing;

/// An exchange with a service that shares a key with us through a ticket.
pub(crate) struct AuthContext<'c> {
    context: &'c ContextHandle,
    pointer: NonNull<ffi::RawAuthContext>,
}

impl<'c> AuthContext<'c> {
    /// A new exchange, with sequence numbers in place of times.
    ///
    /// Its messages carry the sender's address: 0.0.0.0, for we do not know which of the host's they leave from,
    /// and no server has looked at it for decades (NAT).
    pub(crate) fn new(context: &'c ContextHandle) -> Result<Self, Code> {
        let mut pointer = ptr::null_mut();
        // SAFETY: the context is alive.
        check(unsafe { ffi::krb5_auth_con_init(context.ptr(), &mut pointer) })?;
        let auth = Self {
            context,
            pointer: filled(pointer)?,
        };
        // SAFETY: (both) the handle is ours; the address is copied.
        check(unsafe { ffi::krb5_auth_con_setflags(context.ptr(), auth.ptr(), ffi::DO_SEQUENCE) })?;
        auth.set_local_address(&mut [0; 4])?;
        Ok(auth)
    }

    /// The AP-REQ for the service of `ticket`, with a key of our own for what follows.
    pub(crate) fn request(&mut self, ticket: &Creds<'_>) -> Result<Vec<u8>, Code> {
        let mut message = bytes::Owned::empty(self.context);
        let mut pointer = self.ptr();
        // SAFETY: all handles are alive; the auth context exists, so it is not replaced.
        check(unsafe {
            ffi::krb5_mk_req_extended(
                self.context.ptr(),
                &mut pointer,
                ffi::USE_SUBKEY,
                ptr::null_mut(),
                ticket.ptr(),
                &mut message.data,
            )
        })?;
        Ok(message.bytes().to_vec())
    }

    /// Checks an AP-REQ for us: its ticket opens with a key of `keytab`, is valid now, and belongs to its sender.
    ///
    /// With whichever key of it: for a service that is named, the library takes the one that has the number on the
    /// ticket, and that number, as the one in the table, anybody on the way can have written.
    pub(crate) fn read_request(&mut self, request: &[u8], keytab: &Keytab<'_>) -> Result<(), Code> {
        let request = bytes::lend(request)?;
        let mut pointer = self.ptr();
        // SAFETY: all handles are alive; the auth context exists, so it is not replaced; the input is only read.
        check(unsafe {
            ffi::krb5_rd_req(
                self.context.ptr(),
                &mut pointer,
                &request,
                ptr::null(),
                keytab.ptr(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })
    }

    /// A KRB-PRIV message with `clear` inside.
    pub(crate) fn seal(&mut self, clear: &[u8]) -> Result<Vec<u8>, Code> {
        let clear = bytes::lend(clear)?;
        let mut message = bytes::Owned::empty(self.context);
        // SAFETY: all handles are alive; the input is only read.
        check(unsafe {
            ffi::krb5_mk_priv(
                self.context.ptr(),
                self.ptr(),
                &clear,
                &mut message.data,
                ptr::null_mut(),
            )
        })?;
        Ok(message.bytes().to_vec())
    }

    /// Checks the AP-REP: the service has read our request, and so has its key.
    ///
    /// What follows is under the key that we chose (RFC 3244), whatever the reply offers.
    pub(crate) fn accept(&mut self, reply: &[u8]) -> Result<(), Code> {
        let mut chosen = ptr::null_mut();
        // SAFETY: the handle is ours; the key is a copy for us.
        check(unsafe {
            ffi::krb5_auth_con_getsendsubkey(self.context.ptr(), self.ptr(), &mut chosen)
        })?;
        let result = self.read_reply(reply).and_then(|()| {
            // SAFETY: the handle is ours; the key is copied.
            check(unsafe {
                ffi::krb5_auth_con_setrecvsubkey(self.context.ptr(), self.ptr(), chosen)
            })
        });
        // SAFETY: a copy of the library's, or null; it wipes and frees it.
        unsafe { ffi::krb5_free_keyblock(self.context.ptr(), chosen) };
        result
    }

    /// What is inside a KRB-PRIV message.
    pub(crate) fn open(&mut self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, Code> {
        let message = bytes::lend(message)?;
        let mut clear = bytes::Owned::empty(self.context);
        // SAFETY: all handles are alive; the input is only read.
        check(unsafe {
            ffi::krb5_rd_priv(
                self.context.ptr(),
                self.ptr(),
                &message,
                &mut clear.data,
                ptr::null_mut(),
            )
        })?;
        Ok(Zeroizing::new(clear.bytes().to_vec()))
    }

    fn read_reply(&mut self, reply: &[u8]) -> Result<(), Code> {
        let reply = bytes::lend(reply)?;
        let mut part = ptr::null_mut();
        // SAFETY: all handles are alive; the input is only read.
        check(unsafe { ffi::krb5_rd_rep(self.context.ptr(), self.ptr(), &reply, &mut part) })?;
        // SAFETY: from the library, not needed.
        unsafe { ffi::krb5_free_ap_rep_enc_part(self.context.ptr(), part) };
        Ok(())
    }

    fn set_local_address(&self, bytes: &mut [u8; 4]) -> Result<(), Code> {
        let mut address = ffi::RawAddress {
            magic: 0,
            addrtype: ffi::ADDRESS_INET,
            length: 4,
            contents: bytes.as_mut_ptr(),
        };
        // SAFETY: the handle is ours; the address is copied.
        check(unsafe {
            ffi::krb5_auth_con_setaddrs(
                self.context.ptr(),
                self.ptr(),
                &mut address,
                ptr::null_mut(),
            )
        })
    }

    fn ptr(&self) -> *mut ffi::RawAuthContext {
        self.pointer.as_ptr()
    }
}

impl Drop for AuthContext<'_> {
    fn drop(&mut self) {
        // SAFETY: from the library, freed once.
        unsafe { ffi::krb5_auth_con_free(self.context.ptr(), self.ptr()) };
    }
}
