//! `rights.toml` and the real daemon: how a changed file is taken.

use crate::{Case, case};
use domlogon_protocol::rights::{ListShown, Loaded, Source};
use domlogon_protocol::{Right, RightName};
use domlogon_tests::account::Condition::Good;
use domlogon_tests::daemon::CONFIGURATION;
use domlogon_tests::rights::{self, FILE, status};
use domlogon_tests::{
    Account, Failure, Log, Probe, Result, World, domlogon, ensure, ensure_contains, ensure_equal,
};
use nix::sys::signal::Signal;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::Duration;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("rights file/taken by itself", taken_by_itself),
        case("rights file/half written", half_written),
        case("rights file/many changes", many_changes),
        case("rights file/folder replaced", folder_replaced),
        case("rights file/SIGHUP", hang_up),
        case("rights file/symbolic link", link),
        case("rights file/check", check),
        case("rights file/as shipped", as_shipped),
        case("rights file/large", large),
    ]
}

/// Keeps this user off the network, and nobody else.
pub(crate) fn deny(account: &Account) -> String {
    format!(
        "[rights]\nSeNetworkLogonRight = [\"Everyone\"]\nSeDenyNetworkLogonRight = [{:?}]\n",
        account.name
    )
}

pub(crate) const EVERYBODY: &str = "[rights]\nSeNetworkLogonRight = [\"Everyone\"]\n";

/// What a network logon gets now.
pub(crate) fn network(account: &Account, code: &str) -> Result<()> {
    Probe::bare("vsftpd", &account.name)
        .run(&["acct"])?
        .returns("acct", code)
        .map(drop)
}

/// A load that was taken: a new version in force, and the daemon's line about it.
pub(crate) fn taken(log: Log, before: u64) -> Result<()> {
    let version = rights::is_newer_than(before)?;
    log.line_with(&[&format!("rights: version={version} file={FILE} ")])
        .map(drop)
}

/// Written in place, renamed over, removed and made anew: no signal, no restart.
fn taken_by_itself(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let daemon = world.daemon()?.process();
    type Change = fn(&str) -> Result<()>;
    let anew: Change = |text| {
        fs::remove_file(FILE).map_err(Failure::harness("remove rights.toml"))?;
        rights::write(text)
    };
    for change in [rights::write, rights::replace, anew] {
        for (text, code) in [
            (deny(&account), "PERM_DENIED"),
            (EVERYBODY.to_owned(), "SUCCESS"),
        ] {
            let (log, before) = (Log::from_now(), status()?.version);
            change(&text)?;
            taken(log, before)?;
            network(&account, code)?;
        }
    }
    ensure_equal("the daemon", world.daemon()?.process(), daemon)
}

/// A program that writes slowly: the half that lets everybody in is not taken for the whole.
fn half_written(world: &mut World) -> Result<()> {
    let what = "write rights.toml slowly";
    let account = world.account(Good)?;
    world.rights(&deny(&account))?;
    let version = status()?.version;
    for anew in [false, true] {
        if anew {
            fs::remove_file(FILE).map_err(Failure::harness(what))?;
        }
        let mut file = fs::File::create(FILE).map_err(Failure::harness(what))?;
        let mut write = |text: &str| {
            file.write_all(text.as_bytes())
                .map_err(Failure::harness(what))
        };
        write(EVERYBODY)?;
        thread::sleep(Duration::from_millis(300));
        network(&account, "PERM_DENIED")?;
        write(&format!("SeDenyNetworkLogonRight = [{:?}]\n", account.name))?;
    }
    // What stands there in the end is what was in force all the time.
    thread::sleep(Duration::from_millis(300));
    network(&account, "PERM_DENIED")?;
    ensure_equal("a reason", status()?.refused, None)?;
    ensure_equal("the version", status()?.version, version)
}

/// However fast they come, the last one is in force in the end.
fn many_changes(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    for _ in 0..100 {
        rights::replace(EVERYBODY)?;
        rights::write(&deny(&account))?;
    }
    let log = Log::from_now();
    let before = status()?.version;
    rights::replace("[rights]\n# the last\nSeNetworkLogonRight = []\n")?;
    taken(log, before)?;
    thread::sleep(Duration::from_millis(300));
    let shown = rights::shown()?;
    let list = shown
        .lists
        .iter()
        .find(|list| list.name == RightName::allow(Right::Network));
    ensure_equal("the list", list.map(|list| list.entries.len()), Some(0))?;
    ensure_equal("what is in force", shown.status.loaded, Loaded::File)
}

