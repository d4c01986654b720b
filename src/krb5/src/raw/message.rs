//! KRB-ERROR messages.

use super::{Code, ContextHandle, bytes, check, ffi, filled};
use core::ptr;

/// What a KRB-ERROR says. Nobody has signed it: a hint, and never a grant.
pub(crate) struct ErrorMessage {
    /// The protocol's error number.
    pub(crate) code: u32,
    /// The sender's clock, in seconds since 1970.
    pub(crate) server_time: u32,
    /// The additional data, as they came.
    pub(crate) e_data: Vec<u8>,
}

impl ErrorMessage {
    /// Reads a message; an error if it is none.
    pub(crate) fn read(context: &ContextHandle, message: &[u8]) -> Result<Self, Code> {
        let data = bytes::lend(message)?;
        let mut error = ptr::null_mut();
        // SAFETY: the context is alive; the input is only read.
        check(unsafe { ffi::krb5_rd_error(context.ptr(), &data, &mut error) })?;
        Self::take(context, error)
    }

    /// Copies what the library decoded, and frees it.
    pub(super) fn take(context: &ContextHandle, error: *mut ffi::RawError) -> Result<Self, Code> {
        let error = filled(error)?;
        // SAFETY: decoded by the library, and ours until freed below.
        let raw = unsafe { error.as_ref() };
        let copy = Self {
            code: raw.error,
            server_time: raw.stime,
            // SAFETY: as the library left it.
            e_data: unsafe { bytes::view(&raw.e_data) }.to_vec(),
        };
        // SAFETY: from the library, used no more.
        unsafe { ffi::krb5_free_error(context.ptr(), error.as_ptr()) };
        Ok(copy)
    }
}
