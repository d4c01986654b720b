//! Every condition of an account, through real libpam: the code in each hook, the sentence, and
//! what is not told before the password is proved.

use crate::{Case, each};
use domlogon_tests::account::Condition::{self, *};
use domlogon_tests::difference::Difference;
use domlogon_tests::{
    Log, NEW_PASSWORD, PASSWORD, Probe, Program, Result, World, ensure_contains, ensure_equal,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        each("conditions/login", |world| table(world, "login", LOGIN)),
        each("conditions/su", |world| table(world, "su", LOGIN)),
        each("conditions/sshd", |world| table(world, "sshd", SSHD)),
        each("conditions/network", |world| table(world, "ftp", NETWORK)),
        each("conditions/cron", |world| table(world, "cron", BATCH)),
        each("conditions/preliminary", preliminary),
        each("conditions/unknown user", unknown_user),
        each("conditions/local user", local_user),
        each("conditions/wrong password first", wrong_password_first),
        each("conditions/lockout", lockout),
        each("conditions/unlock", unlock),
        each("conditions/names", names),
        each("conditions/expiry warning", expiry_warning),
        each("conditions/silent", silent),
        each("conditions/log line", log_line),
        each("conditions/order", order),
        each("conditions/next allowed hour", next_allowed_hour),
        each("conditions/not for others", not_for_others),
        each("conditions/hammering", hammering),
        each("conditions/blank password", blank_password),
        each("conditions/other domain", other_domain),
        each(
            "conditions/session and credentials",
            session_and_credentials,
        ),
    ]
}

/// A condition, and the codes of authenticate and of account management.
type Row = (Condition, &'static str, &'static str);

const LOGIN: &[Row] = &[
    (Good, "SUCCESS", "SUCCESS"),
    (CannotChange, "SUCCESS", "SUCCESS"),
    (Locked, "MAXTRIES", "PERM_DENIED"),
    (Disabled, "PERM_DENIED", "PERM_DENIED"),
    (AccountExpired, "ACCT_EXPIRED", "ACCT_EXPIRED"),
    (NoHours, "PERM_DENIED", "PERM_DENIED"),
    (OtherWorkstation, "PERM_DENIED", "PERM_DENIED"),
    (MustChange, "SUCCESS", "NEW_AUTHTOK_REQD"),
    (PasswordExpired, "SUCCESS", "NEW_AUTHTOK_REQD"),
    (DeadEnd, "ACCT_EXPIRED", "ACCT_EXPIRED"),
];

/// sshd alone asks account management for what authenticate knows already: it shows no message
/// of a failed authenticate to a client of the password method.
const SSHD: &[Row] = &[
    (Good, "SUCCESS", "SUCCESS"),
    (Locked, "MAXTRIES", "PERM_DENIED"),
    (Disabled, "SUCCESS", "PERM_DENIED"),
    (AccountExpired, "SUCCESS", "ACCT_EXPIRED"),
    (NoHours, "SUCCESS", "PERM_DENIED"),
    (OtherWorkstation, "SUCCESS", "PERM_DENIED"),
    (MustChange, "SUCCESS", "NEW_AUTHTOK_REQD"),
    (PasswordExpired, "SUCCESS", "NEW_AUTHTOK_REQD"),
    (DeadEnd, "SUCCESS", "ACCT_EXPIRED"),
];

/// A service that cannot ask for a new password: the demand for one is a refusal.
const NETWORK: &[Row] = &[
    (Good, "SUCCESS", "SUCCESS"),
    (Disabled, "PERM_DENIED", "PERM_DENIED"),
    (MustChange, "PERM_DENIED", "PERM_DENIED"),
    (PasswordExpired, "PERM_DENIED", "PERM_DENIED"),
];

/// Jobs use no password: its age and a lockout do not stop them, everything else does.
const BATCH: &[Row] = &[
    (Good, "", "SUCCESS"),
    (Locked, "", "SUCCESS"),
    (MustChange, "", "SUCCESS"),
    (PasswordExpired, "", "SUCCESS"),
    (Disabled, "", "PERM_DENIED"),
    (AccountExpired, "", "ACCT_EXPIRED"),
    (NoHours, "", "PERM_DENIED"),
    (OtherWorkstation, "", "PERM_DENIED"),
];

/// Words of the sentence that goes with a code.
fn words(condition: Condition, code: &str) -> &'static str {
    match (condition, code) {
        (Good, _) | (_, "SUCCESS") => "",
        (CannotChange, _) | (DeadEnd, "PERM_DENIED") => "may not change its own password",
        (MustChange | PasswordExpired, "PERM_DENIED") => "cannot ask for a new one",
        (MustChange, _) => "You must set a new password",
        (PasswordExpired, _) => "Your password expired",
        (DeadEnd, _) => "this account may not change it",
        (Locked, _) => "is locked after too many wrong passwords",
        (Disabled, _) => "is disabled",
        (AccountExpired, _) => "expired on",
        (NoHours, _) => "may not log on at",
        (OtherWorkstation, _) => "may not log on from",
    }
}

