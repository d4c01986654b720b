//! The first minutes: a domain from nothing, and the accounts of another system with their
//! passwords, made by that system's own crypt(3).

use crate::login::{is_in_as, login};
use crate::{Case, case, slow};
use domlogon_tests::cli::{member, run, show_user};
use domlogon_tests::daemon::{self, CONFIGURATION, DATA, DATABASE};
use domlogon_tests::{
    Account, Daemon, Failure, NEW_PASSWORD, PASSWORD, Probe, Program, Result, World, differs,
    domlogon, domlogon_with, ensure, ensure_contains, ensure_equal,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("setup/asked at a terminal", asked),
        case("setup/flags, no prompt, no systemd", flags),
        case("setup/not root", not_root),
        case("import/yescrypt and SHA-512 at a real login", real_login),
        case("import/passwd with its shadow file", passwd_and_shadow),
        case("import/all or nothing", all_or_nothing),
        slow("import/ten thousand", many),
    ]
}

const YESCRYPT: &str = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1";
const SHA512: &str = "$6$saltsalt";

/// Where the files of these cases are.
const FOLDER: &str = "/run/first-minutes";

const SYSTEMCTL: &str = "/usr/local/sbin/systemctl";
const BOOTED: &str = "/run/systemd/system";
const STARTED: &str = "/run/first-minutes.pid";

/// No configuration and no database, as right after the installation. What was there comes
/// back when dropped; the daemon must not run at either moment.
struct Nothing;

impl Nothing {
    fn there(world: &mut World) -> Result<Nothing> {
        world.take_daemon()?.stop()?;
        let what = "set the domain aside";
        fs::create_dir_all(FOLDER).map_err(Failure::harness(what))?;
        let nothing = Nothing;
        fs::copy(CONFIGURATION, format!("{FOLDER}/configuration"))
            .and_then(|_| fs::remove_file(CONFIGURATION))
            .and_then(|()| fs::rename(DATABASE, format!("{DATA}/aside")))
            .map_err(Failure::harness(what))?;
        Ok(nothing)
    }
}

impl Drop for Nothing {
    fn drop(&mut self) {
        stop_started();
        let _ = fs::remove_dir_all(BOOTED);
        let _ = fs::remove_file(SYSTEMCTL);
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{DATABASE}{ending}"));
        }
        let _ = fs::rename(format!("{DATA}/aside"), DATABASE);
        let _ = fs::copy(format!("{FOLDER}/configuration"), CONFIGURATION);
    }
}

/// A systemctl that starts the daemon, and remembers what it was told.
fn stand_in_for_systemd() -> Result<()> {
    let what = "stand in for systemd";
    let user = daemon::user();
    let script = format!(
        "#!/bin/bash\n\
         # What the harness has open would stay open as long as the daemon runs.\n\
         for fd in /proc/$$/fd/*; do\n\
             fd=${{fd##*/}}\n\
             [ $fd -le 2 ] || [ $fd = 255 ] || eval \"exec $fd>&-\"\n\
         done\n\
         echo \"$*\" >>{FOLDER}/systemctl\n\
         setsid setpriv --reuid {user} --regid {user} --clear-groups /usr/local/sbin/domlogond \
             </dev/null >/dev/null 2>&1 &\n\
         echo $! >{STARTED}\n"
    );
    fs::create_dir_all(BOOTED)
        .and_then(|()| fs::write(SYSTEMCTL, script))
        .and_then(|()| fs::set_permissions(SYSTEMCTL, Permissions::from_mode(0o755)))
        .map_err(Failure::harness(what))
}

/// Ends the daemon that the stand-in started.
fn stop_started() {
    let Ok(text) = fs::read_to_string(STARTED) else {
        return;
    };
    let _ = fs::remove_file(STARTED);
    let Ok(number) = text.trim().parse() else {
        return;
    };
    let end = Instant::now() + Duration::from_secs(10);
    while kill(Pid::from_raw(number), Signal::SIGTERM).is_ok() && Instant::now() < end {
        thread::sleep(Duration::from_millis(20));
    }
}

