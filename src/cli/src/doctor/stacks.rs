//! The PAM stacks: what they are made of, and what they do to local and to domain users.

mod by_name;
mod domain;
mod gaps;
mod place;
mod profile;
mod scene;

use super::finding::{Finding, Report, Severity};
use super::host::Host;
use super::modules::Modules;
use super::pam::control::Action;
use super::pam::library::{FOLDER, Library, VENDOR};
use super::pam::{Directive, Kind, Rule};
use crate::words::shell_word;

/// Our module's name.
const OURS: &str = "pam_domlogon";

/// Modules of other products that know accounts of a domain.
const PRODUCTS: [&str; 13] = [
    "pam_sss",
    "pam_winbind",
    "pam_krb5",
    "pam_ldap",
    "pam_kanidm",
    "pam_himmelblau",
    "pam_authd",
    "pam_authd_exec",
    "pam_lsass",
    "pam_lwidentity",
    "pam_centrifydc",
    "pam_vas3",
    "pam_aad",
];

/// The lines that we ship, as a person would write them into a file.
const ACCOUNT: &str = "account [success=ok new_authtok_reqd=ok user_unknown=ignore default=bad] \
                       pam_domlogon.so";
const SESSION: &str = "session optional pam_domlogon.so";

/// Those whose yes leaps over as many lines.
fn jumping(kind: Kind, jump: usize) -> String {
    let ignored = if kind == Kind::Auth {
        "user_unknown=ignore authinfo_unavail=ignore system_err=ignore service_err=ignore \
         open_err=ignore symbol_err=ignore module_unknown=ignore"
    } else {
        "user_unknown=ignore open_err=ignore symbol_err=ignore module_unknown=ignore"
    };
    format!(
        "{} [success={jump} {ignored} default=die] pam_domlogon.so",
        kind.word()
    )
}

/// Whether a line of PAM names our module.
pub(crate) fn are_ours(library: &Library) -> bool {
    rules(library).any(|(_, _, rule)| rule.name() == OURS)
}

/// Looks at all stacks; `turned_on` as soon as anything of domlogon is in use.
pub(crate) fn check(host: &Host, modules: &Modules, turned_on: bool, report: &mut Report) {
    let library = Library::read(host);
    if library.is_empty() {
        if host.unread().iter().any(|path| path.starts_with(FOLDER)) {
            report.blind = true;
        }
        report.skip(format!("PAM stacks: no file of {FOLDER} could be read"));
        return;
    }
    readable(&library, report);
    installed(host, &library, modules, report);
    for service in library.services() {
        scene::local_users(host, &library, modules, service, report);
    }
    if turned_on {
        domain::check(host, &library, modules, report);
        by_name::check(host, &library, report);
        profile::check(host, report);
    }
}

/// What libpam cannot read makes it refuse everybody.
fn readable(library: &Library, report: &mut Report) {
    for (file, line, fault) in library.broken() {
        report.add(
            Finding::danger(
                "pam-line-broken",
                format!("libpam cannot read this line: {fault}"),
            )
            .at(file, line)
            .because("it refuses everybody, root too, by every service that uses this file")
            .mend("correct the line, or take it out"),
        );
    }
    for (file, line, target) in library.dangling() {
        report.add(
            Finding::danger(
                "pam-include-missing",
                format!("there is no {target} to include"),
            )
            .at(file, line)
            .because("libpam refuses everybody, root too, by every service that uses this file")
            .mend(format!("take the line out, or put {FOLDER}/{target} back")),
        );
    }
    for file in library.files() {
        if let Some(line) = file.carriage {
            report.add(
                Finding::danger("pam-carriage-return", "the line ends in a carriage return")
                    .at(&file.path, line)
                    .because("libpam takes it as a part of the last word and finds no such module")
                    .mend(format!("sed -i 's/\\r$//' {}", shell_word(&file.path))),
            );
        }
    }
}

/// Lines whose module is not there.
fn installed(host: &Host, library: &Library, modules: &Modules, report: &mut Report) {
    if !modules.are_known() {
        report.skip("whether the PAM modules are installed: there is no folder of them here");
        return;
    }
    for (file, line, rule) in rules(library) {
        if !modules.files(host, &rule.module).is_empty() {
            continue;
        }
        let action = rule.control.action("module_unknown");
        let refuses = action.refuses() || matches!(action, Action::Jump(_));
        // Somebody has thought of it.
        if !refuses && (rule.quiet || rule.control.names("module_unknown")) {
            continue;
        }
        let name = rule.name();
        // A distribution's own file counts on other packages being there, or not.
        if !refuses && name != OURS && file.starts_with(VENDOR) {
            continue;
        }
        let is_told =
            |seen: &Finding| seen.code == "pam-module-missing" && seen.what.contains(OURS);
        if name == OURS && report.findings.iter().any(is_told) {
            continue;
        }
        let from = if PRODUCTS.contains(&name) {
            " (left over from another product)"
        } else {
            ""
        };
        let what = format!("the module {} is not installed{from}", rule.module);
        let mend = if name == OURS {
            "install libpam-domlogon, or run: domlogon disable".to_owned()
        } else {
            "take the line out, or install the package that has the module".to_owned()
        };
        let (severity, why) = match (name == OURS, refuses) {
            (true, _) => (Severity::Error, "nobody of the domain can log on"),
            (false, true) => (
                Severity::Danger,
                "this line refuses everybody who comes to it, root too",
            ),
            (false, false) => (
                Severity::Warning,
                "each logon writes an error to the log, and does without it",
            ),
        };
        report.add(
            Finding::new(severity, "pam-module-missing", what)
                .at(file, line)
                .because(why)
                .mend(mend),
        );
    }
}

/// All lines with a module: file, line, rule.
fn rules(library: &Library) -> impl Iterator<Item = (&str, usize, &Rule)> {
    library.files().flat_map(|file| {
        file.lines.iter().filter_map(|line| match &line.directive {
            Directive::Module(rule) => Some((file.path.as_str(), line.number, rule)),
            _ => None,
        })
    })
}

/// The paths of all modules in use.
pub(crate) fn modules_in_use(host: &Host, modules: &Modules) -> Vec<String> {
    let library = Library::read(host);
    let mut paths: Vec<String> = rules(&library)
        .flat_map(|(_, _, rule)| modules.files(host, &rule.module))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}
