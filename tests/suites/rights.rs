//! Logon rights in daily use: the map of services, who is never judged, and what is told before
//! the password is right.

use crate::{Case, case, login, ssh, sudo};
use domlogon_protocol::RightName;
use domlogon_tests::account::Condition::*;
use domlogon_tests::cli::{member, show_user};
use domlogon_tests::cron::{Cron, has_run};
use domlogon_tests::sshd::Method;
use domlogon_tests::vsftpd::{LOGGED_IN, NOT_LOGGED_IN};
use domlogon_tests::{
    LOCAL_PASSWORD, Log, PASSWORD, Probe, ROOT_PASSWORD, Result, World, ensure, ensure_contains,
    ensure_equal,
};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("rights/local users and root", local_users),
        case("rights/password first", password_first),
        case("rights/closed service", closed_service),
        case("rights/ssh closed", closed_ssh),
        case("rights/other services", other_services),
        case("rights/ssh as remote interactive", remote_interactive),
        case("rights/before must change", before_must_change),
        case("rights/live session", live_session),
    ]
}

/// Nobody has any right, and everybody is denied each: root and local users notice nothing.
fn local_users(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut text = String::from("[rights]\n");
    for name in RightName::ALL {
        let entries = if name.symbol().contains("Deny") {
            "\"Everyone\""
        } else {
            ""
        };
        text.push_str(&format!("{name} = [{entries}]\n"));
    }
    text.push_str("[services]\nlogin = \"deny\"\nsudo = \"deny\"\n");
    world.rights(&text)?;
    for (name, password) in [("localuser", LOCAL_PASSWORD), ("root", ROOT_PASSWORD)] {
        let mut session = login::login(name)?;
        session.answer("assword: ", password)?;
        login::is_in_as(&mut session, name)?;
        for method in [Method::Password, Method::Dialogue] {
            let mut session = ssh::connect(world, name, method, "echo I am $(id -un)")?;
            session.answer("assword: ", password)?;
            session.expect(&format!("I am {name}"))?;
            session.finish_with(0)?;
        }
    }
    let mut session = login::su("nobody", "localuser")?;
    session.answer("assword: ", LOCAL_PASSWORD)?;
    session.expect("localuser\r\n")?;
    session.finish_with(0)?;
    sudo::allow("localuser", "")?;
    let mut session = sudo::sudo("localuser")?;
    session.answer("assword", LOCAL_PASSWORD)?;
    session.expect("uid=0")?;
    session.finish_with(0)?;
    world
        .vsftpd()?
        .log_on("localuser", LOCAL_PASSWORD)?
        .answered(LOGGED_IN)?;
    jobs_of_local_users()?;
    let log = Log::from_now();
    Probe::stack("sshd", &account.name)
        .run(&["acct"])?
        .returns("acct", "PERM_DENIED")?;
    log.line_with(&["right=SeDenyNetworkLogonRight", "entry=\"Everyone\""])
        .map(drop)
}

fn jobs_of_local_users() -> Result<()> {
    let names = ["localuser", "root"];
    for name in names {
        Cron::job_after_boot(name)?;
    }
    let _cron = Cron::start_after_boot()?;
    let end = Instant::now() + Duration::from_secs(5);
    while !names.into_iter().all(has_run) {
        ensure(Instant::now() < end, "cron", "the jobs of both", "not run")?;
        thread::sleep(Duration::from_millis(10));
    }
    names.into_iter().try_for_each(Cron::forget_job)
}

/// Whoever does not know the password does not learn of rights either, and it counts.
fn password_first(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.rights("[rights]\nSeNetworkLogonRight = []\nSeInteractiveLogonRight = []\n")?;
    for (attempts, service) in (1..).zip(["login", "vsftpd"]) {
        let report = Probe::bare(service, &account.name)
            .answer("wrong")
            .run(&["auth"])?;
        report.returns("auth", "AUTH_ERR")?;
        report.says("User name or password is not right.")?;
        let shown = show_user(&account.name)?;
        let count = member(&shown, "bad_password_count")?.as_u64();
        ensure_equal("the count of wrong passwords", count, Some(attempts))?;
    }
    let log = Log::from_now();
    let mut session = ssh::connect(world, &account.name, Method::Dialogue, "echo in")?;
    session.answer("assword: ", "wrong")?;
    let (_, rest) = session.finish()?;
    ensure_equal(
        format!("rights in\n{rest}"),
        rest.contains("is not allowed"),
        false,
    )?;
    ensure_equal(
        format!("rights in\n{}", log.lines()),
        log.lines().contains("1385"),
        false,
    )
}

