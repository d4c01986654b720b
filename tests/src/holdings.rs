//! What a process holds: descriptors, threads and memory.

use crate::failure::{Failure, Result, ensure};
use crate::size::sized;
use std::fmt;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// What a process holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
    /// Resident memory in KiB.
    pub memory: usize,
}

impl fmt::Display for Holdings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holdings {
            descriptors,
            threads,
            memory,
        } = self;
        write!(
            out,
            "{descriptors} descriptors, {threads} threads, {memory} KiB"
        )
    }
}

impl Holdings {
    /// What this process holds now.
    ///
    /// # Errors
    /// When it is gone.
    pub fn of(process: u32) -> Result<Holdings> {
        let what = "see what a process holds";
        let descriptors = fs::read_dir(format!("/proc/{process}/fd"))
            .map_err(Failure::harness(what))?
            .count();
        let status = fs::read_to_string(format!("/proc/{process}/status"))
            .map_err(Failure::harness(what))?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let word = line.and_then(|rest| rest.split_ascii_whitespace().next());
            word.and_then(|word| word.parse().ok())
                .unwrap_or(usize::MAX)
        };
        Ok(Holdings {
            descriptors,
            threads: number("Threads:"),
            memory: number("VmRSS:"),
        })
    }

    /// Wait until a process holds no more than this again: no descriptor more, the threads that
    /// stay to wait, and some memory that the allocator keeps.
    ///
    /// # Errors
    /// When it does not come back in time.
    pub fn are_back(self, process: u32, patience: Duration) -> Result<Holdings> {
        const THREADS: usize = 8;
        // What the largest answers took stays with the allocator, for the next ones.
        let kib = sized(48, 256) * 1024;
        let end = Instant::now() + patience;
        loop {
            let now = Holdings::of(process)?;
            let back = now.descriptors <= self.descriptors
                && now.threads <= self.threads + THREADS
                && now.memory <= self.memory + kib;
            if back {
                return Ok(now);
            }
            ensure(
                Instant::now() < end,
                "what the daemon holds afterwards",
                format!("about what it held before: {self}"),
                now.to_string(),
            )?;
            thread::sleep(Duration::from_millis(50));
        }
    }
}
