//! The last good lists, kept beside the database: a host that starts with a broken file
//! has the lists that it had before.

use super::file::Service;
use super::source;
use core::fmt;
use domlogon_protocol::rights::{Entry, ProblemKind};
use domlogon_protocol::{RightName, Side, Timestamp};
use domlogon_rules::Rights;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The form of the kept file. Another one is not read.
const FORMAT: u32 = 1;

/// Most bytes: each entry of a file of rights grows to some two hundred.
const MOST: usize = 128 * 1024 * 1024;

/// A file of rights with all its names looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lists {
    /// The lists that are there, in the order of the file.
    pub(super) lists: Vec<(RightName, Vec<Entry>)>,
    /// The services.
    pub(super) services: Vec<Service>,
    /// The lists in audit mode.
    pub(super) audit: Vec<RightName>,
}

impl Lists {
    /// The rights that these lists give, under this version number.
    pub(super) fn rights(&self, version: u64) -> Rights {
        let mut rights = Rights::new(version);
        for (name, entries) in &self.lists {
            rights.set(*name, entries.clone());
        }
        for name in &self.audit {
            rights.set_audit(*name, true);
        }
        for (service, logon_type, can_change) in &self.services {
            rights.map_service(service, *logon_type, *can_change);
        }
        rights
    }

    /// The deny lists.
    pub(super) fn denied(&self) -> impl Iterator<Item = (RightName, &[Entry])> {
        let lists = self
            .lists
            .iter()
            .map(|(name, list)| (*name, list.as_slice()));
        lists.filter(|(name, _)| name.side == Side::Deny)
    }

    /// Whether what was written of an entry of a deny list is a name.
    pub(super) fn denies(&self, is_name: impl Fn(&str) -> bool) -> bool {
        let mut entries = self.denied().flat_map(|(_, entries)| entries);
        entries.any(|entry| is_name(&entry.written))
    }

    /// Adds entries to their lists.
    pub(super) fn deny_too(&mut self, added: &[(RightName, Entry)]) {
        for (name, entries) in &mut self.lists {
            let of_list = added.iter().filter(|(list, _)| list == name);
            entries.extend(of_list.map(|(_, entry)| entry.clone()));
        }
    }

    /// How many entries the lists have, all together.
    pub(super) fn entries(&self) -> usize {
        self.lists.iter().map(|(_, entries)| entries.len()).sum()
    }
}

/// Lists that were taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    format: u32,
    /// Their version.
    pub(super) version: u64,
    /// When they were taken.
    pub(super) taken_at: Timestamp,
    /// Whether there was a file; if not, they are the built-in holders.
    pub(super) from_file: bool,
    /// The lists.
    pub(super) lists: Lists,
}

/// Why a kept file is not used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It cannot be read, or others could have written it.
    Source(ProblemKind),
    /// It was not written by this, or was damaged since.
    Damaged(serde_json::Error),
    /// Another version of this wrote it.
    Format(u32),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(ProblemKind::Exposed) => {
                f.write_str("somebody else than root could have written the file")
            }
            Self::Source(problem) => problem.fmt(f),
            Self::Damaged(error) => write!(f, "the file is damaged: {error}"),
            Self::Format(format) => write!(f, "the file has the unknown form {format}"),
        }
    }
}

impl Kept {
    pub(super) const fn new(
        version: u64,
        taken_at: Timestamp,
        from_file: bool,
        lists: Lists,
    ) -> Self {
        Self {
            format: FORMAT,
            version,
            taken_at,
            from_file,
            lists,
        }
    }

    /// The lists kept at `path`; `None` if there are none.
    ///
    /// # Errors
    /// [`Unusable`] says why they cannot be used.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Unusable> {
        let Some(found) = source::read(path, MOST).map_err(Unusable::Source)? else {
            return Ok(None);
        };
        let kept: Self = serde_json::from_slice(&found.bytes).map_err(Unusable::Damaged)?;
        if kept.format == FORMAT {
            Ok(Some(kept))
        } else {
            Err(Unusable::Format(kept.format))
        }
    }

    /// Keeps these in the place of what is there: all of them or, on an error, what was
    /// there before.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let new = path.with_extension("json.new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = self
            .write_new(&new)
            .and_then(|()| fs::rename(&new, path))
            .inspect_err(|_| drop(fs::remove_file(&new)));
        written?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    fn write_new(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&text)?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domlogon_protocol::{LogonType, Right, Sid};
    use std::os::unix::fs::PermissionsExt;

    fn kept() -> Kept {
        let entry = Entry {
            written: "CORP\\\u{e9}lan \"x\"".to_owned(),
            sid: Some(Sid::domain(1, 2, 3).with_rid(1107)),
            name: None,
        };
        let lists = Lists {
            lists: vec![
                (RightName::deny(Right::Network), vec![entry]),
                (RightName::allow(Right::Batch), vec![]),
            ],
            services: vec![("vsftpd".to_owned(), LogonType::Deny, Some(true))],
            audit: vec![RightName::allow(Right::Service)],
        };
        Kept::new(u64::MAX, Timestamp(7), true, lists)
    }

    #[test]
    fn what_is_kept_comes_back_and_nobody_else_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rights.last-good.json");
        assert!(matches!(Kept::read(&path), Ok(None)));
        // What a crash left does not stop the next one.
        fs::write(dir.path().join("rights.last-good.json.new"), "x").unwrap();
        for _ in 0..2 {
            kept().write(&path).unwrap();
            assert_eq!(Kept::read(&path).unwrap(), Some(kept()));
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_damaged_exposed_or_newer_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept.json");
        kept().write(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let read = Kept::read(&path);
            assert!(matches!(read, Err(Unusable::Damaged(_))), "{length}");
        }
        let newer = Kept {
            format: 2,
            ..kept()
        };
        newer.write(&path).unwrap();
        assert!(matches!(Kept::read(&path), Err(Unusable::Format(2))));
        kept().write(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
        let exposed = Kept::read(&path);
        assert!(matches!(
            exposed,
            Err(Unusable::Source(ProblemKind::Exposed))
        ));
    }

    #[test]
    fn nothing_is_lost_where_nothing_can_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept.json");
        kept().write(&path).unwrap();
        fs::create_dir_all(dir.path().join("kept.json.new/x")).unwrap();
        let newer = Kept::new(1, Timestamp(8), false, Lists::default());
        assert!(newer.write(&path).is_err());
        assert_eq!(Kept::read(&path).unwrap(), Some(kept()));
    }
}
