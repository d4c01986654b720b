//! The configuration: as written (`Raw`), and as used (`Config`, whose values cannot be wrong).
//!
//! Each option is here once: its sentence at its field of `Raw`, its default and its
//! bounds in the function that makes a `Config` of it.

mod directory;
mod error;
pub(crate) mod fuzzed;
mod texts;

pub(crate) use directory::Options;
pub(crate) use error::ConfigError;
pub(crate) use texts::Texts;

use crate::confine::Confinement;
use directory::{RawDirectory, choice};
use domlogon_protocol::{LOWEST_ID, UserName};
use error::Fault;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use texts::RawTexts;
use toml::Spanned;

/// The highest `base`: systemd and the kernel's own interfaces are not safe with ids of
/// 2^31 and above, and this leaves more than a hundred million below it.
const HIGHEST_BASE: u32 = 2_000_000_000;

/// Above the ranges that systemd and useradd give to containers and to subordinate ids.
const DEFAULT_BASE: u32 = 1_900_000_000;

const DEFAULT_DATABASE: &str = "/var/lib/domlogon/accounts.db";
const DEFAULT_HOME: &str = "/home/{user}";
const DEFAULT_SHELL: &str = "/bin/bash";

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The domain's short (NetBIOS) name.
    pub(crate) name: String,
    /// The domain's DNS name.
    pub(crate) dns_name: String,
    /// A new account's or group's id is this and its RID.
    pub(crate) base: u32,
    /// No id below this is given out or answered for; never below [`LOWEST_ID`].
    pub(crate) minimum: u32,
    /// The account database.
    pub(crate) database: PathBuf,
    /// The home directory of a new account, with `{user}` in it.
    pub(crate) home: String,
    /// The login shell of a new account.
    pub(crate) shell: String,
    /// How the directory is used, if the accounts are there and not in the database.
    pub(crate) directory: Option<Options>,
    /// The site's own words.
    pub(crate) texts: Texts,
    /// Whether the daemon gives up what it does not need.
    pub(crate) confinement: Confinement,
}

impl Config {
    /// Reads and judges a file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file, the place and what was expected.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) => Err(ConfigError::whole_file(path, Fault::Unreadable(error))),
        }
    }

    /// The configuration after a reload: all of `new` but what the open database and the
    /// names given to people hang on, and the words for what of that waits for a restart.
    pub(crate) fn reloaded(&self, new: Self) -> (Self, Vec<&'static str>) {
        // The directory takes them once, when it is opened.
        let is_directory = self.directory.is_some();
        let waiting = [
            ("domain.name", self.name != new.name),
            ("domain.dns_name", self.dns_name != new.dns_name),
            ("accounts.database", self.database != new.database),
            (
                "domain.backend",
                self.directory.is_some() != new.directory.is_some(),
            ),
            ("ids.minimum", is_directory && self.minimum != new.minimum),
            ("accounts.home", is_directory && self.home != new.home),
            ("accounts.shell", is_directory && self.shell != new.shell),
            (
                "[directory]",
                is_directory && new.directory.is_some() && self.directory != new.directory,
            ),
            ("daemon.confine", self.confinement != new.confinement),
        ];
        let mut config = Self {
            name: self.name.clone(),
            dns_name: self.dns_name.clone(),
            database: self.database.clone(),
            directory: self.directory.clone(),
            confinement: self.confinement,
            ..new
        };
        if is_directory {
            config.minimum = self.minimum;
            config.home.clone_from(&self.home);
            config.shell.clone_from(&self.shell);
        }
        let changed = waiting.into_iter().filter(|(_, changed)| *changed);
        (config, changed.map(|(option, _)| option).collect())
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let span = error.span();
            ConfigError::at(path, text, span, Fault::Toml(Box::new(error)))
        })?;
        raw.judge()
            .map_err(|wrong| ConfigError::at(path, text, Some(wrong.place(text)), wrong.fault))
    }
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "sections such as [domain]")]
struct Raw {
    domain: RawDomain,
    #[serde(default)]
    ids: RawIds,
    #[serde(default)]
    accounts: RawAccounts,
    #[serde(default)]
    directory: RawDirectory,
    #[serde(default)]
    texts: RawTexts,
    #[serde(default)]
    daemon: RawDaemon,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section [domain]")]
struct RawDomain {
    /// The domain's short name: at most 15 characters, such as CORP.
    name: Spanned<String>,
    /// The domain's DNS name, such as corp.example.
    dns_name: Spanned<String>,
    /// Where the accounts are: "accounts" or "directory".
    backend: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section [ids]")]
struct RawIds {
    /// A new account's or group's id is this number and its RID.
    base: Option<Spanned<Whole>>,
    /// No id below this is given out or answered for.
    minimum: Option<Spanned<Whole>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section [accounts]")]
struct RawAccounts {
    /// The account database, made at the first start.
    database: Option<Spanned<String>>,
    /// The home directory of a new account; {user} is its name.
    home: Option<Spanned<String>>,
    /// The login shell of a new account.
    shell: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section [daemon]")]
struct RawDaemon {
    /// Whether the daemon gives up what it does not need.
    confine: Option<Spanned<String>>,
}

/// The words for a confinement, the default first.
const CONFINEMENTS: directory::Choices<Confinement> = &[
    ("enforce", Confinement::Enforce),
    ("log", Confinement::Log),
    ("off", Confinement::Off),
];

/// A value that is well written and still wrong.
struct Wrong {
    span: Range<usize>,
    /// Which part of it, if not all.
    within: Option<String>,
    fault: Fault,
}

impl Wrong {
    const fn new(span: Range<usize>, fault: Fault) -> Self {
        Self {
            span,
            within: None,
            fault,
        }
    }

