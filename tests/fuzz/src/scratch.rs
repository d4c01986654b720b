//! A folder of this process, in memory where there is such a place.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder: the one that `DOMLOGON_FUZZ_FOLDER` names, or one of our own.
pub(crate) fn folder() -> PathBuf {
    if let Some(given) = std::env::var_os("DOMLOGON_FUZZ_FOLDER") {
        return given.into();
    }
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let folder = place.join(format!("domlogon-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// Removes what the targets have left on disk.
pub fn clean_up() {
    // Nothing of it is needed again.
    let _ = fs::remove_dir_all(folder());
}
