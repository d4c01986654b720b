//! Trying a logon through the host's real libpam, as login or sshd would.
//!
//! The caller runs [`Trial::run`] in a process of its own: a module that crashes, hangs or
//! ends its process is what some trials are there to find.
//!
//! The C border is the module `border`; it is the only place with unsafe code.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod border;

use core::fmt;
use domlogon_protocol::Secret;
use serde::{Deserialize, Serialize};
use std::ffi::{CString, NulError};

/// PAM_SUCCESS
pub const SUCCESS: i32 = 0;
/// PAM_AUTH_ERR
pub const AUTH_ERR: i32 = 7;

/// What an application asks of libpam in one transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trial {
    /// The service: a file of /etc/pam.d.
    pub service: String,
    /// Who logs on.
    pub user: String,
    /// PAM_TTY, where the application sets one.
    pub tty: Option<String>,
    /// Which of libpam's functions is called.
    pub call: Call,
    /// What is typed at a prompt that hides it; without, the dialogue fails at the first prompt.
    pub password: Option<Secret>,
}

/// A function of libpam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// pam_authenticate
    Authenticate,
    /// pam_acct_mgmt
    Account,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the function returned: a PAM code.
    pub code: i32,
    /// libpam's words for the code.
    pub words: String,
    /// How often something was asked for.
    pub prompts: u32,
    /// What the modules said, the prompts left out.
    pub said: Vec<String>,
}

/// Why a trial could not be made at all.
#[derive(Debug)]
pub enum TrialError {
    /// A text with a zero byte, which no C string can hold.
    Text(NulError),
    /// pam_start or pam_set_item refused; its code.
    Start(i32),
}

impl fmt::Display for TrialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(error) => write!(f, "no text for libpam: {error}"),
            Self::Start(code) => write!(f, "libpam does not begin: code {code}"),
        }
    }
}

impl core::error::Error for TrialError {}

impl From<NulError> for TrialError {
    fn from(error: NulError) -> Self {
        Self::Text(error)
    }
}

impl Trial {
    /// Makes the call, and waits as long as the modules take. A failed one is not held up:
    /// the delay that modules ask for is left out.
    ///
    /// # Errors
    /// When libpam does not even begin. A refusal is an [`Outcome`].
    pub fn run(&self) -> Result<Outcome, TrialError> {
        let service = CString::new(self.service.as_str())?;
        let user = CString::new(self.user.as_str())?;
        let tty = self.tty.as_deref().map(CString::new).transpose()?;
        border::call(
            &service,
            &user,
            tty.as_deref(),
            self.call,
            self.password.as_ref(),
        )
    }
}

/// The conversation: what modules ask and say, answered without a person.
struct Talk<'a> {
    password: Option<&'a Secret>,
    prompts: u32,
    said: Vec<String>,
}

/// One message of a module.
enum Message {
    /// A prompt that hides what is typed.
    Hidden,
    /// A prompt that shows it.
    Shown,
    /// Something said.
    Said(String),
}

/// What the dialogue gives for a message.
enum Answer<'a> {
    /// A password.
    Typed(&'a Secret),
    /// Nothing, and none is wanted.
    Heard,
    /// Nobody is there to answer.
    Nobody,
}

/// Most messages that are kept: a module that talks without end must not fill the memory.
const MOST_SAID: usize = 32;

impl<'a> Talk<'a> {
    fn answer(&mut self, message: Message) -> Answer<'a> {
        match message {
            Message::Hidden => {
                self.prompts = self.prompts.saturating_add(1);
                // A module that asks again and again is not answered for ever.
                match self.password {
                    Some(password) if self.prompts <= 3 => Answer::Typed(password),
                    _ => Answer::Nobody,
                }
            }
            Message::Shown => {
                self.prompts = self.prompts.saturating_add(1);
                Answer::Nobody
            }
            Message::Said(text) => {
                if self.said.len() < MOST_SAID {
                    self.said.push(text);
                }
                Answer::Heard
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_a_zero_byte_is_no_trial() {
        let trial = Trial {
            service: "lo\0gin".to_owned(),
            user: "root".to_owned(),
            tty: None,
            call: Call::Account,
            password: None,
        };
        assert!(matches!(trial.run(), Err(TrialError::Text(_))));
    }

    #[test]
    fn an_unknown_user_is_refused_by_the_host() {
        let trial = Trial {
            service: "other".to_owned(),
            user: "domlogon-nobody-has-this".to_owned(),
            tty: None,
            call: Call::Authenticate,
            password: Some(Secret::new(b"wrong")),
        };
        let outcome = trial.run().unwrap();
        assert_ne!(outcome.code, SUCCESS, "{outcome:?}");
        assert!(!outcome.words.is_empty());
    }

    #[test]
    fn a_module_that_asks_on_is_left_alone() {
        let secret = Secret::new(b"x");
        let mut talk = Talk {
            password: Some(&secret),
            prompts: 0,
            said: Vec::new(),
        };
        for _ in 0..3 {
            assert!(matches!(talk.answer(Message::Hidden), Answer::Typed(_)));
        }
        assert!(matches!(talk.answer(Message::Hidden), Answer::Nobody));
        for _ in 0..100 {
            talk.answer(Message::Said("again".to_owned()));
        }
        assert_eq!(talk.said.len(), MOST_SAID);
    }
}
