//! domlogond, started as a service manager would: as its own user without any privilege, and
//! ready when it says so. With `DOMLOGON_DAEMON_USER=root` it runs as root, as by hand.

use crate::failure::{Failure, Result, differs, ensure};
use crate::program::process_of;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{User, chown};
use std::fs::{self, File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The configuration that the sandbox installs.
pub const CONFIGURATION: &str = "/etc/domlogon/domlogon.toml";
/// The socket for everybody.
pub const SOCKET: &str = "/run/domlogon/socket";
/// The socket for root and the administrators.
pub const ADMIN_SOCKET: &str = "/run/domlogon/admin";
/// The folder of the account database.
pub const DATA: &str = "/var/lib/domlogon";
/// The account database.
pub const DATABASE: &str = "/var/lib/domlogon/accounts.db";

/// The folder of the sockets.
pub const RUN: &str = "/run/domlogon";

const PROGRAM: &str = "/usr/local/sbin/domlogond";
const STDERR: &str = "/var/log/domlogond.stderr";
const NOTIFY: &str = "/run/notify";
const START: Duration = Duration::from_secs(10);

/// The user that the daemon runs as.
pub fn user() -> String {
    std::env::var("DOMLOGON_DAEMON_USER").unwrap_or_else(|_| "domlogon".to_owned())
}

/// The daemon's two sockets, made and held as by a service manager that has not started it
/// yet, or starts it again. Gone when dropped.
#[derive(Debug)]
pub struct Sockets([UnixListener; 2]);

impl Sockets {
    /// Listen. The daemon must not run.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn listen() -> Result<Sockets> {
        own_folders()?;
        let make = |name: &str| {
            let path = format!("{RUN}/{name}");
            let _ = fs::remove_file(&path);
            let listener = UnixListener::bind(&path)?;
            fs::set_permissions(&path, Permissions::from_mode(0o666))?;
            Ok(listener)
        };
        let made = |name| make(name).map_err(Failure::harness("listen for the daemon"));
        Ok(Sockets([made("socket")?, made("admin")?]))
    }

    /// Start a daemon for whoever connects, and wait until it is ready.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub fn start(&self, configuration: &str) -> Result<Daemon> {
        Daemon::get_ready(|| Daemon::spawn(&[], &[], configuration, Some(self)))
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        for name in ["socket", "admin"] {
            let _ = fs::remove_file(format!("{RUN}/{name}"));
        }
    }
}

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
        Daemon::start_with(configuration, &[])
    }

    /// Start it with these variables in its environment, and wait as [`Daemon::start`] does.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub fn start_with(configuration: &str, environment: &[(&str, &str)]) -> Result<Daemon> {
        Daemon::get_ready(|| Daemon::launch_with(configuration, environment))
    }

    fn get_ready(launch: impl FnOnce() -> Result<Daemon>) -> Result<Daemon> {
        let _ = fs::remove_file(NOTIFY);
        let inbox =
            UnixDatagram::bind(NOTIFY).map_err(Failure::harness("make the notify socket"))?;
        fs::set_permissions(NOTIFY, Permissions::from_mode(0o666))
            .map_err(Failure::harness("open the notify socket to the daemon"))?;
        inbox
            .set_read_timeout(Some(Duration::from_millis(20)))
            .map_err(Failure::harness("set the notify socket up"))?;
        let mut daemon = launch()?;
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
        Daemon::launch_with(configuration, &[])
    }

    /// The same with these variables in its environment.
    ///
    /// # Errors
    /// As [`Daemon::launch`].
    pub fn launch_with(configuration: &str, environment: &[(&str, &str)]) -> Result<Daemon> {
        own_folders()?;
        Daemon::spawn(&[], environment, configuration, None)
    }

    /// Start it as by [`start`](Daemon::start), by another program.
    ///
    /// # Errors
    /// As [`start`](Daemon::start).
    pub fn start_by(launcher: &[&str], configuration: &str) -> Result<Daemon> {
        own_folders()?;
        Daemon::get_ready(|| Daemon::spawn(launcher, &[], configuration, None))
    }

    fn spawn(
        launcher: &[&str],
        environment: &[(&str, &str)],
        configuration: &str,
        sockets: Option<&Sockets>,
    ) -> Result<Daemon> {
        /// The sockets come as standard input and output, and leave as what sd_listen_fds(3)
        /// expects. Without them there are none to hand over.
        const SHELL: &str = "if [ \"$1\" = 2 ]; then
                exec 3<&0 4<&1 </dev/null >/dev/null
                export LISTEN_FDS=2 LISTEN_PID=$$
            fi
            shift
            exec \"$@\"";
        let what = "start domlogond";
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(STDERR)
            .map_err(Failure::harness("open the daemon's standard error"))?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SHELL, "sh"]);
        command.arg(if sockets.is_some() { "2" } else { "0" });
        command.args(launcher);
        if user() != "root" {
            command.args(["setpriv", "--reuid", &user(), "--regid", &user()]);
            command.args(["--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]);
            command.arg("--no-new-privs");
        }
        command
            .args([PROGRAM, "--config", configuration])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("NOTIFY_SOCKET", NOTIFY)
            .env("TZ", "UTC")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .current_dir("/");
        if let Some(Sockets([main, admin])) = sockets {
            let fd = |socket: &UnixListener| socket.try_clone().map(OwnedFd::from);
            command.stdin(fd(main).map_err(Failure::harness(what))?);
            command.stdout(fd(admin).map_err(Failure::harness(what))?);
        }
        let child = command.spawn().map_err(Failure::harness(what))?;
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

/// The two folders are the daemon's, with all that is in them: what a service manager does
/// for StateDirectory= and RuntimeDirectory=.
fn own_folders() -> Result<()> {
    let name = user();
    let owner = User::from_name(&name)
        .ok()
        .flatten()
        .ok_or_else(|| differs("the daemon's user", &*name, "no such user"))?;
    let what = "give the daemon its folders";
    for folder in [DATA, RUN] {
        fs::create_dir_all(folder).map_err(Failure::harness(what))?;
        let found = fs::metadata(folder).map_err(Failure::harness(what))?;
        if found.uid() == owner.uid.as_raw() {
            continue;
        }
        let mut paths = vec![folder.into()];
        for entry in fs::read_dir(folder).map_err(Failure::harness(what))? {
            paths.push(entry.map_err(Failure::harness(what))?.path());
        }
        for path in paths {
            chown(&path, Some(owner.uid), Some(owner.gid))
                .map_err(std::io::Error::from)
                .map_err(Failure::harness(what))?;
        }
    }
    Ok(())
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
