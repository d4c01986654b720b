//! The guard: a process that outlives the command and its session, and puts the old state
//! back if the command was killed or nobody confirms in time.
//!
//! Where systemd runs it is a unit of its own, and another one begins it at boot; elsewhere
//! it is a process in a session of its own.

use super::error::EnableError;
use super::host::Host;
use super::journal::{Awaited, Desk, Phase, journal_of};
use super::logon;
use super::recover;
use crate::answer::Answer;
use crate::daemon::Daemon;
use crate::host_program;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The hidden command.
pub(crate) const COMMAND: &str = "enable-guard";

/// How often the guard looks.
const PAUSE: Duration = Duration::from_millis(500);

/// How long it waits when putting back has failed.
const AFTER_AN_ERROR: Duration = Duration::from_secs(5);

/// Starts it. It waits until this process ends or lets go of the journal.
pub(crate) fn start() -> Result<(), EnableError> {
    if Path::new("/run/systemd/system").is_dir() && start_unit() {
        return Ok(());
    }
    start_process().map_err(EnableError::NoGuard)
}

fn start_unit() -> bool {
    let Ok(program) = std::env::current_exe() else {
        return false;
    };
    host_program::command("systemd-run")
        .args(["--quiet", "--collect", "--no-ask-password"])
        .arg(format!("--unit=domlogon-guard-{}", std::process::id()))
        .arg("--description=Puts the state before domlogon enable back")
        .arg("--")
        .arg(program)
        .arg(COMMAND)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn start_process() -> io::Result<()> {
    let mut child = Command::new("/proc/self/exe")
        .arg0("domlogon")
        .arg(COMMAND)
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    // One byte says that it is in a session of its own: from then on nothing that ends our
    // session ends it.
    let mut byte = [0];
    match child.stdout.take() {
        Some(mut out) => out.read_exact(&mut byte),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// The guard itself.
pub(crate) fn run(once: bool, daemon: &Daemon) -> Result<Answer, EnableError> {
    // It fails for the first process of a session: then it is one already.
    let _ = nix::unistd::setsid();
    if !once {
        let mut out = io::stdout();
        // Under systemd nobody reads it.
        let _ = out.write_all(b"\n").and_then(|()| out.flush());
    }
    let host = Host::here();
    if once {
        round(&host, daemon)?;
    } else {
        watch(&host, daemon, AFTER_AN_ERROR);
    }
    Ok(Answer::yes(String::new(), &()))
}

/// Until nothing is unfinished: what fails once (a file that is busy or immutable) may go
/// well the next time, and nobody else would try again before the next boot.
fn watch(host: &Host, daemon: &Daemon, after_an_error: Duration) {
    let mut said = String::new();
    loop {
        match round(host, daemon) {
            Ok(true) => thread::sleep(PAUSE),
            Ok(false) => return,
            Err(error) => {
                let text =
                    format!("The old state could not be put back, and is tried again. {error}");
                if text != said {
                    note(&text);
                    said = text;
                }
                thread::sleep(after_an_error);
            }
        }
    }
}

/// Takes the journal's folder and does what is due; whether there is more to wait for.
fn round(host: &Host, daemon: &Daemon) -> Result<bool, EnableError> {
    if journal_of(host)?.is_none() {
        return Ok(false);
    }
    match Desk::take(host, PAUSE) {
        Ok(desk) => look(&desk, daemon),
        Err(EnableError::Busy) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Does what is due; whether there is more to wait for.
fn look(desk: &Desk, daemon: &Daemon) -> Result<bool, EnableError> {
    let Some(journal) = desk.journal()? else {
        return Ok(false);
    };
    let waits = journal.phase == Phase::Pending
        && journal
            .awaited
            .as_ref()
            .is_some_and(|awaited| !is_over(awaited, &Clocks::now()));
    if waits {
        return Ok(true);
    }
    recover(desk, journal, daemon)?;
    Ok(false)
}

/// What the clocks say.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    boot: String,
    /// Seconds since the boot, sleep included.
    since_boot: u64,
    /// Unix time.
    wall: u64,
}

impl Clocks {
    pub(crate) fn now() -> Self {
        let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
        let seconds = uptime.split(['.', ' ']).next().unwrap_or_default();
        Self {
            boot: logon::boot(),
            // Unreadable counts as very late: the old state is the safe one.
            since_boot: seconds.parse().unwrap_or(u64::MAX),
            wall: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(u64::MAX, |since| since.as_secs()),
        }
    }
}

/// A confirmation that is awaited from now on.
pub(crate) fn awaited(seconds: u64) -> Awaited {
    let now = Clocks::now();
    Awaited {
        seconds,
        boot: now.boot,
        end_of_boot_clock: now.since_boot.saturating_add(seconds),
        end_of_wall_clock: now.wall.saturating_add(seconds),
        logon: logon::Logon::own(),
    }
}

/// Whether the time is over. In another boot the wall clock counts; one that was set back
/// to before the beginning cannot prolong it.
pub(crate) fn is_over(awaited: &Awaited, now: &Clocks) -> bool {
    if awaited.boot == now.boot {
        return now.since_boot >= awaited.end_of_boot_clock;
    }
    now.wall >= awaited.end_of_wall_clock
        || now.wall.saturating_add(awaited.seconds) < awaited.end_of_wall_clock
}

/// A line for the system's log.
pub(crate) fn note(text: &str) {
    let line = format!("<85>domlogon[{}]: {text}", std::process::id());
    if let Ok(socket) = UnixDatagram::unbound() {
        // A full log must not hold up what keeps people from being locked out.
        let _ = socket.set_nonblocking(true);
        let _ = socket.send_to(line.as_bytes(), "/dev/log");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Arguments;
    use crate::enable::change::{Change, Direction, Plan};
    use crate::enable::logon::Logon;
    use crate::enable::transaction;
    use clap::Parser;

    #[test]
    fn when_it_is_over() {
        let awaited = Awaited {
            seconds: 100,
            boot: "a".to_owned(),
            end_of_boot_clock: 1100,
            end_of_wall_clock: 50_100,
            logon: Logon::of("a", None, (1, 1)),
        };
        let over = |boot: &str, since_boot, wall| {
            let clocks = Clocks {
                boot: boot.to_owned(),
                since_boot,
                wall,
            };
            is_over(&awaited, &clocks)
        };
        assert!(!over("a", 1099, 99_999), "the wall clock may be set");
        assert!(over("a", 1100, 0));
        assert!(!over("b", 5000, 50_099), "another boot");
        assert!(over("b", 0, 50_100));
        assert!(!over("b", 0, 50_000));
        assert!(over("b", 0, 49_999), "a clock that was set back");
    }

    /// A host on which a run was cut off when nsswitch.conf was replaced.
    fn cut_off(root: &Path) -> Host {
        let host = Host::under(root);
        fs::create_dir_all(host.at("/etc")).unwrap();
        fs::write(host.nsswitch(), "passwd: files\n").unwrap();
        let change = Change::new(
            host.nsswitch(),
            Some(b"passwd: files\n".to_vec()),
            b"passwd: files domlogon\n".to_vec(),
        );
        let desk = Desk::take(&host, Duration::ZERO).unwrap();
        transaction::apply(&desk, &Plan::new(Direction::On, vec![change]), || Ok(())).unwrap();
        host
    }

    #[test]
    fn what_fails_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let host = cut_off(folder.path());
        let with = fs::read(host.nsswitch()).unwrap();
        fs::remove_file(host.nsswitch()).unwrap();
        fs::create_dir(host.nsswitch()).unwrap();
        let daemon = Daemon::new(&Arguments::parse_from(["domlogon", "status"]));
        assert!(matches!(
            round(&host, &daemon),
            Err(EnableError::NotUndone(_))
        ));
        let guarded = host.clone();
        let guard = thread::spawn(move || watch(&guarded, &daemon, Duration::from_millis(20)));
        thread::sleep(Duration::from_millis(200));
        assert!(!guard.is_finished(), "it gave up");
        let desk = Desk::take(&host, Duration::from_secs(10)).unwrap();
        fs::remove_dir(host.nsswitch()).unwrap();
        fs::write(host.nsswitch(), &with).unwrap();
        drop(desk);
        guard.join().unwrap();
        assert_eq!(fs::read(host.nsswitch()).unwrap(), b"passwd: files\n");
        assert_eq!(journal_of(&host).unwrap(), None);
    }

    #[test]
    fn what_was_removed_meanwhile_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let host = cut_off(folder.path());
        fs::remove_file(host.nsswitch()).unwrap();
        let desk = Desk::take(&host, Duration::ZERO).unwrap();
        let journal = desk.journal().unwrap().unwrap();
        let daemon = Daemon::new(&Arguments::parse_from(["domlogon", "status"]));
        let said = recover(&desk, journal, &daemon).unwrap();
        let part = "/etc/nsswitch.conf had been removed meanwhile, and was not made again.";
        assert!(said.contains(part), "{said}");
    }

    #[test]
    fn at_boot_too() {
        let unit = include_str!("../../../../packaging/domlogon-rollback.service");
        assert!(unit.contains("\nExecStartPre=-/usr/sbin/domlogon enable-guard --once\n"));
        assert!(unit.contains("\nExecStart=/usr/sbin/domlogon enable-guard\n"));
    }
}
