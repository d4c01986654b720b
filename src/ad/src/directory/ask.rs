//! Asking one controller at a time, within a budget.

use super::Directory;
use crate::journal::Level;
use crate::ldap::{Connection, LdapError};
use crate::queries::DomainFacts;
use crate::servers::{Contact, Server};
use crate::trouble::Trouble;
use domlogon_protocol::Timestamp;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Look-ups that one controller is asked at once: as many as connections are kept. More would
/// each wait for a new one, and all of them for the controller.
const MOST_LOOK_UPS: usize = 8;

/// Places for look-ups.
#[derive(Default)]
pub(super) struct Places {
    taken: Mutex<usize>,
    left: Condvar,
}

/// One place, given back when dropped.
struct Place<'a>(&'a Places);

impl Places {
    /// A place, if there is one until then.
    fn take(&self, end: Instant) -> Option<Place<'_>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, _) = self
            .left
            .wait_timeout_while(
                taken,
                end.saturating_duration_since(Instant::now()),
                |taken| *taken >= MOST_LOOK_UPS,
            )
            .unwrap_or_else(PoisonError::into_inner);
        if *taken >= MOST_LOOK_UPS {
            return None;
        }
        *taken += 1;
        Some(Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.left.notify_one();
    }
}

impl Directory {
    /// Asks the best controller, and the next one if it fails, all within `budget`.
    ///
    /// # Errors
    /// [`Trouble`], when none answered.
    pub(crate) fn ask<T>(
        &self,
        budget: Duration,
        now: Timestamp,
        work: impl FnMut(&Server, Instant) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.ask_around(budget, now, &mut Vec::new(), |_| false, work)
    }

    /// As [`Directory::ask`]; those with an excused trouble are noted, and not taken for dead.
    fn ask_around<T>(
        &self,
        budget: Duration,
        now: Timestamp,
        excused: &mut Vec<Server>,
        is_excused: impl Fn(&Trouble) -> bool,
        mut work: impl FnMut(&Server, Instant) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        /// One that fails, and two others.
        const MOST: usize = 3;
        let deadline = Instant::now() + budget;
        let mut last = None;
        for _ in 0..MOST {
            let server = match self.servers.best_but(excused, deadline) {
                Ok(server) => server,
                Err(down) => return Err(last.unwrap_or(down)),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let others = self.servers.all().len() > self.servers.down().len() + excused.len() + 1;
            let share = if others { left / 2 } else { left };
            match work(&server, Instant::now() + share) {
                Err(trouble) if is_excused(&trouble) => {
                    excused.push(server);
                    last = Some(trouble);
                }
                Err(trouble) if trouble.is_of_the_server() => {
                    self.failed(&server, &trouble, now);
                    if trouble.may_be_counted() {
                        return Err(trouble);
                    }
                    last = Some(trouble);
                }
                result => return result,
            }
        }
        Err(last.unwrap_or(Trouble::Odd("every controller failed")))
    }

    /// Asks over LDAP.
    ///
    /// # Errors
    /// As [`Directory::ask`].
    pub(crate) fn look_up<T>(
        &self,
        budget: Duration,
        now: Timestamp,
        mut work: impl FnMut(&mut Connection, &DomainFacts) -> Result<T, LdapError>,
    ) -> Result<T, Trouble> {
        self.ask_for_anybody(budget, now, |server, deadline| {
            let facts = self.facts(server, deadline, now)?;
            self.session
                .ldap(server, deadline, now, |connection| work(connection, &facts))
        })
    }

    /// As [`Directory::ask`], for what anybody on this host may ask, as often as he likes:
    /// not too much at once, and a controller that takes too long is not taken for dead by
    /// that, though the next one is asked. Whether it is there at all is for the keeper to say,
    /// who asks little.
    ///
    /// # Errors
    /// As [`Directory::ask`].
    pub(crate) fn ask_for_anybody<T>(
        &self,
        budget: Duration,
        now: Timestamp,
        work: impl FnMut(&Server, Instant) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let end = Instant::now() + budget;
        let Some(_place) = self.look_ups.take(end) else {
            return Err(Trouble::Odd("too many look-ups at once"));
        };
        let left = end.saturating_duration_since(Instant::now());
        let mut slow = Vec::new();
        let found = self.ask_around(left, now, &mut slow, took_too_long, work);
        if !slow.is_empty() {
            self.doubted.store(true, Ordering::Relaxed);
        }
        found
    }

    /// Notes that a controller failed; says so in the log if that changes what is asked.
    pub(crate) fn failed(&self, server: &Server, trouble: &Trouble, now: Timestamp) {
        self.session.drop_connections(server, trouble);
        let changed = self.servers.failed(server, trouble, now);
        let contact = self.servers.contact();
        if changed {
            self.journal.note(
                Level::Warning,
                &format!(
                    "{} is not asked for now: {trouble}; {}",
                    server.name,
                    next(&contact)
                ),
            );
        }
    }
}

/// Whether it may be the asking alone that took too long: of many, or of one who had waited for
/// a place.
fn took_too_long(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Ldap(LdapError::Timeout) => true,
        Trouble::Network(error) => error.kind() == ErrorKind::TimedOut,
        _ => false,
    }
}

