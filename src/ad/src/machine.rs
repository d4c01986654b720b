//! What the host knows of its own account in the directory: `machine.json`, and the keytab
//! that is made from it.
//!
//! The file is the truth, the keytab follows from it. It is written whole or not at all, so
//! that a host which loses power at the worst moment still has a password that works.

mod error;
mod file;

pub use error::{MachineError, Unsafe};
pub(crate) use file::remove;

use domlogon_krb5::{Context, Enctype, KeytabEntry, Principal};
use domlogon_protocol::{Secret, Sid, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The name of the file in the state folder.
pub const FILE: &str = "machine.json";

/// The name of the keytab in the state folder.
pub const KEYTAB: &str = "machine.keytab";

/// The name of the file that holds the account while a join makes it.
pub(crate) const JOINING: &str = "machine.joining";

/// The longest name of a computer account without its `$`: NetBIOS has no more room.
pub const LONGEST_NAME: usize = 15;

/// The host's account in the directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// sAMAccountName, with its `$`.
    pub account: String,
    /// The Kerberos realm, in capital letters.
    pub realm: String,
    /// The host's full name in small letters: dNSHostName.
    pub host: String,
    /// The domain's identifier.
    #[serde(with = "sid_text")]
    pub domain_sid: Sid,
    /// What is right as far as this host knows.
    pub current: Key,
    /// What was right before. Tickets made with it may still be under way, and DCs that the
    /// change has not reached yet know nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Key>,
    /// What a change under way sets. It was written down before any DC was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Key>,
}

/// One password of the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The password itself.
    #[serde(with = "secret_text")]
    pub password: Secret,
    /// The number that the directory gave it (msDS-KeyVersionNumber).
    pub kvno: u32,
    /// When it was set.
    pub set_at: Timestamp,
}

/// Which of the passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The one that is right as far as the host knows.
    Current,
    /// The one of a change under way.
    Pending,
    /// The one before.
    Previous,
}

impl Machine {
    /// Where the file is in a state folder.
    #[must_use]
    pub fn file(state: &Path) -> PathBuf {
        state.join(FILE)
    }

    /// Where the keytab is in a state folder.
    #[must_use]
    pub fn keytab(state: &Path) -> PathBuf {
        state.join(KEYTAB)
    }

    /// Reads the file of a state folder.
    ///
    /// # Errors
    /// [`MachineError::NotJoined`] if there is none; others if it is not whole, or if
    /// somebody else could have read or written it.
    pub fn load(state: &Path) -> Result<Self, MachineError> {
        Self::load_at(&Self::file(state))
    }

    pub(crate) fn load_at(path: &Path) -> Result<Self, MachineError> {
        let text = file::read(path)?;
        serde_json::from_slice(&text).map_err(|error| MachineError::Broken {
            // Only the place: the words of the error may quote what stands there.
            line: error.line(),
            column: error.column(),
            path: path.to_owned(),
        })
    }

    /// Writes the file of a state folder: all of it, on the disk, before this returns.
    ///
    /// # Errors
    /// [`MachineError::File`]; what was there before is there still.
    pub fn store(&self, state: &Path) -> Result<(), MachineError> {
        self.store_at(&Self::file(state))
    }

    pub(crate) fn store_at(&self, path: &Path) -> Result<(), MachineError> {
        // More than three passwords of the greatest length can need, so that the buffer
        // does not grow and leave a copy behind.
        const ROOM: usize = 8 * Secret::MAX_BYTES;
        let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
        serde_json::to_writer_pretty(&mut *text, self)
            .map_err(|error| MachineError::File(path.to_owned(), error.into()))?;
        text.push(b'\n');
        file::write(path, &text)
    }

    /// Takes the file and the keytab away, and what a join or a writing that was cut off has
    /// left of them. What is not there is gone already.
    ///
    /// # Errors
    /// [`MachineError::File`]
    pub fn forget(state: &Path) -> Result<(), MachineError> {
        let (file, keytab) = (Self::file(state), Self::keytab(state));
        file::remove(&keytab.with_extension("keytab.new"))?;
        file::remove(&keytab)?;
        file::remove(&file.with_extension("json.new"))?;
        file::remove(&state.join(JOINING))?;
        file::remove(&file)
    }

    /// Writes the keytab of a state folder anew: the keys of all passwords that a ticket for
    /// the host may be made with.
    ///
    /// # Errors
    /// [`MachineError`]; what was there before is there still.
    pub fn write_keytab(&self, context: &Context, state: &Path) -> Result<(), MachineError> {
        let path = Self::keytab(state);
        let failed = |error| MachineError::Keytab(path.clone(), Box::new(error));
        let salt = self.salt();
        let principals: Result<Vec<Principal>, _> = self
            .principals()
            .iter()
            .map(|name| Principal::parse(name))
            .collect();
        let principals = principals.map_err(failed)?;
        let mut entries = Vec::new();
        for (kvno, password) in self.numbered() {
            entries.extend(principals.iter().map(|principal| KeytabEntry {
                principal,
                kvno,
                password,
                salt: &salt,
                enctypes: Enctype::AES,
            }));
        }
        let unfinished = path.with_extension("keytab.new");
        context
            .write_keytab(&unfinished, &entries)
            .map_err(failed)?;
        file::put(&unfinished, &path)
    }

