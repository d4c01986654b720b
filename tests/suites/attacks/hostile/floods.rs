//! Floods of connections by users without any right, and the logons of all the others meanwhile.

use crate::{Case, case};
use domlogon_tests::account::Condition::*;
use domlogon_tests::caller::Caller;
use domlogon_tests::daemon::{ADMIN_SOCKET, SOCKET};
use domlogon_tests::size::{figure, sized};
use domlogon_tests::{
    Account, Failure, Holdings, PASSWORD, Probe, Program, Result, World, cli, domlogon, ensure,
    ensure_equal,
};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("attacks/hostile/one caller", one_caller),
        case("attacks/hostile/many callers", many_callers),
        case("attacks/hostile/every place taken", every_place_taken),
        case("attacks/hostile/one user with many ids", many_ids),
        case("attacks/hostile/one user's many su", many_su),
        case(
            "attacks/hostile/long answers that nobody takes",
            long_answers,
        ),
    ]
}

/// How long a module waits for an answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// As long as the daemon gives a caller for a request, and again for taking the answer.
const TALK: Duration = Duration::from_secs(10);

const ATTACKS: [&str; 11] = [
    "idle",
    "half",
    "trickle",
    "huge",
    "garbage",
    "unread",
    "descriptors",
    "names",
    "leave",
    "guess",
    "explain",
];

/// Nobody's account: the callers have only their ids.
const FIRST_UID: u32 = 6001;

/// One user, with one attack after the other.
fn one_caller(world: &mut World) -> Result<()> {
    let scene = Scene::new(world)?;
    let calm = scene.logons(Duration::from_millis(sized(500, 10_000)))?;
    figure("logons with nobody else, ms", &calm);
    for attack in ATTACKS {
        // In a short run all of them together are the other case.
        if sized(attack == "half", true) {
            let time = Duration::from_secs(sized(1, 20));
            let callers = scene.callers(&[attack], 1, time)?;
            let took = scene.logons(time)?;
            figure(
                &format!("logons while one user attacks ({attack}), ms"),
                &took,
            );
            scene.is_over(callers)?;
        }
    }
    Ok(())
}

/// So many users that their shares together are more than there is.
fn many_callers(world: &mut World) -> Result<()> {
    let scene = Scene::new(world)?;
    let time = Duration::from_secs(sized(2, 60));
    let callers = scene.callers(&ATTACKS, sized(1, 3), time)?;
    let count = callers.len();
    let took = scene.logons(time)?;
    figure(
        &format!("logons while {count} callers attack in all ways, ms"),
        &took,
    );
    scene.is_over(callers)
}

/// Many users who each keep as many connections as they get: somebody who has none gets one.
fn every_place_taken(world: &mut World) -> Result<()> {
    let scene = Scene::new(world)?;
    let time = Duration::from_secs(sized(1, 30));
    let callers = scene.callers(&["half"], sized(12, 40), time)?;
    let count = callers.len() / 2;
    let took = scene.logons(time)?;
    figure(
        &format!("logons while {count} users keep all connections they get, ms"),
        &took,
    );
    scene.is_over(callers)
}

/// One user with many ids, which are his by /etc/subuid: together they have one user's places.
fn many_ids(world: &mut World) -> Result<()> {
    const SUBUID: &str = "/etc/subuid";
    const IDS: std::ops::Range<u32> = 100_000..100_024;
    /// An eighth of all places, and what a logon takes beside them.
    const PLACES: usize = 32 + 8;
    let what = "give a user subordinate ids";
    let before = fs::read(SUBUID).map_err(Failure::harness(what))?;
    let range = format!("localuser:{}:{}\n", IDS.start, IDS.len());
    fs::write(SUBUID, range).map_err(Failure::harness(what))?;
    let scene = Scene::new(world)?;
    let start = |uid| Caller::start(uid, "half", SOCKET, 60);
    let callers = IDS.map(start).collect::<Result<Vec<Caller>>>()?;
    thread::sleep(Duration::from_secs(1));
    let held = Holdings::of(scene.process)?.descriptors;
    let over = scene.is_over(callers);
    fs::write(SUBUID, before).map_err(Failure::harness(what))?;
    ensure(
        held <= scene.before.descriptors + PLACES,
        "descriptors of the daemon",
        format!("no more than {PLACES} beside {}", scene.before.descriptors),
        held.to_string(),
    )?;
    over
}

/// One user starts su again and again. To the daemon it is root that asks.
fn many_su(world: &mut World) -> Result<()> {
    // A locked one costs no hash.
    world.policy(&["lockout-threshold=999"])?;
    let scene = Scene::new(world)?;
    let time = Duration::from_secs(sized(3, 30));
    let seconds = time.as_secs() * 2 + 60;
    let _ = domlogon(&["user", "delete", "bait"])?;
    let bait = Account::make("bait", Good)?;
    let mut storm = storm("su bait -c true", seconds)?;
    thread::sleep(Duration::from_millis(1500));
    let took = scene.logons(time);
    let ended = storm.kill().and_then(|()| storm.wait());
    ended.map_err(Failure::harness("end a storm"))?;
    Program::new("pkill")
        .args(&["-KILL", "-x", "su"])
        .run(b"")?;
    ensure(
        bait.wrong_passwords()? > 0,
        "the storm",
        "passwords that were judged",
        "none",
    )?;
    figure(
        "logons while one user starts su again and again, ms",
        &took?,
    );
    scene.is_over(Vec::new())
}

