//! authselect, where a host has its stacks and lists of names from it: it is asked to select
//! our profile, and to restore its own backup if that does not prove right.

mod features;
#[cfg(test)]
pub(crate) mod tests;
mod tool;

use super::error::{EnableError, about};
use super::host::Host;
use super::{difference, journal, profiles};
use features::{Features, with_features};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tool::{current, failed, files, has, succeed, trimmed};

/// Our profile.
const PROFILE: &str = "domlogon";

/// What is selected when nobody knows what was before: the first that the host has.
const PLAIN: [&str; 3] = ["local", "minimal", "sssd"];

/// In the folder of the journal: what was selected before ours.
const BEFORE: &str = "authselect-before";

/// Another profile, and the name of the backup of the present one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Select {
    /// The profile and its features that are selected now, as authselect writes them.
    pub(crate) from: String,
    /// Those that shall be.
    pub(crate) to: String,
    pub(crate) backup: String,
    /// The features that are on now and have no meaning in the other profile.
    #[serde(default)]
    pub(crate) dropped: Vec<String>,
}

/// Whether this host's stacks are authselect's.
pub(crate) fn is_here(host: &Host) -> bool {
    host.at("/etc/authselect/authselect.conf").is_file()
}

/// Whether a file of /etc is one that authselect lays: a link into its own folder.
pub(crate) fn writes(host: &Host, path: &Path) -> bool {
    let own = fs::canonicalize(host.at("/etc/authselect"));
    own.is_ok_and(|own| fs::canonicalize(path).is_ok_and(|real| real.starts_with(own)))
}

/// Selecting our profile; `None` if it is selected.
pub(crate) fn on() -> Result<Option<Select>, EnableError> {
    let from = current()?;
    if is_ours(&from) {
        return Ok(None);
    }
    if !has(PROFILE)? {
        return Err(EnableError::NoAuthselectProfile);
    }
    let features = Features::of(&from, &succeed(&["list-features", PROFILE])?);
    if !features.lost.is_empty() {
        return Err(EnableError::Features(PROFILE.into(), features.lost));
    }
    let to = [vec![PROFILE.to_owned()], features.kept].concat().join(" ");
    Ok(Some(Select {
        dropped: features.dropped,
        ..Select::new(from, to)
    }))
}

/// Selecting what was before ours; `None` if ours is not selected.
pub(crate) fn off(host: &Host) -> Result<Option<Select>, EnableError> {
    let from = current()?;
    if !is_ours(&from) {
        return Ok(None);
    }
    let before = fs::read_to_string(host.state().join(BEFORE)).unwrap_or_default();
    for choice in [before.trim()].into_iter().chain(PLAIN) {
        if !choice.is_empty() && has(choice)? {
            let known = succeed(&["list-features", profile(choice)])?;
            let to = with_features(choice, &from, &known)?;
            return Ok(Some(Select::new(from, to)));
        }
    }
    Err(failed("no other profile to select"))
}

/// How a selection is taken back.
#[derive(Debug, PartialEq, Eq)]
enum WayBack {
    /// By the backup: nobody has selected anything else.
    Restore,
    /// Selecting what was before, with the features that are on now.
    Select(String),
    /// By the backup, without these features, which were turned on since.
    Lose(Vec<String>),
    /// Not at all: somebody has selected another profile.
    Leave,
}

