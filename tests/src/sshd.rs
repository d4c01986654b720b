//! A real sshd on a loopback port, and the client for it.

use crate::failure::{Failure, Result, differs, ensure};
use crate::program::Program;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const LOG: &str = "/var/log/sshd.stderr";
const KEYS: &str = "/etc/ssh/test-keys";
const CONFIGURATION: &str = "/etc/ssh/test-sshd-config";

/// How the client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The password method: no dialogue.
    Password,
    /// Keyboard-interactive: PAM's own dialogue.
    Dialogue,
    /// A key; see [`Sshd::accept_key`].
    Key,
}

/// A running sshd. Killed when dropped.
#[derive(Debug)]
pub struct Sshd {
    child: Child,
    port: u16,
}

impl Sshd {
    /// Start it, with PAM and all three methods.
    ///
    /// # Errors
    /// When it does not listen within 5 seconds.
    pub fn start() -> Result<Sshd> {
        let what = "start sshd";
        fs::create_dir_all(KEYS).map_err(Failure::harness(what))?;
        for key in ["/etc/ssh/test-host-key", "/root/test-key"] {
            if fs::metadata(key).is_err() {
                let output = Program::new("ssh-keygen")
                    .args(&["-q", "-t", "ed25519", "-N", "", "-f", key])
                    .run(b"")?;
                ensure(output.status.success(), "ssh-keygen", "a key", key)?;
            }
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(Failure::harness("find a free port"))?
            .port();
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey /etc/ssh/test-host-key\n\
             UsePAM yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication yes\n\
             PubkeyAuthentication yes\nPermitRootLogin yes\nAuthorizedKeysFile {KEYS}/%u\n\
             PidFile none\nPrintMotd no\nUseDNS no\nLogLevel VERBOSE\nMaxAuthTries 6\n"
        );
        // Newer ones shut a client out for some time whose logons fail; here that is all we do.
        let patient = format!("{configuration}PerSourcePenalties no\n");
        fs::write(CONFIGURATION, patient).map_err(Failure::harness(what))?;
        let check = Program::new("/usr/sbin/sshd").args(&["-t", "-f", CONFIGURATION]);
        if !check.run(b"")?.status.success() {
            fs::write(CONFIGURATION, &configuration).map_err(Failure::harness(what))?;
        }
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(LOG)
            .map_err(Failure::harness(what))?;
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f", CONFIGURATION])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(Failure::harness(what))?;
        let mut sshd = Sshd { child, port };
        let end = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let gone = sshd.child.try_wait().map_err(Failure::harness(what))?;
            if gone.is_some() || Instant::now() > end {
                return Err(differs("sshd", "listening", Sshd::said()));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(sshd)
    }

    /// Let the client's key in as this user.
    ///
    /// # Errors
    /// When the key cannot be copied.
    pub fn accept_key(&self, user: &str) -> Result<()> {
        fs::copy("/root/test-key.pub", format!("{KEYS}/{user}"))
            .map(drop)
            .map_err(Failure::harness("accept a key"))
    }

    /// The client, to run `command` as `user` on this sshd; without one, a shell.
    pub fn client(&self, user: &str, method: Method, command: &str) -> Program {
        let preferred = match method {
            Method::Password => "PreferredAuthentications=password",
            Method::Dialogue => "PreferredAuthentications=keyboard-interactive",
            Method::Key => "PreferredAuthentications=publickey",
        };
        let mut program = Program::new("ssh").arg("-F").arg("/dev/null");
        for option in [
            preferred,
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            // Below this level the client hides what sshd tells after a refusal.
            "LogLevel=INFO",
            "NumberOfPasswordPrompts=1",
            "IdentitiesOnly=yes",
            "IdentityFile=/root/test-key",
        ] {
            program = program.arg("-o").arg(option);
        }
        program = program
            .arg("-p")
            .arg(self.port.to_string())
            .arg("-l")
            .arg(user)
            .env("HOME", "/root");
        if command.is_empty() {
            program.arg("-t").arg("127.0.0.1")
        } else {
            program.arg("127.0.0.1").arg(command)
        }
    }

    /// What it wrote to standard error.
    pub fn said() -> String {
        fs::read_to_string(LOG).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
