//! Which domain controller is asked, and which are down.
//!
//! Somebody who logs on waits for a controller that does not answer once, and within his
//! budget; whoever comes after him asks another one, or works offline at once. That it is
//! back is found out by [`crate::keeper`], not by the next person.

use crate::trouble::Trouble;
use domlogon_protocol::{Timestamp, Verdict};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A domain controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    /// Its full name, by which Kerberos and TLS know it.
    pub(crate) name: String,
    pub(crate) address: IpAddr,
}

impl Server {
    pub(crate) const fn port(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }
}

/// How things stand, for `status` and the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    /// The controller that is asked; `None`: offline.
    pub(crate) server: Option<String>,
    /// Since when it is so.
    pub(crate) since: Timestamp,
    /// Why no controller is asked.
    pub(crate) why: Option<Why>,
}

/// Why a controller is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) text: String,
    pub(crate) verdict: Verdict,
    /// It answers, and is not believed to be a controller before it is named.
    passes_over: bool,
}

impl Why {
    fn of(server: Option<&Server>, trouble: &Trouble) -> Self {
        let verdict = trouble.verdict();
        let text = match server {
            Some(server) => format!("{}: {trouble}", server.name),
            None => trouble.to_string(),
        };
        Self {
            text,
            verdict,
            passes_over: matches!(trouble, Trouble::NoMark),
        }
    }

    /// Before anything was tried.
    fn not_yet() -> Self {
        Self {
            text: "no domain controller was reached yet".to_owned(),
            verdict: Verdict::LogonServerNotFound,
            passes_over: false,
        }
    }
}

/// The controllers in the order in which they are asked.
pub(crate) struct Servers {
    state: Mutex<State>,
    tried: Condvar,
}

struct State {
    servers: Vec<Listed>,
    contact: Contact,
    /// Whether the first attempt to reach one has ended.
    tried: bool,
}

struct Listed {
    server: Server,
    /// Why it is not asked, if so.
    down: Option<Why>,
}

