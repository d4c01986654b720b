use super::*;
use crate::desk::fake::{self, Fake};
use crate::history;
use crate::local::Local;
use domlogon_protocol::client;
use domlogon_protocol::{Origin, Secret, UserName};
use std::io::{Read, Write};
use std::path::PathBuf;

const SHORT: Duration = Duration::from_millis(300);

struct Running {
    server: Server,
    folder: tempfile::TempDir,
    fake: Arc<Fake>,
    log: Arc<Log>,
}

fn start(bounds: Bounds) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let sockets = Sockets::open(folder.path()).unwrap();
    let (desk, fake, log) = fake::desk();
    let times = Times {
        talk: SHORT,
        stop: Duration::from_secs(5),
    };
    let none = |name: &str| folder.path().join(name);
    let local = Arc::new(Local::of_files(none("passwd"), none("group")));
    let subordinates = Subordinates::of_file(none("subuid"), local);
    let server =
        Server::start(sockets, desk, Arc::clone(&log), subordinates, bounds, times).unwrap();
    Running {
        server,
        folder,
        fake,
        log,
    }
}

impl Running {
    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).unwrap();
        let limit = Some(Duration::from_secs(5));
        stream.set_read_timeout(limit).unwrap();
        stream
    }

    fn is_alive(&self) -> bool {
        let reply = client::call(&self.socket(), &Request::Status, Duration::from_secs(5));
        matches!(reply, Ok(Reply::Status(_)))
    }

    fn connect_admin(&self) -> UnixStream {
        let stream = UnixStream::connect(self.folder.path().join("admin")).unwrap();
        let limit = Some(Duration::from_secs(5));
        stream.set_read_timeout(limit).unwrap();
        stream
    }

    /// Sends raw bytes, says that no more will come, and gives what comes back.
    fn send(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut reply = Vec::new();
        // What the daemon did not read may come back as a reset, after its reply.
        let _ = stream.read_to_end(&mut reply);
        reply
    }
}

fn logon() -> Request {
    Request::Logon {
        user: UserName::parse(b"alice").unwrap(),
        password: Secret::new(b"right"),
        origin: Origin::default(),
    }
}

fn framed(request: &Request) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, request, MAX_REQUEST).unwrap();
    bytes
}

fn read(reply: &[u8]) -> Reply {
    frame::read(&mut &*reply, MAX_REPLY).unwrap()
}

#[test]
fn a_request_is_answered_on_both_sockets() {
    let running = start(Bounds::within(1024));
    for name in ["socket", "admin"] {
        let socket = running.folder.path().join(name);
        let reply = client::call(&socket, &logon(), Duration::from_secs(5)).unwrap();
        let Reply::Decision(decision) = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(decision.verdict, Verdict::Success, "{name}");
    }
    assert!(running.server.stop());
}

/// A file of rights of so many bytes, as a request.
fn rights(length: usize) -> Request {
    Request::Admin(admin::Request::RightsCheck {
        text: format!("#{}", " ".repeat(length - 1)),
        names: Vec::new(),
    })
}

#[test]
fn a_long_file_of_rights_is_read_at_the_administrators_door_alone() {
    let running = start(Bounds::within(1024));
    let limit = Duration::from_secs(5);
    let folder = running.folder.path();
    for length in [1, MAX_REQUEST - 10, MAX_REQUEST + 1, 1 << 20] {
        let reply = client::call(&folder.join("admin"), &rights(length), limit).unwrap();
        assert!(matches!(reply, Reply::Admin(_)), "{length}: {reply:?}");
    }
    let main = client::call(&folder.join("socket"), &rights(MAX_REQUEST - 100), limit);
    assert_eq!(main.unwrap(), Reply::Refused(Verdict::AccessDenied));
    let main = client::call(&folder.join("socket"), &rights(MAX_REQUEST + 1), limit);
    // What was not read may come back as a reset instead of the reply.
    if let Ok(reply) = main {
        assert_eq!(reply, Reply::Refused(Verdict::InvalidApi));
    }
    let lines = running.log.lines();
    assert!(
        lines[0].ends_with("reason=\"the message is too long\""),
        "{lines:?}"
    );
    assert!(running.is_alive());
}

#[test]
fn nothing_else_may_be_as_long() {
    let running = start(Bounds::within(1024));
    let admin = running.folder.path().join("admin");
    let long = Request::Admin(admin::Request::GroupAdd("g".repeat(MAX_REQUEST)));
    let reply = client::call(&admin, &long, Duration::from_secs(5)).unwrap();
    assert_eq!(reply, Reply::Refused(Verdict::InvalidApi));
    assert!(running.fake.asked.lock().unwrap().is_empty());
    let mut stream = running.connect_admin();
    stream.write_all(&[0xff, 0xff, 0xff, 0x7f, 1, 0]).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    assert_eq!(read(&reply), Reply::Refused(Verdict::InvalidApi));
}

