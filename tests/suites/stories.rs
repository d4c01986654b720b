//! Two stories of the field, from their beginning to their end: Q97558 (the user has not been
//! granted the requested logon type) and Q175019 (the user must change his password before he
//! logs on the first time).

use crate::{Case, each, login, ssh, sudo};
use domlogon_tests::account::Condition::*;
use domlogon_tests::sshd::Method;
use domlogon_tests::vsftpd::{LOGGED_IN, NOT_LOGGED_IN};
use domlogon_tests::{
    Account, Log, NEW_PASSWORD, PASSWORD, Probe, Pty, Result, World, domlogon, domlogon_with,
    ensure, ensure_contains, ensure_equal,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("stories/Q97558", everyone_is_taken_out),
        each("stories/Q175019 passwd", must_change_and_passwd),
        each("stories/Q175019 new logon", must_change_and_new_logon),
        each("stories/Q175019 sudo", must_change_and_sudo),
        each("stories/Q175019 screen unlock", must_change_and_unlock),
        each(
            "stories/Q175019 screen unlock, by a service that nobody mapped",
            must_change_and_unlock_unmapped,
        ),
        each("stories/Q175019 other services", must_change_elsewhere),
    ]
}

const READS: &str = "is not allowed to use ssh logon on sandbox. Ask your administrator for the \
                     right \"Access this computer from the network\"";

/// A new ssh logon by password must open, or must not; what the person reads comes back.
fn new_ssh(world: &mut World, account: &Account, opens: bool) -> Result<String> {
    let mut session = ssh::connect(
        world,
        &account.name,
        Method::Password,
        "echo I am $(id -un)",
    )?;
    session.answer("assword: ", PASSWORD)?;
    let (status, rest) = session.finish()?;
    let inside = rest.contains(&format!("I am {}", account.name));
    ensure(
        inside == opens && status.code() == Some(if opens { 0 } else { 255 }),
        "a logon by ssh",
        if opens { "granted" } else { "refused" },
        session.transcript(),
    )?;
    Ok(rest)
}

/// Everyone is taken out of "Access this computer from the network", in the belief that the
/// users' groups are there too. Administrators, who are, notice nothing.
fn everyone_is_taken_out(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let operator = world.account(Good)?;
    operator.join(world.home().administrators())?;
    world.rights(
        "[rights]\n# ssh and ftp\nSeNetworkLogonRight = [\"Everyone\", \"Administrators\"]\n",
    )?;
    let daemon = world.daemon()?.process();
    new_ssh(world, &account, true)?;

    domlogon(&["rights", "revoke", "SeNetworkLogonRight", "Everyone"])?.exits(0)?;
    let log = Log::from_now();
    let read = new_ssh(world, &account, false)?;
    ensure_contains("what is read", &read, READS)?;
    log.line_with(&[
        &account.name,
        "verdict=ERROR_LOGON_TYPE_NOT_GRANTED(1385) ntstatus=0xC000015B",
        "right=SeNetworkLogonRight",
        "entry=none",
    ])?;
    new_ssh(world, &operator, true)?;

    let cause = domlogon(&["explain", &account.name, "--service", "sshd"])?
        .exits(1)?
        .text();
    for part in [
        "1385",
        "SeNetworkLogonRight",
        "Access this computer from the network",
        "PAM_PERM_DENIED",
    ] {
        ensure_contains("explain", &cause, part)?;
    }
    let holders = domlogon(&["rights", "list", "network"])?.exits(0)?.text();
    ensure_contains("rights list", &holders, "Administrators")?;
    ensure_equal("Everyone is listed", holders.contains("Everyone"), false)?;

    domlogon(&["rights", "grant", "network", "Everyone"])?.exits(0)?;
    new_ssh(world, &account, true)?;
    let file = std::fs::read_to_string(domlogon_tests::rights::FILE).unwrap_or_default();
    ensure_contains("the file", &file, "# ssh and ftp\n")?;
    ensure_equal("the daemon", world.daemon()?.process(), daemon)?;
    if world.home().directory().is_some() {
        return Ok(());
    }
    // Not to be the last administrator of another case.
    domlogon_with(&["user", "delete", &operator.name, "--force"], "")?
        .exits(0)
        .map(drop)
}

