use super::*;

#[test]
fn a_change_and_its_effects() {
    let world = World::new();
    world.user("alice");
    world.set("alice", |c| c.must_change = Some(true));
    assert_eq!(world.logon("alice", PASSWORD), Verdict::MustChange);
    assert_eq!(
        world.change("alice", PASSWORD, "Second-horse-2").verdict,
        Verdict::Success
    );
    assert_eq!(world.logon("alice", PASSWORD), Verdict::LogonFailure);
    assert_eq!(world.logon("alice", "Second-horse-2"), Verdict::Success);
    let shown = world.show("alice");
    assert_eq!(shown.password_set_at, Some(NOW));
    assert!(!shown.must_change);
    // A demanded change is free of the least age, the next one is not.
    assert_eq!(
        world
            .change("alice", "Second-horse-2", "Third-horse-3")
            .verdict,
        Verdict::PasswordTooRecent
    );
}

#[test]
fn a_wrong_old_password_counts_like_a_logon() {
    let world = World::new();
    world.user("alice");
    world.policy(|p| p.lockout_threshold = Some(3));
    let preliminary = |old: &str| {
        world
            .preliminary(&name("alice"), Some(&secret(old)), &console(), NOW)
            .unwrap()
    };
    assert_eq!(
        world.change("alice", "wrong", "Second-horse-2").verdict,
        Verdict::InvalidPassword
    );
    assert_eq!(preliminary("wrong").0.verdict, Verdict::InvalidPassword);
    assert_eq!(world.logon("alice", "wrong"), Verdict::LogonFailure);
    assert_eq!(preliminary(PASSWORD).0.verdict, Verdict::LockedOut);
    assert_eq!(
        world.change("alice", PASSWORD, "Second-horse-2").verdict,
        Verdict::LockedOut
    );
}

#[test]
fn preliminary_says_what_cannot_be_mended() {
    let world = World::new();
    world.user("alice");
    let ask = |old: Option<&str>| {
        let old = old.map(secret);
        world
            .preliminary(&name("alice"), old.as_ref(), &console(), NOW)
            .unwrap()
    };
    let (decision, rules) = ask(Some(PASSWORD));
    assert_eq!(decision.verdict, Verdict::Success);
    let rules = rules.unwrap();
    assert_eq!((rules.min_length, rules.history), (Some(8), Some(24)));
    world.set("alice", |c| c.cannot_change = Some(true));
    let (decision, rules) = ask(Some(PASSWORD));
    assert_eq!(decision.verdict, Verdict::PasswordCantChange);
    assert_eq!(rules, None);
    // That does not stop an administrator, and the history is none of his business.
    let (decision, rules) = ask(None);
    assert_eq!(decision.verdict, Verdict::Success);
    assert_eq!(rules.unwrap().history, None);
}

#[test]
fn all_that_is_wrong_is_told_and_nothing_is_changed() {
    let world = World::new();
    world.user("alice");
    let before = world.show("alice");
    world.policy(|p| p.min_length = Some(20));
    let refused = world.change("alice", PASSWORD, PASSWORD);
    assert_eq!(refused.verdict, Verdict::PasswordTooShort);
    assert_eq!(refused.also, [Verdict::PasswordHistConflict]);
    let refused = world.change("alice", PASSWORD, "alice");
    assert_eq!(refused.verdict, Verdict::PasswordTooShort);
    assert_eq!(refused.also, [Verdict::PasswordNotComplexEnough]);
    assert_eq!(world.show("alice"), before);
    assert_eq!(world.logon("alice", PASSWORD), Verdict::Success);
}