/// A command that reads a password, by a local user, as often as he can.
fn storm(command: &str, seconds: u64) -> Result<Child> {
    let script = format!(
        "end=$(($(date +%s) + {seconds})); \
         while [ $(date +%s) -lt $end ]; do \
             for each in $(seq 300); do echo wrong | {command} & done; sleep 1; \
         done >/dev/null 2>&1"
    );
    Command::new("setpriv")
        .args(["--reuid=5000", "--regid=5000", "--clear-groups"])
        .args(["sh", "-c", &script])
        .stdin(Stdio::null())
        .spawn()
        .map_err(Failure::harness("start a storm"))
}

/// The longest answer there is, asked for on every connection and never taken.
fn long_answers(world: &mut World) -> Result<()> {
    let members = sized(2_000, 60_000);
    let mut table = String::from("name,groups\n");
    for number in 0..members {
        table.push_str(&format!("one-of-the-crowd-{number},crowd\n"));
    }
    domlogon(&["group", "add", "crowd"])?.exits(0)?;
    let import = Program::new("domlogon").patience(Duration::from_secs(120));
    cli::run(&import.args(&["user", "import", "-"]), &table)?.exits(0)?;
    let scene = Scene::new(world)?;
    let time = Duration::from_secs(sized(1, 20));
    let callers = scene.callers(&["heavy"], 6, time)?;
    let took = scene.logons(time)?;
    figure(
        &format!("logons while 6 users leave a group of {members} unread, ms"),
        &took,
    );
    scene.is_over(callers)
}

/// A daemon, somebody who logs on by it, and what it held before.
struct Scene {
    account: Account,
    victim: Account,
    process: u32,
    before: Holdings,
}

impl Scene {
    fn new(world: &mut World) -> Result<Scene> {
        let account = world.account(Good)?;
        let _ = domlogon(&["user", "delete", "victim"])?;
        let victim = Account::make("victim", Good)?;
        let process = world.daemon()?.process();
        // Each way once before it is measured: what is made at the first use stays.
        account.opens_with(PASSWORD)?;
        domlogon(&["user", "list"])?.exits(0)?;
        thread::sleep(Duration::from_millis(200));
        Ok(Scene {
            account,
            victim,
            process,
            before: Holdings::of(process)?,
        })
    }

    /// Attacks on both sockets, each by a user of its own, `each` times.
    fn callers(&self, attacks: &[&str], each: u32, time: Duration) -> Result<Vec<Caller>> {
        let mut callers = Vec::new();
        let mut uid = FIRST_UID;
        for _ in 0..each {
            for attack in attacks {
                for socket in [SOCKET, ADMIN_SOCKET] {
                    // Longer than it is looked at: it is ended when that is over.
                    let seconds = time.as_secs() * 2 + 60;
                    callers.push(Caller::start(uid, attack, socket, seconds)?);
                }
                uid += 1;
            }
        }
        thread::sleep(Duration::from_millis(500));
        Ok(callers)
    }

    /// Root's programs and the user himself log on all the time, and an administrator works.
    fn logons(&self, time: Duration) -> Result<Took> {
        let end = Instant::now() + time;
        let mut took = Took::default();
        let mut own = Instant::now();
        while Instant::now() < end {
            took.root
                .push(self.logon(Probe::bare("login", &self.account.name))?);
            let begin = Instant::now();
            domlogon(&["user", "show", &self.account.name])?.exits(0)?;
            took.command.push(begin.elapsed());
            // No more often than somebody may have his own password judged.
            if Instant::now() >= own {
                own = Instant::now() + Duration::from_millis(1100);
                let probe = Probe::bare("swaylock", &self.account.name);
                took.own
                    .push(self.logon(probe.as_user(&self.account.name))?);
            }
        }
        Ok(took)
    }

    fn logon(&self, probe: Probe) -> Result<Duration> {
        let report = probe.answer(PASSWORD).run(&["auth"])?;
        report.returns("auth", "SUCCESS")?;
        let took = report.took("auth")?;
        ensure(
            took < DEADLINE,
            "a logon meanwhile",
            "an answer within the deadline",
            format!("{took:?}"),
        )?;
        Ok(took)
    }

    /// The attack ends; nothing of it is left, and nothing has come of it.
    fn is_over(&self, callers: Vec<Caller>) -> Result<()> {
        let most = Holdings::of(self.process)?;
        drop(callers);
        let after = self.before.are_back(self.process, TALK)?;
        figure("held by the daemon before", self.before);
        figure("held by the daemon under attack", most);
        figure("held by the daemon afterwards", after);
        ensure_equal(
            "wrong passwords of the victim",
            self.victim.wrong_passwords()?,
            0,
        )
    }
}

/// How long each kind of legitimate caller waited.
#[derive(Default)]
struct Took {
    root: Vec<Duration>,
    own: Vec<Duration>,
    command: Vec<Duration>,
}

impl std::fmt::Display for Took {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = [
            ("root's", &self.root),
            ("own", &self.own),
            ("command", &self.command),
        ];
        for (index, (who, took)) in all.into_iter().enumerate() {
            let mut took: Vec<u128> = took.iter().map(Duration::as_millis).collect();
            took.sort_unstable();
            let at = |share: usize| took.get((took.len() * share / 100).min(took.len() - 1));
            if let (Some(median), Some(late), Some(last)) = (at(50), at(99), took.last()) {
                let comma = if index == 0 { "" } else { "; " };
                let count = took.len();
                write!(
                    out,
                    "{comma}{who} {median} median, {late} 99 %, {last} most, of {count}"
                )?;
            }
        }
        Ok(())
    }
}
