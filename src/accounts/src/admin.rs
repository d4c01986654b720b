//! What an administrator may ask. Each request is one transaction.

mod groups;
mod import;
mod policy;
mod users;

pub(crate) use import::Progress;

use crate::database::Database;
use crate::error::Result;
use crate::members;
use crate::store::Durability;
use domlogon_protocol::admin::{AdminError, Reply, Request};
use domlogon_protocol::{LogonType, NameError, Qualifier, Timestamp, UserName, Verdict};
use domlogon_rules::{Host, Place, Rights};
use rusqlite::Connection;

/// Accounts or groups in one answer.
const PAGE: u32 = 500;

impl Database {
    pub(crate) fn administer(&self, request: Request, now: Timestamp) -> Result<Reply> {
        match request {
            Request::UserAdd(new) => self.add_user(*new, now),
            Request::UserSet {
                name,
                changes,
                force,
            } => self.set_user(&name, *changes, force, now),
            Request::UserPassword {
                name,
                password,
                must_change,
                unlock,
            } => self.set_user_password(&name, &password, must_change, unlock, now),
            Request::UserUnlock(name) => self.unlock_user(&name, now),
            Request::UserShow(name) => self.show_user(&name, now),
            Request::UserDelete { name, force } => self.delete_user(&name, force, now),
            Request::UserList(after) => self.list_users(after, now),
            Request::GroupAdd(name) => self.add_group(&name),
            Request::GroupShow(name) => self.show_group(&name),
            Request::GroupDelete(name) => self.delete_group(&name, now),
            Request::GroupList(after) => self.list_groups(after),
            Request::GroupAddMembers { group, members } => self.add_members(&group, &members),
            Request::GroupRemoveMembers {
                group,
                members,
                force,
            } => self.remove_members(&group, &members, force, now),
            Request::PolicyShow => self.show_policy(),
            Request::PolicySet(changes) => self.set_policy(&changes),
            Request::UserImport { users, dry_run } => self.import_users(users, dry_run, now),
            Request::UserImportProgress => Ok(self.import_progress()),
            // The lists are the host's, not the domain's.
            Request::RightsShow
            | Request::RightsCheck { .. }
            | Request::RightsSimulate { .. }
            | Request::RightsReload => Err(AdminError::Store(Verdict::InvalidApi).into()),
        }
    }

    /// Does what may take away the last administrator who can log on here, and undoes it if it
    /// did. `name` is the one to blame.
    fn keeping_an_administrator<T>(
        &self,
        name: &str,
        force: bool,
        now: Timestamp,
        f: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        self.store.write(Durability::Now, |connection| {
            let has_administrator = || {
                members::has_administrator(connection, now, |name, uid, gid| {
                    self.is_visible_user(name, uid) && self.may_be_primary(gid)
                })
            };
            let before = has_administrator()?;
            let value = f(connection)?;
            if before && !force && !has_administrator()? {
                return Err(AdminError::LastAdministrator(name.to_owned()).into());
            }
            Ok(value)
        })
    }

    /// The folded name of a user that `text` names, or `None` if it is of another domain.
    fn user_key(&self, text: &str) -> Option<String> {
        let name = UserName::parse(text.as_bytes()).ok()?;
        let ours = name.belongs_to(&self.domain.name, &self.domain.dns_name);
        ours.then(|| name.key())
    }

    /// The folded name of a group: as for a user, and `BUILTIN\` is ours too.
    fn group_key(&self, text: &str) -> Option<String> {
        let name = UserName::parse(text.as_bytes()).ok()?;
        let built_in = matches!(name.qualifier(),
            Qualifier::Short(domain) if domain.eq_ignore_ascii_case("BUILTIN"));
        let ours = built_in || name.belongs_to(&self.domain.name, &self.domain.dns_name);
        ours.then(|| name.key())
    }

    /// The name of something new, without its domain.
    fn new_name(&self, text: &str) -> Result<String> {
        /// Bytes of a user name in a login record (utmp), and of a group in groupadd.
        const LONGEST: usize = 32;
        let bad = |why| AdminError::BadName(text.to_owned(), why);
        let name = UserName::parse(text.as_bytes()).map_err(bad)?;
        if !name.belongs_to(&self.domain.name, &self.domain.dns_name) {
            let separator = match name.qualifier() {
                Qualifier::Dns(_) => '@',
                _ => '\\',
            };
            return Err(bad(NameError::Character(separator)).into());
        }
        let name = name.account();
        if name.len() > LONGEST {
            return Err(AdminError::NameTooLong(text.to_owned()).into());
        }
        if let Some(why) = UserName::misleads(name) {
            return Err(bad(why).into());
        }
        Ok(name.to_owned())
    }

    /// A name that neither a user nor a group has.
    fn require_free(connection: &Connection, key: &str) -> Result<()> {
        let taken: Option<String> = rusqlite::OptionalExtension::optional(
            connection
                .prepare_cached(
                    "SELECT name FROM users WHERE key = ?1
                     UNION ALL SELECT name FROM groups WHERE key = ?1",
                )?
                .query_row([key], |row| row.get(0)),
        )?;
        match taken {
            Some(name) => Err(AdminError::NameTaken(name).into()),
            None => Ok(()),
        }
    }

    /// Where an administrator sets passwords.
    fn desk<T>(&self, f: impl FnOnce(&Place<'_>) -> T) -> T {
        let host = Host {
            short: String::new(),
            fqdn: String::new(),
        };
        f(&Place {
            service: "domlogon",
            logon_type: LogonType::Permit,
            can_change: true,
            host: &host,
            domain: &self.domain.name,
            // Setting a password is not a logon: nobody's rights are asked.
            rights: &Rights::none(0),
        })
    }
}
