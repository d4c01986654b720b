//! Replacing all files of a plan, or none.
//!
//! First everything is written down: the journal with the old and new contents, and beside
//! each file its new content and a second name of the old one. What can fail for lack of
//! space or rights fails there, before anything is changed. Then each file is replaced by a
//! rename, and put back by a rename.

mod meanwhile;

pub(crate) use meanwhile::{Back, Meanwhile};

use super::change::{Change, Direction, Plan};
use super::error::{EnableError, about};
use super::journal::{Desk, Entry, Journal, Phase, sync_folder, write_new};
use super::{nsswitch, profiles, stack};
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Replaces the files of the plan. The journal stays in the phase of applying, and whoever
/// finds it rolls back, until [`Desk::end`].
///
/// # Errors
/// What failed; the files are as they were, but for [`EnableError::HalfDone`].
pub(crate) fn apply(
    desk: &Desk,
    plan: &Plan,
    ready: impl FnOnce() -> Result<(), EnableError>,
) -> Result<Journal, EnableError> {
    let entries = look(plan)?;
    step();
    let journal = match desk.begin(plan, entries) {
        Ok(journal) => journal,
        Err(error) => {
            let _ = desk.end(&nothing_done(plan));
            return Err(error);
        }
    };
    step();
    if let Err(error) = stage(plan, &journal).and_then(|()| ready()) {
        tidy(&journal);
        desk.end(&journal)?;
        return Err(error);
    }
    step();
    match replace(plan).and_then(|()| select(desk, plan)) {
        Ok(()) => Ok(journal),
        Err(error) => Err(back(desk, &journal, error)),
    }
}

/// Rolls back after `error`, and says how that went.
pub(crate) fn back(desk: &Desk, journal: &Journal, error: EnableError) -> EnableError {
    match roll_back(desk, journal) {
        Ok(back) => EnableError::Undone(Box::new(error), back.told(&desk.host).into()),
        Err(other) => EnableError::HalfDone(Box::new(error), Box::new(other)),
    }
}

/// Puts every file back, as [`undo`], and ends the journal.
pub(crate) fn roll_back(desk: &Desk, journal: &Journal) -> Result<Back, EnableError> {
    let back = undo(desk, journal)?;
    desk.end(journal)?;
    Ok(back)
}

/// Puts every file back that was replaced, in the reverse order. Can be repeated.
///
/// Gives what somebody else had changed meanwhile.
///
/// # Errors
/// [`EnableError::NotUndone`] with each file that could not be put back, or from which our
/// lines cannot be taken; the others are put back.
pub(crate) fn undo(desk: &Desk, journal: &Journal) -> Result<Back, EnableError> {
    let mut back = Back::default();
    let mut failed = Vec::new();
    let was_off = journal.direction == Direction::Off;
    // A stack that somebody has written without us does not judge whom nsswitch.conf would name.
    let stays_off = was_off && is_stack_touched(desk, journal)?;
    for (index, entry) in journal.files.iter().enumerate().rev() {
        let before = desk.content(index, "before")?;
        let after = desk.content(index, "after")?;
        let done = if stays_off && is_nsswitch(&entry.path) {
            leave_off(entry, &before, &after)
        } else {
            put_back(entry, &before, &after, was_off)
        };
        match done {
            Ok(Some(meanwhile)) => back.touched.push((entry.path.clone(), meanwhile)),
            Ok(None) => {}
            Err(error) => failed.push(error),
        }
        step();
    }
    if !failed.is_empty() {
        return Err(EnableError::NotUndone(failed));
    }
    if let Some(select) = &journal.select {
        back.select = if stays_off {
            Some(select.stay_off()?)
        } else {
            select.undo()?
        };
    }
    tidy(journal);
    Ok(back)
}

