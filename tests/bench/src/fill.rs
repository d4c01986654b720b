//! Many accounts: in a database without a daemon, a million in seconds; or one by one.

use crate::domain;
use domlogon_accounts::{Cost, Database, Options, Settings};
use domlogon_protocol::Timestamp;
use domlogon_protocol::admin::{ImportedUser, NewUser, Request, UserChanges};
use domlogon_rules::FewLocalNames;
use domlogon_rules::backend::Backend;
use domlogon_tests::{Result, differs};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Accounts in one transaction.
const CHUNK: u32 = 20_000;

/// Members of the larger group.
const MEMBERS: u32 = 500;

/// Adds `count` accounts, `user0000000` and so on, and the groups `one-of-them`, with a
/// member, and `some-of-them`, with 500.
pub(crate) fn fill(path: &Path, count: u32) -> Result<()> {
    let database = Database::open(Options {
        path: path.to_owned(),
        name: "HERE".to_owned(),
        dns_name: "here.example".to_owned(),
        settings: Settings::default(),
        cost: Cost::STANDARD,
        local: Arc::new(FewLocalNames::default()),
    })
    .map_err(|error| differs("the database", "open", error.to_string()))?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = Timestamp(i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or_default());
    let ask = |request: Request| {
        let done = database.admin(request, now);
        done.map_err(|error| differs("the database", "done", format!("{error:?}")))
    };
    ask(Request::GroupAdd("one-of-them".to_owned()))?;
    ask(Request::GroupAdd("some-of-them".to_owned()))?;
    for start in (0..count).step_by(CHUNK as usize) {
        let end = count.min(start.saturating_add(CHUNK));
        ask(Request::UserImport {
            users: (start..end).map(user).collect(),
            dry_run: false,
        })?;
    }
    database.close();
    Ok(())
}

/// Adds `count` accounts to the running daemon's domain, each by a request of its own.
pub(crate) fn add(count: u32) -> Result<()> {
    (0..count).try_for_each(|number| domain::add(&format!("single{number:07}"), None))
}

fn user(number: u32) -> ImportedUser {
    let name = format!("user{number:07}");
    let mut groups = Vec::new();
    if number == 0 {
        groups.push("one-of-them".to_owned());
    }
    if number < MEMBERS {
        groups.push("some-of-them".to_owned());
    }
    ImportedUser {
        row: number,
        new: NewUser {
            full_name: Some(format!("Full Name of {name}")),
            name,
            uid: None,
            home: None,
            shell: None,
            must_change: false,
            password: None,
        },
        changes: UserChanges::default(),
        groups,
        hash: None,
    }
}
