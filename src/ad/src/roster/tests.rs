//! Until when it is said that something holds.

use super::*;
use crate::entry::Team;
use crate::names::tests::{NOW, known};

/// What is said of users: until when an entry and its groups hold, and how many groups.
#[derive(Default)]
struct Said(Vec<(Option<Timestamp>, Option<usize>, Option<Timestamp>)>);

impl Listener for Said {
    fn user(&mut self, user: &UserEntry<'_>) -> ControlFlow<()> {
        let groups = user.groups.map(<[u32]>::len);
        self.0.push((user.until, groups, user.groups_until));
        CONTINUE
    }

    fn group(&mut self, _: &GroupEntry<'_>) -> ControlFlow<()> {
        CONTINUE
    }

    fn absent(&mut self, _: &Subject) -> ControlFlow<()> {
        CONTINUE
    }
}

#[test]
fn groups_hold_as_long_as_they_do_and_not_as_the_entry() {
    let later = NOW.plus(500);
    for (sync, until) in [(false, Some(later.plus(FRESH))), (true, None)] {
        let (_folder, directory, _) = known(sync, later);
        let mut said = Said::default();
        directory.survey(&mut said).unwrap();
        let Changes::Few(changed) = directory.changes().unwrap() else {
            panic!("it is one user");
        };
        directory.review(&changed, &mut said).unwrap();
        let expected = (until, Some(2), Some(NOW.plus(FRESH)));
        assert_eq!(said.0, [expected, expected], "sync {sync}");
    }
}

/// What was removed and cannot be forgotten, with no end where the whole directory is read.
#[test]
fn a_group_that_is_doubted_is_not_said() {
    struct Groups(usize, usize);
    impl Listener for Groups {
        fn user(&mut self, _: &UserEntry<'_>) -> ControlFlow<()> {
            CONTINUE
        }
        fn group(&mut self, _: &GroupEntry<'_>) -> ControlFlow<()> {
            self.0 += 1;
            CONTINUE
        }
        fn absent(&mut self, subject: &Subject) -> ControlFlow<()> {
            self.1 += usize::from(subject.kind == Kind::Group);
            CONTINUE
        }
    }

    let (_folder, directory, _) = known(true, NOW);
    let team = Team::example("crew", 1200, None);
    directory.keep_team(&team, Some(&[]), NOW).unwrap();
    for is_gone in [false, true] {
        let _ = directory.changes();
        directory.cache.fill_disk(true);
        let kept = if is_gone {
            directory.cache.forget_team("crew")
        } else {
            directory.keep_team(&team, Some(&[]), NOW)
        };
        assert!(kept.is_err());
        let mut said = Groups(0, 0);
        directory.survey(&mut said).unwrap();
        let Changes::Few(changed) = directory.changes().unwrap() else {
            panic!("it is one group");
        };
        directory.review(&changed, &mut said).unwrap();
        let expected = if is_gone { (0, 1) } else { (2, 0) };
        assert_eq!((said.0, said.1), expected);
        directory.cache.fill_disk(false);
    }
}
