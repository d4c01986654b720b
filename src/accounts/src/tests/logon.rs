use super::*;
use crate::logon::Attempt;
use crate::store::Durability;
use domlogon_rules as rules;
use rusqlite::Connection;
use std::thread;

#[test]
fn a_logon_by_each_form_of_the_name() {
    let world = World::new();
    world.user("Alice");
    for form in [
        "alice",
        "ALICE",
        "CORP\\alice",
        "alice@corp.example",
        "Alice@CORP",
    ] {
        let decision = world.try_logon(form, PASSWORD, NOW).unwrap();
        assert_eq!(decision.verdict, Verdict::Success, "{form}");
        assert_eq!(decision.params.user, "Alice");
    }
    assert_eq!(world.show("alice").last_logon_at, Some(NOW));
    assert_eq!(
        world.logon("OTHER\\alice", PASSWORD),
        Verdict::UserNotInResdom
    );
    // Passwords are compared with their case.
    assert_eq!(
        world.logon("alice", &PASSWORD.to_uppercase()),
        Verdict::LogonFailure
    );
}

#[test]
fn wrong_passwords_lock_and_time_unlocks() {
    let world = World::new();
    world.user("alice");
    world.policy(|p| p.lockout_threshold = Some(3));
    for _ in 0..3 {
        assert_eq!(world.logon("alice", "wrong"), Verdict::LogonFailure);
    }
    let locked = world.try_logon("alice", PASSWORD, NOW).unwrap();
    assert_eq!(locked.verdict, Verdict::LockedOut);
    assert_eq!(locked.params.locked_until, Some(NOW.plus(1800)));
    // An attempt while locked does not extend the lock.
    assert_eq!(
        world.logon_at("alice", "wrong", NOW.plus(1800)),
        Verdict::LockedOut
    );
    let shown = world.show("alice");
    assert!(shown.locked);
    assert_eq!(shown.bad_password_count, 3);
    assert_eq!(
        world.logon_at("alice", PASSWORD, NOW.plus(1801)),
        Verdict::Success
    );
    assert_eq!(world.show("alice").bad_password_count, 0);
}

#[test]
fn an_administrator_unlocks() {
    let world = World::new();
    world.user("alice");
    world.policy(|p| {
        p.lockout_threshold = Some(1);
        p.lockout_duration = Some(None);
    });
    world.logon("alice", "wrong");
    let later = NOW.plus(1000 * DAY);
    assert_eq!(world.logon_at("alice", PASSWORD, later), Verdict::LockedOut);
    // A reset alone does not unlock.
    world.reset("alice", "Another-horse-2").unwrap();
    assert_eq!(world.logon("alice", "Another-horse-2"), Verdict::LockedOut);
    world.ask(Request::UserUnlock("alice".to_owned())).unwrap();
    assert_eq!(world.logon("alice", "Another-horse-2"), Verdict::Success);
}

#[test]
fn only_a_whole_logon_resets_the_count() {
    let world = World::new();
    world.user("alice");
    world.logon("alice", "wrong");
    world.set("alice", |c| c.disabled = Some(true));
    assert_eq!(world.logon("alice", PASSWORD), Verdict::Disabled);
    assert_eq!(world.logon("alice", "wrong"), Verdict::LogonFailure);
    assert_eq!(world.show("alice").bad_password_count, 2);
    assert_eq!(world.show("alice").last_logon_at, None);
    // Nor does a way in that proved itself otherwise.
    world.set("alice", |c| c.disabled = Some(false));
    let judgement = world.account(&name("alice"), &console(), NOW).unwrap();
    assert_eq!(judgement.decision.verdict, Verdict::Success);
    assert_eq!(world.show("alice").bad_password_count, 2);
}

