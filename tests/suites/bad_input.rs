//! What nobody should send, and somebody will: each gets a clear answer, no crash, no hang
//! beyond the deadline, and nothing is lost.

use crate::{Case, case, slow};
use domlogon_tests::account::Condition::*;
use domlogon_tests::daemon::SOCKET;
use domlogon_tests::program::everything;
use domlogon_tests::{
    Daemon, Failure, NEW_PASSWORD, PASSWORD, Probe, Program, Result, World, domlogon,
    domlogon_with, ensure, ensure_contains, ensure_equal,
};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("bad input/names", names),
        case(
            "bad input/names on the command line",
            names_on_the_command_line,
        ),
        case("bad input/password sizes", password_sizes),
        case("bad input/every byte of a password counts", long_passwords),
        case("bad input/password that is no text", no_text),
        case("bad input/conversations", conversations),
        case("bad input/module options", module_options),
        case("bad input/requests", requests),
        slow("bad input/trickled request", trickled),
        case("bad input/many idle connections", idle_connections),
        case("bad input/configurations", configurations),
        case("bad input/times and hours", times_and_hours),
    ]
}

/// As the shell's printf writes them.
const NAMES: &[&str] = &[
    "a:b",
    "a/b",
    "../../etc/passwd",
    r"a\nb",
    r"a\tb",
    r"\377\376",
    r"a\377b",
    "",
    " ",
    "-rf",
    "a@b@corp.example",
    r"CORP\\\\\\\\alice",
    r"\\\\alice",
    "@corp.example",
    "%s%n",
    "$(id)",
];

/// A path, where a terminal or a host is named.
const TTY: &str = "../../../../tmp/named-by-pam";

fn names(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let probe = [
        "-c",
        "/run/bare-pam.d",
        "-t",
        TTY,
        "-r",
        TTY,
        "-a",
        PASSWORD,
    ];
    let output = Program::new("domlogon-probe")
        .args(&probe)
        .args(&["--", "login", &account.name])
        .args(&["auth", "acct", "setcred", "open", "close"])
        .run(b"")?;
    ensure_contains("a session", &everything(&output), "return close 0 SUCCESS")?;
    for name in NAMES {
        refused_name(&format!("$(printf -- '{name}.'; )"), name)?;
    }
    refused_name("$(head -c 5000 /dev/zero | tr '\\0' x).", "5,000 letters")?;
    let script = "find /run /tmp /var -xdev -name '*named-by-pam*'";
    let found = Program::new("sh").args(&["-c", script]).run(b"")?;
    ensure_equal("files named by an item of PAM", &*everything(&found), "")?;
    account.opens_with(PASSWORD)
}

/// The name is given as a shell word that ends in a full stop (which keeps a final newline from
/// being lost); the full stop is taken off again.
fn refused_name(word: &str, what: &str) -> Result<()> {
    for operations in ["auth acct", "chauthtok", "open close"] {
        let script = format!(
            "name=\"{word}\"; exec domlogon-probe -c /run/bare-pam.d -t {TTY} -r {TTY} -a {PASSWORD} -- login \"${{name%.}}\" {operations}"
        );
        let begin = Instant::now();
        let output = Program::new("sh").args(&["-c", &script]).run(b"")?;
        let text = everything(&output);
        ensure(
            matches!(output.status.code(), Some(0 | 3)),
            format!("name {what:?}"),
            "an answer",
            format!("{}\n{text}", output.status),
        )?;
        ensure(
            !text.contains(" SUCCESS ") || operations.starts_with("open"),
            format!("name {what:?}: {operations}"),
            "a refusal",
            &*text,
        )?;
        ensure(
            begin.elapsed() < Duration::from_secs(6),
            format!("name {what:?}: {operations}"),
            "an answer in time",
            &*text,
        )?;
    }
    Ok(())
}

