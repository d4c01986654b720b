//! What goes on beside the questions: finding the controllers, noticing that one has gone
//! or has come back, changing the machine's password in time, and keeping everybody known
//! where the site wants that.

use crate::cache::SavedAt;
use crate::directory::{Directory, FAST};
use crate::dns;
use crate::journal::Level;
use crate::machine::Machine;
use crate::members;
use crate::queries;
use crate::rotation::{self, Rotated, Wire};
use crate::servers::Server;
use crate::site;
use crate::transport::{self, KERBEROS, KPASSWD};
use crate::trouble::Trouble;
use domlogon_protocol::Timestamp;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between two looks at those that are down.
const TICK: Duration = Duration::from_secs(2);
/// What the controller that is asked has for a sign of life, over a connection that is kept.
const PATIENCE: Duration = Duration::from_secs(3);
/// What one that is down has for everything from the first packet on: some fifteen times
/// there and back, and nobody waits for it.
const PATIENCE_DOWN: Duration = Duration::from_secs(6);
/// Between two signs of life of the one that is asked.
const HEARTBEAT: Duration = Duration::from_secs(8);
/// Between two looks into the DNS, and between two while nobody answers.
const DISCOVERY: Duration = Duration::from_secs(600);
const DISCOVERY_OFFLINE: Duration = Duration::from_secs(4);
/// Where the cache has the controllers that were found last.
const SERVERS: &str = "servers";
/// Between two looks whether a controller has FAST, where that is not known, and after one
/// that was not answered.
const ARMOUR: Duration = Duration::from_secs(600);
const ARMOUR_AGAIN: Duration = Duration::from_secs(60);
/// How old what is kept of that may become.
const FAST_KEPT: u64 = 3600;
/// Between two looks at what the names in the lists of rights mean.
const REFRESH: Duration = Duration::from_secs(300);
/// Between two looks at the age of the machine's password, and after a failed rotation.
const ROTATION: Duration = Duration::from_secs(3600);
/// Between two looks for saved passwords that open nothing any more.
const SAVED: Duration = Duration::from_secs(3600);
/// For how long one of them is past its age before it is deleted, while no controller says what
/// time it is: a clock that is wrong for a while deletes nothing.
const AGED: Duration = Duration::from_secs(86_400);
/// Between two readings of the whole directory, and after one that failed.
const SYNC: Duration = Duration::from_secs(1800);
const SYNC_AGAIN: Duration = Duration::from_secs(300);
/// What a thread that is to end may still take.
const LEAVE: Duration = Duration::from_secs(2);

/// The threads; they end with [`Keeper::stop`].
pub struct Keeper {
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn is_asked(&self) -> bool {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, and says whether to go on.
    fn wait(&self, time: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, _) = self
            .changed
            .wait_timeout_while(asked, time, |asked| !*asked)
            .unwrap_or_else(PoisonError::into_inner);
        !*asked
    }
}

impl Keeper {
    /// Begins. `refresh` is called when a controller is there again, and now and then: what
    /// was looked up may mean something else by then.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start(directory: &Arc<Directory>, refresh: Box<dyn Fn() + Send>) -> io::Result<Self> {
        directory.members.live_in(directory);
        let stop = Arc::new(Stop::default());
        let mut threads = Vec::new();
        let (kept, ended) = (Arc::clone(directory), Arc::clone(&stop));
        let watch = thread::Builder::new().name("controllers".to_owned());
        threads.push(watch.spawn(move || Watch::default().run(&kept, &ended))?);
        let (kept, ended) = (Arc::clone(directory), Arc::clone(&stop));
        let care = thread::Builder::new().name("upkeep".to_owned());
        threads.push(care.spawn(move || Care::default().run(&kept, &ended, &*refresh))?);
        Ok(Self { stop, threads })
    }

    /// Ends the threads. What one of them asks a controller just now is waited for a little.
    pub fn stop(self) {
        let mut asked = self
            .stop
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *asked = true;
        drop(asked);
        self.stop.changed.notify_all();
        let end = Instant::now() + LEAVE;
        for thread in self.threads {
            while !thread.is_finished() && Instant::now() < end {
                thread::sleep(Duration::from_millis(5));
            }
            if thread.is_finished() {
                // A panic in it has ended the daemon already.
                let _ = thread.join();
            }
            // Else it ends with the process: whatever it does can be cut off anywhere.
        }
    }
}

/// Who is there.
#[derive(Default)]
struct Watch {
    discovered: Option<Instant>,
    alive: Option<Instant>,
    /// When it was looked whether a controller has FAST, and how long that lasts.
    armour: Option<(Instant, Duration)>,
    /// Which controllers have FAST, as it is kept.
    fast: Vec<(String, Timestamp)>,
}

