//! What the tests share: a profile, and a line to a KDC over TCP.
#![allow(dead_code, missing_docs)]

use domlogon_krb5::Context;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const REALM: &str = "CORP.EXAMPLE";
pub(crate) const KDC: u16 = 88;
pub(crate) const KPASSWD: u16 = 464;

/// A profile with no server that could answer: what arrives there went through the closure. (For a renewal the
/// library wants a KDC to be named, though it does not call it.)
pub(crate) const PROFILE: &str = "[libdefaults]
 default_realm = CORP.EXAMPLE
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 kdc_timesync = 0
[realms]
 CORP.EXAMPLE = {
  kdc = 127.0.0.1:1
 }
";

pub(crate) struct Scene {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) context: Context,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("krb5.conf");
        std::fs::write(&profile, PROFILE).unwrap();
        let context = Context::new(&profile).unwrap();
        Self { folder, context }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The host of the test DC, and what is added to its port numbers: `DOMLOGON_TEST_DC=127.0.0.10` or
/// `127.0.0.1:10000`.
pub(crate) fn dc() -> (String, u16) {
    let text = std::env::var("DOMLOGON_TEST_DC").expect("DOMLOGON_TEST_DC names a test DC");
    match text.split_once(':') {
        Some((host, base)) => (host.to_owned(), base.parse().unwrap()),
        None => (text, 0),
    }
}

/// The folder of the test DC, where it runs on this host: its data lie in `dc` there.
pub(crate) fn lab() -> PathBuf {
    std::env::var_os("DOMLOGON_TEST_LAB")
        .expect("DOMLOGON_TEST_LAB names the DC's folder")
        .into()
}

/// One request and one reply over TCP.
pub(crate) fn ask(port: u16, request: &[u8]) -> io::Result<Vec<u8>> {
    let (host, base) = dc();
    let address = (host, base + port).to_socket_addrs()?.next().unwrap();
    let wait = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, wait)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(wait))?;
    stream.set_write_timeout(Some(wait))?;
    let mut framed = u32::try_from(request.len()).unwrap().to_be_bytes().to_vec();
    framed.extend_from_slice(request);
    stream.write_all(&framed)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    assert!(length < 1 << 20);
    let mut reply = vec![0; length];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}

pub(crate) fn kdc(request: &[u8]) -> io::Result<Vec<u8>> {
    ask(KDC, request)
}

pub(crate) fn kpasswd(request: &[u8]) -> io::Result<Vec<u8>> {
    ask(KPASSWD, request)
}

/// Runs `samba-tool` on the DC's own database, and returns what it printed.
pub(crate) fn samba_tool(arguments: &[&str]) -> String {
    let lab = lab();
    let output = std::process::Command::new("/usr/bin/samba-tool")
        .args(arguments)
        .arg("-s")
        .arg(lab.join("dc/etc/smb.conf"))
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn database() -> String {
    lab().join("dc/private/sam.ldb").display().to_string()
}

/// A user or computer of this test's own, removed at the end.
pub(crate) struct Own {
    kind: &'static str,
    pub(crate) name: String,
}

impl Own {
    pub(crate) fn user(name: &str, password: &str) -> Self {
        let own = Self {
            kind: "user",
            name: name.to_owned(),
        };
        own.remove();
        samba_tool(&["user", "create", name, password, "-H", &database()]);
        own
    }

    pub(crate) fn computer(name: &str, services: &[&str]) -> Self {
        let own = Self {
            kind: "computer",
            name: name.to_owned(),
        };
        own.remove();
        let database = database();
        let mut arguments = vec!["computer", "create", name, "-H", &database];
        let services: Vec<String> = services
            .iter()
            .map(|s| format!("--service-principal-name={s}"))
            .collect();
        arguments.extend(services.iter().map(String::as_str));
        samba_tool(&arguments);
        let account = format!("{name}$");
        samba_tool(&[
            "user",
            "setpassword",
            &account,
            "--newpassword=Computers-Pass-1",
            "-H",
            &database,
        ]);
        samba_tool(&["user", "enable", &account, "-H", &database]);
        own
    }

    fn remove(&self) {
        let lab = lab();
        let _ = std::process::Command::new("/usr/bin/samba-tool")
            .args([self.kind, "delete", &self.name, "-H", &database(), "-s"])
            .arg(lab.join("dc/etc/smb.conf"))
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The DC's lines about attempts of `user` that were logged behind `from` bytes.
pub(crate) fn attempts(user: &str, from: u64) -> Vec<String> {
    std::thread::sleep(Duration::from_millis(300));
    let text = std::fs::read(log()).unwrap();
    let text = String::from_utf8_lossy(&text[usize::try_from(from).unwrap()..]).into_owned();
    text.lines()
        .filter(|line| line.contains("Auth: [Kerberos KDC") && line.contains(user))
        .map(str::to_owned)
        .collect()
}

pub(crate) fn log_length() -> u64 {
    std::fs::metadata(log()).unwrap().len()
}

fn log() -> PathBuf {
    lab().join("dc/log/samba.log")
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A KRB-ERROR (RFC 4120 §5.9.1) with this number and these additional data.
pub(crate) fn forged_error(code: u8, e_data: &[u8]) -> Vec<u8> {
    fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
        let mut out = vec![tag, u8::try_from(contents.len()).unwrap()];
        out.extend_from_slice(contents);
        out
    }
    let name = [
        tlv(0xa0, &tlv(2, &[1])),
        tlv(0xa1, &tlv(0x30, &tlv(0x1b, b"x"))),
    ]
    .concat();
    let fields = [
        tlv(0xa0, &tlv(2, &[5])),
        tlv(0xa1, &tlv(2, &[30])),
        tlv(0xa4, &tlv(0x18, b"20260101000000Z")),
        tlv(0xa5, &tlv(2, &[0])),
        tlv(0xa6, &tlv(2, &[code])),
        tlv(0xa9, &tlv(0x1b, b"R")),
        tlv(0xaa, &tlv(0x30, &name)),
        tlv(0xac, &tlv(4, e_data)),
    ]
    .concat();
    tlv(0x7e, &tlv(0x30, &fields))
}
