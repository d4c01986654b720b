mod rights;
mod simulation;
mod texts;

use super::fake::{ALICE, AMY, LOCAL, config, covered, desk, host};
use super::*;
use domlogon_protocol::admin::{AdminError, ImportedUser, NewUser, Request as Ask, UserChanges};
use domlogon_protocol::{Decision, LogonType, Origin, Rule, Secret, TicketBytes, Tickets, frame};
use std::time::{Duration, Instant};

const ROOT: Caller = Caller::of(0);

fn name(text: &str) -> UserName {
    UserName::parse(text.as_bytes()).unwrap()
}

/// A name that no module sends.
fn forged(account: &str) -> UserName {
    let mut wire = Vec::new();
    let placeholder = "x".repeat(account.len());
    frame::write(&mut wire, &name(&placeholder), frame::MAX_REQUEST).unwrap();
    let at = wire
        .windows(account.len())
        .position(|w| w == placeholder.as_bytes());
    let at = at.unwrap();
    wire[at..at + account.len()].copy_from_slice(account.as_bytes());
    frame::read(&mut wire.as_slice(), frame::MAX_REQUEST).unwrap()
}

fn origin() -> Origin {
    Origin {
        service: "sshd".to_owned(),
        tty: Some("ssh".to_owned()),
        remote_host: Some("10.0.0.5".to_owned()),
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}

fn logon(user: &str, password: &str) -> Request {
    Request::Logon {
        user: name(user),
        password: secret(password),
        origin: origin(),
    }
}

fn account(user: &str) -> Request {
    Request::Account {
        user: name(user),
        origin: origin(),
    }
}

fn preliminary(user: &str, old: Option<&str>) -> Request {
    Request::Preliminary {
        user: name(user),
        old: old.map(secret),
        origin: origin(),
    }
}

fn change(user: &str, old: Option<&str>) -> Request {
    Request::Change {
        user: name(user),
        old: old.map(secret),
        new: secret("new-Secret-1"),
        origin: origin(),
    }
}

fn explain(user: &str) -> Request {
    Request::Explain {
        user: name(user),
        service: "login".to_owned(),
        at: None,
    }
}

fn decision(reply: Reply) -> Decision {
    match reply {
        Reply::Decision(decision) | Reply::Preliminary { decision, .. } => *decision,
        other => panic!("not a decision: {other:?}"),
    }
}

/// What a fresh desk decides.
fn verdict(caller: Caller, request: Request) -> Verdict {
    let (desk, ..) = desk();
    decision(desk.answer(Door::Main, caller, request)).verdict
}

#[test]
fn root_may_ask_about_everybody() {
    assert_eq!(verdict(ROOT, logon("alice", "right")), Verdict::Success);
    assert_eq!(verdict(ROOT, logon("alice", "x")), Verdict::LogonFailure);
    assert_eq!(verdict(ROOT, logon("nobody", "x")), Verdict::UserNotFound);
    assert_eq!(verdict(ROOT, account("alice")), Verdict::Disabled);
    let too_short = Verdict::PasswordTooShort;
    assert_eq!(verdict(ROOT, change("alice", Some("right"))), too_short);
    assert_eq!(verdict(ROOT, change("alice", None)), too_short);
    assert_eq!(verdict(ROOT, preliminary("alice", None)), Verdict::Success);
}

#[test]
fn others_may_ask_about_themselves_alone_and_never_reset() {
    let alice = Caller::of(ALICE);
    assert_eq!(verdict(alice, logon("ALICE", "right")), Verdict::Success);
    assert_eq!(verdict(alice, account("alice")), Verdict::Disabled);
    let old = Some("right");
    assert_eq!(verdict(alice, preliminary("alice", old)), Verdict::Success);
    assert_eq!(
        verdict(alice, change("alice", old)),
        Verdict::PasswordTooShort
    );
    for request in [
        logon("amy", "right"),
        logon("nobody", "right"),
        account("amy"),
        account("nobody"),
        preliminary("amy", old),
        preliminary("alice", None),
        change("amy", old),
        change("alice", None),
        change("amy", None),
    ] {
        let (desk, fake, _) = desk();
        let shown = format!("{request:?}");
        let decision = decision(desk.answer(Door::Main, alice, request));
        assert_eq!(decision.verdict, Verdict::AccessDenied, "{shown}");
        assert_eq!(decision.rule, Rule::Caller, "{shown}");
        for asked in &*fake.asked.lock().unwrap() {
            assert_eq!(asked, "user_by_name", "{shown}");
        }
    }
    // A local user's name is no secret, and never ours.
    assert_eq!(verdict(alice, account(LOCAL)), Verdict::UserNotFound);
}

#[test]
fn a_caller_who_is_not_root_is_slowed() {
    let (desk, ..) = desk();
    let alice = Caller::of(ALICE);
    let start = Instant::now();
    for _ in 0..4 {
        desk.answer(Door::Main, alice, logon("alice", "x"));
    }
    assert!(start.elapsed() < Duration::from_millis(500));
    desk.answer(Door::Main, alice, logon("alice", "x"));
    assert!(start.elapsed() >= Duration::from_millis(900));
    let start = Instant::now();
    for _ in 0..50 {
        desk.answer(Door::Main, ROOT, logon("alice", "x"));
    }
    assert!(start.elapsed() < Duration::from_millis(500), "root is not");
}

#[test]
fn whoever_is_behind_roots_programs_is_slowed() {
    let behind = |owner| Caller { uid: 0, owner };
    let took = |owner, request: &dyn Fn() -> Request| {
        let (desk, _, log) = desk();
        let start = Instant::now();
        for _ in 0..5 {
            desk.answer(Door::Main, behind(owner), request());
        }
        let lines = log.lines();
        assert!(
            lines
                .iter()
                .all(|line| line.contains(&format!(" by={owner}"))),
            "{lines:?}"
        );
        start.elapsed()
    };
    assert!(took(1000, &|| logon("alice", "x")) >= Duration::from_millis(900));
    assert!(took(1000, &|| change("alice", Some("x"))) >= Duration::from_millis(900));
    let soon = Duration::from_millis(500);
    // sudo without a password, and a service that has persons to let in.
    assert!(took(1000, &|| account("alice")) < soon);
    for service in [33, 999, 60_514, 65_534] {
        assert!(took(service, &|| logon("alice", "x")) < soon);
    }
}

#[test]
fn nobody_but_root_fills_the_log() {
    let (desk, _, log) = desk();
    let desk = &desk;
    let alice = Caller::of(ALICE);
    // Enough at once that most of them are turned away.
    std::thread::scope(|scope| {
        for request in [logon("alice", "x"), change("alice", None)] {
            for _ in 0..200 {
                let request = request.clone();
                scope.spawn(move || {
                    let told = decision(desk.answer(Door::Main, alice, request));
                    assert!(!told.verdict.grants());
                });
            }
        }
    });
    let lines = log.lines();
    // Four at once, three in three seconds, and one for all that were turned away; and two
    // more of each second that this took.
    assert!((5..=20).contains(&lines.len()), "{}", lines.len());
    let away = lines.iter().filter(|line| line.contains("ERROR_BUSY"));
    assert_eq!(away.count(), 1);
}

#[test]
fn explain_is_for_oneself_root_and_administrators() {
    let (desk, ..) = desk();
    let is_told = |door, uid, user| match desk.answer(door, Caller::of(uid), explain(user)) {
        Reply::Explanation(told) => {
            assert_eq!(told.with_password.params.domain, "CORP");
            assert_eq!(told.without_password.params.service, "login");
            true
        }
        Reply::Refused(Verdict::AccessDenied) => false,
        other => panic!("{other:?}"),
    };
    assert!(is_told(Door::Main, 0, "alice"));
    assert!(is_told(Door::Main, ALICE, "alice"));
    assert!(!is_told(Door::Main, ALICE, "amy"));
    assert!(!is_told(Door::Main, ALICE, "nobody"));
    assert!(!is_told(Door::Main, AMY, "alice"));
    assert!(is_told(Door::Admin, AMY, "alice"));
    assert!(!is_told(Door::Admin, ALICE, "amy"));
    for (user, verdict) in [
        ("nobody", Verdict::UserNotFound),
        ("OTHER\\alice", Verdict::UserNotInResdom),
    ] {
        let reply = desk.answer(Door::Main, ROOT, explain(user));
        assert_eq!(reply, Reply::Refused(verdict));
    }
}

#[test]
fn explain_is_slowed_for_whoever_is_neither_root_nor_an_administrator() {
    let (desk, fake, log) = desk();
    let desk = &desk;
    let took = |door, uid| {
        let start = Instant::now();
        for _ in 0..5 {
            let reply = desk.answer(door, Caller::of(uid), explain("alice"));
            assert!(matches!(reply, Reply::Explanation(_)), "{reply:?}");
        }
        start.elapsed()
    };
    let paced = Duration::from_millis(900);
    // Where much runs at once, one of many is as quick as all are.
    let is_at_once = |door, uid| (0..3).any(|_| took(door, uid) < paced);
    assert!(is_at_once(Door::Main, 0));
    assert!(is_at_once(Door::Admin, AMY));
    assert!(took(Door::Main, ALICE) >= paced);
    let before = fake.asked.lock().unwrap().len();
    let busy: usize = std::thread::scope(|scope| {
        let ask = || desk.answer(Door::Main, Caller::of(ALICE), explain("alice"));
        let asked: Vec<_> = (0..50).map(|_| scope.spawn(ask)).collect();
        asked
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .filter(|reply| *reply == Reply::Refused(Verdict::Busy))
            .count()
    });
    assert!(busy >= 40, "{busy}");
    // Who is turned away costs nothing.
    let asked = fake.asked.lock().unwrap().len() - before;
    assert_eq!(asked, 2 * (50 - busy));
    assert!(log.lines().is_empty());
}

#[test]
fn that_an_account_is_hidden_is_for_root_and_administrators() {
    let (desk, ..) = desk();
    let ask = |door, uid| desk.answer(door, Caller::of(uid), explain("covered"));
    let told = Reply::AdminRefused(Box::new(covered()));
    assert_eq!(ask(Door::Main, 0), told);
    assert_eq!(ask(Door::Admin, 0), told);
    assert_eq!(ask(Door::Admin, AMY), told);
    let denied = Reply::Refused(Verdict::AccessDenied);
    for (door, uid) in [(Door::Main, AMY), (Door::Main, ALICE), (Door::Admin, ALICE)] {
        assert_eq!(ask(door, uid), denied);
    }
}

#[test]
fn administration_is_for_the_admin_socket_and_administrators() {
    let (desk, _, log) = desk();
    let add = || Request::Admin(Ask::GroupAdd("staff".to_owned()));
    for uid in [0, AMY, ALICE] {
        let reply = desk.answer(Door::Main, Caller::of(uid), add());
        assert_eq!(reply, Reply::Refused(Verdict::AccessDenied));
    }
    assert_eq!(log.lines().len(), 0);
    for uid in [0, AMY] {
        let reply = desk.answer(Door::Admin, Caller::of(uid), add());
        assert!(matches!(reply, Reply::Admin(_)), "{reply:?}");
    }
    let reply = desk.answer(Door::Admin, Caller::of(ALICE), add());
    assert_eq!(reply, Reply::AdminRefused(Box::new(AdminError::NotAllowed)));
    assert_eq!(
        log.lines(),
        [
            "5 admin: caller=0 did=\"group add\" group=staff result=done".to_owned(),
            format!("5 admin: caller={AMY} did=\"group add\" group=staff result=done"),
            format!("5 admin: caller={ALICE} did=\"group add\" group=staff result=not-allowed"),
        ]
    );
}

#[test]
fn the_administrators_door_opens_for_root_and_for_them() {
    let (desk, fake, log) = desk();
    let admits = |door, uid| desk.admits(door, Caller::of(uid));
    for uid in [0, AMY, ALICE, 65534] {
        assert!(admits(Door::Main, uid));
    }
    assert!(admits(Door::Admin, 0) && admits(Door::Admin, AMY));
    assert!(!admits(Door::Admin, ALICE) && !admits(Door::Admin, 65534));
    fake.out.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(admits(Door::Admin, 0) && !admits(Door::Admin, AMY));
    assert!(admits(Door::Main, ALICE));
    // Anybody may knock, again and again.
    assert!(log.lines().is_empty());
}

#[test]
fn administration_is_logged_without_secrets() {
    let (desk, _, log) = desk();
    let reset = Ask::UserPassword {
        name: "alice".to_owned(),
        password: secret("hunter2"),
        must_change: true,
        unlock: false,
    };
    let reply = desk.answer(Door::Admin, ROOT, Request::Admin(reset));
    let Reply::AdminRefused(error) = reply else {
        panic!("{reply:?}")
    };
    let AdminError::Password(decision) = *error else {
        panic!("{error:?}")
    };
    assert_eq!(decision.params.user, "alice");
    let changes = domlogon_protocol::admin::UserChanges {
        disabled: Some(true),
        expires: Some(None),
        full_name: Some("A \"B\"\nC".to_owned()),
        ..Default::default()
    };
    let set = Ask::UserSet {
        name: "alice".to_owned(),
        changes: Box::new(changes),
        force: true,
    };
    desk.answer(Door::Admin, ROOT, Request::Admin(set));
    desk.answer(Door::Admin, ROOT, Request::Admin(Ask::PolicyShow));
    assert_eq!(
        log.lines(),
        [
            format!(
                "5 admin: caller=0 did=\"user password\" user=alice must_change=yes \
                 result=password-refused verdict=NERR_PasswordTooShort(2245) \
                 ntstatus=0xC000025A ref={}",
                decision.reference
            ),
            "5 admin: caller=0 did=\"user set\" user=alice disabled=yes expires=never \
             full_name=\"A \\\"B\\\"\\u{a}C\" force=yes result=done"
                .to_owned(),
        ]
    );
}

#[test]
fn everybody_who_is_put_into_a_group_is_in_the_log() {
    let (desk, fake, log) = desk();
    let mut members: Vec<String> = (0..25).map(|n| format!("employee{n:03}")).collect();
    members.push("mallory".to_owned());
    let add = |members: &[String]| Ask::GroupAddMembers {
        group: "Domain Admins".to_owned(),
        members: members.to_vec(),
    };
    desk.answer(Door::Admin, ROOT, Request::Admin(add(&members)));
    let did = "5 admin: caller=0 did=\"group add-member\" group=\"Domain Admins\" members=";
    assert_eq!(
        log.lines(),
        [
            format!("{did}{} part=1/2 result=done", members[..16].join(",")),
            format!("{did}{} part=2/2 result=done", members[16..].join(",")),
        ]
    );
    let remove = Ask::GroupRemoveMembers {
        group: "staff".to_owned(),
        members: members[24..].to_vec(),
        force: true,
    };
    desk.answer(Door::Admin, Caller::of(AMY), Request::Admin(remove));
    assert_eq!(
        log.lines()[2],
        format!(
            "5 admin: caller={AMY} did=\"group remove-member\" group=staff force=yes \
             members=employee024,mallory result=done"
        )
    );
    let user = |row: u32, name: &String| ImportedUser {
        row,
        new: NewUser {
            name: format!("u{row}"),
            full_name: None,
            uid: None,
            home: None,
            shell: None,
            password: None,
            must_change: false,
        },
        changes: UserChanges::default(),
        groups: vec![name.clone(), "staff".to_owned()],
        hash: None,
    };
    let import = Ask::UserImport {
        users: (0..)
            .zip(&members)
            .map(|(row, name)| user(row, name))
            .collect(),
        dry_run: false,
    };
    desk.answer(Door::Admin, ROOT, Request::Admin(import));
    let did = "5 admin: caller=0 did=\"user import\" users=26 hashes=0 groups=";
    assert_eq!(
        log.lines()[3..],
        [
            format!("{did}{} part=1/2 result=done", members[..16].join(",")),
            format!(
                "{did}{},staff part=2/2 result=done",
                members[16..].join(",")
            ),
        ]
    );
    // What is refused is in it, too; of somebody who may not ask, one line.
    fake.out.store(true, Ordering::SeqCst);
    desk.answer(Door::Admin, ROOT, Request::Admin(add(&members)));
    assert_eq!(log.lines().len(), 7);
    assert!(log.lines()[6].contains(",mallory part=2/2 result=store"));
    fake.out.store(false, Ordering::SeqCst);
    desk.answer(
        Door::Admin,
        Caller::of(ALICE),
        Request::Admin(add(&members)),
    );
    assert_eq!(log.lines().len(), 8);
    assert!(log.lines()[7].ends_with(" part=1/2 result=not-allowed"));
}

#[test]
fn each_decision_has_a_reference_and_one_line() {
    let (desk, _, log) = desk();
    let refused = decision(desk.answer(Door::Main, ROOT, account("CORP\\ALICE")));
    let granted = decision(desk.answer(Door::Main, ROOT, logon("alice", "right")));
    let short = decision(desk.answer(Door::Main, ROOT, change("alice", Some("hunter2"))));
    assert_ne!(refused.reference, granted.reference);
    assert_eq!(refused.reference.to_string().len(), 6);
    assert_eq!(refused.params.user, "Alice");
    assert_eq!(refused.params.host, "ws1");
    assert_eq!(granted.params.user, "Alice");
    assert_eq!(
        short.params.user, "alice",
        "as asked, where nobody says otherwise"
    );
    assert_eq!(granted.params.logon_type, Some(LogonType::Network));
    let rest = |event: &str, user: &str| {
        format!(
            "{event}: user={user} uid={ALICE} service=sshd type=\"network\" from=10.0.0.5 tty=ssh"
        )
    };
    assert_eq!(
        log.lines(),
        [
            format!(
                "5 {} verdict=ERROR_ACCOUNT_DISABLED(1331) ntstatus=0xC0000072 \
                 rule=\"disabled\" ref={} caller=0",
                rest("account", "Alice"),
                refused.reference
            ),
            format!(
                "6 {} verdict=NERR_Success(0) ntstatus=0x00000000 rule=\"all passed\" \
                 ref={} caller=0",
                rest("logon", "Alice"),
                granted.reference
            ),
            format!(
                "5 {} verdict=NERR_PasswordTooShort(2245) ntstatus=0xC000025A \
                 also=NERR_PasswordHistConflict(2244) rule=\"password form\" ref={} caller=0",
                rest("change", "alice"),
                short.reference
            ),
        ]
    );
    let Reply::Status(status) = desk.answer(Door::Main, Caller::of(ALICE), Request::Status) else {
        panic!()
    };
    assert_eq!((status.granted, status.refused), (1, 2));
}

#[test]
fn hostile_words_forge_no_line() {
    let (desk, _, log) = desk();
    let request = Request::Logon {
        user: forged("a\nlogon: verdict=NERR_Success(0)"),
        password: secret("x"),
        origin: Origin {
            service: format!("x\nlogon: user=root{}", "y".repeat(5000)),
            tty: Some("\u{1b}[2J\"".to_owned()),
            remote_host: Some("h ref=AAAAAA".to_owned()),
        },
    };
    desk.answer(Door::Main, ROOT, request);
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("4 service not known: service=\"x\\u{a}logon: user=rooty"));
    let expected =
        "5 logon: user=\"a\\u{a}logon: verdict=NERR_Success(0)\" service=\"x\\u{a}logon:";
    assert!(lines[1].starts_with(expected), "{}", lines[1]);
    assert!(lines[1].contains("from=\"h ref=AAAAAA\" tty=\"\\u{1b}[2J\\\"\" verdict="));
    assert!(lines.iter().all(|line| !line.contains(char::is_control)));
    assert!(lines[1].len() < 600);
}

