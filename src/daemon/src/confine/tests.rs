//! What a confined process can and cannot do. Each is tried in a process of its own: what is
//! given up does not come back.

use super::*;
use crate::config::Config;
use nix::errno::Errno;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::unistd::Pid;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::thread;

const ACCOUNTS: &str = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n";
const DIRECTORY: &str =
    "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\nbackend = \"directory\"\n";

/// Where a process is told its folders.
const PLACE: &str = "DOMLOGON_TEST_PLACE";

/// The folders of a daemon, and one that is none of its.
struct Place(PathBuf);

impl Place {
    fn make(folder: PathBuf) -> Self {
        let place = Self(folder);
        for folder in ["config", "state", "run", "other"] {
            fs::create_dir(place.at(folder)).unwrap();
        }
        fs::write(place.at("other/file"), "x").unwrap();
        place
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn confine(&self, text: &str) -> Log {
        let database = self.at("state/accounts.db");
        let text = format!("{text}[accounts]\ndatabase = {database:?}\n");
        let file = self.at("config/domlogon.toml");
        fs::write(&file, text).unwrap();
        let log = Log::kept();
        let needed = Needs {
            file: &file,
            rights: &self.at("config/rights.toml"),
            config: &Config::read(&file).unwrap(),
            run: &self.at("run"),
        };
        confine(&needed, &log);
        log
    }
}

/// Runs one of the ignored tests below in a process of its own.
fn alone(test: &str) -> ExitStatus {
    alone_in(&tempfile::tempdir().unwrap(), test)
}

fn alone_in(folder: &tempfile::TempDir, test: &str) -> ExitStatus {
    let place = Place::make(folder.path().to_owned());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg(format!("confine::tests::{test}"))
        .env(PLACE, place.0)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    println!("{said}");
    assert!(said.contains("running 1 test"));
    output.status
}

/// The folders of the process that runs an ignored test.
fn given() -> Place {
    Place(std::env::var_os(PLACE).unwrap().into())
}

/// The version of Landlock that the daemon said it has. Where a kernel has none, the tests of
/// the suites see that it is said.
fn landlock(log: &Log) -> u32 {
    let lines = log.lines().join("\n");
    let version = lines.split("Landlock (version ").nth(1);
    version.map_or(0, |rest| rest.split(')').next().unwrap().parse().unwrap())
}

#[track_caller]
fn absent<T>(result: io::Result<T>) {
    let error = result.err().expect("it was not refused");
    assert_eq!(error.raw_os_error(), Some(Errno::ENOSYS as i32), "{error}");
}

#[track_caller]
fn denied<T>(result: io::Result<T>) {
    let error = result.err().expect("it was not refused");
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
}

#[test]
#[ignore = "run by a test below, in a process of its own"]
fn calls() {
    let log = given().confine(ACCOUNTS);
    assert!(log.lines().join("\n").contains("system calls by seccomp"));
    absent(Command::new("/bin/true").spawn());
    absent(UdpSocket::bind("127.0.0.1:0"));
    absent(TcpStream::connect("127.0.0.1:389"));
    let netlink = (AddressFamily::Netlink, SockType::Raw);
    absent(socket(netlink.0, netlink.1, SockFlag::empty(), None).map_err(io::Error::from));
    absent(kill(Pid::parent(), Signal::SIGTERM).map_err(io::Error::from));
    absent(nix::sys::prctl::set_dumpable(true).map_err(io::Error::from));
    absent(setrlimit(Resource::RLIMIT_CORE, 1, 1).map_err(io::Error::from));
    absent(symlink("a", given().at("state/link")));
    absent(fs::hard_link("/etc/passwd", given().at("state/passwd")));
    // What it needs is there, in new threads too, and these are confined as well.
    UnixStream::pair().unwrap();
    UnixDatagram::unbound().unwrap();
    let other = thread::spawn(|| absent(UdpSocket::bind("127.0.0.1:0")));
    other.join().unwrap();
}

#[test]
#[ignore = "run by a test below, in a process of its own"]
fn files() {
    let place = given();
    let log = place.confine(ACCOUNTS);
    let (own, other) = (place.at("state/accounts.db"), place.at("other/file"));
    fs::write(&own, "x").unwrap();
    fs::rename(&own, place.at("state/another")).unwrap();
    File::create(place.at("state/another"))
        .unwrap()
        .set_len(0)
        .unwrap();
    fs::remove_file(place.at("state/another")).unwrap();
    fs::read_dir(place.at("state")).unwrap();
    UnixListener::bind(place.at("run/socket")).unwrap();
    fs::write(place.at("run/names"), "x").unwrap();
    fs::read(place.at("config/domlogon.toml")).unwrap();
    fs::read("/etc/passwd").unwrap();
    fs::read("/proc/self/cgroup").unwrap();
    File::open("/dev/urandom")
        .unwrap()
        .read_exact(&mut [0; 8])
        .unwrap();
    if landlock(&log) == 0 {
        return;
    }
    denied(fs::read(&other));
    denied(fs::write(&other, "y"));
    denied(fs::read_dir(place.at("other")));
    denied(fs::remove_file(&other));
    denied(fs::write(place.at("other/new"), "y"));
    denied(fs::write(place.at("config/domlogon.toml"), ""));
    denied(fs::remove_file(place.at("config/domlogon.toml")));
    denied(fs::write(place.at("config/rights.toml"), ""));
    denied(fs::create_dir(place.at("state/folder")));
    denied(UnixListener::bind(place.at("state/socket")));
    fs::write(&own, "x").unwrap();
    assert!(fs::rename(&own, place.at("other/taken")).is_err());
    assert!(
        fs::rename(&own, place.at("run/taken")).is_err(),
        "it is of another folder"
    );
}

#[test]
#[ignore = "run by a test below, in a process of its own"]
fn network() {
    // Not a port of a controller.
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = outside.local_addr().unwrap();
    let log = given().confine(DIRECTORY);
    UdpSocket::bind("127.0.0.1:0").unwrap();
    let controller = TcpStream::connect("127.0.0.1:389");
    let refused = controller.err().map(|error| error.kind());
    assert!(
        matches!(refused, None | Some(io::ErrorKind::ConnectionRefused)),
        "{refused:?}"
    );
    absent(Command::new("/bin/true").spawn());
    if landlock(&log) >= 4 {
        denied(TcpStream::connect(address));
        denied(TcpListener::bind("127.0.0.1:0"));
    }
}

#[test]
#[ignore = "run by a test below, in a process of its own"]
fn sessions() {
    let place = given();
    let log = place.confine(DIRECTORY);
    fs::read(place.at("other/file")).unwrap();
    let logind = fs::read_dir("/run/systemd/users");
    assert!(!logind.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied));
    if landlock(&log) > 0 {
        denied(fs::write(place.at("other/file"), "y"));
    }
}

