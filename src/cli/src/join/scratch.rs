//! The folder of the commands that ask a domain, which one of them at a time has.

use super::error::JoinError;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::unistd::{geteuid, mkdtemp};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind::{AlreadyExists, NotFound};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Always the same one: a command that is interrupted at a prompt leaves it to the next.
const USUAL: &str = "/run/domlogon-join";

/// A folder of root's own for a while.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    /// Given up when the process ends, however it ends.
    _lock: Option<Flock<File>>,
}

impl Scratch {
    /// For a command that changes something: none beside it.
    pub(super) fn take() -> Result<Self, JoinError> {
        Self::at(Path::new(USUAL))
    }

    /// For one that only looks: a folder of its own always, so that it is in nobody's way.
    pub(super) fn beside() -> Result<Self, JoinError> {
        Self::other()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn at(path: &Path) -> Result<Self, JoinError> {
        loop {
            let made = DirBuilder::new().mode(0o700).create(path);
            let was_there = made.map_or_else(|error| error.kind() == AlreadyExists, |()| true);
            let opened = OpenOptions::new()
                .read(true)
                .custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits())
                .open(path);
            let folder = match opened {
                Ok(folder) => folder,
                // Whoever had it has taken it away since.
                Err(error) if was_there && error.kind() == NotFound => continue,
                Err(_) => return Self::other(),
            };
            if !is_own(&folder) {
                return Self::other();
            }
            match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
                Ok(lock) if is_at(&lock, path) => {
                    return Ok(Self {
                        folder: path.to_owned(),
                        _lock: Some(lock),
                    });
                }
                Ok(_) => {}
                Err((_, Errno::EWOULDBLOCK)) => return Err(JoinError::UnderWay),
                Err((_, error)) => return Err(JoinError::File(path.to_owned(), error.into())),
            }
        }
    }

    fn other() -> Result<Self, JoinError> {
        let made = mkdtemp("/tmp/domlogon-join.XXXXXX");
        let folder = made.map_err(|error| JoinError::File("/tmp".into(), error.into()))?;
        Ok(Self {
            folder,
            _lock: None,
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // There is nothing secret in it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn is_own(folder: &File) -> bool {
    folder
        .metadata()
        .is_ok_and(|found| found.uid() == geteuid().as_raw() && found.mode() & 0o077 == 0)
}

fn is_at(folder: &File, path: &Path) -> bool {
    match (folder.metadata(), fs::symlink_metadata(path)) {
        (Ok(folder), Ok(named)) => (folder.dev(), folder.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn one_command_at_a_time_has_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("join");
        let first = Scratch::at(&path).unwrap();
        fs::write(path.join("krb5.conf"), "the first one's").unwrap();
        let second = Scratch::at(&path).unwrap_err();
        assert!(matches!(second, JoinError::UnderWay), "{second}");
        assert!(second.to_string().contains("Nothing was changed"));
        let kept = fs::read_to_string(path.join("krb5.conf")).unwrap();
        assert_eq!(kept, "the first one's");
        drop(first);
        assert!(!path.exists());
        assert_eq!(Scratch::at(&path).unwrap().folder(), path);
    }

    /// In either order.
    #[test]
    fn one_that_only_looks_is_in_nobodys_way() {
        let first = Scratch::beside().unwrap();
        let second = Scratch::beside().unwrap();
        for one in [&first, &second] {
            assert_ne!(one.folder(), Path::new(USUAL));
            assert!(is_own(&File::open(one.folder()).unwrap()));
        }
        assert_ne!(first.folder(), second.folder());
        let said = JoinError::UnderWay.to_string();
        assert!(!said.contains("testjoin"), "{said}");
        let folder = first.folder().to_owned();
        drop(first);
        assert!(!folder.exists());
    }

    #[test]
    fn what_a_killed_command_left_is_in_nobodys_way() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("join");
        DirBuilder::new().mode(0o700).create(&path).unwrap();
        fs::write(path.join("krb5.conf"), "left").unwrap();
        assert_eq!(Scratch::at(&path).unwrap().folder(), path);
        assert!(!path.exists());
        // What others may write to is not taken.
        let theirs = Path::new("/dev/shm");
        let other = Scratch::at(theirs).unwrap();
        assert_ne!(other.folder(), theirs);
        assert!(other.folder().is_dir());
    }

    #[test]
    fn many_at_once_are_one_after_the_other() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("join");
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..200 {
                        if let Ok(scratch) = Scratch::at(&path) {
                            assert_eq!(scratch.folder(), path);
                            let mine = path.join("mine");
                            File::create_new(&mine).unwrap();
                            thread::yield_now();
                            fs::remove_file(mine).unwrap();
                        }
                    }
                });
            }
        });
    }
}
