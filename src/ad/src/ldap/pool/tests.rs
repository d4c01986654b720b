//! Against a real controller (see the tests of the queries), through a relay that can cut
//! its bytes into small pieces, and that can be cut itself.

use super::*;
use crate::queries::tests::{NAME, REALM, controller};
use crate::queries::{domain_facts, server_state};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

struct Relay {
    address: SocketAddr,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// Relays to `to`, and what comes back in pieces of up to `piece` bytes.
    fn new(to: SocketAddr, piece: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let seen = Arc::clone(&streams);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(to).unwrap();
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                    seen.lock().unwrap().push(stream.try_clone().unwrap());
                }
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || copy(client, server, 1 << 16));
                thread::spawn(move || copy(back.0, back.1, piece));
            }
        });
        Self { address, streams }
    }

    fn opened(&self) -> usize {
        self.streams.lock().unwrap().len() / 2
    }

    fn cut(&self) {
        for stream in self.streams.lock().unwrap().iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, piece: usize) {
    let mut buffer = [0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        for part in buffer[..count].chunks(piece) {
            if to.write_all(part).is_err() {
                return;
            }
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn pool(piece: usize) -> (Pool, Relay) {
    let relay = Relay::new(controller(389), piece);
    let realm = REALM.to_owned();
    let pool = Pool::to(relay.address, NAME, Security::Sealed { realm });
    (pool, relay)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn kept(pool: &Pool) -> usize {
    pool.lock().connections.len()
}

fn ask(pool: &Pool) -> Result<(), LdapError> {
    pool.with(soon(), |connection| server_state(connection).map(drop))
}

#[test]
#[ignore = "needs a domain controller"]
fn a_connection_is_kept_and_one_that_was_cut_is_replaced() {
    let (pool, relay) = pool(1 << 16);
    for _ in 0..3 {
        ask(&pool).unwrap();
    }
    assert_eq!((kept(&pool), relay.opened()), (1, 1));
    // Cut while nobody uses it: seen before it is used.
    relay.cut();
    thread::sleep(Duration::from_millis(50));
    ask(&pool).unwrap();
    assert_eq!((kept(&pool), relay.opened()), (1, 2));
    // Cut in the middle of a question: put once more.
    let mut turns = 0;
    let answer = pool.with(soon(), |connection| {
        turns += 1;
        if turns == 1 {
            relay.cut();
        }
        server_state(connection).map(drop)
    });
    answer.unwrap();
    assert_eq!((turns, kept(&pool), relay.opened()), (2, 1, 3));
    pool.forget();
    assert_eq!(kept(&pool), 0);
    // Forgotten while it was in use.
    pool.with(soon(), |_| {
        pool.forget();
        Ok(())
    })
    .unwrap();
    assert_eq!(kept(&pool), 0);
    // What took too long is not kept.
    let late = Instant::now() + Duration::from_millis(100);
    let answer = pool.with(late, |connection| {
        thread::sleep(Duration::from_millis(150));
        server_state(connection).map(drop)
    });
    assert!(matches!(answer, Err(LdapError::Timeout)));
    assert_eq!(kept(&pool), 0);
}

#[test]
#[ignore = "needs a domain controller"]
fn many_at_once_and_few_are_kept() {
    let (pool, relay) = pool(1 << 16);
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                for _ in 0..20 {
                    ask(&pool).unwrap();
                }
            });
        }
    });
    println!("{} opened, {} kept", relay.opened(), kept(&pool));
    assert!(kept(&pool) <= MOST);
}

#[test]
#[ignore = "needs a domain controller"]
fn however_the_bytes_are_cut_the_answer_is_whole() {
    let whole = |piece| {
        let (pool, _relay) = pool(piece);
        pool.with(Instant::now() + Duration::from_secs(60), |connection| {
            let facts = domain_facts(connection)?;
            let mut all = Vec::new();
            crate::queries::all_teams(connection, &facts, None, &mut |team| {
                all.push(team);
                std::ops::ControlFlow::Continue(())
            })?;
            Ok(all)
        })
        .unwrap()
    };
    let expected = whole(1 << 16);
    for piece in [1, 2, 3, 5, 7, 1021] {
        assert!(whole(piece) == expected, "{piece}");
    }
}

/// A peer that reads a bind, and answers it with these bytes.
fn answering(bytes: &'static [u8]) -> Pool {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 1 << 14];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(bytes);
            thread::sleep(Duration::from_secs(1));
        }
    });
    let realm = REALM.to_owned();
    Pool::to(address, NAME, Security::Sealed { realm })
}

#[test]
#[ignore = "needs a ticket of a domain controller"]
fn a_false_controller_gets_nowhere() {
    let ask = |bytes| {
        let pool = answering(bytes);
        let deadline = Instant::now() + Duration::from_millis(500);
        let error = pool.with(deadline, |_| Ok(())).unwrap_err();
        assert_eq!(kept(&pool), 0);
        error
    };
    // Silence.
    assert!(matches!(ask(b""), LdapError::Timeout));
    // "You are in", without any proof.
    let in_already = ask(b"\x30\x0C\x02\x01\x01\x61\x07\x0A\x01\0\x04\0\x04\0");
    assert!(matches!(in_already, LdapError::NotSealed));
    // A proof that is none, and none at all.
    let proof = ask(b"\x30\x12\x02\x01\x01\x61\x0D\x0A\x01\x0E\x04\0\x04\0\x87\x04junk");
    assert!(matches!(proof, LdapError::Ticket(_)), "{proof:?}");
    println!("{proof}");
    let none = ask(b"\x30\x0C\x02\x01\x01\x61\x07\x0A\x01\x0E\x04\0\x04\0");
    assert!(matches!(none, LdapError::Malformed));
}

#[test]
#[ignore = "needs a ticket of a domain controller"]
fn without_a_ticket_for_it_no_server_is_asked() {
    let (mut pool, relay) = pool(1 << 16);
    pool.name = "dc9.corp.example".to_owned();
    let error = ask(&pool).unwrap_err();
    println!("{error}");
    assert!(matches!(error, LdapError::Ticket(_)), "{error:?}");
    assert!(relay.opened() <= 1);
}
