//! What a process has in its memory: whether any copy of a password is left there, whole or in
//! pieces, and in any of the forms that programs bring passwords into.

use crate::failure::{Failure, Result, ensure};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of a piece. Fewer would be found by chance.
const PIECE: usize = 8;

/// A password like no other text: each piece of it is found nowhere else.
#[derive(Clone, Debug)]
pub struct Marker {
    text: String,
    /// By their first bytes.
    pieces: HashMap<[u8; PIECE], Vec<Piece>>,
    /// Which two bytes a piece begins with, so that most places are left at once.
    begins: Vec<bool>,
}

/// A piece of it in one of its forms.
#[derive(Clone, Debug)]
struct Piece {
    form: &'static str,
    /// Behind the first bytes.
    rest: Vec<u8>,
}

impl Marker {
    /// A new one that every policy here accepts, of a usual length.
    pub fn new() -> Marker {
        Marker::long(28)
    }

    /// A new one of this length: long ones go other ways through a hash.
    pub fn long(letters: usize) -> Marker {
        static MADE: AtomicU32 = AtomicU32::new(0);
        // Not a secret: it has to be unlike the others, and unlike any text.
        let seed =
            u64::from(std::process::id()) << 32 | u64::from(MADE.fetch_add(1, Ordering::Relaxed));
        let mut state = seed ^ 0x9E37_79B9_7F4A_7C15;
        let mut text = String::from("Q7-");
        while text.len() < letters {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let letter = u8::try_from((state >> 33) % 26).unwrap_or(0);
            // By turns: a piece in capitals alone would be its own form in capitals.
            let first = if text.len() % 2 == 0 { b'a' } else { b'A' };
            text.push(char::from(first + letter));
        }
        Marker::of(&text)
    }

    /// One that is given: a password that belongs to a hash.
    pub fn of(text: &str) -> Marker {
        let bytes = text.as_bytes();
        let mut marker = Marker {
            text: text.to_owned(),
            pieces: HashMap::new(),
            begins: vec![false; 1 << 16],
        };
        marker.add("as it is", bytes, PIECE);
        marker.add("in capitals", text.to_uppercase().as_bytes(), PIECE);
        marker.add("in small letters", text.to_lowercase().as_bytes(), PIECE);
        let utf_16 = |write: fn(u16) -> [u8; 2]| -> Vec<u8> {
            bytes.iter().flat_map(|&byte| write(byte.into())).collect()
        };
        marker.add("in UTF-16", &utf_16(u16::to_le_bytes), 2 * PIECE);
        marker.add("in UTF-16, turned", &utf_16(u16::to_be_bytes), 2 * PIECE);
        let letters = bytes.iter().map(|&byte| u32::from(byte));
        let utf_32: Vec<u8> = letters.flat_map(u32::to_le_bytes).collect();
        marker.add("in UTF-32", &utf_32, 4 * PIECE);
        marker.add("as an inner key of HMAC", &mixed(bytes, 0x36), PIECE);
        marker.add("as an outer key of HMAC", &mixed(bytes, 0x5C), PIECE);
        for word in [4, 8] {
            // As hashes read their input on this kind of machine.
            for piece in bytes.windows(PIECE) {
                let words = piece.chunks(word);
                let turned: Vec<u8> = words.flat_map(|word| word.iter().rev().copied()).collect();
                marker.add("in turned words", &turned, PIECE);
            }
        }
        marker
    }

    fn add(&mut self, form: &'static str, bytes: &[u8], length: usize) {
        for piece in bytes.windows(length).step_by(length / PIECE) {
            let Some((first, rest)) = piece.split_first_chunk() else {
                continue;
            };
            if let Some(begins) = self.begins.get_mut(begin(first)) {
                *begins = true;
            }
            let rest = rest.to_vec();
            let known = self.pieces.entry(*first).or_default();
            known.push(Piece { form, rest });
        }
    }

    /// The password.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where pieces of it are in these bytes.
    fn find(&self, bytes: &[u8], mut found: impl FnMut(&'static str, usize)) {
        for (place, two) in bytes.windows(2).enumerate() {
            if !self.begins.get(begin(two)).is_some_and(|begins| *begins) {
                continue;
            }
            let behind = bytes.get(place..).unwrap_or_default();
            let Some((first, behind)) = behind.split_first_chunk() else {
                return;
            };
            for piece in self.pieces.get(first).into_iter().flatten() {
                if behind.starts_with(&piece.rest) {
                    found(piece.form, place);
                }
            }
        }
    }

    /// Fail if any piece of it is in `bytes`.
    ///
    /// # Errors
    /// When one is.
    pub fn is_not_in(&self, what: &str, bytes: &[u8]) -> Result<()> {
        let mut forms = BTreeSet::new();
        self.find(bytes, |form, _| {
            forms.insert(form);
        });
        ensure(
            forms.is_empty(),
            what,
            "no piece of the password",
            format!("pieces of {}: {forms:?}", self.text),
        )
    }
}

impl Default for Marker {
    fn default() -> Self {
        Self::new()
    }
}

fn begin(bytes: &[u8]) -> usize {
    match bytes {
        [first, second, ..] => usize::from(u16::from_le_bytes([*first, *second])),
        _ => 0,
    }
}

fn mixed(bytes: &[u8], pad: u8) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ pad).collect()
}

