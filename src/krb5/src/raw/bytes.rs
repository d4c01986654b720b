//! `krb5_data` in both directions.

use super::{Code, ContextHandle, ffi, filled};
use core::{ptr, slice};
use libc::c_char;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of ours, lent to the library for one call. It never writes into what it calls input.
pub(super) fn lend(bytes: &[u8]) -> Result<ffi::RawData, Code> {
    Ok(ffi::RawData {
        magic: 0,
        length: u32::try_from(bytes.len()).map_err(|_| Code::INVALID)?,
        data: bytes.as_ptr().cast::<c_char>().cast_mut(),
    })
}

/// The bytes of a `krb5_data`.
///
/// # Safety
/// `data` must be as the library left it, and live as long as the slice is used.
pub(super) unsafe fn view(data: &ffi::RawData) -> &[u8] {
    if data.data.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise: `data` points to `length` bytes.
    unsafe { slice::from_raw_parts(data.data.cast::<u8>(), data.length as usize) }
}

/// A `krb5_data` whose contents the library allocates.
pub(super) struct Owned<'c> {
    context: &'c ContextHandle,
    pub(super) data: ffi::RawData,
}

impl<'c> Owned<'c> {
    pub(super) fn empty(context: &'c ContextHandle) -> Self {
        let data = ffi::RawData {
            magic: 0,
            length: 0,
            data: ptr::null_mut(),
        };
        Self { context, data }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: filled by the library, or empty; lives as long as `self`.
        unsafe { view(&self.data) }
    }
}

impl Drop for Owned<'_> {
    fn drop(&mut self) {
        wipe(&mut self.data);
        // SAFETY: the contents came from the library, which frees them with its own allocator.
        unsafe { ffi::krb5_free_data_contents(self.context.ptr(), &mut self.data) };
    }
}

/// Copies a `krb5_data *` that the library allocated, wipes it, and frees it.
pub(super) fn take(
    context: &ContextHandle,
    data: *mut ffi::RawData,
) -> Result<Zeroizing<Vec<u8>>, Code> {
    let mut data = filled(data)?;
    // SAFETY: allocated by the library for us; nobody else has it.
    let inner = unsafe { data.as_mut() };
    // SAFETY: as the library left it.
    let copy = Zeroizing::new(unsafe { view(inner) }.to_vec());
    wipe(inner);
    // SAFETY: from the library, used no more.
    unsafe { ffi::krb5_free_data(context.ptr(), data.as_ptr()) };
    Ok(copy)
}

fn wipe(data: &mut ffi::RawData) {
    if !data.data.is_null() {
        // SAFETY: `length` bytes that are exclusively ours.
        unsafe { slice::from_raw_parts_mut(data.data.cast::<u8>(), data.length as usize) }
            .zeroize();
    }
}
