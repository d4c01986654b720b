//! Logon rights at the desk: the lines of the log, who may ask, and what takes effect when.

use super::*;
use crate::desk::fake::{Fake, desk_with};
use crate::local::Local;
use crate::publish::Publisher;
use domlogon_protocol::rights::{Loaded, ProblemKind};
use domlogon_rules::roster::{Changes, DomainNames, Extent, Listener, Roster, Subject};
use std::fs;
use std::thread::{self, ThreadId};

const NETWORK: &str = "type=\"network\" from=10.0.0.5 tty=ssh";

/// What a refusal by right has before its fields about the right.
const NOT_GRANTED: &str =
    "verdict=ERROR_LOGON_TYPE_NOT_GRANTED(1385) ntstatus=0xC000015B rule=\"logon right\"";

fn at(service: &str, user: &str) -> Request {
    Request::Account {
        user: name(user),
        origin: Origin {
            service: service.to_owned(),
            ..Origin::default()
        },
    }
}

fn version(desk: &Desk) -> u64 {
    desk.rights.in_force().version()
}

fn enabled(fake: &Fake) {
    fake.enabled.store(true, Ordering::Relaxed);
}

fn reload(desk: &Desk) -> Reply {
    desk.answer(Door::Admin, ROOT, Request::Admin(Ask::RightsReload))
}

/// Writes the file of rights and has it taken.
fn set(desk: &Desk, fake: &Fake, text: &str) {
    fs::write(fake.rights(), text).unwrap();
    let reply = reload(desk);
    assert!(matches!(reply, Reply::Admin(_)), "{reply:?}");
}

#[test]
fn a_refusal_by_right_names_what_decided() {
    for (file, shown) in [
        (
            "[rights]\nSeNetworkLogonRight = [\"Contractors\"]\n",
            "right=SeNetworkLogonRight list=file entry=none",
        ),
        (
            "[rights]\nSeNetworkLogonRight = []\n",
            "right=SeNetworkLogonRight list=file entry=none",
        ),
        (
            "[rights]\nSeDenyNetworkLogonRight = ['corp\\STAFF']\n",
            "right=SeDenyNetworkLogonRight list=file entry=\"Staff\"",
        ),
        (
            "[rights]\nSeDenyNetworkLogonRight = [\"everyone\"]\n",
            "right=SeDenyNetworkLogonRight list=file entry=\"Everyone\"",
        ),
        (
            "[services]\nsshd = \"service\"\n",
            "right=SeServiceLogonRight list=default entry=none",
        ),
        (
            "[rights]\nSeDenyNetworkLogonRight = [\"nobody at all\"]\n",
            "right=SeNetworkLogonRight lists=none",
        ),
    ] {
        let (desk, fake, log) = desk_with(file);
        enabled(&fake);
        let refused = decision(desk.answer(Door::Main, ROOT, account("alice")));
        assert_eq!(refused.verdict, Verdict::LogonTypeNotGranted, "{file}");
        let way = if file.contains("service") {
            NETWORK.replace("network", "service")
        } else {
            NETWORK.to_owned()
        };
        assert_eq!(
            log.lines(),
            [format!(
                "5 account: user=Alice uid={ALICE} service=sshd {way} {NOT_GRANTED} {shown} \
                 rights={} ref={} caller=0",
                version(&desk),
                refused.reference
            )]
        );
    }
}

#[test]
fn a_service_that_is_closed_needs_no_right() {
    let (desk, fake, log) = desk_with("[services]\nsshd = \"deny\"\n");
    enabled(&fake);
    let refused = decision(desk.answer(Door::Main, ROOT, account("amy")));
    assert_eq!(refused.verdict, Verdict::InvalidLogonType);
    let row = Verdict::InvalidLogonType.row();
    assert_eq!(
        log.lines(),
        [format!(
            "5 account: user=amy uid={AMY} service=sshd type=\"deny\" from=10.0.0.5 tty=ssh \
             verdict={}({}) ntstatus=0x{:08X} rule=\"logon right\" right=none rights={} ref={} \
             caller=0",
            row.symbol,
            row.number,
            row.ntstatus.unwrap(),
            version(&desk),
            refused.reference
        )]
    );
}

