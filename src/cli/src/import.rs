//! `domlogon user import`: accounts of another system, from a file.
//!
//! All lines are read first and every bad one is named, and then the daemon makes all
//! accounts in one transaction or none. Where lines are bad here, the daemon is still asked
//! what it would refuse of the others: one run tells all that is wrong with a file.

mod arguments;
mod csv;
mod error;
mod fault;
pub(crate) mod fuzzed;
mod lines;
mod password;
mod progress;
#[cfg(test)]
mod tests;

pub(crate) use arguments::Import;
pub(crate) use error::ImportError;

use crate::answer::{Answer, Exit};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::words::count;
use arguments::{Format, Uids};
use core::fmt::Write;
use domlogon_protocol::admin::{AdminError, Imported, ImportedUser, Reply, Request};
use domlogon_protocol::client::CallError;
use domlogon_protocol::frame::FrameError;
use domlogon_protocol::{UserName, Verdict};
use fault::LineFault;
use serde::Serialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// Most bytes of a file. What it says has to fit into one request, which is smaller.
const MOST: u64 = 64 * 1024 * 1024;

/// A file as far as it could be read.
#[derive(Debug, Default)]
struct Found {
    users: Vec<ImportedUser>,
    faults: Vec<(u32, LineFault)>,
    /// Lines that were not asked for.
    left_out: u32,
}

pub(crate) fn run(asked: &Import, daemon: &Daemon) -> Result<Answer, Error> {
    let text = read(&asked.file)?;
    let shadow = asked.shadow.as_deref().map(read).transpose()?;
    let format = asked.format.unwrap_or_else(|| format_of(&text));
    let mut found = match format {
        Format::Csv if shadow.is_some() => return Err(ImportError::ShadowOfCsv.into()),
        Format::Csv => csv::read(&text)?,
        Format::Passwd => lines::read(&text, shadow.as_ref().map(|text| text.as_slice()))?,
    };
    if let Some(uids) = asked.uids {
        found.keep(uids);
    }
    found.find_doubles();
    if found.users.is_empty() && found.faults.is_empty() {
        return Err(ImportError::Nothing(asked.file.clone()).into());
    }
    let total = found.users.len() + found.faults.len();
    let dry_run = asked.dry_run || !found.faults.is_empty();
    let imported = send(found.users, dry_run, daemon, &mut found.faults)?;
    match imported {
        Some(imported) if found.faults.is_empty() => {
            Ok(done(&imported, format, found.left_out, asked))
        }
        _ => Ok(refused(found.faults, total)),
    }
}

/// What came of it; `None` where the daemon named lines, which are then among `faults`.
fn send(
    users: Vec<ImportedUser>,
    dry_run: bool,
    daemon: &Daemon,
    faults: &mut Vec<(u32, LineFault)>,
) -> Result<Option<Imported>, Error> {
    let request = Request::UserImport { users, dry_run };
    match progress::shown(daemon, || daemon.ask(request)) {
        Ok(Reply::Imported(imported)) => Ok(Some(imported)),
        Ok(_) => Err(Error::OtherReply),
        Err(Error::Refused(refused)) => match *refused {
            AdminError::Import(rows) => {
                let rows = rows.into_iter();
                faults.extend(rows.map(|(row, why)| (row, LineFault::Refused(Box::new(why)))));
                Ok(None)
            }
            other => Err(other.into()),
        },
        Err(Error::Call(CallError::Frame(FrameError::TooLong))) => Err(ImportError::TooMany.into()),
        // Others than root may send less at once.
        Err(Error::NotAnswered(Verdict::InvalidApi)) if !nix::unistd::geteuid().is_root() => {
            Err(ImportError::RootForMany.into())
        }
        Err(other) => Err(other),
    }
}

impl Found {
    fn keep(&mut self, uids: Uids) {
        let before = self.users.len();
        self.users
            .retain(|user| user.new.uid.is_none_or(|uid| uids.contains(uid)));
        let left_out = before.saturating_sub(self.users.len());
        self.left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
    }

