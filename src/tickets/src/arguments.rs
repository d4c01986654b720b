//! The command line.

use crate::cache_name::CacheName;
use crate::error::Error;
use crate::person::Person;
use core::fmt;
use nix::unistd::{Gid, Uid};
use std::ffi::OsString;
use std::path::PathBuf;

/// The configuration that the daemon keeps, with the KDC of the moment in front.
const PROFILE: &str = "/run/domlogon/krb5.conf";

pub(crate) const HELP: &str = "\
domlogon-tickets: put a person's Kerberos tickets into a credential cache

Usage: domlogon-tickets store CACHE UID GID     Read credentials from stdin, and put them into CACHE.
                                                Prints the name of the cache.
       domlogon-tickets renew CACHE UID GID     Renew the ticket in CACHE for as long as stdin is open.
                                                Returns at once; a process of the user stays behind.
       domlogon-tickets destroy CACHE UID GID   Remove CACHE.

CACHE is FILE:/path, KEYRING:name or KCM:name. A path that ends with XXXXXX gets a unique name.
All is done as the user UID with the group GID alone. To be started by root.

  --profile PATH   use this Kerberos configuration in place of /run/domlogon/krb5.conf
  --help           show this
";

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Store,
    Renew,
    /// The process that `renew` leaves behind.
    Stay,
    Destroy,
}

/// A whole command line.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) verb: Verb,
    pub(crate) cache: CacheName,
    pub(crate) person: Person,
    pub(crate) profile: PathBuf,
    /// As given, for a second start.
    pub(crate) words: Vec<OsString>,
}

/// What is wrong with a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misuse {
    Verb,
    Count,
    Cache,
    Number,
    Text,
    Profile,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verb => "the first argument must be store, renew or destroy",
            Self::Count => "this needs a cache, a user id and a group id",
            Self::Cache => "the cache must be FILE:/path, KEYRING:name or KCM:name",
            Self::Number => "user and group must be numbers",
            Self::Text => "the arguments must be text",
            Self::Profile => "--profile needs an absolute path",
        })
    }
}

impl Verb {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "store" => Some(Self::Store),
            "renew" => Some(Self::Renew),
            "renew-stay" => Some(Self::Stay),
            "destroy" => Some(Self::Destroy),
            _ => None,
        }
    }
}

impl Arguments {
    /// Reads a command line; `None` is a call for help.
    pub(crate) fn parse(given: Vec<OsString>) -> Result<Option<Self>, Error> {
        let words = given
            .into_iter()
            .map(|word| word.into_string().map_err(|_| Error::Usage(Misuse::Text)))
            .collect::<Result<Vec<String>, Error>>()?;
        if words.iter().any(|word| word == "--help" || word == "-h") {
            return Ok(None);
        }
        Self::read(words).map(Some).map_err(Error::Usage)
    }

    fn read(words: Vec<String>) -> Result<Self, Misuse> {
        let (profile, rest) = match words.as_slice() {
            [option, path, rest @ ..] if option == "--profile" => (PathBuf::from(path), rest),
            all => (PathBuf::from(PROFILE), all),
        };
        if !profile.is_absolute() {
            return Err(Misuse::Profile);
        }
        let (verb, rest) = rest.split_first().ok_or(Misuse::Verb)?;
        let verb = Verb::parse(verb).ok_or(Misuse::Verb)?;
        let [cache, uid, gid] = rest else {
            return Err(Misuse::Count);
        };
        let cache = CacheName::parse(cache).ok_or(Misuse::Cache)?;
        let person = Person {
            uid: Uid::from_raw(number(uid)?),
            gid: Gid::from_raw(number(gid)?),
        };
        Ok(Self {
            verb,
            cache,
            person,
            profile,
            words: words.into_iter().map(Into::into).collect(),
        })
    }
}

/// An id. The highest number means "leave it" to the system calls, and is nobody's.
fn number(word: &str) -> Result<u32, Misuse> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    let number = word
        .parse()
        .ok()
        .filter(|&number| digits && number != u32::MAX);
    number.ok_or(Misuse::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, Misuse> {
        Arguments::read(line.split(' ').map(str::to_owned).collect())
    }

    #[test]
    fn good_lines() {
        let arguments = read("store FILE:/tmp/krb5cc_1000_XXXXXX 1000 1001").unwrap();
        assert_eq!(arguments.verb, Verb::Store);
        assert_eq!(arguments.person.uid.as_raw(), 1000);
        assert_eq!(arguments.person.gid.as_raw(), 1001);
        assert_eq!(arguments.profile, PathBuf::from(PROFILE));
        let arguments = read("--profile /x/krb5.conf destroy KCM: 1 1").unwrap();
        assert_eq!(arguments.profile, PathBuf::from("/x/krb5.conf"));
        assert!(
            Arguments::parse(vec!["store".into(), "--help".into()])
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn wrong_lines() {
        for (line, misuse) in [
            ("", Misuse::Verb),
            ("frob KCM: 1 1", Misuse::Verb),
            ("store KCM: 1", Misuse::Count),
            ("store KCM: 1 1 1", Misuse::Count),
            ("store MEMORY:x 1 1", Misuse::Cache),
            ("store KCM: -1 1", Misuse::Number),
            ("store KCM: +1 1", Misuse::Number),
            ("store KCM: 4294967295 1", Misuse::Number),
            ("store KCM: 1 4294967296", Misuse::Number),
            ("store KCM: 1 nobody", Misuse::Number),
            ("--profile krb5.conf store KCM: 1 1", Misuse::Profile),
        ] {
            assert_eq!(read(line).unwrap_err(), misuse, "{line}");
        }
    }
}
