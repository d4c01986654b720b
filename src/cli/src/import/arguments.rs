//! What `domlogon user import` is told.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The file of accounts and how to read it.
#[derive(Debug, Args)]
#[command(after_help = "\
A CSV file begins with a line of column names. `name` is needed; the others are
  full_name, uid, home, shell, groups, password_hash, must_change, disabled, expires,
  hours, workstations, cannot_change, password_never_expires, password_set
Several groups or workstations stand in one field, with ; between. An empty field means
what it means in `domlogon user add`. Times and hours are written as in `domlogon user set`.

A file of passwd lines has name:password:uid:gid:gecos:home:shell, or lines of a shadow
file, or name:password. A password is a hash that begins with $y$, $6$ or $5$. With * or !
the account has no password, and is disabled until it gets one; with ! before a hash it is
disabled, and has its password when it is enabled. Groups of users are not in such a file.
Of a shadow line the last change and the end of the account are taken; the ages of passwords
are the domain's policy.

The history of passwords begins with the first logon: it does not know a hash that was
imported before that.

Examples:
  domlogon user import people.csv --dry-run
  domlogon user import old/passwd --shadow old/shadow --uids 1000-59999")]
pub(crate) struct Import {
    /// The file; - for standard input.
    pub(crate) file: PathBuf,
    /// Say what would be made and what is wrong, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to read the file, if its first line does not show it.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// The shadow file that belongs to a file of passwd lines.
    #[arg(long, value_name = "FILE")]
    pub(crate) shadow: Option<PathBuf>,
    /// Leave out lines with other user ids, such as those of the system's own accounts.
    #[arg(long, value_name = "FIRST-LAST", value_parser = parse_uids)]
    pub(crate) uids: Option<Uids>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table with a line of column names.
    Csv,
    /// Lines as in /etc/passwd or /etc/shadow.
    Passwd,
}

/// User ids from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uids {
    first: u32,
    last: u32,
}

impl Uids {
    pub(crate) fn contains(self, uid: u32) -> bool {
        (self.first..=self.last).contains(&uid)
    }
}

/// Why a range of ids cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UidsError;

impl core::fmt::Display for UidsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("write the first and the last user id, such as 1000-59999")
    }
}

impl core::error::Error for UidsError {}

fn parse_uids(text: &str) -> Result<Uids, UidsError> {
    let (first, last) = text.split_once('-').ok_or(UidsError)?;
    let uids = Uids {
        first: first.trim().parse().map_err(|_| UidsError)?,
        last: last.trim().parse().map_err(|_| UidsError)?,
    };
    if uids.first <= uids.last {
        Ok(uids)
    } else {
        Err(UidsError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ids() {
        let uids = parse_uids("1000-59999").unwrap();
        assert!(uids.contains(1000) && uids.contains(59_999));
        assert!(!uids.contains(999) && !uids.contains(60_000));
        for bad in ["", "1000", "2-1", "a-b", "-", "1-4294967296", "1-2-3"] {
            assert_eq!(parse_uids(bad), Err(UidsError), "{bad}");
        }
    }
}
