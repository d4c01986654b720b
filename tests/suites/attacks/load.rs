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
        settle(process)?;
        // Two slow processors make that many hashes before the others are told to wait.
        answers.are_at_least(AT_ONCE / 20)?;
        all.add(answers);
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
    let results: Vec<Result<bool>> = thread::scope(|scope| {
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
    let came_in: Vec<bool> = results.into_iter().collect::<Result<_>>()?;
    let count = came_in.into_iter().filter(|came_in| *came_in).count();
    ensure(
        count >= many / 20,
        "logons by libpam at once",
        format!("{} that come in", many / 20),
        count.to_string(),
    )
}

/// Whether the daemon had the time.
fn comes_in(account: &Account) -> Result<bool> {
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    let busy = report.code("auth")? == "AUTHINFO_UNAVAIL" && report.text().contains("too busy");
    if busy {
        return Ok(false);
    }
    report.returns("auth", "SUCCESS")?;
    report.returns("acct", "SUCCESS")?;
    Ok(true)
}

/// One after the other, for an hour with `--long`, while accounts are edited: what the daemon
/// holds does not grow.
fn in_a_row(world: &mut World) -> Result<()> {
    let mut row = Row {
        crowd: Crowd::make(world, "row", 50)?,
        process: world.daemon()?.process(),
        answers: Answers::default(),
        done: 0,
        kept: Vec::new(),
    };
    let begun = Instant::now();
    let result = row.run();
    let what = format!("{} in a row", row.done);
    row.answers.report(&what);
    figure(
        &format!("{what}: took"),
        format!("{} s", begun.elapsed().as_secs()),
    );
    if let (Some(warm), Some(last)) = (row.kept.first(), row.kept.last()) {
        figure(&format!("{what}: kept when it was warm"), warm);
        figure(&format!("{what}: kept at the end"), last);
        figure(&format!("{what}: memory meanwhile"), course(&row.kept));
    }
    result?;
    row.crowd.comes_in()
}

struct Row {
    crowd: Crowd,
    process: u32,
    answers: Answers,
    done: usize,
    /// What the daemon held since it had held the most for the first time.
    kept: Vec<Keeps>,
}

impl Row {
    fn run(&mut self) -> Result<()> {
        let logons = sized(200, 10_000);
        let least = Duration::from_secs(60 * sized_or_given("DOMLOGON_MINUTES", 0, 60));
        let begun = Instant::now();
        while self.done < logons || begun.elapsed() < least {
            self.part(logons / 10)?;
            // By then it has as many threads as it ever has.
            if self.done * 3 >= logons {
                let now = Keeps::of(self.process)?;
                self.kept.push(now);
                self.kept[0].holds(now)?;
            }
        }
        Ok(())
    }

    fn part(&mut self, logons: usize) -> Result<()> {
        let crowd = &self.crowd;
        let answers = thread::scope(|scope| {
            let editor = Editor::begin(scope, crowd);
            let answers = crowd.log_on(logons, QUEUE);
            editor.end()?;
            answers
        })?;
        // So few at once are no reason to turn anybody away, but on a host that is busy itself.
        answers.are_at_least(logons / 2)?;
        self.answers.add(answers);
        self.done += logons;
        Ok(())
    }
}

/// The memory at no more than ten moments, as far from each other as can be.
fn course(kept: &[Keeps]) -> String {
    let step = kept.len().div_ceil(10).max(1);
    let some: Vec<String> = kept
        .iter()
        .step_by(step)
        .map(|now| now.memory.to_string())
        .collect();
    format!("{} KiB", some.join(", "))
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
