//! Logons while no controller answers.

use super::*;
use crate::administration::answer;
use crate::entry::PasswordExpiry;
use crate::ids::Scheme;
use crate::journal::Journal;
use crate::keeper::Care;
use crate::settings::{Channel, Naming, Offline, Settings};
use crate::status::Native;
use domlogon_protocol::admin::{Reply, Request};
use domlogon_protocol::{LogonType, Sid};
use domlogon_rules::{FewLocalNames, Host, LocalNames, Rights};
use std::path::Path;
use std::sync::{Arc, Mutex};

const NOW: Timestamp = Timestamp(1_795_000_000);
const RIGHT: &[u8] = b"Corr3ct-Horse";
const TRIES: u32 = 3;

pub(crate) struct Quiet;

impl Journal for Quiet {
    fn note(&self, _: Level, _: &str) {}
}

/// What the log would say.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Journal for Lines {
    fn note(&self, _: Level, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

pub(crate) fn settings(folder: &Path) -> Settings {
    Settings {
        domain: "CORP".to_owned(),
        dns_name: "corp.example".to_owned(),
        host: Here::new().0,
        servers: Vec::new(),
        site: None,
        channel: Channel::Sealed,
        ca: None,
        ids: Scheme::Sid,
        names: Naming::Short,
        home: "/home/{user}".to_owned(),
        homes: Vec::new(),
        shell: "/bin/sh".to_owned(),
        minimum: 1000,
        state: folder.to_owned(),
        run: folder.to_owned(),
        tickets: None,
        offline: Offline {
            age: 86_400,
            tries: TRIES,
        },
        sync: false,
        rotate: None,
    }
}

/// This host, with the rights that a host has without a file of them.
pub(crate) struct Here(Host, Rights);

impl Here {
    pub(crate) fn new() -> Self {
        let host = Host {
            short: "ws1".to_owned(),
            fqdn: "ws1.corp.example".to_owned(),
        };
        Self(host, Rights::default())
    }

    /// At a console, or at what is taken for one.
    pub(crate) fn logon_by<'a>(&'a self, service: &'a str) -> Place<'a> {
        Place {
            service,
            logon_type: LogonType::Interactive,
            can_change: true,
            host: &self.0,
            domain: "CORP",
            rights: &self.1,
        }
    }
}

pub(crate) fn open(settings: Settings) -> Directory {
    open_on(settings, Arc::new(FewLocalNames::default()))
}

pub(crate) fn open_on(settings: Settings, local: Arc<dyn LocalNames>) -> Directory {
    Directory::open(settings, local, Arc::new(Quiet), || NOW).unwrap()
}

/// A host on which alice has logged on, and whose controllers are silent now.
fn silent() -> (tempfile::TempDir, Directory, Person) {
    silent_with(Arc::new(Quiet))
}

fn silent_with(journal: Arc<dyn Journal>) -> (tempfile::TempDir, Directory, Person) {
    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(FewLocalNames::default());
    let directory = Directory::open(settings(folder.path()), local, journal, || NOW).unwrap();
    let silence = Trouble::Network(std::io::ErrorKind::TimedOut.into());
    directory.servers.none(&silence, NOW);
    let alice = Person::example("alice", 1103);
    let groups = [Sid::domain(1, 2, 3).with_rid(513)];
    directory.keep(&alice, Some(&groups), NOW).unwrap();
    let password = Secret::new(RIGHT);
    directory.saver.save(&alice, &password, NOW);
    while directory.cache.saved(&alice.sid).unwrap().is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    (folder, directory, alice)
}

/// What the controller's refusal, after the password was sent, comes to at this service, for
/// somebody who is so in the directory.
fn refused(
    (kerberos, ntstatus): (i32, u32),
    vouched: bool,
    service: &str,
    person: Person,
) -> Decision {
    let folder = tempfile::tempdir().unwrap();
    let directory = open(settings(folder.path()));
    let here = Here::new();
    let place = here.logon_by(service);
    let live = Live {
        person,
        groups: Vec::new(),
        policy: domlogon_protocol::Policy::default(),
        is_guess: false,
        refuses_change: false,
    };
    let error = domlogon_krb5::KdcError {
        code: kerberos,
        ntstatus: Some(ntstatus),
        after_preauth: true,
        server_time: None,
        armored: vouched,
    };
    let Native::Refusal(refusal) = Native::of(&error) else {
        panic!("no refusal");
    };
    let server = Server {
        name: "dc1.corp.example".to_owned(),
        address: [127, 0, 0, 1].into(),
    };
    let judged = if vouched {
        directory.judge_proven(&live, refusal, &place, NOW)
    } else {
        directory.judge_unvouched(&server, &live, refusal, &place, NOW)
    };
    judged.unwrap().decision
}

const DISABLED: (i32, u32) = (18, 0xC000_0072);
const EXPIRED: (i32, u32) = (18, 0xC000_0193);
const MUST_CHANGE: (i32, u32) = (23, 0xC000_0224);

#[test]
fn a_reason_that_a_true_controller_gave_is_told_by_the_directory() {
    let disabled = || Person {
        user_account_control: 0x202,
        ..Person::example("alice", 1103)
    };
    for said in [DISABLED, MUST_CHANGE] {
        for service in ["login", "sshd"] {
            let verdict = refused(said, true, service, disabled()).verdict;
            assert_eq!(verdict, Verdict::Disabled, "{said:?} at {service}");
        }
    }
}

#[test]
fn a_reason_that_anybody_may_have_given_tells_nothing_of_the_account() {
    // The password never expires.
    let good = || Person {
        user_account_control: 0x1_0200,
        ..Person::example("alice", 1103)
    };
    let others = [
        Person {
            user_account_control: 0x1_0202,
            ..good()
        },
        Person {
            account_expires: 1,
            ..good()
        },
        Person {
            workstations: vec!["elsewhere".to_owned()],
            ..good()
        },
    ];
    for said in [DISABLED, EXPIRED, MUST_CHANGE] {
        for service in ["login", "sshd"] {
            let told = refused(said, false, service, good());
            for other in &others {
                let other = refused(said, false, service, other.clone());
                assert_eq!(other, told, "{said:?} at {service}");
            }
        }
    }
    // His own words, to whoever can hear them.
    let told = |service| refused(DISABLED, false, service, good()).verdict;
    assert_eq!(told("login"), Verdict::Disabled);
    assert_eq!(told("sshd"), Verdict::LogonFailure);
}

#[test]
fn an_old_password_leads_to_the_change_by_anybodys_word() {
    let old = Person {
        pwd_last_set: 0,
        computed_control: Some(0x80_0000),
        password_expiry: PasswordExpiry::Demanded,
        ..Person::example("alice", 1103)
    };
    for service in ["login", "sshd"] {
        let verdict = refused(MUST_CHANGE, false, service, old.clone()).verdict;
        assert_eq!(verdict, Verdict::MustChange);
    }
}

/// Who is disabled may have another person's name for his other one (userPrincipalName).
#[test]
fn an_old_password_leads_nowhere_where_that_is_not_why_the_controller_refuses() {
    let old = Person {
        pwd_last_set: 0,
        computed_control: Some(0x80_0000),
        password_expiry: PasswordExpiry::Demanded,
        ..Person::example("alice", 1103)
    };
    for service in ["login", "su"] {
        for said in [DISABLED, EXPIRED] {
            let verdict = refused(said, true, service, old.clone()).verdict;
            let code = verdict.pam_code(Hook::Authenticate, service);
            assert_ne!(code, PamCode::Success, "{said:?} at {service}: {verdict:?}");
        }
    }
}

/// Where anybody says that the password must be changed, and somebody types `password`.
fn led(directory: &Directory, service: &str, password: &[u8]) -> Result<Verdict, Trouble> {
    let here = Here::new();
    let place = here.logon_by(service);
    let user = UserName::parse(b"alice").unwrap();
    let (_, live) = directory.remembered(&user).unwrap();
    let server = Server {
        name: "dc1.corp.example".to_owned(),
        address: [127, 0, 0, 1].into(),
    };
    let led = Decision::new(Verdict::MustChange, Rule::MustChange).into();
    let typed = Secret::new(password);
    directory
        .unless_locked(&server, &live, led, (&user, &typed), &place, NOW)
        .map(|judgement| judgement.decision.verdict)
}

/// What logind writes of somebody who lingers: from systemd 256 on with a session that is his
/// manager's.
const LINGERING: &str = "# This is private data. Do not parse.\nNAME=alice\nSTATE=lingering\n\
    STOPPING=no\nRUNTIME=/run/user/1103\nREALTIME=1\nMONOTONIC=1\nSESSIONS=3\nSEATS=\n\
    ACTIVE_SESSIONS=3\nONLINE_SESSIONS=3\n";
const LOGGED_ON: &str = "# This is private data. Do not parse.\nNAME=alice\nSTATE=online\n\
    STOPPING=no\nRUNTIME=/run/user/1103\nDISPLAY=2\nREALTIME=1\nMONOTONIC=1\nSESSIONS=2 3\n";

#[test]
fn who_lingers_has_no_session() {
    let (folder, mut directory, alice) = silent();
    directory.sessions = folder.path().join("users");
    let (_, live) = directory
        .remembered(&UserName::parse(b"alice").unwrap())
        .unwrap();
    std::fs::create_dir(&directory.sessions).unwrap();
    let uid = directory.user(&alice).unwrap().uid;
    let file = directory.sessions.join(uid.to_string());
    assert!(!directory.may_have_a_session(&live));
    let state = |state: &str| LINGERING.replace("lingering", state);
    for (text, has) in [
        (LINGERING.to_owned(), false),
        // Logged off, and something of his still runs.
        (state("closing"), false),
        (LOGGED_ON.to_owned(), true),
        (format!("{LINGERING}DISPLAY=2\n"), true),
        (format!("{LINGERING}DISPLAY=\n"), false),
        (state("active"), true),
        (state("opening"), true),
        // Not what logind writes.
        (String::new(), true),
        (state("a new word"), true),
        ("NAME=alice\nSESSIONS=\n".to_owned(), true),
    ] {
        std::fs::write(&file, &text).unwrap();
        assert_eq!(directory.may_have_a_session(&live), has, "{text}");
    }
    // Nobody can read it.
    std::fs::write(&file, [0xFF]).unwrap();
    assert!(directory.may_have_a_session(&live));
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(directory.may_have_a_session(&live));
}

#[test]
fn at_what_may_be_a_locked_screen_the_saved_password_alone_leads_to_the_change() {
    let (folder, mut directory, alice) = silent();
    directory.sessions = folder.path().join("users");
    let uid = directory.user(&alice).unwrap().uid;
    let (change, wrong) = (Verdict::MustChange, Verdict::LogonFailure);
    let judged = |directory: &Directory, service, guess| {
        [RIGHT, guess].map(|typed| led(directory, service, typed).unwrap())
    };
    // Without logind anybody may have a session.
    for service in ["gdm-password", "lightdm", "unity"] {
        assert_eq!(judged(&directory, service, b"guess"), [change, wrong]);
    }
    for service in ["login", "sshd", "su", "sddm"] {
        assert_eq!(judged(&directory, service, b"guess"), [change, change]);
    }
    std::fs::create_dir(&directory.sessions).unwrap();
    assert_eq!(judged(&directory, "gdm-password", b"guess"), [change; 2]);
    let file = directory.sessions.join(uid.to_string());
    std::fs::write(&file, LINGERING).unwrap();
    assert_eq!(judged(&directory, "gdm-password", b"guess"), [change; 2]);
    std::fs::write(&file, LOGGED_ON).unwrap();
    assert_eq!(
        judged(&directory, "gdm-password", b"guess"),
        [change, wrong]
    );
    // They count as they do without a controller.
    for _ in 0..TRIES {
        led(&directory, "gdm-password", b"guess").unwrap();
    }
    assert_eq!(
        judged(&directory, "gdm-password", b"guess"),
        [Verdict::LockedOut; 2]
    );
    // Nothing is saved any more.
    directory.cache.unsave(&alice.sid).unwrap();
    let refused = led(&directory, "gdm-password", RIGHT);
    assert!(matches!(refused, Err(Trouble::Unvouched)), "{refused:?}");
    assert_eq!(led(&directory, "login", RIGHT).unwrap(), change);
}

#[test]
fn a_name_that_nobody_has_takes_as_long_as_a_wrong_password() {
    const USUAL: Duration = Duration::from_millis(500);
    const SOON: Duration = Duration::from_millis(30);
    let folder = tempfile::tempdir().unwrap();
    let directory = open(settings(folder.path()));
    directory.refused_after(USUAL);
    let here = Here::new();
    let place = here.logon_by("login");
    let user = UserName::parse(b"alice").unwrap();
    let live = |name| Live {
        person: Person::example(name, 1103),
        groups: Vec::new(),
        policy: domlogon_protocol::Policy::default(),
        is_guess: false,
        refuses_change: false,
    };
    let tried = |found, password: &[u8], patience| {
        let begun = Instant::now();
        let time = (begun, begun + patience);
        let decided = directory.to_be_tried(found, time, &user, &Secret::new(password), &place);
        let verdict = decided.map_err(|decision| decision.verdict);
        (verdict.map(|live| live.person.name).err(), begun.elapsed())
    };
    let long = Duration::from_secs(10);
    let unknown = Verdict::UserNotFound;
    for (found, password, expected) in [
        (None, RIGHT, unknown),
        (None, b"", unknown),
        // The name is this host's own.
        (Some(live("root")), RIGHT, unknown),
        (Some(live("alice")), b"", Verdict::LogonFailure),
    ] {
        let (verdict, took) = tried(found, password, long);
        assert_eq!(verdict, Some(expected));
        assert!(took >= USUAL, "{took:?}");
    }
    // Where much runs at once, one of many is as quick as all are.
    let is_sooner = |name: Option<&'static str>, patience, expected| {
        (0..20).any(|_| {
            let (verdict, took) = tried(name.map(live), RIGHT, patience);
            assert_eq!(verdict, expected);
            assert!(verdict.is_none() || took >= SOON, "{took:?}");
            took < USUAL
        })
    };
    assert!(is_sooner(None, SOON, Some(unknown)));
    assert!(is_sooner(Some("alice"), long, None));
    // A change of the password is no quicker to tell.
    let begun = Instant::now();
    assert!(directory.identified(None, begun, begun + long).is_none());
    assert!(begun.elapsed() >= USUAL);
}

