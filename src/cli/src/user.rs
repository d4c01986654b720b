//! `domlogon user`.

use crate::answer::Answer;
use crate::arguments::{NameForce, Settings, User, UserAdd, UserPassword, UserSet, YesNo};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::hours::{self, HoursShown};
use crate::import;
use crate::password;
use crate::time::{Clock, Expiry, rfc3339};
use crate::words::{Page, list, shell_word, table, yes_no};
use domlogon_protocol::admin::{NewUser, Reply, Request, UserChanges, UserRecord};
use domlogon_protocol::{Calendar, Timestamp};
use serde::Serialize;
use serde_json::json;

pub(crate) fn run(command: User, daemon: &Daemon, clock: &Clock) -> Result<Answer, Error> {
    match command {
        User::Add(arguments) => add(*arguments, daemon, clock),
        User::Set(arguments) => set(*arguments, daemon, clock),
        User::Password(arguments) => new_password(arguments, daemon, clock),
        User::Unlock(who) => {
            let reply = daemon.ask(Request::UserUnlock(who.name.clone()))?;
            done(reply, clock, |_| {
                format!("{} is not locked now.\n", who.name)
            })
        }
        User::Show(who) => match daemon.ask(Request::UserShow(who.name))? {
            Reply::User(user) => Ok(Answer::yes(
                page(&user, clock),
                &UserShown::new(&user, clock),
            )),
            _ => Err(Error::OtherReply),
        },
        User::Delete(NameForce { name, force }) => {
            let reply = daemon.ask(Request::UserDelete {
                name: name.clone(),
                force,
            })?;
            done(reply, clock, |_| {
                format!("The account {name} is deleted. Its home directory is still there.\n")
            })
        }
        User::List => everybody(daemon, clock),
        User::Import(asked) => import::run(&asked, daemon),
    }
}

fn add(arguments: UserAdd, daemon: &Daemon, clock: &Clock) -> Result<Answer, Error> {
    let password = if arguments.password_stdin {
        Some(password::from_standard_input(&arguments.name)?)
    } else {
        None
    };
    let name = arguments.name.clone();
    let without_password = password.is_none();
    let reply = daemon.ask(Request::UserAdd(Box::new(NewUser {
        name: arguments.name,
        full_name: arguments.full_name,
        uid: arguments.uid,
        home: arguments.home,
        shell: arguments.shell,
        must_change: arguments.must_change,
        password,
    })))?;
    done(reply, clock, |user| {
        let mut text = match user {
            Some(user) => format!(
                "The account {} is made: uid {}, {}.\n",
                user.name, user.uid, user.sid
            ),
            None => format!("The account {name} is made.\n"),
        };
        if without_password {
            text.push_str(&format!(
                "It is disabled until it has a password: domlogon user password {}\n",
                shell_word(&name)
            ));
        }
        text
    })
}

fn set(arguments: UserSet, daemon: &Daemon, clock: &Clock) -> Result<Answer, Error> {
    let changes = changes(arguments.settings);
    if changes == UserChanges::default() {
        return Err(Error::NothingToSet);
    }
    let demanded = changes.must_change == Some(true);
    let name = arguments.name.clone();
    let reply = daemon.ask(Request::UserSet {
        name: arguments.name,
        changes: Box::new(changes),
        force: arguments.force,
    })?;
    done(reply, clock, |user| match user {
        Some(user) => page(user, clock) + overruled(demanded, user),
        None => format!("The account {name} is changed.\n"),
    })
}

fn changes(settings: Settings) -> UserChanges {
    let flag = |setting: Option<YesNo>| setting.map(YesNo::is_yes);
    UserChanges {
        disabled: flag(settings.disabled),
        expires: settings.expires.map(|expiry| match expiry {
            Expiry::Never => None,
            Expiry::At(at) => Some(at),
        }),
        hours: settings.hours.map(|setting| setting.0),
        workstations: settings.workstations.map(|hosts| hosts.0),
        must_change: flag(settings.must_change),
        cannot_change: flag(settings.cannot_change),
        password_never_expires: flag(settings.password_never_expires),
        password_not_required: flag(settings.password_not_required),
        password_set_at: settings.password_set_at,
        full_name: settings.full_name,
        home: settings.home,
        shell: settings.shell,
    }
}