fn asked(world: &mut World) -> Result<()> {
    let _nothing = Nothing::there(world)?;
    stand_in_for_systemd()?;
    let mut session = Program::new("domlogon").arg("setup").on_terminal()?;
    session.expect("Short name of the domain, as in CORP\\alice [CORP]: ")?;
    session.send("ACME")?;
    session.expect("Name of the first administrator")?;
    session.send("boss")?;
    // The first one is refused, and asked for again.
    session.answer("New password for boss: ", "short")?;
    session.answer("The same once more: ", "short")?;
    session.expect("The password was not set.")?;
    session.answer("New password for boss: ", PASSWORD)?;
    session.answer("The same once more: ", PASSWORD)?;
    let said = session.finish_with(0)?;
    ensure_contains("the end of setup", &said, "domlogon enable --confirm 120s")?;
    let told = fs::read_to_string(format!("{FOLDER}/systemctl")).unwrap_or_default();
    ensure_contains("systemctl", &told, "enable --now domlogond.socket")?;
    let written = fs::read_to_string(CONFIGURATION).unwrap_or_default();
    ensure_contains("the configuration", &written, "name = \"ACME\"")?;
    ensure_contains("its comments", &written, "#minimum = 1000")?;
    is_administrator("boss")?;
    opens("boss", PASSWORD)?;

    // Again: the same end, and nothing changed, be it with another password.
    let again = [
        "setup",
        "--domain",
        "acme",
        "--administrator",
        "boss",
        "--password-stdin",
        "--json",
    ];
    let answer = domlogon_with(&again, "An0ther-one\n")?.exits(0)?;
    ensure_equal(
        "changed",
        member(&answer.json()?, "changed")?,
        &Value::from(false),
    )?;
    opens("boss", PASSWORD)?;
    let other = ["setup", "--domain", "OTHER", "--administrator", "boss"];
    let refused = domlogon(&other)?.exits(1)?;
    ensure_contains("another domain", &refused.text(), "is for the domain ACME")?;
    ensure_equal(
        "the configuration after it",
        fs::read_to_string(CONFIGURATION).unwrap_or_default(),
        written,
    )
}

fn flags(world: &mut World) -> Result<()> {
    let _nothing = Nothing::there(world)?;
    let bare = domlogon(&["setup"])?.exits(2)?;
    ensure_contains("without a terminal", &bare.text(), "--domain NAME")?;
    ensure(
        !Path::new(CONFIGURATION).exists(),
        "then",
        "nothing written",
        "a file",
    )?;
    let all = [
        "setup",
        "--domain",
        "ACME",
        "--dns-name",
        "acme.example",
        "--administrator",
        "boss",
        "--password-stdin",
        "--json",
    ];
    let first = domlogon_with(&all, &format!("{PASSWORD}\n"))?.exits(2)?;
    ensure_contains("without systemd", &first.text(), "domlogond --config")?;
    let daemon = Daemon::start(CONFIGURATION)?;
    let second = domlogon_with(&all, &format!("{PASSWORD}\n"))?
        .exits(0)?
        .json()?;
    ensure_equal("changed", member(&second, "changed")?, &Value::from(true))?;
    ensure_equal(
        "dns_name",
        member(&second, "dns_name")?,
        &Value::from("acme.example"),
    )?;
    is_administrator("boss")?;
    opens("boss", PASSWORD)?;
    let third = domlogon(&all)?.exits(0)?.json()?;
    ensure_equal("changed", member(&third, "changed")?, &Value::from(false))?;
    daemon.stop()?;
    // The configuration is lost, and the accounts are there: they are not given a new name.
    fs::remove_file(CONFIGURATION).map_err(Failure::harness("lose the configuration"))?;
    let refused = domlogon_with(&all, &format!("{PASSWORD}\n"))?.exits(1)?;
    ensure_contains(
        "with a database",
        &refused.text(),
        "account database already",
    )
}

fn not_root(_: &mut World) -> Result<()> {
    let program = Program::new("domlogon").arg("setup").as_user("localuser")?;
    let answer = run(&program, "")?.exits(2)?;
    ensure_contains("by a user", &answer.text(), "sudo domlogon setup")
}

