//! The PAM handle: libpam's items, its data, and the conversation behind [`Host`].

mod catalogue;
mod charset;
mod clock;
mod conversation;

use crate::flow::{Host, Item, Kept, Level, NoAnswer, Token};
use charset::Charset;
use conversation::{Conversation, Style};
use domlogon_protocol::client::{self, CallError};
use domlogon_protocol::{
    Calendar, Catalogue, Reply, Request, SOCKET, Secret, Timestamp, guard, local,
};
use libc::{c_char, c_int, c_uint, c_void};
use pamsm::{LogLvl, Pam, PamLibExt};
use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::CStr;
use std::path::Path;
use std::ptr;
use zeroize::Zeroizing;

// Beside what pamsm declares: the numbers stay plain integers on this side.
#[link(name = "pam")]
unsafe extern "C" {
    fn pam_get_item(handle: *const c_void, item: c_int, value: *mut *const c_void) -> c_int;
    fn pam_set_item(handle: *const c_void, item: c_int, value: *const c_void) -> c_int;
    fn pam_get_data(handle: *const c_void, name: *const c_char, data: *mut *const c_void) -> c_int;
    fn pam_set_data(
        handle: *const c_void,
        name: *const c_char,
        data: *mut c_void,
        cleanup: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, c_int)>,
    ) -> c_int;
    fn pam_fail_delay(handle: *const c_void, microseconds: c_uint) -> c_int;
}

const PAM_SUCCESS: c_int = 0;
const PAM_SERVICE: c_int = 1;
const PAM_USER: c_int = 2;
const PAM_TTY: c_int = 3;
const PAM_RHOST: c_int = 4;
const PAM_CONV: c_int = 5;
const PAM_AUTHTOK: c_int = 6;
const PAM_OLDAUTHTOK: c_int = 7;
const PAM_USER_PROMPT: c_int = 9;

/// Most bytes of an item that are looked at; what a name or a password may have is less.
const LONGEST_ITEM: usize = 64 * 1024;

/// How long a failed logon is held up, in microseconds.
const FAIL_DELAY: c_uint = 2_000_000;

/// Under which name libpam keeps what lives as long as the transaction.
const DATA: &CStr = c"pam_domlogon:kept";

/// What libpam keeps: emptied by [`Host::kept`], dropped (and wiped) by [`cleanup`].
type Slot = Cell<Option<Kept>>;

/// The handle that libpam gave to one call of a hook.
pub(crate) struct Handle {
    pam: Pam,
    raw: *const c_void,
}

impl Handle {
    /// Takes the handle of one call.
    pub(crate) fn new(pam: Pam) -> Self {
        // SAFETY: Pam is a transparent wrapper of the pointer, made by libpam.
        let raw = unsafe { *ptr::from_ref(&pam).cast::<*const c_void>() };
        Self { pam, raw }
    }

    fn raw_item(&self, item: c_int) -> Option<*const c_void> {
        let mut value = ptr::null();
        // SAFETY: the handle is libpam's and alive during the call of the hook.
        let code = unsafe { pam_get_item(self.raw, item, &mut value) };
        (code == PAM_SUCCESS && !value.is_null()).then_some(value)
    }

    /// The bytes of an item that is a C string, in the hands of `read`.
    fn read_item<T>(&self, item: c_int, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let text = self.raw_item(item)?.cast::<c_char>();
        // SAFETY: these items are C strings that libpam keeps until they are set anew,
        // and `read` sets nothing.
        let bytes = unsafe {
            std::slice::from_raw_parts(text.cast::<u8>(), libc::strnlen(text, LONGEST_ITEM))
        };
        Some(read(bytes))
    }

    /// Sets an item to a C string; libpam makes its own copy.
    fn set_text_item(&self, item: c_int, bytes: &[u8]) {
        if bytes.contains(&0) {
            return;
        }
        let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
        text.extend_from_slice(bytes);
        text.push(0);
        // SAFETY: `text` ends with its only NUL, and lives during the call.
        let code = unsafe { pam_set_item(self.raw, item, text.as_ptr().cast()) };
        if code != PAM_SUCCESS {
            self.log(
                Level::Error,
                &format!("item {item} could not be set (PAM code {code})"),
            );
        }
    }

    fn converse(&self, style: Style, text: &str) -> Result<Secret, NoAnswer> {
        let conversation = self.raw_item(PAM_CONV).ok_or(NoAnswer)?;
        let text = Charset::of_program().encoded(text);
        // SAFETY: the item is the pam_conv that the application gave to libpam.
        unsafe { (*conversation.cast::<Conversation>()).send(style, &text) }
    }