fn logon(directory: &Directory, password: &[u8]) -> Result<Verdict, Outage> {
    let here = Here::new();
    let place = here.logon_by("login");
    let user = UserName::parse(b"alice").unwrap();
    let judged = directory.judge_logon(&user, &Secret::new(password), &place, NOW);
    judged.map(|judgement| judgement.decision.verdict)
}

#[test]
fn guesses_that_come_together_count_one_by_one() {
    let (_folder, directory, alice) = silent();
    let verdicts: Vec<Verdict> = thread::scope(|scope| {
        let guesses: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| logon(&directory, b"guess").unwrap()))
            .collect();
        guesses.into_iter().map(|g| g.join().unwrap()).collect()
    });
    let compared = verdicts.iter().filter(|v| **v == Verdict::LogonFailure);
    assert_eq!(u32::try_from(compared.count()).unwrap(), TRIES);
    assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::LockedOut);
    let saved = directory.cache.saved(&alice.sid).unwrap().unwrap();
    assert_eq!(saved.lockout.count, TRIES);
}

/// Where nothing can be written the right one must not be told from the others.
#[test]
fn what_cannot_be_counted_is_not_compared() {
    let lines = Arc::new(Lines::default());
    let (_folder, directory, alice) = silent_with(lines.clone());
    let count = || {
        let saved = directory.cache.saved(&alice.sid).unwrap().unwrap();
        saved.lockout.count
    };
    for counted in 0..2 {
        directory.cache.fill_disk(true);
        for password in [b"guess", RIGHT] {
            assert!(logon(&directory, password).is_err());
            let told = std::mem::take(&mut *lines.0.lock().unwrap());
            assert!(told.iter().any(|line| line.contains("cache")), "{told:?}");
        }
        directory.cache.fill_disk(false);
        assert_eq!(count(), counted);
        assert_eq!(logon(&directory, b"guess").unwrap(), Verdict::LogonFailure);
    }
    assert_eq!(count(), 2);
    assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::StandaloneLogon);
    assert_eq!(count(), 0);
}

