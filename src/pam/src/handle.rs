//! The PAM handle: libpam's items, its data, and the conversation behind [`Host`].

mod catalogue;
mod charset;
mod clock;
mod conversation;
#[cfg(test)]
mod signals;
mod undisturbed;

pub(crate) use undisturbed::Undisturbed;

#[cfg(feature = "fuzzed")]
pub(crate) use clock::show as fuzzed_instant;

use crate::flow::{Cache, Host, Item, Kept, Level, NoAnswer, Token};
use crate::helper::{Helper, HelperError, Owner, Renewal};
use charset::Charset;
use conversation::{Conversation, Style};
use domlogon_protocol::client::{self, CallError};
use domlogon_protocol::{
    Calendar, Catalogue, Reply, Request, SOCKET, Secret, TicketBytes, Timestamp, guard, local,
};
use libc::{c_char, c_int, c_uint, c_void};
use pamsm::{LogLvl, Pam, PamLibExt};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::os::unix::fs::MetadataExt;
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
    fn pam_syslog(handle: *const c_void, priority: c_int, format: *const c_char, ...);
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

/// The name of a person's credential cache in an environment.
const KRB5CCNAME: &str = "KRB5CCNAME";

/// What libpam keeps as long as the transaction lives; dropped (and wiped) by [`cleanup`].
trait Data: Default {
    /// Under which name. Each belongs to one type.
    const NAME: &'static CStr;
}

/// Emptied by [`Host::kept`].
type Slot = Cell<Option<Kept>>;

impl Data for Slot {
    const NAME: &'static CStr = c"pam_domlogon:kept";
}

/// What a session has of a person's tickets.
#[derive(Default)]
struct Session {
    cache: RefCell<Option<Cache>>,
    renewal: Cell<Option<Renewal>>,
}

impl Data for Session {
    const NAME: &'static CStr = c"pam_domlogon:session";
}

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

    /// Logs where a function of this module has panicked.
    pub(crate) fn log_fault(&self, function: &str, place: &str) {
        // SAFETY: the handle is libpam's and alive during the call of the hook.
        unsafe { log_fault(self.raw, function, place) };
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

    fn data<T: Data>(&self) -> Option<&T> {
        let mut data = ptr::null();
        // SAFETY: the handle is alive, and the name ends with NUL.
        let code = unsafe { pam_get_data(self.raw, T::NAME.as_ptr(), &mut data) };
        if code != PAM_SUCCESS || data.is_null() {
            return None;
        }
        // SAFETY: only `new_data` stores under this name, and only this type; libpam calls a
        // transaction's modules from one thread, and it lives until `cleanup`.
        Some(unsafe { &*data.cast::<T>() })
    }

    fn new_data<T: Data>(&self) -> Option<&T> {
        let data = Box::into_raw(Box::<T>::default());
        // SAFETY: libpam gives `data` back to `cleanup` once, when the transaction ends.
        let code =
            unsafe { pam_set_data(self.raw, T::NAME.as_ptr(), data.cast(), Some(cleanup::<T>)) };
        if code == PAM_SUCCESS {
            return self.data();
        }
        // SAFETY: libpam did not take it.
        drop(unsafe { Box::from_raw(data) });
        None
    }
}

/// Drops what was kept; the secrets in it are wiped. Not a word to anybody: a program's
/// children end their copies of a transaction too.
unsafe extern "C" fn cleanup<T: Data>(handle: *mut c_void, data: *mut c_void, _status: c_int) {
    let _whole = Undisturbed::begin();
    // SAFETY: libpam hands its own handle over, which lives during the call.
    let note = |place: &str| unsafe { log_fault(handle, "cleanup", place) };
    guard((), note, || {
        #[cfg(planted)]
        crate::planted::here("cleanup");
        if !data.is_null() {
            // SAFETY: `data` came from `new_data::<T>`, and libpam hands it over once.
            drop(unsafe { Box::from_raw(data.cast::<T>()) });
        }
    });
}

