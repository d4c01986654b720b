//! The program as the PAM module runs it: as root, for a user who has nothing else here.
#![allow(missing_docs)]

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// `nobody` and `nogroup`.
const UID: u32 = 65_534;
const GID: u32 = 65_534;

const PROFILE: &str = "[libdefaults]
 default_realm = R.EXAMPLE
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 kdc_timesync = 0
[realms]
 R.EXAMPLE = {
  kdc = 127.0.0.1:1
 }
";

/// tests/run wants nothing left out where it is root.
fn left_out(needs: &str) {
    eprintln!("left out: needs {needs}");
    assert!(std::env::var_os("DOMLOGON_TEST_ALL").is_none());
}

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// A folder of the user's with a profile in it; `None` where the tests are not run by root.
    fn new() -> Option<Self> {
        if !nix::unistd::Uid::effective().is_root() {
            left_out("root");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("krb5.conf"), PROFILE).unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        chown(folder.path().join("home"), Some(UID), Some(GID)).unwrap();
        Some(Self { folder })
    }

    fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join("home").join(name)
    }

    fn command(&self, verb: &str, cache: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_domlogon-tickets"));
        command
            .arg("--profile")
            .arg(self.folder.path().join("krb5.conf"));
        command.args([verb, cache, &UID.to_string(), &GID.to_string()]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, verb: &str, cache: &str, input: &[u8]) -> Output {
        let mut child = self.command(verb, cache).spawn().unwrap();
        // It may end before it has read all.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    fn store(&self, path: &Path) -> Output {
        self.run("store", &name(path), &list(&[tgt("alice", Times::fresh())]))
    }
}

fn name(path: &Path) -> String {
    format!("FILE:{}", path.display())
}

fn ok(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// One line on stderr, nothing on stdout, exit status 1.
fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("domlogon-tickets: "), "{text}");
    text
}

#[derive(Clone, Copy)]
struct Times {
    starts: i64,
    ends: i64,
    until: i64,
}