#[test]
fn a_right_password_that_lets_nobody_in_counts_as_none() {
    let (_folder, directory, alice) = silent();
    assert_eq!(logon(&directory, b"guess").unwrap(), Verdict::LogonFailure);
    let disabled = Person {
        user_account_control: 0x202,
        ..alice.clone()
    };
    directory.keep(&disabled, None, NOW).unwrap();
    for _ in 0..TRIES {
        assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::Disabled);
    }
    let saved = directory.cache.saved(&alice.sid).unwrap().unwrap();
    assert_eq!(saved.lockout.count, 1);
}

/// Nothing that the directory said while the disk was full is lost with the next outage.
#[test]
fn what_could_not_be_kept_is_not_known() {
    let (_folder, directory, alice) = silent();
    let groups = [Sid::domain(1, 2, 3).with_rid(513)];
    let is_in = || logon(&directory, RIGHT).is_ok();
    directory.cache.fill_disk(true);
    // What is as before is known yet.
    assert!(directory.keep(&alice, Some(&groups), NOW).is_err());
    directory.cache.fill_disk(false);
    assert!(is_in());
    let told: [(Person, &[Sid]); 2] = [
        (
            Person {
                user_account_control: 0x202,
                ..alice.clone()
            },
            &groups,
        ),
        (alice.clone(), &[]),
    ];
    for (person, told) in told {
        directory.cache.fill_disk(true);
        assert!(directory.keep(&person, Some(told), NOW).is_err());
        directory.cache.fill_disk(false);
        assert!(!is_in());
        let is_known = directory.user_of_key("alice", NOW).is_ok();
        assert_eq!(is_known, told.is_empty(), "her groups alone may be others");
        // Whoever asks for the name alone says nothing of the groups.
        directory.keep(&alice, None, NOW).unwrap();
        assert!(directory.user_of_key("alice", NOW).unwrap().is_some());
        assert_eq!(is_in(), !told.is_empty());
        directory.keep(&alice, Some(&groups), NOW).unwrap();
        assert!(is_in());
    }
}

