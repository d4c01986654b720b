//! Users and groups as the directory has them.

use crate::descriptor;
use crate::ldap::Entry;
use crate::time::{NEVER, instant};
use core::fmt;
use domlogon_protocol::{LogonHours, Policy, Qualifier, Sid, Timestamp, UserName};
use domlogon_rules::{Account, Flags, Lockout};
use serde::{Deserialize, Serialize};

/// What is read of a person.
pub(crate) const PERSON: &[&str] = &[
    "objectSid",
    "objectGUID",
    "sAMAccountName",
    "userPrincipalName",
    "displayName",
    "cn",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "accountExpires",
    "logonHours",
    "userWorkstations",
    "lockoutTime",
    "badPwdCount",
    "badPasswordTime",
    "pwdLastSet",
    "msDS-KeyVersionNumber",
    "msDS-UserPasswordExpiryTimeComputed",
    "msDS-ResultantPSO",
    "primaryGroupID",
    "uidNumber",
    "gidNumber",
    "unixHomeDirectory",
    "loginShell",
    "gecos",
    "uSNChanged",
    "nTSecurityDescriptor",
];

/// What is read of a group.
pub(crate) const TEAM: &[&str] = &[
    "objectSid",
    "sAMAccountName",
    "gidNumber",
    "groupType",
    "uSNChanged",
];

/// UF_LOCKOUT, where it is computed: the account is locked now.
const LOCKED: u32 = 0x10;
/// Most hosts in a list of workstations, and most letters of one.
const MOST_WORKSTATIONS: usize = 1024;
/// Most bytes of a text that is kept.
const LONGEST: usize = 1024;

/// A person's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Distinguished name.
    pub(crate) dn: String,
    /// objectSid
    pub(crate) sid: Sid,
    /// objectGUID; it outlives every renaming.
    pub(crate) guid: Option<[u8; 16]>,
    /// sAMAccountName, which is well formed as a [`UserName`] without a domain.
    pub(crate) name: String,
    /// displayName, or else cn; empty if there is neither.
    pub(crate) full_name: String,
    /// userPrincipalName
    pub(crate) principal_name: Option<String>,
    /// userAccountControl
    pub(crate) user_account_control: u32,
    /// msDS-User-Account-Control-Computed
    pub(crate) computed_control: Option<u32>,
    /// accountExpires, a FILETIME; 0 and 2^63-1 for never.
    pub(crate) account_expires: i64,
    /// logonHours
    pub(crate) hours: Option<LogonHours>,
    /// userWorkstations. An entry that is no host's name, such as `+group`, matches none.
    pub(crate) workstations: Vec<String>,
    /// lockoutTime, a FILETIME; 0 for none.
    pub(crate) lockout_time: i64,
    /// badPwdCount, on the controller that was asked.
    pub(crate) bad_pwd_count: u32,
    /// badPasswordTime, a FILETIME, on the controller that was asked.
    pub(crate) bad_password_time: i64,
    /// pwdLastSet, a FILETIME; 0 demands a new password.
    pub(crate) pwd_last_set: i64,
    /// msDS-KeyVersionNumber, which each new password raises and a demand for one does not. In the
    /// cache it has a column of its own.
    #[serde(skip)]
    pub(crate) key_version: Option<u32>,
    /// When the password ends, as the directory computes it.
    pub(crate) password_expiry: PasswordExpiry,
    /// The fine-grained policy that is in force, as far as this host may know.
    pub(crate) resultant_pso: Option<String>,
    /// primaryGroupID: the last part of the primary group's identifier.
    pub(crate) primary_group: u32,
    /// uidNumber
    pub(crate) uid_number: Option<u32>,
    /// gidNumber
    pub(crate) gid_number: Option<u32>,
    /// unixHomeDirectory
    pub(crate) unix_home: Option<String>,
    /// loginShell
    pub(crate) login_shell: Option<String>,
    /// gecos
    pub(crate) gecos: Option<String>,
    /// uSNChanged, on the controller that was asked.
    pub(crate) usn: i64,
    /// Whether the access list denies the person to change the password.
    pub(crate) cannot_change: bool,
}