fn new_password(arguments: UserPassword, daemon: &Daemon, clock: &Clock) -> Result<Answer, Error> {
    let name = arguments.name;
    let password = if arguments.stdin {
        password::from_standard_input(&name)?
    } else {
        password::ask_twice(&name)?
    };
    let reply = daemon.ask(Request::UserPassword {
        name: name.clone(),
        password,
        must_change: arguments.must_change,
        unlock: arguments.unlock,
    })?;
    done(reply, clock, |user| {
        let mut text = format!("The password of {name} is set.\n");
        match user {
            Some(user) if !user.must_change => {
                text.push_str(overruled(arguments.must_change, user));
            }
            _ if arguments.must_change => {
                text.push_str("It must be changed at the next logon.\n");
            }
            _ => {}
        }
        let word = shell_word(&name);
        if user.is_some_and(|user| user.locked) {
            text.push_str(&format!(
                "The account is still locked. To end that: domlogon user unlock {word}\n"
            ));
        }
        if user.is_some_and(|user| user.disabled) {
            text.push_str(&format!(
                "The account is still disabled. To end that: \
                 domlogon user set {word} --disabled no\n"
            ));
        }
        text
    })
}

/// What to say where a new password was demanded and another setting wins
/// [SAMR 3.1.5.14.4].
fn overruled(demanded: bool, user: &UserRecord) -> &'static str {
    if !demanded || user.must_change {
        ""
    } else if user.password_never_expires {
        "Note: no new password will be demanded, because this password never expires. \
         To end that: --password-never-expires no\n"
    } else if !user.has_password {
        "Note: no new password will be demanded as long as the account has none at all.\n"
    } else {
        ""
    }
}

fn everybody(daemon: &Daemon, clock: &Clock) -> Result<Answer, Error> {
    let mut users = Vec::new();
    let mut after = Some(0);
    while let Some(rid) = after {
        match daemon.ask(Request::UserList(rid))? {
            Reply::Users(page, next) => {
                users.extend(page);
                // A page that does not lead on would be asked for again for ever.
                after = next.filter(|next| *next > rid);
            }
            _ => return Err(Error::OtherReply),
        }
    }
    let rows: Vec<[String; 4]> = users
        .iter()
        .map(|user| {
            [
                user.name.clone(),
                user.uid.to_string(),
                list(&states(user, clock), "enabled"),
                user.full_name.clone(),
            ]
        })
        .collect();
    let text = if rows.is_empty() {
        "There are no accounts.\n".to_owned()
    } else {
        table(["NAME", "UID", "STATE", "FULL NAME"], &rows)
    };
    let shown: Vec<UserShown> = users
        .iter()
        .map(|user| UserShown::new(user, clock))
        .collect();
    Ok(Answer::yes(text, &shown))
}

fn done(
    reply: Reply,
    clock: &Clock,
    text: impl FnOnce(Option<&UserRecord>) -> String,
) -> Result<Answer, Error> {
    match reply {
        Reply::User(user) => Ok(Answer::yes(
            text(Some(&user)),
            &UserShown::new(&user, clock),
        )),
        Reply::Done => Ok(Answer::yes(text(None), &json!({"done": true}))),
        _ => Err(Error::OtherReply),
    }
}

/// The conditions that keep an account out, or will hold it up.
fn states(user: &UserRecord, clock: &Clock) -> Vec<String> {
    let past = |at: Option<Timestamp>| at.is_some_and(|at| at < clock.now);
    [
        (user.disabled, "disabled"),
        (!user.has_password, "no password"),
        (user.locked, "locked"),
        (past(user.expires_at), "expired"),
        (user.must_change, "must change"),
        (
            !user.must_change && past(user.password_expires_at),
            "password expired",
        ),
    ]
    .into_iter()
    .filter(|(is, _)| *is)
    .map(|(_, word)| word.to_owned())
    .collect()
}

