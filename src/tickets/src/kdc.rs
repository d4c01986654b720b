//! A line to a KDC over TCP.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::{Duration, Instant};

const PORT: u16 = 88;
const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 1024 * 1024;
const MOST_KDCS: usize = 8;

/// Asks the KDCs of `realm` that the configuration names, one after the other, until one answers.
pub(crate) fn ask(profile: &Path, realm: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let text = fs::read_to_string(profile)?;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in kdcs(&text, realm).into_iter().take(MOST_KDCS) {
        match resolve(&address).and_then(|address| ask_one(&address, request)) {
            Ok(reply) => return Ok(reply),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The `kdc` lines of a realm in the `[realms]` of a krb5.conf.
fn kdcs(text: &str, realm: &str) -> Vec<String> {
    let mut in_realms = false;
    let mut in_realm = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            in_realms = section.starts_with("realms]");
            in_realm = false;
        } else if line.starts_with('}') {
            in_realm = false;
        } else if let Some((name, value)) = line.split_once('=') {
            let (name, value) = (name.trim(), value.trim());
            if in_realms && value.starts_with('{') {
                in_realm = name == realm;
            } else if in_realm && name == "kdc" && !value.is_empty() {
                found.push(value.to_owned());
            }
        }
    }
    found
}

fn resolve(kdc: &str) -> io::Result<SocketAddr> {
    let kdc = kdc.strip_prefix("tcp/").unwrap_or(kdc);
    let bare = kdc
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(kdc);
    let has_port = kdc.contains("]:") || (!kdc.starts_with('[') && kdc.matches(':').count() == 1);
    let mut addresses = if has_port {
        kdc.to_socket_addrs()?
    } else {
        (bare, PORT).to_socket_addrs()?
    };
    addresses
        .next()
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn ask_one(address: &SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + ANSWER;
    let mut stream = TcpStream::connect_timeout(address, CONNECT)?;
    let length = u32::try_from(request.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(request);
    stream.set_write_timeout(Some(ANSWER))?;
    stream.write_all(&framed)?;
    let mut length = [0; 4];
    fill(&mut stream, &mut length, deadline)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MOST_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut reply = vec![0; length];
    fill(&mut stream, &mut reply, deadline)?;
    Ok(reply)
}

/// Fills the whole buffer before the deadline: a server that drips bytes does not hold us.
fn fill(stream: &mut TcpStream, mut buffer: &mut [u8], deadline: Instant) -> io::Result<()> {
    while !buffer.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => buffer = buffer.get_mut(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_realm() {
        let text = "[libdefaults]\n kdc = no\n[realms]\n A = {\n  kdc = a1\n }\n B.C = {\n  kdc = b1:88\n  kdc=b2\n  \
            admin_server = x\n }\n[domain_realm]\n kdc = no\n";
        assert_eq!(kdcs(text, "B.C"), ["b1:88", "b2"]);
        assert_eq!(kdcs(text, "A"), ["a1"]);
        assert!(kdcs(text, "C").is_empty());
    }

    #[test]
    fn addresses() {
        for (kdc, address) in [
            ("127.0.0.1", "127.0.0.1:88"),
            ("127.0.0.1:90", "127.0.0.1:90"),
            ("[::1]", "[::1]:88"),
            ("[::1]:90", "[::1]:90"),
            ("::1", "[::1]:88"),
        ] {
            assert_eq!(resolve(kdc).unwrap(), address.parse().unwrap(), "{kdc}");
        }
    }
}
