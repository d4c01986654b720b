//! Attacks by names, numbers and texts: somebody who may make accounts in the directory, or who
//! types what nobody should, becomes nobody else by it.

mod directory;

use crate::{Case, case, each, in_directory};
use domlogon_tests::account::Condition::*;
use domlogon_tests::program::everything;
use domlogon_tests::{
    LOCAL_PASSWORD, NEW_PASSWORD, PASSWORD, Probe, Program, ROOT_PASSWORD, Result, World, contact,
    domlogon_with, ensure, ensure_equal,
};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    [
        each("attacks/no password", no_password),
        in_directory("attacks/no password, offline", no_password_offline),
        each("attacks/names that look like another's", look_alikes),
        each("attacks/names of root and of local users", local_names),
        each("attacks/numbers that are nobody's", nobodys_numbers),
        each("attacks/filters in names", filters),
        each("attacks/amid two thousand open files", many_files),
        case("attacks/an account with the host's numbers", own_numbers),
    ]
    .into_iter()
    .chain(directory::cases())
    .collect()
}

/// Nobody comes in as `name` with this password, by any service.
fn shut(name: &str, password: &str) -> Result<()> {
    for service in ["login", "sshd"] {
        let report = Probe::bare(service, name)
            .answer(password)
            .run(&["auth", "acct"])?;
        let both = report.code("auth")? == "SUCCESS" && report.code("acct")? == "SUCCESS";
        ensure(
            report.code("auth")? != "SUCCESS" && !both,
            format!("{service} as {name:?} with the password {password:?}"),
            "a refusal",
            report.text(),
        )?;
    }
    Ok(())
}

/// What glibc says of a name; getent would take a number for an id.
fn getent(database: &str, name: &str) -> Result<String> {
    let call = match database {
        "group" => "getgrnam",
        _ => "getpwnam",
    };
    let script = format!("my @found = {call}($ARGV[0]); print join(':', @found)");
    let output = Program::new("perl")
        .args(&["-e", &script, "--", name])
        .run(b"")?;
    Ok(everything(&output))
}

/// The line of somebody whose name is no number.
fn line(name: &str) -> Result<String> {
    let output = Program::new("getent").args(&["passwd", name]).run(b"")?;
    Ok(everything(&output).trim_end_matches('\n').to_owned())
}

fn nobody(database: &str, key: &str) -> Result<()> {
    ensure_equal(
        format!("getent {database} {key:?}"),
        &*getent(database, key)?,
        "",
    )
}

// ------------------------------------------------------------ passwords

/// A server takes a bind without a password for one of nobody, and says yes to it.
fn no_password(world: &mut World) -> Result<()> {
    world.policy(&["lockout-threshold=0"])?;
    for condition in [Good, MustChange, Disabled, PasswordExpired, CannotChange] {
        let account = world.account(condition)?;
        for password in ["", " ", "\t"] {
            shut(&account.name, password)?;
        }
        for mode in ["null-text", "null-replies"] {
            let report = Probe::bare("login", &account.name)
                .mode(mode)
                .run(&["auth", ".auth"])?;
            ensure(
                report.code("auth")? != "SUCCESS" && !report.text().contains("auth 0 "),
                format!("{condition:?}, an application that gives no password: {mode}"),
                "a refusal",
                report.text(),
            )?;
        }
        // As the current one of a change, too.
        let report = Probe::bare("once", &account.name)
            .answer("")
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .as_user(&account.name)
            .run(&["chauthtok"])?;
        ensure(
            report.code("chauthtok")? != "SUCCESS",
            format!("{condition:?}, a change without the current password"),
            "a refusal",
            report.text(),
        )?;
    }
    Ok(())
}

fn no_password_offline(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    // From now on the host knows his password.
    Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"])?
        .returns("auth", "SUCCESS")?;
    world.directory()?.stop()?;
    contact::is_lost(Duration::from_secs(12))?;
    let refused = shut(&account.name, "").and_then(|()| shut(&account.name, " "));
    let report = Probe::bare("login", &account.name)
        .answer(PASSWORD)
        .run(&["auth"]);
    world.calm()?;
    refused?;
    report?.returns("auth", "SUCCESS").map(drop)
}

// ------------------------------------------------------------ what is typed

fn look_alikes(world: &mut World) -> Result<()> {
    world.policy(&["lockout-threshold=0"])?;
    let account = world.account(Good)?;
    let name = &*account.name;
    for other in [
        format!("{name} "),
        format!(" {name}"),
        format!("{name}."),
        format!("{name}$"),
        format!("{name}\t"),
        format!("{name}\n"),
        format!("{name}\u{200b}"),
        format!("{name}\u{301}"),
        format!("{name}\u{feff}"),
        name.replace('a', "\u{430}"), // Cyrillic
        name.replace('n', "ñ"),
        name.replace('a', "á"),
        name.replace('a', "\u{ff41}"), // full width
        format!("{name}@"),
        format!("@{name}"),
        format!("{name}@corp.example."),
        format!("{name}@corp.example@corp.example"),
        format!("{name}@other.example"),
        format!("OTHER\\{name}"),
        format!("CORP\\CORP\\{name}"),
        format!("CORP/{name}"),
        format!("\\{name}"),
        format!("./{name}"),
        format!("../{name}"),
        format!("{name}:x"),
        format!("{name},ou=x"),
    ] {
        shut(&other, PASSWORD)?;
        ensure(
            !getent("passwd", &other)?.contains(':'),
            format!("getent passwd {other:?}"),
            "nobody",
            getent("passwd", &other)?,
        )?;
    }
    account.opens_with(PASSWORD)
}

