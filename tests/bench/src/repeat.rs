//! Running `loop.c`, which does the things that only C can, many times.

use crate::sample::Sample;
use domlogon_tests::{Failure, PASSWORD, Program, Result, differs};
use std::fs;
use std::time::Duration;

/// A stack of one module each, in a folder of its own, both for the service "login".
const STACKS: [(&str, &str); 2] = [("domlogon", "pam_domlogon.so"), ("unix", "pam_unix.so")];

/// Writes the stacks that [`Repeat::logons`] uses.
pub(crate) fn write_stacks() -> Result<()> {
    for (stack, module) in STACKS {
        let folder = folder(stack);
        fs::create_dir_all(&folder).map_err(Failure::harness("make a folder"))?;
        let lines = format!("auth required {module}\naccount required {module}\n");
        // libpam reads "other" too, and complains to syslog at each logon if it is not there.
        for service in ["login", "other"] {
            fs::write(format!("{folder}/{service}"), &lines)
                .map_err(Failure::harness("write a stack"))?;
        }
    }
    Ok(())
}

fn folder(stack: &str) -> String {
    format!("/run/bench/{stack}")
}

/// Many logons.
#[derive(Default)]
pub(crate) struct Logons {
    /// From pam_start to pam_end.
    pub(crate) whole: Sample,
    /// pam_acct_mgmt alone: no hash, the live state.
    pub(crate) account: Sample,
    /// The password hash alone.
    pub(crate) hash: Sample,
    /// The whole without the hash.
    pub(crate) beyond: Sample,
}

/// The program.
pub(crate) struct Repeat<'a>(&'a str);

impl<'a> Repeat<'a> {
    pub(crate) fn new(program: &'a str) -> Self {
        Self(program)
    }

    pub(crate) fn logons(
        &self,
        stack: &str,
        user: &str,
        count: usize,
        hasher: &str,
        logons: &mut Logons,
    ) -> Result<()> {
        let count = count.to_string();
        for line in self.lines(&["logon", &folder(stack), "login", user, &count, hasher])? {
            let [whole, account, hash] = line[..] else {
                return Err(differs("loop logon", "three numbers", format!("{line:?}")));
            };
            logons.whole.add(whole);
            logons.account.add(account);
            logons.hash.add(hash);
            logons.beyond.add(whole - hash);
        }
        Ok(())
    }

    pub(crate) fn look_ups(
        &self,
        call: &str,
        name: &str,
        span: usize,
        count: usize,
    ) -> Result<Sample> {
        let mut sample = Sample::default();
        let lines = self.lines(&[call, name, &span.to_string(), &count.to_string()])?;
        lines
            .into_iter()
            .flatten()
            .for_each(|took| sample.add(took));
        Ok(sample)
    }

    fn lines(&self, arguments: &[&str]) -> Result<Vec<Vec<i64>>> {
        let program = Program::new(self.0)
            .args(arguments)
            .patience(Duration::from_secs(300));
        let output = program.run(format!("{PASSWORD}\n").as_bytes())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = |word: &str| word.parse().ok();
        let line = |line: &str| line.split(' ').map(number).collect();
        let lines: Option<Vec<Vec<i64>>> = text.lines().map(line).collect();
        match lines {
            Some(lines) if output.status.success() => Ok(lines),
            _ => Err(differs(
                program.line(),
                "measurements",
                String::from_utf8_lossy(&output.stderr),
            )),
        }
    }
}
