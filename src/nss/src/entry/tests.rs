use super::*;
use domlogon_protocol::directory::Page;
use domlogon_protocol::{Reply, Request, frame};
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A daemon of one user and one group, behind a socket of its own.
struct Server {
    dir: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("socket")).unwrap();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                serve(stream);
            }
        });
        Self { dir }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.dir.path().join("socket")
    }
}

fn serve(mut stream: UnixStream) {
    let Ok(request) = frame::read::<Request>(&mut stream, frame::MAX_REQUEST) else {
        return;
    };
    let reply = match request {
        Request::UserByName(name) if name == "alice" => Reply::User(Some(alice())),
        Request::UserByName(_) => Reply::User(None),
        Request::GroupsOf(_) => Reply::GroupIds(Some(vec![2000, 2001])),
        Request::Users(after) => Reply::Users(Page {
            entries: Vec::from_iter(Some(alice()).filter(|user| user.uid > after)),
            next: None,
        }),
        _ => panic!("not asked here"),
    };
    let _gone = frame::write(&mut stream, &reply, frame::MAX_REPLY);
}

fn alice() -> User {
    User {
        name: "alice".to_owned(),
        uid: 1_900_001_000,
        gid: 1_900_000_513,
        full_name: "Alice".to_owned(),
        home: "/home/alice".to_owned(),
        shell: "/bin/bash".to_owned(),
    }
}

/// getpwnam_r against a socket: the status and what errno became.
fn look_up(socket: &Path, name: &[u8], size: usize) -> (c_int, c_int) {
    let mut result = MaybeUninit::<passwd>::zeroed();
    let mut buffer = vec![0 as c_char; size];
    let mut errno = 77;
    // SAFETY: a buffer of its size, a result that can be written, and a place for errno.
    let status = unsafe {
        answer(&raw mut errno, || {
            let room = Room::new(buffer.as_mut_ptr(), size)?;
            let user = lookup::user_by_name(&Daemon { socket }, name)?;
            room.put_user(&user, result.as_mut_ptr())
        })
    };
    (status, errno)
}

#[test]
fn statuses_over_a_real_socket() {
    let server = Server::start();
    let socket = server.socket();
    assert_eq!(look_up(&socket, b"alice", 1024), (status::SUCCESS, 77));
    assert_eq!(
        look_up(&socket, b"alice", 10),
        (status::TRYAGAIN, libc::ERANGE)
    );
    let not_found = (status::NOTFOUND, libc::ENOENT);
    assert_eq!(look_up(&socket, b"nobody-here", 1024), not_found);
    let nowhere = server.dir.path().join("none");
    let dead = (status::UNAVAIL, libc::ENOENT);
    assert_eq!(look_up(&nowhere, b"alice", 1024), dead);
    assert_eq!(look_up(&nowhere, b"root", 1024), not_found);
    std::fs::remove_file(&socket).unwrap();
    drop(UnixListener::bind(&socket).unwrap());
    assert_eq!(look_up(&socket, b"alice", 1024), dead);
}

#[test]
fn a_silent_daemon_costs_the_deadline_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let started = Instant::now();
    let silent = look_up(&socket, b"alice", 1024);
    assert_eq!(silent, (status::UNAVAIL, libc::ETIMEDOUT));
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_daemon_that_hangs_up_or_talks_nonsense_is_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let answers: [&[u8]; 4] = [b"", b"\x01\0", b"HTTP/1.1 400 Bad Request", &[0xff; 6]];
    for bytes in answers {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                std::io::Write::write_all(&mut stream, bytes).unwrap();
            });
            let broken = look_up(&socket, b"alice", 1024);
            assert_eq!(broken, (status::UNAVAIL, libc::EIO), "{bytes:?}");
        });
    }
}

#[test]
fn a_panic_is_unavailable_and_null_pointers_are_survived() {
    let mut errno = 0;
    // SAFETY: a place for errno.
    let status = unsafe { answer(&raw mut errno, || panic!("planted")) };
    assert_eq!((status, errno), (status::UNAVAIL, libc::EIO));
    // SAFETY: null is allowed.
    let status = unsafe { answer(ptr::null_mut(), || Err(Failure::NotFound)) };
    assert_eq!(status, status::NOTFOUND);
    let name = CString::new("alice").unwrap();
    let (none, size) = (ptr::null_mut::<c_char>(), 1024);
    // SAFETY: null is allowed for each of these pointers.
    let statuses = unsafe {
        [
            _nss_domlogon_getpwnam_r(name.as_ptr(), ptr::null_mut(), none, size, &raw mut errno),
            _nss_domlogon_getpwnam_r(ptr::null(), ptr::null_mut(), none, size, ptr::null_mut()),
            _nss_domlogon_getgrnam_r(ptr::null(), ptr::null_mut(), none, size, ptr::null_mut()),
            _nss_domlogon_initgroups_dyn(
                name.as_ptr(),
                0,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                -1,
                ptr::null_mut(),
            ),
        ]
    };
    assert_eq!(statuses, [status::UNAVAIL; 4]);
    assert_eq!(errno, libc::EINVAL);
}

