//! The README's table of conditions is printed from THE table, and checked here.
//!
//! `UPDATE=1 cargo test -p domlogon-protocol --test readme` writes it anew.

use domlogon_protocol::{
    AuthCode, Calendar, Decision, LogonType, PamCode, Raised, Rule, Timestamp, Verdict, sentence,
};
use std::fmt::Write as _;

const START: &str = "<!-- conditions: start (printed from src/protocol/src/verdict.rs) -->\n";
const END: &str = "<!-- conditions: end -->\n";

struct Example;

impl Calendar for Example {
    fn show(&self, _: Timestamp) -> String {
        "Mon 23 Nov 2026 08:00 CET".to_owned()
    }
}

#[test]
fn the_table_of_conditions_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).expect("README.md is beside src");
    let (before, rest) = readme.split_once(START).expect("the start mark");
    let (printed, after) = rest.split_once(END).expect("the end mark");
    let table = table();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, format!("{before}{START}{table}{END}{after}")).expect("written");
    } else {
        assert_eq!(printed, table, "run with UPDATE=1 to print it anew");
    }
}

fn table() -> String {
    let mut text = String::from(
        "| condition | symbol and number | authenticate | account | change: before / at | what the person reads |\n|---|---|---|---|---|---|\n",
    );
    for verdict in Verdict::ALL {
        let row = verdict.row();
        if row.raised != Raised::Embedded {
            continue;
        }
        let authenticate = match row.codes.authenticate {
            AuthCode::Never => "–".to_owned(),
            AuthCode::Now(code) => short(code),
            AuthCode::SshdDefers(code) => format!("{} ¹", short(code)),
        };
        writeln!(
            text,
            "| {} | `{}` {} | {} | {} | {} / {} | {} |",
            row.meaning,
            row.symbol,
            row.number,
            authenticate,
            row.codes.account.map_or("–".to_owned(), short),
            row.codes.preliminary.map_or("–".to_owned(), short),
            row.codes.update.map_or("–".to_owned(), short),
            sentence(&example(verdict), &Example).unwrap_or_else(|| "–".to_owned()),
        )
        .expect("writing to a string");
    }
    text
}

fn short(code: PamCode) -> String {
    code.symbol().trim_start_matches("PAM_").to_owned()
}

fn example(verdict: Verdict) -> Decision {
    let mut decision = Decision::new(verdict, Rule::Local);
    let params = &mut decision.params;
    params.user = "alice".to_owned();
    params.domain = "CORP".to_owned();
    params.host = "ws1".to_owned();
    params.service = "ftp".to_owned();
    params.logon_type = Some(match verdict {
        Verdict::InvalidLogonType => LogonType::Deny,
        _ => LogonType::Network,
    });
    params.minutes = Some(30);
    params.until = Some(Timestamp(0));
    params.next_allowed = Some(Timestamp(0));
    params.next_change = Some(Timestamp(0));
    params.min_length = Some(8);
    params.max_length = Some(256);
    params.history = Some(24);
    decision
}
