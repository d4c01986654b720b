//! Joining, asking, changing the password and leaving at a real controller.
//!
//! `DOMLOGON_TEST_DC` is its address; `DOMLOGON_TEST_DOMAIN`, `DOMLOGON_TEST_ADMIN` and
//! `DOMLOGON_TEST_PASSWORD` say the rest. The accounts that are made here begin with `HJ`,
//! and are deleted again.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use domlogon_ad::dns::Resolver;
use domlogon_ad::join::{
    self, Authority, Found, Gone, How, Joined, Left, Place, Subject, System, Unusable, Why, Wish,
};
use domlogon_ad::machine::{self, Machine, Which};
use domlogon_ad::rotation::{self, Rotated, RotationError, Wire};
use domlogon_krb5::Context;
use domlogon_protocol::{Secret, Timestamp};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// One at a time: GSSAPI has one profile and one cache for a process.
static TURN: Mutex<()> = Mutex::new(());
static WORK: OnceLock<PathBuf> = OnceLock::new();

fn setting(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_secs()).unwrap())
}

struct Host {
    name: String,
    host: String,
    domain: String,
    dc: IpAddr,
    folder: tempfile::TempDir,
    resolver: Resolver,
    _turn: MutexGuard<'static, ()>,
}

fn host(name: &str) -> Host {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let work = WORK.get_or_init(|| {
        let work = tempfile::tempdir().unwrap().keep();
        domlogon_krb5::process_defaults(&work.join("krb5.conf"), join::CACHE);
        work
    });
    let dc = setting("DOMLOGON_TEST_DC", "127.0.0.10");
    let dc = dc.split(' ').next().unwrap();
    let resolv_conf = work.join("resolv.conf");
    fs::write(&resolv_conf, format!("nameserver {dc}\n")).unwrap();
    let domain = setting("DOMLOGON_TEST_DOMAIN", "corp.example");
    Host {
        name: name.to_owned(),
        host: format!("{}.{domain}", name.to_lowercase()),
        dc: dc.parse().unwrap(),
        domain,
        folder: tempfile::tempdir().unwrap(),
        resolver: Resolver {
            resolv_conf,
            hosts: work.join("hosts"),
            ..Resolver::default()
        },
        _turn: turn,
    }
}

impl Host {
    fn place(&self) -> Place<'_> {
        Place {
            realm: self.domain.to_uppercase(),
            dns_name: self.domain.clone(),
            name: &self.name,
            host: &self.host,
            servers: &[],
            site: None,
            state: self.state(),
            profile: Box::leak(Box::new(WORK.get().unwrap().join("krb5.conf"))),
            resolver: &self.resolver,
        }
    }

    fn state(&self) -> &Path {
        self.folder.path()
    }

    fn join(&self, take_over: bool) -> Result<Joined, join::JoinError> {
        join::join(&self.place(), &wish(take_over), &administrator())
    }

    fn machine(&self) -> Machine {
        Machine::load(self.state()).unwrap()
    }

    fn context(&self) -> Context {
        Context::new(self.place().profile).unwrap()
    }

    fn wire(&self) -> ToDc {
        ToDc {
            address: self.dc,
            lose: Lose::Nothing,
            forge: None,
            told: false,
            after: 0,
        }
    }

    /// Which of the passwords lets the host in, and that its keytab opens its tickets.
    fn works(&self) -> Which {
        let machine = self.machine();
        let mut wire = self.wire();
        let context = self.context();
        let mut kdc = |request: &[u8]| wire.kdc(request);
        let (tgt, which) = rotation::credentials(&machine, &context, &mut kdc).unwrap();
        let service = format!("host/{}@{}", machine.host, machine.realm);
        let ticket = context.ticket(&tgt, &service, &mut kdc).unwrap();
        context
            .verify(&ticket, &service, &Machine::keytab(self.state()))
            .unwrap();
        which
    }

    fn rotate(&self, wire: &mut dyn Wire) -> Result<Rotated, RotationError> {
        let mut machine = self.machine();
        rotation::rotate(&self.context(), &mut machine, self.state(), wire, now())
    }

    fn delete(&self) {
        if let Ok(machine) = Machine::load(self.state()) {
            join::leave(&self.place(), &machine, Some(&administrator())).unwrap();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            if let Ok(machine) = Machine::load(self.state()) {
                let _ = join::leave(&self.place(), &machine, Some(&administrator()));
            }
        }
    }
}

