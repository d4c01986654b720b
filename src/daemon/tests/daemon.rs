//! The daemon itself, with its real account database, its sockets and its signals.
#![forbid(unsafe_code)]

use domlogon_names::{BASE_FILE, LEFT_AT};
use domlogon_protocol::admin::{self, NewUser, Status};
use domlogon_protocol::rights::Loaded;
use domlogon_protocol::{Origin, Reply, Request, Secret, Timestamp, UserName, Verdict, client};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::unistd::Pid;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(20);

/// Not a name that a host has.
const ALICE: &str = "alice-of-the-tests";

struct World(tempfile::TempDir);

struct Daemon {
    child: Child,
    folder: PathBuf,
}

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        world.configure("");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn files(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    fn configure(&self, rest: &str) {
        let database = self.path("lib/accounts.db");
        let text = format!(
            "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n\
             [accounts]\ndatabase = {database:?}\n{rest}"
        );
        fs::write(self.path("domlogon.toml"), text).unwrap();
    }

    /// Puts another file of logon rights in the place of the old one.
    fn rights(&self, text: &str) {
        let new = self.path("rights.new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path("rights.toml")).unwrap();
    }

    fn command(&self, sockets: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_domlogond"));
        command.arg("--config").arg(self.path("domlogon.toml"));
        command.arg("--sockets").arg(self.path(sockets));
        command.stdin(Stdio::null());
        command
    }

    /// Starts a daemon and waits until it says that it is ready.
    fn start(&self) -> Daemon {
        let notify = self.path("notify");
        let _ = fs::remove_file(&notify);
        let socket = UnixDatagram::bind(&notify).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let mut command = self.command("run");
        command.env("NOTIFY_SOCKET", &notify);
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut said = [0; 200];
        let length = socket.recv(&mut said).unwrap();
        assert_eq!(&said[..length], b"READY=1\n");
        Daemon {
            child,
            folder: self.path("run"),
        }
    }

    /// The two sockets, as a service manager makes them.
    fn listen(&self) -> [UnixListener; 2] {
        fs::create_dir_all(self.path("run")).unwrap();
        ["socket", "admin"].map(|name| UnixListener::bind(self.path("run").join(name)).unwrap())
    }

    /// Starts a daemon and hands it these sockets [sd_listen_fds(3)]. It may not make any:
    /// it is told another folder for them, which cannot be.
    fn hand_over(&self, sockets: &[UnixListener; 2]) -> Daemon {
        self.hand_over_beside(sockets, Path::new("/dev/null/none"))
    }

    fn hand_over_beside(&self, sockets: &[UnixListener; 2], folder: &Path) -> Daemon {
        const PASS: &str = "exec 3<&0 4<&1 </dev/null >/dev/null
                            export LISTEN_FDS=2 LISTEN_PID=$$
                            exec \"$@\"";
        let [first, second] = sockets.each_ref().map(|s| s.try_clone().unwrap());
        let mut command = Command::new("/bin/sh");
        command.args(["-c", PASS, "sh", env!("CARGO_BIN_EXE_domlogond")]);
        command.arg("--config").arg(self.path("domlogon.toml"));
        command.arg("--sockets").arg(folder);
        command.stdin(OwnedFd::from(first)).stderr(Stdio::null());
        command.stdout(OwnedFd::from(second));
        Daemon {
            child: command.spawn().unwrap(),
            folder: self.path("run"),
        }
    }

    /// Runs a daemon that should not start.
    fn fail(&self, sockets: &str) -> String {
        let Output { status, stderr, .. } = self.command(sockets).output().unwrap();
        assert_eq!(status.code(), Some(1));
        String::from_utf8(stderr).unwrap()
    }
}

impl Daemon {
    fn ask(&self, socket: &str, request: &Request) -> Reply {
        client::call(&self.folder.join(socket), request, LIMIT).unwrap()
    }

    fn status(&self) -> Status {
        match self.ask("socket", &Request::Status) {
            Reply::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    /// Sends SIGHUP, and waits until it shows.
    fn reload(&self, is_done: impl Fn(&Status) -> bool) {
        self.signal(Signal::SIGHUP);
        self.wait(is_done);
    }

    fn wait(&self, is_done: impl Fn(&Status) -> bool) {
        let start = Instant::now();
        while !is_done(&self.status()) {
            assert!(start.elapsed() < LIMIT, "{:?}", self.status());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }

    fn add(&self, name: &str, password: Option<&str>) -> Reply {
        let user = NewUser {
            name: name.to_owned(),
            full_name: None,
            uid: None,
            home: None,
            shell: None,
            must_change: false,
            password: password.map(|password| Secret::new(password.as_bytes())),
        };
        let request = admin::Request::UserAdd(Box::new(user));
        self.ask("admin", &Request::Admin(request))
    }

    fn logon(&self, password: &str) -> Verdict {
        self.logon_by("login", password)
    }

    fn logon_by(&self, service: &str, password: &str) -> Verdict {
        let request = Request::Logon {
            user: UserName::parse(ALICE.as_bytes()).unwrap(),
            password: Secret::new(password.as_bytes()),
            origin: Origin {
                service: service.to_owned(),
                ..Origin::default()
            },
        };
        match self.ask("socket", &request) {
            Reply::Decision(decision) => {
                assert_eq!(decision.reference.to_string().len(), 6);
                decision.verdict
            }
            other => panic!("{other:?}"),
        }
    }

    /// Whom the lists of these rights would keep out who came in before.
    fn would_be_refused(&self, list: &str) -> Vec<String> {
        let request = admin::Request::RightsSimulate {
            text: format!("[rights]\n{list}\n"),
            since: Timestamp(0),
        };
        match self.ask("admin", &Request::Admin(request)) {
            Reply::Admin(reply) => match *reply {
                admin::Reply::RightsSimulated(simulation) => simulation
                    .changes
                    .into_iter()
                    .filter(|change| change.now.1 && !change.then.1)
                    .map(|change| change.user)
                    .collect(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn shell_of(&self, name: &str) -> String {
        match self.ask("socket", &Request::UserByName(name.to_owned())) {
            Reply::User(Some(user)) => user.shell,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Administration needs root at the other end of the socket.
fn is_root() -> bool {
    let is = nix::unistd::geteuid().is_root();
    if !is {
        eprintln!("left out: needs root");
        // tests/run wants nothing left out where it is root.
        assert!(std::env::var_os("DOMLOGON_TEST_ALL").is_none());
    }
    is
}

#[test]
fn a_domain_from_its_first_start() {
    let world = World::new();
    let daemon = world.start();
    let status = daemon.status();
    assert_eq!(status.store, Verdict::Success);
    assert_eq!(status.domain, "CORP");
    assert!(status.domain_sid.starts_with("S-1-5-21-"), "{status:?}");
    if is_root() {
        let made = daemon.add(ALICE, Some("Correct-Horse-7"));
        assert!(matches!(made, Reply::Admin(_)), "{made:?}");
        assert_eq!(daemon.logon("Correct-Horse-7"), Verdict::Success);
        assert_eq!(daemon.logon("correct-horse-7"), Verdict::LogonFailure);
        let local = daemon.add("ROOT", None);
        assert!(
            matches!(local, Reply::AdminRefused(ref error)
                if matches!(**error, admin::AdminError::NameIsLocal(_))),
            "{local:?}"
        );
        assert_eq!((daemon.status().granted, daemon.status().refused), (1, 1));
    }
    assert_eq!(daemon.end(Signal::SIGTERM), Some(0));
    // The names stay: they have owners also while no daemon runs.
    let names = ["names", "names.delta"].map(|name| world.path("run").join(name));
    for file in &names {
        let mode = fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644, "{}", file.display());
    }
    assert_eq!(
        fs::read_dir(world.path("run")).unwrap().count(),
        names.len()
    );
    let mut files = vec!["accounts.db", "accounts.db.lock"];
    if is_root() {
        // Only root's programs are services whose logons are remembered.
        files.push("logons.json");
    }
    files.push("rights.last-good.json");
    assert_eq!(world.files("lib"), files);

    let again = world.start();
    assert_eq!(again.status().domain_sid, status.domain_sid);
    if is_root() {
        // Before anybody comes in again.
        assert_eq!(
            again.would_be_refused("SeInteractiveLogonRight = []"),
            [ALICE]
        );
        assert_eq!(again.would_be_refused("SeNetworkLogonRight = []"), [""; 0]);
        assert_eq!(again.logon("Correct-Horse-7"), Verdict::Success);
    }
    assert_eq!(again.end(Signal::SIGINT), Some(0));
    assert_eq!(world.files("lib"), files);
}

const NOBODY_BY_NETWORK: &str = "[rights]\nSeNetworkLogonRight = []\n";

#[test]
fn a_changed_file_of_rights_decides_the_next_logon() {
    let world = World::new();
    let daemon = world.start();
    let status = daemon.status().rights;
    assert_eq!((status.loaded, status.version), (Loaded::Default, 1));
    assert_eq!(status.file, world.path("rights.toml").display().to_string());
    let judged = |daemon: &Daemon, verdict| {
        if is_root() {
            assert_eq!(daemon.logon_by("sshd", "Correct-Horse-7"), verdict);
        }
    };
    if is_root() {
        let made = daemon.add(ALICE, Some("Correct-Horse-7"));
        assert!(matches!(made, Reply::Admin(_)), "{made:?}");
    }
    judged(&daemon, Verdict::Success);
    world.rights(NOBODY_BY_NETWORK);
    daemon.wait(|status| status.rights.version == 2);
    judged(&daemon, Verdict::LogonTypeNotGranted);
    world.rights("[rights]\nSeNetworkLogonRight = [\"Everyone\"]\n");
    daemon.wait(|status| status.rights.version == 3);
    judged(&daemon, Verdict::Success);
    world.rights(&format!(
        "{NOBODY_BY_NETWORK}[services]\nlogin = \"deny\"\n"
    ));
    daemon.wait(|status| status.rights.version == 4);
    assert_eq!(daemon.end(Signal::SIGTERM), Some(0));

    let again = world.start();
    let status = again.status().rights;
    assert_eq!((status.loaded, status.version), (Loaded::File, 5));
    judged(&again, Verdict::LogonTypeNotGranted);
}

#[test]
fn the_last_good_rights_outlive_a_wrong_file_and_a_restart() {
    let world = World::new();
    world.rights(NOBODY_BY_NETWORK);
    let daemon = world.start();
    world.rights("[rights]\nSeDenyNetworkLogonRight = [\"nobody-of-the-tests\"]\n");
    // One of the two files is wrong, and the other is taken. The clock counts seconds.
    world.configure("shell = \"/bin/sh\"\n");
    let configured = daemon.status().configured_at;
    thread::sleep(Duration::from_millis(1100));
    daemon.reload(|status| status.rights.refused.is_some() && status.configured_at > configured);
    assert!(!daemon.status().reload_refused);
    let refused = daemon.status().rights.refused.unwrap().to_string();
    assert!(refused.starts_with("2:28: "), "{refused}");
    drop(daemon);

    let again = world.start();
    let status = again.status().rights;
    assert_eq!((status.loaded, status.version), (Loaded::LastGood, 1));
    if is_root() {
        let made = again.add(ALICE, Some("Correct-Horse-7"));
        assert!(matches!(made, Reply::Admin(_)), "{made:?}");
        let verdict = again.logon_by("sshd", "Correct-Horse-7");
        assert_eq!(verdict, Verdict::LogonTypeNotGranted);
        // The name that nobody had is given to somebody: the file is taken now.
        let made = again.add("nobody-of-the-tests", None);
        assert!(matches!(made, Reply::Admin(_)), "{made:?}");
        let status = again.status().rights;
        assert_eq!((status.loaded, status.version), (Loaded::File, 2));
    }
}

#[test]
fn a_reload_takes_what_is_right_and_keeps_the_last_good() {
    let world = World::new();
    let daemon = world.start();
    world.configure("shell = \"/bin/sh\"\nshel = 1\n");
    daemon.reload(|status| status.reload_refused);
    if is_root() {
        assert!(matches!(
            daemon.add("one-of-the-tests", None),
            Reply::Admin(_)
        ));
        assert_eq!(daemon.shell_of("one-of-the-tests"), "/bin/bash");
    }
    world.configure("shell = \"/bin/sh\"\n");
    daemon.reload(|status| !status.reload_refused);
    if is_root() {
        assert!(matches!(
            daemon.add("two-of-the-tests", None),
            Reply::Admin(_)
        ));
        assert_eq!(daemon.shell_of("one-of-the-tests"), "/bin/bash");
        assert_eq!(daemon.shell_of("two-of-the-tests"), "/bin/sh");
    }
    assert_eq!(daemon.end(Signal::SIGTERM), Some(0));
}

/// Whom the kernel names to somebody who connects.
fn listener_behind(socket: &Path) -> Pid {
    let stream = UnixStream::connect(socket).unwrap();
    Pid::from_raw(getsockopt(&stream, PeerCredentials).unwrap().pid())
}

#[test]
fn sockets_that_are_handed_over_outlive_the_daemon() {
    let world = World::new();
    // In the other order: their files tell.
    let [main, admin] = world.listen();
    let sockets = [admin, main];
    let main = world.path("run/socket");
    assert_eq!(listener_behind(&main), Pid::this());
    // Asked before there is a daemon, and from then on through two restarts.
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = 0;
            while !stop.load(Ordering::Relaxed) {
                let reply = client::call(&main, &Request::Status, LIMIT);
                assert!(matches!(reply, Ok(Reply::Status(_))), "{reply:?}");
                answers += 1;
            }
            answers
        });
        for _ in 0..3 {
            let daemon = world.hand_over(&sockets);
            assert_eq!(daemon.status().store, Verdict::Success);
            let id = i32::try_from(daemon.child.id()).unwrap();
            // The first answers may come while the daemon is about to make the sockets its own.
            let end = Instant::now() + LIMIT;
            while listener_behind(&main).as_raw() != id {
                assert!(Instant::now() < end, "not the daemon's");
                thread::sleep(Duration::from_millis(5));
            }
            if is_root() {
                let reply = daemon.ask("admin", &Request::Admin(admin::Request::PolicyShow));
                assert!(matches!(reply, Reply::Admin(_)), "{reply:?}");
            }
            assert_eq!(daemon.end(Signal::SIGTERM), Some(0));
            assert_eq!(world.files("run"), ["admin", "socket"]);
        }
        stop.store(true, Ordering::Relaxed);
        // For the question that may be waiting already.
        let last = world.hand_over(&sockets);
        assert!(asking.join().unwrap() > 3);
        assert_eq!(last.end(Signal::SIGTERM), Some(0));
    });
}

#[test]
fn other_sockets_than_the_two_are_refused() {
    let world = World::new();
    let [main, _] = world.listen();
    let wrong = UnixListener::bind(world.path("run/other")).unwrap();
    let mut daemon = world.hand_over(&[main, wrong]);
    assert_eq!(daemon.child.wait().unwrap().code(), Some(1));
}

#[test]
fn the_service_manager_is_told_again_and_again_that_it_lives() {
    let world = World::new();
    let notify = world.path("notify");
    let inbox = UnixDatagram::bind(&notify).unwrap();
    inbox.set_read_timeout(Some(LIMIT)).unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "export WATCHDOG_PID=$$; exec \"$@\"", "sh"]);
    command.arg(env!("CARGO_BIN_EXE_domlogond"));
    command.arg("--config").arg(world.path("domlogon.toml"));
    command.arg("--sockets").arg(world.path("run"));
    command.env("NOTIFY_SOCKET", &notify);
    command.env("WATCHDOG_USEC", "150000").stderr(Stdio::null());
    let daemon = Daemon {
        child: command.spawn().unwrap(),
        folder: world.path("run"),
    };
    let mut said = [0; 200];
    let mut hear = || {
        let length = inbox.recv(&mut said).unwrap();
        String::from_utf8_lossy(&said[..length]).into_owned()
    };
    let mut heard = Vec::new();
    while heard.len() < 5 {
        heard.push(hear());
    }
    let lives = heard.iter().filter(|said| *said == "WATCHDOG=1\n").count();
    assert_eq!(lives, 4, "{heard:?}");
    assert!(heard.contains(&"READY=1\n".to_owned()), "{heard:?}");
    // Nothing is heard of one that does nothing, and again of one that goes on.
    daemon.signal(Signal::SIGSTOP);
    thread::sleep(Duration::from_millis(50));
    inbox.set_nonblocking(true).unwrap();
    while inbox.recv(&mut [0; 200]).is_ok() {}
    thread::sleep(Duration::from_millis(300));
    assert!(inbox.recv(&mut [0; 200]).is_err());
    inbox.set_nonblocking(false).unwrap();
    daemon.signal(Signal::SIGCONT);
    let length = inbox.recv(&mut [0; 200]).unwrap();
    assert_eq!(length, "WATCHDOG=1\n".len());
    assert_eq!(daemon.end(Signal::SIGTERM), Some(0));
}

#[test]
fn no_domain_is_made_with_ids_that_are_not_free() {
    let world = World::new();
    // A group with this base and its RID, 513, would be nobody.
    world.configure("[ids]\nbase = 65021\n");
    let error = world.fail("run");
    assert!(
        error.contains("with ids.base = 65021, Domain Users would have the id 65534"),
        "{error}"
    );
    assert!(!world.path("lib/accounts.db").exists());
    world.configure("");
    assert_eq!(world.start().status().store, Verdict::Success);
}

#[test]
fn two_daemons_are_one_too_many() {
    let world = World::new();
    let daemon = world.start();
    let error = world.fail("elsewhere");
    assert!(
        error.contains("accounts.db is in use by another daemon"),
        "{error}"
    );
    // Another database, and the same sockets.
    let other = World::new();
    let mut command = other.command("run");
    command.arg("--sockets").arg(world.path("run"));
    let Output { status, stderr, .. } = command.output().unwrap();
    let error = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(error.contains("another domlogond is running"), "{error}");
    assert_eq!(daemon.status().store, Verdict::Success);
}

#[test]
fn the_sockets_of_a_killed_daemon_are_replaced() {
    let world = World::new();
    let daemon = world.start();
    assert_eq!(daemon.end(Signal::SIGKILL), None);
    assert!(world.path("run").join("socket").exists());
    let again = world.start();
    assert_eq!(again.status().store, Verdict::Success);
}

#[test]
fn a_damaged_database_is_answered_for_and_taken_when_it_is_mended() {
    let world = World::new();
    assert_eq!(world.start().end(Signal::SIGTERM), Some(0));
    let database = world.path("lib/accounts.db");
    let whole = fs::read(&database).unwrap();
    let mut damaged = whole.clone();
    damaged[..100].fill(0x5A);
    fs::write(&database, &damaged).unwrap();
    let daemon = world.start();
    assert_eq!(daemon.status().store, Verdict::InvalidDatabase);
    if is_root() {
        assert_eq!(daemon.logon("x"), Verdict::InvalidDatabase);
    }
    let asked = daemon.ask("socket", &Request::UserByName(ALICE.to_owned()));
    assert_eq!(asked, Reply::Refused(Verdict::InvalidDatabase));
    assert_eq!(fs::read(&database).unwrap(), damaged, "not touched");

    fs::write(&database, &whole).unwrap();
    let start = Instant::now();
    while daemon.status().store != Verdict::Success {
        assert!(start.elapsed() < LIMIT, "not taken");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn check_judges_a_file_and_shows_the_place() {
    let world = World::new();
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_domlogond"));
        command.arg("--check").arg(world.path("domlogon.toml"));
        command.output().unwrap()
    };
    let right = check();
    assert_eq!(right.status.code(), Some(0));
    assert!(right.stdout.ends_with(b": OK\n"));
    world.rights("[rights]\nSeNetworkLogonRight = \"Everyone\"\n");
    let beside = check();
    assert_eq!(beside.status.code(), Some(1));
    assert!(beside.stdout.ends_with(b"domlogon.toml: OK\n"));
    let shown = String::from_utf8(beside.stderr).unwrap();
    assert!(
        shown.ends_with(
            "rights.toml:2:23: expected a list of names, such as [\"Everyone\"]\n  |\n\
             2 | SeNetworkLogonRight = \"Everyone\"\n  |                       ^^^^^^^^^^\n"
        ),
        "{shown}"
    );
    world.rights(NOBODY_BY_NETWORK);
    world.configure("shel = 1\n");
    let wrong = check();
    assert_eq!(wrong.status.code(), Some(1));
    let shown = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        shown.contains("domlogon.toml:6:1: unknown field `shel`"),
        "{shown}"
    );
    assert!(shown.ends_with("6 | shel = 1\n  | ^^^^\n"), "{shown}");
    let error = world.fail("run");
    assert!(error.contains("^^^^"), "{error}");
    assert!(!world.path("run").exists());
}

#[test]
fn a_database_that_others_could_replace_is_not_opened() {
    let world = World::new();
    let store = || world.start().status().store;
    assert_eq!(store(), Verdict::Success);
    let database = world.path("lib/accounts.db");
    for (path, open, closed) in [(world.path("lib"), 0o777, 0o700), (database, 0o622, 0o600)] {
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        set(open);
        assert_eq!(store(), Verdict::AcfNotLoaded, "{path:?}");
        set(closed);
        assert_eq!(store(), Verdict::Success, "{path:?}");
    }
}

#[test]
fn the_names_of_a_killed_daemon_are_left_by_the_one_that_cannot_start_after_it() {
    let world = World::new();
    let daemon = world.start();
    daemon.add(ALICE, None);
    let base = world.path("run").join(BASE_FILE);
    let start = Instant::now();
    while !base.exists() {
        assert!(start.elapsed() < LIMIT);
        thread::sleep(Duration::from_millis(10));
    }
    daemon.end(Signal::SIGKILL);
    let is_left = || {
        let mut word = [0; 4];
        let file = fs::File::open(&base).unwrap();
        file.read_exact_at(&mut word, LEFT_AT).unwrap();
        word != [0; 4]
    };
    world.configure("[nonsense]\n");
    // Beside this one another may run.
    world.fail("run");
    assert!(!is_left());
    for name in ["socket", "admin"] {
        fs::remove_file(world.path("run").join(name)).unwrap();
    }
    let sockets = world.listen();
    let mut systemds = world.hand_over_beside(&sockets, &world.path("run"));
    assert_eq!(systemds.child.wait().unwrap().code(), Some(1));
    assert!(is_left());
}