impl Servers {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            state: Mutex::new(State {
                servers: Vec::new(),
                contact: Contact {
                    server: None,
                    since: now,
                    why: None,
                },
                tried: false,
            }),
            tried: Condvar::new(),
        }
    }

    /// The controller to ask. Just after the start this waits until one was tried.
    ///
    /// # Errors
    /// [`Trouble::AllDown`], at once.
    pub(crate) fn best(&self, deadline: Instant) -> Result<Server, Trouble> {
        self.best_but(&[], deadline)
    }

    /// As [`Servers::best`], but none of these.
    ///
    /// # Errors
    /// As [`Servers::best`].
    pub(crate) fn best_but(&self, not: &[Server], deadline: Instant) -> Result<Server, Trouble> {
        let mut state = self.lock();
        while !state.tried {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self
                .tried
                .wait_timeout(state, left)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
        state
            .best_but(not)
            .cloned()
            .ok_or_else(|| Trouble::AllDown(state.contact.why.clone().unwrap_or_else(Why::not_yet)))
    }

    /// Takes another list. A controller that is on both stays as it was.
    pub(crate) fn list(&self, servers: Vec<Server>) {
        let mut state = self.lock();
        let old = std::mem::take(&mut state.servers);
        state.servers = servers
            .into_iter()
            .map(|server| {
                let down = old
                    .iter()
                    .find(|listed| listed.server == server)
                    // A new one is not asked by anybody before it has answered once.
                    .map_or_else(|| Some(Why::not_yet()), |old| old.down.clone());
                Listed { server, down }
            })
            .collect();
    }

    /// Notes that a controller has answered; says whether the contact is a new one.
    pub(crate) fn answered(&self, server: &Server, now: Timestamp) -> bool {
        let mut state = self.lock();
        if let Some(listed) = state.servers.iter_mut().find(|l| l.server == *server) {
            listed.down = None;
        }
        self.settle(state, now)
    }

    /// Notes that a controller did not answer; says whether the contact is a new one.
    pub(crate) fn failed(&self, server: &Server, why: &Trouble, now: Timestamp) -> bool {
        let mut state = self.lock();
        if let Some(listed) = state.servers.iter_mut().find(|l| l.server == *server) {
            listed.down = Some(Why::of(Some(server), why));
        }
        self.settle(state, now)
    }

    /// Notes that there is no controller to try; says whether that is new.
    pub(crate) fn none(&self, why: &Trouble, now: Timestamp) -> bool {
        let mut state = self.lock();
        let changed = !state.tried || state.contact.server.is_some();
        state.tried = true;
        if changed {
            state.contact.since = now;
        }
        state.contact.server = None;
        state.contact.why = Some(Why::of(None, why));
        drop(state);
        self.tried.notify_all();
        changed
    }

    /// Those that are down, to be tried again.
    pub(crate) fn down(&self) -> Vec<Server> {
        let state = self.lock();
        let down = state.servers.iter().filter(|listed| listed.down.is_some());
        down.map(|listed| listed.server.clone()).collect()
    }

    /// All, the one that is asked first.
    pub(crate) fn all(&self) -> Vec<Server> {
        let state = self.lock();
        let mut all: Vec<&Listed> = state.servers.iter().collect();
        all.sort_by_key(|listed| listed.down.is_some());
        all.into_iter()
            .map(|listed| listed.server.clone())
            .collect()
    }

    /// All, and why one is not asked.
    pub(crate) fn shown(&self) -> Vec<(String, Option<String>)> {
        let state = self.lock();
        let shown = state.servers.iter().map(|listed| {
            let name = format!("{} ({})", listed.server.name, listed.server.address);
            (name, listed.down.as_ref().map(|why| why.text.clone()))
        });
        shown.collect()
    }

    /// The names of those that are not asked because nobody has named them.
    pub(crate) fn passed_over(&self) -> Vec<String> {
        let state = self.lock();
        let is_it = |listed: &&Listed| listed.down.as_ref().is_some_and(|why| why.passes_over);
        let passed = state.servers.iter().filter(is_it);
        let mut names: Vec<String> = passed.map(|listed| listed.server.name.clone()).collect();
        // One name may have several addresses.
        names.dedup();
        names
    }

    pub(crate) fn contact(&self) -> Contact {
        self.lock().contact.clone()
    }

    fn settle(&self, mut state: MutexGuard<'_, State>, now: Timestamp) -> bool {
        let best = state.best().map(|server| server.name.clone());
        let changed = !state.tried || best != state.contact.server;
        state.tried = true;
        state.contact.why = match &best {
            Some(_) => None,
            None => state.worst(),
        };
        if best.is_some() != state.contact.server.is_some() {
            state.contact.since = now;
        }
        state.contact.server = best;
        drop(state);
        self.tried.notify_all();
        changed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn best(&self) -> Option<&Server> {
        self.best_but(&[])
    }

    fn best_but(&self, not: &[Server]) -> Option<&Server> {
        let up = self.servers.iter().filter(|listed| listed.down.is_none());
        up.map(|listed| &listed.server)
            .find(|server| !not.contains(server))
    }

    /// Of the reasons why nobody is asked the one that says most: a wrong clock is not
    /// mended by waiting.
    fn worst(&self) -> Option<Why> {
        let all = || {
            self.servers
                .iter()
                .filter_map(|listed| listed.down.as_ref())
        };
        all()
            .find(|why| why.verdict != Verdict::LogonServerNotFound)
            .or_else(|| all().next())
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::time::Duration;

    fn server(name: &str) -> Server {
        Server {
            name: name.to_owned(),
            address: IpAddr::from([192, 0, 2, 1]),
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    fn silent() -> Trouble {
        Trouble::Network(io::ErrorKind::TimedOut.into())
    }

    #[test]
    fn the_first_that_answers_is_asked_and_the_others_when_it_fails() {
        let servers = Servers::new(Timestamp(1));
        let (one, two) = (server("dc1"), server("dc2"));
        servers.list(vec![one.clone(), two.clone()]);
        assert!(servers.best(soon()).is_err(), "nobody has answered yet");
        assert!(servers.answered(&two, Timestamp(2)));
        assert_eq!(servers.best(soon()).unwrap(), two);
        assert!(servers.answered(&one, Timestamp(3)));
        assert_eq!(servers.best(soon()).unwrap(), one);
        assert!(!servers.answered(&one, Timestamp(4)), "nothing new");
        assert!(servers.failed(&one, &silent(), Timestamp(5)));
        assert_eq!(servers.best(soon()).unwrap(), two);
        assert_eq!(servers.contact().since, Timestamp(2), "online all the time");
        servers.failed(&two, &silent(), Timestamp(6));
        let contact = servers.contact();
        assert_eq!((contact.server, contact.since), (None, Timestamp(6)));
        assert!(contact.why.unwrap().text.starts_with("dc1: no answer"));
        assert_eq!(servers.down(), [one, two]);
    }

    #[test]
    fn a_new_list_keeps_what_is_known() {
        let servers = Servers::new(Timestamp(1));
        let (one, two) = (server("dc1"), server("dc2"));
        servers.list(vec![one.clone()]);
        servers.answered(&one, Timestamp(2));
        servers.list(vec![two.clone(), one.clone()]);
        assert_eq!(
            servers.best(soon()).unwrap(),
            one,
            "dc2 has not answered yet"
        );
        assert_eq!(servers.all(), [one, two]);
    }

    #[test]
    fn those_that_nobody_has_named_are_told_from_those_that_are_silent() {
        let servers = Servers::new(Timestamp(1));
        let (one, two, three) = (server("rodc1"), server("dc2"), server("dc3"));
        let other = Server {
            address: IpAddr::from([192, 0, 2, 2]),
            ..one.clone()
        };
        servers.list(vec![one.clone(), other.clone(), two.clone(), three.clone()]);
        assert!(servers.passed_over().is_empty());
        servers.failed(&one, &Trouble::NoMark, Timestamp(2));
        servers.failed(&other, &Trouble::NoMark, Timestamp(2));
        servers.failed(&two, &silent(), Timestamp(2));
        servers.answered(&three, Timestamp(2));
        assert_eq!(servers.passed_over(), ["rodc1"]);
        servers.failed(&three, &silent(), Timestamp(3));
        assert_eq!(servers.passed_over(), ["rodc1"]);
        servers.failed(&one, &silent(), Timestamp(4));
        servers.answered(&other, Timestamp(4));
        assert!(servers.passed_over().is_empty());
    }

    #[test]
    fn offline_is_said_at_once_after_the_first_attempt() {
        let servers = Servers::new(Timestamp(1));
        servers.none(&silent(), Timestamp(2));
        let far = Instant::now() + Duration::from_secs(60);
        assert!(matches!(servers.best(far), Err(Trouble::AllDown(_))));
    }
}
