//! The daemon as a service: without privileges, behind sockets that are there before it, and in
//! units that systemd finds no fault with.

use crate::{Case, case, confinement, plain, slow};
use domlogon_tests::account::Condition::Good;
use domlogon_tests::daemon::{CONFIGURATION, RUN, Sockets, user};
use domlogon_tests::program::everything;
use domlogon_tests::{
    Account, Failure, Log, NEW_PASSWORD, PASSWORD, Probe, Program, Result, World, differs,
    domlogon, ensure, ensure_contains, ensure_equal,
};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        plain("service/units are sound", units_are_sound),
        plain("service/exposure", exposure),
        plain("service/user and folders", user_and_folders),
        plain("service/look-ups before the sockets", before_the_sockets),
        case("service/look-ups before the daemon", before_the_daemon),
        case("service/a logon waits for the daemon", logon_waits),
        case("service/nothing is lost in a restart", restart),
        case("service/no privileges", no_privileges),
        case("service/the administrators' door", administrators_door),
        slow("service/under systemd", under_systemd),
    ]
}

/// The units that are shipped.
const UNITS: [&str; 2] = ["domlogond.service", "domlogond.socket"];

/// Where the copies for systemd-analyze lie.
const COPIES: &str = "/tmp/units";

/// The most that `systemd-analyze security` may find, of 10.
const MOST_EXPOSED: f64 = 2.0;

fn packaging(name: &str) -> String {
    let root = std::env::var("DOMLOGON_ROOT").unwrap_or_else(|_| ".".to_owned());
    format!("{root}/packaging/{name}")
}

/// Whether a program of systemd's is here; if not, that is said.
fn is_here(program: &str) -> bool {
    let is = ["/usr/bin", "/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).exists());
    if !is {
        println!("        left out: there is no {program}");
    }
    is
}

/// Copies of the units, enabled as by their `[Install]` sections; the daemon is where this world
/// has it.
fn copy_units() -> Result<()> {
    let what = "copy the units";
    let _ = fs::remove_dir_all(COPIES);
    for wants in ["multi-user.target.wants", "sockets.target.wants"] {
        fs::create_dir_all(format!("{COPIES}/{wants}")).map_err(Failure::harness(what))?;
    }
    for name in UNITS {
        let text = fs::read_to_string(packaging(name)).map_err(Failure::harness(what))?;
        let text = text.replace("=/usr/sbin/domlogond", "=/usr/local/sbin/domlogond");
        fs::write(format!("{COPIES}/{name}"), text).map_err(Failure::harness(what))?;
    }
    for (name, wants) in [(UNITS[0], "multi-user"), (UNITS[1], "sockets")] {
        let link = format!("{COPIES}/{wants}.target.wants/{name}");
        symlink(format!("../{name}"), link).map_err(Failure::harness(what))?;
    }
    Ok(())
}

/// By themselves, and in a whole boot: no word that is unknown, no file that is missing, and
/// no cycle of units that wait for each other.
fn units_are_sound(_: &mut World) -> Result<()> {
    if !is_here("systemd-analyze") {
        return Ok(());
    }
    copy_units()?;
    let verify = |arguments: &[&str]| {
        let program = Program::new("systemd-analyze")
            .args(&["verify", "--man=no"])
            .args(arguments)
            .env("SYSTEMD_UNIT_PATH", &format!("{COPIES}:"))
            .patience(Duration::from_secs(60));
        let output = program.run(b"")?;
        Ok::<_, Failure>((output.status.success(), everything(&output)))
    };
    let paths = UNITS.map(|name| format!("{COPIES}/{name}"));
    let (is_good, text) = verify(&[&paths[0], &paths[1]])?;
    let ours: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("domlogon"))
        .collect();
    ensure(
        is_good && ours.is_empty(),
        "systemd-analyze verify",
        "no complaint",
        &*text,
    )?;
    let (_, text) = verify(&["multi-user.target"])?;
    ensure(
        !text.contains("domlogon") && !text.contains("cycle"),
        "systemd-analyze verify multi-user.target",
        "nothing of ours, no cycle",
        text,
    )
}

fn exposure(_: &mut World) -> Result<()> {
    if !is_here("systemd-analyze") {
        return Ok(());
    }
    let output = Program::new("systemd-analyze")
        .args(&["security", "--offline=true", &packaging(UNITS[0])])
        .patience(Duration::from_secs(60))
        .run(b"")?;
    let text = everything(&output);
    let figure = text
        .lines()
        .find_map(|line| {
            line.split("Overall exposure level for domlogond.service: ")
                .nth(1)
        })
        .and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok())
        .ok_or_else(|| differs("systemd-analyze security", "a figure", &*text))?;
    println!("        exposure level of domlogond.service: {figure}");
    ensure(
        figure <= MOST_EXPOSED,
        "the exposure level",
        format!("at most {MOST_EXPOSED}"),
        text,
    )
}

