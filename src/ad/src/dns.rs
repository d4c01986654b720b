//! Which domain controllers there are, and where: SRV records, and addresses.
//!
//! The daemon answers NSS, so it must not ask NSS: no getaddrinfo here, only the nameservers
//! of `resolv.conf` and the file `hosts`.

mod error;
mod files;
pub(crate) mod fuzzed;
mod query;

pub use error::{DnsError, Trouble};

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use query::Servers;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Most controllers that are kept of all that the DNS names.
const MOST: usize = 64;

/// Most addresses that are kept of one controller.
const MOST_ADDRESSES: usize = 8;

/// Most aliases (CNAME) that are followed for one name.
const MOST_ALIASES: usize = 8;

/// A domain controller that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its full name in small letters, as in its Kerberos principals.
    pub fqdn: String,
    /// Where it is; never empty.
    pub addresses: Vec<IpAddr>,
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The domain's DNS name.
    pub domain: &'a str,
    /// The site whose controllers come first.
    pub site: Option<&'a str>,
    /// Controllers by name. Where there are any, only they are asked, in this order.
    pub servers: &'a [String],
}

/// Who is asked, and how long.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// The file that names the nameservers.
    pub resolv_conf: PathBuf,
    /// The file with names that need no nameserver.
    pub hosts: PathBuf,
    /// How long one nameserver may take for one question.
    pub patience: Duration,
    /// How long all of it may take.
    pub limit: Duration,
    /// The port of the nameservers; 53 but in tests.
    pub port: u16,
}

impl Default for Resolver {
    fn default() -> Self {
        Self {
            resolv_conf: "/etc/resolv.conf".into(),
            hosts: "/etc/hosts".into(),
            patience: Duration::from_secs(1),
            limit: Duration::from_secs(4),
            port: 53,
        }
    }
}

impl Resolver {
    /// The controllers of a domain, in the order in which to ask them: those of the site
    /// first, then all others, each lot by priority and weight [RFC 2782].
    ///
    /// # Errors
    /// [`DnsError`] if not one was found that has an address.
    pub fn discover(&self, search: &Search<'_>) -> Result<Vec<Candidate>, DnsError> {
        let mut asking = self.begin()?;
        let found = if search.servers.is_empty() {
            asking.by_srv(search)?
        } else {
            asking.by_name(search.servers)
        };
        let (known, unknown): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|candidate| !candidate.addresses.is_empty());
        if known.is_empty() {
            let names = unknown.into_iter().map(|candidate| candidate.fqdn);
            return Err(DnsError::NoAddress(names.collect(), asking.trouble()));
        }
        Ok(known)
    }

    /// The addresses of one name.
    ///
    /// # Errors
    /// [`DnsError::NoAddress`] if it has none, or if nobody could be asked.
    pub fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, DnsError> {
        let mut asking = self.begin()?;
        let addresses = asking.addresses(&name.to_lowercase());
        if addresses.is_empty() {
            return Err(DnsError::NoAddress(vec![name.to_owned()], asking.trouble()));
        }
        Ok(addresses)
    }

    fn begin(&self) -> Result<Asking, DnsError> {
        Ok(Asking {
            servers: Servers {
                addresses: files::nameservers(&self.resolv_conf, self.port)?,
                patience: self.patience,
                deadline: Instant::now() + self.limit,
            },
            hosts: files::hosts(&self.hosts),
            trouble: None,
        })
    }
}

/// One search under way.
struct Asking {
    servers: Servers,
    hosts: files::Hosts,
    /// The last thing that kept a nameserver from answering.
    trouble: Option<Trouble>,
}

impl Asking {
    fn by_srv(&mut self, search: &Search<'_>) -> Result<Vec<Candidate>, DnsError> {
        let domain = search.domain.trim_end_matches('.');
        let of_domain = format!("_ldap._tcp.dc._msdcs.{domain}");
        let of_site = search
            .site
            .filter(|site| !site.contains('.'))
            .map(|site| format!("_ldap._tcp.{site}._sites.dc._msdcs.{domain}"));
        let mut found: Vec<Candidate> = Vec::new();
        for name in of_site.iter().chain([&of_domain]) {
            let Some(reply) = self.ask(name, RecordType::SRV) else {
                continue;
            };
            for target in in_order(reply.answers(), &mut random_below) {
                let is_new = |known: &Candidate| known.fqdn != target;
                if found.len() < MOST && found.iter().all(is_new) {
                    let addresses = self.addresses_with(&target, reply.additionals());
                    found.push(Candidate {
                        fqdn: target,
                        addresses,
                    });
                }
            }
        }
        if found.is_empty() {
            return Err(match self.trouble() {
                Some(trouble) => DnsError::NotAnswered(of_domain, trouble),
                None => DnsError::NoControllers(of_domain),
            });
        }
        Ok(found)
    }

