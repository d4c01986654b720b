//! What the log is told of the file of rights.

use super::kept::{Lists, Unusable};
use crate::log::{Level, Log};
use crate::record::Record;
use domlogon_protocol::RightName;
use domlogon_protocol::rights::{Entry, Problem, ProblemKind};
use std::io;
use std::path::Path;

/// Most lines of warnings of one load.
const MOST_LINES: usize = 20;

/// A file was taken, or there is none and the built-in holders are in force.
pub(super) fn taken(log: &Log, file: Option<&Path>, version: u64, lists: &Lists) {
    let audit: Vec<&str> = lists.audit.iter().map(|name| name.symbol()).collect();
    let record = Record::new("rights").field("version", &version.to_string());
    let record = match file {
        Some(file) => record.field("file", &file.to_string_lossy()),
        None => record.field("file", "none"),
    };
    let record = record
        .field("lists", &lists.lists.len().to_string())
        .field("entries", &lists.entries().to_string())
        .field("services", &lists.services.len().to_string())
        .optional("audit", Some(&audit.join(",")));
    log.write(Level::Notice, &record.line());
}

/// The file is the one whose lists are in force.
pub(super) fn unchanged(log: &Log, file: &Path, version: u64) {
    let record = Record::new("rights unchanged")
        .field("version", &version.to_string())
        .field("file", &file.to_string_lossy());
    log.write(Level::Notice, &record.line());
}

/// A file is refused, and these entries of the lists in force keep out somebody who is new,
/// beside those of before.
pub(super) fn denied_too(log: &Log, file: &Path, version: u64, added: &[(RightName, Entry)]) {
    let record = || {
        Record::new("rights deny more")
            .field("version", &version.to_string())
            .field("file", &file.to_string_lossy())
    };
    for (list, entry) in added.iter().take(MOST_LINES) {
        let sid = entry.sid.as_ref().map(ToString::to_string);
        let record = record()
            .field("right", list.symbol())
            .word("entry", entry.shown())
            .optional("sid", sid.as_deref());
        log.write(Level::Notice, &record.line());
    }
    let more = added.len().saturating_sub(MOST_LINES);
    if more > 0 {
        let record = record().field("more", &more.to_string());
        log.write(Level::Notice, &record.line());
    }
}

/// What is odd in lists that were taken.
pub(super) fn warnings(log: &Log, warnings: &[Problem]) {
    for problem in warnings.iter().take(MOST_LINES) {
        let record = Record::new("rights warning")
            .optional("place", place(problem).as_deref())
            .word("reason", &problem.kind.to_string());
        log.write(Level::Warning, &record.line());
    }
    let more = warnings.len().saturating_sub(MOST_LINES);
    if more > 0 {
        let record = Record::new("rights warning").field("more", &more.to_string());
        log.write(Level::Warning, &record.line());
    }
}

/// The file was not taken; the lists of version `kept` stay in force, or nobody has any
/// right.
pub(super) fn refused(log: &Log, file: &Path, problem: &Problem, kept: Option<u64>) {
    let kept = kept.map_or_else(|| "none".to_owned(), |version| version.to_string());
    // Of an outage the file is not to blame; it is looked at again when that is over.
    let (what, level) = match problem.kind {
        ProblemKind::Store(_) => ("rights not looked up", Level::Warning),
        _ => ("rights refused", Level::Error),
    };
    let record = Record::new(what)
        .field("file", &file.to_string_lossy())
        .optional("place", place(problem).as_deref())
        .word("reason", &problem.kind.to_string())
        .field("kept", &kept);
    log.write(level, &record.line());
}

/// The lists kept from before are not used.
pub(super) fn kept_unusable(log: &Log, kept: &Path, why: &Unusable) {
    let record = Record::new("rights kept before are not used")
        .field("file", &kept.to_string_lossy())
        .word("reason", &why.to_string());
    log.write(Level::Error, &record.line());
}

/// The lists in force could not be kept.
pub(super) fn not_kept(log: &Log, kept: &Path, error: &io::Error) {
    let record = Record::new("rights not kept for the next start")
        .field("file", &kept.to_string_lossy())
        .word("reason", &error.to_string());
    log.write(Level::Warning, &record.line());
}

/// The lists in force are kept, which failed before.
pub(super) fn kept(log: &Log, kept: &Path, version: u64) {
    let record = Record::new("rights kept for the next start")
        .field("version", &version.to_string())
        .field("file", &kept.to_string_lossy());
    log.write(Level::Notice, &record.line());
}

/// The file is not watched.
pub(super) fn not_watched(log: &Log, file: &Path, error: &io::Error) {
    let record = Record::new("rights not watched, a change needs SIGHUP")
        .field("file", &file.to_string_lossy())
        .word("reason", &error.to_string());
    log.write(Level::Warning, &record.line());
}

fn place(problem: &Problem) -> Option<String> {
    let (line, column) = problem.place?;
    Some(format!("{line}:{column}"))
}