impl Select {
    fn new(from: String, to: String) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let backup = format!("before-domlogon-{now}-{}", std::process::id());
        Self {
            from,
            to,
            backup,
            dropped: Vec::new(),
        }
    }

    /// What is worth knowing about it.
    pub(crate) fn note(&self) -> Option<String> {
        (!self.dropped.is_empty()).then(|| {
            format!(
                "Note: the profile domlogon of authselect is without what was on here: {}. That \
                 restricts nobody; domlogon disable brings it back.",
                self.dropped.join(", ")
            )
        })
    }

    /// Does it. authselect itself refuses if somebody has edited its files.
    pub(crate) fn apply(&self, host: &Host) -> Result<(), EnableError> {
        if is_ours(&self.to) {
            self.remember(host)?;
        }
        let backup = format!("--backup={}", self.backup);
        let mut arguments = vec!["select"];
        arguments.extend(self.to.split_whitespace());
        arguments.extend([backup.as_str(), "--quiet"]);
        succeed(&arguments).map(drop)
    }

    /// Writes down what was selected before ours.
    fn remember(&self, host: &Host) -> Result<(), EnableError> {
        let path = host.state().join(BEFORE);
        journal::replace(&path, self.from.as_bytes()).map_err(about(&path))
    }

    /// Takes it back, however far it came; what somebody else had selected meanwhile, and what
    /// became of that, as a sentence.
    pub(crate) fn undo(&self) -> Result<Option<String>, EnableError> {
        // Without a backup it had not begun.
        let listed = succeed(&["backup-list", "--raw"])?;
        if !listed.lines().any(|line| line.trim() == self.backup) {
            return Ok(None);
        }
        // Where it does not say what is selected, the backup is all there is.
        let now = current().unwrap_or_default();
        let known = succeed(&["list-features", profile(&self.from)]).unwrap_or_default();
        let lost = match self.way_back(&now, &known) {
            WayBack::Restore => Vec::new(),
            WayBack::Leave => {
                return Ok(Some(format!(
                    "authselect had been asked meanwhile to select {now}, and that was left as it \
                     is."
                )));
            }
            WayBack::Select(to) => {
                let mut arguments = vec!["select"];
                arguments.extend(to.split_whitespace());
                arguments.push("--quiet");
                if succeed(&arguments).is_ok() {
                    return Ok(Some(format!(
                        "Features of authselect had been changed meanwhile: {to} is selected now."
                    )));
                }
                self.since(&now)
            }
            WayBack::Lose(lost) => lost,
        };
        succeed(&["backup-restore", &self.backup])?;
        Ok((!lost.is_empty()).then(|| {
            format!(
                "Features of authselect had been turned on meanwhile that it could not turn on in \
                 {}, and they are off now: {}.",
                self.from,
                lost.join(", ")
            )
        }))
    }

    /// Leaves ours off, or turns it off if it had not come to that, where a stack beside those of
    /// authselect does not judge any more whom nsswitch.conf would name; says so.
    pub(crate) fn stay_off(&self) -> Result<String, EnableError> {
        let mut now = current()?;
        if is_ours(&now) {
            let known = succeed(&["list-features", profile(&self.to)])?;
            let to = with_features(&self.to, &now, &known)?;
            let mut arguments = vec!["select"];
            arguments.extend(to.split_whitespace());
            arguments.push("--quiet");
            succeed(&arguments)?;
            now = to;
        }
        Ok(format!(
            "authselect selects {now} still, and not domlogon, so that nobody of the domain is \
             known whom a stack that was changed meanwhile does not judge: run domlogon disable \
             again, or domlogon enable."
        ))
    }

    /// How to take it back where `now` is selected, by the features that the profile from before
    /// knows.
    fn way_back(&self, now: &str, known: &str) -> WayBack {
        if now.is_empty() || is_same(now, &self.to) || is_same(now, &self.from) {
            return WayBack::Restore;
        }
        if profile(now) != profile(&self.to) {
            return WayBack::Leave;
        }
        with_features(&self.from, now, known)
            .map_or_else(|_| WayBack::Lose(self.since(now)), WayBack::Select)
    }

    /// The features that were turned on since.
    fn since(&self, now: &str) -> Vec<String> {
        let is_new = |word: &&str| !self.to.split_whitespace().any(|old| old == *word);
        let features = now.split_whitespace().skip(1);
        features.filter(is_new).map(str::to_owned).collect()
    }

    /// What it would change, as a unified diff.
    pub(crate) fn shown(&self, host: &Host) -> Result<String, EnableError> {
        let mut arguments = vec!["test"];
        arguments.extend(self.to.split_whitespace());
        let mut text = String::new();
        for (path, new) in files(&succeed(&arguments)?) {
            let old = profiles::read(&host.at(path))?.unwrap_or_default();
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "{}",
                difference::unified(path, path, trimmed(&old), trimmed(new.as_bytes()))
            );
        }
        Ok(text)
    }
}

fn is_ours(selected: &str) -> bool {
    profile(selected).rsplit('/').next() == Some(PROFILE)
}

/// The profile of a selection.
fn profile(selected: &str) -> &str {
    selected.split_whitespace().next().unwrap_or_default()
}

/// Whether two selections are one: a profile, and features in any order.
fn is_same(one: &str, other: &str) -> bool {
    let features = |text: &str| -> BTreeSet<String> {
        text.split_whitespace().skip(1).map(str::to_owned).collect()
    };
    profile(one) == profile(other) && features(one) == features(other)
}