#[test]
fn a_wrong_password_tells_nothing_of_rights() {
    let (desk, _, log) = desk_with("[rights]\nSeNetworkLogonRight = []\n");
    let refused = decision(desk.answer(Door::Main, ROOT, logon("alice", "x")));
    assert_eq!(refused.verdict, Verdict::LogonFailure);
    let refused = decision(desk.answer(Door::Main, ROOT, logon("alice", "right")));
    assert_eq!(refused.verdict, Verdict::LogonTypeNotGranted);
    let named: Vec<bool> = log.lines().iter().map(|l| l.contains("right=")).collect();
    assert_eq!(named, [false, true]);
}

#[test]
fn audit_mode_lets_pass_and_says_whom() {
    let audit = "\n[audit]\nSeNetworkLogonRight = true\nSeDenyNetworkLogonRight = true\n";
    for (list, shown) in [
        (
            "SeNetworkLogonRight = [\"amy\"]",
            "right=SeNetworkLogonRight entry=none",
        ),
        (
            "SeDenyNetworkLogonRight = [\"staff\"]",
            "right=SeDenyNetworkLogonRight entry=\"Staff\"",
        ),
    ] {
        let (desk, fake, log) = desk_with(&format!("[rights]\n{list}\n{audit}"));
        enabled(&fake);
        let granted = decision(desk.answer(Door::Main, ROOT, account("alice")));
        assert_eq!(granted.verdict, Verdict::Success);
        assert_eq!(
            log.lines(),
            [
                format!(
                    "4 audit: user=Alice uid={ALICE} service=sshd type=\"network\" {shown} ref={}",
                    granted.reference
                ),
                format!(
                    "6 account: user=Alice uid={ALICE} service=sshd {NETWORK} \
                     verdict=NERR_Success(0) ntstatus=0x00000000 rule=\"all passed\" ref={} \
                     caller=0",
                    granted.reference
                ),
            ]
        );
        // Another reason refuses: audit mode tells of the right all the same.
        fake.enabled.store(false, Ordering::Relaxed);
        let refused = decision(desk.answer(Door::Main, ROOT, account("alice")));
        assert_eq!(refused.verdict, Verdict::Disabled);
        let lines = log.lines();
        let reference = format!("ref={}", refused.reference);
        assert_eq!(lines.len(), 4);
        assert!(lines[2].starts_with("4 audit: ") && lines[2].ends_with(&reference));
        assert!(lines[3].contains("rule=\"disabled\" ref=") && lines[3].contains(&reference));
        // Nobody comes in by an explanation.
        desk.answer(Door::Main, ROOT, explain("alice"));
        assert_eq!(log.lines().len(), 4);
    }
}

#[test]
fn audit_mode_of_one_list_spares_no_other() {
    let (desk, fake, log) = desk_with(
        "[rights]\nSeNetworkLogonRight = []\nSeDenyNetworkLogonRight = [\"staff\"]\n\
         [audit]\nSeDenyNetworkLogonRight = true\n",
    );
    enabled(&fake);
    let refused = decision(desk.answer(Door::Main, ROOT, account("alice")));
    assert_eq!(refused.verdict, Verdict::LogonTypeNotGranted);
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("right=SeNetworkLogonRight list=file entry=none rights="));
}

