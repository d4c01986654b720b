//! The domain that the suites share: one daemon, and a new account for each need, so that no
//! case sees what another left. Its accounts live in the daemon's own database or in a directory.

use crate::account::{Account, Condition};
use crate::cli::domlogon_with;
use crate::contact;
use crate::daemon::{CONFIGURATION, Daemon};
use crate::directory::{ADMINISTRATOR, ADMINISTRATOR_PASSWORD, Directory, REALM};
use crate::failure::{Failure, Result, differs};
use crate::home::Home;
use crate::probe::write_bare_services;
use crate::rights;
use crate::sshd::Sshd;
use crate::vsftpd::Vsftpd;
use std::time::Duration;

/// Wrong passwords until an account locks.
pub const THRESHOLD: u32 = 3;

/// How long the daemon may take to find the directory again; promised are 10 seconds.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// What a host of the directory is configured with.
const OF_A_DIRECTORY: &str = "[domain]
name = \"CORP\"
dns_name = \"corp.example\"

[directory]
";

/// The shared domain.
#[derive(Debug)]
pub struct World {
    home: Home,
    /// The policy of a directory that is in force; not known of the embedded database.
    policy: Option<Vec<String>>,
    daemon: Option<Daemon>,
    sshd: Option<Sshd>,
    vsftpd: Option<Vsftpd>,
    made: u32,
}

impl World {
    /// A fresh domain with the suites' policy, in the daemon's own database.
    ///
    /// # Errors
    /// When the daemon does not start or the policy is refused.
    pub fn new() -> Result<World> {
        clean()?;
        let mut world = World {
            daemon: Some(Daemon::start(CONFIGURATION)?),
            ..World::empty()
        };
        world.usual_policy()?;
        Ok(world)
    }

    /// A fresh directory with the suites' policy. Nobody has joined it: see [`World::enter`].
    ///
    /// # Errors
    /// When the controller does not start.
    pub fn of_directory() -> Result<World> {
        let mut world = World {
            home: Home::Directory(Directory::start()?),
            // Their homes and mailboxes are not those of the other world's accounts.
            made: 1000,
            ..World::empty()
        };
        world.usual_policy()?;
        Ok(world)
    }

    /// Have this host join the directory, and start the daemon.
    ///
    /// # Errors
    /// When it may not join, or the daemon does not start.
    pub fn enter(&mut self) -> Result<()> {
        clean()?;
        configure(OF_A_DIRECTORY)?;
        join(&[])?;
        self.restart()?;
        contact::is_back(PATIENCE).map(drop)
    }

    /// A world without a domain, for the cases that need none.
    pub fn empty() -> World {
        World {
            home: Home::Embedded,
            policy: None,
            daemon: None,
            sshd: None,
            vsftpd: None,
            made: 0,
        }
    }

    /// Where its accounts live.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The directory.
    ///
    /// # Errors
    /// When its accounts are in none.
    pub fn directory(&self) -> Result<Directory> {
        self.home
            .directory()
            .cloned()
            .ok_or_else(|| differs("the world", "one with a directory", "an embedded one"))
    }

    /// The policy that each case starts with.
    ///
    /// # Errors
    /// When the command line refuses it.
    pub fn usual_policy(&mut self) -> Result<()> {
        self.policy(&[
            "min-length=8",
            "history=5",
            "max-age=42d",
            "min-age=0",
            "complexity=yes",
            &format!("lockout-threshold={THRESHOLD}"),
            "lockout-duration=30m",
            "lockout-window=30m",
            "warn=14d",
        ])
    }

    /// `domlogon policy set`, or the same in the directory.
    ///
    /// # Errors
    /// When it is refused.
    pub fn policy(&mut self, settings: &[&str]) -> Result<()> {
        if self.home.directory().is_some() {
            if self.policy.as_deref().is_some_and(|now| now == settings) {
                return Ok(());
            }
            self.policy = Some(settings.iter().map(|&one| one.to_owned()).collect());
        }
        self.home.policy(settings)?;
        self.fresh()
    }

    /// What the daemon remembers of a directory's policy is read anew, by a restart.
    ///
    /// # Errors
    /// When the daemon does not start, or does not find the directory.
    pub fn fresh(&mut self) -> Result<()> {
        if self.daemon.is_none() || self.home.directory().is_none() {
            return Ok(());
        }
        self.restart()?;
        contact::is_back(PATIENCE).map(drop)
    }

    /// Do something with more said in the section `[directory]` of the configuration, and then
    /// without it again.
    ///
    /// # Errors
    /// When that fails, or the daemon does not start.
    pub fn configured(
        &mut self,
        more: &str,
        work: impl FnOnce(&mut World) -> Result<()>,
    ) -> Result<()> {
        let usual = std::fs::read_to_string(CONFIGURATION)
            .map_err(Failure::harness("read the configuration"))?;
        configure(&format!("{usual}{more}\n"))?;
        let result = self.restart().and_then(|()| work(self));
        configure(&usual)?;
        let after = self.restart();
        result.and(after)
    }

