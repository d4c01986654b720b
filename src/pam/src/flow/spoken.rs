//! Tests of what is said: in the person's language, and in the site's words.

use super::scripted::{Answer, PRELIM, Scripted, UPDATE, arguments, decision};
use super::{Flags, account, authenticate, change};
use domlogon_protocol::{Decision, Notice, PamCode, Reply, Verdict};

fn pass(host: &Scripted, flags: i32) -> PamCode {
    change(host, Flags(flags), arguments("retry=1"))
}

fn says(host: Scripted, decision: &Decision) -> Scripted {
    host.replies(Reply::Decision(Box::new(decision.clone())))
}

#[test]
fn every_prompt_and_message_is_in_the_persons_language() {
    let host = Scripted::new("")
        .foreign()
        .alive()
        .types(&["alice", "pw"])
        .decides(Verdict::LogonFailure);
    assert_eq!(
        authenticate(&host, Flags(0), arguments("")),
        PamCode::AuthErr
    );
    assert_eq!(
        host.seen(),
        [
            "! «login: »",
            "? «Password: »",
            "E «User name or password is not right.»"
        ]
    );

    let host = Scripted::new("alice")
        .foreign()
        .known()
        .ready()
        .types(&["old", "new", "new"])
        .checks(Verdict::Success)
        .decides(Verdict::Success);
    assert_eq!(pass(&host, PRELIM), PamCode::Success);
    assert_eq!(pass(&host, UPDATE), PamCode::Success);
    assert_eq!(
        host.seen(),
        [
            "? «Current password: »",
            "I «The new password needs at least 8 characters.»",
            "? «New password: »",
            "? «Retype new password: »",
            "I «Password changed.»"
        ]
    );

    let mut granted = decision(Verdict::MustChange);
    granted.notices = vec![Notice::ChangeBeforeNextLogon];
    let host = says(Scripted::new("alice").foreign(), &granted);
    assert_eq!(
        account(&host, Flags(0), arguments("")),
        PamCode::NewAuthtokReqd
    );
    assert!(host.seen().iter().all(|said| said.starts_with("I «")));

    let host = Scripted::new("alice").foreign().answer(Answer::IsAway);
    assert_eq!(account(&host, Flags(0), arguments("")), PamCode::PermDenied);
    assert_eq!(
        host.seen(),
        ["E «The logon service on ws1 is not running. Contact «your administrator».»"]
    );
}

#[test]
fn the_sites_words_are_in_the_language_they_were_written_in() {
    let mut refused = decision(Verdict::Disabled);
    refused.params.contact = Some("the help desk, ext. 4711".to_owned());
    let host = says(Scripted::new("alice").foreign(), &refused);
    account(&host, Flags(0), arguments(""));
    assert_eq!(
        host.seen(),
        ["E «The account alice is disabled. Contact the help desk, ext. 4711.»"]
    );
    let own = "{user}: ask {admin} about {host}.".to_owned();
    refused.params.sentences = vec![(Verdict::Disabled, own)];
    let host = says(Scripted::new("alice").foreign(), &refused);
    account(&host, Flags(0), arguments(""));
    assert_eq!(
        host.seen(),
        ["E alice: ask the help desk, ext. 4711 about ws1."]
    );
}

#[test]
fn another_domains_name_and_an_unknown_one_look_alike_in_the_sites_words_too() {
    let seen = |verdict, own| {
        let mut refused = decision(verdict);
        refused.params.sentences = vec![(own, "No. See https://help.example.".to_owned())];
        let host = says(
            Scripted::new("OTHER\\alice").alive().types(&["pw"]),
            &refused,
        );
        authenticate(&host, Flags(0), arguments(""));
        assert_eq!(host.password().as_deref(), Some("pw"));
        host.seen()
    };
    let unknown = seen(Verdict::UserNotFound, Verdict::UserNotFound);
    let elsewhere = seen(Verdict::UserNotInResdom, Verdict::UserNotFound);
    assert_eq!(unknown, elsewhere);
    assert_eq!(unknown[1], "E No. See https://help.example.");
}

/// What is told where a server of the domain is away fits what the person wants.
#[test]
fn an_unreachable_domain_is_told_as_what_it_means_here() {
    const LOGON: &str =
        "E The domain CORP cannot be reached. Try again later, or use a local account.";
    const CHANGE: &str = "E Password changes are not possible now: the main server of the domain \
                          CORP cannot be reached. Your password is unchanged.";
    for verdict in [
        Verdict::LogonServerNotFound,
        Verdict::DcNotFound,
        Verdict::BadNetpath,
        Verdict::NetNotStarted,
        Verdict::NotPrimary,
        Verdict::RegistryNotFound,
        Verdict::SyncRequired,
        Verdict::DatabaseUpToDate,
    ] {
        let mut away = decision(verdict);
        away.params.domain = "CORP".to_owned();
        let host = says(Scripted::new("alice"), &away);
        account(&host, Flags(0), arguments(""));
        assert_eq!(host.seen(), [LOGON], "{verdict:?}");
        let host = says(Scripted::new("alice").alive().types(&["pw"]), &away);
        let code = authenticate(&host, Flags(0), arguments(""));
        assert_eq!(code, PamCode::AuthinfoUnavail);
        assert_eq!(host.seen()[1..], [LOGON]);
        let host = Scripted::new("alice")
            .uid(0)
            .known()
            .replies(Reply::Preliminary {
                decision: Box::new(away.clone()),
                rules: None,
            });
        assert_eq!(pass(&host, PRELIM), PamCode::TryAgain);
        assert_eq!(host.seen(), [CHANGE], "{verdict:?}");
        // The site's own sentence for it stands.
        away.params.sentences = vec![(verdict, "Away.".to_owned())];
        let host = says(Scripted::new("alice"), &away);
        account(&host, Flags(0), arguments(""));
        assert_eq!(host.seen(), ["E Away."]);
    }
}
