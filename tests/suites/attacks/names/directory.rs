//! The same by what stands in the directory.

use super::{LOCAL, getent, line, nobody, shut, spellings};
use crate::{Case, in_directory};
use domlogon_tests::account::Condition::*;
use domlogon_tests::program::everything;
use domlogon_tests::world::PATIENCE;
use domlogon_tests::{
    Directory, Failure, Log, NEW_PASSWORD, PASSWORD, Probe, Program, Result, World, contact,
    ensure, ensure_equal,
};
use serde_json::json;
use std::fs;

pub(super) fn cases() -> Vec<Case> {
    vec![
        in_directory("attacks/the directory has the host's names", clashing_names),
        in_directory(
            "attacks/the directory has the host's numbers",
            clashing_numbers,
        ),
        in_directory(
            "attacks/names that are paths, numbers or options",
            misleading_names,
        ),
        in_directory("attacks/texts that end a line", texts),
        in_directory("attacks/names of Kerberos", principals),
        in_directory("attacks/a ticket of a local user's name", ticket_by_name),
    ]
}

const THIEFS: &str = "Th1ef-Passw0rd";
/// A group of every Debian's that has no user of its name.
const GROUP_ALONE: &str = "tape";
const GROUPS: &[&str] = &["sudo", "shadow", "domlogon", "adm", "disk"];

/// Somebody has made accounts and groups there that are called as the host's own.
fn clashing_names(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    for (number, (name, _)) in LOCAL.iter().enumerate() {
        directory.user(name, PASSWORD)?;
        // And called otherwise by its other name.
        let other = format!("boss{number}@corp.example");
        directory.attributes(name, json!({"userPrincipalName": other}))?;
        for spelling in spellings(name) {
            shut(&spelling, PASSWORD)?;
        }
        shut(&other, PASSWORD)?;
        shut(&format!("boss{number}"), PASSWORD)?;
        let ours = Program::new("getent").args(&["-s", "domlogon", "passwd", name]);
        ensure_equal(
            format!("the plugin alone, of {name}"),
            &*everything(&ours.run(b"")?),
            "",
        )?;
        for spelling in spellings(name).iter().filter(|one| !one.eq(name)) {
            nobody("passwd", spelling)?;
        }
    }
    // And one called as a group of the host's: it becomes no group by that.
    directory.user(GROUP_ALONE, PASSWORD)?;
    let host = getent("group", GROUP_ALONE)?;
    let gid = host.split(':').nth(2).unwrap_or_default().to_owned();
    let ids = groups_of(GROUP_ALONE)?;
    ensure(
        !gid.is_empty() && !ids.is_empty() && !ids.contains(&gid),
        format!("the groups of a user {GROUP_ALONE}, beside {host}"),
        "not the host's",
        ids.join(" "),
    )?;
    let ours = Program::new("getent").args(&["-s", "domlogon", "group", GROUP_ALONE]);
    ensure_equal(
        format!("the plugin alone, of the group {GROUP_ALONE}"),
        &*everything(&ours.run(b"")?),
        "",
    )?;
    let account = world.account(Good)?;
    // The directory has no group beside a user of one name.
    for group in GROUPS {
        directory.group(group, &[&account.name, "localuser"])?;
    }
    account.opens_with(PASSWORD)?;
    let ids = groups_of(&account.name)?;
    for group in GROUPS {
        let entry = getent("group", group)?;
        ensure(
            !entry.contains(&account.name),
            format!("the host's group {group}"),
            "nobody of the domain in it",
            &*entry,
        )?;
        let gid = entry.split(':').nth(2).unwrap_or_default().to_owned();
        ensure(
            gid.is_empty() || !ids.contains(&gid),
            format!("the groups of {}", account.name),
            format!("not {group}"),
            ids.join(" "),
        )?;
        nobody("group", &format!("{group}@corp.example"))?;
    }
    ensure(
        groups_of("localuser")?.iter().all(|id| id.len() < 6),
        "the groups of a local user",
        "none of the domain's",
        groups_of("localuser")?.join(" "),
    )
}

