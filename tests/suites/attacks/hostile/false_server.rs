//! Somebody else in the daemon's place, or something else in the place of its socket.

use crate::{Case, case, plain};
use domlogon_protocol::directory::User;
use domlogon_protocol::frame::{self, MAX_REPLY, MAX_REQUEST};
use domlogon_protocol::{Decision, Reply, Request, Rule, Verdict, admin};
use domlogon_tests::account::Condition::*;
use domlogon_tests::caller::Caller;
use domlogon_tests::daemon::{ADMIN_SOCKET, CONFIGURATION, RUN, SOCKET};
use domlogon_tests::program::everything;
use domlogon_tests::size::is_long;
use domlogon_tests::{
    Account, Daemon, Failure, NEW_PASSWORD, PASSWORD, Probe, Program, Result, World, cli, domlogon,
    ensure, ensure_equal,
};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Output;
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

/// Somebody whom no file of names and no file of this host's own has.
const STRANGER: &str = "stranger";
const STRANGER_ID: u32 = 300_500;

/// Reached by a link, once to the sockets and once to the folder. Not a byte is said to it.
fn another_users(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    without_names()?;
    let sockets = [
        (SOCKET, "/run/evil/socket"),
        (ADMIN_SOCKET, "/run/evil/admin"),
    ];
    for links in [&sockets[..], &[(RUN, EVIL)]] {
        let result = under_another(&account, links);
        for (link, _) in links {
            let _ = fs::remove_file(link);
        }
        let _ = fs::remove_dir_all(EVIL);
        result?;
    }
    world.revive()?;
    account.opens_with(PASSWORD)
}

fn under_another(account: &Account, links: &[(&str, &str)]) -> Result<()> {
    let what = "put another server in the daemon's place";
    fs::create_dir_all(EVIL).map_err(Failure::harness(what))?;
    chown(EVIL, Some(UID), Some(UID)).map_err(Failure::harness(what))?;
    let mut server = evil("socket")?;
    let mut admin = evil("admin")?;
    for (link, target) in links {
        let _ = fs::remove_dir_all(link);
        symlink(target, link).map_err(Failure::harness(what))?;
    }
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
    let found = getent(&account.name)?;
    ensure_equal("getent", found.status.code(), Some(2))?;
    ensure_equal("the other server", &*server.line()?, "came 3, told 0")?;
    for (arguments, came) in [(["status"].as_slice(), 1), (&["user", "list"], 2)] {
        let shown = domlogon(arguments)?;
        ensure(
            shown.code() != 0,
            format!("domlogon {arguments:?}"),
            "no answer",
            shown.text(),
        )?;
        let told = format!("came {came}, told 0");
        ensure_equal("the other server, of administrators", admin.line()?, told)?;
    }
    Ok(())
}

fn evil(name: &str) -> Result<Caller> {
    let mut server = Caller::start(UID, "serve", &format!("{EVIL}/{name}"), 60)?;
    ensure_equal("the other server", &*server.line()?, "listening")?;
    Ok(server)
}

/// Take away the files of names, which answer before the socket is asked.
fn without_names() -> Result<()> {
    for name in ["names", "names.delta"] {
        fs::remove_file(format!("{RUN}/{name}"))
            .map_err(Failure::harness("take the files of names away"))?;
    }
    Ok(())
}

