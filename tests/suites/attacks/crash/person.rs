//! Somebody who changes his password, is edited, logs on and mistypes; and what must be true of
//! his account after each answer, and after none.

use domlogon_protocol::Verdict;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_tests::question::{self, is_outage};
use domlogon_tests::{
    Chance, PASSWORD, Program, Result, differs, domlogon_with, ensure, ensure_equal,
};
use nix::unistd::User;

/// Wrong passwords until an account locks, while these people are at work.
pub(super) const THRESHOLD: u32 = 6;

/// What is known of an account.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: String,
    /// Its password.
    password: String,
    /// Another that may be in force instead: nobody said what became of the change.
    maybe: Option<String>,
    full_name: String,
    maybe_full_name: Option<String>,
    /// Wrong passwords counted: at least, and at most.
    least: u32,
    most: u32,
    /// The most since they were last looked at: what a power failure may bring back.
    peak: u32,
    /// An account that comes and goes with him, and whether it is there, if that is known.
    guest: String,
    has_guest: Option<bool>,
    /// The last three accounts that were imported together, and whether they were, if that is
    /// known.
    party: Option<([String; 3], Option<bool>)>,
    turns: u64,
    mark: u64,
}

/// Whether the daemon has answered; if not, it is gone.
pub(super) type There = bool;

impl Person {
    pub(super) fn make(name: &str, chance: &mut Chance) -> Result<Person> {
        domlogon_with(
            &["user", "add", name, "--password-stdin"],
            &format!("{PASSWORD}\n"),
        )?
        .exits(0)?;
        Ok(Person {
            name: name.to_owned(),
            password: PASSWORD.to_owned(),
            maybe: None,
            full_name: String::new(),
            maybe_full_name: None,
            least: 0,
            most: 0,
            peak: 0,
            guest: format!("{name}-guest"),
            has_guest: Some(false),
            party: None,
            turns: 0,
            mark: chance.below(1_000_000),
        })
    }

