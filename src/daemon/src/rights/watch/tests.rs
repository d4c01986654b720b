use super::super::fake::World;
use super::*;
use crate::log::Log;
use domlogon_protocol::rights::{Loaded, RightsStatus};
use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::Ordering;

const LIMIT: Duration = Duration::from_secs(20);

fn text(n: u32) -> String {
    format!("[rights]\nSeNetworkLogonRight = [\"S-1-5-21-1-2-3-{n}\"]\n")
}

/// Waits until `is_done`.
fn wait(rights: &RightsFile, what: &str, is_done: impl Fn(&RightsStatus) -> bool) {
    let start = Instant::now();
    while !is_done(&rights.status()) {
        let status = rights.status();
        assert!(start.elapsed() < LIMIT, "{what}: {status:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the lists are those of `text(n)`.
fn taken(rights: &RightsFile, n: u32, what: &str) {
    let wanted = format!("S-1-5-21-1-2-3-{n}");
    wait(rights, what, |status| {
        let shown = rights.shown();
        let entry = shown.lists[2].entries.first();
        status.refused.is_none() && entry.is_some_and(|entry| entry.written == wanted)
    });
}

/// Waits until the log names this version, which is in force a moment before.
fn told(log: &Log, version: u64) {
    let start = Instant::now();
    let is_told = |line: &String| line.contains(&format!("version={version} "));
    while !log.lines().iter().any(is_told) {
        assert!(start.elapsed() < LIMIT, "{:?}", log.lines());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_change_is_taken_by_itself_however_it_is_made() {
    let world = World::new();
    let (rights, _) = world.open();
    let watch = Watch::start(Arc::clone(&rights)).unwrap();
    let file = world.file();
    world.write(&text(1));
    taken(&rights, 1, "moved in");
    fs::write(&file, text(2)).unwrap();
    taken(&rights, 2, "written in place");
    let mut open = File::options().append(true).open(&file).unwrap();
    open.write_all(b"[audit]\nSeNetworkLogonRight = true\n")
        .unwrap();
    drop(open);
    wait(&rights, "appended", |status| status.audit.len() == 1);
    fs::remove_file(&file).unwrap();
    wait(&rights, "removed", |status| status.refused.is_some());
    fs::write(&file, text(3)).unwrap();
    taken(&rights, 3, "made");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    wait(&rights, "opened", |status| status.refused.is_some());
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    taken(&rights, 3, "closed");
    let other = world.dir.path().join("other");
    fs::write(&other, text(4)).unwrap();
    fs::remove_file(&file).unwrap();
    fs::hard_link(&other, &file).unwrap();
    taken(&rights, 4, "linked");
    fs::rename(&file, file.with_extension("old")).unwrap();
    wait(&rights, "moved away", |status| status.refused.is_some());
    watch.stop();
    let version = rights.status().version;
    world.write(&text(5));
    thread::sleep(SETTLES * 4);
    assert_eq!(rights.status().version, version, "watched no more");
}

#[test]
fn what_was_changed_before_the_watch_began_is_taken() {
    let world = World::new();
    let (rights, _) = world.open();
    world.write(&text(1));
    let watch = Watch::start(Arc::clone(&rights)).unwrap();
    taken(&rights, 1, "before");
    watch.stop();
}

#[test]
fn a_file_is_not_taken_before_it_is_written_whole() {
    let world = World::new();
    world.write(&text(1));
    let (rights, log) = world.open();
    let watch = Watch::start(Arc::clone(&rights)).unwrap();
    // Empty from here on, and then with the built-in holders.
    let mut open = File::create(world.file()).unwrap();
    for part in [
        "[rights]\n",
        "SeNetworkLogonRight",
        " = [\"S-1-5-",
        "21-1-2-3-2\"]\n",
    ] {
        thread::sleep(SETTLES * 3);
        open.write_all(part.as_bytes()).unwrap();
        // Which is not the end of it.
        open.set_permissions(Permissions::from_mode(0o644)).unwrap();
        assert_eq!(rights.status().version, 1);
        assert_eq!(rights.status().refused, None);
    }
    drop(open);
    taken(&rights, 2, "whole");
    assert_eq!(rights.status().version, 2);
    told(&log, 2);
    assert_eq!(log.lines().len(), 2, "{:?}", log.lines());
    watch.stop();
}

#[test]
fn many_changes_at_once_are_one_load_and_none_is_no_line() {
    let world = World::new();
    world.write(&text(0));
    let (rights, log) = world.open();
    let watch = Watch::start(Arc::clone(&rights)).unwrap();
    for n in 1..=50 {
        world.write(&text(n));
    }
    taken(&rights, 50, "the last");
    let version = rights.status().version;
    assert!(version < 30, "{version}");
    told(&log, version);
    let lines = log.lines().len();
    File::options().append(true).open(world.file()).unwrap();
    fs::set_permissions(
        world.file(),
        fs::metadata(world.file()).unwrap().permissions(),
    )
    .unwrap();
    fs::write(world.file().with_file_name("domlogon.toml"), "x").unwrap();
    thread::sleep(SETTLES * 6);
    assert_eq!(rights.status().version, version);
    assert_eq!(log.lines().len(), lines, "{:?}", log.lines());
    watch.stop();
}

#[test]
fn the_folder_may_be_replaced() {
    let world = World::new();
    world.write(&text(1));
    let (rights, _) = world.open();
    let watch = Watch::start(Arc::clone(&rights)).unwrap();
    let folder = world.dir.path().join("etc");
    let new = world.dir.path().join("etc.new");
    fs::create_dir(&new).unwrap();
    fs::write(new.join("rights.toml"), text(2)).unwrap();
    fs::rename(&folder, world.dir.path().join("etc.old")).unwrap();
    fs::rename(&new, &folder).unwrap();
    taken(&rights, 2, "another folder");
    world.write(&text(3));
    taken(&rights, 3, "in the other folder");
    // The old one is nobody's business.
    fs::write(world.dir.path().join("etc.old/rights.toml"), text(4)).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    wait(&rights, "gone", |status| status.refused.is_some());
    world.write(&text(5));
    taken(&rights, 5, "there again");
    watch.stop();
}

#[test]
fn a_link_is_followed_to_its_folder() {
    let world = World::new();
    let site = world.dir.path().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("a.toml"), text(1)).unwrap();
    fs::write(site.join("b.toml"), text(2)).unwrap();
    symlink("../site/a.toml", world.file()).unwrap();
    let (rights, _) = world.open();
    let watch = Watch::start(Arc::clone(&rights)).unwrap();
    taken(&rights, 1, "led to");
    fs::write(site.join("a.toml"), text(3)).unwrap();
    taken(&rights, 3, "written where it leads");
    let link = world.dir.path().join("link");
    symlink("../site/b.toml", &link).unwrap();
    fs::rename(&link, world.file()).unwrap();
    taken(&rights, 2, "leads elsewhere");
    fs::rename(site.join("a.toml"), site.join("b.toml")).unwrap();
    taken(&rights, 3, "replaced where it leads");
    watch.stop();
}

#[test]
fn an_outage_is_waited_for() {
    let world = World::new();
    world.write("[rights]\nSeNetworkLogonRight = [\"staff\"]\n");
    world.fake.out.store(true, Ordering::Relaxed);
    let (rights, _) = world.open();
    let watch = Watch::start(Arc::clone(&rights)).unwrap();
    assert_eq!(rights.status().loaded, Loaded::Nothing);
    // In no hurry.
    let asked = || world.fake.asked.load(Ordering::Relaxed);
    let before = asked();
    thread::sleep(SETTLES * 10);
    assert!(asked() - before <= 2, "{}", asked() - before);
    world.fake.out.store(false, Ordering::Relaxed);
    wait(&rights, "over", |status| status.loaded == Loaded::File);
    // Also one that shows while the thread sleeps.
    thread::sleep(SETTLES * 3);
    world.fake.out.store(true, Ordering::Relaxed);
    assert!(rights.reload(clock::now()).is_err());
    world.fake.out.store(false, Ordering::Relaxed);
    wait(&rights, "over again", |status| {
        status.loaded == Loaded::File
    });
    watch.stop();
}