/// In a filter of LDAP, or in SQL, these would mean something. They are names like any other,
/// that nobody has: a question that they break is an outage.
fn filters(world: &mut World) -> Result<()> {
    world.policy(&["lockout-threshold=0"])?;
    let account = world.account(Good)?;
    let name = &*account.name;
    account.opens_with(PASSWORD)?;
    for other in [
        // Characters that no name may have.
        "*".to_owned(),
        format!("{name}*"),
        format!("*{name}"),
        format!("{}*", &name[..2]),
        format!("{name})(objectClass=*"),
        format!("{name})(|(uid=*"),
        format!("*)(sAMAccountName={name}"),
        format!("{name}\\2a"),
        format!("\\61{}", &name[1..]),
        format!("{name}\\00"),
        format!("{name}' OR '1'='1"),
        format!("{name}';--"),
        // And those that reach the question.
        "(".to_owned(),
        ")".to_owned(),
        "&".to_owned(),
        "(&)".to_owned(),
        format!("({name}"),
        format!("{name})"),
        format!("({name})"),
        format!("{name})("),
        format!("{name})(&"),
        format!("{name})(!(x~x)"),
        format!("!({name}x)"),
        format!("{name}%00"),
        format!("{name}'"),
        format!("{name}'--"),
        format!("{name}' OR '1' LIKE '1"),
        format!("' OR name LIKE '{name}"),
        "'--".to_owned(),
        "%".to_owned(),
        format!("{}_", &name[..name.len() - 1]),
        format!("{}%", &name[..2]),
    ] {
        for service in ["login", "sshd"] {
            Probe::bare(service, &other)
                .answer(PASSWORD)
                .run(&["auth"])?
                .returns("auth", "USER_UNKNOWN")?;
        }
        nobody("passwd", &other)?;
        nobody("group", &other)?;
    }
    account.opens_with(PASSWORD)
}

const LOCAL: &[(&str, &str)] = &[
    ("root", ROOT_PASSWORD),
    ("localuser", LOCAL_PASSWORD),
    ("daemon", PASSWORD),
];

/// Ours is never the answer for them, whatever is put around the name.
fn local_names(_: &mut World) -> Result<()> {
    for (name, password) in LOCAL {
        for spelling in spellings(name) {
            shut(&spelling, password)?;
            shut(&spelling, PASSWORD)?;
        }
        for spelling in spellings(name).iter().filter(|one| !one.eq(name)) {
            nobody("passwd", spelling)?;
        }
    }
    Ok(())
}

fn spellings(name: &str) -> Vec<String> {
    vec![
        name.to_owned(),
        name.to_uppercase(),
        format!("CORP\\{name}"),
        format!("corp\\{}", name.to_uppercase()),
        format!("{name}@corp.example"),
        format!("{name}@CORP"),
        format!("{name} "),
        format!("{name}."),
        format!("{name}$"),
    ]
}

/// Not even an administrator's slip makes an account root's, or a system's.
fn own_numbers(_: &mut World) -> Result<()> {
    for number in [
        "0",
        "27",
        "999",
        "5000",
        "65534",
        "2147483648",
        "4294967294",
        "4294967295",
        "4294967296",
        "-1",
    ] {
        let answer = domlogon_with(
            &[
                "user",
                "add",
                "numbered",
                "--uid",
                number,
                "--password-stdin",
            ],
            &format!("{PASSWORD}\n"),
        )?;
        ensure(
            matches!(answer.code(), 1 | 2),
            format!("user add --uid {number}"),
            "a refusal",
            format!("{}: {}", answer.code(), answer.text()),
        )?;
    }
    nobody("passwd", "numbered")
}

/// -1 is "no id" to those who change owners and users, and `sudo -u '#-1'` asks for it.
fn nobodys_numbers(_: &mut World) -> Result<()> {
    for number in ["4294967295", "4294967294", "2147483648"] {
        for call in ["getpwuid", "getgrgid"] {
            let script = format!("my @found = {call}($ARGV[0]); print \"found @found\"");
            let output = Program::new("perl")
                .args(&["-e", &script, "--", number])
                .run(b"")?;
            ensure_equal(format!("{call}({number})"), &*everything(&output), "found ")?;
        }
    }
    Ok(())
}

/// A descriptor with a large number does not fit into what select(2) looks at.
fn many_files(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let script = "$^F = 5000; open($_, '<', '/dev/null') or die for @held[0..1999]; \
                  getpwnam($ARGV[0]) or die 'not found'; getpwnam('nobody-here') and die 'found'; \
                  exec 'domlogon-probe', '-c', '/run/bare-pam.d', '-a', $ARGV[1], '--', 'login', \
                  $ARGV[0], 'auth', 'acct', 'setcred', 'open', 'close'";
    let output = Program::new("sh")
        .args(&["-c", "ulimit -n 4096; exec perl -e \"$@\"", "sh", script])
        .args(&[&account.name, PASSWORD])
        .run(b"")?;
    let text = everything(&output);
    for operation in ["auth", "acct", "setcred", "open", "close"] {
        ensure(
            text.contains(&format!("return {operation} 0 SUCCESS")),
            format!("{operation}, amid two thousand open files"),
            "success",
            &*text,
        )?;
    }
    Ok(())
}