    /// Whether a request of his was never answered, and that makes a difference.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.maybe.is_some()
            || self.maybe_full_name.is_some()
            || self.has_guest.is_none()
            || matches!(self.party, Some((_, None)))
            || self.least != self.most
    }

    /// Does one thing or another.
    pub(super) fn act(&mut self, chance: &mut Chance) -> Result<There> {
        self.turns += 1;
        match chance.below(11) {
            0..=2 => self.changes(),
            3 => self.is_reset(),
            4 | 5 => self.is_renamed(),
            6 => self.guest_comes_or_goes(),
            7 => self.logs_on(),
            8 => self.brings_a_party(),
            _ => self.mistypes(),
        }
    }

    /// One of each.
    pub(super) fn do_all(&mut self) -> Result<There> {
        for act in [
            Person::mistypes,
            Person::logs_on,
            Person::changes,
            Person::is_renamed,
            Person::guest_comes_or_goes,
            Person::brings_a_party,
            Person::is_reset,
        ] {
            self.turns += 1;
            if !act(self)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn next_password(&self) -> String {
        format!("Turn-{}-Word-{}", self.turns, self.mark)
    }

    fn changes(&mut self) -> Result<There> {
        let new = self.next_password();
        let Ok(verdict) = question::change(&self.name, &self.password, &new) else {
            self.maybe = Some(new);
            return Ok(false);
        };
        match verdict {
            Verdict::Success => self.password = new,
            verdict => self.may_be_refused("a change", verdict)?,
        }
        Ok(true)
    }

    fn is_reset(&mut self) -> Result<There> {
        let new = self.next_password();
        let Ok(answer) = question::administer(admin::Request::UserPassword {
            name: self.name.clone(),
            password: domlogon_protocol::Secret::new(new.as_bytes()),
            must_change: false,
            unlock: false,
        }) else {
            self.maybe = Some(new);
            return Ok(false);
        };
        if is_done("a reset", answer)? {
            self.password = new;
        }
        Ok(true)
    }

    fn is_renamed(&mut self) -> Result<There> {
        // No part of it is in a password.
        let new = format!("Name No{}", self.turns);
        let Ok(answer) = question::administer(question::renaming(&self.name, &new)) else {
            self.maybe_full_name = Some(new);
            return Ok(false);
        };
        if is_done("an edit", answer)? {
            self.full_name = new;
        }
        Ok(true)
    }

    fn guest_comes_or_goes(&mut self) -> Result<There> {
        let Some(is_there) = self.has_guest else {
            return Ok(true);
        };
        let request = if is_there {
            admin::Request::UserDelete {
                name: self.guest.clone(),
                force: false,
            }
        } else {
            admin::Request::UserAdd(Box::new(new_user(&self.guest)))
        };
        let Ok(answer) = question::administer(request) else {
            self.has_guest = None;
            return Ok(false);
        };
        if is_done("a guest", answer)? {
            self.has_guest = Some(!is_there);
        }
        Ok(true)
    }

    fn brings_a_party(&mut self) -> Result<There> {
        let names = [1, 2, 3].map(|number| format!("{}-{}-{number}", self.name, self.turns));
        let users = names.iter().map(|name| admin::ImportedUser {
            row: 1,
            new: new_user(name),
            changes: admin::UserChanges::default(),
            groups: vec!["Users".to_owned()],
            hash: None,
        });
        let request = admin::Request::UserImport {
            users: users.collect(),
            dry_run: false,
        };
        let Ok(answer) = question::administer(request) else {
            self.party = Some((names, None));
            return Ok(false);
        };
        let done = match answer {
            // Another person's import.
            Err(AdminError::ImportRuns) => return Ok(true),
            other => is_done("an import", other)?,
        };
        self.party = Some((names, Some(done)));
        Ok(true)
    }

    fn logs_on(&mut self) -> Result<There> {
        let Ok(verdict) = question::logon(&self.name, &self.password) else {
            self.least = 0;
            return Ok(false);
        };
        match verdict {
            Verdict::Success => {
                ensure(
                    self.least < THRESHOLD,
                    format!("a logon of {}", self.name),
                    "a lock",
                    format!("{verdict:?} after {} wrong passwords", self.least),
                )?;
                (self.least, self.most) = (0, 0);
            }
            verdict => self.may_be_refused("a logon", verdict)?,
        }
        Ok(true)
    }

    fn mistypes(&mut self) -> Result<There> {
        let wrong = format!("Wrong-{}", self.turns);
        let answer = question::logon(&self.name, &wrong);
        let counted = |at: u32| (at + 1).min(THRESHOLD);
        let Ok(verdict) = answer else {
            self.most = counted(self.most);
            self.peak = self.peak.max(self.most);
            return Ok(false);
        };
        match verdict {
            Verdict::LogonFailure => {
                ensure(
                    self.least < THRESHOLD,
                    format!("a wrong password of {}", self.name),
                    "a lock",
                    format!("it is compared after {} others", self.least),
                )?;
                (self.least, self.most) = (counted(self.least), counted(self.most));
            }
            verdict => {
                self.may_be_refused("a wrong password", verdict)?;
                if verdict != Verdict::LockedOut {
                    // It may be counted that could not be answered.
                    self.most = counted(self.most);
                }
            }
        }
        self.peak = self.peak.max(self.most);
        Ok(true)
    }

    /// A lock, if there may be one; and an outage, after which all must be as it was.
    fn may_be_refused(&mut self, what: &str, verdict: Verdict) -> Result<()> {
        let may_be_locked = self.most >= THRESHOLD;
        ensure(
            is_outage(verdict) || (verdict == Verdict::LockedOut && may_be_locked),
            format!("{what} of {self:?}"),
            "done, an outage, or a lock if there may be one",
            format!("{verdict:?}"),
        )?;
        if verdict == Verdict::LockedOut {
            self.least = THRESHOLD;
        }
        Ok(())
    }

    /// While no daemon runs, NSS says what was last answered, or nothing.
    pub(super) fn is_not_shown_as_he_was(&self) -> Result<()> {
        let shown = full_name_by_nss(&self.name, false)?;
        let known = [Some(&self.full_name), self.maybe_full_name.as_ref()];
        ensure(
            shown.is_none() || known.contains(&shown.as_ref()),
            format!("the full name of {} by NSS without a daemon", self.name),
            format!("{known:?}, or nothing"),
            format!("{shown:?}"),
        )
    }

    /// All that was answered is there, all else is whole or absent, and NSS says the same. With
    /// `lost`, the power has failed: a good logon may be forgotten, a wrong one not.
    pub(super) fn is_whole(&mut self, lost: bool) -> Result<()> {
        let Some(record) = question::show(&self.name)? else {
            return Err(differs(&self.name, "an account", format!("none: {self:?}")));
        };
        let most = if lost { self.peak } else { self.most };
        ensure(
            (self.least..=most).contains(&record.bad_password_count),
            format!("the wrong passwords counted for {self:?}"),
            format!("{} to {most}", self.least),
            record.bad_password_count.to_string(),
        )?;
        ensure_equal(
            format!("whether {self:?} is locked"),
            record.locked,
            record.bad_password_count >= THRESHOLD,
        )?;
        let names = [Some(&self.full_name), self.maybe_full_name.as_ref()];
        ensure(
            names.contains(&Some(&record.full_name)),
            format!("the full name of {self:?}"),
            "one that it was given",
            &*record.full_name,
        )?;
        self.names_are_right(&record, lost)?;
        self.full_name = record.full_name;
        self.maybe_full_name = None;
        if record.locked {
            // The right password opens nothing.
            let verdict = question::logon_in_the_end(&self.name, &self.password);
            ensure_equal(
                "a logon of a locked account",
                verdict.ok(),
                Some(Verdict::LockedOut),
            )?;
            self.is_unlocked()?;
        }
        self.has_one_password()?;
        (self.least, self.most, self.peak) = (0, 0, 0);
        if lost {
            // What a good logon writes is kept with the next thing that is.
            self.turns += 1;
            let done = self.is_renamed()?;
            ensure(done, "an edit", "done", "no answer")?;
        }
        Ok(())
    }

    fn names_are_right(&mut self, record: &admin::UserRecord, lost: bool) -> Result<()> {
        let known = full_name_by_nss(&self.name, lost)?;
        ensure_equal(
            format!("the full name of {} by NSS", self.name),
            known.as_deref(),
            Some(&*record.full_name),
        )?;
        let guest = question::show(&self.guest)?.is_some();
        if let Some(known) = self.has_guest {
            ensure_equal(format!("whether {} is there", self.guest), guest, known)?;
        }
        self.has_guest = Some(guest);
        self.party_is_whole()?;
        ensure_equal(
            format!("whether {} is there by NSS", self.guest),
            full_name_by_nss(&self.guest, lost)?.is_some(),
            guest,
        )
    }

    /// All three, or none.
    fn party_is_whole(&mut self) -> Result<()> {
        let Some((names, known)) = self.party.take() else {
            return Ok(());
        };
        let mut there = 0;
        for name in &names {
            if let Some(record) = question::show(name)? {
                there += usize::from(record.groups.iter().any(|group| group == "Users"));
            }
        }
        let good = match known {
            Some(true) => there == 3,
            Some(false) => there == 0,
            None => there == 0 || there == 3,
        };
        ensure(
            good,
            format!("an import of three, done: {known:?}"),
            "all of them or none",
            format!("{there} of {names:?}"),
        )
    }

    fn is_unlocked(&self) -> Result<()> {
        let answer = question::administer(admin::Request::UserUnlock(self.name.clone()));
        match answer {
            Ok(Ok(_)) => Ok(()),
            other => Err(differs("an unlock", "done", format!("{other:?}"))),
        }
    }

    /// The one that was told to be in force; or, where nobody said, one of two, and not the other.
    fn has_one_password(&mut self) -> Result<()> {
        let opens = |password: &str| match question::logon_in_the_end(&self.name, password) {
            Ok(Verdict::Success) => Ok(true),
            Ok(Verdict::LogonFailure) => Ok(false),
            other => Err(differs(
                format!("{password} of {self:?}"),
                "right or wrong",
                format!("{other:?}"),
            )),
        };
        let old = opens(&self.password)?;
        let new = match &self.maybe {
            Some(new) => opens(new)?,
            None => !old,
        };
        ensure(
            old != new,
            format!("the password of {self:?}"),
            "one that it was given",
            format!("the last one opens: {old}, the one in doubt: {new}"),
        )?;
        match self.maybe.take() {
            Some(maybe) if new => self.password = maybe,
            None if !old => {
                return Err(differs(
                    format!("the password of {self:?}"),
                    &*self.password,
                    "another",
                ));
            }
            _ => {}
        }
        // The counter is at 0 whatever was tried.
        let last = question::logon_in_the_end(&self.name, &self.password);
        ensure_equal("a good logon", last.ok(), Some(Verdict::Success))
    }
}

fn new_user(name: &str) -> admin::NewUser {
    admin::NewUser {
        name: name.to_owned(),
        full_name: None,
        uid: None,
        home: None,
        shell: None,
        must_change: false,
        password: None,
    }
}

/// By this process, which has the files of names mapped since before the crash; or, since no process
/// survives a power failure, by a new one.
fn full_name_by_nss(name: &str, lost: bool) -> Result<Option<String>> {
    if !lost {
        let user = User::from_name(name).ok().flatten();
        return Ok(user.map(|user| user.gecos.to_string_lossy().into_owned()));
    }
    let output = Program::new("getent").args(&["passwd", name]).run(b"")?;
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(line.split(':').nth(4).map(str::to_owned))
}

fn is_done(what: &str, answer: Result<admin::Reply, AdminError>) -> Result<bool> {
    match answer {
        Ok(_) => Ok(true),
        Err(AdminError::Store(verdict)) if is_outage(verdict) => Ok(false),
        Err(other) => Err(differs(what, "done, or an outage", format!("{other:?}"))),
    }
}