/// What sysusers.d and tmpfiles.d make of our files.
fn user_and_folders(_: &mut World) -> Result<()> {
    let root = "/tmp/other-root";
    let what = "prepare another root";
    let _ = fs::remove_dir_all(root);
    fs::create_dir_all(format!("{root}/etc")).map_err(Failure::harness(what))?;
    for (program, file, option) in [
        ("systemd-sysusers", "domlogon.sysusers", None),
        ("systemd-tmpfiles", "domlogon.tmpfiles", Some("--create")),
    ] {
        if !is_here(program) {
            return Ok(());
        }
        let mut program = Program::new(program).arg(format!("--root={root}"));
        if let Some(option) = option {
            program = program.arg(option);
        }
        let output = program.arg(packaging(file)).run(b"")?;
        ensure(output.status.success(), file, "taken", everything(&output))?;
    }
    let passwd =
        fs::read_to_string(format!("{root}/etc/passwd")).map_err(Failure::harness(what))?;
    ensure_contains(
        "passwd",
        &passwd,
        ":Domain logon daemon:/var/lib/domlogon:/usr/sbin/nologin",
    )?;
    let uid = passwd
        .lines()
        .find_map(|line| line.strip_prefix("domlogon:x:")?.split(':').next())
        .ok_or_else(|| differs("passwd", "domlogon", &*passwd))?;
    let output = Program::new("stat")
        .args(&["-c", "%u %a", &format!("{root}/run/domlogon")])
        .run(b"")?;
    ensure_equal(
        "the folder of the sockets",
        everything(&output).trim(),
        &*format!("{uid} 755"),
    )
}

/// What the parts of systemd ask at boot: the users of units and of udev's rules, names that
/// nobody has, ids that nobody has, the groups of the user that a unit runs as. All together
/// they take no longer than this.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// Which of these users and groups exist is not asked here, only that the answer comes.
fn look_ups(account: Option<&str>) -> Result<()> {
    let daemon = user();
    let mut questions = vec![
        ("getent", vec!["passwd", "root"]),
        ("getent", vec!["passwd", &daemon]),
        ("getent", vec!["passwd", "systemd-network"]),
        ("getent", vec!["passwd", "nobody-has-this-name"]),
        ("getent", vec!["passwd", "61184"]),
        ("getent", vec!["passwd", "1900000999"]),
        ("getent", vec!["group", "nobody-has-this-name"]),
        ("getent", vec!["group", "plugdev"]),
        ("getent", vec!["group", "1900000999"]),
        ("getent", vec!["passwd"]),
        ("getent", vec!["initgroups", &daemon]),
        ("getent", vec!["initgroups", "root"]),
        ("getent", vec!["initgroups", "localuser"]),
        ("getent", vec!["initgroups", "nobody-has-this-name"]),
        ("id", vec!["-G", "localuser"]),
    ];
    if let Some(account) = account {
        questions.push(("getent", vec!["passwd", account]));
        questions.push(("getent", vec!["initgroups", account]));
    }
    let begin = Instant::now();
    let mut took = String::new();
    for (program, arguments) in &questions {
        let before = begin.elapsed();
        let output = Program::new(program).args(arguments).run(b"")?;
        let after = begin.elapsed();
        took.push_str(&format!(
            "{arguments:?}: {:?}\n",
            after.saturating_sub(before)
        ));
        let is_local = arguments
            .iter()
            .any(|name| ["root", "localuser"].contains(name));
        ensure(
            !is_local || output.status.success(),
            format!("{program} {arguments:?}"),
            "found",
            everything(&output),
        )?;
    }
    ensure(
        begin.elapsed() < AT_ONCE,
        "look-ups without a daemon",
        format!("all within {AT_ONCE:?}"),
        took,
    )
}

fn before_the_sockets(world: &mut World) -> Result<()> {
    if let Ok(daemon) = world.take_daemon() {
        daemon.stop()?;
    }
    look_ups(None)?;
    // Before the folder is there, too.
    let aside = "/run/domlogon-aside";
    fs::rename(RUN, aside).map_err(Failure::harness("take the folder away"))?;
    let result = look_ups(None);
    fs::rename(aside, RUN).map_err(Failure::harness("put the folder back"))?;
    result
}