#[test]
fn the_two_passwords_before_do_not_count() {
    let world = World::new();
    world.user("alice");
    for new in ["First-horse-1", "Second-horse-2", "Third-horse-3"] {
        world.reset("alice", new).unwrap();
    }
    for recent in ["Second-horse-2", "First-horse-1"] {
        for _ in 0..10 {
            assert_eq!(world.logon("alice", recent), Verdict::LogonFailure);
        }
    }
    let shown = world.show("alice");
    assert_eq!((shown.bad_password_count, shown.bad_password_at), (0, None));
    let before = world.hasher.hashes_made();
    world.logon("alice", PASSWORD);
    assert_eq!(world.show("alice").bad_password_count, 1);
    assert_eq!(world.hasher.hashes_made() - before, 1, "one hash for all");
    // A history of one leaves no entry to compare with.
    world.policy(|p| p.history = Some(1));
    world.logon("alice", "Second-horse-2");
    assert_eq!(world.show("alice").bad_password_count, 2);
}

#[test]
fn a_hundred_guesses_at_once_are_counted_to_the_threshold() {
    let world = World::new();
    world.user("alice");
    let verdicts: Vec<Verdict> = thread::scope(|scope| {
        let guesses: Vec<_> = (0..100)
            .map(|n| {
                scope.spawn({
                    let world = &world;
                    move || world.logon("alice", &format!("guess {n}"))
                })
            })
            .collect();
        guesses.into_iter().map(|g| g.join().unwrap()).collect()
    });
    let count = |wanted| verdicts.iter().filter(|v| **v == wanted).count();
    assert_eq!(count(Verdict::LogonFailure), 10);
    assert_eq!(count(Verdict::LockedOut), 90);
    assert_eq!(world.logon("alice", PASSWORD), Verdict::LockedOut);
    assert_eq!(world.show("alice").bad_password_count, 10);
}

#[test]
fn what_happens_during_the_comparison_decides() {
    let world = World::new();
    world.user("alice");
    let attempt = |now| Attempt {
        user: Box::leak(Box::new(name("alice"))),
        password: Box::leak(Box::new(secret(PASSWORD))),
        place: Box::leak(Box::new(console())),
        now,
        wrong: rules::decide_wrong_password,
    };
    // The account locks: the right password is judged after the lock.
    world.policy(|p| p.lockout_threshold = Some(1));
    let locked = world.prove(
        &attempt(NOW),
        Durability::Soon,
        |_, _| {
            world.logon("alice", "wrong");
            Ok(())
        },
        |settled, ()| Ok(settled.account.is_locked(&settled.policy, NOW)),
    );
    assert!(locked.unwrap().unwrap());
    // The password is changed: what was right is compared again, and is wrong.
    world.ask(Request::UserUnlock("alice".to_owned())).unwrap();
    let changed = world.prove(
        &attempt(NOW),
        Durability::Soon,
        |_, _| {
            world.reset("alice", "Another-horse-2").unwrap();
            Ok(())
        },
        |_, ()| -> crate::error::Result<()> { panic!("settled on an old password") },
    );
    assert_eq!(changed.unwrap().unwrap_err().verdict, Verdict::LogonFailure);
}

#[test]
fn a_name_that_does_not_exist_costs_what_a_wrong_password_costs() {
    let world = World::new();
    world.user("alice");
    world
        .ask(Request::UserAdd(Box::new(new_user("empty"))))
        .unwrap();
    let refused = || -> i64 {
        world
            .store
            .read(|c| Ok(c.query_row("SELECT refused FROM domain", [], |r| r.get(0))?))
            .unwrap()
    };
    for (user, verdict) in [
        ("nobody-here", Verdict::UserNotFound),
        ("alice", Verdict::LogonFailure),
        ("empty", Verdict::LogonFailure),
    ] {
        let (hashes, refusals) = (world.hasher.hashes_made(), refused());
        let counted = world.show("alice").bad_password_count;
        assert_eq!(world.logon(user, "wrong"), verdict);
        assert_eq!(world.hasher.hashes_made() - hashes, 1, "{user}");
        let written = refused() - refusals
            + i64::from(world.show("alice").bad_password_count - counted)
            + i64::from(user == "empty" && world.show("empty").bad_password_count == 1);
        assert_eq!(written, 1, "{user}");
    }
    // A locked account is answered without a comparison.
    world.policy(|p| p.lockout_threshold = Some(1));
    world.logon("alice", "wrong");
    let hashes = world.hasher.hashes_made();
    assert_eq!(world.logon("alice", PASSWORD), Verdict::LockedOut);
    assert_eq!(world.hasher.hashes_made(), hashes);
}

