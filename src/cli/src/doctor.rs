//! `domlogon doctor`: reads the host, and says what is wrong and how to mend it.
//!
//! It changes nothing. The findings are the worst first; the exit status is 0 for a healthy
//! host, 1 for findings, and 2 where it could not look.

mod clock;
mod files;
mod finding;
pub(crate) mod fuzzed;
mod host;
mod modules;
mod names;
mod pam;
mod program;
mod running;
mod service;
mod sshd;
mod stacks;
mod switch;

pub(crate) use files::daemon_reads;

use crate::answer::{Answer, Exit};
use crate::daemon::Daemon;
use crate::error::Error;
use clap::Args;
use finding::{Finding, Report};
use host::Host;
use modules::Modules;
use names::Names;
use nix::unistd::geteuid;
use pam::library::Library;
use std::path::PathBuf;

/// What is asked of the doctor.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status:
  0  nothing is wrong
  1  something was found
  2  could not look: no such folder, or a file that all hangs on cannot be read

Examples:
  domlogon doctor
  domlogon doctor --json | jq -r '.findings[].code'
  domlogon doctor --root /mnt      # the files of a host that does not run")]
pub(crate) struct Doctor {
    /// Look at the files of another root tree; nothing that runs is asked.
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
}

pub(crate) fn run(asked: &Doctor, daemon: &Daemon) -> Result<Answer, Error> {
    let host = match &asked.root {
        None => Host::this(),
        Some(root) => Host::at(root).map_err(|error| Error::NoRoot(root.clone(), error))?,
    };
    let report = examine(&host, daemon);
    let exit = if report.blind {
        Exit::CouldNotTell
    } else if report.healthy {
        Exit::Yes
    } else {
        Exit::No
    };
    Ok(Answer::yes(report.text(), &report).with(exit))
}

fn examine(host: &Host, daemon: &Daemon) -> Report {
    let mut report = Report::default();
    let modules = Modules::find(host);
    let names = Names::read(host);
    let turned_on = switch::is_ours(host) || stacks::are_ours(&Library::read(host));
    // In the order of what they guard: among findings of one severity it stays.
    stacks::check(host, &modules, turned_on, &mut report);
    files::of_the_system(host, &modules, &mut report);
    sshd::check(host, turned_on, &mut report);
    if turned_on {
        of_domlogon(host, daemon, &modules, &names, &mut report);
    } else {
        off(host, &mut report);
    }
    service::unfinished(host, &mut report);
    for unread in host.unread() {
        report.skip(unread);
    }
    if !host.live {
        report.skip("the daemon, its accounts, its sockets and the clock: another root tree");
    }
    report.finish();
    report
}

fn of_domlogon(
    host: &Host,
    daemon: &Daemon,
    modules: &Modules,
    names: &Names,
    report: &mut Report,
) {
    files::of_domlogon(host, names, report);
    if host.live {
        let answers = running::check(daemon, report);
        // Not asked again where it hangs: each question would wait for its end.
        let accounts = if answers {
            running::accounts(daemon)
        } else {
            None
        };
        match accounts {
            Some((users, groups)) => {
                names::clashes(host, names, &users, &groups, report);
                running::administrator(&users, &groups, host.now, report);
            }
            None if answers && !geteuid().is_root() => {
                report.skip("the accounts of the domain: run the command as root");
            }
            None => report.skip("the accounts of the domain: they are not known"),
        }
    }
    switch::check(host, modules, report);
    service::check(host, names, report);
    clock::check(host, report);
    names::ranges(host, names, report);
    names::places(host, names, report);
    switch::cache(host, report);
}

fn off(host: &Host, report: &mut Report) {
    if report.blind {
        return;
    }
    let is_installed = host.exists("/etc/domlogon") || host.exists("/usr/sbin/domlogond");
    let mend = if is_installed {
        "domlogon enable --confirm 120s"
    } else {
        "domlogon setup, and then domlogon enable --confirm 120s"
    };
    report.add(
        Finding::warning("not-turned-on", "domlogon is not turned on")
            .because("neither nsswitch.conf nor any PAM stack names it")
            .mend(mend),
    );
}

#[cfg(test)]
mod tests;
