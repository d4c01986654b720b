//! The proofs: that who passed before still does, that an account of the domain passes, and
//! that wrong passwords and disabled accounts do not. All through the host's real libpam.

pub(crate) mod child;
mod guest;

use super::change::Direction;
use super::error::EnableError;
use super::host::Host;
use crate::daemon::Daemon;
use crate::error::Error;
use child::{Failure, Job, Result as ChildResult, run};
use domlogon_protocol::{Hook, PamCode, Reply, Request, Secret, UserName};
use domlogon_trial::{AUTH_ERR, Call, Outcome, SUCCESS, Trial};
pub(crate) use guest::{Guest, forget_late, random_name};
use std::fs;

/// The password must be changed: PAM's code.
const NEW_AUTHTOK_REQD: i32 = 12;

/// The ways in that are tried, where the host has them.
const SERVICES: [&str; 4] = ["login", "sshd", "su", "sudo"];

/// The user who calls where root would pass without a password (su).
const NOBODY: u32 = 65_534;

/// What the local accounts get at each way in.
#[derive(Debug)]
pub(crate) struct Locals(Vec<(Trial, ChildResult<Outcome>)>);

/// Looks how the local accounts fare now.
pub(crate) fn locals(host: &Host) -> Locals {
    Locals(
        local_trials(host)
            .into_iter()
            .map(|trial| (trial.clone(), attempt(&trial, None)))
            .collect(),
    )
}

/// What has become worse for the local accounts.
pub(crate) fn compare(before: &Locals, direction: Direction) -> Vec<Box<str>> {
    before
        .0
        .iter()
        .filter_map(|(trial, old)| {
            let new = attempt(trial, None);
            is_worse(direction, trial.call, old, &new).then(|| {
                format!(
                    "the local account {}, {}: {}, and before {}",
                    trial.user,
                    way(trial),
                    got(&new),
                    got(old)
                )
                .into()
            })
        })
        .collect()
}

/// What libpam says of a stack that it cannot run: a module that is gone, or has failed.
const BROKEN: [i32; 6] = [1, 2, 3, 4, 26, 28];

/// Turning on leaves everything as it is. Turning off may end what kept somebody out, or what
/// crashed: only who passed must still pass, no wrong password may, and where a password was
/// asked for it must still be, by a stack that is whole.
fn is_worse(
    direction: Direction,
    call: Call,
    old: &ChildResult<Outcome>,
    new: &ChildResult<Outcome>,
) -> bool {
    let code = |result: &ChildResult<Outcome>| result.as_ref().ok().map(|outcome| outcome.code);
    match (direction, call) {
        (Direction::On, _) => match (old, new) {
            (Ok(old), Ok(new)) => old.code != new.code || old.prompts != new.prompts,
            (Err(_), Err(_)) => false,
            _ => true,
        },
        (Direction::Off, Call::Account) => {
            let passed = matches!(code(old), Some(SUCCESS | NEW_AUTHTOK_REQD));
            passed && code(new) != Some(SUCCESS) && code(new) != code(old)
        }
        (Direction::Off, Call::Authenticate) => {
            let opens = code(new) == Some(SUCCESS) && code(old) != Some(SUCCESS);
            let asked = matches!(old, Ok(old) if old.code != SUCCESS && old.prompts > 0);
            let broken = match new {
                Ok(new) => new.prompts == 0 || BROKEN.contains(&new.code),
                Err(_) => true,
            };
            opens || (asked && broken)
        }
    }
}

/// What does not hold of accounts of the domain. `guest` is one, made for this.
///
/// # Errors
/// When the daemon does not answer.
pub(crate) fn domain(
    host: &Host,
    daemon: &Daemon,
    guest: &Guest<'_>,
) -> Result<Proved, EnableError> {
    let mut proved = Proved::default();
    proved.look_up(&guest.name);
    let services = services(host);
    for service in &services {
        proved.right_password(service, daemon, guest)?;
    }
    if !services.is_empty() && proved.admitted.is_empty() && proved.failures.is_empty() {
        proved
            .notes
            .push("no right of the domain lets a new account in at any of these ways".into());
    }
    // Wrong ones last: they may lock the account.
    for service in &services {
        proved.wrong_password(
            service,
            &guest.name,
            "an account of the domain with a wrong password",
        );
    }
    guest.disable()?;
    for service in &services {
        proved.disabled(service, guest);
    }
    Ok(proved)
}