/// A line in the log that says where the module has a fault, and nothing of what it was about.
///
/// # Safety
/// `handle` is libpam's, and alive.
unsafe fn log_fault(handle: *const c_void, function: &str, place: &str) {
    let Ok(place) = CString::new(format!("{function}: a fault of the module, at {place}")) else {
        return;
    };
    // SAFETY: the handle is alive; one text for one %s, each with its NUL.
    unsafe { pam_syslog(handle, libc::LOG_CRIT, c"%s".as_ptr(), place.as_ptr()) };
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
        if let Some(slot) = self.data().or_else(|| self.new_data::<Slot>()) {
            slot.set(Some(kept));
        }
    }

    fn kept(&self) -> Option<Kept> {
        self.data::<Slot>()?.take()
    }

    fn keep_cache(&self, cache: Option<Cache>) {
        if let Some(session) = self.data().or_else(|| self.new_data::<Session>()) {
            session.cache.replace(cache);
        }
    }

    fn cache(&self) -> Option<Cache> {
        self.data::<Session>()?.cache.borrow().clone()
    }

    fn cache_in_use(&self) -> Option<String> {
        if let Ok(Some(name)) = self.pam.getenv(KRB5CCNAME) {
            return name.to_str().ok().map(str::to_owned);
        }
        // SAFETY: getauxval touches nothing.
        let has_more_rights = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
        // What started such a program chose its environment too.
        std::env::var(KRB5CCNAME).ok().filter(|_| !has_more_rights)
    }

    fn set_cache_in_use(&self, name: &str) {
        if self.pam.putenv(&format!("{KRB5CCNAME}={name}")).is_err() {
            self.log(Level::Error, "KRB5CCNAME could not be set");
        }
    }

    fn is_private_file_of(&self, path: &str, uid: u32) -> bool {
        std::fs::symlink_metadata(path).is_ok_and(|file| {
            file.is_file() && file.uid() == uid && file.nlink() == 1 && file.mode() & 0o077 == 0
        })
    }

    fn store_tickets(
        &self,
        cache: &str,
        owner: Owner,
        tickets: &TicketBytes,
    ) -> Result<String, HelperError> {
        Helper::default().store(cache, owner, tickets.expose())
    }

    fn destroy_tickets(&self, cache: &Cache) -> Result<(), HelperError> {
        Helper::default().destroy(&cache.name, cache.owner)
    }

    fn renew_tickets(&self, cache: &Cache) -> Result<(), HelperError> {
        let renewal = Helper::default().renew(&cache.name, cache.owner)?;
        if let Some(session) = self.data().or_else(|| self.new_data::<Session>()) {
            session.renewal.set(Some(renewal));
        }
        Ok(())
    }

    fn stop_renewing(&self) {
        if let Some(renewal) = self.data::<Session>().and_then(|s| s.renewal.take()) {
            renewal.stop();
        }
    }

    fn reach(&self) -> Result<(), CallError> {
        client::reachable(Path::new(SOCKET), client::PAM_DEADLINE)
    }

    fn ask(&self, request: &Request) -> Result<Reply, CallError> {
        let limit = match request {
            Request::Tickets { .. } => client::TICKETS_DEADLINE,
            _ => client::PAM_DEADLINE,
        };
        client::call(Path::new(SOCKET), request, limit)
    }

    fn is_local(&self, names: &[&str]) -> bool {
        local::is_local(Path::new(local::PASSWD), names)
    }

    fn is_local_id(&self, uid: u32) -> bool {
        local::is_local_id(Path::new(local::PASSWD), uid)
    }

    fn host_name(&self) -> String {
        local::host_name()
    }

    fn real_uid(&self) -> u32 {
        // SAFETY: getuid cannot fail and touches nothing.
        unsafe { libc::getuid() }
    }

    fn acts_as_root(&self) -> bool {
        // SAFETY: geteuid cannot fail and touches nothing.
        unsafe { libc::geteuid() == 0 }
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
