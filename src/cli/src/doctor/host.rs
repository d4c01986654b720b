//! The host that is looked at: the running one, or another root tree.

use nix::fcntl::OFlag;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Most bytes of a file that are looked at.
const MOST: u64 = 16 * 1024 * 1024;

/// Most links on the way to a file, as the kernel has it.
const MOST_LINKS: u32 = 40;

/// A root tree. Paths are those that a program running in it would use.
#[derive(Debug)]
pub(crate) struct Host {
    root: PathBuf,
    /// The running host, whose daemon, sockets and clock can be asked too.
    pub(crate) live: bool,
    /// Who may own the files of the system: root, or in another tree the owner of its root.
    pub(crate) owner: u32,
    /// Now, in seconds since 1970.
    pub(crate) now: i64,
    /// What is there and could not be read.
    unread: RefCell<BTreeSet<String>>,
}

impl Host {
    /// The running host.
    pub(crate) fn this() -> Self {
        Self::new(PathBuf::from("/"), true, 0)
    }

    /// Another root tree.
    ///
    /// # Errors
    /// When it is not a folder that can be read.
    pub(crate) fn at(root: &Path) -> io::Result<Self> {
        fs::read_dir(root)?;
        let root = fs::canonicalize(root)?;
        if root == Path::new("/") {
            return Ok(Self::this());
        }
        let owner = fs::metadata(&root)?.uid();
        Ok(Self::new(root, false, owner))
    }

    fn new(root: PathBuf, live: bool, owner: u32) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Self {
            root,
            live,
            owner,
            now: i64::try_from(now).unwrap_or(i64::MAX),
            unread: RefCell::default(),
        }
    }

    /// The text of a file; none where there is none, or where it cannot be read.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        match self.open(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.note_unread(path, &error);
                None
            }
        }
    }

    fn open(&self, path: &str) -> io::Result<String> {
        // A pipe or a device where a file should be must not hold us.
        let file: File = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(self.resolve(path)?)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a file"));
        }
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What the system knows of a file, links followed.
    pub(crate) fn stat(&self, path: &str) -> Option<Metadata> {
        let resolved = self.resolve(path).ok()?;
        match fs::metadata(resolved) {
            Ok(metadata) => Some(metadata),
            Err(error) => {
                if error.kind() == io::ErrorKind::PermissionDenied {
                    self.note_unread(path, &error);
                }
                None
            }
        }
    }

    /// What the system knows of what stands at a path itself, a link too.
    pub(crate) fn lstat(&self, path: &str) -> Option<Metadata> {
        let (parent, name) = path.rsplit_once('/')?;
        let parent = self.resolve(if parent.is_empty() { "/" } else { parent });
        fs::symlink_metadata(parent.ok()?.join(name)).ok()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.stat(path).is_some()
    }

    /// Where a link points, if `path` is one.
    pub(crate) fn link(&self, path: &str) -> Option<PathBuf> {
        let (parent, name) = path.rsplit_once('/')?;
        let parent = self.resolve(if parent.is_empty() { "/" } else { parent });
        fs::read_link(parent.ok()?.join(name)).ok()
    }

    /// The names in a folder, sorted; none where it is not there or cannot be read.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let found = self.resolve(path).and_then(fs::read_dir);
        let mut names: Vec<String> = match found {
            Ok(entries) => entries
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect(),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.note_unread(path, &error);
                }
                Vec::new()
            }
        };
        names.sort();
        names
    }

    /// The files that a pattern names, sorted: `*` and `?` in the last part of the path.
    pub(crate) fn glob(&self, pattern: &str) -> Vec<String> {
        if !pattern.contains(['*', '?']) {
            return vec![pattern.to_owned()];
        }
        let Some((folder, name)) = pattern.rsplit_once('/') else {
            return Vec::new();
        };
        self.list(folder)
            .into_iter()
            .filter(|found| !found.starts_with('.') && matches(name, found))
            .map(|found| format!("{folder}/{found}"))
            .collect()
    }

    /// What was there and could not be read.
    pub(crate) fn unread(&self) -> Vec<String> {
        self.unread.borrow().iter().cloned().collect()
    }

    fn note_unread(&self, path: &str, error: &io::Error) {
        self.unread
            .borrow_mut()
            .insert(format!("{path}: {}", reason(error)));
    }

    /// The real place of a path. Links are followed inside the tree, as after a chroot.
    fn resolve(&self, path: &str) -> io::Result<PathBuf> {
        if self.live {
            return Ok(PathBuf::from(path));
        }
        let mut todo: Vec<OsString> = parts(Path::new(path));
        let mut done: Vec<OsString> = Vec::new();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            let Ok(target) = fs::read_link(self.place(&done)) else {
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::other("a ring of links"));
            }
            done.pop();
            if target.is_absolute() {
                done.clear();
            }
            todo.extend(parts(&target));
        }
        Ok(self.place(&done))
    }

    fn place(&self, parts: &[OsString]) -> PathBuf {
        let mut place = self.root.clone();
        place.extend(parts);
        place
    }
}

/// The reason without the number that `io::Error` adds.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied (run the command as root)".to_owned(),
        _ => error.to_string(),
    }
}

/// The parts of a path in reverse, so that the next one is at the end.
fn parts(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// Whether `name` fits a pattern of `*` and `?`.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // fits[j]: the pattern so far fits the first j characters.
    let mut fits = vec![false; name.len() + 1];
    fits[0] = true;
    for wanted in pattern {
        let mut next = vec![false; name.len() + 1];
        if wanted == '*' {
            let mut any = false;
            for (index, fit) in fits.iter().enumerate() {
                any |= *fit;
                next[index] = any;
            }
        } else {
            for (index, c) in name.iter().enumerate() {
                next[index + 1] = fits[index] && (wanted == '?' || wanted == *c);
            }
        }
        fits = next;
    }
    fits.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".conf", true),
            ("*.conf", "a.conf.bak", false),
            ("a?c*", "abc", true),
            ("a?c*", "ac", false),
            ("", "", true),
            ("*", "", true),
            ("**a**", "bab", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn links_stay_inside_the_tree() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("etc/deep")).unwrap();
        fs::write(root.join("etc/real"), "inside").unwrap();
        symlink("/etc/real", root.join("etc/absolute")).unwrap();
        symlink("../../../../etc/real", root.join("etc/deep/up")).unwrap();
        symlink("ring", root.join("etc/ring")).unwrap();
        symlink("/etc", root.join("link")).unwrap();
        let host = Host::at(root).unwrap();
        assert!(!host.live);
        for path in [
            "/etc/absolute",
            "/etc/deep/up",
            "/link/real",
            "/etc/../etc/real",
        ] {
            assert_eq!(host.read(path).as_deref(), Some("inside"), "{path}");
        }
        assert_eq!(host.read("/etc/none"), None);
        assert!(host.unread().is_empty());
        assert_eq!(host.read("/etc/ring"), None);
        assert_eq!(host.read("/etc/deep"), None);
        assert_eq!(host.unread().len(), 2, "{:?}", host.unread());
        assert_eq!(host.glob("/etc/re*"), ["/etc/real"]);
        assert!(Host::at(&root.join("etc/real")).is_err());
        assert!(Host::at(&root.join("nowhere")).is_err());
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_does_not_hold_us() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let host = Host::at(dir.path()).unwrap();
        assert_eq!(host.read("/pipe"), None);
        assert_eq!(host.unread().len(), 1);
    }
}
