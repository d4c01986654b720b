//! What is shown of the rights: lists, state, a test and a simulation.

use super::{DENY, FILE, NETWORK, checked, entry, status};
use crate::{Daemon, NOW, err, out, reply, status_with};
use domlogon_protocol::admin::{self, AdminError};
use domlogon_protocol::rights::{
    Change, Loaded, Problem, ProblemKind, RightsShown, RightsStatus, ServiceShown, Simulation,
    Source,
};
use domlogon_protocol::{
    Basis, Decision, Explanation, Fact, LogonType, Outcome, Reply, Request, Right, RightFact,
    RightName, Rule, Step, Timestamp, Verdict,
};
use serde_json::json;
use std::fs;

/// Compares with the page of this name beside this file. To write the pages anew after a
/// wanted change, set WRITE_PAGES=1, and read the difference.
fn same_as_page(name: &str, text: &str) {
    let path = format!("{}/tests/rights/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("WRITE_PAGES").is_some() {
        fs::write(&path, text).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap();
    assert!(page == text, "{path} differs from:\n{text}");
}

#[test]
fn the_lists_are_shown_with_their_state() {
    let daemon = Daemon::answering(|_| {
        let mut checked = checked(FILE, &[]).unwrap();
        let mut status = status("/etc/domlogon/rights.toml");
        status.loaded = Loaded::LastGood;
        status.refused = Some(Problem {
            place: Some((3, 9)),
            kind: ProblemKind::NobodyDenied(DENY, "ghost".to_owned()),
        });
        status.warnings = vec![Problem {
            place: None,
            kind: ProblemKind::NoAdministrator,
        }];
        status.audit = vec![DENY];
        let deny = checked
            .lists
            .iter_mut()
            .find(|list| list.name == DENY)
            .unwrap();
        deny.audit = true;
        deny.entries.push(entry("S-1-5-21-9-9-9-9"));
        reply(admin::Reply::Rights(Box::new(RightsShown {
            status,
            lists: checked.lists,
            services: vec![ServiceShown {
                service: "other".to_owned(),
                logon_type: LogonType::Deny,
                can_change: false,
            }],
        })))
    });
    let output = daemon.run(&["rights", "list"]);
    assert_eq!(output.status.code(), Some(0));
    // The sentence is the protocol's.
    let sentence = ProblemKind::NobodyDenied(DENY, "ghost".to_owned()).to_string();
    same_as_page("list", &out(&output).replace(&sentence, "…ghost…"));

    let only = out(&daemon.run(&["rights", "list", "deny-network"]));
    assert!(only.contains("Deny access to this computer"), "{only}");
    assert!(
        !only.contains("(SeNetworkLogonRight)") && !only.contains("SERVICE"),
        "{only}"
    );

    let (all, code) = daemon.json(&["rights", "list"]);
    assert_eq!(code, Some(0));
    assert_eq!(all["loaded"], "last_good");
    assert_eq!(all["version"], 7);
    assert_eq!(all["file_refused"]["kind"], "nobody_denied");
    assert_eq!(all["file_refused"]["line"], 3);
    assert_eq!(all["warnings"][0]["kind"], "no_administrator");
    assert_eq!(all["audit"], json!(["SeDenyNetworkLogonRight"]));
    assert_eq!(all["lists"].as_array().unwrap().len(), 10);
    let network = &all["lists"][2];
    assert_eq!(network["right"], "SeNetworkLogonRight");
    assert_eq!(network["source"], "file");
    assert_eq!(
        network["holders"][1],
        json!({"written": "CORP\\Staff", "name": "Staff", "sid": "S-1-5-21-1-2-3-1100"})
    );
    assert_eq!(all["lists"][0]["source"], "default");
    assert_eq!(all["services"][0]["logon_type"], "deny");
}

#[test]
fn status_tells_of_a_file_that_was_not_taken() {
    let asked = |change: fn(&mut RightsStatus)| {
        let mut rights = status("/etc/domlogon/rights.toml");
        change(&mut rights);
        let daemon = Daemon::answering(move |_| status_with(Verdict::Success, rights.clone()));
        let output = daemon.run(&["status"]);
        let (json, _) = daemon.json(&["status"]);
        (out(&output), output.status.code(), json)
    };
    let (text, code, json) = asked(|_| {});
    assert_eq!(code, Some(0));
    assert!(
        text.contains("version 7 from /etc/domlogon/rights.toml, taken Mon"),
        "{text}"
    );
    assert_eq!(json["rights"]["loaded"], "file");
    let (text, code, json) = asked(|status| {
        status.loaded = Loaded::Nothing;
        status.refused = Some(Problem {
            place: Some((4, 1)),
            kind: ProblemKind::Syntax("unexpected end".to_owned()),
        });
    });
    assert_eq!(code, Some(1));
    assert!(
        text.contains("NONE: nobody of the domain may log on"),
        "{text}"
    );
    assert!(
        text.contains("NOT TAKEN: /etc/domlogon/rights.toml:4:1: unexpected end\n"),
        "{text}"
    );
    assert!(
        text.contains("domlogon check /etc/domlogon/rights.toml"),
        "{text}"
    );
    assert_eq!(json["rights"]["file_refused"]["line"], 4);
    let (text, code, _) = asked(|status| {
        status.audit = vec![NETWORK, DENY];
        status.loaded = Loaded::Default;
    });
    assert_eq!(code, Some(0));
    assert!(
        text.contains("Audit mode        ON for network, deny network: what"),
        "{text}"
    );
    assert!(text.contains("the built-in holders, since"), "{text}");
}

fn fact(basis: Basis) -> RightFact {
    RightFact {
        logon_type: LogonType::Network,
        right: Some(Right::Network),
        basis,
        version: 7,
    }
}

fn decided_by(list: RightName, written: &str, chain: &[&str]) -> RightFact {
    fact(Basis::Entry {
        list,
        source: Source::File,
        entry: entry(written),
        chain: chain.iter().map(|name| (*name).to_owned()).collect(),
    })
}

fn explained(outcome: Outcome, fact: RightFact, decision: Decision) -> Reply {
    Reply::Explanation(Box::new(Explanation {
        at: NOW,
        logon_type: fact.logon_type,
        can_change: true,
        steps: vec![Step {
            rule: Rule::LogonRight,
            outcome,
            fact: Fact::Right(Box::new(fact)),
        }],
        with_password: decision.clone(),
        without_password: decision,
    }))
}

#[test]
fn a_test_names_the_entry_the_chain_and_the_cure() {
    let chain = ["alice", "engineers", "Staff"];
    let granted = Decision::new(Verdict::Success, Rule::AllPassed);
    let refused = Decision::new(Verdict::LogonTypeNotGranted, Rule::LogonRight);
    let at_night = Decision::new(Verdict::InvalidLogonHours, Rule::LogonHours);
    let everyone = decided_by(NETWORK, "Everyone", &["alice", "Everyone"]);
    let not_listed = fact(Basis::NotListed {
        source: Source::File,
        entries: 2,
    });
    let denied = || decided_by(DENY, "Staff", &chain);
    for (reply, code, lines) in [
        (
            explained(Outcome::Passed, everyone.clone(), granted.clone()),
            0,
            &[
                "alice by the service sshd: granted\n",
                "  Right needed         SeNetworkLogonRight (\"Access this computer from the network\")\n",
                "  Decided by the list  SeNetworkLogonRight, from the file\n",
                "  Entry                Everyone, S-1-1-0\n",
                "  Membership           alice → Everyone\n",
                "  Lists                version 7\n",
            ][..],
        ),
        (
            explained(Outcome::Decided, denied(), refused.clone()),
            1,
            &[
                "alice by the service sshd: refused\n",
                "  Membership           alice → engineers → Staff\n",
                "  Cure                 domlogon rights revoke 'deny network' Staff\n",
                "  or: domlogon group remove-member Staff engineers\n",
            ],
        ),
        (
            explained(Outcome::Decided, not_listed, refused),
            1,
            &["  Cure          domlogon rights grant network alice\n"],
        ),
        (
            explained(Outcome::Audited, denied(), granted),
            0,
            &["let in by audit mode, would be refused\n", "rights revoke"],
        ),
        (
            explained(Outcome::Passed, everyone, at_night),
            0,
            &[
                "granted\n",
                "(logon hours): domlogon explain alice --service sshd\n",
            ],
        ),
    ] {
        let daemon = Daemon::answering(move |_| reply.clone());
        let output = daemon.run(&["rights", "test", "alice", "--service", "sshd"]);
        assert_eq!(output.status.code(), Some(code), "{}", out(&output));
        for line in lines {
            assert!(out(&output).contains(line), "{line}: {}", out(&output));
        }
        let (json, _) = daemon.json(&["rights", "test", "alice", "--service", "sshd"]);
        assert_eq!(json["granted"], code == 0);
        assert_eq!(json["right"]["right"], "SeNetworkLogonRight");
    }
}

fn simulation() -> Simulation {
    let change =
        |user: &str, service: &str, now: (RightFact, bool), then: (RightFact, bool)| Change {
            user: user.to_owned(),
            service: service.to_owned(),
            last: NOW.plus(-3600),
            now,
            then,
        };
    let by_everyone = || (decided_by(NETWORK, "Everyone", &["x", "Everyone"]), true);
    let empty = || {
        let basis = Basis::NotListed {
            source: Source::File,
            entries: 0,
        };
        (fact(basis), false)
    };
    let denied = (
        decided_by(DENY, "Staff", &["alice", "engineers", "Staff"]),
        false,
    );
    Simulation {
        warnings: vec![Problem {
            place: Some((2, 1)),
            kind: ProblemKind::NoAdministrator,
        }],
        since: NOW.plus(-7 * 86_400),
        remembered_since: Some(NOW.plus(-86_400)),
        judged: 12,
        gone: 1,
        changes: vec![
            change("bob", "vsftpd", by_everyone(), empty()),
            change("carol", "sshd", empty(), by_everyone()),
            change("alice", "sshd", by_everyone(), denied),
        ],
        more: 0,
    }
}

#[test]
fn a_simulation_shows_by_service_who_would_be_refused_and_admitted() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("new.toml");
    fs::write(&file, FILE).unwrap();
    let path = file.to_str().unwrap();
    let daemon =
        Daemon::answering(|_| reply(admin::Reply::RightsSimulated(Box::new(simulation()))));
    let output = daemon.run(&["rights", "simulate", path, "--since", "12h"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let text = out(&output).replace(path, "new.toml");
    same_as_page("simulate", &text);
    let (json, _) = daemon.json(&["rights", "simulate", path]);
    assert_eq!(json["judged"], 12);
    assert_eq!(json["newly_refused"][0]["user"], "bob");
    assert_eq!(
        json["newly_refused"][1]["then"]["right"]["chain"][1],
        "engineers"
    );
    assert_eq!(json["newly_admitted"][0]["service"], "sshd");
    let since: Vec<Timestamp> = daemon
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|request| match request {
            Request::Admin(admin::Request::RightsSimulate { text, since }) if text == FILE => {
                *since
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(since[0].since(since[1]), (7 * 24 - 12) * 3600);
}

#[test]
fn a_simulation_without_a_new_refusal_exits_with_0_and_of_a_broken_file_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("new.toml");
    fs::write(&file, "[rights]\nSeX = []\n").unwrap();
    let path = file.to_str().unwrap();
    let daemon = Daemon::answering(|_| {
        let mut simulation = simulation();
        simulation.changes.retain(|change| change.then.1);
        simulation.remembered_since = None;
        reply(admin::Reply::RightsSimulated(Box::new(simulation)))
    });
    let output = daemon.run(&["rights", "simulate", path]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        out(&output).contains("No logon is remembered yet"),
        "{}",
        out(&output)
    );
    let daemon = Daemon::answering(|_| {
        Reply::AdminRefused(Box::new(AdminError::Rights(Box::new(Problem {
            place: Some((2, 1)),
            kind: ProblemKind::UnknownRight("SeX".to_owned()),
        }))))
    });
    let output = daemon.run(&["rights", "simulate", path]);
    assert_eq!(output.status.code(), Some(1));
    let text = err(&output);
    assert!(
        text.contains(&format!("{path}:2:1: there is no right \"SeX\"")),
        "{text}"
    );
    assert!(text.contains("\n  2 | SeX = []\n    | ^\n"), "{text}");
    assert_eq!(
        daemon
            .run(&["rights", "simulate", "/nowhere"])
            .status
            .code(),
        Some(2)
    );
}
