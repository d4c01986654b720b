//! Accounts: made, changed, shown and removed.

use super::PAGE;
use crate::change::Replacement;
use crate::database::Database;
use crate::domain::{self, DOMAIN_USERS, is_built_in, is_reserved, spend_id, take_rid};
use crate::error::Result;
use crate::hash::Salt;
use crate::members::{self, GroupRow};
use crate::record::Record;
use crate::store::Durability;
use domlogon_protocol::admin::{AdminError, NewUser, Reply, UserChanges, UserRecord};
use domlogon_protocol::{HIGHEST_ID, Policy, Secret, Timestamp, UserName, Verdict};
use domlogon_rules as rules;
use domlogon_rules::{Flags, Lockout, PasswordEnd};
use rusqlite::{Connection, OptionalExtension};

/// Stands for the date of a password that an account does not have yet. It is never shown.
const NEVER_SET: Timestamp = Timestamp(0);

impl Database {
    pub(super) fn add_user(&self, new: NewUser, now: Timestamp) -> Result<Reply> {
        let mut record = self.blank_record(&new)?;
        let replacement = match &new.password {
            Some(password) => {
                let mut trial = self.hasher.trial(password);
                Some((password, Replacement::new(&mut trial, &record, password)?))
            }
            None => None,
        };
        let base = self.settings().id_base;
        self.store.write(Durability::Now, |connection| {
            let key = UserName::fold(&record.name);
            Self::require_free(connection, &key)?;
            let (rid, uid) = take_rid(connection, base, &*self.local)?;
            record.rid = rid;
            record.uid = match new.uid {
                Some(uid) => self.require_free_uid(connection, uid)?,
                None => uid,
            };
            record.insert(connection, &key, DOMAIN_USERS)?;
            members::add_user(connection, DOMAIN_USERS, rid)?;
            if let Some((password, replacement)) = replacement {
                let policy = domain::policy(connection)?;
                self.require_good(&record, &policy, password)?;
                let set = (!new.must_change).then_some(now);
                replacement.apply(connection, &mut record, &policy, set)?;
            }
            self.reply(connection, rid, now)
        })
    }

    pub(super) fn set_user(
        &self,
        name: &str,
        changes: UserChanges,
        force: bool,
        now: Timestamp,
    ) -> Result<Reply> {
        check_texts(&changes)?;
        self.keeping_an_administrator(name, force, now, |connection| {
            let mut record = self.require_user(connection, name)?;
            apply(&mut record, changes, now)?;
            record.store(connection)?;
            self.reply(connection, record.rid, now)
        })
    }

    pub(super) fn set_user_password(
        &self,
        name: &str,
        password: &Secret,
        must_change: bool,
        unlock: bool,
        now: Timestamp,
    ) -> Result<Reply> {
        let record = self
            .store
            .read(|connection| self.require_user(connection, name))?;
        let replacement = Replacement::new(&mut self.hasher.trial(password), &record, password)?;
        self.store.write(Durability::Now, |connection| {
            let mut record = Record::by_rid(connection, record.rid)?
                .ok_or_else(|| AdminError::NoSuchUser(name.to_owned()))?;
            let policy = domain::policy(connection)?;
            self.require_good(&record, &policy, password)?;
            if unlock {
                record.lockout = record.lockout.unlocked();
            }
            let set = (!must_change).then_some(now);
            replacement.apply(connection, &mut record, &policy, set)?;
            self.reply(connection, record.rid, now)
        })
    }

    pub(super) fn unlock_user(&self, name: &str, now: Timestamp) -> Result<Reply> {
        self.store.write(Durability::Now, |connection| {
            let mut record = self.require_user(connection, name)?;
            record.lockout = record.lockout.unlocked();
            record.store(connection)?;
            self.reply(connection, record.rid, now)
        })
    }

    pub(super) fn show_user(&self, name: &str, now: Timestamp) -> Result<Reply> {
        self.store.read(|connection| {
            let record = self.require_user(connection, name)?;
            self.reply(connection, record.rid, now)
        })
    }

    pub(super) fn delete_user(&self, name: &str, force: bool, now: Timestamp) -> Result<Reply> {
        self.keeping_an_administrator(name, force, now, |connection| {
            let record = self.require_user(connection, name)?;
            if is_built_in(record.rid) {
                return Err(AdminError::BuiltIn(record.name).into());
            }
            connection
                .prepare_cached("DELETE FROM users WHERE rid = ?1")?
                .execute([record.rid])?;
            spend_id(connection, record.uid)?;
            Ok(Reply::Done)
        })
    }

