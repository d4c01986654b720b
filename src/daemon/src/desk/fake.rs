//! A backend for tests: Alice, whose password is "right", and amy, an administrator.

use crate::config::Config;
use crate::desk::Desk;
use crate::log::Log;
use domlogon_accounts::LocalNames;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::{
    Decision, Explanation, Params, Rule, Secret, Timestamp, UserName, Verdict,
};
use domlogon_rules::backend::{Backend, Outage, Summary};
use domlogon_rules::{Host, Place};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const ALICE: u32 = 1_900_001_000;
pub(crate) const AMY: u32 = 1_900_001_001;
/// A local user.
pub(crate) const LOCAL: &str = "larry";

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) out: AtomicBool,
    pub(crate) slow: Mutex<Duration>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Fake {
    fn ask(&self, what: &str) -> Result<(), Outage> {
        self.asked.lock().unwrap().push(what.to_owned());
        let slow = *self.slow.lock().unwrap();
        std::thread::sleep(slow);
        if self.out.load(Ordering::Relaxed) {
            Err(Outage(Verdict::InvalidDatabase))
        } else {
            Ok(())
        }
    }
}

fn user(name: &str, uid: u32) -> User {
    User {
        name: name.to_owned(),
        uid,
        gid: 1_900_000_513,
        full_name: String::new(),
        home: format!("/home/{name}"),
        shell: "/bin/bash".to_owned(),
    }
}

fn of_key(key: &str) -> Option<User> {
    match key {
        "alice" => Some(user("Alice", ALICE)),
        "amy" => Some(user("amy", AMY)),
        _ => None,
    }
}