#[test]
fn the_history_goes_as_far_as_the_policy() {
    let world = World::new();
    world.user("alice");
    world.policy(|p| {
        p.history = Some(3);
        p.min_age = Some(0);
    });
    let passwords = ["Aa-horse-1", "Bb-horse-2", "Cc-horse-3", "Dd-horse-4"];
    let mut current = PASSWORD;
    for new in passwords {
        assert_eq!(
            world.change("alice", current, new).verdict,
            Verdict::Success
        );
        current = new;
    }
    // The current one and the two before it.
    for used in ["Dd-horse-4", "Cc-horse-3", "Bb-horse-2"] {
        let before = world.hasher.hashes_made();
        let refused = world.change("alice", current, used);
        assert_eq!(refused.verdict, Verdict::PasswordHistConflict, "{used}");
        assert_eq!(
            world.hasher.hashes_made() - before,
            2,
            "old and new: one each"
        );
    }
    // A longer history counts what is still kept: one entry in reserve.
    world.policy(|p| p.history = Some(24));
    let refused = world.change("alice", current, "Aa-horse-1");
    assert_eq!(refused.verdict, Verdict::PasswordHistConflict);
    world.policy(|p| p.history = Some(3));
    let accepted = world.change("alice", current, "Aa-horse-1");
    assert_eq!(accepted.verdict, Verdict::Success);
    // None at all: even the current one again.
    world.policy(|p| p.history = Some(0));
    assert_eq!(
        world.change("alice", "Aa-horse-1", "Aa-horse-1").verdict,
        Verdict::Success
    );
    let kept: i64 = world
        .store
        .read(|c| Ok(c.query_row("SELECT count(*) FROM history", [], |r| r.get(0))?))
        .unwrap();
    assert_eq!(kept, 3);
}

#[test]
fn a_reset_ignores_ages_and_history_and_pushes_it() {
    let world = World::new();
    world.user("alice");
    world.set("alice", |c| {
        c.cannot_change = Some(true);
        c.password_set_at = Some(NOW);
    });
    let root = |new: &str| {
        world
            .db
            .change(&name("alice"), None, &secret(new), &console(), NOW)
            .unwrap()
    };
    assert_eq!(root("Second-horse-2").verdict, Verdict::Success);
    assert_eq!(root("short").verdict, Verdict::PasswordTooShort);
    assert_eq!(root(PASSWORD).verdict, Verdict::Success);
    assert_eq!(world.logon("alice", PASSWORD), Verdict::Success);
    world.set("alice", |c| {
        c.cannot_change = Some(false);
        c.password_set_at = Some(NOW.plus(-5 * DAY));
    });
    assert_eq!(
        world.change("alice", PASSWORD, "Second-horse-2").verdict,
        Verdict::PasswordHistConflict
    );
    assert_eq!(
        world
            .db
            .change(&name("nobody"), None, &secret(PASSWORD), &console(), NOW)
            .unwrap()
            .verdict,
        Verdict::UserNotFound
    );
}

#[test]
fn odd_passwords_get_clear_answers() {
    let world = World::new();
    world.user("alice");
    let change = |new: &[u8]| {
        let (old, new) = (secret(PASSWORD), Secret::new(new));
        world
            .db
            .change(&name("alice"), Some(&old), &new, &console(), NOW)
            .unwrap()
            .verdict
    };
    let long = |count| [b"Aa1-".as_slice(), &vec![b'x'; count]].concat();
    assert_eq!(change(b""), Verdict::PasswordTooShort);
    assert_eq!(change(b"Abc\xff-123456"), Verdict::IllFormedPassword);
    assert_eq!(change(b"Abc\x07-123456"), Verdict::BadPassword);
    assert_eq!(change(&long(509)), Verdict::PasswordTooLong);
    assert_eq!(change(&long(100_000)), Verdict::PasswordTooLong);
    assert_eq!(change(&long(69)), Verdict::Success);
    for guess in [&b""[..], &long(100_000), b"\xff\xfe"] {
        let guess = Secret::new(guess);
        let judgement = world
            .db
            .logon(&name("alice"), &guess, &console(), NOW)
            .unwrap();
        assert_eq!(judgement.decision.verdict, Verdict::LogonFailure);
    }
}

#[test]
fn changes_at_once_are_one_after_the_other() {
    let world = World::new();
    world.user("alice");
    world.policy(|p| p.min_age = Some(0));
    let accepted = std::thread::scope(|scope| {
        let changes: Vec<_> = (0..8)
            .map(|n| {
                let world = &world;
                scope.spawn(move || {
                    let new = format!("Parallel-horse-{n}");
                    world.change("alice", PASSWORD, &new).verdict
                })
            })
            .collect();
        let verdicts: Vec<_> = changes.into_iter().map(|c| c.join().unwrap()).collect();
        verdicts.iter().filter(|v| **v == Verdict::Success).count()
    });
    // The first one takes the old password away from the others.
    assert_eq!(accepted, 1);
    assert_eq!(
        world.show("alice").bad_password_count,
        0,
        "the last one does not count"
    );
}
