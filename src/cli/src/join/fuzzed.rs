//! A configuration that anybody wrote, edited in place: see [`crate::fuzzed`].

use super::configuration::Edit;
use toml::Value;

/// The configuration of a host that has joined, and of one that has left again; `None` if it is
/// not for us to change.
#[must_use]
pub fn joined(text: &str, dns: &str, servers: &[String]) -> Option<(String, String)> {
    let mut edit = Edit::new(text).ok()?;
    edit.set("domain", "dns_name", Value::from(dns)).ok()?;
    edit.set("domain", "backend", Value::from("directory"))
        .ok()?;
    edit.set("directory", "servers", Value::from(servers.to_vec()))
        .ok()?;
    let joined = edit.text();
    edit.leave().ok()?;
    Some((joined, edit.text()))
}