fn wish(take_over: bool) -> Wish<'static> {
    Wish {
        ou: None,
        take_over,
        system: System {
            name: "Test GNU/Linux".to_owned(),
            version: Some("12".to_owned()),
        },
        now: now(),
    }
}

fn administrator() -> Authority {
    let password = setting("DOMLOGON_TEST_PASSWORD", "Adm1n-Lab-Pass");
    Authority::Administrator {
        user: setting("DOMLOGON_TEST_ADMIN", "Administrator"),
        password: Secret::new(password.as_bytes()),
    }
}

/// Where a rotation is cut off.
#[derive(Clone, Copy, PartialEq)]
enum Lose {
    Nothing,
    /// The request for the change.
    Change,
    /// The answer to it: the controller has the new password.
    Answer,
    /// The same, and what is answered is what the controller says of the same request in a frame
    /// of another version: a sealed refusal.
    Truth,
    /// The first logon after the change, or the next exchange.
    After(u32),
}

struct ToDc {
    address: IpAddr,
    lose: Lose,
    /// The number that is written on tickets in place of the true one.
    forge: Option<u8>,
    told: bool,
    after: u32,
}

impl ToDc {
    fn exchange(&self, port: u16, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((self.address, port))?;
        let length = u32::try_from(request.len()).unwrap();
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(request)?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut reply = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        stream.read_exact(&mut reply)?;
        Ok(reply)
    }
}

/// Takes the armour from a request for a service, so that the reply has none: by the number of
/// what it is in (PA-FX-FAST), which becomes one that nobody knows.
fn take_armour(request: &mut [u8]) {
    const ARMOUR: [u8; 6] = [0xa1, 4, 2, 2, 0, 136];
    let mut windows = request.windows(ARMOUR.len());
    if let Some(at) = windows.position(|window| window == ARMOUR) {
        request[at + 5] = 120;
    }
}

/// Writes a number on the ticket in a reply for a service.
fn forge(reply: &mut [u8], number: u8) {
    // The ticket is sealed with AES256, and what follows is the number.
    const BEFORE: [u8; 9] = [0xa0, 3, 2, 1, 18, 0xa1, 3, 2, 1];
    if reply[0] == 0x6d {
        let mut windows = reply.windows(BEFORE.len());
        let at = windows.position(|window| window == BEFORE).unwrap();
        assert_ne!(reply[at + BEFORE.len()], number);
        reply[at + BEFORE.len()] = number;
    }
}

