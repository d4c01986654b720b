//! Callers who mean harm: `tests/tools/caller.rs`, run as users of this host without any right.

use crate::failure::{Failure, Result, differs, ensure};
use crate::program::Program;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Once;

/// Where everybody may run it.
pub const PROGRAM: &str = "/run/caller";

/// The same, and whoever runs it becomes root.
pub const SET_UID: &str = "/run/caller-as-root";

/// A running attack. Ended when dropped.
#[derive(Debug)]
pub struct Caller {
    child: Child,
}

impl Caller {
    /// Begin an attack as the user of this id, for some seconds at most.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(uid: u32, attack: &str, socket: &str, seconds: u64) -> Result<Caller> {
        install()?;
        let child = Command::new("setpriv")
            .args([&format!("--reuid={uid}"), &format!("--regid={uid}")])
            .args([
                "--clear-groups",
                PROGRAM,
                attack,
                socket,
                &seconds.to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failure::harness("start a caller"))?;
        Ok(Caller { child })
    }

    /// Wait until it says something.
    ///
    /// # Errors
    /// When it ends without a word.
    pub fn line(&mut self) -> Result<String> {
        let output = self.child.stdout.as_mut();
        let output = output.ok_or_else(|| differs("a caller", "its output", "none"))?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .map_err(Failure::harness("listen to a caller"))?;
        ensure(!line.is_empty(), "a caller", "a word", "nothing")?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Run it to its end as the user of this id; what it said.
///
/// # Errors
/// When it cannot be run.
pub fn run(uid: u32, arguments: &[&str]) -> Result<String> {
    install()?;
    let output = Program::new("setpriv")
        .args(&[&format!("--reuid={uid}"), &format!("--regid={uid}")])
        .args(&["--clear-groups", PROGRAM])
        .args(arguments)
        .run(b"")?;
    Ok(crate::program::everything(&output).trim_end().to_owned())
}

/// The built files may lie where only root comes.
fn install() -> Result<()> {
    static ONCE: Once = Once::new();
    let mut result = Ok(());
    ONCE.call_once(|| result = copy());
    result
}

fn copy() -> Result<()> {
    let what = "make the callers' program everybody's";
    let suites = std::env::current_exe().map_err(Failure::harness(what))?;
    let built = suites.with_file_name("sandbox-caller");
    for (path, mode) in [(PROGRAM, 0o755), (SET_UID, 0o4755)] {
        fs::copy(&built, path).map_err(Failure::harness(what))?;
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Failure::harness(what))?;
    }
    Ok(())
}