#[test]
fn the_exported_functions_answer_locally_what_needs_nobody() {
    let root = CString::new("root").unwrap();
    let long = CString::new(vec![b'a'; 5000]).unwrap();
    let mut result = MaybeUninit::<passwd>::zeroed();
    let mut entry = MaybeUninit::<group>::zeroed();
    let mut buffer = [0 as c_char; 64];
    let mut errno = 0;
    let (at, size) = (buffer.as_mut_ptr(), buffer.len());
    // SAFETY: all pointers are valid.
    let statuses = unsafe {
        [
            _nss_domlogon_getpwnam_r(root.as_ptr(), result.as_mut_ptr(), at, size, &raw mut errno),
            _nss_domlogon_getpwnam_r(long.as_ptr(), result.as_mut_ptr(), at, size, &raw mut errno),
            _nss_domlogon_getpwuid_r(0, result.as_mut_ptr(), at, size, &raw mut errno),
            _nss_domlogon_getgrnam_r(root.as_ptr(), entry.as_mut_ptr(), at, size, &raw mut errno),
            _nss_domlogon_getgrgid_r(0, entry.as_mut_ptr(), at, size, &raw mut errno),
        ]
    };
    assert_eq!(statuses, [status::NOTFOUND; 5]);
    assert_eq!(_nss_domlogon_setpwent(0), status::SUCCESS);
    assert_eq!(_nss_domlogon_endpwent(), status::SUCCESS);
    assert_eq!(_nss_domlogon_setgrent(1), status::SUCCESS);
    assert_eq!(_nss_domlogon_endgrent(), status::SUCCESS);
}

/// Children that are forked while eight threads are inside can look up too.
#[test]
fn a_fork_while_eight_threads_are_inside_hangs_nobody() {
    static LIST: Enumeration<User> = Enumeration::new();
    let server = Server::start();
    let socket = server.socket();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    exercise(&socket, &LIST);
                }
            });
        }
        let codes: Vec<c_int> = (0..100).map(|_| in_child(&socket, &LIST)).collect();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(codes, [0; 100]);
    });
}

/// A look-up, the groups and a list; whether all were answered.
fn exercise(socket: &Path, list: &Enumeration<User>) -> bool {
    let source = Daemon { socket };
    let groups = lookup::groups_of(&source, Path::new("/dev/null"), b"alice", 2000, &[]);
    list.restart();
    // Another thread may have come first, and then there is no more.
    let listed = list.next(&source, |_| Ok(()));
    look_up(socket, b"alice", 1024).0 == status::SUCCESS
        && groups == Ok(vec![2001])
        && matches!(listed, Ok(()) | Err(Failure::NotFound))
}

/// The status of a child that looks up: 0 if it could; a signal's number if it hung.
fn in_child(socket: &Path, list: &Enumeration<User>) -> c_int {
    // SAFETY: the child calls what a host program may call after a fork: this plugin,
    // and the allocator, which glibc keeps usable; it ends with _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: plain system calls.
        unsafe {
            libc::alarm(10);
            libc::_exit(c_int::from(!exercise(socket, list)));
        }
    }
    let mut status = -1;
    // SAFETY: our own child, and a place for its status.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    status
}

/// A thread that is cancelled while it waits for the daemon ends alone, and only when
/// the function has returned: not the process with it.
#[test]
fn a_cancelled_thread_takes_nobody_with_it() {
    extern "C" fn body(socket: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the path that the test below gives, which outlives the thread.
        let socket = unsafe { &*socket.cast::<std::path::PathBuf>() };
        let answered = look_up(socket, b"alice", 1024) == (status::UNAVAIL, libc::EIO);
        ptr::without_provenance_mut(usize::from(answered))
    }
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut thread = 0;
    let mut returned = ptr::null_mut();
    // SAFETY: a body of the right type, and an argument that outlives the thread.
    unsafe {
        let argument = ptr::from_ref(&socket).cast_mut().cast();
        libc::pthread_create(&raw mut thread, ptr::null(), body, argument);
    }
    let (stream, _) = listener.accept().unwrap();
    // SAFETY: a thread that was not joined yet.
    unsafe { libc::pthread_cancel(thread) };
    std::thread::sleep(Duration::from_millis(100));
    drop(stream);
    // SAFETY: a thread that was not joined yet.
    unsafe { libc::pthread_join(thread, &raw mut returned) };
    assert_eq!(returned.addr(), 1, "it went on to its end");
}
