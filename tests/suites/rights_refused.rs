//! `rights.toml` and the real daemon: a file that cannot be taken, or is not there.

use crate::rights_file::{EVERYBODY, deny, network, taken};
use crate::{Case, case};
use domlogon_protocol::rights::Loaded;
use domlogon_tests::account::Condition::Good;
use domlogon_tests::rights::{self, FILE, status};
use domlogon_tests::{
    Daemon, Failure, Log, Probe, Program, Result, World, domlogon, ensure, ensure_contains,
    ensure_equal,
};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("rights file/broken", broken),
        case("rights file/unresolvable", unresolvable),
        case("rights file/broken over a restart", broken_over_a_restart),
        case("rights file/broken from the first", broken_from_the_first),
        case("rights file/gone", gone),
        case("rights file/writable by others", exposed),
        case("rights file/no plain file", no_plain_file),
    ]
}

/// Each of these files is refused, with its place; the lists from before stay.
fn broken(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.rights(&deny(&account))?;
    let version = status()?.version;
    for (text, place, reason) in [
        ("[rights]\nSeNetworkLogonRight = [\"Everyone\"\n", None, ""),
        (
            "[rights]\nSeNetworkLogonRigth = [\"Everyone\"]\n",
            Some((2, 1)),
            "SeNetworkLogonRigth",
        ),
        (
            "[rights]\nSeNetworkLogonRight = \"Everyone\"\n",
            Some((2, 23)),
            "",
        ),
        ("[right]\n", Some((1, 2)), "right"),
        (
            "[services]\nsshd = \"telepathy\"\n",
            Some((2, 8)),
            "telepathy",
        ),
        (
            "[rights]\nSeNetworkLogonRight = [\n  \"Everyone\",\n  \"a/b\",\n]\n",
            Some((4, 3)),
            "a/b",
        ),
        (
            "[audit]\nSeNetworkLogonRight = \"yes\"\n",
            Some((2, 23)),
            "",
        ),
    ] {
        let log = Log::from_now();
        rights::write(text)?;
        let line = log.line_with(&["rights refused:", reason])?;
        let status = status()?;
        ensure_equal("the version in force", status.version, version)?;
        ensure_equal("what is in force", status.loaded, Loaded::LastGood)?;
        let problem = status.refused;
        let found = problem.as_ref().and_then(|problem| problem.place);
        if let Some((row, column)) = place {
            ensure_equal(format!("the place in\n{text}{line}"), found, place)?;
            ensure_contains("the line", &line, &format!("{row}:{column}"))?;
        }
        let told = domlogon(&["status"])?.exits(1)?.text();
        ensure_contains("domlogon status", &told, FILE)?;
        ensure_contains("domlogon status", &told, reason)?;
        network(&account, "PERM_DENIED")?;
    }
    let log = Log::from_now();
    rights::write(EVERYBODY)?;
    taken(log, version)?;
    ensure_equal("a reason", status()?.refused, None)?;
    domlogon(&["status"])?.exits(0)?;
    network(&account, "SUCCESS")
}

/// A deny list with a name that nobody has is an error; an allow list with one, a warning. Both
/// name it.
fn unresolvable(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let group = world.group_name("latecomers");
    world.rights(EVERYBODY)?;
    let log = Log::from_now();
    rights::write(&format!(
        "[rights]\nSeNetworkLogonRight = []\nSeDenyNetworkLogonRight = [{group:?}]\n"
    ))?;
    log.line_with(&["rights refused:", &group, "SeDenyNetworkLogonRight"])?;
    ensure_contains(
        "domlogon status",
        &domlogon(&["status"])?.exits(1)?.text(),
        &group,
    )?;
    network(&account, "SUCCESS")?;

    let (log, before) = (Log::from_now(), status()?.version);
    rights::write(&format!("[rights]\nSeNetworkLogonRight = [{group:?}]\n"))?;
    log.line_with(&["rights warning:", &group, "SeNetworkLogonRight"])?;
    taken(log, before)?;
    let told = domlogon(&["status"])?.exits(0)?.text();
    ensure_contains("domlogon status", &told, &group)?;
    network(&account, "PERM_DENIED")?;
    // Made later, and in force at the next logon; nobody touches the file.
    account.join(&group)?;
    network(&account, "SUCCESS")?;
    ensure_equal("warnings", status()?.warnings.len(), 0)
}

fn restart(world: &mut World) -> Result<()> {
    world.take_daemon()?.stop()?;
    world.revive()
}

/// The last good lists outlive a restart with a broken file, and version numbers go on.
fn broken_over_a_restart(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.rights(&deny(&account))?;
    let version = status()?.version;
    let log = Log::from_now();
    rights::write("[rights\n")?;
    log.line_with(&["rights refused:"])?;
    let log = Log::from_now();
    restart(world)?;
    log.line_with(&["rights refused:"])?;
    let now = status()?;
    ensure_equal("what is in force", now.loaded, Loaded::LastGood)?;
    ensure(now.refused.is_some(), "status", "a reason", "none")?;
    network(&account, "PERM_DENIED")?;
    domlogon(&["status"])?.exits(1)?;
    let log = Log::from_now();
    rights::write(EVERYBODY)?;
    taken(log, version)?;
    network(&account, "SUCCESS")?;
    let version = status()?.version;
    restart(world)?;
    ensure(
        status()?.version >= version,
        "the version after a restart",
        format!("{version} or more"),
        status()?.version.to_string(),
    )
}

