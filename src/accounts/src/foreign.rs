//! Passwords as crypt(5) of another system kept them. They are compared until the first
//! good logon, and then replaced by a hash of our own: the cleartext is known only then.
//!
//! What is taken is read strictly, before any of it reaches the code that hashes: the
//! parameters of a hash say how much memory it takes, and a file from elsewhere must not
//! say how much memory the daemon has.

use crate::error::{Fault, Result};
use domlogon_protocol::admin::HashError;
use domlogon_protocol::{Secret, Verdict};
use sha_crypt::{PasswordVerifier, ShaCrypt};
use yescrypt::Yescrypt;

/// Most memory of one yescrypt hash, in bytes: 16 times what distributions set, and some
/// 1.2 seconds.
const MOST_MEMORY: u64 = 256 * 1024 * 1024;

/// Most rounds of SHA-crypt: 200 times the default, and about a second.
const MOST_ROUNDS: u32 = 1_000_000;

/// Rounds of SHA-crypt below which no crypt(3) goes.
const LEAST_ROUNDS: u32 = 1000;

/// The longest password that crypt(3) takes (CRYPT_MAX_PASSPHRASE_SIZE, which counts the
/// byte at the end). A longer one was never hashed, and SHA-crypt would spend its length many
/// times over.
const LONGEST: usize = 511;

/// A hash of another system that can be compared with a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Foreign {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Yescrypt,
    ShaCrypt,
}

impl Foreign {
    /// Whether `text` is to be read by [`parse`](Self::parse), and is no hash of our own.
    pub(crate) fn is_one(text: &str) -> bool {
        kind(text).is_some()
    }

    pub(crate) fn parse(text: &str) -> Result<Self, HashError> {
        let (kind, rest) = kind(text).ok_or(HashError::UnknownKind)?;
        let fields: Vec<&str> = rest.split('$').collect();
        match kind {
            Kind::Yescrypt => check_yescrypt(&fields)?,
            Kind::ShaCrypt => check_sha(&fields, text.starts_with("$6$"))?,
        }
        Ok(Self {
            kind,
            text: text.to_owned(),
        })
    }

    /// All that decides, beside the password's length, how long a comparison takes.
    pub(crate) fn way(&self) -> &str {
        let mut ends = self.text.match_indices('$').map(|(place, _)| place);
        let has_rounds = self.kind == Kind::Yescrypt || self.text.contains("$rounds=");
        let end = ends.nth(if has_rounds { 2 } else { 1 });
        end.and_then(|end| self.text.get(..end))
            .unwrap_or(&self.text)
    }

    /// Whether a comparison takes no more than a few times what distributions set.
    pub(crate) fn is_usual(&self) -> bool {
        const ROUNDS: u32 = 100_000;
        const MEMORY: u64 = 64 * 1024 * 1024;
        let parameters = self.way().rsplit('$').next().unwrap_or_default();
        match self.kind {
            Kind::ShaCrypt => match parameters.strip_prefix("rounds=") {
                Some(rounds) => rounds.parse().is_ok_and(|rounds: u32| rounds <= ROUNDS),
                None => true,
            },
            Kind::Yescrypt => memory_of(parameters).is_ok_and(|memory| memory <= MEMORY),
        }
    }

