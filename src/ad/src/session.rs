//! How the host itself speaks with a controller: with its own tickets, over LDAP that is
//! signed and sealed by them or by TLS.

use crate::fast::Fast;
use crate::journal::{Journal, Level};
use crate::ldap::{Connection, LdapError, Pool};
use crate::machine::{Machine, Which};
use crate::rotation;
use crate::servers::Server;
use crate::settings::{Channel, Settings};
use crate::transport::{self, KERBEROS};
use crate::trouble::Trouble;
use domlogon_krb5::{Context, Credentials, Error as KerberosError, Exchange};
use domlogon_protocol::Timestamp;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The credential cache of this process, for GSSAPI. It lives in memory alone.
pub const PROCESS_CACHE: &str = "MEMORY:domlogon";

/// The host's own ticket-granting ticket, as the armour of exchanges. Not in the cache of the
/// process: with it there GSSAPI would go and ask a controller itself, without a deadline.
pub(crate) const ARMOUR: &str = "MEMORY:domlogon-armour";

/// Tickets that end sooner are replaced.
const RESERVE: i64 = 600;

/// A kept connection that the other side has closed meanwhile fails as fast as this.
const STALE: Duration = Duration::from_millis(200);

pub(crate) struct Session {
    settings: Arc<Settings>,
    journal: Arc<dyn Journal>,
    machine: Mutex<Option<Arc<Machine>>>,
    tickets: Mutex<Option<HostTickets>>,
    pools: Mutex<HashMap<Server, Arc<Pool>>>,
    /// Which controllers have FAST.
    pub(crate) fast: Fast,
    /// Held by whoever writes the host's own files: two at once would write into one
    /// another's.
    upkeep: Mutex<()>,
}

struct HostTickets {
    tgt: Zeroizing<Vec<u8>>,
    ends_at: Timestamp,
    /// The controllers that there is a ticket for.
    servers: HashSet<String>,
    /// A controller may not take them.
    is_doubted: bool,
}

impl HostTickets {
    fn lasts(&self, now: Timestamp) -> bool {
        !self.is_doubted && now.plus(RESERVE) < self.ends_at
    }
}

impl Session {
    pub(crate) fn new(settings: Arc<Settings>, journal: Arc<dyn Journal>) -> Self {
        Self {
            settings,
            journal,
            machine: Mutex::new(None),
            tickets: Mutex::new(None),
            pools: Mutex::default(),
            fast: Fast::default(),
            upkeep: Mutex::default(),
        }
    }

    /// This host's account in the domain. Its file is read when it is first wanted: a host
    /// may join while the daemon runs.
    ///
    /// # Errors
    /// [`Trouble::NotJoined`]
    pub(crate) fn machine(&self) -> Result<Arc<Machine>, Trouble> {
        let mut held = lock(&self.machine);
        if let Some(machine) = &*held {
            return Ok(Arc::clone(machine));
        }
        let machine = Machine::load(&self.settings.state).map_err(Trouble::NotJoined)?;
        let machine = Arc::new(machine);
        *held = Some(Arc::clone(&machine));
        Ok(machine)
    }

    /// Takes what a rotation has made of the machine's account.
    pub(crate) fn replace_machine(&self, machine: Machine) {
        *lock(&self.machine) = Some(Arc::new(machine));
        // Where LDAP is sealed by TLS they bind by the password from before.
        lock(&self.pools).clear();
    }

    /// Reads the file again when it is next wanted, and gets new tickets.
    pub(crate) fn forget(&self) {
        *lock(&self.machine) = None;
        *lock(&self.tickets) = None;
        lock(&self.pools).clear();
    }

    /// The right to write the host's own files; `None` while somebody else does.
    pub(crate) fn upkeep(&self) -> Option<MutexGuard<'_, ()>> {
        match self.upkeep.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Kerberos for one piece of work.
    ///
    /// # Errors
    /// [`Trouble::Kerberos`] if the profile cannot be used.
    pub(crate) fn kerberos(&self) -> Result<Context, Trouble> {
        Context::new(&self.settings.profile()).map_err(Trouble::Kerberos)
    }

