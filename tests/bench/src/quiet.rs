//! Waiting until the machine has nothing else to do.

use domlogon_tests::{Failure, Result, differs};
use std::fs;
use std::thread::sleep;
use std::time::Duration;

/// Waits until the processors are idle for a quarter of a second, but not for ever; whether
/// they were.
pub(crate) fn wait() -> Result<bool> {
    const LOOK: Duration = Duration::from_millis(250);
    const LOOKS: usize = 80;
    const IDLE_PERCENT: u64 = 90;
    let mut before = processors()?;
    for _ in 0..LOOKS {
        sleep(LOOK);
        let after = processors()?;
        let (idle, all) = (after.0 - before.0, after.1 - before.1);
        if idle * 100 >= all * IDLE_PERCENT {
            return Ok(true);
        }
        before = after;
    }
    Ok(false)
}

/// Ticks that all processors were idle, and all ticks, since the start (proc(5), /proc/stat).
fn processors() -> Result<(u64, u64)> {
    let text = fs::read_to_string("/proc/stat").map_err(Failure::harness("read /proc/stat"))?;
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    match ticks.get(3) {
        Some(idle) => Ok((*idle, ticks.iter().sum())),
        None => Err(differs("/proc/stat", "ticks", line)),
    }
}