fn real_login(world: &mut World) -> Result<()> {
    let (yes, sha, locked) = (
        world.group_name("yes"),
        world.group_name("sha"),
        world.group_name("set-aside"),
    );
    let sha_hash = crypt(PASSWORD, SHA512)?;
    let table = format!(
        "name,full_name,password_hash,groups\n\
         {yes},\"Yes, Crypt\",{},Administrators\n\
         {sha},,{sha_hash},\n\
         {locked},,!{sha_hash},\n",
        crypt(PASSWORD, YESCRYPT)?,
    );
    let file = write("people.csv", &table)?;
    let tried = domlogon(&["user", "import", &file, "--dry-run"])?.exits(0)?;
    ensure_contains("a rehearsal", &tried.text(), "3 accounts would be made")?;
    domlogon(&["user", "show", &yes])?.exits(1)?;
    let made = domlogon(&["user", "import", &file, "--json"])?
        .exits(0)?
        .json()?;
    ensure_equal(
        "with_password",
        member(&made, "with_password")?,
        &Value::from(3),
    )?;
    is_administrator(&yes)?;
    for name in [&yes, &sha] {
        let mut session = login(name)?;
        session.answer("assword: ", "not the password")?;
        session.expect("User name or password is not right.")?;
        ensure_contains("before the first logon", &verifier(name)?, "$saltsalt$")
            .or_else(|_| ensure_contains("before the first logon", &verifier(name)?, "$y$"))?;
        let mut session = login(name)?;
        session.answer("assword: ", PASSWORD)?;
        is_in_as(&mut session, name)?;
        ensure_contains("after it", &verifier(name)?, "$argon2id$")?;
        let mut session = login(name)?;
        session.answer("assword: ", PASSWORD)?;
        is_in_as(&mut session, name)?;
    }
    let account = Account::known(&locked);
    Probe::bare("login", &locked)
        .answer(PASSWORD)
        .run(&["auth"])?
        .says("is disabled")?;
    account.set(&["--disabled", "no"])?;
    opens(&locked, PASSWORD)?;
    // And a change with the old password, by the way that it was hashed elsewhere.
    let fresh = world.group_name("fresh");
    let file = write("fresh", &format!("{fresh}:{sha_hash}\n"))?;
    domlogon(&["user", "import", &file])?.exits(0)?;
    let mut session = Program::new("passwd").as_user(&fresh)?.on_terminal()?;
    session.answer("urrent password: ", PASSWORD)?;
    session.answer("ew password: ", NEW_PASSWORD)?;
    session.answer("etype new password: ", NEW_PASSWORD)?;
    session.finish_with(0)?;
    opens(&fresh, NEW_PASSWORD)
}

fn passwd_and_shadow(world: &mut World) -> Result<()> {
    let (due, gone, bare) = (
        world.group_name("due"),
        world.group_name("gone"),
        world.group_name("bare"),
    );
    let passwd = format!(
        "root:x:0:0:root:/root:/bin/bash\n\
         {due}:x:61001:100:Due Person,,,:/home/{due}:/bin/sh\n\
         {gone}:x:61002:100::/home/{gone}:/bin/sh\n\
         {bare}:x:61003:100::/home/{bare}:/bin/sh\n"
    );
    let hash = crypt(PASSWORD, YESCRYPT)?;
    let shadow = format!(
        "root:*:19000:0:99999:7:::\n\
         {due}:{hash}:0:0:99999:7:::\n\
         {gone}:{hash}:20000:0:99999:7::15000:\n\
         {bare}:!:20000:0:99999:7:::\n"
    );
    let passwd = write("passwd", &passwd)?;
    let shadow = write("shadow", &shadow)?;
    let lost = domlogon(&["user", "import", &passwd])?.exits(2)?;
    ensure_contains("without the shadow file", &lost.text(), "--shadow FILE")?;
    let whole = ["user", "import", &passwd, "--shadow", &shadow];
    let refused = domlogon(&whole)?.exits(1)?;
    ensure_contains("root among them", &refused.text(), "line 1: The name root")?;
    let mut some = whole.to_vec();
    some.extend(["--uids", "1000-65000", "--json"]);
    let made = domlogon(&some)?.exits(0)?.json()?;
    ensure_equal("users", member(&made, "users")?, &Value::from(3))?;
    ensure_equal("left out", member(&made, "left_out")?, &Value::from(1))?;
    ensure_equal(
        "uid",
        member(&show_user(&due)?, "uid")?,
        &Value::from(61_001),
    )?;
    Probe::bare("login", &due)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?
        .returns("acct", "NEW_AUTHTOK_REQD")?;
    Probe::bare("login", &gone)
        .answer(PASSWORD)
        .run(&["auth"])?
        .says("expired on")?;
    Probe::bare("login", &bare)
        .answer("")
        .run(&["auth"])?
        .returns("auth", "AUTH_ERR")
        .map(drop)
}

