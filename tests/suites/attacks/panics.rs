//! Attacks: panics planted in the modules: the host program lives, gets the right code, and
//! nothing is printed.
//!
//! The PAM module is built once more with panics in it (`src/pam/src/planted.rs`): before and
//! after everything that a function asks of libpam, of the conversation, of the daemon or of
//! the host, and in what libpam calls when a transaction ends.

use crate::exports::{built, imports_none_of};
use crate::login::{is_in_as, login};
use crate::shipped::{domain_user_stays_out, local_users_get_in, module};
use crate::{Case, case, in_directory, plain};
use domlogon_tests::account::Condition::{self, *};
use domlogon_tests::probe::Report;
use domlogon_tests::size::{figure, sized};
use domlogon_tests::sshd::Method;
use domlogon_tests::{
    Failure, LOCAL_PASSWORD, Log, NEW_PASSWORD, PASSWORD, Probe, Program, ROOT_PASSWORD, Result,
    World, differs, ensure, ensure_equal,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

pub(super) fn cases() -> Vec<Case> {
    vec![
        plain("attacks/panics in the files as built", files),
        case("attacks/panics at every step", every_step),
        in_directory("attacks/panics among tickets", among_tickets),
        case("attacks/panics everywhere in real programs", everywhere),
        case("attacks/panics beside a logon", beside_a_logon),
        case("attacks/a cancelled thread", cancelled),
    ]
}

const SHIPPED: &str = "libpam_domlogon.so";
const PLANTED: &str = "libpam_domlogon_planted.so";

/// Both are named in `src/pam/src/planted.rs`.
const ORDERS: &str = "/run/domlogon-planted";
const DONE: &str = "/run/domlogon-planted.done";

/// In the message of a panic, where a program's secret might be.
const MARK: &str = "marked-pa55word";

/// What is thrown: a text, something that panics again when it is dropped, and what the
/// standard library throws.
const KINDS: &[&str] = &["text", "bomb", "bounds", "unwrap"];

/// The shipped module has none of this in it; of the plugin a test shows that no panic is
/// linked into it, and here that a planted one would be seen.
fn files(_: &mut World) -> Result<()> {
    let has_plants = |file: &str| -> Result<bool> {
        let bytes = fs::read(built(file)).map_err(Failure::harness("read a library"))?;
        let orders = ORDERS.as_bytes();
        Ok(bytes.windows(orders.len()).any(|part| part == orders))
    };
    ensure_equal("plants in the module", has_plants(SHIPPED)?, false)?;
    ensure_equal("plants in the planted one", has_plants(PLANTED)?, true)?;
    let planted = built("libnss_domlogon_planted.so");
    let found = imports_none_of(&planted, &["abort"]);
    ensure(
        found.is_err(),
        "a panic planted in the NSS plugin",
        "seen by the test of its imports",
        "it was not",
    )
}

/// What a transaction does, from its beginning to its end.
struct Scenario {
    what: &'static str,
    service: &'static str,
    condition: Condition,
    answers: &'static [&'static str],
    operations: &'static [&'static str],
    /// What is refused without a panic, and so must never be granted with one.
    refused: &'static [&'static str],
    by_the_person: bool,
}

const LOGON: Scenario = Scenario {
    what: "a logon",
    service: "login",
    condition: Good,
    answers: &[PASSWORD],
    operations: &["auth", "acct", "setcred", "open", "close", "delcred"],
    refused: &[],
    by_the_person: false,
};

const SCENARIOS: &[Scenario] = &[
    LOGON,
    Scenario {
        what: "a wrong password",
        answers: &["wrong"],
        operations: &["auth"],
        refused: &["auth"],
        ..LOGON
    },
    Scenario {
        what: "a disabled account",
        condition: Disabled,
        operations: &["auth", "acct"],
        refused: &["auth", "acct"],
        ..LOGON
    },
    Scenario {
        what: "a demanded change",
        service: "once",
        condition: MustChange,
        answers: &[PASSWORD, "short", "short"],
        operations: &["auth", "acct", "expired"],
        refused: &["acct", "expired"],
        ..LOGON
    },
    Scenario {
        what: "a change",
        service: "once",
        answers: &[PASSWORD, "short", "short"],
        operations: &["chauthtok"],
        refused: &["chauthtok"],
        by_the_person: true,
        ..LOGON
    },
];

fn every_step(world: &mut World) -> Result<()> {
    // Wrong passwords are typed by the dozen.
    world.policy(&["lockout-threshold=0"])?;
    let planted = Planted::beside()?;
    let mut panics = 0;
    for scenario in SCENARIOS {
        panics += all_steps(world, &planted, scenario, sized(5, 1))?;
    }
    panics += done_changes(world, &planted)?;
    figure("panics planted in transactions, one in each", panics);
    Ok(())
}

/// A logon that is handed tickets, which another program stores and renews.
fn among_tickets(world: &mut World) -> Result<()> {
    let planted = Planted::beside()?;
    let panics = all_steps(world, &planted, &LOGON, sized(9, 1))?;
    figure("panics planted in logons with tickets", panics);
    Ok(())
}

