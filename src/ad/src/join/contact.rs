//! One domain controller, asked as somebody.

use super::error::Why;
use super::{LDAP, Place};
use crate::dns::{Candidate, Search};
use crate::ldap::{Connection, Security};
use crate::rotation::Wire;
use crate::session::{is_believed, ldap_service};
use crate::site::{self, Controller};
use crate::transport::{self, KERBEROS, KPASSWD};
use domlogon_krb5::{self as krb5, Context, Credentials, Exchange};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long looking for a controller may take.
const LIMIT: Duration = Duration::from_secs(40);

/// The credential cache of this process, for GSSAPI. It lives in memory alone.
pub const CACHE: &str = "MEMORY:domlogon-join";

/// How somebody logs on: with what the caller has.
pub(super) type LogOn<'a> =
    dyn FnMut(&Context, &mut Exchange<'_>) -> Result<Credentials, krb5::Error> + 'a;

/// A controller that has let somebody in.
pub(super) struct Contact {
    pub(super) context: Context,
    pub(super) route: Route,
    /// Its full name.
    pub(super) server: String,
    pub(super) tgt: Credentials,
    pub(super) connection: Connection,
    /// What it says of itself and of the site of this host.
    pub(super) controller: Option<Controller>,
}

/// The way to the services of one controller.
#[derive(Clone, Copy)]
pub(super) struct Route(IpAddr);

impl Wire for Route {
    fn kdc(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.exchange(KERBEROS, request)
    }

    fn kpasswd(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.exchange(KPASSWD, request)
    }
}

impl Route {
    fn exchange(self, port: u16, request: &[u8]) -> io::Result<Vec<u8>> {
        transport::exchange(
            SocketAddr::new(self.0, port),
            Instant::now() + PATIENCE,
            request,
        )
    }
}

impl Contact {
    /// Logs on at the first controller that answers, and goes on to a nearer one if it
    /// knows of one. What a controller refuses is not asked of the next one: a wrong
    /// password is one wrong password.
    pub(super) fn open(place: &Place<'_>, log_on: &mut LogOn<'_>) -> Result<Self, Why> {
        Self::open_noting(place, log_on, &mut Vec::new())
    }

    /// The same; notes those that were passed over because nobody has named them.
    pub(super) fn open_noting(
        place: &Place<'_>,
        log_on: &mut LogOn<'_>,
        passed_over: &mut Vec<String>,
    ) -> Result<Self, Why> {
        let found = discover(place, place.site)?;
        let mut contact = Self::first(place, &found, log_on, passed_over)?;
        let nearer = contact
            .controller
            .as_ref()
            .filter(|controller| !controller.is_close() && place.site.is_none())
            .and_then(|controller| controller.client_site.clone());
        if let Some(site) = nearer {
            let near = discover(place, Some(&site))?;
            let is_other = near
                .first()
                .is_some_and(|first| first.fqdn != contact.server);
            if let Some(other) = near.get(..1).filter(|_| is_other) {
                if let Ok(near) = Self::first(place, other, log_on, passed_over) {
                    contact = near;
                }
            }
        }
        Ok(contact)
    }

    /// Gives the next requests their time.
    pub(super) fn again(&mut self) -> &mut Connection {
        self.connection.until(Instant::now() + PATIENCE);
        &mut self.connection
    }

    fn first(
        place: &Place<'_>,
        candidates: &[Candidate],
        log_on: &mut LogOn<'_>,
        passed_over: &mut Vec<String>,
    ) -> Result<Self, Why> {
        let end = Instant::now() + LIMIT;
        let mut last = None;
        for candidate in candidates {
            for address in &candidate.addresses {
                if Instant::now() > end {
                    break;
                }
                match Self::try_one(place, &candidate.fqdn, *address, log_on) {
                    Ok(contact) if contact.takes_changes() => return Ok(contact),
                    Ok(contact) => last = Some(Why::ReadOnly(contact.server)),
                    Err(why) if why.is_outage() => {
                        if let Why::NoMark(server) = &why {
                            passed_over.push(server.clone());
                        }
                        last = Some(why);
                    }
                    Err(why) => return Err(why),
                }
            }
        }
        Err(last.unwrap_or(Why::NoTime))
    }

    fn try_one(
        place: &Place<'_>,
        server: &str,
        address: IpAddr,
        log_on: &mut LogOn<'_>,
    ) -> Result<Self, Why> {
        let mut route = Route(address);
        write_profile(place, address)?;
        let lost = |error| Why::Lost(server.to_owned(), error);
        let context = Context::new(place.profile).map_err(Why::Kerberos)?;
        let mut kdc = |request: &[u8]| route.kdc(request);
        let tgt = log_on(&context, &mut kdc).map_err(|error| Why::of_log_on(server, error))?;
        let ticket = context
            .ticket(
                &tgt,
                &ldap_service(server, place.dns_name.trim_end_matches('.')),
                &mut kdc,
            )
            .map_err(|error| Why::of_log_on(server, error))?;
        if !is_believed(&ticket, server, place.servers) {
            return Err(Why::NoMark(server.to_owned()));
        }
        context
            .store(CACHE, &[&tgt, &ticket], true)
            .map_err(Why::Kerberos)?;
        let security = Security::Sealed {
            realm: place.realm.clone(),
        };
        let deadline = Instant::now() + PATIENCE;
        let address = SocketAddr::new(address, LDAP);
        let mut connection =
            Connection::open(address, server, &security, deadline).map_err(lost)?;
        let controller = site::ask(&mut connection, &place.dns_name, place.host).map_err(lost)?;
        Ok(Self {
            context,
            route,
            server: server.to_owned(),
            tgt,
            connection,
            controller,
        })
    }

    fn takes_changes(&self) -> bool {
        self.controller.as_ref().is_none_or(Controller::is_writable)
    }
}

fn discover(place: &Place<'_>, site: Option<&str>) -> Result<Vec<Candidate>, Why> {
    let search = Search {
        domain: &place.dns_name,
        site,
        servers: place.servers,
    };
    place.resolver.discover(&search).map_err(Why::Dns)
}

/// A Kerberos profile for one controller. Nothing is looked up, and nothing is guessed.
fn write_profile(place: &Place<'_>, address: IpAddr) -> Result<(), Why> {
    let realm = &place.realm;
    let dns = &place.dns_name;
    let address = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        "[libdefaults]\n\tdefault_realm = {realm}\n\tdns_lookup_kdc = false\n\
         \tdns_lookup_realm = false\n\tdns_canonicalize_hostname = false\n\trdns = false\n\
         \tudp_preference_limit = 1\n\tkdc_timesync = 0\n\
         [realms]\n\t{realm} = {{\n\t\tkdc = {address}:88\n\t\tkpasswd_server = {address}:464\n\t}}\n\
         [domain_realm]\n\t.{dns} = {realm}\n\t{dns} = {realm}\n"
    );
    let write = |path: &Path| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())
    };
    write(place.profile).map_err(|error| Why::File(place.profile.to_owned(), error))
}
