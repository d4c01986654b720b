//! The daemon or the network lost between two hooks of one transaction: what authenticate has left
//! to account management, or to a change, is not forgotten with it.

use crate::{Case, case, each, in_directory};
use domlogon_tests::account::Condition::*;
use domlogon_tests::probe::{Held, Report};
use domlogon_tests::{
    Account, Failure, LOCAL_PASSWORD, NEW_PASSWORD, PASSWORD, Probe, ROOT_PASSWORD, Result, World,
    ensure, ensure_contains,
};
use nix::sys::signal::Signal;
use std::fs;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("between the hooks/the daemon is killed", |world| {
            without_daemon(world, &KILLED)
        }),
        each("between the hooks/the daemon is stopped", |world| {
            without_daemon(world, &STOPPED)
        })
        .slow(),
        each("between the hooks/the reason is gone", reason_gone),
        case("between the hooks/root and local users", local),
        in_directory(
            "directory/between the hooks/the controller is killed",
            |world| without_controller(world, |world| world.directory()?.stop()),
        ),
        in_directory(
            "directory/between the hooks/the controller is frozen",
            |world| without_controller(world, |world| world.directory()?.freeze()),
        )
        .slow(),
    ]
}

/// Services of a site that goes on where the daemon is away, as its own lines say.
const LENIENT: &str = "/run/lenient-pam.d";

fn write_lenient_services() -> Result<()> {
    let what = "write a lenient site's services";
    let mut text = "auth required pam_domlogon.so\n".to_owned();
    for kind in ["account", "password"] {
        text.push_str(&format!(
            "{kind} required pam_domlogon.so ignore_authinfo_unavail\n{kind} required pam_permit.so\n"
        ));
    }
    fs::create_dir_all(LENIENT).map_err(Failure::harness(what))?;
    for name in ["login", "sshd", "other"] {
        fs::write(format!("{LENIENT}/{name}"), &text).map_err(Failure::harness(what))?;
    }
    Ok(())
}

/// Something that is lost, and comes back.
struct Loss {
    /// Each question takes its deadline, so that not everything is tried.
    slow: bool,
    lose: fn(&mut World) -> Result<()>,
    back: fn(&mut World) -> Result<()>,
}

impl Loss {
    /// How many conditions are tried.
    const fn most(&self) -> usize {
        if self.slow { 1 } else { usize::MAX }
    }
}

const KILLED: Loss = Loss {
    slow: false,
    lose: |world| {
        world.take_daemon()?.kill();
        Ok(())
    },
    back: |world| {
        world.revive()?;
        world.calm()
    },
};

const STOPPED: Loss = Loss {
    slow: true,
    lose: |world| world.daemon()?.signal(Signal::SIGSTOP),
    back: |world| {
        world.daemon()?.signal(Signal::SIGCONT)?;
        world.calm()
    },
};

/// Make these calls, and lose something at the "pause". What was seen by the end, when it is back.
fn amid(world: &mut World, loss: &Loss, probe: Probe, calls: &[&str]) -> Result<Report> {
    let mut held = probe.hold(calls)?;
    let result = at_the_pause(world, loss, &mut held);
    let back = (loss.back)(world);
    let report = result?;
    back.map(|()| report)
}

fn at_the_pause(world: &mut World, loss: &Loss, held: &mut Held) -> Result<Report> {
    held.stands()?;
    (loss.lose)(world)?;
    held.go_on()?;
    held.stands()
}

/// A logon of somebody who knows the password, and a new one where one is asked for.
fn logon(folder: Option<&str>, service: &str, account: &Account) -> Probe {
    let probe = Probe::bare(service, &account.name)
        .answer(PASSWORD)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD);
    folder.map_or(probe.clone(), |folder| probe.folder(folder))
}

/// Account management has refused, with one sentence.
fn refused(report: &Report) -> Result<()> {
    let code = report.code("acct")?;
    ensure(
        matches!(code, "PERM_DENIED" | "ACCT_EXPIRED"),
        "account management",
        "a refusal",
        report.text(),
    )
}

/// What is told of it.
const WHY: &str = "Something stood against this logon when the password was checked";

/// A change was not called needless, nor done.
fn not_changed(report: &Report) -> Result<()> {
    ensure(
        matches!(report.code("expired")?, "TRY_AGAIN" | "AUTHTOK_ERR"),
        "the change",
        "a failure",
        report.text(),
    )
}

/// The next attempt is judged as if nothing had been.
fn comes_in(account: &Account, code: &str) -> Result<()> {
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    report.returns("auth", "SUCCESS")?;
    report.returns("acct", code).map(drop)
}

