//! The C border: libpam as an application calls it.

use crate::{Answer, Call, Message, Outcome, SUCCESS, Talk, TrialError};
use domlogon_protocol::Secret;
use domlogon_protocol::guard;
use libc::{c_char, c_int, c_uint, c_void};
use std::ffi::CStr;
use std::ptr;
use zeroize::Zeroize;

#[repr(C)]
struct RawMessage {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct RawResponse {
    text: *mut c_char,
    code: c_int,
}

type Converse = unsafe extern "C" fn(
    c_int,
    *mut *const RawMessage,
    *mut *mut RawResponse,
    *mut c_void,
) -> c_int;

#[repr(C)]
struct RawConversation {
    converse: Converse,
    data: *mut c_void,
}

type Delay = unsafe extern "C" fn(c_int, c_uint, *mut c_void);

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conversation: *const RawConversation,
        handle: *mut *mut c_void,
    ) -> c_int;
    fn pam_end(handle: *mut c_void, status: c_int) -> c_int;
    fn pam_set_item(handle: *mut c_void, item: c_int, value: *const c_void) -> c_int;
    fn pam_authenticate(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_strerror(handle: *mut c_void, code: c_int) -> *const c_char;
}

const PAM_TTY: c_int = 3;
const PAM_FAIL_DELAY: c_int = 10;
const PAM_BUF_ERR: c_int = 5;
const PAM_CONV_ERR: c_int = 19;
const PAM_PROMPT_ECHO_OFF: c_int = 1;
const PAM_PROMPT_ECHO_ON: c_int = 2;

/// Most messages of one call of the conversation, as Linux-PAM has it (PAM_MAX_NUM_MSG).
const MOST_MESSAGES: usize = 32;

/// One transaction of libpam with one call in it.
pub(crate) fn call(
    service: &CStr,
    user: &CStr,
    tty: Option<&CStr>,
    call: Call,
    password: Option<&Secret>,
) -> Result<Outcome, TrialError> {
    let mut talk = Talk {
        password,
        prompts: 0,
        said: Vec::new(),
    };
    let conversation = RawConversation {
        converse,
        data: ptr::from_mut(&mut talk).cast(),
    };
    let mut handle = ptr::null_mut();
    // SAFETY: all pointers are of live values; libpam copies the strings and the structure of
    // the conversation, whose data (`talk`) outlives pam_end below.
    let code = unsafe {
        pam_start(
            service.as_ptr(),
            user.as_ptr(),
            &raw const conversation,
            &raw mut handle,
        )
    };
    if code != SUCCESS || handle.is_null() {
        return Err(TrialError::Start(code));
    }
    let code = set_up(handle, tty).unwrap_or_else(|| {
        // SAFETY: the handle is the live one of pam_start.
        unsafe {
            match call {
                Call::Authenticate => pam_authenticate(handle, 0),
                Call::Account => pam_acct_mgmt(handle, 0),
            }
        }
    });
    let words = words(handle, code);
    // SAFETY: the handle is live, and not used afterwards.
    unsafe { pam_end(handle, code) };
    Ok(Outcome {
        code,
        words,
        prompts: talk.prompts,
        said: talk.said,
    })
}

/// The items that an application sets; a code if libpam takes one of them not.
fn set_up(handle: *mut c_void, tty: Option<&CStr>) -> Option<c_int> {
    let delay: Delay = no_delay;
    // SAFETY: the handle is live; this item's value is a function of exactly this type.
    let code = unsafe { pam_set_item(handle, PAM_FAIL_DELAY, delay as *const c_void) };
    if code != SUCCESS {
        return Some(code);
    }
    if let Some(tty) = tty {
        // SAFETY: the handle is live, and libpam copies the string.
        let code = unsafe { pam_set_item(handle, PAM_TTY, tty.as_ptr().cast()) };
        if code != SUCCESS {
            return Some(code);
        }
    }
    None
}

