//! A false twin of the controller: the same names, addresses, identifiers and accounts, but other
//! keys, and passwords that whoever runs it knows. It gets nobody in, and learns nothing.

use super::offline::without_controller;
use super::outages::{TELL, at_the_word};
use super::tls::{by_tls, trust};
use super::{authenticate, known};
use crate::login::login;
use crate::{Case, in_directory, ssh};
use domlogon_tests::account::Condition::*;
use domlogon_tests::directory::{AUTHORITY, Directory, Front, SECOND_HOST, TWIN_PASSWORD};
use domlogon_tests::probe::{Held, Report};
use domlogon_tests::sshd::Method;
use domlogon_tests::world::PATIENCE;
use domlogon_tests::{
    Account, NEW_PASSWORD, PASSWORD, Probe, Result, World, contact, differs, ensure, ensure_equal,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/false twin/nobody gets in", nobody),
        in_directory("directory/false twin/amid a change", amid_a_change),
        in_directory("directory/false twin/from the start", from_the_start),
        in_directory("directory/false twin/of Kerberos alone", of_kerberos_alone),
        in_directory(
            "directory/false twin/of Kerberos alone, without FAST",
            without_fast,
        ),
        in_directory(
            "directory/false twin/a change made up, without FAST",
            made_up_change,
        ),
        in_directory(
            "directory/false twin/that asks about others, without FAST",
            that_asks_about_others,
        ),
        in_directory(
            "directory/false twin/of Kerberos alone, without FAST, until a cut",
            until_a_cut,
        ),
        in_directory(
            "directory/false twin/of Kerberos alone, without FAST, at a locked screen",
            at_a_locked_screen,
        ),
        in_directory(
            "directory/false twin/that knows the old passwords",
            that_knows_the_old,
        ),
    ]
}

/// Everybody of whom a twin could say something: one who is known here, one who is not, and
/// those whose password must be changed.
fn cast(world: &mut World) -> Result<Vec<Account>> {
    let cast = [Good, Good, MustChange, PasswordExpired].map(|condition| world.account(condition));
    let cast = cast.into_iter().collect::<Result<Vec<_>>>()?;
    if let Some(first) = cast.first() {
        known(&first.name)?;
    }
    for account in &cast {
        // By name all of them are known.
        account.home()?;
    }
    Ok(cast)
}

fn nobody(world: &mut World) -> Result<()> {
    let cast = cast(world)?;
    let names: Vec<&str> = cast.iter().map(|account| &*account.name).collect();
    world.sshd()?;
    world.directory()?.replace_by_twin(&names)?;
    let result = kept_out(world, &cast);
    world.calm()?;
    result?;
    for account in &cast {
        account.keeps_its_password()?;
    }
    Ok(())
}

fn kept_out(world: &mut World, cast: &[Account]) -> Result<()> {
    for account in cast {
        for service in ["login", "sshd", "swaylock", "su", "ftp"] {
            let report = Probe::bare(service, &account.name)
                .answer(TWIN_PASSWORD)
                .answer(NEW_PASSWORD)
                .answer(NEW_PASSWORD)
                .run(&["auth"])?;
            ensure(
                matches!(
                    report.code("auth")?,
                    "AUTHINFO_UNAVAIL" | "AUTH_ERR" | "MAXTRIES"
                ),
                format!("{service} with the twin's password"),
                "no logon",
                report.text(),
            )?;
        }
        let report = Probe::bare("once", &account.name)
            .answer(TWIN_PASSWORD)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .as_user(&account.name)
            .run(&["chauthtok"])?;
        ensure(
            report.code("chauthtok")? != "SUCCESS" && report.texts("prompt off").len() <= 1,
            "a change with the twin's password",
            "a refusal, before a new one is asked for",
            report.text(),
        )?;
        let opinion = world.directory()?.opinion(&account.name, NEW_PASSWORD)?;
        ensure_equal("the new password at the twin", &*opinion, "52e")?;
    }
    // Real programs, for one who is known and for one who is let in only to change.
    for account in [cast.first(), cast.get(2)].into_iter().flatten() {
        let mut session = login(&account.name)?;
        session.answer("assword: ", TWIN_PASSWORD)?;
        // Too many of them, and login gives up.
        session.expect_any(&["Login incorrect", "Maximum number of tries"])?;
        let mut session = ssh::connect(world, &account.name, Method::Dialogue, "echo I am in")?;
        session.answer("assword: ", TWIN_PASSWORD)?;
        let (status, rest) = session.finish()?;
        ensure(
            status.code() == Some(255) && !rest.contains("I am in"),
            "ssh with the twin's password",
            "no logon",
            session.transcript(),
        )?;
    }
    Ok(())
}

