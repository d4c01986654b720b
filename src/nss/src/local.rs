//! The names that belong to this host, without a heap: what `domlogon_protocol::local` says.

use crate::system::{self, Undisturbed};
use core::ffi::CStr;

/// Most bytes of the file that are looked at: some hundred thousand accounts.
const MOST: usize = 16 * 1024 * 1024;

/// Whether one of `names` stands in `passwd`, without regard to the case of ASCII letters.
/// The names are several spellings of one person; the file is read once for all of them.
///
/// Other letters have to stand there as they were typed; the daemon, which is asked then,
/// makes the comparison again with all of them.
#[cold]
pub(crate) fn is_local(passwd: &CStr, names: [&[u8]; 2]) -> bool {
    let _until_done = Undisturbed::begin();
    let Ok(file) = system::open(passwd) else {
        return false;
    };
    let mut lines = Lines::new(names);
    let mut buffer = [0; 4096];
    let mut read = 0;
    while read < MOST {
        let Ok(count @ 1..) = file.read(&mut buffer) else {
            break;
        };
        read += count;
        if buffer
            .iter()
            .take(count)
            .any(|byte| lines.ends_a_name(*byte))
        {
            return true;
        }
    }
    lines.ends_a_name(b'\n')
}

/// Where in a line of the file a byte stands, and which names it may still be.
struct Lines<'a> {
    names: [&'a [u8]; 2],
    may_be: [bool; 2],
    at: Option<usize>,
}

impl<'a> Lines<'a> {
    const fn new(names: [&'a [u8]; 2]) -> Self {
        Self {
            names,
            may_be: [true; 2],
            at: Some(0),
        }
    }

    /// Takes the next byte. Whether it ends one of the names.
    fn ends_a_name(&mut self, byte: u8) -> bool {
        let found = match (self.at, byte) {
            (Some(at @ 1..), b':' | b'\n') => {
                let mut names = self.names.iter().zip(self.may_be);
                names.any(|(name, may_be)| may_be && name.len() == at)
            }
            _ => false,
        };
        match (self.at, byte) {
            (_, b'\n') => (self.at, self.may_be) = (Some(0), [true; 2]),
            (_, b':') => self.at = None,
            (Some(at), _) => {
                for (name, may_be) in self.names.iter().zip(&mut self.may_be) {
                    *may_be &= name
                        .get(at)
                        .is_some_and(|own| own.eq_ignore_ascii_case(&byte));
                }
                self.at = at.checked_add(1);
            }
            (None, _) => {}
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn names_are_compared_whole_and_without_case() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwd");
        let passwd = CString::new(path.as_os_str().as_bytes()).unwrap();
        let text = "root:x:0:0::/root:/bin/sh\nBackup:x:34:34:alice:/:/x\n\nbj\u{f6}rn:x:1:1::/:\n:x:2:2::/:\nlast";
        std::fs::write(&path, text).unwrap();
        for name in ["root", "ROOT", "backup", "BACKUP", "BJ\u{f6}RN", "last"] {
            assert!(is_local(&passwd, [name.as_bytes(), b"other"]), "{name}");
            assert!(is_local(&passwd, [b"other", name.as_bytes()]), "{name}");
            assert!(domlogon_protocol::local::is_local(&path, &[name]));
        }
        for name in ["alice", "back", "backup2", "x", "", "roots", "las"] {
            assert!(!is_local(&passwd, [name.as_bytes(), b"other"]), "{name}");
        }
        // A name over the border of two reads.
        for before in 4080..4100 {
            let text = format!(
                "{}:x:1:1::/:/bin/sh\nlocaluser:x:2:2::/:\n",
                "x".repeat(before)
            );
            std::fs::write(&path, text).unwrap();
            assert!(is_local(&passwd, [b"LocalUser", b"localuser"]), "{before}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(!is_local(&passwd, [b"backup", b"backup"]));
    }
}
