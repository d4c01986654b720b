//! The daemon behind its socket.
//!
//! Each request has a connection of its own: nothing is left open that a fork could share or
//! a careless host program could close.

use crate::failure::Failure;
use crate::system::{self, Region, SHELF, Shelf, Stream, Undisturbed};
use crate::wire::{Decode, Frame, HEADER, MOST_REPLY, Page, Reply, Request, Sequence, VERSION};
use core::ffi::{CStr, c_int};
use core::num::NonZeroUsize;

/// How long one call of the host program may take, however many requests it needs; in
/// milliseconds.
pub(crate) const LIMIT: u64 = 2000;

/// glibc's next call, with a larger buffer, comes at once; whatever comes later is another
/// question. In milliseconds.
const FRESH: u64 = 1000;

/// Where the daemon listens.
#[derive(Clone, Copy)]
pub(crate) struct Daemon {
    /// The folder of the socket, whose owner the daemon is.
    pub(crate) folder: &'static CStr,
    pub(crate) socket: &'static CStr,
}

impl Daemon {
    /// The reply to the one request of a call of the host program, within a bounded time.
    #[cold]
    pub(crate) fn ask(&self, request: Request<'_>) -> Result<Answer, Failure> {
        self.ask_until(deadline(), request)
    }

    /// The reply to one request of several, until the deadline of them all.
    #[cold]
    pub(crate) fn ask_until(&self, deadline: u64, request: Request<'_>) -> Result<Answer, Failure> {
        let _until_done = Undisturbed::begin();
        let stream = self.connect(deadline)?;
        let frame = Frame::new(request, system::behind());
        match stream.send(frame.bytes()) {
            // Turned away before all was said: the reply is there all the same.
            Ok(()) | Err(libc::EPIPE | libc::ECONNRESET) => receive(&stream, &frame),
            Err(errno) => Err(while_talking(errno)),
        }
    }

    /// Connects, and believes the other side only if it runs as the owner of the socket's
    /// folder, or as root where that is root's.
    ///
    /// Root in a folder that is another user's is the service manager, which holds the socket
    /// for a daemon that has still to be started. It is asked nothing: that start may itself
    /// have to wait for a look-up.
    fn connect(&self, deadline: u64) -> Result<Stream, Failure> {
        let stream = Stream::connect(self.socket, deadline).map_err(Failure::of_connection)?;
        let peer = stream.peer().map_err(Failure::of_connection)?;
        let owner = system::owner(self.folder);
        match peer {
            0 if owner.is_some_and(|owner| owner != 0) => Err(Failure::NotReachable),
            0 => Ok(stream),
            _ if owner == Some(peer) => Ok(stream),
            _ => Err(Failure::Impostor),
        }
    }
}

/// When a call of the host program that begins now must end, as of [`system::milliseconds`].
pub(crate) fn deadline() -> u64 {
    system::milliseconds().saturating_add(LIMIT)
}

fn receive(stream: &Stream, frame: &Frame) -> Result<Answer, Failure> {
    let mut header = [0; HEADER];
    stream.fill(&mut header).map_err(while_talking)?;
    let [a, b, c, d, version @ ..] = header;
    // The version first: another version may have another limit.
    if u16::from_le_bytes(version) != VERSION {
        return Err(Failure::Broken);
    }
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_| Failure::Broken)?;
    if length > MOST_REPLY {
        return Err(Failure::Broken);
    }
    let mut answer = Answer::new(frame, length).ok_or(Failure::NoMemory)?;
    stream.fill(answer.body_mut()).map_err(while_talking)?;
    Ok(answer)
}

const fn while_talking(errno: c_int) -> Failure {
    match errno {
        libc::EAGAIN => Failure::Timeout,
        _ => Failure::Broken,
    }
}

/// A reply, in pages of its own, and what it is the reply to:
///
/// ```text
///   0  u64  the shelf's
///   8  u64  when it came, in milliseconds
///  16  u32  the length of the body
///  20  u32  the length of the request
///  24  u32  the id in the request, and of a list the one that was given last
///  28       the request
/// 400       of a list that was begun: how many entries are left (u32), in how many bytes
///           (u32), whether there are more at the daemon (u32), above which id (u32)
/// 512       the body
/// ```
pub(crate) struct Answer(Region);

