//! A backend for tests: Alice, whose password is "right", and amy, an administrator.

use crate::config::Config;
use crate::desk::Desk;
use crate::log::Log;
use crate::rights::RightsFile;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::{
    Decision, Explanation, Params, Policy, Rule, Secret, Sid, Tickets, Timestamp, UserName, Verdict,
};
use domlogon_rules::backend::{Backend, Outage, Principal, Summary};
use domlogon_rules::{Account, FewLocalNames, Flags, Host, Judgement, Place, Proof, Token, judge};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const BASE: u32 = 1_900_000_000;
pub(crate) const ALICE: u32 = BASE + 1000;
pub(crate) const AMY: u32 = BASE + 1001;
/// A local user.
pub(crate) const LOCAL: &str = "larry";

pub(crate) struct Fake {
    pub(crate) out: AtomicBool,
    pub(crate) slow: Mutex<Duration>,
    pub(crate) asked: Mutex<Vec<String>>,
    /// Account management finds every account enabled; otherwise disabled.
    pub(crate) enabled: AtomicBool,
    /// The groups, and who of the users is in which.
    pub(crate) groups: Mutex<Vec<(Principal, Vec<&'static str>)>>,
    /// The tickets of Alice's last logon.
    pub(crate) tickets: Mutex<Option<Tickets>>,
    /// Users who are gone.
    pub(crate) gone: Mutex<Vec<&'static str>>,
    folder: tempfile::TempDir,
}

impl Fake {
    fn new() -> Self {
        let fake = Self {
            out: AtomicBool::default(),
            slow: Mutex::default(),
            asked: Mutex::default(),
            enabled: AtomicBool::default(),
            groups: Mutex::default(),
            tickets: Mutex::default(),
            gone: Mutex::default(),
            folder: tempfile::tempdir().unwrap(),
        };
        fake.add_group("Staff", &["alice", "amy"]);
        fake.add_group("Contractors", &[]);
        fake
    }

    /// The file of logon rights.
    pub(crate) fn rights(&self) -> PathBuf {
        self.folder.path().join("rights.toml")
    }

    /// The database that is not there.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("accounts.db")
    }

