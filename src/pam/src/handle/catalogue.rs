//! The catalogues of this module, through the C library's own gettext.
//!
//! The locale is the host program's, as it set it; nothing here sets one. A program that
//! never set one speaks English. Only the domain "domlogon" of the process is touched,
//! which is ours.

use libc::{c_char, c_ulong};
use std::borrow::Cow;
use std::ffi::{CStr, CString};

// libintl is a part of glibc and of musl.
unsafe extern "C" {
    fn bindtextdomain(domain: *const c_char, folder: *const c_char) -> *mut c_char;
    fn bind_textdomain_codeset(domain: *const c_char, codeset: *const c_char) -> *mut c_char;
    fn dgettext(domain: *const c_char, text: *const c_char) -> *mut c_char;
    fn dngettext(
        domain: *const c_char,
        one: *const c_char,
        many: *const c_char,
        n: c_ulong,
    ) -> *mut c_char;
}

const DOMAIN: &CStr = c"domlogon";

/// Where the packages put the catalogues: `LL/LC_MESSAGES/domlogon.mo` in it.
const FOLDER: &CStr = c"/usr/share/locale";

/// Most bytes of a translation that are looked at.
const LONGEST: usize = 4096;

/// The translation of `text`, or `text` itself.
pub(crate) fn translate(text: &str) -> Cow<'_, str> {
    let Ok(key) = CString::new(text) else {
        return Cow::Borrowed(text);
    };
    bind();
    // SAFETY: both strings end with NUL and live during the call.
    let found = unsafe { dgettext(DOMAIN.as_ptr(), key.as_ptr()) };
    if found.cast_const() == key.as_ptr() {
        return Cow::Borrowed(text);
    }
    // SAFETY: not the key, so a string of a catalogue.
    unsafe { copied(found) }.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The translation in the form that goes with `n`, or the English one.
pub(crate) fn plural<'a>(one: &'a str, many: &'a str, n: u32) -> Cow<'a, str> {
    let english = if n == 1 { one } else { many };
    let (Ok(one), Ok(many)) = (CString::new(one), CString::new(many)) else {
        return Cow::Borrowed(english);
    };
    bind();
    // SAFETY: the three strings end with NUL and live during the call.
    let found = unsafe {
        dngettext(
            DOMAIN.as_ptr(),
            one.as_ptr(),
            many.as_ptr(),
            c_ulong::from(n),
        )
    };
    if found.cast_const() == one.as_ptr() || found.cast_const() == many.as_ptr() {
        return Cow::Borrowed(english);
    }
    // SAFETY: neither key, so a string of a catalogue.
    unsafe { copied(found) }.map_or(Cow::Borrowed(english), Cow::Owned)
}

/// Says where our catalogues are, and that we want UTF-8 out of them, whatever the
/// program's own charset is: the values that go into the sentences are UTF-8. The second
/// time it changes nothing. Without memory there are no catalogues, and English is spoken.
fn bind() {
    // SAFETY: the strings end with NUL; the C library keeps copies, so nothing of this
    // module is needed after it was unloaded.
    unsafe {
        bindtextdomain(DOMAIN.as_ptr(), FOLDER.as_ptr());
        bind_textdomain_codeset(DOMAIN.as_ptr(), c"UTF-8".as_ptr());
    }
}

/// A copy of what a catalogue says; `None` for what is empty, endless or no UTF-8.
///
/// # Safety
/// `text` is NULL or a C string, which stays during the call.
unsafe fn copied(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: see above; not more than the string is read.
    let bytes =
        unsafe { std::slice::from_raw_parts(text.cast::<u8>(), libc::strnlen(text, LONGEST)) };
    let whole = !bytes.is_empty() && bytes.len() < LONGEST;
    let text = whole.then(|| std::str::from_utf8(bytes))?;
    text.ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A test sets no locale, so this is the C locale; the suites drive real programs in
    // other ones.
    #[test]
    fn a_program_without_a_locale_speaks_english() {
        assert_eq!(translate("Password: "), "Password: ");
        assert_eq!(translate(""), "");
        assert_eq!(translate("a\0b"), "a\0b");
        assert_eq!(plural("{n} day", "{n} days", 1), "{n} day");
        for n in [0, 2, u32::MAX] {
            assert_eq!(plural("{n} day", "{n} days", n), "{n} days");
        }
    }

    #[test]
    fn what_cannot_be_used_is_none() {
        // SAFETY: each is NULL or a string that ends with NUL.
        unsafe {
            assert_eq!(copied(std::ptr::null()), None);
            assert_eq!(copied(c"".as_ptr()), None);
            assert_eq!(copied(c"\xFF".as_ptr()), None);
            let endless = CString::new(vec![b'x'; LONGEST]).unwrap();
            assert_eq!(copied(endless.as_ptr()), None);
            assert_eq!(copied(c"ä".as_ptr()).as_deref(), Some("ä"));
        }
    }
}
