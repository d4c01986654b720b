//! Where the accounts are, if not in the account database: `[directory]` of the configuration.

use super::error::Fault;
use super::{Wrong, is_dns_name, is_form_of_home, is_path, optional};
use domlogon_ad::{Channel, Naming, Offline, Scheme};
use domlogon_rules::durations::{self, Span};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

/// Most controllers that can be named.
const MOST_SERVERS: usize = 16;
/// Most forms of a home directory that can be named.
const MOST_HOMES: usize = 16;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// The bounds of `offline_age`, in days; beside `never`.
const LONGEST_AGE: i64 = 365;
/// The bounds of `rotate`, in days; beside `never`.
const LONGEST_ROTATION: i64 = 365;
/// The most that `offline_tries` may be.
pub(super) const MOST_TRIES: u32 = 100;

const DEFAULT_TICKETS: &str = "FILE:/tmp/krb5cc_{uid}_XXXXXX";
const DEFAULT_OFFLINE: i64 = 14 * DAY;
const DEFAULT_TRIES: u32 = 5;
const DEFAULT_ROTATION: i64 = 30 * DAY;

/// How the directory is used; everything but the names of the domain and of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) servers: Vec<String>,
    pub(crate) site: Option<String>,
    pub(crate) channel: Channel,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) ids: Scheme,
    pub(crate) homes: Vec<String>,
    pub(crate) names: Naming,
    pub(crate) sync: bool,
    pub(crate) tickets: Option<String>,
    pub(crate) rotate: Option<Duration>,
    pub(crate) offline: Offline,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section [directory]")]
pub(super) struct RawDirectory {
    /// Domain controllers by their full names; none: they are looked up in the DNS.
    servers: Option<Vec<Spanned<String>>>,
    /// The site whose controllers come first; "": the one that a controller says.
    site: Option<Spanned<String>>,
    /// How LDAP is protected.
    ldap: Option<Spanned<String>>,
    /// The certificates of those who may vouch for a controller's TLS; "": none.
    ca: Option<Spanned<String>>,
    /// Where user and group ids come from.
    ids: Option<Spanned<String>>,
    /// Forms of a home directory that the directory may give, beside that of `[accounts]`.
    homes: Option<Vec<Spanned<String>>>,
    /// How names are written.
    names: Option<Spanned<String>>,
    /// Whether everybody is kept known, and listed.
    sync: Option<bool>,
    /// The credential cache for tickets.
    tickets: Option<Spanned<String>>,
    /// After how long the machine's own password is changed.
    rotate: Option<Spanned<String>>,
    /// How long after a logon at a controller one without is possible.
    offline_age: Option<Spanned<String>>,
    /// Wrong passwords while offline until a person must wait.
    offline_tries: Option<Spanned<super::Whole>>,
}

impl RawDirectory {
    /// `base` is that of `[ids]`, for the plain scheme.
    pub(super) fn judge(self, base: u32) -> Result<Options, Wrong> {
        let channel_place = self.ldap.as_ref().map(Spanned::span).unwrap_or_default();
        let channel = choice(self.ldap, CHANNELS)?;
        let ca = optional(self.ca, "", |ca| ca.is_empty() || is_path(ca), Fault::Path)?;
        if ca.is_empty() && channel != Channel::Sealed {
            return Err(Wrong::new(channel_place, Fault::NoCa));
        }
        let servers = servers(self.servers)?;
        if servers.is_empty() && channel != Channel::Sealed {
            return Err(Wrong::new(channel_place, Fault::NoServers));
        }
        let site = optional(
            self.site,
            "",
            |site| site.len() <= 63 && !site.contains(['.', '"']),
            Fault::Site,
        )?;
        let tickets = optional(self.tickets, DEFAULT_TICKETS, is_cache, Fault::Tickets)?;
        let ids = match choice(self.ids, SCHEMES)? {
            Scheme::Rid { .. } => Scheme::Rid { base },
            other => other,
        };
        Ok(Options {
            servers,
            site: Some(site).filter(|site| !site.is_empty()),
            channel,
            ca: Some(ca).filter(|ca| !ca.is_empty()).map(PathBuf::from),
            ids,
            homes: homes(self.homes)?,
            names: choice(self.names, NAMINGS)?,
            sync: self.sync.unwrap_or(false),
            tickets: Some(tickets).filter(|tickets| tickets != "none"),
            rotate: seconds(self.rotate, DEFAULT_ROTATION, LONGEST_ROTATION)?
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map(Duration::from_secs),
            offline: Offline {
                age: seconds(self.offline_age, DEFAULT_OFFLINE, LONGEST_AGE)?.unwrap_or(0),
                tries: super::number(self.offline_tries, DEFAULT_TRIES, 1, MOST_TRIES)?,
            },
        })
    }
}