fn names_on_the_command_line(_: &mut World) -> Result<()> {
    let long = "x".repeat(5000);
    for name in [
        "a:b",
        "a/b",
        "a\nb",
        "a\tb",
        "",
        " ",
        &long,
        "a,b",
        "a@b",
        "CORP\\a\\b",
        "..",
    ] {
        let answer = domlogon_with(
            &["user", "add", "--password-stdin", "--", name],
            &format!("{PASSWORD}\n"),
        )?;
        ensure(
            matches!(answer.code(), 1 | 2) && !answer.text().trim().is_empty(),
            format!("user add {name:?}"),
            "a refusal with a sentence",
            format!("{}: {}", answer.code(), answer.text()),
        )?;
        let answer = domlogon(&["group", "add", "--", name])?;
        ensure(
            name == "a,b" || matches!(answer.code(), 1 | 2),
            format!("group add {name:?}"),
            "a refusal",
            format!("{}: {}", answer.code(), answer.text()),
        )?;
    }
    let users = domlogon(&["user", "list"])?.exits(0)?.text();
    ensure(!users.contains("a:b"), "user list", "no such name", users)
}

fn password_sizes(world: &mut World) -> Result<()> {
    for size in [0, 1, 15, 73, 513, 100_000] {
        let account = world.account(Good)?;
        let report = Probe::bare("login", &account.name)
            .long_answer(size)
            .run(&["auth"])?;
        ensure(
            report.code("auth")? == "AUTH_ERR",
            format!("a password of {size} bytes"),
            "AUTH_ERR",
            report.text(),
        )?;
        // As the new one: too short, not complex or too long, but never an accident.
        let report = Probe::bare("once", &account.name)
            .answer(PASSWORD)
            .long_answer(size)
            .long_answer(size)
            .as_user(&account.name)
            .run(&["chauthtok"])?;
        ensure(
            report.code("chauthtok")? == "AUTHTOK_ERR",
            format!("a new password of {size} bytes"),
            "AUTHTOK_ERR",
            report.text(),
        )?;
        account.keeps_its_password()?;
    }
    Ok(())
}

/// No silent cut at 72 bytes, as some hashes make one.
fn long_passwords(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for length in [73, 200, 256] {
        let long = format!("Aa1-{}", "x".repeat(length - 4));
        domlogon_with(
            &["user", "password", &account.name, "--stdin"],
            &format!("{long}\n"),
        )?
        .exits(0)?;
        account.opens_with(&long)?;
        let other = format!("{}y", &long[..length - 1]);
        Probe::bare("login", &account.name)
            .answer(&other)
            .run(&["auth"])?
            .returns("auth", "AUTH_ERR")?;
    }
    Ok(())
}

/// A new password that is not UTF-8 is refused, and an old one that is not is a wrong one.
fn no_text(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let script = format!(
        "bad=$(printf 'Aa1-\\377\\376-bad'); \
         exec domlogon-probe -c /run/bare-pam.d -a {PASSWORD} -a \"$bad\" -a \"$bad\" -- once {} chauthtok",
        account.name
    );
    let output = Program::new("sh")
        .args(&["-c", &script])
        .as_user(&account.name)?
        .run(b"")?;
    let text = everything(&output);
    ensure_contains("the change", &text, "return chauthtok 20 AUTHTOK_ERR")?;
    ensure_contains("the change", &text, "a character that cannot be used")?;
    account.keeps_its_password()
}