#[test]
fn what_is_asked_about_rights_is_for_root_and_administrators() {
    let (desk, _, log) = desk();
    let text = || "[rights]\n".to_owned();
    let requests = || {
        [
            Ask::RightsShow,
            Ask::RightsCheck {
                text: text(),
                names: Vec::new(),
            },
            Ask::RightsSimulate {
                text: text(),
                since: Timestamp(0),
            },
            Ask::RightsReload,
        ]
    };
    for request in requests() {
        for uid in [0, AMY, ALICE] {
            let ask = Request::Admin(request.clone());
            let reply = desk.answer(Door::Main, Caller::of(uid), ask);
            assert_eq!(reply, Reply::Refused(Verdict::AccessDenied), "{request:?}");
        }
        for uid in [0, AMY] {
            let ask = Request::Admin(request.clone());
            let Reply::Admin(reply) = desk.answer(Door::Admin, Caller::of(uid), ask) else {
                panic!("{request:?}")
            };
            let fits = match request {
                Ask::RightsShow | Ask::RightsReload => {
                    matches!(&*reply, admin::Reply::Rights(shown) if shown.lists.len() == 10)
                }
                Ask::RightsCheck { .. } => matches!(&*reply, admin::Reply::RightsChecked(_)),
                _ => matches!(&*reply, admin::Reply::RightsSimulated(_)),
            };
            assert!(fits, "{request:?}: {reply:?}");
        }
        let ask = Request::Admin(request.clone());
        let reply = desk.answer(Door::Admin, Caller::of(ALICE), ask);
        assert_eq!(reply, Reply::AdminRefused(Box::new(AdminError::NotAllowed)));
    }
    // Looks are not changes.
    let reloads: Vec<String> = [(0, "done"), (AMY, "done"), (ALICE, "not-allowed")]
        .map(|(uid, result)| format!("5 admin: caller={uid} did=\"rights reload\" result={result}"))
        .to_vec();
    assert_eq!(log.lines(), reloads);
}

#[test]
fn no_backend_is_given_a_request_about_rights() {
    let (desk, fake, _) = desk();
    desk.answer(Door::Admin, ROOT, Request::Admin(Ask::RightsShow));
    reload(&desk);
    let asked = fake.asked.lock().unwrap();
    assert!(!asked.iter().any(|asked| asked == "admin"), "{asked:?}");
}

#[test]
fn a_file_that_is_not_taken_is_named_and_the_one_before_stays() {
    let (desk, fake, log) = desk_with("[rights]\nSeNetworkLogonRight = [\"alice\"]\n");
    enabled(&fake);
    let before = version(&desk);
    fs::write(fake.rights(), "[rights]\nSeNetLogonRight = []\n").unwrap();
    let Reply::AdminRefused(error) = reload(&desk) else {
        panic!()
    };
    let AdminError::Rights(problem) = *error else {
        panic!("{error:?}")
    };
    assert!(matches!(problem.kind, ProblemKind::UnknownRight(_)));
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let expected = "5 admin: caller=0 did=\"rights reload\" result=rights-refused reason=\"2:1: ";
    assert!(lines[0].starts_with(expected), "{lines:?}");
    assert_eq!(version(&desk), before);
    assert_eq!(verdict_of(&desk, "alice"), Verdict::Success);
    assert_eq!(verdict_of(&desk, "amy"), Verdict::LogonTypeNotGranted);
    let Reply::Status(status) = desk.answer(Door::Main, ROOT, Request::Status) else {
        panic!()
    };
    assert_eq!(status.rights.loaded, Loaded::LastGood);
    assert_eq!(status.rights.refused, Some(*problem));
    assert_eq!(status.rights.version, before);

    let text = "[rights]\nSeDenyNetworkLogonRight = [\"nobody\"]\n".to_owned();
    let since = Timestamp(0);
    let ask = Request::Admin(Ask::RightsSimulate { text, since });
    let Reply::AdminRefused(error) = desk.answer(Door::Admin, ROOT, ask) else {
        panic!()
    };
    assert!(matches!(*error, AdminError::Rights(_)), "{error:?}");
}

fn verdict_of(desk: &Desk, user: &str) -> Verdict {
    decision(desk.answer(Door::Main, ROOT, account(user))).verdict
}

