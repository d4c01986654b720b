use super::table::{AGE, EACH, MOST};
use super::*;
use std::os::unix::fs::PermissionsExt;

const NOW: Timestamp = Timestamp(1_800_000_000);
const LONG: Duration = Duration::from_secs(3600);

struct Place {
    folder: tempfile::TempDir,
    log: Arc<Log>,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            log: Arc::new(Log::kept()),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    fn open(&self) -> History {
        self.open_at(NOW)
    }

    fn open_at(&self, now: Timestamp) -> History {
        History::with_pause(self.file(), Arc::clone(&self.log), now, LONG)
    }
}

/// All that is remembered, in order.
fn all(history: &History) -> Vec<(String, String, i64)> {
    let mut all: Vec<_> = history
        .from(Timestamp(i64::MIN), NOW)
        .0
        .into_iter()
        .flat_map(|(user, visits)| {
            visits
                .into_iter()
                .map(move |(service, last)| (user.clone(), service, last.since(NOW)))
        })
        .collect();
    all.sort_unstable();
    all
}

fn row(user: &str, service: &str, last: i64) -> (String, String, i64) {
    (user.to_owned(), service.to_owned(), last)
}

#[test]
fn one_row_for_each_user_and_service() {
    let history = Place::new().open();
    assert_eq!(history.from(NOW, NOW), (Vec::new(), None));
    for (user, service, came, at) in [
        ("alice", "sshd", Came::Granted, -90),
        ("alice", "SSHD", Came::Refused, -50),
        ("alice", "cron", Came::Refused, -40),
        ("bob", "sshd", Came::Granted, -80),
        ("bob", "sshd", Came::Granted, -70),
    ] {
        history.remember(user, service, came, NOW.plus(at));
    }
    let expected = [
        row("alice", "cron", -40),
        row("alice", "sshd", -50),
        row("bob", "sshd", -70),
    ];
    assert_eq!(all(&history), expected);
    let (late, since) = history.from(NOW.plus(-50), NOW);
    assert_eq!(since, Some(NOW.plus(-90)));
    assert_eq!(late.len(), 1, "bob is too long ago");
    assert_eq!(late[0].1.len(), 2, "the first instant is looked at too");
}

