//! Why no domain controller was found.

use core::fmt;
use hickory_proto::op::ResponseCode;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why no domain controller was found.
#[derive(Debug)]
pub enum DnsError {
    /// The file with the nameservers cannot be read.
    File(PathBuf, io::Error),
    /// The DNS knows no controllers under this name.
    NoControllers(String),
    /// Nobody could be asked for this name.
    NotAnswered(String, Trouble),
    /// None of these names has an address, or nobody could be asked for it.
    NoAddress(Vec<String>, Option<Trouble>),
}

/// What kept a nameserver from answering.
#[derive(Debug)]
pub enum Trouble {
    /// Not a name that the DNS can hold.
    Name,
    /// It did not answer in time.
    Silent(SocketAddr),
    /// It could not be reached.
    Unreachable(SocketAddr, io::Error),
    /// It answered that it cannot.
    Failed(SocketAddr, ResponseCode),
    /// Its answer is not whole, or not an answer to what was asked.
    Broken(SocketAddr),
    /// There was no time left to ask.
    TooLate,
    /// The kernel gave no random numbers: without them anybody could answer.
    Random,
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(
                f,
                "The nameservers of this host cannot be read from {}: {error}. \
                 Or name the domain controllers: --server, or directory.servers.",
                path.display()
            ),
            Self::NoControllers(name) => write!(
                f,
                "The DNS knows no domain controllers: there are no SRV records {name}. \
                 Is the name of the domain right? This host has to ask a nameserver that knows \
                 the domain, which most often is a domain controller: see /etc/resolv.conf."
            ),
            Self::NotAnswered(name, trouble) => write!(
                f,
                "The domain controllers could not be looked up ({name}): {trouble}. \
                 See the nameservers in /etc/resolv.conf."
            ),
            Self::NoAddress(names, trouble) => {
                write!(f, "No address was found for {}", names.join(", "))?;
                if let Some(trouble) = trouble {
                    write!(f, ": {trouble}")?;
                }
                f.write_str(". See the nameservers in /etc/resolv.conf, or write it to /etc/hosts.")
            }
        }
    }
}

impl core::error::Error for DnsError {}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("that is not a name that the DNS can hold"),
            Self::Silent(server) => write!(f, "the nameserver {server} did not answer in time"),
            Self::Unreachable(server, error) => {
                write!(f, "the nameserver {server} cannot be reached: {error}")
            }
            Self::Failed(server, code) => write!(f, "the nameserver {server} answered: {code}"),
            Self::Broken(server) => {
                write!(
                    f,
                    "the nameserver {server} gave an answer that is not whole"
                )
            }
            Self::TooLate => f.write_str("there was no time left to ask"),
            Self::Random => f.write_str("the system gave no random numbers"),
        }
    }
}
