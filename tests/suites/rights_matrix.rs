//! Every way in, with the lists of rights in every state: what the real program does, what the
//! person reads, what libpam returns, and what the log tells.

use crate::ways::{self, Way};
use crate::{Case, case};
use domlogon_protocol::{LogonType, Right, RightName};
use domlogon_tests::account::{Condition::Good, nest};
use domlogon_tests::{
    Account, Log, PASSWORD, Probe, Result, World, differs, domlogon, ensure, ensure_contains,
    ensure_equal,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("rights/granted by name", by_name),
        case("rights/granted by nested group", by_group),
        case("rights/granted by Everyone", by_everyone),
        case("rights/granted by default", by_default),
        case("rights/list absent", absent),
        case("rights/list empty", empty),
        case("rights/denied by user", denied),
        case("rights/denied by nested group", denied_by_group),
        case("rights/audited list", audited),
        case("rights/audited deny list", audited_deny),
    ]
}

/// The user is in `inner`, and `inner` in `outer`.
struct Cast {
    account: Account,
    inner: String,
    outer: String,
}

impl Cast {
    fn new(world: &mut World) -> Result<Cast> {
        let account = world.account(Good)?;
        let inner = world.group_name("inner");
        let outer = world.group_name("outer");
        account.join(&inner)?;
        nest(&inner, &outer)?;
        Ok(Cast {
            account,
            inner,
            outer,
        })
    }
}

/// The two lists of each right, as they stand in the file.
#[derive(Default)]
struct Lists<'a> {
    allow: Option<Vec<&'a str>>,
    deny: Option<Vec<&'a str>>,
    audit_allow: bool,
    audit_deny: bool,
}

impl Lists<'_> {
    fn text(&self) -> String {
        let mut rights = String::from("[rights]\n");
        let mut audit = String::from("[audit]\n");
        for right in [Right::Interactive, Right::Network, Right::Batch] {
            for (name, entries, audited) in [
                (RightName::allow(right), &self.allow, self.audit_allow),
                (RightName::deny(right), &self.deny, self.audit_deny),
            ] {
                if let Some(entries) = entries {
                    rights.push_str(&format!("{name} = {entries:?}\n"));
                }
                if audited {
                    audit.push_str(&format!("{name} = true\n"));
                }
            }
        }
        rights + &audit
    }
}

/// What is to come of it, for a way in that needs a right.
#[derive(Clone, Copy)]
enum Expected<'a> {
    /// Let in.
    Granted,
    /// Kept out, by an entry of the deny list or because no entry of the other list fits.
    Refused(Why<'a>),
    /// Let in, and the log tells who would have been kept out.
    Audited(Why<'a>),
}

#[derive(Clone, Copy)]
struct Why<'a> {
    denied_by: Option<&'a str>,
    source: &'static str,
}

const NOT_LISTED: Why<'static> = Why {
    denied_by: None,
    source: "file",
};

fn by_name(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    let name = format!("CORP\\{}", cast.account.name.to_uppercase());
    let lists = Lists {
        allow: Some(vec![&name]),
        ..Lists::default()
    };
    play(world, &cast, &lists, |_| Expected::Granted)
}

fn by_group(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    let lists = Lists {
        allow: Some(vec![&cast.outer]),
        ..Lists::default()
    };
    play(world, &cast, &lists, |_| Expected::Granted)
}

fn by_everyone(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    let lists = Lists {
        allow: Some(vec!["everyone"]),
        ..Lists::default()
    };
    play(world, &cast, &lists, |_| Expected::Granted)
}

/// Backup Operators hold every one of the three rights where no list says otherwise.
fn by_default(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    nest(&cast.outer, "Backup Operators")?;
    let result = play(world, &cast, &Lists::default(), |_| Expected::Granted);
    domlogon(&["group", "remove-member", "Backup Operators", &cast.outer])?.exits(0)?;
    result
}

/// The built-in holders: an ordinary user may log on, and his jobs do not run.
fn absent(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    let built_in = Why {
        source: "default",
        ..NOT_LISTED
    };
    play(world, &cast, &Lists::default(), |right| match right {
        Right::Batch => Expected::Refused(built_in),
        _ => Expected::Granted,
    })
}

