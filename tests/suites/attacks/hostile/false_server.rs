//! Somebody else in the daemon's place, or something else in the place of its socket.

use crate::{Case, case, plain};
use domlogon_protocol::frame::{self, MAX_REPLY, MAX_REQUEST};
use domlogon_protocol::{Decision, Reply, Request, Rule, Verdict};
use domlogon_tests::account::Condition::*;
use domlogon_tests::caller::Caller;
use domlogon_tests::daemon::{ADMIN_SOCKET, CONFIGURATION, RUN, SOCKET};
use domlogon_tests::size::is_long;
use domlogon_tests::{
    Account, Daemon, Failure, NEW_PASSWORD, PASSWORD, Probe, Program, Result, World, cli, domlogon,
    ensure, ensure_equal,
};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("attacks/hostile/another user's server", another_users),
        case("attacks/hostile/a server that lies", lies),
        plain("attacks/hostile/a link where the daemon's files go", links),
    ]
}

const EVIL: &str = "/run/evil";
const UID: u32 = 6001;

/// Reached by a link, once to the socket and once to the folder. Not a byte is said to it.
fn another_users(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    for (link, target) in [(SOCKET, "/run/evil/socket"), (RUN, EVIL)] {
        let result = under_another(&account, link, target);
        let _ = fs::remove_file(link);
        let _ = fs::remove_dir_all(EVIL);
        result?;
    }
    world.revive()?;
    account.opens_with(PASSWORD)
}

fn under_another(account: &Account, link: &str, target: &str) -> Result<()> {
    let what = "put another server in the daemon's place";
    fs::create_dir_all(EVIL).map_err(Failure::harness(what))?;
    chown(EVIL, Some(UID), Some(UID)).map_err(Failure::harness(what))?;
    let socket = format!("{EVIL}/socket");
    let mut server = Caller::start(UID, "serve", &socket, 60)?;
    ensure_equal("the other server", &*server.line()?, "listening")?;
    let _ = fs::remove_dir_all(link);
    symlink(target, link).map_err(Failure::harness(what))?;
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?;
    report.returns("auth", "AUTHINFO_UNAVAIL")?;
    report.asks_nothing()?;
    // It was reached, and was told nothing.
    ensure_equal("the other server", &*server.line()?, "came 1, told 0")?;
    let report = Probe::bare("login", &account.name).run(&["acct"])?;
    ensure(
        report.code("acct")? != "SUCCESS",
        "account management",
        "a refusal",
        report.text(),
    )?;
    ensure_equal("the other server", &*server.line()?, "came 2, told 0")?;
    let status = domlogon(&["status"])?;
    ensure(
        status.code() != 0,
        "domlogon status",
        "no answer",
        status.text(),
    )
}

/// A server of the right user that says what no daemon would: nobody comes in by it, and nobody
/// waits for it longer than for a dead one.
fn lies(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    let result = all_lies(&account);
    world.revive()?;
    result?;
    account.keeps_its_password()
}

fn all_lies(account: &Account) -> Result<()> {
    let success = Box::new(Decision::new(Verdict::Success, Rule::AllPassed));
    let granted = whole(&Reply::Decision(success.clone()))?;
    let cut = granted
        .get(..granted.len() - 1)
        .unwrap_or_default()
        .to_vec();
    let mut longer = granted.clone();
    longer.push(0);
    let mut grown = longer.clone();
    lengthen(&mut grown, 1);
    let mut newer = granted.clone();
    newer.splice(4..6, [2, 0]);
    let mut endless = granted.clone();
    endless.splice(0..4, u32::MAX.to_le_bytes());
    let mut promised = granted.clone();
    promised.splice(0..4, 16_000_000_u32.to_le_bytes());
    let preliminary = Reply::Preliminary {
        decision: success,
        rules: None,
    };
    let lies = [
        ("nothing", vec![]),
        ("a grant that is cut short", cut),
        ("a grant with something behind it", grown),
        ("a grant of another version", newer),
        ("a length of four thousand megabytes", endless),
        ("a length that is not kept", promised),
        ("garbage", vec![0xFF; 4096]),
        ("zeros", vec![0; 4096]),
        ("a list of groups", whole(&Reply::GroupIds(Some(vec![0])))?),
        ("no user", whole(&Reply::User(None))?),
        (
            "a refusal that is a success",
            whole(&Reply::Refused(Verdict::Success))?,
        ),
        ("another question's success", whole(&preliminary)?),
    ];
    for (what, bytes) in lies {
        let server = Liar::begin(bytes, false)?;
        nobody_comes_in(account, what)?;
        drop(server);
    }
    if is_long() {
        let server = Liar::begin(granted, true)?;
        nobody_comes_in(account, "a grant, a byte a second")?;
        drop(server);
    }
    Ok(())
}

