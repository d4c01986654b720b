//! Why a host could not be joined, asked about, or taken out; and what was left behind.

use super::Place;
use crate::dns::DnsError;
use crate::ldap::LdapError;
use crate::machine::{LONGEST_NAME, MachineError};
use crate::rotation::RotationError;
use core::fmt::{self, Write};
use domlogon_krb5::{self as krb5, code};
use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// NTSTATUS beside KDC_ERR_CLIENT_REVOKED and KDC_ERR_KEY_EXPIRED.
const DISABLED: u32 = 0xC000_0072;
const ACCOUNT_EXPIRED: u32 = 0xC000_0193;
const HOURS: u32 = 0xC000_006F;

/// Why a host could not be joined or taken out.
#[derive(Debug)]
pub struct JoinError {
    /// The cause.
    pub why: Box<Why>,
    /// What is left of the attempt.
    pub left: Left,
}

/// What an attempt has left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: nothing was changed, or all of it was taken back.
    Nothing,
    /// The account is there, or may be, and its password is written down here. The same
    /// command goes on from there.
    Account,
}

/// A cause.
#[derive(Debug)]
pub enum Why {
    /// The name of the computer's account is too long.
    LongName(String),
    /// Not a name that a computer's account can have.
    BadName(String),
    /// Not the name of a domain.
    BadRealm(String),
    /// Not the full name of a host.
    BadHost(String),
    /// The user is not of this domain.
    OtherDomain(String),
    /// No controllers were found.
    Dns(DnsError),
    /// A controller could not be reached, or broke off.
    Unreachable(String, io::Error),
    /// LDAP with a controller broke off.
    Lost(String, LdapError),
    /// This controller takes no changes, and no other was found.
    ReadOnly(String),
    /// The ticket for the LDAP of this one is not that of a writable controller.
    NoMark(String),
    /// There was no time for any controller.
    NoTime,
    /// The clocks differ: the controller, and the seconds that this host's is ahead.
    Skew(String, Option<i64>),
    /// Wrong user or password.
    Password,
    /// The account that logs on cannot: in words.
    Unusable(Unusable),
    /// Kerberos failed.
    Kerberos(krb5::Error),
    /// LDAP failed.
    Ldap(LdapError),
    /// The domain's own name in the directory is another one.
    OtherName(String),
    /// No organizational unit of this name.
    NoSuchUnit(String),
    /// No right to make a computer there.
    NoRight(String),
    /// No right to change this account.
    NoRightTo(String),
    /// The user has made as many computers as the domain permits.
    Quota,
    /// Something else has the name of the entry.
    Taken(String),
    /// Another host may be using the account: its entry, and the host.
    Exists(String, Option<String>),
    /// Another user has made the account by the right that everybody has: its entry, and the user.
    MadeBy(String, String),
    /// The account is a domain controller's.
    IsController(String),
    /// The account is a user's, not a computer's.
    IsNoComputer(String),
    /// There is no account that was made in advance.
    NotPrepared(String),
    /// The password service does not take the new password.
    Refused(u16, Option<String>),
    /// The host is joined already: to this realm, as this account.
    JoinedTo(String, String),
    /// The controller's ticket for this host does not open with its new key.
    NotVerified(krb5::Error),
    /// The host's own file.
    Machine(MachineError),
    /// A file could not be written.
    File(PathBuf, io::Error),
    /// The domain does not let the host in with its password.
    Unknown,
}

/// Why an account cannot log on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is disabled.
    Disabled,
    /// It has expired.
    Expired,
    /// It may not log on at this hour.
    Hours,
    /// It is locked, most likely: no reason was given.
    Locked,
    /// Its password has expired or must be changed.
    PasswordExpired,
}