fn empty(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    let lists = Lists {
        allow: Some(vec![]),
        ..Lists::default()
    };
    play(world, &cast, &lists, |_| Expected::Refused(NOT_LISTED))
}

fn denied(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    let lists = Lists {
        allow: Some(vec!["Everyone"]),
        deny: Some(vec![&cast.account.name]),
        ..Lists::default()
    };
    let why = Why {
        denied_by: Some(&cast.account.name),
        ..NOT_LISTED
    };
    play(world, &cast, &lists, |_| Expected::Refused(why))
}

/// Deny wins, whatever the path of membership.
fn denied_by_group(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    let lists = Lists {
        allow: Some(vec![&cast.account.name]),
        deny: Some(vec![&cast.outer]),
        ..Lists::default()
    };
    let why = Why {
        denied_by: Some(&cast.outer),
        ..NOT_LISTED
    };
    play(world, &cast, &lists, |_| Expected::Refused(why))
}

fn audited(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    let lists = Lists {
        allow: Some(vec![]),
        audit_allow: true,
        ..Lists::default()
    };
    play(world, &cast, &lists, |_| Expected::Audited(NOT_LISTED))?;
    status_shows("ON for interactive, network, batch:")
}

fn audited_deny(world: &mut World) -> Result<()> {
    let cast = Cast::new(world)?;
    let lists = Lists {
        deny: Some(vec![&cast.outer]),
        allow: Some(vec!["Users"]),
        audit_deny: true,
        ..Lists::default()
    };
    let why = Why {
        denied_by: Some(&cast.outer),
        ..NOT_LISTED
    };
    play(world, &cast, &lists, |_| Expected::Audited(why))?;
    status_shows("ON for deny interactive, deny network, deny batch:")
}

/// Audit mode is for a while: whoever looks is reminded.
fn status_shows(lists: &str) -> Result<()> {
    let status = domlogon(&["status"])?.exits(0)?.text();
    let line = status.lines().find(|line| line.contains("Audit mode"));
    ensure_contains("status", line.unwrap_or(&status), lists)
}

/// Put the lists in force, and try every way in.
fn play<'a>(
    world: &mut World,
    cast: &Cast,
    lists: &Lists<'_>,
    expected: impl Fn(Right) -> Expected<'a>,
) -> Result<()> {
    world.rights(&lists.text())?;
    for way in ways::ALL {
        let expected = logon_type(way).right().map(&expected);
        let found = try_way(world, cast, way, expected);
        found.map_err(|failure| {
            differs(
                way.name,
                "as the lists say",
                format!("{failure}\n{}", lists.text()),
            )
        })?;
    }
    Ok(())
}

fn logon_type(way: &Way) -> LogonType {
    match way.service {
        "sudo" => LogonType::Permit,
        "cron" => LogonType::Batch,
        "sshd" | "vsftpd" => LogonType::Network,
        _ => LogonType::Interactive,
    }
}

fn try_way(
    world: &mut World,
    cast: &Cast,
    way: &Way,
    expected: Option<Expected<'_>>,
) -> Result<()> {
    let name = &cast.account.name;
    let opens = !matches!(expected, Some(Expected::Refused(_)));
    let log = Log::from_now();
    let read = way.enter(world, &cast.account, opens)?;
    logged(log, name, way, expected)?;
    if !opens && way.speaks {
        told(&read, log, name, way)?;
    }
    through_libpam(name, way, opens)?;
    tested(cast, way, expected)
}

/// The decision's line, and audit mode's.
fn logged(log: Log, name: &str, way: &Way, expected: Option<Expected<'_>>) -> Result<()> {
    let user = format!("user={name} ");
    let service = format!("service={} ", way.service);
    match expected {
        None | Some(Expected::Granted) => {
            log.line_with(&[&user, &service, "verdict=NERR_Success(0)"])?;
            no_audit(log, name)
        }
        Some(Expected::Refused(why)) => {
            let (list, entry) = decided_by(way, why);
            log.line_with(&[
                &user,
                &service,
                "verdict=ERROR_LOGON_TYPE_NOT_GRANTED(1385) ntstatus=0xC000015B",
                &format!("right={list} list={} entry={entry}", why.source),
                "rights=",
                "ref=",
            ])?;
            no_audit(log, name)
        }
        Some(Expected::Audited(why)) => {
            let (list, entry) = decided_by(way, why);
            let line = log.line_with(&[
                "audit: ",
                &user,
                &service,
                &format!("type=\"{}\"", logon_type(way).word()),
                &format!("right={list} entry={entry}"),
            ])?;
            let reference = reference(&line, "ref=")?;
            log.line_with(&[&user, "verdict=NERR_Success(0)", &reference])
                .map(drop)
        }
    }
}