/// The twin takes over after the old password was found right, and knows that password: the
/// new one is not given to it.
fn amid_a_change(world: &mut World) -> Result<()> {
    for condition in [Good, MustChange] {
        let directory = world.directory()?;
        let account = world.account(condition)?;
        let false_one = directory.clone();
        let loser = at_the_word(move || false_one.replace_by_twin(&[]));
        let report = Probe::bare("once", &account.name)
            .answer(PASSWORD)
            .meanwhile(TELL)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .as_user(&account.name)
            .run(&["chauthtok"])?;
        loser.join().unwrap_or(Ok(()))?;
        let learnt = directory.opinion(&account.name, NEW_PASSWORD)?;
        world.calm()?;
        let code = report.code("chauthtok")?;
        ensure(
            matches!(code, "AUTHTOK_ERR" | "AUTHTOK_LOCK_BUSY" | "TRY_AGAIN")
                && report.texts("prompt off").len() == 3,
            "a change at the twin",
            "a refusal, after the new one was asked for",
            report.text(),
        )?;
        ensure_equal("the new password at the twin", &*learnt, "52e")?;
        account.keeps_its_password()?;
    }
    Ok(())
}

/// The daemon starts while the twin is there, and knows no other.
fn from_the_start(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let other = world.account(MustChange)?;
    let names = [account.name.as_str(), other.name.as_str()];
    world.directory()?.replace_by_twin(&names)?;
    let result = world.restart().and_then(|()| {
        for name in names {
            for service in ["login", "swaylock"] {
                let report = Probe::bare(service, name)
                    .answer(TWIN_PASSWORD)
                    .run(&["auth"])?;
                ensure(
                    report.code("auth")? != "SUCCESS",
                    format!("{service} with the twin's password"),
                    "no logon",
                    report.text(),
                )?;
            }
            // Nor does account management believe it.
            let report = Probe::bare("sshd", name).run(&["acct"])?;
            ensure(
                report.code("acct")? != "SUCCESS",
                "account management",
                "a refusal",
                report.text(),
            )?;
        }
        Ok(())
    });
    world.calm()?;
    result
}

/// Whoever stands between passes LDAP on to the true controller, and answers for Kerberos and
/// changes himself. He says of everybody whose password must be changed that it must, and that
/// is no proof of a password: not even for a screen.
fn of_kerberos_alone(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let cast = cast(world)?;
    let names: Vec<&str> = cast.iter().map(|account| &*account.name).collect();
    let expired: Vec<&str> = names.iter().skip(1).copied().collect();
    directory.add_twin(&names, &expired)?;
    between(world, "", |_| {
        // The last two must change their passwords by the true one, too.
        let services = ["swaylock", "login", "login", "swaylock"];
        for (account, service) in cast.iter().zip(services) {
            let probe = Probe::bare(service, &account.name).answer(TWIN_PASSWORD);
            not_believed(&directory, account, probe, "auth")?;
            let probe = a_change(account, TWIN_PASSWORD);
            let report = not_believed(&directory, account, probe, "chauthtok")?;
            ensure(
                report.texts("prompt off").len() <= 1,
                "a change with the twin's password",
                "a refusal before a new one is asked for",
                report.text(),
            )?;
            let learnt = directory.opinion_of_twin(&account.name, NEW_PASSWORD)?;
            ensure_equal("the new password at the twin", &*learnt, "52e")?;
        }
        Ok(())
    })?;
    cast.iter().try_for_each(Account::keeps_its_password)
}