    /// Two lines of one name or one id: the second is named, with the first.
    fn find_doubles(&mut self) {
        let mut names: HashMap<String, u32> = HashMap::new();
        let mut uids: HashMap<u32, u32> = HashMap::new();
        let faults = &mut self.faults;
        self.users.retain(|user| {
            let key = UserName::fold(&user.new.name);
            let first = *names.entry(key).or_insert(user.row);
            if first != user.row {
                faults.push((user.row, LineFault::SameName(first)));
                return false;
            }
            let Some(uid) = user.new.uid else {
                return true;
            };
            let first = *uids.entry(uid).or_insert(user.row);
            if first != user.row {
                faults.push((user.row, LineFault::SameUid(first)));
            }
            first == user.row
        });
    }
}

fn done(imported: &Imported, format: Format, left_out: u32, asked: &Import) -> Answer {
    let accounts = count(imported.users, "account");
    let mut text = if asked.dry_run {
        format!("All lines are good: {accounts} would be made. Nothing was changed.\n")
    } else {
        format!("Made: {accounts}.\n")
    };
    for (number, line) in [
        (
            imported.with_password,
            "with the password from before; its hash is replaced at the first logon",
        ),
        (
            imported.disabled,
            "disabled; one without a password is until it has one: domlogon user password NAME",
        ),
        (
            imported.must_change,
            "must set a new password at the next logon, on demand or because of max-age",
        ),
        (imported.memberships, "memberships of groups"),
        (left_out, "lines left out, with other user ids than --uids"),
    ] {
        if number > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {number} {line}");
        }
    }
    if format == Format::Passwd {
        text.push_str(
            "The primary group of all is Domain Users; the group ids of the file are not used.\n",
        );
    }
    Answer::yes(text, &Shown::new(imported, left_out, asked.dry_run))
}

fn refused(mut faults: Vec<(u32, LineFault)>, total: usize) -> Answer {
    faults.sort_by_key(|(row, _)| *row);
    let mut text = format!(
        "{} of {total} lines cannot be imported, so none was. Nothing was changed.\n",
        faults.len()
    );
    for (row, fault) in &faults {
        let _ = writeln!(text, "line {row}: {fault}");
    }
    let lines: Vec<FaultShown> = faults
        .iter()
        .map(|(row, fault)| FaultShown {
            line: *row,
            name: fault.word(),
            text: fault.to_string(),
        })
        .collect();
    let json = serde_json::json!({"changed": false, "lines": total, "bad_lines": lines});
    Answer::yes(text, &json).with(Exit::No)
}

/// In JSON.
#[derive(Serialize)]
struct Shown {
    changed: bool,
    dry_run: bool,
    users: u32,
    with_password: u32,
    disabled: u32,
    must_change: u32,
    memberships: u32,
    left_out: u32,
}

impl Shown {
    fn new(imported: &Imported, left_out: u32, dry_run: bool) -> Self {
        Self {
            changed: !dry_run && imported.users > 0,
            dry_run,
            users: imported.users,
            with_password: imported.with_password,
            disabled: imported.disabled,
            must_change: imported.must_change,
            memberships: imported.memberships,
            left_out,
        }
    }
}

/// In JSON.
#[derive(Serialize)]
struct FaultShown {
    line: u32,
    name: &'static str,
    text: String,
}

/// The whole file; it holds password hashes, and is wiped.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |error| ImportError::File(path.to_owned(), error);
    let read = |source: &mut dyn Read| {
        let mut bytes = Zeroizing::new(Vec::new());
        source.take(MOST + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = if path == Path::new("-") {
        read(&mut io::stdin().lock())
    } else {
        File::open(path).and_then(|mut file| read(&mut file))
    };
    let bytes = bytes.map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MOST) {
        Ok(bytes)
    } else {
        Err(ImportError::TooMany.into())
    }
}

/// By the first line that says anything: fields as in passwd(5), or else a table.
fn format_of(text: &[u8]) -> Format {
    let first = numbered(text)
        .map(|(_, line)| line)
        .find(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"));
    let fields = first.map_or(0, |line| line.split(|byte| *byte == b':').count());
    if lines::FIELDS.contains(&fields) {
        Format::Passwd
    } else {
        Format::Csv
    }
}

/// The lines with their numbers, from 1; without the mark that some systems put before text,
/// and without their ends.
fn numbered(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    text.split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .zip(1..)
        .map(|(line, number)| (number, line))
}