impl Times {
    fn fresh() -> Self {
        let now = now();
        Self {
            starts: now,
            ends: now + 36_000,
            until: now + 600_000,
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}

fn principal(out: &mut Vec<u8>, parts: &[&str]) {
    out.extend(1u32.to_be_bytes());
    out.extend(u32::try_from(parts.len()).unwrap().to_be_bytes());
    counted(out, b"R.EXAMPLE");
    for part in parts {
        counted(out, part.as_bytes());
    }
}

/// A ticket-granting ticket in the format of the credential cache, version 4; renewable.
fn tgt(client: &str, times: Times) -> Vec<u8> {
    let mut out = Vec::new();
    principal(&mut out, &[client]);
    principal(&mut out, &["krbtgt", "R.EXAMPLE"]);
    out.extend(18u16.to_be_bytes());
    counted(&mut out, &[7; 32]);
    for time in [times.starts, times.starts, times.ends, times.until] {
        out.extend(u32::try_from(time).unwrap().to_be_bytes());
    }
    out.push(0);
    out.extend(0x40e1_0000u32.to_be_bytes());
    out.extend([0; 8]);
    counted(&mut out, b"a ticket that only its KDC can read");
    counted(&mut out, b"");
    out
}

fn list(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        out.extend(u32::try_from(entry.len()).unwrap().to_le_bytes());
        out.extend(entry);
    }
    out
}

#[test]
fn a_file_of_the_users() {
    let Some(scene) = Scene::new() else { return };
    let path = scene.home("krb5cc");
    assert_eq!(ok(&scene.store(&path)), format!("{}\n", name(&path)));
    let found = fs::symlink_metadata(&path).unwrap();
    assert_eq!(
        (found.uid(), found.gid(), found.mode() & 0o7777),
        (UID, GID, 0o600)
    );
    assert!(
        fs::read(&path)
            .unwrap()
            .windows(5)
            .any(|part| part == b"alice")
    );
    // Once more: another one takes its place.
    ok(&scene.store(&path));
    assert_ne!(fs::symlink_metadata(&path).unwrap().ino(), found.ino());
    assert_eq!(
        fs::read_dir(scene.home("")).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    assert_eq!(ok(&scene.run("destroy", &name(&path), b"")), "");
    assert!(!path.exists());
    ok(&scene.run("destroy", &name(&path), b""));
}

#[test]
fn a_unique_name() {
    let Some(scene) = Scene::new() else { return };
    let template = scene.home("krb5cc_65534_XXXXXX");
    let names: Vec<String> = (0..3).map(|_| ok(&scene.store(&template))).collect();
    for name in &names {
        let path = Path::new(name.trim_end().strip_prefix("FILE:").unwrap());
        let found = fs::symlink_metadata(path).unwrap();
        assert_eq!((found.uid(), found.mode() & 0o7777), (UID, 0o600));
        assert!(!name.contains("XXXXXX"));
    }
    assert!(names[0] != names[1] && names[1] != names[2]);
    assert_eq!(fs::read_dir(scene.home("")).unwrap().count(), 3);
}

#[test]
fn links_and_foreign_files_are_left_alone() {
    let Some(scene) = Scene::new() else { return };
    let secret = scene.folder.path().join("secret");
    fs::write(&secret, "of root").unwrap();

    let link = scene.home("link");
    symlink(&secret, &link).unwrap();
    assert!(failed(&scene.store(&link)).contains("no regular file"));
    assert!(failed(&scene.run("destroy", &name(&link), b"")).contains("no regular file"));

    let foreign = scene.home("foreign");
    fs::write(&foreign, "of root").unwrap();
    assert!(failed(&scene.store(&foreign)).contains("belongs to somebody else"));
    failed(&scene.run("destroy", &name(&foreign), b""));
    failed(&scene.run("renew", &name(&foreign), b""));

    let folder = scene.home("folder");
    fs::create_dir(&folder).unwrap();
    failed(&scene.store(&folder));

    // A folder that only root may write.
    let text = failed(&scene.store(&scene.folder.path().join("krb5cc")));
    assert!(text.contains("Permission denied"), "{text}");
    let text = failed(&scene.store(Path::new("/nonexistent-folder/krb5cc_XXXXXX")));
    assert!(text.contains("No such file"), "{text}");

    assert_eq!(fs::read_to_string(&secret).unwrap(), "of root");
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "of root");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn a_full_disk_keeps_the_old_cache() {
    let Some(scene) = Scene::new() else { return };
    let disk = scene.folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16k,mode=1777", "none"])
        .arg(&disk)
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        return left_out("to mount a file system");
    }
    let path = disk.join("krb5cc");
    ok(&scene.store(&path));
    let before = fs::read(&path).unwrap();
    let _ = fs::write(disk.join("filler"), vec![0; 16 * 1024]);
    let output = scene.store(&path);
    let after = fs::read(&path).unwrap();
    let left = fs::read_dir(&disk).unwrap().count();
    assert!(
        Command::new("umount")
            .arg(&disk)
            .status()
            .unwrap()
            .success()
    );
    println!("{}", failed(&output));
    assert_eq!(before, after);
    assert_eq!(left, 2);
}

#[test]
fn input_that_is_none() {
    let Some(scene) = Scene::new() else { return };
    let path = scene.home("krb5cc");
    let huge = vec![0x41; 3 << 20];
    for (input, text) in [
        (&b""[..], "too early"),
        (&b"\x05\0\0\0abc"[..], "too early"),
        (&b"\x03\0\0\0abc"[..], "no list of credentials"),
        (&b"\xff\xff\xff\x7fabc"[..], "too long"),
        (&huge[..], "too long"),
    ] {
        let told = failed(&scene.run("store", &name(&path), input));
        assert!(told.contains(text), "{told}");
    }
    assert_eq!(fs::read_dir(scene.home("")).unwrap().count(), 0);
}

#[test]
fn root_has_no_tickets() {
    let Some(scene) = Scene::new() else { return };
    let mut command = Command::new(env!("CARGO_BIN_EXE_domlogon-tickets"));
    command
        .args(["store", &name(&scene.home("x")), "0", "0"])
        .stdin(Stdio::null());
    assert!(failed(&command.output().unwrap()).contains("root has no tickets"));
}

#[test]
fn the_environment_is_not_read() {
    let Some(scene) = Scene::new() else { return };
    let trace = scene.folder.path().join("trace");
    let mut command = scene.command("store", &name(&scene.home("cc")));
    command
        .env("KRB5_TRACE", &trace)
        .env("KRB5_CONFIG", "/nonexistent")
        .env("KRB5CCNAME", "FILE:/x");
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&list(&[tgt("alice", Times::fresh())]))
        .unwrap();
    ok(&child.wait_with_output().unwrap());
    assert!(!trace.exists());
}