impl Watch {
    fn run(mut self, directory: &Directory, stop: &Stop) {
        loop {
            self.tick(directory);
            if !stop.wait(TICK) {
                return;
            }
        }
    }

    fn tick(&mut self, directory: &Directory) {
        let now = (directory.clock)();
        directory.pending.expire(now);
        if let Err(trouble) = directory.session.machine() {
            say_none(directory, &trouble, now);
            return;
        }
        let online = directory.contact().server.is_some();
        let pause = if online { DISCOVERY } else { DISCOVERY_OFFLINE };
        if self.discovered.is_none_or(|at| at.elapsed() >= pause) {
            self.discovered = Some(Instant::now());
            discover(directory, now);
        }
        // All at once: the one that is back is not to wait for those that are not.
        thread::scope(|scope| {
            for server in directory.servers.down() {
                // Without a thread this one waits for the next look.
                let _ = thread::Builder::new()
                    .spawn_scoped(scope, move || try_again(directory, &server));
            }
        });
        let doubted = directory.doubted.swap(false, Ordering::Relaxed);
        if doubted || self.alive.is_none_or(|at| at.elapsed() >= HEARTBEAT) {
            self.alive = Some(Instant::now());
            if let Ok(server) = directory.servers.best(Instant::now()) {
                match ask_for_life(directory, &server, PATIENCE) {
                    Ok(()) => self.see_to_fast(directory, &server),
                    Err(trouble) => directory.failed(&server, &trouble, (directory.clock)()),
                }
            }
        }
        self.keep_fast(directory);
    }

    /// What was not found out with the host's ticket, for whatever reason, is found out later.
    fn see_to_fast(&mut self, directory: &Directory, server: &Server) {
        if self.armour.is_none_or(|(at, pause)| at.elapsed() >= pause) {
            let deadline = Instant::now() + PATIENCE;
            let answered = directory.session.see_to_fast(server, deadline);
            let pause = match answered {
                Ok(true) => ARMOUR,
                Ok(false) | Err(_) => ARMOUR_AGAIN,
            };
            self.armour = Some((Instant::now(), pause));
        }
    }

    /// Keeps which controllers have FAST: whoever answers in the place of one after a restart
    /// is to be believed no more than before it.
    fn keep_fast(&mut self, directory: &Directory) {
        let seen = directory.session.fast.seen((directory.clock)());
        let is_kept = seen.len() == self.fast.len()
            && seen.iter().all(|(name, at)| {
                let mut kept = self.fast.iter();
                let known = kept.find(|(known, _)| known == name);
                known.is_some_and(|(_, kept)| at.since(*kept).unsigned_abs() < FAST_KEPT)
            });
        // What cannot be kept is found out again.
        if !is_kept && directory.cache.keep_fact(FAST, &seen).is_ok() {
            self.fast = seen;
        }
    }
}

/// Finds the controllers, those of the host's own site first.
fn discover(directory: &Directory, now: Timestamp) {
    let settings = &directory.settings;
    let site = settings.site.clone().or_else(|| own_site(directory, now));
    let search = dns::Search {
        domain: &settings.dns_name,
        site: site.as_deref(),
        servers: &settings.servers,
    };
    match dns::Resolver::default().discover(&search) {
        Ok(candidates) => {
            let at = |name: String, addresses: Vec<IpAddr>| {
                let server = move |address| Server {
                    name: name.clone(),
                    address,
                };
                addresses.into_iter().map(server)
            };
            let servers: Vec<Server> = candidates
                .into_iter()
                .flat_map(|found| at(found.fqdn, found.addresses))
                .collect();
            remember(directory, &servers);
            directory.servers.list(servers);
            write_profile(directory);
        }
        // A resolver that is away when the daemon begins: those of the last time.
        Err(_) if directory.servers.all().is_empty() && list_remembered(directory) => {
            write_profile(directory);
        }
        // A resolver that is away takes no controller away that answers.
        Err(error) if directory.servers.all().is_empty() => {
            say_none(directory, &Trouble::NoServers(error), now);
        }
        Err(_) => {}
    }
}

/// Keeps the controllers for a start without a resolver.
fn remember(directory: &Directory, servers: &[Server]) {
    let known: Vec<(&str, IpAddr)> = servers
        .iter()
        .map(|server| (server.name.as_str(), server.address))
        .collect();
    // What cannot be kept is found again.
    let _ = directory.cache.keep_fact(SERVERS, &known);
}

/// Lists the controllers that were found last, if the host has ever found some.
fn list_remembered(directory: &Directory) -> bool {
    let known: Option<Vec<(String, IpAddr)>> = directory.cache.fact(SERVERS).ok().flatten();
    let servers: Vec<Server> = known
        .unwrap_or_default()
        .into_iter()
        .map(|(name, address)| Server { name, address })
        .collect();
    let any = !servers.is_empty();
    if any {
        directory.servers.list(servers);
    }
    any
}