fn groups_of(name: &str) -> Result<Vec<String>> {
    let output = Program::new("id").args(&["-G", name]).run(b"")?;
    Ok(everything(&output)
        .split_whitespace()
        .map(str::to_owned)
        .collect())
}

/// With the directory's own numbers somebody has given his account, or his group, one of the
/// host's.
fn clashing_numbers(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    directory.attributes("Domain Users", json!({"gidNumber": 30_513}))?;
    let mut users = Vec::new();
    // Root's, a system's, a local user's, a service's of systemd's; what programs take for -1,
    // and less than nothing.
    for number in [0, 27, 999, 5000, 61_300, -1, -2, i64::from(i32::MIN)] {
        let (user, group) = (world.account(Good)?, world.account(Good)?);
        numbered(&directory, &user.name, number, 30_513)?;
        numbered(&directory, &group.name, 31_000 + (number & 0xff), number)?;
        users.push((user.name, group.name, number));
    }
    // Groups with such numbers, and somebody in them whose own are good.
    let member = world.account(Good)?;
    numbered(&directory, &member.name, 30_100, 30_513)?;
    let mut groups = Vec::new();
    for number in [0, 27, 42, 999, 5000] {
        let name = world.group_name("numbered");
        directory.group(&name, &[&member.name])?;
        directory.attributes(&name, json!({"gidNumber": number}))?;
        groups.push(name);
    }
    world.configured("ids = \"rfc2307\"", |_| {
        contact::is_back(PATIENCE)?;
        for (user, group, number) in &users {
            nobody("passwd", user)?;
            shut(user, PASSWORD)?;
            harmless(group, &format!("whose gidNumber is {number}"))?;
            // Whoever is nobody here must not come in either.
            if getent("passwd", group)?.is_empty() {
                shut(group, PASSWORD)?;
            }
        }
        harmless(&member.name, "who is in groups with the host's numbers")?;
        for group in &groups {
            nobody("group", group)?;
        }
        let local = line("5000")?;
        ensure(
            local.starts_with("localuser:"),
            "getent passwd 5000",
            "localuser",
            local,
        )
    })
}

fn numbered(directory: &Directory, name: &str, uid: i64, gid: i64) -> Result<()> {
    directory.attributes(
        name,
        json!({"uidNumber": uid, "gidNumber": gid, "loginShell": "/bin/sh"}),
    )
}

/// He is in none of the groups that are the host's.
fn harmless(name: &str, who: &str) -> Result<()> {
    let entry = line(name)?;
    let primary = entry.split(':').nth(3).unwrap_or_default().to_owned();
    let mut ids = if entry.is_empty() {
        Vec::new()
    } else {
        groups_of(name)?
    };
    ids.push(primary);
    for id in ["0", "27", "42", "999", "5000"] {
        ensure(
            !ids.iter().any(|own| own == id),
            format!("the groups of {name}, {who}"),
            format!("not {id}"),
            format!("{entry}\n{}", ids.join(" ")),
        )?;
    }
    Ok(())
}

/// `chown 0 FILE` asks for a user of the name "0" first, and `/home/..` is not his home.
fn misleading_names(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let mut made = 0;
    for name in [
        "..", ".", "0", "5000", "00", "20260", "-1", "-rf", "0x0", "nobody.", "a ", " b", "~",
        "~root", "$HOME", "$(id)", "`id`", "%u", "%h", "!!", "#1", "a'b", "a&b", "..a",
    ] {
        // The controller has rules of its own.
        if directory.user(name, PASSWORD).is_err() {
            continue;
        }
        made += 1;
        let entry = getent("passwd", name)?;
        let home = entry.split(':').nth(7).unwrap_or_default();
        // A number that is nobody's id here is a name like any other.
        let is_number = name.parse().is_ok_and(|id: u32| id < 1000 || id == 5000);
        let misleads =
            is_number || name.starts_with('-') || name.trim() != name || matches!(name, "." | "..");
        if misleads {
            nobody("passwd", name)?;
            shut(name, PASSWORD)?;
            shut(&format!("CORP\\{name}"), PASSWORD)?;
        } else {
            ensure(
                home == format!("/home/{name}"),
                format!("the home of {name:?}"),
                "as the name is written",
                entry,
            )?;
        }
    }
    ensure(
        made > 10,
        "odd names made",
        "more than ten",
        made.to_string(),
    )
}

