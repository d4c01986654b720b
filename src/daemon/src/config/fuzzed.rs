//! A configuration that anybody wrote: see [`crate::fuzzed`].

use super::{Config, HIGHEST_BASE, is_dns_name, is_field_path, is_home, is_path, is_short_name};
use domlogon_protocol::LOWEST_ID;
use std::path::Path;

/// Reads a configuration. What is taken is within the bounds that the manual promises.
///
/// # Errors
/// What is wrong, in one line and with an excerpt.
pub fn configuration(text: &str) -> Result<(), [String; 2]> {
    let read = Config::parse(Path::new("domlogon.toml"), text);
    let config = read.map_err(|error| [error.to_string(), format!("{error:#}")])?;
    assert!((LOWEST_ID..=HIGHEST_BASE).contains(&config.minimum));
    assert!((config.minimum..=HIGHEST_BASE).contains(&config.base));
    assert!(is_short_name(&config.name) && is_dns_name(&config.dns_name));
    assert!(config.database.to_str().is_some_and(is_path));
    assert!(is_home(&config.home) && is_field_path(&config.shell));
    if let Some(directory) = &config.directory {
        assert!(directory.offline.age >= 0 && directory.offline.tries > 0);
        assert!(directory.servers.iter().all(|server| is_dns_name(server)));
    }
    Ok(())
}
