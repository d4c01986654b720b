//! `sandbox-caller ATTACK SOCKET SECONDS`: a caller who means harm, as whoever it is run by.
//!
//! It makes connections as fast as it can, does its harm to each, keeps many of them, and begins
//! anew with those that are ended. `ask` makes one request on the connection that is its standard
//! input; `hand-over` connects, and runs the rest of its arguments with the connection as their
//! standard input; `serve` listens at SOCKET and says how many bytes it was told.

#![forbid(unsafe_code)]

use domlogon_protocol::client::Timed;
use domlogon_protocol::frame::{self, MAX_REPLY, MAX_REQUEST, VERSION};
use domlogon_protocol::{Origin, Reply, Request, Secret, UserName, admin};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::collections::VecDeque;
use std::error::Error;
use std::fs::{File, Permissions};
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox-caller: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ask"] => ask(),
        ["ask-afresh", socket] => {
            let reply = question(UnixStream::connect(socket)?)?;
            say(&reply);
            Ok(())
        }
        ["hand-over", socket, program, rest @ ..] => hand_over(Path::new(socket), program, rest),
        ["serve", socket, seconds] => serve(Path::new(socket), seconds.parse()?),
        [name, socket, seconds] => {
            let attack = attack(name).ok_or("no attack of that name")?;
            go_on(
                &attack,
                Path::new(socket),
                Duration::from_secs(seconds.parse()?),
            );
            Ok(())
        }
        _ => Err("usage: sandbox-caller ATTACK SOCKET SECONDS".into()),
    }
}

/// What is done to a fresh connection.
type Harm = fn(&mut UnixStream, u64) -> io::Result<()>;

struct Attack {
    harm: Harm,
    /// How many connections are kept at a time.
    kept: usize,
    /// Between two of them.
    rest: Duration,
}

fn attack(name: &str) -> Option<Attack> {
    let fast = |harm, kept| Attack {
        harm,
        kept,
        rest: Duration::ZERO,
    };
    Some(match name {
        "idle" => fast(nothing, 1500),
        "half" => fast(half, 1500),
        "leave" => fast(nothing, 0),
        "garbage" => fast(garbage, 8),
        "huge" => fast(huge, 64),
        "unread" => fast(unread, 200),
        "heavy" => fast(heavy, 200),
        "descriptors" => fast(descriptors, 200),
        "names" => fast(names, 0),
        "guess" => fast(guess, 0),
        "explain" => fast(explain, 0),
        "trickle" => Attack {
            harm: trickle,
            kept: 1500,
            rest: Duration::from_millis(20),
        },
        _ => return None,
    })
}

fn go_on(attack: &Attack, socket: &Path, time: Duration) {
    let end = Instant::now() + time;
    let mut kept = VecDeque::new();
    let (mut made, mut refused) = (0_u64, 0_u64);
    while Instant::now() < end {
        let connected = UnixStream::connect(socket);
        let Ok(mut stream) = connected else {
            // The queue is full, or our own descriptors are.
            refused += 1;
            kept.pop_front();
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        made += 1;
        // Whether the daemon lets it happen is the daemon's affair.
        let _ = (attack.harm)(&mut stream, made);
        kept.push_back(stream);
        if kept.len() > attack.kept {
            kept.pop_front();
        }
        // Those that are kept get one more byte each now and then.
        if attack.rest > Duration::ZERO {
            for stream in &mut kept {
                let _ = stream.write(&[0]);
            }
            thread::sleep(attack.rest);
        }
    }
    println!("made {made}, found no place for {refused}");
}

fn nothing(_: &mut UnixStream, _: u64) -> io::Result<()> {
    Ok(())
}

fn half(stream: &mut UnixStream, _: u64) -> io::Result<()> {
    stream.write_all(&[9, 0, 0])
}

/// A length that is allowed, of which one byte comes in a while.
fn trickle(stream: &mut UnixStream, _: u64) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.write_all(&header(60_000))
}

fn huge(stream: &mut UnixStream, round: u64) -> io::Result<()> {
    let length = match round % 4 {
        0 => u32::MAX,
        1 => 1 << 31,
        2 => u32::try_from(frame::MAX_ROOT_REQUEST).unwrap_or(u32::MAX),
        _ => u32::try_from(MAX_REQUEST).unwrap_or(u32::MAX),
    };
    stream.set_nonblocking(true)?;
    stream.write_all(&header(length))?;
    stream.write_all(&[0xFF; 4096])
}

