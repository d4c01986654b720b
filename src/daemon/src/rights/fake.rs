//! A backend for tests that knows names and nothing else, and a host with two local ones.

use super::RightsFile;
use crate::log::Log;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::directory::{Group, Page, User};
use domlogon_protocol::{
    Decision, Explanation, Params, Qualifier, Secret, Sid, Timestamp, UserName, Verdict,
};
use domlogon_rules::FewLocalNames;
use domlogon_rules::backend::{Backend, Outage, Principal, Summary};
use domlogon_rules::{Judgement, Place, Token};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A domain CORP with the names that a test gives it.
pub(super) struct Fake {
    /// By folded name: the spelling and the last part of the identifier.
    names: Mutex<BTreeMap<String, (String, u32)>>,
    pub(super) out: AtomicBool,
    /// A name that the accounts cannot be asked about.
    pub(super) out_for: Mutex<Option<&'static str>>,
    pub(super) asked: AtomicUsize,
    /// Whether amy, the administrator, can log on.
    pub(super) has_administrator: AtomicBool,
}

pub(super) fn sid(rid: u32) -> Sid {
    Sid::domain(1, 2, 3).with_rid(rid)
}

/// The token of a user with this identifier in one group with that one.
pub(super) fn token(user: u32, group: u32) -> Token {
    Token::new("x", sid(user), vec![sid(group), Sid::builtin(545)])
}

impl Fake {
    pub(super) fn add(&self, name: &str, rid: u32) {
        let mut names = self.names.lock().unwrap();
        names.insert(UserName::fold(name), (name.to_owned(), rid));
    }

    pub(super) fn delete(&self, name: &str) {
        assert!(self.names.lock().unwrap().remove(name).is_some());
    }

    fn ask(&self) -> Result<(), Outage> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.out.load(Ordering::Relaxed) {
            true => Err(Outage(Verdict::InvalidDatabase)),
            false => Ok(()),
        }
    }
}

impl Backend for Fake {
    fn principal(&self, name: &UserName) -> Result<Option<Principal>, Outage> {
        self.ask()?;
        if *self.out_for.lock().unwrap() == Some(&*name.key()) {
            return Err(Outage(Verdict::InvalidDatabase));
        }
        if !matches!(name.qualifier(), Qualifier::Short(domain) if domain == "CORP")
            && *name.qualifier() != Qualifier::None
        {
            return Ok(None);
        }
        let names = self.names.lock().unwrap();
        Ok(names.get(&name.key()).map(|(name, rid)| Principal {
            name: name.clone(),
            sid: sid(*rid),
        }))
    }

    fn name_of(&self, of: &Sid) -> Result<Option<String>, Outage> {
        self.ask()?;
        let names = self.names.lock().unwrap();
        let found = names.values().find(|(_, rid)| sid(*rid) == *of);
        Ok(found.map(|(name, _)| name.clone()))
    }

    fn administrators(&self, _: Timestamp) -> Result<Vec<Token>, Outage> {
        self.ask()?;
        let groups = vec![Sid::builtin(544), Sid::builtin(545)];
        let amy = Token::new("amy", sid(1001), groups);
        Ok(match self.has_administrator.load(Ordering::Relaxed) {
            true => vec![amy],
            false => Vec::new(),
        })
    }

    fn user_by_name(&self, _: &str) -> Result<Option<User>, Outage> {
        unreachable!()
    }

    fn user_by_id(&self, _: u32) -> Result<Option<User>, Outage> {
        unreachable!()
    }

    fn group_by_name(&self, _: &str) -> Result<Option<Group>, Outage> {
        unreachable!()
    }

    fn group_by_id(&self, _: u32) -> Result<Option<Group>, Outage> {
        unreachable!()
    }

    fn group_ids(&self, _: &str) -> Result<Option<Vec<u32>>, Outage> {
        unreachable!()
    }

    fn users(&self, _: u32, _: usize) -> Result<Page<User>, Outage> {
        unreachable!()
    }

    fn groups(&self, _: u32, _: usize) -> Result<Page<Group>, Outage> {
        unreachable!()
    }

    fn logon(
        &self,
        _: &UserName,
        _: &Secret,
        _: &Place<'_>,
        _: Timestamp,
    ) -> Result<Judgement, Outage> {
        unreachable!()
    }

    fn account(&self, _: &UserName, _: &Place<'_>, _: Timestamp) -> Result<Judgement, Outage> {
        unreachable!()
    }

    fn preliminary(
        &self,
        _: &UserName,
        _: Option<&Secret>,
        _: &Place<'_>,
        _: Timestamp,
    ) -> Result<(Decision, Option<Params>), Outage> {
        unreachable!()
    }

    fn change(
        &self,
        _: &UserName,
        _: Option<&Secret>,
        _: &Secret,
        _: &Place<'_>,
        _: Timestamp,
    ) -> Result<Decision, Outage> {
        unreachable!()
    }

    fn explain(
        &self,
        _: &UserName,
        _: &Place<'_>,
        _: Timestamp,
    ) -> Result<Option<Explanation>, Outage> {
        unreachable!()
    }

    fn is_administrator(&self, _: u32, _: Timestamp) -> Result<bool, Outage> {
        unreachable!()
    }

    fn token(&self, _: &UserName) -> Result<Option<Token>, Outage> {
        unreachable!()
    }

    fn admin(&self, _: admin::Request, _: Timestamp) -> Result<admin::Reply, AdminError> {
        unreachable!()
    }

    fn summary(&self) -> Summary {
        unreachable!()
    }
}

/// The host has a user larry and a group crew.
pub(super) fn host() -> FewLocalNames {
    FewLocalNames {
        users: vec!["root", "larry"],
        groups: vec!["crew"],
        ..FewLocalNames::default()
    }
}

/// A host whose configuration and database are in one folder.
pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) fake: Arc<Fake>,
}

impl World {
    pub(super) fn new() -> Self {
        let fake = Fake {
            names: Mutex::default(),
            out: AtomicBool::default(),
            out_for: Mutex::default(),
            asked: AtomicUsize::default(),
            has_administrator: AtomicBool::new(true),
        };
        fake.add("Alice", 1000);
        fake.add("amy", 1001);
        fake.add("Staff", 2000);
        fake.add("contractors", 2001);
        Self {
            dir: tempfile::tempdir().unwrap(),
            fake: Arc::new(fake),
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        let folder = self.dir.path().join("etc");
        let _ = std::fs::create_dir(&folder);
        folder.join("rights.toml")
    }

    pub(super) fn kept(&self) -> PathBuf {
        self.dir.path().join("rights.last-good.json")
    }

    /// Puts a new file in the place of the old one.
    pub(super) fn write(&self, text: &str) {
        let new = self.dir.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, self.file()).unwrap();
    }

    /// Starts with the file as it is.
    pub(super) fn open(&self) -> (Arc<RightsFile>, Arc<Log>) {
        let log = Arc::new(Log::kept());
        let rights = RightsFile::open(
            self.file(),
            self.kept(),
            Arc::clone(&self.fake) as Arc<dyn Backend>,
            Arc::new(host()),
            Arc::clone(&log),
        );
        (Arc::new(rights), log)
    }
}