fn texts(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let whole = "x\nroot2:x:0:0::/root:/bin/bash";
    let mut users = Vec::new();
    for (attribute, value) in [
        ("unixHomeDirectory", "/home/x\nroot2:x:0:0::/root:/bin/bash"),
        ("unixHomeDirectory", "/home/x:/bin/sh"),
        ("unixHomeDirectory", "relative"),
        ("unixHomeDirectory", "/etc/systemd/system/ssh.service.d"),
        ("unixHomeDirectory", "/home/x/../../etc/cron.d"),
        ("unixHomeDirectory", "/home/administrator"),
        ("loginShell", "/bin/sh\nroot2:x:0:0::/root:/bin/bash"),
        ("loginShell", "sh"),
        ("loginShell", "/bin/sh:"),
        ("loginShell", "/bin/\u{1b}[2Jsh"),
        ("gecos", whole),
        ("displayName", whole),
        ("displayName", "Ann\u{1b}]0;owned\u{7}"),
        ("displayName", "a:0:0:b"),
    ] {
        let account = world.account(Good)?;
        numbered(
            &directory,
            &account.name,
            32_000 + i64::try_from(users.len()).unwrap_or(0),
            30_513,
        )?;
        directory.attributes(&account.name, json!({ attribute: value }))?;
        users.push(account.name);
    }
    directory.attributes("Domain Users", json!({"gidNumber": 30_513}))?;
    world.configured("ids = \"rfc2307\"", |_| {
        contact::is_back(PATIENCE)?;
        for user in &users {
            let entry = line(user)?;
            let fields: Vec<&str> = entry.split(':').collect();
            ensure(
                fields.len() == 7 && !entry.chars().any(char::is_control),
                format!("the line of {user}"),
                "one, of seven fields",
                format!("{entry:?}"),
            )?;
            let home = format!("/home/{user}");
            ensure(
                fields.get(5) == Some(&&*home)
                    && fields.get(6).is_some_and(|shell| shell.starts_with('/')),
                format!("home and shell of {user}"),
                "his own home, and a path",
                &*entry,
            )?;
        }
        nobody("passwd", "root2")
    })
}

