//! The file: read only if nobody else could have had it, written whole or not at all.

use super::error::{MachineError, Unsafe};
use nix::fcntl::OFlag;
use nix::unistd::Uid;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;
use zeroize::Zeroizing;

/// Far more than any file that we write.
const LONGEST: usize = 64 * 1024;

pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, MachineError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => MachineError::NotJoined(path.to_owned()),
        _ => MachineError::File(path.to_owned(), error),
    };
    let suspect = |why| MachineError::Unsafe(path.to_owned(), why);
    let mut file = OpenOptions::new()
        .read(true)
        // A pipe put there must not make anybody wait.
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(nix::libc::ELOOP) => suspect(Unsafe::NotAFile),
            _ => failed(error),
        })?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(suspect(Unsafe::NotAFile));
    }
    // Whoever owns the folder can put another file there anyway: root reads what is the
    // daemon's.
    let folder = fs::metadata(folder_of(path)).map_err(failed)?;
    let trusted = [0, Uid::effective().as_raw(), folder.uid()];
    if !trusted.contains(&found.uid()) {
        return Err(suspect(Unsafe::Owner(found.uid())));
    }
    if found.mode() & 0o077 != 0 {
        return Err(suspect(Unsafe::Mode(found.mode() & 0o7777)));
    }
    // Taken at once at its greatest size: growing would leave copies behind.
    let mut text = Zeroizing::new(vec![0; LONGEST + 1]);
    let mut length = 0;
    while let Some(room) = text.get_mut(length..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    if length > LONGEST {
        return Err(suspect(Unsafe::TooLong));
    }
    text.truncate(length);
    Ok(text)
}

pub(super) fn write(path: &Path, text: &[u8]) -> Result<(), MachineError> {
    let unfinished = path.with_extension("json.new");
    let folder = folder_of(path);
    let result = fill(&unfinished, folder, text)
        .and_then(|()| fs::rename(&unfinished, path))
        .and_then(|()| File::open(folder)?.sync_all());
    if result.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    result.map_err(|error| MachineError::File(path.to_owned(), error))
}

fn fill(path: &Path, folder: &Path, text: &[u8]) -> io::Result<()> {
    // One that an earlier run left unfinished.
    absent_is_fine(fs::remove_file(path))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)?;
    hand_over(&file, folder)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Puts a file that is complete in its place.
pub(super) fn put(unfinished: &Path, path: &Path) -> Result<(), MachineError> {
    let folder = folder_of(path);
    let result = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(unfinished)
        .and_then(|file| {
            // Whose folder it is could have put another name of a file of root's here.
            if file.metadata()?.nlink() != 1 {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            hand_over(&file, folder)
        })
        .and_then(|()| fs::rename(unfinished, path))
        .and_then(|()| File::open(folder)?.sync_all());
    if result.is_err() {
        let _ = fs::remove_file(unfinished);
    }
    result.map_err(|error| MachineError::File(path.to_owned(), error))
}

/// Root gives what it wrote to the daemon, whose folder it is, and who has to read and
/// write it.
fn hand_over(file: &File, folder: &Path) -> io::Result<()> {
    if Uid::effective().is_root() {
        let owner = fs::metadata(folder)?;
        fchown(file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

pub(crate) fn remove(path: &Path) -> Result<(), MachineError> {
    absent_is_fine(fs::remove_file(path))
        .map_err(|error| MachineError::File(path.to_owned(), error))
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