#[test]
fn a_restart_forgets_nothing() {
    let place = Place::new();
    let history = place.open();
    history.remember("jürgen", "sshd", Came::Granted, NOW.plus(-9));
    history.remember("alice", "cron", Came::Refused, NOW.plus(-5));
    let before = all(&history);
    assert!(!place.file().exists(), "nothing waits for it");
    history.close();
    let mode = fs::metadata(place.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(fs::read_dir(place.folder.path()).unwrap().count(), 1);

    let again = place.open();
    assert_eq!(all(&again), before);
    assert_eq!(again.from(NOW, NOW).1, Some(NOW.plus(-9)));
    // What was not written at the end is written when it is dropped.
    again.remember("alice", "sshd", Came::Granted, NOW);
    drop(again);
    assert_eq!(all(&place.open()).len(), 3);
    assert_eq!(place.log.lines(), Vec::<String>::new());
}

#[test]
fn it_is_written_now_and_then_and_only_if_there_is_something_new() {
    let place = Place::new();
    let pause = Duration::from_millis(50);
    let history = History::with_pause(place.file(), Arc::clone(&place.log), NOW, pause);
    let wait_for_the_file = || {
        let end = Instant::now() + Duration::from_secs(10);
        while !place.file().exists() {
            assert!(Instant::now() < end, "never written");
            thread::sleep(Duration::from_millis(5));
        }
    };
    history.remember("alice", "sshd", Came::Granted, NOW);
    wait_for_the_file();
    fs::remove_file(place.file()).unwrap();
    thread::sleep(pause * 4);
    assert!(!place.file().exists(), "there was nothing to write");
    history.remember("alice", "sshd", Came::Granted, NOW);
    wait_for_the_file();
}

#[test]
fn a_file_of_no_use_is_thrown_away_and_named() {
    let place = Place::new();
    let history = place.open();
    history.remember("alice", "sshd", Came::Granted, NOW);
    history.close();
    let good = fs::read(place.file()).unwrap();
    let other_format = String::from_utf8(good.clone())
        .unwrap()
        .replace("\"format\":1", "\"format\":2");
    let damaged: [&[u8]; 7] = [
        b"",
        &good[..good.len() / 2],
        b"\xff\xfe{}",
        b"[]",
        b"{\"format\":1,\"since\":null,\"logons\":[{\"user\":7}]}",
        b"{\"format\":1,\"since\":null,\"logons\":[{\"user\":\"a\",\"service\":\"s\",\
          \"granted\":1,\"refused\":null}]}",
        other_format.as_bytes(),
    ];
    for bytes in damaged {
        let place = Place::new();
        put(&place.file(), bytes, 0o600);
        let history = place.open();
        assert_eq!(all(&history), []);
        let expected = format!(
            "4 the past logons cannot be read, and are forgotten: file={} \
             reason=\"it is damaged\"",
            place.file().display()
        );
        assert_eq!(place.log.lines(), [expected]);
        // And it is replaced.
        history.remember("bob", "sshd", Came::Granted, NOW);
        drop(history);
        assert_eq!(all(&place.open()), [row("bob", "sshd", 0)]);
    }
    put(&place.file(), &good, 0o600);
    assert_eq!(all(&place.open()), [row("alice", "sshd", 0)]);
    put(&place.file(), &good, 0o620);
    assert_eq!(all(&place.open()), []);
    assert!(place.log.lines()[0].ends_with("reason=\"somebody else can write it\""));
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let place = Place::new();
    nix::unistd::mkfifo(&place.file(), nix::sys::stat::Mode::S_IRUSR).unwrap();
    assert_eq!(all(&place.open()), []);
    assert!(place.log.lines()[0].ends_with("reason=\"it is not a regular file\""));
}

fn put(file: &Path, bytes: &[u8], mode: u32) {
    fs::write(file, bytes).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_cannot_be_written_is_said_once() {
    let place = Place::new();
    let file = place.folder.path().join("gone").join(FILE);
    let pause = Duration::from_millis(10);
    let history = History::with_pause(file, Arc::clone(&place.log), NOW, pause);
    for _ in 0..5 {
        history.remember("alice", "sshd", Came::Granted, NOW);
        thread::sleep(pause * 3);
    }
    history.close();
    let lines = place.log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("4 the past logons cannot be written: file="));
}

#[test]
fn one_user_pushes_nobody_else_out() {
    let history = Place::new().open();
    history.remember("alice", "sshd", Came::Granted, NOW.plus(-1000));
    for service in 0..MOST * 2 {
        let at = NOW.plus(i64::try_from(service).unwrap() - 90_000);
        history.remember("mallory", &format!("s{service}"), Came::Granted, at);
    }
    let all = all(&history);
    assert_eq!(all.len(), EACH + 1);
    assert!(all.contains(&row("alice", "sshd", -1000)));
    let newest = format!("s{}", MOST * 2 - 1);
    assert!(all.iter().any(|(_, service, _)| *service == newest));
    let first = format!("s{}", MOST * 2 - EACH);
    assert!(all.iter().any(|(_, service, _)| *service == first));
}

#[test]
fn the_number_is_bounded_and_the_oldest_go() {
    let place = Place::new();
    let history = place.open();
    let more = MOST + 100;
    for user in 0..more {
        let at = NOW.plus(i64::try_from(user).unwrap() - 90_000);
        history.remember(&format!("u{user}"), "sshd", Came::Granted, at);
    }
    let (rows, since) = history.from(Timestamp(i64::MIN), NOW);
    assert!(
        rows.len() <= MOST && rows.len() > MOST / 10 * 9,
        "{}",
        rows.len()
    );
    let gone = more - rows.len();
    assert!(
        rows.iter()
            .all(|(user, _)| user[1..].parse::<usize>().unwrap() >= gone)
    );
    // Before that somebody may be missing.
    let last_gone = NOW.plus(i64::try_from(gone).unwrap() - 1 - 90_000);
    assert_eq!(since, Some(last_gone));
    history.close();
    let again = place.open().from(Timestamp(i64::MIN), NOW);
    assert_eq!((again.0.len(), again.1), (rows.len(), since));
}

#[test]
fn what_is_too_old_is_forgotten() {
    let place = Place::new();
    let history = place.open();
    history.remember("old", "sshd", Came::Granted, NOW.plus(-AGE - 1));
    history.remember("oldest", "sshd", Came::Refused, NOW.plus(-AGE));
    assert_eq!(all(&history), [row("oldest", "sshd", -AGE)]);
    assert_eq!(history.from(NOW, NOW).1, Some(NOW.plus(-AGE)));
    history.close();
    let later = place.open_at(NOW.plus(AGE));
    assert_eq!(later.from(Timestamp(0), NOW.plus(AGE)), (Vec::new(), None));
}

#[test]
fn a_clock_that_was_wrong_once_keeps_nothing_for_ever() {
    let place = Place::new();
    let history = place.open_at(NOW.plus(AGE * 100));
    history.remember("alice", "sshd", Came::Granted, NOW.plus(AGE * 100));
    history.close();
    assert_eq!(all(&place.open()), [row("alice", "sshd", 0)]);
}