    /// The narrowest place in the file that is known. A part that is written with escapes
    /// is not found, and the whole value is named.
    fn place(&self, text: &str) -> Range<usize> {
        let part = self.within.as_deref().filter(|part| !part.is_empty());
        let found = part
            .zip(text.get(self.span.clone()))
            .and_then(|(part, whole)| {
                let start = self.span.start + whole.find(part)?;
                Some(start..start + part.len())
            });
        found.unwrap_or_else(|| self.span.clone())
    }
}

impl Raw {
    fn judge(self) -> Result<Config, Wrong> {
        let minimum = number(self.ids.minimum, LOWEST_ID, LOWEST_ID, HIGHEST_BASE)?;
        let base = number(self.ids.base, DEFAULT_BASE, minimum, HIGHEST_BASE)?;
        // Judged whether or not it is used: what waits there should be right.
        let directory = self.directory.judge(base)?;
        let used = directory::is_used(self.domain.backend)?;
        Ok(Config {
            name: text(self.domain.name, is_short_name, Fault::ShortName)?,
            dns_name: text(self.domain.dns_name, is_dns_name, Fault::DnsName)?,
            base,
            minimum,
            database: optional(
                self.accounts.database,
                DEFAULT_DATABASE,
                is_path,
                Fault::Path,
            )?
            .into(),
            home: optional(self.accounts.home, DEFAULT_HOME, is_home, Fault::Home)?,
            shell: optional(
                self.accounts.shell,
                DEFAULT_SHELL,
                is_field_path,
                Fault::Path,
            )?,
            directory: used.then_some(directory),
            texts: self.texts.judge()?,
            confinement: choice(self.daemon.confine, CONFINEMENTS)?,
        })
    }
}

fn number(
    given: Option<Spanned<Whole>>,
    default: u32,
    least: u32,
    most: u32,
) -> Result<u32, Wrong> {
    let Some(given) = given else {
        return Ok(default.clamp(least, most));
    };
    let span = given.span();
    u32::try_from(given.into_inner().0)
        .ok()
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| Wrong::new(span, Fault::Bounds(least, most)))
}

fn optional(
    given: Option<Spanned<String>>,
    default: &str,
    is_right: fn(&str) -> bool,
    fault: Fault,
) -> Result<String, Wrong> {
    match given {
        Some(given) => text(given, is_right, fault),
        None => Ok(default.to_owned()),
    }
}

fn text(given: Spanned<String>, is_right: fn(&str) -> bool, fault: Fault) -> Result<String, Wrong> {
    let span = given.span();
    let value = given.into_inner();
    if is_right(&value) {
        Ok(value)
    } else {
        Err(Wrong::new(span, fault))
    }
}

/// A NetBIOS name that is also the part before the backslash of a user name.
fn is_short_name(name: &str) -> bool {
    (1..=15).contains(&name.chars().count())
        && !name.contains('.')
        && !name.contains(char::is_whitespace)
        && UserName::parse(format!("{name}\\x").as_bytes()).is_ok()
}

/// Labels of letters, digits, hyphens and underscores (which Windows admits).
fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path.ends_with('/') && !path.contains(char::is_control)
}

/// A path that a field of a passwd line can hold.
fn is_field_path(path: &str) -> bool {
    is_path(path) && !path.contains(':')
}

fn is_home(home: &str) -> bool {
    // Without the name in it, all accounts would share one home.
    is_field_path(home)
        && home.contains("{user}")
        && !home.replace("{user}", "").contains(['{', '}'])
}

/// A form of a home, where folders may be the first letters of names.
fn is_form_of_home(form: &str) -> bool {
    let folders: Vec<&str> = form
        .split('/')
        .filter(|part| *part != "{initial}")
        .collect();
    is_home(&folders.join("/"))
}

/// A whole number; says so when it gets something else.
#[derive(Debug)]
struct Whole(i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Whole;
            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Whole, E> {
                Ok(Whole(value))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Whole, E> {
                i64::try_from(value)
                    .map(Whole)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }
        }
        deserializer.deserialize_i64(Number)
    }
}

#[cfg(test)]
mod manual;
#[cfg(test)]
mod tests;