/// With the sockets there, and nobody behind them but the service manager: it is told, by the
/// first connection, and nobody waits. Then the daemon comes, and answers.
fn before_the_daemon(world: &mut World) -> Result<()> {
    if user() == "root" {
        // Root's daemon and root's service manager are not told apart.
        return Ok(());
    }
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    let sockets = Sockets::listen()?;
    look_ups(Some(&account.name))?;
    let daemon = sockets.start(CONFIGURATION)?;
    let found = || {
        let output = Program::new("getent")
            .args(&["passwd", &account.name])
            .run(b"")?;
        ensure_contains("getent", &everything(&output), &account.name)
    };
    found()?;
    account.opens_with(PASSWORD)?;
    // All who knocked before have gone; the next one is served as ever.
    domlogon(&["user", "show", &account.name])?.exits(0)?;
    daemon.stop()?;
    // While it is started again, the names that it has published are answered.
    found()?;
    // Without them it is waited for.
    for file in ["names", "names.delta"] {
        fs::remove_file(format!("/run/domlogon/{file}"))
            .map_err(Failure::harness("remove the names"))?;
    }
    let begin = Instant::now();
    let asked = Program::new("getent")
        .args(&["passwd", &account.name])
        .run(b"")?;
    ensure(
        !asked.status.success() && begin.elapsed() > Duration::from_secs(1),
        "a look-up while the daemon is started again",
        "waited for the daemon",
        format!("{:?}", begin.elapsed()),
    )?;
    let daemon = sockets.start(CONFIGURATION)?;
    found()?;
    daemon.stop()
}

/// Run this while the daemon is away behind its sockets, which comes back soon.
fn meanwhile<T: Send>(world: &mut World, ask: impl Fn() -> Result<T> + Send + Sync) -> Result<T> {
    world.take_daemon()?.stop()?;
    let sockets = Sockets::listen()?;
    std::thread::scope(|scope| {
        let asking = scope.spawn(ask);
        std::thread::sleep(Duration::from_millis(300));
        let daemon = sockets.start(CONFIGURATION)?;
        let answer = asking
            .join()
            .map_err(|_| differs("a question", "an answer", "a panic"))?;
        daemon.stop()?;
        answer
    })
}

fn logon_waits(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    meanwhile(world, || account.opens_with(PASSWORD))
}

/// The sockets stay, so whoever asks while the daemon is started again waits a moment.
fn restart(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    let sockets = Sockets::listen()?;
    let mut daemon = sockets.start(CONFIGURATION)?;
    let script = format!(
        "for i in $(seq 150); do getent passwd {0} >/dev/null || echo lost $i; done; echo done",
        account.name
    );
    let asking = std::thread::spawn(move || {
        let program = Program::new("sh").args(&["-c", &script]);
        program.patience(Duration::from_secs(60)).run(b"")
    });
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(100));
        daemon.stop()?;
        daemon = sockets.start(CONFIGURATION)?;
    }
    let output = asking
        .join()
        .map_err(|_| differs("look-ups", "an end", "a panic"))??;
    ensure_equal(
        "look-ups during restarts",
        everything(&output).trim(),
        "done",
    )?;
    daemon.stop()
}

