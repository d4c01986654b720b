//! Real libpam, called by `tests/probe.c` with scripted answers.

use crate::failure::{Failure, Result, differs, ensure, ensure_equal};
use crate::program::{Program, everything};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A folder of services that hold nothing but pam_domlogon.so, so that its own codes come out.
pub const BARE_SERVICES: &str = "/run/bare-pam.d";

/// Write the services of [`BARE_SERVICES`].
///
/// # Errors
/// When they cannot be written.
pub fn write_bare_services() -> Result<()> {
    let what = "write the probe's services";
    fs::create_dir_all(BARE_SERVICES).map_err(Failure::harness(what))?;
    for (name, options) in [
        ("login", ""),
        // libpam complains in the log where this one is missing.
        ("other", ""),
        ("sshd", ""),
        ("gdm-password", ""),
        ("unity", ""),
        ("su", ""),
        ("su-l", ""),
        ("sudo", ""),
        ("passwd", ""),
        ("ftp", ""),
        ("vsftpd", ""),
        ("dovecot", ""),
        ("imap", ""),
        ("samba", ""),
        ("smbd", ""),
        ("http", ""),
        ("httpd", ""),
        ("cron", ""),
        ("swaylock", ""),
        ("common-auth", ""),
        ("screen", ""),
        ("in-house-portal", ""),
        ("once", "retry=1"),
        ("quiet", "quiet"),
        ("first", "use_first_pass"),
        ("unknown-option", "no-such-option=1 debug"),
        ("ignoring", "ignore_unknown_user ignore_authinfo_unavail"),
    ] {
        let text: String = ["auth", "account", "password", "session"]
            .iter()
            .map(|kind| format!("{kind} required pam_domlogon.so {options}\n"))
            .collect();
        fs::write(format!("{BARE_SERVICES}/{name}"), text).map_err(Failure::harness(what))?;
    }
    Ok(())
}

/// A run of the probe, to be.
#[derive(Clone, Debug)]
pub struct Probe {
    service: String,
    user: String,
    folder: Option<String>,
    options: Vec<String>,
    operations: Vec<String>,
    owner: Option<String>,
}

impl Probe {
    /// The service's file is taken from [`BARE_SERVICES`].
    pub fn bare(service: &str, user: &str) -> Probe {
        let mut probe = Probe::stack(service, user);
        probe.folder = Some(BARE_SERVICES.to_owned());
        probe
    }

    /// The service's file is the installed one.
    pub fn stack(service: &str, user: &str) -> Probe {
        Probe {
            service: service.to_owned(),
            user: user.to_owned(),
            folder: None,
            options: Vec::new(),
            operations: Vec::new(),
            owner: None,
        }
    }

    /// The service's file is taken from this folder.
    #[must_use]
    pub fn folder(mut self, folder: &str) -> Probe {
        self.folder = Some(folder.to_owned());
        self
    }

    /// The answer to the next prompt.
    #[must_use]
    pub fn answer(self, text: &str) -> Probe {
        self.option("-a", text)
    }

    /// Run this shell command when the next prompt comes, before it is answered.
    #[must_use]
    pub fn meanwhile(self, command: &str) -> Probe {
        self.option("-a", &format!("!{command}"))
    }

    /// The answer to the next prompt, read from a file when it is wanted: the probe itself has
    /// no copy of it.
    #[must_use]
    pub fn answer_from(self, file: &str) -> Probe {
        self.option("-f", file)
    }

    /// An answer of so many letters.
    #[must_use]
    pub fn long_answer(self, letters: usize) -> Probe {
        self.option("-L", &letters.to_string())
    }

    /// How the conversation behaves: a mode of `tests/probe.c`.
    #[must_use]
    pub fn mode(self, mode: &str) -> Probe {
        self.option("-m", mode)
    }

    /// PAM_RHOST.
    #[must_use]
    pub fn remote(self, host: &str) -> Probe {
        self.option("-r", host)
    }

    /// Run as this user instead of root.
    #[must_use]
    pub fn as_user(mut self, name: &str) -> Probe {
        self.owner = Some(name.to_owned());
        self
    }

    fn option(mut self, name: &str, value: &str) -> Probe {
        self.options.push(name.to_owned());
        self.options.push(value.to_owned());
        self
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if let Some(folder) = &self.folder {
            arguments.extend(["-c".to_owned(), folder.clone()]);
        }
        arguments.extend(self.options.iter().cloned());
        arguments.extend(["--".to_owned(), self.service.clone(), self.user.clone()]);
        arguments.extend(self.operations.iter().cloned());
        arguments
    }

    /// Make these calls, in order, as root; at each "pause" it stands still.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn hold(mut self, operations: &[&str]) -> Result<Held> {
        self.operations = operations.iter().map(|&name| name.to_owned()).collect();
        let child = Command::new("domlogon-probe")
            .args(self.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.map_err(Failure::harness("start the probe"))?;
        let output = child.stdout.take().map(BufReader::new);
        let output = output.ok_or_else(|| differs("the probe", "its output", "none"))?;
        Ok(Held {
            child,
            output,
            text: String::new(),
        })
    }

    /// Make these calls, in order.
    ///
    /// # Errors
    /// When the probe itself crashes or hangs.
    pub fn run(mut self, operations: &[&str]) -> Result<Report> {
        self.operations = operations.iter().map(|&name| name.to_owned()).collect();
        let mut program = Program::new("domlogon-probe").patience(Duration::from_secs(90));
        for argument in self.arguments() {
            program = program.arg(argument);
        }
        if let Some(owner) = &self.owner {
            program = program.as_user(owner)?;
        }
        let output = program.run(b"")?;
        let text = everything(&output);
        // A crash of the module is a crash of the probe: the test that counts most.
        ensure(
            matches!(output.status.code(), Some(0 | 3)),
            format!("the probe, {} {:?}", self.service, self.operations),
            "exit status 0",
            format!("{}\n{text}", output.status),
        )?;
        Ok(Report { text })
    }
}