    fn by_name(&mut self, names: &[String]) -> Vec<Candidate> {
        let names = names.iter().take(MOST).map(|name| name.to_lowercase());
        names
            .map(|fqdn| Candidate {
                addresses: self.addresses(&fqdn),
                fqdn,
            })
            .collect()
    }

    /// What the reply to an SRV question brought along, or else what a question of its own
    /// brings. The file `hosts` goes before both.
    fn addresses_with(&mut self, name: &str, additional: &[Record]) -> Vec<IpAddr> {
        if let Some(known) = self.hosts.addresses(name) {
            return known;
        }
        let brought = addresses_of(name, additional);
        if brought.is_empty() {
            self.addresses(name)
        } else {
            brought
        }
    }

    fn addresses(&mut self, name: &str) -> Vec<IpAddr> {
        if let Some(known) = self.hosts.addresses(name) {
            return known;
        }
        let mut found = Vec::new();
        for kind in [RecordType::A, RecordType::AAAA] {
            if let Some(reply) = self.ask(name, kind) {
                found.extend(addresses_of(name, reply.answers()));
            }
        }
        found.truncate(MOST_ADDRESSES);
        found
    }

    /// One question; what hinders is kept, and a name that is not there is no hindrance.
    fn ask(&mut self, name: &str, kind: RecordType) -> Option<Message> {
        match self.servers.ask(name, kind) {
            Ok(reply) => reply,
            Err(trouble) => {
                self.trouble = Some(trouble);
                None
            }
        }
    }

    fn trouble(&mut self) -> Option<Trouble> {
        self.trouble.take()
    }
}

/// The targets of SRV records, in the order in which to try them [RFC 2782]: by priority,
/// and among equals by lot, where a greater weight has a greater chance.
fn in_order(records: &[Record], below: &mut dyn FnMut(u32) -> u32) -> Vec<String> {
    let mut left: Vec<(u16, u16, String)> = records
        .iter()
        .filter_map(|record| match record.data() {
            RData::SRV(srv) => Some((srv.priority(), srv.weight(), host_name(srv.target())?)),
            _ => None,
        })
        .take(MOST)
        .collect();
    // Those of weight 0 first in each lot: the lot's number 0 means them.
    left.sort_by_key(|(priority, weight, _)| (*priority, *weight > 0));
    let mut order = Vec::new();
    while let Some((first, _, _)) = left.first() {
        let first = *first;
        let lot = left.iter().take_while(|(priority, ..)| *priority == first);
        let sum: u32 = lot.map(|(_, weight, _)| u32::from(*weight)).sum();
        let mut chosen = below(sum + 1);
        let mut index = 0;
        for (at, (_, weight, _)) in left.iter().enumerate() {
            index = at;
            match chosen.checked_sub(u32::from(*weight)) {
                Some(rest) if rest > 0 => chosen = rest,
                Some(_) | None => break,
            }
        }
        order.push(left.remove(index).2);
    }
    order
}

/// A number below `bound`. Without random numbers the order is merely always the same.
fn random_below(bound: u32) -> u32 {
    getrandom::u32().map_or(0, |number| number % bound.max(1))
}

/// A target as text, if it is the name of a host at all: it gets into Kerberos principals,
/// files and logs.
fn host_name(name: &Name) -> Option<String> {
    let text = name.to_ascii().trim_end_matches('.').to_lowercase();
    is_host_name(&text).then_some(text)
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// The addresses that records give a name, also by way of aliases.
fn addresses_of(name: &str, records: &[Record]) -> Vec<IpAddr> {
    let mut names = vec![name.to_owned()];
    for _ in 0..MOST_ALIASES {
        let alias = records.iter().find_map(|record| match record.data() {
            RData::CNAME(target) if is_for(record, names.last()?) => host_name(&target.0),
            _ => None,
        });
        match alias {
            Some(alias) if !names.contains(&alias) => names.push(alias),
            Some(_) | None => break,
        }
    }
    let mut found = Vec::new();
    for record in records {
        let address = match record.data() {
            RData::A(address) => IpAddr::V4(address.0),
            RData::AAAA(address) => IpAddr::V6(address.0),
            _ => continue,
        };
        let is_ours = names.iter().any(|name| is_for(record, name));
        if is_ours && found.len() < MOST_ADDRESSES && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

fn is_for(record: &Record, name: &str) -> bool {
    host_name(record.name()).as_deref() == Some(name)
}

#[cfg(test)]
mod tests;