/// The same, where LDAP is sealed by TLS: the host has no ticket to make an armour of, so that
/// anybody can say that a password was right and has expired. Whose password has not, by the
/// directory, is not let in. Whose has is led to the change, and that does not succeed.
fn without_fast(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let cast = cast(world)?;
    let names: Vec<&str> = cast.iter().map(|account| &*account.name).collect();
    let expired: Vec<&str> = names.iter().skip(1).copied().collect();
    directory.add_twin(&names, &expired)?;
    trust(AUTHORITY)?;
    between(world, &by_tls("ldaps"), |_| {
        // The first has not expired for the twin, which gives him a ticket that opens nothing here:
        // and then it is not asked any more.
        let conditions = [Good, MustChange, PasswordExpired];
        for (account, condition) in cast.iter().skip(1).zip(conditions) {
            let must_change = matches!(condition, MustChange | PasswordExpired);
            if must_change {
                drop(led_to_the_change(&directory, account)?);
            }
            for service in ["swaylock", "login", "sshd", "ftp"] {
                let can_change = matches!(service, "login" | "sshd");
                let hooks: &[&str] = match must_change && can_change {
                    true => &["auth", "acct", "expired"],
                    false => &["auth"],
                };
                meet_again(&directory)?;
                let report = Probe::bare(service, &account.name)
                    .answer(TWIN_PASSWORD)
                    .answer(NEW_PASSWORD)
                    .answer(NEW_PASSWORD)
                    .run(hooks)?;
                let last = hooks.last().copied().unwrap_or("auth");
                ensure(
                    report.code(last)? != "SUCCESS",
                    format!("{service} with the twin's password, {condition:?}"),
                    "no way in",
                    report.text(),
                )?;
            }
            was_asked_about(&directory, account)?;
        }
        Ok(())
    })?;
    cast.iter().try_for_each(Account::keeps_its_password)
}

/// There he says that a change was made, too, for somebody who knows no password. The true one
/// goes on opening where no controller answers: nobody has shown that it is over.
fn made_up_change(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let account = world.account(Good)?;
    let name = &*account.name;
    known(name)?;
    directory.add_twin(&[name], &[name])?;
    trust(AUTHORITY)?;
    between(world, &by_tls("ldaps"), |_| {
        let report = a_change(&account, TWIN_PASSWORD).run(&["chauthtok"])?;
        report.says("may have been changed").map(drop)
    })?;
    account.keeps_its_password()?;
    without_controller(world, |_| {
        authenticate("login", name, PASSWORD, "SUCCESS", "Working offline").map(drop)
    })
}

/// Nor does he learn there what only who knows the password is told of an account: whatever he says
/// of it, its own reasons stay the directory's.
fn that_asks_about_others(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let cast = [Good, Good, Good, AccountExpired].map(|condition| world.account(condition));
    let cast = cast.into_iter().collect::<Result<Vec<_>>>()?;
    let names: Vec<&str> = cast.iter().map(|account| &*account.name).collect();
    let expired: Vec<&str> = names.iter().take(3).copied().collect();
    for account in &cast {
        // By name all of them are known.
        account.home()?;
    }
    directory.add_twin(&names, &expired)?;
    let settings: [&[&str]; 4] = [
        &["--disabled", "yes"],
        &["--hours", "never"],
        &["--workstations", "elsewhere"],
        &[],
    ];
    for (account, setting) in cast.iter().zip(settings) {
        if !setting.is_empty() {
            account.set(setting)?;
        }
    }
    trust(AUTHORITY)?;
    between(world, &by_tls("ldaps"), |_| {
        for account in &cast {
            meet_again(&directory)?;
            let name = &*account.name;
            for service in ["login", "sshd", "swaylock", "ftp"] {
                let report = Probe::bare(service, name)
                    .answer(TWIN_PASSWORD)
                    .run(&["auth"])?;
                told_nothing(service, &report, report.code("auth")?)?;
            }
            let report = a_change(account, TWIN_PASSWORD).run(&["chauthtok"])?;
            told_nothing("a change", &report, report.code("chauthtok")?)?;
            was_asked_about(&directory, account)?;
        }
        Ok(())
    })
}

fn told_nothing(way: &str, report: &Report, code: &str) -> Result<()> {
    let secrets = ["is disabled", "may not log on", "expired on"];
    ensure(
        code != "SUCCESS" && !secrets.iter().any(|secret| report.text().contains(secret)),
        format!("{way} with the twin's password"),
        "no way in, and nothing of the account",
        report.text(),
    )
}

/// The same, and as soon as somebody is led to the change, the network is cut: what is known here
/// without a controller would let him in, and he never had to know a password.
fn until_a_cut(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let account = world.account(MustChange)?;
    // By name and by what the directory says of him he is known.
    account.home()?;
    Probe::bare("login", &account.name)
        .run(&["acct"])?
        .returns("acct", "NEW_AUTHTOK_REQD")?;
    directory.add_twin(&[&account.name], &[&account.name])?;
    trust(AUTHORITY)?;
    between(world, &by_tls("ldaps"), |_| {
        let mut held = led_to_the_change(&directory, &account)?;
        directory.front(Front::Dead)?;
        contact::is_lost(PATIENCE)?;
        held.go_on()?;
        let report = held.stands()?;
        report.returns("acct", "PERM_DENIED")?;
        report.returns("expired", "TRY_AGAIN").map(drop)
    })?;
    account.keeps_its_password()
}

