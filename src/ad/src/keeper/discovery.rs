//! Finding the controllers, and what is kept and written of them.

use super::PATIENCE;
use crate::directory::Directory;
use crate::dns;
use crate::journal::Level;
use crate::servers::Server;
use crate::site;
use crate::trouble::Trouble;
use domlogon_protocol::Timestamp;
use std::net::IpAddr;
use std::time::Instant;

/// Where the cache has the controllers that were found last.
const SERVERS: &str = "servers";

/// Finds the controllers, those of the host's own site first.
pub(super) fn discover(directory: &Directory, now: Timestamp) {
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

pub(super) fn say_none(directory: &Directory, trouble: &Trouble, now: Timestamp) {
    if directory.servers.none(trouble, now) {
        let line = format!("working offline: {trouble}");
        directory.journal.note(Level::Warning, &line);
    }
}

pub(super) fn write_profile(directory: &Directory) {
    let servers = directory.servers.all();
    if let Err(error) = directory.session.write_profile(&servers) {
        let path = directory.settings.profile();
        let line = format!("{} could not be written: {error}", path.display());
        directory.journal.note(Level::Warning, &line);
    }
}
