//! Connections and descriptors that are passed on: who asks is who connected.

use crate::{Case, case};
use domlogon_tests::caller::{self, PROGRAM, SET_UID};
use domlogon_tests::daemon::ADMIN_SOCKET;
use domlogon_tests::program::everything;
use domlogon_tests::{Program, Result, World, ensure_equal};

pub(super) fn cases() -> Vec<Case> {
    vec![case("attacks/hostile/a connection passed on", passed_on)]
}

const UID: u32 = 6001;

fn passed_on(_: &mut World) -> Result<()> {
    let refused = "refused: AccessDenied";
    let plain = caller::run(UID, &["ask-afresh", ADMIN_SOCKET])?;
    ensure_equal("a user without a right", &*plain, refused)?;
    // Root, by a program that gives the right to whoever runs it: it is root's own question.
    let script = format!("{SET_UID} ask-afresh {ADMIN_SOCKET}");
    let root = as_plain(&script)?;
    ensure_equal("a set-uid program", &*root, "answered")?;
    // Connected without the right, and asked by a program that has it.
    let given = caller::run(UID, &["hand-over", ADMIN_SOCKET, SET_UID, "ask"])?;
    ensure_equal(
        "a set-uid program on its caller's connection",
        &*given,
        refused,
    )?;
    // Connected by root, who gave it away: root's programs close theirs at exec.
    let mut arguments = vec!["hand-over", ADMIN_SOCKET, "setpriv"];
    let (user, group) = (format!("--reuid={UID}"), format!("--regid={UID}"));
    arguments.extend([&*user, &*group, "--clear-groups", PROGRAM, "ask"]);
    let output = Program::new(PROGRAM).args(&arguments).run(b"")?;
    ensure_equal(
        "a connection of root's that was given away",
        everything(&output).trim(),
        "answered",
    )
}

fn as_plain(script: &str) -> Result<String> {
    let (user, group) = (format!("--reuid={UID}"), format!("--regid={UID}"));
    let output = Program::new("setpriv")
        .args(&[&*user, &*group, "--clear-groups", "sh", "-c", script])
        .run(b"")?;
    Ok(everything(&output).trim().to_owned())
}
