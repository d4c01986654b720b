//! The site's own words go with the decisions that need them.

use super::*;
use crate::config::{Config, Texts};
use std::path::Path;

const OWN: &str = "[texts]\ncontact = \"ext. 4711\"\n[texts.sentences]\n\
                   LogonFailure = \"No. Ask {admin}.\"\nDisabled = \"Off.\"\n";

fn texts(lines: &str) -> Texts {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("domlogon.toml");
    let domain = "[domain]\nname = \"CORP\"\ndns_name = \"corp.example\"\n";
    std::fs::write(&file, format!("{domain}{lines}")).unwrap();
    Config::read(Path::new(&file)).unwrap().texts
}

fn decided(desk: &Desk, request: Request) -> Decision {
    match desk.answer(Door::Main, ROOT, request) {
        Reply::Decision(decision) => *decision,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reload_puts_the_sites_words_in_force() {
    let (desk, ..) = desk();
    let before = decided(&desk, logon("alice", "wrong"));
    assert_eq!(before.verdict, Verdict::LogonFailure);
    assert_eq!(
        (before.params.contact, before.params.sentences),
        (None, vec![])
    );

    let with = |lines| Config {
        texts: texts(lines),
        ..config()
    };
    desk.configure(with(OWN), host());
    let after = decided(&desk, logon("alice", "wrong"));
    assert_eq!(after.params.contact.as_deref(), Some("ext. 4711"));
    let own = |verdict| vec![(verdict, "No. Ask {admin}.".to_owned())];
    assert_eq!(after.params.sentences, own(Verdict::LogonFailure));
    // Nobody learns from the words which names exist.
    let unknown = decided(&desk, logon("nobody-of-that-name", "wrong"));
    assert_eq!(unknown.params.sentences, own(unknown.verdict));

    desk.configure(with(""), host());
    let again = decided(&desk, logon("alice", "wrong"));
    assert_eq!(again.params.sentences, []);
}

#[test]
fn explain_tells_the_sites_words() {
    let (desk, ..) = desk();
    let config = Config {
        texts: texts(OWN),
        ..config()
    };
    desk.configure(config, host());
    let request = Request::Explain {
        user: name("alice"),
        service: "sshd".to_owned(),
        at: None,
    };
    let Reply::Explanation(told) = desk.answer(Door::Main, ROOT, request) else {
        panic!()
    };
    for decision in [told.with_password, told.without_password] {
        assert_eq!(decision.params.contact.as_deref(), Some("ext. 4711"));
    }
}