    pub(super) fn list_users(&self, after: u32, now: Timestamp) -> Result<Reply> {
        self.store.read(|connection| {
            let policy = domain::policy(connection)?;
            let rows = Record::after_rid(connection, after, PAGE)?;
            let is_full = u32::try_from(rows.len()).is_ok_and(|count| count >= PAGE);
            let next = rows.last().map(|row| row.rid).filter(|_| is_full);
            let records = rows
                .into_iter()
                .map(|record| self.user_record(connection, record, &policy, now))
                .collect::<Result<_>>()?;
            Ok(Reply::Users(records, next))
        })
    }

    /// An account that is not stored yet, and has no RID, no id and no password.
    pub(super) fn blank_record(&self, new: &NewUser) -> Result<Record> {
        let settings = self.settings();
        let name = self.new_name(&new.name)?;
        if self.is_local_user(&name) {
            return Err(AdminError::NameIsLocal(name).into());
        }
        let full_name = new.full_name.clone().unwrap_or_default();
        let home = match &new.home {
            Some(home) => home.clone(),
            None => settings.home.replace("{user}", &name),
        };
        let shell = new.shell.clone().unwrap_or(settings.shell);
        check_text(&full_name)?;
        check_path(&home)?;
        check_path(&shell)?;
        Ok(Record {
            rid: 0,
            name,
            uid: 0,
            gid: 0,
            full_name,
            home,
            shell,
            flags: Flags::NORMAL_ACCOUNT.with(Flags::ACCOUNTDISABLE),
            salt: Salt::random()?.as_str().to_owned(),
            verifier: None,
            blank: false,
            awaiting: true,
            // Without a password it is no date yet, but says whether one was demanded.
            password_set: (!new.must_change).then_some(NEVER_SET),
            expires: None,
            hours: None,
            workstations: Vec::new(),
            lockout: Lockout::default(),
            last_logon: None,
        })
    }

    fn require_user(&self, connection: &Connection, name: &str) -> Result<Record> {
        let found = match self.user_key(name) {
            Some(key) => Record::by_key(connection, &key)?,
            None => None,
        };
        found.ok_or_else(|| AdminError::NoSuchUser(name.to_owned()).into())
    }

    pub(super) fn require_free_uid(&self, connection: &Connection, uid: u32) -> Result<u32> {
        let least = self.minimum();
        if uid < least {
            return Err(AdminError::IdTooLow(uid, least).into());
        }
        if uid > HIGHEST_ID {
            return Err(AdminError::IdTooHigh(uid, HIGHEST_ID).into());
        }
        if is_reserved(uid) {
            return Err(AdminError::IdTaken(uid, "nobody".to_owned()).into());
        }
        let subordinate = || {
            let (owner, _) = self.local.subordinate(uid)?;
            Some(format!("the subordinate ids of {owner}"))
        };
        let owner = match self.local.owner_of(uid).or_else(subordinate) {
            Some(owner) => Some(owner),
            None => connection
                .prepare_cached("SELECT name FROM users WHERE uid = ?1")?
                .query_row([uid], |row| row.get(0))
                .optional()?,
        };
        match owner {
            Some(owner) => Err(AdminError::IdTaken(uid, owner).into()),
            None => Ok(uid),
        }
    }

    /// A new password that an administrator may set.
    fn require_good(&self, record: &Record, policy: &Policy, password: &Secret) -> Result<()> {
        let account = record.account(&self.domain);
        let broken = rules::judge_reset(&account, policy, password);
        match self.desk(|place| rules::decide_new(&account, policy, place, &broken)) {
            Some(decision) => Err(AdminError::Password(Box::new(decision)).into()),
            None => Ok(()),
        }
    }

    fn reply(&self, connection: &Connection, rid: u32, now: Timestamp) -> Result<Reply> {
        let policy = domain::policy(connection)?;
        let record =
            Record::by_rid(connection, rid)?.ok_or(AdminError::Store(Verdict::InvalidDatabase))?;
        let record = self.user_record(connection, record, &policy, now)?;
        Ok(Reply::User(Box::new(record)))
    }

