//! One question to the nameservers, and the answer to just that.

use super::error::Trouble;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// The nameservers, and how long they may take.
pub(super) struct Servers {
    pub(super) addresses: Vec<SocketAddr>,
    /// For one question to one of them.
    pub(super) patience: Duration,
    /// For everything.
    pub(super) deadline: Instant,
}

impl Servers {
    /// What the first nameserver answers that answers. `None`: there is no such name, or
    /// it has nothing of this kind.
    pub(super) fn ask(&self, name: &str, kind: RecordType) -> Result<Option<Message>, Trouble> {
        let labels = name.split('.').map(str::as_bytes);
        let name = Name::from_labels(labels).map_err(|_| Trouble::Name)?;
        let mut trouble = Trouble::TooLate;
        for server in &self.addresses {
            let deadline = self.deadline.min(Instant::now() + self.patience);
            if deadline <= Instant::now() {
                break;
            }
            match ask_one(*server, deadline, &name, kind) {
                Ok(reply) => match reply.response_code() {
                    ResponseCode::NoError => return Ok(Some(reply)),
                    ResponseCode::NXDomain => return Ok(None),
                    code => trouble = Trouble::Failed(*server, code),
                },
                Err(other) => trouble = other,
            }
        }
        Err(trouble)
    }
}

fn ask_one(
    server: SocketAddr,
    deadline: Instant,
    name: &Name,
    kind: RecordType,
) -> Result<Message, Trouble> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(|_| Trouble::Random)?;
    let id = u16::from_be_bytes(id);
    let query = Query::query(name.clone(), kind);
    let mut question = Message::new();
    question
        .set_id(id)
        .set_message_type(MessageType::Query)
        .set_op_code(OpCode::Query)
        .set_recursion_desired(true)
        .add_query(query.clone());
    let question = question.to_vec().map_err(|_| Trouble::Name)?;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Trouble::Silent(server),
        io::ErrorKind::InvalidData => Trouble::Broken(server),
        _ => Trouble::Unreachable(server, error),
    };
    let is_answer = |reply: &[u8]| answer(reply, id, &query);
    let reply = by_udp(server, deadline, &question, is_answer).map_err(failed)?;
    if !reply.truncated() {
        return Ok(reply);
    }
    let reply = by_tcp(server, deadline, &question).map_err(failed)?;
    is_answer(&reply).ok_or(Trouble::Broken(server))
}

/// The reply, if it is one to this question. Everything else on the socket is somebody
/// who guesses.
pub(super) fn answer(reply: &[u8], id: u16, query: &Query) -> Option<Message> {
    let reply = Message::from_vec(reply).ok()?;
    let is_ours = reply.id() == id
        && reply.message_type() == MessageType::Response
        && reply.op_code() == OpCode::Query
        && matches!(reply.queries(), [asked]
            if asked.name() == query.name()
                && asked.query_type() == query.query_type()
                && asked.query_class() == DNSClass::IN);
    is_ours.then_some(reply)
}

/// A socket of its own for each question, so that the kernel chooses another port each
/// time; connected, so that it delivers the nameserver's datagrams only.
fn by_udp(
    server: SocketAddr,
    deadline: Instant,
    question: &[u8],
    is_answer: impl Fn(&[u8]) -> Option<Message>,
) -> io::Result<Message> {
    let socket = match server {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?,
    };
    socket.connect(server)?;
    socket.send(question)?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        socket.set_read_timeout(Some(left(deadline)?))?;
        let length = match socket.recv(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result?,
        };
        if let Some(reply) = buffer.get(..length).and_then(&is_answer) {
            return Ok(reply);
        }
    }
}

/// The same by TCP, where an answer has as much room as it needs [RFC 1035 4.2.2].
fn by_tcp(server: SocketAddr, deadline: Instant, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, left(deadline)?)?;
    let length = u16::try_from(question.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(question);
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(&message)?;
    let mut header = [0; 2];
    fill(&mut stream, deadline, &mut header)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(header))];
    fill(&mut stream, deadline, &mut reply)?;
    Ok(reply)
}

/// Reads until `buffer` is full or the deadline is over, however slowly it comes.
fn fill(stream: &mut TcpStream, deadline: Instant, buffer: &mut [u8]) -> io::Result<()> {
    let mut rest = buffer;
    while !rest.is_empty() {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(rest) {
            Ok(0) => return Err(io::ErrorKind::InvalidData.into()),
            Ok(count) => rest = rest.get_mut(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The time that is left, never 0 (which would mean "for ever").
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query() -> Query {
        let name = Name::from_ascii("_ldap._tcp.dc._msdcs.corp.example.").unwrap();
        Query::query(name, RecordType::SRV)
    }

    fn reply(id: u16) -> Message {
        let mut reply = Message::new();
        reply
            .set_id(id)
            .set_message_type(MessageType::Response)
            .add_query(query());
        reply
    }

    #[test]
    fn only_the_answer_to_the_question_counts() {
        let takes = |message: &Message| answer(&message.to_vec().unwrap(), 7, &query()).is_some();
        assert!(takes(&reply(7)));
        assert!(!takes(&reply(8)));
        let mut echo = reply(7);
        echo.set_message_type(MessageType::Query);
        assert!(!takes(&echo));
        let mut other = reply(7);
        other.queries_mut()[0].set_query_type(RecordType::A);
        assert!(!takes(&other));
        let mut none = reply(7);
        none.take_queries();
        assert!(!takes(&none));
    }

    proptest! {
        #[test]
        fn no_reply_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = answer(&bytes, 7, &query());
        }

        #[test]
        fn no_damaged_reply_panics(
            at in 0..80_usize,
            byte: u8,
            more in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut bytes = reply(7).to_vec().unwrap();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.extend(more);
            let _ = answer(&bytes, 7, &query());
        }
    }
}
