//! Names and numbers of the domain that this host uses for something else.

use super::finding::{Finding, Report};
use super::host::Host;
use crate::words::shell_word;
use domlogon_protocol::UserName;
use domlogon_protocol::admin::{GroupRecord, UserRecord};
use domlogon_rules::is_root;
use std::collections::HashSet;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
const SUBUID: &str = "/etc/subuid";
const SUBGID: &str = "/etc/subgid";
const LOGIN_DEFS: &str = "/etc/login.defs";
const CONFIGURATION: &str = "/etc/domlogon/domlogon.toml";

/// The first id that domlogon gives, where its configuration does not say otherwise.
const USUAL_BASE: u32 = 1_900_000_000;

/// The last one: the kernel's interfaces are not safe with higher ones.
const HIGHEST: u32 = i32::MAX as u32;

/// A line of /etc/passwd or /etc/group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) id: u32,
    /// Of a user, the primary group.
    pub(crate) gid: u32,
}

/// This host's own names, and what the configuration says of numbers and folders.
#[derive(Debug)]
pub(crate) struct Names {
    users: Vec<Entry>,
    groups: Vec<Entry>,
    base: u32,
    home: String,
    shell: String,
}

impl Names {
    pub(crate) fn read(host: &Host) -> Self {
        let entries = |path| host.read(path).map_or_else(Vec::new, |text| entries(&text));
        let text = host.read(CONFIGURATION).unwrap_or_default();
        // A file with a mistake is the daemon's to tell of.
        let toml: toml::Table = text.parse().unwrap_or_default();
        let value = |section: &str, key: &str| toml.get(section)?.get(key).cloned();
        let text = |key: &str, usual: &str| {
            let found = value("accounts", key);
            let found = found.as_ref().and_then(toml::Value::as_str);
            found.unwrap_or(usual).to_owned()
        };
        let base = value("ids", "base").and_then(|base| base.as_integer());
        Self {
            users: entries(PASSWD),
            groups: entries(GROUP),
            base: base
                .and_then(|base| u32::try_from(base).ok())
                .unwrap_or(USUAL_BASE),
            home: text("home", "/home/{user}"),
            shell: text("shell", "/bin/bash"),
        }
    }

    pub(crate) fn local_user(&self, name: &str) -> Option<&Entry> {
        self.users.iter().find(|user| user.name == name)
    }
}

pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, id, rest @ ..] = &fields[..] else {
            continue;
        };
        let Ok(id) = id.parse() else { continue };
        entries.push(Entry {
            line: index + 1,
            name: (*name).to_owned(),
            id,
            gid: rest.first().and_then(|gid| gid.parse().ok()).unwrap_or(0),
        });
    }
    entries
}

/// A line of /etc/subuid or /etc/subgid: the ids that somebody may take.
struct Range {
    line: usize,
    owner: String,
    start: u32,
    end: u32,
}

fn subordinates(host: &Host, path: &str) -> Vec<Range> {
    let text = host.read(path).unwrap_or_default();
    let ranges = text.lines().enumerate().filter_map(|(index, line)| {
        let fields: Vec<&str> = line.split(':').collect();
        let [owner, start, count] = &fields[..] else {
            return None;
        };
        let (start, count) = (
            start.parse::<u32>().ok()?,
            count.trim().parse::<u32>().ok()?,
        );
        Some(Range {
            line: index + 1,
            owner: owner.trim().to_owned(),
            start,
            end: start.saturating_add(count.checked_sub(1)?),
        })
    });
    ranges.collect()
}