/// What the kernel says of the process, after it has done a bit of everything.
fn no_privileges(world: &mut World) -> Result<()> {
    if user() == "root" {
        return Ok(());
    }
    let account = world.account(Good)?;
    account.opens_with(PASSWORD)?;
    world.rights("[rights]\nSeNetworkLogonRight = []\n")?;
    world.daemon()?.signal(nix::sys::signal::Signal::SIGHUP)?;
    Probe::bare("once", &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
        .run(&["chauthtok"])?
        .returns("chauthtok", "SUCCESS")?;
    let process = world.daemon()?.process();
    let status = fs::read_to_string(format!("/proc/{process}/status"))
        .map_err(Failure::harness("look at the daemon"))?;
    let output = Program::new("id").args(&["-u", &user()]).run(b"")?;
    let uid = everything(&output).trim().to_owned();
    ensure(
        uid != "0" && !uid.is_empty(),
        "the daemon's user",
        "not root",
        &*uid,
    )?;
    for (field, wanted) in [
        ("Uid:", vec![&*uid; 4]),
        ("Groups:", vec![]),
        ("CapPrm:", vec!["0000000000000000"]),
        ("CapEff:", vec!["0000000000000000"]),
        ("CapBnd:", vec!["0000000000000000"]),
        ("NoNewPrivs:", vec!["1"]),
    ] {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let found: Vec<&str> = line.unwrap_or("absent").split_whitespace().collect();
        ensure_equal(field, found, wanted)?;
    }
    Ok(())
}

/// Anybody reaches the socket; who is neither root nor an administrator is turned away, and
/// nothing of what he says is read.
fn administrators_door(world: &mut World) -> Result<()> {
    let administrator = world.account(Good)?;
    domlogon(&["group", "add-member", "Administrators", &administrator.name])?.exits(0)?;
    let user = world.account(Good)?;
    let list = |name: &str| -> Result<(Option<i32>, String)> {
        let program = Program::new("domlogon")
            .args(&["user", "list"])
            .as_user(name)?;
        let output = program.run(b"")?;
        Ok((output.status.code(), everything(&output)))
    };
    let (code, text) = list(&administrator.name)?;
    ensure_equal(&*text, code, Some(0))?;
    for name in [&*user.name, "localuser", "nobody"] {
        let (code, text) = list(name)?;
        ensure(code != Some(0), name, "a refusal", &*text)?;
        ensure(!text.contains(&administrator.name), name, "no list", &*text)?;
        // What is for everybody is answered by the other socket.
        let status = Program::new("domlogon")
            .arg("status")
            .as_user(name)?
            .run(b"")?;
        ensure(
            status.status.success(),
            "status",
            "told",
            everything(&status),
        )?;
    }
    turned_away_at_once(&user)?;
    domlogon(&[
        "group",
        "remove-member",
        "--force",
        "Administrators",
        &administrator.name,
    ])?
    .exits(0)?;
    let (code, text) = list(&administrator.name)?;
    ensure(
        code != Some(0),
        "who was an administrator",
        "a refusal",
        text,
    )
}

/// The reply is there before anything was said, and then the end.
fn turned_away_at_once(user: &Account) -> Result<()> {
    const SCRIPT: &str = "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0) or die; \
        connect(S, sockaddr_un('/run/domlogon/admin')) or die; \
        $SIG{ALRM} = sub { die 'kept waiting' }; alarm 3; \
        my $all = ''; while (sysread(S, my $part, 4096)) { $all .= $part } \
        print length($all) ? 'refused' : 'nothing';";
    let program = Program::new("perl")
        .args(&["-e", SCRIPT])
        .as_user(&user.name)?;
    let begin = Instant::now();
    let output = program.run(b"")?;
    ensure_equal("the door", everything(&output).trim(), "refused")?;
    ensure(
        begin.elapsed() < Duration::from_secs(2),
        "the door",
        "an answer at once",
        format!("{:?}", begin.elapsed()),
    )?;
    // Root says what he wants, and is waited for.
    let mut stream = UnixStream::connect(format!("{RUN}/admin"))
        .map_err(Failure::harness("reach the daemon"))?;
    let patience = Some(Duration::from_millis(300));
    stream
        .set_read_timeout(patience)
        .map_err(Failure::harness("set a patience"))?;
    let kept = stream.write_all(&[1]).is_ok() && stream.read(&mut [0; 10]).is_err();
    ensure(
        kept,
        "root at the door",
        "waited for",
        "an answer or the end",
    )
}

/// What is run under a systemd with our units: look-ups before the daemon, a logon, a change, a
/// reload, the end of the daemon by SIGKILL, a restart, a stop, and a daemon that hangs.
const UNDER_SYSTEMD: &str = r#"
fail() { echo "FAILED: $*"; systemctl status domlogond.service domlogond.socket --no-pager; exit 1; }
since() { echo $(((${EPOCHREALTIME/./} - $1) / 1000)); }
auth() { domlogon-probe -c /run/bare-pam.d -a "$2" -- login "$1" auth acct | tee /dev/stderr | grep -q "^return acct 0 "; }
main() { systemctl show --property MainPID --value domlogond; }
begin=${EPOCHREALTIME/./}
[ "$(main)" = 0 ] || fail "it runs already"
for name in root domlogon nobody-has-this-name "$ACCOUNT"; do getent passwd $name; getent initgroups $name; done
[ $(since $begin) -lt 1000 ] || fail "look-ups took $(since $begin) ms before the daemon was there"
systemctl start domlogond || fail "no start"
[ "$(stat -c %U /run/domlogon /var/lib/domlogon | sort -u)" = domlogon ] || fail "the folders are not its own"
getent passwd "$ACCOUNT" || fail "not found"
auth "$ACCOUNT" "$PASSWORD" || fail "no logon"
domlogon user set --full-name "Of the units" "$ACCOUNT" || fail "no change"
printf '[rights]\nSeInteractiveLogonRight = []\n' >/etc/domlogon/rights.toml.new
mv /etc/domlogon/rights.toml.new /etc/domlogon/rights.toml
systemctl reload domlogond || fail "no reload"
sleep 0.5
auth "$ACCOUNT" "$PASSWORD" && fail "the rights were not taken"
old=$(main)
grep -q '^CapEff:.0*$' /proc/$old/status || fail "capabilities"
grep -q '^Seccomp:.2$' /proc/$old/status || fail "no filter of system calls"
kill -9 $old
getent passwd "$ACCOUNT" || fail "lost when it was killed"
for i in 1 2 3 4 5 6 7 8 9 10; do case $(main) in 0 | $old) sleep 0.2 ;; *) break ;; esac; done
case $(main) in 0 | $old) fail "not started again" ;; esac
systemctl restart domlogond & getent passwd "$ACCOUNT" || fail "lost in a restart"
wait
systemctl stop domlogond
getent passwd "$ACCOUNT" || fail "the names went with the daemon"
[ "$(main)" = 0 ] || fail "started for a name that is published"
auth "$ACCOUNT" "$PASSWORD"
[ "$(main)" != 0 ] || fail "not started by who asks"
mkdir -p /run/boot/units/domlogond.service.d
printf '[Service]\nWatchdogSec=2\nRestartSec=100ms\n' >/run/boot/units/domlogond.service.d/soon.conf
systemctl daemon-reload
systemctl restart domlogond
sleep 4
[ "$(systemctl show --property NRestarts --value domlogond)" = 0 ] || fail "the watchdog bit one that lives"
old=$(main)
kill -STOP $old
for i in 1 2 3 4 5 6 7 8; do sleep 1; [ "$(main)" = $old ] || break; done
sleep 0.5
[ "$(main)" != $old ] || fail "the watchdog did not bite"
getent passwd "$ACCOUNT" || fail "lost when it hung"
systemctl stop domlogond.socket domlogond.service
begin=${EPOCHREALTIME/./}
getent passwd "$ACCOUNT" || fail "the names went with the sockets"
rm /run/domlogon/names /run/domlogon/names.delta
getent passwd "$ACCOUNT" && fail "answered after its end"
[ $(since $begin) -lt 500 ] || fail "waited for one that is stopped"
printf 'nonsense\n' >/run/boot/bad.toml
printf '[Service]\nExecStart=\nExecStart=/usr/local/sbin/domlogond --config /run/boot/bad.toml\n' \
    >/run/boot/units/domlogond.service.d/bad.conf
