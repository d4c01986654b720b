//! The domain itself: its names and SID, its policy, its next RID, and what it begins with.

use crate::database::Settings;
use crate::error::{Error, Fault, Result};
use crate::hash::Salt;
use domlogon_protocol::{HIGHEST_ID, Policy, Sid, UserName, Verdict};
use domlogon_rules::{Flags, LocalNames};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// BUILTIN\Administrators.
pub(crate) const ADMINISTRATORS: u32 = 544;
/// The primary group of every account.
pub(crate) const DOMAIN_USERS: u32 = 513;
const DOMAIN_ADMINS: u32 = 512;
const ADMINISTRATOR: u32 = 500;
const ADMINISTRATOR_NAME: &str = "Administrator";
/// RIDs below this are those of built-in accounts and groups.
const FIRST_RID: u32 = 1000;

/// RID, name, and whether it is an alias of the BUILTIN domain.
const BUILT_IN_GROUPS: [(u32, &str, bool); 9] = [
    (DOMAIN_ADMINS, "Domain Admins", false),
    (DOMAIN_USERS, "Domain Users", false),
    (514, "Domain Guests", false),
    (ADMINISTRATORS, "Administrators", true),
    (545, "Users", true),
    (546, "Guests", true),
    (551, "Backup Operators", true),
    (555, "Remote Desktop Users", true),
    (559, "Performance Log Users", true),
];

/// Which built-in group is in which.
const NESTED: [(u32, u32); 3] = [
    (ADMINISTRATORS, DOMAIN_ADMINS),
    (545, DOMAIN_USERS),
    (546, 514),
];

/// What never changes about the domain.
pub(crate) struct Domain {
    pub(crate) sid: Sid,
    pub(crate) name: String,
    pub(crate) dns_name: String,
}

impl Domain {
    pub(crate) fn load(connection: &Connection) -> Result<Self> {
        let (sid, name, dns_name): (String, _, _) =
            connection.query_row("SELECT sid, name, dns_name FROM domain", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        Ok(Self {
            sid: sid.parse().map_err(|_| Fault::DAMAGED)?,
            name,
            dns_name,
        })
    }

    /// The SID of an account or group.
    pub(crate) fn sid_of(&self, rid: u32, alias: bool) -> Sid {
        if alias {
            Sid::builtin(rid)
        } else {
            self.sid.with_rid(rid)
        }
    }
}

/// What a new domain begins with.
pub(crate) struct Seed<'a> {
    pub(crate) sid: Sid,
    pub(crate) name: &'a str,
    pub(crate) dns_name: &'a str,
    pub(crate) settings: &'a Settings,
    pub(crate) salt: Salt,
}

impl Seed<'_> {
    pub(crate) fn plant(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction.execute(
            "INSERT INTO domain (one, sid, name, dns_name, next_rid) VALUES (1, ?1, ?2, ?3, ?4)",
            params![self.sid.to_string(), self.name, self.dns_name, FIRST_RID],
        )?;
        transaction.execute(
            "INSERT INTO policy (one, min_length, max_length, history, min_age, complexity,
                                 lockout_threshold, lockout_window, warn)
             VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0)",
            [],
        )?;
        store_policy(transaction, &Policy::default())?;
        for (rid, name, alias) in BUILT_IN_GROUPS {
            transaction.execute(
                "INSERT INTO groups (rid, key, name, gid, alias, built_in)
                 VALUES (?1, ?2, ?3, ?4, ?5, 1)",
                params![rid, UserName::fold(name), name, self.id(rid), alias],
            )?;
        }
        for (group, member) in NESTED {
            transaction.execute(
                "INSERT INTO group_members (grp, member) VALUES (?1, ?2)",
                [group, member],
            )?;
        }
        self.plant_administrator(transaction)
    }

    fn plant_administrator(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let flags = Flags::NORMAL_ACCOUNT.with(Flags::ACCOUNTDISABLE);
        transaction.execute(
            "INSERT INTO users (rid, key, name, uid, primary_group, full_name, home, shell,
                                flags, salt, awaiting, password_set)
             VALUES (?1, ?2, ?3, ?4, ?5, '', ?6, ?7, ?8, ?9, 1, 0)",
            params![
                ADMINISTRATOR,
                UserName::fold(ADMINISTRATOR_NAME),
                ADMINISTRATOR_NAME,
                self.id(ADMINISTRATOR),
                DOMAIN_USERS,
                self.settings.home.replace("{user}", ADMINISTRATOR_NAME),
                self.settings.shell,
                flags.bits(),
                self.salt.as_str(),
            ],
        )?;
        for group in [DOMAIN_USERS, DOMAIN_ADMINS, ADMINISTRATORS] {
            transaction.execute(
                "INSERT INTO user_members (grp, member) VALUES (?1, ?2)",
                [group, ADMINISTRATOR],
            )?;
        }
        Ok(())
    }

    /// Requires that no user or group of this host has one of the ids that the domain
    /// begins with, be it among his subordinate ones. They follow from the RIDs, which are
    /// the same in every domain.
    ///
    /// # Errors
    /// [`Error::IdTaken`] names the first that somebody has.
    pub(crate) fn require_free_ids(&self, local: &dyn LocalNames) -> Result<(), Error> {
        let groups = BUILT_IN_GROUPS.map(|(rid, name, _)| (rid, name));
        let taken = [(ADMINISTRATOR, ADMINISTRATOR_NAME)]
            .into_iter()
            .chain(groups)
            .map(|(rid, name)| (self.id(rid), name))
            .find(|(id, _)| {
                is_reserved(*id) || local.has_id(*id) || local.subordinate(*id).is_some()
            });
        match taken {
            Some((id, name)) => Err(Error::IdTaken {
                id,
                name,
                base: self.settings.id_base,
            }),
            None => Ok(()),
        }
    }

    fn id(&self, rid: u32) -> u32 {
        self.settings.id_base.saturating_add(rid)
    }
}

