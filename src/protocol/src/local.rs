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
    any_line(file, |line| {
        wanted.iter().any(|name| is_line_of(line, name))
    })
}

/// Whether somebody who stands in `passwd` has this id. A file that cannot be read leaves root.
#[must_use]
pub fn is_local_id(passwd: &Path, uid: u32) -> bool {
    let has_it = |line: &[u8]| {
        let field = line.trim_ascii_end().split(|byte| *byte == b':').nth(2);
        let text = field.and_then(|field| std::str::from_utf8(field).ok());
        text.and_then(|text| text.parse().ok()) == Some(uid)
    };
    uid == 0 || File::open(passwd).is_ok_and(|file| any_line(file, has_it))
}

/// Whether a line of the file, as far as it can be read, is one that is looked for.
fn any_line(file: File, is_wanted: impl Fn(&[u8]) -> bool) -> bool {
    let mut lines = BufReader::new(file.take(MOST));
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return false,
            Ok(_) if is_wanted(&line) => return true,
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
        for (uid, is_one) in [
            (0, true),
            (34, true),
            (3, true),
            (4, false),
            (u32::MAX, false),
        ] {
            assert_eq!(is_local_id(&path, uid), is_one, "{uid}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(is_local_id(&path, 0) && !is_local_id(&path, 34));
        assert!(is_local(&path, &["Root"]));
        assert!(!is_local(&path, &["backup"]));
    }
}
