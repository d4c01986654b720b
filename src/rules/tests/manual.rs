//! What rights.toml(5) prints from the built-in holders, the map of services and the
//! well-known names.
//!
//! `UPDATE=1 cargo test --workspace manual` writes it anew.

use domlogon_manual::{Mdoc, page};
use domlogon_protocol::{LogonType, Sid};
use domlogon_rules::{Rights, SERVICES, well_known};

#[test]
fn manual_page_of_rights_toml() {
    let parts = [
        ("rights", rights()),
        ("services", services()),
        ("well-known names", names()),
    ];
    page("rights.toml.5", &parts).unwrap_or_else(|error| panic!("{error}"));
}

fn rights() -> Mdoc {
    let mut text = Mdoc::new();
    text.line(".Bl -tag -width Ds");
    for list in Rights::default().shown() {
        let holders: Vec<String> = list
            .entries
            .iter()
            .map(|entry| entry.shown().to_owned())
            .collect();
        let holders = if holders.is_empty() {
            "nobody".to_owned()
        } else {
            holders.join(", ")
        };
        text.item(list.name.symbol()).prose(&format!(
            "{} (for short: {}). Built in: {holders}.",
            list.name.title(),
            list.name.word()
        ));
    }
    text.line(".El");
    text
}

fn services() -> Mdoc {
    let mut text = Mdoc::new();
    text.line(".Bl -tag -width Ds");
    for logon_type in [
        LogonType::Interactive,
        LogonType::RemoteInteractive,
        LogonType::Network,
        LogonType::Batch,
        LogonType::Service,
        LogonType::Unlock,
        LogonType::Permit,
        LogonType::Deny,
    ] {
        let of = |can_change: bool| {
            let rows = SERVICES
                .iter()
                .filter(move |(of, can, _)| *of == logon_type && *can == can_change);
            let names: Vec<&str> = rows
                .flat_map(|(_, _, names)| names.iter().copied())
                .collect();
            names.join(", ")
        };
        let (can, cannot) = (of(true), of(false));
        text.item(&format!("\"{}\"", logon_type.word()));
        match (can.as_str(), cannot.as_str()) {
            ("", "") => text.prose("None is built in."),
            (can, "") => text.prose(&format!("Can change a password: {can}.")),
            ("", cannot) => text.prose(&format!("{cannot}.")),
            (can, cannot) => {
                text.prose(&format!("Can change a password: {can}. Cannot: {cannot}."))
            }
        };
    }
    text.line(".El");
    text
}

fn names() -> Mdoc {
    let sids = core::iter::once(Sid::everyone())
        .chain((1..100).map(Sid::nt_authority))
        .chain((500..1000).map(Sid::builtin));
    let mut text = Mdoc::new();
    text.line(".Bl -column \"Pre-Windows 2000 Compatible Access\" \"S-1-5-32-000\"");
    for sid in sids {
        if let Some(name) = well_known::name_of(&sid) {
            text.line(&format!(
                ".It {name} Ta {}",
                sid.to_string().replace('-', "\\-")
            ));
        }
    }
    text.line(".El");
    text
}