fn words(handle: *mut c_void, code: c_int) -> String {
    // SAFETY: the handle is live; what comes back is null or a C string that libpam keeps.
    let text = unsafe { pam_strerror(handle, code) };
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, so a C string, as above.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// In the place of the delay after a failure.
unsafe extern "C" fn no_delay(_: c_int, _: c_uint, _: *mut c_void) {}

/// What libpam calls with the messages of a module.
unsafe extern "C" fn converse(
    count: c_int,
    messages: *mut *const RawMessage,
    responses: *mut *mut RawResponse,
    data: *mut c_void,
) -> c_int {
    guard(
        PAM_CONV_ERR,
        |_| (),
        || {
            let count = match usize::try_from(count) {
                Ok(count) if (1..=MOST_MESSAGES).contains(&count) => count,
                _ => return PAM_CONV_ERR,
            };
            if messages.is_null() || responses.is_null() || data.is_null() {
                return PAM_CONV_ERR;
            }
            // SAFETY: data is the `talk` of `call`, which waits in libpam now and does not touch it.
            let talk = unsafe { &mut *data.cast::<Talk<'_>>() };
            let Some(mut replies) = Replies::new(count) else {
                return PAM_BUF_ERR;
            };
            for index in 0..count {
                // SAFETY: libpam gives `count` pointers to messages (Linux-PAM's layout: an array of
                // pointers), each null or live during this call.
                let Some(message) = (unsafe { (*messages.add(index)).as_ref() }) else {
                    return PAM_CONV_ERR;
                };
                match talk.answer(read(message)) {
                    Answer::Typed(secret) => {
                        if !replies.set(index, secret) {
                            return PAM_BUF_ERR;
                        }
                    }
                    Answer::Heard => {}
                    Answer::Nobody => return PAM_CONV_ERR,
                }
            }
            // SAFETY: `responses` is not null, and libpam's to be written.
            unsafe { *responses = replies.give() };
            SUCCESS
        },
    )
}

fn read(message: &RawMessage) -> Message {
    match message.style {
        PAM_PROMPT_ECHO_OFF => Message::Hidden,
        PAM_PROMPT_ECHO_ON => Message::Shown,
        _ if message.text.is_null() => Message::Said(String::new()),
        _ => Message::Said(
            // SAFETY: not null, so a C string that the module keeps during this call.
            unsafe { CStr::from_ptr(message.text) }
                .to_string_lossy()
                .into_owned(),
        ),
    }
}

/// The answers in memory of the C library, which libpam's modules free. Wiped and freed here
/// unless they were given away.
struct Replies {
    first: *mut RawResponse,
    count: usize,
}

impl Replies {
    fn new(count: usize) -> Option<Self> {
        // SAFETY: calloc is asked for `count` zeroed structures; null means there is no memory.
        let first = unsafe { libc::calloc(count, size_of::<RawResponse>()) };
        (!first.is_null()).then_some(Self {
            first: first.cast(),
            count,
        })
    }

    /// Copies an answer; whether there was memory for it.
    fn set(&mut self, index: usize, secret: &Secret) -> bool {
        let bytes = secret.expose();
        // SAFETY: one byte more than the answer, zeroed: its end as a C string.
        let copy = unsafe { libc::calloc(bytes.len().saturating_add(1), 1) }.cast::<u8>();
        if copy.is_null() || index >= self.count {
            return false;
        }
        // SAFETY: both are that long, and they do not overlap; index is below count.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len());
            (*self.first.add(index)).text = copy.cast();
        }
        true
    }

    fn give(mut self) -> *mut RawResponse {
        std::mem::replace(&mut self.first, ptr::null_mut())
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        if self.first.is_null() {
            return;
        }
        for index in 0..self.count {
            // SAFETY: index is below count; each text is null or made by `set`.
            unsafe {
                let text = (*self.first.add(index)).text;
                if !text.is_null() {
                    let length = libc::strlen(text);
                    std::slice::from_raw_parts_mut(text.cast::<u8>(), length).zeroize();
                    libc::free(text.cast());
                }
            }
        }
        // SAFETY: from calloc in `new`, and not given away.
        unsafe { libc::free(self.first.cast()) };
    }
}
