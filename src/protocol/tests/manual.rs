//! What pam_domlogon(8) prints from THE table and from the stacks that are shipped.
//!
//! `UPDATE=1 cargo test --workspace manual` writes it anew.

use domlogon_manual::{Mdoc, packaging, page};
use domlogon_protocol::{
    AuthCode, Calendar, Decision, LogonType, PamCode, Raised, Rule, Timestamp, Told, Verdict,
    sentence,
};

#[test]
fn manual_page_of_pam_domlogon() {
    let parts = [
        ("conditions", conditions()),
        ("stacks", stacks()),
        ("password stack", stack("password")),
    ];
    page("pam_domlogon.8", &parts).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn manual_has_every_row_of_the_table() {
    let text = conditions().text().to_owned();
    for verdict in Verdict::ALL {
        let item = format!(".It Sy \"\\&{verdict:?}\"\n");
        assert!(text.contains(&item), "{verdict:?}");
    }
}

fn conditions() -> Mdoc {
    let mut text = Mdoc::new();
    for (title, raised) in [
        (
            "Raised by the account database and the modules",
            Raised::Embedded,
        ),
        ("Raised by a directory only", Raised::Directory),
        ("Raised by a fault of our own", Raised::Fault),
        (
            "With a place in the table, and raised by nothing yet",
            Raised::NotYet,
        ),
    ] {
        let mut rows = Verdict::ALL
            .into_iter()
            .filter(|verdict| verdict.row().raised == raised)
            .peekable();
        if rows.peek().is_none() {
            continue;
        }
        text.line(&format!(".Ss {title}"))
            .line(".Bl -tag -width Ds");
        for verdict in rows {
            condition(&mut text, verdict);
        }
        text.line(".El");
    }
    text
}

fn condition(text: &mut Mdoc, verdict: Verdict) {
    let row = verdict.row();
    text.item(&format!("{verdict:?}")).prose(row.meaning);
    let mut names = format!("{} {}", row.symbol, row.number);
    for (symbol, number) in row.also {
        names.push_str(&format!(", also {symbol} {number}"));
    }
    if let Some(status) = row.ntstatus {
        names.push_str(&format!("; NTSTATUS 0x{status:08X}"));
    }
    text.line(".br").prose(&format!("{names}."));
    let codes = row.codes;
    let mut hooks = Vec::new();
    let mut hook = |name: &str, code: Option<String>| {
        if let Some(code) = code {
            hooks.push(format!("{name} {code}"));
        }
    };
    let symbol = |code: PamCode| code.symbol().to_owned();
    hook(
        "authenticate",
        match codes.authenticate {
            AuthCode::Never => None,
            AuthCode::Now(code) => Some(symbol(code)),
            AuthCode::SshdDefers(code) => Some(format!("{} (sshd: by account)", code.symbol())),
        },
    );
    hook("account", codes.account.map(symbol));
    if codes.preliminary == codes.update {
        hook("change", codes.update.map(symbol));
    } else {
        hook("change, preliminary", codes.preliminary.map(symbol));
        hook("change, update", codes.update.map(symbol));
    }
    if !hooks.is_empty() {
        text.line(".br").prose(&format!("{}.", hooks.join("; ")));
    }
    if let Some(said) = sentence(&example(verdict), &Example) {
        let whom = match row.told {
            Told::Anyone => "",
            Told::Proven => " Said only to somebody who has proved who he is.",
        };
        text.line(".br").prose(&format!("“{said}”{whom}"));
    }
}

/// The lines of Debian's common files, as they are shipped.
fn stacks() -> Mdoc {
    let mut text = stack("auth");
    text.append(&stack("account"));
    text
}

fn stack(name: &str) -> Mdoc {
    let path = packaging().join(format!("../pam.d/debian/common-{name}"));
    let file = std::fs::read_to_string(path).expect("a stack that is shipped");
    let lines: Vec<String> = file
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .flat_map(narrow)
        .collect();
    let mut text = Mdoc::new();
    text.literal(lines.iter().map(String::as_str));
    text
}

/// A long line as PAM reads it in several: a backslash ends all but the last.
fn narrow(line: &str) -> Vec<String> {
    const WIDTH: usize = 66;
    let mut lines = Vec::new();
    let mut now = String::new();
    for word in line.split_whitespace() {
        if !now.is_empty() && now.trim().len() + word.len() > WIDTH {
            lines.push(format!("{now} \\"));
            now = format!("        {word}");
        } else if now.is_empty() {
            now = word.to_owned();
        } else {
            now = format!("{now} {word}");
        }
    }
    lines.push(now);
    lines
}

struct Example;

impl Calendar for Example {
    fn show(&self, _: Timestamp) -> String {
        "Mon 23 Nov 2026 08:00 CET".to_owned()
    }
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
