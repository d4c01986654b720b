//! A real Samba domain controller, driven by the commands of `tests/dc/serve`: its accounts, and
//! everything that can befall it. Nothing here goes through domlogon.

use crate::failure::{Failure, Result, differs};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// The realm.
pub const REALM: &str = "CORP.EXAMPLE";
/// The controller's name.
pub const HOST: &str = "dc1.corp.example";
/// The second name of the same controller, behind a front that can fail alone.
pub const SECOND_HOST: &str = "dc2.corp.example";
/// This host's account in the domain.
pub const COMPUTER: &str = "SANDBOX$";
/// Who may let hosts join.
pub const ADMINISTRATOR: &str = "Administrator";
/// His password.
pub const ADMINISTRATOR_PASSWORD: &str = "Adm1n-Test-Pass";
/// The certificate of the authority that the controller's own is from.
pub const AUTHORITY: &str = "/run/dc/tls/ca.pem";
/// What whoever runs the false twin has set as the passwords of its accounts.
pub const TWIN_PASSWORD: &str = "Tw1n-Passw0rd";

const FOLDER: &str = "/run/dc";
const RESOLVER: &str = "/etc/resolv.conf";
const RESOLVER_TEXT: &str = "nameserver 127.0.0.10
search corp.example
options timeout:1 attempts:1
";
/// For people's own programs; domlogon has its own.
const KERBEROS: &str = "/etc/krb5.conf";
const KERBEROS_TEXT: &str = "[libdefaults]
    default_realm = CORP.EXAMPLE
    rdns = false
";

/// The front of [`SECOND_HOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Passes everything on, this many milliseconds late.
    Open(u32),
    /// Nobody listens.
    Dead,
    /// Takes connections and never answers.
    Frozen,
    /// Leads to the twin for Kerberos and changes of passwords, and else to the true one.
    False,
    /// What is asked of the password service arrives, and its answer does not.
    Mute,
    /// The password service is not there, and everything else is.
    Closed,
}

/// The controller. All clones are the same one; it ends with the last.
#[derive(Clone, Debug)]
pub struct Directory(Arc<Mutex<Pipe>>);

#[derive(Debug)]
struct Pipe {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    looks_at_the_password: Option<bool>,
}

impl Directory {
    /// Make a domain, start its controller, and let this host ask it for names.
    ///
    /// # Errors
    /// When samba is not there or does not come up.
    pub fn start() -> Result<Directory> {
        let what = "start the domain controller";
        let root = std::env::var("DOMLOGON_ROOT").unwrap_or_else(|_| ".".to_owned());
        let mut child = Command::new(format!("{root}/tests/dc/serve"))
            .arg(FOLDER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failure::harness(what))?;
        let (Some(commands), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(differs(what, "two pipes", "none"));
        };
        let directory = Directory(Arc::new(Mutex::new(Pipe {
            child,
            commands,
            answers: BufReader::new(answers),
            looks_at_the_password: None,
        })));
        directory.ask("start", json!({}))?;
        directory.ask("services", json!({}))?;
        for (file, text) in [(RESOLVER, RESOLVER_TEXT), (KERBEROS, KERBEROS_TEXT)] {
            fs::write(file, text).map_err(Failure::harness(what))?;
        }
        Ok(directory)
    }

    /// One command of `tests/dc/serve`.
    ///
    /// # Errors
    /// When it is refused, with the reason.
    pub fn ask(&self, verb: &str, words: Value) -> Result<Value> {
        let what = format!("the domain controller, {verb} {words}");
        let mut words = words;
        if let Some(object) = words.as_object_mut() {
            object.insert("do".to_owned(), verb.into());
        }
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(pipe.commands, "{words}").map_err(Failure::harness(&what))?;
        let mut line = String::new();
        pipe.answers
            .read_line(&mut line)
            .map_err(Failure::harness(&what))?;
        let answer: Value = serde_json::from_str(&line).unwrap_or_default();
        match answer.get("ok") {
            Some(value) => Ok(value.clone()),
            None => Err(differs(what, "done", line)),
        }
    }

    // ------------------------------------------------------------ accounts

    /// A new user.
    ///
    /// # Errors
    /// When the controller refuses.
    pub fn user(&self, name: &str, password: &str) -> Result<()> {
        self.ask("user", json!({"name": name, "password": password}))
            .map(drop)
    }

    /// Settings of a user, by the names that `tests/dc/accounts.py` gives them.
    ///
    /// # Errors
    /// When the controller refuses.
    pub fn set(&self, name: &str, settings: Value) -> Result<()> {
        let mut words = settings;
        if let Some(object) = words.as_object_mut() {
            object.insert("name".to_owned(), name.into());
        }
        self.ask("set", words).map(drop)
    }

    /// Attributes of an object by their names in the directory.
    ///
    /// # Errors
    /// When the controller refuses.
    pub fn attributes(&self, name: &str, attributes: Value) -> Result<()> {
        self.set(name, json!({"attributes": attributes}))
    }

    /// What the controller says of this password: nothing when it is good, or the number of its
    /// refusal, such as "52e" (wrong), "773" (right, and must be changed), "775" (locked).
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn opinion(&self, name: &str, password: &str) -> Result<String> {
        self.opinion_at("127.0.0.10", name, password)
    }