#[test]
fn a_changed_file_is_in_force_for_the_very_next_logon() {
    let (desk, fake, _) = desk_with("");
    enabled(&fake);
    assert_eq!(verdict_of(&desk, "alice"), Verdict::Success);
    let before = version(&desk);
    set(
        &desk,
        &fake,
        "[rights]\nSeNetworkLogonRight = [\"Administrators\"]\n",
    );
    assert_eq!(version(&desk), before + 1);
    assert_eq!(verdict_of(&desk, "alice"), Verdict::LogonTypeNotGranted);
    assert_eq!(verdict_of(&desk, "amy"), Verdict::Success);
    set(
        &desk,
        &fake,
        "[rights]\nSeNetworkLogonRight = [\"Everyone\"]\n",
    );
    assert_eq!(verdict_of(&desk, "alice"), Verdict::Success);
    // The way in follows from the map of the same file.
    set(&desk, &fake, "[services]\nsshd = \"batch\"\n");
    assert_eq!(verdict_of(&desk, "alice"), Verdict::LogonTypeNotGranted);
    assert_eq!(verdict_of(&desk, "amy"), Verdict::Success);
}

#[test]
fn a_group_that_is_made_later_gives_an_entry_its_meaning() {
    let (desk, fake, _) = desk_with("[rights]\nSeNetworkLogonRight = [\"newcomers\"]\n");
    enabled(&fake);
    let warnings = |desk: &Desk| desk.rights.status().warnings.len();
    assert_eq!(warnings(&desk), 1);
    let add = Ask::GroupAdd("Newcomers".to_owned());
    let reply = desk.answer(Door::Admin, Caller::of(ALICE), Request::Admin(add.clone()));
    assert!(matches!(reply, Reply::AdminRefused(_)));
    assert_eq!(warnings(&desk), 1);
    desk.answer(Door::Admin, ROOT, Request::Admin(add));
    assert_eq!(warnings(&desk), 0);
    assert_eq!(verdict_of(&desk, "alice"), Verdict::LogonTypeNotGranted);
    fake.join("alice", "Newcomers");
    assert_eq!(verdict_of(&desk, "alice"), Verdict::Success);
}

/// What NSS is to know of; it notes when whoever made this asks for it.
struct Noted(Arc<Fake>, ThreadId);

impl Roster for Noted {
    fn survey(&self, _: &mut dyn Listener) -> Result<(), Outage> {
        Ok(())
    }

    fn extent(&self) -> Extent {
        Extent::Complete
    }

    fn changes(&self) -> Result<Changes, Outage> {
        if thread::current().id() == self.1 {
            self.0.asked.lock().unwrap().push("published".to_owned());
        }
        Ok(Changes::Few(Vec::new()))
    }

    fn review(&self, _: &[Subject], _: &mut dyn Listener) -> Result<(), Outage> {
        Ok(())
    }

    fn on_change(&self, _: Box<dyn Fn() + Send + Sync>) {}

    fn domain(&self) -> DomainNames {
        DomainNames {
            short: "CORP".to_owned(),
            dns: "corp.example".to_owned(),
        }
    }

    fn minimum(&self) -> u32 {
        1000
    }
}

#[test]
fn a_denied_name_has_its_meaning_before_others_learn_of_it() {
    let (desk, fake, log) = desk_with("[rights]\nSeNetworkLogonRight = [\"newcomers\"]\n");
    let noted = Noted(Arc::clone(&fake), thread::current().id());
    let folder = tempfile::tempdir().unwrap();
    let files = ["passwd", "group"].map(|name| folder.path().join(name));
    let local = Arc::new(Local::of_files(files[0].clone(), files[1].clone()));
    let publisher = Publisher::start(Arc::new(noted), folder.path(), local, log).unwrap();
    desk.tell(Arc::clone(&publisher));
    for request in [
        Ask::GroupAdd("Newcomers".to_owned()),
        Ask::UserImport {
            users: Vec::new(),
            dry_run: false,
        },
    ] {
        fake.asked.lock().unwrap().clear();
        desk.answer(Door::Admin, ROOT, Request::Admin(request));
        let asked = fake.asked.lock().unwrap();
        assert_eq!(*asked, ["admin", "principal", "published"]);
    }
    publisher.stop();
}