/// Each controller counts for itself, and has her groups in another order.
#[test]
fn who_is_the_same_at_another_controller_is_known_on_a_full_disk() {
    let (_folder, directory, alice) = silent();
    let groups = [513, 1200].map(|rid| Sid::domain(1, 2, 3).with_rid(rid));
    directory.keep(&alice, Some(&groups), NOW).unwrap();
    let elsewhere = Person {
        usn: alice.usn + 1,
        bad_pwd_count: 1,
        bad_password_time: 7,
        ..alice.clone()
    };
    let [one, other] = groups;
    directory.cache.fill_disk(true);
    for groups in [Some(&[other, one][..]), None] {
        assert!(directory.keep(&elsewhere, groups, NOW).is_err());
    }
    directory.cache.fill_disk(false);
    for _ in 0..2 {
        assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::StandaloneLogon);
        directory.cache.settle().unwrap();
    }
}

/// Where her groups alone could not be kept, she and her password are not forgotten.
#[test]
fn who_has_other_groups_is_known_without_them() {
    let (_folder, directory, alice) = silent();
    let before = [Sid::domain(1, 2, 3).with_rid(513)];
    let now = [Sid::domain(1, 2, 3).with_rid(1200)];
    directory.cache.fill_disk(true);
    assert!(directory.keep(&alice, Some(&now), NOW).is_err());
    directory.cache.fill_disk(false);
    directory.cache.settle().unwrap();
    let known = directory.cache.person_by_key("alice").unwrap().unwrap();
    assert!(known.groups.is_none());
    assert!(logon(&directory, RIGHT).is_err());
    directory.keep(&alice, Some(&before), NOW).unwrap();
    assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::StandaloneLogon);
}