    /// Writes the profile that names these controllers, the one that is asked first.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn write_profile(&self, servers: &[Server]) -> io::Result<()> {
        let path = self.settings.profile();
        let text = profile(&self.settings, servers);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        let new = path.with_extension("conf.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&new)?;
        // Whatever the umask: the sessions of others read it.
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, &path)
    }

    /// Does `work` over LDAP, as the host.
    ///
    /// # Errors
    /// [`Trouble`], at the deadline at the latest. What the directory refuses is one too.
    pub(crate) fn ldap<T>(
        &self,
        server: &Server,
        deadline: Instant,
        now: Timestamp,
        mut work: impl FnMut(&mut Connection) -> Result<T, LdapError>,
    ) -> Result<T, Trouble> {
        let begun = Instant::now();
        let pool = self.pool(server, deadline, now)?;
        match pool.with(deadline, &mut work) {
            Err(error) if error.is_outage() && begun.elapsed() < STALE => {
                // It was closed while nobody used it, or its ticket has ended.
                pool.forget();
                Ok(pool.with(deadline, &mut work)?)
            }
            result => Ok(result?),
        }
    }

    /// Drops all kept connections to a controller that has failed, and the ticket for it if
    /// that may be what it did not take.
    pub(crate) fn drop_connections(&self, server: &Server, trouble: &Trouble) {
        lock(&self.pools).remove(server);
        let doubted = matches!(
            trouble,
            Trouble::HostNotBound(_) | Trouble::Ldap(LdapError::Ticket(_))
        );
        if doubted {
            if let Some(held) = &mut *lock(&self.tickets) {
                held.servers.remove(&server.name);
            }
        }
    }

    /// Gets new tickets for the host when they are next wanted: a controller may not take those
    /// that are held. Until then they stay, for without them there is no armour.
    pub(crate) fn doubt_tickets(&self) {
        if let Some(held) = &mut *lock(&self.tickets) {
            held.is_doubted = true;
        }
    }

    /// Whether an exchange in an armour may be tried at this controller: there is an armour,
    /// and the controller was not seen to be without FAST of late.
    pub(crate) fn may_have_fast(&self, server: &Server) -> bool {
        self.fast.may_be_with(&server.name) && lock(&self.tickets).is_some()
    }

    /// Credentials of the host, and with them a ticket for LDAP at this controller, in the
    /// cache of the process.
    fn pool(
        &self,
        server: &Server,
        deadline: Instant,
        now: Timestamp,
    ) -> Result<Arc<Pool>, Trouble> {
        let machine = self.machine()?;
        if self.settings.channel == Channel::Sealed {
            self.ensure_ticket(server, &machine, deadline, now)?;
        }
        let mut pools = lock(&self.pools);
        let pool = pools
            .entry(server.clone())
            .or_insert_with(|| Arc::new(Pool::new(&self.settings, server, &machine)));
        Ok(Arc::clone(pool))
    }

    /// Sees to a ticket for LDAP at this controller. No lock is held while it is waited for:
    /// one that does not answer must not hold those up who ask another.
    fn ensure_ticket(
        &self,
        server: &Server,
        machine: &Machine,
        deadline: Instant,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let known = {
            let held = lock(&self.tickets);
            let fresh = held.as_ref().filter(|held| held.lasts(now));
            if fresh.is_some_and(|held| held.servers.contains(&server.name)) {
                return Ok(());
            }
            fresh.map(|held| held.tgt.clone())
        };
        let kerberos = self.kerberos()?;
        let mut exchange =
            |request: &[u8]| transport::exchange(server.port(KERBEROS), deadline, request);
        let service = ldap_service(&server.name, &self.settings.dns_name);
        if let Some(bytes) = &known {
            let tgt = kerberos
                .credentials_from_bytes(bytes)
                .map_err(Trouble::Kerberos)?;
            match kerberos.ticket(&tgt, &service, &mut exchange) {
                Ok(ticket) => {
                    self.is_of_a_controller(server, &ticket)?;
                    self.keep(&kerberos, server, &tgt, &ticket, |_| false)?;
                    self.try_armour(server, machine, &kerberos, &mut exchange);
                    return Ok(());
                }
                // It does not take what was granted before: all is begun anew.
                Err(KerberosError::Kdc(_)) => {}
                Err(error) => return Err(Trouble::of_host(error)),
            }
        }
        let tgt = self.log_on(machine, &kerberos, &mut exchange)?;
        let ticket = kerberos
            .ticket(&tgt, &service, &mut exchange)
            .map_err(Trouble::of_host)?;
        self.is_of_a_controller(server, &ticket)?;
        // Where another controller has given some meanwhile, those stay.
        let replaces = |held: &HostTickets| !held.lasts(now) || Some(&held.tgt) == known.as_ref();
        self.keep(&kerberos, server, &tgt, &ticket, replaces)?;
        self.try_armour(server, machine, &kerberos, &mut exchange);
        Ok(())
    }

    /// Refuses to ask whoever has the name of a controller's LDAP and is none.
    fn is_of_a_controller(&self, server: &Server, ticket: &Credentials) -> Result<(), Trouble> {
        if is_believed(ticket, &server.name, &self.settings.servers) {
            Ok(())
        } else {
            Err(Trouble::NoMark)
        }
    }

    /// Finds out whether a controller has FAST, where that is not known or was long ago. Whether
    /// it has answered that: without FAST, nothing changes.
    ///
    /// # Errors
    /// [`Trouble`] if it cannot be asked now.
    pub(crate) fn see_to_fast(&self, server: &Server, deadline: Instant) -> Result<bool, Trouble> {
        if !self.fast.is_old(&server.name) || lock(&self.tickets).is_none() {
            return Ok(true);
        }
        let (machine, kerberos) = (self.machine()?, self.kerberos()?);
        let mut exchange =
            |request: &[u8]| transport::exchange(server.port(KERBEROS), deadline, request);
        Ok(self.try_armour(server, &machine, &kerberos, &mut exchange))
    }

    /// Finds out whether a controller has FAST, by a logon of the host itself. Whether there was
    /// an answer.
    fn try_armour(
        &self,
        server: &Server,
        machine: &Machine,
        kerberos: &Context,
        exchange: &mut Exchange<'_>,
    ) -> bool {
        let (name, realm, password) = (&machine.account, &machine.realm, &machine.current.password);
        let said = kerberos.with_password_armored(name, realm, password, None, ARMOUR, exchange);
        let (answered, armored) = match said {
            Ok(_) => (true, true),
            Err(KerberosError::Kdc(error)) => (true, error.armored),
            Err(KerberosError::Transport(_)) => (false, false),
            Err(_) => (true, false),
        };
        if armored {
            self.fast.met(&server.name);
        }
        answered
    }

    /// Puts a ticket for a controller where GSSAPI finds it; in the place of all that are held,
    /// if it `replaces` them.
    fn keep(
        &self,
        kerberos: &Context,
        server: &Server,
        tgt: &Credentials,
        ticket: &Credentials,
        replaces: impl Fn(&HostTickets) -> bool,
    ) -> Result<(), Trouble> {
        let mut held = lock(&self.tickets);
        let store = |cache, credentials| {
            kerberos
                .store(cache, &[credentials], true)
                .map(drop)
                .map_err(Trouble::Kerberos)
        };
        match held.as_mut().filter(|held| !replaces(held)) {
            // Somebody else was faster. One that is doubted is held no more.
            Some(held) if held.servers.contains(&server.name) => {}
            Some(held) => {
                kerberos
                    .replace(PROCESS_CACHE, ticket)
                    .map_err(Trouble::Kerberos)?;
                held.servers.insert(server.name.clone());
            }
            None => {
                store(ARMOUR, tgt)?;
                store(PROCESS_CACHE, ticket)?;
                *held = Some(HostTickets {
                    tgt: tgt.to_bytes(),
                    ends_at: tgt.ends_at(),
                    servers: HashSet::from([server.name.clone()]),
                    is_doubted: false,
                });
                let line = format!("{} has given this host a ticket", server.name);
                self.journal.note(Level::Notice, &line);
            }
        }
        Ok(())
    }

    /// A ticket for the host itself, with whichever of its passwords the controller knows.
    fn log_on(
        &self,
        machine: &Machine,
        kerberos: &Context,
        exchange: &mut Exchange<'_>,
    ) -> Result<Credentials, Trouble> {
        let (tgt, which) =
            rotation::credentials(machine, kerberos, exchange).map_err(Trouble::of_host)?;
        let state = &self.settings.state;
        let Some(_turn) = self.upkeep() else {
            return Ok(tgt);
        };
        if !Machine::keytab(state).exists() {
            // Nobody is let in without it.
            if let Err(error) = machine.write_keytab(kerberos, state) {
                self.journal.note(Level::Error, &error.to_string());
            }
        }
        let is_settled = || {
            let held = lock(&self.machine);
            held.as_ref().is_some_and(|held| held.pending.is_none())
        };
        if which == Which::Pending && !is_settled() {
            // A change that was cut off had arrived.
            let mut settled = machine.clone();
            match rotation::settle(kerberos, &mut settled, state, (&tgt, which), exchange) {
                Ok(()) => self.replace_machine(settled),
                Err(error) => {
                    let line = format!("the machine's own password: {error}");
                    self.journal.note(Level::Warning, &line);
                }
            }
        }
        Ok(tgt)
    }
}

