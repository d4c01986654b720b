//! `domlogon-tickets`: puts a person's tickets into his credential cache, renews and removes them.
//!
//! The PAM module runs it as root. It becomes the person for good before it touches anything, so that no file, no
//! link and no name of a cache can be used to reach what is not his. The credentials come over stdin.
//!
//! Floor 2 of the house.
#![forbid(unsafe_code)]

mod arguments;
mod cache_name;
mod destroy;
mod error;
mod file_cache;
mod input;
mod kdc;
mod person;
mod renew;
mod schedule;
mod store;

use arguments::{Arguments, Verb};
use error::Error;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "domlogon-tickets: {error}");
            log(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let given: Vec<_> = std::env::args_os().skip(1).collect();
    if std::env::vars_os().next().is_some() {
        // The library listens to KRB5_TRACE and others. Started again, there is nothing to listen to.
        return Err(Error::Start(
            Command::new("/proc/self/exe")
                .args(given)
                .env_clear()
                .exec(),
        ));
    }
    let Some(arguments) = Arguments::parse(given)? else {
        return print(arguments::HELP);
    };
    match arguments.verb {
        Verb::Store => print(&format!("{}\n", store::run(&arguments)?)),
        // The PAM module waits for the word: it cannot rely on the exit status.
        Verb::Renew => renew::launch(&arguments).and_then(|()| print("ok\n")),
        Verb::Stay => renew::stay(&arguments),
        Verb::Destroy => destroy::run(&arguments),
    }
}

/// To the PAM module's log: it gives this program no standard error. Waits for nobody.
fn log(error: &Error) {
    /// LOG_AUTHPRIV and LOG_ERR, as the module has it.
    const PRIORITY: u8 = 83;
    /// Most characters: paths and the library's words are not ours.
    const LONGEST: usize = 1024;
    let line: String = format!("{error}")
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .take(LONGEST)
        .collect();
    let line = format!(
        "<{PRIORITY}>domlogon-tickets[{}]: {line}",
        std::process::id()
    );
    if let Ok(socket) = UnixDatagram::unbound() {
        if socket.set_nonblocking(true).is_ok() {
            let _ = socket.send_to(line.as_bytes(), "/dev/log");
        }
    }
}

fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Error::Output)
}