    /// One of the passwords, if there is one.
    #[must_use]
    pub fn key(&self, which: Which) -> Option<&Key> {
        match which {
            Which::Current => Some(&self.current),
            Which::Pending => self.pending.as_ref(),
            Which::Previous => self.previous.as_ref(),
        }
    }

    /// All the passwords that some DC may know: the one that is likely right first.
    pub fn keys(&self) -> impl Iterator<Item = (Which, &Key)> {
        [Which::Current, Which::Pending, Which::Previous]
            .into_iter()
            .filter_map(|which| Some((which, self.key(which)?)))
    }

    /// The passwords with the numbers of their keys.
    ///
    /// The daemon asks for no number, but other services of the host go by it. That of the
    /// current one was told where anybody on the way can have written it, so it has the one
    /// that directories give next as well.
    fn numbered(&self) -> Vec<(u32, &Secret)> {
        let mut all: Vec<_> = self
            .keys()
            .map(|(_, key)| (key.kvno, &key.password))
            .collect();
        if let Some(previous) = &self.previous {
            let next = previous.kvno.wrapping_add(1);
            if all.iter().all(|(kvno, _)| *kvno != next) {
                all.push((next, &self.current.password));
            }
        }
        all
    }

    /// The account's principal, such as `PC1$@CORP.EXAMPLE`.
    #[must_use]
    pub fn principal(&self) -> String {
        format!("{}@{}", self.account, self.realm)
    }

    /// Under which names the host accepts tickets. The account's own is the first.
    #[must_use]
    pub fn principals(&self) -> Vec<String> {
        let name = self.name();
        [
            self.account.clone(),
            format!("host/{}", self.host),
            format!("host/{name}"),
            format!("RestrictedKrbHost/{}", self.host),
            format!("RestrictedKrbHost/{name}"),
        ]
        .into_iter()
        .map(|name| format!("{name}@{}", self.realm))
        .collect()
    }

    /// The account's name without its `$`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.account.strip_suffix('$').unwrap_or(&self.account)
    }

    /// The salt of the keys [KILE 3.1.1.2]: the same for all names of a computer.
    #[must_use]
    pub fn salt(&self) -> String {
        salt(&self.account, &self.realm)
    }
}

/// The salt of a computer's keys [KILE 3.1.1.2]: the realm, `host`, and the full name that
/// the account's name would have in the realm, whatever the host is called in DNS.
#[must_use]
pub fn salt(account: &str, realm: &str) -> String {
    let name = account.strip_suffix('$').unwrap_or(account).to_lowercase();
    let domain = realm.to_lowercase();
    format!("{realm}host{name}.{domain}")
}

/// A new password: 120 characters, 780 bits.
///
/// Printable ASCII but the quote and the backslash, so that it stands in JSON as it is.
///
/// # Errors
/// [`MachineError::Random`]
pub fn new_password() -> Result<Secret, MachineError> {
    const LENGTH: usize = 120;
    let mut password = Zeroizing::new(Vec::with_capacity(LENGTH));
    let mut bytes = Zeroizing::new([0_u8; 256]);
    while password.len() < LENGTH {
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| MachineError::Random)?;
        // Bytes that stand for no character are left out, which keeps all of them as likely.
        let printable = bytes
            .iter()
            .map(|byte| byte & 0x7F)
            .filter(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        let room = LENGTH - password.len();
        password.extend(printable.take(room));
    }
    Ok(Secret::new(&password))
}

/// A password as JSON text. Nothing but the buffer that is read or written holds it.
mod secret_text {
    use core::fmt;
    use domlogon_protocol::Secret;
    use serde::de::{Deserializer, Error as _, Visitor};
    use serde::ser::{Error as _, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        match secret.text() {
            Some(text) => to.serialize_str(text),
            None => Err(S::Error::custom("a password that is not text")),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Secret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a password")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::new(text.as_bytes()))
            }
        }
        let secret = from.deserialize_str(Text)?;
        if secret.is_empty() {
            return Err(D::Error::custom("an empty password"));
        }
        Ok(secret)
    }
}

/// A security identifier as it is commonly written.
mod sid_text {
    use domlogon_protocol::Sid;
    use serde::de::{Deserialize, Deserializer, Error as _};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(sid: &Sid, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(sid)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Sid, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
