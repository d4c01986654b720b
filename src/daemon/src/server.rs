//! Connections: one request each, within bounds of number and of time.

use crate::desk::{Caller, Desk, Door};
use crate::log::{Level, Log};
use crate::record::Record;
use crate::seats::{Bounds, Seat, Seats};
use crate::sockets::{Socket, Sockets};
use domlogon_protocol::client::Timed;
use domlogon_protocol::frame::{self, FrameError, MAX_REPLY, MAX_REQUEST};
use domlogon_protocol::{Reply, Request, Verdict};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The bounds of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// For a whole request to arrive, and again for the reply to be taken.
    pub(crate) talk: Duration,
    /// For running requests to end when the daemon stops.
    pub(crate) stop: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            talk: Duration::from_secs(5),
            stop: Duration::from_secs(8),
        }
    }
}

/// A server that accepts connections until it is stopped.
pub(crate) struct Server {
    sockets: Arc<Sockets>,
    seats: Arc<Seats>,
    times: Times,
    threads: Vec<thread::JoinHandle<()>>,
    /// Closed to stop the threads that accept.
    running: UnixStream,
}

/// What accepting and serving need.
#[derive(Clone)]
struct Reception {
    desk: Arc<Desk>,
    log: Arc<Log>,
    seats: Arc<Seats>,
    times: Times,
    /// Seconds since `start` at which the last complaint was logged.
    complained: Arc<AtomicU64>,
    start: Instant,
}

impl Server {
    /// Starts to accept.
    ///
    /// # Errors
    /// The system's, if there is no thread or no descriptor left.
    pub(crate) fn start(
        sockets: Sockets,
        desk: Arc<Desk>,
        log: Arc<Log>,
        bounds: Bounds,
        times: Times,
    ) -> io::Result<Self> {
        let sockets = Arc::new(sockets);
        let seats = Seats::new(bounds);
        let (running, stopped) = UnixStream::pair()?;
        let reception = Reception {
            desk,
            log,
            seats: Arc::clone(&seats),
            times,
            complained: Arc::default(),
            start: Instant::now(),
        };
        let mut threads = Vec::new();
        for door in [Door::Main, Door::Admin] {
            let sockets = Arc::clone(&sockets);
            let reception = reception.clone();
            let stopped = stopped.try_clone()?;
            let accept = move || {
                let listener = &socket_of(&sockets, door).listener;
                reception.accept_until_stopped(listener, door, &stopped);
            };
            threads.push(named("accept").spawn(accept)?);
        }
        Ok(Self {
            sockets,
            seats,
            times,
            threads,
            running,
        })
    }

    /// Accepts no more, waits for what is running, and removes the sockets. Whether all
    /// that was running came to its end.
    pub(crate) fn stop(self) -> bool {
        drop(self.running);
        for thread in self.threads {
            // It cannot have panicked: the daemon would have ended.
            let _ = thread.join();
        }
        drop(self.sockets);
        self.seats.wait_until_empty(self.times.stop)
    }
}

const fn socket_of(sockets: &Sockets, door: Door) -> &Socket {
    match door {
        Door::Main => &sockets.main,
        Door::Admin => &sockets.admin,
    }
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(1024 * 1024)
}

impl Reception {
    fn accept_until_stopped(&self, listener: &UnixListener, door: Door, stopped: &UnixStream) {
        loop {
            let mut waiting = [
                PollFd::new(listener.as_fd(), PollFlags::POLLIN),
                PollFd::new(stopped.as_fd(), PollFlags::POLLIN),
            ];
            if let Err(errno) = poll(&mut waiting, PollTimeout::NONE) {
                if errno != nix::errno::Errno::EINTR {
                    self.pause("cannot wait for connections", &errno.into());
                }
                continue;
            }
            let ready = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
            let [connection, stop] = &waiting;
            if ready(stop) {
                return;
            }
            if ready(connection) {
                self.accept(listener, door);
            }
        }
    }

    fn accept(&self, listener: &UnixListener, door: Door) {
        match listener.accept() {
            Ok((stream, _)) => self.receive(stream, door),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::Interrupted
                        | io::ErrorKind::ConnectionAborted
                ) => {}
            // Descriptors or memory have run out; they come back when connections end.
            Err(error) => self.pause("cannot accept connections", &error),
        }
    }

    fn pause(&self, what: &'static str, error: &io::Error) {
        self.complain(|| {
            let record = Record::new(what).field("reason", &error.to_string());
            (Level::Error, record.line())
        });
        thread::sleep(Duration::from_millis(50));
    }

    fn receive(&self, stream: UnixStream, door: Door) {
        let Ok(peer) = getsockopt(&stream, PeerCredentials) else {
            return;
        };
        let caller = Caller { uid: peer.uid() };
        let Some(seat) = self.seats.take(caller.uid) else {
            self.complain(|| {
                let record = Record::new("too many connections").number("caller", caller.uid);
                (Level::Warning, record.line())
            });
            turn_away(stream);
            return;
        };
        let reception = self.clone();
        let serve = move || reception.serve(&seat, stream, door, caller);
        if let Err(error) = named("request").spawn(serve) {
            self.pause("cannot start a thread", &error);
        }
    }

    /// One connection: a request, its answer, the end. The seat is given back with it.
    fn serve(&self, _seat: &Seat, stream: UnixStream, door: Door, caller: Caller) {
        let deadline = Instant::now() + self.times.talk;
        let mut stream = Timed { stream, deadline };
        let reply = match frame::read::<Request>(&mut stream, MAX_REQUEST) {
            Ok(request) => self.desk.answer(door, caller, request),
            // Cut short or too slow: nobody is there who could be answered.
            Err(FrameError::Io(_)) => return,
            Err(error) => {
                self.complain(|| {
                    let record = Record::new("a request that cannot be read")
                        .number("caller", caller.uid)
                        .field("reason", &error.to_string());
                    (Level::Warning, record.line())
                });
                Reply::Refused(Verdict::InvalidApi)
            }
        };
        stream.deadline = Instant::now() + self.times.talk;
        let written = frame::write(&mut stream, &reply, MAX_REPLY);
        // Any other error means that whoever asked has gone, or does not read.
        if let Err(FrameError::TooLong | FrameError::Malformed) = written {
            let refused = Reply::Refused(Verdict::InternalError);
            let _ = frame::write(&mut stream, &refused, MAX_REPLY);
        }
    }

    /// Logs something that a caller could repeat without end, at most once in ten seconds.
    fn complain(&self, what: impl FnOnce() -> (Level, String)) {
        // 0 is "never yet".
        let now = self.start.elapsed().as_secs() + 10;
        let last = self.complained.load(Ordering::Relaxed);
        let free = now.saturating_sub(last) >= 10;
        if free
            && self
                .complained
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            let (level, line) = what();
            self.log.write(level, &line);
        }
    }
}

/// Says "busy" without waiting for anything: this runs where connections are accepted.
fn turn_away(stream: UnixStream) {
    if stream.set_nonblocking(true).is_ok() {
        let deadline = Instant::now() + Duration::from_millis(10);
        let mut stream = Timed { stream, deadline };
        let _ = frame::write(&mut stream, &Reply::Refused(Verdict::Busy), MAX_REPLY);
    }
}

#[cfg(test)]
mod tests;
