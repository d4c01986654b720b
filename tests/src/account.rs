//! Test accounts in every condition, made with the command line as an administrator would.

use crate::cli::{domlogon, domlogon_with};
use crate::failure::{Failure, Result, differs};
use crate::probe::Probe;
use crate::{NEW_PASSWORD, PASSWORD};
use nix::unistd::User;
use std::fs;
use std::os::unix::fs::chown;

/// What is the matter with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Good,
    /// Locked after too many wrong passwords.
    Locked,
    /// Disabled by an administrator.
    Disabled,
    /// The account has expired.
    AccountExpired,
    /// No hour of the week is allowed.
    NoHours,
    /// Only another computer is allowed.
    OtherWorkstation,
    /// The password must be changed at the next logon.
    MustChange,
    /// The password is older than the policy allows.
    PasswordExpired,
    /// Must change, and cannot.
    DeadEnd,
    /// The user may not change the password.
    CannotChange,
}

/// An account of the test domain; its password is [`PASSWORD`].
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name.
    pub name: String,
}

impl Account {
    /// Make an account and put it into a condition.
    ///
    /// # Errors
    /// When the command line refuses.
    pub fn make(name: &str, condition: Condition) -> Result<Account> {
        let account = Account {
            name: name.to_owned(),
        };
        domlogon_with(
            &["user", "add", name, "--password-stdin"],
            &format!("{PASSWORD}\n"),
        )?
        .exits(0)?;
        match condition {
            Condition::Good => {}
            Condition::Locked => account.lock()?,
            Condition::Disabled => account.set(&["--disabled", "yes"])?,
            Condition::AccountExpired => account.set(&["--expires", "2020-01-01T00:00:00Z"])?,
            Condition::NoHours => account.set(&["--hours", "never"])?,
            Condition::OtherWorkstation => account.set(&["--workstations", "elsewhere"])?,
            Condition::MustChange => account.set(&["--must-change", "yes"])?,
            Condition::PasswordExpired => {
                account.set(&["--password-set-at", "2020-01-01T00:00:00Z"])?;
            }
            Condition::DeadEnd => {
                account.set(&["--must-change", "yes", "--cannot-change", "yes"])?;
            }
            Condition::CannotChange => account.set(&["--cannot-change", "yes"])?,
        }
        Ok(account)
    }

    /// `domlogon user set`.
    ///
    /// # Errors
    /// When the command line refuses.
    pub fn set(&self, settings: &[&str]) -> Result<()> {
        let mut arguments = vec!["user", "set", &self.name];
        arguments.extend(settings);
        domlogon(&arguments)?.exits(0).map(drop)
    }

    /// Put it into a group, which is made if there is none.
    ///
    /// # Errors
    /// When the command line refuses.
    pub fn join(&self, group: &str) -> Result<()> {
        nest(&self.name, group)
    }

    /// Make its home, for programs that go there and do not make it. Returns where it is.
    ///
    /// # Errors
    /// When glibc does not know the user, or the folder cannot be made.
    pub fn home(&self) -> Result<String> {
        let what = "make a home";
        let user = User::from_name(&self.name)
            .ok()
            .flatten()
            .ok_or_else(|| differs("getpwnam", &*self.name, "nothing"))?;
        fs::create_dir_all(&user.dir).map_err(Failure::harness(what))?;
        chown(&user.dir, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .map_err(Failure::harness(what))?;
        Ok(user.dir.to_string_lossy().into_owned())
    }

    /// Lock it, the way it gets locked: by wrong passwords, as many as the world's policy allows.
    ///
    /// # Errors
    /// When a wrong password is not answered as one.
    pub fn lock(&self) -> Result<()> {
        for _ in 0..crate::world::THRESHOLD {
            Probe::bare("login", &self.name)
                .answer("wrong")
                .run(&["auth"])?
                .returns("auth", "AUTH_ERR")?;
        }
        Ok(())
    }

    /// Fail unless `password` opens the account (as far as its condition allows).
    ///
    /// # Errors
    /// When it does not.
    pub fn opens_with(&self, password: &str) -> Result<()> {
        Probe::bare("login", &self.name)
            .answer(password)
            .run(&["auth"])?
            .returns("auth", "SUCCESS")
            .map(drop)
    }

    /// Fail unless the password is still the first one, and the new one is refused.
    ///
    /// # Errors
    /// When the password has been changed.
    pub fn keeps_its_password(&self) -> Result<()> {
        self.opens_with(PASSWORD)?;
        Probe::bare("login", &self.name)
            .answer(NEW_PASSWORD)
            .run(&["auth"])?
            .returns("auth", "AUTH_ERR")
            .map(drop)
    }
}

/// Put a user or a group into a group, which is made if there is none.
///
/// # Errors
/// When the command line refuses.
pub fn nest(member: &str, group: &str) -> Result<()> {
    if domlogon(&["group", "show", group])?.code() != 0 {
        domlogon(&["group", "add", group])?.exits(0)?;
    }
    domlogon(&["group", "add-member", group, member])?
        .exits(0)
        .map(drop)
}