impl Wire for ToDc {
    fn kdc(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        if self.told {
            self.after += 1;
            if self.lose == Lose::After(self.after) {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        }
        let Some(number) = self.forge else {
            return self.exchange(88, request);
        };
        let mut request = request.to_vec();
        take_armour(&mut request);
        let mut reply = self.exchange(88, &request)?;
        forge(&mut reply, number);
        Ok(reply)
    }

    fn kpasswd(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        if self.lose == Lose::Change {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let reply = self.exchange(464, request)?;
        self.told = true;
        if self.lose == Lose::Truth {
            let mut again = request.to_vec();
            again[2..4].copy_from_slice(&[0xff, 0x80]);
            return self.exchange(464, &again);
        }
        if self.lose == Lose::Answer {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(reply)
    }
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn a_host_joins_is_asked_and_leaves() {
    let host = host("HJJOIN1");
    assert_eq!(join::resume(&host.place(), false, now()).unwrap(), None);
    let joined = host.join(false).unwrap();
    assert_eq!(joined.how, How::Created);
    assert_eq!(
        (joined.domain.as_str(), joined.account.as_str()),
        ("CORP", "HJJOIN1$")
    );
    assert_eq!(joined.site.as_deref(), Some("Default-First-Site-Name"));
    assert_eq!(
        joined.dn.as_deref(),
        Some("CN=HJJOIN1,CN=Computers,DC=corp,DC=example")
    );
    assert_eq!(host.works(), Which::Current);
    let left = fs::read_dir(host.state()).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [machine::FILE, machine::KEYTAB]);

    let checks = join::report(
        &host.place(),
        join::Expected {
            rotate: Some(30 * 86_400),
            now: now(),
        },
    );
    for check in &checks {
        assert!(matches!(check.found, Found::Good(_)), "{check:?}");
    }
    assert_eq!(checks.len(), 10, "{checks:?}");

    // Said twice, it is done once.
    let again = join::resume(&host.place(), false, now()).unwrap().unwrap();
    assert_eq!((again.how, again.account), (How::Already, joined.account));

    let machine = host.machine();
    let gone = join::leave(&host.place(), &machine, Some(&administrator())).unwrap();
    assert_eq!(gone, Gone::Deleted);
    let refused = join::leave(&host.place(), &machine, None).unwrap_err();
    assert!(
        matches!(*refused.why, Why::Unknown | Why::Password),
        "{refused}"
    );
    let checks = join::report(
        &host.place(),
        join::Expected {
            rotate: None,
            now: now(),
        },
    );
    let last = checks.last().unwrap();
    assert!(
        last.subject == Subject::LogOn && matches!(last.found, Found::Bad(..)),
        "{checks:?}"
    );
    Machine::forget(host.state()).unwrap();
    assert_eq!(fs::read_dir(host.state()).unwrap().count(), 0);
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn what_is_wrong_is_told_and_leaves_nothing() {
    let mut host = host("HJWRONG1");
    let failed = |host: &Host, wish: &Wish<'_>, authority: &Authority| {
        let error = join::join(&host.place(), wish, authority).unwrap_err();
        assert_eq!(error.left, Left::Nothing, "{error}");
        assert_eq!(fs::read_dir(host.state()).unwrap().count(), 0, "{error}");
        *error.why
    };
    let user = |user: &str, password: &str| Authority::Administrator {
        user: user.to_owned(),
        password: Secret::new(password.as_bytes()),
    };
    let plain = wish(false);
    // By now others may have locked it.
    assert!(matches!(
        failed(&host, &plain, &user("wrongpw", "not this one")),
        Why::Password | Why::Unusable(Unusable::Locked)
    ));
    assert!(matches!(
        failed(&host, &plain, &user("nobody-of-this-name", "x")),
        Why::Password
    ));
    assert!(matches!(
        failed(&host, &plain, &user("OTHER\\Administrator", "x")),
        Why::OtherDomain(_)
    ));
    let nowhere = Wish {
        ou: Some("OU=Nowhere"),
        ..wish(false)
    };
    assert!(matches!(
        failed(&host, &nowhere, &administrator()),
        Why::NoSuchUnit(dn) if dn == "OU=Nowhere,DC=corp,DC=example"
    ));
    let odd = Wish {
        ou: Some("Servers"),
        ..wish(false)
    };
    assert!(matches!(
        failed(&host, &odd, &administrator()),
        Why::NoSuchUnit(_)
    ));
    let one_time = Authority::OneTime(Secret::new(b"Unknown-1"));
    assert!(matches!(
        failed(&host, &plain, &one_time),
        Why::NotPrepared(_)
    ));
    host.name = "HJ-A-NAME-TOO-LONG".to_owned();
    assert!(matches!(
        failed(&host, &plain, &administrator()),
        Why::LongName(_)
    ));
    host.name = "DC1".to_owned();
    assert!(matches!(
        failed(&host, &wish(true), &administrator()),
        Why::IsController(_)
    ));
    host.name = "HJWRONG1".to_owned();
    host.domain = "other.example".to_owned();
    assert!(matches!(
        failed(&host, &plain, &administrator()),
        Why::Dns(_)
    ));
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn an_account_that_is_in_use_is_not_taken_by_accident() {
    let host = host("HJTAKE1");
    host.join(false).unwrap();
    assert_eq!(host.works(), Which::Current);
    // The same name from a host that knows nothing of the account.
    let lost = Machine::load(host.state()).unwrap();
    Machine::forget(host.state()).unwrap();
    let refused = host.join(false).unwrap_err();
    assert!(matches!(&*refused.why, Why::Exists(_, Some(name)) if *name == host.host));
    assert_eq!(host.join(true).unwrap().how, How::TakenOver);
    assert_eq!(host.works(), Which::Current);
    assert!(host.machine().current.kvno > lost.current.kvno);

    // Said of the host that has it, it gives another password.
    let leaked = host.machine();
    assert_eq!(join::resume(&host.place(), true, now()).unwrap(), None);
    assert_eq!(host.join(true).unwrap().how, How::TakenOver);
    assert_eq!(host.works(), Which::Current);
    assert!(host.machine().current.kvno > leaked.current.kvno);
    // Cut off after the directory knew, it is only finished.
    let unfinished = host.state().join("machine.joining");
    fs::rename(Machine::file(host.state()), &unfinished).unwrap();
    leaked.store(host.state()).unwrap();
    let resumed = join::resume(&host.place(), true, now()).unwrap().unwrap();
    assert_eq!(resumed.how, How::Finished);
    assert_eq!(host.works(), Which::Current);
    let new = host.machine().current.password;
    assert_ne!(new.expose(), leaked.current.password.expose());
    assert!(!unfinished.exists());

    // Left by its own right, it may be taken again.
    let gone = join::leave(&host.place(), &host.machine(), None).unwrap();
    assert!(matches!(gone, Gone::Disabled | Gone::Closed), "{gone:?}");
    let checks = join::report(
        &host.place(),
        join::Expected {
            rotate: None,
            now: now(),
        },
    );
    assert!(
        matches!(checks.last().unwrap().found, Found::Bad(..)),
        "{checks:?}"
    );
    assert_eq!(host.join(true).unwrap().how, How::TakenOver);
    host.delete();
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn a_join_that_fails_takes_back_what_it_made() {
    let host = host("HJBACK1");
    // The keytab cannot be written: by then the account is there.
    let keytab = Machine::keytab(host.state());
    fs::create_dir_all(keytab.join("in the way")).unwrap();
    let error = host.join(false).unwrap_err();
    assert!(matches!(&*error.why, Why::Machine(_)), "{error}");
    assert_eq!(error.left, Left::Nothing);
    fs::remove_dir_all(&keytab).unwrap();
    assert_eq!(fs::read_dir(host.state()).unwrap().count(), 0);
    assert_eq!(host.join(false).unwrap().how, How::Created);
    host.delete();
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn a_controller_that_is_down_is_passed_over() {
    let mut host = host("HJDOWN1");
    let hosts = WORK.get().unwrap().join("hosts-with-one-down");
    let down = format!("127.0.0.99 down.{}\n", host.domain);
    fs::write(&hosts, down).unwrap();
    host.resolver.hosts = hosts;
    let servers = [
        format!("down.{}", host.domain),
        format!("dc1.{}", host.domain),
    ];
    let mut place = host.place();
    place.servers = &servers;
    let joined = join::join(&place, &wish(false), &administrator()).unwrap();
    assert_eq!(joined.server, servers[1]);
    place.servers = &servers[..1];
    let error = join::resume(&place, false, now()).unwrap_err();
    assert!(matches!(&*error.why, Why::Unreachable(name, _) if *name == servers[0]));
    let expected = join::Expected {
        rotate: None,
        now: now(),
    };
    let checks = join::report(&place, expected);
    assert!(
        matches!(checks.last().unwrap().found, Found::Unknown(_)),
        "{checks:?}"
    );
    host.delete();
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn joining_again_mends_the_keytab() {
    let host = host("HJMEND1");
    host.join(false).unwrap();
    fs::write(Machine::keytab(host.state()), b"\x05\x02").unwrap();
    let expected = join::Expected {
        rotate: None,
        now: now(),
    };
    let broken = join::report(&host.place(), expected);
    let bad = |checks: &[join::Check]| -> Vec<Subject> {
        let bad = checks.iter().filter(|c| !matches!(c.found, Found::Good(_)));
        bad.map(|check| check.subject).collect()
    };
    assert_eq!(bad(&broken), [Subject::Keytab]);
    let mended = join::resume(&host.place(), false, now()).unwrap().unwrap();
    assert_eq!(mended.how, How::Already);
    assert!(bad(&join::report(&host.place(), expected)).is_empty());
    assert_eq!(host.works(), Which::Current);
    host.delete();
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn a_join_that_was_cut_off_is_gone_on_with() {
    let host = host("HJHALF1");
    host.join(false).unwrap();
    // As if the host had lost power after the directory knew, and before its files were
    // written.
    fs::rename(
        Machine::file(host.state()),
        host.state().join("machine.joining"),
    )
    .unwrap();
    fs::remove_file(Machine::keytab(host.state())).unwrap();
    let resumed = join::resume(&host.place(), false, now()).unwrap().unwrap();
    assert_eq!(resumed.how, How::Finished);
    assert_eq!(host.works(), Which::Current);
    assert!(!host.state().join("machine.joining").exists());
    host.delete();
    // Before the directory knew, an administrator has to be asked.
    fs::rename(
        Machine::file(host.state()),
        host.state().join("machine.joining"),
    )
    .unwrap();
    assert_eq!(join::resume(&host.place(), false, now()).unwrap(), None);
    assert_eq!(host.join(false).unwrap().how, How::Created);
    host.delete();
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn an_account_made_in_advance_needs_no_administrator() {
    let host = host("HJONCE1");
    // Made in advance: an account with a password that somebody was told.
    host.join(false).unwrap();
    let one_time = host.machine().current.password;
    Machine::forget(host.state()).unwrap();
    let authority = Authority::OneTime(one_time);
    let joined = join::join(&host.place(), &wish(false), &authority).unwrap();
    assert_eq!(joined.how, How::Prepared);
    assert_eq!(host.works(), Which::Current);
    // It serves once.
    let other = tempfile::tempdir().unwrap();
    let mut place = host.place();
    place.state = other.path();
    let refused = join::join(&place, &wish(false), &authority).unwrap_err();
    assert!(matches!(*refused.why, Why::NotPrepared(_)));
    host.delete();
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn no_failure_of_a_rotation_loses_the_host() {
    let host = host("HJROT1");
    host.join(false).unwrap();
    let first = host.machine();

    assert_eq!(host.rotate(&mut host.wire()).unwrap(), Rotated::Changed);
    let second = host.machine();
    assert_eq!(second.current.kvno, first.current.kvno + 1);
    let kept = second.previous.as_ref().unwrap();
    assert_eq!(kept.password.expose(), first.current.password.expose());
    assert!(second.pending.is_none());
    assert_eq!(host.works(), Which::Current);

    let cuts = [
        (Lose::Change, Which::Current),
        (Lose::Answer, Which::Pending),
        (Lose::Truth, Which::Pending),
        (Lose::After(1), Which::Pending),
        (Lose::After(2), Which::Pending),
    ];
    for (lose, works) in cuts {
        let before = host.machine();
        let mut wire = host.wire();
        wire.lose = lose;
        host.rotate(&mut wire).unwrap_err();
        let cut = host.machine();
        assert!(cut.pending.is_some());
        assert_eq!(cut.current.kvno, before.current.kvno);
        assert!(rotation::is_due(&cut, None, now()));
        assert_eq!(host.works(), works);
        // The next start goes on from there.
        let expected = match works {
            Which::Pending => Rotated::Finished,
            _ => Rotated::Changed,
        };
        assert_eq!(host.rotate(&mut host.wire()).unwrap(), expected);
        let done = host.machine();
        assert!(done.pending.is_none());
        assert_eq!(done.current.kvno, before.current.kvno + 1);
        assert_eq!(host.works(), Which::Current);
    }

    // The keys of a new one cannot be written: no controller hears of it, however often.
    let blocked = Machine::keytab(host.state()).with_extension("keytab.new");
    fs::create_dir_all(blocked.join("x")).unwrap();
    for _ in 0..2 {
        let failed = host.rotate(&mut host.wire());
        assert!(matches!(failed, Err(RotationError::Machine(_))));
        assert!(host.machine().pending.is_some());
        assert_eq!(host.works(), Which::Current);
    }
    fs::remove_dir_all(&blocked).unwrap();
    assert_eq!(host.rotate(&mut host.wire()).unwrap(), Rotated::Changed);
    assert_eq!(host.works(), Which::Current);
    // Nor can they be afterwards: they are there already, and open the host's tickets.
    let mut wire = Blocking {
        wire: host.wire(),
        path: blocked.clone(),
    };
    let failed = host.rotate(&mut wire);
    assert!(matches!(failed, Err(RotationError::Changed(_))));
    assert_eq!(host.works(), Which::Pending);
    fs::remove_dir(&blocked).unwrap();
    assert_eq!(host.rotate(&mut host.wire()).unwrap(), Rotated::Finished);
    assert_eq!(host.works(), Which::Current);

    // The keytab is written, and the file cannot be.
    let before = host.machine();
    let mut machine = host.machine();
    let blocked = host.state().join("machine.json.new");
    let mut wire = Blocking {
        wire: host.wire(),
        path: blocked.clone(),
    };
    let failed = rotation::rotate(
        &host.context(),
        &mut machine,
        host.state(),
        &mut wire,
        now(),
    );
    assert!(matches!(failed, Err(RotationError::Changed(_))));
    fs::remove_dir(&blocked).unwrap();
    assert_eq!(host.works(), Which::Pending);
    // What the daemon does when it sees that the new one works.
    let mut machine = host.machine();
    let context = host.context();
    let mut wire = host.wire();
    let mut kdc = |request: &[u8]| wire.kdc(request);
    let (tgt, which) = rotation::credentials(&machine, &context, &mut kdc).unwrap();
    rotation::settle(
        &context,
        &mut machine,
        host.state(),
        (&tgt, which),
        &mut kdc,
    )
    .unwrap();
    assert_eq!(host.machine().current.kvno, before.current.kvno + 1);
    assert_eq!(host.works(), Which::Current);

    // A controller that has not heard of the change yet.
    let mut behind = host.machine();
    behind.previous = Some(behind.current.clone());
    behind.current.password = Secret::new(b"not known there yet");
    behind.store(host.state()).unwrap();
    let mut wire = host.wire();
    let (_, which) =
        rotation::credentials(&behind, &context, &mut |request| wire.kdc(request)).unwrap();
    assert_eq!(which, Which::Previous);
    assert_eq!(host.rotate(&mut host.wire()).unwrap(), Rotated::Changed);
    assert_eq!(host.works(), Which::Current);
    host.delete();
}

#[test]
#[ignore = "needs a domain controller: DOMLOGON_TEST_DC=its address"]
fn a_forged_number_does_not_lose_the_host_its_keytab() {
    let host = host("HJROT2");
    host.join(false).unwrap();
    let first = host.machine().current.kvno;
    for forged in [77, 1, 120] {
        let mut wire = host.wire();
        wire.forge = Some(forged);
        assert_eq!(host.rotate(&mut wire).unwrap(), Rotated::Changed);
        assert_eq!(host.machine().current.kvno, u32::from(forged));
        assert_eq!(host.works(), Which::Current);
    }
    // Joining again asks the directory for it.
    join::resume(&host.place(), false, now()).unwrap().unwrap();
    assert_eq!(host.machine().current.kvno, first + 3);
    assert_eq!(host.works(), Which::Current);
    // The next number that nobody made up is the right one.
    assert_eq!(host.rotate(&mut host.wire()).unwrap(), Rotated::Changed);
    assert_eq!(host.machine().current.kvno, first + 4);
    assert_eq!(host.works(), Which::Current);
    host.delete();
}

/// Makes it impossible to write a file once the controller has the new password.
struct Blocking {
    wire: ToDc,
    path: PathBuf,
}

impl Wire for Blocking {
    fn kdc(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.wire.kdc(request)
    }

    fn kpasswd(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        fs::create_dir(&self.path)?;
        self.wire.kpasswd(request)
    }
}
