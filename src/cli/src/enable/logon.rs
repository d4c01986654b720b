//! In which logon a command was said: a confirmation counts from another one only.

use serde::{Deserialize, Serialize};
use std::fs;

/// The audit session of a process that belongs to none.
const NO_SESSION: u32 = u32::MAX;

/// Programs that stand for one logon each: what runs below one of them came in by it.
const DOORS: [&str; 9] = [
    "sshd",
    "sshd-session",
    "login",
    "in.telnetd",
    "gdm-session-wor",
    "sddm-helper",
    "lightdm",
    "xrdp-sesman",
    "cockpit-session",
];

/// A logon, as far as the kernel tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Logon {
    /// The boot, for process ids come again.
    boot: String,
    /// The kernel's audit session, which pam_loginuid begins at each logon.
    audit: Option<u32>,
    /// The program that let this logon in, or the oldest ancestor: id and time of start.
    root: (i32, u64),
    /// The kernel's session [setsid(2)]: every door begins one.
    #[serde(default)]
    session: Option<i32>,
}

impl Logon {
    /// The logon that this process belongs to.
    pub(crate) fn own() -> Self {
        let audit = fs::read_to_string("/proc/self/sessionid")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .filter(|session| *session != NO_SESSION);
        let chain = ancestors();
        Self {
            boot: boot(),
            audit,
            root: root(&chain, process(1).as_ref()),
            // 0 is one that was begun outside this name space of processes, and many have it.
            session: chain.first().map(|own| own.session).filter(|id| *id > 0),
        }
    }

    /// Whether two commands were said in one logon.
    pub(crate) fn is(&self, other: &Self) -> bool {
        if self.boot != other.boot {
            return false;
        }
        match (self.audit, other.audit) {
            (Some(one), Some(another)) => one == another,
            _ => {
                let one_session = self.session.is_some() && self.session == other.session;
                self.root == other.root || one_session
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn of(boot: &str, audit: Option<u32>, root: (i32, u64)) -> Self {
        Self {
            boot: boot.to_owned(),
            audit,
            root,
            session: None,
        }
    }
}

/// The name of this boot.
pub(crate) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

struct Process {
    id: i32,
    name: String,
    parent: i32,
    session: i32,
    start: u64,
}

/// This process and those above it, up to process 1, which is left out.
fn ancestors() -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut id = i32::try_from(std::process::id()).unwrap_or(0);
    while id > 1 && found.len() < 256 {
        let Some(process) = process(id) else {
            break;
        };
        id = process.parent;
        found.push(process);
    }
    found
}

fn process(id: i32) -> Option<Process> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    read(&text)
}

/// A line of /proc/PID/stat: the name is in parentheses, and may hold any character.
fn read(text: &str) -> Option<Process> {
    let (id, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Process {
        id: id.parse().ok()?,
        name: name.to_owned(),
        // Fields 4, 6 and 22 [proc_pid_stat(5)]; the list begins with field 3.
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

/// The nearest door above the process; without one, the oldest process.
///
/// Process 1 is everybody's ancestor and no logon, but where what it began never left its
/// session: then it is the shell or the script of somebody, and all below it is his.
fn root(chain: &[Process], first: Option<&Process>) -> (i32, u64) {
    let door = chain
        .iter()
        .find(|process| DOORS.contains(&process.name.as_str()));
    let of_first = |oldest: &Process| {
        first.filter(|first| oldest.parent == first.id && oldest.session == first.session)
    };
    door.or_else(|| chain.last().and_then(of_first))
        .or(chain.last())
        .or(first)
        .map_or((0, 0), |process| (process.id, process.start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: i32, name: &str) -> Process {
        Process {
            id,
            name: name.to_owned(),
            parent: 0,
            session: id,
            start: 7,
        }
    }

    #[test]
    fn the_nearest_door_counts() {
        let chain = [
            process(40, "domlogon"),
            process(30, "bash"),
            process(20, "sshd"),
            process(10, "sshd"),
        ];
        let init = process(1, "systemd");
        assert_eq!(root(&chain, Some(&init)), (20, 7));
        assert_eq!(
            root(&[process(40, "domlogon"), process(30, "bash")], Some(&init)),
            (30, 7)
        );
        assert_eq!(root(&[], Some(&init)), (1, 7));
        assert_eq!(root(&[], None), (0, 0));
    }

    #[test]
    fn a_shell_that_is_process_1_is_one_logon() {
        let below = |id: i32, parent: i32| Process {
            parent,
            session: 0,
            ..process(id, "domlogon")
        };
        let shell = Process {
            session: 0,
            ..process(1, "bash")
        };
        let (enable, confirm) = ([below(40, 1)], [below(50, 45), below(45, 1)]);
        assert_eq!(root(&enable, Some(&shell)), (1, 7));
        assert_eq!(
            root(&enable, Some(&shell)),
            root(&confirm, Some(&shell)),
            "a script of the same shell"
        );
        let entered = [below(60, 0)];
        assert_eq!(
            root(&entered, Some(&shell)),
            (60, 7),
            "who came in from outside is another"
        );
    }

    #[test]
    fn one_session_is_one_logon() {
        let logon = |root, session| Logon {
            session,
            ..Logon::of("b", None, root)
        };
        let enable = logon((40, 1), Some(30));
        assert!(enable.is(&logon((50, 2), Some(30))));
        assert!(!enable.is(&logon((50, 2), Some(31))));
        let unknown = logon((40, 1), None);
        assert!(!unknown.is(&logon((50, 2), None)), "unknown is not one");
    }

    #[test]
    fn a_line_of_the_kernel() {
        let line = "12 (a) (b) S 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 777 22";
        let process = read(line).unwrap();
        assert_eq!((process.id, process.parent, process.start), (12, 3, 777));
        assert_eq!(process.session, 5);
        assert_eq!(process.name, "a) (b");
        assert!(read("").is_none());
        assert_ne!(Logon::own().root, (0, 0));
    }

    #[test]
    fn who_is_the_same() {
        let logon = Logon::of("b", Some(3), (20, 7));
        assert!(
            logon.is(&Logon::of("b", Some(3), (99, 7))),
            "one audit session"
        );
        assert!(!logon.is(&Logon::of("b", Some(4), (20, 7))), "another one");
        assert!(logon.is(&Logon::of("b", None, (20, 7))), "the door decides");
        assert!(!logon.is(&Logon::of("b", None, (21, 7))));
        assert!(!logon.is(&Logon::of("c", Some(3), (20, 7))), "another boot");
    }
}
