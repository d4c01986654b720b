//! `krb5_principal`.

use super::{Code, ContextHandle, bytes, c_string, check, ffi, filled};
use crate::principal::Principal;
use core::ptr::{self, NonNull};
use core::slice;

/// More parts than any name has: a bound for what a hostile message may claim.
const MOST_COMPONENTS: usize = 64;

/// A principal in the library's memory.
pub(crate) struct PrincipalHandle<'c> {
    context: &'c ContextHandle,
    pointer: NonNull<ffi::RawPrincipal>,
}

impl<'c> PrincipalHandle<'c> {
    pub(crate) fn new(context: &'c ContextHandle, name: &Principal) -> Result<Self, Code> {
        let text = c_string(&name.to_string())?;
        let mut pointer = ptr::null_mut();
        // SAFETY: the context is alive and `text` is a C string.
        check(unsafe { ffi::krb5_parse_name(context.ptr(), text.as_ptr(), &mut pointer) })?;
        Self::own(context, pointer)
    }

    pub(super) fn own(
        context: &'c ContextHandle,
        pointer: *mut ffi::RawPrincipal,
    ) -> Result<Self, Code> {
        Ok(Self {
            context,
            pointer: filled(pointer)?,
        })
    }

    pub(crate) fn name(&self) -> Option<Principal> {
        // SAFETY: ours, complete, and alive.
        unsafe { read(self.pointer.as_ptr()) }
    }

    pub(super) fn ptr(&self) -> *mut ffi::RawPrincipal {
        self.pointer.as_ptr()
    }
}

impl Drop for PrincipalHandle<'_> {
    fn drop(&mut self) {
        // SAFETY: from the library, freed once.
        unsafe { ffi::krb5_free_principal(self.context.ptr(), self.ptr()) };
    }
}

/// The name in a principal; `None` if there is none, or if it is not text.
///
/// # Safety
/// `pointer` must be null, or a principal as the library made it.
pub(super) unsafe fn read(pointer: *const ffi::RawPrincipal) -> Option<Principal> {
    // SAFETY: the caller's promise.
    let raw = unsafe { pointer.as_ref() }?;
    let count = usize::try_from(raw.length).ok()?;
    if count == 0 || count > MOST_COMPONENTS || raw.data.is_null() {
        return None;
    }
    // SAFETY: `data` is an array of `length` elements.
    let parts = unsafe { slice::from_raw_parts(raw.data, count) };
    // SAFETY: the elements and the realm live as long as the principal.
    let text = |data| core::str::from_utf8(unsafe { bytes::view(data) }).ok();
    let parts = parts.iter().map(text).collect::<Option<Vec<&str>>>()?;
    Principal::from_parts(&parts, text(&raw.realm)?).ok()
}