fn all_or_nothing(world: &mut World) -> Result<()> {
    let (good, known) = (world.group_name("good"), world.group_name("known"));
    domlogon(&["user", "add", &known])?.exits(0)?;
    let table = format!(
        "name,uid,groups,password_hash,disabled\n\
         {good},,,,\n\
         {known},,,,\n\
         {good}x,12,,,\n\
         {good}y,,Nobody's group,,\n\
         {good}z,,,$1$abc$3vXhNHZHuzCQtcVRbGzdo1,\n\
         {good}a,,,,perhaps\n\
         {good},,,,\n"
    );
    let file = write("bad.csv", &table)?;
    let refused = domlogon(&["user", "import", &file])?.exits(1)?;
    for part in [
        "6 of 7 lines",
        "Nothing was changed.",
        "line 3: The name",
        "line 4: The user id 12 is too low",
        "line 5: There is no group Nobody's group",
        "line 6: The password hash is of a kind",
        "line 7: disabled is \"perhaps\"",
        "line 8: Line 2 has the same name",
    ] {
        ensure_contains("bad lines", &refused.text(), part)?;
    }
    let listed = domlogon(&["user", "import", &file, "--json"])?
        .exits(1)?
        .json()?;
    let lines = member(&listed, "bad_lines")?.as_array().map_or(0, Vec::len);
    ensure_equal("bad lines in JSON", lines, 6)?;
    domlogon(&["user", "show", &good])?.exits(1)?;
    let other = Program::new("domlogon")
        .args(&["user", "import", &file])
        .as_user("localuser")?;
    // His file it is not, and the administrators' socket is not his either.
    ensure(run(&other, "")?.code() != 0, "by a user", "refused", "done")
}

/// More than a request of others than root may hold.
fn many(world: &mut World) -> Result<()> {
    let _nothing = Nothing::there(world)?;
    fs::copy(format!("{FOLDER}/configuration"), CONFIGURATION)
        .map_err(Failure::harness("put the configuration back"))?;
    let daemon = Daemon::start(CONFIGURATION)?;
    let hash = crypt(PASSWORD, SHA512)?;
    let line = |n: u32| {
        format!("many{n},\"Person number {n} of a very large company\",/home/many{n},{hash}\n")
    };
    let mut table = "name,full_name,home,password_hash\n".to_owned();
    table.extend((0..10_000).map(line));
    let file = write("many.csv", &table)?;
    let program = Program::new("domlogon")
        .args(&["user", "import", &file, "--json"])
        .patience(Duration::from_secs(60));
    let begin = Instant::now();
    let made = run(&program, "")?.exits(0)?.json()?;
    println!("        10000 accounts imported in {:?}", begin.elapsed());
    ensure_equal("users", member(&made, "users")?, &Value::from(10_000))?;
    opens("many9999", PASSWORD)?;
    let again = run(&program, "")?.exits(1)?.json()?;
    let lines = member(&again, "bad_lines")?.as_array().map_or(0, Vec::len);
    ensure_equal("refused the second time", lines, 10_000)?;
    daemon.stop()
}

fn opens(name: &str, password: &str) -> Result<()> {
    Account::known(name).opens_with(password)
}

fn is_administrator(name: &str) -> Result<()> {
    let user = show_user(name)?;
    let groups = member(&user, "groups")?;
    let is = groups
        .as_array()
        .is_some_and(|groups| groups.contains(&Value::from("Administrators")));
    ensure(
        is,
        format!("the groups of {name}"),
        "Administrators",
        groups.to_string(),
    )
}

/// The system's own crypt(3).
fn crypt(password: &str, setting: &str) -> Result<String> {
    let script = "chomp(my $p = <STDIN>); print crypt($p, $ARGV[0])";
    let program = Program::new("perl").args(&["-e", script, setting]);
    let output = program.run(format!("{password}\n").as_bytes())?;
    let hash = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure(hash.starts_with(setting), "crypt", setting, hash.clone())?;
    Ok(hash)
}

fn write(name: &str, text: &str) -> Result<String> {
    let path = format!("{FOLDER}/{name}");
    fs::create_dir_all(FOLDER)
        .and_then(|()| fs::write(&path, text))
        .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o600)))
        .map_err(Failure::harness("write a file of accounts"))?;
    Ok(path)
}

/// What the password of an account is compared with.
fn verifier(name: &str) -> Result<String> {
    let unread = |error: rusqlite::Error| differs("the database", "a row", error.to_string());
    let connection =
        Connection::open_with_flags(DATABASE, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(unread)?;
    connection
        .query_row(
            "SELECT verifier FROM users WHERE key = ?1",
            [name.to_lowercase()],
            |row| row.get(0),
        )
        .map_err(unread)
}