impl Backend for Fake {
    fn user_by_name(&self, key: &str) -> Result<Option<User>, Outage> {
        self.ask("user_by_name").map(|()| of_key(key))
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>, Outage> {
        self.ask("user_by_id")?;
        Ok(["alice", "amy"]
            .into_iter()
            .filter_map(of_key)
            .find(|user| user.uid == uid))
    }

    fn group_by_name(&self, name: &str) -> Result<Option<Group>, Outage> {
        self.ask("group_by_name")?;
        Ok((name == "Domain Users").then(|| Group {
            name: name.to_owned(),
            gid: 1_900_000_513,
            members: vec!["Alice".to_owned()],
        }))
    }

    fn group_by_id(&self, _: u32) -> Result<Option<Group>, Outage> {
        self.ask("group_by_id").map(|()| None)
    }

    fn group_ids(&self, key: &str) -> Result<Option<Vec<u32>>, Outage> {
        self.ask("group_ids")?;
        Ok(of_key(key).map(|user| vec![user.gid]))
    }

    fn users(&self, _: u32, _: usize) -> Result<Page<User>, Outage> {
        self.ask("users")?;
        Ok(Page {
            entries: vec![user("Alice", ALICE)],
            next: None,
        })
    }

    fn groups(&self, _: u32, _: usize) -> Result<Page<Group>, Outage> {
        self.ask("groups")?;
        Ok(Page {
            entries: Vec::new(),
            next: None,
        })
    }

    fn logon(
        &self,
        user: &UserName,
        password: &Secret,
        _: &Place<'_>,
        _: Timestamp,
    ) -> Result<Decision, Outage> {
        self.ask("logon")?;
        Ok(match (of_key(&user.key()), password.expose()) {
            (None, _) => Decision::new(Verdict::UserNotFound, Rule::Name),
            (Some(_), b"right") => Decision::new(Verdict::Success, Rule::AllPassed),
            (Some(_), _) => Decision::new(Verdict::LogonFailure, Rule::Password),
        })
    }

    fn account(&self, _: &UserName, _: &Place<'_>, _: Timestamp) -> Result<Decision, Outage> {
        self.ask("account")?;
        let mut decision = Decision::new(Verdict::Disabled, Rule::Disabled);
        decision.params.user = "Alice".to_owned();
        Ok(decision)
    }

    fn preliminary(
        &self,
        _: &UserName,
        old: Option<&Secret>,
        _: &Place<'_>,
        _: Timestamp,
    ) -> Result<(Decision, Option<Params>), Outage> {
        self.ask("preliminary")?;
        Ok(match old.map(Secret::expose) {
            None | Some(b"right") => (
                Decision::new(Verdict::Success, Rule::AllPassed),
                Some(Params::default()),
            ),
            Some(_) => (
                Decision::new(Verdict::InvalidPassword, Rule::Password),
                None,
            ),
        })
    }

    fn change(
        &self,
        _: &UserName,
        old: Option<&Secret>,
        _: &Secret,
        _: &Place<'_>,
        _: Timestamp,
    ) -> Result<Decision, Outage> {
        self.ask(if old.is_some() { "change" } else { "reset" })?;
        let mut decision = Decision::new(Verdict::PasswordTooShort, Rule::Form);
        decision.also.push(Verdict::PasswordHistConflict);
        Ok(decision)
    }

    fn explain(
        &self,
        user: &UserName,
        place: &Place<'_>,
        at: Timestamp,
    ) -> Result<Option<Explanation>, Outage> {
        self.ask("explain")?;
        let decision = Decision::new(Verdict::Success, Rule::AllPassed);
        Ok(of_key(&user.key()).map(|_| Explanation {
            at,
            logon_type: place.logon_type,
            can_change: place.can_change,
            steps: Vec::new(),
            with_password: decision.clone(),
            without_password: decision,
        }))
    }

    fn is_administrator(&self, uid: u32, _: Timestamp) -> Result<bool, Outage> {
        self.ask("is_administrator").map(|()| uid == AMY)
    }

    fn admin(&self, request: admin::Request, _: Timestamp) -> Result<admin::Reply, AdminError> {
        self.ask("admin")
            .map_err(|Outage(verdict)| AdminError::Store(verdict))?;
        match request {
            admin::Request::UserPassword { .. } => {
                let refused = Decision::new(Verdict::PasswordTooShort, Rule::Form);
                Err(AdminError::Password(Box::new(refused)))
            }
            _ => Ok(admin::Reply::Done),
        }
    }

    fn summary(&self) -> Summary {
        let store = match self.ask("summary") {
            Ok(()) => Verdict::Success,
            Err(Outage(verdict)) => verdict,
        };
        Summary {
            store,
            domain_sid: "S-1-5-21-1-2-3".to_owned(),
            users: 2,
            groups: 1,
        }
    }
}

struct Larry;

impl LocalNames for Larry {
    fn has_user(&self, name: &str) -> bool {
        UserName::fold(name) == LOCAL
    }

    fn has_group(&self, _: &str) -> bool {
        false
    }

    fn owner_of(&self, _: u32) -> Option<String> {
        None
    }
}

pub(crate) fn config() -> Config {
    Config {
        name: "CORP".to_owned(),
        dns_name: "corp.example".to_owned(),
        base: 1_900_000_000,
        minimum: 1000,
        database: "/nonexistent/accounts.db".into(),
        home: "/home/{user}".to_owned(),
        shell: "/bin/bash".to_owned(),
    }
}

pub(crate) fn host() -> Host {
    Host {
        short: "ws1".to_owned(),
        fqdn: "ws1.corp.example".to_owned(),
    }
}

/// A desk before a fake backend, with a log that can be read.
pub(crate) fn desk() -> (Arc<Desk>, Arc<Fake>, Arc<Log>) {
    let fake = Arc::new(Fake::default());
    let log = Arc::new(Log::kept());
    let desk = Desk::new(
        Arc::clone(&fake) as Arc<dyn Backend>,
        Arc::new(Larry),
        Arc::clone(&log),
        config(),
        host(),
    );
    (Arc::new(desk), fake, log)
}