/// Whether an account or group was made with the domain.
pub(crate) fn is_built_in(rid: u32) -> bool {
    rid < FIRST_RID
}

pub(crate) fn random_sid() -> Result<Sid, Error> {
    let word = || getrandom::u32().map_err(|_| Error::Random);
    Ok(Sid::domain(word()?, word()?, word()?))
}

/// Takes the next RID and the id that goes with it. Neither was ever used, by whatever
/// exists or was deleted, and no user or group of this host has the id, be it among his
/// subordinate ones: who was given that of a local user would own his files.
///
/// # Errors
/// `AcfNoRoom` when the next id would be above [`HIGHEST_ID`].
pub(crate) fn take_rid(
    connection: &Connection,
    id_base: u32,
    local: &dyn LocalNames,
) -> Result<(u32, u32)> {
    const NO_ROOM: Fault = Fault::Store(Verdict::AcfNoRoom);
    let mut statement = connection
        .prepare_cached("UPDATE domain SET next_rid = next_rid + 1 RETURNING next_rid - 1")?;
    loop {
        let rid: i64 = statement.query_row([], |row| row.get(0))?;
        let rid = u32::try_from(rid).map_err(|_| NO_ROOM)?;
        let id = id_base
            .checked_add(rid)
            .filter(|id| *id <= HIGHEST_ID)
            .ok_or(NO_ROOM)?;
        if let Some((_, last)) = local.subordinate(id) {
            // The whole range at once: it may be one of millions.
            let next = i64::from(last) + 1 - i64::from(id_base);
            connection
                .prepare_cached("UPDATE domain SET next_rid = max(next_rid, ?1)")?
                .execute([next])?;
        } else if !is_reserved(id) && !local.has_id(id) && !is_used(connection, id)? {
            return Ok((rid, id));
        }
    }
}

/// Ids that mean nobody: -1, and what others take for it.
pub(crate) fn is_reserved(id: u32) -> bool {
    matches!(id, 65_534 | 65_535)
}

/// Remembers that an id was used by something that is deleted now.
pub(crate) fn spend_id(connection: &Connection, id: u32) -> Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO spent_ids (id) VALUES (?1)")?
        .execute([id])?;
    Ok(())
}

/// One more refusal that no account counts.
///
/// Refusing a name that does not exist writes as much as refusing a wrong password does,
/// so that the time does not tell the two apart.
pub(crate) fn note_refusal(connection: &Connection) -> Result<()> {
    connection
        .prepare_cached("UPDATE domain SET refused = refused + 1")?
        .execute([])?;
    Ok(())
}

pub(crate) fn policy(connection: &Connection) -> Result<Policy> {
    let policy = connection
        .prepare_cached(
            "SELECT min_length, max_length, history, max_age, min_age, complexity,
                    lockout_threshold, lockout_duration, lockout_window, warn FROM policy",
        )?
        .query_row([], |row| {
            Ok(Policy {
                min_length: row.get(0)?,
                max_length: row.get(1)?,
                history: row.get(2)?,
                max_age: row.get(3)?,
                min_age: row.get(4)?,
                complexity: row.get(5)?,
                lockout_threshold: row.get(6)?,
                lockout_duration: row.get(7)?,
                lockout_window: row.get(8)?,
                warn: row.get(9)?,
            })
        })?;
    Ok(policy)
}

pub(crate) fn store_policy(connection: &Connection, policy: &Policy) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE policy SET min_length = ?1, max_length = ?2, history = ?3, max_age = ?4,
                min_age = ?5, complexity = ?6, lockout_threshold = ?7, lockout_duration = ?8,
                lockout_window = ?9, warn = ?10",
        params![
            policy.min_length,
            policy.max_length,
            policy.history,
            policy.max_age,
            policy.min_age,
            policy.complexity,
            policy.lockout_threshold,
            policy.lockout_duration,
            policy.lockout_window,
            policy.warn,
        ],
    )?;
    Ok(())
}

/// How many accounts and groups there are.
pub(crate) fn counts(connection: &Connection) -> Result<(u32, u32)> {
    let counts = connection
        .prepare_cached("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM groups)")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(counts)
}

fn is_used(connection: &Connection, id: u32) -> Result<bool> {
    let used = connection
        .prepare_cached(
            "SELECT 1 FROM users WHERE uid = ?1 UNION ALL SELECT 1 FROM groups WHERE gid = ?1
             UNION ALL SELECT 1 FROM spent_ids WHERE id = ?1 LIMIT 1",
        )?
        .query_row([id], |_| Ok(()))
        .optional()?;
    Ok(used.is_some())
}