/// No good lists at all: nobody of the domain gets in; local users and root do.
fn broken_from_the_first(world: &mut World) -> Result<()> {
    world.take_daemon()?.stop()?;
    Daemon::forget()?;
    rights::write("[rights\n")?;
    world.revive()?;
    world.usual_policy()?;
    let account = world.account(Good)?;
    ensure_equal("what is in force", status()?.loaded, Loaded::Nothing)?;
    let log = Log::from_now();
    for service in ["login", "sshd", "vsftpd", "cron"] {
        Probe::bare(service, &account.name)
            .run(&["acct"])?
            .returns("acct", "PERM_DENIED")?;
    }
    log.line_with(&[&account.name, "1385", "lists=none"])?;
    for service in ["sudo", "passwd"] {
        Probe::bare(service, &account.name)
            .run(&["acct"])?
            .returns("acct", "SUCCESS")?;
    }
    for local in ["root", "localuser"] {
        Probe::stack("sshd", local)
            .run(&["acct"])?
            .returns("acct", "SUCCESS")?;
    }
    let told = domlogon(&["status"])?.exits(1)?.text();
    ensure_contains("domlogon status", &told, FILE)?;
    let log = Log::from_now();
    rights::write(EVERYBODY)?;
    log.line_with(&["rights: version="])?;
    network(&account, "SUCCESS")
}

/// A file that was there and is gone, or is empty, changes nothing but the status; one that names
/// the section brings the built-in holders back.
fn gone(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.rights(&deny(&account))?;
    for restarted in [false, true] {
        let log = Log::from_now();
        if restarted {
            restart(world)?;
        } else {
            fs::remove_file(FILE).map_err(Failure::harness("remove rights.toml"))?;
        }
        log.line_with(&["rights refused:", "gone"])?;
        network(&account, "PERM_DENIED")?;
        let told = domlogon(&["status"])?.exits(1)?.text();
        ensure_contains("domlogon status", &told, "gone")?;
    }
    for restarted in [false, true] {
        let log = Log::from_now();
        if restarted {
            restart(world)?;
        } else {
            rights::write("")?;
        }
        log.line_with(&["rights refused:", "empty"])?;
        network(&account, "PERM_DENIED")?;
        let told = domlogon(&["status"])?.exits(1)?.text();
        ensure_contains("domlogon status", &told, "empty")?;
    }
    let (log, before) = (Log::from_now(), status()?.version);
    rights::write("[rights]\n")?;
    taken(log, before)?;
    network(&account, "SUCCESS")
}

/// Whoever can write the file decides who gets in: it must be root alone.
fn exposed(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.rights(&deny(&account))?;
    let mode = |mode| {
        fs::set_permissions(FILE, fs::Permissions::from_mode(mode))
            .map_err(Failure::harness("open rights.toml to others"))
    };
    let owner = |uid| {
        std::os::unix::fs::chown(FILE, Some(uid), None)
            .map_err(Failure::harness("give rights.toml away"))
    };
    for loosen in [0o666, 0o664, 0o644] {
        let log = Log::from_now();
        mode(loosen)?;
        if loosen == 0o644 {
            owner(5000)?;
        }
        rights::write(EVERYBODY)?;
        log.line_with(&["rights refused:", "somebody else than root"])?;
        network(&account, "PERM_DENIED")?;
        domlogon(&["status"])?.exits(1)?;
        mode(0o644)?;
        owner(0)?;
        world.rights(&deny(&account))?;
    }
    Ok(())
}

/// Something else in the file's place: refused, and the daemon goes on answering.
fn no_plain_file(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for script in [
        "mkfifo $FILE",
        "mkdir $FILE",
        "ln -s $FILE $FILE",
        "ln -s /dev/zero $FILE",
        "ln -s /dev/tty $FILE",
        "ln -s /no/such/place $FILE",
        "head -c 2000000 /dev/zero | tr '\\0' '#' >$FILE",
        "printf '[rights]\\nSeNetworkLogonRight = [\"a\\377b\"]\\n' >$FILE",
    ] {
        world.rights(&deny(&account))?;
        let version = status()?.version;
        let log = Log::from_now();
        let script = script.replace("$FILE", FILE);
        let line = format!("rm {FILE}; {script}");
        let output = Program::new("sh").args(&["-c", &line]).run(b"")?;
        ensure(output.status.success(), &*line, "done", "a failure")?;
        // The old one may have been missed first; the new one is looked at in any case.
        world.daemon()?.signal(Signal::SIGHUP)?;
        log.line_with(&["rights refused:"])?;
        let begin = Instant::now();
        network(&account, "PERM_DENIED")?;
        let now = status()?;
        ensure(
            begin.elapsed() < Duration::from_secs(2),
            &*line,
            "answers within 2 s",
            format!("{:?}", begin.elapsed()),
        )?;
        ensure(now.refused.is_some(), &*line, "a reason", "none")?;
        ensure_equal(&*line, now.version, version)?;
        let remove = format!("rm -rf {FILE}");
        Program::new("sh").args(&["-c", &remove]).run(b"")?;
    }
    Ok(())
}
