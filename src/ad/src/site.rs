//! The site that this host is in, which only a domain controller knows.

mod netlogon;

pub use netlogon::{Controller, Malformed};

use crate::ldap::{Connection, Filter, LdapError, Scope, Search};

/// NETLOGON_NT_VERSION_5 and _5EX: answer in the form that [`Controller::parse`] reads.
const VERSION: [u8; 4] = [6, 0, 0, 0];

/// What the controller says of itself and of the site of this host: the attribute Netlogon
/// of its rootDSE [ADTS 6.3.3]. `None` if it does not say it, as for another domain.
///
/// It is asked over a connection that is sealed, where nobody else can answer in its place.
///
/// # Errors
/// [`LdapError`]
pub(crate) fn ask(
    connection: &mut Connection,
    domain: &str,
    host: &str,
) -> Result<Option<Controller>, LdapError> {
    let search = Search {
        base: "",
        scope: Scope::Base,
        filter: Filter::And(vec![
            Filter::equal("DnsDomain", domain),
            Filter::equal("Host", host),
            Filter::Equal("NtVer", VERSION.to_vec()),
        ]),
        attributes: &["Netlogon"],
        limit: 1,
    };
    let found = connection.search(&search)?;
    let value = found.first().and_then(|entry| entry.value("Netlogon"));
    Ok(value.and_then(|value| Controller::parse(value).ok()))
}