/// A service that the site has closed: nobody gets in by it, whatever his rights.
fn closed_service(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.home()?;
    world.rights(
        "[rights]\nSeNetworkLogonRight = [\"Everyone\"]\n[services]\nvsftpd = \"deny\"\n",
    )?;
    let log = Log::from_now();
    world
        .vsftpd()?
        .log_on(&account.name, PASSWORD)?
        .answered(NOT_LOGGED_IN)?;
    log.line_with(&[
        &account.name,
        "service=vsftpd",
        "verdict=ERROR_INVALID_LOGON_TYPE(1367) ntstatus=0xC000010B",
        "right=none",
    ])?;
    let report = Probe::bare("vsftpd", &account.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    report.returns("auth", "PERM_DENIED")?;
    report.returns("acct", "PERM_DENIED")?;
    ensure_contains(
        "what is read",
        report.text(),
        "is not allowed to use vsftpd on sandbox. Contact your administrator.",
    )?;
    Probe::bare("ftp", &account.name)
        .run(&["acct"])?
        .returns("acct", "SUCCESS")
        .map(drop)
}

/// ssh closed to the domain: refused by every method. Whoever uses a dialogue or a key reads
/// why; sshd shows nothing of a refused authenticate to a client of the password method.
fn closed_ssh(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.sshd()?.accept_key(&account.name)?;
    world.rights("[services]\nsshd = \"deny\"\n")?;
    for method in [Method::Password, Method::Dialogue, Method::Key] {
        let mut session = ssh::connect(world, &account.name, method, "echo I am in")?;
        if method != Method::Key {
            session.answer("assword: ", PASSWORD)?;
        }
        if method != Method::Password {
            session.expect("is not allowed to use ssh logon on sandbox. Contact")?;
        }
        let rest = session.finish_with(255)?;
        ensure_equal(&*rest, rest.contains("I am in"), false)?;
    }
    Ok(())
}

/// A service that is in no map is a network logon, and the log names it once; a site may say
/// otherwise.
fn other_services(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let service = "in-house-portal";
    let portal = || Probe::bare(service, &account.name).run(&["acct"]);
    world
        .rights("[rights]\nSeNetworkLogonRight = [\"Everyone\"]\nSeInteractiveLogonRight = []\n")?;
    let log = Log::from_now();
    for _ in 0..3 {
        portal()?.returns("acct", "SUCCESS")?;
    }
    log.line_with(&[&account.name, service, "type=\"network\""])?;
    let named = log
        .lines()
        .lines()
        .filter(|line| line.contains(service) && !line.contains(&*account.name))
        .count();
    ensure_equal(format!("lines that name it\n{}", log.lines()), named, 1)?;
    for (map, code) in [
        ("other = \"interactive\"", "PERM_DENIED"),
        ("other = \"deny\"", "PERM_DENIED"),
        ("other = \"deny\"\nIN-HOUSE-PORTAL = \"network\"", "SUCCESS"),
        ("other = \"permit\"", "SUCCESS"),
    ] {
        world.rights(&format!(
            "[rights]\nSeNetworkLogonRight = [\"Everyone\"]\nSeInteractiveLogonRight = []\n\
             [services]\n{map}\n"
        ))?;
        portal()?.returns("acct", code)?;
        // What is in the map already is not "other".
        Probe::bare("vsftpd", &account.name)
            .run(&["acct"])?
            .returns("acct", "SUCCESS")?;
    }
    // And whether it can ask for a new password is the site's to say, too.
    let newcomer = world.account(MustChange)?;
    for (can_change, code) in [("true", "NEW_AUTHTOK_REQD"), ("false", "PERM_DENIED")] {
        world.rights(&format!(
            "[services]\n{service} = {{ type = \"network\", can_change = {can_change} }}\n"
        ))?;
        Probe::bare(service, &newcomer.name)
            .run(&["acct"])?
            .returns("acct", code)?;
    }
    Ok(())
}

/// A site that holds ssh to be a remote desktop, as SSSD does.
fn remote_interactive(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let map = "[services]\nsshd = \"remote interactive\"\n";
    world.rights(map)?;
    let log = Log::from_now();
    let mut session = ssh::connect(world, &account.name, Method::Password, "echo I am in")?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("is not allowed to use ssh logon on sandbox")?;
    session.expect("\"Log on through Remote Desktop Services\"")?;
    session.finish_with(255)?;
    log.line_with(&[
        &account.name,
        "1385",
        "right=SeRemoteInteractiveLogonRight list=default entry=none",
    ])?;
    world.rights(&format!(
        "[rights]\nSeRemoteInteractiveLogonRight = ['BUILTIN\\users']\n{map}"
    ))?;
    let mut session = ssh::connect(world, &account.name, Method::Password, "echo I am in")?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("I am in")?;
    session.finish_with(0).map(drop)
}

/// Whoever may not log on here is not made to change his password first.
fn before_must_change(world: &mut World) -> Result<()> {
    let account = world.account(MustChange)?;
    world.rights("[rights]\nSeInteractiveLogonRight = []\n")?;
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    report.returns("auth", "PERM_DENIED")?;
    report.returns("acct", "PERM_DENIED")?;
    ensure_equal(
        format!("told of the password in\n{}", report.text()),
        report.text().contains("new password"),
        false,
    )
}

/// Who is in stays in; the next logon is judged.
fn live_session(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut session = ssh::connect(world, &account.name, Method::Password, "")?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("$ ")?;
    world.rights(&format!(
        "[rights]\nSeDenyNetworkLogonRight = [{:?}]\n",
        account.name
    ))?;
    let mut second = ssh::connect(world, &account.name, Method::Password, "echo I am in")?;
    second.answer("assword: ", PASSWORD)?;
    second.expect("is not allowed to use ssh logon")?;
    second.finish_with(255)?;
    session.send("echo still $(expr 40 + 2)")?;
    session.expect("still 42").map(drop)
}