fn page(user: &UserRecord, clock: &Clock) -> String {
    let or =
        |at: Option<Timestamp>, none: &str| at.map_or_else(|| none.to_owned(), |at| clock.both(at));
    let mut page = Page::new(&user.name);
    page.row("Full name", &user.full_name);
    page.row("SID", &user.sid);
    page.row(
        "User id",
        &format!("{}, primary group {}", user.uid, user.gid),
    );
    page.row("Home directory", &user.home);
    if let Some(home) = &user.passed_over_home {
        page.row(
            "",
            &format!(
                "not {home}, its unixHomeDirectory: that has not the form of accounts.home, nor \
                 one of directory.homes in /etc/domlogon/domlogon.toml, with this name; if its \
                 form is to be named there, then: systemctl restart domlogond"
            ),
        );
    }
    page.row("Login shell", &user.shell);
    page.row("Groups", &list(&user.groups, "none"));
    page.row("State", &list(&states(user, clock), "enabled"));
    if user.locked {
        page.row(
            "Locked until",
            &or(user.locked_until, "an administrator unlocks it"),
        );
    }
    page.row("Account ends", &or(user.expires_at, "never"));
    page.row("Logon hours", &hours::both(user.hours.as_ref(), clock));
    page.row("Workstations", &list(&user.workstations, "any"));
    if !user.has_password {
        page.row("Password", "none");
    } else if user.must_change {
        page.row("Password", "a new one is demanded at the next logon");
    } else {
        page.row("Password set", &or(user.password_set_at, "not known"));
        page.row("Password ends", &or(user.password_expires_at, "never"));
    }
    page.row("May change it", yes_no(!user.cannot_change));
    page.row(
        "Password never expires",
        yes_no(user.password_never_expires),
    );
    page.row("Password not required", yes_no(user.password_not_required));
    let bad = match user.bad_password_at {
        Some(at) if user.bad_password_count > 0 => {
            format!("{}, the last {}", user.bad_password_count, clock.show(at))
        }
        Some(_) | None => user.bad_password_count.to_string(),
    };
    page.row("Wrong passwords", &bad);
    page.row("Last logon", &or(user.last_logon_at, "never"));
    page.text()
}

/// An account in JSON.
#[derive(Debug, Serialize)]
struct UserShown<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    sid: &'a str,
    full_name: &'a str,
    home: &'a str,
    passed_over_home: Option<&'a str>,
    shell: &'a str,
    groups: &'a [String],
    has_password: bool,
    disabled: bool,
    locked: bool,
    locked_until: Option<String>,
    must_change: bool,
    cannot_change: bool,
    password_never_expires: bool,
    password_not_required: bool,
    bad_password_count: u32,
    bad_password_at: Option<String>,
    password_set_at: Option<String>,
    password_expires_at: Option<String>,
    expires_at: Option<String>,
    logon_hours: Option<HoursShown>,
    workstations: &'a [String],
    last_logon_at: Option<String>,
}

impl<'a> UserShown<'a> {
    fn new(user: &'a UserRecord, clock: &Clock) -> Self {
        Self {
            name: &user.name,
            uid: user.uid,
            gid: user.gid,
            sid: &user.sid,
            full_name: &user.full_name,
            home: &user.home,
            passed_over_home: user.passed_over_home.as_deref(),
            shell: &user.shell,
            groups: &user.groups,
            has_password: user.has_password,
            disabled: user.disabled,
            locked: user.locked,
            locked_until: user.locked_until.map(rfc3339),
            must_change: user.must_change,
            cannot_change: user.cannot_change,
            password_never_expires: user.password_never_expires,
            password_not_required: user.password_not_required,
            bad_password_count: user.bad_password_count,
            bad_password_at: user.bad_password_at.map(rfc3339),
            password_set_at: user.password_set_at.map(rfc3339),
            password_expires_at: user.password_expires_at.map(rfc3339),
            expires_at: user.expires_at.map(rfc3339),
            logon_hours: user
                .hours
                .as_ref()
                .map(|hours| HoursShown::new(hours, clock)),
            workstations: &user.workstations,
            last_logon_at: user.last_logon_at.map(rfc3339),
        }
    }
}
