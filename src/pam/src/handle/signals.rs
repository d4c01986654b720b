//! What the host program does with SIGCHLD is its own affair.

use crate::helper::HelperError;
use crate::helper::tests::{ALICE, Script, missing};
use std::process::Command;
use std::time::{Duration, Instant};

/// The host program ignores SIGCHLD, so that the kernel takes every child away at once, or
/// its handler does. In a process of its own: other tests wait for children of theirs.
#[test]
fn a_child_that_is_taken_away_has_ended() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "handle::signals::in_such_a_program"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[test]
#[ignore = "changes the process; the test above runs it"]
fn in_such_a_program() {
    extern "C" fn take_all(_: libc::c_int) {
        // SAFETY: waitpid may be called in a handler.
        while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
    }
    let take_all: extern "C" fn(libc::c_int) = take_all;
    for disposition in [libc::SIG_IGN, take_all as libc::sighandler_t] {
        // SAFETY: the handler does nothing but waitpid.
        let before = unsafe { libc::signal(libc::SIGCHLD, disposition) };
        let begin = Instant::now();
        let good = Script::new("cat > /dev/null; echo FILE:/y").store(5_000, b"t");
        let bad = Script::new("exit 1").store(5_000, b"t");
        let late = Script::new("exec sleep 60").store(200, b"t");
        let none = missing().store("FILE:/x", ALICE, b"t");
        // SAFETY: as it was.
        unsafe { libc::signal(libc::SIGCHLD, before) };
        assert_eq!(good.unwrap(), "FILE:/y");
        assert!(matches!(bad, Err(HelperError::Failed)), "{bad:?}");
        assert!(matches!(late, Err(HelperError::Late)), "{late:?}");
        assert!(matches!(none, Err(HelperError::Io(_))), "{none:?}");
        assert!(begin.elapsed() < Duration::from_secs(3));
    }
}
