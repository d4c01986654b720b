//! This host's names, and what keeps its secrets from leaving the process.

use crate::config::Config;
use domlogon_rules::Host;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};

/// The short name and the full one. A host that was given no domain counts as one of
/// the domain's own.
pub(crate) fn names(config: &Config) -> Host {
    let given = nix::unistd::gethostname().unwrap_or_default();
    names_of(given.to_string_lossy().trim(), &config.dns_name)
}

fn names_of(given: &str, dns_name: &str) -> Host {
    let given = if given.is_empty() { "localhost" } else { given };
    match given.split_once('.') {
        Some((short, _)) => Host {
            short: short.to_owned(),
            fqdn: given.to_owned(),
        },
        None => Host {
            short: given.to_owned(),
            fqdn: format!("{given}.{dns_name}"),
        },
    }
}

/// No core dump and no debugger of the same user may see a password on its way through,
/// and no file is made that others can read.
///
/// # Errors
/// The system's, if it does not have it so.
pub(crate) fn close_up() -> nix::Result<()> {
    umask(Mode::from_bits_truncate(0o077));
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    nix::sys::prctl::set_dumpable(false)
}

/// How many files may be open, after asking for enough.
///
/// # Errors
/// The system's, if it does not say.
pub(crate) fn open_files() -> nix::Result<u64> {
    const ENOUGH: u64 = 1024;
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = ENOUGH.min(most);
    if now >= wanted {
        return Ok(now);
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, most)?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_and_a_full_one() {
        for (given, short, fqdn) in [
            ("ws1", "ws1", "ws1.corp.example"),
            ("ws1.lab.corp.example", "ws1", "ws1.lab.corp.example"),
            ("", "localhost", "localhost.corp.example"),
        ] {
            let host = names_of(given, "corp.example");
            assert_eq!((&*host.short, &*host.fqdn), (short, fqdn));
        }
    }
}