/// Everything is as it shall be: forgets how to go back, but for the backup.
pub(crate) fn settle(desk: &Desk, journal: Journal) -> Result<(), EnableError> {
    let journal = Journal {
        phase: Phase::Done,
        ..journal
    };
    desk.write(&journal)?;
    step();
    tidy(&journal);
    step();
    desk.end(&journal)
}

fn nothing_done(plan: &Plan) -> Journal {
    Journal {
        phase: Phase::Applying,
        direction: plan.direction,
        files: Vec::new(),
        awaited: None,
        account: None,
        select: None,
    }
}

/// What the files are now; refuses links, and what is not as the plan read it.
fn look(plan: &Plan) -> Result<Vec<Entry>, EnableError> {
    plan.changes
        .iter()
        .map(|change| {
            let path = &change.path;
            let found = match fs::symlink_metadata(path) {
                Ok(found) => Some(found),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(EnableError::File(path.clone(), error)),
            };
            if found.as_ref().is_some_and(|found| !found.is_file()) {
                return Err(EnableError::NotAFile(path.clone()));
            }
            unedited(change)?;
            Ok(Entry {
                path: path.clone(),
                existed: found.is_some(),
                mode: found.as_ref().map_or(0o644, |f| f.mode() & 0o7777),
                uid: found.as_ref().map_or(0, MetadataExt::uid),
                gid: found.as_ref().map_or(0, MetadataExt::gid),
            })
        })
        .collect()
}

fn unedited(change: &Change) -> Result<(), EnableError> {
    let now = read(&change.path).map_err(about(&change.path))?;
    if now == change.before {
        Ok(())
    } else {
        Err(EnableError::Edited(change.path.clone()))
    }
}

fn stage(plan: &Plan, journal: &Journal) -> Result<(), EnableError> {
    for (change, entry) in plan.changes.iter().zip(&journal.files) {
        stage_one(change, entry).map_err(about(&change.path))?;
        step();
    }
    Ok(())
}

fn stage_one(change: &Change, entry: &Entry) -> io::Result<()> {
    let (new, old) = (beside(&change.path, "new"), beside(&change.path, "old"));
    discard(&new)?;
    discard(&old)?;
    write_new(&new, &change.after)?;
    dress(&new, entry)?;
    if entry.existed {
        // A second name keeps everything of the file, and going back needs no space.
        fs::hard_link(&change.path, &old).or_else(|_| {
            write_new(&old, change.before.as_deref().unwrap_or_default())?;
            dress(&old, entry)
        })?;
    }
    change.path.parent().map_or(Ok(()), sync_folder)
}

fn dress(path: &Path, entry: &Entry) -> io::Result<()> {
    let made = fs::metadata(path)?;
    if (made.uid(), made.gid()) != (entry.uid, entry.gid) {
        chown(path, Some(entry.uid), Some(entry.gid))?;
    }
    fs::set_permissions(path, Permissions::from_mode(entry.mode))
}

fn replace(plan: &Plan) -> Result<(), EnableError> {
    for change in &plan.changes {
        unedited(change)?;
        let rename = fs::rename(beside(&change.path, "new"), &change.path)
            .and_then(|()| change.path.parent().map_or(Ok(()), sync_folder));
        rename.map_err(about(&change.path))?;
        step();
    }
    Ok(())
}

fn select(desk: &Desk, plan: &Plan) -> Result<(), EnableError> {
    match &plan.select {
        Some(select) => select.apply(&desk.host),
        None => Ok(()),
    }
}

