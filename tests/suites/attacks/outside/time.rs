//! The time that an answer takes.

use super::{MANY, people};
use crate::{Case, case, each};
use domlogon_protocol::{Origin, Reply, Request, Secret, UserName, client};
use domlogon_tests::account::Condition::*;
use domlogon_tests::daemon::SOCKET;
use domlogon_tests::size::{figure, is_long, sized};
use domlogon_tests::statistics::{Comparison, compare};
use domlogon_tests::{Failure, Marker, Probe, Result, World, differs, domlogon_with, ensure};
use std::path::Path;
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        each("attacks/outside/time of the daemon", daemon),
        case("attacks/outside/time of libpam", libpam),
        case("attacks/outside/time of an imported hash", imported),
    ]
}

/// So far apart is what nobody can overlook; what is asserted in a long run.
const MOST: f64 = 0.25;

fn daemon(world: &mut World) -> Result<()> {
    measured(world, "the daemon", sized(4, 1000), |name| {
        let user = UserName::parse(name.as_bytes())
            .map_err(|_| differs("a name", "one that can be asked about", name))?;
        let origin = Origin {
            service: "sshd".to_owned(),
            ..Origin::default()
        };
        let password = Secret::new(b"not the right one");
        let request = Request::Logon {
            user,
            password,
            origin,
        };
        let begin = Instant::now();
        let reply = client::call(Path::new(SOCKET), &request, Duration::from_secs(5));
        let took = begin.elapsed();
        match reply {
            Ok(Reply::Decision(decision)) if !decision.verdict.grants() => Ok(took),
            other => Err(differs("the daemon", "a refusal", format!("{other:?}"))),
        }
    })
}

/// With the shipped stack, as sshd runs it.
fn libpam(world: &mut World) -> Result<()> {
    measured(world, "libpam", sized(2, 1000), |name| {
        Probe::stack("sshd", name)
            .answer("not the right one")
            .run(&["auth"])?
            .took_exactly("auth")
    })
}

fn measured(
    world: &mut World,
    whose: &str,
    tries: usize,
    mut attempt: impl FnMut(&str) -> Result<Duration>,
) -> Result<()> {
    let people = people(world)?;
    world.policy(&[MANY])?;
    let names: Vec<&str> = people.iter().map(|(_, name)| &**name).collect();
    let took = interleaved(&names, tries, &mut attempt)?;
    let wrong = people
        .iter()
        .position(|(state, _)| *state == "a wrong password");
    let reference = wrong
        .and_then(|place| took.get(place))
        .cloned()
        .unwrap_or_default();
    for ((state, _), took) in people.iter().zip(&took) {
        if *state == "a wrong password" {
            continue;
        }
        let found = compare(took, &reference);
        figure(
            &format!("time of {whose}, {state} against a wrong password, {tries} tries"),
            found,
        );
        in_bounds(world, state, found)?;
    }
    Ok(())
}

fn in_bounds(world: &World, state: &str, found: Comparison) -> Result<()> {
    // A controller takes its own time.
    if !is_long() || world.home().directory().is_some() {
        return Ok(());
    }
    let apart = (found.above - 0.5).abs() > MOST && found.difference.abs() > found.median * 0.05;
    ensure(
        !apart,
        format!("the time of {state}"),
        "that of a wrong password",
        found.to_string(),
    )
}

/// Each of `names` so many times, in an order that nobody knows.
fn interleaved(
    names: &[&str],
    tries: usize,
    attempt: &mut impl FnMut(&str) -> Result<Duration>,
) -> Result<Vec<Vec<Duration>>> {
    /// Before the counter of wrong passwords comes to its end.
    const BLOCK: usize = 900;
    let mut took = vec![Vec::new(); names.len()];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut left = tries;
    while left > 0 {
        let block = left.min(BLOCK);
        let mut order: Vec<usize> = (0..names.len() * block).map(|n| n % names.len()).collect();
        for last in (1..order.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let other = usize::try_from(state >> 33).unwrap_or(0) % (last + 1);
            order.swap(last, other);
        }
        for place in order {
            if let (Some(name), Some(took)) = (names.get(place), took.get_mut(place)) {
                took.push(attempt(name)?);
            }
        }
        for name in names {
            // Nobody has no counter.
            domlogon_tests::domlogon(&["user", "unlock", name])?;
        }
        left -= block;
    }
    Ok(took)
}

/// An imported hash, before a good logon has replaced it, and an account that has one of ours.
fn imported(world: &mut World) -> Result<()> {
    const HASHES: [(&str, &str); 2] = [
        (
            "SHA-512",
            "$6$saltsalt$Jgj3jbreB62fXF/AFH4euXInMtL1uy.kk72dOB73bdMBUKmjrXjuwYYdS1AGO89TsVqyq8.LZfLiNNRW3hbpv/",
        ),
        (
            "yescrypt",
            "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$rlEroZozvayoJ5RqtWtIo6moncpeATtw0.Iix.9d.n8",
        ),
    ];
    let good = world.account(Good)?;
    world.policy(&[MANY])?;
    let tries = sized(2, 300);
    for (kind, hash) in HASHES {
        let name = world.group_name("imported");
        let line = format!("{name}:{hash}\n");
        domlogon_with(&["user", "import", "--format", "passwd", "-"], &line)?.exits(0)?;
        let wrong = Marker::new();
        let mut attempt = |name: &str| {
            Probe::bare("login", name)
                .answer(wrong.text())
                .run(&["auth"])?
                .took_exactly("auth")
        };
        let took = interleaved(&[&name, &good.name], tries, &mut attempt)?;
        let [ours, reference] = took.as_slice() else {
            return Err(Failure::harness("measure")(std::io::Error::other(
                "no two series",
            )));
        };
        let found = compare(ours, reference);
        figure(
            &format!("time of an imported {kind} hash against a wrong password, {tries} tries"),
            found,
        );
        in_bounds(world, kind, found)?;
    }
    Ok(())
}
