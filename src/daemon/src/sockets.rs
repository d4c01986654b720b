//! The two sockets, and the folder they are in.

use core::fmt;
use nix::sys::socket::{Shutdown, shutdown};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The sockets of a running daemon. Dropped, they are gone.
pub(crate) struct Sockets {
    /// For any local caller.
    pub(crate) main: Socket,
    /// For root and the administrators.
    pub(crate) admin: Socket,
}

/// One socket.
pub(crate) struct Socket {
    /// Shared with the threads that wait there.
    pub(crate) listener: Arc<UnixListener>,
    path: PathBuf,
    inode: u64,
}

/// Why there is no socket.
#[derive(Debug)]
pub(crate) enum SocketError {
    /// A daemon answers there.
    InUse(PathBuf),
    /// Something there is not a socket of ours, and stays.
    NotASocket(PathBuf),
    /// The folder is another user's, or others may write to it: whoever can, could put
    /// his own socket in the place of ours.
    Folder(PathBuf),
    /// The system refused.
    Io(PathBuf, io::Error),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path) => write!(
                f,
                "another domlogond is running already: it answers at {}",
                path.display()
            ),
            Self::NotASocket(path) => write!(
                f,
                "{} is in the way and is not a socket; move it away",
                path.display()
            ),
            Self::Folder(path) => write!(
                f,
                "{} must belong to the user that runs domlogond, and nobody else may write to it",
                path.display()
            ),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl core::error::Error for SocketError {}

impl Sockets {
    /// Makes the sockets, and the folder if it is not there. A socket that a dead daemon
    /// left is replaced.
    ///
    /// # Errors
    /// [`SocketError`]; a running daemon's sockets stay as they are.
    pub(crate) fn open(folder: &Path, administrators: Option<u32>) -> Result<Self, SocketError> {
        prepare(folder)?;
        Ok(Self {
            main: Socket::open(folder.join("socket"), 0o666, None)?,
            admin: Socket::open(folder.join("admin"), 0o660, administrators)?,
        })
    }
}

fn prepare(folder: &Path) -> Result<(), SocketError> {
    let io = |error| SocketError::Io(folder.to_owned(), error);
    match DirBuilder::new().mode(0o755).create(folder) {
        // The umask has taken away what others need to reach the sockets.
        Ok(()) => fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(io)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(error)),
    }
    let found = fs::symlink_metadata(folder).map_err(io)?;
    let ours = found.is_dir() && found.uid() == nix::unistd::geteuid().as_raw();
    if ours && found.mode() & 0o022 == 0 {
        Ok(())
    } else {
        Err(SocketError::Folder(folder.to_owned()))
    }
}

impl Socket {
    fn open(path: PathBuf, mode: u32, group: Option<u32>) -> Result<Self, SocketError> {
        make_way(&path)?;
        // Made under another name, and moved into its place when all is set: nobody meets
        // it with the wrong rights, and there is no moment without a socket.
        let new = path.with_extension("new");
        Self::make(&path, &new, mode, group).map_err(|error| {
            let _ = fs::remove_file(&new);
            SocketError::Io(path, error)
        })
    }

    fn make(path: &Path, new: &Path, mode: u32, group: Option<u32>) -> io::Result<Self> {
        match fs::remove_file(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(new)?;
        if group.is_some() {
            chown(new, None, group)?;
        }
        fs::set_permissions(new, fs::Permissions::from_mode(mode))?;
        let inode = fs::symlink_metadata(new)?.ino();
        fs::rename(new, path)?;
        Ok(Self {
            listener: Arc::new(listener),
            path: path.to_owned(),
            inode,
        })
    }
}

/// Sees to it that what is at `path` may be replaced.
fn make_way(path: &Path) -> Result<(), SocketError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(SocketError::Io(path.to_owned(), error)),
    };
    if !found.file_type().is_socket() {
        return Err(SocketError::NotASocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        // Nobody listens any more.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(SocketError::Io(path.to_owned(), error)),
        Ok(_) => Err(SocketError::InUse(path.to_owned())),
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Only our own: another daemon may have come since.
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
        // Whoever waits for connections learns that there will be none.
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn the_sockets_have_their_rights_and_go_with_the_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run");
        let own_group = fs::metadata(dir.path()).unwrap().gid();
        let sockets = Sockets::open(&folder, Some(own_group)).unwrap();
        assert_eq!(mode(&folder), 0o755);
        assert_eq!(mode(&folder.join("socket")), 0o666);
        assert_eq!(mode(&folder.join("admin")), 0o660);
        assert_eq!(fs::metadata(folder.join("admin")).unwrap().gid(), own_group);
        drop(sockets);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_dead_daemons_socket_is_replaced_and_a_live_ones_is_not() {
        let dir = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(dir.path().join("socket")).unwrap());
        let first = Sockets::open(dir.path(), None).unwrap();
        let second = Sockets::open(dir.path(), None);
        assert!(matches!(second, Err(SocketError::InUse(_))));
        UnixStream::connect(dir.path().join("socket")).unwrap();
        drop(first);
        Sockets::open(dir.path(), None).unwrap();
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("admin"), "x").unwrap();
        let error = Sockets::open(dir.path(), None).err().unwrap();
        assert!(matches!(error, SocketError::NotASocket(_)), "{error}");
        assert_eq!(fs::read(dir.path().join("admin")).unwrap(), b"x");

        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = Sockets::open(dir.path(), None).err().unwrap();
        assert!(matches!(error, SocketError::Folder(_)), "{error}");
    }
}
