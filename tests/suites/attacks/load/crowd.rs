//! Many who log on, and somebody who edits their accounts meanwhile.

use super::panicked;
use domlogon_protocol::Verdict;
use domlogon_protocol::admin::{self, AdminError};
use domlogon_tests::question;
use domlogon_tests::size::figure;
use domlogon_tests::{Account, Condition, PASSWORD, Result, World, differs, domlogon, ensure};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// One in so many mistypes.
const MISTYPES: usize = 10;

/// Accounts that log on again and again.
pub(super) struct Crowd {
    accounts: Vec<Account>,
}

/// What they were answered.
#[derive(Debug, Default)]
pub(super) struct Answers {
    took: Vec<Duration>,
    /// Turned away with the promise that it is for the moment only.
    busy: usize,
}

impl Crowd {
    /// Nobody of them is locked by what he mistypes.
    pub(super) fn make(world: &mut World, stem: &str, count: usize) -> Result<Crowd> {
        world.policy(&["lockout-threshold=0"])?;
        let accounts: Result<Vec<Account>> = (0..count)
            .map(|_| Account::make(&world.group_name(stem), Condition::Good))
            .collect();
        Ok(Crowd {
            accounts: accounts?,
        })
    }

    /// So many logons, by so many programs at once. Each has the right answer.
    pub(super) fn log_on(&self, logons: usize, programs: usize) -> Result<Answers> {
        let next = AtomicUsize::new(0);
        let one = || {
            let mut answers = Answers::default();
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                if turn >= logons {
                    return Ok(answers);
                }
                answers.note(self.logon(turn)?);
            }
        };
        let all: Vec<Result<Answers>> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..programs).map(|_| scope.spawn(one)).collect();
            running
                .into_iter()
                .map(|one| one.join().unwrap_or_else(|_| Err(panicked())))
                .collect()
        });
        let mut answers = Answers::default();
        for one in all {
            answers.add(one?);
        }
        Ok(answers)
    }

    /// How long it took; `None` if he was told that the daemon is busy.
    fn logon(&self, turn: usize) -> Result<Option<Duration>> {
        let Some(account) = self.accounts.get(turn % self.accounts.len()) else {
            return Ok(None);
        };
        let (password, right) = if turn % MISTYPES == MISTYPES - 1 {
            ("Wr0ng-Horse", Verdict::LogonFailure)
        } else {
            (PASSWORD, Verdict::Success)
        };
        let begun = Instant::now();
        let answer = question::logon(&account.name, password);
        let took = begun.elapsed();
        if matches!(answer, Ok(Verdict::Busy)) {
            return Ok(None);
        }
        ensure(
            matches!(answer, Ok(verdict) if verdict == right),
            format!("a logon of {} among many", account.name),
            format!("{right:?}, or busy"),
            format!("{answer:?} after {took:?}"),
        )?;
        Ok(Some(took))
    }

    /// All come in when the crowd has gone.
    pub(super) fn comes_in(&self) -> Result<()> {
        for account in self.accounts.iter().take(3) {
            account.opens_with(PASSWORD)?;
        }
        Ok(())
    }
}

impl Answers {
    fn note(&mut self, took: Option<Duration>) {
        match took {
            Some(took) => self.took.push(took),
            None => self.busy += 1,
        }
    }

    pub(super) fn add(&mut self, other: Answers) {
        self.took.extend(other.took);
        self.busy += other.busy;
    }

    /// Not everybody was told that the daemon is busy.
    pub(super) fn are_at_least(&self, least: usize) -> Result<()> {
        ensure(
            self.took.len() >= least,
            "logons among many",
            format!("{least} answers"),
            format!(
                "{}, and {} told that it is busy",
                self.took.len(),
                self.busy
            ),
        )
    }

    pub(super) fn report(&mut self, what: &str) {
        self.took.sort_unstable();
        let at = |share: usize| {
            let index = (self.took.len() * share / 100).min(self.took.len().saturating_sub(1));
            let took = self.took.get(index).copied().unwrap_or_default();
            format!("{} ms", took.as_millis())
        };
        figure(&format!("{what}: median"), at(50));
        figure(&format!("{what}: 99th percentile"), at(99));
        figure(&format!("{what}: longest"), at(100));
        let busy = format!("{} of {}", self.busy, self.busy + self.took.len());
        figure(&format!("{what}: told that it is busy"), busy);
    }
}

/// Somebody who edits accounts, by the command and by its socket, until he is told to end.
pub(super) struct Editor<'scope> {
    thread: ScopedJoinHandle<'scope, Result<usize>>,
    ended: std::sync::Arc<AtomicBool>,
}

impl<'scope> Editor<'scope> {
    pub(super) fn begin<'env>(scope: &'scope Scope<'scope, 'env>, crowd: &'env Crowd) -> Self {
        let ended = std::sync::Arc::new(AtomicBool::new(false));
        let told = std::sync::Arc::clone(&ended);
        let thread = scope.spawn(move || {
            let mut edits = 0;
            loop {
                crowd.edit(edits)?;
                edits += 1;
                if told.load(Ordering::Relaxed) {
                    return Ok(edits);
                }
            }
        });
        Editor { thread, ended }
    }

    pub(super) fn end(self) -> Result<()> {
        self.ended.store(true, Ordering::Relaxed);
        let edits = self.thread.join().unwrap_or_else(|_| Err(panicked()))?;
        ensure(edits > 0, "edits", "some", "none")
    }
}

impl Crowd {
    fn edit(&self, turn: usize) -> Result<()> {
        let Some(account) = self.accounts.get(turn % self.accounts.len()) else {
            return Ok(());
        };
        let name = format!("Number {turn}");
        if turn % 10 == 0 {
            let answer = domlogon(&["user", "set", &account.name, "--full-name", &name])?;
            return answer.exits(0).map(drop);
        }
        match question::administer(question::renaming(&account.name, &name)) {
            Ok(Ok(admin::Reply::User(record))) if record.full_name == name => Ok(()),
            Ok(Ok(admin::Reply::Done) | Err(AdminError::Store(Verdict::Busy))) => Ok(()),
            other => Err(differs(
                "an edit among many logons",
                "done",
                format!("{other:?}"),
            )),
        }
    }
}
