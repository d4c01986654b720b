//! What an administrator may ask: users, groups, policy.

use crate::rights::{Checked, Problem, RightsShown, RightsStatus, Simulation};
use crate::{Decision, LogonHours, NameError, Policy, Secret, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

/// An administrator's request. Variants are appended, never changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Make an account. Without a password it is made disabled.
    UserAdd(Box<NewUser>),
    /// Change an account's settings.
    UserSet {
        /// Which account.
        name: String,
        /// What to change.
        changes: Box<UserChanges>,
        /// Also if it is the last administrator.
        force: bool,
    },
    /// Set an account's password without the old one (a reset).
    UserPassword {
        /// Which account.
        name: String,
        /// The new password.
        password: Secret,
        /// Demand another at the next logon.
        must_change: bool,
        /// End a lockout too.
        unlock: bool,
    },
    /// End a lockout.
    UserUnlock(String),
    /// One account.
    UserShow(String),
    /// Remove an account.
    UserDelete {
        /// Which account.
        name: String,
        /// Also if it is the last administrator.
        force: bool,
    },
    /// The accounts with RIDs above this one.
    UserList(u32),
    /// Make a group.
    GroupAdd(String),
    /// One group.
    GroupShow(String),
    /// Remove a group.
    GroupDelete(String),
    /// The groups with RIDs above this one.
    GroupList(u32),
    /// Put users and groups into a group.
    GroupAddMembers {
        /// The group.
        group: String,
        /// Names of users or groups.
        members: Vec<String>,
    },
    /// Take users and groups out of a group.
    GroupRemoveMembers {
        /// The group.
        group: String,
        /// Names of users or groups.
        members: Vec<String>,
        /// Also if no administrator is left.
        force: bool,
    },
    /// The domain's policy.
    PolicyShow,
    /// Change some of the policy.
    PolicySet(Box<PolicyChanges>),
    /// The logon rights in force.
    RightsShow,
    /// What a file of rights would mean; nothing is changed.
    RightsCheck {
        /// The file's text.
        text: String,
        /// Names and identifiers whose meaning is asked for too.
        names: Vec<String>,
    },
    /// What a file of rights would change for those who came in of late; nothing is changed.
    RightsSimulate {
        /// The file's text.
        text: String,
        /// The first instant to look at.
        since: Timestamp,
    },
    /// Take `rights.toml` in again, now.
    RightsReload,
    /// Make many accounts: all of them or, if one is refused, none.
    UserImport {
        /// The accounts.
        users: Vec<ImportedUser>,
        /// Only say what would come of it.
        dry_run: bool,
    },
    /// How far the import that runs now has come.
    UserImportProgress,
}

/// An account to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewUser {
    /// Its name.
    pub name: String,
    /// Full name, if any.
    pub full_name: Option<String>,
    /// User id; from the configured range if absent.
    pub uid: Option<u32>,
    /// Home directory; from the configured template if absent.
    pub home: Option<String>,
    /// Login shell; the configured one if absent.
    pub shell: Option<String>,
    /// Demand a new password at the next logon.
    pub must_change: bool,
    /// The password; the account is disabled until it has one.
    pub password: Option<Secret>,
}

/// An account to be made with others, as another system kept it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportedUser {
    /// Where it came from, such as the number of its line: named in a refusal.
    pub row: u32,
    /// The account; it has no cleartext password.
    pub new: NewUser,
    /// Its further settings. Without `password_set_at` its password counts as set now.
    pub changes: UserChanges,
    /// The groups to put it into.
    pub groups: Vec<String>,
    /// Its password as crypt(5) wrote it: `$y$`, `$6$` or `$5$`. Without one, the account is
    /// disabled until it has a password.
    pub hash: Option<Secret>,
}

/// What came of an import, or what would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Accounts made.
    pub users: u32,
    /// Of them, those whose password was taken over.
    pub with_password: u32,
    /// Of them, those that are disabled, or have no password yet.
    pub disabled: u32,
    /// Of them, those who must set a new password at the next logon, by demand or because
    /// the one that was taken over is older than the policy allows.
    pub must_change: u32,
    /// How many times one of them was put into a group.
    pub memberships: u32,
}

/// Why a password of another system cannot be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HashError {
    /// Not of the kinds `$y$`, `$6$` and `$5$`.
    UnknownKind,
    /// Of a known kind, but cut or damaged.
    Malformed,
    /// Comparing one password with it would take more memory or time than a logon may.
    TooCostly,
}