/// The name of a controller's LDAP. With the domain in it, because no computer may write that
/// one into its own account, as it may `ldap/HOST`, and then pass for a controller with whoever
/// believes a forged SRV record. See [`is_believed`] for who may.
pub(crate) fn ldap_service(server: &str, domain: &str) -> String {
    format!("ldap/{server}/{domain}")
}

/// Whether who holds the key of a ticket for LDAP is believed to be a controller.
///
/// Any name of a service can be written by whoever manages a part of the directory, to accounts
/// that he makes there; and a read-only controller has the right one, and is believed little by
/// the domain itself. That an account is trusted for delegation only administrators of the
/// domain may write (SeEnableDelegationPrivilege), and each writable controller is. Those that
/// this host's administrator has named are believed by their names.
pub(crate) fn is_believed(ticket: &Credentials, server: &str, named: &[String]) -> bool {
    ticket.is_ok_as_delegate() || named.iter().any(|name| name.eq_ignore_ascii_case(server))
}

/// A Kerberos profile. Nothing is looked up, and nothing is guessed from names.
fn profile(settings: &Settings, servers: &[Server]) -> String {
    let realm = settings.realm();
    let mut text = format!(
        "# Written by domlogond for its domain; changes are lost.\n\
         [libdefaults]\n\
         \tdefault_realm = {realm}\n\
         \tdns_lookup_kdc = false\n\
         \tdns_lookup_realm = false\n\
         \tdns_canonicalize_hostname = false\n\
         \trdns = false\n\
         \tudp_preference_limit = 1\n\
         \tkdc_timesync = 0\n\
         \tclockskew = 300\n\
         [realms]\n\
         \t{realm} = {{\n"
    );
    for server in servers {
        let address = match server.address {
            std::net::IpAddr::V4(address) => address.to_string(),
            std::net::IpAddr::V6(address) => format!("[{address}]"),
        };
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "\t\tkdc = {address}:88\n\t\tkpasswd_server = {address}:464\n"
        );
    }
    let dns = &settings.dns_name;
    let _ = write!(
        text,
        "\t}}\n[domain_realm]\n\t.{dns} = {realm}\n\t{dns} = {realm}\n"
    );
    text
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
