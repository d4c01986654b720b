//! Security identifiers.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// A security identifier of at most 15 sub-authorities [MS-DTYP 2.4.2].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sid {
    authority: u64,
    sub: Vec<u32>,
}

/// Why a text is not a security identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SidError;

impl fmt::Display for SidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a security identifier such as S-1-5-32-544")
    }
}

impl core::error::Error for SidError {}

impl Sid {
    /// S-1-1-0, everybody but the anonymous.
    #[must_use]
    pub fn everyone() -> Self {
        Self::well_known(1, &[0])
    }

    /// S-1-5-11, everybody who has proved an identity.
    #[must_use]
    pub fn authenticated_users() -> Self {
        Self::well_known(5, &[11])
    }

    /// S-1-5-`rid`, one of the identifiers of the NT authority.
    #[must_use]
    pub fn nt_authority(rid: u32) -> Self {
        Self::well_known(5, &[rid])
    }

    /// S-1-5-32-`rid`, an alias of the BUILTIN domain.
    #[must_use]
    pub fn builtin(rid: u32) -> Self {
        Self::well_known(5, &[32, rid])
    }

    /// S-1-5-21-a-b-c, a domain.
    #[must_use]
    pub fn domain(a: u32, b: u32, c: u32) -> Self {
        Self::well_known(5, &[21, a, b, c])
    }

    /// Reads the binary form [MS-DTYP 2.4.2.2]; `None` if it is not exactly one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[1, count], rest) = bytes.split_first_chunk::<2>()? else {
            return None;
        };
        let (authority, rest) = rest.split_first_chunk::<6>()?;
        let count = usize::from(count);
        if count == 0 || count > 15 || rest.len() != count * 4 {
            return None;
        }
        let authority = authority
            .iter()
            .fold(0, |value, byte| (value << 8) | u64::from(*byte));
        let sub = rest
            .chunks_exact(4)
            .filter_map(|part| part.try_into().ok().map(u32::from_le_bytes))
            .collect();
        Some(Self { authority, sub })
    }

    /// The binary form [MS-DTYP 2.4.2.2].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = u8::try_from(self.sub.len()).unwrap_or(u8::MAX);
        let mut bytes = vec![1, count];
        bytes.extend(self.authority.to_be_bytes().iter().skip(2));
        bytes.extend(self.sub.iter().flat_map(|part| part.to_le_bytes()));
        bytes
    }

    /// All but the last sub-authority: the domain of an account.
    #[must_use]
    pub fn domain_part(&self) -> Option<Self> {
        match self.sub.as_slice() {
            [domain @ .., _] if !domain.is_empty() => {
                Some(Self::well_known(self.authority, domain))
            }
            _ => None,
        }
    }

    /// This identifier with one more sub-authority: an account of this domain.
    #[must_use]
    pub fn with_rid(&self, rid: u32) -> Self {
        let mut sid = self.clone();
        sid.sub.push(rid);
        sid
    }

    /// The last sub-authority.
    #[must_use]
    pub fn rid(&self) -> Option<u32> {
        self.sub.last().copied()
    }

    fn well_known(authority: u64, sub: &[u32]) -> Self {
        Self {
            authority,
            sub: sub.to_vec(),
        }
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.sub.iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        let mut parts = text.split('-');
        let prefix = parts.next().is_some_and(|p| p.eq_ignore_ascii_case("s"));
        if !prefix || parts.next() != Some("1") {
            return Err(SidError);
        }
        let authority = parts
            .next()
            .and_then(|p| p.parse().ok())
            .filter(|a| *a < 1 << 48)
            .ok_or(SidError)?;
        let sub: Vec<u32> = parts
            .map(|p| p.parse().map_err(|_| SidError))
            .collect::<Result<_, _>>()?;
        if sub.is_empty() || sub.len() > 15 {
            return Err(SidError);
        }
        Ok(Self { authority, sub })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        for text in ["S-1-1-0", "S-1-5-32-544", "S-1-5-21-1-2-3-1000"] {
            assert_eq!(text.parse::<Sid>().unwrap().to_string(), text);
        }
        let domain = Sid::domain(1, 2, 3);
        assert_eq!(domain.with_rid(500).domain_part(), Some(domain));
        assert_eq!(Sid::everyone().domain_part(), None);
        assert_eq!(Sid::builtin(544).to_string(), "S-1-5-32-544");
        for bad in ["", "S-1", "S-1-5", "S-2-5-1", "S-1-5-x", "S-1-5-4294967296"] {
            assert!(bad.parse::<Sid>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_binary_form() {
        let bytes = [
            1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xF4, 1, 0, 0,
        ];
        let sid = Sid::from_bytes(&bytes).unwrap();
        assert_eq!(sid.to_string(), "S-1-5-21-1-2-3-500");
        assert_eq!(sid.to_bytes(), bytes);
        for end in 0..bytes.len() {
            assert_eq!(Sid::from_bytes(&bytes[..end]), None, "{end}");
        }
        for (at, value) in [(0, 2), (1, 0), (1, 4), (1, 16)] {
            let mut bad = bytes;
            bad[at] = value;
            assert_eq!(Sid::from_bytes(&bad), None);
        }
        let mut long = bytes.to_vec();
        long.push(0);
        assert_eq!(Sid::from_bytes(&long), None);
    }
}
