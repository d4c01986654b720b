//! The two files, and the order in which one follows the other.
//!
//! A new file is exchanged with the one in its place, in one step; then the old one, which
//! has the new one's other name now, is marked and removed. So there is always a whole file
//! in place, whoever has the old one mapped learns of the new one when that is there, and a
//! daemon that dies in between leaves the old one under a name where the next one finds it.

use domlogon_names::{
    BASE_FILE, BuildError, Builder, DELTA_FILE, LEFT, LEFT_AT, SUPERSEDED, SUPERSEDED_AT,
};
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What a file is called until it is in its place, and the old one from then on.
const BESIDE: &str = ".next";

/// Any program reads them; nobody but their owner writes to them.
const MODE: u32 = 0o644;

/// The files that programs may have mapped.
pub(super) struct Files {
    base: Place,
    delta: Place,
}

/// One of the two.
struct Place {
    path: PathBuf,
    beside: PathBuf,
    /// What is in place, to be marked when it is not the newest any more.
    now: Option<File>,
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Base,
    Delta,
}

impl Files {
    /// Finds what a former run has left in this folder. What is in place stays there until
    /// there is a newer one; what was being replaced is marked.
    pub(super) fn find(folder: &Path) -> Self {
        Self {
            base: Place::find(folder, BASE_FILE),
            delta: Place::find(folder, DELTA_FILE),
        }
    }

    /// Makes an empty file that nobody sees yet.
    pub(super) fn begin(&self, which: Which) -> io::Result<File> {
        self.place(which).begin()
    }

    /// Puts another delta of the same base into its place.
    pub(super) fn put_delta(&mut self, delta: File) -> io::Result<()> {
        let old = self.delta.put(delta)?;
        self.delta.retire(old)
    }

    /// Puts a base and its first delta into their places.
    pub(super) fn put_both(&mut self, base: File, delta: File) -> io::Result<()> {
        let base = self.base.put(base)?;
        // Whoever comes now sees a base without a delta of its own, and asks the daemon.
        let delta = self.delta.put(delta)?;
        self.base.retire(base)?;
        self.delta.retire(delta)
    }

    /// Takes both away: whoever has them mapped, and whoever comes, asks the daemon.
    pub(super) fn withdraw(&mut self) -> io::Result<()> {
        // The mark first: a file that is gone can be marked by nobody.
        let marked = self.base.withdraw();
        self.delta.withdraw()?;
        marked
    }

    /// Says in them that nobody looks after them any more.
    pub(super) fn leave(&self) -> io::Result<()> {
        let base = self.base.now.as_ref();
        base.map_or(Ok(()), |base| base.write_all_at(&LEFT, LEFT_AT))
    }

    /// Whether there is a file that programs may take for the newest.
    pub(super) const fn are_in_place(&self) -> bool {
        self.base.now.is_some() || self.delta.now.is_some()
    }

    /// Removes what was begun and will not be finished.
    pub(super) fn abandon(&self, which: Which) {
        // There may be none.
        let _ = fs::remove_file(&self.place(which).beside);
    }

    const fn place(&self, which: Which) -> &Place {
        match which {
            Which::Base => &self.base,
            Which::Delta => &self.delta,
        }
    }
}

impl Place {
    fn find(folder: &Path, name: &str) -> Self {
        let (path, beside) = (folder.join(name), folder.join(format!("{name}{BESIDE}")));
        if let Ok(left) = open(&beside) {
            // Of no use if it was never in its place, and else the only one to be marked.
            let _ = mark(&left);
            let _ = fs::remove_file(&beside);
        }
        Self {
            now: open(&path).ok(),
            path,
            beside,
        }
    }

    fn begin(&self) -> io::Result<File> {
        match fs::remove_file(&self.beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.beside)
    }

    /// Puts it into its place, and says what was there.
    fn put(&mut self, new: File) -> io::Result<Option<File>> {
        new.set_permissions(Permissions::from_mode(MODE))?;
        let (from, to) = (&self.beside, &self.path);
        let exchanged = renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_EXCHANGE);
        match exchanged {
            Ok(()) => {
                // If it is not ours, it is what somebody has put there meanwhile.
                let old = match self.now.replace(new) {
                    Some(old) => Some(old),
                    None => open(&self.beside).ok(),
                };
                Ok(old)
            }
            Err(nix::Error::ENOENT) => {
                fs::rename(from, to)?;
                Ok(self.now.replace(new))
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Marks what was replaced, and removes it.
    fn retire(&self, old: Option<File>) -> io::Result<()> {
        if let Some(old) = old {
            mark(&old)?;
        }
        match fs::remove_file(&self.beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn withdraw(&mut self) -> io::Result<()> {
        let marked = self.now.take().map_or(Ok(()), |file| mark(&file));
        if let Ok(left) = open(&self.beside) {
            let _ = mark(&left);
            let _ = fs::remove_file(&self.beside);
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => marked,
        }
    }
}

/// Says in a file that it is not the newest any more.
fn mark(file: &File) -> io::Result<()> {
    file.write_all_at(&SUPERSEDED, SUPERSEDED_AT)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK)
        .open(path)
}

/// Why there is no file.
#[derive(Debug)]
pub(super) enum Failure {
    /// What there is to publish cannot be read.
    Outage,
    /// The daemon stops, or what was read is out of date already.
    GivenUp,
    /// It cannot be built.
    Build(BuildError),
    /// It cannot be put into its place.
    Io(io::Error),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Outage => f.write_str("the accounts cannot be read"),
            Self::GivenUp => f.write_str("it was given up"),
            Self::Build(error) => write!(f, "{error}"),
            Self::Io(error) => write!(f, "the file of names cannot be put into place: {error}"),
        }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Adds what may be added; one entry that no program may be given is not there.
pub(super) fn sound(added: Result<(), BuildError>) -> Result<(), BuildError> {
    match added {
        Err(BuildError::Unsound) => Ok(()),
        other => other,
    }
}

/// What builds a file.
pub(super) type ToFile = Builder<File>;