/// Each row twice: authenticate with the right password, and account management alone, as after
/// an ssh key.
fn table(world: &mut World, service: &str, rows: &[Row]) -> Result<()> {
    for &(condition, authenticate, account_management) in rows {
        let account = world.account(condition)?;
        if !authenticate.is_empty() {
            let expected = account.comes_to(authenticate, words(condition, authenticate))?;
            let report = Probe::bare(service, &account.name)
                .answer(PASSWORD)
                .run(&["auth"])?;
            report.returns("auth", expected.code)?;
            report.says(expected.words)?;
        }
        let report = Probe::bare(service, &account.name).run(&["acct"])?;
        report.returns("acct", account_management)?;
        report.asks_nothing()?;
        let words = words(condition, account_management);
        // A demand for a new password is an error message or a notice; it must be told once.
        if account_management == "NEW_AUTHTOK_REQD" {
            let told = report.text().matches(words).count();
            ensure_equal(format!("times told, in\n{}", report.text()), told, 1)?;
        } else {
            report.says(words)?;
        }
    }
    Ok(())
}

/// What the preliminary pass of a change answers, before any prompt for a new password.
fn preliminary(world: &mut World) -> Result<()> {
    for condition in [
        Locked,
        Disabled,
        AccountExpired,
        NoHours,
        OtherWorkstation,
        CannotChange,
        DeadEnd,
    ] {
        let account = world.account(condition)?;
        let report = Probe::bare("passwd", &account.name)
            .answer(PASSWORD)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .as_user(&account.name)
            .run(&["chauthtok"])?;
        let expected = account.comes_to("PERM_DENIED", words(condition, "PERM_DENIED"))?;
        report.returns("chauthtok", expected.code)?;
        report.says(match expected.code {
            // What a wrong password gets, in the words of a change.
            "AUTH_ERR" => "The current password is not right.",
            _ => expected.words,
        })?;
        // At most the old password was asked for.
        let prompts = report.texts("prompt off").len();
        ensure_equal(
            format!("more than one prompt, in\n{}", report.text()),
            prompts > 1,
            false,
        )?;
    }
    Ok(())
}

fn unknown_user(_: &mut World) -> Result<()> {
    let report = Probe::bare("login", "nobody-here")
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    report.returns("auth", "USER_UNKNOWN")?;
    report.returns("acct", "USER_UNKNOWN")?;
    // A name of this domain by its form, with no account behind it.
    Probe::bare("login", "CORP\\nobody-here")
        .answer(PASSWORD)
        .run(&["auth"])?
        .returns("auth", "USER_UNKNOWN")?;
    Ok(())
}

/// root and the names of /etc/passwd are not asked anything, and no daemon is asked about them.
fn local_user(_: &mut World) -> Result<()> {
    for name in ["root", "localuser", "daemon"] {
        let report = Probe::bare("login", name).run(&["auth", "acct", "setcred", "chauthtok"])?;
        for operation in ["auth", "acct", "setcred", "chauthtok"] {
            report.returns(operation, "USER_UNKNOWN")?;
        }
        report.asks_nothing()?.says("")?;
    }
    Ok(())
}

/// Whatever the condition, a wrong password is answered as one; only a lockout shows before.
fn wrong_password_first(world: &mut World) -> Result<()> {
    for condition in [
        Good,
        Disabled,
        AccountExpired,
        NoHours,
        OtherWorkstation,
        MustChange,
        PasswordExpired,
        DeadEnd,
    ] {
        for service in ["login", "sshd"] {
            let account = world.account(condition)?;
            let report = Probe::bare(service, &account.name)
                .answer("not the password")
                .run(&["auth"])?;
            report.returns("auth", "AUTH_ERR")?;
            report.says("User name or password is not right.")?;
        }
    }
    Ok(())
}

/// The attempt that locks is still answered as a wrong password; the next, even right, is not
/// compared.
fn lockout(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.lock()?;
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?;
    report.returns("auth", "MAXTRIES")?;
    report.says("Try again in 30 min")?;
    let shown = account.show()?;
    ensure_equal("locked", shown.get("locked"), Some(&true.into()))?;
    let before = shown.get("locked_until").cloned();
    Probe::bare("login", &account.name)
        .answer("wrong again")
        .run(&["auth"])?
        .returns("auth", "MAXTRIES")?;
    let after = account.show()?;
    ensure_equal(
        "an attempt while locked does not lengthen the lock",
        after.get("locked_until").cloned(),
        before,
    )
}

