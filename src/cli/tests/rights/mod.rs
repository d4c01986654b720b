//! `domlogon rights`, against a daemon that reads the file as the real one does, but for
//! a domain of four names.

mod change;
mod show;

use super::NOW;
use domlogon_protocol::rights::{
    Checked, Entry, ListShown, Loaded, Problem, ProblemKind, RightsStatus, Source,
};
use domlogon_protocol::{Right, RightName, Sid, Side};
use domlogon_rules::{Rights, well_known};

const NETWORK: RightName = RightName::allow(Right::Network);
const DENY: RightName = RightName::deny(Right::Network);

pub(crate) fn status(file: &str) -> RightsStatus {
    RightsStatus {
        file: file.to_owned(),
        loaded: Loaded::File,
        version: 7,
        loaded_at: NOW,
        refused: None,
        warnings: Vec::new(),
        audit: Vec::new(),
    }
}

/// The meaning of a name in the domain.
fn entry(written: &str) -> Entry {
    let domain = Sid::domain(1, 2, 3);
    let own = [
        ("alice", 1001),
        ("bob", 1002),
        ("Staff", 1100),
        ("engineers", 1101),
    ];
    let bare = written.rsplit('\\').next().unwrap_or(written);
    let sid: Option<Sid> = written.parse().ok();
    let found = own
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(bare))
        .map(|(name, rid)| (domain.with_rid(*rid), (*name).to_owned()))
        .or_else(|| well_known::find(written).map(|(sid, name)| (sid, name.to_owned())))
        .or_else(|| {
            let mut own = own.iter();
            let (name, rid) = own.find(|(_, rid)| Some(domain.with_rid(*rid)) == sid)?;
            Some((domain.with_rid(*rid), (*name).to_owned()))
        });
    Entry {
        written: written.to_owned(),
        sid: found.as_ref().map(|(sid, _)| sid.clone()).or(sid),
        name: found.map(|(_, name)| name),
    }
}

/// The place of a text in a file, as line and column.
fn place(text: &str, what: &str) -> Option<(u32, u32)> {
    let (index, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(what))?;
    let column = line.find(what)? + 1;
    Some((u32::try_from(index + 1).ok()?, u32::try_from(column).ok()?))
}

/// The file as the daemon would take it.
fn checked(text: &str, names: &[String]) -> Result<Checked, Box<Problem>> {
    let table: toml::Table = text.parse().map_err(|_| {
        Box::new(Problem {
            place: Some((1, 1)),
            kind: ProblemKind::Syntax("no TOML\nexpected TOML".to_owned()),
        })
    })?;
    let mut lists = Rights::default().shown();
    let mut problems = Vec::new();
    let none = toml::Table::new();
    let rights = table
        .get("rights")
        .and_then(toml::Value::as_table)
        .unwrap_or(&none);
    for (key, value) in rights {
        let name: RightName = key.parse().unwrap();
        let entries: Vec<Entry> = value
            .as_array()
            .unwrap()
            .iter()
            .map(|text| entry(text.as_str().unwrap()))
            .collect();
        for entry in entries.iter().filter(|entry| entry.sid.is_none()) {
            let written = entry.written.clone();
            problems.push(Problem {
                place: place(text, &written),
                kind: match name.side {
                    Side::Allow => ProblemKind::NobodyAllowed(name, written),
                    Side::Deny => ProblemKind::NobodyDenied(name, written),
                },
            });
        }
        let list = lists.iter_mut().find(|list| list.name == name).unwrap();
        *list = ListShown {
            source: Source::File,
            entries,
            ..list.clone()
        };
    }
    let console = lists
        .iter()
        .find(|l| l.name == RightName::allow(Right::Interactive))
        .unwrap();
    let administrators = Some(Sid::builtin(544));
    Ok(Checked {
        administrator_now: true,
        administrator_then: console.entries.iter().any(|e| e.sid == administrators),
        names: names.iter().map(|name| entry(name)).collect(),
        lists,
        problems,
    })
}

const FILE: &str = "\
# Ours.
[rights]
SeNetworkLogonRight = [
  \"Everyone\",
  \"CORP\\\\Staff\", # all of them
]
SeDenyNetworkLogonRight=['bob'] # left
";