/// Settings of an account; absent ones stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserChanges {
    /// UF_ACCOUNTDISABLE
    pub disabled: Option<bool>,
    /// When the account ends; `Some(None)` for never.
    pub expires: Option<Option<Timestamp>>,
    /// Logon hours; `Some(None)` for always.
    pub hours: Option<Option<LogonHours>>,
    /// Allowed workstations; an empty list for any.
    pub workstations: Option<Vec<String>>,
    /// Demand a new password at the next logon (`true`), or take the demand back, which
    /// counts the password as set now (`false`) [SAMR 3.1.1.8.7].
    pub must_change: Option<bool>,
    /// UF_PASSWD_CANT_CHANGE
    pub cannot_change: Option<bool>,
    /// UF_DONT_EXPIRE_PASSWD
    pub password_never_expires: Option<bool>,
    /// UF_PASSWD_NOTREQD
    pub password_not_required: Option<bool>,
    /// When the password counts as set; not in the future.
    pub password_set_at: Option<Timestamp>,
    /// Full name.
    pub full_name: Option<String>,
    /// Home directory.
    pub home: Option<String>,
    /// Login shell.
    pub shell: Option<String>,
}

/// Settings of the policy; absent ones stay as they are. Units as in [`Policy`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChanges {
    /// See [`Policy::min_length`].
    pub min_length: Option<u32>,
    /// See [`Policy::max_length`].
    pub max_length: Option<u32>,
    /// See [`Policy::history`].
    pub history: Option<u32>,
    /// See [`Policy::max_age`].
    pub max_age: Option<Option<i64>>,
    /// See [`Policy::min_age`].
    pub min_age: Option<i64>,
    /// See [`Policy::complexity`].
    pub complexity: Option<bool>,
    /// See [`Policy::lockout_threshold`].
    pub lockout_threshold: Option<u32>,
    /// See [`Policy::lockout_duration`].
    pub lockout_duration: Option<Option<i64>>,
    /// See [`Policy::lockout_window`].
    pub lockout_window: Option<i64>,
    /// See [`Policy::warn`].
    pub warn: Option<i64>,
}

/// The answer to an administrator's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Done.
    Done,
    /// Done, and this is the account now.
    User(Box<UserRecord>),
    /// A page of accounts, and the RID to continue after.
    Users(Vec<UserRecord>, Option<u32>),
    /// Done, and this is the group now.
    Group(GroupRecord),
    /// A page of groups, and the RID to continue after.
    Groups(Vec<GroupRecord>, Option<u32>),
    /// Done, and this is the policy now.
    Policy(Policy),
    /// To `RightsShow`, and to `RightsReload` if the file was taken.
    Rights(Box<RightsShown>),
    /// To `RightsCheck`.
    RightsChecked(Box<Checked>),
    /// To `RightsSimulate`.
    RightsSimulated(Box<Simulation>),
    /// To `UserImport`.
    Imported(Imported),
    /// To `UserImportProgress`: accounts done, and all; both 0 if no import runs.
    ImportProgress(u32, u32),
}

/// All that an administrator may see of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// Its name.
    pub name: String,
    /// Its security identifier.
    pub sid: String,
    /// Relative identifier, the last part of the SID.
    pub rid: u32,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Full name.
    pub full_name: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Whether there is a password at all.
    pub has_password: bool,
    /// UF_ACCOUNTDISABLE
    pub disabled: bool,
    /// Locked now.
    pub locked: bool,
    /// Until when; `None` while locked: until an administrator ends it.
    pub locked_until: Option<Timestamp>,
    /// A new password is demanded at the next logon.
    pub must_change: bool,
    /// UF_PASSWD_CANT_CHANGE
    pub cannot_change: bool,
    /// UF_DONT_EXPIRE_PASSWD
    pub password_never_expires: bool,
    /// UF_PASSWD_NOTREQD
    pub password_not_required: bool,
    /// Wrong passwords counted.
    pub bad_password_count: u32,
    /// When the last wrong password was counted.
    pub bad_password_at: Option<Timestamp>,
    /// When the password was set; `None` if a change is demanded or there is none.
    pub password_set_at: Option<Timestamp>,
    /// When the password must be changed; `None` for never.
    pub password_expires_at: Option<Timestamp>,
    /// When the account ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// Logon hours; `None` for always.
    pub hours: Option<LogonHours>,
    /// Allowed workstations; empty for any.
    pub workstations: Vec<String>,
    /// Last logon with all checks passed.
    pub last_logon_at: Option<Timestamp>,
    /// Names of the groups that it is a direct member of.
    pub groups: Vec<String>,
    /// The home that the directory gives, if this host does not take it.
    pub passed_over_home: Option<String>,
}

