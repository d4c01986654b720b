//! The sandbox's syslog.

use crate::failure::{Result, differs};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

const FILE: &str = "/var/log/syslog";

/// A place in the syslog: everything before it is old.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    start: usize,
}

impl Log {
    /// The end of the syslog as it is now.
    pub fn from_now() -> Log {
        Log {
            start: read().len(),
        }
    }

    /// The lines since then.
    pub fn lines(self) -> String {
        String::from_utf8_lossy(read().get(self.start..).unwrap_or_default()).into_owned()
    }

    /// Wait for a line with all of these parts, and return it.
    ///
    /// # Errors
    /// When none comes in two seconds.
    pub fn line_with(self, parts: &[&str]) -> Result<String> {
        let end = Instant::now() + Duration::from_secs(2);
        loop {
            let lines = self.lines();
            let found = lines
                .lines()
                .find(|line| parts.iter().all(|part| line.contains(part)));
            if let Some(line) = found {
                return Ok(line.to_owned());
            }
            if Instant::now() > end {
                return Err(differs(
                    "the syslog",
                    format!("a line with {parts:?}"),
                    lines,
                ));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn read() -> Vec<u8> {
    fs::read(FILE).unwrap_or_default()
}
