//! The two sockets: made here, with the folder they are in, or handed over by the service
//! manager, which listened before this process was there and goes on after it.

use core::fmt;
use listenfd::ListenFd;
use nix::sys::socket::{Backlog, Shutdown, listen, shutdown};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file names of the two sockets; which of them is which, when they are handed over.
const MAIN: &str = "socket";
const ADMIN: &str = "admin";

/// Anybody may connect to either: who may ask what at the administrators' socket is
/// decided by the user that the kernel names, and a daemon that is not root could not give
/// its file to a group anyway.
const MODE: u32 = 0o666;

/// The sockets of a running daemon. Dropped, those that it made are gone.
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
    origin: Origin,
}

/// Whose a socket is.
enum Origin {
    /// Ours.
    Made { path: PathBuf, inode: u64 },
    /// The service manager's: whoever connects while no daemon runs waits for the next one.
    Given,
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
    /// What the service manager handed over is not the two sockets.
    NotTheTwo,
    /// The system does not let what the service manager handed over be used.
    Given(io::Error),
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
            Self::NotTheTwo => write!(
                f,
                "the service manager must hand over two sockets, whose files are called \
                 \"{MAIN}\" and \"{ADMIN}\" (see domlogond.socket)"
            ),
            Self::Given(error) => {
                write!(f, "a socket that the service manager handed over: {error}")
            }
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl core::error::Error for SocketError {}

impl Sockets {
    /// The sockets that the service manager handed over, if it did [sd_listen_fds(3)].
    ///
    /// It tells so in the environment, and what it told is taken away from there: to be
    /// called while the process has one thread.
    ///
    /// # Errors
    /// [`SocketError`], if they are not the two.
    pub(crate) fn given() -> Result<Option<Self>, SocketError> {
        let mut handed_over = ListenFd::from_env();
        let mut listeners = Vec::new();
        for index in 0..handed_over.len() {
            let listener = handed_over.take_unix_listener(index);
            // Not a socket of this kind, which is no fault of the system's.
            let listener = listener.map_err(|_| SocketError::NotTheTwo)?;
            listeners.extend(listener);
        }
        if listeners.is_empty() {
            return Ok(None);
        }
        Self::sort(listeners).map(Some)
    }

    /// Tells by their files which is which: an order could be mistaken.
    fn sort(listeners: Vec<UnixListener>) -> Result<Self, SocketError> {
        let (mut main, mut admin) = (None, None);
        for listener in listeners {
            let address = listener.local_addr().map_err(SocketError::Given)?;
            let name = address.as_pathname().and_then(Path::file_name);
            let place = match name.and_then(OsStr::to_str) {
                Some(MAIN) => &mut main,
                Some(ADMIN) => &mut admin,
                _ => return Err(SocketError::NotTheTwo),
            };
            let socket = Socket::given(listener).map_err(SocketError::Given)?;
            if place.replace(socket).is_some() {
                return Err(SocketError::NotTheTwo);
            }
        }
        match (main, admin) {
            (Some(main), Some(admin)) => Ok(Self { main, admin }),
            _ => Err(SocketError::NotTheTwo),
        }
    }

    /// Makes the sockets, and the folder if it is not there. A socket that a dead daemon
    /// left is replaced.
    ///
    /// # Errors
    /// [`SocketError`]; a running daemon's sockets stay as they are.
    pub(crate) fn open(folder: &Path) -> Result<Self, SocketError> {
        make_folder(folder)?;
        Ok(Self {
            main: Socket::open(folder.join(MAIN))?,
            admin: Socket::open(folder.join(ADMIN))?,
        })
    }

    /// From here on the kernel names this process, and not the service manager, to whoever
    /// connects: that is how a look-up knows that it will be answered. To be called when
    /// somebody waits at both.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn claim(&self) -> io::Result<()> {
        for socket in [&self.main, &self.admin] {
            if matches!(socket.origin, Origin::Given) {
                // To listen again changes nothing but whom SO_PEERCRED names [unix(7)].
                listen(&*socket.listener, Backlog::MAXALLOWABLE)?;
            }
        }
        Ok(())
    }
}