/// What does not hold of accounts of a directory. No account is made there for this, and
/// nobody's password is tried: a wrong one would count. `known` is one that the directory has,
/// `nobody` a name that it does not have.
///
/// # Errors
/// When the daemon does not answer.
pub(crate) fn directory(
    host: &Host,
    daemon: &Daemon,
    known: Option<&str>,
    nobody: &str,
) -> Result<Proved, EnableError> {
    let mut proved = Proved {
        known: known.map(str::to_owned),
        in_directory: true,
        ..Proved::default()
    };
    match known {
        Some(known) => {
            proved.look_up(known);
            for service in &services(host) {
                let (_, wanted) = expected(daemon, service, known)?;
                proved.account(service, known, wanted);
            }
        }
        None => proved.notes.push(
            "the directory has no account that this host could show, so none was tried".into(),
        ),
    }
    for service in services(host) {
        proved.wrong_password(&service, nobody, "a name that nobody has");
    }
    Ok(proved)
}

/// What the proofs found.
#[derive(Debug, Default)]
pub(crate) struct Proved {
    /// The ways in at which an account of the domain was let in.
    pub(crate) admitted: Vec<String>,
    /// What did not work as it must.
    pub(crate) failures: Vec<Box<str>>,
    /// What is worth knowing.
    pub(crate) notes: Vec<Box<str>>,
    /// The accounts are in a directory.
    pub(crate) in_directory: bool,
    /// Whose account of the directory was tried.
    pub(crate) known: Option<String>,
}

impl Proved {
    fn fail(&mut self, text: String) {
        self.failures.push(text.into());
    }

    fn look_up(&mut self, name: &str) {
        match run(&Job::Lookup(name.to_owned()), None) {
            Ok(child::Done::Found(true)) => {}
            Ok(_) => self.fail(
                "the name of an account of the domain is not found (libnss_domlogon.so.2 is \
                 missing or cannot be loaded)"
                    .to_owned(),
            ),
            Err(failure) => self.fail(format!("looking up an account of the domain: {failure}")),
        }
    }

    /// The right password, and the account stack: what the daemon says is what libpam says.
    fn right_password(
        &mut self,
        service: &str,
        daemon: &Daemon,
        guest: &Guest<'_>,
    ) -> Result<(), EnableError> {
        let (at_password, at_account) = expected(daemon, service, &guest.name)?;
        let trials = [
            (Call::Authenticate, at_password),
            (Call::Account, at_account),
        ];
        let mut passed = true;
        for (call, wanted) in trials {
            let trial = trial(service, &guest.name, call, Some(guest.password.clone()));
            let result = attempt(&trial, visitor(&trial));
            if !result.as_ref().is_ok_and(|o| o.code == wanted.number()) {
                self.fail(format!(
                    "an account of the domain with its right password, {}: {}, expected {}",
                    way(&trial),
                    got(&result),
                    wanted.symbol()
                ));
            }
            passed &= wanted == PamCode::Success;
        }
        if passed {
            self.admitted.push(service.to_owned());
        }
        Ok(())
    }

    fn wrong_password(&mut self, service: &str, name: &str, whose: &str) {
        let wrong = Secret::new(b"not the password of this account");
        let trial = trial(service, name, Call::Authenticate, Some(wrong));
        let result = attempt(&trial, visitor(&trial));
        if !result.as_ref().is_ok_and(|o| o.code != SUCCESS) {
            self.fail(format!("{whose}, {}: {}", way(&trial), got(&result)));
        }
    }

    /// What the daemon says of somebody who comes with an ssh key is what libpam says.
    fn account(&mut self, service: &str, name: &str, wanted: PamCode) {
        let trial = trial(service, name, Call::Account, None);
        let result = attempt(&trial, None);
        if !result.as_ref().is_ok_and(|o| o.code == wanted.number()) {
            self.fail(format!(
                "the account {name} of the directory, {}: {}, expected {}",
                way(&trial),
                got(&result),
                wanted.symbol()
            ));
        }
    }

