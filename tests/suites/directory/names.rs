//! Users and groups of the directory in real glibc: ids, names, homes and shells.

use super::known;
use crate::{Case, in_directory};
use domlogon_tests::account::{Account, Condition::*};
use domlogon_tests::program::everything;
use domlogon_tests::{
    PASSWORD, Probe, Program, Result, World, contact, differs, ensure, ensure_contains,
    ensure_equal,
};
use nix::unistd::User;
use serde_json::json;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        in_directory("directory/names/ids by the identifier", by_identifier),
        in_directory("directory/names/ids of RFC 2307", of_rfc_2307),
        in_directory("directory/names/blanks, umlauts and quotes", unusual),
        in_directory("directory/names/qualified", qualified),
        in_directory("directory/names/groups in groups", nested),
        in_directory("directory/names/everybody is listed", everybody),
        in_directory("directory/names/computers are no users", computers),
        in_directory("directory/names/the turn of a second", turn_of_a_second),
        in_directory("directory/names/deleted a moment ago", deleted),
    ]
}

fn getent(database: &str, key: &str) -> Result<String> {
    let output = Program::new("getent").args(&[database, key]).run(b"")?;
    Ok(everything(&output).trim_end().to_owned())
}

fn field(entry: &str, place: usize) -> Result<String> {
    entry
        .split(':')
        .nth(place)
        .map(str::to_owned)
        .ok_or_else(|| differs("an entry", format!("field {place}"), entry))
}

/// As SSSD makes them, so that a fleet keeps its files: a slice of 200,000 ids by the hash of
/// the domain's identifier, and the account's last number in it.
fn by_identifier(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let identifier = world.directory()?.identifier(&account.name)?;
    let Some((domain, number)) = identifier.rsplit_once('-') else {
        return Err(differs("an identifier", "S-1-…", identifier));
    };
    let number: u32 = number.parse().unwrap_or_default();
    let slice = murmur3(domain.as_bytes(), 0xdead_beef) % 10_000;
    let base = 200_000 + slice * 200_000;
    let entry = getent("passwd", &account.name)?;
    ensure_equal(&*entry, field(&entry, 2)?, (base + number).to_string())?;
    // Domain Users
    ensure_equal(&*entry, field(&entry, 3)?, (base + 513).to_string())?;
    let group = getent("group", &(base + 513).to_string())?;
    ensure_contains("the primary group", &group.to_lowercase(), "domain users:")?;
    ensure_equal(
        &*entry,
        field(&entry, 5)?,
        format!("/home/{}", account.name),
    )
}

/// MurmurHash3, 32 bits, as in its author's public description.
fn murmur3(data: &[u8], seed: u32) -> u32 {
    let scramble = |word: u32| {
        word.wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593)
    };
    let mut hash = seed;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let word = chunk
            .iter()
            .rev()
            .fold(0_u32, |word, &byte| word << 8 | u32::from(byte));
        hash = (hash ^ scramble(word))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    let rest = chunks
        .remainder()
        .iter()
        .rev()
        .fold(0_u32, |word, &byte| word << 8 | u32::from(byte));
    hash ^= scramble(rest);
    hash ^= u32::try_from(data.len()).unwrap_or_default();
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

fn of_rfc_2307(world: &mut World) -> Result<()> {
    let directory = world.directory()?;
    let (account, plain) = (world.account(Good)?, world.account(Good)?);
    directory.attributes("Domain Users", json!({"gidNumber": 30_513}))?;
    let elsewhere = format!("/export/home/{}", account.name);
    directory.attributes(
        &account.name,
        json!({
            "uidNumber": 30_001, "gidNumber": 30_513, "loginShell": "/bin/sh",
            "unixHomeDirectory": elsewhere.as_str(), "gecos": "Ann Example",
        }),
    )?;
    let options = "ids = \"rfc2307\"\nhomes = [\"/export/home/{user}\"]";
    world.configured(options, |_| {
        contact::is_back(domlogon_tests::world::PATIENCE)?;
        let entry = getent("passwd", &account.name)?;
        ensure_equal(&*entry, field(&entry, 2)?, "30001")?;
        ensure_equal(&*entry, field(&entry, 3)?, "30513")?;
        ensure_equal(&*entry, field(&entry, 5)?, elsewhere.as_str())?;
        ensure_equal(&*entry, field(&entry, 6)?, "/bin/sh")?;
        ensure_equal("by id", &getent("passwd", "30001")?, &entry)?;
        known(&account.name)?;
        // Without a number there is no user here, and no logon.
        ensure_equal("without attributes", &*getent("passwd", &plain.name)?, "")?;
        let report = Probe::bare("login", &plain.name)
            .answer(PASSWORD)
            .run(&["auth"])?;
        ensure(
            report.code("auth")? != "SUCCESS",
            "a logon without a number",
            "none",
            report.text(),
        )
    })
}

