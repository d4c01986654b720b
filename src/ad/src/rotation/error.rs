//! Why the host's password could not be changed.

use crate::machine::MachineError;
use core::fmt;
use domlogon_krb5 as krb5;

/// Why the host's password could not be changed, or what of a change is not done yet. The host
/// is let in as before.
#[derive(Debug)]
pub enum RotationError {
    /// The host's own file could not be read or written.
    Machine(MachineError),
    /// The controller could not be asked, or did not let the host in.
    Kerberos(krb5::Error),
    /// The controller does not take the new password [RFC 3244 2].
    Refused {
        /// Its result code.
        code: u16,
        /// Its own words.
        text: Option<String>,
    },
    /// The controller took it; what came after that failed, and is tried again.
    Changed(Box<Self>),
}

impl RotationError {
    /// This one, after the controller took the password.
    pub(super) fn afterwards(self) -> Self {
        Self::Changed(Box::new(self))
    }
}

impl From<MachineError> for RotationError {
    fn from(error: MachineError) -> Self {
        Self::Machine(error)
    }
}

impl From<krb5::Error> for RotationError {
    fn from(error: krb5::Error) -> Self {
        Self::Kerberos(error)
    }
}

impl fmt::Display for RotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, why) = match self {
            Self::Changed(error) => (
                "was changed, but not all that follows is done, and it is tried again",
                &**error,
            ),
            // Of a refusal that somebody has put in the place of the answer nobody can tell.
            Self::Refused { .. } => ("may not have been changed", self),
            _ => ("was not changed", self),
        };
        write!(f, "the password of this host {what}: ")?;
        match why {
            Self::Changed(error) => error.fmt(f),
            Self::Machine(error) => error.fmt(f),
            Self::Kerberos(error) => error.fmt(f),
            Self::Refused { code, text } => {
                write!(f, "the domain controller refused it (kpasswd {code}")?;
                if let Some(text) = text {
                    write!(f, ": {text}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl core::error::Error for RotationError {}
