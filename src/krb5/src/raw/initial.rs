//! `krb5_init_creds_*`: the AS exchange, one message at a time.

use super::creds::Filled;
use super::{
    Code, ContextHandle, ErrorMessage, Keytab, PrincipalHandle, Step, c_string, check, ffi, filled,
    stepped,
};
use core::ffi::CStr;
use core::ptr::{self, NonNull};
use zeroize::Zeroizing;

/// What to ask for.
pub(crate) struct Options<'a> {
    /// Seconds that the ticket should last; the KDC's own choice without.
    pub(crate) lifetime: Option<i32>,
    /// Seconds for which it should be renewable.
    pub(crate) renewable: Option<i32>,
    /// Whether it may be forwarded.
    pub(crate) forwardable: bool,
    /// Whether the KDC may answer with the name as it is written in its database.
    pub(crate) canonicalize: bool,
    /// A service other than the ticket-granting one, as `kadmin/changepw`.
    pub(crate) service: Option<&'a str>,
    /// The cache with the ticket that armours the exchange (FAST), which is then required.
    pub(crate) armor: Option<&'a str>,
}

/// What the client proves itself by.
pub(crate) enum Proof<'a, 'c> {
    /// A password.
    Password(&'a CStr),
    /// A key of a keytab.
    Keytab(Keytab<'c>),
}

/// A running AS exchange. The library wipes its copy of the password when this is dropped.
pub(crate) struct InitialExchange<'c> {
    context: &'c ContextHandle,
    pointer: NonNull<ffi::RawInitCreds>,
    // The library reads it during the exchange, by a pointer that it keeps.
    keytab: Option<Keytab<'c>>,
    // The same holds for the options.
    _options: OptionSet<'c>,
}

impl<'c> InitialExchange<'c> {
    pub(crate) fn new(
        context: &'c ContextHandle,
        client: &PrincipalHandle<'_>,
        proof: Proof<'_, 'c>,
        options: &Options<'_>,
    ) -> Result<Self, Code> {
        let set = OptionSet::new(context, options)?;
        let mut pointer = ptr::null_mut();
        // SAFETY: all handles are alive; the library copies the name, and keeps a pointer to the
        // options, which live as long as the exchange. No prompter: it cannot ask anybody anything.
        check(unsafe {
            ffi::krb5_init_creds_init(
                context.ptr(),
                client.ptr(),
                None,
                ptr::null_mut(),
                0,
                set.pointer.as_ptr(),
                &mut pointer,
            )
        })?;
        let mut exchange = Self {
            context,
            pointer: filled(pointer)?,
            keytab: None,
            _options: set,
        };
        if let Some(service) = options.service {
            let service = c_string(service)?;
            // SAFETY: the exchange is ours and the text a C string, which is copied.
            check(unsafe {
                ffi::krb5_init_creds_set_service(context.ptr(), exchange.ptr(), service.as_ptr())
            })?;
        }
        match proof {
            // SAFETY: the exchange is ours and the text a C string, which is copied.
            Proof::Password(password) => check(unsafe {
                ffi::krb5_init_creds_set_password(context.ptr(), exchange.ptr(), password.as_ptr())
            })?,
            Proof::Keytab(keytab) => {
                let keytab = exchange.keytab.insert(keytab).ptr();
                // SAFETY: both handles are alive, and the keytab stays as long as the exchange.
                check(unsafe {
                    ffi::krb5_init_creds_set_keytab(context.ptr(), exchange.ptr(), keytab)
                })?;
            }
        }
        Ok(exchange)
    }

    /// Takes the reply to the last request (empty at the start).
    pub(crate) fn step(&mut self, reply: &[u8]) -> Result<Step, Code> {
        // SAFETY: the function of this kind of exchange, which is ours.
        unsafe { stepped(self.context, self.ptr(), ffi::krb5_init_creds_step, reply) }
    }

    /// The last error of the KDC; the one from inside the armour if there is one.
    pub(crate) fn error(&self) -> Option<ErrorMessage> {
        let mut error = ptr::null_mut();
        // SAFETY: the exchange is ours; the error is a copy for us.
        let code =
            unsafe { ffi::krb5_init_creds_get_error(self.context.ptr(), self.ptr(), &mut error) };
        check(code).ok()?;
        ErrorMessage::take(self.context, error).ok()
    }

    /// The credentials, after [`Step::Finished`].
    pub(crate) fn credentials(&self) -> Result<Zeroizing<Vec<u8>>, Code> {
        let mut creds = Filled::empty(self.context);
        // SAFETY: the exchange is ours; it fills in copies.
        check(unsafe {
            ffi::krb5_init_creds_get_creds(self.context.ptr(), self.ptr(), &mut creds.raw)
        })?;
        creds.marshal()
    }

    fn ptr(&self) -> *mut ffi::RawInitCreds {
        self.pointer.as_ptr()
    }
}

impl Drop for InitialExchange<'_> {
    fn drop(&mut self) {
        // SAFETY: from the library, freed once.
        unsafe { ffi::krb5_init_creds_free(self.context.ptr(), self.ptr()) };
    }
}

struct OptionSet<'c> {
    context: &'c ContextHandle,
    pointer: NonNull<ffi::RawOptions>,
}

impl<'c> OptionSet<'c> {
    fn new(context: &'c ContextHandle, options: &Options<'_>) -> Result<Self, Code> {
        let mut pointer = ptr::null_mut();
        // SAFETY: the context is alive.
        check(unsafe { ffi::krb5_get_init_creds_opt_alloc(context.ptr(), &mut pointer) })?;
        let set = Self {
            context,
            pointer: filled(pointer)?,
        };
        let pointer = set.pointer.as_ptr();
        // SAFETY: (all below) the options are ours and alive.
        unsafe {
            ffi::krb5_get_init_creds_opt_set_forwardable(pointer, options.forwardable.into());
            ffi::krb5_get_init_creds_opt_set_canonicalize(pointer, options.canonicalize.into());
            if let Some(seconds) = options.lifetime {
                ffi::krb5_get_init_creds_opt_set_tkt_life(pointer, seconds);
            }
            if let Some(seconds) = options.renewable {
                ffi::krb5_get_init_creds_opt_set_renew_life(pointer, seconds);
            }
        }
        if let Some(armor) = options.armor {
            let armor = c_string(armor)?;
            // SAFETY: the options are ours; the text is a C string, which is copied.
            check(unsafe {
                ffi::krb5_get_init_creds_opt_set_fast_ccache_name(
                    context.ptr(),
                    pointer,
                    armor.as_ptr(),
                )
            })?;
            // SAFETY: as above.
            check(unsafe {
                ffi::krb5_get_init_creds_opt_set_fast_flags(
                    context.ptr(),
                    pointer,
                    ffi::FAST_REQUIRED,
                )
            })?;
        }
        Ok(set)
    }
}

impl Drop for OptionSet<'_> {
    fn drop(&mut self) {
        // SAFETY: from the library, freed once.
        unsafe { ffi::krb5_get_init_creds_opt_free(self.context.ptr(), self.pointer.as_ptr()) };
    }
}
