//! Against real files in a folder of their own; hashes are cheap, so that the tests are quick.

mod admin;
mod change;
mod groups;
mod import;
mod logon;
mod migration;
mod names;
mod principals;
mod roster;
mod store;
mod tokens;

use crate::{Cost, Database, Error, Options, Settings};
use domlogon_protocol::admin::{AdminError, NewUser, Reply, Request, UserChanges, UserRecord};
use domlogon_protocol::{Decision, LogonType, Secret, Timestamp, UserName, Verdict};
use domlogon_rules::backend::{Backend, Outage};
use domlogon_rules::{FewLocalNames, LocalNames};
use domlogon_rules::{Host, Place, Rights};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp(1_800_000_000);
const DAY: i64 = 86_400;
const PASSWORD: &str = "Correct-horse-1";

const CHEAP: Cost = Cost {
    memory: 16,
    passes: 1,
    lanes: 1,
};
const DEARER: Cost = Cost {
    memory: 32,
    passes: 1,
    lanes: 1,
};

static HOST: LazyLock<Host> = LazyLock::new(|| Host {
    short: "here".to_owned(),
    fqdn: "here.corp.example".to_owned(),
});

/// The built-in holders: every account of the domain may log on at the console.
static RIGHTS: LazyLock<Rights> = LazyLock::new(Rights::default);

/// A domain of its own.
struct World {
    folder: TempDir,
    db: Database,
}

impl std::ops::Deref for World {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.db
    }
}

impl World {
    fn new() -> Self {
        Self::with(Arc::new(FewLocalNames::default()))
    }

    fn with(local: Arc<dyn LocalNames>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path().join("accounts.db"));
        options.local = local;
        let db = Database::open(options).unwrap();
        Self { folder, db }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("accounts.db")
    }

    /// Closes the database and opens it as `change` says.
    fn reopened(self, change: impl FnOnce(&mut Options)) -> Result<Self, Error> {
        let Self { folder, db } = self;
        db.close();
        drop(db);
        let mut options = options(folder.path().join("accounts.db"));
        change(&mut options);
        let db = Database::open(options)?;
        Ok(Self { folder, db })
    }

    /// An account with [`PASSWORD`], set long enough ago to be changed.
    fn user(&self, name: &str) -> UserRecord {
        let new = NewUser {
            password: Some(secret(PASSWORD)),
            ..new_user(name)
        };
        let reply = self.ask(Request::UserAdd(Box::new(new))).unwrap();
        self.set(name, |c| c.password_set_at = Some(NOW.plus(-5 * DAY)));
        record(reply)
    }

    fn ask(&self, request: Request) -> Result<Reply, AdminError> {
        self.db.admin(request, NOW)
    }

    fn set(&self, name: &str, change: impl FnOnce(&mut UserChanges)) {
        self.try_set(name, false, change).unwrap();
    }

    fn try_set(
        &self,
        name: &str,
        force: bool,
        change: impl FnOnce(&mut UserChanges),
    ) -> Result<Reply, AdminError> {
        let mut changes = UserChanges::default();
        change(&mut changes);
        self.ask(Request::UserSet {
            name: name.to_owned(),
            changes: Box::new(changes),
            force,
        })
    }

    fn policy(&self, change: impl FnOnce(&mut domlogon_protocol::admin::PolicyChanges)) {
        let mut changes = domlogon_protocol::admin::PolicyChanges::default();
        change(&mut changes);
        self.ask(Request::PolicySet(Box::new(changes))).unwrap();
    }

    fn show(&self, name: &str) -> UserRecord {
        record(self.ask(Request::UserShow(name.to_owned())).unwrap())
    }

    fn show_at(&self, name: &str, now: Timestamp) -> UserRecord {
        record(
            self.db
                .admin(Request::UserShow(name.to_owned()), now)
                .unwrap(),
        )
    }

    fn try_logon(&self, user: &str, password: &str, now: Timestamp) -> Result<Decision, Outage> {
        self.db
            .logon(&name(user), &secret(password), &console(), now)
            .map(|judgement| judgement.decision)
    }

    fn logon(&self, user: &str, password: &str) -> Verdict {
        self.logon_at(user, password, NOW)
    }

    fn logon_at(&self, user: &str, password: &str, now: Timestamp) -> Verdict {
        self.try_logon(user, password, now).unwrap().verdict
    }

    fn change(&self, user: &str, old: &str, new: &str) -> Decision {
        self.change_at(user, old, new, NOW)
    }

    fn change_at(&self, user: &str, old: &str, new: &str, now: Timestamp) -> Decision {
        let (old, new) = (secret(old), secret(new));
        self.db
            .change(&name(user), Some(&old), &new, &console(), now)
            .unwrap()
    }

    fn reset(&self, user: &str, new: &str) -> Result<Reply, AdminError> {
        self.ask(Request::UserPassword {
            name: user.to_owned(),
            password: secret(new),
            must_change: false,
            unlock: false,
        })
    }
}

fn options(path: PathBuf) -> Options {
    Options {
        path,
        name: "CORP".to_owned(),
        dns_name: "corp.example".to_owned(),
        settings: Settings::default(),
        cost: CHEAP,
        local: Arc::new(FewLocalNames::default()),
    }
}

fn new_user(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        full_name: None,
        uid: None,
        home: None,
        shell: None,
        must_change: false,
        password: None,
    }
}

fn record(reply: Reply) -> UserRecord {
    match reply {
        Reply::User(record) => *record,
        other => panic!("not an account: {other:?}"),
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}

fn name(text: &str) -> UserName {
    UserName::parse(text.as_bytes()).unwrap()
}

fn console() -> Place<'static> {
    place("login", LogonType::Interactive)
}

fn place(service: &'static str, logon_type: LogonType) -> Place<'static> {
    Place {
        service,
        logon_type,
        can_change: true,
        host: &HOST,
        domain: "CORP",
        rights: &RIGHTS,
    }
}

fn add_group(world: &World, name: &str) {
    world.ask(Request::GroupAdd(name.to_owned())).unwrap();
}

fn add_member(world: &World, group: &str, member: &str) {
    world
        .ask(Request::GroupAddMembers {
            group: group.to_owned(),
            members: vec![member.to_owned()],
        })
        .unwrap();
}
