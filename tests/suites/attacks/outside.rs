//! Attacks: what can be learnt from outside of who exists and in what state.

mod answers;
mod time;

use crate::Case;
use domlogon_tests::account::Condition::{self, *};
use domlogon_tests::{Result, World, domlogon};

pub(super) fn cases() -> Vec<Case> {
    [answers::cases(), time::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// All that an account can be without being locked, which is told to everybody.
const STATES: [(&str, Condition); 9] = [
    ("a wrong password", Good),
    ("disabled", Disabled),
    ("account expired", AccountExpired),
    ("outside its hours", NoHours),
    ("another workstation", OtherWorkstation),
    ("must change", MustChange),
    ("password expired", PasswordExpired),
    ("dead end", DeadEnd),
    ("cannot change", CannotChange),
];

/// Wrong passwords, as many as the policy can allow, without a lock.
const MANY: &str = "lockout-threshold=999";

/// A name of nobody's; as long as the others, as a person's would be.
const NOBODY: &str = "nobody77";

/// Somebody in each state, by name, and nobody.
fn people(world: &mut World) -> Result<Vec<(&'static str, String)>> {
    let mut people = vec![("unknown", NOBODY.to_owned())];
    for (state, condition) in STATES {
        people.push((state, world.account(condition)?.name));
    }
    if world.home().directory().is_none() {
        let name = world.group_name("blank");
        domlogon(&["user", "add", &name])?.exits(0)?;
        people.push(("no password yet", name));
    }
    Ok(people)
}
