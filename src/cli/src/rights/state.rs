//! How the lists in force were loaded: for `rights list` and for `status`.

use super::problem::{self, ProblemShown};
use crate::time::{Clock, rfc3339};
use crate::words::shell_word;
use domlogon_protocol::RightName;
use domlogon_protocol::rights::{Loaded, ProblemKind, RightsStatus};
use serde::Serialize;

/// Whether the file as it is now is in force, or there is none and need not be one.
pub(crate) fn is_good(status: &RightsStatus) -> bool {
    status.refused.is_none() && matches!(status.loaded, Loaded::File | Loaded::Default)
}

/// Version, origin and time in one line.
pub(crate) fn text(status: &RightsStatus, clock: &Clock) -> String {
    let version = status.version;
    let file = &status.file;
    let at = clock.both(status.loaded_at);
    match status.loaded {
        Loaded::File => format!("version {version} from {file}, taken {at}"),
        Loaded::Default => {
            format!("version {version}, the built-in holders, since {at}: there is no {file}")
        }
        Loaded::LastGood => format!("version {version}, the last good one, taken {at}"),
        Loaded::Nothing => {
            "NONE: nobody of the domain may log on by a way in that needs a right; root and \
             the local users of this host are not concerned"
                .to_owned()
        }
    }
}

/// Why the file was not taken, and the way out; a line for each.
pub(crate) fn refusal(status: &RightsStatus) -> Vec<String> {
    let Some(refused) = &status.refused else {
        return Vec::new();
    };
    let file = &status.file;
    if let ProblemKind::Store(_) = refused.kind {
        // Nothing is wrong with the file.
        return vec![
            format!("NOT TAKEN YET: {}", problem::in_file(file, refused)),
            "The daemon looks the names up again by itself; domlogon status tells why it cannot now"
                .to_owned(),
        ];
    }
    let mut lines = vec![format!("NOT TAKEN: {}", problem::in_file(file, refused))];
    lines.extend(match refused.kind {
        // They say what to do themselves.
        ProblemKind::Gone | ProblemKind::Empty | ProblemKind::ExposedFolder(_) => None,
        ProblemKind::Exposed => {
            let file = shell_word(file);
            Some(format!("Mend it: chown root: {file} && chmod 0644 {file}"))
        }
        _ => Some(match problem::cure(&refused.kind) {
            Some(cure) => format!("Take the name out: {cure}"),
            None => format!(
                "Mend it: the daemon takes a changed file by itself; domlogon check {} judges it",
                shell_word(file)
            ),
        }),
    });
    lines
}

/// What is odd about the lists in force; a line for each.
pub(crate) fn warnings(status: &RightsStatus) -> Vec<String> {
    status
        .warnings
        .iter()
        .map(|warning| problem::in_file(&status.file, warning))
        .collect()
}

/// The lists in audit mode, if there are any.
pub(crate) fn audit(status: &RightsStatus) -> Option<String> {
    if status.audit.is_empty() {
        return None;
    }
    let words: Vec<&str> = status.audit.iter().map(|name| name.word()).collect();
    Some(format!(
        "ON for {}: what would be refused is logged, and let in",
        words.join(", ")
    ))
}

/// The state in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct StateShown<'a> {
    file: &'a str,
    loaded: &'static str,
    version: u64,
    loaded_at: String,
    file_refused: Option<ProblemShown>,
    warnings: Vec<ProblemShown>,
    audit: Vec<&'static str>,
}

impl<'a> StateShown<'a> {
    pub(crate) fn new(status: &'a RightsStatus) -> Self {
        Self {
            file: &status.file,
            loaded: match status.loaded {
                Loaded::File => "file",
                Loaded::Default => "default",
                Loaded::LastGood => "last_good",
                Loaded::Nothing => "nothing",
            },
            version: status.version,
            loaded_at: rfc3339(status.loaded_at),
            file_refused: status.refused.as_ref().map(ProblemShown::new),
            warnings: ProblemShown::all(&status.warnings),
            audit: status
                .audit
                .iter()
                .map(|name| RightName::symbol(*name))
                .collect(),
        }
    }
}
