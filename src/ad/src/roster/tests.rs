//! Until when it is said that something holds.

use super::*;
use crate::entry::Person;
use crate::logon::tests::{open, settings};
use crate::settings::Settings;

const NOW: Timestamp = Timestamp(1_795_000_000);

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
        let folder = tempfile::tempdir().unwrap();
        let directory = open(Settings {
            sync,
            ..settings(folder.path())
        });
        let alice = Person::example("alice", 1103);
        let groups = [Sid::domain(1, 2, 3).with_rid(1200)];
        directory.keep(&alice, Some(&groups), NOW).unwrap();
        // Her entry alone is read again.
        directory.keep(&alice, None, later).unwrap();
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
