//! What is wrong with a configuration, and where.

use super::texts::{LONGEST_CONTACT, LONGEST_SENTENCE};
use crate::excerpt::{FileError, words};
use core::fmt;
use std::io;

/// Why a configuration cannot be used.
pub(crate) type ConfigError = FileError<Fault>;

/// What is wrong.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The file cannot be read, or is not text.
    Unreadable(io::Error),
    /// Not TOML, a key that is not known or missing, or a value of another type.
    Toml(Box<toml::de::Error>),
    /// A number outside its bounds: least, most.
    Bounds(u32, u32),
    /// Not a NetBIOS name.
    ShortName,
    /// Not a DNS name.
    DnsName,
    /// Not an absolute path.
    Path,
    /// Not a template of a home directory.
    Home,
    HomeForm,
    /// More than this many of them.
    Homes(usize),
    /// Not one of these words.
    Choice(Vec<&'static str>),
    /// Not the full name of a domain controller, or one too many.
    Server,
    /// Not the name of a site.
    Site,
    /// TLS without anybody who may vouch for it.
    NoCa,
    /// With TLS the password goes to whoever has a certificate for a controller's name: the
    /// names must not come from the DNS.
    NoServers,
    /// Not a credential cache.
    Tickets,
    /// Not a length of time of an hour to so many days.
    Time(i64),
    /// Not words for whom to ask.
    Contact,
    /// Not the name or the symbol of a condition.
    Condition,
    /// Another key has a sentence for the same condition.
    SaidTwice,
    /// A condition on which nothing is said.
    Silent,
    /// A condition that is told without the daemon.
    Unasked,
    /// A condition that must not be told apart from a wrong password.
    AsLogonFailure,
    /// Not a sentence.
    Sentence,
    /// A brace without its other half.
    Brace,
    /// A place that this sentence cannot have; those that it can.
    Place(&'static [&'static str]),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "the configuration cannot be read: {error}"),
            Self::Toml(error) => f.write_str(&words(error)),
            Self::Bounds(least, most) => {
                write!(f, "expected a whole number from {least} to {most}")
            }
            Self::ShortName => f.write_str(
                "expected the domain's short (NetBIOS) name, such as \"CORP\": \
                 1 to 15 characters, no blank and no dot",
            ),
            Self::DnsName => {
                f.write_str("expected the domain's DNS name, such as \"corp.example\"")
            }
            Self::Path => f.write_str("expected a full path to a file, such as \"/bin/bash\""),
            Self::Home => f.write_str(
                "expected a full path with {user} in it, such as \"/home/{user}\"; \
                 no other braces and no colon",
            ),
            Self::HomeForm => f.write_str(
                "expected a full path with {user} in it, such as \"/home/{user}\", or \
                 \"/home/{initial}/{user}\" with folders by the first letters of names; \
                 no other braces and no colon",
            ),
            Self::Homes(most) => write!(f, "expected at most {most} forms of a home directory"),
            Self::Choice(choices) => {
                f.write_str("expected ")?;
                for (index, choice) in choices.iter().enumerate() {
                    let or = if index == 0 { "" } else { " or " };
                    write!(f, "{or}\"{choice}\"")?;
                }
                Ok(())
            }
            Self::Server => f.write_str(
                "expected the full name of a domain controller, such as \"dc1.corp.example\"; \
                 16 at most",
            ),
            Self::Site => f.write_str("expected the name of a site, or \"\""),
            Self::NoServers => f.write_str(
                "ldaps and starttls need servers, the full names of the domain controllers: the \
                 host's password goes to whoever has a certificate for one of them, and names \
                 from the DNS can be forged",
            ),
            Self::NoCa => f.write_str(
                "ldaps and starttls need ca, the file with the certificates of those who may \
                 vouch for a controller",
            ),
            Self::Tickets => f.write_str(
                "expected a credential cache with {uid} in it, such as \
                 \"FILE:/tmp/krb5cc_{uid}_XXXXXX\", \"KEYRING:persistent:{uid}\" or \"KCM:\"; \
                 or \"none\"",
            ),
            Self::Time(days) => write!(
                f,
                "expected a length of time from \"1h\" to \"{days}d\", or \"never\""
            ),
            Self::Contact => write!(
                f,
                "expected whom people are to ask, such as \"the help desk, ext. 4711\": \
                 one line of 1 to {LONGEST_CONTACT} characters, no braces"
            ),
            Self::Condition => f.write_str(
                "expected the name or the symbol of a condition, such as LogonTypeNotGranted \
                 or ERROR_LOGON_TYPE_NOT_GRANTED",
            ),
            Self::SaidTwice => f.write_str("there is already a sentence for this condition"),
            Self::Silent => f.write_str("nothing is said on this condition"),
            Self::Unasked => f.write_str(
                "this condition is told by the PAM module of itself, and so not in the \
                 site's words",
            ),
            Self::AsLogonFailure => f.write_str(
                "this condition is told in the words for LogonFailure: whoever tries names \
                 must not learn which exist",
            ),
            Self::Sentence => write!(
                f,
                "expected a sentence: one line of 1 to {LONGEST_SENTENCE} characters, \
                 without control characters"
            ),
            Self::Brace => f.write_str("a brace without its other half"),
            Self::Place(places) => {
                f.write_str("expected, in braces, only ")?;
                for (index, place) in places.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{{{place}}}")?;
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.fault {
            Fault::Unreadable(error) => Some(error),
            Fault::Toml(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