/// A site that puts a new folder in the place of the old one: the new one is watched.
fn folder_replaced(world: &mut World) -> Result<()> {
    let what = "replace the folder of rights.toml";
    let account = world.account(Good)?;
    world.rights(EVERYBODY)?;
    let (folder, new, old) = ("/etc/domlogon", "/etc/domlogon.new", "/etc/domlogon.old");
    fs::create_dir_all(new).map_err(Failure::harness(what))?;
    fs::copy(CONFIGURATION, format!("{new}/domlogon.toml")).map_err(Failure::harness(what))?;
    fs::write(format!("{new}/rights.toml"), deny(&account)).map_err(Failure::harness(what))?;
    let (log, before) = (Log::from_now(), status()?.version);
    fs::rename(folder, old)
        .and_then(|()| fs::rename(new, folder))
        .map_err(Failure::harness(what))?;
    let result = taken(log, before).and_then(|()| {
        network(&account, "PERM_DENIED")?;
        let (log, before) = (Log::from_now(), status()?.version);
        rights::write(EVERYBODY)?;
        taken(log, before)?;
        network(&account, "SUCCESS")
    });
    fs::remove_dir_all(folder)
        .and_then(|()| fs::rename(old, folder))
        .map_err(Failure::harness(what))?;
    result
}

/// A signal loads what is there; what is there already is no new version.
fn hang_up(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    world.rights(&deny(&account))?;
    let (log, before) = (Log::from_now(), status()?.version);
    world.daemon()?.signal(Signal::SIGHUP)?;
    log.line_with(&["rights unchanged"])?;
    ensure_equal("the version", status()?.version, before)?;
    network(&account, "PERM_DENIED")
}

/// A site that keeps its configuration elsewhere.
fn link(world: &mut World) -> Result<()> {
    let what = "link rights.toml";
    let account = world.account(Good)?;
    let folder = "/etc/site";
    fs::create_dir_all(folder).map_err(Failure::harness(what))?;
    let target = format!("{folder}/rights.toml");
    fs::write(&target, deny(&account)).map_err(Failure::harness(what))?;
    let (log, before) = (Log::from_now(), status()?.version);
    fs::remove_file(FILE).map_err(Failure::harness(what))?;
    symlink(&target, FILE).map_err(Failure::harness(what))?;
    taken(log, before)?;
    network(&account, "PERM_DENIED")?;
    // Changed behind the link: by the signal at the latest.
    let (log, before) = (Log::from_now(), status()?.version);
    fs::write(&target, EVERYBODY).map_err(Failure::harness(what))?;
    world.daemon()?.signal(Signal::SIGHUP)?;
    taken(log, before)?;
    network(&account, "SUCCESS")
}

/// A file is judged before it is used, with line, column and a caret.
fn check(world: &mut World) -> Result<()> {
    world.rights(EVERYBODY)?;
    domlogon(&["check", FILE])?.exits(0)?;
    domlogon(&["check"])?.exits(0)?;
    let draft = "/tmp/draft.toml";
    fs::write(draft, "[rights]\nSeNetworkLogonRigth = []\n")
        .map_err(Failure::harness("write a draft"))?;
    let text = domlogon(&["check", draft])?.exits(1)?.text();
    for part in ["2:1", "SeNetworkLogonRigth", "^"] {
        ensure_contains("the check of a draft", &text, part)?;
    }
    Ok(())
}

/// The file as it is shipped changes nothing, and what it shows behind the # is what it says it
/// is: with the # away each list has its built-in holders.
fn as_shipped(world: &mut World) -> Result<()> {
    let root = std::env::var("DOMLOGON_ROOT").unwrap_or_else(|_| ".".to_owned());
    let text = fs::read_to_string(format!("{root}/packaging/rights.toml"))
        .map_err(Failure::harness("read the shipped rights.toml"))?;
    world.rights(&text)?;
    let shipped = rights::shown()?;
    for list in &shipped.lists {
        ensure_equal(list.name.symbol(), list.source, Source::Default)?;
    }
    ensure_equal("services", shipped.services.len(), 0)?;
    ensure_equal("audit", shipped.status.audit.len(), 0)?;

    let open: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    world.rights(&open)?;
    let opened = rights::shown()?;
    for (list, built_in) in opened.lists.iter().zip(&shipped.lists) {
        ensure_equal(list.name.symbol(), list.source, Source::File)?;
        let sids = |list: &ListShown| -> Vec<_> {
            let sids = list.entries.iter().map(|entry| entry.sid.clone());
            sids.collect()
        };
        ensure_equal(list.name.symbol(), sids(list), sids(built_in))?;
    }
    ensure(
        !opened.services.is_empty() && !opened.status.audit.is_empty(),
        "the services and the audit mode shown",
        "some",
        open,
    )
}

/// Ten thousand entries: taken, and asked at every logon.
fn large(world: &mut World) -> Result<()> {
    let account = world.account(Good)?;
    let mut text = String::from("[rights]\nSeNetworkLogonRight = [\n");
    for number in 0..9_999 {
        text.push_str(&format!("  \"S-1-5-21-1-2-3-{}\",\n", 10_000 + number));
    }
    text.push_str("]\n");
    world.rights(&text)?;
    network(&account, "PERM_DENIED")?;
    let text = text.replace("]\n", &format!("  {:?},\n]\n", account.name));
    // The bracket of the section is not the list's.
    let text = text.replacen(
        &format!("[rights  {:?},\n]\n", account.name),
        "[rights]\n",
        1,
    );
    world.rights(&text)?;
    network(&account, "SUCCESS")
}
