//! NETLOGON_SAM_LOGON_RESPONSE_EX [ADTS 6.3.1.9]: what a controller says of itself, the
//! domain, and the site of whoever asks.

/// The opcodes of the structure: for a user that is there (or none), and for one that is not.
const OPCODES: [u16; 2] = [23, 25];

/// Most bytes of a name, in all its labels [RFC 1035 2.3.4].
const LONGEST_NAME: usize = 255;

/// What a domain controller says to everybody who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    flags: u32,
    /// The DNS name of the forest.
    pub forest: String,
    /// The DNS name of the domain.
    pub domain: String,
    /// The controller's full name.
    pub host: String,
    /// The short (NetBIOS) name of the domain.
    pub netbios_domain: String,
    /// The controller's site.
    pub site: String,
    /// The site of whoever asked; `None` if his address belongs to none.
    pub client_site: Option<String>,
}

/// The bytes are no such structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Controller {
    /// Whether it takes changes (DS_WRITABLE_FLAG): a read-only one does not.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        self.flags & 0x100 != 0
    }

    /// Whether it is in the site of whoever asked, or in the nearest one (DS_CLOSEST_FLAG).
    #[must_use]
    pub const fn is_close(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// Reads the value of the attribute Netlogon.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let opcode = *bytes.first_chunk().ok_or(Malformed)?;
        let opcode = u16::from_le_bytes(opcode);
        if !OPCODES.contains(&opcode) {
            return Err(Malformed);
        }
        let flags = bytes.get(4..8).and_then(|four| four.try_into().ok());
        let flags = u32::from_le_bytes(flags.ok_or(Malformed)?);
        // Opcode, padding, flags and the domain's GUID come before the names.
        let mut at = 24;
        let mut name = || name(bytes, &mut at);
        let (forest, domain, host) = (name()?, name()?, name()?);
        let netbios_domain = name()?;
        let (_netbios_host, _user) = (name()?, name()?);
        let (site, client_site) = (name()?, name()?);
        Ok(Self {
            flags,
            forest,
            domain,
            host,
            netbios_domain,
            site,
            client_site: Some(client_site).filter(|site| !site.is_empty()),
        })
    }
}

/// A name in the form of RFC 1035 4.1.4, in UTF-8; moves `at` behind it.
fn name(bytes: &[u8], at: &mut usize) -> Result<String, Malformed> {
    let mut name: Vec<u8> = Vec::new();
    let mut place = *at;
    // Where a pointer may lead: only back, so that it ends.
    let mut before = place;
    let mut jumped = false;
    loop {
        let length = *bytes.get(place).ok_or(Malformed)?;
        place += 1;
        match length {
            0 => break,
            1..=63 => {
                let end = place + usize::from(length);
                let label = bytes.get(place..end).ok_or(Malformed)?;
                if name.len() + label.len() + 1 > LONGEST_NAME {
                    return Err(Malformed);
                }
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend_from_slice(label);
                place = end;
            }
            0xC0.. => {
                let low = *bytes.get(place).ok_or(Malformed)?;
                if !jumped {
                    *at = place + 1;
                    jumped = true;
                }
                let target = usize::from(u16::from_be_bytes([length & 0x3F, low]));
                if target >= before {
                    return Err(Malformed);
                }
                before = target;
                place = target;
            }
            _ => return Err(Malformed),
        }
    }
    if !jumped {
        *at = place;
    }
    let name = String::from_utf8(name).map_err(|_| Malformed)?;
    if name.contains(char::is_control) {
        return Err(Malformed);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// With every name after the first two pointing back into them.
    fn sample() -> Vec<u8> {
        let mut bytes = vec![23, 0, 0, 0, 0xFD, 0x13, 0, 0];
        bytes.extend([0x11; 16]);
        let forest = bytes.len();
        bytes.extend(b"\x04corp\x07example\0");
        bytes.extend([0xC0, u8::try_from(forest).unwrap()]);
        bytes.extend(b"\x03dc1");
        bytes.extend([0xC0, u8::try_from(forest).unwrap()]);
        bytes.extend(b"\x04CORP\0\x03DC1\0\0");
        let site = bytes.len();
        bytes.extend(b"\x06Berlin\0");
        bytes.extend([0xC0, u8::try_from(site).unwrap()]);
        bytes.extend([5, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        bytes
    }

    #[test]
    fn all_names_are_read() {
        let found = Controller::parse(&sample()).unwrap();
        assert_eq!(found.forest, "corp.example");
        assert_eq!(found.domain, "corp.example");
        assert_eq!(found.host, "dc1.corp.example");
        assert_eq!(found.netbios_domain, "CORP");
        assert_eq!(found.site, "Berlin");
        assert_eq!(found.client_site.as_deref(), Some("Berlin"));
        assert!(found.is_writable() && found.is_close());
    }

    #[test]
    fn a_host_in_no_site() {
        let mut bytes = sample();
        let end = bytes.len() - 10;
        bytes.splice(end.., [0]);
        assert_eq!(Controller::parse(&bytes).unwrap().client_site, None);
    }

    #[test]
    fn what_is_cut_or_turns_in_circles_is_refused() {
        let whole = sample();
        for length in 0..whole.len() - 8 {
            assert_eq!(Controller::parse(&whole[..length]), Err(Malformed));
        }
        for circle in [[0xC0, 24], [0xC0, 25], [0xFF, 0xFF]] {
            let mut bytes = whole[..24].to_vec();
            bytes.extend(circle);
            bytes.extend([0; 64]);
            assert_eq!(Controller::parse(&bytes), Err(Malformed), "{circle:?}");
        }
        let mut other = whole.clone();
        other[0] = 19;
        assert_eq!(Controller::parse(&other), Err(Malformed));
        let mut control = whole;
        control[25] = b'\n';
        assert_eq!(Controller::parse(&control), Err(Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Controller::parse(&bytes);
        }

        #[test]
        fn any_damage_is_read_or_refused(at in 0..100_usize, byte: u8, length in 0..100_usize) {
            let mut bytes = sample();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(length);
            let _ = Controller::parse(&bytes);
        }
    }
}