fn without_daemon(world: &mut World, loss: &Loss) -> Result<()> {
    write_lenient_services()?;
    for folder in [Some(LENIENT), None] {
        must_change(world, loss, folder)?;
        left_to_account(world, loss, folder)?;
        // Nothing is against this one: the line of the service decides.
        let account = world.account(Good)?;
        let probe = logon(folder, "login", &account);
        let report = amid(world, loss, probe, &["auth", "pause", "acct"])?;
        report.returns("auth", "SUCCESS")?;
        if folder.is_some() {
            report.returns("acct", "SUCCESS")?;
        } else {
            report.returns("acct", "PERM_DENIED")?;
            report.says("The logon service on")?;
        }
        comes_in(&account, "SUCCESS")?;
        if loss.slow {
            break;
        }
    }
    Ok(())
}

fn without_controller(world: &mut World, lose: fn(&mut World) -> Result<()>) -> Result<()> {
    let loss = &Loss {
        slow: false,
        lose,
        back: World::calm,
    };
    must_change(world, loss, None)?;
    left_to_account(world, loss, None)?;
    // Nothing is against this one: what was saved by authenticate lets him in.
    let account = world.account(Good)?;
    let probe = logon(None, "login", &account);
    let report = amid(world, loss, probe, &["auth", "pause", "acct"])?;
    report.returns("auth", "SUCCESS")?;
    report.returns("acct", "SUCCESS")?;
    ensure_contains("notices", report.text(), "Working offline")?;
    comes_in(&account, "SUCCESS")
}

/// He was let go on because a change is demanded: without it he does not come in, whenever it is
/// that nobody can be asked about it any more.
fn must_change(world: &mut World, loss: &Loss, folder: Option<&str>) -> Result<()> {
    let conditions = &[MustChange, PasswordExpired];
    for &condition in conditions.iter().take(loss.most()) {
        for (calls, demanded) in [
            (&["auth", "pause", "acct", "expired", "acct"][..], false),
            (&["auth", "acct", "pause", "expired"], true),
        ] {
            let account = world.account(condition)?;
            let probe = logon(folder, "login", &account);
            let report = amid(world, loss, probe, calls)?;
            report.returns("auth", "SUCCESS")?;
            if demanded {
                report.returns("acct", "NEW_AUTHTOK_REQD")?;
            } else {
                refused(&report)?;
                // By the line of the service, or by what is known offline, he would be let by.
                let by = folder.is_some() || !report.text().contains("logon service on");
                ensure(
                    report.text().contains(WHY) == by,
                    "what is told",
                    format!("{WHY:?}: {by}"),
                    report.text(),
                )?;
            }
            not_changed(&report)?;
            account.keeps_its_password()?;
            comes_in(&account, "NEW_AUTHTOK_REQD")?;
        }
    }
    Ok(())
}

/// sshd is told of the refusal by account management.
fn left_to_account(world: &mut World, loss: &Loss, folder: Option<&str>) -> Result<()> {
    let conditions = &[Disabled, AccountExpired, NoHours];
    for &condition in conditions.iter().take(loss.most()) {
        let account = world.account(condition)?;
        let probe = logon(folder, "sshd", &account);
        let report = amid(world, loss, probe, &["auth", "pause", "acct"])?;
        report.returns("auth", "SUCCESS")?;
        refused(&report)?;
    }
    Ok(())
}

/// Nor does it help that the reason is gone: the password that was typed may have been taken for
/// right without a proof. The next attempt is one.
fn reason_gone(world: &mut World) -> Result<()> {
    for (service, condition, cure) in [
        ("sshd", Disabled, ["--disabled", "no"]),
        ("login", MustChange, ["--must-change", "no"]),
    ] {
        let account = world.account(condition)?;
        let mut held =
            logon(None, service, &account).hold(&["auth", "pause", "acct", "expired", "acct"])?;
        held.stands()?.returns("auth", "SUCCESS")?;
        account.set(&cure)?;
        held.go_on()?;
        let report = held.stands()?;
        refused(&report)?;
        not_changed(&report)?;
        // Once for each question.
        let told = report.texts("error");
        ensure(
            told.len() == 3 && told.iter().all(|text| text.starts_with(WHY)),
            "what is told",
            format!("three times {WHY:?}"),
            report.text(),
        )?;
        account.keeps_its_password()?;
        comes_in(&account, "SUCCESS")?;
    }
    Ok(())
}

/// Whom this host has itself does not notice.
fn local(world: &mut World) -> Result<()> {
    for loss in [KILLED, STOPPED] {
        for (name, password) in [("root", ROOT_PASSWORD), ("localuser", LOCAL_PASSWORD)] {
            let probe = Probe::stack("login", name).answer(password);
            let report = amid(world, &loss, probe, &["auth", "pause", "acct", "setcred"])?;
            for call in ["auth", "acct", "setcred"] {
                report.returns(call, "SUCCESS")?;
            }
        }
    }
    Ok(())
}