fn say_none(directory: &Directory, trouble: &Trouble, now: Timestamp) {
    if directory.servers.none(trouble, now) {
        let line = format!("working offline: {trouble}");
        directory.journal.note(Level::Warning, &line);
    }
}

fn try_again(directory: &Directory, server: &Server) {
    match ask_for_life(directory, server, PATIENCE_DOWN) {
        Ok(()) => {
            let before = directory.contact();
            if directory.servers.answered(server, (directory.clock)()) {
                write_profile(directory);
                let asked = directory.contact().server.unwrap_or_default();
                let line = match before.server {
                    None => format!("online: {asked} answers"),
                    Some(_) => format!("{} answers; {asked} is asked now", server.name),
                };
                directory.journal.note(Level::Notice, &line);
            }
        }
        Err(trouble) => {
            let now = (directory.clock)();
            directory.session.drop_connections(server, &trouble);
            if directory.servers.failed(server, &trouble, now) {
                let line = format!(
                    "{} does not answer: {trouble}; working offline",
                    server.name
                );
                directory.journal.note(Level::Warning, &line);
            }
        }
    }
}

/// Kerberos where new tickets are due, and LDAP.
fn ask_for_life(directory: &Directory, server: &Server, patience: Duration) -> Result<(), Trouble> {
    let (deadline, now) = (Instant::now() + patience, (directory.clock)());
    directory.facts(server, deadline, now)?;
    directory.session.ldap(server, deadline, now, |connection| {
        queries::server_state(connection).map(drop)
    })
}

fn write_profile(directory: &Directory) {
    let servers = directory.servers.all();
    if let Err(error) = directory.session.write_profile(&servers) {
        let path = directory.settings.profile();
        let line = format!("{} could not be written: {error}", path.display());
        directory.journal.note(Level::Warning, &line);
    }
}

/// What has time.
#[derive(Default)]
pub(crate) struct Care {
    saved: Option<Instant>,
    /// What was past its age at the look before, and since which look.
    aged: HashMap<SavedAt, Instant>,
    refreshed: Option<Instant>,
    rotation: Option<Instant>,
    /// When the whole directory was read, or tried to be, and how long that lasts.
    sync: Option<(Instant, Duration)>,
}

impl Care {
    fn run(mut self, directory: &Directory, stop: &Stop, refresh: &dyn Fn()) {
        while stop.wait(TICK / 4) {
            // Also where no controller will ever answer again.
            if self.saved.is_none_or(|at| at.elapsed() >= SAVED) {
                self.saved = Some(Instant::now());
                self.see_to_saved(directory, time(directory), Instant::now());
            }
            if directory.contact().server.is_none() {
                self.refreshed = None;
                continue;
            }
            if self.refreshed.is_none_or(|at| at.elapsed() >= REFRESH) {
                self.refreshed = Some(Instant::now());
                refresh();
            }
            if self.rotation.is_none_or(|at| at.elapsed() >= ROTATION) {
                self.rotation = Some(Instant::now());
                rotate(directory);
            }
            let is_due = self.sync.is_none_or(|(at, pause)| at.elapsed() >= pause);
            if directory.settings.sync && is_due {
                let read = sync(directory, stop);
                if let Err(trouble) = &read {
                    let line = format!("the directory could not be read as a whole: {trouble}");
                    directory.journal.note(Level::Warning, &line);
                }
                let pause = if read.is_ok() { SYNC } else { SYNC_AGAIN };
                self.sync = Some((Instant::now(), pause));
            }
        }
    }

    /// Deletes what is saved and opens nothing any more. By its age only where a controller has
    /// said what time it is, or it has been past it for a day.
    pub(crate) fn see_to_saved(
        &mut self,
        directory: &Directory,
        said: Option<Timestamp>,
        at: Instant,
    ) {
        let age = directory.settings.offline.age;
        let now = said.unwrap_or_else(directory.clock);
        let found = directory.cache.saved_before(now.plus(-age));
        let mut aged = directory.noted(found).unwrap_or_default();
        self.aged.retain(|saved, _| aged.contains(saved));
        aged.retain(|saved| {
            let since = *self.aged.entry(saved.clone()).or_insert(at);
            said.is_some() || at.saturating_duration_since(since) >= AGED
        });
        directory.noted(directory.cache.expire_saved(age <= 0, &aged));
    }
}

/// The time, where a controller says it, too.
fn time(directory: &Directory) -> Option<Timestamp> {
    directory.contact().server?;
    let (deadline, now) = (Instant::now() + PATIENCE, (directory.clock)());
    let server = directory.servers.best(Instant::now()).ok()?;
    let session = &directory.session;
    let state = session.ldap(&server, deadline, now, queries::server_state);
    state.ok()?.time.map(|time| time.min(now))
}

