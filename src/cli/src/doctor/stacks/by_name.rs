//! Lines of other modules that keep somebody out by his name, as he types it.

use super::super::finding::{Finding, Report};
use super::super::host::{Host, matches};
use super::super::pam::library::{Library, Step, flat};
use super::super::pam::{Kind, Rule};
use super::OURS;

/// Modules that say yes to nobody of the domain whose name is not spelled as it should be.
const LOCAL: [&str; 4] = ["pam_localuser", "pam_unix", "pam_rootok", "pam_succeed_if"];

const TIMES: &str = "/etc/security/time.conf";

pub(super) fn check(host: &Host, library: &Library, report: &mut Report) {
    let passwd = host.read("/etc/passwd").unwrap_or_default();
    let look = Look {
        host,
        locals: passwd
            .lines()
            .filter_map(|line| line.split(':').next())
            .collect(),
    };
    for service in library.services() {
        let stack = |kind| library.stack(service, kind);
        let auth = stack(Kind::Auth);
        for (kind, steps) in [
            (Kind::Auth, auth.clone()),
            (Kind::Account, stack(Kind::Account)),
        ] {
            let all = flat(&steps);
            if !all.iter().any(|step| step.is(OURS)) {
                continue;
            }
            for step in as_typed(service, kind, &all, &flat(&auth)) {
                let Some((rule, name)) = step.rule().and_then(|rule| {
                    let name = look.denied(service, rule)?;
                    Some((rule, name))
                }) else {
                    continue;
                };
                report.add(
                    Finding::warning(
                        "pam-deny-by-name",
                        format!(
                            "{} compares {name} with the name as it is typed",
                            rule.name()
                        ),
                    )
                    .at(&step.file, step.line)
                    .because(
                        "an account of the domain has more spellings, as ALICE, CORP\\alice and \
                         alice@corp.example for alice, and gets past this line by another",
                    )
                    .mend(
                        "go by a group (pam_listfile item=group, pam_succeed_if user notingroup \
                         GROUP), or by a right: domlogon rights grant 'deny network' NAME",
                    ),
                );
            }
        }
    }
}

/// The lines that see a name as it was typed. Our own gives the account's in its place when it
/// lets somebody in by a password, but to sshd, which refuses a name that changed.
fn as_typed<'a>(service: &str, kind: Kind, steps: &[&'a Step], auth: &[&'a Step]) -> Vec<&'a Step> {
    let before = |steps: &[&'a Step]| -> Vec<&'a Step> {
        let mut steps = steps.iter().copied();
        steps.by_ref().take_while(|step| !step.is(OURS)).collect()
    };
    let goes_past = || {
        let lets_in = |step: &&Step| {
            let rule = step.rule();
            rule.is_some_and(|rule| rule.control.leaps() && !LOCAL.contains(&rule.name()))
        };
        !auth.iter().any(|step| step.is(OURS)) || before(auth).iter().any(lets_in)
    };
    match kind {
        _ if service == "sshd" => steps.to_vec(),
        Kind::Auth => before(steps),
        Kind::Account if goes_past() => steps.to_vec(),
        Kind::Account | Kind::Password | Kind::Session => Vec::new(),
    }
}

/// What is looked into for names.
struct Look<'a> {
    host: &'a Host,
    locals: Vec<&'a str>,
}

impl Look<'_> {
    /// A name that this line keeps out of the service and that is no local user's, who has no
    /// other spelling.
    fn denied(&self, service: &str, rule: &Rule) -> Option<String> {
        let value = |key: &str| {
            let mut words = rule.arguments.iter();
            words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
        };
        match rule.name() {
            "pam_listfile" if value("item") == Some("user") && value("sense") == Some("deny") => {
                let text = self.host.read(value("file")?)?;
                let names = text.lines().map(str::trim);
                self.foreign(names.filter(|name| !name.starts_with('#')))
            }
            "pam_time" => {
                let text = self.host.read(value("conffile").unwrap_or(TIMES))?;
                self.foreign(timed(service, &text.replace("\\\n", " ")).into_iter())
            }
            "pam_succeed_if" if !rule.arguments.iter().any(|word| word == "use_uid") => {
                self.foreign(conditions(&rule.arguments))
            }
            _ => None,
        }
    }

    fn foreign<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> Option<String> {
        let is_local = |name: &str| self.locals.iter().any(|local| matches(name, local));
        let found = names.find(|name| !name.is_empty() && !is_local(name));
        found.map(str::to_owned)
    }
}

/// The names in a `time.conf` whose logon at this service is bound to some hours.
fn timed<'t>(service: &str, text: &'t str) -> Vec<&'t str> {
    let words = |list: &'t str| list.split(['&', '|']).map(str::trim);
    let mut names = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let fields: Vec<&str> = line.split(';').collect();
        let [services, _, users, _] = &fields[..] else {
            continue;
        };
        let is_meant = |word: &str| word.starts_with('!') || matches(word, service);
        if words(services).any(is_meant) {
            let users = words(users).map(|word| word.trim_start_matches('!').trim());
            names.extend(users.filter(|name| *name != "*" && !name.starts_with('@')));
        }
    }
    names
}

/// The names that a `pam_succeed_if` refuses.
fn conditions(arguments: &[String]) -> impl Iterator<Item = &str> {
    arguments.windows(3).flat_map(|words| {
        let (list, between) = match words {
            [what, how, name] if what == "user" => match how.as_str() {
                "!=" | "!~" => (name.as_str(), None),
                "notin" => (name.as_str(), Some(':')),
                _ => ("", None),
            },
            _ => ("", None),
        };
        list.split(move |c| Some(c) == between)
    })
}
