//! domlogond: answers this host's questions about the accounts of the domain.
//!
//! `config` is what it is told, `sockets` and `server` how it is asked, `desk` what it
//! answers, `rights` by which lists, `backend` where it looks, `publish` what programs need
//! not ask. `run` puts them together.
#![forbid(unsafe_code)]

mod arguments;
mod backend;
mod check;
mod clock;
mod config;
mod confine;
mod desk;
mod directory;
mod error;
mod excerpt;
#[doc(hidden)]
pub mod fuzzed;
mod history;
mod home;
mod host;
mod listing;
mod local;
mod log;
#[cfg(test)]
mod manual;
mod pace;
mod publish;
mod record;
mod rights;
mod seats;
mod server;
mod sockets;
mod subordinate;
mod watchdog;

use crate::arguments::Command;
use crate::config::Config;
use crate::confine::Needs;
use crate::desk::Desk;
use crate::error::Error;
use crate::home::Home;
use crate::local::Local;
use crate::log::{Level, Log};
use crate::publish::Publisher;
use crate::rights::{RightsFile, Watch};
use crate::seats::Bounds;
use crate::server::{Server, Times};
use crate::sockets::Sockets;
use crate::subordinate::Subordinates;
use crate::watchdog::Watchdog;
use domlogon_protocol::admin::Confined;
use domlogon_rules::LocalNames;
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// What the first publication of the names may hold up the start.
const SOON: Duration = Duration::from_secs(1);

/// The program: what its arguments ask for, until it ends.
pub fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => print(arguments::HELP.trim_end()),
        Ok(Command::Version) => print(concat!("domlogond ", env!("CARGO_PKG_VERSION"))),
        Ok(Command::Check(file)) => check(&file),
        Ok(Command::Run { config, sockets }) => {
            let log = Arc::new(Log::system());
            match run(&config, &sockets, &log) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    log.write(Level::Error, &format!("not started: {error}"));
                    fail(&format!("domlogond: {error:#}"), ExitCode::FAILURE)
                }
            }
        }
        Err(error) => fail(&format!("domlogond: {error}"), ExitCode::from(2)),
    }
}

fn check(file: &Path) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for answer in check::check(file) {
        match answer {
            Ok(right) => drop(print(&right.to_string())),
            Err(wrong) => code = fail(&format!("{wrong:#}"), ExitCode::FAILURE),
        }
    }
    code
}

fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

fn fail(text: &str, code: ExitCode) -> ExitCode {
    eprintln!("{text}");
    code
}

/// Runs until a signal ends it.
fn run(file: &Path, folder: &Path, log: &Arc<Log>) -> Result<(), Error> {
    die_of_panics(log);
    domlogon_heap::keep_little();
    let given = Sockets::given().map_err(Error::Socket)?;
    let is_the_one = given.is_some();
    let ended = serve(given, file, folder, log);
    if ended.is_err() && is_the_one {
        publish::leave(folder);
    }
    ended
}

