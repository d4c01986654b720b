//! The NSS plugin, loaded by real glibc in real programs.

use crate::{Case, case, each};
use domlogon_tests::account::Condition::*;
use domlogon_tests::program::everything;
use domlogon_tests::{
    Failure, Program, Result, World, domlogon, ensure, ensure_contains, ensure_equal,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("nss/passwd", passwd),
        each("nss/group", group),
        each("nss/initgroups", initgroups),
        case("nss/enumeration", enumeration),
        each("nss/not found", not_found),
        each("nss/local first", local_first),
        case("nss/large group", large_group),
        each("nss/other name space of processes", other_processes),
        each("nss/small buffers, threads and forks", hard_callers),
        each("nss/without the daemon's folder", without_the_folder),
        case("nss/files that are not believed", not_believed),
    ]
}

fn getent(arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let output = Program::new("getent").args(arguments).run(b"")?;
    Ok((output.status.code(), everything(&output)))
}

fn passwd(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let (code, entry) = getent(&["passwd", &account.name])?;
    ensure_equal(format!("getent passwd: {entry}"), code, Some(0))?;
    let fields: Vec<&str> = entry.trim_end().split(':').collect();
    ensure_equal(format!("fields of {entry}"), fields.len(), 7)?;
    ensure_equal("name", fields.first().copied(), Some(&*account.name))?;
    ensure_equal("password", fields.get(1).copied(), Some("*"))?;
    let uid = fields.get(2).copied().unwrap_or_default();
    ensure(
        uid.parse::<u32>().is_ok_and(|uid| uid >= 1000),
        "uid",
        "1000 or more",
        uid,
    )?;
    ensure_equal("by id", getent(&["passwd", uid])?.1, &*entry)?;
    // glibc programs ask in any spelling; the entry's name is the account's own.
    for spelling in [
        account.name.to_uppercase(),
        format!("CORP\\{}", account.name),
        format!("{}@corp.example", account.name),
    ] {
        ensure_equal(&*spelling, getent(&["passwd", &spelling])?.1, &*entry)?;
    }
    Ok(())
}

/// There the daemon has no process id, and is the daemon all the same.
fn other_processes(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let (_, here) = getent(&["passwd", &account.name])?;
    let output = Program::new("unshare")
        .args(&["--pid", "--fork", "--mount-proc", "getent", "passwd"])
        .args(&[&account.name])
        .run(b"")?;
    ensure_equal("getent", everything(&output), here)?;
    let output = Program::new("unshare")
        .args(&["--pid", "--fork", "domlogon", "status"])
        .run(b"")?;
    ensure_contains("status", &everything(&output), "is running")
}

/// As in a chroot that has no /run: nobody of the domain is there, and root is.
fn without_the_folder(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let script = "mount -t tmpfs none /run/domlogon && id -u root && exec getent passwd \"$1\"";
    let output = Program::new("unshare")
        .args(&["--mount", "sh", "-c", script, "sh", &account.name])
        .run(b"")?;
    ensure_equal("root alone", everything(&output).as_str(), "0\n")?;
    ensure_equal("getent", output.status.code(), Some(2))
}

/// Published names that others could have written, or that are damaged, are as good as none.
fn not_believed(world: &mut World) -> Result<()> {
    const NAMES: &str = "/run/domlogon/names";
    let what = "spoil the names";
    let account = world.account(Good)?;
    world.take_daemon()?.stop()?;
    let good = fs::read(NAMES).map_err(Failure::harness(what))?;
    let found = || Ok(getent(&["passwd", &account.name])?.0);
    ensure_equal("as they were published", found()?, Some(0))?;
    let mode = |mode| {
        fs::set_permissions(NAMES, fs::Permissions::from_mode(mode)).map_err(Failure::harness(what))
    };
    mode(0o666)?;
    ensure_equal("written by anybody", found()?, Some(2))?;
    mode(0o644)?;
    ensure_equal("as before", found()?, Some(0))?;
    let half = good.get(..good.len() / 2).unwrap_or_default();
    let longer = [&*good, &*good].concat();
    let zeros = vec![0; good.len()];
    for (kind, bytes) in [
        ("cut", half),
        ("longer", &longer),
        ("zeros", &zeros),
        ("empty", &[]),
    ] {
        fs::write(NAMES, bytes).map_err(Failure::harness(what))?;
        ensure_equal(kind, found()?, Some(2))?;
    }
    fs::write(NAMES, &good).map_err(Failure::harness(what))?;
    ensure_equal("mended", found()?, Some(0))
}

