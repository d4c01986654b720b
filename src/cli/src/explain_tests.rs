//! The reports of real evaluations, compared with pages under `tests/explain`.

use super::*;
use crate::time::tests::vienna;
use domlogon_protocol::rights::Entry;
use domlogon_protocol::{LogonHours, Policy, Right, RightName, Sid, Timestamp};
use domlogon_rules::{Account, Flags, Host, Lockout, Membership, Place, Rights, Token, explain};

const DAY: i64 = 86_400;

fn alice(now: Timestamp) -> Account {
    let mut account = Account::new("alice", "S-1-5-21-1-2-3-1001".parse().unwrap());
    account.has_password = true;
    account.password_set = Some(now.plus(-10 * DAY));
    account
}

/// alice, in engineers, who are in contractors; and by Domain Users in Users.
fn token(account: &Account) -> Token {
    let domain = Sid::domain(1, 2, 3);
    let membership = |member: &Sid, group: Sid, name: &str| Membership {
        member: member.clone(),
        group,
        name: name.to_owned(),
    };
    let [engineers, contractors, everybody] = [1100, 1200, 513].map(|rid| domain.with_rid(rid));
    let memberships = [
        membership(&account.sid, engineers.clone(), "engineers"),
        membership(&engineers, contractors, "contractors"),
        membership(&account.sid, everybody.clone(), "Domain Users"),
        membership(&everybody, Sid::builtin(545), "Users"),
    ];
    Token::traced(&account.name, account.sid.clone(), &memberships)
}

fn contractors() -> Entry {
    Entry {
        written: "CORP\\contractors".to_owned(),
        sid: Some(Sid::domain(1, 2, 3).with_rid(1200)),
        name: Some("contractors".to_owned()),
    }
}

/// The built-in holders, but for this list.
fn with(name: RightName, entries: Vec<Entry>) -> Rights {
    let mut rights = Rights::new(7);
    rights.set(name, entries);
    rights
}

fn judged(account: &Account, name: &str, rights: &Rights) -> Explanation {
    let host = Host {
        short: "ws1".to_owned(),
        fqdn: "ws1.corp.example".to_owned(),
    };
    let class = rights.service(name);
    let place = Place {
        service: name,
        logon_type: class.logon_type,
        can_change: class.can_change,
        host: &host,
        domain: "CORP",
        rights,
    };
    explain(
        account,
        &token(account),
        &Policy::default(),
        &place,
        vienna().now,
    )
}

fn text(account: &Account, service: &str, marks: Marks) -> String {
    text_with(account, service, &Rights::default(), marks)
}

fn text_with(account: &Account, service: &str, rights: &Rights, marks: Marks) -> String {
    Report {
        user: "ALICE",
        service,
        explanation: &judged(account, service, rights),
        clock: &vienna(),
        marks,
    }
    .text()
}

