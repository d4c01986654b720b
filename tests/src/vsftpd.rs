//! A real vsftpd on a loopback port: a service that cannot ask anything but a name and a
//! password. With it a small client, which shows what the server answered to each line.

use crate::failure::{Failure, Result, differs, ensure};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const CONFIGURATION: &str = "/etc/test-vsftpd.conf";
const EMPTY: &str = "/run/vsftpd/empty";
/// A refused logon is answered after the delays of vsftpd and of PAM.
const PATIENCE: Duration = Duration::from_secs(15);

/// The answer of an FTP server to a password that opens the account.
pub const LOGGED_IN: u16 = 230;
/// The answer to one that does not, whatever the reason.
pub const NOT_LOGGED_IN: u16 = 530;

/// A running vsftpd. Killed when dropped.
#[derive(Debug)]
pub struct Vsftpd {
    child: Child,
    port: u16,
}

impl Vsftpd {
    /// Start it for the users of the system, with PAM as service "vsftpd".
    ///
    /// # Errors
    /// When it does not listen within 5 seconds.
    pub fn start() -> Result<Vsftpd> {
        let what = "start vsftpd";
        fs::create_dir_all(EMPTY).map_err(Failure::harness(what))?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(Failure::harness("find a free port"))?
            .port();
        let configuration = format!(
            "listen=YES\nlisten_ipv6=NO\nlisten_address=127.0.0.1\nlisten_port={port}\n\
             background=NO\nanonymous_enable=NO\nlocal_enable=YES\npam_service_name=vsftpd\n\
             secure_chroot_dir={EMPTY}\nxferlog_enable=NO\n"
        );
        fs::write(CONFIGURATION, configuration).map_err(Failure::harness(what))?;
        let child = Command::new("/usr/sbin/vsftpd")
            .arg(CONFIGURATION)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Failure::harness(what))?;
        let mut server = Vsftpd { child, port };
        let end = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let gone = server.child.try_wait().map_err(Failure::harness(what))?;
            ensure(
                gone.is_none() && Instant::now() < end,
                "vsftpd",
                "listening",
                format!("{gone:?}"),
            )?;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Connect, and give a name and a password.
    ///
    /// # Errors
    /// When the server does not speak FTP; a refusal is no error.
    pub fn log_on(&self, user: &str, password: &str) -> Result<Ftp> {
        let what = "connect to vsftpd";
        let stream =
            TcpStream::connect(("127.0.0.1", self.port)).map_err(Failure::harness(what))?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(Failure::harness(what))?;
        let mut ftp = Ftp {
            server: BufReader::new(stream),
            transcript: String::new(),
            logon: 0,
        };
        ftp.reply()?;
        ftp.say(&format!("USER {user}"))?;
        ftp.logon = ftp.say(&format!("PASS {password}"))?;
        Ok(ftp)
    }
}

impl Drop for Vsftpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection of an FTP client.
#[derive(Debug)]
pub struct Ftp {
    server: BufReader<TcpStream>,
    transcript: String,
    logon: u16,
}

impl Ftp {
    /// The answer to name and password must have been this one.
    ///
    /// # Errors
    /// When it was another.
    pub fn answered(&self, code: u16) -> Result<&Ftp> {
        ensure(
            self.logon == code,
            "the logon to vsftpd",
            code.to_string(),
            &*self.transcript,
        )?;
        Ok(self)
    }

    /// Where the user is: the answer to PWD must be his home.
    ///
    /// # Errors
    /// When it is not.
    pub fn is_in(&mut self, folder: &str) -> Result<()> {
        let code = self.say("PWD")?;
        let inside = code == 257 && self.transcript.contains(&format!("\"{folder}\""));
        ensure(inside, "PWD", folder, &*self.transcript)
    }

    /// Send a line and read the answer to it.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn say(&mut self, line: &str) -> Result<u16> {
        self.server
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .map_err(Failure::harness("speak to vsftpd"))?;
        // No password in a message, not even that of a test account.
        let shown = line
            .split_once(' ')
            .map_or(line, |(verb, rest)| match verb {
                "PASS" => "PASS ...",
                _ if rest.is_empty() => verb,
                _ => line,
            });
        self.transcript.push_str(&format!("> {shown}\n"));
        self.reply()
    }

    /// The code of an answer, after its last line ("230 …"; "230-…" is followed by more).
    fn reply(&mut self) -> Result<u16> {
        loop {
            let mut line = String::new();
            let length = self
                .server
                .read_line(&mut line)
                .map_err(Failure::harness("listen to vsftpd"))?;
            self.transcript.push_str(&format!("< {line}"));
            let code = line.get(..3).and_then(|code| code.parse().ok());
            match (code, line.as_bytes().get(3)) {
                (Some(code), Some(b' ')) => return Ok(code),
                _ if length > 0 => {}
                _ => {
                    return Err(differs(
                        "vsftpd",
                        "an answer",
                        format!("{}the end", self.transcript),
                    ));
                }
            }
        }
    }
}
