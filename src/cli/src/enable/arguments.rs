//! The arguments of `enable`, `disable` and the guard.

use clap::Args;
use core::fmt;

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 0 means that domlogon is turned on (with --confirm: until the time is over),
1 that it is not and the host is as it was, 2 that something could not be told or undone.

Examples:
  domlogon enable --dry-run
  domlogon enable --confirm 120s     then log on anew, and there: domlogon confirm")]
pub(crate) struct Enable {
    /// Show what would be changed, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go back to the old state by itself, unless `domlogon confirm` is said from a new
    /// logon within this time: such as 120s or 5m; 20s to 1d.
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "dry_run")]
    pub(crate) confirm: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Disable {
    /// Show what would be changed, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// For package scripts: try no logons afterwards, and say nothing if all went well.
    #[arg(long, hide = true)]
    pub(crate) package: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Guard {
    /// Do what is due now, and do not wait.
    #[arg(long)]
    pub(crate) once: bool,
}

/// Why a time cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeError;

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a time from 20s to 1d, such as 120s, 5m or 2h")
    }
}

impl core::error::Error for TimeError {}

/// Seconds of a time such as `120s`.
fn parse_time(text: &str) -> Result<u64, TimeError> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(TimeError),
    };
    let seconds = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .ok_or(TimeError)?;
    if (20..=86_400).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(TimeError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(parse_time("120s"), Ok(120));
        assert_eq!(parse_time("120"), Ok(120));
        assert_eq!(parse_time("5m"), Ok(300));
        assert_eq!(parse_time("1d"), Ok(86_400));
        for bad in [
            "",
            "s",
            "19s",
            "2d",
            "-5m",
            "5 m",
            "5min",
            "99999999999999999999s",
            "é",
        ] {
            assert_eq!(parse_time(bad), Err(TimeError), "{bad}");
        }
    }
}