#[test]
fn a_malformed_name_never_reaches_the_backend() {
    let (desk, fake, _) = desk();
    for account in ["a/../b", "a:b", "a\0", " ", "a\nb"] {
        let request = Request::Logon {
            user: forged(account),
            password: secret("x"),
            origin: origin(),
        };
        let decision = decision(desk.answer(Door::Main, ROOT, request));
        assert_eq!(decision.verdict, Verdict::BadUsername, "{account:?}");
    }
    assert!(fake.asked.lock().unwrap().is_empty());
}

#[test]
fn a_store_that_is_away_refuses_with_its_own_verdict() {
    let (desk, fake, _) = desk();
    fake.out.store(true, Ordering::Relaxed);
    for request in [
        logon("alice", "right"),
        account("alice"),
        preliminary("alice", None),
        change("alice", Some("right")),
    ] {
        let reply = desk.answer(Door::Main, ROOT, request);
        let (Reply::Decision(decision)
        | Reply::Preliminary {
            decision,
            rules: None,
        }) = reply
        else {
            panic!("{reply:?}")
        };
        assert_eq!(decision.verdict, Verdict::InvalidDatabase);
        assert_eq!(decision.rule, Rule::Store);
        assert!(!decision.reference.is_empty());
    }
    let own = desk.answer(Door::Main, Caller::of(ALICE), logon("alice", "right"));
    assert_eq!(decision(own).verdict, Verdict::InvalidDatabase);
    let refused = Reply::Refused(Verdict::InvalidDatabase);
    for request in [
        Request::UserByName("alice".to_owned()),
        Request::UserById(ALICE),
        Request::GroupByName("Domain Users".to_owned()),
        Request::GroupById(ALICE),
        Request::GroupsOf("alice".to_owned()),
        Request::Users(0),
        Request::Groups(0),
        explain("alice"),
    ] {
        assert_eq!(desk.answer(Door::Main, ROOT, request), refused);
    }
    let asked = Request::Admin(Ask::PolicyShow);
    let reply = desk.answer(Door::Admin, Caller::of(AMY), asked);
    let store = AdminError::Store(Verdict::InvalidDatabase);
    assert_eq!(reply, Reply::AdminRefused(Box::new(store)));
    let Reply::Status(status) = desk.answer(Door::Main, ROOT, Request::Status) else {
        panic!()
    };
    assert_eq!(status.store, Verdict::InvalidDatabase);
}