fn unlock(world: &mut World) -> Result<()> {
    let account = world.account(Locked)?;
    account.unlock()?;
    account.opens_with(PASSWORD)?;
    // A lockout that only an administrator ends says so.
    world.policy(&["lockout-duration=forever"])?;
    let account = world.account(Locked)?;
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?;
    report.returns("auth", "MAXTRIES")?;
    report.says("to unlock it")?;
    ensure_equal(
        "minutes in the sentence of an endless lock",
        report.text().contains(" min,"),
        false,
    )
}

/// All spellings of a name are one account.
fn names(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let name = &account.name;
    for spelling in [
        name.to_uppercase(),
        format!("CORP\\{name}"),
        format!("corp\\{}", name.to_uppercase()),
        format!("{name}@corp.example"),
        format!("{name}@CORP.EXAMPLE"),
    ] {
        let report = Probe::bare("login", &spelling)
            .answer(PASSWORD)
            .run(&["auth", "acct"])?;
        report.returns("auth", "SUCCESS")?;
        report.returns("acct", "SUCCESS")?;
    }
    // Wrong passwords under different spellings count for the one account.
    for spelling in [name.clone(), name.to_uppercase(), format!("CORP\\{name}")] {
        Probe::bare("login", &spelling)
            .answer("wrong")
            .run(&["auth"])?
            .returns("auth", "AUTH_ERR")?;
    }
    Probe::bare("login", name)
        .answer(PASSWORD)
        .run(&["auth"])?
        .returns("auth", "MAXTRIES")?;
    Ok(())
}

fn expiry_warning(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.policy(&["max-age=10d", "warn=14d"])?;
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth", "acct"])?;
    report.returns("acct", "SUCCESS")?.says("")?;
    ensure_contains(
        "the notices",
        &report.texts("info").join("\n"),
        "Your password expires in ",
    )?;
    for service in ["cron", "ftp"] {
        let report = Probe::bare(service, &account.name).run(&["acct"])?;
        ensure_equal(
            format!("notices for {service}"),
            report.texts("info").is_empty(),
            true,
        )?;
    }
    Ok(())
}

/// PAM_SILENT: the same codes, not a word.
fn silent(world: &mut World) -> Result<()> {
    let account = world.account(Disabled)?;
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&[".auth", ".acct"])?;
    report.returns("auth", account.comes_to("PERM_DENIED", "")?.code)?;
    report.returns("acct", "PERM_DENIED")?.says("")?;
    ensure_equal("notices", report.texts("info").is_empty(), true)
}

/// The decision is logged with what is needed to explain it, and never with the password.
fn log_line(world: &mut World) -> Result<()> {
    let account = world.account(OtherWorkstation)?;
    let log = Log::from_now();
    Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?
        .returns("auth", "PERM_DENIED")?;
    log.line_with(&[&account.name, "login", "interactive", "2240"])?;
    Probe::bare("login", &account.name)
        .answer("Wr0ng-but-secret")
        .run(&["auth"])?
        .returns("auth", "AUTH_ERR")?;
    let lines = log.lines();
    for secret in [PASSWORD, "Wr0ng-but-secret"] {
        ensure_equal("a password in the log", lines.contains(secret), false)?;
    }
    Ok(())
}

/// Of several conditions the first of the order decides.
fn order(world: &mut World) -> Result<()> {
    let account = world.account(MustChange)?;
    let looks = world.home().looks_at_the_password()?;
    let expect = |settings: &[&str], code: &str, words: &str| -> Result<()> {
        if !settings.is_empty() {
            account.set(settings)?;
        }
        let report = Probe::bare("login", &account.name).run(&["acct"])?;
        let by_key = if code == "MAXTRIES" {
            "PERM_DENIED"
        } else {
            code
        };
        report.returns("acct", by_key)?;
        report.says(words)?;
        // A directory may refuse some of them before it looks at the password.
        if looks {
            let report = Probe::bare("login", &account.name)
                .answer(PASSWORD)
                .run(&["auth"])?;
            report.returns("auth", code)?;
            report.says(words)?;
        }
        Ok(())
    };
    // Each is put before the last, from the end of the order to its beginning.
    expect(
        &["--workstations", "elsewhere"],
        "PERM_DENIED",
        "may not log on from",
    )?;
    expect(&["--hours", "never"], "PERM_DENIED", "may not log on at")?;
    expect(
        &["--expires", "2020-01-01T00:00:00Z"],
        "ACCT_EXPIRED",
        "expired on",
    )?;
    expect(&["--disabled", "yes"], "PERM_DENIED", "is disabled")?;
    account.lock()?;
    expect(&[], "MAXTRIES", "is locked")
}