systemctl daemon-reload
systemctl start domlogond && fail "started with a bad configuration"
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    getent passwd "$ACCOUNT"
    systemctl is-failed domlogond.socket && break
    sleep 1
done
begin=${EPOCHREALTIME/./}
getent passwd "$ACCOUNT"
[ $(since $begin) -lt 500 ] || fail "waited for one that never starts"
echo all good
"#;

/// The shipped units, with all that they forbid, under a real systemd.
fn under_systemd(world: &mut World) -> Result<()> {
    const SCRIPT: &str = "/run/under-systemd";
    let account = world.account(Good)?;
    let log = Log::from_now();
    world.restart()?;
    let confined = confinement::line(log)?;
    world.take_daemon()?.stop()?;
    let log = Log::from_now();
    let script = format!(
        "ACCOUNT={}\nPASSWORD={PASSWORD}\n{UNDER_SYSTEMD}",
        account.name
    );
    fs::write(SCRIPT, script).map_err(Failure::harness("write a script"))?;
    let boot = packaging("../tests/boot");
    let program = Program::new(&boot).arg(SCRIPT).env("DOMLOGON_SANDBOX", "1");
    let root = std::env::var("DOMLOGON_ROOT").unwrap_or_default();
    let program = program.env("DOMLOGON_ROOT", &root);
    let output = program.patience(Duration::from_secs(150)).run(b"")?;
    let text = everything(&output);
    if output.status.code() == Some(77) {
        println!("        left out: {}", text.trim());
        return Ok(());
    }
    ensure(
        output.status.success() && text.contains("all good"),
        "the units under systemd",
        "all good",
        text,
    )?;
    // What it does on itself is not in the way of what the unit does.
    ensure_equal("the line", confinement::line(log)?, confined)?;
    // It has a way to the log, confined as it is.
    log.line_with(&["logon:", &account.name, "verdict="])
        .map(drop)
}
