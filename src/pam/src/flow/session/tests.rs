use super::super::scripted::{Answer, HelperSays, LOCAL_ID, SILENT, Scripted, arguments};
use super::*;
use crate::helper::HelperError;
use domlogon_protocol::{TicketBytes, Verdict};

const ESTABLISH: i32 = 0x2;
const DELETE: i32 = 0x4;
const REINITIALIZE: i32 = 0x8;
const REFRESH: i32 = 0x10;
const UID: u32 = 1_900_001_104;
const UNIQUE: &str = "FILE:/tmp/krb5cc_1900001104_XXXXXX";
const MADE: &str = "FILE:/tmp/krb5cc_1900001104_a1b2c3";
const SHARED: &str = "KEYRING:persistent:1900001104";

fn tickets(cache: &str) -> Reply {
    Reply::Tickets(Some(Box::new(Tickets {
        cache: cache.to_owned(),
        credentials: TicketBytes::new(b"tgt").unwrap(),
        uid: UID,
        gid: 1_900_000_513,
    })))
}

fn with(cache: &str) -> Scripted {
    Scripted::new("alice").replies(tickets(cache))
}

fn cred(host: &Scripted, flags: i32) -> PamCode {
    credentials(host, Flags(flags), arguments(""))
}

fn open(host: &Scripted) -> PamCode {
    open_session(host, Flags(0), arguments(""))
}

fn close(host: &Scripted) -> PamCode {
    close_session(host, Flags(0), arguments(""))
}

fn in_use(host: &Scripted) -> Option<String> {
    host.in_use.borrow().clone()
}

/// login, su and sshd: each of these succeeds, whatever comes of it.
fn all_succeed(host: &Scripted) {
    for flags in [ESTABLISH, REINITIALIZE] {
        assert_eq!(cred(host, flags), PamCode::Success);
    }
    assert_eq!(open(host), PamCode::Success);
    assert_eq!(cred(host, DELETE), PamCode::Success);
    assert_eq!(close(host), PamCode::Success);
    assert!(host.seen().is_empty(), "nothing is ever said here");
    host.done();
}

#[test]
fn a_session_has_its_tickets_and_leaves_none() {
    // su closes the session first, sshd takes the credentials first.
    for delete_first in [true, false] {
        for flags in [ESTABLISH, ESTABLISH | SILENT, 0] {
            let host = with(UNIQUE);
            assert_eq!(cred(&host, flags), PamCode::Success);
            assert_eq!(in_use(&host).as_deref(), Some(MADE));
            assert_eq!(host.asked(), ["tickets alice login"]);
            assert_eq!(
                host.helped(),
                [format!("store {UNIQUE} {UID} 1900000513 tgt")]
            );
            assert_eq!(open(&host), PamCode::Success);
            assert_eq!(host.helped(), [format!("renew {MADE} {UID}")]);
            let ends = |first: bool| match first {
                true => cred(&host, DELETE | SILENT),
                false => close(&host),
            };
            assert_eq!(ends(delete_first), PamCode::Success);
            let gone = ["stop".to_owned(), format!("destroy {MADE} {UID}")];
            assert_eq!(host.helped(), gone);
            assert_eq!(ends(!delete_first), PamCode::Success);
            assert!(host.helped().is_empty(), "once is enough");
            host.done();
        }
    }
}

#[test]
fn a_shared_cache_outlives_the_session() {
    for cache in [SHARED, "KCM:1900001104", "FILE:/tmp/krb5cc_1900001104"] {
        let host = with(cache);
        cred(&host, ESTABLISH);
        open(&host);
        assert_eq!(in_use(&host).as_deref(), Some(cache));
        assert_eq!(host.helped().len(), 2);
        cred(&host, DELETE);
        assert!(host.helped().is_empty() && host.renewing.get());
        close(&host);
        assert_eq!(host.helped(), ["stop"]);
    }
}

/// sshd's dialogue: pam_localuser's line jumps over ours in setcred.
#[test]
fn without_setcred_open_session_hands_the_tickets_out() {
    let host = with(UNIQUE).service("sshd");
    assert_eq!(open(&host), PamCode::Success);
    assert_eq!(host.asked(), ["tickets alice sshd"]);
    assert_eq!(host.helped().len(), 2);
    assert_eq!(in_use(&host).as_deref(), Some(MADE));
    // A program that asks for credentials only then.
    assert_eq!(cred(&host, ESTABLISH), PamCode::Success);
    assert!(host.asked().is_empty() && host.helped().is_empty());
    close(&host);
    assert_eq!(host.helped().len(), 2);
    host.done();
}