/// Applications whose conversation does what none should.
fn conversations(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let disabled = world.account(Disabled)?;
    for mode in [
        "null-replies",
        "null-text",
        "refuse",
        "refuse-again",
        "no-function",
    ] {
        for operation in ["auth", "chauthtok"] {
            let report = Probe::bare("once", &account.name)
                .mode(mode)
                .as_user(&account.name)
                .run(&[operation])?;
            ensure(
                matches!(
                    report.code(operation)?,
                    "CONV_ERR" | "AUTH_ERR" | "AUTHTOK_ERR" | "CONV_AGAIN" | "SYSTEM_ERR"
                ),
                format!("{operation}, conversation: {mode}"),
                "a clear refusal",
                report.text(),
            )?;
        }
        // A message alone, to such an application: the verdict is not changed by it.
        Probe::bare("login", &disabled.name)
            .mode(mode)
            .run(&["acct"])?
            .returns("acct", "PERM_DENIED")?;
    }
    for mode in ["too-many", "null-for-info"] {
        Probe::bare("login", &account.name)
            .mode(mode)
            .answer(PASSWORD)
            .run(&["auth", "acct"])?
            .returns("acct", "SUCCESS")?;
        let report = Probe::bare("login", &disabled.name)
            .mode(mode)
            .answer(PASSWORD)
            .run(&["auth", "acct"])?;
        report.returns("auth", "PERM_DENIED")?;
    }
    // None of this counted as a wrong password.
    account.opens_with(PASSWORD)
}

/// An unknown option is logged and never fails a logon.
fn module_options(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let log = domlogon_tests::Log::from_now();
    let report = Probe::bare("unknown-option", &account.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    report.returns("auth", "SUCCESS")?;
    report.returns("acct", "SUCCESS")?;
    log.line_with(&["no-such-option"])?;
    // use_first_pass with nothing typed before: a refusal, and no prompt.
    let report = Probe::bare("first", &account.name).run(&["auth"])?;
    report.asks_nothing()?;
    ensure(
        report.code("auth")? != "SUCCESS",
        "use_first_pass without a first password",
        "a refusal",
        report.text(),
    )?;
    // "required" with nothing but an ignored answer is libpam's own refusal.
    Probe::bare("ignoring", "nobody-here")
        .answer(PASSWORD)
        .run(&["auth"])?
        .returns("auth", "PERM_DENIED")?;
    let report = Probe::bare("quiet", &account.name)
        .answer("wrong")
        .run(&["auth"])?;
    report.returns("auth", "AUTH_ERR")?.says("")?;
    Ok(())
}

fn connect() -> Result<UnixStream> {
    let stream = UnixStream::connect(SOCKET).map_err(Failure::harness("reach the daemon"))?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .map_err(Failure::harness("set a timeout"))?;
    Ok(stream)
}

/// Frames are a length (4 bytes), a version (2) and a body, little-endian.
fn requests(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let longest = u32::MAX.to_le_bytes();
    let mut too_long = longest.to_vec();
    too_long.extend([1, 0]);
    let mut newer = 4_u32.to_le_bytes().to_vec();
    newer.extend([99, 0, 1, 2, 3, 4]);
    let mut nonsense = 64_u32.to_le_bytes().to_vec();
    nonsense.extend([1, 0]);
    nonsense.extend([0xff; 64]);
    let mut empty = 0_u32.to_le_bytes().to_vec();
    empty.extend([1, 0]);
    for (what, bytes) in [
        ("nothing", &[][..]),
        ("half a header", &[1, 0][..]),
        ("a header and no body", &[8, 0, 0, 0, 1, 0][..]),
        ("text", b"GET / HTTP/1.1\r\n\r\n"),
        ("a length of 4 GiB", &too_long),
        ("a newer version", &newer),
        ("nonsense", &nonsense),
        ("an empty body", &empty),
    ] {
        let begin = Instant::now();
        let mut stream = connect()?;
        // The daemon may close before it has read all; that is an answer too.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        ensure(
            begin.elapsed() < Duration::from_secs(6) && answer.len() < 1000,
            format!("a request of {what}"),
            "a short answer or none, in time",
            format!("{} bytes after {:?}", answer.len(), begin.elapsed()),
        )?;
    }
    account.opens_with(PASSWORD)
}