#[test]
fn a_service_that_nobody_mapped_is_named_once_for_each_load() {
    let (desk, fake, log) = desk_with("");
    let named = || -> Vec<String> {
        let lines = log.lines();
        let about = lines.into_iter().filter(|line| line.contains("not known"));
        about.collect()
    };
    let ask = || desk.answer(Door::Main, ROOT, at("frobd", "alice"));
    ask();
    ask();
    desk.configure(config(), host());
    ask();
    let network = "4 service not known: service=frobd type=\"network\"";
    assert_eq!(named(), [network]);

    set(&desk, &fake, "[services]\nother = \"interactive\"\n");
    ask();
    ask();
    let interactive = network.replace("network", "interactive");
    assert_eq!(named(), [network, &interactive]);
    let last = log.lines().pop().unwrap();
    assert!(
        last.contains("service=frobd type=\"interactive\""),
        "{last}"
    );

    set(&desk, &fake, "[services]\nfrobd = \"batch\"\n");
    ask();
    assert_eq!(named().len(), 2, "it is mapped");
    assert!(log.lines().pop().unwrap().contains("type=\"batch\""));
}

#[test]
fn a_locker_of_the_users_own_that_nobody_mapped_unlocks_a_screen() {
    let (desk, fake, log) = desk_with("");
    enabled(&fake);
    let came = |uid, service| {
        desk.answer(Door::Main, Caller::of(uid), at(service, "alice"));
        log.lines().pop().unwrap()
    };
    let is = |line: &str, logon_type, verdict| {
        let parts = [
            format!("type=\"{logon_type}\""),
            format!("verdict={verdict}"),
        ];
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    };
    let explained = |uid| {
        let request = Request::Explain {
            user: name("alice"),
            service: "screen".to_owned(),
            at: None,
        };
        match desk.answer(Door::Main, Caller::of(uid), request) {
            Reply::Explanation(told) => (told.logon_type, told.with_password.params.logon_type),
            other => panic!("{other:?}"),
        }
    };
    let both = |logon_type| (logon_type, Some(logon_type));
    for service in ["screen", "Screen", "common-auth", "system-auth"] {
        is(&came(ALICE, service), "unlock", "NERR_Success");
        is(&came(0, service), "network", "NERR_Success");
    }
    // Those who come in by these sit somewhere else, whoever runs the program.
    set(
        &desk,
        &fake,
        "[rights]\nSeDenyNetworkLogonRight = [\"alice\"]\n",
    );
    for service in ["wayvnc", "vnc", "vsftpd", "no-such-service"] {
        is(&came(ALICE, service), "network", "ERROR_LOGON_TYPE_NOT");
    }
    is(&came(ALICE, "screen"), "unlock", "NERR_Success");
    // Nobody else learns anything.
    is(&came(AMY, "screen"), "unlock", "ERROR_ACCESS_DENIED");
    // What is explained is what the locker gets.
    for uid in [ALICE, 0] {
        assert_eq!(explained(uid), both(LogonType::Unlock));
    }
    // The map is the site's.
    set(&desk, &fake, "[services]\nother = \"deny\"\n");
    is(&came(ALICE, "screen"), "deny", "ERROR_INVALID_LOGON_TYPE");
    assert_eq!(explained(ALICE), both(LogonType::Deny));
    set(&desk, &fake, "[services]\nscreen = \"batch\"\n");
    is(&came(ALICE, "screen"), "batch", "ERROR_LOGON_TYPE_NOT");
    assert_eq!(explained(ALICE), both(LogonType::Batch));
}

#[test]
fn the_status_says_which_lists_are_in_force() {
    let (desk, fake, _) = desk_with("[audit]\nSeBatchLogonRight = true\n");
    let ask = |uid| match desk.answer(Door::Main, Caller::of(uid), Request::Status) {
        Reply::Status(status) => status.rights,
        other => panic!("{other:?}"),
    };
    let status = ask(0);
    assert_eq!(status.file, fake.rights().display().to_string());
    assert_eq!(status.loaded, Loaded::File);
    assert_eq!(status.version, version(&desk));
    assert_eq!(status.audit.len(), 1);
    assert_eq!(status.refused, None);
    assert_eq!(ask(ALICE), status);
}