fn group(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.join("crew")?;
    let (code, entry) = getent(&["group", "crew"])?;
    ensure_equal(format!("getent group: {entry}"), code, Some(0))?;
    ensure_contains("members", &entry, &account.name)?;
    let gid = entry.split(':').nth(2).unwrap_or_default();
    ensure_equal("by id", getent(&["group", gid])?.1, &*entry)
}

/// Nested groups are flattened.
fn initgroups(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.join("team1")?;
    world.home().nest("team1", "team2")?;
    world.home().nest("team2", "team3")?;
    let output = Program::new("id").args(&["-Gn", &account.name]).run(b"")?;
    let text = everything(&output);
    let names: Vec<&str> = text.split_whitespace().collect();
    for name in ["team1", "team2", "team3"] {
        ensure(names.contains(&name), "id -Gn", name, &*text)?;
    }
    // A process of the user really has them.
    let output = Program::new("id")
        .arg("-Gn")
        .as_user(&account.name)?
        .run(b"")?;
    ensure_contains("groups of a process", &everything(&output), "team3")?;
    ensure_contains(
        "getent group team3",
        &getent(&["group", "team3"])?.1,
        &account.name,
    )
}

fn enumeration(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let (_, users) = getent(&["passwd"])?;
    ensure_contains("getent passwd", &users, &format!("\n{}:*:", account.name))?;
    ensure(
        users.starts_with("root:"),
        "getent passwd",
        "local users as well",
        &*users,
    )?;
    let (_, groups) = getent(&["group"])?;
    ensure_contains("getent group", &groups.to_lowercase(), "domain users:")
}

fn not_found(_: &mut World) -> Result<()> {
    for (database, key) in [
        ("passwd", "nobody-here"),
        ("passwd", "CORP\\nobody-here"),
        ("passwd", "1999999999"),
        ("passwd", "a:b"),
        ("passwd", "a/b"),
        ("passwd", ""),
        ("group", "nobody-here"),
        ("group", "1999999999"),
    ] {
        let (code, text) = getent(&[database, key])?;
        ensure_equal(format!("getent {database} {key:?}: {text}"), code, Some(2))?;
    }
    let long = "x".repeat(5000);
    ensure_equal(
        "a name of 5,000 letters",
        getent(&["passwd", &long])?.0,
        Some(2),
    )
}

/// A name of /etc/passwd is the local one, even when the domain has one too.
fn local_first(_: &mut World) -> Result<()> {
    let (_, entry) = getent(&["-s", "domlogon", "passwd", "localuser"])?;
    ensure_equal("the domain's answer for a local name", &*entry, "")?;
    let (_, entry) = getent(&["-s", "domlogon", "passwd", "root"])?;
    ensure_equal("the domain's answer for root", &*entry, "")?;
    let (_, entry) = getent(&["passwd", "localuser"])?;
    ensure_contains("localuser", &entry, ":5000:5000:")
}

/// glibc grows its buffer as long as the plugin says ERANGE.
fn large_group(world: &mut World) -> Result<()> {
    domlogon(&["group", "add", "crowd"])?.exits(0)?;
    let mut names = Vec::new();
    for _ in 0..60 {
        names.push(world.account(Good)?.name);
    }
    let mut arguments = vec!["group", "add-member", "crowd"];
    arguments.extend(names.iter().map(String::as_str));
    domlogon(&arguments)?.exits(0)?;
    let (_, entry) = getent(&["group", "crowd"])?;
    for name in &names {
        ensure_contains("members", &entry, name)?;
    }
    Ok(())
}

/// `tests/nssprobe.c`: buffers of every size, eight threads, forks out of the middle of them.
fn hard_callers(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let output = Program::new("domlogon-nssprobe")
        .args(&[&account.name, "Domain Users", "nobody-here"])
        .run(b"")?;
    let text = everything(&output);
    ensure_equal(
        format!("exit code of the probe\n{text}"),
        output.status.code(),
        Some(0),
    )
}
