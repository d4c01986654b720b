//! `domlogon-tickets renew`.

use crate::arguments::{Arguments, Verb};
use crate::cache_name::CacheName;
use crate::error::Error;
use crate::schedule::{self, Life, Next};
use crate::{file_cache, kdc, store};
use domlogon_krb5::{Context, Credentials, Principal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{close, dup2_stderr, dup2_stdout, setsid};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, RawFd};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// What the process that stays says when it is ready.
const READY: &[u8] = b"ready\n";

/// Starts the process that stays, and returns when it has found its ticket.
///
/// The caller waits for this one alone: the other belongs to init at once, so no zombie is left in a program that
/// does not know of it.
pub(crate) fn launch(arguments: &Arguments) -> Result<(), Error> {
    let words = arguments.words.iter().map(|word| {
        if word == "renew" {
            OsString::from("renew-stay")
        } else {
            word.clone()
        }
    });
    let mut child = Command::new("/proc/self/exe")
        .args(words)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(Error::Start)?;
    let mut said = Vec::new();
    if let Some(out) = child.stdout.take() {
        // It ends when the process is ready, and when it has failed.
        out.take(READY.len() as u64)
            .read_to_end(&mut said)
            .map_err(Error::Start)?;
    }
    if said == READY {
        return Ok(());
    }
    // It has told its error itself.
    let _ = child.wait();
    std::process::exit(1);
}

/// Stays until the session ends, and renews.
pub(crate) fn stay(arguments: &Arguments) -> Result<(), Error> {
    debug_assert_eq!(arguments.verb, Verb::Stay);
    // What else was inherited is the session's, and must not live longer than it. Before the change of
    // identity: the list is root's afterwards.
    close_others().map_err(Error::Start)?;
    setsid().map_err(|error| Error::Start(error.into()))?;
    ignore_hangup()?;
    arguments.person.enter()?;
    let context = Context::new(&arguments.profile)?;
    let mut watch = Watch::new(&context, arguments)?;
    leave_terminal().map_err(Error::Start)?;
    watch.run();
    Ok(())
}

/// One ticket in one cache.
struct Watch<'a> {
    context: &'a Context,
    arguments: &'a Arguments,
    name: String,
    owner: Principal,
    cache: CacheName,
    failures: u32,
}

impl<'a> Watch<'a> {
    fn new(context: &'a Context, arguments: &'a Arguments) -> Result<Self, Error> {
        let cache = arguments.cache.settled();
        if let CacheName::File(path) = &cache {
            if !file_cache::is_own(path, arguments.person)? {
                return Err(Error::NothingToRenew);
            }
        }
        let name = cache.to_string();
        let owner = context.cache_owner(&name)?;
        let watch = Self {
            context,
            arguments,
            name,
            owner,
            cache,
            failures: 0,
        };
        let ticket = watch.ticket().ok_or(Error::NothingToRenew)?;
        match schedule::next(life(&ticket), now()) {
            Next::End => Err(Error::NothingToRenew),
            _ => Ok(watch),
        }
    }

    /// Returns when the session is over, the ticket at its end, or the cache no longer this person's.
    fn run(&mut self) {
        while let Some(ticket) = self.ticket() {
            let seconds = match schedule::next(life(&ticket), now()) {
                Next::End => return,
                Next::Wait(seconds) => seconds,
                Next::Renew => match self.renew(&ticket) {
                    Ok(()) => {
                        self.failures = 0;
                        // The new ticket says when it is due itself; this is the end of a loop over one
                        // whose times make no sense.
                        1
                    }
                    Err(Error::Krb5(error)) if schedule::is_final(&error) => return,
                    Err(_) => {
                        self.failures = self.failures.saturating_add(1);
                        schedule::pause(self.failures)
                    }
                },
            };
            if session_is_over(seconds) {
                return;
            }
        }
    }

    /// The ticket-granting ticket in the cache, if the cache is still there and of the same principal.
    fn ticket(&self) -> Option<Credentials> {
        if self.context.cache_owner(&self.name).ok()? != self.owner {
            return None;
        }
        let tickets = self.context.tickets_in(&self.name).ok()?;
        tickets
            .into_iter()
            .find(|ticket| ticket.is_tgt() && *ticket.client() == self.owner)
    }

    fn renew(&self, ticket: &Credentials) -> Result<(), Error> {
        let realm = ticket.client().realm();
        let profile = &self.arguments.profile;
        let renewed = self
            .context
            .renew(ticket, &mut |request| kdc::ask(profile, realm, request))?;
        // Meanwhile the person may have logged on again, or removed the cache: what he did stands.
        let same = self
            .ticket()
            .is_some_and(|found| found.to_bytes() == ticket.to_bytes());
        if same {
            store::put(
                self.context,
                &self.cache,
                self.arguments.person,
                &[&renewed],
            )?;
        }
        Ok(())
    }
}

fn life(ticket: &Credentials) -> Life {
    Life {
        starts: ticket.starts_at().0,
        ends: ticket.ends_at().0,
        renew_until: ticket.renew_until().map(|until| until.0),
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Waits, and tells whether the other end of stdin was closed meanwhile.
fn session_is_over(seconds: u32) -> bool {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let wait = Duration::from_secs(seconds.into());
    match poll(
        &mut fds,
        PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX),
    ) {
        Ok(0) | Err(nix::Error::EINTR) => false,
        // Nothing is ever sent: whatever makes it readable, it is over.
        Ok(_) | Err(_) => true,
    }
}

/// Closes everything but the three.
fn close_others() -> io::Result<()> {
    let open: Vec<RawFd> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&fd: &RawFd| fd > 2)
        .collect();
    for fd in open {
        // The one of the list itself is closed already.
        let _ = close(fd);
    }
    Ok(())
}

/// Without a terminal nothing sends it, but for a person who does so by hand.
fn ignore_hangup() -> Result<(), Error> {
    let hangup = SigSet::from(Signal::SIGHUP);
    hangup
        .thread_block()
        .map_err(|error| Error::Start(error.into()))
}

/// Tells the launcher that all is well, and lets go of stdout and stderr.
fn leave_terminal() -> io::Result<()> {
    let null: File = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    let mut out = io::stdout();
    out.write_all(READY)?;
    out.flush()?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}
