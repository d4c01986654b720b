//! Attacks: the daemon killed, its disk full, failing or slow, memory and descriptors used up, its
//! clock wrong. What it answered stays true, whoever means harm gains nothing, and when the fault
//! has gone everything is whole.

mod clock;
mod directory;
mod disk;
mod killed;
mod person;
mod slow;
mod starved;

use crate::{Case, case, in_directory};
use domlogon_tests::power::Disk;
use domlogon_tests::{
    Chance, Daemon, Fault, LOCAL_PASSWORD, Probe, ROOT_PASSWORD, Result, World, differs, ensure,
};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("attacks/crash/killed", killed::killed),
        case("attacks/crash/power fails", killed::power_fails),
        case("attacks/crash/one operation fails", disk::one_fails),
        case("attacks/crash/the disk fails", disk::all_fail),
        case("attacks/crash/first start", disk::first_start),
        case(
            "attacks/crash/no room for the names",
            disk::no_room_for_names,
        ),
        case("attacks/crash/slow disk", slow::slow),
        case(
            "attacks/crash/no answer to a change",
            slow::no_answer_to_a_change,
        ),
        case("attacks/crash/descriptors", starved::descriptors),
        case("attacks/crash/memory", starved::memory),
        case("attacks/crash/clock", clock::clock),
        in_directory("attacks/crash/full disk, in a directory", directory::full),
    ]
}

/// A daemon in the place of the world's, whose faults are commanded. Killed when dropped.
struct Stage {
    fault: Fault,
    daemon: Option<Daemon>,
    /// The disk as it was when the daemon started.
    disk: Option<Disk>,
}

impl Stage {
    fn set(world: &mut World) -> Result<Stage> {
        world.take_daemon()?.stop()?;
        let mut stage = Stage {
            fault: Fault::new()?,
            daemon: None,
            disk: None,
        };
        stage.start()?;
        Ok(stage)
    }

    fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.kill();
        }
    }

    fn start(&mut self) -> Result<()> {
        self.disk = Some(Disk::now()?);
        self.fault.record(true);
        self.daemon = Some(self.fault.daemon()?);
        Ok(())
    }

    /// Kill the daemon, end the faults, and start it again.
    fn crash(&mut self) -> Result<()> {
        self.kill();
        self.fault.heal();
        self.start()
    }

    /// The same, and the power fails with it. Returns how many writes are lost.
    fn lose_power(&mut self, chance: &mut Chance) -> Result<usize> {
        self.kill();
        self.fault.heal();
        let lost = match self.disk.take() {
            Some(disk) => disk.lose_power(chance)?,
            None => 0,
        };
        self.start()?;
        Ok(lost)
    }

    fn daemon(&mut self) -> Result<&mut Daemon> {
        self.daemon
            .as_mut()
            .ok_or_else(|| differs("the daemon", "running", "killed"))
    }

    /// The daemon runs, and is the same.
    fn lives(&mut self) -> Result<()> {
        let ended = self.daemon()?.ended()?;
        ensure(
            ended.is_none(),
            "the daemon",
            "alive",
            format!("{ended:?}\n{}", Daemon::said()),
        )
    }
}

/// Whatever the daemon's trouble, those who can mend it come in.
fn locals_come_in() -> Result<()> {
    for (name, password) in [("root", ROOT_PASSWORD), ("localuser", LOCAL_PASSWORD)] {
        let report = Probe::stack("login", name)
            .answer(password)
            .run(&["auth", "acct"])?;
        report.returns("auth", "SUCCESS")?;
        report.returns("acct", "SUCCESS")?;
    }
    Ok(())
}