/// Numbers that the domain and this host both give.
pub(crate) fn ranges(host: &Host, names: &Names, report: &mut Report) {
    for (path, entries, what) in [
        (PASSWD, &names.users, "user"),
        (GROUP, &names.groups, "group"),
    ] {
        let inside = |entry: &&Entry| (names.base..=HIGHEST).contains(&entry.id);
        if let Some(entry) = entries.iter().find(inside) {
            report.add(
                Finding::error(
                    "id-in-domain-range",
                    format!(
                        "the local {what} {} has id {}, of the domain's range",
                        entry.name, entry.id
                    ),
                )
                .at(path, entry.line)
                .because("an account of the domain may get the same id, and with it the files")
                .mend(format!(
                    "give it an id below {}, or set base in {CONFIGURATION}",
                    names.base
                )),
            );
        }
    }
    for (path, what) in [(SUBUID, "user"), (SUBGID, "group")] {
        for range in subordinates(host, path) {
            let Range { start, end, .. } = range;
            if end >= names.base && start <= HIGHEST {
                report.add(
                    Finding::error(
                        "subordinate-range",
                        format!("the subordinate {what} ids {start} to {end} reach into the domain's range"),
                    )
                    .at(path, range.line)
                    .because("a container of this user could work as a user of the domain")
                    .mend(format!("choose a range below {}, or set base in {CONFIGURATION}", names.base)),
                );
            }
        }
    }
    for (index, line) in host
        .read(LOGIN_DEFS)
        .unwrap_or_default()
        .lines()
        .enumerate()
    {
        let mut words = line.split_whitespace();
        let (Some(key), Some(value)) = (words.next(), words.next()) else {
            continue;
        };
        let is_end = ["UID_MAX", "GID_MAX", "SUB_UID_MAX", "SUB_GID_MAX"].contains(&key);
        if is_end
            && value
                .parse::<u64>()
                .is_ok_and(|value| value >= u64::from(names.base))
        {
            report.add(
                Finding::warning(
                    "login-defs-range",
                    format!("{key} {value} reaches into the domain's range"),
                )
                .at(LOGIN_DEFS, index + 1)
                .because("useradd may give an id that an account of the domain has")
                .mend(format!(
                    "set {key} below {}, or set base in {CONFIGURATION}",
                    names.base
                )),
            );
        }
    }
}

/// Where new accounts would live, and with what shell.
pub(crate) fn places(host: &Host, names: &Names, report: &mut Report) {
    let before = names.home.split("{user}").next().unwrap_or_default();
    let parent = before.rsplit_once('/').map_or("/", |(parent, _)| parent);
    if !parent.is_empty() && !host.stat(parent).is_some_and(|found| found.is_dir()) {
        report.add(
            Finding::warning("home-parent-missing", "there is no such folder")
                .at(parent, None)
                .because(format!("homes are made there ({})", names.home))
                .mend(format!(
                    "mount it, or: mkdir -m 0755 {}",
                    shell_word(parent)
                )),
        );
    }
    shell(host, &names.shell, "new accounts", report);
}

fn shell(host: &Host, shell: &str, whose: &str, report: &mut Report) {
    // A shell that ends at once is a way to say no, and is in no list on purpose.
    if shell.ends_with("/nologin") || shell.ends_with("/false") || shell.is_empty() {
        return;
    }
    if !host.exists(shell) {
        if !host.exists("/bin/sh") {
            report.skip("shells: there are no programs here");
            return;
        }
        report.add(
            Finding::error(
                "shell-missing",
                format!("the shell of {whose} is not installed"),
            )
            .at(shell, None)
            .because("the session ends as soon as it begins")
            .mend("install it, or: domlogon user set NAME --shell /bin/bash"),
        );
        return;
    }
    const SHELLS: &str = "/etc/shells";
    let Some(text) = host.read(SHELLS) else {
        return;
    };
    if !text.lines().any(|line| line.trim() == shell) {
        report.add(
            Finding::warning(
                "shell-not-listed",
                format!("{shell}, the shell of {whose}, is not in it"),
            )
            .at(SHELLS, None)
            .because("ftp servers and su refuse, or take another shell")
            .mend(format!("echo {} >> {SHELLS}", shell_word(shell))),
        );
    }
}