fn nobody_comes_in(account: &Account, what: &str) -> Result<()> {
    // Two questions, and each may take its whole time.
    const PATIENCE: Duration = Duration::from_secs(11);
    for operation in ["auth", "acct", "chauthtok", "expired"] {
        let begin = Instant::now();
        let report = Probe::bare("once", &account.name)
            .answer(PASSWORD)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .run(&[operation])?;
        ensure(
            report.code(operation)? != "SUCCESS",
            format!("{operation}, and the server says {what}"),
            "a refusal",
            report.text(),
        )?;
        ensure(
            begin.elapsed() < PATIENCE,
            format!("{operation}, and the server says {what}"),
            "an end in time",
            format!("{:?}", begin.elapsed()),
        )?;
    }
    let found = Program::new("getent")
        .args(&["passwd", "no-such-name"])
        .run(b"")?;
    ensure_equal(
        format!("getent, and the server says {what}"),
        found.status.code(),
        Some(2),
    )?;
    // The command gives the daemon half a minute for an administrator's work.
    let list = Program::new("domlogon").patience(Duration::from_secs(40));
    let shown = cli::run(&list.args(&["user", "list"]), "")?;
    ensure(
        shown.code() != 0,
        format!("user list, and the server says {what}"),
        "an error",
        shown.text(),
    )
}

fn whole(reply: &Reply) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, reply, MAX_REPLY)
        .map_err(|error| Failure::harness("write a reply")(std::io::Error::other(error)))?;
    Ok(bytes)
}

/// Say that the body is this much longer.
fn lengthen(frame: &mut [u8], by: u32) {
    if let Some(length) = frame.first_chunk_mut::<4>() {
        *length = (u32::from_le_bytes(*length) + by).to_le_bytes();
    }
}

/// A server in the daemon's place that has one answer for everything.
struct Liar {
    over: Arc<AtomicBool>,
}

impl Liar {
    fn begin(answer: Vec<u8>, slowly: bool) -> Result<Liar> {
        let what = "lie in the daemon's place";
        let over = Arc::new(AtomicBool::new(false));
        for socket in [SOCKET, ADMIN_SOCKET] {
            let _ = fs::remove_file(socket);
            let listener = UnixListener::bind(socket).map_err(Failure::harness(what))?;
            listener
                .set_nonblocking(true)
                .map_err(Failure::harness(what))?;
            let (over, answer) = (Arc::clone(&over), answer.clone());
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    match listener.accept() {
                        Ok((stream, _)) => lie(stream, &answer, slowly),
                        Err(_) => thread::sleep(Duration::from_millis(2)),
                    }
                }
            });
        }
        Ok(Liar { over })
    }
}

fn lie(mut stream: UnixStream, answer: &[u8], slowly: bool) {
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    if frame::read::<Request>(&mut stream, MAX_REQUEST).is_err() {
        // Somebody who looks whether anybody is there.
        return;
    }
    if !slowly {
        let _ = stream.write_all(answer);
        return;
    }
    for byte in answer {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for socket in [SOCKET, ADMIN_SOCKET] {
            let _ = fs::remove_file(socket);
        }
    }
}

/// The daemon does not start over a link, and does nothing to what is behind it.
fn links(world: &mut World) -> Result<()> {
    if let Ok(daemon) = world.take_daemon() {
        daemon.stop()?;
    }
    let what = "put a link there";
    let kept = "/run/kept";
    fs::write(kept, "kept").map_err(Failure::harness(what))?;
    let _ = fs::remove_dir_all(RUN);
    fs::create_dir(RUN).map_err(Failure::harness(what))?;
    for socket in [SOCKET, ADMIN_SOCKET] {
        symlink(kept, socket).map_err(Failure::harness(what))?;
        does_not_start("is not a socket")?;
        ensure_equal(
            "what is behind the link",
            &*fs::read_to_string(kept).unwrap_or_default(),
            "kept",
        )?;
        fs::remove_file(socket).map_err(Failure::harness(what))?;
    }
    fs::remove_dir_all(RUN).map_err(Failure::harness(what))?;
    fs::create_dir_all(EVIL).map_err(Failure::harness(what))?;
    symlink(EVIL, RUN).map_err(Failure::harness(what))?;
    let result = does_not_start("must belong to the user that runs domlogond");
    let left = fs::read_dir(EVIL).map_or(0, Iterator::count);
    fs::remove_file(RUN).map_err(Failure::harness(what))?;
    let _ = fs::remove_dir_all(EVIL);
    result?;
    ensure_equal("files in the folder behind the link", left, 0)
}

fn does_not_start(why: &str) -> Result<()> {
    let before = Daemon::said().len();
    let mut daemon = Daemon::launch(CONFIGURATION)?;
    let status = daemon.wait(Duration::from_secs(5))?;
    let said = Daemon::said();
    let said = said.get(before..).unwrap_or_default();
    ensure(
        !status.success() && said.contains(why),
        "a start over a link",
        why,
        format!("{status}: {said}"),
    )
}
