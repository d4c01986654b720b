//! A group that did not fit, for the call with a larger buffer that follows at once.
//!
//! glibc starts with a buffer of a kilobyte and doubles it until the group fits: nine
//! calls for ten thousand members. Without this, each would ask the daemon for all of
//! them. What is kept here is given away at the next call, or is too old a second
//! later. As with a list, its lock is only ever tried: see [`crate::enumeration`].

use crate::failure::Failure;
use domlogon_protocol::directory::Group;
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

/// glibc's next call comes at once; whatever comes later is another question.
const FRESH: Duration = Duration::from_secs(1);

/// What was asked.
#[derive(PartialEq, Eq)]
pub(crate) enum Question {
    Name(Vec<u8>),
    Id(u32),
}

/// The last group that did not fit.
pub(crate) struct Again(Mutex<Option<Kept>>);

struct Kept {
    question: Question,
    group: Group,
    since: Instant,
}

impl Again {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Gives the group that `ask` finds to `give`, and keeps it if it did not fit.
    pub(crate) fn answer(
        &self,
        question: Question,
        ask: impl FnOnce() -> Result<Group, Failure>,
        give: impl FnOnce(&Group) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let kept = self.exchange(None).filter(|kept| kept.answers(&question));
        let (group, since) = match kept {
            Some(kept) => (kept.group, kept.since),
            None => (ask()?, Instant::now()),
        };
        let given = give(&group);
        if given == Err(Failure::TooSmall) {
            let kept = Kept {
                question,
                group,
                since,
            };
            drop(self.exchange(Some(kept)));
        }
        given
    }

    fn exchange(&self, new: Option<Kept>) -> Option<Kept> {
        match self.0.try_lock() {
            Ok(mut kept) => core::mem::replace(&mut *kept, new),
            Err(TryLockError::Poisoned(error)) => core::mem::replace(&mut *error.into_inner(), new),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Kept {
    fn answers(&self, question: &Question) -> bool {
        self.question == *question && self.since.elapsed() < FRESH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Asks once, with a buffer that is large enough or not; how often somebody was asked.
    fn call(again: &Again, name: &str, fits: bool) -> u32 {
        let asked = Cell::new(0);
        let ask = || {
            asked.set(asked.get() + 1);
            Ok(Group {
                name: name.to_owned(),
                gid: 2000,
                members: Vec::new(),
            })
        };
        let give = |group: &Group| {
            assert_eq!(group.name, name);
            if fits { Ok(()) } else { Err(Failure::TooSmall) }
        };
        let given = again.answer(Question::Name(name.as_bytes().to_vec()), ask, give);
        assert_eq!(given.is_ok(), fits);
        asked.get()
    }

    #[test]
    fn a_group_that_grows_its_buffer_is_asked_for_once() {
        let again = Again::new();
        let asked = [false, false, false, true].map(|fits| call(&again, "staff", fits));
        assert_eq!(asked, [1, 0, 0, 0]);
        // Given away: the next one is a new question.
        assert_eq!(call(&again, "staff", true), 1);
        assert_eq!(call(&again, "staff", true), 1);
    }

    #[test]
    fn another_question_gets_its_own_answer() {
        let again = Again::new();
        assert_eq!(call(&again, "staff", false), 1);
        assert_eq!(call(&again, "users", true), 1);
        assert_eq!(call(&again, "staff", true), 1);
        let id = again.answer(Question::Id(2000), || Err(Failure::NotFound), |_| Ok(()));
        assert_eq!(id, Err(Failure::NotFound));
    }

    #[test]
    fn what_is_old_is_asked_for_again() {
        let again = Again::new();
        assert_eq!(call(&again, "staff", false), 1);
        let past = Instant::now().checked_sub(FRESH).unwrap();
        again.0.lock().unwrap().as_mut().unwrap().since = past;
        assert_eq!(call(&again, "staff", true), 1);
    }

    #[test]
    fn a_lock_that_is_never_released_holds_nobody_up() {
        let again = Again::new();
        let _held = again.0.lock().unwrap();
        assert_eq!(call(&again, "staff", false), 1);
        assert_eq!(call(&again, "staff", true), 1);
    }
}
