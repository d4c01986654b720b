//! The database as the daemon asks it.

use crate::database::Database;
use crate::domain::{self};
use crate::error::Result;
use crate::members;
use crate::record::Record;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::{Decision, Explanation, Params, Secret, Sid, Timestamp, UserName, Verdict};
use domlogon_rules as rules;
use domlogon_rules::backend::{Backend, Outage, Principal, Summary};
use domlogon_rules::{Flags, Judgement, Place, Proof, Token};

impl Backend for Database {
    fn user_by_name(&self, key: &str) -> Result<Option<User>, Outage> {
        Ok(self.user_of_key(key)?)
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>, Outage> {
        Ok(self.user_of_uid(uid)?)
    }

    fn group_by_name(&self, name: &str) -> Result<Option<Group>, Outage> {
        Ok(self.group_of_name(name)?)
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, Outage> {
        Ok(self.group_of_gid(gid)?)
    }

    fn group_ids(&self, user_key: &str) -> Result<Option<Vec<u32>>, Outage> {
        Ok(self.gids_of(user_key)?)
    }

    fn users(&self, after: u32, limit: usize) -> Result<Page<User>, Outage> {
        Ok(self.users_after(after, limit)?)
    }

    fn groups(&self, after: u32, limit: usize) -> Result<Page<Group>, Outage> {
        Ok(self.groups_after(after, limit)?)
    }

    fn logon(
        &self,
        user: &UserName,
        password: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        Ok(self.judge_logon(user, password, place, now)?)
    }

    fn account(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        if let Some(decision) = self.not_ours(user, place) {
            return Ok(decision.into());
        }
        let found = self.find_with(user, |connection, record| self.token_of(connection, record))?;
        let Some((record, policy, token)) = found else {
            return Ok(rules::decide_unknown(&user.to_string(), place).into());
        };
        let account = record.account(&self.domain);
        let judgement = rules::judge(&account, &token, &policy, place, Proof::Other, now);
        Ok(judgement)
    }

    fn preliminary(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<(Decision, Option<Params>), Outage> {
        Ok(match old {
            Some(old) => self.judge_preliminary(user, old, place, now)?,
            None => self.preliminary_reset(user, place)?,
        })
    }

    fn change(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        new: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Decision, Outage> {
        Ok(match old {
            Some(old) => self.change_password(user, old, new, place, now)?,
            None => self.reset_password(user, new, place, now)?,
        })
    }

    fn explain(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Option<Explanation>, Outage> {
        let found = self.find_with(user, |connection, record| {
            self.traced_token_of(connection, record)
        })?;
        Ok(found.map(|(record, policy, token)| {
            let account = record.account(&self.domain);
            rules::explain(&account, &token, &policy, place, now)
        }))
    }

    fn hidden(&self, user: &UserName, _: Timestamp) -> Result<Option<AdminError>, Outage> {
        Ok(self.hidden_account(user)?)
    }

    fn is_administrator(&self, uid: u32, now: Timestamp) -> Result<bool, Outage> {
        Ok(self.store.read(|connection| {
            let Some(record) = Record::by_uid(connection, uid)? else {
                return Ok(false);
            };
            Ok(self.is_visible(&record)
                && !record.flags.contains(Flags::ACCOUNTDISABLE)
                && record.expires.is_none_or(|end| now <= end)
                && members::is_administrator(connection, record.rid)?)
        })?)
    }

    fn principal(&self, name: &UserName) -> Result<Option<Principal>, Outage> {
        Ok(self.principal_of(name)?)
    }

    fn name_of(&self, sid: &Sid) -> Result<Option<String>, Outage> {
        Ok(self.name_of_sid(sid)?)
    }

    fn token(&self, user: &UserName) -> Result<Option<Token>, Outage> {
        Ok(self.token_of_name(user)?)
    }

    fn administrators(&self, now: Timestamp) -> Result<Vec<Token>, Outage> {
        Ok(self.administrator_tokens(now)?)
    }

    fn admin(&self, request: admin::Request, now: Timestamp) -> Result<admin::Reply, AdminError> {
        Ok(self.administer(request, now)?)
    }

    fn summary(&self) -> Summary {
        // All rows are counted, and anybody may ask: no logon waits for that.
        match self.store.list(domain::counts) {
            Ok((users, groups)) => Summary {
                store: Verdict::Success,
                domain_sid: self.domain.sid.to_string(),
                users,
                groups,
                directory: None,
            },
            Err(fault) => Summary {
                store: Outage::from(fault).0,
                domain_sid: String::new(),
                users: 0,
                groups: 0,
                directory: None,
            },
        }
    }
}