/// Makes the folder if it is not there, and sees to it that nobody else can put a socket in.
///
/// # Errors
/// [`SocketError`], if that cannot be.
pub(crate) fn make_folder(folder: &Path) -> Result<(), SocketError> {
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
    fn given(listener: UnixListener) -> io::Result<Self> {
        Ok(Self {
            listener: Arc::new(ready(listener)?),
            origin: Origin::Given,
        })
    }

    fn open(path: PathBuf) -> Result<Self, SocketError> {
        make_way(&path)?;
        // Made under another name, and moved into its place when all is set: nobody meets
        // it with the wrong rights, and there is no moment without a socket.
        let new = path.with_extension("new");
        Self::make(&path, &new).map_err(|error| {
            let _ = fs::remove_file(&new);
            SocketError::Io(path, error)
        })
    }

    fn make(path: &Path, new: &Path) -> io::Result<Self> {
        match fs::remove_file(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = ready(UnixListener::bind(new)?)?;
        fs::set_permissions(new, fs::Permissions::from_mode(MODE))?;
        let inode = fs::symlink_metadata(new)?.ino();
        fs::rename(new, path)?;
        Ok(Self {
            listener: Arc::new(listener),
            origin: Origin::Made {
                path: path.to_owned(),
                inode,
            },
        })
    }
}

/// Whoever waits for a connection does so in poll(2), where he also hears that the daemon
/// stops.
fn ready(listener: UnixListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    Ok(listener)
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
        let Origin::Made { path, inode } = &self.origin else {
            // Shut down here, it would be shut for the service manager and for the next
            // daemon too.
            return;
        };
        // Only our own: another daemon may have come since.
        let found = fs::symlink_metadata(path);
        if found.is_ok_and(|found| found.ino() == *inode) {
            let _ = fs::remove_file(path);
        }
        // Whoever waits for an answer learns that there will be none.
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
    fn the_sockets_are_everybodys_and_go_with_the_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run");
        let sockets = Sockets::open(&folder).unwrap();
        assert_eq!(mode(&folder), 0o755);
        assert_eq!(mode(&folder.join(MAIN)), 0o666);
        assert_eq!(mode(&folder.join(ADMIN)), 0o666);
        sockets.claim().unwrap();
        drop(sockets);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn what_is_handed_over_is_told_apart_by_its_name_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let bind = |name: &str| {
            let _ = fs::remove_file(dir.path().join(name));
            UnixListener::bind(dir.path().join(name)).unwrap()
        };
        let (admin, main) = (bind(ADMIN), bind(MAIN));
        let managers = main.try_clone().unwrap();
        let sockets = Sockets::sort(vec![admin, main]).unwrap();
        let address = sockets.main.listener.local_addr().unwrap();
        assert_eq!(address.as_pathname(), Some(&*dir.path().join(MAIN)));
        sockets.claim().unwrap();
        drop(sockets);
        // The next daemon finds who connects meanwhile.
        let _waits = UnixStream::connect(dir.path().join(MAIN)).unwrap();
        managers.accept().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);

        for names in [&[MAIN][..], &[ADMIN], &[MAIN, ADMIN, "x"], &[MAIN, MAIN]] {
            let listeners = names.iter().map(|name| bind(name)).collect();
            let error = Sockets::sort(listeners).err().unwrap();
            assert!(matches!(error, SocketError::NotTheTwo), "{names:?}");
        }
    }

    #[test]
    fn a_dead_daemons_socket_is_replaced_and_a_live_ones_is_not() {
        let dir = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(dir.path().join(MAIN)).unwrap());
        let first = Sockets::open(dir.path()).unwrap();
        let second = Sockets::open(dir.path());
        assert!(matches!(second, Err(SocketError::InUse(_))));
        UnixStream::connect(dir.path().join(MAIN)).unwrap();
        drop(first);
        Sockets::open(dir.path()).unwrap();
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(ADMIN), "x").unwrap();
        let error = Sockets::open(dir.path()).err().unwrap();
        assert!(matches!(error, SocketError::NotASocket(_)), "{error}");
        assert_eq!(fs::read(dir.path().join(ADMIN)).unwrap(), b"x");

        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = Sockets::open(dir.path()).err().unwrap();
        assert!(matches!(error, SocketError::Folder(_)), "{error}");
    }
}