#[test]
fn only_so_many_long_requests_are_held_at_once() {
    let running = start(Bounds::within(1024));
    let admin = running.folder.path().join("admin");
    let mut long = Vec::new();
    frame::write(&mut long, &rights(1 << 20), MAX_ADMIN_REQUEST).unwrap();
    // They say that they are long, and send no more.
    let slow: Vec<_> = (0..LONG_ONES)
        .map(|_| {
            let mut stream = running.connect_admin();
            stream.write_all(&long[..6]).unwrap();
            stream
        })
        .collect();
    // The others must have been accepted and read so far.
    thread::sleep(SHORT / 3);
    let start = Instant::now();
    let short = client::call(&admin, &Request::Status, SHORT);
    assert!(matches!(short, Ok(Reply::Status(_))), "{short:?}");
    assert!(start.elapsed() < SHORT / 2, "a short one does not wait");
    let reply = client::call(&admin, &rights(1 << 20), Duration::from_secs(5));
    assert!(matches!(reply, Ok(Reply::Admin(_))), "{reply:?}");
    assert!(
        start.elapsed() >= SHORT / 3,
        "it waited until their time was up"
    );
    drop(slow);
}

#[test]
fn a_stop_keeps_what_is_remembered_of_the_logons() {
    let running = start(Bounds::within(1024));
    let reply = client::call(&running.socket(), &logon(), Duration::from_secs(5));
    assert!(matches!(reply, Ok(Reply::Decision(_))));
    let kept = running.fake.database().with_file_name(history::FILE);
    assert!(!kept.exists());
    assert!(running.server.stop());
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.contains("\"alice\""), "{kept}");
}

#[test]
fn a_request_that_is_cut_short_is_dropped() {
    let running = start(Bounds::within(1024));
    let whole = framed(&logon());
    for cut in 0..whole.len() {
        assert_eq!(running.send(&whole[..cut]), b"", "cut at {cut}");
    }
    assert!(running.fake.asked.lock().unwrap().is_empty());
    assert!(running.is_alive());
}

#[test]
fn nothing_is_done_for_who_has_gone() {
    let running = start(Bounds::within(1024));
    let (mut gone, stays) = UnixStream::pair().unwrap();
    gone.write_all(&framed(&logon())).unwrap();
    assert!(!has_gone(&stays));
    // Who has only said all that he has to say waits for the answer.
    gone.shutdown(Shutdown::Write).unwrap();
    assert!(!has_gone(&stays));
    drop(gone);
    assert!(has_gone(&stays));
    let reception = Arc::clone(&running.server.entrances[0].reception);
    let seat = reception.seats.take(0).unwrap();
    reception.serve(seat, stays, Door::Main, Caller::of(0));
    assert!(running.fake.asked.lock().unwrap().is_empty());
}

#[test]
fn long_answers_that_nobody_takes_leave_a_place() {
    let running = start(Bounds::within(1024));
    let member = "a-member-with-a-rather-long-name";
    running.fake.add_group("crowd", &[member; 10_000]);
    let crowd = Request::GroupByName("crowd".to_owned());
    let unread: Vec<UnixStream> = (0..LONG_ANSWERS.all)
        .map(|_| {
            let mut stream = running.connect();
            stream.write_all(&framed(&crowd)).unwrap();
            stream
        })
        .collect();
    assert!(running.is_alive(), "what is always short needs no place");
    // Who does not read is left after a while; who asks meanwhile is told to come again.
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match client::call(&running.socket(), &crowd, Duration::from_secs(5)).unwrap() {
            Reply::Group(Some(_)) => break,
            Reply::Refused(Verdict::Busy) if Instant::now() < end => {}
            other => panic!("{other:?}"),
        }
    }
    drop(unread);
    assert!(running.server.stop());
}

