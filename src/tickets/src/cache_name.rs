//! Names of credential caches.

use core::fmt;
use std::path::{Path, PathBuf};

/// A name of one of the three kinds that last longer than a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CacheName {
    /// A file.
    File(PathBuf),
    /// A file whose name is made unique: the six letters X at the end stand for others.
    Unique(PathBuf),
    /// `KEYRING:` or `KCM:`, as the library reads it.
    Kept(String),
}

const MOST_BYTES: usize = 1024;

impl CacheName {
    /// Reads a name; `None` if it is of another kind, or strange.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        if text.len() > MOST_BYTES || text.chars().any(char::is_control) {
            return None;
        }
        match kind {
            "FILE" => Self::file(rest),
            // The keys of a process or a thread would be gone when this one ends.
            "KEYRING" if rest.starts_with("process:") || rest.starts_with("thread:") => None,
            "KEYRING" if !rest.is_empty() && is_plain(rest) => Some(Self::Kept(text.to_owned())),
            "KCM" if is_plain(rest) => Some(Self::Kept(text.to_owned())),
            _ => None,
        }
    }

    /// The name as that of one cache: of one that is there, the six letters are part of the name.
    pub(crate) fn settled(&self) -> Self {
        match self {
            Self::Unique(path) => Self::File(path.clone()),
            other => other.clone(),
        }
    }

    fn file(path: &str) -> Option<Self> {
        let whole = Path::new(path);
        whole.file_name()?;
        // Both are taken as they are written; a name that goes up again is a mistake or a trick.
        if !whole.is_absolute() || path.ends_with('/') || path.split('/').any(|part| part == "..") {
            return None;
        }
        Some(if path.ends_with("XXXXXX") {
            Self::Unique(whole.to_owned())
        } else {
            Self::File(whole.to_owned())
        })
    }
}

/// As the library reads it.
impl fmt::Display for CacheName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Unique(path) => f.write_str(&of_file(path)),
            Self::Kept(name) => f.write_str(name),
        }
    }
}

fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte))
}

/// The library's name of a file cache.
pub(crate) fn of_file(path: &Path) -> String {
    format!("FILE:{}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let file = |path: &str| Some(CacheName::File(path.into()));
        assert_eq!(
            CacheName::parse("FILE:/tmp/krb5cc_1000"),
            file("/tmp/krb5cc_1000")
        );
        assert_eq!(CacheName::parse("FILE:/tmp/a b:c"), file("/tmp/a b:c"));
        let unique = Some(CacheName::Unique("/tmp/krb5cc_1_XXXXXX".into()));
        assert_eq!(CacheName::parse("FILE:/tmp/krb5cc_1_XXXXXX"), unique);
        for name in ["KEYRING:persistent:1000", "KCM:", "KCM:1000:7"] {
            assert_eq!(
                CacheName::parse(name),
                Some(CacheName::Kept(name.to_owned()))
            );
        }
        for name in [
            "",
            "/tmp/x",
            "FILE:",
            "FILE:x",
            "FILE:/",
            "FILE:/tmp/",
            "FILE:/tmp/../etc/x",
            "FILE:/tmp/..",
            "FILE:/a\nb",
            "file:/tmp/x",
            "DIR:/tmp/x",
            "MEMORY:x",
            "API:",
            "KEYRING:",
            "KEYRING:a b",
            "KEYRING:process:x",
            "KCM:/x",
            "FILE:/tmp/x\0",
        ] {
            assert_eq!(CacheName::parse(name), None, "{name:?}");
        }
        assert_eq!(
            CacheName::parse(&format!("FILE:/{}", "a".repeat(2000))),
            None
        );
    }
}