/// msDS-UserPasswordExpiryTimeComputed
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PasswordExpiry {
    /// The directory does not say.
    Unknown,
    /// A new one is demanded.
    Demanded,
    /// It never ends.
    Never,
    /// After this instant.
    After(Timestamp),
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Team {
    /// Distinguished name.
    pub(crate) dn: String,
    /// objectSid
    pub(crate) sid: Sid,
    /// sAMAccountName, which is well formed as a [`UserName`] without a domain.
    pub(crate) name: String,
    /// gidNumber
    pub(crate) gid_number: Option<u32>,
    /// groupType: flags of its scope, and whether it is about security at all.
    pub(crate) group_type: u32,
    /// uSNChanged, on the controller that was asked.
    pub(crate) usn: i64,
}

/// Why an entry cannot be used: this attribute is not there, cannot be read by this host,
/// or is ill-formed. Such an account is not open and not shut; it is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw(pub &'static str);

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the entry has no {} that this host can read", self.0)
    }
}

impl std::error::Error for Flaw {}

impl Person {
    /// Reads a person's entry.
    ///
    /// # Errors
    /// [`Flaw`] names the first attribute that is wrong.
    pub(crate) fn read(entry: &Entry) -> Result<Self, Flaw> {
        let full_name = entry.text("displayName").or_else(|| entry.text("cn"));
        let mut person = Self {
            dn: entry.dn.clone(),
            sid: sid(entry)?,
            guid: entry.value("objectGUID").and_then(|v| v.try_into().ok()),
            name: name(entry)?,
            full_name: full_name.map(readable).unwrap_or_default(),
            principal_name: entry.text("userPrincipalName").map(readable),
            user_account_control: flags(entry, "userAccountControl")?
                .ok_or(Flaw("userAccountControl"))?,
            computed_control: flags(entry, "msDS-User-Account-Control-Computed")?,
            account_expires: number(entry, "accountExpires")?.unwrap_or(NEVER),
            // The rule of the field: another length is no restriction.
            hours: entry
                .value("logonHours")
                .and_then(|value| value.try_into().ok())
                .map(LogonHours),
            workstations: workstations(entry)?,
            lockout_time: number(entry, "lockoutTime")?.unwrap_or(0),
            bad_pwd_count: optional(entry, "badPwdCount").unwrap_or(0),
            bad_password_time: number(entry, "badPasswordTime")?.unwrap_or(0),
            pwd_last_set: number(entry, "pwdLastSet")?.ok_or(Flaw("pwdLastSet"))?,
            key_version: optional(entry, "msDS-KeyVersionNumber"),
            password_expiry: expiry(entry)?,
            resultant_pso: entry.text("msDS-ResultantPSO").map(str::to_owned),
            primary_group: small(entry, "primaryGroupID")?.ok_or(Flaw("primaryGroupID"))?,
            uid_number: optional(entry, "uidNumber"),
            gid_number: optional(entry, "gidNumber"),
            unix_home: entry.text("unixHomeDirectory").and_then(field),
            login_shell: entry.text("loginShell").and_then(field),
            gecos: entry.text("gecos").and_then(field),
            usn: number(entry, "uSNChanged")?.unwrap_or(0),
            cannot_change: entry
                .value("nTSecurityDescriptor")
                .and_then(descriptor::cannot_change)
                .unwrap_or(false),
        };
        // What is not there cannot be asked for a change either.
        if person.pwd_last_set < 0 {
            person.pwd_last_set = 0;
        }
        Ok(person)
    }

    /// The account as the rules see it.
    #[must_use]
    pub(crate) fn account(&self) -> Account {
        let flags = Flags::from_bits(self.user_account_control)
            .set(Flags::PASSWD_CANT_CHANGE, self.cannot_change);
        let demanded = self.pwd_last_set <= 0 || self.password_expiry == PasswordExpiry::Demanded;
        let mut account = Account::new(&self.name, self.sid.clone());
        account.full_name.clone_from(&self.full_name);
        account.flags = flags;
        // The directory does not say; it judges the password itself.
        account.has_password = true;
        account.password_set = (!demanded).then(|| instant(self.pwd_last_set));
        account.expires = match self.account_expires {
            0 | NEVER => None,
            end => Some(instant(end)),
        };
        account.hours = self.hours;
        account.workstations.clone_from(&self.workstations);
        account.lockout = Lockout {
            count: self.bad_pwd_count,
            last_bad: stored(self.bad_password_time),
            since: stored(self.lockout_time).filter(|_| self.may_be_locked()),
        };
        account
    }

