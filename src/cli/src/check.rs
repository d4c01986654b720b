//! `domlogon check`: the daemon's own program judges a configuration.

use crate::answer::{Answer, Exit};
use crate::arguments::Check;
use crate::error::Error;
use serde_json::json;
use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const PROGRAM: &str = "domlogond";

/// Runs `domlogond --check FILE`. What it writes goes on to the caller as it is; in JSON
/// it is the value `text`.
pub(crate) fn run(arguments: &Check, as_json: bool) -> Result<Answer, Error> {
    let program = program()?;
    let mut command = Command::new(&program);
    command
        .arg("--check")
        .arg(&arguments.file)
        .stdin(Stdio::null());
    let failed = |error| Error::Run(program.clone(), error);
    let (status, text) = if as_json {
        let output = command.output().map_err(failed)?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status, text)
    } else {
        (command.status().map_err(failed)?, String::new())
    };
    // Ended by a signal: nobody judged the file.
    let exit = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(Exit::CouldNotTell, Exit::As);
    let json = json!({
        "file": arguments.file.to_string_lossy(),
        "good": status.success(),
        "text": text.trim_end(),
    });
    Ok(Answer::yes(String::new(), &json).with(exit))
}

/// The daemon that was installed with this command, or else the system's.
fn program() -> Result<PathBuf, Error> {
    let beside = env::current_exe()
        .ok()
        .and_then(|own| own.parent().map(PathBuf::from));
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let places: Vec<PathBuf> = beside.into_iter().chain(system).collect();
    let path = env::var_os("PATH").unwrap_or_default();
    places
        .iter()
        .cloned()
        .chain(env::split_paths(&path))
        .map(|place| place.join(PROGRAM))
        .find(|program| program.is_absolute() && program.is_file())
        .ok_or(Error::NoDaemonProgram(places))
}
