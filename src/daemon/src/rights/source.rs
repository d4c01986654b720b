//! The file as it lies on the disk: its bytes, and who could have written them.

use domlogon_protocol::rights::ProblemKind;
use nix::libc;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The bytes of a file, its owner and its mode.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) bytes: Vec<u8>,
    owner: u32,
    mode: u32,
}

impl Source {
    /// Whether nothing stands in the file.
    pub(super) fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }
}

/// Reads a file that only root, or whoever runs this, can write; `None` if there is none.
///
/// # Errors
/// [`ProblemKind`]: it cannot be read, others could write it, or it is longer than `most`
/// bytes.
pub(super) fn read(path: &Path, most: usize) -> Result<Option<Arc<Source>>, ProblemKind> {
    let way = match real(path) {
        Ok(way) => way,
        // A link that leads nowhere is there: without it, fewer would be kept out.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::symlink_metadata(path) {
                Ok(_) => Err(unreadable(&error)),
                Err(_) => Ok(None),
            };
        }
        Err(error) => return Err(unreadable(&error)),
    };
    if let Some(folder) = way.exposed {
        return Err(ProblemKind::ExposedFolder(folder.display().to_string()));
    }
    let file = open(&way.file).map_err(|error| unreadable(&error))?;
    let found = file.metadata().map_err(|error| unreadable(&error))?;
    if !found.is_file() {
        return Err(ProblemKind::Unreadable(NO_FILE.to_owned()));
    }
    if !is_ours(&found) || found.mode() & 0o022 != 0 {
        return Err(ProblemKind::Exposed);
    }
    let mut bytes = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() > most {
        return Err(ProblemKind::TooLong(most as u64));
    }
    Ok(Some(Arc::new(Source {
        bytes,
        owner: found.uid(),
        mode: found.mode(),
    })))
}

/// What is said of a folder, a pipe or a device.
const NO_FILE: &str = "it is not a regular file";

/// Most links on the way to the file, as the kernel has it.
const MOST_LINKS: usize = 40;

/// Where a path leads, through all links.
struct Way {
    file: PathBuf,
    /// The first folder on it in which somebody else could put something else: a
    /// file of root's that says nothing, and everybody who is kept out gets in.
    exposed: Option<PathBuf>,
}

/// Goes the way step by step, and looks at each folder before what is in it.
fn real(path: &Path) -> io::Result<Way> {
    let names = |path: &Path| -> Vec<OsString> {
        let names = path.components().rev();
        names.map(|name| name.as_os_str().to_owned()).collect()
    };
    let mut left = names(&std::path::absolute(path)?);
    let mut at = PathBuf::new();
    let mut exposed = None;
    let mut links = 0;
    while let Some(name) = left.pop() {
        match Path::new(&name).components().next() {
            Some(Component::ParentDir) => {
                at.pop();
                continue;
            }
            Some(Component::RootDir) => {
                at = PathBuf::from("/");
                continue;
            }
            Some(Component::Normal(_)) => {}
            _ => continue,
        }
        let next = at.join(&name);
        let found = fs::symlink_metadata(&next)?;
        if exposed.is_none() && is_exposed(&fs::metadata(&at)?, &found) {
            exposed = Some(at.clone());
        }
        if found.is_symlink() {
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::from_raw_os_error(libc::ELOOP));
            }
            left.extend(names(&fs::read_link(&next)?));
        } else {
            at = next;
        }
    }
    Ok(Way { file: at, exposed })
}

/// Whether somebody else can put something else in the place of what was found in a folder.
/// The group of root may write: a member of it is as good as root.
fn is_exposed(folder: &Metadata, found: &Metadata) -> bool {
    let by_others = folder.mode() & 0o002 != 0;
    let by_group = folder.mode() & 0o020 != 0 && folder.gid() != 0;
    // In a folder such as /tmp everybody can only touch what is his own.
    let is_kept = folder.mode() & libc::S_ISVTX != 0 && is_ours(found);
    !is_ours(folder) || ((by_others || by_group) && !is_kept)
}

fn is_ours(found: &Metadata) -> bool {
    [0, nix::unistd::geteuid().as_raw()].contains(&found.uid())
}

/// Opens without waiting: a pipe in the file's place would never end.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

fn unreadable(error: &io::Error) -> ProblemKind {
    ProblemKind::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_is_taken_from_root_or_from_us_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rights.toml");
        assert_eq!(read(&path, 10), Ok(None));
        fs::write(&path, "0123456789").unwrap();
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for (mode, is_safe) in [
            (0o644, true),
            (0o600, true),
            (0o755, true),
            (0o664, false),
            (0o646, false),
        ] {
            set(mode);
            match read(&path, 10) {
                Ok(Some(source)) => assert!(is_safe && source.bytes == b"0123456789"),
                Err(ProblemKind::Exposed) => assert!(!is_safe, "{mode:o}"),
                other => panic!("{other:?}"),
            }
        }
        set(0o644);
        assert_eq!(read(&path, 9), Err(ProblemKind::TooLong(9)));
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
            assert_eq!(read(&path, 10), Err(ProblemKind::Exposed));
        }
    }

    #[test]
    fn nobody_else_can_change_where_the_path_leads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("etc/rights.toml");
        let theirs = dir.path().join("theirs");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("rights"), "1").unwrap();
        symlink("../theirs/rights", &path).unwrap();
        let is_taken = || matches!(read(&path, 10), Ok(Some(_)));
        let is_exposed = |folder: &Path| {
            let shown = fs::canonicalize(folder).unwrap().display().to_string();
            read(&path, 10) == Err(ProblemKind::ExposedFolder(shown))
        };
        assert!(is_taken());
        for (mode, is_safe) in [(0o757, false), (0o1777, true), (0o755, true)] {
            fs::set_permissions(&theirs, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                (is_taken(), is_exposed(&theirs)),
                (is_safe, !is_safe),
                "{mode:o}"
            );
        }
        if nix::unistd::geteuid().is_root() {
            // What his link leads to is ours; that it leads there is not.
            std::os::unix::fs::chown(&theirs, Some(65534), None).unwrap();
            fs::rename(theirs.join("rights"), dir.path().join("empty")).unwrap();
            symlink("../empty", theirs.join("rights")).unwrap();
            assert!(is_exposed(&theirs));
        }
        fs::remove_file(&path).unwrap();
        symlink("rights.toml", &path).unwrap();
        assert!(
            matches!(read(&path, 10), Err(ProblemKind::Unreadable(_))),
            "a ring"
        );
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rights.toml");
        let is_unreadable = || matches!(read(&path, 10), Err(ProblemKind::Unreadable(_)));
        symlink(dir.path().join("nowhere"), &path).unwrap();
        assert!(is_unreadable(), "a link to nowhere is not an absent file");
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(is_unreadable(), "a pipe");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(is_unreadable(), "a folder");
    }
}