#[test]
fn who_is_doubted_is_in_no_list_and_the_log_says_when_everybody_is() {
    let lines = Arc::new(Lines::default());
    let (_folder, directory, _) = silent_with(lines.clone());
    let listed = || match answer(&directory, Request::UserList(0), NOW).unwrap() {
        Reply::Users(users, _) => users.len(),
        _ => panic!("no list"),
    };
    let (mut care, told) = (Care::default(), || {
        let lines = lines.0.lock().unwrap();
        let of_all = lines.iter().filter(|line| line.contains("nobody is known"));
        of_all.count()
    });
    care.see_to_doubts(&directory);
    assert_eq!((listed(), told()), (1, 0));
    directory.cache.doubt_all();
    directory.cache.fill_disk(true);
    for _ in 0..2 {
        care.see_to_doubts(&directory);
        assert_eq!((listed(), told()), (0, 1));
        assert_eq!(directory.cache.known().unwrap(), (0, 0));
    }
    directory.cache.fill_disk(false);
    care.see_to_doubts(&directory);
    care.see_to_doubts(&directory);
    assert_eq!(told(), 1);
}

#[test]
fn a_password_that_could_not_be_forgotten_opens_nothing() {
    let (_folder, directory, alice) = silent();
    directory.cache.fill_disk(true);
    assert!(directory.cache.unsave(&alice.sid).is_err());
    directory.cache.fill_disk(false);
    assert!(logon(&directory, RIGHT).is_err());
    directory.saver.save(&alice, &Secret::new(RIGHT), NOW);
    while directory.cache.saved(&alice.sid).unwrap().is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::StandaloneLogon);
}