#[test]
fn without_tickets_nothing_happens() {
    let none = || Reply::Tickets(None);
    let host = Scripted::new("alice")
        .replies(none())
        .replies(none())
        .replies(none());
    all_succeed(&host);
    assert!(host.helped().is_empty() && host.logged.borrow().is_empty());
    assert_eq!(in_use(&host), None);
    // cron
    let host = Scripted::new("alice").service("cron").replies(none());
    assert_eq!(open(&host), PamCode::Success);
    assert_eq!(close(&host), PamCode::Success);
    assert!(host.helped().is_empty() && host.logged.borrow().is_empty());
}

#[test]
fn who_is_not_root_asks_nobody() {
    let host = Scripted::new("alice");
    host.root.set(false);
    all_succeed(&host);
    assert!(host.asked().is_empty() && host.helped().is_empty());
}

#[test]
fn no_trouble_with_tickets_refuses_a_logon() {
    let answers: [fn() -> Answer; 7] = [
        || Answer::IsAway,
        || Answer::IsSilent,
        || Answer::IsNewer,
        || Answer::Says(Reply::Refused(Verdict::AccessDenied)),
        || Answer::Says(Reply::User(None)),
        // Nobody's helper is told to become root.
        || {
            Answer::Says(Reply::Tickets(Some(Box::new(Tickets {
                cache: "FILE:/tmp/krb5cc_0".to_owned(),
                credentials: TicketBytes::new(b"tgt").unwrap(),
                uid: 0,
                gid: 0,
            }))))
        },
        // Nor to act for a group of the system.
        || {
            Answer::Says(Reply::Tickets(Some(Box::new(Tickets {
                cache: UNIQUE.to_owned(),
                credentials: TicketBytes::new(b"tgt").unwrap(),
                uid: UID,
                gid: 0,
            }))))
        },
    ];
    for answer in answers {
        let host = Scripted::new("alice")
            .answer(answer())
            .answer(answer())
            .answer(answer());
        all_succeed(&host);
        assert_eq!(host.logged.borrow().len(), 3);
        assert!(host.helped().is_empty());
        assert_eq!(in_use(&host), None);
    }
}

#[test]
fn a_helper_that_fails_or_answers_oddly_is_logged_and_no_more() {
    let answers: [HelperSays; 6] = [
        || Err(HelperError::Late),
        || Err(HelperError::Failed),
        || Ok(String::new()),
        || Ok("FILE:/tmp/another".to_owned()),
        || Ok("FILE:/tmp/krb5cc_1900001104_/../../etc/x".to_owned()),
        || Ok("FILE:/tmp/krb5cc_1900001104_a\nLD_PRELOAD=x".to_owned()),
    ];
    for answer in answers {
        let host = with(UNIQUE);
        host.helper.set(Some(answer));
        assert_eq!(cred(&host, ESTABLISH), PamCode::Success);
        assert_eq!(in_use(&host), None);
        assert!(host.cache().is_none());
        assert_eq!(host.logged.borrow().len(), 1);
        assert!(host.logged.borrow()[0].starts_with("Warning alice: "));
    }
    // The renewal and the end of the cache.
    let host = with(UNIQUE);
    cred(&host, ESTABLISH);
    host.helper.set(Some(|| Err(HelperError::Late)));
    assert_eq!(open(&host), PamCode::Success);
    assert_eq!(close(&host), PamCode::Success);
    assert_eq!(host.logged.borrow().len(), 2);
}

#[test]
fn a_screen_that_is_unlocked_gets_new_tickets_in_its_own_cache() {
    const OWN: &str = "FILE:/tmp/krb5cc_1900001104_old";
    let private = ("/tmp/krb5cc_1900001104_old", UID);
    for flags in [REFRESH, REINITIALIZE] {
        for name in [
            OWN,
            "FILE:/run/user/1900001104/krb5cc",
            SHARED,
            "KEYRING:persistent:1900001104:krb",
            "KCM:",
            "KCM:1900001104:7",
        ] {
            let mut host = with(UNIQUE);
            host.private = vec![private, ("/run/user/1900001104/krb5cc", UID)];
            host.set_cache_in_use(name);
            assert_eq!(cred(&host, flags), PamCode::Success);
            assert_eq!(
                host.helped(),
                [format!("store {name} {UID} 1900000513 tgt")]
            );
            assert_eq!(in_use(&host).as_deref(), Some(name));
            // It was not made here: it stays.
            cred(&host, DELETE);
            close(&host);
            assert!(host.helped().is_empty());
        }
    }
}