fn next(contact: &Contact) -> String {
    match &contact.server {
        Some(server) => format!("{server} is asked now"),
        None => "working offline".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logon::tests::{Here, open, settings};
    use domlogon_protocol::UserName;
    use std::thread;

    /// Of how many controllers one question is asked that fails so at each.
    fn asked(trouble: impl Fn() -> Trouble) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let directory = open(settings(folder.path()));
        let now = Timestamp(1_795_000_000);
        let servers: Vec<Server> = (1..=3)
            .map(|number| Server {
                name: format!("dc{number}.corp.example"),
                address: [127, 0, 0, number].into(),
            })
            .collect();
        directory.servers.list(servers.clone());
        for server in &servers {
            directory.servers.answered(server, now);
        }
        let mut asked = 0;
        let result = directory.ask(Duration::from_secs(5), now, |_, _| {
            asked += 1;
            Err::<(), _>(trouble())
        });
        assert!(result.is_err());
        asked
    }

    #[test]
    fn a_proof_that_may_have_been_counted_is_sent_to_nobody_else() {
        let silence = || Trouble::Network(std::io::ErrorKind::TimedOut.into());
        assert_eq!(asked(silence), 3);
        assert_eq!(asked(|| Trouble::Skew), 3);
        let interrupted = || Trouble::Interrupted(std::io::ErrorKind::TimedOut.into());
        assert_eq!(asked(interrupted), 1);
        assert_eq!(asked(|| Trouble::Sent(Box::new(Trouble::Skew))), 1);
    }

    #[test]
    fn whoever_has_his_logon_explained_waits_for_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let directory = open(settings(folder.path()));
        let now = (directory.clock)();
        directory.servers.none(&Trouble::Odd("silence"), now);
        let explain = || {
            let here = Here::new();
            let place = here.logon_by("login");
            let user = UserName::parse(b"alice").unwrap();
            assert!(directory.explained(&user, &place, now).is_err());
        };
        thread::scope(|scope| {
            let places: Vec<_> = (0..MOST_LOOK_UPS)
                .map(|_| directory.look_ups.take(Instant::now()).unwrap())
                .collect();
            let asked = scope.spawn(explain);
            thread::sleep(Duration::from_millis(200));
            assert!(!asked.is_finished());
            drop(places);
            let begun = Instant::now();
            asked.join().unwrap();
            assert!(begun.elapsed() < Duration::from_secs(5));
        });
    }

    fn server(name: &str) -> Server {
        Server {
            name: name.to_owned(),
            address: [127, 0, 0, 1].into(),
        }
    }

    #[test]
    fn a_controller_that_is_slow_to_anybody_is_not_taken_for_dead_and_the_next_is_asked() {
        let timeout = || Trouble::Ldap(LdapError::Timeout);
        let late = || Trouble::Network(std::io::ErrorKind::TimedOut.into());
        let troubles: [&dyn Fn() -> Trouble; 2] = [&timeout, &late];
        for trouble in troubles {
            let folder = tempfile::tempdir().unwrap();
            let directory = open(settings(folder.path()));
            let now = (directory.clock)();
            let (one, two) = (server("dc1"), server("dc2"));
            directory.servers.list(vec![one.clone(), two.clone()]);
            directory.servers.answered(&one, now);
            directory.servers.answered(&two, now);
            let budget = Duration::from_secs(10);
            let ask = |slow: &[&Server]| {
                directory.ask_for_anybody(budget, now, |server, _| match slow.contains(&server) {
                    true => Err(trouble()),
                    false => Ok(server.name.clone()),
                })
            };
            assert_eq!(ask(&[]).unwrap(), "dc1");
            assert!(!directory.doubted.load(Ordering::Relaxed));
            assert_eq!(ask(&[&one]).unwrap(), "dc2");
            assert!(directory.doubted.load(Ordering::Relaxed));
            assert!(ask(&[&one, &two]).unwrap_err().is_silence());
            assert_eq!(directory.servers.down(), []);
            // One that does not take a connection is dead to everybody.
            let refused = directory.ask_for_anybody(budget, now, |server, _| {
                let refused = std::io::ErrorKind::ConnectionRefused;
                match *server == one {
                    true => Err(Trouble::Network(refused.into())),
                    false => Ok(()),
                }
            });
            refused.unwrap();
            assert_eq!(directory.servers.down(), [one]);
        }
    }
}