    fn user_record(
        &self,
        connection: &Connection,
        record: Record,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<UserRecord> {
        let account = record.account(&self.domain);
        let lockout = record.lockout;
        let locked = account.is_locked(policy, now);
        let groups = GroupRow::of_user(connection, record.rid)?;
        Ok(UserRecord {
            sid: account.sid.to_string(),
            rid: record.rid,
            uid: record.uid,
            gid: record.gid,
            has_password: account.has_password,
            disabled: record.flags.contains(Flags::ACCOUNTDISABLE),
            locked,
            locked_until: lockout.until(policy).filter(|_| locked),
            must_change: account.password_end(policy) == PasswordEnd::Demanded,
            cannot_change: record.flags.contains(Flags::PASSWD_CANT_CHANGE),
            password_never_expires: record.flags.contains(Flags::DONT_EXPIRE_PASSWD),
            password_not_required: record.flags.contains(Flags::PASSWD_NOTREQD),
            bad_password_count: if locked {
                lockout.count
            } else {
                lockout.effective_count(policy, now)
            },
            bad_password_at: lockout.last_bad,
            password_set_at: record.password_set.filter(|_| account.has_password),
            password_expires_at: match account.password_end(policy) {
                PasswordEnd::After(end) => Some(end),
                PasswordEnd::Never | PasswordEnd::Demanded => None,
            },
            expires_at: record.expires,
            hours: record.hours,
            workstations: record.workstations,
            last_logon_at: record.last_logon,
            groups: groups.into_iter().map(|group| group.name).collect(),
            passed_over_home: None,
            name: record.name,
            full_name: record.full_name,
            home: record.home,
            shell: record.shell,
        })
    }
}

pub(super) fn apply(record: &mut Record, changes: UserChanges, now: Timestamp) -> Result<()> {
    let has_password = record.verifier.is_some();
    if let Some(disabled) = changes.disabled {
        record.flags = record.flags.set(Flags::ACCOUNTDISABLE, disabled);
        // Somebody has said it: the first password does not change it any more.
        record.awaiting = false;
    }
    for (flag, change) in [
        (Flags::PASSWD_CANT_CHANGE, changes.cannot_change),
        (Flags::DONT_EXPIRE_PASSWD, changes.password_never_expires),
        (Flags::PASSWD_NOTREQD, changes.password_not_required),
    ] {
        if let Some(on) = change {
            record.flags = record.flags.set(flag, on);
        }
    }
    if let Some(at) = changes.password_set_at {
        if at > now {
            return Err(AdminError::InFuture(at).into());
        }
        if !has_password {
            return Err(AdminError::NoPassword(record.name.clone()).into());
        }
        record.password_set = Some(at);
    }
    match changes.must_change {
        Some(true) => record.password_set = None,
        Some(false) => record.password_set = record.password_set.or(Some(now)),
        None => {}
    }
    record.expires = changes.expires.unwrap_or(record.expires);
    record.hours = changes.hours.unwrap_or(record.hours);
    if let Some(workstations) = changes.workstations {
        record.workstations = workstations;
    }
    for (field, change) in [
        (&mut record.full_name, changes.full_name),
        (&mut record.home, changes.home),
        (&mut record.shell, changes.shell),
    ] {
        if let Some(text) = change {
            *field = text;
        }
    }
    Ok(())
}

pub(super) fn check_texts(changes: &UserChanges) -> Result<(), AdminError> {
    changes.full_name.as_deref().map_or(Ok(()), check_text)?;
    changes.home.as_deref().map_or(Ok(()), check_path)?;
    changes.shell.as_deref().map_or(Ok(()), check_path)?;
    for name in changes.workstations.iter().flatten() {
        check_text(name)?;
        if name.trim().is_empty() || name.contains(',') {
            return Err(AdminError::BadText(name.clone()));
        }
    }
    Ok(())
}

/// A field of a line of the password database.
fn check_text(text: &str) -> Result<(), AdminError> {
    /// Bytes; programs read lines of the password database into buffers of a few KiB.
    const LONGEST: usize = 1024;
    if text.len() > LONGEST || text.chars().any(|c| c == ':' || c.is_control()) {
        return Err(AdminError::BadText(text.to_owned()));
    }
    Ok(())
}

fn check_path(text: &str) -> Result<(), AdminError> {
    check_text(text)?;
    if text.starts_with('/') {
        Ok(())
    } else {
        Err(AdminError::BadText(text.to_owned()))
    }
}
