//! Connections: one request each, within bounds of number and of time.
//!
//! Some threads wait at each door. The one that accepts a connection serves it, too:
//! handing it to another, or to a new one, would cost a logon more than its look-ups do.
//! The last that waits has another one started before it serves, so that there is always
//! one to accept; and whoever comes back to enough who wait ends.

use crate::desk::{Caller, Desk, Door};
use crate::log::{Level, Log};
use crate::record::Record;
use crate::seats::{Bounds, Seat, Seats};
use crate::sockets::Sockets;
use crate::subordinate::Subordinates;
use domlogon_protocol::client::Timed;
use domlogon_protocol::frame::{
    self, FrameError, MAX_ADMIN_REQUEST, MAX_REPLY, MAX_REQUEST, MAX_ROOT_REQUEST,
};
use domlogon_protocol::{Reply, Request, Verdict, admin};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::io::{self, Read};
use std::net::Shutdown;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// How many requests that only the administrators' door takes, for their length, are held
/// at once: some megabytes each with what is made of them.
const LONG_ONES: usize = 4;

/// An answer of more bytes is a long one: a group of some thousand members.
const LONG_ANSWER: usize = 64 * 1024;

/// Answers that may be long, being made or waiting to be read: some megabytes each. They are
/// made one after the other, so whoever asks for a short one waits for no more than these.
const LONG_ANSWERS: Bounds = Bounds {
    all: 32,
    others: 24,
    each: 4,
};

/// How many threads stay to wait at one door when nothing is to be done.
const STAY: usize = 4;

/// A server that accepts connections until it is stopped.
pub(crate) struct Server {
    sockets: Sockets,
    entrances: Vec<Arc<Entrance>>,
    bell: UnixStream,
    desk: Arc<Desk>,
    seats: Arc<Seats>,
    times: Times,
}

/// One socket, and the threads that wait there.
struct Entrance {
    door: Door,
    listener: Arc<UnixListener>,
    /// How many threads wait for a connection, or are about to.
    waiting: AtomicUsize,
    /// One of them looks for the next connection: a connection wakes nobody in vain.
    turn: Mutex<()>,
    /// At its end when the server stops.
    stopped: Arc<UnixStream>,
    reception: Arc<Reception>,
}

/// Why there is no request.
enum Unread {
    /// It is long, and too many of those are here already.
    Busy,
    Frame(FrameError),
}

impl From<FrameError> for Unread {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

/// What serving needs.
struct Reception {
    desk: Arc<Desk>,
    log: Arc<Log>,
    seats: Arc<Seats>,
    /// Whose share of the seats, and whose pace, a caller's is.
    subordinates: Subordinates,
    /// For long requests, beside the seat that every request has.
    long: Arc<Seats>,
    /// For long answers, likewise.
    answers: Arc<Seats>,
    times: Times,
    /// Seconds since `start` at which the last complaint was logged.
    complained: AtomicU64,
    start: Instant,
}

impl Server {
    /// Starts to accept; from then on the sockets are this daemon's to whoever connects.
    ///
    /// # Errors
    /// The system's, if there is no thread left.
    pub(crate) fn start(
        sockets: Sockets,
        desk: Arc<Desk>,
        log: Arc<Log>,
        subordinates: Subordinates,
        bounds: Bounds,
        times: Times,
    ) -> io::Result<Self> {
        let seats = Seats::new(bounds);
        let reception = Arc::new(Reception {
            desk: Arc::clone(&desk),
            log,
            seats: Arc::clone(&seats),
            subordinates,
            long: Seats::new(Bounds {
                all: LONG_ONES,
                others: LONG_ONES - 1,
                each: LONG_ONES - 2,
            }),
            answers: Seats::new(LONG_ANSWERS),
            times,
            complained: AtomicU64::default(),
            start: Instant::now(),
        });
        let (bell, stopped) = UnixStream::pair()?;
        let stopped = Arc::new(stopped);
        let mut entrances = Vec::new();
        for (door, socket) in [(Door::Main, &sockets.main), (Door::Admin, &sockets.admin)] {
            let entrance = Arc::new(Entrance {
                door,
                listener: Arc::clone(&socket.listener),
                waiting: AtomicUsize::default(),
                turn: Mutex::default(),
                stopped: Arc::clone(&stopped),
                reception: Arc::clone(&reception),
            });
            entrance.add_thread()?;
            entrances.push(entrance);
        }
        sockets.claim()?;
        Ok(Self {
            sockets,
            entrances,
            bell,
            desk,
            seats,
            times,
        })
    }