#[test]
fn a_password_that_was_changed_elsewhere_opens_nothing() {
    let (_folder, directory, alice) = silent();
    assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::StandaloneLogon);
    let demanded = Person {
        pwd_last_set: 0,
        ..alice.clone()
    };
    directory.keep(&demanded, None, NOW).unwrap();
    assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::StandaloneLogon);
    let told = [
        (alice.pwd_last_set + 1, Some(2)),
        (alice.pwd_last_set, Some(3)),
        // Reset, with a demand for another one; and one of which nobody says what it is about.
        (0, Some(3)),
        (0, None),
    ];
    for (pwd_last_set, key_version) in told {
        let changed = Person {
            pwd_last_set,
            key_version,
            ..alice.clone()
        };
        directory.keep(&changed, None, NOW).unwrap();
        assert!(logon(&directory, RIGHT).is_err());
    }
}

/// Such a demand is none for whose password does not expire: he has logged on with it.
#[test]
fn a_password_that_never_expires_opens_without_a_date() {
    let (_folder, directory, alice) = silent();
    let without = |key_version| Person {
        user_account_control: 0x1_0200,
        pwd_last_set: 0,
        key_version,
        ..alice.clone()
    };
    directory.cache.unsave(&alice.sid).unwrap();
    directory.keep(&without(None), None, NOW).unwrap();
    directory
        .saver
        .save(&without(None), &Secret::new(RIGHT), NOW);
    while directory.cache.saved(&alice.sid).unwrap().is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::StandaloneLogon);
    directory.keep(&without(Some(2)), None, NOW).unwrap();
    assert_eq!(logon(&directory, RIGHT).unwrap(), Verdict::StandaloneLogon);
    let mut saved = directory.cache.saved(&alice.sid).unwrap().unwrap();
    for (version, opens) in [(2, true), (3, false)] {
        saved.key_version = Some(version);
        directory.cache.save(&alice.sid, &saved).unwrap();
        assert_eq!(logon(&directory, RIGHT).is_ok(), opens, "{version}");
    }
    // What was saved with a date is of before.
    let (key_version, password_set) = (None, alice.pwd_last_set);
    let dated = Saved {
        key_version,
        password_set,
        ..saved
    };
    directory.cache.save(&alice.sid, &dated).unwrap();
    assert!(logon(&directory, RIGHT).is_err());
}

#[test]
fn a_count_does_not_bring_back_what_was_replaced_meanwhile() {
    let (_folder, directory, alice) = silent();
    let old = directory.cache.saved(&alice.sid).unwrap().unwrap();
    directory.cache.unsave(&alice.sid).unwrap();
    directory
        .cache
        .count(&alice.sid, &old, old.lockout)
        .unwrap();
    assert!(directory.cache.saved(&alice.sid).unwrap().is_none());
}

#[test]
fn a_damaged_cache_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("directory.db"), [0x55; 8192]).unwrap();
    let directory = open(settings(folder.path()));
    assert_eq!(directory.cache.counts().unwrap(), (0, 0));
}

