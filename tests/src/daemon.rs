//! domlogond, started as a service manager would: ready when it says so.

use crate::failure::{Failure, Result, differs, ensure};
use crate::program::process_of;
use nix::sys::signal::{Signal, kill};
use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The configuration that the sandbox installs.
pub const CONFIGURATION: &str = "/etc/domlogon/domlogon.toml";
/// The socket for everybody.
pub const SOCKET: &str = "/run/domlogon/socket";
/// The folder of the account database.
pub const DATA: &str = "/var/lib/domlogon";
/// The account database.
pub const DATABASE: &str = "/var/lib/domlogon/accounts.db";

const STDERR: &str = "/var/log/domlogond.stderr";
const NOTIFY: &str = "/run/notify";
const START: Duration = Duration::from_secs(10);

/// A running daemon. Killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Start it with this configuration, and wait until it has notified READY=1.
    ///
    /// # Errors
    /// When it cannot be started, ends at once or is not ready in 10 seconds.
    pub fn start(configuration: &str) -> Result<Daemon> {
        let _ = fs::remove_file(NOTIFY);
        let inbox =
            UnixDatagram::bind(NOTIFY).map_err(Failure::harness("make the notify socket"))?;
        inbox
            .set_read_timeout(Some(Duration::from_millis(20)))
            .map_err(Failure::harness("set the notify socket up"))?;
        let mut daemon = Daemon::launch(configuration)?;
        let end = Instant::now() + START;
        let mut message = [0; 4096];
        loop {
            if let Ok(length) = inbox.recv(&mut message) {
                let text =
                    String::from_utf8_lossy(message.get(..length).unwrap_or_default()).into_owned();
                if text.lines().any(|line| line == "READY=1") {
                    return Ok(daemon);
                }
            }
            if let Some(status) = daemon.ended()? {
                return Err(differs(
                    "domlogond",
                    "READY=1",
                    format!("{status}\n{}", Daemon::said()),
                ));
            }
            ensure(
                Instant::now() < end,
                "domlogond",
                "READY=1 within 10 s",
                Daemon::said(),
            )?;
        }
    }

    /// Start it and do not wait: for one that is expected to refuse.
    ///
    /// # Errors
    /// When the program cannot be started at all.
    pub fn launch(configuration: &str) -> Result<Daemon> {
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(STDERR)
            .map_err(Failure::harness("open the daemon's standard error"))?;
        let child = Command::new("/usr/local/sbin/domlogond")
            .args(["--config", configuration])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("NOTIFY_SOCKET", NOTIFY)
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .current_dir("/")
            .spawn()
            .map_err(Failure::harness("start domlogond"))?;
        Ok(Daemon { child })
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .map_err(Failure::harness("look after domlogond"))
    }

    /// Wait for its end.
    ///
    /// # Errors
    /// When it still runs after `patience`.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            ensure(
                Instant::now() < end,
                "domlogond",
                format!("an end within {patience:?}"),
                Daemon::said(),
            )?;
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stop it as a service manager does (SIGTERM), and wait: it must end cleanly.
    ///
    /// # Errors
    /// When it does not end in 10 seconds, or with a bad status.
    pub fn stop(mut self) -> Result<()> {
        self.signal(Signal::SIGTERM)?;
        let status = self.wait(Duration::from_secs(10))?;
        ensure(
            status.success(),
            "domlogond after SIGTERM",
            "exit status 0",
            status.to_string(),
        )
    }

    /// Kill it as a crash would, and wait until it is gone.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Send it a signal.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(process_of(&self.child), signal)
            .map_err(std::io::Error::from)
            .map_err(Failure::harness("signal domlogond"))
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What all daemons of this sandbox wrote to standard error.
    pub fn said() -> String {
        fs::read_to_string(STDERR).unwrap_or_default()
    }

    /// Remove the database: the next start makes a new domain.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn forget() -> Result<()> {
        let what = "empty the daemon's folder";
        if !Path::new(DATA).exists() {
            return Ok(());
        }
        for entry in fs::read_dir(DATA).map_err(Failure::harness(what))? {
            let entry = entry.map_err(Failure::harness(what))?;
            fs::remove_file(entry.path()).map_err(Failure::harness(what))?;
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
