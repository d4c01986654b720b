//! An account of the domain for the time of the proofs, with a password that nobody knows.

use super::super::error::EnableError;
use crate::daemon::Daemon;
use crate::error::Error;
use domlogon_protocol::Secret;
use domlogon_protocol::admin::{AdminError, NewUser, Reply, Request, UserChanges};
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long the daemon may need to make an account.
const LATE: Duration = Duration::from_secs(3);

/// The account. To be dismissed in the end.
pub(crate) struct Guest<'a> {
    daemon: &'a Daemon,
    pub(crate) name: String,
    pub(crate) password: Secret,
}

/// A name that no account has, of random letters.
pub(crate) fn random_name() -> Result<String, EnableError> {
    Ok(format!("proof-{}", letters(8, LOWER)?.as_str()))
}

const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
const ALL: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789+-=.:%";

impl<'a> Guest<'a> {
    /// Makes the account.
    pub(crate) fn make(daemon: &'a Daemon, name: &str) -> Result<Self, EnableError> {
        let length = match ask(daemon, Request::PolicyShow)? {
            Reply::Policy(policy) => policy.min_length.max(32).min(policy.max_length),
            _ => return Err(other()),
        };
        // One of each kind first: the rest is chance.
        let chance = usize::try_from(length).unwrap_or(0).saturating_sub(4);
        let text = Zeroizing::new(format!("Rq7+{}", letters(chance, ALL)?.as_str()));
        let password = Secret::new(text.as_bytes());
        let new = NewUser {
            name: name.to_owned(),
            // No part of it may be in the password: so a long word.
            full_name: Some("domlogon".to_owned()),
            uid: None,
            home: None,
            shell: None,
            must_change: false,
            password: Some(password.clone()),
        };
        ask(daemon, Request::UserAdd(Box::new(new)))?;
        Ok(Self {
            daemon,
            name: name.to_owned(),
            password,
        })
    }

    /// Deletes it; whether that could be done.
    pub(crate) fn dismiss(self) -> bool {
        delete(self.daemon, &self.name).is_ok()
    }

    /// Disables it.
    pub(crate) fn disable(&self) -> Result<(), EnableError> {
        let changes = UserChanges {
            disabled: Some(true),
            ..UserChanges::default()
        };
        let request = Request::UserSet {
            name: self.name.clone(),
            changes: Box::new(changes),
            force: false,
        };
        ask(self.daemon, request).map(drop)
    }
}

/// Deletes the account of a command that was cut off. The daemon may still be making it: it
/// is looked for a while. Gives whether it is gone for certain.
pub(crate) fn forget_late(daemon: &Daemon, name: &str) -> bool {
    let end = Instant::now() + LATE;
    loop {
        match delete(daemon, name) {
            Ok(()) => return true,
            Err(Error::Refused(refused))
                if matches!(*refused, AdminError::NoSuchUser(_)) && Instant::now() < end =>
            {
                thread::sleep(Duration::from_millis(200));
            }
            Err(Error::Refused(refused)) => {
                return matches!(*refused, AdminError::NoSuchUser(_));
            }
            Err(_) => return false,
        }
    }
}

fn delete(daemon: &Daemon, name: &str) -> Result<(), Error> {
    let request = Request::UserDelete {
        name: name.to_owned(),
        force: false,
    };
    daemon.ask(request).map(drop)
}

fn ask(daemon: &Daemon, request: Request) -> Result<Reply, EnableError> {
    daemon
        .ask(request)
        .map_err(|error| EnableError::Daemon(Box::new(error)))
}

fn other() -> EnableError {
    EnableError::Daemon(Box::new(Error::OtherReply))
}

/// Random letters of an alphabet of at most 64; a byte gives the same chance to each.
fn letters(count: usize, alphabet: &[u8]) -> Result<Zeroizing<String>, EnableError> {
    let mut text = Zeroizing::new(String::with_capacity(count));
    let mut byte = [0u8];
    while text.len() < count {
        getrandom::fill(&mut byte).map_err(|error| {
            EnableError::File("/dev/urandom".into(), io::Error::other(error.to_string()))
        })?;
        // Above the alphabet: drawn again.
        if let Some(letter) = alphabet.get(usize::from(byte[0] & 63)) {
            text.push(char::from(*letter));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_letters() {
        let (one, other) = (random_name().unwrap(), random_name().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 14);
        let long = letters(1000, ALL).unwrap();
        assert!(long.len() == 1000 && ALL.len() <= 64);
        assert!(ALL.iter().all(|letter| long.contains(char::from(*letter))));
    }
}