/// Hours that are not now: the sentence tells when they are.
fn next_allowed_hour(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    // Two half weeks: the one that is not now.
    let first = ["--hours", "Sun-Tue 00:00-24:00"];
    let second = ["--hours", "Thu-Fri 00:00-24:00"];
    account.set(&first)?;
    let ask = || Probe::bare("login", &account.name).run(&["acct"]);
    let mut report = ask()?;
    if report.code("acct")? == "SUCCESS" {
        account.set(&second)?;
        report = ask()?;
    }
    let sentence = "may not log on at this time. Next allowed: ";
    report.returns("acct", "PERM_DENIED")?;
    report.says(sentence)?;
    if world.home().looks_at_the_password()? {
        let report = Probe::bare("login", &account.name)
            .answer(PASSWORD)
            .run(&["auth"])?;
        report.returns("auth", "PERM_DENIED")?;
        report.says(sentence)?;
    }
    Ok(())
}

fn session_and_credentials(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth", "acct", "setcred", "open", "close", "delcred"])?;
    for operation in ["auth", "acct", "setcred", "open", "close", "delcred"] {
        report.returns(operation, "SUCCESS")?;
    }
    report.says("")?;
    Ok(())
}

/// A plain user may ask about himself, not about others, whatever he knows.
fn not_for_others(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let other = world.account(Good)?;
    for caller in ["localuser", other.name.as_str()] {
        for password in [PASSWORD, "wrong"] {
            Probe::bare("login", &account.name)
                .answer(password)
                .as_user(caller)
                .run(&["auth"])?
                .returns("auth", "AUTH_ERR")?;
        }
    }
    Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .as_user(&account.name)
        .run(&["auth"])?
        .returns("auth", "SUCCESS")?;
    // What others tried did not count: two more than the threshold, and still open.
    account.opens_with(PASSWORD)
}

/// Twenty at once, by a caller who is not root: some are turned away, none gets in, and root's
/// programs are served meanwhile.
fn hammering(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let other = world.account(Good)?;
    let script = format!(
        "for i in $(seq 20); do domlogon-probe -c {} -a guess-$i -- login {} auth & done; wait",
        domlogon_tests::probe::BARE_SERVICES,
        account.name
    );
    let log = Log::from_now();
    let mut crowd = Program::new("sh")
        .args(&["-c", &script])
        .env("PATH", "/usr/local/sbin:/usr/bin:/bin")
        .as_user(&account.name)?
        .on_terminal()?;
    for _ in 0..5 {
        other.opens_with(PASSWORD)?;
    }
    let (_, text) = crowd.finish()?;
    ensure_equal("guesses that got in", text.matches(" SUCCESS ").count(), 0)?;
    ensure_equal("answers", text.matches("return auth").count(), 20)?;
    log.line_with(&[&account.name, "ERROR_BUSY(170)"]).map(drop)
}

/// A blank password, where the account may have one, is for the console alone.
fn blank_password(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.set(&["--password-not-required", "yes"])?;
    if world.home().directory().is_some() {
        // A reset obeys the policy there.
        world.policy(&["min-length=0", "complexity=no"])?;
    }
    account.reset("")?;
    let blank = |service: &str| {
        Probe::bare(service, &account.name)
            .answer("")
            .run(&["auth", "acct"])
    };
    let expected = world.home().expects(Difference::BlankPassword);
    let report = blank("login")?;
    report
        .returns("auth", expected.code)?
        .says(expected.words)?;
    // Who starts su may be in any session: it is no console.
    for service in ["ftp", "su"] {
        let report = blank(service)?;
        ensure_equal(
            format!(
                "let in by {service} with a blank password\n{}",
                report.text()
            ),
            report.code("auth")? == "SUCCESS",
            false,
        )?;
    }
    // sshd asks account management, which has no password to go by but knows of the blank one.
    let report = blank("sshd")?;
    ensure_equal(
        format!("let in by ssh with a blank password\n{}", report.text()),
        (report.code("auth")?, report.code("acct")?) == ("SUCCESS", "SUCCESS"),
        false,
    )
}

fn other_domain(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for name in [
        format!("OTHER\\{}", account.name),
        format!("{}@other.example", account.name),
    ] {
        let report = Probe::bare("login", &name)
            .answer(PASSWORD)
            .run(&["auth", "acct"])?;
        report.returns("auth", "USER_UNKNOWN")?;
        report.returns("acct", "USER_UNKNOWN")?;
    }
    Ok(())
}
