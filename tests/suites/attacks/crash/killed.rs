//! kill -9 at random moments, and the power with it.

use super::Stage;
use super::person::{Person, THRESHOLD};
use domlogon_tests::size::{figure, sized, sized_or_given};
use domlogon_tests::{Chance, Operations, Result, World, differs, ensure};
use nix::sys::signal::Signal;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

/// How many act at once.
const PEOPLE: usize = 3;

/// The moments: from nearly at once to some requests later.
const SOON: Duration = Duration::from_millis(1);
const LATE: [Duration; 2] = [Duration::from_millis(400), Duration::from_millis(1200)];

/// When a daemon has started.
const STARTED: Duration = Duration::from_millis(80);

/// What an fsync takes.
const DISK: Duration = Duration::from_millis(40);

pub(super) fn killed(world: &mut World) -> Result<()> {
    Run::new(world, "killed", false)?.go()
}

/// As before, and what the disk had not been told to keep is lost, or not, as it comes.
pub(super) fn power_fails(world: &mut World) -> Result<()> {
    Run::new(world, "power fails", true)?.go()
}

struct Run {
    stage: Stage,
    chance: Chance,
    people: Vec<Person>,
    what: &'static str,
    /// Whether the power fails too.
    power: bool,
    figures: Figures,
}

#[derive(Default)]
struct Figures {
    kills: u64,
    answered: u64,
    unanswered: u64,
    lost: u64,
}

impl Run {
    fn new(world: &mut World, what: &'static str, power: bool) -> Result<Run> {
        world.policy(&[&format!("lockout-threshold={THRESHOLD}")])?;
        let mut chance = Chance::new(what);
        let people: Result<Vec<Person>> = (0..PEOPLE)
            .map(|_| Person::make(&world.group_name("victim"), &mut chance))
            .collect();
        Ok(Run {
            people: people?,
            stage: Stage::set(world)?,
            chance,
            what,
            power,
            figures: Figures::default(),
        })
    }

    fn go(mut self) -> Result<()> {
        let wanted = sized_or_given("DOMLOGON_OPERATIONS", 60, 10_000);
        while self.figures.answered + self.figures.unanswered < wanted {
            self.round()?;
            for person in self.people.iter().filter(|_| !self.power) {
                person.is_not_shown_as_he_was()?;
            }
            self.stumble()?;
            self.crash()?;
            self.is_whole()?;
        }
        self.report()
    }

    /// All act until the daemon is killed.
    fn round(&mut self) -> Result<()> {
        if self.power {
            // A disk takes its time, and is hit while it does.
            self.stage.fault.slow(Operations::SYNC, DISK);
        }
        let [late, later] = LATE;
        let moment = self.chance.time(SOON, sized(late, later));
        let daemon = self.stage.daemon()?;
        let results: Vec<Result<u64>> = thread::scope(|scope| {
            let acting: Vec<_> = self
                .people
                .iter_mut()
                .map(|person| {
                    let mut chance = self.chance.split();
                    scope.spawn(move || {
                        let mut done = 0;
                        while person.act(&mut chance)? {
                            done += 1;
                        }
                        Ok(done)
                    })
                })
                .collect();
            thread::sleep(moment);
            let killed = daemon.signal(Signal::SIGKILL);
            let acted = acting.into_iter().map(ended);
            acted.chain([killed.map(|()| 0)]).collect()
        });
        for result in results {
            self.figures.answered += result?;
        }
        self.figures.kills += 1;
        let in_doubt = self.people.iter().filter(|one| one.is_in_doubt()).count();
        self.figures.unanswered += in_doubt as u64;
        Ok(())
    }

    /// The daemon is gone, perhaps the power with it, and the next one starts.
    fn crash(&mut self) -> Result<()> {
        if self.power {
            self.figures.lost += self.stage.lose_power(&mut self.chance)? as u64;
            Ok(())
        } else {
            self.stage.crash()
        }
    }

    /// The next daemon may be killed while it starts.
    fn stumble(&mut self) -> Result<()> {
        if self.chance.one_in(3) {
            self.stage.kill();
            let daemon = self.stage.fault.launch()?;
            let moment = self.chance.time(SOON, STARTED);
            thread::sleep(moment);
            daemon.kill();
            self.figures.kills += 1;
        }
        Ok(())
    }

    /// All look at once: each has his own account.
    fn is_whole(&mut self) -> Result<()> {
        let power = self.power;
        let results: Vec<Result<()>> = thread::scope(|scope| {
            let looking: Vec<_> = self
                .people
                .iter_mut()
                .map(|person| scope.spawn(move || person.is_whole(power)))
                .collect();
            looking.into_iter().map(ended).collect()
        });
        results.into_iter().collect()
    }

    fn report(&self) -> Result<()> {
        let Figures {
            kills,
            answered,
            unanswered,
            lost,
        } = self.figures;
        let said = |what: &str, value: u64| figure(&format!("{}: {what}", self.what), value);
        said("kills", kills);
        said("requests answered", answered);
        said("requests killed", unanswered);
        ensure(unanswered > 0, "requests killed", "some", "none")?;
        if self.power {
            said("writes lost", lost);
            ensure(lost > 0, "writes lost", "some", "none")?;
        }
        Ok(())
    }
}

fn ended<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    let panicked = |_| Err(differs("a thread", "its end", "a panic"));
    thread.join().unwrap_or_else(panicked)
}
