//! What is remembered of the last logons, and what a changed file would make of them.

use super::*;
use crate::desk::fake::{Fake, desk_with};
use domlogon_protocol::rights::{ProblemKind, Simulation};
use domlogon_protocol::{Basis, Right};

fn at(service: &str, user: &str) -> Request {
    Request::Account {
        user: name(user),
        origin: Origin {
            service: service.to_owned(),
            ..Origin::default()
        },
    }
}

fn come(desk: &Desk, service: &str, user: &str) -> Verdict {
    decision(desk.answer(Door::Main, ROOT, at(service, user))).verdict
}

fn enabled(fake: &Fake) {
    fake.enabled.store(true, Ordering::Relaxed);
}

fn simulate(desk: &Desk, text: &str) -> Simulation {
    simulate_since(desk, text, Timestamp(0))
}

fn simulate_since(desk: &Desk, text: &str, since: Timestamp) -> Simulation {
    let text = text.to_owned();
    let ask = Request::Admin(Ask::RightsSimulate { text, since });
    match desk.answer(Door::Admin, ROOT, ask) {
        Reply::Admin(reply) => match *reply {
            admin::Reply::RightsSimulated(simulation) => *simulation,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// Each change: who, where, and whether he would be let in.
fn changes(simulation: &Simulation) -> Vec<(&str, &str, bool)> {
    simulation
        .changes
        .iter()
        .map(|change| {
            assert_ne!(change.now.1, change.then.1);
            (&*change.service, &*change.user, change.then.1)
        })
        .collect()
}

const NOBODY: &str = "[rights]\nSeNetworkLogonRight = []\nSeBatchLogonRight = []\n\
                      SeInteractiveLogonRight = []\n";

#[test]
fn whoever_would_be_judged_otherwise_is_named() {
    let (desk, fake, _) = desk();
    enabled(&fake);
    let before = clock::now();
    assert_eq!(come(&desk, "vsftpd", "amy"), Verdict::Success);
    assert_eq!(come(&desk, "sshd", "amy"), Verdict::Success);
    assert_eq!(come(&desk, "sshd", "alice"), Verdict::Success);
    assert_eq!(come(&desk, "login", "alice"), Verdict::Success);
    assert_eq!(come(&desk, "cron", "alice"), Verdict::LogonTypeNotGranted);
    let asked = fake.asked.lock().unwrap().len();

    let simulation = simulate(
        &desk,
        "[rights]\nSeNetworkLogonRight = [\"Administrators\"]\n\
         SeDenyInteractiveLogonRight = [\"staff\"]\nSeBatchLogonRight = [\"Users\"]\n",
    );
    assert_eq!(
        changes(&simulation),
        [
            ("cron", "Alice", true),
            ("login", "Alice", false),
            ("sshd", "Alice", false),
        ]
    );
    assert_eq!(
        (simulation.judged, simulation.gone, simulation.more),
        (5, 0, 0)
    );
    assert_eq!(simulation.since, Timestamp(0));
    let since = simulation.remembered_since.unwrap();
    assert!(since >= before && since <= clock::now());
    let login = &simulation.changes[1];
    assert!(login.last >= since);
    assert_eq!(login.then.0.right, Some(Right::Interactive));
    let Basis::Entry { entry, list, .. } = &login.then.0.basis else {
        panic!("{login:?}")
    };
    assert_eq!(
        (entry.shown(), list.symbol()),
        ("Staff", "SeDenyInteractiveLogonRight")
    );
    assert!(matches!(login.now.0.basis, Basis::Entry { .. }));
    // One token for each user, however many services.
    let asked = fake.asked.lock().unwrap()[asked..].to_vec();
    assert_eq!(asked.iter().filter(|asked| *asked == "token").count(), 2);
    // Nothing was changed by it.
    assert_eq!(come(&desk, "sshd", "alice"), Verdict::Success);
    assert_eq!(come(&desk, "cron", "alice"), Verdict::LogonTypeNotGranted);
}

#[test]
fn the_map_of_services_is_tried_too() {
    let (desk, fake, _) = desk();
    enabled(&fake);
    come(&desk, "sshd", "alice");
    come(&desk, "frobd", "alice");
    let simulation = simulate(&desk, "[services]\nsshd = \"batch\"\n");
    assert_eq!(changes(&simulation), [("sshd", "Alice", false)]);
    assert_eq!(simulation.changes[0].now.0.logon_type, LogonType::Network);
    assert_eq!(simulation.changes[0].then.0.logon_type, LogonType::Batch);
    let simulation = simulate(&desk, "[services]\nother = \"deny\"\n");
    assert_eq!(changes(&simulation), [("frobd", "Alice", false)]);
    assert_eq!(simulation.changes[0].then.0.basis, Basis::NotAsked);
    let simulation = simulate(&desk, &format!("{NOBODY}[services]\nother = \"permit\"\n"));
    assert_eq!(changes(&simulation), [("sshd", "Alice", false)]);
}

#[test]
fn a_service_that_needed_no_right_is_tried_too() {
    let (desk, fake, _) = desk();
    enabled(&fake);
    come(&desk, "sudo", "alice");
    assert_eq!(changes(&simulate(&desk, NOBODY)), []);
    let simulation = simulate(&desk, "[services]\nsudo = \"deny\"\n");
    assert_eq!(changes(&simulation), [("sudo", "Alice", false)]);
}

#[test]
fn audit_mode_lets_in_in_a_simulation_too() {
    let audit = "[audit]\nSeNetworkLogonRight = true\n";
    let (desk, fake, _) = desk_with(&format!("{NOBODY}{audit}"));
    enabled(&fake);
    assert_eq!(come(&desk, "sshd", "alice"), Verdict::Success);
    // In earnest at last: this is what audit mode was for.
    let enforced = simulate(&desk, NOBODY);
    assert_eq!(changes(&enforced), [("sshd", "Alice", false)]);
    assert_eq!(changes(&simulate(&desk, &format!("{NOBODY}{audit}"))), []);
}

#[test]
fn the_groups_are_those_of_now_and_whoever_is_gone_is_counted() {
    let (desk, fake, _) = desk();
    enabled(&fake);
    for (service, user) in [("sshd", "alice"), ("login", "alice"), ("sshd", "amy")] {
        come(&desk, service, user);
    }
    let contractors = "[rights]\nSeDenyNetworkLogonRight = [\"contractors\"]\n";
    assert_eq!(changes(&simulate(&desk, contractors)), []);
    fake.join("amy", "Contractors");
    let simulation = simulate(&desk, contractors);
    assert_eq!(changes(&simulation), [("sshd", "amy", false)]);
    fake.gone.lock().unwrap().push("alice");
    let simulation = simulate(&desk, NOBODY);
    assert_eq!(changes(&simulation), [("sshd", "amy", false)]);
    assert_eq!((simulation.judged, simulation.gone), (1, 1));
}

#[test]
fn only_ways_in_are_remembered() {
    let (desk, fake, _) = desk();
    let alice = Caller::of(ALICE);
    // Refused for another reason, asked by nobody's service, about a password, about
    // nobody, or only an explanation.
    assert_eq!(come(&desk, "sshd", "alice"), Verdict::Disabled);
    enabled(&fake);
    for (caller, request) in [
        (ROOT, logon("alice", "wrong")),
        (ROOT, logon("nobody", "right")),
        (alice, at("swaylock", "alice")),
        (alice, logon("alice", "right")),
        (ROOT, preliminary("alice", Some("right"))),
        (ROOT, change("alice", Some("right"))),
        (ROOT, explain("alice")),
    ] {
        desk.answer(Door::Main, caller, request);
    }
    let simulation = simulate(&desk, NOBODY);
    assert_eq!((simulation.judged, simulation.gone), (0, 0));
    assert_eq!(simulation.remembered_since, None);
    desk.answer(Door::Main, ROOT, logon("ALICE@corp.example", "right"));
    desk.answer(Door::Main, ROOT, logon("CORP\\alice", "right"));
    assert_eq!(simulate(&desk, NOBODY).judged, 1);
    let long = "s".repeat(5000);
    come(&desk, &long, "alice");
    let simulation = simulate(&desk, NOBODY);
    assert_eq!(simulation.changes[1].service, "s".repeat(64));
}

#[test]
fn only_what_came_since_then_is_tried() {
    let (desk, fake, _) = desk();
    enabled(&fake);
    come(&desk, "sshd", "alice");
    let late = clock::now().plus(3600);
    let simulation = simulate_since(&desk, NOBODY, late);
    assert_eq!((simulation.judged, simulation.since), (0, late));
    assert!(simulation.remembered_since.is_some());
    assert_eq!(
        simulate_since(&desk, NOBODY, clock::now().plus(-3600)).judged,
        1
    );
}

#[test]
fn no_more_changes_are_named_than_fit() {
    let (desk, fake, _) = desk();
    enabled(&fake);
    // More than one user may leave, so that they are put in where the desk keeps them.
    let now = clock::now();
    let users = 100;
    for user in 0..users {
        let user = format!("temp{user:03}");
        for service in 0..25 {
            desk.history.remember(
                &user,
                &format!("s{service:02}"),
                crate::history::Came::Granted,
                now,
            );
        }
    }
    let simulation = simulate(&desk, NOBODY);
    assert_eq!((simulation.judged, simulation.more), (2500, 500));
    assert_eq!(simulation.changes.len(), 2000);
    let first = &simulation.changes[0];
    assert_eq!((&*first.service, &*first.user), ("s00", "temp000"));
    let last = &simulation.changes[1999];
    assert_eq!((&*last.service, &*last.user), ("s19", "temp099"));
}

#[test]
fn what_is_remembered_outlives_the_desk() {
    let (desk, fake, _) = desk();
    enabled(&fake);
    come(&desk, "sshd", "alice");
    desk.close();
    let again = crate::desk::fake::again(&fake);
    assert_eq!(simulate(&again, NOBODY).judged, 1);
}

#[test]
fn a_simulation_without_the_store_says_so() {
    let (desk, fake, _) = desk();
    enabled(&fake);
    come(&desk, "sshd", "alice");
    fake.out.store(true, Ordering::Relaxed);
    let text = NOBODY.to_owned();
    let since = Timestamp(0);
    let ask = Request::Admin(Ask::RightsSimulate { text, since });
    let Reply::AdminRefused(error) = desk.answer(Door::Admin, ROOT, ask) else {
        panic!()
    };
    let why = match *error {
        AdminError::Rights(problem) => problem.kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(why, ProblemKind::Store(Verdict::InvalidDatabase));
}