    fn slot(&self) -> Option<&Slot> {
        let mut data = ptr::null();
        // SAFETY: the handle is alive, and the name ends with NUL.
        let code = unsafe { pam_get_data(self.raw, DATA.as_ptr(), &mut data) };
        if code != PAM_SUCCESS || data.is_null() {
            return None;
        }
        // SAFETY: only `new_slot` stores under this name; libpam calls a transaction's
        // modules from one thread, and the slot lives until `cleanup`.
        Some(unsafe { &*data.cast::<Slot>() })
    }

    fn new_slot(&self) -> Option<&Slot> {
        let slot = Box::into_raw(Box::new(Slot::new(None)));
        // SAFETY: libpam gives `slot` back to `cleanup` once, when the transaction ends.
        let code = unsafe { pam_set_data(self.raw, DATA.as_ptr(), slot.cast(), Some(cleanup)) };
        if code == PAM_SUCCESS {
            return self.slot();
        }
        // SAFETY: libpam did not take it.
        drop(unsafe { Box::from_raw(slot) });
        None
    }
}

/// Drops what was kept; the secrets in it are wiped.
unsafe extern "C" fn cleanup(_handle: *mut c_void, data: *mut c_void, _status: c_int) {
    guard((), || {
        if !data.is_null() {
            // SAFETY: `data` came from `new_slot`, and libpam hands it over once.
            drop(unsafe { Box::from_raw(data.cast::<Slot>()) });
        }
    });
}

impl Host for Handle {
    fn ask_hidden(&self, prompt: &str) -> Result<Secret, NoAnswer> {
        self.converse(Style::AskHidden, prompt)
    }

    fn ask_shown(&self, prompt: &str) -> Result<Secret, NoAnswer> {
        self.converse(Style::AskShown, prompt)
    }

    // A message that does not arrive changes no verdict.
    fn inform(&self, text: &str) {
        let _ = self.converse(Style::Inform, text);
    }

    fn complain(&self, text: &str) {
        let _ = self.converse(Style::Complain, text);
    }

    fn item(&self, item: Item) -> Option<Vec<u8>> {
        let number = match item {
            Item::Service => PAM_SERVICE,
            Item::User => PAM_USER,
            Item::UserPrompt => PAM_USER_PROMPT,
            Item::Tty => PAM_TTY,
            Item::RemoteHost => PAM_RHOST,
        };
        self.read_item(number, <[u8]>::to_vec)
    }

    fn set_user(&self, name: &[u8]) {
        self.set_text_item(PAM_USER, name);
    }

    fn token(&self, token: Token) -> Option<Secret> {
        self.read_item(token_item(token), Secret::new)
    }

    fn set_token(&self, token: Token, secret: &Secret) {
        self.set_text_item(token_item(token), secret.expose());
    }

    fn keep(&self, kept: Kept) {
        if let Some(slot) = self.slot().or_else(|| self.new_slot()) {
            slot.set(Some(kept));
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.slot()?.take()
    }

    fn reach(&self) -> Result<(), CallError> {
        client::reachable(Path::new(SOCKET), client::PAM_DEADLINE)
    }

    fn ask(&self, request: &Request) -> Result<Reply, CallError> {
        client::call(Path::new(SOCKET), request, client::PAM_DEADLINE)
    }

    fn is_local(&self, names: &[&str]) -> bool {
        local::is_local(Path::new(local::PASSWD), names)
    }

    fn host_name(&self) -> String {
        local::host_name()
    }

    fn real_uid(&self) -> u32 {
        // SAFETY: getuid cannot fail and touches nothing.
        unsafe { libc::getuid() }
    }

    fn delay_failure(&self) {
        // SAFETY: the handle is alive during the call of the hook.
        unsafe { pam_fail_delay(self.raw, FAIL_DELAY) };
    }

    fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Error => LogLvl::ERR,
            Level::Warning => LogLvl::WARNING,
            Level::Debug => LogLvl::DEBUG,
        };
        // A line that cannot be written must not stop a logon.
        let _ = self.pam.syslog(level, text);
    }
}

impl Calendar for Handle {
    fn show(&self, at: Timestamp) -> String {
        clock::show(at)
    }
}

impl Catalogue for Handle {
    fn translate<'a>(&self, text: &'a str) -> Cow<'a, str> {
        catalogue::translate(text)
    }

    fn plural<'a>(&self, one: &'a str, many: &'a str, n: u32) -> Cow<'a, str> {
        catalogue::plural(one, many, n)
    }
}

const fn token_item(token: Token) -> c_int {
    match token {
        Token::Password => PAM_AUTHTOK,
        Token::OldPassword => PAM_OLDAUTHTOK,
    }
}
