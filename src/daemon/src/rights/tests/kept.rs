//! Lists that could not be kept for the next start are kept as soon as they can be.

use super::*;
use crate::rights::fake::Fake;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Makes it impossible to write the kept file, which stays as it is.
fn block(world: &World) -> PathBuf {
    let new = world.kept().with_extension("json.new");
    fs::create_dir_all(new.join("x")).unwrap();
    new
}

/// Starts without the accounts being there, and says whether one of the group is kept out.
fn keeps_out_offline(world: &World, group: u32) -> bool {
    let out = |fake: &Fake, is_out| fake.out.store(is_out, Ordering::Relaxed);
    out(&world.fake, true);
    let (again, log) = world.open();
    out(&world.fake, false);
    let status = again.status();
    assert_eq!(status.loaded, Loaded::LastGood, "{:?}", log.lines());
    network(&again, 1000, group) == Grant::Refused
}

#[test]
fn lists_that_could_not_be_kept_are_kept_at_the_next_look() {
    let world = World::new();
    world.write(BUILT_IN);
    let (rights, log) = world.open();
    let blocked = block(&world);
    world.write(DENY_STAFF);
    assert_eq!(rights.reload(now(3)), Ok(()));
    rights.refresh(now(4));
    rights.refresh(now(5));
    assert!(!keeps_out_offline(&world, 2000), "not on the disk yet");
    let said = log.lines();
    let is_said = |line: &&String| line.contains("rights not kept for the next start: ");
    assert_eq!(said.iter().filter(is_said).count(), 1, "{said:?}");
    fs::remove_dir_all(blocked).unwrap();
    rights.refresh(now(6));
    assert!(keeps_out_offline(&world, 2000));
    let said = log.lines();
    let last = said.last().unwrap();
    assert!(
        last.starts_with("5 rights kept for the next start: version=2 file="),
        "{last}"
    );
    // Once is enough.
    rights.refresh(now(7));
    assert_eq!(log.lines().len(), said.len());
}

#[test]
fn a_broken_file_is_no_reason_not_to_keep_what_is_in_force() {
    let world = World::new();
    let (rights, _) = world.open();
    let blocked = block(&world);
    world.write(DENY_STAFF);
    assert_eq!(rights.reload(now(3)), Ok(()));
    fs::remove_dir_all(blocked).unwrap();
    world.write("[");
    assert!(rights.reload(now(4)).is_err());
    drop(rights);
    // The first file that there ever was is missed when it is gone.
    fs::remove_file(world.file()).unwrap();
    let (again, _) = world.open();
    assert_eq!(again.status().loaded, Loaded::LastGood);
    assert_eq!(kind(again.reload(now(5))), ProblemKind::Gone);
    assert_eq!(network(&again, 1000, 2000), Grant::Refused);
}

#[test]
fn lists_that_could_not_be_kept_are_kept_by_themselves() {
    let world = World::new();
    world.write(DENY_STAFF);
    let (rights, log) = world.open();
    let watch = Watch::start(Arc::clone(&rights)).unwrap();
    let blocked = block(&world);
    // The group was made again. Of the file nothing has changed, and the watch sleeps.
    world.fake.add("Staff", 2005);
    rights.name_changed("staff", now(3));
    assert_eq!(rights.in_force().version(), 2);
    fs::remove_dir_all(blocked).unwrap();
    let start = Instant::now();
    let is_kept = |line: &String| line.contains("rights kept for the next start: ");
    while !log.lines().iter().any(is_kept) {
        let lines = log.lines();
        assert!(start.elapsed() < Duration::from_secs(20), "{lines:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    watch.stop();
    assert!(keeps_out_offline(&world, 2005));
}