/// A byte a second: the daemon loses patience, and meanwhile serves others.
fn trickled(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut slow = connect()?;
    let begin = Instant::now();
    let mut request = 1000_u32.to_le_bytes().to_vec();
    request.extend([1, 0]);
    request.extend([0; 100]);
    let mut closed = false;
    for byte in request {
        if slow.write_all(&[byte]).is_err() {
            closed = true;
            break;
        }
        account.opens_with(PASSWORD)?;
        std::thread::sleep(Duration::from_secs(1));
        if begin.elapsed() > Duration::from_secs(40) {
            break;
        }
    }
    ensure(
        closed,
        "a request trickled a byte a second",
        "closed by the daemon",
        format!("still open after {:?}", begin.elapsed()),
    )
}

/// A plain user's connections that say nothing do not keep root's programs from being served.
fn idle_connections(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let hold = format!(
        "socket($_, AF_UNIX, SOCK_STREAM, 0) && connect($_, sockaddr_un('{SOCKET}')) for @held[0..499]; \
         $| = 1; print 'held'; sleep 60"
    );
    let mut holder = Program::new("perl")
        .args(&["-MSocket", "-e", &hold])
        .as_user("localuser")?
        .on_terminal()?;
    holder.expect("held")?;
    let begin = Instant::now();
    for _ in 0..5 {
        account.opens_with(PASSWORD)?;
    }
    ensure(
        begin.elapsed() < Duration::from_secs(8),
        "logons amid a user's 500 idle connections",
        "answers in time",
        format!("{:?}", begin.elapsed()),
    )
}

fn configurations(_: &mut World) -> Result<()> {
    let head = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n";
    for (what, text) in [
        ("an unknown key", format!("{head}no_such_key = 1\n")),
        ("an unknown section", format!("{head}[nonsense]\na = 1\n")),
        (
            "a wrong type",
            "[domain]\nname = 7\ndns_name = \"corp.example\"\n".to_owned(),
        ),
        ("no domain", "# nothing\n".to_owned()),
        (
            "an empty name",
            "[domain]\nname = \"\"\ndns_name = \"corp.example\"\n".to_owned(),
        ),
        ("no TOML", "<xml/>\n".to_owned()),
        (
            "half a line",
            "[domain]\nname = \"CORP\ndns_name\n".to_owned(),
        ),
    ] {
        let path = "/tmp/bad.toml";
        fs::write(path, &text).map_err(Failure::harness("write a configuration"))?;
        let answer = domlogon(&["check", path])?.exits(1)?;
        ensure_contains(format!("check of {what}"), &answer.text(), path)?;
        let mut daemon = Daemon::launch(path)?;
        let status = daemon.wait(Duration::from_secs(5))?;
        ensure(
            status.code().is_some_and(|code| code != 0),
            format!("a daemon with {what}"),
            "a bad exit status",
            status.to_string(),
        )?;
    }
    let answer = domlogon(&["check", "/tmp/absent.toml"])?;
    ensure(
        answer.code() != 0,
        "check of an absent file",
        "no success",
        answer.text(),
    )
}

fn times_and_hours(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for settings in [
        ["--expires", "2026-02-30T00:00:00Z"],
        ["--expires", "yesterday-ish"],
        ["--hours", "Mon-Fri 25:00-26:00"],
        ["--hours", "Someday 08:00-18:00"],
        ["--hours", "Mon 08:30-18:00"],
        ["--password-set-at", "2999-01-01T00:00:00Z"],
        ["--disabled", "perhaps"],
        ["--home", "no/slash"],
        ["--shell", "/bin/sh:/bin/bash"],
        ["--full-name", "a:b"],
        ["--full-name", "a\nb"],
    ] {
        let answer = domlogon(&["user", "set", &account.name, settings[0], settings[1]])?;
        ensure(
            matches!(answer.code(), 1 | 2),
            format!("user set {settings:?}"),
            "a refusal",
            format!("{}: {}", answer.code(), answer.text()),
        )?;
    }
    domlogon(&[
        "explain",
        &account.name,
        "--service",
        "login",
        "--at",
        "32nd",
    ])?;
    account.opens_with(PASSWORD)?;
    let report = Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?;
    report.returns("chauthtok", "SUCCESS")?;
    Ok(())
}
