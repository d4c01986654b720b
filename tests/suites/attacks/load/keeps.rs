//! What the daemon holds of the host's.

use domlogon_tests::{Failure, Result, differs, ensure};
use std::fmt;
use std::fs;

/// Threads of a daemon that nobody asks: those that wait at its doors, and its own.
pub(super) const AT_REST: u64 = 20;

/// Memory, descriptors and threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeps {
    /// Resident memory that is its own, in KiB.
    pub(super) memory: u64,
    descriptors: u64,
    pub(super) threads: u64,
}

impl Keeps {
    pub(super) fn of(process: u32) -> Result<Keeps> {
        let what = "look at the daemon";
        let path = |name: &str| format!("/proc/{process}/{name}");
        let status = fs::read_to_string(path("status")).map_err(Failure::harness(what))?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let (Some(memory), Some(threads)) = (number("RssAnon:"), number("Threads:")) else {
            return Err(differs(what, "RssAnon and Threads", status));
        };
        let list = fs::read_dir(path("fd")).map_err(Failure::harness(what))?;
        Ok(Keeps {
            memory,
            descriptors: list.count() as u64,
            threads,
        })
    }

    /// Later it has no more than that; but for what a thread or two takes that just came, and
    /// for the connections of the moment.
    pub(super) fn holds(self, later: Keeps) -> Result<()> {
        let good = later.memory <= self.memory + self.memory / 4 + 8 * 1024
            && later.descriptors <= self.descriptors + 16
            && later.threads <= self.threads + 16;
        ensure(
            good,
            "what the daemon holds",
            format!("no more than before: {self}"),
            later.to_string(),
        )
    }
}

impl fmt::Display for Keeps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} KiB of memory, {} descriptors, {} threads",
            self.memory, self.descriptors, self.threads
        )
    }
}
