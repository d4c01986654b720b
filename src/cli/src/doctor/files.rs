//! Owners and modes of the files that domlogon and every logon hang on.

use super::finding::{Finding, Report};
use super::host::Host;
use super::modules::Modules;
use super::names::{self, Entry, Names};
use super::stacks;
use crate::words::shell_word;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

const STATE: &str = "/var/lib/domlogon";
const RUNTIME: &str = "/run/domlogon";
const CONFIGURATION: &str = "/etc/domlogon";

/// The user that the units start the daemon as.
const DAEMON: &str = "domlogon";

/// What only root may write, whether domlogon is used or not.
pub(crate) fn of_the_system(host: &Host, modules: &Modules, report: &mut Report) {
    let mut paths: Vec<String> = [
        "/etc/nsswitch.conf",
        "/etc/pam.d",
        "/etc/passwd",
        "/etc/group",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.extend(
        host.list("/etc/pam.d")
            .into_iter()
            .map(|name| format!("/etc/pam.d/{name}")),
    );
    paths.extend(modules.folders().iter().cloned());
    paths.extend(stacks::modules_in_use(host, modules));
    paths.extend(modules.plugin(host, "domlogon"));
    for folder in ["/usr/sbin", "/usr/local/sbin"] {
        paths.extend(["domlogond", "domlogon"].map(|name| format!("{folder}/{name}")));
    }
    for path in paths {
        only_root_writes(
            host,
            &path,
            "whoever writes it decides who is root here",
            report,
        );
    }
}

/// The files of domlogon itself.
pub(crate) fn of_domlogon(host: &Host, names: &Names, report: &mut Report) {
    configuration(host, names, report);
    state(host, names, report);
    if host.live {
        runtime(host, report);
    }
    const PENDING: &str = "/var/lib/domlogon-enable";
    if let Some(found) = host.stat(PENDING) {
        if found.uid() != host.owner || found.mode() & 0o077 != 0 {
            report.add(
                Finding::danger(
                    "state-exposed",
                    format!("others than root can come at it ({})", mode(&found)),
                )
                .at(PENDING, None)
                .because("what is put back into /etc comes from there")
                .mend(format!("chown root:root {PENDING} && chmod 0700 {PENDING}")),
            );
        }
    }
}

fn configuration(host: &Host, names: &Names, report: &mut Report) {
    if !host.exists(CONFIGURATION) {
        report.add(
            Finding::error("configuration-missing", "the folder is not there")
                .at(CONFIGURATION, None)
                .because("the daemon does not start without its configuration")
                .mend("domlogon setup"),
        );
        return;
    }
    let main = format!("{CONFIGURATION}/domlogon.toml");
    if !host.exists(&main) {
        report.add(
            Finding::error("configuration-missing", "the file is not there")
                .at(&main, None)
                .because("the daemon does not start without its configuration")
                .mend("domlogon setup"),
        );
    }
    only_root_writes(
        host,
        CONFIGURATION,
        "whoever writes there decides who may log on",
        report,
    );
    for path in [main, format!("{CONFIGURATION}/rights.toml")] {
        only_root_writes(
            host,
            &path,
            "whoever writes it decides who may log on",
            report,
        );
        let (Some(found), Some(daemon)) = (host.stat(&path), names.local_user(DAEMON)) else {
            continue;
        };
        if !can_read(&found, daemon) {
            report.add(
                Finding::error(
                    "configuration-unreadable",
                    format!("the user domlogon cannot read it ({})", mode(&found)),
                )
                .at(&path, None)
                .because("the daemon runs as that user and does not start, or keeps old lists")
                .mend(format!("chmod 0644 {path}")),
            );
        }
    }
}

/// Whether the daemon can read a file, by the lines of /etc/passwd. Where those do not have its
/// user: whether anybody can who is not root.
pub(crate) fn daemon_reads(found: &Metadata, passwd: &str) -> bool {
    let users = names::entries(passwd);
    match users.iter().find(|user| user.name == DAEMON) {
        Some(daemon) => can_read(found, daemon),
        None => found.mode() & 0o044 != 0 || (found.mode() & 0o400 != 0 && found.uid() != 0),
    }
}

fn can_read(found: &Metadata, user: &Entry) -> bool {
    found.mode() & 0o004 != 0
        || (found.mode() & 0o040 != 0 && found.gid() == user.gid)
        || (found.mode() & 0o400 != 0 && found.uid() == user.id)
}

fn state(host: &Host, names: &Names, report: &mut Report) {
    let Some(folder) = host.stat(STATE) else {
        return;
    };
    let daemon = names.local_user(DAEMON).map(|user| user.id);
    let is_right = |uid: u32| uid == host.owner || Some(uid) == daemon;
    if !is_right(folder.uid()) || folder.mode() & 0o022 != 0 {
        report.add(
            Finding::danger(
                "state-exposed",
                format!("others can write into the folder ({})", mode(&folder)),
            )
            .at(STATE, None)
            .because("whoever can put another database there, is any user of the domain")
            .mend(format!(
                "chown domlogon:domlogon {STATE} && chmod 0700 {STATE}"
            )),
        );
    } else if folder.mode() & 0o055 != 0 {
        report.add(
            Finding::warning(
                "state-exposed",
                format!("others can look into the folder ({})", mode(&folder)),
            )
            .at(STATE, None)
            .because("what is copied or unpacked there is theirs to read, too")
            .mend(format!("chmod 0700 {STATE}")),
        );
    }
    for name in host.list(STATE) {
        let path = format!("{STATE}/{name}");
        match host.lstat(&path) {
            Some(found) if found.is_file() => {
                if found.nlink() > 1 {
                    odd(&path, &found, report);
                }
                state_file(&path, &name, &found, folder.uid(), report);
            }
            Some(found) if !found.is_dir() => odd(&path, &found, report),
            Some(_) | None => {}
        }
    }
}

/// A command for it would change another file, or a file elsewhere, too.
fn odd(path: &str, found: &Metadata, report: &mut Report) {
    let what = if found.is_symlink() {
        "it is a link, and where it leads was not looked at"
    } else if found.is_file() {
        "the file has another name, too (a hard link)"
    } else {
        "it is no file"
    };
    report.add(
        Finding::warning("state-not-a-file", what)
            .at(path, None)
            .because("a command for it would change the file that it stands for, wherever that is")
            .mend(format!("look at it: ls -li {}", shell_word(path))),
    );
}

fn state_file(path: &str, name: &str, found: &Metadata, owner: u32, report: &mut Report) {
    let word = shell_word(path);
    // A command changes the file under its other names, too, whatever it is there.
    let command = |command: String| match found.nlink() {
        0 | 1 => command,
        _ => format!(
            "look at it first (find / -xdev -samefile {word}), and if it is the daemon's: {command}"
        ),
    };
    let secret = secret(name);
    let open = if secret.is_some() { 0o077 } else { 0o022 };
    if found.mode() & open != 0 {
        let why = secret.unwrap_or("whoever writes it decides who may log on");
        report.add(
            Finding::danger(
                "state-exposed",
                format!("others than the daemon can come at it ({})", mode(found)),
            )
            .at(path, None)
            .because(why)
            .mend(command(format!(
                "{} {word}{}",
                closing(name),
                afterwards(name)
            ))),
        );
    }
    if found.uid() != owner {
        report.add(
            Finding::error(
                "state-owner",
                format!(
                    "it belongs to another user than its folder (uid {})",
                    found.uid()
                ),
            )
            .at(path, None)
            .because("the daemon cannot write it, and refuses everybody")
            .mend(command(format!(
                "chown --no-dereference --reference={STATE} {word}"
            ))),
        );
    }
}

/// Why nobody else may even read a file of the daemon's, by its name: those that are not yet in
/// their place, and SQLite's beside them, hold the same.
fn secret(name: &str) -> Option<&'static str> {
    const SECRETS: [(&str, &str); 3] = [
        ("accounts.db", "it holds the hash of every password"),
        (
            "directory.db",
            "it holds the saved credentials, by which passwords can be guessed",
        ),
        (
            "machine.",
            "it holds this host's password or key: whoever reads it can be this host to the domain, \
             and anybody to this host",
        ),
    ];
    let found = SECRETS.iter().find(|(start, _)| name.starts_with(start));
    found.map(|(_, why)| *why)
}

