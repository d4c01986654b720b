//! `domlogon join`, `leave` and `testjoin`: a host and its domain in a directory.
//!
//! What the directory is asked is in [`domlogon_ad::join`]; here is what becomes of this
//! host: its configuration, its keytab, its daemon. Each step first looks whether it is done,
//! so a second run goes on where the first one was cut short.

mod arguments;
mod configuration;
mod error;
pub(crate) mod fuzzed;
mod host;
mod leaving;
mod report;
mod scratch;
mod service;
mod system;

pub(crate) use arguments::{Join, Leave, TestJoin};
pub(crate) use error::JoinError;
pub(crate) use leaving::run as leave;
pub(crate) use report::run as testjoin;

use crate::answer::Answer;
use crate::error::Error;
use crate::password;
use crate::words::visible;
use configuration::Configuration;
use domlogon_ad::join::{self, Authority, How, Joined, Wish};
use domlogon_protocol::{Secret, Timestamp};
use host::{Host, Names};
use scratch::Scratch;
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// What to do when the host is joined. A mistake in there ends by itself.
const NEXT: &str = "domlogon enable --confirm 120s";

/// What a run has changed on this host.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Done {
    configuration_written: bool,
    keytab_linked: bool,
    unit_written: bool,
    daemon_started: bool,
}

/// `domlogon join`
pub(crate) fn run(asked: &Join) -> Result<Answer, Error> {
    need_root("join")?;
    let host = Host::new(asked.root.as_deref());
    let scratch = Scratch::take()?;
    let dns_name = asked.realm.trim_end_matches('.').to_lowercase();
    let configuration = Configuration::read(&host)?;
    configuration.may_be_for(&dns_name, &host)?;
    let names = Names::new(&host, &dns_name, asked.name.as_deref());
    let choice = Choice {
        servers: configuration.servers_or(&asked.server),
        site: configuration.site_or(asked.site.as_deref()),
    };
    let desk = host.desk(&configuration, &scratch);
    host.make_state(&desk.state)?;
    join::process_defaults(&desk.profile);
    let place = desk.place(&dns_name, &names, &choice.servers, choice.site.as_deref());
    let resumed = join::resume(&place, asked.take_over, now()).map_err(JoinError::Join)?;
    let joined = match resumed {
        Some(joined) => joined,
        None => {
            let wish = Wish {
                ou: asked.ou.as_deref(),
                take_over: asked.take_over,
                system: system::of(&host),
                now: now(),
            };
            let authority = authority(asked, &place.realm)?;
            join::join(&place, &wish, &authority).map_err(JoinError::Join)?
        }
    };
    let mut done = Done::default();
    configuration.join(&host, &joined, &choice, &mut done)?;
    done.keytab_linked = host.link_keytab(&desk.state)?;
    done.unit_written = service::open_network(&host)?;
    let changed = done != Done::default() || joined.how != How::Already;
    let start = service::start(&host, changed);
    done.daemon_started = start == service::Start::Started;
    let resolves = desk.resolver.addresses(&names.full).is_ok();
    Ok(answer(&joined, &names, &done, start, resolves))
}

/// What is kept in the configuration beside the domain.
struct Choice {
    servers: Vec<String>,
    site: Option<String>,
}

fn authority(asked: &Join, realm: &str) -> Result<Authority, Error> {
    let secret = |what: &str| -> Result<Secret, Error> {
        if asked.password_stdin {
            return password::line(what);
        }
        password::ask_once(what).map_err(|error| match error {
            Error::NoTerminal(_) => Error::NoTerminal("--password-stdin"),
            other => other,
        })
    };
    if asked.one_time_password {
        return Ok(Authority::OneTime(secret(
            "One-time password of this host's account: ",
        )?));
    }
    let user = asked.user.clone();
    let password = secret(&format!("Password of {user} in {realm}: "))?;
    Ok(Authority::Administrator { user, password })
}

fn answer(
    joined: &Joined,
    names: &Names,
    done: &Done,
    start: service::Start,
    resolves: bool,
) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        changed: bool,
        how: &'static str,
        domain: &'a str,
        dns_name: &'a str,
        account: &'a str,
        dn: Option<&'a str>,
        controller: &'a str,
        site: Option<&'a str>,
        host: &'a str,
        host_resolves: bool,
        cleared: &'a [&'static str],
        not_cleared: &'a [&'static str],
        #[serde(flatten)]
        done: &'a Done,
        next: &'static str,
    }
    let (how, sentence) = match joined.how {
        How::Created => ("created", "made"),
        How::TakenOver => ("taken_over", "taken over, with a new password"),
        How::Prepared => ("prepared", "given its real password"),
        How::Finished => (
            "finished",
            "there from an earlier join, which is finished now",
        ),
        How::Already => ("already", "there already"),
    };
    let dn = joined.dn.as_deref();
    let mut text = format!(
        "{} is in the domain {} ({}).\n  account {}: {sentence}\n",
        names.full, joined.domain, joined.dns_name, joined.account
    );
    let mut line =
        |label: &str, value: &str| text.push_str(&format!("  {label}: {}\n", visible(value)));
    if let Some(dn) = dn {
        line("entry", dn);
    }
    let site = joined.site.as_deref();
    let place = site.map_or_else(
        || "this host's address is in no site".to_owned(),
        |site| format!("this host is in the site {site}"),
    );
    line("domain controller", &format!("{}; {place}", joined.server));
    let yes_no = |yes: bool, was: &'static str, is: &'static str| if yes { was } else { is };
    line(
        configuration::FILE,
        yes_no(done.configuration_written, "written", "kept as it was"),
    );
    line(
        host::KEYTAB,
        yes_no(
            done.keytab_linked,
            "linked to the host's keytab",
            "kept as it was",
        ),
    );
    line("domlogond", start.words());
    for name in &joined.cleared {
        line(name, "emptied: others could have got in by it");
    }
    for name in &joined.not_cleared {
        line(
            name,
            "others may get in by it: look whether that is meant, and have it emptied if not",
        );
    }
    if !resolves {
        text.push_str(&format!(
            "{} has no address in the DNS. If others are to reach this host by its name, have \
             it entered there: domlogon does not.\n",
            names.full
        ));
    }
    text.push_str(&format!(
        "See whether all is well: domlogon testjoin\n\
         Nobody of the domain logs on yet. Next, with a way back if it goes wrong:\n  {NEXT}\n"
    ));
    let shown = Shown {
        changed: joined.how != How::Already || *done != Done::default(),
        how,
        domain: &joined.domain,
        dns_name: &joined.dns_name,
        account: &joined.account,
        dn,
        controller: &joined.server,
        site,
        host: &names.full,
        host_resolves: resolves,
        cleared: &joined.cleared,
        not_cleared: &joined.not_cleared,
        done,
        next: NEXT,
    };
    Answer::yes(text, &shown)
}

fn need_root(command: &'static str) -> Result<(), JoinError> {
    if nix::unistd::geteuid().is_root() {
        Ok(())
    } else {
        Err(JoinError::NotRoot(command))
    }
}

fn now() -> Timestamp {
    // A clock before 1970 is one that the domain refuses by itself.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX))
}
