//! The file of rights on the disk: read whole, and replaced whole or not at all.

use super::error::RightsError;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Most bytes of a file that is read.
pub(crate) const MOST: u64 = 1024 * 1024;

/// How long to wait for another command that is changing the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// The mode of a file that is made.
const MODE: u32 = 0o644;

/// A file that is being changed. The new text is written beside it first, under a name
/// that is also the lock: two commands cannot change the file at once, and a command that
/// was killed leaves no lock behind, only that file, which the next one takes over.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The file itself, behind any symbolic link.
    path: PathBuf,
    beside: PathBuf,
    lock: Flock<File>,
    /// The text as it was read; `None` if there is no file.
    text: Option<String>,
    done: bool,
}

impl Draft {
    /// Locks and reads the file.
    pub(crate) fn open(path: &Path) -> Result<Self, RightsError> {
        let path = real(path)?;
        let beside = beside(&path);
        let lock = lock(&beside).map_err(|error| match error {
            Some(error) => RightsError::Write(path.clone(), error),
            None => RightsError::Locked(path.clone()),
        })?;
        let mut draft = Self {
            path,
            beside,
            lock,
            text: None,
            done: false,
        };
        draft.text = draft.current()?;
        Ok(draft)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The text as it was read; `None` if there is no file.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Puts the new text in the place of the old: with its owner and mode, on the disk
    /// before it has the name. On an error the old file is there as it was.
    pub(crate) fn replace(mut self, text: &str) -> Result<(), RightsError> {
        let failed = |error| RightsError::Write(self.path.clone(), error);
        self.fill(text).map_err(failed)?;
        if self.current()? != self.text {
            return Err(RightsError::ChangedMeanwhile(self.path.clone()));
        }
        fs::rename(&self.beside, &self.path).map_err(failed)?;
        self.done = true;
        // The file is whole whatever happens now; should the power fail in this moment,
        // the worst is that it is the old one.
        if let Some(folder) = self.path.parent() {
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }

    fn fill(&self, text: &str) -> io::Result<()> {
        let mut file: &File = &self.lock;
        file.write_all(text.as_bytes())?;
        dress(file, &self.path)?;
        file.sync_all()
    }

    fn current(&self) -> Result<Option<String>, RightsError> {
        // A pipe in the file's place would never end.
        match fs::metadata(&self.path) {
            Ok(found) if !found.is_file() => {
                return Err(RightsError::NoFile(self.path.clone()));
            }
            _ => {}
        }
        match read(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(RightsError::Read(_, error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// Gives a file that was made the owner and the mode of the one in whose place it comes. If there
/// is none: everybody may read it, whatever the umask is.
pub(crate) fn dress(file: &File, old: &Path) -> io::Result<()> {
    let mode = match fs::metadata(old) {
        Ok(old) => {
            let new = file.metadata()?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                fchown(file, Some(old.uid()), Some(old.gid()))?;
            }
            old.mode() & 0o7777
        }
        Err(error) if error.kind() == ErrorKind::NotFound => MODE,
        Err(error) => return Err(error),
    };
    file.set_permissions(Permissions::from_mode(mode))
}

/// A whole file, if it is text of a bearable length.
pub(crate) fn read(path: &Path) -> Result<String, RightsError> {
    let failed = |error| RightsError::Read(path.to_owned(), error);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(RightsError::TooLong(path.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| RightsError::NotText(path.to_owned()))
}

/// Behind the symbolic links; a file that is not there yet is where it would be.
fn real(path: &Path) -> Result<PathBuf, RightsError> {
    match path.canonicalize() {
        Ok(path) => Ok(path),
        // A link to nothing is left alone: who made it meant something by it.
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => {
            Ok(path.to_owned())
        }
        Err(error) => Err(RightsError::Read(path.to_owned(), error)),
    }
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

/// The empty file of this name, open and locked; `None` as the error if another command
/// holds it.
fn lock(path: &Path) -> Result<Flock<File>, Option<io::Error>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Nobody else can read it while it is being written, and so nobody else can lock it.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(path)
            .map_err(Some)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            // Whoever held it before may have renamed or removed it.
            Ok(file) if is_at(&file, path) => {
                file.set_len(0).map_err(Some)?;
                file.set_permissions(Permissions::from_mode(0o600))
                    .map_err(Some)?;
                return Ok(file);
            }
            Ok(_) => {}
            Err((_, Errno::EWOULDBLOCK)) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(50));
            }
            Err((_, Errno::EWOULDBLOCK)) => return Err(None),
            Err((_, error)) => return Err(Some(error.into())),
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(named)) => (file.dev(), file.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("real.toml");
        let link = dir.path().join("rights.toml");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink("real.toml", &link).unwrap();
        let draft = Draft::open(&link).unwrap();
        assert_eq!(draft.text(), Some("old"));
        draft.replace("new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&link).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(names(dir.path()), ["real.toml", "rights.toml"]);
    }

    #[test]
    fn a_new_file_can_be_read_by_everybody_and_a_draft_by_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rights.toml");
        let draft = Draft::open(&path).unwrap();
        assert_eq!(draft.text(), None);
        let beside = fs::metadata(dir.path().join(".rights.toml.new")).unwrap();
        assert_eq!(beside.mode() & 0o7777, 0o600);
        draft.replace("new").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
        assert_eq!(names(dir.path()), ["rights.toml"]);
    }

    #[test]
    fn what_is_not_done_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rights.toml");
        drop(Draft::open(&path).unwrap());
        assert!(names(dir.path()).is_empty());
        // What a command that was killed left is taken over.
        fs::write(dir.path().join(".rights.toml.new"), "a long half of a file").unwrap();
        Draft::open(&path).unwrap().replace("new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(dir.path()), ["rights.toml"]);
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rights.toml");
        fs::write(&path, "old").unwrap();
        let draft = Draft::open(&path).unwrap();
        fs::write(&path, "by hand").unwrap();
        let refused = draft.replace("new");
        assert!(
            matches!(refused, Err(RightsError::ChangedMeanwhile(_))),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "by hand");
        assert_eq!(names(dir.path()), ["rights.toml"]);
    }

    #[test]
    fn two_at_once_are_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rights.toml");
        fs::write(&path, "").unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let draft = Draft::open(&path).unwrap();
                    let text = format!("{}x", draft.text().unwrap());
                    draft.replace(&text).unwrap();
                });
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "xxxxxxxx");
    }

    #[test]
    fn what_is_no_text_of_a_bearable_length_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rights.toml");
        fs::write(&path, [0xff]).unwrap();
        assert!(matches!(read(&path), Err(RightsError::NotText(_))));
        File::create(&path).unwrap().set_len(MOST + 1).unwrap();
        assert!(matches!(read(&path), Err(RightsError::TooLong(_))));
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(matches!(Draft::open(&pipe), Err(RightsError::NoFile(_))));
        let missing = dir.path().join("folder/rights.toml");
        assert!(matches!(Draft::open(&missing), Err(RightsError::Write(..))));
        symlink("nothing", dir.path().join("link")).unwrap();
        let link = dir.path().join("link");
        assert!(matches!(Draft::open(&link), Err(RightsError::Read(..))));
    }
}