/// A place where a piece is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Copy {
    /// Where it begins.
    pub address: u64,
    /// How many bytes of pieces follow each other.
    pub length: u64,
    /// How it is written.
    pub form: &'static str,
    /// The kernel's name of the mapping.
    pub mapping: String,
}

impl fmt::Display for Copy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Copy {
            address,
            length,
            form,
            mapping,
        } = self;
        write!(out, "{length} bytes {form} at {address:#x} in {mapping}")
    }
}

/// Every copy of `marker`, or of a piece of it, in all that a process may read of itself.
///
/// # Errors
/// When its memory cannot be read.
pub fn copies(process: u32, marker: &Marker) -> Result<Vec<Copy>> {
    const CHUNK: u64 = 4 << 20;
    const OVERLAP: u64 = 64;
    let what = "read the memory of a process";
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))
        .map_err(Failure::harness("read the mappings of a process"))?;
    let memory = File::open(format!("/proc/{process}/mem")).map_err(Failure::harness(what))?;
    let mut found: Vec<Copy> = Vec::new();
    let mut looked_at = 0;
    for line in maps.lines() {
        let Some((range, mapping)) = readable(line) else {
            continue;
        };
        let mut begin = range.start;
        while begin < range.end {
            let end = range.end.min(begin + CHUNK);
            let mut bytes = vec![0; usize::try_from(end - begin).unwrap_or_default()];
            // A device, or what was unmapped meanwhile.
            if memory.read_exact_at(&mut bytes, begin).is_ok() {
                looked_at += bytes.len();
                marker.find(&bytes, |form, place| {
                    note(&mut found, form, begin + place as u64, mapping);
                });
            }
            begin = if end == range.end { end } else { end - OVERLAP };
        }
    }
    ensure(
        looked_at > 1 << 16,
        what,
        "more than it takes to begin",
        looked_at.to_string(),
    )?;
    Ok(found)
}

/// The addresses and the name of one line of `/proc/PID/maps`, if the process may read there.
fn readable(line: &str) -> Option<(std::ops::Range<u64>, &str)> {
    let mut words = line.split_ascii_whitespace();
    let (begin, end) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let name = words.nth(3).unwrap_or("memory without a name");
    let number = |text| u64::from_str_radix(text, 16).ok();
    let kernels = name.starts_with("[v");
    (rights.starts_with('r') && !kernels).then_some((number(begin)?..number(end)?, name))
}

/// Pieces that overlap are one copy.
fn note(found: &mut Vec<Copy>, form: &'static str, address: u64, mapping: &str) {
    let same = |copy: &&mut Copy| {
        copy.form == form && (copy.address..=copy.address + copy.length).contains(&address)
    };
    if let Some(copy) = found.iter_mut().rev().find(same) {
        copy.length = copy.length.max(address - copy.address + PIECE as u64);
        return;
    }
    found.push(Copy {
        address,
        length: PIECE as u64,
        form,
        mapping: mapping.to_owned(),
    });
}

/// Fail if a process still has a piece of the password when it has come to rest.
///
/// # Errors
/// When it has, with where.
pub fn is_clean(what: &str, process: u32, marker: &Marker) -> Result<()> {
    const REST: Duration = Duration::from_secs(5);
    let end = Instant::now() + REST;
    loop {
        let found = copies(process, marker)?;
        if found.is_empty() {
            return Ok(());
        }
        // The answer is there before whoever gave it has put everything away.
        if Instant::now() > end {
            let shown: Vec<String> = found.iter().map(Copy::to_string).collect();
            return ensure(
                false,
                what,
                format!("no piece of {}", marker.text),
                shown.join("\n"),
            );
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_found_in_every_form() {
        let marker = Marker::of("Q7-abcdEFGHijkl");
        let is_in = |bytes: &[u8]| marker.is_not_in("x", bytes).is_err();
        assert!(is_in(b"...Q7-abcdE..."));
        assert!(is_in(b"EFGHijkl"));
        assert!(is_in(b"efghijkl"));
        assert!(is_in(b"E\0F\0G\0H\0i\0j\0k\0l\0"));
        assert!(is_in(&mixed(b"abcdEFGH", 0x36)));
        assert!(is_in(b"..dcbaHGFE.."));
        assert!(is_in(b"..HGFEdcba.."));
        assert!(!is_in(b"Q7-abcd EFGHijk"));
        assert!(!is_in(b""));
    }

    #[test]
    fn the_own_memory_has_it_and_then_has_not() {
        let marker = Marker::new();
        let me = std::process::id();
        // The marker itself and its pieces are in this process.
        let found = copies(me, &marker).unwrap();
        let whole = |copy: &Copy| copy.length == marker.text().len() as u64;
        assert!(found.iter().any(whole), "{found:?}");
        // Another process has none.
        let mut other = std::process::Command::new("sleep")
            .arg("10")
            .spawn()
            .unwrap();
        let clean = copies(other.id(), &marker);
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(clean.unwrap(), []);
    }
}