/// What a Kerberos library would read another way, and the domain's own machinery.
fn principals(world: &mut World) -> Result<()> {
    world.policy(&["lockout-threshold=0"])?;
    let account = world.account(Good)?;
    let name = &*account.name;
    for other in [
        format!("{name}@CORP.EXAMPLE@CORP.EXAMPLE"),
        format!("{name}\\@CORP.EXAMPLE"),
        format!("{name}@OTHER.EXAMPLE"),
        format!("{name}/admin"),
        format!("host/{name}"),
        "krbtgt".to_owned(),
        "krbtgt/CORP.EXAMPLE".to_owned(),
        "krbtgt@CORP.EXAMPLE".to_owned(),
        "kadmin/changepw".to_owned(),
        "SANDBOX$".to_owned(),
        "SANDBOX$@corp.example".to_owned(),
        "host/sandbox.corp.example".to_owned(),
        "SANDBOX".to_owned(),
        "Guest".to_owned(),
        "S-1-5-21-1-2-3-500".to_owned(),
        world.directory()?.identifier(name)?,
    ] {
        shut(&other, PASSWORD)?;
        shut(&other, "")?;
    }
    // Somebody else's other name is the first one's own. Newer controllers let
    // nobody write that.
    let thief = world.account(Good)?;
    let theirs = format!("{name}@corp.example");
    let directory = world.directory()?;
    directory.attributes(name, json!({"userPrincipalName": "moved@corp.example"}))?;
    let stolen = json!({"userPrincipalName": theirs});
    directory.set(
        &thief.name,
        json!({"unchecked": stolen, "password": THIEFS}),
    )?;
    let log = Log::from_now();
    for spelling in [name, &theirs] {
        shut(spelling, THIEFS)?;
    }
    // The controller itself takes one for the other.
    log.line_with(&[&format!("took {name} for {}@", thief.name)])?;
    account.opens_with(PASSWORD)?;
    // Where a password is to be changed the controller refuses, and does not say whose it was.
    for due in [&[&thief, &account][..], &[&thief], &[&account]] {
        for account in due {
            account.set(&["--must-change", "yes"])?;
        }
        for service in ["login", "sshd", "polkit-1", "swaylock"] {
            let report = Probe::bare(service, name).answer(THIEFS).run(&["auth"])?;
            ensure(
                report.code("auth")? == "AUTH_ERR",
                format!(
                    "{} at {service} as {name} with his own password",
                    thief.name
                ),
                "AUTH_ERR",
                report.text(),
            )?;
        }
        let report = Probe::bare("once", name)
            .answer(THIEFS)
            .answer(NEW_PASSWORD)
            .answer(NEW_PASSWORD)
            .as_user(name)
            .run(&["chauthtok"])?;
        ensure(
            report.code("chauthtok")? != "SUCCESS" && report.text().contains("is not right"),
            format!("a change of {name} with the password of {}", thief.name),
            "none, as the old password is not right",
            report.text(),
        )?;
        thief.opens_with(THIEFS)?;
        for account in due {
            account.set(&["--must-change", "no"])?;
        }
    }
    account.opens_with(PASSWORD)
}

/// Somebody in the directory is called as a local user and comes to sshd with a ticket: libkrb5
/// takes the name for the local user's. What `doctor` advises against it helps.
fn ticket_by_name(world: &mut World) -> Result<()> {
    const USUAL: &str = "/etc/krb5.conf";
    let directory = world.directory()?;
    // Another case may have made him.
    let _ = directory.user("localuser", PASSWORD);
    world.sshd()?;
    let usual = fs::read_to_string(USUAL).map_err(Failure::harness("read krb5.conf"))?;
    let advised =
        format!("{usual}[plugins]\n    localauth = {{\n        disable = an2ln\n    }}\n");
    let as_it_comes = comes_in_by_ticket();
    fs::write(USUAL, advised).map_err(Failure::harness("write krb5.conf"))?;
    let as_advised = comes_in_by_ticket();
    fs::write(USUAL, usual).map_err(Failure::harness("write krb5.conf"))?;
    // Were he refused here already, the other answer would say nothing.
    ensure_equal("in by the ticket, as libkrb5 comes", as_it_comes?, true)?;
    ensure_equal("in by the ticket, as doctor advises", as_advised?, false)
}

fn comes_in_by_ticket() -> Result<bool> {
    let script = format!(
        "export KRB5CCNAME=FILE:/root/attack.cc HOME=/root; \
         echo '{PASSWORD}' | kinit localuser@CORP.EXAMPLE >/dev/null || exit 9; \
         /usr/sbin/sshd -f /etc/ssh/test-sshd-config -o Port=2299 -o ListenAddress=127.0.1.1 \
             -o GSSAPIAuthentication=yes -o PidFile=/run/attack-sshd.pid || exit 9; \
         sleep 0.5; \
         ssh -F /dev/null -p 2299 -o GSSAPIAuthentication=yes -o StrictHostKeyChecking=no \
             -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=gssapi-with-mic \
             -l localuser sandbox.corp.example 'echo I am $(id -un)'; \
         kill $(cat /run/attack-sshd.pid)"
    );
    let output = Program::new("sh").args(&["-c", &script]).run(b"")?;
    let text = everything(&output);
    ensure(
        output.status.code() != Some(9),
        "a ticket, and an sshd",
        "both",
        &*text,
    )?;
    Ok(text.contains("I am localuser"))
}