/// A panic at each `stride`th step of a scenario, until it has no more steps; then in what
/// libpam calls when the transaction ends. How many there were.
fn all_steps(
    world: &mut World,
    planted: &Planted,
    scenario: &Scenario,
    stride: usize,
) -> Result<usize> {
    let account = world.account(scenario.condition)?;
    let mut panics = 0;
    let mut step = 1;
    loop {
        let kind = KINDS[panics % KINDS.len()];
        planted.order(&format!("{step} {kind}"))?;
        if !one(planted, scenario, &account.name)? {
            break;
        }
        panics += 1;
        step += stride;
        ensure(
            step < 1000,
            format!("steps of {}", scenario.what),
            "an end",
            "none",
        )?;
    }
    ensure(
        panics * stride > 8,
        format!("steps of {}", scenario.what),
        "more than eight",
        panics.to_string(),
    )?;
    for kind in KINDS {
        planted.order(&format!("cleanup {kind}"))?;
        panics += usize::from(one(planted, scenario, &account.name)?);
    }
    if scenario.condition != Disabled {
        account.keeps_its_password()?;
    }
    Ok(panics)
}

/// One transaction. Whether there was a panic in it.
fn one(planted: &Planted, scenario: &Scenario, name: &str) -> Result<bool> {
    let log = Log::from_now();
    let mut probe = Probe::bare(scenario.service, name).folder(Planted::SERVICES);
    for answer in scenario.answers {
        probe = probe.answer(answer);
    }
    if scenario.by_the_person {
        probe = probe.as_user(name);
    }
    let report = probe.run(scenario.operations)?;
    let place = planted.place()?;
    judge(scenario, &report, place.as_deref())?;
    if place.is_some() {
        let line = log.line_with(&["a fault of the module, at ", ".rs:"])?;
        ensure(
            !log.lines().contains(MARK),
            "the line of the log",
            "not the message of the panic",
            line,
        )?;
    }
    Ok(place.is_some())
}

/// The function in which there was a panic failed with the code for that, and none other did;
/// nothing was granted that is refused without one; nothing was printed.
fn judge(scenario: &Scenario, report: &Report, place: Option<&str>) -> Result<()> {
    let what = format!("{}, a panic at {place:?}", scenario.what);
    silent(&what, report.text())?;
    let mut faults = 0;
    for operation in scenario.operations {
        let code = report.code(operation)?;
        faults += usize::from(code == "SYSTEM_ERR");
        ensure(
            code != "SUCCESS" || !scenario.refused.contains(operation),
            format!("{what}: {operation}"),
            "a refusal",
            report.text(),
        )?;
    }
    let expected = usize::from(place.is_some_and(|place| place != "cleanup"));
    ensure_equal(
        format!("{what}: PAM_SYSTEM_ERR, in\n{}", report.text()),
        faults,
        expected,
    )
}

/// The lines of the probe, and not one more.
fn silent(what: &str, text: &str) -> Result<()> {
    const KNOWN: &[&str] = &[
        "prompt ",
        "error ",
        "info ",
        "exhausted",
        "delay ",
        "return ",
    ];
    let other = text
        .lines()
        .find(|line| !KNOWN.iter().any(|known| line.starts_with(known)));
    match other {
        Some(line) => Err(differs(what, "nothing printed", line)),
        None => Ok(()),
    }
}

/// A change that is done where nothing panics: with a panic it is done whole or not at all.
fn done_changes(world: &mut World, planted: &Planted) -> Result<usize> {
    let mut panics = 0;
    for step in (1..).step_by(sized(16, 1)) {
        planted.order(&format!("{step} {}", KINDS[panics % KINDS.len()]))?;
        let account = world.account(MustChange)?;
        let report = Probe::bare("login", &account.name)
            .folder(Planted::SERVICES)
            .answer(PASSWORD)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .run(&["auth", "acct", "expired"])?;
        let place = planted.place()?;
        silent(&format!("a change, a panic at {place:?}"), report.text())?;
        let changed = account.opens_with(NEW_PASSWORD).is_ok();
        if report.code("expired")? == "SUCCESS" || place.is_none() {
            ensure(changed, "a change", "the new password", report.text())?;
        }
        if place.is_none() {
            return Ok(panics);
        }
        panics += 1;
    }
    Ok(panics)
}