#[test]
fn help_goes_to_stdout() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_domlogon-tickets"));
    assert!(ok(&command.arg("--help").output().unwrap()).contains("Usage: domlogon-tickets store"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_domlogon-tickets"));
    assert!(failed(&command.output().unwrap()).contains("--help"));
}

/// The processes that stay behind for this cache.
fn staying(cache: &str) -> Vec<PathBuf> {
    let all = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()));
    all.filter(|path| {
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("renew-stay") && line.contains(cache)
    })
    .collect()
}

fn wait_until(what: &str, mut check: impl FnMut() -> bool) {
    let start = Instant::now();
    while !check() {
        assert!(start.elapsed() < Duration::from_secs(15), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn renew(scene: &Scene, cache: &str) -> (Child, Option<std::process::ChildStdin>) {
    let mut child = scene.command("renew", cache).spawn().unwrap();
    let pipe = child.stdin.take();
    let status = child.wait().unwrap();
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(status.success(), "{text}");
    (child, pipe)
}

#[test]
fn the_renewer_lives_as_long_as_the_session() {
    let Some(scene) = Scene::new() else { return };
    let cache = name(&scene.home("session"));
    ok(&scene.store(&scene.home("session")));
    let (_child, pipe) = renew(&scene, &cache);
    let found = staying(&cache);
    assert_eq!(found.len(), 1);
    let status = fs::read_to_string(found[0].join("status")).unwrap();
    for line in [
        "Uid:\t65534\t65534\t65534\t65534",
        "Gid:\t65534\t65534\t65534\t65534",
        "Groups:\t \n",
    ] {
        assert!(status.contains(line), "{status}");
    }
    // It may still be opening and closing what it starts with.
    wait_until("three descriptors", || {
        fs::read_dir(found[0].join("fd")).unwrap().count() == 3
    });
    assert_eq!(fs::read(found[0].join("environ")).unwrap(), b"");
    let stat = fs::read_to_string(found[0].join("stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let pid = found[0].file_name().unwrap().to_str().unwrap();
    assert_eq!(
        (fields[2], fields[3], fields[4]),
        (pid, pid, "0"),
        "a session of its own, no terminal"
    );
    // Its time of a processor is measured in hundredths of a second; it sleeps.
    let spent = |stat: &[&str]| stat[11].parse::<u64>().unwrap() + stat[12].parse::<u64>().unwrap();
    assert!(spent(&fields) < 20);
    drop(pipe);
    wait_until("it ends with the session", || staying(&cache).is_empty());
    assert!(
        scene.home("session").exists(),
        "whether the cache goes too is decided elsewhere"
    );
}

#[test]
fn what_cannot_be_renewed_is_told_at_once() {
    let Some(scene) = Scene::new() else { return };
    let cache = name(&scene.home("none"));
    assert!(failed(&scene.run("renew", &cache, b"")).contains("no ticket"));
    let ended = Times {
        starts: now() - 7200,
        ends: now() - 3600,
        until: now() + 3600,
    };
    let last = Times {
        starts: now(),
        ends: now() + 3600,
        until: now() + 3600,
    };
    for times in [ended, last] {
        ok(&scene.run("store", &cache, &list(&[tgt("alice", times)])));
        assert!(failed(&scene.run("renew", &cache, b"")).contains("no ticket"));
    }
}

#[test]
fn a_kdc_that_is_away_is_asked_again_later() {
    let Some(scene) = Scene::new() else { return };
    let cache = name(&scene.home("away"));
    let due = Times {
        starts: now() - 7200,
        ends: now() + 3600,
        until: now() + 600_000,
    };
    ok(&scene.run("store", &cache, &list(&[tgt("alice", due)])));
    let before = fs::read(scene.home("away")).unwrap();
    let (_child, pipe) = renew(&scene, &cache);
    std::thread::sleep(Duration::from_secs(1));
    let found = staying(&cache);
    assert_eq!(found.len(), 1);
    let state = fs::read_to_string(found[0].join("status")).unwrap();
    assert!(state.contains("State:\tS"), "{state}");
    assert_eq!(fs::read(scene.home("away")).unwrap(), before);
    drop(pipe);
    wait_until("it ends with the session", || staying(&cache).is_empty());
}

/// `DOMLOGON_TEST_DC=127.0.0.10`: a real KDC of CORP.EXAMPLE with the user `ok`.
#[test]
#[ignore = "needs a test DC"]
fn a_real_renewal() {
    let Some(scene) = Scene::new() else { return };
    let dc = std::env::var("DOMLOGON_TEST_DC").expect("DOMLOGON_TEST_DC names a test DC");
    let profile = PROFILE
        .replace("R.EXAMPLE", "CORP.EXAMPLE")
        .replace("127.0.0.1:1", &dc);
    fs::write(scene.folder.path().join("krb5.conf"), profile).unwrap();
    let first = scene.folder.path().join("first");
    let mut kinit = Command::new("kinit")
        .args(["-r", "7d", "-c", &name(&first), "ok@CORP.EXAMPLE"])
        .env("KRB5_CONFIG", scene.folder.path().join("krb5.conf"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    kinit
        .stdin
        .take()
        .unwrap()
        .write_all(b"Us3r-Lab-Pass\n")
        .unwrap();
    assert!(kinit.wait().unwrap().success());

    let context = domlogon_krb5::Context::new(&scene.folder.path().join("krb5.conf")).unwrap();
    let ticket = context.tickets_in(&name(&first)).unwrap().remove(0);
    // The same ticket with other times: to us it is past its half, to the KDC it is as good as before.
    let mut bytes = ticket.to_bytes().to_vec();
    let times = |starts: i64, ends: i64| -> Vec<u8> {
        [starts, starts, ends]
            .iter()
            .flat_map(|&time| u32::try_from(time).unwrap().to_be_bytes())
            .collect()
    };
    let old = times(ticket.starts_at().0, ticket.ends_at().0);
    let at = bytes
        .windows(old.len())
        .position(|part| part == old)
        .unwrap();
    bytes[at..at + old.len()].copy_from_slice(&times(now() - 7200, now() + 3600));

    let path = scene.home("real");
    let cache = name(&path);
    ok(&scene.run("store", &cache, &list(&[bytes])));
    let (_child, pipe) = renew(&scene, &cache);
    let ends = || {
        context
            .tickets_in(&cache)
            .map_or(0, |all| all.first().map_or(0, |one| one.ends_at().0))
    };
    wait_until("the ticket is renewed", || ends() > now() + 7200);
    let found = fs::symlink_metadata(&path).unwrap();
    assert_eq!((found.uid(), found.mode() & 0o7777), (UID, 0o600));
    assert_eq!(staying(&cache).len(), 1, "it goes on");

    // Another principal's tickets in the same place are none of its business.
    ok(&scene.run("store", &cache, &list(&[tgt("alice", Times::fresh())])));
    drop(pipe);
    wait_until("it ends", || staying(&cache).is_empty());
}