/// su and sudo are root for the kernel; one user must not have root's places by them.
#[test]
fn what_somebody_asks_by_roots_programs_is_in_his_own_share() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("left out: needs root");
        // tests/run wants nothing left out where it is root.
        assert!(std::env::var_os("DOMLOGON_TEST_ALL").is_none());
        return;
    }
    let running = start(Bounds {
        all: 20,
        others: 8,
        each: 2,
    });
    *running.fake.slow.lock().unwrap() = SHORT;
    let ask = |real_uid: u32| {
        let mut stream = running.connect();
        frame::write_behind(&mut stream, &logon(), MAX_REQUEST, real_uid).unwrap();
        stream
    };
    let answered = |streams: Vec<UnixStream>| {
        let is_answered = |mut stream: UnixStream| -> bool {
            let reply: Reply = frame::read(&mut stream, MAX_REPLY).unwrap();
            matches!(reply, Reply::Decision(decision) if decision.verdict.grants())
        };
        streams.into_iter().map(is_answered).filter(|a| *a).count()
    };
    let his: Vec<UnixStream> = (0..10).map(|_| ask(500)).collect();
    let roots: Vec<UnixStream> = (0..10).map(|_| ask(0)).collect();
    let anothers = vec![ask(501)];
    assert_eq!(
        [answered(his), answered(roots), answered(anothers)],
        [2, 10, 1]
    );
    let log = running.log.lines().join("\n");
    assert!(log.contains("too many connections: by=500"), "{log}");
    // Given back.
    assert_eq!(answered(vec![ask(500), ask(500)]), 2);
    assert!(running.server.stop());
}

#[test]
fn what_is_not_understood_is_refused() {
    let running = start(Bounds::within(1024));
    let whole = framed(&Request::Status);
    let mut newer = whole.clone();
    newer[4] = 2;
    let mut long = whole.clone();
    long[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut trailing = whole;
    trailing[0] += 1;
    trailing.push(0);
    let unknown = [1, 0, 0, 0, 1, 0, 200];
    for bytes in [&newer[..], &long, &trailing, &unknown, &[0, 0, 0, 0, 1, 0]] {
        let reply = read(&running.send(bytes));
        assert_eq!(reply, Reply::Refused(Verdict::InvalidApi), "{bytes:?}");
    }
    assert!(running.is_alive());
    let lines = running.log.lines();
    assert_eq!(lines.len(), 1, "no flood: {lines:?}");
    assert!(lines[0].starts_with("4 a request that cannot be read: caller="));
}

#[test]
fn a_trickled_request_ends_at_the_deadline() {
    let running = start(Bounds::within(1024));
    let mut stream = running.connect();
    let start = Instant::now();
    for byte in framed(&logon()).chunks(1) {
        if stream.write_all(byte).is_err() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    let mut reply = Vec::new();
    // Reset, or closed: in any case no answer.
    let _ = stream.read_to_end(&mut reply);
    assert!(reply.is_empty());
    assert!(start.elapsed() < Duration::from_secs(4));
    assert!(running.fake.asked.lock().unwrap().is_empty());
    assert!(running.is_alive());
}

#[test]
fn silent_connections_hold_nobody_up_for_long() {
    let running = start(Bounds {
        all: 3,
        others: 3,
        each: 3,
    });
    let silent: Vec<_> = (0..3).map(|_| running.connect()).collect();
    // They are accepted in turn, so this one comes after them.
    let reply = client::call(&running.socket(), &Request::Status, SHORT);
    // A client that had not written yet finds the connection closed instead.
    assert!(
        matches!(
            reply,
            Ok(Reply::Refused(Verdict::Busy)) | Err(client::CallError::Frame(_))
        ),
        "{reply:?}"
    );
    thread::sleep(SHORT * 2);
    assert!(running.is_alive(), "their time is up");
    drop(silent);
}

#[test]
fn whoever_only_looks_is_nobody() {
    let running = start(Bounds::within(1024));
    for _ in 0..20 {
        client::reachable(&running.socket(), SHORT).unwrap();
    }
    // In turn: this comes after them.
    assert!(running.is_alive());
    assert!(running.server.stop());
    assert_eq!(running.log.lines(), Vec::<String>::new());
}

#[test]
fn a_stop_finishes_what_runs_and_removes_the_sockets() {
    let running = start(Bounds::within(1024));
    *running.fake.slow.lock().unwrap() = SHORT;
    let socket = running.socket();
    let caller = thread::spawn(move || client::call(&socket, &logon(), Duration::from_secs(5)));
    while running.fake.asked.lock().unwrap().is_empty() {
        thread::sleep(Duration::from_millis(1));
    }
    let listener = Arc::downgrade(&running.server.sockets.main.listener);
    assert!(running.server.stop());
    let reply = caller.join().unwrap().unwrap();
    assert!(matches!(reply, Reply::Decision(_)), "{reply:?}");
    assert_eq!(std::fs::read_dir(running.folder.path()).unwrap().count(), 0);
    let end = Instant::now() + Duration::from_secs(5);
    while listener.strong_count() > 0 {
        assert!(Instant::now() < end, "a thread still waits");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_hundred_callers_at_once_are_all_answered() {
    let running = start(Bounds::within(1024));
    let socket = running.socket();
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                let reply = client::call(&socket, &logon(), Duration::from_secs(5)).unwrap();
                assert!(matches!(reply, Reply::Decision(_)));
            });
        }
    });
    assert!(running.server.stop());
}