    /// Whether its Kerberos looks at the password before it refuses a disabled account; that
    /// depends on the controller's version.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn looks_at_the_password(&self) -> Result<bool> {
        let pipe = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pipe().looks_at_the_password;
        if let Some(looks) = known {
            return Ok(looks);
        }
        let looks = self.ask("looks", json!({}))? == true;
        pipe().looks_at_the_password = Some(looks);
        Ok(looks)
    }

    /// What the twin beside the true one says of it.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn opinion_of_twin(&self, name: &str, password: &str) -> Result<String> {
        self.opinion_at("127.0.0.12", name, password)
    }

    fn opinion_at(&self, address: &str, name: &str, password: &str) -> Result<String> {
        let words = json!({"name": name, "password": password, "address": address});
        let said = self.ask("bind", words)?;
        Ok(said.as_str().unwrap_or_default().to_owned())
    }

    /// An account as the controller has it.
    ///
    /// # Errors
    /// When there is none.
    pub fn show(&self, name: &str) -> Result<Value> {
        self.ask("show", json!({"name": name}))
    }

    /// Its counter of wrong passwords.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn wrong_passwords(&self, name: &str) -> Result<u64> {
        let shown = self.show(name)?;
        Ok(crate::cli::member(&shown, "bad_password_count")?
            .as_u64()
            .unwrap_or(u64::MAX))
    }

    /// Its security identifier.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn identifier(&self, name: &str) -> Result<String> {
        let shown = self.show(name)?;
        Ok(crate::cli::member(&shown, "sid")?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// A group with these users and groups in it, made if there is none.
    ///
    /// # Errors
    /// When the controller refuses.
    pub fn group(&self, name: &str, members: &[&str]) -> Result<()> {
        self.ask("group", json!({"name": name, "members": members}))
            .map(drop)
    }

    /// The names of all computers.
    ///
    /// # Errors
    /// When the controller cannot tell.
    pub fn computers(&self) -> Result<Vec<String>> {
        let names = self.ask("computers", json!({}))?;
        Ok(serde_json::from_value(names).unwrap_or_default())
    }

    // ------------------------------------------------------------ what befalls it

    /// Kill it, as a power cut would.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&self) -> Result<()> {
        self.ask("stop", json!({})).map(drop)
    }

    /// The true one, running, with the right time: whatever was before.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_again(&self) -> Result<()> {
        self.ask("start", json!({})).map(drop)
    }

    /// Whatever a case has done to it, and did not undo: undone.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn calm(&self) -> Result<()> {
        self.ask("calm", json!({})).map(drop)
    }

    /// Start it with a clock that is this many seconds fast, or slow.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_with_clock(&self, seconds: i64) -> Result<()> {
        self.ask("start", json!({"offset": seconds})).map(drop)
    }

    /// From now on it takes connections and never answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&self) -> Result<()> {
        self.ask("freeze", json!({})).map(drop)
    }

    /// Let it go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn thaw(&self) -> Result<()> {
        self.ask("thaw", json!({})).map(drop)
    }

    /// Put a false twin in its place: same names, addresses, identifiers and accounts, but other
    /// keys; the password of `accounts` is [`TWIN_PASSWORD`] there.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn replace_by_twin(&self, accounts: &[&str]) -> Result<()> {
        self.twin(accounts, json!({}))
    }

    /// Start such a twin beside the true one, for [`Front::False`]; there `expired` must change
    /// their passwords.
    ///
    /// # Errors
    /// When one of the two does not come up.
    pub fn add_twin(&self, accounts: &[&str], expired: &[&str]) -> Result<()> {
        let more = json!({"kerberos_alone": true, "expired": expired});
        self.twin(accounts, more)
    }

    fn twin(&self, accounts: &[&str], more: Value) -> Result<()> {
        let passwords: serde_json::Map<String, Value> = accounts
            .iter()
            .map(|&name| (name.to_owned(), TWIN_PASSWORD.into()))
            .collect();
        let mut hosts = self.computers()?;
        hosts.retain(|name| name != "DC1$");
        let mut words = more;
        if let Some(object) = words.as_object_mut() {
            object.insert("passwords".to_owned(), passwords.into());
            object.insert("hosts".to_owned(), hosts.into());
        }
        self.ask("twin", words).map(drop)
    }

    /// The front of the second name.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn front(&self, front: Front) -> Result<()> {
        let words = match front {
            Front::Open(delay) => json!({"mode": "open", "delay": delay}),
            Front::Dead => json!({"mode": "dead"}),
            Front::Frozen => json!({"mode": "frozen"}),
            Front::False => json!({"mode": "false"}),
            Front::Mute => json!({"mode": "mute"}),
            Front::Closed => json!({"mode": "closed"}),
        };
        self.ask("front", words).map(drop)
    }

    /// Whether Kerberos of the twin was asked about somebody since [`Front::False`] leads there.
    ///
    /// # Errors
    /// When there is no such front.
    pub fn twin_was_asked_about(&self, name: &str) -> Result<bool> {
        Ok(self.ask("heard", json!({"name": name}))? == true)
    }

    /// Whether the DNS knows the second name as one more controller of the domain.
    ///
    /// # Errors
    /// When the controller refuses.
    pub fn second_is_known(&self, present: bool) -> Result<()> {
        self.ask("second", json!({"present": present})).map(drop)
    }

    /// What it has logged so far.
    ///
    /// # Errors
    /// When there is no log.
    pub fn log(&self) -> Result<String> {
        let said = self.ask("log", json!({}))?;
        Ok(crate::cli::member(&said, "text")?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