fn unusual(world: &mut World) -> Result<()> {
    for name in ["jörg.müller", "With Space", "o'brien", "ünal (test)"] {
        let account = Account::make_in(world.home(), name, Good)?;
        account.join("Größe & Co")?;
        let entry = getent("passwd", name)?;
        ensure_equal(&*entry, field(&entry, 0)?, name)?;
        ensure_equal("by id", &getent("passwd", &field(&entry, 2)?)?, &entry)?;
        for spelling in [
            name.to_owned(),
            name.to_uppercase(),
            format!("CORP\\{name}"),
        ] {
            let report = Probe::bare("login", &spelling)
                .answer(PASSWORD)
                .run(&["auth", "acct"])?;
            report.returns("auth", "SUCCESS")?;
            report.returns("acct", "SUCCESS")?;
        }
        let groups = Program::new("id").args(&["-Gn", name]).run(b"")?;
        ensure_contains("groups", &everything(&groups), "Größe & Co")?;
    }
    Ok(())
}

fn qualified(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let long = format!("{}@corp.example", account.name);
    world.configured("names = \"qualified\"", |_| {
        contact::is_back(domlogon_tests::world::PATIENCE)?;
        let entry = getent("passwd", &long)?;
        ensure_equal(&*entry, field(&entry, 0)?, &*long)?;
        ensure_equal("by id", &getent("passwd", &field(&entry, 2)?)?, &entry)?;
        known(&account.name)?;
        known(&long)
    })
}

/// A circle among them as well.
fn nested(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    account.join("ring1")?;
    for (inner, outer) in [("ring1", "ring2"), ("ring2", "ring3"), ("ring3", "ring1")] {
        world.home().nest(inner, outer)?;
    }
    let output = Program::new("id").args(&["-Gn", &account.name]).run(b"")?;
    let text = everything(&output);
    for group in ["ring1", "ring2", "ring3"] {
        ensure_contains("id -Gn", &text, group)?;
        ensure_contains("getent group", &getent("group", group)?, &account.name)?;
    }
    Ok(())
}

fn computers(world: &mut World) -> Result<()> {
    for name in world.directory()?.computers()? {
        ensure_equal(&*name, &*getent("passwd", &name)?, "")?;
        let report = Probe::bare("login", &name)
            .answer(PASSWORD)
            .run(&["auth"])?;
        report.returns("auth", "USER_UNKNOWN")?;
    }
    Ok(())
}

/// With `sync` everybody is listed, and without it nobody is.
fn everybody(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.configured("sync = true", |_| {
        contact::is_back(domlogon_tests::world::PATIENCE)?;
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let output = Program::new("getent").arg("passwd").run(b"")?;
            let all = everything(&output);
            if all.contains(&format!("\n{}:", account.name)) {
                return Ok(());
            }
            ensure(
                std::time::Instant::now() < end,
                "getent passwd",
                format!("{} among them", account.name),
                all,
            )?;
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    })
}

/// Who is deleted in the directory is nobody for the whole stack: NSS does not name him any more
/// when pam_unix asks, for whom everybody without a line in shadow is let in.
fn deleted(world: &mut World) -> Result<()> {
    let (account, other) = (world.account(Good)?, world.account(Good)?);
    known(&account.name)?;
    ensure_contains("getent", &getent("passwd", &account.name)?, &account.name)?;
    // What was published a moment ago is not published again at once.
    thread::sleep(Duration::from_millis(300));
    world
        .directory()?
        .ask("delete", json!({"name": account.name}))?;
    getent("passwd", &other.name)?;
    Probe::stack("sshd", &account.name)
        .run(&["acct"])?
        .returns("acct", "AUTH_ERR")
        .map(drop)
}

/// A controller counts the seconds that it may take for an answer whole. One that it begins at
/// the end of a second is an answer all the same.
fn turn_of_a_second(world: &mut World) -> Result<()> {
    for before in [1000_u32, 2000, 3000].repeat(4) {
        // Not in the daemon's cache yet.
        let account = world.account(Good)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let past = now.unwrap_or_default().subsec_micros();
        let left = (999_999 - before).saturating_sub(past);
        thread::sleep(Duration::from_micros(left.into()));
        let found = User::from_name(&account.name).map(|user| user.is_some());
        let what = format!("getpwnam, {before} µs before a second begins");
        ensure_equal(what, found, Ok(true))?;
    }
    Ok(())
}