/// All that an administrator may see of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Its name.
    pub name: String,
    /// Its security identifier.
    pub sid: String,
    /// Relative identifier.
    pub rid: u32,
    /// Group id.
    pub gid: u32,
    /// Made with the domain; cannot be deleted.
    pub built_in: bool,
    /// Names of direct members that are users.
    pub users: Vec<String>,
    /// Names of direct members that are groups.
    pub groups: Vec<String>,
}

/// How the daemon is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the daemon.
    pub version: String,
    /// Domain's short name.
    pub domain: String,
    /// Domain's DNS name.
    pub dns_name: String,
    /// Domain's security identifier; empty if the database cannot be read.
    pub domain_sid: String,
    /// This host's name, as workstation lists name it.
    pub host: String,
    /// Kind of backend, such as "accounts".
    pub backend: String,
    /// The condition of the account database; Success if it answers.
    pub store: Verdict,
    /// Accounts in it.
    pub users: u32,
    /// Groups in it.
    pub groups: u32,
    /// Since when the daemon runs.
    pub started_at: Timestamp,
    /// When the configuration in force was read.
    pub configured_at: Timestamp,
    /// The last reload was refused, and the configuration before it is still in force.
    pub reload_refused: bool,
    /// Decisions since the start that let somebody in.
    pub granted: u64,
    /// Decisions since the start that refused.
    pub refused: u64,
    /// What the daemon has given up.
    pub confined: Confined,
    /// The logon rights in force.
    pub rights: RightsStatus,
    /// How things stand with the directory, if the accounts are in one.
    pub directory: Option<DirectoryStatus>,
}

/// What the daemon has taken away from itself, so that whoever takes it over has little of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confined {
    /// What it is confined to, with by what, such as "system calls by seccomp".
    pub to: Vec<String>,
    /// Sentences about what it is not confined to, and why.
    pub not: Vec<String>,
}

impl Confined {
    /// It is not.
    #[must_use]
    pub fn not(why: String) -> Self {
        Self {
            to: Vec::new(),
            not: vec![why],
        }
    }
}

/// How things stand with a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryStatus {
    /// The domain controller that is asked; `None`: offline.
    pub server: Option<String>,
    /// Since when it is online, or offline.
    pub since: Timestamp,
    /// Why it is offline, in the words of whatever failed.
    pub why: Option<String>,
    /// All controllers that are known, and why one is not asked.
    pub servers: Vec<(String, Option<String>)>,
    /// When this host's own password in the domain was set; `None` if it has not joined.
    pub machine_password_set_at: Option<Timestamp>,
    /// For how many seconds after a logon at a controller one without is possible; 0: never.
    pub offline_age: i64,
    /// Controllers that are not asked because they are read-only, or none at all, and not named.
    pub passed_over: Vec<String>,
}

