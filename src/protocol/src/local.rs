//! The names that belong to this host. They are never the domain's, and the modules say so
//! without asking anybody: local users log on as ever, however the daemon is.

use crate::UserName;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The host's own accounts. Read directly: asking NSS would ask the domain too.
pub const PASSWD: &str = "/etc/passwd";

/// Most bytes of the file that are looked at: some hundred thousand accounts.
const MOST: u64 = 16 * 1024 * 1024;

/// Whether one of `names` is root or stands in `passwd`, without regard to case. The names
/// are several spellings of one person; the file is read once for all of them.
///
/// A file that cannot be read leaves root: the daemon makes the same comparison.
#[must_use]
pub fn is_local(passwd: &Path, names: &[&str]) -> bool {
    let wanted: Vec<String> = names.iter().map(|name| UserName::fold(name)).collect();
    if wanted.iter().any(|name| name == "root") {
        return true;
    }
    let Ok(file) = File::open(passwd) else {
        return false;
    };
    let mut lines = BufReader::new(file.take(MOST));
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return false,
            Ok(_) if wanted.iter().any(|name| is_line_of(&line, name)) => return true,
            Ok(_) => {}
        }
    }
}

fn is_line_of(line: &[u8], wanted: &str) -> bool {
    let Some(name) = line.split(|b| *b == b':').next().filter(|n| !n.is_empty()) else {
        return false;
    };
    if name.is_ascii() {
        name.eq_ignore_ascii_case(wanted.as_bytes())
    } else {
        UserName::fold(&String::from_utf8_lossy(name)) == wanted
    }
}

/// This host's short name, for sentences that are said without the daemon.
#[must_use]
pub fn host_name() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let short = text.trim().split('.').next().unwrap_or_default();
    short.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_whole_and_without_case() {
        let path = std::env::temp_dir().join(format!("domlogon-passwd-{}", std::process::id()));
        let text = "root:x:0:0::/root:/bin/sh\nBackup:x:34:34:alice:/:/x\n\nbj\u{f6}rn:x:1:1::/:\n:x:2:2::/:\nlast:x:3";
        std::fs::write(&path, text).unwrap();
        for name in ["root", "ROOT", "backup", "BACKUP", "BJ\u{d6}RN", "last"] {
            assert!(is_local(&path, &[name]), "{name}");
            assert!(is_local(&path, &["other", name]), "{name}");
        }
        for name in ["alice", "back", "backup2", "x", "", "roots"] {
            assert!(!is_local(&path, &[name]), "{name}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(is_local(&path, &["Root"]));
        assert!(!is_local(&path, &["backup"]));
    }
}
