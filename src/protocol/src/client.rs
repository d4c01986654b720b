//! The blocking client: one connection, one request, one reply, one deadline.

use crate::frame::{self, FrameError};
use crate::{Reply, Request};
use core::fmt;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{geteuid, getuid};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a PAM module waits for everything together: connect, write and read.
pub const PAM_DEADLINE: Duration = Duration::from_secs(5);

/// How long a PAM module waits for the tickets of a logon that has been judged: the daemon
/// has them at hand or not at all.
pub const TICKETS_DEADLINE: Duration = Duration::from_secs(2);

/// How long an NSS look-up waits for everything together.
pub const NSS_DEADLINE: Duration = Duration::from_secs(2);

/// Why a call gave no reply.
#[derive(Debug)]
pub enum CallError {
    /// No daemon is there.
    NotRunning(io::Error),
    /// The socket may not be used by this caller.
    Forbidden,
    /// Something answered that is not the daemon: it runs as the wrong user.
    Impostor(u32),
    /// The daemon took no connection in time: nothing was said to it.
    NotTaken,
    /// The daemon did not answer in time.
    Timeout,
    /// The connection or the reply was broken.
    Frame(FrameError),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning(error) => write!(f, "domlogond is not running ({error})"),
            Self::Forbidden => f.write_str("this socket is for root and the administrators"),
            Self::Impostor(uid) => {
                write!(f, "the socket belongs to user id {uid}, not to domlogond")
            }
            Self::NotTaken => f.write_str("domlogond took no connection in time"),
            Self::Timeout => f.write_str("domlogond did not answer in time"),
            Self::Frame(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CallError {}

/// Asks the daemon behind `socket` and waits at most `limit` for the reply.
///
/// The reply is believed only if the other side runs as root or as the owner of the
/// socket's directory.
///
/// # Errors
/// [`CallError`] says why there is no reply; nothing is tried twice.
pub fn call(socket: &Path, request: &Request, limit: Duration) -> Result<Reply, CallError> {
    let deadline = Instant::now() + limit;
    let (stream, _) = connect(socket, deadline)?;
    talk(Timed { stream, deadline }, request)
}

/// As [`call`], and waits for nobody who is not there yet: a service manager that holds the
/// socket for a daemon that it has still to start is asked nothing. To connect made it
/// start the daemon.
///
/// For look-ups of names at boot, which the start of the daemon may itself have to wait
/// for. A daemon that is started again is waited for as ever: its last run keeps its name
/// on the socket.
///
/// # Errors
/// As [`call`]; [`CallError::NotRunning`] if the daemon has still to be started.
pub fn call_started(socket: &Path, request: &Request, limit: Duration) -> Result<Reply, CallError> {
    let deadline = Instant::now() + limit;
    let (stream, peer) = connect(socket, deadline)?;
    match peer {
        Peer::Manager => Err(CallError::NotRunning(Errno::NOTCONN.into())),
        Peer::Daemon => talk(Timed { stream, deadline }, request),
    }
}

fn talk(mut timed: Timed, request: &Request) -> Result<Reply, CallError> {
    let most = match request {
        Request::Admin(crate::admin::Request::UserImport { .. }) => frame::MAX_ROOT_REQUEST,
        Request::Admin(_) => frame::MAX_ADMIN_REQUEST,
        _ => frame::MAX_REQUEST,
    };
    let read = match frame::write_behind(&mut timed, request, most, behind()) {
        Ok(()) => frame::read(&mut timed, frame::MAX_REPLY),
        // Turned away before all was said: the reply is there all the same.
        Err(FrameError::Io(error)) if is_closed(&error) => {
            frame::read(&mut timed, frame::MAX_REPLY).map_err(|_| FrameError::Io(error))
        }
        Err(other) => Err(other),
    };
    read.map_err(timeout_or_frame)
}

/// Who started this program, if it is not root and the program acts as root all the same.
fn behind() -> u32 {
    match geteuid().is_root() {
        true => getuid().as_raw(),
        false => 0,
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

/// Whether the daemon is there, as far as that shows without a question: something
/// listens behind `socket`, and it runs as root or as the owner of the socket's directory.
///
/// A daemon that hangs is reachable until its queue of connections is full.
///
/// # Errors
/// [`CallError`] says why it cannot be reached.
pub fn reachable(socket: &Path, limit: Duration) -> Result<(), CallError> {
    connect(socket, Instant::now() + limit).map(drop)
}

/// Who listens.
enum Peer {
    /// The daemon, or what was the daemon.
    Daemon,
    /// Root, in a folder that is another user's: nobody of his has listened there yet.
    Manager,
}

fn connect(socket: &Path, deadline: Instant) -> Result<(UnixStream, Peer), CallError> {
    let not_running = |errno: Errno| CallError::NotRunning(errno.into());
    let address = SocketAddrUnix::new(socket).map_err(not_running)?;
    let fd = net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(not_running)?;
    loop {
        let left = left(deadline).map_err(|_| CallError::NotTaken)?;
        // A full backlog would hold a blocking connect for ever; the send time-out bounds it.
        sockopt::set_socket_timeout(&fd, sockopt::Timeout::Send, Some(left))
            .map_err(not_running)?;
        match net::connect(&fd, &address) {
            Ok(()) => break,
            // A signal to the host program: not connected yet.
            Err(Errno::INTR) => {}
            Err(Errno::ACCESS | Errno::PERM) => return Err(CallError::Forbidden),
            Err(Errno::AGAIN) => return Err(CallError::NotTaken),
            Err(other) => return Err(not_running(other)),
        }
    }
    // By nix: in another name space of processes the daemon's id is 0 here, and rustix has
    // no value for that.
    let server = getsockopt(&fd, PeerCredentials)
        .map_err(|errno| not_running(Errno::from_raw_os_error(errno as i32)))?
        .uid();
    let owner = owner_of_directory(socket);
    let peer = match server {
        0 if owner.is_some_and(|owner| owner != 0) => Peer::Manager,
        0 => Peer::Daemon,
        _ if owner == Some(server) => Peer::Daemon,
        _ => return Err(CallError::Impostor(server)),
    };
    Ok((UnixStream::from(fd), peer))
}

fn owner_of_directory(socket: &Path) -> Option<u32> {
    rustix::fs::lstat(socket.parent()?)
        .ok()
        .map(|stat| stat.st_uid)
}

fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.checked_duration_since(Instant::now()) {
        Some(left) if !left.is_zero() => Ok(left),
        Some(_) | None => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn timeout_or_frame(error: FrameError) -> CallError {
    match error {
        FrameError::Io(io)
            if matches!(
                io.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            CallError::Timeout
        }
        other => CallError::Frame(other),
    }
}

/// A stream whose reads and writes all end at one deadline, however the bytes trickle.
pub struct Timed {
    /// The stream.
    pub stream: UnixStream,
    /// The deadline.
    pub deadline: Instant,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        // A daemon that goes away must not raise SIGPIPE in the host program.
        Ok(net::send(&self.stream, buffer, net::SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    fn folder(of: &str) -> std::path::PathBuf {
        let name = format!("domlogon-client-{of}-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn who_is_turned_away_at_once_reads_why() {
        let dir = folder("away");
        let socket = dir.join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let refused = Reply::Refused(crate::Verdict::AccessDenied);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..50 {
                    let (mut stream, _) = listener.accept().unwrap();
                    frame::write(&mut stream, &refused, frame::MAX_REPLY).unwrap();
                }
            });
            // Much longer than what fits into the socket: the rest cannot be written.
            let text = "x".repeat(frame::MAX_ADMIN_REQUEST - 100);
            let names = Vec::new();
            let long = Request::Admin(crate::admin::Request::RightsCheck { text, names });
            for _ in 0..25 {
                for request in [&Request::Status, &long] {
                    let reply = call(&socket, request, Duration::from_secs(5)).unwrap();
                    assert_eq!(reply, refused);
                }
            }
        });
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_service_manager_is_connected_to_and_asked_nothing() {
        let dir = folder("manager");
        let socket = dir.join("socket");
        if owner_of_directory(&socket) != Some(0) {
            eprintln!("left out: needs root");
            // tests/run wants nothing left out where it is root.
            assert!(std::env::var_os("DOMLOGON_TEST_ALL").is_none());
            return;
        }
        let listener = UnixListener::bind(&socket).unwrap();
        let limit = Duration::from_millis(300);
        let start = Instant::now();
        std::os::unix::fs::chown(&dir, Some(65534), None).unwrap();
        let result = call_started(&socket, &Request::Status, limit);
        assert!(
            matches!(result, Err(CallError::NotRunning(_))),
            "{result:?}"
        );
        assert!(start.elapsed() < limit / 2);
        let (mut knocked, _) = listener.accept().unwrap();
        assert_eq!(
            knocked.read(&mut [0]).unwrap(),
            0,
            "closed, and nothing said"
        );
        // Who can wait does.
        let result = call(&socket, &Request::Status, limit);
        assert!(matches!(result, Err(CallError::Timeout)), "{result:?}");
        // Root's own daemon, in root's own folder.
        std::os::unix::fs::chown(&dir, Some(0), None).unwrap();
        let result = call_started(&socket, &Request::Status, limit);
        assert!(matches!(result, Err(CallError::Timeout)), "{result:?}");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn where_the_queue_of_connections_is_full_nothing_was_said() {
        let dir = folder("full");
        let socket = dir.join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        net::listen(&listener, 0).unwrap();
        let _first = UnixStream::connect(&socket).unwrap();
        let limit = Duration::from_millis(200);
        let start = Instant::now();
        for result in [
            call(&socket, &Request::Status, limit).map(drop),
            call(&socket, &Request::Status, Duration::ZERO).map(drop),
            reachable(&socket, limit),
        ] {
            assert!(matches!(result, Err(CallError::NotTaken)), "{result:?}");
        }
        assert!(start.elapsed() < 4 * limit);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_silent_server_costs_no_more_than_the_deadline() {
        let dir = folder("silent");
        let socket = dir.join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        let limit = Duration::from_millis(200);
        let result = call(&socket, &Request::Status, limit);
        assert!(matches!(result, Err(CallError::Timeout)), "{result:?}");
        assert!(reachable(&socket, limit).is_ok(), "it listens");
        std::fs::remove_dir_all(&dir).unwrap();
        let result = call(&socket, &Request::Status, limit);
        assert!(
            matches!(result, Err(CallError::NotRunning(_))),
            "{result:?}"
        );
        let result = reachable(&socket, limit);
        assert!(
            matches!(result, Err(CallError::NotRunning(_))),
            "{result:?}"
        );
    }
}