const SINCE: usize = SHELF;
const BODY_LENGTH: usize = 16;
const REQUEST_LENGTH: usize = 20;
const AFTER: usize = 24;
const REQUEST: usize = 28;
const LIST: usize = 400;
const BODY: usize = 512;

const _: () = assert!(REQUEST + Frame::MOST <= LIST);

impl Answer {
    fn new(frame: &Frame, length: usize) -> Option<Self> {
        let mut region = Region::zeros(NonZeroUsize::new(BODY.checked_add(length)?)?)?;
        let front = region.bytes_mut();
        let request = frame.bytes();
        lay(front, SINCE, &system::milliseconds().to_le_bytes());
        lay(
            front,
            BODY_LENGTH,
            &u32::try_from(length).ok()?.to_le_bytes(),
        );
        lay(
            front,
            REQUEST_LENGTH,
            &u32::try_from(request.len()).ok()?.to_le_bytes(),
        );
        lay(front, AFTER, &frame.id.to_le_bytes());
        lay(front, REQUEST, request);
        Some(Self(region))
    }

    pub(crate) fn reply(&self) -> Option<Reply<'_>> {
        Reply::read(self.part(BODY, BODY_LENGTH)?)
    }

    /// The id that was asked for; of a list, the one that was given last, or that it follows.
    pub(crate) fn after(&self) -> u32 {
        self.number(AFTER).unwrap_or(u32::MAX)
    }

    /// What is left of a list that was begun, without reading all of it again.
    pub(crate) fn rest<'a, T: Decode<'a>>(&'a self) -> Option<Page<'a, T>> {
        let body = self.part(BODY, BODY_LENGTH)?;
        let left = usize::try_from(self.number(LIST + 4)?).ok()?;
        let bytes = body.get(body.len().checked_sub(left)?..)?;
        let is_more = self.number(LIST + 8)? != 0;
        let next = self.number(LIST + 12)?;
        Some(Page {
            entries: Sequence::at(self.number(LIST)?, bytes),
            next: is_more.then_some(next),
        })
    }

    /// Begins a list, or moves its place on: what is left, the id that is still to be followed,
    /// and the one that was given last, if one was.
    pub(crate) fn set_rest(&mut self, place: (u32, usize), next: Option<u32>, given: Option<u32>) {
        let (count, left) = place;
        let left = u32::try_from(left).unwrap_or(0);
        let numbers = [count, left, u32::from(next.is_some()), next.unwrap_or(0)];
        let front = self.0.bytes_mut();
        for (index, number) in numbers.into_iter().enumerate() {
            lay(front, LIST + 4 * index, &number.to_le_bytes());
        }
        if let Some(given) = given {
            lay(front, AFTER, &given.to_le_bytes());
        }
    }

    /// Whether this is the reply to the same question, and new.
    fn answers(&self, request: Request<'_>) -> bool {
        let since = self
            .0
            .bytes()
            .get(SINCE..)
            .and_then(|rest| rest.first_chunk());
        let since = since.map_or(0, |since| u64::from_le_bytes(*since));
        self.part(REQUEST, REQUEST_LENGTH) == Some(Frame::new(request, system::behind()).bytes())
            && system::milliseconds().saturating_sub(since) < FRESH
    }

    fn body_mut(&mut self) -> &mut [u8] {
        self.0.bytes_mut().get_mut(BODY..).unwrap_or_default()
    }

    fn part(&self, at: usize, length_at: usize) -> Option<&[u8]> {
        let length = usize::try_from(self.number(length_at)?).ok()?;
        self.0.bytes().get(at..)?.get(..length)
    }

    fn number(&self, at: usize) -> Option<u32> {
        let bytes = self.0.bytes().get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }
}

fn lay(bytes: &mut [u8], at: usize, new: &[u8]) {
    let place = bytes
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..new.len()));
    if let Some(place) = place {
        place.copy_from_slice(new);
    }
}

/// A reply between two calls of which the second needs it again.
pub(crate) struct Kept(Shelf);

impl Kept {
    pub(crate) const fn new() -> Self {
        Self(Shelf::new())
    }

    pub(crate) fn take(&self) -> Option<Answer> {
        self.0.take().map(Answer)
    }

    /// The reply to that question, if it is here and new. What was here is gone then.
    pub(crate) fn take_answer_to(&self, request: Request<'_>) -> Option<Answer> {
        self.take().filter(|answer| answer.answers(request))
    }

    pub(crate) fn put(&self, answer: Answer) {
        self.0.put(answer.0);
    }
}
