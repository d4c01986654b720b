use super::*;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) const ALICE: Owner = Owner {
    uid: 1001,
    gid: 513,
};

/// A program in the helper's place, in a folder of its own.
pub(crate) struct Script {
    folder: PathBuf,
}

impl Script {
    pub(crate) fn new(text: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "domlogon-helper-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let script = Self { folder };
        fs::write(script.program(), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(script.program(), fs::Permissions::from_mode(0o755)).unwrap();
        script
    }

    fn program(&self) -> PathBuf {
        self.folder.join("helper")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn run<T>(
        &self,
        patience: u64,
        what: impl Fn(&Helper<'_>) -> Result<T, HelperError>,
    ) -> Result<T, HelperError> {
        loop {
            let result = what(&Helper {
                program: &self.program(),
                patience: Duration::from_millis(patience),
            });
            // A fork of another test still has the script open for writing.
            match result {
                Err(HelperError::Io(error))
                    if error.kind() == io::ErrorKind::ExecutableFileBusy => {}
                other => return other,
            }
        }
    }

    pub(crate) fn store(&self, patience: u64, tickets: &[u8]) -> Result<String, HelperError> {
        self.run(patience, |helper| helper.store("FILE:/x", ALICE, tickets))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn missing() -> Helper<'static> {
    Helper {
        program: Path::new("/nonexistent/helper"),
        patience: Duration::from_secs(5),
    }
}

fn soon(what: impl Fn() -> bool) -> bool {
    for _ in 0..500 {
        if what() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn the_tickets_are_its_input_and_the_name_its_answer() {
    let script = Script::new(
        "cd ${0%/*}; env | sort > env; echo $* > arguments; cat > input; ls -l /proc/self/fd > open; echo FILE:/y",
    );
    // More than a socket takes at once.
    let tickets = vec![7; 64 * 1024];
    assert_eq!(script.store(5_000, &tickets).unwrap(), "FILE:/y");
    assert_eq!(fs::read(script.file("input")).unwrap(), tickets);
    let read = |name| fs::read_to_string(script.file(name)).unwrap();
    assert_eq!(read("arguments"), "store FILE:/x 1001 513\n");
    assert!(read("env").contains("KRB5_CONFIG=/run/domlogon/krb5.conf\n"));
    assert!(!read("env").contains("CARGO"), "{}", read("env"));
    let open = read("open");
    assert!(open.matches("socket:").count() <= 1, "{open}");
}

#[test]
fn without_an_answer_it_has_failed() {
    for text in ["exit 0", "exit 1", "cat > /dev/null", "printf half"] {
        let result = Script::new(text).store(5_000, b"t");
        assert!(
            matches!(result, Err(HelperError::Failed)),
            "{text}: {result:?}"
        );
    }
    let result = Script::new("head -c 5000 /dev/zero | tr '\\0' x").store(5_000, b"t");
    assert!(matches!(result, Err(HelperError::Odd)), "{result:?}");
    let result = missing().store("FILE:/x", ALICE, b"t");
    assert!(matches!(result, Err(HelperError::Io(_))), "{result:?}");
    // One that says nothing of it has destroyed what it was to destroy.
    let script = Script::new("cat > /dev/null");
    script
        .run(5_000, |helper| helper.destroy("FILE:/x", ALICE))
        .unwrap();
}

#[test]
fn one_that_hangs_is_killed() {
    // Reading nothing, saying nothing, or not ending.
    for (text, is_late) in [
        ("sleep 60", true),
        ("trap '' TERM; echo a; exec sleep 60", false),
    ] {
        let script = Script::new(&format!("echo $$ > ${{0%/*}}/pid; {text}"));
        let begin = Instant::now();
        let result = script.store(300, &vec![0; 64 * 1024]);
        assert!(
            begin.elapsed() < Duration::from_secs(2),
            "{:?}",
            begin.elapsed()
        );
        assert_eq!(
            matches!(result, Err(HelperError::Late)),
            is_late,
            "{result:?}"
        );
        let pid = fs::read_to_string(script.file("pid")).unwrap();
        let left = Path::new("/proc").join(pid.trim());
        assert!(!left.exists(), "neither running nor a zombie");
    }
}

/// As the helper does it: the first process answers and ends, the second one stays.
const RENEW: &str = "exec 3<&0; (cat <&3 >/dev/null; touch ${0%/*}/ended) >/dev/null & echo ok";

#[test]
fn a_renewal_lasts_until_it_is_stopped_or_dropped() {
    for is_stopped in [true, false] {
        let script = Script::new(RENEW);
        let renewal = script
            .run(5_000, |helper| helper.renew("FILE:/x", ALICE))
            .unwrap();
        thread::sleep(Duration::from_millis(50));
        assert!(!script.file("ended").exists());
        // What a child that was not executed inherits.
        let copy = renewal.line.as_ref().unwrap().try_clone().unwrap();
        if is_stopped {
            renewal.stop();
            assert!(soon(|| script.file("ended").exists()));
        } else {
            drop(renewal);
            thread::sleep(Duration::from_millis(50));
            assert!(
                !script.file("ended").exists(),
                "it is the other process's too"
            );
            drop(copy);
            assert!(soon(|| script.file("ended").exists()));
        }
    }
    let result =
        Script::new("echo no").run(5_000, |helper| helper.renew("FILE:/x", ALICE).map(drop));
    assert!(matches!(result, Err(HelperError::Odd)), "{result:?}");
}

#[test]
fn another_files_descriptor_is_not_closed() {
    let (line, _peer) = UnixStream::pair().unwrap();
    let number = line.as_raw_fd();
    let mut renewal = Renewal::new(line);
    renewal.was = Some(PathBuf::from("socket:[another]"));
    let path = PathBuf::from(format!("/proc/self/fd/{number}"));
    let before = fs::read_link(&path).unwrap();
    drop(renewal);
    assert_eq!(fs::read_link(&path).unwrap(), before);
}
