//! The only place with unsafe code: thin safe types around the library's handles.
//!
//! Every handle is freed when it is dropped, and none can outlive its context. What the library returns is
//! copied into Rust's own memory at once; what was secret in its copy is wiped first.
#![allow(unsafe_code)]

mod auth;
mod bytes;
mod cache;
mod creds;
mod environment;
mod ffi;
mod initial;
mod key;
#[cfg(test)]
mod layout_tests;
mod message;
mod principal;
mod renewal;
mod ticket;
#[cfg(test)]
mod verify_tests;

pub(crate) use auth::AuthContext;
pub(crate) use cache::Cache;
pub(crate) use creds::Creds;
pub(crate) use environment::set_defaults;
pub(crate) use initial::{InitialExchange, Options, Proof};
pub(crate) use key::{Keytab, derive_key};
pub(crate) use message::ErrorMessage;
pub(crate) use principal::PrincipalHandle;
pub(crate) use ticket::TicketExchange;

use core::ptr::{self, NonNull};
use libc::c_uint;
use std::ffi::{CStr, CString};

/// The library's error code, not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) i32);

impl Code {
    /// What the library says for text that C cannot hold (`EINVAL`).
    pub(crate) const INVALID: Self = Self(libc::EINVAL);
}

/// What a step of an exchange wants next.
pub(crate) enum Step {
    /// This request is to be sent to a KDC of this realm.
    Send {
        /// The message, without the length that TCP needs.
        request: Vec<u8>,
        /// The realm, as the library names it.
        realm: Vec<u8>,
    },
    /// The credentials are there.
    Finished,
}

/// A function of the library that takes the reply to the last request of an exchange, and
/// gives the next one.
type StepFunction<T> = unsafe extern "C" fn(
    *mut ffi::RawContext,
    *mut T,
    *mut ffi::RawData,
    *mut ffi::RawData,
    *mut ffi::RawData,
    *mut c_uint,
) -> i32;

/// One step of an exchange; the reply is empty at the start.
///
/// # Safety
/// `exchange` is alive, and of the kind that `step` takes.
unsafe fn stepped<T>(
    context: &ContextHandle,
    exchange: *mut T,
    step: StepFunction<T>,
    reply: &[u8],
) -> Result<Step, Code> {
    let mut reply = bytes::lend(reply)?;
    let mut request = bytes::Owned::empty(context);
    let mut realm = bytes::Owned::empty(context);
    let mut flags = 0;
    // SAFETY: the caller's promise; all other pointers are ours, and the reply is only read.
    check(unsafe {
        step(
            context.ptr(),
            exchange,
            &mut reply,
            &mut request.data,
            &mut realm.data,
            &mut flags,
        )
    })?;
    if flags & ffi::STEP_CONTINUE == 0 {
        return Ok(Step::Finished);
    }
    Ok(Step::Send {
        request: request.bytes().to_vec(),
        realm: realm.bytes().to_vec(),
    })
}

/// Why a context could not be made.
pub(crate) enum Unusable {
    /// The profile cannot be read, or its text is wrong.
    Profile,
    /// The profile lets the library correct its clock after a KDC's word.
    TimeSync,
    /// The library could not start.
    Library(Code),
}

/// A library context.
pub(crate) struct ContextHandle(NonNull<ffi::RawContext>);

// SAFETY: a context has no tie to the thread that made it; the library only asks that one thread
// at a time uses it, which `&self` methods on a type that is not Sync grant.
unsafe impl Send for ContextHandle {}

impl ContextHandle {
    /// A context from the profile at `path` alone: the environment and /etc/krb5.conf are not read.
    pub(crate) fn new(path: &CStr) -> Result<Self, Unusable> {
        let mut profile = ptr::null_mut();
        // SAFETY: `path` is a C string; the out pointer is ours.
        let code = unsafe { ffi::profile_init_path(path.as_ptr(), &mut profile) };
        if code != 0 || profile.is_null() {
            return Err(Unusable::Profile);
        }
        let mut sync = 0;
        // SAFETY: the profile is open; the names are C strings, and the last may be missing.
        let read = unsafe {
            ffi::profile_get_boolean(
                profile,
                c"libdefaults".as_ptr(),
                c"kdc_timesync".as_ptr(),
                ptr::null(),
                1,
                &mut sync,
            )
        };
        let mut context = ptr::null_mut();
        // SAFETY: the profile is open; the context takes a copy of its own.
        let code = unsafe { ffi::krb5_init_context_profile(profile, 0, &mut context) };
        // SAFETY: opened above, used no more.
        unsafe { ffi::profile_release(profile) };
        let handle = NonNull::new(context).map(Self);
        match handle {
            _ if code != 0 => Err(Unusable::Library(Code(code))),
            None => Err(Unusable::Library(Code(libc::ENOMEM))),
            Some(_) if read != 0 => Err(Unusable::Profile),
            Some(_) if sync != 0 => Err(Unusable::TimeSync),
            Some(handle) => Ok(handle),
        }
    }

    /// A context without any configuration, for what needs none.
    pub(crate) fn blank() -> Result<Self, Code> {
        let mut profile = ptr::null_mut();
        // SAFETY: the path is a C string; the out pointer is ours.
        let code = unsafe { ffi::profile_init_path(c"/dev/null".as_ptr(), &mut profile) };
        if code != 0 || profile.is_null() {
            return Err(Code(libc::ENOENT));
        }
        let mut context = ptr::null_mut();
        // SAFETY: the profile is open; the context takes a copy of its own.
        let code = unsafe { ffi::krb5_init_context_profile(profile, 0, &mut context) };
        // SAFETY: opened above, used no more.
        unsafe { ffi::profile_release(profile) };
        check(code)?;
        NonNull::new(context).map(Self).ok_or(Code(libc::ENOMEM))
    }

    /// The library's own words for `code`.
    pub(crate) fn text(&self, code: Code) -> String {
        // SAFETY: the context is alive; the text is freed below, by the library.
        let text = unsafe { ffi::krb5_get_error_message(self.ptr(), code.0) };
        if text.is_null() {
            return String::new();
        }
        // SAFETY: the library returned a C string.
        let copy = unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned();
        // SAFETY: from krb5_get_error_message of the same context, used no more.
        unsafe { ffi::krb5_free_error_message(self.ptr(), text) };
        copy
    }

    fn ptr(&self) -> *mut ffi::RawContext {
        self.0.as_ptr()
    }
}

impl Drop for ContextHandle {
    fn drop(&mut self) {
        // SAFETY: ours, and every handle made from it has gone (they borrow it).
        unsafe { ffi::krb5_free_context(self.ptr()) };
    }
}

/// `Ok` for the library's zero.
fn check(code: i32) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(Code(code)) }
}

/// A pointer that the library said it would fill.
fn filled<T>(pointer: *mut T) -> Result<NonNull<T>, Code> {
    NonNull::new(pointer).ok_or(Code(libc::ENOMEM))
}

fn c_string(text: &str) -> Result<CString, Code> {
    CString::new(text).map_err(|_| Code::INVALID)
}