    /// Stop the daemon, if it runs, and start it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<()> {
        if let Some(mut daemon) = self.daemon.take() {
            if daemon.ended()?.is_none() {
                daemon.stop()?;
            }
        }
        self.daemon = Some(Daemon::start(CONFIGURATION)?);
        Ok(())
    }

    /// The true controller runs again, with the right time, and the daemon asks it.
    ///
    /// # Errors
    /// When it does not come up, or the daemon does not notice.
    pub fn calm(&mut self) -> Result<()> {
        let Some(directory) = self.home.directory() else {
            return Ok(());
        };
        directory.calm()?;
        contact::is_back(PATIENCE).map(drop)
    }

    /// Put a `rights.toml` in force.
    ///
    /// # Errors
    /// When the daemon does not take it.
    pub fn rights(&mut self, text: &str) -> Result<()> {
        rights::replace(text)?;
        rights::reload()
    }

    /// The rights that each case starts with.
    ///
    /// # Errors
    /// When the daemon does not take them.
    pub fn usual_rights(&mut self) -> Result<()> {
        if rights::stands(rights::USUAL) {
            return Ok(());
        }
        // In the place of whatever a case has left there.
        let _ = std::fs::remove_file(rights::FILE);
        self.rights(rights::USUAL)
    }

    /// A name that no group has yet.
    pub fn group_name(&mut self, stem: &str) -> String {
        self.made += 1;
        format!("{stem}{}", self.made)
    }

    /// A new account in this condition.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn account(&mut self, condition: Condition) -> Result<Account> {
        self.made += 1;
        let name = match condition {
            Condition::Good => "ann",
            Condition::Locked => "locked",
            Condition::Disabled => "disabled",
            Condition::AccountExpired => "gone",
            Condition::NoHours => "hours",
            Condition::OtherWorkstation => "elsewhere",
            Condition::MustChange => "newcomer",
            Condition::PasswordExpired => "old",
            Condition::DeadEnd => "deadend",
            Condition::CannotChange => "fixed",
        };
        let name = format!("{name}{}", self.made);
        Account::make_in(&self.home, &name, condition)
    }

    /// The daemon.
    ///
    /// # Errors
    /// When a case has taken it away.
    pub fn daemon(&mut self) -> Result<&mut Daemon> {
        self.daemon
            .as_mut()
            .ok_or_else(|| differs("the daemon", "running", "taken away"))
    }

    /// Take the daemon out, to stop or kill it.
    ///
    /// # Errors
    /// When a case has taken it away already.
    pub fn take_daemon(&mut self) -> Result<Daemon> {
        self.daemon
            .take()
            .ok_or_else(|| differs("the daemon", "running", "taken away"))
    }

    /// Make sure that the daemon runs, on the same database.
    ///
    /// # Errors
    /// When it does not start.
    pub fn revive(&mut self) -> Result<()> {
        let alive = match &mut self.daemon {
            Some(daemon) => daemon.ended()?.is_none(),
            None => false,
        };
        if !alive {
            self.daemon = None;
            self.daemon = Some(Daemon::start(CONFIGURATION)?);
        }
        Ok(())
    }

    /// The shared sshd, started when it is first wanted.
    ///
    /// # Errors
    /// When it does not start.
    pub fn sshd(&mut self) -> Result<&Sshd> {
        if self.sshd.is_none() {
            self.sshd = Some(Sshd::start()?);
        }
        self.sshd
            .as_ref()
            .ok_or_else(|| differs("sshd", "running", "not started"))
    }
    /// The shared vsftpd, started when it is first wanted.
    ///
    /// # Errors
    /// When it does not start.
    pub fn vsftpd(&mut self) -> Result<&Vsftpd> {
        if self.vsftpd.is_none() {
            self.vsftpd = Some(Vsftpd::start()?);
        }
        self.vsftpd
            .as_ref()
            .ok_or_else(|| differs("vsftpd", "running", "not started"))
    }
}

/// A host that no daemon has run on.
fn clean() -> Result<()> {
    write_bare_services()?;
    Daemon::forget()?;
    rights::replace(rights::USUAL)
}

/// Write the daemon's configuration.
///
/// # Errors
/// When it cannot be written.
pub fn configure(text: &str) -> Result<()> {
    std::fs::write(CONFIGURATION, text).map_err(Failure::harness("write the configuration"))
}

/// Have this host join the directory, by its administrator's right.
///
/// # Errors
/// When it is refused.
pub fn join(more: &[&str]) -> Result<()> {
    let mut arguments = vec!["join", REALM, "--user", ADMINISTRATOR, "--password-stdin"];
    arguments.extend(more);
    domlogon_with(&arguments, &format!("{ADMINISTRATOR_PASSWORD}\n"))?
        .exits(0)
        .map(drop)
}