/// Why an administrator's request was refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminError {
    /// The caller is neither root nor in the administrators' group.
    NotAllowed,
    /// No account of this name.
    NoSuchUser(String),
    /// No group of this name.
    NoSuchGroup(String),
    /// Neither a user nor a group of this name.
    NoSuchName(String),
    /// A user or group has this name already.
    NameTaken(String),
    /// The name is a local one, in /etc/passwd or /etc/group.
    NameIsLocal(String),
    /// The name is not well formed.
    BadName(String, NameError),
    /// The name is longer than the 32 bytes of a login record.
    NameTooLong(String),
    /// The id belongs to this name already.
    IdTaken(u32, String),
    /// The id is below the minimum, the second number.
    IdTooLow(u32, u32),
    /// A text has a colon, a line break or another character that a passwd line cannot hold.
    BadText(String),
    /// Not a member of the group: member, group.
    NotMember(String, String),
    /// A member already: member, group.
    AlreadyMember(String, String),
    /// The group would contain itself: member, group.
    Cycle(String, String),
    /// Made with the domain, cannot be removed.
    BuiltIn(String),
    /// No administrator who can log on would be left (NERR_LastAdmin 2452).
    LastAdministrator(String),
    /// The password was refused.
    Password(Box<Decision>),
    /// A setting of the policy is out of its bounds: setting, least, most.
    OutOfRange(PolicySetting, i64, i64),
    /// The minimum age must be less than the maximum age.
    AgesCross,
    /// The lockout window must not be longer than the lockout.
    WindowTooLong,
    /// The minimum length must not be above the maximum length.
    LengthsCross,
    /// An instant lies in the future where it may not.
    InFuture(Timestamp),
    /// The account has no password whose date could be set.
    NoPassword(String),
    /// The account database could not be used.
    Store(Verdict),
    /// A file of rights cannot be used: the text that was sent, or `rights.toml` itself.
    Rights(Box<Problem>),
    /// A password of another system cannot be taken over.
    BadHash(HashError),
    /// Accounts of an import were refused, so none was made: each [`ImportedUser::row`], and
    /// why. That is never another import.
    Import(#[serde(with = "rows")] Vec<(u32, AdminError)>),
    /// Another import runs.
    ImportRuns,
    /// The accounts are in the directory of this domain, and are administered there.
    InDirectory(String),
    /// The id is above the highest one, the second number.
    IdTooHigh(u32, u32),
    /// The account exists, and this host hides it, as its id is this local user's: account, id,
    /// local user. Without one: the id of its primary group is a local group's.
    Hidden(String, u32, Option<String>),
    /// The account exists, and this host hides it: a local user may take its id, or where the
    /// range is of subgid(5) that of its primary group, by this range.
    HiddenByRange(String, u32, Subordinate),
}

/// A line of subuid(5) or subgid(5) on this host, as ids that its owner may take.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subordinate {
    /// Whose line it is: a name, or a number.
    pub owner: String,
    /// The first id.
    pub first: u32,
    /// The last one.
    pub last: u32,
    /// Whether it is of subgid(5).
    pub is_of_groups: bool,
}

impl Subordinate {
    /// The file that it is in.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        if self.is_of_groups {
            "/etc/subgid"
        } else {
            "/etc/subuid"
        }
    }
}

/// The rows of a refused import on the wire. Each is bytes of its own, and what they are is
/// looked at before they are read: a row that is a refused import with a row that is one, and so
/// on, would be read with as much stack as whoever sent it likes. The stack's end is the host
/// program's, and no guard catches that.
mod rows {
    use super::AdminError;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

    pub(super) fn serialize<S: Serializer>(
        rows: &[(u32, AdminError)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let rows: postcard::Result<Vec<(u32, Vec<u8>)>> = rows
            .iter()
            .map(|(row, why)| Ok((*row, postcard::to_allocvec(why)?)))
            .collect();
        rows.map_err(ser::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(u32, AdminError)>, D::Error> {
        let rows: Vec<(u32, Vec<u8>)> = Vec::deserialize(deserializer)?;
        rows.into_iter()
            .map(|(row, why)| Some((row, alone(&why)?)))
            .collect::<Option<_>>()
            .ok_or_else(|| de::Error::custom("a row that is no refusal of an account"))
    }

    fn alone(bytes: &[u8]) -> Option<AdminError> {
        let import = postcard::to_allocvec(&AdminError::Import(Vec::new())).ok()?;
        if kind(bytes)? == kind(&import)? {
            return None;
        }
        match postcard::take_from_bytes(bytes) {
            Ok((why, [])) => Some(why),
            Ok(_) | Err(_) => None,
        }
    }

    /// The number of the variant, which comes first.
    fn kind(bytes: &[u8]) -> Option<u32> {
        let (kind, _) = postcard::take_from_bytes(bytes).ok()?;
        Some(kind)
    }
}

/// A setting of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicySetting {
    /// min-length
    MinLength,
    /// max-length
    MaxLength,
    /// history
    History,
    /// max-age
    MaxAge,
    /// min-age
    MinAge,
    /// lockout-threshold
    LockoutThreshold,
    /// lockout-duration
    LockoutDuration,
    /// lockout-window
    LockoutWindow,
    /// warn
    Warn,
}

impl PolicySetting {
    /// The word on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::MinLength => "min-length",
            Self::MaxLength => "max-length",
            Self::History => "history",
            Self::MaxAge => "max-age",
            Self::MinAge => "min-age",
            Self::LockoutThreshold => "lockout-threshold",
            Self::LockoutDuration => "lockout-duration",
            Self::LockoutWindow => "lockout-window",
            Self::Warn => "warn",
        }
    }
}