impl Why {
    pub(super) const fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(..) | Self::Lost(..) | Self::ReadOnly(_) | Self::NoMark(_)
        )
    }

    /// What a failed logon at a controller means.
    pub(super) fn of_log_on(server: &str, error: krb5::Error) -> Self {
        if error.is_skew() {
            let theirs = error.kdc().and_then(|kdc| kdc.server_time);
            let ahead = theirs.map(|theirs| unix_time().saturating_sub(theirs));
            return Self::Skew(server.to_owned(), ahead);
        }
        match error {
            krb5::Error::Transport(error) => Self::Unreachable(server.to_owned(), error),
            krb5::Error::Kdc(kdc) => match kdc.code {
                code::CLIENT_UNKNOWN | code::PREAUTH_FAILED | code::BAD_INTEGRITY => Self::Password,
                code::KEY_EXPIRED => Self::Unusable(Unusable::PasswordExpired),
                code::CLIENT_REVOKED => Self::Unusable(match kdc.ntstatus {
                    Some(DISABLED) => Unusable::Disabled,
                    Some(ACCOUNT_EXPIRED) => Unusable::Expired,
                    Some(HOURS) => Unusable::Hours,
                    _ => Unusable::Locked,
                }),
                _ => Self::Kerberos(krb5::Error::Kdc(kdc)),
            },
            error => Self::Kerberos(error),
        }
    }

    /// The cause, where nothing is left behind.
    pub(super) fn and_nothing_left(self) -> JoinError {
        JoinError {
            why: Box::new(self),
            left: Left::Nothing,
        }
    }

    /// The cause, where the account is left.
    pub(super) fn and_account_left(self) -> JoinError {
        JoinError {
            why: Box::new(self),
            left: Left::Account,
        }
    }

    /// A short name for programs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::LongName(_) => "name_too_long",
            Self::BadName(_) | Self::BadHost(_) => "bad_name",
            Self::BadRealm(_) => "bad_domain",
            Self::OtherDomain(_) => "other_domain",
            Self::Dns(_) => "no_controllers",
            Self::Unreachable(..) | Self::Lost(..) | Self::NoTime => "unreachable",
            Self::ReadOnly(_) => "read_only",
            Self::NoMark(_) => "no_controller",
            Self::Skew(..) => "clock",
            Self::Password => "wrong_password",
            Self::Unusable(_) => "account_unusable",
            Self::Kerberos(_) => "kerberos",
            Self::Ldap(_) => "ldap",
            Self::OtherName(_) => "other_name",
            Self::NoSuchUnit(_) => "no_such_ou",
            Self::NoRight(_) | Self::NoRightTo(_) => "not_allowed",
            Self::Quota => "quota",
            Self::Taken(_) | Self::Exists(..) | Self::MadeBy(..) => "account_exists",
            Self::IsController(_) => "domain_controller",
            Self::IsNoComputer(_) => "no_computer",
            Self::NotPrepared(_) => "not_prepared",
            Self::Refused(..) => "password_refused",
            Self::JoinedTo(..) => "joined_already",
            Self::NotVerified(_) => "not_verified",
            Self::Machine(MachineError::NotJoined(_)) => "not_joined",
            Self::Machine(_) => "machine_file",
            Self::File(..) => "file",
            Self::Unknown => "unknown_host",
        }
    }

    /// Whether the domain has answered, and the answer is no.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::Dns(_)
                | Self::Unreachable(..)
                | Self::Lost(..)
                | Self::NoTime
                | Self::ReadOnly(_)
                | Self::NoMark(_)
                | Self::Kerberos(_)
                | Self::Ldap(_)
                | Self::Machine(_)
                | Self::File(..)
        )
    }
}

impl From<MachineError> for Why {
    fn from(error: MachineError) -> Self {
        Self::Machine(error)
    }
}

impl From<LdapError> for Why {
    fn from(error: LdapError) -> Self {
        Self::Ldap(error)
    }
}

impl From<RotationError> for Why {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::Machine(error) => Self::Machine(error),
            RotationError::Kerberos(error) => Self::Kerberos(error),
            RotationError::Refused { code, text } => Self::Refused(code, text),
            RotationError::Changed(error) => Self::from(*error),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)?;
        match self.left {
            Left::Nothing => f.write_str("\nNothing is left of the attempt."),
            Left::Account => f.write_str(
                "\nThe account of this host may be in the directory already, and its password \
                 is kept here. Say the same command again: it goes on from there.",
            ),
        }
    }
}

