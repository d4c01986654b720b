//! The accounts that are measured with, and the daemon's memory.

use crate::sample::Sample;
use domlogon_protocol::admin::{self, NewUser};
use domlogon_protocol::{ADMIN_SOCKET, Reply, Request, SOCKET, Secret, client};
use domlogon_tests::{Daemon, Failure, PASSWORD, Program, Result, differs, ensure};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The domain user who logs on; in 32 groups more than the others.
pub(crate) const USER: &str = "benchuser";
/// The other domain users: this and a number of five digits.
pub(crate) const PREFIX: &str = "bench";
/// A group of ten.
pub(crate) const SMALL_GROUP: &str = "ten-of-them";
/// A group of all of them.
pub(crate) const LARGE_GROUP: &str = "all-of-them";

/// A local user, and how his password is hashed (crypt(5)).
#[derive(Clone, Copy)]
pub(crate) struct Local {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
}

/// The local users.
pub(crate) const LOCAL: [Local; 2] = [
    Local {
        name: "localsha",
        method: "SHA512",
    },
    Local {
        name: "localyes",
        method: "YESCRYPT",
    },
];

/// Adds the local users to the sandbox's own /etc.
pub(crate) fn add_local_accounts() -> Result<()> {
    for (uid, Local { name, method }) in (5101..).zip(LOCAL) {
        append("/etc/passwd", &format!("{name}:x:{uid}:{uid}::/:/bin/sh\n"))?;
        append("/etc/group", &format!("{name}:x:{uid}:\n"))?;
        append("/etc/shadow", &format!("{name}:*:19700:0:99999:7:::\n"))?;
        let output = Program::new("chpasswd")
            .args(&["--crypt-method", method])
            .run(format!("{name}:{PASSWORD}\n").as_bytes())?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure(output.status.success(), "chpasswd", "a hash", said)?;
    }
    Ok(())
}

fn append(file: &str, line: &str) -> Result<()> {
    let mut text = fs::read_to_string(file).map_err(Failure::harness("read /etc"))?;
    text.push_str(line);
    fs::write(file, text).map_err(Failure::harness("write to /etc"))
}

/// Makes a domain of so many accounts.
pub(crate) fn fill(accounts: usize) -> Result<()> {
    /// Names in one request, which may have 64 KiB.
    const CHUNK: usize = 1000;
    let names: Vec<String> = (0..accounts).map(|n| format!("{PREFIX}{n:05}")).collect();
    add(USER, Some(PASSWORD))?;
    for name in &names {
        add(name, None)?;
    }
    group(SMALL_GROUP, names.get(..10).unwrap_or_default())?;
    group(LARGE_GROUP, &[])?;
    for chunk in names.chunks(CHUNK) {
        members(LARGE_GROUP, chunk)?;
    }
    for number in 0..32 {
        group(&format!("group-{number}"), &[USER.to_owned()])?;
    }
    Ok(())
}

/// An account without a password is disabled, and still a user for NSS.
pub(crate) fn add(name: &str, password: Option<&str>) -> Result<()> {
    ask(admin::Request::UserAdd(Box::new(NewUser {
        name: name.to_owned(),
        full_name: Some(format!("Full Name of {name}")),
        uid: None,
        home: None,
        shell: None,
        must_change: false,
        password: password.map(|text| Secret::new(text.as_bytes())),
    })))
}

pub(crate) fn group(name: &str, of: &[String]) -> Result<()> {
    ask(admin::Request::GroupAdd(name.to_owned()))?;
    if of.is_empty() {
        return Ok(());
    }
    members(name, of)
}

pub(crate) fn members(group: &str, members: &[String]) -> Result<()> {
    ask(admin::Request::GroupAddMembers {
        group: group.to_owned(),
        members: members.to_vec(),
    })
}

/// What an administrator asks, done or failed.
pub(crate) fn ask(request: admin::Request) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(30);
    let request = Request::Admin(request);
    match client::call(Path::new(ADMIN_SOCKET), &request, PATIENCE) {
        Ok(Reply::Admin(_)) => Ok(()),
        other => Err(differs(
            format!("{request:?}"),
            "done",
            format!("{other:?}"),
        )),
    }
}

/// Asks the daemon how it is: what a round trip costs when there is hardly anything to do.
pub(crate) fn round_trips(count: usize) -> Result<Sample> {
    let mut sample = Sample::default();
    for _ in 0..count {
        let begun = Instant::now();
        let reply = client::call(Path::new(SOCKET), &Request::Status, client::PAM_DEADLINE);
        let took = begun.elapsed();
        if !matches!(reply, Ok(Reply::Status(_))) {
            return Err(differs("status", "an answer", format!("{reply:?}")));
        }
        sample.add(i64::try_from(took.as_nanos()).unwrap_or(i64::MAX));
    }
    Ok(sample)
}

/// The daemon's resident memory, and what of it is not read from a file, in kB.
pub(crate) fn memory(daemon: &Daemon) -> Result<(u64, u64)> {
    let file = format!("/proc/{}/status", daemon.process());
    let status = fs::read_to_string(file).map_err(Failure::harness("read /proc"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    match (number("VmRSS:"), number("RssAnon:")) {
        (Some(resident), Some(own)) => Ok((resident, own)),
        _ => Err(differs("/proc/PID/status", "VmRSS and RssAnon", &status)),
    }
}