#[test]
fn a_user_with_many_ids_has_one_pace() {
    let (desk, ..) = desk();
    let start = Instant::now();
    // Four at once, and one second for the next.
    for uid in 100_000..100_005 {
        let caller = Caller { uid, owner: 1000 };
        desk.answer(Door::Main, caller, logon("alice", "right"));
    }
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn names_of_other_domains_and_system_ids_are_not_looked_up() {
    let (desk, fake, _) = desk();
    let ask = |request| desk.answer(Door::Main, Caller::of(65_534), request);
    for user in ["OTHER\\alice", "alice@other.example", "a:b", ""] {
        let user = user.to_owned();
        assert_eq!(ask(Request::UserByName(user.clone())), Reply::User(None));
        assert_eq!(ask(Request::GroupByName(user.clone())), Reply::Group(None));
        assert_eq!(ask(Request::GroupsOf(user)), Reply::GroupIds(None));
    }
    for id in [0, 1, 999] {
        assert_eq!(ask(Request::UserById(id)), Reply::User(None));
        assert_eq!(ask(Request::GroupById(id)), Reply::Group(None));
    }
    assert!(fake.asked.lock().unwrap().is_empty());
    for user in ["ALICE", "corp\\alice", "alice@CORP.example"] {
        let Reply::User(Some(user)) = ask(Request::UserByName(user.to_owned())) else {
            panic!("{user}")
        };
        assert_eq!(user.uid, ALICE);
    }
    let Reply::Group(Some(_)) = ask(Request::GroupByName("CORP\\Domain Users".to_owned())) else {
        panic!()
    };
}

#[test]
fn status_says_that_a_reload_was_refused_until_one_is_taken() {
    let (desk, ..) = desk();
    let refused = || match desk.answer(Door::Main, ROOT, Request::Status) {
        Reply::Status(status) => status.reload_refused,
        other => panic!("{other:?}"),
    };
    assert!(!refused());
    desk.refuse_reload();
    assert!(refused());
    desk.configure(config(), host());
    assert!(!refused());
}

#[test]
fn only_root_names_services() {
    let (desk, _, log) = desk();
    let origin = Origin {
        service: "frobd".to_owned(),
        ..Origin::default()
    };
    let ask = Request::Account {
        user: name("alice"),
        origin,
    };
    let explain = Request::Explain {
        user: name("alice"),
        service: "frobd".to_owned(),
        at: None,
    };
    for request in [ask, explain] {
        desk.answer(Door::Main, Caller::of(ALICE), request);
    }
    let named = |line: &String| line.contains("not known");
    assert!(!log.lines().iter().any(named));
}

#[test]
fn tickets_are_for_root_and_are_handed_out_once() {
    let (desk, fake, ..) = desk();
    let tickets = Tickets {
        cache: format!("FILE:/tmp/krb5cc_{ALICE}_XXXXXX"),
        credentials: TicketBytes::new(b"ticket").unwrap(),
        uid: ALICE,
        gid: 513,
    };
    *fake.tickets.lock().unwrap() = Some(tickets.clone());
    let ask = |user: UserName| Request::Tickets {
        user,
        origin: origin(),
    };
    let refused = Reply::Refused(Verdict::AccessDenied);
    for uid in [ALICE, AMY, 1000] {
        for door in [Door::Main, Door::Admin] {
            let reply = desk.answer(door, Caller::of(uid), ask(name("alice")));
            assert_eq!(reply, refused, "{uid} {door:?}");
        }
    }
    let from_root = |user| desk.answer(Door::Main, ROOT, ask(user));
    for other in [name("amy"), name("OTHER\\alice"), forged("a:ice")] {
        assert_eq!(from_root(other), Reply::Tickets(None));
    }
    let handed = Reply::Tickets(Some(Box::new(tickets)));
    assert_eq!(from_root(name("CORP\\ALICE")), handed);
    assert_eq!(from_root(name("alice")), Reply::Tickets(None));
}
