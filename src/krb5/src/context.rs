//! The library's context.

use crate::credentials::Credentials;
use crate::error::{Error, ReplyFault};
use crate::principal::Principal;
use crate::raw::{Code, ContextHandle, Creds, PrincipalHandle, Unusable};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// The library with one configuration. For one thread at a time.
pub struct Context {
    handle: ContextHandle,
}

impl Context {
    /// Reads the profile (a file in the format of krb5.conf, and nothing else: no environment, no `/etc`).
    ///
    /// # Errors
    /// [`Error::Profile`] if it cannot be read; [`Error::TimeSync`] if it does not turn `kdc_timesync` off.
    pub fn new(profile: &Path) -> Result<Self, Error> {
        // A colon would make a list of it, and a name that is not whole another file.
        let bytes = profile.as_os_str().as_bytes();
        if bytes.contains(&b':') || !profile.is_absolute() {
            return Err(Error::Path);
        }
        let path = CString::new(bytes).map_err(|_| Error::Path)?;
        let handle = ContextHandle::new(&path).map_err(|why| match why {
            Unusable::Profile => Error::Profile,
            Unusable::TimeSync => Error::TimeSync,
            // The context is what has the words.
            Unusable::Library(Code(code)) => Error::Library {
                code,
                text: String::new(),
            },
        })?;
        Ok(Self { handle })
    }

    /// Reads what [`Credentials::to_bytes`] gave.
    ///
    /// # Errors
    /// [`Error::Reply`] if these are no credentials.
    pub fn credentials_from_bytes(&self, bytes: &[u8]) -> Result<Credentials, Error> {
        if bytes.len() > Credentials::MAX_BYTES {
            return Err(Error::Reply(ReplyFault::TooLong));
        }
        Credentials::new(self, Zeroizing::new(bytes.to_vec()))
    }

    pub(crate) const fn handle(&self) -> &ContextHandle {
        &self.handle
    }

    pub(crate) fn principal(&self, name: &Principal) -> Result<PrincipalHandle<'_>, Error> {
        PrincipalHandle::new(&self.handle, name).map_err(|code| self.library(code))
    }

    pub(crate) fn creds(&self, credentials: &Credentials) -> Result<Creds<'_>, Error> {
        Creds::unmarshal(&self.handle, credentials.bytes()).map_err(|code| self.library(code))
    }

    pub(crate) fn library(&self, code: Code) -> Error {
        Error::Library {
            code: code.0,
            text: self.handle.text(code),
        }
    }
}