fn garbage(stream: &mut UnixStream, round: u64) -> io::Result<()> {
    let mut state = round.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut bytes = Vec::new();
    for _ in 0..round % 300 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        bytes.push(state.to_be_bytes()[0]);
    }
    // Half of it begins as it should.
    if round % 2 == 0 {
        stream.write_all(&header(u32::try_from(bytes.len()).unwrap_or(0)))?;
    }
    stream.write_all(&bytes)
}

/// One request after the other, and no answer is taken.
fn unread(stream: &mut UnixStream, _: u64) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    for after in 0..100 {
        write(stream, &Request::Users(after))?;
    }
    Ok(())
}

/// The longest answer that anybody may ask for, and it is not taken.
fn heavy(stream: &mut UnixStream, _: u64) -> io::Result<()> {
    write(stream, &Request::GroupByName("crowd".to_owned()))
}

/// As many descriptors as fit into a message, more than once, beside half a request.
fn descriptors(stream: &mut UnixStream, _: u64) -> io::Result<()> {
    const MOST: usize = 253;
    let file = File::open("/dev/null")?;
    let given = [file.as_raw_fd(); MOST];
    stream.set_nonblocking(true)?;
    for byte in header(60_000) {
        sendmsg::<()>(
            stream.as_raw_fd(),
            &[IoSlice::new(&[byte])],
            &[ControlMessage::ScmRights(&given)],
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
    }
    Ok(())
}

/// What anybody may ask, as often as possible.
fn names(stream: &mut UnixStream, round: u64) -> io::Result<()> {
    let request = match round % 3 {
        0 => Request::Users(0),
        1 => Request::Groups(0),
        _ => Request::GroupByName("Domain Users".to_owned()),
    };
    write(stream, &request)?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

/// Somebody else's password.
fn guess(stream: &mut UnixStream, round: u64) -> io::Result<()> {
    let Ok(user) = UserName::parse(b"victim") else {
        return Ok(());
    };
    let request = Request::Logon {
        user,
        password: Secret::new(format!("guess {round}").as_bytes()),
        origin: Origin::default(),
    };
    write(stream, &request)?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

/// How a logon would end, as often as possible.
fn explain(stream: &mut UnixStream, _: u64) -> io::Result<()> {
    let Ok(user) = UserName::parse(b"victim") else {
        return Ok(());
    };
    let request = Request::Explain {
        user,
        service: "login".to_owned(),
        at: None,
    };
    write(stream, &request)?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

fn header(length: u32) -> Vec<u8> {
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes
}

fn write(stream: &mut UnixStream, request: &Request) -> io::Result<()> {
    frame::write(stream, request, MAX_REQUEST).map_err(|error| match error {
        frame::FrameError::Io(error) => error,
        other => io::Error::other(other),
    })
}

/// Something that administrators alone may ask.
fn question(stream: UnixStream) -> Result<Reply, Box<dyn Error>> {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut timed = Timed { stream, deadline };
    // Whoever was turned away cannot write any more, and has an answer all the same.
    let _ = frame::write(
        &mut timed,
        &Request::Admin(admin::Request::UserList(0)),
        MAX_REQUEST,
    );
    Ok(frame::read(&mut timed, MAX_REPLY)?)
}

fn say(reply: &Reply) {
    match reply {
        Reply::Refused(verdict) => println!("refused: {verdict:?}"),
        _ => println!("answered"),
    }
}

fn ask() -> Outcome {
    let connection: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    say(&question(UnixStream::from(connection))?);
    Ok(())
}

fn hand_over(socket: &Path, program: &str, rest: &[&str]) -> Outcome {
    let connection = UnixStream::connect(socket)?;
    let input = Stdio::from(OwnedFd::from(connection));
    Err(Command::new(program).args(rest).stdin(input).exec().into())
}

fn serve(socket: &Path, seconds: u64) -> Outcome {
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, Permissions::from_mode(0o666))?;
    listener.set_nonblocking(true)?;
    println!("listening");
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut came, mut told) = (0, 0);
    while Instant::now() < end {
        let Ok((mut stream, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        came += 1;
        stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        told += bytes.len();
        println!("came {came}, told {told}");
    }
    Ok(())
}
