//! The three questions, and what is guessed.

use super::arguments::Setup;
use super::configuration::{Existing, Names, is_dns_name, is_short_name};
use super::error::SetupError;
use crate::error::Error;
use crate::password;
use domlogon_protocol::Secret;
use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};

/// The domain's names: as given, or as configured, or asked for.
pub(crate) fn names(asked: &Setup, existing: &Existing) -> Result<Names, SetupError> {
    let given = (asked.domain.clone(), asked.dns_name.clone());
    let names = match (given, existing.chosen()) {
        ((None, None), Some(chosen)) => return Ok(chosen.clone()),
        ((Some(short), Some(dns)), _) => Names { short, dns },
        // What was chosen stands for what is not said again.
        ((Some(short), None), Some(chosen)) => Names {
            short,
            dns: chosen.dns.clone(),
        },
        ((None, Some(dns)), Some(chosen)) => Names {
            short: chosen.short.clone(),
            dns,
        },
        ((short, dns), None) => {
            let guessed = guess(
                &host(),
                &fs::read_to_string("/etc/hosts").unwrap_or_default(),
            );
            let short = match short {
                Some(short) => short,
                None => {
                    let question = format!(
                        "Short name of the domain, as in {}\\alice [{}]: ",
                        guessed.short, guessed.short
                    );
                    let answer = ask(&question, "--domain NAME")?;
                    if answer.is_empty() {
                        guessed.short
                    } else {
                        answer
                    }
                }
            };
            let dns = dns.or(guessed.found_dns).unwrap_or_else(|| dns_of(&short));
            Names { short, dns }
        }
    };
    if !is_short_name(&names.short) {
        return Err(SetupError::ShortName(names.short));
    }
    if !is_dns_name(&names.dns) {
        return Err(SetupError::DnsName(names.dns));
    }
    Ok(names)
}

pub(crate) fn administrator(asked: &Setup) -> Result<String, SetupError> {
    if let Some(name) = &asked.administrator {
        return Ok(name.clone());
    }
    ask(
        "Name of the first administrator (no user of this host's own): ",
        "--administrator NAME",
    )
}

pub(crate) fn password(asked: &Setup, name: &str) -> Result<Secret, Error> {
    if asked.password_stdin {
        return password::from_standard_input(name);
    }
    if !io::stdin().is_terminal() {
        return Err(SetupError::NoTerminal("--password-stdin").into());
    }
    password::ask_twice(name)
}

/// One line from the terminal. The questions are on standard error: standard output is the
/// answer's.
fn ask(question: &str, option: &'static str) -> Result<String, SetupError> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Err(SetupError::NoTerminal(option));
    }
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question}");
    let _ = stderr.flush();
    let mut line = String::new();
    let count = stdin
        .lock()
        .read_line(&mut line)
        .map_err(SetupError::Input)?;
    if count == 0 {
        return Err(SetupError::Input(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(line.trim().to_owned())
}

/// What the host's own name says about its domain.
#[derive(Debug, PartialEq, Eq)]
struct Guess {
    short: String,
    /// The DNS name, if this host has one.
    found_dns: Option<String>,
}

fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default()
}

/// From the host's name, or from the line that names it in /etc/hosts.
fn guess(host: &str, hosts: &str) -> Guess {
    let host = host.trim();
    let domain_of = |name: &str| {
        let (first, domain) = name.split_once('.')?;
        let is_host = host.split('.').next() == Some(first);
        // "localdomain" is what installers write for none.
        let good = is_host && is_dns_name(domain) && !domain.starts_with("localdomain");
        good.then(|| domain.to_lowercase())
    };
    let in_hosts = || {
        hosts
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default())
            .flat_map(|line| line.split_whitespace().skip(1))
            .find_map(domain_of)
    };
    let found_dns = domain_of(host).or_else(in_hosts);
    let short = found_dns
        .as_deref()
        .and_then(|dns| dns.split('.').next())
        .map(|label| label.chars().take(15).collect::<String>().to_uppercase())
        .filter(|short| is_short_name(short))
        .unwrap_or_else(|| "CORP".to_owned());
    Guess { short, found_dns }
}

/// `internal` is reserved for names that nobody else gives out (ICANN, 2024).
fn dns_of(short: &str) -> String {
    let label: String = short
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let label = label.trim_matches('-');
    if label.is_empty() {
        "domain.internal".to_owned()
    } else {
        format!("{label}.internal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_guessed_from_the_host() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1 pc1.acme.example pc1 # x.y\n";
        for (host, hosts, short, dns) in [
            ("pc1.corp.example\n", "", "CORP", Some("corp.example")),
            ("pc1\n", hosts, "ACME", Some("acme.example")),
            ("pc2", hosts, "CORP", None),
            ("", "", "CORP", None),
            ("localhost", "127.0.0.1 localhost.localdomain", "CORP", None),
            (
                "a.very-long-first-label.org",
                "",
                "VERY-LONG-FIRST",
                Some("very-long-first-label.org"),
            ),
        ] {
            let guessed = guess(host, hosts);
            assert_eq!(guessed.short, short, "{host}");
            assert_eq!(guessed.found_dns.as_deref(), dns, "{host}");
        }
    }

    #[test]
    fn every_short_name_gives_a_dns_name() {
        for (short, dns) in [
            ("CORP", "corp.internal"),
            ("ÄRZTE", "rzte.internal"),
            ("A_B!", "a-b.internal"),
            ("Ä", "domain.internal"),
        ] {
            assert_eq!(dns_of(short), dns);
            assert!(is_dns_name(dns));
        }
    }
}