    /// Whether as many of them at once as there are processors could take all memory.
    pub(crate) fn takes_much_memory(&self) -> bool {
        self.kind == Kind::Yescrypt && !self.is_usual()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the password is the one behind this hash. The comparison takes the same time
    /// wherever the two differ.
    ///
    /// # Errors
    /// `Busy` if there is no memory for it.
    pub(crate) fn matches(&self, password: &Secret) -> Result<bool> {
        use sha_crypt::password_hash::Error;
        self.require_memory()?;
        let whole = password.expose();
        // The work is done for a longer one, too: its answer comes no sooner.
        let hashed = whole.get(..LONGEST).unwrap_or(whole);
        let compared = match self.kind {
            Kind::Yescrypt => Yescrypt::default().verify_password(hashed, self.text.as_str()),
            Kind::ShaCrypt => ShaCrypt::default().verify_password(hashed, self.text.as_str()),
        };
        match compared {
            // The empty password opens at the console alone, and where its account says so:
            // whether a hash is its, is not known before somebody comes with it.
            Ok(()) => Ok((1..=LONGEST).contains(&whole.len())),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(_) => Err(Fault::DAMAGED),
        }
    }

    /// The code that hashes ends the process where there is no memory for it. So it is taken
    /// and given back before, and without it this one logon is put off.
    fn require_memory(&self) -> Result<()> {
        /// What is taken beside that of the parameters.
        const MORE: u64 = 1024 * 1024;
        if self.kind != Kind::Yescrypt {
            return Ok(());
        }
        let parameters = self.way().rsplit('$').next().unwrap_or_default();
        let memory = memory_of(parameters).map_err(|_| Fault::DAMAGED)?;
        let busy = || Fault::Store(Verdict::Busy);
        let memory = usize::try_from(memory + MORE).map_err(|_| busy())?;
        let mut room: Vec<u8> = Vec::new();
        room.try_reserve_exact(memory).map_err(|_| busy())?;
        // Memory that nobody looks at would not even be asked for.
        std::hint::black_box(&room);
        Ok(())
    }
}

fn kind(text: &str) -> Option<(Kind, &str)> {
    [
        ("$y$", Kind::Yescrypt),
        ("$6$", Kind::ShaCrypt),
        ("$5$", Kind::ShaCrypt),
    ]
    .into_iter()
    .find_map(|(prefix, kind)| Some((kind, text.strip_prefix(prefix)?)))
}

/// `params$salt$hash`, as crypt_gensalt(3) writes the parameters at every cost: the flavour
/// `j`, one character for N, and one for r.
fn check_yescrypt(fields: &[&str]) -> Result<(), HashError> {
    const SALTS: core::ops::RangeInclusive<usize> = 1..=64;
    let [parameters, salt, hash] = fields else {
        return Err(HashError::Malformed);
    };
    if memory_of(parameters)? > MOST_MEMORY {
        return Err(HashError::TooCostly);
    }
    let (n, r) = cost_of(parameters)?;
    // yescrypt is defined for r of 8 and more in this flavour, and nobody writes less.
    if r + 1 < 8 || n + 1 < 8 || !SALTS.contains(&salt.len()) {
        return Err(HashError::Malformed);
    }
    if is_whole_bytes(salt) && hash.len() == 43 && is_whole_bytes(hash) {
        Ok(())
    } else {
        Err(HashError::Malformed)
    }
}

/// N, as its binary logarithm, and r; both with their least value, 1, taken off.
fn cost_of(parameters: &str) -> Result<(u32, u32), HashError> {
    let [b'j', n, r] = parameters.as_bytes() else {
        return Err(HashError::Malformed);
    };
    Ok((short_number(*n)?, short_number(*r)?))
}

/// The memory of a yescrypt hash, in bytes.
fn memory_of(parameters: &str) -> Result<u64, HashError> {
    let (n, r) = cost_of(parameters)?;
    128_u64
        .checked_mul(u64::from(r) + 1)
        .zip(1_u64.checked_shl(n + 1))
        .and_then(|(block, blocks)| block.checked_mul(blocks))
        .ok_or(HashError::TooCostly)
}

/// `[rounds=N$]salt$hash`.
fn check_sha(fields: &[&str], is_512: bool) -> Result<(), HashError> {
    let (rounds, salt, hash) = match fields {
        [salt, hash] => (None, salt, hash),
        [rounds, salt, hash] => (Some(*rounds), salt, hash),
        _ => return Err(HashError::Malformed),
    };
    if let Some(rounds) = rounds {
        let digits = rounds
            .strip_prefix("rounds=")
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(|digits| !digits.starts_with('0'))
            .ok_or(HashError::Malformed)?;
        let rounds: u32 = match digits.parse() {
            Ok(rounds) => rounds,
            Err(_) if digits.is_empty() => return Err(HashError::Malformed),
            Err(_) => return Err(HashError::TooCostly),
        };
        if rounds > MOST_ROUNDS {
            return Err(HashError::TooCostly);
        }
        if rounds < LEAST_ROUNDS {
            return Err(HashError::Malformed);
        }
    }
    let length = if is_512 { 86 } else { 43 };
    let good = (1..=16).contains(&salt.len())
        && salt.bytes().all(|byte| digit(byte).is_some())
        && hash.len() == length
        && is_whole_bytes(hash);
    if good {
        Ok(())
    } else {
        Err(HashError::Malformed)
    }
}

/// A number below 48 in the one character that yescrypt writes for it.
fn short_number(byte: u8) -> Result<u32, HashError> {
    let digit = digit(byte).ok_or(HashError::Malformed)?;
    if digit < 48 {
        Ok(u32::from(digit))
    } else {
        Err(HashError::TooCostly)
    }
}

/// Digits that are the bytes that were written and nothing else: no digit too many, and
/// nothing in the bits that the last one has to spare.
fn is_whole_bytes(text: &str) -> bool {
    let mut digits = text.bytes().map(digit);
    if !digits.clone().all(|digit| digit.is_some()) {
        return false;
    }
    let last = digits.next_back().flatten().unwrap_or(0);
    match text.len() % 4 {
        0 => true,
        2 => last < 1 << 2,
        3 => last < 1 << 4,
        _ => false,
    }
}

/// The value of a digit of crypt(3)'s base 64.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'.' => Some(0),
        b'/' => Some(1),
        b'0'..=b'9' => Some(byte - b'0' + 2),
        b'A'..=b'Z' => Some(byte - b'A' + 12),
        b'a'..=b'z' => Some(byte - b'a' + 38),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
