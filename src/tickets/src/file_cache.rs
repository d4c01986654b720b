//! A cache that is a file.
//!
//! A new file is made beside the old one and takes its place when it is whole: a full disk, or a crash, leaves the
//! old cache as it was, and no link that somebody put there is ever followed.

use crate::cache_name::of_file;
use crate::error::Error;
use crate::person::Person;
use domlogon_krb5::{Context, Credentials};
use nix::unistd::mkstemp;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Writes a cache to a new file with a unique name after `template`.
pub(crate) fn write_unique(
    context: &Context,
    template: &Path,
    credentials: &[&Credentials],
) -> Result<PathBuf, Error> {
    let failed = |error: io::Error| Error::File(template.to_owned(), error);
    let (file, path) = mkstemp(template).map_err(|error| failed(error.into()))?;
    drop(file);
    let written = context.store(&of_file(&path), credentials, true);
    let written = written.map_err(Error::from).and_then(|_| check(&path));
    if let Err(error) = written {
        // It may be half written, and is of no use; the first error is the one to tell.
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    Ok(path)
}

/// Writes a cache in place of the one at `path`, if there is one.
pub(crate) fn write(
    context: &Context,
    path: &Path,
    person: Person,
    credentials: &[&Credentials],
) -> Result<(), Error> {
    is_own(path, person)?;
    let mut template = path.as_os_str().to_owned();
    template.push(".XXXXXX");
    let scratch = write_unique(context, Path::new(&template), credentials)?;
    fs::rename(&scratch, path).map_err(|error| {
        let _ = fs::remove_file(&scratch);
        Error::File(path.to_owned(), error)
    })
}

/// Whether there is a cache of the person's at `path`; an error if it is something else.
pub(crate) fn is_own(path: &Path, person: Person) -> Result<bool, Error> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(Error::NoFile(path.to_owned())),
        Ok(found) if found.uid() != person.uid.as_raw() => Err(Error::Foreign(path.to_owned())),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::File(path.to_owned(), error)),
    }
}

/// Only the owner may read it.
fn check(path: &Path) -> Result<(), Error> {
    let failed = |error| Error::File(path.to_owned(), error);
    let found = fs::symlink_metadata(path).map_err(failed)?;
    if !found.is_file() || found.mode() & 0o077 != 0 {
        return Err(Error::NoFile(path.to_owned()));
    }
    Ok(())
}