    /// Accepts no more, removes the sockets unless they are the service manager's, waits
    /// for what is running, and has the desk closed. Whether all that was running came to
    /// its end.
    pub(crate) fn stop(self) -> bool {
        // Whoever connects from here on is the next daemon's.
        let _ = self.bell.shutdown(Shutdown::Both);
        for entrance in &self.entrances {
            // Whoever came before it has a seat when the turn is over.
            drop(entrance.turn.lock());
        }
        drop(self.sockets);
        let finished = self.seats.wait_until_empty(self.times.stop);
        self.desk.close();
        finished
    }
}

impl Entrance {
    /// One thread more that waits.
    fn add_thread(self: &Arc<Self>) -> io::Result<()> {
        let entrance = Arc::clone(self);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        thread::Builder::new()
            .name("request".to_owned())
            .stack_size(1024 * 1024)
            .spawn(move || while entrance.accept().is_continue() {})
            .map(drop)
            .inspect_err(|_| {
                self.waiting.fetch_sub(1, Ordering::SeqCst);
            })
    }

    /// Waits for a connection and serves it. Whether this thread is to wait again.
    fn accept(self: &Arc<Self>) -> ControlFlow<()> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.wait()?;
        let error = match self.listener.accept() {
            Ok((stream, _)) => return self.receive(turn, stream),
            Err(error) => error,
        };
        drop(turn);
        match error.kind() {
            // The socket was shut down: the server stops.
            io::ErrorKind::InvalidInput => return ControlFlow::Break(()),
            io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::WouldBlock => {}
            // Descriptors or memory have run out; they come back when connections end.
            _ => self.reception.pause("cannot accept connections", &error),
        }
        ControlFlow::Continue(())
    }