/// The same where a program unlocks a screen under the name of a logon, and by `auth` alone: gdm
/// does. The saved password decides there.
fn at_a_locked_screen(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let account = world.account(Good)?;
    let name = &*account.name;
    known(name)?;
    account.set(&["--must-change", "yes"])?;
    directory.add_twin(&[name], &[name])?;
    trust(AUTHORITY)?;
    between(world, &by_tls("ldaps"), |_| {
        for service in ["gdm-password", "unity"] {
            not_believed(
                &directory,
                &account,
                Probe::bare(service, name).answer(TWIN_PASSWORD),
                "auth",
            )?;
        }
        Ok(())
    })?;
    account.keeps_its_password()
}

/// A transaction that stands still after the twin has said that the password must be changed. The
/// daemon may find out by itself, at any time, that what it is told there opens nothing here; then
/// it asks nobody, until it has met the honest one again.
fn led_to_the_change(directory: &Directory, account: &Account) -> Result<Held> {
    const TRIES: u32 = 5;
    for _ in 0..TRIES {
        let mut held = Probe::bare("login", &account.name)
            .answer(TWIN_PASSWORD)
            .hold(&["auth", "pause", "acct", "expired"])?;
        let report = held.stands()?;
        if report.code("auth")? == "SUCCESS" {
            return Ok(held);
        }
        report.returns("auth", "AUTHINFO_UNAVAIL")?;
        directory.front(Front::Open(0))?;
        contact::is_with(SECOND_HOST, PATIENCE)?;
        directory.front(Front::False)?;
    }
    Err(differs(
        "authenticate",
        "SUCCESS",
        format!("none in {TRIES} tries"),
    ))
}

/// The same one, who knows the old passwords: he does not get to know the new ones.
fn that_knows_the_old(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let cast = cast(world)?;
    directory.add_twin(&[], &[])?;
    between(world, "", |_| {
        for account in &cast {
            not_believed(
                &directory,
                account,
                a_change(account, PASSWORD),
                "chauthtok",
            )?;
            let learnt = directory.opinion_of_twin(&account.name, NEW_PASSWORD)?;
            ensure_equal("the new password at the twin", &*learnt, "52e")?;
        }
        Ok(())
    })?;
    cast.iter().try_for_each(Account::keeps_its_password)
}

fn a_change(account: &Account, old: &str) -> Probe {
    Probe::bare("once", &account.name)
        .answer(old)
        .answer(NEW_PASSWORD)
        .answer(NEW_PASSWORD)
        .as_user(&account.name)
}

/// Has the twin asked about somebody, who gets nothing by it. The daemon asks nobody there any
/// more after that: each time it has to meet an honest one before.
fn not_believed(
    directory: &Directory,
    account: &Account,
    probe: Probe,
    operation: &str,
) -> Result<Report> {
    meet_again(directory)?;
    let report = probe.run(&[operation])?;
    ensure(
        report.code(operation)? != "SUCCESS",
        format!("{operation} at the twin, {:?}", account.condition),
        "a refusal",
        report.text(),
    )?;
    was_asked_about(directory, account)?;
    Ok(report)
}

/// The daemon meets an honest one, and is led to the twin from then on.
fn meet_again(directory: &Directory) -> Result<()> {
    for front in [Front::Open(0), Front::False] {
        directory.front(front)?;
        contact::is_with(SECOND_HOST, PATIENCE)?;
    }
    Ok(())
}

fn was_asked_about(directory: &Directory, account: &Account) -> Result<()> {
    ensure_equal(
        format!("whether the twin was asked about {}", account.name),
        directory.twin_was_asked_about(&account.name)?,
        true,
    )
}

/// With the one between who leads Kerberos to the twin; the daemon has met him before as an
/// honest one. `more` is further configuration.
fn between(
    world: &mut World,
    more: &str,
    work: impl FnOnce(&mut World) -> Result<()>,
) -> Result<()> {
    let directory = world.directory()?;
    directory.second_is_known(true)?;
    directory.front(Front::Open(0))?;
    let settings = format!("servers = [\"{SECOND_HOST}\"]\n{more}");
    let result = world.configured(&settings, |world| {
        contact::is_with(SECOND_HOST, PATIENCE)?;
        directory.front(Front::False)?;
        if !more.is_empty() {
            // LDAP is the true one's. It may have been seen while the front was away.
            contact::is_with(SECOND_HOST, PATIENCE)?;
        }
        work(world)
    });
    world.calm()?;
    directory.second_is_known(false)?;
    result
}
