//! /etc/domlogon/domlogon.toml: read, and edited in place as a person would: a line is
//! changed, or its `#` taken away or put there. Comments stay.

use super::error::JoinError;
use super::host::Host;
use super::{Choice, Done};
use crate::setup::SetupError;
use crate::setup::configuration::write;
use domlogon_ad::join::Joined;
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The configuration.
pub(super) const FILE: &str = "/etc/domlogon/domlogon.toml";

/// Where the daemon keeps its files, if the configuration says nothing else.
const STATE: &str = "/var/lib/domlogon";
const DATABASE: &str = "accounts.db";

/// What packages install: names that stand for nobody's.
const EXAMPLE: &str = include_str!("../../../../packaging/domlogon.toml");

/// The file as it was found.
#[derive(Debug)]
pub(super) struct Configuration {
    text: Option<String>,
    part: Part,
}

/// The part of the file that matters here; the daemon judges all of it.
#[derive(Debug, Default, Deserialize)]
struct Part {
    #[serde(default)]
    domain: Domain,
    #[serde(default)]
    accounts: Accounts,
    #[serde(default)]
    directory: Directory,
}

#[derive(Debug, Default, Deserialize)]
struct Domain {
    dns_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Accounts {
    database: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
struct Directory {
    #[serde(default)]
    servers: Vec<String>,
    site: Option<String>,
    rotate: Option<String>,
}

impl Configuration {
    pub(super) fn read(host: &Host) -> Result<Self, JoinError> {
        let path = host.at(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(JoinError::File(path, error)),
        };
        let part = match &text {
            Some(text) => toml::from_str(text).map_err(|_| JoinError::Unreadable)?,
            None => Part::default(),
        };
        Ok(Self { text, part })
    }

    /// The domain that somebody has chosen. The example's is nobody's choice.
    pub(super) fn dns_name(&self) -> Option<&str> {
        let is_example = self.text.as_deref() == Some(EXAMPLE);
        self.part.domain.dns_name.as_deref().filter(|_| !is_example)
    }

    /// Judges whether this host may become one of a domain.
    pub(super) fn may_be_for(&self, dns_name: &str, host: &Host) -> Result<(), JoinError> {
        let is_asked = |found: &str| found.eq_ignore_ascii_case(dns_name);
        match self.dns_name() {
            Some(found) if is_asked(found) => Ok(()),
            Some(found) => Err(JoinError::OtherDomain(
                found.to_owned(),
                dns_name.to_owned(),
            )),
            None if self.has_accounts(host)
                && !self.part.domain.dns_name.as_deref().is_some_and(is_asked) =>
            {
                Err(JoinError::HasDatabase(self.database(host)))
            }
            None => Ok(()),
        }
    }

    /// The daemon's folder.
    pub(super) fn state(&self, host: &Host) -> PathBuf {
        let database = self.database(host);
        database
            .parent()
            .map_or_else(|| host.at(STATE), Path::to_owned)
    }

    /// Whether this host has accounts of its own.
    pub(super) fn has_accounts(&self, host: &Host) -> bool {
        self.database(host).exists()
    }

    fn database(&self, host: &Host) -> PathBuf {
        let named = self
            .part
            .accounts
            .database
            .as_deref()
            .and_then(Path::to_str);
        match named {
            Some(path) => host.at(path),
            None => host.at(STATE).join(DATABASE),
        }
    }

    pub(super) fn servers_or(&self, asked: &[String]) -> Vec<String> {
        if asked.is_empty() {
            self.part.directory.servers.clone()
        } else {
            asked.to_vec()
        }
    }

    pub(super) fn site_or(&self, asked: Option<&str>) -> Option<String> {
        let written = self.part.directory.site.as_deref();
        let site = asked.or(written).filter(|site| !site.is_empty());
        site.map(str::to_owned)
    }

    /// How often the host's password is changed, as it is written.
    pub(super) fn rotate(&self) -> Option<&str> {
        self.part.directory.rotate.as_deref()
    }

    /// Names the domain and its directory.
    pub(super) fn join(
        &self,
        host: &Host,
        joined: &Joined,
        choice: &Choice,
        done: &mut Done,
    ) -> Result<(), JoinError> {
        let text = |text: &str| Value::from(text);
        let mut edit = Edit::new(self.text.as_deref().unwrap_or(EXAMPLE))?;
        edit.set("domain", "name", text(&joined.domain))?;
        edit.set("domain", "dns_name", text(&joined.dns_name))?;
        edit.set("domain", "backend", text("directory"))?;
        if !choice.servers.is_empty() {
            edit.set("directory", "servers", Value::from(choice.servers.clone()))?;
        }
        if let Some(site) = &choice.site {
            edit.set("directory", "site", text(site))?;
        }
        done.configuration_written = self.store(host, &edit)?;
        Ok(())
    }

    /// Leaves the directory; what was said of it beside the domain's own controllers stays.
    pub(super) fn leave(&self, host: &Host) -> Result<bool, JoinError> {
        match self.left()? {
            Some(edit) => self.store(host, &edit),
            None => Ok(false),
        }
    }

    /// Whether [`Self::leave`] could be done.
    pub(super) fn can_leave(&self) -> Result<(), JoinError> {
        self.left().map(drop)
    }

    fn left(&self) -> Result<Option<Edit>, JoinError> {
        let Some(text) = &self.text else {
            return Ok(None);
        };
        let mut edit = Edit::new(text)?;
        edit.leave()?;
        Ok(Some(edit))
    }

    fn store(&self, host: &Host, edit: &Edit) -> Result<bool, JoinError> {
        let text = edit.text();
        if self.text.as_deref() == Some(&text) {
            return Ok(false);
        }
        let path = host.at(FILE);
        write(&path, &text, self.text.as_deref()).map_err(|error| match error {
            SetupError::File(path, error) => JoinError::File(path, error),
            SetupError::ChangedMeanwhile => JoinError::ChangedMeanwhile,
            _ => JoinError::File(path, io::ErrorKind::InvalidInput.into()),
        })?;
        Ok(true)
    }
}

/// A text under edit, and what it must say in the end.
pub(super) struct Edit {
    lines: Vec<String>,
    meant: Table,
}

impl Edit {
    pub(super) fn new(text: &str) -> Result<Self, JoinError> {
        Ok(Self {
            lines: text.lines().map(str::to_owned).collect(),
            meant: toml::from_str(text).map_err(|_| JoinError::Unreadable)?,
        })
    }

    pub(super) fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }

    /// Takes back what was said of the domain's own controllers. LDAP in TLS takes their names
    /// out of the file: without those the file would be refused.
    pub(super) fn leave(&mut self) -> Result<(), JoinError> {
        self.unset("domain", "backend")?;
        if self.value("directory", "ldap") != Some(&Value::from("sealed")) {
            self.unset("directory", "ldap")?;
        }
        self.unset("directory", "servers")?;
        self.unset("directory", "site")
    }

    fn value(&self, section: &str, key: &str) -> Option<&Value> {
        self.meant.get(section)?.as_table()?.get(key)
    }

    pub(super) fn set(&mut self, section: &str, key: &str, value: Value) -> Result<(), JoinError> {
        if self.value(section, key) == Some(&value) {
            return Ok(());
        }
        let line = format!("{key} = {value}");
        let header = format!("[{section}]");
        let meant = self
            .meant
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()));
        let meant = meant.as_table_mut().ok_or(JoinError::Unreadable)?;
        meant.insert(key.to_owned(), value);
        match self.header(section) {
            None => self.lines.extend([String::new(), header, line]),
            Some(at) => {
                if let Some(found) = self.lines.get_mut(at) {
                    *found = header;
                }
                match self.key(at, key) {
                    Some((place, count)) => {
                        self.lines.splice(place..place + count, [line]);
                    }
                    None => self.lines.insert(at + 1, line),
                }
            }
        }
        self.check()
    }

    fn unset(&mut self, section: &str, key: &str) -> Result<(), JoinError> {
        if self.value(section, key).is_none() {
            return Ok(());
        }
        let found = self.header(section).and_then(|at| self.key(at, key));
        let (place, count) = found.ok_or(JoinError::Unreadable)?;
        for line in self.lines.iter_mut().skip(place).take(count) {
            *line = format!("#{line}");
        }
        if let Some(meant) = self.meant.get_mut(section).and_then(Value::as_table_mut) {
            meant.remove(key);
        }
        self.check()
    }

    /// The line that begins a section; one behind a `#` if there is no other.
    fn header(&self, section: &str) -> Option<usize> {
        let at = |wanted: String| self.lines.iter().position(|line| line.trim() == wanted);
        at(format!("[{section}]")).or_else(|| at(format!("#[{section}]")))
    }

    /// The lines of a key in the section that begins at `header`: the first, and how many.
    /// One behind a `#` if there is no other.
    fn key(&self, header: usize, key: &str) -> Option<(usize, usize)> {
        let behind = self.lines.iter().enumerate().skip(header + 1);
        let section = behind.take_while(|(_, line)| !is_header(line));
        let mut commented = None;
        for (at, line) in section {
            if is_key(line, key) {
                return Some((at, self.length(at)));
            }
            let bare = line.trim_start().strip_prefix('#');
            if commented.is_none() && bare.is_some_and(|bare| is_key(bare, key)) {
                commented = Some((at, 1));
            }
        }
        commented
    }

    /// How many lines a value takes: a list may go over several.
    fn length(&self, at: usize) -> usize {
        let mut depth = 0_i32;
        for (index, line) in self.lines.iter().skip(at).enumerate() {
            let code = line.split('#').next().unwrap_or_default();
            depth += code.chars().fold(0, |depth, c| match c {
                '[' => depth + 1,
                ']' => depth - 1,
                _ => depth,
            });
            if depth <= 0 {
                return index + 1;
            }
        }
        1
    }

    /// Whatever was there before, the text has to say what is meant and nothing else.
    fn check(&self) -> Result<(), JoinError> {
        let said: Table = toml::from_str(&self.text()).map_err(|_| JoinError::Unreadable)?;
        if said == self.meant {
            Ok(())
        } else {
            Err(JoinError::Unreadable)
        }
    }
}

fn is_key(line: &str, key: &str) -> bool {
    line.trim_start()
        .strip_prefix(key)
        .is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// A line that begins a section, also behind a `#`.
fn is_header(line: &str) -> bool {
    let line = line.trim();
    let bare = line.strip_prefix('#').unwrap_or(line);
    let name = bare
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    name.is_some_and(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    })
}

#[cfg(test)]
mod tests;
