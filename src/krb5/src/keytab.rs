//! Writing tables of keys.

use crate::context::Context;
use crate::error::Error;
use crate::principal::Principal;
use crate::raw::{ContextHandle, derive_key};
use domlogon_protocol::Secret;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use zeroize::{Zeroize as _, Zeroizing};

/// Kinds of encryption keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enctype {
    /// aes256-cts-hmac-sha1-96
    Aes256,
    /// aes128-cts-hmac-sha1-96
    Aes128,
    /// arcfour-hmac: broken; only for a domain that still asks for it.
    Rc4,
}

impl Enctype {
    /// The two that every domain of today has.
    pub const AES: &'static [Self] = &[Self::Aes256, Self::Aes128];

    const fn number(self) -> u16 {
        match self {
            Self::Aes256 => 18,
            Self::Aes128 => 17,
            Self::Rc4 => 23,
        }
    }
}

/// Has the library load what it takes its ciphers from. Where that is OpenSSL, it loads some of
/// it when a cipher is first used, and a process that has given up executable memory cannot.
pub fn load_ciphers() {
    if let Ok(context) = ContextHandle::blank() {
        for enctype in [Enctype::Aes256, Enctype::Aes128, Enctype::Rc4] {
            // One that the host forbids is wanted by nobody later.
            let _ = derive_key(&context, enctype.number().into(), b"x", b"x");
        }
    }
}

/// The keys that one password makes for one principal.
#[derive(Clone, Copy, Debug)]
pub struct KeytabEntry<'a> {
    /// Whose keys.
    pub principal: &'a Principal,
    /// The key's version number.
    pub kvno: u32,
    /// What they are made of.
    pub password: &'a Secret,
    /// The salt of the account, as `CORP.EXAMPLEhostws1.corp.example`; RC4 has none.
    pub salt: &'a str,
    /// Which keys.
    pub enctypes: &'a [Enctype],
}

impl Context {
    /// Writes a keytab in place of the one at `path`, whole or not at all, readable by its owner alone.
    ///
    /// # Errors
    /// [`Error::Keytab`] if it cannot be written; the old one is then still there.
    pub fn write_keytab(&self, path: &Path, entries: &[KeytabEntry<'_>]) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |since| {
            u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
        });
        let bytes = encode(self, entries, now)?;
        replace(path, &bytes).map_err(Error::Keytab)
    }
}

/// The format of version 5.2 (0x0502): a length and an entry, again and again; all big endian.
fn encode(
    context: &Context,
    entries: &[KeytabEntry<'_>],
    now: u32,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut out = Zeroizing::new(vec![5, 2]);
    for entry in entries {
        for &enctype in entry.enctypes {
            let password = entry.password.expose();
            let salt = entry.salt.as_bytes();
            let key = derive_key(context.handle(), enctype.number().into(), password, salt)
                .map_err(|code| context.library(code))?;
            let body = encode_key(entry, enctype, &key, now).ok_or(Error::Name)?;
            let length = u32::try_from(body.len()).map_err(|_| Error::Name)?;
            append(&mut out, &length.to_be_bytes());
            append(&mut out, &body);
        }
    }
    Ok(out)
}

fn encode_key(
    entry: &KeytabEntry<'_>,
    enctype: Enctype,
    key: &[u8],
    now: u32,
) -> Option<Zeroizing<Vec<u8>>> {
    let components = entry.principal.components();
    let mut body = Zeroizing::new(Vec::with_capacity(512));
    append(
        &mut body,
        &u16::try_from(components.len()).ok()?.to_be_bytes(),
    );
    counted(&mut body, entry.principal.realm().as_bytes())?;
    for component in components {
        counted(&mut body, component.as_bytes())?;
    }
    // NT-PRINCIPAL
    append(&mut body, &1u32.to_be_bytes());
    append(&mut body, &now.to_be_bytes());
    // The old field has room for a byte; the true number follows at the end.
    append(&mut body, &[entry.kvno.to_be_bytes()[3]]);
    append(&mut body, &enctype.number().to_be_bytes());
    counted(&mut body, key)?;
    append(&mut body, &entry.kvno.to_be_bytes());
    Some(body)
}

fn counted(out: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) -> Option<()> {
    append(out, &u16::try_from(bytes.len()).ok()?.to_be_bytes());
    append(out, bytes);
    Some(())
}

/// Appends without leaving a copy behind where the memory has to grow.
fn append(out: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if out.capacity() - out.len() < bytes.len() {
        let mut larger = Vec::with_capacity((out.len() + bytes.len()) * 2);
        larger.extend_from_slice(out);
        out.zeroize();
        *out = Zeroizing::new(larger);
    }
    out.extend_from_slice(bytes);
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut scratch = PathBuf::from(folder);
    let mut scratch_name = name.to_os_string();
    scratch_name.push(format!(".{}.new", std::process::id()));
    scratch.push(scratch_name);
    let written = write_new(&scratch, bytes).and_then(|()| fs::rename(&scratch, path));
    if written.is_err() {
        // It may not be there at all; the first error is the one to tell.
        let _ = fs::remove_file(&scratch);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        // Left by a process that was killed; the folder is the owner's alone.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_are_there_without_a_profile() {
        let context = ContextHandle::blank().unwrap();
        let aes = Enctype::Aes256.number().into();
        let key = derive_key(&context, aes, b"x", b"x").unwrap();
        assert_eq!(key.len(), 32);
        load_ciphers();
    }
}