/// The list that decided, and its entry as the log shows it.
fn decided_by(way: &Way, why: Why<'_>) -> (RightName, String) {
    let right = logon_type(way).right().unwrap_or(Right::Network);
    match why.denied_by {
        Some(entry) => (RightName::deny(right), format!("{entry:?}")),
        None => (RightName::allow(right), "none".to_owned()),
    }
}

fn no_audit(log: Log, name: &str) -> Result<()> {
    let lines = log.lines();
    let audit = lines
        .lines()
        .find(|line| line.contains("audit: ") && line.contains(name));
    ensure_equal("a line of audit mode", audit, None)
}

/// What follows `mark` in a text, to the end of the word.
fn reference(text: &str, mark: &str) -> Result<String> {
    text.split_once(mark)
        .and_then(|(_, rest)| rest.split([' ', ')', '\n']).next())
        .filter(|found| !found.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| differs("a text", format!("something after {mark:?}"), text))
}

/// One sentence, which names the way in and the right, and whose reference finds the line.
fn told(read: &str, log: Log, name: &str, way: &Way) -> Result<()> {
    let sentence = sentence(name, way);
    ensure_contains("what is read", read, &sentence)?;
    let times = read.matches("is not allowed to use").count();
    ensure_equal(format!("times told, in\n{read}"), times, 1)?;
    let reference = reference(read, "(ref ")?;
    log.line_with(&[name, "1385", &format!("ref={reference}")])
        .map(drop)
}

fn sentence(name: &str, way: &Way) -> String {
    let by = match way.service {
        "sshd" => "ssh logon",
        "vsftpd" => "network access",
        "cron" => "scheduled jobs",
        _ => "console logon",
    };
    let right = logon_type(way).right().map_or("", Right::title);
    format!(
        "{name} is not allowed to use {by} on sandbox. Ask your administrator for the right \"{right}\""
    )
}

/// The codes of account management's whole stack and of the module alone, and the sentence that programs without a dialogue do not show.
fn through_libpam(name: &str, way: &Way, opens: bool) -> Result<()> {
    let code = if opens { "SUCCESS" } else { "PERM_DENIED" };
    let words = if opens {
        String::new()
    } else {
        sentence(name, way)
    };
    let report = Probe::stack(way.service, name).run(&["acct"])?;
    report.returns("acct", code)?.says(&words)?.asks_nothing()?;
    if way.service == "cron" {
        return Ok(());
    }
    let report = Probe::bare(way.service, name)
        .answer(PASSWORD)
        .run(&["auth"])?;
    // sshd reads the sentence in account management, the others at once.
    match way.service {
        "sshd" => report.returns("auth", "SUCCESS")?.says("")?,
        _ => report.returns("auth", code)?.says(&words)?,
    };
    Ok(())
}

/// The command that predicts it agrees, and names what decided.
fn tested(cast: &Cast, way: &Way, expected: Option<Expected<'_>>) -> Result<()> {
    let name = &cast.account.name;
    let answer = domlogon(&["rights", "test", name, "--service", way.service])?;
    let (code, why) = match expected {
        None | Some(Expected::Granted) => (0, None),
        Some(Expected::Audited(why)) => (0, Some(why)),
        Some(Expected::Refused(why)) => (1, Some(why)),
    };
    let text = answer.exits(code)?.text();
    let Some(why) = why else { return Ok(()) };
    let (list, _) = decided_by(way, why);
    ensure_contains("rights test", &text, list.symbol())?;
    if why.denied_by == Some(&cast.outer) {
        let chain = format!("{name} → {} → {}", cast.inner, cast.outer);
        ensure_contains("rights test", &text, &chain)?;
    }
    let explained = domlogon(&["explain", name, "--service", way.service])?;
    let text = explained.exits(code)?.text();
    ensure_contains("explain", &text, list.symbol())?;
    ensure(
        code == 0 || text.contains("1385"),
        "explain",
        "the number 1385",
        &*text,
    )
}