#[test]
fn a_cache_that_is_none_of_the_persons_is_left_alone() {
    for name in [
        "FILE:/tmp/krb5cc_of_bob",
        "FILE:/tmp/krb5cc_not_there",
        "FILE:/home/alice/.bashrc",
        "FILE:krb5cc",
        "/tmp/krb5cc_1900001104_old",
        "DIR:/home/alice/krb5cc",
        "MEMORY:x",
        "KCM:1900001105",
        "KCM:19000011041",
        "KEYRING:persistent:0",
        "KEYRING:session:x",
        "",
        "FILE:/tmp/krb5cc a",
    ] {
        let mut host = with(UNIQUE);
        host.private = vec![
            ("/tmp/krb5cc_of_bob", UID + 1),
            ("/home/alice/.bashrc", UID),
            ("krb5cc", UID),
            ("/tmp/krb5cc a", UID),
        ];
        host.set_cache_in_use(name);
        cred(&host, REFRESH);
        assert_eq!(
            host.helped(),
            [format!("store {UNIQUE} {UID} 1900000513 tgt")],
            "{name}"
        );
        assert_eq!(in_use(&host).as_deref(), Some(MADE));
    }
}

/// login: the second of its two calls finds what the first has made.
#[test]
fn new_tickets_for_the_cache_of_this_session_stay_this_sessions() {
    let mut host = with(UNIQUE).replies(tickets(UNIQUE));
    host.private = vec![(MADE.strip_prefix("FILE:").unwrap(), UID)];
    cred(&host, ESTABLISH);
    cred(&host, REINITIALIZE);
    assert_eq!(
        host.helped()[1],
        format!("store {MADE} {UID} 1900000513 tgt")
    );
    cred(&host, DELETE);
    assert_eq!(host.helped(), [format!("destroy {MADE} {UID}")]);
}

/// sudo logs one person on, and makes the session of another.
#[test]
fn another_persons_session_does_not_use_the_cache() {
    let host = with(UNIQUE);
    cred(&host, ESTABLISH);
    host.helped();
    host.set_user(b"bob");
    let host = host.replies(Reply::Tickets(None));
    open(&host);
    assert!(host.helped().is_empty());
    // But it is not left behind, even if the name is now one of this host.
    host.set_user(b"root");
    assert_eq!(close(&host), PamCode::UserUnknown);
    assert_eq!(host.helped(), [format!("destroy {MADE} {UID}")]);
}

#[test]
fn names_of_this_host_are_told_apart_and_nobody_is_asked() {
    for name in ["root", "backup", "CORP\\backup", "a:b", ""] {
        let host = Scripted::new(name);
        for code in [
            cred(&host, ESTABLISH),
            cred(&host, REFRESH),
            open(&host),
            close(&host),
            cred(&host, DELETE),
        ] {
            assert_eq!(code, PamCode::UserUnknown, "{name:?}");
        }
        let ignored = credentials(&host, Flags(ESTABLISH), arguments("ignore_unknown_user"));
        assert_eq!(ignored, PamCode::Ignore);
        assert!(host.asked().is_empty() && host.seen().is_empty());
    }
}

#[test]
fn the_hosts_own_names_are_read_once() {
    for name in ["alice", "CORP\\alice", "backup", "CORP\\backup", "a:b"] {
        let host = Scripted::new(name);
        close(&host);
        assert_eq!(host.read.get(), 1, "{name}");
    }
}

#[test]
fn no_ticket_is_ever_logged() {
    let host = with(UNIQUE);
    host.helper.set(Some(|| Err(HelperError::Failed)));
    credentials(&host, Flags(ESTABLISH), arguments("debug"));
    let logged = host.logged.borrow();
    assert!(!logged.is_empty() && logged.iter().all(|line| !line.contains("tgt")));
}

#[test]
fn nobody_of_this_host_gets_tickets() {
    for uid in [0, 999, LOCAL_ID] {
        let mut reply = tickets(UNIQUE);
        if let Reply::Tickets(Some(tickets)) = &mut reply {
            tickets.uid = uid;
        }
        let host = Scripted::new("alice").replies(reply);
        assert_eq!(cred(&host, ESTABLISH), PamCode::Success);
        assert!(host.helped().is_empty(), "{uid}");
    }
}
