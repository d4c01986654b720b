//! Attacks: many logons at once and in a row, and what the daemon keeps of them.

mod crowd;
mod keeps;

use crate::{Case, case};
use crowd::{Answers, Crowd, Editor};
use domlogon_tests::account::Condition::Good;
use domlogon_tests::size::{figure, sized, sized_or_given};
use domlogon_tests::{Account, Daemon, PASSWORD, Probe, Result, World, differs, ensure};
use keeps::Keeps;
use std::thread;
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("attacks/load/at once", at_once),
        case("attacks/load/real libpam at once", by_libpam),
        case("attacks/load/in a row", in_a_row),
    ]
}

/// So many at once: fewer than the seats of root's programs, so that none is turned away.
const AT_ONCE: usize = 200;

/// So many log on at once in a long row.
const QUEUE: usize = 8;

/// Everybody comes at the same moment, some mistype, and meanwhile accounts are edited.
fn at_once(world: &mut World) -> Result<()> {
    let crowd = Crowd::make(world, "crowd", 20)?;
    let process = world.daemon()?.process();
    // Threads and memory for so many are there from the first time on.
    let mut before = None;
    let mut all = Answers::default();
    for _ in 0..sized(2, 10) {
        let answers = thread::scope(|scope| {
            let editor = Editor::begin(scope, &crowd);
            let answers = crowd.log_on(AT_ONCE, AT_ONCE);
            editor.end()?;
            answers
        })?;
        all.add(answers);
        settle(process)?;
        let now = Keeps::of(process)?;
        before.get_or_insert(now).holds(now)?;
    }
    all.report("200 at once");
    crowd.comes_in()
}

/// The same by the real library, a process for each.
fn by_libpam(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let many = sized(40, AT_ONCE);
    let begun = Instant::now();
    let results: Vec<Result<()>> = thread::scope(|scope| {
        let coming: Vec<_> = (0..many)
            .map(|_| scope.spawn(|| comes_in(&account)))
            .collect();
        coming
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|_| Err(panicked())))
            .collect()
    });
    figure(
        &format!("{many} by libpam at once: all"),
        format!("{} ms", begun.elapsed().as_millis()),
    );
    results.into_iter().collect()
}

fn comes_in(account: &Account) -> Result<()> {
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    let busy = report.code("auth")? == "AUTHINFO_UNAVAIL" && report.text().contains("too busy");
    if busy {
        return Ok(());
    }
    report.returns("auth", "SUCCESS")?;
    report.returns("acct", "SUCCESS").map(drop)
}

/// One after the other, for an hour with `--long`, while accounts are edited: what the daemon holds does not grow.
fn in_a_row(world: &mut World) -> Result<()> {
    let crowd = Crowd::make(world, "row", 50)?;
    let process = world.daemon()?.process();
    let logons = sized(200, 10_000);
    let begun = Instant::now();
    let least = Duration::from_secs(60 * sized_or_given("DOMLOGON_MINUTES", 0, 60));
    let mut all = Answers::default();
    // As many as it holds at its most are soon there.
    let mut warm = None;
    let mut last = None;
    let mut done = 0;
    while done < logons || begun.elapsed() < least {
        let part = logons / 10;
        let answers = thread::scope(|scope| {
            let editor = Editor::begin(scope, &crowd);
            let answers = crowd.log_on(part, QUEUE);
            editor.end()?;
            answers
        })?;
        all.add(answers);
        done += part;
        let now = Keeps::of(process)?;
        last = Some(now);
        if done * 3 >= logons {
            warm.get_or_insert(now).holds(now)?;
        }
    }
    let what = format!("{done} in a row");
    all.report(&what);
    figure(
        &format!("{what}: took"),
        format!("{} s", begun.elapsed().as_secs()),
    );
    if let (Some(warm), Some(last)) = (warm, last) {
        figure(&format!("{what}: kept after a third"), warm);
        figure(&format!("{what}: kept at the end"), last);
    }
    crowd.comes_in()
}

/// Until the threads that came for a crowd are gone.
fn settle(process: u32) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(5);
    while Keeps::of(process)?.threads > keeps::AT_REST {
        ensure(
            Instant::now() < end,
            "the daemon's threads after a crowd",
            format!("no more than {}", keeps::AT_REST),
            format!("{}\n{}", Keeps::of(process)?, Daemon::said()),
        )?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn panicked() -> domlogon_tests::Failure {
    differs("a thread", "its end", "a panic")
}