    pub(crate) fn add_group(&self, name: &str, members: &[&'static str]) {
        let mut groups = self.groups.lock().unwrap();
        let rid = 2000 + u32::try_from(groups.len()).unwrap();
        let group = Principal {
            name: name.to_owned(),
            sid: domain().with_rid(rid),
        };
        groups.push((group, members.to_vec()));
    }

    pub(crate) fn join(&self, user: &'static str, group: &str) {
        let mut groups = self.groups.lock().unwrap();
        let found = groups.iter_mut().find(|(known, _)| known.name == group);
        found.unwrap().1.push(user);
    }

    fn token_of(&self, key: &str) -> Option<Token> {
        if self.gone.lock().unwrap().contains(&key) {
            return None;
        }
        let user = of_key(key)?;
        let mut groups = vec![domain().with_rid(513), Sid::builtin(545)];
        if user.uid == AMY {
            groups.push(Sid::builtin(544));
        }
        for (group, members) in &*self.groups.lock().unwrap() {
            if members.contains(&key) {
                groups.push(group.sid.clone());
            }
        }
        let sid = domain().with_rid(user.uid - BASE);
        Some(Token::new(&user.name, sid, groups))
    }

    fn judge(
        &self,
        key: &str,
        disabled: bool,
        place: &Place<'_>,
        proof: Proof,
        now: Timestamp,
    ) -> Judgement {
        let Some(token) = self.token_of(key) else {
            return Decision::new(Verdict::UserNotFound, Rule::Name).into();
        };
        let mut account = Account::new(token.name(), token.user().clone());
        account.has_password = true;
        account.password_set = Some(now);
        account.flags = account.flags.set(Flags::ACCOUNTDISABLE, disabled);
        judge(&account, &token, &Policy::default(), place, proof, now)
    }

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

/// Somebody who is there, and has a local user's id.
pub(crate) fn covered() -> AdminError {
    AdminError::Hidden("covered".to_owned(), 1000, Some(LOCAL.to_owned()))
}

fn domain() -> Sid {
    Sid::domain(1, 2, 3)
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

/// Alice, amy, and as many others as anybody asks for: temp000, temp001 and so on.
fn of_key(key: &str) -> Option<User> {
    match key {
        "alice" => Some(user("Alice", ALICE)),
        "amy" => Some(user("amy", AMY)),
        _ => {
            let number: u32 = key.strip_prefix("temp")?.parse().ok()?;
            Some(user(key, BASE + 5000 + number))
        }
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
        let groups = self.groups.lock().unwrap();
        if let Some((group, members)) = groups.iter().find(|(known, _)| known.name == name) {
            return Ok(Some(Group {
                name: group.name.clone(),
                gid: 1_900_002_000,
                members: members.iter().map(|&name| name.to_owned()).collect(),
            }));
        }
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
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        self.ask("logon")?;
        let key = user.key();
        Ok(match (of_key(&key), password.expose()) {
            (Some(_), b"right") => self.judge(&key, false, place, Proof::Password, now),
            (Some(_), _) => Decision::new(Verdict::LogonFailure, Rule::Password).into(),
            (None, _) => Decision::new(Verdict::UserNotFound, Rule::Name).into(),
        })
    }

    fn account(
        &self,
        user: &UserName,
        place: &Place<'_>,
        now: Timestamp,
    ) -> Result<Judgement, Outage> {
        self.ask("account")?;
        let disabled = !self.enabled.load(Ordering::Relaxed);
        Ok(self.judge(&user.key(), disabled, place, Proof::Other, now))
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

    fn hidden(&self, user: &UserName, _: Timestamp) -> Result<Option<AdminError>, Outage> {
        self.ask("hidden")?;
        Ok((user.key() == "covered").then(covered))
    }

    fn is_administrator(&self, uid: u32, _: Timestamp) -> Result<bool, Outage> {
        self.ask("is_administrator").map(|()| uid == AMY)
    }

    fn principal(&self, name: &UserName) -> Result<Option<Principal>, Outage> {
        self.ask("principal")?;
        if !name.belongs_to("CORP", "corp.example") {
            return Ok(None);
        }
        let key = name.key();
        if let Some(token) = self.token_of(&key) {
            return Ok(Some(Principal {
                name: token.name().to_owned(),
                sid: token.user().clone(),
            }));
        }
        let groups = self.groups.lock().unwrap();
        let found = groups
            .iter()
            .find(|(group, _)| UserName::fold(&group.name) == key);
        Ok(found.map(|(group, _)| group.clone()))
    }

    fn name_of(&self, sid: &Sid) -> Result<Option<String>, Outage> {
        self.ask("name_of")?;
        let groups = self.groups.lock().unwrap();
        let found = groups.iter().find(|(group, _)| group.sid == *sid);
        Ok(found.map(|(group, _)| group.name.clone()))
    }

    fn token(&self, user: &UserName) -> Result<Option<Token>, Outage> {
        self.ask("token")?;
        Ok(self.token_of(&user.key()))
    }

    fn administrators(&self, _: Timestamp) -> Result<Vec<Token>, Outage> {
        self.ask("administrators")?;
        Ok(self.token_of("amy").into_iter().collect())
    }

    fn admin(&self, request: admin::Request, _: Timestamp) -> Result<admin::Reply, AdminError> {
        self.ask("admin")
            .map_err(|Outage(verdict)| AdminError::Store(verdict))?;
        match request {
            admin::Request::UserPassword { .. } => {
                let refused = Decision::new(Verdict::PasswordTooShort, Rule::Form);
                Err(AdminError::Password(Box::new(refused)))
            }
            admin::Request::GroupAdd(name) => {
                self.add_group(&name, &[]);
                Ok(admin::Reply::Done)
            }
            _ => Ok(admin::Reply::Done),
        }
    }

    fn tickets(&self, user: &UserName, _service: &str, _now: Timestamp) -> Option<Tickets> {
        let mut tickets = self.tickets.lock().unwrap();
        tickets.take_if(|_| user.key() == "alice")
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
            directory: None,
        }
    }
}

fn larry() -> Arc<FewLocalNames> {
    Arc::new(FewLocalNames {
        users: vec![LOCAL],
        ..FewLocalNames::default()
    })
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
        directory: None,
        texts: crate::config::Texts::default(),
        confinement: crate::confine::Confinement::Off,
    }
}

pub(crate) fn host() -> Host {
    Host {
        short: "ws1".to_owned(),
        fqdn: "ws1.corp.example".to_owned(),
    }
}

/// A desk before a fake backend, with the built-in rights and a log that can be read.
pub(crate) fn desk() -> (Arc<Desk>, Arc<Fake>, Arc<Log>) {
    desk_of(Fake::new())
}

/// A desk with these rights.
pub(crate) fn desk_with(rights: &str) -> (Arc<Desk>, Arc<Fake>, Arc<Log>) {
    let fake = Fake::new();
    std::fs::write(fake.rights(), rights).unwrap();
    desk_of(fake)
}

fn desk_of(fake: Fake) -> (Arc<Desk>, Arc<Fake>, Arc<Log>) {
    let fake = Arc::new(fake);
    let log = Arc::new(Log::kept());
    (desk_before(&fake, &log), fake, log)
}

/// The desk of the daemon when it is started again.
pub(crate) fn again(fake: &Arc<Fake>) -> Arc<Desk> {
    desk_before(fake, &Arc::new(Log::kept()))
}

fn desk_before(fake: &Arc<Fake>, log: &Arc<Log>) -> Arc<Desk> {
    let rights = RightsFile::open(
        fake.rights(),
        fake.folder.path().join("rights.last-good.json"),
        Arc::clone(fake) as Arc<dyn Backend>,
        larry(),
        // What it says has tests of its own.
        Arc::new(Log::kept()),
    );
    fake.asked.lock().unwrap().clear();
    let config = Config {
        database: fake.database(),
        ..config()
    };
    let desk = Desk::new(
        Arc::clone(fake) as Arc<dyn Backend>,
        larry(),
        Arc::clone(log),
        Arc::new(rights),
        config,
        host(),
    );
    Arc::new(desk)
}
