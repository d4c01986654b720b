//! The reports of real evaluations, compared with pages under `tests/explain`.

use super::*;
use crate::time::tests::vienna;
use domlogon_protocol::{LogonHours, Policy, Timestamp};
use domlogon_rules::{Account, Everybody, Flags, Host, Lockout, Place, explain, service};

const DAY: i64 = 86_400;

fn alice(now: Timestamp) -> Account {
    let mut account = Account::new("alice", "S-1-5-21-1-2-3-1001".parse().unwrap());
    account.has_password = true;
    account.password_set = Some(now.plus(-10 * DAY));
    account
}

fn judged(account: &Account, name: &str) -> Explanation {
    let host = Host {
        short: "ws1".to_owned(),
        fqdn: "ws1.corp.example".to_owned(),
    };
    let class = service(name);
    let place = Place {
        service: name,
        logon_type: class.logon_type,
        can_change: class.can_change,
        host: &host,
        domain: "CORP",
    };
    explain(
        account,
        &Policy::default(),
        &place,
        &Everybody,
        vienna().now,
    )
}

fn text(account: &Account, service: &str, marks: Marks) -> String {
    Report {
        user: "ALICE",
        service,
        explanation: &judged(account, service),
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
    same_as_page("locked-cron", &text(&account, "cron", Marks::Words));
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
fn the_same_in_json() {
    let mut account = alice(vienna().now);
    account.flags = account.flags.with(Flags::ACCOUNTDISABLE);
    account.expires = Some(vienna().now.plus(-DAY));
    let report = Report {
        user: "ALICE",
        service: "sshd",
        explanation: &judged(&account, "sshd"),
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
