//! The ways into the host, each tried with its real program: who gets in, and what he reads.

use crate::{login, ssh, sudo};
use domlogon_tests::cron::{Cron, has_run};
use domlogon_tests::sshd::Method;
use domlogon_tests::vsftpd::{LOGGED_IN, NOT_LOGGED_IN};
use domlogon_tests::{Account, Log, PASSWORD, Pty, Result, World, ensure};
use std::thread;
use std::time::{Duration, Instant};

/// A way in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// For messages.
    pub(crate) name: &'static str,
    /// The PAM service.
    pub(crate) service: &'static str,
    /// Whether the person reads the sentence of a refusal.
    pub(crate) speaks: bool,
    enter: fn(&mut World, &Account, bool) -> Result<String>,
}

impl Way {
    /// Try it with the right password, or the key. It must open, or must not; what the person
    /// reads comes back.
    pub(crate) fn enter(
        &self,
        world: &mut World,
        account: &Account,
        opens: bool,
    ) -> Result<String> {
        (self.enter)(world, account, opens)
    }
}

/// All of them. sudo is a step inside a session, and needs no right.
pub(crate) const ALL: &[Way] = &[
    way("login", "login", true, by_login),
    way("su", "su-l", true, by_su),
    way("sudo", "sudo", false, by_sudo),
    way("ssh by password", "sshd", true, |world, account, opens| {
        by_ssh(world, account, opens, Method::Password)
    }),
    way("ssh by dialogue", "sshd", true, |world, account, opens| {
        by_ssh(world, account, opens, Method::Dialogue)
    }),
    way("ssh by key", "sshd", true, |world, account, opens| {
        by_ssh(world, account, opens, Method::Key)
    }),
    way("vsftpd", "vsftpd", false, by_vsftpd),
    way("cron", "cron", false, by_cron),
];

const fn way(
    name: &'static str,
    service: &'static str,
    speaks: bool,
    enter: fn(&mut World, &Account, bool) -> Result<String>,
) -> Way {
    Way {
        name,
        service,
        speaks,
        enter,
    }
}

fn by_login(_: &mut World, account: &Account, opens: bool) -> Result<String> {
    let mut session = login::login(&account.name)?;
    session.answer("assword: ", PASSWORD)?;
    if opens {
        login::is_in_as(&mut session, &account.name)?;
    } else {
        session.expect("Login incorrect")?;
    }
    Ok(session.transcript())
}

fn by_su(_: &mut World, account: &Account, opens: bool) -> Result<String> {
    let mut session = login::su("localuser", &account.name)?;
    session.answer("assword: ", PASSWORD)?;
    ended(session, opens, &account.name, 1)
}

fn by_sudo(_: &mut World, account: &Account, opens: bool) -> Result<String> {
    sudo::allow(&account.name, "")?;
    let mut session = sudo::sudo(&account.name)?;
    session.answer("assword", PASSWORD)?;
    ended(session, opens, "uid=0", 1)
}

fn by_ssh(world: &mut World, account: &Account, opens: bool, method: Method) -> Result<String> {
    if method == Method::Key {
        world.sshd()?.accept_key(&account.name)?;
    }
    let mut session = ssh::connect(world, &account.name, method, "echo in as $(id -un)")?;
    if method != Method::Key {
        session.answer("assword: ", PASSWORD)?;
    }
    ended(session, opens, &format!("in as {}", account.name), 255)
}

/// A program that ends: with 0 and this mark in what it printed, or with another code.
fn ended(mut session: Pty, opens: bool, mark: &str, refusal: i32) -> Result<String> {
    let (status, rest) = session.finish()?;
    // A line of its own: the mark may be in the sentence of a refusal too.
    let inside = rest.lines().any(|line| line.trim() == mark);
    let wanted = if opens { 0 } else { refusal };
    ensure(
        inside == opens && status.code() == Some(wanted),
        "a logon",
        if opens { "granted" } else { "refused" },
        format!("{status}\n{}", session.transcript()),
    )?;
    Ok(session.transcript())
}

fn by_vsftpd(world: &mut World, account: &Account, opens: bool) -> Result<String> {
    let home = account.home()?;
    let mut ftp = world.vsftpd()?.log_on(&account.name, PASSWORD)?;
    if opens {
        ftp.answered(LOGGED_IN)?;
        ftp.is_in(&home)?;
    } else {
        ftp.answered(NOT_LOGGED_IN)?;
    }
    Ok(String::new())
}

/// cron asks for the leave of each job's user when the job is due.
fn by_cron(_: &mut World, account: &Account, opens: bool) -> Result<String> {
    account.home()?;
    Cron::job_after_boot(&account.name)?;
    let log = Log::from_now();
    let cron = Cron::start_after_boot()?;
    if opens {
        let end = Instant::now() + Duration::from_secs(5);
        while !has_run(&account.name) {
            ensure(Instant::now() < end, "cron", "a job that runs", log.lines())?;
            thread::sleep(Duration::from_millis(10));
        }
    } else {
        // cron says why it does not run a job, and is done with it.
        log.line_with(&["CRON[", "Permission denied"])?;
        ensure(
            !has_run(&account.name),
            "cron",
            "no job that runs",
            log.lines(),
        )?;
    }
    drop(cron);
    Cron::forget_job(&account.name)?;
    Ok(String::new())
}
