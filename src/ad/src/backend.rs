//! The directory as the daemon asks it.

use crate::administration;
use crate::directory::Directory;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::{
    Decision, Explanation, Params, Secret, Sid, Tickets, Timestamp, UserName, Verdict,
};
use domlogon_rules::backend::{Backend, Outage, Principal, Summary};
use domlogon_rules::{Judgement, Place, Token};

impl Backend for Directory {
    fn user_by_name(&self, key: &str) -> Result<Option<User>, Outage> {
        self.user_of_key(key, (self.clock)())
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>, Outage> {
        self.user_of_uid(uid, (self.clock)())
    }

    fn group_by_name(&self, name: &str) -> Result<Option<Group>, Outage> {
        self.group_of_name(name, (self.clock)())
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, Outage> {
        self.group_of_gid(gid, (self.clock)())
    }

    fn group_ids(&self, user_key: &str) -> Result<Option<Vec<u32>>, Outage> {
        self.gids_of(user_key, (self.clock)())
    }

    fn users(&self, after: u32, limit: usize) -> Result<Page<User>, Outage> {
        Ok(self.users_after(after, limit))
    }

    fn groups(&self, after: u32, limit: usize) -> Result<Page<Group>, Outage> {
        Ok(self.groups_after(after, limit))
    }

    fn logon(
        &self,
        user: &UserName,
        password: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        self.judge_logon(user, password, place, now)
    }

    fn account(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        self.judge_account(user, place, now)
    }

    fn preliminary(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<(Decision, Option<Params>), Outage> {
        self.judge_preliminary(user, old, place, now)
    }

    fn change(
        &self,
        user: &UserName,
        old: Option<&Secret>,
        new: &Secret,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Decision, Outage> {
        self.change_password(user, old, new, place, now)
    }

    fn explain(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Option<Explanation>, Outage> {
        self.explained(user, place, now)
    }

    fn hidden(&self, user: &UserName, now: Timestamp) -> Result<Option<AdminError>, Outage> {
        self.hidden_account(user, now)
    }

    fn is_administrator(&self, uid: u32, now: Timestamp) -> Result<bool, Outage> {
        self.administers(uid, now)
    }

    fn principal(&self, name: &UserName) -> Result<Option<Principal>, Outage> {
        self.principal_of(name, (self.clock)())
    }

    fn name_of(&self, sid: &Sid) -> Result<Option<String>, Outage> {
        self.name_of_sid(sid, (self.clock)())
    }

    fn token(&self, user: &UserName) -> Result<Option<Token>, Outage> {
        self.token_of_name(user, (self.clock)())
    }

    fn administrators(&self, now: Timestamp) -> Result<Vec<Token>, Outage> {
        self.administrator_tokens(now)
    }

    fn admin(&self, request: admin::Request, now: Timestamp) -> Result<admin::Reply, AdminError> {
        administration::answer(self, request, now)
    }

    fn tickets(&self, user: &UserName, service: &str, now: Timestamp) -> Option<Tickets> {
        self.tickets_of(user, service, now)
    }

    fn summary(&self) -> Summary {
        let contact = self.contact();
        let (users, groups) = self.noted(self.cache.late_counts()).unwrap_or_default();
        Summary {
            store: contact
                .why
                .as_ref()
                .map_or(Verdict::Success, |why| why.verdict),
            domain_sid: self
                .known_facts()
                .map(|facts| facts.sid.to_string())
                .unwrap_or_default(),
            users,
            groups,
            directory: Some(self.status()),
        }
    }
}
