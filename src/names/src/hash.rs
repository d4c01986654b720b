//! The two hashes of a file: where an entry is to be found, and whether it is whole.

/// SipHash-1-3 (Aumasson, Bernstein 2012, with the rounds of 1-3) of `bytes`.
///
/// The key is random and another one in each file, so nobody can choose names that all fall
/// into one bucket.
#[inline(never)]
pub(crate) fn place(key: (u64, u64), bytes: &[u8]) -> u64 {
    let mut state = Sip::new(key);
    let (words, rest) = words_of(bytes);
    for word in words {
        state.absorb(word);
    }
    // The last word: what is left of the bytes, and the length in its highest byte.
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let length = (bytes.len() as u64) << 56;
    state.absorb(u64::from_le_bytes(last) | length);
    state.finish()
}

struct Sip {
    a: u64,
    b: u64,
    c: u64,
    d: u64,
}

impl Sip {
    const fn new((first, second): (u64, u64)) -> Self {
        Self {
            a: first ^ u64::from_be_bytes(*b"somepseu"),
            b: second ^ u64::from_be_bytes(*b"dorandom"),
            c: first ^ u64::from_be_bytes(*b"lygenera"),
            d: second ^ u64::from_be_bytes(*b"tedbytes"),
        }
    }

    fn absorb(&mut self, word: u64) {
        self.d ^= word;
        self.round();
        self.a ^= word;
    }

    fn finish(mut self) -> u64 {
        self.c ^= 0xff;
        self.round();
        self.round();
        self.round();
        self.a ^ self.b ^ self.c ^ self.d
    }

    const fn round(&mut self) {
        self.a = self.a.wrapping_add(self.b);
        self.b = self.b.rotate_left(13) ^ self.a;
        self.a = self.a.rotate_left(32);
        self.c = self.c.wrapping_add(self.d);
        self.d = self.d.rotate_left(16) ^ self.c;
        self.a = self.a.wrapping_add(self.d);
        self.d = self.d.rotate_left(21) ^ self.a;
        self.c = self.c.wrapping_add(self.b);
        self.b = self.b.rotate_left(17) ^ self.c;
        self.c = self.c.rotate_left(32);
    }
}

/// A checksum against bytes that changed or stand elsewhere than they were written for:
/// `salt` is a number of the place and of the file.
///
/// Four lanes, so that a group of five hundred costs a third of a microsecond. Each step of
/// a lane can be turned back, so no change of one word is lost before the end.
#[inline(never)]
pub(crate) fn checksum(salt: u64, bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |lane: u64, word: u64| {
        let mixed = (lane ^ word).wrapping_mul(FACTOR);
        mixed ^ (mixed >> 32)
    };
    let [mut one, mut two, mut three, mut four] = [salt, !salt, salt ^ FACTOR, salt ^ 0x5555];
    let blocks = bytes.chunks_exact(32);
    let rest = blocks.remainder();
    for block in blocks {
        let (words, _) = words_of(block);
        let mut words = words.into_iter();
        one = step(one, words.next().unwrap_or(0));
        two = step(two, words.next().unwrap_or(0));
        three = step(three, words.next().unwrap_or(0));
        four = step(four, words.next().unwrap_or(0));
    }
    let (words, rest) = words_of(rest);
    for word in words {
        one = step(one, word);
    }
    for byte in rest {
        two = step(two, u64::from(*byte));
    }
    let length = bytes.len() as u64;
    step(step(step(step(length, one), two), three), four)
}

/// The whole words of `bytes`, and what follows them.
fn words_of(bytes: &[u8]) -> (impl Iterator<Item = u64>, &[u8]) {
    let chunks = bytes.chunks_exact(8);
    let rest = chunks.remainder();
    let words = chunks.map(|chunk| {
        chunk
            .first_chunk()
            .map_or(0, |word| u64::from_le_bytes(*word))
    });
    (words, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// The first of the vectors that the authors publish, but with the rounds of 1-3: they are
    /// those of the function behind Rust's own hash maps.
    #[test]
    fn the_place_is_that_of_siphash_1_3() {
        use std::hash::{DefaultHasher, Hasher};
        // DefaultHasher::new() is SipHash-1-3 with a key of zeros.
        for length in 0..100_u8 {
            let bytes: Vec<u8> = (0..length).collect();
            let mut theirs = DefaultHasher::new();
            theirs.write(&bytes);
            assert_eq!(place((0, 0), &bytes), theirs.finish(), "{length}");
        }
        assert_ne!(place((0, 1), b"alice"), place((0, 0), b"alice"));
        assert_ne!(place((1, 0), b"alice"), place((0, 0), b"alice"));
    }

    #[test]
    fn every_bit_and_the_length_count() {
        for length in 0..150_usize {
            let bytes: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let whole = checksum(7, &bytes);
            assert_ne!(whole, checksum(8, &bytes), "{length}");
            let mut longer = bytes.clone();
            longer.push(0);
            assert_ne!(whole as u32, checksum(7, &longer) as u32, "{length}");
            for bit in 0..length * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(whole as u32, checksum(7, &changed) as u32, "{length} {bit}");
            }
        }
    }
}
