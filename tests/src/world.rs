//! The domain that the suites share: one daemon, and a new account for each need, so that no
//! case sees what another left.

use crate::account::{Account, Condition};
use crate::cli::domlogon;
use crate::daemon::{CONFIGURATION, Daemon};
use crate::failure::{Result, differs};
use crate::probe::write_bare_services;
use crate::rights;
use crate::sshd::Sshd;
use crate::vsftpd::Vsftpd;

/// Wrong passwords until an account locks.
pub const THRESHOLD: u32 = 3;

/// The shared domain.
#[derive(Debug)]
pub struct World {
    daemon: Option<Daemon>,
    sshd: Option<Sshd>,
    vsftpd: Option<Vsftpd>,
    made: u32,
}

impl World {
    /// A fresh domain with the suites' policy.
    ///
    /// # Errors
    /// When the daemon does not start or the policy is refused.
    pub fn new() -> Result<World> {
        write_bare_services()?;
        Daemon::forget()?;
        rights::replace(rights::USUAL)?;
        let mut world = World {
            daemon: Some(Daemon::start(CONFIGURATION)?),
            sshd: None,
            vsftpd: None,
            made: 0,
        };
        world.usual_policy()?;
        Ok(world)
    }

    /// A world without a domain, for the cases that need none.
    pub fn empty() -> World {
        World {
            daemon: None,
            sshd: None,
            vsftpd: None,
            made: 0,
        }
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

    /// `domlogon policy set`.
    ///
    /// # Errors
    /// When the command line refuses it.
    pub fn policy(&mut self, settings: &[&str]) -> Result<()> {
        let mut arguments = vec!["policy", "set"];
        arguments.extend(settings);
        domlogon(&arguments)?.exits(0).map(drop)
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
        Account::make(&format!("{name}{}", self.made), condition)
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
