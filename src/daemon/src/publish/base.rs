//! A base that is being made.

use super::delta::{LONG_AGO, until};
use super::files::{Failure, ToFile, sound};
use domlogon_names::{self as names, BuildError, Id};
use domlogon_rules::roster::{GroupEntry, Listener, Subject, UserEntry};
use std::fs::File;
use std::ops::ControlFlow;

/// What listens to everything and writes it.
pub(super) struct Base<F> {
    file: ToFile,
    is_given_up: F,
    failure: Option<Failure>,
}

impl<F: Fn() -> bool> Base<F> {
    /// `is_given_up`: nobody wants it any more.
    pub(super) const fn new(file: ToFile, is_given_up: F) -> Self {
        Self {
            file,
            is_given_up,
            failure: None,
        }
    }

    /// The whole file, and what deltas of it are bound to.
    pub(super) fn finish(self) -> Result<(Id, File), Failure> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok((self.file.id(), self.file.finish()?)),
        }
    }

    fn goes_on(&mut self, added: Result<(), BuildError>) -> ControlFlow<()> {
        let failure = match sound(added) {
            Err(error) => Failure::Build(error),
            Ok(()) if (self.is_given_up)() => Failure::GivenUp,
            Ok(()) => return ControlFlow::Continue(()),
        };
        self.failure = Some(failure);
        ControlFlow::Break(())
    }
}

impl<F: Fn() -> bool> Listener for Base<F> {
    fn user(&mut self, user: &UserEntry<'_>) -> ControlFlow<()> {
        let added = self.file.user(&names::UserEntry {
            name: user.name,
            uid: user.uid,
            gid: user.gid,
            full_name: user.full_name,
            home: user.home,
            shell: user.shell,
            expires_at: until(user.until),
            groups: user.groups,
            groups_expire_at: until(user.groups_until),
        });
        self.goes_on(added)
    }

    fn group(&mut self, group: &GroupEntry<'_>) -> ControlFlow<()> {
        let added = self.file.group(&names::GroupEntry {
            name: group.name,
            gid: group.gid,
            members: group.members.unwrap_or_default(),
            expires_at: group.members.map_or(LONG_AGO, |_| until(group.until)),
        });
        self.goes_on(added)
    }

    fn absent(&mut self, _: &Subject) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