/// What keeps others from a file. A join that was cut off is gone on with by what it has left,
/// once that is the daemon's alone: by the password that was read.
fn closing(name: &str) -> &'static str {
    if name == "machine.joining" {
        "rm"
    } else {
        "chmod 0600"
    }
}

/// What else has to be done where somebody may have read a file: he keeps what he has read.
fn afterwards(name: &str) -> &'static str {
    if name.starts_with("machine.") {
        "; then give the host another password: domlogon join REALM --take-over"
    } else {
        ""
    }
}

fn runtime(host: &Host, report: &mut Report) {
    let Some(folder) = host.stat(RUNTIME) else {
        return;
    };
    if folder.mode() & 0o022 != 0 {
        report.add(
            Finding::danger(
                "socket-exposed",
                format!("others can write into the folder ({})", mode(&folder)),
            )
            .at(RUNTIME, None)
            .because("whoever puts his own socket there, is told every password")
            .mend(format!("chmod 0755 {RUNTIME}")),
        );
    }
    let socket = format!("{RUNTIME}/socket");
    if let Some(found) = host.stat(&socket) {
        if found.mode() & 0o006 != 0o006 || folder.mode() & 0o001 == 0 {
            report.add(
                Finding::error(
                    "socket-closed",
                    format!("not everybody can use the socket ({})", mode(&found)),
                )
                .at(&socket, None)
                .because("programs of ordinary users do not know the names of the domain")
                .mend(format!("chmod 0755 {RUNTIME} && chmod 0666 {socket}")),
            );
        }
    }
}

fn only_root_writes(host: &Host, path: &str, why: &str, report: &mut Report) {
    let Some(found) = host.stat(path) else {
        return;
    };
    // Somebody is root's equal only where he is root.
    let is_owned = found.uid() == host.owner || found.uid() == 0;
    if is_owned && found.mode() & 0o022 == 0 {
        return;
    }
    let word = shell_word(path);
    report.add(
        Finding::danger(
            "file-exposed",
            format!(
                "others than root can write it (uid {}, {})",
                found.uid(),
                mode(&found)
            ),
        )
        .at(path, None)
        .because(why)
        .mend(format!("chown root:root {word} && chmod go-w {word}")),
    );
}

fn mode(found: &Metadata) -> String {
    format!("mode {:04o}", found.mode() & 0o7777)
}
