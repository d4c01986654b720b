//! Many accounts at once: all of them, in one transaction, or none.

use super::users::{apply, check_texts};
use crate::database::Database;
use crate::domain::{self, DOMAIN_USERS, take_rid};
use crate::error::{Fault, Result};
use crate::foreign::Foreign;
use crate::members;
use crate::record::Record;
use crate::store::Durability;
use domlogon_protocol::admin::{AdminError, HashError, Imported, ImportedUser, Reply};
use domlogon_protocol::{Policy, Timestamp, UserName};
use domlogon_rules::{Flags, PasswordEnd};
use rusqlite::Connection;
use std::sync::atomic::{AtomicU32, Ordering};

/// How far the import that runs has come.
#[derive(Default)]
pub(crate) struct Progress {
    /// 0 if none runs.
    all: AtomicU32,
    done: AtomicU32,
}

/// Ends the import that it stands for.
struct Running<'a>(&'a Progress);

impl Database {
    pub(super) fn import_users(
        &self,
        users: Vec<ImportedUser>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Reply> {
        if users.is_empty() {
            return Ok(Reply::Imported(Imported::default()));
        }
        let running = self.import.begin(users.len())?;
        let import = |connection: &Connection| {
            let policy = domain::policy(connection)?;
            let mut imported = Imported::default();
            let mut refused = Vec::new();
            for user in users {
                let row = user.row;
                match self.import_user(connection, user, &policy, &mut imported, now) {
                    Ok(()) => {}
                    Err(Fault::Refused(why)) => refused.push((row, *why)),
                    Err(fault @ Fault::Store(_)) => return Err(fault),
                }
                running.0.done.fetch_add(1, Ordering::Relaxed);
            }
            if refused.is_empty() {
                Ok(Reply::Imported(imported))
            } else {
                Err(AdminError::Import(refused).into())
            }
        };
        if dry_run {
            return self.store.rehearse(import);
        }
        let done = self.store.write(Durability::Now, import);
        self.decoys.forget();
        done
    }

    pub(super) fn import_progress(&self) -> Reply {
        let all = self.import.all.load(Ordering::Relaxed);
        let done = self.import.done.load(Ordering::Relaxed).min(all);
        Reply::ImportProgress(done, all)
    }

    /// After an error something of it may be there; the whole transaction is undone then.
    fn import_user(
        &self,
        connection: &Connection,
        user: ImportedUser,
        policy: &Policy,
        imported: &mut Imported,
        now: Timestamp,
    ) -> Result<()> {
        let ImportedUser {
            row: _,
            new,
            mut changes,
            groups,
            hash,
        } = user;
        check_texts(&changes)?;
        let mut record = self.blank_record(&new)?;
        let key = UserName::fold(&record.name);
        Self::require_free(connection, &key)?;
        if let Some(hash) = hash {
            let text = hash.text().ok_or(HashError::Malformed);
            let foreign = text.and_then(Foreign::parse).map_err(AdminError::BadHash)?;
            record.verifier = Some(foreign.as_str().to_owned());
            record.flags = Flags::NORMAL_ACCOUNT;
            record.awaiting = false;
            record.password_set = Some(now);
            changes.must_change = changes.must_change.or(new.must_change.then_some(true));
        }
        let (rid, uid) = take_rid(connection, self.settings().id_base, &*self.local)?;
        record.rid = rid;
        record.uid = match new.uid {
            Some(uid) => self.require_free_uid(connection, uid)?,
            None => uid,
        };
        apply(&mut record, changes, now)?;
        record.insert(connection, &key, DOMAIN_USERS)?;
        members::add_user(connection, DOMAIN_USERS, rid)?;
        for group in groups {
            let group = self.require_group(connection, &group)?;
            if members::add_user(connection, group.rid, rid)? {
                imported.memberships = imported.memberships.saturating_add(1);
            }
        }
        self.count(&record, policy, imported, now);
        Ok(())
    }

    fn count(&self, record: &Record, policy: &Policy, imported: &mut Imported, now: Timestamp) {
        let account = record.account(&self.domain);
        let must_change = match account.password_end(policy) {
            PasswordEnd::Demanded => true,
            PasswordEnd::After(end) => account.has_password && end < now,
            PasswordEnd::Never => false,
        };
        for (counter, one_more) in [
            (&mut imported.users, true),
            (&mut imported.with_password, account.has_password),
            (
                &mut imported.disabled,
                record.flags.contains(Flags::ACCOUNTDISABLE),
            ),
            (&mut imported.must_change, must_change),
        ] {
            *counter = counter.saturating_add(u32::from(one_more));
        }
    }
}

impl Progress {
    fn begin(&self, count: usize) -> Result<Running<'_>> {
        let all = u32::try_from(count).unwrap_or(u32::MAX);
        match self
            .all
            .compare_exchange(0, all, Ordering::Relaxed, Ordering::Relaxed)
        {
            Ok(_) => {
                self.done.store(0, Ordering::Relaxed);
                Ok(Running(self))
            }
            Err(_) => Err(AdminError::ImportRuns.into()),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.all.store(0, Ordering::Relaxed);
    }
}