#[test]
#[ignore = "run by a test below, in a process of its own"]
fn another_program() {
    given().confine(ACCOUNTS);
    let program = CString::new("/bin/true").unwrap();
    let _ = nix::unistd::execv(&program, &[&program]);
}

#[test]
#[ignore = "run by a test below, in a process of its own"]
fn nothing_is_taken() {
    let place = given();
    for (word, line) in [
        (
            "off",
            "4 not confined, as the configuration says (daemon.confine)",
        ),
        (
            "log",
            "4 not confined, as the configuration says (daemon.confine): system calls outside \
             the list are in the kernel's log",
        ),
    ] {
        let log = place.confine(&format!("{ACCOUNTS}[daemon]\nconfine = \"{word}\"\n"));
        assert_eq!(log.lines(), [line]);
        UdpSocket::bind("127.0.0.1:0").unwrap();
        fs::read(place.at("other/file")).unwrap();
        assert!(Command::new("/bin/true").status().unwrap().success());
    }
}

#[test]
fn a_call_that_is_not_needed_does_not_exist() {
    assert!(alone("calls").success());
}

#[test]
fn files_are_those_that_are_needed() {
    assert!(alone("files").success());
}

#[test]
fn the_network_is_that_of_a_directory() {
    assert!(alone("network").success());
}

#[test]
fn with_a_directory_what_logind_says_in_run_can_be_read() {
    // Root alone can show it.
    if let Ok(folder) = tempfile::tempdir_in("/run") {
        assert!(alone_in(&folder, "sessions").success());
    }
}

#[test]
fn whoever_wants_to_be_another_program_dies() {
    assert_eq!(alone("another_program").signal(), Some(31), "SIGSYS");
}

#[test]
fn the_configuration_can_switch_it_off() {
    assert!(alone("nothing_is_taken").success());
}