/// Each function of the module panics at once, in the place of the installed one: local users
/// and root do not notice, and nobody of the domain comes in.
fn everywhere(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.sshd()?.accept_key(&account.name)?;
    let planted = Planted::installed()?;
    for kind in KINDS.iter().take(sized(1, KINDS.len())) {
        planted.order(&format!("each {kind}"))?;
        local_users_get_in()?;
        domain_user_stays_out(&account.name)?;
        planted.order(&format!("each {kind}"))?;
        for (name, password) in [("root", ROOT_PASSWORD), ("localuser", LOCAL_PASSWORD)] {
            let mut session = login(name)?;
            session.answer("assword: ", password)?;
            is_in_as(&mut session, name)?;
            unmentioned("login", &session.transcript())?;
        }
        let mut session = login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        session.expect("Login incorrect")?;
        unmentioned("login", &session.transcript())?;
        let mut session = Program::new("su")
            .args(&["-", &account.name, "-c", "id -un"])
            .as_user("localuser")?
            .on_terminal()?;
        session.answer("assword: ", PASSWORD)?;
        session.finish_with(1)?;
        unmentioned("su", &session.transcript())?;
        ensure(planted.place()?.is_some(), "panics", "some", "none")?;
    }
    planted.order("each")?;
    for method in [Method::Password, Method::Dialogue, Method::Key] {
        let mut session = world
            .sshd()?
            .client(&account.name, method, "echo I am in")
            .on_terminal()?;
        if method != Method::Key {
            session.answer("assword: ", PASSWORD)?;
        }
        let (status, _) = session.finish()?;
        let text = session.transcript();
        unmentioned("ssh", &text)?;
        ensure(
            status.code() == Some(255) && !text.contains("I am in"),
            format!("ssh with a module that panics, {method:?}"),
            "no logon",
            text,
        )?;
    }
    Ok(())
}

/// A panic where only tickets and the end of a session are concerned, which nobody is refused
/// for.
fn beside_a_logon(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let planted = Planted::installed()?;
    for place in ["cache", "acts_as_root", "stop_renewing", "cleanup"] {
        planted.order(place)?;
        let mut session = login(&account.name)?;
        session.answer("assword: ", PASSWORD)?;
        is_in_as(&mut session, &account.name)?;
        unmentioned("login", &session.transcript())?;
        ensure(
            place == "cleanup" || planted.place()?.is_some(),
            format!("panics at {place}"),
            "some",
            "none",
        )?;
    }
    Ok(())
}

fn unmentioned(program: &str, transcript: &str) -> Result<()> {
    let words = ["panick", "thread '", MARK, "planted", "fault"];
    ensure(
        !words.iter().any(|word| transcript.contains(word)),
        format!("the terminal of {program}"),
        "not a word of a panic",
        transcript,
    )
}

/// A thread of the host program is cancelled while it is in the module: it ends when the module
/// has returned, and the program lives.
fn cancelled(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for operation in ["auth", "chauthtok"] {
        let report = Probe::bare("once", &account.name)
            .mode("cancel")
            .answer(PASSWORD)
            .answer("short")
            .answer("short")
            .as_user(&account.name)
            .run(&[operation, "acct"])?;
        silent("a cancelled thread", report.text())?;
        ensure(
            report.texts("info").contains(&"the thread was cancelled")
                && report.code("acct").is_err(),
            format!("a thread that was cancelled in {operation}"),
            "its end at once afterwards",
            report.text(),
        )?;
    }
    account.keeps_its_password()
}

/// The module with the panics.
struct Planted {
    /// The installed module and where it is meanwhile.
    away: Option<(PathBuf, PathBuf)>,
}

impl Planted {
    /// Services of nothing but the planted module.
    const SERVICES: &str = "/run/planted-pam.d";

    /// Beside the installed one, for [`Planted::SERVICES`].
    fn beside() -> Result<Planted> {
        let what = "put the planted module somewhere";
        fs::create_dir_all(Self::SERVICES).map_err(Failure::harness(what))?;
        let module = format!("{}/pam_planted.so", Self::SERVICES);
        fs::copy(built(PLANTED), &module).map_err(Failure::harness(what))?;
        for (service, options) in [("login", ""), ("once", "retry=1"), ("other", "")] {
            let text = ["auth", "account", "password", "session"]
                .map(|kind| format!("{kind} required {module} {options}\n"))
                .concat();
            fs::write(format!("{}/{service}", Self::SERVICES), text)
                .map_err(Failure::harness(what))?;
        }
        Ok(Planted { away: None })
    }

    /// In the place of the installed one.
    fn installed() -> Result<Planted> {
        let what = "put the planted module in";
        let module = module()?;
        let aside = module.with_extension("aside");
        fs::rename(&module, &aside).map_err(Failure::harness(what))?;
        let planted = Planted {
            away: Some((module.clone(), aside)),
        };
        fs::copy(built(PLANTED), &module).map_err(Failure::harness(what))?;
        Ok(planted)
    }

    /// Where the next panics are to be. Those before are forgotten.
    fn order(&self, order: &str) -> Result<()> {
        let what = "order a panic";
        fs::write(ORDERS, order).map_err(Failure::harness(what))?;
        fs::write(DONE, "").map_err(Failure::harness(what))?;
        // Also the module in a program of the person's notes its panic there.
        fs::set_permissions(DONE, fs::Permissions::from_mode(0o666)).map_err(Failure::harness(what))
    }

    /// Where the first panic since the order was.
    fn place(&self) -> Result<Option<String>> {
        let done = fs::read_to_string(DONE).map_err(Failure::harness("look for a panic"))?;
        Ok(done.lines().next().map(str::to_owned))
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        let _ = fs::remove_file(ORDERS);
        let _ = fs::remove_file(DONE);
        if let Some((module, aside)) = &self.away {
            let _ = fs::rename(aside, module);
        }
    }
}