/// Accounts and groups of the domain, beside the local ones.
pub(crate) fn clashes(
    host: &Host,
    names: &Names,
    users: &[UserRecord],
    groups: &[GroupRecord],
    report: &mut Report,
) {
    lent(host, users, groups, report);
    passed_over(users, report);
    for user in users {
        let key = UserName::fold(&user.name);
        if let Some(local) = names
            .users
            .iter()
            .find(|local| UserName::fold(&local.name) == key)
        {
            report.add(
                Finding::error(
                    "name-clash",
                    format!("{} is an account of the domain, too", local.name),
                )
                .at(PASSWD, local.line)
                .because("the local one is meant by that name, and the other cannot log on")
                .mend(format!(
                    "rename or delete one: domlogon user delete {}",
                    shell_word(&user.name)
                )),
            );
        }
        if let Some(local) = names.users.iter().find(|local| local.id == user.uid) {
            report.add(
                Finding::danger(
                    "id-clash",
                    format!(
                        "{} has the user id {} of {}, of the domain",
                        local.name, local.id, user.name
                    ),
                )
                .at(PASSWD, local.line)
                .because("the two are one person to the kernel, with the same files")
                .mend(format!(
                    "usermod --uid OTHER {}, and give it its files again",
                    shell_word(&local.name)
                )),
            );
        }
        let whose = format!("{} and perhaps others", user.name);
        let usual = user.shell == names.shell;
        shell(
            host,
            &user.shell,
            if usual { "new accounts" } else { &whose },
            report,
        );
    }
    for group in groups.iter().filter(|group| !group.built_in) {
        let key = UserName::fold(&group.name);
        if let Some(local) = names
            .groups
            .iter()
            .find(|local| UserName::fold(&local.name) == key)
        {
            report.add(
                Finding::error(
                    "name-clash",
                    format!("{} is a group of the domain, too", local.name),
                )
                .at(GROUP, local.line)
                .because("the local one is meant by that name, and the other has no members here")
                .mend(format!(
                    "rename or delete one: domlogon group delete {}",
                    shell_word(&group.name)
                )),
            );
        }
        if let Some(local) = names.groups.iter().find(|local| local.id == group.gid) {
            report.add(
                Finding::danger(
                    "id-clash",
                    format!(
                        "{} has the group id {} of {}, of the domain",
                        local.name, local.id, group.name
                    ),
                )
                .at(GROUP, local.line)
                .because("the members of the one are members of the other")
                .mend(format!(
                    "groupmod --gid OTHER {}, and give it its files again",
                    shell_word(&local.name)
                )),
            );
        }
    }
}

/// Accounts and groups of the domain whose ids a local user may take by subuid(5). Root's ranges
/// hide nobody: root becomes whom he likes without them.
fn lent(host: &Host, users: &[UserRecord], groups: &[GroupRecord], report: &mut Report) {
    for (path, kind) in [(SUBUID, "subuids"), (SUBGID, "subgids")] {
        for range in subordinates(host, path) {
            let Range { start, end, .. } = range;
            let is_in = |id: u32| (start..=end).contains(&id);
            let all: Vec<String> = if path == SUBUID {
                let users = users.iter().filter(|user| is_in(user.uid));
                let users = users.map(|user| format!("{} ({})", user.name, user.uid));
                users.collect()
            } else {
                let groups = groups.iter().filter(|group| is_in(group.gid));
                let known: HashSet<u32> = groups.clone().map(|group| group.gid).collect();
                let named = groups.map(|group| format!("the group {} ({})", group.name, group.gid));
                // Of a group that this host has not met, those who have it as their primary one.
                let is_unmet = |user: &&UserRecord| is_in(user.gid) && !known.contains(&user.gid);
                let users = users.iter().filter(is_unmet);
                let users =
                    users.map(|user| format!("the primary group of {} ({})", user.name, user.gid));
                named.chain(users).collect()
            };
            if all.is_empty() || is_root(&range.owner) {
                continue;
            }
            report.add(
                Finding::danger(
                    "subordinate-id-clash",
                    format!("{} may take the ids of {}", range.owner, some(&all)),
                )
                .at(path, range.line)
                .because("none of them is known here as long as that is so")
                .mend(format!(
                    "usermod --del-{kind} {start}-{end} --add-{kind} FIRST-LAST {}, \
                     with a range that nobody has",
                    shell_word(&range.owner)
                )),
            );
        }
    }
}

/// Accounts whose home in the directory is not theirs here.
fn passed_over(users: &[UserRecord], report: &mut Report) {
    let home = |user: &UserRecord| {
        Some(format!(
            "{} ({})",
            user.name,
            user.passed_over_home.as_ref()?
        ))
    };
    let all: Vec<String> = users.iter().filter_map(home).collect();
    if !all.is_empty() {
        report.add(
            Finding::warning(
                "home-passed-over",
                format!(
                    "another home here than unixHomeDirectory says: {}",
                    some(&all)
                ),
            )
            .because(
                "it is taken only in the form of accounts.home or one of directory.homes, with \
                 the name that the account has now",
            )
            .mend(format!(
                "name its form in directory.homes in {CONFIGURATION}, such as \
                 \"/export/home/{{user}}\" or \"/home/{{initial}}/{{user}}\", and: systemctl restart \
                 domlogond; or, as after an account was renamed, move the folder and have \
                 unixHomeDirectory set"
            )),
        );
    }
}

/// The first of many, and how many more there are.
fn some(all: &[String]) -> String {
    const MOST: usize = 20;
    let shown = all
        .iter()
        .take(MOST)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match all.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