/// Changes the machine's password if it is due, and finishes a change that was cut off.
fn rotate(directory: &Directory) {
    const ENOUGH: Duration = Duration::from_secs(20);
    let now = (directory.clock)();
    let Some(_turn) = directory.session.upkeep() else {
        return;
    };
    let done = (|| {
        let machine = directory.session.machine()?;
        let due = rotation::is_due(&machine, directory.settings.rotate, now);
        if !due {
            return Ok(None);
        }
        let deadline = Instant::now() + ENOUGH;
        let server = directory.servers.best(deadline)?;
        let kerberos = directory.session.kerberos()?;
        let mut machine = Machine::clone(&machine);
        let mut wire = ToServer { server, deadline };
        let state = &directory.settings.state;
        let rotated = rotation::rotate(&kerberos, &mut machine, state, &mut wire, now)
            .map_err(|error| Trouble::Rotation(Box::new(error)))?;
        Ok::<_, Trouble>(Some((machine, rotated)))
    })();
    match done {
        Ok(None) => {}
        Ok(Some((machine, rotated))) => {
            directory.session.replace_machine(machine);
            let line = match rotated {
                Rotated::Changed => "this host's own password in the domain was changed",
                Rotated::Finished => "an earlier change of this host's own password is finished",
            };
            directory.journal.note(Level::Notice, line);
        }
        Err(trouble) => {
            // A crash in the middle is found again in the file.
            directory.session.forget();
            let line = format!("this host's own password could not be changed: {trouble}");
            directory.journal.note(Level::Warning, &line);
        }
    }
}

/// The ways to one controller, for a rotation.
struct ToServer {
    server: Server,
    deadline: Instant,
}

impl Wire for ToServer {
    fn kdc(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        transport::exchange(self.server.port(KERBEROS), self.deadline, request)
    }

    fn kpasswd(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        transport::exchange(self.server.port(KPASSWD), self.deadline, request)
    }
}

/// Reads all users and groups. What was not read to its end sweeps nobody away.
fn sync(directory: &Directory, stop: &Stop) -> Result<(), Trouble> {
    const ENOUGH: Duration = Duration::from_secs(600);
    let now = (directory.clock)();
    let deadline = Instant::now() + ENOUGH;
    let server = directory.servers.best(deadline)?;
    let facts = directory.facts(&server, deadline, now)?;
    let session = &directory.session;
    let (known, _) = directory
        .noted(directory.cache.counts())
        .unwrap_or_default();
    let going_on = || {
        if stop.is_asked() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let (mut people, mut lost) = (0_u32, false);
    let teams = session.ldap(&server, deadline, now, |connection| {
        let mut teams = Vec::new();
        (people, lost) = (0, false);
        queries::all_persons(connection, &facts, None, &mut |person| {
            people = people.saturating_add(1);
            lost |= directory
                .noted(directory.keep(&person, None, now))
                .is_none();
            going_on()
        })?;
        queries::all_teams(connection, &facts, None, &mut |team| {
            lost |= directory
                .noted(directory.keep_team(&team, None, now))
                .is_none();
            teams.push(team);
            going_on()
        })?;
        Ok(teams)
    })?;
    for team in teams {
        if stop.is_asked() {
            return Ok(());
        }
        match members::read(directory, &team, ENOUGH, now) {
            Err(trouble) if trouble.is_silence() => return Err(trouble),
            // One group that is too large, or gone by now, keeps no other from being read.
            Ok(_) | Err(_) => {}
        }
    }
    if lost {
        return Err(Trouble::Odd("not all of it could be kept"));
    }
    if people == 0 || people < known / 2 {
        return Err(Trouble::Odd(
            "it shows fewer than half of the users that were known",
        ));
    }
    if directory.noted(directory.cache.sweep(now)).is_some() {
        directory.cache.news.note_all();
    }
    Ok(())
}

/// The site that a controller says the host is in. Nobody can say while none answers: then
/// all controllers are looked up, and the site is asked for at the next look.
fn own_site(directory: &Directory, now: Timestamp) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    let server = directory.servers.best(Instant::now()).ok()?;
    let settings = &directory.settings;
    let said = directory
        .session
        .ldap(&server, deadline, now, |connection| {
            site::ask(connection, &settings.dns_name, &settings.host.short)
        });
    said.ok().flatten().and_then(|said| said.client_site)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logon::tests::{open, settings};

    #[test]
    fn that_a_controller_has_fast_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let directory = open(settings(folder.path()));
        let mut watch = Watch::default();
        watch.keep_fast(&directory);
        directory.session.fast.met("dc1.corp.example");
        watch.keep_fast(&directory);
        drop(directory);
        let fast = open(settings(folder.path())).session.fast;
        assert!(fast.is_with("dc1.corp.example"));
        assert!(!fast.is_with("dc2.corp.example"));
    }
}