const DAY: i64 = 86_400;

/// Of whom something is saved still, after a look of the keeper's at each of these hours, where
/// a controller may have said the time.
fn kept(age: i64, looks: &[(u64, Option<Timestamp>)]) -> [bool; 4] {
    let folder = tempfile::tempdir().unwrap();
    let directory = open(Settings {
        offline: Offline { age, tries: TRIES },
        ..settings(folder.path())
    });
    let names = [
        ("alice", 1103),
        ("bob", 1104),
        ("carol", 1105),
        ("dave", 1106),
    ];
    let people = names.map(|(name, rid)| Person::example(name, rid));
    // Dave was made anew in the directory since.
    let known = people.iter().filter(|person| person.name != "dave");
    for person in known.chain([&Person::example("dave", 4000)]) {
        directory.keep(person, Some(&[]), NOW).unwrap();
    }
    let confirmed = [NOW, NOW.plus(-DAY), NOW.plus(-DAY - 1), NOW];
    for (person, confirmed) in people.iter().zip(confirmed) {
        let saved = Saved {
            verifier: format!("the verifier of {}", person.name),
            password_set: 1,
            key_version: Some(2),
            confirmed,
            lockout: domlogon_rules::Lockout::default(),
        };
        directory.cache.save(&person.sid, &saved).unwrap();
    }
    let (mut care, start) = (Care::default(), Instant::now());
    for (hour, said) in looks {
        let at = start + Duration::from_secs(hour * 3600);
        care.see_to_saved(&directory, *said, at);
    }
    let has = |person: &Person| directory.cache.saved(&person.sid).unwrap().is_some();
    let kept = people.each_ref().map(has);
    // Nor is it anywhere in the files.
    let bytes = |end| std::fs::read(folder.path().join(format!("directory.db{end}"))).unwrap();
    let files = [bytes(""), bytes("-wal")].concat();
    for (person, is_kept) in people.iter().zip(kept) {
        let text = format!("the verifier of {}", person.name).into_bytes();
        let is_there = files.windows(text.len()).any(|part| part == text);
        assert_eq!(is_there, is_kept, "{}", person.name);
    }
    kept
}

#[test]
fn what_opens_nothing_any_more_is_not_kept() {
    assert_eq!(kept(DAY, &[(0, Some(NOW))]), [true, true, false, false]);
    assert_eq!(kept(0, &[(0, None)]), [false; 4]);
    // This host's clock may be wrong, for a while.
    assert_eq!(kept(DAY, &[(0, None)]), [true, true, true, false]);
    assert!(kept(DAY, &[(0, None), (23, None)])[2]);
    assert!(!kept(DAY, &[(0, None), (24, None)])[2]);
    let earlier = Some(NOW.plus(-DAY));
    assert_eq!(kept(DAY, &[(0, earlier)]), [true, true, true, false]);
    let looks = [(0, None), (20, earlier), (24, None), (47, None)];
    assert_eq!(kept(DAY, &looks), [true, true, true, false]);
}

#[test]
fn the_keeper_deletes_nothing_by_its_own_clock_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let directory = open(Settings {
        offline: Offline {
            age: DAY,
            tries: TRIES,
        },
        ..settings(folder.path())
    });
    let (alice, gone) = (
        Person::example("alice", 1103),
        Person::example("dave", 1106),
    );
    directory.keep(&alice, Some(&[]), NOW).unwrap();
    for person in [&alice, &gone] {
        let saved = Saved {
            verifier: "a verifier".to_owned(),
            password_set: 1,
            key_version: Some(2),
            confirmed: NOW.plus(-30 * DAY),
            lockout: domlogon_rules::Lockout::default(),
        };
        directory.cache.save(&person.sid, &saved).unwrap();
    }
    let directory = Arc::new(directory);
    let keeper = crate::Keeper::start(&directory, Box::new(|| ())).unwrap();
    let has = |person: &Person| directory.cache.saved(&person.sid).unwrap().is_some();
    let end = Instant::now() + Duration::from_secs(30);
    while has(&gone) && Instant::now() < end {
        thread::sleep(Duration::from_millis(20));
    }
    keeper.stop();
    assert!(has(&alice) && !has(&gone));
}
