//! sshd: whether PAM decides, and what users will and will not see.

mod names;

use super::finding::{Finding, Report};
use super::host::Host;
use super::program;
use std::collections::BTreeMap;

const FILE: &str = "/etc/ssh/sshd_config";
const FOLDER: &str = "/etc/ssh";

/// Includes in includes, as sshd bounds them.
const DEEPEST: u32 = 16;

/// More lines than this are a ring.
const MOST_LINES: usize = 20_000;

/// The keywords that we look at, and what they are without a line.
const DEFAULTS: [(&str, &str); 6] = [
    ("usepam", "no"),
    ("passwordauthentication", "yes"),
    ("kbdinteractiveauthentication", "yes"),
    ("pubkeyauthentication", "yes"),
    ("permitemptypasswords", "no"),
    ("gssapiauthentication", "no"),
];

/// What other programs open when a ticket for this host is shown to them; `join` makes it.
const KEYTAB: &str = "/etc/krb5.keytab";

/// A value and where it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) value: String,
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// What the files say: for everybody, and for those whom a Match block names.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    pub(crate) global: BTreeMap<String, Setting>,
    pub(crate) matched: Vec<(String, Setting)>,
    /// The names and patterns of all `Match User`, as they are written.
    users: Vec<Setting>,
    /// Those of all `DenyUsers` and `AllowUsers`, and whether it is the former.
    lists: Vec<(bool, Setting)>,
    lines: usize,
}

impl Configuration {
    pub(crate) fn read(host: &Host) -> Self {
        let mut configuration = Self::default();
        let mut in_match = false;
        configuration.file(host, FILE, &mut in_match, 0);
        configuration
    }

    fn file(&mut self, host: &Host, path: &str, in_match: &mut bool, depth: u32) {
        let Some(text) = host.read(path).filter(|_| depth <= DEEPEST) else {
            return;
        };
        for (index, line) in text.lines().enumerate() {
            self.lines += 1;
            if self.lines > MOST_LINES {
                return;
            }
            let Some((keyword, arguments)) = directive(line) else {
                continue;
            };
            match keyword.as_str() {
                "match" => {
                    let all = arguments.len() == 1
                        && arguments
                            .iter()
                            .all(|word| word.eq_ignore_ascii_case("all"));
                    *in_match = !all;
                    self.users.extend(users(&arguments).map(|name| Setting {
                        value: name.to_owned(),
                        file: path.to_owned(),
                        line: index + 1,
                    }));
                }
                "include" => {
                    for pattern in &arguments {
                        let whole = if pattern.starts_with('/') {
                            pattern.clone()
                        } else {
                            format!("{FOLDER}/{pattern}")
                        };
                        for found in host.glob(&whole) {
                            // A Match block of an included file ends with that file.
                            let mut inner = *in_match;
                            self.file(host, &found, &mut inner, depth + 1);
                        }
                    }
                }
                "denyusers" | "allowusers" => {
                    let denies = keyword == "denyusers";
                    self.lists.extend(arguments.into_iter().map(|value| {
                        let setting = Setting {
                            value,
                            file: path.to_owned(),
                            line: index + 1,
                        };
                        (denies, setting)
                    }));
                }
                _ => {
                    let Some(value) = arguments.first() else {
                        continue;
                    };
                    let setting = Setting {
                        value: value.to_ascii_lowercase(),
                        file: path.to_owned(),
                        line: index + 1,
                    };
                    if *in_match {
                        self.matched.push((keyword, setting));
                    } else {
                        // The first one counts.
                        self.global.entry(keyword).or_insert(setting);
                    }
                }
            }
        }
    }

    /// The value for everybody, and where it is set if it is.
    fn of(&self, keyword: &str) -> (String, Option<&Setting>) {
        let setting = self.global.get(keyword);
        let default = DEFAULTS.iter().find(|(known, _)| *known == keyword);
        let value = setting.map_or_else(
            || default.map_or_else(String::new, |(_, value)| (*value).to_owned()),
            |setting| setting.value.clone(),
        );
        (value, setting)
    }
}

/// A line's keyword in small letters, with its older names put right, and its arguments.
pub(super) fn directive(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line
        .find(|c: char| c.is_whitespace() || c == '=')
        .unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let keyword = match keyword.to_ascii_lowercase().as_str() {
        "challengeresponseauthentication" | "skeyauthentication" => {
            "kbdinteractiveauthentication".to_owned()
        }
        other => other.to_owned(),
    };
    let mut arguments = Vec::new();
    let mut rest = rest.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        arguments.push(word.to_owned());
        rest = after.trim_start();
    }
    Some((keyword, arguments))
}

