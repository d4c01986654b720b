//! `resolv.conf` and `hosts`.

use super::error::DnsError;
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::path::Path;

/// As many as libc asks [resolv.conf(5), MAXNS].
const MOST_NAMESERVERS: usize = 3;

/// No file of these that is longer is read to its end.
const LONGEST: u64 = 1024 * 1024;

/// The nameservers, in their order. As for libc, none means that one runs on this host.
pub(super) fn nameservers(path: &Path, port: u16) -> Result<Vec<SocketAddr>, DnsError> {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(DnsError::File(path.to_owned(), error)),
    };
    let mut found: Vec<SocketAddr> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            words.next().filter(|word| *word == "nameserver")?;
            address(words.next()?, port)
        })
        .take(MOST_NAMESERVERS)
        .collect();
    if found.is_empty() {
        found.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    Ok(found)
}

fn address(text: &str, port: u16) -> Option<SocketAddr> {
    match text.split_once('%') {
        None => Some(SocketAddr::new(text.parse().ok()?, port)),
        Some((address, scope)) => {
            let number = scope.parse().ok().or_else(|| interface(scope))?;
            Some(SocketAddrV6::new(address.parse().ok()?, port, 0, number).into())
        }
    }
}

/// The number of a network interface.
fn interface(name: &str) -> Option<u32> {
    let is_name = !name.is_empty() && !name.starts_with('.') && !name.contains('/');
    let path = Path::new("/sys/class/net").join(name).join("ifindex");
    let number = fs::read_to_string(path).ok().filter(|_| is_name)?;
    number.trim().parse().ok()
}

/// The names of `hosts`.
pub(super) struct Hosts(Vec<(IpAddr, Vec<String>)>);

impl Hosts {
    /// The addresses of a name in small letters; `None` if the file does not name it.
    pub(super) fn addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
        let lines = self.0.iter();
        let found: Vec<IpAddr> = lines
            .filter(|(_, names)| names.iter().any(|known| known == name))
            .map(|(address, _)| *address)
            .collect();
        (!found.is_empty()).then_some(found)
    }
}

/// A file that cannot be read names nobody: the DNS is asked.
pub(super) fn hosts(path: &Path) -> Hosts {
    let text = read(path).unwrap_or_default();
    let entry = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        Some((address, words.map(str::to_lowercase).collect()))
    };
    Hosts(text.lines().filter_map(entry).collect())
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nameservers_of(text: &str) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let found = nameservers(file.path(), 53).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nameservers_as_libc_reads_them() {
        let text = "# nameserver 1.1.1.1\nsearch corp.example\n\
                    nameserver\t192.0.2.1 # first\nnameserver 2001:db8::1\nnameserver x\n\
                    nameserver fe80::1%7\noptions rotate\nnameserver 192.0.2.4\n";
        assert_eq!(
            nameservers_of(text),
            ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%7]:53"]
        );
        assert_eq!(nameservers_of(""), ["127.0.0.1:53"]);
        let none = nameservers(Path::new("/nowhere/resolv.conf"), 53).unwrap();
        assert_eq!(none.len(), 1);
        assert!(nameservers(Path::new("/"), 53).is_err());
        assert_eq!(interface("../../etc"), None);
    }

    #[test]
    fn names_of_hosts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "127.0.0.1 localhost\n# 192.0.2.9 dc1\nx y\n\
                    192.0.2.1\tDC1.corp.example dc1 # the first\n2001:db8::1 dc1.corp.example\n";
        fs::write(file.path(), text).unwrap();
        let found = hosts(file.path());
        assert_eq!(found.addresses("dc1.corp.example").unwrap().len(), 2);
        assert_eq!(found.addresses("dc1").unwrap().len(), 1);
        assert_eq!(found.addresses("the"), None);
        assert!(
            hosts(Path::new("/nowhere"))
                .addresses("localhost")
                .is_none()
        );
    }
}