/// A probe that stands still now and then. Killed when dropped.
#[derive(Debug)]
pub struct Held {
    child: Child,
    output: BufReader<ChildStdout>,
    text: String,
}

impl Held {
    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Wait until it stands still, or has ended. What it printed so far.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stands(&mut self) -> Result<Report> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.output.read_line(&mut line);
            let count = read.map_err(Failure::harness("read the probe's output"))?;
            if count == 0 || line == "pause\n" {
                let text = self.text.clone();
                return Ok(Report { text });
            }
            self.text.push_str(&line);
        }
    }

    /// Let it go on.
    ///
    /// # Errors
    /// When it is gone.
    pub fn go_on(&mut self) -> Result<()> {
        let input = self.child.stdin.as_mut();
        let input = input.ok_or_else(|| differs("the probe", "its input", "none"))?;
        input
            .write_all(b"x")
            .map_err(Failure::harness("let the probe go on"))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the probe printed.
#[derive(Clone, Debug)]
pub struct Report {
    text: String,
}

impl Report {
    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The symbol that an operation returned (its last call), without "PAM_".
    ///
    /// # Errors
    /// When it was never called.
    pub fn code(&self, operation: &str) -> Result<&str> {
        self.returned(operation).map(|(symbol, _)| symbol)
    }

    /// How long an operation took.
    ///
    /// # Errors
    /// When it was never called.
    pub fn took(&self, operation: &str) -> Result<Duration> {
        self.returned(operation).map(|(_, took)| took)
    }

    /// How long an operation took, to the microsecond.
    ///
    /// # Errors
    /// When it was never called.
    pub fn took_exactly(&self, operation: &str) -> Result<Duration> {
        self.returned(operation)?;
        let begin = format!("return {operation} ");
        let line = self
            .text
            .lines()
            .rev()
            .find(|line| line.starts_with(&begin));
        let word = line.and_then(|line| line.rsplit(' ').next());
        let number = word.and_then(|word| word.parse().ok());
        Ok(Duration::from_micros(number.unwrap_or_default()))
    }

    /// All of it but how long things took and the references, which are never the same, with
    /// `name` written as NAME: two that are equal told whoever saw them the same.
    pub fn told(&self, name: &str) -> String {
        let mut told = String::new();
        for line in self.text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["return", operation, code, ..] => {
                    told.push_str(&format!("return {operation} {code}\n"));
                }
                // libpam makes each a little longer or shorter by chance.
                ["delay", ..] => told.push_str("delay\n"),
                _ => {
                    told.push_str(&without_reference(&line.replace(name, "NAME")));
                    told.push('\n');
                }
            }
        }
        told
    }

    fn returned(&self, operation: &str) -> Result<(&str, Duration)> {
        self.text
            .lines()
            .rev()
            .find_map(|line| {
                let mut words = line.split(' ');
                (words.next() == Some("return") && words.next() == Some(operation)).then_some(())?;
                let symbol = words.nth(1)?;
                let took = words.next()?.parse().ok()?;
                Some((symbol, Duration::from_millis(took)))
            })
            .ok_or_else(|| differs("the probe", format!("a return of {operation}"), &*self.text))
    }

    /// An operation must have returned this symbol.
    ///
    /// # Errors
    /// When it returned another.
    pub fn returns(&self, operation: &str, symbol: &str) -> Result<&Report> {
        ensure_equal(
            format!("{operation}, in\n{}", self.text),
            self.code(operation)?,
            symbol,
        )?;
        Ok(self)
    }

    /// The texts of one kind: "error", "info", "prompt off".
    pub fn texts<'a>(&'a self, kind: &'a str) -> Vec<&'a str> {
        self.text
            .lines()
            .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
            .collect()
    }

    /// There must be exactly one error, and these words in it; an empty text: no error at all.
    ///
    /// # Errors
    /// When it is otherwise.
    pub fn says(&self, words: &str) -> Result<&Report> {
        let errors = self.texts("error");
        let good = match errors.as_slice() {
            [] => words.is_empty(),
            [one] => !words.is_empty() && one.contains(words),
            _ => false,
        };
        ensure(
            good,
            "the errors shown",
            format!("one with {words:?}"),
            &*self.text,
        )?;
        Ok(self)
    }

    /// No prompt was shown.
    ///
    /// # Errors
    /// When one was.
    pub fn asks_nothing(&self) -> Result<&Report> {
        let prompts = self.text.lines().filter(|line| line.starts_with("prompt"));
        ensure(prompts.count() == 0, "prompts", "none", &*self.text)?;
        Ok(self)
    }
}

/// "(ref ABCDEF)" as "(ref)".
fn without_reference(line: &str) -> String {
    const MARK: &str = "(ref ";
    match line.split_once(MARK) {
        Some((before, rest)) => {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            format!("{before}(ref){after}")
        }
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let report = Report {
            text: "prompt off Password: \nerror No way.\nreturn auth 7 AUTH_ERR 12\nreturn acct 0 SUCCESS 3\n"
                .to_owned(),
        };
        assert_eq!(report.code("auth").unwrap(), "AUTH_ERR");
        assert_eq!(report.took("acct").unwrap(), Duration::from_millis(3));
        assert!(report.code("setcred").is_err());
        assert!(report.says("No way").is_ok());
        assert!(report.says("").is_err());
        assert!(report.asks_nothing().is_err());
        assert!(report.returns("auth", "SUCCESS").is_err());
        assert_eq!(report.texts("prompt off"), ["Password: "]);
    }
}
