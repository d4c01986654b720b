//! `domlogon leave`

use super::arguments::Leave;
use super::configuration::{Configuration, FILE};
use super::error::JoinError;
use super::host::{Desk, Host, KEYTAB, Names};
use super::scratch::Scratch;
use super::{need_root, service};
use crate::answer::Answer;
use crate::error::Error;
use crate::password;
use domlogon_ad::join::{self, Authority, Gone};
use domlogon_ad::machine::{Machine, MachineError};
use serde::Serialize;
use std::fs;
use std::io;
use std::path::Path;

/// What the daemon knows of the domain: names, and proofs of passwords.
const CACHE: [&str; 3] = ["directory.db", "directory.db-wal", "directory.db-shm"];

pub(crate) fn run(asked: &Leave) -> Result<Answer, Error> {
    need_root("leave")?;
    let host = Host::new(asked.root.as_deref());
    let scratch = Scratch::take()?;
    let configuration = Configuration::read(&host)?;
    let state = configuration.state(&host);
    let machine = match Machine::load(&state) {
        Ok(machine) => Some(machine),
        // Half a leave, or a file that no join can use: there is nothing to tell anybody.
        Err(MachineError::NotJoined(_)) if asked.local => None,
        Err(_) if asked.local => None,
        Err(error) => return Err(JoinError::from(error).into()),
    };
    let gone = match &machine {
        Some(machine) if !asked.local => {
            let authority = authority(asked, machine)?;
            ready(&host)?;
            let desk = host.desk(&configuration, &scratch);
            Some(tell(&desk, &configuration, machine, authority.as_ref())?)
        }
        _ => {
            ready(&host)?;
            None
        }
    };
    service::stop(&host);
    forget(&host, &state).map_err(|why| JoinError::HalfLeft(gone.is_some(), Box::new(why)))?;
    let start = service::settle(&host, configuration.has_accounts(&host));
    Ok(answer(machine.as_ref(), gone, start))
}

/// By whose right the directory is told, if not by the host's own.
fn authority(asked: &Leave, machine: &Machine) -> Result<Option<Authority>, Error> {
    let Some(user) = &asked.user else {
        return Ok(None);
    };
    let prompt = format!("Password of {user} in {}: ", machine.realm);
    let password = if asked.password_stdin {
        password::line(&prompt)?
    } else {
        password::ask_once(&prompt).map_err(|error| match error {
            Error::NoTerminal(_) => Error::NoTerminal("--password-stdin"),
            other => other,
        })?
    };
    Ok(Some(Authority::Administrator {
        user: user.clone(),
        password,
    }))
}

/// Whether the configuration, as it is now, can be edited: a mistake in it stops the command
/// while nothing is changed.
fn ready(host: &Host) -> Result<(), JoinError> {
    Configuration::read(host)?.can_leave()
}

/// Tells the directory.
fn tell(
    desk: &Desk,
    configuration: &Configuration,
    machine: &Machine,
    authority: Option<&Authority>,
) -> Result<Gone, Error> {
    join::process_defaults(&desk.profile);
    let names = Names {
        account: machine.name().to_owned(),
        full: machine.host.clone(),
    };
    let servers = configuration.servers_or(&[]);
    let site = configuration.site_or(None);
    let dns_name = machine.realm.to_lowercase();
    let place = desk.place(&dns_name, &names, &servers, site.as_deref());
    Ok(join::leave(&place, machine, authority).map_err(JoinError::Leave)?)
}

/// Takes away what the join has put on this host. The host's password goes last: until then
/// the same command can be said again.
fn forget(host: &Host, state: &Path) -> Result<(), JoinError> {
    // As it is now: the directory was asked meanwhile, and perhaps somebody for his password.
    Configuration::read(host)?.leave(host)?;
    service::close_network(host)?;
    host.unlink_keytab(state)?;
    for name in CACHE {
        let path = state.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(JoinError::File(path, error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Machine::forget(state)?;
    Ok(())
}

fn answer(machine: Option<&Machine>, gone: Option<Gone>, start: service::Start) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        realm: Option<&'a str>,
        account: Option<&'a str>,
        account_is: &'static str,
        daemon_started: bool,
    }
    let account = machine.map(|machine| machine.account.as_str());
    let name = account.unwrap_or("of this host");
    let (word, sentence) = match gone {
        Some(Gone::Deleted) => ("deleted", format!("The account {name} is deleted.")),
        Some(Gone::Disabled) => (
            "disabled",
            format!("The account {name} is disabled. An administrator may delete it."),
        ),
        Some(Gone::Closed) => (
            "closed",
            format!(
                "The account {name} has a password now that nobody knows. An administrator may \
                 delete it."
            ),
        ),
        Some(Gone::Absent) => (
            "absent",
            format!("The directory had no account {name} any more."),
        ),
        None => (
            "kept",
            format!("The account {name} was left in the directory as it is."),
        ),
    };
    let realm = machine.map(|machine| machine.realm.as_str());
    let text = format!(
        "This host has left {}. {sentence}\n\
         \x20 the host's password, its keytab, saved credentials: deleted\n\
         \x20 {KEYTAB}: kept, if it was not the link to the host's keytab\n\
         \x20 {FILE}: without the directory\n\
         \x20 domlogond: {}\n\
         If domlogon is still turned on in PAM and nsswitch.conf: domlogon disable\n",
        realm.unwrap_or("its domain"),
        match start {
            service::Start::Unchanged => "stopped",
            other => other.words(),
        },
    );
    let shown = Shown {
        realm,
        account,
        account_is: word,
        daemon_started: start == service::Start::Started,
    };
    Answer::yes(text, &shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_to_the_configuration_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(Some(folder.path()));
        let path = host.at(FILE);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text =
            "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\nbackend = \"directory\"\n";
        fs::write(&path, text).unwrap();
        let configuration = Configuration::read(&host).unwrap();
        let edited = format!("{text}[ids]\nminimum = 5000\n");
        fs::write(&path, &edited).unwrap();
        forget(&host, &configuration.state(&host)).unwrap();
        let left = edited.replace("backend", "#backend");
        assert_eq!(fs::read_to_string(&path).unwrap(), left);
        // With what was read before, nothing would be written any more.
        let refused = configuration.leave(&host);
        assert!(
            matches!(refused, Err(JoinError::ChangedMeanwhile)),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), left);
    }
    #[test]
    fn what_cannot_be_edited_is_said_before_anything_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::new(Some(folder.path()));
        let path = host.at(FILE);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let inline = "domain = { name = \"CORP\", dns_name = \"corp.example\", \
                      backend = \"directory\" }\n";
        for text in ["[domain\n", inline] {
            fs::write(&path, text).unwrap();
            let refused = ready(&host).unwrap_err();
            assert!(matches!(refused, JoinError::Unreadable), "{refused}");
            // Too late: the account is gone, and the same command would not get on.
            for told in [false, true] {
                let late = forget(&host, &host.at("/var/lib/domlogon")).unwrap_err();
                let said = JoinError::HalfLeft(told, Box::new(late)).to_string();
                assert!(!said.contains("Nothing was changed"), "{said}");
                assert_eq!(said.contains("directory was told"), told, "{said}");
                assert!(said.ends_with("domlogon leave --local"), "{said}");
            }
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::write(&path, "[domain]\nbackend = \"directory\"\n").unwrap();
        ready(&host).unwrap();
    }
}
