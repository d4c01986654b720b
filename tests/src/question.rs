//! Requests to the daemon as root's programs and the command line make them, without a process
//! for each: where thousands are made, or many at once.

use crate::failure::{Result, differs};
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::client::{self, CallError, PAM_DEADLINE};
use domlogon_protocol::{Origin, Reply, Request, Secret, UserName, Verdict};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const SOCKET: &str = "/run/domlogon/socket";
const ADMIN: &str = "/run/domlogon/admin";

/// As long as the command line waits.
const WORK: Duration = Duration::from_secs(30);

/// What became of a request to the daemon: its answer, or why there is none.
pub type Answered<T> = Result<T, CallError>;

/// A name and a password, as login gives them.
///
/// # Errors
/// When there is no answer.
pub fn logon(user: &str, password: &str) -> Answered<Verdict> {
    decide(&Request::Logon {
        user: named(user),
        password: Secret::new(password.as_bytes()),
        origin: origin("login"),
    })
}

/// The same, again as long as the daemon is busy or late, which is no answer: where the host is
/// slow, and the test is about something else.
///
/// # Errors
/// When there is no answer, or none other for a minute.
pub fn logon_in_the_end(user: &str, password: &str) -> Answered<Verdict> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match logon(user, password) {
            Ok(Verdict::Busy) | Err(CallError::NotTaken | CallError::Timeout)
                if Instant::now() < end =>
            {
                thread::sleep(Duration::from_millis(50));
            }
            other => return other,
        }
    }
}

/// Account management, as after a key of ssh.
///
/// # Errors
/// When there is no answer.
pub fn account(user: &str) -> Answered<Verdict> {
    decide(&Request::Account {
        user: named(user),
        origin: origin("login"),
    })
}

/// The second pass of a password change.
///
/// # Errors
/// When there is no answer.
pub fn change(user: &str, old: &str, new: &str) -> Answered<Verdict> {
    decide(&Request::Change {
        user: named(user),
        old: Some(Secret::new(old.as_bytes())),
        new: Secret::new(new.as_bytes()),
        origin: origin("passwd"),
    })
}

/// An administrator's request.
///
/// # Errors
/// When there is no answer.
pub fn administer(request: admin::Request) -> Answered<Result<admin::Reply, AdminError>> {
    let reply = client::call(Path::new(ADMIN), &Request::Admin(request), WORK)?;
    Ok(match reply {
        Reply::Admin(reply) => Ok(*reply),
        Reply::AdminRefused(refused) => Err(*refused),
        Reply::Refused(verdict) => Err(AdminError::Store(verdict)),
        other => Err(AdminError::BadText(format!("{other:?}"))),
    })
}

/// An account as an administrator sees it; `None` if there is none.
///
/// # Errors
/// When the daemon does not tell.
pub fn show(user: &str) -> Result<Option<admin::UserRecord>> {
    match administer(admin::Request::UserShow(user.to_owned())) {
        Ok(Ok(admin::Reply::User(record))) => Ok(Some(*record)),
        Ok(Err(AdminError::NoSuchUser(_))) => Ok(None),
        other => Err(differs(
            format!("{user} shown"),
            "an account, or that there is none",
            format!("{other:?}"),
        )),
    }
}

/// The full name of an account, changed.
pub fn renaming(user: &str, full_name: &str) -> admin::Request {
    admin::Request::UserSet {
        name: user.to_owned(),
        changes: Box::new(admin::UserChanges {
            full_name: Some(full_name.to_owned()),
            ..admin::UserChanges::default()
        }),
        force: false,
    }
}

/// Whether the verdict says that nobody could be asked, or not now: no refusal of a person, and
/// never a grant.
pub fn is_outage(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Busy
            | Verdict::AcfNotLoaded
            | Verdict::AcfNoRoom
            | Verdict::AcfFileIoFail
            | Verdict::CanNotGrowUasFile
            | Verdict::InvalidDatabase
    )
}

fn decide(request: &Request) -> Answered<Verdict> {
    Ok(
        match client::call(Path::new(SOCKET), request, PAM_DEADLINE)? {
            Reply::Decision(decision) => decision.verdict,
            Reply::Refused(verdict) => verdict,
            _ => Verdict::InvalidApi,
        },
    )
}

fn named(user: &str) -> UserName {
    // Names here are our own.
    UserName::parse(user.as_bytes()).unwrap_or_else(|error| panic!("{user}: {error}"))
}

fn origin(service: &str) -> Origin {
    Origin {
        service: service.to_owned(),
        ..Origin::default()
    }
}
