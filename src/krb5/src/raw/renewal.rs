//! `krb5_get_renewed_creds`, with the library's network replaced by ours.
//!
//! There is no step interface for a renewal. The send hook stands before the library looks for a KDC: with a
//! reply from the hook it opens no socket.

use super::creds::Filled;
use super::{Cache, Code, ContextHandle, PrincipalHandle, bytes, check, ffi};
use core::ptr;
use libc::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use zeroize::Zeroizing;

/// Answers one request for a realm; an error ends the exchange.
pub(crate) type Answer<'a> = dyn FnMut(&[u8], &[u8]) -> Result<Vec<u8>, Code> + 'a;

impl ContextHandle {
    /// Renews the ticket-granting ticket of `client` that is in `cache`.
    pub(crate) fn renew(
        &self,
        cache: &Cache<'_>,
        client: &PrincipalHandle<'_>,
        answer: &mut Answer<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Code> {
        let mut line = Line {
            answer,
            panicked: None,
        };
        let mut creds = Filled::empty(self);
        // SAFETY: the hook gets a pointer to `line`, which lives until the hook is removed below.
        let code = unsafe {
            ffi::krb5_set_kdc_send_hook(self.ptr(), Some(hook), (&raw mut line).cast::<c_void>());
            let code = ffi::krb5_get_renewed_creds(
                self.ptr(),
                &mut creds.raw,
                client.ptr(),
                cache.ptr(),
                ptr::null(),
            );
            ffi::krb5_set_kdc_send_hook(self.ptr(), None, ptr::null_mut());
            code
        };
        if let Some(panic) = line.panicked {
            resume_unwind(panic);
        }
        check(code)?;
        creds.marshal()
    }
}

struct Line<'a, 'b> {
    answer: &'a mut Answer<'b>,
    panicked: Option<Box<dyn core::any::Any + Send>>,
}

/// The library's call for a reply.
unsafe extern "C" fn hook(
    context: *mut ffi::RawContext,
    line: *mut c_void,
    realm: *const ffi::RawData,
    message: *const ffi::RawData,
    _changed: *mut *mut ffi::RawData,
    reply: *mut *mut ffi::RawData,
) -> i32 {
    // SAFETY: set together with this hook, by `renew`, which is still running; the realm and the
    // message are the library's, alive during this call.
    let (line, realm, message) = unsafe {
        let Some(line) = line.cast::<Line<'_, '_>>().as_mut() else {
            return libc::EINVAL;
        };
        let (Some(realm), Some(message)) = (realm.as_ref(), message.as_ref()) else {
            return libc::EINVAL;
        };
        (line, bytes::view(realm), bytes::view(message))
    };
    // No panic may run through C: it is kept, and goes on behind the library.
    let answer = &mut line.answer;
    let bytes = match catch_unwind(AssertUnwindSafe(|| answer(realm, message))) {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(code)) => return code.0,
        Err(panic) => {
            line.panicked = Some(panic);
            return libc::EIO;
        }
    };
    let Ok(data) = bytes::lend(&bytes) else {
        return libc::EINVAL;
    };
    // SAFETY: the library owns and frees the copy that it makes here.
    unsafe { ffi::krb5_copy_data(context, &data, reply) }
}