/// Compares with the page of this name. To write the pages anew after a wanted change,
/// set WRITE_PAGES=1, and read the difference.
fn same_as_page(name: &str, text: &str) {
    let path = format!("{}/tests/explain/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if env::var_os("WRITE_PAGES").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page == text, "{path} differs from:\n{text}");
}

#[test]
fn outside_the_hours_by_ssh() {
    let mut account = alice(vienna().now);
    let mut hours = LogonHours::NEVER;
    (1..=5).for_each(|day| (8..17).for_each(|hour| hours.allow(day * 24 + hour)));
    account.hours = Some(hours);
    account.workstations = vec!["pc1".to_owned(), "pc2".to_owned()];
    same_as_page("hours-sshd", &text(&account, "sshd", Marks::Words));
    same_as_page("hours-sshd-signs", &text(&account, "sshd", Marks::Signs));
}

#[test]
fn locked_at_the_console_and_in_a_job() {
    let mut account = alice(vienna().now);
    account.lockout = Lockout {
        count: 10,
        last_bad: Some(vienna().now.plus(-60)),
        since: Some(vienna().now.plus(-60)),
    };
    same_as_page("locked-login", &text(&account, "login", Marks::Words));
    let rights = with(RightName::allow(Right::Batch), vec![contractors()]);
    let page = text_with(&account, "cron", &rights, Marks::Words);
    same_as_page("locked-cron", &page);
}

#[test]
fn must_change_where_it_can_and_where_it_cannot() {
    let mut account = alice(vienna().now);
    account.password_set = None;
    same_as_page("must-change-login", &text(&account, "login", Marks::Signs));
    same_as_page("must-change-ftp", &text(&account, "vsftpd", Marks::Words));
}

#[test]
fn nothing_in_the_way() {
    let account = alice(vienna().now);
    same_as_page("granted-sudo", &text(&account, "sudo", Marks::Signs));
}

#[test]
fn the_right_by_everyone_by_a_group_and_by_nobody() {
    let account = alice(vienna().now);
    let network = RightName::allow(Right::Network);
    let page = |name: &str, service: &str, rights: &Rights| {
        let text = text_with(&account, service, rights, Marks::Words);
        same_as_page(name, &text);
    };
    let everyone = Entry {
        written: "S-1-1-0".to_owned(),
        sid: Some(Sid::everyone()),
        name: Some("Everyone".to_owned()),
    };
    page(
        "right-everyone",
        "sshd",
        &with(network, vec![contractors_of_nobody(), everyone]),
    );
    let deny = with(RightName::deny(Right::Network), vec![contractors()]);
    page("right-denied", "sshd", &deny);
    page("right-not-listed", "cron", &Rights::new(7));
    page("right-empty", "vsftpd", &with(network, Vec::new()));
    page("right-none", "login", &Rights::none(8));
    let mut audit = deny;
    audit.set_audit(RightName::deny(Right::Network), true);
    page("right-audit", "sshd", &audit);
    same_as_page(
        "right-audit-signs",
        &text_with(&account, "sshd", &audit, Marks::Signs),
    );
    let mut closed = Rights::new(7);
    closed.map_service("vsftpd", LogonType::Deny, None);
    page("service-closed", "vsftpd", &closed);
}

/// An entry that is none of alice's groups.
fn contractors_of_nobody() -> Entry {
    Entry {
        sid: None,
        name: None,
        ..contractors()
    }
}

#[test]
fn the_right_in_json() {
    let account = alice(vienna().now);
    let deny = RightName::deny(Right::Network);
    let mut rights = with(deny, vec![contractors()]);
    let json = |rights: &Rights| {
        Report {
            user: "alice",
            service: "sshd",
            explanation: &judged(&account, "sshd", rights),
            clock: &vienna(),
            marks: Marks::Words,
        }
        .json()
    };
    let step = |json: &Value| {
        let mut steps = json["steps"].as_array().unwrap().iter();
        let step = steps.find(|step| step["rule"] == "logon right").unwrap();
        (step["outcome"].clone(), step["fact"].clone())
    };
    let refused = json(&rights);
    let (outcome, fact) = step(&refused);
    assert_eq!(outcome, "decided");
    assert_eq!(fact["right"], "SeNetworkLogonRight");
    assert_eq!(fact["list"], "SeDenyNetworkLogonRight");
    assert_eq!(fact["source"], "file");
    assert_eq!(fact["entry"]["written"], "CORP\\contractors");
    assert_eq!(fact["entry"]["sid"], "S-1-5-21-1-2-3-1200");
    assert_eq!(fact["chain"], json!(["alice", "engineers", "contractors"]));
    assert_eq!(fact["version"], 7);
    assert_eq!(refused["with_password"]["verdict"]["number"], 1385);
    assert_eq!(
        refused["with_password"]["cure"],
        json!([
            "domlogon rights revoke 'deny network' 'CORP\\contractors'",
            "or: domlogon group remove-member contractors engineers"
        ])
    );
    rights.set_audit(deny, true);
    let audited = json(&rights);
    assert_eq!(step(&audited).0, "audited");
    assert_eq!(audited["granted"], true);
    assert_eq!(audited["audited"], true);
    assert_eq!(audited["with_password"]["cure"], json!([]));
}

#[test]
fn the_same_in_json() {
    let mut account = alice(vienna().now);
    account.flags = account.flags.with(Flags::ACCOUNTDISABLE);
    account.expires = Some(vienna().now.plus(-DAY));
    let report = Report {
        user: "ALICE",
        service: "sshd",
        explanation: &judged(&account, "sshd", &Rights::default()),
        clock: &vienna(),
        marks: Marks::Words,
    };
    let json = report.json();
    assert_eq!(json["user"], "alice");
    assert_eq!(json["at"], "2026-11-23T07:00:00Z");
    assert_eq!(json["granted"], false);
    assert_eq!(json["logon_type"], "network");
    let with = &json["with_password"];
    assert_eq!(with["decided_by"], "disabled");
    assert_eq!(with["verdict"]["symbol"], "ERROR_ACCOUNT_DISABLED");
    assert_eq!(with["verdict"]["number"], 1331);
    assert_eq!(with["verdict"]["ntstatus"], "0xC0000072");
    assert_eq!(with["cure"][0], "domlogon user set alice --disabled no");
    assert_eq!(
        with["sentence"],
        "The account alice is disabled. Contact your administrator."
    );
    assert_eq!(json["pam"]["authenticate"]["symbol"], "PAM_SUCCESS");
    assert_eq!(json["pam"]["account"]["number"], 6);
    let outcomes: Vec<&str> = json["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["outcome"].as_str().unwrap())
        .collect();
    let decided = |outcome: &&&str| **outcome == "decided";
    assert_eq!(outcomes.iter().filter(decided).count(), 1);
    assert!(outcomes.contains(&"would_refuse"), "{outcomes:?}");
    let end = json["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["rule"] == "account expires")
        .unwrap();
    assert_eq!(end["fact"]["expires_at"], "2026-11-22T07:00:00Z");
}
