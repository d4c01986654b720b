//! The conversation with the person, through the application's own function.
//!
//! One guarded path. Applications answer with NULL, with nothing, with an error; what
//! they do answer was allocated by malloc, and is wiped and freed here.

use crate::flow::NoAnswer;
use domlogon_protocol::Secret;
use libc::{c_char, c_int, c_void};
use std::ffi::CString;
use std::ptr;
use zeroize::Zeroize;

/// What the application does with a message, with Linux-PAM's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Style {
    /// PAM_PROMPT_ECHO_OFF
    AskHidden = 1,
    /// PAM_PROMPT_ECHO_ON
    AskShown = 2,
    /// PAM_ERROR_MSG
    Complain = 3,
    /// PAM_TEXT_INFO
    Inform = 4,
}

/// Most bytes of an answer that are looked at.
const LONGEST: usize = 1 << 20;

const PAM_SUCCESS: c_int = 0;

/// `struct pam_message`
#[repr(C)]
pub(crate) struct Message {
    style: c_int,
    text: *const c_char,
}

/// `struct pam_response`
#[repr(C)]
pub(crate) struct Response {
    text: *mut c_char,
    code: c_int,
}

type Function =
    unsafe extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int;

/// `struct pam_conv`
#[repr(C)]
pub(crate) struct Conversation {
    function: Option<Function>,
    data: *mut c_void,
}

impl Conversation {
    /// Sends one message, in the program's own charset. The answer to a message that is no question is empty.
    ///
    /// # Safety
    /// `self` is what the application gave to libpam: its function keeps to the
    /// contract of pam_conv(3), or breaks it in the ways named above.
    pub(crate) unsafe fn send(&self, style: Style, text: &[u8]) -> Result<Secret, NoAnswer> {
        let function = self.function.ok_or(NoAnswer)?;
        let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
        let text = CString::new(text).map_err(|_| NoAnswer)?;
        let message = Message {
            style: style as c_int,
            text: text.as_ptr(),
        };
        let mut messages: [*const Message; 1] = [&message];
        let mut reply: *mut Response = ptr::null_mut();
        // SAFETY: one message and the place for one reply array live until the call
        // returns; the data pointer is the application's own.
        let code = unsafe { function(1, messages.as_mut_ptr(), &mut reply, self.data) };
        // SAFETY: the reply is NULL or was allocated by the application for us to free.
        // libpam itself frees the reply of a failed conversation too.
        let answer = unsafe { taken(reply) };
        match style {
            _ if code != PAM_SUCCESS => Err(NoAnswer),
            Style::AskHidden | Style::AskShown => answer.ok_or(NoAnswer),
            Style::Complain | Style::Inform => Ok(Secret::new(b"")),
        }
    }
}

/// Copies the answer out of a reply array of one, and wipes and frees the array.
///
/// # Safety
/// `reply` is NULL, or an array of at least one response; it and its text were allocated
/// by malloc and belong to the caller.
unsafe fn taken(reply: *mut Response) -> Option<Secret> {
    if reply.is_null() {
        return None;
    }
    // SAFETY: not NULL, so it is one response; `text` is NULL or a C string.
    unsafe {
        let text = (*reply).text;
        let answer = if text.is_null() {
            None
        } else {
            let length = libc::strnlen(text, LONGEST);
            let bytes = std::slice::from_raw_parts_mut(text.cast::<u8>(), length);
            let answer = Secret::new(bytes);
            bytes.zeroize();
            libc::free(text.cast());
            Some(answer)
        };
        libc::free(reply.cast());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    /// What the application of a test does.
    struct App {
        code: c_int,
        array: bool,
        text: Option<CString>,
        heard: Vec<(c_int, String)>,
    }

    unsafe extern "C" fn converse(
        count: c_int,
        messages: *mut *const Message,
        reply: *mut *mut Response,
        data: *mut c_void,
    ) -> c_int {
        // SAFETY: called by `send` below with one message and an `App` as data.
        unsafe {
            let app = &mut *data.cast::<App>();
            assert_eq!(count, 1);
            let message = &**messages;
            let text = CStr::from_ptr(message.text).to_str().unwrap();
            app.heard.push((message.style, text.to_owned()));
            if app.array {
                *reply = libc::calloc(1, size_of::<Response>()).cast();
                if let Some(text) = &app.text {
                    (**reply).text = libc::strdup(text.as_ptr());
                }
            }
            app.code
        }
    }

    fn app(code: c_int, array: bool, text: Option<&[u8]>) -> App {
        App {
            code,
            array,
            text: text.map(|t| CString::new(t).unwrap()),
            heard: Vec::new(),
        }
    }

    fn send(app: &mut App, style: Style, text: &str) -> Result<Vec<u8>, NoAnswer> {
        let conversation = Conversation {
            function: Some(converse),
            data: ptr::from_mut(app).cast(),
        };
        // SAFETY: `converse` keeps to the contract, and breaks it as allowed.
        unsafe { conversation.send(style, text.as_bytes()) }.map(|s| s.expose().to_vec())
    }

    #[test]
    fn an_answer_is_given_back() {
        let mut app = app(0, true, Some(b"s3cret"));
        assert_eq!(
            send(&mut app, Style::AskHidden, "Password: ").unwrap(),
            b"s3cret"
        );
        assert_eq!(app.heard, [(1, "Password: ".to_owned())]);
    }

    #[test]
    fn the_four_verbs_have_linux_pams_numbers() {
        let mut app = app(0, true, Some(b"x"));
        for style in [
            Style::AskHidden,
            Style::AskShown,
            Style::Complain,
            Style::Inform,
        ] {
            send(&mut app, style, "t").unwrap();
        }
        let styles: Vec<c_int> = app.heard.iter().map(|(style, _)| *style).collect();
        assert_eq!(styles, [1, 2, 3, 4]);
    }

    #[test]
    fn null_and_errors_are_no_answer() {
        for (code, array, text) in [
            (0, false, None),
            (0, true, None),
            (19, false, None),
            (19, true, Some(&b"late"[..])),
            (-1, true, None),
        ] {
            let mut app = app(code, array, text);
            assert!(send(&mut app, Style::AskHidden, "Password: ").is_err());
            assert!(send(&mut app, Style::AskShown, "login: ").is_err());
        }
    }

    #[test]
    fn a_message_needs_no_reply() {
        for (array, text) in [(false, None), (true, None), (true, Some(&b"odd"[..]))] {
            let mut app = app(0, array, text);
            assert_eq!(send(&mut app, Style::Inform, "hello").unwrap(), b"");
            assert_eq!(send(&mut app, Style::Complain, "hello").unwrap(), b"");
        }
    }

    #[test]
    fn no_function_is_no_answer() {
        let conversation = Conversation {
            function: None,
            data: ptr::null_mut(),
        };
        // SAFETY: there is no function to break a contract.
        assert!(unsafe { conversation.send(Style::AskHidden, b"Password: ") }.is_err());
    }

    #[test]
    fn long_and_odd_texts_pass() {
        let long = vec![b'x'; 100_000];
        let mut app = app(0, true, Some(&long));
        let answer = send(&mut app, Style::AskHidden, "a\0b").unwrap();
        assert_eq!(answer.len(), Secret::MAX_BYTES);
        assert_eq!(app.heard, [(1, "ab".to_owned())]);
    }
}
