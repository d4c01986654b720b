//! Credential caches.

use super::creds::Filled;
use super::{Code, ContextHandle, Creds, PrincipalHandle, c_string, check, ffi, filled};
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};
use std::ffi::CStr;
use zeroize::Zeroizing;

/// `KRB5_CC_END`: there are no more entries.
const NO_MORE: i32 = -1_765_328_242;

/// An open credential cache.
pub(crate) struct Cache<'c> {
    context: &'c ContextHandle,
    pointer: NonNull<ffi::RawCache>,
    // Made for one exchange, and destroyed with this handle.
    scratch: bool,
}

impl<'c> Cache<'c> {
    /// Opens `name`, as `FILE:/tmp/krb5cc_1000`. Nothing is read or made yet.
    pub(crate) fn open(context: &'c ContextHandle, name: &str) -> Result<Self, Code> {
        let name = c_string(name)?;
        let mut pointer = ptr::null_mut();
        // SAFETY: the context is alive and the name a C string.
        check(unsafe { ffi::krb5_cc_resolve(context.ptr(), name.as_ptr(), &mut pointer) })?;
        Ok(Self {
            context,
            pointer: filled(pointer)?,
            scratch: false,
        })
    }

    /// A cache in this process's memory that ends with the handle.
    pub(crate) fn scratch(context: &'c ContextHandle) -> Result<Self, Code> {
        let mut pointer = ptr::null_mut();
        // SAFETY: the context is alive, the kind is a C string, a hint is not needed.
        check(unsafe {
            ffi::krb5_cc_new_unique(context.ptr(), c"MEMORY".as_ptr(), ptr::null(), &mut pointer)
        })?;
        Ok(Self {
            context,
            pointer: filled(pointer)?,
            scratch: true,
        })
    }

    /// Empties the cache and makes it that of `client`.
    pub(crate) fn initialize(&self, client: &PrincipalHandle<'_>) -> Result<(), Code> {
        // SAFETY: both handles are alive.
        check(unsafe { ffi::krb5_cc_initialize(self.context.ptr(), self.ptr(), client.ptr()) })
    }

    pub(crate) fn store(&self, creds: &Creds<'_>) -> Result<(), Code> {
        // SAFETY: both handles are alive.
        check(unsafe { ffi::krb5_cc_store_cred(self.context.ptr(), self.ptr(), creds.ptr()) })
    }

    /// Makes this the first of its collection, where the kind of cache has collections.
    pub(crate) fn make_primary(&self) -> Result<(), Code> {
        // SAFETY: the cache is open; its kind is a C string of the library's.
        unsafe {
            let kind = ffi::krb5_cc_get_type(self.context.ptr(), self.ptr());
            if kind.is_null() || ffi::krb5_cc_support_switch(self.context.ptr(), kind) == 0 {
                return Ok(());
            }
            check(ffi::krb5_cc_switch(self.context.ptr(), self.ptr()))
        }
    }

    /// Whose cache it is.
    pub(crate) fn owner(&self) -> Result<PrincipalHandle<'c>, Code> {
        let mut pointer = ptr::null_mut();
        // SAFETY: the cache is open; the principal is a copy for us.
        check(unsafe { ffi::krb5_cc_get_principal(self.context.ptr(), self.ptr(), &mut pointer) })?;
        PrincipalHandle::own(self.context, pointer)
    }

    /// Kind and place, as it is to be named to other programs.
    pub(crate) fn full_name(&self) -> Result<String, Code> {
        let mut name = ptr::null_mut();
        // SAFETY: the cache is open; the text is ours until freed below.
        check(unsafe { ffi::krb5_cc_get_full_name(self.context.ptr(), self.ptr(), &mut name) })?;
        let name = filled(name)?;
        // SAFETY: a C string of the library's.
        let copy = unsafe { CStr::from_ptr(name.as_ptr()) }
            .to_str()
            .map(str::to_owned);
        // SAFETY: from the library, used no more.
        unsafe { ffi::krb5_free_string(self.context.ptr(), name.as_ptr()) };
        copy.map_err(|_| Code::INVALID)
    }

    /// At most `most` of its tickets, marshalled.
    pub(crate) fn tickets(&self, most: usize) -> Result<Vec<Zeroizing<Vec<u8>>>, Code> {
        let mut cursor = ptr::null_mut();
        // SAFETY: the cache is open; the cursor is ended below on every path.
        check(unsafe { ffi::krb5_cc_start_seq_get(self.context.ptr(), self.ptr(), &mut cursor) })?;
        let mut found = Vec::new();
        let result = loop {
            if found.len() >= most {
                break Ok(());
            }
            let mut creds = Filled::empty(self.context);
            // SAFETY: the cursor is of this cache.
            let code = unsafe {
                ffi::krb5_cc_next_cred(self.context.ptr(), self.ptr(), &mut cursor, &mut creds.raw)
            };
            match code {
                0 if creds.is_note() => {}
                0 => match creds.marshal() {
                    Ok(bytes) => found.push(bytes),
                    Err(code) => break Err(code),
                },
                NO_MORE => break Ok(()),
                code => break Err(Code(code)),
            }
        };
        // SAFETY: started above.
        let ended =
            unsafe { ffi::krb5_cc_end_seq_get(self.context.ptr(), self.ptr(), &mut cursor) };
        result?;
        check(ended)?;
        Ok(found)
    }

    /// Removes the cache with all that is in it.
    pub(crate) fn destroy(self) -> Result<(), Code> {
        // The library closes the handle too, also when it fails.
        let this = ManuallyDrop::new(self);
        // SAFETY: from the library; not closed a second time.
        check(unsafe { ffi::krb5_cc_destroy(this.context.ptr(), this.ptr()) })
    }

    pub(super) fn ptr(&self) -> *mut ffi::RawCache {
        self.pointer.as_ptr()
    }
}

impl Drop for Cache<'_> {
    fn drop(&mut self) {
        // SAFETY: from the library; closed once, by one of the two.
        unsafe {
            if self.scratch {
                ffi::krb5_cc_destroy(self.context.ptr(), self.ptr());
            } else {
                ffi::krb5_cc_close(self.context.ptr(), self.ptr());
            }
        }
    }
}