/// The words for a value, the default first.
pub(super) type Choices<T> = &'static [(&'static str, T)];

const CHANNELS: Choices<Channel> = &[
    ("sealed", Channel::Sealed),
    ("ldaps", Channel::Ldaps),
    ("starttls", Channel::StartTls),
];
const SCHEMES: Choices<Scheme> = &[
    ("sid", Scheme::Sid),
    ("rid", Scheme::Rid { base: 0 }),
    ("rfc2307", Scheme::Rfc2307),
];
const NAMINGS: Choices<Naming> = &[("short", Naming::Short), ("qualified", Naming::Qualified)];

/// Whether the accounts are in the directory.
pub(super) fn is_used(backend: Option<Spanned<String>>) -> Result<bool, Wrong> {
    choice(backend, &[("accounts", false), ("directory", true)])
}

/// The one that is named, or the first.
pub(super) fn choice<T: Copy>(
    given: Option<Spanned<String>>,
    choices: Choices<T>,
) -> Result<T, Wrong> {
    let first = choices.first().map(|(_, value)| *value);
    let span = given.as_ref().map(Spanned::span).unwrap_or_default();
    let chosen = match given {
        None => first,
        Some(given) => {
            let word = given.into_inner();
            let mut found = choices.iter().filter(|(known, _)| *known == word);
            found.next().map(|(_, value)| *value)
        }
    };
    chosen.ok_or_else(|| {
        let words = choices.iter().map(|(word, _)| *word).collect();
        Wrong::new(span, Fault::Choice(words))
    })
}

fn servers(given: Option<Vec<Spanned<String>>>) -> Result<Vec<String>, Wrong> {
    let given = given.unwrap_or_default();
    if let Some(surplus) = given.get(MOST_SERVERS) {
        return Err(Wrong::new(surplus.span(), Fault::Server));
    }
    given
        .into_iter()
        .map(|server| {
            super::text(
                server,
                |name| name.contains('.') && is_dns_name(name),
                Fault::Server,
            )
        })
        .collect()
}

fn homes(given: Option<Vec<Spanned<String>>>) -> Result<Vec<String>, Wrong> {
    let given = given.unwrap_or_default();
    if let Some(surplus) = given.get(MOST_HOMES) {
        return Err(Wrong::new(surplus.span(), Fault::Homes(MOST_HOMES)));
    }
    let form = |form| super::text(form, is_form_of_home, Fault::HomeForm);
    given.into_iter().map(form).collect()
}

/// A length of time in whole seconds; `None` for never.
fn seconds(given: Option<Spanned<String>>, default: i64, days: i64) -> Result<Option<i64>, Wrong> {
    let Some(given) = given else {
        return Ok(Some(default));
    };
    let span = given.span();
    match durations::parse(given.get_ref()) {
        Ok(Span::Never) => Ok(None),
        Ok(Span::Seconds(seconds)) if (3600..=days * DAY).contains(&seconds) => Ok(Some(seconds)),
        _ => Err(Wrong::new(span, Fault::Time(days))),
    }
}

fn is_cache(text: &str) -> bool {
    let plain = !text.contains(char::is_control) && !text.replace("{uid}", "").contains(['{', '}']);
    let known = text == "none"
        || text
            .strip_prefix("FILE:")
            .is_some_and(|path| path.starts_with('/') && path.len() > 1)
        || text
            .strip_prefix("KEYRING:")
            .is_some_and(|rest| !rest.is_empty())
        || text.starts_with("KCM:");
    // Without the id, all people would share one.
    plain && known && (text == "none" || text.contains("{uid}") || text == "KCM:")
}