    /// Waits until somebody connects, or the server stops.
    fn wait(&self) -> ControlFlow<()> {
        let mut fds = [
            PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN),
        ];
        // An interruption is followed by a look that finds nobody.
        let _ = poll(&mut fds, PollTimeout::NONE);
        let [_, stopped] = fds;
        if stopped.any().unwrap_or(false) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Gives whoever came a seat, and serves him. The turn is over when he has it: a server
    /// that stops waits for those who sit, and must not overlook one on his way there.
    fn receive(self: &Arc<Self>, turn: MutexGuard<'_, ()>, stream: UnixStream) -> ControlFlow<()> {
        let reception = &self.reception;
        let Ok(peer) = getsockopt(&stream, PeerCredentials) else {
            return ControlFlow::Continue(());
        };
        let caller = Caller {
            uid: peer.uid(),
            owner: reception.subordinates.owner(peer.uid()),
        };
        let seat = reception.seats.take(caller.owner);
        drop(turn);
        let Some(seat) = seat else {
            reception.complain(|| {
                let record = Record::new("too many connections").number("caller", caller.uid);
                (Level::Warning, record.line())
            });
            turn_away(stream, Verdict::Busy);
            return ControlFlow::Continue(());
        };
        let was_last = self.waiting.fetch_sub(1, Ordering::SeqCst) == 1;
        if was_last {
            if let Err(error) = self.add_thread() {
                // To serve now would leave nobody at the door.
                self.waiting.fetch_add(1, Ordering::SeqCst);
                drop((stream, seat));
                reception.pause("cannot start a thread", &error);
                return ControlFlow::Continue(());
            }
        }
        reception.serve(seat, stream, self.door, caller);
        let one_more = |waiting| (waiting < STAY).then_some(waiting + 1);
        let stays = self
            .waiting
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more);
        match stays {
            Ok(_) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl Reception {
    fn pause(&self, what: &'static str, error: &io::Error) {
        self.complain(|| {
            let record = Record::new(what).field("reason", &error.to_string());
            (Level::Error, record.line())
        });
        thread::sleep(Duration::from_millis(50));
    }

    /// One connection: a request, its answer, the end. It has a seat as long as it lasts,
    /// and so does a long request: its answer is long, too.
    fn serve(&self, mut seat: Seat, stream: UnixStream, door: Door, caller: Caller) {
        if !self.desk.admits(door, caller) {
            // Nothing of what he asks is read, however long it is.
            return turn_away(stream, Verdict::AccessDenied);
        }
        let deadline = Instant::now() + self.times.talk;
        let mut stream = Timed { stream, deadline };
        let mut long = None;
        let reply = match self.read(&mut stream, door, caller, &mut long) {
            Ok((request, real_uid)) => {
                let answer = self
                    .behind(caller, real_uid, &mut seat)
                    .map(|caller| self.answer(&stream, door, caller, request, &mut long));
                match answer {
                    Some(Some(reply)) => reply,
                    Some(None) => return,
                    None => Reply::Refused(Verdict::Busy),
                }
            }
            Err(Unread::Busy) => Reply::Refused(Verdict::Busy),
            // Cut short or too slow: nobody is there who could be answered.
            Err(Unread::Frame(FrameError::Io(_))) => return,
            Err(Unread::Frame(error)) => {
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

    /// The caller as he counts: what root's set-user-ID programs ask is in the share of whoever
    /// started them, or one user could keep everybody out by many of them. `None` if that is
    /// used up. Nobody else's word is taken for it.
    fn behind(&self, caller: Caller, real_uid: u32, seat: &mut Seat) -> Option<Caller> {
        if caller.uid != 0 || real_uid == 0 {
            return Some(caller);
        }
        let owner = self.subordinates.owner(real_uid);
        if seat.count_for(owner) {
            return Some(Caller { owner, ..caller });
        }
        self.complain(|| {
            let record = Record::new("too many connections").number("by", real_uid);
            (Level::Warning, record.line())
        });
        None
    }

    /// The answer to a request; none if whoever asked has gone meanwhile. What may be long
    /// and anybody may ask for is made in a place of its own, which a long one keeps until it
    /// is taken.
    fn answer(
        &self,
        stream: &Timed,
        door: Door,
        caller: Caller,
        request: Request,
        long: &mut Option<Seat>,
    ) -> Option<Reply> {
        let may_be_long = matches!(
            request,
            Request::GroupByName(_)
                | Request::GroupById(_)
                | Request::Users(_)
                | Request::Groups(_)
        );
        if may_be_long {
            let deadline = Instant::now() + self.times.talk;
            *long = self.answers.take_by(caller.owner, deadline);
            if long.is_none() {
                return Some(Reply::Refused(Verdict::Busy));
            }
        }
        // Work for nobody would be done before that for those who wait.
        if has_gone(&stream.stream) {
            return None;
        }
        let reply = self.desk.answer(door, caller, request);
        if may_be_long && frame::size(&reply) <= LONG_ANSWER {
            *long = None;
        }
        Some(reply)
    }

    /// Reads one request. A file of rights may be longer than anything else, and only at
    /// the administrators' door; for each such request a place in `long` is taken first. With
    /// it, who is behind the program that asks, as it says.
    fn read(
        &self,
        stream: &mut Timed,
        door: Door,
        caller: Caller,
        long: &mut Option<Seat>,
    ) -> Result<(Request, u32), Unread> {
        if door == Door::Main {
            return Ok(frame::read_behind(stream, MAX_REQUEST)?);
        }
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(FrameError::Io)?;
        let is_long = u32::from_le_bytes(length) as usize > MAX_REQUEST;
        if is_long {
            let seat = self.long.take_by(caller.owner, stream.deadline);
            *long = Some(seat.ok_or(Unread::Busy)?);
            stream.deadline = Instant::now() + self.times.talk;
        }
        // An import is root's: its length takes memory that others are not trusted with.
        let most = if caller.uid == 0 {
            MAX_ROOT_REQUEST
        } else {
            MAX_ADMIN_REQUEST
        };
        let (request, real_uid) = frame::read_behind(&mut length.as_slice().chain(stream), most)?;
        let may_be_long = matches!(
            request,
            Request::Admin(
                admin::Request::RightsCheck { .. }
                    | admin::Request::RightsSimulate { .. }
                    | admin::Request::UserImport { .. }
            )
        );
        if is_long && !may_be_long {
            return Err(Unread::Frame(FrameError::TooLong));
        }
        Ok((request, real_uid))
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

/// Whether the other side has closed, so that nobody takes an answer.
fn has_gone(stream: &UnixStream) -> bool {
    let mut fds = [PollFd::new(stream.as_fd(), PollFlags::empty())];
    let looked = poll(&mut fds, PollTimeout::ZERO);
    let [stream] = fds;
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR;
    looked.is_ok() && stream.revents().is_some_and(|found| found.intersects(gone))
}

/// Refuses without waiting for anything: this also runs where connections are accepted.
fn turn_away(stream: UnixStream, verdict: Verdict) {
    if stream.set_nonblocking(true).is_ok() {
        let deadline = Instant::now() + Duration::from_millis(10);
        let mut stream = Timed { stream, deadline };
        let _ = frame::write(&mut stream, &Reply::Refused(verdict), MAX_REPLY);
    }
}

#[cfg(test)]
mod tests;
