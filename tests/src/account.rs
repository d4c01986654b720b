//! Test accounts in every condition, made as an administrator would: with the command line, or
//! with the tools of the directory that they are in.

use crate::difference::Expected;
use crate::failure::{Failure, Result, differs, ensure_equal};
use crate::home::Home;
use crate::{NEW_PASSWORD, PASSWORD};
use nix::unistd::User;
use serde_json::Value;
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
    /// What was the matter with it when it was made.
    pub condition: Condition,
    home: Home,
}

impl Account {
    /// Make an account of the embedded database and put it into a condition.
    ///
    /// # Errors
    /// When the command line refuses.
    pub fn make(name: &str, condition: Condition) -> Result<Account> {
        Account::make_in(&Home::Embedded, name, condition)
    }

    /// An account that is in the embedded database already.
    pub fn known(name: &str) -> Account {
        Account {
            name: name.to_owned(),
            condition: Condition::Good,
            home: Home::Embedded,
        }
    }

    /// Make an account in this home and put it into a condition.
    ///
    /// # Errors
    /// When it is refused.
    pub fn make_in(home: &Home, name: &str, condition: Condition) -> Result<Account> {
        let account = Account {
            name: name.to_owned(),
            condition,
            home: home.clone(),
        };
        home.add_user(name, PASSWORD)?;
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

    /// What its right password comes to, where its home would say this.
    ///
    /// # Errors
    /// When a controller cannot be asked.
    pub fn comes_to(&self, code: &'static str, words: &'static str) -> Result<Expected> {
        self.home.comes_to(self.condition, Expected { code, words })
    }

    /// `domlogon user set`, or the same in the directory.
    ///
    /// # Errors
    /// When it is refused.
    pub fn set(&self, settings: &[&str]) -> Result<()> {
        self.home.set(&self.name, settings)
    }

    /// An administrator's new password.
    ///
    /// # Errors
    /// When it is refused.
    pub fn reset(&self, password: &str) -> Result<()> {
        self.home.reset(&self.name, password)
    }

    /// As its home has it: an object with at least `locked`, `locked_until`, `must_change` and
    /// `bad_password_count`.
    ///
    /// # Errors
    /// When there is none.
    pub fn show(&self) -> Result<Value> {
        self.home.show(&self.name)
    }

    /// How many wrong passwords its home has counted.
    ///
    /// # Errors
    /// When it does not tell.
    pub fn wrong_passwords(&self) -> Result<u64> {
        self.home.wrong_passwords(&self.name)
    }

    /// Put it into a group, which is made if there is none.
    ///
    /// # Errors
    /// When it is refused.
    pub fn join(&self, group: &str) -> Result<()> {
        self.home.nest(&self.name, group)
    }

    /// Make its home, for programs that go there and do not make it. Returns where it is.
    ///
    /// # Errors
    /// When glibc does not know the user, or the folder cannot be made.
    pub fn home(&self) -> Result<String> {
        let what = "make a home";
        let user = User::from_name(&self.name)
            .map_err(|errno| differs("getpwnam", &*self.name, errno.to_string()))?
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
        self.home.lock(&self.name)
    }

    /// Unlock it, as an administrator.
    ///
    /// # Errors
    /// When it is refused.
    pub fn unlock(&self) -> Result<()> {
        self.home.unlock(&self.name)
    }

    /// Fail unless `password` opens the account (as far as its condition allows).
    ///
    /// # Errors
    /// When it does not.
    pub fn opens_with(&self, password: &str) -> Result<()> {
        ensure_equal(
            format!("whether {password} is the password of {}", self.name),
            self.home.takes(&self.name, password)?,
            true,
        )
    }

    /// Fail unless the password is still the first one, and the new one is refused.
    ///
    /// # Errors
    /// When the password has been changed.
    pub fn keeps_its_password(&self) -> Result<()> {
        self.opens_with(PASSWORD)?;
        ensure_equal(
            format!("whether {NEW_PASSWORD} is the password of {}", self.name),
            self.home.takes(&self.name, NEW_PASSWORD)?,
            false,
        )
    }
}

/// Put a user or a group of the embedded database into a group, which is made if there is none.
///
/// # Errors
/// When the command line refuses.
pub fn nest(member: &str, group: &str) -> Result<()> {
    Home::Embedded.nest(member, group)
}