/// What Q175019 begins with: a user at work by ssh, and his administrator who has him change
/// his password. The network logon that worked a moment ago is refused with the cure.
fn at_work(world: &mut World) -> Result<(Account, Pty)> {
    let account = world.account(Good)?;
    let mut session = ssh::connect(world, &account.name, Method::Password, "")?;
    session.answer("assword: ", PASSWORD)?;
    session.expect("$ ")?;
    ftp(world, &account, PASSWORD, LOGGED_IN)?;

    account.set(&["--must-change", "yes"])?;
    still_at_work(&mut session)?;
    let log = Log::from_now();
    ftp(world, &account, PASSWORD, NOT_LOGGED_IN)?;
    log.line_with(&[
        &account.name,
        "service=vsftpd",
        "verdict=ERROR_PASSWORD_MUST_CHANGE(1907) ntstatus=0xC0000224",
    ])?;
    let report = Probe::bare("vsftpd", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?;
    report.returns("auth", "PERM_DENIED")?;
    report.says(
        "Your password must be changed first, and vsftpd cannot ask for a new one. Log on at a \
         console or by ssh, or run passwd, then try again.",
    )?;
    ensure_equal(
        "the count of wrong passwords",
        account.wrong_passwords()?,
        0,
    )?;
    Ok((account, session))
}

fn ftp(world: &mut World, account: &Account, password: &str, code: u16) -> Result<()> {
    let home = account.home()?;
    let mut ftp = world.vsftpd()?.log_on(&account.name, password)?;
    ftp.answered(code)?;
    if code == LOGGED_IN {
        ftp.is_in(&home)?;
    }
    Ok(())
}

fn still_at_work(session: &mut Pty) -> Result<()> {
    session.send("echo still $(expr 40 + 2)")?;
    session.expect("still 42")?;
    session.expect("$ ").map(drop)
}

fn must_change_and_passwd(world: &mut World) -> Result<()> {
    let (account, mut session) = at_work(world)?;
    session.send("passwd")?;
    session.answer("urrent password: ", PASSWORD)?;
    session.answer("ew password: ", NEW_PASSWORD)?;
    session.answer("assword: ", NEW_PASSWORD)?;
    session.expect("$ ")?;
    ftp(world, &account, NEW_PASSWORD, LOGGED_IN)?;
    still_at_work(&mut session)
}

fn must_change_and_new_logon(world: &mut World) -> Result<()> {
    let (account, mut session) = at_work(world)?;
    let name = &account.name;
    let mut new = ssh::connect(world, name, Method::Dialogue, "echo I am $(id -un)")?;
    new.answer("assword: ", PASSWORD)?;
    login::new_password(&mut new, &[NEW_PASSWORD])?;
    new.expect(&format!("I am {name}"))?;
    new.finish_with(0)?;
    let told = new
        .transcript()
        .matches("You must set a new password")
        .count();
    ensure_equal(format!("times told, in\n{}", new.transcript()), told, 1)?;
    ftp(world, &account, NEW_PASSWORD, LOGGED_IN)?;
    still_at_work(&mut session)
}

/// sudo inside the session that goes on: the change comes first. Without it nothing is run.
fn must_change_and_sudo(world: &mut World) -> Result<()> {
    let (account, mut session) = at_work(world)?;
    sudo::allow(&account.name, "")?;
    session.send("sudo sh -c 'echo uid=$(id -u)'")?;
    session.answer("assword", PASSWORD)?;
    // Account management is silent in sudo, which has words of its own for this.
    session.expect("Account or password is expired")?;
    login::new_password(&mut session, &["tiny"; 3])?;
    let after = session.expect("$ ")?;
    ensure_equal(
        format!("run without a change\n{after}"),
        after.contains("uid=0"),
        false,
    )?;
    still_at_work(&mut session)?;
    session.send("sudo sh -c 'echo uid=$(id -u)'")?;
    session.answer("assword", PASSWORD)?;
    login::new_password(&mut session, &[NEW_PASSWORD])?;
    session.expect("uid=0")?;
    session.expect("$ ")?;
    ftp(world, &account, NEW_PASSWORD, LOGGED_IN)?;
    still_at_work(&mut session)
}

/// A locked screen opens, and tells; locking somebody out of his own session would cost him
/// his work.
fn must_change_and_unlock(world: &mut World) -> Result<()> {
    let (account, _session) = at_work(world)?;
    let report = Probe::bare("swaylock", &account.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    report.returns("auth", "SUCCESS")?;
    report.returns("acct", "SUCCESS")?.says("")?;
    let notices = report.texts("info");
    ensure(
        matches!(notices.as_slice(), [one] if one.contains("must be changed before your next")),
        "the notices of a screen unlock",
        "one: the password must be changed",
        report.text(),
    )?;
    let report = Probe::bare("swaylock", &account.name)
        .answer("wrong")
        .run(&["auth"])?;
    report.returns("auth", "AUTH_ERR").map(drop)
}

/// Nor do a locker with a service of its own, which runs as the user, and screen's lock keep him
/// out. A program of root's under such a name lets nobody in.
fn must_change_and_unlock_unmapped(world: &mut World) -> Result<()> {
    for condition in [MustChange, PasswordExpired] {
        let account = world.account(condition)?;
        let name = &*account.name;
        for service in ["common-auth", "screen"] {
            let probe = Probe::bare(service, name).answer(PASSWORD);
            let report = probe.clone().as_user(name).run(&["auth", "acct"])?;
            report.returns("auth", "SUCCESS")?;
            report.returns("acct", "SUCCESS")?;
            ensure_contains(
                "what is told",
                report.text(),
                "must be changed before your next",
            )?;
            probe.run(&["auth"])?.returns("auth", "PERM_DENIED")?;
        }
        Probe::bare("screen", name)
            .answer("wrong")
            .as_user(name)
            .run(&["auth"])?
            .returns("auth", "AUTH_ERR")?;
    }
    Ok(())
}

/// No service that cannot ask for a new password lets in who must change his, or counts it.
fn must_change_elsewhere(world: &mut World) -> Result<()> {
    for condition in [MustChange, PasswordExpired] {
        let account = world.account(condition)?;
        for service in [
            "ftp", "vsftpd", "dovecot", "imap", "samba", "smbd", "http", "httpd",
        ] {
            let report = Probe::bare(service, &account.name)
                .answer(PASSWORD)
                .run(&["auth"])?;
            report.returns("auth", "PERM_DENIED")?;
            report.says(&format!("and {service} cannot ask for a new one."))?;
        }
        ensure_equal(
            "the count of wrong passwords",
            account.wrong_passwords()?,
            0,
        )?;
        account.opens_with(PASSWORD)?;
    }
    Ok(())
}