/// The names and patterns after `User` among the criteria of a Match block.
fn users(criteria: &[String]) -> impl Iterator<Item = &str> {
    let words: Vec<&str> = criteria
        .iter()
        .flat_map(|word| word.split('='))
        .filter(|word| !word.is_empty())
        .collect();
    let mut found = Vec::new();
    let mut rest = words.as_slice();
    while let [criterion, after @ ..] = rest {
        rest = after;
        if ["all", "invalid-user"].contains(&criterion.to_ascii_lowercase().as_str()) {
            continue;
        }
        let Some((list, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        if criterion.eq_ignore_ascii_case("user") {
            found.extend(list.split(',').map(|name| name.trim_start_matches('!')));
        }
    }
    found.into_iter().filter(|name| !name.is_empty())
}

pub(crate) fn check(host: &Host, turned_on: bool, report: &mut Report) {
    if !host.exists(FILE) || !turned_on {
        return;
    }
    let mut configuration = Configuration::read(host);
    if host.unread().iter().any(|path| path.starts_with(FOLDER)) {
        report.skip(format!("{FILE}: run the command as root"));
        return;
    }
    effective(host, &mut configuration);
    judge(&configuration, report);
    tickets(host, &configuration, report);
    blocks(&configuration, report);
    names::check(host, &configuration, report);
}

/// What sshd itself says counts, where it can be asked: it knows its own build.
fn effective(host: &Host, configuration: &mut Configuration) {
    if !host.live || !nix::unistd::geteuid().is_root() {
        return;
    }
    let Some(text) = program::output("/usr/sbin/sshd", &["-T"]) else {
        return;
    };
    for line in text.lines() {
        let Some((keyword, arguments)) = directive(line) else {
            continue;
        };
        let is_wanted = DEFAULTS.iter().any(|(known, _)| *known == keyword);
        let (value, setting) = configuration.of(&keyword);
        let Some(said) = arguments
            .first()
            .filter(|said| is_wanted && **said != value)
        else {
            continue;
        };
        let place = setting.map_or((FILE.to_owned(), 0), |set| (set.file.clone(), set.line));
        let setting = Setting {
            value: said.clone(),
            file: place.0,
            line: place.1,
        };
        configuration.global.insert(keyword, setting);
    }
}

fn judge(configuration: &Configuration, report: &mut Report) {
    let at = |finding: Finding, keyword: &str| match configuration.global.get(keyword) {
        Some(set) if set.line > 0 => finding.at(&set.file, set.line),
        _ => finding.at(FILE, None),
    };
    let is_no = |keyword: &str| configuration.of(keyword).0 == "no";
    if is_no("usepam") {
        report.add(at(
            Finding::danger("sshd-no-pam", "sshd does not ask PAM (UsePAM no)")
                .because("an ssh key opens disabled, expired and locked accounts at any hour")
                .mend("write: UsePAM yes (and: systemctl reload ssh)"),
            "usepam",
        ));
        return;
    }
    if !is_no("permitemptypasswords") {
        report.add(at(
            Finding::danger("sshd-empty-passwords", "sshd lets blank passwords in")
                .because("a local account without a password is open to the network")
                .mend("write: PermitEmptyPasswords no (and: systemctl reload ssh)"),
            "permitemptypasswords",
        ));
    }
    let no_password = is_no("passwordauthentication");
    let no_dialogue = is_no("kbdinteractiveauthentication");
    if no_password && no_dialogue && is_no("pubkeyauthentication") {
        report.add(at(
            Finding::error("sshd-no-way-in", "sshd offers neither passwords nor keys")
                .because("nobody of the domain can log on by ssh")
                .mend("write: KbdInteractiveAuthentication yes (and: systemctl reload ssh)"),
            "kbdinteractiveauthentication",
        ));
        return;
    }
    match (no_password, no_dialogue) {
        (true, true) => report.notes.push(
            "ssh: keys only. A refusal of the account is shown as a banner; a password that must \
             be changed is asked for in the session, which needs a terminal: scp, sftp and git \
             are refused until then."
                .to_owned(),
        ),
        (false, true) => report.notes.push(
            "ssh: KbdInteractiveAuthentication is no. A password that must be changed is asked \
             for in the session, which needs a terminal and then ends: scp, sftp and git are \
             refused until then, and the rules for a new password are shown by passwd alone. With \
             KbdInteractiveAuthentication yes all this is a part of the logon."
                .to_owned(),
        ),
        (_, false) => {}
    }
}

/// Tickets instead of passwords: libkrb5 takes the name in a ticket for the local user's name.
fn tickets(host: &Host, configuration: &Configuration, report: &mut Report) {
    let (value, setting) = configuration.of("gssapiauthentication");
    if value != "yes" || !host.exists(KEYTAB) || names_are_not_taken(host) {
        return;
    }
    let finding = Finding::danger(
        "sshd-kerberos-names",
        "sshd takes a ticket of the domain for the local user of that name (GSSAPIAuthentication \
         yes)",
    )
    .because("whoever may make an account called root in the domain is root here")
    .mend(
        "write: GSSAPIAuthentication no (and: systemctl reload ssh); or in /etc/krb5.conf: \
         [plugins] localauth = { disable = an2ln }, after which a ticket opens only what a \
         ~/.k5login names",
    );
    report.add(match setting {
        Some(set) if set.line > 0 => finding.at(&set.file, set.line),
        _ => finding.at(FILE, None),
    });
}

fn names_are_not_taken(host: &Host) -> bool {
    let says_so = |text: String| {
        let mut lines = text.lines().map(str::trim);
        lines.any(|line| {
            (line.starts_with("disable") && line.contains("an2ln"))
                || (line.starts_with("enable_only") && !line.contains("an2ln"))
        })
    };
    let mut files = host.glob("/etc/krb5.conf.d/*");
    files.push("/etc/krb5.conf".to_owned());
    files.iter().filter_map(|file| host.read(file)).any(says_so)
}

/// Match blocks that turn off what holds for the others.
fn blocks(configuration: &Configuration, report: &mut Report) {
    for (keyword, setting) in &configuration.matched {
        let (global, _) = configuration.of(keyword);
        if keyword == "permitemptypasswords" && setting.value == "yes" && global == "no" {
            report.add(
                Finding::danger(
                    "sshd-empty-passwords",
                    "a Match block lets blank passwords in",
                )
                .at(&setting.file, setting.line)
                .because("a local account without a password is open to the network")
                .mend("take the line out (and: systemctl reload ssh)"),
            );
        }
        if keyword == "kbdinteractiveauthentication" && setting.value == "no" && global == "yes" {
            report.notes.push(format!(
                "ssh: the Match block at {}:{} takes the dialogue away from those it names; they \
                 change an expired password in the session, on a terminal.",
                setting.file, setting.line
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(files: &[(&str, &str)]) -> Configuration {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("etc/ssh/sshd_config.d")).unwrap();
        for (name, text) in files {
            fs::write(dir.path().join("etc/ssh").join(name), text).unwrap();
        }
        Configuration::read(&Host::at(dir.path()).unwrap())
    }

    #[test]
    fn the_first_value_counts_and_includes_stand_in_their_place() {
        let read = read(&[
            (
                "sshd_config",
                "# UsePAM no\nInclude sshd_config.d/*.conf\nusepam = no # x\nUsePAM\n",
            ),
            ("sshd_config.d/b.conf", "UsePAM no\n"),
            ("sshd_config.d/a.conf", "Match User x\nUsePAM no\n"),
            ("sshd_config.d/aa.conf", "UsePAM \"yes\"\n"),
            ("sshd_config.d/c.txt", "PermitEmptyPasswords yes\n"),
        ]);
        let (value, place) = read.of("usepam");
        assert_eq!(value, "yes");
        assert!(place.unwrap().file.ends_with("aa.conf"));
        assert_eq!(read.of("permitemptypasswords").0, "no");
        assert_eq!(read.matched.len(), 1);
    }

    #[test]
    fn match_blocks_end_with_match_all() {
        let read = read(&[(
            "sshd_config",
            "Match Address 10.0.0.0/8\n PermitEmptyPasswords yes\nMatch all\nUsePAM yes\n\
             ChallengeResponseAuthentication no\n",
        )]);
        assert_eq!(read.of("usepam").0, "yes");
        assert_eq!(read.of("kbdinteractiveauthentication").0, "no");
        assert_eq!(read.matched[0].0, "permitemptypasswords");
        let mut report = Report::default();
        blocks(&read, &mut report);
        assert_eq!(report.findings[0].line, Some(2));
    }

    #[test]
    fn names_of_match_blocks() {
        let names = |line: &str| -> Vec<String> {
            let (_, criteria) = directive(line).unwrap();
            users(&criteria).map(str::to_owned).collect()
        };
        assert_eq!(names("Match User alice,!bob"), ["alice", "bob"]);
        assert_eq!(names("match address 10.0.0.0/8 user \"alice\""), ["alice"]);
        assert_eq!(names("Match invalid-user User=alice"), ["alice"]);
        assert!(names("Match Group user Host alice").is_empty());
        assert!(names("Match all").is_empty() && names("Match User").is_empty());
    }

    #[test]
    fn a_file_that_includes_itself_ends() {
        let read = read(&[(
            "sshd_config",
            "Include sshd_config\nInclude sshd_config\nUsePAM yes\n",
        )]);
        assert_eq!(read.of("usepam").0, "yes");
    }
}