fn serve(given: Option<Sockets>, file: &Path, folder: &Path, log: &Arc<Log>) -> Result<(), Error> {
    host::close_up().map_err(Error::CloseUp)?;
    let open_files = host::open_files().map_err(|errno| Error::System(errno.into()))?;
    // From here on a signal waits until all is ready for it.
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(Error::System)?;
    let config = Config::read(file).map_err(Error::Config)?;
    let of_this_host = Arc::new(Local::of_this_host(Arc::clone(log)));
    let local = Arc::clone(&of_this_host) as Arc<dyn LocalNames>;
    let rights_file = rights_file(file);
    if given.is_none() {
        sockets::make_folder(folder).map_err(Error::Socket)?;
    }
    let needs = Needs {
        file,
        rights: &rights_file,
        config: &config,
        run: folder,
    };
    let confined = confine(&needs, log);
    let home = Home::open(&config, folder, Arc::clone(&local), log)?;
    let sockets = match given {
        Some(given) => given,
        None => Sockets::open(folder).map_err(Error::Socket)?,
    };
    let host = host::names(&config);
    let rights = Arc::new(RightsFile::open(
        rights_file,
        config.database.with_file_name("rights.last-good.json"),
        home.backend(),
        Arc::clone(&local),
        Arc::clone(log),
    ));
    home.tell(&rights);
    let own = Arc::clone(&of_this_host);
    let publisher =
        Publisher::start(home.roster(), folder, own, Arc::clone(log)).map_err(Error::System)?;
    let desk = Arc::new(Desk::new(
        home.backend(),
        local,
        Arc::clone(log),
        Arc::clone(&rights),
        config,
        host,
    ));
    desk.is_confined(confined);
    desk.tell(Arc::clone(&publisher));
    let server = Server::start(
        sockets,
        Arc::clone(&desk),
        Arc::clone(log),
        Subordinates::of_this_host(Arc::clone(&of_this_host)),
        Bounds::within(open_files),
        Times::default(),
    )
    .map_err(Error::System)?;
    let watch = Watch::start(Arc::clone(&rights)).map_err(Error::System)?;
    let locals = publish::Watch::start(Arc::clone(&publisher)).map_err(Error::System)?;
    let watchdog = Watchdog::start(&desk, log).map_err(Error::System)?;
    log.write(
        Level::Notice,
        concat!("started: version ", env!("CARGO_PKG_VERSION")),
    );
    // Many accounts take longer; programs ask meanwhile.
    publisher.wait(SOON);
    tell_systemd(&[NotifyState::Ready]);
    for signal in signals.forever() {
        if signal != SIGHUP {
            break;
        }
        reload(file, &desk, &home, &rights, log);
    }
    tell_systemd(&[NotifyState::Stopping]);
    watch.stop();
    locals.stop();
    let finished = server.stop();
    if let Some(watchdog) = watchdog {
        watchdog.stop();
    }
    publisher.stop();
    desk.close();
    home.close(finished);
    log.write(
        Level::Notice,
        if finished {
            "stopped"
        } else {
            "stopped; what was still running was given up"
        },
    );
    Ok(())
}

/// Gives up what is not needed, when what can only be done before is done.
fn confine(needs: &Needs<'_>, log: &Log) -> Confined {
    // If it cannot be made, that is said when the database is opened.
    let _ = backend::make_folder(&needs.config.database);
    if needs.config.directory.is_some() {
        domlogon_ad::load_libraries();
    }
    confine::confine(needs, log)
}

/// Takes the configuration and the file of rights in again. Each that is wrong leaves the
/// one in force, and says nothing about the other.
fn reload(file: &Path, desk: &Desk, home: &Home, rights: &RightsFile, log: &Log) {
    let mut begun = vec![NotifyState::Reloading];
    begun.extend(NotifyState::monotonic_usec_now());
    tell_systemd(&begun);
    match Config::read(file) {
        Ok(new) => configure(new, desk, home, log),
        Err(error) => {
            desk.refuse_reload();
            let line = format!("reload refused, the configuration before stays in force: {error}");
            log.write(Level::Error, &line);
        }
    }
    // What came of it is in the log and in `status`.
    let _ = rights.reload(clock::now());
    tell_systemd(&[NotifyState::Ready]);
}

fn configure(new: Config, desk: &Desk, home: &Home, log: &Log) {
    let (config, waiting) = desk.config().reloaded(new);
    for option in waiting {
        let line = format!("reload: {option} changes only when domlogond is started again");
        log.write(Level::Warning, &line);
    }
    home.configure(&config);
    let host = host::names(&config);
    desk.configure(config, host);
    log.write(Level::Notice, "reload: the configuration was read again");
}

/// The file of rights, in the folder of the configuration, by its full path: the folder
/// is watched.
fn rights_file(config: &Path) -> PathBuf {
    let beside = config.with_file_name(check::RIGHTS);
    std::path::absolute(&beside).unwrap_or(beside)
}

/// Without systemd there is nobody to tell, and a notification that is lost harms nobody.
fn tell_systemd(state: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(false, state);
}

/// A panic is a fault of ours. Nobody knows what state it left behind: the daemon ends,
/// and systemd starts it again. The message is not logged, for it may hold a password.
fn die_of_panics(log: &Arc<Log>) {
    let log = Arc::clone(log);
    std::panic::set_hook(Box::new(move |info| {
        let place = info
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        log.write_last(&format!("ended by a fault of its own{place}"));
        std::process::abort();
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    #[ignore = "run by the test below, in a process of its own"]
    fn a_fault() {
        die_of_panics(&Arc::new(Log::system()));
        let _ = std::thread::spawn(|| panic!("hunter2")).join();
    }

    #[test]
    fn a_fault_in_any_thread_ends_the_daemon_and_tells_no_secret() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "tests::a_fault", "--nocapture"])
            .output()
            .unwrap();
        assert_eq!(output.status.signal(), Some(6), "SIGABRT");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("running 1 test"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
