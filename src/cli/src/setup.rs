//! `domlogon setup`: a domain and its first administrator.
//!
//! Everything is asked before anything is changed, and each step first looks whether it is
//! done: a second run ends where the first one did, and one that was cut short goes on.

mod arguments;
pub(crate) mod configuration;
mod error;
pub(crate) mod fuzzed;
mod questions;
mod service;

pub(crate) use arguments::Setup;
pub(crate) use error::SetupError;

use crate::answer::Answer;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::password;
use crate::words::shell_word;
use configuration::{Existing, FILE, Names, Plan};
use domlogon_protocol::admin::{AdminError, NewUser, Reply, Request, UserRecord};
use domlogon_protocol::{Reply as AnyReply, Request as AnyRequest, Secret, UserName};
use serde::Serialize;
use std::path::Path;

const ADMINISTRATORS: &str = "Administrators";

/// What to do when the domain is there. A mistake in there ends by itself.
const NEXT: &str = "domlogon enable --confirm 120s";

/// What a run has changed.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Done {
    configuration_written: bool,
    daemon_started: bool,
    administrator_made: bool,
    password_set: bool,
    administrator_joined: bool,
}

pub(crate) fn run(asked: &Setup, daemon: &Daemon) -> Result<Answer, Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(SetupError::NotRoot.into());
    }
    let file = Path::new(FILE);
    let existing = Existing::read(file)?;
    let names = questions::names(asked, &existing)?;
    let plan = existing.plan(&names, service::has_database())?;
    let administrator = questions::administrator(asked)?;
    UserName::parse(administrator.as_bytes())
        .map_err(|error| Error::BadName(administrator.clone(), error))?;

    let runs = is_running(daemon, &names)?;
    let found = if runs {
        account(daemon, &administrator)?
    } else {
        None
    };
    let needs_password = !found.is_some_and(|user| user.has_password);
    let password = if needs_password {
        Some(questions::password(asked, &administrator)?)
    } else {
        None
    };

    let mut done = Done::default();
    if let Plan::Write(text) = plan {
        configuration::write(file, &text, existing.text())?;
        done.configuration_written = true;
    }
    if !runs {
        service::start()?;
        service::wait(|| is_running(daemon, &names))?;
        done.daemon_started = true;
    }
    make(asked, daemon, &administrator, password, &mut done)?;
    join(daemon, &administrator, &mut done)?;
    Ok(answer(&names, &administrator, &done))
}

/// Whether the daemon runs, for the domain of these names.
fn is_running(daemon: &Daemon, names: &Names) -> Result<bool, Error> {
    match daemon.look(&AnyRequest::Status) {
        Ok(AnyReply::Status(status)) => {
            if UserName::fold(&status.domain) == UserName::fold(&names.short) {
                Ok(true)
            } else {
                Err(SetupError::RunsFor(status.domain).into())
            }
        }
        Ok(_) => Err(Error::OtherReply),
        Err(Error::Call(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

fn account(daemon: &Daemon, name: &str) -> Result<Option<UserRecord>, Error> {
    match daemon.ask(Request::UserShow(name.to_owned())) {
        Ok(Reply::User(user)) => Ok(Some(*user)),
        Ok(_) => Err(Error::OtherReply),
        Err(Error::Refused(refused)) if matches!(*refused, AdminError::NoSuchUser(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Makes the account, or gives one that has no password this one. The password of an
/// account that has one is nobody's to change here.
fn make(
    asked: &Setup,
    daemon: &Daemon,
    name: &str,
    password: Option<Secret>,
    done: &mut Done,
) -> Result<(), Error> {
    /// How often a password may be refused at a terminal.
    const TRIES: u32 = 3;
    let Some(mut password) = password else {
        return Ok(());
    };
    for left in (0..TRIES).rev() {
        let set = match account(daemon, name)? {
            Some(user) if user.has_password => return Ok(()),
            Some(_) => daemon.ask(Request::UserPassword {
                name: name.to_owned(),
                password: password.clone(),
                must_change: false,
                unlock: false,
            }),
            None => {
                let added = daemon.ask(Request::UserAdd(Box::new(NewUser {
                    name: name.to_owned(),
                    full_name: None,
                    uid: None,
                    home: None,
                    shell: None,
                    must_change: false,
                    password: Some(password.clone()),
                })));
                done.administrator_made = added.is_ok();
                added
            }
        };
        match set {
            Ok(_) => {
                done.password_set = true;
                return Ok(());
            }
            Err(Error::Refused(refused))
                if left > 0
                    && !asked.password_stdin
                    && matches!(*refused, AdminError::Password(_)) =>
            {
                eprintln!("{}", Error::Refused(refused));
                password = password::ask_twice(name)?;
            }
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

fn join(daemon: &Daemon, name: &str, done: &mut Done) -> Result<(), Error> {
    let joined = daemon.ask(Request::GroupAddMembers {
        group: ADMINISTRATORS.to_owned(),
        members: vec![name.to_owned()],
    });
    match joined {
        Ok(_) => {
            done.administrator_joined = true;
            Ok(())
        }
        Err(Error::Refused(refused)) if matches!(*refused, AdminError::AlreadyMember(..)) => Ok(()),
        Err(other) => Err(other),
    }
}

fn answer(names: &Names, administrator: &str, done: &Done) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        changed: bool,
        domain: &'a str,
        dns_name: &'a str,
        administrator: &'a str,
        #[serde(flatten)]
        done: &'a Done,
        next: &'static str,
    }
    let changed = *done != Done::default();
    let say = |changed: bool, yes: &'static str, no: &'static str| if changed { yes } else { no };
    let text = format!(
        "The domain {} ({}) {}.\n\
         \x20 {FILE}: {}\n\
         \x20 domlogond: {}\n\
         \x20 {administrator}: {}, {}, {}\n\
         Nobody logs on with it yet. Next, with a way back if it goes wrong:\n\
         \x20 {NEXT}\n\
         Further accounts: domlogon user add NAME, domlogon user import FILE\n",
        names.short,
        names.dns,
        say(changed, "is set up", "was set up already"),
        say(done.configuration_written, "written", "kept as it was"),
        say(done.daemon_started, "started", "runs already"),
        say(done.administrator_made, "made", "was there already"),
        say(done.password_set, "password set", "password kept"),
        say(
            done.administrator_joined,
            "now an administrator",
            "an administrator already"
        ),
        administrator = shell_word(administrator),
    );
    let shown = Shown {
        changed,
        domain: &names.short,
        dns_name: &names.dns,
        administrator,
        done,
        next: NEXT,
    };
    Answer::yes(text, &shown)
}
