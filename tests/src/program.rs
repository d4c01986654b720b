//! A program to be run: on a terminal ([`Program::on_terminal`]) or with pipes
//! ([`Program::run`]), as root or as somebody else.

use crate::failure::{Failure, Result, differs};
use crate::pty::Pty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, User};
use std::fs;
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A program, its arguments, and as whom it runs.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    owner: Option<(Uid, Gid)>,
    patience: Duration,
}

impl Program {
    /// A program found through PATH, run by root with a clean environment.
    pub fn new(name: &str) -> Program {
        Program {
            name: name.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            owner: None,
            patience: Duration::from_secs(15),
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Program {
        self.arguments.push(argument.into());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args(mut self, arguments: &[&str]) -> Program {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// A variable for its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Program {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// How long it may be silent, or run, before that is a failure.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Program {
        self.patience = patience;
        self
    }

    /// Run as this user, with his groups. The name is looked up now, through NSS.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn as_user(mut self, name: &str) -> Result<Program> {
        let user = User::from_name(name)
            .map_err(|errno| differs("getpwnam", name, errno.to_string()))?
            .ok_or_else(|| differs("getpwnam", name, "no such user"))?;
        self.owner = Some((user.uid, user.gid));
        Ok(self
            .env("HOME", &user.dir.to_string_lossy())
            .env("USER", name)
            .env("LOGNAME", name))
    }

    /// Its name and arguments, for messages. No secret is ever an argument here.
    pub fn line(&self) -> String {
        let mut line = self.name.clone();
        for argument in &self.arguments {
            line.push(' ');
            line.push_str(argument);
        }
        line
    }

    /// Start it on a terminal of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn on_terminal(&self) -> Result<Pty> {
        // setsid makes the terminal the controlling one; without a fork, so that the exit
        // status is the program's.
        let mut command = Command::new("setsid");
        command.arg("--ctty");
        self.complete(&mut command);
        Pty::spawn(
            command,
            self.line(),
            self.owner.map(|(uid, _)| uid.as_raw()),
            self.patience,
        )
    }

    /// Run it without a terminal: `input` on its standard input, output collected.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time; a bad exit status is no error.
    pub fn run(&self, input: &[u8]) -> Result<Output> {
        let mut command = Command::new("setsid");
        command.arg("--wait");
        self.complete(&mut command);
        let what = format!("run {}", self.line());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Failure::harness(&what))?;
        let process = process_of(&child);
        let stdin = child.stdin.take();
        let input = input.to_vec();
        // A writer of its own: a program that prints much before it reads must not block us.
        let writer = thread::spawn(move || {
            if let Some(mut stdin) = stdin {
                // A program that does not want its input closes the pipe; that is its right.
                let _ = stdin.write_all(&input);
            }
        });
        let waiter = thread::spawn(move || child.wait_with_output());
        let end = Instant::now() + self.patience;
        while !waiter.is_finished() {
            if Instant::now() > end {
                let _ = kill(process, Signal::SIGKILL);
                return Err(Failure::Running {
                    program: self.line(),
                    transcript: String::new(),
                });
            }
            thread::sleep(Duration::from_millis(2));
        }
        let _ = writer.join();
        waiter
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("the waiting thread panicked")))
            .map_err(Failure::harness(what))
    }

    fn complete(&self, command: &mut Command) {
        if let Some((uid, gid)) = self.owner {
            command.args([
                "setpriv",
                &format!("--reuid={uid}"),
                &format!("--regid={gid}"),
                "--init-groups",
                "--",
            ]);
        }
        command
            .arg(&self.name)
            .args(&self.arguments)
            .current_dir("/")
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("TERM", "dumb")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .envs(self.environment.iter().cloned());
    }
}

/// Standard output and standard error of a run, for messages and searches.
pub fn everything(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// The ids of all processes in here whose programs are called one of these names.
///
/// # Errors
/// When the kernel does not tell.
pub fn processes_called(names: &[&str]) -> Result<Vec<u32>> {
    let what = "list the processes";
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").map_err(Failure::harness(what))? {
        let name = entry.map_err(Failure::harness(what))?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has ended meanwhile has no name.
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        if names.contains(&name.trim_end()) {
            found.push(process);
        }
    }
    Ok(found)
}

/// The process id of a child, for signals.
pub fn process_of(child: &Child) -> Pid {
    // The kernel's limit is 2^22; pid 1, should that ever change, does not die of our signals.
    Pid::from_raw(i32::try_from(child.id()).unwrap_or(1))
}
