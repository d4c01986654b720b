//! What is to be changed: the whole new content of each file.

use super::authselect::Select;
use super::difference;
use super::error::EnableError;
use super::host::Host;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The new content of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: PathBuf,
    /// The content that the plan was made from; `None` if there was no file.
    pub(crate) before: Option<Vec<u8>>,
    pub(crate) after: Vec<u8>,
    /// It refuses everybody from then on, as nothing else in it asks for a proof.
    pub(crate) closes: bool,
}

impl Change {
    pub(crate) fn new(path: PathBuf, before: Option<Vec<u8>>, after: Vec<u8>) -> Self {
        Self {
            path,
            before,
            after,
            closes: false,
        }
    }

    fn is_one(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

/// Which way a plan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    On,
    Off,
}

/// All changes, in the order in which every state between is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) direction: Direction,
    pub(crate) changes: Vec<Change>,
    /// Where authselect writes the files: what it shall select.
    pub(crate) select: Option<Select>,
}

impl Plan {
    /// Puts the changes in order, and drops those that change nothing.
    ///
    /// On: the account stack first, for no name of the domain may be known or proved while
    /// nothing judges it; the authentication stack last. Off: the other way round.
    pub(crate) fn new(direction: Direction, changes: Vec<Change>) -> Self {
        let mut changes: Vec<Change> = changes.into_iter().filter(Change::is_one).collect();
        changes.sort_by(|a, b| (place(&a.path), &a.path).cmp(&(place(&b.path), &b.path)));
        if direction == Direction::Off {
            changes.reverse();
        }
        Self {
            direction,
            changes,
            select: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.select.is_none()
    }

    /// The changes as a unified diff.
    pub(crate) fn shown(&self, host: &Host) -> Result<String, EnableError> {
        let mut text = match &self.select {
            Some(select) => select.shown(host)?,
            None => String::new(),
        };
        for change in &self.changes {
            let name = host.shown(&change.path);
            let old = change.before.as_deref().unwrap_or_default();
            let from = if change.before.is_some() {
                &name
            } else {
                "/dev/null"
            };
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "{}",
                difference::unified(from, &name, old, &change.after)
            );
        }
        Ok(text)
    }

    /// What is worth knowing about the plan.
    pub(crate) fn note(&self) -> Option<String> {
        self.select.as_ref().and_then(Select::note)
    }

    /// A sentence for each file that refuses everybody from then on.
    pub(crate) fn closed(&self, host: &Host) -> Vec<String> {
        self.changes
            .iter()
            .filter(|change| change.closes)
            .map(|change| {
                format!(
                    "Note: when domlogon is out of {}, it refuses everybody whom no line before \
                     pam_deny.so lets in: nothing else in it asks them for a proof of who they \
                     are, and it would let them all in. To open it, put a module that asks for \
                     one in the place of pam_deny.so.",
                    host.shown(&change.path)
                )
            })
            .collect()
    }

    /// The files of the plan, those of authselect left out.
    pub(crate) fn files(&self, host: &Host) -> Vec<String> {
        self.changes
            .iter()
            .map(|change| host.shown(&change.path))
            .collect()
    }
}

fn place(path: &Path) -> u8 {
    let name = path.file_name().and_then(|name| name.to_str());
    match name.unwrap_or_default() {
        "common-account" => 0,
        "common-password" => 2,
        "common-session" | "common-session-noninteractive" => 3,
        "nsswitch.conf" => 4,
        "common-auth" => 6,
        _ if path
            .parent()
            .is_some_and(|folder| folder.ends_with("var/lib/pam")) =>
        {
            7
        }
        // A service's own file holds all four stacks: it is replaced as a whole.
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_come_before_names_and_names_before_passwords() {
        let paths = [
            "/etc/pam.d/common-auth",
            "/var/lib/pam/auth",
            "/etc/nsswitch.conf",
            "/etc/pam.d/common-account",
            "/etc/pam.d/common-session",
        ];
        let changes: Vec<Change> = paths
            .iter()
            .map(|path| Change::new(path.into(), None, b"x".to_vec()))
            .collect();
        let host = Host::here();
        let on = Plan::new(Direction::On, changes.clone()).files(&host);
        let ordered = [paths[3], paths[4], paths[2], paths[0], paths[1]];
        assert_eq!(on, ordered);
        let mut off = Plan::new(Direction::Off, changes).files(&host);
        off.reverse();
        assert_eq!(off, ordered);
    }

    #[test]
    fn what_stays_is_no_change() {
        let same = Change::new("/a".into(), Some(b"x".to_vec()), b"x".to_vec());
        assert_eq!(Plan::new(Direction::On, vec![same]).changes, []);
    }
}
