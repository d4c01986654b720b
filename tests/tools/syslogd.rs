//! `sandbox-syslogd SOCKET FILE`: write every datagram that arrives on SOCKET to FILE, a line
//! each. The smallest syslog that the programs under test are content with.

#![forbid(unsafe_code)]

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(socket), Some(file)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: sandbox-syslogd SOCKET FILE");
        return ExitCode::from(2);
    };
    match collect(&socket, &file) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("sandbox-syslogd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn collect(socket: &PathBuf, file: &PathBuf) -> io::Result<std::convert::Infallible> {
    let mut log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o640)
        .open(file)?;
    let inbox = UnixDatagram::bind(socket)?;
    fs::set_permissions(socket, Permissions::from_mode(0o666))?;
    let mut datagram = vec![0; 64 * 1024];
    loop {
        let length = inbox.recv(&mut datagram)?;
        let mut line: Vec<u8> = datagram
            .iter()
            .copied()
            .take(length)
            .filter(|&byte| byte != 0)
            .collect();
        while line.last() == Some(&b'\n') {
            line.pop();
        }
        line.push(b'\n');
        log.write_all(&line)?;
    }
}
