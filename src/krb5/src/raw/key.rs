//! Keys and tables of keys.

use super::{AuthContext, Code, ContextHandle, Creds, bytes, c_string, check, ffi, filled};
use core::ptr::{self, NonNull};
use zeroize::Zeroizing;

/// An open table of keys. Nothing is read before it is needed.
pub(crate) struct Keytab<'c> {
    context: &'c ContextHandle,
    pointer: NonNull<ffi::RawKeytab>,
}

impl<'c> Keytab<'c> {
    /// Opens `name`, as `FILE:/etc/krb5.keytab`.
    pub(crate) fn open(context: &'c ContextHandle, name: &str) -> Result<Self, Code> {
        let name = c_string(name)?;
        let mut pointer = ptr::null_mut();
        // SAFETY: the context is alive and the name a C string.
        check(unsafe { ffi::krb5_kt_resolve(context.ptr(), name.as_ptr(), &mut pointer) })?;
        Ok(Self {
            context,
            pointer: filled(pointer)?,
        })
    }

    /// Whether `ticket` opens with a key of this table.
    ///
    /// Read as the host's services read it, and so that whoever shows it has the key in it.
    pub(crate) fn opens(&self, ticket: &Creds<'_>) -> Result<(), Code> {
        let request = AuthContext::new(self.context)?.request(ticket)?;
        AuthContext::new(self.context)?.read_request(&request, self)
    }

    pub(super) fn ptr(&self) -> *mut ffi::RawKeytab {
        self.pointer.as_ptr()
    }
}

impl Drop for Keytab<'_> {
    fn drop(&mut self) {
        // SAFETY: from the library, closed once.
        unsafe { ffi::krb5_kt_close(self.context.ptr(), self.ptr()) };
    }
}

/// The key that `enctype` makes of a password and a salt.
pub(crate) fn derive_key(
    context: &ContextHandle,
    enctype: i32,
    password: &[u8],
    salt: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Code> {
    let (password, salt) = (bytes::lend(password)?, bytes::lend(salt)?);
    let mut key = ffi::RawKey {
        magic: 0,
        enctype: 0,
        length: 0,
        contents: ptr::null_mut(),
    };
    // SAFETY: the inputs are only read; the key's contents come from the library.
    check(unsafe {
        ffi::krb5_c_string_to_key(context.ptr(), enctype, &password, &salt, &mut key)
    })?;
    let copy = if key.contents.is_null() {
        Err(Code(libc::ENOMEM))
    } else {
        // SAFETY: filled by the library.
        let view = unsafe { core::slice::from_raw_parts(key.contents, key.length as usize) };
        Ok(Zeroizing::new(view.to_vec()))
    };
    // SAFETY: the contents are the library's; it wipes and frees them.
    unsafe { ffi::krb5_free_keyblock_contents(context.ptr(), &mut key) };
    copy
}