    /// A refusal stays a refusal, also for who comes with an ssh key.
    fn disabled(&mut self, service: &str, guest: &Guest<'_>) {
        let trial = trial(service, &guest.name, Call::Account, None);
        let result = attempt(&trial, None);
        if !result.as_ref().is_ok_and(|o| o.code != SUCCESS) {
            self.fail(format!(
                "a disabled account of the domain, {}: {}",
                way(&trial),
                got(&result)
            ));
        }
    }
}

/// What the daemon says that a logon gets, with the password and without.
fn expected(daemon: &Daemon, service: &str, name: &str) -> Result<(PamCode, PamCode), EnableError> {
    let other = || EnableError::Daemon(Box::new(Error::OtherReply));
    let request = Request::Explain {
        user: UserName::parse(name.as_bytes()).map_err(|_| other())?,
        service: service.to_owned(),
        at: None,
    };
    match daemon.look(&request) {
        Ok(Reply::Explanation(explained)) => Ok((
            explained
                .with_password
                .verdict
                .pam_code(Hook::Authenticate, service),
            explained
                .without_password
                .verdict
                .pam_code(Hook::Account, service),
        )),
        Ok(_) => Err(other()),
        Err(error) => Err(EnableError::Daemon(Box::new(error))),
    }
}

/// root and a person's account by account management everywhere; and an account that has no
/// password up to where it is refused. No real person's account is tried with a wrong
/// password: modules that count those would count it.
fn local_trials(host: &Host) -> Vec<Trial> {
    let passwd = fs::read_to_string(host.at("/etc/passwd")).unwrap_or_default();
    let mut users = vec!["root".to_owned()];
    users.extend(person(&passwd));
    let mut trials = Vec::new();
    for service in services(host) {
        for user in &users {
            trials.push(trial(&service, user, Call::Account, None));
        }
        if let Some(system) = system_account(&passwd) {
            if service != "su" {
                let wrong = Secret::new(b"nobody has this password");
                trials.push(trial(&service, &system, Call::Authenticate, Some(wrong)));
            }
        }
    }
    trials
}

fn services(host: &Host) -> Vec<String> {
    SERVICES
        .iter()
        .filter(|service| host.stacks().join(service).is_file())
        .map(|service| (*service).to_owned())
        .collect()
}

/// The first account that is a person's.
fn person(passwd: &str) -> Option<String> {
    entries(passwd)
        .find(|(_, id, shell)| {
            (1000..60_000).contains(id) && !shell.ends_with("nologin") && !shell.ends_with("false")
        })
        .map(|(name, _, _)| name.to_owned())
}

/// An account of the system itself, which has no password.
fn system_account(passwd: &str) -> Option<String> {
    ["nobody", "daemon", "bin"]
        .iter()
        .find(|wanted| entries(passwd).any(|(name, _, _)| name == **wanted))
        .map(|name| (*name).to_owned())
}

fn entries(passwd: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        Some((
            *fields.first()?,
            fields.get(2)?.parse().ok()?,
            *fields.get(6)?,
        ))
    })
}

fn trial(service: &str, user: &str, call: Call, password: Option<Secret>) -> Trial {
    Trial {
        service: service.to_owned(),
        user: user.to_owned(),
        tty: match service {
            "login" => Some("tty1".to_owned()),
            "sshd" => Some("ssh".to_owned()),
            _ => None,
        },
        call,
        password,
    }
}

/// As whom a trial runs, if not as root.
fn visitor(trial: &Trial) -> Option<u32> {
    (trial.service == "su" && trial.call == Call::Authenticate).then_some(NOBODY)
}

fn attempt(trial: &Trial, as_user: Option<u32>) -> ChildResult<Outcome> {
    match run(&Job::Trial(Box::new(trial.clone())), as_user)? {
        child::Done::Tried(outcome) => Ok(outcome),
        child::Done::NotBegun(words) => Err(Failure::NotBegun(words)),
        child::Done::Found(_) => Err(Failure::Ended),
    }
}