    /// The policy by which the rules come to the same end of the password as the directory
    /// does, fine-grained policies included. All else is the domain's.
    #[must_use]
    pub(crate) fn policy(&self, domain: &Policy) -> Policy {
        let mut policy = domain.clone();
        match self.password_expiry {
            PasswordExpiry::Unknown | PasswordExpiry::Demanded => {}
            PasswordExpiry::Never => policy.max_age = None,
            PasswordExpiry::After(end) => {
                let age = end.since(instant(self.pwd_last_set));
                // An age of 0 would mean that it never ends.
                policy.max_age = Some(age.max(1));
            }
        }
        policy
    }

    /// Whether the account is locked now, as the directory says. Without its word a
    /// lockoutTime is held against the domain's duration.
    fn may_be_locked(&self) -> bool {
        self.computed_control.is_none_or(|bits| bits & LOCKED != 0)
    }

    /// Whether the directory says that the account is locked now.
    #[must_use]
    pub(crate) fn is_locked(&self) -> bool {
        self.lockout_time > 0 && self.computed_control.is_some_and(|bits| bits & LOCKED != 0)
    }
}

impl Team {
    /// Whether a logon carries the group. One that is there for mail alone (a distribution group)
    /// is in nobody's tokenGroups.
    pub(crate) const fn is_security(&self) -> bool {
        /// GROUP_TYPE_SECURITY_ENABLED [ADTS 2.2.12]
        const SECURITY: u32 = 0x8000_0000;
        self.group_type & SECURITY != 0
    }

    /// Reads a group's entry.
    ///
    /// # Errors
    /// [`Flaw`] names the first attribute that is wrong.
    pub(crate) fn read(entry: &Entry) -> Result<Self, Flaw> {
        Ok(Self {
            dn: entry.dn.clone(),
            sid: sid(entry)?,
            name: name(entry)?,
            gid_number: optional(entry, "gidNumber"),
            group_type: flags(entry, "groupType")?.ok_or(Flaw("groupType"))?,
            usn: number(entry, "uSNChanged")?.unwrap_or(0),
        })
    }
}

pub(crate) fn sid(entry: &Entry) -> Result<Sid, Flaw> {
    let bytes = entry.value("objectSid");
    bytes.and_then(Sid::from_bytes).ok_or(Flaw("objectSid"))
}

/// A name that every program can carry, and that says no domain.
pub(crate) fn name(entry: &Entry) -> Result<String, Flaw> {
    let flaw = Flaw("sAMAccountName");
    let text = entry.text("sAMAccountName").ok_or(flaw)?;
    match UserName::parse(text.as_bytes()) {
        Ok(name) if *name.qualifier() == Qualifier::None && !text.chars().any(is_double) => {
            Ok(text.to_owned())
        }
        _ => Err(flaw),
    }
}

/// Whether a letter becomes another one's small letter: the sign for kelvin is no K, and
/// becomes a k. With it two accounts of the directory would have one name here.
fn is_double(letter: char) -> bool {
    let mut small = letter.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) if small != letter => !small.to_uppercase().eq([letter]),
        _ => false,
    }
}

/// A number, if the attribute is there; one that is not a number is a flaw.
pub(crate) fn number(entry: &Entry, attribute: &'static str) -> Result<Option<i64>, Flaw> {
    if entry.values(attribute).is_empty() {
        return Ok(None);
    }
    let text = entry.text(attribute).ok_or(Flaw(attribute))?;
    text.parse().map(Some).map_err(|_| Flaw(attribute))
}

