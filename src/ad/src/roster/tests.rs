//! Until when it is said that something holds.

use super::*;
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