fn way(trial: &Trial) -> String {
    match trial.call {
        Call::Authenticate => format!("password at {}", trial.service),
        Call::Account => format!("account management of {}", trial.service),
    }
}

fn got(result: &ChildResult<Outcome>) -> String {
    match result {
        Ok(outcome) if outcome.code == SUCCESS && outcome.prompts == 0 => "let in".to_owned(),
        Ok(outcome) if outcome.code == SUCCESS => "let in after a password".to_owned(),
        Ok(outcome) if outcome.code == AUTH_ERR && outcome.prompts > 0 => {
            "refused after a password".to_owned()
        }
        Ok(outcome) => format!("{} (code {})", outcome.words, outcome.code),
        Err(failure) => failure.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
svc:x:1000:1000::/:/usr/sbin/nologin
broken
ann:x:1001:1001:Ann:/home/ann:/bin/bash
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
";

    #[test]
    fn what_is_worse() {
        let gives = |code| {
            Ok(Outcome {
                code,
                words: String::new(),
                prompts: 1,
                said: Vec::new(),
            })
        };
        let (yes, no) = (|| gives(SUCCESS), || gives(AUTH_ERR));
        let unasked = || {
            gives(AUTH_ERR).map(|outcome| Outcome {
                prompts: 0,
                ..outcome
            })
        };
        let crash = || Err(Failure::Ended);
        let (account, wrong) = (Call::Account, Call::Authenticate);
        for (call, old, new, when_on, when_off) in [
            (account, yes(), yes(), false, false),
            (account, yes(), no(), true, true),
            (account, yes(), crash(), true, true),
            (account, yes(), gives(NEW_AUTHTOK_REQD), true, true),
            (account, gives(NEW_AUTHTOK_REQD), no(), true, true),
            // Turning off ends a lockout.
            (account, no(), yes(), true, false),
            (account, no(), crash(), true, false),
            (account, crash(), yes(), true, false),
            (account, crash(), no(), true, false),
            (account, crash(), crash(), false, false),
            (wrong, no(), no(), false, false),
            (wrong, no(), gives(9), true, false),
            (wrong, crash(), no(), true, false),
            (wrong, no(), crash(), true, true),
            (wrong, no(), gives(28), true, true),
            (wrong, no(), unasked(), true, true),
            (wrong, unasked(), no(), true, false),
            (wrong, unasked(), crash(), true, false),
            (wrong, no(), yes(), true, true),
            (wrong, crash(), yes(), true, true),
            (wrong, yes(), yes(), false, false),
            (wrong, yes(), no(), true, false),
        ] {
            let worse = |direction| is_worse(direction, call, &old, &new);
            assert_eq!(
                worse(Direction::On),
                when_on,
                "on: {call:?} {old:?} {new:?}"
            );
            assert_eq!(
                worse(Direction::Off),
                when_off,
                "off: {call:?} {old:?} {new:?}"
            );
        }
    }

    #[test]
    fn whom_it_tries() {
        assert_eq!(person(PASSWD).as_deref(), Some("ann"));
        assert_eq!(system_account(PASSWD).as_deref(), Some("nobody"));
        assert_eq!(person("root:x:0:0::/:/bin/sh\n"), None);
        let root = tempfile::tempdir().unwrap();
        let host = Host::under(root.path());
        fs::create_dir_all(host.stacks()).unwrap();
        fs::write(host.at("/etc/passwd"), PASSWD).unwrap();
        fs::write(host.stacks().join("sshd"), "").unwrap();
        fs::write(host.stacks().join("su"), "").unwrap();
        let tried: Vec<String> = local_trials(&host)
            .iter()
            .map(|trial| format!("{} {:?} {}", trial.service, trial.call, trial.user))
            .collect();
        assert_eq!(
            tried,
            [
                "sshd Account root",
                "sshd Account ann",
                "sshd Authenticate nobody",
                "su Account root",
                "su Account ann",
            ],
            "a person's account is never tried with a wrong password"
        );
    }
}