fn getent(name: &str) -> Result<Output> {
    Program::new("getent").args(&["passwd", name]).run(b"")
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
    without_names()?;
    // The liar is root. In a folder of another user's that would be a service manager, which
    // the plugin asks nothing.
    chown(RUN, Some(0), Some(0)).map_err(Failure::harness("give the folder to root"))?;
    let success = Box::new(Decision::new(Verdict::Success, Rule::AllPassed));
    let granted = whole(&Reply::Decision(success.clone()))?;
    let found = whole(&Reply::User(Some(stranger(STRANGER_ID))))?;
    let listed = whole(&Reply::Admin(Box::new(admin::Reply::Users(vec![], None))))?;
    // The truth is believed: by what follows, it is the lie that is not.
    as_told(&granted, || comes_in(account))?;
    as_told(&found, is_found)?;
    as_told(&listed, || is_listed(true, "the truth"))?;

    let preliminary = Reply::Preliminary {
        decision: success,
        rules: None,
    };
    let refused = Reply::Refused(Verdict::Success);
    for (what, bytes) in [
        ("nothing", vec![]),
        ("garbage", vec![0xFF; 4096]),
        ("zeros", vec![0; 4096]),
        ("a list of groups", whole(&Reply::GroupIds(Some(vec![0])))?),
        ("no user", whole(&Reply::User(None))?),
        ("root", whole(&Reply::User(Some(stranger(0))))?),
        ("a refusal that is a success", whole(&refused)?),
        ("another question's success", whole(&preliminary)?),
    ] {
        as_told(&bytes, || {
            nobody_comes_in(account, what)?;
            nobody_is_found(what)?;
            is_listed(false, what)
        })?;
    }
    for (what, bytes) in bent(&granted) {
        as_told(&bytes, || nobody_comes_in(account, what))?;
    }
    for (what, bytes) in bent(&found) {
        as_told(&bytes, || nobody_is_found(what))?;
    }
    for (what, bytes) in bent(&listed) {
        as_told(&bytes, || is_listed(false, what))?;
    }
    if is_long() {
        let server = Liar::begin(granted, true)?;
        nobody_comes_in(account, "a grant, a byte a second")?;
        drop(server);
    }
    Ok(())
}

/// The truth, a little changed.
fn bent(truth: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let cut = truth.get(..truth.len() - 1).unwrap_or_default().to_vec();
    let mut grown = truth.to_vec();
    grown.push(0);
    lengthen(&mut grown, 1);
    let mut newer = truth.to_vec();
    newer.splice(4..6, [2, 0]);
    let mut endless = truth.to_vec();
    endless.splice(0..4, u32::MAX.to_le_bytes());
    let mut promised = truth.to_vec();
    promised.splice(0..4, 16_000_000_u32.to_le_bytes());
    vec![
        ("the truth, cut short", cut),
        ("the truth, and something behind it", grown),
        ("the truth in another version", newer),
        ("a length of four thousand megabytes", endless),
        ("a length that is not kept", promised),
    ]
}

/// What follows where a server says this.
fn as_told(bytes: &[u8], follows: impl FnOnce() -> Result<()>) -> Result<()> {
    let _server = Liar::begin(bytes.to_vec(), false)?;
    follows()
}

fn stranger(uid: u32) -> User {
    User {
        name: STRANGER.to_owned(),
        uid,
        gid: STRANGER_ID,
        full_name: String::new(),
        home: "/home/stranger".to_owned(),
        shell: "/bin/sh".to_owned(),
    }
}

fn comes_in(account: &Account) -> Result<()> {
    let probe = Probe::bare("once", &account.name).answer(PASSWORD);
    let report = probe.run(&["auth", "acct"])?;
    report.returns("auth", "SUCCESS")?;
    report.returns("acct", "SUCCESS").map(drop)
}

fn is_found() -> Result<()> {
    let line = format!("{STRANGER}:*:{STRANGER_ID}:{STRANGER_ID}::/home/stranger:/bin/sh\n");
    let found = getent(STRANGER)?;
    ensure_equal("getent", everything(&found), line)
}

fn nobody_is_found(what: &str) -> Result<()> {
    let found = getent(STRANGER)?;
    let what = format!("getent, and the server says {what}");
    ensure_equal(what, found.status.code(), Some(2))
}

fn is_listed(is: bool, what: &str) -> Result<()> {
    // The command gives the daemon half a minute for an administrator's work.
    let list = Program::new("domlogon").patience(Duration::from_secs(40));
    let shown = cli::run(&list.args(&["user", "list"]), "")?;
    ensure(
        (shown.code() == 0) == is,
        format!("user list, and the server says {what}"),
        if is { "a list" } else { "an error" },
        shown.text(),
    )
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
    Ok(())
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