/// Whether somebody else has changed, or removed, a stack of the plan.
fn is_stack_touched(desk: &Desk, journal: &Journal) -> Result<bool, EnableError> {
    for (index, entry) in journal.files.iter().enumerate() {
        if !is_stack(&entry.path) {
            continue;
        }
        let now = read(&entry.path).map_err(about(&entry.path))?;
        let (before, after) = (
            desk.content(index, "before")?,
            desk.content(index, "after")?,
        );
        if now.is_none_or(|now| now != before && now != after) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes our name out, or leaves it out.
fn leave_off(entry: &Entry, before: &[u8], after: &[u8]) -> Result<Option<Meanwhile>, EnableError> {
    let path = &entry.path;
    let Some(now) = read(path).map_err(about(path))? else {
        return Ok(Some(Meanwhile::Removed));
    };
    let wanted = if now == before {
        after.to_vec()
    } else {
        without_ours(path, &now)?.0
    };
    if wanted != now {
        overwrite(path, &wanted, entry).map_err(about(path))?;
    }
    Ok(Some(Meanwhile::StaysOff))
}

/// Puts one file back; what somebody else had done with it. If it `was_off`, what is in it now
/// is left alone: to take our lines out would be the way there, not back.
fn put_back(
    entry: &Entry,
    before: &[u8],
    after: &[u8],
    was_off: bool,
) -> Result<Option<Meanwhile>, EnableError> {
    let path = &entry.path;
    let now = read(path).map_err(about(path))?;
    let wanted = if entry.existed { Some(before) } else { None };
    if now.as_deref() == wanted {
        return Ok(None);
    }
    let Some(now) = now else {
        return Ok(Some(Meanwhile::Removed));
    };
    if now == after {
        restore(entry, before).map_err(about(path))?;
        return Ok(None);
    }
    if was_off {
        return Ok(Some(Meanwhile::Kept));
    }
    let (without, meanwhile) = without_ours(path, &now)?;
    if without != now {
        overwrite(path, &without, entry).map_err(about(path))?;
    }
    Ok(Some(meanwhile))
}

fn restore(entry: &Entry, before: &[u8]) -> io::Result<()> {
    let path = &entry.path;
    let old = beside(path, "old");
    if !entry.existed {
        fs::remove_file(path)?;
    } else if fs::read(&old).is_ok_and(|kept| kept == before) {
        fs::rename(&old, path)?;
    } else {
        overwrite(path, before, entry)?;
    }
    path.parent().map_or(Ok(()), sync_folder)
}

fn overwrite(path: &Path, bytes: &[u8], entry: &Entry) -> io::Result<()> {
    let new = beside(path, "new");
    discard(&new)?;
    write_new(&new, bytes)?;
    dress(&new, entry)?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// The file without what is ours, and what that makes of it.
fn without_ours(path: &Path, bytes: &[u8]) -> Result<(Vec<u8>, Meanwhile), EnableError> {
    let ours = b"domlogon";
    if !bytes.windows(ours.len()).any(|word| word == ours) {
        return Ok((bytes.to_vec(), Meanwhile::Edited));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| EnableError::NotText(path.into()))?;
    let mut meanwhile = Meanwhile::Edited;
    let without = if is_nsswitch(path) {
        nsswitch::without_ours(text)
    } else if is_stack(path) {
        let without = stack::without_ours(text, stack::is_part(path))
            .map_err(|unclear| EnableError::Unclear(path.into(), unclear.line))?;
        if without.is_closed {
            meanwhile = Meanwhile::Closed;
        }
        without.text
    } else {
        profiles::saved_without_ours(text)
    };
    Ok((without.into_bytes(), meanwhile))
}

fn is_nsswitch(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "nsswitch.conf")
}

fn is_stack(path: &Path) -> bool {
    path.parent()
        .is_some_and(|folder| folder.ends_with("pam.d"))
}

fn tidy(journal: &Journal) {
    for entry in &journal.files {
        // What is left over is ignored by PAM, and overwritten by the next run.
        let _ = discard(&beside(&entry.path, "new"));
        let _ = discard(&beside(&entry.path, "old"));
    }
}

fn discard(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The name of a companion of the file, in the same folder.
fn beside(path: &Path, which: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".domlogon-");
    name.push(which);
    path.with_file_name(name)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a test ends the process.
#[cfg(not(test))]
pub(crate) const fn step() {}

#[cfg(test)]
pub(crate) use tests::step;

#[cfg(test)]
mod tests;