impl core::error::Error for JoinError {}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Visible(f).write_fmt(format_args!("{}", Raw(self)))
    }
}

/// Lets nothing through that would move what is shown: whoever made a name of the directory may
/// have put there what he likes.
struct Visible<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Visible<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars()
            .map(|c| if c.is_control() { '?' } else { c })
            .try_for_each(|c| self.0.write_char(c))
    }
}

struct Raw<'a>(&'a Why);

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.say(f)
    }
}

impl Why {
    /// With the names in it as they are.
    fn say(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LongName(name) => write!(
                f,
                "The name {name} is too long for the account of a computer: it may have \
                 {LONGEST_NAME} characters. Give the account another one: --name NAME. The \
                 host keeps its own."
            ),
            Self::BadName(name) => write!(
                f,
                "{name:?} cannot be the name of a computer: letters, digits and hyphens. \
                 Give the account another one: --name NAME"
            ),
            Self::BadHost(name) => write!(
                f,
                "{name:?} cannot be the full name of a host. Change the name of this host: \
                 hostnamectl set-hostname NAME"
            ),
            Self::BadRealm(name) => write!(
                f,
                "{name:?} cannot be the name of a domain. It is its DNS name, such as CORP.EXAMPLE."
            ),
            Self::OtherDomain(user) => write!(
                f,
                "{user} is not a user of the domain to join. Give one of its own, by the name \
                 alone: --user NAME"
            ),
            Self::Dns(error) => write!(f, "{error}"),
            Self::Unreachable(server, error) => write!(
                f,
                "The domain controller {server} does not answer: {error}. Ports 88, 389 and 464 \
                 (TCP) must be open to it. Another one can be named: --server NAME"
            ),
            Self::Lost(server, error) => write!(
                f,
                "The domain controller {server} could not be asked: {error}. Another one can be \
                 named: --server NAME"
            ),
            Self::ReadOnly(server) => write!(
                f,
                "{server} is a read-only domain controller, and no other was found. Name one \
                 that takes changes: --server NAME"
            ),
            Self::NoMark(server) => write!(
                f,
                "{server} is a read-only domain controller, or none at all: its account is not \
                 trusted for delegation, as those of all writable ones are. Name one that takes \
                 changes: --server NAME"
            ),
            Self::NoTime => f.write_str("No domain controller answered in time."),
            Self::Skew(server, ahead) => {
                write!(f, "The clocks of this host and of {server} differ too much")?;
                match ahead {
                    Some(ahead @ 0..) => write!(f, ": this one is {ahead} s ahead")?,
                    Some(behind) => write!(f, ": this one is {} s behind", behind.unsigned_abs())?,
                    None => {}
                }
                f.write_str(". Set the clock: timedatectl set-ntp true")
            }
            Self::Password => f.write_str(
                "The domain does not know this user with this password. Nothing was tried again.",
            ),
            Self::Unusable(why) => f.write_str(match why {
                Unusable::Disabled => "The account that should do it is disabled.",
                Unusable::Expired => "The account that should do it has expired.",
                Unusable::Hours => "The account that should do it may not log on at this time.",
                Unusable::Locked => {
                    "The account that should do it is refused: locked, most likely, after too \
                     many wrong passwords. Wait, or have it unlocked."
                }
                Unusable::PasswordExpired => {
                    "The password of the account that should do it has expired or must be \
                     changed first. Change it at another host of the domain."
                }
            }),
            Self::Kerberos(error) => write!(f, "Kerberos failed: {error}."),
            Self::Ldap(error) => write!(f, "The directory refused: {error}."),
            Self::OtherName(name) => write!(
                f,
                "The domain controller serves the domain {name}, and not the one that was asked \
                 for. Join that one: domlogon join {name}"
            ),
            Self::NoSuchUnit(dn) => write!(
                f,
                "There is no organizational unit {dn}. Write it as \
                 --ou 'OU=Servers,OU=Berlin', the innermost first."
            ),
            Self::NoRight(dn) => write!(
                f,
                "This user may not make computers in {dn}. Take another user, or a unit in \
                 which this one may (--ou), or have the account made in advance \
                 (--one-time-password)."
            ),
            Self::NoRightTo(dn) => write!(
                f,
                "This user may not change the account {dn}. Take a user who may, or have the \
                 account deleted first."
            ),
            Self::Quota => f.write_str(
                "This user has made as many computers as the domain permits a user without \
                 special rights (ms-DS-MachineAccountQuota). Take another user, or have the \
                 account made in advance (--one-time-password).",
            ),
            Self::Taken(dn) => write!(
                f,
                "There is another entry {dn} already. Give the account another name (--name), \
                 or another place (--ou)."
            ),
            Self::Exists(dn, host) => exists(f, dn, host.as_deref()),
            Self::MadeBy(dn, maker) => write!(
                f,
                "There is an account {dn} already, and it was made by {maker}, who \
                 keeps rights to it: he could become this host, or log on to it as anybody. Have the account deleted, or give this host's account another \
                 name: --name NAME. --take-over takes it all the same."
            ),
            Self::IsController(dn) => write!(
                f,
                "{dn} is the account of a domain controller, which is not taken over. Give this \
                 host's account another name: --name NAME"
            ),
            Self::IsNoComputer(dn) => write!(
                f,
                "{dn} is no account of a computer. Give this host's account another name: \
                 --name NAME"
            ),
            Self::NotPrepared(account) => write!(
                f,
                "The domain has no account {account} with this one-time password. Have it made, \
                 with a password, and enabled; the name must be this host's (or --name)."
            ),
            Self::Refused(code, text) => {
                write!(
                    f,
                    "The domain refused the new password of this host ({code}"
                )?;
                if let Some(text) = text {
                    write!(f, ": {text}")?;
                }
                f.write_str(").")
            }
            Self::JoinedTo(realm, account) => write!(
                f,
                "This host is joined already: to {realm}, as {account}. Take it out first: \
                 domlogon leave"
            ),
            Self::NotVerified(error) => write!(
                f,
                "The domain's ticket for this host does not open with the host's new key: \
                 {error}. The account may have been changed meanwhile."
            ),
            Self::Machine(error) => write!(f, "{error}"),
            Self::File(path, error) => {
                write!(f, "{} could not be written: {error}.", path.display())
            }
            Self::Unknown => f.write_str(
                "The domain does not let this host in with its password: the account was reset \
                 or deleted, or this host was put back to an older state. Join it again: \
                 domlogon join REALM --take-over",
            ),
        }
    }
}

fn exists(f: &mut fmt::Formatter<'_>, dn: &str, host: Option<&str>) -> fmt::Result {
    write!(f, "There is an account {dn} already")?;
    if let Some(host) = host {
        write!(f, ", of the host {host}")?;
    }
    f.write_str(
        ", and a host may be using it. If it is this one's from an earlier time, or nobody's: \
         --take-over. Otherwise give this host's account another name: --name NAME",
    )
}

fn unix_time() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Judges the names before anybody is asked.
pub(super) fn judge(place: &Place<'_>) -> Result<(), Why> {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let is_dns = |name: &str| {
        name.len() <= 253
            && name
                .split('.')
                .all(|label| label.len() <= 63 && is_label(&label.replace('_', "-")))
    };
    let dns = place.dns_name.as_str();
    if !is_dns(dns) || !dns.contains('.') {
        return Err(Why::BadRealm(dns.to_owned()));
    }
    if place.name.chars().count() > LONGEST_NAME {
        return Err(Why::LongName(place.name.to_owned()));
    }
    if !is_label(place.name) || place.name.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Why::BadName(place.name.to_owned()));
    }
    if !is_dns(place.host) {
        return Err(Why::BadHost(place.host.to_owned()));
    }
    Ok(())
}