/// Flags, which the directory writes as a number with a sign.
fn flags(entry: &Entry, attribute: &'static str) -> Result<Option<u32>, Flaw> {
    let Some(number) = number(entry, attribute)? else {
        return Ok(None);
    };
    let signed = i32::try_from(number).map(|bits| u32::from_ne_bytes(bits.to_ne_bytes()));
    let bits = signed.or_else(|_| u32::try_from(number));
    bits.map(Some).map_err(|_| Flaw(attribute))
}

pub(crate) fn small(entry: &Entry, attribute: &'static str) -> Result<Option<u32>, Flaw> {
    let number = number(entry, attribute)?;
    let small = number.map(u32::try_from).transpose();
    small.map_err(|_| Flaw(attribute))
}

/// A number without which the account can be judged; one that is none is not there.
fn optional(entry: &Entry, attribute: &'static str) -> Option<u32> {
    small(entry, attribute).ok().flatten()
}

fn expiry(entry: &Entry) -> Result<PasswordExpiry, Flaw> {
    Ok(
        match number(entry, "msDS-UserPasswordExpiryTimeComputed")? {
            None => PasswordExpiry::Unknown,
            Some(NEVER) => PasswordExpiry::Never,
            Some(end) if end <= 0 => PasswordExpiry::Demanded,
            Some(end) => PasswordExpiry::After(instant(end)),
        },
    )
}

/// The list of hosts. It is never empty if something stands in the attribute: a list of
/// nothing but what is no host would else be one that allows every host.
fn workstations(entry: &Entry) -> Result<Vec<String>, Flaw> {
    const ATTRIBUTE: &str = "userWorkstations";
    if entry.values(ATTRIBUTE).is_empty() {
        return Ok(Vec::new());
    }
    let text = entry.text(ATTRIBUTE).ok_or(Flaw(ATTRIBUTE))?;
    let mut hosts: Vec<String> = text
        .split(',')
        .map(readable)
        .map(|host| host.trim().to_owned())
        .filter(|host| !host.is_empty())
        .collect();
    if hosts.len() > MOST_WORKSTATIONS {
        return Err(Flaw(ATTRIBUTE));
    }
    if hosts.is_empty() && !text.is_empty() {
        hosts.push(",".to_owned());
    }
    Ok(hosts)
}

/// A stored time, if there is one.
fn stored(filetime: i64) -> Option<Timestamp> {
    (filetime > 0).then(|| instant(filetime))
}

/// A text for people, without what would not be shown or would move what is shown.
fn readable(text: &str) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = text.get(..end).unwrap_or_default();
    kept.chars().filter(|c| !c.is_control()).collect()
}

/// A field of a line of /etc/passwd; `None` for a text that cannot be one.
fn field(text: &str) -> Option<String> {
    let fits = !text.is_empty()
        && text.len() <= LONGEST
        && !text.chars().any(|c| c.is_control() || c == ':');
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests;

#[cfg(test)]
impl Team {
    /// A group for tests.
    pub(crate) fn example(name: &str, rid: u32, gid_number: Option<u32>) -> Self {
        Self {
            dn: format!("CN={name},DC=corp,DC=example"),
            sid: Sid::domain(1, 2, 3).with_rid(rid),
            name: name.to_owned(),
            gid_number,
            group_type: 0x8000_0002,
            usn: 1,
        }
    }
}

#[cfg(test)]
impl Person {
    /// Somebody without any restriction, for tests.
    pub(crate) fn example(name: &str, rid: u32) -> Self {
        Self {
            dn: format!("CN={name},DC=corp,DC=example"),
            sid: Sid::domain(1, 2, 3).with_rid(rid),
            guid: None,
            name: name.to_owned(),
            full_name: String::new(),
            principal_name: None,
            user_account_control: 0x200,
            computed_control: Some(0),
            account_expires: 0,
            hours: None,
            workstations: Vec::new(),
            lockout_time: 0,
            bad_pwd_count: 0,
            bad_password_time: 0,
            pwd_last_set: 134_000_000_000_000_000,
            key_version: Some(2),
            password_expiry: PasswordExpiry::Never,
            resultant_pso: None,
            primary_group: 513,
            uid_number: None,
            gid_number: None,
            unix_home: None,
            login_shell: None,
            gecos: None,
            usn: 1,
            cannot_change: false,
        }
    }
}