#[test]
fn another_account_stands_in_for_a_name_that_does_not_exist_and_stays_as_it_is() {
    let world = World::new();
    world.user("alice");
    let row = || -> String {
        let all = "SELECT group_concat(concat_ws('|', key, hex(verifier), bad_count, last_bad,
                   password_set, last_logon), ';') FROM users";
        let read = |c: &Connection| Ok(c.query_row(all, [], |r| r.get(0))?);
        world.store.read(read).unwrap()
    };
    world.logon("alice", "wrong");
    let before = row();
    assert_eq!(world.logon("nobody-here", PASSWORD), Verdict::UserNotFound);
    assert_eq!(row(), before);
    // Not even damage of it matters.
    let damage = |c: &Connection| c.execute("UPDATE users SET hours = x'FFFF'", []);
    world.store.writer(damage).unwrap();
    assert_eq!(world.logon("nobody-here", PASSWORD), Verdict::UserNotFound);
    assert!(world.try_logon("alice", PASSWORD, NOW).is_err());
}

#[test]
fn the_built_in_administrator_does_not_lock() {
    let world = World::new();
    world.reset("Administrator", PASSWORD).unwrap();
    for _ in 0..20 {
        assert_eq!(world.logon("administrator", "wrong"), Verdict::LogonFailure);
    }
    assert_eq!(world.logon("administrator", PASSWORD), Verdict::Success);
}

#[test]
fn a_blank_password_opens_the_console_alone() {
    let world = World::new();
    world.user("alice");
    assert_eq!(world.logon("alice", ""), Verdict::LogonFailure);
    world.set("alice", |c| c.password_not_required = Some(true));
    world.reset("alice", "").unwrap();
    assert_eq!(world.logon("alice", ""), Verdict::Success);
    let network = place("sshd", LogonType::Network);
    let judgement = world
        .db
        .logon(&name("alice"), &secret(""), &network, NOW)
        .unwrap();
    assert_eq!(judgement.decision.verdict, Verdict::AccountRestriction);
}

#[test]
fn a_raised_cost_is_taken_up_at_the_next_good_logon() {
    let world = World::new();
    world.user("alice");
    world.reset("alice", "Second-horse-2").unwrap();
    let world = world.reopened(|o| o.cost = DEARER).unwrap();
    let stored = || -> String {
        world
            .store
            .read(|c| {
                let sql = "SELECT verifier FROM users WHERE key = 'alice'";
                Ok(c.query_row(sql, [], |r| r.get(0))?)
            })
            .unwrap()
    };
    assert_eq!(world.logon("alice", "wrong"), Verdict::LogonFailure);
    assert!(stored().contains("m=16,"));
    assert_eq!(world.logon("alice", "Second-horse-2"), Verdict::Success);
    assert!(stored().contains("m=32,"));
    let before = world.hasher.hashes_made();
    assert_eq!(world.logon("alice", "Second-horse-2"), Verdict::Success);
    assert_eq!(world.hasher.hashes_made() - before, 1);
    // Entries of the old cost still count as history.
    let refused = world.change("alice", "Second-horse-2", PASSWORD);
    assert_eq!(refused.also, [Verdict::PasswordHistConflict; 0]);
    assert_eq!(refused.verdict, Verdict::PasswordTooRecent);
    world.set("alice", |c| c.password_set_at = Some(NOW.plus(-5 * DAY)));
    let refused = world.change("alice", "Second-horse-2", PASSWORD);
    assert_eq!(refused.verdict, Verdict::PasswordHistConflict);
}

#[test]
fn explain_has_no_effect() {
    let world = World::new();
    world.user("alice");
    world.set("alice", |c| c.disabled = Some(true));
    let before = world.show("alice");
    let explained = world
        .explain(&name("alice"), &console(), NOW)
        .unwrap()
        .unwrap();
    assert_eq!(explained.with_password.verdict, Verdict::Disabled);
    assert_eq!(world.show("alice"), before);
    assert!(
        world
            .explain(&name("nobody"), &console(), NOW)
            .unwrap()
            .is_none()
    );
}
